/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"
#include "node/forget.h"

static const struct cli_option options[] = {
	{ "--before", 0, "DATE", "days of receipt before this one (YYYY-MM-DD)" },
	{ "--dry-run", 0, NULL, "only count" },
	{ .name = NULL },
};

static int run(struct cli *c)
{
	const char *before = cli_value(c, "--before");
	bool dry = cli_value(c, "--dry-run") != NULL;
	struct forget_result result = { 0 };
	int64_t us;
	struct err err;
	if (!before || !time_parse(str_of(before), true, &us))
		return cli_usage(c, "--before DATE is needed, as 2026-01-31");
	if (us > clock_now_us())
		return cli_usage(c, "that day is still to come");
	enum rc rc = node_forget(c->node, time_day(us), dry, str_of(c->viewer.actor), &result, &err);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_printf(c, c->form == CLI_JSON ? "{\"events\":%llu,\"raw_bytes\":%llu,\"held_events\":%llu}\n" :
					    "%llu events and %llu raw bytes; %llu events are held\n",
		   (unsigned long long)result.events, (unsigned long long)result.raw_bytes,
		   (unsigned long long)result.held_events);
	return 0;
}

const struct cli_command cli_forget = {
	.name = "forget",
	.brief = "remove old events and raw reports for good",
	.usage = "forget --before DATE [--dry-run]",
	.text = "Findings, counts of reports and the journal stay; what is under hold stays. There is no undo. The setting "
		"keep_events does it by itself.",
	.example = "ronda forget -d demo --before 2026-01-01 --dry-run",
	.options = options,
	.needs_node = true,
	.run = run,
};
