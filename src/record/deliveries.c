/* SPDX-License-Identifier: Apache-2.0 */
#include "record/deliveries.h"

#include <stdlib.h>

#include "base/json.h"
#include "store/pack.h"

enum {
	GROUP_MOST = PACK_REPORTS, /* ids a line passes over: it is written in one transaction */
	ACTORS_MOST = 1000,        /* named in a line */
	WINDOW = 1 << 20           /* reports whose marks are held at once */
};
#define LATEST_US (60 * SECOND_US)

/* --- one more --- */

static enum rc note_actor(struct conn *c, str actor, uint64_t events, struct err *err)
{
	struct sql *q =
		sql(c, "INSERT INTO delivered_by (actor, reports, events) VALUES (?1, 1, ?2)"
		       " ON CONFLICT (actor) DO UPDATE SET reports = reports + 1,"
		       " events = events + ?2");
	sql_str(q, 1, actor.p ? actor : STR(""));
	sql_int(q, 2, (int64_t)events);
	return sql_run(q, err);
}

enum rc deliveries_done(struct tx *tx, struct journal *j, const struct report *r,
			const struct journal_act *own, struct err *err)
{
	int64_t told;
	enum rc rc = reports_told(tx_conn(tx), &told, err);
	if (rc != RC_OK)
		return rc;
	return r->id <= told ? journal_add(tx, j, own, err)
			     : note_actor(tx_conn(tx), own->actor, r->counts.events, err);
}

/* --- the line --- */

static struct digest root_of(const struct report_mark *m, size_t n)
{
	struct buf b = BUF_INIT(64);
	struct sha256 *sha = sha256_new();
	for (size_t i = 0; i < n; i++) {
		buf_reset(&b);
		buf_le64(&b, (uint64_t)m[i].id);
		buf_le64(&b, m[i].hi);
		buf_le32(&b, m[i].lo);
		sha256_add(sha, buf_str(&b));
	}
	buf_free(&b);
	return sha256_end(sha);
}

/* The last id the next line passes over; `told` itself when there is none. */
static enum rc next_last(struct conn *c, int64_t told, int64_t *last_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(id) FROM report");
	*last_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	if (*last_out < told)
		*last_out = told;
	else if (*last_out - told > GROUP_MOST)
		*last_out = told + GROUP_MOST;
	return sql_end(q, err);
}

static enum rc put_actors(struct conn *c, struct json_out *j, struct err *err)
{
	struct sql *q = sql(c, "SELECT actor, reports, events FROM delivered_by"
			       " ORDER BY reports DESC, actor LIMIT ?");
	sql_int(q, 1, ACTORS_MOST);
	json_key(j, STR("by"));
	json_open(j, '[');
	while (sql_row(q)) {
		json_open(j, '{');
		json_put_str(j, "actor", sql_col_str(q, 0));
		json_put_i64(j, "reports", sql_col_int(q, 1));
		json_put_i64(j, "events", sql_col_int(q, 2));
		json_close(j, '}');
	}
	json_close(j, ']');
	return sql_end(q, err);
}

