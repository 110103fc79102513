/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

enum { KEYS_MOST = 4 };

static const struct {
	const char *name, *filter; /* filter: the /events filter of a value; NULL: none */
} keys[COUNT_BY_KEYS] = {
	[BY_DAY] = { "day", NULL },
	[BY_TYPE] = { "type", "type" },
	[BY_TAXONOMY] = { "taxonomy", "taxonomy" },
	[BY_CC] = { "cc", "cc" },
	[BY_ASN] = { "asn", "asn" },
	[BY_ORG] = { "organisation", NULL },
	[BY_FEED] = { "feed", "feed" },
	[BY_IDENTIFIER] = { "identifier", "identifier" },
	[BY_SEVERITY] = { "severity", "severity" },
	[BY_TLP] = { "tlp", "tlp" },
};

static enum rc parse_by(str text, enum count_by *by, size_t *n_out, struct err *err)
{
	size_t n = 0;
	while (text.n > 0) {
		str one = str_trim(str_cut(&text, ','));
		size_t i = 0;
		while (i < COUNT_OF(keys) && !str_eq(one, str_of(keys[i].name)))
			i++;
		if (i == COUNT_OF(keys))
			return fail(err, RC_INPUT, "cannot count by '" STR_FMT "'", STR_ARG(one));
		if (n == KEYS_MOST)
			return fail(err, RC_INPUT, "count by at most %d things", KEYS_MOST);
		by[n++] = (enum count_by)i;
	}
	*n_out = n;
	return RC_OK;
}

static int by_count(const void *a, const void *b)
{
	const struct count_row *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	for (size_t i = 0; i < KEYS_MOST; i++) {
		int order = str_cmp(x->key[i], y->key[i]);
		if (order)
			return order;
	}
	return 0;
}

/* For people: the cells in order, and where a lone key leads. */
static void put_cells(struct page *p, const struct count_row *row, const enum count_by *by, size_t n)
{
	json_key(&p->j, STR("cells"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++) {
		const char *filter = keys[by[i]].filter;
		json_open(&p->j, '{');
		json_put_str(&p->j, "label", str_of(keys[by[i]].name));
		json_put_str(&p->j, "text", row->key[i]);
		if (filter && row->key[i].n > 0)
			json_put_str(&p->j, "href", page_link(p, "/events", filter, row->key[i]));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_row(struct page *p, const struct count_row *row, const enum count_by *by, size_t n)
{
	json_open(&p->j, '{');
	for (size_t i = 0; i < n; i++)
		json_put_str(&p->j, keys[by[i]].name, row->key[i]);
	json_put_i64(&p->j, "count", (int64_t)row->count);
	if (p->form == FORM_HTML)
		put_cells(p, row, by, n);
	json_close(&p->j, '}');
}

static void put_heads(struct page *p, const enum count_by *by, size_t n)
{
	json_key(&p->j, STR("heads"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++)
		json_str(&p->j, str_of(keys[by[i]].name));
	json_close(&p->j, ']');
}

enum rc page_count(struct page *p, struct err *err)
{
	static const char *const names[] = { "by", "type", "severity", "ip", "asn", "cc", "feed", "from",
					     "until", NULL };
	struct filter_set set = { .query.limit = 0 };
	enum count_by by[KEYS_MOST] = { BY_TYPE };
	struct count_row *rows = NULL;
	size_t by_n = 1, n = 0;
	str text = http_query(p->q, "by");
	p->template = "count";
	p->title = "Counts";
	enum rc rc = text.n > 0 ? parse_by(text, by, &by_n, err) : RC_OK;
	if (rc == RC_OK)
		rc = page_filters(p, &set, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = read_counts(p->r, &p->caller.viewer, &set.query, by, by_n, p->a, &rows, &n, err);
	if (rc != RC_OK)
		return rc;
	if (n > 1)
		qsort(rows, n, sizeof *rows, by_count);
	uint64_t limit = page_limit(p, 100);
	page_query(p, names);
	put_heads(p, by, by_n);
	page_rows(p);
	for (size_t i = 0; i < n && i < limit; i++)
		put_row(p, &rows[i], by, by_n);
	page_rows_end(p);
	p->row_count = n < limit ? n : limit;
	json_put_bool(&p->j, "cut", n > limit);
	return RC_OK;
}
