/* SPDX-License-Identifier: Apache-2.0 */
/* control.h: the CLI beside a running node speaks over DIR/sock.
 *
 * A request is the command line (argv, working directory as an open handle,
 * stdin/stdout/stderr handles by SCM_RIGHTS); the node runs the same command
 * function against itself, writing to the caller's own handles, and answers
 * with the exit code. SO_PEERCRED decides who is asking: a Unix user who has
 * an account has its rights; the directory's owner (and root) without one is
 * `operate`; all others are refused. */
#ifndef RONDA_NODE_CONTROL_H
#define RONDA_NODE_CONTROL_H

#include "node/node.h"

/* Node side: listens on DIR/sock; one thread a caller, at most 16. `run` is
 * the command table's entry (cli.h), given so that node/ needs not know cli/. */
typedef int (*control_run)(void *ctx, struct node *n, int argc, char **argv, const int fds[3],
			   int dir_fd, uint32_t uid);
struct control;
MUST_CHECK enum rc control_start(struct node *n, control_run run, void *ctx, struct control **out,
				 struct err *err);
void control_stop(struct control *c);

/* CLI side: RC_ABSENT when no node listens at DIR. */
MUST_CHECK enum rc control_call(const char *dir, int argc, char **argv, int *exit_out,
				struct err *err);

#endif
