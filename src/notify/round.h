/* SPDX-License-Identifier: Apache-2.0 */
/* round.h: one text to many, each followed to the answer.
 *
 * A contact round asks every organisation on its list whether what we know of its contact still
 * works: an answer confirms the contact, silence past the due time counts against it, and a round
 * can come again by itself. A notification round tells those whom findings concern about them, each
 * about his own. A round is a record of a type that means "round.kind"; its list stands in
 * round_member. Starting it fixes the list; the messages are made in small jobs behind it, by the
 * channel of each contact; mail and portal wait in the outbox for their drivers, or are printed. */
#ifndef RONDA_NOTIFY_ROUND_H
#define RONDA_NOTIFY_ROUND_H

#include "notify/notify.h"

enum { ROUND_MEMBERS_MAX = 20000, ROUND_COVERS_MAX = 5000 };

/* As part of opening a node: follows the records of rounds, works in the background. */
void rounds_open(struct notify *n);

/* One of the list as it would be, or is. */
struct round_line {
	str organisation;       /* id; "" one that the viewer may not see */
	str title;
	str recipient, driver;  /* "" driver: it has no contact */
	size_t covers;
	/* dry run */
	bool told;              /* something is said to it; else `words` say why not */
	str language, subject, text;
	str words;
	/* of a started one */
	int64_t message;        /* 0: none yet */
	str state;              /* of the message; "" */
	int64_t told_us, answered_us, silent_us; /* 0: not */
	str answered_by, answer, noted_by;
};
typedef bool (*round_each)(void *ctx, const struct round_line *l);

/* Who would be told what, if `v` started it now: exactly as it would be sent. With `limit` lines
 * rendered at most; *count_out: of the list. */
MUST_CHECK enum rc round_dry_run(struct notify *n, const struct viewer *v, str id, size_t limit,
				 struct arena *a, round_each each, void *ctx, size_t *count_out,
				 struct err *err);
/* Fixes the list and starts it. RC_INPUT: nobody is on it, no due time, or it is no draft. */
MUST_CHECK enum rc round_start(struct notify *n, const struct viewer *v, str id, struct arena *a,
			       size_t *count_out, struct err *err);

struct round_answer {
	str organisation;       /* id, or as read_record takes it */
	str words;              /* what they said; plain lines, at most ROUND_WORDS_MAX */
	str by;                 /* who of them said it; may be "" */
	int64_t at_us;          /* 0: now */
};
enum { ROUND_WORDS_MAX = 2000 };
/* Asks for the right to edit the round. The first one sets the time, a later one the words; the same
 * one again changes nothing. Of a contact round: confirms the contact. RC_ABSENT: not on the list. */
MUST_CHECK enum rc round_note_answer(struct notify *n, const struct viewer *v, str id,
				     const struct round_answer *q, struct arena *a, struct err *err);

struct round_progress {
	size_t members, made, unreachable, waiting, sent, uncertain, failed, refused, answered, silent;
	int64_t due_us, started_us, next_us; /* 0: none */
	int64_t median_us;      /* from telling to answer, of those that answered; 0: none did */
};
MUST_CHECK enum rc round_read_progress(struct notify *n, struct reader *r, const struct types *t,
				       const struct viewer *v, str id, struct arena *a,
				       struct round_progress *out, struct err *err);
/* In the order of the list, behind place `after` (-1: from the start). */
MUST_CHECK enum rc round_read_members(struct notify *n, struct reader *r, const struct types *t,
				      const struct viewer *v, str id, int64_t after, size_t limit,
				      struct arena *a, round_each each, void *ctx, int64_t *last_out,
				      struct err *err);
/* Organisations that did not answer when they were last asked, longest first. */
struct round_stale {
	str organisation, title;
	int64_t since_us;       /* of the first silence behind the last answer */
	size_t rounds;          /* how often */
	int64_t answered_us;    /* last; 0: never */
};
MUST_CHECK enum rc round_read_stale(struct notify *n, struct reader *r, const struct types *t,
				    const struct viewer *v, size_t limit, struct arena *a,
				    struct round_stale **out, size_t *count_out, struct err *err);
/* Is this type one of rounds? */
bool round_is_type(const struct type *t);

/* --- what was said: names and words of people outside --- */

struct round_words {
	str id;                    /* ROUND.PLACE: object "round-answer:ROUND.PLACE", by which it is erased */
	str by, words;
	int64_t at_us;             /* of the answer */
};
/* Those with a name or words, in order, behind an id (""); the caller has asked who may read it. */
MUST_CHECK enum rc round_words_list(struct conn *c, str after, size_t limit, struct arena *a, struct round_words **out,
				    size_t *count_out, struct err *err);
/* RC_ABSENT: there is none, or no more. */
MUST_CHECK enum rc round_words_find(struct conn *c, str id, struct arena *a, struct round_words *out, struct err *err);

#endif
