/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's side of DIR/sock. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/buf.h"
#include "node/control_private.h"

enum { WELCOME_S = 10 };

void control_address(int dir_fd, struct sockaddr_un *out)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d/sock", dir_fd);
}

/* Our handles go only to a node of the directory's owner, or of root. */
static bool is_trusted(int socket, int dir_fd)
{
	struct stat st;
	struct ucred peer;
	socklen_t n = sizeof(peer);
	return fstat(dir_fd, &st) == 0 &&
	       getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       (peer.uid == st.st_uid || peer.uid == 0);
}

static enum rc connect_to(const char *dir, int dir_fd, int *socket_out, struct err *err)
{
	struct sockaddr_un at;
	control_address(dir_fd, &at);
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s < 0)
		return fail_errno(err, errno, "cannot make a socket");
	if (connect(s, (const struct sockaddr *)&at, sizeof(at)) != 0) {
		int code = errno;
		close(s);
		/* A socket nobody listens at is what a killed node leaves behind. */
		if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR)
			return fail(err, RC_ABSENT, "no node serves '%s'", dir);
		return fail_errno(err, code, "cannot reach the node of '%s'", dir);
	}
	if (!is_trusted(s, dir_fd)) {
		close(s);
		return fail(err, RC_DENIED, "what listens in '%s' is not its owner's", dir);
	}
	*socket_out = s;
	return RC_OK;
}

static bool send_packet(int s, const struct buf *line, const int handles[CONTROL_HANDLES])
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(CONTROL_HANDLES * sizeof(int))];
	} control = { 0 };
	struct iovec io = { line->p, line->n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(CONTROL_HANDLES * sizeof(int));
	memcpy(CMSG_DATA(c), handles, CONTROL_HANDLES * sizeof(int));
	ssize_t n;
	do
		n = sendmsg(s, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)line->n;
}

static enum rc send_line(int s, int argc, char **argv, struct err *err)
{
	struct buf line = BUF_INIT(CONTROL_LINE_MAX);
	buf_add(&line, STR(CONTROL_MAGIC));
	buf_le32(&line, (uint32_t)argc);
	for (int i = 0; i < argc; i++)
		buf_add_mem(&line, argv[i], strlen(argv[i]) + 1);
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int handles[CONTROL_HANDLES] = { 0, 1, 2, here >= 0 ? here : null };
	for (int i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) < 0)
			handles[i] = null;
	enum rc rc = RC_OK;
	if (line.over || argc > CONTROL_ARGUMENTS)
		rc = fail(err, RC_LIMIT, "the command line is longer than a running node takes");
	else if (!send_packet(s, &line, handles))
		rc = fail_errno(err, errno, "the node cannot be asked");
	if (here >= 0)
		close(here);
	if (null >= 0)
		close(null);
	buf_free(&line);
	return rc;
}

static enum rc take_answer(const struct control_answer *a, int *code_out, struct err *err)
{
	if (a->rc != RC_OK)
		return fail(err, a->rc <= RC_IO ? (enum rc)a->rc : RC_IO, "%.*s",
			    (int)sizeof(a->text) - 1, a->text);
	*code_out = a->code;
	return RC_OK;
}

static ssize_t hear(int s, struct control_answer *a)
{
	ssize_t n;
	do
		n = recv(s, a, sizeof(*a), 0);
	while (n < 0 && errno == EINTR);
	return n;
}

/* May we ask at all? A node that is just ending says nothing, and is none any more. */
static enum rc hear_welcome(int s, const char *dir, struct err *err)
{
	struct control_answer a = { 0 };
	struct timeval patience = { .tv_sec = WELCOME_S }, none = { 0 };
	int code = 0;
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ssize_t n = hear(s, &a);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return fail(err, RC_BUSY, "the node of '%s' does not answer", dir);
	if (n != (ssize_t)sizeof(a))
		return fail(err, RC_ABSENT, "no node serves '%s'", dir);
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	return take_answer(&a, &code, err);
}

static enum rc hear_end(int s, int *exit_out, struct err *err)
{
	struct control_answer a = { 0 };
	if (hear(s, &a) != (ssize_t)sizeof(a))
		return fail(err, RC_IO, "the node ended before the command did");
	return take_answer(&a, exit_out, err);
}

enum rc control_call(const char *dir, int argc, char **argv, int *exit_out, struct err *err)
{
	int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return fail_errno(err, errno == ENOTDIR ? ENOENT : errno, "cannot open '%s'", dir);
	int s = -1;
	enum rc rc = connect_to(dir, dir_fd, &s, err);
	close(dir_fd);
	if (rc == RC_OK)
		rc = hear_welcome(s, dir, err);
	if (rc == RC_OK)
		rc = send_line(s, argc, argv, err);
	if (rc == RC_OK)
		rc = hear_end(s, exit_out, err);
	if (s >= 0)
		close(s);
	return rc;
}
