/* SPDX-License-Identifier: Apache-2.0 */
/* An authority of the community, if the settings name one: whom it vouches for, and what it cannot: a key that was
 * revoked stays refused, and what is sent is signed by a key of the pairing. */
#include "exchange/exchange_private.h"
#include "exchange/partner.h"
#include "http/vouch.h"

enum rc vouched_open(struct exchange *x, struct err *err)
{
	str name = x->w.settings ? settings_text(x->w.settings, "exchange_ca_file") : STR("");
	x->authority = (struct buf)BUF_INIT(MIB(1));
	if (name.n == 0)
		return RC_OK;
	const char *why = exchange_read_file(name, &x->authority);
	return why ? fail(err, RC_INPUT, "exchange_ca_file '" STR_FMT "': %s", STR_ARG(name), why) : RC_OK;
}

str exchange_authority(const struct exchange *x)
{
	return buf_str(&x->authority);
}

/* --- who calls us --- */

struct by_node {
	struct uuid node;
	struct partner *out;
	size_t count;
};

static bool look_at(void *ctx, const struct partner *p)
{
	struct by_node *k = ctx;
	if (p->kind != PARTNER_NODE || memcmp(&p->node, &k->node, sizeof k->node) != 0)
		return true;
	*k->out = *p;
	return ++k->count < 2;
}

/* The key of the pairing that signs what he sends. None is left of one whose keys were revoked: no authority brings
 * him back. */
static enum rc standing_key(struct conn *c, const struct partner *p, struct arena *a, struct partner_key *out,
			    struct err *err)
{
	struct partner_key *list;
	size_t count = 0;
	bool revoked = false;
	int64_t now = clock_now_us();
	enum rc rc = partner_keys(c, p->id, a, &list, &count, err);
	*out = (struct partner_key){ .partner = p->id };
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		revoked = revoked || list[i].state == KEY_REVOKED;
		if (list[i].state != KEY_GOOD || (list[i].until_us && list[i].until_us <= now))
			continue;
		*out = list[i];
		return RC_OK;
	}
	return rc == RC_OK && revoked ? fail(err, RC_DENIED, "the keys of '" STR_FMT "' were revoked: pair with it again",
					     STR_ARG(p->name)) : rc;
}

static enum rc by_name(struct exchange *x, struct conn *c, str name, struct arena *a, struct partner *out,
		       struct err *err)
{
	struct by_node k = { .out = out };
	if (!uuid_parse(str_from(name, sizeof URN_UUID - 1), &k.node) || uuid_is_zero(&k.node))
		return fail(err, RC_DENIED, "its certificate names no node");
	enum rc rc = partners_list(x, c, true, a, look_at, &k, err);
	if (rc == RC_OK && k.count != 1)
		rc = fail(err, RC_DENIED, k.count ? "its certificate names '" STR_FMT "', which is the node of two active partners" :
			  "its certificate names '" STR_FMT "', which is no active partner's node", STR_ARG(name));
	return rc;
}

enum rc partner_by_caller(struct exchange *x, struct conn *c, const struct partner_caller *who, struct arena *a,
			  struct partner *out, struct partner_key *key_out, struct err *err)
{
	*out = (struct partner){ .name = STR("") };
	enum rc rc = partner_key_by_pin(c, who->pin, key_out, err);
	if (rc == RC_OK)
		return partner_by_pin(x, c, who->pin, a, out, err);
	if (rc != RC_ABSENT || (who->vouched.n == 0 && !who->unvouched))
		return rc;
	if (who->vouched.n == 0)
		return fail(err, RC_DENIED, "that key is no partner's, and %s", who->unvouched);
	struct uuid waits_for = key_out->partner;
	rc = by_name(x, c, who->vouched, a, out, err);
	if (rc == RC_OK && !uuid_is_zero(&waits_for) && memcmp(&waits_for, &out->id, sizeof waits_for) != 0)
		rc = fail(err, RC_DENIED, "that key waits to be confirmed as another partner's");
	return rc == RC_OK ? standing_key(c, out, a, key_out, err) : rc;
}

/* --- whom we call --- */

enum rc partner_keys_refused(struct conn *c, struct arena *a, struct digest **out, size_t *count_out, struct err *err)
{
	enum { MOST = 10000 };
	struct sql *q = sql(c, "SELECT pin FROM partner_key WHERE state = 3 OR (until_us > 0 AND until_us <= ?1)"
			       " LIMIT 10001");
	size_t room = 64, count = 0;
	struct digest *list = ARENA_ARRAY(a, room, struct digest);
	sql_int(q, 1, clock_now_us());
	while (count <= MOST && sql_row(q)) {
		str pin = sql_col_blob(q, 0);
		if (count == room) {
			struct digest *more = ARENA_ARRAY(a, room * 2, struct digest);
			memcpy(more, list, room * sizeof *list);
			list = more;
			room *= 2;
		}
		if (pin.n == sizeof list->b)
			memcpy(list[count++].b, pin.p, pin.n);
	}
	enum rc rc = sql_end(q, err);
	*out = list;
	*count_out = count;
	return rc == RC_OK && count > MOST ? fail(err, RC_LIMIT, "more than %d keys were revoked", MOST) : rc;
}
