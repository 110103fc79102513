/* SPDX-License-Identifier: Apache-2.0 */
/* IntelMQ's events: one JSON object a line (or pretty-printed over several),
 * keys with dots, or nested ("source": {"ip": ...}). Unknown keys and "extra"
 * become extra.*; a Report states no event and is dropped. */
#include "base/json.h"
#include "event/normalise.h"
#include "intake/format.h"

enum { REMEMBERED = 64, NAME_MAX_BYTES = 48, NESTS_MAX = 64, NAME_LONGEST = EXTRA_KEY_MAX + 6 };

/* Lines of one report have the same keys in the same order: what key number i
 * was in the last line is it nearly always in this one. */
struct memory {
	uint8_t n[REMEMBERED];
	uint8_t field[REMEMBERED];
	char name[REMEMBERED][NAME_MAX_BYTES];
};

/* Objects still to be flattened, and what stands before their keys. */
struct nest {
	str prefix, text;
};
struct flattening {
	struct parse *p;
	struct nest nests[NESTS_MAX];
	size_t count;
	bool report; /* "__type" says it is no event */
	bool syntax; /* it failed as JSON, not as an event */
	struct err err;
};

static bool is_object(const struct json_pair *pair)
{
	return pair->kind == JSON_NEST && pair->value.p[0] == '{';
}

/* --- claims --- */

static size_t line_at(str w, size_t from)
{
	return from + str_index(str_from(w, from), '\n');
}

/* A line that is only "{" begins a pretty-printed object: it ends with the "}"
 * in the first column, or before the next line that begins with a "{". */
static size_t frame(str window, bool last)
{
	size_t end = line_at(window, 0);
	if (end == window.n)
		return last ? window.n : 0;
	if (!str_eq(str_trim_all(str_head(window, end)), STR("{")))
		return end + 1;
	for (size_t start = end + 1; start < window.n;) {
		end = line_at(window, start);
		if (window.p[start] == '{')
			return start;
		if (window.p[start] == '}' && (end < window.n || last))
			return end < window.n ? end + 1 : end;
		start = end + 1;
	}
	return last ? window.n : 0;
}

static int sure_of(const struct json_pair *pairs, size_t count)
{
	size_t known = 0, dotted = 0;
	bool type = false;
	for (size_t i = 0; i < count; i++) {
		enum field f;
		bool is_type = str_eq(pairs[i].key, STR("__type"));
		type |= is_type && pairs[i].kind == JSON_STRING;
		bool found = field_find(pairs[i].key, &f);
		known += is_type || found || str_starts(pairs[i].key, STR("extra"));
		dotted += found && str_has(pairs[i].key, '.');
	}
	if (type)
		return 95;
	return dotted > 0 && 2 * known >= count ? 75 : 0;
}

static int claims(const struct intake_sample *s)
{
	str rest = s->head;
	while (rest.n && strchr(" \t\r\n", rest.p[0]) && rest.p[0])
		rest = str_from(rest, 1);
	if (rest.n == 0 || rest.p[0] != '{')
		return 0;
	size_t n = frame(rest, s->whole), count = 0;
	if (n == 0)
		return 0;
	struct arena *a = arena_new(KIB(16));
	struct json_pair *pairs;
	enum rc rc = json_flat(str_head(rest, n), a, &pairs, &count, NULL);
	int sure = rc == RC_OK ? sure_of(pairs, count) : 0;
	/* A damaged first line of a report that is ours all the same. */
	if (rc != RC_OK && str_find(rest, STR("\"__type\"")) < rest.n)
		sure = 60;
	arena_free(a);
	return sure;
}

/* --- values --- */

/* Whole numbers that fit are numbers; what a double would round stays text of JSON. */
static void set_extra_number(struct batch *b, str key, str text)
{
	int64_t i;
	double d;
	if (str_to_i64(text, &i))
		batch_set_int(b, FIELD_EXTRA, key, i);
	else if (text.n <= 16 && str_to_double(text, &d))
		batch_set_float(b, FIELD_EXTRA, key, d);
	else
		batch_set_json(b, FIELD_EXTRA, key, text);
}

static enum rc set_extra(struct batch *b, str key, const struct json_pair *pair, struct err *err)
{
	switch (pair->kind) {
	case JSON_NULL:
		return RC_OK;
	case JSON_FALSE:
	case JSON_TRUE:
		batch_set_bool(b, FIELD_EXTRA, key, pair->kind == JSON_TRUE);
		return RC_OK;
	case JSON_NUMBER:
		set_extra_number(b, key, pair->value);
		return RC_OK;
	case JSON_NEST:
		batch_set_json(b, FIELD_EXTRA, key, pair->value);
		return RC_OK;
	case JSON_STRING:
		break;
	}
	return event_set_extra(b, key, pair->value, err);
}

static enum rc set_field(struct batch *b, enum field f, const struct json_pair *pair,
			 struct err *err)
{
	if (pair->kind == JSON_NULL)
		return RC_OK;
	if (pair->kind == JSON_NEST && field_row(f)->type != FT_JSON)
		return fail(err, RC_INPUT, "%s: an array or object is no value",
			    field_row(f)->name);
	return event_set(b, f, pair->value, err);
}

