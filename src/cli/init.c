/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_private.h"

#include <pwd.h>

#include "node/control.h"

static const struct cli_option options[] = {
	{ "--name", 0, "NAME", "the team's name, as partners will see it" },
	{ "--country", 0, "CC", "its country, two letters (ISO 3166)" },
	{ "--team", 0, "SIZE", "small (one person has several roles) or large; asked when not given, else small" },
	{ "--account", 0, "NAME", "the name of your account (default: your Unix user name)" },
	{ .name = NULL },
};

/* On a terminal the question is asked; a script gets the small team. */
static const char *ask_team(struct cli *c)
{
	char line[32];
	if (!c->progress || isatty(c->in) != 1)
		return "small";
	cli_talk(c, "A small team: one person has several roles, and what needs two persons is shown to all the "
		    "next morning instead.\nA large team: each its role, and two persons for what matters.");
	cli_write(c, c->talk, STR("small or large? [small] "));
	long n = cli_read(c, c->in, line, sizeof(line));
	str answer = str_trim_all(str_mem(line, n > 0 ? (size_t)n : 0));
	return answer.n == 0 ? "small" : arena_z(c->a, answer);
}

static const char *unix_name(struct cli *c)
{
	struct passwd one, *found = NULL;
	char room[4096];
	if (getuid() == 0 || getpwuid_r(getuid(), &one, room, sizeof(room), &found) != 0 || !found)
		return "owner";
	return arena_z(c->a, str_of(found->pw_name));
}

static int run(struct cli *c)
{
	const char *name = cli_value(c, "--name"), *country = cli_value(c, "--country");
	const char *team = cli_value(c, "--team"), *account = cli_value(c, "--account");
	const char *dir = c->argc == 1 ? c->argv[0] : c->dir;
	struct err err;
	char secret[128];
	if (c->argc > 1)
		return cli_usage(c, "one directory at a time");
	if (!name || !country)
		return cli_usage(c, "--name and --country are needed");
	str size = str_of(team ? team : ask_team(c));
	if (!str_eq(size, STR("small")) && !str_eq(size, STR("large")))
		return cli_usage(c, "the team is small or large");
	struct node_founder founder = { .team = str_eq(size, STR("large")) ? TEAM_LARGE : TEAM_SMALL,
					.account = account ? account : unix_name(c), .uid = getuid() };
	if (node_create_for(dir, name, country, &founder, secret, sizeof(secret), &err) != RC_OK)
		return cli_fail(c, &err);
	if (c->form == CLI_JSON) {
		struct json_out j = json_out(c->pending);
		json_open(&j, '{');
		json_put_str(&j, "directory", str_of(dir));
		json_put_str(&j, "name", str_of(name));
		json_put_str(&j, "team", size);
		json_put_str(&j, "account", str_of(founder.account));
		json_put_str(&j, "setup_secret", str_of(secret));
		json_close(&j, '}');
		cli_print(c, STR("\n"));
	} else {
		cli_printf(c, "%s\n", secret);
		cli_talk(c, "node '%s' is in %s; the line on standard output is its set-up secret:", name, dir);
		cli_talk(c, "it is shown this once and makes the first token, in the browser or by "
			    "'ronda token -d %s make LABEL --right operate'", dir);
		cli_talk(c, "you are '%s' there, in a " STR_FMT " team; 'ronda account -d %s' lists and makes accounts",
			 founder.account, STR_ARG(size), dir);
	}
	return 0;
}

const struct cli_command cli_init = {
	.name = "init",
	.brief = "make a node's data directory",
	.usage = "init DIR --name NAME --country CC [--team small|large] [--account NAME]",
	.text = "DIR must not exist, or be empty. It will hold everything the node keeps; 'ronda backup' "
		"makes an encrypted copy while the node runs. The set-up secret is printed once. Your Unix user gets the "
		"first account: with every role but the auditor's in a small team, the administrator's in a large one.",
	.example = "ronda init demo --name \"Team B\" --country ID",
	.options = options,
	.run = run,
};
