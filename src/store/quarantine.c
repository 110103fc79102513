/* SPDX-License-Identifier: Apache-2.0 */
#include "store/quarantine.h"

#include "base/arena.h"
#include "store/destroyed.h"

static str text_at(const struct batch *b, uint64_t at, uint32_t n)
{
	return str_mem(b->text + at, n);
}

/* Nothing was ever destroyed on most nodes: then no record is hashed. */
static enum rc any_destroyed(struct conn *c, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM destroyed LIMIT 1");
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc quarantine_commit(struct tx *tx, const struct report *r, const struct batch *b,
			  struct err *err)
{
	bool any = false;
	enum rc looked = any_destroyed(tx_conn(tx), &any, err);
	if (looked != RC_OK)
		return looked;
	for (uint32_t i = 0; i < b->c.rejects; i++) {
		const struct rejected *x = &b->reject[i];
		bool gone = false;
		if (any && x->bytes_n == x->raw_bytes)
			looked = destroyed_inside(tx, text_at(b, x->bytes_at, x->bytes_n), r, &gone, err);
		if (looked != RC_OK)
			return looked;
		if (gone)
			continue;
		struct sql *q =
			sql(tx_conn(tx),
			    "INSERT INTO quarantine (report, feed, at_us, input, offset, line,"
			    " record_bytes, reason, state, words, bytes)"
			    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)");
		sql_int(q, 1, r->id);
		sql_int(q, 2, r->feed);
		sql_int(q, 3, tx_now_us(tx));
		sql_int(q, 4, (int64_t)x->input);
		sql_int(q, 5, (int64_t)x->raw_offset);
		sql_int(q, 6, x->line);
		sql_int(q, 7, x->raw_bytes);
		sql_int(q, 8, x->reason);
		sql_str(q, 9, text_at(b, x->words_at, x->words_n));
		sql_blob(q, 10, text_at(b, x->bytes_at, x->bytes_n));
		enum rc rc = sql_run(q, err);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

#define COLUMNS                                                                                 \
	"q.id, q.report, q.feed, q.at_us, q.input, q.offset, q.line, q.record_bytes, q.reason," \
	" q.state, q.words, f.name, r.file_name"
#define FROM                                                                                 \
	" FROM quarantine q LEFT JOIN feed f ON f.id = q.feed LEFT JOIN report r ON r.id = " \
	"q.report"

static void take_row(struct sql *q, struct arena *a, struct quarantined *out)
{
	*out = (struct quarantined){
		.id = sql_col_int(q, 0),
		.report = sql_col_int(q, 1),
		.feed = sql_col_int(q, 2),
		.at_us = sql_col_int(q, 3),
		.input = (uint64_t)sql_col_int(q, 4),
		.offset = (uint64_t)sql_col_int(q, 5),
		.line = (uint32_t)sql_col_int(q, 6),
		.record_bytes = (uint32_t)sql_col_int(q, 7),
		.reason = (enum reject)sql_col_int(q, 8),
		.words = arena_str(a, sql_col_str(q, 10)),
		.feed_name = arena_str(a, sql_col_str(q, 11)),
		.file_name = arena_str(a, sql_col_str(q, 12)),
		.bytes = arena_str(a, sql_col_blob(q, 13)),
	};
	int64_t state = sql_col_int(q, 9);
	out->state = state == QUARANTINE_RETRIED     ? QUARANTINE_RETRIED
		     : state == QUARANTINE_DISCARDED ? QUARANTINE_DISCARDED
						     : QUARANTINE_OPEN;
}

enum rc quarantine_list(struct conn *c, int64_t before, size_t limit, bool with_bytes,
			struct arena *a, struct quarantined **out, size_t *count_out,
			struct err *err)
{
	struct sql *q = with_bytes ? sql(c, "SELECT " COLUMNS ", q.bytes" FROM
					    " WHERE q.id < ? ORDER BY q.id DESC LIMIT ?")
				   : sql(c, "SELECT " COLUMNS ", NULL" FROM
					    " WHERE q.id < ? ORDER BY q.id DESC LIMIT ?");
	size_t room = 0, n = 0;
	struct quarantined *list = NULL;
	sql_int(q, 1, before ? before : INT64_MAX);
	sql_int(q, 2, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 32;
			list = x_grow(list, room, sizeof(*list));
		}
		take_row(q, a, &list[n++]);
	}
	*out = ARENA_ARRAY(a, n + 1, struct quarantined);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

enum rc quarantine_get(struct conn *c, int64_t id, struct arena *a, struct quarantined *out,
		       struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS ", q.bytes" FROM " WHERE q.id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found)
		take_row(q, a, out);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "nothing in quarantine has number %lld", (long long)id);
	return rc;
}

enum rc quarantine_mark(struct tx *tx, int64_t id, int state, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE quarantine SET state = ? WHERE id = ?");
	sql_int(q, 1, state);
	sql_int(q, 2, id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		return fail(err, RC_ABSENT, "nothing in quarantine has number %lld", (long long)id);
	return rc;
}
