/* SPDX-License-Identifier: Apache-2.0 */
/* A round, on the page of its record: how it fares, who is on its list, their answers; what it would
 * say; who does not answer. Of any type that means "round.kind". */
#include "notify/round.h"
#include "web/records.h"

enum { MEMBERS_SHOWN = 200, DRY_SHOWN = 50, STALE_SHOWN = 1000 };

static struct notify *notify_of(const struct page *p)
{
	return p->w->n->notify;
}

static void put_time(struct page *p, const char *name, int64_t us)
{
	if (us)
		json_put_time(&p->j, name, us);
}

static void put_count(struct page *p, const char *name, size_t n)
{
	json_put_i64(&p->j, name, (int64_t)n);
}

/* --- the list --- */

static bool put_line(void *ctx, const struct round_line *l)
{
	struct page *p = ctx;
	json_open(&p->j, '{');
	json_put_str(&p->j, "organisation", l->organisation);
	json_put_str(&p->j, "title", l->title.n > 0 ? l->title : STR("(not for you)"));
	str href = l->organisation.n > 0 ? id_href(p, l->organisation) : STR_NONE;
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
	json_put_str(&p->j, "to", l->recipient);
	json_put_str(&p->j, "driver", l->driver);
	json_put_str(&p->j, "state", l->message ? l->state : l->driver.n > 0 ? STR("") : STR("none"));
	json_put_str(&p->j, "words", l->words);
	if (l->message)
		json_put_i64(&p->j, "message", l->message);
	put_count(p, "covers", l->covers);
	put_time(p, "told", l->told_us);
	put_time(p, "answered", l->answered_us);
	put_time(p, "silent", l->answered_us ? 0 : l->silent_us);
	json_put_str(&p->j, "answer", l->answer);
	json_put_str(&p->j, "by", l->answered_by);
	json_put_str(&p->j, "noted_by", l->noted_by);
	json_close(&p->j, '}');
	return !p->doc.over;
}

static enum rc put_list(struct page *p, str id, struct err *err)
{
	int64_t after = -1, last;
	str from = http_query(p->q, "after");
	if (from.n > 0 && !str_to_i64(from, &after))
		return fail(err, RC_INPUT, "'after' is no place in this list");
	json_key(&p->j, STR("members"));
	json_open(&p->j, '[');
	enum rc rc = round_read_members(notify_of(p), p->r, page_types(p), &p->caller.viewer, id, after,
					page_limit(p, MEMBERS_SHOWN), p->a, put_line, p, &last, err);
	json_close(&p->j, ']');
	if (rc == RC_OK && last >= 0)
		page_next(p, "after", arena_fmt(p->a, "%lld", (long long)last));
	return rc;
}

static void put_progress(struct page *p, const struct round_progress *g)
{
	struct buf median = BUF_INIT(64);
	/* Of their own: a member without a time would find the number of the same name. */
	json_key(&p->j, STR("counts"));
	json_open(&p->j, '{');
	put_count(p, "on_list", g->members);
	put_count(p, "unreachable", g->unreachable);
	put_count(p, "waiting", g->waiting);
	put_count(p, "sent", g->sent);
	put_count(p, "uncertain", g->uncertain);
	put_count(p, "failed", g->failed + g->refused);
	put_count(p, "answered", g->answered);
	put_count(p, "silent", g->silent);
	json_close(&p->j, '}');
	put_time(p, "due", g->due_us);
	put_time(p, "started", g->started_us);
	put_time(p, "again", g->next_us);
	if (g->answered > 0) {
		duration_format(&median, g->median_us - g->median_us % SECOND_US);
		json_put_str(&p->j, "median", buf_str(&median));
	}
	buf_free(&median);
}

static bool may_start(const struct record_view *v)
{
	const struct meaning *started = type_meaning(record_view_type(v), STR("round.started"));
	const struct meaning *draft = type_meaning(record_view_type(v), STR("round.draft"));
	return started && draft && record_view_state(v) == (int)draft->state &&
	       record_view_may(v, ACTION_MOVE, (int)started->state);
}

static bool may_answer(const struct record_view *v)
{
	const struct meaning *started = type_meaning(record_view_type(v), STR("round.started"));
	return started && record_view_state(v) == (int)started->state && record_view_may(v, ACTION_EDIT, -1);
}

enum rc put_round(struct page *p, const struct record_view *v, struct err *err)
{
	struct round_progress g;
	str id = record_view_id(v, p->a);
	if (!round_is_type(record_view_type(v)))
		return RC_OK;
	enum rc rc = round_read_progress(notify_of(p), p->r, page_types(p), &p->caller.viewer, id, p->a, &g, err);
	if (rc != RC_OK)
		return rc;
	json_key(&p->j, STR("round"));
	json_open(&p->j, '{');
	put_progress(p, &g);
	json_put_str(&p->j, "idle", str_of(notify_idle(notify_of(p))));
	if (may_start(v))
		json_put_str(&p->j, "start_href", record_href(p, v, "/start"));
	if (may_start(v))
		json_put_str(&p->j, "dry_href", record_href(p, v, "/dry-run"));
	if (may_answer(v))
		json_put_str(&p->j, "answer_href", record_href(p, v, "/answer"));
	json_put_str(&p->j, "stale_href", arena_fmt(p->a, "/%s/stale", record_view_type(v)->name));
	rc = put_list(p, id, err);
	json_close(&p->j, '}');
	return rc;
}

