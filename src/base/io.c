/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/arena.h"
#include "base/io_trace.h"

struct io_dir {
	int fd, lock_fd;
	char *path;
};

struct io_file {
	int fd;
	bool sync_failed; /* the kernel may have dropped pages: never trust this handle again */
	char *name;
};

/* As fail_errno() sorts them, and what only files know. */
static enum rc kind_of(int code)
{
	switch (code) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return RC_LIMIT;
	case ENOENT:
	case ENOTDIR:
		return RC_ABSENT;
	case EEXIST:
	case ENOTEMPTY:
		return RC_CONFLICT;
	case EROFS:
	case EACCES:
	case EPERM:
		return RC_DENIED;
	default:
		return RC_IO;
	}
}

static enum rc failed(struct err *err, int code, const char *what, const char *name)
{
	enum rc rc = kind_of(code);
	(void)fail_errno(err, code, "cannot %s '%s'", what, name);
	if (err)
		err->rc = rc;
	return rc;
}

/* True, with errno set, when a test wants this call to fail. */
static bool faulted(enum io_op op)
{
	int code = io_traced() ? io_trace_fault(op) : 0;
	if (code)
		errno = code;
	return code != 0;
}

static bool name_is_plain(const char *name)
{
	size_t n = strlen(name);
	return n > 0 && n < 200 && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

static enum rc check_name(const char *name, struct err *err)
{
	return name_is_plain(name) ? RC_OK : fail(err, RC_INPUT, "'%s' is no file name", name);
}

/* --- directories --- */

static struct io_dir *dir_of(int fd, const char *path)
{
	struct io_dir *d = x_alloc(sizeof(*d));
	d->fd = fd;
	d->lock_fd = -1;
	d->path = x_strdup(path);
	return d;
}

enum rc io_dir_open(const char *path, struct io_dir **out, struct err *err)
{
	int fd = faulted(IO_OP_OPEN) ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(err, errno, "open directory", path);
	*out = dir_of(fd, path);
	return RC_OK;
}

void io_dir_close(struct io_dir *d)
{
	if (!d)
		return;
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	close(d->fd);
	free(d->path);
	free(d);
}

int io_dir_fd(const struct io_dir *d)
{
	return d->fd;
}

const char *io_dir_path(const struct io_dir *d)
{
	return d->path;
}

enum rc io_dir_sync(struct io_dir *d, struct err *err)
{
	if (faulted(IO_OP_DIRSYNC) || fsync(d->fd) != 0)
		return failed(err, errno, "sync directory", d->path);
	if (io_traced())
		io_trace_data(IO_OP_DIRSYNC, io_trace_ino(d->fd), 0, STR_NONE);
	return RC_OK;
}

static int make_dir(int parent, const char *name, const char *base)
{
	if (faulted(IO_OP_MKDIR) || mkdirat(parent, name, 0700) != 0)
		return -1;
	if (io_traced() && parent != AT_FDCWD) {
		struct stat st;
		uint64_t ino = fstatat(parent, name, &st, 0) == 0 ? st.st_ino : 0;
		io_trace_name(IO_OP_MKDIR, io_trace_ino(parent), base, NULL, ino);
	}
	return 0;
}

/* Syncs the directory that holds `path`, so that its name is durable. */
static enum rc sync_parent(const char *path, struct err *err)
{
	char *parent = x_strdup(path);
	size_t n = strlen(parent);
	while (n > 1 && parent[n - 1] == '/')
		n--;
	while (n > 0 && parent[n - 1] != '/')
		n--;
	while (n > 1 && parent[n - 1] == '/')
		n--;
	parent[n] = '\0';
	struct io_dir *d;
	enum rc rc = io_dir_open(n ? parent : ".", &d, err);
	if (rc == RC_OK) {
		rc = io_dir_sync(d, err);
		io_dir_close(d);
	}
	free(parent);
	return rc;
}

static bool note_one(void *ctx, const char *name)
{
	(void)name;
	*(bool *)ctx = true;
	return false;
}

enum rc io_dir_make(const char *path, struct io_dir **out, struct err *err)
{
	bool made = make_dir(AT_FDCWD, path, path) == 0;
	if (!made && errno != EEXIST)
		return failed(err, errno, "make directory", path);
	enum rc rc = io_dir_open(path, out, err);
	if (rc != RC_OK)
		return rc;
	bool full = false;
	rc = io_dir_each(*out, note_one, &full, err);
	if (rc == RC_OK && full)
		rc = fail(err, RC_CONFLICT, "directory '%s' exists and is not empty", path);
	if (rc == RC_OK)
		rc = sync_parent(path, err);
	if (rc != RC_OK)
		io_dir_close(*out);
	return rc;
}

enum rc io_dir_sub(struct io_dir *d, const char *name, bool make, struct io_dir **out,
		   struct err *err)
{
	enum rc rc = check_name(name, err);
	if (rc != RC_OK)
		return rc;
	if (make && make_dir(d->fd, name, name) == 0)
		rc = io_dir_sync(d, err);
	else if (make && errno != EEXIST)
		rc = failed(err, errno, "make directory", name);
	if (rc != RC_OK)
		return rc;
	int fd = faulted(IO_OP_OPEN)
			 ? -1
			 : openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(err, errno, "open directory", name);
	size_t size = strlen(d->path) + strlen(name) + 2;
	char *path = x_alloc(size);
	snprintf(path, size, "%s/%s", d->path, name);
	*out = dir_of(fd, path);
	free(path);
	return RC_OK;
}

enum rc io_dir_lock(struct io_dir *d, const char *name, struct err *err)
{
	enum rc rc = check_name(name, err);
	if (rc != RC_OK)
		return rc;
	int fd = openat(d->fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EROFS || errno == EACCES))
		fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(err, errno, "open lock", name);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int code = errno;
		close(fd);
		if (code == EWOULDBLOCK)
			return fail(err, RC_BUSY, "'%s' is in use by another process", d->path);
		return failed(err, code, "lock", d->path);
	}
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	d->lock_fd = fd;
	return RC_OK;
}

