/* SPDX-License-Identifier: Apache-2.0 */
/* settings.h: ronda.conf, its types and ranges.
 *
 * One row of settings.def says all about a setting: name, type, default,
 * least, most, sentence. Order: file < environment (RONDA_NAME) < option
 * (--set name=value). Lines are "name = value", '#' starts a comment. A bad
 * file is refused whole, with the line; a running node then keeps what it had
 * (SIGHUP reads again). A struct settings never changes once loaded. */
#ifndef RONDA_BASE_SETTINGS_H
#define RONDA_BASE_SETTINGS_H

#include "base/arena.h"
#include "base/buf.h"

enum setting_type { SETTING_INT, SETTING_SIZE, SETTING_DURATION, SETTING_BOOL, SETTING_TEXT };

struct setting_row {
	const char *name;
	enum setting_type type;
	const char *fallback, *least, *most; /* text as in the file; least, most "" when none */
	const char *brief;
};

struct settings;

/* `rows` is static. `file` may be STR_NONE; `file_name` names it in errors.
 * `overrides`: "name=value" strings of the command line. */
MUST_CHECK enum rc settings_load(const struct setting_row *rows, size_t count, str file,
				 const char *file_name, char *const *environment,
				 const char *const *overrides, size_t override_count,
				 struct settings **out, struct err *err);
void settings_free(struct settings *s);

/* Sizes in bytes, durations in microseconds. An unknown name is our bug. */
int64_t settings_int(const struct settings *s, const char *name);
bool settings_bool(const struct settings *s, const char *name);
str settings_text(const struct settings *s, const char *name);
/* "default", "file", "environment", "option" */
const char *settings_source(const struct settings *s, const char *name);
/* As it would stand in the file. */
void settings_format(const struct settings *s, const char *name, struct buf *out);

#endif
