/* SPDX-License-Identifier: Apache-2.0 */
/* A poor line between two network namespaces: packets of two tun devices, handed over by this program with delay, loss and
 * rate, so that the kernel's own TCP meets them. Needs root and /dev/net/tun.
 *
 *   wire NAMESPACE NAMESPACE LOSS_PERCENT DELAY_MS BITS_A_SECOND      makes device "wire" in each; runs until SIGTERM
 *
 * SIGUSR1 cuts it, SIGUSR2 mends it. At its end, and at each signal, it prints bytes that were sent into the line, there and
 * back, lost ones among them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { PACKET = 2048, QUEUE = 256, QUEUE_BYTES = 32 << 10 };

struct packet {
	int64_t due_us;
	size_t n;
	unsigned char bytes[PACKET];
};
struct way {
	int from, to;
	int64_t free_us;       /* when the line has room again */
	size_t head, count, bytes;
	uint64_t sent, packets, lost;
	struct packet queue[QUEUE];
};

static struct way ways[2];

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int open_tun(const char *name)
{
	char path[300];
	struct ifreq r;
	snprintf(path, sizeof path, "/var/run/netns/%s", name);
	int ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
		return -1;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK); /* belongs to where it is opened */
	memset(&r, 0, sizeof r);
	r.ifr_flags = IFF_TUN | IFF_NO_PI;
	snprintf(r.ifr_name, sizeof r.ifr_name, "wire");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) != 0)
		return -1;
	close(ns);
	return fd;
}

static void take(struct way *w, unsigned loss, int64_t delay_us, int64_t rate, int cut)
{
	unsigned char bytes[PACKET];
	ssize_t n;
	while ((n = read(w->from, bytes, sizeof bytes)) > 0) {
		int64_t now = now_us();
		w->sent += (uint64_t)n;
		w->packets++;
		if (cut || w->count == QUEUE || w->bytes + (size_t)n > QUEUE_BYTES || (unsigned)(random() % 1000) < loss * 10) {
			w->lost++;
			continue;
		}
		struct packet *p = &w->queue[(w->head + w->count++) % QUEUE];
		w->free_us = (w->free_us > now ? w->free_us : now) + (int64_t)n * 8 * 1000000 / rate;
		p->due_us = w->free_us + delay_us;
		p->n = (size_t)n;
		w->bytes += (size_t)n;
		memcpy(p->bytes, bytes, (size_t)n);
	}
}

/* How long until the next one is due; -1: there is none. */
static int64_t give(struct way *w)
{
	int64_t now = now_us();
	while (w->count && w->queue[w->head].due_us <= now) {
		struct packet *p = &w->queue[w->head];
		(void)!write(w->to, p->bytes, p->n);
		w->bytes -= p->n;
		w->head = (w->head + 1) % QUEUE;
		w->count--;
	}
	return w->count ? w->queue[w->head].due_us - now : -1;
}

static void say(void)
{
	printf("{\"there\":%llu,\"back\":%llu,\"packets\":%llu,\"lost\":%llu}\n", (unsigned long long)ways[0].sent,
	       (unsigned long long)ways[1].sent, (unsigned long long)(ways[0].packets + ways[1].packets),
	       (unsigned long long)(ways[0].lost + ways[1].lost));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	sigset_t set;
	int cut = 0;
	if (argc != 6)
		return 64;
	unsigned loss = (unsigned)strtoul(argv[3], NULL, 10);
	int64_t delay_us = strtol(argv[4], NULL, 10) * 1000, rate = strtol(argv[5], NULL, 10);
	ways[0].from = ways[1].to = open_tun(argv[1]);
	ways[1].from = ways[0].to = open_tun(argv[2]);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ways[0].from < 0 || ways[1].from < 0 || signals < 0 || rate <= 0) {
		perror("wire");
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int64_t a = give(&ways[0]), b = give(&ways[1]), next = a < 0 || (b >= 0 && b < a) ? b : a;
		struct pollfd p[] = { { ways[0].from, POLLIN, 0 }, { ways[1].from, POLLIN, 0 }, { signals, POLLIN, 0 } };
		if (poll(p, 3, next < 0 ? -1 : (int)(next / 1000) + 1) < 0 && errno != EINTR)
			return 1;
		take(&ways[0], loss, delay_us, rate, cut);
		take(&ways[1], loss, delay_us, rate, cut);
		struct signalfd_siginfo s;
		if (read(signals, &s, sizeof s) == sizeof s) {
			say();
			if (s.ssi_signo == SIGTERM)
				return 0;
			cut = s.ssi_signo == SIGUSR1;
		}
	}
}
