/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/partner.h"

#include "exchange/keys.h"

/* A look at the records of one call. */
struct look {
	struct exchange *x;
	struct conn *c;
	struct snapshot_ref *ref;
	const struct types *types;
	const struct type *type;
	struct arena *a;
};

static enum rc look_begin(struct look *l, struct exchange *x, struct conn *c, struct arena *a, struct err *err)
{
	*l = (struct look){ .x = x, .c = c, .a = a };
	l->ref = snapshot_hold(exchange_world_of(x)->types);
	l->types = snapshot_table(l->ref);
	l->type = l->types ? types_meaning(l->types, STR("partner.kind")) : NULL;
	if (l->type && type_meaning(l->type, STR("partner.active")))
		return RC_OK;
	snapshot_drop(exchange_world_of(x)->types, l->ref);
	return fail(err, RC_ABSENT, "no type of record here means a partner");
}

static void look_end(struct look *l)
{
	snapshot_drop(exchange_world_of(l->x)->types, l->ref);
}

/* --- from a record --- */

static str value_of(const struct look *l, const struct record *r, struct json_object *body, const char *meaning)
{
	const struct meaning *m = type_meaning(r->type, str_of(meaning));
	str text = m && m->field ? json_get_str(body, m->field->name) : STR_NONE;
	return arena_str(l->a, text.p ? text : STR(""));
}

static uint64_t number_said(const struct record *r, struct json_object *body, const char *meaning)
{
	const struct meaning *m = type_meaning(r->type, str_of(meaning));
	int64_t n = 0;
	return m && m->field && json_get_i64(body, m->field->name, &n) && n > 0 ? (uint64_t)n : 0;
}

static enum partner_kind kind_of(str word)
{
	if (str_eq(word, STR("taxii")))
		return PARTNER_TAXII;
	return str_eq(word, STR("misp")) ? PARTNER_MISP : PARTNER_NODE;
}

