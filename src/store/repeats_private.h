/* SPDX-License-Identifier: Apache-2.0 */
/* repeats_private.h: what repeats.c and repeats_files.c share; not for callers. */
#ifndef RONDA_STORE_REPEATS_PRIVATE_H
#define RONDA_STORE_REPEATS_PRIVATE_H

#include <stdatomic.h>

#include "base/queue.h"
#include "store/repeat_file.h"
#include "store/repeats.h"

/* A named tag file. */
struct tag_file {
	int64_t id;
	uint64_t first_seq, last_seq;
	int64_t first_us, last_us;
	struct repeat_parts parts;
	bool summed;              /* `parts` is there */
	bool broken;              /* damaged: forgot what it held */
	struct repeat_file *open; /* NULL: not in memory now */
	uint64_t used;            /* for the oldest to go first */
};

/* Everything here but what is said otherwise belongs to whoever holds `turn`. */
struct repeats {
	struct store *store;
	int64_t window_us;
	size_t cache_bytes;
	struct io_dir *dir;
	struct queue *turn;  /* holds one token */
	struct queue *merge; /* the same: only one moves the log into files */
	struct repeat_table *table;
	uint64_t from_seq;   /* all that is stored from here on stands in table or under way */
	uint64_t merged_seq; /* all up to here stands in tag files */
	size_t merge_rows;   /* of the log: then it is worth a file */
	struct tag_file *file;
	size_t files, file_room;
	size_t cached;       /* bytes of open files */
	uint64_t clock;      /* counts uses */
	/* under way, by hash */
	struct pending **head;
	uint64_t serial;
};

void turn_take(struct queue *q);
void turn_give(struct queue *q);

/* --- repeats_files.c --- */

MUST_CHECK enum rc files_load(struct repeats *p, struct err *err);
void files_free(struct repeats *p);
/* Looks keys (ascending) up in the files; sets found[i] of the i-th. */
struct file_query {
	const struct repeat_key *key;
	bool *found;
};
MUST_CHECK enum rc files_ask(struct repeats *p, struct file_query *q, size_t n, int64_t now_us,
			     bool (*counts)(void *ctx, uint32_t report), void *ctx,
			     struct err *err);
/* Moves the log, or the front of it, into a tag file. Not with `turn` held. */
MUST_CHECK enum rc files_merge(struct repeats *p, bool *did_out, struct err *err);
/* Reads repeat_log in order: `each` gets a row's entries. */
struct log_row {
	uint64_t first_seq;
	uint32_t rows;
	int64_t report, at_us;
};
MUST_CHECK enum rc log_read(struct conn *c, size_t most_rows,
			    void (*each)(void *ctx, const struct log_row *row,
					 const struct repeat_key *keys),
			    void *ctx, struct err *err);
void log_body(struct buf *out, uint32_t class, const struct repeat_key *keys, uint32_t n);

/* For verify: reads every tag file that a row names. `say` gets a sentence for one
 * that is absent, damaged or not as long as its row says. */
MUST_CHECK enum rc repeat_files_check(struct store *s, struct conn *c,
				      void (*say)(void *ctx, const char *words), void *ctx,
				      struct err *err);

#endif
