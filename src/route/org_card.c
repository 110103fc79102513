/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an organisation's record: names, contacts, claims. */
#include "route/org_card.h"

#include <stdlib.h>

#include "base/clock.h"

static const char *const kind_words[SCOPE_KINDS] = { "network", "asn", "domain", "country" };
static const char *const role_words[ROLE_COUNT] = { "holder", "host", "network", "registrar",
						    "national" };

const char *claim_kind_word(enum scope_kind k)
{
	return kind_words[k];
}

bool claim_kind_parse(str word, enum scope_kind *out)
{
	for (size_t i = 0; i < SCOPE_KINDS; i++)
		if (str_eq(word, str_of(kind_words[i]))) {
			*out = (enum scope_kind)i;
			return true;
		}
	return false;
}

const char *claim_role_word(enum concern_role r)
{
	return role_words[r];
}

bool claim_role_parse(str word, enum concern_role *out)
{
	for (size_t i = 0; i < ROLE_COUNT; i++)
		if (str_eq(word, str_of(role_words[i]))) {
			*out = (enum concern_role)i;
			return true;
		}
	return false;
}

const char *directory_claim_role(str kind, str claim_kind, bool shared_address)
{
	enum scope_kind k;
	enum concern_role role;
	return claim_kind_parse(claim_kind, &k) && scope_usual_role(kind, k, shared_address, &role) ?
		       role_words[role] : "";
}

str contact_role_word(str said)
{
	static const struct { const char *said, *word; } known[] = {
		{ "point24", "point24" }, { "24x7", "point24" }, { "24/7", "point24" },
		{ "abuse", "abuse" }, { "security", "security" }, { "csirt", "security" },
		{ "cert", "security" }, { "soc", "security" }, { "operations", "operations" },
		{ "noc", "operations" }, { "technical", "operations" }, { "management", "management" },
		{ "manager", "management" }, { "legal", "legal" }, { "press", "press" },
	};
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (str_eq_nocase(said, str_of(known[i].said)))
			return str_of(known[i].word);
	return STR("");
}

const struct type_field *meant_field(const struct type *t, const char *word)
{
	const struct meaning *m = t ? type_meaning(t, str_of(word)) : NULL;
	return m ? m->field : NULL;
}

struct json_object *meant_value(const struct type *t, struct json_object *body, const char *word)
{
	const struct type_field *f = meant_field(t, word);
	return f ? json_get(body, f->name) : NULL;
}

const struct type *directory_type(const struct types *t)
{
	for (size_t i = 0; i < types_count(t); i++) {
		const struct type *one = types_at(t, i);
		const struct type_field *claims = meant_field(one, "organisation.claims");
		if (claims && claims->kind == KIND_ROWS && meant_field(one, "organisation.name"))
			return one;
	}
	return NULL;
}

static str text_or_none(struct json_object *o, const char *key, struct arena *a)
{
	str s = json_get_str(o, key);
	return s.n ? arena_str(a, s) : STR("");
}

static str meant_text(const struct type *t, struct json_object *body, const char *word, struct arena *a)
{
	str s = json_text(meant_value(t, body, word));
	return s.n ? arena_str(a, s) : STR("");
}

static void read_contacts_of(const struct type *t, struct json_object *body, struct arena *a,
			     struct card *out)
{
	struct json_object *list = meant_value(t, body, "organisation.contacts");
	size_t n = json_count(list);
	out->contacts = ARENA_ARRAY(a, n + 1, struct contact);
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_at(list, i);
		struct contact *c = &out->contacts[out->contact_count++];
		*c = (struct contact){
			.role = text_or_none(o, "role", a), .email = text_or_none(o, "email", a),
			.phone = text_or_none(o, "phone", a), .name = text_or_none(o, "name", a),
			.channel = text_or_none(o, "channel", a), .hours = text_or_none(o, "hours", a),
			.languages = text_or_none(o, "languages", a),
		};
		(void)json_get_i64(o, "order", &c->order);
	}
}

/* Whole days, the last one included; a time of its own says it to the second. */
static bool season(struct json_object *o, struct scope_row *row)
{
	str from = json_get_str(o, "from"), until = json_get_str(o, "until");
	str starts = json_get_str(o, "starts"), ends = json_get_str(o, "ends");
	if (from.n && !time_parse(from, true, &row->from_us))
		return false;
	if (until.n) {
		if (!time_parse(until, true, &row->until_us))
			return false;
		row->until_us += DAY_US;
	}
	if ((starts.n && !time_parse(starts, true, &row->from_us)) ||
	    (ends.n && !time_parse(ends, true, &row->until_us)))
		return false;
	return !row->until_us || row->until_us > row->from_us;
}

static enum rc claim_of(str kind, struct json_object *o, struct arena *a, struct scope_row *row,
			struct err *err)
{
	str role = json_get_str(o, "role"), value = json_get_str(o, "value");
	*row = (struct scope_row){ 0 };
	(void)json_get_bool(o, "shared_address", &row->shared_address);
	if (!claim_kind_parse(json_get_str(o, "kind"), &row->kind))
		return fail(err, RC_INPUT, "it has no kind");
	if (row->shared_address && row->kind != SCOPE_NET)
		return fail(err, RC_INPUT, "only networks have shared addresses");
	if (!(role.n ? claim_role_parse(role, &row->role) :
		       scope_usual_role(kind, row->kind, row->shared_address, &row->role)))
		return fail(err, RC_INPUT, "an organisation of kind '" STR_FMT "' has no %s of its own: say "
			    "in which role", STR_ARG(kind), kind_words[row->kind]);
	if (!season(o, row))
		return fail(err, RC_INPUT, "it ends before it begins");
	return scope_value(row->kind, value, row->role, a, &row->value, err);
}

