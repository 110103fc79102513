/* SPDX-License-Identifier: Apache-2.0 */
/* ronda round start | answer | status | stale | dry-run. */
#include "cli/record_private.h"
#include "notify/round.h"

enum { DRY_RUN_LINES = 20000 };

static str time_or_none(struct arena *a, int64_t us)
{
	char text[40];
	return us ? arena_str(a, time_str(text, us)) : STR("");
}

static str count_of(struct arena *a, size_t n)
{
	return arena_fmt(a, "%zu", n);
}

/* --- start --- */

static int start(struct record_call *k)
{
	size_t count = 0;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "start needs an ID");
	if (round_start(k->c->node->notify, &k->c->viewer, record_name(k, k->argv[0]), k->c->a, &count, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "members", count_of(k->c->a, count));
	if (k->c->form == CLI_TEXT)
		cli_printf(k->c, "%zu\n", count);
	const char *idle = notify_idle(k->c->node->notify);
	if (*idle)
		cli_talk(k->c, "ronda round: the messages wait: %s", idle);
	return 0;
}

const struct cli_verb cli_verb_round_start = {
	.type = "round",
	.word = "start",
	.usage = "start ID",
	.brief = "fix its list and make its messages; prints how many are on the list",
	.run = start,
};

/* --- dry run --- */

static const struct cli_column dry_columns[] = {
	{ .name = "organisation" }, { .name = "to" }, { .name = "driver" },   { .name = "language" },
	{ "covers", COLUMN_NUMBER }, { .name = "subject" }, { .name = "text" }, { .name = "not_told" },
};

struct showing {
	struct record_call *k;
	struct cli_table t;
	bool pages;
};

static bool show_line(void *ctx, const struct round_line *l)
{
	struct showing *s = ctx;
	struct cli *c = s->k->c;
	if (s->pages) {
		cli_printf(c, "--- " STR_FMT " (" STR_FMT ")", STR_ARG(l->title), STR_ARG(l->recipient));
		if (l->told)
			cli_printf(c, " by " STR_FMT ", " STR_FMT "\n" STR_FMT "\n\n" STR_FMT "\n\n", STR_ARG(l->driver),
				   STR_ARG(l->language), STR_ARG(l->subject), STR_ARG(l->text));
		else
			cli_printf(c, " is told nothing: " STR_FMT "\n\n", STR_ARG(l->words));
		return !c->broken;
	}
	str values[] = { l->title, l->recipient, l->driver, l->language, count_of(c->a, l->covers), l->subject, l->text,
			 l->words };
	cli_row(&s->t, values);
	return !c->broken;
}

static int dry_run(struct record_call *k)
{
	struct showing s = { .k = k, .t = cli_table(k->c, dry_columns, COUNT_OF(dry_columns)),
			     .pages = k->c->form == CLI_TEXT };
	size_t count = 0;
	struct err err = { 0 };
	if (k->argc != 1)
		return cli_usage(k->c, "dry-run needs an ID");
	if (round_dry_run(k->c->node->notify, &k->c->viewer, record_name(k, k->argv[0]), DRY_RUN_LINES, k->c->a, show_line,
			  &s, &count, &err) != RC_OK)
		return cli_fail(k->c, &err);
	return 0;
}

const struct cli_verb cli_verb_round_dry_run = {
	.type = "round",
	.word = "dry-run",
	.usage = "dry-run ID",
	.brief = "who would be told what, word for word; sends nothing",
	.run = dry_run,
};

/* --- answer --- */

static const struct cli_option answer_options[] = {
	{ "--words", 0, "TEXT", "answer: what they said" },
	{ "--by", 0, "NAME", "answer: who of them said it" },
	{ "--at", 0, "TIME", "answer: when (default: now)" },
	{ .name = NULL },
};

/* An organisation by id, "organisation-7", or its name when only one has it. */
static str organisation(struct record_call *k, const char *text)
{
	uint64_t n;
	const struct type *round = k->type;
	const struct meaning *m = type_meaning(round, STR("round.organisations"));
	const char *type = m && m->field ? m->field->refers_to : NULL;
	return type && str_to_u64(str_of(text), &n) ? arena_fmt(k->c->a, "%s-%s", type, text) : str_of(text);
}

static int answer(struct record_call *k)
{
	const char *at = cli_value(k->c, "--at"), *words = cli_value(k->c, "--words"), *by = cli_value(k->c, "--by");
	struct round_answer q = { .words = str_of(words ? words : ""), .by = str_of(by ? by : "") };
	struct err err = { 0 };
	if (k->argc != 2)
		return cli_usage(k->c, "answer needs a round and an organisation");
	if (at && !time_parse(str_of(at), true, &q.at_us))
		return cli_usage(k->c, "--at takes a time, as 2026-11-22 09:45");
	q.organisation = organisation(k, k->argv[1]);
	if (round_note_answer(k->c->node->notify, &k->c->viewer, record_name(k, k->argv[0]), &q, k->c->a, &err) != RC_OK)
		return cli_fail(k->c, &err);
	cli_done(k->c, "answered", q.organisation);
	return 0;
}

