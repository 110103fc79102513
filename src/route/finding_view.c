/* SPDX-License-Identifier: Apache-2.0 */
/* Reading layers and table `finding` as one. */
#include <stdlib.h>

#include "route/finding_layer.h"
#include "store/reader_kept.h"

enum { IDS_MOST = 20000 };

/* --- one layer --- */

enum rc layer_damaged(const struct layer *l, struct err *err)
{
	return fail(err, RC_INPUT, "file %u of the findings is damaged: run ronda verify",
		    (unsigned)l->foot.number);
}

/* A file that is not there is damage: its findings are not absent, they are lost. */
static enum rc frame(struct view *v, const struct place *at, struct err *err)
{
	struct err why;
	buf_reset(&v->frame);
	enum rc rc = v->r ? reader_frame(v->r, SEGMENT_FINDINGS, at, &v->frame, &why) :
			    store_frame(v->s, SEGMENT_FINDINGS, at, &v->frame, &why);
	if (rc == RC_OK)
		return RC_OK;
	return fail(err, rc == RC_ABSENT ? RC_INPUT : rc, "file %u of the findings: %s; run ronda verify",
		    (unsigned)at->number, why.text);
}

/* The frames say where others stand, not in which file. */
static struct place in_file(const struct layer *l, struct place at)
{
	at.day = l->foot.day;
	at.number = l->foot.number;
	return at;
}

enum rc layer_need_foot(struct view *v, struct layer *l, struct err *err)
{
	if (l->has_foot)
		return RC_OK;
	enum rc rc = frame(v, &l->foot, err);
	if (rc == RC_OK && !foot_read(buf_str(&v->frame), v->a, &l->page, &l->pages))
		rc = layer_damaged(l, err);
	l->has_foot = rc == RC_OK;
	return rc;
}

enum rc layer_need_zones(struct view *v, struct layer *l, size_t page, struct err *err)
{
	if (l->zones_of == page)
		return RC_OK;
	struct place at = in_file(l, l->page[page].zones);
	enum rc rc = frame(v, &at, err);
	if (!l->zone)
		l->zone = x_array(PAGE_BLOCKS, sizeof(*l->zone));
	l->zones_of = SIZE_MAX;
	if (rc == RC_OK && !zones_read(buf_str(&v->frame), l->zone, &l->zones))
		rc = layer_damaged(l, err);
	if (rc == RC_OK)
		l->zones_of = page;
	return rc;
}

/* --- blocks that others have read --- */

struct block_kept {
	struct frame_kept head;
	struct block block; /* all of it is read */
	struct arena *a;
	struct key key;
};

static void kept_end(struct frame_kept *kept)
{
	struct block_kept *one = (struct block_kept *)kept;
	arena_free(one->a);
	explicit_bzero(&one->key, sizeof(one->key));
	free(one);
}

static bool use_kept(struct layer *l, struct frame_kept *kept)
{
	l->kept = kept;
	if (kept)
		l->block = ((struct block_kept *)kept)->block;
	return kept != NULL;
}

/* Of the frame that was just read; false: it is not held, nor damaged that anybody knows. */
static bool share_block(struct view *v, struct layer *l, const struct place *at)
{
	struct frame_cache *k = store_blocks(v->s);
	if (!frame_cache_room(k, v->turn))
		return false;
	struct block_kept *one = x_alloc(sizeof(*one));
	one->head = (struct frame_kept){ .at = *at, .end = kept_end };
	one->key = v->key;
	one->a = arena_new(KIB(16));
	if (!block_open(&one->block, buf_str(&v->frame), &one->key, one->a) ||
	    !block_need_rest(&one->block, v->unpack)) {
		kept_end(&one->head);
		return false;
	}
	one->head.bytes = arena_bytes(one->a);
	return use_kept(l, frame_cache_add(k, &one->head, v->turn));
}

static void give_back(struct view *v, struct layer *l)
{
	if (l->kept)
		frame_cache_give_back(store_blocks(v->s), l->kept);
	l->kept = NULL;
}

