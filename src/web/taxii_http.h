/* SPDX-License-Identifier: Apache-2.0 */
/* taxii_http.h: TAXII requests (exchange/taxii.h) by HTTP, for whichever listener they come to. */
#ifndef RONDA_WEB_TAXII_HTTP_H
#define RONDA_WEB_TAXII_HTTP_H

#include "exchange/taxii.h"
#include "http/http.h"

/* `who`: who, viewer, partner of it are read; the rest follows from `q`, whose path begins with TAXII_ROOT. */
void taxii_http_answer(struct exchange *x, const struct http_request *q, const struct taxii_request *who, str body,
		       struct http_answer *a);
/* As an answer: 304 for who has it already, by If-None-Match. `q` NULL: without a tag. */
void taxii_http_give(const struct http_request *q, struct taxii_answer *from, struct http_answer *a);
/* What the listener refuses itself, in TAXII's form. */
void taxii_http_refuse(int status, const char *title, struct http_answer *a);

/* --- bodies, collected whole --- */
struct taxii_body;
/* Before a body: answers when this address takes none, or it is too large; else makes `u` collect it. `ctx` comes back
 * with taxii_body_ctx(). Not more than BODIES_BYTES of `*under_way` at once (page.h). */
void taxii_body_begin(const struct http_request *q, _Atomic size_t *under_way, void *ctx, struct http_upload *u,
		      struct http_answer *a);
void *taxii_body_ctx(const struct http_upload *u);
/* At its end: the body; answers when it was refused. taxii_body_drop() afterwards. */
str taxii_body_end(const struct http_upload *u, struct http_answer *a);
void taxii_body_drop(struct http_upload *u);
enum { TAXII_HTTP_MOST = 64 << 20 }; /* bytes that are read at all: what is over max_content_length is thrown away */

#endif
