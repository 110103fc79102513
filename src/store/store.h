/* SPDX-License-Identifier: Apache-2.0 */
/* store.h: where a node keeps everything, and the only commit point.
 *
 * A store is one directory: main.db (SQLite, WAL, synchronous=FULL) names all
 * that exists; raw/DAY.seg and events/DAY.seg hold what is large. What main.db
 * does not name does not exist: readers never see it, start truncates it.
 * docs/format.md describes it to the byte.
 *
 * One writer thread, inside the store, groups what is asked of it: jobs that
 * arrive within 50 ms (or until a group is large) run one after another in one
 * transaction, each in a savepoint of its own; the segments they appended to
 * are synced, then main.db commits (synced), then the jobs are told. RC_OK
 * means: on disk. A sync that fails makes the store read-only until it is
 * opened again. Readers never wait for the writer.
 *
 * Threads may share a store. The store keeps nothing of yours after a call. */
#ifndef RONDA_STORE_STORE_H
#define RONDA_STORE_STORE_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"
#include "store/sql.h"

struct store;
struct tx; /* the transaction a job runs in; only inside that job */

struct store_options {
	uint64_t reserve_bytes;  /* kept free: below it writes give RC_LIMIT (64 MiB),
				  * but for jobs with use_reserve */
	int64_t group_us;        /* longest wait for company (50 ms) */
	uint32_t cache_kib;      /* SQLite's page cache of the writer; readers have an eighth */
};
extern const struct store_options store_options_default;

/* Makes DIR with an empty store. RC_CONFLICT: DIR exists and is not empty. */
MUST_CHECK enum rc store_create(const char *dir, const char *name, const char *country,
				struct err *err);
/* Locks DIR, migrates (numbered, restartable), truncates what is not named,
 * starts the writer. RC_BUSY: another process has it. RC_CONFLICT: written by
 * a newer ronda. */
MUST_CHECK enum rc store_open(const char *dir, const struct store_options *o, struct log *log,
			      struct store **out, struct err *err);
void store_close(struct store *s); /* finishes what was submitted; NULL is fine */

struct io_dir *store_dir(struct store *s);
const struct key *store_secret(const struct store *s); /* the node's secret; never printed */
/* The same, out of a view, for who has no store: his to wipe. */
MUST_CHECK enum rc store_secret_of(struct conn *c, struct key *out, struct err *err);
str store_node_id(const struct store *s);  /* uuid */
str store_node_name(const struct store *s);
str store_node_country(const struct store *s); /* ISO 3166 alpha-2 */
bool store_read_only(const struct store *s);   /* after a failed sync or on a read-only disk */

/* --- writing --- */

/* Runs in the writer thread. Anything but RC_OK rolls back this job alone. */
typedef enum rc (*store_job_fn)(struct tx *tx, void *ctx, struct err *err);

/* Runs `fn` and waits until it is on disk. */
MUST_CHECK enum rc store_write(struct store *s, store_job_fn fn, void *ctx, struct err *err);

/* The same without waiting: `job` and ctx stay yours and untouched until
 * store_wait(). `bytes` is about what it appends, for back-pressure: submit
 * waits while more than 32 MiB are under way. */
struct store_job {
	store_job_fn fn;
	void *ctx;
	size_t bytes;
	bool use_reserve; /* may take of reserve_bytes: journal, outbox, and what makes room */
	/* the store's own */
	bool unnamed;     /* only appends what a later job names: no transaction */
	unsigned tokens;
	enum rc rc;
	struct err err;
	struct gate *done;
};
void store_submit(struct store *s, struct store_job *job);
MUST_CHECK enum rc store_wait(struct store *s, struct store_job *job, struct err *err);

struct conn *tx_conn(struct tx *tx);
struct store *tx_store(struct tx *tx);
int64_t tx_now_us(const struct tx *tx); /* one time for the whole commit group */

/* Called once in each commit group that has work, after its jobs and before
 * COMMIT; an error fails the whole group. The journal signs its head here. */
void store_before_commit(struct store *s, store_job_fn fn, void *ctx);
/* Takes it back, when nobody writes any more. */
void store_no_before_commit(struct store *s, store_job_fn fn, void *ctx);

struct queue;
/* How often something was committed since the store was opened: who looks for what is new need not, while it stands. */
unsigned store_commits(const struct store *s);
/* After each such commit a token is put into `wake`, when there is room, until it is taken back. */
void store_wake_on_commit(struct store *s, struct queue *wake);
void store_no_wake_on_commit(struct store *s, struct queue *wake);

enum segment { SEGMENT_RAW, SEGMENT_EVENTS, SEGMENT_FINDINGS };
struct place {
	int32_t day;     /* days since 1970: of receipt */
	uint32_t number; /* several files a day when a segment is rewritten */
	uint64_t offset; /* of the frame */
	uint32_t bytes;  /* of the frame */
};
/* Appends one frame (checksummed). It exists once a row names it. */
MUST_CHECK enum rc tx_append(struct tx *tx, enum segment which, int32_t day, str payload,
			     struct place *out, struct err *err);

/* --- reading --- */

struct reader; /* a stable view: one snapshot of main.db */
MUST_CHECK enum rc store_read_begin(struct store *s, struct reader **out, struct err *err);
void store_read_end(struct reader *r);
struct conn *reader_conn(struct reader *r);
struct store *reader_store(struct reader *r);
/* The payload of a frame, checked. RC_INPUT: damaged; RC_ABSENT: forgotten meanwhile. */
MUST_CHECK enum rc reader_frame(struct reader *r, enum segment which, const struct place *at,
				struct buf *out, struct err *err);

/* The same without a view: inside a job, for what a row names; or for a file that
 * nobody but the caller removes. */
MUST_CHECK enum rc store_frame(struct store *s, enum segment which, const struct place *at,
			       struct buf *out, struct err *err);

/* Background work (seal the tail, merge tag files): runs when there is some;
 * false when there was nothing to do. Called by the node's background thread. */
MUST_CHECK enum rc store_tend(struct store *s, bool *did_out, struct err *err);
/* Who has such work says so once after store_open (at most 32). Each call does
 * one piece of work and sets *did_out when there was one. One that fails stands in nobody's way:
 * store_tend() gives the first failure when all were called. */
typedef enum rc (*store_tend_fn)(struct store *s, void *ctx, bool *did_out, struct err *err);
void store_add_tend(struct store *s, store_tend_fn fn, void *ctx);

#endif
