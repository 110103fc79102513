/* SPDX-License-Identifier: Apache-2.0 */
/* Who exchanges with us, and how it stands with each: what is agreed, what waits, what went wrong. */
#include "exchange/status.h"
#include "web/records.h"

struct listing {
	struct page *p;
	struct err *err;
	enum rc rc;
};

static bool put_partner(void *ctx, const struct record_view *v)
{
	struct listing *l = ctx;
	struct page *p = l->p;
	struct exchange *x = p->w->n->exchange;
	struct partner_status s;
	struct partner partner;
	l->rc = partner_find(x, reader_conn(p->r), record_view_id(v, p->a), p->a, &partner, l->err);
	if (l->rc == RC_OK)
		l->rc = partner_status(x, p->r, &partner, clock_now_us(), p->a, &s, l->err);
	if (l->rc != RC_OK)
		return false;
	json_open(&p->j, '{');
	json_put_str(&p->j, "name", partner.name);
	json_put_str(&p->j, "href", record_href(p, v, ""));
	json_put_bool(&p->j, "active", partner.active);
	partner_status_json(&partner, &s, &p->j);
	json_close(&p->j, '}');
	p->row_count++;
	return true;
}

enum rc page_partners(struct page *p, struct err *err)
{
	static const char *const columns[] = { "name", "active", "direction", "agreement", "tlp", "flows", "last_success",
					       "waits", "oldest", "sent", "received", "bytes_out", "bytes_in", "trouble",
					       NULL };
	const struct type *t;
	struct listing l = { .p = p, .err = err, .rc = RC_OK };
	struct record_query q = { .with_body = true };
	p->template = "partners";
	p->title = "Partners";
	p->columns = columns;
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	t = types_meaning(page_types(p), STR("partner.node"));
	if (!t || !authz_ever(&p->caller.viewer, ACTION_READ, t))
		return fail(err, RC_DENIED, "your account does not have the right for this");
	q.type = t;
	page_rows(p);
	rc = read_records(p->r, page_types(p), &p->caller.viewer, &q, page_limit(p, 250), p->a, put_partner, &l, err);
	page_rows_end(p);
	json_put_bool(&p->j, "off", !settings_bool(p->w->n->settings, "exchange"));
	json_put_str(&p->j, "list_href", arena_fmt(p->a, "/%s", t->name));
	return rc == RC_OK ? l.rc : rc;
}
