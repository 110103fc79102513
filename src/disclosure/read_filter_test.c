/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read.h"

#include "base/clock.h"
#include "base/test.h"

static struct err err;

TEST(what_is_understood)
{
	static const struct { const char *name, *value; enum rc rc; } cases[] = {
		{ "type", "scanner", RC_OK },          { "type", "no such type", RC_INPUT },
		{ "type", "", RC_INPUT },              { "type", "  ", RC_INPUT },
		{ "asn", "AS64500", RC_OK },           { "asn", "64500", RC_OK },
		{ "asn", "x", RC_INPUT },              { "asn", "0", RC_INPUT },
		{ "ip", "192.0.2.1", RC_OK },          { "ip", "192.0.2.1/33", RC_INPUT },
		{ "ip", "192.0.2", RC_INPUT },         { "ip", "2001:db8::/32", RC_OK },
		{ "cc", "id", RC_OK },                 { "cc", "INDO", RC_INPUT },
		{ "severity", "high", RC_OK },         { "severity", "dire", RC_INPUT },
		{ "tlp", "amber+strict", RC_OK },      { "tlp", "purple", RC_INPUT },
		{ "org", "12", RC_OK },                { "org", "-1", RC_INPUT },
		{ "org", "x", RC_INPUT },              { "report", "0", RC_INPUT },
		{ "from", "2026-01-31", RC_OK },       { "from", "2d", RC_OK },
		{ "from", "yesterday", RC_INPUT },     { "until", "2026-01-31T10:00:00Z", RC_OK },
		{ "until", "9999999w", RC_OK },        { "extra.", "x", RC_INPUT },
		{ "extra.tag", "x", RC_OK },           { "extra.tag", "it's", RC_OK },
		{ "source.port", "23", RC_OK },        { "source.port", "many", RC_INPUT },
		{ "source.network", "192.0.2.0/24", RC_OK },
		{ "source.tor_node", "true", RC_OK },  { "time.source", "2026-01-31T10:00:00Z", RC_OK },
		{ "source.url", "http://example.org/*", RC_OK },
		{ "output", "{}", RC_INPUT },          { "raw", "eA==", RC_INPUT },
		{ "ronda.concerns", "1", RC_INPUT },   { "feed.accuracy", "50", RC_INPUT },
		{ "source.geolocation.latitude", "1", RC_INPUT },
		{ "no.such", "x", RC_INPUT },          { "", "x", RC_INPUT },
		{ "source.ip'; DROP TABLE token; --", "x", RC_INPUT },
		{ "comment", "a\nb", RC_INPUT },       { "comment", "\xff", RC_INPUT },
		{ "comment", "'; DROP TABLE token; --", RC_OK },
		{ "report", "x", RC_INPUT },           { "extra.tag", "a*", RC_OK },
		{ "comment", "-", RC_INPUT },          { "fqdn", ".", RC_INPUT },
	};
	struct arena *a = arena_new(KIB(4));

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct filter_set f = { 0 };
		err.text[0] = '\0';
		enum rc rc = filter_add(&f, str_of(cases[i].name), str_of(cases[i].value), a, &err);

		CHECK_MSG(rc == cases[i].rc, "%s=%s: %s (%s)", cases[i].name, cases[i].value, rc_name(rc), err.text);
		CHECK_MSG(rc == RC_OK || err.text[0], "%s=%s has no words", cases[i].name, cases[i].value);
		CHECK(rc == RC_OK || f.query.filter_count == 0);
	}
	arena_free(a);
}

TEST(how_it_is_asked)
{
	struct arena *a = arena_new(KIB(4));
	struct filter_set f = { 0 };

	CHECK_RC(filter_add(&f, STR("type"), STR("Scanner"), a, &err), RC_OK, err);
	CHECK_RC(filter_add(&f, STR("asn"), STR("AS64500"), a, &err), RC_OK, err);
	CHECK_RC(filter_add(&f, STR("ip"), STR("198.18.7.7/15"), a, &err), RC_OK, err);
	CHECK_RC(filter_add(&f, STR("fqdn"), STR(".Example.ORG"), a, &err), RC_OK, err);
	CHECK_RC(filter_add(&f, STR("cc"), STR("i*"), a, &err), RC_OK, err);
	CHECK_RC(filter_add(&f, STR("org"), STR("3"), a, &err), RC_OK, err);
	CHECK_INT(f.query.filter_count, 6);
	CHECK(f.query.filters == f.list);
	CHECK_INT(f.list[0].op, FILTER_EQ);
	CHECK_STR(f.list[0].text, STR("scanner"));
	CHECK_INT(f.list[1].number, 64500);
	CHECK_INT(f.list[2].op, FILTER_IN_NET);
	CHECK_INT(f.list[2].net.bits, 96 + 15);
	CHECK_INT(f.list[3].op, FILTER_SUFFIX);
	CHECK_STR(f.list[3].text, STR(".example.org"));
	CHECK_INT(f.list[4].op, FILTER_PREFIX);
	CHECK_STR(f.list[4].text, STR("I"));
	CHECK_INT(f.list[5].op, FILTER_ORG);
	CHECK_INT(f.list[5].number, 3);
	CHECK_RC(filter_add(&f, STR("report"), STR("9"), a, &err), RC_OK, err);
	CHECK_INT(f.query.report, 9);
	arena_free(a);
}

