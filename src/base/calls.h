/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h: questions to a helper that answers one at a time and keeps nothing.
 *
 * For helpers that take bytes and give bytes (the mail child, the crypto child). A question is a
 * number and some blocks; so is an answer. Both stand in an area shared with the helper; the answer
 * is copied out before it is looked at, so that what was checked is what is used. A helper that
 * dies, speaks nonsense or takes too long is replaced, and the question ends with an error: no
 * question is asked twice by itself. */
#ifndef RONDA_BASE_CALLS_H
#define RONDA_BASE_CALLS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/starter.h"

/* --- the node's side --- */

struct calls;
struct calls_options {
	const char *helper;        /* of helpers.def */
	unsigned most;             /* helpers at the same time */
	size_t question_bytes, answer_bytes; /* longest there are; address space until they are used */
	int64_t limit_ms;          /* longest a question may take */
	unsigned serves;           /* questions before a helper is replaced; 0: no end. 1 for what
	                            * comes from outside: one mail learns nothing of the next */
	const char *always;        /* a block in front of those of each question; NULL: none. Copied */
};
enum { CALLS_BLOCKS_MAX = 256 };
/* Starts nothing yet. `starter` outlives it. */
struct calls *calls_new(struct starter *starter, struct log *log, const struct calls_options *o);
void calls_free(struct calls *c); /* no question under way; NULL is fine */

/* Threads may share it; waits for a free helper. `blocks_out` (in the arena) holds the answer's
 * blocks. RC_BUSY: no helper could be started. RC_LIMIT: question or answer too long. RC_INPUT with
 * `died_out` (may be NULL) true: the helper died of this question, or took too long. Else what the
 * helper itself says, in its words. */
MUST_CHECK enum rc calls_ask(struct calls *c, uint32_t what, const str *blocks, size_t count,
			     struct arena *a, str **blocks_out, size_t *count_out, bool *died_out,
			     struct err *err);

/* --- the helper's side --- */

struct helper_call {
	uint32_t what;
	str *blocks;       /* in the area: the node does not touch it while it waits */
	size_t count;
	struct buf answer; /* blocks, by calls_put(); empty for each question. It stands in the area: never
			    * moves, is not freed */
};
void calls_put(struct buf *answer, str block);
/* Says hello, takes questions until the node ends it. `lock_in` is called before the first one is
 * read: RC_OK, or the helper says so and ends. */
int calls_serve(enum rc (*lock_in)(size_t area_bytes, struct err *err),
		enum rc (*answer)(struct helper_call *k, struct err *err));

#endif
