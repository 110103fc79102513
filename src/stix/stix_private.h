/* SPDX-License-Identifier: Apache-2.0 */
/* stix_private.h: what those who write objects share. */
#ifndef RONDA_STIX_STIX_PRIVATE_H
#define RONDA_STIX_STIX_PRIVATE_H

#include "base/hash.h"
#include "stix/stix_event.h"
#include "stix/stix_id.h"
#include "stix/stix_mark.h"

enum { STIX_OBJECT_MAX = 4 << 20, STIX_TIME_MAX = 32 };

struct stix_writer {
	stix_give give;
	void *ctx;
	char *name_text;
	char node_text[UUID_TEXT_BYTES + 1]; /* id of the node; "": what was given is none */
	struct uuid space;                   /* of this node */
	char identity[STIX_ID_MAX];
	struct hash128 *seen; /* open addressing; zero: free */
	size_t seen_room, seen_count;
	struct buf text, canonical; /* of the object that is being made, and of what makes its id */
	struct buf value;     /* of a member, on its way */
	struct arena *a;      /* of one event */
	struct stix_namer *namer;
	unsigned at;          /* place of the next object in the item it is made of */
	bool stopped, over;   /* nobody takes it any more; one became too large */
};

/* Name space of what a node makes. */
struct uuid stix_space(str node_id);
/* True the first time, of each `more`. */
bool stix_is_new(struct stix_writer *w, const char *id, unsigned more);
/* Out with it. `version`: "" has none. */
void stix_out(struct stix_writer *w, const struct buf *b, const char *id, const char *version, enum tlp tlp,
	      enum stix_part part);
/* The definition of this mark, once. */
void stix_put_mark(struct stix_writer *w, enum tlp tlp);
/* '{', and what all domain objects have. The caller closes. */
struct json_out stix_begin(const struct stix_writer *w, struct buf *b, const char *type, const char *id,
			   const char *created, const char *modified, enum tlp tlp);
/* The extension, with one member of it ("event", "record", "answer"; NULL: none) and whose item it is about. */
void stix_put_extension(struct json_out *j, const char *member, str text, str origin, str item);
/* The same, beside extensions that others are read by. */
void stix_put_extension_among(struct json_out *j, struct json_object *others, const char *member, str text, str origin,
			      str item);
/* RC_CONFLICT: `give` said stop; RC_LIMIT: an object became too large and was not given. */
MUST_CHECK enum rc stix_end(struct stix_writer *w, struct err *err);
/* STIX wants at least three digits of a second. */
void stix_time(int64_t us, char out[STIX_TIME_MAX]);

#endif
