/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-probe: tries from inside the cage what must fail. It reads the names of
 * attempts from its socket, one a message, and answers each with the outcome:
 * "done", or "errno N". An attempt that ends the process is seen by the test. */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/cage.h"
#include "base/starter_private.h"
#include "base/str.h"

static long try_open(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long try_write(void)
{
	return open("/tmp/ronda-probe-was-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_old_open(void)
{
#ifdef SYS_open
	return syscall(SYS_open, "/etc/passwd", O_RDONLY);
#else
	return try_open();
#endif
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_execve(void)
{
	char *const argv[] = { "true", NULL }, *const environment[] = { NULL };
	return execve("/bin/true", argv, environment);
}

static long try_ptrace(void)
{
	return syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0);
}

static long try_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long try_kill(void)
{
	return kill(getppid(), 0);
}

static long try_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	return p == MAP_FAILED ? -1 : 0;
}

static long try_code_later(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? -1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long try_memory(void)
{
	char *volatile p = malloc(MIB(512));
	if (!p)
		return -1;
	p[MIB(256)] = 1;
	return 0;
}

static long try_some_memory(void)
{
	char *volatile p = malloc(MIB(8));
	if (!p)
		return -1;
	memset(p, 1, MIB(8));
	free(p);
	return 0;
}

static long try_abort(void)
{
	abort();
}

static long try_exit(void)
{
	_exit(7);
}

static const struct attempt {
	const char *name;
	long (*run)(void);
} attempts[] = {
	{ "open", try_open },         { "write", try_write },   { "old-open", try_old_open },
	{ "socket", try_socket },     { "execve", try_execve }, { "ptrace", try_ptrace },
	{ "fork", try_fork },         { "kill", try_kill },     { "code", try_code },
	{ "code-later", try_code_later }, { "memory", try_memory },
	{ "some-memory", try_some_memory }, { "abort", try_abort }, { "exit", try_exit },
};

static void answer(const char *fmt, long value)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%s %ld", fmt, value);
	struct iovec io = { text, (size_t)n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	if (sendmsg(HELPER_SOCKET, &m, MSG_NOSIGNAL) < 0)
		_exit(3);
}

static void attempt(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(attempts); i++)
		if (strcmp(attempts[i].name, name) == 0) {
			errno = 0;
			if (attempts[i].run() < 0)
				answer("errno", errno);
			else
				answer("done", 0);
			return;
		}
	answer("unknown", 0);
}

/* Makes this kernel one without Landlock. */
static void hide_landlock(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (!ctx ||
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0) ||
	    seccomp_load(ctx))
		_exit(4);
	seccomp_release(ctx);
}

/* First message: which cage to enter. */
static void enter(const char *how)
{
	struct cage cage = { .memory_bytes = MIB(64) };
	struct err err = { 0 };
	enum rc rc = RC_OK;
	if (strcmp(how, "no-landlock") == 0)
		hide_landlock();
	if (strcmp(how, "landlock") == 0)
		rc = cage_landlock(&cage.landlock, &err);
	else if (strcmp(how, "open") != 0)
		rc = cage_enter(&cage, &err);
	if (rc != RC_OK)
		answer(err.text, rc);
	else
		answer("caged", cage.landlock);
}

#ifdef RONDA_SANITIZED
/* Looking for leaks needs a second process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0:symbolize=0:allocator_may_return_null=1";
}
#endif

int main(void)
{
	bool first = true;
	for (;;) {
		char name[32];
		struct iovec io = { name, sizeof(name) - 1 };
		struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
		ssize_t n = recvmsg(HELPER_SOCKET, &m, 0);
		if (n <= 0)
			_exit(0);
		name[n] = '\0';
		if (first)
			enter(name);
		else
			attempt(name);
		first = false;
	}
}
