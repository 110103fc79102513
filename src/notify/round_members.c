/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of round_state and round_member. */
#include "notify/round_private.h"

str uuid_bytes(const struct uuid *id)
{
	return str_mem(id->b, sizeof id->b);
}

static struct uuid col_uuid(struct sql *q, int at)
{
	struct uuid id = { { 0 } };
	str b = sql_col_blob(q, at);
	if (b.n == sizeof id.b)
		memcpy(id.b, b.p, b.n);
	return id;
}

static void bind_time(struct sql *q, int at, int64_t us)
{
	if (us == 0)
		sql_null(q, at);
	else
		sql_int(q, at, us);
}

enum rc round_invites(struct reader *r, struct uuid round, struct uuid organisation, bool *out,
		      struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM round_member WHERE round = ? AND organisation = ?");
	sql_blob(q, 1, uuid_bytes(&round));
	sql_blob(q, 2, uuid_bytes(&organisation));
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc round_row_load(struct conn *c, struct uuid round, struct arena *a, bool *found_out, struct round_row *out,
		 struct err *err)
{
	struct sql *q = sql(c, "SELECT version, notifies, by, started_us, closed_us, due_us, next_us, made, counted"
			       " FROM round_state WHERE round = ?");
	*out = (struct round_row){ .round = round, .by = STR("") };
	sql_blob(q, 1, uuid_bytes(&round));
	*found_out = sql_row(q);
	if (*found_out)
		*out = (struct round_row){
			.round = round, .version = (uint64_t)sql_col_int(q, 0), .notifies = sql_col_int(q, 1) != 0,
			.by = arena_str(a, sql_col_str(q, 2)), .started_us = sql_col_int(q, 3),
			.closed_us = sql_col_int(q, 4), .due_us = sql_col_int(q, 5), .next_us = sql_col_int(q, 6),
			.made = sql_col_int(q, 7) != 0, .counted = sql_col_int(q, 8) != 0,
		};
	return sql_end(q, err);
}

enum rc round_row_save(struct tx *tx, const struct round_row *row, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO round_state (round, version, notifies, by,"
					 " started_us, closed_us, due_us, next_us, made, counted)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, uuid_bytes(&row->round));
	sql_int(q, 2, (int64_t)row->version);
	sql_int(q, 3, row->notifies);
	sql_str(q, 4, row->by.p ? row->by : STR(""));
	bind_time(q, 5, row->started_us);
	bind_time(q, 6, row->closed_us);
	bind_time(q, 7, row->due_us);
	bind_time(q, 8, row->next_us);
	sql_int(q, 9, row->made);
	sql_int(q, 10, row->counted);
	return sql_run(q, err);
}

#define MEMBER_COLUMNS "organisation, place, message, answered_us, silent_us, recipient, covers, driver,"           \
		       " answered_by, words, noted_by"

static void take_member(struct sql *q, struct arena *a, struct member_row *out)
{
	*out = (struct member_row){
		.organisation = col_uuid(q, 0), .place = sql_col_int(q, 1), .message = sql_col_int(q, 2),
		.answered_us = sql_col_int(q, 3), .silent_us = sql_col_int(q, 4),
		.recipient = arena_str(a, sql_col_str(q, 5)), .covers = arena_str(a, sql_col_str(q, 6)),
		.driver = arena_str(a, sql_col_str(q, 7)), .answered_by = arena_str(a, sql_col_str(q, 8)),
		.words = arena_str(a, sql_col_str(q, 9)), .noted_by = arena_str(a, sql_col_str(q, 10)),
	};
}

enum rc round_member_load(struct conn *c, struct uuid round, struct uuid organisation, struct arena *a,
		    bool *found_out, struct member_row *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " MEMBER_COLUMNS " FROM round_member WHERE round = ? AND organisation = ?");
	sql_blob(q, 1, uuid_bytes(&round));
	sql_blob(q, 2, uuid_bytes(&organisation));
	*found_out = sql_row(q);
	if (*found_out)
		take_member(q, a, out);
	return sql_end(q, err);
}

enum rc round_members_load(struct conn *c, struct uuid round, enum members which, int64_t after, size_t most,
		     struct arena *a, struct member_row **out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " MEMBER_COLUMNS " FROM round_member WHERE round = ?1 AND place > ?2"
			       " AND (?3 <> 1 OR (message = 0 AND driver = ''))"
			       " AND (?3 <> 2 OR (answered_us IS NULL AND silent_us IS NULL AND message > 0))"
			       " ORDER BY place LIMIT ?4");
	*out = ARENA_ARRAY(a, most + 1, struct member_row);
	*count_out = 0;
	sql_blob(q, 1, uuid_bytes(&round));
	sql_int(q, 2, after);
	sql_int(q, 3, which);
	sql_int(q, 4, (int64_t)most);
	while (*count_out < most && sql_row(q))
		take_member(q, a, &(*out)[(*count_out)++]);
	return sql_end(q, err);
}

struct cover *round_covers(str text, struct arena *a, size_t *count_out)
{
	size_t n = text.n > 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ' ';
	struct cover *list = ARENA_ARRAY(a, n + 1, struct cover);
	*count_out = 0;
	while (text.n > 0)
		list[(*count_out)++] = (struct cover){ .item = arena_str(a, str_cut(&text, ' ')) };
	return list;
}
