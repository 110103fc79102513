/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that hold the bytes of several small reports. Compressed together they
 * cost what they would have cost delivered together. */
#include <zstd.h>

#include "store/raw.h"

enum {
	HEAD = 5, /* packing and unpacked length, as every payload has */
	LEVEL = 6,
	DIRECTORY_MOST = KIB(64), /* of one frame: what stands before the bytes */
};

void raw_shared_begin(struct raw_shared *f)
{
	f->head = (struct buf)BUF_INIT(DIRECTORY_MOST);
	f->bytes = (struct buf)BUF_INIT(RAW_PART);
	f->first = f->last = 0;
	f->count = 0;
}

bool raw_shared_add(struct raw_shared *f, int64_t report, str bytes)
{
	if (f->bytes.n + bytes.n > RAW_PART || f->head.n + 24 > DIRECTORY_MOST)
		return false;
	buf_varint(&f->head, (uint64_t)(report - f->last));
	buf_varint(&f->head, bytes.n);
	buf_add(&f->bytes, bytes);
	f->first = f->count ? f->first : report;
	f->last = report;
	f->count++;
	return true;
}

void raw_shared_pack(const struct raw_shared *f, struct buf *out)
{
	struct buf all = BUF_INIT(RAW_PART + DIRECTORY_MOST + 8);
	buf_le32(&all, f->count);
	buf_add(&all, buf_str(&f->head));
	buf_add(&all, buf_str(&f->bytes));
	buf_char(out, RAW_SHARED);
	buf_le32(out, (uint32_t)all.n);
	size_t bound = ZSTD_compressBound(all.n);
	char *to = buf_room(out, bound);
	size_t n = to ? ZSTD_compress(to, bound, all.p, all.n, LEVEL) : 0;
	out->n += ZSTD_isError(n) ? 0 : n; /* with that much room it does not fail */
	buf_free(&all);
}

void raw_shared_free(struct raw_shared *f)
{
	buf_free(&f->head);
	buf_free(&f->bytes);
}

enum rc raw_walk_begin(struct raw_walk *w, str payload, struct err *err)
{
	struct wire in = wire_of(payload);
	uint8_t packing = wire_u8(&in);
	uint32_t n = wire_le32(&in);
	*w = (struct raw_walk){ .bytes = BUF_INIT(RAW_PART + DIRECTORY_MOST + 8) };
	if (in.bad || packing != RAW_SHARED || n > RAW_PART + DIRECTORY_MOST)
		return fail(err, RC_INPUT, "the frame does not hold several reports");
	str body = wire_bytes(&in, wire_left(&in));
	char *to = buf_room(&w->bytes, n + 1);
	if (!to || ZSTD_decompress(to, n, body.p, body.n) != n)
		return fail(err, RC_INPUT, "the raw bytes of the frame do not unpack");
	w->bytes.n = n;
	w->head = wire_of(buf_str(&w->bytes));
	w->left = wire_le32(&w->head);
	/* the directory is walked twice: first to find where the bytes begin */
	struct wire ahead = w->head;
	for (uint32_t i = 0; i < w->left && !ahead.bad; i++) {
		(void)wire_varint(&ahead);
		(void)wire_varint(&ahead);
	}
	w->at = n - wire_left(&ahead);
	return ahead.bad ? fail(err, RC_INPUT, "the list of reports in the frame is damaged")
			 : RC_OK;
}

bool raw_walk_next(struct raw_walk *w, int64_t *report_out, str *bytes_out)
{
	if (!w->left || w->head.bad)
		return false;
	uint64_t step = wire_varint(&w->head), n = wire_varint(&w->head);
	if (step > INT64_MAX || w->report > INT64_MAX - (int64_t)step || n > w->bytes.n - w->at) {
		w->head.bad = true;
		return false;
	}
	w->report += (int64_t)step;
	*report_out = w->report;
	*bytes_out = str_mem(w->bytes.p + w->at, (size_t)n);
	w->at += (size_t)n;
	w->left--;
	return true;
}

void raw_walk_end(struct raw_walk *w)
{
	buf_free(&w->bytes);
}

enum rc raw_shared_find(str payload, int64_t report, struct buf *out, struct err *err)
{
	struct raw_walk w;
	int64_t id;
	str bytes;
	enum rc rc = raw_walk_begin(&w, payload, err);
	bool found = false;
	while (rc == RC_OK && !found && raw_walk_next(&w, &id, &bytes))
		found = id == report;
	if (rc == RC_OK && w.head.bad)
		rc = fail(err, RC_INPUT, "the list of reports in the frame is damaged");
	else if (rc == RC_OK && !found)
		rc = fail(err, RC_ABSENT, "the bytes of report %lld are forgotten",
			  (long long)report);
	if (rc == RC_OK)
		buf_add(out, bytes);
	raw_walk_end(&w);
	return rc;
}
