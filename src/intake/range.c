/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/range.h"

/* An address as a number; C17 has none of 128 bits, both our compilers do. */
__extension__ typedef unsigned __int128 u128;

static u128 number_of(const struct ip *ip)
{
	u128 v = 0;
	for (size_t i = 0; i < 16; i++)
		v = v << 8 | ip->b[i];
	return v;
}

static struct ip address_of(u128 v)
{
	struct ip ip;
	for (size_t i = 16; i-- > 0; v >>= 8)
		ip.b[i] = (uint8_t)v;
	return ip;
}

/* Host bits of the largest network that begins at `from` and ends at `to` or before. */
static unsigned host_bits(u128 from, u128 to)
{
	unsigned bits = 0;
	while (bits < 128) {
		u128 mask = ((u128)2 << bits) - 1; /* of one bit more; all ones at 127 */
		if ((from & mask) || (to - from) < mask)
			break;
		bits++;
	}
	return bits;
}

bool range_nets(const struct ip *first, const struct ip *last, struct net *nets, size_t most,
		size_t *count_out)
{
	u128 from = number_of(first), to = number_of(last);
	*count_out = 0;
	if (from > to || ip_is4(first) != ip_is4(last))
		return false;
	for (;;) {
		if (*count_out == most)
			return false;
		unsigned bits = host_bits(from, to);
		nets[(*count_out)++] = (struct net){address_of(from), (uint8_t)(128 - bits)};
		if (bits == 128 || to - from == ((u128)1 << bits) - 1)
			return true;
		from += (u128)1 << bits;
	}
}
