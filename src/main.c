/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "cli/cli.h"

int main(int argc, char **argv)
{
	/* A reader that goes away is an error of one write, not the end of a node. */
	signal(SIGPIPE, SIG_IGN);
	return cli_main(argc, argv);
}
