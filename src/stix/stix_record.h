/* SPDX-License-Identifier: Apache-2.0 */
/* stix_record.h: a record, an answer, a withdrawal of ours as STIX 2.1 objects.
 *
 * Which STIX object a type becomes is data of the type ("stix" in its file: {"object":"incident","name":"title",
 * "description":"summary", …}); a type without is a `note` about nothing but itself. The record whole stands in
 * our extension as JSON text: {"id","type","type_version","version","origin","organisation","created","changed","state",
 * "labels":{…},"body":{…}}. Ids are "OBJECT--" and the record's own uuid, so the same record is the same object
 * everywhere; `modified` is the version's time, made unique by its number. */
#ifndef RONDA_STIX_STIX_RECORD_H
#define RONDA_STIX_STIX_RECORD_H

#include "stix/stix_event.h"
#include "stix/stix_id.h"

struct stix_record {
	str object;            /* "incident", "report", "identity", "note", "opinion", "grouping", "indicator" */
	str id;                /* "incident--…", of the record */
	uint64_t version;
	int64_t created_us, changed_us;
	enum tlp tlp;
	str name, description; /* "" none */
	struct json_object *more; /* further members of the STIX object as the type says; NULL none */
	const str *refs; size_t ref_count; /* ids of records it refers to: object_refs, relationships */
	str text;              /* the record whole, JSON, as it may be told */
};
MUST_CHECK enum rc stix_write_record(struct stix_writer *w, const struct stix_record *r, struct err *err);

/* An answer to an item of another node's: an `opinion` about it. */
struct stix_answer {
	str about;             /* STIX id there: "observed-data--…", "incident--…" */
	str item;              /* the item's id at its origin: "event--…", "incident--…" */
	str origin;            /* node id of the origin */
	str what;              /* "received", "told", "acknowledged", "acted", "fixed", "gone", "returned", "not-ours", "false", "question", "opinion" */
	str words;
	str key;               /* what makes it once: its id follows from it */
	int64_t at_us;
	enum tlp tlp;
};
MUST_CHECK enum rc stix_write_answer(struct stix_writer *w, const struct stix_answer *t, struct err *err);

/* The same id again, revoked, with nothing of what it said. `stix_id`: as it was given before. */
MUST_CHECK enum rc stix_write_withdrawn(struct stix_writer *w, str stix_id, str item, int64_t at_us, struct err *err);
/* Id of the observed-data that stix_write_event() makes of an event of ours: from its outside id alone. */
void stix_event_object_id(str node_id, str event_id, char out[STIX_ID_MAX]);

#endif
