/* SPDX-License-Identifier: Apache-2.0 */
/* taxii_private.h: what the files of the TAXII server share. */
#ifndef RONDA_EXCHANGE_TAXII_PRIVATE_H
#define RONDA_EXCHANGE_TAXII_PRIVATE_H

#include "base/json.h"
#include "disclosure/told_partner.h"
#include "exchange/exchange_private.h"
#include "exchange/take.h"
#include "exchange/taxii.h"

#define TAXII_STIX_TYPE "application/stix+json;version=2.1"

/* One request under way. */
struct taxii {
	struct exchange *x;
	const struct taxii_request *q;
	struct arena *a;
	struct taxii_answer *out;
	struct json_out j;              /* into out->body */
	struct partner partner;         /* who asks, when he is one */
	bool is_partner;
	bool reads_public;
	uint64_t objects;               /* that came */
	str id, object;                 /* of the path: collection or status; object */
};

/* A collection as this client stands to it. */
struct taxii_collection {
	struct collection c;
	bool can_read, can_write;
};

/* --- taxii.c --- */
void taxii_begin(struct taxii *t, int status); /* opens the body: an object */
void taxii_end(struct taxii *t);
void taxii_header(struct taxii *t, const char *name, str value);
/* Answers with an error; whatever stood in the body is gone. */
void taxii_fail(struct taxii *t, int status, const char *title);
/* 429 or the like, with the time to wait. */
void taxii_fail_later(struct taxii *t, int status, const char *title, int64_t wait_us);
void taxii_fail_rc(struct taxii *t, enum rc rc, const struct err *err);
str taxii_seconds(struct arena *a, int64_t wait_us); /* as Retry-After says it: rounded up */
str taxii_time(struct arena *a, int64_t us); /* six digits of a second, Z */

/* --- taxii_ask.c: what a request says --- */

/* Does this list (RFC 9110 section 12.5.1) take what we answer? */
bool taxii_accepts(str accept);
/* Is this our type of body? */
bool taxii_is_type(str content_type);
bool taxii_is_flat(str content_type); /* TAXII_FLAT_TYPE */
bool taxii_accepts_flat(str accept);

enum taxii_version { TAXII_LAST, TAXII_FIRST, TAXII_ALL, TAXII_AT };
enum { TAXII_VALUES_MAX = 200 };
struct taxii_ask {
	int64_t after_us;
	size_t limit;
	bool has_next;
	str next;
	const str *ids; size_t id_count;
	const str *types; size_t type_count;
	bool last, first, all;          /* of match[version]; nothing said: last */
	const int64_t *versions; size_t version_count;
	const str *specs; size_t spec_count;
	struct hash128 rest;            /* of all that must stay the same with `next` */
};
/* RC_INPUT: a parameter that cannot be. */
MUST_CHECK enum rc taxii_ask(const struct taxii *t, struct taxii_ask *out, struct err *err);
/* A cursor that says all by itself: nobody else can make one. */
str taxii_next(const struct taxii *t, const struct collection *c, const struct taxii_ask *k, int64_t after_us);
MUST_CHECK enum rc taxii_next_read(const struct taxii *t, const struct collection *c, const struct taxii_ask *k,
				   int64_t *after_out, struct err *err);

/* --- taxii_list.c --- */

/* The collection that the address names, with a view of the store that is the caller's also on failure: `r` NULL or
 * store_read_end(). His own two are made when they are not there yet. RC_ABSENT: none, or none that he may know of. */
MUST_CHECK enum rc taxii_open(struct taxii *t, struct reader **r, struct taxii_collection *out, struct err *err);

/* --- what each address answers --- */
void taxii_discovery(struct taxii *t);
void taxii_api_root(struct taxii *t);
void taxii_collections(struct taxii *t);
void taxii_collection(struct taxii *t);
void taxii_manifest(struct taxii *t);
void taxii_objects(struct taxii *t);
void taxii_object(struct taxii *t);
void taxii_versions(struct taxii *t);
void taxii_post(struct taxii *t);
void taxii_delete(struct taxii *t);
void taxii_status(struct taxii *t);

/* Unpacks `from` as the header says: "", "identity", "gzip", "zstd". RC_DENIED: an encoding not known;
 * RC_INPUT: damaged; RC_LIMIT: larger than `most`. */
MUST_CHECK enum rc taxii_unpack(str encoding, str from, size_t most, struct buf *out, struct err *err);

#endif
