/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a record become records of another type. */
#include "disclosure/make.h"
#include "web/records.h"

/* A form, or {"for":"incident-42"}; programs get {"made":["task--…"]}. */
enum rc page_record_make(struct page *p, struct err *err)
{
	struct node *n = p->w->n;
	struct json_object *o = NULL;
	struct made made = { .count = 0 };
	bool program = p->body.p != NULL;
	struct record_view origin = { 0 };
	struct make_request q = { .calendar = n->calendar, .now_us = clock_now_us(),
				  .language = p->language };
	enum rc rc = load_record(p, &origin, err);
	if (rc == RC_OK)
		q.origin = record_view_id(&origin, p->a);
	record_view_end(&origin);
	if (rc == RC_OK && program)
		rc = json_read(p->body, &o, err);
	if (rc == RC_OK) {
		q.parent = program ? json_get_str(o, "for") : page_form(p, "for");
		rc = change_make(n->records, n->store, &p->caller.viewer, &q, p->a, &made, err);
	}
	if (rc == RC_OK && program) {
		p->form = FORM_JSON;
		p->template = "record";
		json_key(&p->j, STR("made"));
		json_open(&p->j, '[');
		for (size_t i = 0; i < made.count; i++)
			json_str(&p->j, made.ids[i]);
		json_close(&p->j, ']');
	} else if (rc == RC_OK) {
		str to = q.parent.n > 0 ? id_href(p, q.parent) : STR_NONE;
		page_go(p, to.n > 0 ? to : arena_fmt(p->a, "/%s/" STR_FMT, p->type->name, STR_ARG(p->item)));
	}
	json_free(o);
	return rc;
}
