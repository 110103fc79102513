/* SPDX-License-Identifier: Apache-2.0 */
/* events.h: events at rest, and finding them again.
 *
 * Up to 4,096 events are one column chunk (chunk.h): a frame in events/DAY.seg
 * and a manifest row with zone map and bloom filter. Commits of few events go
 * to the tail (a table of small chunks) and are sealed together later. Readers
 * see both. Each event has a sequence number, in commit order from 1.
 *
 * These readers serve the pipeline's floors (fold, verify, rebuild, forget)
 * and disclosure/read.c ONLY: everything above reads through disclosure/read.h. */
#ifndef RONDA_STORE_EVENTS_H
#define RONDA_STORE_EVENTS_H

#include "event/batch.h"
#include "store/reports.h"

/* A batch made ready for the disk in a pipeline thread, off the writer's time.
 * `report` and `received_us` are those of the report; with r->exercise each row
 * is stored as one of an exercise. fp_half[i] is kept as a column (8 bytes a
 * row); NULL: not kept, which is right since repeats.h keeps its own. */
struct event_chunk;
MUST_CHECK enum rc event_chunk_new(const struct batch *b, const struct report *r,
				   const uint64_t *fp_half, struct event_chunk **out,
				   struct err *err);
void event_chunk_free(struct event_chunk *c);
size_t event_chunk_bytes(const struct event_chunk *c);
uint32_t event_chunk_rows(const struct event_chunk *c);
/* Inside a job: gives the rows their sequence numbers and names them. */
MUST_CHECK enum rc event_chunk_commit(struct tx *tx, struct event_chunk *c, uint64_t *first_seq_out,
				      struct err *err);

/* Inside a job: takes events of a report that was undone out of chunks and tail, a
 * piece at a time. `day` is that of its receipt; *at is 0 at the begin and kept by
 * the caller between calls. `left` is told of files in which frames lost their row. */
typedef enum rc (*events_left)(void *ctx, struct tx *tx, const struct place *file, struct err *err);
MUST_CHECK enum rc events_drop(struct tx *tx, int64_t report, int32_t day, uint64_t *at,
			       events_left left, void *ctx, bool *more_out, struct err *err);

/* The same for single events, listed before under a number of the caller's: they leave the
 * list as they go. Numbers of the others stay. The counts of their reports stay too. */
MUST_CHECK enum rc events_list_new(struct conn *c, int64_t *list_out, struct err *err);
MUST_CHECK enum rc events_list_add(struct tx *tx, int64_t list, uint64_t seq, struct err *err);
MUST_CHECK enum rc events_drop_listed(struct tx *tx, int64_t list, events_left left, void *ctx,
				      bool *more_out, struct err *err);

/* Background work: seals the oldest run of the tail that is full (4,096 rows),
 * can grow no more (a chunk follows it) or is of an earlier day. *did_out: it
 * did one. To be given to store_add_tend(); ctx is not used. */
MUST_CHECK enum rc events_seal(struct store *s, void *ctx, bool *did_out, struct err *err);

/* --- finding them again --- */

/* What a condition compares; a field alone stands for its own kind. */
struct event_filter {
	enum field field;      /* FIELD_EXTRA: `key` */
	str key;
	enum { FILTER_EQ, FILTER_IN_NET, FILTER_PREFIX, FILTER_SUFFIX, FILTER_ORG } op;
	str text;              /* EQ of text (also addresses and numbers, as text), PREFIX,
				* SUFFIX (".example.org"); p == NULL: none is meant */
	struct net net;        /* IN_NET, EQ of an address */
	int64_t number;        /* EQ of numbers; ORG: id of the organisation concerned */
};

struct event_query {
	int64_t from_us, until_us;     /* time.source, half open; 0, 0: all; until 0: no end */
	const struct event_filter *filters;
	size_t filter_count;           /* all must hold */
	uint64_t before_seq, after_seq; /* exclusive; 0: none. Cursors of paging and fold */
	int64_t report;                /* 0: any */
	uint32_t tlp_mask;             /* bit per enum tlp that may be seen: others do not exist */
	bool exercise;                 /* also those of exercises */
	bool undone;                   /* also those of reports that were undone, to tell of that */
	bool again;                    /* others will soon ask for the same: decoded chunks are held */
	bool oldest_first;             /* default newest (highest sequence) first */
	uint64_t limit;                /* 0: none */
};

struct event_row {
	uint64_t seq;
	int64_t report, received_us;
	const struct batch *batch; /* the decoded chunk, and the row in it; valid in the callback */
	const struct row *row;
};
/* False stops. Must not call batch_amend() on the batch. */
typedef bool (*event_each)(void *ctx, const struct event_row *e);
/* Events of reports that were undone do not exist. RC_INPUT: part of what was
 * asked for is damaged on disk; all the rest was given. */
MUST_CHECK enum rc events_scan(struct reader *r, const struct event_query *q, event_each each,
			       void *ctx, struct err *err);

/* Groups by up to 4 keys; counts without making rows. Most first. With BY_ORG an
 * event counts once for each organisation it concerns. RC_LIMIT: over 1 M
 * groups. `limit` of the query is not used. */
enum count_by { BY_DAY, BY_TYPE, BY_TAXONOMY, BY_CC, BY_ASN, BY_ORG, BY_FEED, BY_IDENTIFIER,
		BY_SEVERITY, BY_TLP, COUNT_BY_KEYS };
struct count_row {
	str key[4]; /* text; "" when the event has none. In `a`. */
	uint64_t count;
};
MUST_CHECK enum rc events_count(struct reader *r, const struct event_query *q,
				const enum count_by *by, size_t by_count, struct arena *a,
				struct count_row **rows_out, size_t *count_out, struct err *err);

/* For each selected event, and each of these organisations (ascending, each once) that it concerns: its place among
 * them. Without making rows. False stops. `limit` of the query is not used. */
typedef bool (*event_concerning_each)(void *ctx, uint64_t seq, int64_t report, size_t place);
MUST_CHECK enum rc events_concerning(struct reader *r, const struct event_query *q, const int64_t *orgs, size_t count,
				     event_concerning_each each, void *ctx, struct err *err);

/* Highest sequence number committed; 0: none. */
MUST_CHECK enum rc events_last_seq(struct reader *r, uint64_t *out, struct err *err);

/* Outside id of an event: 32 hex digits that tell nothing and cannot be made
 * up, and back (false: not one of ours). */
str event_id(const struct key *secret, uint64_t seq, char text[40]);
bool event_id_parse(const struct key *secret, str text, uint64_t *seq_out);

#endif
