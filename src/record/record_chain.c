/* SPDX-License-Identifier: Apache-2.0 */
/* What is hashed of a version; docs/format.md has it to the byte. */
#include <sodium.h>

#include "record/record_private.h"

static void add_text(struct buf *b, str s)
{
	buf_le32(b, (uint32_t)s.n);
	buf_add(b, s);
}

static struct digest blake2_end(struct buf *b)
{
	struct digest d;
	crypto_generichash(d.b, sizeof(d.b), (const unsigned char *)b->p, b->n, NULL, 0);
	buf_free(b);
	return d;
}

struct digest commitment_make(str salt, str labels, str why, str body)
{
	struct buf b = BUF_INIT(MIB(64));
	buf_add(&b, salt);
	add_text(&b, labels);
	add_text(&b, why);
	add_text(&b, body);
	return blake2_end(&b);
}

struct digest version_hash(const struct digest *before, const struct header *h,
			   const struct digest *commitment)
{
	struct buf b = BUF_INIT(MIB(64));
	buf_add(&b, digest_str(before));
	buf_add(&b, uuid_str(&h->id));
	buf_le64(&b, h->version);
	add_text(&b, h->type);
	buf_le32(&b, h->type_version);
	add_text(&b, h->origin);
	buf_add(&b, uuid_str(&h->organisation));
	add_text(&b, h->author);
	buf_le64(&b, (uint64_t)h->at_us);
	add_text(&b, h->state);
	buf_add(&b, digest_str(commitment));
	return blake2_end(&b);
}

bool take_uuid(str blob, struct uuid *out)
{
	*out = (struct uuid){ { 0 } };
	if (blob.n != sizeof(out->b))
		return false;
	memcpy(out->b, blob.p, sizeof(out->b));
	return true;
}

bool take_digest32(str blob, struct digest *out)
{
	*out = (struct digest){ { 0 } };
	if (blob.n != sizeof(out->b))
		return false;
	memcpy(out->b, blob.p, sizeof(out->b));
	return true;
}
