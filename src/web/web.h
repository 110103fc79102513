/* SPDX-License-Identifier: Apache-2.0 */
/* web.h: the pages and the API, one handler a route (routes.def), each making
 * one JSON document; suffix (.json, .csv) or Accept picks HTML, JSON or CSV.
 *
 * The right stands in the route row: a request is checked before its handler
 * runs. Sessions: a browser signs in at /login with a token and gets a cookie
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
/* "http://ADDRESS/login?once=..." works once, for five minutes; for ./run. */
MUST_CHECK enum rc web_login_link(struct web *w, const char *address, char *out, size_t size,
				  struct err *err);

#endif
