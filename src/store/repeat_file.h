/* SPDX-License-Identifier: Apache-2.0 */
/* repeat_file.h: a tag file: hashes of older events, sorted by (report class,
 * hour, tag), in pages of 4 KiB, with a fence key a page and one filter.
 *
 * Files are written once and never changed. docs/format-events.md has the
 * bytes. A file that is damaged says so once and then holds nothing. */
#ifndef RONDA_STORE_REPEAT_FILE_H
#define RONDA_STORE_REPEAT_FILE_H

#include "base/io.h"
#include "store/repeat_table.h"

enum { REPEAT_PARTS_BYTES = 256 };
/* Which (class, hour) a file has: a small filter, so that others stay unread. */
struct repeat_parts {
	uint8_t b[REPEAT_PARTS_BYTES];
};
bool repeat_parts_may_have(const struct repeat_parts *p, uint64_t part);

struct repeat_entry {
	struct repeat_key key;
	uint32_t report;
};

/* Sorts `entries` and writes them; synced, not yet named. */
MUST_CHECK enum rc repeat_file_write(struct io_dir *d, const char *name,
				     struct repeat_entry *entries, size_t n,
				     struct repeat_parts *parts_out, uint64_t *bytes_out,
				     struct err *err);
MUST_CHECK enum rc repeat_file_parts(struct io_dir *d, const char *name, struct repeat_parts *out,
				     struct err *err);

/* Fence keys, filter, one page: what is kept of a file while it is in use. */
struct repeat_file;
MUST_CHECK enum rc repeat_file_open(struct io_dir *d, const char *name, struct repeat_file **out,
				    struct err *err);
void repeat_file_close(struct repeat_file *f); /* NULL is fine */
size_t repeat_file_memory(const struct repeat_file *f);

/* May the file hold it? Asks the filter only. */
bool repeat_file_may_have(const struct repeat_file *f, const struct repeat_key *k);
/* As repeat_table_has; keys asked for in ascending order read each page once. */
MUST_CHECK enum rc repeat_file_has(struct repeat_file *f, const struct repeat_key *k,
				   bool (*counts)(void *ctx, uint32_t report), void *ctx,
				   bool *out, struct err *err);
/* Calls `each` for every entry: verify, summaries. */
MUST_CHECK enum rc repeat_file_each(struct repeat_file *f,
				    void (*each)(void *ctx, const struct repeat_entry *e),
				    void *ctx, struct err *err);

int repeat_key_cmp(const struct repeat_key *a, const struct repeat_key *b);

#endif
