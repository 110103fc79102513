/* SPDX-License-Identifier: Apache-2.0 */
/* outbox.h: messages to be sent, and the ledger of what was.
 *
 * A message to anyone is a row, written in the same transaction as the cursor
 * that says what has been told. It names an item and its version, never
 * rendered bytes: the sender renders, and asks the disclosure check again, at each try. Drivers
 * ("notice", "webhook", "mail", "sync") take rows, try for as long as it takes with growing,
 * jittered pauses (at most 15 minutes), and say what happened. Once a sender is
 * past the point after which it cannot know (outbox_draining), a lost answer or a
 * crash makes the message *uncertain*: it is not sent again by itself.
 *
 *   queued -> taken -> draining -> sent | uncertain     any of them -> withdrawn | refused | failed
 *   queued -> taken -> rehearsed: it went to nobody but perhaps ourselves (notify/rehearsal.h)
 *
 * The disclosure ledger says who got what, when, why, under which rule and
 * policy number: a row for each end of a message, and for each receipt or answer. */
#ifndef RONDA_RECORD_OUTBOX_H
#define RONDA_RECORD_OUTBOX_H

#include "record/journal.h"

enum message_state { MESSAGE_QUEUED = 1, MESSAGE_TAKEN, MESSAGE_DRAINING, MESSAGE_SENT,
		     MESSAGE_UNCERTAIN, MESSAGE_WITHDRAWN, MESSAGE_REFUSED, MESSAGE_FAILED, MESSAGE_REHEARSED };
#define MESSAGE_STATES (MESSAGE_REHEARSED + 1)
const char *message_state_name(enum message_state s);
enum lane { LANE_WARNING, LANE_INCIDENT, LANE_BULK }; /* in this order */

struct message {
	int64_t id;
	enum message_state state;
	enum lane lane;
	str driver;
	str recipient;      /* "account:3", "role:duty", "organisation--…", "partner:…" */
	str item;           /* what it is about: "incident--…", "finding--…" */
	uint64_t item_version;
	str template;       /* how the driver renders it: "clock.due" */
	str details;        /* JSON object for the template: ids, names of rules, times; no content */
	int purpose;        /* enum purpose of disclosure/check.h */
	uint64_t policy;    /* number under which it was queued */
	str maker;          /* cursor that made it: "clock", "teller:rules" */
	uint64_t made_at;   /* its place there: maker, made_at, driver and recipient make it once */
	int64_t made_us, not_before_us, expires_us; /* expires_us 0: never */
	unsigned tries;
	str words;          /* what the last try said */
};

/* What one message covers, when that is more than its item: ids and versions. */
struct cover {
	str item;
	uint64_t version;
};

/* Inside a job. The same maker, place, driver and recipient again is RC_OK, nothing new, and
 * gives the first one's id. Fields read: all but id, state, made_us, tries, words. */
MUST_CHECK enum rc outbox_put(struct tx *tx, const struct message *m, const struct cover *covers,
			      size_t cover_count, int64_t *id_out, struct err *err);
/* Moves a maker's cursor in that job. RC_CONFLICT: it does not stand at `from`. */
MUST_CHECK enum rc outbox_cursor(struct conn *c, str maker, uint64_t *at_out, struct err *err);
MUST_CHECK enum rc outbox_cursor_move(struct tx *tx, str maker, uint64_t from, uint64_t to,
				      struct err *err);

/* --- senders --- */

enum { OUTBOX_TAKE_MOST = 256, OUTBOX_DETAILS_MAX = 16384 };
#define OUTBOX_PAUSE_LEAST (5 * SECOND_US)
#define OUTBOX_PAUSE_MOST (15 * MINUTE_US)

/* Takes up to `most` messages of a driver that are due, by lane and age, for `lease_us`. Leases that
 * ran out come back: taken ones queued again, draining ones uncertain. Expired ones fail. */
MUST_CHECK enum rc outbox_take(struct store *s, const char *driver, size_t most, int64_t lease_us,
			       struct arena *a, struct message **out, size_t *count_out,
			       struct err *err);
/* Is there something to take, or a lease that ran out? A look, so that idle senders write nothing. */
MUST_CHECK enum rc outbox_due(struct conn *c, const char *driver, int64_t now_us, bool *out,
			      struct err *err);
/* Inside a job: takes this very one, that is queued, for who ends it in the same job by
 * outbox_end_tx() (a person who takes note). RC_CONFLICT: a sender has it, or it has ended. */
MUST_CHECK enum rc outbox_take_one(struct tx *tx, int64_t id, struct err *err);
/* At start, before any sender runs: what a process that died had taken, as if its leases ran out. */
MUST_CHECK enum rc outbox_recover(struct store *s, struct err *err);
/* Inside a job: all that this driver had not ended, of which nobody knows any more whether it went (a backup): it is
 * uncertain. *count_out grows by how many. */
MUST_CHECK enum rc outbox_unsure(struct tx *tx, const char *driver, str words, uint64_t *count_out, struct err *err);
MUST_CHECK enum rc outbox_covers(struct conn *c, int64_t id, struct arena *a, struct cover **out,
				 size_t *count_out, struct err *err);
