/* SPDX-License-Identifier: Apache-2.0 */
/* act.h: the same done to many: from the triage list, and from a saved question.
 *
 * One job: all of them or none, each by the rules of change.h; the first that cannot be is named.
 * With `dry_run` everything is tried and nothing is kept. */
#ifndef RONDA_INCIDENT_ACT_H
#define RONDA_INCIDENT_ACT_H

#include "incident/case.h"

enum { ACT_MOST = 1000 };
struct case_act {
	const str *ids; size_t count; /* as read_record takes them */
	str to_state;              /* name of a state; STR_NONE: stays */
	str person;                /* assignee, "person--…"; STR_NONE: as it is */
	str link_kind, link_to;    /* a link of each to a record; link_to STR_NONE: none */
	str why, language;
	bool dry_run;
};
/* *done_out: how many. RC_INPUT: none is chosen, more than ACT_MOST, or nothing is to be done. */
MUST_CHECK enum rc case_act(struct records *r, struct store *s, const struct viewer *v,
			    const struct case_act *q, size_t *done_out, struct err *err);

/* Marks of findings: told, answered, held, each with a reason; the same bounds. RC_DENIED: he does
 * not operate this node. */
MUST_CHECK enum rc findings_act(struct records *r, struct store *s, const struct viewer *v,
				const str *ids, size_t count, str mark, str why, bool dry_run,
				size_t *done_out, struct err *err);

#endif
