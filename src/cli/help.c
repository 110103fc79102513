/* SPDX-License-Identifier: Apache-2.0 */
/* help.c: help, the manual page and shell completion, all from the rows of
 * commands.def and settings.def: they cannot say different things. */
#include "cli/cli_private.h"
#include "disclosure/account.h"
#include "node/node_settings.h"

#define GROUP(name, words)
#define COMMAND(name) extern const struct cli_command cli_##name;
#include "commands.def"
#undef COMMAND
#undef GROUP

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

static const char *caller_language(void)
{
	const char *l = getenv("LC_ALL");
	l = l && *l ? l : getenv("LC_MESSAGES");
	l = l && *l ? l : getenv("LANG");
	return l ? l : "";
}

/* "id_ID.UTF-8" asks for words in "id". */
static str language(void)
{
	str l = str_of(caller_language());
	size_t n = 0;
	while (n < l.n && l.p[n] >= 'a' && l.p[n] <= 'z')
		n++;
	return str_head(l, n);
}

/* Types of the node at DIR; when they cannot be read, why, and those built in. End with types_free. */
static struct types *load_types(struct cli *c)
{
	struct roles *roles = NULL;
	struct types *t = NULL;
	struct err err = { 0 };
	enum rc rc = roles_load(arena_fmt(c->a, "%s/roles.json", c->dir).p, &roles, &err);
	if (rc == RC_OK)
		rc = types_load(arena_fmt(c->a, "%s/types", c->dir).p, roles_names(roles), &t, &err);
	roles_free(roles);
	if (rc == RC_OK)
		return t;
	cli_talk(c, "ronda help: %s", err.text);
	roles = NULL;
	if (roles_load(NULL, &roles, &err) == RC_OK && types_load(NULL, roles_names(roles), &t, &err) != RC_OK)
		t = NULL;
	roles_free(roles);
	return t;
}

static void type_lines(struct cli *c)
{
	struct types *t = load_types(c);
	cli_print(c, STR("\nRecords: ronda TYPE list|show|new|edit|move|link|unlink|history|search|export|import|erase\n\n"));
	for (size_t i = 0; t && i < types_count(t); i++) {
		const struct type *one = types_at(t, i);
		const char *help = words_in(one->help, language());
		cli_printf(c, "  %-12s %s\n", one->name, *help ? help : words_in(one->label, language()));
	}
	types_free(t);
}

static void state_lines(struct cli *c, const struct type *t)
{
	for (size_t i = 0; i < t->state_count; i++) {
		const struct state *s = &t->states[i];
		cli_printf(c, "  %-16s %s", s->name, words_in(s->label, language()));
		for (size_t m = 0; m < s->move_count; m++)
			cli_printf(c, "%s%s", m ? ", " : " -> ", t->states[s->moves[m].to].name);
		cli_print(c, STR("\n"));
	}
}

static void field_lines(struct cli *c, const struct type *t)
{
	for (size_t i = 0; i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		cli_printf(c, "  %-16s %s (%s%s%s)%s\n", f->name, words_in(f->label, language()), kind_name(f->kind),
			   f->refers_to ? " to " : "", f->refers_to ? f->refers_to : "",
			   f->required_in ? " *" : "");
		for (size_t k = 0; k < f->choice_count; k++)
			cli_printf(c, "      %-14s %s\n", f->choices[k].name, words_in(f->choices[k].label, language()));
	}
}

/* Words that this type alone has. */
static void verb_lines(struct cli *c, const char *type)
{
	bool any = false;
	for (size_t i = 0; i < cli_verb_count; i++) {
		const struct cli_verb *v = cli_verbs[i];
		if (strcmp(v->type, type) != 0)
			continue;
		if (!any)
			cli_print(c, STR("\nIts own words:\n"));
		any = true;
		cli_printf(c, "  %-16s %s\n", v->word, v->brief);
		option_lines(c, v->options);
	}
}

/* False: there is no such type. */
static bool type_help(struct cli *c, const char *name)
{
	struct types *all = load_types(c);
	const struct type *t = all ? types_find(all, str_of(name)) : NULL;
	const struct cli_command *cmd = t ? cli_of_type(name, c->a) : NULL;
	if (cmd) {
		cli_printf(c, "ronda %s - %s\n\n%s\n\nusage: ronda %s\n\nFields (* must be there, in some state at "
			      "least):\n", name, words_in(t->plural, language()), words_in(t->help, language()), cmd->usage);
		field_lines(c, t);
		cli_print(c, STR("\nStates, and where each may move:\n"));
		state_lines(c, t);
		verb_lines(c, name);
		cli_printf(c, "\n'ronda help record' has the options. Example:\n  ronda %s -d demo list\n", name);
	}
	types_free(all);
	return cmd != NULL;
}

/* The heading before a command; NULL: it stands under the one above. */
static const char *group_before(const struct cli_command *cmd)
{
	static const struct {
		const struct cli_command *first;
		const char *words;
	} groups[] = {
#define GROUP(name, words) { &cli_##name, words },
#define COMMAND(name)
#include "commands.def"
#undef COMMAND
#undef GROUP
	};
	for (size_t i = 0; i < COUNT_OF(groups); i++)
		if (groups[i].first == cmd)
			return groups[i].words;
	return NULL;
}

static void overview(struct cli *c)
{
	cli_print(c, STR("ronda - reports of abuse in, the responsible party found, nothing lost\n\n"
			 "usage: ronda COMMAND [options]\n\n"));
	for (size_t i = 0; i < cli_command_count; i++) {
		const char *words = group_before(cli_commands[i]);
		if (words)
			cli_printf(c, "%s%s:\n\n", i ? "\n" : "", words);
		cli_printf(c, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->brief);
	}
	type_lines(c);
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

/* The types that are built in: a node may have more. */
static struct types *built_in(void)
{
	struct roles *roles = NULL;
	struct types *t = NULL;
	struct err err;
	if (roles_load(NULL, &roles, &err) == RC_OK && types_load(NULL, roles_names(roles), &t, &err) != RC_OK)
		t = NULL;
	roles_free(roles);
	return t;
}

static void manual_types(struct cli *c)
{
	struct types *t = built_in();
	cli_print(c, STR(".SH TYPES OF RECORDS\nEach is a command that takes what\n"));
	cli_print(c, STR(".B ronda record\ntakes behind a type; a node may have more in DIR/types.\n"));
	for (size_t i = 0; t && i < types_count(t); i++) {
		cli_printf(c, ".TP\n.B %s\n", types_at(t, i)->name);
		roff_line(c, "", words_in(types_at(t, i)->help, STR("en")));
		for (size_t k = 0; k < cli_verb_count; k++) {
			if (strcmp(cli_verbs[k]->type, types_at(t, i)->name) != 0)
				continue;
			cli_printf(c, ".IP\n.B ronda %s\n", cli_verbs[k]->type);
			roff_line(c, ".B ", cli_verbs[k]->usage);
			roff_line(c, "\\- ", cli_verbs[k]->brief);
		}
	}
	types_free(t);
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
	manual_types(c);
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
	struct types *t = built_in();
	for (size_t i = 0; t && i < types_count(t); i++)
		cli_printf(c, " %s", types_at(t, i)->name);
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
	for (size_t i = 0; t && i < types_count(t); i++)
		command_words(c, cli_of_type(types_at(t, i)->name, c->a));
	types_free(t);
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
		if (!cmd && !type_help(c, c->argv[0]))
			return cli_usage(c, "there is no such command; 'ronda help' lists them");
		if (cmd)
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
