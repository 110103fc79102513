/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

#include "incident/case.h"

enum { ROWS_MOST = 1000, URL_MOST = 8192 };

enum rc page_reader(struct page *p, struct err *err)
{
	return p->r ? RC_OK : store_read_begin(p->w->n->store, &p->r, err);
}

const struct directory *page_directory(struct page *p)
{
	if (!p->directory && p->w->n->directory)
		p->directory = node_directory(p->w->n);
	return snapshot_table(p->directory);
}

const struct types *page_types(struct page *p)
{
	if (!p->types && p->w->n->types)
		p->types = snapshot_hold(p->w->n->types);
	return snapshot_table(p->types);
}

str page_form(const struct page *p, const char *name)
{
	for (size_t i = 0; i < p->part_count; i++)
		if (str_eq(p->parts[i].name, str_of(name)))
			return p->parts[i].value;
	return http_form(p->q, name);
}

void page_form_each(const struct page *p, void (*each)(void *ctx, str name, str value), void *ctx)
{
	for (size_t i = 0; i < p->part_count; i++)
		each(ctx, p->parts[i].name, p->parts[i].value);
	if (p->part_count == 0)
		http_form_each(p->q, each, ctx);
}

void page_go(struct page *p, str where)
{
	p->template = NULL;
	p->ans->status = 303;
	answer_header(p->ans, "Location", where);
}

void page_rows(struct page *p)
{
	json_key(&p->j, STR("rows"));
	json_open(&p->j, '[');
}

void page_rows_end(struct page *p)
{
	json_close(&p->j, ']');
}

void page_put_words(struct page *p, const struct page_word *list, size_t count)
{
	if (p->form != FORM_HTML)
		return;
	json_key(&p->j, STR("w"));
	json_open(&p->j, '{');
	for (size_t i = 0; i < count; i++)
		json_put_str(&p->j, list[i].name, str_of(say(p->language, list[i].en, list[i].id)));
	json_close(&p->j, '}');
}

uint64_t page_limit(const struct page *p, uint64_t fallback)
{
	uint64_t n;
	if (str_to_u64(http_query(p->q, "limit"), &n) && n >= 1 && n <= ROWS_MOST)
		return n;
	return p->form == FORM_HTML ? fallback : ROWS_MOST;
}

/* --- addresses --- */

static void add_escaped(struct buf *out, str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || (c && strchr("-._~:,", c));
		if (plain)
			buf_char(out, c);
		else
			buf_fmt(out, "%%%02X", (unsigned)(unsigned char)c);
	}
}

str url_escape(struct arena *a, str text)
{
	struct buf b = BUF_INIT(URL_MOST);
	add_escaped(&b, text);
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

struct url {
	struct buf *out;
	str skip;
	char sep;
};

static void add_pair(void *ctx, str name, str value)
{
	struct url *u = ctx;
	if (str_eq(name, u->skip) || value.n == 0)
		return;
	buf_char(u->out, u->sep);
	u->sep = '&';
	add_escaped(u->out, name);
	buf_char(u->out, '=');
	add_escaped(u->out, value);
}

str page_url_with(struct page *p, const char *name, str value)
{
	struct buf b = BUF_INIT(URL_MOST);
	struct url u = { &b, str_of(name), '?' };
	buf_add(&b, p->path);
	http_query_each(p->q, add_pair, &u);
	u.skip = STR_NONE;
	add_pair(&u, str_of(name), value);
	str out = arena_str(p->a, buf_str(&b));
	buf_free(&b);
	return out;
}

str page_link(struct page *p, const char *path, const char *name, str value)
{
	return arena_fmt(p->a, "%s?%s=" STR_FMT, path, name, STR_ARG(url_escape(p->a, value)));
}

void page_next(struct page *p, const char *name, str cursor)
{
	if (cursor.n == 0)
		return;
	json_put_str(&p->j, "next", cursor);
	json_put_str(&p->j, "next_url", page_url_with(p, name, cursor));
}

void page_query(struct page *p, const char *const *names)
{
	json_key(&p->j, STR("query"));
	json_open(&p->j, '{');
	for (size_t i = 0; names[i]; i++) {
		str value = http_query(p->q, names[i]);
		if (value.n > 0)
			json_put_str(&p->j, names[i], value);
	}
	json_close(&p->j, '}');
}

void answer_header(struct http_answer *a, const char *name, str value)
{
	if (a->header_count < COUNT_OF(a->headers)) {
		a->headers[a->header_count].name = name;
		a->headers[a->header_count++].value = value;
	}
}

void page_put_actor_name(struct page *p, const char *name, str actor)
{
	int64_t id;
	struct account account;
	if (p->form != FORM_HTML || !p->r || !uuid_is_zero(&p->caller.viewer.organisation) ||
	    p->caller.viewer.right == RIGHT_PUBLIC || !str_starts(actor, STR("account:")) ||
	    !str_to_i64(str_from(actor, STR("account:").n), &id) ||
	    account_by_id(reader_conn(p->r), p->w->n->roles, id, p->a, &account, NULL) != RC_OK)
		return;
	json_put_str(&p->j, arena_fmt(p->a, "%s_name", name).p, account.display);
}
