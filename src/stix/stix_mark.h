/* SPDX-License-Identifier: Apache-2.0 */
/* stix_mark.h: TLP in STIX, by the published ids of its marking definitions.
 *
 * TLP 2.0 is written (the definitions OASIS published in 2022); 1.0 is read as well, where WHITE is
 * CLEAR. Whatever else stands in object_marking_refs is not understood, and so is RED. */
#ifndef RONDA_STIX_STIX_MARK_H
#define RONDA_STIX_STIX_MARK_H

#include "base/json.h"
#include "event/fields.h"

const char *stix_tlp_id(enum tlp t); /* of 2.0 */
/* Of 2.0 or 1.0; false (and *out alone): no mark that is understood. */
bool stix_tlp_by_id(str id, enum tlp *out);
/* The strictest of an object's marks. False: it has none, and *out is left alone. */
bool stix_tlp_of(struct json_object *object, enum tlp *out);
/* The definition, as it was published. */
void stix_tlp_json(enum tlp t, struct json_out *j);

#endif
