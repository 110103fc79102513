/* SPDX-License-Identifier: Apache-2.0 */
/* access_guard.h: how often one address may be wrong, and one name be tried.
 *
 *   if (!guard_enter(g, &from)) ... 429;
 *   rc = token_check(...);
 *   guard_leave(g, &from, rc == RC_OK);
 *
 * At most GUARD_TRIES wrong tries of one address (IPv6: one /64) reach the
 * check in a window of ten minutes, over all doors that share the guard; tries
 * under way count until they are known to be right. Fixed memory: when a set
 * is full the address with the fewest tries is forgotten. Threads may share
 * it; nothing waits. */
#ifndef RONDA_DISCLOSURE_ACCESS_GUARD_H
#define RONDA_DISCLOSURE_ACCESS_GUARD_H

#include "base/clock.h"
#include "base/ip.h"

enum { GUARD_TRIES = 10 };
#define GUARD_WINDOW_US (10 * MINUTE_US)


struct access_guard;
struct access_guard *guard_new(void);
void guard_free(struct access_guard *g); /* NULL is fine */

/* False: no further try now. A NULL address (the local socket) always may. */
MUST_CHECK bool guard_enter(struct access_guard *g, const struct ip *from);
/* Once for each guard_enter() that was true. */
void guard_leave(struct access_guard *g, const struct ip *from, bool right);

/* For secrets of 256 random bits, which no number of tries at once would guess: asks without
 * counting a try under way, so that many right ones at once are not taken for wrong ones.
 * guard_wrong() counts one afterwards. */
MUST_CHECK bool guard_open(struct access_guard *g, const struct ip *from);
void guard_wrong(struct access_guard *g, const struct ip *from);

/* The same by the name of an account, folded (account_fold), whether there is one or not:
 * so that many addresses together have no more tries than one. */
MUST_CHECK bool guard_enter_name(struct access_guard *g, str folded);
void guard_leave_name(struct access_guard *g, str folded, bool right);

#endif
