/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* "127.0.0.1:8420", "[::1]:0" */
static bool parse_address(const char *text, struct ip *ip, uint16_t *port)
{
	str s = str_of(text);
	size_t colon = s.n;
	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	uint32_t number;
	if (colon == 0 || !str_to_u32(str_from(s, colon), &number) || number > 65535)
		return false;
	*port = (uint16_t)number;
	str host = str_head(s, colon - 1);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (str){ host.p + 1, host.n - 2 };
	else if (str_has(host, ':'))
		return false;
	return ip_parse(host, ip);
}

static socklen_t to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (ip_is4(ip)) {
		struct sockaddr_in *to = (struct sockaddr_in *)out;
		to->sin_family = AF_INET;
		to->sin_port = htons(port);
		memcpy(&to->sin_addr, ip->b + 12, 4);
		return sizeof *to;
	}
	struct sockaddr_in6 *to = (struct sockaddr_in6 *)out;
	to->sin6_family = AF_INET6;
	to->sin6_port = htons(port);
	memcpy(&to->sin6_addr, ip->b, 16);
	return sizeof *to;
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage at = { 0 };
	socklen_t n = sizeof at;
	if (getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return 0;
	return at.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&at)->sin_port) :
					 ntohs(((struct sockaddr_in6 *)&at)->sin6_port);
}

enum rc listen_open(const char *address, int backlog, int *fd_out, uint16_t *port_out,
		    struct err *err)
{
	struct ip ip;
	uint16_t port;
	if (!parse_address(address, &ip, &port))
		return fail(err, RC_INPUT, "listen: '%s' is no address with a port", address);
	struct sockaddr_storage at;
	socklen_t n = to_sockaddr(&ip, port, &at);
	int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_errno(err, errno, "cannot make a socket for '%s'", address);
	int one = 1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, backlog) != 0) {
		int code = errno;
		close(fd);
		return fail_errno(err, code, "cannot listen on '%s'", address);
	}
	*fd_out = fd;
	*port_out = bound_port(fd);
	return RC_OK;
}

/* The administrator names the path in a setting, so it may be anywhere. */
enum rc pem_read(const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, errno, "cannot read '%s'", path);
	for (;;) {
		char *to = buf_room(out, KIB(16));
		ssize_t n = to ? read(fd, to, KIB(16)) : -1;
		if (n < 0) {
			enum rc rc = to ? fail_errno(err, errno, "cannot read '%s'", path) :
					  fail(err, RC_LIMIT, "'%s' is too large", path);
			close(fd);
			return rc;
		}
		if (n == 0)
			break;
		out->n += (size_t)n;
	}
	close(fd);
	buf_char(out, '\0');
	return out->over ? fail(err, RC_LIMIT, "'%s' is too large", path) : RC_OK;
}
