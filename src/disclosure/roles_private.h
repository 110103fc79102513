/* SPDX-License-Identifier: Apache-2.0 */
/* roles_private.h: roles.json, built into the program (web/embed.c). */
#ifndef RONDA_DISCLOSURE_ROLES_PRIVATE_H
#define RONDA_DISCLOSURE_ROLES_PRIVATE_H

#include <stddef.h>

struct roles_file {
	const char *name; /* "roles.json" */
	const char *p;
	size_t n;
};
extern const struct roles_file roles_files[];
extern const size_t roles_file_count;

#endif
