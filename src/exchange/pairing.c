/* SPDX-License-Identifier: Apache-2.0 */
/* Inviting, accepting, being asked, confirming. */
#include "exchange/pairing.h"

#include "exchange/certificate.h"
#include "exchange/exchange_private.h"
#include "exchange/pairing_private.h"

/* --- inviting --- */

struct inviting {
	struct exchange *x;
	struct invitation i;
	struct uuid partner;
	int64_t life_us;
	str by;
};

static struct digest secret_digest(struct exchange *x, const unsigned char *secret)
{
	return keyed_digest(store_secret(x->w.store), "invite", str_mem(secret, PAIRING_SECRET_BYTES));
}

static enum rc keep_invite(struct tx *tx, void *ctx, struct err *err)
{
	struct inviting *v = ctx;
	struct digest d = secret_digest(v->x, v->i.secret);
	v->i.expires_us = tx_now_us(tx) + v->life_us;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO partner_invite (secret, made_us, expires_us, by, used_us, partner)"
					 " VALUES (?, ?, ?, ?, 0, ?)");
	sql_blob(q, 1, str_mem(d.b, sizeof d.b));
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, v->i.expires_us);
	sql_str(q, 4, v->by);
	if (uuid_is_zero(&v->partner))
		sql_null(q, 5);
	else
		sql_blob(q, 5, str_mem(v->partner.b, sizeof v->partner.b));
	enum rc rc = sql_run(q, err);
	const struct journal_act act = { .act = "partner.invite", .actor = v->by, .object = STR("node") };
	return rc == RC_OK ? journal_add(tx, v->x->w.journal, &act, err) : rc;
}

static enum rc own_now(struct exchange *x, struct arena *a, struct own_keys *out, struct err *err)
{
	struct reader *r = NULL;
	*out = (struct own_keys){ .rotating = false };
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = keys_own(reader_conn(r), a, out, err);
	store_read_end(r);
	return rc;
}

str pairing_own_address(struct exchange *x)
{
	str address = x->w.settings ? settings_text(x->w.settings, "exchange_address") : STR("");
	while (str_ends(address, STR("/")))
		address.n--;
	return address;
}

enum rc pairing_invite(struct exchange *x, int64_t life_us, struct uuid partner, str by, struct buf *line,
		       struct err *err)
{
	struct arena *a = arena_new(KIB(8));
	struct own_keys k;
	struct inviting v = { .x = x, .partner = partner, .life_us = life_us, .by = by };
	v.i.address = pairing_own_address(x);
	v.i.node = store_node_id(x->w.store);
	v.i.name = store_node_name(x->w.store);
	random_bytes(v.i.secret, sizeof v.i.secret);
	enum rc rc = pairing_address_ok(v.i.address) ? own_now(x, a, &k, err) :
			fail(err, RC_INPUT, "set exchange_listen, and exchange_address to where partners reach it, as "
			     "https://watch.example.org:8421");
	if (rc == RC_OK) {
		v.i.who = k.now.who;
		keys_wipe(&k);
		rc = store_write(x->w.store, keep_invite, &v, err);
	}
	if (rc == RC_OK)
		pairing_write(&v.i, line);
	explicit_bzero(v.i.secret, sizeof v.i.secret);
	arena_free(a);
	return rc;
}

/* --- being asked --- */

struct asked {
	struct exchange *x;
	struct claim claim;
	unsigned char secret[PAIRING_SECRET_BYTES];
	struct arena *a;
	struct partner partner;
	bool again;                /* by one who has the line, after another used it */
};

static enum rc use_invite(struct tx *tx, struct asked *k, struct uuid *partner, struct err *err)
{
	struct digest d = secret_digest(k->x, k->secret);
	struct sql *q = sql(tx_conn(tx), "SELECT id, expires_us, used_us, partner FROM partner_invite WHERE secret = ?");
	sql_blob(q, 1, str_mem(d.b, sizeof d.b));
	bool found = sql_row(q);
	int64_t id = found ? sql_col_int(q, 0) : 0, expires = found ? sql_col_int(q, 1) : 0;
	bool used = found && sql_col_int(q, 2) > 0;
	str of = found ? sql_col_blob(q, 3) : STR_NONE;
	if (of.n == sizeof partner->b)
		memcpy(partner->b, of.p, of.n);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		return fail(err, RC_DENIED, "there is no such invitation");
	k->again = used;
	if (used)
		return fail(err, RC_DENIED, "the invitation was used already: ask for another one, and whether you were "
			    "the one who used it");
	if (expires <= tx_now_us(tx))
		return fail(err, RC_DENIED, "the invitation has run out: ask for another one");
	q = sql(tx_conn(tx), "UPDATE partner_invite SET used_us = ?2 WHERE id = ?1");
	sql_int(q, 1, id);
	sql_int(q, 2, tx_now_us(tx));
	return sql_run(q, err);
}

