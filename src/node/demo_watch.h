/* SPDX-License-Identifier: Apache-2.0 */
/* demo_watch.h: persons and a roster for the demonstration, so that somebody is on duty in it. */
#ifndef RONDA_NODE_DEMO_WATCH_H
#define RONDA_NODE_DEMO_WATCH_H

#include "node/node.h"

enum { DEMO_WATCH_PEOPLE = 3 }; /* lead, day, night */
/* Inside the job that makes it: a person of that name. */
MUST_CHECK enum rc demo_person(struct tx *tx, struct node *n, str name, struct arena *a, struct uuid *out,
			       struct err *err);
/* Two weeks from today on: days, nights, and the lead on call all the time. */
MUST_CHECK enum rc demo_roster(struct tx *tx, struct node *n, const struct uuid people[DEMO_WATCH_PEOPLE],
			       struct arena *a, struct err *err);

#endif
