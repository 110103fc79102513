/* SPDX-License-Identifier: Apache-2.0 */
/* Gone: what a feed that lists all there is does not list any more. */
#include "route/findings_private.h"

enum { PAGE = 256 };

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

/* All that feeds saw of a finding: the row of one feed, with what was noted
 * beside it, or the stored sightings. */
enum rc sightings_of(struct conn *c, const struct finding_row *f, struct arena *a,
		     struct sighting **out, size_t *n, struct err *err)
{
	enum rc rc = sightings_load(c, f->id, a, out, n, err);
	if (rc != RC_OK || f->feeds != 1)
		return rc;
	struct sighting *one = ARENA_NEW(a, struct sighting);
	*one = (struct sighting){ f->feed, f->first_us, f->last_us, f->run };
	for (size_t i = 0; i < *n; i++)
		if ((*out)[i].feed == f->feed && (*out)[i].run > one->run)
			one->run = (*out)[i].run;
	*out = one;
	*n = 1;
	return RC_OK;
}

/* --- after a complete run --- */

struct page {
	int64_t feed, run;
	struct hash128 ids[PAGE];
	size_t n;
	bool last; /* moves the cursor */
};

static enum rc judge(struct tx *tx, const struct runs *runs, struct hash128 id, struct arena *a,
		     struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct finding_row f;
	struct sighting *list;
	size_t n;
	enum rc rc = finding_row_find(c, id, a, &f, err);
	if (rc == RC_ABSENT)
		return RC_OK;
	if (rc == RC_OK)
		rc = sightings_of(c, &f, a, &list, &n, err);
	if (rc != RC_OK)
		return rc;
	bool gone = !f.shared_address && is_gone(runs, list, n), was = f.state == FINDING_GONE;
	if (gone == was)
		return RC_OK;
	f.state = gone ? FINDING_GONE : FINDING_RETURNED;
	f.returns += !gone;
	rc = finding_row_touch(c, &f, err);
	return rc == RC_OK ? transition_add(tx, &f, gone ? TRANSITION_GONE : TRANSITION_RETURNED, err) : rc;
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

static enum rc judge_page(struct tx *tx, void *ctx, struct err *err)
{
	const struct page *p = ctx;
	struct arena *a = arena_new(KIB(64));
	struct runs runs;
	char name[32];
	enum rc rc = runs_with(tx_conn(tx), p, a, &runs, err);
	for (size_t i = 0; i < p->n && rc == RC_OK; i++)
		rc = judge(tx, &runs, p->ids[i], a, err);
	if (rc == RC_OK && p->n)
		rc = findings_disturbed(tx, err);
	run_cursor(p->feed, name);
	if (rc == RC_OK && p->last)
		rc = cursor_set(tx_conn(tx), str_of(name), p->run, err);
	arena_free(a);
	return rc;
}

/* Those that may change: open ones not in the run, gone ones that are in it. */
static struct sql *candidates(struct conn *c, bool many_feeds)
{
	return many_feeds ?
		       sql(c, "SELECT s.id FROM finding_feed s JOIN finding f ON f.id = s.id "
			      "WHERE s.feed = ?1 AND f.shared_address = 0 AND "
			      "((f.state <> 2 AND f.feeds > 1 AND s.run < ?2) OR (f.state = 2 AND s.run >= ?2)) "
			      "ORDER BY s.id") :
		       sql(c, "SELECT id FROM finding WHERE feed = ?1 AND feeds = 1 AND shared_address = 0 "
			      "AND ((state <> 2 AND run < ?2) OR (state = 2 AND run >= ?2)) ORDER BY id");
}

static enum rc judge_all(struct store *s, struct reader *r, struct page *p, bool many_feeds,
			 struct err *err)
{
	enum rc rc = RC_OK;
	struct sql *q = candidates(reader_conn(r), many_feeds);
	sql_int(q, 1, p->feed);
	sql_int(q, 2, p->run);
	p->n = 0;
	while (rc == RC_OK && sql_row(q)) {
		p->ids[p->n++] = id_of_bytes(sql_col_blob(q, 0));
		if (p->n < PAGE)
			continue;
		rc = store_write(s, judge_page, p, err);
		p->n = 0;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	p->last = many_feeds;
	return rc == RC_OK && (p->n || p->last) ? store_write(s, judge_page, p, err) : rc;
}

enum rc findings_run_complete(struct store *s, int64_t feed, int64_t run, struct err *err)
{
	struct page *p = x_alloc(sizeof(*p));
	struct reader *r = NULL;
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
		rc = judge_all(s, r, p, false, err);
		if (rc == RC_OK)
			rc = judge_all(s, r, p, true, err);
	}
	if (r)
		store_read_end(r);
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
		char raw[16];
		struct sighting one = { feed, list[i].time_us, list[i].time_us, run };
		struct sql *q = sql(c, "UPDATE finding SET run = max(run, ?1) "
				       "WHERE id = ?2 AND feed = ?3 AND feeds = 1");
		id_bytes(list[i].id, raw);
		sql_int(q, 1, run);
		sql_blob(q, 2, str_mem(raw, 16));
		sql_int(q, 3, feed);
		rc = sql_run(q, err);
		/* Not folded yet, or of several feeds: beside it. */
		if (rc == RC_OK && sql_changes(c) == 0)
			rc = sighting_add(c, list[i].id, &one, err);
	}
	return rc;
}
