/* SPDX-License-Identifier: Apache-2.0 */
/* account_name.c: when two names are the same name (Unicode 15, UAX #15 NFKC and
 * Default_Case_Folding), so that nobody tries or makes "LEAD" beside "lead". */
#include <unicase.h>
#include <uninorm.h>

#include "disclosure/account.h"

enum { NAME_BYTES = ACCOUNT_NAME_MAX * 4, FOLDED_BYTES = 1024 };

static size_t characters(str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

enum rc account_fold(str name, struct buf *out, struct err *err)
{
	uint8_t room[FOLDED_BYTES];
	size_t n = sizeof(room);
	name = str_trim_all(name);
	if (name.n == 0 || name.n > NAME_BYTES || !str_is_plain(name) || characters(name) > ACCOUNT_NAME_MAX)
		return fail(err, RC_INPUT, "a name has 1 to %d plain characters", ACCOUNT_NAME_MAX);
	uint8_t *folded = u8_casefold((const uint8_t *)name.p, name.n, NULL, UNINORM_NFKC, room, &n);
	if (!folded)
		return fail(err, RC_INPUT, "this name cannot be compared with others");
	str text = str_trim_all(str_mem(folded, n));
	enum rc rc = RC_OK;
	if (text.n == 0 || !str_is_plain(text))
		rc = fail(err, RC_INPUT, "a name has 1 to %d plain characters", ACCOUNT_NAME_MAX);
	else
		buf_add(out, text);
	if (folded != room)
		free(folded);
	return rc;
}
