/* SPDX-License-Identifier: Apache-2.0 */
/* from_private.h: rows of indicators, for what makes incidents. */
#ifndef RONDA_INCIDENT_FROM_PRIVATE_H
#define RONDA_INCIDENT_FROM_PRIVATE_H

#include "incident/from.h"

/* The first column of one of these kinds; NULL: none. */
const struct type_field *indicator_column(const struct type_field *f, enum kind kind, enum kind or);
/* A row with this value, as people write it, into an array that is open; false: it is none. */
bool indicator_put(const struct type_field *column, str text, struct json_out *j);

#endif
