/* SPDX-License-Identifier: Apache-2.0 */
/* misp_private.h: what the files of MISP share. */
#ifndef RONDA_EXCHANGE_MISP_PRIVATE_H
#define RONDA_EXCHANGE_MISP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "exchange/exchange_private.h"
#include "exchange/misp_event.h"
#include "disclosure/read.h"

struct misp {
	struct exchange *x;
	struct misp_maker maker;
	atomic_bool releasing;
	_Atomic int64_t next_us;   /* when the feed is next looked at, monotonic */
	struct queue *stop;        /* of the thread that asks others; NULL: it does not run */
	pthread_t thread;
};
/* The thread that asks others is to end; false where it does not run. */
bool misp_stopping(const struct exchange *x);
/* Setting `misp_feed`. */
enum misp_feed_for { MISP_FEED_NONE, MISP_FEED_TOKENS, MISP_FEED_PUBLIC };
enum misp_feed_for misp_feed_for(const struct exchange *x);

/* A part of a group as it stands in the table. */
struct misp_release {
	int64_t id;
	struct misp_group group;   /* texts in the arena */
	struct uuid uuid;
	uint64_t first, last;      /* numbers of its events lie in these, and in the runs */
	uint64_t events, present;  /* put in ever; still there when it was released */
	str runs;                  /* gap, length, gap, length, …: varints; what it was made of */
};
/* Those that are listed (`misp_feed_days`), oldest release first. `a` may grow large: without their runs. */
MUST_CHECK enum rc misp_releases(struct exchange *x, struct conn *c, struct arena *a, struct misp_release **out,
				 size_t *count_out, struct err *err);
/* Its events that the viewer may see. */
MUST_CHECK enum rc misp_release_events(struct reader *r, const struct viewer *v, const struct misp_release *rel,
				       struct arena *a, event_view_each each, void *ctx, struct err *err);

#endif
