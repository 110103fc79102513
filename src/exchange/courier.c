/* SPDX-License-Identifier: Apache-2.0 */
/* The courier's threads: one that hands out, some that go. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/queue.h"
#include "exchange/certificate.h"
#include "exchange/courier_private.h"
#include "exchange/taxii.h"

enum { THREADS_MOST = 64, FAILS_MOST = 9 };
#define LOOK_US SECOND_US        /* what no wake tells of: retries, fetching, partners that changed */
#define LOOK_SELDOM_US (10 * SECOND_US) /* when nothing was committed since */
#define RETRY_LEAST_US SECOND_US
/* A ronda that is away costs one connection a try, and each minute later is one that somebody is told later; servers
 * of others are asked more seldom. */
#define RETRY_MOST_NODE_US MINUTE_US
#define RETRY_MOST_US (5 * MINUTE_US)
#define ABSENT_US (2 * SECOND_US)  /* what keeps us from calling him at all may end */
#define REACHED_EVERY_US MINUTE_US /* who calls us and does not answer us is not called for each call of his */

/* One who wants to go to a partner himself: he waits at `answer` for the peer, who is his until it is put into `done`. */
struct ask {
	struct uuid id;
	struct queue *answer;      /* of one: a peer; `wake`: the courier knows none of that name */
	struct ask *next;
};

/* A partner who is not called for a while. */
struct paused {
	struct uuid id;
	bool reached;              /* he called us meanwhile */
};

struct courier {
	struct exchange *x;
	pthread_t dispatcher, workers[THREADS_MOST];
	unsigned threads;
	bool dispatching;
	atomic_bool stopping;
	struct queue *work, *done; /* of struct peer; done also of `wake` */
	struct ask *asks;          /* the dispatcher's: who waits for a peer */
	struct peer **peers;       /* the dispatcher's */
	size_t count;
	uint64_t policy;           /* under which all were looked at */
	unsigned commits;          /* of the store, when all were */
	char wake;                 /* its address is a call to look */
	struct queue *asked;       /* of struct ask */
	pthread_mutex_t lock;      /* over what follows; `paused_count` may be read without it */
	struct paused *paused;     /* room for `paused_room` */
	atomic_size_t paused_count;
	size_t paused_room;
	bool stopped;
};

bool courier_stopping(const struct exchange *x)
{
	return x->courier && atomic_load(&x->courier->stopping);
}

void courier_wake(struct exchange *x)
{
	if (x->courier)
		(void)queue_try_put(x->courier->done, &x->courier->wake); /* full: it looks anyway */
}

void courier_reached(struct exchange *x, struct uuid partner)
{
	struct courier *k = x->courier;
	bool wakes = false;
	if (!k || atomic_load(&k->paused_count) == 0) /* nearly always */
		return;
	pthread_mutex_lock(&k->lock);
	size_t count = atomic_load(&k->paused_count);
	for (size_t i = 0; i < count; i++)
		if (uuid_equal(&k->paused[i].id, &partner)) {
			wakes = !k->paused[i].reached;
			k->paused[i].reached = true;
		}
	pthread_mutex_unlock(&k->lock);
	if (wakes)
		courier_wake(x);
}

static void wake_offered(void *ctx)
{
	courier_wake(ctx);
}

/* --- a round --- */

static bool is_good(enum rc rc)
{
	return rc == RC_OK || rc == RC_ABSENT; /* absent: not ours to call any more, or not yet: nothing went out */
}

struct tries {
	const struct peer *p;
	bool out, in;              /* which of both is said */
	int64_t out_us, in_us;     /* the next try */
};

static enum rc tried_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct tries *t = ctx;
	const struct peer *p = t->p;
	enum rc rc = t->out ? line_tried(tx, p->id, p->rc == RC_OK ? STR("") : str_of(p->err.text), t->out_us, err) : RC_OK;
	return rc == RC_OK && t->in ? line_fetch_tried(tx, p->id, is_good(p->in.rc) ? STR("") : str_of(p->in.err.text), t->in_us,
						       err) : rc;
}

