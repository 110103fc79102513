/* SPDX-License-Identifier: Apache-2.0 */
/* paper.h: what waits for a person: printed, posted or said, and confirmed.
 *
 * Any message that waits may go on paper instead: those of the driver "print", and those whose driver
 * is not here. Before it is printed, what it covers and is not to be told any more is taken out of it; when nothing
 * is left, it ends as refused (teller.h). Else printing changes nothing; who posted one says so, and that is its end
 * in the ledger. In rehearsal (rehearsal.h) the page says so in place of the address, and its end is *rehearsed*. */
#ifndef RONDA_NOTIFY_PAPER_H
#define RONDA_NOTIFY_PAPER_H

#include "notify/notify.h"

struct paper {
	int64_t id;
	str driver, recipient;
	str name, address;    /* who reads it, and what is known of where */
	str subject, text;
	str words;            /* why it cannot be printed; "": it can */
};
typedef bool (*paper_each)(void *ctx, const struct paper *p);
/* Oldest first, at most 1,000. `driver` NULL: all that no sender takes. What `v` may not see himself
 * has words instead. RC_DENIED: for who operates the node. */
MUST_CHECK enum rc paper_print(struct notify *n, const struct viewer *v, const char *driver,
			       struct arena *a, paper_each each, void *ctx, struct err *err);
/* Has gone to its recipient, by `v`. RC_CONFLICT: a sender has it, or it has ended. `words`: how; plain,
 * may be "". */
MUST_CHECK enum rc paper_posted(struct notify *n, const struct viewer *v, int64_t id, str words,
				struct err *err);

#endif