static enum rc pair_asked(struct tx *tx, void *ctx, struct err *err)
{
	struct asked *k = ctx;
	struct uuid partner = { { 0 } };
	enum rc rc = use_invite(tx, k, &partner, err);
	return rc == RC_OK ? pairing_keep(tx, k->x, &k->claim, partner, k->claim.address.n ? "" : "none", STR("node"),
					  k->a, &k->partner, err) : rc;
}

/* Two had the line: somebody must ask which one it was. Said each time, whatever else is refused meanwhile. */
static enum rc note_again(struct tx *tx, void *ctx, struct err *err)
{
	const struct asked *k = ctx;
	struct buf body = BUF_INIT(KIB(2));
	struct json_out j = json_out(&body);
	json_open(&j, '{');
	json_put_str(&j, "node", k->claim.node);
	json_put_str(&j, "name", k->claim.name);
	json_close(&j, '}');
	const struct journal_act act = { .act = "partner.invite.again", .actor = STR("node"), .object = STR("node"),
					 .body = buf_str(&body) };
	enum rc rc = journal_add(tx, k->x->w.journal, &act, err);
	buf_free(&body);
	return rc;
}

static void said_again(struct asked *k)
{
	struct err err = { 0 };
	log_warn(k->x->w.log, "an invitation that was used came again: who of the two is it?", L_STR("partner", k->claim.name));
	if (store_write(k->x->w.store, note_again, k, &err) != RC_OK)
		log_warn(k->x->w.log, "that is not in the journal", L_Z("why", err.text));
}

static enum rc read_claim(str body, struct asked *k, struct err *err)
{
	struct json_object *o = NULL;
	struct buf secret = BUF_INIT(64);
	struct uuid node;
	struct claim *c = &k->claim;
	enum rc rc = json_read(body, &o, err);
	if (rc == RC_OK) {
		c->node = arena_str(k->a, json_get_str(o, "node"));
		c->name = arena_str(k->a, json_get_str(o, "name"));
		c->address = arena_str(k->a, json_get_str(o, "address"));
	}
	if (rc == RC_OK && !(uuid_parse(c->node, &node) && pairing_name_ok(c->name) &&
			     (c->address.n == 0 || pairing_address_ok(c->address)) &&
			     hex_parse(json_get_str(o, "sign"), c->who.sign, sizeof c->who.sign) &&
			     base64url_parse(json_get_str(o, "secret"), &secret) && secret.n == sizeof k->secret))
		rc = fail(err, RC_INPUT, "what was sent is no answer to an invitation");
	if (rc == RC_OK)
		memcpy(k->secret, secret.p, secret.n);
	buf_free(&secret);
	json_free(o);
	return rc;
}

static struct signed_head pair_head(str from, str to)
{
	return (struct signed_head){ .from = from, .to = to, .what = STR("pair"), .type = STR("application/json") };
}

enum rc pairing_asked(struct exchange *x, const struct digest *pin, str body, str signature, struct arena *a,
		      struct buf *answer, struct err *err)
{
	struct asked k = { .x = x, .a = a };
	if (!pin)
		return fail(err, RC_DENIED, "show a certificate");
	enum rc rc = read_claim(body, &k, err);
	if (rc != RC_OK)
		return rc;
	k.claim.who.pin = *pin;
	const struct signed_head head = pair_head(k.claim.node, store_node_id(x->w.store));
	if (!signature_good(k.claim.who.sign, &head, body, signature))
		return fail(err, RC_DENIED, "the answer to the invitation is not signed by the key it names");
	rc = store_write(x->w.store, pair_asked, &k, err);
	explicit_bzero(k.secret, sizeof k.secret);
	if (rc != RC_OK && k.again)
		said_again(&k);
	if (rc != RC_OK)
		return rc;
	struct json_out j = json_out(answer);
	json_open(&j, '{');
	json_put_str(&j, "node", store_node_id(x->w.store));
	json_put_str(&j, "name", store_node_name(x->w.store));
	json_close(&j, '}');
	log_info(x->w.log, "an invitation was accepted; its words are to be compared", L_STR("partner", k.claim.name));
	return RC_OK;
}

