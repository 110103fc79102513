/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/survival.h"

#include <math.h>

#define QUANTILE_95 1.959963984540054 /* of the normal distribution, 0.975 */
/* Half is half, whatever the rounding of a product of fractions. */
#define HALF (0.5 + 1e-12)

void survival_begin(struct survival *k, uint64_t n)
{
	*k = (struct survival){ .n = n, .left = n, .median = -1, .low = -1, .high = -1, .alive = 1 };
}

static void note(int64_t *at, double band, int64_t time)
{
	if (*at < 0 && band <= HALF)
		*at = time;
}

void survival_at(struct survival *k, int64_t time, uint64_t ended, uint64_t censored)
{
	if (ended > 0 && ended <= k->left) {
		double left = (double)k->left, gone = (double)ended;
		k->events += ended;
		k->alive *= (left - gone) / left;
		if (ended == k->left) { /* nobody is left: the band has no width to speak of */
			k->alive = 0;
			note(&k->low, 0, time);
		} else {
			k->variance += gone / (left * (left - gone));
			double scale = log(k->alive);
			double width = QUANTILE_95 * sqrt(k->variance) / fabs(scale);
			note(&k->low, pow(k->alive, exp(width)), time);
			note(&k->high, pow(k->alive, exp(-width)), time);
		}
		note(&k->median, k->alive, time);
	}
	uint64_t out = ended + censored;
	k->left -= out < k->left ? out : k->left;
}
