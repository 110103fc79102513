/* SPDX-License-Identifier: Apache-2.0 */
/* records_http URL TOKEN SECONDS KNOWN [CLIENTS]: so many clients (64), each on one connection that
 * stays open, change incidents 1 to KNOWN of a serving node as fast as it answers: a quarter new ones, a quarter
 * whose text changes, a quarter another value, a quarter moves. Prints changes a second, median
 * and p99 of an answer. The token needs roles that may do so (--account). */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "dial.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CLIENTS_MOST = 1000 };

struct client {
	const char *url, *token;
	pthread_t thread;
	uint64_t x;          /* of its dice */
	int64_t until_us;
	uint64_t known;      /* so many incidents are there */
	size_t done, room, refused;
	int64_t *us;
	char failed[200];
};

static uint64_t roll(struct client *c, uint64_t most)
{
	c->x ^= c->x << 13;
	c->x ^= c->x >> 7;
	c->x ^= c->x << 17;
	return c->x % most;
}

static void add_words(struct buf *b, struct client *c, int n)
{
	static const char *const parts[] = { "ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo", "zu", "an", "er" };
	for (int i = 0; i < n; i++) {
		for (uint64_t k = 2 + roll(c, 3); k > 0; k--)
			buf_add(b, str_of(parts[roll(c, COUNT_OF(parts))]));
		buf_char(b, ' ');
	}
}

static const char *const severities[] = { "low", "medium", "high", "critical" };

static void make_up(struct client *c, struct buf *body, struct buf *request)
{
	uint64_t kind = c->known ? roll(c, 4) : 0;
	buf_reset(body);
	buf_reset(request);
	if (kind == 0) {
		buf_add(body, STR("{\"fields\":{\"title\":\""));
		add_words(body, c, 5);
		buf_fmt(body, "\",\"class\":\"other\",\"severity\":\"%s\",\"summary\":\"", severities[roll(c, 4)]);
		add_words(body, c, 40);
		buf_add(body, STR("\"}}"));
	} else if (kind == 1) {
		buf_add(body, STR("{\"fields\":{\"internal\":\""));
		add_words(body, c, 20);
		buf_add(body, STR("\"}}"));
	} else if (kind == 2) {
		buf_fmt(body, "{\"fields\":{\"severity\":\"%s\"}}", severities[roll(c, 4)]);
	} else {
		buf_fmt(body, "{\"state\":\"%s\",\"why\":\"as agreed\"}", roll(c, 2) ? "open" : "report");
	}
	buf_add(request, STR("POST /incident"));
	if (kind)
		buf_fmt(request, "/%llu", (unsigned long long)(1 + roll(c, c->known)));
	buf_fmt(request, " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nAccept: application/json\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", c->token, body->n);
	buf_add(request, buf_str(body));
}

/* One answer, whole: its status; 0: the connection is gone. */
static int read_answer(int fd, struct buf *in)
{
	char part[16384];
	buf_reset(in);
	for (;;) {
		str text = buf_str(in), head;
		size_t end = str_find(text, STR("\r\n\r\n"));
		if (end < text.n) {
			unsigned long long n = 0;
			int status = 0;
			head = str_head(text, end);
			size_t at = str_find(head, STR("Content-Length: "));
			if (at == head.n || sscanf(head.p + at + 16, "%llu", &n) != 1 || sscanf(head.p, "HTTP/1.1 %d", &status) != 1)
				return 0;
			if (text.n >= end + 4 + n)
				return status;
		}
		ssize_t got = read(fd, part, sizeof(part));
		if (got <= 0)
			return 0;
		buf_add_mem(in, part, (size_t)got);
		buf_char(in, '\0'); /* for sscanf; not counted */
		in->n--;
	}
}

static void *run(void *ctx)
{
	struct client *c = ctx;
	struct buf body = BUF_INIT(KIB(64)), request = BUF_INIT(KIB(64)), answer = BUF_INIT(MIB(4));
	int fd = dial(c->url);
	while (fd >= 0 && clock_mono_us() < c->until_us) {
		make_up(c, &body, &request);
		int64_t start_us = clock_mono_us();
		int status = write(fd, request.p, request.n) == (ssize_t)request.n ? read_answer(fd, &answer) : 0;
		if (status == 400 || status == 403 || status == 409) { /* a move that is not allowed is no change */
			c->refused++;
			continue;
		}
		if (status != 200 && status != 201) {
			snprintf(c->failed, sizeof(c->failed), "status %d: %.*s", status, answer.n > 150 ? 150 : (int)answer.n,
				 answer.p ? answer.p : "");
			break;
		}
		if (c->done == c->room) {
			c->room = c->room ? 2 * c->room : 1024;
			c->us = x_grow(c->us, c->room, sizeof(*c->us));
		}
		c->us[c->done++] = clock_mono_us() - start_us;
	}
	if (fd < 0)
		snprintf(c->failed, sizeof(c->failed), "no connection");
	else
		close(fd);
	buf_free(&body);
	buf_free(&request);
	buf_free(&answer);
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	uint64_t seconds = 0, known = 0, clients = 64;
	static struct client c[CLIENTS_MOST];
	if (argc < 5 || !str_to_u64(str_of(argv[3]), &seconds) || seconds == 0 ||
	    !str_to_u64(str_of(argv[4]), &known) ||
	    (argc > 5 && (!str_to_u64(str_of(argv[5]), &clients) || clients == 0 || clients > CLIENTS_MOST))) {
		fprintf(stderr, "usage: records_http URL TOKEN SECONDS KNOWN [CLIENTS]\n");
		return 64;
	}
	int64_t start_us = clock_mono_us();
	for (size_t i = 0; i < clients; i++) {
		c[i] = (struct client){ .url = argv[1], .token = argv[2], .x = 88172645463325252u + i * 7919,
					.until_us = start_us + (int64_t)seconds * SECOND_US,
					.known = known };
		if (pthread_create(&c[i].thread, NULL, run, &c[i]) != 0)
			return 1;
	}
	size_t done = 0, refused = 0, failed = 0, at = 0;
	for (size_t i = 0; i < clients; i++) {
		pthread_join(c[i].thread, NULL);
		done += c[i].done;
		refused += c[i].refused;
		failed += c[i].failed[0] != '\0';
		if (c[i].failed[0] && failed == 1)
			fprintf(stderr, "client %zu: %s\n", i, c[i].failed);
	}
	double took = (double)(clock_mono_us() - start_us) / 1e6;
	int64_t *us = x_array(done + 1, sizeof(*us));
	for (size_t i = 0; i < clients; i++) {
		for (size_t k = 0; k < c[i].done; k++)
			us[at++] = c[i].us[k];
		free(c[i].us);
	}
	qsort(us, done, sizeof(*us), by_value);
	printf("%zu clients: %.0f changes a second, median %.1f ms, p99 %.1f ms, %zu refused\n", (size_t)clients,
	       (double)done / took, done ? (double)us[done / 2] / 1e3 : 0, done ? (double)us[done * 99 / 100] / 1e3 : 0,
	       refused);
	free(us);
	return failed ? 1 : 0;
}
