/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mustache.h"

#include <json-c/json.h>

#include "base/hash.h"

/* A template is a flat program: text, values, and sections that know where
 * they end. Compiling keeps a stack of open texts (partials) and of open
 * sections, rendering a stack of contexts: neither calls itself. */
enum { DEPTH_MAX = 32, NAME_PARTS_MAX = 16, OPS_MAX = 1 << 16, TAG_MAX = 16 };
#define TEXT_MAX MIB(4) /* all the text of a template and its partials */

enum op_kind { OP_TEXT, OP_VALUE, OP_SECTION, OP_INVERTED, OP_END };

struct op {
	enum op_kind kind;
	union {
		str text;                  /* OP_TEXT */
		struct {
			const char **name; /* the dotted parts, NULL at the end; "." is no part at all */
			size_t other;      /* of a section: its end; of an end: its section */
		};
	};
};

struct mustache {
	enum mustache_form form;
	struct arena *a;
	struct op *ops;
	size_t count, room;
	size_t text_bytes;
};

struct source { /* the template, or a partial under way */
	str rest;
	size_t base_sections; /* sections open when it began: it must leave as many */
	bool line_start;      /* nothing but white space since the last line end */
};

struct compiler {
	struct mustache *m;
	mustache_partial partial;
	void *ctx;
	struct source sources[DEPTH_MAX];
	size_t source_count;
	size_t sections[DEPTH_MAX]; /* their ops */
	str section_names[DEPTH_MAX];
	size_t section_count;
	str open[DEPTH_MAX], close[DEPTH_MAX]; /* delimiters, by source */
	const char *tag; /* of the template itself: the one under way */
	struct err *err;
};

static struct op *add_op(struct mustache *m, enum op_kind kind)
{
	if (m->count == m->room) {
		m->room = m->room ? m->room * 2 : 64;
		m->ops = x_grow(m->ops, m->room, sizeof *m->ops);
	}
	struct op *op = &m->ops[m->count++];
	*op = (struct op){ .kind = kind };
	return op;
}

