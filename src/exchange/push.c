/* SPDX-License-Identifier: Apache-2.0 */
/* What is offered to a partner, taken to him: a page of his collection as an envelope, packed, signed, answered. */
#include <zstd.h>

#include "disclosure/told_partner.h"
#include "exchange/courier_private.h"
#include "exchange/quota.h"
#include "exchange/taxii.h"

enum { PACK_GOOD = 3, PACK_UNKNOWN = 12, PACK_POOR = 19, PLAIN_MOST = 8 << 20, TURNS_MOST = 3 /* to find each other's place */ };
#define STIX_FOR_US (HOUR_US / 4)
#define INBOX TAXII_ROOT TAXII_API "collections/inbox/objects/"

struct push {
	struct call c;
	enum lane lane;
	int64_t after_us;
	struct buf plain, packed, signature;
	struct buf events;         /* of those that go flat */
	bool flat;                 /* any of them */
	size_t objects;
	struct page_end end;
	int64_t last_us;           /* of the collection */
	uint64_t policy;
};

struct write_cursor {
	struct uuid partner;
	enum lane lane;
	int64_t at_us;
};

/* --- the page --- */

static bool add_object(void *ctx, const struct page_object *o)
{
	struct push *p = ctx;
	struct buf *to = o->flat ? &p->events : &p->plain;
	if (to->n)
		buf_char(to, ',');
	buf_add(to, o->json);
	p->flat |= o->flat;
	p->objects++;
	return true;
}

/* Members that say the same of each stand there once. */
static void make_envelope(struct push *p)
{
	struct buf all = BUF_INIT(2 * PLAIN_MOST);
	buf_add(&all, STR("{\"objects\":["));
	buf_add(&all, buf_str(&p->plain));
	buf_char(&all, ']');
	if (p->flat)
		buf_fmt(&all, ",\"origin\":\"" STR_FMT "\",\"events\":[", STR_ARG(store_node_id(p->c.x->w.store)));
	buf_add(&all, buf_str(&p->events));
	buf_add(&all, p->flat ? STR("]}") : STR("}"));
	all.over |= p->plain.over | p->events.over;
	buf_free(&p->plain);
	p->plain = all;
}

static enum rc read_page(struct push *p, struct reader *r, struct err *err)
{
	struct exchange *x = p->c.x;
	struct peer *peer = p->c.peer;
	struct collection col;
	struct told_to to;
	size_t plain = peer->wire * peer->ratio;
	enum rc rc = collection_of_partner(reader_conn(r), COLLECTION_OUT, peer->id, p->c.a, &col, err);
	if (rc == RC_ABSENT) /* nothing was offered yet */
		return RC_OK;
	if (rc == RC_OK)
		rc = line_cursor(reader_conn(r), peer->id, p->lane, &p->after_us, err);
	if (rc == RC_OK)
		rc = told_partner(r, x->w.policies, p->c.partner.organisation, partner_feed(&p->c.partner, p->c.a),
				  p->c.partner.exercise, &to, err);
	if (rc != RC_OK)
		return rc;
	p->policy = to.viewer.policy.number;
	p->last_us = col.last_us;
	if (p->policy != peer->policy) { /* another one may let go what this did not */
		memset(peer->looked_us, 0, sizeof peer->looked_us);
		peer->policy = p->policy;
	}
	int64_t from = peer->looked_us[p->lane] > p->after_us ? peer->looked_us[p->lane] : p->after_us;
	const struct page_query q = { .after_us = from, .limit = COLLECTION_PAGE_MOST, .lane = (int)p->lane, .carriers = true,
				      .flat = clock_mono_us() >= peer->stix_until_us,
				      .bytes = plain < PLAIN_MOST ? plain : PLAIN_MOST };
	rc = collection_page(x, r, &col, &to, &q, add_object, p, &p->end, err);
	make_envelope(p);
	return rc == RC_OK && p->plain.over ? fail(err, RC_LIMIT, "one batch is over %d MiB", PLAIN_MOST >> 19) : rc;
}

