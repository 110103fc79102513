/* SPDX-License-Identifier: Apache-2.0 */
/* teller_private.h: what the files of the teller share. */
#ifndef RONDA_NOTIFY_TELLER_PRIVATE_H
#define RONDA_NOTIFY_TELLER_PRIVATE_H

#include "notify/answers.h"
#include "notify/notify_private.h"
#include "notify/teller.h"

enum { ZONES_MAX = 64 };
struct teller {
	struct notify *n;
	struct rule_set *set;
	int64_t stamp;               /* of the rules the table was made from */
	struct calendar *calendars[ZONES_MAX];
	char zones[ZONES_MAX][64];
	size_t zone_count;
	int64_t marking;             /* ledger row whose covers are being marked; and behind which */
	char marked[64];
	bool more_marks;             /* the last job was full */
	int64_t marks_next_us;       /* when the background looks again, monotonic */
};

/* One row of table `tell`. */
struct tell_row {
	struct hash128 finding;
	struct uuid organisation, rule;
	str class;
	int what, step;
	int64_t at_us, told, unanswered, last_us;
	int64_t next_us;             /* 0: not by itself */
	int64_t message;
	enum tell_state state;
};
MUST_CHECK enum rc tell_rows_of(struct conn *c, struct hash128 finding, struct arena *a, struct tell_row **out,
				size_t *count_out, struct err *err);
MUST_CHECK enum rc tell_row_put(struct tx *tx, const struct tell_row *row, struct err *err);
MUST_CHECK enum rc tell_row_drop(struct tx *tx, const struct tell_row *row, struct err *err);
MUST_CHECK enum rc tell_count_add(struct tx *tx, const int64_t counts[TELL_STATES], int64_t now_us, struct err *err);

/* The first group that is due: its key alone. */
MUST_CHECK enum rc tell_group_due(struct conn *c, int64_t now_us, struct arena *a, struct tell_row *key_out,
				  bool *found_out, struct err *err);
MUST_CHECK enum rc tell_group_rows(struct conn *c, const struct tell_row *key, int64_t upto_us, size_t most,
				   struct arena *a, struct tell_row **out, size_t *count_out, struct err *err);

/* Messages made for a recipient in the hour before now, and when the first of them was. */
MUST_CHECK enum rc tell_messages_hour(struct conn *c, str recipient, int64_t now_us, int64_t *count_out,
				      int64_t *first_us_out, struct err *err);
/* Findings in the newest message of that period; -1: there is none. */
MUST_CHECK enum rc tell_message_of(struct conn *c, str recipient, const struct rule *rule, str class, str period,
				   int64_t *findings_out, struct err *err);

/* The table of rules as this reader sees it. */
MUST_CHECK enum rc teller_rules(struct teller *t, struct reader *r, const struct types *types, struct err *err);
/* Of the zone of an organisation; the node's when it is not known. Kept as long as the teller. */
const struct calendar *teller_calendar(struct teller *t, str zone);

str tell_uuid(const struct uuid *id);
str tell_finding_id(struct hash128 id, char text[48]);
bool tell_finding_parse(str item, struct hash128 *out); /* "finding--HEX" */
str tell_finding_raw(struct hash128 id, char raw[16]);

/* Its message told nobody: as if it had not been made. */
MUST_CHECK enum rc tell_row_back(struct tx *tx, struct tell_row *row, enum tell_state state, int64_t next_us,
				 struct err *err);

/* Whether this finding may be told to this organisation now, and why not. *until_us: when to look again. */
struct tell_judge {
	const struct notify *n;
	struct reader *r;
	const struct types *types;
	const struct rule_set *set;
	struct uuid organisation;    /* whom it concerns */
	int64_t org;
	const struct told_to *to;    /* who reads it */
	bool gone;                   /* it is told that it is gone */
	int64_t now_us;
};
MUST_CHECK enum rc tell_judge(const struct tell_judge *k, struct hash128 finding, struct arena *a,
			      struct finding *f, enum tell_state *out, int64_t *until_us,
			      const struct inhibition **inhibition_out, struct err *err);

/* The newest answer of this organisation about the finding; kind 0: none. */
struct tell_answer {
	enum answer_kind kind;
	int64_t at_us;
	bool waits;                  /* for one of us to see to it */
};
MUST_CHECK enum rc tell_answer_of(struct conn *c, struct hash128 finding, str organisation, struct arena *a,
				  struct tell_answer *out, struct err *err);

/* Do they say of this, since it was seen, that it is not theirs or false, and none of us has decided yet? */
bool tell_is_disputed(const struct tell_answer *answer, const struct tell_row *row);

/* Number of the rules and inhibitions as they stand: another one when any changed. */
MUST_CHECK enum rc teller_stamp(struct conn *c, int64_t *out, struct err *err);

/* Who a step of the escalation is: "organisation--UUID/management", its regulator. "": there is none. */
MUST_CHECK enum rc tell_recipient(struct reader *r, const struct types *t, const struct rule *rule,
				  const struct rule_org *org, int step, struct arena *a, str *out,
				  struct err *err);
/* The highest step that goes out by itself (setting ladder_sends), at most `step`. */
int tell_step_allowed(const struct notify *n, const struct rule *rule, int step);
int tell_step_wanted(const struct rule *rule, int64_t unanswered);
/* By which driver, and to whom then: any contact when it has none of that role. *driver_out NULL: none. */
MUST_CHECK enum rc tell_driver(const struct notify *n, struct reader *r, const struct types *t,
			       const struct rule *rule, struct arena *a, str *recipient, const char **driver_out,
			       struct err *err);
/* Who reads it, by that driver. */
MUST_CHECK enum rc tell_told_to(const struct notify *n, struct reader *r, const struct types *t, str recipient, str driver,
				struct arena *a, struct told_to *out, struct err *err);
struct message tell_message(const struct rule *rule, str recipient, const char *driver, str class, str details,
			    uint64_t policy, struct arena *a);

/* --- answers_follow.c --- */

struct answer_about {
	int64_t answer, message;
	enum answer_kind kind;
	str channel;
};
/* Inside a job, once for each finding: it is noted as what the answer is about, and marked. */
MUST_CHECK enum rc answer_note_finding(struct tx *tx, const struct answer_about *w, struct hash128 id, struct arena *a,
				       struct err *err);
/* The next ones that the message covers, behind this item ("": the first ones); table answer_follow has the rest. */
MUST_CHECK enum rc answer_note_covers(struct tx *tx, const struct answer_about *w, str behind, struct arena *a,
				      struct err *err);
/* One job of the background. *did_out: there may be more. */
MUST_CHECK enum rc answers_follow(struct store *s, bool *did_out, struct err *err);

#endif
