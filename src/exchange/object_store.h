/* SPDX-License-Identifier: Apache-2.0 */
/* object_store.h: STIX objects of others, kept as they were received.
 *
 * What a partner sends and is no item of a ronda (stix_read.h: STIX_FOREIGN) is kept byte for byte, each version of it, beside
 * what others sent under the same id: nobody's object replaces another's. People look at the newest version; it may be
 * passed on as it is (ENTRY_OBJECT). Without a marking the partner's default counts; a marking that is not understood is
 * RED. An object is told whole or not at all: nothing can be cut out of what is not understood. */
#ifndef RONDA_EXCHANGE_OBJECT_STORE_H
#define RONDA_EXCHANGE_OBJECT_STORE_H

#include "base/uuid.h"
#include "disclosure/told.h"
#include "exchange/object_index.h"
#include "stix/stix_read.h"
#include "store/sql.h"

struct kept_object {
	int64_t id;                /* of the row: what an ENTRY_OBJECT names */
	struct uuid partner;       /* record of who sent it */
	str stix_id, type, version, title;
	int64_t version_us;        /* TIME_NONE: it has none */
	int64_t at_us;             /* it came */
	enum tlp tlp;              /* TLP_COUNT: not understood */
	bool marked;               /* the marking is its own, not the partner's default */
	bool revoked, exercise;
	uint64_t events;           /* made of it */
	str words;                 /* what of it was not read */
	str json;                  /* as received; "" in lists */
};
struct object_from {
	struct uuid partner;
	enum tlp tlp;              /* of what carries no marking */
	bool exercise;
	int64_t now_us;
	struct object_index *index; /* NULL: none, slower when many are there */
};
/* Inside a job. `o`: STIX_FOREIGN. The same version again changes nothing (*id_out is its row, *new_out false); of an
 * observable, which has no version, the last one counts, under the stricter marking. RC_CONFLICT: something else was
 * said under this version before, or its maker withdrew it. */
MUST_CHECK enum rc object_keep(struct tx *tx, const struct object_from *from, const struct stix_object *o, int64_t *id_out,
			       bool *new_out, struct err *err);

/* Inside a job: it was never there. */
MUST_CHECK enum rc object_drop(struct tx *tx, int64_t id, struct err *err);

/* --- for people --- */

struct object_query {
	str type;                  /* "" any */
	struct uuid partner;       /* zero: any */
	int64_t before;            /* rows before this one; 0: from the newest */
	size_t limit;
};
typedef bool (*object_each)(void *ctx, const struct kept_object *o);
/* The newest versions, what came last first; those that the viewer may not see are not there. *more_out: there are
 * others behind the last. */
MUST_CHECK enum rc objects_list(struct reader *r, const struct viewer *v, const struct object_query *q, object_each each,
				void *ctx, bool *more_out, struct err *err);
/* By its STIX id (the newest version, of who sent it last) or its row's number. RC_ABSENT: none that the viewer may see. */
MUST_CHECK enum rc object_find(struct reader *r, const struct viewer *v, str what, struct arena *a, struct kept_object *out,
			       struct err *err);

/* Numbers of all versions, in order, behind `after`; what the viewer may read of each says object_find(). */
MUST_CHECK enum rc objects_after(struct conn *c, int64_t after, size_t limit, int64_t *ids, size_t *count_out,
				 struct err *err);

/* --- for partners --- */

/* What an ENTRY_OBJECT names, for him. RC_DENIED: he may not have it (never who sent it); RC_ABSENT. */
MUST_CHECK enum rc object_told(struct reader *r, const struct told_to *to, struct uuid partner, int64_t id, struct arena *a,
			       struct kept_object *out, struct err *err);

#endif
