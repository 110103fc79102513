/* SPDX-License-Identifier: Apache-2.0 */
/* What a partner offers us, fetched lane by lane: a page of his collection after another, each taken before the next is
 * asked for. */
#include "exchange/courier_private.h"
#include "exchange/quota.h"
#include "exchange/take.h"
#include "exchange/taxii.h"

enum { PAGE_LIMIT = 1000, NEXT_MOST = 1024, EMPTY_MOST = 10000 /* pages without objects, one after the other */,
       EMPTY_BYTES = 16 << 20, /* of them, as all are kept until the next with objects */
       UNSAID_MOST = 16 << 10 /* bytes, as pages without objects */ };
#define KEY_EVERY_US (10 * MINUTE_US)
#define OUTBOX TAXII_ROOT TAXII_API "collections/outbox/objects/"

struct pulled {
	struct uuid partner;
	enum lane lane;
	int64_t after_us, upto_us;
	uint64_t objects, bytes;
	uint64_t wire;             /* of all pages since the last row */
	bool moved;                /* with what was taken */
	str next;                  /* of a page without objects: where he goes on looking */
};

static enum rc moved_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct pulled *p = ctx;
	enum rc rc = line_received(tx, p->partner, p->objects, p->bytes, err);
	if (rc == RC_OK)
		rc = quota_note_day(tx, p->partner, p->wire, err);
	return rc == RC_OK ? take_moved(tx, p->partner, p->lane, p->after_us, p->upto_us, err) : rc;
}

/* With what it stands for; a page that does not go on moves nothing. */
static enum rc moved_with_it(struct tx *tx, void *ctx, struct err *err)
{
	struct pulled *p = ctx;
	p->moved = p->upto_us > p->after_us;
	return p->moved ? moved_job(tx, p, err) : RC_OK;
}

static enum rc wire_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct pulled *p = ctx;
	return quota_note_day(tx, p->partner, p->wire, err);
}

static enum rc where(struct call *c, struct pulled *p, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(c->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = take_upto(reader_conn(r), c->partner.id, p->lane, &p->after_us, err);
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
	p->next = arena_str(c->a, str_head(json_get_str(o, "next"), NEXT_MOST));
	p->objects = json_count(json_get(o, "objects")) + json_count(json_get(o, "events"));
	p->bytes = answer->body.n;
	json_free(o);
	str last = fetch_head_value(answer->head, "X-TAXII-Date-Added-Last");
	if (p->objects == 0) {
		*more = *more && p->next.n > 0;
		return RC_OK;
	}
	if (!last.p || !time_parse(last, false, &p->upto_us))
		return fail(err, RC_INPUT, "'" STR_FMT "' does not say up to where its page goes", STR_ARG(c->partner.name));
	str name = arena_fmt(c->a, "pull-%lld", (long long)p->upto_us);
	struct take_then then = { .fn = moved_with_it, .ctx = p };
	p->wire = c->peer->unsaid;
	rc = take_envelope_then(c->x, &c->partner, answer->body, name, c->a, &taken, &then, err);
	p->moved = p->moved && rc == RC_OK && then.ran;
	if (rc == RC_OK && taken.failure_count)
		log_warn(c->x->w.log, "some of what a partner offers cannot be taken", L_STR("partner", c->partner.name),
			 L_UINT("failures", taken.failure_count), L_STR("first", taken.failures[0].words));
	if (rc == RC_OK && p->moved && then.rc == RC_OK)
		c->peer->unsaid = 0;
	return rc == RC_OK && p->moved && then.rc != RC_OK ? fail(err, then.rc, "%s", then.err.text) : rc;
}

static enum rc ask_page(struct call *c, struct pulled *p, struct fetch_answer *answer, struct err *err)
{
	struct buf path = BUF_INIT(KIB(8));
	const struct fetch_header headers[] = { { "Ronda-Lane", str_of(lane_name(p->lane)) } };
	const struct call_body body = { .accept = TAXII_FLAT_TYPE ", " TAXII_TYPE, .headers = headers,
					.header_count = 1 };
	int64_t took;
	buf_fmt(&path, OUTBOX "?added_after=" STR_FMT "&limit=%d", STR_ARG(time_of(c->a, p->after_us)), PAGE_LIMIT);
	if (p->next.n) {
		buf_add(&path, STR("&next="));
		percent_format(&path, p->next);
	}
	enum rc rc = call_ask(c, buf_str(&path), &body, answer, &took, err);
	c->peer->unsaid += rc == RC_OK ? answer->body.n : 0;
	buf_free(&path);
	return rc == RC_OK && answer->status != 200 ? call_refused(c, answer, err) : rc;
}

static enum rc pull_one(struct exchange *x, struct peer *peer, enum lane lane, bool *more, struct err *err)
{
	struct call c;
	struct pulled p = { .partner = peer->id, .lane = lane };
	struct fetch_answer answer;
	*more = false;
	enum rc rc = call_begin(&c, x, peer, err);
	if (rc != RC_OK)
		return rc;
	if (!c.partner.pull) {
		call_end(&c);
		return RC_OK;
	}
	if (peer->key_us <= clock_mono_us()) {
		rc = announce_fetch(&c, err);
		peer->key_us = clock_mono_us() + KEY_EVERY_US;
	}
	if (rc == RC_OK)
		rc = where(&c, &p, err);
	if (rc == RC_OK && lane == LANE_BULK) { /* a line that costs; what is urgent goes on */
		int64_t wait = 0;
		rc = call_line_wait(&c, &wait, err);
		if (rc != RC_OK || wait) {
			call_end(&c);
			return rc;
		}
	}
	unsigned empty = 0;
	uint64_t bytes = 0;
	do {
		if (rc == RC_OK)
			rc = ask_page(&c, &p, &answer, err);
		if (rc == RC_OK)
			rc = take(&c, &answer, &p, more, err);
		bytes += p.bytes;
		if (rc == RC_OK && *more && p.objects == 0 && (++empty == EMPTY_MOST || bytes > EMPTY_BYTES))
			rc = fail(err, RC_INPUT, "'" STR_FMT "' gives page after page and nothing in them", STR_ARG(c.partner.name));
	} while (rc == RC_OK && *more && p.objects == 0 && !courier_stopping(x));
	if (rc == RC_OK && p.objects && p.upto_us <= p.after_us)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' offers the same page for ever", STR_ARG(c.partner.name));
	p.wire = peer->unsaid;
	if (rc == RC_OK && !p.moved && (p.objects || p.wire > UNSAID_MOST)) {
		rc = store_write(x->w.store, p.objects ? moved_job : wire_job, &p, err);
		peer->unsaid = rc == RC_OK ? 0 : peer->unsaid;
	}
	*more = *more && p.objects > 0;
	call_end(&c);
	return rc == RC_CONFLICT ? RC_OK : rc; /* he pushed the same meanwhile */
}

enum rc pull_run(struct exchange *x, struct peer *peer, struct err *err)
{
	enum rc rc = RC_OK;
	int64_t every = x->w.settings ? settings_int(x->w.settings, "exchange_pull_every") : MINUTE_US;
	peer->pull_us = clock_mono_us() + courier_pull_pause(every);
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT && !courier_stopping(x) && !atomic_load(&peer->wanted);) {
		bool more;
		rc = pull_one(x, peer, (enum lane)lane, &more, err);
		lane = more && lane > 0 ? 0 : lane + !more; /* what is more urgent may have come meanwhile */
	}
	return rc;
}
