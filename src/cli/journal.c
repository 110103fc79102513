/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--limit", 'n', "N", "at most so many (default 50)" },
	{ "--against", 0, "HEAD", "with verify: a head kept elsewhere; a cut tail shows against it" },
	{ .name = NULL },
};

static enum rc list(struct cli *c, struct reader *r, struct err *err)
{
	static const struct cli_column columns[] = {
		{ "number", COLUMN_NUMBER }, { "time", COLUMN_TIME }, { .name = "actor" },
		{ .name = "act" }, { .name = "object" }, { "count", COLUMN_NUMBER },
		{ "body", COLUMN_JSON },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	const char *text = cli_value(c, "--limit");
	uint64_t limit = 50;
	struct journal_line *lines = NULL;
	size_t count = 0;
	if (text && !str_to_u64(str_of(text), &limit))
		return fail(err, RC_INPUT, "--limit takes a number");
	enum rc rc = journal_list(reader_conn(r), 0, limit, c->a, &lines, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		char number[24], at[40], items[24];
		snprintf(number, sizeof(number), "%llu", (unsigned long long)lines[i].number);
		snprintf(items, sizeof(items), "%llu", (unsigned long long)lines[i].count);
		str row[] = { str_of(number), time_str(at, lines[i].at_us), lines[i].actor, lines[i].act,
			      lines[i].object, str_of(items), lines[i].body };
		cli_row(&t, row);
	}
	return rc;
}

static enum rc verify(struct cli *c, struct reader *r, bool *sound, struct err *err)
{
	const char *witness = cli_value(c, "--against");
	struct journal_check check = { 0 };
	enum rc rc = journal_verify(reader_conn(r), witness ? str_of(witness) : STR_NONE, &check, err);
	if (rc != RC_OK)
		return rc;
	*sound = check.first_bad == 0;
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"lines\":%llu,\"first_bad\":%llu}\n", (unsigned long long)check.lines,
			   (unsigned long long)check.first_bad);
	else if (*sound)
		cli_printf(c, "%llu lines, sound\n", (unsigned long long)check.lines);
	else
		cli_printf(c, "line %llu is bad: %s\n", (unsigned long long)check.first_bad, check.words);
	return RC_OK;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct reader *r = NULL;
	struct err err;
	bool sound = true;
	int code = cli_may(c, viewer_reads_journal(&c->viewer, c->node->roles));
	if (code)
		return code;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK && str_eq(word, STR("list"))) {
		rc = list(c, r, &err);
	} else if (rc == RC_OK && str_eq(word, STR("verify"))) {
		rc = verify(c, r, &sound, &err);
	} else if (rc == RC_OK && str_eq(word, STR("head"))) {
		struct buf head = BUF_INIT(256);
		rc = journal_head(reader_conn(r), &head, &err);
		cli_done(c, "head", buf_str(&head));
		if (c->form != CLI_JSON)
			cli_printf(c, STR_FMT "\n", STR_ARG(buf_str(&head)));
		buf_free(&head);
	} else if (rc == RC_OK) {
		rc = fail(&err, RC_INPUT, "there is no 'journal " STR_FMT "': list, verify or head", STR_ARG(word));
	}
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	return sound ? 0 : rc_exit_code(RC_IO);
}

const struct cli_command cli_journal = {
	.name = "journal",
	.brief = "who did what, in a chain nobody can edit",
	.usage = "journal list | verify [--against HEAD] | head",
	.text = "Keep the output of head elsewhere (on paper, with a partner): a cut tail shows against it.",
	.example = "ronda journal -d demo verify",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
