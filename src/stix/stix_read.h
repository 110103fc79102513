/* SPDX-License-Identifier: Apache-2.0 */
/* stix_read.h: STIX 2.1 objects of others, made sense of.
 *
 * What comes from another ronda holds our item whole in the extension (stix_event.h, stix_record.h) and is taken from there
 * alone. What comes from anybody else is kept as it is; of it we read events: indicators whose pattern is a
 * comparison of one observable or several (STIX 2.1 section 9: [ipv4-addr:value = '…'], OR and AND of such), and observed-data
 * with its observables. Objects may refer to others in the same envelope in any order, so an envelope is looked at
 * whole. No recursion deeper than JSON's own limit; every list has an end; nothing here writes. */
#ifndef RONDA_STIX_STIX_READ_H
#define RONDA_STIX_STIX_READ_H

#include "base/arena.h"
#include "base/json.h"
#include "event/fields.h"

enum stix_what {
	STIX_BAD,         /* not an object of STIX 2.1: `words` says why */
	STIX_OUR_EVENT,   /* `text`: the event, flat JSON */
	STIX_OUR_RECORD,  /* `text`: the record, as stix_record.h says */
	STIX_OUR_ANSWER,  /* `text`: the answer */
	STIX_WITHDRAWN,   /* revoked, and an item of a ronda; `item` says which */
	STIX_HELPER,      /* observable, identity, marking that one of ours refers to */
	STIX_FOREIGN,     /* anything else; `events`: what we read of it */
};
struct stix_object {
	enum stix_what what;
	str id, type;
	str version;          /* text of `modified`, else `created`, else "" */
	int64_t version_us;   /* TIME_NONE: it has none */
	bool revoked;
	bool marked;          /* has markings; else the sender's default counts */
	enum tlp tlp;         /* strictest; TLP_COUNT: one was not understood: RED */
	str origin;           /* node id in our extension; "" */
	str item;             /* our item's id there: "event--…", "incident--…" */
	str text;             /* of ours: JSON text; of others: the object as received, byte for byte */
	str words;
	str *events; size_t event_count; /* of others: flat events as JSON text */
};
enum { STIX_ENVELOPE_MOST = 100000 };
/* An envelope {"objects":[…]} or a bundle; all strings in `a`. RC_INPUT: unusable as a whole; RC_LIMIT: more objects
 * than `most`. */
MUST_CHECK enum rc stix_read(str envelope, size_t most, struct arena *a, struct stix_object **out, size_t *count_out,
			     struct err *err);

#endif
