/* SPDX-License-Identifier: Apache-2.0 */
/* Pairing, both ends of its one call. A body of /pair: in it $SECRET is the secret of an invitation that stands, $SIGN the
 * key it is signed by, and $US our node id, so that also what means ill comes through. Or, behind a line "accept", what the one
 * who invited answers us (answers.h). Whatever was said: an invitation makes one partner at most, in draft, with keys that
 * wait, by a node id that is neither ours nor another's. */
#include "exchange/pairing_private.h"

#include "answers.h"
#include "partner_world.h"

#define SERVER "https://watch.example.org:8421"
#define OTHER_NODE_ID "dddddddd-0000-4000-8000-000000000002"

/* --- what stands --- */

struct stands {
	struct partner_world *w;
	int64_t partners, drafts, waiting, good, open;
	struct uuid draft;         /* one of the drafts */
};

static int64_t number(struct sql *q)
{
	MUST(sql_row(q));
	int64_t n = sql_col_int(q, 0);
	MUST(sql_end(q, NULL) == RC_OK);
	return n;
}

static bool look_at(void *ctx, const struct partner *p)
{
	struct stands *s = ctx;
	struct uuid us;
	if (p->ended)
		return true;
	s->partners++;
	MUST(uuid_parse(store_node_id(s->w->team.w.s), &us) && !uuid_equal(&p->node, &us) && !uuid_is_zero(&p->node));
	if (uuid_equal(&p->id, &s->w->from.id))
		return true;
	MUST(!uuid_equal(&p->node, &s->w->from.node) && !p->active && p->kind == PARTNER_NODE);
	MUST(p->name.n > 0 && str_is_plain(p->name) && (p->address.n == 0 || pairing_address_ok(p->address)));
	s->draft = p->id;
	s->drafts++;
	return true;
}

static void look(struct stands *s, struct partner_world *w, struct arena *a)
{
	struct reader *r;
	*s = (struct stands){ .w = w };
	MUST(store_read_begin(w->team.w.s, &r, &err) == RC_OK);
	struct conn *c = reader_conn(r);
	MUST(partners_list(&w->team.x, c, false, a, look_at, s, &err) == RC_OK);
	s->waiting = number(sql(c, "SELECT count(*) FROM partner_key WHERE state = 1"));
	s->good = number(sql(c, "SELECT count(*) FROM partner_key WHERE state = 2"));
	s->open = number(sql(c, "SELECT count(*) FROM partner_invite WHERE used_us = 0"));
	store_read_end(r);
}

/* The next run finds what this one found. */
static enum rc end_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct stands *s = ctx;
	struct world *t = &s->w->team.w;
	const struct type *type = types_find(snapshot_table(t->held), STR("partner"));
	struct record out;
	const struct record_change c = { .type = type, .id = s->draft, .to_state = type_state(type, STR("ended")),
					 .actor = STR("unix:0"), .why = STR("so") };
	enum rc rc = s->drafts ? record_put(tx, t->r, &c, t->a, &out, NULL, 0, NULL, e) : RC_OK;
	if (rc == RC_OK)
		rc = sql_run(sql(tx_conn(tx), "DELETE FROM partner_key WHERE state = 1"), e);
	return rc == RC_OK ? sql_run(sql(tx_conn(tx), "DELETE FROM partner_invite"), e) : rc;
}

/* --- being asked --- */

static str filled(struct partner_world *w, str text, const struct invitation *i, const unsigned char *sign, struct buf *out)
{
	static const char *const names[] = { "$SECRET", "$SIGN", "$US" };
	while (text.n > 0) {
		size_t n = 0;
		while (n < COUNT_OF(names) && !str_starts(text, str_of(names[n])))
			n++;
		if (n == 0)
			base64url_format(out, i->secret, sizeof i->secret);
		else if (n == 1)
			hex_format(out, sign, crypto_sign_PUBLICKEYBYTES);
		else if (n == 2)
			buf_add(out, store_node_id(w->team.w.s));
		else
			buf_char(out, text.p[0]);
		text = str_from(text, n < COUNT_OF(names) ? strlen(names[n]) : 1);
	}
	return buf_str(out);
}

static void ask(struct partner_world *w, str text, struct arena *a)
{
	static const unsigned char seed[crypto_sign_SEEDBYTES] = { 11 };
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	struct buf line = BUF_INIT(PAIRING_LINE_MAX), body = BUF_INIT(MIB(1)), signature = BUF_INIT(256), answer = BUF_INIT(KIB(8));
	const struct digest pin = sha256(STR("another certificate"));
	struct json_object *o = NULL;
	struct stands before, after;
	struct invitation i;
	MUST(crypto_sign_seed_keypair(public, secret, seed) == 0);
	MUST(pairing_invite(&w->team.x, HOUR_US, (struct uuid){ { 0 } }, STR("unix:0"), &line, &err) == RC_OK);
	MUST(pairing_read(buf_str(&line), a, &i, &err) == RC_OK);
	str said = filled(w, text, &i, public, &body);
	if (json_read(said, &o, NULL) == RC_OK) {
		const struct signed_head h = { .from = json_get_str(o, "node"), .to = store_node_id(w->team.w.s), .what = STR("pair"),
					       .type = STR("application/json") };
		signature_make(secret, &h, said, &signature);
	}
	json_free(o);
	look(&before, w, a);
	err.text[0] = 0;
	enum rc rc = pairing_asked(&w->team.x, &pin, said, buf_str(&signature), a, &answer, &err);
	look(&after, w, a);
	MUST(rc == RC_OK || err.text[0]);
	int64_t one = rc == RC_OK;
	MUST(after.partners == before.partners + one && after.drafts == one && after.waiting == one && after.good == before.good);
	MUST(after.open == before.open - one);
	if (rc == RC_OK)
		MUST(pairing_asked(&w->team.x, &pin, said, buf_str(&signature), a, &answer, &err) == RC_DENIED);
	MUST(store_write(w->team.w.s, end_job, &after, &err) == RC_OK);
	buf_free(&line), buf_free(&body), buf_free(&signature), buf_free(&answer);
}

/* --- accepting --- */

static void accept_line(struct partner_world *w, str text, struct arena *a)
{
	struct buf line = BUF_INIT(PAIRING_LINE_MAX);
	struct stands after;
	struct paired paired;
	struct invitation i = { .address = STR(SERVER), .node = STR(OTHER_NODE_ID), .name = STR("Team D"),
				.expires_us = clock_now_us() + HOUR_US };
	memset(&i.who, 3, sizeof i.who);
	pairing_write(&i, &line);
	answers_begin(text, SERVER);
	err.text[0] = 0;
	enum rc rc = pairing_accept(&w->team.x, buf_str(&line), STR("unix:0"), a, &paired, &err);
	look(&after, w, a);
	MUST(rc == RC_OK || (err.text[0] && str_is_utf8(str_of(err.text))));
	MUST(answers.asked == 1);
	MUST(after.drafts == (rc == RC_OK) && after.waiting == (rc == RC_OK));
	MUST(store_write(w->team.w.s, end_job, &after, &err) == RC_OK);
	buf_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct partner_world *w = partner_world();
	struct arena *a = arena_new(KIB(16));
	str text = str_mem(data, size), rest = text;
	if (str_eq(str_cut(&rest, '\n'), STR("accept")))
		accept_line(w, rest, a);
	else
		ask(w, text, a);
	arena_free(a);
	return 0;
}