enum rc layer_need_block(struct view *v, struct layer *l, size_t page, size_t zone, struct err *err)
{
	if (l->has_block && l->block_page == page && l->block_zone == zone)
		return RC_OK;
	enum rc rc = layer_need_zones(v, l, page, err);
	if (rc != RC_OK)
		return rc;
	if (!l->a)
		l->a = arena_new(KIB(96));
	arena_reset(l->a);
	l->has_block = false;
	give_back(v, l);
	struct place at = in_file(l, l->zone[zone].at);
	if (!v->shares || !use_kept(l, frame_cache_take(store_blocks(v->s), &at))) {
		rc = frame(v, &at, err);
		bool shared = rc == RC_OK && v->shares && share_block(v, l, &at);
		if (rc == RC_OK && !shared && !block_open(&l->block, buf_str(&v->frame), &v->key, l->a))
			rc = layer_damaged(l, err);
	}
	if (rc == RC_OK && l->block.rows != l->zone[zone].rows)
		rc = layer_damaged(l, err);
	l->has_block = rc == RC_OK;
	l->block_page = page;
	l->block_zone = zone;
	return rc;
}

static enum rc need_filter(struct view *v, struct layer *l, size_t page, struct err *err)
{
	if (l->filter_of == page)
		return RC_OK;
	struct place at = in_file(l, l->page[page].filter);
	enum rc rc = frame(v, &at, err);
	l->filter_of = SIZE_MAX;
	if (rc != RC_OK)
		return rc;
	buf_reset(&l->filter);
	buf_add(&l->filter, buf_str(&v->frame));
	l->filter_of = page;
	return l->filter.over ? layer_damaged(l, err) : RC_OK;
}

/* The last page that begins at or before `id`; pages when none does. */
static size_t page_of(const struct layer *l, struct hash128 id)
{
	size_t from = 0, upto = l->pages;
	while (from < upto) {
		size_t mid = (from + upto) / 2;
		if (id_cmp(l->page[mid].first, id) <= 0)
			from = mid + 1;
		else
			upto = mid;
	}
	return from ? from - 1 : l->pages;
}

/* The first block that does not end before `id`. */
static size_t zone_of(const struct layer *l, struct hash128 id)
{
	size_t i = 0;
	while (i < l->zones && id_cmp(l->zone[i].last, id) < 0)
		i++;
	return i;
}

enum rc layer_row(struct view *v, struct layer *l, uint32_t i, struct arena *a, struct finding_row *out,
		  struct err *err)
{
	return block_need_rest(&l->block, v->unpack) && block_row(&l->block, i, a, out) ?
		       RC_OK :
		       layer_damaged(l, err);
}

/* Rows with that upper half of the id: one, as good as always. */
static enum rc find_in_block(struct view *v, struct layer *l, struct hash128 id, struct arena *a,
			     bool *found_out, struct finding_row *out, struct err *err)
{
	enum rc rc = RC_OK;
	for (uint32_t i = block_seek(&l->block, id.hi);
	     rc == RC_OK && !*found_out && i < l->block.rows && block_hi(&l->block, i) == id.hi; i++) {
		rc = layer_row(v, l, i, a, out, err);
		*found_out = rc == RC_OK && out->id.lo == id.lo;
	}
	return rc;
}

enum rc layer_find(struct view *v, struct layer *l, struct hash128 id, struct arena *a, bool *found_out,
		   struct finding_row *out, struct err *err)
{
	*found_out = false;
	enum rc rc = layer_need_foot(v, l, err);
	size_t page = rc == RC_OK ? page_of(l, id) : 0;
	if (rc != RC_OK || page == l->pages)
		return rc;
	rc = need_filter(v, l, page, err);
	if (rc != RC_OK || !filter_may_have(buf_str(&l->filter), id.hi))
		return rc;
	rc = layer_need_zones(v, l, page, err);
	size_t zone = rc == RC_OK ? zone_of(l, id) : 0;
	if (rc != RC_OK || zone == l->zones)
		return rc;
	rc = layer_need_block(v, l, page, zone, err);
	return rc == RC_OK ? find_in_block(v, l, id, a, found_out, out, err) : rc;
}

/* --- the view --- */

