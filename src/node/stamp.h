/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.h: what a package for court takes from the node: who signs, who stamps. */
#ifndef RONDA_NODE_STAMP_H
#define RONDA_NODE_STAMP_H

#include "evidence/package.h"
#include "node/node.h"

/* PEM of the settings evidence_key, evidence_cert and evidence_tsa_certs, or of the directory; what
 * there is not stays empty. Wipe `key`. */
MUST_CHECK enum rc node_signer(struct node *n, struct buf *key, struct buf *cert, struct buf *tsa,
			       struct err *err);
/* Makes evidence-signer.key and .pem of the directory. RC_CONFLICT: it has one. Journalled. */
MUST_CHECK enum rc node_signer_make(struct node *n, str actor, char fingerprint[100], struct err *err);
/* As package_request.stamp, ctx the node: asks the setting evidence_tsa by HTTP POST (RFC 3161 section
 * 3.4). RC_ABSENT: none is set. */
MUST_CHECK enum rc node_stamp(void *ctx, str query, struct buf *answer, struct err *err);

#endif
