/* SPDX-License-Identifier: Apache-2.0 */
/* A thread looks for what is new once something was committed, a few times a second at most: one look at the events for
 * all partners, one at the records. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/queue.h"
#include "exchange/offer_private.h"
#include "exchange/withdraw.h"
#include "record/outbox.h"

#define LOOK_EVERY_US (100 * INT64_C(1000))
#define LOOK_SELDOM_US (2 * SECOND_US) /* with no partner yet; and for what time alone brings, as an agreement that begins */
#define NOTE_EVERY_US MINUTE_US    /* how far it looked, when nothing came of it */
#define EVENTS_CURSOR STR("exchange:events")

struct offer {
	struct exchange *x;
	struct queue *wake;        /* a token once something was committed */
	struct queue *rest;        /* never filled: the thread sleeps on it, closing wakes it */
	pthread_t thread;
	bool runs;
	size_t partners;           /* at the last look */
	atomic_ullong idle_seq;    /* up to here there is nothing for anybody; the cursor follows now and then */
	int64_t noted_us;          /* when it last did */
	struct later later;
	int64_t rest_us;           /* what was looked through again took so long: as long it leaves the processor to others */
};

/* --- one look --- */

struct events_job {
	struct targets *t;
	uint64_t from, upto;
};

static enum rc put_events(struct tx *tx, void *ctx, struct err *err)
{
	struct events_job *k = ctx;
	enum rc rc = outbox_cursor_move(tx, EVENTS_CURSOR, k->from, k->upto, err);
	return rc == RC_OK ? targets_offer_events(tx, k->t, err) : rc;
}

static bool targets_any(const struct targets *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].count > 0)
			return true;
	return false;
}

