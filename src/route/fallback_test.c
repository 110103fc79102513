/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/clock.h"
#include "base/test_dir.h"
#include "route/fallback_private.h"

static struct err err;

static struct fallback_entry net_of(const char *first, const char *last, const char *email, uint8_t trust)
{
	struct fallback_entry e = { .kind = FALLBACK_NET, .email = str_of(email), .trust = trust, .seen_day = 20000 };
	CHECK(ip_parse(str_of(first), &e.first) && ip_parse(str_of(last), &e.last));
	return e;
}

static struct buf build(const char *source, const struct fallback_entry *list, size_t n)
{
	struct fallback_builder *b = fallback_builder_new(NULL, 0);
	struct buf out = BUF_INIT(FALLBACK_IMAGE_MAX);
	struct fallback_counts counts;
	for (size_t i = 0; i < n; i++)
		CHECK_RC(fallback_add(b, &list[i], &err), RC_OK, err);
	CHECK_RC(fallback_build(b, str_of(source), &out, &counts, &err), RC_OK, err);
	fallback_builder_free(b);
	return out;
}

/* As it is built: in pieces. */
static enum rc replace(struct store *st, struct journal *j, str image, str actor, bool *same, struct err *e)
{
	struct spool *s = spool_new(NULL, 0);
	spool_add(s, image);
	enum rc rc = fallback_replace(st, j, s, actor, same, e);
	spool_free(s);
	return rc;
}

struct world {
	struct test_dir d;
	struct store *s;
	struct journal *j;
};

static struct world world_new(void)
{
	struct world w = { .d = test_dir_new() };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(journal_open(w.s, &w.j, &err), RC_OK, err);
	return w;
}

static void world_end(struct world *w)
{
	journal_close(w->j);
	store_close(w->s);
	test_dir_end(&w->d);
}

static struct fallback *opened(struct world *w, const char *cache_dir)
{
	struct reader *r = NULL;
	struct fallback *f = NULL;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(fallback_open(reader_conn(r), cache_dir, &f, &err), RC_OK, err);
	store_read_end(r);
	return f;
}

static str first_email(const struct fallback *f, const char *ip, uint32_t asn, const char *fqdn,
		       struct fallback_hit hits[FALLBACK_HITS_MAX], size_t *n)
{
	struct ip parsed;
	bool has = ip_parse(str_of(ip), &parsed);
	struct fallback_ask ask = { .ip = has ? &parsed : NULL, .asn = asn, .fqdn = str_of(fqdn) };
	*n = fallback_find(f, &ask, hits);
	return *n ? hits[0].email : STR("");
}

TEST(finds_the_smallest_and_most_trusted)
{
	struct world w = world_new();
	struct fallback_entry whois[] = {
		net_of("192.0.2.0", "192.0.2.255", "all@example.org", 40),
		net_of("192.0.2.16", "192.0.2.31", "part@example.org", 40),
		net_of("192.0.2.24", "192.0.2.200", "across@example.org", 40),
		net_of("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "six@example.org", 40),
		{ .kind = FALLBACK_ASN, .asn_first = 64500, .asn_last = 64510, .email = STR("as@example.org"),
		  .trust = 40, .seen_day = 20000, .country = "ID" },
		net_of("198.18.0.0", "198.19.255.255", "", 10),
	};
	memcpy(whois[5].country, "TL", 3);
	struct fallback_entry site[] = { { .kind = FALLBACK_DOMAIN, .domain = STR("example.org"),
					   .email = STR("security@example.org"), .trust = 55, .seen_day = 20100 } };
	struct buf one = build("whois:test", whois, COUNT_OF(whois)), two = build("security.txt", site, 1);
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	bool same;
	size_t n;
	char cc[3];
	CHECK_RC(replace(w.s, w.j, buf_str(&one), STR("account:1"), &same, &err), RC_OK, err);
	CHECK(!same);
	CHECK_RC(replace(w.s, w.j, buf_str(&two), STR("account:1"), &same, &err), RC_OK, err);
	CHECK_RC(replace(w.s, w.j, buf_str(&one), STR("account:1"), &same, &err), RC_OK, err);
	CHECK(same);
	for (int cached = 0; cached < 2; cached++) {
		struct fallback *f = opened(&w, cached ? w.d.path : NULL);
		static const struct { const char *ip, *want; } cases[] = {
			{ "192.0.2.1", "all@example.org" },    { "192.0.2.16", "part@example.org" },
			{ "192.0.2.31", "across@example.org" }, { "192.0.2.200", "across@example.org" },
			{ "192.0.2.201", "all@example.org" },  { "192.0.3.0", "" },
			{ "2001:db8:1::1", "six@example.org" }, { "2001:db9::", "" }, { "0.0.0.1", "" },
			{ "198.18.0.1", "" },
		};
		for (size_t i = 0; i < COUNT_OF(cases); i++)
			CHECK_STR(first_email(f, cases[i].ip, 0, "", hits, &n), str_of(cases[i].want));
		CHECK_STR(first_email(f, "", 64505, "", hits, &n), STR("as@example.org"));
		CHECK_STR(first_email(f, "", 64511, "", hits, &n), STR(""));
		CHECK_STR(first_email(f, "192.0.2.1", 64500, "www.example.org", hits, &n), STR("security@example.org"));
		CHECK_INT(n, 3);
		CHECK_STR(str_of(hits[0].reason), STR("domain example.org"));
		CHECK_STR(hits[0].source, STR("security.txt"));
		CHECK_INT(hits[0].seen_day, 20100);
		CHECK_STR(str_of(hits[1].reason), STR("range 192.0.2.0-192.0.2.255"));
		struct ip tl;
		CHECK(ip_parse(STR("198.18.9.9"), &tl) && fallback_country(f, &tl, cc) && strcmp(cc, "TL") == 0);
		CHECK_INT(fallback_entries(f), 7);
		fallback_free(f);
	}
	buf_free(&one);
	buf_free(&two);
	world_end(&w);
}

static int64_t number_of(struct world *w, struct sql *(*ask)(struct conn *))
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	struct sql *q = ask(reader_conn(r));
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}
static struct sql *ask_pieces(struct conn *c)
{
	return sql(c, "SELECT count(*) FROM fallback_piece");
}

