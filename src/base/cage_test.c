/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/starter_private.h"
#include "base/test.h"

static struct starter *starter_for_test(void)
{
	struct starter *s = NULL;
	struct err err = { 0 };
	CHECK_RC(starter_new_named("tests/helpers/ronda-starter", &s, &err), RC_OK, err);
	return s;
}

/* "" when the child ended instead of answering. */
static void ask(const struct child *c, const char *what, char answer[64])
{
	answer[0] = '\0';
	if (send(c->socket, what, strlen(what), MSG_NOSIGNAL) < 0)
		return;
	ssize_t n = recv(c->socket, answer, 63, 0);
	answer[n > 0 ? n : 0] = '\0';
}

static struct child probe(struct starter *s, const char *how, char answer[64])
{
	struct child c = CHILD_NONE;
	struct err err = { 0 };
	CHECK_RC(starter_spawn(s, "probe", 4096, &c, &err), RC_OK, err);
	ask(&c, how, answer);
	return c;
}

/* "killed by N", "errno N" or "done 0", told by a child that did this one thing. */
static void outcome(struct starter *s, const char *how, const char *attempt, char text[64])
{
	struct child c = probe(s, how, text);
	CHECK_MSG(str_starts(str_of(text), STR("caged")), "%s: %s", how, text);
	ask(&c, attempt, text);
	/* One that answered is still there and would be waited for. */
	struct child_end end = starter_end_wait(s, &c, text[0] ? 0 : 2000);
	if (text[0] == '\0' && end.known)
		snprintf(text, 64, "killed by %d", end.signal);
}

static bool landlock_here(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1;
}

static const char *const forbidden[] = { "open",   "old-open", "write", "socket", "execve",     "ptrace",
					 "fork",   "kill",     "code",  "code-later" };

/* Only what a sanitizer itself needs may end in an error instead of the process. */
static bool stopped(const char *attempt, const char *text)
{
	char killed[64];
	snprintf(killed, sizeof(killed), "killed by %d", SIGSYS);
	if (strcmp(text, killed) == 0)
		return true;
#ifdef RONDA_SANITIZED
	char refused[64];
	snprintf(refused, sizeof(refused), "errno %d", EACCES);
	return strcmp(text, refused) == 0 && strcmp(attempt, "socket") != 0 &&
	       strcmp(attempt, "execve") != 0;
#else
	(void)attempt;
	return false;
#endif
}

static void all_forbidden(const char *how)
{
	struct starter *s = starter_for_test();
	for (size_t i = 0; s && i < COUNT_OF(forbidden); i++) {
		char text[64];
		outcome(s, how, forbidden[i], text);
		CHECK_MSG(stopped(forbidden[i], text), "%s, %s: %s", how, forbidden[i], text);
	}
	starter_free(s);
	CHECK(access("/tmp/ronda-probe-was-here", F_OK) != 0);
}

TEST(forbidden_in_the_cage)
{
	all_forbidden("cage");
}

TEST(forbidden_without_landlock)
{
	all_forbidden("no-landlock");
}

TEST(tells_whether_landlock_is_there)
{
	struct starter *s = starter_for_test();
	char text[64];
	struct child c = probe(s, "no-landlock", text);
	CHECK_STR(str_of(text), STR("caged 0"));
	starter_end(s, &c);
	c = probe(s, "cage", text);
	CHECK_STR(str_of(text), landlock_here() ? STR("caged 1") : STR("caged 0"));
	starter_end(s, &c);
	starter_free(s);
}

/* Without seccomp in front of it, Landlock's own answer is seen. */
TEST(landlock_alone)
{
	if (!landlock_here()) {
		printf("# SKIP this kernel has no Landlock\n");
		return;
	}
	struct starter *s = starter_for_test();
	char text[64], refused[64];
	snprintf(refused, sizeof(refused), "errno %d", EACCES);
	outcome(s, "landlock", "open", text);
	CHECK_STR(str_of(text), str_of(refused));
	outcome(s, "landlock", "execve", text);
	CHECK_STR(str_of(text), str_of(refused));
	outcome(s, "landlock", "write", text);
	CHECK_STR(str_of(text), str_of(refused));
	starter_free(s);
}

/* The probe can do what it tries where nothing forbids it: else these tests
 * would prove nothing. */
TEST(the_probe_works_outside)
{
	static const char *const possible[] = { "open", "old-open", "socket", "code", "memory" };
	struct starter *s = starter_for_test();
	for (size_t i = 0; i < COUNT_OF(possible); i++) {
		char text[64];
		outcome(s, "open", possible[i], text);
		CHECK_MSG(strcmp(text, "done 0") == 0, "%s: %s", possible[i], text);
	}
	starter_free(s);
}

TEST(memory_has_a_limit)
{
	struct starter *s = starter_for_test();
	char text[64];
	outcome(s, "cage", "some-memory", text);
	CHECK_STR(str_of(text), STR("done 0"));
#ifndef RONDA_SANITIZED
	char refused[64];
	snprintf(refused, sizeof(refused), "errno %d", ENOMEM);
	outcome(s, "cage", "memory", text);
	CHECK_STR(str_of(text), str_of(refused));
#endif
	starter_free(s);
}

TEST(abort_keeps_its_name)
{
	struct starter *s = starter_for_test();
	char text[64], want[64];
	snprintf(want, sizeof(want), "killed by %d", SIGABRT);
	outcome(s, "cage", "abort", text);
	CHECK_STR(str_of(text), str_of(want));
	starter_free(s);
}

TEST_MAIN(TEST_RUN(forbidden_in_the_cage), TEST_RUN(forbidden_without_landlock),
	  TEST_RUN(tells_whether_landlock_is_there), TEST_RUN(landlock_alone),
	  TEST_RUN(the_probe_works_outside), TEST_RUN(memory_has_a_limit),
	  TEST_RUN(abort_keeps_its_name))
