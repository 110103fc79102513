/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/exchange_world.h"

#include "exchange/courier_private.h"

static struct own_keys own(struct team *t)
{
	struct own_keys k = { .rotating = false };
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	CHECK_RC(keys_own(reader_conn(r), t->w.a, &k, &err), RC_OK, err);
	store_read_end(r);
	return k;
}

struct key_job {
	struct team *t;
	struct uuid partner;
	struct identity who;
	enum key_state state;
	int64_t id, at_us;
	uint64_t count;
	struct partner_key old;
	str text, signature, node;
};

static enum rc add_key(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return partner_key_add(tx, k->partner, &k->who, k->state, 0, e);
}

static enum rc confirm(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return partner_keys_confirm(tx, k->partner, &k->count, e);
}

static enum rc revoke_key(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return partner_keys_revoke(tx, k->t->w.j, k->partner, k->id, k->text, STR("unix:0"), &k->count, e);
}

static enum rc rotate(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return keys_rotate(tx, &k->t->x, k->at_us, STR("unix:0"), e);
}

static enum rc switch_key(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return keys_switch(tx, &k->t->x, STR("unix:0"), e);
}

static enum rc announced(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return keys_announced(tx, &k->t->x, &k->old, k->node, k->text, k->signature, e);
}

static enum rc by_pin(struct team *t, const struct identity *who, struct partner *out)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	enum rc rc = partner_by_pin(&t->x, reader_conn(r), &who->pin, t->w.a, out, &err);
	store_read_end(r);
	return rc;
}

static struct identity identity_of(uint8_t n)
{
	struct identity i;
	memset(&i, n, sizeof i);
	return i;
}

TEST(ours_are_made_once_and_replaced_by_the_next)
{
	struct team t;
	team_new(&t);
	struct key_job job = { .t = &t, .at_us = clock_now_us() + DAY_US };
	struct own_keys first = own(&t);
	CHECK(str_starts(first.now.cert, STR("-----BEGIN CERTIFICATE-----")) && first.now.key.n && !first.rotating);
	CHECK_RC(keys_open(&t.x, &err), RC_OK, err);
	struct own_keys again = own(&t);
	CHECK(memcmp(&first.now.who, &again.now.who, sizeof first.now.who) == 0);
	CHECK_RC(store_write(t.w.s, switch_key, &job, &err), RC_ABSENT, err);
	CHECK_RC(store_write(t.w.s, rotate, &job, &err), RC_OK, err);
	CHECK_RC(store_write(t.w.s, rotate, &job, &err), RC_CONFLICT, err);
	struct own_keys both = own(&t);
	CHECK(both.rotating && memcmp(&both.now.who, &first.now.who, sizeof both.now.who) == 0);
	CHECK(memcmp(both.next.who.pin.b, first.now.who.pin.b, 32) != 0);
	CHECK_RC(store_write(t.w.s, switch_key, &job, &err), RC_OK, err);
	struct own_keys after = own(&t);
	CHECK(!after.rotating && memcmp(&after.now.who, &both.next.who, sizeof after.now.who) == 0);
	world_end(&t.w);
}

