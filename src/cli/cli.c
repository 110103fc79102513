/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli_private.h"
#include "disclosure/seal.h"
#include "node/control.h"

#define GROUP(name, words)
#define COMMAND(name) extern const struct cli_command cli_##name;
#include "commands.def"
#undef COMMAND

const struct cli_command *const cli_commands[] = {
#define COMMAND(name) &cli_##name,
#include "commands.def"
#undef COMMAND
#undef GROUP
};
const size_t cli_command_count = COUNT_OF(cli_commands);

const struct cli_option cli_common_options[] = {
	{ "--dir", 'd', "DIR", "the node's data directory (default: $RONDA_DIR, else .)" },
	{ "--json", 0, NULL, "results as JSON" },
	{ "--csv", 0, NULL, "results as CSV" },
	{ "--set", 0, "NAME=VALUE", "a setting for this call, over file and environment" },
	{ "--help", 'h', NULL, "this text" },
	{ .name = NULL },
};
enum { OPT_DIR, OPT_JSON, OPT_CSV, OPT_SET, OPT_HELP };
enum { SETS_MAX = 32 };

const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; i < cli_command_count; i++)
		if (str_eq(str_of(cli_commands[i]->name), str_of(name)))
			return cli_commands[i];
	return NULL;
}

static size_t count_options(const struct cli_option *o)
{
	size_t n = 0;
	while (o && o[n].name)
		n++;
	return n;
}

/* An option that two verbs have stands there once. */
static const struct cli_option *add_options(const struct cli_option *to, const struct cli_option *more,
					    struct arena *a)
{
	size_t n = count_options(to);
	struct cli_option *all = ARENA_ARRAY(a, n + count_options(more) + 1, struct cli_option);
	memcpy(all, to, n * sizeof(*all));
	for (; more && more->name; more++) {
		bool known = false;
		for (size_t i = 0; i < n; i++)
			known = known || strcmp(all[i].name, more->name) == 0;
		if (!known)
			all[n++] = *more;
	}
	return all;
}

const struct cli_command *cli_of_type(const char *name, struct arena *a)
{
	if (!type_name_ok(str_of(name)))
		return NULL;
	struct cli_command *cmd = ARENA_NEW(a, struct cli_command);
	str usage = str_of(cli_record.usage);
	*cmd = cli_record;
	cmd->name = arena_z(a, str_of(name));
	cmd->usage = arena_fmt(a, "%s" STR_FMT, name, STR_ARG(str_from(usage, strlen("record TYPE")))).p;
	for (size_t i = 0; i < cli_verb_count; i++) {
		if (strcmp(cli_verbs[i]->type, name) != 0)
			continue;
		cmd->usage = arena_fmt(a, "%s | %s", cmd->usage, cli_verbs[i]->usage).p;
		cmd->options = add_options(cmd->options, cli_verbs[i]->options, a);
	}
	return cmd;
}

bool cli_type_known(const char *dir, const char *name)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/types/%s.json", dir, name);
	if (type_is_built_in(str_of(name)))
		return true;
	/* a folder that is not the caller's to look into: the node that serves it knows */
	return type_name_ok(str_of(name)) && n > 0 && (size_t)n < sizeof(path) &&
	       (access(path, F_OK) == 0 || errno == EACCES);
}

/* "id_ID.UTF-8" is "id-ID"; "": nothing is set. */
static str language_of_caller(struct arena *a)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
	str value = STR("");
	for (size_t i = 0; value.n == 0 && i < COUNT_OF(names); i++)
		value = str_of(getenv(names[i]));
	value = str_head(value, str_index(str_head(value, str_index(value, '@')), '.'));
	if (value.n > 35 || str_eq(value, STR("C")) || str_eq(value, STR("POSIX")))
		return STR("");
	char *text = arena_z(a, value);
	for (size_t i = 0; i < value.n; i++)
		text[i] = (char)(text[i] == '_' ? '-' : text[i]);
	return str_mem(text, value.n);
}

/* A node that serves does not have the caller's environment: the language goes with the line. */
static char **with_language(int *argc, char **argv, struct arena *a)
{
	str language = language_of_caller(a);
	if (language.n == 0)
		return argv;
	char **more = ARENA_ARRAY(a, (size_t)*argc + 3, char *);
	more[0] = argv[0];
	more[1] = argv[1];
	more[2] = arena_z(a, STR("--language"));
	more[3] = arena_z(a, language);
	for (int i = 2; i < *argc; i++)
		more[i + 2] = argv[i];
	*argc += 2;
	return more;
}

/* --- output: buffered, to the caller's own handles --- */

