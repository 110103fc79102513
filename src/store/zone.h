/* SPDX-License-Identifier: Apache-2.0 */
/* zone.h: what is known of a chunk without reading it, to leave it unread.
 *
 * The zone map (smallest and largest addresses, short lists of AS numbers,
 * countries, types) and a bloom filter over what people look for one of
 * (addresses, host names, AS numbers, identifiers, organisations concerned).
 * Both only ever say "certainly not here". */
#ifndef RONDA_STORE_ZONE_H
#define RONDA_STORE_ZONE_H

#include "store/chunk.h"
#include "store/events.h"

enum { EXERCISE_NONE = 0, EXERCISE_ALL = 1, EXERCISE_SOME = 2 };

struct zone {
	uint32_t rows, tlp_set; /* bit per enum tlp; what is absent or unknown is RED */
	int exercise;           /* EXERCISE_* */
	bool timed;             /* any row has time.source */
	int64_t min_time, max_time;
	struct buf map, bloom;  /* as they stand in the manifest */
};
void zone_make(const struct chunk_part *parts, size_t count, struct zone *out);
void zone_free(struct zone *z);

/* A filter with its text understood in every way a value may be stored. */
struct matcher {
	const struct event_filter *f;
	bool has_number, has_real, has_time, has_net;
	int64_t number, time;
	double real;
	struct net net; /* an address: 128 bits */
};
void matcher_make(const struct event_filter *f, struct matcher *out);
bool matcher_number(const struct matcher *m, enum cell_kind kind, int64_t v);
bool matcher_bytes(const struct matcher *m, enum cell_kind kind, str s);

/* False: no row of the chunk can match. */
bool zone_may_have(const struct matcher *m, str map, str bloom);

/* Takes the next organisation's id off a text of ronda.concerns. */
bool concern_next(str *text, int64_t *org_out);
/* TLP of a stored number: what is not understood is RED. */
enum tlp tlp_stored(int64_t v);

#endif
