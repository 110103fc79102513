/* SPDX-License-Identifier: Apache-2.0 */
/* Findings one by one, marked, and as they follow the directory. */
#include "route/findings.h"

#include <stdlib.h>

#include "base/clock.h"
#include "route/finding_write.h"
#include "store/reader_kept.h"

enum { REROUTE_PAGE = 8192 };

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

static void kept_end(void *kept)
{
	view_end(kept);
	free(kept);
}

/* One is asked after the other, mostly in the order of the ids: what a view has read serves the next. */
static enum rc kept_view(struct reader *r, struct view **out, struct err *err)
{
	*out = reader_kept(r);
	if (*out)
		return RC_OK;
	struct view *v = x_alloc(sizeof *v);
	enum rc rc = view_begin(v, r, NULL, false, err);
	if (rc != RC_OK) {
		free(v);
		return rc;
	}
	v->shares = true;
	v->turn = frame_cache_turn(reader_blocks(r));
	reader_keep(r, v, kept_end);
	*out = v;
	return RC_OK;
}

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out,
		     struct err *err)
{
	struct view *v;
	struct found f;
	enum rc rc = kept_view(r, &v, err);
	if (rc != RC_OK)
		return rc;
	rc = view_find(v, id, a, &f, err);
	if (rc == RC_OK) {
		finding_row_own(&f.row, a); /* the view's words go with it */
		finding_of_row(&f.row, out);
		rc = finding_add_marks(reader_conn(r), a, out, err);
	}
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

enum rc findings_mark(struct tx *tx, struct hash128 id, enum finding_mark mark, str reason, str by,
		      struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct view v;
	struct found f;
	char raw[16];
	id_bytes(id, raw);
	enum rc rc = view_begin(&v, NULL, tx, false, err);
	if (rc != RC_OK)
		return rc;
	struct arena *a = arena_new(KIB(4));
	rc = view_find(&v, id, a, &f, err);
	arena_free(a);
	view_end(&v);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? absent(err) : rc;
	struct sql *q = sql(c, "INSERT INTO finding_mark (id, mark, at_us, by, reason) VALUES (?1, ?2, ?3, ?4, ?5) "
		   "ON CONFLICT (id, mark) DO UPDATE SET at_us = ?3, by = ?4, reason = ?5");
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, mark);
	sql_int(q, 3, tx_now_us(tx));
	sql_str(q, 4, by.p ? by : STR(""));
	sql_str(q, 5, reason.p ? reason : STR(""));
	return sql_run(q, err);
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
