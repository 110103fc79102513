/* SPDX-License-Identifier: Apache-2.0 */
/* call.h: whom to call first at an organisation now, and how.
 *
 * Somebody who is at work now comes before somebody who is not; then the order the organisation
 * gave its contacts, then their roles: the 24-hour contact, the abuse desk, the security team, ...
 * When nobody is at work it is who will be soonest. Hours are in the organisation's time zone; none
 * said: always there. Hours that cannot be read are neither open nor closed. */
#ifndef RONDA_DIRECTORY_CALL_H
#define RONDA_DIRECTORY_CALL_H

#include "route/directory.h"

enum open_now { OPEN_NOW, OPEN_UNKNOWN, OPEN_LATER };
const char *open_now_name(enum open_now o); /* "open", "unknown", "closed" */

/* Are these hours open there? `zone` "" or unknown to this machine: `usual_zone`, then UTC.
 * *opens_us: when they are next (`now_us` itself, when open); TIME_NONE: not to be said. */
enum open_now hours_open(str hours, str zone, str usual_zone, int64_t now_us, int64_t *opens_us);
/* "2026-11-22 09:00 +07:00" there. */
str local_time(str zone, str usual_zone, int64_t now_us, char text[40]);

struct call {
	const struct contact *contact; /* of the list */
	enum open_now open;
	int64_t opens_us;
	const char *channel;  /* "phone", "mail", ...: the contact's own, else what it can be reached by */
	str reach;            /* the number or address for it; "" none */
};
/* False: there is nobody who can be reached. */
bool call_first(const struct contact *list, size_t count, str zone, str usual_zone, int64_t now_us,
		struct call *out);

#endif
