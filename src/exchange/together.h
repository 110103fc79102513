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
	int64_t at_us;             /* when it was said; of a copy as its node says, never after it came */
	int64_t row;               /* of table record: they are in the order in which they came */
	int64_t until_us;          /* 0: none */
	bool ours;                 /* it may be withdrawn here */
	bool has_count;            /* who_knows.h: what stands in the four below */
	uint64_t count;
	int64_t first_us, last_us; /* 0: none */
	enum tlp tlp;              /* of this word */
};
/* Oldest first; RC_ABSENT: no such item for him. */
enum { TOGETHER_WORDS_MOST = 500 };
MUST_CHECK enum rc together_read(struct exchange *x, struct reader *r, const struct types *t, const struct viewer *v, str about,
			       struct arena *a, struct together_word **out, size_t *count_out, struct err *err);

/* One team's part in an item. */
struct together_part {
	str team;                  /* its name; "" our own team; "?" the origin is no partner of ours any more */
	str partner;               /* "partner--…"; "" */
	bool us, origin, handles;  /* handles: it works on it now */
	int64_t since_us;          /* it was offered to it, or came */
	int64_t receipt_us;        /* the partner said that it has it; 0: not yet */
	int64_t withdrawn_us;      /* it was taken back from it; 0: not */
	uint64_t words;            /* contributions that are seen here */
	int64_t last_us; str last_what, last_text; /* the last of them; "" */
	bool silent;               /* it was given this item and has said nothing */
	int64_t due_us;            /* of one who is silent: a word is expected by then (setting partner_answer_due) */
};
/* Ours first, then as they got it. For our own people: RC_DENIED else. At a team that has a copy: its origin, and those
 * whom the origin names. */
MUST_CHECK enum rc together_parts(struct exchange *x, struct reader *r, const struct types *t, const struct viewer *v, str about,
				  struct arena *a, struct together_part **out, size_t *count_out, struct err *err);

#endif
