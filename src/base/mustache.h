/* SPDX-License-Identifier: Apache-2.0 */
/* mustache.h: logic-less templates over JSON (the public Mustache spec:
 * interpolation, sections, inverted, comments, partials, delimiters), compiled
 * at start.
 *
 * Every value is escaped for what the template makes, which is said once, when
 * it is compiled. "{{{" and "{{&" do not compile: no unescaped way out exists.
 * Sections nest at most 32 deep; partials are resolved at compile time. A
 * compiled template is immutable. */
#ifndef RONDA_BASE_MUSTACHE_H
#define RONDA_BASE_MUSTACHE_H

#include "base/json.h"

struct mustache;
typedef str (*mustache_partial)(void *ctx, str name); /* its text; STR_NONE: absent */
/* What a value becomes:
 * HTML  & < > " ' ` are references
 * TEXT  as it is, without control characters but line end and tab
 * JSON  as between the quotes of a string (RFC 8259 section 7): "{{name}}"
 * FORM  percent-encoded, for a URL or a form (RFC 3986 section 2.1) */
enum mustache_form { MUSTACHE_HTML, MUSTACHE_TEXT, MUSTACHE_JSON, MUSTACHE_FORM };
/* `err` begins with the line of `text`: "line 3: section 'a' is not closed". */
MUST_CHECK enum rc mustache_compile_as(enum mustache_form form, str text, mustache_partial partial,
				       void *ctx, struct mustache **out, struct err *err);
/* The same as HTML. */
MUST_CHECK enum rc mustache_compile(str text, mustache_partial partial, void *ctx,
				    struct mustache **out, struct err *err);
void mustache_free(struct mustache *m);
/* RC_LIMIT: `out` went over its cap. */
MUST_CHECK enum rc mustache_render(const struct mustache *m, struct json_object *data,
				   struct buf *out, struct err *err);

#endif
