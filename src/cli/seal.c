/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/seal.h"

#include "cli/cli_private.h"

static const struct cli_option options[] = {
	{ "--shares", 0, "N", "with key and share: how many are made (2 to 16, default 3)" },
	{ .name = NULL },
};

struct change {
	struct cli *c;
	struct seal_pass passphrase;
	str given[2];
	struct seal_shares shares;
	struct account account;
};

static enum rc write_key(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	return seal_key_make(tx, ch->c->node->journal, ch->c->viewer.account, &ch->passphrase, &ch->shares,
			     str_of(ch->c->viewer.actor), err);
}

static enum rc write_share(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	return seal_key_share(tx, ch->c->node->journal, ch->c->viewer.seal, &ch->shares,
			      str_of(ch->c->viewer.actor), err);
}

static enum rc write_change(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	return seal_key_change(tx, ch->c->node->journal, ch->c->viewer.seal, &ch->passphrase,
			       str_of(ch->c->viewer.actor), err);
}

static enum rc write_recover(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	enum rc rc = account_by_name(tx_conn(tx), ch->c->node->roles, str_of(ch->c->argv[1]), ch->c->a,
				     &ch->account, err);
	return rc == RC_OK ? seal_key_recover(tx, ch->c->node->journal, ch->account.id, ch->given, 2, &ch->passphrase,
					      str_of(ch->c->viewer.actor), err) : rc;
}

static enum rc read_count(struct cli *c, struct seal_shares *s, struct err *err)
{
	const char *text = cli_value(c, "--shares");
	uint64_t n = 3;
	if (text && !str_to_u64(str_of(text), &n))
		return fail(err, RC_INPUT, "--shares takes a number");
	s->count = (size_t)n;
	return RC_OK;
}

static enum rc read_new(struct cli *c, struct change *ch, struct err *err)
{
	str text = STR_NONE;
	enum rc rc = cli_read_secret(c, "New case passphrase", &text, err);
	if (rc == RC_OK)
		rc = seal_pass_make(text, &ch->passphrase, err);
	if (text.p)
		explicit_bzero((char *)text.p, text.n);
	return rc;
}

static void print_shares(struct cli *c, struct seal_shares *s)
{
	for (size_t i = 0; i < s->count; i++) {
		cli_done(c, "share", str_of(s->text[i]));
		if (c->form != CLI_JSON)
			cli_printf(c, "%s\n", s->text[i]);
	}
	cli_talk(c, "give each line to another officer: any two set a new passphrase, one says nothing; they are "
		    "kept nowhere and shown this once");
	cli_flush(c);
	explicit_bzero(s->text, sizeof(s->text));
}

static enum rc key(struct cli *c, struct change *ch, struct err *err)
{
	if (c->viewer.account == 0)
		return fail(err, RC_ABSENT, "you have no account here, so no case key");
	enum rc rc = read_count(c, &ch->shares, err);
	if (rc == RC_OK)
		rc = read_new(c, ch, err);
	if (rc == RC_OK)
		rc = store_write(c->node->store, write_key, ch, err);
	if (rc == RC_OK)
		print_shares(c, &ch->shares);
	return rc;
}

static enum rc share(struct cli *c, struct change *ch, struct err *err)
{
	enum rc rc = read_count(c, &ch->shares, err);
	if (rc == RC_OK)
		rc = cli_open_case_key(c, err);
	if (rc == RC_OK)
		rc = store_write(c->node->store, write_share, ch, err);
	if (rc == RC_OK)
		print_shares(c, &ch->shares);
	return rc;
}

static enum rc open_it(struct cli *c, struct change *ch, struct err *err)
{
	(void)ch;
	enum rc rc = cli_open_case_key(c, err);
	if (rc == RC_OK)
		cli_talk(c, "the case passphrase is right");
	return rc;
}

static enum rc change(struct cli *c, struct change *ch, struct err *err)
{
	enum rc rc = cli_open_case_key(c, err);
	if (rc == RC_OK)
		rc = read_new(c, ch, err);
	return rc == RC_OK ? store_write(c->node->store, write_change, ch, err) : rc;
}

static enum rc recover(struct cli *c, struct change *ch, struct err *err)
{
	if (c->argc != 2)
		return fail(err, RC_INPUT, "recover needs the NAME of the account");
	enum rc rc = cli_read_secret(c, "First share", &ch->given[0], err);
	if (rc == RC_OK)
		rc = cli_read_secret(c, "Second share", &ch->given[1], err);
	if (rc == RC_OK)
		rc = read_new(c, ch, err);
	return rc == RC_OK ? store_write(c->node->store, write_recover, ch, err) : rc;
}

static void wipe(str s)
{
	if (s.p)
		explicit_bzero((char *)s.p, s.n);
}

static int run(struct cli *c)
{
	static const struct {
		const char *word;
		enum rc (*run)(struct cli *c, struct change *ch, struct err *err);
	} words[] = {
		{ "key", key }, { "open", open_it }, { "change", change }, { "share", share }, { "recover", recover },
	};
	struct change ch = { .c = c };
	struct err err;
	for (size_t i = 0; c->argc > 0 && i < COUNT_OF(words); i++) {
		if (!str_eq(str_of(c->argv[0]), str_of(words[i].word)))
			continue;
		enum rc rc = words[i].run(c, &ch, &err);
		seal_pass_wipe(&ch.passphrase);
		wipe(ch.given[0]);
		wipe(ch.given[1]);
		return rc == RC_OK ? 0 : cli_fail(c, &err);
	}
	return cli_usage(c, "key, open, change, share or recover NAME");
}

const struct cli_command cli_seal = {
	.name = "seal",
	.brief = "the key that opens sealed fields of your cases",
	.usage = "seal key [--shares N] | open | change | share [--shares N] | recover NAME",
	.text = "Sealed fields are ciphertext for all but the persons named in a record who have a case key. key "
		"makes yours: it reads a passphrase of at least twelve characters from standard input (not the one "
		"you sign in with) and prints shares for other officers. Any two of them, one a line and then a new "
		"passphrase, are what recover reads. open tries your passphrase; share makes new shares and ends the old ones.",
	.example = "echo 'seven rivers run north' | ronda seal -d demo key",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
