/* SPDX-License-Identifier: Apache-2.0 */
/* Values with their lists: checked, parsed, shown, made to keys. */
#include <json-c/json.h>

#include "base/clock.h"
#include "record/kind_private.h"

static enum rc with_label(const struct type_field *f, str language, size_t entry, enum rc rc,
			  const struct err *why, struct err *err)
{
	const char *label = words_in(f->label, language);
	if (rc == RC_OK)
		return RC_OK;
	if (entry)
		return fail(err, rc, "%s: entry %zu: %s", label, entry, why->text);
	return fail(err, rc, "%s: %s", label, why->text);
}

static enum rc too_many(const struct type_field *f, str language, struct err *err)
{
	struct err why = { 0 };
	enum rc rc = fail(&why, RC_LIMIT, "more than %d entries", KIND_LIST_MOST);
	return with_label(f, language, 0, rc, &why, err);
}

/* A list is written without the entries that turn out empty; without any it is null. */
struct list {
	struct buf one, all;
	struct json_out out;
};

static struct list list_begin(void)
{
	return (struct list){ .one = BUF_INIT(MIB(1)), .all = BUF_INIT(MIB(4)) };
}

static void list_flush(struct list *l)
{
	if (l->one.n && !str_eq(buf_str(&l->one), STR("null"))) {
		buf_char(&l->all, l->all.n ? ',' : '[');
		buf_add(&l->all, buf_str(&l->one));
	}
	buf_reset(&l->one);
}

static struct json_out *list_entry(struct list *l)
{
	list_flush(l);
	l->out = json_out(&l->one);
	return &l->out;
}

static void list_end(struct list *l, enum rc rc, struct json_out *out)
{
	list_flush(l);
	if (rc == RC_OK && l->all.n) {
		buf_char(&l->all, ']');
		json_raw(out, buf_str(&l->all));
	} else if (rc == RC_OK) {
		json_null(out);
	}
	buf_free(&l->one);
	buf_free(&l->all);
}

struct first_error {
	const struct type_field *field;
	unsigned row;
	struct err why;
};

static void note_first(void *ctx, const struct type_field *f, unsigned row, const struct err *why)
{
	struct first_error *e = ctx;
	if (!e->field)
		*e = (struct first_error){ f, row, *why };
}

static enum rc check_rows(const struct type_field *f, struct json_object *value, str language,
			  struct json_out *out, struct err *err)
{
	struct first_error first = { 0 };
	struct rows_ask ask = { .state = -1, .language = language, .tell = note_first, .ctx = &first };
	enum rc rc = rows_check(f, value, &ask, out, err);
	if (rc == RC_OK || !first.field)
		return rc;
	return fail(err, rc, "%s", first.why.text);
}

enum rc kind_check(const struct type_field *f, struct json_object *value, str language,
		   struct json_out *out, struct err *err)
{
	struct err why = { 0 };
	size_t n = json_count(value);
	if (json_object_is_type(value, json_type_null) ||
	    (n == 0 && (f->list || f->kind == KIND_ROWS) &&
	     json_object_is_type(value, json_type_array))) {
		json_null(out);
		return RC_OK;
	}
	if (f->kind == KIND_ROWS)
		return check_rows(f, value, language, out, err);
	if (!f->list)
		return with_label(f, language, 0, value_check(f, value, out, &why), &why, err);
	if (!json_object_is_type(value, json_type_array)) {
		fail(&why, RC_INPUT, "must be a list");
		return with_label(f, language, 0, RC_INPUT, &why, err);
	}
	if (n > KIND_LIST_MOST)
		return too_many(f, language, err);
	struct list list = list_begin();
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct json_object *v = json_at(value, i);
		if (!json_object_is_type(v, json_type_null))
			rc = value_check(f, v, list_entry(&list), &why);
		rc = with_label(f, language, i + 1, rc, &why, err);
	}
	list_end(&list, rc, out);
	return rc;
}

/* Next entry of a list as people write it: by line; where commas and semicolons cannot
 * be part of a value, by these too. */
static str next_entry(const struct type_field *f, str *text)
{
	bool lines_only = f->kind == KIND_TEXT || f->kind == KIND_URL || f->kind == KIND_FILE ||
			  f->kind == KIND_MONEY || f->kind == KIND_NUMBER;
	size_t n = 0;
	while (n < text->n && text->p[n] != '\n' &&
	       (lines_only || (text->p[n] != ',' && text->p[n] != ';')))
		n++;
	str entry = str_head(*text, n);
	*text = str_from(*text, n + 1);
	return str_trim_all(entry);
}

