/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in, by token, password or one-time link; and signing out. */
#include "web/page.h"

str page_next_path(str next)
{
	bool local = next.n > 0 && next.n < 2048 && next.p[0] == '/' && str_is_plain(next) &&
		     !str_starts(next, STR("//")) && !str_has(next, '\\');
	return local ? next : STR("/");
}

void page_cookie(struct page *p, const char *name, const char *value, bool lax, int64_t seconds)
{
	answer_header(p->ans, "Set-Cookie",
		      arena_fmt(p->a, "%s=%s; Path=/; HttpOnly; SameSite=%s; Max-Age=%lld%s", name, value,
				lax ? "Lax" : "Strict", (long long)seconds, p->q->secure ? "; Secure" : ""));
}

/* --- sessions --- */

/* A new id at each sign-in: the one there was ends. */
static void take_session(struct page *p, const char id[SESSION_TEXT_BYTES])
{
	if (p->caller.by_session)
		sessions_end(p->w->sessions, http_cookie(p->q, cookie_name(p->q)));
	caller_end(&p->caller);
	page_cookie(p, cookie_name(p->q), id, false, SESSION_LIFE_US / SECOND_US);
	p->caller.by_session = sessions_find(p->w->sessions, str_of(id), clock_mono_us(), &p->caller.session);
}

static void open_token_session(struct page *p, int64_t token)
{
	char id[SESSION_TEXT_BYTES];
	sessions_make(p->w->sessions, token, clock_mono_us(), id);
	take_session(p, id);
	explicit_bzero(id, sizeof id);
}

void page_open_session(struct page *p, const struct login_result *in)
{
	char id[SESSION_TEXT_BYTES];
	sessions_make_account(p->w->sessions, in->account, in->secrets, in->next == LOGIN_ENROLS, clock_mono_us(),
			      id);
	take_session(p, id);
	explicit_bzero(id, sizeof id);
}

/* --- the pages --- */

enum rc page_login(struct page *p, struct err *err)
{
	str once = http_query(p->q, "once"), wrong = http_query(p->q, "wrong");
	p->template = "login";
	p->title = "Sign in";
	json_put_str(&p->j, "next", page_next_path(http_query(p->q, "next")));
	json_put_bool(&p->j, "portal", p->w->n->settings && settings_bool(p->w->n->settings, "portal"));
	json_put_bool(&p->j, "provider", p->w->oidc != NULL);
	json_put_bool(&p->j, "wrong", wrong.n > 0 && !str_eq(wrong, STR("name")));
	json_put_bool(&p->j, "wrong_name", str_eq(wrong, STR("name")));
	if (once.n > 0) {
		json_put_str(&p->j, "once", once);
		return RC_OK;
	}
	return page_passkey_form(p, 0, err);
}

/* The step in between is a ticket in the page: it names nobody, and it is good for five codes. */
static void ask_second(struct page *p, const struct login_result *in, str next, bool wrong)
{
	char text[SESSION_TEXT_BYTES];
	struct ticket t = { .account = in->account, .secrets = in->secrets, .left = 5 };
	sessions_ticket_make(p->w->sessions, TICKET_SECOND, &t, clock_mono_us(), text);
	p->template = "second";
	p->title = "Second factor";
	p->form = FORM_HTML;
	json_put_str(&p->j, "ticket", str_of(text));
	json_put_str(&p->j, "next", page_next_path(next));
	json_put_bool(&p->j, "wrong", wrong);
	explicit_bzero(text, sizeof text);
}

enum rc page_login_next(struct page *p, const struct login_result *in, str next, struct err *err)
{
	switch (in->next) {
	case LOGIN_SECOND:
		ask_second(p, in, next, false);
		return page_passkey_form(p, 0, err);
	case LOGIN_ENROLS:
		page_open_session(p, in);
		page_go(p, STR("/account"));
		return RC_OK;
	case LOGIN_IN:
		page_open_session(p, in);
		page_go(p, page_next_path(next));
		return RC_OK;
	}
	return RC_OK;
}

static enum rc sign_in_by_name(struct page *p, struct err *err)
{
	struct login_result in;
	str next = http_form(p->q, "next");
	enum rc rc = login_password(&p->w->login, http_form(p->q, "name"), http_form(p->q, "password"),
				    &p->q->from, &in, err);
	if (rc == RC_DENIED) {
		page_go(p, STR("/login?wrong=name"));
		return RC_OK;
	}
	return rc == RC_OK ? page_login_next(p, &in, next, err) : rc;
}

enum rc page_second(struct page *p, struct err *err)
{
	struct ticket t;
	struct login_result in;
	str next = http_form(p->q, "next");
	if (!sessions_ticket_try(p->w->sessions, TICKET_SECOND, http_form(p->q, "ticket"), clock_mono_us(), &t))
		return fail(err, RC_DENIED, "this step was used, or is older than five minutes: sign in again");
	enum rc rc = login_second(&p->w->login, t.account, t.secrets, http_form(p->q, "code"), &p->q->from, &in,
				  err);
	if (rc == RC_OK) { /* the step is over, with tries left or not */
		while (sessions_ticket_try(p->w->sessions, TICKET_SECOND, http_form(p->q, "ticket"),
					   clock_mono_us(), &t))
			;
		return page_login_next(p, &in, next, err);
	}
	if (rc != RC_DENIED)
		return rc;
	p->template = "second";
	p->title = "Second factor";
	p->form = FORM_HTML;
	json_put_str(&p->j, "ticket", http_form(p->q, "ticket"));
	json_put_str(&p->j, "next", page_next_path(next));
	json_put_bool(&p->j, "wrong", true);
	return RC_OK;
}

/* --- by token --- */

