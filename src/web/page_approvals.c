/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/approval.h"
#include "web/page.h"

enum { SHOWN = 200 };

enum rc page_put_approvals(struct page *p, const char *name, bool waiting, struct err *err)
{
	struct approval *list = NULL;
	size_t n = 0;
	bool approves = viewer_approves(&p->caller.viewer, p->w->n->roles);
	enum rc rc = approval_list(reader_conn(p->r), waiting, clock_now_us(), SHOWN, p->a, &list, &n, err);
	json_key(&p->j, str_of(name));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		const struct approval *a = &list[i];
		bool open = a->state == APPROVAL_OPEN && !a->over;
		json_open(&p->j, '{');
		json_put_i64(&p->j, "id", a->id);
		json_put_str(&p->j, "kind", str_of(approval_kind_name(a->kind)));
		json_put_str(&p->j, "state", a->over ? STR("over") : str_of(approval_state_name(a->state)));
		json_put_str(&p->j, "what", a->what);
		json_put_str(&p->j, "why", a->why);
		json_put_str(&p->j, "asked_by", a->asked_by);
		json_put_time(&p->j, "asked", a->asked_us);
		json_put_str(&p->j, "answered_by", a->answered_by);
		json_put_bool(&p->j, "may_answer",
			      open && approves && !str_eq(a->asked_by, str_of(p->caller.viewer.actor)));
		json_put_str(&p->j, "csrf", str_of(p->caller.session.csrf));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	p->row_count = n;
	return rc;
}

enum rc page_approvals(struct page *p, struct err *err)
{
	p->template = "approvals";
	p->title = "Approvals";
	if (p->caller.viewer.as.kind != RECIPIENT_STAFF)
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = page_reader(p, err);
	return rc == RC_OK ? page_put_approvals(p, "rows", false, err) : rc;
}

struct answer_job {
	struct page *p;
	int64_t id;
	bool yes;
};

static enum rc write_answer(struct tx *tx, void *ctx, struct err *err)
{
	const struct answer_job *j = ctx;
	struct node *n = j->p->w->n;
	return approval_answer(tx, n->journal, n->roles, &j->p->caller.viewer, j->id, j->yes, err);
}

enum rc page_approval_answer(struct page *p, struct err *err)
{
	struct answer_job j = { .p = p, .yes = str_eq(http_form(p->q, "answer"), STR("yes")) };
	if (!str_to_i64(p->item, &j.id))
		return fail(err, RC_ABSENT, "there is nothing here");
	if (!j.yes && !str_eq(http_form(p->q, "answer"), STR("no")))
		return fail(err, RC_INPUT, "the answer is yes or no");
	enum rc rc = store_write(p->w->n->store, write_answer, &j, err);
	if (rc == RC_OK)
		page_go(p, STR("/approvals"));
	return rc;
}
