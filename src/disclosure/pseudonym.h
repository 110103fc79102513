/* SPDX-License-Identifier: Apache-2.0 */
/* pseudonym.h: a name that stands for a value towards one partner, for one period.
 *
 * The same value gives one partner the same pseudonym within a period, so that he can count and
 * link; two partners cannot join what they were told, nor one partner two periods. Keyed BLAKE2b
 * (RFC 7693) under a key of the node's secret, partner and period: without the secret nobody can
 * try values. Periods are 30 days from 1970 on. */
#ifndef RONDA_DISCLOSURE_PSEUDONYM_H
#define RONDA_DISCLOSURE_PSEUDONYM_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/uuid.h"

#define PSEUDONYM_PERIOD_US (30 * DAY_US)
enum { PSEUDONYM_BYTES = 28 }; /* "p-", 26 characters: 128 bits */

/* `value` as it is compared: canonical. The same value of another kind ("address", "mail",
 * "person") is another. */
void pseudonym(const struct key *node_secret, const struct uuid *partner, int64_t at_us, str kind,
	       str value, struct buf *out);

#endif