TEST(replaced_and_back)
{
	struct world w = world_new();
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	bool same;
	size_t n;
	for (int i = 1; i <= 3; i++) {
		char email[40];
		snprintf(email, sizeof(email), "round%d@example.org", i);
		struct fallback_entry e = net_of("192.0.2.0", "192.0.2.255", email, 40);
		struct buf image = build("whois:test", &e, 1);
		CHECK_RC(replace(w.s, w.j, buf_str(&image), STR("account:1"), &same, &err), RC_OK, err);
		CHECK(!same);
		buf_free(&image);
	}
	CHECK_INT(number_of(&w, ask_pieces), 2);
	struct fallback *f = opened(&w, NULL);
	CHECK_STR(first_email(f, "192.0.2.9", 0, "", hits, &n), STR("round3@example.org"));
	fallback_free(f);
	CHECK_RC(fallback_undo(w.s, w.j, STR("whois:test"), STR("account:1"), &err), RC_OK, err);
	f = opened(&w, NULL);
	CHECK_STR(first_email(f, "192.0.2.9", 0, "", hits, &n), STR("round2@example.org"));
	fallback_free(f);
	CHECK_RC(fallback_undo(w.s, w.j, STR("whois:test"), STR("account:1"), &err), RC_OK, err);
	f = opened(&w, NULL);
	CHECK_INT(fallback_entries(f), 0);
	fallback_free(f);
	CHECK_RC(fallback_undo(w.s, w.j, STR("whois:test"), STR("account:1"), &err), RC_ABSENT, err);
	CHECK_INT(number_of(&w, ask_pieces), 0);
	world_end(&w);
}

struct noting {
	const struct fallback_entry *list;
	size_t count;
};
static enum rc note(struct tx *tx, void *ctx, struct err *e)
{
	const struct noting *n = ctx;
	return fallback_note(tx, STR("rdap"), STR("192.0.2.7"), n->list, n->count, clock_now_us() + HOUR_US, e);
}

TEST(looked_up)
{
	struct world w = world_new();
	struct fallback_entry e = net_of("192.0.2.0", "192.0.2.63", "rdap@example.org", 45);
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	struct reader *r = NULL;
	bool there = true;
	size_t n;
	CHECK_RC(store_write(w.s, note, &(struct noting){ &e, 1 }, &err), RC_OK, err);
	struct fallback *f = opened(&w, NULL);
	CHECK_STR(first_email(f, "192.0.2.9", 0, "", hits, &n), STR("rdap@example.org"));
	fallback_free(f);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(fallback_noted(reader_conn(r), STR("rdap"), STR("192.0.2.7"), clock_now_us(), &there, &err), RC_OK, err);
	CHECK(there);
	CHECK_RC(fallback_noted(reader_conn(r), STR("rdap"), STR("192.0.2.7"), clock_now_us() + 2 * HOUR_US, &there, &err), RC_OK, err);
	CHECK(!there);
	store_read_end(r);
	CHECK_RC(store_write(w.s, note, &(struct noting){ NULL, 0 }, &err), RC_OK, err);
	f = opened(&w, NULL);
	CHECK_INT(fallback_entries(f), 0);
	fallback_free(f);
	world_end(&w);
}

TEST(damage_is_seen)
{
	struct fallback_entry e = net_of("192.0.2.0", "192.0.2.255", "a@example.org", 40);
	struct buf image = build("whois:test", &e, 1);
	struct fallback_part part = { .head = NULL };
	CHECK(fallback_attach(&part, image.p, image.n));
	for (size_t i = 0; i < image.n; i++) {
		bool of_source = i >= 36 && i < sizeof(struct fallback_head);
		image.p[i] ^= 0x40;
		CHECK(of_source || !fallback_attach(&part, image.p, image.n));
		image.p[i] ^= 0x40;
		CHECK(!fallback_attach(&part, image.p, i));
	}
	buf_free(&image);
}