/* --- accepting --- */

struct accepting {
	struct exchange *x;
	struct invitation i;
	struct claim claim;
	const char *way;
	str by;
	struct arena *a;
	struct partner partner;
};

static enum rc keep_accepted(struct tx *tx, void *ctx, struct err *err)
{
	struct accepting *k = ctx;
	return pairing_keep(tx, k->x, &k->claim, (struct uuid){ { 0 } }, k->way, k->by, k->a, &k->partner, err);
}

static void write_claim(struct accepting *k, const struct own_keys *own, struct buf *body)
{
	struct json_out j = json_out(body);
	struct buf text = BUF_INIT(128);
	json_open(&j, '{');
	base64url_format(&text, k->i.secret, sizeof k->i.secret);
	json_put_str(&j, "secret", buf_str(&text));
	json_put_str(&j, "node", store_node_id(k->x->w.store));
	json_put_str(&j, "name", store_node_name(k->x->w.store));
	json_put_str(&j, "address", pairing_own_address(k->x));
	buf_reset(&text);
	hex_format(&text, own->now.who.sign, sizeof own->now.who.sign);
	json_put_str(&j, "sign", buf_str(&text));
	json_close(&j, '}');
	buf_free(&text);
}

static enum rc refused(const struct fetch_answer *answer, struct err *err)
{
	struct json_object *o = NULL;
	str words = STR_NONE;
	if (json_read(answer->body, &o, NULL) == RC_OK)
		words = json_get_str(o, "title");
	enum rc rc = fail(err, answer->status >= 500 ? RC_BUSY : RC_DENIED, "the other node refuses (%d): " STR_FMT,
			  answer->status, STR_ARG(words.n && str_is_plain(words) ? str_head(words, 150) : STR("without a reason")));
	json_free(o);
	return rc;
}

static enum rc ask(struct accepting *k, const struct own_keys *own, struct err *err)
{
	struct buf body = BUF_INIT(PAIRING_BODY_MAX), signature = BUF_INIT(256);
	const struct signed_head head = pair_head(store_node_id(k->x->w.store), k->i.node);
	const struct fetch_pinned pinned = { .pins = &k->i.who.pin, .pin_count = 1, .cert = own->now.cert,
					     .key = own->now.key };
	struct fetch_answer answer;
	write_claim(k, own, &body);
	signature_make(own->now.secret, &head, buf_str(&body), &signature);
	const struct fetch_header headers[] = { { "Ronda-Signature", buf_str(&signature) } };
	const struct fetch_request q = { .purpose = "partner", .url = arena_fmt(k->a, STR_FMT "/pair", STR_ARG(k->i.address)),
					 .form = &body, .form_type = "application/json", .headers = headers,
					 .header_count = 1, .pinned = &pinned };
	enum rc rc = fetch(k->x->fetcher, &q, k->a, &answer, err);
	if (rc == RC_OK && answer.status != 200)
		rc = refused(&answer, err);
	explicit_bzero(body.p, body.n);
	buf_free(&body);
	buf_free(&signature);
	return rc;
}

enum rc pairing_accept(struct exchange *x, str line, str by, struct arena *a, struct paired *out, struct err *err)
{
	struct accepting k = { .x = x, .by = by, .a = a };
	struct own_keys own = { .rotating = false };
	enum rc rc = pairing_read(line, a, &k.i, err);
	if (rc == RC_OK && k.i.expires_us <= clock_now_us())
		rc = fail(err, RC_DENIED, "the invitation has run out: ask for another one");
	if (rc == RC_OK && pairing_own_address(x).n && !pairing_address_ok(pairing_own_address(x)))
		rc = fail(err, RC_INPUT, "exchange_address is no address as https://watch.example.org:8421");
	if (rc == RC_OK)
		rc = own_now(x, a, &own, err);
	if (rc == RC_OK)
		certificate_use(x, &own, a);
	if (rc == RC_OK)
		rc = ask(&k, &own, err);
	k.claim = (struct claim){ .node = k.i.node, .name = k.i.name, .address = k.i.address, .who = k.i.who };
	k.way = pairing_own_address(x).n ? "" : "both"; /* who is not reached fetches */
	if (rc == RC_OK)
		rc = store_write(x->w.store, keep_accepted, &k, err);
	if (rc == RC_OK) {
		out->partner = k.partner;
		rc = pairing_words(&own.now.who, store_node_id(x->w.store), &k.i.who, k.i.node, out->words, err);
	}
	keys_wipe(&own);
	explicit_bzero(k.i.secret, sizeof k.i.secret);
	return rc;
}

