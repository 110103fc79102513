/* SPDX-License-Identifier: Apache-2.0 */
/* demo_desk.h: where the nodes of a demonstration ask whoever started them: who stands beside, cut one off, mend it
 * (node/beside.h is their side). A socket in the demonstration's folder, for the same user alone. */
#ifndef RONDA_CLI_DEMO_DESK_H
#define RONDA_CLI_DEMO_DESK_H

#include <sys/types.h>

#include "node/beside.h"

struct desk_team {
	const char *name, *dir, *address, *token;
	pid_t pid;           /* 0: does not run */
	bool cut;
};
/* A listening socket at `path`; -1: it cannot be, errno says why. */
int desk_open(const char *path);
/* One caller who waits there: reads his line, does it, answers. */
void desk_answer(int listener, struct desk_team *teams, unsigned count);

#endif
