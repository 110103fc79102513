/* SPDX-License-Identifier: Apache-2.0 */
/* What of an event is shown. */
#include "disclosure/read_private.h"

#include "base/json.h"

enum { NAME_MOST = 6 + EXTRA_KEY_MAX };

static const char *const personal_words[] = {
#define PERSONAL_WORD(word) word,
#include "disclosure/personal.def"
#undef PERSONAL_WORD
};

static bool word_is_personal(str word)
{
	for (size_t i = 0; i < COUNT_OF(personal_words); i++)
		if (str_eq_nocase(word, str_of(personal_words[i])))
			return true;
	return false;
}

static bool key_is_personal(str key)
{
	size_t start = 0;

	for (size_t i = 0; i <= key.n; i++) {
		if (i < key.n && key.p[i] != '_' && key.p[i] != '.' && key.p[i] != '-')
			continue;
		if (word_is_personal(str_mem(key.p + start, i - start)))
			return true;
		start = i + 1;
	}
	return false;
}

bool field_is_personal(enum field f, str extra_key)
{
	if (f == FIELD_EXTRA)
		return key_is_personal(extra_key);
	return f == FIELD_RAW || field_row(f)->class == FIELD_PERSONAL;
}

static bool is_hidden(const struct event_view *e, const struct cell *c)
{
	if (!e->cut_personal)
		return false;
	return field_is_personal((enum field)c->field,
				 c->field == FIELD_EXTRA ? batch_key(e->row->batch, c->key) : STR_NONE);
}

/* --- values --- */

void match_json(const struct match *m, const struct directory *d, struct json_out *j)
{
	const struct org *o = d ? directory_org(d, m->org) : NULL;

	json_open(j, '{');
	json_put_i64(j, "organisation_id", m->org);
	if (o)
		json_put_str(j, "organisation", o->name);
	json_put_str(j, "role", str_of(role_name(m->role)));
	json_put_str(j, "reason", str_of(m->reason));
	json_close(j, '}');
}

static void concerns_json(str text, const struct directory *d, struct json_out *j)
{
	struct concerns list = { .count = 0 };

	json_open(j, '[');
	if (!concerns_parse(text, &list))
		list.count = 0;
	for (size_t i = 0; i < list.count; i++)
		match_json(&list.list[i], d, j);
	json_close(j, ']');
}

static void text_json(const struct batch *b, const struct cell *c, struct json_out *j)
{
	struct buf text = BUF_INIT(128);

	if (c->kind == CELL_TEXT || c->kind == CELL_JSON) {
		json_str(j, cell_text(b, c));
		return;
	}
	cell_format(b, c, &text);
	json_str(j, buf_str(&text));
	buf_free(&text);
}

static void value_json(const struct batch *b, const struct cell *c, const struct directory *d,
		       struct json_out *j)
{
	if (c->field == FIELD_RONDA_CONCERNS)
		concerns_json(cell_text(b, c), d, j);
	else if (c->kind == CELL_INT && c->field != FIELD_TLP)
		json_i64(j, c->i);
	else if (c->kind == CELL_FLOAT)
		json_double(j, c->f);
	else if (c->kind == CELL_BOOL)
		json_flag(j, c->i != 0);
	else if (c->kind == CELL_JSON && c->field == FIELD_EXTRA)
		json_raw(j, cell_text(b, c)); /* checked JSON; IntelMQ keeps its own fields' as a string */
	else
		text_json(b, c, j);
}

static void name_json(const struct batch *b, const struct cell *c, struct json_out *j)
{
	char name[NAME_MOST];

	if (c->field != FIELD_EXTRA) {
		json_key(j, str_of(field_row((enum field)c->field)->name));
		return;
	}
	str key = str_head(batch_key(b, c->key), sizeof(name) - 6);
	memcpy(name, "extra.", 6);
	memcpy(name + 6, key.p, key.n);
	json_key(j, str_mem(name, 6 + key.n));
}

void event_view_json_named(const struct event_view *e, const struct directory *d, struct json_out *j)
{
	const struct batch *b = e->row->batch;
	const struct row *r = e->row->row;

	json_open(j, '{');
	json_put_str(j, "id", str_of(e->id));
	for (uint32_t i = 0; i < r->cells; i++) {
		const struct cell *c = &b->cell[r->first_cell + i];

		if (is_hidden(e, c))
			continue;
		name_json(b, c, j);
		value_json(b, c, d, j);
	}
	json_close(j, '}');
}

void event_view_json(const struct event_view *e, struct json_out *j)
{
	event_view_json_named(e, NULL, j);
}

/* What a value of several is, is checked JSON: it begins with its bracket. */
static bool is_nested(const struct batch *b, const struct cell *c)
{
	return c->kind == CELL_JSON && c->field == FIELD_EXTRA && (str_starts(cell_text(b, c), STR("{")) ||
								     str_starts(cell_text(b, c), STR("[")));
}

static bool is_ours_alone(const struct cell *c)
{
	return c->field != FIELD_EXTRA && str_starts(str_of(field_row((enum field)c->field)->name), STR("ronda."));
}

void event_view_flat(const struct event_view *e, struct json_out *j)
{
	const struct batch *b = e->row->batch;
	const struct row *r = e->row->row;

	json_open(j, '{');
	json_put_str(j, "id", str_of(e->id));
	for (uint32_t i = 0; i < r->cells; i++) {
		const struct cell *c = &b->cell[r->first_cell + i];

		if (is_hidden(e, c) || is_nested(b, c) || is_ours_alone(c))
			continue;
		name_json(b, c, j);
		value_json(b, c, NULL, j);
	}
	json_close(j, '}');
}

bool event_view_value(const struct event_view *e, str name, struct buf *out)
{
	const struct cell *c = NULL;
	enum field f;

	if (str_eq(name, STR("id"))) {
		buf_add(out, str_of(e->id));
		return true;
	}
	if (str_starts(name, STR("extra.")))
		c = batch_find_extra(e->row->batch, e->row->row, str_from(name, 6));
	else if (field_find(name, &f))
		c = batch_find(e->row->batch, e->row->row, f);
	if (!c || is_hidden(e, c))
		return false;
	if (c->field == FIELD_RONDA_CONCERNS) {
		struct json_out j = json_out(out);
		concerns_json(cell_text(e->row->batch, c), NULL, &j);
	} else {
		cell_format(e->row->batch, c, out);
	}
	return true;
}
