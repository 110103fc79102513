/* SPDX-License-Identifier: Apache-2.0 */
/* read_records.h: records for output: the part of read.h that people's writings need.
 *
 * Every call takes a viewer, asks authz.h and check.h for each record, and cuts each
 * field the viewer may not see (share, personal, sealed). What he may not see does not
 * exist: RC_ABSENT, not in lists, counts, links, suggestions, or errors. */
#ifndef RONDA_DISCLOSURE_READ_RECORDS_H
#define RONDA_DISCLOSURE_READ_RECORDS_H

#include "disclosure/authz.h"

/* A record as one viewer may see it. */
struct record_view {
	const struct record *record;  /* private: ask through the calls below */
	const struct viewer *viewer;
	struct json_object *body;     /* only what may be seen */
	uint64_t cut[TYPE_FIELDS_MAX / 64]; /* fields he may not see, whether they have a value or not */
	uint64_t hidden[TYPE_FIELDS_MAX / 64]; /* ... and do have one: for our own people alone */
};
/* Ends what read_record, read_record_version and change_record gave; views handed to a callback
 * end by themselves. A view of zeros is fine. */
void record_view_end(struct record_view *v);
typedef bool (*record_view_each)(void *ctx, const struct record_view *v);

MUST_CHECK enum rc read_record(struct reader *r, const struct types *t, const struct viewer *v, str id,
			       struct arena *a, struct record_view *out, struct err *err); /* id or "TYPE NUMBER" as "incident-42" */
MUST_CHECK enum rc read_record_version(struct reader *r, const struct types *t,
				       const struct viewer *v, str id, uint64_t version,
				       struct arena *a, struct record_view *out, struct err *err);
/* In the order asked for, at most `limit`. What `q` asks of rights (tlp_mask, exercise,
 * text_share, ...) is set from the viewer. RC_DENIED: no role of his reads that type, or a
 * filter by a field that he may not see. A sort by one is by `changed` instead. */
MUST_CHECK enum rc read_records(struct reader *r, const struct types *t, const struct viewer *v,
				struct record_query *q, uint64_t limit, struct arena *a,
				record_view_each each, void *ctx, struct err *err);
/* Of what read_records would give: counted one by one through the check; `most` bounds the
 * work, *more_out says that there are more. */
MUST_CHECK enum rc read_record_count(struct reader *r, const struct types *t, const struct viewer *v,
				     struct record_query *q, uint64_t most, uint64_t *count_out,
				     bool *more_out, struct err *err);
MUST_CHECK enum rc read_record_history(struct reader *r, const struct types *t,
				       const struct viewer *v, str id, uint64_t before, uint64_t limit,
				       struct arena *a, record_view_each each, void *ctx,
				       struct err *err);
/* Where the list goes on behind the record of `v`. */
void record_view_cursor(const struct record_query *q, const struct record_view *v, struct buf *out);
struct link_view {
	int64_t id, at_us;
	str kind, author, why;     /* author and why: "" but for our own people */
	bool outward;              /* from the record asked about */
	str other;                 /* id of the other end, which the viewer may see */
	str other_title, other_type, other_state;
};
typedef bool (*link_view_each)(void *ctx, const struct link_view *l);
MUST_CHECK enum rc read_record_links(struct reader *r, const struct types *t, const struct viewer *v,
				     str id, struct arena *a, link_view_each each, void *ctx,
				     struct err *err);
/* The same from the other side: what of records is linked to `end`, a "finding--…", "event--…" or
 * "report--…" that the viewer may see (RC_ABSENT else). `other` is the record. */
MUST_CHECK enum rc read_links_to(struct reader *r, const struct types *t, const struct viewer *v,
				 str end, struct arena *a, link_view_each each, void *ctx,
				 struct err *err);
/* Bytes of a FILE field of what is shown: of the record, or of an older version of it. */
MUST_CHECK enum rc read_record_file(struct reader *r, const struct record_view *v, str field,
				    const char *digest_hex, struct buf *out, str *name_out,
				    struct arena *a, struct err *err);

/* {"id":…,"type":…,"number":…,"version":…,"state":…,"organisation":…,"author":…,"created":…,
 * "changed":…,"labels":{…},"due":…,"title":…,"why":…,"body":{…},"cut":["field"]}; author, why, cut and the whole of
 * labels (who is named, the audience) for our own people alone. */
void record_view_json(const struct record_view *v, struct json_out *j);
/* One field as text ("" when none or cut). */
void record_view_text(const struct record_view *v, const struct type_field *f, struct buf *out);
/* What stands in an input for a field: references as people type them ("42", "incident-42", several by
 * comma or line) become ids, one a line; other kinds are left as they are. RC_INPUT names the one
 * that is not there for this viewer. */
MUST_CHECK enum rc read_references(struct reader *r, const struct types *t, const struct viewer *v,
				   const struct type_field *f, str text, str language,
				   struct arena *a, str *out, struct err *err);
/* What pages and forms ask besides. */
const struct type *record_view_type(const struct record_view *v); /* NULL: not loaded here */
str record_view_id(const struct record_view *v, struct arena *a);   /* "incident--…" */
uint64_t record_view_version(const struct record_view *v);
uint64_t record_view_number(const struct record_view *v);          /* 0: a copy of another node's */
int64_t record_view_changed(const struct record_view *v);          /* us */
str record_view_why(const struct record_view *v);  /* reason of this version: "" but for our own people */
str record_view_author(const struct record_view *v);               /* the same */
/* How it is marked: for who makes something of it. Others than our own people are shown less of it
 * (record_view_json). */
const struct labels_of *record_view_labels(const struct record_view *v);
int record_view_state(const struct record_view *v);               /* -1: not known here */
bool record_view_cuts(const struct record_view *v, const struct type_field *f);
/* Was it opened in an emergency (break_glass.h) by him who asked? Then it is shown, and nothing that
 * stands around it. */
bool record_view_in_emergency(const struct record_view *v, const struct viewer *asked);
/* May the viewer do this to it? For buttons: change.h asks again. */
bool record_view_may(const struct record_view *v, enum action action, int to_state);

#endif
