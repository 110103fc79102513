/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--reason", 0, "TEXT", "why it is kept; goes into the journal" },
	{ .name = NULL },
};

struct change {
	struct cli *c;
	str what, reason;
	int64_t id;
	bool lift;
};

static enum rc write_hold(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	str by = str_of(ch->c->viewer.actor);
	enum rc rc = ch->lift ? hold_lift(tx, ch->id, by, err) :
				hold_set(tx, ch->what, ch->reason, by, &ch->id, err);
	struct journal_act act = { .act = ch->lift ? "hold.lift" : "hold.set", .actor = by,
				   .object = arena_fmt(ch->c->a, "hold:%lld", (long long)ch->id) };
	return rc == RC_OK ? journal_add(tx, ch->c->node->journal, &act, err) : rc;
}

static const struct cli_column columns[] = {
	{ "id", COLUMN_NUMBER }, { .name = "what" }, { .name = "reason" },
	{ .name = "by" }, { "since", COLUMN_TIME }, { "lifted", COLUMN_TIME },
};

static enum rc rows(struct cli_table *t, struct reader *r, struct err *err)
{
	struct hold *holds = NULL;
	size_t count = 0;
	enum rc rc = hold_list(reader_conn(r), t->c->a, &holds, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char id[24], since[40], lifted[40];
		snprintf(id, sizeof(id), "%lld", (long long)holds[i].id);
		str row[] = { str_of(id), holds[i].what, holds[i].reason, holds[i].by,
			      time_str(since, holds[i].set_us),
			      holds[i].lifted_us ? time_str(lifted, holds[i].lifted_us) : STR("") };
		cli_row(t, row);
	}
	return rc;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct change ch = { .c = c, .reason = str_of(cli_value(c, "--reason")) };
	struct err err;
	if (str_eq(word, STR("list")))
		return cli_list(c, columns, COUNT_OF(columns), rows);
	if (str_eq(word, STR("lift")) && c->argc == 2 && str_to_i64(str_of(c->argv[1]), &ch.id)) {
		ch.lift = true;
	} else if (str_eq(word, STR("set")) && c->argc == 3 && ch.reason.n) {
		ch.what = arena_fmt(c->a, "%s %s", c->argv[1], c->argv[2]);
	} else {
		return cli_usage(c, "set report|day|org WHICH --reason TEXT, list, or lift ID");
	}
	if (store_write(c->node->store, write_hold, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	if (ch.lift)
		cli_done(c, "lifted", str_of(c->argv[1]));
	else
		cli_printf(c, c->form == CLI_JSON ? "{\"id\":%lld}\n" : "hold %lld\n", (long long)ch.id);
	return 0;
}

const struct cli_command cli_hold = {
	.name = "hold",
	.brief = "keep a report, a day or an organisation's events from being forgotten",
	.usage = "hold set report ID|day YYYY-MM-DD|org ID --reason TEXT | list | lift ID",
	.text = "What is under hold survives 'ronda forget' until the hold is lifted.",
	.example = "ronda hold -d demo set day 2026-11-22 --reason \"case 12\"",
	.options = options,
	.needs_node = true,
	.run = run,
};
