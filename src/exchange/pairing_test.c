/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_world.h"

#include <ctype.h>

#include "exchange/pairing.h"
#include "exchange/pairing_private.h"

static const struct setting_row rows[] = {
	{ "exchange_address", SETTING_TEXT, "https://a.example.org:8421", "", "", "" },
};

static struct settings *settings_of(void)
{
	struct settings *s = NULL;
	CHECK_RC(settings_load(rows, COUNT_OF(rows), STR_NONE, "t", NULL, NULL, 0, &s, &err), RC_OK, err);
	return s;
}

static struct identity identity_of(uint8_t n)
{
	struct identity i;
	memset(&i, n, sizeof i);
	return i;
}

TEST(six_words_are_the_same_on_both_sides)
{
	struct identity a = identity_of(1), b = identity_of(2), c = identity_of(2);
	char one[PAIRING_WORDS_MAX], other[PAIRING_WORDS_MAX], third[PAIRING_WORDS_MAX];
	CHECK_RC(pairing_words(&a, STR("na"), &b, STR("nb"), one, &err), RC_OK, err);
	CHECK_RC(pairing_words(&b, STR("nb"), &a, STR("na"), other, &err), RC_OK, err);
	CHECK_STR(str_of(one), str_of(other));
	CHECK_INT(strlen(one), PAIRING_WORDS * 6 - 1);
	for (size_t i = 0; i < strlen(one); i++)
		CHECK_MSG((one[i] == ' ') == (i % 6 == 5), "%s", one);
	/* any bit of either identity, or another node, is other words */
	c.sign[31] ^= 1;
	CHECK_RC(pairing_words(&a, STR("na"), &c, STR("nb"), third, &err), RC_OK, err);
	CHECK(strcmp(one, third) != 0);
	CHECK_RC(pairing_words(&a, STR("na"), &b, STR("nc"), third, &err), RC_OK, err);
	CHECK(strcmp(one, third) != 0);
}

/* What a node answers to an invitation, signed with `secret`. */
static str claim_of(struct team *t, const struct invitation *i, const char *node, const char *name, const uint8_t *sign)
{
	struct buf b = BUF_INIT(256), s = BUF_INIT(256);
	hex_format(&s, sign, 32);
	base64url_format(&b, i->secret, sizeof i->secret);
	str text = arena_fmt(t->w.a, "{\"secret\":\"%s\",\"node\":\"%s\",\"name\":\"%s\",\"address\":\"\",\"sign\":\"%s\"}", b.p, node,
			     name, s.p);
	buf_free(&b);
	buf_free(&s);
	return text;
}

static enum rc asked(struct team *t, const struct digest *pin, str node, str body, const unsigned char *secret)
{
	struct buf answer = BUF_INIT(KIB(8)), signature = BUF_INIT(256);
	const struct signed_head h = { .from = node, .to = store_node_id(t->w.s), .what = STR("pair"),
				       .type = STR("application/json") };
	if (secret)
		signature_make(secret, &h, body, &signature);
	enum rc rc = pairing_asked(&t->x, pin, body, buf_str(&signature), t->w.a, &answer, &err);
	buf_free(&answer);
	buf_free(&signature);
	return rc;
}

static struct invitation invite(struct team *t, int64_t life_us, struct uuid partner)
{
	struct buf line = BUF_INIT(PAIRING_LINE_MAX);
	struct invitation i = { .node = STR("") };
	CHECK_RC(pairing_invite(&t->x, life_us, partner, STR("unix:0"), &line, &err), RC_OK, err);
	CHECK(!str_has(buf_str(&line), ' ') && !str_has(buf_str(&line), '\n'));
	CHECK_RC(pairing_read(buf_str(&line), t->w.a, &i, &err), RC_OK, err);
	buf_free(&line);
	return i;
}

static struct own_keys own(struct team *t)
{
	struct own_keys k;
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	CHECK_RC(keys_own(reader_conn(r), t->w.a, &k, &err), RC_OK, err);
	store_read_end(r);
	return k;
}

#define NODE_B "4d1b7a0e-0000-4000-8000-00000000000b"
#define NODE_C "4d1b7a0e-0000-4000-8000-00000000000c"

