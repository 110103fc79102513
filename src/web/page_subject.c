/* SPDX-License-Identifier: Apache-2.0 */
/* A request of a person: what was found, the search, the reply, the erasure. */
#include "base/clock.h"
#include "node/purge.h"
#include "web/records.h"

enum { ROWS_SHOWN = 1000 };
#define SEARCH_US (20 * SECOND_US)

struct asking {
	struct subject_ask ask;
	int64_t until_us;
};

/* The request the address names; its type must mean one. */
static enum rc load(struct page *p, struct asking *k, str *href_out, bool *may_purge_out, struct err *err)
{
	struct record_view v = { 0 };
	enum rc rc = load_record(p, &v, err);
	const struct meaning *m = rc == RC_OK ? type_meaning(p->type, STR("subject.identifiers")) : NULL;
	const struct meaning *reviewed = m ? type_meaning(p->type, STR("subject.reviewed")) : NULL;
	if (rc == RC_OK && !m)
		rc = fail(err, RC_ABSENT, "there is nothing here");
	if (rc == RC_OK) {
		k->ask = node_subject_ask(p->w->n, page_types(p), &p->caller.viewer, record_view_id(&v, p->a));
		k->ask.language = p->language;
		*href_out = record_href(p, &v, "");
		*may_purge_out = reviewed && record_view_state(&v) == (int)reviewed->state &&
				 record_view_may(&v, ACTION_ERASE, -1);
	}
	record_view_end(&v);
	return rc;
}

static str fate_words(const struct subject_found *f)
{
	if (f->erased)
		return STR("erased");
	return f->fate == SUBJECT_GIVEN ? STR("given") :
	       f->fate == SUBJECT_CUT   ? STR("not given out") : STR("neither confirmed nor denied");
}

static void put_one(struct page *p, const struct subject_found *f)
{
	str href = id_href(p, f->object);
	json_open(&p->j, '{');
	json_put_str(&p->j, "object", f->object);
	json_put_str(&p->j, "kind", f->kind);
	json_put_i64(&p->j, "identifier", f->identifier + 1);
	json_put_str(&p->j, "fate", fate_words(f));
	json_put_str(&p->j, "ground", f->ground);
	if (href.n && !f->erased)
		json_put_str(&p->j, "href", href);
	json_close(&p->j, '}');
}

static enum rc put_found(struct page *p, const struct asking *k, struct err *err)
{
	struct subject_found *list = NULL;
	size_t n = 0, cut = 0, erased = 0;
	struct reader *r = NULL;
	/* a view of its own: the search wrote since the page's began */
	enum rc rc = store_read_begin(p->w->n->store, &r, err);
	if (rc == RC_OK)
		rc = subject_list(r, &k->ask, p->a, &list, &n, err);
	if (r)
		store_read_end(r);
	page_rows(p);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		cut += list[i].fate != SUBJECT_GIVEN;
		erased += list[i].erased;
		if (i < ROWS_SHOWN)
			put_one(p, &list[i]);
	}
	page_rows_end(p);
	p->row_count = n < ROWS_SHOWN ? n : ROWS_SHOWN;
	json_put_i64(&p->j, "count", (int64_t)n);
	if (cut)
		json_put_i64(&p->j, "cut", (int64_t)cut);
	if (erased)
		json_put_i64(&p->j, "erased", (int64_t)erased);
	return rc;
}

static enum rc show(struct page *p, const struct asking *k, str href, bool may_purge, struct err *err)
{
	p->template = "subject";
	p->title = "What is kept about this person";
	json_put_str(&p->j, "record_href", href);
	json_put_str(&p->j, "href", arena_fmt(p->a, STR_FMT "/found", STR_ARG(href)));
	json_put_str(&p->j, "reply_href", arena_fmt(p->a, STR_FMT "/reply", STR_ARG(href)));
	json_put_bool(&p->j, "may_purge", may_purge);
	return put_found(p, k, err);
}

