/* SPDX-License-Identifier: Apache-2.0 */
/* The partner that pairing makes. */
#include "exchange/exchange_private.h"
#include "exchange/pairing_private.h"

bool pairing_address_ok(str address)
{
	str head = STR("https://"), rest = str_from(address, head.n);
	bool good = str_starts(address, head) && rest.n > 0 && address.n <= 300 && str_is_plain(address);
	for (size_t i = 0; good && i < rest.n; i++)
		good = rest.p[i] != '/' && rest.p[i] != '@' && rest.p[i] != '?' && rest.p[i] != '#' && rest.p[i] != ' ';
	return good;
}

bool pairing_name_ok(str name)
{
	return name.n > 0 && name.n <= 100 && str_is_plain(name);
}

struct same_node {
	struct uuid node, but;
	bool found;
};

static bool is_same_node(void *ctx, const struct partner *p)
{
	struct same_node *s = ctx;
	s->found = uuid_equal(&p->node, &s->node) && !uuid_equal(&p->id, &s->but) && !p->ended;
	return !s->found;
}

/* What belongs to a node is changed by that node alone: none may take the name of another. */
static enum rc check_node(struct exchange *x, struct conn *c, str node, struct uuid but, struct arena *a, struct err *err)
{
	struct same_node s = { .but = but };
	struct uuid us;
	/* a node id may be written in capitals, too */
	if (!uuid_parse(node, &s.node) || uuid_is_zero(&s.node) || !uuid_parse(store_node_id(x->w.store), &us) ||
	    uuid_equal(&s.node, &us))
		return fail(err, RC_CONFLICT, "a node cannot be its own partner");
	enum rc rc = partners_list(x, c, false, a, is_same_node, &s, err);
	if (rc == RC_OK && s.found)
		rc = fail(err, RC_CONFLICT, "that node is a partner already: invite it by 'invite ID' to give it new keys");
	return rc;
}

static void put_member(struct json_out *j, const struct type *t, const char *meaning, str value)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	if (!m || !m->field)
		return;
	json_key(j, str_of(m->field->name));
	if (value.n)
		json_str(j, value);
	else
		json_null(j);
}

static enum rc put_record(struct tx *tx, struct exchange *x, const struct types *types, const struct claim *c,
			  struct uuid partner, const char *way, str by, struct arena *a, struct record *out,
			  struct err *err)
{
	struct buf fields = BUF_INIT(KIB(8));
	struct json_out j = json_out(&fields);
	const struct type *t = types_meaning(types, STR("partner.kind"));
	if (!t)
		return fail(err, RC_ABSENT, "no type of record here means a partner");
	json_open(&j, '{');
	if (uuid_is_zero(&partner)) {
		put_member(&j, t, "partner.name", c->name);
		put_member(&j, t, "partner.kind", STR("node"));
		put_member(&j, t, "partner.way", str_of(way));
	}
	put_member(&j, t, "partner.address", c->address);
	put_member(&j, t, "partner.node", c->node);
	json_close(&j, '}');
	const struct record_change change = { .type = t, .id = partner, .fields = buf_str(&fields), .to_state = -1,
					      .actor = by, .why = STR("pairing") };
	enum rc rc = record_put(tx, x->w.records, &change, a, out, NULL, 0, NULL, err);
	buf_free(&fields);
	return rc;
}

enum rc pairing_keep(struct tx *tx, struct exchange *x, const struct claim *c, struct uuid partner, const char *way,
		     str by, struct arena *a, struct partner *out, struct err *err)
{
	struct record r = { .version = 0 };
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	enum rc rc = check_node(x, tx_conn(tx), c->node, partner, a, err);
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	if (rc == RC_OK)
		rc = put_record(tx, x, snapshot_table(ref), c, partner, way, by, a, &r, err);
	snapshot_drop(x->w.types, ref);
	if (rc == RC_OK)
		rc = partner_key_add(tx, r.id, &c->who, KEY_WAITS, 0, err);
	record_id_format(&id, STR("partner"), &r.id);
	const struct journal_act act = { .act = "partner.pair", .actor = by, .object = buf_str(&id) };
	if (rc == RC_OK)
		rc = journal_add(tx, x->w.journal, &act, err);
	if (rc == RC_OK)
		rc = partner_find(x, tx_conn(tx), buf_str(&id), a, out, err);
	buf_free(&id);
	return rc;
}
