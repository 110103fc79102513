/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_event.h"

#include "base/hash.h"
#include "base/test.h"

static struct err err;

static struct json_object *parsed(str text)
{
	struct json_object *o = NULL;
	CHECK_RC(json_read(text, &o, &err), RC_OK, err);
	return o;
}

struct lines {
	struct buf all;
	size_t count, most;
};

static bool keep(void *ctx, str line)
{
	struct lines *l = ctx;
	buf_add(&l->all, line);
	buf_char(&l->all, '\n');
	l->count++;
	return l->most == 0 || l->count < l->most;
}

static struct misp_group group(const char *type, enum tlp tlp)
{
	return (struct misp_group){ .day = 20779, .type = str_of(type), .tlp = tlp, .part = 1, .stamp = 1795314600,
				    .to = STR(""), .distribution = -1 };
}

/* --- out --- */

static struct json_object *written(const char *const *events, size_t count, const char *type, enum tlp tlp,
				   const char *withdrawn)
{
	struct misp_maker m;
	struct misp_group g = group(type, tlp);
	struct buf b = BUF_INIT(MIB(1));
	misp_maker_of(STR("5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11"), STR("CERT-X"), &m);
	struct misp_writer *w = misp_writer_new(&m, &g);
	for (size_t i = 0; i < count; i++) {
		struct json_object *o = parsed(str_of(events[i]));
		CHECK_RC(misp_add(w, o, INT64_C(1795314000) * SECOND_US, &err), RC_OK, err);
		json_free(o);
	}
	if (withdrawn)
		misp_add_withdrawn(w, str_of(withdrawn));
	CHECK_RC(misp_finish(w, &b, &err), RC_OK, err);
	struct json_object *o = parsed(buf_str(&b));
	misp_writer_free(w);
	buf_free(&b);
	return o;
}

static const char *const drone[] = {
	"{\"id\":\"aa\",\"time.source\":\"2026-11-22T02:45:29+00:00\",\"source.ip\":\"192.0.2.7\",\"source.port\":23,"
	"\"source.asn\":64500,\"classification.type\":\"infected-system\",\"malware.name\":\"mirai\",\"tlp\":\"GREEN\"}",
	"{\"id\":\"bb\",\"time.source\":\"2026-11-22T03:45:29+00:00\",\"source.ip\":\"192.0.2.7\",\"source.port\":23,"
	"\"source.asn\":64500,\"classification.type\":\"infected-system\",\"malware.name\":\"mirai\",\"tlp\":\"GREEN\"}",
	"{\"id\":\"cc\",\"time.source\":\"2026-11-22T03:45:29+00:00\",\"source.ip\":\"2001:db8::7\","
	"\"classification.type\":\"infected-system\",\"tlp\":\"GREEN\"}",
};

/* The rules that readers of MISP's format go by. */
TEST(an_event_as_readers_want_it)
{
	struct json_object *o = written(drone, COUNT_OF(drone), "infected-system", TLP_GREEN, NULL);
	struct json_object *e = json_get(o, "Event"), *objects = json_get(e, "Object");
	CHECK_STR(json_get_str(e, "timestamp"), STR("1795314600"));
	CHECK_STR(json_get_str(e, "date"), STR("2026-11-22"));
	CHECK_STR(json_get_str(json_at(json_get(e, "Tag"), 0), "name"), STR("tlp:green"));
	CHECK_STR(json_get_str(json_at(json_get(e, "Tag"), 1), "name"), STR("rsit:malicious-code=\"infected-system\""));
	CHECK_STR(json_get_str(json_get(e, "Orgc"), "name"), STR("CERT-X"));
	CHECK(!json_get(e, "distribution") && !json_get(e, "id"));
	CHECK_INT(json_count(objects), 2); /* seen twice: one object */
	struct json_object *first = json_at(objects, 0);
	CHECK_STR(json_get_str(first, "first_seen"), STR("2026-11-22T02:45:29.000000+00:00"));
	CHECK_STR(json_get_str(first, "last_seen"), STR("2026-11-22T03:45:29.000000+00:00"));
	CHECK_STR(json_get_str(first, "comment"), STR("seen 2 times"));
	bool ids = true;
	for (size_t i = 0; i < json_count(json_get(first, "Attribute")); i++) {
		struct json_object *at = json_at(json_get(first, "Attribute"), i);
		struct uuid u;
		CHECK(uuid_parse(json_get_str(at, "uuid"), &u) && (u.b[6] >> 4) == 5);
		CHECK(json_get_str(at, "timestamp").n > 0 && json_get_str(at, "value").n > 0);
		CHECK(json_get_bool(at, "to_ids", &ids) && !ids); /* a victim, nothing to block */
	}
	json_free(o);
	/* the same again: the same bytes */
	struct json_object *again = written(drone, COUNT_OF(drone), "infected-system", TLP_GREEN, NULL);
	CHECK_STR(json_get_str(json_at(json_get(json_get(again, "Event"), "Object"), 0), "uuid"),
		  STR("6099b5b7-9ebf-5228-ba16-b7c6d3aa19c2"));
	json_free(again);
}

