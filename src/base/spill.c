/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spill.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/io.h"

enum { READ_PIECE = 16 << 10, HEAD = 8 };

/* --- bytes --- */

struct spool {
	char *dir;
	size_t memory;
	struct buf held;        /* in memory: from `written` on */
	uint64_t written;
	struct io_file *file;
	enum rc rc;
	struct err err;
};

/* A file nobody finds by name. */
static enum rc nameless(const char *path, struct io_file **out, struct err *err)
{
	struct io_dir *dir = NULL;
	char name[32];
	enum rc rc = io_dir_open(path, &dir, err);
	if (rc != RC_OK)
		return rc;
	snprintf(name, sizeof(name), "spill-%016llx", (unsigned long long)random_u64());
	rc = io_open(dir, name, IO_WRITE | IO_CREATE | IO_FRESH, out, err);
	if (rc == RC_OK)
		rc = io_unlink(dir, name, err);
	io_dir_close(dir);
	return rc;
}

struct spool *spool_new(const char *dir, size_t memory)
{
	struct spool *s = x_alloc(sizeof(*s));
	s->dir = dir ? x_strdup(dir) : NULL;
	s->memory = memory;
	s->held = (struct buf)BUF_INIT(dir ? 2 * memory + MIB(1) : MIB(1024));
	return s;
}

void spool_free(struct spool *s)
{
	if (!s)
		return;
	if (s->file)
		io_close(s->file);
	buf_free(&s->held);
	free(s->dir);
	free(s);
}

static void spool_flush(struct spool *s)
{
	if (s->rc == RC_OK && !s->file)
		s->rc = nameless(s->dir, &s->file, &s->err);
	if (s->rc == RC_OK)
		s->rc = io_write_at(s->file, s->written, buf_str(&s->held), &s->err);
	s->written += s->held.n;
	buf_reset(&s->held);
}

void spool_add(struct spool *s, str bytes)
{
	buf_add(&s->held, bytes);
	if (s->held.over && s->rc == RC_OK)
		s->rc = fail(&s->err, RC_LIMIT, "there is too much of it");
	if (s->dir && s->held.n >= s->memory)
		spool_flush(s);
}

uint64_t spool_bytes(const struct spool *s)
{
	return s->written + s->held.n;
}

enum rc spool_read(struct spool *s, uint64_t at, void *to, size_t n, struct err *err)
{
	char *p = to;
	if (s->rc != RC_OK)
		return fail(err, s->rc, "%s", s->err.text);
	if (at + n > spool_bytes(s))
		return fail(err, RC_INPUT, "a temporary file is shorter than it was");
	if (at < s->written) {
		size_t part = s->written - at < n ? (size_t)(s->written - at) : n;
		enum rc rc = io_read_at(s->file, at, p, part, err);
		if (rc != RC_OK)
			return rc;
		p += part;
		at += part;
		n -= part;
	}
	if (n)
		memcpy(p, s->held.p + (at - s->written), n);
	return RC_OK;
}

void spool_append(struct spool *to, struct spool *from)
{
	char *piece = x_alloc(READ_PIECE);
	uint64_t all = spool_bytes(from);
	for (uint64_t at = 0; to->rc == RC_OK && at < all;) {
		size_t n = all - at < READ_PIECE ? (size_t)(all - at) : READ_PIECE;
		to->rc = spool_read(from, at, piece, n, &to->err);
		if (to->rc == RC_OK)
			spool_add(to, str_mem(piece, n));
		at += n;
	}
	free(piece);
}

/* --- rows --- */

/* A row: le32 bytes of the key, le32 of the value, both. */
struct run {
	uint64_t at, end;       /* in the spool: not read yet */
	struct buf piece;       /* read, from `from` on */
	size_t from;
	str key, value;         /* of the row it stands at */
};

struct spill {
	struct spool *file;
	bool in_memory;
	size_t memory;
	struct buf rows;
	uint32_t *places;       /* of the rows in `rows` */
	size_t count, room, at;
	struct run *runs;
	size_t run_count, run_room;
	size_t *heap;           /* places in runs, the least first */
	size_t heap_count;
	bool given;             /* the first of the heap was, and is to move on */
	enum rc rc;
	struct err err;
};

struct spill *spill_new(const char *dir, size_t memory)
{
	struct spill *s = x_alloc(sizeof(*s));
	s->in_memory = !dir;
	s->memory = memory;
	s->file = dir ? spool_new(dir, memory < KIB(256) ? memory : KIB(256)) : NULL;
	s->rows = (struct buf)BUF_INIT(dir ? 2 * memory + MIB(1) : MIB(2048));
	return s;
}

void spill_free(struct spill *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->run_count; i++)
		buf_free(&s->runs[i].piece);
	spool_free(s->file);
	buf_free(&s->rows);
	free(s->places);
	free(s->runs);
	free(s->heap);
	free(s);
}

