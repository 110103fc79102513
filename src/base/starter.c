/* SPDX-License-Identifier: Apache-2.0 */
#include "base/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/starter_private.h"

enum { ANSWER_MS = 5000, ENDING_MS = 2000 };

struct starter {
	pid_t pid;
	pid_t born; /* the same, also when it has gone: never changed */
	int socket;
};

/* The starter's file beside the running program, else in libexec. */
static enum rc find_program(const char *name, char path[PATH_MAX], struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (n > 0) {
		path[n] = '\0';
		char *slash = strrchr(path, '/');
		size_t room = slash ? (size_t)(path + PATH_MAX - slash) : 0;
		if (slash && snprintf(slash, room, "/%s", name) < (int)room &&
		    access(path, X_OK) == 0)
			return RC_OK;
	}
	snprintf(path, PATH_MAX, "%s/%s", RONDA_LIBEXEC, name);
	if (access(path, X_OK) == 0)
		return RC_OK;
	return fail(err, RC_ABSENT, "'%s' is neither beside the program nor in %s", name,
		    RONDA_LIBEXEC);
}

/* After fork: nothing but system calls. */
static void become_starter(const char *path, int socket, char *const argv[])
{
	char *const environment[] = { NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* Out of the way first: `socket` may itself be 0 to 3. */
	int high = fcntl(socket, F_DUPFD_CLOEXEC, 10);
	if (null < 0 || high < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(high, HELPER_SOCKET) < 0)
		_exit(127);
	if (fcntl(2, F_GETFD) < 0 && dup2(null, 2) < 0)
		_exit(127);
	if (close_range(HELPER_SOCKET + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		_exit(127);
	execve(path, argv, environment);
	_exit(127);
}

enum rc starter_new_named(const char *program, struct starter **out, struct err *err)
{
	char path[PATH_MAX];
	enum rc rc = find_program(program, path, err);
	if (rc != RC_OK)
		return rc;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fail_errno(err, errno, "cannot make the starter's socket");
	char *argv[] = { path, NULL };
	pid_t pid = fork();
	if (pid == 0)
		become_starter(path, pair[1], argv);
	int code = errno;
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return fail_errno(err, code, "cannot start '%s'", path);
	}
	struct starter *s = x_alloc(sizeof(*s));
	*s = (struct starter){ .pid = pid, .born = pid, .socket = pair[0] };
	*out = s;
	return RC_OK;
}

enum rc starter_new(struct starter **out, struct err *err)
{
	return starter_new_named("ronda-starter", out, err);
}

bool starter_gone(struct starter *s)
{
	if (s->pid && waitpid(s->pid, NULL, WNOHANG) != 0)
		s->pid = 0; /* reaped: the number may be anybody's now */
	return s->pid == 0;
}

/* The fourth word of /proc/PID/stat (proc(5)); the second is a name in brackets, which may hold anything. */
static bool parent_of(pid_t pid, pid_t *out)
{
	char path[64], text[512], *behind;
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	int64_t parent;
	str rest = (behind = strrchr(text, ')')) ? str_trim(str_of(behind + 1)) : STR("");
	(void)str_cut(&rest, ' '); /* its state */
	if (!str_to_i64(str_cut(&rest, ' '), &parent))
		return false;
	*out = (pid_t)parent;
	return true;
}

bool starter_is_above(const struct starter *s, pid_t pid)
{
	enum { DEEPEST = 4096 };
	if (!s)
		return false;
	for (int i = 0; i < DEEPEST && pid > 1; i++)
		if (pid == s->born || !parent_of(pid, &pid))
			return true;
	return pid > 1;
}

void starter_free(struct starter *s)
{
	if (!s)
		return;
	close(s->socket);
	int64_t until = clock_mono_us() + ENDING_MS * 1000;
	pid_t got = s->pid ? 0 : -1;
	while (got == 0 && (got = waitpid(s->pid, NULL, WNOHANG)) == 0 && clock_mono_us() < until)
		poll(NULL, 0, 1);
	if (got == 0) {
		kill(s->pid, SIGKILL);
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(s);
}

/* A memfd whose size is fixed for good: the child cannot pull pages away. */
static enum rc make_area(size_t bytes, struct child *c, struct err *err)
{
	if (bytes == 0)
		return RC_OK;
	c->area_fd = memfd_create("ronda-area", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (c->area_fd < 0 || ftruncate(c->area_fd, (off_t)bytes) != 0 ||
	    fcntl(c->area_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return fail_errno(err, errno, "cannot make a shared area");
	void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, c->area_fd, 0);
	if (area == MAP_FAILED)
		return fail_errno(err, errno, "cannot map a shared area");
	c->area = area;
	c->area_bytes = bytes;
	return RC_OK;
}

static enum rc send_ask(struct starter *s, const char *helper, const int *fds, size_t n,
			struct err *err)
{
	struct starter_ask ask = { 0 };
	if (strlen(helper) >= sizeof(ask.helper))
		return fail(err, RC_ABSENT, "no helper '%s'", helper);
	memcpy(ask.helper, helper, strlen(helper));
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(3 * sizeof(int))];
	} control = { 0 };
	struct iovec io = { &ask, sizeof(ask) };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	ssize_t sent;
	do
		sent = sendmsg(s->socket, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent != (ssize_t)sizeof(ask))
		return fail_errno(err, errno, "the starter cannot be asked");
	return RC_OK;
}

/* The next word on a child's line; false after `wait_ms` or when it is cut. */
static bool hear(const struct child *c, int wait_ms, struct starter_say *out)
{
	int64_t until = clock_mono_us() + (int64_t)wait_ms * 1000;
	for (;;) {
		int64_t left = (until - clock_mono_us()) / 1000;
		struct pollfd p = { .fd = c->line, .events = POLLIN };
		int ready = poll(&p, 1, left > 0 ? (int)left : 0);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return false;
		ssize_t n = recv(c->line, out, sizeof(*out), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		return n == (ssize_t)sizeof(*out);
	}
}

static enum rc hear_started(const char *helper, struct child *c, struct err *err)
{
	struct starter_say say;
	if (!hear(c, ANSWER_MS, &say))
		return fail(err, RC_BUSY, "the starter did not answer for helper '%s'", helper);
	if (say.word == STARTER_STARTED) {
		c->pid = say.pid;
		return RC_OK;
	}
	if (say.status == ENOENT)
		return fail(err, RC_ABSENT, "no helper '%s'", helper);
	fail_errno(err, say.status, "helper '%s' cannot start", helper);
	if (err)
		err->rc = RC_BUSY;
	return RC_BUSY;
}

enum rc starter_spawn(struct starter *s, const char *helper, size_t area_bytes, struct child *out,
		      struct err *err)
{
	struct child c = CHILD_NONE;
	int socket[2] = { -1, -1 }, line[2] = { -1, -1 };
	enum rc rc = make_area(area_bytes, &c, err);
	if (rc == RC_OK && (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socket) != 0 ||
			    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) != 0))
		rc = fail_errno(err, errno, "cannot make a helper's socket");
	c.socket = socket[0];
	c.line = line[0];
	if (rc == RC_OK)
		rc = send_ask(s, helper, (int[]){ line[1], socket[1], c.area_fd }, c.area ? 3 : 2,
			      err);
	/* Ours go first: a starter that dies then cuts the line, and we hear it. */
	if (socket[1] >= 0)
		close(socket[1]);
	if (line[1] >= 0)
		close(line[1]);
	if (rc == RC_OK)
		rc = hear_started(helper, &c, err);
	if (rc != RC_OK)
		starter_end(s, &c);
	else
		*out = c;
	return rc;
}

static bool hear_end(const struct child *c, int wait_ms, struct child_end *out)
{
	struct starter_say say;
	while (hear(c, wait_ms, &say)) {
		if (say.word != STARTER_ENDED)
			continue;
		out->known = true;
		out->signal = WIFSIGNALED(say.status) ? WTERMSIG(say.status) : 0;
		out->code = WIFEXITED(say.status) ? WEXITSTATUS(say.status) : 0;
		return true;
	}
	return false;
}

struct child_end starter_end_wait(struct starter *s, struct child *c, int wait_ms)
{
	(void)s;
	struct child_end end = { 0 };
	if (c->line >= 0) {
		if (c->pid > 0 && !hear_end(c, wait_ms, &end) && shutdown(c->line, SHUT_WR) == 0)
			hear_end(c, ENDING_MS, &end);
		close(c->line);
	}
	if (c->socket >= 0)
		close(c->socket);
	if (c->area)
		munmap(c->area, c->area_bytes);
	if (c->area_fd >= 0)
		close(c->area_fd);
	*c = CHILD_NONE;
	return end;
}

void starter_end(struct starter *s, struct child *c)
{
	(void)starter_end_wait(s, c, 0);
}
