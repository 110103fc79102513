/* SPDX-License-Identifier: Apache-2.0 */
/* document.h: a handler's one JSON document as a page, as CSV, or as it is.
 *
 * Templates are compiled once and then immutable; threads may share them. */
#ifndef RONDA_WEB_DOCUMENT_H
#define RONDA_WEB_DOCUMENT_H

#include "base/mustache.h"

#define PAGE_MAX MIB(16)

struct templates;
MUST_CHECK enum rc templates_new(struct templates **out, struct err *err);
void templates_free(struct templates *t);
/* Of the stylesheet: changes when it does. */
const char *templates_style_tag(const struct templates *t);
str templates_style(void);
str templates_passkey_script(void);
str templates_list_script(void);

/* `name` as in "events" (templates/events.mustache). Templates cannot say
 * "source.ip" (it means ip inside source): in every object in the document or in a
 * list of it, names with dots are there with '_' too; times are shortened. What
 * stands under a name ending in "url" is defanged there (hxxp, [.]): never a
 * link. The members of "event" are also listed as "fields": name, value. */
MUST_CHECK enum rc document_html(const struct templates *t, const char *name, str json,
				 struct buf *out, struct err *err);
/* The objects of the list "rows"; `columns` ends with NULL, or is NULL: all
 * names there are, in order of appearance. */
MUST_CHECK enum rc document_csv(str json, const char *const *columns, bool guard, struct buf *out,
				struct err *err);
/* hxxp://198[.]18[.]0[.]1/ */
void defang(struct buf *out, str url);

#endif
