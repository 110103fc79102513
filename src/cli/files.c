/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: the caller's files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli_private.h"

enum rc cli_open_file(struct cli *c, const char *path, int *fd_out, struct err *err)
{
	int fd = str_eq(str_of(path), STR("-")) ? fcntl(c->in, F_DUPFD_CLOEXEC, 3) :
						  openat(c->dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, errno, "cannot open '%s'", path);
	*fd_out = fd;
	return RC_OK;
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
		ssize_t n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
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
	close(fd);
	return rc;
}
