/* SPDX-License-Identifier: Apache-2.0 */
/* test_dir.h: a directory of a test's own, removed with all in it. */
#ifndef RONDA_BASE_TEST_DIR_H
#define RONDA_BASE_TEST_DIR_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/str.h"

struct test_dir {
	char path[256];
};

/* In memory where that is possible: tests sync a lot. */
static inline struct test_dir test_dir_new(void)
{
	struct test_dir d;
	const char *base = getenv("TMPDIR");
	if (!base)
		base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(d.path, sizeof(d.path), "%s/ronda-test-XXXXXX", base);
	if (!mkdtemp(d.path)) {
		perror(d.path);
		exit(1);
	}
	return d;
}

/* Everything in `path`, at most two levels down, and itself. */
static inline void test_dir_remove_path(const char *path)
{
	char stack[4][512];
	int depth = 0;
	snprintf(stack[0], sizeof(stack[0]), "%s", path);
	while (depth >= 0) {
		DIR *list = opendir(stack[depth]);
		bool deeper = false;
		for (struct dirent *e; list && !deeper && (e = readdir(list)) != NULL;) {
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			char inside[512];
			int n = snprintf(inside, sizeof(inside), "%.240s/%.255s", stack[depth],
					 e->d_name);
			if (n < 0 || (size_t)n >= sizeof(inside))
				continue;
			if (unlink(inside) == 0 || rmdir(inside) == 0 || depth == 3)
				continue;
			memcpy(stack[++depth], inside, sizeof(inside));
			deeper = true;
		}
		if (list)
			closedir(list);
		if (!deeper && rmdir(stack[depth--]) != 0 && depth >= 0)
			break;
	}
}

static inline void test_dir_end(struct test_dir *d)
{
	test_dir_remove_path(d->path);
}

/* "PATH/name" in `text`. */
static inline const char *test_dir_in(const struct test_dir *d, char text[512], const char *name)
{
	snprintf(text, 512, "%s/%s", d->path, name);
	return text;
}

#endif
