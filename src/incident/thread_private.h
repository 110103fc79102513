/* SPDX-License-Identifier: Apache-2.0 */
/* thread_private.h: what thread.c and thread_read.c share. */
#ifndef RONDA_INCIDENT_THREAD_PRIVATE_H
#define RONDA_INCIDENT_THREAD_PRIVATE_H

#include "incident/thread.h"

const struct type_field *thread_field(const struct type *t, const char *meaning); /* NULL */
/* Text of that field as the viewer may see it; "". In `a`. */
str thread_value(const struct record_view *v, const char *meaning, struct arena *a);

#endif
