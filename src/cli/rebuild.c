/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--search", 0, NULL, "what records are filtered and searched by, from the records" },
	{ .name = NULL },
};

static enum rc findings(struct cli *c, struct err *err)
{
	struct snapshot_ref *ref = node_directory(c->node);
	enum rc rc = findings_rebuild(c->node->store, snapshot_table(ref), err);
	snapshot_drop(c->node->directory, ref);
	return rc;
}

static int run(struct cli *c)
{
	struct err err;
	bool search = cli_value(c, "--search") != NULL;
	const char *what = search ? "search" : "findings";
	enum rc rc = search ? records_rebuild(c->node->records, &err) : findings(c, &err);
	struct journal_act act = { .act = "rebuild", .actor = str_of(c->viewer.actor), .object = str_of(what) };
	if (rc == RC_OK)
		rc = journal_write(c->node->journal, &act, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "rebuilt", str_of(what));
	return 0;
}

const struct cli_command cli_rebuild = {
	.name = "rebuild",
	.brief = "make the findings anew from the events, or search from the records",
	.usage = "rebuild [--search]",
	.text = "Nobody is told anything twice because of it: only true differences become transitions. With --search "
		"index and search text of records are made again; until it is done lists and search lack some.",
	.example = "ronda rebuild -d demo --search",
	.options = options,
	.needs_node = true,
	.run = run,
};
