/* SPDX-License-Identifier: Apache-2.0 */
#include "web/session.h"

#include "base/test.h"

static const int64_t start_us = HOUR_US;

TEST(a_session_lives_and_ends)
{
	static const struct {
		const char *what;
		int64_t requests[4]; /* after start; the last one is looked at */
		bool alive;
	} cases[] = {
		{ "at once", { 0 }, true },
		{ "just before it is idle too long", { SESSION_IDLE_US - 1 }, true },
		{ "idle too long", { SESSION_IDLE_US }, false },
		{ "a request keeps it", { SESSION_IDLE_US - 1, 2 * SESSION_IDLE_US - 2 }, true },
		{ "idle later on", { SESSION_IDLE_US - 1, 2 * SESSION_IDLE_US - 1 }, false },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sessions *s = sessions_new();
		char id[SESSION_TEXT_BYTES];
		struct session found;
		bool alive = false;
		sessions_make(s, 7, start_us, id);
		for (size_t k = 0; k < 4 && (k == 0 || cases[i].requests[k] > 0); k++)
			alive = sessions_find(s, str_of(id), start_us + cases[i].requests[k], &found);
		CHECK_MSG(alive == cases[i].alive, "%s", cases[i].what);
		CHECK_MSG(!alive || found.token == 7, "%s", cases[i].what);
		sessions_free(s);
	}
}

TEST(twelve_hours_are_the_most)
{
	struct sessions *s = sessions_new();
	char id[SESSION_TEXT_BYTES];
	struct session found;
	sessions_make(s, 7, start_us, id);
	int64_t step = SESSION_IDLE_US - 1, at = step;
	for (; at < SESSION_LIFE_US; at += step)
		CHECK(sessions_find(s, str_of(id), start_us + at, &found));
	CHECK(sessions_find(s, str_of(id), start_us + SESSION_LIFE_US - 1, &found));
	CHECK(!sessions_find(s, str_of(id), start_us + SESSION_LIFE_US, &found));
	CHECK_INT(sessions_count(s), 0);
	sessions_free(s);
}

TEST(ids_are_new_and_end_on_the_server)
{
	struct sessions *s = sessions_new();
	char one[SESSION_TEXT_BYTES], two[SESSION_TEXT_BYTES];
	struct session a, b;
	sessions_make(s, 1, start_us, one);
	sessions_make(s, 1, start_us, two);
	CHECK(!str_eq(str_of(one), str_of(two)));
	CHECK(sessions_find(s, str_of(one), start_us, &a) && sessions_find(s, str_of(two), start_us, &b));
	CHECK(!str_eq(str_of(a.csrf), str_of(b.csrf)));
	CHECK(!str_eq(str_of(a.csrf), str_of(one)));
	CHECK(strlen(one) == 32 && strlen(a.csrf) == 32);
	sessions_end(s, str_of(one));
	CHECK(!sessions_find(s, str_of(one), start_us, &a));
	CHECK(sessions_find(s, str_of(two), start_us, &b));
	CHECK(!sessions_find(s, STR(""), start_us, &a));
	CHECK(!sessions_find(s, STR("guess"), start_us, &a));
	sessions_free(s);
}

TEST(the_idlest_makes_room)
{
	struct sessions *s = sessions_new();
	char ids[3][SESSION_TEXT_BYTES], other[SESSION_TEXT_BYTES];
	struct session found;
	for (size_t i = 0; i < 3; i++)
		sessions_make(s, 1, start_us + (int64_t)i, ids[i]);
	CHECK(sessions_find(s, str_of(ids[0]), start_us + 10, &found));
	for (size_t i = 3; i <= SESSIONS_MAX; i++)
		sessions_make(s, 1, start_us + 20, other);
	CHECK_INT(sessions_count(s), SESSIONS_MAX);
	CHECK(sessions_find(s, str_of(ids[0]), start_us + 30, &found));
	CHECK(!sessions_find(s, str_of(ids[1]), start_us + 30, &found));
	CHECK(sessions_find(s, str_of(ids[2]), start_us + 30, &found));
	sessions_free(s);
}

TEST(a_ticket_works_once)
{
	struct sessions *s = sessions_new();
	char text[SESSION_TEXT_BYTES], late[SESSION_TEXT_BYTES];
	const struct ticket given = { .token = 9, .data = "kept" };
	struct ticket t = { .token = 0 };
	sessions_ticket_make(s, TICKET_LINK, &given, start_us, text);
	sessions_ticket_make(s, TICKET_LINK, &given, start_us, late);
	CHECK(!sessions_ticket_use(s, TICKET_LINK, STR("guess"), start_us, &t));
	CHECK(!sessions_ticket_use(s, TICKET_SECOND, str_of(text), start_us, &t)); /* for its use only */
	CHECK(sessions_ticket_use(s, TICKET_LINK, str_of(text), start_us + SESSION_LINK_US - 1, &t));
	CHECK(t.token == 9 && str_eq(str_of(t.data), STR("kept")));
	CHECK(!sessions_ticket_use(s, TICKET_LINK, str_of(text), start_us + 1, &t));
	CHECK(!sessions_ticket_use(s, TICKET_LINK, str_of(late), start_us + SESSION_LINK_US, &t));
	CHECK(!sessions_ticket_use(s, TICKET_LINK, str_of(late), start_us, &t));
	sessions_free(s);
}

TEST(a_code_may_be_mistyped)
{
	struct sessions *s = sessions_new();
	char text[SESSION_TEXT_BYTES];
	const struct ticket given = { .account = 3, .left = 3 };
	struct ticket t;
	sessions_ticket_make(s, TICKET_SECOND, &given, start_us, text);
	for (int i = 0; i < 3; i++)
		CHECK(sessions_ticket_try(s, TICKET_SECOND, str_of(text), start_us, &t) && t.account == 3);
	CHECK(!sessions_ticket_try(s, TICKET_SECOND, str_of(text), start_us, &t));
	sessions_free(s);
}

TEST(a_session_of_an_account_rises)
{
	struct sessions *s = sessions_new();
	char id[SESSION_TEXT_BYTES], risen[SESSION_TEXT_BYTES];
	struct session found, after;
	sessions_make_account(s, 4, 11, true, start_us, id);
	CHECK(sessions_find(s, str_of(id), start_us, &found));
	CHECK(found.account == 4 && found.secrets == 11 && found.enrols && found.token == 0 && !found.ring);
	CHECK(sessions_renew(s, str_of(id), NULL, start_us, risen));
	CHECK(!sessions_find(s, str_of(id), start_us, &after)); /* the old id opens nothing */
	CHECK(sessions_find(s, str_of(risen), start_us, &after));
	CHECK(after.account == 4 && !str_eq(str_of(after.csrf), str_of(found.csrf)));
	CHECK(!sessions_renew(s, str_of(id), NULL, start_us, risen));
	CHECK_INT(sessions_count(s), 1);
	sessions_free(s);
}

TEST_MAIN(TEST_RUN(a_session_lives_and_ends), TEST_RUN(twelve_hours_are_the_most),
	  TEST_RUN(ids_are_new_and_end_on_the_server), TEST_RUN(the_idlest_makes_room),
	  TEST_RUN(a_ticket_works_once), TEST_RUN(a_code_may_be_mistyped),
	  TEST_RUN(a_session_of_an_account_rises))
