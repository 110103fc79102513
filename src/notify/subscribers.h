/* SPDX-License-Identifier: Apache-2.0 */
/* subscribers.h: people who want our warnings by mail, and get them.
 *
 * Who asks gets one mail with a link; only who confirms there is on the list (else anybody could put
 * anybody on it). Each mail has a link that ends it, and then the address is erased. A warning that is
 * published for everybody makes one message of the outbox for each subscriber, a hundred in a job; whether
 * it may go is asked again when it is sent, as of somebody of whom nothing is known. In rehearsal
 * nobody gets anything (rehearsal.h). */
#ifndef RONDA_NOTIFY_SUBSCRIBERS_H
#define RONDA_NOTIFY_SUBSCRIBERS_H

#include "notify/notify.h"

enum { SUBSCRIBERS_MOST = 200000 };
/* Not asked again within this time; who has not confirmed after SUBSCRIBER_WAITS_US is forgotten. */
#define SUBSCRIBER_AGAIN_US DAY_US
#define SUBSCRIBER_WAITS_US (7 * DAY_US)

/* In one job. RC_OK also when nothing is sent as it is on the list or was asked just now: who asks
 * learns nothing. RC_INPUT: no mail address. RC_LIMIT: the list is full. RC_ABSENT: there is no public_url. */
MUST_CHECK enum rc subscriber_ask(struct notify *n, str email, str language, struct err *err);
/* RC_ABSENT: there is none (any more). Twice is fine. */
MUST_CHECK enum rc subscriber_confirm(struct notify *n, int64_t id, struct err *err);
MUST_CHECK enum rc subscriber_leave(struct notify *n, int64_t id, struct err *err);
enum subscriber_state { SUBSCRIBER_ASKED = 1, SUBSCRIBER_CONFIRMED, SUBSCRIBER_LEFT };
MUST_CHECK enum rc subscriber_find(struct conn *c, int64_t id, enum subscriber_state *out, struct err *err);
struct subscriber_row {
	int64_t id, asked_us;
	str email, language;
	enum subscriber_state state;
};
/* Those with an address, in order, behind `after`; the caller has asked who may read it. */
MUST_CHECK enum rc subscribers_list(struct conn *c, int64_t after, size_t limit, struct arena *a,
				    struct subscriber_row **out, size_t *count_out, struct err *err);

/* Is a warning with this body made for everybody: for nobody in particular, or for the public too? */
bool warning_is_for_all(const struct type *t, struct json_object *body);

/* As part of opening a node: the hook of records, and the background. */
void subscribers_open(struct notify *n);

#endif
