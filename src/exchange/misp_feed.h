/* SPDX-License-Identifier: Apache-2.0 */
/* misp_feed.h: our events as a MISP feed: manifest.json, hashes.csv and one UUID.json a group.
 *
 * A *release* is a group of events (misp_event.h) as it was let out last: of one day of receipt, class and
 * marking, cut into parts of at most MISP_PART_EVENTS. Its `timestamp` is the second of the release, and no
 * two releases ever share one: readers take what is newer than what they saw, and one that skips an event that could
 * not be had would else never ask again. When something of it is taken back it is released anew, the objects
 * deleted; nothing leaves silently. Groups older than `misp_feed_days` are no longer listed.
 *
 * Who reads is asked of the disclosure check each time: a group whose marking the reader may not see does
 * not exist for him. Drills are never released, nor is RED. */
#ifndef RONDA_EXCHANGE_MISP_FEED_H
#define RONDA_EXCHANGE_MISP_FEED_H

#include "disclosure/policy.h"
#include "exchange/exchange.h"
#include "exchange/misp_event.h"

enum { MISP_PART_EVENTS = MISP_OBJECTS_MAX, MISP_HASHES_BYTES = 64 << 20 };

/* Registers with the store's background work; exchange_open() calls it. */
MUST_CHECK enum rc misp_feed_open(struct exchange *x, struct err *err);
void misp_close(struct exchange *x);
/* Lets out what is new, and anew what was taken back: as the background does every `misp_feed_every`. *out: how
 * many groups it was. RC_BUSY: it is being done. */
MUST_CHECK enum rc misp_release(struct exchange *x, size_t *out, struct err *err);

/* Setting `misp_feed`: RC_ABSENT there is none, RC_DENIED not without a token. */
MUST_CHECK enum rc misp_feed_open_to(struct exchange *x, bool token, struct err *err);
/* Who reads as the public: he is shown what is CLEAR, of sources whose terms allow it. Only for what somebody
 * decided to publish: the feed that is open to all, a folder that is exported for them. */
MUST_CHECK enum rc misp_public(struct exchange *x, struct viewer *out, struct err *err);
/* {"UUID":{…},…} into `out`, newest day last; "{}" when there is nothing. RC_DENIED as read_events(). */
MUST_CHECK enum rc misp_manifest(struct exchange *x, struct reader *r, const struct viewer *v, struct buf *out,
				 struct err *err);
MUST_CHECK enum rc misp_hashes(struct exchange *x, struct reader *r, const struct viewer *v, struct buf *out,
			       struct err *err);
/* {"Event":{…}}. RC_ABSENT: none, or not for him. */
MUST_CHECK enum rc misp_released(struct exchange *x, struct reader *r, const struct viewer *v, str uuid,
				 struct buf *out, struct err *err);
/* The uuids of what the manifest lists, newest day last. False stops. */
typedef bool (*misp_uuid_each)(void *ctx, str uuid);
MUST_CHECK enum rc misp_listed(struct exchange *x, struct reader *r, const struct viewer *v, misp_uuid_each each,
			       void *ctx, struct err *err);

#endif
