/* SPDX-License-Identifier: Apache-2.0 */
#include "route/concern.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/test.h"
#include "route/directory_private.h"

enum { TEAM_B = 1, HOLDER, HOST, TELCO, REGISTRAR, TEAM_H };

static const struct org orgs[] = {
	{ .id = TEAM_B, .name = STR_INIT("Team B") }, { .id = HOLDER, .name = STR_INIT("Holder") },
	{ .id = HOST, .name = STR_INIT("Host") },     { .id = TELCO, .name = STR_INIT("Telco") },
	{ .id = REGISTRAR, .name = STR_INIT("Registrar") }, { .id = TEAM_H, .name = STR_INIT("Team H") },
};
static const struct scope_row rows[] = {
	{ HOLDER, SCOPE_NET, STR_INIT("198.18.7.0/24"), ROLE_ASSET_HOLDER, false, 0, 0 },
	{ HOST, SCOPE_NET, STR_INIT("198.18.0.0/16"), ROLE_HOST, false, 0, 0 },
	{ TELCO, SCOPE_NET, STR_INIT("100.64.0.0/10"), ROLE_NETWORK, true, 0, 0 },
	{ TELCO, SCOPE_ASN, STR_INIT("64500"), ROLE_NETWORK, false, 0, 0 },
	{ HOLDER, SCOPE_DOMAIN, STR_INIT("example.org"), ROLE_ASSET_HOLDER, false, 0, 0 },
	{ REGISTRAR, SCOPE_DOMAIN, STR_INIT("org"), ROLE_REGISTRAR, false, 0, 0 },
	{ TEAM_B, SCOPE_COUNTRY, STR_INIT("ID"), ROLE_NATIONAL_CERT, false, 0, 0 },
	{ TEAM_B, SCOPE_DOMAIN, STR_INIT("id"), ROLE_NATIONAL_CERT, false, 0, 0 },
	{ TEAM_H, SCOPE_COUNTRY, STR_INIT("SG"), ROLE_NATIONAL_CERT, false, 0, 0 },
};

static struct directory *table(void)
{
	struct directory *d = NULL;
	struct err err;
	CHECK_RC(directory_make(orgs, COUNT_OF(orgs), rows, COUNT_OF(rows), 1, &d, &err), RC_OK, err);
	return d;
}

#define TYPE FIELD_CLASSIFICATION_TYPE
static const struct {
	const char *what;
	struct { enum field f; const char *v; } has[6];
	const char *want;
} events[] = {
	{ "all roles in their order",
	  { { TYPE, "infected-system" }, { FIELD_SOURCE_IP, "198.18.7.1" }, { FIELD_SOURCE_ASN, "64500" },
	    { FIELD_SOURCE_GEOLOCATION_CC, "ID" } },
	  "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16|4 2 asn AS64500|1 4 country ID" },
	{ "whose name it is first for phishing, then the host",
	  { { TYPE, "phishing" }, { FIELD_SOURCE_IP, "198.18.7.1" }, { FIELD_SOURCE_FQDN, "www.example.org" } },
	  "2 0 domain example.org|3 1 net 198.18.0.0/16|5 3 domain org" },
	{ "an organisation once, in its best role",
	  { { TYPE, "scanner" }, { FIELD_SOURCE_IP, "198.18.7.1" }, { FIELD_SOURCE_FQDN, "example.org" } },
	  "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16|5 3 domain org" },
	{ "the destination is nobody's business in a scan",
	  { { TYPE, "scanner" }, { FIELD_DESTINATION_IP, "198.18.7.1" } }, NULL },
	{ "but a victim's in a denial of service, behind the source",
	  { { TYPE, "ddos" }, { FIELD_SOURCE_GEOLOCATION_CC, "ID" }, { FIELD_DESTINATION_IP, "198.18.7.1" },
	    { FIELD_DESTINATION_GEOLOCATION_CC, "SG" } },
	  "1 4 country ID|2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16|6 4 country SG" },
	{ "without a type", { { FIELD_SOURCE_ASN, "64500" } }, "4 2 asn AS64500" },
	{ "name from a URL",
	  { { TYPE, "malware-distribution" }, { FIELD_SOURCE_URL, "http://a.example.org/x" } },
	  "2 0 domain example.org|5 3 domain org" },
	{ "name of an account", { { TYPE, "data-leak" }, { FIELD_SOURCE_ACCOUNT, "someone@example.org" } },
	  "2 0 domain example.org|5 3 domain org" },
	{ "registrar first for made-up names",
	  { { TYPE, "dga-domain" }, { FIELD_SOURCE_FQDN, "qxz.example.org" } },
	  "5 3 domain org|2 0 domain example.org" },
	{ "network when there is no address", { { FIELD_SOURCE_NETWORK, "198.18.7.128/25" } },
	  "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16" },
	{ "shared address", { { FIELD_SOURCE_IP, "100.64.1.1" } }, "4 2 shared net 100.64.0.0/10" },
	{ "nobody", { { FIELD_SOURCE_IP, "192.0.2.1" } }, NULL },
};

