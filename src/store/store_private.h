/* SPDX-License-Identifier: Apache-2.0 */
/* store_private.h: what the files of the store share; not for callers. */
#ifndef RONDA_STORE_STORE_PRIVATE_H
#define RONDA_STORE_STORE_PRIVATE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "store/store.h"

/* --- sql.c --- */

enum { CONN_WRITE = 1, CONN_WAL = 2, CONN_IMMUTABLE = 4 };
/* Opens the database file `path`. Without CONN_WRITE for reading only;
 * CONN_IMMUTABLE: on a disk where not even a lock can be written. */
MUST_CHECK enum rc conn_open(const char *path, unsigned flags, uint32_t cache_kib,
			     struct conn **out, struct err *err);
void conn_close(struct conn *c); /* NULL is fine */
/* Several statements at once; for migrations and pragmas. */
MUST_CHECK enum rc conn_exec(struct conn *c, const char *literal, struct err *err);
sqlite3 *conn_db(struct conn *c);
/* True once a call failed in a way that makes writing on unsafe: EIO, damage. */
bool conn_broken(const struct conn *c);
/* True while a transaction is open: SQLite ends it by itself on some errors. */
bool conn_in_transaction(const struct conn *c);
/* One thing that is kept with the connection (and ended with it); a new one ends
 * the one before. */
void *conn_kept(const struct conn *c);
void conn_keep(struct conn *c, void *kept, void (*kept_free)(void *kept));
/* After a failed sync the log must not be touched again, not even at the end. */
void conn_keep_log(struct conn *c);

/* --- segment.c --- */

enum {
	SEGMENT_KINDS = 3,
	FRAME_HEAD = 16,   /* bytes before a payload */
	SEGMENT_HEAD = 16, /* bytes before the first frame of a file */
	SEGMENT_NAME = 40,
	SEGMENT_FORGOTTEN = -1
};
#define FRAME_MAX MIB(64)

struct segments; /* the writer's open files */
struct segments *segments_new(struct store *s);
void segments_free(struct segments *g);
/* At start: removes what main.db does not name, cuts what is longer. */
MUST_CHECK enum rc segments_trim(struct store *s, struct conn *c, struct err *err);

MUST_CHECK enum rc segments_append(struct segments *g, struct conn *c, enum segment which,
				   int32_t day, str payload, struct place *out, struct err *err);
/* Makes a new file for a day, to which everything of that day then goes. RC_BUSY:
 * what is being added to the old one is not named yet. */
MUST_CHECK enum rc segments_start_new(struct segments *g, struct conn *c, enum segment which,
				      int32_t day, struct err *err);
/* What a job appended is taken back with it. */
void segments_mark(struct segments *g);
void segments_back(struct segments *g);
void segments_group_mark(struct segments *g);
void segments_group_back(struct segments *g);
/* Of the group: rows of table `segment`; then the syncs; then it is named, or not. */
MUST_CHECK enum rc segments_save(struct segments *g, struct conn *c, struct err *err);
MUST_CHECK enum rc segments_sync(struct segments *g, struct err *err);
void segments_named(struct segments *g);
bool segments_dirty(const struct segments *g); /* something stands there that a row may name */
/* Lets go of a file that is to be removed; false: something was just added to it. */
bool segments_close(struct segments *g, enum segment which, int32_t day, uint32_t number);

/* The bytes of a frame, and those a file begins with. */
void frame_build(struct buf *out, enum segment which, str payload);
void segment_build_head(struct buf *out, enum segment which, int32_t day);

struct io_dir *segment_dir(struct store *s, enum segment which);
const char *segment_file_name(int32_t day, uint32_t number, char text[SEGMENT_NAME]);
bool segment_parse_name(const char *name, int32_t *day_out, uint32_t *number_out);
/* Whether the file begins as one of ours of that kind and day. */
MUST_CHECK enum rc segment_check_head(struct io_file *f, enum segment which, int32_t day,
				      struct err *err);
