/* SPDX-License-Identifier: Apache-2.0 */
/* cli_private.h: what the command files share. */
#ifndef RONDA_CLI_CLI_PRIVATE_H
#define RONDA_CLI_CLI_PRIVATE_H

#include "cli/cli.h"

extern const struct cli_option cli_common_options[]; /* ends with { NULL } */
const struct cli_command *cli_find(const char *name);
extern const struct cli_command cli_record; /* record.c: what every type's command is made of */
/* `ronda TYPE …`: the command of that name; NULL: it is no name for a type. */
const struct cli_command *cli_of_type(const char *name, struct arena *a);
/* May there be such a type: built in, or a file of DIR/types (or of a DIR closed to the caller)? */
bool cli_type_known(const char *dir, const char *name);
/* A word that one type's command has beside those of all (verbs.def; run by record.c). */
struct record_call;
struct cli_verb {
	const char *type, *word;
	const char *usage;                /* behind "ronda TYPE ": "start ID [--why TEXT]" */
	const char *brief;
	const struct cli_option *options; /* its own, ends with { NULL }; NULL: none. cli_value() knows them,
					   * and those of cli_record */
	int (*run)(struct record_call *k);
	bool helpers;                     /* it asks parsers or mail children: a node that serves has them */
};
extern const struct cli_verb *const cli_verbs[];
extern const size_t cli_verb_count;
bool cli_verb_asks_helpers(const char *command, int argc, char **argv);
void cli_help_text(struct cli *c, const struct cli_command *cmd);
int cli_usage(struct cli *c, const char *what); /* says what is wrong and the usage; 64 */

/* The entry for node/control.h: the same commands inside a running node. */
int cli_run_in_node(void *ctx, struct node *n, int argc, char **argv, const int fds[3], int dir_fd,
		    uint32_t uid);

/* May the caller go on? For words of a command that need more than the command: says what is
 * missing, writes it down and gives the exit code; 0: he may. */
int cli_may(struct cli *c, bool may);
/* The act waits for a second person (disclosure/approval.h): says so and gives the exit code. */
int cli_waits(struct cli *c, int64_t approval);
/* A file of the caller, or "-" = stdin, whole; RC_LIMIT above cap. RC_DENIED for any path when
 * the caller is another Unix user than the node: it would be opened with the node's eyes. */
MUST_CHECK enum rc cli_read_file(struct cli *c, const char *path, size_t cap, struct buf *out,
				 struct err *err);
/* What --against was given: a journal head itself ("12:ab…"), else a file of the
 * caller with such lines. NULL: nothing. */
MUST_CHECK enum rc cli_kept_heads(struct cli *c, const char *value, struct buf *out, struct err *err);
/* A handle to read from with cli_read; "-" gives stdin itself, which stays open. */
MUST_CHECK enum rc cli_open_file(struct cli *c, const char *path, int *fd_out, struct err *err);
void cli_close_file(const struct cli *c, int fd);
/* As read(2) and a write(2) of all, but they end when the caller of a node goes away. */
MUST_CHECK long cli_read(struct cli *c, int fd, void *to, size_t n);
bool cli_write(struct cli *c, int fd, str s);
/* The caller of this command in a node has gone: nobody waits for what it does. */
bool cli_abandoned(const struct cli *c);

/* One line of the caller's stdin, without echo on a terminal (after `prompt`, on talk); in c->a: wipe
 * it. RC_INPUT: there is none. */
MUST_CHECK enum rc cli_read_secret(struct cli *c, const char *prompt, str *out, struct err *err);
/* The caller's case key, by his passphrase as cli_read_secret() takes it; sets c->viewer.seal, which
 * the command's end lets go. RC_ABSENT: he has no account, or no key. */
MUST_CHECK enum rc cli_open_case_key(struct cli *c, struct err *err);

/* What a column's values are in JSON. An empty value is null, but for text. */
enum cli_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER, /* digits */
	COLUMN_BOOL,   /* "yes" or "no" */
	COLUMN_TIME,   /* words instead of a time ("never") are null */
	COLUMN_JSON,   /* as it stands */
};
struct cli_column {
	const char *name;
	enum cli_kind kind;
};
/* Rows in the caller's form: CSV with guard, one JSON object a line, or text:
 * aligned on a terminal, else separated by TAB. Each row has as many values as
 * columns, which outlive the command's run. A command has one table. */
struct cli_table {
	struct cli *c;
	const struct cli_column *columns;
	size_t count;
	bool header_done;
};
struct cli_table cli_table(struct cli *c, const struct cli_column *columns, size_t count);
void cli_row(struct cli_table *t, const str *values);
/* The whole of a 'list': `rows` reads from one view and gives each row to `t`. */
typedef enum rc (*cli_rows_fn)(struct cli_table *t, struct reader *r, struct err *err);
int cli_list(struct cli *c, const struct cli_column *columns, size_t count, cli_rows_fn rows);
/* Prints what was held back to be aligned. cli_run does so at the end. */
void cli_rows_end(struct cli *c);

/* What a command did that has nothing else to say: {"NAME":VALUE} and a newline with
 * --json; nothing as text or CSV. */
void cli_done(struct cli *c, const char *name, str value);
/* One JSON document and a newline, whatever its size. */
void cli_print_json(struct cli *c, const struct buf *b);

/* Of the first contact the viewer may see; "" else, also without an organisation. */
str cli_first_email(struct cli *c, const struct org *o);

/* NAME=VALUE arguments into a filter; 0, or the exit code after saying what is wrong. */
int cli_filters(struct cli *c, struct filter_set *f);

#endif
