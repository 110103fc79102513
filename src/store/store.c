/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/queue.h"
#include "store/frame_cache.h"
#include "store/migrations.h"
#include "store/store_private.h"

const struct store_options store_options_default = {
	.reserve_bytes = MIB(64),
	.group_us = 50000,
	.cache_kib = 2048,
};

enum { IDLE_READERS = 8, RETIRED = 4096, CHUNKS_BYTES = MIB(4), BLOCKS_BYTES = MIB(12) };

#define REST_US (5 * SECOND_US) /* unused so long, what was decoded is let go */

enum rc store_db_path(struct io_dir *d, const char *name, char *to, size_t size, struct err *err)
{
	int n = snprintf(to, size, "%s/%s", io_dir_path(d), name);
	return n > 0 && (size_t)n < size ? RC_OK
					 : fail(err, RC_INPUT, "the path of the store is too long");
}

static enum rc read_version(struct conn *c, int *out, struct err *err)
{
	struct sql *q = sql(c, "PRAGMA user_version");
	*out = sql_row(q) ? (int)sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (*out == 0)
		return fail(err, RC_INPUT, "main.db is no store of ronda");
	if (*out > store_version)
		return fail(
			err, RC_CONFLICT,
			"the store has version %d, this ronda knows up to %d: use a newer ronda",
			*out, store_version);
	return RC_OK;
}

/* Each step in one transaction, its number with it: killed midway it is old or new. */
static enum rc migrate(struct store *s, struct err *err)
{
	int version;
	enum rc rc = read_version(s->conn, &version, err);
	if (rc == RC_OK && version < store_version && s->read_only_disk)
		return fail(err, RC_DENIED,
			    "the store must be migrated, but the disk is read-only");
	for (int v = version; v < store_version && rc == RC_OK; v++) {
		rc = conn_exec(s->conn, "BEGIN IMMEDIATE", err);
		if (rc == RC_OK)
			rc = conn_exec(s->conn, store_migrations[v], err);
		if (rc == RC_OK)
			rc = conn_exec(s->conn, "COMMIT", err);
		if (rc == RC_OK)
			log_info(s->log, "store migrated", L_INT("version", v + 1));
	}
	return rc;
}

static bool take(str key, str value, const char *name, char *to, size_t size)
{
	return !str_eq(key, str_of(name)) || str_to_z(value, to, size);
}

static enum rc load_node(struct store *s, struct err *err)
{
	struct sql *q = sql(s->conn, "SELECT key, value FROM node");
	bool ok = true, has_secret = false;
	while (sql_row(q)) {
		str key = sql_col_str(q, 0), value = sql_col_blob(q, 1);
		ok = ok && take(key, value, "id", s->id, sizeof(s->id)) &&
		     take(key, value, "name", s->name, sizeof(s->name)) &&
		     take(key, value, "country", s->country, sizeof(s->country));
		if (str_eq(key, STR("secret")) && value.n == sizeof(s->secret)) {
			memcpy(&s->secret, value.p, sizeof(s->secret));
			has_secret = true;
		}
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && (!ok || !has_secret || !s->id[0]))
		rc = fail(err, RC_INPUT, "main.db does not say whose it is");
	return rc;
}

static bool log_has_bytes(struct io_dir *d)
{
	struct io_file *f;
	uint64_t size = 0;
	if (io_open(d, DB_NAME "-wal", IO_READ, &f, NULL) != RC_OK)
		return false;
	(void)!io_size(f, &size, NULL);
	io_close(f);
	return size > 0;
}

/* What stands in the log goes into main.db and the log is emptied: after a
 * sync that failed, pages the kernel dropped are written anew that way. */
static enum rc fold_log(struct store *s, struct err *err)
{
	int code = sqlite3_wal_checkpoint_v2(conn_db(s->conn), NULL, SQLITE_CHECKPOINT_TRUNCATE,
					     NULL, NULL);
	if (code == SQLITE_OK)
		return RC_OK;
	bool full = (code & 0xff) == SQLITE_FULL;
	return fail(err, full ? RC_LIMIT : RC_IO, "cannot fold the log of main.db: %s",
		    sqlite3_errmsg(conn_db(s->conn)));
}

/* On a full disk a store can still be read, and written once there is room. */
static enum rc unless_full(struct store *s, enum rc rc, const struct err *err)
{
	if (rc != RC_LIMIT)
		return rc;
	log_error(s->log, "the disk is full", L_Z("why", err ? err->text : ""));
	return RC_OK;
}

