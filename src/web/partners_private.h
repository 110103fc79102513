/* SPDX-License-Identifier: Apache-2.0 */
/* partners_private.h: between the files of the partners' listener. */
#ifndef RONDA_WEB_PARTNERS_PRIVATE_H
#define RONDA_WEB_PARTNERS_PRIVATE_H

#include "exchange/keys.h"
#include "exchange/partner.h"
#include "http/http.h"
#include "node/node.h"

struct caller_partner {
	struct partner partner;
	struct partner_key key;    /* that he proved to hold */
};
/* How large a body may be that TAXII takes; `q` NULL: any. */
uint64_t partners_taxii_body_most(const struct http_request *q);
/* Answers when no body belongs there. */
void partners_taxii_refuse(const struct http_request *q, struct http_answer *a);
void partners_taxii_answer(struct node *n, const struct http_request *q, const struct caller_partner *who, str body,
			   struct http_answer *a);

#endif
