/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "record/record_private.h"

enum rc name_find(struct conn *c, str name, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM record_name WHERE name = ?");
	sql_str(q, 1, name);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc name_make(struct conn *c, str name, int64_t *out, struct err *err)
{
	enum rc rc = name_find(c, name, out, err);
	if (rc != RC_OK || *out)
		return rc;
	struct sql *q = sql(c, "INSERT INTO record_name (name) VALUES (?)");
	sql_str(q, 1, name);
	rc = sql_run(q, err);
	*out = sql_last_id(c);
	return rc;
}

str field_name(const struct type *t, const struct type_field *f, char text[2 * TYPE_NAME_MAX + 2])
{
	int n = snprintf(text, 2 * TYPE_NAME_MAX + 2, "%s.%s", t->name, f->name);
	return str_head(str_of(text), (size_t)n);
}
