/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle as a partner, or somebody in his name, could make it: what is refused, and what stands afterwards. */
#include <sodium.h>
#include <zstd.h>

#include "exchange/bundle_private.h"
#include "exchange/exchange_world.h"

#include "disclosure/policy.h"

#define NODE_C "cccccccc-0000-4000-8000-000000000001"

struct medium {
	struct team t;
	struct policies *policies;
	struct uuid partner;
	struct identity who;
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
	struct buf b;              /* what is on it */
	size_t at;
	struct bundle_sum sum;
	int64_t reports;
};

static enum rc deliver(void *ctx, const struct exchange_delivery *d, struct exchange_delivered *out, struct err *e)
{
	struct medium *m = ctx;
	(void)d;
	(void)e;
	*out = (struct exchange_delivered){ .report = ++m->reports, .accepted = 1 };
	return RC_OK;
}

struct job {
	struct medium *m;
	const char *state;
	int64_t until_us;
};

static enum rc partner_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *k = ctx;
	struct medium *m = k->m;
	const struct type *type = types_find(snapshot_table(m->t.w.held), STR("partner"));
	struct record out;
	const struct record_change c = { .type = type, .id = m->partner, .to_state = type_state(type, str_of(k->state)), .why = STR("so"),
					 .actor = STR("unix:0"), .fields = STR("{\"name\":\"Team C\",\"kind\":\"node\",\"node\":\"" NODE_C "\"}") };
	enum rc rc = record_put(tx, m->t.w.r, &c, m->t.w.a, &out, NULL, 0, NULL, e);
	m->partner = out.id;
	return rc;
}

static enum rc key_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *k = ctx;
	enum rc rc = partner_key_add(tx, k->m->partner, &k->m->who, KEY_GOOD, 0, e);
	return rc == RC_OK && k->until_us ? partner_key_until(tx, 1, k->until_us, e) : rc;
}

static enum rc revoke_job(struct tx *tx, void *ctx, struct err *e)
{
	struct job *k = ctx;
	uint64_t n;
	return partner_keys_revoke(tx, k->m->t.w.j, k->m->partner, 0, STR("stolen"), STR("unix:0"), &n, e);
}

static void medium_new(struct medium *m)
{
	static const unsigned char seed[crypto_sign_SEEDBYTES] = { 7 };
	const struct policy_sources sources = { .roles = STR("{}"), .public_k = 5 };
	*m = (struct medium){ .b = BUF_INIT(MIB(1)) };
	CHECK(sodium_init() >= 0);
	team_new(&m->t);
	CHECK_RC(policies_open(m->t.w.s, m->t.w.r, &sources, &m->policies, &err), RC_OK, err);
	m->t.x.w.policies = m->policies;
	m->t.x.w.deliver = deliver;
	m->t.x.w.ctx = m;
	crypto_sign_seed_keypair(m->who.sign, m->secret, seed);
	struct job k = { .m = m, .state = "active" };
	CHECK_RC(store_write(m->t.w.s, partner_job, &k, &err), RC_OK, err);
	CHECK_RC(store_write(m->t.w.s, key_job, &k, &err), RC_OK, err);
}

static void medium_end(struct medium *m)
{
	buf_free(&m->b);
	policies_close(m->policies);
	world_end(&m->t.w);
}

/* --- what stands on it --- */

static void put_signed(struct medium *m, str line, const struct signed_head *h, str bytes)
{
	buf_add(&m->b, line);
	buf_char(&m->b, '\n');
	signature_make(m->secret, h, bytes, &m->b);
	buf_char(&m->b, '\n');
}

static void begin(struct medium *m, str to, int64_t receipt_us)
{
	str us = store_node_id(m->t.w.s);
	str head = arena_fmt(m->t.w.a, "{\"from\":\"" NODE_C "\",\"to\":\"" STR_FMT "\",\"made_us\":1,\"receipt\":{\"bulk\":%lld}}",
			     STR_ARG(to.n ? to : us), (long long)receipt_us);
	const struct signed_head h = bundle_head(STR(NODE_C), us, "bundle", LANE_BULK, 0, 0);
	buf_reset(&m->b);
	m->at = 0;
	buf_add(&m->b, STR(BUNDLE_BEGIN));
	put_signed(m, head, &h, head);
}

