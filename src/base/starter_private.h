/* SPDX-License-Identifier: Apache-2.0 */
/* starter_private.h: what starter.c and the starter program say to each other.
 *
 * Node to starter, on the starter's socket: one starter_ask with two or three
 * handles (line, socket, area). Starter to node, on that line: STARTED or
 * FAILED, later ENDED. The node shuts its side of the line down, or
 * closes it, to have the child killed. Both programs are of one build, so plain structs do. */
#ifndef RONDA_BASE_STARTER_PRIVATE_H
#define RONDA_BASE_STARTER_PRIVATE_H

#include <stdint.h>

#include "base/starter.h"

struct starter_ask {
	char helper[32];
};

enum starter_word { STARTER_STARTED = 1, STARTER_FAILED, STARTER_ENDED };
struct starter_say {
	uint32_t word;
	int32_t pid;
	int32_t status; /* FAILED: errno; ENDED: as waitpid() gives it */
};

/* Which handle is what in a helper after exec; the starter's own socket too. */
enum { HELPER_SOCKET = 3, HELPER_AREA = 4 };

/* Tests start another starter program, which knows the test helpers. */
MUST_CHECK enum rc starter_new_named(const char *program, struct starter **out, struct err *err);

#endif
