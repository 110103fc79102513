/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/case.h"
#include "web/page.h"

/* Three minutes for a director, printed or read aloud: every number is this
 * node's own, at this moment. The words stand in the template. */

enum { GONE_LOOK = 1000, TYPES_SHOWN = 5, CASES_LOOK = 1000 };

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

static enum rc put_case_count(struct page *p, const struct type *t, uint64_t states, const char *key, struct err *err)
{
	struct record_query q = { .type = t, .states = states };
	uint64_t n = 0;
	bool more = false;
	enum rc rc = read_record_count(p->r, page_types(p), &p->caller.viewer, &q, CASES_LOOK, &n, &more, err);
	json_put_str(&p->j, key, arena_fmt(p->a, "%llu%s", (unsigned long long)n, more ? "+" : ""));
	return rc;
}

/* What people make of findings; for who may see incidents at all. */
static enum rc put_cases(struct page *p, struct err *err)
{
	struct case_type t;
	if (!case_type_find(page_types(p), &t) || !authz_ever(&p->caller.viewer, ACTION_READ, t.type))
		return RC_OK;
	uint64_t waiting = UINT64_C(1) << t.report | (t.triage >= 0 ? UINT64_C(1) << t.triage : 0);
	json_key(&p->j, STR("cases"));
	json_open(&p->j, '{');
	enum rc rc = put_case_count(p, t.type, waiting, "waiting", err);
	if (rc == RC_OK)
		rc = put_case_count(p, t.type, UINT64_C(1) << t.open, "in_work", err);
	json_put_str(&p->j, "list_href", arena_fmt(p->a, "/%s?state=%s", t.type->name, t.type->states[t.open].name));
	json_put_bool(&p->j, "may_make", authz_ever(&p->caller.viewer, ACTION_CREATE, t.type));
	json_close(&p->j, '}');
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
		rc = put_cases(p, err);
	if (rc == RC_OK)
		rc = put_state(p, FINDING_GONE, "gone", err);
	if (rc == RC_OK)
		rc = put_state(p, FINDING_RETURNED, "returned", err);
	return rc;
}
