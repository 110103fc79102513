/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/unpack_private.h"

#include <inttypes.h>

#include "base/arena.h"

enum { GZIP_BITS = 15 + 16, ZSTD_WINDOW_LOG = 23, /* a window of 8 MiB, as RFC 8878 asks for */
       ZSTD_BLOCK_HEAD = 3, ZSTD_HEAD = 5 }; /* by which a frame's header says how long it is */

/* --- packed bytes --- */

bool unpack_more(struct unpack *u)
{
	if (u->at < u->n)
		return true;
	u->at = u->n = 0;
	if (u->in_ended)
		return false;
	long got = u->source(u->ctx, u->in, sizeof(u->in));
	if (got <= 0 || (size_t)got > sizeof(u->in)) {
		u->in_ended = true;
		u->gone = got != 0;
		return false;
	}
	u->n = (size_t)got;
	u->taken += (size_t)got;
	return true;
}

bool unpack_need(struct unpack *u, size_t n)
{
	if (u->n - u->at >= n)
		return true;
	memmove(u->in, u->in + u->at, u->n - u->at);
	u->n -= u->at;
	u->at = 0;
	while (u->n < n && !u->in_ended) {
		long got = u->source(u->ctx, u->in + u->n, sizeof(u->in) - u->n);
		if (got <= 0 || (size_t)got > sizeof(u->in) - u->n) {
			u->in_ended = true;
			u->gone = got != 0;
			break;
		}
		u->n += (size_t)got;
		u->taken += (size_t)got;
	}
	return u->n >= n;
}

bool unpack_take(struct unpack *u, void *to, uint64_t n)
{
	unsigned char *p = to;
	while (n && unpack_more(u)) {
		size_t part = u->n - u->at < n ? u->n - u->at : (size_t)n;
		if (p) {
			memcpy(p, u->in + u->at, part);
			p += part;
		}
		u->at += part;
		n -= part;
	}
	return n == 0;
}

enum rc unpack_short(const struct unpack *u, struct err *err)
{
	if (u->gone)
		return fail(err, RC_IO, "the bytes of the report stopped coming");
	return fail(err, RC_INPUT, "the %s is cut off", u->packing->name);
}

uint64_t unpack_limit(const struct unpack *u)
{
	uint64_t packed = u->packed_bytes ? u->packed_bytes : u->taken, most;
	if (__builtin_mul_overflow(packed, (uint64_t)UNPACK_RATIO_MAX, &most))
		return UNPACK_BYTES_MAX;
	return most < UNPACK_BYTES_MAX ? most : UNPACK_BYTES_MAX;
}

/* --- no packing --- */

static enum rc plain_read(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err)
{
	size_t part = u->n - u->at < n ? u->n - u->at : n;
	if (part) {
		memcpy(to, u->in + u->at, part);
		u->at += part;
	} else if (!u->in_ended && n) {
		long got = u->source(u->ctx, to, n);
		u->in_ended = got <= 0 || (size_t)got > n;
		u->gone = u->in_ended && got != 0;
		part = u->in_ended ? 0 : (size_t)got;
		u->taken += part;
	}
	*n_out = part;
	return u->gone ? unpack_short(u, err) : RC_OK;
}

static enum rc single_entry(struct unpack *u, str *name_out, struct err *err)
{
	(void)err;
	*name_out = STR("");
	u->done = true; /* there is just this one */
	return RC_OK;
}

static bool plain_is(str head)
{
	(void)head;
	return true;
}

/* --- gzip --- */

static bool gzip_is(str head)
{
	return str_starts(head, STR("\x1f\x8b"));
}

void unpack_inflate_begin(struct unpack *u, int bits)
{
	if (u->z_open)
		(void)inflateEnd(&u->z);
	u->z = (z_stream){ 0 };
	u->z_open = inflateInit2(&u->z, bits) == Z_OK;
}

static enum rc gzip_entry(struct unpack *u, str *name_out, struct err *err)
{
	unpack_inflate_begin(u, GZIP_BITS);
	if (!u->z_open)
		return fail(err, RC_LIMIT, "no memory to unpack");
	return single_entry(u, name_out, err);
}

/* What follows a member: the end, zeros (a tape's padding), or the next member. */
static enum rc gzip_next_member(struct unpack *u, bool *more_out, struct err *err)
{
	*more_out = false;
	bool zeros = false;
	while (unpack_more(u) && u->in[u->at] == 0) {
		zeros = true;
		u->at++;
	}
	if (!unpack_more(u))
		return u->gone ? unpack_short(u, err) : RC_OK;
	if (zeros || !unpack_need(u, 2) || !gzip_is(str_mem(u->in + u->at, u->n - u->at)))
		return fail(err, RC_INPUT, "bytes behind the end of the gzip");
	*more_out = true;
	u->between = false;
	(void)inflateReset(&u->z);
	return RC_OK;
}

static enum rc gzip_read(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err)
{
	u->z.next_out = to;
	u->z.avail_out = n < UINT32_MAX ? (uInt)n : UINT32_MAX;
	uInt room = u->z.avail_out;
	enum rc rc = RC_OK;
	while (rc == RC_OK && u->z.avail_out == room) {
		bool more = true;
		if (u->between)
			rc = gzip_next_member(u, &more, err);
		if (rc != RC_OK || !more)
			break;
		bool fed = unpack_more(u);
		u->z.next_in = u->in + u->at;
		u->z.avail_in = (uInt)(u->n - u->at);
		int z = inflate(&u->z, Z_NO_FLUSH);
		u->at = u->n - u->z.avail_in;
		if (z == Z_STREAM_END)
			u->between = true;
		else if (z == Z_BUF_ERROR && !fed)
			rc = unpack_short(u, err);
		else if (z != Z_OK && z != Z_BUF_ERROR)
			rc = fail(err, RC_INPUT, "the gzip is broken: %s",
				  u->z.msg ? u->z.msg : "no more is known");
	}
	*n_out = room - u->z.avail_out;
	return rc;
}