/* Inside a job: it does not cover this any more; what has ended keeps what it covered. */
MUST_CHECK enum rc outbox_uncover(struct tx *tx, int64_t id, str item, struct err *err);
/* Durable before the last byte goes out. RC_CONFLICT: it is no longer ours (lease, withdrawn). */
MUST_CHECK enum rc outbox_draining(struct store *s, int64_t id, struct err *err);

enum outcome { OUTCOME_SENT, OUTCOME_RETRY, OUTCOME_UNCERTAIN, OUTCOME_REFUSED, OUTCOME_FAILED,
	       OUTCOME_REHEARSED };
struct outcome_of {
	enum outcome outcome;
	uint64_t policy;    /* under which it was checked at this try */
	const char *rule;   /* that decided */
	str cut;            /* names of fields that were cut, by comma */
	str reference;      /* of the driver: Message-ID, receipt */
	str words;          /* what the other side said, or why */
	int64_t retry_us;   /* RETRY: not before this long from now; 0: the growing pause */
	bool untried;       /* RETRY: it only waits for its turn: counts as no try */
};
/* RETRY queues it again; every other outcome ends it with a ledger row. */
MUST_CHECK enum rc outbox_end(struct store *s, int64_t id, const struct outcome_of *o, struct err *err);
MUST_CHECK enum rc outbox_end_tx(struct tx *tx, int64_t id, const struct outcome_of *o,
				 struct err *err);

/* A person: stops it, unless it is sent; queues an uncertain or failed one again. Journalled. */
MUST_CHECK enum rc outbox_withdraw(struct tx *tx, struct journal *j, int64_t id, str by, str why,
				   struct err *err);
/* What this maker, or one below it ("clock:ID" has "clock:ID:due:0"), queued and nobody has taken: it is about
 * what is over. For makers, as part of what they do. */
MUST_CHECK enum rc outbox_withdraw_made(struct tx *tx, str maker, str why, struct err *err);
MUST_CHECK enum rc outbox_again(struct tx *tx, struct journal *j, int64_t id, str by, str why,
				struct err *err);

/* A sent or uncertain one did not arrive: it is queued `again` (for another address), or has failed. */
MUST_CHECK enum rc outbox_returned(struct tx *tx, int64_t id, bool again, str words, struct err *err);

MUST_CHECK enum rc outbox_load(struct conn *c, int64_t id, struct arena *a, struct message *out,
			       struct err *err);
struct outbox_query {
	const char *driver;         /* NULL: any */
	enum message_state state;   /* 0: any */
	str recipient, item;        /* "": any */
	int64_t before;             /* id; 0: from the newest */
	size_t limit;
};
MUST_CHECK enum rc outbox_list(struct conn *c, const struct outbox_query *q, struct arena *a,
			       struct message **out, size_t *count_out, struct err *err);

/* What waits for one recipient, newest first: by index, whatever else is queued. */
MUST_CHECK enum rc outbox_waiting(struct conn *c, const char *driver, str recipient, int64_t before,
				  size_t limit, struct arena *a, struct message **out,
				  size_t *count_out, struct err *err);

/* --- ledger --- */

enum ledger_kind { LEDGER_SENT = 1, LEDGER_UNCERTAIN, LEDGER_WITHDRAWN, LEDGER_REFUSED, LEDGER_FAILED,
		   LEDGER_RECEIPT, LEDGER_ANSWER, LEDGER_SHOWN, LEDGER_SAID, LEDGER_REHEARSED,
		   LEDGER_BOUNCED };
const char *ledger_kind_name(enum ledger_kind k);
struct ledger_row {
	int64_t id, at_us, message; /* message 0: without one (a call, a page shown) */
	enum ledger_kind kind;
	str driver, recipient, item;
	uint64_t item_version, policy;
	int purpose;
	str rule, cut, reference, words;
	uint64_t covers;            /* how many items the message covered */
};
/* A receipt or an answer to a message that was sent or is uncertain; idempotent by reference. */
MUST_CHECK enum rc ledger_receipt(struct tx *tx, int64_t message, enum ledger_kind kind,
				  str reference, str words, struct err *err);
/* What was handed over did not arrive, or is not taken where it goes: said beside how the message itself
 * ends. RC_CONFLICT: nothing of it was ever tried. */
MUST_CHECK enum rc ledger_bounced(struct tx *tx, int64_t message, str reference, str words, struct err *err);
/* What was disclosed otherwise: said on the phone, shown under break-glass. */
MUST_CHECK enum rc ledger_add(struct tx *tx, const struct ledger_row *row, int64_t *id_out,
			      struct err *err);
struct ledger_query {
	str recipient, item;        /* "": any; an item counts when a message covered it */
	int64_t before;
	size_t limit;
};
MUST_CHECK enum rc ledger_list(struct conn *c, const struct ledger_query *q, struct arena *a,
			       struct ledger_row **out, size_t *count_out, struct err *err);

/* Recounts: every message that ended has its ledger row, every row its message. For verify;
 * `words_out` takes 200 bytes, "" when they agree. */
MUST_CHECK enum rc outbox_verify(struct conn *c, char *words_out, struct err *err);

#endif
