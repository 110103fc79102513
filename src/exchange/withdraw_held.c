/* SPDX-License-Identifier: Apache-2.0 */
/* A person holds a finding back: those who had events of it are told that they are withdrawn; nobody holds it any more:
 * they get them again, with what came meanwhile. One finding a look. */
#include <stdlib.h>

#include "exchange/exchange_private.h"
#include "exchange/offer.h"
#include "exchange/withdraw.h"
#include "route/findings.h"

struct holding {
	struct hash128 id;
	char raw[16];
	bool held;                 /* now; else it was */
	uint64_t *seqs;
	size_t count, room;
	struct withdrawal *w;
};

static bool add_event(void *ctx, const struct event_row *e)
{
	struct holding *h = ctx;
	if (h->count == h->room) {
		h->room = h->room ? 2 * h->room : 64;
		h->seqs = x_grow(h->seqs, h->room, sizeof *h->seqs);
	}
	h->seqs[h->count++] = e->seq;
	return true;
}

/* The next one of which not all is done that is to be. */
static enum rc next_one(struct conn *c, struct holding *h, bool *found, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, 1 FROM finding_mark WHERE mark = 3 AND id NOT IN (SELECT finding FROM exchange_held)"
			       " UNION ALL SELECT finding, 0 FROM exchange_held WHERE finding NOT IN (SELECT id FROM finding_mark"
			       " WHERE mark = 3) LIMIT 1");
	_Static_assert(MARK_HELD == 3, "as the statement says");
	*found = sql_row(q) && sql_col_blob(q, 0).n == sizeof h->raw;
	if (*found) {
		memcpy(h->raw, sql_col_blob(q, 0).p, sizeof h->raw);
		h->held = sql_col_int(q, 1) != 0;
		h->id = (struct hash128){ 0, 0 };
		for (size_t i = 0; i < 8; i++) {
			h->id.hi = h->id.hi << 8 | (uint8_t)h->raw[i];
			h->id.lo = h->id.lo << 8 | (uint8_t)h->raw[8 + i];
		}
	}
	return sql_end(q, err);
}

static enum rc write_down(struct tx *tx, void *ctx, struct err *err)
{
	struct holding *h = ctx;
	struct sql *q = h->held ? sql(tx_conn(tx), "INSERT OR IGNORE INTO exchange_held (finding) VALUES (?)") :
				  sql(tx_conn(tx), "DELETE FROM exchange_held WHERE finding = ?");
	sql_blob(q, 1, str_mem(h->raw, sizeof h->raw));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK || sql_changes(tx_conn(tx)) == 0)
		return rc;
	return h->held ? withdrawal_put(tx, h->w, &withdrawn_unsaid, err) : withdrawal_over(tx, h->w, err);
}

static enum rc find_events(struct exchange *x, struct holding *h, bool *found, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = next_one(reader_conn(r), h, found, err);
	if (rc == RC_OK && *found)
		rc = findings_events(r, h->id, add_event, h, err);
	store_read_end(r);
	return rc == RC_ABSENT ? RC_OK : rc; /* forgotten: nothing of it is anywhere */
}

enum rc withdraw_held(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct exchange *x = ctx;
	struct holding h = { .count = 0 };
	bool found = false;
	*did_out = false;
	enum rc rc = store_read_only(s) ? RC_OK : find_events(x, &h, &found, err);
	if (rc == RC_OK && found)
		rc = withdrawal_find(x, h.seqs, h.count, &h.w, err);
	if (rc == RC_OK && found)
		rc = store_write(s, write_down, &h, err);
	*did_out = rc == RC_OK && found;
	if (*did_out)
		offer_wake(x);
	withdrawal_free(h.w);
	free(h.seqs);
	return rc;
}