static enum rc open_writable(struct store *s, struct err *err)
{
	enum rc rc = conn_open(s->path, CONN_WRITE | CONN_WAL, s->o.cache_kib, &s->conn, err);
	int version;
	if (rc == RC_OK)
		rc = read_version(s->conn, &version, err);
	if (rc == RC_OK)
		rc = unless_full(s, fold_log(s, err), err);
	if (rc == RC_OK)
		store_backup_clean(s);
	if (rc == RC_OK && version == 1)
		rc = store_clear_pages(s, err);
	if (rc == RC_OK)
		rc = migrate(s, err);
	if (rc == RC_OK)
		rc = unless_full(s, segments_trim(s, s->conn, err), err);
	return rc;
}

unsigned store_reader_flags(const struct store *s)
{
	return s->read_only_disk && !log_has_bytes(s->dir) ? CONN_IMMUTABLE : 0;
}

static enum rc open_read_only(struct store *s, struct err *err)
{
	enum rc rc = conn_open(s->path, store_reader_flags(s), s->o.cache_kib, &s->conn, err);
	return rc == RC_OK ? migrate(s, err) : rc;
}

static enum rc open_dirs(struct store *s, const char *dir, struct err *err)
{
	enum rc rc = io_dir_open(dir, &s->dir, err);
	if (rc == RC_OK)
		rc = store_db_path(s->dir, DB_NAME, s->path, sizeof(s->path), err);
	if (rc != RC_OK)
		return rc;
	/* is it one at all? before anything is made in a directory of somebody else */
	struct io_file *f;
	rc = io_open(s->dir, DB_NAME, IO_READ, &f, NULL);
	if (rc == RC_ABSENT)
		return fail(err, RC_ABSENT, "'%s' holds no store: make one with ronda init", dir);
	if (rc == RC_OK)
		io_close(f);
	f = NULL;
	rc = io_open(s->dir, DB_NAME, IO_WRITE, &f, err);
	if (rc == RC_DENIED)
		s->read_only_disk = true;
	else if (rc != RC_OK)
		return rc;
	io_close(f);
	rc = io_dir_lock(s->dir, "lock", err);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		rc = s->read_only_disk ? RC_OK : rc;
	if (rc == RC_OK)
		rc = io_dir_sub(s->dir, "raw", !s->read_only_disk, &s->raw, err);
	if (rc == RC_OK)
		rc = io_dir_sub(s->dir, "events", !s->read_only_disk, &s->events, err);
	if (rc == RC_OK)
		rc = io_dir_sub(s->dir, "findings", !s->read_only_disk, &s->findings, err);
	return rc;
}

enum rc store_open(const char *dir, const struct store_options *o, struct log *log,
		   struct store **out, struct err *err)
{
	struct store *s = x_alloc(sizeof(*s));
	s->o = o ? *o : store_options_default;
	s->log = log;
	s->idle = queue_new(IDLE_READERS);
	s->waking = queue_new(1);
	(void)queue_put(s->waking, s);
	s->retired = queue_new(RETIRED);
	s->chunks = frame_cache_new(CHUNKS_BYTES);
	s->blocks = frame_cache_new(BLOCKS_BYTES);
	enum rc rc = open_dirs(s, dir, err);
	if (rc == RC_OK)
		rc = s->read_only_disk ? open_read_only(s, err) : open_writable(s, err);
	if (rc == RC_OK)
		rc = frame_files_start(s, err);
	if (rc == RC_OK)
		rc = load_node(s, err);
	if (rc == RC_OK)
		rc = writer_start(s, &s->writer, err);
	if (rc != RC_OK) {
		if (s->conn && conn_broken(s->conn))
			conn_keep_log(s->conn);
		store_close(s);
		return rc;
	}
	if (s->read_only_disk)
		log_warn(log, "the disk is read-only: the store can only be read",
			 L_Z("directory", dir));
	*out = s;
	return RC_OK;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	writer_stop(s->writer);
	for (struct reader *r; (r = queue_take_for(s->idle, 0)) != NULL;)
		reader_free(r);
	queue_free(s->idle);
	queue_free(s->waking);
	if (s->findings)
		frame_files_end(s);
	queue_free(s->retired);
	frame_cache_free(s->chunks);
	frame_cache_free(s->blocks);
	conn_close(s->conn);
	io_dir_close(s->raw);
	io_dir_close(s->events);
	io_dir_close(s->findings);
	io_dir_close(s->dir);
	explicit_bzero(&s->secret, sizeof(s->secret));
	free(s);
}

struct io_dir *store_dir(struct store *s)
{
	return s->dir;
}

const struct key *store_secret(const struct store *s)
{
	return &s->secret;
}

