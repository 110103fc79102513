/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/pseudonym.h"

static int64_t period_of(int64_t at_us)
{
	return at_us >= 0 ? at_us / PSEUDONYM_PERIOD_US : (at_us + 1) / PSEUDONYM_PERIOD_US - 1;
}

/* One for each partner and period. */
static struct key key_for(const struct key *node_secret, const struct uuid *partner, int64_t at_us)
{
	struct key root = key_derive(node_secret, "pseudonyms"), key;
	struct buf text = BUF_INIT(64);

	buf_add_mem(&text, partner->b, sizeof(partner->b));
	buf_le64(&text, (uint64_t)period_of(at_us));
	struct digest d = keyed_digest(&root, "partner period", buf_str(&text));
	memcpy(key.b, d.b, sizeof(key.b));
	buf_free(&text);
	return key;
}

/* RFC 4648 section 6 in lower case, without padding: fits where a host name or a word does. */
static void base32(struct buf *out, const uint8_t *p, size_t n)
{
	unsigned bits = 0, value = 0;

	for (size_t i = 0; i < n; i++) {
		value = value << 8 | p[i];
		for (bits += 8; bits >= 5; bits -= 5)
			buf_char(out, "abcdefghijklmnopqrstuvwxyz234567"[value >> (bits - 5) & 31]);
	}
	/* never a multiple of 40 bits, so that some are left */
	buf_char(out, "abcdefghijklmnopqrstuvwxyz234567"[value << (5 - bits) & 31]);
}

void pseudonym(const struct key *node_secret, const struct uuid *partner, int64_t at_us, str kind,
	       str value, struct buf *out)
{
	struct key key = key_for(node_secret, partner, at_us);
	struct buf text = BUF_INIT(MIB(2));

	buf_le64(&text, kind.n); /* where the kind ends is part of it */
	buf_add(&text, kind);
	buf_add(&text, value);
	struct digest d = keyed_digest(&key, "pseudonym", buf_str(&text));
	buf_add(out, STR("p-"));
	base32(out, d.b, 16);
	buf_free(&text);
}
