/* SPDX-License-Identifier: Apache-2.0 */
#include "stix/stix_event.h"

#include "base/hash.h"
#include "base/test.h"
#include "stix/jcs.h"
#include "stix/stix_id.h"
#include "stix/stix_mark.h"

static struct err err;

static struct json_object *parsed(const char *text)
{
	struct json_object *o = NULL;
	CHECK_RC(json_read(str_of(text), &o, &err), RC_OK, err);
	return o;
}

/* --- canonical JSON --- */

TEST(one_form)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "{}", "{}" }, { "[]", "[]" }, { " [ 1 , { } ,[ ]] ", "[1,{},[]]" },
		{ "{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}" },
		{ "[56,{\"d\":true,\"10\":null,\"1\":[]}]", "[56,{\"1\":[],\"10\":null,\"d\":true}]" },
		/* the order of RFC 8785 section 3.2.3: a surrogate pair before U+FB33 */
		{ "{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}",
		  "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}" },
		{ "\"\\u20ac$\\u000F\\nA'\\u0042\\u0022\\\\\\\"\\/\"", "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\"/\"" },
		{ "[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001]",
		  "[333333333.3333333,1e+30,4.5,0.002,1e-27]" },
		{ "[0.0,-0.0,-1.5,1e21,1e20,123456789012,0.000001,0.0000001]",
		  "[0,0,-1.5,1e+21,100000000000000000000,123456789012,0.000001,1e-7]" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(KIB(4));
		struct json_object *o = parsed(rows[i].in);
		CHECK_RC(jcs_write(o, &b, &err), RC_OK, err);
		CHECK_MSG(str_eq(buf_str(&b), str_of(rows[i].out)), "%s: " STR_FMT, rows[i].in, STR_ARG(buf_str(&b)));
		json_free(o);
		buf_free(&b);
	}
}

TEST(what_is_too_much)
{
	struct buf in = BUF_INIT(KIB(64)), b = BUF_INIT(16), wide = BUF_INIT(KIB(64));
	struct json_object *o = parsed("[\"a long text that does not fit\"]");
	CHECK_INT(jcs_write(o, &b, &err), RC_LIMIT);
	json_free(o);
	buf_char(&in, '{');
	for (int i = 0; i <= JSON_KEYS_MAX; i++)
		buf_fmt(&in, "%s\"k%d\":[{}]", i ? "," : "", i);
	buf_char(&in, '}');
	if (json_read(buf_str(&in), &o, NULL) == RC_OK) { /* the reader may refuse it before */
		CHECK_INT(jcs_write(o, &wide, &err), RC_LIMIT);
		json_free(o);
	}
	buf_free(&in);
	buf_free(&b);
	buf_free(&wide);
}

/* --- ids --- */

/* As other implementations make them. */
TEST(ids_that_everybody_makes)
{
	static const struct { const char *object, *id; } rows[] = {
		{ "{\"type\":\"ipv4-addr\",\"value\":\"198.51.100.3\"}", "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4" },
		{ "{\"type\":\"ipv6-addr\",\"value\":\"2001:db8::1\"}", "ipv6-addr--6469e3a9-b053-5e34-a025-9396ae051d26" },
		{ "{\"type\":\"domain-name\",\"value\":\"example.org\",\"resolves_to_refs\":[\"x\"]}",
		  "domain-name--3500c14b-9bde-5393-b4e5-b260aea7e058" },
		{ "{\"type\":\"domain-name\",\"value\":\"b\\u00fccher.example\"}", "domain-name--dbf3aff2-b3cd-57d2-9616-0ddfde9d01ad" },
		{ "{\"type\":\"url\",\"value\":\"http://example.org/a?b=c\"}", "url--b41a2d2c-e52c-5409-b7bb-4870f8d61a92" },
		{ "{\"type\":\"autonomous-system\",\"number\":64500,\"name\":\"n\"}",
		  "autonomous-system--0a5f7072-df00-5729-9f0a-4eb18631a446" },
		{ "{\"type\":\"email-addr\",\"value\":\"a@example.org\"}", "email-addr--1551d521-551b-540f-872a-5de3f1659463" },
		{ "{\"type\":\"file\",\"name\":\"a.exe\",\"hashes\":{\"SHA-256\":"
		  "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"MD5\":\"d41d8cd98f00b204e9800998ecf8427e\"}}",
		  "file--7e567502-8994-53ff-9c69-79240cae362d" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char id[STIX_ID_MAX];
		struct json_object *o = parsed(rows[i].object);
		CHECK_RC(stix_observable_id(o, id, &err), RC_OK, err);
		CHECK_STR(str_of(id), str_of(rows[i].id));
		json_free(o);
	}
	static const char *const none[] = { "{\"type\":\"process\",\"pid\":1}", "{\"type\":\"url\"}", "{}", "{\"type\":\"nothing\"}" };
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		char id[STIX_ID_MAX];
		struct json_object *o = parsed(none[i]);
		CHECK_INT(stix_observable_id(o, id, &err), RC_ABSENT);
		json_free(o);
	}
}

