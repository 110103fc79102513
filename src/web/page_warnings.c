/* SPDX-License-Identifier: Apache-2.0 */
/* Warnings for everybody, as pages and RSS 2.0; security.txt (RFC 9116) and our own card (RFC 2350).
 * What is shown went through the check as told to somebody of whom nothing is known. */
#include <json-c/json.h>

#include "directory/rfc2350.h"
#include "disclosure/told.h"
#include "notify/subscribers.h"
#include "web/public.h"
#include "web/records.h"

enum { WARNINGS_MOST = 50, TEXT_MOST = 1 << 20 };
#define CACHED STR("public, max-age=60")

/* --- which may be shown --- */

struct published {
	struct page *p;
	const struct type *type;
	const struct meaning *state, *summary;
	struct told_to to;
	str ids[WARNINGS_MOST];
	size_t count;
};

static enum rc published_begin(struct page *p, struct published *k, struct err *err)
{
	*k = (struct published){ .p = p, .type = types_meaning(page_types(p), STR("warning.published")) };
	if (!k->type)
		return fail(err, RC_ABSENT, "there is nothing here");
	k->state = type_meaning(k->type, STR("warning.published"));
	k->summary = type_meaning(k->type, STR("warning.summary"));
	enum rc rc = page_reader(p, err);
	return rc == RC_OK ? told_anybody(p->w->n->policies, CHANNEL_SCREEN, &k->to, err) : rc;
}

static bool is_published(const struct published *k, const struct record_view *v)
{
	return record_view_type(v) == k->type && k->state && !k->state->field &&
	       record_view_state(v) == (int)k->state->state && warning_is_for_all(k->type, v->body);
}

static bool note_id(void *ctx, const struct record_view *v)
{
	struct published *k = ctx;
	if (is_published(k, v))
		k->ids[k->count++] = record_view_id(v, k->p->a);
	return k->count < WARNINGS_MOST;
}

static enum rc find_published(struct published *k, struct err *err)
{
	struct record_query q = { .type = k->type, .states = UINT64_C(1) << k->state->state, .with_body = true };
	struct viewer v;
	enum rc rc = public_finder(k->p, &v, err);
	return rc == RC_OK ? read_records(k->p->r, page_types(k->p), &v, &q, 10 * WARNINGS_MOST, k->p->a, note_id, k, err) :
			     rc;
}

static enum rc tell(struct published *k, str id, struct told *out, struct err *err)
{
	return told_item(k->p->r, page_types(k->p), &k->to, id, 0, k->p->a, out, err);
}

static str text_of(struct published *k, const struct record_view *v, const struct type_field *f)
{
	struct buf b = BUF_INIT(KIB(64));
	if (f && !record_view_cuts(v, f))
		record_view_text(v, f, &b);
	str s = arena_str(k->p->a, buf_str(&b));
	buf_free(&b);
	return s;
}

/* --- as a list --- */

static void put_warning(struct published *k, const struct record_view *v, struct json_out *j)
{
	json_open(j, '{');
	json_put_str(j, "id", record_view_id(v, k->p->a));
	json_put_i64(j, "number", (int64_t)record_view_number(v));
	json_put_str(j, "title", text_of(k, v, k->type->title));
	json_put_str(j, "summary", text_of(k, v, k->summary ? k->summary->field : NULL));
	json_put_time(j, "published", record_view_changed(v));
	json_put_str(j, "href", arena_fmt(k->p->a, "/warnings/%llu", (unsigned long long)record_view_number(v)));
	json_close(j, '}');
}

/* The list as JSON: what pages, programs and the RSS are made of. */
static enum rc warnings_json(struct page *p, struct buf *out, struct err *err)
{
	struct published *k = ARENA_NEW(p->a, struct published);
	struct json_out j = json_out(out);
	if (public_kept(p->w, "warnings", out))
		return RC_OK;
	enum rc rc = published_begin(p, k, err);
	if (rc == RC_OK)
		rc = find_published(k, err);
	json_open(&j, '[');
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		struct told t;
		struct err why = { 0 };
		rc = tell(k, k->ids[i], &t, &why);
		if (rc == RC_OK)
			put_warning(k, &t.view, &j);
		told_end(&t);
		if (rc == RC_DENIED || rc == RC_ABSENT)
			rc = RC_OK;
		else if (rc != RC_OK)
			return fail(err, rc, "%s", why.text);
	}
	json_close(&j, ']');
	if (rc == RC_OK)
		public_keep(p->w, "warnings", buf_str(out));
	return rc;
}

