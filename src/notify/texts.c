/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"
#include "notify/assets.h"
#include "notify/classes.h"
#include "notify/letters.h"
#include "notify/notify_private.h"

enum { MAPPING_MAX = 64 << 10, TEXTS_MAX = 256 };

struct text {
	const char *name; /* "round.check.sms.en"; of a mapping "thehive" */
	struct mustache *m;
	const char *type; /* of a mapping: media type of what it makes; NULL: a template */
};
struct texts {
	struct text list[TEXTS_MAX];
	size_t count;
	struct arena *a;
};

static const struct { const char *name; enum text_item item; } templates[] = {
#define TEMPLATE(name, how) { #name, TEXT_##how },
#include "notify/templates.def"
#undef TEMPLATE
};
/* By the ending of its file. */
static const struct { str ending; enum mustache_form form; const char *type; } mapping_kinds[] = {
	{ STR_INIT(".json"), MUSTACHE_JSON, "application/json" },
	{ STR_INIT(".form"), MUSTACHE_FORM, "application/x-www-form-urlencoded" },
	{ STR_INIT(".text"), MUSTACHE_TEXT, "text/plain; charset=utf-8" },
};
/* Languages there are texts in: the first is the one all of them have. */
static const char *const languages[] = { "en", "id" };

/* "head" in the language that `ctx` points to: the text of that name among the assets. */
static str part(void *ctx, str name)
{
	const str *language = ctx;
	char file[64];
	snprintf(file, sizeof file, STR_FMT "." STR_FMT ".mustache", STR_ARG(name), STR_ARG(*language));
	for (size_t i = 0; i < notify_asset_count; i++)
		if (strcmp(notify_assets[i].name, file) == 0)
			return str_mem(notify_assets[i].p, notify_assets[i].n);
	return STR_NONE;
}

enum rc texts_compile(str text, str language, struct mustache **out, struct err *err)
{
	bool known = false;
	for (size_t i = 0; i < COUNT_OF(languages); i++)
		known = known || str_eq(language, str_of(languages[i]));
	if (!known)
		language = str_of(languages[0]);
	return mustache_compile_as(MUSTACHE_TEXT, text, part, &language, out, err);
}

static enum rc add(struct texts *t, str name, enum mustache_form form, const char *type, str text,
		   struct err *err)
{
	struct err why = { 0 };
	struct text *at = NULL;
	for (size_t i = 0; i < t->count; i++) /* a file of the node's own takes its place */
		if (type && t->list[i].type && str_eq(str_of(t->list[i].name), name))
			at = &t->list[i];
	if (!at && t->count == TEXTS_MAX)
		return fail(err, RC_LIMIT, "more than %d templates and mappings", TEXTS_MAX);
	struct mustache *m = NULL;
	if (type) /* the line end of the file is no part of what it makes */
		text = str_head(text, text.n - str_ends(text, STR("\n")));
	str language = name;
	while (str_has(language, '.'))
		(void)str_cut(&language, '.');
	enum rc rc = type ? mustache_compile_as(form, text, NULL, NULL, &m, &why) :
			    texts_compile(text, language, &m, &why);
	if (rc != RC_OK)
		return fail(err, rc, "template '" STR_FMT "': %s", STR_ARG(name), why.text);
	if (at)
		mustache_free(at->m);
	else
		at = &t->list[t->count++];
	*at = (struct text){ arena_z(t->a, name), m, type };
	return RC_OK;
}

static enum rc add_file(struct texts *t, str file, str text, bool *known_out, struct err *err)
{
	str ending = STR(".mustache"), name = str_head(file, file.n - ending.n);
	*known_out = str_ends(file, ending) && file.n > ending.n;
	if (!*known_out)
		return RC_OK;
	for (size_t i = 0; i < COUNT_OF(mapping_kinds); i++)
		if (str_ends(name, mapping_kinds[i].ending))
			return add(t, str_head(name, name.n - mapping_kinds[i].ending.n), mapping_kinds[i].form,
				   mapping_kinds[i].type, text, err);
	return add(t, name, MUSTACHE_TEXT, NULL, text, err);
}

struct own {
	struct texts *t;
	struct io_dir *dir;
	enum rc rc;
	struct err *err;
};

