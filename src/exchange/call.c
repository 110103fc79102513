/* SPDX-License-Identifier: Apache-2.0 */
/* One request to a partner: his keys, ours, and what his refusals mean. */
#include <stdlib.h>

#include "exchange/certificate.h"
#include "exchange/courier_private.h"
#include "exchange/quota.h"

enum { CONNECT_MS = 30000, ANSWER_MS = 120000, LEAST_RATE = 500 /* bytes a second, as listeners ask */,
       WAIT_MOST_S = 3600 };
/* A batch under way keeps what is more urgent waiting; many small ones pack worse, and each waits for its answer. */
#define LONG_US (30 * SECOND_US)

struct peer *peer_new(struct uuid id)
{
	struct peer *p = x_alloc(sizeof *p);
	p->id = id;
	p->kind = PARTNER_NODE;
	p->wire = WIRE_FIRST;
	p->ratio = 8;
	return p;
}

void peer_free(struct peer *p)
{
	if (p)
		fetch_keep_free(p->keep);
	free(p);
}

void peer_hold(struct peer *p, int64_t wait_us)
{
	int64_t until = clock_mono_us() + wait_us;
	p->held_us = wait_us > 0 && until > p->held_us ? until : p->held_us;
}

bool peer_held(const struct peer *p, enum lane lane)
{
	return lane == LANE_BULK && p->held_us > clock_mono_us();
}

void peer_measure(struct peer *p, size_t wire, size_t plain, int64_t took_us)
{
	took_us = took_us > 0 ? took_us : 1;
	uint64_t rate = (uint64_t)wire * 1000000 / (uint64_t)took_us;
	p->rtt_us = p->rtt_us == 0 || took_us < p->rtt_us ? took_us : p->rtt_us;
	/* small batches say how long a way is, not how wide */
	if (wire >= WIRE_LEAST || took_us > SECOND_US)
		p->rate = p->rate ? (p->rate + rate) / 2 : rate;
	if (wire > 0)
		p->ratio = (unsigned)(plain / wire) + 1;
	bool full = wire * 2 >= p->wire;
	if (full && ((took_us < SECOND_US && p->wire < WIRE_MOST) || (took_us < LONG_US / 2 && p->wire < WIRE_FIRST)))
		p->wire *= 2;
	else if (took_us > LONG_US && p->wire > WIRE_LEAST)
		p->wire /= 2;
	if (p->rate && p->rate < POOR_RATE && p->wire > WIRE_FIRST)
		p->wire = WIRE_FIRST;
}

/* --- who is asked, by which keys --- */

static enum rc take_pins(struct call *c, struct conn *conn, struct err *err)
{
	struct partner_key *list;
	size_t count = 0;
	int64_t now = clock_now_us();
	enum rc rc = partner_keys(conn, c->partner.id, c->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count && c->pin_count < FETCH_PINS_MAX; i++)
		if (list[i].state == KEY_GOOD && (list[i].until_us == 0 || list[i].until_us > now))
			c->pins[c->pin_count++] = list[i].who.pin;
	if (rc == RC_OK && exchange_authority(c->x).n)
		rc = partner_keys_refused(conn, c->a, &c->refused, &c->refused_count, err);
	bool revoked = false;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		revoked = revoked || list[i].state == KEY_REVOKED;
	/* no authority brings back whose keys were all revoked */
	bool vouched = exchange_authority(c->x).n && !revoked && !uuid_is_zero(&c->partner.node);
	if (rc == RC_OK && c->pin_count == 0 && !vouched)
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' has no key that is good: pair with it ('ronda partner invite')",
			  STR_ARG(c->partner.name));
	return rc;
}

static enum rc load(struct call *c, struct conn *conn, struct err *err)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES), node = BUF_INIT(64);
	record_id_format(&id, STR("partner"), &c->peer->id);
	enum rc rc = partner_find(c->x, conn, buf_str(&id), c->a, &c->partner, err);
	buf_free(&id);
	if (rc == RC_OK && !c->partner.active)
		rc = fail(err, RC_ABSENT, "partner '" STR_FMT "' is not active", STR_ARG(c->partner.name));
	if (rc == RC_OK && c->partner.address.n == 0)
		rc = fail(err, RC_ABSENT, "partner '" STR_FMT "' has no address: it calls us", STR_ARG(c->partner.name));
	if (rc == RC_OK)
		rc = take_pins(c, conn, err);
	if (rc == RC_OK)
		rc = keys_own(conn, c->a, &c->own, err);
	if (rc == RC_OK)
		certificate_use(c->x, &c->own, c->a);
	uuid_format(&node, &c->partner.node);
	c->to = arena_str(c->a, buf_str(&node));
	buf_free(&node);
	return rc;
}

enum rc call_begin(struct call *c, struct exchange *x, struct peer *p, struct err *err)
{
	struct reader *r = NULL;
	*c = (struct call){ .x = x, .peer = p, .a = arena_new(KIB(32)) };
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc == RC_OK) {
		rc = load(c, reader_conn(r), err);
		store_read_end(r);
	}
	if (rc != RC_OK) {
		call_end(c);
		return rc;
	}
	const struct digest pins = sha256(str_mem(c->pins, c->pin_count * sizeof *c->pins)), own = sha256(c->own.now.cert);
	/* A connection was made under keys, and a certificate, that may have gone since: any of his keys, as it is not said
	 * here which one. */
	if (p->keep && (memcmp(&p->kept_pins, &pins, sizeof pins) != 0 ||
			memcmp(&p->kept_own, &own, sizeof p->kept_own) != 0 ||
			p->kept_refused != c->refused_count)) {
		fetch_keep_free(p->keep);
		p->keep = NULL;
	}
	if (!p->keep)
		p->keep = fetch_keep_new();
	p->kept_pins = pins;
	p->kept_refused = c->refused_count;
	p->kept_own = own;
	return RC_OK;
}

