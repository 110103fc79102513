/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h: growing bytes, born with a cap.
 *
 * Writing past the cap writes nothing and sets `over`, which sticks: check it
 * once at the end. Always has a NUL behind its bytes, so buf.p may be handed
 * to the OS. One thread at a time. */
#ifndef RONDA_BASE_BUF_H
#define RONDA_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *p;
	size_t n, size, cap;
	bool over;
};

#define BUF_INIT(cap_bytes) { .cap = (cap_bytes) }

void buf_free(struct buf *b);
void buf_reset(struct buf *b); /* empties, keeps the memory */
void buf_add(struct buf *b, str s);
void buf_add_mem(struct buf *b, const void *p, size_t n);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_u64(struct buf *b, uint64_t v); /* decimal, fast */
void buf_i64(struct buf *b, int64_t v);
/* Room for n more bytes to be written at b->p + b->n; NULL when over the cap.
 * The caller adds to b->n what it wrote. */
char *buf_room(struct buf *b, size_t n);

static inline str buf_str(const struct buf *b)
{
	return (str){ b->p ? b->p : "", b->n };
}

/* Little-endian integers and LEB128 varints, as our file formats store them. */
void buf_le16(struct buf *b, uint16_t v);
void buf_le32(struct buf *b, uint32_t v);
void buf_le64(struct buf *b, uint64_t v);
void buf_varint(struct buf *b, uint64_t v);

/* Reading them back: a reader whose error sticks. After `bad` every read gives
 * 0 or an empty str; check `bad` once at the end. */
struct wire {
	const unsigned char *p, *end;
	bool bad;
};

struct wire wire_of(str s);
size_t wire_left(const struct wire *w);
uint8_t wire_u8(struct wire *w);
uint16_t wire_le16(struct wire *w);
uint32_t wire_le32(struct wire *w);
uint64_t wire_le64(struct wire *w);
uint64_t wire_varint(struct wire *w);
str wire_bytes(struct wire *w, size_t n);
str wire_block(struct wire *w); /* varint length, then the bytes */

#endif
