/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include "disclosure/approval.h"

static const struct cli_option options[] = {
	{ "--right", 0, "RIGHT", "read, intake or operate (default: intake)" },
	{ "--ceiling", 0, "TLP", "strictest marking it may see (default: GREEN)" },
	{ "--personal", 0, NULL, "may see personal fields: there is a legal basis" },
	{ "--address", 0, "NET", "works from this address or network only" },
	{ "--expires", 0, "TIME", "in so long (default 90d, at most 365d)" },
	{ "--feed", 0, "NAME", "delivers to this feed only" },
	{ "--account", 0, "NAME", "carries this account's roles over records, at most" },
	{ "--reads-only", 0, NULL, "with --account: changes nothing" },
	{ .name = NULL },
};

struct change {
	struct cli *c;
	struct token_new token;
	char text[96];
	int64_t id, approval;
	bool waits; /* for a second person */
};

/* A token for RED takes RED out of the house. */
static enum rc ask_for_red(struct tx *tx, struct change *ch, struct err *err)
{
	bool go = true;
	struct cli *c = ch->c;
	struct approval_ask ask = { .kind = APPROVAL_EXPORT_RED, .object = STR("tokens"),
				    .what = arena_fmt(c->a, "token '" STR_FMT "' for TLP:RED, right %s%s",
						      STR_ARG(ch->token.label), right_name(ch->token.right),
						      ch->token.personal_basis ? ", personal fields" : "") };
	enum rc rc = ch->token.ceiling == TLP_RED ?
			     approval_ask(tx, c->node->journal, c->node->roles, &c->viewer, &ask, &go,
					  &ch->approval, err) : RC_OK;
	ch->waits = !go;
	return rc;
}

static enum rc write_make(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	const char *account = cli_value(ch->c, "--account");
	struct account who;
	enum rc rc = RC_OK;
	if (account)
		rc = account_by_name(tx_conn(tx), ch->c->node->roles, str_of(account), ch->c->a, &who, err);
	if (rc != RC_OK)
		return rc;
	ch->token.account = account ? who.id : 0;
	rc = ask_for_red(tx, ch, err);
	if (rc != RC_OK || ch->waits)
		return rc;
	return token_make(tx, ch->c->node->journal, &ch->token, str_of(ch->c->viewer.actor), ch->text,
			  sizeof(ch->text), &ch->id, err);
}

static enum rc write_revoke(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	return token_revoke(tx, ch->c->node->journal, ch->id, str_of(ch->c->viewer.actor), err);
}

static int make(struct cli *c)
{
	struct change ch = { .c = c, .token = { .right = RIGHT_INTAKE, .ceiling = TLP_GREEN } };
	const char *right = cli_value(c, "--right"), *ceiling = cli_value(c, "--ceiling");
	const char *expires = cli_value(c, "--expires"), *address = cli_value(c, "--address");
	int64_t life_us = 90 * DAY_US;
	struct err err;
	if (c->argc != 2)
		return cli_usage(c, "make needs one LABEL, as 'sensor hall 3'");
	if (right && !right_parse(str_of(right), &ch.token.right))
		return cli_usage(c, "--right takes read, intake or operate");
	if (ceiling && !tlp_parse(str_of(ceiling), &ch.token.ceiling))
		return cli_usage(c, "--ceiling takes CLEAR, GREEN, AMBER, AMBER+STRICT or RED");
	if (expires && !duration_parse(str_of(expires), &life_us))
		return cli_usage(c, "--expires takes a time like 90d");
	ch.token.label = str_of(c->argv[1]);
	ch.token.personal_basis = cli_value(c, "--personal") != NULL;
	ch.token.address = address ? str_of(address) : STR("");
	ch.token.feed = str_of(cli_value(c, "--feed"));
	ch.token.expires_us = clock_now_us() + life_us;
	ch.token.reads_only = cli_value(c, "--reads-only") != NULL;
	if (cli_value(c, "--account") && !viewer_manages_accounts(&c->viewer, c->node->roles))
		return cli_may(c, false);
	if (!viewer_may_grant(&c->viewer, &ch.token)) {
		(void)fail(&err, RC_DENIED, "nobody gives away more than he has: ask for a lower ceiling, and no personal fields");
		return cli_fail(c, &err);
	}
	if (store_write(c->node->store, write_make, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	if (ch.waits)
		return cli_waits(c, ch.approval);
	if (c->form == CLI_JSON)
		cli_printf(c, "{\"id\":%lld,\"token\":\"%s\"}\n", (long long)ch.id, ch.text);
	else
		cli_printf(c, "%s\n", ch.text);
	cli_talk(c, "token %lld; it is shown this once", (long long)ch.id);
	return 0;
}

static const struct cli_column columns[] = {
	{ "id", COLUMN_NUMBER }, { .name = "label" }, { .name = "right" },
	{ .name = "ceiling" }, { .name = "address" }, { .name = "feed" },
	{ "expires", COLUMN_TIME }, { "last_used", COLUMN_TIME }, { .name = "state" },
};

static enum rc rows(struct cli_table *t, struct reader *r, struct err *err)
{
	struct token *tokens = NULL;
	size_t count = 0;
	enum rc rc = token_list(reader_conn(r), t->c->a, &tokens, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct token *k = &tokens[i];
		char id[24], expires[40], used[40];
		snprintf(id, sizeof(id), "%lld", (long long)k->id);
		str row[] = { str_of(id), k->label, str_of(right_name(k->right)), str_of(tlp_name(k->ceiling)),
			      k->address, k->feed, time_str(expires, k->expires_us),
			      k->last_used_us ? time_str(used, k->last_used_us) : STR("never"),
			      k->revoked_us                     ? STR("revoked") :
			      k->expires_us < clock_now_us() ? STR("expired") :
								  STR("valid") };
		cli_row(t, row);
	}
	return rc;
}

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	struct change ch = { .c = c };
	struct err err;
	if (str_eq(word, STR("make")))
		return make(c);
	if (str_eq(word, STR("list")))
		return cli_list(c, columns, COUNT_OF(columns), rows);
	if (!str_eq(word, STR("revoke")) || c->argc != 2 || !str_to_i64(str_of(c->argv[1]), &ch.id))
		return cli_usage(c, "make LABEL, list or revoke ID");
	if (store_write(c->node->store, write_revoke, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	cli_done(c, "revoked", str_of(c->argv[1]));
	return 0;
}

const struct cli_command cli_token = {
	.name = "token",
	.brief = "what programs and browsers sign in with",
	.usage = "token make LABEL [options] | list | revoke ID",
	.text = "A token has one right, a TLP ceiling, an end, and perhaps an address and a feed. Only its hash is stored.",
	.example = "ronda token -d demo make \"sensor hall 3\" --right intake --expires 30d",
	.options = options,
	.needs_node = true,
	.run = run,
};
