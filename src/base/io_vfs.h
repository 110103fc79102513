/* SPDX-License-Identifier: Apache-2.0 */
/* io_vfs.h: SQLite's way to the disk, beside that of io.c.
 *
 * A thin layer over SQLite's own Unix VFS. Reads, writes, syncs, truncates,
 * opens and deletes of databases and their logs pass it, so that a test can
 * record and fail them as those of io.c (io_trace.h), and so that the same
 * rules hold: a sync that failed is final for its handle; a quota is a full
 * disk. The shared index of the log (-shm) holds nothing durable and goes by. */
#ifndef RONDA_BASE_IO_VFS_H
#define RONDA_BASE_IO_VFS_H

#include "base/rc.h"

#define IO_VFS_NAME "ronda"

/* Makes IO_VFS_NAME known to SQLite; any number of times. */
MUST_CHECK enum rc io_vfs_register(struct err *err);

#endif
