/* SPDX-License-Identifier: Apache-2.0 */
/* deliver URL INTAKE-TOKEN N CONNECTIONS: posts N events, one a request, over so
 * many connections that stay open; prints how many a second were acknowledged.
 * Every event is of an address and port of its own. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "dial.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 256 };

struct connection {
	int fd;
	bool waiting;
	size_t n;
	char answer[4096];
};

static bool post(struct connection *c, const char *token, uint64_t i)
{
	struct buf body = BUF_INIT(KIB(4)), request = BUF_INIT(KIB(8));
	char time[40];
	buf_fmt(&body,
		"{\"__type\":\"Event\",\"source.ip\":\"198.%u.%u.%u\",\"time.source\":\"%s\","
		"\"source.port\":%u,\"classification.type\":\"scanner\"}\n",
		18 + (unsigned)(i >> 16 & 1), (unsigned)(i >> 8 & 255), (unsigned)(i & 255),
		time_str(time, clock_now_us()).p, (unsigned)(i >> 17) % 60000 + 1);
	buf_fmt(&request,
		"POST /api/reports?format=intelmq HTTP/1.1\r\nHost: bench\r\n"
		"Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n", token, body.n);
	buf_add(&request, buf_str(&body));
	bool ok = write(c->fd, request.p, request.n) == (ssize_t)request.n;
	buf_free(&body);
	buf_free(&request);
	c->waiting = ok;
	c->n = 0;
	return ok;
}

/* The whole answer: head, and the body it announces; 0: not yet, <0: lost. */
static int answered(struct connection *c)
{
	ssize_t n = read(c->fd, c->answer + c->n, sizeof(c->answer) - 1 - c->n);
	if (n <= 0)
		return -1;
	c->n += (size_t)n;
	c->answer[c->n] = '\0';
	char *end = strstr(c->answer, "\r\n\r\n"), *length = strcasestr(c->answer, "content-length:");
	int status = 0;
	if (!end || !length)
		return 0;
	if (c->n < (size_t)(end + 4 - c->answer) + strtoul(length + 15, NULL, 10))
		return 0;
	return sscanf(c->answer, "HTTP/1.1 %d", &status) == 1 ? status : -1;
}

int main(int argc, char **argv)
{
	uint64_t n = 0;
	uint32_t connections = 0;
	if (argc != 5 || !str_to_u64(str_of(argv[3]), &n) || n == 0 ||
	    !str_to_u32(str_of(argv[4]), &connections) || connections == 0 ||
	    connections > CONNECTIONS_MOST) {
		fprintf(stderr, "usage: deliver URL INTAKE N CONNECTIONS\n");
		return 64;
	}
	struct connection *c = x_array(connections, sizeof(*c));
	struct pollfd *p = x_array(connections, sizeof(*p));
	uint64_t sent = 0, done = 0, lost = 0;
	int64_t start = clock_mono_us(), told = start;
	for (uint32_t k = 0; k < connections; k++)
		c[k].fd = -1;
	while (done < n) {
		for (uint32_t k = 0; k < connections; k++) {
			if (c[k].fd < 0)
				c[k].fd = dial(argv[1]);
			if (c[k].fd < 0)
				goto gone;
			if (!c[k].waiting && sent < n && !post(&c[k], argv[2], sent++))
				goto gone;
			p[k] = (struct pollfd){ .fd = c[k].waiting ? c[k].fd : -1, .events = POLLIN };
		}
		if (poll(p, connections, 60000) <= 0)
			goto gone;
		for (uint32_t k = 0; k < connections; k++) {
			if (!p[k].revents)
				continue;
			int status = answered(&c[k]);
			if (status == 0)
				continue;
			if (status < 0)
				goto gone;
			c[k].waiting = false;
			lost += status != 202;
			done++;
		}
		if (clock_mono_us() - told > 10 * SECOND_US) {
			told = clock_mono_us();
			fprintf(stderr, "%llu of %llu, %.0f a second\n", (unsigned long long)done,
				(unsigned long long)n,
				(double)done / ((double)(told - start) / 1e6));
		}
	}
	printf("%-58s %.0f\n", "events acknowledged a second, one a request",
	       (double)n / ((double)(clock_mono_us() - start) / 1e6));
	if (lost)
		fprintf(stderr, "%llu were refused\n", (unsigned long long)lost);
	return lost ? 1 : 0;
gone:
	fprintf(stderr, "the node is gone after %llu of %llu\n", (unsigned long long)done,
		(unsigned long long)n);
	printf("%llu\n", (unsigned long long)done);
	return 2;
}