struct confirming {
	struct team *t;
	struct partner p;
	bool same_team;
};

static enum rc confirm(struct tx *tx, void *ctx, struct err *e)
{
	struct confirming *f = ctx;
	return pairing_confirm(tx, &f->t->x, &f->p, f->same_team, STR("unix:0"), e);
}

static enum rc end_partner(struct tx *tx, void *ctx, struct err *e)
{
	struct confirming *f = ctx;
	struct record out;
	struct snapshot_ref *ref = snapshot_hold(f->t->x.w.types);
	const struct type *t = types_meaning(snapshot_table(ref), STR("partner.kind"));
	const struct record_change c = { .type = t, .id = f->p.id, .to_state = type_state(t, STR("ended")), .actor = STR("unix:0"),
					 .why = STR("they said so") };
	enum rc rc = record_put(tx, f->t->x.w.records, &c, f->t->w.a, &out, NULL, 0, NULL, e);
	snapshot_drop(f->t->x.w.types, ref);
	return rc;
}

static void find_partner(struct confirming *f, const char *name)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(f->t->w.s, &r, &err), RC_OK, err);
	CHECK_RC(partner_find(&f->t->x, reader_conn(r), str_of(name), f->t->w.a, &f->p, &err), RC_OK, err);
	store_read_end(r);
}

static enum rc by_pin(struct team *t, const struct digest *pin, struct partner *out)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	enum rc rc = partner_by_pin(&t->x, reader_conn(r), pin, t->w.a, out, &err);
	store_read_end(r);
	return rc;
}

static enum rc by_caller(struct team *t, const struct partner_caller *who, struct partner *out, struct partner_key *key)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	enum rc rc = partner_by_caller(&t->x, reader_conn(r), who, t->w.a, out, key, &err);
	store_read_end(r);
	return rc;
}

/* An authority speaks of nodes that are partners, and of no key that is another's. */
static void check_vouched(struct team *t, const struct digest *known, struct uuid partner)
{
	struct digest pin = { { 5 } };
	struct partner_caller who = { .pin = &pin };
	struct partner_key key;
	struct partner p;
	CHECK_RC(by_caller(t, &who, &p, &key), RC_ABSENT, err);
	who.unvouched = "its certificate has expired";
	CHECK_RC(by_caller(t, &who, &p, &key), RC_DENIED, err);
	CHECK(strstr(err.text, "has expired"));
	who = (struct partner_caller){ .pin = &pin, .vouched = STR("urn:uuid:" NODE_B) };
	CHECK_RC(by_caller(t, &who, &p, &key), RC_OK, err);
	CHECK(memcmp(&p.id, &partner, sizeof partner) == 0 && memcmp(&key.who.pin, known, sizeof *known) == 0);
	static const char *const bad[] = { "urn:uuid:" NODE_C, "urn:uuid:", "urn:uuid:00000000-0000-0000-0000-000000000000",
					   "urn:uuid:nobody" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		who.vouched = str_of(bad[i]);
		CHECK_MSG(by_caller(t, &who, &p, &key) == RC_DENIED, "%s", bad[i]);
	}
	/* a key that is known is his whose it is */
	who.pin = known;
	CHECK_RC(by_caller(t, &who, &p, &key), RC_OK, err);
	CHECK(memcmp(&p.id, &partner, sizeof partner) == 0);
	/* the key of nobody signs nothing */
	static const uint8_t none[32];
	CHECK(!signature_good(none, &(struct signed_head){ .what = STR("push") }, STR(""), STR("v1=")));
}

