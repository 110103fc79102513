/* SPDX-License-Identifier: Apache-2.0 */
/* /taxii2/ on the common listener: for clients with a token (Bearer, or Basic with the token as the password), and
 * for anybody where the public collection is open. Partners with a key have a listener of their own. */
#include "web/page.h"
#include "web/taxii_http.h"

/* Answers when he may not even ask. */
static bool enter(struct web *w, const struct http_request *q, struct caller *c, struct taxii_request *who,
		  struct http_answer *a)
{
	bool says = http_header(q, "authorization").p != NULL;
	identify_program(w, q, c);
	caller_end(c); /* nothing sealed leaves by machine */
	*who = (struct taxii_request){ .who = c->known ? TAXII_VIEWER : TAXII_ANYBODY, .viewer = &c->viewer };
	if (c->too_often)
		taxii_http_refuse(429, "too many wrong tries from this address; wait ten minutes", a);
	else if (says && !c->known)
		taxii_http_refuse(401, "this token is not accepted", a);
	else if (!w->n->exchange)
		taxii_http_refuse(503, "this node exchanges nothing", a);
	return a->status == 0;
}

void taxii_page_answer(struct web *w, const struct http_request *q, struct http_answer *a)
{
	struct caller c;
	struct taxii_request who;
	if (enter(w, q, &c, &who, a))
		taxii_http_answer(w->n->exchange, q, &who, STR(""), a);
}

uint64_t taxii_page_most(const struct web *w)
{
	(void)w;
	return TAXII_HTTP_MOST;
}

void taxii_page_begin(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	struct caller *c = ARENA_NEW(q->a, struct caller);
	struct taxii_request *who = ARENA_NEW(q->a, struct taxii_request);
	if (!enter(w, q, c, who, a))
		return;
	if (taxii_takes_body(str_from(q->path, sizeof TAXII_ROOT - 1)) && who->who != TAXII_ANYBODY)
		taxii_body_begin(q, &w->bodies, who, u, a);
	else
		taxii_http_answer(w->n->exchange, q, who, STR(""), a);
}

void taxii_page_end(struct web *w, const struct http_request *q, struct http_upload *u, struct http_answer *a)
{
	str body = taxii_body_end(u, a);
	if (a->status == 0)
		taxii_http_answer(w->n->exchange, q, taxii_body_ctx(u), body, a);
	taxii_body_drop(u);
}
