/* SPDX-License-Identifier: Apache-2.0 */
/* io.h: every byte that reaches the disk goes through here.
 *
 * Files are opened below a directory handle, never by a path from outside
 * (openat, no-follow, close-on-exec). Writes are complete or fail. A sync
 * that failed is final for that handle: a later one fails too (the kernel may
 * have dropped the pages), and the caller must stop acknowledging.
 *
 * io_vfs.h routes SQLite's files through the same calls; io_trace.h (tests)
 * records every write, sync, rename, truncate and unlink, or makes the n-th
 * fail. ENOSPC, EDQUOT and EFBIG come back as RC_LIMIT, a missing name as
 * RC_ABSENT, one that exists already as RC_CONFLICT, no permission or a
 * read-only disk as RC_DENIED, other failures as RC_IO. */
#ifndef RONDA_BASE_IO_H
#define RONDA_BASE_IO_H

#include <sys/types.h>

#include "base/buf.h"

struct io_dir;  /* an open directory */
struct io_file; /* an open file; one writer at a time */

MUST_CHECK enum rc io_dir_open(const char *path, struct io_dir **out, struct err *err);
/* Also makes it (0700) and syncs its parent. RC_CONFLICT: exists and is not empty. */
MUST_CHECK enum rc io_dir_make(const char *path, struct io_dir **out, struct err *err);
/* A directory inside; made (0700) and synced when absent and `make`. */
MUST_CHECK enum rc io_dir_sub(struct io_dir *d, const char *name, bool make, struct io_dir **out,
			      struct err *err);
void io_dir_close(struct io_dir *d);
int io_dir_fd(const struct io_dir *d);
const char *io_dir_path(const struct io_dir *d);
/* Makes names in it durable: after a file was made, renamed or unlinked. */
MUST_CHECK enum rc io_dir_sync(struct io_dir *d, struct err *err);
/* Takes an exclusive lock kept until close; RC_BUSY: another process has it. */
MUST_CHECK enum rc io_dir_lock(struct io_dir *d, const char *name, struct err *err);
MUST_CHECK enum rc io_unlink(struct io_dir *d, const char *name, struct err *err);
MUST_CHECK enum rc io_rename(struct io_dir *d, const char *from, const char *to, struct err *err);
/* Calls `each` for every name but . and .. until it returns false. */
MUST_CHECK enum rc io_dir_each(struct io_dir *d, bool (*each)(void *ctx, const char *name),
			       void *ctx, struct err *err);

enum io_open {
	IO_READ = 0,
	IO_WRITE = 1,  /* read and write */
	IO_CREATE = 2, /* make when absent (0600) */
	IO_FRESH = 4   /* must not exist yet */
};
MUST_CHECK enum rc io_open(struct io_dir *d, const char *name, unsigned flags, struct io_file **out,
			   struct err *err);
void io_close(struct io_file *f);
int io_fd(const struct io_file *f);
MUST_CHECK enum rc io_size(struct io_file *f, uint64_t *out, struct err *err);
MUST_CHECK enum rc io_write_at(struct io_file *f, uint64_t at, str bytes, struct err *err);
/* Exactly n bytes; RC_INPUT when the file is shorter. */
MUST_CHECK enum rc io_read_at(struct io_file *f, uint64_t at, void *to, size_t n, struct err *err);
MUST_CHECK enum rc io_sync(struct io_file *f, struct err *err); /* fdatasync */
MUST_CHECK enum rc io_truncate(struct io_file *f, uint64_t size, struct err *err);

/* A whole small file, at most `cap` bytes (RC_LIMIT above). */
MUST_CHECK enum rc io_read_file(struct io_dir *d, const char *name, struct buf *out,
				struct err *err);
/* Writes beside, syncs, renames over, syncs the directory. */
MUST_CHECK enum rc io_replace_file(struct io_dir *d, const char *name, str bytes, struct err *err);
/* Bytes an unprivileged writer may still use where `d` is. */
MUST_CHECK enum rc io_free_bytes(struct io_dir *d, uint64_t *out, struct err *err);

#endif