TEST(a_key_is_good_from_confirmed_to_revoked)
{
	struct team t;
	struct partner p;
	team_new(&t);
	struct key_job job = { .t = &t, .partner = team_partner(&t, "Team C", "https://c.example.org:8421/", NULL, true),
			       .who = identity_of(1), .state = KEY_WAITS, .text = STR("stolen") };
	CHECK_RC(by_pin(&t, &job.who, &p), RC_ABSENT, err);
	CHECK_RC(store_write(t.w.s, add_key, &job, &err), RC_OK, err);
	CHECK_RC(store_write(t.w.s, add_key, &job, &err), RC_OK, err); /* the same again is nothing */
	CHECK_RC(by_pin(&t, &job.who, &p), RC_ABSENT, err);
	CHECK_RC(store_write(t.w.s, confirm, &job, &err), RC_OK, err);
	CHECK_INT(job.count, 1);
	CHECK_RC(by_pin(&t, &job.who, &p), RC_OK, err);
	CHECK_STR(p.name, STR("Team C"));
	CHECK_STR(p.address, STR("https://c.example.org:8421"));
	CHECK(p.push && !p.pull && p.active && p.org == 0);
	/* the same key is nobody else's */
	struct key_job other = job;
	other.partner = team_partner(&t, "Team D", "", NULL, true);
	CHECK_RC(store_write(t.w.s, add_key, &other, &err), RC_CONFLICT, err);
	CHECK(strstr(err.text, "belongs to another partner"));
	/* revoked: at once, and for ever */
	CHECK_RC(store_write(t.w.s, revoke_key, &job, &err), RC_OK, err);
	CHECK_INT(job.count, 1);
	CHECK_RC(by_pin(&t, &job.who, &p), RC_DENIED, err);
	CHECK_RC(store_write(t.w.s, add_key, &job, &err), RC_CONFLICT, err);
	job.text = STR(" ");
	CHECK_RC(store_write(t.w.s, revoke_key, &job, &err), RC_INPUT, err);
	world_end(&t.w);
}

/* A connection that is kept was made under one of his keys: when any of them goes it is made anew. */
TEST(a_connection_does_not_outlive_a_revoked_key)
{
	struct team t;
	struct call c;
	team_new(&t);
	struct key_job old = { .t = &t, .partner = team_partner(&t, "Team C", "https://c.example.org:8421", NULL, true),
			       .who = identity_of(1), .state = KEY_GOOD, .text = STR("stolen"), .id = 1 };
	struct key_job next = old;
	next.who = identity_of(2);
	CHECK_RC(store_write(t.w.s, add_key, &old, &err), RC_OK, err);
	CHECK_RC(store_write(t.w.s, add_key, &next, &err), RC_OK, err);
	struct peer *p = peer_new(old.partner);
	CHECK_RC(call_begin(&c, &t.x, p, &err), RC_OK, err);
	CHECK_INT(c.pin_count, 2);
	call_end(&c);
	const struct digest before = p->kept_pins;
	const struct fetch_keep *keep = p->keep;
	CHECK_RC(call_begin(&c, &t.x, p, &err), RC_OK, err);
	call_end(&c);
	CHECK(p->keep == keep && memcmp(&before, &p->kept_pins, sizeof before) == 0);
	CHECK_RC(store_write(t.w.s, revoke_key, &old, &err), RC_OK, err);
	CHECK_INT(old.count, 1);
	CHECK_RC(call_begin(&c, &t.x, p, &err), RC_OK, err);
	CHECK_INT(c.pin_count, 1);
	call_end(&c);
	CHECK(memcmp(&before, &p->kept_pins, sizeof before) != 0);
	peer_free(p);
	world_end(&t.w);
}

TEST(partners_are_found_and_those_not_in_use_are_not)
{
	struct team t;
	struct partner p;
	struct reader *r = NULL;
	team_new(&t);
	struct uuid c = team_partner(&t, "Team C", "https://c.example.org", "both", true);
	struct uuid d = team_partner(&t, "Team D", "", "both", false);
	struct key_job job = { .t = &t, .partner = d, .who = identity_of(2), .state = KEY_GOOD };
	CHECK_RC(store_write(t.w.s, add_key, &job, &err), RC_OK, err);
	CHECK_RC(by_pin(&t, &job.who, &p), RC_ABSENT, err);
	static const struct { const char *what; enum rc rc; bool c; } asks[] = {
		{ "partner-1", RC_OK, true }, { "1", RC_OK, true }, { "team c", RC_OK, true }, { "2", RC_OK, false },
		{ "3", RC_ABSENT, false }, { "Team", RC_ABSENT, false }, { "", RC_ABSENT, false },
	};
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		enum rc rc = partner_find(&t.x, reader_conn(r), str_of(asks[i].what), t.w.a, &p, &err);
		CHECK_MSG(rc == asks[i].rc, "%s: %s", asks[i].what, rc_name(rc));
		CHECK_MSG(rc != RC_OK || uuid_equal(&p.id, asks[i].c ? &c : &d), "%s", asks[i].what);
		CHECK_MSG(rc != RC_OK || (p.push == asks[i].c && p.pull == asks[i].c), "%s", asks[i].what);
	}
	CHECK_RC(partner_find(&t.x, reader_conn(r), STR("Team D"), t.w.a, &p, &err), RC_OK, err);
	store_read_end(r);
	str feed = partner_feed(&p, t.w.a);
	CHECK(str_starts(feed, STR("partner-team-d-")) && feed.n == STR("partner-team-d-").n + 8);
	world_end(&t.w);
}

