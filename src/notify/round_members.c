/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of round_member. */
#include "notify/notify_private.h"

static str id_bytes(const struct uuid *id)
{
	return str_mem(id->b, sizeof id->b);
}

enum rc round_invites(struct reader *r, str item, struct uuid organisation, bool *out, struct err *err)
{
	struct uuid id;
	str type;
	*out = false;
	if (uuid_is_zero(&organisation) || !record_id_parse(item, &type, &id))
		return RC_OK;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM round_member WHERE round = ? AND organisation = ?");
	sql_blob(q, 1, id_bytes(&id));
	sql_blob(q, 2, id_bytes(&organisation));
	*out = sql_row(q);
	return sql_end(q, err);
}
