/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/notices.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--words", 0, "TEXT", "with note: what you do about it; it is kept" },
	{ "--limit", 'n', "N", "at most so many (default 50)" },
	{ .name = NULL },
};

static int list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "id", COLUMN_NUMBER }, { .name = "to" }, { .name = "item" }, { .name = "clock" },
		{ "due", COLUMN_TIME }, { "step", COLUMN_NUMBER }, { .name = "title" }, { "made", COLUMN_TIME },
		{ .name = "because" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	const char *text = cli_value(c, "--limit");
	uint64_t limit = 50;
	struct notice *all = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (text && (!str_to_u64(str_of(text), &limit) || limit > 1000))
		return cli_usage(c, "--limit takes a number up to 1000");
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = read_notices(r, snapshot_table(types), c->node->roles, &c->viewer, 0, limit, c->a, &all, &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct notice *n = &all[i];
		char due[40], made[40];
		str row[] = { arena_fmt(c->a, "%lld", (long long)n->id), n->to, n->item, n->clock,
			      n->due_us == TIME_NONE ? STR("") : time_str(due, n->due_us),
			      n->visible ? arena_fmt(c->a, "%lld", (long long)n->step) : STR(""),
			      n->visible ? n->title : STR("something is due"), time_str(made, n->made_us),
			      arena_fmt(c->a, STR_FMT "%s%s" STR_FMT, STR_ARG(n->watch), n->nobody ? ": nobody was" : "",
					n->watch.n > 0 && n->words.n > 0 ? "; " : "", STR_ARG(n->words)) };
		cli_row(&t, row);
	}
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct err err = { 0 };
	int64_t id = 0;
	if (c->argc <= 1 && str_eq(word, STR("list")))
		return list(c);
	if (!str_eq(word, STR("note")) || c->argc != 2 || !str_to_i64(str_of(c->argv[1]), &id))
		return cli_usage(c, "list, or note ID");
	if (notice_take(c->node->records, c->node->store, c->node->roles, &c->viewer, id,
			str_of(cli_value(c, "--words")), &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "noted", str_of(c->argv[1]));
	return 0;
}

const struct cli_command cli_notice = {
	.name = "notice",
	.brief = "what you have to take note of",
	.usage = "notice list | note ID [--words TEXT]",
	.text = "When a record is due, whoever it is assigned to hears of it first, then the roles on the ladder of its "
		"clock. 'note ID' says that you have seen it: nobody further is told. It stays overdue until it is "
		"done. Of what you may not see the list says only that something is due.",
	.example = "ronda notice -d demo list",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
