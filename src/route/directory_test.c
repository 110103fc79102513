/* SPDX-License-Identifier: Apache-2.0 */
#include "route/directory.h"

#include "base/clock.h"
#include "base/test.h"
#include "route/directory_private.h"

enum { TEAM = 1, HOLDER, TELCO, CUSTOMER, SEASONAL };

static const struct org orgs[] = {
	{ .id = TEAM, .name = STR_INIT("Team B"), .country = STR_INIT("ID") },
	{ .id = HOLDER, .name = STR_INIT("Holder") },
	{ .id = TELCO, .name = STR_INIT("Telco") },
	{ .id = CUSTOMER, .name = STR_INIT("Customer") },
	{ .id = SEASONAL, .name = STR_INIT("Election") },
};

#define NET(org, net, role) { org, SCOPE_NET, STR_INIT(net), role, false, 0, 0 }
static const struct scope_row rows[] = {
	NET(HOLDER, "198.18.0.0/16", ROLE_ASSET_HOLDER),
	NET(TELCO, "198.18.0.0/16", ROLE_HOST),
	NET(CUSTOMER, "198.18.7.0/24", ROLE_ASSET_HOLDER),
	NET(HOLDER, "2001:db8::/32", ROLE_ASSET_HOLDER),
	{ SEASONAL, SCOPE_NET, STR_INIT("198.18.9.0/24"), ROLE_ASSET_HOLDER, false, 1000, 2000 },
	{ TELCO, SCOPE_NET, STR_INIT("100.64.0.0/10"), ROLE_NETWORK, true, 0, 0 },
	NET(CUSTOMER, "100.64.1.0/24", ROLE_ASSET_HOLDER),
	{ TELCO, SCOPE_ASN, STR_INIT("64500"), ROLE_NETWORK, false, 0, 0 },
	{ TELCO, SCOPE_ASN, STR_INIT("4200000000"), ROLE_NETWORK, false, 0, 0 },
	{ TEAM, SCOPE_DOMAIN, STR_INIT("id"), ROLE_NATIONAL_CERT, false, 0, 0 },
	{ HOLDER, SCOPE_DOMAIN, STR_INIT("example.id"), ROLE_ASSET_HOLDER, false, 0, 0 },
	{ TEAM, SCOPE_COUNTRY, STR_INIT("ID"), ROLE_NATIONAL_CERT, false, 0, 0 },
};

static struct directory *table(void)
{
	struct directory *d = NULL;
	struct err err;
	CHECK_RC(directory_make(orgs, COUNT_OF(orgs), rows, COUNT_OF(rows), 7, &d, &err), RC_OK, err);
	return d;
}

/* "org/role reason; ..." */
static str say(const struct match *m, size_t n, struct buf *b)
{
	buf_reset(b);
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, "%s%lld/%d %s", i ? "; " : "", (long long)m[i].org, (int)m[i].role, m[i].reason);
	return buf_str(b);
}

static const struct {
	const char *what, *asked, *want;
	int64_t at_us;
} asked_of[] = {
	{ "none", "192.0.2.1", "", 1 },
	{ "two on one network", "198.18.1.1", "2/0 net 198.18.0.0/16; 3/1 net 198.18.0.0/16", 1 },
	{ "smallest first", "198.18.7.255",
	  "4/0 net 198.18.7.0/24; 2/0 net 198.18.0.0/16; 3/1 net 198.18.0.0/16", 1 },
	{ "before the season", "198.18.9.1", "2/0 net 198.18.0.0/16; 3/1 net 198.18.0.0/16", 999 },
	{ "first of the season", "198.18.9.1",
	  "5/0 net 198.18.9.0/24; 2/0 net 198.18.0.0/16; 3/1 net 198.18.0.0/16", 1000 },
	{ "after the season", "198.18.9.1", "2/0 net 198.18.0.0/16; 3/1 net 198.18.0.0/16", 2000 },
	{ "v6", "2001:db8:1::1", "2/0 net 2001:db8::/32", 1 },
	{ "shared", "100.65.0.1", "3/2 shared net 100.64.0.0/10", 1 },
	{ "asn", "AS64500", "3/2 asn AS64500", 1 },
	{ "asn of 32 bits", "AS4200000000", "3/2 asn AS4200000000", 1 },
	{ "other asn", "AS64501", "", 1 },
	{ "suffix", "www.example.id", "2/0 domain example.id; 1/4 domain id", 1 },
	{ "itself", "example.id", "2/0 domain example.id; 1/4 domain id", 1 },
	{ "not the end of a label", "notexample.id", "1/4 domain id", 1 },
	{ "other domain", "example.org", "", 1 },
	{ "country", "=ID", "1/4 country ID", 1 },
	{ "other country", "=TL", "", 1 },
	{ "no country", "=i1", "", 1 },
};