TEST(what_accuses_is_for_machines)
{
	static const char *const event[] = { "{\"id\":\"dd\",\"time.source\":\"2026-11-22T03:45:29+00:00\","
					     "\"source.url\":\"http://example.org/x\",\"classification.type\":\"phishing\"}" };
	struct json_object *o = written(event, 1, "phishing", TLP_CLEAR, NULL);
	struct json_object *at = json_at(json_get(json_at(json_get(json_get(o, "Event"), "Object"), 0), "Attribute"), 0);
	bool ids = false;
	CHECK_STR(json_get_str(at, "object_relation"), STR("source.url"));
	CHECK(json_get_bool(at, "to_ids", &ids) && ids);
	json_free(o);
}

TEST(withdrawn)
{
	struct json_object *o = written(drone, 1, "infected-system", TLP_GREEN, "zz");
	struct json_object *objects = json_get(json_get(o, "Event"), "Object");
	bool deleted = false;
	CHECK_INT(json_count(objects), 2);
	CHECK(json_get_bool(json_at(objects, 1), "deleted", &deleted) && deleted);
	json_free(o);
	/* of all that was in it nothing is left: not empty, as a server that pulls would drop it */
	o = written(NULL, 0, "infected-system", TLP_GREEN, "zz");
	CHECK_INT(json_count(json_get(json_get(o, "Event"), "Attribute")), 1);
	json_free(o);
}

TEST(digests_to_look_up)
{
	struct misp_maker m;
	struct misp_group g = group("infected-system", TLP_GREEN);
	struct buf b = BUF_INIT(MIB(1));
	misp_maker_of(STR("node"), STR("CERT-X"), &m);
	struct misp_writer *w = misp_writer_new(&m, &g);
	struct json_object *o = parsed(str_of(drone[0]));
	CHECK_RC(misp_add(w, o, 0, &err), RC_OK, err);
	CHECK_RC(misp_finish_hashes(w, &b, &err), RC_OK, err);
	/* printf %s 192.0.2.7 | md5sum */
	CHECK(str_starts(buf_str(&b), STR("e9cc93d8ae23cfc5941cec7cc4ee788a,")));
	size_t lines = 0;
	for (size_t i = 0; i < b.n; i++)
		lines += b.p[i] == '\n';
	CHECK_INT(lines, 1); /* the address; not its AS or port */
	json_free(o);
	misp_writer_free(w);
	buf_free(&b);
}

/* --- in --- */

#define EVENT(members) "{\"Event\":{\"uuid\":\"5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11\",\"info\":\"i\",\"date\":\"2026-11-20\"," \
		       "\"timestamp\":\"1795314600\"," members "}}"
#define ATTRIBUTE(type, value, more) "{\"uuid\":\"6d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11\",\"type\":\"" type "\",\"value\":\"" \
				     value "\",\"timestamp\":\"1795314000\"" more "}"

