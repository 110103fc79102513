/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

#include <sodium.h>

enum { BASIC_MAX = 512 };

const char *cookie_name(const struct http_request *q)
{
	return q->secure ? "__Host-ronda" : "ronda";
}

/* The token behind "Authorization: Bearer ...", or STR_NONE. */
static str bearer(const struct http_request *q)
{
	str value = http_header(q, "authorization"), scheme = STR("Bearer ");
	if (str_starts(value, STR("ronda_"))) /* MISP and Cerebrate send their keys without a scheme */
		return str_trim(value);
	if (!str_starts_nocase(value, scheme))
		return STR_NONE;
	return str_trim(str_from(value, scheme.n));
}

/* Programs that show calendars know but a name and a password (RFC 7617): the token is the password.
 * Of pages for reading alone: browsers send it again by themselves. */
static str basic(const struct http_request *q, bool reads_only)
{
	str value = http_header(q, "authorization"), scheme = STR("Basic ");
	unsigned char *text = arena_alloc(q->a, BASIC_MAX);
	size_t n = 0;
	if ((reads_only && q->method != HTTP_GET) || !str_starts_nocase(value, scheme))
		return STR_NONE;
	value = str_trim(str_from(value, scheme.n));
	if (sodium_base642bin(text, BASIC_MAX, value.p, value.n, NULL, &n, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		return STR_NONE;
	str password = str_mem(text, n);
	(void)str_cut(&password, ':');
	return password.n > 0 ? password : STR_NONE;
}

/* A token of an account carries its roles. */
static bool add_roles(struct web *w, struct viewer *v)
{
	struct reader *r = NULL;
	if (!w->n->roles || store_read_begin(w->n->store, &r, NULL) != RC_OK)
		return false;
	enum rc rc = account_token_viewer(reader_conn(r), w->n->roles, v, NULL);
	store_read_end(r);
	return rc == RC_OK;
}

static void by_token(struct web *w, const struct http_request *q, str text, struct caller *out)
{
	struct viewer v;
	if (!guard_open(w->guard, &q->from)) {
		out->too_often = true;
		return;
	}
	out->known = token_check(w->n->store, text, &q->from, CHANNEL_API, &v, out->feed, NULL) == RC_OK &&
		     add_roles(w, &v);
	if (out->known)
		out->viewer = v;
	else
		guard_wrong(w->guard, &q->from);
}

/* A session of an account that must still add its second factor opens nothing else. */
static void cut_to_enrolling(struct viewer *v)
{
	v->right = RIGHT_SIGNED_IN;
	v->roles = 0;
	v->as = (struct recipient){ .kind = RECIPIENT_NONE };
	v->reads_no_case = true;
	v->exercise = false;
}

static enum rc account_again(struct web *w, struct caller *c, struct viewer *v)
{
	struct reader *r = NULL;
	struct account account;
	struct arena *a = arena_new(KIB(1));
	const struct session *s = &c->session;
	enum rc rc = store_read_begin(w->n->store, &r, NULL);
	if (rc == RC_OK)
		rc = account_viewer_again(reader_conn(r), w->n->roles, s->account, s->secrets, CHANNEL_SCREEN, v,
					  NULL);
	if (rc == RC_OK)
		rc = account_by_id(reader_conn(r), w->n->roles, s->account, a, &account, NULL);
	if (rc == RC_OK)
		(void)str_to_z(account.display, c->name, sizeof(c->name));
	store_read_end(r);
	arena_free(a);
	if (rc == RC_OK && s->enrols)
		cut_to_enrolling(v);
	v->seal = s->ring;
	return rc;
}

static void by_session(struct web *w, const struct http_request *q, str id, struct caller *out)
{
	struct viewer v;
	if (!sessions_find(w->sessions, id, clock_mono_us(), &out->session))
		return;
	enum rc rc = out->session.account ? account_again(w, out, &v) :
					    token_again(w->n->store, out->session.token, &q->from,
							CHANNEL_SCREEN, &v, NULL);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		sessions_end(w->sessions, id); /* its token was revoked, the account disabled or changed */
	if (rc != RC_OK || (out->session.account == 0 && !add_roles(w, &v)))
		return;
	out->known = out->by_session = true;
	out->viewer = v;
}

static void apply_policy(struct web *w, struct caller *out)
{
	if (policies_apply(w->n->policies, &out->viewer, NULL) != RC_OK) {
		out->known = false; /* without a policy nobody is anybody */
		out->viewer = viewer_public(CHANNEL_SCREEN);
	}
}

void identify(struct web *w, const struct http_request *q, struct caller *out)
{
	*out = (struct caller){ .viewer = viewer_public(CHANNEL_SCREEN) };
	str token = bearer(q), cookie = http_cookie(q, cookie_name(q));
	if (!token.p)
		token = basic(q, true);
	if (token.p)
		by_token(w, q, token, out);
	else if (cookie.n > 0)
		by_session(w, q, cookie, out);
	apply_policy(w, out);
}

void identify_program(struct web *w, const struct http_request *q, struct caller *out)
{
	*out = (struct caller){ .viewer = viewer_public(CHANNEL_API) };
	str token = bearer(q);
	if (!token.p)
		token = basic(q, false);
	if (token.p)
		by_token(w, q, token, out);
	apply_policy(w, out);
}

void caller_end(struct caller *c)
{
	seal_ring_drop(c->session.ring);
	c->session.ring = NULL;
	c->viewer.seal = NULL;
}

/* Our pages send no referrer, so browsers say "Origin: null" for our own forms
 * too: then Sec-Fetch-Site decides where there is one, and the token always. */
bool same_origin(const struct http_request *q)
{
	str site = http_header(q, "sec-fetch-site"), origin = http_header(q, "origin");
	if (site.p && !str_eq(site, STR("same-origin")) && !str_eq(site, STR("none")))
		return false;
	if (!origin.p || str_eq(origin, STR("null")))
		return true;
	str scheme = q->secure ? STR("https://") : STR("http://");
	return str_starts(origin, scheme) &&
	       str_eq_nocase(str_from(origin, scheme.n), http_header(q, "host"));
}