/* --- comparing, confirming --- */

enum rc pairing_words_of(struct exchange *x, struct conn *c, const struct partner *p, struct arena *a,
			 char out[PAIRING_WORDS_MAX], struct err *err)
{
	struct partner_key *list;
	struct own_keys own;
	size_t count = 0, at = 0;
	enum rc rc = partner_keys(c, p->id, a, &list, &count, err);
	if (rc != RC_OK)
		return rc;
	while (at < count && list[at].state != KEY_WAITS)
		at++;
	if (at == count)
		return fail(err, RC_ABSENT, "no key of '" STR_FMT "' waits to be confirmed", STR_ARG(p->name));
	rc = keys_own(c, a, &own, err);
	struct buf node = BUF_INIT(64);
	uuid_format(&node, &p->node);
	if (rc == RC_OK)
		rc = pairing_words(&own.now.who, store_node_id(x->w.store), &list[at].who, buf_str(&node), out, err);
	keys_wipe(&own);
	buf_free(&node);
	return rc;
}

struct before {
	const struct partner *p;
	struct arena *a;
	struct partner *out;
	bool found;
};

static bool is_before(void *ctx, const struct partner *p)
{
	struct before *b = ctx;
	b->found = p->ended && uuid_equal(&p->node, &b->p->node) && !uuid_equal(&p->id, &b->p->id);
	if (b->found) {
		*b->out = *p;
		b->out->name = arena_str(b->a, p->name);
	}
	return !b->found;
}

enum rc pairing_before(struct exchange *x, struct conn *c, const struct partner *p, struct arena *a, struct partner *out,
		       struct err *err)
{
	struct before b = { p, a, out, false };
	enum rc rc = uuid_is_zero(&p->node) ? RC_OK : partners_list(x, c, false, a, is_before, &b, err);
	return rc == RC_OK && !b.found ? RC_ABSENT : rc;
}

static enum rc check_before(struct tx *tx, struct exchange *x, const struct partner *p, struct arena *a, struct err *err)
{
	struct partner before;
	enum rc rc = pairing_before(x, tx_conn(tx), p, a, &before, err);
	if (rc == RC_OK)
		return fail(err, RC_DENIED, "its node says that it was that of '" STR_FMT "', which has ended: whoever has its name "
					    "may withdraw what it sent; when it is the same team, say --same-team", STR_ARG(before.name));
	return rc == RC_ABSENT ? RC_OK : rc;
}

enum rc pairing_confirm(struct tx *tx, struct exchange *x, const struct partner *p, bool same_team, str by, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	uint64_t count = 0;
	struct record out;
	enum rc rc = same_team ? RC_OK : check_before(tx, x, p, a, err);
	if (rc == RC_OK)
		rc = partner_keys_confirm(tx, p->id, &count, err);
	if (rc == RC_OK && count == 0)
		rc = fail(err, RC_ABSENT, "no key of '" STR_FMT "' waits to be confirmed", STR_ARG(p->name));
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	const struct type *t = types_meaning(snapshot_table(ref), STR("partner.kind"));
	const struct meaning *active = t ? type_meaning(t, STR("partner.active")) : NULL;
	if (rc == RC_OK && active && !p->active) {
		const struct record_change c = { .type = t, .id = p->id, .to_state = (int)active->state, .actor = by,
						 .why = STR("the words were the same") };
		rc = record_put(tx, x->w.records, &c, a, &out, NULL, 0, NULL, err);
	}
	snapshot_drop(x->w.types, ref);
	record_id_format(&id, STR("partner"), &p->id);
	const struct journal_act act = { .act = "partner.confirm", .actor = by, .object = buf_str(&id), .count = count };
	if (rc == RC_OK)
		rc = journal_add(tx, x->w.journal, &act, err);
	buf_free(&id);
	arena_free(a);
	return rc;
}
