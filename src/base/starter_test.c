/* SPDX-License-Identifier: Apache-2.0 */
#include "base/starter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/starter_private.h"
#include "base/test.h"

static struct starter *starter_for_test(void)
{
	struct starter *s = NULL;
	struct err err = { 0 };
	CHECK_RC(starter_new_named("tests/helpers/ronda-starter", &s, &err), RC_OK, err);
	return s;
}

static size_t handles_open(void)
{
	size_t n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool gone_within(pid_t pid, int64_t ms)
{
	int64_t until = clock_mono_us() + ms * 1000;
	while (clock_mono_us() < until) {
		if (kill(pid, 0) != 0 && errno == ESRCH)
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return false;
}

static bool answers(const struct child *c)
{
	char text[64];
	return send(c->socket, "open", 4, MSG_NOSIGNAL) == 4 &&
	       recv(c->socket, text, sizeof(text), 0) > 0;
}

TEST(spawns_and_ends)
{
	size_t before = handles_open();
	struct starter *s = starter_for_test();
	struct err err = { 0 };
	for (int i = 0; i < 20; i++) {
		struct child c = CHILD_NONE;
		CHECK_RC(starter_spawn(s, "probe", 8192, &c, &err), RC_OK, err);
		CHECK(c.pid > 0 && c.area && c.area_bytes == 8192);
		CHECK(answers(&c));
		pid_t pid = c.pid;
		starter_end(s, &c);
		CHECK(gone_within(pid, 2000));
		CHECK_INT(c.socket, -1);
	}
	starter_free(s);
	CHECK_INT(handles_open(), before);
}

TEST(unknown_helpers)
{
	static const char *const names[] = {
		"nobody", "", "../probe", "a-name-that-is-much-longer-than-a-helper-may-have"
	};
	struct starter *s = starter_for_test();
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct child c = CHILD_NONE;
		struct err err = { 0 };
		CHECK_RC(starter_spawn(s, names[i], 0, &c, &err), RC_ABSENT, err);
		CHECK_INT(c.socket, -1);
	}
	starter_free(s);
}

TEST(the_release_starter_has_no_test_helpers)
{
	struct starter *s = NULL;
	struct child c = CHILD_NONE;
	struct err err = { 0 };
	CHECK_RC(starter_new_named("ronda-starter", &s, &err), RC_OK, err);
	CHECK_RC(starter_spawn(s, "probe", 0, &c, &err), RC_ABSENT, err);
	starter_free(s);
	CHECK_RC(starter_new_named("no-such-program", &s, &err), RC_ABSENT, err);
}

TEST(the_area_cannot_shrink)
{
	struct starter *s = starter_for_test();
	struct child c = CHILD_NONE;
	struct err err = { 0 };
	CHECK_RC(starter_spawn(s, "probe", 8192, &c, &err), RC_OK, err);
	CHECK(ftruncate(c.area_fd, 4096) != 0);
	CHECK(ftruncate(c.area_fd, 16384) != 0);
	CHECK_INT(fcntl(c.area_fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	starter_end(s, &c);
	starter_free(s);
}

TEST(tells_how_a_child_ended)
{
	static const struct {
		const char *attempt;
		int signal, code;
	} rows[] = { { "exit", 0, 7 }, { "abort", SIGABRT, 0 }, { "memory", SIGKILL, 0 } };
	struct starter *s = starter_for_test();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct child c = CHILD_NONE;
		struct err err = { 0 };
		CHECK_RC(starter_spawn(s, "probe", 0, &c, &err), RC_OK, err);
		CHECK(c.area == NULL && answers(&c));
		CHECK(send(c.socket, rows[i].attempt, strlen(rows[i].attempt), MSG_NOSIGNAL) > 0);
		/* The one that goes on living is killed. */
		struct child_end end = starter_end_wait(s, &c, 200);
		CHECK(end.known);
		CHECK_INT(end.signal, rows[i].signal);
		CHECK_INT(end.code, rows[i].code);
	}
	starter_free(s);
}

TEST(knows_its_own)
{
	struct starter *s = starter_for_test();
	struct child c = CHILD_NONE;
	struct err err = { 0 };
	CHECK_RC(starter_spawn(s, "probe", 0, &c, &err), RC_OK, err);
	CHECK(answers(&c));
	CHECK(starter_is_above(s, c.pid));
	CHECK(!starter_is_above(s, getpid()));
	CHECK(!starter_is_above(s, getppid()));
	CHECK(!starter_is_above(s, 0)); /* of another namespace */
	CHECK(!starter_is_above(NULL, c.pid));
	pid_t gone = fork();
	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	CHECK(starter_is_above(s, gone)); /* it cannot be seen */
	starter_end(s, &c);
	starter_free(s);
}

/* A node that is killed leaves neither starter nor children behind. */
TEST(ends_with_the_node)
{
	int pipes[2];
	CHECK(pipe(pipes) == 0);
	pid_t node = fork();
	if (node == 0) {
		struct starter *s = NULL;
		struct child c = CHILD_NONE;
		if (starter_new_named("tests/helpers/ronda-starter", &s, NULL) != RC_OK ||
		    starter_spawn(s, "probe", 4096, &c, NULL) != RC_OK ||
		    write(pipes[1], &c.pid, sizeof(c.pid)) < 0)
			_exit(1);
		pause();
	}
	pid_t child = 0;
	CHECK(read(pipes[0], &child, sizeof(child)) == sizeof(child) && child > 0);
	kill(node, SIGKILL);
	waitpid(node, NULL, 0);
	CHECK(child > 0 && gone_within(child, 2000));
	close(pipes[0]);
	close(pipes[1]);
}

TEST(children_end_with_the_starter)
{
	struct starter *s = starter_for_test();
	struct child c = CHILD_NONE;
	struct err err = { 0 };
	CHECK_RC(starter_spawn(s, "probe", 0, &c, &err), RC_OK, err);
	pid_t pid = c.pid;
	starter_free(s);
	CHECK(gone_within(pid, 2000));
	struct child_end end = starter_end_wait(NULL, &c, 0);
	CHECK(!end.known || end.signal == SIGKILL);
}

static void *spawn_many(void *arg)
{
	struct starter *s = arg;
	intptr_t good = 0;
	for (int i = 0; i < 10; i++) {
		struct child c = CHILD_NONE;
		if (starter_spawn(s, "probe", 4096, &c, NULL) != RC_OK)
			continue;
		good += answers(&c);
		starter_end(s, &c);
	}
	return (void *)good;
}

TEST(threads_share_it)
{
	struct starter *s = starter_for_test();
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		CHECK(pthread_create(&threads[i], NULL, spawn_many, s) == 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		void *good = NULL;
		pthread_join(threads[i], &good);
		CHECK_INT((intptr_t)good, 10);
	}
	starter_free(s);
}

/* More than it keeps: busy, and well again afterwards. */
TEST(a_full_starter_says_so)
{
	enum { MOST = 64 };
	struct starter *s = starter_for_test();
	struct child c[MOST], extra = CHILD_NONE;
	struct err err = { 0 };
	for (int i = 0; i < MOST; i++)
		CHECK_RC(starter_spawn(s, "probe", 0, &c[i], &err), RC_OK, err);
	CHECK_RC(starter_spawn(s, "probe", 0, &extra, &err), RC_BUSY, err);
	starter_end(s, &c[0]);
	CHECK_RC(starter_spawn(s, "probe", 0, &c[0], &err), RC_OK, err);
	for (int i = 0; i < MOST; i++)
		starter_end(s, &c[i]);
	starter_free(s);
}

TEST_MAIN(TEST_RUN(knows_its_own), TEST_RUN(spawns_and_ends), TEST_RUN(unknown_helpers),
	  TEST_RUN(the_release_starter_has_no_test_helpers), TEST_RUN(the_area_cannot_shrink),
	  TEST_RUN(tells_how_a_child_ended), TEST_RUN(ends_with_the_node),
	  TEST_RUN(children_end_with_the_starter), TEST_RUN(threads_share_it),
	  TEST_RUN(a_full_starter_says_so))
