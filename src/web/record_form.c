/* SPDX-License-Identifier: Apache-2.0 */
/* Forms made from a type, and forms that came: names are "f.FIELD", "f.ROWS.N.COLUMN", "l.tlp". */
#include "web/records.h"

enum { FRESH_ROWS = 3, ROW_INPUTS_MOST = 500, /* a form has at most HTTP_PARTS_MAX parts */
       NAME_MAX_BYTES = 160 };

/* --- asking --- */

static const char *widget_of(const struct type_field *f)
{
	switch (f->kind) {
	case KIND_LONG:
		return "is_long";
	case KIND_CHOICE:
		return f->list ? "is_lines" : "is_choice";
	case KIND_FLAG:
		return "is_flag";
	case KIND_DATE:
		return f->list ? "is_lines" : "is_date";
	case KIND_FILE:
		return "is_file";
	case KIND_SECRET:
		return "is_secret";
	case KIND_NUMBER: case KIND_MONEY: case KIND_TIME: case KIND_DURATION: case KIND_COUNTRY:
	case KIND_LANGUAGE: case KIND_REFERENCE: case KIND_ADDRESS: case KIND_NETWORK: case KIND_ASN:
	case KIND_DOMAIN: case KIND_URL: case KIND_HASH: case KIND_PERSON: case KIND_TEXT:
	case KIND_ROWS: case KINDS:
		return f->list ? "is_lines" : "is_text";
	}
	return "is_text";
}

static const char *example_of(const struct type_field *f)
{
	static const char *const examples[KINDS] = {
		[KIND_MONEY] = "IDR 12,500.00", [KIND_TIME] = "2026-11-22 09:30 UTC",
		[KIND_DURATION] = "4h, 2d", [KIND_COUNTRY] = "ID", [KIND_LANGUAGE] = "id",
		[KIND_ADDRESS] = "192.0.2.7", [KIND_NETWORK] = "192.0.2.0/24", [KIND_ASN] = "AS64500",
		[KIND_DOMAIN] = "example.org", [KIND_URL] = "https://example.org/",
	};
	return examples[f->kind] ? examples[f->kind] : "";
}

/* What stands in the input: the form that came, else what is kept. */
static str current(struct page *p, const char *name, const struct type_field *f,
		   struct json_object *kept)
{
	str sent = page_form(p, name);
	if (f->kind == KIND_FLAG && page_form(p, arena_fmt(p->a, "%s.there", name).p).p)
		return sent; /* not ticked is not sent */
	if (f->kind == KIND_SECRET || f->kind == KIND_FILE)
		return STR(""); /* neither goes back to the browser */
	if (sent.p || !kept)
		return sent.p ? sent : STR("");
	struct buf b = BUF_INIT(MIB(1));
	kind_format(f, kept, &b);
	str text = arena_str(p->a, buf_str(&b));
	buf_free(&b);
	return text;
}

