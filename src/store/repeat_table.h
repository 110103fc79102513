/* SPDX-License-Identifier: Apache-2.0 */
/* repeat_table.h: the newest events' hashes in memory.
 *
 * Two generations of open addressing, 15 bytes a slot: when the newer is full
 * it becomes the older, and the older is dropped. Entries carry the time they
 * came (1/64 of the window, modulo 256) and their report. One thread. */
#ifndef RONDA_STORE_REPEAT_TABLE_H
#define RONDA_STORE_REPEAT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is compared: 64 bits bound to class and hour, and 16 more. */
struct repeat_key {
	uint64_t part; /* class << 32 | hour as uint32_t */
	uint64_t tag;  /* never 0 */
	uint16_t check;
};

struct repeat_table;
struct repeat_table *repeat_table_new(size_t bytes, int64_t window_us);
void repeat_table_free(struct repeat_table *t);

void repeat_table_prefetch(const struct repeat_table *t, const struct repeat_key *k);
/* Calls `counts` for the report of each equal entry within the window, until it
 * says true; false when none does. */
bool repeat_table_has(const struct repeat_table *t, const struct repeat_key *k, int64_t now_us,
		      bool (*counts)(void *ctx, uint32_t report), void *ctx);

/* Entries that fit before the table must rotate. */
size_t repeat_table_room(const struct repeat_table *t);
size_t repeat_table_capacity(const struct repeat_table *t); /* of one generation */
/* The highest sequence number that rotating would drop. */
uint64_t repeat_table_drops(const struct repeat_table *t);
void repeat_table_rotate(struct repeat_table *t);
/* True when the older generation is past any use: rotate it away. */
bool repeat_table_stale(const struct repeat_table *t, int64_t now_us);

/* There must be room. `seq`: of the event; at_us: when it was committed. */
void repeat_table_add(struct repeat_table *t, const struct repeat_key *k, uint32_t report,
		      uint64_t seq, int64_t at_us);

#endif
