/* SPDX-License-Identifier: Apache-2.0 */
#include "web/outside.h"

#include <json-c/json.h>

enum { NONCE_BYTES = 16, FINDINGS_TEXT = 64 << 10, LABEL_MAX = 16, COVERS_FIRST = 20 /* a telephone shows */ };

static const struct { const char *name, *en, *id; } words[] = {
#define WORD(name, en, id) { name, en, id },
#include "outside.def"
#undef WORD
};
static const struct { const char *code, *name; } languages[] = {
	{ "en", "English" }, { "id", "Bahasa Indonesia" },
};

static bool is_id(str language)
{
	return str_eq(language, STR("id"));
}

static str known(str language)
{
	for (size_t i = 0; i < COUNT_OF(languages); i++)
		if (str_eq_nocase(language, str_of(languages[i].code)))
			return str_of(languages[i].code);
	return STR_NONE;
}

str outside_language(struct page *p, str theirs)
{
	str chosen = known(http_query(p->q, "lang"));
	while (!chosen.p && theirs.n > 0)
		chosen = known(str_cut(&theirs, ' '));
	if (!chosen.p)
		chosen = known(p->language);
	return chosen.p ? chosen : STR("en");
}

str outside_word(str language, const char *name)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(str_of(words[i].name), str_of(name)))
			return str_of(is_id(language) ? words[i].id : words[i].en);
	return STR("");
}

/* This page's address in another language, with the rest of its query; relative, as some paths are secrets.
 * A way on that leads elsewhere is not repeated. */
static str language_href(struct page *p, const char *code)
{
	str next = http_query(p->q, "next");
	if (next.n > 0 && !str_eq(page_next_path(next), next))
		return arena_fmt(p->a, "?lang=%s", code);
	str url = page_url_with(p, "lang", str_of(code));
	return str_from(url, str_index(url, '?'));
}

