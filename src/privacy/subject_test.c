/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as a hit. */
#include "base/test.h"

#include "base/arena.h"
#include "privacy/subject_private.h"

static const struct {
	const char *what;
	enum identifier_kind kind;
	const char *value, *text;
	bool is;
} samples[] = {
	{ "an address", IDENTIFIER_IP, "192.0.2.1", "from 192.0.2.1 to 198.18.0.1", true },
	{ "at the end of a sentence", IDENTIFIER_IP, "192.0.2.1", "it was 192.0.2.1.", true },
	{ "another that begins so", IDENTIFIER_IP, "192.0.2.1", "from 192.0.2.10", false },
	{ "another that ends so", IDENTIFIER_IP, "92.0.2.1", "from 192.0.2.1", false },
	{ "with a port", IDENTIFIER_IP, "192.0.2.1", "192.0.2.1:80", true },
	{ "in JSON", IDENTIFIER_IP, "192.0.2.1", "{\"source.ip\":\"192.0.2.1\"}", true },
	{ "IPv6 in capitals", IDENTIFIER_IP, "2001:db8::a", "at 2001:DB8::A today", true },
	{ "a longer IPv6", IDENTIFIER_IP, "2001:db8::a", "at 2001:db8::a1", false },
	{ "an address of a network of his", IDENTIFIER_IP, "192.0.2.0/24", "from 192.0.2.77", true },
	{ "an e-mail address", IDENTIFIER_MAIL, "a@example.org", "To: <A@Example.org>", true },
	{ "of somebody else", IDENTIFIER_MAIL, "a@example.org", "To: <ba@example.org>", false },
	{ "with another in front", IDENTIFIER_MAIL, "a@example.org", "b.a@example.org", false },
	{ "of a longer domain", IDENTIFIER_MAIL, "a@example.org", "a@example.orgs", false },
	{ "a domain", IDENTIFIER_DOMAIN, "example.org", "http://www.example.org/x", true },
	{ "another domain", IDENTIFIER_DOMAIN, "example.org", "myexample.org", false },
	{ "a longer one", IDENTIFIER_DOMAIN, "example.or", "example.org", false },
	{ "a name", IDENTIFIER_NAME, "siti rahma", "Ibu Siti Rahma menelepon", true },
	{ "a longer name", IDENTIFIER_NAME, "siti rahma", "Siti Rahmawati", false },
	{ "a number", IDENTIFIER_PHONE, "81255501234", "call +62 812-5550-1234 now", true },
	{ "in groups", IDENTIFIER_PHONE, "81255501234", "(0812) 5550 1234", true },
	{ "another number", IDENTIFIER_PHONE, "81255501234", "0812 5550 1235", false },
	{ "digits apart", IDENTIFIER_PHONE, "81255501234", "812 and 5550 and 1234", false },
	{ "nothing", IDENTIFIER_NAME, "siti", "", false },
};

TEST(what_counts_as_a_hit)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct identifiers list = { .count = 1, .folded = BUF_INIT(KIB(4)) };
		list.list[0] = (struct identifier){ .kind = samples[i].kind, .value = str_of(samples[i].value) };
		if (samples[i].kind == IDENTIFIER_IP)
			CHECK(net_parse(list.list[0].value, false, &list.list[0].net));
		CHECK_MSG((identifier_in(&list, str_of(samples[i].text)) == 0) == samples[i].is, "%s",
			  samples[i].what);
		buf_free(&list.folded);
	}
}

TEST_MAIN(TEST_RUN(what_counts_as_a_hit))