static enum rc organisation_number(struct conn *c, struct uuid organisation, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM org WHERE record = ? AND gone = 0");
	sql_blob(q, 1, str_mem(organisation.b, sizeof organisation.b));
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc read_partner(const struct look *l, const struct record *r, struct partner *out, struct err *err)
{
	struct json_object *body = NULL;
	str type;
	*out = (struct partner){ .id = r->id, .version = r->version, .exercise = r->labels.exercise };
	if (r->erased || r->type != l->type)
		return fail(err, RC_ABSENT, "that is no partner");
	enum rc rc = json_read(r->body, &body, err);
	if (rc != RC_OK)
		return rc;
	out->name = arena_str(l->a, r->title);
	out->kind = kind_of(value_of(l, r, body, "partner.kind"));
	out->address = value_of(l, r, body, "partner.address");
	while (str_ends(out->address, STR("/")))
		out->address.n--;
	(void)uuid_parse(value_of(l, r, body, "partner.node"), &out->node);
	out->active = r->state == (int)type_meaning(l->type, STR("partner.active"))->state;
	out->ended = r->state >= 0 && l->type->states[r->state].closed;
	str way = value_of(l, r, body, "partner.way");
	bool both = str_eq(way, STR("both"));
	out->push = out->address.n && (way.n == 0 || both || str_eq(way, STR("push")));
	out->pull = out->address.n && (both || str_eq(way, STR("pull")));
	out->collection = value_of(l, r, body, "partner.collection");
	out->inbox = value_of(l, r, body, "partner.inbox");
	if (!tlp_parse(value_of(l, r, body, "partner.marking"), &out->tlp))
		out->tlp = TLP_AMBER;
	str organisation = value_of(l, r, body, "partner.organisation");
	if (organisation.n && !record_id_parse(organisation, &type, &out->organisation))
		out->organisation = (struct uuid){ { 0 } };
	out->quota_objects = number_said(r, body, "partner.objects");
	out->quota_bytes = number_said(r, body, "partner.bytes");
	out->line_day = number_said(r, body, "partner.daily");
	out->line_rate = number_said(r, body, "partner.pace");
	json_free(body);
	return uuid_is_zero(&out->organisation) ? RC_OK :
						  organisation_number(l->c, out->organisation, &out->org, err);
}

static enum rc by_id(const struct look *l, struct uuid id, struct partner *out, struct err *err)
{
	struct record r;
	enum rc rc = record_load(l->c, l->types, id, l->a, &r, err);
	return rc == RC_OK ? read_partner(l, &r, out, err) : rc;
}

/* --- all of them --- */

struct listing {
	const struct look *l;
	bool active_only;
	str title;                 /* p NULL: all */
	partner_each each;
	void *ctx;
	struct partner *found;
	bool is_found;
	enum rc rc;
	struct err *err;
};

static bool list_one(void *ctx, const struct record *r)
{
	struct listing *k = ctx;
	struct partner p;
	if (k->title.p && !str_eq_nocase(r->title, k->title))
		return true;
	k->rc = read_partner(k->l, r, &p, k->err);
	if (k->rc != RC_OK || (k->active_only && !p.active))
		return k->rc == RC_OK;
	if (!k->title.p)
		return k->each(k->ctx, &p);
	*k->found = p;
	k->is_found = true;
	return false;
}

static enum rc list_all(const struct look *l, struct listing *k, struct err *err)
{
	const struct record_query q = { .type = l->type, .ascending = true, .tlp_mask = UINT32_MAX, .exercise = true,
					.with_body = true };
	k->l = l;
	k->err = err;
	enum rc rc = record_list(l->c, l->types, &q, list_one, k, err);
	return rc == RC_OK ? k->rc : rc;
}

enum rc partners_list(struct exchange *x, struct conn *c, bool active_only, struct arena *a, partner_each each,
		      void *ctx, struct err *err)
{
	struct listing k = { .active_only = active_only, .each = each, .ctx = ctx };
	struct look l;
	enum rc rc = look_begin(&l, x, c, a, err);
	if (rc != RC_OK)
		return rc;
	rc = list_all(&l, &k, err);
	look_end(&l);
	return rc;
}

struct seeking {
	struct uuid node;
	struct partner *out;
	bool found;
};

static bool is_node(void *ctx, const struct partner *p)
{
	struct seeking *k = ctx;
	k->found = uuid_equal(&p->node, &k->node);
	if (k->found)
		*k->out = *p;
	return !k->found;
}

enum rc partner_by_node(struct exchange *x, struct conn *c, bool active_only, str node, struct arena *a, struct partner *out,
			struct err *err)
{
	struct seeking k = { .out = out };
	if (!uuid_parse(node, &k.node) || uuid_is_zero(&k.node))
		return fail(err, RC_ABSENT, "no partner has such a node");
	enum rc rc = partners_list(x, c, active_only, a, is_node, &k, err);
	return rc != RC_OK || k.found ? rc : fail(err, RC_ABSENT, "no partner has that node");
}

/* "partner-7", "7" */
static bool number_of(const struct type *t, str what, uint64_t *out)
{
	str name = str_of(t->name);
	if (str_starts(what, name) && what.n > name.n && what.p[name.n] == '-')
		what = str_from(what, name.n + 1);
	return str_to_u64(what, out);
}

static enum rc find(const struct look *l, str what, struct partner *out, struct err *err)
{
	struct uuid id;
	uint64_t number;
	str type;
	if (record_id_parse(what, &type, &id))
		return by_id(l, id, out, err);
	if (number_of(l->type, what, &number)) {
		struct record r;
		enum rc rc = record_load_number(l->c, l->type, number, l->a, &r, err);
		return rc == RC_OK ? read_partner(l, &r, out, err) : rc;
	}
	struct listing k = { .title = what.p ? what : STR(""), .found = out };
	enum rc rc = list_all(l, &k, err);
	if (rc == RC_OK && !k.is_found)
		rc = fail(err, RC_ABSENT, "there is no partner '" STR_FMT "'", STR_ARG(str_head(what, 100)));
	return rc;
}

enum rc partner_find(struct exchange *x, struct conn *c, str what, struct arena *a, struct partner *out,
		     struct err *err)
{
	struct look l;
	*out = (struct partner){ .name = STR("") };
	enum rc rc = look_begin(&l, x, c, a, err);
	if (rc != RC_OK)
		return rc;
	rc = find(&l, what, out, err);
	look_end(&l);
	return rc;
}

enum rc partner_by_pin(struct exchange *x, struct conn *c, const struct digest *pin, struct arena *a,
		       struct partner *out, struct err *err)
{
	struct partner_key key;
	struct look l;
	*out = (struct partner){ .name = STR("") };
	enum rc rc = partner_key_by_pin(c, pin, &key, err);
	if (rc == RC_OK)
		rc = look_begin(&l, x, c, a, err);
	if (rc != RC_OK)
		return rc;
	rc = by_id(&l, key.partner, out, err);
	look_end(&l);
	if (rc == RC_OK && !out->active)
		rc = fail(err, RC_ABSENT, "partner '" STR_FMT "' is not active", STR_ARG(out->name));
	return rc;
}

str partner_feed(const struct partner *p, struct arena *a)
{
	enum { NAME_MOST = 40 };
	char name[NAME_MOST + 1];
	size_t n = 0;
	for (size_t i = 0; i < p->name.n && n < NAME_MOST; i++) {
		char c = p->name.p[i];
		c = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain || (n && name[n - 1] != '-'))
			name[n++] = plain ? c : '-';
	}
	while (n && name[n - 1] == '-')
		n--;
	/* The record's id, not its title, makes it this partner's: a title may be taken by another one later. */
	return arena_fmt(a, "partner-%.*s%s%02x%02x%02x%02x", (int)n, name, n ? "-" : "", p->id.b[0], p->id.b[1],
			 p->id.b[2], p->id.b[3]);
}
