/* SPDX-License-Identifier: Apache-2.0 */
/* stix_id.h: the ids of STIX 2.1 objects that follow from what they say.
 *
 * A cyber-observable (STIX 2.1 section 2.9): UUID version 5 (RFC 4122 section 4.3) over the canonical
 * JSON (jcs.h) of its contributing properties, so that two who saw the same address name it alike.
 * What we make of an event has such an id under a name space of the node: made again it is the same. */
#ifndef RONDA_STIX_STIX_ID_H
#define RONDA_STIX_STIX_ID_H

#include "base/json.h"
#include "base/uuid.h"

enum { STIX_ID_MAX = 96 }; /* bytes of an id we make, with the NUL */

/* Of an observable by its "type"; into `out` as text. RC_ABSENT: nothing of it contributes, or the type
 * is not known here: its id is random. */
MUST_CHECK enum rc stix_observable_id(struct json_object *o, char out[STIX_ID_MAX], struct err *err);
/* "TYPE--UUID" of version 5 over `name` under `space`. */
void stix_named_id(const struct uuid *space, const char *type, str name, char out[STIX_ID_MAX]);
struct uuid uuid_version5(const struct uuid *space, str name);

/* For many ids: looks the digest up once, which costs more than an id. One thread at a time. */
struct stix_namer;
struct stix_namer *stix_namer_new(void);
void stix_namer_free(struct stix_namer *n); /* NULL is fine */
struct uuid stix_namer_uuid(struct stix_namer *n, const struct uuid *space, str name); /* uuid_version5() */
/* stix_named_id() */
void stix_namer_id(struct stix_namer *n, const struct uuid *space, const char *type, str name, char out[STIX_ID_MAX]);
/* stix_observable_id(), from the canonical text of what contributes. */
void stix_canonical_id(struct stix_namer *n, const char *type, str canonical, char out[STIX_ID_MAX]);

#endif