/* --- zstd --- */

static bool zstd_is(str head)
{
	if (str_starts(head, STR("\x28\xb5\x2f\xfd")))
		return true;
	return head.n >= 4 && ((unsigned char)head.p[0] & 0xf0) == 0x50 &&
	       memcmp(head.p + 1, "\x2a\x4d\x18", 3) == 0; /* a frame to be passed over */
}

static enum rc zstd_entry(struct unpack *u, str *name_out, struct err *err)
{
	u->zstd = ZSTD_createDStream();
	if (!u->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG)))
		return fail(err, RC_LIMIT, "no memory to unpack");
	return single_entry(u, name_out, err);
}

/* One whole block at a call, as the library asks for it: of a call that fails all is lost, and how much that is must
 * not follow from the sizes the source was read in. */
static size_t zstd_piece(struct unpack *u)
{
	size_t wanted = u->zstd_wants ? u->zstd_wants : ZSTD_HEAD;
	/* It asks for the next block's head too: that comes alone. */
	wanted -= wanted > ZSTD_BLOCK_HEAD ? ZSTD_BLOCK_HEAD : 0;
	wanted = wanted < sizeof(u->in) ? wanted : sizeof(u->in); /* what is passed over may be longer */
	(void)unpack_need(u, wanted);
	size_t left = u->n - u->at;
	return left < wanted ? left : wanted;
}

static enum rc zstd_read(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err)
{
	ZSTD_outBuffer out = { .dst = to, .size = n };
	enum rc rc = RC_OK;
	while (rc == RC_OK && out.pos == 0) {
		bool fed = unpack_more(u);
		/* What it still holds comes first, and alone: a call that fails says nothing of what it had given. */
		size_t piece = u->zstd_holds ? 0 : zstd_piece(u);
		ZSTD_inBuffer in = { .src = u->in + u->at, .size = piece };
		if (!fed && !u->frame_open && !u->gone)
			break; /* the end, where it should be */
		size_t z = ZSTD_decompressStream(u->zstd, &out, &in);
		u->at += in.pos;
		if (ZSTD_isError(z))
			rc = fail(err, RC_INPUT, "the zstd is broken: %s", ZSTD_getErrorName(z));
		else if (!fed && out.pos == 0)
			rc = unpack_short(u, err);
		u->frame_open = z != 0;
		u->zstd_holds = u->frame_open && out.pos == out.size;
		u->zstd_wants = ZSTD_isError(z) ? 0 : z;
	}
	*n_out = out.pos;
	return rc;
}

/* --- all of them --- */

static const struct packing packing_plain = { "", plain_is, single_entry, plain_read };
static const struct packing packing_gzip = { "gzip", gzip_is, gzip_entry, gzip_read };
static const struct packing packing_zstd = { "zstd", zstd_is, zstd_entry, zstd_read };
static const struct packing *const packings[] = { &packing_gzip, &packing_zip, &packing_zstd };

static const struct packing *packing_of(str head)
{
	for (size_t i = 0; i < COUNT_OF(packings); i++)
		if (packings[i]->is(head))
			return packings[i];
	return &packing_plain;
}

bool unpack_is_packed(str head)
{
	return packing_of(head) != &packing_plain;
}

struct unpack *unpack_new(long (*read)(void *ctx, void *to, size_t n), void *ctx,
			  uint64_t packed_bytes)
{
	struct unpack *u = x_alloc(sizeof(*u));
	u->source = read;
	u->ctx = ctx;
	u->packed_bytes = packed_bytes;
	return u;
}

void unpack_free(struct unpack *u)
{
	if (!u)
		return;
	if (u->z_open)
		(void)inflateEnd(&u->z);
	(void)ZSTD_freeDStream(u->zstd);
	free(u);
}

const char *unpack_packing(const struct unpack *u)
{
	return u->packing ? u->packing->name : "";
}

enum rc unpack_entry(struct unpack *u, str *name_out, struct err *err)
{
	*name_out = STR("");
	u->late = (struct err){ 0 };
	if (!u->begun) {
		u->begun = true;
		(void)unpack_need(u, 4);
		u->packing = packing_of(str_mem(u->in, u->n));
	}
	if (u->gone)
		return unpack_short(u, err);
	if (u->done)
		return fail(err, RC_ABSENT, "no more entries");
	return u->packing->entry(u, name_out, err);
}

/* Of n bytes just unpacked: how many stay below the limit? */
static size_t within_limit(struct unpack *u, size_t n)
{
	uint64_t limit = unpack_limit(u);
	if (u->packing == &packing_plain || u->total + n <= limit) {
		u->total += n;
		return n;
	}
	size_t part = limit > u->total ? (size_t)(limit - u->total) : 0;
	u->total += part;
	u->done = true;
	fail(&u->late, RC_LIMIT,
	     "unpacks to more than %" PRIu64 " bytes (%d times its size, 256 MiB)", limit,
	     UNPACK_RATIO_MAX);
	return part;
}

enum rc unpack_read(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err)
{
	*n_out = 0;
	if (u->late.rc == RC_OK) {
		struct err now = { 0 };
		size_t got = 0;
		if (u->packing->read(u, to, n, &got, &now) != RC_OK)
			u->late = now;
		*n_out = within_limit(u, got);
	}
	if (*n_out || u->late.rc == RC_OK)
		return RC_OK;
	return fail(err, u->late.rc, "%s", u->late.text);
}
