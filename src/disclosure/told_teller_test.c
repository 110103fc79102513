/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/records_world.h"
#include "disclosure/told.h"

/* Whole, for who decides whether it is told. */
TEST(for_the_teller)
{
	struct world w = world_new();
	struct reader *r = begin(&w);
	struct finding f;
	struct transition_row *list = NULL;
	size_t count = 1;
	CHECK_RC(told_finding(r, (struct hash128){ 9, 9 }, w.a, &f, &err), RC_ABSENT, err);
	CHECK_RC(told_transitions(reader_conn(r), "rules", 10, w.a, &list, &count, &err), RC_OK, err);
	CHECK_INT(count, 0);
	CHECK_RC(told_transitions(reader_conn(r), "", 10, w.a, &list, &count, &err), RC_INPUT, err);
	store_read_end(r);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(for_the_teller))
