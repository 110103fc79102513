/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/link.h"

#include "notify/test_senders.h"

static const int64_t numbers[] = { 1, 31, 32, 1000, INT64_C(1) << 40, INT64_MAX };

TEST(a_token_opens_its_message)
{
	struct senders s;
	begin_senders(&s, "public_url=https://node.example.org/");
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		int64_t got = -1;
		str thread = link_thread(s.n, numbers[i], s.w.a), url = link_answer(s.n, numbers[i], s.w.a);
		str answer = str_from(url, str_find(url, STR("/a/")) + 3);
		CHECK(thread.n > 14 && thread.n <= LINK_TOKEN_MAX && answer.n > 20 && answer.n <= LINK_TOKEN_MAX);
		CHECK(link_thread_parse(s.n, thread, &got));
		CHECK_INT(got, numbers[i]);
		CHECK(link_answer_parse(s.n, answer, &got));
		CHECK_INT(got, numbers[i]);
		CHECK(!link_answer_parse(s.n, thread, &got) && !link_thread_parse(s.n, answer, &got));
	}
	end_senders(&s);
}

TEST(nothing_else_does)
{
	struct senders s;
	begin_senders(&s, "public_url=https://node.example.org/");
	int64_t got = -1;
	str token = link_thread(s.n, 77, s.w.a);
	for (size_t i = 0; i < token.n; i++) {
		char *other = arena_z(s.w.a, token);
		other[i] = other[i] == 'a' ? 'b' : 'a';
		CHECK(!link_thread_parse(s.n, str_of(other), &got));
	}
	static const char *const bad[] = { "", "a", "aaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa0", "AAAAAAAAAAAAAAAA",
					   "aaaaaaaaaaaaaa9999999999999", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		CHECK_MSG(!link_thread_parse(s.n, str_of(bad[i]), &got), "%s", bad[i]);
	CHECK(!link_thread_parse(s.n, str_mem("aaaaaaaaaaaaaa\0", 15), &got));
	end_senders(&s);
}

/* A guess is right by one in 2^100; here that none of many is, and that a near one is not. */
TEST(guesses_find_nothing)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	struct senders s;
	begin_senders(&s, "public_url=https://node.example.org/");
	int64_t got = 0;
	size_t found = 0;
	for (size_t i = 0; i < 100000; i++) {
		char token[LINK_TOKEN_MAX + 1];
		uint8_t random[LINK_TOKEN_MAX];
		size_t n = 20 + 1 + i % 4;
		random_bytes(random, sizeof random);
		for (size_t k = 0; k < n; k++)
			token[k] = letters[random[k] & 31];
		found += link_answer_parse(s.n, str_mem(token, n), &got);
		found += link_sign_in_parse(s.n, str_mem(token, n), &got);
	}
	CHECK_INT(found, 0);
	str url = link_answer(s.n, 7, s.w.a), answer = str_from(url, str_find(url, STR("/a/")) + 3);
	str door = link_sign_in(s.n, 7, s.w.a), in = str_from(door, str_find(door, STR("/sign-in/")) + 9);
	CHECK(link_answer_parse(s.n, answer, &got) && link_sign_in_parse(s.n, in, &got));
	CHECK(!link_sign_in_parse(s.n, answer, &got) && !link_answer_parse(s.n, in, &got));
	for (size_t i = 0; i < answer.n; i++)
		for (size_t k = 0; k < 32; k++) {
			char *near = arena_z(s.w.a, answer);
			bool same = near[i] == letters[k];
			near[i] = letters[k];
			CHECK(same || !link_answer_parse(s.n, str_of(near), &got));
		}
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(a_token_opens_its_message), TEST_RUN(nothing_else_does), TEST_RUN(guesses_find_nothing))