void call_end(struct call *c)
{
	keys_wipe(&c->own);
	arena_free(c->a);
	c->a = NULL;
}

enum rc call_ask(struct call *c, str path, const struct call_body *b, struct fetch_answer *out, int64_t *took_us,
		 struct err *err)
{
	const struct fetch_pinned pinned = { .pins = c->pins, .pin_count = c->pin_count, .cert = c->own.now.cert,
					     .key = c->own.now.key,
					     .authority = uuid_is_zero(&c->partner.node) ? STR("") : exchange_authority(c->x),
					     .name = arena_fmt(c->a, "urn:uuid:" STR_FMT, STR_ARG(c->to)),
					     .refused = c->refused, .refused_count = c->refused_count };
	size_t bytes = b->bytes ? b->bytes->n : 0;
	const struct fetch_request q = {
		.purpose = "partner", .url = arena_fmt(c->a, STR_FMT STR_FMT, STR_ARG(c->partner.address), STR_ARG(path)),
		.accept = b->accept, .form = b->bytes, .form_type = b->type, .headers = b->headers,
		.header_count = b->header_count, .pinned = &pinned, .keep = c->peer->keep,
		.limits = { .body_bytes = MIB(64), .connect_ms = CONNECT_MS,
			    .total_ms = ANSWER_MS + (int64_t)bytes * 1000 / LEAST_RATE },
	};
	int64_t begin = clock_mono_us();
	enum rc rc = fetch(c->x->fetcher, &q, c->a, out, err);
	*took_us = clock_mono_us() - begin;
	c->peer->answered = c->peer->answered || rc == RC_OK;
	if (rc == RC_DENIED && pinned.authority.n) {
		str why = arena_str(c->a, str_of(err ? err->text : ""));
		return fail(err, RC_DENIED, "'" STR_FMT "' did not prove a key it was paired with, nor does the authority vouch for "
			    "it: " STR_FMT, STR_ARG(c->partner.name), STR_ARG(why));
	}
	if (rc == RC_DENIED) /* the sentence of the TLS library is no step to take */
		rc = fail(err, RC_DENIED, "'" STR_FMT "' did not prove the key it was paired with: was it renewed, or is it "
			  "another machine? Compare 'ronda partner keys' with them", STR_ARG(c->partner.name));
	return rc;
}

int64_t call_wait(const struct fetch_answer *answer)
{
	str after = fetch_head_value(answer->head, "Retry-After");
	int64_t seconds = 0;
	bool said = after.p && str_to_i64(after, &seconds) && seconds > 0 && seconds <= WAIT_MOST_S;
	return said ? seconds * SECOND_US : 0;
}

enum rc call_line_wait(struct call *c, int64_t *wait_out, struct err *err)
{
	struct reader *r = NULL;
	*wait_out = 0;
	if (!c->partner.line_day)
		return RC_OK;
	enum rc rc = store_read_begin(c->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = quota_line(reader_conn(r), &c->partner, clock_now_us(), wait_out, err);
	store_read_end(r);
	return rc;
}

enum rc call_refused(struct call *c, const struct fetch_answer *answer, struct err *err)
{
	struct json_object *o = NULL;
	str name = c->partner.name, words = STR_NONE;
	int64_t seconds = call_wait(answer) / SECOND_US;
	enum rc rc;
	if (json_read(answer->body, &o, NULL) == RC_OK)
		words = str_head(json_get_str(o, "title"), 100);
	if (!words.n || !str_is_plain(words)) /* it stands in logs, tables and terminals */
		words = STR("without a reason");
	c->peer->wait_us = seconds * SECOND_US;
	if (answer->status == 401 || answer->status == 403)
		rc = fail(err, RC_DENIED, "'" STR_FMT "' does not take us for its partner (" STR_FMT "): is the pairing "
			  "confirmed there, and our key not revoked?", STR_ARG(name), STR_ARG(words));
	else if (answer->status == 404)
		rc = fail(err, RC_INPUT, "'" STR_FMT "' has no exchange at that address: is it the right one?", STR_ARG(name));
	else if (answer->status == 429 && c->peer->wait_us) {
		c->peer->paced = true;
		rc = fail(err, RC_BUSY, "our quota at '" STR_FMT "' is used up (" STR_FMT "): it goes on in %lld s", STR_ARG(name),
			  STR_ARG(words), (long long)seconds);
	} else if (answer->status == 429 || answer->status == 503 || answer->status == 507)
		rc = fail(err, RC_BUSY, "'" STR_FMT "' asks to come later (" STR_FMT ")", STR_ARG(name), STR_ARG(words));
	else
		rc = fail(err, RC_BUSY, "'" STR_FMT "' answers with %d: " STR_FMT, STR_ARG(name), answer->status, STR_ARG(words));
	json_free(o);
	return rc;
}
