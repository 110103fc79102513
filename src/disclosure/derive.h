/* SPDX-License-Identifier: Apache-2.0 */
/* derive.h: the labels of what is made from others.
 *
 * A task of a plan and an incident, an incident of findings, a package of records: whoever may not
 * have one of the sources may not have it. So it has the strictest marking of each kind, is held
 * and an exercise when one of them is, is for those who are in the audience of all that have one,
 * and names whom all those name that reach people by name. What no label can say (two
 * classifications, two licences, an audience without anybody) is refused, never guessed. */
#ifndef RONDA_DISCLOSURE_DERIVE_H
#define RONDA_DISCLOSURE_DERIVE_H

#include "disclosure/read.h"
#include "record/record.h"

/* JSON of labels as change.h takes them, in `a`. `m` NULL: the built-in marks. `count` 0: "{}", those of a new record. RC_INPUT:
 * they have none in common. */
MUST_CHECK enum rc derive_labels(const struct labels_of *const *sources, size_t count,
				 const struct marks *m, struct arena *a, str *labels_out,
				 struct err *err);
/* A finding as such a source: its marking, and the terms of every feed it came from. `id` as
 * "finding--HEX". RC_ABSENT: not there for this viewer. */
MUST_CHECK enum rc derive_from_finding(struct reader *r, const struct viewer *v, str id, struct arena *a,
				       struct labels_of *out, struct err *err);

#endif
