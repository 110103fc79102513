/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, newest last_seen first. Layers are sorted by id, so the newest are
 * spread over all blocks; but each block says how new its newest is, and blocks
 * are opened in that order until none can hold a newer one than those at hand. */
#include <stdlib.h>

#include "route/finding_layer.h"

enum { BATCH_MOST = 16384 };

/* A finding that may be listed, and where it stands. Of those in blocks only the
 * upper half of the id is known until they are looked at again. */
struct candidate {
	int64_t last_us;
	struct hash128 id;
	struct block_at {
		uint32_t layer, page; /* layer UINT32_MAX: a row of main.db */
		uint16_t zone, row;
	} at;
};
enum { IN_DB = UINT32_MAX };

struct listing {
	struct view *v;
	const struct finding_query *q;
	char org[24];
	str type, severity;
	uint64_t tags[2]; /* what a block must have */
	struct candidate *heap; /* the one that leaves first on top */
	size_t n, most;
	bool more; /* some were left out for want of room */
	/* those listed so far end here */
	int64_t after_us;
	struct hash128 after;
	bool from_start;
	bool marks; /* people marked some */
};

/* Whether a is listed before b. */
static bool before(const struct candidate *a, const struct candidate *b)
{
	return a->last_us != b->last_us ? a->last_us > b->last_us : id_cmp(a->id, b->id) > 0;
}

static bool is_behind(const struct listing *l, int64_t last_us, struct hash128 id)
{
	return l->from_start || last_us < l->after_us ||
	       (last_us == l->after_us && id_cmp(id, l->after) < 0);
}

/* The same before the lower half is known: then it may turn out not to be. */
static bool may_be_behind(const struct listing *l, int64_t last_us, uint64_t hi)
{
	return l->from_start || last_us < l->after_us || (last_us == l->after_us && hi <= l->after.hi);
}

/* --- the best so far --- */

static void swap(struct candidate *a, struct candidate *b)
{
	struct candidate c = *a;
	*a = *b;
	*b = c;
}

static void sift_down(struct listing *l)
{
	for (size_t i = 0;;) {
		size_t child = 2 * i + 1;
		if (child >= l->n)
			return;
		if (child + 1 < l->n && before(&l->heap[child], &l->heap[child + 1]))
			child++;
		if (!before(&l->heap[i], &l->heap[child]))
			return;
		swap(&l->heap[i], &l->heap[child]);
		i = child;
	}
}

static void offer(struct listing *l, const struct candidate *c)
{
	if (l->n == l->most) {
		l->more = true;
		if (!before(c, &l->heap[0]))
			return;
		l->heap[0] = *c;
		sift_down(l);
		return;
	}
	size_t i = l->n++;
	l->heap[i] = *c;
	for (; i > 0 && before(&l->heap[(i - 1) / 2], &l->heap[i]); i = (i - 1) / 2)
		swap(&l->heap[i], &l->heap[(i - 1) / 2]);
}

/* --- which blocks, which rows --- */

static bool state_wanted(const struct finding_query *q, enum finding_state s)
{
	return q->state ? s == q->state : s == FINDING_OPEN || s == FINDING_RETURNED;
}

static bool block_wanted(const struct listing *l, const struct zone *z)
{
	const struct finding_query *q = l->q;
	unsigned states = q->state ? 1u << q->state : 1u << FINDING_OPEN | 1u << FINDING_RETURNED;
	return (z->states & states) && (z->tlps & q->tlp_mask) && (q->exercise || (z->exercises & 1)) &&
	       (z->tags[0] & l->tags[0]) == l->tags[0] && (z->tags[1] & l->tags[1]) == l->tags[1] &&
	       (l->from_start || z->oldest_us <= l->after_us);
}

/* As the text of concerns has it: "ORG ROLE REASON|ORG ROLE REASON". */
static bool concerns_org(str concerns, const char *org)
{
	while (concerns.n) {
		str one = str_cut(&concerns, '|');
		if (str_eq(str_cut(&one, ' '), str_of(org)))
			return true;
	}
	return false;
}

static bool words_wanted(const struct listing *l, str type, str severity, str concerns)
{
	return (!l->type.p || str_eq(type, l->type)) && (!l->severity.p || str_eq(severity, l->severity)) &&
	       (!l->q->org || concerns_org(concerns, l->org));
}

static bool in_net(const struct finding_query *q, bool has_ip, const struct ip *ip)
{
	if (!q->has_net)
		return true;
	struct ip last = net_last(&q->net);
	return has_ip && memcmp(ip->b, q->net.ip.b, 16) >= 0 && memcmp(ip->b, last.b, 16) <= 0;
}

static bool row_wanted(struct listing *l, const struct block *b, uint32_t i, struct block_facts *f)
{
	struct ip ip;
	*f = block_facts(b, i);
	if (!state_wanted(l->q, f->state) || !(l->q->tlp_mask >> f->tlp & 1) ||
	    (f->exercise && !l->q->exercise))
		return false;
	if (l->n == l->most && f->last_us < l->heap[0].last_us) {
		l->more = true;
		return false;
	}
	if (!words_wanted(l, block_text(&b->type, i), block_text(&b->severity, i),
			  block_text(&b->concerns, i)))
		return false;
	bool has_ip = l->q->has_net && block_ip(b, i, &ip);
	return in_net(l->q, has_ip, &ip) && may_be_behind(l, f->last_us, block_hi(b, i));
}