TEST(an_invitation_is_good_once_and_not_for_long)
{
	struct team a, b;
	struct settings *settings = settings_of();
	team_new(&a);
	team_new(&b);
	a.x.w.settings = settings;
	struct own_keys kb = own(&b);
	struct invitation i = invite(&a, DAY_US, (struct uuid){ { 0 } });
	struct own_keys ka = own(&a);
	CHECK(memcmp(&i.who, &ka.now.who, sizeof i.who) == 0);
	CHECK_STR(i.address, STR("https://a.example.org:8421"));
	str body = claim_of(&a, &i, NODE_B, "Team B", kb.now.who.sign);
	/* without a certificate; by another's signature; with another secret; as ourselves */
	CHECK_RC(asked(&a, NULL, STR(NODE_B), body, kb.now.secret), RC_DENIED, err);
	CHECK_RC(asked(&a, &kb.now.who.pin, STR(NODE_B), body, NULL), RC_DENIED, err);
	CHECK_RC(asked(&a, &kb.now.who.pin, STR(NODE_B), body, ka.now.secret), RC_DENIED, err);
	struct invitation other = i;
	other.secret[3] ^= 1;
	CHECK_RC(asked(&a, &kb.now.who.pin, STR(NODE_B), claim_of(&a, &other, NODE_B, "Team B", kb.now.who.sign),
		       kb.now.secret), RC_DENIED, err);
	CHECK(strstr(err.text, "no such invitation"));
	str self = arena_str(a.w.a, store_node_id(a.w.s));
	CHECK_RC(asked(&a, &kb.now.who.pin, self, claim_of(&a, &i, self.p, "Team B", kb.now.who.sign), kb.now.secret),
		 RC_CONFLICT, err);
	char *capitals = arena_z(a.w.a, self);
	for (size_t n = 0; capitals[n]; n++)
		capitals[n] = (char)toupper((unsigned char)capitals[n]);
	self = str_of(capitals);
	CHECK_RC(asked(&a, &kb.now.who.pin, self, claim_of(&a, &i, capitals, "Team B", kb.now.who.sign), kb.now.secret),
		 RC_CONFLICT, err);
	self = STR("00000000-0000-0000-0000-000000000000");
	CHECK_RC(asked(&a, &kb.now.who.pin, self, claim_of(&a, &i, self.p, "Team B", kb.now.who.sign), kb.now.secret),
		 RC_CONFLICT, err);
	static const char *const bad[] = { "", "[]", "{}", "{\"secret\":\"\"}", "nothing" };
	for (size_t n = 0; n < COUNT_OF(bad); n++)
		CHECK_MSG(asked(&a, &kb.now.who.pin, STR(NODE_B), str_of(bad[n]), kb.now.secret) == RC_INPUT, "%s", bad[n]);
	/* none of these used it up */
	CHECK_RC(asked(&a, &kb.now.who.pin, STR(NODE_B), body, kb.now.secret), RC_OK, err);
	CHECK_RC(asked(&a, &kb.now.who.pin, STR(NODE_B), body, kb.now.secret), RC_DENIED, err);
	CHECK(strstr(err.text, "used already"));
	/* nothing is believed before people compared the words */
	struct confirming f = { .t = &a };
	struct reader *r = NULL;
	char words[PAIRING_WORDS_MAX], theirs[PAIRING_WORDS_MAX];
	CHECK_RC(by_pin(&a, &kb.now.who.pin, &f.p), RC_ABSENT, err);
	CHECK_RC(store_read_begin(a.w.s, &r, &err), RC_OK, err);
	CHECK_RC(partner_find(&a.x, reader_conn(r), STR("Team B"), a.w.a, &f.p, &err), RC_OK, err);
	CHECK_RC(pairing_words_of(&a.x, reader_conn(r), &f.p, a.w.a, words, &err), RC_OK, err);
	store_read_end(r);
	CHECK_RC(pairing_words(&kb.now.who, STR(NODE_B), &i.who, i.node, theirs, &err), RC_OK, err);
	CHECK_STR(str_of(words), str_of(theirs));
	CHECK_RC(store_write(a.w.s, confirm, &f, &err), RC_OK, err);
	CHECK_RC(store_write(a.w.s, confirm, &f, &err), RC_ABSENT, err);
	CHECK_RC(by_pin(&a, &kb.now.who.pin, &f.p), RC_OK, err);
	CHECK(!f.p.push && !f.p.pull && f.p.kind == PARTNER_NODE); /* it has no address */
	check_vouched(&a, &kb.now.who.pin, f.p.id);
	/* another one cannot be this node; the invitation of this partner gives it new keys */
	struct invitation again = invite(&a, DAY_US, (struct uuid){ { 0 } });
	struct own_keys kc = own(&b);
	memset(kc.now.who.pin.b, 7, sizeof kc.now.who.pin.b);
	body = claim_of(&a, &again, NODE_B, "Team B again", kc.now.who.sign);
	CHECK_RC(asked(&a, &kc.now.who.pin, STR(NODE_B), body, kc.now.secret), RC_CONFLICT, err);
	again = invite(&a, DAY_US, f.p.id);
	body = claim_of(&a, &again, NODE_B, "Team B again", kc.now.who.sign);
	CHECK_RC(asked(&a, &kc.now.who.pin, STR(NODE_B), body, kc.now.secret), RC_OK, err);
	CHECK_RC(by_pin(&a, &kc.now.who.pin, &f.p), RC_ABSENT, err);
	/* too late */
	again = invite(&a, HOUR_US, (struct uuid){ { 0 } });
	if (clock_move(2 * HOUR_US)) {
		body = claim_of(&a, &again, NODE_C, "Team C", kb.now.who.sign);
		memset(kc.now.who.pin.b, 8, sizeof kc.now.who.pin.b);
		CHECK_RC(asked(&a, &kc.now.who.pin, STR(NODE_C), body, kb.now.secret), RC_DENIED, err);
		CHECK(strstr(err.text, "run out"));
		clock_move(-2 * HOUR_US);
	}
	/* when it has ended, another may say that it is this node: people are asked */
	find_partner(&f, "Team B");
	CHECK_RC(store_write(a.w.s, end_partner, &f, &err), RC_OK, err);
	again = invite(&a, DAY_US, (struct uuid){ { 0 } });
	memset(kc.now.who.pin.b, 9, sizeof kc.now.who.pin.b);
	body = claim_of(&a, &again, NODE_B, "Team M", kc.now.who.sign);
	CHECK_RC(asked(&a, &kc.now.who.pin, STR(NODE_B), body, kc.now.secret), RC_OK, err);
	find_partner(&f, "Team M");
	CHECK_RC(store_write(a.w.s, confirm, &f, &err), RC_DENIED, err);
	CHECK(strstr(err.text, "'Team B'"));
	CHECK_RC(by_pin(&a, &kc.now.who.pin, &f.p), RC_ABSENT, err);
	find_partner(&f, "Team M");
	f.same_team = true;
	CHECK_RC(store_write(a.w.s, confirm, &f, &err), RC_OK, err);
	CHECK_RC(by_pin(&a, &kc.now.who.pin, &f.p), RC_OK, err);
	world_end(&a.w);
	world_end(&b.w);
	settings_free(settings);
}