static int key_cmp(const struct scope_row *x, const struct scope_row *y)
{
	if (x->kind != y->kind)
		return (int)x->kind - (int)y->kind;
	int order = str_cmp(x->value, y->value);
	return order ? order : (int)x->role - (int)y->role;
}

static int64_t ends_at(const struct scope_row *r)
{
	return r->until_us ? r->until_us : INT64_MAX;
}

/* Equal seasons: shared first, as that one stays. */
int card_row_cmp(const void *a, const void *b)
{
	const struct scope_row *x = &((const struct card_row *)a)->scope;
	const struct scope_row *y = &((const struct card_row *)b)->scope;
	int order = key_cmp(x, y);
	if (order)
		return order;
	if (x->from_us != y->from_us)
		return x->from_us < y->from_us ? -1 : 1;
	if (x->shared_address != y->shared_address)
		return x->shared_address ? -1 : 1;
	return (ends_at(x) < ends_at(y)) - (ends_at(x) > ends_at(y));
}

/* What is said twice counts once; of two seasons of which one holds the other, the longer. */
static void drop_doubles(struct card *c)
{
	size_t kept = 0;
	if (c->row_count > 1)
		qsort(c->rows, c->row_count, sizeof(*c->rows), card_row_cmp);
	for (size_t i = 0; i < c->row_count; i++) {
		const struct scope_row *now = &c->rows[i].scope;
		const struct scope_row *open = kept ? &c->rows[kept - 1].scope : NULL;
		bool again = open && key_cmp(open, now) == 0 && ends_at(now) <= ends_at(open);
		if (!again)
			c->rows[kept++] = c->rows[i];
	}
	c->row_count = kept;
}

static void read_claims(const struct type *t, struct json_object *body, struct arena *a,
			card_wrong wrong, void *ctx, struct card *out)
{
	const struct type_field *f = meant_field(t, "organisation.claims");
	struct json_object *list = meant_value(t, body, "organisation.claims");
	size_t n = json_count(list);
	out->rows = ARENA_ARRAY(a, n + 1, struct card_row);
	for (size_t i = 0; i < n; i++) {
		struct card_row *row = &out->rows[out->row_count];
		struct err why;
		row->row = (unsigned)i + 1;
		if (claim_of(out->kind, json_at(list, i), a, &row->scope, &why) == RC_OK)
			out->row_count++;
		else if (wrong)
			wrong(ctx, f, row->row, why.text);
	}
	drop_doubles(out);
}

enum rc card_read(const struct record *rec, struct arena *a, card_wrong wrong, void *ctx,
		  struct card *out, struct err *err)
{
	const struct type *t = rec->type;
	const struct meaning *former = type_meaning(t, STR("organisation.former"));
	struct json_object *body = NULL;
	*out = (struct card){ .name = STR(""), .folded = STR(""), .kind = STR(""), .country = STR(""),
			      .sector = STR(""), .timezone = STR(""), .gone = ORG_ERASED };
	if (rec->erased || !rec->body.n)
		return RC_OK;
	enum rc rc = json_read(rec->body, &body, err);
	if (rc != RC_OK)
		return rc;
	out->gone = former && !former->field && rec->state == (int)former->state ? ORG_FORMER : ORG_ACTIVE;
	out->name = meant_text(t, body, "organisation.name", a);
	out->kind = meant_text(t, body, "organisation.kind", a);
	out->country = meant_text(t, body, "organisation.country", a);
	out->sector = meant_text(t, body, "organisation.sector-words", a);
	if (!out->sector.n)
		out->sector = meant_text(t, body, "organisation.sector", a);
	out->timezone = meant_text(t, body, "organisation.timezone", a);
	out->succeeded = meant_text(t, body, "organisation.successor", a).n > 0;
	read_contacts_of(t, body, a, out);
	read_claims(t, body, a, wrong, ctx, out);
	json_free(body);
	/* what only named people may know has no name in a list that all our people see */
	if (rec->labels.tlp == TLP_RED || rec->labels.tlp == TLP_COUNT) {
		out->name = arena_fmt(a, STR_FMT "-%llu", STR_ARG(rec->type_name),
				      (unsigned long long)rec->number);
		out->contact_count = 0;
	}
	out->folded = org_fold(a, out->name);
	if (rec->labels.exercise || out->gone == ORG_FORMER)
		out->row_count = 0;
	return RC_OK;
}

static void put_day(struct json_out *j, const char *key, int64_t us, bool end)
{
	char text[40];
	if (us && us % DAY_US == 0)
		json_put_str(j, key, time_day_str(text, end ? us - DAY_US : us));
}

static void put_second(struct json_out *j, const char *second, int64_t us)
{
	char text[40];
	if (!us || us % DAY_US == 0)
		return;
	struct buf b = BUF_INIT(64);
	time_format(&b, us);
	str whole = buf_str(&b); /* "…+00:00", which records write as Z */
	snprintf(text, sizeof(text), STR_FMT "Z", STR_ARG(str_head(whole, whole.n - 6)));
	json_put_str(j, second, str_of(text));
	buf_free(&b);
}

void claim_json(struct json_out *j, const struct scope_row *row, const char *source)
{
	json_open(j, '{');
	json_put_str(j, "kind", str_of(kind_words[row->kind]));
	json_put_str(j, "value", row->value);
	json_put_str(j, "role", str_of(role_words[row->role]));
	if (row->shared_address)
		json_put_bool(j, "shared_address", true);
	put_day(j, "from", row->from_us, false); /* in the order of the type, as records are kept */
	put_day(j, "until", row->until_us, true);
	put_second(j, "starts", row->from_us);
	put_second(j, "ends", row->until_us);
	if (source)
		json_put_str(j, "source", str_of(source));
	json_close(j, '}');
}
