/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include "base/hash.h"

struct uuid uuid_random(void)
{
	struct uuid u;
	random_bytes(u.b, sizeof u.b);
	u.b[6] = (uint8_t)((u.b[6] & 0x0f) | 0x40); /* version 4: random */
	u.b[8] = (uint8_t)((u.b[8] & 0x3f) | 0x80); /* variant of RFC 4122 */
	return u;
}

bool uuid_is_zero(const struct uuid *u)
{
	static const struct uuid zero;
	return uuid_equal(u, &zero);
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* How many bytes each of the five groups has. */
static const size_t groups[] = { 4, 2, 2, 2, 6 };

void uuid_format(struct buf *out, const struct uuid *u)
{
	const uint8_t *at = u->b;
	for (size_t i = 0; i < COUNT_OF(groups); at += groups[i++]) {
		if (i > 0)
			buf_char(out, '-');
		hex_format(out, at, groups[i]);
	}
}

bool uuid_parse(str text, struct uuid *out)
{
	struct uuid u;
	uint8_t *at = u.b;
	for (size_t i = 0; i < COUNT_OF(groups); at += groups[i++]) {
		if (i > 0 && (text.n == 0 || text.p[0] != '-'))
			return false;
		if (i > 0)
			text = str_from(text, 1);
		if (text.n < 2 * groups[i] || !hex_parse(str_head(text, 2 * groups[i]), at, groups[i]))
			return false;
		text = str_from(text, 2 * groups[i]);
	}
	if (text.n > 0)
		return false;
	*out = u;
	return true;
}
