/* SPDX-License-Identifier: Apache-2.0 */
/* What is done on the page of an incident: merged, split, handed over. */
#include <json-c/json.h>

#include "incident/act.h"
#include "incident/merge.h"
#include "incident/takedown.h"
#include "web/records.h"

struct doing {
	struct page *p;
	struct json_object *o;     /* a program's body; NULL: a form came */
	str id;
	str indicators[ACT_MOST]; size_t indicator_count;
	int64_t links[ACT_MOST]; size_t link_count;
	struct merged merged;
	str made;                  /* another record to go to */
};

static str asked(const struct doing *k, const char *name)
{
	str text = k->o ? json_get_str(k->o, name) : page_form(k->p, name);

	return text.p ? str_trim_all(text) : STR("");
}

/* A name as people type it: "42" is one of this type. */
static str named(const struct doing *k, const char *name)
{
	str text = asked(k, name);
	uint64_t n;

	return str_to_u64(text, &n) ? arena_fmt(k->p->a, "%s-" STR_FMT, k->p->type->name, STR_ARG(text)) : text;
}

static enum rc do_merge(struct doing *k, struct err *err)
{
	struct page *p = k->p;

	return case_merge(p->w->n->records, p->w->n->store, &p->caller.viewer, k->id, named(k, "other"), asked(k, "why"),
			  p->a, &k->merged, err);
}

static enum rc do_unmerge(struct doing *k, struct err *err)
{
	struct page *p = k->p;

	return case_unmerge(p->w->n->records, p->w->n->store, &p->caller.viewer, k->id, asked(k, "why"), p->a,
			    &k->merged, err);
}

static void take_choice(void *ctx, str name, str value)
{
	struct doing *k = ctx;

	if (str_eq(name, STR("indicator")) && k->indicator_count < ACT_MOST)
		k->indicators[k->indicator_count++] = value;
	else if (str_eq(name, STR("split_link")) && k->link_count < ACT_MOST && str_to_i64(value, &k->links[k->link_count]))
		k->link_count++;
}

static enum rc do_split(struct doing *k, struct err *err)
{
	struct page *p = k->p;
	struct json_object *list = json_get(k->o, "indicators");

	for (size_t i = 0; i < json_count(list); i++)
		take_choice(k, STR("indicator"), json_text(json_at(list, i)));
	list = json_get(k->o, "links");
	for (size_t i = 0; i < json_count(list); i++)
		take_choice(k, STR("split_link"), str_of(json_object_get_string(json_at(list, i))));
	if (!k->o)
		page_form_each(p, take_choice, k);
	const struct split_request q = { .id = k->id, .title = asked(k, "title"), .why = asked(k, "why"),
					 .language = p->language, .indicators = k->indicators,
					 .indicator_count = k->indicator_count, .links = k->links,
					 .link_count = k->link_count };
	return case_split(p->w->n->records, p->w->n->store, &p->caller.viewer, &q, p->a, &k->made, err);
}

static enum rc do_hand_over(struct doing *k, struct err *err)
{
	struct page *p = k->p;
	str person = STR("");
	enum rc rc = p->type->assignee ? read_references(p->r, page_types(p), &p->caller.viewer, p->type->assignee,
							 asked(k, "person"), p->language, p->a, &person, err) :
					 fail(err, RC_INPUT, "it has no assignee");

	return rc == RC_OK ? case_hand_over(p->w->n->records, p->w->n->store, &p->caller.viewer, k->id,
					    str_trim_all(person), asked(k, "note"), p->a, err) : rc;
}

static enum rc do_confirm(struct doing *k, struct err *err)
{
	struct page *p = k->p;

	return case_confirm(p->w->n->records, p->w->n->store, &p->caller.viewer, k->id, p->a, err);
}

static enum rc do_takedown(struct doing *k, struct err *err)
{
	struct page *p = k->p;
	struct change_errors errors = { .count = 0 };
	const struct takedown_new q = { .incident = k->id, .target = asked(k, "target"), .language = p->language };
	enum rc rc = takedown_make(p->w->n->takedowns, &p->caller.viewer, &q, p->a, &k->made, NULL, &errors, err);

	return rc == RC_INPUT && errors.count > 0 ? fail(err, RC_INPUT, "%s", errors.list[0].text) : rc;
}

static const struct {
	const char *word;
	enum rc (*run)(struct doing *k, struct err *err);
} acts[] = {
	{ "merge", do_merge }, { "unmerge", do_unmerge }, { "split", do_split },
	{ "hand-over", do_hand_over }, { "confirm", do_confirm }, { "takedown", do_takedown },
};

enum rc page_case_do(struct page *p, struct err *err)
{
	struct doing *k = ARENA_NEW(p->a, struct doing);
	struct record_view v = { 0 };
	size_t at = 0;

	*k = (struct doing){ .p = p };
	enum rc rc = load_record(p, &v, err);
	while (at < COUNT_OF(acts) && !str_eq(p->item2, str_of(acts[at].word)))
		at++;
	if (rc == RC_OK && (at == COUNT_OF(acts) || !is_case(&v)))
		rc = fail(err, RC_ABSENT, "there is nothing here");
	if (rc == RC_OK && p->body.p)
		rc = json_read(p->body, &k->o, err);
	if (rc == RC_OK) {
		k->id = record_view_id(&v, p->a);
		rc = acts[at].run(k, err);
	}
	if (rc == RC_OK && p->body.p) {
		p->form = FORM_JSON;
		p->template = "record";
		json_put_str(&p->j, "done", str_of(acts[at].word));
		json_put_str(&p->j, "id", k->made.n > 0 ? k->made : k->id);
		json_put_i64(&p->j, "indicators", (int64_t)k->merged.indicators);
		json_put_i64(&p->j, "links", (int64_t)k->merged.links);
	} else if (rc == RC_OK) {
		page_go(p, k->made.n > 0 ? id_href(p, k->made) : record_href(p, &v, ""));
	}
	record_view_end(&v);
	json_free(k->o);
	return rc;
}
