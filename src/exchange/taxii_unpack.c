/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come packed: gzip (RFC 1952) and zstd (RFC 8878), up to a bound. */
#include "exchange/taxii_private.h"

#include <zlib.h>
#include <zstd.h>

enum { GZIP_WINDOW = 15 + 16, STEP = 64 << 10, RATIO_MOST = 100 };

static enum rc too_large(size_t most, struct err *err)
{
	return fail(err, RC_LIMIT, "the body is larger than %zu KiB when it is unpacked", most / 1024);
}

static enum rc gunzip(str from, struct buf *out, struct err *err)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)from.p, .avail_in = (uInt)from.n };
	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return fail(err, RC_IO, "the unpacker did not start");
	int got = Z_OK;
	bool full = false;
	while (got == Z_OK && !full) {
		char *room = buf_room(out, STEP);
		full = !room;
		if (full)
			break;
		z.next_out = (Bytef *)room;
		z.avail_out = STEP;
		got = inflate(&z, Z_NO_FLUSH);
		out->n += STEP - z.avail_out;
		if (got == Z_BUF_ERROR || (got == Z_OK && z.avail_in == 0 && z.avail_out == STEP))
			break;
	}
	bool whole = got == Z_STREAM_END && z.avail_in == 0;
	inflateEnd(&z);
	if (full)
		return too_large(out->cap, err);
	return whole ? RC_OK : fail(err, RC_INPUT, "the gzip body is damaged or cut off");
}

static enum rc unzstd(str from, struct buf *out, struct err *err)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer in = { from.p, from.n, 0 };
	size_t left = 1;
	bool full = false, bad = !d;
	while (!bad && !full && left != 0) {
		char *room = buf_room(out, STEP);
		full = !room;
		if (full)
			break;
		ZSTD_outBuffer to = { room, STEP, 0 };
		left = ZSTD_decompressStream(d, &to, &in);
		out->n += to.pos;
		bad = ZSTD_isError(left) || (left != 0 && to.pos == 0 && in.pos == in.size);
	}
	bad = bad || (!full && in.pos != in.size);
	ZSTD_freeDCtx(d);
	if (full)
		return too_large(out->cap, err);
	return bad ? fail(err, RC_INPUT, "the zstd body is damaged or cut off") : RC_OK;
}

enum rc taxii_unpack(str encoding, str from, size_t most, struct buf *out, struct err *err)
{
	size_t ratio = from.n < SIZE_MAX / RATIO_MOST ? from.n * RATIO_MOST + STEP : most;
	*out = (struct buf)BUF_INIT((ratio < most ? ratio : most) + STEP);
	encoding = str_trim_all(encoding);
	enum rc rc = RC_OK;
	if (str_eq_nocase(encoding, STR("gzip")) || str_eq_nocase(encoding, STR("x-gzip")))
		rc = gunzip(from, out, err);
	else if (str_eq_nocase(encoding, STR("zstd")))
		rc = unzstd(from, out, err);
	else
		rc = fail(err, RC_DENIED, "send the body as it is, or packed by gzip or zstd");
	if (rc == RC_OK && out->n > most)
		rc = too_large(most, err);
	return rc;
}