/* Letters as the field has them; what is no letter stays. */
TEST(beginnings_and_ends)
{
	static const struct { const char *name, *value; int op; str want; } cases[] = {
		{ "protocol.application", "DNS{1*", FILTER_PREFIX, STR_INIT("dns{1") },
		{ "protocol.application", "dns*", FILTER_PREFIX, STR_INIT("dns") },
		{ "event_hash", "aB1*", FILTER_PREFIX, STR_INIT("AB1") },
		{ "comment", "aB1*", FILTER_PREFIX, STR_INIT("aB1") },
		{ "source.url", "http://Example.org/*", FILTER_PREFIX, STR_INIT("http://Example.org/") },
		{ "fqdn", "Ex*", FILTER_PREFIX, STR_INIT("ex") },
		{ "comment", "*", FILTER_EQ, STR_INIT("*") },
	};
	struct arena *a = arena_new(KIB(4));

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct filter_set f = { 0 };
		CHECK_RC(filter_add(&f, str_of(cases[i].name), str_of(cases[i].value), a, &err), RC_OK, err);
		CHECK_INT(f.list[0].op, cases[i].op);
		CHECK_STR(f.list[0].text, cases[i].want);
	}
	arena_free(a);
}

TEST(no_longer_than_fits)
{
	struct arena *a = arena_new(KIB(64));
	struct filter_set f = { 0 };
	char *long_one = arena_alloc(a, KIB(8) + 8);

	memset(long_one, 'x', KIB(8) + 8);
	memcpy(long_one, "extra.", 6);
	CHECK_RC(filter_add(&f, str_mem(long_one, 6 + EXTRA_KEY_MAX), STR("x"), a, &err), RC_OK, err);
	CHECK_RC(filter_add(&f, str_mem(long_one, 7 + EXTRA_KEY_MAX), STR("x"), a, &err), RC_INPUT, err);
	CHECK_RC(filter_add(&f, STR("comment"), str_mem(long_one, KIB(8) + 1), a, &err), RC_INPUT, err);
	CHECK_INT(f.query.filter_count, 1);
	arena_free(a);
}

TEST(times)
{
	struct arena *a = arena_new(KIB(4));
	struct filter_set f = { 0 };
	int64_t now = clock_now_us();

	CHECK_RC(filter_add(&f, STR("from"), STR("2d"), a, &err), RC_OK, err);
	CHECK(f.query.from_us <= now - 2 * DAY_US + MINUTE_US && f.query.from_us >= now - 2 * DAY_US);
	CHECK_INT(f.query.until_us, INT64_MAX); /* without an end */
	CHECK_RC(filter_add(&f, STR("until"), STR("1d"), a, &err), RC_OK, err);
	CHECK(f.query.until_us < now);
	CHECK_RC(filter_add(&f, STR("from"), STR("1970-01-02"), a, &err), RC_OK, err);
	CHECK_INT(f.query.from_us, DAY_US);
	CHECK(f.query.until_us < now);
	CHECK_RC(filter_add(&f, STR("until"), STR("1970-01-01"), a, &err), RC_OK, err);
	CHECK_INT(f.query.until_us, 1); /* nothing, not everything */
	arena_free(a);
}

TEST(no_more_than_fits)
{
	struct arena *a = arena_new(KIB(4));
	struct filter_set f = { 0 };

	for (size_t i = 0; i < COUNT_OF(f.list); i++)
		CHECK_RC(filter_add(&f, STR("comment"), STR("x"), a, &err), RC_OK, err);
	CHECK_RC(filter_add(&f, STR("comment"), STR("x"), a, &err), RC_LIMIT, err);
	CHECK_INT(f.query.filter_count, COUNT_OF(f.list));
	arena_free(a);
}

TEST(help_names_what_works)
{
	size_t n = 0;

	while (filter_help[n].name) {
		CHECK(filter_help[n].brief[0]);
		n++;
	}
	CHECK(n > 10);
}

TEST_MAIN(TEST_RUN(what_is_understood), TEST_RUN(how_it_is_asked), TEST_RUN(times), TEST_RUN(beginnings_and_ends), TEST_RUN(no_longer_than_fits),
	  TEST_RUN(no_more_than_fits), TEST_RUN(help_names_what_works))
