/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tell, tell_message and tell_count. */
#include "notify/teller_private.h"

str tell_uuid(const struct uuid *id)
{
	return str_mem(id->b, sizeof id->b);
}

static void raw_of(struct hash128 id, char raw[16])
{
	for (size_t i = 0; i < 8; i++) {
		raw[i] = (char)(id.hi >> (56 - 8 * i));
		raw[8 + i] = (char)(id.lo >> (56 - 8 * i));
	}
}

str tell_finding_raw(struct hash128 id, char raw[16])
{
	raw_of(id, raw);
	return str_mem(raw, 16);
}

static struct hash128 hash_of(str raw)
{
	struct hash128 id = { 0, 0 };
	for (size_t i = 0; raw.n == 16 && i < 8; i++) {
		id.hi = id.hi << 8 | (uint8_t)raw.p[i];
		id.lo = id.lo << 8 | (uint8_t)raw.p[8 + i];
	}
	return id;
}

str tell_finding_id(struct hash128 id, char text[48])
{
	int n = snprintf(text, 48, "finding--%016llx%016llx", (unsigned long long)id.hi, (unsigned long long)id.lo);
	return str_mem(text, (size_t)n);
}

bool tell_finding_parse(str item, struct hash128 *out)
{
	char raw[16];
	bool is = str_starts(item, STR("finding--")) && hex_parse(str_from(item, STR("finding--").n), (uint8_t *)raw, 16);
	*out = is ? hash_of(str_mem(raw, 16)) : (struct hash128){ 0, 0 };
	return is;
}

static struct uuid uuid_of(str b)
{
	struct uuid id = { { 0 } };
	if (b.n == sizeof id.b)
		memcpy(id.b, b.p, b.n);
	return id;
}

#define TELL_COLUMNS                                                                                    \
	"finding, organisation, rule, class, what, at_us, step, told, unanswered, last_us, next_us, message," \
	" state"

static void take(struct sql *q, struct arena *a, struct tell_row *out)
{
	*out = (struct tell_row){
		.finding = hash_of(sql_col_blob(q, 0)), .organisation = uuid_of(sql_col_blob(q, 1)),
		.rule = uuid_of(sql_col_blob(q, 2)), .class = arena_str(a, sql_col_str(q, 3)),
		.what = (int)sql_col_int(q, 4), .at_us = sql_col_int(q, 5), .step = (int)sql_col_int(q, 6),
		.told = sql_col_int(q, 7), .unanswered = sql_col_int(q, 8), .last_us = sql_col_int(q, 9),
		.next_us = sql_col_int(q, 10), .message = sql_col_int(q, 11),
		.state = (enum tell_state)sql_col_int(q, 12),
	};
}

