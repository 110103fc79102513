/* SPDX-License-Identifier: Apache-2.0 */
/* A node made from a backup: what the node it came from has sent since is known to nobody here. */
#include "notify/rehearsal.h"

#include "notify/notify_private.h"

static enum rc put_switch(struct tx *tx, int scope, str key, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO rehearsal (scope, key, live, since_us, by, why)"
					 " VALUES (?, ?, 0, ?, 'node:restore', 'made from a backup')");
	sql_int(q, 1, scope);
	sql_str(q, 2, key);
	sql_int(q, 3, tx_now_us(tx));
	return sql_run(q, err);
}

/* Paper and portal are not sent: a person prints, or reads. */
static enum rc hold_all(struct tx *tx, void *ctx, struct err *err)
{
	uint64_t *count = ctx;
	*count = 0;
	enum rc rc = sql_run(sql(tx_conn(tx), "DELETE FROM rehearsal"), err);
	if (rc == RC_OK)
		rc = put_switch(tx, REHEARSAL_NODE, STR(""), err);
	if (rc == RC_OK)
		rc = put_switch(tx, 0, STR("restored"), err);
	for (size_t i = 0; rc == RC_OK && driver_at(i); i++)
		if (driver_at(i)->send)
			rc = outbox_unsure(tx, driver_at(i)->name,
					   STR("it waited in a backup: whether it went since is not known"), count, err);
	return rc;
}

enum rc rehearsal_restored(struct store *s, uint64_t *messages_out, struct err *err)
{
	return store_write(s, hold_all, messages_out, err);
}

enum rc rehearsal_is_restored(struct conn *c, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM rehearsal WHERE scope = 0 AND key = 'restored'");
	*out = sql_row(q);
	return sql_end(q, err);
}
