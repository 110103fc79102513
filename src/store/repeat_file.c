/* SPDX-License-Identifier: Apache-2.0 */
#include "store/repeat_file.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"

enum {
	PAGE = 4096,
	PAGE_HEAD = 8,   /* checksum, runs, spare */
	RUN_HEAD = 24,
	FENCE = 16,
	BLOCK = 64,      /* of the filter: 64 bytes for 64 entries */
	PROBES = 5,
	HEAD = 40 + REPEAT_PARTS_BYTES,
	PART_PROBES = 2,
	PAGES_MAX = 1 << 20
};
#define MAGIC "RTG\x01"

int repeat_key_cmp(const struct repeat_key *a, const struct repeat_key *b)
{
	if (a->part != b->part)
		return a->part < b->part ? -1 : 1;
	return a->tag == b->tag ? 0 : a->tag < b->tag ? -1 : 1;
}

static int by_key(const void *x, const void *y)
{
	const struct repeat_entry *a = x, *b = y;
	return repeat_key_cmp(&a->key, &b->key);
}

static uint64_t filter_stir(uint64_t tag)
{
	tag ^= tag >> 32;
	tag *= UINT64_C(0xd6e8feb86659fd93);
	return tag ^ tag >> 29;
}

static size_t filter_block(uint64_t tag, size_t blocks)
{
	return (size_t)((tag >> 32) * blocks >> 32);
}

static unsigned filter_bit(uint64_t stirred, unsigned probe)
{
	return (unsigned)(stirred >> (9 * probe)) & 511;
}

static unsigned part_bit(uint64_t part, unsigned probe)
{
	return (unsigned)(filter_stir(part * UINT64_C(0x9e3779b97f4a7c15)) >> (16 * probe)) &
	       (8 * REPEAT_PARTS_BYTES - 1);
}

bool repeat_parts_may_have(const struct repeat_parts *p, uint64_t part)
{
	for (unsigned i = 0; i < PART_PROBES; i++)
		if (!(p->b[part_bit(part, i) / 8] >> (part_bit(part, i) % 8) & 1))
			return false;
	return true;
}

static void parts_make(const struct repeat_entry *e, size_t n, struct repeat_parts *out)
{
	*out = (struct repeat_parts){ 0 };
	for (size_t i = 0; i < n; i++)
		for (unsigned k = 0; (!i || e[i].key.part != e[i - 1].key.part) && k < PART_PROBES;
		     k++) {
			unsigned bit = part_bit(e[i].key.part, k);
			out->b[bit / 8] |= (uint8_t)(1u << (bit % 8));
		}
}

/* --- writing --- */

static unsigned bytes_of(uint64_t v)
{
	return v ? (71 - (unsigned)__builtin_clzll(v)) / 8 : 0;
}

static void put_le(char **to, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		*(*to)++ = (char)(v >> (8 * i));
}

struct run {
	size_t n;
	unsigned tag_bytes, report_bytes;
	uint32_t report_least;
};

static size_t run_bytes(const struct run *r)
{
	return RUN_HEAD + r->n * (r->tag_bytes + 2 + r->report_bytes);
}

/* As many entries of one part as fit into `room`. */
static struct run run_of(const struct repeat_entry *e, size_t n, size_t room)
{
	struct run best = { 0 };
	unsigned tag_bytes = 0;
	uint32_t least = e[0].report, most = e[0].report;
	for (size_t i = 0; i < n && e[i].key.part == e[0].key.part && i < UINT16_MAX; i++) {
		unsigned step = i ? bytes_of(e[i].key.tag - e[i - 1].key.tag) : 0;
		tag_bytes = step > tag_bytes ? step : tag_bytes;
		least = e[i].report < least ? e[i].report : least;
		most = e[i].report > most ? e[i].report : most;
		struct run r = { i + 1, tag_bytes, bytes_of(most - least), least };
		if (run_bytes(&r) > room)
			break;
		best = r;
	}
	return best;
}

static void put_run(char **to, const struct repeat_entry *e, const struct run *r)
{
	put_le(to, e[0].key.part, 8);
	put_le(to, e[0].key.tag, 8);
	put_le(to, r->report_least, 4);
	put_le(to, r->n, 2);
	put_le(to, r->tag_bytes, 1);
	put_le(to, r->report_bytes, 1);
	for (size_t i = 0; i < r->n; i++) {
		put_le(to, i ? e[i].key.tag - e[i - 1].key.tag : 0, r->tag_bytes);
		put_le(to, e[i].key.check, 2);
		put_le(to, e[i].report - r->report_least, r->report_bytes);
	}
}

