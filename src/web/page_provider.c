/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in by passkey, and at an identity provider. */
#include "web/page.h"

/* --- passkeys --- */

static enum rc passkey_options(struct page *p, int64_t account, const struct passkey_challenge *c, str *out,
			       struct err *err)
{
	struct passkey have[PASSKEYS_OF_ONE];
	struct passkey_row *rows = NULL;
	struct account who;
	size_t n = 0;
	if (account == 0) { /* none is named: it would tell who has an account */
		*out = passkey_get_options(&p->w->site, c, NULL, 0, p->a);
		return RC_OK;
	}
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = account_by_id(reader_conn(p->r), p->w->n->roles, account, p->a, &who, err);
	if (rc == RC_OK)
		rc = passkeys_list(reader_conn(p->r), account, p->a, &rows, &n, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++)
		have[i] = rows[i].passkey;
	struct passkey_user user = { .id = passkey_handle(p->w->n->store, account, p->a), .name = who.name,
				     .display_name = who.display };
	*out = passkey_create_options(&p->w->site, c, &user, have, n, p->a);
	return RC_OK;
}

enum rc page_passkey_form(struct page *p, int64_t account, struct err *err)
{
	struct passkey_challenge c;
	struct ticket t = { .account = account };
	char text[SESSION_TEXT_BYTES];
	str options;
	if (p->w->site.origin.n == 0)
		return RC_OK;
	passkey_challenge_new(&c);
	enum rc rc = passkey_options(p, account, &c, &options, err);
	if (rc != RC_OK)
		return rc;
	memcpy(t.data, c.b, sizeof c.b);
	sessions_ticket_make(p->w->sessions, TICKET_PASSKEY, &t, clock_mono_us(), text);
	json_put_str(&p->j, "passkey_options", options);
	json_put_str(&p->j, "passkey_ticket", str_of(text));
	return RC_OK;
}

bool page_passkey_challenge(struct page *p, int64_t account, struct passkey_challenge *out)
{
	struct ticket t;
	if (!sessions_ticket_use(p->w->sessions, TICKET_PASSKEY, http_form(p->q, "ticket"), clock_mono_us(), &t) ||
	    t.account != account)
		return false;
	memcpy(out->b, t.data, sizeof out->b);
	return true;
}

enum rc page_login_passkey(struct page *p, struct err *err)
{
	struct passkey_challenge c;
	struct login_result in;
	if (!page_passkey_challenge(p, 0, &c))
		return fail(err, RC_DENIED, "this page is older than five minutes, or was used: load it again");
	enum rc rc = login_passkey(&p->w->login, &p->w->site, &c, http_form(p->q, "passkey"), &p->q->from, &in, err);
	return rc == RC_OK ? page_login_next(p, &in, http_form(p->q, "next"), err) : rc;
}

/* --- the provider --- */

static const char *flow_cookie(const struct http_request *q)
{
	return q->secure ? "__Host-ronda-flow" : "ronda-flow";
}

enum rc page_provider(struct page *p, struct err *err)
{
	struct oidc_flow flow;
	struct ticket t = { .token = 0 };
	char text[SESSION_TEXT_BYTES];
	str url;
	_Static_assert(sizeof flow <= sizeof t.data, "a flow fits a ticket");
	if (!p->w->oidc)
		return fail(err, RC_ABSENT, "no identity provider is set");
	enum rc rc = oidc_begin(p->w->oidc, &flow, &url, p->a, err);
	if (rc != RC_OK)
		return rc;
	memcpy(t.data, &flow, sizeof flow);
	sessions_ticket_make(p->w->sessions, TICKET_PROVIDER, &t, clock_mono_us(), text);
	/* Lax: the provider sends the browser back from another site. */
	page_cookie(p, flow_cookie(p->q), text, true, SESSION_LINK_US / SECOND_US);
	page_go(p, url);
	return RC_OK;
}

static enum rc roles_of(struct page *p, const struct oidc_claims *c, uint32_t *out, struct err *err)
{
	return login_group_roles(p->w->n->roles, settings_text(p->w->n->settings, "oidc_roles"), c->groups,
				 c->group_count, out, err);
}

enum rc page_provider_back(struct page *p, struct err *err)
{
	struct oidc_flow flow;
	struct oidc_claims claims;
	struct login_result in;
	struct ticket t;
	uint32_t roles = 0;
	if (!p->w->oidc)
		return fail(err, RC_ABSENT, "no identity provider is set");
	if (!sessions_ticket_use(p->w->sessions, TICKET_PROVIDER, http_cookie(p->q, flow_cookie(p->q)),
				 clock_mono_us(), &t))
		return fail(err, RC_DENIED, "this sign-in was not begun here, or took longer than five minutes");
	memcpy(&flow, t.data, sizeof flow);
	struct oidc_back back = { .state = http_query(p->q, "state"), .code = http_query(p->q, "code"),
				  .iss = http_query(p->q, "iss"), .error = http_query(p->q, "error") };
	enum rc rc = oidc_finish(p->w->oidc, &flow, &back, p->a, &claims, err);
	explicit_bzero(&flow, sizeof flow);
	if (rc == RC_OK)
		rc = roles_of(p, &claims, &roles, err);
	if (rc == RC_OK)
		rc = login_subject(&p->w->login, claims.issuer, claims.subject,
				   claims.username.n > 0 ? claims.username : claims.subject, roles, &p->q->from, &in,
				   err);
	if (rc != RC_OK)
		return rc;
	page_open_session(p, &in);
	page_cookie(p, flow_cookie(p->q), "", true, 0);
	/* Our own cookie does not come along on the way from another site: one click of ours first. */
	p->template = "arrived";
	p->title = "Signed in";
	p->form = FORM_HTML;
	return RC_OK;
}