enum rc io_unlink(struct io_dir *d, const char *name, struct err *err)
{
	enum rc rc = check_name(name, err);
	if (rc != RC_OK)
		return rc;
	if (faulted(IO_OP_UNLINK) || unlinkat(d->fd, name, 0) != 0)
		return failed(err, errno, "remove", name);
	if (io_traced())
		io_trace_name(IO_OP_UNLINK, io_trace_ino(d->fd), name, NULL, 0);
	return RC_OK;
}

enum rc io_rename(struct io_dir *d, const char *from, const char *to, struct err *err)
{
	enum rc rc = check_name(from, err);
	if (rc == RC_OK)
		rc = check_name(to, err);
	if (rc != RC_OK)
		return rc;
	if (faulted(IO_OP_RENAME) || renameat(d->fd, from, d->fd, to) != 0)
		return failed(err, errno, "rename", from);
	if (io_traced())
		io_trace_name(IO_OP_RENAME, io_trace_ino(d->fd), from, to, 0);
	return RC_OK;
}

enum rc io_dir_each(struct io_dir *d, bool (*each)(void *ctx, const char *name), void *ctx,
		    struct err *err)
{
	int fd = faulted(IO_OP_OPEN) ? -1 : openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	if (!list) {
		int code = errno;
		if (fd >= 0)
			close(fd);
		return failed(err, code, "list directory", d->path);
	}
	struct dirent *entry;
	bool more = true;
	errno = 0;
	while (more && (entry = readdir(list)) != NULL) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			more = each(ctx, entry->d_name);
		errno = 0;
	}
	int code = more ? errno : 0;
	closedir(list);
	return code ? failed(err, code, "list directory", d->path) : RC_OK;
}

/* --- files --- */

/* The flags of open(2); with IO_CREATE the file is first tried as a new one,
 * so that a trace knows which names were made. */
static int open_file(struct io_dir *d, const char *name, unsigned flags)
{
	int mode = (flags & (IO_WRITE | IO_CREATE | IO_FRESH)) ? O_RDWR : O_RDONLY;
	mode |= O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
	int fd;
	if (flags & (IO_CREATE | IO_FRESH)) {
		fd = openat(d->fd, name, mode | O_CREAT | O_EXCL, 0600);
		if (fd >= 0 && io_traced())
			io_trace_name(IO_OP_CREATE, io_trace_ino(d->fd), name, NULL,
				      io_trace_ino(fd));
		if (fd >= 0 || errno != EEXIST || (flags & IO_FRESH))
			return fd;
	}
	return openat(d->fd, name, mode);
}

enum rc io_open(struct io_dir *d, const char *name, unsigned flags, struct io_file **out,
		struct err *err)
{
	enum rc rc = check_name(name, err);
	if (rc != RC_OK)
		return rc;
	int fd = faulted(IO_OP_OPEN) ? -1 : open_file(d, name, flags);
	if (fd < 0)
		return failed(err, errno, "open", name);
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return fail(err, RC_IO, "'%s' is no plain file", name);
	}
	struct io_file *f = x_alloc(sizeof(*f));
	f->fd = fd;
	f->name = x_strdup(name);
	*out = f;
	return RC_OK;
}

void io_close(struct io_file *f)
{
	if (!f)
		return;
	close(f->fd);
	free(f->name);
	free(f);
}

int io_fd(const struct io_file *f)
{
	return f->fd;
}

enum rc io_size(struct io_file *f, uint64_t *out, struct err *err)
{
	struct stat st;
	if (fstat(f->fd, &st) != 0)
		return failed(err, errno, "read the size of", f->name);
	*out = (uint64_t)st.st_size;
	return RC_OK;
}

