/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/duty_private.h"

enum { CHANNELS_MOST = 3 };

/* --- what a record says --- */

int duty_state(const struct type *t, const char *meaning)
{
	const struct meaning *m = t ? type_meaning(t, str_of(meaning)) : NULL;
	return m && !m->field ? (int)m->state : -1;
}

const char *duty_field(const struct type *t, const char *meaning)
{
	const struct meaning *m = t ? type_meaning(t, str_of(meaning)) : NULL;
	return m && m->field ? m->field->name : NULL;
}

str duty_text(const struct type *t, struct json_object *body, const char *meaning)
{
	const char *name = duty_field(t, meaning);
	return name ? json_get_str(body, name) : STR_NONE;
}

struct json_object *duty_list(const struct type *t, struct json_object *body, const char *meaning)
{
	const char *name = duty_field(t, meaning);
	return name ? json_get(body, name) : NULL;
}

bool duty_reference(const struct type *t, struct json_object *body, const char *meaning, struct uuid *out)
{
	str type;
	return record_id_parse(duty_text(t, body, meaning), &type, out);
}

str duty_person_id(const struct uuid *person, struct arena *a)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, STR("person"), person);
	str id = arena_str(a, buf_str(&b));
	buf_free(&b);
	return id;
}

/* --- the table of shifts --- */

static enum rc drop_shift(struct conn *c, const struct uuid *id, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM duty_shift WHERE record = ?");
	sql_blob(q, 1, duty_id_bytes(id));
	return sql_run(q, err);
}

