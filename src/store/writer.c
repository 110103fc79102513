/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_private.h"

#include "base/arena.h"

enum {
	QUEUE_JOBS = 1024,
	GROUP_JOBS = 512,
	HOOKS = 8,
	TOKENS = 32,             /* of 1 MiB each: what may be under way */
	CHECKPOINT_PAGES = 1000, /* log pages after which an idle writer folds them in */
	CHECKPOINT_LATEST = 4000 /* ... and a busy one too */
};
#define TOKEN_BYTES MIB(1)
#define GROUP_BYTES MIB(8)

struct writer {
	struct store *s;
	struct segments *segments;
	struct queue *jobs;
	struct queue *room; /* tokens left */
	struct queue *turn; /* who may take several tokens: else two could each hold half */
	pthread_t thread;
	struct hook {
		store_job_fn fn;
		void *ctx;
		atomic_bool on;
	} hook[HOOKS];
	atomic_uint hooks;
	int log_pages; /* in main.db-wal after the last commit */
};

/* Jobs that share one transaction. */
struct group {
	struct writer *w;
	struct tx tx;
	struct store_job *job[GROUP_JOBS];
	size_t n, bytes;
	bool open; /* the transaction began */
	int64_t start_us;
	uint64_t free_bytes;
	int changes; /* of the connection at the start */
};

/* --- being asked --- */

static void take_tokens(struct writer *w, struct store_job *job)
{
	size_t n = job->bytes / TOKEN_BYTES;
	job->tokens = (unsigned)(n < TOKENS ? n : TOKENS);
	if (!job->tokens)
		return;
	(void)queue_take(w->turn);
	for (unsigned i = 0; i < job->tokens; i++)
		(void)queue_take(w->room);
	(void)queue_put(w->turn, w);
}

static void finish(struct writer *w, struct store_job *job, enum rc rc)
{
	for (unsigned i = 0; i < job->tokens; i++)
		(void)queue_put(w->room, w);
	job->rc = rc;
	gate_open(job->done);
}

void writer_submit(struct writer *w, struct store_job *job)
{
	job->done = gate_new();
	job->rc = RC_IO;
	job->err.text[0] = '\0';
	take_tokens(w, job);
	if (!queue_put(w->jobs, job))
		finish(w, job, fail(&job->err, RC_BUSY, "the store is closing"));
}

void writer_add_hook(struct writer *w, store_job_fn fn, void *ctx)
{
	unsigned n = atomic_load(&w->hooks);
	if (n >= HOOKS)
		abort(); /* our own bug: hooks are registered once, at start */
	w->hook[n].fn = fn;
	w->hook[n].ctx = ctx;
	atomic_store(&w->hook[n].on, true);
	atomic_store(&w->hooks, n + 1);
}

void writer_drop_hook(struct writer *w, store_job_fn fn, void *ctx)
{
	unsigned n = atomic_load(&w->hooks);
	for (unsigned i = 0; i < n; i++)
		if (w->hook[i].fn == fn && w->hook[i].ctx == ctx)
			atomic_store(&w->hook[i].on, false);
}

/* --- a group --- */

static enum rc begin(struct group *g, struct err *err)
{
	enum rc rc = sql_run(sql(g->tx.c, "BEGIN IMMEDIATE"), err);
	if (rc != RC_OK)
		return rc;
	g->open = true;
	g->changes = sqlite3_total_changes(conn_db(g->tx.c));
	segments_group_mark(g->tx.segments);
	return RC_OK;
}

/* Whether there is room for the job, and whether the store may write at all. */
static enum rc may_write(struct group *g, const struct store_job *job, struct err *err)
{
	struct store *s = g->tx.s;
	if (store_read_only(s))
		return fail(err, RC_IO, "the store is read-only: %s",
			    s->read_only_disk ? "the disk is" : s->why);
	if (job->use_reserve)
		return RC_OK;
	uint64_t need = s->o.reserve_bytes + job->bytes;
	if (g->free_bytes == UINT64_MAX && io_free_bytes(s->dir, &g->free_bytes, NULL) != RC_OK)
		return RC_OK; /* the write itself will tell */
	if (g->free_bytes < need)
		return fail(err, RC_LIMIT, "the disk is full: %llu MiB free, %llu are kept back",
			    (unsigned long long)(g->free_bytes >> 20),
			    (unsigned long long)(s->o.reserve_bytes >> 20));
	return RC_OK;
}

/* A call of the machine failed: nothing more is written until the next open. */
static void give_up(struct group *g, const struct err *why)
{
	store_fail(g->tx.s, why);
	conn_keep_log(g->tx.c);
}

