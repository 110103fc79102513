/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/notices.h"
#include "web/records.h"

enum { COUNT_MOST = 1000, NOTICES_LOOK = 100 };

static void put_notice(struct page *p, const struct notice *n)
{
	json_open(&p->j, '{');
	json_put_i64(&p->j, "id", n->id);
	json_put_str(&p->j, "to", n->to);
	json_put_bool(&p->j, "visible", n->visible);
	json_put_time(&p->j, "made", n->made_us);
	if (n->visible) {
		json_put_str(&p->j, "item", n->item);
		json_put_str(&p->j, "type", n->type);
		json_put_str(&p->j, "title", n->title.n > 0 ? n->title : n->item);
		json_put_str(&p->j, "clock", n->clock);
		json_put_i64(&p->j, "step", n->step);
		json_put_str(&p->j, "watch", n->watch);
		json_put_bool(&p->j, "nobody", n->nobody);
		json_put_str(&p->j, "words", n->words);
		json_put_str(&p->j, "href", id_href(p, n->item));
		if (n->due_us != TIME_NONE)
			json_put_time(&p->j, "due", n->due_us);
	}
	if (p->form == FORM_HTML)
		json_put_str(&p->j, "csrf", str_of(p->caller.session.csrf));
	json_close(&p->j, '}');
}

enum rc page_notices(struct page *p, struct err *err)
{
	struct notice *list = NULL;
	size_t n = 0, limit = page_limit(p, 50);
	int64_t before = 0;
	str text = http_query(p->q, "before");
	p->template = "notices";
	p->title = "Notices";
	if (text.n > 0 && !str_to_i64(text, &before))
		return fail(err, RC_INPUT, "'before' is no number of a notice");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = read_notices(p->r, page_types(p), p->w->n->roles, &p->caller.viewer, before, limit, p->a, &list, &n, err);
	if (rc != RC_OK)
		return rc;
	page_rows(p);
	for (size_t i = 0; i < n; i++)
		put_notice(p, &list[i]);
	page_rows_end(p);
	p->row_count = n;
	if (n == limit && n > 0)
		page_next(p, "before", arena_fmt(p->a, "%lld", (long long)list[n - 1].id));
	return RC_OK;
}

enum rc page_notice_take(struct page *p, struct err *err)
{
	int64_t id;
	if (!str_to_i64(p->item, &id))
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = notice_take(p->w->n->records, p->w->n->store, p->w->n->roles, &p->caller.viewer, id,
				 http_form(p->q, "words"), err);
	if (rc == RC_OK)
		page_go(p, STR("/notices"));
	return rc;
}

enum rc page_put_due(struct page *p, struct err *err)
{
	struct record_query q = { .overdue = true, .due_by_us = clock_now_us() };
	struct notice *list = NULL;
	size_t n = 0;
	uint64_t due = 0;
	bool more = false;
	enum rc rc = read_record_count(p->r, page_types(p), &p->caller.viewer, &q, COUNT_MOST, &due, &more, err);
	if (rc == RC_OK)
		rc = read_notices(p->r, page_types(p), p->w->n->roles, &p->caller.viewer, 0, NOTICES_LOOK, p->a, &list, &n, err);
	json_put_i64(&p->j, "due", (int64_t)due);
	json_put_bool(&p->j, "due_more", more);
	json_put_i64(&p->j, "notices", (int64_t)n);
	json_put_bool(&p->j, "notices_more", n == NOTICES_LOOK);
	return rc;
}