TEST(events_of_others)
{
	static const struct { const char *what, *json, *holds; size_t events, left_out, deleted; bool by_distribution; } rows[] = {
		{ "an address with a tag", EVENT("\"Tag\":[{\"name\":\"tlp:green\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", ",\"to_ids\":true") "]"),
		  "\"source.ip\":\"192.0.2.1\",\"classification.type\":\"blacklist\"", 1, 0, 0, false },
		{ "its marking", EVENT("\"Tag\":[{\"name\":\"tlp:green\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", "") "]"), "\"tlp\":\"GREEN\"", 1, 0, 0, false },
		{ "TLP 1", EVENT("\"Tag\":[{\"name\":\"TLP:WHITE\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", "") "]"), "\"tlp\":\"CLEAR\"", 1, 0, 0, false },
		{ "no marking: what the feed says", EVENT("\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", "") "]"), "\"tlp\":\"AMBER\"", 1, 0, 0, false },
		{ "not understood: RED", EVENT("\"Tag\":[{\"name\":\"tlp:ex:chr\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", "") "]"), "\"tlp\":\"RED\"", 1, 0, 0, false },
		{ "two: the stricter", EVENT("\"Tag\":[{\"name\":\"tlp:amber\"},{\"name\":\"tlp:clear\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", "") "]"), "\"tlp\":\"AMBER\"", 1, 0, 0, false },
		{ "an attribute is stricter", EVENT("\"Tag\":[{\"name\":\"tlp:clear\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", ",\"Tag\":[{\"name\":\"tlp:amber+strict\"}]") "]"), "\"tlp\":\"AMBER+STRICT\"", 1, 0, 0, false },
		{ "an attribute is never looser", EVENT("\"Tag\":[{\"name\":\"tlp:amber\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", ",\"Tag\":[{\"name\":\"tlp:clear\"}]") "]"), "\"tlp\":\"AMBER\"", 1, 0, 0, false },
		{ "your organisation only", EVENT("\"distribution\":\"0\",\"Tag\":[{\"name\":\"tlp:clear\"}],\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", "") "]"), "\"tlp\":\"AMBER+STRICT\"", 1, 0, 0, true },
		{ "a distribution there is not", EVENT("\"distribution\":\"77\",\"Attribute\":[" ATTRIBUTE("ip-dst", "192.0.2.1", "") "]"), "\"tlp\":\"RED\"", 1, 0, 0, true },
		{ "class by tag", EVENT("\"Tag\":[{\"name\":\"rsit:fraud=\\\"phishing\\\"\"}],\"Attribute\":[" ATTRIBUTE("url", "http://example.org/", "") "]"), "\"classification.type\":\"phishing\"", 1, 0, 0, false },
		{ "address and port", EVENT("\"Attribute\":[" ATTRIBUTE("ip-dst|port", "192.0.2.1|443", "") "]"), "\"source.ip\":\"192.0.2.1\",\"source.port\":\"443\"", 1, 0, 0, false },
		{ "a name with its address", EVENT("\"Attribute\":[" ATTRIBUTE("domain|ip", "example.org|192.0.2.1", "") "]"), "\"source.fqdn\":\"example.org\",\"source.ip\":\"192.0.2.1\"", 1, 0, 0, false },
		{ "a file's digest", EVENT("\"Attribute\":[" ATTRIBUTE("filename|md5", "a.exe|d41d8cd98f00b204e9800998ecf8427e", "") "]"), "\"classification.type\":\"malware\"", 1, 0, 0, false },
		{ "first_seen is its time", EVENT("\"Attribute\":[" ATTRIBUTE("ip-src", "192.0.2.1", ",\"first_seen\":\"2026-11-19T01:02:03.000000+00:00\"") "]"), "\"time.source\":\"2026-11-19T01:02:03+00:00\"", 1, 0, 0, false },
		{ "else when it was written", EVENT("\"Attribute\":[" ATTRIBUTE("ip-src", "192.0.2.1", "") "]"), "\"time.source\":\"2026-11-22T02:20:00+00:00\"", 1, 0, 0, false },
		{ "deleted", EVENT("\"Attribute\":[" ATTRIBUTE("ip-src", "192.0.2.1", ",\"deleted\":true") "," ATTRIBUTE("ip-src", "192.0.2.2", "") "]"), "192.0.2.2", 1, 0, 1, false },
		{ "types we have no field for", EVENT("\"Attribute\":[" ATTRIBUTE("yara", "rule a {}", "") "]"), "", 0, 1, 0, false },
		{ "an object is one event", EVENT("\"Object\":[{\"name\":\"ip-port\",\"Attribute\":[{\"type\":\"ip-src\",\"object_relation\":\"ip-src\",\"value\":\"192.0.2.1\"},"
		  "{\"type\":\"ip-dst\",\"object_relation\":\"ip-dst\",\"value\":\"192.0.2.9\"},{\"type\":\"port\",\"object_relation\":\"dst-port\",\"value\":\"23\"}]}]"),
		  "\"source.ip\":\"192.0.2.1\",\"destination.ip\":\"192.0.2.9\",\"destination.port\":\"23\"", 1, 0, 0, false },
		{ "its only address is the bad one", EVENT("\"Object\":[{\"name\":\"ip-port\",\"Attribute\":[{\"type\":\"ip-dst\",\"object_relation\":\"ip-dst\",\"value\":\"192.0.2.9\"},"
		  "{\"type\":\"port\",\"object_relation\":\"dst-port\",\"value\":\"23\"}]}]"), "\"source.ip\":\"192.0.2.9\",\"source.port\":\"23\"", 1, 0, 0, false },
		{ "two addresses in one: two events", EVENT("\"Object\":[{\"name\":\"domain-ip\",\"Attribute\":[{\"type\":\"ip-dst\",\"object_relation\":\"ip\",\"value\":\"192.0.2.9\"},"
		  "{\"type\":\"ip-dst\",\"object_relation\":\"ip\",\"value\":\"192.0.2.8\"}]}]"), "192.0.2.8", 2, 0, 0, false },
		{ "an answer of a server", "{\"response\":[" EVENT("\"Attribute\":[" ATTRIBUTE("ip-src", "192.0.2.1", "") "]") "]}", "192.0.2.1", 1, 0, 0, false },
		{ "fields of ours are not theirs to set", EVENT("\"Object\":[{\"name\":\"intelmq_event\",\"Attribute\":[{\"type\":\"ip-src\",\"object_relation\":\"source.ip\",\"value\":\"192.0.2.1\"},"
		  "{\"type\":\"text\",\"object_relation\":\"tlp\",\"value\":\"CLEAR\"}]}]"), "\"tlp\":\"AMBER\"", 1, 1, 0, false },
	};
	struct arena *a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct misp_marking mark = { TLP_AMBER, rows[i].by_distribution };
		struct lines l = { .all = BUF_INIT(MIB(1)) };
		struct misp_heard h;
		struct json_object *o = parsed(str_of(rows[i].json));
		CHECK_RC(misp_read_event(o, &mark, a, keep, &l, &h, &err), RC_OK, err);
		CHECK_MSG(h.events == rows[i].events && l.count == rows[i].events && h.left_out == rows[i].left_out &&
				  h.deleted == rows[i].deleted, "%s: %zu events, %zu left out, %zu deleted", rows[i].what,
			  h.events, h.left_out, h.deleted);
		CHECK_MSG(rows[i].holds[0] == '\0' || str_find(buf_str(&l.all), str_of(rows[i].holds)) < l.all.n, "%s: " STR_FMT,
			  rows[i].what, STR_ARG(buf_str(&l.all)));
		json_free(o);
		buf_free(&l.all);
	}
	arena_free(a);
}