TEST(matches)
{
	struct directory *d = table();
	struct buf b = BUF_INIT(4096);
	for (size_t i = 0; i < COUNT_OF(asked_of); i++) {
		str asked = str_of(asked_of[i].asked), got;
		struct match m[8];
		struct ip ip;
		uint32_t asn;
		size_t n;
		if (ip_parse(asked, &ip))
			n = directory_match_ip(d, &ip, asked_of[i].at_us, m, COUNT_OF(m));
		else if (str_starts(asked, STR("AS")) && str_to_u32(str_from(asked, 2), &asn))
			n = directory_match_asn(d, asn, asked_of[i].at_us, m, COUNT_OF(m));
		else if (str_starts(asked, STR("=")))
			n = directory_match_country(d, str_from(asked, 1), asked_of[i].at_us, m, COUNT_OF(m));
		else
			n = directory_match_domain(d, asked, asked_of[i].at_us, m, COUNT_OF(m));
		got = say(m, n, &b);
		CHECK_MSG(str_eq(got, str_of(asked_of[i].want)), "%s: got '" STR_FMT "'", asked_of[i].what,
			  STR_ARG(got));
	}
	buf_free(&b);
	directory_free(d);
}

TEST(shared_address)
{
	struct directory *d = table();
	struct ip carrier, customer, other;
	CHECK(ip_parse(STR("100.64.0.1"), &carrier) && ip_parse(STR("100.64.1.1"), &customer) &&
	      ip_parse(STR("198.18.0.1"), &other));
	CHECK(directory_shared_address(d, &carrier, 1));
	CHECK(!directory_shared_address(d, &customer, 1));
	CHECK(!directory_shared_address(d, &other, 1));
	directory_free(d);
}

TEST(network_in_network)
{
	struct directory *d = table();
	struct match m[8];
	struct net inside, same, wider;
	CHECK(net_parse(STR("198.18.6.0/23"), true, &inside) && net_parse(STR("198.18.7.0/24"), true, &same) &&
	      net_parse(STR("198.18.0.0/15"), true, &wider));
	CHECK_INT(directory_match_net(d, &inside, 1, m, 8), 2);
	CHECK_INT(directory_match_net(d, &same, 1, m, 8), 3);
	CHECK_INT(directory_match_net(d, &wider, 1, m, 8), 0);
	directory_free(d);
}

TEST(room_is_kept)
{
	struct directory *d = table();
	struct match m[2] = { { .org = 99 }, { .org = 99 } };
	struct ip ip;
	CHECK(ip_parse(STR("198.18.7.1"), &ip));
	CHECK_INT(directory_match_ip(d, &ip, 1, m, 1), 1);
	CHECK_INT(m[0].org, CUSTOMER);
	CHECK_INT(m[1].org, 99);
	directory_free(d);
}

TEST(organisations)
{
	struct directory *d = table();
	CHECK_INT(directory_size(d), COUNT_OF(orgs));
	CHECK_INT(directory_version(d), 7);
	CHECK_STR(directory_at(d, 0)->name, STR("Customer"));
	CHECK_STR(directory_org(d, TELCO)->name, STR("Telco"));
	CHECK(directory_org(d, 42) == NULL);
	directory_free(d);
}

TEST(long_reason)
{
	char name[210];
	memset(name, 'a', sizeof(name));
	memcpy(name + 200, ".example", 8);
	struct scope_row row = { TEAM, SCOPE_DOMAIN, str_mem(name, 208), ROLE_ASSET_HOLDER, false, 0, 0 };
	struct directory *d;
	struct err err;
	struct match m[1];
	CHECK_RC(directory_make(orgs, 1, &row, 1, 1, &d, &err), RC_OK, err);
	CHECK_INT(directory_match_domain(d, str_mem(name, 208), 1, m, 1), 1);
	CHECK_INT(strlen(m[0].reason), 63);
	CHECK(str_starts(str_of(m[0].reason), STR("domain ..aaa")));
	CHECK(str_ends(str_of(m[0].reason), STR("a.example")));
	directory_free(d);
}

