/* SPDX-License-Identifier: Apache-2.0 */
/* Which packed report had those bytes: sorted runs of marks.
 *
 * A run is cut into pages, each a row: page p of P holds the marks whose upper
 * 32 bits, times P, divided by 2^32, are p. Marks are random, so pages are about
 * equally full and a look-up reads one page of each run. Eight runs of a level
 * are merged into one of the next; in slices, page after page of the new run, so
 * that nobody waits for it long and a crash costs one slice. docs/format.md has
 * the bytes. */
#include "store/pack_private.h"

#include <stdlib.h>

enum {
	FAN = 8,         /* runs of a level that become one */
	PAGE_MARKS = 32, /* on average */
	PAGE_BITS = 28,  /* of a row's number: the page; above them the run */
	SLICE_MARKS = 16384,
	SLICE_PAGES = SLICE_MARKS / PAGE_MARKS
};
enum run_state { RUN_MADE = 0, RUN_LIVE = 1, RUN_DEAD = 2 };

struct run {
	int64_t id, first, last; /* first, last: ids of the reports in it */
	int level;
	uint64_t entries, pages, written;
};

struct report_mark report_mark_of(const struct key *secret, const struct report *r)
{
	struct buf b = BUF_INIT(64);
	buf_add_mem(&b, r->digest.b, sizeof(r->digest.b));
	buf_le64(&b, (uint64_t)r->feed);
	struct hash128 h = keyed_hash128(secret, "report", buf_str(&b));
	buf_free(&b);
	return (struct report_mark){ .id = r->id, .hi = h.hi, .lo = (uint32_t)h.lo };
}

/* --- pages --- */

static uint64_t page_of(uint64_t hi, uint64_t pages)
{
	return (hi >> 32) * pages >> 32;
}

/* The least mark that belongs to the page; of the page behind the last: 0. */
static uint64_t page_begins(uint64_t page, uint64_t pages)
{
	return (((page << 32) + pages - 1) / pages) << 32;
}

static unsigned id_bytes(const struct run *r)
{
	uint64_t span = (uint64_t)(r->last - r->first);
	unsigned n = 1;
	while (n < 8 && span >> (8 * n))
		n++;
	return n;
}

static void write_page(struct buf *out, const struct run *r, uint64_t page,
		       const struct report_mark *m, size_t n)
{
	uint64_t before = page_begins(page, r->pages);
	unsigned width = id_bytes(r);
	for (size_t i = 0; i < n; i++) {
		uint64_t id = (uint64_t)(m[i].id - r->first);
		buf_varint(out, m[i].hi - before);
		buf_le32(out, m[i].lo);
		for (unsigned k = 0; k < width; k++)
			buf_char(out, (char)(id >> (8 * k)));
		before = m[i].hi;
	}
}

/* A page read mark by mark. */
struct page_walk {
	struct wire w;
	uint64_t before;
	int64_t first;
	unsigned width;
};

static struct page_walk page_walk(const struct run *r, uint64_t page, str body)
{
	return (struct page_walk){ .w = wire_of(body),
				  .before = page_begins(page, r->pages),
				  .first = r->first,
				  .width = id_bytes(r) };
}

static bool page_next(struct page_walk *p, struct report_mark *out)
{
	uint64_t id = 0;
	if (!wire_left(&p->w))
		return false;
	p->before += wire_varint(&p->w);
	out->hi = p->before;
	out->lo = wire_le32(&p->w);
	for (unsigned k = 0; k < p->width; k++)
		id |= (uint64_t)wire_u8(&p->w) << (8 * k);
	out->id = (int64_t)((uint64_t)p->first + id);
	return !p->w.bad;
}

static int64_t page_id(int64_t run, uint64_t page)
{
	return (int64_t)((uint64_t)run << PAGE_BITS | page);
}

/* --- runs --- */

#define RUN_COLUMNS "id, first, last, level, entries, pages, written"

