/* SPDX-License-Identifier: Apache-2.0 */
/* Emergencies: one record opened for an hour with a reason, and looked at again by another person. */
#include "disclosure/approval.h"
#include "disclosure/break_glass.h"
#include "web/records.h"

enum { SHOWN = 200 };

static void put_glass(struct page *p, const struct glass *g, bool reviews)
{
	bool open = g->reviewed_us == 0;
	json_open(&p->j, '{');
	json_put_i64(&p->j, "id", g->id);
	json_put_str(&p->j, "item", g->item);
	json_put_str(&p->j, "by", g->actor);
	page_put_actor_name(p, "by", g->actor);
	json_put_time(&p->j, "at", g->at_us);
	json_put_time(&p->j, "until", g->until_us);
	json_put_str(&p->j, "reason", g->reason);
	json_put_bool(&p->j, "open", open);
	json_put_str(&p->j, "reviewed_by", g->reviewed_by);
	json_put_str(&p->j, "words", g->words);
	if (p->form == FORM_HTML) {
		str href = id_href(p, g->item);
		json_put_str(&p->j, "href", href.n > 0 ? href : STR(""));
		json_put_bool(&p->j, "may_review",
			      open && reviews && !str_eq(g->actor, str_of(p->caller.viewer.actor)));
		json_put_str(&p->j, "csrf", str_of(p->caller.session.csrf));
	}
	json_close(&p->j, '}');
}

enum rc page_break_glass(struct page *p, struct err *err)
{
	static const char *const columns[] = { "id", "item", "by", "at", "until", "reason", "open", "reviewed_by",
					       "words", NULL };
	struct glass *list = NULL;
	size_t n = 0;
	str item = http_query(p->q, "item");

	p->template = "break_glass";
	p->title = "Emergencies";
	p->columns = columns;
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = break_glass_list(reader_conn(p->r), p->w->n->roles, &p->caller.viewer, false, SHOWN, p->a, &list,
				      &n, err);
	if (rc != RC_OK)
		return rc;
	json_put_str(&p->j, "item", item.n ? item : STR(""));
	page_rows(p);
	for (size_t i = 0; i < n; i++)
		put_glass(p, &list[i], viewer_approves(&p->caller.viewer, p->w->n->roles));
	page_rows_end(p);
	p->row_count = n;
	return RC_OK;
}

enum rc page_glass_break(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	struct record_view v = { 0 };
	int64_t id = 0, until = 0;
	str item = str_trim(http_form(p->q, "item"));

	enum rc rc = break_glass(n->records, n->store, n->roles, &p->caller.viewer, item.n ? item : STR(""),
				 http_form(p->q, "reason"), &id, &until, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	/* straight to it; what nobody here is cleared for stays shut */
	bool seen = read_record(p->r, page_types(p), &p->caller.viewer, item, p->a, &v, NULL) == RC_OK;
	page_go(p, seen ? record_href(p, &v, "") : STR("/break-glass"));
	record_view_end(&v);
	return RC_OK;
}

enum rc page_glass_review(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	int64_t id;

	if (!str_to_i64(p->item, &id))
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = break_glass_review(n->records, n->store, n->roles, &p->caller.viewer, id,
					http_form(p->q, "words"), err);
	if (rc == RC_OK)
		page_go(p, STR("/break-glass"));
	return rc;
}