static enum rc load_layers(struct view *v, struct err *err)
{
	size_t room = 0;
	struct sql *q = sql(v->c, "SELECT id, day, number, foot, foot_bytes, rows, bytes FROM finding_layer "
				  "ORDER BY id DESC");
	while (sql_row(q)) {
		if (v->layers == room) {
			room = room ? 2 * room : 16;
			v->layer = x_grow(v->layer, room, sizeof(*v->layer));
		}
		v->layer[v->layers++] = (struct layer){
			.id = sql_col_int(q, 0),
			.foot = { .day = (int32_t)sql_col_int(q, 1), .number = (uint32_t)sql_col_int(q, 2),
				  .offset = (uint64_t)sql_col_int(q, 3),
				  .bytes = (uint32_t)sql_col_int(q, 4) },
			.rows = (uint64_t)sql_col_int(q, 5), .bytes = (uint64_t)sql_col_int(q, 6),
			.zones_of = SIZE_MAX, .filter_of = SIZE_MAX, .filter = BUF_INIT(MIB(8)),
		};
	}
	return sql_end(q, err);
}

static enum rc take_ids(struct sql *q, struct view *v, struct hash128 **out, size_t *n, bool *known,
			struct err *err)
{
	struct hash128 *list = ARENA_ARRAY(v->a, 1024, struct hash128);
	size_t room = 1024;
	*n = 0;
	while (*n <= IDS_MOST && sql_row(q)) {
		if (*n == room) {
			struct hash128 *wider = ARENA_ARRAY(v->a, room * 4, struct hash128);
			memcpy(wider, list, *n * sizeof(*list));
			list = wider;
			room *= 4;
		}
		list[(*n)++] = id_of_bytes(sql_col_blob(q, 0));
	}
	*out = list;
	*known = *n <= IDS_MOST;
	return sql_end(q, err);
}

enum rc view_begin(struct view *v, struct reader *r, struct tx *tx, bool many, struct err *err)
{
	*v = (struct view){ .s = r ? reader_store(r) : tx_store(tx), .r = r,
			    .c = r ? reader_conn(r) : tx_conn(tx),
			    .a = arena_new(KIB(32)), .frame = BUF_INIT(MIB(64) + 64),
			    .unpack = ZSTD_createDCtx() };
	v->key = finding_key_derive(store_secret(v->s));
	enum rc rc = load_layers(v, err);
	if (rc == RC_OK)
		rc = cursor_get(v->c, STR("fold"), &v->folded, err);
	if (rc == RC_OK)
		rc = cursor_get(v->c, STR("findings"), &v->disturbed, err);
	if (rc == RC_OK && many)
		rc = take_ids(sql(v->c, "SELECT id FROM finding ORDER BY id LIMIT 20001"), v, &v->row_id,
			      &v->row_ids, &v->rows_known, err);
	if (rc == RC_OK && many)
		rc = take_ids(sql(v->c, "SELECT DISTINCT id FROM finding_feed ORDER BY id LIMIT 20001"), v,
			      &v->note_id, &v->note_ids, &v->notes_known, err);
	if (rc != RC_OK)
		view_end(v);
	return rc;
}

void view_end(struct view *v)
{
	for (size_t i = 0; i < v->layers; i++) {
		give_back(v, &v->layer[i]);
		free(v->layer[i].zone);
		buf_free(&v->layer[i].filter);
		arena_free(v->layer[i].a);
		arena_free(v->layer[i].row_a);
	}
	free(v->layer);
	arena_free(v->walk_a);
	arena_free(v->a);
	buf_free(&v->frame);
	ZSTD_freeDCtx(v->unpack);
	*v = (struct view){ 0 };
}

bool view_has_layers(const struct view *v)
{
	return v->layers > 0;
}

static bool stands_in(bool known, const struct hash128 *list, size_t n, struct hash128 id)
{
	size_t from = 0, upto = n;
	while (known && from < upto) {
		size_t mid = (from + upto) / 2;
		if (id_cmp(list[mid], id) < 0)
			from = mid + 1;
		else
			upto = mid;
	}
	return !known || (from < n && id_cmp(list[from], id) == 0);
}

/* --- what feeds saw --- */

