/* SPDX-License-Identifier: Apache-2.0 */
#include "web/partners.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "exchange/certificate.h"
#include "exchange/line.h"
#include "exchange/pairing.h"
#include "exchange/quota.h"
#include "web/partners_private.h"

#define REFUSALS_EVERY (10 * SECOND_US) /* lines of the journal about callers nobody knows */

/* Pushes of one partner at the same time: a flood of one leaves threads to the others. A node sends one after the other; a
 * second one is let in for who was cut off while the first is still being taken. */
enum { PUSHES_MOST = 2, SLOTS = 1024 };

struct partners_port {
	struct node *n;
	struct http *http;
	_Atomic int64_t refused_us;
	atomic_uint refused;
	atomic_uint pushes[SLOTS];  /* under way, by partner; two may share a slot */
};

/* --- who asks --- */

static void say(struct http_answer *a, int status, const char *words)
{
	a->status = status;
	a->type = "application/json";
	a->body = (struct buf)BUF_INIT(KIB(4));
	struct json_out j = json_out(&a->body);
	json_open(&j, '{');
	json_put_str(&j, "title", str_of(words));
	json_close(&j, '}');
	if (status == 503 || status == 429) {
		a->headers[a->header_count].name = "Retry-After";
		a->headers[a->header_count++].value = STR("30");
	}
}

/* A line now and then, that says how many there were: who floods us shall not flood the journal. */
static void note_refusal(struct partners_port *p, const struct http_request *q, const char *words)
{
	struct buf body = BUF_INIT(KIB(2));
	struct json_out j = json_out(&body);
	char from[48];
	int64_t now = clock_mono_us(), last = atomic_load(&p->refused_us);
	atomic_fetch_add(&p->refused, 1);
	if ((last && now - last < REFUSALS_EVERY) || !atomic_compare_exchange_strong(&p->refused_us, &last, now))
		return;
	json_open(&j, '{');
	json_put_str(&j, "from", ip_str(from, &q->from));
	json_put_str(&j, "why", str_of(words));
	json_close(&j, '}');
	const struct journal_act act = { .act = "refusal", .actor = STR("node"), .object = STR("partners' listener"),
					 .count = atomic_exchange(&p->refused, 0), .body = buf_str(&body) };
	if (journal_write(p->n->journal, &act, NULL) != RC_OK)
		log_warn(p->n->log, "a refusal could not be written to the journal");
	log_warn(p->n->log, "a caller is no partner", L_STR("from", ip_str(from, &q->from)), L_Z("why", words));
	buf_free(&body);
}

/* Answers when it is nobody. */
static bool known(struct partners_port *p, const struct http_request *q, struct caller_partner *c, struct http_answer *a)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	if (!q->pin) {
		say(a, 401, "show the certificate that you were paired with");
		return false;
	}
	enum rc rc = store_read_begin(p->n->store, &r, &err);
	if (rc == RC_OK) {
		const struct partner_caller who = { q->pin, q->vouched, q->unvouched };
		rc = partner_by_caller(p->n->exchange, reader_conn(r), &who, q->a, &c->partner, &c->key, &err);
		store_read_end(r);
	}
	if (rc == RC_OK)
		return true;
	if (rc == RC_ABSENT || rc == RC_DENIED) {
		note_refusal(p, q, err.text);
		say(a, 403, err.text);
	} else {
		say(a, 503, "try again later");
	}
	return false;
}

/* --- what came --- */

struct sent {
	struct partners_port *p;
	struct caller_partner who;
	struct buf body;
	atomic_uint *pushing;      /* counted there; NULL: not a push */
};

/* Who has to wait is told so before anything of him is read or looked up. */
static bool may_come(struct partners_port *p, const struct http_request *q, struct http_answer *a)
{
	const char *why = "";
	enum lane lane = LANE_BULK;
	str said = http_header(q, "Ronda-Lane");
	(void)lane_of_name(said.p ? said : STR(""), &lane);
	int64_t wait = q->pin ? quota_ask_pin(p->n->exchange, q->pin, lane != LANE_BULK, &why) : 0;
	if (wait == 0)
		return true;
	say(a, 429, why);
	a->headers[a->header_count - 1].value = arena_fmt(q->a, "%lld", (long long)((wait + SECOND_US - 1) / SECOND_US));
	return false;
}

