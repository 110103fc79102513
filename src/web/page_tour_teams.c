/* SPDX-License-Identifier: Apache-2.0 */
/* The teams of a demonstration side by side. Each column is what that team's own node says of itself, asked a moment
 * ago by its own pages; this node adds nothing to it. */
#include "incident/case.h"
#include "web/serve.h"
#include "web/tour.h"

enum { SHOWN = 3 };

/* The members `keys` of the first rows of a page of that node, as member `name`. */
static enum rc put_rows(struct page *p, const struct beside_team *t, const char *name, const char *path, str base,
			struct err *err)
{
	struct json_object *o = NULL;
	enum rc rc = beside_ask(t, str_of(path), p->a, &o, err);
	json_key(&p->j, str_of(name));
	json_open(&p->j, '[');
	struct json_object *rows = json_get(o, "rows");
	for (size_t i = 0; rc == RC_OK && i < json_count(rows); i++) {
		json_open(&p->j, '{');
		json_put_members(&p->j, json_at(rows, i), NULL);
		json_put_str(&p->j, "base", base);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_free(o);
	return rc;
}

static void put_total(struct page *p, const struct beside_team *t)
{
	struct json_object *o = NULL;
	int64_t all = 0, count = 0;
	if (beside_ask(t, STR("/count.json?by=feed"), p->a, &o, NULL) != RC_OK)
		return;
	struct json_object *rows = json_get(o, "rows");
	for (size_t i = 0; i < json_count(rows); i++)
		if (json_get_i64(json_at(rows, i), "count", &count))
			all += count;
	json_put_i64(&p->j, "events", all);
	json_free(o);
}

static void put_team(struct page *p, const struct beside_team *t)
{
	struct err why = { 0 };
	json_open(&p->j, '{');
	json_put_str(&p->j, "name", t->name);
	json_put_i64(&p->j, "number", t->number);
	json_put_bool(&p->j, "self", t->self);
	json_put_bool(&p->j, "cut", t->state == BESIDE_CUT);
	json_put_bool(&p->j, "runs", t->state == BESIDE_RUNS);
	if (t->state == BESIDE_RUNS) {
		json_put_str(&p->j, "address", t->address);
		put_total(p, t);
		enum rc rc = put_rows(p, t, "partners", "/partners.json?limit=12", t->address, &why);
		if (rc == RC_OK)
			rc = put_rows(p, t, "findings", arena_z(p->a, arena_fmt(p->a, "/findings.json?limit=%d", SHOWN)), t->address,
				      &why);
		if (rc == RC_OK)
			rc = put_rows(p, t, "warnings", arena_z(p->a, arena_fmt(p->a, "/warning.json?limit=%d", SHOWN)), t->address,
				      &why);
		if (rc != RC_OK)
			json_put_str(&p->j, "trouble", str_of(why.text));
	}
	json_close(&p->j, '}');
}

enum rc page_tour_teams(struct page *p, struct err *err)
{
	struct beside_team *list = NULL;
	size_t count = 0;
	struct err why = { 0 };
	p->template = "tour_teams";
	p->title = say(p->language, "The teams side by side", "Tim-tim berdampingan");
	put_tour_words(p);
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	rc = beside_teams(p->w->n, p->a, &list, &count, &why);
	json_put_bool(&p->j, "on", rc == RC_OK);
	json_put_bool(&p->j, "may", right_includes(p->caller.viewer.right, RIGHT_OPERATE));
	if (rc != RC_OK)
		json_put_str(&p->j, "why_off", str_of(why.text));
	json_put_time(&p->j, "asked", clock_now_us());
	page_rows(p);
	for (size_t i = 0; i < count; i++)
		if (list[i].state != BESIDE_OFF)
			put_team(p, &list[i]);
	page_rows_end(p);
	json_key(&p->j, STR("absent"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < count; i++)
		if (list[i].state == BESIDE_OFF)
			put_team(p, &list[i]);
	json_close(&p->j, ']');
	return RC_OK;
}

/* To another team's pages, signed in there. */
enum rc page_tour_visit(struct page *p, struct err *err)
{
	struct beside_team *list = NULL;
	size_t count = 0;
	uint64_t number;
	str link = STR("");
	enum rc rc = str_to_u64(p->item, &number) ? beside_teams(p->w->n, p->a, &list, &count, err) :
						    fail(err, RC_ABSENT, "there is nothing here");
	if (rc == RC_OK && (number < 1 || number > count))
		rc = fail(err, RC_ABSENT, "there is no such team");
	if (rc == RC_OK)
		rc = beside_link(&list[number - 1], p->a, &link, err);
	if (rc != RC_OK)
		return rc;
	/* no redirect: what a form of ours leads to stays here, the browser sees to that (form-action of our policy) */
	json_key(&p->j, STR("visit"));
	json_open(&p->j, '{');
	json_put_str(&p->j, "name", list[number - 1].name);
	json_put_str(&p->j, "link", link);
	json_close(&p->j, '}');
	return page_tour_teams(p, err);
}

/* A link that signs a browser in, for the teams beside: asked by token, in a demonstration of several alone. */
enum rc page_tour_link(struct page *p, struct err *err)
{
	char link[256];
	if (!beside_any(p->w->n) || p->caller.by_session)
		return fail(err, RC_ABSENT, "there is nothing here");
	str address = settings_text(p->w->n->settings, "public_url");
	enum rc rc = web_account_link(p->w, arena_z(p->a, address), page_form(p, "as"), link, sizeof link, err);
	if (rc != RC_OK)
		return rc;
	p->template = "error"; /* never shown as a page */
	p->form = FORM_JSON;
	json_put_str(&p->j, "link", str_of(link));
	return RC_OK;
}
