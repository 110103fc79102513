/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_read.h"

#include "base/clock.h"
#include "base/test.h"
#include "stix/stix_event.h"
#include "stix/stix_mark.h"
#include "stix/stix_record.h"

#define NODE "6f2c1c0e-3f52-4f0e-9a55-6f5a0f7f9a01"
#define UUID_A "11111111-1111-4111-8111-111111111111"
#define UUID_B "22222222-2222-4222-8222-222222222222"
#define TIMES "\"spec_version\":\"2.1\",\"created\":\"2026-11-20T01:02:03.000Z\",\"modified\":\"2026-11-20T01:02:03.004Z\""

static struct err err;

struct got {
	struct arena *a;
	struct stix_object *o;
	size_t count;
};

static struct got read_text(str text)
{
	struct got g = { .a = arena_new(KIB(16)) };
	CHECK_RC(stix_read(text, 1000, g.a, &g.o, &g.count, &err), RC_OK, err);
	return g;
}

static struct got read_objects(const char *objects)
{
	struct buf b = BUF_INIT(MIB(4));
	struct got g = { .a = arena_new(KIB(16)) };
	buf_fmt(&b, "{\"objects\":[%s]}", objects);
	str copy = arena_str(g.a, buf_str(&b)); /* slices of it are given back */
	buf_free(&b);
	CHECK_RC(stix_read(copy, 1000, g.a, &g.o, &g.count, &err), RC_OK, err);
	return g;
}

/* --- envelopes --- */

