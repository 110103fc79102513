/* SPDX-License-Identifier: Apache-2.0 */
/* cage.h: what a helper may still do after it has locked itself in.
 *
 * Called by a helper after exec and before its first input byte: no new
 * privileges, no capabilities, resource limits, Landlock (by raw system calls,
 * asking the ABI first; absent is reported, not fatal), then a seccomp allow
 * list: read, write, sendmsg, recvmsg on what is open, memory that cannot be
 * run, exit, clock. Everything else ends the process. There is no switch to
 * leave it out. Sanitizer builds refuse opening files instead of dying of it,
 * so that a sanitizer can still print what it found. */
#ifndef RONDA_BASE_CAGE_H
#define RONDA_BASE_CAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"

struct cage {
	size_t memory_bytes; /* RLIMIT_AS; not set in sanitizer builds */
	bool refuse_files;   /* opening one gives EACCES instead of death: for libraries that look
	                      * for files they can do without */
	bool landlock;       /* out: the kernel had it */
};
MUST_CHECK enum rc cage_enter(struct cage *cage, struct err *err);

/* Landlock alone: no file may be opened, no TCP port used. A part of
 * cage_enter(); by itself it lets tests see that it works without seccomp. */
MUST_CHECK enum rc cage_landlock(bool *present_out, struct err *err);

/* The two pieces a helper with a cage of its own needs (mail/crypto_cage.c): Landlock with what may
 * still be done at some paths, and no privileges and no debugger. A path that is not there is left
 * out. */
enum cage_may { CAGE_READ = 1, CAGE_RUN = 2, CAGE_WRITE = 4 }; /* below a directory, or the one file */
struct cage_path {
	const char *path;
	unsigned may;
};
MUST_CHECK enum rc cage_landlock_but(const struct cage_path *paths, size_t count, bool *present_out,
				     struct err *err);
MUST_CHECK enum rc cage_drop_privileges(struct err *err);

#endif
