/* SPDX-License-Identifier: Apache-2.0 */
#include "web/page.h"

const char *cookie_name(const struct http_request *q)
{
	return q->secure ? "__Host-ronda" : "ronda";
}

/* The token behind "Authorization: Bearer ...", or STR_NONE. */
static str bearer(const struct http_request *q)
{
	str value = http_header(q, "authorization"), scheme = STR("Bearer ");
	if (!str_starts_nocase(value, scheme))
		return STR_NONE;
	return str_trim(str_from(value, scheme.n));
}

static void by_token(struct web *w, const struct http_request *q, str text, struct caller *out)
{
	struct viewer v;
	if (!guard_enter(w->guard, &q->from)) {
		out->too_often = true;
		return;
	}
	out->known = token_check(w->n->store, text, &q->from, CHANNEL_API, &v, out->feed, NULL) == RC_OK;
	guard_leave(w->guard, &q->from, out->known);
	if (out->known)
		out->viewer = v;
}

static void by_session(struct web *w, const struct http_request *q, str id, struct caller *out)
{
	struct viewer v;
	if (!sessions_find(w->sessions, id, clock_mono_us(), &out->session))
		return;
	if (token_again(w->n->store, out->session.token, &q->from, CHANNEL_SCREEN, &v, NULL) != RC_OK) {
		sessions_end(w->sessions, id); /* its token was revoked or is over */
		return;
	}
	out->known = out->by_session = true;
	out->viewer = v;
}

void identify(struct web *w, const struct http_request *q, struct caller *out)
{
	*out = (struct caller){ .viewer = viewer_public(CHANNEL_SCREEN) };
	str token = bearer(q), cookie = http_cookie(q, cookie_name(q));
	if (token.p)
		by_token(w, q, token, out);
	else if (cookie.n > 0)
		by_session(w, q, cookie, out);
	if (out->known && w->n->policy.number >= out->viewer.policy.number)
		out->viewer.policy = w->n->policy;
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
