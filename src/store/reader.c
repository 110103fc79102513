/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "store/frame_cache.h"
#include "store/reader_kept.h"
#include "store/store_private.h"

enum { READER_FILES = 24 };

struct reader {
	struct store *s;
	struct conn *c;
	unsigned forgotten; /* of the store when the files below were opened */
	unsigned era;       /* in which the view began */
	uint64_t uses;
	void *kept;
	void (*kept_free)(void *kept);
	struct read_file {
		struct io_file *file;
		enum segment which;
		int32_t day;
		uint32_t number;
		uint64_t used;
	} file[READER_FILES];
};

static void close_files(struct reader *r)
{
	for (size_t i = 0; i < READER_FILES; i++) {
		io_close(r->file[i].file);
		r->file[i].file = NULL;
	}
}

void *reader_kept(const struct reader *r)
{
	return r->kept;
}

void reader_keep(struct reader *r, void *kept, void (*kept_free)(void *kept))
{
	if (r->kept)
		r->kept_free(r->kept);
	r->kept = kept;
	r->kept_free = kept_free;
}

void reader_free(struct reader *r)
{
	close_files(r);
	conn_close(r->c);
	free(r);
}

/* Little is kept for it: what a reader has of the pages is worth nothing to its next view, once anything was
 * written between the two. */
static enum rc reader_new(struct store *s, struct reader **out, struct err *err)
{
	struct reader *r = x_alloc(sizeof(*r));
	enum rc rc = conn_open(s->path, store_reader_flags(s), s->o.cache_kib / 8, &r->c, err);
	if (rc != RC_OK) {
		free(r);
		return rc;
	}
	r->s = s;
	*out = r;
	return RC_OK;
}

/* Files that no row names any more stay until the views of their era ended. */
static unsigned enter(struct store *s)
{
	for (;;) {
		unsigned era = atomic_load(&s->era);
		atomic_fetch_add(&s->views[era & 1], 1);
		if (atomic_load(&s->era) == era)
			return era;
		atomic_fetch_sub(&s->views[era & 1], 1);
	}
}

static void leave(struct store *s, unsigned era)
{
	atomic_fetch_sub(&s->views[era & 1], 1);
}

enum rc store_read_begin(struct store *s, struct reader **out, struct err *err)
{
	struct reader *r = queue_take_for(s->idle, 0);
	enum rc rc = r ? RC_OK : reader_new(s, &r, err);
	if (rc != RC_OK)
		return rc;
	r->era = enter(s);
	unsigned forgotten = atomic_load(&s->forgotten);
	if (r->forgotten != forgotten)
		close_files(r);
	r->forgotten = forgotten;
	rc = sql_run(sql(r->c, "BEGIN"), err);
	/* the first read is what fixes the view */
	if (rc == RC_OK)
		rc = sql_run(sql(r->c, "SELECT key FROM node LIMIT 1"), err);
	if (rc != RC_OK) {
		leave(s, r->era);
		reader_free(r);
		return rc;
	}
	*out = r;
	return RC_OK;
}

void store_read_end(struct reader *r)
{
	if (!r)
		return;
	struct store *s = r->s;
	reader_keep(r, NULL, NULL);
	bool sound = sql_run(sql(r->c, "ROLLBACK"), NULL) == RC_OK && !conn_broken(r->c);
	leave(s, r->era);
	if (r->forgotten != atomic_load(&s->forgotten))
		close_files(r);
	if (!sound || !queue_try_put(s->idle, r))
		reader_free(r);
}

void store_drop_handles(struct store *s)
{
	atomic_fetch_add(&s->forgotten, 1);
	for (struct reader *r; (r = queue_take_for(s->idle, 0)) != NULL;)
		reader_free(r);
	frame_cache_clear(s->chunks);
	frame_cache_clear(s->blocks);
}

struct frame_cache *reader_chunks(struct reader *r)
{
	return r->s->chunks;
}

struct frame_cache *store_blocks(const struct store *s)
{
	return s->blocks;
}

struct conn *reader_conn(struct reader *r)
{
	return r->c;
}

struct store *reader_store(struct reader *r)
{
	return r->s;
}

static enum rc reader_file(struct reader *r, enum segment which, const struct place *at,
			   struct io_file **out, struct err *err)
{
	struct read_file *oldest = &r->file[0];
	for (size_t i = 0; i < READER_FILES; i++) {
		struct read_file *f = &r->file[i];
		if (f->file && f->which == which && f->day == at->day && f->number == at->number) {
			f->used = ++r->uses;
			*out = f->file;
			return RC_OK;
		}
		if (!f->file || (oldest->file && f->used < oldest->used))
			oldest = f;
	}
	char name[SEGMENT_NAME];
	struct io_file *file;
	enum rc rc = io_open(segment_dir(r->s, which), segment_file_name(at->day, at->number, name),
			     IO_READ, &file, err);
	if (rc != RC_OK)
		return rc;
	io_close(oldest->file);
	*oldest = (struct read_file){ .file = file,
				      .which = which,
				      .day = at->day,
				      .number = at->number,
				      .used = ++r->uses };
	*out = file;
	return RC_OK;
}

enum rc reader_frame(struct reader *r, enum segment which, const struct place *at, struct buf *out,
		     struct err *err)
{
	struct io_file *f;
	enum rc rc = reader_file(r, which, at, &f, err);
	return rc == RC_OK ? frame_read(f, which, at, out, err) : rc;
}

enum rc store_frame(struct store *s, enum segment which, const struct place *at, struct buf *out,
		    struct err *err)
{
	char name[SEGMENT_NAME];
	struct io_file *f;
	segment_file_name(at->day, at->number, name);
	enum rc rc = io_open(segment_dir(s, which), name, IO_READ, &f, err);
	if (rc != RC_OK)
		return rc;
	rc = frame_read(f, which, at, out, err);
	io_close(f);
	return rc;
}
