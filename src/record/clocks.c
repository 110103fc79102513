/* SPDX-License-Identifier: Apache-2.0 */
#include "record/clocks.h"

#include "base/arena.h"
#include "base/json.h"

enum { WORDS_MAX = 1000, MAKER_MAX = RECORD_ID_BYTES + TYPE_NAME_MAX + 64 };

/* --- rows --- */

static void bind_time(struct sql *q, int at, int64_t us)
{
	if (us == TIME_NONE)
		sql_null(q, at);
	else
		sql_int(q, at, us);
}

static int64_t col_time(struct sql *q, int at)
{
	return sql_col_null(q, at) ? TIME_NONE : sql_col_int(q, at);
}

static str id_bytes(const struct uuid *id)
{
	return str_mem(id->b, sizeof id->b);
}

#define COLUMNS "rule, started_us, due_us, left_us, stopped_us, step, paused, next_us, noted_by"

static void take_row(struct sql *q, struct arena *a, struct record_clock *out)
{
	*out = (struct record_clock){
		.rule = arena_str(a, sql_col_str(q, 0)),
		.state = { .started_us = col_time(q, 1), .due_us = col_time(q, 2),
			   .left_us = sql_col_int(q, 3), .stopped_us = col_time(q, 4),
			   .step = (unsigned)sql_col_int(q, 5), .paused = sql_col_int(q, 6) != 0 },
		.next_us = col_time(q, 7),
		.noted_by = arena_str(a, sql_col_str(q, 8)),
	};
}

enum rc clocks_of(struct conn *c, struct uuid record, struct arena *a, struct record_clock **out,
		  size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM record_clock WHERE record = ? ORDER BY rule");
	*out = ARENA_ARRAY(a, TYPE_CLOCKS_MAX, struct record_clock);
	*count_out = 0;
	sql_blob(q, 1, id_bytes(&record));
	while (sql_row(q) && *count_out < TYPE_CLOCKS_MAX)
		take_row(q, a, &(*out)[(*count_out)++]);
	return sql_end(q, err);
}

static enum rc load_one(struct conn *c, struct uuid record, str rule, struct arena *a, bool *found_out,
			struct record_clock *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM record_clock WHERE record = ? AND rule = ?");
	sql_blob(q, 1, id_bytes(&record));
	sql_str(q, 2, rule);
	*found_out = sql_row(q);
	if (*found_out)
		take_row(q, a, out);
	return sql_end(q, err);
}

static enum rc save(struct conn *c, struct uuid record, const struct record_clock *k, struct err *err)
{
	struct sql *q = sql(c, "INSERT OR REPLACE INTO record_clock (record, " COLUMNS ")"
			       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, id_bytes(&record));
	sql_str(q, 2, k->rule);
	bind_time(q, 3, k->state.started_us);
	bind_time(q, 4, k->state.due_us);
	sql_int(q, 5, k->state.left_us);
	bind_time(q, 6, k->state.stopped_us);
	sql_int(q, 7, k->state.step);
	sql_int(q, 8, k->state.paused);
	bind_time(q, 9, k->next_us);
	sql_str(q, 10, k->noted_by);
	return sql_run(q, err);
}

/* --- following a record --- */

/* The TIME or DATE a clock counts from. */
static int64_t field_time(const struct calendar *c, struct json_object *body, const char *name)
{
	return name ? clock_from(c, json_get_str(body, name)) : TIME_NONE;
}

static bool same_state(const struct clock_state *a, const struct clock_state *b)
{
	return a->started_us == b->started_us && a->due_us == b->due_us && a->left_us == b->left_us &&
	       a->stopped_us == b->stopped_us && a->step == b->step && a->paused == b->paused;
}

/* "clock:incident--…:triage" */
static void maker_of(struct buf *out, str type, const struct uuid *id, str rule)
{
	buf_fmt(out, "clock:" STR_FMT "--", STR_ARG(type));
	uuid_format(out, id);
	if (rule.n > 0)
		buf_fmt(out, ":" STR_FMT, STR_ARG(rule));
}

/* Pages that wait are of the maker "page:" and that of the notice they go with. */
static enum rc call_off_pages(struct tx *tx, str maker, const char *why, struct err *err)
{
	struct buf pages = BUF_INIT(MAKER_MAX);
	buf_fmt(&pages, "page:" STR_FMT, STR_ARG(maker));
	enum rc rc = outbox_withdraw_made(tx, buf_str(&pages), str_of(why), err);
	buf_free(&pages);
	return rc;
}

