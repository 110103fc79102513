/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/explain.h"
#include "disclosure/policy.h"
#include "cli/cli_private.h"

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

static bool take_channel(str text, enum channel *out)
{
	for (int i = CHANNEL_NONE + 1; i < CHANNELS; i++)
		if (str_eq(text, str_of(channel_name((enum channel)i)))) {
			*out = (enum channel)i;
			return true;
		}
	return false;
}

static bool take_purpose(str text, enum purpose *out)
{
	for (int i = PURPOSE_NONE + 1; i < PURPOSES; i++)
		if (str_eq(text, str_of(purpose_name((enum purpose)i)))) {
			*out = (enum purpose)i;
			return true;
		}
	return false;
}

/* --- to whom --- */

static enum rc to_account(struct asking *q, str name)
{
	struct conn *c = reader_conn(q->r);
	struct account a;

	enum rc rc = account_by_name(c, q->c->node->roles, name, q->c->a, &a, q->err);
	if (rc == RC_OK)
		rc = account_viewer(c, q->c->node->roles, a.id, q->ask.by, &q->account, q->err);
	q->ask.account = &q->account;
	q->ask.organisation = q->account.organisation;
	return rc;
}

static enum rc to_organisation(struct asking *q, str id, enum recipient_kind kind)
{
	q->ask.to = (struct recipient){ .kind = kind, .ceiling = TLP_AMBER_STRICT };
	return explain_whose(q->r, q->types, &q->c->viewer, id, q->c->a, &q->ask.organisation, q->err);
}

static enum rc take_recipient(struct asking *q, str to)
{
	static const struct { const char *word; struct recipient as; } words[] = {
		{ "public", { .kind = RECIPIENT_PUBLIC, .ceiling = TLP_CLEAR } },
		{ "staff", { .kind = RECIPIENT_STAFF, .ceiling = TLP_AMBER_STRICT } },
		{ "log", { .kind = RECIPIENT_LOG, .ceiling = TLP_CLEAR } },
	};

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(to, str_of(words[i].word))) {
			q->ask.to = words[i].as;
			return RC_OK;
		}
	if (str_starts(to, STR("account:")))
		return to_account(q, str_from(to, 8));
	if (str_starts(to, STR("partner:")))
		return to_organisation(q, str_from(to, 8), RECIPIENT_PARTNER);
	enum rc rc = to_organisation(q, to, RECIPIENT_CONSTITUENT);
	if (rc != RC_ABSENT)
		return rc;
	return fail(q->err, RC_INPUT, "'" STR_FMT "' is neither an organisation you can see nor public, staff, "
		    "log, account:NAME or partner:ORGANISATION", STR_ARG(to));
}

static enum rc take_policy(struct asking *q)
{
	struct recipient *to = q->ask.account ? &q->account.as : &q->ask.to;

	return policies_recipient(q->c->node->policies, q->ask.organisation, to, &q->ask.policy, q->c->a,
				  &q->agreement, q->err);
}

/* --- the answer --- */

static const char *decision_word(const struct explanation *e)
{
	if (!e->told)
		return "no";
	return e->cut_count || e->decision.verdict == DISCLOSE_REDACT ? "cut" : "yes";
}

static const char *rule_words(const struct explanation *e)
{
	return e->asks_rights && !e->rights.yes ? e->rights.rule : e->decision.rule;
}

static void print_json(const struct asking *q, const struct explanation *e)
{
	struct buf text = BUF_INIT(KIB(64));
	struct json_out j = json_out(&text);

	json_open(&j, '{');
	json_put_str(&j, "item", q->ask.item);
	json_put_str(&j, "decision", str_of(decision_word(e)));
	json_put_str(&j, "rule", str_of(rule_words(e)));
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
		{ "decision", str_of(decision_word(e)) },
		{ "rule", str_of(rule_words(e)) },
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

	enum rc rc = take_recipient(q, to);
	if (rc == RC_OK)
		rc = take_policy(q);
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

static int run(struct cli *c)
{
	const char *to = cli_value(c, "--to"), *by = cli_value(c, "--by"), *why = cli_value(c, "--purpose");
	struct err err = { 0 };
	struct asking q = { .c = c, .err = &err, .agreement = STR(""),
			    .ask = { .by = CHANNEL_SCREEN, .purpose = PURPOSE_HANDLING,
				     .own = cli_value(c, "--own") != NULL } };

	if (c->argc != 1 || !to)
		return cli_usage(c, "ITEM --to WHOM");
	if (by && !take_channel(str_of(by), &q.ask.by))
		return cli_usage(c, "--by takes screen, api, cli, export, mail, webhook, feed, sync or log");
	if (why && !take_purpose(str_of(why), &q.ask.purpose))
		return cli_usage(c, "--purpose takes handling, statistics, operation, lookup or action");
	q.ask.item = str_of(c->argv[0]);
	if (store_read_begin(c->node->store, &q.r, &err) != RC_OK)
		return cli_fail(c, &err);
	struct snapshot_ref *ref = snapshot_hold(c->node->types);
	q.types = snapshot_table(ref);
	int code = answer(&q, str_of(to));
	snapshot_drop(c->node->types, ref);
	store_read_end(q.r);
	return code;
}

const struct cli_command cli_explain = {
	.name = "explain",
	.brief = "say why somebody would be told something, or not",
	.usage = "explain ITEM --to WHOM [--by CHANNEL] [--purpose PURPOSE]",
	.text = "Asks the very check that everything passes: the decision (yes, cut, no), the rule that "
		"decided, which fields would be cut, the number of the policy in force, and the kind of "
		"agreement that counted. ITEM is a record (incident-42, incident--UUID), finding--ID or "
		"event--ID, and one you can see yourself. Nothing is told by explaining.",
	.example = "ronda explain -d demo incident-1 --to public --by feed",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_READ,
	.run = run,
};
