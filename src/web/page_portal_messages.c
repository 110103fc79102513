/* SPDX-License-Identifier: Apache-2.0 */
/* The portal: what we told them. What goes by the portal itself waits, closed, until one of theirs opens it. */
#include "web/portal.h"

enum { MESSAGES_SHOWN = 50, COVERS_SHOWN = 200 };

static str href_of(struct page *p, int64_t id)
{
	return arena_fmt(p->a, "/portal/messages/%lld", (long long)id);
}

/* What it says now; *told_out: it may still be said. */
static enum rc render(struct page *p, const struct portal *k, const struct message *m, struct rendering *out,
		      bool *told_out, struct err *err)
{
	struct err why = { 0 };
	*out = (struct rendering){ .rule = "" };
	enum rc rc = notify_render_shown(p->w->n->notify, p->r, page_types(p), m, "portal", &k->to.viewer, k->language, p->a,
					 out, &why);
	*told_out = rc == RC_OK;
	return rc == RC_OK || rc == RC_DENIED || rc == RC_ABSENT || rc == RC_BUSY ? RC_OK : fail(err, rc, "%s", why.text);
}

static enum rc put_one(struct page *p, const struct portal *k, const struct message *m, struct err *err)
{
	struct answer_row *list = NULL;
	struct rendering what;
	size_t answers = 0;
	bool told = false, unread = inbox_unread(m);
	enum rc rc = answers_of_message(reader_conn(p->r), m->id, 1, p->a, &list, &answers, err);
	if (rc == RC_OK && !unread)
		rc = render(p, k, m, &what, &told, err);
	json_open(&p->j, '{');
	json_put_i64(&p->j, "id", m->id);
	json_put_time(&p->j, "at", m->made_us);
	json_put_str(&p->j, "way", m->driver);
	json_put_bool(&p->j, "unread", unread);
	json_put_str(&p->j, "subject", told ? what.subject : portal_word(k, "p_message"));
	json_put_str(&p->j, "href", href_of(p, m->id));
	if (answers > 0)
		json_put_str(&p->j, "answered", portal_word(k, arena_fmt(p->a, "k_%s", answer_kind_name(list[0].kind)).p));
	json_close(&p->j, '}');
	if (!unread)
		json_free(what.data);
	return rc;
}

enum rc portal_put_messages(struct page *p, const struct portal *k, bool unread, int64_t before, size_t limit,
			    size_t *count_out, int64_t *last_out, struct err *err)
{
	struct message *list = NULL;
	enum rc rc = inbox_list(p->r, &k->to, k->organisation, unread, before, limit, p->a, &list, count_out, err);
	*last_out = rc == RC_OK && *count_out > 0 ? list[*count_out - 1].id : 0;
	json_key(&p->j, STR("messages"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++)
		rc = put_one(p, k, &list[i], err);
	json_close(&p->j, ']');
	return rc;
}

enum rc page_portal_messages(struct page *p, struct err *err)
{
	struct portal k;
	size_t count = 0, limit = page_limit(p, MESSAGES_SHOWN);
	int64_t before = 0, last = 0;
	str text = http_query(p->q, "before");
	p->template = "portal_messages";
	enum rc rc = portal_enter(p, &k, "messages", err);
	if (rc == RC_OK && text.n > 0 && !str_to_i64(text, &before))
		rc = fail(err, RC_INPUT, "'before' is no number of a message");
	if (rc != RC_OK)
		return rc;
	p->title = arena_z(p->a, portal_word(&k, "p_messages"));
	rc = portal_put_messages(p, &k, false, before, limit, &count, &last, err);
	if (rc == RC_OK && count > 0 && count == limit)
		page_next(p, "before", arena_fmt(p->a, "%lld", (long long)last));
	return rc;
}

/* --- one --- */

static enum rc find(struct page *p, struct portal *k, struct message *m, struct err *err)
{
	int64_t id = 0;
	enum rc rc = portal_enter(p, k, "messages", err);
	if (rc == RC_OK && !str_to_i64(p->item, &id))
		rc = fail(err, RC_ABSENT, "there is no such message");
	return rc == RC_OK ? inbox_load(p->r, &k->to, k->organisation, id, p->a, m, err) : rc;
}

static enum rc put_answers(struct page *p, const struct portal *k, const struct message *m, struct err *err)
{
	struct answer_row *list = NULL;
	size_t count = 0;
	enum rc rc = answers_of_message(reader_conn(p->r), m->id, ANSWERS_A_MESSAGE, p->a, &list, &count, err);
	if (rc == RC_OK)
		outside_put_answers(p, k->language, list, count);
	return rc;
}

static enum rc show(struct page *p, const struct portal *k, const struct message *m, const struct answer_new *given,
		    str wrong, struct err *err)
{
	struct rendering what = { .rule = "" };
	bool told = false, unread = inbox_unread(m);
	enum rc rc = unread ? RC_OK : render(p, k, m, &what, &told, err);
	struct json_object *covers = json_get(what.data, "covers");
	p->template = "portal_message";
	p->title = arena_z(p->a, told ? what.subject : portal_word(k, "p_message"));
	json_put_i64(&p->j, "id", m->id);
	json_put_time(&p->j, "made", m->made_us);
	json_put_bool(&p->j, "unread", unread);
	json_put_str(&p->j, "read_href", arena_fmt(p->a, STR_FMT "/read", STR_ARG(href_of(p, m->id))));
	json_put_bool(&p->j, "rendered", told);
	json_put_str(&p->j, "wrong", wrong);
	json_put_bool(&p->j, "done", http_query(p->q, "done").n > 0);
	if (told) {
		json_put_str(&p->j, "subject", what.subject);
		json_put_str(&p->j, "text", what.text);
		json_put_bool(&p->j, "left_out", what.left_out > 0);
		outside_put_covers(p, k->language, what.data, COVERS_SHOWN);
	}
	if (rc == RC_OK && !unread) {
		json_put_bool(&p->j, "answerable", true);
		json_put_str(&p->j, "post_href", href_of(p, m->id));
		outside_put_nonce(p);
		outside_put_kinds(p, k->language, json_count(covers) > 0 || json_get(what.data, "finding"),
				  str_of(answer_kind_name(given->kind)));
		json_put_str(&p->j, "given_words", given->words.p ? given->words : STR(""));
		rc = put_answers(p, k, m, err);
	}
	json_free(what.data);
	return rc;
}

enum rc page_portal_message(struct page *p, struct err *err)
{
	struct portal k;
	struct message m;
	const struct answer_new none = { .kind = 0 };
	enum rc rc = find(p, &k, &m, err);
	return rc == RC_OK ? show(p, &k, &m, &none, STR(""), err) : rc;
}

struct reading {
	const struct portal *k;
	int64_t id;
	str by;
};

static enum rc read_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct reading *g = ctx;
	return inbox_read(tx, g->k->organisation, g->id, g->by, g->k->to.viewer.policy.number,
			  "opened by one of the organisation's people", err);
}

