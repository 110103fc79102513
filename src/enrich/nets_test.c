/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/nets.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/test.h"

static struct net net_of(const char *z)
{
	struct net n = { 0 };
	CHECK(net_parse(str_of(z), true, &n));
	return n;
}

static const char *const listed[] = {
	"198.18.0.0/15", "198.18.0.0/16", "198.18.7.0/24", "198.18.7.7", "198.19.0.0/16",
	"203.0.113.0/24", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1:2::/64",
};

static const struct {
	const char *what, *ip, *want;
} asked_of[] = {
	{ "before all", "10.0.0.1", NULL },
	{ "first of a network", "198.18.0.0", "198.18.0.0/16" },
	{ "last of a network", "198.18.255.255", "198.18.0.0/16" },
	{ "the host", "198.18.7.7", "198.18.7.7/32" },
	{ "behind a host", "198.18.7.8", "198.18.7.0/24" },
	{ "behind a /24 within", "198.18.8.0", "198.18.0.0/16" },
	{ "sister", "198.19.255.255", "198.19.0.0/16" },
	{ "behind both", "198.20.0.0", NULL },
	{ "after a gap", "203.0.113.255", "203.0.113.0/24" },
	{ "past a gap", "203.0.114.0", NULL },
	{ "v6", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::/32" },
	{ "v6 inside", "2001:db8:1:2::", "2001:db8:1:2::/64" },
	{ "v6 around", "2001:db8:1:3::", "2001:db8:1::/48" },
	{ "v6 past", "2001:db9::", NULL },
};

static struct nets *made(struct net list[COUNT_OF(listed)])
{
	for (size_t i = 0; i < COUNT_OF(listed); i++)
		list[i] = net_of(listed[i]);
	qsort(list, COUNT_OF(listed), sizeof(*list), (int (*)(const void *, const void *))nets_cmp);
	return nets_new(list, COUNT_OF(listed));
}

TEST(table)
{
	struct net list[COUNT_OF(listed)];
	struct nets *t = made(list);
	for (size_t i = 0; i < COUNT_OF(asked_of); i++) {
		struct ip ip;
		char text[56];
		CHECK(ip_parse(str_of(asked_of[i].ip), &ip));
		size_t at = nets_find(t, &ip);
		str got = at == NETS_NONE ? STR("none") : net_str(text, &list[at]);
		str want = asked_of[i].want ? str_of(asked_of[i].want) : STR("none");
		CHECK_MSG(str_eq(got, want), "%s: got " STR_FMT, asked_of[i].what, STR_ARG(got));
	}
	nets_free(t);
}

TEST(around)
{
	struct net list[COUNT_OF(listed)];
	struct nets *t = made(list);
	static const char *const want[] = { "198.18.7.7/32", "198.18.7.0/24", "198.18.0.0/16",
					    "198.18.0.0/15" };
	struct ip ip;
	CHECK(ip_parse(STR("198.18.7.7"), &ip));
	size_t at = nets_find(t, &ip);
	for (size_t i = 0; i < COUNT_OF(want); i++, at = nets_around(t, at)) {
		char text[56];
		CHECK(at != NETS_NONE);
		if (at == NETS_NONE)
			break;
		CHECK_STR(net_str(text, &list[at]), str_of(want[i]));
	}
	CHECK(at == NETS_NONE);
	struct net wide = net_of("198.18.7.0/25"), wider = net_of("198.16.0.0/14");
	at = nets_find_net(t, &wide);
	CHECK(at != NETS_NONE && list[at].bits == 120);
	CHECK(nets_find_net(t, &wider) == NETS_NONE);
	nets_free(t);
}

/* Against the plain way: look at every network. */
TEST(random)
{
	enum { N = 500 };
	struct net list[N];
	size_t n = 0;
	for (size_t i = 0; i < N; i++) {
		random_bytes(&list[i].ip, 16);
		list[i].ip.b[0] = 0x20;
		memset(list[i].ip.b + 1, 0, 6);
		list[i].bits = (uint8_t)(8 + random_u64() % 121);
		ip_mask(&list[i].ip, list[i].bits);
	}
	qsort(list, N, sizeof(*list), (int (*)(const void *, const void *))nets_cmp);
	for (size_t i = 0; i < N; i++)
		if (n == 0 || nets_cmp(&list[n - 1], &list[i]) != 0)
			list[n++] = list[i];
	struct nets *t = nets_new(list, n);
	for (int round = 0; round < 2000; round++) {
		struct ip ip = list[random_u64() % n].ip;
		size_t want = NETS_NONE;
		ip.b[7 + random_u64() % 9] ^= (uint8_t)random_u64();
		for (size_t i = 0; i < n; i++)
			if (net_has(&list[i], &ip) && (want == NETS_NONE || list[i].bits > list[want].bits))
				want = i;
		CHECK_INT(nets_find(t, &ip), want);
	}
	nets_free(t);
}

TEST(empty)
{
	struct nets *t = nets_new(NULL, 0);
	struct ip ip = { { 0 } };
	CHECK(nets_find(t, &ip) == NETS_NONE);
	nets_free(t);
	nets_free(NULL);
}

TEST_MAIN(TEST_RUN(table), TEST_RUN(around), TEST_RUN(random), TEST_RUN(empty))
