/* SPDX-License-Identifier: Apache-2.0 */
/* Reading lines, and erasing their bodies. */
#include "base/arena.h"
#include "base/json.h"
#include "record/journal_private.h"

/* --- reading --- */

#define COLUMNS "number, at_us, actor, act, object, count, body, salt IS NULL, root, hash"

static void take_row(struct sql *q, struct arena *a, struct journal_line *out)
{
	*out = (struct journal_line){
		.number = (uint64_t)sql_col_int(q, 0),
		.at_us = sql_col_int(q, 1),
		.actor = arena_str(a, sql_col_str(q, 2)),
		.act = arena_str(a, sql_col_str(q, 3)),
		.object = arena_str(a, sql_col_str(q, 4)),
		.count = (uint64_t)sql_col_int(q, 5),
		.body = arena_str(a, sql_col_str(q, 6)),
		.erased = sql_col_int(q, 7) != 0,
	};
	(void)journal_take_digest(sql_col_blob(q, 8), &out->root);
	(void)journal_take_digest(sql_col_blob(q, 9), &out->hash);
}

enum rc journal_find(struct conn *c, const struct journal_query *by, struct arena *a,
		     struct journal_line **out, size_t *count_out, struct err *err)
{
	size_t room = 0, n = 0;
	struct journal_line *list = NULL;
	struct sql *q = by->object.p
				? sql(c, "SELECT " COLUMNS " FROM journal WHERE number < ?1"
					 " AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR act = ?3)"
					 " AND at_us >= ?4 AND at_us < ?5 AND object = ?7"
					 " ORDER BY number DESC LIMIT ?6")
				: sql(c, "SELECT " COLUMNS " FROM journal WHERE number < ?1"
					 " AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR act = ?3)"
					 " AND at_us >= ?4 AND at_us < ?5"
					 " ORDER BY number DESC LIMIT ?6");
	sql_int(q, 1, by->before ? (int64_t)by->before : INT64_MAX);
	sql_str(q, 2, by->actor);
	sql_str(q, 3, by->act);
	sql_int(q, 4, by->from_us);
	sql_int(q, 5, by->until_us ? by->until_us : INT64_MAX);
	sql_int(q, 6, by->limit > INT64_MAX ? INT64_MAX : (int64_t)by->limit);
	if (by->object.p)
		sql_str(q, 7, by->object);
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 32;
			list = x_grow(list, room, sizeof(*list));
		}
		take_row(q, a, &list[n++]);
	}
	*out = ARENA_ARRAY(a, n + 1, struct journal_line);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

enum rc journal_list(struct conn *c, uint64_t before, size_t limit, struct arena *a,
		     struct journal_line **out, size_t *count_out, struct err *err)
{
	struct journal_query q = { .before = before, .limit = limit };
	return journal_find(c, &q, a, out, count_out, err);
}

static enum rc take_one(struct sql *q, struct arena *a, struct journal_line *out, bool *found_out,
			struct err *err)
{
	*found_out = sql_row(q);
	if (*found_out)
		take_row(q, a, out);
	return sql_end(q, err);
}

enum rc journal_get(struct conn *c, uint64_t number, struct arena *a, struct journal_line *out,
		    struct err *err)
{
	bool found;
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM journal WHERE number = ?");
	sql_int(q, 1, number > INT64_MAX ? INT64_MAX : (int64_t)number);
	enum rc rc = take_one(q, a, out, &found, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "the journal has no line %llu",
					    (unsigned long long)number)
				     : rc;
}

enum rc journal_erased_by(struct conn *c, const struct journal_line *l, struct arena *a,
			  struct journal_line *out, struct err *err)
{
	bool found;
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM journal WHERE object IN"
			       " ('journal:' || ?1, ?2,"
			       "  'record:' || substr(?2, 1, instr(?2 || '@', '@') - 1)) AND act = 'erase' AND number > ?1"
			       " ORDER BY number LIMIT 1");
	sql_int(q, 1, (int64_t)l->number);
	sql_str(q, 2, l->object);
	enum rc rc = take_one(q, a, out, &found, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "no line says that line %llu was erased",
					    (unsigned long long)l->number)
				     : rc;
}

/* --- erasing --- */

static enum rc destroy(struct tx *tx, uint64_t number, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE journal SET salt = NULL, body = NULL"
					 " WHERE number = ?");
	sql_int(q, 1, (int64_t)number);
	return sql_run(q, err);
}

static enum rc say_erased(struct tx *tx, struct journal *j, uint64_t number, str why, str by,
			  struct err *err)
{
	struct buf object = BUF_INIT(64), body = BUF_INIT(KIB(64));
	buf_fmt(&object, "journal:%llu", (unsigned long long)number);
	struct json_out json = json_out(&body);
	json_open(&json, '{');
	json_put_str(&json, "why", why);
	json_close(&json, '}');
	struct journal_act act = {
		.act = "erase", .actor = by, .object = buf_str(&object), .body = buf_str(&body)
	};
	enum rc rc = journal_add(tx, j, &act, err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

enum rc journal_erase(struct tx *tx, struct journal *j, uint64_t number, str why, str by,
		      struct err *err)
{
	struct journal_line line;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = journal_get(tx_conn(tx), number, a, &line, err);
	if (rc == RC_OK && !line.erased) {
		if (str_eq(line.act, STR("erase")))
			rc = fail(err, RC_DENIED, "line %llu says that something was erased: it stays",
				  (unsigned long long)number);
		if (rc == RC_OK)
			rc = destroy(tx, number, err);
		if (rc == RC_OK)
			rc = say_erased(tx, j, number, why, by, err);
	}
	arena_free(a);
	return rc;
}

/* Only what stands before the line that says so: what comes later is another matter. */
enum rc journal_erase_about(struct tx *tx, str object, size_t most, bool *more_out,
			    struct err *err)
{
	bool record = str_starts(object, STR("record:"));
	struct sql *q =
		record ? sql(tx_conn(tx),
			     "UPDATE journal SET salt = NULL, body = NULL WHERE number IN"
			     " (SELECT number FROM journal WHERE (object = substr(?1, 8) OR"
			     "  (object >= substr(?1, 8) || '@' AND object < substr(?1, 8) || 'A'))"
			     "  AND salt IS NOT NULL AND number < (SELECT max(number) FROM journal"
			     "  WHERE object = ?1 AND act = 'erase') LIMIT ?2)")
		       : sql(tx_conn(tx),
			     "UPDATE journal SET salt = NULL, body = NULL WHERE number IN"
			     " (SELECT number FROM journal WHERE object = ?1 AND act <> 'erase'"
			     "  AND salt IS NOT NULL AND number < (SELECT max(number) FROM journal"
			     "  WHERE object = ?1 AND act = 'erase') LIMIT ?2)");
	sql_str(q, 1, object);
	sql_int(q, 2, (int64_t)most);
	enum rc rc = sql_run(q, err);
	*more_out = rc == RC_OK && sql_changes(tx_conn(tx)) == (int64_t)most;
	return rc;
}
