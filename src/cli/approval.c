/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/approval.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--all", 0, NULL, "with list: also what is answered, done or over" },
	{ "--limit", 'n', "N", "at most so many (default 50)" },
	{ .name = NULL },
};

int cli_waits(struct cli *c, int64_t approval)
{
	struct err err;
	(void)fail(&err, RC_BUSY, STR_FMT, STR_ARG(approval_words(approval, c->a)));
	return cli_fail(c, &err);
}

static int list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "id", COLUMN_NUMBER }, { .name = "kind" }, { .name = "state" }, { .name = "object" },
		{ .name = "what" }, { .name = "asked_by" }, { "asked", COLUMN_TIME },
		{ .name = "answered_by" },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	const char *text = cli_value(c, "--limit");
	uint64_t limit = 50;
	struct approval *all = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err;
	if (text && (!str_to_u64(str_of(text), &limit) || limit > 10000))
		return cli_usage(c, "--limit takes a number up to 10000");
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = approval_list(reader_conn(r), !cli_value(c, "--all"), clock_now_us(), limit, c->a, &all,
				   &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct approval *p = &all[i];
		char id[24], asked[40];
		snprintf(id, sizeof(id), "%lld", (long long)p->id);
		str row[] = { str_of(id), str_of(approval_kind_name(p->kind)),
			      p->over ? STR("over") : str_of(approval_state_name(p->state)), p->object, p->what,
			      p->asked_by, time_str(asked, p->asked_us), p->answered_by };
		cli_row(&t, row);
	}
	store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

struct answer_job {
	struct cli *c;
	int64_t id;
	bool yes;
};

static enum rc write_answer(struct tx *tx, void *ctx, struct err *err)
{
	struct answer_job *j = ctx;
	return approval_answer(tx, j->c->node->journal, j->c->node->roles, &j->c->viewer, j->id, j->yes, err);
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct answer_job j = { .c = c, .yes = str_eq(word, STR("approve")) };
	struct err err;
	if (c->viewer.as.kind != RECIPIENT_STAFF)
		return cli_may(c, false);
	if (str_eq(word, STR("list")))
		return list(c);
	if ((!j.yes && !str_eq(word, STR("refuse"))) || c->argc != 2 || !str_to_i64(str_of(c->argv[1]), &j.id))
		return cli_usage(c, "list, approve ID or refuse ID");
	if (store_write(c->node->store, write_answer, &j, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, j.yes ? "approved" : "refused", str_of(c->argv[1]));
	return 0;
}

const struct cli_command cli_approval = {
	.name = "approval",
	.brief = "what nobody does alone, and who said yes",
	.usage = "approval list [--all] | approve ID | refuse ID",
	.text = "Tokens for TLP:RED, erasure, more roles for an account and changes of keys need two persons in "
		"a large team: one asks by doing it, another with a role that approves answers here, and the first "
		"does it again within a day. In a small team they are done at once and listed here for a week.",
	.example = "ronda approval -d demo list",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
