/* SPDX-License-Identifier: Apache-2.0 */
/* The senders. One thread hands out: it takes rows of each driver, finds where they go, and lets each
 * host have one message at a time, in the order of lanes, at its pace. Some threads send. What is
 * handed over belongs to whoever holds it; nothing else is shared.
 *
 * A message whose host is not free soon goes back into the outbox until its turn, so that a thousand
 * to one host do not stand in the way of one to another. */
#include <pthread.h>
#include <stdatomic.h>

#include "notify/letter_state.h"
#include "notify/notify_private.h"
#include "notify/rehearsal.h"

enum { TAKE_AT_ONCE = 16, TURNS = 2, HELD_MOST = 64, HELD_PER_HOST = 2, THREADS_MOST = 32, LANES = 3, FAILS_MOST = 6,
       PLACE_NAME_MAX = 255 };
#define LEASE_US (5 * MINUTE_US)
#define HOLD_US (2 * SECOND_US) /* longest wait here for a turn */
#define LOOK_US (SECOND_US / 4)

struct host {
	char name[PLACE_NAME_MAX + 1];
	bool busy;
	unsigned held;             /* jobs that wait here for it */
	unsigned fails;            /* one after the other: it is asked less and less often */
	int64_t free_us;           /* monotonic; 0: at once */
	int64_t booked_us[LANES];  /* until when turns are given away */
};
struct job {
	struct arena *a;
	struct message m;
	const struct driver *d;
	struct host *host;
	bool failed;               /* the host did not take it */
};
struct sender {
	struct notify *n;
	pthread_t dispatcher, workers[THREADS_MOST];
	unsigned threads, running;
	bool dispatching;
	atomic_bool stopping;
	struct queue *work, *done, *turns;
	struct job *held[HELD_MOST];
	size_t held_count;
	struct host **hosts;
	size_t host_count;
};

static struct job *job_new(const struct message *m, const struct driver *d)
{
	struct job *j = x_alloc(sizeof *j);
	j->a = arena_new(KIB(16));
	j->m = *m;
	j->d = d;
	str *const texts[] = { &j->m.driver, &j->m.recipient, &j->m.item, &j->m.template, &j->m.details,
			       &j->m.maker, &j->m.words };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = arena_str(j->a, *texts[i]);
	return j;
}

static void job_free(struct job *j)
{
	arena_free(j->a);
	free(j);
}

/* A message that is not ours any more (its lease ran out, it was withdrawn) has been seen to. */
static void end(struct sender *s, const struct job *j, const struct outcome_of *o)
{
	struct err err = { 0 };
	enum rc rc = letter_end(s->n, &j->m, o, &err);
	if (rc != RC_OK && rc != RC_CONFLICT)
		log_error(s->n->w.log, "how a message ended is not written", L_INT("message", j->m.id),
			  L_Z("why", err.text));
	else if (rc == RC_OK && (o->outcome == OUTCOME_FAILED || o->outcome == OUTCOME_UNCERTAIN))
		log_warn(s->n->w.log, "a message was not sent", L_INT("message", j->m.id),
			 L_Z("driver", j->d->name), L_Z("end", o->outcome == OUTCOME_FAILED ? "failed" : "uncertain"));
}

/* --- one try --- */

static struct outcome_of judge_render(enum rc rc, const struct rendering *what, const struct err *why,
				      struct arena *a)
{
	str words = arena_str(a, str_of(why->text));
	const char *rule = what->rule ? what->rule : "";
	struct outcome_of o = { .rule = rule, .cut = STR(""), .reference = STR(""), .words = words };
	o.outcome = rc == RC_DENIED ? OUTCOME_REFUSED :
		    rc == RC_ABSENT || rc == RC_INPUT || rc == RC_LIMIT ? OUTCOME_FAILED : OUTCOME_RETRY;
	o.retry_us = what->who.retry_us;
	o.untried = rc == RC_BUSY && o.retry_us > 0;
	return o;
}

/* "cert@example.org" of "CERT <cert@example.org>" */
static str own_address(const struct settings *s)
{
	str own = settings_text(s, "mail_rehearsal");
	str from = own.n > 0 ? own : settings_text(s, "mail_from"), inner = from;
	(void)str_cut(&inner, '<');
	return inner.n > 0 ? str_cut(&inner, '>') : from;
}

/* One try of one message: what is read for it, all of it in one view, so that nothing is read twice and text and
 * files tell of the same. */
struct trying {
	struct sender *s;
	struct job *j;
	struct rendering what;
	struct sending sending;
	const struct driver *by;   /* NULL: nothing is sent */
	bool live;
};

