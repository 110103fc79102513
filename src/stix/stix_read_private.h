/* SPDX-License-Identifier: Apache-2.0 */
/* stix_read_private.h: what the two halves of reading share: stix_read.c judges objects, stix_sense.c makes events of
 * those of others. */
#ifndef RONDA_STIX_STIX_READ_PRIVATE_H
#define RONDA_STIX_STIX_READ_PRIVATE_H

#include "base/uuid.h"
#include "stix/stix_read.h"

/* What an observable says that an event can say too. */
enum thing_kind { THING_NONE, THING_ADDRESS, THING_NAME, THING_URL, THING_ACCOUNT, THING_ASN, THING_FILE, THING_TRAFFIC };
struct thing {
	enum thing_kind kind;
	str value;                 /* ADDRESS to ASN */
	str md5, sha1, sha256;     /* FILE */
	str from, to;              /* TRAFFIC: ids of its ends */
	str from_port, to_port, transport, application;
};

struct envelope {
	struct arena *a;           /* what lives on */
	struct arena *scratch;     /* of one object */
	struct stix_object *o;
	struct thing *things;      /* beside `o` */
	str *slices;               /* beside `o`: as received */
	uint32_t *by_id;           /* places in `o`, in order of id */
	size_t count, objects;     /* in all; objects of STIX, which come first */
	struct uuid space;         /* of ids of events without STIX */
	size_t events;             /* made so far */
};
/* Place in `o`, or SIZE_MAX. */
size_t envelope_find(const struct envelope *e, str id);
str pair_text(const struct json_pair *p, size_t count, const char *key); /* of a string; STR_NONE else */
const struct json_pair *pair_find(const struct json_pair *p, size_t count, const char *key);

/* `p`: members of an observable. Strings in `a`. */
struct thing thing_of(str type, const struct json_pair *p, size_t count, struct arena *scratch, struct arena *a);
/* Events of an indicator or of observed-data at `at`; what was not read stands in its words. */
void envelope_sense(struct envelope *e, size_t at);

#endif
