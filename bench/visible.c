/* SPDX-License-Identifier: Apache-2.0 */
/* visible URL INTAKE-TOKEN READ-TOKEN N: posts N events, one a request, and asks
 * for each at once; prints the median and p99 from POST to visible. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One exchange on a fresh connection that the server closes: status and body. */
static int ask(const char *url, str request, struct buf *answer)
{
	int fd = dial(url), status = 0;
	char part[8192];
	ssize_t n;
	buf_reset(answer);
	if (fd < 0)
		return 0;
	if (write(fd, request.p, request.n) == (ssize_t)request.n)
		while ((n = read(fd, part, sizeof(part))) > 0)
			buf_add_mem(answer, part, (size_t)n);
	close(fd);
	if (answer->n > 12 && sscanf(answer->p, "HTTP/1.1 %d", &status) != 1)
		status = 0;
	return status;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	uint64_t n = 0;
	if (argc != 5 || !str_to_u64(str_of(argv[4]), &n) || n == 0 || n > 100000) {
		fprintf(stderr, "usage: visible URL INTAKE READ N\n");
		return 64;
	}
	int64_t *took_us = x_array(n, sizeof(*took_us));
	struct buf body = BUF_INIT(KIB(4)), request = BUF_INIT(KIB(8)), answer = BUF_INIT(MIB(1));
	for (uint64_t i = 0; i < n; i++) {
		char ip[32], time[40];
		snprintf(ip, sizeof(ip), "198.18.%u.%u", (unsigned)(i >> 8 & 255), (unsigned)(i & 255));
		buf_reset(&body);
		buf_reset(&request);
		buf_fmt(&body, "{\"__type\":\"Event\",\"source.ip\":\"%s\",\"time.source\":\"%s\",\"source.port\":%u,"
			"\"classification.type\":\"scanner\"}\n", ip, time_str(time, clock_now_us()).p,
			(unsigned)(i % 60000 + 1));
		buf_fmt(&request, "POST /api/reports?format=intelmq HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
			"Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			argv[2], body.n);
		buf_add(&request, buf_str(&body));
		int64_t start = clock_mono_us();
		int status = ask(argv[1], buf_str(&request), &answer);
		if (status != 202) {
			fprintf(stderr, "POST: status %d: " STR_FMT "\n", status, STR_ARG(buf_str(&answer)));
			return 1;
		}
		buf_reset(&request);
		buf_fmt(&request, "GET /events.json?ip=%s HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n"
			"Authorization: Bearer %s\r\n\r\n", ip, argv[3]);
		char want[64];
		snprintf(want, sizeof(want), "\"source.ip\":\"%s\"", ip);
		do {
			status = ask(argv[1], buf_str(&request), &answer);
		} while (status == 200 && str_find(buf_str(&answer), str_of(want)) == answer.n &&
			 clock_mono_us() - start < 5 * SECOND_US);
		if (status != 200) {
			fprintf(stderr, "GET: status %d: " STR_FMT "\n", status, STR_ARG(buf_str(&answer)));
			return 1;
		}
		took_us[i] = clock_mono_us() - start;
	}
	qsort(took_us, n, sizeof(*took_us), by_value);
	printf("%-58s %.1f ms, p99 %.1f ms\n", "POST to visible, one by one: median",
	       (double)took_us[n / 2] / 1e3, (double)took_us[n * 99 / 100] / 1e3);
	return 0;
}