TEST(a_signature_covers_all_it_stands_over)
{
	struct team t;
	team_new(&t);
	struct own_keys k = own(&t);
	const struct signed_head head = { STR("a"), STR("b"), STR("push"), STR("bulk"), 1, 2, STR("t"), STR("zstd") };
	struct buf s = BUF_INIT(256);
	signature_make(k.now.secret, &head, STR("bytes"), &s);
	CHECK(signature_good(k.now.who.sign, &head, STR("bytes"), buf_str(&s)));
	CHECK(!signature_good(k.now.who.sign, &head, STR("byteS"), buf_str(&s)));
	struct signed_head heads[] = { head, head, head, head, head, head, head, head, head };
	heads[0].from = STR("c");
	heads[1].to = STR("c");
	heads[2].what = STR("pair");
	heads[3].lane = STR("warning");
	heads[4].after_us = 0;
	heads[5].upto_us = 3;
	heads[6].type = STR("u");
	heads[7].encoding = STR("");
	heads[8].from = STR("a\nto b"); /* no line of its own */
	for (size_t i = 0; i < COUNT_OF(heads); i++)
		CHECK_MSG(!signature_good(k.now.who.sign, &heads[i], STR("bytes"), buf_str(&s)), "%zu", i);
	for (size_t i = 0; i < s.n; i++) {
		s.p[i] ^= 1;
		CHECK_MSG(!signature_good(k.now.who.sign, &head, STR("bytes"), buf_str(&s)), "byte %zu", i);
		s.p[i] ^= 1;
	}
	/* two heads that would read the same are not signed at all */
	struct signed_head one = head, two = head;
	one.to = STR("b\nto c");
	two.from = STR("a\nto b");
	two.to = STR("c");
	buf_reset(&s);
	signature_make(k.now.secret, &one, STR("bytes"), &s);
	CHECK(s.n == 0 && !signature_good(k.now.who.sign, &two, STR("bytes"), buf_str(&s)));
	buf_free(&s);
	world_end(&t.w);
}

TEST(another_key_is_announced_by_the_one_it_replaces)
{
	struct team a, b;
	struct partner p;
	team_new(&a);
	team_new(&b);
	struct key_job rot = { .t = &a, .at_us = clock_now_us() + DAY_US };
	struct own_keys k = own(&a);
	struct key_job job = { .t = &b, .partner = team_partner(&b, "Team A", "", NULL, true), .who = k.now.who,
			       .state = KEY_GOOD, .node = STR("node-a") };
	CHECK_RC(store_write(b.w.s, add_key, &job, &err), RC_OK, err);
	CHECK_RC(store_write(a.w.s, rotate, &rot, &err), RC_OK, err);
	k = own(&a);
	struct buf text = BUF_INIT(KIB(4)), signature = BUF_INIT(256);
	keys_statement(&k, STR("node-a"), &text, &signature);
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(b.w.s, &r, &err), RC_OK, err);
	CHECK_RC(partner_key_by_pin(reader_conn(r), &k.now.who.pin, &job.old, &err), RC_OK, err);
	store_read_end(r);
	job.text = buf_str(&text);
	job.signature = STR("v1=AAAA");
	CHECK_RC(store_write(b.w.s, announced, &job, &err), RC_DENIED, err);
	job.signature = buf_str(&signature);
	job.node = STR("node-z");
	CHECK_RC(store_write(b.w.s, announced, &job, &err), RC_DENIED, err);
	CHECK_RC(by_pin(&b, &k.next.who, &p), RC_ABSENT, err);
	job.node = STR("node-a");
	CHECK_RC(store_write(b.w.s, announced, &job, &err), RC_OK, err);
	CHECK_RC(store_write(b.w.s, announced, &job, &err), RC_OK, err);
	/* both are good, the old one until it was said */
	CHECK_RC(by_pin(&b, &k.next.who, &p), RC_OK, err);
	CHECK_RC(by_pin(&b, &k.now.who, &p), RC_OK, err);
	if (clock_move(3 * DAY_US)) {
		CHECK_RC(by_pin(&b, &k.now.who, &p), RC_DENIED, err);
		CHECK_RC(by_pin(&b, &k.next.who, &p), RC_OK, err);
		clock_move(0);
	}
	buf_free(&text);
	buf_free(&signature);
	world_end(&a.w);
	world_end(&b.w);
}