static enum rc save_shift(struct conn *c, const struct shift *s, struct err *err)
{
	struct sql *q = sql(c, "INSERT OR REPLACE INTO duty_shift (record, number, person, role, from_us,"
			       " until_us, taken) VALUES (?, ?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, duty_id_bytes(&s->id));
	sql_int(q, 2, (int64_t)s->number);
	sql_blob(q, 3, duty_id_bytes(&s->person));
	sql_int(q, 4, s->role);
	sql_int(q, 5, s->from_us);
	sql_int(q, 6, s->until_us);
	sql_int(q, 7, s->taken);
	return sql_run(q, err);
}

/* False: it is none that counts. */
static bool read_shift(const struct record *r, struct json_object *body, struct shift *out)
{
	const struct type *t = r->type;
	int planned = duty_state(t, "duty.planned"), taken = duty_state(t, "duty.taken");
	*out = (struct shift){ .id = r->id, .number = r->number, .taken = r->state == taken };
	return (r->state == planned || r->state == taken) && !r->labels.exercise &&
	       duty_reference(t, body, "duty.person", &out->person) &&
	       shift_role_parse(duty_text(t, body, "duty.role"), &out->role) &&
	       time_parse(duty_text(t, body, "duty.from"), true, &out->from_us) &&
	       time_parse(duty_text(t, body, "duty.until"), true, &out->until_us);
}

/* Who takes his shift before it begins is on duty from then on. */
static enum rc begin_early(struct tx *tx, struct shift *s, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT from_us FROM duty_shift WHERE record = ? AND taken = 1");
	int64_t from_us = tx_now_us(tx);
	sql_blob(q, 1, duty_id_bytes(&s->id));
	if (sql_row(q))
		from_us = sql_col_int(q, 0);
	if (from_us < s->from_us)
		s->from_us = from_us;
	return sql_end(q, err);
}

static enum rc shift_changed(struct tx *tx, const struct record *now, struct json_object *body,
			     struct err *err)
{
	struct shift s;
	if (!duty_field(now->type, "duty.person"))
		return RC_OK;
	if (now->erased || !read_shift(now, body, &s))
		return drop_shift(tx_conn(tx), &now->id, err);
	if (s.until_us <= s.from_us)
		return fail(err, RC_INPUT, "a shift ends after it begins");
	enum rc rc = s.taken ? begin_early(tx, &s, err) : RC_OK;
	return rc == RC_OK ? save_shift(tx_conn(tx), &s, err) : rc;
}

/* --- by what a person is paged --- */

static enum rc pager_changed(struct tx *tx, const struct record *now, struct json_object *body,
			     struct err *err)
{
	const char *field = duty_field(now->type, "duty.pages");
	struct buf channels = BUF_INIT(KIB(1));
	if (!field)
		return RC_OK;
	struct json_object *list = now->erased ? NULL : json_get(body, field);
	for (size_t i = 0; i < json_count(list) && i < CHANNELS_MOST; i++)
		buf_fmt(&channels, "%s" STR_FMT, i ? " " : "", STR_ARG(json_text(json_at(list, i))));
	struct sql *q = channels.n == 0 ?
				sql(tx_conn(tx), "DELETE FROM duty_pager WHERE person = ?") :
				sql(tx_conn(tx), "INSERT OR REPLACE INTO duty_pager (person, channels) VALUES (?, ?)");
	sql_blob(q, 1, duty_id_bytes(&now->id));
	if (channels.n > 0)
		sql_str(q, 2, buf_str(&channels));
	enum rc rc = sql_run(q, err);
	buf_free(&channels);
	return rc;
}

static enum rc channels_of(struct conn *c, const struct uuid *person, struct arena *a, str *out,
			   struct err *err)
{
	struct sql *q = sql(c, "SELECT channels FROM duty_pager WHERE person = ?");
	sql_blob(q, 1, duty_id_bytes(person));
	*out = sql_row(q) ? arena_str(a, sql_col_str(q, 0)) : STR("");
	return sql_end(q, err);
}

/* --- whom a clock tells --- */

static const char *driver_of(str channel)
{
	static const char *const drivers[] = { "webhook", "sms", "chat" };
	for (size_t i = 0; i < COUNT_OF(drivers); i++)
		if (str_eq(channel, str_of(drivers[i])))
			return drivers[i];
	return NULL;
}

static enum rc add_person(struct conn *c, const struct shift *s, struct arena *a, struct clock_told *out,
			  size_t *count, struct err *err)
{
	str channels, id = duty_person_id(&s->person, a);
	int64_t after_us = 0;
	out[(*count)++] = (struct clock_told){ .driver = "notice", .recipient = id, .template = "clock.due" };
	enum rc rc = channels_of(c, &s->person, a, &channels, err);
	while (rc == RC_OK && channels.n > 0) {
		const char *driver = driver_of(str_cut(&channels, ' '));
		if (!driver)
			continue;
		out[(*count)++] = (struct clock_told){ .driver = driver, .recipient = id,
						       .template = "duty.page", .after_us = after_us };
		after_us += DUTY_PAGE_GAP;
	}
	return rc;
}

static enum rc find_at(struct conn *c, enum watch who, int64_t at_us, struct arena *a,
		       const struct shift **out, size_t *count_out, struct err *err)
{
	struct roster r;
	enum rc rc = roster_load(c, at_us, at_us + ROSTER_AHEAD, a, &r, err);
	*count_out = rc == RC_OK ? roster_find(&r, who, at_us, out, ROSTER_ON_MOST) : 0;
	return rc;
}

static enum rc find(struct tx *tx, void *ctx, enum watch who, struct arena *a, struct clock_told **out,
		    size_t *count_out, struct err *err)
{
	const struct shift *list[ROSTER_ON_MOST];
	size_t count = 0;
	(void)ctx;
	*count_out = 0;
	*out = ARENA_ARRAY(a, ROSTER_ON_MOST * (1 + CHANNELS_MOST), struct clock_told);
	enum rc rc = find_at(tx_conn(tx), who, tx_now_us(tx), a, list, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = add_person(tx_conn(tx), list[i], a, *out, count_out, err);
	return rc;
}

enum rc duty_tell(struct tx *tx, enum watch who, struct message m, const char *template,
		  str nobody_details, struct arena *a, struct err *err)
{
	struct clock_told *list = NULL;
	size_t count = 0;
	str maker = m.maker;
	enum rc rc = find(tx, NULL, who, a, &list, &count, err);
	if (rc == RC_OK && count == 0) {
		list[count++] = (struct clock_told){ .driver = "notice",
						     .recipient = arena_fmt(a, "role:%s", watch_role(who)) };
		m.details = nobody_details;
	}
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		bool page = strcmp(list[i].driver, "notice") != 0;
		m.driver = str_of(list[i].driver);
		m.recipient = list[i].recipient;
		m.template = str_of(page ? list[i].template : template);
		m.maker = page ? arena_fmt(a, "page:" STR_FMT, STR_ARG(maker)) : maker;
		m.not_before_us = list[i].after_us ? tx_now_us(tx) + list[i].after_us : 0;
		rc = outbox_put(tx, &m, NULL, 0, NULL, err);
	}
	return rc;
}

struct clock_watch duty_watch(struct duty *d)
{
	return (struct clock_watch){ .find = find, .ctx = d };
}

enum rc duty_recipients(struct conn *c, str recipient, struct arena *a, bool *is_duty_out, str **out,
			size_t *count_out, struct err *err)
{
	static const struct {
		str name;
		enum watch who;
	} names[] = { { STR_INIT("duty:now"), WATCH_NOW }, { STR_INIT("duty:next"), WATCH_NEXT } };
	const struct shift *list[ROSTER_ON_MOST];
	enum watch who = WATCH_NONE;
	size_t count = 0;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_eq(recipient, names[i].name))
			who = names[i].who;
	*is_duty_out = who != WATCH_NONE;
	*out = ARENA_ARRAY(a, ROSTER_ON_MOST + 1, str);
	*count_out = 0;
	if (who == WATCH_NONE)
		return RC_OK;
	enum rc rc = find_at(c, who, clock_now_us(), a, list, &count, err);
	for (size_t i = 0; i < count; i++)
		(*out)[(*count_out)++] = duty_person_id(&list[i]->person, a);
	if (rc == RC_OK && count == 0)
		(*out)[(*count_out)++] = arena_fmt(a, "role:%s", watch_role(who));
	return rc;
}