TEST(what_is_no_event)
{
	static const char *const rows[] = { "{}", "[]", "7", "{\"Event\":7}", "{\"Event\":{\"uuid\":\"x\",\"date\":\"2026-11-20\"}}",
					    "{\"Event\":{\"uuid\":\"5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11\"}}",
					    "{\"response\":[]}", "{\"Event\":{\"uuid\":{},\"date\":[]}}" };
	const struct misp_marking mark = { TLP_AMBER, false };
	struct arena *a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct lines l = { .all = BUF_INIT(KIB(4)) };
		struct misp_heard h;
		struct json_object *o = parsed(str_of(rows[i]));
		CHECK_MSG(misp_read_event(o, &mark, a, keep, &l, &h, &err) == RC_INPUT && l.count == 0, "%s", rows[i]);
		json_free(o);
		buf_free(&l.all);
	}
	arena_free(a);
}

/* Odd kinds of values where others stand: nothing of it, or what can be read. */
TEST(odd_members)
{
	static const char *const rows[] = {
		EVENT("\"Tag\":7,\"Attribute\":{\"a\":1},\"Object\":\"x\""), EVENT("\"Attribute\":[7,null,[],{}]"),
		EVENT("\"Object\":[7,null,{\"Attribute\":7},{\"Attribute\":[[],{\"type\":7,\"value\":{}}]}]"),
		EVENT("\"Attribute\":[{\"type\":\"ip-src\",\"value\":7,\"timestamp\":-5,\"first_seen\":\"never\",\"uuid\":\"x\"}]"),
		EVENT("\"Attribute\":[{\"type\":\"ip-src\",\"value\":\"192.0.2.1\",\"timestamp\":99999999999999999}]"),
	};
	const struct misp_marking mark = { TLP_AMBER, true };
	struct arena *a = arena_new(KIB(4));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct lines l = { .all = BUF_INIT(KIB(64)) };
		struct misp_heard h;
		struct json_object *o = parsed(str_of(rows[i]));
		CHECK_RC(misp_read_event(o, &mark, a, keep, &l, &h, &err), RC_OK, err);
		str all = buf_str(&l.all), line;
		while (str_line(&all, &line))
			json_free(parsed(line));
		json_free(o);
		buf_free(&l.all);
	}
	arena_free(a);
}

