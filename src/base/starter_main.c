/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-starter: forks and execs helpers, says how they end, and nothing else.
 *
 * It takes orders from its socket (handle 3), opened the helpers when it began
 * (so that an upgrade under a running node changes nothing), and ends with the
 * node: its children are killed by the kernel when it is gone. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/starter_private.h"

enum { CHILDREN = 64, FIXED = 2 };

struct helper {
	const char *name, *program;
	int fd; /* O_PATH; -1: not installed */
};
struct running {
	pid_t pid; /* 0: free */
	int line;
	bool killed;
};
struct state {
	struct helper helpers[8];
	size_t helper_count;
	struct running running[CHILDREN];
	int signals, null;
	pid_t self;
};

static bool open_helpers(struct state *st)
{
	static const char *const names[] = {
#define HELPER(name) #name,
#include "base/helpers.def"
#undef HELPER
	};
	static const char *const programs[] = {
#define HELPER(name) "ronda-" #name,
#include "base/helpers.def"
#undef HELPER
	};
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return false;
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		st->helpers[st->helper_count++] = (struct helper){
			.name = names[i],
			.program = programs[i],
			.fd = openat(dir, programs[i], O_PATH | O_CLOEXEC),
		};
	close(dir);
	return true;
}

static bool say(int line, enum starter_word word, pid_t pid, int status)
{
	struct starter_say s = { .word = word, .pid = pid, .status = status };
	return send(line, &s, sizeof(s), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(s);
}

/* In the new process: only socket and area go with it. */
static void become_helper(const struct state *st, const struct helper *h, int socket, int area)
{
	char name[64];
	snprintf(name, sizeof(name), "%s", h->program);
	char *argv[] = { name, NULL };
	char *const environment[] = { "TZ=UTC0", NULL };
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != st->self)
		_exit(127);
	int s = fcntl(socket, F_DUPFD_CLOEXEC, 20);
	int a = area >= 0 ? fcntl(area, F_DUPFD_CLOEXEC, 20) : -1;
	if (s < 0 || dup2(s, HELPER_SOCKET) < 0)
		_exit(127);
	close_range(HELPER_AREA, HELPER_AREA, 0);
	if (area >= 0 && dup2(a, HELPER_AREA) < 0)
		_exit(127);
#ifndef RONDA_SANITIZED
	/* What a helper has to say it says to the node; it may not write to our log. */
	if (dup2(st->null, 2) < 0)
		_exit(127);
#endif
	close_range(HELPER_AREA + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execveat(h->fd, "", argv, environment, AT_EMPTY_PATH);
	_exit(127);
}

static const struct helper *find_helper(const struct state *st, const struct starter_ask *ask)
{
	for (size_t i = 0; i < st->helper_count; i++)
		if (strncmp(st->helpers[i].name, ask->helper, sizeof(ask->helper)) == 0)
			return &st->helpers[i];
	return NULL;
}

/* True when the line is kept for the child's end. */
static bool spawn(struct state *st, const struct starter_ask *ask, int line, int socket, int area)
{
	const struct helper *h = find_helper(st, ask);
	struct running *r = st->running;
	while (r < st->running + CHILDREN && r->pid)
		r++;
	if (!h || h->fd < 0 || r == st->running + CHILDREN) {
		(void)say(line, STARTER_FAILED, 0, !h || h->fd < 0 ? ENOENT : EAGAIN);
		return false;
	}
	pid_t pid = fork();
	if (pid == 0)
		become_helper(st, h, socket, area);
	if (pid < 0) {
		(void)say(line, STARTER_FAILED, 0, errno);
		return false;
	}
	*r = (struct running){ .pid = pid, .line = line };
	(void)say(line, STARTER_STARTED, pid, 0);
	return true;
}

static size_t take_handles(struct msghdr *m, int fds[3])
{
	size_t n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(fds, CMSG_DATA(c), (n > 3 ? 3 : n) * sizeof(int));
		}
	return n > 3 ? 3 : n;
}

/* One order of the node; false when the node has gone. */
static bool serve_order(struct state *st)
{
	struct starter_ask ask;
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct iovec io = { &ask, sizeof(ask) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(HELPER_SOCKET, &m, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	int fds[3] = { -1, -1, -1 };
	size_t count = take_handles(&m, fds);
	bool kept = n == (ssize_t)sizeof(ask) && count >= 2 && spawn(st, &ask, fds[0], fds[1], fds[2]);
	for (size_t i = kept ? 1 : 0; i < count; i++)
		close(fds[i]);
	return true;
}

static void reap(struct state *st)
{
	struct signalfd_siginfo info;
	while (read(st->signals, &info, sizeof(info)) > 0)
		;
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct running *r = st->running; r < st->running + CHILDREN; r++)
			if (r->pid == pid) {
				(void)say(r->line, STARTER_ENDED, pid, status);
				close(r->line);
				*r = (struct running){ 0 };
			}
}

static bool listened(const struct running *r)
{
	return r->pid && !r->killed;
}

static void loop(struct state *st)
{
	for (;;) {
		struct pollfd p[FIXED + CHILDREN] = {
			{ .fd = HELPER_SOCKET, .events = POLLIN },
			{ .fd = st->signals, .events = POLLIN },
		};
		for (int i = 0; i < CHILDREN; i++)
			p[FIXED + i] = (struct pollfd){
				.fd = listened(&st->running[i]) ? st->running[i].line : -1,
				.events = POLLIN,
			};
		if (poll(p, FIXED + CHILDREN, -1) < 0)
			continue;
		/* A line the node closed means: kill. How it ended is heard from waitpid. */
		for (int i = 0; i < CHILDREN; i++)
			if (p[FIXED + i].revents) {
				kill(st->running[i].pid, SIGKILL);
				st->running[i].killed = true;
			}
		if (p[1].revents)
			reap(st);
		if (p[0].revents && !serve_order(st))
			return;
	}
}

static bool prepare(struct state *st)
{
	/* Signals meant for the node's terminal or service are the node's to handle. */
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGTSTP };
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	setsid();
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &set, NULL) != 0)
		return false;
	st->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	st->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	st->self = getpid();
	return st->signals >= 0 && st->null >= 0 && open_helpers(st);
}

int main(void)
{
	/* Whatever a helper starts stays below us, also when its parent has ended. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
		return 1;
	struct state st = { 0 };
	if (!prepare(&st))
		return 1;
	loop(&st);
	/* Children die with us (PR_SET_PDEATHSIG); killing them here leaves no zombie behind. */
	for (int i = 0; i < CHILDREN; i++)
		if (st.running[i].pid)
			kill(st.running[i].pid, SIGKILL);
	/* These alone: what they started and left behind keeps nobody waiting. */
	for (int i = 0; i < CHILDREN; i++)
		while (st.running[i].pid && waitpid(st.running[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	return 0;
}
