/* SPDX-License-Identifier: Apache-2.0 */
/* ladder.h: whom to ask next when an organisation does not answer.
 *
 * The desk that takes abuse reports is asked first; when nothing comes back the manager who is named,
 * then the regulator above. What was sent, said and answered about one record is its history, out of
 * the ledger and the calls; from it, the contacts and the pause between two steps follows which step
 * is next, when, and why. An answer does not end the ladder: it begins the pause anew. Only to move the
 * record on ends it (its type means the state that waits: "duty.waits"). */
#ifndef RONDA_DUTY_LADDER_H
#define RONDA_DUTY_LADDER_H

#include "disclosure/read_records.h"
#include "record/calendar.h"

enum ladder_rung { RUNG_DESK, RUNG_MANAGER, RUNG_REGULATOR, RUNGS };
const char *ladder_rung_name(enum ladder_rung r); /* "desk", "manager", "regulator" */
/* Setting ladder_sends: a name of a step, or "none": -1. RC_INPUT. */
MUST_CHECK enum rc ladder_sends_parse(str text, int *out, struct err *err);

struct ladder_contact {
	str organisation;          /* "organisation--…" */
	str organisation_name;
	str role, name, email, phone, webhook, channel;
	int64_t order;             /* 0: none said */
	bool above;                /* of the regulator */
};
/* ASKED: one of us was asked to call or to write; that nobody outside has heard of. */
enum ladder_what { LADDER_TOLD, LADDER_TRIED, LADDER_ANSWERED, LADDER_ASKED };
struct ladder_event {
	int64_t at_us;
	enum ladder_what what;
	str organisation, role;    /* role "": not said */
	str how;                   /* "mail", "phone", "ladder" */
	str item;                  /* the call's id, "" */
	str words;
};
struct ladder_ask {
	int64_t since_us;          /* it waits */
	int64_t pause_us;          /* between two steps, as calendar_add counts it */
	const struct calendar *calendar;
	str organisation;
	const struct ladder_contact *contacts; size_t contact_count;
	const struct ladder_event *events; size_t event_count; /* in any order */
};
struct ladder_next {
	const struct ladder_contact *rungs[RUNGS]; /* whom each step would ask; NULL: nobody */
	int64_t asked_us[RUNGS];   /* when it was last asked; TIME_NONE */
	bool finished;             /* there is no further step */
	enum ladder_rung rung;     /* unless finished */
	bool by_person;            /* one of us was asked to take it, and has not: what is due is to say so */
	int64_t due_us;            /* TIME_NONE: nothing by itself */
	const char *why;           /* static sentence */
};
/* Which step a contact of that role is, and which of the organisation's contacts a step would ask: by
 * role, then by order, one that can be reached. */
enum ladder_rung ladder_rung_of(str role, bool above);
/* Pure. */
struct ladder_next ladder_find(const struct ladder_ask *ask);

/* The same out of what is kept, as the viewer may see it. */
struct ladder {
	str item, name, title;     /* "incident--…", "incident-42" */
	bool waits;                /* it is in the state that waits: else nothing is due by itself */
	struct ladder_ask ask;     /* events newest first */
	struct ladder_next next;
};
MUST_CHECK enum rc ladder_read(struct reader *r, const struct types *t, const struct viewer *v, str id,
			       const struct calendar *c, int64_t pause_us, struct arena *a,
			       struct ladder *out, struct err *err);

#endif