TEST(a_line_that_was_not_copied_whole_says_so)
{
	struct team a;
	struct settings *settings = settings_of();
	struct buf line = BUF_INIT(PAIRING_LINE_MAX);
	struct invitation i;
	team_new(&a);
	CHECK_RC(pairing_invite(&a.x, DAY_US, (struct uuid){ { 0 } }, STR("unix:0"), &line, &err), RC_INPUT, err);
	a.x.w.settings = settings;
	CHECK_RC(pairing_invite(&a.x, DAY_US, (struct uuid){ { 0 } }, STR("unix:0"), &line, &err), RC_OK, err);
	for (size_t n = 0; n < line.n; n++)
		CHECK_MSG(pairing_read(str_head(buf_str(&line), n), a.w.a, &i, &err) == RC_INPUT, "%zu", n);
	for (size_t n = 0; n < line.n; n += 3) {
		line.p[n] ^= 1;
		CHECK_MSG(pairing_read(buf_str(&line), a.w.a, &i, &err) != RC_OK, "byte %zu", n);
		line.p[n] ^= 1;
	}
	str spaced = arena_fmt(a.w.a, "  " STR_FMT "\r\n", STR_ARG(buf_str(&line)));
	CHECK_RC(pairing_read(spaced, a.w.a, &i, &err), RC_OK, err);
	/* whole, and yet nothing that can be */
	static const char *const texts[] = { "[]", "{}", "{\"address\":\"http://a\"}", "1" };
	for (size_t n = 0; n < COUNT_OF(texts); n++) {
		buf_reset(&line);
		buf_add(&line, STR("ronda1."));
		base64url_format(&line, texts[n], strlen(texts[n]));
		buf_fmt(&line, ".%08x", crc32_of(str_of(texts[n])));
		CHECK_MSG(pairing_read(buf_str(&line), a.w.a, &i, &err) == RC_INPUT, "%s", texts[n]);
	}
	static const struct { const char *address; bool good; } addresses[] = {
		{ "https://a.example.org:8421", true }, { "https://[2001:db8::1]:8421", true }, { "http://a.example.org", false },
		{ "https://", false }, { "https://a/b", false }, { "https://u@a", false }, { "https://a b", false },
		{ "https://a?x", false }, { "https://a#x", false }, { "", false },
	};
	for (size_t n = 0; n < COUNT_OF(addresses); n++)
		CHECK_MSG(pairing_address_ok(str_of(addresses[n].address)) == addresses[n].good, "%s", addresses[n].address);
	buf_free(&line);
	world_end(&a.w);
	settings_free(settings);
}

