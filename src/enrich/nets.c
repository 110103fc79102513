/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/nets.h"

#include <endian.h>
#include <stdlib.h>

#include "base/arena.h"

/* The address as two numbers: comparing them is cheaper than memcmp. */
struct start {
	uint64_t hi, lo;
};

/* Addresses of IPv4 stand side by side in the order of all (::ffff:0:0/96), and take a quarter of the
 * room: the places of that stretch have their starts in `start4`, all others in `start`. */
struct nets {
	struct start *start;
	uint32_t *start4;
	uint8_t *bits;
	uint32_t *around; /* place + 1 of the network around it; 0: none */
	size_t n, first4, count4;
};

static struct start start_of(const struct ip *ip)
{
	struct start s;
	memcpy(&s.hi, ip->b, 8);
	memcpy(&s.lo, ip->b + 8, 8);
	return (struct start){ be64toh(s.hi), be64toh(s.lo) };
}

static uint32_t start4_of(const struct ip *ip)
{
	uint32_t s;
	memcpy(&s, ip->b + 12, 4);
	return be32toh(s);
}

int nets_cmp(const struct net *a, const struct net *b)
{
	int order = ip_cmp(&a->ip, &b->ip);
	return order ? order : (int)a->bits - (int)b->bits;
}

struct net nets_at(const struct nets *t, size_t i)
{
	struct net net = { .bits = t->bits[i] };
	if (i >= t->first4 && i < t->first4 + t->count4) {
		uint32_t low = htobe32(t->start4[i - t->first4]);
		net.ip.b[10] = net.ip.b[11] = 0xff;
		memcpy(net.ip.b + 12, &low, 4);
		return net;
	}
	const struct start *s = &t->start[i < t->first4 ? i : i - t->count4];
	uint64_t hi = htobe64(s->hi), lo = htobe64(s->lo);
	memcpy(net.ip.b, &hi, 8);
	memcpy(net.ip.b + 8, &lo, 8);
	return net;
}

struct nets *nets_new(const struct net *list, size_t n)
{
	struct nets *t = x_alloc(sizeof(*t));
	t->n = n;
	for (size_t i = 0; i < n; i++) {
		bool four = ip_is4(&list[i].ip);
		t->first4 += !four && t->count4 == 0;
		t->count4 += four;
	}
	t->start = x_array(n - t->count4 + 1, sizeof(*t->start));
	t->start4 = x_array(t->count4 + 1, sizeof(*t->start4));
	t->bits = x_array(n + 1, sizeof(*t->bits));
	t->around = x_array(n + 1, sizeof(*t->around));
	uint32_t open = 0; /* place + 1 of the smallest network that may still go on */
	for (size_t i = 0; i < n; i++) {
		while (open && !net_has(&list[open - 1], &list[i].ip))
			open = t->around[open - 1];
		if (i >= t->first4 && i < t->first4 + t->count4)
			t->start4[i - t->first4] = start4_of(&list[i].ip);
		else
			t->start[i < t->first4 ? i : i - t->count4] = start_of(&list[i].ip);
		t->bits[i] = list[i].bits;
		t->around[i] = open;
		open = (uint32_t)i + 1;
	}
	return t;
}

void nets_free(struct nets *t)
{
	if (!t)
		return;
	free(t->start);
	free(t->start4);
	free(t->bits);
	free(t->around);
	free(t);
}

static size_t climb(const struct nets *t, size_t place, const struct ip *ip, uint8_t most_bits)
{
	for (; place; place = t->around[place - 1]) {
		struct net net = nets_at(t, place - 1);
		if (net.bits <= most_bits && net_has(&net, ip))
			return place - 1;
	}
	return NETS_NONE;
}

static size_t starts_before4(const struct nets *t, const struct ip *ip)
{
	uint32_t key = start4_of(ip);
	size_t low = 0, n = t->count4;
	while (n) {
		size_t half = n / 2;
		if (t->start4[low + half] <= key) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return t->first4 + low;
}

/* How many networks start at `ip` or before it. */
static size_t starts_before(const struct nets *t, const struct ip *ip)
{
	if (ip_is4(ip))
		return starts_before4(t, ip);
	struct start key = start_of(ip);
	size_t low = 0, n = t->n - t->count4;
	while (n) {
		size_t half = n / 2;
		const struct start *mid = &t->start[low + half];
		if (mid->hi < key.hi || (mid->hi == key.hi && mid->lo <= key.lo)) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	bool behind4 = key.hi || key.lo > UINT64_C(0xffffffffffff);
	return low + (behind4 ? t->count4 : 0);
}

size_t nets_find(const struct nets *t, const struct ip *ip)
{
	return climb(t, starts_before(t, ip), ip, 128);
}

size_t nets_find_net(const struct nets *t, const struct net *net)
{
	return climb(t, starts_before(t, &net->ip), &net->ip, net->bits);
}

size_t nets_around(const struct nets *t, size_t i)
{
	return t->around[i] ? t->around[i] - 1 : NETS_NONE;
}