/* One page from the front of the entries; how many it took. */
static size_t put_page(struct buf *out, struct buf *fences, const struct repeat_entry *e, size_t n)
{
	char page[PAGE] = { 0 }, *to = page + PAGE_HEAD;
	size_t took = 0;
	unsigned runs = 0;
	buf_le64(fences, e[0].key.part);
	buf_le64(fences, e[0].key.tag);
	while (took < n) {
		size_t room = (size_t)(page + PAGE - to);
		if (room < RUN_HEAD + 2)
			break;
		struct run r = run_of(e + took, n - took, room);
		if (!r.n)
			break;
		put_run(&to, e + took, &r);
		took += r.n;
		runs++;
	}
	char *head = page + 4;
	put_le(&head, runs, 2);
	head = page;
	put_le(&head, crc32_of(str_mem(page + 4, PAGE - 4)), 4);
	buf_add_mem(out, page, sizeof(page));
	return took;
}

static void put_filter(struct buf *out, const struct repeat_entry *e, size_t n, size_t blocks)
{
	unsigned char *filter = x_array(blocks, BLOCK);
	for (size_t i = 0; i < n; i++) {
		unsigned char *b = filter + BLOCK * filter_block(e[i].key.tag, blocks);
		uint64_t h = filter_stir(e[i].key.tag);
		for (unsigned k = 0; k < PROBES; k++)
			b[filter_bit(h, k) / 8] |= (unsigned char)(1u << (filter_bit(h, k) % 8));
	}
	buf_add_mem(out, filter, blocks * BLOCK);
	free(filter);
}

/* Head, pages, fence keys, filter. The head's sum covers fences and filter. */
static enum rc put_file(struct io_file *f, const struct repeat_entry *e, size_t n,
			const struct repeat_parts *parts, uint64_t *bytes_out, struct err *err)
{
	struct buf out = BUF_INIT(MIB(512)), fences = BUF_INIT(MIB(16)), head = BUF_INIT(HEAD);
	size_t blocks = n / 64 + 1, pages = 0;
	for (size_t at = 0; at < n; pages++)
		at += put_page(&out, &fences, e + at, n - at);
	put_filter(&fences, e, n, blocks);
	buf_add(&head, STR(MAGIC));
	buf_le32(&head, PAGE);
	buf_le64(&head, n);
	buf_le32(&head, (uint32_t)pages);
	buf_le32(&head, (uint32_t)blocks);
	buf_le32(&head, crc32_of(buf_str(&fences)));
	buf_le64(&head, 0);
	buf_add_mem(&head, parts->b, sizeof(parts->b));
	buf_le32(&head, crc32_of(buf_str(&head)));
	enum rc rc = RC_OK;
	if (out.over || fences.over || pages > PAGES_MAX)
		rc = fail(err, RC_LIMIT, "too many hashes for one tag file");
	/* the head takes a page, so that pages lie as the disk likes them */
	if (!rc)
		rc = io_write_at(f, 0, buf_str(&head), err);
	if (!rc)
		rc = io_write_at(f, PAGE, buf_str(&out), err);
	if (!rc)
		rc = io_write_at(f, PAGE + out.n, buf_str(&fences), err);
	*bytes_out = PAGE + out.n + fences.n;
	buf_free(&out);
	buf_free(&fences);
	buf_free(&head);
	return rc ? rc : io_sync(f, err);
}

enum rc repeat_file_write(struct io_dir *d, const char *name, struct repeat_entry *entries,
			  size_t n, struct repeat_parts *parts_out, uint64_t *bytes_out,
			  struct err *err)
{
	struct io_file *f;
	enum rc rc = io_open(d, name, IO_WRITE | IO_CREATE, &f, err);
	if (rc)
		return rc;
	qsort(entries, n, sizeof(*entries), by_key);
	rc = io_truncate(f, 0, err); /* one of this name that was never named */
	parts_make(entries, n, parts_out);
	if (!rc)
		rc = put_file(f, entries, n, parts_out, bytes_out, err);
	io_close(f);
	return rc ? rc : io_dir_sync(d, err);
}

/* --- reading --- */

