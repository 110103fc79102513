/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/answer.h"

static str uuid_bytes(const struct uuid *u)
{
	return str_mem(u->b, sizeof u->b);
}

static enum rc keep(struct tx *tx, const struct partner_answer *n, int64_t *id_out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO exchange_answer (partner, item, origin, about, what, words,"
					 " key, at_us, tlp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, uuid_bytes(&n->partner));
	sql_str(q, 2, n->item);
	sql_str(q, 3, n->origin);
	sql_str(q, 4, n->about);
	sql_str(q, 5, n->what);
	sql_str(q, 6, n->words.p ? n->words : STR(""));
	sql_str(q, 7, n->key);
	sql_int(q, 8, n->at_us);
	sql_int(q, 9, n->tlp);
	enum rc rc = sql_run(q, err);
	*id_out = rc == RC_OK && sql_changes(tx_conn(tx)) == 1 ? sql_last_id(tx_conn(tx)) : 0;
	return rc;
}

enum rc partner_answer_offer(struct tx *tx, const struct partner_answer *n, struct err *err)
{
	int64_t id = 0, added = 0;
	enum rc rc = keep(tx, n, &id, err);
	if (rc != RC_OK || id == 0)
		return rc;
	struct collection c;
	struct arena *a = arena_new(KIB(1));
	const struct entry e = { .kind = ENTRY_ANSWER, .lane = LANE_INCIDENT, .first = (uint64_t)id,
				 .last = (uint64_t)id, .count = 1 };
	rc = collection_of(tx, COLLECTION_OUT, n->partner, STR(""), a, &c, err);
	if (rc == RC_OK)
		rc = entry_put(tx, c.id, &e, &added, err);
	arena_free(a);
	return rc;
}

enum rc partner_answer_read(struct conn *c, int64_t id, struct arena *a, struct stix_answer *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT item, origin, about, what, words, key, at_us, tlp FROM exchange_answer WHERE id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found)
		*out = (struct stix_answer){
			.item = arena_str(a, sql_col_str(q, 0)), .origin = arena_str(a, sql_col_str(q, 1)),
			.about = arena_str(a, sql_col_str(q, 2)), .what = arena_str(a, sql_col_str(q, 3)),
			.words = arena_str(a, sql_col_str(q, 4)), .key = arena_str(a, sql_col_str(q, 5)),
			.at_us = sql_col_int(q, 6), .tlp = (enum tlp)sql_col_int(q, 7),
		};
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "there is no answer %lld", (long long)id) : rc;
}
