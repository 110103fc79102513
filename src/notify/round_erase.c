/* SPDX-License-Identifier: Apache-2.0 */
/* "round-answer:ROUND.PLACE": who answered a round and what he said, as one of us noted it (on the telephone, in a
 * meeting) or as his answer was counted; ROUND: 32 hex digits of the record's UUID. That there was an answer, and when, stays. */
#include "notify/round.h"

#include "base/hash.h"
#include "record/erase.h"

static bool member_of(str id, struct uuid *round, int64_t *place)
{
	str hex = str_cut(&id, '.');
	return hex_parse(hex, round->b, sizeof round->b) && str_to_i64(id, place) && *place >= 0;
}

enum rc round_words_list(struct conn *c, str after, size_t limit, struct arena *a, struct round_words **out,
			 size_t *count_out, struct err *err)
{
	struct round_words *list = ARENA_ARRAY(a, limit + 1, struct round_words);
	struct uuid round = { { 0 } };
	int64_t place = -1;
	size_t n = 0;
	if (after.n > 0 && !member_of(after, &round, &place))
		return fail(err, RC_INPUT, "'" STR_FMT "' names no answer to a round", STR_ARG(str_head(after, 60)));
	struct sql *q = sql(c, "SELECT lower(hex(round)), place, answered_by, words, answered_us FROM round_member"
			       " WHERE (round, place) > (?1, ?2) AND (answered_by <> '' OR words <> '')"
			       " ORDER BY round, place LIMIT ?3");
	sql_blob(q, 1, str_mem(round.b, sizeof round.b));
	sql_int(q, 2, place);
	sql_int(q, 3, (int64_t)limit);
	while (n < limit && sql_row(q)) {
		list[n++] = (struct round_words){
			.id = arena_fmt(a, STR_FMT ".%lld", STR_ARG(sql_col_str(q, 0)), (long long)sql_col_int(q, 1)),
			.by = arena_str(a, sql_col_str(q, 2)), .words = arena_str(a, sql_col_str(q, 3)),
			.at_us = sql_col_int(q, 4),
		};
	}
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

enum rc round_words_find(struct conn *c, str id, struct arena *a, struct round_words *out, struct err *err)
{
	struct uuid round = { { 0 } };
	int64_t place = -1;
	bool good = member_of(id, &round, &place);
	struct sql *q = sql(c, "SELECT answered_by, words, answered_us FROM round_member WHERE round = ? AND place = ?"
			       " AND (answered_by <> '' OR words <> '')");
	sql_blob(q, 1, str_mem(round.b, sizeof round.b));
	sql_int(q, 2, place);
	bool found = sql_row(q) && good;
	if (found)
		*out = (struct round_words){ .id = arena_str(a, id), .by = arena_str(a, sql_col_str(q, 0)),
					     .words = arena_str(a, sql_col_str(q, 1)), .at_us = sql_col_int(q, 2) };
	enum rc rc = sql_end(q, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no answer '" STR_FMT "' to a round",
						STR_ARG(str_head(id, 60)));
}

static enum rc check(struct conn *c, str id, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct round_words words;
	enum rc rc = round_words_find(c, id, a, &words, err);
	arena_free(a);
	return rc;
}

/* The ledger has the words beside: of a receipt of that message (ledger_receipt(), kind "answer"). */
static enum rc remove_words(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	const char *const statements[] = {
		"UPDATE ledger SET words = '' WHERE kind = 7 AND message > 0 AND message IN"
		" (SELECT message FROM round_member WHERE round = ?1 AND place = ?2)",
		"UPDATE round_member SET answered_by = '', words = '' WHERE round = ?1 AND place = ?2",
	};
	str head = STR("round-answer:");
	struct uuid round;
	int64_t place;
	enum rc rc = RC_OK;
	*more_out = false;
	if (!str_starts(e->object, head) || !member_of(str_from(e->object, head.n), &round, &place))
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(statements); i++) {
		struct sql *q = sql(tx_conn(tx), statements[i]);
		sql_blob(q, 1, str_mem(round.b, sizeof round.b));
		sql_int(q, 2, place);
		rc = sql_run(q, err);
	}
	return rc;
}

const struct eraser eraser_round_answer = { .kind = "round-answer", .check = check, .remove = remove_words };
