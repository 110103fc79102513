/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/statement.h"

#include <json-c/json.h>

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
enum { RECEIPT_DIGITS = 20 };

/* --- the number --- */

static void receipt_make(char out[RECEIPT_BYTES])
{
	uint8_t b[RECEIPT_DIGITS];
	size_t n = 0;
	random_bytes(b, sizeof(b));
	for (size_t i = 0; i < RECEIPT_DIGITS; i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = '-';
		out[n++] = digits[b[i] & 31];
	}
	out[n] = 0;
}

static char digit_of(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	return c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
}

static bool receipt_read(str text, char out[RECEIPT_BYTES])
{
	size_t n = 0, taken = 0;
	for (size_t i = 0; i < text.n && i < 100; i++) {
		char c = digit_of(text.p[i]);
		if (c == '-' || c == ' ')
			continue;
		if (taken == RECEIPT_DIGITS || c == 0 || !strchr(digits, c))
			return false;
		if (taken > 0 && taken % 4 == 0)
			out[n++] = '-';
		out[n++] = c;
		taken++;
	}
	out[n] = 0;
	return taken == RECEIPT_DIGITS && text.n <= 100;
}

/* --- telling --- */

struct telling {
	const struct type *t;
	struct json_out j;
};

static void put(struct telling *k, const char *meaning, str value)
{
	const struct meaning *m = type_meaning(k->t, str_of(meaning));
	if (m && m->field && value.n > 0)
		json_put_str(&k->j, m->field->name, value);
}

/* The first line, so that a list says something. */
static str title_of(str what, struct arena *a)
{
	str line = str_trim_all(str_cut(&what, '\n'));
	size_t n = line.n < 80 ? line.n : 80;
	while (n > 0 && n < line.n && ((unsigned char)line.p[n] & 0xc0) == 0x80)
		n--; /* never within a letter */
	return arena_fmt(a, STR_FMT "%s", STR_ARG(str_head(line, n)), n < line.n ? "…" : "");
}

enum rc statement_check(const struct statement_new *q, struct err *err)
{
	if (str_trim_all(q->what).n == 0)
		return fail(err, RC_INPUT, "say what happened");
	if (q->what.n > STATEMENT_WHAT_MAX || q->when.n > STATEMENT_WHEN_MAX || q->where.n > STATEMENT_WHERE_MAX ||
	    q->contact.n > STATEMENT_CONTACT_MAX)
		return fail(err, RC_INPUT, "too long");
	if (!str_is_utf8(q->what) || !str_is_utf8(q->when) || !str_is_utf8(q->where) || !str_is_utf8(q->contact))
		return fail(err, RC_INPUT, "this is no text");
	return RC_OK;
}

enum rc statement_make(struct records *r, struct store *s, const struct types *t, const struct viewer *v,
		       const struct statement_new *q, char receipt_out[RECEIPT_BYTES], struct err *err)
{
	struct buf fields = BUF_INIT(KIB(64));
	struct telling k = { .t = types_meaning(t, STR("statement.receipt")), .j = json_out(&fields) };
	struct record_view made = { 0 };
	struct change_errors errors = { .count = 0 };
	struct arena *a = arena_new(KIB(16));
	const struct meaning *consent = k.t ? type_meaning(k.t, STR("statement.consent")) : NULL;
	enum rc rc = k.t ? statement_check(q, err) : fail(err, RC_ABSENT, "there is no type for statements");
	if (rc == RC_OK) {
		receipt_make(receipt_out);
		json_open(&k.j, '{');
		json_put_str(&k.j, k.t->title->name, title_of(str_trim_all(q->what), a));
		put(&k, "statement.what", q->what);
		put(&k, "statement.when", q->when);
		put(&k, "statement.where", q->where);
		put(&k, "statement.contact", q->contact);
		put(&k, "statement.language", q->language);
		put(&k, "statement.receipt", str_of(receipt_out));
		if (consent && consent->field)
			json_put_bool(&k.j, consent->field->name, q->consent);
		json_close(&k.j, '}');
		const struct change_request change = { .type = str_of(k.t->name), .fields = buf_str(&fields),
						       .labels = STR_NONE, .why = STR("told by the public form") };
		rc = change_record(r, s, v, &change, a, &made, &errors, err);
	}
	if (rc != RC_OK)
		receipt_out[0] = 0;
	record_view_end(&made);
	arena_free(a);
	buf_free(&fields);
	return rc;
}

/* --- how far it has come --- */

static const char *const stages[] = { [STATEMENT_RECEIVED] = "received", [STATEMENT_WORKED] = "worked",
				      [STATEMENT_CLOSED] = "closed" };

const char *statement_stage_name(enum statement_stage s)
{
	return (unsigned)s < COUNT_OF(stages) && stages[s] ? stages[s] : "";
}

static bool state_is(const struct type *t, int state, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m && !m->field && (int)m->state == state;
}

struct finding_it {
	struct arena *a;
	str id;
	struct statement_status *out;
};

static bool take(void *ctx, const struct record_view *v)
{
	struct finding_it *k = ctx;
	const struct type *t = record_view_type(v);
	int state = record_view_state(v);
	k->id = record_view_id(v, k->a);
	k->out->changed_us = record_view_changed(v);
	k->out->received_us = v->record->created_us;
	k->out->stage = state_is(t, state, "statement.received") ? STATEMENT_RECEIVED :
			state_is(t, state, "statement.accepted") ? STATEMENT_WORKED : STATEMENT_CLOSED;
	return false;
}

struct cases {
	const struct types *t;
	size_t open, closed;
};

static bool take_case(void *ctx, const struct link_view *l)
{
	struct cases *c = ctx;
	struct case_type k;
	const struct type *t = types_find(c->t, l->other_type);
	int state = t ? type_state(t, l->other_state) : -1;
	if (!t || state < 0 || !case_type_of(t, &k))
		return true;
	t->states[state].closed ? c->closed++ : c->open++;
	return true;
}

enum rc statement_find(struct reader *r, const struct types *t, const struct viewer *v, str receipt, struct arena *a,
		       struct statement_status *out, struct err *err)
{
	char text[RECEIPT_BYTES];
	const struct type *type = types_meaning(t, STR("statement.receipt"));
	const struct meaning *m = type ? type_meaning(type, STR("statement.receipt")) : NULL;
	struct record_query q = { .type = type };
	struct finding_it k = { .a = a, .id = STR(""), .out = out };
	struct json_object *value;
	*out = (struct statement_status){ 0 };
	if (!m || !m->field || !m->field->indexed || !receipt_read(receipt, text))
		return fail(err, RC_ABSENT, "there is no such number");
	value = json_object_new_string(text);
	bool asked = kind_key(m->field, value, a, &q.filters[0].key);
	q.filters[0].field = m->field;
	q.filters[0].compare = COMPARE_IS;
	q.filter_count = 1;
	enum rc rc = asked ? read_records(r, t, v, &q, 1, a, take, &k, err) : RC_OK;
	if (rc == RC_OK && k.id.n == 0)
		rc = fail(err, RC_ABSENT, "there is no such number");
	struct cases c = { .t = t };
	if (rc == RC_OK && out->stage == STATEMENT_WORKED)
		rc = read_record_links(r, t, v, k.id, a, take_case, &c, err);
	if (rc == RC_OK && c.closed > 0 && c.open == 0)
		out->stage = STATEMENT_CLOSED;
	json_free(value);
	return rc;
}
