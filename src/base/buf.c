/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf)BUF_INIT(b->cap);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->over = false;
	if (b->p)
		b->p[0] = '\0';
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->over || n > b->cap - b->n) {
		b->over = true;
		return NULL;
	}
	if (b->n + n + 1 > b->size) {
		size_t size = b->size ? b->size : 64;
		while (size < b->n + n + 1)
			size += size / 2 + 64;
		b->p = x_grow(b->p, size, 1);
		b->size = size;
	}
	return b->p + b->n;
}

void buf_add_mem(struct buf *b, const void *p, size_t n)
{
	char *to = buf_room(b, n);
	if (!to)
		return;
	if (n)
		memcpy(to, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_add(struct buf *b, str s)
{
	buf_add_mem(b, s.p, s.n);
}

void buf_char(struct buf *b, char c)
{
	if (b->n + 1 < b->size && b->n < b->cap && !b->over) {
		b->p[b->n++] = c;
		b->p[b->n] = '\0';
		return;
	}
	buf_add_mem(b, &c, 1);
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	char small[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof(small)) {
		buf_add_mem(b, small, (size_t)n);
		return;
	}
	char *to = buf_room(b, (size_t)n);
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_u64(struct buf *b, uint64_t v)
{
	char tmp[20];
	size_t at = sizeof(tmp);
	do {
		tmp[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_add_mem(b, tmp + at, sizeof(tmp) - at);
}

void buf_i64(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_char(b, '-');
	buf_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

static void put_le(struct buf *b, uint64_t v, size_t bytes)
{
	unsigned char raw[8];
	for (size_t i = 0; i < bytes; i++)
		raw[i] = (unsigned char)(v >> (8 * i));
	buf_add_mem(b, raw, bytes);
}

void buf_le16(struct buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void buf_le32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void buf_le64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void buf_varint(struct buf *b, uint64_t v)
{
	unsigned char raw[10];
	size_t n = 0;
	do {
		raw[n++] = (unsigned char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
	buf_add_mem(b, raw, n);
}

struct wire wire_of(str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	return (struct wire){ .p = p, .end = p ? p + s.n : p };
}

size_t wire_left(const struct wire *w)
{
	return w->bad ? 0 : (size_t)(w->end - w->p);
}

str wire_bytes(struct wire *w, size_t n)
{
	if (n > wire_left(w)) {
		w->bad = true;
		return STR_NONE;
	}
	str s = str_mem(w->p, n);
	w->p += n;
	return s;
}

static uint64_t get_le(struct wire *w, size_t bytes)
{
	str s = wire_bytes(w, bytes);
	uint64_t v = 0;
	for (size_t i = 0; i < s.n; i++)
		v |= (uint64_t)(unsigned char)s.p[i] << (8 * i);
	return v;
}

uint8_t wire_u8(struct wire *w)
{
	return (uint8_t)get_le(w, 1);
}

uint16_t wire_le16(struct wire *w)
{
	return (uint16_t)get_le(w, 2);
}

uint32_t wire_le32(struct wire *w)
{
	return (uint32_t)get_le(w, 4);
}

uint64_t wire_le64(struct wire *w)
{
	return get_le(w, 8);
}

uint64_t wire_varint(struct wire *w)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t c = wire_u8(w);
		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return w->bad ? 0 : v;
	}
	w->bad = true;
	return 0;
}

str wire_block(struct wire *w)
{
	uint64_t n = wire_varint(w);
	if (n > wire_left(w)) {
		w->bad = true;
		return STR_NONE;
	}
	return wire_bytes(w, (size_t)n);
}
