/* SPDX-License-Identifier: Apache-2.0 */
/* Events for who is told of the findings they made. */
#include "disclosure/told_private.h"

struct telling {
	const struct told_to *to;
	const struct key *secret;
	const size_t *place;         /* in the caller's list */
	const bool *about_recipient;
	told_event_each each;
	void *ctx;
};

/* An event may be marked otherwise than the finding is by now. */
static bool tell(void *ctx, const struct event_row *e, size_t at)
{
	struct telling *t = ctx;
	const struct cell *tlp = batch_find(e->batch, e->row, FIELD_TLP);
	const struct cell *drill = batch_find(e->batch, e->row, FIELD_EXERCISE);
	struct labels item = { .tlp = TLP_COUNT, .personal = true, .sources = 1,
			       .about_recipient = t->about_recipient[at] };
	if (tlp && tlp->i < TLP_COUNT)
		item.tlp = (enum tlp)tlp->i;
	item.exercise = drill && drill->i != 0;
	enum verdict verdict = may_disclose(&item, &t->to->viewer.as, t->to->viewer.channel, t->to->purpose,
					    &t->to->viewer.policy).verdict;
	if (verdict == DISCLOSE_NO)
		return true;
	struct event_view view = { .received_us = e->received_us, .row = e,
				   .cut_personal = verdict == DISCLOSE_REDACT };
	event_id(t->secret, e->seq, view.id);
	return t->each(t->ctx, &view, t->place[at]);
}

enum rc told_events(struct reader *r, const struct types *types, const struct told_to *to, const str *ids,
		    size_t count, size_t per, struct arena *a, told_event_each each, void *ctx, struct err *err)
{
	struct finding_wanted *list = ARENA_ARRAY(a, TOLD_EVENTS_FINDINGS_MAX, struct finding_wanted);
	size_t *place = ARENA_ARRAY(a, TOLD_EVENTS_FINDINGS_MAX, size_t), n = 0;
	bool *about = ARENA_ARRAY(a, TOLD_EVENTS_FINDINGS_MAX, bool);
	for (size_t i = 0; i < count && n < TOLD_EVENTS_FINDINGS_MAX; i++) {
		struct told one;
		struct err why = { 0 };
		enum rc rc = told_item(r, types, to, ids[i], 0, a, &one, &why);
		if (rc == RC_OK && one.is_finding) {
			about[n] = told_concerns(to, &one.finding);
			place[n] = i;
			list[n++] = (struct finding_wanted){ .id = one.finding.id, .last_us = one.finding.last_seen_us,
							     .events = one.finding.events,
							     .identifier = one.finding.identifier };
		}
		told_end(&one);
		if (rc != RC_OK && rc != RC_DENIED && rc != RC_ABSENT)
			return fail(err, rc, "%s", why.text);
	}
	struct telling t = { to, store_secret(reader_store(r)), place, about, each, ctx };
	return findings_newest_events(r, list, n, to->org, per, tell, &t, err);
}