const struct cli_verb cli_verb_round_answer = {
	.type = "round",
	.word = "answer",
	.usage = "answer ID ORGANISATION [--words TEXT] [--by NAME] [--at TIME]",
	.brief = "note an answer; of a contact check it confirms the contact",
	.options = answer_options,
	.run = answer,
};

/* --- status --- */

static const struct cli_column status_columns[] = {
	{ .name = "organisation" }, { .name = "to" },	       { .name = "driver" },	{ .name = "state" },
	{ "told", COLUMN_TIME },    { "answered", COLUMN_TIME }, { .name = "answer" }, { "silent", COLUMN_TIME },
	{ "message", COLUMN_NUMBER }, { "covers", COLUMN_NUMBER }, { .name = "words" },
};

static bool status_line(void *ctx, const struct round_line *l)
{
	struct showing *s = ctx;
	struct arena *a = s->k->c->a;
	str values[] = { l->title, l->recipient, l->driver.n ? l->driver : STR("none"), l->state,
			 time_or_none(a, l->told_us), time_or_none(a, l->answered_us), l->answer,
			 time_or_none(a, l->answered_us ? 0 : l->silent_us),
			 l->message ? arena_fmt(a, "%lld", (long long)l->message) : STR(""), count_of(a, l->covers), l->words };
	cli_row(&s->t, values);
	return true;
}

static void say_progress(struct cli *c, const struct round_progress *p)
{
	struct buf median = BUF_INIT(64);
	duration_format(&median, p->median_us);
	cli_talk(c, "%zu on the list: %zu wait, %zu sent, %zu uncertain, %zu failed or refused, %zu without a contact; "
		    "%zu answered (half of them within %s), %zu silent",
		 p->members, p->waiting, p->sent, p->uncertain, p->failed + p->refused, p->unreachable, p->answered,
		 p->answered ? median.p : "-", p->silent);
	buf_free(&median);
}

static int status(struct record_call *k)
{
	struct node *n = k->c->node;
	struct showing s = { .k = k, .t = cli_table(k->c, status_columns, COUNT_OF(status_columns)) };
	struct round_progress p;
	struct reader *r = NULL;
	struct err err = { 0 };
	int64_t after = -1;
	if (k->argc != 1)
		return cli_usage(k->c, "status needs an ID");
	str id = record_name(k, k->argv[0]);
	enum rc rc = store_read_begin(n->store, &r, &err);
	if (rc == RC_OK)
		rc = round_read_progress(n->notify, r, k->types, &k->c->viewer, id, k->c->a, &p, &err);
	do {
		if (rc == RC_OK)
			rc = round_read_members(n->notify, r, k->types, &k->c->viewer, id, after, 500, k->c->a, status_line, &s,
						&after, &err);
	} while (rc == RC_OK && after >= 0);
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(k->c, &err);
	cli_rows_end(k->c);
	say_progress(k->c, &p);
	return 0;
}

const struct cli_verb cli_verb_round_status = {
	.type = "round",
	.word = "status",
	.usage = "status ID",
	.brief = "everybody on its list: told when and how, answered when and what",
	.run = status,
};

/* --- stale --- */

static const struct cli_column stale_columns[] = {
	{ .name = "organisation" }, { .name = "id" }, { "silent_since", COLUMN_TIME }, { "rounds", COLUMN_NUMBER },
	{ "last_answer", COLUMN_TIME },
};

static int stale(struct record_call *k)
{
	struct node *n = k->c->node;
	struct cli_table t = cli_table(k->c, stale_columns, COUNT_OF(stale_columns));
	struct round_stale *list = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err = { 0 };
	if (k->argc != 0)
		return cli_usage(k->c, "stale takes no ID: it lists those of all rounds");
	enum rc rc = store_read_begin(n->store, &r, &err);
	if (rc == RC_OK)
		rc = round_read_stale(n->notify, r, k->types, &k->c->viewer, 10000, k->c->a, &list, &count, &err);
	if (r)
		store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		str values[] = { list[i].title, list[i].organisation, time_or_none(k->c->a, list[i].since_us),
				 count_of(k->c->a, list[i].rounds), time_or_none(k->c->a, list[i].answered_us) };
		cli_row(&t, values);
	}
	return rc == RC_OK ? 0 : cli_fail(k->c, &err);
}

const struct cli_verb cli_verb_round_stale = {
	.type = "round",
	.word = "stale",
	.usage = "stale",
	.brief = "organisations that did not answer when they were last asked",
	.run = stale,
};