static enum rc add_line(struct tx *tx, struct journal *j, int64_t first, int64_t last,
			const struct report_mark *m, size_t n, struct err *err)
{
	struct buf object = BUF_INIT(64), body = BUF_INIT(MIB(1));
	struct json_out out = json_out(&body);
	buf_fmt(&object, "reports:%lld-%lld", (long long)first, (long long)last);
	json_open(&out, '{');
	enum rc rc = put_actors(tx_conn(tx), &out, err);
	json_close(&out, '}');
	struct journal_act act = { .act = "intake",
				  .actor = STR("node"),
				  .object = buf_str(&object),
				  .count = n,
				  .root = root_of(m, n),
				  .body = buf_str(&body) };
	if (rc == RC_OK)
		rc = journal_add(tx, j, &act, err);
	if (rc == RC_OK)
		rc = sql_run(sql(tx_conn(tx), "DELETE FROM delivered_by"), err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

struct group {
	struct journal *j;
	bool more; /* ids are left: another line is due */
};

static enum rc write_line(struct tx *tx, void *ctx, struct err *err)
{
	struct group *g = ctx;
	struct conn *c = tx_conn(tx);
	struct report_mark *m = NULL;
	size_t n = 0;
	int64_t told, last = 0;
	enum rc rc = reports_told(c, &told, err);
	if (rc == RC_OK)
		rc = next_last(c, told, &last, err);
	g->more = rc == RC_OK && last - told == GROUP_MOST;
	if (rc != RC_OK || last <= told)
		return rc;
	rc = reports_marks(tx_store(tx), c, told + 1, last, GROUP_MOST, &m, &n, err);
	if (rc == RC_OK && n)
		rc = add_line(tx, g->j, told + 1, last, m, n, err);
	if (rc == RC_OK)
		rc = reports_tell(tx, last, err);
	free(m);
	return rc;
}

static enum rc write_next(struct store *s, struct group *g, struct err *err)
{
	struct store_job job = { .fn = write_line, .ctx = g, .use_reserve = true };
	store_submit(s, &job);
	return store_wait(s, &job, err);
}

enum rc deliveries_flush(struct store *s, struct journal *j, struct err *err)
{
	struct group g = { .j = j, .more = true };
	enum rc rc = RC_OK;
	while (rc == RC_OK && g.more)
		rc = write_next(s, &g, err);
	return rc;
}

/* Many wait, or one has waited long. */
static enum rc is_due(struct conn *c, bool *due_out, struct err *err)
{
	int64_t told, last = 0;
	enum rc rc = reports_told(c, &told, err);
	if (rc == RC_OK)
		rc = next_last(c, told, &last, err);
	*due_out = rc == RC_OK && last - told == GROUP_MOST;
	if (rc != RC_OK || *due_out || last <= told)
		return rc;
	struct sql *q = sql(c, "SELECT received_us FROM report WHERE id > ? ORDER BY id LIMIT 1");
	sql_int(q, 1, told);
	*due_out = sql_row(q) && clock_now_us() - sql_col_int(q, 0) > LATEST_US;
	return sql_end(q, err);
}

enum rc deliveries_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct group g = { .j = ctx };
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = is_due(reader_conn(r), did_out, err);
	store_read_end(r);
	return rc == RC_OK && *did_out ? write_next(s, &g, err) : rc;
}

/* --- checking --- */

struct checking {
	struct store *s;
	struct conn *c;
	struct journal_check *out;
	int64_t *own; /* reports with a line of their own, ascending */
	size_t owns, room;
	struct report_mark *mark; /* of the window first..last */
	size_t marks;
	int64_t first, last;
};

static int by_id(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static enum rc load_own(struct checking *k, struct err *err)
{
	struct sql *q = sql(k->c, "SELECT object FROM journal WHERE act IN ('intake',"
				  " 'intake.refused')");
	while (sql_row(q)) {
		str id = sql_col_str(q, 0), what = str_cut(&id, ':');
		int64_t report;
		if (!str_eq(what, STR("report")) || !str_to_i64(id, &report))
			continue;
		if (k->owns == k->room) {
			k->room = k->room ? 2 * k->room : 256;
			k->own = x_grow(k->own, k->room, sizeof(*k->own));
		}
		k->own[k->owns++] = report;
	}
	if (k->owns)
		qsort(k->own, k->owns, sizeof(*k->own), by_id);
	return sql_end(q, err);
}

static enum rc load_window(struct checking *k, int64_t first, int64_t last, struct err *err)
{
	if (k->marks && first >= k->first && last <= k->last)
		return RC_OK;
	size_t kept = 0;
	free(k->mark);
	k->mark = NULL;
	k->first = first;
	k->last = last - first < WINDOW ? first + WINDOW : last;
	enum rc rc =
		reports_marks(k->s, k->c, k->first, k->last, WINDOW + 1, &k->mark, &k->marks, err);
	for (size_t i = 0; rc == RC_OK && i < k->marks; i++) {
		bool own =
			k->owns && bsearch(&k->mark[i].id, k->own, k->owns, sizeof(*k->own), by_id);
		if (!own)
			k->mark[kept++] = k->mark[i];
	}
	k->marks = kept;
	return rc;
}

static size_t mark_at(const struct checking *k, int64_t id)
{
	size_t lo = 0, hi = k->marks;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (k->mark[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool parse_range(str object, int64_t *first_out, int64_t *last_out)
{
	str last = object, what = str_cut(&last, ':'), first = str_cut(&last, '-');
	return str_eq(what, STR("reports")) && str_to_i64(first, first_out) &&
	       str_to_i64(last, last_out) && *first_out > 0 && *first_out <= *last_out;
}

static enum rc check_line(struct checking *k, struct sql *q, struct err *err)
{
	int64_t first, last;
	str root = sql_col_blob(q, 3);
	if (!parse_range(sql_col_str(q, 1), &first, &last) || last - first > WINDOW)
		return RC_OK; /* a line of one report */
	enum rc rc = load_window(k, first, last, err);
	if (rc != RC_OK)
		return rc;
	size_t from = mark_at(k, first), n = mark_at(k, last + 1) - from;
	struct digest is = root_of(k->mark + from, n);
	k->out->lines++;
	if (n == (uint64_t)sql_col_int(q, 2) && str_eq(root, str_mem(is.b, sizeof(is.b))))
		return RC_OK;
	k->out->first_bad = (uint64_t)sql_col_int(q, 0);
	snprintf(k->out->words, sizeof(k->out->words),
		 "reports %lld to %lld are not those the line names: %zu of %llu are there",
		 (long long)first, (long long)last, n, (unsigned long long)sql_col_int(q, 2));
	return RC_OK;
}

enum rc deliveries_verify(struct store *s, struct conn *c, struct journal_check *out,
			  struct err *err)
{
	struct checking k = { .s = s, .c = c, .out = out };
	*out = (struct journal_check){0};
	enum rc rc = load_own(&k, err);
	struct sql *q = sql(c, "SELECT number, object, count, root FROM journal"
			       " WHERE act = 'intake' ORDER BY number");
	while (rc == RC_OK && !out->first_bad && sql_row(q))
		rc = check_line(&k, q, err);
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	free(k.own);
	free(k.mark);
	return rc == RC_OK ? end : rc;
}
