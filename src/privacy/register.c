/* SPDX-License-Identifier: Apache-2.0 */
#include "privacy/register.h"

#include "privacy/privacy_private.h"

enum { LEDGER_LOOK = 10000, LEDGER_PAGE = 1000, RECIPIENTS_MOST = 200 };

/* What is kept beside records; the feeds of events and findings are listed elsewhere. */
struct text2 {
	const char *en, *id;
};
static const struct {
	const char *name;
	struct text2 label, purpose, basis, personal, retention;
} others[] = {
#define TEXT(en, id) { en, id }
#define OTHER(...) { __VA_ARGS__ },
#include "privacy/others.def"
#undef OTHER
#undef TEXT
};

static str in_language(const struct text2 *t, str language)
{
	return str_of(str_starts(language, STR("id")) ? t->id : t->en);
}

/* --- recipients, from the ledger --- */

struct recipients {
	struct arena *a;
	bool shown;
	size_t n;
	struct seen {
		str type, recipient;
		uint64_t count;
	} list[RECIPIENTS_MOST];
};

static str type_of(str item)
{
	for (size_t i = 0; i + 1 < item.n; i++)
		if (item.p[i] == '-' && item.p[i + 1] == '-')
			return str_head(item, i);
	return STR("");
}

static void count_one(struct recipients *to, const struct ledger_row *row)
{
	str type = type_of(row->item);
	if (str_eq(type, STR("finding")))
		type = STR("event");
	if (!type.n || (row->kind != LEDGER_SENT && row->kind != LEDGER_SHOWN && row->kind != LEDGER_UNCERTAIN))
		return;
	for (size_t i = 0; i < to->n; i++)
		if (str_eq(to->list[i].type, type) && str_eq(to->list[i].recipient, row->recipient)) {
			to->list[i].count++;
			return;
		}
	if (to->n < RECIPIENTS_MOST)
		to->list[to->n++] = (struct seen){ arena_str(to->a, type), arena_str(to->a, row->recipient), 1 };
}

static enum rc count_recipients(struct reader *r, const struct register_ask *q, struct recipients *to,
				struct err *err)
{
	int64_t before = 0;
	for (size_t looked = 0; looked < LEDGER_LOOK; looked += LEDGER_PAGE) {
		struct ledger_row *rows = NULL;
		size_t n = 0;
		const struct ledger_query ask = { .recipient = STR(""), .item = STR(""), .before = before,
						  .limit = LEDGER_PAGE };
		enum rc rc = read_ledger(r, q->types, q->roles, q->viewer, &ask, to->a, &rows, &n, err);
		if (rc == RC_DENIED)
			return RC_OK;
		if (rc != RC_OK)
			return rc;
		to->shown = true;
		for (size_t i = 0; i < n; i++)
			count_one(to, &rows[i]);
		if (n < LEDGER_PAGE)
			break;
		before = rows[n - 1].id;
	}
	return RC_OK;
}