/* Each but the last lacks one thing; none of them uses the invitation up. */
TEST(a_claim_that_cannot_be)
{
	static const struct { const char *name, *address; size_t secret; enum rc rc; } claims[] = {
		{ "Team\\u000aB", "", PAIRING_SECRET_BYTES, RC_INPUT }, { "", "", PAIRING_SECRET_BYTES, RC_INPUT },
		{ "Team B", "http://b.example.org", PAIRING_SECRET_BYTES, RC_INPUT },
		{ "Team B", "https://b.example.org/x", PAIRING_SECRET_BYTES, RC_INPUT },
		{ "Team B", "", PAIRING_SECRET_BYTES + 10, RC_INPUT }, { "Team B", "", PAIRING_SECRET_BYTES - 1, RC_INPUT },
		{ "Team B", "https://b.example.org:8421", PAIRING_SECRET_BYTES, RC_OK },
	};
	struct team a, b;
	struct settings *settings = settings_of();
	team_new(&a);
	team_new(&b);
	a.x.w.settings = settings;
	struct own_keys kb = own(&b);
	struct invitation i = invite(&a, DAY_US, (struct uuid){ { 0 } });
	for (size_t n = 0; n < COUNT_OF(claims); n++) {
		unsigned char bytes[PAIRING_SECRET_BYTES + 10] = { 0 };
		struct buf secret = BUF_INIT(256), sign = BUF_INIT(256);
		memcpy(bytes, i.secret, sizeof i.secret);
		base64url_format(&secret, bytes, claims[n].secret);
		hex_format(&sign, kb.now.who.sign, 32);
		str body = arena_fmt(a.w.a, "{\"secret\":\"%s\",\"node\":\"" NODE_B "\",\"name\":\"%s\",\"address\":\"%s\",\"sign\":\"%s\"}",
				     secret.p, claims[n].name, claims[n].address, sign.p);
		CHECK_MSG(asked(&a, &kb.now.who.pin, STR(NODE_B), body, kb.now.secret) == claims[n].rc, "%zu: %s", n, err.text);
		buf_free(&secret);
		buf_free(&sign);
	}
	/* nor is a line accepted that has run out, whoever would answer */
	struct buf line = BUF_INIT(PAIRING_LINE_MAX);
	struct paired paired;
	i.expires_us = clock_now_us() - SECOND_US;
	pairing_write(&i, &line);
	CHECK_RC(pairing_accept(&b.x, buf_str(&line), STR("unix:0"), b.w.a, &paired, &err), RC_DENIED, err);
	CHECK(strstr(err.text, "run out"));
	buf_free(&line);
	world_end(&a.w);
	world_end(&b.w);
	settings_free(settings);
}

TEST_MAIN(TEST_RUN(six_words_are_the_same_on_both_sides), TEST_RUN(an_invitation_is_good_once_and_not_for_long),
	  TEST_RUN(a_line_that_was_not_copied_whole_says_so), TEST_RUN(a_claim_that_cannot_be))
