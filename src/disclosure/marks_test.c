/* SPDX-License-Identifier: Apache-2.0 */
/* A node's own marks: read over the built-in ones, refused in plain words. */
#include "disclosure/marks.h"

#include "base/test.h"

TEST(read_over_the_built_in_ones)
{
	const struct marks *m = NULL;
	struct err err = { 0 };
	str text = STR("{\"classifications\":{\"RAHASIA\":{\"tlp\":\"RED\",\"to\":[\"staff\"],"
		       "\"words\":\"rahasia negara\"},\"secret\":{\"tlp\":\"AMBER\",\"to\":[]}},"
		       "\"licences\":{\"terms of A\":{\"to\":[\"staff\",\"partner\"],\"own\":false,"
		       "\"attribution\":\"A\"},\"cc0\":{\"to\":[],\"own\":true}}}");

	CHECK_RC(marks_read(text, &m, &err), RC_OK, err);
	if (!m)
		return;
	const struct classification *c = marks_classification(m, STR("rahasia"));
	CHECK(c && c->tlp == TLP_RED && c->cleared == 1u << RECIPIENT_STAFF);
	CHECK_INT(m->classification_count, marks_built_in.classification_count + 1);
	c = marks_classification(m, STR("SECRET")); /* replaced */
	CHECK(c && c->tlp == TLP_AMBER && c->cleared == 0);
	const struct licence *l = marks_licence(m, STR("terms of A"));
	CHECK(l && !l->own && l->to == (1u << RECIPIENT_STAFF | 1u << RECIPIENT_PARTNER));
	CHECK(l && str_eq(str_of(l->attribution), STR("A")));
	l = marks_licence(m, STR("CC0")); /* replaced */
	CHECK(l && l->own && l->to == 0);
	CHECK_INT(m->licence_count, marks_built_in.licence_count + 1);
	marks_free(m);
	marks_free(NULL);
	marks_free(&marks_built_in);
}

TEST(refused)
{
	static const struct { const char *text, *words; } cases[] = {
		{ "[]", "marks must be a JSON object" },
		{ "{\"classifications\":[]}", "a table of marks must be an object" },
		{ "{\"classifications\":{\"\":{}}}", "1 to 64 plain characters" },
		{ "{\"classifications\":{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":{}}}", "1 to 64 plain characters" },
		{ "{\"licences\":{\"a\\nb\":{}}}", "1 to 64 plain characters" },
		{ "{\"classifications\":{\"a\":{\"tlp\":\"MAUVE\",\"to\":[]}}}", "must be a TLP marking" },
		{ "{\"classifications\":{\"a\":{\"tlp\":\"RED\"}}}", "must be a list of recipients" },
		{ "{\"classifications\":{\"a\":7}}", "must be a TLP marking" },
		{ "{\"licences\":{\"a\":{\"own\":true,\"to\":\"all\"}}}", "must be a list of recipients" },
		{ "{\"licences\":{\"a\":{\"own\":true,\"to\":[\"x\"]}}}", "there is no recipient 'x'" },
		{ "{\"licences\":{\"a\":{\"to\":[]}}}", "'own' must be true or false" },
		{ "{", "" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct marks *m = NULL;
		struct err err = { 0 };

		CHECK_RC(marks_read(str_of(cases[i].text), &m, &err), RC_INPUT, err);
		CHECK(m == NULL);
		CHECK_MSG(strstr(err.text, cases[i].words), "row %zu: %s", i, err.text);
	}
}

TEST(so_many_and_no_more)
{
	struct buf text = BUF_INIT(KIB(64));
	const struct marks *m = NULL;
	struct err err = { 0 };

	for (int table = 0; table < 2; table++) {
		buf_reset(&text);
		buf_add(&text, table ? STR("{\"classifications\":{") : STR("{\"licences\":{"));
		for (int i = 0; i <= MARKS_MAX; i++)
			buf_fmt(&text, "%s\"m%d\":{\"tlp\":\"RED\",\"own\":true,\"to\":[]}", i ? "," : "", i);
		buf_add(&text, STR("}}"));
		CHECK_RC(marks_read(buf_str(&text), &m, &err), RC_LIMIT, err);
	}
	buf_free(&text);
}

TEST_MAIN(TEST_RUN(read_over_the_built_in_ones), TEST_RUN(refused), TEST_RUN(so_many_and_no_more))
