/* SPDX-License-Identifier: Apache-2.0 */
/* Who is written to, since when, by whose word; and the switch. */
#include "notify/rehearsal.h"
#include "web/records.h"

static void put_row(struct page *p, const struct rehearsal_row *row)
{
	json_open(&p->j, '{');
	json_put_str(&p->j, "what", str_of(rehearsal_scope_name(row->scope)));
	json_put_str(&p->j, "which", row->key);
	json_put_bool(&p->j, "live", row->live);
	json_put_bool(&p->j, "is_node", row->scope == REHEARSAL_NODE);
	json_put_bool(&p->j, "is_organisation", row->scope == REHEARSAL_ORGANISATION);
	json_put_bool(&p->j, "is_class", row->scope == REHEARSAL_CLASS);
	if (row->scope == REHEARSAL_ORGANISATION) {
		json_put_str(&p->j, "title", row->title.n > 0 ? row->title : row->key);
		json_put_str(&p->j, "href", id_href(p, row->key));
	}
	if (row->since_us)
		json_put_time(&p->j, "since", row->since_us);
	json_put_str(&p->j, "by", row->by);
	page_put_actor_name(p, "by", row->by);
	json_put_str(&p->j, "why", row->why);
	json_close(&p->j, '}');
}

enum rc page_rehearsal(struct page *p, struct err *err)
{
	static const char *const columns[] = { "what", "which", "title", "live", "since", "by", "why", NULL };
	struct rehearsal_row *list = NULL;
	size_t count = 0;
	p->template = "rehearsal";
	p->title = "Rehearsal";
	p->columns = columns;
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = rehearsal_list(p->r, page_types(p), &p->caller.viewer, p->a, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	page_rows(p);
	for (size_t i = 0; i < count; i++)
		put_row(p, &list[i]);
	page_rows_end(p);
	p->row_count = count;
	json_put_bool(&p->j, "node_live", list[0].live);
	json_put_bool(&p->j, "may_set", rehearsal_may_set(&p->caller.viewer, p->w->n->roles));
	json_put_str(&p->j, "idle", str_of(notify_idle(p->w->n->notify)));
	return RC_OK;
}

enum rc page_rehearsal_set(struct page *p, struct err *err)
{
	str what = page_form(p, "what"), to = page_form(p, "to");
	const enum rehearsal_scope all[] = { REHEARSAL_NODE, REHEARSAL_ORGANISATION, REHEARSAL_CLASS };
	struct rehearsal_switch q = { .key = page_form(p, "which"), .live = str_eq(to, STR("live")),
				      .why = page_form(p, "why") };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (str_eq(what, str_of(rehearsal_scope_name(all[i]))))
			q.scope = all[i];
	if (!q.scope || (!q.live && !str_eq(to, STR("back"))))
		return fail(err, RC_INPUT, "say what is to be live, or back in rehearsal");
	if (q.scope == REHEARSAL_NODE)
		q.key = STR("");
	enum rc rc = rehearsal_set(p->w->n->notify, &p->caller.viewer, &q, err);
	if (rc == RC_OK)
		page_go(p, STR("/rehearsal"));
	return rc;
}