static void add_text(struct mustache *m, str text)
{
	if (text.n > 0)
		add_op(m, OP_TEXT)->text = text;
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

/* "a.b.c" into its parts, "." into none. */
static enum rc name_parts(struct compiler *c, str name, const char ***out)
{
	size_t room = 2; /* one, and the end */
	for (size_t i = 0; i < name.n && room <= NAME_PARTS_MAX; i++)
		room += name.p[i] == '.';
	const char **parts = ARENA_ARRAY(c->m->a, room, const char *);
	*out = parts;
	if (str_eq(name, STR(".")))
		return RC_OK;
	size_t n = 0;
	str rest = name;
	do {
		bool more = str_has(rest, '.');
		str part = str_cut(&rest, '.');
		bool good = part.n > 0 && n < NAME_PARTS_MAX && (!more || rest.n > 0);
		for (size_t i = 0; good && i < part.n; i++)
			good = name_char(part.p[i]);
		if (!good)
			return fail(c->err, RC_INPUT, "'" STR_FMT "' is no name in a template",
				    STR_ARG(name));
		parts[n++] = arena_z(c->m->a, part);
	} while (rest.n > 0);
	return RC_OK;
}

static enum rc push_source(struct compiler *c, str text)
{
	if (c->source_count == DEPTH_MAX)
		return fail(c->err, RC_LIMIT, "partials nest deeper than %d", DEPTH_MAX);
	c->m->text_bytes += text.n;
	if (c->m->text_bytes > TEXT_MAX || c->m->count > OPS_MAX)
		return fail(c->err, RC_LIMIT, "the template is too large");
	size_t at = c->source_count++;
	c->sources[at] = (struct source){ text, c->section_count, true };
	c->open[at] = STR("{{");
	c->close[at] = STR("}}");
	return RC_OK;
}

static enum rc pop_source(struct compiler *c)
{
	const struct source *s = &c->sources[--c->source_count];
	if (c->section_count > s->base_sections)
		return fail(c->err, RC_INPUT, "section '" STR_FMT "' is not closed",
			    STR_ARG(c->section_names[c->section_count - 1]));
	return RC_OK;
}

/* The partial's text, each line of it moved right as far as its tag stood. */
static str indented(struct arena *a, str text, str indent)
{
	if (indent.n == 0)
		return arena_str(a, text);
	struct buf b = BUF_INIT(TEXT_MAX);
	while (text.n > 0) {
		size_t end = str_index(text, '\n');
		size_t n = end < text.n ? end + 1 : text.n;
		buf_add(&b, indent);
		buf_add(&b, str_head(text, n));
		text = str_from(text, n);
	}
	str out = arena_str(a, buf_str(&b));
	buf_free(&b);
	return out;
}

static enum rc open_section(struct compiler *c, str name, bool inverted)
{
	if (c->section_count == DEPTH_MAX)
		return fail(c->err, RC_LIMIT, "sections nest deeper than %d", DEPTH_MAX);
	const char **parts;
	enum rc rc = name_parts(c, name, &parts);
	if (rc != RC_OK)
		return rc;
	c->section_names[c->section_count] = name;
	c->sections[c->section_count++] = c->m->count;
	add_op(c->m, inverted ? OP_INVERTED : OP_SECTION)->name = parts;
	return RC_OK;
}

static enum rc close_section(struct compiler *c, str name)
{
	if (c->section_count == c->sources[c->source_count - 1].base_sections)
		return fail(c->err, RC_INPUT, "'" STR_FMT "' is closed but not open", STR_ARG(name));
	size_t at = --c->section_count;
	if (!str_eq(c->section_names[at], name))
		return fail(c->err, RC_INPUT, "'" STR_FMT "' is open where '" STR_FMT "' is closed",
			    STR_ARG(c->section_names[at]), STR_ARG(name));
	c->m->ops[c->sections[at]].other = c->m->count;
	add_op(c->m, OP_END)->other = c->sections[at];
	return RC_OK;
}

/* "= | | =": new delimiters, until the end of this text. */
static enum rc set_delimiters(struct compiler *c, str body)
{
	str rest = str_trim_all(body);
	size_t at = c->source_count - 1;
	size_t space = 0;
	while (space < rest.n && rest.p[space] != ' ' && rest.p[space] != '\t' && rest.p[space] != '\n')
		space++;
	str open = str_head(rest, space), close = str_trim_all(str_from(rest, space));
	if (open.n == 0 || close.n == 0 || open.n > TAG_MAX || close.n > TAG_MAX ||
	    str_has(open, '=') || str_has(close, '=') || str_has(close, ' '))
		return fail(c->err, RC_INPUT, "'" STR_FMT "' are no delimiters", STR_ARG(body));
	c->open[at] = open;
	c->close[at] = close;
	return RC_OK;
}

static enum rc include(struct compiler *c, str name, str indent)
{
	str text = c->partial ? c->partial(c->ctx, name) : STR_NONE;
	if (!text.p)
		return fail(c->err, RC_ABSENT, "there is no partial '" STR_FMT "'", STR_ARG(name));
	if (text.n > TEXT_MAX)
		return fail(c->err, RC_LIMIT, "partial '" STR_FMT "' is too large", STR_ARG(name));
	return push_source(c, indented(c->m->a, text, indent));
}

/* Length of the blanks and line end in front of which a tag stands alone on its
 * line; false: something else is there. */
static bool line_ends(str rest, size_t *out)
{
	size_t n = 0;
	while (n < rest.n && (rest.p[n] == ' ' || rest.p[n] == '\t'))
		n++;
	if (n < rest.n && rest.p[n] == '\r' && n + 1 < rest.n && rest.p[n + 1] == '\n')
		n++;
	if (n < rest.n && rest.p[n] != '\n')
		return false;
	*out = n < rest.n ? n + 1 : n;
	return true;
}

/* The blanks at the end of `text` behind its last line end; false when that
 * line holds anything else. */
static bool line_begins(str text, bool line_start, str *blanks_out)
{
	size_t n = text.n;
	while (n > 0 && (text.p[n - 1] == ' ' || text.p[n - 1] == '\t'))
		n--;
	*blanks_out = str_from(text, n);
	return n > 0 ? text.p[n - 1] == '\n' : line_start;
}

/* The tag at the start of s->rest (behind its opening): what it says. */
static enum rc take_tag(struct compiler *c, struct source *s, char *sigil_out, str *body_out)
{
	str close = c->close[c->source_count - 1];
	char first = s->rest.n ? s->rest.p[0] : 0;
	if (first == '{' || first == '&')
		return fail(c->err, RC_INPUT, "unescaped output does not exist: '" STR_FMT "'",
			    STR_ARG(str_head(s->rest, 32)));
	if (first == '=') {
		size_t end = str_find(str_from(s->rest, 1), STR("="));
		str behind = str_from(s->rest, end + 2);
		if (end + 1 >= s->rest.n || !str_starts(behind, close))
			return fail(c->err, RC_INPUT, "a tag is not closed");
		*body_out = (str){ s->rest.p + 1, end };
		s->rest = str_from(behind, close.n);
		*sigil_out = '=';
		return RC_OK;
	}
	size_t end = str_find(s->rest, close);
	if (end == s->rest.n)
		return fail(c->err, RC_INPUT, "a tag is not closed: '" STR_FMT "'",
			    STR_ARG(str_head(s->rest, 32)));
	str body = str_head(s->rest, end);
	s->rest = str_from(s->rest, end + close.n);
	bool sigil = first && strchr("#^/>!", first);
	*sigil_out = sigil ? first : 0;
	*body_out = sigil ? str_from(body, 1) : body;
	return RC_OK;
}

static enum rc apply_tag(struct compiler *c, char sigil, str body, str indent)
{
	str name = str_trim_all(body);
	switch (sigil) {
	case '!':
		return RC_OK;
	case '=':
		return set_delimiters(c, body);
	case '#':
		return open_section(c, name, false);
	case '^':
		return open_section(c, name, true);
	case '/':
		return close_section(c, name);
	case '>':
		return include(c, name, indent);
	}
	const char **parts;
	enum rc rc = name_parts(c, name, &parts);
	if (rc == RC_OK)
		add_op(c->m, OP_VALUE)->name = parts;
	return rc;
}

/* One step of the text on top of the stack: up to and with its next tag. */
static enum rc step(struct compiler *c)
{
	struct source *s = &c->sources[c->source_count - 1];
	str open = c->open[c->source_count - 1];
	size_t at = str_find(s->rest, open);
	str text = str_head(s->rest, at);
	if (c->source_count == 1)
		c->tag = s->rest.p + at;
	if (at == s->rest.n) {
		add_text(c->m, text);
		return pop_source(c);
	}
	s->rest = str_from(s->rest, at + open.n);
	char sigil = 0;
	str body = STR_NONE, blanks = STR_NONE;
	enum rc rc = take_tag(c, s, &sigil, &body);
	if (rc != RC_OK)
		return rc;
	size_t skip = 0;
	bool alone = sigil && line_begins(text, s->line_start, &blanks) && line_ends(s->rest, &skip);
	if (alone) {
		text.n -= blanks.n;
		s->rest = str_from(s->rest, skip);
	}
	s->line_start = alone;
	add_text(c->m, text);
	if (c->m->count > OPS_MAX)
		return fail(c->err, RC_LIMIT, "the template is too large");
	return apply_tag(c, sigil, body, alone ? blanks : STR(""));
}

/* Says in which line of `text`. */
static enum rc fail_at(struct compiler *c, str text, enum rc rc, const struct err *why)
{
	size_t line = 1;
	for (const char *at = text.p; c->tag && at < c->tag; at++)
		line += *at == '\n';
	return fail(c->err, rc, "line %zu: %.220s", line, why->text);
}

enum rc mustache_compile_as(enum mustache_form form, str text, mustache_partial partial, void *ctx,
			    struct mustache **out, struct err *err)
{
	struct mustache *m = x_alloc(sizeof *m);
	m->form = form;
	m->a = arena_new(KIB(4));
	struct err why = { 0 };
	struct compiler c = { .m = m, .partial = partial, .ctx = ctx, .err = &why };
	str copy = text.n > TEXT_MAX ? STR("") : arena_str(m->a, text);
	enum rc rc = text.n > TEXT_MAX ? fail(&why, RC_LIMIT, "the template is too large") : push_source(&c, copy);
	while (rc == RC_OK && c.source_count > 0)
		rc = step(&c);
	if (rc != RC_OK) {
		c.err = err;
		rc = fail_at(&c, copy, rc, &why);
		mustache_free(m);
		return rc;
	}
	m->ops = x_grow(m->ops, m->count, sizeof *m->ops); /* templates are many, and stay */
	*out = m;
	return RC_OK;
}

enum rc mustache_compile(str text, mustache_partial partial, void *ctx, struct mustache **out,
			 struct err *err)
{
	return mustache_compile_as(MUSTACHE_HTML, text, partial, ctx, out, err);
}

void mustache_free(struct mustache *m)
{
	if (!m)
		return;
	arena_free(m->a);
	free(m->ops);
	free(m);
}

/* --- rendering --- */

struct frame {
	struct json_object *here;  /* what names are looked up in */
	struct json_object *list;  /* a list being gone through, or NULL */
	size_t at, count;
};
struct render {
	struct frame frames[DEPTH_MAX + 1];
	size_t depth;
};

/* Innermost context that knows the first part decides; the rest must be in it. */
static struct json_object *look_up(const struct render *r, const char *const *name)
{
	if (!name[0])
		return r->frames[r->depth].here;
	for (size_t i = r->depth + 1; i-- > 0;) {
		struct json_object *v = r->frames[i].here;
		if (!json_object_is_type(v, json_type_object) ||
		    !json_object_object_get_ex(v, name[0], &v))
			continue;
		for (size_t part = 1; name[part]; part++) {
			if (!json_object_is_type(v, json_type_object) ||
			    !json_object_object_get_ex(v, name[part], &v))
				return NULL;
		}
		return v;
	}
	return NULL;
}

static bool is_something(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		return false;
	case json_type_boolean:
		return json_object_get_boolean(v);
	case json_type_array:
		return json_object_array_length(v) > 0;
	case json_type_string:
		return json_object_get_string_len(v) > 0;
	case json_type_double:
	case json_type_int:
	case json_type_object:
		return true;
	}
	return false;
}

