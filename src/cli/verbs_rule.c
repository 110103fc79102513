/* SPDX-License-Identifier: Apache-2.0 */
/* ronda rule dry-run | make-defaults | due | counts. */
#include "cli/record_private.h"
#include "notify/teller.h"

enum { DRY_RUN_LINES = 20000, DUE_LINES = 1000 };

struct showing {
	struct cli *c;
	struct cli_table t;
	bool pages;
};

static str number(struct cli *c, int64_t n)
{
	return arena_fmt(c->a, "%lld", (long long)n);
}

/* --- dry run --- */

static const struct cli_column dry_columns[] = {
	{ .name = "organisation" }, { .name = "to" },	   { .name = "driver" }, { .name = "class" },
	{ .name = "language" },	    { "findings", COLUMN_NUMBER }, { .name = "live" },  { .name = "subject" },
	{ .name = "text" },	    { .name = "not_told" },
};

static bool show_dry(void *ctx, const struct tell_dry *d)
{
	struct showing *s = ctx;
	struct cli *c = s->c;
	if (s->pages) {
		cli_printf(c, "--- " STR_FMT " (" STR_FMT ")", STR_ARG(d->title), STR_ARG(d->recipient));
		if (d->told)
			cli_printf(c, " by " STR_FMT ", " STR_FMT ", %s\n" STR_FMT "\n\n" STR_FMT "\n\n", STR_ARG(d->driver),
				   STR_ARG(d->language), d->live ? "live" : "in rehearsal", STR_ARG(d->subject), STR_ARG(d->text));
		if (!d->told || d->words.n)
			cli_printf(c, "%s: " STR_FMT "\n\n", d->told ? "left out" : " is told nothing", STR_ARG(d->words));
		return !c->broken;
	}
	str values[] = { d->title, d->recipient, d->driver, d->class, d->language, number(c, (int64_t)d->covers),
			 d->live ? STR("live") : STR("rehearsal"), d->subject, d->text, d->words };
	cli_row(&s->t, values);
	return !c->broken;
}

static int dry_run(struct record_call *k)
{
	struct cli *c = k->c;
	struct showing s = { .c = c, .t = cli_table(c, dry_columns, COUNT_OF(dry_columns)), .pages = c->form == CLI_TEXT };
	size_t count = 0, findings = 0;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(c, "dry-run needs an ID");
	if (teller_dry_run(c->node->notify, &c->viewer, record_name(k, k->argv[0]), DRY_RUN_LINES, clock_now_us(), c->a,
			   show_dry, &s, &count, &findings, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_rows_end(c);
	cli_talk(c, "%zu messages about %zu findings that are open now; nothing was sent", count, findings);
	return 0;
}

const struct cli_verb cli_verb_rule_dry_run = {
	.type = "rule",
	.word = "dry-run",
	.usage = "dry-run ID",
	.brief = "who would be told what by it, word for word, if all that is open were new; sends nothing",
	.run = dry_run,
};

/* --- defaults --- */

static int make_defaults(struct record_call *k)
{
	size_t count = 0;
	struct err err = { 0 };
	if (k->argc != 0)
		return cli_usage(k->c, "make-defaults takes nothing");
	if (rules_make_defaults(k->c->node->notify, &k->c->viewer, k->c->a, &count, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "made", number(k->c, (int64_t)count));
	cli_talk(k->c, "%zu drafts; 'ronda rule dry-run' shows what each would say, 'ronda rule move ID active' lets it", count);
	return 0;
}

const struct cli_verb cli_verb_rule_make_defaults = {
	.type = "rule",
	.word = "make-defaults",
	.usage = "make-defaults",
	.brief = "make a handful of rules to begin with, as drafts",
	.run = make_defaults,
};

/* --- what is due --- */

static const struct cli_column due_columns[] = {
	{ "due", COLUMN_TIME }, { .name = "organisation" }, { .name = "rule" }, { .name = "class" },
	{ "step", COLUMN_NUMBER }, { "findings", COLUMN_NUMBER },
};

static int due(struct record_call *k)
{
	struct cli *c = k->c;
	struct cli_table t = cli_table(c, due_columns, COUNT_OF(due_columns));
	struct tell_due *list = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (k->argc != 0)
		return cli_usage(c, "due takes nothing");
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = teller_due(c->node->notify, r, k->types, &c->viewer, DUE_LINES, c->a, &list, &count, &err);
	if (r)
		store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char at[40];
		str values[] = { time_str(at, list[i].next_us), list[i].title.n ? list[i].title : STR("(not for you)"),
				 list[i].rule_title, list[i].class, number(c, list[i].step), number(c, list[i].findings) };
		cli_row(&t, values);
	}
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_verb cli_verb_rule_due = {
	.type = "rule",
	.word = "due",
	.usage = "due",
	.brief = "what is told to whom next, and when",
	.run = due,
};

/* --- what was told and what was not --- */

static const struct cli_column count_columns[] = {
	{ .name = "day" }, { .name = "what" }, { "findings", COLUMN_NUMBER }, { .name = "that_is" },
};

static int counts(struct record_call *k)
{
	struct cli *c = k->c;
	struct cli_table t = cli_table(c, count_columns, COUNT_OF(count_columns));
	struct tell_count *list = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (k->argc != 0)
		return cli_usage(c, "counts takes nothing");
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = teller_counts(r, &c->viewer, DUE_LINES, c->a, &list, &count, &err);
	if (r)
		store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char day[16];
		str values[] = { time_day_str(day, (int64_t)list[i].day * DAY_US), str_of(tell_state_name(list[i].state)),
				 number(c, list[i].count), str_of(tell_state_words(list[i].state)) };
		cli_row(&t, values);
	}
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

const struct cli_verb cli_verb_rule_counts = {
	.type = "rule",
	.word = "counts",
	.usage = "counts",
	.brief = "how many findings were told or not by rules, and why not, by day",
	.run = counts,
};
