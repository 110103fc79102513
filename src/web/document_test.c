/* SPDX-License-Identifier: Apache-2.0 */
#include "web/document.h"

#include <json-c/json.h>

#include "base/hash.h"
#include "base/test.h"
#include "web/assets.h"

static struct templates *templates(void)
{
	struct templates *t = NULL;
	struct err err = { 0 };
	CHECK_RC(templates_new(&t, &err), RC_OK, err);
	return t;
}

/* In every place a template looks at: what must never come out as it is. */
#define CANARY "\"'><script>alert(1)</script><img src=x onerror=y>`${z}"

/* A document with the canary under every name any template asks for. */
static void put_all(struct json_object *o, int depth)
{
	static const char *const texts[] = {
		"actor", "answered", "asked", "asn", "at", "bytes", "cc", "classification.identifier",
		"classification.type", "contacts", "count", "csrf", "csv_href", "day", "email", "feed",
		"feed.name", "file", "first_seen", "folder", "format", "held", "href", "id", "identifier",
		"input", "json_href", "key", "kind", "kinds", "label", "last_report", "last_seen", "licence",
		"line", "lines", "name", "next", "next_url", "node", "offset", "once", "organisation",
		"organisation_id", "period", "phone", "provider", "q", "reason", "received",
		"record_bytes", "refused", "report", "returns", "right", "role", "severity",
		"source.asn", "source.fqdn", "source.geolocation.cc", "source.ip", "source.port",
		"source.url", "state", "status", "style", "text", "time.source", "title", "tlp", "token",
		"told", "type", "value", "words",
	};
	static const char *const flags[] = { "caught_up_not", "complete", "cut", "demo", "exercise",
					     "findings_more", "on", "overdue", "quarantine_more",
					     "shared_address", "signed_in", "wrong" };
	static const char *const lists[] = { "asked", "cells", "concerns", "contacts", "groups",
					     "newest", "ronda.concerns", "rows", "severities" };
	static const char *const objects[] = { "error", "event", "finding", "frame", "query", "record" };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		json_object_object_add(o, texts[i], json_object_new_string(CANARY));
	for (size_t i = 0; i < COUNT_OF(flags); i++)
		json_object_object_add(o, flags[i], json_object_new_boolean(true));
	for (size_t i = 0; depth > 0 && i < COUNT_OF(lists); i++) {
		struct json_object *list = json_object_new_array(), *one = json_object_new_object();
		put_all(one, depth - 1);
		json_object_array_add(list, one);
		json_object_object_add(o, lists[i], list);
	}
	for (size_t i = 0; depth > 0 && i < COUNT_OF(objects); i++) {
		struct json_object *one = json_object_new_object();
		put_all(one, depth - 1);
		json_object_object_add(o, objects[i], one);
	}
	struct json_object *heads = json_object_new_array();
	json_object_array_add(heads, json_object_new_string(CANARY));
	json_object_object_add(o, "heads", heads);
}

TEST(no_template_lets_markup_through)
{
	struct templates *t = templates();
	struct json_object *doc = json_object_new_object();
	put_all(doc, 2);
	str json = str_of(json_object_to_json_string(doc));
	size_t rendered = 0;
	for (size_t i = 0; t && i < asset_count; i++) {
		str name = str_of(assets[i].name);
		if (!str_ends(name, STR(".mustache")))
			continue;
		char z[64];
		CHECK(str_to_z(str_head(name, name.n - 9), z, sizeof z));
		struct buf out = BUF_INIT(MIB(4));
		struct err err = { 0 };
		CHECK_RC(document_html(t, z, json, &out, &err), RC_OK, err);
		str page = buf_str(&out);
		CHECK_MSG(str_find(page, STR("<script")) == page.n, "%s", z);
		CHECK_MSG(str_find(page, STR("<img")) == page.n, "%s", z);
		CHECK_MSG(str_find(page, STR("\"'>")) == page.n, "%s", z);
		CHECK_MSG(!str_has(page, '`'), "%s", z);
		CHECK_MSG(str_find(page, STR("style=")) == page.n && str_find(page, STR("onclick")) == page.n,
			  "%s: inline style or script", z);
		rendered++;
		buf_free(&out);
	}
	CHECK_MSG(rendered >= 15, "only %zu templates", rendered);
	json_object_put(doc);
	templates_free(t);
}

