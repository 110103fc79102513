/* SPDX-License-Identifier: Apache-2.0 */
/* The page behind the link in a message: what it told, and one form to answer. Whoever has the link may; no
 * cookie, no script. To look changes nothing: scanners of mail open every link.
 *
 * An address that is forged, too old or of a message that is gone costs the same work and gives the same
 * words; wrong ones of one address are counted. The token goes into no journal and no log. */
#include "notify/classes.h"
#include "notify/digest.h"
#include "notify/link.h"
#include "web/outside.h"

enum { SHOWN = 200, EVENTS_SHOWN = 20, CSV_MOST = 20000, EVENTS_BYTES = 16 << 20 };

struct linked {
	str token, language, wrong;
	struct message m;
	bool found, often;
	bool rehearsed, withdrawn, sent;
	struct rendering what;
	bool rendered;
};

static str path_of(struct page *p, const struct linked *l)
{
	return arena_fmt(p->a, "/a/" STR_FMT, STR_ARG(l->token));
}

/* --- which message --- */

static bool in_time(struct page *p, const struct message *m)
{
	return clock_now_us() - m->made_us <= settings_int(p->w->n->settings, "answer_link_life");
}

static enum rc find(struct page *p, struct linked *l, struct err *err)
{
	const struct notify *n = p->w->n->notify;
	int64_t id = 0;
	*l = (struct linked){ .token = p->item, .what = { .rule = "" } };
	p->path = STR("/a"); /* the rest is a secret: for pages of errors, the journal, the log */
	answer_header(p->ans, "X-Robots-Tag", STR("noindex, nofollow"));
	l->often = !guard_open(p->w->links, &p->q->from);
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK || l->often)
		return rc;
	bool ours = n && link_answer_parse(n, l->token, &id);
	rc = outbox_load(reader_conn(p->r), ours ? id : 0, p->a, &l->m, NULL);
	l->found = rc == RC_OK && ours && in_time(p, &l->m) && l->m.recipient.n > 0;
	if (!l->found)
		guard_wrong(p->w->links, &p->q->from);
	if (l->found) {
		l->rehearsed = l->m.state == MESSAGE_REHEARSED;
		l->withdrawn = l->m.state == MESSAGE_WITHDRAWN || l->m.state == MESSAGE_REFUSED ||
			       l->m.state == MESSAGE_FAILED;
		l->sent = !l->rehearsed && !l->withdrawn;
	}
	return rc == RC_ABSENT ? RC_OK : rc;
}

bool answer_body_wanted(struct web *w, const struct http_request *q)
{
	int64_t id;
	str head = STR("/a/"), token = str_starts(q->path, head) ? str_from(q->path, head.n) : STR("");
	if (!str_starts(q->path, head))
		return true; /* another page's, which looks itself */
	if (!guard_open(w->links, &q->from))
		return false;
	if (str_ends(token, STR(".json")))
		token.n -= 5;
	bool known = w->n->notify && link_answer_parse(w->n->notify, token, &id);
	if (!known)
		guard_wrong(w->links, &q->from);
	return known;
}

