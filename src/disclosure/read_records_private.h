/* SPDX-License-Identifier: Apache-2.0 */
/* read_records_private.h: the gate records pass, shared by reading and changing. */
#ifndef RONDA_DISCLOSURE_READ_RECORDS_PRIVATE_H
#define RONDA_DISCLOSURE_READ_RECORDS_PRIVATE_H

#include "disclosure/read_records.h"

/* Both checks for one record as it stands. */
bool record_passes(const struct viewer *v, const struct record *r, struct labels *labels_out,
		   struct decision *decision_out);

/* What `v` may see of `r`, which must live as long as the view. `l` and `d` as record_passes
 * gave them. End with record_view_end. */
MUST_CHECK enum rc record_view_make(const struct viewer *v, const struct record *r,
				    const struct labels *l, const struct decision *d,
				    struct record_view *out, struct err *err);

/* Puts what is sealed into it, if the viewer's passphrase opens it: single records on the screen
 * alone; never lists, search, exports. */
void record_view_open(struct conn *c, struct record_view *view);

/* By (id, viewer): RC_ABSENT, with the same words, when it is not there or not for him. */
MUST_CHECK enum rc record_gate(struct conn *c, const struct types *t, const struct viewer *v, str id,
			       struct arena *a, struct record *out, struct labels *labels_out,
			       struct decision *decision_out, struct err *err);
enum rc no_such_record(struct err *err);

/* By share, legal basis or seal, whatever its kind. */
bool field_is_hidden(const struct type_field *f, const struct labels *l, unsigned cut,
		     const struct recipient *to);
/* Does the field exist for the viewer of this view? */
bool field_is_cut(const struct record_view *v, const struct type_field *f);

#endif
