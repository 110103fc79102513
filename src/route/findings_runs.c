/* SPDX-License-Identifier: Apache-2.0 */
/* Gone: what a feed that lists all there is does not list any more. */
#include "route/finding_write.h"

enum { PAGE = 8192 };

enum rc runs_load(struct conn *c, struct arena *a, struct runs *out, struct err *err)
{
	size_t room = 0;
	struct sql *q = sql(c, "SELECT name, seq FROM cursor WHERE name >= 'run:' AND name < 'run;'");
	*out = (struct runs){ 0 };
	while (sql_row(q)) {
		struct sighting one = { .run = sql_col_int(q, 1) };
		if (!str_to_i64(str_from(sql_col_str(q, 0), 4), &one.feed))
			continue;
		if (out->n == room) {
			room = room ? room * 2 : 16;
			struct sighting *wider = ARENA_ARRAY(a, room, struct sighting);
			if (out->n)
				memcpy(wider, out->list, out->n * sizeof(*wider));
			out->list = wider;
		}
		out->list[out->n++] = one;
	}
	return sql_end(q, err);
}

/* A feed without a complete run lists nothing, and so nothing is missing in it. */
static bool is_missing(const struct runs *runs, const struct sighting *s)
{
	for (size_t i = 0; i < runs->n; i++)
		if (runs->list[i].feed == s->feed)
			return runs->list[i].run > s->run;
	return false;
}

bool is_gone(const struct runs *runs, const struct sighting *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool gone = is_missing(runs, &list[i]);
		for (size_t k = 0; k < n && gone; k++)
			gone = list[k].last_us <= list[i].last_us || is_missing(runs, &list[k]);
		if (gone)
			return true;
	}
	return false;
}

void sightings_of(const struct finding_row *f, struct sighting *alone, const struct sighting **out,
		  size_t *n)
{
	*alone = (struct sighting){ f->feed, f->first_us, f->last_us, f->run };
	*out = f->feeds == 1 ? alone : f->seen;
	*n = f->feeds == 1 ? 1 : f->seen_count;
}

/* --- after a complete run --- */

struct page {
	int64_t feed, run;
	struct runs runs;
	struct hash128 ids[PAGE];
	size_t n;
	bool last; /* moves the cursor */
};

static bool is_wrong(const struct runs *runs, const struct finding_row *f)
{
	struct sighting alone;
	const struct sighting *list;
	size_t n;
	sightings_of(f, &alone, &list, &n);
	bool gone = !f->shared_address && is_gone(runs, list, n);
	return gone != (f->state == FINDING_GONE);
}

static enum change judge(void *ctx, size_t i, struct found *f, bool is_there, struct arena *a,
			 enum transition *what)
{
	const struct page *p = ctx;
	(void)i;
	(void)a;
	if (!is_there || !is_wrong(&p->runs, &f->row))
		return CHANGE_NOTHING;
	bool gone = f->row.state != FINDING_GONE;
	f->row.state = gone ? FINDING_GONE : FINDING_RETURNED;
	f->row.returns += !gone;
	*what = gone ? TRANSITION_GONE : TRANSITION_RETURNED;
	return CHANGE_PUT;
}

static void run_cursor(int64_t feed, char name[32])
{
	snprintf(name, 32, "run:%lld", (long long)feed);
}

/* The cursors, with this run in its place. */
static enum rc runs_with(struct conn *c, const struct page *p, struct arena *a, struct runs *out,
			 struct err *err)
{
	struct runs stored;
	enum rc rc = runs_load(c, a, &stored, err);
	out->list = ARENA_ARRAY(a, stored.n + 1, struct sighting);
	out->n = 0;
	for (size_t i = 0; rc == RC_OK && i < stored.n; i++)
		if (stored.list[i].feed != p->feed)
			out->list[out->n++] = stored.list[i];
	out->list[out->n++] = (struct sighting){ .feed = p->feed, .run = p->run };
	return rc;
}

