/* SPDX-License-Identifier: Apache-2.0 */
#include "route/concern_private.h"

/* tag byte (kind and side), length, bytes; what is absent is left out. */
enum tag { TAG_IP = 2, TAG_NET = 4, TAG_NAME = 6, TAG_ASN = 8, TAG_CC = 10 };

static void put(struct buf *out, enum tag tag, size_t side, const void *p, size_t n)
{
	buf_char(out, (char)((size_t)tag | side));
	buf_varint(out, n);
	buf_add_mem(out, p, n);
}

void sides_pack(const struct side sides[SIDES], struct buf *out)
{
	for (size_t i = 0; i < SIDES; i++) {
		const struct side *s = &sides[i];
		str name = side_name(s);
		if (s->has_ip) {
			bool four = ip_is4(&s->ip);
			put(out, TAG_IP, i, s->ip.b + (four ? 12 : 0), four ? 4 : 16);
		} else if (s->has_net) {
			unsigned char raw[17];
			memcpy(raw, s->net.ip.b, 16);
			raw[16] = s->net.bits;
			put(out, TAG_NET, i, raw, sizeof(raw));
		}
		if (name.n)
			put(out, TAG_NAME, i, name.p, name.n);
		if (s->asn) {
			unsigned char raw[4] = { (uint8_t)s->asn, (uint8_t)(s->asn >> 8),
						 (uint8_t)(s->asn >> 16), (uint8_t)(s->asn >> 24) };
			put(out, TAG_ASN, i, raw, sizeof(raw));
		}
		if (s->cc.n)
			put(out, TAG_CC, i, s->cc.p, s->cc.n);
	}
}

static bool take_ip(struct side *s, str v)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	s->has_ip = v.n == 4 || v.n == 16;
	if (v.n == 4) {
		memcpy(s->ip.b, mapped, 12);
		memcpy(s->ip.b + 12, v.p, 4);
	} else if (v.n == 16) {
		memcpy(s->ip.b, v.p, 16);
	}
	return s->has_ip;
}

static bool take(struct side *s, enum tag tag, str v)
{
	const unsigned char *p = (const unsigned char *)v.p;
	switch (tag) {
	case TAG_IP:
		return take_ip(s, v);
	case TAG_NET:
		if (v.n != 17 || p[16] > 128)
			return false;
		memcpy(s->net.ip.b, p, 16);
		s->net.bits = p[16];
		return s->has_net = true;
	case TAG_NAME:
		s->fqdn = v;
		return true;
	case TAG_ASN:
		if (v.n != 4)
			return false;
		s->asn = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			 (uint32_t)p[3] << 24;
		return true;
	case TAG_CC:
		s->cc = v;
		return true;
	}
	return false;
}

bool sides_unpack(str bytes, struct side sides[SIDES])
{
	struct wire w = wire_of(bytes);
	sides[0] = sides[1] = (struct side){ 0 };
	while (wire_left(&w)) {
		unsigned tag = wire_u8(&w);
		str v = wire_block(&w);
		if (w.bad || !take(&sides[tag & 1], (enum tag)(tag & ~1u), v))
			return false;
	}
	return true;
}
