/* SPDX-License-Identifier: Apache-2.0 */
/* object_index.h: which rows of exchange_object have a STIX id, however many there are.
 *
 * Ids of others come at random: in one index over all of them each new object would change a page of its own, and ten
 * million make every envelope as slow as the disk. So keys (object_tag() of the id, version, row) are put into a short
 * run of their own, which is closed after OBJECT_RUN of them; the background makes one longer run of sixteen, in the
 * order of the keys, again and again: a new object changes few pages, and each key is written anew once for each factor
 * of sixteen. Who looks for an id looks into each run (some twenty at ten million): OBJECT_KEYS in a statement; what is
 * found is compared by its whole id, as two may share a tag. A closed run has a filter (12 bits a key, a row of
 * exchange_object_filter): inside a job the writer asks those first, so that an id nobody ever sent costs one look. It keeps them
 * in memory while objects come and ten minutes after, at most 24 MiB; without them everything holds and is slower.
 *
 * What there is once, is so because object_store.c looks before it puts: only the store's one writer does. */
#ifndef RONDA_EXCHANGE_OBJECT_INDEX_H
#define RONDA_EXCHANGE_OBJECT_INDEX_H

#include "store/store.h"

enum { OBJECT_RUN = 8192 };

/* Of a STIX id: the first eight bytes of its SHA-256, little endian (as tag8() in SQL: store/migrations.c). */
int64_t object_tag(str stix_id);

/* For FROM: `n` is a row of exchange_object, `k` its key. In WHERE goes OBJECT_KEY("?1"), and what of `n` is to be. */
#define OBJECT_KEYS "exchange_object_run u CROSS JOIN exchange_object_key k CROSS JOIN exchange_object n"
#define OBJECT_KEY(tag) "u.state < 2 AND k.run = u.run AND k.tag = " tag " AND n.id = k.object"

struct object_index;
/* Registers background work. */
struct object_index *object_index_new(struct store *s);
void object_index_free(struct object_index *x); /* when nothing is written or tended any more; NULL is fine */

/* Inside a job: the row `id` has that key from now on; has it no more. */
MUST_CHECK enum rc object_index_put(struct tx *tx, int64_t id, int64_t tag, int64_t version_us, struct err *err);
MUST_CHECK enum rc object_index_drop(struct tx *tx, int64_t id, int64_t tag, int64_t version_us, struct err *err);

/* Inside a job: the runs that may have a tag (x NULL: all), one after the other.
 *
 *   struct object_runs at = object_runs(tx_conn(tx), x, tag);
 *   for (int64_t run; object_runs_next(&at, &run);) ...
 *   return object_runs_end(&at, err); */
struct object_runs {
	struct sql *q;
	struct conn *c;
	struct object_index *x;
	int64_t tag;
};
struct object_runs object_runs(struct conn *c, struct object_index *x, int64_t tag);
bool object_runs_next(struct object_runs *at, int64_t *run_out);
MUST_CHECK enum rc object_runs_end(struct object_runs *at, struct err *err);

/* A store_tend_fn: filters of closed runs, runs made of runs. */
MUST_CHECK enum rc object_index_tend(struct store *s, void *index, bool *did_out, struct err *err);
/* Bytes of the filters in memory. */
size_t object_index_memory(const struct object_index *x);

#endif
