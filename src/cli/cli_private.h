/* SPDX-License-Identifier: Apache-2.0 */
/* cli_private.h: what the command files share. */
#ifndef RONDA_CLI_CLI_PRIVATE_H
#define RONDA_CLI_CLI_PRIVATE_H

#include "cli/cli.h"

extern const struct cli_option cli_common_options[]; /* ends with { NULL } */
const struct cli_command *cli_find(const char *name);
void cli_help_text(struct cli *c, const struct cli_command *cmd);
int cli_usage(struct cli *c, const char *what); /* says what is wrong and the usage; 64 */

/* The entry for node/control.h: the same commands inside a running node. */
int cli_run_in_node(void *ctx, struct node *n, int argc, char **argv, const int fds[3], int dir_fd,
		    uint32_t uid);

/* A file of the caller, or "-" = stdin, whole; RC_LIMIT above cap. */
MUST_CHECK enum rc cli_read_file(struct cli *c, const char *path, size_t cap, struct buf *out,
				 struct err *err);
/* A handle to read from; "-" gives a duplicate of stdin. */
MUST_CHECK enum rc cli_open_file(struct cli *c, const char *path, int *fd_out, struct err *err);

/* Rows in the caller's form: text columns aligned, CSV with guard, or one JSON
 * object a line. Begin names the columns; each row has as many values. */
struct cli_table {
	struct cli *c;
	const char *const *columns;
	size_t count;
	bool header_done;
};
struct cli_table cli_table(struct cli *c, const char *const *columns, size_t count);
void cli_row(struct cli_table *t, const str *values);

/* NAME=VALUE arguments into a filter; 0, or the exit code after saying what is wrong. */
int cli_filters(struct cli *c, struct filter_set *f);

#endif
