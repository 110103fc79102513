/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <signal.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	/* A reader that goes away is an error of one write, not the end of a node. */
	signal(SIGPIPE, SIG_IGN);
	/* Buffers of a batch are large and short-lived: taken from the system and
	 * given back, they do not leave holes behind in many arenas. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
	return cli_main(argc, argv);
}
