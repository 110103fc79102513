/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribers one by one, for who is asked about one; and "subscriber:N", whose address goes. */
#include "notify/subscribers.h"

#include "notify/notify_private.h"
#include "record/erase.h"

enum rc subscribers_list(struct conn *c, int64_t after, size_t limit, struct arena *a, struct subscriber_row **out,
			 size_t *count_out, struct err *err)
{
	struct subscriber_row *list = ARENA_ARRAY(a, limit + 1, struct subscriber_row);
	struct sql *q = sql(c, "SELECT id, email, language, state, asked_us FROM subscriber WHERE id > ? AND email IS NOT NULL"
			       " ORDER BY id LIMIT ?");
	size_t n = 0;
	sql_int(q, 1, after);
	sql_int(q, 2, (int64_t)limit);
	while (n < limit && sql_row(q))
		list[n++] = (struct subscriber_row){
			.id = sql_col_int(q, 0), .email = arena_str(a, sql_col_str(q, 1)),
			.language = arena_str(a, sql_col_str(q, 2)),
			.state = (enum subscriber_state)sql_col_int(q, 3), .asked_us = sql_col_int(q, 4),
		};
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

static enum rc check(struct conn *c, str id, struct err *err)
{
	enum subscriber_state state;
	int64_t number = 0;
	return str_to_i64(id, &number) ? subscriber_find(c, number, &state, err) :
					 fail(err, RC_ABSENT, "there is no subscriber '" STR_FMT "'", STR_ARG(str_head(id, 40)));
}

static enum rc remove_address(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	str head = STR("subscriber:");
	int64_t number = 0;
	*more_out = false;
	if (!str_starts(e->object, head) || !str_to_i64(str_from(e->object, head.n), &number))
		return RC_OK;
	struct sql *q = sql(tx_conn(tx), "UPDATE subscriber SET state = 3, email = NULL, changed_us = ? WHERE id = ?"
					 " AND email IS NOT NULL");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, number);
	return sql_run(q, err);
}

const struct eraser eraser_subscriber = { .kind = "subscriber", .check = check, .remove = remove_address };