void sightings_join(struct sighting **list, uint32_t *n, const struct sighting *s, struct arena *a)
{
	uint32_t at = 0;
	while (at < *n && (*list)[at].feed < s->feed)
		at++;
	if (at < *n && (*list)[at].feed == s->feed) {
		struct sighting *is = &(*list)[at];
		is->first_us = s->first_us < is->first_us ? s->first_us : is->first_us;
		is->last_us = s->last_us > is->last_us ? s->last_us : is->last_us;
		is->run = s->run > is->run ? s->run : is->run;
		return;
	}
	struct sighting *wider = ARENA_ARRAY(a, *n + 1, struct sighting);
	if (*n) {
		memcpy(wider, *list, at * sizeof(*wider));
		memcpy(wider + at + 1, *list + at, (*n - at) * sizeof(*wider));
	}
	wider[at] = *s;
	*list = wider;
	++*n;
}

/* The row of one feed tells itself what that feed saw. */
static void add_note(struct finding_row *f, const struct sighting *s, struct arena *a)
{
	if (f->feeds == 1 && s->feed == f->feed)
		f->run = s->run > f->run ? s->run : f->run;
	else
		sightings_join(&f->seen, &f->seen_count, s, a);
}

static enum rc load_notes(struct view *v, struct hash128 id, struct arena *a, struct sighting **out,
			  uint32_t *count_out, struct err *err)
{
	size_t n = 0;
	*count_out = 0;
	*out = NULL;
	if (!stands_in(v->notes_known, v->note_id, v->note_ids, id))
		return RC_OK;
	enum rc rc = sightings_load(v->c, id, a, out, &n, err);
	*count_out = (uint32_t)n;
	return rc;
}

/* --- one finding --- */

static enum rc find_in_layers(struct view *v, struct hash128 id, struct arena *a,
			      struct finding_row *out, struct err *err)
{
	for (size_t i = 0; i < v->layers; i++) {
		struct layer *l = &v->layer[i];
		bool found;
		enum rc rc = layer_find(v, l, id, a, &found, out, err);
		if (rc != RC_OK || found)
			return rc;
	}
	return RC_ABSENT;
}

enum rc view_find(struct view *v, struct hash128 id, struct arena *a, struct found *out,
		  struct err *err)
{
	enum rc rc = RC_ABSENT;
	*out = (struct found){ 0 };
	if (stands_in(v->rows_known, v->row_id, v->row_ids, id))
		rc = finding_row_find(v->c, id, a, &out->row, err);
	out->in_db = rc == RC_OK;
	if (rc == RC_ABSENT)
		rc = find_in_layers(v, id, a, &out->row, err);
	if (rc != RC_OK && rc != RC_ABSENT)
		return rc;
	bool absent = rc == RC_ABSENT || out->row.state == FINDING_NO_MORE;
	rc = load_notes(v, id, a, &out->note, &out->notes, err);
	for (uint32_t i = 0; i < out->notes && rc == RC_OK && !absent; i++)
		add_note(&out->row, &out->note[i], a);
	return rc == RC_OK && absent ? RC_ABSENT : rc;
}

/* --- all of them --- */

static bool layer_at_end(const struct layer *l)
{
	return l->page_at >= l->pages;
}

/* Loads the block the walk stands in, or the next one there is. */
static enum rc settle(struct view *v, struct layer *l, struct err *err)
{
	while (!layer_at_end(l)) {
		enum rc rc = layer_need_zones(v, l, l->page_at, err);
		if (rc != RC_OK)
			return rc;
		if (l->zone_at < l->zones) {
			rc = layer_need_block(v, l, l->page_at, l->zone_at, err);
			if (rc != RC_OK)
				return rc;
			if (l->row_at < l->block.rows) {
				arena_reset(l->row_a);
				return layer_row(v, l, l->row_at, l->row_a, &l->row, err);
			}
			l->zone_at++;
		} else {
			l->page_at++;
			l->zone_at = 0;
		}
		l->row_at = 0;
	}
	return RC_OK;
}

