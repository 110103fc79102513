/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/explain.h"
#include "cli/cli_private.h"
#include "notify/teller.h"

static const struct cli_option options[] = {
	{ "--to", 0, "WHOM", "public, staff, log, account:NAME, organisation--UUID, partner:organisation--UUID" },
	{ "--by", 0, "CHANNEL", "screen (when nothing is said), api, cli, export, mail, webhook, feed, sync or log" },
	{ "--purpose", 0, "PURPOSE", "handling (when nothing is said), statistics, operation, lookup or action" },
	{ "--own", 0, NULL, "an event or finding: as if it were about the recipient's own asset" },
	{ .name = NULL },
};

struct asking {
	struct cli *c;
	struct reader *r;
	const struct types *types;
	struct explain_ask ask;
	struct viewer account;
	str agreement;
	struct err *err;
};

/* --- the answer --- */

static void print_json(const struct asking *q, const struct explanation *e)
{
	struct buf text = BUF_INIT(KIB(64));
	struct json_out j = json_out(&text);

	json_open(&j, '{');
	json_put_str(&j, "item", q->ask.item);
	json_put_str(&j, "decision", str_of(explanation_word(e)));
	json_put_str(&j, "rule", str_of(explanation_rule(e)));
	json_put_str(&j, "by", str_of(channel_name(q->ask.by)));
	json_put_str(&j, "purpose", str_of(purpose_name(q->ask.purpose)));
	json_put_i64(&j, "policy", (int64_t)q->ask.policy.number);
	json_put_str(&j, "agreement", q->agreement);
	json_put_str(&j, "attribution", e->attribution);
	json_key(&j, STR("cut"));
	json_open(&j, '[');
	for (size_t i = 0; i < e->cut_count; i++)
		json_str(&j, str_of(e->cut[i]));
	json_close(&j, ']');
	json_close(&j, '}');
	cli_print_json(q->c, &text);
	buf_free(&text);
}

static void print_rows(const struct asking *q, const struct explanation *e)
{
	static const struct cli_column columns[] = { { .name = "what" }, { .name = "value" } };
	struct cli_table t = cli_table(q->c, columns, COUNT_OF(columns));
	struct buf cut = BUF_INIT(KIB(8));

	for (size_t i = 0; i < e->cut_count; i++)
		buf_fmt(&cut, "%s%s", i ? ", " : "", e->cut[i]);
	const struct { const char *what; str value; } rows[] = {
		{ "decision", str_of(explanation_word(e)) },
		{ "rule", str_of(explanation_rule(e)) },
		{ "cut", buf_str(&cut) },
		{ "policy", arena_fmt(q->c->a, "%llu", (unsigned long long)q->ask.policy.number) },
		{ "agreement", q->agreement },
		{ "to be named", e->attribution },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str row[] = { str_of(rows[i].what), arena_str(q->c->a, rows[i].value) };
		if (row[1].n)
			cli_row(&t, row);
	}
	buf_free(&cut);
}

static int answer(struct asking *q, str to)
{
	struct explanation e;

	struct node *n = q->c->node;
	enum rc rc = explain_to(q->r, q->types, n->roles, n->policies, &q->c->viewer, to, q->c->a, &q->ask,
				&q->account, &q->agreement, q->err);
	if (rc == RC_OK)
		rc = explain_item(q->r, q->types, &q->c->viewer, &q->ask, q->c->a, &e, q->err);
	if (rc != RC_OK)
		return cli_fail(q->c, q->err);
	if (q->c->form == CLI_JSON)
		print_json(q, &e);
	else
		print_rows(q, &e);
	return 0;
}

/* --- of a finding: whom the rules told, or why not --- */

static const struct cli_column told_columns[] = {
	{ .name = "organisation" }, { .name = "to" },	   { .name = "rule" }, { "told", COLUMN_TIME },
	{ "messages", COLUMN_NUMBER }, { "due", COLUMN_TIME }, { .name = "why" },
};

static bool print_reason(void *ctx, const struct tell_reason *w)
{
	struct cli_table *t = ctx;
	struct arena *a = t->c->a;
	char told[40], due[40];
	str row[] = { w->title.n ? w->title : STR("-"), w->recipient, w->rule_title,
		      w->told_us ? arena_str(a, time_str(told, w->told_us)) : STR(""),
		      arena_fmt(a, "%lld", (long long)w->messages),
		      w->next_us ? arena_str(a, time_str(due, w->next_us)) : STR(""), w->words };
	cli_row(t, row);
	return !t->c->broken;
}

static int told(struct asking *q)
{
	struct cli_table t = cli_table(q->c, told_columns, COUNT_OF(told_columns));
	if (teller_explain(q->c->node->notify, q->r, q->types, &q->c->viewer, q->ask.item, clock_now_us(), q->c->a, print_reason,
			   &t, q->err) != RC_OK)
		return cli_fail(q->c, q->err);
	return 0;
}

static int run(struct cli *c)
{
	const char *to = cli_value(c, "--to"), *by = cli_value(c, "--by"), *why = cli_value(c, "--purpose");
	struct err err = { 0 };
	struct asking q = { .c = c, .err = &err, .agreement = STR(""),
			    .ask = { .by = CHANNEL_SCREEN, .purpose = PURPOSE_HANDLING,
				     .own = cli_value(c, "--own") != NULL } };

	bool finding = c->argc == 1 && str_starts(str_of(c->argv[0]), STR("finding--"));
	if (c->argc != 1 || (!to && !finding))
		return cli_usage(c, "ITEM --to WHOM, or finding--ID");
	if (by && !channel_parse(str_of(by), &q.ask.by))
		return cli_usage(c, "--by takes screen, api, cli, export, mail, webhook, feed, sync or log");
	if (why && !purpose_parse(str_of(why), &q.ask.purpose))
		return cli_usage(c, "--purpose takes handling, statistics, operation, lookup or action");
	q.ask.item = str_of(c->argv[0]);
	if (store_read_begin(c->node->store, &q.r, &err) != RC_OK)
		return cli_fail(c, &err);
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	q.types = snapshot_table(ref);
	int code = to ? answer(&q, str_of(to)) : told(&q);
	snapshot_drop(c->node->types, ref);
	store_read_end(q.r);
	return code;
}

const struct cli_command cli_explain = {
	.name = "explain",
	.brief = "say why somebody would be told something, or not",
	.usage = "explain ITEM --to WHOM [--by CHANNEL] [--purpose PURPOSE] | finding--ID",
	.text = "Asks the very check that everything passes: the decision (yes, cut, no), the rule that "
		"decided, which fields would be cut, the number of the policy in force, and the kind of "
		"agreement that counted. ITEM is a record (incident-42, incident--UUID), finding--ID or "
		"event--ID, and one you can see yourself. Of a finding without --to: whom it concerns, by which rule "
		"each was told, or why not. Nothing is told by explaining.",
	.example = "ronda explain -d demo incident-1 --to public --by feed",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
