/* SPDX-License-Identifier: Apache-2.0 */
/* pack_test.h: makes packed bytes, sound and otherwise, for tests. */
#ifndef RONDA_INTAKE_PACK_TEST_H
#define RONDA_INTAKE_PACK_TEST_H

#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"

/* window bits as zlib takes them: 31 for gzip, -15 for zip's raw deflate. */
static inline void pack_deflate(struct buf *out, str in, int bits)
{
	z_stream z = { 0 };
	if (deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	size_t most = deflateBound(&z, in.n) + 64;
	char *to = buf_room(out, most);
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (Bytef *)to;
	z.avail_out = (uInt)most;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	out->n += most - z.avail_out;
	(void)deflateEnd(&z);
}

static inline void pack_gzip(struct buf *out, str in)
{
	pack_deflate(out, in, 31);
}

static inline void pack_zstd(struct buf *out, str in)
{
	size_t most = ZSTD_compressBound(in.n);
	out->n += ZSTD_compress(buf_room(out, most), most, in.p, in.n, 1);
}

enum pack_how {
	PACK_DEFLATE = 0,
	PACK_STORED = 1,
	PACK_DESCRIPTOR = 2, /* sizes behind the entry */
	PACK_UNSIGNED = 4,   /* its signature left out */
	PACK_ZIP64 = 8,
	PACK_ENCRYPTED = 16, /* only says so */
	PACK_BAD_CRC = 32,
	PACK_BAD_SIZE = 64,
	PACK_UNKNOWN = 128 /* a method nobody has */
};

static inline void pack_descriptor(struct buf *out, unsigned how, uint32_t crc, uint64_t packed,
				   uint64_t bytes)
{
	if (!(how & PACK_UNSIGNED))
		buf_le32(out, 0x08074b50);
	buf_le32(out, crc);
	if (how & PACK_ZIP64) {
		buf_le64(out, packed);
		buf_le64(out, bytes);
	} else {
		buf_le32(out, (uint32_t)packed);
		buf_le32(out, (uint32_t)bytes);
	}
}

static inline void pack_zip_entry(struct buf *out, str name, str in, unsigned how)
{
	struct buf body = BUF_INIT(MIB(64));
	if (how & PACK_STORED)
		buf_add(&body, in);
	else
		pack_deflate(&body, in, -15);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)in.p, (uInt)in.n);
	crc ^= how & PACK_BAD_CRC ? 1 : 0;
	uint64_t bytes = in.n + (how & PACK_BAD_SIZE ? 1 : 0);
	bool later = how & PACK_DESCRIPTOR, wide = how & PACK_ZIP64;
	buf_le32(out, 0x04034b50);
	buf_le16(out, wide ? 45 : 20);
	buf_le16(out, (uint16_t)((how & PACK_ENCRYPTED ? 1 : 0) | (later ? 8 : 0)));
	buf_le16(out, how & PACK_UNKNOWN ? 99 : how & PACK_STORED ? 0 : 8);
	buf_le32(out, 0);
	buf_le32(out, later ? 0 : crc);
	buf_le32(out, wide ? UINT32_MAX : later ? 0 : (uint32_t)body.n);
	buf_le32(out, wide ? UINT32_MAX : later ? 0 : (uint32_t)bytes);
	buf_le16(out, (uint16_t)name.n);
	buf_le16(out, wide ? 20 : 0);
	buf_add(out, name);
	if (wide) {
		buf_le16(out, 1);
		buf_le16(out, 16);
		buf_le64(out, later ? 0 : bytes);
		buf_le64(out, later ? 0 : body.n);
	}
	buf_add(out, buf_str(&body));
	if (later)
		pack_descriptor(out, how, crc, body.n, bytes);
	buf_free(&body);
}

/* The directory is not read, so its end marker will do. */
static inline void pack_zip_end(struct buf *out)
{
	buf_le32(out, 0x06054b50);
	for (int i = 0; i < 9; i++)
		buf_le16(out, 0);
}

#endif
