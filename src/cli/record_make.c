/* SPDX-License-Identifier: Apache-2.0 */
/* ronda TYPE make ID --for ID: what `makes` of the type says. */
#include "disclosure/make.h"

#include "base/clock.h"
#include "cli/record_private.h"

int record_make_word(struct record_call *k)
{
	static const struct cli_column columns[] = { { .name = "id" } };
	struct cli_table t = cli_table(k->c, columns, COUNT_OF(columns));
	struct node *n = k->c->node;
	struct made made = { .count = 0 };
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "make needs an ID");
	const struct make_request q = { .origin = record_name(k, k->argv[0]),
					.parent = str_of(cli_value(k->c, "--for")), .calendar = n->calendar,
					.now_us = clock_now_us(), .language = k->language };
	if (change_make(n->records, n->store, &k->c->viewer, &q, k->c->a, &made, &err) != RC_OK)
		return cli_fail(k->c, &err);
	for (size_t i = 0; i < made.count; i++)
		cli_row(&t, &made.ids[i]);
	return 0;
}
