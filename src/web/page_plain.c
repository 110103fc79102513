/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/inbound.h"
#include "web/page.h"

/* What programs ask: health, metrics; and the stylesheet. */

static enum rc caught_up(struct page *p, bool *out, struct err *err)
{
	enum rc rc = page_reader(p, err);
	return rc == RC_OK ? findings_caught_up(p->r, out, err) : rc;
}

enum rc page_healthz(struct page *p, struct err *err)
{
	bool done = false;
	enum rc rc = caught_up(p, &done, err);
	bool read_only = rc != RC_OK || store_read_only(p->w->n->store);
	p->form = FORM_JSON;
	p->template = "error"; /* never shown as a page */
	json_put_bool(&p->j, "ok", !read_only);
	json_put_bool(&p->j, "read_only", read_only);
	json_put_bool(&p->j, "findings_caught_up", done);
	p->ans->status = read_only ? 503 : 200;
	return RC_OK;
}

static void metric(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	buf_fmt(b, "# HELP ronda_%s %s\n# TYPE ronda_%s %s\nronda_%s %llu\n", name, help, name, type, name,
		(unsigned long long)v);
}

static void listener_metrics(struct buf *b, const struct http *http)
{
	struct http_stats s;
	http_stats(http, &s);
	metric(b, "http_connections", "gauge", "Connections open now.", s.connections);
	metric(b, "http_requests_total", "counter", "Requests begun.", s.requests);
	metric(b, "http_refused_total", "counter", "Requests and connections refused.", s.refused);
	buf_add(b, STR("# HELP ronda_http_answers_total Answers by class of status.\n"
		       "# TYPE ronda_http_answers_total counter\n"));
	for (size_t i = 2; i < COUNT_OF(s.by_status); i++)
		buf_fmt(b, "ronda_http_answers_total{status=\"%zuxx\"} %llu\n", i,
			(unsigned long long)s.by_status[i]);
}

enum rc page_metrics(struct page *p, struct err *err)
{
	struct web *w = p->w;
	struct buf *b = &p->ans->body;
	struct feed *feeds = NULL;
	size_t n = 0;
	uint64_t overdue = 0;
	bool done = false;
	enum rc rc = caught_up(p, &done, err);
	if (rc == RC_OK)
		rc = feed_list(reader_conn(p->r), p->a, &feeds, &n, err);
	if (rc != RC_OK) {
		p->template = "error";
		return rc;
	}
	for (size_t i = 0; i < n; i++)
		overdue += feed_overdue(&feeds[i], clock_now_us());
	*b = (struct buf)BUF_INIT(KIB(64));
	p->ans->status = 200;
	p->ans->type = "text/plain; version=0.0.4; charset=utf-8";
	metric(b, "up_seconds", "gauge", "Since the listener began.",
	       (uint64_t)((clock_mono_us() - w->started_us) / SECOND_US));
	metric(b, "read_only", "gauge", "1: the store takes nothing more.", store_read_only(w->n->store));
	metric(b, "findings_caught_up", "gauge", "1: the findings have seen every event.", done);
	metric(b, "feeds", "gauge", "Feeds, also those that are off.", n);
	metric(b, "feeds_overdue", "gauge", "Feeds whose report is late.", overdue);
	metric(b, "sessions", "gauge", "Browser sessions open.", sessions_count(w->sessions));
	metric(b, "reports_total", "counter", "Reports taken over HTTP.", atomic_load(&w->reports));
	metric(b, "reports_refused_total", "counter", "Reports over HTTP that were refused.",
	       atomic_load(&w->refused_reports));
	metric(b, "inputs_total", "counter", "Records in reports taken over HTTP.", atomic_load(&w->inputs));
	struct inbound_counts mails;
	struct inbound_box box = { .name = STR("") };
	rc = inbound_count(reader_conn(p->r), &mails, err);
	if (rc == RC_OK)
		rc = inbound_box_load(reader_conn(p->r), settings_text(w->n->settings, "mail_in"), p->a, &box, err);
	if (rc == RC_OK) {
		metric(b, "mails_waiting", "gauge", "Mails that came and are not filed yet.", (uint64_t)mails.waiting);
		metric(b, "mails_in_mailbox", "gauge", "Mails that the mailbox still had at the last look.", (uint64_t)box.remain);
		metric(b, "mailbox_fails", "gauge", "1: the mailbox cannot be read.", box.words.n > 0);
	}
	for (int k = 1; rc == RC_OK && k < INBOUND_KINDS; k++)
		metric(b, arena_fmt(p->a, "mails_%s_total", inbound_kind_name((enum inbound_kind)k)).p, "counter",
		       "Mails that came, of this kind.", (uint64_t)mails.of[k]);
	if (w->http)
		listener_metrics(b, w->http);
	return rc;
}

enum rc page_style(struct page *p, struct err *err)
{
	str tag = arena_fmt(p->a, "\"%s\"", templates_style_tag(p->w->templates));
	(void)err;
	answer_header(p->ans, "ETag", tag);
	answer_header(p->ans, "Cache-Control", STR("public, max-age=31536000, immutable"));
	p->ans->status = 200;
	if (str_eq(http_header(p->q, "if-none-match"), tag)) {
		p->ans->status = 304;
		return RC_OK;
	}
	p->ans->type = "text/css; charset=utf-8";
	p->ans->body = (struct buf)BUF_INIT(MIB(1));
	buf_add(&p->ans->body, templates_style());
	return RC_OK;
}

static enum rc script(struct page *p, str text)
{
	answer_header(p->ans, "Cache-Control", STR("public, max-age=86400"));
	p->ans->status = 200;
	p->ans->type = "text/javascript; charset=utf-8";
	p->ans->body = (struct buf)BUF_INIT(MIB(1));
	buf_add(&p->ans->body, text);
	return RC_OK;
}

enum rc page_passkey_script(struct page *p, struct err *err)
{
	(void)err;
	return script(p, templates_passkey_script());
}

enum rc page_list_script(struct page *p, struct err *err)
{
	(void)err;
	return script(p, templates_list_script());
}
