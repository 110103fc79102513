/* SPDX-License-Identifier: Apache-2.0 */
/* How far we have come in a partner's outbox. */
#include "exchange/take.h"

enum rc take_upto(struct conn *c, struct uuid partner, enum lane lane, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT upto_us FROM taken_upto WHERE partner = ? AND lane = ?");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, lane);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc take_moved(struct tx *tx, struct uuid partner, enum lane lane, int64_t after, int64_t upto, struct err *err)
{
	int64_t at = 0;
	enum rc rc = take_upto(tx_conn(tx), partner, lane, &at, err);
	if (rc != RC_OK)
		return rc;
	if (at != after)
		return fail(err, RC_CONFLICT, "we stand at %lld, not at %lld", (long long)at, (long long)after);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO taken_upto (partner, lane, upto_us) VALUES (?1, ?2, ?3)"
					 " ON CONFLICT (partner, lane) DO UPDATE SET upto_us = ?3");
	sql_blob(q, 1, str_mem(partner.b, sizeof partner.b));
	sql_int(q, 2, lane);
	sql_int(q, 3, upto);
	return sql_run(q, err);
}
