/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read_outbox.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--item", 0, "ID", "only about this, or what covered it" },
	{ "--to", 0, "RECIPIENT", "only what this one got" },
	{ "--before", 0, "ID", "go on behind this row" },
	{ "--limit", 'n', "N", "at most so many (default 50)" },
	{ .name = NULL },
};

static const struct cli_column columns[] = {
	{ "id", COLUMN_NUMBER }, { "at", COLUMN_TIME }, { .name = "kind" }, { .name = "driver" }, { .name = "to" },
	{ .name = "item" }, { "item_version", COLUMN_NUMBER }, { "message", COLUMN_NUMBER }, { .name = "purpose" },
	{ "policy", COLUMN_NUMBER }, { .name = "rule" }, { .name = "cut" }, { "covers", COLUMN_NUMBER },
	{ .name = "reference" }, { .name = "words" },
};

static void row(struct cli_table *t, const struct ledger_row *l)
{
	struct arena *a = t->c->a;
	char at[40];
	str values[] = { arena_fmt(a, "%lld", (long long)l->id), time_str(at, l->at_us),
			 str_of(ledger_kind_name(l->kind)), l->driver, l->recipient, l->item,
			 l->item_version ? arena_fmt(a, "%llu", (unsigned long long)l->item_version) : STR(""),
			 l->message ? arena_fmt(a, "%lld", (long long)l->message) : STR(""),
			 str_of(purpose_name((enum purpose)l->purpose)),
			 arena_fmt(a, "%llu", (unsigned long long)l->policy), l->rule, l->cut,
			 arena_fmt(a, "%llu", (unsigned long long)l->covers), l->reference, l->words };
	cli_row(t, values);
}

static int run(struct cli *c)
{
	const char *most = cli_value(c, "--limit"), *before = cli_value(c, "--before");
	struct ledger_query q = { .recipient = str_of(cli_value(c, "--to")), .item = str_of(cli_value(c, "--item")) };
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct ledger_row *all = NULL;
	size_t count = 0;
	uint64_t limit = 50;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (c->argc > 1 || (c->argc == 1 && strcmp(c->argv[0], "list") != 0))
		return cli_usage(c, "list");
	if (most && (!str_to_u64(str_of(most), &limit) || limit > 1000))
		return cli_usage(c, "--limit takes a number up to 1000");
	if (before && !str_to_i64(str_of(before), &q.before))
		return cli_usage(c, "--before takes the number of a row");
	q.limit = limit;
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_ledger(r, snapshot_table(types), c->node->roles, &c->viewer, &q, c->a, &all, &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		row(&t, &all[i]);
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_command cli_ledger = {
	.name = "ledger",
	.brief = "who got what, when, why and under which policy",
	.usage = "ledger list [--item ID] [--to RECIPIENT]",
	.text = "A row for each message that ended and for each receipt or answer. For who operates the node, and for "
		"roles that read the journal. What a row is about is left out when you may not see it.",
	.example = "ronda ledger -d demo list",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
