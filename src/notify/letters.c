/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/letters.h"

#include <json-c/json.h>

#include "notify/notify_private.h"
#include "notify/own_texts.h"
#include "store/sql.h"

enum { CLASS_MOST = 60, TEXT_MOST = 64 << 10 };

static const struct { const char *name, *labels[2]; } letters[] = {
#define LETTER(name, en, id) { name, { en, id } },
#include "notify/letters.def"
#undef LETTER
};
static const char *const languages[] = { "en", "id" }; /* as the labels stand */

bool letter_class_is(str class)
{
	str head = STR("letter-");
	for (size_t i = 0; i < class.n; i++) {
		char c = class.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return str_starts(class, head) && class.n > head.n && class.n <= CLASS_MOST;
}

const char *letter_class_at(size_t i)
{
	return i < COUNT_OF(letters) ? letters[i].name : NULL;
}

static const char *label_of(str class, str language)
{
	for (size_t i = 0; i < COUNT_OF(letters); i++)
		if (str_eq(class, str_of(letters[i].name)))
			return letters[i].labels[str_eq(language, STR("id"))];
	return NULL;
}

static void add(struct letter_text *list, size_t *n, struct arena *a, str class, str language, bool own)
{
	const char *label = label_of(class, language);
	str name = arena_fmt(a, STR_FMT "." STR_FMT, STR_ARG(class), STR_ARG(language));
	for (size_t i = 0; i < *n; i++)
		if (str_eq(list[i].name, name)) {
			list[i].own = list[i].own || own;
			return;
		}
	if (*n < LETTER_TEXTS_MAX)
		list[(*n)++] = (struct letter_text){ name, label ? str_of(label) : arena_str(a, class), own };
}

enum rc letter_texts(struct conn *c, struct arena *a, struct letter_text **out, size_t *count_out, struct err *err)
{
	size_t n = 0;
	struct letter_text *list = ARENA_ARRAY(a, LETTER_TEXTS_MAX, struct letter_text);
	for (size_t k = 0; k < COUNT_OF(languages); k++)
		for (size_t i = 0; i < COUNT_OF(letters); i++)
			add(list, &n, a, str_of(letters[i].name), str_of(languages[k]), false);
	struct sql *q = sql(c, "SELECT class, language FROM letter_text WHERE class >= 'letter-' AND class < 'letter.'"
			       " ORDER BY class, language");
	while (sql_row(q))
		add(list, &n, a, sql_col_str(q, 0), sql_col_str(q, 1), true);
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

static void put(struct json_object *o, const char *name, str text)
{
	json_object_object_add(o, name, json_object_new_string_len(text.p, (int)text.n));
}

static enum rc find(struct conn *c, str class, str language, struct mustache **out, struct err *err)
{
	str source;
	enum rc rc = own_text_find(c, class, language, out, err);
	if (rc == RC_ABSENT && texts_source(class, language, &source))
		rc = texts_compile(source, language, out, err);
	else if (rc == RC_ABSENT)
		rc = fail(err, RC_ABSENT, "there is no text '" STR_FMT "." STR_FMT "' for letters", STR_ARG(class),
			  STR_ARG(language));
	return rc;
}

enum rc letter_text_make(const struct notify *n, struct conn *c, str name, const struct letter_facts *f, struct arena *a,
			 str *subject_out, str *text_out, struct err *err)
{
	str language = name, class = str_cut(&language, '.');
	struct mustache *m = NULL;
	struct buf b = BUF_INIT(TEXT_MOST);
	if (!letter_class_is(class))
		return fail(err, RC_ABSENT, "there is no text '" STR_FMT "' for letters", STR_ARG(str_head(name, 80)));
	enum rc rc = find(c, class, language, &m, err);
	if (rc != RC_OK)
		return rc;
	struct json_object *data = json_object_new_object();
	put(data, "node", store_node_name(n->w.store));
	put(data, "to", f->to);
	put(data, "case", f->number);
	put(data, "title", f->title);
	if (f->writer.n > 0)
		put(data, "writer", f->writer);
	rc = mustache_render(m, data, &b, err);
	*text_out = arena_str(a, str_trim_all(buf_str(&b)));
	*subject_out = str_trim_all(str_cut(text_out, '\n'));
	*text_out = str_trim_all(*text_out);
	json_free(data);
	mustache_free(m);
	buf_free(&b);
	return rc;
}
