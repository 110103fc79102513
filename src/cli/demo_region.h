/* SPDX-License-Identifier: Apache-2.0 */
/* demo_region.h: `ronda demo region`: several teams on this machine, each a node and a process of its
 * own, paired with each other, exchanging under an agreement. */
#ifndef RONDA_CLI_DEMO_REGION_H
#define RONDA_CLI_DEMO_REGION_H

#include "cli/cli.h"

struct region_options {
	const char *dir;
	unsigned teams;          /* 2 .. DEMO_TEAMS_MOST */
	unsigned port;           /* team i serves at port + 2 i, its partners at port + 2 i + 1 */
	int64_t every_us;        /* a report flows in with Team A so often */
	unsigned lines;          /* events in it */
};
/* Until a signal ends it: then all of them end. Gives the exit code. */
int demo_region(struct cli *c, const struct region_options *o);

#endif
