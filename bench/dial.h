/* SPDX-License-Identifier: Apache-2.0 */
/* dial.h: a connection to a node on this machine, for the measuring programs. */
#ifndef RONDA_BENCH_DIAL_H
#define RONDA_BENCH_DIAL_H

#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* To "http://ADDRESS:PORT"; -1: it cannot. */
static int dial(const char *url)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	str host = str_from(str_of(url), 7);
	str address = str_cut(&host, ':');
	char z[64];
	uint32_t port = 0;
	int one = 1;
	if (!str_to_z(address, z, sizeof(z)) || !str_to_u32(str_cut(&host, '/'), &port) ||
	    inet_pton(AF_INET, z, &to.sin_addr) != 1)
		return -1;
	to.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? fd : -1;
}

#endif
