/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/survival.h"

#include <math.h>
#include <stdlib.h>

#include "base/test.h"

struct seen {
	int64_t time;
	bool ended;
};

static int by_time(const void *x, const void *y)
{
	const struct seen *a = x, *b = y;
	return (a->time > b->time) - (a->time < b->time);
}

/* In any order, as figures have them. */
static struct survival run(struct seen *list, size_t n)
{
	struct survival k;
	survival_begin(&k, n);
	if (n > 1)
		qsort(list, n, sizeof(*list), by_time);
	for (size_t i = 0; i < n;) {
		uint64_t ended = 0, censored = 0;
		int64_t time = list[i].time;
		for (; i < n && list[i].time == time; i++)
			list[i].ended ? ended++ : censored++;
		survival_at(&k, time, ended, censored);
	}
	return k;
}

/* Reckoned by hand. The second is the group with the drug of Freireich and others (1963), whose table
 * stands in many textbooks: 21 patients, median 23 weeks, 95 % from 13 on; the third that without,
 * median 8, from 4 to 11. */
TEST(by_hand)
{
	static const struct {
		const char *what;
		const char *times; /* "+": censored */
		int64_t median, low, high;
	} cases[] = {
		{ "nobody", "", -1, -1, -1 },
		{ "one who ended", "7", 7, 7, -1 },
		{ "one who waits", "7+", -1, -1, -1 },
		{ "half of two: 1 - 1/2 = 1/2", "3 9", 3, 3, -1 },
		{ "of three: 2/3, 1/3", "1 2 3", 2, 1, -1 },
		/* 4/5, then 1+ leaves three of five: 4/5 * 2/3 = 8/15, * 1/2 = 4/15 */
		{ "censored between", "1 2+ 3 4 9", 4, 1, -1 },
		/* at one time the end comes first: 3/4, then 2 left: 3/8 */
		{ "an end and a last look at once", "5 5+ 6 8", 6, 5, -1 },
		{ "censored before all ends count nothing", "1+ 1+ 1+ 4 6", 4, 4, -1 },
		{ "more than half wait", "1 2+ 3+ 4+", -1, 1, -1 },
		{ "6-MP", "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+", 23, 13, -1 },
		{ "placebo", "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23", 8, 4, 11 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct seen list[64];
		size_t n = 0;
		str rest = str_of(cases[i].times);
		while (rest.n > 0) {
			str one = str_cut(&rest, ' ');
			list[n].ended = !str_ends(one, STR("+"));
			one.n -= !list[n].ended;
			CHECK(str_to_i64(one, &list[n++].time));
		}
		struct survival k = run(list, n);
		CHECK_MSG(k.median == cases[i].median && k.low == cases[i].low && k.high == cases[i].high,
			  "%s: %lld, %lld to %lld", cases[i].what, (long long)k.median, (long long)k.low,
			  (long long)k.high);
		CHECK_INT(k.left, 0);
	}
}

/* The estimate once more, as it is defined: for each time, counting all from the start. */
struct plain {
	double alive, variance;
};

static struct plain plain_at(const struct seen *list, size_t n, int64_t upto)
{
	struct plain p = { 1, 0 };
	for (int64_t t = 0; t <= upto; t++) {
		size_t at_risk = 0, ended = 0;
		for (size_t i = 0; i < n; i++) {
			at_risk += list[i].time >= t;
			ended += list[i].time == t && list[i].ended;
		}
		if (ended == 0)
			continue;
		p.alive *= 1 - (double)ended / (double)at_risk;
		if (at_risk > ended)
			p.variance += (double)ended / ((double)at_risk * (double)(at_risk - ended));
	}
	return p;
}

static int64_t plain_crossing(const struct seen *list, size_t n, int64_t most, int which)
{
	for (int64_t t = 0; t <= most; t++) {
		struct plain p = plain_at(list, n, t);
		double band = p.alive, l = log(-log(p.alive));
		if (p.alive >= 1)
			continue;
		if (which != 0 && p.alive > 0) {
			double half = 1.959963984540054 * sqrt(p.variance / pow(log(p.alive), 2));
			band = exp(-exp(which < 0 ? l + half : l - half));
		} else if (which > 0) {
			continue; /* no band where nobody is left */
		}
		if (band <= 0.5 + 1e-9)
			return t;
	}
	return -1;
}

TEST(against_a_plain_one)
{
	uint64_t seed = 20261122;
	for (unsigned round = 0; round < 400; round++) {
		struct seen list[60];
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		size_t n = 1 + (size_t)(seed >> 33) % COUNT_OF(list);
		unsigned share = (unsigned)(seed >> 20) % 100;
		int64_t most = 1 + (int64_t)(seed >> 44) % 40;
		for (size_t i = 0; i < n; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			list[i] = (struct seen){ .time = (int64_t)(seed >> 33) % (most + 1),
						 .ended = (seed >> 20) % 100 >= share };
		}
		struct survival k = run(list, n);
		CHECK_INT(k.median, plain_crossing(list, n, most, 0));
		CHECK_INT(k.low, plain_crossing(list, n, most, -1));
		CHECK_INT(k.high, plain_crossing(list, n, most, 1));
	}
}

TEST_MAIN(TEST_RUN(by_hand), TEST_RUN(against_a_plain_one))
