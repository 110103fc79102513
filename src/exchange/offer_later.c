/* SPDX-License-Identifier: Apache-2.0 */
/* What was taken in before its partner was known to be concerned, or before findings flowed to him.
 *
 * Open findings follow the directory (findings_reroute()); so do offers. When those to whom findings flow are others, or
 * claim other networks, events of the last days (exchange_look_back) are asked about once more, a piece at each look:
 *   on the event's list, and within no entry of his    a run, as when it was new
 *   not on its list, but concerned as things stand now a row beside the list (route/concern_later.h), ENTRY_LATER
 * Two cursors: for which claims it was done ("exchange:claims"), and the next event to ask about ("exchange:later"; 0:
 * none). They move with the entries, so nothing is offered twice. Reports that came meanwhile may have been
 * routed by the directory before: it follows what comes for a moment more. */
#include <stdlib.h>

#include "exchange/offer_private.h"
#include "exchange/withdraw.h"
#include "record/outbox.h"
#include "route/concern_later.h"
#include "store/reports.h"

#define CLAIMS_CURSOR STR("exchange:claims")
#define LATER_CURSOR STR("exchange:later")
#define FOLLOW_US (15 * SECOND_US)
#define LOOK_BACK_US (3 * DAY_US)
enum { PIECE = 1 << 15 /* events at a look */ };

/* --- for which claims --- */

static uint64_t number_of(str bytes)
{
	struct digest d = sha256(bytes);
	struct wire w = wire_of(str_mem(d.b, 8));
	return wire_le64(&w) & INT64_MAX;
}

/* Who gets findings. */
static uint64_t flows_to(const struct targets *t)
{
	struct buf b = BUF_INIT(MIB(1));
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].findings && t->list[i].to.org)
			buf_fmt(&b, STR_FMT " %lld\n", STR_ARG(str_mem(t->list[i].p.id.b, sizeof t->list[i].p.id.b)),
				(long long)t->list[i].to.org);
	uint64_t n = number_of(buf_str(&b));
	buf_free(&b);
	return n;
}

struct beginning {
	uint64_t claims_were, claims, at_was, at, first;
};

static enum rc begin_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct beginning *b = ctx;
	enum rc rc = outbox_cursor_move(tx, CLAIMS_CURSOR, b->claims_were, b->claims, err);
	if (rc == RC_OK)
		rc = outbox_cursor_move(tx, LATER_CURSOR, b->at_was, b->at, err);
	return rc == RC_OK && b->first ? concern_later_forget(tx, b->first, err) : rc;
}