static str one_event(struct medium *m, int n)
{
	return arena_fmt(m->t.w.a, "{\"origin\":\"" NODE_C "\",\"events\":[{\"id\":\"%d\",\"time.source\":\"2026-11-22T09:00:00+00:00\"}]}", n);
}

static str packed(struct medium *m, str plain)
{
	size_t most = ZSTD_compressBound(plain.n);
	char *to = arena_alloc(m->t.w.a, most);
	return str_mem(to, ZSTD_compress(to, most, plain.p, plain.n, 1));
}

static void part(struct medium *m, int64_t after_us, int64_t upto_us, str bytes)
{
	unsigned char key[crypto_box_PUBLICKEYBYTES];
	struct own_keys own;
	struct reader *r;
	CHECK_RC(store_read_begin(m->t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(keys_own(reader_conn(r), m->t.w.a, &own, &err), RC_OK, err);
	store_read_end(r);
	size_t n = bytes.n + crypto_box_SEALBYTES;
	unsigned char *box = arena_alloc(m->t.w.a, n);
	CHECK(crypto_sign_ed25519_pk_to_curve25519(key, own.now.who.sign) == 0 &&
	      crypto_box_seal(box, (const unsigned char *)bytes.p, bytes.n, key) == 0);
	keys_wipe(&own);
	const struct signed_head h = bundle_head(STR(NODE_C), store_node_id(m->t.w.s), "bundle", LANE_BULK, after_us, upto_us);
	put_signed(m, arena_fmt(m->t.w.a, "{\"lane\":\"bulk\",\"after\":%lld,\"upto\":%lld,\"objects\":1,\"bytes\":%zu}", (long long)after_us,
				(long long)upto_us, n), &h, str_mem(box, n));
	buf_add_mem(&m->b, box, n);
}

static long read_some(void *ctx, void *to, size_t n)
{
	struct medium *m = ctx;
	n = n < m->b.n - m->at ? n : m->b.n - m->at;
	memcpy(to, m->b.p + m->at, n);
	m->at += n;
	return (long)n;
}

static enum rc take(struct medium *m)
{
	buf_add(&m->b, STR("end\n"));
	err.text[0] = 0;
	m->at = 0;
	return bundle_take(&m->t.x, read_some, m, m->t.w.a, &m->sum, &err);
}

static int64_t place(struct medium *m)
{
	struct reader *r;
	int64_t at = -1;
	CHECK_RC(store_read_begin(m->t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(take_upto(reader_conn(r), m->partner, LANE_BULK, &at, &err), RC_OK, err);
	store_read_end(r);
	return at;
}

#define CHECK_SAYS(part) CHECK_MSG(strstr(err.text, part), "%s", err.text)

/* --- what is taken --- */

static void test_order(void)
{
	struct medium m;
	medium_new(&m);
	begin(&m, STR(""), 0);
	part(&m, 0, 100, packed(&m, one_event(&m, 1)));
	part(&m, 100, 200, packed(&m, one_event(&m, 2)));
	CHECK_RC(take(&m), RC_OK, err);
	CHECK(m.sum.batches == 2 && m.sum.known == 0 && place(&m) == 200 && m.reports == 2);
	/* the same medium again */
	buf_reset(&m.b);
	begin(&m, STR(""), 0);
	part(&m, 0, 100, packed(&m, one_event(&m, 1)));
	part(&m, 100, 200, packed(&m, one_event(&m, 2)));
	CHECK_RC(take(&m), RC_OK, err);
	CHECK(m.sum.batches == 0 && m.sum.known == 2 && place(&m) == 200 && m.reports == 2);
	/* one between is missing */
	begin(&m, STR(""), 0);
	part(&m, 300, 400, packed(&m, one_event(&m, 3)));
	CHECK_RC(take(&m), RC_CONFLICT, err);
	CHECK_SAYS("before this one is missing");
	CHECK(place(&m) == 200 && m.reports == 2);
	medium_end(&m);
}

static void test_anothers(void)
{
	struct medium m;
	medium_new(&m);
	begin(&m, STR("dddddddd-0000-4000-8000-000000000002"), 0);
	CHECK_RC(take(&m), RC_DENIED, err);
	CHECK_SAYS("for another node");
	/* any byte of the head, or of a part, another one */
	begin(&m, STR(""), 0);
	size_t head = m.b.n;
	part(&m, 0, 100, packed(&m, one_event(&m, 1)));
	buf_add(&m.b, STR("end\n"));
	size_t count = str_find(buf_str(&m.b), STR("\"objects\":1")); /* is for people, and not read */
	for (size_t i = 0; i < m.b.n - 4; i += i < head ? 7 : 3) {
		if (i >= count && i < count + 11)
			continue;
		m.b.p[i] ^= 1;
		m.at = 0;
		enum rc rc = bundle_take(&m.t.x, read_some, &m, m.t.w.a, &m.sum, &err);
		CHECK_MSG(rc != RC_OK && m.reports == 0, "byte %zu", i);
		m.b.p[i] ^= 1;
	}
	CHECK_INT(place(&m), 0);
	medium_end(&m);
}

static void test_keys(void)
{
	struct medium m;
	medium_new(&m);
	struct job k = { .m = &m, .until_us = clock_now_us() - 1 };
	CHECK_RC(store_write(m.t.w.s, key_job, &k, &err), RC_OK, err);
	begin(&m, STR(""), 0);
	CHECK_RC(take(&m), RC_DENIED, err);
	CHECK_SAYS("not signed by a key");
	medium_end(&m);
	medium_new(&m);
	k.m = &m;
	CHECK_RC(store_write(m.t.w.s, revoke_job, &k, &err), RC_OK, err);
	begin(&m, STR(""), 0);
	CHECK_RC(take(&m), RC_DENIED, err);
	CHECK_SAYS("not signed by a key");
	medium_end(&m);
	medium_new(&m);
	k = (struct job){ .m = &m, .state = "paused" };
	CHECK_RC(store_write(m.t.w.s, partner_job, &k, &err), RC_OK, err);
	begin(&m, STR(""), 0);
	CHECK_RC(take(&m), RC_DENIED, err);
	CHECK_SAYS("no active partner");
	medium_end(&m);
}

/* What he says to have of ours counts up to what was offered to him, and never backwards. */
static void test_receipts(void)
{
	struct medium m;
	struct reader *r;
	int64_t at = -1;
	medium_new(&m);
	begin(&m, STR(""), clock_now_us() + DAY_US);
	CHECK_RC(take(&m), RC_OK, err);
	begin(&m, STR(""), -5);
	CHECK_RC(take(&m), RC_OK, err);
	CHECK_RC(store_read_begin(m.t.w.s, &r, &err), RC_OK, err);
	CHECK_RC(line_cursor(reader_conn(r), m.partner, LANE_BULK, &at, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(at, 0);
	medium_end(&m);
}

static void test_sizes(void)
{
	static const struct { const char *line; } rows[] = {
		{ "{\"lane\":\"bulk\",\"after\":0,\"upto\":1,\"bytes\":67108865}" }, { "{\"lane\":\"bulk\",\"after\":0,\"upto\":1,\"bytes\":0}" },
		{ "{\"lane\":\"bulk\",\"after\":1,\"upto\":1,\"bytes\":9}" }, { "{\"lane\":\"bulk\",\"after\":-1,\"upto\":1,\"bytes\":9}" },
		{ "{\"lane\":\"none\",\"after\":0,\"upto\":1,\"bytes\":9}" }, { "[]" }, { "" },
	};
	struct medium m;
	medium_new(&m);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		begin(&m, STR(""), 0);
		buf_fmt(&m.b, "%s\nv1=x\n123456789", rows[i].line);
		CHECK_MSG(take(&m) == RC_INPUT, "%zu: %s", i, err.text);
		CHECK_SAYS("cut off or damaged");
	}
	/* what would unpack to more than a part holds is not unpacked */
	size_t n = (size_t)BUNDLE_PART_MAX + 1;
	char *large = x_alloc(n);
	memset(large, ' ', n);
	str one = one_event(&m, 1);
	memcpy(large, one.p, one.n);
	begin(&m, STR(""), 0);
	part(&m, 0, 100, packed(&m, str_mem(large, n)));
	free(large);
	CHECK_RC(take(&m), RC_INPUT, err);
	CHECK_INT(m.reports, 0);
	medium_end(&m);
}

TEST_MAIN(TEST_RUN(order), TEST_RUN(anothers), TEST_RUN(keys), TEST_RUN(receipts), TEST_RUN(sizes))
