/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mustache.h"

#include <json-c/json.h>

#include "base/test.h"

struct part {
	const char *name, *text;
};

static str find_part(void *ctx, str name)
{
	for (const struct part *p = ctx; p && p->name; p++) {
		if (str_eq(name, str_of(p->name)))
			return str_of(p->text);
	}
	return STR_NONE;
}

/* Rows follow the areas of the public Mustache spec; the words are ours. */
static const struct render_case {
	const char *what, *text, *data, *want;
	struct part parts[3];
} render_cases[] = {
	/* interpolation */
	{ "no tags at all", "Hello {world}\n", "{}", "Hello {world}\n", { { 0 } } },
	{ "a value", "Hello {{who}}!", "{\"who\":\"team\"}", "Hello team!", { { 0 } } },
	{ "six signs escaped", "{{v}}", "{\"v\":\"& < > \\\" ' `\"}",
	  "&amp; &lt; &gt; &quot; &#39; &#96;", { { 0 } } },
	{ "integer", "{{n}} miles", "{\"n\":85}", "85 miles", { { 0 } } },
	{ "decimal", "{{n}}", "{\"n\":1.21}", "1.21", { { 0 } } },
	{ "zero is a value", "({{n}})", "{\"n\":0}", "(0)", { { 0 } } },
	{ "true", "{{b}}", "{\"b\":true}", "true", { { 0 } } },
	{ "null is nothing", "({{n}})", "{\"n\":null}", "()", { { 0 } } },
	{ "absent is nothing", "({{n}})", "{}", "()", { { 0 } } },
	{ "dotted name", "{{a.b.c}}", "{\"a\":{\"b\":{\"c\":\"x\"}}}", "x", { { 0 } } },
	{ "broken dotted name", "({{a.b.c}})", "{\"a\":{\"b\":{}},\"c\":\"wrong\"}", "()", { { 0 } } },
	{ "first part decides", "{{#a}}({{b.c}}){{/a}}",
	  "{\"a\":{\"b\":{}},\"b\":{\"c\":\"wrong\"}}", "()", { { 0 } } },
	{ "blanks around a tag stay", "| {{s}} |", "{\"s\":\"-\"}", "| - |", { { 0 } } },
	{ "a lone value keeps its line", "  {{s}}\n", "{\"s\":\"-\"}", "  -\n", { { 0 } } },
	{ "blanks inside a tag", "|{{ s }}|", "{\"s\":\"-\"}", "|-|", { { 0 } } },
	{ "values are not templates", "{{v}}", "{\"v\":\"{{w}}\",\"w\":\"no\"}", "{{w}}", { { 0 } } },
	/* sections */
	{ "true shows", "[{{#b}}yes{{/b}}]", "{\"b\":true}", "[yes]", { { 0 } } },
	{ "false hides", "[{{#b}}yes{{/b}}]", "{\"b\":false}", "[]", { { 0 } } },
	{ "null hides", "[{{#b}}yes{{/b}}]", "{\"b\":null}", "[]", { { 0 } } },
	{ "absent hides", "[{{#b}}yes{{/b}}]", "{}", "[]", { { 0 } } },
	{ "object is the context", "{{#o}}{{n}}{{/o}}", "{\"o\":{\"n\":\"in\"},\"n\":\"out\"}", "in",
	  { { 0 } } },
	{ "outer names are seen", "{{#o}}{{m}}{{/o}}", "{\"o\":{\"n\":1},\"m\":\"out\"}", "out", { { 0 } } },
	{ "a list repeats", "{{#l}}{{n}};{{/l}}", "{\"l\":[{\"n\":1},{\"n\":2},{\"n\":3}]}", "1;2;3;",
	  { { 0 } } },
	{ "an empty list hides", "[{{#l}}x{{/l}}]", "{\"l\":[]}", "[]", { { 0 } } },
	{ "the dot is the item", "{{#l}}({{.}}){{/l}}", "{\"l\":[\"a\",2,1.5]}", "(a)(2)(1.5)", { { 0 } } },
	{ "the dot escapes", "{{#l}}{{.}}{{/l}}", "{\"l\":[\"<b>\"]}", "&lt;b&gt;", { { 0 } } },
	{ "lists of lists", "{{#l}}({{#.}}{{.}}{{/.}}){{/l}}", "{\"l\":[[1,2],[3]]}", "(12)(3)", { { 0 } } },
	{ "deep contexts", "{{#a}}{{one}}{{#b}}{{one}}{{two}}{{/b}}{{/a}}",
	  "{\"a\":{\"one\":1},\"b\":{\"two\":2}}", "112", { { 0 } } },
	{ "same name inside", "{{#b}}A{{#b}}B{{/b}}C{{/b}}", "{\"b\":true}", "ABC", { { 0 } } },
	{ "dotted section", "{{#a.b}}x{{/a.b}}", "{\"a\":{\"b\":true}}", "x", { { 0 } } },
	{ "section of a string", "{{#s}}{{.}}{{/s}}", "{\"s\":\"t\"}", "t", { { 0 } } },
	{ "an empty string hides", "[{{#s}}x{{/s}}]", "{\"s\":\"\"}", "[]", { { 0 } } },
	{ "lone section lines go", "a\n{{#b}}\nc\n{{/b}}\nd\n", "{\"b\":true}", "a\nc\nd\n", { { 0 } } },
	{ "lone and indented", "a\n  {{#b}}\nc\n  {{/b}}\nd\n", "{\"b\":true}", "a\nc\nd\n", { { 0 } } },
	{ "lone with CRLF", "a\r\n{{#b}}\r\nc\r\n{{/b}}\r\n", "{\"b\":true}", "a\r\nc\r\n", { { 0 } } },
	{ "not alone stays", " {{#b}}x{{/b}} \n", "{\"b\":true}", " x \n", { { 0 } } },
	{ "lone at the very start", "{{#b}}\nx{{/b}}", "{\"b\":true}", "x", { { 0 } } },
	{ "lone at the very end", "x\n{{#b}}{{/b}}\n  {{! end }}", "{\"b\":true}", "x\n\n", { { 0 } } },
	{ "two on one line are not alone", "{{#b}} {{/b}}\n", "{\"b\":true}", " \n", { { 0 } } },
	/* inverted */
	{ "inverted shows", "[{{^b}}no{{/b}}]", "{\"b\":false}", "[no]", { { 0 } } },
	{ "inverted hides", "[{{^b}}no{{/b}}]", "{\"b\":true}", "[]", { { 0 } } },
	{ "inverted list", "[{{^l}}none{{/l}}]", "{\"l\":[]}", "[none]", { { 0 } } },
	{ "inverted absent", "[{{^l}}none{{/l}}]", "{}", "[none]", { { 0 } } },
	{ "inverted in a list", "{{#l}}{{^x}}-{{/x}}{{#x}}+{{/x}}{{/l}}",
	  "{\"l\":[{\"x\":true},{\"x\":false}]}", "+-", { { 0 } } },
	/* comments */
	{ "comment", "12{{! not this }}34", "{}", "1234", { { 0 } } },
	{ "comment of lines", "a\n{{!\nb\n}}\nc\n", "{}", "a\nc\n", { { 0 } } },
	{ "indented comment alone", "a\n  {{! b }}\nc\n", "{}", "a\nc\n", { { 0 } } },
	{ "comment beside text", "  12 {{! x }}\n", "{}", "  12 \n", { { 0 } } },
	/* delimiters */
	{ "a pair", "{{=<% %>=}}(<%v%>)", "{\"v\":\"x\"}", "(x)", { { 0 } } },
	{ "special signs", "({{=[ ]=}}[v])", "{\"v\":\"x\"}", "(x)", { { 0 } } },
	{ "and back", "{{=| |=}}|v||={{ }}=|{{v}}", "{\"v\":\"x\"}", "xx", { { 0 } } },
	{ "alone on its line", "a\n{{=@ @=}}\nb\n", "{}", "a\nb\n", { { 0 } } },
	{ "sections under others", "{{= | | =}}|#b|{{v}}|v||/b|", "{\"b\":true,\"v\":1}", "{{v}}1", { { 0 } } },
	/* partials */
	{ "a partial", "[{{>p}}]", "{\"v\":\"<\"}", "[(&lt;)]", { { "p", "({{v}})" } } },
	{ "blanks in its tag", "[{{> p }}]", "{}", "[x]", { { "p", "x" } } },
	{ "a partial in a list", "{{#l}}{{>p}}{{/l}}", "{\"l\":[{\"n\":1},{\"n\":2}]}", "1,2,",
	  { { "p", "{{n}}," } } },
	{ "a lone partial is indented", "a\n  {{>p}}\nb\n", "{}", "a\n  x\n  y\nb\n", { { "p", "x\ny\n" } } },
	{ "values are not indented", " {{>p}}\n", "{\"v\":\"<\\n-\"}", " |\n &lt;\n-\n |\n",
	  { { "p", "|\n{{v}}\n|\n" } } },
	{ "partials in partials", "{{>p}}", "{}", "(x)", { { "p", "({{>q}})" }, { "q", "x" } } },
	{ "its delimiters are its own", "{{=| |=}}|>p||v|", "{\"v\":1}", ".1.1", { { "p", ".{{v}}." } } },
	/* and more of each area */
	{ "dotted names begin at the nearest", "{{#o}}{{a.n}}{{/o}}", "{\"o\":{\"a\":{\"n\":\"in\"}},\"a\":{\"n\":\"out\"}}",
	  "in", { { 0 } } },
	{ "a dotted name is no single key", "({{a.b}})", "{\"a.b\":\"whole\"}",
	  "()", { { 0 } } },
	{ "an empty first part ends the search", "{{#o}}({{a.n}}){{/o}}", "{\"o\":{\"a\":{}},\"a\":{\"n\":\"out\"}}",
	  "()", { { 0 } } },
	{ "false is shown", "({{b}})", "{\"b\":false}",
	  "(false)", { { 0 } } },
	{ "a negative number", "{{n}}", "{\"n\":-7}",
	  "-7", { { 0 } } },
	{ "a section of a missing name sees nothing", "[{{#a}}x{{n}}{{/a}}]", "{\"n\":1}",
	  "[]", { { 0 } } },
	{ "nested, inner off", "|{{#b}}A{{#c}}B{{/c}}C{{/b}}|", "{\"b\":true,\"c\":false}",
	  "|AC|", { { 0 } } },
	{ "a dotted section that is off", "[{{#a.b}}x{{/a.b}}]", "{\"a\":{\"b\":false}}",
	  "[]", { { 0 } } },
	{ "a dotted section with a gap", "[{{#a.b.c}}x{{/a.b.c}}]", "{\"a\":{}}",
	  "[]", { { 0 } } },
	{ "blanks inside a section stay", " | {{#b}}\t|\t{{/b}} | \n", "{\"b\":true}",
	  " | \t|\t | \n", { { 0 } } },
	{ "line ends inside a section stay", " | {{#b}} {{! c }}\n {{/b}} | \n", "{\"b\":true}",
	  " |  \n  | \n", { { 0 } } },
	{ "two lines of sections", " {{#b}}Y{{/b}}\n {{#b}}Z{{/b}}\n", "{\"b\":true}",
	  " Y\n Z\n", { { 0 } } },
	{ "blanks in the tags of a section", "|{{# b }}={{/ b }}|", "{\"b\":true}",
	  "|=|", { { 0 } } },
	{ "lone section lines between texts", "| a\n{{#b}}\n|\n{{/b}}\n| c\n", "{\"b\":true}",
	  "| a\n|\n| c\n", { { 0 } } },
	{ "lone at the end, without a line end", "#{{#b}}\n/\n  {{/b}}", "{\"b\":true}",
	  "#\n/\n", { { 0 } } },
	{ "a list of objects with names of outside", "{{#l}}{{n}}{{m}};{{/l}}", "{\"l\":[{\"n\":1},{\"n\":2,\"m\":\"y\"}],\"m\":\"x\"}",
	  "1x;2y;", { { 0 } } },
	{ "a section of a number", "{{#n}}({{.}}){{/n}}", "{\"n\":7}",
	  "(7)", { { 0 } } },
	{ "three levels up", "{{#a}}{{#b}}{{#c}}{{n}}{{/c}}{{/b}}{{/a}}", "{\"a\":{\"b\":{\"c\":{\"x\":1}}},\"n\":\"top\"}",
	  "top", { { 0 } } },
	{ "inverted null", "[{{^n}}none{{/n}}]", "{\"n\":null}",
	  "[none]", { { 0 } } },
	{ "inverted object", "[{{^o}}none{{/o}}]", "{\"o\":{\"n\":1}}",
	  "[]", { { 0 } } },
	{ "inverted dotted", "[{{^a.b}}no{{/a.b}}]", "{\"a\":{\"b\":true}}",
	  "[]", { { 0 } } },
	{ "inverted dotted, off", "[{{^a.b}}no{{/a.b}}]", "{\"a\":{\"b\":false}}",
	  "[no]", { { 0 } } },
	{ "inverted dotted with a gap", "[{{^a.b.c}}no{{/a.b.c}}]", "{\"a\":{}}",
	  "[no]", { { 0 } } },
	{ "inverted, nested", "|A{{^b}}B{{^b}}C{{/b}}D{{/b}}E|", "{\"b\":false}",
	  "|ABCDE|", { { 0 } } },
	{ "inverted twice", "{{^b}}1{{/b}} {{^b}}2{{/b}}", "{\"b\":false}",
	  "1 2", { { 0 } } },
	{ "lone inverted lines go", "a\n  {{^b}}\nc\n  {{/b}}\nd\n", "{\"b\":false}",
	  "a\nc\nd\n", { { 0 } } },
	{ "lone inverted with CRLF", "|\r\n{{^b}}\r\n{{/b}}\r\n|", "{\"b\":false}",
	  "|\r\n|", { { 0 } } },
	{ "blanks around inverted stay", " | {{^b}}\t|\t{{/b}} | \n", "{\"b\":false}",
	  " | \t|\t | \n", { { 0 } } },
	{ "comment with CRLF", "|\r\n{{! alone }}\r\n|", "{}",
	  "|\r\n|", { { 0 } } },
	{ "comment at the start", "  {{! first }}\n!", "{}",
	  "!", { { 0 } } },
	{ "comment at the end", "!\n  {{! last }}", "{}",
	  "!\n", { { 0 } } },
	{ "indented comment of lines", "a\n  {{!\n    x\n  }}\nb\n", "{}",
	  "a\nb\n", { { 0 } } },
	{ "comment keeps its blanks outside", "12 {{! x }} 34", "{}",
	  "12  34", { { 0 } } },
	{ "a comment is no name", "({{! v }})", "{\"v\":1,\"! v\":2,\"!v\":3}",
	  "()", { { 0 } } },
	{ "a partial sees where it stands", "{{#o}}{{>p}}{{/o}}", "{\"o\":{\"n\":\"in\"},\"n\":\"out\"}",
	  "(in)", { { "p", "({{n}})" } } },
	{ "blanks around a partial stay", "| {{>p}} |", "{}",
	  "| \t|\t |", { { "p", "\t|\t" } } },
	{ "a partial beside text is not indented", "  {{v}}  {{> p}}\n", "{\"v\":\"|\"}",
	  "  |  >\n>\n", { { "p", ">\n>" } } },
	{ "a lone partial with CRLF", "|\r\n{{>p}}\r\n|", "{}",
	  "|\r\n>|", { { "p", ">" } } },
	{ "a lone partial first", "  {{>p}}\n>", "{}",
	  "  >\n  >>", { { "p", ">\n>" } } },
	{ "a lone partial last", ">\n  {{>p}}", "{}",
	  ">\n  >\n  >", { { "p", ">\n>" } } },
	{ "inverted under others", "{{= | | =}}|^b|{{v}}|v||/b|", "{\"b\":false,\"v\":1}",
	  "{{v}}1", { { 0 } } },
	{ "blanks around a change stay", "| {{=@ @=}} |", "{}",
	  "|  |", { { 0 } } },
	{ "a change beside text", " | {{=@ @=}}\n", "{}",
	  " | \n", { { 0 } } },
	{ "an indented change alone", "a\n  {{=@ @=}}\nb\n", "{}",
	  "a\nb\n", { { 0 } } },
	{ "a change alone with CRLF", "|\r\n{{= @ @ =}}\r\n|", "{}",
	  "|\r\n|", { { 0 } } },
	{ "a change at the start", "  {{=@ @=}}\n=", "{}",
	  "=", { { 0 } } },
	{ "a change at the end", "=\n  {{=@ @=}}", "{}",
	  "=\n", { { 0 } } },
	{ "blanks in a change", "|{{= @   @ =}}|", "{}",
	  "||", { { 0 } } },
	{ "and end with it", "{{>p}}{{v}}", "{\"v\":1}", "11", { { "p", "{{=| |=}}|v|" } } },
};