static uint32_t le32_at(const char *p)
{
	const unsigned char *b = (const unsigned char *)p;
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static str key_at(const char *row)
{
	return str_mem(row + HEAD, le32_at(row));
}

static str value_at(const char *row)
{
	return str_mem(row + HEAD + le32_at(row), le32_at(row + 4));
}

static size_t row_bytes(const char *row)
{
	return HEAD + (size_t)le32_at(row) + le32_at(row + 4);
}

static int place_cmp(const void *a, const void *b, void *rows)
{
	const char *text = rows;
	return str_cmp(key_at(text + *(const uint32_t *)a), key_at(text + *(const uint32_t *)b));
}

static void sort_held(struct spill *s)
{
	if (s->count)
		qsort_r(s->places, s->count, sizeof(*s->places), place_cmp, s->rows.p);
}

static void run_write(struct spill *s)
{
	sort_held(s);
	if (s->run_count == s->run_room) {
		s->run_room = s->run_room ? 2 * s->run_room : 16;
		s->runs = x_grow(s->runs, s->run_room, sizeof(*s->runs));
	}
	struct run *r = &s->runs[s->run_count++];
	*r = (struct run){ .at = spool_bytes(s->file), .piece = BUF_INIT(MIB(1)) };
	for (size_t i = 0; i < s->count; i++) {
		const char *row = s->rows.p + s->places[i];
		spool_add(s->file, str_mem(row, row_bytes(row)));
	}
	r->end = spool_bytes(s->file);
	s->count = 0;
	buf_reset(&s->rows);
}

void spill_add(struct spill *s, str key, str value)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->places = x_grow(s->places, s->room, sizeof(*s->places));
	}
	s->places[s->count++] = (uint32_t)s->rows.n;
	buf_le32(&s->rows, (uint32_t)key.n);
	buf_le32(&s->rows, (uint32_t)value.n);
	buf_add(&s->rows, key);
	buf_add(&s->rows, value);
	if (s->rows.over) {
		s->count--;
		if (s->rc == RC_OK)
			s->rc = fail(&s->err, RC_LIMIT, "there is too much of it");
	} else if (!s->in_memory && s->rows.n + s->count * sizeof(*s->places) >= s->memory) {
		run_write(s);
	}
}

/* `n` bytes of a run from where it stands; false: there are not. */
static bool run_need(struct spill *s, struct run *r, size_t n)
{
	size_t held = r->piece.n - r->from;
	if (held >= n)
		return true;
	if (r->from) {
		memmove(r->piece.p, r->piece.p + r->from, held);
		r->piece.n = held;
		r->from = 0;
	}
	uint64_t left = r->end - r->at;
	size_t want = n - held > READ_PIECE ? n - held : READ_PIECE;
	want = left < want ? (size_t)left : want;
	char *to = want + held < n ? NULL : buf_room(&r->piece, want);
	if (!to) {
		if (s->rc == RC_OK)
			s->rc = fail(&s->err, RC_IO, "a temporary file is damaged");
		return false;
	}
	if (s->rc == RC_OK)
		s->rc = spool_read(s->file, r->at, to, want, &s->err);
	r->piece.n += want;
	r->at += want;
	return s->rc == RC_OK;
}

/* To the next row; false: there is none. */
static bool run_step(struct spill *s, struct run *r)
{
	if (s->rc != RC_OK || (r->at == r->end && r->from == r->piece.n))
		return false;
	if (!run_need(s, r, HEAD) || !run_need(s, r, row_bytes(r->piece.p + r->from)))
		return false;
	const char *row = r->piece.p + r->from;
	r->key = key_at(row);
	r->value = value_at(row);
	r->from += row_bytes(row);
	return true;
}

static bool before(const struct spill *s, size_t a, size_t b)
{
	return str_cmp(s->runs[s->heap[a]].key, s->runs[s->heap[b]].key) < 0;
}

static void sink(struct spill *s, size_t at)
{
	for (;;) {
		size_t least = at, left = 2 * at + 1;
		for (size_t k = left; k < left + 2 && k < s->heap_count; k++)
			if (before(s, k, least))
				least = k;
		if (least == at)
			return;
		size_t was = s->heap[at];
		s->heap[at] = s->heap[least];
		s->heap[least] = was;
		at = least;
	}
}

static void runs_begin(struct spill *s)
{
	uint64_t at = 0;
	free(s->heap);
	s->heap = x_array(s->run_count + 1, sizeof(*s->heap));
	s->heap_count = 0;
	for (size_t i = 0; i < s->run_count; i++) {
		struct run *r = &s->runs[i];
		r->at = at; /* one behind the other */
		at = r->end;
		buf_reset(&r->piece);
		r->from = 0;
		if (run_step(s, r))
			s->heap[s->heap_count++] = i;
	}
	for (size_t i = s->heap_count; i-- > 0;)
		sink(s, i);
	s->given = false;
}

enum rc spill_sort(struct spill *s, struct err *err)
{
	s->at = 0;
	if (s->run_count && s->count)
		run_write(s);
	if (s->run_count) {
		buf_free(&s->rows); /* the runs have it all */
		s->rows = (struct buf)BUF_INIT(2 * s->memory + MIB(1));
		free(s->places);
		s->places = NULL;
		s->room = 0;
		runs_begin(s);
	} else {
		sort_held(s);
	}
	return spill_ok(s, err);
}

bool spill_next(struct spill *s, str *key_out, str *value_out)
{
	if (s->rc != RC_OK)
		return false;
	if (!s->run_count) {
		if (s->at == s->count)
			return false;
		const char *row = s->rows.p + s->places[s->at++];
		*key_out = key_at(row);
		*value_out = value_at(row);
		return true;
	}
	if (s->given) {
		if (!run_step(s, &s->runs[s->heap[0]]))
			s->heap[0] = s->heap[--s->heap_count];
		sink(s, 0);
	}
	s->given = s->heap_count > 0;
	if (!s->given || s->rc != RC_OK)
		return false;
	*key_out = s->runs[s->heap[0]].key;
	*value_out = s->runs[s->heap[0]].value;
	return true;
}

enum rc spill_ok(struct spill *s, struct err *err)
{
	return s->rc == RC_OK ? RC_OK : fail(err, s->rc, "%s", s->err.text);
}