/* --- gathering --- */

static enum rc gather_db(struct listing *l, struct arena *a, struct err *err)
{
	struct finding_row f;
	char raw[16];
	struct sql *q = sql(l->v->c, "SELECT " FINDING_COLUMNS " FROM finding WHERE (last_seen, id) < (?1, ?2) "
				     "ORDER BY last_seen DESC, id DESC");
	id_bytes(l->after, raw);
	sql_int(q, 1, l->from_start ? INT64_MAX : l->after_us);
	sql_blob(q, 2, str_mem(raw, 16));
	while (sql_row(q)) {
		arena_reset(a);
		finding_row_take(q, a, &f);
		struct candidate c = { f.last_us, f.id, { .layer = IN_DB } };
		if (l->n == l->most && !before(&c, &l->heap[0])) {
			l->more = true;
			break;
		}
		if (state_wanted(l->q, f.state) && l->q->tlp_mask >> f.tlp & 1 &&
		    (!f.exercise || l->q->exercise) &&
		    words_wanted(l, f.type, f.severity, f.concerns) && in_net(l->q, f.has_ip, &f.ip))
			offer(l, &c);
	}
	return sql_end(q, err);
}

/* The newest a block may still give. */
struct bound {
	int64_t newest_us;
	struct block_at at;
};

static int newest_first(const void *x, const void *y)
{
	const struct bound *a = x, *b = y;
	if (a->newest_us != b->newest_us)
		return a->newest_us > b->newest_us ? -1 : 1;
	if (a->at.layer != b->at.layer)
		return a->at.layer < b->at.layer ? -1 : 1;
	if (a->at.page != b->at.page)
		return a->at.page < b->at.page ? -1 : 1;
	return (a->at.zone > b->at.zone) - (a->at.zone < b->at.zone);
}

static enum rc bound_blocks(struct listing *l, struct bound **out, size_t *n, struct err *err)
{
	size_t room = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < l->v->layers && rc == RC_OK; i++) {
		struct layer *layer = &l->v->layer[i];
		rc = layer_need_foot(l->v, layer, err);
		for (size_t p = 0; rc == RC_OK && p < layer->pages; p++) {
			rc = layer_need_zones(l->v, layer, p, err);
			for (size_t k = 0; rc == RC_OK && k < layer->zones; k++) {
				const struct zone *z = &layer->zone[k];
				if (!block_wanted(l, z))
					continue;
				if (*n == room) {
					room = room ? 2 * room : 256;
					*out = x_grow(*out, room, sizeof(**out));
				}
				bool cut = !l->from_start && l->after_us < z->newest_us;
				(*out)[(*n)++] = (struct bound){
					cut ? l->after_us : z->newest_us,
					{ (uint32_t)i, (uint32_t)p, (uint16_t)k, 0 },
				};
			}
		}
	}
	return rc;
}

static enum rc gather_layers(struct listing *l, struct err *err)
{
	struct bound *bound = NULL;
	size_t n = 0;
	enum rc rc = bound_blocks(l, &bound, &n, err);
	if (n)
		qsort(bound, n, sizeof(*bound), newest_first);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (l->n == l->most && bound[i].newest_us < l->heap[0].last_us) {
			l->more = true;
			break;
		}
		struct block_at at = bound[i].at;
		struct layer *layer = &l->v->layer[at.layer];
		struct block_facts f;
		rc = layer_need_block(l->v, layer, at.page, at.zone, err);
		if (rc == RC_OK && (!block_need_list(&layer->block, l->v->unpack) ||
				    (l->q->has_net && !block_need_ip(&layer->block))))
			rc = layer_damaged(layer, err);
		for (uint32_t r = 0; rc == RC_OK && r < layer->block.rows; r++) {
			if (!row_wanted(l, &layer->block, r, &f))
				continue;
			at.row = (uint16_t)r;
			offer(l, &(struct candidate){ f.last_us, { block_hi(&layer->block, r), 0 }, at });
		}
	}
	free(bound);
	return rc;
}

/* --- what was found is looked at again --- */

static int by_id(const void *x, const void *y)
{
	return id_cmp(((const struct candidate *)x)->id, ((const struct candidate *)y)->id);
}

/* The whole id of a candidate. */
static enum rc know_id(struct view *v, struct candidate *c, struct arena *a, struct err *err)
{
	struct finding_row f = { 0 };
	if (c->at.layer == IN_DB)
		return RC_OK;
	struct layer *l = &v->layer[c->at.layer];
	enum rc rc = layer_need_block(v, l, c->at.page, c->at.zone, err);
	if (rc == RC_OK)
		rc = layer_row(v, l, c->at.row, a, &f, err);
	if (rc == RC_OK)
		c->id = f.id;
	return rc;
}

static int in_order(const void *x, const void *y)
{
	return before(x, y) ? -1 : 1;
}