/* The transaction is gone, with all that was done in it. */
static void lose_group(struct group *g, enum rc rc, const struct err *why)
{
	if (conn_in_transaction(g->tx.c))
		(void)!sql_run(sql(g->tx.c, "ROLLBACK"), NULL);
	if (rc == RC_IO || conn_broken(g->tx.c))
		give_up(g, why);
	for (size_t i = 0; i < g->n; i++) {
		g->job[i]->err = *why;
		finish(g->w, g->job[i], rc);
	}
	g->n = 0;
	g->open = false;
}

static enum rc run_in_savepoint(struct group *g, struct store_job *job)
{
	struct err *err = &job->err;
	enum rc rc = sql_run(sql(g->tx.c, "SAVEPOINT job"), err);
	if (rc != RC_OK)
		return rc;
	segments_mark(g->tx.segments);
	rc = job->fn(&g->tx, job->ctx, err);
	if (rc == RC_OK && conn_in_transaction(g->tx.c))
		return sql_run(sql(g->tx.c, "RELEASE job"), err);
	segments_back(g->tx.segments);
	if (conn_in_transaction(g->tx.c)) {
		enum rc back = sql_run(sql(g->tx.c, "ROLLBACK TO job"), NULL);
		if (back == RC_OK)
			back = sql_run(sql(g->tx.c, "RELEASE job"), NULL);
		if (back != RC_OK)
			(void)!sql_run(sql(g->tx.c, "ROLLBACK"), NULL);
	}
	return rc == RC_OK ? fail(err, RC_IO, "the transaction ended inside a job") : rc;
}

static void run_named(struct group *g, struct store_job *job)
{
	enum rc rc = may_write(g, job, &job->err);
	if (rc == RC_OK && !g->open)
		rc = begin(g, &job->err);
	if (rc == RC_OK)
		rc = run_in_savepoint(g, job);
	if (rc == RC_OK) {
		g->job[g->n++] = job;
		g->bytes += job->bytes;
		return;
	}
	struct err why = job->err;
	/* SQLite ends the transaction by itself when the disk is full or fails */
	if (g->open && !conn_in_transaction(g->tx.c)) {
		lose_group(g, rc, &why);
		segments_group_back(g->tx.segments);
	} else if (conn_broken(g->tx.c)) {
		give_up(g, &why);
	}
	finish(g->w, job, rc);
}

/* Appends only: a later job names it, and makes it durable. */
static void run_unnamed(struct group *g, struct store_job *job)
{
	enum rc rc = may_write(g, job, &job->err);
	if (rc == RC_OK) {
		segments_mark(g->tx.segments);
		rc = job->fn(&g->tx, job->ctx, &job->err);
		if (rc != RC_OK)
			segments_back(g->tx.segments);
		else
			segments_group_mark(g->tx.segments);
	}
	finish(g->w, job, rc);
}

static bool group_is_full(const struct group *g)
{
	return g->n == GROUP_JOBS || g->bytes >= GROUP_BYTES ||
	       clock_mono_us() - g->start_us >= g->tx.s->o.group_us;
}

static enum rc prepare_commit(struct group *g, struct err *err)
{
	unsigned hooks = atomic_load(&g->w->hooks);
	enum rc rc = RC_OK;
	for (unsigned i = 0; i < hooks && rc == RC_OK; i++)
		if (atomic_load(&g->w->hook[i].on))
			rc = g->w->hook[i].fn(&g->tx, g->w->hook[i].ctx, err);
	if (rc == RC_OK)
		rc = segments_save(g->tx.segments, g->tx.c, err);
	if (rc == RC_OK) {
		rc = segments_sync(g->tx.segments, err);
		if (rc != RC_OK)
			give_up(g, err);
	}
	return rc;
}

/* After a COMMIT that failed the log may end in a whole transaction that a
 * restart would find and believe. Its frames may be written over only when the
 * log was emptied first; else their place stays unused. */
static void after_failed_commit(struct group *g)
{
	if (store_read_only(g->tx.s))
		return;
	int code = sqlite3_wal_checkpoint_v2(conn_db(g->tx.c), NULL, SQLITE_CHECKPOINT_TRUNCATE,
					     NULL, NULL);
	if (code == SQLITE_OK)
		segments_group_back(g->tx.segments);
}

