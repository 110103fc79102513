/* SPDX-License-Identifier: Apache-2.0 */
/* zip (APPNOTE.TXT), read front to back by the local headers, for a stream
 * cannot look at the directory at its end first. What is wrong with one entry
 * costs that entry, as long as its header says where it ends. */
#include "intake/unpack_private.h"

#include <inttypes.h>

#include "base/buf.h"

enum {
	SIGN_ENTRY = 0x04034b50,
	SIGN_DIRECTORY = 0x02014b50,
	SIGN_END = 0x06054b50,
	SIGN_END64 = 0x06064b50,
	SIGN_EXTRA = 0x08064b50,
	SIGN_DESCRIPTOR = 0x08074b50,
	HEADER_BYTES = 30,
	FLAG_ENCRYPTED = 1 | 1 << 6 | 1 << 13,
	FLAG_DESCRIPTOR = 1 << 3,
	FLAG_PATCH = 1 << 5,
	METHOD_STORED = 0,
	METHOD_DEFLATE = 8,
	EXTRA_ZIP64 = 1
};

static bool zip_is(str head)
{
	return str_starts(head, STR("PK\x03\x04")) || str_starts(head, STR("PK\x05\x06"));
}

/* --- the header of an entry --- */

/* Names are shown and looked at for a report type: plain text, nothing else. */
static void keep_name(struct zip_entry *e, size_t n)
{
	bool utf8 = str_is_utf8(str_mem(e->name, n));
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)e->name[i];
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
			e->name[i] = '_';
	}
	e->name[n] = '\0';
}

/* Sizes that did not fit 32 bits stand in an extra field. */
static void zip64_sizes(struct zip_entry *e, str extra)
{
	struct wire w = wire_of(extra);
	while (!w.bad && wire_left(&w) >= 4) {
		unsigned id = wire_le16(&w);
		struct wire field = wire_of(wire_bytes(&w, wire_le16(&w)));
		if (id != EXTRA_ZIP64 || w.bad)
			continue;
		e->wide = true;
		uint64_t bytes = e->bytes, packed = e->packed;
		if (e->bytes == UINT32_MAX)
			bytes = wire_le64(&field);
		if (e->packed == UINT32_MAX)
			packed = wire_le64(&field);
		if (!field.bad) {
			e->bytes = bytes;
			e->packed = packed;
		}
	}
}

static enum rc read_header(struct unpack *u, struct err *err)
{
	struct zip_entry *e = &u->e;
	*e = (struct zip_entry){ 0 };
	unsigned char head[HEADER_BYTES];
	if (!unpack_take(u, head, sizeof(head)))
		return unpack_short(u, err);
	struct wire w = wire_of(str_mem(head, sizeof(head)));
	(void)wire_bytes(&w, 6); /* signature, version */
	e->flags = wire_le16(&w);
	e->method = wire_le16(&w);
	(void)wire_le32(&w); /* time */
	e->crc = wire_le32(&w);
	e->packed = wire_le32(&w);
	e->bytes = wire_le32(&w);
	size_t name_n = wire_le16(&w), extra_n = wire_le16(&w);
	size_t kept = name_n < sizeof(e->name) ? name_n : sizeof(e->name) - 1;
	if (!unpack_take(u, e->name, kept) || !unpack_take(u, NULL, name_n - kept) ||
	    !unpack_take(u, u->scratch, extra_n))
		return unpack_short(u, err);
	keep_name(e, kept);
	zip64_sizes(e, str_mem(u->scratch, extra_n));
	e->descriptor = e->flags & FLAG_DESCRIPTOR;
	e->left = e->descriptor ? 0 : e->packed;
	return RC_OK;
}

static enum rc check_header(struct unpack *u, struct err *err)
{
	const struct zip_entry *e = &u->e;
	if (e->flags & FLAG_ENCRYPTED)
		return fail(err, RC_INPUT, "entry '%s' is encrypted", e->name);
	if (e->flags & FLAG_PATCH || (e->method != METHOD_STORED && e->method != METHOD_DEFLATE))
		return fail(err, RC_INPUT, "entry '%s' is packed in a way not known here (%u)",
			    e->name, e->method);
	if (e->descriptor && e->method == METHOD_STORED)
		return fail(err, RC_INPUT, "entry '%s' does not say how long it is", e->name);
	if (!e->descriptor && e->bytes > unpack_limit(u) - u->total)
		return fail(err, RC_LIMIT, "entry '%s' of %" PRIu64 " bytes is over the limit",
			    e->name, e->bytes);
	return RC_OK;
}

/* What stands behind the last entry is read to its end and not believed. */
static enum rc no_more_entries(struct unpack *u, struct err *err)
{
	u->done = true;
	while (unpack_more(u))
		u->at = u->n;
	return u->gone ? unpack_short(u, err) : fail(err, RC_ABSENT, "no more entries");
}

static enum rc begins(struct unpack *u, struct err *err)
{
	if (!unpack_need(u, 4))
		return unpack_short(u, err);
	struct wire w = wire_of(str_mem(u->in + u->at, 4));
	uint32_t sign = wire_le32(&w);
	if (sign == SIGN_DIRECTORY || sign == SIGN_END || sign == SIGN_END64 || sign == SIGN_EXTRA)
		return no_more_entries(u, err);
	if (sign != SIGN_ENTRY)
		return fail(err, RC_INPUT, "no entry where the zip should have one");
	if (++u->entries > UNPACK_ENTRIES_MAX)
		return fail(err, RC_LIMIT, "more than %d entries in a zip", UNPACK_ENTRIES_MAX);
	return read_header(u, err);
}

