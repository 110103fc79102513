/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/figures.h"
#include "web/dear.h"
#include "web/records.h"

enum { BAR_UNITS = 100 };

/* Members that were written elsewhere, into an object that is open. */
static void json_members(struct json_out *j, str members)
{
	if (j->comma && members.n > 0)
		buf_char(j->b, ',');
	buf_add(j->b, members);
	j->comma = j->comma || members.n > 0;
}

static enum rc take_query(struct page *p, struct figures_query *q, struct err *err)
{
	str by = http_query(p->q, "by"), since = http_query(p->q, "since"), until = http_query(p->q, "until");
	if (by.n > 0 && !figure_by_parse(by, &q->by))
		return fail(err, RC_INPUT, "there are no figures by '" STR_FMT "'", STR_ARG(str_head(by, 40)));
	if (since.n > 0 && !figure_time_parse(since, q->now_us, &q->since_us))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no time (2026-01, 2026-01-31, or 90d)", STR_ARG(str_head(since, 40)));
	if (until.n > 0 && (!figure_time_parse(until, q->now_us, &q->until_us) || q->until_us == 0))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no time (2026-01, 2026-01-31, or 30d)", STR_ARG(str_head(until, 40)));
	return RC_OK;
}

static str href_of(struct page *p, enum figure_by by, str key)
{
	switch (by) {
	case FIGURES_CLASS:
		return page_link(p, "/findings", "type", str_cut(&key, '/'));
	case FIGURES_ORGANISATION:
		return page_link(p, "/findings", "org", key);
	case FIGURES_ALL:
	case FIGURES_FEED:
	case FIGURES_COUNTRY:
	case FIGURES_MONTH:
	case FIGURES_BYS:
		break;
	}
	return STR("");
}