/* --- flattening --- */

static bool later(struct flattening *fl, str prefix, str text)
{
	if (fl->count == NESTS_MAX) {
		fail(&fl->err, RC_LIMIT, "more nested objects than %d", NESTS_MAX);
		return false;
	}
	fl->nests[fl->count++] = (struct nest){prefix, text};
	return true;
}

static enum field field_of(struct memory *m, size_t at, str name)
{
	if (at < REMEMBERED && m->n[at] == name.n && name.n &&
	    memcmp(m->name[at], name.p, name.n) == 0)
		return (enum field)m->field[at];
	enum field f;
	if (!field_find(name, &f) || field_row(f)->class == FIELD_OURS)
		f = FIELD_EXTRA;
	if (at < REMEMBERED && name.n <= NAME_MAX_BYTES) {
		m->n[at] = (uint8_t)name.n;
		m->field[at] = (uint8_t)f;
		memcpy(m->name[at], name.p, name.n);
	}
	return f;
}

static bool one_extra(struct flattening *fl, str key, const struct json_pair *pair)
{
	/* "extra" itself: its keys are the fields. As a string it holds the same. */
	if (str_eq(key, STR("extra"))) {
		if (is_object(pair) ||
		    (pair->kind == JSON_STRING && pair->value.n && pair->value.p[0] == '{'))
			return later(fl, STR("extra."), pair->value);
	} else if (str_starts(key, STR("extra."))) {
		key = str_from(key, 6);
	} else if (is_object(pair)) {
		return later(fl, arena_fmt(fl->p->record, STR_FMT ".", STR_ARG(key)), pair->value);
	}
	return set_extra(fl->p->batch, key, pair, &fl->err) == RC_OK;
}

/* Seen before any value: what a Report holds is no event's. */
static bool right_type(struct flattening *fl, const struct json_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(pairs[i].key, STR("__type")))
			continue;
		fl->report = str_eq(pairs[i].value, STR("Report"));
		if (!fl->report && !str_eq(pairs[i].value, STR("Event")))
			return fail(&fl->err, RC_INPUT, "neither an event nor a report") == RC_OK;
	}
	return true;
}

static bool one_pair(struct flattening *fl, str prefix, const struct json_pair *pair, size_t at)
{
	str name = pair->key;
	if (prefix.n == 0 && str_eq(name, STR("__type")))
		return true;
	if (name.n + prefix.n > NAME_LONGEST)
		return fail(&fl->err, RC_LIMIT, "a key is too long") == RC_OK;
	if (prefix.n) {
		name = arena_fmt(fl->p->record, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(name));
		at = REMEMBERED; /* places are of the outer object */
	}
	enum field f = field_of(fl->p->state, at, name);
	if (f == FIELD_EXTRA)
		return one_extra(fl, name, pair);
	return set_field(fl->p->batch, f, pair, &fl->err) == RC_OK;
}

static bool one_object(struct flattening *fl, const struct nest *nest)
{
	struct json_pair *pairs;
	size_t count;
	fl->syntax = json_flat(nest->text, fl->p->record, &pairs, &count, &fl->err) != RC_OK;
	if (fl->syntax)
		return false;
	if (nest->prefix.n == 0 && !right_type(fl, pairs, count))
		return false;
	for (size_t i = 0; i < count && !fl->report; i++)
		if (!one_pair(fl, nest->prefix, &pairs[i], i))
			return false;
	return true;
}

static enum reject reason_of(const struct flattening *fl)
{
	return fl->err.rc == RC_LIMIT ? REJECT_LIMIT : fl->syntax ? REJECT_SYNTAX : REJECT_FIELD;
}

static void record(struct parse *p)
{
	struct flattening fl = {.p = p};
	str text = str_trim_all(p->bytes);
	if (text.n == 0) {
		parse_blank(p);
		return;
	}
	fl.nests[fl.count++] = (struct nest){STR_NONE, text};
	parse_event(p);
	for (size_t i = 0; i < fl.count && !fl.report; i++) {
		struct nest nest = fl.nests[i];
		if (!one_object(&fl, &nest)) {
			parse_reject(p, reason_of(&fl), "%s", fl.err.text);
			return;
		}
	}
	if (fl.report) {
		batch_row_cancel(p->batch);
		parse_drop(p);
	} else if (!batch_row_begun(p->batch)) {
		parse_reject(p, REJECT_FIELD, "an event without a value");
	} else {
		event_complete_class(p->batch);
		(void)parse_event_end(p);
	}
}

static enum rc begin(struct parse *p, struct err *err)
{
	(void)err;
	p->state = ARENA_NEW(p->report, struct memory);
	return RC_OK;
}

const struct intake_format intake_intelmq = {
	.name = "intelmq",
	.brief = "IntelMQ events, one JSON object a line",
	.claims = claims,
	.frame = frame,
	.open = begin,
	.record = record,
};
