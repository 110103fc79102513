/* SPDX-License-Identifier: Apache-2.0 */
/* One's own account: password, one-time codes, recovery codes, passkeys. Each change asks for the
 * password (where there is one), ends all sessions of the account and opens this one anew. */
#include "web/page.h"

enum rc page_own_account(struct page *p, struct account *out, struct err *err)
{
	if (!p->caller.by_session || p->caller.session.account == 0)
		return fail(err, RC_ABSENT, "a token has no account: sign in with a name");
	enum rc rc = page_reader(p, err);
	return rc == RC_OK ? account_by_id(reader_conn(p->r), p->w->n->roles, p->caller.session.account, p->a, out,
					   err) : rc;
}

/* --- what it shows --- */

static enum rc put_passkeys(struct page *p, const struct account *a, struct err *err)
{
	struct passkey_row *rows = NULL;
	size_t n = 0;
	enum rc rc = passkeys_list(reader_conn(p->r), a->id, p->a, &rows, &n, err);
	json_key(&p->j, STR("passkeys"));
	json_open(&p->j, '[');
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "id", str_of(rows[i].id_hex));
		json_put_str(&p->j, "label", rows[i].label);
		json_put_time(&p->j, "made", rows[i].made_us);
		if (rows[i].used_us > 0)
			json_put_time(&p->j, "used", rows[i].used_us);
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	return rc == RC_OK ? page_passkey_form(p, a->id, err) : rc;
}

static void put_account(struct page *p, const struct account *a)
{
	struct buf roles = BUF_INIT(KIB(2));
	roles_format(p->w->n->roles, a->roles, &roles);
	json_put_str(&p->j, "name", a->name);
	json_put_str(&p->j, "display", a->display);
	json_put_str(&p->j, "roles", buf_str(&roles));
	json_put_bool(&p->j, "has_password", a->has_password);
	json_put_bool(&p->j, "has_totp", a->has_totp);
	json_put_i64(&p->j, "codes_left", a->codes_left);
	json_put_bool(&p->j, "must_enrol", p->caller.session.enrols);
	json_put_bool(&p->j, "ask_password", a->has_password && !p->caller.session.enrols);
	buf_free(&roles);
}

enum rc page_account(struct page *p, struct err *err)
{
	struct account a;
	p->template = "account";
	p->title = "Your account";
	enum rc rc = page_own_account(p, &a, err);
	if (rc != RC_OK)
		return rc;
	put_account(p, &a);
	return put_passkeys(p, &a, err);
}

/* --- changes --- */

struct change {
	struct page *p;
	struct account account;
	enum rc (*run)(struct tx *tx, struct change *c, struct err *err);
	str hash, label, passkey_id;
	struct totp_secret totp;
	int64_t step;
	const struct passkey *passkey;
	struct recovery codes;
	int64_t secrets; /* after it */
};

static enum rc write_change(struct tx *tx, void *ctx, struct err *err)
{
	struct change *c = ctx;
	struct account after;
	enum rc rc = c->run(tx, c, err);
	if (rc == RC_OK)
		rc = account_by_id(tx_conn(tx), c->p->w->n->roles, c->account.id, c->p->a, &after, err);
	if (rc == RC_OK)
		c->secrets = after.secrets;
	return rc;
}

/* Writes, and goes on in a session with a new id. `enrols`: still without the factor it needs. */
static enum rc save(struct change *c, bool enrols, struct err *err)
{
	enum rc rc = store_write(c->p->w->n->store, write_change, c, err);
	struct login_result in = { .next = enrols ? LOGIN_ENROLS : LOGIN_IN, .account = c->account.id,
				   .secrets = c->secrets };
	if (rc == RC_OK)
		page_open_session(c->p, &in);
	return rc;
}

/* Whoever finds an open browser must not take the account over. */
static enum rc ask_password(struct page *p, const struct account *a, struct err *err)
{
	struct login_result in;
	if (!a->has_password || p->caller.session.enrols)
		return RC_OK;
	enum rc rc = login_password(&p->w->login, a->name, http_form(p->q, "password"), &p->q->from, &in, err);
	return rc == RC_DENIED ? fail(err, RC_DENIED, "your password is wrong") : rc;
}

static str actor_of(const struct change *c)
{
	return str_of(c->p->caller.viewer.actor);
}

static enum rc run_password(struct tx *tx, struct change *c, struct err *err)
{
	return account_set_password(tx, c->p->w->n->journal, c->account.id, c->hash, actor_of(c), err);
}