/* Does he take us, and how long is the way? Also when there is nothing to send. */
static enum rc probe(struct exchange *x, struct peer *p, struct err *err)
{
	struct fetch_answer answer;
	const struct call_body body = { .accept = TAXII_TYPE };
	struct call c;
	enum rc rc = call_begin(&c, x, p, err);
	if (rc != RC_OK)
		return rc;
	rc = call_ask(&c, STR(TAXII_ROOT), &body, &answer, &p->rtt_us, err);
	if (rc == RC_OK && answer.status != 200)
		rc = call_refused(&c, &answer, err);
	call_end(&c);
	return rc;
}

/* Who waits with what he has for us, since we were away, learns that we are back (courier_reached). Once, and when it does not
 * come there nothing is lost. */
static void greet(struct exchange *x, struct peer *p)
{
	struct err err = { 0 };
	p->greeted = true;
	if (probe(x, p, &err) != RC_OK)
		log_debug(x->w.log, "a partner was not greeted", L_Z("why", err.text));
	p->wait_us = 0;
	p->paced = false;
}

/* Who gave no answer at all is not asked for one twice. */
static void fetch_from(struct exchange *x, struct peer *p, enum rc sent, const struct err *why)
{
	const bool paced = p->paced;
	const int64_t wait_us = p->wait_us;
	p->in.err = (struct err){ 0 };
	p->in.rc = sent;
	p->in.paced = false;
	p->in.wait_us = 0;
	if (!is_good(sent) && !p->answered) {
		p->in.err = *why;
		return;
	}
	p->paced = false;
	p->wait_us = 0;
	p->in.rc = pull_run(x, p, &p->in.err);
	p->in.paced = p->paced;
	p->in.wait_us = p->wait_us;
	p->paced = paced;
	p->wait_us = wait_us;
}

enum rc round_run(struct exchange *x, struct peer *p, struct err *err)
{
	enum rc rc = RC_OK;
	p->answered = false;
	p->in.rc = RC_OK;
	if (p->kind == PARTNER_TAXII)
		return taxii_round(x, p, err);
	if (p->out_due)
		rc = announce_run(x, p, err);
	if (rc == RC_OK && p->out_due)
		rc = push_run(x, p, err);
	if (rc == RC_OK && p->on_the_way)
		p->in_due = true;
	if (p->in_due)
		fetch_from(x, p, rc, err);
	if (rc == RC_OK && p->out_due && !p->greeted)
		greet(x, p);
	return rc;
}

static void *work(void *ctx)
{
	struct courier *k = ctx;
	struct peer *p;
	while ((p = queue_take(k->work)) != NULL) {
		if (p->out_due) {
			p->err = (struct err){ 0 };
			p->wait_us = 0;
			p->paced = false;
		}
		p->rc = atomic_load(&k->stopping) ? RC_BUSY : round_run(k->x, p, &p->err);
		if (!queue_put(k->done, p))
			break;
	}
	return NULL;
}

/* --- for whom there is something --- */

static struct peer *find_peer(struct courier *k, const struct uuid *id)
{
	for (size_t i = 0; i < k->count; i++)
		if (uuid_equal(&k->peers[i]->id, id))
			return k->peers[i];
	return NULL;
}

static bool take_partner(void *ctx, const struct partner *p)
{
	struct courier *k = ctx;
	struct peer *peer = find_peer(k, &p->id);
	if (p->kind == PARTNER_MISP || !(p->push || p->pull))
		return true;
	if (!peer) {
		k->peers = x_grow(k->peers, k->count + 1, sizeof(struct peer *));
		k->peers[k->count++] = peer = peer_new(p->id);
		peer->again = true;
	}
	peer->seen = true;
	peer->kind = p->kind;
	peer->pushes = p->push;
	peer->pulls = p->pull || p->kind == PARTNER_TAXII; /* a server says nothing by itself */
	return true;
}

static bool take_collection(void *ctx, const struct collection *c)
{
	struct courier *k = ctx;
	struct peer *p = c->kind == COLLECTION_OUT ? find_peer(k, &c->partner) : NULL;
	if (p && !p->busy && p->pushes) {
		p->offered_us = c->last_us;
		p->again = p->again || p->done_us < c->last_us;
	}
	return true;
}

