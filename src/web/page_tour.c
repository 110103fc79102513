/* SPDX-License-Identifier: Apache-2.0 */
#include "duty/show.h"
#include "incident/case.h"
#include "web/records.h"

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

/* --- one case that was worked to its end --- */

/* The list of a type that means this, with a filter behind it; nothing when none is loaded. */
static void put_list_href(struct page *p, const char *key, const char *meaning, const char *filter, str value)
{
	const struct type *t = types_meaning(page_types(p), str_of(meaning));
	if (!t || !authz_ever(&p->caller.viewer, ACTION_READ, t))
		return;
	if (!filter)
		filter = type_meaning(t, str_of(meaning))->field->name;
	json_put_str(&p->j, key, page_link(p, arena_fmt(p->a, "/%s", t->name).p, filter, value));
}

static bool put_source(void *ctx, const struct link_view *l)
{
	struct page *p = ctx;
	str href = id_href(p, l->other);
	if (!str_starts(l->other, STR("finding--")) || href.n == 0)
		return true;
	json_put_str(&p->j, "finding_href", href);
	json_put_str(&p->j, "finding_title", l->other_title.n > 0 ? l->other_title : l->other);
	return false;
}

struct told {
	struct page *p;
	str id;
};

static bool put_told(void *ctx, const struct record_view *v)
{
	struct told *k = ctx;
	struct page *p = k->p;
	k->id = record_view_id(v, p->a);
	json_put_str(&p->j, "name", case_name(v, p->a));
	json_put_str(&p->j, "href", record_href(p, v, ""));
	json_put_str(&p->j, "timeline_href", record_href(p, v, "/timeline"));
	json_put_str(&p->j, "history_href", record_href(p, v, "/history"));
	json_put_str(&p->j, "ladder_href", page_link(p, "/duty/ladder", "about", k->id));
	return false;
}

/* "told": the newest one that is over, neither rejected nor merged, with the lists of what was done for it. */
static enum rc put_story(struct page *p, struct err *err)
{
	struct told k = { .p = p };
	struct record_query q = { .type = NULL };
	struct case_type t;
	if (!case_type_find(page_types(p), &t) || !authz_ever(&p->caller.viewer, ACTION_READ, t.type))
		return RC_OK;
	q.type = t.type;
	q.with_body = true;
	for (size_t i = 0; i < t.type->state_count; i++)
		if (t.type->states[i].closed && (int)i != t.rejected && (int)i != t.merged)
			q.states |= UINT64_C(1) << i;
	json_key(&p->j, STR("told"));
	json_open(&p->j, '{');
	enum rc rc = read_records(p->r, page_types(p), &p->caller.viewer, &q, 1, p->a, put_told, &k, err);
	if (rc == RC_OK && k.id.n > 0) {
		put_list_href(p, "calls_href", "call.about", NULL, k.id);
		put_list_href(p, "handovers_href", "handover.signed", "state", STR("signed"));
		rc = read_record_links(p->r, page_types(p), &p->caller.viewer, k.id, p->a, put_source, p, err);
	}
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
		rc = page_put_cases(p, err);
	if (rc == RC_OK)
		rc = put_watch(p, err);
	if (rc == RC_OK)
		rc = put_story(p, err);
	if (rc == RC_OK)
		rc = page_put_tour_telling(p, err);
	if (rc == RC_OK)
		rc = put_state(p, FINDING_GONE, "gone", err);
	if (rc == RC_OK)
		rc = put_state(p, FINDING_RETURNED, "returned", err);
	return rc;
}