static enum rc change_password(struct change *c, struct err *err)
{
	char hash[PASSWORD_HASH_SIZE];
	enum rc rc = secrets_new_password(c->p->w->n->secrets, &c->account, http_form(c->p->q, "new"), hash, err);
	c->hash = str_of(hash);
	c->run = run_password;
	if (rc == RC_OK)
		rc = save(c, c->p->caller.session.enrols, err);
	explicit_bzero(hash, sizeof hash);
	if (rc == RC_OK)
		page_go(c->p, STR("/account"));
	return rc;
}

/* The secret is shown, and kept in memory until a code proves that the device has it. */
static enum rc begin_totp(struct change *c, struct err *err)
{
	struct page *p = c->p;
	struct ticket t = { .account = c->account.id, .left = 5 };
	struct totp_secret secret = totp_secret_new();
	struct buf base32 = BUF_INIT(KIB(1)), uri = BUF_INIT(KIB(4));
	char text[SESSION_TEXT_BYTES];
	(void)err;
	totp_secret_format(&base32, &secret);
	totp_uri(&uri, &secret, store_node_name(p->w->n->store), c->account.name);
	(void)str_to_z(buf_str(&base32), t.data, sizeof t.data);
	sessions_ticket_make(p->w->sessions, TICKET_TOTP, &t, clock_mono_us(), text);
	p->template = "totp";
	p->title = "One-time codes";
	p->form = FORM_HTML;
	json_put_str(&p->j, "ticket", str_of(text));
	json_put_str(&p->j, "secret", buf_str(&base32));
	json_put_str(&p->j, "uri", buf_str(&uri));
	page_qr(p, buf_str(&uri));
	explicit_bzero(&secret, sizeof secret);
	explicit_bzero(&t, sizeof t);
	buf_free(&base32);
	buf_free(&uri);
	return RC_OK;
}

static enum rc show_codes(struct change *c)
{
	struct page *p = c->p;
	p->template = "codes";
	p->title = "Recovery codes";
	p->form = FORM_HTML;
	json_key(&p->j, STR("codes"));
	json_open(&p->j, '[');
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		json_open(&p->j, '{');
		json_put_str(&p->j, "code", str_of(c->codes.codes[i]));
		json_close(&p->j, '}');
	}
	json_close(&p->j, ']');
	recovery_wipe(&c->codes);
	return RC_OK;
}

static enum rc run_codes(struct tx *tx, struct change *c, struct err *err)
{
	return account_new_codes(tx, c->p->w->n->journal, c->p->w->n->secrets, c->account.id, &c->codes, actor_of(c),
				 err);
}

/* With the first one-time code come the recovery codes: for the day the device is lost. */
static enum rc run_totp(struct tx *tx, struct change *c, struct err *err)
{
	enum rc rc = account_set_totp(tx, c->p->w->n->journal, c->p->w->n->secrets, c->account.id, &c->totp, c->step,
				      actor_of(c), err);
	return rc == RC_OK ? run_codes(tx, c, err) : rc;
}

static enum rc confirm_totp(struct change *c, struct err *err)
{
	struct page *p = c->p;
	struct ticket t;
	if (!sessions_ticket_try(p->w->sessions, TICKET_TOTP, http_form(p->q, "ticket"), clock_mono_us(), &t) ||
	    t.account != c->account.id || !totp_secret_parse(str_of(t.data), &c->totp))
		return fail(err, RC_DENIED, "this page is older than five minutes, or was used: begin again");
	enum rc rc = totp_check(&c->totp, http_form(p->q, "code"), clock_now_us(), 0, &c->step, err);
	explicit_bzero(&t, sizeof t);
	if (rc == RC_DENIED || rc == RC_INPUT)
		return fail(err, RC_INPUT, "the code does not fit: look at the clock of the device, go back and try again");
	c->run = run_totp;
	if (rc == RC_OK)
		rc = save(c, false, err);
	explicit_bzero(&c->totp, sizeof c->totp);
	return rc == RC_OK ? show_codes(c) : rc;
}

static enum rc new_codes(struct change *c, struct err *err)
{
	c->run = run_codes;
	/* Codes alone are no second factor to work with: they are for the day it is lost. */
	if (c->p->caller.session.enrols)
		return fail(err, RC_DENIED, "enrol one-time codes or a passkey first");
	enum rc rc = save(c, false, err);
	return rc == RC_OK ? show_codes(c) : rc;
}

static enum rc run_no_totp(struct tx *tx, struct change *c, struct err *err)
{
	return account_set_totp(tx, c->p->w->n->journal, c->p->w->n->secrets, c->account.id, NULL, 0, actor_of(c),
				err);
}

