/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-hook: a server that takes webhooks and writes down each: what the senders' tests count.
 *
 *   ronda-hook LOG     prints its port; a line a request: path, idempotency key, signature, time, body
 *
 *   /ok…      200              /slow     200 after 0.2 s       /never    keeps silent for a minute
 *   /busy     503              /no       404                   /cut      closes without an answer
 *   /twice    503 for the first two of a key, then 200 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"

enum { REQUEST_MAX = 2 << 20, KEYS = 4096 };

static struct seen {
	char key[80];
	int tries;
} seen[KEYS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd;

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

/* How often this key came, with this time. */
static int count_try(str key)
{
	int tries = 0;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < KEYS; i++) {
		if (seen[i].key[0] && !str_eq(str_of(seen[i].key), key))
			continue;
		(void)str_to_z(key, seen[i].key, sizeof seen[i].key);
		tries = ++seen[i].tries;
		break;
	}
	pthread_mutex_unlock(&lock);
	return tries;
}

static void answer(int fd, int status)
{
	char text[128];
	int n = snprintf(text, sizeof text, "HTTP/1.1 %d Said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
	(void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

static bool read_more(int fd, struct buf *b)
{
	char *to = buf_room(b, 16384);
	ssize_t n = to ? recv(fd, to, 16384, 0) : 0;
	if (n > 0)
		b->n += (size_t)n;
	return n > 0;
}

static void note(str path, str head, str body)
{
	struct buf line = BUF_INIT(2 * REQUEST_MAX);
	buf_add(&line, path);
	buf_char(&line, '\t');
	buf_add(&line, header(head, "Idempotency-Key"));
	buf_char(&line, '\t');
	buf_add(&line, header(head, "Ronda-Signature"));
	buf_fmt(&line, "\t%lld\t", (long long)clock_mono_us());
	buf_add(&line, body);
	buf_char(&line, '\n');
	(void)!write(log_fd, line.p, line.n);
	buf_free(&line);
}

static void behave(int fd, str path, str key)
{
	int tries = count_try(key);
	if (str_eq(path, STR("/slow")))
		(void)poll(NULL, 0, 200);
	if (str_eq(path, STR("/never")))
		(void)poll(NULL, 0, 60000);
	if (str_starts(path, STR("/ok")) || str_eq(path, STR("/slow")) || (str_eq(path, STR("/twice")) && tries > 2))
		answer(fd, 200);
	else if (str_eq(path, STR("/no")))
		answer(fd, 404);
	else if (!str_eq(path, STR("/cut")))
		answer(fd, 503);
}

static void *serve(void *ctx)
{
	int fd = (int)(intptr_t)ctx;
	struct buf b = BUF_INIT(REQUEST_MAX);
	size_t end = 0;
	uint64_t length = 0;
	while ((end = str_find(buf_str(&b), STR("\r\n\r\n"))) == b.n && read_more(fd, &b))
		;
	if (end < b.n && str_to_u64(header(str_head(buf_str(&b), end), "Content-Length"), &length)) {
		while (b.n < end + 4 + length && read_more(fd, &b))
			;
		str line = str_head(buf_str(&b), end), head = str_head(buf_str(&b), end);
		(void)str_cut(&line, ' ');
		str path = str_cut(&line, ' ');
		if (b.n >= end + 4 + length) {
			note(path, head, str_from(buf_str(&b), end + 4));
			behave(fd, path, header(head, "Idempotency-Key"));
		}
	}
	close(fd);
	buf_free(&b);
	return NULL;
}

int main(int argc, char **argv)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	log_fd = argc == 2 ? open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (log_fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, 128) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) != 0) {
		perror("ronda-hook");
		return 1;
	}
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		pthread_t thread;
		int client = accept(fd, NULL, NULL);
		if (client < 0)
			return 1;
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0)
			pthread_detach(thread);
		else
			close(client);
	}
}