static enum rc looked_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct write_cursor *w = ctx;
	return line_set_looked(tx, w->partner, w->lane, w->at_us, err);
}

/* Nothing of it may go. Written down now and then, for those who ask what waits. */
static enum rc looked(struct push *p, struct err *err)
{
	struct peer *peer = p->c.peer;
	int64_t upto = p->end.stopped ? p->last_us : p->end.upto_us, now = clock_mono_us();
	struct write_cursor w = { peer->id, p->lane, upto };
	if (upto <= peer->looked_us[p->lane])
		return RC_OK;
	peer->looked_us[p->lane] = upto;
	if (p->end.stopped || upto <= p->after_us || now - peer->noted_us < SECOND_US) /* the cursor says it */
		return RC_OK;
	peer->noted_us = now;
	return store_write(p->c.x->w.store, looked_job, &w, err);
}

static enum rc next_page(struct push *p, struct err *err)
{
	enum rc rc;
	do {
		struct reader *r = NULL;
		rc = store_read_begin(p->c.x->w.store, &r, err);
		if (rc != RC_OK)
			return rc;
		buf_reset(&p->plain);
		buf_reset(&p->events);
		p->flat = false;
		rc = read_page(p, r, err);
		store_read_end(r);
		if (rc == RC_OK && p->objects == 0)
			rc = looked(p, err);
	} while (rc == RC_OK && p->objects == 0 && p->end.more && !courier_stopping(p->c.x));
	return rc;
}

/* --- on the wire --- */

/* Where bytes are dear, processor time is not; of a line nothing is known of, something in between. */
static int level_for(const struct peer *peer)
{
	return peer->rate == 0 ? PACK_UNKNOWN : peer->rate < POOR_RATE ? PACK_POOR : PACK_GOOD;
}

static enum rc pack(struct push *p, struct err *err)
{
	size_t most = ZSTD_compressBound(p->plain.n);
	p->packed = (struct buf)BUF_INIT(most + 1);
	char *to = buf_room(&p->packed, most);
	size_t n = to ? ZSTD_compress(to, most, p->plain.p, p->plain.n, level_for(p->c.peer)) : 0;
	if (!to || ZSTD_isError(n))
		return fail(err, RC_IO, "a batch could not be packed");
	p->packed.n = n;
	return RC_OK;
}

static str number(struct arena *a, int64_t n)
{
	return arena_fmt(a, "%lld", (long long)n);
}

static enum rc ask(struct push *p, struct fetch_answer *answer, int64_t *took_us, struct err *err)
{
	struct arena *a = p->c.a;
	const struct signed_head head = { .from = store_node_id(p->c.x->w.store), .to = p->c.to, .what = STR("push"),
					  .lane = str_of(lane_name(p->lane)), .after_us = p->after_us,
					  .upto_us = p->end.upto_us, .type = p->flat ? STR(TAXII_FLAT_TYPE) : STR(TAXII_TYPE), .encoding = STR("zstd") };
	p->signature = (struct buf)BUF_INIT(256);
	signature_make(p->c.own.now.secret, &head, buf_str(&p->packed), &p->signature);
	const struct fetch_header headers[] = {
		{ "Ronda-Lane", head.lane }, { "Ronda-After", number(a, head.after_us) },
		{ "Ronda-Upto", number(a, head.upto_us) }, { "Ronda-Signature", buf_str(&p->signature) },
		{ "Content-Encoding", head.encoding },
	};
	const struct call_body body = { .bytes = &p->packed, .type = head.type.p, .accept = TAXII_TYPE, .headers = headers,
					.header_count = COUNT_OF(headers) };
	return call_ask(&p->c, STR(INBOX), &body, answer, took_us, err);
}

/* --- the answer --- */

struct elsewhere {
	struct uuid partner;
	enum lane lane;
	int64_t after_us, at_us;
	uint64_t policy;
};