static bool is_mapping(str name)
{
	char ending[32];
	bool is = false;
	for (size_t i = 0; i < COUNT_OF(mapping_kinds); i++) {
		snprintf(ending, sizeof ending, STR_FMT ".mustache", STR_ARG(mapping_kinds[i].ending));
		is = is || str_ends(name, str_of(ending));
	}
	return is;
}

static bool add_one(void *ctx, const char *name)
{
	struct own *o = ctx;
	struct buf text = BUF_INIT(MAPPING_MAX);
	bool known;
	if (!is_mapping(str_of(name)))
		return true;
	o->rc = io_read_file(o->dir, name, &text, o->err);
	if (o->rc == RC_OK)
		o->rc = add_file(o->t, str_of(name), buf_str(&text), &known, o->err);
	buf_free(&text);
	return o->rc == RC_OK;
}

/* mappings/NAME.json.mustache in the node's directory: mappings alone, texts are ours. */
static enum rc add_own(struct texts *t, struct io_dir *dir, struct err *err)
{
	struct own o = { .t = t, .err = err };
	enum rc rc = io_dir_sub(dir, "mappings", false, &o.dir, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	rc = io_dir_each(o.dir, add_one, &o, err);
	io_dir_close(o.dir);
	return rc == RC_OK ? o.rc : rc;
}

enum rc texts_open(struct io_dir *dir, struct texts **out, struct err *err)
{
	struct texts *t = x_alloc(sizeof *t);
	enum rc rc = RC_OK;
	t->a = arena_new(KIB(4));
	for (size_t i = 0; rc == RC_OK && i < notify_asset_count; i++) {
		bool known;
		rc = add_file(t, str_of(notify_assets[i].name),
			      str_mem(notify_assets[i].p, notify_assets[i].n), &known, err);
	}
	if (rc == RC_OK)
		rc = add_own(t, dir, err);
	if (rc == RC_OK)
		*out = t;
	else
		texts_close(t);
	return rc;
}

void texts_close(struct texts *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		mustache_free(t->list[i].m);
	arena_free(t->a);
	free(t);
}

enum rc texts_item(str name, enum text_item *out, struct err *err)
{
	str class = class_of_template(name), row = class_is(class) ? STR("tell") : name;
	for (size_t i = 0; i < COUNT_OF(templates); i++) {
		if (str_eq(row, str_of(templates[i].name))) {
			*out = templates[i].item;
			return RC_OK;
		}
	}
	return fail(err, RC_ABSENT, "there is no template '" STR_FMT "'", STR_ARG(name));
}

bool texts_source(str class, str language, str *out)
{
	*out = class_is(class) || letter_class_is(class) ? part(&language, class) : STR_NONE;
	return out->p != NULL;
}

static const struct mustache *find(const struct texts *t, str name)
{
	for (size_t i = 0; i < t->count; i++)
		if (!t->list[i].type && str_eq(str_of(t->list[i].name), name))
			return t->list[i].m;
	return NULL;
}

static const struct mustache *find_in(const struct texts *t, str name, str driver, const char *language)
{
	char text[128];
	snprintf(text, sizeof text, STR_FMT "." STR_FMT ".%s", STR_ARG(name), STR_ARG(driver), language);
	const struct mustache *m = find(t, str_of(text));
	if (m)
		return m;
	snprintf(text, sizeof text, STR_FMT ".%s", STR_ARG(name), language);
	return find(t, str_of(text));
}

const struct mustache *texts_find(const struct texts *t, str name, str driver, str wanted,
				  const char **language_out)
{
	const struct mustache *m = NULL;
	str class = class_of_template(name);
	if (class.n > 0) /* a mail has room for what to do */
		name = str_eq(driver, STR("mail")) ? class : STR("tell");
	while (!m && wanted.n > 0) {
		str one = str_cut(&wanted, ' ');
		one = str_head(one, str_index(one, '-'));
		for (size_t i = 0; !m && i < COUNT_OF(languages); i++) {
			*language_out = languages[i];
			if (str_eq_nocase(one, str_of(languages[i])))
				m = find_in(t, name, driver, languages[i]);
		}
	}
	if (!m)
		*language_out = languages[0];
	return m ? m : find_in(t, name, driver, languages[0]);
}

const struct mustache *texts_mapping(const struct texts *t, str name, const char **type_out)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->list[i].type && str_eq(str_of(t->list[i].name), name)) {
			*type_out = t->list[i].type;
			return t->list[i].m;
		}
	}
	return NULL;
}
