/* SPDX-License-Identifier: Apache-2.0 */
/* duty_private.h: what the files of this folder share. */
#ifndef RONDA_DUTY_DUTY_PRIVATE_H
#define RONDA_DUTY_DUTY_PRIVATE_H

#include "duty/duty.h"

struct duty {
	struct duty_node n;
};

/* Adds the messages to those whom `who` means now: a notice each, and pages beside it of the maker
 * "page:" and that of `m`, of which driver, recipient and template are set here. Nobody: to the role
 * behind, and m->details are to say so: `nobody_details`. */
MUST_CHECK enum rc duty_tell(struct tx *tx, enum watch who, struct message m, const char *template,
			     str nobody_details, struct arena *a, struct err *err);

/* A record in a hook, as these read it. */
static inline str duty_id_bytes(const struct uuid *id)
{
	return str_mem(id->b, sizeof id->b);
}
/* The state a type's meaning names; -1: none. */
int duty_state(const struct type *t, const char *meaning);
/* Name of the field; NULL: none. */
const char *duty_field(const struct type *t, const char *meaning);
/* What that field has as text; STR_NONE. */
str duty_text(const struct type *t, struct json_object *body, const char *meaning);
/* The uuid a reference in that field names. */
bool duty_reference(const struct type *t, struct json_object *body, const char *meaning,
		    struct uuid *out);
/* The list that field has; NULL. */
struct json_object *duty_list(const struct type *t, struct json_object *body, const char *meaning);
/* What happens when a record changes, each for its own subject. */
MUST_CHECK enum rc handover_changed(struct tx *tx, struct duty *d, const struct record *before,
				    const struct record *now, struct json_object *body, struct err *err);
MUST_CHECK enum rc ladder_changed(struct tx *tx, struct duty *d, const struct record *before,
				  const struct record *now, struct json_object *body, struct err *err);
/* Background work. */
MUST_CHECK enum rc ladder_tend(struct store *s, void *ctx, bool *did_out, struct err *err);
MUST_CHECK enum rc pass_on_tend(struct store *s, void *ctx, bool *did_out, struct err *err);

#endif
