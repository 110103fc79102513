/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of telling: who would be told what; what is due when; why a finding was told or not. */
#include "notify/teller.h"
#include "web/records.h"

enum { DRY_SHOWN = 50, DUE_SHOWN = 200 };

static void put_organisation_of(struct page *p, str id, str title)
{
	json_put_str(&p->j, "title", title.n > 0 ? title : STR("(not for you)"));
	str href = id.n > 0 ? id_href(p, id) : STR_NONE;
	if (href.n > 0)
		json_put_str(&p->j, "href", href);
}

/* --- what it would say --- */

static bool put_dry(void *ctx, const struct tell_dry *d)
{
	struct page *p = ctx;
	json_open(&p->j, '{');
	put_organisation_of(p, d->organisation, d->title);
	json_put_str(&p->j, "to", d->recipient);
	json_put_str(&p->j, "driver", d->driver);
	json_put_str(&p->j, "class", d->class);
	json_put_str(&p->j, "language", d->language);
	json_put_bool(&p->j, "told", d->told);
	json_put_bool(&p->j, "live", d->live);
	json_put_str(&p->j, "subject", d->subject);
	json_put_str(&p->j, "text", d->text);
	json_put_str(&p->j, "words", d->words);
	json_put_i64(&p->j, "covers", (int64_t)d->covers);
	json_close(&p->j, '}');
	p->row_count++;
	return !p->doc.over;
}

enum rc page_rule_dry(struct page *p, struct err *err)
{
	static const char *const columns[] = { "title", "to", "driver", "class", "language", "told", "live", "subject",
					       "text", "words", "covers", NULL };
	size_t count = 0, findings = 0, limit = page_limit(p, DRY_SHOWN);
	str path = str_from(p->path, 1), type = str_cut(&path, '/');
	uint64_t number;
	str id = str_to_u64(p->item, &number) ? arena_fmt(p->a, STR_FMT "-%llu", STR_ARG(type), (unsigned long long)number) : p->item;
	p->template = "rule_dry";
	p->title = "Who would be told";
	p->columns = columns;
	page_rows(p);
	enum rc rc = teller_dry_run(p->w->n->notify, &p->caller.viewer, id, limit, clock_now_us(), p->a, put_dry, p, &count,
				    &findings, err);
	page_rows_end(p);
	json_put_i64(&p->j, "messages", (int64_t)count);
	json_put_i64(&p->j, "findings", (int64_t)findings);
	json_put_bool(&p->j, "more", count > limit);
	json_put_str(&p->j, "rule_href", arena_fmt(p->a, "/" STR_FMT "/" STR_FMT, STR_ARG(type), STR_ARG(p->item)));
	return rc;
}

/* --- what is due, and what was counted --- */

static enum rc put_counts(struct page *p, struct err *err)
{
	struct tell_count *list = NULL;
	size_t count = 0;
	enum rc rc = teller_counts(p->r, &p->caller.viewer, DUE_SHOWN, p->a, &list, &count, err);
	json_key(&p->j, STR("counts"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char day[16];
		json_open(&p->j, '{');
		json_put_str(&p->j, "day", time_day_str(day, (int64_t)list[i].day * DAY_US));
		json_put_str(&p->j, "what", str_of(tell_state_name(list[i].state)));
		json_put_str(&p->j, "that_is", str_of(tell_state_words(list[i].state)));
		json_put_i64(&p->j, "count", list[i].count);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc;
}

enum rc page_rule_due(struct page *p, struct err *err)
{
	static const char *const columns[] = { "due", "title", "rule", "class", "step", "findings", NULL };
	struct tell_due *list = NULL;
	size_t count = 0;
	p->template = "rule_due";
	p->title = "What is told next";
	p->columns = columns;
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = teller_due(p->w->n->notify, p->r, page_types(p), &p->caller.viewer, page_limit(p, DUE_SHOWN), p->a, &list, &count,
				err);
	page_rows(p);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		json_open(&p->j, '{');
		json_put_time(&p->j, "due", list[i].next_us);
		put_organisation_of(p, list[i].organisation, list[i].title);
		json_put_str(&p->j, "rule", list[i].rule_title);
		json_put_str(&p->j, "rule_href", id_href(p, list[i].rule));
		json_put_str(&p->j, "class", list[i].class);
		json_put_i64(&p->j, "step", list[i].step);
		json_put_i64(&p->j, "findings", list[i].findings);
		json_close(&p->j, '}');
	}
	page_rows_end(p);
	p->row_count = count;
	return rc == RC_OK ? put_counts(p, err) : rc;
}

/* --- why a finding was told or not --- */

static bool put_reason(void *ctx, const struct tell_reason *w)
{
	struct page *p = ctx;
	json_open(&p->j, '{');
	put_organisation_of(p, w->organisation, w->title.n > 0 || w->messages ? w->title : STR("nobody"));
	json_put_str(&p->j, "rule", w->rule_title);
	if (w->rule.n > 0)
		json_put_str(&p->j, "rule_href", id_href(p, w->rule));
	json_put_str(&p->j, "words", w->words);
	json_put_i64(&p->j, "messages", w->messages);
	if (w->told_us)
		json_put_time(&p->j, "told", w->told_us);
	if (w->next_us)
		json_put_time(&p->j, "next", w->next_us);
	json_close(&p->j, '}');
	return !p->doc.over;
}

enum rc page_put_telling(struct page *p, str finding, struct err *err)
{
	struct err why = { 0 };
	json_key(&p->j, STR("telling"));
	json_open(&p->j, '[');
	enum rc rc = teller_explain(p->w->n->notify, p->r, page_types(p), &p->caller.viewer, finding, clock_now_us(), p->a,
				    put_reason, p, &why);
	json_close(&p->j, ']');
	return rc == RC_OK || rc == RC_DENIED ? RC_OK : fail(err, rc, "%s", why.text);
}
