/* SPDX-License-Identifier: Apache-2.0 */
/* stix_read.h: STIX 2.1 objects of others, made sense of.
 *
 * What comes from another ronda holds our item whole in the extension (stix_event.h, stix_record.h) and is taken from there
 * alone. What comes from anybody else is kept as it is; of it we read events: indicators whose pattern is a
 * comparison of one observable or several (stix_pattern.h), and observed-data with its observables. Objects may
 * refer to others in the same envelope in any order, so an envelope is looked at whole. Each object is judged alone:
 * a bad one leaves the others as they are. No recursion; every list has an end; nothing here writes, knows the time
 * or anybody. */
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
	STIX_HELPER,      /* there for other readers of one of ours: observable, identity, mark, indicator */
	STIX_FOREIGN,     /* anything else; `events`: what we read of it */
};
struct stix_object {
	enum stix_what what;
	str id, type;         /* of a bad one: "" where it has none that can be shown */
	str version;          /* text of `modified`, else `created`, else "" */
	int64_t version_us;   /* TIME_NONE: it has none */
	bool revoked;
	bool marked;          /* has markings; else the sender's default counts */
	enum tlp tlp;         /* strictest; TLP_COUNT: one was not understood: RED */
	str origin;           /* node id in our extension; "" */
	str item;             /* our item's id there: "event--…", "incident--…" */
	str text;             /* of ours: JSON text; of others: the object as received, byte for byte */
	str why;              /* of a withdrawn one: its origin's reason; "" */
	str words;            /* of a bad one: why; of others: what of it was not read */
	str *events; size_t event_count; /* of others: flat events as JSON text, extra.stix_id is this object */
};
enum { STIX_ENVELOPE_MOST = 100000 };
/* An envelope {"objects":[…]} or a bundle. Of another ronda also {"origin":NODE,"events":[…],"objects":[…]}: its events
 * flat, without STIX around them; they come behind the objects, as what their observed-data would be.
 * Strings in `a` or in `envelope`. RC_INPUT: unusable as a whole; RC_LIMIT: more objects than `most`. */
MUST_CHECK enum rc stix_read(str envelope, size_t most, struct arena *a, struct stix_object **out, size_t *count_out,
			     struct err *err);
/* The same from a server that is no ronda: what an object says of itself in our extension is not believed, it is kept as any
 * other, but for what says that it is of node `us`: that we have (STIX_HELPER). */
MUST_CHECK enum rc stix_read_foreign(str envelope, size_t most, str us, struct arena *a, struct stix_object **out,
				     size_t *count_out, struct err *err);

#endif
