/* SPDX-License-Identifier: Apache-2.0 */
/* A whole body against its type. */
#include <json-c/json.h>

#include "record/kind_private.h"

struct body {
	const struct type *t;
	struct json_object *o;
	uint64_t open;            /* bit per block */
	struct body_error *errors;
	size_t most, count;
	enum rc rc;
	struct err first;
};

static uint64_t block_bit(const struct type *t, const char *name)
{
	for (size_t i = 0; name && i < t->block_count; i++)
		if (str_eq(str_of(t->blocks[i].name), str_of(name)))
			return UINT64_C(1) << i;
	return 0;
}

static uint64_t opened_by(const struct type *t, const struct type_field *f, str value)
{
	for (size_t i = 0; i < f->choice_count; i++)
		if (f->choices[i].opens && str_eq(value, str_of(f->choices[i].name)))
			return block_bit(t, f->choices[i].opens);
	return 0;
}

/* A block may open another: until nothing more opens. */
static uint64_t open_blocks(const struct type *t, struct json_object *o)
{
	uint64_t open = 0, before = 1;
	while (open != before && t->block_count) {
		before = open;
		for (size_t i = 0; i < t->field_count; i++) {
			const struct type_field *f = &t->fields[i];
			if (f->kind != KIND_CHOICE || (f->block && !(open & block_bit(t, f->block))))
				continue;
			struct json_object *v = json_get(o, f->name);
			open |= opened_by(t, f, json_text(v));
			for (size_t k = 0; k < json_count(v); k++)
				open |= opened_by(t, f, json_text(json_at(v, k)));
		}
	}
	return open;
}

bool field_open(const struct type *t, const struct type_field *f, struct json_object *body)
{
	return !f->block || (open_blocks(t, body) & block_bit(t, f->block));
}

static void told(void *ctx, const struct type_field *f, unsigned row, const struct err *why)
{
	struct body *b = ctx;
	if (b->rc == RC_OK) {
		b->rc = RC_INPUT;
		b->first = *why;
	}
	if (b->count == b->most)
		return;
	struct body_error *e = &b->errors[b->count++];
	*e = (struct body_error){ .field = f, .row = row };
	size_t n = strnlen(why->text, sizeof(e->text) - 1);
	while (n > 0 && n == sizeof(e->text) - 1 && ((unsigned char)why->text[n] & 0xc0) == 0x80)
		n--; /* no half character */
	memcpy(e->text, why->text, n);
}

/* Ciphertext as disclosure/seal.h makes it: {"sealed":"base64url"}. */
static bool is_ciphertext(struct json_object *v)
{
	str text = json_get_str(v, "sealed");

	if (!json_object_is_type(v, json_type_object) || json_object_object_length(v) != 1 || text.n == 0)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", text.p[i], 64))
			return false;
	return true;
}

/* What is sealed is never kept as it was written: whoever comes past the sealing is refused. */
static enum rc sealed_check(struct json_object *v, const char *label, struct json_out *out,
			    struct err *why)
{
	if (!is_ciphertext(v))
		return fail(why, RC_INPUT, "%s: is kept only sealed", label);
	json_raw(out, str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN)));
	return RC_OK;
}

static void check_field(struct body *b, const struct type_field *f, const struct rows_ask *ask,
			struct buf *one, struct json_out *out)
{
	struct json_object *v = json_get(b->o, f->name);
	struct json_out j = json_out(one);
	struct err why = { 0 };
	const char *label = words_in(f->label, ask->language);
	bool open = !f->block || (b->open & block_bit(b->t, f->block));
	buf_reset(one);
	if (v && f->share == SHARE_SEALED) {
		if (sealed_check(v, label, &j, &why) != RC_OK) {
			told(b, f, 0, &why);
			return;
		}
	} else if (json_object_is_type(v, json_type_array) && f->kind == KIND_ROWS && json_count(v)) {
		if (rows_check(f, v, ask, &j, &why) != RC_OK)
			return; /* told row by row */
	} else if (v && kind_check(f, v, ask->language, &j, &why) != RC_OK) {
		told(b, f, 0, &why);
		return;
	}
	if (one->n && !str_eq(buf_str(one), STR("null"))) {
		if (!open && !ask->keep_unknown) {
			fail(&why, RC_INPUT, "%s: is not taken while its part '%s' is closed", label, f->block);
			told(b, f, 0, &why);
			return;
		}
		json_key(out, str_of(f->name));
		json_raw(out, buf_str(one));
	} else if (open && ask->state >= 0 && (f->required_in >> ask->state & 1)) {
		fail(&why, RC_INPUT, "%s: is missing", label);
		told(b, f, 0, &why);
	}
}

static void unknown_members(struct body *b, bool keep, struct json_out *out)
{
	json_object_object_foreach(b->o, name, value)
	{
		struct err why = { 0 };
		if (type_find_field(b->t, str_of(name)))
			continue;
		if (keep) {
			json_key(out, str_of(name));
			json_raw(out, str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN)));
			continue;
		}
		fail(&why, RC_INPUT, "there is no field '" STR_FMT "'", STR_ARG(text_brief(str_of(name), 60)));
		told(b, NULL, 0, &why);
	}
}

enum rc body_check(const struct type *t, unsigned state, struct json_object *body, bool keep_unknown,
		   str language, struct buf *out, struct body_error *errors, size_t most,
		   size_t *count_out, struct err *err)
{
	struct body b = { .t = t, .o = body, .errors = errors, .most = errors ? most : 0 };
	struct rows_ask ask = { .keep_unknown = keep_unknown, .state = (int)state, .language = language,
				.tell = told, .ctx = &b };
	struct buf one = BUF_INIT(MIB(4));
	struct json_out j = json_out(out);
	struct err why = { 0 };
	if (!json_object_is_type(body, json_type_object)) {
		fail(&why, RC_INPUT, "a body must be an object");
		told(&b, NULL, 0, &why);
	} else {
		b.open = open_blocks(t, body);
		json_open(&j, '{');
		for (size_t i = 0; i < t->field_count; i++)
			check_field(&b, &t->fields[i], &ask, &one, &j);
		unknown_members(&b, keep_unknown, &j);
		json_close(&j, '}');
	}
	buf_free(&one);
	if (b.rc == RC_OK && out->over) {
		fail(&why, RC_LIMIT, "altogether larger than %zu KiB", out->cap / 1024);
		told(&b, NULL, 0, &why);
	}
	if (count_out)
		*count_out = b.count;
	return b.rc == RC_OK ? RC_OK : fail(err, b.rc, "%s", b.first.text);
}
