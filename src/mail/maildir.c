/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "mail/parse.h"

enum { NAMES_MOST = 1000, NAME_BYTES = 256 };

/* Into its place; of more than `most` the last one falls out. */
static void put_name(char (*names)[NAME_BYTES], size_t *n, size_t most, const char *name)
{
	size_t at = *n;
	while (at > 0 && strcmp(names[at - 1], name) > 0)
		at--;
	if (at == most)
		return;
	*n -= *n == most;
	memmove(names[at + 1], names[at], (*n - at) * NAME_BYTES);
	memcpy(names[at], name, strlen(name) + 1);
	++*n;
}

/* Delivered: in new/, no link, no name that a half-made one has. The first ones by name, in order. */
static size_t list_new(int new_fd, char (*names)[NAME_BYTES], size_t most, size_t *all_out)
{
	size_t n = 0;
	*all_out = 0;
	int fd = openat(new_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	if (!dir && fd >= 0)
		close(fd);
	while (dir && (e = readdir(dir))) {
		struct stat st;
		if (e->d_name[0] == '.' || strlen(e->d_name) >= NAME_BYTES ||
		    fstatat(new_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
			continue;
		++*all_out;
		put_name(names, &n, most, e->d_name);
	}
	if (dir)
		closedir(dir);
	return n;
}

static enum rc read_one(int new_fd, const char *name, struct buf *out, struct err *err)
{
	int fd = openat(new_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, errno, "cannot open the mail '%s'", name);
	enum rc rc = RC_OK;
	while (out->n <= MAIL_BYTES_MAX) {
		size_t want = MAIL_BYTES_MAX + 1 - out->n;
		want = want < KIB(64) ? want : KIB(64);
		char *room = want ? buf_room(out, want) : NULL;
		if (!room)
			break;
		ssize_t got = read(fd, room, want);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = fail_errno(err, errno, "cannot read the mail '%s'", name);
		if (got <= 0)
			break;
		out->n += (size_t)got;
	}
	close(fd);
	return rc;
}

/* "NAME:2,S": seen. A name that has flags keeps them. */
static enum rc move_seen(int new_fd, int cur_fd, const char *name, struct err *err)
{
	char to[NAME_BYTES + 8];
	snprintf(to, sizeof to, "%s%s", name, str_has(str_of(name), ':') ? "" : ":2,S");
	if (renameat(new_fd, name, cur_fd, to) != 0)
		return fail_errno(err, errno, "cannot move the mail '%s' to cur", name);
	return RC_OK;
}

static enum rc each_in(int new_fd, int cur_fd, char (*names)[NAME_BYTES], size_t n, mail_take take, void *ctx,
		       size_t *count_out, struct err *err)
{
	struct buf bytes = BUF_INIT(MAIL_BYTES_MAX + KIB(64));
	enum rc rc = RC_OK;
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		buf_reset(&bytes);
		rc = read_one(new_fd, names[i], &bytes, err);
		if (rc == RC_OK)
			rc = take(ctx, buf_str(&bytes), err);
		if (rc == RC_OK || rc == RC_INPUT || rc == RC_LIMIT)
			rc = move_seen(new_fd, cur_fd, names[i], err);
		*count_out += rc == RC_OK;
	}
	buf_free(&bytes);
	return rc;
}

enum rc maildir_each(str path, size_t most, mail_take take, void *ctx, size_t *count_out, size_t *left_out,
		     struct err *err)
{
	char z[4096];
	*count_out = *left_out = 0;
	if (!str_to_z(path, z, sizeof z))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no path", STR_ARG(path));
	int dir = open(z, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int new_fd = dir >= 0 ? openat(dir, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int cur_fd = dir >= 0 ? openat(dir, "cur", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	enum rc rc = new_fd >= 0 && cur_fd >= 0 ? RC_OK :
						   fail(err, RC_ABSENT, "'" STR_FMT "' is no Maildir", STR_ARG(path));
	if (rc == RC_OK) {
		char(*names)[NAME_BYTES] = x_array(NAMES_MOST, NAME_BYTES);
		size_t all, n = list_new(new_fd, names, most < NAMES_MOST ? most : NAMES_MOST, &all);
		rc = each_in(new_fd, cur_fd, names, n, take, ctx, count_out, err);
		*left_out = all - n;
		free(names);
	}
	if (new_fd >= 0)
		close(new_fd);
	if (cur_fd >= 0)
		close(cur_fd);
	if (dir >= 0)
		close(dir);
	return rc;
}