/* What it told, as it may be told now. What may not be told any more is no failure of the page. */
static enum rc render(struct page *p, struct linked *l, struct err *err)
{
	struct err why = { 0 };
	str theirs = STR("");
	if (!l->found || l->withdrawn) {
		l->language = outside_language(p, theirs);
		return RC_OK;
	}
	enum rc rc = notify_render_shown(p->w->n->notify, p->r, page_types(p), &l->m, "print", NULL,
					 http_query(p->q, "lang").n ? outside_language(p, theirs) : theirs, p->a, &l->what,
					 &why);
	l->rendered = rc == RC_OK;
	l->language = outside_language(p, l->rendered ? json_get_str(l->what.data, "language") : theirs);
	return rc == RC_OK || rc == RC_DENIED || rc == RC_ABSENT || rc == RC_BUSY ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- showing it --- */

static void put_said(struct page *p, const struct linked *l)
{
	bool flag = false;
	json_put_time(&p->j, "made", l->m.made_us);
	json_put_str(&p->j, "subject", l->what.subject);
	json_put_str(&p->j, "text", l->what.text);
	json_put_bool(&p->j, "left_out", l->what.left_out > 0);
	(void)json_get_bool(json_get(l->what.data, "exercise") ? l->what.data : NULL, "exercise", &flag);
	json_put_bool(&p->j, "exercise", flag);
	outside_put_covers(p, l->language, l->what.data, SHOWN);
	json_put_str(&p->j, "csv_href", arena_fmt(p->a, STR_FMT ".csv", STR_ARG(path_of(p, l))));
	/* What infects who opens it is in no plain file (digest.h). */
	if (!class_is_live(class_of_template(l->m.template)))
		json_put_str(&p->j, "events_href", arena_fmt(p->a, STR_FMT ".csv?of=events", STR_ARG(path_of(p, l))));
}

static enum rc finding_ids(struct page *p, const struct linked *l, str **out, size_t *count_out, struct err *err)
{
	struct cover *covers = NULL;
	size_t count = 0, n = 0;
	enum rc rc = outbox_covers(reader_conn(p->r), l->m.id, p->a, &covers, &count, err);
	str *ids = ARENA_ARRAY(p->a, count + 1, str);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (str_starts(covers[i].item, STR("finding--")))
			ids[n++] = covers[i].item;
	if (rc == RC_OK && n == 0 && str_starts(l->m.item, STR("finding--")))
		ids[n++] = l->m.item;
	*out = ids;
	*count_out = n;
	return rc;
}

/* The first of the events behind it; all are in the table. None while such a table is made, or of what goes in no plain
 * file. */
static enum rc put_first_events(struct page *p, const struct linked *l, struct err *err)
{
	str *ids = NULL;
	size_t count = 0;
	bool more = false;
	struct err why = { 0 };
	enum rc rc = l->rendered ? finding_ids(p, l, &ids, &count, err) : RC_OK;
	if (rc != RC_OK || count == 0 || atomic_exchange(&p->w->events_of_link, true))
		return rc;
	json_key(&p->j, STR("events"));
	json_open(&p->j, '[');
	rc = digest_list(&l->what, l->m.template, p->r, page_types(p), ids, count, EVENTS_SHOWN, p->a, &p->j, &more, &why);
	json_close(&p->j, ']');
	atomic_store(&p->w->events_of_link, false);
	json_put_bool(&p->j, "events_more", more);
	json_put_bool(&p->j, "has_events", rc == RC_OK);
	return rc == RC_OK || rc == RC_DENIED || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

static enum rc put_answers(struct page *p, const struct linked *l, struct err *err)
{
	struct answer_row *list = NULL;
	size_t count = 0;
	enum rc rc = answers_of_message(reader_conn(p->r), l->m.id, ANSWERS_A_MESSAGE, p->a, &list, &count, err);
	if (rc == RC_OK)
		outside_put_answers(p, l->language, list, count);
	return rc;
}

static enum rc show(struct page *p, struct linked *l, str kind, str words, str by, struct err *err)
{
	struct json_object *covers = json_get(l->what.data, "covers");
	bool about_findings = json_count(covers) > 0 || json_get(l->what.data, "finding");
	enum rc rc = RC_OK;
	p->template = "answer";
	p->title = arena_z(p->a, !l->found ? outside_word(l->language, "absent_title") : l->rendered ? l->what.subject :
			   outside_word(l->language, "answer"));
	outside_put_frame(p, l->language);
	json_put_bool(&p->j, "found", l->found);
	json_put_bool(&p->j, "often", l->often);
	json_put_bool(&p->j, "rehearsed", l->rehearsed);
	json_put_bool(&p->j, "withdrawn", l->withdrawn);
	json_put_bool(&p->j, "answerable", l->sent);
	json_put_bool(&p->j, "done", l->sent && http_query(p->q, "done").n > 0);
	json_put_str(&p->j, "wrong", l->wrong.p ? l->wrong : STR(""));
	json_put_bool(&p->j, "rendered", l->rendered);
	if (l->rendered)
		put_said(p, l);
	rc = put_first_events(p, l, err);
	if (rc == RC_OK && l->sent) {
		json_put_str(&p->j, "post_href", arena_fmt(p->a, STR_FMT "?lang=" STR_FMT, STR_ARG(path_of(p, l)),
							   STR_ARG(l->language)));
		outside_put_nonce(p);
		outside_put_kinds(p, l->language, about_findings, kind);
		json_put_str(&p->j, "given_words", words.p ? words : STR(""));
		json_put_str(&p->j, "given_by", by.p ? by : STR(""));
		rc = put_answers(p, l, err);
	}
	p->ans->status = l->often ? 429 : !l->found ? 404 : l->wrong.n > 0 ? 400 : 200;
	if (l->often)
		answer_header(p->ans, "Retry-After", STR("600"));
	return rc;
}

/* --- as a table: all of it, not only what a page shows --- */

static void put_row(struct page *p, const struct finding *f)
{
	char id[40];
	snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)f->id.hi, (unsigned long long)f->id.lo);
	json_open(&p->j, '{');
	json_put_str(&p->j, "id", str_of(id));
	json_put_str(&p->j, "what", f->key);
	json_put_str(&p->j, "classification.type", f->type);
	json_put_str(&p->j, "classification.identifier", f->identifier);
	json_put_str(&p->j, "severity", f->severity);
	json_put_time(&p->j, "first_seen", f->first_seen_us);
	json_put_time(&p->j, "last_seen", f->last_seen_us);
	json_put_i64(&p->j, "events", (int64_t)f->events);
	json_put_str(&p->j, "state", str_of(finding_state_name(f->state)));
	json_close(&p->j, '}');
	p->row_count++;
}

