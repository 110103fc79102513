/* SPDX-License-Identifier: Apache-2.0 */
/* TAXII at the partners' listener. */
#include "web/partners_private.h"

uint64_t partners_taxii_body_most(const struct http_request *q)
{
	(void)q;
	return MIB(16);
}

static void nothing_here(struct http_answer *a)
{
	a->status = 404;
	a->type = "application/json";
	a->body = (struct buf)BUF_INIT(KIB(1));
	buf_add(&a->body, STR("{\"title\":\"there is nothing here\"}"));
}

void partners_taxii_refuse(const struct http_request *q, struct http_answer *a)
{
	(void)q;
	nothing_here(a);
}

void partners_taxii_answer(struct node *n, const struct http_request *q, const struct caller_partner *who, str body,
			   struct http_answer *a)
{
	(void)n;
	(void)q;
	(void)who;
	(void)body;
	nothing_here(a);
}
