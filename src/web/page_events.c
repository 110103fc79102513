/* SPDX-License-Identifier: Apache-2.0 */
#include "web/records.h"

/* Names of the query that are not filters. */
static bool is_ours(str name)
{
	static const char *const ours[] = { "before", "limit", "guard", "by" };
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		if (str_eq(name, str_of(ours[i])))
			return true;
	}
	return false;
}

struct adding {
	struct filter_set *set;
	struct arena *a;
	enum rc rc;
	struct err *err;
};

static void add_filter(void *ctx, str name, str value)
{
	struct adding *add = ctx;
	value = str_trim(value);
	if (add->rc == RC_OK && value.n > 0 && !is_ours(name))
		add->rc = filter_add(add->set, name, value, add->a, add->err);
}

enum rc page_filters(struct page *p, struct filter_set *set, struct err *err)
{
	struct adding add = { set, p->a, RC_OK, err };
	http_query_each(p->q, add_filter, &add);
	return add.rc;
}

const char *const page_filter_names[] = { "type", "identifier", "severity", "ip",   "asn",  "cc",
					  "fqdn", "org",	"feed",	    "from", "until", NULL };

struct listing {
	struct page *p;
	const struct directory *d;
	char last[40];
};

static bool put_event(void *ctx, const struct event_view *e)
{
	struct listing *l = ctx;
	event_view_json_named(e, l->d, &l->p->j);
	l->p->row_count++;
	memcpy(l->last, e->id, sizeof l->last);
	return !l->p->doc.over;
}

enum rc page_events(struct page *p, struct err *err)
{
	struct filter_set set = { .query.limit = page_limit(p, 50) };
	str before = http_query(p->q, "before");
	p->template = "events";
	p->title = "Events";
	if (before.n > 0 &&
	    !event_id_parse(store_secret(p->w->n->store), before, &set.query.before_seq))
		return fail(err, RC_INPUT, "'before' is no event of ours");
	enum rc rc = page_filters(p, &set, err);
	if (rc == RC_OK)
		rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	struct listing l = { .p = p, .d = page_directory(p) };
	page_query(p, page_filter_names);
	put_question_words(p, "events", NULL);
	page_rows(p);
	rc = read_events(p->r, &p->caller.viewer, &set.query, put_event, &l, err);
	page_rows_end(p);
	if (rc == RC_OK && p->row_count == set.query.limit)
		page_next(p, "before", str_of(l.last));
	return rc;
}

static bool put_one(void *ctx, const struct event_view *e)
{
	struct listing *l = ctx;
	json_key(&l->p->j, STR("event"));
	event_view_json_named(e, l->d, &l->p->j);
	json_put_time(&l->p->j, "received", e->received_us);
	return false;
}

enum rc page_event(struct page *p, struct err *err)
{
	p->template = "event";
	p->title = "Event";
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	struct listing l = { .p = p, .d = page_directory(p) };
	page_put_destroy(p, arena_fmt(p->a, "event--" STR_FMT, STR_ARG(p->item)));
	return read_event(p->r, &p->caller.viewer, p->item, put_one, &l, err);
}
