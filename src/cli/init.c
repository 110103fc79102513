/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include "node/control.h"

static const struct cli_option options[] = {
	{ "--name", 0, "NAME", "the team's name, as partners will see it" },
	{ "--country", 0, "CC", "its country, two letters (ISO 3166)" },
	{ .name = NULL },
};

static int run(struct cli *c)
{
	const char *name = cli_value(c, "--name"), *country = cli_value(c, "--country");
	const char *dir = c->argc == 1 ? c->argv[0] : c->dir;
	struct err err;
	char secret[128];
	if (c->argc > 1)
		return cli_usage(c, "one directory at a time");
	if (!name || !country)
		return cli_usage(c, "--name and --country are needed");
	if (node_create(dir, name, country, secret, sizeof(secret), &err) != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON) {
		struct json_out j = json_out(c->pending);
		json_open(&j, '{');
		json_put_str(&j, "directory", str_of(dir));
		json_put_str(&j, "name", str_of(name));
		json_put_str(&j, "setup_secret", str_of(secret));
		json_close(&j, '}');
		cli_print(c, STR("\n"));
	} else {
		cli_printf(c, "%s\n", secret);
		cli_talk(c, "node '%s' is in %s; the line on standard output is its set-up secret:", name, dir);
		cli_talk(c, "it is shown this once and makes the first token, in the browser or by "
			    "'ronda token -d %s make LABEL --right operate'", dir);
	}
	return 0;
}

const struct cli_command cli_init = {
	.name = "init",
	.brief = "make a node's data directory",
	.usage = "init DIR --name NAME --country CC",
	.text = "DIR must not exist, or be empty. It will hold everything the node keeps; 'ronda backup' makes "
		"an encrypted copy while the node runs. The set-up secret is printed once.",
	.example = "ronda init demo --name \"Team B\" --country ID",
	.options = options,
	.run = run,
};
