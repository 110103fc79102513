/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/quota.h"

#include <stdlib.h>
#include <time.h>

#include "base/queue.h"
#include "exchange/exchange_private.h"
#include "exchange/partner.h"

#define NOTE_EVERY (10 * SECOND_US)      /* how often refusals are written down */
#define JOURNAL_EVERY (10 * MINUTE_US)
enum { METERS = 3, PINS = 4 };

/* A meter is the time at which all that was used is paid for: it is empty when that is QUOTA_BURST_US away. */
struct holder {
	struct uuid partner;
	int64_t paid_us[METERS];   /* monotonic */
	struct quota quota;        /* as it was when he was last asked about */
	struct digest pins[PINS];  /* of keys that he showed */
	size_t pin_count, pin_next;
	uint64_t refused;          /* not written yet */
	uint64_t told;             /* not in the journal yet */
	int64_t noted_us, told_us; /* monotonic; 0: never */
	char name[64];
};

struct quotas {
	struct queue *token;       /* who holds it may look at the rest */
	struct holder **list;
	size_t count;
};

struct quotas *quotas_new(void)
{
	struct quotas *q = x_alloc(sizeof *q);
	q->token = queue_new(1);
	(void)queue_put(q->token, q);
	return q;
}

void quotas_free(struct quotas *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->count; i++)
		free(q->list[i]);
	free(q->list);
	queue_free(q->token);
	free(q);
}

static void take(struct quotas *q)
{
	(void)queue_take(q->token);
}

static void give(struct quotas *q)
{
	(void)queue_put(q->token, q);
}

int64_t quota_cpu_us(void)
{
	struct timespec t;
	return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0 ? (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000 : 0;
}

/* --- what he may --- */

struct quota quota_of(const struct exchange *x, const struct partner *p)
{
	const struct settings *s = x->w.settings;
	if (!s)
		return (struct quota){ p->quota_objects, p->quota_bytes, 0 };
	return (struct quota){
		.objects = p->quota_objects ? p->quota_objects : (uint64_t)settings_int(s, "exchange_quota_objects"),
		.bytes = p->quota_bytes ? p->quota_bytes : (uint64_t)settings_int(s, "exchange_quota_bytes"),
		.share = (uint64_t)settings_int(s, "exchange_quota_share"),
	};
}

/* --- the meters; with the token --- */

static struct holder *find(struct quotas *q, const struct uuid *partner)
{
	for (size_t i = 0; i < q->count; i++)
		if (uuid_equal(&q->list[i]->partner, partner))
			return q->list[i];
	return NULL;
}

static struct holder *have(struct quotas *q, const struct partner *p)
{
	struct holder *h = find(q, &p->id);
	if (h)
		return h;
	q->list = x_grow(q->list, q->count + 1, sizeof *q->list);
	h = q->list[q->count++] = x_alloc(sizeof *h);
	h->partner = p->id;
	snprintf(h->name, sizeof h->name, STR_FMT, STR_ARG(str_head(p->name, sizeof h->name - 1)));
	return h;
}

static bool has_pin(const struct holder *h, const struct digest *pin)
{
	for (size_t i = 0; i < h->pin_count; i++)
		if (memcmp(&h->pins[i], pin, sizeof *pin) == 0)
			return true;
	return false;
}

static void keep_pin(struct holder *h, const struct digest *pin)
{
	if (!pin || has_pin(h, pin))
		return;
	h->pins[h->pin_next] = *pin;
	h->pin_next = (h->pin_next + 1) % PINS;
	h->pin_count += h->pin_count < PINS;
}

/* Of the meter that stands lowest. */
static int64_t wait_of(const struct holder *h, int64_t now, int64_t burst, int *meter_out)
{
	int64_t wait = 0;
	for (int i = 0; i < METERS; i++)
		if (h->paid_us[i] - now - burst > wait) {
			wait = h->paid_us[i] - now - burst;
			*meter_out = i;
		}
	return wait;
}

static void pay(int64_t *paid, int64_t now, uint64_t used, uint64_t rate)
{
	/* a day's worth at most, whatever somebody sends */
	uint64_t most = (uint64_t)DAY_US / SECOND_US;
	if (!rate)
		return;
	*paid = *paid > now ? *paid : now;
	*paid += used / rate > most ? DAY_US : (int64_t)(used * (uint64_t)SECOND_US / rate);
}

/* --- what was refused --- */

struct noting {
	struct exchange *x;
	struct uuid partner;
	uint64_t refused, told;
	char name[64];
};

static enum rc note_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct noting *n = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO partner_quota (partner, refused, refused_us) VALUES (?1, ?2, ?3)"
					 " ON CONFLICT (partner) DO UPDATE SET refused = refused + ?2, refused_us = ?3");
	sql_blob(q, 1, str_mem(n->partner.b, sizeof n->partner.b));
	sql_int(q, 2, (int64_t)n->refused);
	sql_int(q, 3, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK || !n->told)
		return rc;
	struct buf who = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&who, STR("partner"), &n->partner);
	const struct journal_act act = { .act = "exchange.over_quota", .actor = buf_str(&who), .object = buf_str(&who),
					 .count = n->told, .body = STR("{}") };
	rc = journal_add(tx, n->x->w.journal, &act, err);
	buf_free(&who);
	return rc;
}