static enum rc look_at_events(struct offer *o, struct reader *r, struct targets *t, bool *did, struct err *err)
{
	struct events_job k = { .t = t };
	uint64_t last = 0;
	enum rc rc = outbox_cursor(reader_conn(r), EVENTS_CURSOR, &k.from, err);
	if (rc == RC_OK)
		rc = events_last_seq(r, &last, err);
	if (rc != RC_OK || last <= k.from)
		return rc;
	if (t->org_count == 0) { /* nothing is written for nobody: offer_later() sees to whoever comes */
		atomic_store(&o->idle_seq, last);
		return RC_OK;
	}
	uint64_t idle = atomic_load(&o->idle_seq), first = 1 + (idle > k.from ? idle : k.from);
	/* while older ones are looked through it stands where that may go */
	bool lazy = o->later.known && !o->later.passing && clock_mono_us() - o->noted_us < NOTE_EVERY_US;
	if (first > last && lazy)
		return RC_OK;
	/* somebody comes to whom they flow, and there is nothing since: the cursor follows, no further than what is there */
	k.upto = first > last || last - first < ENTRY_EVENTS_MOST ? last : first + ENTRY_EVENTS_MOST - 1;
	if (first <= k.upto)
		rc = targets_count(t, r, first, k.upto, err);
	if (rc == RC_OK && lazy && !targets_any(t) && k.upto - k.from < ENTRY_EVENTS_MOST) {
		atomic_store(&o->idle_seq, k.upto); /* a crash looks at it once more */
		*did |= k.upto < last;
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = store_write(o->x->w.store, put_events, &k, err);
	o->noted_us = clock_mono_us();
	*did = rc == RC_OK;
	return rc;
}

static enum rc look_at_records(struct offer *o, struct reader *r, struct targets *t, bool *did, struct err *err)
{
	uint64_t from = 0, upto = 0;
	enum rc rc = outbox_cursor(reader_conn(r), STR("exchange:records"), &from, err);
	if (rc != RC_OK)
		return rc;
	struct target *anybody = &t->list[t->count]; /* there is room for one more */
	*anybody = (struct target){ .anybody = true, .p = { .name = STR("Public") }, .place = SIZE_MAX };
	rc = told_anybody(o->x->w.policies, CHANNEL_API, &anybody->to, err);
	t->count++;
	if (rc == RC_OK)
		rc = offer_records(o->x, r, t, from, false, &upto, err);
	if (rc == RC_OK)
		rc = offer_objects(o->x, r, t, did, err);
	t->count--;
	*did |= rc == RC_OK && upto > from;
	return rc;
}

/* --- collections of those who are new --- */

struct making {
	struct targets *t;
	enum collection_kind kind;
};

static enum rc make_collections(struct tx *tx, void *ctx, struct err *err)
{
	const struct making *m = ctx;
	struct collection c;
	enum rc rc = collection_of(tx, COLLECTION_PUBLIC, (struct uuid){ { 0 } }, STR("Public"), m->t->a, &c, err);
	for (size_t i = 0; rc == RC_OK && i < m->t->count; i++) {
		const struct partner *p = &m->t->list[i].p;
		rc = collection_of(tx, COLLECTION_OUT, p->id, p->name, m->t->a, &c, err);
		if (rc == RC_OK)
			rc = collection_of(tx, COLLECTION_IN, p->id, p->name, m->t->a, &c, err);
	}
	return rc;
}

static enum rc is_there(struct conn *c, enum collection_kind kind, const struct partner *p, struct arena *a, bool *all,
			struct err *err)
{
	struct collection found;
	struct err none = { 0 };
	enum rc rc = collection_of_partner(c, kind, p->id, a, &found, &none);
	*all = *all && rc == RC_OK && str_eq(found.title, p->name);
	return rc == RC_ABSENT || rc == RC_OK ? RC_OK : fail(err, rc, "%s", none.text);
}

static enum rc have_collections(struct offer *o, struct reader *r, struct targets *t, struct err *err)
{
	const struct partner anybody = { .name = STR("Public") };
	struct making m = { .t = t };
	bool all = true;
	enum rc rc = is_there(reader_conn(r), COLLECTION_PUBLIC, &anybody, t->a, &all, err);
	for (size_t i = 0; rc == RC_OK && i < t->count; i++) {
		rc = is_there(reader_conn(r), COLLECTION_OUT, &t->list[i].p, t->a, &all, err);
		if (rc == RC_OK)
			rc = is_there(reader_conn(r), COLLECTION_IN, &t->list[i].p, t->a, &all, err);
	}
	return rc != RC_OK || all ? rc : store_write(o->x->w.store, make_collections, &m, err);
}

/* After what is new: as much as that lets. */
static enum rc look_again(struct offer *o, struct reader *r, struct targets *t, bool *did, struct err *err)
{
	uint64_t upto = 0;
	bool later = false;
	int64_t began_us = clock_mono_us();
	enum rc rc = outbox_cursor(reader_conn(r), EVENTS_CURSOR, &upto, err);
	if (rc == RC_OK)
		rc = offer_later(o->x, r, t, &o->later, upto, &later, err);
	if (later)
		o->rest_us = clock_mono_us() - began_us;
	*did |= later;
	return rc;
}

enum rc offer_look(struct exchange *x, bool *did_out, struct err *err)
{
	struct reader *r;
	struct targets t;
	bool undone = false;
	*did_out = false;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = targets_load(x, r, false, &t, err);
	if (rc == RC_OK) {
		x->offer->partners = t.count;
		rc = have_collections(x->offer, r, &t, err);
		if (rc == RC_OK)
			rc = look_at_records(x->offer, r, &t, did_out, err);
		if (rc == RC_OK)
			rc = look_at_events(x->offer, r, &t, did_out, err);
		if (rc == RC_OK)
			rc = look_again(x->offer, r, &t, did_out, err);
		targets_free(&t);
	}
	store_read_end(r);
	if (rc == RC_OK)
		rc = withdraw_undone(x, &undone, err);
	*did_out |= undone;
	if (*did_out)
		offer_wake(x);
	return rc;
}

/* --- again, for one --- */

struct again {
	struct targets t;
	uint64_t first, last;
};

static enum rc put_again(struct tx *tx, void *ctx, struct err *err)
{
	struct again *g = ctx;
	return targets_offer_events(tx, &g->t, err);
}

/* Chunks and tail are in the order they were received. */
enum rc offer_first_since(struct reader *r, int64_t since_us, uint64_t *out, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT first_seq FROM (SELECT first_seq, report, day FROM chunk UNION ALL"
					    " SELECT first_seq, report, day FROM tail) WHERE day >= ? ORDER BY first_seq"
					    " LIMIT 1");
	sql_int(q, 1, time_day(since_us));
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc version_since(struct conn *c, int64_t since_us, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT coalesce(min(id) - 1, (SELECT max(id) FROM record_version), 0)"
				" FROM record_version WHERE at_us >= ?");
	sql_int(q, 1, since_us);
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc events_again(struct exchange *x, struct reader *r, struct again *g, int64_t since_us, uint64_t *count,
			    struct err *err)
{
	enum rc rc = offer_first_since(r, since_us, &g->first, err);
	if (rc == RC_OK)
		rc = outbox_cursor(reader_conn(r), EVENTS_CURSOR, &g->last, err);
	uint64_t idle = x->offer ? atomic_load(&x->offer->idle_seq) : 0;
	g->last = idle > g->last ? idle : g->last;
	uint64_t first = g->first, end = g->last;
	while (rc == RC_OK && first && first <= end) {
		uint64_t last = end - first < ENTRY_EVENTS_MOST ? end : first + ENTRY_EVENTS_MOST - 1;
		rc = targets_count(&g->t, r, first, last, err);
		if (rc == RC_OK && g->t.list[0].count) {
			*count += g->t.list[0].count;
			rc = store_write(x->w.store, put_again, g, err);
		}
		first = last + 1;
	}
	return rc;
}

enum rc offer_again(struct exchange *x, const struct partner *p, int64_t since_us, uint64_t *events_out, struct err *err)
{
	struct reader *r;
	struct again g;
	uint64_t from, upto;
	*events_out = 0;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = targets_load(x, r, false, &g.t, err);
	if (rc != RC_OK) {
		store_read_end(r);
		return rc;
	}
	size_t at = 0;
	while (at < g.t.count && !uuid_equal(&g.t.list[at].p.id, &p->id))
		at++;
	if (at == g.t.count)
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' is no partner in use", STR_ARG(p->name));
	if (rc == RC_OK) { /* he alone */
		g.t.list[0] = g.t.list[at];
		g.t.count = 1;
		rc = version_since(reader_conn(r), since_us, &from, err);
	}
	while (rc == RC_OK) {
		rc = offer_records(x, r, &g.t, from, true, &upto, err);
		if (rc != RC_OK || upto == from)
			break;
		/* what he got now counts for what was said of it later */
		from = upto;
		store_read_end(r);
		r = NULL;
		rc = store_read_begin(x->w.store, &r, err);
	}
	if (rc == RC_OK && g.t.list[0].findings)
		rc = events_again(x, r, &g, since_us, events_out, err);
	targets_free(&g.t);
	if (r)
		store_read_end(r);
	if (rc == RC_OK)
		offer_wake(x);
	return rc;
}

/* --- the thread --- */

static void *look_thread(void *arg)
{
	struct offer *o = arg;
	bool failing = false;
	int64_t looked_us = 0;
	while (!queue_closed(o->wake)) {
		struct err err = { 0 };
		bool did = true;
		enum rc rc = RC_OK;
		(void)queue_take_for(o->wake, LOOK_SELDOM_US);
		int64_t rest_us = (o->partners ? LOOK_EVERY_US : LOOK_SELDOM_US) - (clock_mono_us() - looked_us);
		if (rest_us > 0)
			(void)queue_take_for(o->rest, rest_us);
		(void)queue_take_for(o->wake, 0); /* what was committed meanwhile is looked at now */
		looked_us = clock_mono_us();
		while (rc == RC_OK && did && !queue_closed(o->wake)) {
			o->rest_us = 0;
			rc = offer_look(o->x, &did, &err);
			if (o->rest_us > 0)
				(void)queue_take_for(o->rest, o->rest_us);
		}
		if (rc != RC_OK && !failing)
			log_error(o->x->w.log, "nothing new is offered to partners", L_Z("why", err.text));
		failing = rc != RC_OK;
	}
	return NULL;
}

enum rc offer_open(struct exchange *x, struct err *err)
{
	(void)err;
	x->offer = x_alloc(sizeof *x->offer);
	*x->offer = (struct offer){ .x = x };
	store_add_tend(x->w.store, withdraw_held, x);
	store_add_tend(x->w.store, exchange_forget, x);
	return RC_OK;
}

void offer_close(struct exchange *x)
{
	free(x->offer);
	x->offer = NULL;
}

static void free_queues(struct offer *o)
{
	store_no_wake_on_commit(o->x->w.store, o->wake);
	queue_free(o->wake);
	queue_free(o->rest);
	o->wake = o->rest = NULL;
}

enum rc offer_start(struct exchange *x, struct err *err)
{
	struct offer *o = x->offer;
	o->wake = queue_new(1);
	o->rest = queue_new(1);
	store_wake_on_commit(x->w.store, o->wake);
	o->runs = pthread_create(&o->thread, NULL, look_thread, o) == 0;
	if (o->runs)
		return RC_OK;
	free_queues(o);
	return fail(err, RC_LIMIT, "no more threads can be started");
}

void offer_stop(struct exchange *x)
{
	struct offer *o = x->offer;
	if (!o || !o->runs)
		return;
	queue_close(o->wake);
	queue_close(o->rest);
	pthread_join(o->thread, NULL);
	free_queues(o);
	o->runs = false;
	o->partners = 0;
	o->later = (struct later){ .known = false };
}

void offer_wake(struct exchange *x)
{
	if (x->offered_fn)
		x->offered_fn(x->offered_ctx);
}