/* Further than we know: the answer was lost, and this is the receipt for what lies between. */
static enum rc have_receipt(struct tx *tx, const struct elsewhere *w, struct arena *a, struct err *err)
{
	struct collection col;
	enum rc rc = collection_of_partner(tx_conn(tx), COLLECTION_OUT, w->partner, a, &col, err);
	if (rc == RC_OK && w->at_us > col.last_us)
		return line_set_cursor(tx, w->partner, w->lane, w->at_us, err); /* not of what stands here */
	uint64_t items = 0;
	if (rc == RC_OK)
		rc = collection_between(tx_conn(tx), col.id, (int)w->lane, w->after_us, w->at_us, &items, err);
	if (rc != RC_OK)
		return rc;
	const struct sent_batch b = { .partner = w->partner, .lane = w->lane, .after_us = w->after_us, .upto_us = w->at_us,
				 .objects = items,
				 .policy = w->policy, .words = STR("said when asked again: the answer was lost") };
	return line_sent(tx, &b, err);
}

static enum rc cursor_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct elsewhere *w = ctx;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = w->at_us > w->after_us ? have_receipt(tx, w, a, err) :
					      line_set_cursor(tx, w->partner, w->lane, w->at_us, err);
	arena_free(a);
	return rc;
}

static bool upto_of(struct json_object *o, int64_t last_us, int64_t *out)
{
	struct json_object *d = json_get(o, "details");
	/* A time to come would keep everything from him for good; but of ours some may be, when our clock was set back. */
	return (json_get_i64(d, "upto", out) || str_to_i64(json_get_str(d, "upto"), out)) && *out >= 0 &&
	       (*out <= last_us || *out <= clock_now_us() + DAY_US);
}

/* He stands elsewhere: a lost answer of his, or a store of one of us that is an older one. */
static enum rc move_there(struct push *p, const struct fetch_answer *answer, struct err *err)
{
	struct json_object *o = NULL;
	struct elsewhere w = { p->c.peer->id, p->lane, p->after_us, 0, p->policy };
	enum rc rc = json_read(answer->body, &o, err);
	if (rc == RC_OK && (!upto_of(o, p->last_us, &w.at_us) || w.at_us == p->after_us))
		rc = fail(err, RC_BUSY, "'" STR_FMT "' stands elsewhere and does not say where", STR_ARG(p->c.partner.name));
	json_free(o);
	if (rc != RC_OK)
		return rc;
	log_info(p->c.x->w.log, "a partner stands elsewhere: going on from there", L_STR("partner", p->c.partner.name),
		 L_Z("lane", lane_name(p->lane)), L_INT("ours", p->after_us), L_INT("theirs", w.at_us));
	p->c.peer->looked_us[p->lane] = 0;
	return store_write(p->c.x->w.store, cursor_job, &w, err);
}

static enum rc sent_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct sent_batch *b = ctx;
	enum rc rc = line_sent(tx, b, err);
	return rc == RC_OK ? quota_note_day(tx, b->partner, b->bytes, err) : rc;
}

static void take_status(struct push *p, const struct fetch_answer *answer, struct sent_batch *b)
{
	struct json_object *o = NULL;
	int64_t failures = 0;
	if (json_read(answer->body, &o, NULL) != RC_OK)
		return;
	b->id = arena_str(p->c.a, str_head(json_get_str(o, "id"), 64));
	if (json_get_i64(o, "failure_count", &failures) && failures > 0)
		b->failures = (uint64_t)failures < b->objects ? (uint64_t)failures : b->objects;
	struct json_object *first = json_at(json_get(o, "failures"), 0);
	b->words = arena_str(p->c.a, str_head(json_get_str(first, "message"), 300));
	json_free(o);
}

/* How soon the next may go: as he says whose quota is used up, and as the line is to be used. */
static void pace(struct push *p, const struct fetch_answer *answer)
{
	uint64_t rate = p->c.partner.line_rate;
	peer_hold(p->c.peer, call_wait(answer));
	if (rate && p->lane == LANE_BULK)
		peer_hold(p->c.peer, (int64_t)(p->packed.n * (uint64_t)SECOND_US / rate));
}

