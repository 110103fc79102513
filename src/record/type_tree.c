/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text to a tree whose nodes know their line: no recursion, a scalar is
 * judged by json_flat, so that what is JSON is said in one place. */
#include "record/type_private.h"

struct scan {
	const char *file;
	const char *p, *end;
	unsigned line;
	struct arena *a;
	struct arena *scratch; /* of one scalar: the tree stays as long as the node runs */
	struct err *err;
};

static enum rc bad(const struct scan *s, const char *words)
{
	return fail(s->err, RC_INPUT, "%s:%u: %s", s->file, s->line, words);
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->line += *s->p++ == '\n';
}

/* Bytes of the scalar at p: a string with its quotes, else up to a separator. */
static size_t span(const struct scan *s)
{
	const char *p = s->p;
	if (*p != '"') {
		while (p < s->end && !(*p && strchr(",:{}[]\" \t\r\n", *p)))
			p++;
		return (size_t)(p - s->p);
	}
	for (p++; p < s->end && *p != '"' && *p != '\n'; p++)
		if (*p == '\\' && p + 1 < s->end)
			p++;
	return (size_t)(p - s->p) + (p < s->end && *p == '"');
}

static enum rc scalar(struct scan *s, str *text_out, enum json_kind *kind_out)
{
	struct json_pair *pair = NULL;
	size_t n = 0;
	str token = str_mem(s->p, span(s));
	struct buf b = BUF_INIT(TYPE_FILE_MAX + 16);
	struct err why = { 0 };
	buf_add(&b, STR("{\"\":"));
	buf_add(&b, token);
	buf_char(&b, '}');
	arena_reset(s->scratch);
	enum rc rc = json_flat(arena_str(s->scratch, buf_str(&b)), s->scratch, &pair, &n, &why);
	buf_free(&b);
	if (rc != RC_OK || n != 1)
		return bad(s, rc != RC_OK ? why.text : "JSON: a value is none");
	if (pair->kind == JSON_STRING && !str_is_plain(pair->value))
		return bad(s, "a control character in a string");
	*text_out = arena_str(s->a, pair->value);
	*kind_out = pair->kind;
	s->p += token.n;
	return RC_OK;
}

static enum rc key(struct scan *s, struct node *parent, str *out)
{
	enum json_kind kind = JSON_NULL;
	if (s->p == s->end || *s->p != '"')
		return bad(s, "a name in double quotes must stand here");
	enum rc rc = scalar(s, out, &kind);
	if (rc != RC_OK)
		return rc;
	for (const struct node *n = parent->first; n; n = n->next)
		if (str_eq(n->key, *out))
			return fail(s->err, RC_INPUT, "%s:%u: '" STR_FMT "' stands there twice, first on line %u",
				    s->file, s->line, STR_ARG(*out), n->line);
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return bad(s, "no colon behind a name");
	s->p++;
	skip_space(s);
	return RC_OK;
}

static struct node *add(struct scan *s, struct node *parent, str name)
{
	struct node *n = ARENA_NEW(s->a, struct node);
	n->line = s->line;
	n->key = name;
	n->parent = parent;
	if (parent) {
		*(parent->last ? &parent->last->next : &parent->first) = n;
		parent->last = n;
		parent->count++;
	}
	return n;
}

/* The value at p under `parent`; *open_out is the container that now is open. */
static enum rc value(struct scan *s, struct node *parent, unsigned *depth, struct node **open_out)
{
	str name = STR("");
	enum rc rc = RC_OK;
	if (parent && parent->count == TYPE_MEMBERS_MAX)
		return fail(s->err, RC_LIMIT, "%s:%u: more than %d members", s->file, s->line,
			    TYPE_MEMBERS_MAX);
	if (parent && parent->object && (rc = key(s, parent, &name)) != RC_OK)
		return rc;
	if (s->p == s->end)
		return bad(s, "the text ends before the value");
	struct node *n = add(s, parent, name);
	*open_out = parent;
	if (*s->p != '{' && *s->p != '[')
		return scalar(s, &n->text, &n->kind);
	if (++*depth > TYPE_DEPTH_MAX)
		return fail(s->err, RC_LIMIT, "%s:%u: nested deeper than %d", s->file, s->line,
			    TYPE_DEPTH_MAX);
	n->kind = JSON_NEST;
	n->object = *s->p++ == '{';
	*open_out = n;
	return RC_OK;
}

static enum rc read_object(struct scan *s, struct node **out)
{
	struct node *open = NULL;
	unsigned depth = 0;
	skip_space(s);
	if (s->p == s->end || *s->p != '{')
		return bad(s, "a type is one JSON object");
	enum rc rc = value(s, NULL, &depth, &open);
	*out = open;
	while (rc == RC_OK && open) {
		skip_space(s);
		if (s->p == s->end)
			return bad(s, "brackets are not closed");
		if (*s->p == (open->object ? '}' : ']')) {
			s->p++;
			depth--;
			open = open->parent;
			continue;
		}
		if (open->count && *s->p != ',')
			return bad(s, "neither comma nor end of brackets");
		if (open->count) {
			s->p++;
			skip_space(s);
		}
		if (s->p == s->end)
			return bad(s, "brackets are not closed");
		rc = value(s, open, &depth, &open);
	}
	skip_space(s);
	if (rc == RC_OK && s->p != s->end)
		return bad(s, "bytes behind the object");
	return rc;
}

enum rc tree_read(str text, const char *file, struct arena *a, struct node **out, struct err *err)
{
	struct scan s = { .file = file, .p = text.p, .end = text.p + text.n, .line = 1, .a = a,
			  .err = err };
	if (text.n > TYPE_FILE_MAX)
		return fail(err, RC_LIMIT, "%s:1: longer than %d KiB", file, TYPE_FILE_MAX / 1024);
	if (!str_is_utf8(text))
		return bad(&s, "no valid UTF-8");
	s.scratch = arena_new(KIB(4));
	enum rc rc = read_object(&s, out);
	arena_free(s.scratch);
	return rc;
}

struct node *tree_get(const struct node *o, const char *name)
{
	for (struct node *n = o ? o->first : NULL; n; n = n->next)
		if (str_eq(n->key, str_of(name)))
			return n;
	return NULL;
}