static void note(struct exchange *x, const struct noting *n)
{
	struct noting now = *n;
	struct err err = { 0 };
	if (n->told)
		log_warn(x->w.log, "a partner sends more than its quota", L_Z("partner", n->name), L_UINT("refused", n->told));
	if (store_write(x->w.store, note_job, &now, &err) != RC_OK)
		log_warn(x->w.log, "what a partner's quota refused is not written", L_Z("why", err.text));
}

/* With the token. *out: to be written down now, when `refused` is not 0. */
static void count_refusal(struct exchange *x, struct holder *h, int64_t now, struct noting *out)
{
	h->refused++;
	h->told++;
	if (h->noted_us && now - h->noted_us < NOTE_EVERY)
		return;
	*out = (struct noting){ .x = x, .partner = h->partner, .refused = h->refused };
	memcpy(out->name, h->name, sizeof out->name);
	h->refused = 0;
	h->noted_us = now;
	if (h->told_us && now - h->told_us < JOURNAL_EVERY)
		return;
	out->told = h->told;
	h->told = 0;
	h->told_us = now;
}

static const char *words_of(int meter)
{
	static const char *const words[METERS] = {
		"more objects than your quota: send on after the time in Retry-After",
		"more bytes than your quota: send on after the time in Retry-After",
		"this keeps us too busy: go on after the time in Retry-After",
	};
	return words[meter];
}

static int64_t ask(struct exchange *x, struct holder *h, bool urgent, const char **why_out, struct noting *out)
{
	int64_t now = clock_mono_us();
	int meter = 0;
	int64_t wait = wait_of(h, now, urgent ? 2 * QUOTA_BURST_US : QUOTA_BURST_US, &meter);
	*why_out = words_of(meter);
	if (wait <= 0)
		return 0;
	count_refusal(x, h, now, out);
	return wait > SECOND_US ? wait : SECOND_US;
}

int64_t quota_ask(struct exchange *x, const struct partner *p, bool urgent, const char **why_out)
{
	struct noting n = { .refused = 0 };
	struct quota quota = quota_of(x, p);
	if (!x->quotas)
		return 0;
	take(x->quotas);
	struct holder *h = have(x->quotas, p);
	h->quota = quota;
	int64_t wait = ask(x, h, urgent, why_out, &n);
	give(x->quotas);
	if (n.refused)
		note(x, &n);
	return wait;
}

