/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the tour about telling: the first rule that is active, a message that was rehearsed, an answer, a
 * takedown, each as far as whoever looks may see it. */
#include "disclosure/read_outbox.h"
#include "incident/takedown.h"
#include "notify/answers.h"
#include "notify/link.h"
#include "web/records.h"

enum { LEDGER_LOOK = 100, ANSWERS_LOOK = 20 };

struct rule_told {
	struct page *p;
	const struct type *type;
};

static bool put_rule(void *ctx, const struct record_view *v)
{
	struct rule_told *k = ctx;
	struct page *p = k->p;
	json_put_str(&p->j, "rule", json_get_str(v->body, k->type->title->name));
	json_put_str(&p->j, "rule_href", record_href(p, v, ""));
	json_put_str(&p->j, "dry_href", record_href(p, v, "/would-tell"));
	return false;
}

/* The active rule that comes first. */
static enum rc put_first_rule(struct page *p, const struct type *t, struct err *err)
{
	const struct meaning *active = type_meaning(t, STR("rule.active")), *rank = type_meaning(t, STR("rule.rank"));
	struct rule_told k = { p, t };
	struct record_query q = { .type = t, .with_body = true, .ascending = true,
				  .sort = rank && rank->field && rank->field->indexed ? rank->field : NULL };
	if (active && !active->field)
		q.states = UINT64_C(1) << active->state;
	json_put_str(&p->j, "rules_href", arena_fmt(p->a, "/%s", t->name));
	return read_records(p->r, page_types(p), &p->caller.viewer, &q, 1, p->a, put_rule, &k, err);
}

/* A finding whose message went to nobody: the newest row of the ledger that says so. */
static enum rc put_rehearsed(struct page *p, struct err *err)
{
	const struct ledger_query q = { .recipient = STR(""), .item = STR(""), .limit = LEDGER_LOOK };
	struct ledger_row *list = NULL;
	struct cover *covers = NULL;
	struct finding f;
	size_t n = 0, count = 0;
	bool put = false;
	struct err why = { 0 };
	enum rc rc = read_ledger(p->r, page_types(p), p->w->n->roles, &p->caller.viewer, &q, p->a, &list, &n, &why);
	for (size_t i = 0; rc == RC_OK && i < n && !put; i++) {
		if (list[i].kind != LEDGER_REHEARSED || list[i].covers == 0)
			continue;
		rc = outbox_covers(reader_conn(p->r), list[i].message, p->a, &covers, &count, &why);
		str head = STR("finding--"), item = rc == RC_OK && count > 0 ? covers[0].item : STR("");
		put = str_starts(item, head) &&
		      read_finding(p->r, &p->caller.viewer, str_from(item, head.n), p->a, &f, NULL) == RC_OK;
		if (!put)
			continue;
		json_put_i64(&p->j, "message", list[i].message);
		json_put_str(&p->j, "rehearsed_href", arena_fmt(p->a, "/findings/" STR_FMT, STR_ARG(str_from(item, head.n))));
	}
	return rc == RC_OK || rc == RC_DENIED ? RC_OK : fail(err, rc, "%s", why.text);
}

/* The first finding of the newest answer that is about one; in a demonstration also the page it came by, which
 * elsewhere is theirs alone. */
static enum rc put_answered(struct page *p, struct err *err)
{
	const struct answer_query q = { .organisation = STR(""), .limit = ANSWERS_LOOK };
	struct answer_row *list = NULL;
	size_t n = 0;
	bool put = false;
	enum rc rc = answers_list(reader_conn(p->r), &q, p->a, &list, &n, err);
	for (size_t i = 0; rc == RC_OK && i < n && !put; i++) {
		str *ids = NULL;
		size_t count = 0;
		struct finding f;
		rc = answer_findings(reader_conn(p->r), list[i].id, 1, p->a, &ids, &count, err);
		put = rc == RC_OK && list[i].kind == ANSWER_FIXED && count > 0 &&
		      read_finding(p->r, &p->caller.viewer, ids[0], p->a, &f, NULL) == RC_OK;
		if (!put)
			continue;
		json_put_str(&p->j, "answered_href", arena_fmt(p->a, "/findings/" STR_FMT, STR_ARG(ids[0])));
		if (p->w->n->demo)
			json_put_str(&p->j, "answer_href", link_answer_path(p->w->n->notify, list[i].message, p->a));
	}
	return rc;
}

static enum rc put_open_takedown(struct page *p, struct err *err)
{
	struct takedown_board board = { .count = 0 };
	struct err why = { 0 };
	const struct type *t = types_meaning(page_types(p), STR("takedown.asked"));
	if (!t || !authz_ever(&p->caller.viewer, ACTION_READ, t))
		return RC_OK;
	json_put_str(&p->j, "board_href", arena_fmt(p->a, "/%s/board", t->name));
	enum rc rc = takedown_board_read(p->r, page_types(p), &p->caller.viewer, p->a, &board, &why);
	if (rc == RC_OK && board.count > 0) {
		json_put_str(&p->j, "takedown", board.list[0].name);
		json_put_str(&p->j, "takedown_href", id_href(p, board.list[0].id));
	}
	return rc == RC_OK || rc == RC_DENIED || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

enum rc page_put_tour_telling(struct page *p, struct err *err)
{
	const struct viewer *v = &p->caller.viewer;
	const struct type *t = types_meaning(page_types(p), STR("rule.pace"));
	if (v->as.kind != RECIPIENT_STAFF || !uuid_is_zero(&v->organisation) || !t || !p->w->n->notify ||
	    !authz_ever(v, ACTION_READ, t))
		return RC_OK;
	json_key(&p->j, STR("telling"));
	json_open(&p->j, '{');
	enum rc rc = put_first_rule(p, t, err);
	if (rc == RC_OK)
		rc = put_rehearsed(p, err);
	if (rc == RC_OK)
		rc = put_answered(p, err);
	if (rc == RC_OK)
		rc = put_open_takedown(p, err);
	json_close(&p->j, '}');
	return rc;
}
