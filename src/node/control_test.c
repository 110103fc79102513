/* SPDX-License-Identifier: Apache-2.0 */
#include "node/control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/test.h"
#include "node/control_private.h"

struct seen { /* what the command in the node saw */
	_Atomic int running, ended, read_error, write_error;
	_Atomic uint32_t uid;
};

static void put(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static int run_echo(int argc, char **argv, const int fds[3])
{
	for (int i = 1; i < argc; i++) {
		put(fds[1], argv[i]);
		put(fds[1], "\n");
	}
	put(fds[2], "said\n");
	return 3;
}

static int run_cat(const int fds[3])
{
	char bytes[256];
	ssize_t n;
	while ((n = read(fds[0], bytes, sizeof(bytes))) > 0)
		(void)!write(fds[1], bytes, (size_t)n);
	return n == 0 ? 0 : 9;
}

static int run_where(int dir_fd, const int fds[3])
{
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	put(fds[1], path);
	return 0;
}

/* Ends only when its caller has gone. */
static int run_wait(struct seen *s, const int fds[3])
{
	while (write(fds[1], ".", 1) == 1)
		poll(NULL, 0, 1);
	s->write_error = errno;
	char c;
	s->read_error = read(fds[0], &c, 1) < 0 ? errno : 0;
	return 0;
}

static int run_test(void *ctx, struct node *n, int argc, char **argv, const int fds[3], int dir_fd,
		    uint32_t uid)
{
	struct seen *s = ctx;
	(void)n;
	s->running++;
	s->uid = uid;
	str name = str_of(argv[0]);
	int code = str_eq(name, STR("echo"))  ? run_echo(argc, argv, fds) :
		   str_eq(name, STR("cat"))   ? run_cat(fds) :
		   str_eq(name, STR("where")) ? run_where(dir_fd, fds) :
		   str_eq(name, STR("wait"))  ? run_wait(s, fds) :
						64;
	s->running--;
	s->ended++;
	return code;
}

struct fixture {
	char dir[PATH_MAX];
	struct node node;
	struct control *control;
	struct seen seen;
};

/* The directory's name is longer than a socket address may be. */
static void fixture_open(struct fixture *f)
{
	char top[] = "/tmp/ronda-control-XXXXXX";
	CHECK(mkdtemp(top) != NULL);
	snprintf(f->dir, sizeof(f->dir), "%s/%0120d", top, 7);
	CHECK(mkdir(f->dir, 0700) == 0);
	f->node.dir = f->dir;
	struct err err = { 0 };
	CHECK_RC(control_start(&f->node, run_test, &f->seen, &f->control, &err), RC_OK, err);
}

static void fixture_end(struct fixture *f)
{
	control_stop(f->control);
	CHECK(rmdir(f->dir) == 0); /* the socket is gone */
	*strrchr(f->dir, '/') = '\0';
	CHECK(rmdir(f->dir) == 0);
}

struct call {
	pid_t pid;
	int in, out; /* our ends of its stdin and stdout */
};

/* Calls in a process of its own, as the CLI does; exits with the command's code, or 100 + rc. */
static struct call call(const struct fixture *f, uid_t uid, int argc, char **argv)
{
	int in[2], out[2];
	CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	struct call c = { .pid = fork(), .in = in[1], .out = out[0] };
	if (c.pid == 0) {
		signal(SIGTERM, SIG_DFL);
		if (dup2(in[0], 0) < 0 || dup2(out[1], 1) < 0 || dup2(out[1], 2) < 0 ||
		    chdir("/usr") != 0 || (uid && setresuid(uid, uid, uid) != 0))
			_exit(99);
		close_range(3, ~0U, 0); /* among them our ends of other calls */
		int code = 0;
		enum rc rc = control_call(f->dir, argc, argv, &code, NULL);
		_exit(rc == RC_OK ? code : 100 + (int)rc);
	}
	close(in[0]);
	close(out[1]);
	return c;
}

static int call_end(struct call *c, char *text, size_t size)
{
	size_t n = 0;
	ssize_t got;
	close(c->in);
	while (n + 1 < size && (got = read(c->out, text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(c->out);
	int status = 0;
	waitpid(c->pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define CALL(f, uid, ...)                                                             \
	call((f), (uid), (int)COUNT_OF(((char *[]){ __VA_ARGS__ })),                  \
	     (char *[]){ __VA_ARGS__, NULL })

static bool comes_to(_Atomic int *value, int want)
{
	for (int i = 0; i < 3000 && *value != want; i++)
		poll(NULL, 0, 1);
	return *value == want;
}

TEST(runs_with_the_callers_handles)
{
	struct fixture f = { 0 };
	fixture_open(&f);
	char text[512];
	struct call c = CALL(&f, 0, "echo", "one", "", "three words here");
	CHECK_INT(call_end(&c, text, sizeof(text)), 3);
	CHECK_STR(str_of(text), STR("one\n\nthree words here\nsaid\n"));
	CHECK_INT(f.seen.uid, getuid());
	c = CALL(&f, 0, "cat");
	CHECK(write(c.in, "through the node", 16) == 16);
	CHECK_INT(call_end(&c, text, sizeof(text)), 0);
	CHECK_STR(str_of(text), STR("through the node"));
	c = CALL(&f, 0, "where");
	CHECK_INT(call_end(&c, text, sizeof(text)), 0);
	CHECK_STR(str_of(text), STR("/usr"));
	c = CALL(&f, 0, "nonsense");
	CHECK_INT(call_end(&c, text, sizeof(text)), 64);
	fixture_end(&f);
}

TEST(nobody_listens)
{
	struct fixture f = { 0 };
	struct err err = { 0 };
	int code = 0;
	char *argv[] = { "echo", NULL };
	CHECK_RC(control_call("/tmp/no-such-directory", 1, argv, &code, &err), RC_ABSENT, err);
	fixture_open(&f);
	control_stop(f.control);
	CHECK_RC(control_call(f.dir, 1, argv, &code, &err), RC_ABSENT, err);
	/* What a killed node leaves behind: a name without a listener. */
	struct sockaddr_un at;
	int dir = open(f.dir, O_PATH), s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	control_address(dir, &at);
	CHECK(bind(s, (const struct sockaddr *)&at, sizeof(at)) == 0);
	close(s);
	close(dir);
	CHECK_RC(control_call(f.dir, 1, argv, &code, &err), RC_ABSENT, err);
	CHECK_RC(control_start(&f.node, run_test, &f.seen, &f.control, &err), RC_OK, err);
	char text[64];
	struct call c = CALL(&f, 0, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 3);
	fixture_end(&f);
}

/* ^C: the command sees errors on both sides, never an end of file. */
TEST(a_caller_who_leaves_ends_the_command)
{
	struct fixture f = { 0 };
	fixture_open(&f);
	char text[16];
	struct call c = CALL(&f, 0, "wait");
	CHECK(read(c.out, text, 1) == 1);
	kill(c.pid, SIGTERM);
	int other = dup(c.out); /* its stdout is still open: only the node's cut can end it */
	CHECK(comes_to(&f.seen.ended, 1));
	CHECK_INT(f.seen.write_error, EPIPE);
	CHECK_INT(f.seen.read_error, EBADF);
	CHECK_INT(call_end(&c, text, sizeof(text)), -SIGTERM);
	close(other);
	fixture_end(&f);
}

TEST(stopping_ends_commands)
{
	struct fixture f = { 0 };
	fixture_open(&f);
	char text[16];
	struct call c = CALL(&f, 0, "wait");
	CHECK(read(c.out, text, 1) == 1);
	fixture_end(&f);
	CHECK_INT(f.seen.ended, 1);
	/* It got its answer, or heard that there will be none. */
	int code = call_end(&c, text, sizeof(text));
	CHECK(code == 0 || code == 100 + RC_IO);
}

TEST(sixteen_at_once)
{
	struct fixture f = { 0 };
	fixture_open(&f);
	struct call all[CONTROL_CALLERS];
	char text[64];
	for (int i = 0; i < CONTROL_CALLERS; i++)
		all[i] = CALL(&f, 0, "cat");
	CHECK(comes_to(&f.seen.running, CONTROL_CALLERS));
	struct call c = CALL(&f, 0, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 100 + RC_BUSY);
	CHECK_INT(call_end(&all[5], text, sizeof(text)), 0);
	CHECK(comes_to(&f.seen.running, CONTROL_CALLERS - 1));
	poll(NULL, 0, 20);
	c = CALL(&f, 0, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 3);
	for (int i = 0; i < CONTROL_CALLERS; i++)
		if (i != 5)
			CHECK_INT(call_end(&all[i], text, sizeof(text)), 0);
	fixture_end(&f);
}

TEST(long_command_lines)
{
	struct fixture f = { 0 };
	fixture_open(&f);
	/* magic, count, "echo" and this argument with their NULs */
	static char longest[CONTROL_LINE_MAX - 8 - 5];
	memset(longest, 'x', sizeof(longest) - 1);
	static char text[CONTROL_LINE_MAX + 64];
	struct call c = CALL(&f, 0, "echo", longest);
	CHECK_INT(call_end(&c, text, sizeof(text)), 3);
	CHECK_INT(strlen(text), sizeof(longest) + 5);
	c = CALL(&f, 0, "echo", longest, "");
	CHECK_INT(call_end(&c, text, sizeof(text)), 100 + RC_LIMIT);
	fixture_end(&f);
}

TEST(who_may_call)
{
	if (getuid() != 0) {
		printf("# SKIP only root can be somebody else\n");
		return;
	}
	enum { OWNER = 1234, OTHER = 1235 };
	struct fixture f = { 0 };
	fixture_open(&f);
	char text[64], path[PATH_MAX];
	/* The directory is closed to others; then opened by mistake, socket and all. */
	struct call c = CALL(&f, OTHER, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 100 + RC_DENIED);
	snprintf(path, sizeof(path), "%.*s", (int)(strrchr(f.dir, '/') - f.dir), f.dir);
	CHECK(chmod(path, 0755) == 0 && chmod(f.dir, 0755) == 0);
	snprintf(path, sizeof(path), "%.4000s/sock", f.dir);
	struct stat st;
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	CHECK(chmod(path, 0666) == 0);
	c = CALL(&f, OTHER, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 100 + RC_DENIED);
	CHECK_INT(f.seen.ended, 0);
	/* The directory's owner may, and so may root. */
	control_stop(f.control);
	CHECK(chown(f.dir, OWNER, OWNER) == 0);
	struct err err = { 0 };
	CHECK_RC(control_start(&f.node, run_test, &f.seen, &f.control, &err), RC_OK, err);
	CHECK(chmod(path, 0666) == 0);
	c = CALL(&f, OWNER, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 3);
	CHECK_INT(f.seen.uid, OWNER);
	c = CALL(&f, 0, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 3);
	c = CALL(&f, OTHER, "echo");
	CHECK_INT(call_end(&c, text, sizeof(text)), 100 + RC_DENIED);
	fixture_end(&f);
}

/* A node of somebody else does not get our handles. */
TEST(a_strangers_socket_is_refused)
{
	if (getuid() != 0) {
		printf("# SKIP only root can be somebody else\n");
		return;
	}
	char dir[] = "/tmp/ronda-control-XXXXXX", path[64];
	CHECK(mkdtemp(dir) != NULL && chmod(dir, 0777) == 0);
	snprintf(path, sizeof(path), "%s/sock", dir);
	int ready[2];
	CHECK(pipe(ready) == 0);
	pid_t stranger = fork();
	if (stranger == 0) {
		struct sockaddr_un at = { .sun_family = AF_UNIX };
		snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
		int s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		if (setresuid(1235, 1235, 1235) != 0 ||
		    bind(s, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(s, 1) != 0)
			_exit(1);
		(void)!write(ready[1], "r", 1);
		pause();
	}
	char c;
	CHECK(read(ready[0], &c, 1) == 1);
	int code = 0;
	struct err err = { 0 };
	char *argv[] = { "echo", NULL };
	CHECK_RC(control_call(dir, 1, argv, &code, &err), RC_DENIED, err);
	kill(stranger, SIGKILL);
	waitpid(stranger, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	CHECK(unlink(path) == 0 && rmdir(dir) == 0);
}

/* Packets a caller of ours never sends. */
TEST(broken_packets)
{
	static const struct {
		const char *what;
		str packet;
	} rows[] = {
		{ "too short", STR_INIT("RC") },
		{ "no magic", STR_INIT("XXXX\1\0\0\0echo\0") },
		{ "no arguments", STR_INIT("RCTL\0\0\0\0") },
		{ "too many arguments", STR_INIT("RCTL\xff\xff\xff\xff" "echo\0") },
		{ "fewer than said", STR_INIT("RCTL\2\0\0\0echo\0") },
		{ "more than said", STR_INIT("RCTL\1\0\0\0echo\0more\0") },
		{ "no NUL", STR_INIT("RCTL\1\0\0\0echo") },
		{ "no handles", STR_INIT("RCTL\1\0\0\0echo\0") },
	};
	struct fixture f = { 0 };
	fixture_open(&f);
	int dir = open(f.dir, O_PATH);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sockaddr_un at;
		control_address(dir, &at);
		int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		CHECK(connect(s, (const struct sockaddr *)&at, sizeof(at)) == 0);
		struct control_answer a = { 0 };
		CHECK(recv(s, &a, sizeof(a), 0) == (ssize_t)sizeof(a) && a.rc == RC_OK);
		CHECK(send(s, rows[i].packet.p, rows[i].packet.n, MSG_NOSIGNAL) > 0);
		CHECK(recv(s, &a, sizeof(a), 0) == (ssize_t)sizeof(a));
		CHECK_MSG(a.rc == RC_INPUT, "%s", rows[i].what);
		close(s);
	}
	close(dir);
	CHECK_INT(f.seen.ended, 0);
	fixture_end(&f);
}

TEST_MAIN(TEST_RUN(runs_with_the_callers_handles), TEST_RUN(nobody_listens),
	  TEST_RUN(a_caller_who_leaves_ends_the_command), TEST_RUN(stopping_ends_commands),
	  TEST_RUN(sixteen_at_once), TEST_RUN(long_command_lines), TEST_RUN(who_may_call),
	  TEST_RUN(a_strangers_socket_is_refused), TEST_RUN(broken_packets))