enum rc page_subject(struct page *p, struct err *err)
{
	struct asking k = { .until_us = 0 };
	str href = STR("");
	bool may_purge = false;
	enum rc rc = load(p, &k, &href, &may_purge, err);
	return rc == RC_OK ? show(p, &k, href, may_purge, err) : rc;
}

static bool in_time(void *ctx, const char *part, uint64_t looked, uint64_t found)
{
	const struct asking *k = ctx;
	(void)part;
	(void)looked;
	(void)found;
	return clock_mono_us() < k->until_us;
}

static enum rc search(struct page *p, struct asking *k, struct err *err)
{
	struct subject_result result;
	k->until_us = clock_mono_us() + SEARCH_US;
	k->ask.go_on = in_time;
	k->ask.ctx = k;
	enum rc rc = subject_search(&k->ask, p->a, &result, err);
	if (rc == RC_OK)
		json_put_str(&p->j, "said",
			     arena_fmt(p->a, result.ended ? "Searched to the end: %llu looked at." :
							    "%llu looked at so far: search again to go on.",
				       (unsigned long long)result.looked));
	return rc;
}

static enum rc purge(struct page *p, struct asking *k, struct err *err)
{
	struct purge_result done;
	if (!str_eq(http_form(p->q, "meant"), STR("yes"))) {
		json_put_bool(&p->j, "confirm", true);
		return RC_OK;
	}
	enum rc rc = node_purge(p->w->n, &k->ask, p->a, &done, err);
	if (rc != RC_OK)
		return rc;
	json_put_str(&p->j, "said", arena_fmt(p->a, "%zu erased, %zu kept.%s", done.erased.erased,
					      done.erased.kept + done.excepted,
					      done.erased.ended ? "" : " It goes on by itself."));
	json_key(&p->j, STR("kept"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < done.erased.kept; i++)
		json_str(&p->j, done.erased.why[i]);
	json_close(&p->j, ']');
	return RC_OK;
}

enum rc page_subject_do(struct page *p, struct err *err)
{
	struct asking k = { .until_us = 0 };
	str href = STR(""), word = http_form(p->q, "do");
	bool may_purge = false;
	enum rc rc = load(p, &k, &href, &may_purge, err);
	/* nothing leaves the disk while a view of before is held */
	store_read_end(p->r);
	p->r = NULL;
	if (rc == RC_OK && str_eq(word, STR("search")))
		rc = search(p, &k, err);
	else if (rc == RC_OK && str_eq(word, STR("purge")))
		rc = purge(p, &k, err);
	else if (rc == RC_OK)
		rc = fail(err, RC_INPUT, "'do' is search or purge");
	return rc == RC_OK ? show(p, &k, href, may_purge, err) : rc;
}

/* The letter as text, what is given as JSON or CSV: always to be saved, never shown as a page. */
enum rc page_subject_reply(struct page *p, struct err *err)
{
	struct asking k = { .until_us = 0 };
	struct subject_pack pack = { .letter = BUF_INIT(SUBJECT_PACK_MAX), .objects = BUF_INIT(SUBJECT_PACK_MAX),
				     .table = BUF_INIT(SUBJECT_PACK_MAX) };
	str href = STR("");
	bool may_purge = false;
	enum rc rc = load(p, &k, &href, &may_purge, err);
	if (rc == RC_OK)
		rc = node_subject_reply(p->w->n, &k.ask, p->a, &pack, err);
	if (rc == RC_OK) {
		struct buf *out = p->form == FORM_JSON ? &pack.objects : p->form == FORM_CSV ? &pack.table :
											       &pack.letter;
		p->template = NULL;
		p->ans->status = 200;
		p->ans->type = p->form == FORM_JSON ? "application/json" :
			       p->form == FORM_CSV  ? "text/csv; charset=utf-8" : "text/plain; charset=utf-8";
		answer_header(p->ans, "Content-Disposition", STR("attachment; filename=reply"));
		p->ans->body = *out;
		*out = (struct buf){ 0 };
	}
	buf_free(&pack.letter);
	buf_free(&pack.objects);
	buf_free(&pack.table);
	return rc;
}
