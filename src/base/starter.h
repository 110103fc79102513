/* SPDX-License-Identifier: Apache-2.0 */
/* starter.h: the one process that forks and execs.
 *
 * starter_new() execs ronda-starter before the node opens keys or starts
 * threads. On request the starter forks and execs one named helper (a row of
 * helpers.def, found beside the program or in libexec), wires its socket and
 * shared area, and passes both to us (SCM_RIGHTS). It reports children that
 * ended. The starter ends when our socket closes, and its children with it. */
#ifndef RONDA_BASE_STARTER_H
#define RONDA_BASE_STARTER_H

#include <stddef.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/rc.h"

struct starter;

MUST_CHECK enum rc starter_new(struct starter **out, struct err *err);
void starter_free(struct starter *s); /* ends the starter and its children */

struct child {
	pid_t pid;
	int socket;         /* SOCK_SEQPACKET, ours to close */
	int area_fd;        /* memfd, sealed against resizing; -1 when none asked */
	void *area;         /* mapped read-write here; the child maps it too */
	size_t area_bytes;
};

/* Threads may share a starter. RC_BUSY: the helper cannot start now. */
MUST_CHECK enum rc starter_spawn(struct starter *s, const char *helper, size_t area_bytes,
				 struct child *out, struct err *err);
/* Kills when still alive, reaps, unmaps and closes. */
void starter_end(struct starter *s, struct child *c);

#endif