TEST(too_many)
{
	const struct misp_marking mark = { TLP_AMBER, false };
	struct arena *a = arena_new(KIB(4));
	struct buf b = BUF_INIT(MIB(64));
	struct lines l = { .all = BUF_INIT(KIB(64)) };
	struct misp_heard h;
	buf_add(&b, STR("{\"Event\":{\"uuid\":\"5d3b3b3e-9f1b-4a55-8f0e-0d3f2b8c7a11\",\"date\":\"2026-11-20\",\"Attribute\":["));
	for (int i = 0; i <= MISP_ATTRIBUTES_MAX; i++)
		buf_fmt(&b, "%s{\"type\":\"ip-src\",\"value\":\"192.0.2.1\"}", i ? "," : "");
	buf_add(&b, STR("]}}"));
	struct json_object *o = parsed(buf_str(&b));
	CHECK_INT(misp_read_event(o, &mark, a, keep, &l, &h, &err), RC_LIMIT);
	CHECK_INT(l.count, 0);
	json_free(o);
	buf_free(&b);
	buf_free(&l.all);
	arena_free(a);
}

/* --- there and back --- */

TEST(there_and_back)
{
	struct arena *a = arena_new(KIB(4));
	const struct misp_marking mark = { TLP_RED, false };
	struct lines l = { .all = BUF_INIT(KIB(64)) };
	struct misp_heard h;
	struct json_object *o = written(drone, COUNT_OF(drone), "infected-system", TLP_GREEN, "zz");
	CHECK_RC(misp_read_event(o, &mark, a, keep, &l, &h, &err), RC_OK, err);
	CHECK_INT(h.events, 2);
	CHECK_INT(h.deleted, 1);
	CHECK_INT(h.left_out, 0);
	CHECK_INT(h.stamp, 1795314600);
	str all = buf_str(&l.all), line;
	CHECK(str_line(&all, &line));
	struct json_object *back = parsed(line), *was = parsed(str_of(drone[0]));
	static const char *const same[] = { "source.ip", "classification.type", "malware.name", "tlp", "time.source" };
	for (size_t i = 0; i < COUNT_OF(same); i++)
		CHECK_STR(json_get_str(back, same[i]), json_get_str(was, same[i]));
	CHECK_STR(json_get_str(back, "source.port"), STR("23"));
	CHECK_STR(json_get_str(back, "source.asn"), STR("AS64500"));
	json_free(back);
	json_free(was);
	/* and who takes no more is left alone */
	struct lines one = { .all = BUF_INIT(KIB(64)), .most = 1 };
	CHECK_INT(misp_read_event(o, &mark, a, keep, &one, &h, &err), RC_CONFLICT);
	CHECK_INT(one.count, 1);
	json_free(o);
	buf_free(&l.all);
	buf_free(&one.all);
	arena_free(a);
}

TEST_MAIN(TEST_RUN(an_event_as_readers_want_it), TEST_RUN(what_accuses_is_for_machines), TEST_RUN(withdrawn),
	  TEST_RUN(digests_to_look_up), TEST_RUN(events_of_others), TEST_RUN(what_is_no_event), TEST_RUN(odd_members),
	  TEST_RUN(too_many), TEST_RUN(there_and_back))
