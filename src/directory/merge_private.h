/* SPDX-License-Identifier: Apache-2.0 */
/* merge_private.h: what merging two organisations and taking it back share. */
#ifndef RONDA_DIRECTORY_MERGE_PRIVATE_H
#define RONDA_DIRECTORY_MERGE_PRIVATE_H

#include <json-c/json.h>

#include "directory/merge.h"

enum { LINKS_MOST = 2000, ROWS_MOST = 10000, CONTACTS_MOST = 200 };

struct link {
	int64_t id;
	str kind, end, why;
	bool outward;
};
struct merging {
	struct records *r;
	struct store *s;
	const struct viewer *v;
	struct snapshot_ref *ref;
	const struct types *types;
	const struct type *type;
	struct reader *reader;
	struct arena *a;
	struct record_view keep, other;
	str keep_id, other_id, why;
	uint64_t keep_before, other_before;
	str state;                 /* of the other, before */
	struct link *links;
	size_t link_count;
	str keep_fields, other_fields;
	int64_t merge;             /* id of its row */
	struct merge_done *done;
};

struct two_lists {
	const struct link *keep;
	size_t keep_count;
};

/* --- both records (merge.c) --- */

MUST_CHECK enum rc merging_begin(struct merging *m, struct err *err);
void merging_end(struct merging *m); /* after merging_begin() in any case */
/* RC_DENIED: the viewer does not see all of it. */
MUST_CHECK enum rc merging_load(struct merging *m, str id, struct record_view *out, str *id_out, struct err *err);
MUST_CHECK enum rc merging_change(struct merging *m, struct tx *tx, str id, uint64_t based_on, str fields, str state,
				  str why, uint64_t *version_out, struct err *err);
/* The one kept: what nobody is shown of it comes from `secrets`, in that version. */
MUST_CHECK enum rc merging_change_keep(struct merging *m, struct tx *tx, uint64_t based_on, str secrets,
				       uint64_t version, uint64_t *version_out, struct err *err);
/* A refusal is noted at the one that goes. */
MUST_CHECK enum rc merging_run(struct merging *m, store_job_fn job, void *ctx, struct err *err);
str merging_uuid(const struct merging *m, str id); /* bytes of it, in the arena */

/* --- fields (merge_fields.c) --- */

void merging_unite(struct merging *m); /* fills keep_fields */
bool merging_has_item(struct json_object *list, struct json_object *item, bool rows);
str merging_plain(struct json_object *o);

/* --- links (merge_links.c) --- */

MUST_CHECK enum rc merging_read_links(struct merging *m, str id, struct err *err);
bool merging_of_a_field(const struct merging *m, const struct link *l);
MUST_CHECK enum rc merging_move_link(struct merging *m, struct tx *tx, const struct link *l,
				     const struct two_lists *t, struct err *err);
MUST_CHECK enum rc merging_move_reference(struct merging *m, struct tx *tx, const struct link *l, struct err *err);
/* A reference from one to the other, as far as the viewer may. */
MUST_CHECK enum rc merging_point(struct merging *m, struct tx *tx, str record, str field, str from, str to, bool *done,
				 struct err *err);

#endif
