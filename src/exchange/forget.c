/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of events whose days are forgotten go after them, and receipts for what no entry is left of: a piece now and
 * then. Entries of records, answers, withdrawals and objects of others stay as long as these do. */
#include "exchange/collection.h"
#include "exchange/exchange_private.h"

enum { AT_ONCE = 500, JUMPS_MOST = 64 /* over events that are there */ };
#define REST_US MINUTE_US

struct gone {
	int64_t collection, added_us;   /* of an entry; or 0 and the id of a receipt */
};
struct sweep {
	struct gone list[AT_ONCE];
	size_t count;
	uint64_t entry;                 /* it goes on from there; 0: from the begin, when it rested */
	int64_t receipt;
};

/* --- entries --- */

/* Up to the first whose events are there. *end_out: behind them; 0: none was. *last_out: there are no more. */
static enum rc find_entries(struct sweep *w, struct conn *c, uint64_t *end_out, bool *last_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT collection, added_us, first, max(coalesce((SELECT first_seq + rows FROM chunk WHERE first_seq <="
			       " e.last ORDER BY first_seq DESC LIMIT 1), 0), coalesce((SELECT first_seq + rows FROM tail WHERE"
			       " first_seq <= e.last ORDER BY first_seq DESC LIMIT 1), 0)) FROM collection_entry e WHERE kind = ?1"
			       " AND first >= ?2 ORDER BY first LIMIT ?3");
	sql_int(q, 1, ENTRY_EVENTS);
	sql_int(q, 2, (int64_t)w->entry);
	sql_int(q, 3, AT_ONCE);
	*end_out = 0;
	*last_out = true;
	while (w->count < AT_ONCE && sql_row(q)) {
		uint64_t first = (uint64_t)sql_col_int(q, 2), end = (uint64_t)sql_col_int(q, 3);
		*last_out = false;
		if (end > first) {
			*end_out = end;
			break;
		}
		w->list[w->count++] = (struct gone){ sql_col_int(q, 0), sql_col_int(q, 1) };
	}
	return sql_end(q, err);
}

static enum rc look_at_entries(struct sweep *w, struct conn *c, struct err *err)
{
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && w->count == 0 && i < JUMPS_MOST; i++) {
		uint64_t end = 0;
		bool last = false;
		rc = find_entries(w, c, &end, &last, err);
		w->entry = last ? 0 : end ? end : w->entry;
		if (last)
			break;
	}
	return rc;
}

/* --- receipts --- */

static enum rc look_at_receipts(struct sweep *w, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT p.id, EXISTS (SELECT 1 FROM collection c JOIN collection_entry e ON e.collection = c.id AND e.lane ="
			       " p.lane AND e.added_us <= p.upto_us AND e.added_us > p.after_us - ?3 AND e.added_us + ?5 * CASE e.kind"
			       " WHEN 1 THEN e.last - e.first + 1 WHEN 5 THEN e.count WHEN 7 THEN e.count WHEN 8 THEN e.count ELSE 1 END > p.after_us + 1"
			       " WHERE c.kind = ?4 AND c.partner = p.partner) FROM partner_receipt p WHERE p.id > ?1 ORDER BY p.id LIMIT ?2");
	bool any = false;
	_Static_assert(ENTRY_EVENTS == 1 && ENTRY_WITHDRAWN == 5 && ENTRY_AGAIN == 7 && ENTRY_LATER == 8,
		       "as the statement says");
	sql_int(q, 1, w->receipt);
	sql_int(q, 2, AT_ONCE);
	sql_int(q, 3, (int64_t)ENTRY_EVENTS_MOST * ENTRY_STEP); /* it may end within one that is long */
	sql_int(q, 4, COLLECTION_OUT);
	sql_int(q, 5, ENTRY_STEP); /* entry_span_us() */
	while (w->count < AT_ONCE && sql_row(q)) {
		any = true;
		w->receipt = sql_col_int(q, 0);
		if (!sql_col_int(q, 1))
			w->list[w->count++] = (struct gone){ 0, w->receipt };
	}
	w->receipt = any ? w->receipt : 0;
	return sql_end(q, err);
}

/* --- a piece --- */

static enum rc drop(struct tx *tx, void *ctx, struct err *err)
{
	const struct sweep *w = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < w->count; i++) {
		bool entry = w->list[i].collection != 0;
		struct sql *q = entry ? sql(tx_conn(tx), "DELETE FROM collection_entry WHERE added_us = ?1 AND collection = ?2") :
					sql(tx_conn(tx), "DELETE FROM partner_receipt WHERE id = ?1");
		sql_int(q, 1, w->list[i].added_us);
		if (entry)
			sql_int(q, 2, w->list[i].collection);
		rc = sql_run(q, err);
	}
	return rc;
}

enum rc exchange_forget(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct exchange *x = ctx;
	struct reader *r = NULL;
	*did_out = false;
	if (store_read_only(s) || clock_mono_us() < x->forget_next_us)
		return RC_OK;
	struct sweep w = { .entry = x->forget_entry, .receipt = x->forget_receipt };
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = look_at_entries(&w, reader_conn(r), err);
		if (rc == RC_OK && w.count == 0)
			rc = look_at_receipts(&w, reader_conn(r), err);
		store_read_end(r);
	}
	if (rc == RC_OK && w.count)
		rc = store_write(s, drop, &w, err);
	*did_out = rc == RC_OK && w.count > 0;
	x->forget_entry = w.entry;
	x->forget_receipt = w.receipt;
	x->forget_next_us = *did_out ? 0 : clock_mono_us() + REST_US;
	return rc;
}
