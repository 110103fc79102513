/* SPDX-License-Identifier: Apache-2.0 */
/* Events that are no more: to whom they had been offered.
 *
 * Offered were those that concern the partner, did not come from him, are not RED, and lie within an entry of his
 * collection. They are looked for among the events of a report that was undone, as long as these stand on the disk. */
#include <stdlib.h>

#include "exchange/offer_private.h"
#include "exchange/withdraw.h"
#include "route/concern_later.h"
#include "store/reports.h"

enum { RUN_GAP = 4096 /* a chunk */, RUN_SPAN = 1 << 16 };

/* What is found for one partner. */
struct found {
	int64_t collection;        /* 0: he has none */
	uint64_t first, last;      /* the entry asked about last */
	uint64_t *seqs;            /* ascending */
	size_t count, room;
};
struct looking {
	struct targets t;
	struct found *found;       /* as t.list */
	struct conn *c;
	int64_t report, feed;      /* asked last */
	bool exercise;
	uint64_t upto;             /* looked at up to here */
	bool more;                 /* the piece ended before its report */
	enum rc rc;
	struct err *err;
};

static enum rc looking_begin(struct exchange *x, struct reader *r, struct looking *k, struct err *err)
{
	enum rc rc = targets_load(x, r, true, &k->t, err);
	if (rc != RC_OK)
		return rc;
	k->c = reader_conn(r);
	k->err = err;
	k->found = ARENA_ARRAY(k->t.a, k->t.count + 1, struct found);
	for (size_t i = 0; rc == RC_OK && i < k->t.count; i++) {
		struct collection c;
		struct err none = { 0 };
		rc = collection_of_partner(k->c, COLLECTION_OUT, k->t.list[i].p.id, k->t.a, &c, &none);
		k->found[i].collection = rc == RC_OK ? c.id : 0;
		rc = rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
	}
	return rc;
}

static void looking_end(struct looking *k)
{
	for (size_t i = 0; k->found && i < k->t.count; i++)
		free(k->found[i].seqs);
	targets_free(&k->t);
}

static void add(struct found *f, uint64_t seq)
{
	if (f->count == f->room) {
		f->room = f->room ? 2 * f->room : 64;
		f->seqs = x_grow(f->seqs, f->room, sizeof *f->seqs);
	}
	f->seqs[f->count++] = seq;
}

/* Was it offered: is there an entry around it? *first_out, *last_out: of that. */
static enum rc entry_around(struct conn *c, int64_t collection, uint64_t seq, struct found *f, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT first, last FROM collection_entry WHERE kind = 1 AND first BETWEEN ?1 AND ?2"
			       " AND collection = ?3 AND last >= ?2 LIMIT 1");
	sql_int(q, 1, seq < ENTRY_EVENTS_MOST ? 0 : (int64_t)(seq - ENTRY_EVENTS_MOST));
	sql_int(q, 2, (int64_t)seq);
	sql_int(q, 3, collection);
	*out = sql_row(q);
	if (*out) {
		f->first = (uint64_t)sql_col_int(q, 0);
		f->last = (uint64_t)sql_col_int(q, 1);
	}
	return sql_end(q, err);
}

static bool note(void *ctx, uint64_t seq, int64_t report, size_t place)
{
	struct looking *k = ctx;
	if (report != k->report) {
		struct report row;
		k->rc = report_load(k->c, report, &row, k->err);
		k->report = report;
		k->feed = row.feed;
		k->exercise = row.exercise;
	}
	for (size_t i = 0; i < k->t.count && k->rc == RC_OK; i++) {
		struct found *f = &k->found[i];
		const struct target *one = &k->t.list[i];
		bool is = seq >= f->first && seq <= f->last;
		if (one->place != place || !f->collection || (one->feed && one->feed == k->feed) ||
		    one->p.exercise != k->exercise)
			continue;
		if (!is)
			k->rc = entry_around(k->c, f->collection, seq, f, &is, k->err);
		if (is)
			add(f, seq);
	}
	k->upto = seq;
	return k->rc == RC_OK;
}

