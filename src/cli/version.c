/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

static int run(struct cli *c)
{
	cli_printf(c, c->form == CLI_JSON ? "{\"version\":\"%s\"}\n" : "ronda %s\n", RONDA_VERSION);
	return 0;
}

const struct cli_command cli_version = {
	.name = "version",
	.brief = "which ronda this is",
	.usage = "version",
	.text = "Also as 'ronda --version'.",
	.example = "ronda version",
	.run = run,
};