TEST(renders)
{
	for (size_t i = 0; i < COUNT_OF(render_cases); i++) {
		const struct render_case *c = &render_cases[i];
		struct mustache *m = NULL;
		struct err err = { 0 };
		struct json_object *data = json_tokener_parse(c->data);
		struct buf out = BUF_INIT(KIB(4));
		enum rc rc = mustache_compile(str_of(c->text), find_part, (void *)c->parts, &m, &err);
		CHECK_MSG(rc == RC_OK, "%s: %s", c->what, err.text);
		if (rc == RC_OK) {
			rc = mustache_render(m, data, &out, &err);
			CHECK_MSG(rc == RC_OK && str_eq(buf_str(&out), str_of(c->want)),
				  "%s: got '%s', want '%s'", c->what, out.p ? out.p : "", c->want);
		}
		mustache_free(m);
		json_object_put(data);
		buf_free(&out);
	}
}

static const struct {
	const char *what, *text;
	enum rc rc;
	struct part parts[2];
} refused[] = {
	{ "three braces", "a {{{v}}}", RC_INPUT, { { 0 } } },
	{ "ampersand", "a {{&v}}", RC_INPUT, { { 0 } } },
	{ "ampersand under other delimiters", "{{=| |=}}|&v|", RC_INPUT, { { 0 } } },
	{ "three braces in a partial", "{{>p}}", RC_INPUT, { { "p", "{{{v}}}" } } },
	{ "tag not closed", "a {{v", RC_INPUT, { { 0 } } },
	{ "section not closed", "{{#a}}x", RC_INPUT, { { 0 } } },
	{ "section not open", "x{{/a}}", RC_INPUT, { { 0 } } },
	{ "sections crossed", "{{#a}}{{#b}}{{/a}}{{/b}}", RC_INPUT, { { 0 } } },
	{ "closed in a partial", "{{#a}}{{>p}}", RC_INPUT, { { "p", "{{/a}}" } } },
	{ "open in a partial", "{{>p}}{{/a}}", RC_INPUT, { { "p", "{{#a}}" } } },
	{ "no name", "{{}}", RC_INPUT, { { 0 } } },
	{ "empty part", "{{a..b}}", RC_INPUT, { { 0 } } },
	{ "ends in a dot", "{{a.}}", RC_INPUT, { { 0 } } },
	{ "markup as a name", "{{<b>}}", RC_INPUT, { { 0 } } },
	{ "absent partial", "{{>none}}", RC_ABSENT, { { 0 } } },
	{ "partial in itself", "{{>p}}", RC_LIMIT, { { "p", "x{{>p}}" } } },
	{ "one delimiter", "{{=|=}}", RC_INPUT, { { 0 } } },
	{ "delimiters not closed", "{{=| |", RC_INPUT, { { 0 } } },
};