static void put_recipients(struct json_out *j, const struct recipients *to, str type)
{
	json_key(j, STR("recipients"));
	json_open(j, '[');
	for (size_t i = 0; i < to->n; i++) {
		if (!str_eq(to->list[i].type, type))
			continue;
		json_open(j, '{');
		json_put_str(j, "recipient", to->list[i].recipient);
		json_put_i64(j, "count", (int64_t)to->list[i].count);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* --- one type --- */

static void put_personal(struct json_out *j, const struct type *t, str language)
{
	json_key(j, STR("personal"));
	json_open(j, '[');
	for (size_t i = 0; i < t->field_count; i++)
		if (t->fields[i].personal || t->fields[i].kind == KIND_PERSON)
			json_str(j, str_of(words_in(t->fields[i].label, language)));
	json_close(j, ']');
}

static void put_readers(struct json_out *j, const struct register_ask *q, const struct type *t)
{
	uint32_t roles = 0;
	for (size_t i = 0; i < t->grant_count; i++)
		if (t->grants[i].action == ACTION_READ && t->grants[i].reach != REACH_NONE)
			roles |= t->grants[i].roles;
	json_key(j, STR("read_by"));
	json_open(j, '[');
	for (size_t i = 0; i < roles_count(q->roles) && i < 32; i++)
		if (roles >> i & 1)
			json_str(j, str_of(words_in(roles_at(q->roles, i)->label, q->language)));
	json_close(j, ']');
}

static void put_type(struct json_out *j, const struct register_ask *q, const struct recipients *to,
		     const struct type *t, struct arena *a)
{
	json_open(j, '{');
	json_put_str(j, "type", str_of(t->name));
	json_put_str(j, "label", str_of(words_in(t->plural, q->language)));
	json_put_str(j, "purpose", str_of(t->purpose ? words_in(t->purpose, q->language) : ""));
	json_put_str(j, "basis", str_of(t->basis ? words_in(t->basis, q->language) : ""));
	put_personal(j, t, q->language);
	put_readers(j, q, t);
	json_put_str(j, "retention", privacy_retention(t, q->language, a));
	json_put_bool(j, "exchange", t->exchange);
	put_recipients(j, to, str_of(t->name));
	json_close(j, '}');
}

static void put_other(struct json_out *j, const struct register_ask *q, const struct recipients *to, size_t i)
{
	json_open(j, '{');
	json_put_str(j, "type", str_of(others[i].name));
	json_put_str(j, "label", in_language(&others[i].label, q->language));
	json_put_str(j, "purpose", in_language(&others[i].purpose, q->language));
	json_put_str(j, "basis", in_language(&others[i].basis, q->language));
	json_key(j, STR("personal"));
	json_open(j, '[');
	json_str(j, in_language(&others[i].personal, q->language));
	json_close(j, ']');
	json_key(j, STR("read_by"));
	json_open(j, '[');
	json_close(j, ']');
	json_put_str(j, "retention", in_language(&others[i].retention, q->language));
	json_put_bool(j, "exchange", false);
	put_recipients(j, to, str_of(others[i].name));
	json_close(j, '}');
}

enum rc privacy_register(struct reader *r, const struct register_ask *q, struct arena *a,
			 struct json_out *j, uint64_t *count_out, struct err *err)
{
	struct recipients *to = ARENA_NEW(a, struct recipients);
	to->a = a;
	*count_out = 0;
	if (q->viewer->as.kind != RECIPIENT_STAFF)
		return fail(err, RC_DENIED, "the register of processing is for the team's own people");
	enum rc rc = count_recipients(r, q, to, err);
	if (rc != RC_OK)
		return rc;
	json_put_bool(j, "recipients_shown", to->shown);
	json_key(j, STR("rows"));
	json_open(j, '[');
	for (size_t i = 0; i < types_count(q->types); i++)
		put_type(j, q, to, types_at(q->types, i), a);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		put_other(j, q, to, i);
	json_close(j, ']');
	*count_out = types_count(q->types) + COUNT_OF(others);
	return RC_OK;
}

str privacy_retention(const struct type *t, str language, struct arena *a)
{
	bool id = str_starts(language, STR("id"));
	int64_t days = t->retention_us / DAY_US;
	if (!days)
		return id ? STR("sampai dihapus") : STR("until erased");
	if (days % 365 == 0)
		return arena_fmt(a, id ? "%lld tahun setelah ditutup" : "%lld years after closing",
				 (long long)(days / 365));
	return arena_fmt(a, id ? "%lld hari setelah ditutup" : "%lld days after closing", (long long)days);
}

struct privacy_about privacy_other(str name, str language)
{
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (str_eq(name, str_of(others[i].name)))
			return (struct privacy_about){ in_language(&others[i].purpose, language), in_language(&others[i].basis, language),
						       in_language(&others[i].retention, language) };
	return (struct privacy_about){ STR(""), STR(""), STR("") };
}
