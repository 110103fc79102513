/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline_private.h: what pipeline.c, run.c, retry.c share; for them only. */
#ifndef RONDA_NODE_PIPELINE_PRIVATE_H
#define RONDA_NODE_PIPELINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "event/fingerprint.h"
#include "node/pipeline.h"

enum { WORK_ITEMS = 3, RETRY_MOST = 100000 };
#define FOLD_STEP UINT64_C(32768)
#define FOLD_EVERY_US (200 * INT64_C(1000))
#define FOLD_SELDOM_US (5 * SECOND_US) /* when neither a commit nor another directory calls for it */
#define TEND_EVERY_US SECOND_US
/* After a change, so many looks for its commit. */
enum { DIRECTORY_LOOKS = 100 };
#define DIRECTORY_EVERY_US (100 * INT64_C(1000))

struct pipeline {
	struct node *node;
	struct claims *active;    /* reports being parsed now */
	struct queue *free_work;  /* of struct work: bounds memory over all deliveries */
	struct queue *fold_wake, *tend_wake;
	struct queue *directory_rest; /* never filled: the directory's thread sleeps on it */
	struct queue *fold_rest;  /* never filled: the fold sleeps on it, closing wakes it */
	struct key fingerprint_key;
	pthread_t folder, tender, keeper;
	uint64_t routed;          /* version of the directory the findings follow; the fold's own */
	bool look_at_runs;        /* a report ended since the fold last looked; its own too */
	bool threads;
	atomic_bool stopping;
};

/* One batch on its way from the child to the disk. */
struct work {
	struct batch *batch;
	struct hash128 hash[BATCH_ROWS];
	bool repeat[BATCH_ROWS];
	struct event_chunk *chunk; /* NULL: no events left */
	struct seen_again seen[BATCH_ROWS]; /* of a complete run: repeats that stand in it */
	size_t seen_count;
	struct repeats_ticket *ticket;
	uint64_t from_input;       /* the report's row must stand there: else a batch before was lost */
	struct report after;       /* the report's row once this batch is in */
	struct store_job job;
	struct node *node;
};
struct work *work_new(void);
void work_free(struct work *w);

struct run_options {
	const struct feed *feed;
	str mapping, actor;
	void (*progress)(void *ctx, const struct report_counts *now);
	void *ctx;
};

/* Parses `r` (state PARSING) from where it stopped to its end; on RC_OK its
 * state is DONE or REFUSED and on disk. RC_BUSY: another thread is at it. */
MUST_CHECK enum rc run_report(struct pipeline *p, struct report *r, const struct run_options *o,
			      bool *unknown_type_out, struct err *err);
void pipeline_wake(struct pipeline *p);

/* What the node adds to the rows of a batch; run.c's steps, also used by retry.c. */
struct prepare {
	struct node *node;
	const struct feed *feed;
	const struct directory *directory;
	const struct key *fingerprint_key;
};
MUST_CHECK enum rc work_prepare(struct work *w, const struct prepare *by, struct report *r,
				struct err *err);
/* Ends what work_prepare began. NULL chunk and ticket are fine. */
void work_end(struct work *w, bool committed);
/* The writer's job for one work item: events, repeats, quarantine, report.
 * RC_CONFLICT: not on top of what it was prepared for; prepare it again. */
enum rc work_commit(struct tx *tx, void *ctx, struct err *err);

#endif