/* Writes what it can; false with errno. */
static bool write_all(struct io_file *f, uint64_t at, str bytes)
{
	str left = bytes;
	while (left.n) {
		ssize_t n = pwrite(f->fd, left.p, left.n, (off_t)(at + (bytes.n - left.n)));
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return false;
		left = str_from(left, (size_t)n);
	}
	return true;
}

enum rc io_write_at(struct io_file *f, uint64_t at, str bytes, struct err *err)
{
	if (faulted(IO_OP_WRITE)) {
		/* a disk that fills up takes a part first */
		int code = errno;
		str part = str_head(bytes, bytes.n / 2);
		if (write_all(f, at, part))
			io_trace_data(IO_OP_WRITE, io_trace_ino(f->fd), at, part);
		return failed(err, code, "write", f->name);
	}
	if (!write_all(f, at, bytes))
		return failed(err, errno, "write", f->name);
	if (io_traced())
		io_trace_data(IO_OP_WRITE, io_trace_ino(f->fd), at, bytes);
	return RC_OK;
}

enum rc io_read_at(struct io_file *f, uint64_t at, void *to, size_t n, struct err *err)
{
	if (faulted(IO_OP_READ))
		return failed(err, errno, "read", f->name);
	char *p = to;
	for (size_t got = 0; got < n;) {
		ssize_t step = pread(f->fd, p + got, n - got, (off_t)(at + got));
		if (step < 0 && errno == EINTR)
			continue;
		if (step < 0)
			return failed(err, errno, "read", f->name);
		if (step == 0)
			return fail(err, RC_INPUT, "'%s' ends before byte %llu", f->name,
				    (unsigned long long)(at + n));
		got += (size_t)step;
	}
	return RC_OK;
}

enum rc io_sync(struct io_file *f, struct err *err)
{
	if (f->sync_failed)
		return fail(err, RC_IO, "cannot sync '%s': an earlier sync failed", f->name);
	if (faulted(IO_OP_SYNC) || fdatasync(f->fd) != 0) {
		f->sync_failed = true;
		return failed(err, errno, "sync", f->name);
	}
	if (io_traced())
		io_trace_data(IO_OP_SYNC, io_trace_ino(f->fd), 0, STR_NONE);
	return RC_OK;
}

enum rc io_truncate(struct io_file *f, uint64_t size, struct err *err)
{
	if (faulted(IO_OP_TRUNCATE) || ftruncate(f->fd, (off_t)size) != 0)
		return failed(err, errno, "truncate", f->name);
	if (io_traced())
		io_trace_data(IO_OP_TRUNCATE, io_trace_ino(f->fd), size, STR_NONE);
	return RC_OK;
}

/* --- whole small files --- */

enum rc io_read_file(struct io_dir *d, const char *name, struct buf *out, struct err *err)
{
	struct io_file *f;
	enum rc rc = io_open(d, name, IO_READ, &f, err);
	if (rc != RC_OK)
		return rc;
	uint64_t size = 0;
	rc = io_size(f, &size, err);
	char *to = NULL;
	if (rc == RC_OK && (size > out->cap - out->n || !(to = buf_room(out, (size_t)size))))
		rc = fail(err, RC_LIMIT, "'%s' is larger than %zu bytes", name, out->cap);
	if (rc == RC_OK)
		rc = io_read_at(f, 0, to, (size_t)size, err);
	if (rc == RC_OK) {
		out->n += (size_t)size;
		out->p[out->n] = '\0';
	}
	io_close(f);
	return rc;
}

enum rc io_replace_file(struct io_dir *d, const char *name, str bytes, struct err *err)
{
	char beside[256];
	snprintf(beside, sizeof(beside), "%s.new", name);
	struct io_file *f;
	enum rc rc = io_open(d, beside, IO_WRITE | IO_CREATE, &f, err);
	if (rc != RC_OK)
		return rc;
	rc = io_truncate(f, 0, err);
	if (rc == RC_OK)
		rc = io_write_at(f, 0, bytes, err);
	if (rc == RC_OK)
		rc = io_sync(f, err);
	io_close(f);
	if (rc == RC_OK)
		rc = io_rename(d, beside, name, err);
	if (rc == RC_OK)
		rc = io_dir_sync(d, err);
	else
		(void)!io_unlink(d, beside, NULL);
	return rc;
}

enum rc io_free_bytes(struct io_dir *d, uint64_t *out, struct err *err)
{
	struct statvfs fs;
	if (fstatvfs(d->fd, &fs) != 0)
		return failed(err, errno, "ask for free space of", d->path);
	*out = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (io_traced())
		*out = io_trace_free_bytes(*out);
	return RC_OK;
}