/* Our next key is told to each that does not know it. */
static enum rc look_at_keys(struct courier *k, struct conn *c, struct arena *a, struct err *err)
{
	struct own_keys own;
	enum rc rc = keys_own(c, a, &own, err);
	for (size_t i = 0; rc == RC_OK && own.rotating && i < k->count; i++) {
		int64_t told = 0;
		if (k->peers[i]->kind != PARTNER_NODE)
			continue;
		rc = line_told_key(c, k->peers[i]->id, &told, err);
		k->peers[i]->again = k->peers[i]->again || (!k->peers[i]->busy && told != own.next.made_us);
	}
	keys_wipe(&own);
	return rc;
}

/* `all`: also who the partners are and our keys; else only whether there is something for those known. */
static enum rc look(struct courier *k, bool all, struct err *err)
{
	struct arena *a = arena_new(KIB(32));
	struct reader *r = NULL;
	uint64_t policy = policies_number(k->x->w.policies);
	for (size_t i = 0; i < k->count; i++) {
		k->peers[i]->seen = k->peers[i]->seen && !all;
		k->peers[i]->again = k->peers[i]->again || policy != k->policy; /* it may let more go */
	}
	k->policy = policy;
	enum rc rc = store_read_begin(k->x->w.store, &r, err);
	if (rc == RC_OK) {
		if (all)
			rc = partners_list(k->x, reader_conn(r), true, a, take_partner, k, err);
		if (rc == RC_OK)
			rc = collections_list(reader_conn(r), take_collection, k, err);
		if (rc == RC_OK && all)
			rc = look_at_keys(k, reader_conn(r), a, err);
		store_read_end(r);
	}
	arena_free(a);
	return rc;
}

static void drop_gone(struct courier *k)
{
	size_t left = 0;
	for (size_t i = 0; i < k->count; i++) {
		struct peer *p = k->peers[i];
		if (p->seen || p->busy)
			k->peers[left++] = p;
		else
			peer_free(p);
	}
	k->count = left;
}

/* After a failure; not because he asked us to wait. */
static bool pauses(const struct peer *p, int64_t now)
{
	return (p->fails && p->next_us > now && !p->paced && !p->wait_us) ||
	       (p->in.fails && p->pull_us > now && !p->in.paced && !p->in.wait_us);
}

/* Who called us is there: he is tried at once. But when he asked us to wait, we do; and when he calls us and does not
 * answer us, his calls draw one of ours a minute. */
static void end_pauses(struct courier *k)
{
	int64_t now = clock_mono_us();
	pthread_mutex_lock(&k->lock);
	size_t count = atomic_load(&k->paused_count), left = 0;
	for (size_t i = 0; i < count; i++) {
		struct peer *p = k->paused[i].reached ? find_peer(k, &k->paused[i].id) : NULL;
		if (p && !p->busy && pauses(p, now)) {
			p->next_us = 0;
			p->pull_us = p->in.fails ? 0 : p->pull_us;
			p->reached_us = now;
		}
	}
	if (k->count > k->paused_room) {
		k->paused = x_grow(k->paused, k->count, sizeof *k->paused);
		k->paused_room = k->count;
	}
	for (size_t i = 0; i < k->count; i++) {
		const struct peer *p = k->peers[i];
		bool lately = p->reached_us && now - p->reached_us < REACHED_EVERY_US;
		if (!p->busy && pauses(p, now) && !lately)
			k->paused[left++] = (struct paused){ .id = p->id };
	}
	atomic_store(&k->paused_count, left);
	pthread_mutex_unlock(&k->lock);
}

static void hand_out(struct courier *k)
{
	int64_t now = clock_mono_us();
	for (size_t i = 0; i < k->count; i++) {
		struct peer *p = k->peers[i];
		bool in = p->pulls && p->pull_us <= now, out = p->again || (p->held_us && p->held_us <= now);
		if (p->busy || !p->seen || !(in || out) || (p->next_us > now && !in))
			continue;
		p->out_due = p->next_us <= now;
		p->in_due = in;
		p->on_the_way = p->pulls && p->in.fails == 0;
		p->busy = true;
		p->again = p->again && !p->out_due;
		p->round_us = p->offered_us;
		if (!queue_try_put(k->work, p)) {
			p->busy = false;
			p->again = true;
		}
	}
}