/* In rehearsal it goes to ourselves, by mail when there is mail. */
static const struct driver *driver_rehearsing(struct trying *k)
{
	struct notify *n = k->s->n;
	const struct driver *mail = driver_find(STR("mail"));
	str own = own_address(n->w.settings);
	rehearsal_address(&k->what, own, k->j->a);
	return own.n == 0 || !mail || !mail->send || (mail->lacks && mail->lacks(n)) ? NULL : mail;
}

static enum rc read_one(struct trying *k, struct reader **r, const struct types *t, struct err *why)
{
	struct notify *n = k->s->n;
	struct job *j = k->j;
	enum rc rc = store_read_begin(n->w.store, r, why);
	if (rc == RC_OK)
		rc = teller_fit(n, r, t, &j->m, j->a, why);
	if (rc == RC_OK)
		rc = notify_render(n, *r, t, &j->m, j->a, &k->what, why);
	if (rc == RC_OK)
		rc = rehearsal_live(*r, &k->what, &j->m, &k->live, why);
	if (rc != RC_OK)
		return rc;
	k->by = k->live ? j->d : driver_rehearsing(k);
	k->sending = (struct sending){ n, &j->m, &k->what, j->a, NULL };
	if (k->by && k->by->make)
		k->sending.made = k->by->make(&k->sending, *r, t);
	return RC_OK;
}

/* A few at a time: what is read and made takes memory and a processor, while the others wait for a server or the
 * disk. No view stays open while a server thinks. */
