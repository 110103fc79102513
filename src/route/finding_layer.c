/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a layer, and the frames beside its blocks. */
#include "route/finding_layer.h"

#include <stdlib.h>

enum {
	VERSION = 1,
	FILTER_BITS = 10, /* a finding */
	FILTER_LINE = 64, /* bytes that are asked for one id: one line of the cache */
	FILTER_HASHES = 6,
	FILTER_MOST = 1 << 22,
	PAGES_MOST = 1 << 24
};

struct layer_writer {
	struct frame_file *file;
	struct block_writer *block;
	struct zone zone[PAGE_BLOCKS];
	size_t zones;
	uint64_t *filter; /* what the filter of the page is made of */
	size_t ids, room;
	struct buf frame, foot;
	uint64_t pages, rows;
	struct hash128 last;
	struct place foot_at;
};

enum rc layer_begin(struct store *s, struct layer_writer **out, struct err *err)
{
	struct frame_file *file;
	enum rc rc = frame_file_new(s, SEGMENT_FINDINGS, &file, err);
	*out = NULL;
	if (rc != RC_OK)
		return rc;
	struct layer_writer *w = x_alloc(sizeof(*w));
	w->file = file;
	struct key key = finding_key_derive(store_secret(s));
	w->block = block_writer_new(&key);
	w->frame = w->foot = (struct buf)BUF_INIT(MIB(64));
	*out = w;
	return RC_OK;
}

static void put_id(struct buf *b, struct hash128 id)
{
	buf_le64(b, id.hi);
	buf_le64(b, id.lo);
}

static struct hash128 take_id(struct wire *w)
{
	uint64_t hi = wire_le64(w);
	return (struct hash128){ hi, wire_le64(w) };
}

/* --- the filter: a line for each id, six bits of it --- */