bool cli_flush(struct cli *c)
{
	if (c->pending->n && !cli_write(c, c->out, buf_str(c->pending)))
		c->broken = true;
	buf_reset(c->pending);
	return !c->broken;
}

void cli_print(struct cli *c, str s)
{
	if (c->pending->n + s.n > KIB(64))
		cli_flush(c);
	if (s.n > KIB(64))
		c->broken = c->broken || !cli_write(c, c->out, s);
	else
		buf_add(c->pending, s);
}

void cli_printf(struct cli *c, const char *fmt, ...)
{
	char text[2048], *whole = NULL;
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n >= (int)sizeof(text)) {
		whole = x_alloc((size_t)n + 1);
		(void)vsnprintf(whole, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	va_end(ap);
	if (n > 0)
		cli_print(c, str_mem(whole ? whole : text, (size_t)n));
	free(whole);
}

/* What others said stands in what we say, a partner's server that refuses us for one: its bytes must not move the reader's
 * cursor (table.c: put_cell()). */
static void without_controls(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)text[i];
		bool c1 = ch == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] < 0xa0;
		if ((ch < 0x20 && ch != '\n' && ch != '\t') || ch == 0x7f || c1)
			text[i] = '?';
		if (c1)
			text[++i] = '?';
	}
}

void cli_talk(struct cli *c, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	size_t len = (size_t)n < sizeof(text) - 1 ? (size_t)n : sizeof(text) - 2;
	without_controls(text, len);
	text[len++] = '\n';
	cli_write(c, c->talk, str_mem(text, len));
}

int cli_fail(struct cli *c, const struct err *err)
{
	cli_rows_end(c);
	cli_flush(c);
	cli_talk(c, "ronda %s: %s", c->command->name, err->text);
	return rc_exit_code(err->rc);
}

const char *cli_value(const struct cli *c, const char *option)
{
	for (size_t i = 0; c->command->options && c->command->options[i].name; i++)
		if (str_eq(str_of(c->command->options[i].name), str_of(option)))
			return c->values[i];
	return NULL;
}

int cli_usage(struct cli *c, const char *what)
{
	cli_talk(c, "ronda %s: %s", c->command->name, what);
	cli_talk(c, "usage: ronda %s", c->command->usage);
	return 64; /* sysexits: EX_USAGE */
}

/* --- reading a command line --- */

struct line {
	const char *common[COUNT_OF(cli_common_options)];
	const char *sets[SETS_MAX];
	size_t set_count;
	const char **values; /* the command's own */
	char **rest;
	int rest_count;
};

static bool option_matches(const struct cli_option *o, const char *arg, const char **inline_value)
{
	size_t n = strlen(o->name);
	*inline_value = NULL;
	if (arg[0] == '-' && arg[1] == o->letter && o->letter) {
		if (arg[2])
			*inline_value = arg + 2;
		return arg[2] == '\0' || o->value;
	}
	if (strncmp(arg, o->name, n) != 0)
		return false;
	if (arg[n] == '=')
		*inline_value = arg + n + 1;
	return arg[n] == '\0' || arg[n] == '=';
}

static const struct cli_option *find_option(const struct cli_option *list, const char *arg,
					    size_t *at, const char **value)
{
	for (*at = 0; list && list[*at].name; ++*at)
		if (option_matches(&list[*at], arg, value))
			return &list[*at];
	return NULL;
}

static const char *parse_line(const struct cli_command *cmd, int argc, char **argv, struct line *l,
			      struct arena *a)
{
	bool only_files = false;
	l->rest = ARENA_ARRAY(a, (size_t)argc + 1, char *);
	size_t own = 0;
	while (cmd->options && cmd->options[own].name)
		own++;
	l->values = ARENA_ARRAY(a, own + 1, const char *);
	for (int i = 0; i < argc; i++) {
		size_t at;
		const char *value;
		if (only_files || argv[i][0] != '-' || argv[i][1] == '\0') {
			l->rest[l->rest_count++] = argv[i];
			continue;
		}
		if (str_eq(str_of(argv[i]), STR("--"))) {
			only_files = true;
			continue;
		}
		const struct cli_option *o = find_option(cli_common_options, argv[i], &at, &value);
		const char **to = o ? &l->common[at] : NULL;
		if (!o && (o = find_option(cmd->options, argv[i], &at, &value)))
			to = &l->values[at];
		if (!o)
			return arena_fmt(a, "there is no option '%s'", argv[i]).p;
		if (o->value && !value && ++i == argc)
			return arena_fmt(a, "option '%s' needs %s", o->name, o->value).p;
		if (!o->value && value)
			return arena_fmt(a, "option '%s' takes no value", o->name).p;
		*to = o->value ? (value ? value : argv[i]) : "";
		if (o == &cli_common_options[OPT_SET]) {
			if (l->set_count == SETS_MAX)
				return "too many --set";
			l->sets[l->set_count++] = *to;
		}
	}
	return NULL;
}

