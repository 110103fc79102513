/* SPDX-License-Identifier: Apache-2.0 */
/* starter.h: the one process that forks and execs.
 *
 * starter_new() execs ronda-starter before the node opens keys or starts
 * threads. On request the starter forks and execs one named helper (a row of
 * helpers.def, found beside the program or in libexec). Socket and shared area
 * are made here and handed over (SCM_RIGHTS), together with one end of a
 * private line on which the starter says how that child ended. The starter
 * ends when our socket closes, and its children with it. */
#ifndef RONDA_BASE_STARTER_H
#define RONDA_BASE_STARTER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/rc.h"

struct starter;

MUST_CHECK enum rc starter_new(struct starter **out, struct err *err);
void starter_free(struct starter *s); /* ends the starter and its children */

/* True when the starter has ended by itself: nothing can be started any more. SIGCHLD tells
 * when to ask. Not while another thread ends it. */
bool starter_gone(struct starter *s);

/* Is this process the starter, a helper, or one that a helper started, whoever its parent is by now?
 * True also when that cannot be seen. For who is spoken to by a process. NULL is fine: false. */
bool starter_is_above(const struct starter *s, pid_t pid);

struct child {
	pid_t pid;          /* for its CPU clock only: it may be reaped at any time */
	int socket;         /* SOCK_SEQPACKET, ours to close */
	int area_fd;        /* memfd, sealed against resizing; -1 when none asked */
	void *area;         /* mapped read-write here; the child maps it too */
	size_t area_bytes;
	int line;           /* starter.c's own: closing it kills the child */
};
#define CHILD_NONE ((struct child){ .socket = -1, .area_fd = -1, .line = -1 })

/* How a child ended: by a signal, or with an exit code (signal 0). */
struct child_end {
	bool known; /* false: the starter could not say */
	int signal, code;
};

/* Threads may share a starter. RC_BUSY: the helper cannot start now. RC_ABSENT:
 * there is no such helper. */
MUST_CHECK enum rc starter_spawn(struct starter *s, const char *helper, size_t area_bytes,
				 struct child *out, struct err *err);
/* Kills when still alive, reaps, unmaps and closes. CHILD_NONE is fine. */
void starter_end(struct starter *s, struct child *c);
/* The same, and says how it ended when the child was dead already or ends by
 * itself within `wait_ms`; only then is it killed. */
struct child_end starter_end_wait(struct starter *s, struct child *c, int wait_ms);

#endif