/* Who asked for a peer gets it as soon as nobody else has it, whatever pause it has. */
static void hand_to_askers(struct courier *k)
{
	struct ask *a;
	while ((a = queue_take_for(k->asked, 0)) != NULL) {
		a->next = k->asks;
		k->asks = a;
	}
	for (struct ask **at = &k->asks; (a = *at) != NULL;) {
		struct peer *p = find_peer(k, &a->id);
		if (p && p->busy) {
			atomic_store(&p->wanted, !p->lent); /* who asked before is left in peace */
			at = &a->next;
			continue;
		}
		*at = a->next; /* it is his who waits, and may go */
		if (p) {
			p->busy = p->lent = true;
			p->again = false;
			p->round_us = p->offered_us;
		}
		(void)queue_put(a->answer, p ? (void *)p : &k->wake);
	}
}

int64_t courier_pause(enum partner_kind kind, unsigned fails)
{
	const int64_t most = kind == PARTNER_NODE ? RETRY_MOST_NODE_US : RETRY_MOST_US;
	int64_t us = RETRY_LEAST_US << (fails < FAILS_MOST ? fails : FAILS_MOST);
	us = us < most ? us : most;
	return us / 2 + (int64_t)(random_u64() % (uint64_t)us);
}

int64_t courier_pull_pause(int64_t every_us)
{
	return every_us - every_us / 10 + (int64_t)(random_u64() % (uint64_t)(every_us / 5 + 1));
}

static int64_t pause_after(const struct peer *p, unsigned fails, bool good, bool paced, int64_t wait_us)
{
	int64_t pause = good ? 0 : courier_pause(p->kind, fails);
	if (paced) /* as he asks, and not all of those who were told so at once */
		return wait_us + (int64_t)(random_u64() % (uint64_t)(wait_us / 4 + 1));
	/* The first time a moment may be enough, whatever it asks for. */
	return !good && (fails || p->kind == PARTNER_TAXII) && wait_us > pause ? wait_us : pause;
}

/* False: nothing is to be written down. */
static bool take_back_out(struct peer *p, int64_t now, int64_t *pause)
{
	bool good = is_good(p->rc);
	*pause = p->rc == RC_ABSENT ? ABSENT_US : pause_after(p, p->fails, good, p->paced, p->wait_us);
	bool said = !good || p->fails || p->told;
	p->again = p->again || p->rc != RC_OK;
	p->done_us = p->rc == RC_OK ? p->round_us : p->done_us;
	p->told = !good;
	p->fails = good || p->paced ? 0 : p->fails + 1;
	p->next_us = *pause ? now + *pause : 0;
	return said;
}

/* Went it well, its next time is there already. */
static bool take_back_in(struct peer *p, int64_t now, int64_t *pause)
{
	bool good = is_good(p->in.rc), said = !good || p->in.fails || p->in.told;
	*pause = pause_after(p, p->in.fails, good, p->in.paced, p->in.wait_us);
	p->in.told = !good;
	p->in.fails = good || p->in.paced ? 0 : p->in.fails + 1;
	p->pull_us = *pause ? now + *pause : p->pull_us;
	return said;
}

static void take_back(struct courier *k, struct peer *p)
{
	struct err err = { 0 };
	struct tries t = { .p = p };
	int64_t now = clock_mono_us(), wall = clock_now_us(), out = 0, in = 0;
	p->busy = p->lent = false;
	p->again = p->again || atomic_exchange(&p->wanted, false); /* it ended before all was sent */
	t.out = p->out_due && take_back_out(p, now, &out);
	t.in = p->in_due && take_back_in(p, now, &in);
	t.out_us = out ? wall + out : 0; /* as the row says it */
	t.in_us = in ? wall + in : 0;
	if ((!t.out && !t.in) || atomic_load(&k->stopping))
		return;
	if (store_write(k->x->w.store, tried_job, &t, &err) != RC_OK)
		log_error(k->x->w.log, "how a partner was reached is not written", L_Z("why", err.text));
	if (t.out && p->told && p->fails == 1)
		log_warn(k->x->w.log, "a partner is not reached; tried again", L_Z("why", p->err.text));
	else if (t.in && p->in.told && p->in.fails == 1 && !p->told)
		log_warn(k->x->w.log, "nothing is fetched from a partner; tried again", L_Z("why", p->in.err.text));
}

