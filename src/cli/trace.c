/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/trace.h"

#include "cli/cli_private.h"

static const struct cli_column columns[] = { { "at", COLUMN_TIME }, { .name = "what" }, { .name = "who" }, { .name = "words" } };

static bool put_step(void *ctx, const struct trace_step *s)
{
	struct cli_table *t = ctx;
	char at[40];
	str values[] = { s->missing ? STR("") : time_str(at, s->at_us), str_of(s->what), s->who, s->words };
	cli_row(t, values);
	return true;
}

static int run(struct cli *c)
{
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct reader *r = NULL;
	struct err err = { 0 };
	if (c->argc != 1)
		return cli_usage(c, "the id of one event, finding or record");
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = trace_item(c->node->exchange, r, snapshot_table(types), c->node->roles, &c->viewer,
				str_of(c->argv[0]), c->a, put_step, &t, &err);
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_trace = {
	.name = "trace",
	.brief = "the way of one item, from when it came to who said that he has it",
	.usage = "trace ID",
	.text = "ID is of an event, a finding or a record. Each line says when, what and with whom: when it happened and came, "
		"whom it was told and what he answered (the ledger), to which partners it was offered, and the receipt each "
		"gave; 'no receipt yet' stands last, without a time. What you may not see is not there.",
	.example = "ronda trace -d demo warning-1",
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
