/* SPDX-License-Identifier: Apache-2.0 */
/* read_timeline.h: what happened with a record, in one order.
 *
 * Versions and links of it, moves of what is linked to it (tasks, notes, calls), linked findings
 * (first and last seen, told, answered, held) with their events, messages about it or them, and who took
 * note of a clock: merged newest first. Each entry passes the same check as where it comes from; messages,
 * reasons and names of colleagues are for our own people. */
#ifndef RONDA_DISCLOSURE_READ_TIMELINE_H
#define RONDA_DISCLOSURE_READ_TIMELINE_H

#include "disclosure/read_records.h"

enum timeline_kind { TIMELINE_MADE, TIMELINE_CHANGED, TIMELINE_MOVED, TIMELINE_LINKED, TIMELINE_RECORD,
		     TIMELINE_FINDING, TIMELINE_EVENT, TIMELINE_MESSAGE, TIMELINE_NOTED, TIMELINE_KINDS };
const char *timeline_kind_name(enum timeline_kind k); /* "made", "changed", "moved", … */
struct timeline_entry {
	int64_t at_us;
	enum timeline_kind kind;
	str what;                  /* state moved to, names of fields changed (", " between), kind of link, "first seen", … */
	str who;                   /* "account:3"; of a message its recipient; "" not said */
	str other, other_title;    /* id of what it is about besides the record; "" none */
	str words;                 /* reason, what was said */
	bool disclosed;            /* a message that reached somebody, or may have (the ledger says so) */
};
typedef bool (*timeline_each)(void *ctx, const struct timeline_entry *e);

enum { TIMELINE_CURSOR_BYTES = 48 };
struct timeline_query {
	str id;                    /* as read_record takes it */
	str after;                 /* cursor of the page before; "": from the newest */
	size_t limit;              /* at most 1000 */
	bool messages;             /* these alone */
	str language;              /* of the labels of fields and states */
};
/* `next` (TIMELINE_CURSOR_BYTES): "" when there is no more; *cut_out: a source had more than is looked
 * at (2,000 versions or links, 200 linked records, 50 findings of 100 events each). RC_ABSENT, RC_INPUT: as
 * read_record, or a cursor that is none. */
MUST_CHECK enum rc read_timeline(struct reader *r, const struct types *t, const struct viewer *v,
				 const struct timeline_query *q, struct arena *a, timeline_each each,
				 void *ctx, char *next, bool *cut_out, struct err *err);

#endif
