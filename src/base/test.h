/* SPDX-License-Identifier: Apache-2.0 */
/* test.h: unit tests that print TAP.
 *
 *   TEST(name) { CHECK(cond); CHECK_STR(got, want); ... }   in foo_test.c
 *   TEST_MAIN(TEST_RUN(name), TEST_RUN(other))               at its end
 *
 * A failed CHECK prints file, line and the values, and the test goes on. */
#ifndef RONDA_BASE_TEST_H
#define RONDA_BASE_TEST_H

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"

/* The one mutable state: how many checks of this test failed. */
static int test_failures;

struct test_case {
	const char *name;
	void (*run)(void);
};

#define TEST(name) static void test_##name(void)
#define TEST_RUN(name) { #name, test_##name }

#define CHECK_MSG(cond, ...)                                                          \
	do {                                                                          \
		if (!(cond)) {                                                        \
			test_failures++;                                              \
			printf("# %s:%d: %s: ", __FILE__, __LINE__, #cond);           \
			printf(__VA_ARGS__);                                          \
			printf("\n");                                                 \
		}                                                                     \
	} while (0)
#define CHECK(cond) CHECK_MSG(cond, "is false")
#define CHECK_INT(got, want)                                                          \
	do {                                                                          \
		int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);               \
		CHECK_MSG(got_ == want_, "got %" PRId64 ", want %" PRId64, got_, want_); \
	} while (0)
#define CHECK_STR(got, want)                                                          \
	do {                                                                          \
		str got_ = (got), want_ = (want);                                     \
		CHECK_MSG(str_eq(got_, want_), "got '" STR_FMT "', want '" STR_FMT "'", \
			  STR_ARG(got_), STR_ARG(want_));                             \
	} while (0)
#define CHECK_RC(got, want, err)                                                      \
	do {                                                                          \
		enum rc got_ = (got), want_ = (want);                                 \
		CHECK_MSG(got_ == want_, "got %s (%s), want %s", rc_name(got_),       \
			  got_ == RC_OK ? "" : (err).text, rc_name(want_));           \
	} while (0)

static inline int test_run_all(const struct test_case *cases, size_t n)
{
	int bad = 0;
	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		test_failures = 0;
		cases[i].run();
		printf("%s %zu - %s\n", test_failures ? "not ok" : "ok", i + 1, cases[i].name);
		fflush(stdout);
		bad += test_failures != 0;
	}
	return bad != 0;
}

#define TEST_MAIN(...)                                                                \
	int main(void)                                                                \
	{                                                                             \
		static const struct test_case cases[] = { __VA_ARGS__ };              \
		return test_run_all(cases, COUNT_OF(cases));                          \
	}

#endif
