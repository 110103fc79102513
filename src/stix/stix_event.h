/* SPDX-License-Identifier: Apache-2.0 */
/* stix_event.h: an event of ours as STIX 2.1 objects.
 *
 * Addresses, names, URLs, networks' numbers, digests and the traffic between them are observables with
 * the ids everybody makes (stix_id.h); one observed-data ties them to time and count. Where the class
 * says that the source itself is bad (a control server, a phishing page), an indicator and its
 * sighting say so too. The event whole stands in an extension of ours, as its JSON text, so that a
 * reader of ronda loses nothing: the observed-data is its carrier, the others are for other readers. Ids
 * and times follow from the event: the same event makes the same bytes. Objects that others refer to come
 * first, each once. What names nothing that STIX knows becomes an artifact: no event is left out. */
#ifndef RONDA_STIX_STIX_EVENT_H
#define RONDA_STIX_STIX_EVENT_H

#include "base/json.h"
#include "base/uuid.h"
#include "event/fields.h"

#define STIX_EXTENSION "extension-definition--6f1f3d52-4c0e-4b3a-9d1e-0f9a7c5b8e21"

struct stix_writer;

enum stix_part {
	STIX_FRAME,   /* identities, the definition of our extension, marks: once a writer, whatever is written */
	STIX_PART,    /* made of an item, for readers that do not know our extension */
	STIX_CARRIER, /* holds an item whole, or says that it is withdrawn */
};
struct stix_given {
	str json;
	str id;
	str version;       /* `modified`; "": it has none */
	enum tlp tlp;
	enum stix_part part;
	unsigned at;       /* its place among all objects of its item, from 0, also those given before and so
			    * not again; of the frame: 0. Always below STIX_PARTS_MOST */
};
enum { STIX_PARTS_MOST = 16 };
typedef bool (*stix_give)(void *ctx, const struct stix_given *o); /* false: stop */

/* `node_id`, `node_name`: of the origin. `give` gets each object, in turn. */
struct stix_writer *stix_writer_new(str node_id, str node_name, stix_give give, void *ctx);
void stix_writer_free(struct stix_writer *w);
/* What writing an event can make: nothing of this type; one whose id follows from what the event says; one that is named
 * after the event alone. */
enum stix_makes { STIX_MAKES_NOT, STIX_MAKES_OF_VALUE, STIX_MAKES_OF_ID };
enum stix_makes stix_event_makes(str type);
/* Of the objects of the writer's node that are named after this event ("0a1b…", without "event--"): all have it behind their type. */
struct uuid stix_event_uuid(struct stix_writer *w, str event_id);
/* `event`: flat, with IntelMQ's names and "id" (disclosure/read.h); "ronda.again": it was withdrawn, and is given again
 * at that time, which becomes `modified`. Its origin is the node, or who
 * extra.origin_node and extra.origin_event say: then none of its objects is a carrier. RC_CONFLICT: `give` said stop. RC_INPUT: it has no id or no time. */
MUST_CHECK enum rc stix_write_event(struct stix_writer *w, struct json_object *event, struct err *err);
/* The same of its text, which has no nested members and nothing of ours alone (event_view_flat()): that stands in the
 * extension as it is. */
MUST_CHECK enum rc stix_write_flat(struct stix_writer *w, str event, struct err *err);

#endif
