/* SPDX-License-Identifier: Apache-2.0 */
/* misp_event.h: events of ours as a MISP event, and a MISP event as events of ours.
 *
 * MISP's event is a dossier: a title, tags that hold for all of it, and thousands of attributes, many of them
 * tied together as objects. Ours is one thing observed. So the events of one day, class and marking
 * are one MISP event (a *group*), each what was seen an object of MISP's template
 * "intelmq_event"; what was seen twice is one object with first and last time. Ids are UUIDs of version 5 under
 * the node's: made again they are the same. Times of MISP (`timestamp`) are seconds, written as text.
 * Format: draft-dulaunoy-misp-core-format; tags: the taxonomies tlp and rsit. Pure functions. */
#ifndef RONDA_EXCHANGE_MISP_EVENT_H
#define RONDA_EXCHANGE_MISP_EVENT_H

#include "base/clock.h"
#include "base/json.h"
#include "base/uuid.h"
#include "event/fields.h"

/* --- writing --- */

struct misp_maker {          /* whose events they are: Orgc */
	struct uuid space;   /* name space of the node */
	struct uuid org;
	char name[256];
};
void misp_maker_of(str node_id, str node_name, struct misp_maker *out);

struct misp_group {
	int32_t day;         /* of receipt: time_day() */
	str type;            /* classification.type */
	enum tlp tlp;
	uint32_t part;       /* from 1: a group is cut when it grows too large */
	int64_t stamp;       /* seconds: when it was last released */
	str to;              /* for whom it was made apart ("": for all): part of its id */
	int distribution;    /* MISP's number for a server it is pushed to; -1: a feed says none */
};
struct uuid misp_group_uuid(const struct misp_maker *m, const struct misp_group *g);
/* Member "UUID":{…} of a feed's manifest. */
void misp_manifest_put(const struct misp_maker *m, const struct misp_group *g, struct json_out *j);

struct misp_writer;
struct misp_writer *misp_writer_new(const struct misp_maker *m, const struct misp_group *g);
void misp_writer_free(struct misp_writer *w);
enum { MISP_OBJECTS_MAX = 5000 };
/* `event`: flat, with IntelMQ's names and "id" (disclosure/read.h). RC_LIMIT: over
 * MISP_OBJECTS_MAX different ones; RC_INPUT: it has no id or no time. */
MUST_CHECK enum rc misp_add(struct misp_writer *w, struct json_object *event, int64_t received_us,
			    struct err *err);
/* An event that was told and is taken back: its object stays, as deleted. */
void misp_add_withdrawn(struct misp_writer *w, str event_id);
/* {"Event":{…}}. RC_LIMIT: does not fit in `out`. */
MUST_CHECK enum rc misp_finish(struct misp_writer *w, struct buf *out, struct err *err);
/* Lines "MD5,UUID" of hashes.csv, one a value to look up by. */
MUST_CHECK enum rc misp_finish_hashes(struct misp_writer *w, struct buf *out, struct err *err);
size_t misp_writer_objects(const struct misp_writer *w); /* live ones */

/* --- reading --- */

enum { MISP_ATTRIBUTES_MAX = 200000, MISP_EVENT_BYTES = 64 << 20 };
/* How what comes is marked: the strictest of what tags say and `least`; without a tag `missing`. */
struct misp_marking {
	enum tlp missing;    /* no tlp tag, neither on the attribute nor on the event */
	bool by_distribution;/* of a server: 0 AMBER+STRICT, 1 AMBER, 2 GREEN at least, 4 AMBER+STRICT */
};
struct misp_heard {
	struct uuid uuid;
	int64_t stamp;       /* seconds */
	str info, org;       /* in `a` */
	enum tlp tlp;        /* of the event as a whole */
	size_t events;       /* lines given */
	size_t left_out;     /* attributes of types we have no field for */
	size_t deleted;
	str *deleted_ids;    /* uuids of objects and attributes that are no more, in `a`; as extra.origin_event has them */
	size_t deleted_id_count;
};
/* One flat event with IntelMQ's names; misp.attribute_uuid and extra.origin_event are the uuid of object or attribute.
 * False: stop. */
typedef bool (*misp_line)(void *ctx, str line);
/* `o`: {"Event":{…}}, what is in it, or an answer's {"response":…} with one. Hostile: RC_INPUT names what
 * is wrong, RC_LIMIT: too many attributes. Nothing was given then. RC_CONFLICT: `give` said stop. */
MUST_CHECK enum rc misp_read_event(struct json_object *o, const struct misp_marking *mark, struct arena *a,
				   misp_line give, void *ctx, struct misp_heard *out, struct err *err);
/* The strictest "tlp:…" of a list of tags; false: none. Not understood: RED. */
bool misp_tags_tlp(struct json_object *tags, enum tlp *out);

#endif
