/* SPDX-License-Identifier: Apache-2.0 */
/* Watched folders keep what they delivered, in done/ and refused/: what was destroyed leaves them
 * too. Known by size and digest, never by its name. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "intake/feeds.h"
#include "node/destroy_private.h"
#include "store/destroyed.h"

static bool digest_of(int dir, const char *name, struct digest *out)
{
	char part[65536];
	ssize_t got;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	struct sha256 *sha = sha256_new();
	while ((got = read(fd, part, sizeof(part))) > 0 || (got < 0 && errno == EINTR))
		if (got > 0)
			sha256_add(sha, str_mem(part, (size_t)got));
	*out = sha256_end(sha);
	close(fd);
	return got == 0;
}

bool destroy_known_file(struct node *n, int dir, const char *name)
{
	struct reader *r = NULL;
	struct digest d;
	bool found = false;
	if (!digest_of(dir, name, &d) || store_read_begin(n->store, &r, NULL) != RC_OK)
		return false;
	enum rc rc = destroyed_find(reader_conn(r), &d, &found, NULL);
	store_read_end(r);
	return rc == RC_OK && found && unlinkat(dir, name, 0) == 0 && fsync(dir) == 0;
}

static enum rc look_in(struct node *n, int dir_fd, uint64_t bytes, struct err *err)
{
	DIR *dir = fdopendir(dir_fd);
	if (!dir) {
		close(dir_fd);
		return fail_errno(err, errno, "cannot look into a watched folder");
	}
	for (struct dirent *e; (e = readdir(dir)) != NULL;) {
		struct stat st;
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    (uint64_t)st.st_size == bytes)
			(void)destroy_known_file(n, dirfd(dir), e->d_name);
	}
	closedir(dir);
	return RC_OK;
}

static enum rc look_in_all(struct node *n, const char *folder, uint64_t bytes, struct err *err)
{
	static const char *const subs[] = { ".", "done", "refused" };
	enum rc rc = RC_OK;
	int top = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0) /* not there any more: nothing is in it */
		return errno == ENOENT || errno == ENOTDIR ? RC_OK :
			       fail_errno(err, errno, "cannot look into the folder '%s'", folder);
	for (size_t i = 0; i < COUNT_OF(subs) && rc == RC_OK; i++) {
		int sub = openat(top, subs[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub >= 0)
			rc = look_in(n, sub, bytes, err);
	}
	close(top);
	return rc;
}

enum rc destroy_copies(struct node *n, int64_t report, struct err *err)
{
	struct arena *a = arena_new(KIB(8));
	struct feed *feeds = NULL;
	struct reader *r = NULL;
	struct report rep = { .bytes = 0 };
	size_t count = 0;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK)
		rc = report_load(reader_conn(r), report, &rep, err);
	if (rc == RC_OK)
		rc = feed_list(reader_conn(r), a, &feeds, &count, err);
	if (r)
		store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (feeds[i].folder.n)
			rc = look_in_all(n, arena_z(a, feeds[i].folder), rep.bytes, err);
	arena_free(a);
	return rc == RC_ABSENT ? RC_OK : rc;
}