/* --- running one --- */

static void take_line(struct cli *c, const struct line *l)
{
	c->values = l->values;
	c->argc = l->rest_count;
	c->argv = l->rest;
	c->form = l->common[OPT_JSON] ? CLI_JSON : l->common[OPT_CSV] ? CLI_CSV : CLI_TEXT;
	c->progress = isatty(c->talk) == 1;
	c->terminal = isatty(c->out) == 1;
}

int cli_may(struct cli *c, bool may)
{
	struct err err;
	if (may)
		return 0;
	struct journal_act act = { .act = "refusal", .actor = str_of(c->viewer.actor),
				   .object = str_of(c->command->name) };
	if (journal_write(c->node->journal, &act, &err) != RC_OK)
		log_error(c->node->log, "a refusal could not be journalled", L_Z("why", err.text));
	(void)fail(&err, RC_DENIED, "your account does not have the right for this");
	return cli_fail(c, &err);
}

static bool has_needs(const struct cli *c)
{
	switch (c->command->needs) {
	case CLI_NEEDS_OPERATE: return right_includes(c->viewer.right, RIGHT_OPERATE);
	case CLI_NEEDS_READ: return right_includes(c->viewer.right, RIGHT_READ);
	case CLI_NEEDS_ACCOUNT: return right_includes(c->viewer.right, RIGHT_SIGNED_IN);
	}
	return false;
}

static bool needs_node(const struct cli *c)
{
	const char *but = c->command->without_node;
	return c->command->needs_node && !(but && c->argc && str_eq(str_of(c->argv[0]), str_of(but)));
}

/* Whoever may not open the directory is refused here; what is no command of a node he runs himself. */
static int admit(struct cli *c, uint32_t uid)
{
	struct err err = { 0 };
	if (!needs_node(c) && c->served && c->foreign) {
		(void)fail(&err, RC_DENIED, "a node runs this for its own Unix user only");
		return cli_fail(c, &err);
	}
	if (!needs_node(c))
		return 0;
	if (node_viewer_unix(c->node, uid, &c->viewer, &err) != RC_OK)
		return cli_fail(c, &err);
	return cli_may(c, has_needs(c));
}

static int run_and_flush(struct cli *c, uint32_t uid)
{
	int code = admit(c, uid);
	if (code == 0)
		code = c->command->run(c);
	seal_ring_drop(c->viewer.seal);
	c->viewer.seal = NULL;
	cli_rows_end(c);
	if (!cli_flush(c) && code == 0)
		code = rc_exit_code(RC_IO);
	return code;
}

int cli_run_in_node(void *ctx, struct node *n, int argc, char **argv, const int fds[3], int dir_fd,
		    uint32_t uid)
{
	(void)ctx;
	struct arena *a = arena_new(KIB(16));
	struct buf pending = BUF_INIT(KIB(128));
	struct line l = { .set_count = 0 };
	struct cli c = { .node = n, .dir = n->dir, .in = fds[0], .out = fds[1], .talk = fds[2],
			 .dir_fd = dir_fd, .a = a, .pending = &pending,
			 .viewer = viewer_public(CHANNEL_CLI), .served = true,
			 .foreign = uid != 0 && uid != geteuid() };
	int code = 64;
	c.command = argc > 0 ? cli_find(argv[0]) : NULL;
	if (argc > 0 && !c.command && cli_type_known(n->dir, argv[0]))
		c.command = cli_of_type(argv[0], a);
	const char *wrong = c.command ? parse_line(c.command, argc - 1, argv + 1, &l, a) :
					"there is no such command";
	if (!c.command) {
		static const struct cli_command none = { .name = "" };
		c.command = &none;
		cli_talk(&c, "ronda: %s", wrong);
	} else if (wrong) {
		code = cli_usage(&c, wrong);
	} else if (l.set_count && !c.command->takes_signals) {
		code = cli_usage(&c, "--set has no effect while a node serves this directory; "
				     "change ronda.conf and send it SIGHUP");
	} else {
		take_line(&c, &l);
		code = run_and_flush(&c, uid);
	}
	buf_free(&pending);
	arena_free(a);
	return code;
}

/* Another process that ends, begins or does one short thing holds the directory for a moment: it is waited
 * for, and asked as soon as it answers. */
enum { WAIT_STEP_MS = 50 };
#define WAIT_HELD_US (10 * SECOND_US)
#define WAIT_SAID_US SECOND_US