static enum rc start_layer(struct view *v, struct layer *l, struct hash128 from, struct err *err)
{
	enum rc rc = layer_need_foot(v, l, err);
	if (rc != RC_OK || !l->pages)
		return rc;
	if (!l->row_a)
		l->row_a = arena_new(KIB(2));
	size_t page = page_of(l, from);
	l->page_at = page == l->pages ? 0 : page;
	l->zone_at = 0;
	l->row_at = 0;
	rc = layer_need_zones(v, l, l->page_at, err);
	if (rc == RC_OK)
		l->zone_at = zone_of(l, from);
	if (rc == RC_OK)
		rc = settle(v, l, err);
	if (rc == RC_OK && !layer_at_end(l) && l->row_at == 0)
		l->row_at = block_seek(&l->block, from.hi);
	if (rc == RC_OK)
		rc = settle(v, l, err);
	while (rc == RC_OK && !layer_at_end(l) && id_cmp(l->row.id, from) < 0) {
		l->row_at++;
		rc = settle(v, l, err);
	}
	return rc;
}

static void walk_db(struct view *v)
{
	v->walk_has = sql_row(v->walk);
	if (!v->walk_has)
		return;
	arena_reset(v->walk_a);
	finding_row_take(v->walk, v->walk_a, &v->walk_row);
}

enum rc view_walk(struct view *v, struct hash128 from, struct err *err)
{
	char raw[16];
	if (!v->walk_a)
		v->walk_a = arena_new(KIB(4));
	id_bytes(from, raw);
	v->walk = sql(v->c, "SELECT " FINDING_COLUMNS " FROM finding WHERE id >= ? ORDER BY id");
	sql_blob(v->walk, 1, str_mem(raw, 16));
	enum rc rc = RC_OK;
	for (size_t i = 0; i < v->layers && rc == RC_OK; i++)
		rc = start_layer(v, &v->layer[i], from, err);
	if (rc == RC_OK)
		walk_db(v);
	if (rc != RC_OK)
		(void)!sql_end(v->walk, NULL);
	return rc;
}

/* The newest that says something about `id`, and everybody behind it. */
static enum rc take_next(struct view *v, struct hash128 id, struct arena *a, struct finding_row *out,
			 struct err *err)
{
	bool have = v->walk_has && id_cmp(v->walk_row.id, id) == 0;
	enum rc rc = RC_OK;
	if (have) {
		*out = v->walk_row;
		finding_row_own(out, a);
		walk_db(v);
	}
	for (size_t i = 0; i < v->layers && rc == RC_OK; i++) {
		struct layer *l = &v->layer[i];
		if (layer_at_end(l) || id_cmp(l->row.id, id) != 0)
			continue;
		if (!have) {
			*out = l->row;
			finding_row_own(out, a);
			have = true;
		}
		l->row_at++;
		rc = settle(v, l, err);
	}
	return rc;
}

static bool least_id(const struct view *v, struct hash128 *out)
{
	bool any = v->walk_has;
	if (any)
		*out = v->walk_row.id;
	for (size_t i = 0; i < v->layers; i++) {
		const struct layer *l = &v->layer[i];
		if (layer_at_end(l))
			continue;
		if (!any || id_cmp(l->row.id, *out) < 0)
			*out = l->row.id;
		any = true;
	}
	return any;
}

bool view_next_any(struct view *v, struct arena *a, struct finding_row *out, enum rc *rc, struct err *err)
{
	struct hash128 id;
	if (!least_id(v, &id))
		return false;
	*rc = take_next(v, id, a, out, err);
	return *rc == RC_OK;
}

bool view_next(struct view *v, struct arena *a, struct finding_row *out, enum rc *rc, struct err *err)
{
	struct sighting *note = NULL;
	uint32_t notes = 0;
	do
		if (!view_next_any(v, a, out, rc, err))
			return false;
	while (out->state == FINDING_NO_MORE);
	*rc = load_notes(v, out->id, a, &note, &notes, err);
	for (uint32_t i = 0; i < notes && *rc == RC_OK; i++)
		add_note(out, &note[i], a);
	return *rc == RC_OK;
}

enum rc view_walk_layers(struct view *v, struct err *err)
{
	enum rc rc = RC_OK;
	v->walk_has = false;
	for (size_t i = 0; i < v->layers && rc == RC_OK; i++)
		rc = start_layer(v, &v->layer[i], (struct hash128){ 0, 0 }, err);
	return rc;
}

enum rc view_walk_end(struct view *v, struct err *err)
{
	return sql_end(v->walk, err);
}
