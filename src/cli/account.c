/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include <pwd.h>

#include "disclosure/approval.h"

static const struct cli_option options[] = {
	{ "--roles", 0, "ROLES", "with new: names of roles, comma or space between" },
	{ "--display", 0, "TEXT", "with new: the name as pages show it" },
	{ "--organisation", 0, "ID", "with new: whose person it is, when not ours" },
	{ "--person", 0, "ID", "with new: the record about this person" },
	{ "--unix", 0, "USER", "with new: the Unix user it has on this machine" },
	{ .name = NULL },
};

/* One change in one transaction: the account by its name, then what is to be done with it. */
struct change {
	struct cli *c;
	enum rc (*run)(struct tx *tx, struct change *ch, struct err *err);
	struct account_new fresh;
	struct account account; /* as it was */
	uint32_t roles;
	int64_t uid, approval;
	bool waits;             /* for a second person */
};

static enum rc write_change(struct tx *tx, void *ctx, struct err *err)
{
	struct change *ch = ctx;
	struct cli *c = ch->c;
	enum rc rc = RC_OK;
	if (c->argc > 1 && ch->fresh.name.n == 0)
		rc = account_by_name(tx_conn(tx), c->node->roles, str_of(c->argv[1]), c->a, &ch->account, err);
	return rc == RC_OK ? ch->run(tx, ch, err) : rc;
}

static enum rc run_new(struct tx *tx, struct change *ch, struct err *err)
{
	bool go;
	enum rc rc = approval_make_account(tx, ch->c->node->journal, ch->c->node->roles, &ch->c->viewer,
					   &ch->fresh, &go, &ch->approval, err);
	ch->waits = !go;
	return rc;
}

static enum rc run_roles(struct tx *tx, struct change *ch, struct err *err)
{
	bool go;
	enum rc rc = approval_set_roles(tx, ch->c->node->journal, ch->c->node->roles, &ch->c->viewer,
					ch->account.id, ch->roles, &go, &ch->approval, err);
	ch->waits = !go;
	return rc;
}

static enum rc run_unix(struct tx *tx, struct change *ch, struct err *err)
{
	return account_set_unix(tx, ch->c->node->journal, ch->account.id, ch->uid,
				str_of(ch->c->viewer.actor), err);
}

static enum rc run_disable(struct tx *tx, struct change *ch, struct err *err)
{
	return account_disable(tx, ch->c->node->journal, ch->account.id, true,
			       str_of(ch->c->viewer.actor), err);
}

static enum rc run_enable(struct tx *tx, struct change *ch, struct err *err)
{
	return account_disable(tx, ch->c->node->journal, ch->account.id, false,
			       str_of(ch->c->viewer.actor), err);
}

/* "1000", "anna", "none" */
static bool parse_uid(const char *text, int64_t *out)
{
	uint32_t number;
	struct passwd one, *found = NULL;
	char room[4096];
	if (str_eq(str_of(text), STR("none")))
		return *out = -1, true;
	if (str_to_u32(str_of(text), &number))
		return *out = number, true;
	if (getpwnam_r(text, &one, room, sizeof(room), &found) != 0 || !found)
		return false;
	return *out = found->pw_uid, true;
}

/* "organisation--UUID", "person--UUID" or the bare UUID */
static bool parse_id(const char *text, struct uuid *out)
{
	str id = str_of(text);
	if (!text)
		return true;
	size_t at = str_find(id, STR("--"));
	return uuid_parse(at < id.n ? str_from(id, at + 2) : id, out);
}

static int save(struct cli *c, struct change *ch, const char *done)
{
	struct err err;
	if (store_write(c->node->store, write_change, ch, &err) != RC_OK)
		return cli_fail(c, &err);
	if (ch->waits)
		return cli_waits(c, ch->approval);
	node_socket_mode(c->node);
	cli_done(c, done, str_of(c->argv[1]));
	return 0;
}