enum rc kind_parse(const struct type_field *f, str text, str language, struct json_out *out,
		   struct err *err)
{
	struct err why = { 0 };
	if (str_trim_all(text).n == 0) {
		json_null(out);
		return RC_OK;
	}
	if (f->kind == KIND_ROWS)
		return rows_parse(f, text, language, out, err);
	if (!f->list)
		return with_label(f, language, 0, value_parse(f, text, language, out, &why), &why, err);
	struct list list = list_begin();
	enum rc rc = RC_OK;
	for (size_t entries = 0; rc == RC_OK && text.n;) {
		str entry = next_entry(f, &text);
		if (entry.n == 0)
			continue;
		if (entries++ == KIND_LIST_MOST)
			rc = too_many(f, language, err);
		else
			rc = with_label(f, language, entries,
					value_parse(f, entry, language, list_entry(&list), &why), &why, err);
	}
	list_end(&list, rc, out);
	return rc;
}

static void format_one(const struct type_field *f, struct json_object *v, struct buf *out)
{
	if (f->kind == KIND_SECRET || json_object_is_type(v, json_type_null))
		return;
	if (f->kind == KIND_MONEY) {
		buf_add(out, json_get_str(v, "currency"));
		buf_char(out, ' ');
		buf_add(out, json_get_str(v, "amount"));
	} else if (f->kind == KIND_FLAG) {
		buf_add(out, json_object_get_boolean(v) ? STR("yes") : STR("no"));
	} else if (json_object_is_type(v, json_type_string)) {
		buf_add(out, json_text(v));
	} else {
		buf_add(out, str_of(json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN)));
	}
}

void kind_format(const struct type_field *f, struct json_object *value, struct buf *out)
{
	if (f->kind == KIND_ROWS) {
		rows_format(f, value, out);
		return;
	}
	if (!json_object_is_type(value, json_type_array)) {
		format_one(f, value, out);
		return;
	}
	for (size_t i = 0; i < json_count(value); i++) {
		if (i)
			buf_char(out, '\n');
		format_one(f, json_at(value, i), out);
	}
}

/* Small letters for Latin script, as far as it is written in Southeast Asia: ASCII, Latin-1,
 * Latin Extended-A and Additional (Vietnamese). Other bytes stay. */
static void fold(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char *c = (unsigned char *)p + i;
		if (*c >= 'A' && *c <= 'Z')
			*c = (unsigned char)(*c + 32);
		if (*c == 0xc3 && i + 1 < n && c[1] >= 0x80 && c[1] <= 0x9e && c[1] != 0x97)
			c[1] = (unsigned char)(c[1] + 0x20);
		if ((*c == 0xc4 && i + 1 < n && c[1] <= 0xb7 && c[1] != 0xb0) ||
		    (*c == 0xe1 && i + 2 < n && c[1] >= 0xb8 && c[1] <= 0xbb && !(c[1] == 0xba && c[2] >= 0x96 && c[2] <= 0x9f))) {
			unsigned char *last = *c == 0xc4 ? c + 1 : c + 2;
			*last |= 1;
		}
		if (*c >= 0xc3)
			i += *c >= 0xe0 ? 2 : 1;
	}
}

static bool key_text(str s, struct arena *a, struct kind_key *out)
{
	enum { KEY_BYTES = 120 };
	size_t n = s.n < KEY_BYTES ? s.n : KEY_BYTES;
	while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	char *p = arena_z(a, str_head(s, n));
	fold(p, n);
	*out = (struct kind_key){ .text = str_mem(p, n) };
	return n > 0;
}

static bool key_number(bool ok, int64_t v, struct kind_key *out)
{
	*out = (struct kind_key){ .is_number = true, .number = v };
	return ok;
}

bool kind_key(const struct type_field *f, struct json_object *value, struct arena *a,
	      struct kind_key *out)
{
	int64_t v = 0;
	uint32_t asn = 0;
	bool ok;
	if (json_object_is_type(value, json_type_array))
		value = json_at(value, 0);
	if (json_object_is_type(value, json_type_null))
		return false;
	str s = json_text(value);
	switch (f->kind) {
	case KIND_NUMBER:
		s = str_of(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
		ok = decimal_parse(s, f->decimals, &v);
		return key_number(ok, v, out);
	case KIND_MONEY: /* in ten-thousandths, whatever the currency */
		ok = decimal_parse(json_get_str(value, "amount"), 4, &v);
		return key_number(ok, v, out);
	case KIND_FLAG:
		return key_number(json_object_is_type(value, json_type_boolean),
				  json_object_get_boolean(value), out);
	case KIND_DATE:
		ok = date_parse(s, &v);
		return key_number(ok, v * DAY_US, out);
	case KIND_TIME:
		ok = time_parse(s, true, &v);
		return key_number(ok, v, out);
	case KIND_DURATION:
		ok = iso_duration_parse(s, &v);
		return key_number(ok, v, out);
	case KIND_ASN:
		ok = str_to_u32(str_from(s, 2), &asn);
		return key_number(ok, asn, out);
	case KIND_LONG:
	case KIND_FILE:
	case KIND_SECRET:
	case KIND_ROWS:
	case KINDS: return false;
	default: return key_text(s, a, out);
	}
}