struct repeat_file {
	struct io_file *file;
	uint32_t pages, blocks;
	uint64_t entries;
	unsigned char *fences, *filter; /* one piece of memory */
	uint32_t loaded;                /* page in `page`; UINT32_MAX: none */
	unsigned char page[PAGE];
	bool damaged;
};

static uint64_t le64(const unsigned char *p)
{
	struct wire w = wire_of(str_mem(p, 8));
	return wire_le64(&w);
}

static struct repeat_key fence(const struct repeat_file *f, uint32_t page)
{
	const unsigned char *p = f->fences + (size_t)page * FENCE;
	return (struct repeat_key){ .part = le64(p), .tag = le64(p + 8) };
}

static enum rc read_head(struct repeat_file *f, uint32_t *sum_out, struct repeat_parts *parts,
			 struct err *err)
{
	unsigned char raw[HEAD];
	enum rc rc = io_read_at(f->file, 0, raw, sizeof(raw), err);
	if (rc)
		return rc;
	struct wire w = wire_of(str_mem(raw, sizeof(raw)));
	bool ours = str_eq(wire_bytes(&w, 4), STR(MAGIC)) && wire_le32(&w) == PAGE;
	f->entries = wire_le64(&w);
	f->pages = wire_le32(&w);
	f->blocks = wire_le32(&w);
	*sum_out = wire_le32(&w);
	wire_le64(&w);
	memcpy(parts->b, wire_bytes(&w, sizeof(parts->b)).p, sizeof(parts->b));
	if (!ours || wire_le32(&w) != crc32_of(str_mem(raw, HEAD - 4)) || f->pages > PAGES_MAX ||
	    f->blocks != f->entries / 64 + 1 || f->entries / 2048 > f->pages)
		return fail(err, RC_INPUT, "tag file is damaged: head");
	return RC_OK;
}

static enum rc read_fences(struct repeat_file *f, uint32_t sum, struct err *err)
{
	size_t fences = (size_t)f->pages * FENCE, filter = (size_t)f->blocks * BLOCK;
	f->fences = x_alloc(fences + filter);
	f->filter = f->fences + fences;
	enum rc rc = io_read_at(f->file, PAGE + (uint64_t)f->pages * PAGE, f->fences,
				fences + filter, err);
	if (!rc && crc32_of(str_mem(f->fences, fences + filter)) != sum)
		rc = fail(err, RC_INPUT, "tag file is damaged: fence keys");
	return rc;
}

enum rc repeat_file_open(struct io_dir *d, const char *name, struct repeat_file **out,
			 struct err *err)
{
	struct repeat_file *f = x_alloc(sizeof(*f));
	struct repeat_parts parts;
	uint32_t sum = 0;
	f->loaded = UINT32_MAX;
	enum rc rc = io_open(d, name, IO_READ, &f->file, err);
	if (!rc)
		rc = read_head(f, &sum, &parts, err);
	if (!rc)
		rc = read_fences(f, sum, err);
	if (rc)
		repeat_file_close(f);
	else
		*out = f;
	return rc;
}

enum rc repeat_file_parts(struct io_dir *d, const char *name, struct repeat_parts *out,
			  struct err *err)
{
	struct repeat_file f = { 0 };
	uint32_t sum;
	enum rc rc = io_open(d, name, IO_READ, &f.file, err);
	if (rc)
		return rc;
	rc = read_head(&f, &sum, out, err);
	io_close(f.file);
	return rc;
}

void repeat_file_close(struct repeat_file *f)
{
	if (!f)
		return;
	if (f->file)
		io_close(f->file);
	free(f->fences);
	free(f);
}

size_t repeat_file_memory(const struct repeat_file *f)
{
	return sizeof(*f) + (size_t)f->pages * FENCE + (size_t)f->blocks * BLOCK;
}

bool repeat_file_may_have(const struct repeat_file *f, const struct repeat_key *k)
{
	const unsigned char *b = f->filter + BLOCK * filter_block(k->tag, f->blocks);
	uint64_t h = filter_stir(k->tag);
	for (unsigned i = 0; i < PROBES; i++)
		if (!(b[filter_bit(h, i) / 8] >> (filter_bit(h, i) % 8) & 1))
			return false;
	return true;
}

