/* SPDX-License-Identifier: Apache-2.0 */
#include "store/frame_file.h"

#include "base/arena.h"
#include "store/frame_cache.h"
#include "store/store_private.h"

enum { WRITE_BYTES = 1 << 18 }; /* gathered before they are written */

struct frame_file {
	struct store *s;
	enum segment which;
	int32_t day;
	uint32_t number;
	struct io_file *file;
	uint64_t end, written;
	struct buf frame, ahead; /* one frame; what is not written yet */
};

static const char *name_of(const struct frame_file *f, char text[SEGMENT_NAME])
{
	return segment_file_name(f->day, f->number, text);
}

static enum rc room_left(struct store *s, struct err *err)
{
	uint64_t bytes;
	if (store_read_only(s))
		return fail(err, RC_IO, "the store is read-only");
	if (io_free_bytes(s->dir, &bytes, NULL) == RC_OK && bytes < s->o.reserve_bytes)
		return fail(err, RC_LIMIT, "the disk is full: %llu MiB free, %llu are kept back",
			    (unsigned long long)(bytes >> 20),
			    (unsigned long long)(s->o.reserve_bytes >> 20));
	return RC_OK;
}

enum rc frame_file_new(struct store *s, enum segment which, struct frame_file **out, struct err *err)
{
	char name[SEGMENT_NAME];
	*out = NULL;
	enum rc rc = room_left(s, err);
	if (rc != RC_OK)
		return rc;
	struct frame_file *f = x_alloc(sizeof(*f));
	*f = (struct frame_file){ .s = s, .which = which, .day = time_day(clock_now_us()),
				  .number = atomic_fetch_add(&s->file_number, 1) + 1,
				  .frame = BUF_INIT(FRAME_MAX + FRAME_HEAD + 1),
				  .ahead = BUF_INIT(2 * (FRAME_MAX + FRAME_HEAD)) };
	rc = io_open(segment_dir(s, which), name_of(f, name), IO_WRITE | IO_CREATE | IO_FRESH, &f->file,
		     err);
	if (rc != RC_OK) {
		free(f);
		return rc;
	}
	segment_build_head(&f->ahead, which, f->day);
	f->end = SEGMENT_HEAD;
	*out = f;
	return RC_OK;
}

static enum rc flush(struct frame_file *f, struct err *err)
{
	enum rc rc = io_write_at(f->file, f->written, buf_str(&f->ahead), err);
	f->written += f->ahead.n;
	buf_reset(&f->ahead);
	return rc;
}

enum rc frame_file_add(struct frame_file *f, str payload, struct place *out, struct err *err)
{
	if (payload.n > FRAME_MAX)
		return fail(err, RC_LIMIT, "a frame of %zu bytes is over the limit", payload.n);
	frame_build(&f->frame, f->which, payload);
	buf_add(&f->ahead, buf_str(&f->frame));
	*out = (struct place){ .day = f->day, .number = f->number, .offset = f->end,
			       .bytes = (uint32_t)f->frame.n };
	f->end += f->frame.n;
	return f->ahead.n >= WRITE_BYTES ? flush(f, err) : RC_OK;
}

enum rc frame_file_sync(struct frame_file *f, struct err *err)
{
	enum rc rc = flush(f, err);
	if (rc == RC_OK)
		rc = io_sync(f->file, err);
	return rc == RC_OK ? io_dir_sync(segment_dir(f->s, f->which), err) : rc;
}

uint64_t frame_file_bytes(const struct frame_file *f)
{
	return f->end;
}

enum rc frame_file_name(struct tx *tx, const struct frame_file *f, struct err *err)
{
	struct sql *q = sql(tx->c, "INSERT INTO segment (kind, day, number, bytes) VALUES (?, ?, ?, ?)");
	sql_int(q, 1, f->which);
	sql_int(q, 2, f->day);
	sql_int(q, 3, f->number);
	sql_int(q, 4, (int64_t)f->end);
	return sql_run(q, err);
}

void frame_file_end(struct frame_file *f, bool keep)
{
	char name[SEGMENT_NAME];
	if (!f)
		return;
	io_close(f->file);
	/* what stays against our will goes at the next start */
	if (!keep)
		(void)!io_unlink(segment_dir(f->s, f->which), name_of(f, name), NULL);
	buf_free(&f->frame);
	buf_free(&f->ahead);
	free(f);
}

enum rc frame_file_forget(struct tx *tx, enum segment which, int32_t day, uint32_t number,
			  struct err *err)
{
	struct sql *q = sql(tx->c, "DELETE FROM segment WHERE kind = ? AND day = ? AND number = ?");
	sql_int(q, 1, which);
	sql_int(q, 2, day);
	sql_int(q, 3, number);
	return sql_run(q, err);
}

/* --- removing --- */

struct leaving {
	struct leaving *next;
	enum segment which;
	int32_t day;
	uint32_t number;
};

void frame_file_retire(struct store *s, enum segment which, int32_t day, uint32_t number)
{
	struct leaving *l = x_alloc(sizeof(*l));
	*l = (struct leaving){ .which = which, .day = day, .number = number };
	if (!queue_try_put(s->retired, l)) /* far too many: the next start removes it */
		free(l);
}

static enum rc remove_all(struct store *s, struct err *err)
{
	enum rc rc = RC_OK;
	while (s->leaving) {
		struct leaving *l = s->leaving;
		char name[SEGMENT_NAME];
		enum rc one = io_unlink(segment_dir(s, l->which),
					segment_file_name(l->day, l->number, name), err);
		rc = rc == RC_OK && one != RC_ABSENT ? one : rc;
		s->leaving = l->next;
		free(l);
	}
	return rc;
}

enum rc frame_files_tend(struct store *s, bool *did_out, struct err *err)
{
	*did_out = false;
	if (s->leaving) {
		if (atomic_load(&s->views[s->leaving_era & 1]))
			return RC_OK;
		*did_out = true;
		atomic_fetch_add(&s->forgotten, 1); /* readers let go of them */
		frame_cache_clear(s->blocks);
		return remove_all(s, err);
	}
	for (struct leaving *l; (l = queue_take_for(s->retired, 0)) != NULL;) {
		l->next = s->leaving;
		s->leaving = l;
	}
	if (!s->leaving)
		return RC_OK;
	/* Who begins from here on does not know them. The era before ended when the
	 * files that were leaving then went: the last bit is enough. */
	s->leaving_era = atomic_load(&s->era);
	if (atomic_load(&s->views[(s->leaving_era + 1) & 1]) == 0) {
		atomic_store(&s->era, s->leaving_era + 1);
		*did_out = true;
		return RC_OK;
	}
	/* not even that: put them back for later */
	while (s->leaving) {
		struct leaving *l = s->leaving;
		s->leaving = l->next;
		if (!queue_try_put(s->retired, l))
			free(l);
	}
	return RC_OK;
}

void frame_files_end(struct store *s)
{
	for (struct leaving *l; (l = queue_take_for(s->retired, 0)) != NULL;) {
		l->next = s->leaving;
		s->leaving = l;
	}
	(void)!remove_all(s, NULL);
}

/* --- at start --- */

enum rc frame_files_start(struct store *s, struct err *err)
{
	struct sql *q = sql(s->conn, "SELECT max(number) FROM segment WHERE kind = ?");
	sql_int(q, 1, SEGMENT_FINDINGS);
	atomic_store(&s->file_number, sql_row(q) ? (unsigned)sql_col_int(q, 0) : 0);
	return sql_end(q, err);
}
