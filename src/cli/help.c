/* SPDX-License-Identifier: Apache-2.0 */
/* help.c: help, the manual page and shell completion, all from the rows of
 * commands.def and settings.def: they cannot say different things. */
#include "cli/cli_private.h"
#include "node/node_settings.h"

static void option_lines(struct cli *c, const struct cli_option *o)
{
	for (; o && o->name; o++) {
		char left[64];
		snprintf(left, sizeof(left), "%s%c%s%s%s%s", o->letter ? "-" : "", o->letter ? o->letter : ' ',
			 o->letter ? ", " : "", o->name, o->value ? " " : "", o->value ? o->value : "");
		cli_printf(c, "  %-26s %s\n", left[0] == ' ' ? left + 1 : left, o->brief);
	}
}

void cli_help_text(struct cli *c, const struct cli_command *cmd)
{
	cli_printf(c, "ronda %s - %s\n\nusage: ronda %s\n\n%s\n", cmd->name, cmd->brief, cmd->usage, cmd->text);
	if (cmd->options) {
		cli_print(c, STR("\nOptions:\n"));
		option_lines(c, cmd->options);
	}
	cli_print(c, STR("\nEverywhere:\n"));
	option_lines(c, cli_common_options);
	cli_printf(c, "\nExample:\n  %s\n", cmd->example);
}

static void overview(struct cli *c)
{
	cli_print(c, STR("ronda - reports of abuse in, the responsible party found, nothing lost\n\n"
			 "usage: ronda COMMAND [options]\n\n"));
	for (size_t i = 0; i < cli_command_count; i++)
		cli_printf(c, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->brief);
	cli_print(c, STR("\n'ronda help COMMAND' tells more; 'man ronda' has it all.\n"));
}

/* roff: a line must not start with a dot or quote, a backslash is \e, - is \-. */
static void roff(struct cli *c, const char *text)
{
	if (*text == '.' || *text == '\'')
		cli_print(c, STR("\\&"));
	for (; *text; text++) {
		if (*text == '\\')
			cli_print(c, STR("\\e"));
		else if (*text == '-')
			cli_print(c, STR("\\-"));
		else
			cli_print(c, str_mem(text, 1));
	}
}

static void roff_line(struct cli *c, const char *macro, const char *text)
{
	cli_print(c, str_of(macro));
	roff(c, text);
	cli_print(c, STR("\n"));
}

static void manual_options(struct cli *c, const struct cli_option *o)
{
	for (; o && o->name; o++) {
		cli_print(c, STR(".TP\n.B "));
		roff(c, o->name);
		if (o->value)
			cli_printf(c, " \\fI%s\\fR", o->value);
		cli_print(c, STR("\n"));
		roff_line(c, "", o->brief);
	}
}

static void manual(struct cli *c)
{
	cli_printf(c, ".TH RONDA 1 \"\" \"ronda %s\" \"User Commands\"\n.SH NAME\nronda \\- ", RONDA_VERSION);
	cli_print(c, STR("the watch that neighbours keep together: reports of abuse, whom they concern, what became "
			 "of them\n.SH SYNOPSIS\n.B ronda\n.I COMMAND\n[options]\n.SH COMMANDS\n"));
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *cmd = cli_commands[i];
		roff_line(c, ".SS ronda ", cmd->usage);
		roff_line(c, "", cmd->text);
		manual_options(c, cmd->options);
		cli_print(c, STR(".PP\nExample:\n.PP\n.nf\n"));
		roff_line(c, "    ", cmd->example);
		cli_print(c, STR(".fi\n"));
	}
	cli_print(c, STR(".SH OPTIONS OF ALL COMMANDS\n"));
	manual_options(c, cli_common_options);
	cli_print(c, STR(".SH SETTINGS\nDIR/ronda.conf has lines of the form \"name = value\".\n"));
	for (size_t i = 0; i < node_setting_count; i++) {
		const struct setting_row *row = &node_setting_rows[i];
		cli_printf(c, ".TP\n.B %s\n", row->name);
		roff_line(c, "", row->brief);
		cli_print(c, STR("Default: "));
		roff_line(c, "", row->fallback[0] ? row->fallback : "empty");
	}
	cli_print(c, STR(".SH EXIT STATUS\n0 done and on disk; 64 wrong usage; 65 wrong input; 66 no such thing; "
			 "73 a limit or a full disk; 74 the machine failed; 75 try later; 77 not allowed; "
			 "78 it changed meanwhile.\n.SH ENVIRONMENT\n.TP\n.B RONDA_DIR\nThe data directory when "
			 "\\-d is not given.\n"));
}

