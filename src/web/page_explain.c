/* SPDX-License-Identifier: Apache-2.0 */
/* May this go to them, by that way: the check's own answer, and the rule. Nothing is told by asking. */
#include "disclosure/explain.h"
#include "web/page.h"

static void put_options(struct page *p, const char *name, const char *(*name_of)(int), int from, int until,
			str chosen)
{
	json_key(&p->j, str_of(name));
	json_open(&p->j, '[');
	for (int i = from; i < until; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", str_of(name_of(i)));
		json_put_bool(&p->j, "selected", str_eq(chosen, str_of(name_of(i))));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static const char *channel_at(int i)
{
	return channel_name((enum channel)i);
}

static const char *purpose_at(int i)
{
	return purpose_name((enum purpose)i);
}

static void put_answer(struct page *p, const struct explain_ask *ask, const struct explanation *e, str agreement)
{
	json_put_str(&p->j, "decision", str_of(explanation_word(e)));
	json_put_bool(&p->j, "told", e->told);
	json_put_str(&p->j, "rule", str_of(explanation_rule(e)));
	json_put_i64(&p->j, "policy", (int64_t)ask->policy.number);
	json_put_str(&p->j, "agreement", agreement);
	json_put_str(&p->j, "attribution", e->attribution);
	json_key(&p->j, STR("cut"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < e->cut_count; i++)
		json_str(&p->j, str_of(e->cut[i]));
	json_close(&p->j, ']');
}

static enum rc explain(struct page *p, str item, str to, struct explain_ask *ask, struct err *err)
{
	struct node *n = p->w->n;
	struct explanation e;
	struct viewer room;
	str agreement;

	ask->item = item;
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = explain_to(p->r, page_types(p), n->roles, n->policies, &p->caller.viewer, to, p->a, ask, &room,
				&agreement, err);
	if (rc == RC_OK)
		rc = explain_item(p->r, page_types(p), &p->caller.viewer, ask, p->a, &e, err);
	if (rc == RC_OK)
		put_answer(p, ask, &e, agreement);
	return rc;
}

enum rc page_explain(struct page *p, struct err *err)
{
	str item = str_trim(http_query(p->q, "item")), to = str_trim(http_query(p->q, "to")),
	    by = http_query(p->q, "by"), purpose = http_query(p->q, "purpose");
	struct explain_ask ask = { .by = CHANNEL_SCREEN, .purpose = PURPOSE_HANDLING,
				   .own = http_query(p->q, "own").n > 0 };

	p->template = "explain";
	p->title = "Who may be told";
	if (by.n > 0 && !channel_parse(by, &ask.by))
		return fail(err, RC_INPUT, "there is no way '" STR_FMT "'", STR_ARG(by));
	if (purpose.n > 0 && !purpose_parse(purpose, &ask.purpose))
		return fail(err, RC_INPUT, "there is no purpose '" STR_FMT "'", STR_ARG(purpose));
	json_put_str(&p->j, "item", item.n ? item : STR(""));
	json_put_str(&p->j, "to", to.n ? to : STR(""));
	json_put_str(&p->j, "by", str_of(channel_name(ask.by)));
	json_put_str(&p->j, "purpose", str_of(purpose_name(ask.purpose)));
	json_put_bool(&p->j, "own", ask.own);
	if (p->form == FORM_HTML) {
		put_options(p, "ways", channel_at, CHANNEL_NONE + 1, CHANNELS, str_of(channel_name(ask.by)));
		put_options(p, "purposes", purpose_at, PURPOSE_NONE + 1, PURPOSES, str_of(purpose_name(ask.purpose)));
	}
	if (item.n == 0 || to.n == 0)
		/* the form, also to who follows its link to the same as JSON; a program asks whole */
		return p->form == FORM_HTML || p->caller.by_session ?
			       RC_OK : fail(err, RC_INPUT, "'item' and 'to' must be said");
	struct err why = { 0 };
	enum rc rc = explain(p, item, to, &ask, &why);
	if (rc != RC_OK && p->form == FORM_HTML && (rc == RC_INPUT || rc == RC_ABSENT)) {
		/* a slip of the pen: the form again, with what was typed */
		p->ans->status = rc_http_status(rc);
		json_put_str(&p->j, "words", str_of(why.text));
		return RC_OK;
	}
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}