/* What was found later to concern them was offered when it was found. */
static bool note_later(void *ctx, uint64_t seq, int64_t org)
{
	struct looking *k = ctx;
	for (size_t i = 0; i < k->t.count; i++) {
		const struct target *one = &k->t.list[i];
		if (one->to.org == org && k->found[i].collection)
			add(&k->found[i], seq);
	}
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Without `why`: given again. */
static enum rc put_found(struct tx *tx, const struct looking *k, const struct withdrawn_why *why, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->t.count; i++) {
		const struct found *f = &k->found[i];
		if (f->count > 1)
			qsort(f->seqs, f->count, sizeof *f->seqs, by_number);
		for (size_t at = 0; rc == RC_OK && at < f->count; at += WITHDRAWN_EVENTS_MOST) {
			size_t left = f->count - at, n = left < WITHDRAWN_EVENTS_MOST ? left : WITHDRAWN_EVENTS_MOST;
			rc = why ? withdraw_events(tx, f->collection, f->seqs + at, n, why, err) :
				   withdrawn_again(tx, f->collection, f->seqs + at, n, err);
		}
	}
	return rc;
}

struct job {
	struct looking *k;
	int64_t report;
	uint64_t from;
	struct withdrawn_why why;
	bool ended;
};

static enum rc put_piece(struct tx *tx, void *ctx, struct err *err)
{
	const struct job *j = ctx;
	struct sql *q = j->ended ? sql(tx_conn(tx), "DELETE FROM exchange_undone WHERE report = ?1 AND at_seq = ?2") :
				   sql(tx_conn(tx), "UPDATE exchange_undone SET at_seq = ?3 WHERE report = ?1 AND at_seq = ?2");
	sql_int(q, 1, j->report);
	sql_int(q, 2, (int64_t)j->from);
	if (!j->ended)
		sql_int(q, 3, (int64_t)j->k->upto);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) == 0)
		rc = fail(err, RC_CONFLICT, "another did that piece");
	return rc == RC_OK ? put_found(tx, j->k, &j->why, err) : rc;
}

/* --- of a report that was undone --- */

/* So many numbers at once. */
struct piece {
	struct looking *k;
	uint64_t begin;            /* the first one found */
};

static bool note_piece(void *ctx, uint64_t seq, int64_t report, size_t place)
{
	struct piece *p = ctx;
	p->begin = p->begin ? p->begin : seq;
	if (seq - p->begin >= WITHDRAWN_EVENTS_MOST) {
		p->k->more = true;
		return false;
	}
	return note(p->k, seq, report, place);
}

struct undone {
	int64_t report;            /* 0: none */
	uint64_t at;
	str why;
};

static enum rc next_undone(struct conn *c, struct arena *a, struct undone *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT report, at_seq, why FROM exchange_undone ORDER BY report LIMIT 1");
	*out = (struct undone){ .report = 0 };
	if (sql_row(q))
		*out = (struct undone){ sql_col_int(q, 0), (uint64_t)sql_col_int(q, 1), arena_str(a, sql_col_str(q, 2)) };
	return sql_end(q, err);
}

static enum rc withdraw_piece(struct exchange *x, struct reader *r, const struct undone *u, struct err *err)
{
	const int64_t report = u->report;
	const uint64_t at = u->at;
	struct looking k = { .upto = at };
	struct piece p = { .k = &k };
	struct report row;
	enum rc rc = report_load(reader_conn(r), report, &row, err);
	if (rc == RC_OK)
		rc = looking_begin(x, r, &k, err);
	if (rc == RC_OK) {
		const struct event_query q = { .after_seq = at, .report = report, .undone = true, .oldest_first = true,
					       .exercise = row.exercise,
					       .tlp_mask = (1u << TLP_COUNT) - 1 - (1u << TLP_RED) };
		struct job j = { .k = &k, .report = report, .from = at, .why = { u->why, TLP_AMBER } };
		if (k.t.org_count)
			rc = told_concerning(r, &q, k.t.orgs, k.t.org_count, note_piece, &p, err);
		rc = rc == RC_INPUT ? RC_OK : rc != RC_OK ? rc : k.rc;
		j.ended = !k.more;
		if (rc == RC_OK && j.ended)
			rc = concern_later_of(reader_conn(r), 0, report, note_later, &k, err);
		if (rc == RC_OK)
			rc = store_write(x->w.store, put_piece, &j, err);
		if (rc == RC_CONFLICT)
			rc = RC_OK;
	}
	looking_end(&k);
	return rc;
}

