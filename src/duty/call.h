/* SPDX-License-Identifier: Apache-2.0 */
/* call.h: a telephone call, noted in two steps.
 *
 * Before: whom to call, and what may be said to them: the disclosure check as for a letter. After: a
 * record of a type that means "call.result", "call.organisation", "call.about" and so on. Who was
 * reached, or was left a message, has been told something: the ledger has a row of kind "said". Who was
 * reached about a record stops the ladders of those of its clocks that say "call_notes" (record/type.h),
 * and his contact is confirmed for the day; that one did not answer is counted at the contact. */
#ifndef RONDA_DUTY_CALL_H
#define RONDA_DUTY_CALL_H

#include "disclosure/change.h"
#include "disclosure/explain.h"
#include "disclosure/policy.h"
#include "duty/ladder.h"

struct call_before {
	str about, about_title;    /* "" nothing particular */
	str organisation, organisation_name; /* that of the record when none was said; "" none known */
	const struct ladder_contact *contacts; size_t contact_count; /* those with a number */
	bool checked;              /* there is an item and an organisation to ask about */
	bool may;                  /* something of it may be said to them */
	const char *rule;          /* that decided */
	str label;                 /* "TLP:AMBER" of the item */
	const char *const *cut; size_t cut_count; /* fields that may not be said */
	uint64_t policy, version;
};
/* `about` and `organisation` as read_record takes them, `about` also "finding--…"; "" none. */
MUST_CHECK enum rc call_prepare(struct reader *r, const struct types *t, struct policies *p,
				const struct viewer *v, str about, str organisation, struct arena *a,
				struct call_before *out, struct err *err);

struct call_said {
	str about, organisation;
	str contact, role, phone;  /* spoken with, as what, on which number */
	str direction;             /* "out", "in"; "": out */
	str result;                /* "reached", "no-answer", "left-message", "wrong-number" */
	str words;
	int64_t at_us;             /* TIME_NONE: now */
};
struct call_done {
	str id;
	bool told;                 /* it stands in the ledger */
	unsigned clocks;           /* whose ladders stopped */
	bool confirmed;            /* a contact of the organisation */
};
MUST_CHECK enum rc call_save(struct records *r, struct store *s, struct policies *p, const struct types *t,
			     const struct viewer *v, const struct call_said *q, struct arena *a,
			     struct call_done *out, struct err *err);

#endif