static void *dispatch(void *ctx)
{
	struct courier *k = ctx;
	bool told = false;
	int64_t whole_us = 0;
	while (!atomic_load(&k->stopping)) {
		struct err err = { 0 };
		void *got = queue_take_for(k->done, LOOK_US);
		bool woken = got;
		for (; got; got = queue_take_for(k->done, 0))
			if (got != &k->wake)
				take_back(k, got);
		int64_t since_us = clock_mono_us() - whole_us;
		unsigned commits = store_commits(k->x->w.store);
		bool all = since_us >= (commits != k->commits || told ? LOOK_US : LOOK_SELDOM_US);
		bool any = all || woken || policies_number(k->x->w.policies) != k->policy;
		enum rc rc = any ? look(k, all, &err) : RC_OK;
		if (rc == RC_OK) {
			drop_gone(k);
			end_pauses(k);
			hand_to_askers(k);
			hand_out(k);
		}
		if (rc == RC_OK && all)
			rc = announce_settle(k->x, &err);
		if (all)
			certificate_tend(k->x);
		whole_us = all ? clock_mono_us() : whole_us;
		k->commits = all ? commits : k->commits;
		if (rc != RC_OK && rc != RC_BUSY && !told)
			log_error(k->x->w.log, "the courier cannot look for work", L_Z("why", err.text));
		told = rc != RC_OK;
	}
	return NULL;
}

/* --- start and stop --- */

enum rc courier_start(struct exchange *x, struct err *err)
{
	struct courier *k = x_alloc(sizeof *k);
	unsigned want = (unsigned)settings_int(x->w.settings, "exchange_threads");
	k->x = x;
	k->work = queue_new(1024);
	k->done = queue_new(2048);
	k->asked = queue_new(64);
	pthread_mutex_init(&k->lock, NULL);
	x->courier = k;
	for (unsigned i = 0; i < want && i < THREADS_MOST; i++)
		k->threads += pthread_create(&k->workers[k->threads], NULL, work, k) == 0;
	x->offered_fn = wake_offered;
	x->offered_ctx = x;
	k->dispatching = k->threads && pthread_create(&k->dispatcher, NULL, dispatch, k) == 0;
	if (k->dispatching)
		return RC_OK;
	courier_stop(x);
	courier_free(x);
	return fail(err, RC_IO, "the courier's threads do not start");
}

void courier_stop(struct exchange *x)
{
	struct courier *k = x->courier;
	if (!k || k->stopped)
		return;
	atomic_store(&k->stopping, true);
	fetch_stop(x->fetcher);
	queue_close(k->work);
	queue_close(k->done);
	queue_close(k->asked);
	if (k->dispatching)
		pthread_join(k->dispatcher, NULL);
	for (unsigned i = 0; i < k->threads; i++)
		pthread_join(k->workers[i], NULL);
	for (struct ask *a; (a = k->asks) != NULL;) {
		k->asks = a->next;
		queue_close(a->answer);
	}
	for (struct ask *a; (a = queue_take_for(k->asked, 0)) != NULL;)
		queue_close(a->answer);
	k->stopped = true;
}

void courier_free(struct exchange *x)
{
	struct courier *k = x->courier;
	x->courier = NULL;
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		peer_free(k->peers[i]);
	queue_free(k->work);
	queue_free(k->done);
	queue_free(k->asked);
	free(k->peers);
	free(k->paused);
	pthread_mutex_destroy(&k->lock);
	free(k);
}


/* The courier's peer, when it has one of that name; else one of our own (*own). End with give_back(). */
static enum rc borrow(struct exchange *x, struct uuid id, struct peer **out, bool *own, struct err *err)
{
	struct courier *k = x->courier;
	void *got = NULL;
	*own = !k;
	if (k) {
		struct ask a = { .id = id, .answer = queue_new(1) };
		if (queue_put(k->asked, &a)) {
			(void)queue_try_put(k->done, &k->wake); /* full: it looks anyway */
			got = queue_take(a.answer);
		}
		queue_free(a.answer);
		*own = got == &k->wake;
		if (!got)
			return fail(err, RC_BUSY, "the node is stopping");
	}
	*out = *own ? peer_new(id) : got;
	return RC_OK;
}

