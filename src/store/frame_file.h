/* SPDX-License-Identifier: Apache-2.0 */
/* frame_file.h: a file of frames, written once and whole, beside the writer.
 *
 * What is too large for a job is written by the thread that made it into a new
 * file of its own; a job then only names the file. A file that no row names is
 * removed at the next start. When a later job takes the name away again, the
 * file stays until the last view ended in which it was named.
 *
 * Such files are of one kind of segment that the writer never appends to; their
 * day is the day they were made, their number is one of its own. One thread
 * uses a struct frame_file. */
#ifndef RONDA_STORE_FRAME_FILE_H
#define RONDA_STORE_FRAME_FILE_H

#include "store/store.h"

struct frame_file;

/* RC_LIMIT: the disk is full but for what the store keeps back. */
MUST_CHECK enum rc frame_file_new(struct store *s, enum segment which, struct frame_file **out,
				  struct err *err);
/* Adds a frame; its place may be named once the file is. */
MUST_CHECK enum rc frame_file_add(struct frame_file *f, str payload, struct place *out,
				  struct err *err);
/* On disk, with its name: before the job that names it. */
MUST_CHECK enum rc frame_file_sync(struct frame_file *f, struct err *err);
uint64_t frame_file_bytes(const struct frame_file *f);
/* In the job: from its commit on the file exists. */
MUST_CHECK enum rc frame_file_name(struct tx *tx, const struct frame_file *f, struct err *err);
/* After the job, or instead of it. Removes the file unless `keep`: it was named,
 * or its job failed in another way than by RC_CONFLICT of its own (a commit that
 * failed may turn out to be on disk). NULL is fine. */
void frame_file_end(struct frame_file *f, bool keep);

/* In a job: the file is no longer named; and after that job's commit: removed as
 * soon as nobody may look into it. */
MUST_CHECK enum rc frame_file_forget(struct tx *tx, enum segment which, int32_t day, uint32_t number,
				     struct err *err);
void frame_file_retire(struct store *s, enum segment which, int32_t day, uint32_t number);

#endif
