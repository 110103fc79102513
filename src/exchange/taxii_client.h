/* SPDX-License-Identifier: Apache-2.0 */
/* taxii_client.h: we as a client of any TAXII 2.1 server (OASIS Standard, 10 June 2021): a partner of the kind TAXII who has
 * an address. For the files of the client, the courier and the command that
 * asks what there is.
 *
 * One door (http/fetch.h, purpose "taxii"): any public host by https, what stands in the setting `taxii_hosts` also inside;
 * or a server whose key is pinned, wherever it is. What authorises us stands in `taxii_keys_file`. What is fetched goes the
 * one way in (take.h) page by page; the place in each collection is kept with what was taken, so nothing is lost or
 * doubled whoever is killed. What is sent is what collection_page() gives for the partner, from the cursors of the line
 * (line.h) on. Every answer is a stranger's: each has its limits, and what it does wrong is one sentence for the operator. */
#ifndef RONDA_EXCHANGE_TAXII_CLIENT_H
#define RONDA_EXCHANGE_TAXII_CLIENT_H

#include "base/json.h"
#include "exchange/partner.h"

struct taxii_server {
	struct exchange *x;
	struct partner partner;    /* as it stood when this was opened */
	struct arena *a;           /* its texts */
	struct fetcher *door;
	struct fetch_keep *keep;
	str address;               /* of the API root or the server, without '/' at its end */
	str authorization;         /* value of that header; secret */
	str cert, key;             /* PEM: what we prove to be */
	struct digest pin;
	bool pinned;
	str root;                  /* API root in use, with '/' at its end; "": not looked for yet */
	size_t max_content;        /* bytes of a POST it takes */
	int64_t wait_us;           /* it asked to come again so much later; 0: it did not */
	int64_t skew_us;           /* its clock less ours, when `dated` */
	bool dated;
};
/* Of a partner of the kind TAXII. RC_INPUT: of another kind, no address, a bad line in the keys file; RC_DENIED: not in
 * use, or the keys file is open to others. End with taxii_server_close(). */
MUST_CHECK enum rc taxii_server_open(struct exchange *x, const struct partner *p, struct taxii_server *out,
				     struct err *err);
void taxii_server_close(struct taxii_server *s); /* one that was not opened is fine */

/* GET of `url`, or POST of `body` (an envelope) when it is not NULL. RC_OK: the answer is a TAXII body; *json is the
 * caller's, json_free(). RC_DENIED: 401, 403, another server; RC_ABSENT: 404; RC_BUSY: 429 and 5xx, not reached;
 * RC_LIMIT: 413, or the answer is over what is taken; RC_INPUT: what is no TAXII 2.1, or refused as wrong. */
MUST_CHECK enum rc taxii_say(struct taxii_server *s, str url, const struct buf *body, struct arena *a,
			     struct fetch_answer *answer, struct json_object **json, struct err *err);

/* --- taxii_roots.c: what the server offers us --- */

struct taxii_offer {
	str id, alias, title, root; /* root: URL with '/' at its end */
	size_t max_content;
	bool can_read, can_write;
};
enum { TAXII_OFFERS_MOST = 1000, TAXII_ROOTS_MOST = 20 };
/* All collections of all its API roots at its own host; in the server's arena. */
MUST_CHECK enum rc taxii_offers(struct taxii_server *s, struct taxii_offer **out, size_t *count_out, struct err *err);
/* The one of them that `want` says by id, alias or title; "": the only one that we may read, or write to. RC_INPUT says
 * which there are. */
MUST_CHECK enum rc taxii_choose(const struct taxii_server *s, const struct taxii_offer *list, size_t count, str want,
				bool to_write, const struct taxii_offer **out, struct err *err);

#endif
