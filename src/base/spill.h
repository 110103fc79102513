/* SPDX-License-Identifier: Apache-2.0 */
/* spill.h: more rows than fit the memory, sorted; more bytes than fit, one after the other.
 *
 * A spill takes rows (a key and a value), keeps `memory` bytes of them, and writes what is more as
 * sorted runs to a file of its own in `dir`, which has no name: a process that is cut leaves nothing.
 * Then it gives them in order of their keys (memcmp, the shorter first). A spool gives the bytes it
 * took again, at any place. `dir` NULL: all stays in memory. What fails on the disk sticks, and is
 * told by the call that returns an rc. One thread at a time. */
#ifndef RONDA_BASE_SPILL_H
#define RONDA_BASE_SPILL_H

#include "base/buf.h"

enum { SPILL_MEMORY = 4 << 20 };

struct spill;
struct spill *spill_new(const char *dir, size_t memory);
void spill_free(struct spill *s); /* NULL is fine */
void spill_add(struct spill *s, str key, str value);
/* No more rows come: from the first again. May be called again, to walk once more. */
MUST_CHECK enum rc spill_sort(struct spill *s, struct err *err);
/* The next; good until the one after. False: no more, or it went wrong: ask spill_ok(). */
bool spill_next(struct spill *s, str *key_out, str *value_out);
MUST_CHECK enum rc spill_ok(struct spill *s, struct err *err);

struct spool;
struct spool *spool_new(const char *dir, size_t memory);
void spool_free(struct spool *s); /* NULL is fine */
void spool_add(struct spool *s, str bytes);
uint64_t spool_bytes(const struct spool *s);
/* Exactly n bytes from `at` on. */
MUST_CHECK enum rc spool_read(struct spool *s, uint64_t at, void *to, size_t n, struct err *err);
/* All that another took, behind what is there. */
void spool_append(struct spool *to, struct spool *from);

#endif
