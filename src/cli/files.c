/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: the caller's files and handles.
 *
 * Inside a node a caller may go away while its command waits for it. control.h
 * then puts dead handles in place of the caller's: so nothing here holds a
 * duplicate of them, and nothing waits longer than a tick without looking. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/cli_private.h"

enum { TICK_MS = 500, PIPE_PIECE = 4096 /* a pipe that can be written takes so much */ };

/* Reading from the dead handle fails, which no handle of a caller's does so. */
bool cli_abandoned(const struct cli *c)
{
	struct pollfd p = { .fd = c->in };
	return c->served && poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLNVAL));
}

enum rc cli_open_file(struct cli *c, const char *path, int *fd_out, struct err *err)
{
	str p = str_of(path);
	if (str_eq(p, STR("-")) || str_eq(p, STR("/dev/stdin"))) {
		*fd_out = c->in;
		return RC_OK;
	}
	/* In a node these would name the node's handles. */
	if (c->served && (str_starts(p, STR("/dev/fd/")) || str_starts(p, STR("/proc/self/"))))
		return fail(err, RC_INPUT, "a running node cannot open '%s': pipe it into '-'", path);
	/* A named pipe nobody writes to must not hold a thread of the node. */
	int flags = O_RDONLY | O_CLOEXEC | (c->served ? O_NONBLOCK : 0);
	int fd = openat(c->dir_fd, path, flags);
	if (fd < 0)
		return fail_errno(err, errno, "cannot open '%s'", path);
	*fd_out = fd;
	return RC_OK;
}

void cli_close_file(const struct cli *c, int fd)
{
	if (fd >= 0 && fd != c->in)
		close(fd);
}

long cli_read(struct cli *c, int fd, void *to, size_t n)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (cli_abandoned(c)) {
			errno = ECANCELED;
			return -1;
		}
		if (c->served && poll(&p, 1, TICK_MS) == 0)
			continue;
		ssize_t got = read(fd, to, n);
		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
	}
}

/* False when it cannot be written, or the caller has gone. */
bool cli_write(struct cli *c, int fd, str s)
{
	while (s.n) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		if (c->served && poll(&p, 1, TICK_MS) == 0)
			continue;
		size_t piece = c->served && s.n > PIPE_PIECE ? PIPE_PIECE : s.n;
		ssize_t n = write(fd, s.p, piece);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		s = str_from(s, (size_t)n);
	}
	return true;
}

enum rc cli_read_file(struct cli *c, const char *path, size_t cap, struct buf *out, struct err *err)
{
	int fd;
	enum rc rc = cli_open_file(c, path, &fd, err);
	if (rc != RC_OK)
		return rc;
	out->cap = cap;
	for (;;) {
		char part[16384];
		long n = cli_read(c, fd, part, sizeof(part));
		if (n < 0)
			rc = fail_errno(err, errno, "cannot read '%s'", path);
		if (n <= 0)
			break;
		buf_add_mem(out, part, (size_t)n);
		if (out->over) {
			rc = fail(err, RC_LIMIT, "'%s' is longer than %zu bytes", path, cap);
			break;
		}
	}
	cli_close_file(c, fd);
	return rc;
}

enum rc cli_kept_heads(struct cli *c, const char *value, struct buf *out, struct err *err)
{
	str left = str_of(value), number = str_cut(&left, ':');
	uint64_t n;
	if (!value)
		return RC_OK;
	if (left.n && str_to_u64(number, &n)) {
		out->cap = KIB(1);
		buf_add(out, str_head(str_of(value), KIB(1) - 1));
		return RC_OK;
	}
	return cli_read_file(c, value, MIB(64), out, err);
}
