/* SPDX-License-Identifier: Apache-2.0 */
/* finding_layer.h: layers: files of findings sorted by id, and the view over
 * them and table `finding`.
 *
 * What is newest of a finding is its row in main.db; else the row of the newest
 * layer that has one. State 0 is a finding that is no more: it hides the older
 * ones. A layer is written whole by the thread that made it, named by a job, and
 * never changed; a merge of neighbours in age takes their place.
 *
 * A layer is pages of 32 blocks. Each page has a list of what its blocks hold
 * (zones) and a filter of about 10 bits a finding; the foot lists the pages. A
 * view keeps one page, one filter and one block of each layer in memory, however
 * many findings there are; asked in the order of the ids it reads each once. */
#ifndef RONDA_ROUTE_FINDING_LAYER_H
#define RONDA_ROUTE_FINDING_LAYER_H

#include "route/finding_block.h"
#include "store/frame_file.h"

enum { PAGE_BLOCKS = 32 };
#define FINDING_NO_MORE ((enum finding_state)0)

/* --- writing --- */

struct layer_writer;
MUST_CHECK enum rc layer_begin(struct store *s, struct layer_writer **out, struct err *err);
/* Ids ascend. */
MUST_CHECK enum rc layer_add(struct layer_writer *w, const struct finding_row *f, struct err *err);
uint64_t layer_rows(const struct layer_writer *w);
/* To disk; then layer_name() in a job. */
MUST_CHECK enum rc layer_finish(struct layer_writer *w, struct err *err);
/* `id` 0: newer than all. */
MUST_CHECK enum rc layer_name(struct tx *tx, const struct layer_writer *w, int64_t id, struct err *err);
/* `rc`: what became of the job (see frame_file_end). NULL is fine. */
void layer_end(struct layer_writer *w, enum rc rc);

/* --- reading one --- */

/* The frames beside the blocks, apart so that any bytes can be tried. */
struct page_ref {
	struct hash128 first;
	struct place zones, filter;
};
bool foot_read(str payload, struct arena *a, struct page_ref **out, size_t *count_out);
bool zones_read(str payload, struct zone out[PAGE_BLOCKS], size_t *count_out);
bool filter_may_have(str payload, uint64_t id_hi);

struct layer {
	int64_t id;
	struct place foot; /* its day and number are those of the file */
	uint64_t rows, bytes;
	/* what is read of it */
	struct page_ref *page;
	size_t pages;
	bool has_foot, has_block;
	size_t zones_of, filter_of; /* pages of which they are; SIZE_MAX: none */
	struct zone *zone;
	size_t zones;
	struct buf filter;
	struct arena *a; /* of the block */
	size_t block_page, block_zone;
	struct block block;
	struct frame_kept *kept; /* of which `block` is a copy; NULL: decoded for this view */
	/* where a walk stands, and the row there */
	size_t page_at, zone_at;
	uint32_t row_at;
	struct finding_row row;
	struct arena *row_a;
};

/* --- the view --- */

struct view {
	struct store *s;
	struct reader *r; /* NULL: in a job, or of the layers alone */
	struct conn *c;
	struct arena *a;
	struct layer *layer; /* newest first */
	size_t layers;
	struct buf frame;
	ZSTD_DCtx *unpack;
	struct key key;
	bool shares;      /* blocks with other readers: asked for single findings */
	unsigned turn;
	/* ids that have rows in main.db, or notes of feeds there, when they are few */
	struct hash128 *row_id, *note_id;
	size_t row_ids, note_ids;
	bool rows_known, notes_known;
	/* to see at the end that nobody changed findings meanwhile */
	int64_t folded, disturbed;
	/* the walk */
	struct sql *walk;
	struct finding_row walk_row;
	struct arena *walk_a;
	bool walk_has;
	struct hash128 walk_last;
};
/* Over what a reader sees, or a job. Texts of rows live until view_end() or as
 * said; `many`: more than a few will be asked. */
MUST_CHECK enum rc view_begin(struct view *v, struct reader *r, struct tx *tx, bool many,
			      struct err *err);
void view_end(struct view *v);

struct found {
	struct finding_row row;
	bool in_db;                     /* the row stands in main.db */
	struct sighting *note;          /* what stands beside it in main.db, as read */
	uint32_t notes;
};
/* What feeds saw is in the row, notes and all. RC_ABSENT without words; then the
 * notes are those of a finding there is not (yet). */
MUST_CHECK enum rc view_find(struct view *v, struct hash128 id, struct arena *a, struct found *out,
			     struct err *err);
bool view_has_layers(const struct view *v);

/* All findings from `from` to `upto` in the order of their ids; false at the end
 * or with an error, which view_walk_end() tells. Texts live until the next. */
MUST_CHECK enum rc view_walk(struct view *v, struct hash128 from, struct err *err);
bool view_next(struct view *v, struct arena *a, struct finding_row *out, enum rc *rc, struct err *err);
enum rc view_walk_end(struct view *v, struct err *err);
/* Of the layers alone, also what is no more; words until the next: for merges. */
MUST_CHECK enum rc view_walk_layers(struct view *v, struct err *err);
bool view_next_any(struct view *v, struct arena *a, struct finding_row *out, enum rc *rc, struct err *err);

/* Layers of which something cannot be read are let go: a rebuild makes their findings anew. */
MUST_CHECK enum rc layers_drop_damaged(struct store *s, struct err *err);

/* Used by lists and merges. */
MUST_CHECK enum rc layer_need_foot(struct view *v, struct layer *l, struct err *err);
MUST_CHECK enum rc layer_need_zones(struct view *v, struct layer *l, size_t page, struct err *err);
MUST_CHECK enum rc layer_need_block(struct view *v, struct layer *l, size_t page, size_t zone,
				    struct err *err);
/* The row of `id` in it: views into its block, which is loaded, or in `a`. */
MUST_CHECK enum rc layer_find(struct view *v, struct layer *l, struct hash128 id, struct arena *a,
			      bool *found_out, struct finding_row *out, struct err *err);
/* A row of the block that is loaded. */
MUST_CHECK enum rc layer_row(struct view *v, struct layer *l, uint32_t i, struct arena *a,
			     struct finding_row *out, struct err *err);
enum rc layer_damaged(const struct layer *l, struct err *err);

#endif