static bool push_begin(struct sent *s)
{
	const uint8_t *id = s->who.partner.id.b;
	atomic_uint *slot = &s->p->pushes[(id[0] << 8 | id[1]) % SLOTS];
	if (atomic_fetch_add(slot, 1) >= PUSHES_MOST) {
		atomic_fetch_sub(slot, 1);
		return false;
	}
	s->pushing = slot;
	return true;
}

static void push_end(struct sent *s)
{
	if (s->pushing)
		atomic_fetch_sub(s->pushing, 1);
	s->pushing = NULL;
}

static enum rc give(void *ctx, str bytes, struct err *err)
{
	struct sent *s = ctx;
	buf_add(&s->body, bytes);
	return s->body.over ? fail(err, RC_LIMIT, "the body is too large") : RC_OK;
}

static void give_up(void *ctx)
{
	struct sent *s = ctx;
	push_end(s);
	buf_free(&s->body);
}

static bool is_pair(const struct http_request *q)
{
	return str_eq(q->path, STR("/pair"));
}

static bool is_key(const struct http_request *q)
{
	return str_eq(q->path, STR("/key"));
}

static uint64_t body_most(void *ctx, const struct http_request *q)
{
	(void)ctx;
	return is_pair(q) || is_key(q) ? PAIRING_BODY_MAX : partners_taxii_body_most(q);
}

static bool takes_body(void *ctx, const struct http_request *q)
{
	(void)ctx;
	(void)q;
	return true;
}

static void upload_begin(void *ctx, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	struct partners_port *p = ctx;
	struct sent *s = ARENA_NEW(q->a, struct sent);
	s->p = p;
	s->body = (struct buf)BUF_INIT(body_most(p, q));
	if (is_pair(q) && !q->pin)
		say(a, 401, "show a certificate");
	else if (!is_pair(q) && !may_come(p, q, a))
		return;
	else if (!is_pair(q) && !known(p, q, &s->who, a))
		return;
	else if (!is_pair(q) && !is_key(q))
		partners_taxii_refuse(q, a);
	if (!a->status && !is_pair(q) && !push_begin(s))
		say(a, 429, "one push after the other");
	if (a->status)
		return;
	u->ctx = s;
	u->give = give;
	u->abort = give_up;
}

static void answer_pair(struct sent *s, const struct http_request *q, struct http_answer *a)
{
	struct err err = { 0 };
	struct buf answer = BUF_INIT(KIB(8));
	enum rc rc = pairing_asked(s->p->n->exchange, q->pin, buf_str(&s->body), http_header(q, "Ronda-Signature"), q->a,
				   &answer, &err);
	if (rc == RC_OK) {
		a->status = 200;
		a->type = "application/json";
		a->body = answer;
		return;
	}
	buf_free(&answer);
	note_refusal(s->p, q, err.text);
	say(a, rc == RC_IO ? 503 : rc_http_status(rc), rc == RC_IO ? "try again later" : err.text);
}

struct announcing {
	struct exchange *x;
	const struct partner_key *key;
	str node, text, signature;
};

static enum rc take_key(struct tx *tx, void *ctx, struct err *err)
{
	struct announcing *k = ctx;
	return keys_announced(tx, k->x, k->key, k->node, k->text, k->signature, err);
}

static void answer_key(struct sent *s, const struct http_request *q, struct http_answer *a)
{
	struct buf node = BUF_INIT(64);
	struct err err = { 0 };
	uuid_format(&node, &s->who.partner.node);
	struct announcing k = { .x = s->p->n->exchange, .key = &s->who.key, .node = buf_str(&node), .text = buf_str(&s->body),
				.signature = http_header(q, "Ronda-Signature") };
	enum rc rc = store_write(s->p->n->store, take_key, &k, &err);
	buf_free(&node);
	if (rc == RC_OK)
		log_info(s->p->n->log, "a partner announced its next key", L_STR("partner", s->who.partner.name));
	else
		note_refusal(s->p, q, err.text);
	say(a, rc == RC_OK ? 200 : rc_http_status(rc), rc == RC_OK ? "the next key is known" : err.text);
}