static enum rc final_key(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return partner_keys_final(tx, k->t->w.j, k->partner, k->old.id, STR("unix:0"), &k->count, e);
}

static enum rc restore_key(struct tx *tx, void *ctx, struct err *e)
{
	struct key_job *k = ctx;
	return partner_keys_restore(tx, k->t->w.j, k->partner, k->old.id, k->text, STR("unix:0"), e);
}

TEST(a_revocation_is_taken_back_until_it_is_final)
{
	struct team t;
	struct partner p;
	struct reader *r = NULL;
	team_new(&t);
	struct key_job job = { .t = &t, .partner = team_partner(&t, "Team C", "", NULL, true), .who = identity_of(3),
			       .state = KEY_GOOD, .text = STR("a notebook, found again") };
	CHECK_RC(store_write(t.w.s, add_key, &job, &err), RC_OK, err);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(partner_key_by_pin(reader_conn(r), &job.who.pin, &job.old, &err), RC_OK, err);
	store_read_end(r);
	CHECK_RC(store_write(t.w.s, restore_key, &job, &err), RC_ABSENT, err); /* it is not revoked */
	CHECK_RC(store_write(t.w.s, final_key, &job, &err), RC_ABSENT, err);
	CHECK_RC(store_write(t.w.s, revoke_key, &job, &err), RC_OK, err);
	CHECK_RC(by_pin(&t, &job.who, &p), RC_DENIED, err);
	struct key_job silent = job;
	silent.text = STR(" ");
	CHECK_RC(store_write(t.w.s, restore_key, &silent, &err), RC_INPUT, err);
	struct key_job other = job;
	other.partner = team_partner(&t, "Team D", "", NULL, true);
	CHECK_RC(store_write(t.w.s, restore_key, &other, &err), RC_ABSENT, err);
	CHECK_RC(store_write(t.w.s, restore_key, &job, &err), RC_OK, err);
	CHECK_RC(by_pin(&t, &job.who, &p), RC_OK, err);
	CHECK_RC(store_write(t.w.s, revoke_key, &job, &err), RC_OK, err);
	CHECK_RC(store_write(t.w.s, final_key, &job, &err), RC_OK, err);
	CHECK_INT(job.count, 1);
	CHECK_RC(store_write(t.w.s, restore_key, &job, &err), RC_DENIED, err);
	CHECK_RC(by_pin(&t, &job.who, &p), RC_DENIED, err);
	world_end(&t.w);
}

/* A statement of team A about another next key each time, as one would make them who holds its key. */
static enum rc announce_another(struct team *a, struct own_keys *k, struct key_job *job, int i)
{
	struct buf text = BUF_INIT(KIB(4)), signature = BUF_INIT(256);
	k->next.who.pin.b[0] = (uint8_t)i;
	k->next.who.pin.b[1] = (uint8_t)~k->now.who.pin.b[1]; /* whatever it is, not the one in use */
	keys_statement(k, STR("node-a"), &text, &signature);
	job->text = arena_str(a->w.a, buf_str(&text));
	job->signature = arena_str(a->w.a, buf_str(&signature));
	buf_free(&text);
	buf_free(&signature);
	return store_write(job->t->w.s, announced, job, &err);
}

