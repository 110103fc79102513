/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <arpa/inet.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool ip_is4(const struct ip *ip)
{
	return memcmp(ip->b, mapped, sizeof(mapped)) == 0;
}

int ip_cmp(const struct ip *a, const struct ip *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

static bool parse4(str s, uint8_t out[4])
{
	for (int i = 0; i < 4; i++) {
		unsigned v = 0, n = 0;
		while (s.n && s.p[0] >= '0' && s.p[0] <= '9' && n < 3) {
			v = v * 10 + (unsigned)(s.p[0] - '0');
			s.p++, s.n--, n++;
		}
		if (n == 0 || v > 255 || (n > 1 && v < (n == 2 ? 10u : 100u)))
			return false;
		out[i] = (uint8_t)v;
		if (i < 3) {
			if (s.n == 0 || s.p[0] != '.')
				return false;
			s.p++, s.n--;
		}
	}
	return s.n == 0;
}

bool ip_parse(str text, struct ip *out)
{
	struct ip ip;
	if (text.n < 2 || text.n > 45)
		return false;
	if (!memchr(text.p, ':', text.n)) {
		memcpy(ip.b, mapped, sizeof(mapped));
		if (!parse4(text, ip.b + 12))
			return false;
	} else {
		char z[46];
		if (!str_to_z(text, z, sizeof(z)) || inet_pton(AF_INET6, z, ip.b) != 1)
			return false;
	}
	*out = ip;
	return true;
}

void ip_mask(struct ip *ip, uint8_t bits)
{
	if (bits >= 128)
		return;
	size_t byte = bits / 8;
	ip->b[byte] &= (uint8_t)(0xff00 >> (bits % 8));
	memset(ip->b + byte + 1, 0, 15 - byte);
}

bool net_parse(str text, bool strict, struct net *out)
{
	size_t slash = str_index(text, '/');
	struct net net;
	if (!ip_parse(str_head(text, slash), &net.ip))
		return false;
	bool four = !str_has(str_head(text, slash), ':');
	uint32_t bits = four ? 32 : 128;
	if (slash < text.n) {
		str digits = str_from(text, slash + 1);
		uint32_t most = bits;
		if (digits.n > 3 || (digits.n > 1 && digits.p[0] == '0') || !str_to_u32(digits, &bits) ||
		    bits > most)
			return false;
	}
	net.bits = (uint8_t)(four ? bits + 96 : bits);
	struct ip masked = net.ip;
	ip_mask(&masked, net.bits);
	if (strict && ip_cmp(&masked, &net.ip) != 0)
		return false;
	net.ip = masked;
	*out = net;
	return true;
}

static char *put_u8(char *p, uint8_t v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

str ip_str(char text[48], const struct ip *ip)
{
	if (ip_is4(ip)) {
		char *p = text;
		for (int i = 12; i < 16; i++) {
			p = put_u8(p, ip->b[i]);
			*p++ = '.';
		}
		p[-1] = '\0';
		return (str){ text, (size_t)(p - 1 - text) };
	}
	/* glibc writes RFC 5952 form: lower case, longest run of zeros cut. */
	inet_ntop(AF_INET6, ip->b, text, 48);
	return str_of(text);
}

void ip_format(struct buf *out, const struct ip *ip)
{
	char text[48];
	buf_add(out, ip_str(text, ip));
}

str net_str(char text[56], const struct net *net)
{
	size_t n = ip_str(text, &net->ip).n;
	bool four = ip_is4(&net->ip) && net->bits >= 96;
	char *p = text + n;
	*p++ = '/';
	p = put_u8(p, (uint8_t)(four ? net->bits - 96 : net->bits));
	*p = '\0';
	return (str){ text, (size_t)(p - text) };
}

void net_format(struct buf *out, const struct net *net)
{
	char text[56];
	buf_add(out, net_str(text, net));
}

bool net_has(const struct net *net, const struct ip *ip)
{
	struct ip masked = *ip;
	ip_mask(&masked, net->bits);
	return ip_cmp(&masked, &net->ip) == 0;
}

struct ip net_last(const struct net *net)
{
	struct ip last = net->ip;
	if (net->bits < 128) {
		size_t byte = net->bits / 8;
		last.b[byte] |= (uint8_t)(0xff >> (net->bits % 8));
		memset(last.b + byte + 1, 0xff, 15 - byte);
	}
	return last;
}

bool ip_is_special(const struct ip *ip)
{
	/* IANA special-purpose registries (RFC 6890), what is not globally reachable. */
	static const struct { uint8_t b[16]; uint8_t bits; } table[] = {
#define V4(a, c, d, e, n) { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, c, d, e }, 96 + (n) }
		V4(0, 0, 0, 0, 8), V4(10, 0, 0, 0, 8), V4(100, 64, 0, 0, 10), V4(127, 0, 0, 0, 8),
		V4(169, 254, 0, 0, 16), V4(172, 16, 0, 0, 12), V4(192, 0, 0, 0, 24),
		V4(192, 0, 2, 0, 24), V4(192, 168, 0, 0, 16), V4(198, 18, 0, 0, 15),
		V4(198, 51, 100, 0, 24), V4(203, 0, 113, 0, 24), V4(224, 0, 0, 0, 4), V4(240, 0, 0, 0, 4),
#undef V4
		{ { 0 }, 127 },                                 /* :: and ::1 */
		{ { 0x00, 0x64, 0xff, 0x9b, 0, 1 }, 48 },       /* 64:ff9b:1::/48 */
		{ { 0x01 }, 64 },                               /* 100::/64 discard */
		{ { 0x20, 0x01 }, 23 },                         /* 2001::/23 protocol assignments */
		{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 },             /* documentation */
		{ { 0x3f, 0xff }, 20 },                         /* documentation, RFC 9637 */
		{ { 0xfc }, 7 }, { { 0xfe, 0x80 }, 10 }, { { 0xff }, 8 },
	};
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct net net = { .bits = table[i].bits };
		memcpy(net.ip.b, table[i].b, 16);
		if (net_has(&net, ip))
			return true;
	}
	return false;
}