/* Its options, and the words its usage begins with: "list | show ID | retry [ID]". */
static void command_words(struct cli *c, const struct cli_command *cmd)
{
	str usage = str_of(cmd->usage);
	cli_printf(c, "\t%s) words=\"", cmd->name);
	for (const struct cli_option *o = cli_common_options; o->name; o++)
		cli_printf(c, "%s ", o->name);
	for (const struct cli_option *o = cmd->options; o && o->name; o++)
		cli_printf(c, "%s ", o->name);
	(void)str_cut(&usage, ' ');
	while (usage.n) {
		str part = str_trim(str_cut(&usage, '|')), word = str_cut(&part, ' ');
		if (str_eq(word, str_of(cmd->name))) /* "findings [options] | findings mark ID" */
			word = str_cut(&part, ' ');
		bool plain = word.n > 0;
		for (size_t i = 0; i < word.n; i++)
			plain = plain && word.p[i] >= 'a' && word.p[i] <= 'z';
		if (plain)
			cli_printf(c, STR_FMT " ", STR_ARG(word));
	}
	cli_print(c, STR("\" ;;\n"));
}

/* Files are offered behind a command; a value of --tlp and its kin from its short list. */
static void completion(struct cli *c)
{
	cli_print(c, STR("# bash completion of ronda, made from its own tables\n_ronda() {\n"
			 "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words\n"
			 "\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\twords=\""));
	for (size_t i = 0; i < cli_command_count; i++)
		cli_printf(c, "%s%s", i ? " " : "", cli_commands[i]->name);
	cli_print(c, STR("\"\n\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n\t\treturn\n\tfi\n"
			 "\tcase \"$prev\" in\n"
			 "\t--tlp|--ceiling) words=\"CLEAR GREEN AMBER AMBER+STRICT RED\" ;;\n"
			 "\t--right) words=\"read intake operate\" ;;\n"
			 "\t--severity) words=\"info low medium high critical\" ;;\n"
			 "\tesac\n\tif [ \"$words\" ]; then\n"
			 "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n\t\treturn\n\tfi\n"
			 "\tcase \"${COMP_WORDS[1]}\" in\n"));
	for (size_t i = 0; i < cli_command_count; i++)
		command_words(c, cli_commands[i]);
	cli_print(c, STR("\tesac\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"; compgen -f -- \"$cur\")\n}\n"
			 "complete -o filenames -F _ronda ronda\n"));
}

static int run(struct cli *c)
{
	str what = c->argc ? str_of(c->argv[0]) : STR("");
	if (what.n == 0) {
		overview(c);
	} else if (str_eq(what, STR("man"))) {
		manual(c);
	} else if (str_eq(what, STR("completion"))) {
		completion(c);
	} else {
		const struct cli_command *cmd = cli_find(c->argv[0]);
		if (!cmd)
			return cli_usage(c, "there is no such command; 'ronda help' lists them");
		cli_help_text(c, cmd);
	}
	return 0;
}

const struct cli_command cli_help = {
	.name = "help",
	.brief = "what commands there are, and how each is used",
	.usage = "help [COMMAND | man | completion]",
	.text = "'help man' prints the manual page, 'help completion' what bash needs to complete command lines.",
	.example = "ronda help intake",
	.run = run,
};
