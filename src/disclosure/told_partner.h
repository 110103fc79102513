/* SPDX-License-Identifier: Apache-2.0 */
/* told_partner.h: what of events and records may go to a partner by machine, as things stand now.
 *
 * A partner is told as RECIPIENT_PARTNER by CHANNEL_SYNC, under the agreement with its organisation; which kinds of
 * things that agreement lets flow is part of the policy ("agreement.flows" of its type). Events that concern its own
 * organisation are its own assets (check.h). What we hold from somebody else is foreign: TLP 2.0 lets us
 * widen nothing. Never back to whom it came from. */
#ifndef RONDA_DISCLOSURE_TOLD_PARTNER_H
#define RONDA_DISCLOSURE_TOLD_PARTNER_H

#include "disclosure/told.h"

/* `feed`: name of the feed what comes from it has ("": none): nothing of that is told to it; lives as long as *out.
 * `exercise` as told_organisation(). */
MUST_CHECK enum rc told_partner(struct reader *r, struct policies *p, struct uuid organisation, str feed, bool exercise,
				struct told_to *out, struct err *err);
/* Is this kind of thing ("findings", "incidents", "warnings", …) agreed with it now? When it is, `to` (may be NULL)
 * is told under the widest of the agreements that say so. */
MUST_CHECK enum rc told_partner_flow(struct policies *p, struct uuid organisation, str flow, struct told_to *to,
				     bool *out, struct err *err);
/* The events numbered first..last that may go to it, oldest first, cut as it may see them; those that do not concern
 * it are none. *refused: how many that do concern it the check kept back. False stops. */
typedef bool (*told_range_each)(void *ctx, const struct event_view *e, uint64_t seq);
MUST_CHECK enum rc told_event_range(struct reader *r, const struct told_to *to, uint64_t first, uint64_t last,
				    told_range_each each, void *ctx, uint64_t *refused, struct err *err);
/* The same of one, that may also have been found later to concern it (route/concern_later.h). */
MUST_CHECK enum rc told_event(struct reader *r, const struct told_to *to, uint64_t seq, told_range_each each, void *ctx,
			      uint64_t *refused, struct err *err);

/* What the offerer needs to decide for whom events are, or were: no output; what is said of them comes out of
 * told_event_range(). As events_concerning(). */
MUST_CHECK enum rc told_concerning(struct reader *r, const struct event_query *q, const int64_t *orgs, size_t count,
				   event_concerning_each each, void *ctx, struct err *err);

/* Who knows what: how often a value was seen in what may go to it, whomever that concerns. No item is told of, and what may
 * not be told is as what is not there. */
struct told_known {
	uint64_t count;            /* events; at most as many as asked for */
	int64_t first_us, last_us; /* 0, 0: none */
	enum tlp tlp;              /* the strictest of them; TLP_CLEAR: none */
};
MUST_CHECK enum rc told_known(struct reader *r, const struct told_to *to, const struct event_filter *f, uint64_t most,
			      struct told_known *out, struct err *err);

#endif
