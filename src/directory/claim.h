/* SPDX-License-Identifier: Apache-2.0 */
/* claim.h: an organisation says that something is its own; the proof of it.
 *
 * A domain is proved by a token that only who runs its DNS can publish: a TXT record at
 * "_ronda.DOMAIN". The token is made of the node's secret and the claim's id, so that it is
 * another one for each claim and nobody can guess it; changing the record's field `token` changes
 * nothing. What else is claimed is proved by letter, and entered by hand. Approving is a move of
 * the record: route/ then adds the row to the organisation. */
#ifndef RONDA_DIRECTORY_CLAIM_H
#define RONDA_DIRECTORY_CLAIM_H

#include "disclosure/change.h"

enum { CLAIM_TOKEN_BYTES = 48 };
/* The TXT records of a name; RC_ABSENT: none, RC_BUSY: no answer. The node's (node/txt.h). */
typedef enum rc (*claim_txt_fn)(void *ctx, const char *name, struct arena *a, str **out,
				size_t *count_out, struct err *err);
struct claim_ask {
	str id;              /* as read_record takes it */
	claim_txt_fn txt;
	void *txt_ctx;
	int64_t now_us;
	str language;
};
struct claim_answer {
	char token[CLAIM_TOKEN_BYTES]; /* "ronda-claim=…" */
	str where;           /* "_ronda.example.org"; "" when it is no domain */
	bool proved;         /* check: it was there, and the claim is proved now */
};
/* The token, which is also written into the record so that others see it. */
MUST_CHECK enum rc claim_tell_token(struct records *r, struct store *s, const struct viewer *v,
				    const struct claim_ask *q, struct arena *a,
				    struct claim_answer *out, struct err *err);
/* Asks the DNS. RC_ABSENT: the record is not there, or says something else; RC_BUSY: no answer;
 * RC_INPUT: no domain; RC_CONFLICT: it does not wait for proof. */
MUST_CHECK enum rc claim_check(struct records *r, struct store *s, const struct viewer *v,
			       const struct claim_ask *q, struct arena *a, struct claim_answer *out,
			       struct err *err);

#endif