/* For people: words for each time, and a bar as long as its share of the longest median. */
static void put_spans(struct page *p, const struct figure_row *row, const int64_t longest[FIGURE_TIMES])
{
	static const char *const labels[FIGURE_TIMES] = {
		[TIME_TO_TELL] = "Told after",
		[TIME_TO_ACKNOWLEDGE] = "Answered after",
		[TIME_TO_FIX] = "Gone after",
		[TIME_TO_FIX_TOLD] = "Gone after told",
	};
	json_key(&p->j, STR("spans"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < FIGURE_TIMES; i++) {
		const struct figure_span *s = &row->times[i];
		json_open(&p->j, '{');
		json_put_str(&p->j, "label", str_of(labels[i]));
		json_put_bool(&p->j, "any", s->n > 0);
		json_put_str(&p->j, "median", figure_words(p->a, s->median_s));
		json_put_str(&p->j, "n", arena_fmt(p->a, "%llu", (unsigned long long)s->n));
		json_put_str(&p->j, "censored", arena_fmt(p->a, "%llu", (unsigned long long)s->censored));
		if (s->low_s >= 0)
			json_put_str(&p->j, "low", figure_words(p->a, s->low_s));
		if (s->high_s >= 0)
			json_put_str(&p->j, "high", figure_words(p->a, s->high_s));
		if (s->median_s >= 0 && longest[i] > 0)
			json_put_str(&p->j, "bar", arena_fmt(p->a, "%lld", (long long)(s->median_s * BAR_UNITS / longest[i])));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_seconds(struct page *p, const char *name, const char *what, int64_t v)
{
	json_key(&p->j, arena_fmt(p->a, "%s%s", name, what));
	if (v < 0)
		json_null(&p->j);
	else
		json_i64(&p->j, v);
}

/* A line of CSV has no objects in it. */
static void put_flat(struct page *p, const struct figure_row *row)
{
	json_open(&p->j, '{');
	json_put_str(&p->j, "key", row->key);
	json_put_str(&p->j, "name", row->name);
	for (size_t i = 0; i < FIGURE_COUNTS; i++)
		json_put_i64(&p->j, figure_count_name((enum figure_count)i), (int64_t)row->counts[i]);
	for (size_t i = 0; i < FIGURE_TIMES; i++) {
		const char *name = figure_time_name((enum figure_time)i);
		const struct figure_span *s = &row->times[i];
		put_seconds(p, name, "", s->median_s);
		put_seconds(p, name, "_n", (int64_t)s->n);
		put_seconds(p, name, "_censored", (int64_t)s->censored);
		put_seconds(p, name, "_low", s->low_s);
		put_seconds(p, name, "_high", s->high_s);
	}
	json_close(&p->j, '}');
}

static void put_row(struct page *p, enum figure_by by, const struct figure_row *row, const int64_t longest[FIGURE_TIMES])
{
	if (p->form == FORM_CSV) {
		put_flat(p, row);
		return;
	}
	if (p->form == FORM_JSON) {
		figure_row_json(row, &p->j);
		return;
	}
	json_open(&p->j, '{');
	json_put_str(&p->j, "label", row->name.n > 0 ? row->name : by == FIGURES_ALL ? STR("All") : STR("not said"));
	if (row->key.n > 0)
		json_put_str(&p->j, "href", href_of(p, by, row->key));
	for (size_t i = 0; i < FIGURE_COUNTS; i++)
		json_put_str(&p->j, figure_count_name((enum figure_count)i),
			     arena_fmt(p->a, "%llu", (unsigned long long)row->counts[i]));
	put_spans(p, row, longest);
	json_close(&p->j, '}');
}

static void put_choices(struct page *p, enum figure_by by)
{
	json_key(&p->j, STR("choices"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < FIGURES_BYS; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", str_of(figure_by_name((enum figure_by)i)));
		json_put_bool(&p->j, "chosen", i == (size_t)by);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

struct work {
	struct page *p;
	const struct figures_query *q;
};

/* The members of the document. */
static enum rc reckon(void *ctx, struct buf *out, uint64_t *count_out, struct err *err)
{
	static const char *const names[] = { "by", "since", "until", NULL };
	const struct work *k = ctx;
	const struct figures_query q = *k->q;
	struct page *p = k->p;
	const struct directory *d = q.directory;
	int64_t longest[FIGURE_TIMES] = { 0 };
	uint64_t limit = page_limit(p, 100);
	struct figures f;
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = figures_read(p->r, &p->caller.viewer, &q, p->a, &f, err);
	if (rc != RC_OK)
		return rc;
	struct json_out page = p->j;
	p->j = json_out(out);
	p->j.depth = page.depth;
	json_put_time(&p->j, "reckoned", q.now_us);
	for (size_t i = 0; i < f.count; i++)
		for (size_t t = 0; t < FIGURE_TIMES; t++)
			if (f.rows[i].times[t].median_s > longest[t])
				longest[t] = f.rows[i].times[t].median_s;
	page_query(p, names);
	put_choices(p, q.by);
	figures_json(&f, d, &p->j);
	json_put_bool(&p->j, "more", f.count > limit || f.cut);
	page_rows(p);
	for (size_t i = 0; i < f.count && i < limit; i++)
		put_row(p, q.by, &f.rows[i], longest);
	page_rows_end(p);
	p->j = page;
	*count_out = f.count < limit ? f.count : limit;
	return RC_OK;
}

/* All that they depend on beside the store: who asks, with which rights, for what. */
static str key_of(struct page *p)
{
	const struct viewer *v = &p->caller.viewer;
	return arena_fmt(p->a, "%s %d %d %d %u %d%d%d%d%d%d %llu %d %llu " STR_FMT, v->actor, (int)v->right, (int)v->as.kind,
			 (int)v->as.ceiling, v->roles, v->reads_no_case, v->exercise, v->reads_only, v->as.named,
			 v->as.personal_basis, v->as.exercise_member,
			 (unsigned long long)v->policy.number, (int)p->form, (unsigned long long)page_limit(p, 100),
			 STR_ARG(page_url_with(p, "lang", STR_NONE)));
}

enum rc page_figures(struct page *p, struct err *err)
{
	struct figures_query q = { .now_us = clock_now_us(), .directory = page_directory(p), .dir = p->w->n->dir };
	struct work k = { p, &q };
	struct buf members = BUF_INIT(PAGE_MAX);
	p->template = "figures";
	p->title = "Figures";
	enum rc rc = take_query(p, &q, err);
	if (rc == RC_OK)
		rc = dear_get(p->w->figures, key_of(p), reckon, &k, &members, &p->row_count, err);
	if (rc == RC_OK)
		json_members(&p->j, buf_str(&members));
	buf_free(&members);
	return rc;
}