TEST(refuses)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct mustache *m = NULL;
		struct err err = { 0 };
		enum rc rc = mustache_compile(str_of(refused[i].text), find_part,
					      (void *)refused[i].parts, &m, &err);
		CHECK_MSG(rc == refused[i].rc, "%s: %s (%s)", refused[i].what, rc_name(rc), err.text);
		if (rc == RC_OK)
			mustache_free(m);
	}
}

static enum rc nest(int depth)
{
	struct buf b = BUF_INIT(KIB(4));
	for (int i = 0; i < depth; i++)
		buf_add(&b, STR("{{#a}}"));
	buf_char(&b, 'x');
	for (int i = 0; i < depth; i++)
		buf_add(&b, STR("{{/a}}"));
	struct mustache *m = NULL;
	struct err err = { 0 };
	struct buf out = BUF_INIT(64);
	struct json_object *data = json_tokener_parse("{\"a\":true}");
	enum rc rc = mustache_compile(buf_str(&b), NULL, NULL, &m, &err);
	if (rc == RC_OK) {
		rc = mustache_render(m, data, &out, &err);
		CHECK_STR(buf_str(&out), STR("x"));
	}
	mustache_free(m);
	json_object_put(data);
	buf_free(&out);
	buf_free(&b);
	return rc;
}