int64_t quota_ask_pin(struct exchange *x, const struct digest *pin, bool urgent, const char **why_out)
{
	struct noting n = { .refused = 0 };
	int64_t wait = 0;
	if (!x->quotas)
		return 0;
	take(x->quotas);
	for (size_t i = 0; i < x->quotas->count && !wait; i++)
		if (has_pin(x->quotas->list[i], pin))
			wait = ask(x, x->quotas->list[i], urgent, why_out, &n);
	give(x->quotas);
	if (n.refused)
		note(x, &n);
	return wait;
}

void quota_spend(struct exchange *x, const struct partner *p, const struct digest *pin, const struct quota_cost *cost)
{
	struct quota quota = quota_of(x, p);
	if (!x->quotas)
		return;
	take(x->quotas);
	struct holder *h = have(x->quotas, p);
	int64_t now = clock_mono_us();
	h->quota = quota;
	pay(&h->paid_us[0], now, cost->objects, quota.objects);
	pay(&h->paid_us[1], now, cost->bytes, quota.bytes);
	pay(&h->paid_us[2], now, cost->cpu_us > 0 ? (uint64_t)cost->cpu_us * 100 : 0, quota.share * SECOND_US);
	keep_pin(h, pin);
	give(x->quotas);
}

int64_t quota_wait(struct exchange *x, const struct partner *p)
{
	int meter = 0;
	if (!x->quotas)
		return 0;
	take(x->quotas);
	const struct holder *h = find(x->quotas, &p->id);
	int64_t wait = h ? wait_of(h, clock_mono_us(), QUOTA_BURST_US, &meter) : 0;
	give(x->quotas);
	return wait;
}

/* --- his row --- */

enum rc quota_state(struct conn *c, struct uuid partner, int64_t now_us, struct quota_state *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT refused, refused_us, CASE WHEN day = ?2 THEN day_bytes ELSE 0 END FROM partner_quota"
			       " WHERE partner = ?1");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, time_day(now_us));
	*out = (struct quota_state){ 0 };
	if (sql_row(q))
		*out = (struct quota_state){ (uint64_t)sql_col_int(q, 0), sql_col_int(q, 1), (uint64_t)sql_col_int(q, 2) };
	return sql_end(q, err);
}

enum rc quota_note_day(struct tx *tx, struct uuid partner, uint64_t bytes, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO partner_quota (partner, day, day_bytes) VALUES (?1, ?2, ?3)"
					 " ON CONFLICT (partner) DO UPDATE SET day = ?2,"
					 " day_bytes = ?3 + CASE WHEN day = ?2 THEN day_bytes ELSE 0 END");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, time_day(tx_now_us(tx)));
	sql_int(q, 3, (int64_t)bytes);
	return sql_run(q, err);
}

enum rc quota_line(struct conn *c, const struct partner *p, int64_t now_us, int64_t *wait_out, struct err *err)
{
	struct quota_state s = { 0 };
	*wait_out = 0;
	enum rc rc = p->line_day ? quota_state(c, p->id, now_us, &s, err) : RC_OK;
	if (rc == RC_OK && p->line_day && s.day_bytes >= p->line_day)
		*wait_out = DAY_US - now_us % DAY_US;
	return rc;
}

str quota_words(const struct exchange *x, const struct partner *p, const struct quota_state *s, int64_t now_us,
		struct arena *a)
{
	struct quota q = quota_of(x, p);
	char at[40];
	if (s->refused_us > now_us - HOUR_US)
		return arena_fmt(a, "it sends more than its quota (%llu objects and %llu bytes a second): %llu requests refused, the "
				 "last at " STR_FMT "; ask them, or give it more with 'ronda partner edit ID quota_objects=N'",
				 (unsigned long long)q.objects, (unsigned long long)q.bytes, (unsigned long long)s->refused,
				 STR_ARG(time_str(at, s->refused_us - s->refused_us % SECOND_US)));
	if (p->line_day && s->day_bytes >= p->line_day)
		return arena_fmt(a, "%llu bytes went today, %llu is what its record lets: findings wait until midnight (UTC), warnings "
				 "and incidents go on", (unsigned long long)s->day_bytes, (unsigned long long)p->line_day);
	return STR("");
}