/* --- marks --- */

TEST(marks)
{
	static const struct { const char *object; bool has; enum tlp tlp; } rows[] = {
		{ "{}", false, TLP_CLEAR },
		{ "{\"object_marking_refs\":[\"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487\"]}", true, TLP_CLEAR },
		{ "{\"object_marking_refs\":[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\"]}", true, TLP_CLEAR },
		{ "{\"object_marking_refs\":[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\","
		  "\"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003\"]}", true, TLP_AMBER_STRICT },
		{ "{\"object_marking_refs\":[\"marking-definition--00000000-0000-4000-8000-000000000000\"]}", true, TLP_RED },
		{ "{\"object_marking_refs\":[7]}", true, TLP_RED },
		{ "{\"object_marking_refs\":[]}", true, TLP_RED },
		{ "{\"object_marking_refs\":\"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487\"}", true, TLP_RED },
		{ "{\"granular_markings\":[]}", true, TLP_RED },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum tlp t = TLP_CLEAR;
		struct json_object *o = parsed(rows[i].object);
		CHECK_MSG(stix_tlp_of(o, &t) == rows[i].has && t == rows[i].tlp, "%s: %s", rows[i].object, tlp_name(t));
		json_free(o);
	}
	for (int t = TLP_CLEAR; t < TLP_COUNT; t++) { /* what is written is read the same */
		struct buf b = BUF_INIT(KIB(4));
		struct json_out j = json_out(&b);
		enum tlp back = TLP_COUNT;
		stix_tlp_json((enum tlp)t, &j);
		struct json_object *o = parsed(b.p);
		char name[40];
		snprintf(name, sizeof name, "TLP:%s", tlp_name((enum tlp)t));
		CHECK_STR(json_get_str(o, "name"), str_of(name));
		CHECK_STR(json_get_str(o, "id"), str_of(stix_tlp_id((enum tlp)t)));
		json_free(o);
		buf_reset(&b);
		buf_fmt(&b, "{\"object_marking_refs\":[\"%s\"]}", stix_tlp_id((enum tlp)t));
		o = parsed(b.p);
		CHECK(stix_tlp_of(o, &back) && back == (enum tlp)t);
		json_free(o);
		buf_free(&b);
	}
}

/* --- events --- */

struct lines {
	struct buf all;
	size_t count, most;
};

static bool keep(void *ctx, const struct stix_given *o)
{
	struct lines *l = ctx;
	buf_add(&l->all, o->json);
	buf_char(&l->all, '\n');
	return ++l->count < l->most;
}

static struct lines written(const char *const *events, size_t count)
{
	struct lines l = { .all = BUF_INIT(MIB(1)), .most = 1000 };
	struct stix_writer *w = stix_writer_new(STR("node-1"), STR("Team B"), keep, &l);
	for (size_t i = 0; i < count; i++) {
		struct json_object *o = parsed(events[i]);
		CHECK_RC(stix_write_event(w, o, &err), RC_OK, err);
		json_free(o);
	}
	stix_writer_free(w);
	return l;
}

static bool has(const struct lines *l, const char *what)
{
	return str_find(buf_str(&l->all), str_of(what)) < l->all.n;
}

#define SCAN "{\"id\":\"1-1\",\"time.source\":\"2026-11-20T01:02:03Z\",\"source.ip\":\"192.0.2.7\",\"source.asn\":64500," \
	     "\"source.port\":23,\"protocol.transport\":\"tcp\",\"classification.type\":\"vulnerable-system\"," \
	     "\"classification.identifier\":\"open-telnet\",\"tlp\":\"GREEN\",\"extra.a b\":\"c\"}"
#define PHISH "{\"id\":\"1-2\",\"time.source\":\"2026-11-20T01:02:04.5Z\",\"source.url\":\"http://a.example.org/it's\"," \
	      "\"source.fqdn\":\"a.example.org\",\"source.ip\":\"2001:db8::1\",\"classification.type\":\"phishing\",\"tlp\":\"AMBER+STRICT\"}"