static enum rc first_of_all(struct conn *c, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT min(first_seq) FROM (SELECT min(first_seq) first_seq FROM chunk UNION ALL"
			       " SELECT min(first_seq) FROM tail)");
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* *out: another pass begins. Not before the table knows what the claims say. */
static enum rc look_at_claims(struct exchange *x, struct reader *r, const struct targets *t, const struct directory *d,
			      struct later *l, bool *out, struct err *err)
{
	struct beginning b = { .at = 0 };
	int64_t back = x->w.settings ? settings_int(x->w.settings, "exchange_look_back") : LOOK_BACK_US;
	uint64_t version = 0, flows = flows_to(t);
	*out = false;
	enum rc rc = directory_stored_version(reader_conn(r), &version, err);
	if (rc != RC_OK || (l->known && version == l->version && flows == l->flows))
		return rc;
	if (t->org_count)
		rc = concern_later_claims(reader_conn(r), t->orgs, t->org_count, &b.claims, err);
	b.claims = t->org_count ? ((b.claims ^ flows) & INT64_MAX) | 1 : 0;
	if (rc == RC_OK)
		rc = outbox_cursor(reader_conn(r), CLAIMS_CURSOR, &b.claims_were, err);
	if (rc == RC_OK && b.claims != b.claims_were) {
		if (b.claims && d && directory_version(d) < version)
			return RC_OK;
		rc = outbox_cursor(reader_conn(r), LATER_CURSOR, &b.at_was, err);
		if (rc == RC_OK)
			rc = first_of_all(reader_conn(r), &b.first, err);
		if (rc == RC_OK && b.claims && back > 0)
			rc = offer_first_since(r, clock_now_us() - back, &b.at, err);
		if (rc == RC_OK)
			rc = store_write(x->w.store, begin_job, &b, err);
		*out = rc == RC_OK && b.at;
		l->until_us = clock_mono_us() + FOLLOW_US;
	}
	if (rc == RC_OK)
		*l = (struct later){ .known = true, .version = version, .flows = flows, .until_us = l->until_us, .passing = l->passing || *out };
	return rc;
}

/* --- a piece --- */

struct late {
	uint64_t seq;
	int64_t report, feed;
	bool exercise;
	size_t place;
};
struct piece {
	struct targets *t;
	struct conn *c;
	int64_t *collections;      /* as t->list; 0: he has none */
	struct span { uint64_t first, last; } *spans; /* the entry found last */
	struct report row;         /* asked last */
	uint64_t at, next;
	struct late *list;         /* not on their lists */
	size_t count, room;
	enum rc rc;
	struct err *err;
};

static bool is_for(const struct piece *k, const struct target *one, size_t place)
{
	return one->place == place && one->findings && !(one->feed && one->feed == k->row.feed) &&
	       one->p.exercise == k->row.exercise;
}

static enum rc was_offered(struct piece *k, size_t i, uint64_t seq, bool *out, struct err *err)
{
	struct span *s = &k->spans[i];
	*out = seq >= s->first && seq <= s->last;
	if (*out || !k->collections[i])
		return RC_OK;
	struct sql *q = sql(k->c, "SELECT first, last FROM collection_entry WHERE kind = 1 AND first BETWEEN ?1 AND ?2"
				  " AND collection = ?3 AND last >= ?2 LIMIT 1");
	_Static_assert(ENTRY_EVENTS == 1, "as the statement says");
	sql_int(q, 1, seq < ENTRY_EVENTS_MOST ? 0 : (int64_t)(seq - ENTRY_EVENTS_MOST));
	sql_int(q, 2, (int64_t)seq);
	sql_int(q, 3, k->collections[i]);
	*out = sql_row(q);
	if (*out)
		*s = (struct span){ (uint64_t)sql_col_int(q, 0), (uint64_t)sql_col_int(q, 1) };
	return sql_end(q, err);
}

static void add_late(struct piece *k, uint64_t seq, int64_t report, size_t place)
{
	if (k->count == k->room) {
		k->room = k->room ? 2 * k->room : 64;
		k->list = x_grow(k->list, k->room, sizeof *k->list);
	}
	k->list[k->count++] = (struct late){ seq, report, k->row.feed, k->row.exercise, place };
}

static bool note(void *ctx, uint64_t seq, int64_t report, size_t place, bool listed)
{
	struct piece *k = ctx;
	bool wanted = false;
	if (report != k->row.id) {
		k->rc = report_load(k->c, report, &k->row, k->err);
		k->row.id = report;
	}
	for (size_t i = 0; k->rc == RC_OK && i < k->t->count; i++) {
		struct target *one = &k->t->list[i];
		bool offered = true;
		if (!is_for(k, one, place))
			continue;
		wanted = true;
		if (listed)
			k->rc = was_offered(k, i, seq, &offered, k->err);
		if (k->rc != RC_OK || offered)
			continue;
		one->first = one->count ? one->first : seq;
		one->last = seq;
		one->count++;
	}
	if (wanted && !listed)
		add_late(k, seq, report, place);
	return k->rc == RC_OK;
}

/* One row for each organisation; an entry for each partner that has it. */
static enum rc put_late(struct tx *tx, struct piece *k, struct err *err)
{
	enum rc rc = RC_OK;
	size_t kept = 0;
	uint64_t *seqs = x_array(k->count + 1, sizeof *seqs);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		bool new = false;
		rc = concern_later_put(tx, k->t->orgs[k->list[i].place], k->list[i].seq, k->list[i].report, &new, err);
		if (new)
			k->list[kept++] = k->list[i];
	}
	for (size_t i = 0; rc == RC_OK && i < k->t->count; i++) {
		struct collection c;
		size_t n = 0;
		for (size_t j = 0; j < kept; j++) {
			k->row.feed = k->list[j].feed;
			k->row.exercise = k->list[j].exercise;
			if (is_for(k, &k->t->list[i], k->list[j].place))
				seqs[n++] = k->list[j].seq;
		}
		if (n)
			rc = collection_of(tx, COLLECTION_OUT, k->t->list[i].p.id, k->t->list[i].p.name, k->t->a, &c, err);
		for (size_t at = 0; rc == RC_OK && at < n; at += WITHDRAWN_EVENTS_MOST)
			rc = withdrawn_later(tx, c.id, seqs + at, n - at < WITHDRAWN_EVENTS_MOST ? n - at : WITHDRAWN_EVENTS_MOST,
					     err);
	}
	free(seqs);
	return rc;
}