enum rc page_portal_read(struct page *p, struct err *err)
{
	struct portal k;
	struct message m;
	enum rc rc = find(p, &k, &m, err);
	struct reading g = { &k, rc == RC_OK ? m.id : 0, str_of(p->caller.viewer.actor) };
	if (rc == RC_OK && p->caller.viewer.reads_only)
		rc = fail(err, RC_DENIED, "this token only reads");
	if (rc == RC_OK)
		rc = inbox_fit(p->w->n->notify, &m, err);
	if (rc == RC_OK)
		rc = store_write(p->w->n->store, read_job, &g, err);
	if (rc == RC_OK)
		page_go(p, href_of(p, m.id));
	return rc;
}

enum rc page_portal_answer(struct page *p, struct err *err)
{
	struct portal k;
	struct message m;
	struct answer_new q = { .channel = STR("portal") };
	struct err why = { 0 };
	int64_t id = 0;
	bool program = p->body.p != NULL;
	enum rc rc = find(p, &k, &m, err);
	if (rc == RC_OK && p->caller.viewer.reads_only)
		rc = fail(err, RC_DENIED, "this token only reads");
	if (rc != RC_OK)
		return rc;
	rc = outside_take_answer(p, k.language, &q, &why);
	q.message = m.id;
	q.by = p->caller.name[0] ? str_of(p->caller.name) : str_of(p->caller.viewer.actor);
	if (q.findings.n == 0)
		q.findings = http_query(p->q, "finding").p ? http_query(p->q, "finding") : STR("");
	if (rc == RC_OK)
		rc = outside_give(p, &q, &id, &why);
	if (rc == RC_INPUT || rc == RC_LIMIT || rc == RC_CONFLICT || rc == RC_BUSY) {
		p->ans->status = 400;
		p->form = program ? FORM_JSON : p->form;
		return show(p, &k, &m, &q, arena_str(p->a, str_of(why.text)), err);
	}
	if (rc != RC_OK)
		return fail(err, rc, "%s", why.text);
	if (!program && p->form == FORM_HTML) {
		page_go(p, arena_fmt(p->a, STR_FMT "?done=1", STR_ARG(href_of(p, m.id))));
		return RC_OK;
	}
	p->form = FORM_JSON;
	p->template = "portal_message";
	json_put_i64(&p->j, "answer", id);
	return RC_OK;
}
