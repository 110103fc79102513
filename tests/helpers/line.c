/* SPDX-License-Identifier: Apache-2.0 */
/* ronda-line: a slow line between a node and its partner, that can be cut.
 *
 *   ronda-line PORT BEHIND DELAY_MS RATE LOG      listens on loopback's PORT for what is meant for BEHIND; RATE: bytes a second
 *                                                 each way, 0: any
 *
 * SIGUSR1 cuts it: what is open breaks, nothing new gets through; SIGUSR2 mends it. LOG has the sum of bytes there
 * and back, written again whenever a connection ends and at each cut. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PART = 1400, CONNECTIONS = 64 };

static unsigned behind, delay_ms, rate;
static const char *log_path;
static atomic_bool is_cut;
static atomic_ulong there, back;
static atomic_int open_fds[2 * CONNECTIONS];

static void wait_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	if (us > 0)
		nanosleep(&t, NULL);
}

static void write_log(void)
{
	char text[100];
	int n = snprintf(text, sizeof text, "{\"there\":%lu,\"back\":%lu}\n", atomic_load(&there), atomic_load(&back));
	int fd = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		(void)!write(fd, text, (size_t)n);
		close(fd);
	}
}

static int dial(unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

struct way {
	int from, to;
	atomic_ulong *sum;
};

/* Bytes of one direction: each part takes its time on the line; the first of a burst also the way. */
static void *carry(void *ctx)
{
	struct way *w = ctx;
	char part[PART];
	struct timespec last = { 0 }, now;
	ssize_t n;
	while ((n = recv(w->from, part, sizeof part, 0)) > 0 && !atomic_load(&is_cut)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - last.tv_sec) * 1000 + (now.tv_nsec - last.tv_nsec) / 1000000 > (long)delay_ms)
			wait_us((long)delay_ms * 1000);
		if (rate)
			wait_us((long)n * 1000000 / (long)rate);
		atomic_fetch_add(w->sum, (unsigned long)n);
		clock_gettime(CLOCK_MONOTONIC, &last);
		for (ssize_t at = 0, m; at < n; at += m)
			if ((m = send(w->to, part + at, (size_t)(n - at), MSG_NOSIGNAL)) <= 0)
				goto ended;
	}
ended:
	shutdown(w->from, SHUT_RDWR);
	shutdown(w->to, SHUT_RDWR);
	return NULL;
}

static void *connection(void *ctx)
{
	int slot = (int)(intptr_t)ctx, here = atomic_load(&open_fds[2 * slot]), other = dial(behind);
	pthread_t thread;
	if (other >= 0) {
		atomic_store(&open_fds[2 * slot + 1], other);
		struct way one = { here, other, &there }, two = { other, here, &back };
		if (pthread_create(&thread, NULL, carry, &one) == 0) {
			carry(&two);
			pthread_join(thread, NULL);
		}
		atomic_store(&open_fds[2 * slot + 1], 0);
		close(other);
	}
	atomic_store(&open_fds[2 * slot], 0);
	close(here);
	write_log();
	return NULL;
}

static void *take_signals(void *ctx)
{
	sigset_t *set = ctx;
	int sig;
	while (sigwait(set, &sig) == 0) {
		atomic_store(&is_cut, sig == SIGUSR1);
		for (int i = 0; sig == SIGUSR1 && i < 2 * CONNECTIONS; i++) {
			int fd = atomic_load(&open_fds[i]);
			if (fd > 0)
				shutdown(fd, SHUT_RDWR);
		}
		write_log();
		if (sig == SIGTERM)
			_exit(0);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;
	sigset_t set;
	pthread_t thread;
	if (argc != 6)
		return 64;
	at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	behind = (unsigned)strtoul(argv[2], NULL, 10);
	delay_ms = (unsigned)strtoul(argv[3], NULL, 10);
	rate = (unsigned)strtoul(argv[4], NULL, 10);
	log_path = argv[5];
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0 ||
	    pthread_create(&thread, NULL, take_signals, &set) != 0) {
		perror("ronda-line");
		return 1;
	}
	write_log();
	for (;;) {
		int slot = 0, c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		while (slot < CONNECTIONS && atomic_load(&open_fds[2 * slot]))
			slot++;
		if (c < 0 || slot == CONNECTIONS || atomic_load(&is_cut)) {
			close(c);
			continue;
		}
		atomic_store(&open_fds[2 * slot], c);
		if (pthread_create(&thread, NULL, connection, (void *)(intptr_t)slot) == 0)
			pthread_detach(thread);
	}
}
