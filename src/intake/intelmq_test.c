/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/format_test.h"

static const struct {
	const char *what;
	str line, event, words; /* `words` begins with that when refused */
	unsigned dropped, blank;
} records[] = {
#define S STR_INIT
	{ "an event", S("{\"__type\":\"Event\",\"source.ip\":\"192.0.2.1\",\"source.port\":22,"
			"\"classification.type\":\"brute-force\",\"feed.accuracy\":100.0}"),
	  S("{\"classification.taxonomy\":\"intrusion-attempts\",\"classification.type\":"
	    "\"brute-force\",\"feed.accuracy\":100.0,\"source.ip\":\"192.0.2.1\",\"source.port\":22}\n"),
	  S(""), 0, 0 },
	{ "extra in its ways",
	  S("{\"source.ip\":\"192.0.2.1\",\"extra.a\":\" x \",\"extra\":{\"b\":1,\"c\":[1, 2],\"d\":"
	    "{\"e\":true}},\"unheard\":1.5,\"big\":123456789012345678901,\"none\":null,\"empty\":\"\"}"),
	  S("{\"classification.taxonomy\":\"other\",\"classification.type\":\"undetermined\","
	    "\"source.ip\":\"192.0.2.1\",\"extra.a\":\"x\",\"extra.b\":1,\"extra.big\":"
	    "123456789012345678901,\"extra.c\":[1, 2],\"extra.d\":{\"e\":true},\"extra.unheard\":1.5}\n"),
	  S(""), 0, 0 },
	{ "extra as a string of JSON",
	  S("{\"source.fqdn\":\"EXAMPLE.org\",\"extra\":\"{\\\"tag\\\": \\\"a\\\\\\\"b\\\"}\"}"),
	  S("{\"classification.taxonomy\":\"other\",\"classification.type\":\"undetermined\","
	    "\"source.fqdn\":\"example.org\",\"extra.tag\":\"a\\\"b\"}\n"),
	  S(""), 0, 0 },
	{ "nested",
	  S("{\"source\":{\"ip\":\"192.0.2.1\",\"geolocation\":{\"cc\":\"tl\"}},\"classification\":"
	    "{\"type\":\"c&c\"},\"a\":{\"b\":{\"c\":2}}}"),
	  S("{\"classification.taxonomy\":\"malicious-code\",\"classification.type\":\"c2-server\","
	    "\"source.geolocation.cc\":\"TL\",\"source.ip\":\"192.0.2.1\",\"extra.a.b.c\":2}\n"),
	  S(""), 0, 0 },
	{ "TLP not understood",
	  S("{\"source.asn\":\"AS64500\",\"tlp\":\"purple\"}"),
	  S("{\"classification.taxonomy\":\"other\",\"classification.type\":\"undetermined\","
	    "\"source.asn\":64500,\"tlp\":\"RED\"}\n"),
	  S(""), 0, 0 },
	{ "output as IntelMQ keeps it", S("{\"source.asn\":64500,\"output\":\"{\\\"a\\\": 1}\"}"),
	  S("{\"classification.taxonomy\":\"other\",\"classification.type\":\"undetermined\","
	    "\"output\":\"{\\\"a\\\": 1}\",\"source.asn\":64500}\n"),
	  S(""), 0, 0 },
	{ "ours is not theirs to say", S("{\"source.asn\":64500,\"ronda.concerns\":\"1 1 x\"}"),
	  S("{\"classification.taxonomy\":\"other\",\"classification.type\":\"undetermined\","
	    "\"source.asn\":64500,\"extra.ronda.concerns\":\"1 1 x\"}\n"),
	  S(""), 0, 0 },
	{ "a report", S("{\"feed.name\":\"x\",\"raw\":\"%\",\"__type\":\"Report\"}"), S(""), S(""), 1, 0 },
	{ "a report with its type first", S("{\"__type\":\"Report\",\"raw\":\"%\"}"), S(""), S(""), 1, 0 },
	{ "white space", S("  \t"), S(""), S(""), 0, 1 },
	{ "another type", S("{\"__type\":\"Alert\"}"), S(""),
	  S("1 field: neither an event nor a report"), 0, 0 },
	{ "nothing inside", S("{\"__type\":\"Event\",\"comment\":\"-\"}"), S(""),
	  S("1 field: an event without a value"), 0, 0 },
	{ "cut off", S("{\"source.ip\":\"192.0.2."), S(""), S("1 syntax: JSON: "), 0, 0 },
	{ "no object", S("[1]"), S(""), S("1 syntax: JSON: "), 0, 0 },
	{ "a key twice", S("{\"comment\":\"a\",\"comment\":\"b\"}"), S(""), S("1 syntax: JSON: "), 0, 0 },
	{ "a field twice, nested", S("{\"source.asn\":1,\"source\":{\"asn\":1}}"), S(""),
	  S("1 field: source.asn is there twice"), 0, 0 },
	{ "a bad address", S("{\"source.ip\":\"192.0.2.300\"}"), S(""),
	  S("1 field: source.ip: '192.0.2.300' is no address"), 0, 0 },
	{ "an array for an address", S("{\"source.ip\":[\"192.0.2.1\"]}"), S(""),
	  S("1 field: source.ip: an array or object is no value"), 0, 0 },
	{ "a truth for a number", S("{\"source.port\":true}"), S(""),
	  S("1 field: source.port: 'true' is no whole number"), 0, 0 },
	{ "NUL by escape", S("{\"comment\":\"a\\u0000b\"}"), S(""),
	  S("1 field: text that is no UTF-8 or holds a NUL"), 0, 0 },
#undef S
};

