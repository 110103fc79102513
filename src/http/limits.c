/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_private.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Every connection has a link. Which links exist changes only while holding the
 * token (a queue of one); what a link says about its progress is atomic, so that
 * bytes move without asking anybody. A deadline thread looks at all links a few
 * times a second and shuts the socket of one that is late: the library then
 * sees its end. It holds the token meanwhile, and links_close() needs it before
 * the library closes the socket: so never is a stranger's socket shut. */

struct links {
	struct http_limits limits;
	struct link *all; /* limits.connections of them */
	unsigned count;
	struct queue *token;
	struct gate *stop;
	pthread_t thread;
	int64_t tick_us;
};

static void take(struct links *l)
{
	(void)queue_take(l->token);
}

static void give(struct links *l)
{
	(void)queue_put(l->token, l);
}

/* Bytes the kernel took in for this socket since it was opened: the library
 * does not tell when the first byte of a request comes. */
static uint64_t bytes_received(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return 0;
	return info.tcpi_bytes_received;
}

static bool body_too_slow(const struct links *l, struct link *k, int64_t now)
{
	uint64_t come = atomic_load(&k->body_bytes);
	uint64_t least = (uint64_t)l->limits.body_window_us * l->limits.body_rate / 1000000;
	if (come - atomic_load(&k->window_base) < least)
		return true;
	atomic_store(&k->window_base, come);
	atomic_store(&k->deadline_us, now + l->limits.body_window_us);
	return false;
}

/* Is this connection late? Also notices that a head has begun. */
static bool late(const struct links *l, struct link *k, int64_t now)
{
	int stage = atomic_load(&k->stage);
	if (stage == LINK_FREE || stage == LINK_WORK)
		return false;
	if (stage == LINK_IDLE && bytes_received(k->fd) > atomic_load(&k->received_base)) {
		/* the deadline goes first: were the stage seen first, the idle one would hold */
		atomic_store(&k->deadline_us, now + l->limits.head_us);
		atomic_compare_exchange_strong(&k->stage, &stage, LINK_HEAD);
		return false;
	}
	if (now < atomic_load(&k->deadline_us))
		return false;
	return stage == LINK_BODY ? body_too_slow(l, k, now) : true;
}

static void *watch(void *arg)
{
	struct links *l = arg;
	while (!gate_wait_for(l->stop, l->tick_us)) {
		take(l);
		int64_t now = clock_mono_us();
		for (unsigned i = 0; i < l->limits.connections; i++) {
			if (late(l, &l->all[i], now))
				(void)shutdown(l->all[i].fd, SHUT_RDWR);
		}
		give(l);
	}
	return NULL;
}

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

struct links *links_new(const struct http_limits *limits)
{
	struct links *l = x_alloc(sizeof *l);
	l->limits = *limits;
	l->all = x_array(limits->connections, sizeof *l->all);
	l->token = queue_new(1);
	l->stop = gate_new();
	int64_t tick = least_of(limits->head_us, least_of(limits->idle_us, limits->body_window_us)) / 8;
	l->tick_us = tick < 10000 ? 10000 : least_of(tick, 250000);
	give(l);
	if (pthread_create(&l->thread, NULL, watch, l) != 0)
		abort(); /* without deadlines we must not listen */
	return l;
}

void links_free(struct links *l)
{
	if (!l)
		return;
	gate_open(l->stop);
	pthread_join(l->thread, NULL);
	gate_free(l->stop);
	queue_free(l->token);
	free(l->all);
	free(l);
}

static void set(struct link *k, enum link_stage stage, int64_t deadline_us)
{
	atomic_store(&k->deadline_us, deadline_us);
	atomic_store(&k->stage, stage);
}

struct link *links_open(struct links *l, int fd, const struct ip *peer, bool trusted)
{
	struct link *found = NULL;
	unsigned same = 0;
	take(l);
	for (unsigned i = 0; i < l->limits.connections; i++) {
		struct link *k = &l->all[i];
		if (atomic_load(&k->stage) == LINK_FREE)
			found = found ? found : k;
		else
			same += !trusted && !k->trusted && ip_cmp(&k->peer, peer) == 0;
	}
	if (found && same < l->limits.per_address) {
		found->fd = fd;
		found->peer = *peer;
		found->trusted = trusted;
		found->has_forwarded = false;
		found->pin_known = found->has_pin = false;
		atomic_store(&found->received_base, 0);
		l->count++;
		set(found, LINK_IDLE, clock_mono_us() + l->limits.idle_us);
	} else {
		found = NULL;
	}
	give(l);
	return found;
}

void links_close(struct links *l, struct link *k)
{
	take(l);
	atomic_store(&k->stage, LINK_FREE);
	l->count--;
	give(l);
}

unsigned links_count(struct links *l)
{
	take(l);
	unsigned n = l->count;
	give(l);
	return n;
}

bool links_forwarded(struct links *l, struct link *k, const struct ip *from)
{
	unsigned same = 0;
	take(l);
	for (unsigned i = 0; i < l->limits.connections; i++) {
		const struct link *other = &l->all[i];
		same += other != k && atomic_load(&other->stage) != LINK_FREE && other->has_forwarded &&
			ip_cmp(&other->forwarded, from) == 0;
	}
	bool good = same < l->limits.per_address;
	k->has_forwarded = good;
	k->forwarded = *from;
	give(l);
	return good;
}

void link_idle(struct links *l, struct link *k)
{
	if (k->has_forwarded) {
		take(l);
		k->has_forwarded = false;
		give(l);
	}
	atomic_store(&k->received_base, bytes_received(k->fd));
	set(k, LINK_IDLE, clock_mono_us() + l->limits.idle_us);
}

void link_body(struct links *l, struct link *k, bool fresh)
{
	if (fresh)
		atomic_store(&k->body_bytes, 0);
	atomic_store(&k->window_base, atomic_load(&k->body_bytes));
	set(k, LINK_BODY, clock_mono_us() + l->limits.body_window_us);
}

void link_work(struct link *k)
{
	atomic_store(&k->stage, LINK_WORK);
}

void link_send(struct links *l, struct link *k, uint64_t bytes)
{
	int64_t rate = l->limits.body_rate ? l->limits.body_rate : 1;
	int64_t time_us = bytes > UINT32_MAX ? INT32_MAX : (int64_t)bytes * 1000000 / rate;
	set(k, LINK_SEND, clock_mono_us() + l->limits.idle_us + time_us);
}
