/* SPDX-License-Identifier: Apache-2.0 */
/* "object:N": a STIX object that a partner sent, as `ronda object` numbers its versions: all that this partner sent of it,
 * for else an older version would stand for it again, or one that its maker withdrew. What was made of it (events) is
 * erased by its own name; partners that have it from us are not told: it was never ours. */
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
	struct sql *q = sql(tx_conn(tx), "DELETE FROM exchange_object WHERE (stix_id, partner) ="
					 " (SELECT stix_id, partner FROM exchange_object WHERE id = ?)");
	sql_int(q, 1, number);
	return sql_run(q, err);
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