static enum rc zip_entry(struct unpack *u, str *name_out, struct err *err)
{
	enum rc rc = RC_OK;
	if (!unpack_take(u, NULL, u->e.left)) /* of an entry that was refused */
		rc = unpack_short(u, err);
	u->e.left = 0;
	if (rc == RC_OK)
		rc = begins(u, err);
	if (rc != RC_OK) {
		u->done = true;
		return rc;
	}
	rc = check_header(u, err);
	if (rc != RC_OK) {
		u->done = u->e.descriptor; /* where would the next one begin? */
		return rc;
	}
	if (u->e.method == METHOD_DEFLATE)
		unpack_inflate_begin(u, -15);
	*name_out = str_of(u->e.name);
	return RC_OK;
}

/* --- its bytes --- */

/* Descriptors have a signature or none, and sizes of 4 or of 8 bytes: by what fits. */
static enum rc read_descriptor(struct unpack *u, struct err *err)
{
	struct zip_entry *e = &u->e;
	(void)unpack_need(u, 24);
	struct wire w = wire_of(str_mem(u->in + u->at, u->n - u->at));
	struct wire unsigned_ = w;
	size_t n = 12;
	if (wire_le32(&w) == SIGN_DESCRIPTOR)
		n += 4;
	else
		w = unsigned_;
	e->crc = wire_le32(&w);
	struct wire wide = w;
	e->packed = wire_le32(&w);
	e->bytes = wire_le32(&w);
	if (w.bad)
		return unpack_short(u, err);
	uint64_t packed = wire_le64(&wide), bytes = wire_le64(&wide);
	if (!wide.bad && (e->wide || (packed == e->seen_packed && bytes == e->seen))) {
		n += 8;
		e->packed = packed;
		e->bytes = bytes;
	}
	u->at += n;
	return RC_OK;
}

static enum rc check_end(struct unpack *u, struct err *err)
{
	struct zip_entry *e = &u->e;
	e->ended = true;
	if (e->descriptor) {
		enum rc rc = read_descriptor(u, err);
		if (rc != RC_OK) {
			u->done = true;
			return rc;
		}
	}
	if (e->bytes != e->seen || e->packed != e->seen_packed)
		return fail(err, RC_INPUT, "entry '%s' is not as long as it says", e->name);
	if (e->crc != e->seen_crc)
		return fail(err, RC_INPUT, "entry '%s' has a wrong checksum", e->name);
	return RC_OK;
}

static void account(struct zip_entry *e, const void *to, size_t got, size_t used)
{
	e->seen += got;
	e->seen_packed += used;
	e->seen_crc = (uint32_t)crc32(e->seen_crc, to, (uInt)got);
	e->left -= e->descriptor ? 0 : used;
}

/* One step of inflating: RC_ABSENT at the end of the stream. */
static enum rc inflate_some(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err)
{
	struct zip_entry *e = &u->e;
	bool fed = (e->descriptor || e->left) && unpack_more(u);
	size_t in = fed ? u->n - u->at : 0;
	if (!e->descriptor && in > e->left)
		in = (size_t)e->left;
	u->z.next_in = u->in + u->at;
	u->z.avail_in = (uInt)in;
	u->z.next_out = to;
	u->z.avail_out = (uInt)n;
	int z = u->z_open ? inflate(&u->z, Z_NO_FLUSH) : Z_MEM_ERROR;
	size_t used = in - u->z.avail_in;
	u->at += used;
	*n_out = n - u->z.avail_out;
	account(e, to, *n_out, used);
	if (z == Z_STREAM_END)
		return RC_ABSENT;
	if (z == Z_BUF_ERROR && !fed)
		return e->left || e->descriptor
			       ? unpack_short(u, err)
			       : fail(err, RC_INPUT, "entry '%s' is not as long as it says",
				      e->name);
	if (z != Z_OK && z != Z_BUF_ERROR)
		return fail(err, RC_INPUT, "entry '%s' is broken: %s", e->name,
			    u->z.msg ? u->z.msg : "no more is known");
	return RC_OK;
}

static enum rc stored_some(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err)
{
	struct zip_entry *e = &u->e;
	if (e->left == 0)
		return RC_ABSENT;
	if (!unpack_more(u))
		return unpack_short(u, err);
	size_t part = u->n - u->at;
	part = part < n ? part : n;
	part = part < e->left ? part : (size_t)e->left;
	memcpy(to, u->in + u->at, part);
	u->at += part;
	*n_out = part;
	account(e, to, part, part);
	return RC_OK;
}

static enum rc zip_read(struct unpack *u, void *to, size_t n, size_t *n_out, struct err *err)
{
	struct zip_entry *e = &u->e;
	enum rc rc = RC_OK;
	*n_out = 0;
	n = n < UINT32_MAX ? n : UINT32_MAX;
	if (n == 0 || e->ended)
		return RC_OK;
	while (rc == RC_OK && *n_out == 0)
		rc = e->method == METHOD_DEFLATE ? inflate_some(u, to, n, n_out, err)
						 : stored_some(u, to, n, n_out, err);
	if (rc == RC_ABSENT)
		return check_end(u, err);
	if (rc != RC_OK) {
		e->ended = true;
		u->done |= e->descriptor || (u->in_ended && u->at == u->n);
	}
	return rc;
}

const struct packing packing_zip = { "zip", zip_is, zip_entry, zip_read };
