/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of the limits use small ones, to be quick; these are the ones a
 * listener has that nobody set otherwise (docs/limits.md). */
#include "base/clock.h"
#include "base/test.h"
#include "http/http.h"

TEST(defaults)
{
	const struct http_limits *l = &http_limits_default;
	CHECK_INT(l->line_bytes, 8 << 10);
	CHECK_INT(l->head_bytes, 32 << 10);
	CHECK_INT(l->headers, 100);
	CHECK_INT(l->form_bytes, 64 << 10);
	CHECK_INT(l->body_bytes, 64 << 20);
	CHECK_INT(l->head_us, 10 * SECOND_US);
	CHECK_INT(l->idle_us, 30 * SECOND_US);
	CHECK_INT(l->body_window_us, 30 * SECOND_US);
	CHECK_INT(l->body_rate, 500);
	CHECK_INT(l->connections, 1024);
	CHECK_INT(l->per_address, 64);
}

TEST_MAIN(TEST_RUN(defaults))
