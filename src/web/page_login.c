/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

static bool local_path(str next)
{
	return next.n > 0 && next.n < 2048 && next.p[0] == '/' && str_is_plain(next) &&
	       !str_starts(next, STR("//")) && !str_has(next, '\\');
}

enum rc page_login(struct page *p, struct err *err)
{
	str next = http_query(p->q, "next"), once = http_query(p->q, "once");
	(void)err;
	p->template = "login";
	p->title = "Sign in";
	json_put_str(&p->j, "next", local_path(next) ? next : STR("/"));
	if (once.n > 0)
		json_put_str(&p->j, "once", once);
	json_put_bool(&p->j, "wrong", http_query(p->q, "wrong").n > 0);
	return RC_OK;
}

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

static void set_cookie(struct page *p, const char *value, int64_t seconds)
{
	answer_header(p->ans, "Set-Cookie",
		      arena_fmt(p->a, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
				cookie_name(p->q), value, (long long)seconds,
				p->q->secure ? "; Secure" : ""));
}

static void open_session(struct page *p, int64_t token)
{
	char id[SESSION_TEXT_BYTES];
	if (p->caller.by_session) /* the old one ends: a new id at each sign-in */
		sessions_end(p->w->sessions, http_cookie(p->q, cookie_name(p->q)));
	sessions_make(p->w->sessions, token, clock_mono_us(), id);
	set_cookie(p, id, SESSION_LIFE_US / SECOND_US);
	explicit_bzero(id, sizeof id);
}

enum rc page_sign_in(struct page *p, struct err *err)
{
	char fresh[TOKEN_TEXT_BYTES] = "";
	int64_t token = 0;
	str once = http_form(p->q, "once"), next = http_form(p->q, "next");
	enum rc rc = RC_OK;
	if (once.n == 0)
		rc = check_secret(p, fresh, &token, err);
	else if (!sessions_link_use(p->w->sessions, once, clock_mono_us(), &token))
		rc = fail(err, RC_DENIED, "this link was used, or is older than five minutes");
	if (rc == RC_DENIED && once.n == 0) {
		page_go(p, STR("/login?wrong=1"));
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	open_session(p, token);
	if (!fresh[0]) {
		page_go(p, local_path(next) ? next : STR("/"));
		return RC_OK;
	}
	p->template = "token";
	p->title = "Your token";
	p->form = FORM_HTML;
	json_put_str(&p->j, "token", str_of(fresh));
	explicit_bzero(fresh, sizeof fresh);
	return RC_OK;
}

enum rc page_sign_out(struct page *p, struct err *err)
{
	(void)err;
	sessions_end(p->w->sessions, http_cookie(p->q, cookie_name(p->q)));
	set_cookie(p, "", 0);
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
	sessions_link_make(w->sessions, m.id, clock_mono_us(), once);
	int n = snprintf(out, size, "%s/login?once=%s", address, once);
	return n > 0 && (size_t)n < size ? RC_OK : fail(err, RC_LIMIT, "no room for the link");
}