static void set(struct batch *b, enum field f, const char *z)
{
	struct ip ip;
	struct net net;
	uint32_t n;
	if (f == FIELD_SOURCE_NETWORK && net_parse(str_of(z), true, &net))
		batch_set_net(b, f, &net);
	else if (ip_parse(str_of(z), &ip))
		batch_set_ip(b, f, &ip);
	else if (str_to_u32(str_of(z), &n))
		batch_set_int(b, f, STR_NONE, n);
	else
		batch_set_text(b, f, STR_NONE, str_of(z));
}

TEST(batch)
{
	struct directory *d = table();
	struct batch *b = batch_new();
	struct err err;
	for (uint32_t i = 0; i < COUNT_OF(events); i++) {
		batch_row_begin(b, i + 1, 0, 0, 1);
		for (size_t k = 0; k < COUNT_OF(events[i].has) && events[i].has[k].v; k++)
			set(b, events[i].has[k].f, events[i].has[k].v);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	CHECK_RC(route_batch(d, b, 1, &err), RC_OK, err);
	for (uint32_t i = 0; i < COUNT_OF(events); i++) {
		const struct cell *c = batch_find(b, &b->row[i], FIELD_RONDA_CONCERNS);
		str got = c ? cell_text(b, c) : STR("(none)");
		CHECK_MSG(str_eq(got, str_of(events[i].want ? events[i].want : "(none)")),
			  "%s: '" STR_FMT "'", events[i].what, STR_ARG(got));
	}
	batch_free(b);
	directory_free(d);
}

TEST(text_and_back)
{
	struct concerns list;
	CHECK(concerns_parse(STR("12 0 net 198.18.0.0/16|3 4 country ID|4 2 shared net 100.64.0.0/10"), &list));
	CHECK_INT(list.count, 3);
	CHECK_INT(list.list[0].org, 12);
	CHECK_INT(list.list[1].role, ROLE_NATIONAL_CERT);
	CHECK_STR(str_of(list.list[0].reason), STR("net 198.18.0.0/16"));
	CHECK(!list.list[0].shared_address && list.list[2].shared_address);
	struct buf b = BUF_INIT(1024);
	concerns_format(&list, &b);
	CHECK_STR(buf_str(&b), STR("12 0 net 198.18.0.0/16|3 4 country ID|4 2 shared net 100.64.0.0/10"));
	buf_free(&b);
	CHECK(concerns_parse(STR(""), &list) && list.count == 0);
	static const char *const bad[] = {
		"x", "1", "1 0", "1 0 ", "1 5 net x", "1 -1 net x", "x 0 net x", "1 0 net x|", "1 0 net x||2 0 y",
		"1 0 a234567890123456789012345678901234567890123456789012345678901234567890",
	};
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK_MSG(!concerns_parse(str_of(bad[i]), &list) || str_eq(str_of(bad[i]), STR("1 0 net x|")),
			  "'%s' was taken", bad[i]);
	struct buf many = BUF_INIT(4096);
	for (int i = 0; i < CONCERNS_MAX + 1; i++)
		buf_fmt(&many, "%s%d 0 net x", i ? "|" : "", i);
	CHECK(!concerns_parse(buf_str(&many), &list));
	buf_free(&many);
}

static const struct {
	const char *text, *kind, *want;
} questions[] = {
	{ "198.18.7.1", "ip", "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16" },
	{ "198[.]18[.]7[.]1", "ip", "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16" },
	{ " <198.18.7.1>, ", "ip", "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16" },
	{ "198.18.7.1:8080", "ip", "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16" },
	{ "[2001:db8::1]:443", "ip", "" },
	{ "2001:db8::1", "ip", "" },
	{ "198.18.7.128/25", "net", "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16" },
	{ "www.EXAMPLE.org", "domain", "2 0 domain example.org|5 3 domain org" },
	{ "www.example[.]org.", "domain", "2 0 domain example.org|5 3 domain org" },
	{ "someone@example.org", "domain", "2 0 domain example.org|5 3 domain org" },
	{ "hxxps://www[.]example(.)org/a/b?c", "url", "2 0 domain example.org|5 3 domain org" },
	{ "hxxp[:]//198.18.7.1/x", "url", "2 0 net 198.18.7.0/24|3 1 net 198.18.0.0/16" },
	{ "www.example.org/path", "url", "2 0 domain example.org|5 3 domain org" },
	{ "AS64500", "asn", "4 2 asn AS64500" },
	{ "as64500", "asn", "4 2 asn AS64500" },
	{ "", NULL, NULL }, { "AS0", NULL, NULL }, { "hello", NULL, NULL }, { "198.18.7", NULL, NULL },
	{ "198.18.7.1/40", NULL, NULL }, { "<>", NULL, NULL }, { "[", NULL, NULL }, { "@", NULL, NULL },
	{ "http://", NULL, NULL }, { "a b.example.org", NULL, NULL },
};

TEST(who)
{
	struct directory *d = table();
	struct buf got = BUF_INIT(1024);
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		struct who w;
		struct err err = { 0 };
		enum rc rc = route_who(d, NULL, str_of(questions[i].text), 1, &w, &err);
		CHECK_MSG(rc == (questions[i].kind ? RC_OK : RC_INPUT), "'%s': %s %s", questions[i].text,
			  rc_name(rc), w.kind);
		if (rc != RC_OK || !questions[i].kind)
			continue;
		buf_reset(&got);
		concerns_format(&w.concerns, &got);
		CHECK_MSG(strcmp(w.kind, questions[i].kind) == 0 &&
				  str_eq(buf_str(&got), str_of(questions[i].want)),
			  "'%s': %s '" STR_FMT "'", questions[i].text, w.kind, STR_ARG(buf_str(&got)));
	}
	buf_free(&got);
	directory_free(d);
}

