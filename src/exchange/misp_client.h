/* SPDX-License-Identifier: Apache-2.0 */
/* misp_client.h: requests to a MISP server or feed; for the files of MISP alone.
 *
 * One door (http/fetch.h, purpose "misp"): any public host by https; what stands in the settings `misp_feeds` and
 * `misp_hosts` also inside. The key goes into Authorization as it is, as MISP wants it. */
#ifndef RONDA_EXCHANGE_MISP_CLIENT_H
#define RONDA_EXCHANGE_MISP_CLIENT_H

#include "base/json.h"
#include "exchange/partner.h"

enum { MISP_ANSWER_BYTES = 64 << 20, MISP_LISTED_MOST = 200000 };

struct misp_server {
	struct fetcher *door;
	struct arena *a;       /* its texts */
	str name, base, key;   /* base without '/' at its end; key "": none */
};
/* `name`: of the feed or the partner, as in `misp_keys_file`. `must`: without a key it is RC_INPUT. */
MUST_CHECK enum rc misp_server_open(struct exchange *x, str name, str address, bool must, struct misp_server *out,
				    struct err *err);
/* Of a partner: RC_INPUT he is no MISP, RC_DENIED not in use. */
MUST_CHECK enum rc misp_partner_open(struct exchange *x, const struct partner *p, struct misp_server *out,
				     struct err *err);
void misp_server_close(struct misp_server *s);
/* GET of base + path, or POST of `body` (JSON) when body.p. *status: of the answer; its JSON, or NULL when it is
 * none, is the caller's. RC_DENIED: 401 and 403; RC_ABSENT 404; RC_BUSY 429 and 5xx; RC_INPUT other refusals,
 * with the server's own word. */
MUST_CHECK enum rc misp_ask(struct misp_server *s, str path, str body, struct arena *a, struct json_object **out,
			    struct err *err);

/* An entry of a manifest or of an index. */
struct misp_listing { struct uuid uuid; int64_t stamp; bool failed; };
/* Newer than what was taken, oldest first, behind them what could not be had before, in `a`. `o`: a manifest, or the array of /events/index. */
MUST_CHECK enum rc misp_news(struct exchange *x, str source, struct json_object *o, struct arena *a,
			     struct misp_listing **out, size_t *count_out, struct err *err);
/* One event was taken (failure ""), or was not. */
MUST_CHECK enum rc misp_note_event(struct exchange *x, str source, const struct misp_listing *l, str failure,
				   struct err *err);
/* How a look ended. */
MUST_CHECK enum rc misp_note_look(struct exchange *x, str source, uint64_t taken, str failure, struct err *err);

#endif
