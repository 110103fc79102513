/* SPDX-License-Identifier: Apache-2.0 */
/* Who exchanges with us, and how it stands with each: what is agreed, what waits, what went wrong. */
#include "incident/case.h"
#include "web/tour.h"

struct listing {
	struct page *p;
	struct err *err;
	enum rc rc;
};

/* "12.3 KiB" */
static str size_words(struct page *p, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	uint64_t tenths = bytes * 10 / 1024;
	if (bytes < 1024)
		return arena_fmt(p->a, "%llu B", (unsigned long long)bytes);
	for (; tenths >= 10240 && unit + 1 < COUNT_OF(units); unit++)
		tenths /= 1024;
	return arena_fmt(p->a, "%llu.%llu %s", (unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10), units[unit]);
}

/* "findings, incidents" */
static str flow_words(struct page *p, str flows)
{
	struct buf b = BUF_INIT(400);
	while (flows.n > 0) {
		str one = str_cut(&flows, ',');
		buf_fmt(&b, "%s" STR_FMT, b.n > 0 ? ", " : "", STR_ARG(one));
	}
	str out = arena_str(p->a, buf_str(&b));
	buf_free(&b);
	return out;
}

/* What people read beside what programs do. */
static void put_for_people(struct page *p, const struct partner *partner, const struct partner_status *s)
{
	uint64_t waits = 0;
	for (size_t i = 0; i < LANES; i++)
		waits += s->backlog[i].items;
	json_put_i64(&p->j, "row", (int64_t)p->row_count + 1);
	json_put_bool(&p->j, "waiting", waits > 0);
	json_put_bool(&p->j, "any_missing", s->withdrawn_missing > 0);
	json_put_i64(&p->j, "missing", (int64_t)s->withdrawn_missing);
	json_put_bool(&p->j, "measured", s->line.rtt_us > 0 || s->line.rate > 0);
	json_put_str(&p->j, "way", str_of(partner->push && partner->pull ?
						  say(p->language, "we send and fetch", "kita mengirim dan mengambil") :
					  partner->push ? say(p->language, "we send", "kita mengirim") :
					  partner->pull ? say(p->language, "we fetch", "kita mengambil") :
							  say(p->language, "they call us", "mereka menghubungi kita")));
	json_put_str(&p->j, "flow_words", flow_words(p, s->flows));
	json_put_str(&p->j, "size_out", size_words(p, s->line.bytes_out));
	json_put_str(&p->j, "size_in", size_words(p, s->line.bytes_in));
	if (s->line.rate)
		json_put_str(&p->j, "rate", size_words(p, s->line.rate));
}

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
	if (p->form == FORM_HTML)
		put_for_people(p, &partner, &s);
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
	p->title = say(p->language, "Partners", "Mitra");
	p->columns = columns;
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	t = types_meaning(page_types(p), STR("partner.node"));
	if (!t || !authz_ever(&p->caller.viewer, ACTION_READ, t))
		return fail(err, RC_DENIED, "your account does not have the right for this");
	put_tour_words(p);
	q.type = t;
	q.sort = t->title->indexed ? t->title : NULL;
	q.ascending = q.sort != NULL;
	page_rows(p);
	rc = read_records(p->r, page_types(p), &p->caller.viewer, &q, page_limit(p, 250), p->a, put_partner, &l, err);
	page_rows_end(p);
	json_put_bool(&p->j, "off", !settings_bool(p->w->n->settings, "exchange"));
	json_put_str(&p->j, "list_href", arena_fmt(p->a, "/%s", t->name));
	return rc == RC_OK ? l.rc : rc;
}
