/* SPDX-License-Identifier: Apache-2.0 */
/* Findings one by one, marked, and as they follow the directory. */
#include "route/findings.h"

#include <stdlib.h>

#include "base/clock.h"
#include "route/finding_write.h"
#include "store/reader_kept.h"

enum { REROUTE_PAGE = 8192, FOUND_PLACES = 1024, FOUND_BYTES = 512 << 10 };

const char *finding_state_name(enum finding_state s)
{
	switch (s) {
	case FINDING_OPEN: return "open";
	case FINDING_GONE: return "gone";
	case FINDING_RETURNED: return "returned";
	}
	return "?";
}

const char *transition_name(enum transition t)
{
	switch (t) {
	case TRANSITION_OPENED: return "opened";
	case TRANSITION_RETURNED: return "returned";
	case TRANSITION_GONE: return "gone";
	case TRANSITION_CHANGED: return "changed";
	}
	return "?";
}

/* --- reading --- */

static enum rc absent(struct err *err)
{
	return fail(err, RC_ABSENT, "there is no such finding");
}

/* A view, and what was found in it: nothing changes there, so a finding that is asked for again (may it be told,
 * what is said of it, which are its events) is the same one. */
struct found_before {
	struct finding_row row;
	int64_t told_us, answered_us, held_us;
	str reason;
};
struct kept {
	struct view v;
	struct arena *a;
	struct found_before *found[FOUND_PLACES]; /* by the id; who comes later takes the place */
};

static void kept_end(void *kept)
{
	struct kept *k = kept;
	view_end(&k->v);
	arena_free(k->a);
	free(k);
}

/* One is asked after the other, mostly in the order of the ids: what a view has read serves the next. */
static enum rc kept_view(struct reader *r, struct kept **out, struct err *err)
{
	*out = reader_kept(r);
	if (*out)
		return RC_OK;
	struct kept *k = x_alloc(sizeof *k);
	enum rc rc = view_begin(&k->v, r, NULL, false, err);
	if (rc != RC_OK) {
		free(k);
		return rc;
	}
	k->a = arena_new(KIB(16));
	k->v.shares = true;
	k->v.turn = frame_cache_turn(store_blocks(reader_store(r)));
	reader_keep(r, k, kept_end);
	*out = k;
	return RC_OK;
}

static struct found_before **place_of(struct kept *k, struct hash128 id)
{
	return &k->found[id.lo % FOUND_PLACES];
}

static bool recall(struct kept *k, struct hash128 id, struct arena *a, struct finding *out)
{
	const struct found_before *f = *place_of(k, id);
	if (!f || id_cmp(f->row.id, id) != 0)
		return false;
	struct finding_row row = f->row;
	finding_row_own(&row, a);
	finding_of_row(&row, out);
	out->told_us = f->told_us;
	out->answered_us = f->answered_us;
	out->held_us = f->held_us;
	out->mark_reason = arena_str(a, f->reason);
	return true;
}

static void note(struct kept *k, const struct finding_row *row, const struct finding *f)
{
	if (arena_bytes(k->a) > FOUND_BYTES) {
		memset(k->found, 0, sizeof k->found);
		arena_reset(k->a);
	}
	struct found_before *to = ARENA_NEW(k->a, struct found_before);
	*to = (struct found_before){ *row, f->told_us, f->answered_us, f->held_us, arena_str(k->a, f->mark_reason) };
	to->row.seen_count = 0; /* by feed: findings_feeds() */
	finding_row_own(&to->row, k->a);
	*place_of(k, row->id) = to;
}

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out,
		     struct err *err)
{
	struct kept *k;
	struct found f;
	enum rc rc = kept_view(r, &k, err);
	if (rc != RC_OK || recall(k, id, a, out))
		return rc;
	rc = view_find(&k->v, id, a, &f, err);
	if (rc == RC_OK) {
		finding_row_own(&f.row, a); /* the view's words go with it */
		finding_of_row(&f.row, out);
		rc = finding_add_marks(reader_conn(r), a, out, err);
	}
	if (rc == RC_OK)
		note(k, &f.row, out);
	return rc == RC_ABSENT ? absent(err) : rc;
}

enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out,
		       size_t *count_out, struct err *err)
{
	struct view v;
	struct found f;
	struct sighting alone;
	const struct sighting *list;
	enum rc rc = view_begin(&v, r, NULL, false, err);
	if (rc != RC_OK)
		return rc;
	rc = view_find(&v, id, a, &f, err);
	view_end(&v);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? absent(err) : rc;
	sightings_of(&f.row, &alone, &list, count_out);
	*out = ARENA_ARRAY(a, *count_out + 1, struct finding_feed);
	for (size_t i = 0; i < *count_out; i++)
		(*out)[i] = (struct finding_feed){ list[i].feed, list[i].first_us, list[i].last_us,
						   list[i].run };
	return RC_OK;
}

/* --- marks --- */

