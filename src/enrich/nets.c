/* SPDX-License-Identifier: Apache-2.0 */
#include "enrich/nets.h"

#include <endian.h>
#include <stdlib.h>

#include "base/arena.h"

/* The address as two numbers: comparing them is cheaper than memcmp. */
struct start {
	uint64_t hi, lo;
};

struct nets {
	struct start *start;
	struct net *net;
	uint32_t *around; /* place + 1 of the network around it; 0: none */
	size_t n;
};

static struct start start_of(const struct ip *ip)
{
	struct start s;
	memcpy(&s.hi, ip->b, 8);
	memcpy(&s.lo, ip->b + 8, 8);
	return (struct start){ be64toh(s.hi), be64toh(s.lo) };
}

int nets_cmp(const struct net *a, const struct net *b)
{
	int order = ip_cmp(&a->ip, &b->ip);
	return order ? order : (int)a->bits - (int)b->bits;
}

struct nets *nets_new(const struct net *list, size_t n)
{
	struct nets *t = x_alloc(sizeof(*t));
	t->n = n;
	t->start = x_array(n + 1, sizeof(*t->start));
	t->net = x_array(n + 1, sizeof(*t->net));
	t->around = x_array(n + 1, sizeof(*t->around));
	uint32_t open = 0; /* place + 1 of the smallest network that may still go on */
	for (size_t i = 0; i < n; i++) {
		while (open && !net_has(&list[open - 1], &list[i].ip))
			open = t->around[open - 1];
		t->start[i] = start_of(&list[i].ip);
		t->net[i] = list[i];
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
	free(t->net);
	free(t->around);
	free(t);
}

static size_t climb(const struct nets *t, size_t place, const struct ip *ip, uint8_t most_bits)
{
	while (place && !(t->net[place - 1].bits <= most_bits && net_has(&t->net[place - 1], ip)))
		place = t->around[place - 1];
	return place ? place - 1 : NETS_NONE;
}

/* How many networks start at `ip` or before it. */
static size_t starts_before(const struct nets *t, const struct ip *ip)
{
	struct start key = start_of(ip);
	size_t low = 0, n = t->n;
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
	return low;
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