/* The ids of a page are neighbours: their upper bits are the same. */
static uint64_t filter_hash(uint64_t id_hi)
{
	uint64_t h = (id_hi ^ id_hi >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static size_t line_of(uint64_t h, size_t lines)
{
	return (size_t)((h >> 32) * lines >> 32);
}

static unsigned bit_of(uint64_t h, unsigned k)
{
	return (unsigned)(h * UINT64_C(0x9e3779b97f4a7c15) >> (9 * k + 1) & 511);
}

static enum rc put_filter(struct layer_writer *w, struct place *at, struct err *err)
{
	size_t lines = (w->ids * FILTER_BITS + 8 * FILTER_LINE - 1) / (8 * FILTER_LINE);
	buf_reset(&w->frame);
	buf_add(&w->frame, STR("FF"));
	buf_char(&w->frame, VERSION);
	buf_char(&w->frame, 0);
	char *p = buf_room(&w->frame, lines * FILTER_LINE);
	memset(p, 0, lines * FILTER_LINE);
	for (size_t i = 0; i < w->ids; i++) {
		char *line = p + line_of(w->filter[i], lines) * FILTER_LINE;
		for (unsigned k = 0; k < FILTER_HASHES; k++) {
			unsigned bit = bit_of(w->filter[i], k);
			line[bit / 8] = (char)(line[bit / 8] | 1 << bit % 8);
		}
	}
	w->frame.n += lines * FILTER_LINE;
	w->ids = 0;
	return frame_file_add(w->file, buf_str(&w->frame), at, err);
}

bool filter_may_have(str payload, uint64_t id_hi)
{
	uint64_t h = filter_hash(id_hi);
	size_t lines = payload.n < 4 ? 0 : (payload.n - 4) / FILTER_LINE;
	if (!lines || payload.n > FILTER_MOST)
		return true;
	const char *line = payload.p + 4 + line_of(h, lines) * FILTER_LINE;
	for (unsigned k = 0; k < FILTER_HASHES; k++) {
		unsigned bit = bit_of(h, k);
		if (!(line[bit / 8] >> bit % 8 & 1))
			return false;
	}
	return true;
}

/* --- pages --- */

static void put_zone(struct buf *b, const struct zone *z)
{
	put_id(b, z->first);
	put_id(b, z->last);
	buf_le64(b, z->at.offset);
	buf_le32(b, z->at.bytes);
	buf_le32(b, z->rows);
	buf_le64(b, (uint64_t)z->oldest_us);
	buf_le64(b, (uint64_t)z->newest_us);
	buf_char(b, (char)z->states);
	buf_char(b, (char)z->tlps);
	buf_char(b, (char)z->exercises);
	buf_char(b, 0);
	buf_le64(b, z->tags[0]);
	buf_le64(b, z->tags[1]);
}

static void take_zone(struct wire *w, struct zone *z)
{
	z->first = take_id(w);
	z->last = take_id(w);
	z->at = (struct place){ .offset = wire_le64(w) };
	z->at.bytes = wire_le32(w);
	z->rows = wire_le32(w);
	z->oldest_us = (int64_t)wire_le64(w);
	z->newest_us = (int64_t)wire_le64(w);
	z->states = wire_u8(w);
	z->tlps = wire_u8(w);
	z->exercises = wire_u8(w);
	(void)wire_u8(w);
	z->tags[0] = wire_le64(w);
	z->tags[1] = wire_le64(w);
}

bool zones_read(str payload, struct zone out[PAGE_BLOCKS], size_t *count_out)
{
	struct wire w = wire_of(payload);
	bool ours = str_eq(wire_bytes(&w, 2), STR("FP")) && wire_u8(&w) == VERSION;
	size_t n = wire_u8(&w);
	if (!ours || w.bad || n == 0 || n > PAGE_BLOCKS)
		return false;
	for (size_t i = 0; i < n; i++)
		take_zone(&w, &out[i]);
	*count_out = n;
	return !w.bad && wire_left(&w) == 0;
}

static enum rc end_page(struct layer_writer *w, struct err *err)
{
	struct place zones, filter;
	struct hash128 first = w->zone[0].first;
	if (!w->zones)
		return RC_OK;
	buf_reset(&w->frame);
	buf_add(&w->frame, STR("FP"));
	buf_char(&w->frame, VERSION);
	buf_char(&w->frame, (char)w->zones);
	for (size_t i = 0; i < w->zones; i++)
		put_zone(&w->frame, &w->zone[i]);
	w->zones = 0;
	enum rc rc = frame_file_add(w->file, buf_str(&w->frame), &zones, err);
	if (rc == RC_OK)
		rc = put_filter(w, &filter, err);
	if (rc != RC_OK)
		return rc;
	put_id(&w->foot, first);
	buf_le64(&w->foot, zones.offset);
	buf_le32(&w->foot, zones.bytes);
	buf_le64(&w->foot, filter.offset);
	buf_le32(&w->foot, filter.bytes);
	w->pages++;
	return RC_OK;
}

static enum rc end_block(struct layer_writer *w, struct err *err)
{
	struct zone *z = &w->zone[w->zones];
	if (!block_count(w->block))
		return RC_OK;
	buf_reset(&w->frame);
	block_finish(w->block, &w->frame, z);
	if (w->frame.over)
		return fail(err, RC_LIMIT, "a block of findings is too large");
	enum rc rc = frame_file_add(w->file, buf_str(&w->frame), &z->at, err);
	w->zones++;
	return rc == RC_OK && w->zones == PAGE_BLOCKS ? end_page(w, err) : rc;
}

enum rc layer_add(struct layer_writer *w, const struct finding_row *f, struct err *err)
{
	if (!block_add(w->block, f)) {
		enum rc rc = end_block(w, err);
		if (rc != RC_OK)
			return rc;
		if (!block_add(w->block, f))
			return fail(err, RC_LIMIT, "a finding is too large");
	}
	if (w->ids == w->room) {
		w->room = w->room ? 2 * w->room : BLOCK_ROWS;
		w->filter = x_grow(w->filter, w->room, sizeof(*w->filter));
	}
	w->filter[w->ids++] = filter_hash(f->id.hi);
	w->rows++;
	return RC_OK;
}

uint64_t layer_rows(const struct layer_writer *w)
{
	return w->rows;
}

enum rc layer_finish(struct layer_writer *w, struct err *err)
{
	enum rc rc = end_block(w, err);
	if (rc == RC_OK)
		rc = end_page(w, err);
	if (rc != RC_OK)
		return rc;
	buf_reset(&w->frame);
	buf_add(&w->frame, STR("FE"));
	buf_char(&w->frame, VERSION);
	buf_varint(&w->frame, w->pages);
	buf_add(&w->frame, buf_str(&w->foot));
	if (w->frame.over)
		return fail(err, RC_LIMIT, "there are too many findings for one file");
	rc = frame_file_add(w->file, buf_str(&w->frame), &w->foot_at, err);
	return rc == RC_OK ? frame_file_sync(w->file, err) : rc;
}

bool foot_read(str payload, struct arena *a, struct page_ref **out, size_t *count_out)
{
	struct wire w = wire_of(payload);
	bool ours = str_eq(wire_bytes(&w, 2), STR("FE")) && wire_u8(&w) == VERSION;
	uint64_t n = wire_varint(&w);
	if (!ours || w.bad || n > PAGES_MOST || n > wire_left(&w) / 40)
		return false;
	*out = ARENA_ARRAY(a, (size_t)n + 1, struct page_ref);
	for (size_t i = 0; i < n; i++) {
		struct page_ref *p = &(*out)[i];
		p->first = take_id(&w);
		p->zones.offset = wire_le64(&w);
		p->zones.bytes = wire_le32(&w);
		p->filter.offset = wire_le64(&w);
		p->filter.bytes = wire_le32(&w);
	}
	*count_out = (size_t)n;
	return !w.bad && wire_left(&w) == 0;
}

enum rc layer_name(struct tx *tx, const struct layer_writer *w, int64_t id, struct err *err)
{
	enum rc rc = frame_file_name(tx, w->file, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO finding_layer (id, day, number, foot, foot_bytes, rows, "
					 "bytes) VALUES (coalesce(?1, (SELECT coalesce(max(id), 0) + 1 FROM "
					 "finding_layer)), ?2, ?3, ?4, ?5, ?6, ?7)");
	if (id)
		sql_int(q, 1, id);
	else
		sql_null(q, 1);
	sql_int(q, 2, w->foot_at.day);
	sql_int(q, 3, w->foot_at.number);
	sql_int(q, 4, (int64_t)w->foot_at.offset);
	sql_int(q, 5, w->foot_at.bytes);
	sql_int(q, 6, (int64_t)w->rows);
	sql_int(q, 7, (int64_t)frame_file_bytes(w->file));
	return sql_run(q, err);
}

void layer_end(struct layer_writer *w, enum rc rc)
{
	if (!w)
		return;
	frame_file_end(w->file, rc == RC_OK || (rc != RC_CONFLICT && rc != RC_BUSY));
	block_writer_free(w->block);
	free(w->filter);
	buf_free(&w->frame);
	buf_free(&w->foot);
	free(w);
}