static enum rc read_in_turn(struct trying *k, struct err *why)
{
	struct notify *n = k->s->n;
	struct reader *r = NULL;
	void *turn = queue_take(k->s->turns);
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	enum rc rc = read_one(k, &r, snapshot_table(types), why);
	store_read_end(r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	(void)queue_put(k->s->turns, turn);
	return rc;
}

/* How a rehearsal ended says nothing of the recipient, so it is no more than rehearsed. */
static struct outcome_of rehearse(const struct trying *k)
{
	struct arena *a = k->j->a;
	str whom = k->what.rehearsed_for, own = own_address(k->s->n->w.settings);
	struct outcome_of o = { .outcome = OUTCOME_REHEARSED, .cut = STR(""), .reference = STR(""), .rule = "" };
	o.words = arena_fmt(a, "in rehearsal: not sent to " STR_FMT, STR_ARG(whom));
	if (!k->by)
		return o;
	o = k->by->send(&k->sending);
	if (o.outcome == OUTCOME_RETRY)
		return o;
	o.words = arena_fmt(a, "in rehearsal: for " STR_FMT ", %s to our own address " STR_FMT "%s" STR_FMT, STR_ARG(whom),
			    o.outcome == OUTCOME_SENT ? "sent" : "not sent", STR_ARG(own), o.words.n ? ": " : "",
			    STR_ARG(o.words));
	o.outcome = OUTCOME_REHEARSED;
	return o;
}

static struct outcome_of try_once(struct sender *s, struct job *j)
{
	struct trying k = { .s = s, .j = j, .what = { .rule = "" } };
	struct err why = { 0 };
	struct outcome_of o;
	enum rc rc = read_in_turn(&k, &why);
	if (rc == RC_OK) {
		o = k.live ? k.by->send(&k.sending) : rehearse(&k);
		o.rule = k.what.rule;
		o.cut = k.what.cut;
		j->failed = o.outcome == OUTCOME_RETRY || o.outcome == OUTCOME_UNCERTAIN;
	} else {
		o = judge_render(rc, &k.what, &why, j->a);
	}
	o.policy = k.what.who.to.viewer.policy.number ? k.what.who.to.viewer.policy.number :
							policies_number(s->n->w.policies);
	json_free(k.what.data);
	return o;
}

static void *work(void *ctx)
{
	struct sender *s = ctx;
	for (struct job *j; (j = queue_take(s->work)) != NULL;) {
		struct outcome_of o = try_once(s, j);
		end(s, j, &o);
		if (!queue_put(s->done, j))
			job_free(j);
	}
	return NULL;
}

/* --- hosts --- */

/* Nobody has asked for it for long: its place may be another's. */
static bool is_idle(const struct host *h, int64_t now_us)
{
	bool idle = !h->busy && h->held == 0 && h->free_us < now_us - HOUR_US;
	for (size_t i = 0; i < LANES; i++)
		idle = idle && h->booked_us[i] < now_us;
	return idle;
}

static struct host *host_of(struct sender *s, str name)
{
	struct host *spare = NULL;
	int64_t now = clock_mono_us();
	for (size_t i = 0; i < s->host_count; i++) {
		if (str_eq(str_of(s->hosts[i]->name), str_head(name, PLACE_NAME_MAX)))
			return s->hosts[i];
		if (is_idle(s->hosts[i], now))
			spare = s->hosts[i];
	}
	if (!spare) {
		s->hosts = x_grow(s->hosts, s->host_count + 1, sizeof(*s->hosts));
		spare = s->hosts[s->host_count++] = x_alloc(sizeof(*spare));
	}
	*spare = (struct host){ .busy = false };
	(void)str_to_z(str_head(name, PLACE_NAME_MAX), spare->name, sizeof spare->name);
	return spare;
}

/* Where it goes, as far as the pace is concerned. A recipient who cannot be found now is told of by
 * try_once(), which asks again. */
static struct host *find_host(struct sender *s, const struct job *j, struct reader *r, const struct types *t)
{
	struct reached who = { .address = STR("") };
	const struct resolving where = { s->n, r, t, j->d, j->m.lane, clock_now_us(), j->a };
	str name = str_of(j->d->name);
	if (j->d->host && notify_resolve(&where, j->m.recipient, &who, NULL) == RC_OK) {
		str host = j->d->host(s->n, who.address, j->a);
		name = host.n > 0 ? host : name;
	}
	return host_of(s, name);
}

/* --- handing out --- */

/* Into the outbox until its turn: behind what was put off before it in its lane. */
static void put_off(struct sender *s, struct job *j)
{
	struct host *h = j->host;
	int64_t now = clock_mono_us(), *booked = &h->booked_us[(unsigned)j->m.lane % LANES];
	int64_t from = h->free_us > now ? h->free_us : now;
	*booked = (*booked > from ? *booked : from) + s->n->pace_us;
	struct outcome_of o = { .outcome = OUTCOME_RETRY, .rule = "", .cut = STR(""), .reference = STR(""),
				.words = STR("waits for its turn"), .untried = true, .retry_us = *booked - now };
	if (o.retry_us <= 0)
		o.retry_us = 1;
	end(s, j, &o);
	job_free(j);
}

static void hold(struct sender *s, struct job *j)
{
	j->host->held++;
	s->held[s->held_count++] = j;
}

static void let_go(struct sender *s, size_t at)
{
	s->held[at]->host->held--;
	s->held[at] = s->held[--s->held_count];
}

/* The one held for this host that may best wait longer; held_count: none less urgent than `lane`. */
static size_t least_urgent(const struct sender *s, const struct host *h, enum lane lane)
{
	size_t worst = s->held_count;
	for (size_t i = 0; i < s->held_count; i++)
		if (s->held[i]->host == h && s->held[i]->m.lane > lane &&
		    (worst == s->held_count || s->held[i]->m.lane > s->held[worst]->m.lane))
			worst = i;
	return worst;
}

static void place(struct sender *s, struct job *j)
{
	struct host *h = j->host;
	if (h->free_us - clock_mono_us() > HOLD_US) {
		put_off(s, j);
		return;
	}
	if (h->held >= HELD_PER_HOST) {
		size_t worst = least_urgent(s, h, j->m.lane);
		if (worst == s->held_count) {
			put_off(s, j);
			return;
		}
		struct job *other = s->held[worst];
		let_go(s, worst);
		put_off(s, other);
	}
	hold(s, j);
}

static void take_of(struct sender *s, const struct driver *d, struct reader *r, const struct types *t,
		    bool *did_out)
{
	struct message *list = NULL;
	size_t count = 0, room = HELD_MOST - s->held_count;
	bool due = false;
	struct err err = { 0 };
	if (!d->send || (d->lacks && d->lacks(s->n)) || (d->rests && d->rests(s->n)) || room == 0)
		return;
	enum rc rc = outbox_due(reader_conn(r), d->name, clock_now_us(), &due, &err);
	struct arena *a = arena_new(KIB(16));
	if (rc == RC_OK && due)
		rc = outbox_take(s->n->w.store, d->name, room < TAKE_AT_ONCE ? room : TAKE_AT_ONCE, LEASE_US, a, &list,
				 &count, &err);
	if (rc != RC_OK)
		log_error(s->n->w.log, "messages could not be taken", L_Z("driver", d->name), L_Z("why", err.text));
	for (size_t i = 0; i < count; i++) {
		struct job *j = job_new(&list[i], d);
		j->host = find_host(s, j, r, t);
		place(s, j);
	}
	*did_out = *did_out || count > 0;
	arena_free(a);
}

static bool take(struct sender *s)
{
	bool did = false;
	struct reader *r = NULL;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(s->n->w.records));
	if (store_read_begin(s->n->w.store, &r, NULL) == RC_OK) {
		const struct driver *d;
		for (size_t i = 0; (d = driver_at(i)) != NULL; i++)
			take_of(s, d, r, snapshot_table(types), &did);
		store_read_end(r);
	}
	snapshot_drop(records_types_snapshot(s->n->w.records), types);
	return did;
}