/* --- what it would say --- */

static bool put_dry(void *ctx, const struct round_line *l)
{
	struct page *p = ctx;
	json_open(&p->j, '{');
	json_put_str(&p->j, "title", l->title);
	json_put_str(&p->j, "to", l->recipient);
	json_put_str(&p->j, "driver", l->driver);
	json_put_str(&p->j, "language", l->language);
	json_put_bool(&p->j, "told", l->told);
	json_put_str(&p->j, "subject", l->subject);
	json_put_str(&p->j, "text", l->text);
	json_put_str(&p->j, "words", l->words);
	put_count(p, "covers", l->covers);
	json_close(&p->j, '}');
	return !p->doc.over;
}

static str item_name(struct page *p)
{
	uint64_t number;
	str path = str_from(p->path, 1), type = str_cut(&path, '/');
	return str_to_u64(p->item, &number) ? arena_fmt(p->a, STR_FMT "-%llu", STR_ARG(type),
							(unsigned long long)number) : p->item;
}

static str page_of(struct page *p)
{
	str path = str_from(p->path, 1), type = str_cut(&path, '/');
	return arena_fmt(p->a, "/" STR_FMT "/" STR_FMT, STR_ARG(type), STR_ARG(p->item));
}

enum rc page_round_dry(struct page *p, struct err *err)
{
	static const char *const columns[] = { "title", "to", "driver", "language", "told", "subject", "text", "words",
					       "covers", NULL };
	size_t count = 0, limit = page_limit(p, DRY_SHOWN);
	p->template = "round_dry";
	p->title = "What it would say";
	p->columns = columns;
	page_rows(p);
	enum rc rc = round_dry_run(notify_of(p), &p->caller.viewer, item_name(p), limit, p->a, put_dry, p, &count, err);
	page_rows_end(p);
	p->row_count = count < limit ? count : limit;
	put_count(p, "on_list", count);
	json_put_bool(&p->j, "more", count > limit);
	json_put_str(&p->j, "round_href", page_of(p));
	return rc;
}

/* --- start and answers --- */

enum rc page_round_start(struct page *p, struct err *err)
{
	size_t count = 0;
	enum rc rc = round_start(notify_of(p), &p->caller.viewer, item_name(p), p->a, &count, err);
	if (rc == RC_OK && p->form == FORM_HTML) {
		page_go(p, page_of(p));
	} else if (rc == RC_OK) {
		p->form = FORM_JSON;
		p->template = "round_dry";
		put_count(p, "members", count);
	}
	return rc;
}

/* A form, or {"organisation":"organisation-7","words":"…","by":"…","at":"…"}. */
enum rc page_round_answer(struct page *p, struct err *err)
{
	struct json_object *o = NULL;
	bool program = p->body.p != NULL;
	enum rc rc = program ? json_read(p->body, &o, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	str at = program ? json_get_str(o, "at") : page_form(p, "at");
	struct round_answer q = {
		.organisation = arena_str(p->a, program ? json_get_str(o, "organisation") : page_form(p, "organisation")),
		.words = arena_str(p->a, program ? json_get_str(o, "words") : page_form(p, "words")),
		.by = arena_str(p->a, program ? json_get_str(o, "by") : page_form(p, "by")),
	};
	if (at.n > 0 && !time_parse(at, true, &q.at_us))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no time", STR_ARG(str_head(at, 60)));
	json_free(o);
	if (rc == RC_OK)
		rc = round_note_answer(notify_of(p), &p->caller.viewer, item_name(p), &q, p->a, err);
	if (rc == RC_OK && !program) {
		page_go(p, page_of(p));
	} else if (rc == RC_OK) {
		p->form = FORM_JSON;
		p->template = "round_dry";
		json_put_str(&p->j, "answered", q.organisation);
	}
	return rc;
}

/* --- who does not answer --- */

enum rc page_round_stale(struct page *p, struct err *err)
{
	static const char *const columns[] = { "organisation", "title", "since", "rounds", "answered", NULL };
	struct round_stale *list = NULL;
	size_t count = 0;
	p->template = "round_stale";
	p->title = "Contacts that do not answer";
	p->columns = columns;
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = round_read_stale(notify_of(p), p->r, page_types(p), &p->caller.viewer, page_limit(p, STALE_SHOWN), p->a,
				      &list, &count, err);
	page_rows(p);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "organisation", list[i].organisation);
		json_put_str(&p->j, "title", list[i].title);
		json_put_str(&p->j, "href", id_href(p, list[i].organisation));
		put_time(p, "since", list[i].since_us);
		put_count(p, "rounds", list[i].rounds);
		put_time(p, "answered", list[i].answered_us);
		json_close(&p->j, '}');
	}
	page_rows_end(p);
	p->row_count = count;
	return rc;
}
