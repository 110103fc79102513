/* SPDX-License-Identifier: Apache-2.0 */
/* node_settings.h: the rows of settings.def as a table. */
#ifndef RONDA_NODE_NODE_SETTINGS_H
#define RONDA_NODE_NODE_SETTINGS_H

#include "base/io.h"
#include "base/settings.h"

extern const struct setting_row node_setting_rows[];
extern const size_t node_setting_count;

/* Reads DIR/ronda.conf (absent: defaults), the environment and `overrides`. */
MUST_CHECK enum rc node_settings_load(struct io_dir *dir, const char *const *overrides, size_t count,
				      struct settings **out, struct err *err);
/* The same by path. */
MUST_CHECK enum rc node_settings_read(const char *path, const char *const *overrides, size_t count,
				      struct settings **out, struct err *err);

#endif
