/* SPDX-License-Identifier: Apache-2.0 */
/* "object:N": a STIX object that a partner sent, as `ronda object` numbers its versions: all that this partner sent of it,
 * for else an older version would stand for it again, or one that its maker withdrew. What was made of it (events) is
 * erased by its own name; partners that have it from us are not told: it was never ours. */
#include "exchange/object_index.h"
#include "exchange/object_store.h"

#include "record/erase.h"

static bool number_of(str id, int64_t *out)
{
	return str_to_i64(id, out) && *out > 0;
}

static enum rc check(struct conn *c, str id, struct err *err)
{
	int64_t number = 0;
	bool good = number_of(id, &number);
	struct sql *q = sql(c, "SELECT 1 FROM exchange_object WHERE id = ?");
	sql_int(q, 1, number);
	bool found = sql_row(q) && good;
	enum rc rc = sql_end(q, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no object '" STR_FMT "'", STR_ARG(str_head(id, 40)));
}

static enum rc remove_object(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	str head = STR("object:");
	int64_t number = 0;
	*more_out = false;
	if (!str_starts(e->object, head) || !number_of(str_from(e->object, head.n), &number))
		return RC_OK;
	enum { AT_ONCE = 100 };
	int64_t ids[AT_ONCE];
	size_t count = 0;
	/* the one that is named goes last, as it says whose versions go */
	struct sql *q = sql(tx_conn(tx), "SELECT n.id FROM exchange_object o CROSS JOIN " OBJECT_KEYS " WHERE o.id = ?1 AND "
					 OBJECT_KEY("o.tag") " AND n.stix_id = o.stix_id AND n.partner = o.partner"
					 " ORDER BY n.id = o.id LIMIT ?2");
	sql_int(q, 1, number);
	sql_int(q, 2, AT_ONCE);
	while (count < AT_ONCE && sql_row(q))
		ids[count++] = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = object_drop(tx, ids[i], err);
	*more_out = rc == RC_OK && count == AT_ONCE;
	return rc;
}

const struct eraser eraser_object = { .kind = "object", .check = check, .remove = remove_object };

enum rc objects_after(struct conn *c, int64_t after, size_t limit, int64_t *ids, size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM exchange_object WHERE id > ? ORDER BY id LIMIT ?");
	sql_int(q, 1, after);
	sql_int(q, 2, (int64_t)limit);
	*count_out = 0;
	while (*count_out < limit && sql_row(q))
		ids[(*count_out)++] = sql_col_int(q, 0);
	return sql_end(q, err);
}