enum rc page_warnings(struct page *p, struct err *err)
{
	struct buf list = BUF_INIT(TEXT_MOST);
	enum rc rc = public_on(p, err);
	if (rc == RC_OK)
		rc = warnings_json(p, &list, err);
	if (rc == RC_OK) {
		p->template = "warnings";
		str language = public_frame(p);
		p->title = arena_z(p->a, public_word(language, "warnings"));
		json_key(&p->j, STR("rows"));
		json_raw(&p->j, buf_str(&list));
		json_put_bool(&p->j, "has_list", public_base(p).n > 0);
		answer_header(p->ans, "Cache-Control", CACHED);
		answer_header(p->ans, "Vary", STR("Accept, Accept-Language"));
	}
	buf_free(&list);
	return rc;
}

enum rc page_warning(struct page *p, struct err *err)
{
	struct published *k = ARENA_NEW(p->a, struct published);
	struct record_view found = { 0 };
	struct told t = { .rule = "" };
	struct viewer v;
	uint64_t number;
	enum rc rc = public_on(p, err);
	if (rc == RC_OK && !str_to_u64(p->item, &number))
		rc = fail(err, RC_ABSENT, "there is nothing here");
	if (rc == RC_OK)
		rc = published_begin(p, k, err);
	if (rc == RC_OK)
		rc = public_finder(p, &v, err);
	if (rc == RC_OK)
		rc = read_record(p->r, page_types(p), &v, arena_fmt(p->a, "%s-" STR_FMT, k->type->name, STR_ARG(p->item)), p->a,
				 &found, NULL);
	if (rc == RC_OK && !is_published(k, &found))
		rc = RC_ABSENT;
	if (rc == RC_OK)
		rc = tell(k, record_view_id(&found, p->a), &t, NULL);
	if (rc == RC_OK) {
		p->template = "warning";
		str language = public_frame(p);
		p->language = language;
		p->title = arena_z(p->a, text_of(k, &t.view, k->type->title));
		json_put_time(&p->j, "published", record_view_changed(&t.view));
		json_key(&p->j, STR("warning"));
		put_warning(k, &t.view, &p->j);
		put_fields(p, &t.view);
		answer_header(p->ans, "Cache-Control", CACHED);
		answer_header(p->ans, "Vary", STR("Accept, Accept-Language"));
	}
	told_end(&t);
	record_view_end(&found);
	/* One that may not be shown is not there. */
	return rc == RC_OK ? rc : fail(err, rc == RC_IO ? RC_IO : RC_ABSENT, "there is nothing here");
}

/* --- RSS 2.0 (rssboard.org) --- */

static void put_xml(struct buf *b, str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '<' || c == '>' || c == '&')
			buf_add(b, c == '<' ? STR("&lt;") : c == '>' ? STR("&gt;") : STR("&amp;"));
		else if (c >= 0x20 || c == '\n' || c == '\t') /* others XML 1.0 does not have */
			buf_char(b, (char)c);
	}
}

static void put_element(struct buf *b, const char *name, str text)
{
	buf_fmt(b, "<%s>", name);
	put_xml(b, text);
	buf_fmt(b, "</%s>\n", name);
}

/* RFC 822 with four digits of a year, out of RFC 3339. */
static str rfc822(struct arena *a, str time)
{
	static const char *const days[] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	int64_t us = 0, month = 1;
	char text[40];
	if (!time_parse(time, true, &us))
		return STR("");
	str t = time_str(text, us);
	(void)str_to_i64(str_mem(t.p + 5, 2), &month);
	return arena_fmt(a, "%s, %.2s %s %.4s %.8s GMT", days[us / DAY_US % 7], t.p + 8, months[(month - 1) % 12], t.p, t.p + 11);
}

static void put_item(struct page *p, struct buf *b, struct json_object *o)
{
	int64_t number = 0;
	str base = public_base(p);
	(void)json_get_i64(o, "number", &number);
	buf_add(b, STR("<item>\n"));
	put_element(b, "title", json_get_str(o, "title"));
	if (base.n > 0)
		put_element(b, "link", arena_fmt(p->a, STR_FMT "/warnings/%lld", STR_ARG(base), (long long)number));
	put_element(b, "description", json_get_str(o, "summary"));
	buf_add(b, STR("<guid isPermaLink=\"false\">"));
	put_xml(b, json_get_str(o, "id"));
	buf_add(b, STR("</guid>\n"));
	put_element(b, "pubDate", rfc822(p->a, json_get_str(o, "published")));
	buf_add(b, STR("</item>\n"));
}

static enum rc make_rss(struct page *p, str list, struct buf *b, struct err *err)
{
	struct json_object *o = NULL;
	str base = public_base(p), node = store_node_name(p->w->n->store);
	enum rc rc = json_read(list, &o, err);
	if (rc != RC_OK)
		return rc;
	buf_add(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\">\n<channel>\n"));
	put_element(b, "title", arena_fmt(p->a, STR_FMT ": warnings", STR_ARG(node)));
	put_element(b, "link", arena_fmt(p->a, STR_FMT "/warnings", STR_ARG(base)));
	put_element(b, "description", arena_fmt(p->a, "What " STR_FMT " warns of, for everybody (TLP:CLEAR).", STR_ARG(node)));
	if (base.n > 0) {
		buf_add(b, STR("<atom:link rel=\"self\" type=\"application/rss+xml\" href=\""));
		put_xml(b, base);
		buf_add(b, STR("/warnings.rss\"/>\n"));
	}
	for (size_t i = 0; i < json_count(o); i++)
		put_item(p, b, json_at(o, i));
	buf_add(b, STR("</channel>\n</rss>\n"));
	json_free(o);
	return RC_OK;
}

