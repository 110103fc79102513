/* SPDX-License-Identifier: Apache-2.0 */
/* findings.h: what is wrong, with a life: the fold of all events with one key.
 *
 * The key is chosen per report class by findings.def (scan and compromised
 * types include the service port; client-side types leave the source port
 * out); the id is the keyed hash of the key. The fold reads events after its
 * cursor, updates findings and writes transitions (opened, returned, gone,
 * changed) in ONE commit with the cursor. "Gone" counts only over complete
 * runs of the feed that arrived; on networks of shared addresses it never
 * does. Each teller of transitions has its own durable cursor.
 *
 * Reading for people goes through disclosure/read.h. */
#ifndef RONDA_ROUTE_FINDINGS_H
#define RONDA_ROUTE_FINDINGS_H

#include "route/concern.h"
#include "store/events.h"

enum finding_state { FINDING_OPEN = 1, FINDING_GONE = 2, FINDING_RETURNED = 3 };
enum transition { TRANSITION_OPENED = 1, TRANSITION_RETURNED = 2, TRANSITION_GONE = 3,
		  TRANSITION_CHANGED = 4 };
enum finding_mark { MARK_TOLD = 1, MARK_ANSWERED = 2, MARK_HELD = 3 };
const char *finding_state_name(enum finding_state s);
const char *transition_name(enum transition t);

/* How sure they are who say so: field feed.accuracy of IntelMQ. */
enum { CONFIDENCE_MOST = 100 };

struct finding {
	struct hash128 id; /* shown as 32 hex digits */
	enum finding_state state;
	int64_t first_seen_us, last_seen_us; /* time.source */
	uint64_t events, returns;
	int64_t feed;      /* of the newest event */
	enum tlp tlp;      /* strictest of what it was made from */
	uint8_t confidence; /* 1 + 0..CONFIDENCE_MOST: highest of what it was made from; 0: none stated one */
	bool exercise, shared_address;
	struct concerns concerns;
	int64_t told_us, answered_us, held_us; /* 0: not */
	str type, identifier, severity, key;   /* key: "ip 198.18.0.1 port 23" */
	str cc;
	uint32_t asn;
	str mark_reason;
};

/* Folds up to `most` events behind the cursor; *did_out: by how many sequence
 * numbers it moved. Run by one thread; the calls below may run beside it. `d`
 * may be NULL: then nobody is concerned. */
MUST_CHECK enum rc findings_fold(struct store *s, const struct directory *d, uint64_t most,
				 uint64_t *did_out, struct err *err);
/* True when every committed event is folded. */
MUST_CHECK enum rc findings_caught_up(struct reader *r, bool *out, struct err *err);
/* After a complete run of a feed arrived (`run` is its report): what was not in
 * it is gone. Does nothing while there are events not folded, or when this run
 * was seen before: call it again after the next fold. */
MUST_CHECK enum rc findings_run_complete(struct store *s, int64_t feed, int64_t run, struct err *err);

/* An exact repeat makes no event, and yet it stands in its run: for feeds of
 * which one report is all there is, the pipeline notes the repeats it drops.
 * First before they are dropped (`out` has room for all rows; returns how many),
 * then inside the job that commits the batch. */
struct seen_again {
	struct hash128 id;
	int64_t time_us;
};
size_t findings_seen_again(struct store *s, const struct batch *b, const bool *is_repeat,
			   int64_t received_us, struct seen_again *out);
MUST_CHECK enum rc findings_note_seen(struct tx *tx, int64_t feed, int64_t run,
				      const struct seen_again *list, size_t n, struct err *err);

struct finding_query {
	enum finding_state state;   /* 0: open and returned */
	const char *type;           /* NULL: any */
	int64_t org;                /* 0: any: one of the concerned */
	struct net net;             /* bits and address zero: any */
	bool has_net;
	const char *severity;
	struct hash128 after;       /* paging: id of the last one seen; zero: start */
	int64_t after_last_seen_us;
	uint32_t tlp_mask;
	bool exercise;
	uint64_t limit;
};
typedef bool (*finding_each)(void *ctx, const struct finding *f);
/* By last_seen, newest first. */
MUST_CHECK enum rc findings_list(struct reader *r, const struct finding_query *q, finding_each each,
				 void *ctx, struct err *err);
MUST_CHECK enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a,
				struct finding *out, struct err *err);
/* First and last seen by feed. */
struct finding_feed {
	int64_t feed, first_seen_us, last_seen_us, report;
};
MUST_CHECK enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a,
				  struct finding_feed **out, size_t *count_out, struct err *err);