static enum rc put_table(struct page *p, const struct linked *l, struct err *err)
{
	static const char *const columns[] = { "id", "what", "classification.type", "classification.identifier", "severity",
					       "first_seen", "last_seen", "events", "state", NULL };
	struct cover *covers = NULL;
	size_t count = 0;
	p->columns = columns;
	p->template = "answer";
	enum rc rc = outbox_covers(reader_conn(p->r), l->m.id, p->a, &covers, &count, err);
	page_rows(p);
	for (size_t i = 0; rc == RC_OK && l->rendered && i <= count && i < CSV_MOST; i++) {
		struct told t;
		str item = i < count ? covers[i].item : l->m.item;
		if (!str_starts(item, STR("finding--")))
			continue;
		rc = told_item(p->r, page_types(p), &l->what.who.to, item, 0, p->a, &t, err);
		if (rc == RC_OK && t.is_finding)
			put_row(p, &t.finding);
		told_end(&t);
		rc = rc == RC_DENIED || rc == RC_ABSENT ? RC_OK : rc;
	}
	page_rows_end(p);
	return rc;
}

/* --- the events behind it --- */

static enum rc journal_events(struct page *p, uint64_t events, struct err *err)
{
	const struct journal_act act = { .act = "export", .actor = str_of(p->caller.viewer.actor), .object = STR("/a"),
					 .count = events };
	return p->w->n->journal ? journal_write(p->w->n->journal, &act, err) : RC_OK;
}

static enum rc make_events(struct page *p, const struct linked *l, struct err *err)
{
	str *ids = NULL;
	size_t n = 0;
	uint64_t events = 0;
	bool cut = false;
	enum rc rc = finding_ids(p, l, &ids, &n, err);
	p->ans->body = (struct buf)BUF_INIT(EVENTS_BYTES);
	if (rc == RC_OK)
		rc = digest_table(&l->what, l->m.template, p->r, page_types(p), ids, n, p->a, &p->ans->body, &events, &cut, err);
	return rc == RC_OK ? journal_events(p, events, err) : rc;
}

static enum rc give_events(struct page *p, const struct linked *l, struct err *err)
{
	if (atomic_exchange(&p->w->events_of_link, true))
		return fail(err, RC_BUSY, "another table of events is being made: try again in a moment");
	enum rc rc = make_events(p, l, err);
	atomic_store(&p->w->events_of_link, false);
	if (rc != RC_OK)
		return rc;
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = "text/csv; charset=utf-8; header=present";
	answer_header(p->ans, "Content-Disposition", STR("attachment; filename=\"events.csv\""));
	return RC_OK;
}

enum rc page_answer(struct page *p, struct err *err)
{
	struct linked l;
	enum rc rc = find(p, &l, err);
	if (rc == RC_OK)
		rc = render(p, &l, err);
	if (rc == RC_OK && p->form == FORM_CSV && l.rendered && str_eq(http_query(p->q, "of"), STR("events")))
		rc = give_events(p, &l, err);
	else if (rc == RC_OK && p->form == FORM_CSV && l.rendered)
		rc = put_table(p, &l, err);
	else if (rc == RC_OK) {
		p->form = p->form == FORM_CSV ? FORM_HTML : p->form;
		rc = show(p, &l, STR(""), STR(""), STR(""), err);
	}
	json_free(l.what.data);
	return rc;
}

/* --- answering --- */

static bool is_theirs(enum rc rc)
{
	return rc == RC_INPUT || rc == RC_LIMIT || rc == RC_CONFLICT || rc == RC_BUSY;
}

enum rc page_answer_give(struct page *p, struct err *err)
{
	struct linked l;
	struct err why = { 0 };
	struct answer_new q = { .channel = STR("link") };
	int64_t id = 0;
	bool program = p->body.p != NULL;
	enum rc rc = find(p, &l, err);
	if (rc == RC_OK)
		rc = render(p, &l, err);
	if (rc != RC_OK)
		return rc;
	q.message = l.m.id;
	if (l.sent)
		rc = outside_take_answer(p, l.language, &q, &why);
	if (l.sent && rc == RC_OK)
		rc = outside_give(p, &q, &id, &why);
	if (is_theirs(rc)) {
		l.wrong = arena_str(p->a, str_of(why.text));
		rc = RC_OK;
	}
	if (rc != RC_OK)
		rc = fail(err, rc, "%s", why.text);
	else if (l.sent && l.wrong.n == 0 && !program && p->form == FORM_HTML)
		page_go(p, arena_fmt(p->a, STR_FMT "?lang=" STR_FMT "&done=1", STR_ARG(path_of(p, &l)), STR_ARG(l.language)));
	else {
		p->form = program ? FORM_JSON : p->form;
		if (id)
			json_put_i64(&p->j, "answer", id);
		rc = show(p, &l, str_of(answer_kind_name(q.kind)), q.words, q.by, err);
	}
	json_free(l.what.data);
	return rc;
}
