/* SPDX-License-Identifier: Apache-2.0 */
#include "node/collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/destroy.h"

#define LOOK_EVERY_US (2 * SECOND_US)
#define SETTLE_S 1 /* a file untouched for so long is complete */

struct collector {
	struct node *node;
	struct queue *stop;
	pthread_t thread;
};

static bool skip_name(str name)
{
	return name.n == 0 || name.p[0] == '.' || str_ends(name, STR(".part")) || str_ends(name, STR(".tmp"));
}

/* Regular, not a link, and at rest. */
static bool is_complete(int dir_fd, const char *name)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return false;
	return time(NULL) - st.st_mtime >= SETTLE_S;
}

static enum rc take_file(struct node *n, const struct feed *f, int dir_fd, const char *name, struct err *err)
{
	struct delivery d = { .feed = f->name, .file_name = str_of(name), .actor = STR("folder") };
	struct intake_summary summary;
	struct intake *in = NULL;
	char part[65536];
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, errno, "cannot open '%s'", name);
	enum rc rc = intake_begin(n->pipeline, &d, &in, err);
	while (rc == RC_OK) {
		ssize_t got = read(fd, part, sizeof(part));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = fail_errno(err, errno, "cannot read '%s'", name);
		if (got <= 0)
			break;
		rc = intake_bytes(in, str_mem(part, (size_t)got), err);
	}
	close(fd);
	if (rc != RC_OK) {
		intake_abort(in);
		return rc;
	}
	return intake_end(in, false, NULL, NULL, &summary, err);
}

/* Beside, never over an older file of the same name. */
static void move_away(struct node *n, int dir_fd, const char *name, const char *sub)
{
	char to[600];
	if (mkdirat(dir_fd, sub, 0700) != 0 && errno != EEXIST)
		log_warn(n->log, "a watched folder cannot be written", L_Z("name", name));
	for (int i = 0; i < 1000; i++) {
		if (i == 0)
			snprintf(to, sizeof(to), "%s/%s", sub, name);
		else
			snprintf(to, sizeof(to), "%s/%s.%d", sub, name, i);
		if (renameat2(dir_fd, name, dir_fd, to, RENAME_NOREPLACE) == 0)
			return;
		if (errno != EEXIST)
			break;
	}
	log_warn(n->log, "a taken report cannot be moved away", L_Z("name", name));
}

static enum rc look_in(struct node *n, const struct feed *f, struct arena *a, uint64_t *taken, struct err *err)
{
	DIR *dir = opendir(arena_z(a, f->folder));
	enum rc rc = RC_OK;
	if (!dir)
		return fail_errno(err, errno, "cannot look into folder '" STR_FMT "' of feed '" STR_FMT "'",
				  STR_ARG(f->folder), STR_ARG(f->name));
	struct dirent *e;
	while (rc == RC_OK && (e = readdir(dir))) {
		if (skip_name(str_of(e->d_name)) || !is_complete(dirfd(dir), e->d_name))
			continue;
		enum rc took = take_file(n, f, dirfd(dir), e->d_name, err);
		if (took == RC_OK)
			move_away(n, dirfd(dir), e->d_name, "done");
		else if (took == RC_INPUT || took == RC_CONFLICT)
			move_away(n, dirfd(dir), e->d_name, "refused");
		else if (took != RC_DENIED || !destroy_known_file(n, dirfd(dir), e->d_name))
			rc = took; /* the file stays: next time */
		*taken += took == RC_OK;
	}
	closedir(dir);
	return rc;
}

enum rc collect_once(struct node *n, uint64_t *taken_out, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct feed *feeds = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	*taken_out = 0;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK) {
		rc = feed_list(reader_conn(r), a, &feeds, &count, err);
		store_read_end(r);
	}
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (!feeds[i].on || feeds[i].folder.n == 0)
			continue;
		struct err one = { 0 };
		if (look_in(n, &feeds[i], a, taken_out, &one) != RC_OK)
			log_warn(n->log, "a watched folder waits", L_STR("feed", feeds[i].name), L_Z("why", one.text));
	}
	arena_free(a);
	return rc;
}

static void *watch(void *arg)
{
	struct collector *c = arg;
	while (!queue_closed(c->stop)) {
		struct err err = { 0 };
		uint64_t taken = 0;
		if (collect_once(c->node, &taken, &err) != RC_OK)
			log_warn(c->node->log, "the collector cannot read the feeds", L_Z("why", err.text));
		queue_take_for(c->stop, LOOK_EVERY_US);
	}
	return NULL;
}

enum rc collect_start(struct node *n, struct collector **out, struct err *err)
{
	struct collector *c = x_alloc(sizeof(*c));
	c->node = n;
	c->stop = queue_new(1);
	if (pthread_create(&c->thread, NULL, watch, c) != 0) {
		queue_free(c->stop);
		free(c);
		return fail(err, RC_LIMIT, "cannot start the collector's thread");
	}
	*out = c;
	return RC_OK;
}

void collect_stop(struct collector *c)
{
	if (!c)
		return;
	queue_close(c->stop);
	pthread_join(c->thread, NULL);
	queue_free(c->stop);
	free(c);
}
