/* SPDX-License-Identifier: Apache-2.0 */
/* bulk_private.h: rows out of a file (bulk_rows.c), and runs (bulk.c, bulk_undo.c). */
#ifndef RONDA_DISCLOSURE_BULK_PRIVATE_H
#define RONDA_DISCLOSURE_BULK_PRIVATE_H

#include "disclosure/bulk.h"

enum { BULK_COLUMNS_MAX = 300, BULK_MAP_MAX = 100 };
enum bulk_to { BULK_FIELD, BULK_ID, BULK_NUMBER, BULK_VERSION, BULK_STATE, BULK_TLP, BULK_NOTHING };
struct bulk_column {
	enum bulk_to to;
	const struct type_field *field;
};
struct bulk_source {
	const struct bulk_request *q;
	struct { str column, field; } map[BULK_MAP_MAX];
	size_t map_count;
	struct bulk_column columns[BULK_COLUMNS_MAX]; /* of CSV */
	size_t column_count;
	char delimiter;
	str left;
	uint64_t row;
};
struct bulk_row {
	uint64_t row, version;
	str id, state, tlp;
	str fields;                /* JSON object: texts (CSV) or values (JSON lines) */
	bool as_text;
};
/* RC_INPUT: the map or the header is wrong. */
MUST_CHECK enum rc source_open(struct bulk_source *s, const struct bulk_request *q, struct err *err);
/* RC_ABSENT: no more. RC_INPUT: this row is wrong; go on with the next. */
MUST_CHECK enum rc source_next(struct bulk_source *s, struct arena *a, struct bulk_row *out,
			       struct err *err);

enum bulk_state { BULK_STAGING, BULK_APPLYING, BULK_DONE, BULK_PARTLY, BULK_UNDONE };
const char *bulk_state_name(enum bulk_state s);
struct bulk_target {
	struct uuid id;            /* of a record, or 16 bytes of the digest of a key */
	uint64_t row;
};
struct bulk {
	struct records *r;
	struct store *s;
	const struct viewer *v;
	const struct bulk_request *q;
	const struct types *types;
	struct snapshot_ref *ref;
	bulk_tell tell;
	void *ctx;
	struct arena *a;           /* of one row or lot */
	const struct type_field *key; /* NULL: none */
	struct bulk_source source;
	struct bulk_counts counts;
	struct bulk_target *targets;
	size_t target_count, target_size;
	uint64_t told, next, bad_row;
	bool at_end, tried;
};
/* The machine failed, not the row. */
static inline bool bulk_is_machine(enum rc rc)
{
	return (1u << rc & (1u << RC_IO | 1u << RC_BUSY)) != 0;
}

struct bulk_done { /* to one record */
	struct uuid id;
	uint64_t before, after;    /* versions; before 0: it is new */
	bool fresh;                /* a row of this very job made it: gone again when it was a trial */
};
MUST_CHECK enum rc bulk_apply(struct tx *tx, struct bulk *b, const struct bulk_row *row, struct arena *a,
			      struct bulk_done *done, struct err *err);
void bulk_tell_row(struct bulk *b, uint64_t row, const char *words);
MUST_CHECK enum rc bulk_may(const struct viewer *v, const struct type *t, struct err *err);

/* What was kept of a request. */
struct bulk_stored {
	str why, language, tlp, key;
	enum bulk_state state;
	uint64_t rows, next;
};
MUST_CHECK enum rc bulk_load(struct conn *c, const struct type *t, int64_t run, struct arena *a,
			     struct bulk_stored *out, struct err *err);

#endif
