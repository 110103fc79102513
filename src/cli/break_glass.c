/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/break_glass.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--reason", 0, "TEXT", "why it cannot wait, or what the review found; goes into the journal" },
	{ "--all", 0, NULL, "with list: also what was reviewed" },
	{ .name = NULL },
};

static int list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "id", COLUMN_NUMBER }, { .name = "item" }, { .name = "by" }, { "at", COLUMN_TIME },
		{ "until", COLUMN_TIME }, { .name = "reason" }, { .name = "reviewed_by" }, { .name = "words" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct glass *all = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err = { 0 };

	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = break_glass_list(reader_conn(r), c->node->roles, &c->viewer, !cli_value(c, "--all"), 1000,
				      c->a, &all, &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char id[24], at[40], until[40];
		snprintf(id, sizeof(id), "%lld", (long long)all[i].id);
		str row[] = { str_of(id), all[i].item, all[i].actor, time_str(at, all[i].at_us),
			      time_str(until, all[i].until_us), all[i].reason, all[i].reviewed_by,
			      all[i].words };
		cli_row(&t, row);
	}
	if (r)
		store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int review(struct cli *c, str reason)
{
	struct err err = { 0 };
	int64_t id = 0;

	if (c->argc != 2 || !str_to_i64(str_of(c->argv[1]), &id))
		return cli_usage(c, "review ID --reason TEXT");
	if (break_glass_review(c->node->records, c->node->store, c->node->roles, &c->viewer, id, reason,
			       &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "reviewed", str_of(c->argv[1]));
	return 0;
}

static int run(struct cli *c)
{
	str reason = str_of(cli_value(c, "--reason"));
	struct err err = { 0 };
	int64_t id = 0, until = 0;
	char text[40];

	if (c->argc >= 1 && str_eq(str_of(c->argv[0]), STR("list")))
		return list(c);
	if (c->argc >= 1 && str_eq(str_of(c->argv[0]), STR("review")))
		return review(c, reason);
	if (c->argc != 1)
		return cli_usage(c, "ITEM --reason TEXT, list, or review ID --reason TEXT");
	if (break_glass(c->node->records, c->node->store, c->node->roles, &c->viewer, str_of(c->argv[0]),
			reason, &id, &until, &err) != RC_OK)
		return cli_fail(c, &err);
	str end = time_str(text, until);
	cli_printf(c, c->form == CLI_JSON ? "{\"id\":%lld,\"until\":\"" STR_FMT "\"}\n" :
					    "emergency %lld, until " STR_FMT "\n",
		   (long long)id, STR_ARG(end));
	return 0;
}

const struct cli_command cli_break_glass = {
	.name = "break-glass",
	.brief = "open one record in an emergency; another person reviews it",
	.usage = "break-glass ITEM --reason TEXT | list [--all] | review ID --reason TEXT",
	.text = "For one hour the person who asks, and nobody else, can read one record that its labels or his "
		"rights keep from him. He cannot change it; lists, searches and exports stay as they are; "
		"what is sealed stays sealed. The journal has it at once, and the case stays open until "
		"another person who approves has reviewed it.",
	.example = "ronda break-glass -d demo list",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
