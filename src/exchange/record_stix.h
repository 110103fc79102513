/* SPDX-License-Identifier: Apache-2.0 */
/* record_stix.h: a record, as somebody may see it, as what stix_write_record() takes.
 *
 * "stix" of the record's type says which object it becomes and what its members are (docs/types.md); the record whole, as
 * told, stands beside in our extension. What was cut from the view is in neither. */
#ifndef RONDA_EXCHANGE_RECORD_STIX_H
#define RONDA_EXCHANGE_RECORD_STIX_H

#include "disclosure/read_records.h"
#include "stix/stix_record.h"

/* `v`: what is told (told_item(), read_record()); `node_id`: ours, the origin. In `a`, but for out->more: end with
 * record_stix_end(). RC_INPUT: a record that has no such times or no body. */
MUST_CHECK enum rc record_stix(const struct record_view *v, const struct types *t, str node_id, struct arena *a,
			       struct stix_record *out, struct err *err);
void record_stix_end(struct stix_record *r); /* of zeros is fine */
/* The STIX id of a record from its own id alone: "warning--UUID" -> "report--UUID"; also of types not known here. */
str record_stix_id(const struct types *t, str record_id, struct arena *a);

#endif
