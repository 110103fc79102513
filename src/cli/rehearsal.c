/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/rehearsal.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--all", 0, NULL, "the whole node" },
	{ "--organisation", 0, "ID", "one organisation: organisation-7, or its id" },
	{ "--class", 0, "CLASS", "one class of messages: open-dns, round.check" },
	{ "--why", 0, "TEXT", "the reason; it goes into the journal" },
	{ .name = NULL },
};

static int show(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ .name = "what" }, { .name = "which" }, { .name = "title" }, { .name = "state" }, { "since", COLUMN_TIME }, { .name = "by" },
		{ .name = "why" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct rehearsal_row *list = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err = { 0 };
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = rehearsal_list(r, snapshot_table(types), &c->viewer, c->a, &list, &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char since[40];
		str row[] = { str_of(rehearsal_scope_name(list[i].scope)), list[i].key,
			      list[i].title, list[i].live ? STR("live") : STR("rehearsal"),
			      list[i].since_us ? time_str(since, list[i].since_us) : STR(""), list[i].by, list[i].why };
		cli_row(&t, row);
	}
	if (r)
		store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("show");
	const char *organisation = cli_value(c, "--organisation"), *class = cli_value(c, "--class");
	bool all = cli_value(c, "--all") != NULL;
	struct rehearsal_switch q = { .scope = all ? REHEARSAL_NODE : organisation ? REHEARSAL_ORGANISATION : REHEARSAL_CLASS,
				      .key = str_of(organisation ? organisation : class ? class : ""),
				      .live = str_eq(word, STR("live")), .why = str_of(cli_value(c, "--why")) };
	struct err err = { 0 };
	if (c->argc > 1 || (!q.live && !str_eq(word, STR("back")) && !str_eq(word, STR("show"))))
		return cli_usage(c, "show, live or back");
	if (str_eq(word, STR("show")))
		return show(c);
	if (all + (organisation != NULL) + (class != NULL) != 1)
		return cli_usage(c, "say what: --all, --organisation ID or --class CLASS");
	if (rehearsal_set(c->node->notify, &c->viewer, &q, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, q.live ? "live" : "back", q.key.n ? q.key : STR("node"));
	return 0;
}

const struct cli_command cli_rehearsal = {
	.name = "rehearsal",
	.brief = "who is written to, and who not yet",
	.usage = "rehearsal show | live WHAT --why TEXT | back WHAT --why TEXT",
	.text = "A new node writes to nobody outside: each message goes to the node's own address (setting "
		"mail_rehearsal), its true recipient in the subject, or ends as 'rehearsed'. 'live' ends that for all, "
		"for one organisation or for one class of messages; 'back' takes it up again, and 'back --all' ends "
		"every switch. It takes an account whose role may approve: lead or administrator. What was found before "
		"the switch is not told afterwards by a rule: a notification round tells it.",
	.example = "ronda rehearsal -d demo show",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