MUST_CHECK enum rc findings_mark(struct tx *tx, struct hash128 id, enum finding_mark mark, str reason,
				 str by, struct err *err);
/* The same mark of several, in any order: each block of findings is read once. Of one that stands twice the first
 * counts; those that there are not are left out. *marked_out: how many were marked. */
struct finding_marked {
	struct hash128 id;
	str reason;
};
MUST_CHECK enum rc findings_mark_all(struct tx *tx, const struct finding_marked *list, size_t count,
				     enum finding_mark mark, str by, size_t *marked_out, struct err *err);
/* Takes a mark back; none is fine. */
MUST_CHECK enum rc findings_unmark(struct tx *tx, struct hash128 id, enum finding_mark mark, struct err *err);
/* Open findings follow the directory: after it was loaded anew, asks again whom
 * each concerns; transitions where the answer is another one. In the background. */
MUST_CHECK enum rc findings_reroute(struct store *s, const struct directory *d, struct err *err);
/* Makes the findings anew from base and events and compares; writes and tells
 * only true differences. RC_INPUT: damaged events, then nothing is believed. */
MUST_CHECK enum rc findings_rebuild(struct store *s, const struct directory *d, struct err *err);
/* Background work, for store_add_tend(): keeps main.db and the files of findings
 * small. Run by one thread. */
MUST_CHECK enum rc findings_tend(struct store *s, void *ctx, bool *did_out, struct err *err);
/* Asks the background, in a job, to take out of the files of findings what no longer stands in
 * any; and whether it still is to. */
MUST_CHECK enum rc findings_tidy(struct tx *tx, struct err *err);
MUST_CHECK enum rc findings_tidy_wanted(struct conn *c, bool *out, struct err *err);
/* The events a finding is made of, that are still here. Reads them all. */
MUST_CHECK enum rc findings_events(struct reader *r, struct hash128 id, event_each each, void *ctx,
				   struct err *err);
/* Of some of them the newest events, at most `per` of each, newest first: those of the last day before the
 * oldest of their `last_us` that concerned `org` (0: anybody) when they came; of those that have none
 * so, the one seen last. Events with the identifier that all findings have come before others. False stops. */
struct finding_wanted {
	struct hash128 id;
	int64_t last_us;   /* of the finding */
	uint64_t events;   /* of the finding: no more are looked for; 0: not known */
	str identifier;    /* of the finding; "": not known */
	size_t given;      /* out */
};
typedef bool (*finding_event_each)(void *ctx, const struct event_row *e, size_t place);
MUST_CHECK enum rc findings_newest_events(struct reader *r, struct finding_wanted *list, size_t count,
					  int64_t org, size_t per, finding_event_each each, void *ctx,
					  struct err *err);
/* Those that a person holds back, to ask whether an event is of one. */
struct findings_held;
MUST_CHECK enum rc findings_held_load(struct reader *r, struct findings_held **out, struct err *err);
bool findings_held_has(struct findings_held *h, const struct event_row *e);
void findings_held_free(struct findings_held *h); /* NULL is fine */
/* The finding that an event made, by the event's outside id. RC_ABSENT: none, there is no such event any more, or it
 * did not concern `org`. */
MUST_CHECK enum rc findings_event_finding(struct reader *r, str event, int64_t org, struct hash128 *out,
					  struct err *err);
/* Called by forget before a day's events go: folds them into a base. RC_BUSY:
 * there are events the fold has not seen. */
MUST_CHECK enum rc findings_before_forget(struct store *s, int32_t before_day, struct err *err);

/* Undo of one report (`feed undo RUN`) re-reads the findings its events made. */
MUST_CHECK enum rc findings_undo_report(struct store *s, const struct directory *d, int64_t report,
					struct err *err);

/* --- transitions and who has been told of them --- */
struct transition_row {
	uint64_t seq;
	int64_t at_us;
	struct hash128 finding;
	enum transition what;
	enum tlp tlp;
	bool exercise;
};
MUST_CHECK enum rc transitions_read(struct conn *c, const char *teller, size_t most, struct arena *a,
				    struct transition_row **out, size_t *count_out, struct err *err);
/* Inside the job that also writes what the teller tells. */
MUST_CHECK enum rc transitions_told(struct tx *tx, const char *teller, uint64_t seq, struct err *err);
/* A teller for tests and `findings follow`: appends a line for each transition
 * not yet told ("NUMBER TIME WHAT FINDING TLP:...") and notes that. A crash
 * leaves no line out and none twice. */
MUST_CHECK enum rc transitions_tell_file(struct store *s, const char *path, uint64_t *told_out,
					 struct err *err);

#endif