static struct run take_run(struct sql *q)
{
	return (struct run){ .id = sql_col_int(q, 0),
			    .first = sql_col_int(q, 1),
			    .last = sql_col_int(q, 2),
			    .level = (int)sql_col_int(q, 3),
			    .entries = (uint64_t)sql_col_int(q, 4),
			    .pages = (uint64_t)sql_col_int(q, 5),
			    .written = (uint64_t)sql_col_int(q, 6) };
}

static bool is_sound(const struct run *r)
{
	return r->pages > 0 && r->pages < UINT64_C(1) << PAGE_BITS && r->last >= r->first &&
	       r->id > 0 && r->id < INT64_C(1) << 34;
}

/* Runs of one state, the largest first; at most `most`. */
static enum rc load_runs(struct conn *c, enum run_state state, int64_t into, struct arena *a,
			 struct run **out, size_t *n_out, struct err *err)
{
	size_t room = 16;
	struct run *list = ARENA_ARRAY(a, room, struct run);
	bool sound = true;
	*n_out = 0;
	struct sql *q = sql(c, "SELECT " RUN_COLUMNS " FROM report_run WHERE state = ?1"
			       " AND (?2 = 0 OR goes_into = ?2) ORDER BY level DESC, id DESC");
	sql_int(q, 1, state);
	sql_int(q, 2, into);
	while (sql_row(q) && sound) {
		if (*n_out == room) {
			struct run *wider = ARENA_ARRAY(a, 2 * room, struct run);
			memcpy(wider, list, room * sizeof(*list));
			list = wider;
			room *= 2;
		}
		list[*n_out] = take_run(q);
		sound = is_sound(&list[(*n_out)++]);
	}
	*out = list;
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !sound ? fail(err, RC_INPUT, "the list of runs of digests is damaged")
				     : rc;
}

static enum rc put_pages(struct tx *tx, const struct run *r, uint64_t from, uint64_t until,
			 const struct report_mark *m, size_t n, struct err *err)
{
	struct buf body = BUF_INIT(MIB(1));
	enum rc rc = RC_OK;
	size_t at = 0;
	for (uint64_t page = from; page < until && rc == RC_OK; page++) {
		size_t end = at;
		while (end < n && page_of(m[end].hi, r->pages) == page)
			end++;
		buf_reset(&body);
		write_page(&body, r, page, m + at, end - at);
		at = end;
		if (!body.n)
			continue;
		struct sql *q =
			sql(tx_conn(tx), "INSERT INTO report_page (id, body) VALUES (?, ?)");
		sql_int(q, 1, page_id(r->id, page));
		sql_blob(q, 2, buf_str(&body));
		rc = sql_run(q, err);
	}
	buf_free(&body);
	return rc;
}

