/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/rehearsal.h"
#include "web/page.h"

/* The watch board: what came today, what is wrong, what waits for a person.
 * Every number leads to the list behind it. */

enum { FINDINGS_LOOK = 10000, QUARANTINE_LOOK = 1000, FEEDS_SHOWN = 10 };

static int by_count(const void *a, const void *b)
{
	const struct count_row *x = a, *y = b;
	return x->count < y->count ? 1 : x->count > y->count ? -1 : str_cmp(x->key[0], y->key[0]);
}

static enum rc put_classes(struct page *p, struct err *err)
{
	static const enum count_by by[] = { BY_TYPE };
	int64_t midnight = (int64_t)time_day(clock_now_us()) * DAY_US;
	struct event_query q = { .from_us = midnight, .until_us = midnight + DAY_US };
	struct count_row *rows = NULL;
	size_t n = 0;
	uint64_t all = 0;
	char day[16];
	str today = time_day_str(day, midnight);
	enum rc rc = read_counts(p->r, &p->caller.viewer, &q, by, COUNT_OF(by), p->a, &rows, &n, err);
	if (rc != RC_OK)
		return rc;
	qsort(rows, n, sizeof *rows, by_count);
	page_rows(p);
	for (size_t i = 0; i < n; i++) {
		all += rows[i].count;
		json_open(&p->j, '{');
		json_put_str(&p->j, "type", rows[i].key[0]);
		json_put_i64(&p->j, "count", (int64_t)rows[i].count);
		json_put_str(&p->j, "href",
			     arena_fmt(p->a, "/events?from=" STR_FMT "&type=" STR_FMT, STR_ARG(today),
				       STR_ARG(url_escape(p->a, rows[i].key[0]))));
		json_close(&p->j, '}');
	}
	page_rows_end(p);
	json_put_str(&p->j, "day", today);
	json_put_i64(&p->j, "events_today", (int64_t)all);
	return RC_OK;
}

struct tally {
	uint64_t by[6], all; /* by severity, 5: none said */
};

static bool tally(void *ctx, const struct finding *f)
{
	struct tally *t = ctx;
	int rank = severity_rank(f->severity);
	t->by[rank < 0 ? 5 : rank]++;
	t->all++;
	return true;
}

static enum rc put_findings(struct page *p, struct err *err)
{
	static const char *const names[] = { "info", "low", "medium", "high", "critical", "" };
	static const int order[] = { 4, 3, 2, 1, 0, 5 };
	struct finding_query q = { .limit = FINDINGS_LOOK };
	struct tally t = { .all = 0 };
	enum rc rc = read_findings(p->r, &p->caller.viewer, &q, tally, &t, err);
	if (rc != RC_OK)
		return rc;
	json_key(&p->j, STR("severities"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		const char *name = names[order[i]];
		if (t.by[order[i]] == 0)
			continue;
		json_open(&p->j, '{');
		json_put_str(&p->j, "severity", str_of(name));
		json_put_i64(&p->j, "count", (int64_t)t.by[order[i]]);
		json_put_str(&p->j, "href", *name ? page_link(p, "/findings", "severity", str_of(name)) :
						    STR("/findings"));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_put_i64(&p->j, "findings_open", (int64_t)t.all);
	json_put_bool(&p->j, "findings_more", t.all >= FINDINGS_LOOK);
	return RC_OK;
}

static enum rc put_quarantine(struct page *p, struct err *err)
{
	struct quarantined *list = NULL;
	size_t n = 0;
	int64_t open = 0;
	enum rc rc = read_quarantine(p->r, &p->caller.viewer, 0, QUARANTINE_LOOK, false, p->a, &list, &n,
				     err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		open += list[i].state == QUARANTINE_OPEN;
	json_put_i64(&p->j, "quarantine_open", open);
	json_put_bool(&p->j, "quarantine_more", n == QUARANTINE_LOOK);
	return RC_OK;
}

static int by_last_report(const void *a, const void *b)
{
	const struct feed *x = a, *y = b;
	return x->last_report_us < y->last_report_us ? 1 : x->last_report_us > y->last_report_us ? -1 : 0;
}

static enum rc put_feeds(struct page *p, struct err *err)
{
	struct feed *list = NULL;
	size_t n = 0;
	int64_t overdue = 0, now = clock_now_us();
	enum rc rc = feed_list(reader_conn(p->r), p->a, &list, &n, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		overdue += feed_overdue(&list[i], now);
	qsort(list, n, sizeof *list, by_last_report);
	json_put_i64(&p->j, "feeds_overdue", overdue);
	json_key(&p->j, STR("newest"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n && i < FEEDS_SHOWN && list[i].last_report_us > 0; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "feed", list[i].name);
		json_put_time(&p->j, "last_report", list[i].last_report_us);
		json_put_str(&p->j, "href", page_link(p, "/events", "feed", list[i].name));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return RC_OK;
}

/* While the node is in rehearsal, for our own people: who is written to all the same. */
static enum rc put_rehearsal(struct page *p, struct err *err)
{
	struct rehearsal_row *list = NULL;
	size_t count = 0;
	int64_t live = 0;
	enum rc rc = rehearsal_list(p->r, page_types(p), &p->caller.viewer, p->a, &list, &count, err);
	if (rc != RC_OK || list[0].live)
		return rc;
	for (size_t i = 1; i < count; i++)
		live += list[i].live;
	json_key(&p->j, STR("rehearsal"));
	json_open(&p->j, '{');
	if (live > 0)
		json_put_i64(&p->j, "live_count", live);
	json_put_bool(&p->j, "one", live == 1);
	json_close(&p->j, '}');
	return rc;
}

enum rc page_home(struct page *p, struct err *err)
{
	bool caught_up = false;
	p->template = "home";
	p->title = "Watch board";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = put_classes(p, err);
	if (rc == RC_OK)
		rc = put_findings(p, err);
	if (rc == RC_OK)
		rc = put_quarantine(p, err);
	if (rc == RC_OK)
		rc = put_feeds(p, err);
	if (rc == RC_OK && p->caller.viewer.as.kind == RECIPIENT_STAFF)
		rc = page_put_approvals(p, "approvals", true, err);
	if (rc == RC_OK)
		rc = page_put_due(p, err);
	if (rc == RC_OK)
		rc = page_put_answers_waiting(p, err);
	if (rc == RC_OK && p->caller.viewer.as.kind == RECIPIENT_STAFF)
		rc = put_rehearsal(p, err);
	if (rc == RC_OK)
		rc = page_put_cases(p, err);
	if (rc == RC_OK)
		rc = findings_caught_up(p->r, &caught_up, err);
	json_put_bool(&p->j, "caught_up", caught_up);
	return rc;
}
