/* SPDX-License-Identifier: Apache-2.0 */
/* dear.h: what takes seconds to reckon, for pages.
 *
 * At most one is being made at a time; who asks meanwhile gets the last of the same key, or waits a
 * little. What took long is kept for a while, the longer the dearer it was, and says when it was made;
 * what was quick is made anew each time. A few texts are kept, the oldest goes. Any thread. */
#ifndef RONDA_WEB_DEAR_H
#define RONDA_WEB_DEAR_H

#include "base/buf.h"
#include "base/rc.h"

enum { DEAR_KEPT = 8, DEAR_TEXT_MAX = 1 << 20, DEAR_TIMES = 20 };
#define DEAR_LONGEST_US (10 * MINUTE_US)
struct dear;
struct dear *dear_new(int64_t dear_us, int64_t wait_us); /* dear: from this cost on */
void dear_free(struct dear *d);

/* *count_out: rows, or whatever is to be known beside the text. */
typedef enum rc (*dear_make)(void *ctx, struct buf *out, uint64_t *count_out, struct err *err);
/* `key`: all that the text depends on, the viewer too. RC_BUSY: another is being made, and none of this key
 * is there; else what make says. */
MUST_CHECK enum rc dear_get(struct dear *d, str key, dear_make make, void *ctx, struct buf *out, uint64_t *count_out,
			    struct err *err);

#endif
