/* SPDX-License-Identifier: Apache-2.0 */
/* The register of processing; and the form that destroys and refers. */
#include "node/destroy.h"
#include "privacy/register.h"
#include "web/records.h"

enum rc page_privacy(struct page *p, struct err *err)
{
	p->template = "privacy";
	p->title = "Register of processing";
	enum rc rc = page_reader(p, err);
	const struct register_ask q = { .types = page_types(p), .roles = p->w->n->roles,
					.viewer = &p->caller.viewer, .language = p->language };
	return rc == RC_OK ? privacy_register(p->r, &q, p->a, &p->j, &p->row_count, err) : rc;
}

/* --- destroy and refer --- */

static void put_objects(struct page *p, str objects)
{
	json_put_str(&p->j, "objects", objects);
	json_key(&p->j, STR("list"));
	json_open(&p->j, '[');
	while (objects.n) {
		str one = str_trim_all(str_cut(&objects, ' '));
		if (one.n)
			json_str(&p->j, one);
	}
	json_close(&p->j, ']');
}

void page_put_destroy(struct page *p, str object)
{
	if (p->form == FORM_HTML && node_may_destroy(p->w->n, &p->caller.viewer))
		json_put_str(&p->j, "destroy_href", page_link(p, "/destroy", "object", object));
}

/* First what is about to happen, then a second form that says it is meant. */
enum rc page_destroy(struct page *p, struct err *err)
{
	p->template = "destroy";
	p->title = "Destroy and refer";
	if (!node_may_destroy(p->w->n, &p->caller.viewer))
		return fail(err, RC_ABSENT, "there is nothing here");
	put_objects(p, http_query(p->q, "object"));
	return RC_OK;
}

static enum rc confirm(struct page *p, str objects, str agency, str reference)
{
	p->template = "destroy";
	p->title = "Destroy and refer";
	put_objects(p, objects);
	json_put_bool(&p->j, "confirm", true);
	json_put_str(&p->j, "agency", agency);
	json_put_str(&p->j, "reference", reference);
	return RC_OK;
}

static void put_backups(struct page *p, const struct destroy_result *d)
{
	char at[40];
	json_key(&p->j, STR("backups"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < d->backup_count; i++)
		json_str(&p->j, time_str(at, d->backups[i]));
	json_close(&p->j, ']');
}

static void put_result(struct page *p, const struct destroy_result *d)
{
	p->template = "destroyed";
	p->title = d->ended ? "Destroyed" : "Being destroyed";
	json_put_str(&p->j, "id", d->id);
	json_put_bool(&p->j, "ended", d->ended);
	json_put_i64(&p->j, "objects", (int64_t)d->objects);
	json_put_i64(&p->j, "digests", (int64_t)d->digests);
	json_put_str(&p->j, "waits", d->ended ? STR("") : d->waits);
	str href = id_href(p, d->id);
	if (href.n)
		json_put_str(&p->j, "href", href);
	put_backups(p, d);
}

enum rc page_destroy_do(struct page *p, struct err *err)
{
	str left = http_form(p->q, "objects"), all = left, one[DESTROY_OBJECTS_MOST];
	struct destroy_request q = { .objects = one, .agency = str_trim_all(http_form(p->q, "agency")),
				     .reference = str_trim_all(http_form(p->q, "reference")),
				     .material = STR("child-abuse") };
	struct destroy_result d;
	if (!node_may_destroy(p->w->n, &p->caller.viewer))
		return fail(err, RC_ABSENT, "there is nothing here");
	while (left.n && q.count < DESTROY_OBJECTS_MOST) {
		str object = str_trim_all(str_cut(&left, ' '));
		if (object.n)
			one[q.count++] = object;
	}
	if (!str_eq(http_form(p->q, "meant"), STR("yes")))
		return confirm(p, all, q.agency, q.reference);
	enum rc rc = node_destroy(p->w->n, &p->caller.viewer, &q, true, p->a, &d, err);
	if (rc == RC_OK)
		put_result(p, &d);
	return rc;
}
