/* SPDX-License-Identifier: Apache-2.0 */
#include "store/held.h"

static str blob(const struct uuid *u)
{
	return str_mem(u->b, sizeof(u->b));
}

enum rc held_add(struct tx *tx, const struct uuid *hold, str object, uint64_t seq, bool secret,
		 struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO held (object, hold, seq, secret) VALUES (?, ?, ?, ?)"
					 " ON CONFLICT DO NOTHING");
	sql_str(q, 1, object);
	sql_blob(q, 2, blob(hold));
	sql_int(q, 3, (int64_t)seq);
	sql_int(q, 4, secret);
	return sql_run(q, err);
}

enum rc held_lift(struct tx *tx, const struct uuid *hold, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM held WHERE hold = ?");
	sql_blob(q, 1, blob(hold));
	return sql_run(q, err);
}

enum rc held_is(struct conn *c, str object, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM held WHERE object = ? LIMIT 1");
	sql_str(q, 1, object);
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc held_is_secret(struct conn *c, str object, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM held WHERE object = ? AND secret LIMIT 1");
	sql_str(q, 1, object);
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc held_check(struct conn *c, str object, struct err *err)
{
	bool held = false;
	enum rc rc = held_is(c, object, &held, err);
	if (rc == RC_OK && held)
		return fail(err, RC_DENIED, "'" STR_FMT "' is under hold: lift it first", STR_ARG(object));
	return rc;
}

enum rc held_check_events(struct conn *c, int64_t list, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM erasing_event e JOIN held h ON h.seq = e.seq"
			       " WHERE e.list = ? AND h.seq > 0 LIMIT 1");
	sql_int(q, 1, list);
	bool held = sql_row(q);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && held ? fail(err, RC_DENIED, "an event is under hold: lift it first") : rc;
}

enum rc held_count(struct conn *c, const struct uuid *hold, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM held WHERE hold = ?");
	sql_blob(q, 1, blob(hold));
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc held_list(struct conn *c, const struct uuid *hold, held_each each, void *ctx, struct err *err)
{
	struct sql *q = sql(c, "SELECT object, seq FROM held WHERE hold = ? ORDER BY object");
	bool on = true;
	sql_blob(q, 1, blob(hold));
	while (on && sql_row(q))
		on = each(ctx, sql_col_str(q, 0), (uint64_t)sql_col_int(q, 1));
	return sql_end(q, err);
}
