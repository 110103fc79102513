/* SPDX-License-Identifier: Apache-2.0 */
#include "record/clocks_private.h"

#include "base/arena.h"
#include "base/json.h"

enum { WORDS_MAX = 1000 };

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

void clock_take_row(struct sql *q, struct arena *a, struct record_clock *out)
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
	struct sql *q = sql(c, "SELECT " CLOCK_COLUMNS " FROM record_clock WHERE record = ? ORDER BY rule");
	*out = ARENA_ARRAY(a, TYPE_CLOCKS_MAX, struct record_clock);
	*count_out = 0;
	sql_blob(q, 1, id_bytes(&record));
	while (sql_row(q) && *count_out < TYPE_CLOCKS_MAX)
		clock_take_row(q, a, &(*out)[(*count_out)++]);
	return sql_end(q, err);
}

static enum rc load_one(struct conn *c, struct uuid record, str rule, struct arena *a, bool *found_out,
			struct record_clock *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " CLOCK_COLUMNS " FROM record_clock WHERE record = ? AND rule = ?");
	sql_blob(q, 1, id_bytes(&record));
	sql_str(q, 2, rule);
	*found_out = sql_row(q);
	if (*found_out)
		clock_take_row(q, a, out);
	return sql_end(q, err);
}

enum rc clock_save(struct conn *c, struct uuid record, const struct record_clock *k, struct err *err)
{
	struct sql *q = sql(c, "INSERT OR REPLACE INTO record_clock (record, " CLOCK_COLUMNS ")"
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
void clock_maker(struct buf *out, str type, const struct uuid *id, str rule)
{
	buf_fmt(out, "clock:" STR_FMT "--", STR_ARG(type));
	uuid_format(out, id);
	if (rule.n > 0)
		buf_fmt(out, ":" STR_FMT, STR_ARG(rule));
}

/* Pages that wait are of the maker "page:" and that of the notice they go with. */
static enum rc call_off_pages(struct tx *tx, str maker, const char *why, struct err *err)
{
	struct buf pages = BUF_INIT(CLOCK_MAKER_MAX);
	buf_fmt(&pages, "page:" STR_FMT, STR_ARG(maker));
	enum rc rc = outbox_withdraw_made(tx, buf_str(&pages), str_of(why), err);
	buf_free(&pages);
	return rc;
}

/* Who was told of a step of this clock need not take note any more. */
static enum rc call_off(struct tx *tx, const struct record *r, str rule, const char *why, struct err *err)
{
	struct buf maker = BUF_INIT(CLOCK_MAKER_MAX);
	clock_maker(&maker, r->type_name, &r->id, rule);
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
	return rc == RC_OK ? clock_save(tx_conn(tx), r->id, &k, err) : rc;
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

/* --- somebody has taken note --- */

/* Who is paged besides need not be called out of bed any more. */
static enum rc noted_pages(struct tx *tx, struct uuid record, str rule, struct err *err)
{
	struct buf maker = BUF_INIT(CLOCK_MAKER_MAX);
	struct sql *q = sql(tx_conn(tx), "SELECT n.name FROM record r JOIN record_name n ON n.id = r.type"
					 " WHERE r.uuid = ?");
	sql_blob(q, 1, id_bytes(&record));
	if (sql_row(q))
		clock_maker(&maker, sql_col_str(q, 0), &record, rule);
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
		rc = clock_save(tx_conn(tx), record, &k, err);
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
