/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io_vfs.h"

#include <errno.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "base/io_page.h"
#include "base/io_trace.h"

/* SQLite allocates szOsFile bytes for a file: ours, and the real one behind it. */
struct vfs_file {
	sqlite3_file base;
	sqlite3_file *real;
	uint64_t ino, dir_ino; /* while traced */
	bool sync_failed;
	bool is_db;     /* the database itself, not its log */
	bool syncs_dir; /* the Unix VFS syncs the directory at the first sync of a new log */
};

static sqlite3_vfs *real_vfs(sqlite3_vfs *v)
{
	return v->pAppData;
}

static struct vfs_file *of(sqlite3_file *f)
{
	return (struct vfs_file *)(void *)f;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
	return of(f)->real;
}

static bool is_full(int code)
{
	return code == ENOSPC || code == EDQUOT || code == EFBIG;
}

/* The code a failed call of kind `op` has; SQLITE_OK when it may go on. */
static int faulted(enum io_op op, int kind)
{
	int code = io_traced() ? io_trace_fault(op) : 0;
	if (!code)
		return SQLITE_OK;
	errno = code;
	return op == IO_OP_WRITE && is_full(code) ? SQLITE_FULL : kind;
}

static int file_close(sqlite3_file *f)
{
	return real_of(f)->pMethods ? real_of(f)->pMethods->xClose(real_of(f)) : SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	int rc = faulted(IO_OP_READ, SQLITE_IOERR_READ);
	return rc ? rc : real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int write_bytes(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	struct vfs_file *file = of(f);
	int fault = faulted(IO_OP_WRITE, SQLITE_IOERR_WRITE), code = errno;
	if (fault)
		n /= 2; /* a disk that fills up takes a part first */
	int rc = n ? real_of(f)->pMethods->xWrite(real_of(f), from, n, at) : SQLITE_OK;
	if (rc == SQLITE_OK && n && io_traced())
		io_trace_data(IO_OP_WRITE, file->ino, (uint64_t)at, str_mem(from, (size_t)n));
	if (rc == SQLITE_IOERR_WRITE && is_full(errno))
		rc = SQLITE_FULL;
	if (fault)
		errno = code;
	return fault ? fault : rc;
}

/* A page of the database: without what is left in its unallocated space. */
static int file_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	size_t begin, end;
	bool page = of(f)->is_db && n > 0 && at % n == 0;
	if (!page || !io_page_gap(str_mem(from, (size_t)n), (uint64_t)(at / n) + 1, &begin, &end))
		return write_bytes(f, from, n, at);
	char *copy = x_alloc((size_t)n);
	memcpy(copy, from, begin);
	memcpy(copy + end, (const char *)from + end, (size_t)n - end);
	int rc = write_bytes(f, copy, n, at);
	free(copy);
	return rc;
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = faulted(IO_OP_TRUNCATE, SQLITE_IOERR_TRUNCATE);
	if (rc == SQLITE_OK)
		rc = real_of(f)->pMethods->xTruncate(real_of(f), size);
	if (rc == SQLITE_OK && io_traced())
		io_trace_data(IO_OP_TRUNCATE, of(f)->ino, (uint64_t)size, STR_NONE);
	return rc;
}

static int file_sync(sqlite3_file *f, int flags)
{
	struct vfs_file *file = of(f);
	if (file->sync_failed)
		return SQLITE_IOERR_FSYNC;
	int rc = faulted(IO_OP_SYNC, SQLITE_IOERR_FSYNC);
	if (rc == SQLITE_OK)
		rc = real_of(f)->pMethods->xSync(real_of(f), flags);
	if (rc != SQLITE_OK) {
		file->sync_failed = true;
		return rc;
	}
	if (io_traced()) {
		io_trace_data(IO_OP_SYNC, file->ino, 0, STR_NONE);
		if (file->syncs_dir)
			io_trace_data(IO_OP_DIRSYNC, file->dir_ino, 0, STR_NONE);
		file->syncs_dir = false;
	}
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *out)
{
	return real_of(f)->pMethods->xFileSize(real_of(f), out);
}

static int file_lock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int file_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int file_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int file_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int file_traits(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return real_of(f)->pMethods->xShmLock(real_of(f), at, n, flags);
}