TEST(a_key_makes_few_others_and_a_revoked_one_none)
{
	struct team a, b;
	struct partner p;
	struct reader *r = NULL;
	team_new(&a);
	team_new(&b);
	struct own_keys k = own(&a);
	k.next = k.now;
	k.rotating = true;
	k.switch_us = clock_now_us() + DAY_US;
	struct key_job job = { .t = &b, .partner = team_partner(&b, "Team A", "", NULL, true), .who = k.now.who,
			       .state = KEY_GOOD, .node = STR("node-a") };
	CHECK_RC(store_write(b.w.s, add_key, &job, &err), RC_OK, err);
	CHECK_RC(store_read_begin(b.w.s, &r, &err), RC_OK, err);
	CHECK_RC(partner_key_by_pin(reader_conn(r), &k.now.who.pin, &job.old, &err), RC_OK, err);
	store_read_end(r);
	for (int i = 1; i < 10; i++)
		CHECK_RC(announce_another(&a, &k, &job, i), i < 4 ? RC_OK : RC_DENIED, err);
	CHECK_RC(by_pin(&b, &k.next.who, &p), RC_ABSENT, err);
	/* revoked between the look at who calls and the job that takes what he says */
	struct key_job revoke = { .t = &b, .partner = job.partner, .text = STR("stolen") };
	CHECK_RC(store_write(b.w.s, revoke_key, &revoke, &err), RC_OK, err);
	CHECK_RC(announce_another(&a, &k, &job, 77), RC_DENIED, err);
	CHECK_RC(by_pin(&b, &k.next.who, &p), RC_ABSENT, err);
	world_end(&a.w);
	world_end(&b.w);
}

static enum rc until(struct tx *tx, void *ctx, struct err *e)
{
	const struct key_job *k = ctx;
	return partner_key_until(tx, k->id, k->at_us, e);
}

/* Who announces a key says until when the old one is good: sooner than it was said, never later. */
TEST(an_end_that_was_said_comes_no_later)
{
	struct team t;
	struct reader *r = NULL;
	struct partner_key key;
	team_new(&t);
	const int64_t now = clock_now_us();
	struct key_job job = { .t = &t, .partner = team_partner(&t, "Team C", "", NULL, true), .who = identity_of(6), .state = KEY_GOOD,
			       .id = 1, .at_us = now + DAY_US };
	CHECK_RC(store_write(t.w.s, add_key, &job, &err), RC_OK, err);
	CHECK_RC(store_write(t.w.s, until, &job, &err), RC_OK, err);
	job.at_us = now + 2 * DAY_US;
	CHECK_RC(store_write(t.w.s, until, &job, &err), RC_OK, err);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(partner_key_by_pin(reader_conn(r), &job.who.pin, &key, &err), RC_OK, err);
	CHECK_INT(key.until_us, now + DAY_US);
	store_read_end(r);
	job.at_us = now - 1;
	CHECK_RC(store_write(t.w.s, until, &job, &err), RC_OK, err);
	CHECK_RC(store_read_begin(t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(partner_key_by_pin(reader_conn(r), &job.who.pin, &key, &err), RC_DENIED, err);
	store_read_end(r);
	world_end(&t.w);
}

TEST_MAIN(TEST_RUN(ours_are_made_once_and_replaced_by_the_next), TEST_RUN(a_key_is_good_from_confirmed_to_revoked), TEST_RUN(a_connection_does_not_outlive_a_revoked_key),
	  TEST_RUN(partners_are_found_and_those_not_in_use_are_not), TEST_RUN(a_signature_covers_all_it_stands_over),
	  TEST_RUN(another_key_is_announced_by_the_one_it_replaces),
	  TEST_RUN(a_revocation_is_taken_back_until_it_is_final),
	  TEST_RUN(a_key_makes_few_others_and_a_revoked_one_none), TEST_RUN(an_end_that_was_said_comes_no_later))