/* "token:12" -> 12 */
static bool token_id(const struct viewer *v, int64_t *out)
{
	str actor = str_of(v->actor), head = STR("token:");
	return str_starts(actor, head) && str_to_i64(str_from(actor, head.n), out);
}

/* The set-up secret of a new node gives its first token: shown once. */
static enum rc use_setup(struct page *p, str text, char fresh[TOKEN_TEXT_BYTES], struct err *err)
{
	if (!str_starts(text, STR("ronda_setup_")))
		return RC_DENIED;
	return setup_secret_use(p->w->n->store, p->w->n->journal, text, &p->q->from, fresh,
				TOKEN_TEXT_BYTES, err);
}

static enum rc check_secret(struct page *p, char fresh[TOKEN_TEXT_BYTES], int64_t *token,
			    struct err *err)
{
	struct viewer v;
	struct store *s = p->w->n->store;
	str text = str_trim_all(http_form(p->q, "token"));
	if (!guard_enter(p->w->guard, &p->q->from))
		return fail(err, RC_BUSY, "too many wrong tries from this address; wait ten minutes");
	enum rc rc = use_setup(p, text, fresh, err);
	if (rc == RC_OK)
		rc = token_check(s, str_of(fresh), &p->q->from, CHANNEL_SCREEN, &v, NULL, err);
	else if (rc == RC_DENIED)
		rc = token_check(s, text, &p->q->from, CHANNEL_SCREEN, &v, NULL, err);
	guard_leave(p->w->guard, &p->q->from, rc == RC_OK);
	if (rc == RC_OK && !token_id(&v, token))
		rc = fail(err, RC_DENIED, "this token opens no session");
	return rc;
}

static enum rc sign_in_by_token(struct page *p, struct err *err)
{
	char fresh[TOKEN_TEXT_BYTES] = "";
	int64_t token = 0;
	enum rc rc = check_secret(p, fresh, &token, err);
	if (rc == RC_DENIED) {
		page_go(p, STR("/login?wrong=1"));
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	open_token_session(p, token);
	if (!fresh[0]) {
		page_go(p, page_next_path(http_form(p->q, "next")));
		return RC_OK;
	}
	p->template = "token";
	p->title = "Your token";
	p->form = FORM_HTML;
	json_put_str(&p->j, "token", str_of(fresh));
	explicit_bzero(fresh, sizeof fresh);
	return RC_OK;
}

static enum rc sign_in_by_link(struct page *p, str once, struct err *err)
{
	struct ticket t;
	struct login_result in;
	if (!sessions_ticket_use(p->w->sessions, TICKET_LINK, once, clock_mono_us(), &t))
		return fail(err, RC_DENIED, "this link was used, or is older than five minutes");
	if (t.account == 0) {
		open_token_session(p, t.token);
		page_go(p, page_next_path(http_form(p->q, "next")));
		return RC_OK;
	}
	enum rc rc = login_account(&p->w->login, t.account, "link", &p->q->from, &in, err);
	return rc == RC_OK ? page_login_next(p, &in, http_form(p->q, "next"), err) : rc;
}

enum rc page_sign_in(struct page *p, struct err *err)
{
	str once = http_form(p->q, "once");
	if (once.n > 0)
		return sign_in_by_link(p, once, err);
	return http_form(p->q, "name").p ? sign_in_by_name(p, err) : sign_in_by_token(p, err);
}

enum rc page_sign_out(struct page *p, struct err *err)
{
	(void)err;
	sessions_end(p->w->sessions, http_cookie(p->q, cookie_name(p->q)));
	page_cookie(p, cookie_name(p->q), "", false, 0);
	page_go(p, STR("/login"));
	return RC_OK;
}

/* --- the link of ./run --- */

struct making {
	struct web *w;
	char text[TOKEN_TEXT_BYTES];
	int64_t id;
};

static enum rc make_token(struct tx *tx, void *ctx, struct err *err)
{
	struct making *m = ctx;
	struct token_new t = { .label = STR("sign-in link"), .right = RIGHT_OPERATE, .ceiling = TLP_RED,
			       .personal_basis = true, .expires_us = tx_now_us(tx) + SESSION_LIFE_US };
	return token_make(tx, m->w->n->journal, &t, STR("node"), m->text, sizeof m->text, &m->id, err);
}

enum rc web_login_link(struct web *w, const char *address, char *out, size_t size, struct err *err)
{
	struct making m = { .w = w };
	char once[SESSION_TEXT_BYTES];
	enum rc rc = store_write(w->n->store, make_token, &m, err);
	explicit_bzero(m.text, sizeof m.text); /* nobody needs it: the session names it by id */
	if (rc != RC_OK)
		return rc;
	struct ticket t = { .token = m.id };
	sessions_ticket_make(w->sessions, TICKET_LINK, &t, clock_mono_us(), once);
	int n = snprintf(out, size, "%s/login?once=%s", address, once);
	return n > 0 && (size_t)n < size ? RC_OK : fail(err, RC_LIMIT, "no room for the link");
}

enum rc web_account_link(struct web *w, const char *address, str name, char *out, size_t size,
			 struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct account account;
	struct reader *r = NULL;
	char once[SESSION_TEXT_BYTES];
	enum rc rc = store_read_begin(w->n->store, &r, err);
	if (rc == RC_OK)
		rc = account_by_name(reader_conn(r), w->n->roles, name, a, &account, err);
	store_read_end(r);
	if (rc == RC_OK) {
		struct ticket t = { .account = account.id };
		sessions_ticket_make(w->sessions, TICKET_LINK, &t, clock_mono_us(), once);
		int n = snprintf(out, size, "%s/login?once=%s", address, once);
		rc = n > 0 && (size_t)n < size ? RC_OK : fail(err, RC_LIMIT, "no room for the link");
	}
	arena_free(a);
	return rc;
}
