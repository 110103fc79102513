/* SPDX-License-Identifier: Apache-2.0 */
/* taxii.h: the server of TAXII 2.1 (OASIS Standard, 10 June 2021), free of sockets: a request in, an answer out.
 *
 * One API root, "/taxii2/exchange/". Whoever stands at a listener says who asks and hands over what came: the
 * partners' own listener found the partner by the key he showed, the common one by a token, or nobody. What may be
 * read is asked of the check at each request, by collection_page(). A collection that somebody may not know of is not
 * there for him (404).
 *
 * A partner's own collections have aliases that mean his: "outbox" what he gets from us, "inbox" where he
 * posts. A push of another ronda says `Ronda-Lane`, `Ronda-After` and `Ronda-Upto`: it is taken only when
 * `After` is how far we have come (take_upto); else 409, with our place in details.upto. */
#ifndef RONDA_EXCHANGE_TAXII_H
#define RONDA_EXCHANGE_TAXII_H

#include "exchange/collection.h"

#define TAXII_ROOT "/taxii2/"         /* where the server answers: discovery */
#define TAXII_API "exchange/"         /* our API root below it */
#define TAXII_TYPE "application/taxii+json;version=2.1"
/* Of a push of another ronda: events flat (stix/stix_read.h). Who does not know it says 415, and gets STIX. */
#define TAXII_FLAT_TYPE "application/vnd.ronda.envelope+json;version=1"
enum { TAXII_BODY_MAX = 16 << 20,     /* max_content_length: bytes as they come, packed or not */
       TAXII_UNPACKED_MAX = 64 << 20,
       TAXII_QUERY_MAX = 64 << 10,
       TAXII_PAGE_BYTES = 8 << 20 };  /* of one answer, about */

enum taxii_method { TAXII_GET, TAXII_HEAD, TAXII_POST, TAXII_DELETE, TAXII_OTHER };
enum taxii_who {
	TAXII_ANYBODY, /* reads the public collection when setting taxii_public is on */
	TAXII_VIEWER,  /* a token of ours: reads the public collection; with `viewer` of a partner's organisation: as it */
	TAXII_PARTNER, /* `partner` proved who it is */
};
struct taxii_pair { str name, value; };
struct taxii_request {
	enum taxii_method method;
	str path;                       /* below TAXII_ROOT, decoded: "", "exchange/collections/" */
	const struct taxii_pair *query; /* decoded, in their order */
	size_t query_count, query_bytes;
	str accept, content_type, content_encoding; /* STR_NONE: not there */
	str lane, after, upto;          /* of a push: Ronda-Lane, -After, -Upto; STR_NONE: none */
	str body;                       /* as it came: packed as content_encoding says */
	enum taxii_who who;
	const struct viewer *viewer;
	const struct partner *partner;
	const struct digest *pin;       /* of the key that a partner showed; NULL: none */
};
struct taxii_answer {
	int status;
	struct buf body;                /* TAXII_TYPE; yours: buf_free(). Empty: none */
	struct { const char *name; str value; } headers[4]; /* besides Content-Type; values in the arena, or static */
	size_t header_count;
	str tag;                        /* ETag of the body, weak; n 0: it is made anew each time */
};
/* Always answers. Blocks: POST until what it brought is on disk. */
void taxii_answer(struct exchange *x, const struct taxii_request *q, struct arena *a, struct taxii_answer *out);
/* An answer that says what is wrong, for what a listener refuses itself. `title` in plain words. */
void taxii_refuse(int status, const char *title, struct taxii_answer *out);
/* Is this path one that takes a POST? For a listener, before it reads a body. */
bool taxii_takes_body(str path);

#endif
