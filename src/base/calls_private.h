/* SPDX-License-Identifier: Apache-2.0 */
/* calls_private.h: what calls.c and calls_serve.c say to each other, in packets. Both programs are
 * of one build, so plain structs do. */
#ifndef RONDA_BASE_CALLS_PRIVATE_H
#define RONDA_BASE_CALLS_PRIVATE_H

#include "base/calls.h"

/* First packet, to the helper: how the area is divided. */
struct calls_area {
	uint64_t question_bytes, answer_bytes;
};
enum { CALLS_HELLO = 1, CALLS_QUESTION, CALLS_ANSWER };
struct calls_say {
	uint32_t kind, what;
	uint64_t bytes;
	int32_t rc;
	char words[240];
};
/* Blocks: each its length in 8 bytes, then itself. `list` has room for CALLS_BLOCKS_MAX. */
static inline bool calls_split(str all, str *list, size_t *count_out)
{
	*count_out = 0;
	while (all.n > 0) {
		uint64_t n;
		if (all.n < sizeof n || *count_out == CALLS_BLOCKS_MAX)
			return false;
		memcpy(&n, all.p, sizeof n);
		all = str_from(all, sizeof n);
		if (n > all.n)
			return false;
		list[(*count_out)++] = str_head(all, n);
		all = str_from(all, n);
	}
	return true;
}

#endif