static void give_back(struct exchange *x, struct peer *peer, bool own)
{
	if (own)
		peer_free(peer);
	else
		(void)queue_put(x->courier->done, peer); /* closed: it is freed with the courier */
}

enum rc courier_once(struct exchange *x, const struct partner *p, struct arena *a, struct line_state *out, struct err *err)
{
	struct peer *peer = NULL;
	bool own;
	enum rc got = borrow(x, p->id, &peer, &own, err);
	if (got != RC_OK)
		return got;
	peer->err = (struct err){ 0 };
	peer->wait_us = peer->held_us = peer->next_us = peer->key_us = peer->pull_us = 0; /* whatever was put off */
	peer->out_due = peer->in_due = true;
	peer->on_the_way = false;
	peer->paced = false;
	struct reader *r = NULL;
	peer->kind = p->kind;
	peer->greeted = true;
	peer->rc = p->kind == PARTNER_NODE ? probe(x, peer, &peer->err) : RC_OK;
	if (peer->rc == RC_OK)
		peer->rc = round_run(x, peer, &peer->err);
	else
		fetch_from(x, peer, peer->rc, &peer->err);
	struct tries t = { .p = peer, .out = true, .in = true };
	enum rc rc = store_write(x->w.store, tried_job, &t, err);
	if (rc == RC_OK && peer->rc != RC_OK)
		rc = fail(err, peer->rc, "%s", peer->err.text);
	else if (rc == RC_OK && peer->in.rc != RC_OK)
		rc = fail(err, peer->in.rc, "%s", peer->in.err.text);
	if (rc == RC_OK)
		rc = store_read_begin(x->w.store, &r, err);
	if (rc == RC_OK) {
		rc = courier_state(x, reader_conn(r), p->id, a, out, err);
		store_read_end(r);
	}
	give_back(x, peer, own);
	return rc;
}

/* --- what was fetched --- */

struct fetched {
	struct uuid partner;
	enum lane lane;
	int64_t collection, upto_us;
	uint64_t policy;
};

static enum rc fetched_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct fetched *f = ctx;
	return line_fetched(tx, f->partner, f->lane, f->collection, f->upto_us, f->policy, err);
}

/* The last object of an entry stands before the end of its span: who has it has the entry. */
static enum rc to_the_end(struct conn *c, int64_t collection, enum lane lane, int64_t *upto_us, struct err *err)
{
	struct entry e;
	bool found = false;
	enum rc rc = entry_after(c, collection, (int)lane, *upto_us, &e, &found, err);
	int64_t end = rc == RC_OK && found ? e.added_us + entry_span_us(&e) - 1 : 0;
	if (found && e.added_us <= *upto_us && end - *upto_us < ENTRY_STEP)
		*upto_us = end;
	return rc;
}

enum rc courier_fetched(struct exchange *x, struct uuid partner, enum lane lane, int64_t after_us, struct err *err)
{
	struct arena *a = arena_new(KIB(2));
	struct fetched f = { .partner = partner, .lane = lane, .upto_us = after_us, .policy = policies_number(x->w.policies) };
	struct collection col;
	struct reader *r = NULL;
	bool behind = false;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc == RC_OK) {
		rc = collection_of_partner(reader_conn(r), COLLECTION_OUT, partner, a, &col, err);
		if (rc == RC_OK)
			rc = to_the_end(reader_conn(r), col.id, lane, &f.upto_us, err);
		int64_t at = 0;
		if (rc == RC_OK)
			rc = line_cursor(reader_conn(r), partner, lane, &at, err);
		behind = at < f.upto_us;
		store_read_end(r);
	}
	/* What was never offered nobody can have: a time to come is no receipt. */
	bool known = rc == RC_OK && after_us <= col.last_us + ENTRY_STEP;
	f.collection = rc == RC_OK ? col.id : 0;
	arena_free(a);
	if (rc != RC_OK || !known || !behind)
		return rc == RC_ABSENT ? RC_OK : rc;
	return store_write(x->w.store, fetched_job, &f, err);
}