TEST(every_page_says_demonstration)
{
	static const char *const pages[] = { "home",	"events",     "event",	     "findings", "finding",
					     "count",	"who",	      "quarantine",  "feeds",	 "tour",
					     "login",	"token",      "quarantined", "error" };
	struct templates *t = templates();
	for (size_t i = 0; t && i < COUNT_OF(pages) * 2; i++) {
		struct buf out = BUF_INIT(MIB(1));
		struct err err = { 0 };
		bool demo = i % 2;
		CHECK_RC(document_html(t, pages[i / 2],
				       demo ? STR("{\"frame\":{\"demo\":true}}") :
					      STR("{\"frame\":{\"demo\":false}}"),
				       &out, &err),
			 RC_OK, err);
		CHECK_MSG((str_find(buf_str(&out), STR("DEMONSTRATION")) < out.n) == demo, "%s",
			  pages[i / 2]);
		buf_free(&out);
	}
	templates_free(t);
}

TEST(links_of_ours_only)
{
	struct templates *t = templates();
	struct buf out = BUF_INIT(MIB(1));
	struct err err = { 0 };
	CHECK_RC(document_html(t, "events",
			       STR("{\"rows\":[{\"id\":\"ab\",\"source.url\":\"http://bad.example.org/x\","
				   "\"source.ip\":\"198.18.0.1\","
				   "\"time.source\":\"2026-11-22T02:45:29.123456+00:00\"}]}"),
			       &out, &err),
		 RC_OK, err);
	str page = buf_str(&out);
	CHECK(str_find(page, STR("hxxp://bad[.]example[.]org/x")) < page.n);
	CHECK(str_find(page, STR("bad.example.org")) == page.n);
	CHECK(str_find(page, STR("198.18.0.1")) < page.n);
	CHECK(str_find(page, STR("href=\"http")) == page.n);
	CHECK(str_find(page, STR(">2026-11-22 02:45:29Z<")) < page.n);
	buf_free(&out);
	templates_free(t);
}

static const struct {
	const char *what, *json;
	const char *columns[4];
	bool guard;
	const char *want;
} tables[] = {
	{ "all names, in order", "{\"rows\":[{\"a\":1,\"b\":\"x\"},{\"c\":true,\"a\":2}]}", { NULL }, true,
	  "\"a\",\"b\",\"c\"\r\n\"1\",\"x\",\"\"\r\n\"2\",\"\",\"true\"\r\n" },
	{ "given names", "{\"rows\":[{\"a\":1,\"b\":\"x\"}]}", { "b", "z", NULL }, true,
	  "\"b\",\"z\"\r\n\"x\",\"\"\r\n" },
	{ "no rows", "{}", { "b", NULL }, true, "\"b\"\r\n" },
	{ "formulas", "{\"rows\":[{\"a\":\"=1+1\"},{\"a\":\"+1\"},{\"a\":\"-1\"},{\"a\":\"@x\"},{\"a\":\"\\tx\"},{\"a\":\"\\rx\"}]}",
	  { NULL }, true,
	  "\"a\"\r\n\"'=1+1\"\r\n\"'+1\"\r\n\"'-1\"\r\n\"'@x\"\r\n\"'\tx\"\r\n\"'\rx\"\r\n" },
	{ "formulas for machines", "{\"rows\":[{\"a\":\"=1+1\"}]}", { NULL }, false, "\"a\"\r\n\"=1+1\"\r\n" },
	{ "quotes and lists", "{\"rows\":[{\"a\":\"x\\\"y\",\"b\":[1,{\"c\":2}]}]}", { NULL }, true,
	  "\"a\",\"b\"\r\n\"x\"\"y\",\"[1,{\"\"c\"\":2}]\"\r\n" },
};

TEST(csv)
{
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		struct buf out = BUF_INIT(KIB(64));
		struct err err = { 0 };
		enum rc rc = document_csv(str_of(tables[i].json),
					  tables[i].columns[0] ? tables[i].columns : NULL,
					  tables[i].guard, &out, &err);
		CHECK_MSG(rc == RC_OK && str_eq(buf_str(&out), str_of(tables[i].want)),
			  "%s: got '%s'", tables[i].what, out.p ? out.p : "");
		buf_free(&out);
	}
}

TEST(the_stylesheet_is_small)
{
	CHECK(templates_style().n > 1000 && templates_style().n < KIB(16));
	CHECK(str_find(templates_style(), STR("url(")) == templates_style().n);
}

TEST_MAIN(TEST_RUN(no_template_lets_markup_through), TEST_RUN(every_page_says_demonstration),
	  TEST_RUN(links_of_ours_only), TEST_RUN(csv), TEST_RUN(the_stylesheet_is_small))