static enum rc load_page(struct repeat_file *f, uint32_t page, struct err *err)
{
	if (f->loaded == page)
		return RC_OK;
	f->loaded = UINT32_MAX;
	enum rc rc = io_read_at(f->file, PAGE + (uint64_t)page * PAGE, f->page, PAGE, err);
	if (rc)
		return rc;
	struct wire w = wire_of(str_mem(f->page, PAGE));
	if (wire_le32(&w) != crc32_of(str_mem(f->page + 4, PAGE - 4)))
		return fail(err, RC_INPUT, "tag file is damaged: page %u", page);
	f->loaded = page;
	return RC_OK;
}

static uint64_t get_le(const unsigned char *p, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

/* Walks the loaded page; `each` says when it is enough. */
typedef bool (*entry_fn)(void *ctx, const struct repeat_entry *e);
static enum rc walk_page(const struct repeat_file *f, const uint64_t *only_part, entry_fn each,
			 void *ctx, struct err *err)
{
	struct wire w = wire_of(str_mem(f->page + 4, PAGE - 4));
	uint16_t runs = wire_le16(&w);
	wire_le16(&w);
	for (unsigned r = 0; r < runs; r++) {
		struct repeat_entry e = { .key.part = wire_le64(&w), .key.tag = wire_le64(&w) };
		uint32_t least = wire_le32(&w);
		uint16_t n = wire_le16(&w);
		unsigned tag_bytes = wire_u8(&w), report_bytes = wire_u8(&w);
		unsigned size = tag_bytes + 2 + report_bytes;
		str bytes = wire_bytes(&w, (size_t)n * size);
		if (w.bad || tag_bytes > 8 || report_bytes > 4)
			return fail(err, RC_INPUT, "tag file is damaged: run");
		if (only_part && *only_part != e.key.part)
			continue;
		const unsigned char *p = (const unsigned char *)bytes.p;
		for (unsigned i = 0; i < n; i++, p += size) {
			e.key.tag += get_le(p, tag_bytes);
			e.key.check = (uint16_t)get_le(p + tag_bytes, 2);
			e.report = least + (uint32_t)get_le(p + tag_bytes + 2, report_bytes);
			if (each(ctx, &e))
				return RC_OK;
		}
	}
	return RC_OK;
}

struct search {
	const struct repeat_key *key;
	bool (*counts)(void *ctx, uint32_t report);
	void *ctx;
	bool found;
};

static bool search_entry(void *ctx, const struct repeat_entry *e)
{
	struct search *s = ctx;
	if (e->key.tag < s->key->tag)
		return false;
	if (e->key.tag > s->key->tag)
		return true;
	s->found = e->key.check == s->key->check && s->counts(s->ctx, e->report);
	return s->found;
}

/* The first page that can hold the key: the one before the first fence that is
 * not below it. */
static uint32_t first_page(const struct repeat_file *f, const struct repeat_key *k)
{
	uint32_t low = 0, high = f->pages;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		struct repeat_key at = fence(f, mid);
		if (repeat_key_cmp(&at, k) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : 0;
}

enum rc repeat_file_has(struct repeat_file *f, const struct repeat_key *k,
			bool (*counts)(void *ctx, uint32_t report), void *ctx, bool *out,
			struct err *err)
{
	struct search s = { .key = k, .counts = counts, .ctx = ctx };
	*out = false;
	if (f->damaged)
		return RC_OK;
	for (uint32_t page = first_page(f, k); page < f->pages && !s.found; page++) {
		struct repeat_key at = fence(f, page);
		if (repeat_key_cmp(&at, k) > 0)
			break;
		enum rc rc = load_page(f, page, err);
		if (!rc)
			rc = walk_page(f, &k->part, search_entry, &s, err);
		f->damaged = rc == RC_INPUT;
		if (rc)
			return rc;
	}
	*out = s.found;
	return RC_OK;
}

struct tour {
	void (*each)(void *ctx, const struct repeat_entry *e);
	void *ctx;
};

static bool tour_entry(void *ctx, const struct repeat_entry *e)
{
	struct tour *t = ctx;
	t->each(t->ctx, e);
	return false;
}

enum rc repeat_file_each(struct repeat_file *f,
			 void (*each)(void *ctx, const struct repeat_entry *e), void *ctx,
			 struct err *err)
{
	struct tour t = { each, ctx };
	enum rc rc = RC_OK;
	for (uint32_t page = 0; page < f->pages && !rc; page++) {
		rc = load_page(f, page, err);
		if (!rc)
			rc = walk_page(f, NULL, tour_entry, &t, err);
	}
	return rc;
}