static int by_mark(const void *a, const void *b)
{
	const struct report_mark *x = a, *y = b;
	if (x->hi != y->hi)
		return x->hi < y->hi ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static enum rc add_run(struct tx *tx, enum run_state state, struct run *r, struct err *err)
{
	r->pages = r->entries / PAGE_MARKS + 1;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO report_run (state, goes_into, first, last,"
					 " level, entries, pages, written)"
					 " VALUES (?, 0, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, state);
	sql_int(q, 2, r->first);
	sql_int(q, 3, r->last);
	sql_int(q, 4, r->level);
	sql_int(q, 5, (int64_t)r->entries);
	sql_int(q, 6, (int64_t)r->pages);
	sql_int(q, 7, (int64_t)r->written);
	enum rc rc = sql_run(q, err);
	r->id = sql_last_id(tx_conn(tx));
	return rc;
}

enum rc index_add(struct tx *tx, struct report_mark *mark, size_t n, struct err *err)
{
	struct run r = { .entries = n };
	if (!n)
		return RC_OK;
	r.first = r.last = mark[0].id;
	for (size_t i = 1; i < n; i++) {
		r.first = mark[i].id < r.first ? mark[i].id : r.first;
		r.last = mark[i].id > r.last ? mark[i].id : r.last;
	}
	qsort(mark, n, sizeof(*mark), by_mark);
	r.written = n / PAGE_MARKS + 1;
	enum rc rc = add_run(tx, RUN_LIVE, &r, err);
	return rc == RC_OK ? put_pages(tx, &r, 0, r.pages, mark, n, err) : rc;
}

/* --- looking up --- */

struct finding_ids {
	struct arena *a;
	int64_t *id;
	size_t n, room;
};

static void note_id(struct finding_ids *f, int64_t id)
{
	if (f->n == f->room) {
		int64_t *wider = ARENA_ARRAY(f->a, f->room ? 2 * f->room : 8, int64_t);
		if (f->n)
			memcpy(wider, f->id, f->n * sizeof(*wider));
		f->id = wider;
		f->room = f->room ? 2 * f->room : 8;
	}
	f->id[f->n++] = id;
}

static int newest_first(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x < y) - (x > y);
}

static enum rc find_in_run(struct conn *c, const struct run *r, const struct report_mark *want,
			   struct finding_ids *f, struct err *err)
{
	uint64_t page = page_of(want->hi, r->pages);
	struct report_mark m = {0};
	struct sql *q = sql(c, "SELECT body FROM report_page WHERE id = ?");
	sql_int(q, 1, page_id(r->id, page));
	if (sql_row(q)) {
		struct page_walk p = page_walk(r, page, sql_col_blob(q, 0));
		while (page_next(&p, &m) && m.hi <= want->hi)
			if (m.hi == want->hi && m.lo == want->lo)
				note_id(f, m.id);
	}
	return sql_end(q, err);
}

enum rc index_find(struct conn *c, const struct report_mark *want, struct arena *a,
		   int64_t **ids_out, size_t *count_out, struct err *err)
{
	struct finding_ids f = { .a = a };
	struct run *run;
	size_t runs;
	enum rc rc = load_runs(c, RUN_LIVE, 0, a, &run, &runs, err);
	for (size_t i = 0; i < runs && rc == RC_OK; i++)
		rc = find_in_run(c, &run[i], want, &f, err);
	if (f.n)
		qsort(f.id, f.n, sizeof(*f.id), newest_first);
	*ids_out = f.id;
	*count_out = f.n;
	return rc;
}

/* The marks of `r` in its pages from..until-1. */
static enum rc each_in_run(struct conn *c, const struct run *r, uint64_t from, uint64_t until,
			   bool (*each)(void *ctx, const struct report_mark *m), void *ctx,
			   struct err *err)
{
	struct report_mark m = {0};
	bool on = true, sound = true;
	struct sql *q = sql(c, "SELECT id, body FROM report_page WHERE id >= ? AND id < ?"
			       " ORDER BY id");
	sql_int(q, 1, page_id(r->id, from));
	sql_int(q, 2, page_id(r->id, 0) + (int64_t)until);
	while (on && sound && sql_row(q)) {
		uint64_t page = (uint64_t)(sql_col_int(q, 0) - page_id(r->id, 0));
		struct page_walk p = page_walk(r, page, sql_col_blob(q, 1));
		while (on && page_next(&p, &m)) {
			sound = sound && page_of(m.hi, r->pages) == page && m.id <= r->last;
			on = each(ctx, &m);
		}
		sound = sound && !p.w.bad;
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !sound ? fail(err, RC_INPUT,
					    "a page of digests of reports %lld to"
					    " %lld is damaged",
					    (long long)r->first, (long long)r->last)
				     : rc;
}

enum rc index_each(struct conn *c, int64_t first, int64_t last,
		   bool (*each)(void *ctx, const struct report_mark *m), void *ctx, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct run *run;
	size_t runs;
	enum rc rc = load_runs(c, RUN_LIVE, 0, a, &run, &runs, err);
	for (size_t i = 0; i < runs && rc == RC_OK; i++)
		if (run[i].first <= last && run[i].last >= first)
			rc = each_in_run(c, &run[i], 0, run[i].pages, each, ctx, err);
	arena_free(a);
	return rc;
}

/* --- merging --- */

struct slice {
	struct run to;  /* as it stands before the slice */
	uint64_t until; /* pages of it that are written after */
	struct report_mark *mark;
	size_t n, room;
	uint64_t lo, hi; /* marks of the slice: lo <= m, and m < hi but when hi is 0 */
	bool last;
};

static bool gather(void *ctx, const struct report_mark *m)
{
	struct slice *s = ctx;
	if (m->hi < s->lo || (s->hi && m->hi >= s->hi))
		return true;
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : SLICE_MARKS + SLICE_MARKS / 8;
		s->mark = x_grow(s->mark, s->room, sizeof(*s->mark));
	}
	s->mark[s->n++] = *m;
	return true;
}

static enum rc write_slice(struct tx *tx, void *ctx, struct err *err)
{
	struct slice *s = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE report_run SET written = ?, entries = ?, state = ?"
					 " WHERE id = ? AND written = ? AND state = 0");
	sql_int(q, 1, (int64_t)s->until);
	sql_int(q, 2, (int64_t)(s->to.entries + s->n));
	sql_int(q, 3, s->last ? RUN_LIVE : RUN_MADE);
	sql_int(q, 4, s->to.id);
	sql_int(q, 5, (int64_t)s->to.written);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		return fail(err, RC_CONFLICT, "the run changed while it was written");
	if (rc == RC_OK)
		rc = put_pages(tx, &s->to, s->to.written, s->until, s->mark, s->n, err);
	if (rc != RC_OK || !s->last)
		return rc;
	q = sql(tx_conn(tx), "UPDATE report_run SET state = 2 WHERE goes_into = ? AND state = 1");
	sql_int(q, 1, s->to.id);
	return sql_run(q, err);
}