TEST(lines)
{
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		struct format_run *r = format_run(STR("intelmq"), STR_NONE, records[i].line);
		CHECK_MSG(str_eq(buf_str(&r->events), records[i].event), "%s: '%s'", records[i].what,
			  r->events.p);
		str words = str_head(buf_str(&r->words), records[i].words.n);
		CHECK_MSG(str_eq(words, records[i].words), "%s: '%s'", records[i].what, r->words.p);
		CHECK_MSG((records[i].words.n > 0) == r->sum.quarantined, "%s", records[i].what);
		CHECK_MSG(r->sum.dropped == records[i].dropped && r->sum.blank == records[i].blank, "%s",
			  records[i].what);
		format_run_free(r);
	}
}

/* What goes out comes in again the same. */
TEST(round_trip)
{
	for (size_t i = 0; i < COUNT_OF(records); i++) {
		if (records[i].event.n == 0)
			continue;
		struct format_run *r = format_run(STR("auto"), STR_NONE, records[i].event);
		CHECK_STR(buf_str(&r->events), records[i].event);
		CHECK_STR(str_of(r->result.format), STR("intelmq"));
		format_run_free(r);
	}
}

TEST(nesting_has_an_end)
{
	struct buf b = BUF_INIT(MIB(1));
	buf_add(&b, STR("{"));
	for (int i = 0; i < 80; i++)
		buf_fmt(&b, "%s\"k%d\":{\"a\":1}", i ? "," : "", i);
	buf_add(&b, STR("}\n"));
	for (int i = 0; i < 63; i++)
		buf_add(&b, STR("{\"a\":"));
	buf_add(&b, STR("1"));
	for (int i = 0; i < 63; i++)
		buf_add(&b, STR("}"));
	buf_add(&b, STR("\n{\"source.asn\":1}\n"));
	struct format_run *r = format_run(STR("intelmq"), STR_NONE, buf_str(&b));
	CHECK_STR(buf_str(&r->words), STR("1 limit: more nested objects than 64\n"));
	CHECK_INT(r->accepted, 2);
	format_run_free(r);
	buf_free(&b);
}

TEST(pretty_printed)
{
	static const str text = STR_INIT("{\n \"__type\": \"Event\",\n \"source\": {\n  \"ip\": "
					 "\"192.0.2.1\"\n }\n}\n"
					 "{\"source.ip\": \"192.0.2.2\"}\n"
					 "{\n \"source.ip\": \"192.0.2.3\",\n"
					 "{\"source.ip\": \"192.0.2.4\"}\n"
					 "{\n \"source.ip\": \"192.0.2.5\"\n}");
	struct format_run *r = format_run(STR("auto"), STR_NONE, text);
	CHECK_STR(str_of(r->result.format), STR("intelmq"));
	CHECK_INT(r->accepted, 4);
	CHECK_INT(r->sum.quarantined, 1);
	CHECK(str_starts(buf_str(&r->words), STR("3 syntax: JSON")));
	format_run_free(r);
}

TEST(claims_its_own)
{
	static const struct {
		str head;
		int least, most;
	} rows[] = {
		{ STR_INIT("{\"__type\":\"Event\",\"source.ip\":\"192.0.2.1\"}\n"), 90, 100 },
		{ STR_INIT("\n{\"source.ip\":\"192.0.2.1\",\"extra.a\":1}\n"), 70, 80 },
		{ STR_INIT("{\"__type\":\"Event\",\"source.ip\":\n{\"__type\":\"Event\"}\n"), 50, 70 },
		{ STR_INIT("{\"src_ip\":\"192.0.2.1\",\"event_type\":\"alert\"}\n"), 0, 0 },
		{ STR_INIT("{\"type\":\"bundle\",\"objects\":[]}\n"), 0, 0 },
		{ STR_INIT("192.0.2.1\n"), 0, 0 },
		{ STR_INIT(""), 0, 0 },
		{ STR_INIT("{"), 0, 0 },
	};
	const struct intake_format *f = intake_format_find(STR("intelmq"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct intake_hints hints = { 0 };
		int sure = f->claims(&(struct intake_sample){ rows[i].head, true, &hints });
		CHECK_MSG(sure >= rows[i].least && sure <= rows[i].most, "row %zu: %d", i, sure);
	}
}

TEST(samples)
{
	static const struct {
		const char *name;
		uint64_t accepted;
	} files[] = { { "intelmq/events.txt", 25 }, { "intelmq/event-angler.json", 1 } };
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		str text = format_sample(files[i].name);
		if (!text.p) {
			printf("# SKIP %s is not here\n", files[i].name);
			continue;
		}
		struct format_run *r = format_run(STR("auto"), STR_NONE, text);
		CHECK_STR(str_of(r->result.format), STR("intelmq"));
		CHECK_INT(r->accepted, files[i].accepted);
		CHECK_STR(buf_str(&r->words), STR(""));
		format_run_free(r);
		free((void *)(uintptr_t)text.p);
	}
}

TEST_MAIN(TEST_RUN(lines), TEST_RUN(round_trip), TEST_RUN(nesting_has_an_end),
	  TEST_RUN(pretty_printed), TEST_RUN(claims_its_own), TEST_RUN(samples))
