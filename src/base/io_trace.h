/* SPDX-License-Identifier: Apache-2.0 */
/* io_trace.h: what tests do to the disk: record it, fail it, cut its power.
 *
 * While a trace is on, io.c and io_vfs.c report every call that touches the
 * disk. A test can then make the n-th call fail, or rebuild the directory as a
 * power cut after the n-th event might have left it. Off (always, outside
 * tests: nothing in the program switches it on) it costs one load a call.
 *
 * Recorded is what happens below one directory that was empty at the start. */
#ifndef RONDA_BASE_IO_TRACE_H
#define RONDA_BASE_IO_TRACE_H

#include <stdatomic.h>

#include "base/buf.h"

enum io_op {
	IO_OP_OPEN,
	IO_OP_READ,
	IO_OP_CREATE, /* a name for a new file; recorded, counted as OPEN */
	IO_OP_MKDIR,
	IO_OP_WRITE,
	IO_OP_TRUNCATE,
	IO_OP_SYNC,
	IO_OP_DIRSYNC,
	IO_OP_RENAME,
	IO_OP_UNLINK,
	IO_OP_MARK, /* the test's own: "acknowledged up to here" */
	IO_OPS
};

struct io_trace;
extern _Atomic(struct io_trace *) io_trace_on;

static inline bool io_traced(void)
{
	return atomic_load_explicit(&io_trace_on, memory_order_acquire) != NULL;
}

/* --- for io.c and io_vfs.c, only while io_traced() --- */

/* Counts a call; an errno when it is the one that must fail, else 0. */
int io_trace_fault(enum io_op op);
uint64_t io_trace_ino(int fd);
uint64_t io_trace_ino_of_path(const char *path); /* 0: absent */
/* What was done to a file or a directory: WRITE, TRUNCATE (`at` is the size), SYNC, DIRSYNC. */
void io_trace_data(enum io_op op, uint64_t ino, uint64_t at, str bytes);
/* What was done to a name in directory `dir`: CREATE, MKDIR (of `ino`), RENAME (to `to`), UNLINK.
 */
void io_trace_name(enum io_op op, uint64_t dir, const char *name, const char *to, uint64_t ino);
uint64_t io_trace_free_bytes(uint64_t real);
/* For store/sql.c, before each step of a statement: false: it must fail. */
bool io_trace_step(const char *statement);

/* --- for tests --- */

/* Starts recording what happens below `root` (an empty directory) and counting. */
struct io_trace *io_trace_begin(const char *root);
/* Stops recording; the events stay. */
void io_trace_stop(struct io_trace *t);
void io_trace_free(struct io_trace *t);

/* The n-th call from now (from 1) fails with `code`; `sticky`: all later ones of
 * its kind too. 0: none. */
void io_trace_fail(struct io_trace *t, uint64_t n, int code, bool sticky);
/* As io_trace_fail(), counting calls of kind `op` only. */
void io_trace_fail_op(struct io_trace *t, enum io_op op, uint64_t n, int code);
bool io_trace_failed(const struct io_trace *t); /* it happened */
/* The n-th step of a statement from now (from 1) fails, and nothing at the disk; 0: none. Those
 * that begin and end transactions are not counted: what becomes of them is the disk's. */
void io_trace_fail_step(struct io_trace *t, uint64_t n);
uint64_t io_trace_calls(const struct io_trace *t);
/* What io_free_bytes() then says; UINT64_MAX: the truth. */
void io_trace_pretend_free(struct io_trace *t, uint64_t bytes);

size_t io_trace_events(const struct io_trace *t);
void io_trace_mark(struct io_trace *t, uint64_t what);
/* Number of marks before event `n`, and the highest of them. */
size_t io_trace_marks(const struct io_trace *t, size_t n, uint64_t *highest_out);

enum io_cut {
	IO_CUT_DROP,    /* nothing that was not synced is there */
	IO_CUT_KEEP,    /* everything is there, as after kill -9 */
	IO_CUT_TORN,    /* the last write is there in part */
	IO_CUT_REORDER, /* any of what was not synced, also in part */
	IO_CUTS
};
/* Makes directory `path` (absent) as a power cut after the first `n` events may
 * have left it. `seed` decides what is torn and dropped. */
MUST_CHECK enum rc io_trace_rebuild(const struct io_trace *t, size_t n, enum io_cut how,
				    uint64_t seed, const char *path, struct err *err);

#endif
