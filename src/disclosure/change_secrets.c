/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody is shown goes from record to record, and back to what it was, unseen. */
#include "disclosure/change_private.h"

#include <json-c/json.h>

#include "disclosure/read_records_private.h"

enum rc secrets_taken(struct conn *c, const struct types *t, const struct viewer *v,
		      const struct change_request *q, const struct record *to, struct arena *a,
		      struct json_object *fields, struct err *err)
{
	struct record from;
	struct labels l;
	struct decision d;
	struct json_object *then = NULL, *now = NULL;

	enum rc rc = record_gate(c, t, v, q->secrets_of, a, &from, &l, &d, err);
	bool back = uuid_equal(&from.id, &to->id);
	if (rc == RC_OK && from.type != to->type)
		rc = fail(err, RC_INPUT, "what nobody is shown goes to a record of the same type alone");
	if (rc == RC_OK && back)
		rc = record_load_version(c, t, from.id, q->secrets_version, a, &from, err);
	if (rc == RC_OK)
		rc = json_read(from.body, &then, err);
	if (rc == RC_OK)
		rc = json_read(to->body, &now, err);
	for (size_t i = 0; rc == RC_OK && i < to->type->field_count; i++) {
		const struct type_field *f = &to->type->fields[i];
		struct json_object *value = json_get(then, f->name);

		if (f->kind == KIND_SECRET && (back || (value && !json_get(now, f->name))))
			json_object_object_add(fields, f->name, json_object_get(value));
	}
	json_free(then);
	json_free(now);
	return rc;
}
