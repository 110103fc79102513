/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-site: a web server that answers as a file says: what takedown.sh has taken down and put back.
 *
 *   ronda-site LOG ANSWER     prints its port; a line a request: method, path, Host, Via, User-Agent
 *
 * ANSWER is read at each request: its first line is the status ("200", "302 http://…"), the rest the body. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/buf.h"

enum { BYTES_MAX = 1 << 20 };

static str header(str head, const char *name)
{
	str line, rest = head;
	while (str_line(&rest, &line)) {
		str n = str_cut(&line, ':');
		if (str_eq_nocase(n, str_of(name)))
			return str_trim(line);
	}
	return STR("-");
}

static bool read_more(int fd, struct buf *b)
{
	char *to = buf_room(b, 16384);
	ssize_t n = to ? read(fd, to, 16384) : 0;
	if (n > 0)
		b->n += (size_t)n;
	return n > 0;
}

static void note(int log_fd, str head)
{
	struct buf line = BUF_INIT(KIB(64));
	str first = head, method = str_cut(&first, ' '), path = str_cut(&first, ' ');
	buf_fmt(&line, STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\t" STR_FMT "\n", STR_ARG(method), STR_ARG(path),
		STR_ARG(header(head, "Host")), STR_ARG(header(head, "Via")), STR_ARG(header(head, "User-Agent")));
	(void)!write(log_fd, line.p, line.n);
	buf_free(&line);
}

static void answer(int fd, const char *file)
{
	struct buf text = BUF_INIT(BYTES_MAX), out = BUF_INIT(2 * BYTES_MAX);
	int in = open(file, O_RDONLY | O_CLOEXEC);
	str line, body = STR("");
	while (in >= 0 && read_more(in, &text))
		;
	if (in >= 0)
		close(in);
	body = buf_str(&text);
	if (!str_line(&body, &line))
		line = STR("500");
	str status = str_cut(&line, ' ');
	buf_fmt(&out, "HTTP/1.1 " STR_FMT " Said\r\nContent-Type: text/html\r\nConnection: close\r\nSet-Cookie: seen=1\r\n"
		      "X-Odd: \x1b[31mred\r\nContent-Length: %zu\r\n", STR_ARG(status), body.n);
	if (line.n > 0)
		buf_fmt(&out, "Location: " STR_FMT "\r\n", STR_ARG(line));
	buf_add(&out, STR("\r\n"));
	buf_add(&out, body);
	for (size_t at = 0; at < out.n;) {
		ssize_t n = send(fd, out.p + at, out.n - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_free(&text);
	buf_free(&out);
}

int main(int argc, char **argv)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int log_fd = argc == 3 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (log_fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
		perror("ronda-site");
		return 1;
	}
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		struct buf b = BUF_INIT(BYTES_MAX);
		int client = accept(fd, NULL, NULL);
		if (client < 0)
			return 1;
		size_t end;
		while ((end = str_find(buf_str(&b), STR("\r\n\r\n"))) == b.n && read_more(client, &b))
			;
		if (end < b.n) {
			note(log_fd, str_head(buf_str(&b), end));
			answer(client, argv[2]);
		}
		close(client);
		buf_free(&b);
	}
}
