/* SPDX-License-Identifier: Apache-2.0 */
/* control_private.h: what a caller and the node say over DIR/sock.
 *
 * Node: one control_answer, may you ask? Caller: one packet, CONTROL_MAGIC, the
 * number of arguments (32 bits, little-endian), each argument with its NUL; with
 * it four handles: stdin, stdout, stderr, working directory. Node: one
 * control_answer, how it went. The caller who closes the socket before that has
 * given up: its command's handles go dead. */
#ifndef RONDA_NODE_CONTROL_PRIVATE_H
#define RONDA_NODE_CONTROL_PRIVATE_H

#include "base/rc.h"
#include "node/control.h"

enum { CONTROL_CALLERS = 16, CONTROL_ARGUMENTS = 4096, CONTROL_HANDLES = 4 };
#define CONTROL_LINE_MAX KIB(64)
#define CONTROL_MAGIC "RCTL"

struct control_answer {
	uint32_t rc;  /* RC_OK: it ran, `code` is its exit code; else it was refused: `text` */
	int32_t code;
	char text[240];
};

/* "/proc/self/fd/N/sock": DIR may be longer than a socket's address holds. */
struct sockaddr_un;
void control_address(int dir_fd, struct sockaddr_un *out);

#endif
