/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) unsigned char mem[];
};

struct arena {
	struct block *head; /* the block in use; `first` is at the end of the list */
	struct block *first;
	size_t block_bytes, total;
};

static _Noreturn void out_of_memory(size_t bytes)
{
	fprintf(stderr, "ronda: out of memory (%zu bytes)\n", bytes);
	abort();
}

void *x_alloc(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);
	if (!p)
		out_of_memory(bytes);
	return p;
}

void *x_array(size_t count, size_t item_bytes)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, item_bytes, &bytes))
		out_of_memory(SIZE_MAX);
	return x_alloc(bytes);
}

void *x_made(void *p)
{
	if (!p)
		out_of_memory(0);
	return p;
}

void *x_grow(void *p, size_t count, size_t item_bytes)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, item_bytes, &bytes))
		out_of_memory(SIZE_MAX);
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		out_of_memory(bytes);
	return p;
}

char *x_strdup(const char *z)
{
	size_t n = strlen(z) + 1;
	return memcpy(x_alloc(n), z, n);
}

static struct block *block_new(struct arena *a, size_t bytes)
{
	size_t size = bytes > a->block_bytes ? bytes : a->block_bytes;
	struct block *b = malloc(sizeof(*b) + size);
	if (!b)
		out_of_memory(size);
	*b = (struct block){ .size = size };
	a->total += sizeof(*b) + size;
	return b;
}

struct arena *arena_new(size_t block_bytes)
{
	struct arena *a = x_alloc(sizeof(*a));
	a->block_bytes = block_bytes < 256 ? 256 : block_bytes;
	a->head = a->first = block_new(a, 0);
	return a;
}

void arena_reset(struct arena *a)
{
	while (a->head != a->first) {
		struct block *b = a->head;
		a->head = b->next;
		a->total -= sizeof(*b) + b->size;
		free(b);
	}
	a->first->used = 0;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	arena_reset(a);
	free(a->first);
	free(a);
}

static void *take(struct arena *a, size_t bytes)
{
	const size_t mask = alignof(max_align_t) - 1;
	if (bytes > SIZE_MAX / 2)
		out_of_memory(bytes);
	bytes = (bytes + mask) & ~mask;
	if (a->head->size - a->head->used < bytes) {
		struct block *b = block_new(a, bytes);
		b->next = a->head;
		a->head = b;
	}
	void *p = a->head->mem + a->head->used;
	a->head->used += bytes;
	return p;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	return memset(take(a, bytes ? bytes : 1), 0, bytes);
}

void *arena_array(struct arena *a, size_t count, size_t item_bytes)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, item_bytes, &bytes))
		out_of_memory(SIZE_MAX);
	return arena_alloc(a, bytes);
}

str arena_str(struct arena *a, str s)
{
	char *p = take(a, s.n + 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (str){ p, s.n };
}

char *arena_z(struct arena *a, str s)
{
	char *p = take(a, s.n + 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

str arena_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return STR_NONE;
	char *p = take(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (str){ p, (size_t)n };
}

size_t arena_bytes(const struct arena *a)
{
	return a->total;
}