/* `name`: of the object of words; pages of ours have a "w" of their own. */
static void put_frame(struct page *p, str language, const char *name)
{
	p->framed = true;
	json_put_str(&p->j, "lang", language);
	if (p->form != FORM_HTML)
		return;
	json_key(&p->j, str_of(name));
	json_open(&p->j, '{');
	for (size_t i = 0; i < COUNT_OF(words); i++)
		json_put_str(&p->j, words[i].name, str_of(is_id(language) ? words[i].id : words[i].en));
	json_close(&p->j, '}');
	json_key(&p->j, STR("languages"));
	json_open(&p->j, '[');
	/* what a form answered has often no address that can be asked again */
	for (size_t i = 0; p->q->method != HTTP_POST && i < COUNT_OF(languages); i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "code", str_of(languages[i].code));
		json_put_str(&p->j, "name", str_of(languages[i].name));
		json_put_str(&p->j, "href", language_href(p, languages[i].code));
		json_put_bool(&p->j, "current", str_eq(language, str_of(languages[i].code)));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

void outside_put_frame(struct page *p, str language)
{
	put_frame(p, language, "w");
}

/* --- pages of ours that they meet too --- */

static const struct { const char *template, *title, *theirs; } dressed[] = {
	{ "login", "t_login", NULL }, { "second", "t_second", NULL }, { "welcome", "t_welcome", NULL },
	{ "account", "t_account", NULL }, { "totp", "t_totp", NULL }, { "codes", "t_codes", NULL },
	{ "error", "t_error", NULL }, { "record", NULL, "outside_record" }, { "records", NULL, "outside_records" },
	{ "record_history", NULL, "outside_history" }, { "record_version", NULL, "outside_version" },
};

static bool is_theirs(const struct page *p)
{
	return p->caller.viewer.as.kind == RECIPIENT_CONSTITUENT;
}

static str kept_language(const struct page *p)
{
	str kept = known(http_cookie(p->q, "lang"));
	return kept.p ? kept : STR("");
}

void outside_choose_language(struct page *p)
{
	if (is_theirs(p))
		p->language = outside_language(p, kept_language(p));
}

str outside_error_words(struct page *p, const char *kind)
{
	str language = outside_language(p, kept_language(p));
	return p->form == FORM_HTML && is_id(language) ? outside_word(language, arena_fmt(p->a, "er_%s", kind).p) : STR("");
}

void outside_dress(struct page *p)
{
	size_t i = 0;
	while (i < COUNT_OF(dressed) && strcmp(dressed[i].template, p->template) != 0)
		i++;
	bool named = i < COUNT_OF(dressed);
	if (p->framed || !(is_theirs(p) || (named && dressed[i].title)))
		return;
	str language = outside_language(p, kept_language(p));
	if (known(http_query(p->q, "lang")).p && p->q->method != HTTP_POST)
		page_cookie(p, "lang", arena_z(p->a, language), false, 365 * DAY_US / SECOND_US);
	if (named && dressed[i].title)
		p->title = arena_z(p->a, outside_word(language, dressed[i].title));
	if (named && dressed[i].theirs && is_theirs(p))
		p->template = dressed[i].theirs;
	put_frame(p, language, "ow");
}

static str kind_label(str language, enum answer_kind kind, bool about_findings)
{
	char name[LABEL_MAX];
	snprintf(name, sizeof name, "k_%s", answer_kind_name(kind));
	return outside_word(language, kind == ANSWER_WORKING && !about_findings ? "k_received" : name);
}

void outside_put_kinds(struct page *p, str language, bool about_findings, str chosen)
{
	json_key(&p->j, STR("kinds"));
	json_open(&p->j, '[');
	for (int k = ANSWER_WORKING; k <= ANSWER_QUESTION; k++) {
		str name = str_of(answer_kind_name((enum answer_kind)k));
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", name);
		json_put_str(&p->j, "label", kind_label(language, (enum answer_kind)k, about_findings));
		json_put_bool(&p->j, "chosen", str_eq(name, chosen));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

void outside_put_answers(struct page *p, str language, const struct answer_row *list, size_t count)
{
	json_key(&p->j, STR("answers"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&p->j, '{');
		json_put_i64(&p->j, "id", list[i].id);
		json_put_time(&p->j, "at", list[i].at_us);
		json_put_str(&p->j, "kind", str_of(answer_kind_name(list[i].kind)));
		json_put_str(&p->j, "label", kind_label(language, list[i].kind, list[i].findings > 0));
		json_put_str(&p->j, "words", list[i].words);
		json_put_str(&p->j, "by", list[i].by);
		json_put_i64(&p->j, "findings", (int64_t)list[i].findings);
		if (list[i].has_file)
			json_put_str(&p->j, "file_name", list[i].file_name.n ? list[i].file_name : STR("file"));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_text(struct page *p, struct json_object *o, const char *name)
{
	str s = json_get_str(o, name);
	json_put_str(&p->j, name, s.p ? s : STR(""));
}

static void put_covers(struct page *p, str language, struct json_object *data, const char *name, size_t limit)
{
	static const char *const shown[] = { "id", "key", "type", "identifier", "severity", "first_seen", "last_seen", "state" };
	struct json_object *list = json_get(data, "covers"), *one = json_get(data, "finding");
	size_t count = json_count(list);
	json_key(&p->j, str_of(name));
	json_open(&p->j, '[');
	for (size_t i = 0; i < (count == 0 && one ? 1 : count) && i < limit; i++) {
		struct json_object *o = count ? json_at(list, i) : one;
		json_open(&p->j, '{');
		for (size_t k = 0; k < COUNT_OF(shown); k++)
			put_text(p, o, shown[k]);
		json_put_str(&p->j, "state_label", outside_word(language, arena_z(p->a, json_get_str(o, "state"))));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

void outside_put_covers(struct page *p, str language, struct json_object *data, size_t limit)
{
	int64_t all = 0, shown = p->form == FORM_HTML ? COVERS_FIRST : (int64_t)limit;
	(void)json_get_i64(data, "cover_count", &all);
	if (json_count(json_get(data, "covers")) == 0 && json_get(data, "finding"))
		all = 1;
	put_covers(p, language, data, "covers", limit); /* to choose from */
	if (p->form == FORM_HTML)
		put_covers(p, language, data, "first", COVERS_FIRST);
	if (all > 0) /* a template takes 0 for something */
		json_put_i64(&p->j, "cover_count", all);
	json_put_bool(&p->j, "choosable", all > 1);
	if (all > shown)
		json_put_i64(&p->j, "covers_more", all - shown);
}

/* --- the form --- */

void outside_put_nonce(struct page *p)
{
	uint8_t bytes[NONCE_BYTES];
	struct buf hex = BUF_INIT(2 * NONCE_BYTES + 1);
	random_bytes(bytes, sizeof bytes);
	hex_format(&hex, bytes, sizeof bytes);
	json_put_str(&p->j, "nonce", buf_str(&hex));
	buf_free(&hex);
}

struct gathering {
	struct buf ids;
};

static void gather(void *ctx, str name, str value)
{
	struct gathering *g = ctx;
	if (str_eq(name, STR("finding")))
		buf_fmt(&g->ids, "%s" STR_FMT, g->ids.n ? " " : "", STR_ARG(str_trim(value)));
}

/* Forms end lines by CR LF (WHATWG HTML, form submission); ours by LF. */
static str unix_lines(struct page *p, str text)
{
	struct buf b = BUF_INIT(KIB(64));
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r')
			buf_char(&b, text.p[i]);
	str out = arena_str(p->a, str_trim_all(buf_str(&b)));
	buf_free(&b);
	return out;
}

static void take_file(struct page *p, struct answer_new *out)
{
	for (size_t i = 0; i < p->part_count; i++)
		if (str_eq(p->parts[i].name, STR("file")) && p->parts[i].value.n > 0) {
			out->file = p->parts[i].value;
			out->file_name = p->parts[i].file_name.p ? p->parts[i].file_name : STR("file");
		}
}

static void take_form(struct page *p, struct answer_new *out, str *kind)
{
	struct gathering g = { .ids = BUF_INIT(FINDINGS_TEXT) };
	page_form_each(p, gather, &g);
	out->findings = arena_str(p->a, buf_str(&g.ids));
	buf_free(&g.ids);
	*kind = str_trim(page_form(p, "kind"));
	out->words = unix_lines(p, page_form(p, "words"));
	out->by = str_trim(page_form(p, "by"));
	out->key = str_trim(page_form(p, "nonce"));
	take_file(p, out);
}

static enum rc take_json(struct page *p, struct answer_new *out, str *kind, struct err *err)
{
	struct json_object *o = NULL, *list;
	struct buf ids = BUF_INIT(FINDINGS_TEXT);
	enum rc rc = json_read(p->body, &o, err);
	if (rc != RC_OK)
		return rc;
	list = json_get(o, "findings");
	for (size_t i = 0; i < json_count(list); i++)
		buf_fmt(&ids, "%s" STR_FMT, i ? " " : "", STR_ARG(json_text(json_at(list, i))));
	out->findings = arena_str(p->a, buf_str(&ids));
	*kind = arena_str(p->a, json_get_str(o, "kind"));
	out->words = arena_str(p->a, json_get_str(o, "words"));
	out->by = arena_str(p->a, json_get_str(o, "by"));
	out->key = arena_str(p->a, json_get_str(o, "key"));
	buf_free(&ids);
	json_free(o);
	return RC_OK;
}

/* A program that says no key: the same answer twice is one. */
static str key_of(struct page *p, const struct answer_new *q)
{
	struct buf b = BUF_INIT(KIB(128)), hex = BUF_INIT(80);
	buf_fmt(&b, "%d\n" STR_FMT "\n" STR_FMT "\n" STR_FMT, (int)q->kind, STR_ARG(q->findings), STR_ARG(q->words),
		STR_ARG(q->by));
	struct digest d = sha256(buf_str(&b));
	hex_format(&hex, d.b, NONCE_BYTES);
	str key = arena_str(p->a, buf_str(&hex));
	buf_free(&b);
	buf_free(&hex);
	return key;
}

static enum rc wrong(struct page *p, str language, const char *word, struct err *err)
{
	return fail(err, RC_INPUT, "%s", arena_z(p->a, outside_word(language, word)));
}

enum rc outside_take_answer(struct page *p, str language, struct answer_new *out, struct err *err)
{
	str kind = STR("");
	enum rc rc = RC_OK;
	if (p->body.p)
		rc = take_json(p, out, &kind, err);
	else
		take_form(p, out, &kind);
	if (rc != RC_OK)
		return rc;
	if (!answer_kind_parse(kind, &out->kind))
		return wrong(p, language, "e_kind", err);
	if (out->kind == ANSWER_QUESTION && out->words.n == 0)
		return wrong(p, language, "e_question", err);
	if (out->words.n > ANSWER_WORDS_MAX)
		return wrong(p, language, "e_long", err);
	if (out->file.n > ANSWER_FILE_MAX)
		return wrong(p, language, "e_file", err);
	if (out->key.n == 0)
		out->key = key_of(p, out);
	return RC_OK;
}

struct giving {
	struct notify *n;
	const struct answer_new *q;
	int64_t id;
};

static enum rc give(struct tx *tx, void *ctx, struct err *err)
{
	struct giving *g = ctx;
	return answer_put(tx, g->n, g->q, &g->id, err);
}

enum rc outside_give(struct page *p, const struct answer_new *q, int64_t *id_out, struct err *err)
{
	struct giving g = { .n = p->w->n->notify, .q = q };
	enum rc rc = store_write(p->w->n->store, give, &g, err);
	*id_out = g.id;
	return rc;
}