static void upload_end(void *ctx, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	struct partners_port *p = ctx;
	struct sent *s = u->ctx;
	if (u->failed.rc != RC_OK)
		say(a, 413, u->failed.text);
	else if (is_pair(q))
		answer_pair(s, q, a);
	else if (known(p, q, &s->who, a)) { /* once more: the key may have been revoked while the body came */
		if (is_key(q))
			answer_key(s, q, a);
		else
			partners_taxii_answer(p->n, q, &s->who, buf_str(&s->body), a);
	}
	push_end(s);
	buf_free(&s->body);
}

/* Who is not reached asks himself. */
static void give_key(struct partners_port *p, const struct http_request *q, const struct caller_partner *who,
		     struct http_answer *a)
{
	struct buf text = BUF_INIT(KIB(4)), signature = BUF_INIT(256);
	struct err err = { 0 };
	enum rc rc = keys_asked(p->n->exchange, who->partner.id, &text, &signature, &err);
	if (rc == RC_OK) {
		a->status = 200;
		a->type = "application/json";
		a->body = text;
		a->headers[a->header_count].name = "Ronda-Signature";
		a->headers[a->header_count++].value = arena_str(q->a, buf_str(&signature));
	} else {
		buf_free(&text);
		say(a, rc == RC_ABSENT ? 404 : 503, rc == RC_ABSENT ? err.text : "try again later");
	}
	buf_free(&signature);
}

static void answer(void *ctx, const struct http_request *q, struct http_answer *a)
{
	struct partners_port *p = ctx;
	struct caller_partner who;
	if (!may_come(p, q, a) || !known(p, q, &who, a))
		return;
	if (is_key(q) && q->method == HTTP_GET)
		give_key(p, q, &who, a);
	else
		partners_taxii_answer(p->n, q, &who, STR(""), a);
}

/* --- start and stop --- */

static void change_identity(void *ctx, str cert, str key)
{
	struct partners_port *p = ctx;
	struct err err = { 0 };
	if (http_identity(p->http, cert, key, &err) != RC_OK)
		log_error(p->n->log, "the new key for partners is not in use: start the node again", L_Z("why", err.text));
}

static enum rc listen_for_partners(struct partners_port *p, const struct own_keys *k, struct err *err)
{
	struct settings *set = p->n->settings;
	struct arena *a = arena_new(KIB(1));
	struct http_handlers handlers = { .ctx = p, .answer = answer, .takes_body = takes_body, .body_most = body_most,
					  .upload_begin = upload_begin, .upload_end = upload_end };
	struct http_options o = { .listen = arena_z(a, settings_text(set, "exchange_listen")),
				  .limits = http_limits_default, .identity_cert = k->now.cert,
				  .identity_key = k->now.key,
				  .identity_authorities = exchange_authority(p->n->exchange) };
	o.limits.threads = (unsigned)settings_int(set, "http_threads");
	o.limits.body_bytes = partners_taxii_body_most(NULL);
	o.limits.head_us = o.limits.body_window_us; /* on a poor line a head comes in one TLS record with 16 KiB of the body */
	enum rc rc = http_start(&o, &handlers, p->n->log, &p->http, err);
	arena_free(a);
	return rc;
}

enum rc partners_port_start(struct node *n, struct partners_port **out, struct err *err)
{
	struct own_keys k = { .rotating = false };
	struct reader *r = NULL;
	*out = NULL;
	if (!settings_bool(n->settings, "exchange") || settings_text(n->settings, "exchange_listen").n == 0)
		return RC_OK;
	struct arena *a = arena_new(KIB(8));
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK) {
		rc = keys_own(reader_conn(r), a, &k, err);
		store_read_end(r);
	}
	struct partners_port *p = x_alloc(sizeof *p);
	p->n = n;
	if (rc == RC_OK) {
		certificate_use(n->exchange, &k, a);
		rc = listen_for_partners(p, &k, err);
	}
	keys_wipe(&k);
	arena_free(a);
	if (rc != RC_OK) {
		free(p);
		return rc;
	}
	keys_watch(n->exchange, change_identity, p);
	log_info(n->log, "partners reach us", L_STR("listen", settings_text(n->settings, "exchange_listen")),
		 L_INT("port", http_port(p->http)));
	*out = p;
	return RC_OK;
}

void partners_port_stop(struct partners_port *p)
{
	if (!p)
		return;
	keys_watch(p->n->exchange, NULL, NULL);
	http_stop(p->http);
	free(p);
}