static enum rc set_cursor(struct tx *tx, void *ctx, struct err *err)
{
	const struct page *p = ctx;
	char name[32];
	run_cursor(p->feed, name);
	return p->last ? cursor_set(tx_conn(tx), str_of(name), p->run, err) : RC_OK;
}

/* Those of this feed that may change: open ones not in the run, gone ones that are in it. */
static bool is_candidate(const struct page *p, const struct finding_row *f)
{
	bool of_feed = f->feeds == 1 && f->feed == p->feed;
	for (uint32_t i = 0; i < f->seen_count && f->feeds > 1 && !of_feed; i++)
		of_feed = f->seen[i].feed == p->feed;
	return of_feed && is_wrong(&p->runs, f);
}

static enum rc judge_page(struct store *s, struct page *p, struct err *err)
{
	enum rc rc = findings_change(s, p->ids, p->n, judge, set_cursor, p, err);
	p->n = 0;
	return rc;
}

static enum rc judge_all(struct store *s, struct view *v, struct page *p, struct err *err)
{
	struct finding_row f;
	struct arena *a = arena_new(KIB(64));
	enum rc rc = view_walk(v, (struct hash128){ 0, 0 }, err);
	if (rc == RC_OK) {
		while (view_next(v, a, &f, &rc, err)) {
			if (is_candidate(p, &f))
				p->ids[p->n++] = f.id;
			if (p->n == PAGE)
				rc = judge_page(s, p, err);
			if (rc != RC_OK)
				break;
			arena_reset(a);
		}
		enum rc end = view_walk_end(v, rc == RC_OK ? err : NULL);
		rc = rc == RC_OK ? end : rc;
	}
	arena_free(a);
	p->last = true;
	return rc == RC_OK ? judge_page(s, p, err) : rc;
}

enum rc findings_run_complete(struct store *s, int64_t feed, int64_t run, struct err *err)
{
	struct page *p = x_alloc(sizeof(*p));
	struct reader *r = NULL;
	struct arena *a = arena_new(KIB(4));
	struct view v;
	bool folded = false;
	int64_t before = 0;
	char name[32];
	p->feed = feed;
	p->run = run;
	run_cursor(feed, name);
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = findings_caught_up(r, &folded, err);
	if (rc == RC_OK)
		rc = cursor_get(reader_conn(r), str_of(name), &before, err);
	if (rc == RC_OK && folded && before < run) {
		rc = runs_with(reader_conn(r), p, a, &p->runs, err);
		if (rc == RC_OK)
			rc = view_begin(&v, r, NULL, true, err);
		if (rc == RC_OK) {
			rc = judge_all(s, &v, p, err);
			view_end(&v);
		}
	}
	if (r)
		store_read_end(r);
	arena_free(a);
	free(p);
	return rc;
}

/* --- repeats stand in a run too --- */

size_t findings_seen_again(struct store *s, const struct batch *b, const bool *is_repeat,
			   int64_t received_us, struct seen_again *out)
{
	struct key key = finding_key_derive(store_secret(s));
	struct finding_event e = FINDING_EVENT_INIT;
	size_t n = 0;
	for (uint32_t i = 0; i < b->c.rows; i++)
		if (is_repeat[i] && finding_id_of(&key, b, &b->row[i], received_us, &e))
			out[n++] = (struct seen_again){ e.id, e.f.time_us };
	finding_event_free(&e);
	return n;
}

enum rc findings_note_seen(struct tx *tx, int64_t feed, int64_t run, const struct seen_again *list,
			   size_t n, struct err *err)
{
	struct conn *c = tx_conn(tx);
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		/* Beside the finding, which may not be folded yet: whoever writes it next takes it in. */
		struct sighting one = { feed, list[i].time_us, list[i].time_us, run };
		rc = sighting_add(c, list[i].id, &one, err);
	}
	return rc;
}
