/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: the caller's files and handles.
 *
 * Inside a node a caller may go away while its command waits for it. control.h
 * then puts dead handles in place of the caller's: so nothing here holds a
 * duplicate of them, and nothing waits longer than a tick without looking. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli_private.h"
#include "disclosure/seal.h"

enum { TICK_MS = 500, PIPE_PIECE = 4096 /* a pipe that can be written takes so much */ };

/* Reading from the dead handle fails, which no handle of a caller's does so. */
bool cli_abandoned(const struct cli *c)
{
	struct pollfd p = { .fd = c->in };
	return c->served && poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLNVAL));
}

enum rc cli_open_file(struct cli *c, const char *path, int *fd_out, struct err *err)
{
	str p = str_of(path);
	if (str_eq(p, STR("-")) || str_eq(p, STR("/dev/stdin"))) {
		*fd_out = c->in;
		return RC_OK;
	}
	if (c->foreign)
		return fail(err, RC_DENIED, "a node opens no files for other Unix users: pipe it into '-'");
	/* In a node these would name the node's handles. */
	if (c->served && (str_starts(p, STR("/dev/fd/")) || str_starts(p, STR("/proc/self/"))))
		return fail(err, RC_INPUT, "a running node cannot open '%s': pipe it into '-'", path);
	/* A named pipe nobody writes to must not hold a thread of the node. */
	int flags = O_RDONLY | O_CLOEXEC | (c->served ? O_NONBLOCK : 0);
	int fd = openat(c->dir_fd, path, flags);
	if (fd < 0)
		return fail_errno(err, errno, "cannot open '%s'", path);
	*fd_out = fd;
	return RC_OK;
}

void cli_close_file(const struct cli *c, int fd)
{
	if (fd >= 0 && fd != c->in)
		close(fd);
}

long cli_read(struct cli *c, int fd, void *to, size_t n)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (cli_abandoned(c)) {
			errno = ECANCELED;
			return -1;
		}
		if (c->served && poll(&p, 1, TICK_MS) == 0)
			continue;
		ssize_t got = read(fd, to, n);
		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
	}
}

/* False when it cannot be written, or the caller has gone. */
bool cli_write(struct cli *c, int fd, str s)
{
	while (s.n) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		if (c->served && poll(&p, 1, TICK_MS) == 0)
			continue;
		size_t piece = c->served && s.n > PIPE_PIECE ? PIPE_PIECE : s.n;
		ssize_t n = write(fd, s.p, piece);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		s = str_from(s, (size_t)n);
	}
	return true;
}

enum rc cli_read_file(struct cli *c, const char *path, size_t cap, struct buf *out, struct err *err)
{
	int fd;
	enum rc rc = cli_open_file(c, path, &fd, err);
	if (rc != RC_OK)
		return rc;
	out->cap = cap;
	for (;;) {
		char part[16384];
		long n = cli_read(c, fd, part, sizeof(part));
		if (n < 0)
			rc = fail_errno(err, errno, "cannot read '%s'", path);
		if (n <= 0)
			break;
		buf_add_mem(out, part, (size_t)n);
		if (out->over) {
			rc = fail(err, RC_LIMIT, "'%s' is longer than %zu bytes", path, cap);
			break;
		}
	}
	cli_close_file(c, fd);
	return rc;
}

/* --- secrets --- */

enum { SECRET_MOST = 4096 };

/* Byte by byte: what stands behind the line end is for whoever reads next. */
static enum rc read_line(struct cli *c, struct buf *b, struct err *err)
{
	char one;
	long n;
	while ((n = cli_read(c, c->in, &one, 1)) == 1 && one != '\n')
		buf_char(b, one);
	if (n < 0)
		return fail_errno(err, errno, "cannot read standard input");
	if (b->over)
		return fail(err, RC_LIMIT, "a secret has at most %d bytes", SECRET_MOST);
	return n == 0 && b->n == 0 ? fail(err, RC_INPUT, "a secret is read from standard input, and there is none") :
				     RC_OK;
}

enum rc cli_read_secret(struct cli *c, const char *prompt, str *out, struct err *err)
{
	struct termios old, quiet;
	struct buf b = BUF_INIT(SECRET_MOST);
	bool terminal = isatty(c->in) == 1 && tcgetattr(c->in, &old) == 0;
	if (terminal) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(c->in, TCSAFLUSH, &quiet);
		cli_write(c, c->talk, str_of(prompt));
		cli_write(c, c->talk, STR(": "));
	}
	enum rc rc = read_line(c, &b, err);
	if (terminal) {
		(void)tcsetattr(c->in, TCSAFLUSH, &old);
		cli_write(c, c->talk, STR("\n"));
	}
	str line = buf_str(&b);
	if (str_ends(line, STR("\r")))
		line.n--;
	if (rc == RC_OK)
		*out = arena_str(c->a, line);
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_free(&b);
	return rc;
}

enum rc cli_open_case_key(struct cli *c, struct err *err)
{
	struct reader *r = NULL;
	str passphrase = STR_NONE;
	if (c->viewer.account == 0)
		return fail(err, RC_ABSENT, "you have no account here, so no case key");
	enum rc rc = cli_read_secret(c, "Case passphrase", &passphrase, err);
	if (rc == RC_OK)
		rc = store_read_begin(c->node->store, &r, err);
	if (rc == RC_OK)
		rc = seal_key_open(reader_conn(r), c->viewer.account, passphrase, &c->viewer.seal, err);
	store_read_end(r);
	if (passphrase.p)
		explicit_bzero((char *)passphrase.p, passphrase.n);
	return rc;
}

enum rc cli_kept_heads(struct cli *c, const char *value, struct buf *out, struct err *err)
{
	str left = str_of(value), number = str_cut(&left, ':');
	uint64_t n;
	if (!value)
		return RC_OK;
	if (left.n && str_to_u64(number, &n)) {
		out->cap = KIB(1);
		buf_add(out, str_head(str_of(value), KIB(1) - 1));
		return RC_OK;
	}
	return cli_read_file(c, value, MIB(64), out, err);
}
