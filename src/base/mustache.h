/* SPDX-License-Identifier: Apache-2.0 */
/* mustache.h: logic-less templates over JSON (the public Mustache spec:
 * interpolation, sections, inverted, comments, partials, delimiters), compiled
 * at start.
 *
 * Every value is HTML-escaped (& < > " ' `). "{{{" and "{{&" do not compile:
 * no unescaped way out exists. Sections nest at most 32 deep; partials are
 * resolved at compile time. A compiled template is immutable. */
#ifndef RONDA_BASE_MUSTACHE_H
#define RONDA_BASE_MUSTACHE_H

#include "base/json.h"

struct mustache;
typedef str (*mustache_partial)(void *ctx, str name); /* its text; STR_NONE: absent */
MUST_CHECK enum rc mustache_compile(str text, mustache_partial partial, void *ctx,
				    struct mustache **out, struct err *err);
void mustache_free(struct mustache *m);
/* RC_LIMIT: `out` went over its cap. */
MUST_CHECK enum rc mustache_render(const struct mustache *m, struct json_object *data,
				   struct buf *out, struct err *err);

#endif
