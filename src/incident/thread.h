/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h: correspondence on a case: what came in about it, what we wrote, what we noted.
 *
 * A letter is a record that means "mail.recipient", written by a person, to one recipient: an
 * organisation or one role of its contacts, a person, or a bare address. Making it queues its message
 * (template mail.letter) in the same job. What may be said to whom is asked before (thread_plan) and again
 * at each try: TLP:RED never goes by mail; what is AMBER+STRICT only encrypted; to an address of which
 * nothing is known only TLP:CLEAR. */
#ifndef RONDA_INCIDENT_THREAD_H
#define RONDA_INCIDENT_THREAD_H

#include "incident/case.h"
#include "notify/secure.h"

enum { THREAD_TEXT_MAX = 60000, THREAD_LIST_MAX = 500 };

struct thread_letter {
	str about;            /* the case, as read_record takes it */
	str to;               /* "organisation-7", "organisation-7/abuse", "person-2", "ani@example.net" */
	str subject, text;
	str tlp;              /* "": GREEN */
	str answers;          /* mail that it answers, "mail-3"; "": none. `to` and `subject` may be "" then; the
	                       * subject of one that came encrypted is not repeated: "Re: [...]" */
};
struct thread_plan {
	str recipient;        /* as the outbox has it */
	str name, address;    /* exactly where it goes */
	str subject;
	enum tlp tlp, case_tlp;
	bool may;             /* the check lets it go, and it can be made as it has to be */
	bool live;            /* false: in rehearsal it comes to ourselves */
	struct secure_plan secure;
	str words;            /* why not; or the rule that lets it */
	str previous, in_reply_to, references, organisation; /* of what it answers; "" */
};
/* Nothing is written. RC_ABSENT: no such recipient, or he has no mail address. */
MUST_CHECK enum rc thread_plan(const struct notify *n, const struct viewer *v, const struct thread_letter *q,
			       struct arena *a, struct thread_plan *out, struct err *err);
/* Subject (unless it has one) and text of a letter by a text that the team has for that
 * (notify/letters.h, "letter-request.id"), for its writer to change. `writer`: name, or "". */
MUST_CHECK enum rc thread_begin(const struct notify *n, const struct viewer *v, str name, str writer,
				struct thread_letter *q, struct arena *a, struct err *err);
/* RC_DENIED: the plan says no. *id_out: "mail--…"; *message_out: its number in the outbox. */
MUST_CHECK enum rc thread_send(const struct notify *n, const struct viewer *v, const struct thread_letter *q,
			       struct arena *a, str *id_out, int64_t *message_out, struct err *err);
/* For our own people alone: a record that means "note.text", linked to the case. */
MUST_CHECK enum rc thread_note(const struct notify *n, const struct viewer *v, str about, str text, str tlp,
			       struct arena *a, str *id_out, struct err *err);

/* A draft of a notification round about it: on its list the organisations that the case names and those it
 * was written about with, its text the letter's (none: to be written). Started by a person, after a dry run. */
MUST_CHECK enum rc thread_round(const struct notify *n, const struct viewer *v, const struct thread_letter *q,
				struct arena *a, str *id_out, struct err *err);

struct thread_entry {
	str id, number;       /* "mail--…", "mail-3" */
	str party;            /* whom it was with: title of the organisation, else the address; "" a note */
	bool outward, note;
	str from, to, subject, text, signature;
	bool encrypted;
	int64_t at_us;
	int64_t message;      /* of ours; 0: none */
	str state, words;     /* of that message, or of the record */
};
/* By party, then by time; notes last. At most THREAD_LIST_MAX of each, the newest. */
MUST_CHECK enum rc thread_read(const struct notify *n, struct reader *r, const struct types *t, const struct viewer *v,
			       str about, struct arena *a, struct thread_entry **out, size_t *count_out,
			       struct err *err);

#endif
