/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"
#include "node/node_settings.h"

static int run(struct cli *c)
{
	struct settings *s = NULL;
	struct err err;
	if (node_settings_read(c->dir, c->sets, c->set_count, &s, &err) != RC_OK)
		return cli_fail(c, &err);
	settings_free(s);
	cli_printf(c, c->form == CLI_JSON ? "{\"sound\":true}\n" : "%s/ronda.conf is sound\n", c->dir);
	return 0;
}

const struct cli_command cli_check = {
	.name = "check",
	.brief = "test DIR/ronda.conf and name the line that is wrong",
	.usage = "check",
	.text = "Changes nothing; a running node does the same test when it gets SIGHUP and keeps what it had when it fails.",
	.example = "ronda check -d demo",
	.run = run,
};
