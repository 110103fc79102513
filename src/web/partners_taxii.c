/* SPDX-License-Identifier: Apache-2.0 */
/* TAXII at the partners' listener: a push is looked at for its signature, all else is exchange/taxii.h's. */
#include "exchange/line.h"
#include "exchange/taxii.h"
#include "web/partners_private.h"
#include "web/taxii_http.h"

uint64_t partners_taxii_body_most(const struct http_request *q)
{
	(void)q;
	return TAXII_BODY_MAX;
}


void partners_taxii_refuse(const struct http_request *q, struct http_answer *a)
{
	if (!str_starts(q->path, STR(TAXII_ROOT)))
		taxii_http_refuse(404, "there is nothing here", a);
	else if (!taxii_takes_body(str_from(q->path, STR(TAXII_ROOT).n)))
		taxii_http_refuse(405, "nothing can be posted here", a);
}

/* --- what a push is signed over --- */

static str plain(str s)
{
	return s.p ? s : STR("");
}

static bool number(str text, int64_t *out)
{
	*out = 0;
	return !text.p || (str_to_i64(text, out) && *out >= 0);
}

static bool is_signed(struct node *n, const struct http_request *q, const struct caller_partner *who, str body)
{
	struct buf from = BUF_INIT(64);
	uuid_format(&from, &who->partner.node);
	struct signed_head h = { .from = buf_str(&from), .to = store_node_id(n->store), .what = STR("push"),
				 .lane = plain(http_header(q, "Ronda-Lane")),
				 .type = plain(http_header(q, "Content-Type")),
				 .encoding = plain(http_header(q, "Content-Encoding")) };
	bool good = number(http_header(q, "Ronda-After"), &h.after_us) && number(http_header(q, "Ronda-Upto"), &h.upto_us) &&
		    signature_good(who->key.who.sign, &h, body, plain(http_header(q, "Ronda-Signature")));
	buf_free(&from);
	return good;
}

/* --- the request --- */

struct pairs {
	struct taxii_pair *list;
	size_t count, most, bytes;
};

static void count_pair(void *ctx, str name, str value)
{
	struct pairs *p = ctx;
	p->most++;
	p->bytes += name.n + value.n + 2;
}

static void take_pair(void *ctx, str name, str value)
{
	struct pairs *p = ctx;
	p->list[p->count++] = (struct taxii_pair){ name, value };
}

static enum taxii_method method_of(enum http_method m)
{
	switch (m) {
	case HTTP_GET: return TAXII_GET;
	case HTTP_HEAD: return TAXII_HEAD;
	case HTTP_POST: return TAXII_POST;
	case HTTP_DELETE: return TAXII_DELETE;
	case HTTP_OTHER: break;
	}
	return TAXII_OTHER;
}

/* He asks for what is behind a time: a receipt for what stands before it. */
static void note_fetched(struct node *n, const struct http_request *q, const struct caller_partner *who)
{
	str after = http_query(q, "added_after");
	struct err err = { 0 };
	enum lane lane;
	int64_t us = 0;
	if (q->method != HTTP_GET || !lane_of_name(plain(http_header(q, "Ronda-Lane")), &lane) || who->partner.kind != PARTNER_NODE || !str_ends(q->path, STR("/outbox/objects/")) ||
	    !after.p || !time_parse(after, false, &us) || us <= 0)
		return;
	if (courier_fetched(n->exchange, who->partner.id, lane, us, &err) != RC_OK)
		log_warn(n->log, "what a partner fetched is not written", L_STR("partner", who->partner.name), L_Z("why", err.text));
}

void partners_taxii_answer(struct node *n, const struct http_request *q, const struct caller_partner *who, str body,
			   struct http_answer *a)
{
	struct pairs pairs = { .count = 0 };
	struct taxii_answer out = { .status = 0 };
	if (!str_starts(q->path, STR(TAXII_ROOT))) {
		taxii_http_refuse(404, "there is nothing here", a);
		return;
	}
	if (q->method == HTTP_POST && who->partner.kind == PARTNER_NODE && !is_signed(n, q, who, body)) {
		log_warn(n->log, "a push is not signed by its sender", L_STR("partner", who->partner.name));
		taxii_http_refuse(403, "the push is not signed by the key that its sender was paired with", a);
		return;
	}
	note_fetched(n, q, who);
	http_query_each(q, count_pair, &pairs);
	pairs.list = ARENA_ARRAY(q->a, pairs.most + 1, struct taxii_pair);
	http_query_each(q, take_pair, &pairs);
	const struct taxii_request t = {
		.method = method_of(q->method), .path = str_from(q->path, STR(TAXII_ROOT).n),
		.query = pairs.list, .query_count = pairs.count, .query_bytes = pairs.bytes,
		.accept = http_header(q, "Accept"), .content_type = http_header(q, "Content-Type"),
		.content_encoding = http_header(q, "Content-Encoding"), .lane = http_header(q, "Ronda-Lane"),
		.after = http_header(q, "Ronda-After"), .upto = http_header(q, "Ronda-Upto"), .body = body,
		.who = TAXII_PARTNER, .partner = &who->partner, .pin = q->pin,
	};
	taxii_answer(n->exchange, &t, q->a, &out);
	taxii_http_give(q, &out, a);
}