enum rc store_secret_of(struct conn *c, struct key *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = 'secret'");
	bool found = sql_row(q) && sql_col_blob(q, 0).n == sizeof *out;
	if (found)
		memcpy(out, sql_col_blob(q, 0).p, sizeof *out);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_INPUT, "main.db does not say whose it is") : rc;
}

str store_node_id(const struct store *s)
{
	return str_of(s->id);
}

str store_node_name(const struct store *s)
{
	return str_of(s->name);
}

str store_node_country(const struct store *s)
{
	return str_of(s->country);
}

bool store_read_only(const struct store *s)
{
	return s->read_only_disk || atomic_load(&s->failed);
}

void store_fail(struct store *s, const struct err *why)
{
	if (atomic_load(&s->failed))
		return;
	snprintf(s->why, sizeof(s->why), "%s", why->text);
	atomic_store(&s->failed, true);
	log_error(s->log, "the store is read-only until it is opened again", L_Z("why", s->why));
}

/* --- writing --- */

void store_submit(struct store *s, struct store_job *job)
{
	writer_submit(s->writer, job);
}

enum rc store_wait(struct store *s, struct store_job *job, struct err *err)
{
	(void)s;
	gate_wait(job->done);
	gate_free(job->done);
	job->done = NULL;
	if (job->rc != RC_OK && err)
		*err = job->err;
	return job->rc;
}

enum rc store_write(struct store *s, store_job_fn fn, void *ctx, struct err *err)
{
	struct store_job job = { .fn = fn, .ctx = ctx };
	store_submit(s, &job);
	return store_wait(s, &job, err);
}

struct conn *tx_conn(struct tx *tx)
{
	return tx->c;
}

struct store *tx_store(struct tx *tx)
{
	return tx->s;
}

int64_t tx_now_us(const struct tx *tx)
{
	return tx->now_us;
}

void store_before_commit(struct store *s, store_job_fn fn, void *ctx)
{
	writer_add_hook(s->writer, fn, ctx);
}

void store_no_before_commit(struct store *s, store_job_fn fn, void *ctx)
{
	writer_drop_hook(s->writer, fn, ctx);
}

unsigned store_commits(const struct store *s)
{
	return atomic_load(&s->commits);
}

static void swap_wake(struct store *s, struct queue *from, struct queue *to)
{
	size_t i = 0;
	(void)queue_take(s->waking);
	while (i < COUNT_OF(s->wakes) && s->wakes[i] != from)
		i++;
	if (i == COUNT_OF(s->wakes))
		abort(); /* our own bug: each thread that waits has one */
	s->wakes[i] = to;
	(void)queue_put(s->waking, s);
}

void store_wake_on_commit(struct store *s, struct queue *wake)
{
	swap_wake(s, NULL, wake);
}

void store_no_wake_on_commit(struct store *s, struct queue *wake)
{
	swap_wake(s, wake, NULL);
}

void store_committed(struct store *s)
{
	(void)queue_take(s->waking);
	for (size_t i = 0; i < COUNT_OF(s->wakes); i++)
		if (s->wakes[i])
			(void)queue_try_put(s->wakes[i], s);
	(void)queue_put(s->waking, s);
}

enum rc tx_append(struct tx *tx, enum segment which, int32_t day, str payload, struct place *out,
		  struct err *err)
{
	return segments_append(tx->segments, tx->c, which, day, payload, out, err);
}

/* --- background work --- */

void store_add_tend(struct store *s, store_tend_fn fn, void *ctx)
{
	unsigned n = atomic_load(&s->tenders);
	if (n >= COUNT_OF(s->tender))
		abort(); /* our own bug: they are registered once, at start */
	s->tender[n] = (struct tender){ .fn = fn, .ctx = ctx };
	atomic_store(&s->tenders, n + 1);
}

enum rc store_tend(struct store *s, bool *did_out, struct err *err)
{
	unsigned n = atomic_load(&s->tenders);
	int64_t unused_us = clock_mono_us() - REST_US;
	enum rc gone = frame_files_tend(s, did_out, err);
	frame_cache_rest(s->chunks, unused_us);
	frame_cache_rest(s->blocks, unused_us);
	if (gone != RC_OK)
		return gone;
	enum rc rc = RC_OK;
	for (unsigned i = 0; i < n; i++) { /* one that fails stands in nobody's way */
		bool did = false;
		struct err more = { 0 };
		enum rc one = s->tender[i].fn(s, s->tender[i].ctx, &did, rc == RC_OK ? err : &more);
		*did_out |= did;
		rc = rc == RC_OK ? one : rc;
	}
	return rc;
}