static int make(struct cli *c)
{
	struct change ch = { .c = c, .run = run_new, .fresh = { .unix_uid = -1 } };
	const char *roles = cli_value(c, "--roles"), *uid = cli_value(c, "--unix");
	struct err err;
	if (c->argc != 2 || !roles)
		return cli_usage(c, "new needs a NAME and --roles");
	if (roles_parse(c->node->roles, str_of(roles), &ch.fresh.roles, &err) != RC_OK)
		return cli_fail(c, &err);
	if (uid && !parse_uid(uid, &ch.fresh.unix_uid))
		return cli_usage(c, "--unix takes a user of this machine, or its number");
	if (!parse_id(cli_value(c, "--organisation"), &ch.fresh.organisation) ||
	    !parse_id(cli_value(c, "--person"), &ch.fresh.person))
		return cli_usage(c, "--organisation and --person take an id");
	ch.fresh.name = str_of(c->argv[1]);
	ch.fresh.display = str_of(cli_value(c, "--display"));
	return save(c, &ch, "made");
}

static int set_roles(struct cli *c)
{
	struct change ch = { .c = c, .run = run_roles };
	struct err err;
	if (c->argc != 3)
		return cli_usage(c, "roles needs a NAME and the roles it shall have, comma between");
	if (roles_parse(c->node->roles, str_of(c->argv[2]), &ch.roles, &err) != RC_OK)
		return cli_fail(c, &err);
	return save(c, &ch, "roles");
}

static int set_unix(struct cli *c)
{
	struct change ch = { .c = c, .run = run_unix };
	if (c->argc != 3 || !parse_uid(c->argv[2], &ch.uid))
		return cli_usage(c, "unix needs a NAME and a user of this machine, its number, or none");
	return save(c, &ch, "unix");
}

static int simple(struct cli *c, enum rc (*run)(struct tx *, struct change *, struct err *),
		  const char *done)
{
	struct change ch = { .c = c, .run = run };
	if (c->argc != 2)
		return cli_usage(c, "one NAME is needed");
	return save(c, &ch, done);
}

static int disable(struct cli *c)
{
	return simple(c, run_disable, "disabled");
}

static int enable(struct cli *c)
{
	return simple(c, run_enable, "enabled");
}

static int list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ "id", COLUMN_NUMBER }, { .name = "name" }, { .name = "display" }, { .name = "roles" },
		{ "unix", COLUMN_NUMBER }, { "disabled", COLUMN_BOOL }, { "made", COLUMN_TIME },
		{ "last_seen", COLUMN_TIME },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct account *all = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	struct err err;
	enum rc rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = account_list(reader_conn(r), c->node->roles, c->a, &all, &count, &err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		const struct account *k = &all[i];
		struct buf roles = BUF_INIT(KIB(2));
		char id[24], uid[24] = "", made[40], seen[40];
		roles_format(c->node->roles, k->roles, &roles);
		snprintf(id, sizeof(id), "%lld", (long long)k->id);
		if (k->unix_uid >= 0)
			snprintf(uid, sizeof(uid), "%lld", (long long)k->unix_uid);
		str row[] = { str_of(id), k->name, k->display, arena_str(c->a, buf_str(&roles)), str_of(uid),
			      k->disabled ? STR("yes") : STR("no"), time_str(made, k->made_us),
			      k->last_seen_us ? time_str(seen, k->last_seen_us) : STR("never") };
		cli_row(&t, row);
		buf_free(&roles);
	}
	store_read_end(r);
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static const struct {
	const char *word;
	int (*run)(struct cli *c);
} words[] = {
	{ "list", list }, { "new", make }, { "roles", set_roles }, { "unix", set_unix },
	{ "disable", disable }, { "enable", enable },
};

static int run(struct cli *c)
{
	str word = c->argc ? str_of(c->argv[0]) : STR("list");
	int code = cli_may(c, viewer_manages_accounts(&c->viewer, c->node->roles));
	if (code)
		return code;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_eq(word, str_of(words[i].word)))
			return words[i].run(c);
	return cli_usage(c, "list, new, roles, unix, disable or enable");
}

const struct cli_command cli_account = {
	.name = "account",
	.brief = "people who sign in, and their roles",
	.usage = "account list | new NAME --roles ROLES [options] | roles NAME ROLES | unix NAME USER | disable NAME | enable NAME",
	.text = "Roles are viewer, analyst, duty, lead, liaison, protection, auditor, administrator and, for "
		"persons of organisations we serve, constituent; DIR/roles.json may change them and add others. A Unix "
		"user with an account may use the commands on DIR while the node serves it, with the account's rights.",
	.example = "ronda account -d demo new \"Analyst A\" --roles analyst",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
