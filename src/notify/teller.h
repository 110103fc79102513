/* SPDX-License-Identifier: Apache-2.0 */
/* teller.h: findings are told to those concerned, by the rules.
 *
 * In the background, one step behind the other, each in small jobs of the writer:
 *
 *   transitions -> whom and when (rule.h): rows of table `tell`, in one job with the cursor
 *   rows due    -> one message for each recipient, rule, class and period, that covers its findings
 *   ledger      -> what was sent is marked told; what was refused, has failed or came back is untold again
 *
 * A row is looked at again when it is due: the finding may be gone, held, inhibited, another's by now,
 * or not to be told by the check. What is not told is counted by its reason. A rebuild, a forgotten day,
 * another directory and a new version tell nothing again. */
#ifndef RONDA_NOTIFY_TELLER_H
#define RONDA_NOTIFY_TELLER_H

#include "notify/rule.h"

/* Of a row; TELL_NO_RULE, TELL_EXERCISE and TELL_ABOVE are counted alone. */
enum tell_state { TELL_DUE = 1, TELL_TOLD, TELL_REHEARSED, TELL_INHIBITED, TELL_HELD, TELL_REFUSED, TELL_NO_CONTACT,
		  TELL_OLD, TELL_OVER, TELL_NOBODY, TELL_NO_RULE, TELL_EXERCISE, TELL_ABOVE, TELL_DISPUTED, TELL_FAILED,
		  TELL_WITHDRAWN, TELL_UNSURE, TELL_STATES };
const char *tell_state_name(enum tell_state s);  /* "due", "no contact" */
const char *tell_state_words(enum tell_state s); /* a sentence: why it was not told */

enum { TELL_COVERS_MAX = 1000 }; /* in one message; what is more goes in the next */
#define TELL_AGAIN_US HOUR_US    /* an inhibited row is looked at again */
#define TELL_DISPUTED_US DAY_US  /* one they say is not theirs, or false */
#define TELL_FAILED_US DAY_US    /* one whose message was refused, or did not arrive */

/* As part of opening a node: follows the records of rules, works in the background. */
void teller_open(struct notify *n);
void teller_close(struct notify *n);

/* The steps by themselves, as the background takes them; *did_out: there may be more. Of one thread. */
MUST_CHECK enum rc teller_follow(struct notify *n, int64_t now_us, bool *did_out, struct err *err);
MUST_CHECK enum rc teller_make(struct notify *n, int64_t now_us, bool *did_out, struct err *err);
MUST_CHECK enum rc teller_mark(struct notify *n, bool *did_out, struct err *err);

/* --- reading --- */

/* What is due when: by recipient, rule and class. */
struct tell_due {
	str organisation, title, rule, rule_title, class;
	int step;
	int64_t next_us, findings;
};
/* Soonest first, at most `limit`; organisations that `v` may not see have no id. RC_DENIED: for our own
 * people. */
MUST_CHECK enum rc teller_due(struct notify *n, struct reader *r, const struct types *t, const struct viewer *v,
			      size_t limit, struct arena *a, struct tell_due **out, size_t *count_out,
			      struct err *err);
struct tell_count {
	int32_t day;
	enum tell_state state;
	int64_t count;
};
/* Newest day first. */
MUST_CHECK enum rc teller_counts(struct reader *r, const struct viewer *v, size_t limit, struct arena *a,
				 struct tell_count **out, size_t *count_out, struct err *err);

/* Why a finding was or was not told to each of those it concerns, as far as `v` may know. */
struct tell_reason {
	str organisation, title;     /* id; "" one that the viewer may not see, or nobody */
	str rule, rule_title;        /* the one that fits; "" none */
	str words;                   /* what it comes to */
	int64_t told_us, next_us;    /* 0: not */
	int64_t messages;            /* made for it */
	str recipient;
};
typedef bool (*tell_reason_each)(void *ctx, const struct tell_reason *w);
/* `id`: "finding--HEX". RC_ABSENT: no such finding for him. */
MUST_CHECK enum rc teller_explain(struct notify *n, struct reader *r, const struct types *t,
				  const struct viewer *v, str id, int64_t now_us, struct arena *a,
				  tell_reason_each each, void *ctx, struct err *err);

/* Who would be told what by this rule, if all that is open now were new: exactly as it would be sent.
 * Nothing is sent or written. */
struct tell_dry {
	str organisation, title, recipient, driver, class, language, subject, text;
	str words;                   /* why it is told nothing; "" */
	bool told, live;
	size_t covers;
};
typedef bool (*tell_dry_each)(void *ctx, const struct tell_dry *d);
/* At most `limit` are rendered; *count_out: messages there would be; *findings_out: findings in them. */
MUST_CHECK enum rc teller_dry_run(struct notify *n, const struct viewer *v, str rule, size_t limit,
				  int64_t now_us, struct arena *a, tell_dry_each each, void *ctx,
				  size_t *count_out, size_t *findings_out, struct err *err);

/* A handful of rules to begin with, as drafts; those whose title is there already are left out.
 * *count_out: made. */
MUST_CHECK enum rc rules_make_defaults(struct notify *n, const struct viewer *v, struct arena *a,
				       size_t *count_out, struct err *err);

#endif
