/* SPDX-License-Identifier: Apache-2.0 */
/* fingerprint.h: the keyed hash that says "this exact event was here before".
 *
 * Over all cells of a row in their sorted order but ours (time.observation,
 * feed.*, event_hash, raw, ronda.*, and what the node itself adds later), with
 * a key only this node has: nobody outside can craft two events that collide. */
#ifndef RONDA_EVENT_FINGERPRINT_H
#define RONDA_EVENT_FINGERPRINT_H

#include "base/hash.h"
#include "event/batch.h"

struct hash128 event_fingerprint(const struct key *key, const struct batch *b, const struct row *r,
				 struct buf *scratch);

#endif