/* Who was told of a step of this clock need not take note any more. */
static enum rc call_off(struct tx *tx, const struct record *r, str rule, const char *why, struct err *err)
{
	struct buf maker = BUF_INIT(MAKER_MAX);
	maker_of(&maker, r->type_name, &r->id, rule);
	enum rc rc = outbox_withdraw_made(tx, buf_str(&maker), str_of(why), err);
	if (rc == RC_OK)
		rc = call_off_pages(tx, buf_str(&maker), why, err);
	buf_free(&maker);
	return rc;
}

static enum rc follow_rule(struct tx *tx, const struct calendar *c, const struct clock_rule *rule,
			   const struct record *r, struct json_object *body, struct arena *a,
			   struct err *err)
{
	bool found;
	struct record_clock k = { .rule = str_of(rule->name), .noted_by = STR(""), .next_us = TIME_NONE,
				  .state = { .started_us = TIME_NONE, .due_us = TIME_NONE,
					     .stopped_us = TIME_NONE } };
	enum rc rc = load_one(tx_conn(tx), r->id, k.rule, a, &found, &k, err);
	if (rc != RC_OK)
		return rc;
	struct clock_state before = k.state;
	k.state = clock_follow(rule, c, before, (unsigned)r->state, field_time(c, body, rule->start_at),
			       tx_now_us(tx));
	if (same_state(&before, &k.state))
		return RC_OK;
	/* A clock that starts anew, or whose date was moved, has its ladder again. */
	if (before.started_us != k.state.started_us || k.state.step < before.step)
		k.noted_by = STR("");
	k.next_us = k.noted_by.n > 0 ? TIME_NONE : clock_next(rule, c, &k.state);
	bool over = before.step > 0 && (k.state.step < before.step || k.state.stopped_us != TIME_NONE);
	if (over)
		rc = call_off(tx, r, k.rule,
			      k.state.stopped_us != TIME_NONE ? "the record has moved on" : "the due time has changed",
			      err);
	return rc == RC_OK ? save(tx_conn(tx), r->id, &k, err) : rc;
}

/* What lists sort and filter by: the soonest clock that runs. */
static enum rc save_soonest(struct tx *tx, const struct record *r, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE record SET due_us = (SELECT min(k.due_us) FROM"
					 " record_clock k WHERE k.record = ?1 AND k.stopped_us IS NULL)"
					 " WHERE uuid = ?1");
	sql_blob(q, 1, id_bytes(&r->id));
	return sql_run(q, err);
}

static enum rc stop_all(struct tx *tx, const struct record *r, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE record_clock SET next_us = NULL, stopped_us ="
					 " ifnull(stopped_us, ?) WHERE record = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_blob(q, 2, id_bytes(&r->id));
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? call_off(tx, r, STR_NONE, "the record was erased", err) : rc;
}

enum rc clocks_follow(struct tx *tx, const struct calendar *c, const struct record *now, struct err *err)
{
	struct json_object *body = NULL;
	enum rc rc = RC_OK;
	if (!now->type || now->type->clock_count == 0)
		return RC_OK;
	if (now->erased || now->state < 0) /* nothing to count by any more */
		return stop_all(tx, now, err);
	struct arena *a = arena_new(KIB(4));
	rc = json_read(now->body, &body, err);
	for (size_t i = 0; i < now->type->clock_count && rc == RC_OK; i++)
		rc = follow_rule(tx, c, &now->type->clocks[i], now, body, a, err);
	if (rc == RC_OK)
		rc = save_soonest(tx, now, err);
	json_free(body);
	arena_free(a);
	return rc;
}

/* --- the ladder --- */

struct due {
	struct uuid record;
	struct record_clock clock;
};
struct ticking {
	const struct types *types;
	const struct calendar *calendar;
	const struct clock_watch *watch;
	uint64_t policy;
	size_t most, did;
};

static const struct clock_rule *rule_of(const struct record *r, str name)
{
	for (size_t i = 0; r->type && i < r->type->clock_count; i++) {
		if (str_eq(str_of(r->type->clocks[i].name), name))
			return &r->type->clocks[i];
	}
	return NULL;
}

/* Who is told of a step. */
struct told {
	enum watch watch;
	bool nobody;               /* has it: a role is told instead */
	const struct clock_told *list;
	size_t count;
};

static enum rc tell_one(struct told *out, str to, struct arena *a)
{
	struct clock_told *one = ARENA_NEW(a, struct clock_told);
	*one = (struct clock_told){ .driver = "notice", .recipient = to, .template = "clock.due" };
	out->list = one;
	out->count = to.n > 0;
	return RC_OK;
}

