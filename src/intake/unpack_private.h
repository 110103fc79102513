/* SPDX-License-Identifier: Apache-2.0 */
/* unpack_private.h: between unpack.c and unpack_zip.c, never for callers. */
#ifndef RONDA_INTAKE_UNPACK_PRIVATE_H
#define RONDA_INTAKE_UNPACK_PRIVATE_H

#include <zlib.h>
#include <zstd.h>

#include "intake/unpack.h"

/* One packing. `entry` and `read` as unpack_entry and unpack_read, but `read` may give bytes and
 * an error at once. */
struct packing {
	const char *name;
	bool (*is)(str head);
	enum rc (*entry)(struct unpack *u, str *name_out, struct err *err);
	enum rc (*read)(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err);
};
extern const struct packing packing_zip;

struct zip_entry {
	char name[256];
	unsigned flags, method;
	uint64_t packed, bytes; /* as the header says; not known with a descriptor */
	uint64_t left;          /* packed bytes not read yet, when known */
	uint64_t seen_packed, seen;
	uint32_t crc, seen_crc;
	bool descriptor, wide, ended;
};

struct unpack {
	long (*source)(void *ctx, void *to, size_t n);
	void *ctx;
	uint64_t packed_bytes; /* of the whole report, 0: not known */

	unsigned char in[KIB(128)]; /* a whole block of zstd (RFC 8878 section 3.1.1.2.4) */
	size_t at, n;        /* in[at..n] is not used yet */
	uint64_t taken;      /* bytes got from the source */
	bool in_ended, gone; /* no more; the source said stop */

	const struct packing *packing;
	bool begun, done; /* first bytes seen; no further entry */
	struct err late;  /* an error to be told by the next unpack_read */
	uint64_t total;   /* unpacked bytes given, all entries */
	unsigned entries;

	z_stream z;
	bool z_open, between; /* between two gzip members */
	ZSTD_DStream *zstd;
	bool frame_open; /* inside a zstd frame */
	bool zstd_holds; /* it may have more of a block: the room for it was full */
	size_t zstd_wants;   /* bytes of the next piece; 0: a frame begins */
	struct zip_entry e;
	unsigned char scratch[KIB(64)];
};

/* At least one byte to use? Reads on when there is none. */
bool unpack_more(struct unpack *u);
/* At least `n` (<= 128 KiB) bytes side by side at in + at? */
bool unpack_need(struct unpack *u, size_t n);
/* Exactly n bytes; `to` may be NULL to pass over them. */
bool unpack_take(struct unpack *u, void *to, uint64_t n);
/* What to say when bytes are missing: they were cut off, or the source is gone. */
enum rc unpack_short(const struct unpack *u, struct err *err);
/* A fresh decoder with zlib's window bits. */
void unpack_inflate_begin(struct unpack *u, int bits);
uint64_t unpack_limit(const struct unpack *u);

#endif