static enum rc fill_slice(struct conn *c, struct slice *s, struct arena *a, struct err *err)
{
	struct run *from;
	size_t runs;
	uint64_t entries = 0;
	enum rc rc = load_runs(c, RUN_LIVE, s->to.id, a, &from, &runs, err);
	for (size_t i = 0; i < runs && rc == RC_OK; i++) {
		uint64_t first = page_of(s->lo, from[i].pages);
		uint64_t end = s->hi ? page_of(s->hi - 1, from[i].pages) + 1 : from[i].pages;
		entries += from[i].entries;
		rc = each_in_run(c, &from[i], first, end, gather, s, err);
	}
	if (rc == RC_OK && s->last && s->to.entries + s->n != entries)
		return fail(err, RC_INPUT, "runs of digests hold %llu of %llu reports",
			    (unsigned long long)(s->to.entries + s->n),
			    (unsigned long long)entries);
	return rc;
}

static enum rc merge_slice(struct store *s, const struct run *to, struct err *err)
{
	struct slice one = { .to = *to, .until = to->written + SLICE_PAGES };
	struct arena *a = arena_new(KIB(4));
	struct reader *r;
	if (one.until >= to->pages)
		one.until = to->pages;
	one.last = one.until == to->pages;
	one.lo = page_begins(to->written, to->pages);
	one.hi = one.last ? 0 : page_begins(one.until, to->pages);
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = fill_slice(reader_conn(r), &one, a, err);
		store_read_end(r);
	}
	if (rc == RC_OK && one.n)
		qsort(one.mark, one.n, sizeof(*one.mark), by_mark);
	if (rc == RC_OK)
		rc = store_write(s, write_slice, &one, err);
	free(one.mark);
	arena_free(a);
	return rc;
}