/* Bytes of the frame that stands there, head and all; 0 with an error. */
MUST_CHECK enum rc frame_size(struct io_file *f, uint64_t at, uint32_t *out, struct err *err);
/* Reads and checks a frame; `out` gets the payload. */
MUST_CHECK enum rc frame_read(struct io_file *f, enum segment which, const struct place *at,
			      struct buf *out, struct err *err);

/* --- writer.c --- */

struct writer;
MUST_CHECK enum rc writer_start(struct store *s, struct writer **out, struct err *err);
void writer_stop(struct writer *w); /* finishes what was submitted */
void writer_submit(struct writer *w, struct store_job *job);
void writer_add_hook(struct writer *w, store_job_fn fn, void *ctx);
void writer_drop_hook(struct writer *w, store_job_fn fn, void *ctx);

struct tx {
	struct store *s;
	struct conn *c;
	struct segments *segments;
	int64_t now_us;
};

/* --- store.c --- */

struct store {
	struct io_dir *dir, *raw, *events, *findings;
	struct log *log;
	struct store_options o;
	struct key secret;
	char id[40], name[256], country[8];
	char path[1024];
	bool read_only_disk;
	atomic_bool failed; /* a sync or write failed: see `why` */
	char why[240];      /* set before `failed`, then never changed */
	struct conn *conn;  /* the writer's */
	struct writer *writer;
	struct queue *idle;      /* readers not in use */
	atomic_uint commits;     /* that changed something */
	struct queue *waking;    /* its one token: whose turn it is with `wakes` */
	struct queue *wakes[8];  /* of those who wait for a commit, or NULL */
	atomic_bool fold_wanted; /* what was deleted shall also leave the log */
	atomic_uint folds;       /* counts how often all of the log was */
	atomic_bool files_taken; /* rewrite.h */
	/* raw.c counts deliveries under way by the turn they began in; rewrite.c turns */
	atomic_uint raw_turn, raw_under_way[2];
	struct place rewriting;  /* for which it turned; of who has taken the files */
	struct frame_cache *chunks, *blocks; /* decoded, of events and findings: frame_cache.h */
	atomic_uint forgotten;   /* counts removals, so that readers let go of files */
	atomic_uint era;         /* of views: those of two eras are told apart by their last bit */
	atomic_uint views[2];    /* open ones of even and of odd eras */
	atomic_uint file_number; /* of the newest file of frames */
	struct queue *retired;   /* files no row names, not yet looked at */
	struct leaving *leaving; /* ... and those that go when the views of `leaving_era` ended */
	unsigned leaving_era;
	struct tender {
		store_tend_fn fn;
		void *ctx;
	} tender[32];
	atomic_uint tenders;
};
/* Wakes who waits for it; by the writer. */
void store_committed(struct store *s);
#define DB_NAME "main.db"
MUST_CHECK enum rc store_db_path(struct io_dir *d, const char *name, char *to, size_t size,
				 struct err *err);
unsigned store_reader_flags(const struct store *s); /* for conn_open */
void store_fail(struct store *s, const struct err *why);

/* --- backup.c --- */

/* Removes what a backup left behind that was cut short. */
void store_backup_clean(struct store *s);

/* --- clear.c --- */

/* Clears what main.db holds besides its content; its log must be empty. */
MUST_CHECK enum rc store_clear_pages(struct store *s, struct err *err);

/* --- frame_file.c --- */

/* At start, once what is not named is gone. */
MUST_CHECK enum rc frame_files_start(struct store *s, struct err *err);
/* Removes files that were retired and that no view may still look into. */
MUST_CHECK enum rc frame_files_tend(struct store *s, bool *did_out, struct err *err);
void frame_files_end(struct store *s); /* nobody reads any more */

/* --- reader.c --- */

void reader_free(struct reader *r);
struct frame_cache *reader_chunks(struct reader *r);
/* Idle readers close the segments they hold open, and no decoded chunk is held. */
void store_drop_handles(struct store *s);

#endif
