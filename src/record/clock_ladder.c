/* SPDX-License-Identifier: Apache-2.0 */
/* The ladder of a clock: who is told when, each step once. */
#include "record/clocks_private.h"

#include "base/arena.h"
#include "base/json.h"

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
	struct buf maker = BUF_INIT(CLOCK_MAKER_MAX);
	enum rc rc = RC_OK;
	record_id_format(&id, r->type_name, &r->id);
	put_details(&details, rule, d, to);
	clock_maker(&maker, r->type_name, &r->id, str_of(rule->name));
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
		return clock_save(tx_conn(tx), d->record, &d->clock, err);
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
	return clock_save(tx_conn(tx), d->record, &d->clock, err);
}

static enum rc tick(struct tx *tx, void *ctx, struct err *err)
{
	struct ticking *t = ctx;
	struct arena *a = arena_new(KIB(64));
	struct due *list = ARENA_ARRAY(a, t->most + 1, struct due);
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT " CLOCK_COLUMNS ", record FROM record_clock WHERE next_us <= ?"
					 " ORDER BY next_us LIMIT ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, (int64_t)t->most);
	while (sql_row(q) && n < t->most) {
		str id = sql_col_blob(q, 9);
		clock_take_row(q, a, &list[n].clock);
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
