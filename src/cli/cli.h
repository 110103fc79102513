/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: one file per command, one row in commands.def.
 *
 * A command runs in the process of the caller or, when a node already serves
 * DIR, inside that node with the caller's stdin, stdout and stderr: so it
 * writes only to ctx->out and ctx->talk and never to the process's own. Results
 * go to out, talk and progress to talk. --json, --csv, --help, -d DIR and
 * --set name=value are understood before `run` is called. */
#ifndef RONDA_CLI_CLI_H
#define RONDA_CLI_CLI_H

#include "node/pipeline.h"

struct cli;
struct cli_held;
struct cli_option {
	const char *name;   /* "--feed" */
	char letter;        /* 'd' or 0 */
	const char *value;  /* "NAME" or NULL: a switch */
	const char *brief;
};
/* What an account must be allowed to run a command at all. The directory's owner may all. */
enum cli_needs {
	CLI_NEEDS_OPERATE, /* when nothing is said */
	CLI_NEEDS_READ,
	CLI_NEEDS_ACCOUNT, /* any: the command asks about each thing it does (authz.h) */
};
struct cli_command {
	const char *name, *brief, *usage; /* usage: "intake [options] FILE... | -" */
	const char *text;                 /* some paragraphs for help and manual */
	const char *example;              /* works as it stands after the ones before it */
	const struct cli_option *options; /* ends with { NULL } */
	bool needs_node;                  /* opens DIR (or is run in the node that has it) */
	const char *without_node;         /* but not with this first argument; NULL: always */
	enum cli_needs needs;             /* of the caller, with needs_node */
	bool needs_parsers;
	bool takes_signals;               /* waits for SIGTERM, SIGINT, SIGHUP itself */
	int (*run)(struct cli *c);        /* exit code: rc_exit_code() */
};
enum cli_form { CLI_TEXT, CLI_JSON, CLI_CSV };
struct cli {
	const struct cli_command *command;
	struct node *node;       /* NULL unless needs_node */
	const char *dir;
	enum cli_form form;
	struct viewer viewer;
	int in, out, talk;       /* handles */
	bool progress;           /* talk is a terminal */
	bool terminal;           /* out is one */
	int dir_fd;              /* the caller's working directory: open files below it (openat) */
	int argc;                /* what is left after options */
	char **argv;
	const char *const *values; /* by option row: value, "" for a switch that is set, NULL */
	struct arena *a;
	bool broken;             /* stdout could not be written */
	bool served;             /* runs inside a node that serves */
	bool foreign;            /* for another Unix user than the node's own: no path he names is opened */
	struct buf *pending;     /* of cli_print */
	struct cli_held *held;   /* of cli_row */
	const char *const *sets; /* --set, for commands that open nodes themselves */
	size_t set_count;
};
const char *cli_value(const struct cli *c, const char *option); /* NULL when not given */
void cli_print(struct cli *c, str s);                 /* to out, buffered */
void cli_printf(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cli_talk(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3); /* to talk, with newline */
int cli_fail(struct cli *c, const struct err *err);   /* "ronda intake: <text>"; gives the exit code */
bool cli_flush(struct cli *c);

extern const struct cli_command *const cli_commands[];
extern const size_t cli_command_count;
int cli_main(int argc, char **argv);

#endif
