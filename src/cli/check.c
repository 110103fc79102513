/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"
#include "node/node_records.h"
#include "node/node_settings.h"

static int run(struct cli *c)
{
	struct settings *s = NULL;
	struct err err;
	enum rc rc = node_settings_read(c->dir, c->sets, c->set_count, &s, &err);
	if (rc == RC_OK)
		rc = node_records_check(c->dir, s, &err);
	if (s)
		settings_free(s);
	if (rc != RC_OK)
		return cli_fail(c, &err);
	cli_printf(c, c->form == CLI_JSON ? "{\"sound\":true}\n" :
					    "%s/ronda.conf, types, roles, marks, holidays, lists, mappings and destinations are sound\n", c->dir);
	return 0;
}

const struct cli_command cli_check = {
	.name = "check",
	.brief = "test DIR/ronda.conf and the files beside it, and name the line that is wrong",
	.usage = "check",
	.text = "Changes nothing, also while the node runs. It reads ronda.conf again when it gets SIGHUP, and keeps what it\n"
		"had when that is wrong; types/, roles.json, marks.json, holidays.txt, mappings/ and the file of destinations are read when it\n"
		"starts, helplines.json and platforms.json when they are asked for. Templates are records: they are tested\n"
		"when they are written.",
	.example = "ronda check -d demo",
	.run = run,
};