enum rc tell_rows_of(struct conn *c, struct hash128 finding, struct arena *a, struct tell_row **out,
		     size_t *count_out, struct err *err)
{
	char raw[16];
	size_t most = CONCERNS_MAX * 2, room = 2; /* mostly one */
	struct sql *q = sql(c, "SELECT " TELL_COLUMNS " FROM tell WHERE finding = ?");
	raw_of(finding, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	*out = ARENA_ARRAY(a, room, struct tell_row);
	*count_out = 0;
	while (*count_out < most && sql_row(q)) {
		if (*count_out == room) {
			struct tell_row *wider = ARENA_ARRAY(a, most, struct tell_row);
			memcpy(wider, *out, room * sizeof *wider);
			*out = wider;
			room = most;
		}
		take(q, a, &(*out)[(*count_out)++]);
	}
	return sql_end(q, err);
}

enum rc tell_row_put(struct tx *tx, const struct tell_row *row, struct err *err)
{
	char raw[16];
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO tell (" TELL_COLUMNS
					 ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	raw_of(row->finding, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	sql_blob(q, 2, tell_uuid(&row->organisation));
	sql_blob(q, 3, tell_uuid(&row->rule));
	sql_str(q, 4, row->class.p ? row->class : STR(""));
	sql_int(q, 5, row->what);
	sql_int(q, 6, row->at_us);
	sql_int(q, 7, row->step);
	sql_int(q, 8, row->told);
	sql_int(q, 9, row->unanswered);
	sql_int(q, 10, row->last_us);
	if (row->next_us)
		sql_int(q, 11, row->next_us);
	else
		sql_null(q, 11);
	sql_int(q, 12, row->message);
	sql_int(q, 13, row->state);
	return sql_run(q, err);
}

enum rc tell_row_drop(struct tx *tx, const struct tell_row *row, struct err *err)
{
	char raw[16];
	struct sql *q = sql(tx_conn(tx), "DELETE FROM tell WHERE finding = ? AND organisation = ?");
	raw_of(row->finding, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	sql_blob(q, 2, tell_uuid(&row->organisation));
	return sql_run(q, err);
}

enum rc tell_row_back(struct tx *tx, struct tell_row *row, enum tell_state state, int64_t next_us, struct err *err)
{
	row->told -= row->told > 0;
	row->unanswered -= row->unanswered > 0;
	if (row->told == 0 && row->what == TRANSITION_GONE) /* who heard of nothing is not told that it is gone */
		return tell_row_drop(tx, row, err);
	if (row->told == 0)
		row->last_us = 0;
	row->state = state;
	row->next_us = next_us;
	return tell_row_put(tx, row, err);
}

enum rc tell_count_add(struct tx *tx, const int64_t counts[TELL_STATES], int64_t now_us, struct err *err)
{
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < TELL_STATES; i++) {
		if (!counts[i])
			continue;
		struct sql *q = sql(tx_conn(tx), "INSERT INTO tell_count (day, state, count) VALUES (?1, ?2, ?3)"
						 " ON CONFLICT (day, state) DO UPDATE SET count = count + ?3");
		sql_int(q, 1, now_us / DAY_US);
		sql_int(q, 2, i);
		sql_int(q, 3, counts[i]);
		rc = sql_run(q, err);
	}
	return rc;
}

enum rc tell_group_due(struct conn *c, int64_t now_us, struct arena *a, struct tell_row *key_out, bool *found_out,
		       struct err *err)
{
	struct sql *q = sql(c, "SELECT " TELL_COLUMNS " FROM tell INDEXED BY tell_next WHERE next_us <= ?"
			       " ORDER BY next_us LIMIT 1");
	sql_int(q, 1, now_us);
	*found_out = sql_row(q);
	if (*found_out)
		take(q, a, key_out);
	return sql_end(q, err);
}

enum rc tell_group_rows(struct conn *c, const struct tell_row *key, int64_t upto_us, size_t most, struct arena *a,
			struct tell_row **out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " TELL_COLUMNS " FROM tell INDEXED BY tell_group WHERE organisation = ?"
			       " AND rule = ? AND class = ? AND step = ? AND next_us <= ? ORDER BY next_us LIMIT ?");
	sql_blob(q, 1, tell_uuid(&key->organisation));
	sql_blob(q, 2, tell_uuid(&key->rule));
	sql_str(q, 3, key->class);
	sql_int(q, 4, key->step);
	sql_int(q, 5, upto_us);
	sql_int(q, 6, (int64_t)most);
	*out = ARENA_ARRAY(a, most + 1, struct tell_row);
	*count_out = 0;
	while (*count_out < most && sql_row(q))
		take(q, a, &(*out)[(*count_out)++]);
	return sql_end(q, err);
}

enum rc tell_messages_hour(struct conn *c, str recipient, int64_t now_us, int64_t *count_out, int64_t *first_us_out,
			   struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*), min(at_us) FROM tell_message WHERE recipient = ? AND at_us > ?");
	sql_str(q, 1, recipient);
	sql_int(q, 2, now_us - HOUR_US);
	*count_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	*first_us_out = *count_out ? sql_col_int(q, 1) : 0;
	return sql_end(q, err);
}

enum rc tell_message_of(struct conn *c, str recipient, const struct rule *rule, str class, str period,
			int64_t *findings_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT findings FROM tell_message WHERE recipient = ? AND rule = ? AND class = ?"
			       " AND period = ? ORDER BY at_us DESC, message DESC LIMIT 1");
	sql_str(q, 1, recipient);
	sql_blob(q, 2, tell_uuid(&rule->id));
	sql_str(q, 3, class);
	sql_str(q, 4, period);
	*findings_out = sql_row(q) ? sql_col_int(q, 0) : -1;
	return sql_end(q, err);
}
