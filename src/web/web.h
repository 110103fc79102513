/* SPDX-License-Identifier: Apache-2.0 */
/* web.h: the pages and the API, one handler a route (routes.def), each making
 * one JSON document; suffix (.json, .csv) or Accept picks HTML, JSON or CSV.
 *
 * The right stands in the route row: a request is checked before its handler
 * runs. Sessions: a browser signs in at /login and gets a cookie
 * (__Host-ronda over TLS; SameSite=Strict, HttpOnly; 12 h at most, 30 min
 * idle); each form carries a token of the session. GET never changes anything. */
#ifndef RONDA_WEB_WEB_H
#define RONDA_WEB_WEB_H

#include "http/http.h"
#include "node/pipeline.h"

struct web;
MUST_CHECK enum rc web_new(struct node *n, struct web **out, struct err *err);
void web_free(struct web *w);
struct http_handlers web_handlers(struct web *w);
/* So that /metrics can tell of the listener; NULL before it ends. */
void web_watch(struct web *w, const struct http *http);
/* `address` as in "http://127.0.0.1:8420". Writes "ADDRESS/login?once=...": the
 * page behind it has one button, which signs in as operator, once, within five
 * minutes; for ./run. */
MUST_CHECK enum rc web_login_link(struct web *w, const char *address, char *out, size_t size,
				  struct err *err);

/* The same for an account: the session is this person's. RC_ABSENT: there is none. */
MUST_CHECK enum rc web_account_link(struct web *w, const char *address, str name, char *out, size_t size,
				    struct err *err);

/* The rows of routes.def. */
size_t web_route_count(void);
void web_route(size_t i, const char **method, const char **path, enum right *right);

#endif
