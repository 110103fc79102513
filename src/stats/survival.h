/* SPDX-License-Identifier: Apache-2.0 */
/* survival.h: how long it takes until something happens, when some still wait for it.
 *
 * The product-limit estimate (Kaplan and Meier, 1958): a case that has not come to its end yet, or
 * was lost sight of, is *censored*: it counts as long as it was seen, and not as an end. The mean of
 * the ends alone would make whoever never ends look quick. The median is the first time at which at
 * most half are left; its 95 % interval is where the band around the curve (Greenwood's variance, on
 * the scale of log(-log S)) crosses one half (Brookmeyer and Crowley, 1982).
 *
 * Times come in ascending order, each once; nothing is kept of them. */
#ifndef RONDA_STATS_SURVIVAL_H
#define RONDA_STATS_SURVIVAL_H

#include "base/str.h"

struct survival {
	uint64_t n, left;          /* cases; those not ended and not censored yet */
	uint64_t events;           /* ended */
	int64_t median, low, high; /* -1: not reached (yet) */
	double alive, variance;    /* the estimate so far, and Greenwood's sum */
};
void survival_begin(struct survival *k, uint64_t n);
/* At `time` so many ended, and so many were seen last: these had not ended then. */
void survival_at(struct survival *k, int64_t time, uint64_t ended, uint64_t censored);

#endif