/* The most urgent one whose host is free; held_count: none. */
static size_t next_ready(const struct sender *s, int64_t now_us)
{
	size_t best = s->held_count;
	for (size_t i = 0; i < s->held_count; i++) {
		const struct job *j = s->held[i], *b = best < s->held_count ? s->held[best] : NULL;
		if (j->host->busy || j->host->free_us > now_us)
			continue;
		if (!b || j->m.lane < b->m.lane || (j->m.lane == b->m.lane && j->m.id < b->m.id))
			best = i;
	}
	return best;
}

static void start_ready(struct sender *s)
{
	while (s->running < s->threads) {
		int64_t now = clock_mono_us();
		size_t at = next_ready(s, now);
		if (at == s->held_count)
			return;
		struct job *j = s->held[at];
		let_go(s, at);
		j->host->busy = true;
		j->host->free_us = now + s->n->pace_us;
		s->running++;
		if (!queue_put(s->work, j))
			job_free(j); /* its lease brings it back */
	}
}

static void finish(struct sender *s, struct job *j)
{
	struct host *h = j->host;
	h->busy = false;
	h->fails = !j->failed ? 0 : h->fails < FAILS_MOST ? h->fails + 1 : h->fails;
	if (h->fails > 0)
		h->free_us = clock_mono_us() + (SECOND_US << h->fails);
	s->running--;
	job_free(j);
}

/* Until something is to be done: a host is free, a sender is, or it is time to look again. */
static int64_t wait_us(const struct sender *s)
{
	int64_t now = clock_mono_us(), wait = LOOK_US;
	for (size_t i = 0; i < s->held_count && s->running < s->threads; i++) {
		const struct host *h = s->held[i]->host;
		if (!h->busy && h->free_us - now < wait)
			wait = h->free_us - now;
	}
	return wait > 1000 ? wait : 1000;
}

static void *dispatch(void *ctx)
{
	struct sender *s = ctx;
	while (!atomic_load(&s->stopping)) {
		bool did = take(s);
		start_ready(s);
		struct job *j = queue_take_for(s->done, did && s->running == 0 ? 0 : wait_us(s));
		for (; j; j = queue_take_for(s->done, 0))
			finish(s, j);
	}
	while (s->held_count > 0) {
		struct job *j = s->held[0];
		let_go(s, 0);
		put_off(s, j);
	}
	return NULL;
}

enum rc sender_start(struct notify *n, struct sender **out, struct err *err)
{
	struct sender *s = x_alloc(sizeof *s);
	unsigned want = (unsigned)settings_int(n->w.settings, "send_threads");
	s->n = n;
	s->work = queue_new(THREADS_MOST);
	s->done = queue_new(2 * THREADS_MOST);
	s->turns = queue_new(TURNS);
	for (int i = 0; i < TURNS; i++)
		(void)queue_put(s->turns, s);
	atomic_init(&s->stopping, false);
	while (s->threads < want && s->threads < THREADS_MOST &&
	       pthread_create(&s->workers[s->threads], NULL, work, s) == 0)
		s->threads++;
	s->dispatching = s->threads > 0 && pthread_create(&s->dispatcher, NULL, dispatch, s) == 0;
	*out = s;
	if (s->dispatching)
		return RC_OK;
	sender_stop(s);
	*out = NULL;
	return fail(err, RC_IO, "the senders' threads do not start");
}

void sender_stop(struct sender *s)
{
	if (!s)
		return;
	atomic_store(&s->stopping, true);
	if (s->dispatching)
		(void)pthread_join(s->dispatcher, NULL);
	queue_close(s->work);
	for (unsigned i = 0; i < s->threads; i++)
		(void)pthread_join(s->workers[i], NULL);
	queue_close(s->done);
	for (struct job *j; (j = queue_take_for(s->done, 0)) != NULL;)
		job_free(j);
	for (size_t i = 0; i < s->host_count; i++)
		free(s->hosts[i]);
	free(s->hosts);
	queue_free(s->work);
	queue_free(s->done);
	queue_free(s->turns);
	free(s);
}
