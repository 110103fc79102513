/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include <pwd.h>

#include "disclosure/approval.h"
#include "disclosure/passkeys.h"
#include "disclosure/read_records.h"
#include "notify/sign_in.h"

static const struct cli_option options[] = {
	{ "--roles", 0, "ROLES", "with new: names of roles, comma or space between" },
	{ "--display", 0, "TEXT", "with new: the name as pages show it" },
	{ "--organisation", 0, "ID", "with new: whose person it is, when not ours" },
	{ "--person", 0, "ID", "with new: the record about this person" },
	{ "--unix", 0, "USER", "with new: the Unix user it has on this machine" },
	{ "--contact", 0, "ROLE", "with invite-constituent: by which of its contacts; without: the first that was confirmed" },
	{ "--name", 0, "NAME", "with invite-constituent: of the account; without: the organisation's name and the contact's role" },
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
	char text[TOKEN_TEXT_BYTES], hash[PASSWORD_HASH_SIZE];
	struct recovery codes;
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

/* To set what somebody else proves himself by is to become him: two persons. Who has proved nothing
 * yet was asked about when the account was made. */
static enum rc may_set(struct tx *tx, struct change *ch, const char *what, struct err *err)
{
	const struct account *a = &ch->account;
	struct cli *c = ch->c;
	bool go = true, fresh = !a->has_password && !a->has_totp && a->passkeys == 0 && a->subject.n == 0;
	struct approval_ask ask = { .kind = APPROVAL_KEY, .object = arena_fmt(c->a, "account:%lld", (long long)a->id),
				    .what = arena_fmt(c->a, "%s '" STR_FMT "'", what, STR_ARG(a->name)) };
	enum rc rc = fresh || a->id == c->viewer.account ?
			     RC_OK : approval_ask(tx, c->node->journal, c->node->roles, &c->viewer, &ask, &go,
						  &ch->approval, err);
	ch->waits = rc == RC_OK && !go;
	return rc;
}

static enum rc run_invite(struct tx *tx, struct change *ch, struct err *err)
{
	enum rc rc = may_set(tx, ch, "invitation for", err);
	if (rc != RC_OK || ch->waits)
		return rc;
	return account_invite(tx, ch->c->node->journal, ch->account.id, str_of(ch->c->viewer.actor), ch->text,
			      sizeof(ch->text), err);
}

static enum rc run_password(struct tx *tx, struct change *ch, struct err *err)
{
	enum rc rc = may_set(tx, ch, "password of", err);
	if (rc != RC_OK || ch->waits)
		return rc;
	return account_set_password(tx, ch->c->node->journal, ch->account.id, str_of(ch->hash),
				    str_of(ch->c->viewer.actor), err);
}

static enum rc run_no_totp(struct tx *tx, struct change *ch, struct err *err)
{
	enum rc rc = may_set(tx, ch, "no more one-time codes for", err);
	if (rc != RC_OK || ch->waits)
		return rc;
	return account_set_totp(tx, ch->c->node->journal, ch->c->node->secrets, ch->account.id, NULL, 0,
				str_of(ch->c->viewer.actor), err);
}

static enum rc run_codes(struct tx *tx, struct change *ch, struct err *err)
{
	enum rc rc = may_set(tx, ch, "new recovery codes for", err);
	if (rc != RC_OK || ch->waits)
		return rc;
	return account_new_codes(tx, ch->c->node->journal, ch->c->node->secrets, ch->account.id, &ch->codes,
				 str_of(ch->c->viewer.actor), err);
}

static enum rc run_no_passkey(struct tx *tx, struct change *ch, struct err *err)
{
	return passkey_remove(tx, ch->c->node->journal, ch->account.id, str_of(ch->c->argv[2]),
			      str_of(ch->c->viewer.actor), err);
}

static enum rc run_subject(struct tx *tx, struct change *ch, struct err *err)
{
	bool none = ch->c->argc == 3;
	enum rc rc = none ? RC_OK : may_set(tx, ch, arena_fmt(ch->c->a, "provider's '%s' at '%s' is", ch->c->argv[3],
							      ch->c->argv[2]).p, err);
	if (rc != RC_OK || ch->waits)
		return rc;
	return account_set_subject(tx, ch->c->node->journal, ch->account.id, str_of(ch->c->argv[2]),
				   none ? STR("") : str_of(ch->c->argv[3]), str_of(ch->c->viewer.actor), err);
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

/* Whoever is that person may do what is said of it by name. */
static enum rc run_person(struct tx *tx, struct change *ch, struct err *err)
{
	enum rc rc = uuid_is_zero(&ch->fresh.person) ? RC_OK :
		may_set(tx, ch, arena_fmt(ch->c->a, "person is %s", ch->c->argv[2]).p, err);
	if (rc != RC_OK || ch->waits)
		return rc;
	return account_set_person(tx, ch->c->node->journal, ch->account.id, ch->fresh.person,
				  str_of(ch->c->viewer.actor), err);
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

/* Where the node is seen: as set, else where it listens. */
static str base_url(struct cli *c)
{
	const struct settings *set = c->node->settings;
	str url = settings_text(set, "public_url");
	while (str_ends(url, STR("/")))
		url.n--;
	return url.n > 0 ? url : arena_fmt(c->a, "%s://" STR_FMT, settings_text(set, "tls_cert").n ? "https" : "http",
					   STR_ARG(settings_text(set, "listen")));
}

static int invite(struct cli *c)
{
	struct change ch = { .c = c, .run = run_invite };
	struct err err;
	if (c->argc != 2)
		return cli_usage(c, "one NAME is needed");
	if (store_write(c->node->store, write_change, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	if (ch.waits)
		return cli_waits(c, ch.approval);
	str link = arena_fmt(c->a, STR_FMT "/welcome?once=%s", STR_ARG(base_url(c)), ch.text);
	cli_done(c, "invitation", link);
	if (c->form != CLI_JSON)
		cli_printf(c, STR_FMT "\n", STR_ARG(link));
	cli_talk(c, "it works once, within three days; give it to the person by a way others do not read");
	return 0;
}

/* --- people of the organisations we serve --- */

struct inviting {
	struct change ch;
	str organisation, contact;
};

static enum rc invite_by_contact(struct tx *tx, void *ctx, struct err *err)
{
	struct inviting *k = ctx;
	struct cli *c = k->ch.c;
	int64_t id = 0;
	struct err why = { 0 };
	enum rc rc = account_by_name(tx_conn(tx), c->node->roles, k->ch.fresh.name, c->a, &k->ch.account, &why);
	if (rc == RC_OK)
		id = k->ch.account.id;
	else if (rc == RC_ABSENT && (rc = run_new(tx, &k->ch, err)) == RC_OK && !k->ch.waits)
		rc = account_by_name(tx_conn(tx), c->node->roles, k->ch.fresh.name, c->a, &k->ch.account, err);
	else if (rc != RC_OK)
		return rc == RC_ABSENT ? rc : fail(err, rc, "%s", why.text);
	if (rc != RC_OK || k->ch.waits)
		return rc;
	return sign_in_invite(tx, c->node->notify, id ? id : k->ch.account.id, k->contact, str_of(c->viewer.actor), err);
}

/* By its id; by number or name for who may read it. */
static enum rc find_contact(struct inviting *k, str *title_out, struct err *err)
{
	struct cli *c = k->ch.c;
	struct reader *r = NULL;
	struct record_view v = { 0 };
	struct buf title = BUF_INIT(KIB(8));
	const char *role = cli_value(c, "--contact");
	struct snapshot_ref *types = snapshot_hold(c->node->types);
	enum rc rc = store_read_begin(c->node->store, &r, err);
	k->organisation = str_of(c->argv[1]);
	if (rc == RC_OK && read_record(r, snapshot_table(types), &c->viewer, k->organisation, c->a, &v, NULL) == RC_OK) {
		k->organisation = record_view_id(&v, c->a);
		record_view_text(&v, record_view_type(&v)->title, &title);
	}
	if (rc == RC_OK)
		rc = sign_in_contact(reader_conn(r), snapshot_table(types), k->organisation, str_of(role ? role : ""), c->a,
				     &k->contact, err);
	*title_out = arena_str(c->a, buf_str(&title));
	record_view_end(&v);
	buf_free(&title);
	store_read_end(r);
	snapshot_drop(c->node->types, types);
	return rc;
}

static int invite_constituent(struct cli *c)
{
	struct inviting k = { .ch = { .c = c, .fresh = { .unix_uid = -1 } } };
	const char *name = cli_value(c, "--name");
	str title, role;
	struct err err;
	int bit = roles_find(c->node->roles, STR("constituent"));
	if (c->argc != 2)
		return cli_usage(c, "invite-constituent needs an ORGANISATION");
	if (settings_text(c->node->settings, "public_url").n == 0)
		return cli_usage(c, "setting public_url is empty: an invitation has no link");
	if (bit < 0 || !c->node->notify)
		return cli_usage(c, "there is no role 'constituent'");
	if (find_contact(&k, &title, &err) != RC_OK)
		return cli_fail(c, &err);
	role = k.contact;
	(void)str_cut(&role, '/');
	if (!name && title.n == 0)
		return cli_usage(c, "say --name: the organisation's own is not yours to read");
	k.ch.fresh.name = name ? str_of(name) : arena_fmt(c->a, STR_FMT "%s" STR_FMT, STR_ARG(str_head(title, 40)),
							  role.n ? " " : "", STR_ARG(role));
	k.ch.fresh.roles = UINT32_C(1) << bit;
	if (!parse_id(arena_z(c->a, k.organisation), &k.ch.fresh.organisation))
		return cli_usage(c, "that is no organisation");
	if (store_write(c->node->store, invite_by_contact, &k, &err) != RC_OK)
		return cli_fail(c, &err);
	if (k.ch.waits)
		return cli_waits(c, k.ch.approval);
	cli_done(c, "account", k.ch.fresh.name);
	cli_talk(c, "invited by " STR_FMT "; the link works once, within three days of now", STR_ARG(k.contact));
	return 0;
}

static enum rc read_account(struct cli *c, struct account *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(c->node->store, &r, err);
	if (rc == RC_OK)
		rc = account_by_name(reader_conn(r), c->node->roles, str_of(c->argv[1]), c->a, out, err);
	store_read_end(r);
	return rc;
}

static int password(struct cli *c)
{
	struct change ch = { .c = c, .run = run_password };
	struct account a;
	struct err err;
	str text = STR("");
	if (c->argc != 2)
		return cli_usage(c, "one NAME is needed; the password is read from standard input");
	enum rc rc = read_account(c, &a, &err);
	if (rc == RC_OK)
		rc = cli_read_secret(c, "New password", &text, &err);
	if (rc == RC_OK)
		rc = secrets_ready(c->node->secrets, &err);
	if (rc == RC_OK)
		rc = secrets_new_password(c->node->secrets, &a, text, ch.hash, &err);
	explicit_bzero((char *)text.p, text.n);
	return rc == RC_OK ? save(c, &ch, "password") : cli_fail(c, &err);
}

static int totp(struct cli *c)
{
	if (c->argc != 3 || !str_eq(str_of(c->argv[2]), STR("none")))
		return cli_usage(c, "totp NAME none takes one-time codes away; the person enrols them at /account");
	struct change ch = { .c = c, .run = run_no_totp };
	return save(c, &ch, "totp");
}

static int codes(struct cli *c)
{
	struct change ch = { .c = c, .run = run_codes };
	struct err err;
	if (c->argc != 2)
		return cli_usage(c, "one NAME is needed");
	if (store_write(c->node->store, write_change, &ch, &err) != RC_OK)
		return cli_fail(c, &err);
	if (ch.waits)
		return cli_waits(c, ch.approval);
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		cli_done(c, "code", str_of(ch.codes.codes[i]));
		if (c->form != CLI_JSON)
			cli_printf(c, "%s\n", ch.codes.codes[i]);
	}
	recovery_wipe(&ch.codes);
	return 0;
}

static int passkey_list(struct cli *c)
{
	static const struct cli_column columns[] = {
		{ .name = "id" }, { .name = "label" }, { "made", COLUMN_TIME }, { "last_used", COLUMN_TIME },
	};
	struct cli_table t = cli_table(c, columns, COUNT_OF(columns));
	struct passkey_row *rows = NULL;
	struct account a;
	struct reader *r = NULL;
	struct err err;
	size_t n = 0;
	enum rc rc = read_account(c, &a, &err);
	if (rc == RC_OK)
		rc = store_read_begin(c->node->store, &r, &err);
	if (rc == RC_OK)
		rc = passkeys_list(reader_conn(r), a.id, c->a, &rows, &n, &err);
	store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		char made[40], used[40];
		str row[] = { str_of(rows[i].id_hex), rows[i].label, time_str(made, rows[i].made_us),
			      rows[i].used_us ? time_str(used, rows[i].used_us) : STR("never") };
		cli_row(&t, row);
	}
	return rc == RC_OK ? 0 : cli_fail(c, &err);
}

static int passkey(struct cli *c)
{
	struct change ch = { .c = c, .run = run_no_passkey };
	if (c->argc == 2)
		return passkey_list(c);
	return c->argc == 3 ? save(c, &ch, "removed") : cli_usage(c, "passkey NAME lists them, passkey NAME ID removes one");
}

static int subject(struct cli *c)
{
	struct change ch = { .c = c, .run = run_subject };
	if (c->argc != 4 && !(c->argc == 3 && str_eq(str_of(c->argv[2]), STR("none"))))
		return cli_usage(c, "subject needs a NAME, the provider's issuer and the subject there, or none");
	return save(c, &ch, "subject");
}

static int person(struct cli *c)
{
	struct change ch = { .c = c, .run = run_person };
	bool none = c->argc == 3 && str_eq(str_of(c->argv[2]), STR("none"));
	if (c->argc != 3 || (!none && !parse_id(c->argv[2], &ch.fresh.person)))
		return cli_usage(c, "person needs a NAME and the id of the record about that person, or none");
	return save(c, &ch, "person");
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
		{ "unix", COLUMN_NUMBER }, { "password", COLUMN_BOOL }, { "totp", COLUMN_BOOL },
		{ "passkeys", COLUMN_NUMBER }, { "codes", COLUMN_NUMBER }, { "disabled", COLUMN_BOOL },
		{ "made", COLUMN_TIME }, { "last_seen", COLUMN_TIME },
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
		char id[24], uid[24] = "", keys[24], left[24], made[40], seen[40];
		roles_format(c->node->roles, k->roles, &roles);
		snprintf(id, sizeof(id), "%lld", (long long)k->id);
		if (k->unix_uid >= 0)
			snprintf(uid, sizeof(uid), "%lld", (long long)k->unix_uid);
		snprintf(keys, sizeof(keys), "%u", k->passkeys);
		snprintf(left, sizeof(left), "%u", k->codes_left);
		str row[] = { str_of(id), k->name, k->display, arena_str(c->a, buf_str(&roles)), str_of(uid),
			      k->has_password ? STR("yes") : STR("no"), k->has_totp ? STR("yes") : STR("no"),
			      str_of(keys), str_of(left),
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
	{ "disable", disable }, { "enable", enable }, { "invite", invite }, { "password", password },
	{ "invite-constituent", invite_constituent },
	{ "totp", totp }, { "codes", codes }, { "passkey", passkey }, { "subject", subject }, { "person", person },
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
	return cli_usage(c, "list, new, invite, invite-constituent, roles, unix, password, totp, codes, passkey, subject, person, disable or enable");
}

const struct cli_command cli_account = {
	.name = "account",
	.brief = "people who sign in, and their roles",
	.usage = "account list | new NAME --roles ROLES [options] | invite NAME | invite-constituent ORGANISATION | "
		 "roles NAME ROLES | unix NAME USER | "
		 "password NAME | totp NAME none | codes NAME | passkey NAME [ID] | subject NAME ISSUER SUBJECT | "
		 "person NAME ID | "
		 "disable NAME | enable NAME",
	.text = "Roles are viewer, analyst, duty, lead, liaison, protection, auditor, administrator and, for "
		"persons of organisations we serve, constituent; DIR/roles.json may change them and add others. A Unix "
		"user with an account may use the commands on DIR while the node serves it, with the account's rights. "
		"invite prints a link that lets the person choose a password; password reads one from standard input. "
		"invite-constituent makes an account for a person of an organisation we serve, if there is none, and sends the "
		"link to a contact of that organisation that was confirmed. "
		"In a large team what makes more of an account, or lets somebody become it, needs two persons.",
	.example = "ronda account -d demo new \"Analyst A\" --roles analyst",
	.options = options,
	.needs_node = true,
	.needs = CLI_NEEDS_ACCOUNT,
	.run = run,
};