static void commit(struct group *g)
{
	struct err err = { 0 };
	enum rc rc = RC_OK;
	bool work = sqlite3_total_changes(conn_db(g->tx.c)) != g->changes;
	if (g->n && work)
		rc = prepare_commit(g, &err);
	if (rc != RC_OK) {
		lose_group(g, rc, &err);
		segments_group_back(g->tx.segments);
		return;
	}
	if (g->n)
		rc = sql_run(sql(g->tx.c, "COMMIT"), &err);
	else
		(void)!sql_run(sql(g->tx.c, "ROLLBACK"), NULL);
	if (rc != RC_OK) {
		lose_group(g, rc, &err);
		after_failed_commit(g);
		return;
	}
	bool changed = work && g->n;
	if (changed) {
		segments_named(g->tx.segments);
		atomic_fetch_add(&g->tx.s->commits, 1);
	}
	for (size_t i = 0; i < g->n; i++)
		finish(g->w, g->job[i], RC_OK);
	if (changed)
		store_committed(g->tx.s);
	g->n = 0;
	g->open = false;
}

/* Runs `first` and what else is waiting; commits as soon as nobody waits any
 * more, so that a lone job does not wait for company. */
static void run_group(struct writer *w, struct group *g, struct store_job *first)
{
	struct store *s = w->s;
	*g = (struct group){
		.w = w,
		.tx = { .s = s, .c = s->conn, .segments = w->segments, .now_us = clock_now_us() },
		.start_us = clock_mono_us(),
		.free_bytes = UINT64_MAX,
	};
	for (struct store_job *job = first; job;) {
		if (job->unnamed)
			run_unnamed(g, job);
		else
			run_named(g, job);
		job = group_is_full(g) ? NULL : queue_take_for(w->jobs, 0);
	}
	if (g->open)
		commit(g);
}

/* --- the log --- */

static int note_log_pages(void *ctx, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct writer *)ctx)->log_pages = pages;
	return SQLITE_OK;
}

/* Folds the log into main.db when it is long, sooner when nobody waits. Readers
 * go on meanwhile; the log starts anew once none of them still reads it. */
static void tidy_log(struct writer *w)
{
	int limit = queue_length(w->jobs) ? CHECKPOINT_LATEST : CHECKPOINT_PAGES;
	bool purge = atomic_exchange(&w->s->fold_wanted, false);
	if ((w->log_pages < limit && !purge) || store_read_only(w->s))
		return;
	sqlite3 *db = conn_db(w->s->conn);
	int in_log = 0, done = 0;
	int how = purge ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
	/* readers may take longer: then after the next commit */
	sqlite3_busy_timeout(db, purge ? 20 : 10000);
	int code = sqlite3_wal_checkpoint_v2(db, NULL, how, &in_log, &done);
	sqlite3_busy_timeout(db, 10000);
	if (purge && code == SQLITE_BUSY)
		atomic_store(&w->s->fold_wanted, true);
	if (purge && code == SQLITE_OK)
		atomic_fetch_add(&w->s->folds, 1);
	if (code == SQLITE_OK || code == SQLITE_BUSY) {
		w->log_pages = in_log - done;
		return;
	}
	struct err err;
	bool full = code == SQLITE_FULL;
	(void)fail(&err, full ? RC_LIMIT : RC_IO, "cannot fold the log of main.db: %s",
		   sqlite3_errmsg(db));
	log_error(w->s->log, "checkpoint failed", L_Z("why", err.text));
	if (full) {
		w->log_pages = 0; /* tried again after the next commits */
		return;
	}
	store_fail(w->s, &err);
	conn_keep_log(w->s->conn);
}

static void *run(void *ctx)
{
	struct writer *w = ctx;
	struct group *g = x_alloc(sizeof(*g));
	struct store_job *job;
	while ((job = queue_take(w->jobs)) != NULL) {
		run_group(w, g, job);
		tidy_log(w);
	}
	free(g);
	return NULL;
}

/* --- its life --- */

static void writer_free(struct writer *w)
{
	segments_free(w->segments);
	queue_free(w->jobs);
	queue_free(w->room);
	queue_free(w->turn);
	free(w);
}

enum rc writer_start(struct store *s, struct writer **out, struct err *err)
{
	struct writer *w = x_alloc(sizeof(*w));
	w->s = s;
	w->segments = segments_new(s);
	w->jobs = queue_new(QUEUE_JOBS);
	w->room = queue_new(TOKENS);
	w->turn = queue_new(1);
	(void)queue_put(w->turn, w);
	for (unsigned i = 0; i < TOKENS; i++)
		(void)queue_put(w->room, w);
	sqlite3_wal_hook(conn_db(s->conn), note_log_pages, w);
	int code = pthread_create(&w->thread, NULL, run, w);
	if (code) {
		writer_free(w);
		return fail_errno(err, code, "cannot start the writer");
	}
	*out = w;
	return RC_OK;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	queue_close(w->jobs);
	pthread_join(w->thread, NULL);
	writer_free(w);
}