TEST(an_event)
{
	static const char *const one[] = { SCAN };
	struct lines l = written(one, 1);
	CHECK(has(&l, "\"type\":\"autonomous-system\"") && has(&l, "\"number\":64500"));
	CHECK(has(&l, "\"type\":\"ipv4-addr\"") && has(&l, "\"belongs_to_refs\":[\"autonomous-system--0a5f7072"));
	CHECK(has(&l, "\"protocols\":[\"tcp\"]") && has(&l, "\"src_port\":23"));
	CHECK(has(&l, "\"labels\":[\"rsit:vulnerable-system\",\"open-telnet\"]"));
	CHECK(has(&l, "\"first_observed\":\"2026-11-20T01:02:03.000Z\""));
	CHECK(has(&l, "marking-definition--bab4a63c"));       /* GREEN, told once and referred to */
	CHECK(!has(&l, "\"type\":\"indicator\""));             /* it happened to them */
	CHECK(has(&l, "\\\"extra.a b\\\":\\\"c\\\""));        /* whole, in the extension */
	buf_free(&l.all);
}

TEST(what_is_bad_itself)
{
	static const char *const one[] = { PHISH };
	struct lines l = written(one, 1);
	CHECK(has(&l, "\"pattern\":\"[url:value = 'http://a.example.org/it\\\\'s']\""));
	CHECK(has(&l, "\"type\":\"sighting\"") && has(&l, "\"valid_from\":\"2026-11-20T01:02:04.500000Z\""));
	CHECK(has(&l, "\"type\":\"ipv6-addr\"") && has(&l, "marking-definition--939a9414"));
	buf_free(&l.all);
}

TEST(again_is_the_same_and_once)
{
	static const char *const two[] = { SCAN, PHISH, SCAN }, *const one[] = { SCAN, PHISH };
	struct lines a = written(one, 2), b = written(one, 2), c = written(two, 3);
	CHECK_STR(buf_str(&a.all), buf_str(&b.all));
	CHECK_INT(c.count, a.count + 1); /* the observed-data of the event that came twice, nothing else */
	buf_free(&a.all);
	buf_free(&b.all);
	buf_free(&c.all);
}

TEST(odd_events)
{
	struct lines l = { .all = BUF_INIT(KIB(64)), .most = 1000 };
	struct stix_writer *w = stix_writer_new(STR("n"), STR("N"), keep, &l);
	size_t frame = l.count;
	struct json_object *o = parsed("{\"time.source\":\"2026-11-20T01:02:03Z\"}");
	CHECK_INT(stix_write_event(w, o, &err), RC_INPUT);
	json_free(o);
	o = parsed("{\"id\":\"1\",\"time.source\":\"soon\"}");
	CHECK_INT(stix_write_event(w, o, &err), RC_INPUT);
	json_free(o);
	CHECK_INT(l.count, frame);
	/* nothing that STIX can name: its own text; the mark is RED, as this one is not understood */
	o = parsed("{\"id\":\"1\",\"time.source\":\"2026-11-20T01:02:03Z\",\"tlp\":\"PURPLE\",\"source.ip\":\"no\"}");
	CHECK_RC(stix_write_event(w, o, &err), RC_OK, err);
	json_free(o);
	CHECK_INT(l.count, frame + 3);
	CHECK(has(&l, "\"name\":\"TLP:RED\"") && has(&l, "\"payload_bin\":\"eyJpZCI6IjEi"));
	l.most = l.count + 1;
	o = parsed(SCAN);
	CHECK_INT(stix_write_event(w, o, &err), RC_CONFLICT);
	json_free(o);
	stix_writer_free(w);
	buf_free(&l.all);
}

TEST(many_are_told_once_each)
{
	struct lines l = { .all = BUF_INIT(MIB(16)), .most = SIZE_MAX };
	struct stix_writer *w = stix_writer_new(STR("n"), STR("N"), keep, &l);
	for (int i = 0; i < 6000; i++) {
		char text[256];
		snprintf(text, sizeof text, "{\"id\":\"%d\",\"time.source\":\"2026-11-20T01:02:03Z\",\"source.ip\":\"198.18.%d.%d\",\"tlp\":\"CLEAR\"}",
			 i, i % 3000 / 256, i % 256);
		struct json_object *o = parsed(text);
		CHECK_RC(stix_write_event(w, o, &err), RC_OK, err);
		json_free(o);
	}
	/* two identities, definition, mark; at most 12 x 256 addresses; 6,000 observations */
	CHECK(l.count <= 4 + 12 * 256 + 6000 && l.count >= 6000 + 2000);
	stix_writer_free(w);
	buf_free(&l.all);
}

TEST_MAIN(TEST_RUN(one_form), TEST_RUN(what_is_too_much), TEST_RUN(ids_that_everybody_makes), TEST_RUN(marks),
	  TEST_RUN(an_event), TEST_RUN(what_is_bad_itself), TEST_RUN(again_is_the_same_and_once),
	  TEST_RUN(odd_events), TEST_RUN(many_are_told_once_each))