/* RC_OK: the node is ours, or `*served_out` and `*code_out` is what the one that serves gave. */
static enum rc open_or_ask(struct cli *c, const struct node_options *o, int argc, char **argv, bool *served_out,
			   int *code_out, struct err *err)
{
	int64_t began = clock_mono_us();
	bool said = false;
	for (;;) {
		enum rc rc = control_call(c->dir, argc, argv, code_out, err);
		*served_out = rc == RC_OK;
		if (rc != RC_ABSENT)
			return rc;
		rc = node_open(c->dir, o, &c->node, err);
		int64_t waited = clock_mono_us() - began;
		if (rc != RC_BUSY || waited >= WAIT_HELD_US)
			return rc;
		if (!said && waited >= WAIT_SAID_US) {
			cli_talk(c, "ronda: waiting for another process that holds '%s'", c->dir);
			said = true;
		}
		nanosleep(&(struct timespec){ .tv_nsec = WAIT_STEP_MS * 1000000L }, NULL);
	}
}

static int run_here(struct cli *c, const struct line *l, int argc, char **argv)
{
	struct node_options o = { .overrides = l->sets, .override_count = l->set_count,
				  .parsers = c->command->needs_parsers ||
					     cli_verb_asks_helpers(c->command->name, c->argc, c->argv) };
	struct err err = { 0 };
	bool served = false;
	int code = 0;
	if (c->command->takes_signals) {
		/* Before the first thread: all of them then leave these to the one that waits. */
		sigset_t signals;
		sigemptyset(&signals);
		sigaddset(&signals, SIGTERM);
		sigaddset(&signals, SIGINT);
		sigaddset(&signals, SIGHUP);
		sigaddset(&signals, SIGCHLD);
		pthread_sigmask(SIG_BLOCK, &signals, NULL);
	}
	if (needs_node(c) && open_or_ask(c, &o, argc, argv, &served, &code, &err) != RC_OK) {
		if (err.rc == RC_BUSY)
			cli_talk(c, "ronda: another process holds '%s' and does not answer on its socket",
				 c->dir);
		return cli_fail(c, &err);
	}
	if (served)
		return code;
	code = run_and_flush(c, getuid());
	node_close(c->node);
	return code;
}

static int dispatch(struct cli *c, int argc, char **argv)
{
	struct line l = { .set_count = 0 };
	const char *wrong = parse_line(c->command, argc - 2, argv + 2, &l, c->a);
	if (wrong)
		return cli_usage(c, wrong);
	take_line(c, &l);
	const char *from_env = getenv("RONDA_DIR");
	c->dir = l.common[OPT_DIR] ? l.common[OPT_DIR] : from_env ? from_env : ".";
	c->sets = l.sets;
	c->set_count = l.set_count;
	if (!cli_find(c->command->name) && !cli_type_known(c->dir, c->command->name)) {
		cli_talk(c, "ronda: there is no command '%s'; 'ronda help' lists them", c->command->name);
		return 64;
	}
	if (l.common[OPT_HELP]) {
		cli_help_text(c, c->command);
		cli_flush(c);
		return 0;
	}
	return run_here(c, &l, argc - 1, argv + 1);
}

int cli_main(int argc, char **argv)
{
	struct arena *a = arena_new(KIB(16));
	struct buf pending = BUF_INIT(KIB(128));
	struct err err;
	const char *name = argc > 1 ? argv[1] : "help";
	if (str_eq(str_of(name), STR("--help")) || str_eq(str_of(name), STR("-h")))
		name = "help";
	if (str_eq(str_of(name), STR("--version")))
		name = "version";
	struct cli c = { .command = cli_find(name), .in = 0, .out = 1, .talk = 2, .dir_fd = AT_FDCWD,
			 .a = a, .pending = &pending, .viewer = viewer_owner(getuid()) };
	int code = 64;
	if (!c.command)
		c.command = cli_of_type(name, a);
	if (c.command && argc > 1 && c.command->options == cli_record.options)
		argv = with_language(&argc, argv, a);
	if (hash_init(&err) != RC_OK) {
		fprintf(stderr, "ronda: %s\n", err.text);
		code = rc_exit_code(err.rc);
	} else if (!c.command) {
		fprintf(stderr, "ronda: there is no command '%s'; 'ronda help' lists them\n", name);
	} else {
		char *fallback[] = { argv[0], (char *)name, NULL };
		code = argc > 1 ? dispatch(&c, argc, argv) : dispatch(&c, 2, fallback);
	}
	buf_free(&pending);
	arena_free(a);
	return code;
}