static enum rc put_piece(struct tx *tx, void *ctx, struct err *err)
{
	struct piece *k = ctx;
	enum rc rc = outbox_cursor_move(tx, LATER_CURSOR, k->at, k->next, err);
	if (rc == RC_OK && k->next)
		rc = targets_offer_events(tx, k->t, err);
	return rc == RC_OK && k->next ? put_late(tx, k, err) : rc;
}

static enum rc their_collections(struct piece *k, struct err *err)
{
	enum rc rc = RC_OK;
	k->collections = ARENA_ARRAY(k->t->a, k->t->count + 1, int64_t);
	k->spans = ARENA_ARRAY(k->t->a, k->t->count + 1, struct span);
	for (size_t i = 0; rc == RC_OK && i < k->t->count; i++) {
		struct collection c;
		struct err none = { 0 };
		rc = collection_of_partner(k->c, COLLECTION_OUT, k->t->list[i].p.id, k->t->a, &c, &none);
		k->collections[i] = rc == RC_OK ? c.id : 0;
		k->spans[i] = (struct span){ 1, 0 };
		k->t->list[i].count = 0;
		rc = rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
	}
	return rc;
}

static enum rc look_at_piece(struct exchange *x, struct reader *r, struct targets *t, const struct directory *d,
			     struct later *l, uint64_t upto, bool *did, struct err *err)
{
	struct piece k = { .t = t, .c = reader_conn(r), .err = err };
	enum rc rc = outbox_cursor(k.c, LATER_CURSOR, &k.at, err);
	l->passing = k.at != 0;
	if (rc != RC_OK || k.at == 0)
		return rc;
	if (l->until_us == 0) /* it was under way when the node ended */
		l->until_us = clock_mono_us() + FOLLOW_US;
	if (k.at > upto) {
		if (clock_mono_us() < l->until_us)
			return RC_OK;
		return store_write(x->w.store, put_piece, &k, err);
	}
	uint64_t last = upto - k.at < PIECE ? upto : k.at + PIECE - 1;
	k.next = last + 1;
	rc = their_collections(&k, err);
	if (rc == RC_OK)
		rc = concern_later_ask(r, d, k.at, last, t->orgs, t->org_count, note, &k, err);
	if (rc == RC_INPUT) /* what is damaged is for `verify` to tell */
		rc = RC_OK;
	rc = rc == RC_OK ? k.rc : rc;
	if (rc == RC_OK)
		rc = store_write(x->w.store, put_piece, &k, err);
	*did = rc == RC_OK;
	free(k.list);
	return rc;
}

enum rc offer_later(struct exchange *x, struct reader *r, struct targets *t, struct later *l, uint64_t upto, bool *did,
		    struct err *err)
{
	struct snapshot_ref *ref = x->w.directory ? snapshot_hold(x->w.directory) : NULL;
	const struct directory *d = snapshot_table(ref);
	bool begun = false;
	*did = false;
	enum rc rc = look_at_claims(x, r, t, d, l, &begun, err);
	if (rc == RC_OK && !begun && t->org_count)
		rc = look_at_piece(x, r, t, d, l, upto, did, err);
	*did = *did || begun;
	if (ref)
		snapshot_drop(x->w.directory, ref);
	return rc;
}
