/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h: memory with the lifetime of a batch or a request.
 *
 * Everything allocated in an arena is freed at once by arena_reset() or
 * arena_free(); there is no free of one thing. A function that returns memory
 * takes the arena to put it in. Running out of memory ends the process: check
 * sizes that come from outside BEFORE allocating by them. One thread at a
 * time. */
#ifndef RONDA_BASE_ARENA_H
#define RONDA_BASE_ARENA_H

#include "base/str.h"

struct arena;

/* Blocks of at least `block_bytes` are taken from the system as needed. */
struct arena *arena_new(size_t block_bytes);
void arena_free(struct arena *a); /* NULL is fine */

/* Forgets everything; keeps the first block for the next use. */
void arena_reset(struct arena *a);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t bytes);
void *arena_array(struct arena *a, size_t count, size_t item_bytes);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, count, type) ((type *)arena_array((a), (count), sizeof(type)))

str arena_str(struct arena *a, str s);          /* a copy, with a NUL behind it */
char *arena_z(struct arena *a, str s);          /* the same as a C string */
str arena_fmt(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Bytes taken from the system. */
size_t arena_bytes(const struct arena *a);

/* malloc and kin that end the process when memory runs out. */
void *x_alloc(size_t bytes);                    /* zeroed; end with free() */
void *x_array(size_t count, size_t item_bytes); /* overflow checked */
/* What a library made and is NULL only when memory ran out: gives it back. */
void *x_made(void *p);
void *x_grow(void *p, size_t count, size_t item_bytes);
char *x_strdup(const char *z);

#endif
