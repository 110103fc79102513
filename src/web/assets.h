/* SPDX-License-Identifier: Apache-2.0 */
/* assets.h: templates and the stylesheet, built into the program (embed.c). */
#ifndef RONDA_WEB_ASSETS_H
#define RONDA_WEB_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; /* "events.mustache", "style.css" */
	const char *p;
	size_t n;
};
extern const struct asset assets[];
extern const size_t asset_count;

#endif