TEST(what_cannot_be)
{
	struct fallback_builder *b = fallback_builder_new(NULL, 0);
	struct fallback_entry e = net_of("192.0.2.9", "192.0.2.1", "a@example.org", 40);
	CHECK_RC(fallback_add(b, &e, &err), RC_INPUT, err);
	e = net_of("192.0.2.9", "2001:db8::1", "a@example.org", 40);
	CHECK_RC(fallback_add(b, &e, &err), RC_INPUT, err);
	e = net_of("192.0.2.1", "192.0.2.9", "", 40);
	CHECK_RC(fallback_add(b, &e, &err), RC_INPUT, err);
	e = (struct fallback_entry){ .kind = FALLBACK_ASN, .email = STR("a@example.org") };
	CHECK_RC(fallback_add(b, &e, &err), RC_INPUT, err);
	e = (struct fallback_entry){ .kind = FALLBACK_DOMAIN, .domain = STR("a\nb"), .email = STR("a@example.org") };
	CHECK_RC(fallback_add(b, &e, &err), RC_INPUT, err);
	/* ranges one inside the other, deeper than anybody assigns */
	struct fallback_counts counts;
	struct buf out = BUF_INIT(FALLBACK_IMAGE_MAX);
	for (unsigned i = 0; i < 200; i++) {
		e = net_of("198.18.0.0", "198.18.255.255", "deep@example.org", 40);
		e.first.b[15] = (uint8_t)i;
		CHECK_RC(fallback_add(b, &e, &err), RC_OK, err);
	}
	CHECK_RC(fallback_build(b, STR("whois:test"), &out, &counts, &err), RC_OK, err);
	CHECK_INT(counts.entries, FALLBACK_DEPTH_MAX);
	CHECK_INT(counts.too_deep, 200 - FALLBACK_DEPTH_MAX);
	buf_free(&out);
	fallback_builder_free(b);
}

/* Whatever the memory and the order in which runs are merged, the bytes are the same. */
TEST(pieces_of_any_size)
{
	static const size_t memory[] = { 1, 300, KIB(4), MIB(1) };
	struct test_dir dir = test_dir_new();
	struct buf want = BUF_INIT(MIB(4));
	for (size_t k = 0; k <= COUNT_OF(memory); k++) {
		struct fallback_builder *b = k ? fallback_builder_new(dir.path, memory[k - 1]) :
						 fallback_builder_new(NULL, 0);
		struct buf got = BUF_INIT(MIB(4));
		struct fallback_counts counts;
		uint32_t x = 12345;
		for (unsigned i = 0; i < 3000; i++) {
			char email[40], name[40];
			x = x * 1664525 + 1013904223;
			snprintf(email, sizeof(email), "desk%u@example.org", x >> 8 & 255);
			snprintf(name, sizeof(name), "n%u.example", x >> 12 & 511);
			struct fallback_entry e = { .kind = (enum fallback_kind)(x >> 28 & 1 ? x >> 30 & 1 : x >> 29 & 2),
						    .asn_first = 1 + (x >> 20), .asn_last = 1 + (x >> 20) + (x & 7),
						    .domain = str_of(name), .email = x & 64 ? str_of(email) : STR(""),
						    .name = x & 32 ? str_of(name) : STR(""), .country = "ID",
						    .trust = (uint8_t)(x >> 5 & 3), .seen_day = 20000 };
			bool six = x & 16;
			memcpy(e.first.b, six ? "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" :
						"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x12\0", 15);
			e.first.b[14] = (uint8_t)(x >> 24);
			e.last = e.first;
			e.last.b[15] = (uint8_t)(x >> 16 | 1);
			CHECK_RC(fallback_add(b, &e, &err), RC_OK, err);
		}
		CHECK_RC(fallback_build(b, STR("whois:test"), k ? &got : &want, &counts, &err), RC_OK, err);
		CHECK(counts.doubles > 0 && counts.entries + counts.doubles + counts.too_deep == 3000);
		struct fallback_part part = { .head = NULL };
		CHECK(fallback_attach(&part, want.p, want.n));
		CHECK(part.v4_count && part.v6_count && part.asn_count && part.domain_count);
		CHECK_MSG(!k || str_eq(buf_str(&got), buf_str(&want)), "memory %zu", k ? memory[k - 1] : 0);
		buf_free(&got);
		fallback_builder_free(b);
	}
	buf_free(&want);
	test_dir_end(&dir);
}

TEST_MAIN(TEST_RUN(finds_the_smallest_and_most_trusted), TEST_RUN(replaced_and_back), TEST_RUN(looked_up),
	  TEST_RUN(damage_is_seen), TEST_RUN(what_cannot_be),
	  TEST_RUN(pieces_of_any_size))