/* The assignee hears first; what he lets pass goes up the ladder. */
static enum rc find_told(struct tx *tx, const struct ticking *t, const struct record *r,
			 const struct clock_rule *rule, unsigned step, struct json_object *body,
			 struct arena *a, struct told *out, struct err *err)
{
	const char *to = step == 0 ? rule->tell : rule->ladder[step - 1].to;
	str assignee = step == 0 && r->type->assignee ? json_get_str(body, r->type->assignee->name) : STR_NONE;
	*out = (struct told){ .watch = WATCH_NONE };
	if (assignee.n > 0)
		return tell_one(out, arena_str(a, assignee), a);
	if (!to)
		return RC_OK;
	out->watch = watch_parse(str_of(to));
	if (out->watch == WATCH_NONE)
		return tell_one(out, arena_fmt(a, "role:%s", to), a);
	struct clock_told *list = NULL;
	enum rc rc = t->watch ? t->watch->find(tx, t->watch->ctx, out->watch, a, &list, &out->count, err) : RC_OK;
	out->list = list;
	if (rc != RC_OK || out->count > 0)
		return rc;
	out->nobody = true;
	return tell_one(out, arena_fmt(a, "role:%s", watch_role(out->watch)), a);
}

static void put_details(struct buf *out, const struct clock_rule *rule, const struct due *d,
			const struct told *to)
{
	char text[40];
	struct json_out j = json_out(out);
	json_open(&j, '{');
	json_put_str(&j, "clock", str_of(rule->name));
	json_put_str(&j, "due", time_str(text, d->clock.state.due_us));
	json_put_i64(&j, "step", d->clock.state.step);
	if (to->watch != WATCH_NONE)
		json_put_str(&j, "watch", str_of(watch_name(to->watch)));
	if (to->nobody)
		json_put_bool(&j, "nobody", true);
	json_close(&j, '}');
}

/* The same step of the same due time is told once, whatever the wall clock does. */
static enum rc put_messages(struct tx *tx, const struct ticking *t, const struct record *r,
			    const struct clock_rule *rule, const struct due *d, const struct told *to,
			    struct arena *a, struct err *err)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES), details = BUF_INIT(OUTBOX_DETAILS_MAX);
	struct buf maker = BUF_INIT(MAKER_MAX);
	enum rc rc = RC_OK;
	record_id_format(&id, r->type_name, &r->id);
	put_details(&details, rule, d, to);
	maker_of(&maker, r->type_name, &r->id, str_of(rule->name));
	buf_fmt(&maker, ":%u", d->clock.state.step);
	for (size_t i = 0; i < to->count && rc == RC_OK; i++) {
		const struct clock_told *one = &to->list[i];
		bool page = strcmp(one->driver, "notice") != 0;
		struct message m = { .lane = LANE_INCIDENT, .driver = str_of(one->driver),
				     .recipient = one->recipient, .item = buf_str(&id),
				     .item_version = r->version, .template = str_of(one->template),
				     .details = buf_str(&details), .purpose = 1, .policy = t->policy,
				     .maker = page ? arena_fmt(a, "page:" STR_FMT, STR_ARG(buf_str(&maker)))
						   : buf_str(&maker),
				     .made_at = (uint64_t)d->clock.next_us,
				     .not_before_us = one->after_us ? tx_now_us(tx) + one->after_us : 0 };
		rc = outbox_put(tx, &m, NULL, 0, NULL, err);
	}
	buf_free(&id);
	buf_free(&details);
	buf_free(&maker);
	return rc;
}

static enum rc take_step(struct tx *tx, struct ticking *t, struct due *d, struct arena *a,
			 struct err *err)
{
	struct record r;
	struct json_object *body = NULL;
	enum rc rc = record_load(tx_conn(tx), t->types, d->record, a, &r, err);
	const struct clock_rule *rule = rc == RC_OK ? rule_of(&r, d->clock.rule) : NULL;
	if (rc != RC_OK && rc != RC_ABSENT)
		return rc;
	/* A type that was changed has this clock no more: it stands still, nothing is told. */
	if (!rule || r.erased) {
		d->clock.next_us = TIME_NONE;
		return save(tx_conn(tx), d->record, &d->clock, err);
	}
	rc = json_read(r.body, &body, err);
	struct told to = { .count = 0 };
	if (rc == RC_OK)
		rc = find_told(tx, t, &r, rule, d->clock.state.step, body, a, &to, err);
	if (rc == RC_OK)
		rc = put_messages(tx, t, &r, rule, d, &to, a, err);
	json_free(body);
	if (rc != RC_OK)
		return rc;
	d->clock.state.step++;
	d->clock.next_us = clock_next(rule, t->calendar, &d->clock.state);
	t->did++;
	return save(tx_conn(tx), d->record, &d->clock, err);
}