enum rc withdraw_undone(struct exchange *x, bool *did_out, struct err *err)
{
	struct reader *r;
	struct undone u;
	*did_out = false;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct arena *a = arena_new(KIB(4));
	rc = next_undone(reader_conn(r), a, &u, err);
	if (rc == RC_OK && u.report) {
		rc = withdraw_piece(x, r, &u, err);
		*did_out = rc == RC_OK;
	}
	arena_free(a);
	store_read_end(r);
	return rc;
}

/* --- single ones, before they are erased --- */

struct withdrawal {
	struct looking k;
};

/* Those of a run, ascending. */
struct wanted {
	struct looking *k;
	const uint64_t *list;
	size_t count;
};

static bool note_wanted(void *ctx, uint64_t seq, int64_t report, size_t place)
{
	struct wanted *w = ctx;
	return !bsearch(&seq, w->list, w->count, sizeof seq, by_number) || note(w->k, seq, report, place);
}

/* What stands near each other is looked for at once: of a finding with very many events each would be a look at the disk. */
static enum rc look_at_run(struct reader *r, struct wanted *w, struct err *err)
{
	const struct event_query q = { .after_seq = w->list[0] - 1, .before_seq = w->list[w->count - 1] + 1, .oldest_first = true,
				       .again = true, .tlp_mask = (1u << TLP_COUNT) - 1 - (1u << TLP_RED) };
	struct looking *k = w->k;
	enum rc rc = told_concerning(r, &q, k->t.orgs, k->t.org_count, note_wanted, w, err);
	rc = rc == RC_INPUT ? RC_OK : rc != RC_OK ? rc : k->rc;
	for (size_t i = 0; rc == RC_OK && i < w->count; i++)
		if (i == 0 || w->list[i] != w->list[i - 1])
			rc = concern_later_of(reader_conn(r), w->list[i], 0, note_later, k, err);
	return rc;
}

static enum rc find_all(struct exchange *x, struct reader *r, struct looking *k, const uint64_t *sorted, size_t count,
			struct err *err)
{
	enum rc rc = looking_begin(x, r, k, err);
	for (size_t i = 0, n; rc == RC_OK && k->t.org_count && i < count; i += n) {
		for (n = 1; i + n < count && sorted[i + n] - sorted[i + n - 1] <= RUN_GAP && sorted[i + n] - sorted[i] < RUN_SPAN; n++)
			continue;
		struct wanted w = { k, sorted + i, n };
		rc = look_at_run(r, &w, err);
	}
	return rc;
}

enum rc withdrawal_find(struct exchange *x, const uint64_t *seqs, size_t count, struct withdrawal **out, struct err *err)
{
	struct reader *r;
	*out = NULL;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct withdrawal *w = x_alloc(sizeof *w);
	uint64_t *sorted = x_array(count + 1, sizeof *sorted);
	*w = (struct withdrawal){ .k = { .upto = 0 } };
	for (size_t i = 0; i < count; i++)
		sorted[i] = seqs[i];
	qsort(sorted, count, sizeof *sorted, by_number);
	rc = find_all(x, r, &w->k, sorted, count, err);
	free(sorted);
	store_read_end(r);
	if (rc == RC_OK)
		*out = w;
	else
		withdrawal_free(w);
	return rc;
}

enum rc withdrawal_put(struct tx *tx, struct withdrawal *w, const struct withdrawn_why *why, struct err *err)
{
	return put_found(tx, &w->k, why, err);
}

enum rc withdrawal_over(struct tx *tx, struct withdrawal *w, struct err *err)
{
	return put_found(tx, &w->k, NULL, err);
}

void withdrawal_free(struct withdrawal *w)
{
	if (w)
		looking_end(&w->k);
	free(w);
}
