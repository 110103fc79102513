/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static int run(struct cli *c)
{
	struct err err;
	struct snapshot_ref *ref = node_directory(c->node);
	enum rc rc = findings_rebuild(c->node->store, snapshot_table(ref), &err);
	snapshot_drop(c->node->directory, ref);
	struct journal_act act = { .act = "rebuild", .actor = str_of(c->viewer.actor), .object = STR("findings") };
	if (rc == RC_OK)
		rc = journal_write(c->node->journal, &act, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "rebuilt", STR("findings"));
	return 0;
}

const struct cli_command cli_rebuild = {
	.name = "rebuild",
	.brief = "make the findings anew from the events",
	.usage = "rebuild",
	.text = "Nobody is told anything twice because of it: only true differences become transitions.",
	.example = "ronda rebuild -d demo",
	.needs_node = true,
	.run = run,
};
