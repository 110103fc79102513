/* SPDX-License-Identifier: Apache-2.0 */
/* From inside: what must fail does, what gpg needs goes on. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/test.h"
#include "base/test_dir.h"
#include "mail/crypto_private.h"

static int runs(const char *program)
{
	pid_t pid = fork();
	int status;
	char *argv[] = { (char[]){ "gpg" }, (char[]){ "--version" }, NULL };
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		if (null >= 0 && dup2(null, 1) >= 0)
			execv(program, argv);
		_exit(100);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Exit code: the number of the first thing that is not as it must be; 0: all is. */
static int try_all(const char *home)
{
	char inside[600];
	struct err err;
	snprintf(inside, sizeof inside, "%s/file", home);
	if (crypto_cage_enter(MIB(1), &err) != RC_OK || crypto_cage_files(home, &err) != RC_OK)
		return 1;
	const bool must[] = {
		socket(AF_INET, SOCK_STREAM, 0) < 0,   socket(AF_INET6, SOCK_DGRAM, 0) < 0,
		socket(AF_NETLINK, SOCK_RAW, 0) < 0,   socket(AF_UNIX, SOCK_STREAM, 0) >= 0,
		ptrace(PTRACE_TRACEME, 0, 0, 0) < 0,   kill(getppid(), SIGTERM) < 0,
		unshare(CLONE_NEWUSER) < 0,	       !opens("/etc/passwd", O_RDONLY),
		!opens("/tmp/ronda-probe", O_WRONLY | O_CREAT), opens(inside, O_WRONLY | O_CREAT),
		runs(GPG) == 0,			       runs("/bin/true") == 100,
		runs("/bin/sh") == 100,		       runs("/usr/bin/dirmngr") == 100,
		runs(inside) == 100,
	};
	for (size_t i = 0; i < COUNT_OF(must); i++)
		if (!must[i])
			return (int)i + 2;
	return 0;
}

TEST(from_inside)
{
	struct test_dir d = test_dir_new();
	pid_t pid = fork();
	int status = -1;
	if (pid == 0)
		_exit(try_all(d.path));
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
	test_dir_end(&d);
}

TEST_MAIN(TEST_RUN(from_inside))
