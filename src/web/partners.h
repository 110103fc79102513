/* SPDX-License-Identifier: Apache-2.0 */
/* partners.h: the listener partners reach us at (setting exchange_listen): TLS 1.3, each known by the key it proves
 * (exchange/keys.h).
 *
 *   POST /pair          an invitation is accepted (exchange/pairing.h)
 *   POST /key           a partner announces its next key
 *   /taxii2/…           TAXII 2.1 (exchange/taxii.h), for the partner who asks; a push is signed
 *
 * Nobody's body but a partner's is read, /pair's apart. A revoked key is refused from the commit on that revokes it. */
#ifndef RONDA_WEB_PARTNERS_H
#define RONDA_WEB_PARTNERS_H

#include "http/http.h"
#include "node/node.h"

struct partners_port;
/* *out NULL: the settings want none. */
MUST_CHECK enum rc partners_port_start(struct node *n, struct partners_port **out, struct err *err);
void partners_port_stop(struct partners_port *p); /* NULL is fine */

#endif