static void add_html(struct buf *out, str s)
{
	size_t from = 0;
	for (size_t i = 0; i < s.n; i++) {
		const char *as;
		switch (s.p[i]) {
		case '&': as = "&amp;"; break;
		case '<': as = "&lt;"; break;
		case '>': as = "&gt;"; break;
		case '"': as = "&quot;"; break;
		case '\'': as = "&#39;"; break;
		case '`': as = "&#96;"; break;
		default: continue;
		}
		buf_add_mem(out, s.p + from, i - from);
		buf_add(out, str_of(as));
		from = i + 1;
	}
	buf_add_mem(out, s.p + from, s.n - from);
}

/* A terminal or a header acts on what is left out. */
static void add_plain(struct buf *out, str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t')
			buf_char(out, s.p[i]);
	}
}

static void add_json(struct buf *out, str s)
{
	struct buf quoted = BUF_INIT(out->cap);
	struct json_out j = json_out(&quoted);
	json_str(&j, s);
	if (quoted.over || quoted.n < 2)
		out->over = true;
	else
		buf_add_mem(out, quoted.p + 1, quoted.n - 2);
	buf_free(&quoted);
}

static void add_escaped(struct buf *out, enum mustache_form form, str s)
{
	switch (form) {
	case MUSTACHE_HTML:
		add_html(out, s);
		return;
	case MUSTACHE_TEXT:
		add_plain(out, s);
		return;
	case MUSTACHE_JSON:
		add_json(out, s);
		return;
	case MUSTACHE_FORM:
		percent_format(out, s);
		return;
	}
}

