/* SPDX-License-Identifier: Apache-2.0 */
#include "route/finding_key.h"

#include "base/clock.h"
#include "base/test.h"

#define TYPE FIELD_CLASSIFICATION_TYPE
#define ID FIELD_CLASSIFICATION_IDENTIFIER
#define IP FIELD_SOURCE_IP
#define PORT FIELD_SOURCE_PORT

struct said {
	enum field f;
	const char *v;
};

/* Two events, the words for the first, and whether they are one finding. */
static const struct {
	const char *what;
	struct said a[6], b[6];
	const char *words;
	bool one;
} pairs[] = {
	{ "a service by port", { { TYPE, "vulnerable-system" }, { IP, "198.18.0.1" }, { PORT, "23" } },
	  { { TYPE, "vulnerable-system" }, { IP, "198.18.0.1" }, { PORT, "2323" } }, "ip 198.18.0.1 port 23", false },
	{ "the same service again", { { TYPE, "weak-crypto" }, { IP, "198.18.0.1" }, { PORT, "443" } },
	  { { TYPE, "weak-crypto" }, { IP, "198.18.0.1" }, { PORT, "443" }, { FIELD_SEVERITY, "high" } },
	  "ip 198.18.0.1 port 443", true },
	{ "a client without port", { { TYPE, "infected-system" }, { IP, "198.18.0.1" }, { PORT, "40001" } },
	  { { TYPE, "infected-system" }, { IP, "198.18.0.1" }, { PORT, "40002" } }, "ip 198.18.0.1", true },
	{ "two infections", { { TYPE, "infected-system" }, { IP, "198.18.0.1" }, { FIELD_MALWARE_NAME, "one" } },
	  { { TYPE, "infected-system" }, { IP, "198.18.0.1" }, { FIELD_MALWARE_NAME, "two" } }, "ip 198.18.0.1", false },
	{ "two identifiers", { { TYPE, "vulnerable-system" }, { IP, "198.18.0.1" }, { ID, "open-telnet" } },
	  { { TYPE, "vulnerable-system" }, { IP, "198.18.0.1" }, { ID, "open-ftp" } }, "ip 198.18.0.1", false },
	{ "two transports", { { TYPE, "vulnerable-system" }, { IP, "198.18.0.1" }, { PORT, "53" }, { FIELD_PROTOCOL_TRANSPORT, "tcp" } },
	  { { TYPE, "vulnerable-system" }, { IP, "198.18.0.1" }, { PORT, "53" }, { FIELD_PROTOCOL_TRANSPORT, "udp" } },
	  "ip 198.18.0.1 port 53", false },
	{ "other with a destination is a client", { { TYPE, "other" }, { IP, "198.18.0.1" }, { PORT, "1" }, { FIELD_DESTINATION_PORT, "80" } },
	  { { TYPE, "other" }, { IP, "198.18.0.1" }, { PORT, "2" }, { FIELD_DESTINATION_PORT, "80" } }, "ip 198.18.0.1", true },
	{ "other without is a service", { { TYPE, "other" }, { IP, "198.18.0.1" }, { PORT, "1" } },
	  { { TYPE, "other" }, { IP, "198.18.0.1" }, { PORT, "2" } }, "ip 198.18.0.1 port 1", false },
	{ "phishing by URL", { { TYPE, "phishing" }, { IP, "198.18.0.1" }, { FIELD_SOURCE_URL, "http://example.org/a" } },
	  { { TYPE, "phishing" }, { IP, "198.18.0.2" }, { FIELD_SOURCE_URL, "http://example.org/a" } },
	  "url http://example.org/a", true },
	{ "a name alone, or out of a URL", { { TYPE, "blacklist" }, { FIELD_SOURCE_URL, "http://example.org/a" } },
	  { { TYPE, "blacklist" }, { FIELD_SOURCE_URL, "http://example.org/a" }, { FIELD_SOURCE_FQDN, "example.org" } },
	  "domain example.org", true },
	{ "an account shows no person", { { TYPE, "data-leak" }, { FIELD_SOURCE_ACCOUNT, "one@example.org" } },
	  { { TYPE, "data-leak" }, { FIELD_SOURCE_ACCOUNT, "two@example.org" } }, "account of example.org", false },
	{ "an account without a domain", { { TYPE, "data-leak" }, { FIELD_SOURCE_ACCOUNT, "one" } },
	  { { TYPE, "data-leak" }, { FIELD_SOURCE_ACCOUNT, "one" } }, "account of a person", true },
	{ "two types", { { TYPE, "scanner" }, { IP, "198.18.0.1" } }, { { TYPE, "spam" }, { IP, "198.18.0.1" } },
	  "ip 198.18.0.1", false },
	{ "IPv6", { { TYPE, "scanner" }, { IP, "2001:db8::1" } }, { { TYPE, "scanner" }, { IP, "2001:db8::1" } },
	  "ip 2001:db8::1", true },
	{ "an AS when there is nothing else", { { TYPE, "scanner" }, { FIELD_SOURCE_ASN, "64500" } },
	  { { TYPE, "scanner" }, { FIELD_SOURCE_ASN, "64501" } }, "asn AS64500", false },
	{ "exercises apart", { { TYPE, "scanner" }, { IP, "198.18.0.1" }, { FIELD_EXERCISE, "yes" } },
	  { { TYPE, "scanner" }, { IP, "198.18.0.1" } }, "ip 198.18.0.1", false },
	{ "no finding of a test", { { TYPE, "test" }, { IP, "198.18.0.1" } }, { { TYPE, "test" }, { IP, "198.18.0.1" } },
	  NULL, false },
	{ "none without a source", { { TYPE, "scanner" }, { FIELD_DESTINATION_IP, "198.18.0.1" } }, { { TYPE, "scanner" } },
	  NULL, false },
};