/* --- the hook --- */

/* Most changes are of no concern: a large import is not read twice. */
static bool concerns(const struct type *t)
{
	static const str heads[] = { STR_INIT("duty."), STR_INIT("handover."), STR_INIT("call.") };
	for (size_t i = 0; i < t->mean_count; i++)
		for (size_t h = 0; h < COUNT_OF(heads); h++)
			if (str_starts(str_of(t->means[i].name), heads[h]))
				return true;
	return false;
}

static enum rc changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		       const struct record *now, struct err *err)
{
	struct duty *d = ctx;
	struct json_object *body = NULL;
	enum rc rc = RC_OK;
	(void)r;
	/* A copy of another node's record is that node's business. */
	if (!now->type || now->number == 0 || !concerns(now->type))
		return RC_OK;
	if (now->body.n > 0)
		rc = json_read(now->body, &body, err);
	if (rc == RC_OK)
		rc = shift_changed(tx, now, body, err);
	if (rc == RC_OK)
		rc = pager_changed(tx, now, body, err);
	if (rc == RC_OK)
		rc = handover_changed(tx, d, before, now, body, err);
	if (rc == RC_OK)
		rc = ladder_changed(tx, d, before, now, body, err);
	json_free(body);
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	bool passed = false;
	enum rc rc = pass_on_tend(s, ctx, &passed, err);
	if (rc == RC_OK)
		rc = ladder_tend(s, ctx, did_out, err);
	*did_out = *did_out || passed;
	return rc;
}

enum rc duty_open(const struct duty_node *n, struct duty **out, struct err *err)
{
	struct duty *d = x_alloc(sizeof *d);
	(void)err;
	d->n = *n;
	records_add_hook(n->records, &(struct record_hook){ .changed = changed, .ctx = d });
	store_add_tend(n->store, tend, d);
	*out = d;
	return RC_OK;
}

void duty_close(struct duty *d)
{
	free(d);
}