static void add_value(struct buf *out, enum mustache_form form, struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_null:
		return;
	case json_type_string:
		add_escaped(out, form, str_mem(json_object_get_string(v),
					       (size_t)json_object_get_string_len(v)));
		return;
	case json_type_boolean:
	case json_type_double:
	case json_type_int:
	case json_type_object:
	case json_type_array:
		add_escaped(out, form,
			    str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN)));
		return;
	}
}

/* Enters a section; gives the op to go on with. */
static size_t enter(struct render *r, const struct op *op, size_t at)
{
	struct json_object *v = look_up(r, op->name);
	if (!is_something(v))
		return op->other + 1;
	struct frame *f = &r->frames[++r->depth];
	*f = (struct frame){ .here = v };
	if (json_object_is_type(v, json_type_array)) {
		f->list = v;
		f->count = json_object_array_length(v);
		f->here = json_object_array_get_idx(v, 0);
	}
	return at + 1;
}

static size_t leave(struct render *r, const struct mustache *m, const struct op *end, size_t at)
{
	if (m->ops[end->other].kind == OP_INVERTED)
		return at + 1;
	struct frame *f = &r->frames[r->depth];
	if (f->list && ++f->at < f->count) {
		f->here = json_object_array_get_idx(f->list, f->at);
		return end->other + 1;
	}
	r->depth--;
	return at + 1;
}

enum rc mustache_render(const struct mustache *m, struct json_object *data, struct buf *out,
			struct err *err)
{
	struct render r = { .frames = { { .here = data } } };
	for (size_t at = 0; at < m->count && !out->over;) {
		const struct op *op = &m->ops[at];
		switch (op->kind) {
		case OP_TEXT:
			buf_add(out, op->text);
			at++;
			break;
		case OP_VALUE:
			add_value(out, m->form, look_up(&r, op->name));
			at++;
			break;
		case OP_SECTION:
			at = enter(&r, op, at);
			break;
		case OP_INVERTED:
			at = is_something(look_up(&r, op->name)) ? op->other + 1 : at + 1;
			break;
		case OP_END:
			at = leave(&r, m, op, at);
			break;
		}
	}
	return out->over ? fail(err, RC_LIMIT, "the page is too large") : RC_OK;
}