static void file_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int file_shm_unmap(sqlite3_file *f, int remove)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

/* Version 2: with shared index, without memory-mapped reads, which would go by us. */
static const sqlite3_io_methods file_methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static uint64_t dir_ino(const char *path)
{
	char dir[1024];
	size_t n = (size_t)(base_name(path) - path);
	if (n == 0)
		return io_trace_ino_of_path(".");
	return str_to_z(str_mem(path, n), dir, sizeof(dir)) ? io_trace_ino_of_path(dir) : 0;
}

static void note_open(struct vfs_file *file, const char *path, bool made, int flags)
{
	file->ino = io_trace_ino_of_path(path);
	file->dir_ino = dir_ino(path);
	file->syncs_dir = made && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL));
	if (made)
		io_trace_name(IO_OP_CREATE, file->dir_ino, base_name(path), NULL, file->ino);
}

static int vfs_open(sqlite3_vfs *v, const char *path, sqlite3_file *f, int flags, int *flags_out)
{
	struct vfs_file *file = of(f);
	*file = (struct vfs_file){ .real = (sqlite3_file *)(void *)(file + 1) };
	int rc = faulted(IO_OP_OPEN, SQLITE_CANTOPEN);
	if (rc != SQLITE_OK)
		return rc;
	bool absent = path && io_traced() && io_trace_ino_of_path(path) == 0;
	rc = real_vfs(v)->xOpen(real_vfs(v), path, file->real, flags, flags_out);
	if (rc != SQLITE_OK)
		return rc;
	file->base.pMethods = &file_methods;
	file->is_db = flags & SQLITE_OPEN_MAIN_DB;
	if (path && io_traced())
		note_open(file, path, absent, flags);
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *path, int sync_dir)
{
	int rc = faulted(IO_OP_UNLINK, SQLITE_IOERR_DELETE);
	if (rc == SQLITE_OK)
		rc = real_vfs(v)->xDelete(real_vfs(v), path, sync_dir);
	if (rc == SQLITE_OK && io_traced()) {
		io_trace_name(IO_OP_UNLINK, dir_ino(path), base_name(path), NULL, 0);
		if (sync_dir)
			io_trace_data(IO_OP_DIRSYNC, dir_ino(path), 0, STR_NONE);
	}
	return rc;
}

static int vfs_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
	return real_vfs(v)->xAccess(real_vfs(v), path, flags, out);
}

static int vfs_full_path(sqlite3_vfs *v, const char *path, int n, char *out)
{
	return real_vfs(v)->xFullPathname(real_vfs(v), path, n, out);
}

static int vfs_random(sqlite3_vfs *v, int n, char *out)
{
	return real_vfs(v)->xRandomness(real_vfs(v), n, out);
}

static int vfs_sleep(sqlite3_vfs *v, int us)
{
	return real_vfs(v)->xSleep(real_vfs(v), us);
}

static int vfs_time(sqlite3_vfs *v, double *out)
{
	return real_vfs(v)->xCurrentTime(real_vfs(v), out);
}

static int vfs_last_error(sqlite3_vfs *v, int n, char *out)
{
	(void)v;
	(void)n;
	(void)out;
	return errno;
}

enum rc io_vfs_register(struct err *err)
{
	/* SQLite keeps a list of these and writes its links into them. The same
	 * values are set each time, so a second caller changes nothing. */
	static sqlite3_vfs vfs = {
		.iVersion = 1,
		.mxPathname = 1024,
		.zName = IO_VFS_NAME,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_random,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
		.xGetLastError = vfs_last_error,
	};
	/* Counting all memory of SQLite takes one lock at each allocation, of all threads; nobody asks for the sum.
	 * Refused once it has started. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (sqlite3_initialize() != SQLITE_OK)
		return fail(err, RC_IO, "SQLite cannot start");
	if (sqlite3_vfs_find(IO_VFS_NAME))
		return RC_OK;
	sqlite3_vfs *real = sqlite3_vfs_find("unix");
	if (!real)
		return fail(err, RC_IO, "SQLite has no Unix files");
	vfs.pAppData = real;
	vfs.szOsFile = (int)sizeof(struct vfs_file) + real->szOsFile;
	if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK)
		return fail(err, RC_IO, "SQLite refuses our file layer");
	return RC_OK;
}