/* Answers with bytes that are no document of ours. */
static void answer_bytes(struct page *p, const char *type, str bytes)
{
	p->template = NULL;
	p->ans->status = 200;
	p->ans->type = type;
	p->ans->body = (struct buf)BUF_INIT(2 * TEXT_MOST);
	buf_add(&p->ans->body, bytes);
	answer_header(p->ans, "Cache-Control", CACHED);
}

enum rc page_warnings_rss(struct page *p, struct err *err)
{
	struct buf list = BUF_INIT(TEXT_MOST), rss = BUF_INIT(2 * TEXT_MOST);
	p->template = "error";
	enum rc rc = public_on(p, err);
	bool kept = rc == RC_OK && public_kept(p->w, "rss", &rss);
	if (rc == RC_OK && !kept)
		rc = warnings_json(p, &list, err);
	if (rc == RC_OK && !kept) {
		rc = make_rss(p, buf_str(&list), &rss, err);
		if (rc == RC_OK)
			public_keep(p->w, "rss", buf_str(&rss));
	}
	if (rc == RC_OK)
		answer_bytes(p, "application/rss+xml; charset=utf-8", buf_str(&rss));
	buf_free(&list);
	buf_free(&rss);
	return rc;
}

/* --- who we are --- */

enum rc page_security_txt(struct page *p, struct err *err)
{
	str contact = settings_text(p->w->n->settings, "security_contact"), base = public_base(p);
	int64_t life = settings_int(p->w->n->settings, "security_expires"), now = clock_now_us();
	char expires[40];
	p->template = "error";
	enum rc rc = public_on(p, err);
	if (rc == RC_OK && contact.n == 0 && base.n > 0)
		contact = arena_fmt(p->a, STR_FMT "/report", STR_ARG(base));
	if (rc == RC_OK && contact.n == 0)
		rc = fail(err, RC_ABSENT, "there is nothing here"); /* RFC 9116, 2.5.3: Contact must be there */
	if (rc != RC_OK)
		return rc;
	str text = arena_fmt(p->a, "Contact: " STR_FMT "\nExpires: " STR_FMT "\nPreferred-Languages: en, id\n", STR_ARG(contact),
			     STR_ARG(time_str(expires, now - now % DAY_US + life)));
	if (base.n > 0)
		text = arena_fmt(p->a, STR_FMT "Canonical: " STR_FMT "/.well-known/security.txt\n", STR_ARG(text), STR_ARG(base));
	answer_bytes(p, "text/plain; charset=utf-8", text);
	return RC_OK;
}

/* The organisation of the directory that is named as this node is. */
static str own_record(struct page *p)
{
	const struct directory *d = page_directory(p);
	const struct type *t = types_meaning(page_types(p), STR("organisation.claims"));
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	str name = store_node_name(p->w->n->store), out = STR("");
	for (size_t i = 0; d && t && out.n == 0 && i < directory_size(d); i++) {
		const struct org *o = directory_at(d, i);
		if (!str_eq_nocase(o->name, name) || uuid_is_zero(&o->record) || o->former)
			continue;
		record_id_format(&id, str_of(t->name), &o->record);
		out = arena_str(p->a, buf_str(&id));
	}
	buf_free(&id);
	return out;
}

enum rc page_rfc2350(struct page *p, struct err *err)
{
	struct buf text = BUF_INIT(TEXT_MOST);
	struct told t = { .rule = "" };
	struct told_to to;
	p->template = "error";
	enum rc rc = public_on(p, err);
	bool kept = rc == RC_OK && public_kept(p->w, "rfc2350", &text);
	if (rc == RC_OK && !kept) {
		rc = page_reader(p, err);
		if (rc == RC_OK)
			rc = told_anybody(p->w->n->policies, CHANNEL_SCREEN, &to, err);
		if (rc == RC_OK)
			rc = told_item(p->r, page_types(p), &to, own_record(p), 0, p->a, &t, NULL);
		if (rc == RC_OK)
			rc = rfc2350_write(&t.view, clock_now_us(), &text, NULL);
		if (rc == RC_OK)
			public_keep(p->w, "rfc2350", buf_str(&text));
		else
			rc = fail(err, RC_ABSENT, "there is nothing here");
		told_end(&t);
	}
	if (rc == RC_OK)
		answer_bytes(p, "text/plain; charset=utf-8", buf_str(&text));
	buf_free(&text);
	return rc;
}
