/* SPDX-License-Identifier: Apache-2.0 */
/* together.h: what several teams say about one item, and who sees it.
 *
 * An item belongs to its origin; every team that has it answers by contributions: records of a type that means
 * "contribution.about". A contribution flows because what it is about flows, and by no agreement of its own:
 *   about a copy          to the team the item comes from
 *   about an item of ours to those partners whose collection has the item
 * What team B says to the origin goes to the others as a record of the origin's that names B (or nobody, where the agreement
 * with the reader hides who takes part): one origin, one thread. Its id follows from B's, so it is made once. Only what B marked
 * up to TLP:AMBER and did not say to the origin alone is passed on, and a contribution is never looser than its item.
 * Withdrawn where it was said, it is withdrawn where it went. */
#ifndef RONDA_EXCHANGE_TOGETHER_H
#define RONDA_EXCHANGE_TOGETHER_H

#include "disclosure/change.h"
#include "exchange/partner.h"

/* As part of exchange_open(): what contributions must be like, and what follows from them. */
MUST_CHECK enum rc together_open(struct exchange *x, struct err *err);

struct together_say {
	str about;                 /* as read_record takes it: "incident-7" */
	str what;                  /* "comment", "question", …; "": comment */
	str text;
	str reply_to;              /* id of a contribution; "" */
	bool only_origin;
	str until;                 /* RFC 3339; "": none */
	str tlp;                   /* "": as the item */
};
/* A person says something. *id_out: "contribution--…". RC_DENIED, RC_INPUT as change_record(). */
MUST_CHECK enum rc together_say(struct exchange *x, const struct viewer *v, const struct together_say *q, struct arena *a,
			      str *id_out, struct err *err);

/* One word of the thread, as the viewer may see it. */
struct together_word {
	str id, number;            /* "contribution--…", "contribution-7" ("": a copy) */
	str what, text, title, reply_to, state;
	str team;                  /* who said it: "" our own team; "?" another one, nobody says which */
	int64_t at_us, until_us;   /* 0: none */
	bool ours;                 /* it may be withdrawn here */
};
/* Oldest first; RC_ABSENT: no such item for him. */
enum { TOGETHER_WORDS_MOST = 500 };
MUST_CHECK enum rc together_read(struct exchange *x, struct reader *r, const struct types *t, const struct viewer *v, str about,
			       struct arena *a, struct together_word **out, size_t *count_out, struct err *err);

#endif
