/* SPDX-License-Identifier: Apache-2.0 */
#include "record/ledger_counts.h"

enum { COUNTS_MOST = 256 };

/* Ids as the ledger has them, without type and dashes, beside those of exercises. */
#define PLAYED                                                                                          \
	" AND replace(substr(item, instr(item, '--') + 2), '-', '') NOT IN"                             \
	" (SELECT lower(hex(uuid)) FROM record WHERE exercise = 1)"                                     \
	" AND replace(substr(recipient, instr(recipient, '--') + 2, 36), '-', '') NOT IN"               \
	" (SELECT lower(hex(uuid)) FROM record WHERE exercise = 1)"

enum rc ledger_counts(struct conn *c, int64_t since_us, int64_t until_us, struct arena *a,
		      struct ledger_count **out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT driver, kind, count(*) FROM ledger WHERE at_us >= ? AND at_us < ?" PLAYED
			       " GROUP BY driver, kind ORDER BY driver, kind LIMIT 256");
	*out = ARENA_ARRAY(a, COUNTS_MOST, struct ledger_count);
	*count_out = 0;
	sql_int(q, 1, since_us);
	sql_int(q, 2, until_us);
	while (*count_out < COUNTS_MOST && sql_row(q))
		(*out)[(*count_out)++] = (struct ledger_count){ .driver = arena_str(a, sql_col_str(q, 0)),
								.kind = (enum ledger_kind)sql_col_int(q, 1),
								.rows = (uint64_t)sql_col_int(q, 2) };
	return sql_end(q, err);
}

enum rc ledger_silent(struct conn *c, int64_t since_us, int64_t until_us, uint64_t least, size_t limit,
		      struct arena *a, struct ledger_silence **out, size_t *count_out, struct err *err)
{
	/* ?3, ?4 and ?7: the kinds that tell, that answer, and that take back that it was told */
	struct sql *q = sql(c, "SELECT substr(recipient, 1, instr(recipient || '/', '/') - 1) AS who,"
			       " sum(kind = ?3) - sum(kind = ?7) AS told, min(at_us), max(at_us) FROM ledger"
			       " WHERE at_us >= ?1 AND at_us < ?2 AND kind IN (?3, ?4, ?7)"
			       " AND recipient >= 'organisation--' AND recipient < 'organisation-.'" PLAYED
			       " GROUP BY who HAVING told >= ?5 AND sum(kind = ?4) = 0"
			       " ORDER BY told DESC, who LIMIT ?6");
	*out = ARENA_ARRAY(a, limit + 1, struct ledger_silence);
	*count_out = 0;
	sql_int(q, 1, since_us);
	sql_int(q, 2, until_us);
	sql_int(q, 3, LEDGER_SENT);
	sql_int(q, 4, LEDGER_ANSWER);
	sql_int(q, 5, (int64_t)least);
	sql_int(q, 6, (int64_t)limit);
	sql_int(q, 7, LEDGER_BOUNCED);
	while (*count_out < limit && sql_row(q))
		(*out)[(*count_out)++] = (struct ledger_silence){
			.recipient = arena_str(a, sql_col_str(q, 0)), .told = (uint64_t)sql_col_int(q, 1),
			.first_us = sql_col_int(q, 2), .last_us = sql_col_int(q, 3) };
	return sql_end(q, err);
}