/* IPv4 lies in the middle of the order of all addresses. */
TEST(families_beside_each_other)
{
	static const struct scope_row mixed[] = {
		NET(TEAM, "::/0", ROLE_HOST), NET(TEAM, "0.0.0.0/0", ROLE_NETWORK), NET(TEAM, "::1/128", ROLE_HOST),
		NET(TEAM, "255.255.255.255/32", ROLE_HOST), NET(TEAM, "192.0.2.0/24", ROLE_HOST),
		NET(TEAM, "2001:db8::/32", ROLE_HOST), NET(HOLDER, "2001:db8::/32", ROLE_HOST),
	};
	static const struct {
		const char *ip, *want;
	} list[] = {
		{ "::1", "1/1 net ::1/128; 1/1 net ::/0" },
		{ "::2", "1/1 net ::/0" },
		{ "192.0.2.9", "1/1 net 192.0.2.0/24; 1/2 net 0.0.0.0/0; 1/1 net ::/0" },
		{ "198.18.0.1", "1/2 net 0.0.0.0/0; 1/1 net ::/0" },
		{ "255.255.255.255", "1/1 net 255.255.255.255/32; 1/2 net 0.0.0.0/0; 1/1 net ::/0" },
		{ "2001:db8::9", "1/1 net 2001:db8::/32; 2/1 net 2001:db8::/32; 1/1 net ::/0" },
		{ "ff::", "1/1 net ::/0" },
	};
	struct directory *d = NULL;
	struct buf b = BUF_INIT(4096);
	struct match m[8];
	struct err err;
	CHECK_RC(directory_make(orgs, COUNT_OF(orgs), mixed, COUNT_OF(mixed), 1, &d, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(list); i++) {
		struct ip ip;
		CHECK(ip_parse(str_of(list[i].ip), &ip));
		str got = say(m, directory_match_ip(d, &ip, 1, m, 8), &b);
		CHECK_MSG(str_eq(got, str_of(list[i].want)), "%s: got '" STR_FMT "'", list[i].ip, STR_ARG(got));
	}
	buf_free(&b);
	directory_free(d);
}

TEST(damaged_rows_are_refused)
{
	static const struct scope_row bad[] = {
		NET(TEAM, "198.18.0.1/16", ROLE_HOST), { TEAM, SCOPE_ASN, STR_INIT("0"), ROLE_HOST, false, 0, 0 },
		{ TEAM, SCOPE_DOMAIN, STR_INIT(""), ROLE_HOST, false, 0, 0 },
		{ TEAM, SCOPE_COUNTRY, STR_INIT("QQ"), ROLE_HOST, false, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct directory *d = NULL;
		struct err err;
		CHECK_RC(directory_make(orgs, 1, &bad[i], 1, 1, &d, &err), RC_INPUT, err);
	}
}

TEST(speed)
{
	enum { NETS = 10000, ASKED = 1000000 };
	struct arena *a = arena_new(MIB(1));
	struct scope_row *many = ARENA_ARRAY(a, NETS, struct scope_row);
	for (uint32_t i = 0; i < NETS; i++)
		many[i] = (struct scope_row){ TEAM, SCOPE_NET, arena_fmt(a, "%u.%u.%u.0/24", 20 + i % 200, i / 200, i % 7),
					      ROLE_ASSET_HOLDER, false, 0, 0 };
	struct directory *d;
	struct err err;
	CHECK_RC(directory_make(orgs, 1, many, NETS, 1, &d, &err), RC_OK, err);
	int64_t start = clock_mono_us();
	size_t hits = 0;
	struct match m[4];
	for (uint32_t i = 0; i < ASKED; i++) {
		struct ip ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (uint8_t)(20 + i % 200),
				   (uint8_t)(i * 2654435761u >> 24), (uint8_t)(i % 7), 1 } };
		hits += directory_match_ip(d, &ip, 1, m, 4);
	}
	int64_t us = clock_mono_us() - start;
	printf("# %.1f M matches/s, %zu hits\n", (double)ASKED / (double)(us ? us : 1), hits);
	CHECK(hits > 0);
	directory_free(d);
	arena_free(a);
}

TEST_MAIN(TEST_RUN(matches), TEST_RUN(shared_address), TEST_RUN(network_in_network),
	  TEST_RUN(room_is_kept), TEST_RUN(organisations), TEST_RUN(long_reason), TEST_RUN(families_beside_each_other),
	  TEST_RUN(damaged_rows_are_refused), TEST_RUN(speed))