/* Of each level from which FAN runs can be made one: the first such. */
static enum rc begin_merge(struct tx *tx, void *ctx, struct err *err)
{
	int level = *(int *)ctx;
	struct run to = { .level = level + 1 };
	struct conn *c = tx_conn(tx);
	struct sql *q = sql(c, "SELECT min(first), max(last), sum(entries) FROM report_run"
			       " WHERE state = 1 AND level = ?");
	sql_int(q, 1, level);
	if (sql_row(q)) {
		to.first = sql_col_int(q, 0);
		to.last = sql_col_int(q, 1);
		to.entries = (uint64_t)sql_col_int(q, 2);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = add_run(tx, RUN_MADE, &to, err);
	if (rc != RC_OK)
		return rc;
	/* `pages` is for all of them; `entries` counts what is written */
	q = sql(c, "UPDATE report_run SET entries = 0 WHERE id = ?");
	sql_int(q, 1, to.id);
	rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(c, "UPDATE report_run SET goes_into = ? WHERE state = 1 AND level = ?");
	sql_int(q, 1, to.id);
	sql_int(q, 2, level);
	return sql_run(q, err);
}

/* From the end, so that what is left is what the row says. */
static enum rc drop_slice(struct tx *tx, void *ctx, struct err *err)
{
	const struct run *r = ctx;
	uint64_t left = r->pages > 4 * SLICE_PAGES ? r->pages - 4 * SLICE_PAGES : 0;
	struct conn *c = tx_conn(tx);
	struct sql *q = sql(c, "DELETE FROM report_page WHERE id >= ? AND id < ?");
	sql_int(q, 1, page_id(r->id, left));
	sql_int(q, 2, page_id(r->id, 0) + (int64_t)r->pages);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = left ? sql(c, "UPDATE report_run SET pages = ?1 WHERE id = ?2")
		 : sql(c, "DELETE FROM report_run WHERE id = ?2 AND ?1 = 0");
	sql_int(q, 1, (int64_t)left);
	sql_int(q, 2, r->id);
	return sql_run(q, err);
}

enum rc index_tend(struct store *s, bool *did_out, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct run *made, *dead = NULL;
	size_t n = 0, dead_n = 0;
	int level = -1;
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		struct conn *c = reader_conn(r);
		rc = load_runs(c, RUN_MADE, 0, a, &made, &n, err);
		if (rc == RC_OK && !n)
			rc = load_runs(c, RUN_DEAD, 0, a, &dead, &dead_n, err);
		if (rc == RC_OK && !n && !dead_n) {
			struct sql *q =
				sql(c, "SELECT level FROM report_run WHERE state = 1"
				       " GROUP BY level HAVING count(*) >= ? ORDER BY level");
			sql_int(q, 1, FAN);
			if (sql_row(q))
				level = (int)sql_col_int(q, 0);
			rc = sql_end(q, err);
		}
		store_read_end(r);
	}
	*did_out = rc == RC_OK && (n || dead_n || level >= 0);
	if (rc == RC_OK && n)
		rc = merge_slice(s, &made[0], err);
	else if (rc == RC_OK && dead_n)
		rc = store_write(s, drop_slice, &dead[0], err);
	else if (rc == RC_OK && level >= 0)
		rc = store_write(s, begin_merge, &level, err);
	arena_free(a);
	return rc;
}

/* --- checking --- */

struct counting {
	uint64_t n, before_hi;
	uint32_t before_lo;
	bool sorted;
};

static bool count_mark(void *ctx, const struct report_mark *m)
{
	struct counting *k = ctx;
	k->sorted = k->sorted &&
		    (m->hi > k->before_hi || (m->hi == k->before_hi && m->lo >= k->before_lo));
	k->before_hi = m->hi;
	k->before_lo = m->lo;
	k->n++;
	return true;
}

enum rc index_check(struct conn *c, void (*say)(void *ctx, const char *words), void *ctx,
		    uint64_t *marks_out, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct run *run;
	size_t runs;
	*marks_out = 0;
	enum rc rc = load_runs(c, RUN_LIVE, 0, a, &run, &runs, err);
	for (size_t i = 0; i < runs && rc == RC_OK; i++) {
		struct counting k = { .sorted = true };
		rc = each_in_run(c, &run[i], 0, run[i].pages, count_mark, &k, err);
		if (rc == RC_INPUT) {
			say(ctx, err->text);
			rc = RC_OK;
		} else if (rc == RC_OK && (!k.sorted || k.n != run[i].entries)) {
			say(ctx, k.sorted ? "a run of digests is not complete"
					  : "a run of digests is out of order");
		}
		*marks_out += run[i].entries;
	}
	arena_free(a);
	return rc;
}