/* A finding is where view_find() finds it: what it hides is older and no longer
 * so. In the order of the ids each block is read once. Keeps those that are as
 * they were found; their rows are in `a`, in the order of the ids. */
static enum rc resolve(struct listing *l, struct arena *a, struct finding_row **rows, struct err *err)
{
	enum rc rc = RC_OK;
	size_t kept = 0;
	struct arena *one_a = arena_new(KIB(4));
	*rows = ARENA_ARRAY(a, l->n + 1, struct finding_row);
	if (l->n)
		qsort(l->heap, l->n, sizeof(*l->heap), by_id);
	for (size_t i = 0; i < l->n && rc == RC_OK; i++)
		rc = know_id(l->v, &l->heap[i], one_a, err);
	arena_reset(one_a);
	for (size_t i = 0; i < l->n && rc == RC_OK; i++) {
		struct candidate c = l->heap[i];
		struct found one;
		if (!is_behind(l, c.last_us, c.id))
			continue;
		if (kept && id_cmp(l->heap[kept - 1].id, c.id) == 0)
			continue; /* the same finding out of two layers */
		rc = view_find(l->v, c.id, one_a, &one, err);
		if (rc == RC_ABSENT) {
			rc = RC_OK;
			continue;
		}
		struct finding_row *f = &one.row;
		if (rc != RC_OK || f->last_us != c.last_us || !state_wanted(l->q, f->state) ||
		    !(l->q->tlp_mask >> f->tlp & 1) || !in_net(l->q, f->has_ip, &f->ip) ||
		    !words_wanted(l, f->type, f->severity, f->concerns))
			continue;
		f->sides = STR(""); /* nobody lists them */
		finding_row_own(f, a);
		(*rows)[kept] = *f;
		c.at.layer = (uint32_t)kept; /* from here on: which of the rows */
		l->heap[kept++] = c;
		arena_reset(one_a);
	}
	arena_free(one_a);
	l->n = kept;
	return rc;
}

/* One batch; *end when there is nothing behind it, or `each` had enough. */
static enum rc list_batch(struct listing *l, uint64_t *left, finding_each each, void *ctx, bool *end,
			  struct err *err)
{
	struct arena *a = arena_new(KIB(64));
	struct finding_row *rows = NULL;
	struct candidate last = { 0 };
	l->n = 0;
	l->more = false;
	enum rc rc = gather_db(l, a, err);
	arena_reset(a);
	if (rc == RC_OK)
		rc = gather_layers(l, err);
	if (rc == RC_OK && l->n) {
		last = l->heap[0]; /* whether or not it is still so: what comes is behind it */
		rc = know_id(l->v, &last, a, err);
		if (rc == RC_OK)
			rc = resolve(l, a, &rows, err);
	}
	if (l->n && rc == RC_OK)
		qsort(l->heap, l->n, sizeof(*l->heap), in_order);
	*end = !l->more;
	for (size_t i = 0; i < l->n && rc == RC_OK && *left; i++) {
		struct finding f;
		finding_of_row(&rows[l->heap[i].at.layer], &f);
		rc = l->marks ? finding_add_marks(l->v->c, a, &f, err) : RC_OK;
		if (rc != RC_OK)
			break;
		--*left;
		if (!each(ctx, &f)) {
			*end = true;
			break;
		}
	}
	l->after = last.id;
	l->after_us = last.last_us;
	l->from_start = false;
	*end = *end || !*left;
	arena_free(a);
	return rc;
}

static enum rc any_marks(struct conn *c, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM finding_mark LIMIT 1");
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc findings_list(struct reader *r, const struct finding_query *q, finding_each each, void *ctx,
		      struct err *err)
{
	struct view v;
	struct listing l = { .v = &v, .q = q, .type = str_of(q->type), .severity = str_of(q->severity),
			     .after = q->after, .after_us = q->after_last_seen_us,
			     .from_start = q->after.hi == 0 && q->after.lo == 0 };
	uint64_t left = q->limit ? q->limit : UINT64_MAX;
	bool end = false;
	enum rc rc = view_begin(&v, r, NULL, true, err);
	if (rc != RC_OK)
		return rc;
	rc = any_marks(v.c, &l.marks, err);
	snprintf(l.org, sizeof(l.org), "%lld", (long long)q->org);
	if (l.type.p)
		zone_tag_add(l.tags, ZONE_TYPE, l.type);
	if (l.severity.p)
		zone_tag_add(l.tags, ZONE_SEVERITY, l.severity);
	if (q->org)
		zone_tag_add(l.tags, ZONE_ORG, str_of(l.org));
	size_t most = left < BATCH_MOST / 2 ? (size_t)left + left / 4 + 16 : BATCH_MOST;
	l.heap = x_array(BATCH_MOST, sizeof(*l.heap));
	while (rc == RC_OK && !end) {
		l.most = most;
		rc = list_batch(&l, &left, each, ctx, &end, err);
		most = most * 4 < BATCH_MOST ? most * 4 : BATCH_MOST;
	}
	free(l.heap);
	view_end(&v);
	return rc;
}
