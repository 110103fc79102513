/* SPDX-License-Identifier: Apache-2.0 */
/* assets.h: templates and mappings, built into the program (base/embed.c). */
#ifndef RONDA_NOTIFY_ASSETS_H
#define RONDA_NOTIFY_ASSETS_H

#include <stddef.h>

struct notify_asset {
	const char *name; /* "round.check.en.mustache", "thehive.json.mustache" */
	const char *p;
	size_t n;
};
extern const struct notify_asset notify_assets[];
extern const size_t notify_asset_count;

#endif