static enum rc answered(struct push *p, const struct fetch_answer *answer, int64_t took_us, struct err *err)
{
	struct peer *peer = p->c.peer;
	struct sent_batch b = { .partner = peer->id, .lane = p->lane, .after_us = p->after_us, .upto_us = p->end.upto_us,
			   .objects = p->objects, .bytes = p->packed.n, .policy = p->policy };
	take_status(p, answer, &b);
	peer_measure(peer, p->packed.n, p->plain.n, took_us);
	pace(p, answer);
	b.rtt_us = peer->rtt_us;
	b.rate = peer->rate;
	if (b.failures)
		log_warn(p->c.x->w.log, "a partner did not take some of what was sent", L_STR("partner", p->c.partner.name),
			 L_UINT("failures", b.failures), L_STR("first", b.words));
	return store_write(p->c.x->w.store, sent_job, &b, err);
}

/* A line that costs: of a day so many bytes. */
static enum rc line_allows(struct push *p, struct err *err)
{
	int64_t wait = 0;
	enum rc rc = call_line_wait(&p->c, &wait, err);
	peer_hold(p->c.peer, wait);
	return rc;
}

static void forget(struct push *p)
{
	call_end(&p->c);
	buf_free(&p->plain);
	buf_free(&p->events);
	buf_free(&p->packed);
	buf_free(&p->signature);
}

/* *did: a batch went. *elsewhere: he stands somewhere else, to be tried again. */
static enum rc push_one(struct exchange *x, struct peer *peer, enum lane lane, bool *did, bool *elsewhere, struct err *err)
{
	struct push p = { .lane = lane, .plain = BUF_INIT(2 * PLAIN_MOST), .events = BUF_INIT(2 * PLAIN_MOST) };
	struct fetch_answer answer;
	int64_t took = 0;
	*did = *elsewhere = false;
	enum rc rc = call_begin(&p.c, x, peer, err);
	if (rc != RC_OK)
		return rc;
	if (p.c.partner.push && lane == LANE_BULK)
		rc = line_allows(&p, err);
	if (rc == RC_OK && p.c.partner.push && !peer_held(peer, lane))
		rc = next_page(&p, err);
	if (rc == RC_OK && p.objects == 0) {
		forget(&p);
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = pack(&p, err);
	if (rc == RC_OK)
		rc = ask(&p, &answer, &took, err);
	if (rc == RC_BUSY && peer->wire > WIRE_LEAST)
		peer->wire /= 2; /* what breaks in the middle is sent again: less of it */
	if (rc == RC_OK && answer.status == 202) {
		rc = answered(&p, &answer, took, err);
		*did = rc == RC_OK || rc == RC_CONFLICT; /* another one sent it: fine */
		rc = rc == RC_CONFLICT ? RC_OK : rc;
	} else if (rc == RC_OK && answer.status == 409) {
		rc = move_there(&p, &answer, err);
		*elsewhere = rc == RC_OK;
	} else if (rc == RC_OK && answer.status == 415 && p.flat) {
		peer->stix_until_us = clock_mono_us() + STIX_FOR_US; /* it is an older ronda, maybe not for long */
		*elsewhere = true;
	} else if (rc == RC_OK && answer.status == 413 && peer->wire > WIRE_LEAST) {
		peer->wire /= 2;
		*elsewhere = true;
	} else if (rc == RC_OK) {
		rc = call_refused(&p.c, &answer, err);
	}
	forget(&p);
	return rc;
}

enum rc push_run(struct exchange *x, struct peer *peer, struct err *err)
{
	enum rc rc = RC_OK;
	unsigned turns = 0;
	peer->held_us = peer->held_us > clock_mono_us() ? peer->held_us : 0;
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT && !courier_stopping(x) && !atomic_load(&peer->wanted);) {
		bool did, elsewhere;
		rc = push_one(x, peer, (enum lane)lane, &did, &elsewhere, err);
		if (rc == RC_OK && elsewhere && ++turns > TURNS_MOST)
			rc = fail(err, RC_BUSY, "the other node stands elsewhere each time it is asked");
		turns = did ? 0 : turns;
		lane = did ? 0 : lane + !elsewhere; /* what is more urgent may have come meanwhile */
	}
	return rc;
}