TEST(what_is_an_envelope)
{
	static const struct { const char *text; enum rc rc; size_t count; } rows[] = {
		{ "{}", RC_OK, 0 },
		{ " { \"more\" : false } \n", RC_OK, 0 },
		{ "{\"objects\":[]}", RC_OK, 0 },
		{ "{\"objects\":[ 1 , \"a\", {}, null,[ ] ]}", RC_OK, 5 },
		{ "{\"type\":\"bundle\",\"id\":\"x\",\"objects\":[{\"a\":\"]}\\\"\"}]}", RC_OK, 1 },
		{ "", RC_INPUT, 0 },
		{ "[]", RC_INPUT, 0 },
		{ "{", RC_INPUT, 0 },
		{ "{\"objects\":[}", RC_INPUT, 0 },
		{ "{\"objects\":[{]}", RC_INPUT, 0 },
		{ "{\"objects\":[1,]}", RC_INPUT, 0 },
		{ "{\"objects\":[1 2]}", RC_INPUT, 0 },
		{ "{\"objects\":[,]}", RC_INPUT, 0 },
		{ "{\"objects\":{}}", RC_INPUT, 0 },
		{ "{\"objects\":7}", RC_INPUT, 0 },
		{ "{\"objects\":[],\"objects\":[]}", RC_INPUT, 0 },
		{ "{\"objects\":[]} {", RC_INPUT, 0 },
		{ "{\"objects\":[]", RC_INPUT, 0 },
		{ "{\"objects\" []}", RC_INPUT, 0 },
		{ "{objects:[]}", RC_INPUT, 0 },
		{ "{\"type\":\"indicator\",\"id\":\"x\"}", RC_INPUT, 0 },
		{ "{\"objects\":[\"a", RC_INPUT, 0 },
		{ "{\"objects\":[\"a\\", RC_INPUT, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(KIB(4));
		struct stix_object *o;
		size_t count = 0;
		enum rc rc = stix_read(str_of(rows[i].text), 100, a, &o, &count, &err);
		CHECK_MSG(rc == rows[i].rc && count == rows[i].count, "%s: %d, %zu", rows[i].text, (int)rc, count);
		CHECK(rc == RC_OK || err.text[0]);
		for (size_t k = 0; k < count; k++)
			CHECK_MSG(o[k].what == STIX_BAD && o[k].words.n > 0, "%s %zu", rows[i].text, k);
		arena_free(a);
	}
}

TEST(too_many)
{
	struct buf b = BUF_INIT(MIB(1));
	struct arena *a = arena_new(KIB(4));
	struct stix_object *o;
	size_t count;
	buf_add(&b, STR("{\"objects\":["));
	for (int i = 0; i < STIX_ENVELOPE_MOST; i++)
		buf_add(&b, STR("1,"));
	buf_add(&b, STR("1]}"));
	CHECK_INT(stix_read(buf_str(&b), SIZE_MAX, a, &o, &count, &err), RC_LIMIT);
	CHECK_INT(stix_read(STR("{\"objects\":[1,2,3]}"), 2, a, &o, &count, &err), RC_LIMIT);
	CHECK_RC(stix_read(STR("{\"objects\":[1,2,3]}"), 3, a, &o, &count, &err), RC_OK, err);
	arena_free(a);
	buf_free(&b);
}

/* --- one object --- */

TEST(what_is_no_object)
{
	static const struct { const char *object, *words; } rows[] = {
		{ "{\"id\":\"tool--" UUID_A "\"," TIMES "}", "type" },
		{ "{\"type\":7}", "type" },
		{ "{\"type\":\"TOOL\",\"id\":\"TOOL--" UUID_A "\"}", "type" },
		{ "{\"type\":\"tool\"," TIMES "}", "id" },
		{ "{\"type\":\"tool\",\"id\":\"malware--" UUID_A "\"," TIMES "}", "id" },
		{ "{\"type\":\"tool\",\"id\":\"tool--1\"," TIMES "}", "id" },
		{ "{\"type\":\"tool\",\"id\":\"tool--" UUID_A "\",\"spec_version\":\"2.1\"}", "'created'" },
		{ "{\"type\":\"tool\",\"id\":\"tool--" UUID_A "\",\"created\":\"2026-11-20T01:02:03Z\"}", "missing" },
		{ "{\"type\":\"tool\",\"id\":\"tool--" UUID_A "\",\"created\":\"soon\",\"modified\":\"later\"}", "no time" },
		{ "{\"type\":\"tool\",\"id\":\"tool--" UUID_A "\",\"created\":\"2026-11-20T01:02:03Z\",\"modified\":\"2025-11-20T01:02:03Z\"}",
		  "before" },
		{ "{\"type\":\"marking-definition\",\"id\":\"marking-definition--" UUID_A "\"}", "'created'" },
		{ "{\"type\":\"url\",\"id\":\"url--" UUID_A "\",\"spec_version\":\"3.0\"}", "spec_version" },
		{ "{\"type\":\"tool\",\"id\":\"tool--" UUID_A "\"," TIMES ",\"revoked\":\"yes\"}", "revoked" },
		{ "{\"type\":\"tool\",\"type\":\"tool\"}", "twice" },
		{ "{\"type\":\"tool\",\"x\":[1,]}", "JSON" },
		{ "{\"type\":\"tool\",\"x\":\"\xff\"}", "UTF-8" },
		{ "{\"type\":\"tool\",\"id\":\"tool--" UUID_A "\"," TIMES ",\"extensions\":{\"" STIX_EXTENSION "\":7}}", "extension" },
		{ "{\"type\":\"note\",\"id\":\"note--" UUID_A "\"," TIMES ",\"extensions\":{\"" STIX_EXTENSION
		  "\":{\"record\":\"no\",\"item\":\"note--1\"}}}", "JSON object" },
		{ "{\"type\":\"note\",\"id\":\"note--" UUID_A "\"," TIMES ",\"extensions\":{\"" STIX_EXTENSION
		  "\":{\"event\":\"{\\\"a\\\":[]}\",\"item\":\"event--1\"}}}", "JSON object" },
		{ "{\"type\":\"note\",\"id\":\"note--" UUID_A "\"," TIMES ",\"extensions\":{\"" STIX_EXTENSION
		  "\":{\"record\":\"{}\",\"answer\":\"{}\",\"item\":\"note--1\"}}}", "more than one" },
		{ "{\"type\":\"note\",\"id\":\"note--" UUID_A "\"," TIMES ",\"extensions\":{\"" STIX_EXTENSION
		  "\":{\"record\":\"{}\",\"origin\":\"me\",\"item\":\"note--1\"}}}", "no node" },
		{ "{\"type\":\"note\",\"id\":\"note--" UUID_A "\"," TIMES ",\"extensions\":{\"" STIX_EXTENSION
		  "\":{\"record\":\"{}\",\"origin\":\"" NODE "\",\"item\":\"../a--b\"}}}", "no item" },
		{ "{\"type\":\"note\",\"id\":\"note--" UUID_A "\"," TIMES ",\"revoked\":true,\"extensions\":{\"" STIX_EXTENSION
		  "\":{\"origin\":\"" NODE "\"}}}", "no item" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct got g = read_objects(rows[i].object);
		CHECK_INT(g.count, 1);
		CHECK_MSG(g.o[0].what == STIX_BAD && str_find(g.o[0].words, str_of(rows[i].words)) < g.o[0].words.n,
			  "%s: %d " STR_FMT, rows[i].object, (int)g.o[0].what, STR_ARG(g.o[0].words));
		CHECK_STR(g.o[0].text, str_of(rows[i].object));
		arena_free(g.a);
	}
}

TEST(a_bad_one_leaves_the_others)
{
	struct got g = read_objects("{\"type\":\"tool\",\"id\":\"tool--" UUID_A "\"," TIMES "},{\"type\":[1,{]}},"
				    "{\"type\":\"tool\",\"id\":\"tool--" UUID_B "\"," TIMES "}");
	CHECK_INT(g.count, 3);
	CHECK(g.o[0].what == STIX_FOREIGN && g.o[1].what == STIX_BAD && g.o[2].what == STIX_FOREIGN);
	arena_free(g.a);
}

TEST(kept_as_it_came)
{
	static const char odd[] = "{ \"type\" : \"x-odd\" ,\n\t\"id\":\"x-odd--" UUID_A "\", \"n\":1.50e+01, \"u\":\"\\u00e9\\/\","
				  " \"created\":\"2026-11-20T01:02:03.123456789Z\", \"list\":[ ] , \"null\":null }";
	struct got g = read_objects(odd);
	CHECK_INT(g.o[0].what, STIX_FOREIGN);
	CHECK_STR(g.o[0].text, STR(odd));
	CHECK_STR(g.o[0].version, STR("2026-11-20T01:02:03.123456789Z"));
	CHECK_STR(g.o[0].id, STR("x-odd--" UUID_A));
	CHECK(!g.o[0].marked && !g.o[0].revoked && g.o[0].event_count == 0);
	arena_free(g.a);
}

TEST(marks_of_what_is_read)
{
	static const struct { const char *marks; bool marked; enum tlp tlp; } rows[] = {
		{ "\"x\":1", false, TLP_CLEAR },
		{ "\"object_marking_refs\":[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\"]", true, TLP_CLEAR },
		{ "\"object_marking_refs\":[\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\","
		  "\"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421\"]", true, TLP_AMBER },
		{ "\"object_marking_refs\":[\"marking-definition--" UUID_A "\"]", true, TLP_COUNT },
		{ "\"object_marking_refs\":[\"marking-definition--\\u0062ab4a63c-aed9-4cf5-a766-dfca5abac2bb\"]", true, TLP_COUNT },
		{ "\"object_marking_refs\":[]", true, TLP_COUNT },
		{ "\"object_marking_refs\":\"TLP:CLEAR\"", true, TLP_COUNT },
		{ "\"granular_markings\":[{}]", true, TLP_COUNT },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[600];
		snprintf(text, sizeof text, "{\"type\":\"url\",\"id\":\"url--" UUID_A "\",%s}", rows[i].marks);
		struct got g = read_objects(text);
		CHECK_MSG(g.o[0].what == STIX_FOREIGN && g.o[0].marked == rows[i].marked && g.o[0].tlp == rows[i].tlp, "%s: %d",
			  rows[i].marks, (int)g.o[0].tlp);
		arena_free(g.a);
	}
}

/* --- what others say, as events --- */

static void check_events(const struct got *g, size_t at, const char *events, const char *words, const char *what)
{
	struct buf b = BUF_INIT(KIB(64));
	for (size_t i = 0; i < g->o[at].event_count; i++) {
		struct json_pair *p;
		size_t count;
		CHECK_RC(json_flat(g->o[at].events[i], g->a, &p, &count, &err), RC_OK, err);
		for (size_t k = 0; k < count; k++)
			if (!str_starts(p[k].key, STR("time.")) && !str_starts(p[k].key, STR("extra.stix_id")))
				buf_fmt(&b, STR_FMT "=" STR_FMT " ", STR_ARG(p[k].key), STR_ARG(p[k].value));
		buf_add(&b, STR("| "));
	}
	CHECK_MSG(str_eq(buf_str(&b), str_of(events)), "%s: " STR_FMT, what, STR_ARG(buf_str(&b)));
	CHECK_MSG(words ? str_find(g->o[at].words, str_of(words)) < g->o[at].words.n : g->o[at].words.n == 0, "%s: " STR_FMT, what,
		  STR_ARG(g->o[at].words));
	buf_free(&b);
}

TEST(patterns)
{
#define B "classification.type=blacklist "
	static const struct { const char *pattern, *events, *words; } rows[] = {
		{ "[ipv4-addr:value = '192.0.2.3']", B "source.ip=192.0.2.3 | ", NULL },
		{ "[ipv6-addr:value='2001:db8::1']", B "source.ip=2001:db8::1 | ", NULL },
		{ "[ ipv4-addr:value ISSUBSET '198.18.0.0/24' ]", B "source.network=198.18.0.0/24 | ", NULL },
		{ "[domain-name:value = 'example.org']", B "source.fqdn=example.org | ", NULL },
		{ "[url:value = 'http://example.org/it\\'s\\\\a']", B "source.url=http://example.org/it's\\a | ", NULL },
		{ "[email-addr:value = 'a@example.org']", B "source.account=a@example.org | ", NULL },
		{ "[autonomous-system:number = 64500]", B "source.asn=64500 | ", NULL },
		{ "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e' OR file:hashes.'SHA-256' = "
		  "'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']",
		  B "malware.hash.md5=d41d8cd98f00b204e9800998ecf8427e | " B
		    "malware.hash.sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 | ", NULL },
		{ "[ipv4-addr:value IN ('192.0.2.1','192.0.2.2')]", B "source.ip=192.0.2.1 | " B "source.ip=192.0.2.2 | ", NULL },
		{ "[ipv4-addr:value = '192.0.2.1'] OR [domain-name:value = 'b.example.org']",
		  B "source.ip=192.0.2.1 | " B "source.fqdn=b.example.org | ", NULL },
		{ "([ipv4-addr:value = '192.0.2.1'] OR ([url:value = 'http://example.org/']))",
		  B "source.ip=192.0.2.1 | " B "source.url=http://example.org/ | ", NULL },
		/* AND binds before OR; brackets */
		{ "[domain-name:value = 'a.example' OR ipv4-addr:value = '192.0.2.1' AND url:value = 'http://a.example/']",
		  B "source.fqdn=a.example | " B "source.ip=192.0.2.1 source.url=http://a.example/ | ", NULL },
		{ "[(domain-name:value = 'a.example' OR ipv4-addr:value = '192.0.2.1') AND url:value = 'http://a.example/']",
		  B "source.fqdn=a.example source.url=http://a.example/ | " B "source.ip=192.0.2.1 source.url=http://a.example/ | ", NULL },
		{ "[network-traffic:dst_ref.value = '192.0.2.9' AND network-traffic:dst_port = 443 AND network-traffic:protocols[*] = 'tcp']",
		  B "source.ip=192.0.2.9 source.port=443 protocol.transport=tcp | ", NULL },
		{ "[network-traffic:src_ref.value = '192.0.2.8' AND network-traffic:dst_ref.value = '192.0.2.9']",
		  B "source.ip=192.0.2.8 destination.ip=192.0.2.9 | ", NULL },
		/* never wider than written */
		{ "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value LIKE '192.0.%']", B "source.ip=192.0.2.1 | ", "part of" },
		{ "[ipv4-addr:value = '192.0.2.1' AND x-thing:y = 'z']", "", "nothing of it" },
		{ "[ipv4-addr:value = '192.0.2.1' AND ipv4-addr:value = '192.0.2.2']", "", "nothing of it" },
		{ "[ipv4-addr:value != '192.0.2.1']", "", "nothing of it" },
		{ "[ipv4-addr:value NOT = '192.0.2.1']", "", "nothing of it" },
		{ "[ipv4-addr:value NOT IN ('192.0.2.1')]", "", "nothing of it" },
		{ "[ipv4-addr:value MATCHES '.*']", "", "nothing of it" },
		{ "[EXISTS ipv4-addr:value]", "", "nothing of it" },
		{ "[network-traffic:dst_port = 443]", "", "nothing of it" },
		{ "[file:name = 'a.exe']", "", "nothing of it" },
		{ "[ipv4-addr:value = 'no address']", "", "nothing of it" },
		{ "[ipv4-addr:value = '192.0.2.1'] AND [ipv4-addr:value = '192.0.2.2']", "", "only observations joined by OR" },
		{ "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [ipv4-addr:value = '192.0.2.2']", "", "only observations" },
		{ "[ipv4-addr:value = '192.0.2.1'] REPEATS 5 TIMES", "", "only observations" },
		{ "[ipv4-addr:value = '192.0.2.1'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'", "", "only observations" },
		/* no patterns */
		{ "", "", "'[' is missing" },
		{ "[ipv4-addr:value = ]", "", "a value is missing" },
		{ "[ipv4-addr:value '192.0.2.1']", "", "a comparison is missing" },
		{ "[ipv4-addr:value = '192.0.2.1'", "", "']' is missing" },
		{ "[(ipv4-addr:value = '192.0.2.1']", "", "bracket" },
		{ "[ipv4-addr:value = '192.0.2.1')]", "", "bracket" },
		{ "([ipv4-addr:value = '192.0.2.1']", "", "bracket" },
		{ "[ipv4-addr:value = '192.0.2.1' OR]", "", "missing" },
		{ "[ipv4-addr:value = '192.0.2.1", "", "missing" },
		{ "[AND]", "", "missing" },
		{ "[ipv4-addr:value IN '192.0.2.1']", "", "brackets" },
		{ "[ipv4-addr:value IN ('192.0.2.1'", "", "not closed" },
		{ "\xc2\xa0[", "", "missing" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(KIB(4));
		struct json_out j = json_out(&b);
		json_open(&j, '{');
		json_put_str(&j, "type", STR("indicator"));
		json_put_str(&j, "id", STR("indicator--" UUID_A));
		json_put_str(&j, "created", STR("2026-11-20T01:02:03.000Z"));
		json_put_str(&j, "modified", STR("2026-11-20T01:02:03.000Z"));
		json_put_str(&j, "valid_from", STR("2026-11-19T00:00:00Z"));
		json_put_str(&j, "pattern_type", STR("stix"));
		json_put_str(&j, "pattern", str_of(rows[i].pattern));
		json_close(&j, '}');
		struct got g = read_objects(b.p);
		CHECK_INT(g.o[0].what, STIX_FOREIGN);
		check_events(&g, 0, rows[i].events, rows[i].words, rows[i].pattern);
		arena_free(g.a);
		buf_free(&b);
	}
}

#define INDICATOR(more) "{\"type\":\"indicator\",\"id\":\"indicator--" UUID_A "\"," TIMES "," more \
	",\"pattern\":\"[ipv4-addr:value = '192.0.2.3']\"}"
TEST(indicators)
{
#define I "source.ip=192.0.2.3 "
	static const struct { const char *object, *events, *words; } rows[] = {
		{ INDICATOR("\"valid_from\":\"2026-11-20T00:00:00Z\",\"labels\":[\"x\",\"rsit:c2-server\"],\"name\":\"N\\u00e9\""),
		  "classification.type=c2-server " I "event_description.text=N\xc3\xa9 | ", NULL },
		{ INDICATOR("\"valid_from\":\"2026-11-20T00:00:00Z\",\"indicator_types\":[\"compromised\"]"),
		  "classification.type=system-compromise " I "| ", NULL },
		{ INDICATOR("\"valid_from\":\"2026-11-20T00:00:00Z\",\"indicator_types\":[\"benign\"]"), "", "benign" },
		{ INDICATOR("\"valid_from\":\"2026-11-20T00:00:00Z\",\"pattern_type\":\"yara\""), "", "type" },
		{ INDICATOR("\"valid_from\":\"whenever\""), "", "no time" },
		{ INDICATOR("\"name\":\"x\""), "", "no time" },
		{ INDICATOR("\"valid_from\":\"2026-11-20T00:00:00Z\",\"object_marking_refs\":[\"marking-definition--" UUID_B "\"]"),
		  "classification.type=blacklist " I "tlp=RED | ", NULL },
		{ INDICATOR("\"valid_from\":\"2026-11-20T00:00:00Z\",\"revoked\":true"), "", NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct got g = read_objects(rows[i].object);
		CHECK_INT(g.o[0].what, STIX_FOREIGN);
		check_events(&g, 0, rows[i].events, rows[i].words, rows[i].object);
		arena_free(g.a);
	}
}

/* Whatever its making, a pattern ends soon. */
TEST(patterns_without_end)
{
	static const struct { const char *begin, *again, *end; int times; size_t events; } rows[] = {
		{ "[", "(", "", 100000, 0 },
		{ "[", "(", "ipv4-addr:value = '192.0.2.1'", 60, 0 },
		{ "[ipv4-addr:value IN ('192.0.2.1'", ",'192.0.2.2'", ")]", 2000, 1000 },
		{ "[url:value = 'a'", " OR url:value = 'b'", "]", 990, 991 },
		{ "[url:value = 'a'", " OR url:value = 'b'", "]", 2000, 0 },
		{ "[url:value = 'a']", " OR [url:value = 'b']", "", 900, 901 },
		{ "[(url:value = 'a' OR url:value = 'b')", " AND (url:value = 'a' OR url:value = 'b')", "]", 1000, 2 },
		{ "[(url:value = 'a' OR domain-name:value = 'b')", " AND (url:value = 'a' OR domain-name:value = 'b')", "]", 40, 0 },
		{ "[ipv4-addr:value = '", "1", "']", 5000, 0 },
		{ "", "[url:value = 'a'] OR ", "[url:value = 'a'] AND", 100, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(MIB(1));
		buf_add(&b, STR("{\"type\":\"indicator\",\"id\":\"indicator--" UUID_A "\"," TIMES
				",\"valid_from\":\"2026-11-20T00:00:00Z\",\"pattern\":\""));
		buf_add(&b, str_of(rows[i].begin));
		for (int n = 0; n < rows[i].times; n++)
			buf_add(&b, str_of(rows[i].again));
		buf_add(&b, str_of(rows[i].end));
		buf_add(&b, STR("\"}"));
		struct got g = read_objects(b.p);
		CHECK_MSG(g.o[0].what == STIX_FOREIGN && g.o[0].event_count == rows[i].events, "%s: %zu " STR_FMT, rows[i].again,
			  g.o[0].event_count, STR_ARG(g.o[0].words));
		CHECK(rows[i].events || g.o[0].words.n > 0);
		CHECK_MSG(arena_bytes(g.a) < MIB(8), "%s: %zu", rows[i].again, arena_bytes(g.a));
		arena_free(g.a);
		buf_free(&b);
	}
}

#define OBSERVED(refs) "{\"type\":\"observed-data\",\"id\":\"observed-data--" UUID_A "\"," TIMES \
	",\"first_observed\":\"2026-11-20T00:00:00Z\",\"last_observed\":\"2026-11-20T00:00:00Z\",\"number_observed\":3," refs "}"
#define SCO(type, n, rest) "{\"type\":\"" type "\",\"id\":\"" type "--0000000" n "-0000-5000-8000-000000000000\"," rest "}"
#define REF(type, n) "\"" type "--0000000" n "-0000-5000-8000-000000000000\""
TEST(observations)
{
#define U "classification.type=undetermined "
	static const struct { const char *what, *objects, *events, *words; } rows[] = {
		{ "one address, before and behind", OBSERVED("\"object_refs\":[" REF("ipv4-addr", "1") "]") ","
		  SCO("ipv4-addr", "1", "\"value\":\"192.0.2.1\""), U "source.ip=192.0.2.1 extra.count=3 | ", NULL },
		{ "what belongs together", OBSERVED("\"object_refs\":[" REF("ipv4-addr", "1") "," REF("domain-name", "2") "," REF("autonomous-system", "3") "," REF("file", "4") "]") ","
		  SCO("ipv4-addr", "1", "\"value\":\"192.0.2.1\"") "," SCO("domain-name", "2", "\"value\":\"a.example\"") ","
		  SCO("autonomous-system", "3", "\"number\":64500") "," SCO("file", "4", "\"hashes\":{\"MD5\":\"d41d8cd98f00b204e9800998ecf8427e\"}"),
		  U "source.ip=192.0.2.1 source.fqdn=a.example source.asn=64500 malware.hash.md5=d41d8cd98f00b204e9800998ecf8427e extra.count=3 | ", NULL },
		{ "two of a kind", OBSERVED("\"object_refs\":[" REF("ipv4-addr", "1") "," REF("ipv4-addr", "2") "]") ","
		  SCO("ipv4-addr", "1", "\"value\":\"192.0.2.1\"") "," SCO("ipv4-addr", "2", "\"value\":\"192.0.2.2\""),
		  U "source.ip=192.0.2.1 extra.count=3 | " U "source.ip=192.0.2.2 extra.count=3 | ", NULL },
		{ "traffic", OBSERVED("\"object_refs\":[" REF("network-traffic", "3") "," REF("ipv4-addr", "1") "," REF("ipv4-addr", "2") "]") ","
		  SCO("ipv4-addr", "1", "\"value\":\"192.0.2.1\"") "," SCO("ipv4-addr", "2", "\"value\":\"192.0.2.2\"") ","
		  SCO("network-traffic", "3", "\"src_ref\":" REF("ipv4-addr", "1") ",\"dst_ref\":" REF("ipv4-addr", "2")
		      ",\"dst_port\":443,\"protocols\":[\"ipv4\",\"tcp\",\"https\"]"),
		  U "source.ip=192.0.2.1 destination.ip=192.0.2.2 destination.port=443 protocol.transport=tcp protocol.application=https extra.count=3 | ", NULL },
		{ "the old form", OBSERVED("\"objects\":{\"0\":{\"type\":\"ipv4-addr\",\"value\":\"192.0.2.1\"},\"1\":{\"type\":\"network-traffic\",\"src_ref\":\"0\",\"src_port\":23,\"protocols\":[\"tcp\"]}}"),
		  U "source.ip=192.0.2.1 source.port=23 protocol.transport=tcp extra.count=3 | ", NULL },
		{ "not there", OBSERVED("\"object_refs\":[" REF("ipv4-addr", "1") "]"), "", "not in this delivery" },
		{ "nothing that an event says", OBSERVED("\"object_refs\":[" REF("mutex", "1") "]") "," SCO("mutex", "1", "\"name\":\"m\""), "", NULL },
		{ "itself", OBSERVED("\"object_refs\":[\"observed-data--" UUID_A "\"]"), "", NULL },
		{ "its own ends", OBSERVED("\"object_refs\":[" REF("network-traffic", "3") "]") ","
		  SCO("network-traffic", "3", "\"src_ref\":" REF("network-traffic", "3") ",\"protocols\":[\"tcp\"]"), U "protocol.transport=tcp extra.count=3 | ", NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct got g = read_objects(rows[i].objects);
		check_events(&g, 0, rows[i].events, rows[i].words, rows[i].what);
		for (size_t k = 0; k < g.count; k++)
			CHECK_MSG(g.o[k].what == STIX_FOREIGN, "%s %zu: " STR_FMT, rows[i].what, k, STR_ARG(g.o[k].words));
		arena_free(g.a);
	}
}

/* --- what is ours --- */

#define FLAT "\"id\":\"a1-7\",\"time.source\":\"2026-11-20T01:02:03+00:00\",\"source.ip\":\"192.0.2.7\""

TEST(events_without_stix)
{
	static const struct { const char *origin, *event, *words; enum tlp tlp; bool marked; } rows[] = {
		{ NODE, "{" FLAT "}", NULL, TLP_CLEAR, false },
		{ NODE, "{" FLAT ",\"tlp\":\"AMBER\"}", NULL, TLP_AMBER, true },
		{ NODE, "{" FLAT ",\"tlp\":\"PURPLE\"}", NULL, TLP_COUNT, true },
		{ NODE, "{" FLAT ",\"tlp\":7}", NULL, TLP_COUNT, true },
		{ "nobody", "{" FLAT "}", "no node", 0, false },
		{ NODE, "{" FLAT ",\"extra\":{\"a\":1}}", "nothing nests", 0, false },
		{ NODE, "{\"time.source\":\"2026-11-20T01:02:03Z\"}", "which event", 0, false },
		{ NODE, "{\"id\":\"../x\",\"time.source\":\"2026-11-20T01:02:03Z\"}", "which event", 0, false },
		{ NODE, "{\"id\":\"a1-7\"}", "no time", 0, false },
		{ NODE, "{\"id\":\"a1-7\",\"time.source\":\"soon\"}", "no time", 0, false },
		{ NODE, "7", "", 0, false },
		{ NODE, "{\"id\":}", "", 0, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(KIB(4));
		char same[STIX_ID_MAX];
		buf_fmt(&b, "{\"objects\":[7],\"origin\":\"%s\",\"events\":[%s,{" FLAT "}]}", rows[i].origin, rows[i].event);
		struct got g = read_text(buf_str(&b));
		CHECK_INT(g.count, 3);
		const struct stix_object *o = &g.o[1];
		CHECK_MSG((o->what == STIX_BAD) == (rows[i].words != NULL), "%s: " STR_FMT, rows[i].event, STR_ARG(o->words));
		if (rows[i].words) {
			CHECK_MSG(o->words.n && str_find(o->words, str_of(rows[i].words)) < o->words.n, "%s: " STR_FMT,
				  rows[i].event, STR_ARG(o->words));
		} else {
			CHECK(o->what == STIX_OUR_EVENT && o->marked == rows[i].marked && (!o->marked || o->tlp == rows[i].tlp));
			stix_event_object_id(STR(NODE), STR("a1-7"), same);
			CHECK_STR(o->id, str_of(same)); /* as its observed-data is called */
			CHECK_STR(o->item, STR("event--a1-7"));
			CHECK_STR(o->origin, STR(NODE));
			CHECK_STR(o->text, str_of(rows[i].event));
			CHECK(o->version_us == INT64_C(1763600523000000) + INT64_C(31536000000000));
		}
		CHECK(g.o[0].what == STIX_BAD && (g.o[2].what == STIX_OUR_EVENT || i == 4)); /* a bad one leaves the others */
		arena_free(g.a);
		buf_free(&b);
	}
	/* a member of that name without our origin is somebody else's */
	struct got g = read_text(STR("{\"events\":7,\"objects\":[]}"));
	CHECK_INT(g.count, 0);
	arena_free(g.a);
	struct arena *a = arena_new(KIB(4));
	struct stix_object *o;
	size_t count;
	CHECK_INT(stix_read(STR("{\"origin\":\"" NODE "\",\"events\":7}"), 10, a, &o, &count, &err), RC_INPUT);
	CHECK_INT(stix_read(STR("{\"origin\":\"" NODE "\",\"events\":[1,2],\"objects\":[3]}"), 2, a, &o, &count, &err), RC_LIMIT);
	arena_free(a);
}

struct written {
	struct buf all;
	size_t carriers, parts, frame;
	unsigned last_at;
};

static bool keep(void *ctx, const struct stix_given *o)
{
	struct written *w = ctx;
	buf_add(&w->all, w->all.n ? STR(",") : STR("{\"objects\":["));
	buf_add(&w->all, o->json);
	w->carriers += o->part == STIX_CARRIER;
	w->parts += o->part == STIX_PART;
	w->frame += o->part == STIX_FRAME;
	CHECK(o->at < STIX_PARTS_MOST && o->id.n > 0);
	w->last_at = o->at;
	return true;
}

static const struct stix_object *find(const struct got *g, enum stix_what what)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->o[i].what == what)
			return &g->o[i];
	return NULL;
}

/* All are known as ours; none is kept as somebody's. */
static void check_all_ours(const struct got *g)
{
	for (size_t i = 0; i < g->count; i++)
		CHECK_MSG(g->o[i].what != STIX_BAD && g->o[i].what != STIX_FOREIGN, STR_FMT ": %d " STR_FMT, STR_ARG(g->o[i].text),
			  (int)g->o[i].what, STR_ARG(g->o[i].words));
}

TEST(an_event_there_and_back)
{
	static const struct { const char *event, *item, *origin; } rows[] = {
		{ "{\"id\":\"0a1b\",\"time.source\":\"2026-11-20T01:02:03+00:00\",\"source.ip\":\"192.0.2.7\",\"source.asn\":64500,\"source.port\":23,"
		  "\"protocol.transport\":\"tcp\",\"classification.type\":\"c2-server\",\"tlp\":\"AMBER\",\"extra.a b\":\"c'\\\"\\\\\\u0001\xc3\xa9\","
		  "\"source.geolocation.latitude\":1.5,\"extra.n\":1e400}", "event--0a1b", NODE },
		{ "{\"id\":\"0c\",\"time.source\":\"2026-11-20T01:02:03.5+00:00\",\"comment\":\"no thing at all\"}", "event--0c", NODE },
		{ "{\"id\":\"0d\",\"time.source\":\"2026-11-20T01:02:03+00:00\",\"source.ip\":\"2001:db8::1\",\"extra.origin_node\":\"" UUID_A
		  "\",\"extra.origin_event\":\"77\"}", "event--77", UUID_A },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct written w = { .all = BUF_INIT(MIB(1)) };
		struct stix_writer *writer = stix_writer_new(STR(NODE), STR("Team B"), keep, &w);
		struct json_object *o;
		char id[STIX_ID_MAX];
		CHECK_RC(json_read(str_of(rows[i].event), &o, &err), RC_OK, err);
		CHECK_RC(stix_write_event(writer, o, &err), RC_OK, err);
		stix_event_object_id(STR(NODE), json_get_str(o, "id"), id);
		json_free(o);
		stix_writer_free(writer);
		buf_add(&w.all, STR("]}"));
		bool ours = strcmp(rows[i].origin, NODE) == 0;
		CHECK_INT(w.carriers, ours);
		struct got g = read_text(buf_str(&w.all));
		check_all_ours(&g);
		const struct stix_object *e = find(&g, STIX_OUR_EVENT);
		if (!ours) { /* told on: for readers who know no extension */
			CHECK(!e && str_find(buf_str(&w.all), STR("\"origin\":\"" UUID_A "\",\"item\":\"event--77\"}")) < w.all.n);
			arena_free(g.a);
			buf_free(&w.all);
			continue;
		}
		CHECK_STR(e->text, str_of(rows[i].event));
		CHECK_STR(e->item, str_of(rows[i].item));
		CHECK_STR(e->origin, str_of(rows[i].origin));
		CHECK_STR(e->id, str_of(id));
		arena_free(g.a);
		buf_free(&w.all);
	}
}

TEST(a_record_there_and_back)
{
	static const char text[] = "{\"id\":\"warning--" UUID_A "\",\"version\":3,\"body\":{\"title\":\"a \\\"b\\\"\",\"n\":[1.50,{}]}}";
	static const char *const objects[] = { "incident", "report", "note", "identity", "campaign", "course-of-action", "grouping" };
	for (size_t i = 0; i < COUNT_OF(objects); i++) {
		struct written w = { .all = BUF_INIT(MIB(1)) };
		struct stix_writer *writer = stix_writer_new(STR(NODE), STR("Team B"), keep, &w);
		char id[STIX_ID_MAX];
		const str refs[] = { STR_INIT("report--" UUID_B) };
		snprintf(id, sizeof id, "%s--" UUID_A, objects[i]);
		struct stix_record r = { .object = str_of(objects[i]), .id = str_of(id), .item = STR("warning--" UUID_A), .version = 3,
					 .created_us = 1000000123456, .changed_us = 1000000123999, .tlp = TLP_AMBER_STRICT,
					 .name = STR("a"), .description = STR(""), .text = STR(text), .refs = refs, .ref_count = 1 };
		CHECK_RC(stix_write_record(writer, &r, &err), RC_OK, err);
		r.version = 4; /* in the same millisecond */
		r.ref_count = 0;
		CHECK_RC(stix_write_record(writer, &r, &err), RC_OK, err);
		r.object = STR("tool");
		CHECK_INT(stix_write_record(writer, &r, &err), RC_INPUT);
		r.object = STR("opinion");
		CHECK_INT(stix_write_record(writer, &r, &err), RC_INPUT);
		r.object = str_of(objects[i]);
		r.id = STR("warning--" UUID_A);
		CHECK_INT(stix_write_record(writer, &r, &err), RC_INPUT);
		stix_writer_free(writer);
		buf_add(&w.all, STR("]}"));
		CHECK_INT(w.carriers, 2);
		struct got g = read_text(buf_str(&w.all));
		check_all_ours(&g);
		const struct stix_object *o = find(&g, STIX_OUR_RECORD);
		CHECK_STR(o->text, STR(text));
		CHECK_STR(o->item, STR("warning--" UUID_A));
		CHECK_STR(o->origin, STR(NODE));
		CHECK_STR(o->id, str_of(id));
		CHECK_STR(o->version, STR("1970-01-12T13:46:40.123003Z"));
		CHECK_INT(o->tlp, TLP_AMBER_STRICT);
		CHECK_STR(g.o[g.count - 1].version, STR("1970-01-12T13:46:40.123004Z"));
		arena_free(g.a);
		buf_free(&w.all);
	}
}

TEST(a_record_that_is_too_long)
{
	static const struct { size_t bytes; enum rc rc; } rows[] = { { STIX_RECORD_MAX, RC_OK }, { STIX_RECORD_MAX + 1, RC_LIMIT } };
	struct buf text = BUF_INIT(MIB(2));
	while (text.n <= STIX_RECORD_MAX)
		buf_add(&text, STR("0123456789abcdef"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct written w = { .all = BUF_INIT(MIB(4)) };
		struct stix_writer *writer = stix_writer_new(STR(NODE), STR("Team B"), keep, &w);
		const struct stix_record r = { .object = STR("report"), .id = STR("report--" UUID_A), .item = STR("warning--" UUID_A),
					       .text = str_head(buf_str(&text), rows[i].bytes) };
		CHECK_INT(stix_write_record(writer, &r, &err), rows[i].rc);
		CHECK_INT(w.carriers, rows[i].rc == RC_OK);
		stix_writer_free(writer);
		buf_free(&w.all);
	}
	CHECK_MSG(strstr(err.text, "warning--" UUID_A) && strstr(err.text, "1088 KiB"), "%s", err.text);
	buf_free(&text);
}

TEST(answers_and_withdrawals)
{
	static const char *const withdrawn[] = { "incident", "report", "note", "identity", "campaign", "course-of-action", "grouping", "opinion" };
	struct written w = { .all = BUF_INIT(MIB(1)) };
	struct stix_writer *writer = stix_writer_new(STR(NODE), STR("Team B"), keep, &w);
	char id[STIX_ID_MAX];
	stix_event_object_id(STR(UUID_A), STR("0a1b"), id);
	struct stix_answer t = { .about = str_of(id), .item = STR("event--0a1b"), .origin = STR(UUID_A), .what = STR("fixed"),
				 .words = STR("it's \"done\""), .key = STR("k 1"), .at_us = SECOND_US, .tlp = TLP_AMBER };
	CHECK_RC(stix_write_answer(writer, &t, &err), RC_OK, err);
	t.key = STR("");
	CHECK_INT(stix_write_answer(writer, &t, &err), RC_INPUT);
	stix_event_object_id(STR(NODE), STR("0e"), id);
	struct stix_withdrawn gone = { .id = str_of(id), .item = STR("event--0e"), .at_us = SECOND_US, .why = STR("") };
	CHECK_RC(stix_write_withdrawn(writer, &gone, &err), RC_OK, err);
	CHECK_INT(w.carriers, 2);
	gone.item = STR("warning--" UUID_B);
	gone.why = STR("the \"list\" was wrong");
	gone.tlp = TLP_GREEN;
	for (size_t i = 0; i < COUNT_OF(withdrawn); i++) {
		snprintf(id, sizeof id, "%s--" UUID_B, withdrawn[i]);
		gone.id = str_of(id);
		CHECK_RC(stix_write_withdrawn(writer, &gone, &err), RC_OK, err);
	}
	gone.id = STR("tool--" UUID_B);
	CHECK_INT(stix_write_withdrawn(writer, &gone, &err), RC_INPUT);
	gone.id = STR("report--x");
	CHECK_INT(stix_write_withdrawn(writer, &gone, &err), RC_INPUT);
	stix_writer_free(writer);
	buf_add(&w.all, STR("]}"));
	struct got g = read_text(buf_str(&w.all));
	check_all_ours(&g);
	const struct stix_object *o = find(&g, STIX_OUR_ANSWER);
	CHECK_STR(o->item, STR("event--0a1b"));
	CHECK_STR(o->origin, STR(NODE));
	CHECK(str_find(o->text, STR("\"origin\":\"" UUID_A "\",\"what\":\"fixed\",\"words\":\"it's \\\"done\\\"\"")) < o->text.n);
	size_t events = 0, records = 0;
	for (size_t i = 0; i < g.count; i++) {
		events += g.o[i].what == STIX_WITHDRAWN && str_eq(g.o[i].item, STR("event--0e"));
		records += g.o[i].what == STIX_WITHDRAWN && str_eq(g.o[i].item, STR("warning--" UUID_B));
	}
	CHECK_INT(events, 3); /* with its indicator and sighting */
	CHECK_INT(records, COUNT_OF(withdrawn));
	arena_free(g.a);
	buf_free(&w.all);
}

TEST_MAIN(TEST_RUN(what_is_an_envelope), TEST_RUN(too_many), TEST_RUN(what_is_no_object), TEST_RUN(a_bad_one_leaves_the_others),
	  TEST_RUN(kept_as_it_came), TEST_RUN(marks_of_what_is_read), TEST_RUN(patterns), TEST_RUN(indicators),
	  TEST_RUN(patterns_without_end), TEST_RUN(observations), TEST_RUN(events_without_stix), TEST_RUN(an_event_there_and_back),
	  TEST_RUN(a_record_there_and_back), TEST_RUN(a_record_that_is_too_long), TEST_RUN(answers_and_withdrawals))