TEST(speed)
{
	struct directory *d = table();
	struct batch *b = batch_new();
	struct err err;
	int64_t spent = 0;
	enum { ROUNDS = 20 };
	for (int round = 0; round < ROUNDS; round++) {
		batch_reset(b);
		for (uint32_t i = 0; i < 4000; i++) {
			struct ip ip = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, (uint8_t)(i >> 8),
					   (uint8_t)i } };
			batch_row_begin(b, i + 1, 0, 0, 1);
			batch_set_ip(b, FIELD_SOURCE_IP, &ip);
			batch_set_text(b, TYPE, STR_NONE, STR("vulnerable-system"));
			batch_set_int(b, FIELD_SOURCE_ASN, STR_NONE, 64500);
			batch_set_text(b, FIELD_SOURCE_GEOLOCATION_CC, STR_NONE, STR("ID"));
			batch_set_text(b, FIELD_SOURCE_FQDN, STR_NONE, STR("some.host.example.org"));
			CHECK_RC(batch_row_end(b, &err), RC_OK, err);
		}
		int64_t start = clock_mono_us();
		CHECK_RC(route_batch(d, b, 1, &err), RC_OK, err);
		spent += clock_mono_us() - start;
	}
	printf("# %.2f M rows/s\n", 4000.0 * ROUNDS / (double)(spent ? spent : 1));
	batch_free(b);
	directory_free(d);
}

TEST_MAIN(TEST_RUN(batch), TEST_RUN(text_and_back), TEST_RUN(who), TEST_RUN(speed))
