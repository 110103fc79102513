/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/show.h"
#include "web/page.h"

/* Three minutes for a director, printed or read aloud: every number is this
 * node's own, at this moment. The words stand in the template. */

enum { GONE_LOOK = 1000, TYPES_SHOWN = 5 };

static int by_count(const void *a, const void *b)
{
	const struct count_row *x = a, *y = b;
	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static enum rc put_types(struct page *p, struct err *err)
{
	static const enum count_by by[] = { BY_TYPE };
	struct event_query q = { .limit = 0 };
	struct count_row *rows = NULL;
	size_t n = 0;
	uint64_t all = 0;
	enum rc rc = read_counts(p->r, &p->caller.viewer, &q, by, COUNT_OF(by), p->a, &rows, &n, err);
	if (rc != RC_OK)
		return rc;
	if (n > 1)
		qsort(rows, n, sizeof *rows, by_count);
	page_rows(p);
	for (size_t i = 0; i < n; i++) {
		all += rows[i].count;
		if (i >= TYPES_SHOWN)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "type", rows[i].key[0]);
		json_put_i64(&p->j, "count", (int64_t)rows[i].count);
		json_put_str(&p->j, "href", page_link(p, "/events", "type", rows[i].key[0]));
		json_close(&p->j, '}');
	}
	page_rows_end(p);
	json_put_i64(&p->j, "events", (int64_t)all);
	json_put_i64(&p->j, "kinds", (int64_t)n);
	return RC_OK;
}

static enum rc put_feed(struct page *p, struct err *err)
{
	struct feed *list = NULL, *newest = NULL;
	size_t n = 0;
	enum rc rc = feed_list(reader_conn(p->r), p->a, &list, &n, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		if (list[i].last_report_us > 0 &&
		    (!newest || list[i].last_report_us > newest->last_report_us))
			newest = &list[i];
	}
	json_put_i64(&p->j, "feeds", (int64_t)n);
	if (newest) {
		json_key(&p->j, STR("newest"));
		json_open(&p->j, '{');
		json_put_str(&p->j, "feed", newest->name);
		json_put_time(&p->j, "at", newest->last_report_us);
		json_put_str(&p->j, "folder", newest->folder);
		json_close(&p->j, '}');
	}
	return RC_OK;
}

struct first {
	struct page *p;
	const char *key;
	uint64_t count;
};

static bool put_first(void *ctx, const struct finding *f)
{
	struct first *first = ctx;
	json_key(&first->p->j, str_of(first->key));
	finding_json(f, page_directory(first->p), &first->p->j);
	first->count++;
	return false;
}

static bool count_one(void *ctx, const struct finding *f)
{
	(void)f;
	((struct first *)ctx)->count++;
	return true;
}

/* The gravest open finding there is. */
static enum rc put_gravest(struct page *p, struct err *err)
{
	static const char *const order[] = { "critical", "high", "medium", NULL };
	struct first first = { .p = p, .key = "finding" };
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && first.count == 0 && i < COUNT_OF(order); i++) {
		struct finding_query q = { .severity = order[i], .limit = 1 };
		rc = read_findings(p->r, &p->caller.viewer, &q, put_first, &first, err);
	}
	return rc;
}

static enum rc put_state(struct page *p, enum finding_state state, const char *key, struct err *err)
{
	struct first n = { .p = p };
	struct finding_query q = { .state = state, .limit = GONE_LOOK };
	enum rc rc = read_findings(p->r, &p->caller.viewer, &q, count_one, &n, err);
	json_put_i64(&p->j, key, (int64_t)n.count);
	return rc;
}

/* Who has the watch, as far as he may see it. */
static enum rc put_watch(struct page *p, struct err *err)
{
	const struct shift *on[ROSTER_ON_MOST];
	struct roster r;
	int64_t now = clock_now_us();
	if (duty_may_see(page_types(p), &p->caller.viewer, NULL) != RC_OK)
		return RC_OK;
	enum rc rc = roster_load(reader_conn(p->r), now, now + 1, p->a, &r, err);
	size_t n = rc == RC_OK ? roster_on(&r, now, on, ROSTER_ON_MOST) : 0;
	json_key(&p->j, STR("on"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++)
		duty_put_shift(&p->j, p->r, page_types(p), &p->caller.viewer, on[i], p->a);
	json_close(&p->j, ']');
	return rc;
}

enum rc page_tour(struct page *p, struct err *err)
{
	p->template = "tour";
	p->title = "Three minutes";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = put_types(p, err);
	if (rc == RC_OK)
		rc = put_feed(p, err);
	if (rc == RC_OK)
		rc = put_gravest(p, err);
	if (rc == RC_OK)
		rc = page_put_cases(p, err);
	if (rc == RC_OK)
		rc = put_watch(p, err);
	if (rc == RC_OK)
		rc = put_state(p, FINDING_GONE, "gone", err);
	if (rc == RC_OK)
		rc = put_state(p, FINDING_RETURNED, "returned", err);
	return rc;
}
