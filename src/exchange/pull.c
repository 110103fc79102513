/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner offers us, fetched: a page of his collection after another, each taken before the next is asked for. */
#include "exchange/courier_private.h"
#include "exchange/take.h"
#include "exchange/taxii.h"

enum { PAGE_LIMIT = 1000 };
#define OUTBOX TAXII_ROOT TAXII_API "collections/outbox/objects/"

struct pulled {
	struct uuid partner;
	int64_t after_us[LANE_COUNT], upto_us;
	uint64_t objects, bytes;
};

/* He is asked for all lanes at once: our place is the same in each. */
static enum rc moved_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct pulled *p = ctx;
	enum rc rc = line_received(tx, p->partner, p->objects, p->bytes, err);
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT; lane++)
		if (p->after_us[lane] < p->upto_us)
			rc = take_moved(tx, p->partner, (enum lane)lane, p->after_us[lane], p->upto_us, err);
	return rc;
}

static enum rc where(struct call *c, struct pulled *p, int64_t *after_us, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(c->x->w.store, &r, err);
	*after_us = INT64_MAX;
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT; lane++) {
		rc = take_upto(reader_conn(r), c->partner.id, (enum lane)lane, &p->after_us[lane], err);
		*after_us = p->after_us[lane] < *after_us ? p->after_us[lane] : *after_us;
	}
	if (r)
		store_read_end(r);
	return rc;
}

/* RFC 3339 in UTC, as TAXII writes it. */
static str time_of(struct arena *a, int64_t us)
{
	struct buf day = BUF_INIT(64);
	time_format(&day, us - us % SECOND_US);
	str text = arena_fmt(a, STR_FMT ".%06dZ", STR_ARG(str_head(buf_str(&day), 19)), (int)(us % SECOND_US));
	buf_free(&day);
	return text;
}

static enum rc take(struct call *c, const struct fetch_answer *answer, struct pulled *p, bool *more, struct err *err)
{
	struct json_object *o = NULL;
	struct taken taken;
	enum rc rc = json_read(answer->body, &o, err);
	if (rc != RC_OK)
		return rc;
	*more = false;
	(void)json_get_bool(o, "more", more);
	p->objects = json_count(json_get(o, "objects"));
	p->bytes = answer->body.n;
	json_free(o);
	str last = fetch_head_value(answer->head, "X-TAXII-Date-Added-Last");
	if (p->objects == 0) {
		*more = false;
		return RC_OK;
	}
	if (!last.p || !time_parse(last, false, &p->upto_us))
		return fail(err, RC_INPUT, "'" STR_FMT "' does not say up to where its page goes", STR_ARG(c->partner.name));
	str name = arena_fmt(c->a, "pull-%lld", (long long)p->upto_us);
	rc = take_envelope(c->x, &c->partner, answer->body, name, c->a, &taken, err);
	if (rc == RC_OK && taken.failure_count)
		log_warn(c->x->w.log, "some of what a partner offers cannot be taken", L_STR("partner", c->partner.name),
			 L_UINT("failures", taken.failure_count), L_STR("first", taken.failures[0].words));
	return rc;
}

static enum rc pull_one(struct exchange *x, struct peer *peer, bool *more, struct err *err)
{
	struct call c;
	struct pulled p = { .partner = peer->id };
	struct fetch_answer answer;
	int64_t after = 0, took;
	*more = false;
	enum rc rc = call_begin(&c, x, peer, err);
	if (rc != RC_OK)
		return rc;
	if (!c.partner.pull) {
		call_end(&c);
		return RC_OK;
	}
	rc = where(&c, &p, &after, err);
	str path = arena_fmt(c.a, OUTBOX "?added_after=" STR_FMT "&limit=%d", STR_ARG(time_of(c.a, after)), PAGE_LIMIT);
	const struct call_body body = { .accept = TAXII_TYPE };
	if (rc == RC_OK)
		rc = call_ask(&c, path, &body, &answer, &took, err);
	if (rc == RC_OK && answer.status != 200)
		rc = call_refused(&c, &answer, err);
	if (rc == RC_OK)
		rc = take(&c, &answer, &p, more, err);
	if (rc == RC_OK && p.objects && p.upto_us <= after)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' offers the same page for ever", STR_ARG(c.partner.name));
	if (rc == RC_OK && p.objects)
		rc = store_write(x->w.store, moved_job, &p, err);
	call_end(&c);
	return rc == RC_CONFLICT ? RC_OK : rc; /* he pushed the same meanwhile */
}

enum rc pull_run(struct exchange *x, struct peer *peer, struct err *err)
{
	bool more = true;
	enum rc rc = RC_OK;
	peer->pull_us = clock_mono_us() + (x->w.settings ? settings_int(x->w.settings, "exchange_pull_every") : MINUTE_US);
	while (rc == RC_OK && more && !courier_stopping(x))
		rc = pull_one(x, peer, &more, err);
	return rc;
}
