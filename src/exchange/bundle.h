/* SPDX-License-Identifier: Apache-2.0 */
/* bundle.h: the way over by hand: what is offered to a partner, in a file on any medium.
 *
 * A bundle holds batches as they would be pushed, each sealed to the partner (libsodium's sealed boxes: X25519 of its
 * signing key, so only its node opens it) and signed by us, and our receipts for what came from it. Cursors are those of
 * the line: a batch that is there already is passed over, one that does not go on where we stand is refused, and ours
 * move on when the partner's own bundle, or an answer over the line, says that it has them. So a stick that is lost, comes late or twice
 * loses and doubles nothing.
 *
 *   "ronda-bundle 1\n"
 *   {"from":NODE,"to":NODE,"made_us":N,"receipt":{"warning":N,"incident":N,"bulk":N}}\n  SIGNATURE\n
 *   {"lane":"bulk","after":N,"upto":N,"objects":N,"bytes":N}\n  SIGNATURE\n  N sealed bytes  (any number of these)
 *   "end\n" */
#ifndef RONDA_EXCHANGE_BUNDLE_H
#define RONDA_EXCHANGE_BUNDLE_H

#include "exchange/courier.h"

#define BUNDLE_BEGIN "ronda-bundle 1\n"

struct bundle_sum { uint64_t batches, objects, known, failures, bytes; str partner; };
/* Takes bytes in order; anything but RC_OK ends it. */
typedef enum rc (*bundle_give)(void *ctx, str bytes, struct err *err);
MUST_CHECK enum rc bundle_write(struct exchange *x, const struct partner *p, bundle_give give, void *ctx,
				struct bundle_sum *out, struct err *err);
/* 0: the end, <0: it cannot be read. */
typedef long (*bundle_read)(void *ctx, void *to, size_t n);
/* RC_INPUT: no bundle, cut off, damaged; RC_DENIED: not for us, or not signed by a partner's good key; RC_CONFLICT: one
 * before it is missing. What stood before the fault was taken. Strings of *out in `a`. */
MUST_CHECK enum rc bundle_take(struct exchange *x, bundle_read read, void *ctx, struct arena *a, struct bundle_sum *out,
			       struct err *err);

#endif