TEST(depth_is_bounded)
{
	CHECK_INT(nest(31), RC_OK);
	CHECK_INT(nest(32), RC_OK);
	CHECK_INT(nest(33), RC_LIMIT);
}

TEST(output_is_capped)
{
	struct mustache *m = NULL;
	struct err err = { 0 };
	CHECK_RC(mustache_compile(STR("{{v}}{{v}}"), NULL, NULL, &m, &err), RC_OK, err);
	struct json_object *data = json_tokener_parse("{\"v\":\"12345\"}");
	struct buf fits = BUF_INIT(10), over = BUF_INIT(9);
	CHECK_RC(mustache_render(m, data, &fits, &err), RC_OK, err);
	CHECK_RC(mustache_render(m, data, &over, &err), RC_LIMIT, err);
	mustache_free(m);
	json_object_put(data);
	buf_free(&fits);
	buf_free(&over);
}

TEST(escapes_by_form)
{
	static const struct {
		enum mustache_form form;
		const char *what, *text, *data, *want;
	} rows[] = {
		{ MUSTACHE_TEXT, "text is left alone", "{{v}}", "{\"v\":\"a & <b> \\\"c\\\"\"}", "a & <b> \"c\"" },
		{ MUSTACHE_TEXT, "lines and tabs stay", "{{v}}", "{\"v\":\"a\\n\\tb\"}", "a\n\tb" },
		{ MUSTACHE_TEXT, "control characters go", "{{v}}", "{\"v\":\"a\\u001b[31m\\r\\u007fb\"}", "a[31mb" },
		{ MUSTACHE_TEXT, "letters of all scripts stay", "{{v}}", "{\"v\":\"\\u0e01\\u00e9\"}", "\xe0\xb8\x81\xc3\xa9" },
		{ MUSTACHE_JSON, "quotes and line ends", "\"{{v}}\"", "{\"v\":\"a\\\"\\\\\\n\\u0001\"}",
		  "\"a\\\"\\\\\\n\\u0001\"" },
		{ MUSTACHE_JSON, "a number as it is", "{{n}}", "{\"n\":7}", "7" },
		{ MUSTACHE_JSON, "an object becomes text", "\"{{o}}\"", "{\"o\":{\"a\":1}}", "\"{\\\"a\\\":1}\"" },
		{ MUSTACHE_FORM, "all but the unreserved", "t={{v}}", "{\"v\":\"a b&c=\\u00e9~\"}", "t=a%20b%26c%3D%C3%A9~" },
		{ MUSTACHE_HTML, "as ever", "{{v}}", "{\"v\":\"<\"}", "&lt;" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct mustache *m = NULL;
		struct err err = { 0 };
		struct buf out = BUF_INIT(KIB(1));
		CHECK_RC(mustache_compile_as(rows[i].form, str_of(rows[i].text), NULL, NULL, &m, &err), RC_OK, err);
		struct json_object *data = json_tokener_parse(rows[i].data);
		CHECK_RC(mustache_render(m, data, &out, &err), RC_OK, err);
		CHECK_MSG(str_eq(buf_str(&out), str_of(rows[i].want)), "%s: got '" STR_FMT "'", rows[i].what,
			  STR_ARG(buf_str(&out)));
		mustache_free(m);
		json_object_put(data);
		buf_free(&out);
	}
	struct mustache *m = NULL;
	struct err err = { 0 };
	CHECK_RC(mustache_compile_as(MUSTACHE_TEXT, STR("{{{v}}}"), NULL, NULL, &m, &err), RC_INPUT, err);
	CHECK_RC(mustache_compile_as(MUSTACHE_JSON, STR("{{&v}}"), NULL, NULL, &m, &err), RC_INPUT, err);
}

TEST_MAIN(TEST_RUN(renders), TEST_RUN(escapes_by_form), TEST_RUN(refuses), TEST_RUN(depth_is_bounded),
	  TEST_RUN(output_is_capped))
