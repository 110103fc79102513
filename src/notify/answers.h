/* SPDX-License-Identifier: Apache-2.0 */
/* answers.h: what those who were told say back.
 *
 * An answer belongs to one message and to all or some of the findings it covered. However it comes
 * (the link in the message, the portal, a mail, a person who notes it) it is kept by answer_put():
 * the ledger has a row of kind "answer", the findings are marked as answered, an organisation's answer
 * to a round confirms its contact, the clocks of a record that say "call_notes" stop ringing. What it is
 * about is marked some hundred findings a job: those of a large message by the background, soon. "Not
 * ours", "false" and a question ask something of us: who has the duty gets a notice; who is
 * concerned by a finding is never changed by an answer.
 *
 * "Fixed" is a claim. It is held against what is seen later: a finding that goes confirms it, one that
 * is seen again denies it (answer_outcome). Words and names of an answer are of those who gave it:
 * they are shown to us and to their own organisation, never to others whom the same finding concerns. */
#ifndef RONDA_NOTIFY_ANSWERS_H
#define RONDA_NOTIFY_ANSWERS_H

#include "notify/notify.h"

enum answer_kind { ANSWER_WORKING = 1, ANSWER_FIXED, ANSWER_NOT_OURS, ANSWER_FALSE, ANSWER_QUESTION };
const char *answer_kind_name(enum answer_kind k); /* "working", "fixed", "not-ours", "false", "question" */
bool answer_kind_parse(str text, enum answer_kind *out);

enum claim { CLAIM_NONE,      /* nobody says it is fixed */
	     CLAIM_WAITS,     /* said to be fixed; nothing was seen since that tells */
	     CLAIM_CAME_BACK, /* said to be fixed, and seen again afterwards */
	     CLAIM_CONFIRMED  /* said to be fixed, and gone */ };
const char *claim_name(enum claim c); /* "", "waits", "came-back", "confirmed" */

enum { ANSWER_WORDS_MAX = 2000, ANSWER_BY_MAX = 200, ANSWER_FILE_MAX = 1 << 20, ANSWERS_A_MESSAGE = 100 };

struct answer_new {
	int64_t message;           /* of the outbox: sent, or uncertain */
	enum answer_kind kind;
	str findings;              /* "finding--HEX" or HEX by space, of those it covered; "": all */
	str words, by;             /* plain lines; who said it, one line; both may be "" */
	str channel;               /* "link", "portal", "mail", "person" */
	str key;                   /* of this submission: the same one again changes nothing */
	int64_t at_us;             /* 0: now */
	str file, file_name;       /* bytes, at most ANSWER_FILE_MAX; "" none */
};
/* Inside a job. *id_out (may be NULL): of the answer, also when this key was there before.
 * RC_ABSENT: no such message. RC_CONFLICT: nothing can answer it (withdrawn, rehearsed, failed).
 * RC_BUSY: it is being sent at this very moment. RC_INPUT: words, or findings it did not cover.
 * RC_LIMIT: it was answered often enough. */
MUST_CHECK enum rc answer_put(struct tx *tx, struct notify *n, const struct answer_new *q, int64_t *id_out,
			      struct err *err);

/* --- reading; the caller has asked the gate whether his viewer may have it --- */

struct answer_row {
	int64_t id, message, at_us;
	enum answer_kind kind;
	str words, by, channel;
	str recipient, item;       /* of the message */
	uint64_t findings;         /* how many it was about */
	bool has_file;
	struct digest file;
	str file_name;
	int64_t seen_us;           /* one of us took note; 0: not, or there is nothing to take note of */
	str seen_by;
	/* of answers_of_finding() alone, for ANSWER_FIXED: what was noted first; 0: nothing yet */
	enum claim claim;
	int64_t claim_us;
};
/* Newest first, at most `limit`. */
MUST_CHECK enum rc answers_of_finding(struct conn *c, struct hash128 id, size_t limit, struct arena *a,
				      struct answer_row **out, size_t *count_out, struct err *err);
MUST_CHECK enum rc answers_of_message(struct conn *c, int64_t message, size_t limit, struct arena *a,
				      struct answer_row **out, size_t *count_out, struct err *err);
struct answer_query {
	str organisation;          /* "organisation--…": of messages to it, whatever the contact; "": any */
	bool waiting;              /* only those that one of us is to take note of */
	int64_t before;            /* id; 0: from the newest */
	size_t limit;              /* at most 1000 */
};
MUST_CHECK enum rc answers_list(struct conn *c, const struct answer_query *q, struct arena *a,
				struct answer_row **out, size_t *count_out, struct err *err);
/* The findings an answer was about, as 32 hex digits. */
MUST_CHECK enum rc answer_findings(struct conn *c, int64_t id, size_t limit, struct arena *a, str **out,
				   size_t *count_out, struct err *err);
/* How the newest claim stands against what is seen now. `list` is of answers_of_finding(). */
enum claim answer_outcome(const struct finding *f, const struct answer_row *list, size_t count);

/* Inside a job: one of us has dealt with it. Journalled. RC_CONFLICT: it was, or needs nothing. */
MUST_CHECK enum rc answer_seen(struct tx *tx, struct notify *n, int64_t id, str by, struct err *err);

/* Inside a job of an erasing: words, name and file of it, wherever they were put; that there was one stays. */
MUST_CHECK enum rc answer_erase_words(struct tx *tx, int64_t number, struct err *err);

/* As part of opening a node: marks in the background what the answer to a large message is about, and notes when a
 * claim is confirmed or denied. */
void answers_open(struct notify *n);

#endif
