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
	/* Of ./run: Team A is the demonstration's, reports come in with it alone and by itself; team i serves at 127.0.0.(i + 1),
	 * as a browser keeps who is signed in by host; one more team is paired with Team A and switched off; the nodes may ask
	 * who stands beside (demo_desk.h). */
	bool tour;
	const char *every, *as;  /* as they were given; `every` may be NULL */
};
/* Until a signal ends it: then all of them end. Gives the exit code. */
int demo_region(struct cli *c, const struct region_options *o);

#endif
