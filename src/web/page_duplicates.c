/* SPDX-License-Identifier: Apache-2.0 */
/* Organisations that could be one, with the reason, and a form that makes them one. */
#include "directory/merge.h"
#include "route/directory_records.h"
#include "web/records.h"

enum { SHOWN = 100 };

static void put_side(struct page *p, const char *name, str id, uint64_t number, str title)
{
	json_key(&p->j, str_of(name));
	json_open(&p->j, '{');
	json_put_str(&p->j, "id", id);
	json_put_i64(&p->j, "number", (int64_t)number);
	json_put_str(&p->j, "name", title);
	json_put_str(&p->j, "href", id_href(p, id));
	json_close(&p->j, '}');
}

static void put_duplicate(struct page *p, const struct duplicate *d)
{
	json_open(&p->j, '{');
	put_side(p, "one", d->a, d->a_number, d->a_name);
	put_side(p, "other", d->b, d->b_number, d->b_name);
	json_put_str(&p->j, "why", d->why);
	json_put_i64(&p->j, "weight", d->weight);
	json_put_str(&p->j, "csrf", str_of(p->caller.session.csrf));
	json_close(&p->j, '}');
}

static void put_row(struct page *p, const struct duplicate *d)
{
	json_open(&p->j, '{');
	json_put_i64(&p->j, "number", (int64_t)d->a_number);
	json_put_str(&p->j, "name", d->a_name);
	json_put_i64(&p->j, "other_number", (int64_t)d->b_number);
	json_put_str(&p->j, "other_name", d->b_name);
	json_put_i64(&p->j, "weight", d->weight);
	json_put_str(&p->j, "why", d->why);
	json_close(&p->j, '}');
}

enum rc page_duplicates(struct page *p, struct err *err)
{
	struct duplicate *list = NULL;
	size_t count = 0;
	bool more = false;
	p->template = "duplicates";
	p->title = "Organisations that could be one";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = duplicates_find(p->r, page_types(p), &p->caller.viewer, p->a, &list, &count, &more, err);
	if (rc != RC_OK)
		return rc;
	size_t shown = p->form == FORM_HTML && count > SHOWN ? SHOWN : count;
	json_put_i64(&p->j, "count", (int64_t)count);
	json_put_bool(&p->j, "more", more || shown < count);
	json_put_str(&p->j, "merged", http_query(p->q, "merged").p ? STR("yes") : STR(""));
	page_rows(p);
	for (size_t i = 0; i < shown; i++)
		p->form == FORM_CSV ? put_row(p, &list[i]) : put_duplicate(p, &list[i]);
	page_rows_end(p);
	p->row_count = shown;
	return RC_OK;
}

/* {"keep","other","why"} or the form; "undo" with "other" alone takes a merge back. */
enum rc page_duplicates_merge(struct page *p, struct err *err)
{
	struct merge_done done;
	struct node *n = p->w->n;
	struct json_object *o = NULL;
	enum rc rc = p->body.n ? json_read(p->body, &o, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	str keep = arena_str(p->a, member(p, o, "keep")), other = arena_str(p->a, member(p, o, "other"));
	str why = arena_str(p->a, member(p, o, "why")), undo = arena_str(p->a, member(p, o, "undo"));
	bool json = o != NULL;
	json_free(o);
	if (undo.n)
		rc = organisations_unmerge(n->records, n->store, &p->caller.viewer, undo, why, p->a, &done, err);
	else
		rc = organisations_merge(n->records, n->store, &p->caller.viewer, keep, other, why, p->a, &done, err);
	if (rc == RC_OK)
		rc = node_directory_reload(n, err);
	if (rc != RC_OK)
		return rc;
	if (!json && p->form == FORM_HTML) {
		page_go(p, STR("/organisation/duplicates?merged=1"));
		return RC_OK;
	}
	p->template = "duplicates";
	json_put_str(&p->j, "keep", done.keep);
	json_put_str(&p->j, "other", done.other);
	json_put_i64(&p->j, "links", (int64_t)done.links);
	json_put_i64(&p->j, "references", (int64_t)done.references);
	json_put_i64(&p->j, "left", (int64_t)done.left);
	return RC_OK;
}
