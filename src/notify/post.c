/* SPDX-License-Identifier: Apache-2.0 */
/* One message as a POST. What the answer means:
 *
 *   2xx                            it has it
 *   408, 425, 429, 5xx             it says that it has not: again, later
 *   other                          it does not want it: failed, a person looks
 *   no answer, nothing had gone    again, later
 *   no answer, something had gone  nobody knows: uncertain */
#include <sodium.h>

#include <json-c/json.h>

#include "http/fetch.h"
#include "notify/notify_private.h"

enum { BODY_MAX = 1 << 20, ANSWER_MAX = 256 << 10, HEADERS_OWN = 3 };

struct outcome_of outcome_words(enum outcome o, const char *rule, str words)
{
	return (struct outcome_of){ .outcome = o, .rule = rule, .cut = STR(""), .reference = STR(""), .words = words };
}

str post_host(const struct notify *n, str url, struct arena *a)
{
	(void)n;
	str rest = str_from(url, str_find(url, STR("://")) + 3);
	rest = str_head(rest, str_index(rest, '/'));
	rest = str_head(rest, str_index(rest, '?'));
	rest = arena_str(a, rest);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] >= 'A' && rest.p[i] <= 'Z')
			((char *)rest.p)[i] |= 0x20;
	return rest;
}

void post_signature(str secret, int64_t at_us, str body, struct buf *out)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	char at[32];
	int n = snprintf(at, sizeof at, "%lld", (long long)(at_us / SECOND_US));
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret.p, secret.n);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)at, (size_t)n);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)".", 1);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.p, body.n);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(&state, sizeof state);
	buf_fmt(out, "t=%s,v1=", at);
	hex_format(out, mac, sizeof mac);
}

static str status_words(struct arena *a, int status, str body)
{
	struct buf text = BUF_INIT(KIB(1));
	for (size_t i = 0; i < body.n && i < 120; i++) {
		unsigned char c = (unsigned char)body.p[i];
		buf_char(&text, c >= ' ' && c < 0x7f ? (char)c : ' ');
	}
	str words = arena_fmt(a, "answered %d %s", status, text.p ? text.p : "");
	buf_free(&text);
	return str_trim(words);
}

/* A server may say back what it was sent: nothing of a secret is kept for people to read. */
static bool tells_secret(const struct destination *d, str body)
{
	bool tells = d && d->secret.n > 0 && str_find(body, d->secret) < body.n;
	for (size_t i = 0; d && i < d->header_count; i++) {
		str value = d->headers[i].value;
		(void)str_cut(&value, ' '); /* "Bearer …" */
		value = value.n > 0 ? value : d->headers[i].value;
		tells = tells || str_find(body, value) < body.n;
	}
	return tells;
}

static struct outcome_of judge_status(struct arena *a, const struct destination *d,
				      const struct fetch_answer *answer)
{
	int s = answer->status;
	str words = status_words(a, s, tells_secret(d, answer->body) ? STR("") : answer->body);
	if (s >= 200 && s < 300)
		return outcome_words(OUTCOME_SENT, "", words);
	bool later = s == 408 || s == 425 || s == 429 || s >= 500;
	return outcome_words(later ? OUTCOME_RETRY : OUTCOME_FAILED, "", words);
}

static struct outcome_of judge_failure(struct arena *a, enum rc rc, bool begun, const struct err *why)
{
	str words = arena_str(a, str_of(why->text));
	/* An answer that was too long is one: it came behind the whole message. */
	if (begun)
		return outcome_words(OUTCOME_UNCERTAIN, "", words);
	return outcome_words(rc == RC_INPUT ? OUTCOME_FAILED : OUTCOME_RETRY, "", words);
}

/* One message has one key on this node, at each try. */
static str idempotency_key(const struct sending *s)
{
	return arena_fmt(s->a, STR_FMT "-%lld", STR_ARG(store_node_id(s->n->w.store)), (long long)s->m->id);
}

static enum rc make_body(const struct sending *s, str name, const char **type_out, struct buf *out,
			 struct err *err)
{
	const struct mustache *m = texts_mapping(s->n->texts, name, type_out);
	if (!m)
		return fail(err, RC_INPUT, "there is no mapping '" STR_FMT "'", STR_ARG(name));
	return mustache_render(m, s->what->data, out, err);
}

struct outcome_of post_message(const struct sending *s, const struct posting *p)
{
	const struct destination *d = destination_of(s->n->destinations, p->url);
	struct fetch_header headers[HEADERS_MAX + HEADERS_OWN];
	struct buf body = BUF_INIT(BODY_MAX), signature = BUF_INIT(KIB(1));
	size_t count = 0;
	const char *type = NULL;
	bool begun = false;
	struct err why = { 0 };
	struct fetch_answer answer = { 0 };
	enum rc rc = make_body(s, d && d->mapping.n ? d->mapping : p->mapping, &type, &body, &why);
	headers[count++] = (struct fetch_header){ "Idempotency-Key", idempotency_key(s) };
	if (p->sign && d && d->secret.n) {
		post_signature(d->secret, clock_now_us(), buf_str(&body), &signature);
		headers[count++] = (struct fetch_header){ "Ronda-Signature", buf_str(&signature) };
	}
	for (size_t i = 0; d && i < d->header_count; i++)
		headers[count++] = d->headers[i];
	const struct fetch_request q = {
		.purpose = p->purpose, .url = p->url, .form = &body, .form_type = type, .headers = headers,
		.header_count = count, .begun_out = &begun, .limits = { .body_bytes = ANSWER_MAX },
	};
	if (rc == RC_OK)
		rc = notify_draining(s, &why);
	if (rc == RC_OK)
		rc = fetch(s->n->fetcher, &q, s->a, &answer, &why);
	struct outcome_of o = rc == RC_OK ? judge_status(s->a, d, &answer) : judge_failure(s->a, rc, begun, &why);
	o.reference = headers[0].value;
	buf_free(&body);
	buf_free(&signature);
	return o;
}