static void add(struct batch *b, const struct said *list)
{
	struct err err;
	batch_row_begin(b, b->c.rows + 1, 0, 0, 1);
	for (size_t i = 0; i < 6 && list[i].v; i++) {
		struct ip ip;
		uint32_t n;
		if (list[i].f == FIELD_EXERCISE)
			batch_set_bool(b, FIELD_EXERCISE, STR_NONE, true);
		else if (ip_parse(str_of(list[i].v), &ip))
			batch_set_ip(b, list[i].f, &ip);
		else if (str_to_u32(str_of(list[i].v), &n))
			batch_set_int(b, list[i].f, STR_NONE, n);
		else
			batch_set_text(b, list[i].f, STR_NONE, str_of(list[i].v));
	}
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
}

TEST(keys)
{
	struct batch *b = batch_new();
	struct buf key[2] = { BUF_INIT(4096), BUF_INIT(4096) }, words[2] = { BUF_INIT(4096), BUF_INIT(4096) };
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		bool made[2];
		batch_reset(b);
		add(b, pairs[i].a);
		add(b, pairs[i].b);
		for (uint32_t k = 0; k < 2; k++) {
			struct finding_facts f;
			finding_facts_of(b, &b->row[k], &f);
			made[k] = finding_key(&f, false, &key[k], &words[k]);
		}
		CHECK_MSG(made[0] == (pairs[i].words != NULL), "%s", pairs[i].what);
		if (!pairs[i].words)
			continue;
		CHECK_MSG(str_eq(buf_str(&words[0]), str_of(pairs[i].words)), "%s: '" STR_FMT "'",
			  pairs[i].what, STR_ARG(buf_str(&words[0])));
		CHECK_MSG(str_eq(buf_str(&key[0]), buf_str(&key[1])) == pairs[i].one, "%s", pairs[i].what);
	}
	for (size_t k = 0; k < 2; k++) {
		buf_free(&key[k]);
		buf_free(&words[k]);
	}
	batch_free(b);
}

TEST(per_event)
{
	struct batch *b = batch_new();
	struct buf key = BUF_INIT(4096), first = BUF_INIT(4096), words = BUF_INIT(4096);
	const struct said said[6] = { { TYPE, "infected-system" }, { IP, "100.64.0.1" }, { PORT, "4000" } };
	struct finding_facts f;
	add(b, said);
	finding_facts_of(b, &b->row[0], &f);
	f.time_us = 0;
	CHECK(finding_key(&f, true, &first, &words));
	CHECK_STR(buf_str(&words), STR("ip 100.64.0.1 port 4000 at 1970-01-01T00:00:00+00:00"));
	f.time_us = SECOND_US;
	CHECK(finding_key(&f, true, &key, &words) && !str_eq(buf_str(&key), buf_str(&first)));
	f.time_us = 0;
	f.port++;
	CHECK(finding_key(&f, true, &key, &words) && !str_eq(buf_str(&key), buf_str(&first)));
	buf_free(&key);
	buf_free(&first);
	buf_free(&words);
	batch_free(b);
}

TEST(long_words)
{
	char url[1200];
	struct buf key = BUF_INIT(8192), words = BUF_INIT(4096);
	struct finding_facts f = { .type = STR_INIT("phishing") };
	size_t n = (size_t)snprintf(url, sizeof(url), "http://example.org/");
	while (n + 2 < sizeof(url))
		n += (size_t)snprintf(url + n, sizeof(url) - n, "\xc3\xa9");
	f.url = str_mem(url, n);
	CHECK(finding_key(&f, false, &key, &words));
	CHECK(str_is_utf8(buf_str(&words)) && words.n <= 404 && words.n >= 402);
	buf_free(&key);
	buf_free(&words);
}

TEST_MAIN(TEST_RUN(keys), TEST_RUN(per_event), TEST_RUN(long_words))
