/* SPDX-License-Identifier: Apache-2.0 */
#include "store/destroyed.h"

#include "base/arena.h"

enum { UNTOLD_MOST = 16 };

enum rc destroyed_add(struct tx *tx, const struct digest *d, uint64_t bytes, str item,
		      struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO destroyed (digest, item, bytes, at_us, seen,"
					 " told, last_us) VALUES (?, ?, ?, ?, 0, 0, 0)"
					 " ON CONFLICT DO NOTHING");
	sql_blob(q, 1, str_mem(d->b, sizeof(d->b)));
	sql_str(q, 2, item);
	sql_int(q, 3, (int64_t)bytes);
	sql_int(q, 4, tx_now_us(tx));
	return sql_run(q, err);
}

enum rc destroyed_find(struct conn *c, const struct digest *d, bool *found_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM destroyed WHERE digest = ?");
	sql_blob(q, 1, str_mem(d->b, sizeof(d->b)));
	*found_out = sql_row(q);
	return sql_end(q, err);
}

enum rc destroyed_refuse(struct conn *c, const struct digest *d, struct err *err)
{
	bool found = false;
	enum rc rc = destroyed_find(c, d, &found, err);
	if (rc == RC_OK && found)
		return fail(err, RC_DENIED, "these bytes were destroyed and are not taken again");
	return rc;
}

enum rc destroyed_again(struct tx *tx, const struct digest *d, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE destroyed SET seen = seen + 1, last_us = ?"
					 " WHERE digest = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_blob(q, 2, str_mem(d->b, sizeof(d->b)));
	return sql_run(q, err);
}

enum rc destroyed_left(struct tx *tx, int32_t day, uint32_t number, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO destroyed_left (day, number) VALUES (?, ?)"
					 " ON CONFLICT DO NOTHING");
	sql_int(q, 1, day);
	sql_int(q, 2, number);
	return sql_run(q, err);
}

/* --- inside of others: unpacked, or a record of a list --- */

static enum rc item_of(struct conn *c, const struct digest *d, struct arena *a, str *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT item FROM destroyed WHERE digest = ?");
	sql_blob(q, 1, str_mem(d->b, sizeof(d->b)));
	*out = sql_row(q) ? arena_str(a, sql_col_str(q, 0)) : STR("");
	return sql_end(q, err);
}

enum rc destroyed_inside(struct tx *tx, str bytes, const struct report *r, bool *found_out,
			 struct err *err)
{
	struct digest d = sha256(bytes);
	struct arena *a = arena_new(KIB(1));
	str item = STR("");
	enum rc rc = destroyed_find(tx_conn(tx), &d, found_out, err);
	if (rc == RC_OK && *found_out)
		rc = item_of(tx_conn(tx), &d, a, &item, err);
	if (rc == RC_OK && *found_out)
		rc = destroyed_again(tx, &d, err);
	if (rc == RC_OK && *found_out)
		rc = destroyed_add(tx, &r->digest, r->bytes, item, err);
	arena_free(a);
	if (rc != RC_OK || !*found_out)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO destroyed_report (report) VALUES (?)"
					 " ON CONFLICT DO NOTHING");
	sql_int(q, 1, r->id);
	return sql_run(q, err);
}

enum rc destroyed_next_report(struct conn *c, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT report FROM destroyed_report ORDER BY report LIMIT 1");
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc destroyed_report_goes(struct tx *tx, int64_t report, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM destroyed_report WHERE report = ?");
	sql_int(q, 1, report);
	return sql_run(q, err);
}

/* --- lists --- */

static enum rc take_rows(struct sql *q, size_t most, struct arena *a, struct destroyed **out,
			 size_t *count_out, struct err *err)
{
	*out = ARENA_ARRAY(a, most + 1, struct destroyed);
	*count_out = 0;
	while (*count_out < most && sql_row(q)) {
		struct destroyed *d = &(*out)[*count_out];
		str digest = sql_col_blob(q, 0);
		if (digest.n != sizeof(d->digest.b))
			continue;
		++*count_out;
		*d = (struct destroyed){ .item = arena_str(a, sql_col_str(q, 1)),
					 .bytes = (uint64_t)sql_col_int(q, 2),
					 .at_us = sql_col_int(q, 3),
					 .seen = (uint64_t)sql_col_int(q, 4),
					 .told = (uint64_t)sql_col_int(q, 5),
					 .last_us = sql_col_int(q, 6) };
		memcpy(d->digest.b, digest.p, digest.n);
	}
	return sql_end(q, err);
}

#define COLUMNS "digest, item, bytes, at_us, seen, told, last_us"

enum rc destroyed_list(struct conn *c, str item, size_t most, struct arena *a,
		       struct destroyed **out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM destroyed WHERE ?1 = '' OR item = ?1"
			       " ORDER BY at_us DESC LIMIT ?2");
	sql_str(q, 1, item);
	sql_int(q, 2, (int64_t)most);
	return take_rows(q, most, a, out, count_out, err);
}

enum rc destroyed_untold(struct conn *c, struct arena *a, struct destroyed **out,
			 size_t *count_out, struct err *err)
{
	return take_rows(sql(c, "SELECT " COLUMNS " FROM destroyed WHERE seen > told LIMIT 16"),
			 UNTOLD_MOST, a, out, count_out, err);
}

enum rc destroyed_told(struct tx *tx, const struct destroyed *d, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE destroyed SET told = ? WHERE digest = ?");
	sql_int(q, 1, (int64_t)d->seen);
	sql_blob(q, 2, str_mem(d->digest.b, sizeof(d->digest.b)));
	return sql_run(q, err);
}

/* --- files with parts of a delivery that was refused --- */

enum rc destroyed_any_left(struct conn *c, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM destroyed_left LIMIT 1");
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc destroyed_take_left(struct tx *tx, int32_t *day_out, uint32_t *number_out, bool *found_out,
			    struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT day, number FROM destroyed_left LIMIT 1");
	*found_out = sql_row(q);
	*day_out = *found_out ? (int32_t)sql_col_int(q, 0) : 0;
	*number_out = *found_out ? (uint32_t)sql_col_int(q, 1) : 0;
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || !*found_out)
		return rc;
	q = sql(tx_conn(tx), "DELETE FROM destroyed_left WHERE day = ? AND number = ?");
	sql_int(q, 1, *day_out);
	sql_int(q, 2, *number_out);
	return sql_run(q, err);
}