static enum rc remove_totp(struct change *c, struct err *err)
{
	c->run = run_no_totp;
	if (roles_second_factor(c->p->w->n->roles, c->account.roles) && c->account.passkeys == 0)
		return fail(err, RC_DENIED, "your roles ask for a second factor: add a passkey first");
	enum rc rc = save(c, false, err);
	if (rc == RC_OK)
		page_go(c->p, STR("/account"));
	return rc;
}

static enum rc run_add(struct tx *tx, struct change *c, struct err *err)
{
	return passkey_add(tx, c->p->w->n->journal, c->account.id, c->passkey, c->label, actor_of(c), err);
}

static enum rc add_passkey(struct change *c, struct err *err)
{
	struct page *p = c->p;
	struct passkey_challenge challenge;
	struct passkey kept;
	if (!page_passkey_challenge(p, c->account.id, &challenge))
		return fail(err, RC_DENIED, "this page is older than five minutes, or was used: load it again");
	enum rc rc = passkey_register(&p->w->site, &challenge, http_form(p->q, "passkey"), p->a, &kept, err);
	c->passkey = &kept;
	c->label = http_form(p->q, "label");
	c->run = run_add;
	if (rc == RC_OK)
		rc = save(c, false, err);
	if (rc == RC_OK)
		page_go(p, STR("/account"));
	return rc;
}

static enum rc run_remove(struct tx *tx, struct change *c, struct err *err)
{
	return passkey_remove(tx, c->p->w->n->journal, c->account.id, c->passkey_id, actor_of(c), err);
}

static enum rc remove_passkey(struct change *c, struct err *err)
{
	c->run = run_remove;
	c->passkey_id = http_form(c->p->q, "id");
	if (roles_second_factor(c->p->w->n->roles, c->account.roles) && c->account.passkeys < 2 &&
	    !c->account.has_totp)
		return fail(err, RC_DENIED, "your roles ask for a second factor: enrol one-time codes first");
	enum rc rc = save(c, false, err);
	if (rc == RC_OK)
		page_go(c->p, STR("/account"));
	return rc;
}

static const struct {
	const char *word;
	enum rc (*run)(struct change *c, struct err *err);
	bool asks; /* for the password; a step that follows one that asked does not */
} steps[] = {
	{ "password", change_password, true }, { "totp", begin_totp, true }, { "totp-confirm", confirm_totp, false },
	{ "totp-remove", remove_totp, true }, { "codes", new_codes, true }, { "passkey", add_passkey, true },
	{ "passkey-remove", remove_passkey, true },
};

enum rc page_account_change(struct page *p, struct err *err)
{
	struct change *c = ARENA_NEW(p->a, struct change);
	c->p = p;
	size_t i = 0;
	while (i < COUNT_OF(steps) && !str_eq(p->item, str_of(steps[i].word)))
		i++;
	if (i == COUNT_OF(steps))
		return fail(err, RC_ABSENT, "there is nothing here");
	enum rc rc = page_own_account(p, &c->account, err);
	if (rc == RC_OK && steps[i].asks)
		rc = ask_password(p, &c->account, err);
	return rc == RC_OK ? steps[i].run(c, err) : rc;
}

/* --- an invitation --- */

enum rc page_welcome(struct page *p, struct err *err)
{
	struct account a;
	int64_t id = 0;
	str once = http_query(p->q, "once");
	p->template = "welcome";
	p->title = "Welcome";
	if (!guard_enter(p->w->guard, &p->q->from))
		return fail(err, RC_BUSY, "too many wrong tries from this address; wait ten minutes");
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = account_invited(reader_conn(p->r), p->w->n->store, once, clock_now_us(), &id, err);
	guard_leave(p->w->guard, &p->q->from, rc != RC_DENIED);
	if (rc == RC_OK)
		rc = account_by_id(reader_conn(p->r), p->w->n->roles, id, p->a, &a, err);
	if (rc != RC_OK)
		return rc;
	json_put_str(&p->j, "once", once);
	json_put_str(&p->j, "name", a.name);
	return RC_OK;
}

enum rc page_welcome_set(struct page *p, struct err *err)
{
	struct login_result in;
	enum rc rc = login_welcome(&p->w->login, http_form(p->q, "once"), http_form(p->q, "new"), &p->q->from, &in,
				   err);
	return rc == RC_OK ? page_login_next(p, &in, STR("/account"), err) : rc;
}