static void put_options(struct page *p, const struct type_field *f, str value)
{
	json_key(&p->j, STR("options"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < f->choice_count; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", str_of(f->choices[i].name));
		json_put_str(&p->j, "label", str_of(words_in(f->choices[i].label, p->language)));
		json_put_bool(&p->j, "selected", str_eq(value, str_of(f->choices[i].name)));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

/* Files there are: each is kept or not. */
static void put_files(struct page *p, const struct type_field *f, struct json_object *kept)
{
	size_t n = !kept ? 0 : f->list ? json_count(kept) : 1;
	json_put_bool(&p->j, "many", f->list);
	json_key(&p->j, STR("files"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++) {
		struct json_object *one = f->list ? json_at(kept, i) : kept;
		json_open(&p->j, '{');
		json_put_str(&p->j, "file", json_get_str(one, "name"));
		json_put_str(&p->j, "digest", json_get_str(one, "digest"));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_input(struct page *p, const char *name, const struct type_field *f, bool required,
		      struct json_object *kept, str error)
{
	str value = current(p, name, f, kept);
	json_open(&p->j, '{');
	json_put_str(&p->j, "name", str_of(name));
	json_put_str(&p->j, "id", str_of(name));
	json_put_str(&p->j, "label", str_of(words_in(f->label, p->language)));
	json_put_str(&p->j, "help", str_of(f->help ? words_in(f->help, p->language) : ""));
	json_put_str(&p->j, "example", str_of(example_of(f)));
	json_put_bool(&p->j, "required", required);
	json_put_bool(&p->j, "sealed", f->share == SHARE_SEALED);
	json_put_bool(&p->j, "is_rows", false);
	json_put_bool(&p->j, widget_of(f), true);
	json_put_str(&p->j, "value", value);
	json_put_bool(&p->j, "checked", f->kind == KIND_FLAG && value.n > 0);
	json_put_str(&p->j, "error", error);
	put_options(p, f, value);
	put_files(p, f, f->kind == KIND_FILE ? kept : NULL);
	json_close(&p->j, '}');
}

static str error_of(const struct change_errors *errors, const struct type_field *f, unsigned row)
{
	for (size_t i = 0; errors && i < errors->count; i++)
		if (errors->list[i].field == f && errors->list[i].row == row)
			return str_of(errors->list[i].text);
	return STR("");
}

static size_t rows_sent(struct page *p, const struct type_field *f)
{
	char name[NAME_MAX_BYTES];
	size_t n = 0;
	for (bool any = true; any && n < KIND_ROWS_MOST; n += any) {
		any = false;
		for (size_t c = 0; c < f->row_count && !any; c++) {
			snprintf(name, sizeof name, "f.%s.%zu.%s", f->name, n, f->rows[c].name);
			any = page_form(p, name).p != NULL;
		}
	}
	return n;
}

static void put_rows_form(struct page *p, const struct type_field *f, struct json_object *kept,
			  const struct change_errors *errors)
{
	char name[NAME_MAX_BYTES];
	size_t sent = rows_sent(p, f), n = sent > 0 ? sent : json_count(kept) + FRESH_ROWS;
	/* What no form can hold stays as it is: rows that are not in the form are not changed. */
	size_t too_many = sent == 0 && n * f->row_count > ROW_INPUTS_MOST ? json_count(kept) : 0;
	n = too_many > 0 ? 0 : n;
	json_open(&p->j, '{');
	if (too_many > 0)
		json_put_i64(&p->j, "too_many", (int64_t)too_many);
	json_put_str(&p->j, "id", arena_fmt(p->a, "f.%s", f->name));
	json_put_str(&p->j, "label", str_of(words_in(f->label, p->language)));
	json_put_str(&p->j, "help", str_of(f->help ? words_in(f->help, p->language) : ""));
	json_put_str(&p->j, "error", error_of(errors, f, 0));
	json_put_bool(&p->j, "is_rows", true);
	json_key(&p->j, STR("rows"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_at(kept, i);
		json_open(&p->j, '{');
		json_put_i64(&p->j, "number", (int64_t)i + 1);
		json_put_str(&p->j, "row_error", error_of(errors, f, (unsigned)i + 1));
		json_key(&p->j, STR("inputs"));
		json_open(&p->j, '[');
		for (size_t c = 0; c < f->row_count; c++) {
			snprintf(name, sizeof name, "f.%s.%zu.%s", f->name, i, f->rows[c].name);
			put_input(p, arena_z(p->a, str_of(name)), &f->rows[c], false,
				  json_get(row, f->rows[c].name), STR(""));
		}
		json_close(&p->j, ']');
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	json_close(&p->j, '}');
}

static void put_field(struct page *p, const struct type_field *f, unsigned state,
		      const struct record_view *v, const struct change_errors *errors)
{
	struct json_object *kept = v ? json_get(v->body, f->name) : NULL;
	if (v && record_view_cuts(v, f))
		return; /* keeps its value, unseen */
	if (f->kind == KIND_ROWS)
		put_rows_form(p, f, kept, errors);
	else
		put_input(p, arena_fmt(p->a, "f.%s", f->name).p, f, f->required_in >> state & 1, kept,
			  error_of(errors, f, 0));
}

static void put_group(struct page *p, const struct type *t, const struct block *b, unsigned state,
		      const struct record_view *v, const struct change_errors *errors)
{
	bool open = !b;
	json_open(&p->j, '{');
	json_put_str(&p->j, "label", str_of(b ? words_in(b->label, p->language) : ""));
	json_put_bool(&p->j, "is_block", b != NULL);
	json_key(&p->j, STR("inputs"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		bool here = b ? f->block && strcmp(f->block, b->name) == 0 : !f->block;
		if (!here)
			continue;
		open = open || (v && field_open(t, f, v->body)) || error_of(errors, f, 0).n > 0;
		put_field(p, f, state, v, errors);
	}
	json_close(&p->j, ']');
	json_put_bool(&p->j, "open", open);
	json_close(&p->j, '}');
}

void put_markings(struct page *p, str chosen)
{
	static const char *const markings[] = { "CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED" };
	json_key(&p->j, STR("markings"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < COUNT_OF(markings); i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "name", str_of(markings[i]));
		json_put_bool(&p->j, "selected", str_eq(chosen, str_of(markings[i])));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

static void put_marking(struct page *p, const struct record_view *v)
{
	str sent = page_form(p, "l.tlp");
	struct buf b = BUF_INIT(RECORD_BODY_MAX * 2);
	struct json_object *o = NULL;
	str now = STR("AMBER");
	if (v) {
		struct json_out j = json_out(&b);
		record_view_json(v, &j);
		if (json_read(buf_str(&b), &o, NULL) == RC_OK)
			now = json_get_str(json_get(o, "labels"), "tlp");
	}
	put_markings(p, sent.p ? sent : now);
	json_free(o);
	buf_free(&b);
}

void put_form(struct page *p, const struct type *t, const struct record_view *v,
	      const struct change_errors *errors)
{
	int state = v ? record_view_state(v) : 0, to = type_state(t, page_form(p, "state"));
	if (to >= 0) { /* a move that asks for more than came: the form goes on with it */
		state = to;
		json_put_str(&p->j, "to_state", str_of(t->states[to].name));
		json_put_str(&p->j, "to_label", str_of(words_in(t->states[to].label, p->language)));
	}
	json_key(&p->j, STR("groups"));
	json_open(&p->j, '[');
	put_group(p, t, NULL, state < 0 ? 0 : (unsigned)state, v, errors);
	for (size_t i = 0; i < t->block_count; i++)
		put_group(p, t, &t->blocks[i], state < 0 ? 0 : (unsigned)state, v, errors);
	json_close(&p->j, ']');
	put_marking(p, v);
	json_put_str(&p->j, "why", page_form(p, "why").p ? page_form(p, "why") : STR(""));
	json_put_bool(&p->j, "told", errors && errors->count > 0);
	json_key(&p->j, STR("errors"));
	json_open(&p->j, '[');
	for (size_t i = 0; errors && i < errors->count; i++) {
		const struct type_field *f = errors->list[i].field;
		json_open(&p->j, '{');
		json_put_str(&p->j, "words", str_of(errors->list[i].text));
		json_put_str(&p->j, "at", f ? arena_fmt(p->a, "f.%s", f->name) : STR(""));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
}

/* --- taking --- */

static void told(struct change_errors *errors, const struct type_field *f, unsigned row,
		 const struct err *why)
{
	if (errors->count == COUNT_OF(errors->list))
		return;
	struct body_error *e = &errors->list[errors->count++];
	*e = (struct body_error){ .field = f, .row = row };
	snprintf(e->text, sizeof e->text, "%.199s", why->text);
}

static enum rc take_value(struct page *p, const struct type_field *f, str text, struct buf *out,
			  struct err *err)
{
	struct json_out j = json_out(out);
	buf_reset(out);
	if (f->kind == KIND_FLAG) {
		buf_add(out, text.n > 0 ? STR("true") : STR("null"));
		return RC_OK;
	}
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = read_references(p->r, page_types(p), &p->caller.viewer, f, text, p->language, p->a,
				     &text, err);
	return rc == RC_OK ? kind_parse(f, text, p->language, &j, err) : rc;
}

/* Bytes that came, kept, and what names them. */
static enum rc put_part(struct page *p, const struct type *t, const struct http_part *part,
			struct json_out *j, struct err *err)
{
	struct digest d;
	if (part->value.n > KIND_FILE_MOST)
		return fail(err, RC_INPUT, "'" STR_FMT "' is too large: a file may have 16 MiB",
			    STR_ARG(part->file_name));
	enum rc rc = change_file(p->w->n->records, p->w->n->store, &p->caller.viewer, t, part->value, &d,
				 err);
	if (rc != RC_OK)
		return rc;
	struct buf hex = BUF_INIT(80);
	hex_format(&hex, d.b, sizeof d.b);
	json_open(j, '{');
	json_put_str(j, "digest", buf_str(&hex));
	json_put_str(j, "name", part->file_name);
	json_put_i64(j, "bytes", (int64_t)part->value.n);
	json_close(j, '}');
	buf_free(&hex);
	return RC_OK;
}

struct keeping {
	str name, digest;
	bool found;
};

static void look_for(void *ctx, str name, str value)
{
	struct keeping *k = ctx;
	k->found = k->found || (str_eq(name, k->name) && str_eq(value, k->digest));
}

/* Files there are and that are still ticked, then those that came. */
static enum rc take_files(struct page *p, const struct type *t, const struct type_field *f,
			  const char *name, struct json_object *kept, struct json_out *j, struct err *err)
{
	struct keeping k = { .name = arena_fmt(p->a, "%s.keep", name) };
	size_t n = !kept ? 0 : f->list ? json_count(kept) : 1, given = 0;
	enum rc rc = RC_OK;
	if (!page_form(p, arena_fmt(p->a, "%s.there", name).p).p)
		return RC_OK; /* not in this form */
	json_key(j, str_of(f->name));
	if (f->list)
		json_open(j, '[');
	for (size_t i = 0; i < p->part_count && rc == RC_OK && (f->list || given == 0); i++) {
		if (!str_eq(p->parts[i].name, str_of(name)) || p->parts[i].file_name.n == 0)
			continue;
		rc = put_part(p, t, &p->parts[i], j, err);
		given++;
	}
	for (size_t i = 0; i < n && (f->list || given == 0); i++) {
		struct json_object *one = f->list ? json_at(kept, i) : kept;
		k.digest = json_get_str(one, "digest");
		k.found = false;
		page_form_each(p, look_for, &k);
		if (!k.found)
			continue;
		json_open(j, '{');
		json_put_members(j, one, NULL);
		json_close(j, '}');
		given++;
	}
	if (f->list)
		json_close(j, ']');
	else if (given == 0)
		json_raw(j, STR("null"));
	return rc;
}

static enum rc take_rows(struct page *p, const struct type_field *f, struct json_out *j,
			 struct change_errors *errors)
{
	char name[NAME_MAX_BYTES];
	size_t n = rows_sent(p, f), bad = 0;
	struct buf cell = BUF_INIT(MIB(1));
	if (n == 0) {
		buf_free(&cell);
		return RC_OK; /* not in this form */
	}
	json_key(j, str_of(f->name));
	json_open(j, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(j, '{');
		for (size_t c = 0; c < f->row_count; c++) {
			struct err why = { 0 };
			snprintf(name, sizeof name, "f.%s.%zu.%s", f->name, i, f->rows[c].name);
			str text = page_form(p, name);
			if (str_trim_all(text).n == 0)
				continue;
			if (take_value(p, &f->rows[c], text, &cell, &why) != RC_OK) {
				told(errors, f, (unsigned)i + 1, &why);
				bad++;
				continue;
			}
			json_key(j, str_of(f->rows[c].name));
			json_raw(j, buf_str(&cell));
		}
		json_close(j, '}');
	}
	json_close(j, ']');
	buf_free(&cell);
	return bad > 0 ? RC_INPUT : RC_OK;
}

static enum rc take_field(struct page *p, const struct type *t, const struct type_field *f,
			  const struct record_view *v, struct json_out *j, struct change_errors *errors, struct err *err)
{
	struct err why = { 0 };
	const char *name = arena_fmt(p->a, "f.%s", f->name).p;
	str text = page_form(p, name);
	if (f->kind == KIND_ROWS)
		return take_rows(p, f, j, errors);
	if (f->kind == KIND_FILE) {
		enum rc rc = take_files(p, t, f, name, v ? json_get(v->body, f->name) : NULL, j, &why);
		if (rc == RC_INPUT)
			told(errors, f, 0, &why);
		else if (rc != RC_OK)
			(void)fail(err, rc, "%s", why.text);
		return rc;
	}
	/* a box that is not ticked is not sent: its companion says that it was there */
	if (!text.p && !(f->kind == KIND_FLAG && page_form(p, arena_fmt(p->a, "%s.there", name).p).p))
		return RC_OK;
	if (f->kind == KIND_SECRET && text.n == 0)
		return RC_OK; /* never shown: empty leaves it */
	struct buf value = BUF_INIT(MIB(1));
	enum rc rc = take_value(p, f, text, &value, &why);
	if (rc == RC_OK) {
		json_key(j, str_of(f->name));
		json_raw(j, buf_str(&value));
	} else {
		told(errors, f, 0, &why);
	}
	buf_free(&value);
	return rc;
}

enum rc take_labels(struct page *p, str before, str *out, struct err *err)
{
	str tlp = page_form(p, "l.tlp");
	struct json_object *o = NULL;
	*out = STR_NONE;
	if (tlp.n == 0)
		return RC_OK;
	if (before.n == 0) {
		*out = arena_fmt(p->a, "{\"tlp\":\"" STR_FMT "\"}", STR_ARG(tlp));
		return str_is_plain(tlp) && !str_has(tlp, '"') && !str_has(tlp, '\\') ?
			       RC_OK :
			       fail(err, RC_INPUT, "the marking is none");
	}
	enum rc rc = json_read(before, &o, err);
	if (rc == RC_OK && !str_eq(json_get_str(o, "tlp"), tlp)) {
		struct buf b = BUF_INIT(KIB(256));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_put_str(&j, "tlp", tlp);
		json_put_members(&j, o, "tlp");
		json_close(&j, '}');
		*out = arena_str(p->a, buf_str(&b));
		buf_free(&b);
	}
	json_free(o);
	return rc;
}

/* The engine is not asked while something cannot be read: what is empty is told all the same. */
static void tell_missing(struct page *p, const struct type *t, const struct record_view *v,
			 struct change_errors *errors)
{
	int state = v ? record_view_state(v) : 0;
	for (size_t i = 0; i < t->field_count && state >= 0; i++) {
		const struct type_field *f = &t->fields[i];
		str text = page_form(p, arena_fmt(p->a, "f.%s", f->name).p);
		struct err why = { 0 };
		if (!(f->required_in >> state & 1) || !text.p || str_trim_all(text).n > 0)
			continue;
		(void)fail(&why, RC_INPUT, "%s: is missing", words_in(f->label, p->language));
		told(errors, f, 0, &why);
	}
}

enum rc take_form(struct page *p, const struct type *t, const struct record_view *v, str *fields_out,
		  str *labels_out, struct change_errors *errors, struct err *err)
{
	struct buf b = BUF_INIT(RECORD_BODY_MAX * 2), whole = BUF_INIT(RECORD_BODY_MAX * 4);
	struct json_out j = json_out(&b);
	enum rc rc = RC_OK;
	json_open(&j, '{');
	for (size_t i = 0; i < t->field_count; i++) {
		enum rc one = take_field(p, t, &t->fields[i], v, &j, errors, err);
		if (one != RC_OK && one != RC_INPUT && one != RC_LIMIT)
			rc = one;
		else if (rc == RC_OK)
			rc = one;
	}
	json_close(&j, '}');
	if (rc == RC_OK && b.over)
		rc = fail(err, RC_LIMIT, "the form is too large");
	if (rc != RC_OK && errors->count > 0)
		tell_missing(p, t, v, errors);
	if (rc != RC_OK && errors->count > 0)
		(void)fail(err, rc, "%s", errors->list[0].text);
	*fields_out = arena_str(p->a, buf_str(&b));
	str before = STR("");
	struct json_object *o = NULL;
	if (v) {
		struct json_out w = json_out(&whole);
		record_view_json(v, &w);
		if (json_read(buf_str(&whole), &o, NULL) == RC_OK) {
			struct buf labels = BUF_INIT(KIB(256));
			struct json_out l = json_out(&labels);
			json_open(&l, '{');
			json_put_members(&l, json_get(o, "labels"), NULL);
			json_close(&l, '}');
			before = arena_str(p->a, buf_str(&labels));
			buf_free(&labels);
		}
		json_free(o);
	}
	if (rc == RC_OK)
		rc = take_labels(p, before, labels_out, err);
	buf_free(&whole);
	buf_free(&b);
	return rc;
}
