/* SPDX-License-Identifier: Apache-2.0 */
/* stix_record.h: a record, an answer, a withdrawal of ours as STIX 2.1 objects.
 *
 * Which STIX object a type becomes is data of the type ("stix" in its file, docs/types.md; read by
 * exchange/record_stix.h). The record whole stands in our extension as JSON text: {"id","type","type_version",
 * "version","origin","organisation","created","changed","state","labels":{…},"body":{…}}. Ids are "OBJECT--" and
 * the record's own uuid, so the same record is the same object everywhere; `modified` is the version's time in
 * milliseconds with its number as microseconds, so that two versions never have the same. */
#ifndef RONDA_STIX_STIX_RECORD_H
#define RONDA_STIX_STIX_RECORD_H

#include "stix/stix_event.h"
#include "stix/stix_id.h"

/* What a record may become: "incident", "report", "note", "identity", "campaign", "course-of-action", "grouping". */
bool stix_record_object(str object);

struct stix_record {
	str object;            /* as above */
	str id;                /* "report--…": `object` and the record's uuid */
	str item;              /* the record's id: "warning--…" */
	uint64_t version;
	int64_t created_us, changed_us;
	enum tlp tlp;          /* TLP_COUNT: not understood: RED */
	str name, description; /* "" none */
	struct json_object *more; /* further members of the STIX object as the type says; NULL none */
	/* STIX ids it refers to: object_refs where the object has such, else a relationship each "related-to" */
	const str *refs; size_t ref_count;
	str text;              /* the record whole, JSON, as it may be told */
};
enum { STIX_RECORD_MAX = (1 << 20) + (64 << 10) }; /* bytes of `text`: a body of 1 MiB and what stands around it */
/* The object is the carrier; relationships come behind it. RC_INPUT: `object` or `id` is none. RC_LIMIT: the text is
 * longer, or what is made of it is larger than 4 MiB; nothing was given. */
MUST_CHECK enum rc stix_write_record(struct stix_writer *w, const struct stix_record *r, struct err *err);

/* An answer to an item of another node's: an `opinion` about it. In our extension "answer" has {"about","item",
 * "origin","what","words","at"} as below; `origin` beside it is the node that answers, `item` what it answers to. */
struct stix_answer {
	str about;             /* STIX id there: "observed-data--…", "incident--…" */
	str item;              /* the item's id at its origin: "event--…", "incident--…" */
	str origin;            /* node id of the origin */
	/* "received", "told", "acknowledged", "acted", "fixed", "gone", "returned", "not-ours", "false", "question", "opinion" */
	str what;
	str words;
	str key;               /* what makes it once: its id follows from it */
	int64_t at_us;
	enum tlp tlp;
};
MUST_CHECK enum rc stix_write_answer(struct stix_writer *w, const struct stix_answer *t, struct err *err);

/* The same id again, revoked, with nothing of what it said; of an event also its indicator and sighting, if it had
 * any or not. Why it was withdrawn stands in our extension ("why") and, where the object has such, in its description;
 * `tlp` marks that alone: without it the object is CLEAR. RC_INPUT: an id of what we never make. */
struct stix_withdrawn {
	str id;                /* as it was given before */
	str item;
	int64_t at_us;
	str why;               /* "": it is not told */
	enum tlp tlp;
};
enum { STIX_WHY_MOST = 2000 }; /* bytes */
MUST_CHECK enum rc stix_write_withdrawn(struct stix_writer *w, const struct stix_withdrawn *o, struct err *err);
/* Id of the observed-data that stix_write_event() makes of an event of ours: from its outside id alone (without
 * "event--"). */
void stix_event_object_id(str node_id, str event_id, char out[STIX_ID_MAX]);

#endif