static enum rc tick(struct tx *tx, void *ctx, struct err *err)
{
	struct ticking *t = ctx;
	struct arena *a = arena_new(KIB(64));
	struct due *list = ARENA_ARRAY(a, t->most + 1, struct due);
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT " COLUMNS ", record FROM record_clock WHERE next_us <= ?"
					 " ORDER BY next_us LIMIT ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, (int64_t)t->most);
	while (sql_row(q) && n < t->most) {
		str id = sql_col_blob(q, 9);
		take_row(q, a, &list[n].clock);
		if (id.n == sizeof list[n].record.b)
			memcpy(list[n++].record.b, id.p, id.n);
	}
	enum rc rc = sql_end(q, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = take_step(tx, t, &list[i], a, err);
	arena_free(a);
	return rc;
}

static enum rc any_due(struct store *s, bool *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM record_clock WHERE next_us <= ? LIMIT 1");
	sql_int(q, 1, clock_now_us());
	*out = sql_row(q);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

enum rc clocks_tick(struct store *s, const struct types *t, const struct calendar *c,
		    const struct clock_watch *watch, uint64_t policy, size_t most, size_t *did_out,
		    struct err *err)
{
	bool due = false;
	struct ticking k = { .types = t, .calendar = c, .watch = watch, .policy = policy, .most = most };
	*did_out = 0;
	enum rc rc = any_due(s, &due, err);
	if (rc != RC_OK || !due)
		return rc;
	struct store_job job = { .fn = tick, .ctx = &k, .use_reserve = true };
	store_submit(s, &job);
	rc = store_wait(s, &job, err);
	*did_out = rc == RC_OK ? k.did : 0;
	return rc;
}

/* Who is paged besides need not be called out of bed any more. */
static enum rc noted_pages(struct tx *tx, struct uuid record, str rule, struct err *err)
{
	struct buf maker = BUF_INIT(MAKER_MAX);
	struct sql *q = sql(tx_conn(tx), "SELECT n.name FROM record r JOIN record_name n ON n.id = r.type"
					 " WHERE r.uuid = ?");
	sql_blob(q, 1, id_bytes(&record));
	if (sql_row(q))
		maker_of(&maker, sql_col_str(q, 0), &record, rule);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && maker.n > 0)
		rc = call_off_pages(tx, buf_str(&maker), "somebody has taken note", err);
	buf_free(&maker);
	return rc;
}

enum rc clock_noted(struct tx *tx, struct journal *j, struct uuid record, str rule, str by, str words,
		    struct err *err)
{
	struct record_clock k;
	bool found;
	if (words.n > WORDS_MAX || (words.n > 0 && !str_is_plain(words)))
		return fail(err, RC_INPUT, "a note is plain text of one line, at most %d bytes", WORDS_MAX);
	struct arena *a = arena_new(KIB(4));
	enum rc rc = load_one(tx_conn(tx), record, rule, a, &found, &k, err);
	if (rc == RC_OK && !found)
		rc = fail(err, RC_ABSENT, "there is no clock '" STR_FMT "' of this record", STR_ARG(rule));
	if (rc == RC_OK) {
		k.noted_by = by;
		k.next_us = TIME_NONE;
		rc = save(tx_conn(tx), record, &k, err);
	}
	if (rc == RC_OK)
		rc = noted_pages(tx, record, rule, err);
	if (rc == RC_OK) {
		struct buf object = BUF_INIT(80), body = BUF_INIT(KIB(4));
		struct json_out o = json_out(&body);
		buf_fmt(&object, "clock:" STR_FMT ":", STR_ARG(rule));
		uuid_format(&object, &record);
		json_open(&o, '{');
		json_put_str(&o, "words", words);
		json_close(&o, '}');
		struct journal_act act = { .act = "clock.noted", .actor = by, .object = buf_str(&object),
					   .body = buf_str(&body) };
		rc = journal_add(tx, j, &act, err);
		buf_free(&object);
		buf_free(&body);
	}
	arena_free(a);
	return rc;
}
