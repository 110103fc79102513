/* SPDX-License-Identifier: Apache-2.0 */
/* account_name.c: when two names are the same name (Unicode 15, UAX #15 NFKC and
 * Default_Case_Folding), so that nobody tries or makes "LEAD" beside "lead". */
#include <unicase.h>
#include <uninorm.h>

#include "disclosure/account.h"

enum { NAME_BYTES = ACCOUNT_NAME_MAX * 4 };

static size_t characters(str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

enum rc account_fold(str name, struct buf *out, struct err *err)
{
	size_t n = 0;
	name = str_trim_all(name);
	if (name.n == 0 || name.n > NAME_BYTES || !str_is_plain(name) || characters(name) > ACCOUNT_NAME_MAX)
		return fail(err, RC_INPUT, "a name has 1 to %d plain characters", ACCOUNT_NAME_MAX);
	/* sound UTF-8 fails for want of memory alone, and folds to no control character */
	uint8_t *folded = x_made(u8_casefold((const uint8_t *)name.p, name.n, NULL, UNINORM_NFKC, NULL, &n));
	str text = str_trim_all(str_mem(folded, n));
	enum rc rc = RC_OK;
	/* some characters become eighteen: what would be cut off is not compared */
	if (text.n == 0 || text.n > ACCOUNT_FOLDED_MAX)
		rc = fail(err, RC_INPUT, "a name has 1 to %d plain characters", ACCOUNT_NAME_MAX);
	else
		buf_add(out, text);
	free(folded);
	return rc;
}