static enum rc put_mark(struct conn *c, struct hash128 id, enum finding_mark mark, int64_t at_us, str reason, str by,
			struct err *err)
{
	char raw[16];
	id_bytes(id, raw);
	struct sql *q = sql(c, "INSERT INTO finding_mark (id, mark, at_us, by, reason) VALUES (?1, ?2, ?3, ?4, ?5) "
		   "ON CONFLICT (id, mark) DO UPDATE SET at_us = ?3, by = ?4, reason = ?5");
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, mark);
	sql_int(q, 3, at_us);
	sql_str(q, 4, by.p ? by : STR(""));
	sql_str(q, 5, reason.p ? reason : STR(""));
	return sql_run(q, err);
}

/* By id, and by their order in the list. */
static int in_order(const void *a, const void *b)
{
	const struct finding_marked *x = *(const struct finding_marked *const *)a;
	const struct finding_marked *y = *(const struct finding_marked *const *)b;
	int ids = id_cmp(x->id, y->id);
	return ids ? ids : (x > y) - (x < y);
}

static enum rc mark_one(struct view *v, struct tx *tx, const struct finding_marked *m, enum finding_mark mark, str by,
			size_t *marked, struct err *err)
{
	struct found f;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = view_find(v, m->id, a, &f, err);
	arena_free(a);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	++*marked;
	return put_mark(tx_conn(tx), m->id, mark, tx_now_us(tx), m->reason, by, err);
}

enum rc findings_mark_all(struct tx *tx, const struct finding_marked *list, size_t count, enum finding_mark mark,
			  str by, size_t *marked_out, struct err *err)
{
	struct view v;
	*marked_out = 0;
	enum rc rc = view_begin(&v, NULL, tx, false, err);
	if (rc != RC_OK)
		return rc;
	v.shares = true;
	v.turn = frame_cache_turn(store_blocks(v.s));
	const struct finding_marked **sorted = x_array(count + 1, sizeof(*sorted));
	for (size_t i = 0; i < count; i++)
		sorted[i] = &list[i];
	qsort(sorted, count, sizeof(*sorted), in_order);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (i == 0 || id_cmp(sorted[i]->id, sorted[i - 1]->id) != 0)
			rc = mark_one(&v, tx, sorted[i], mark, by, marked_out, err);
	free(sorted);
	view_end(&v);
	return rc;
}

enum rc findings_mark(struct tx *tx, struct hash128 id, enum finding_mark mark, str reason, str by,
		      struct err *err)
{
	const struct finding_marked one = { id, reason };
	size_t marked;
	enum rc rc = findings_mark_all(tx, &one, 1, mark, by, &marked, err);
	return rc == RC_OK && marked == 0 ? absent(err) : rc;
}

enum rc findings_unmark(struct tx *tx, struct hash128 id, enum finding_mark mark, struct err *err)
{
	char raw[16];
	struct sql *q = sql(tx_conn(tx), "DELETE FROM finding_mark WHERE id = ? AND mark = ?");
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, mark);
	return sql_run(q, err);
}

/* --- following the directory --- */

struct reroute {
	const struct directory *d;
	struct hash128 ids[REROUTE_PAGE];
	size_t n;
	int64_t now_us;
};

static enum change reroute_one(void *ctx, size_t i, struct found *f, bool is_there, struct arena *a,
			       enum transition *what)
{
	const struct reroute *p = ctx;
	str concerns;
	(void)i;
	if (!is_there || f->row.state == FINDING_GONE)
		return CHANGE_NOTHING;
	concerns_text(p->d, f->row.type, f->row.sides, p->now_us, a, &concerns);
	if (str_eq(concerns, f->row.concerns))
		return CHANGE_NOTHING;
	f->row.concerns = concerns;
	*what = TRANSITION_CHANGED;
	return CHANGE_PUT;
}

static enum rc reroute_page(struct store *s, struct reroute *p, struct err *err)
{
	enum rc rc = p->n ? findings_change(s, p->ids, p->n, reroute_one, NULL, p, err) : RC_OK;
	p->n = 0;
	return rc;
}

static enum rc reroute_all(struct store *s, struct view *v, struct reroute *p, struct arena *a,
			   struct err *err)
{
	struct found f = { 0 };
	enum transition what;
	enum rc rc = view_walk(v, (struct hash128){ 0, 0 }, err);
	if (rc != RC_OK)
		return rc;
	while (view_next(v, a, &f.row, &rc, err)) {
		struct hash128 id = f.row.id;
		if (reroute_one(p, 0, &f, true, a, &what) == CHANGE_PUT)
			p->ids[p->n++] = id;
		if (p->n == REROUTE_PAGE)
			rc = reroute_page(s, p, err);
		if (rc != RC_OK)
			break;
		arena_reset(a);
	}
	enum rc end = view_walk_end(v, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	return rc == RC_OK ? reroute_page(s, p, err) : rc;
}

enum rc findings_reroute(struct store *s, const struct directory *d, struct err *err)
{
	struct reroute *p = x_alloc(sizeof(*p));
	struct arena *a = arena_new(KIB(64));
	struct reader *r;
	struct view v;
	p->d = d;
	p->now_us = clock_now_us();
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = view_begin(&v, r, NULL, true, err);
		if (rc == RC_OK) {
			rc = reroute_all(s, &v, p, a, err);
			view_end(&v);
		}
		store_read_end(r);
	}
	arena_free(a);
	free(p);
	return rc;
}
