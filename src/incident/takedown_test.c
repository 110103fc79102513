/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means, how parties are named, and what the table says of a record: the rest is
 * tests/takedown.sh. */
#include <json-c/json.h>

#include "incident/case_world.h"
#include "incident/takedown_private.h"

TEST(what_an_answer_means)
{
	static const struct { int status; bool nxdomain, whole; enum look_outcome outcome; } rows[] = {
		{ 200, false, false, LOOK_UP },	    { 204, false, false, LOOK_UP },	{ 301, false, false, LOOK_UP },
		{ 401, false, false, LOOK_UP },	    { 403, false, false, LOOK_UP },	{ 404, false, false, LOOK_GONE },
		{ 410, false, false, LOOK_GONE },   { 451, false, false, LOOK_GONE },	{ 404, false, true, LOOK_UP },
		{ 407, false, false, LOOK_UNKNOWN },{ 429, false, false, LOOK_UNKNOWN },{ 500, false, false, LOOK_UNKNOWN },
		{ 502, false, false, LOOK_UNKNOWN },{ 504, false, true, LOOK_UNKNOWN }, { 0, false, false, LOOK_UNKNOWN },
		{ -1, false, false, LOOK_UNKNOWN }, { 0, true, false, LOOK_GONE },	{ 0, true, true, LOOK_GONE },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_MSG(takedown_judge(rows[i].status, rows[i].nxdomain, rows[i].whole) == rows[i].outcome, "%d", rows[i].status);
}

TEST(parties_keep_their_names)
{
	struct arena *a = arena_new(KIB(4));
	struct takedown_party one[4], two[4];
	struct json_object *rows = json_tokener_parse(
		"[{\"role\":\"host\",\"email\":\"abuse@example.net\",\"name\":\"A\"},{\"role\":\"host\",\"email\":\"abuse@example.org\"},"
		"{\"role\":\"registrar\",\"email\":\"abuse@example.net\"},{\"role\":\"platform\",\"form\":\"https://p.example.org/abuse\"},"
		"{\"role\":\"host\",\"email\":\"more@example.net\"}]");
	CHECK_INT(takedown_parties(rows, a, one, COUNT_OF(one)), 4); /* no more than there is room for */
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(!str_eq(one[i].key, one[k].key));
	/* what was answered, and under which name they are known, changes nothing */
	json_object_object_add(json_object_array_get_idx(rows, 0), "name", json_object_new_string("B"));
	json_object_object_add(json_object_array_get_idx(rows, 0), "tell", json_object_new_string("yes"));
	CHECK_INT(takedown_parties(rows, a, two, COUNT_OF(two)), 4);
	CHECK(str_eq(one[0].key, two[0].key) && str_starts(two[0].key, STR("host-")));
	/* another address is another party */
	json_object_object_add(json_object_array_get_idx(rows, 0), "email", json_object_new_string("new@example.net"));
	CHECK_INT(takedown_parties(rows, a, two, COUNT_OF(two)), 4);
	CHECK(!str_eq(one[0].key, two[0].key));
	CHECK_INT(takedown_parties(NULL, a, two, COUNT_OF(two)), 0);
	json_object_put(rows);
	arena_free(a);
}

TEST(the_built_in_type_is_one)
{
	struct world w = cases_new();
	struct takedown_type t;
	CHECK(takedown_type_find(types_of(&w), &t));
	CHECK(t.incident && !takedown_is_open(&t, t.draft) && takedown_is_open(&t, t.asked) &&
	      takedown_is_open(&t, t.relapsed) && !takedown_is_open(&t, t.down) && !takedown_is_open(&t, -1));
	CHECK(!takedown_is(types_find(types_of(&w), STR("incident"))));
	world_end(&w);
}

/* Of these no registry is asked: whoever runs it would hear of it. */
TEST(what_nobody_outside_hears_of)
{
	static const struct { struct labels_of labels; bool quiet; } rows[] = {
		{ { .tlp = TLP_CLEAR }, false }, { { .tlp = TLP_AMBER_STRICT }, false }, { { .tlp = TLP_RED }, true },
		{ { .tlp = TLP_COUNT }, true }, { { .tlp = TLP_CLEAR, .held = true }, true },
		{ { .tlp = TLP_CLEAR, .exercise = true }, true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_MSG(takedown_is_quiet(&rows[i].labels) == rows[i].quiet, "row %zu", i);
}

TEST_MAIN(TEST_RUN(what_an_answer_means), TEST_RUN(parties_keep_their_names), TEST_RUN(the_built_in_type_is_one),
	  TEST_RUN(what_nobody_outside_hears_of))
