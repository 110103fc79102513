/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/line.h"

#include "exchange/take.h"

#include "record/record.h"

const char *lane_name(enum lane l)
{
	static const char *const names[LANE_COUNT] = { "warning", "incident", "bulk" };
	return (unsigned)l < LANE_COUNT ? names[l] : "bulk";
}

bool lane_of_name(str name, enum lane *out)
{
	for (int lane = 0; lane < LANE_COUNT; lane++)
		if (str_eq(name, str_of(lane_name((enum lane)lane)))) {
			*out = (enum lane)lane;
			return true;
		}
	return false;
}

static void bind_partner(struct sql *q, int at, const struct uuid *partner)
{
	sql_blob(q, at, str_mem(partner->b, sizeof partner->b));
}

/* The row of a partner, that all others change. */
static enum rc have_row(struct conn *c, struct uuid partner, struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO partner_line (partner) VALUES (?) ON CONFLICT (partner) DO NOTHING");
	bind_partner(q, 1, &partner);
	return sql_run(q, err);
}

/* --- cursors --- */

enum rc line_cursor(struct conn *c, struct uuid partner, enum lane lane, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT out_us FROM partner_cursor WHERE partner = ? AND lane = ?");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, lane);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc line_set_cursor(struct tx *tx, struct uuid partner, enum lane lane, int64_t out_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO partner_cursor (partner, lane, out_us) VALUES (?1, ?2, ?3)"
					 " ON CONFLICT (partner, lane) DO UPDATE SET out_us = ?3");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, lane);
	sql_int(q, 3, out_us);
	return sql_run(q, err);
}

enum rc line_set_looked(struct tx *tx, struct uuid partner, enum lane lane, int64_t looked_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO partner_cursor (partner, lane, out_us, looked_us) VALUES (?1, ?2, 0, ?3)"
					 " ON CONFLICT (partner, lane) DO UPDATE SET looked_us = ?3");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, lane);
	sql_int(q, 3, looked_us);
	return sql_run(q, err);
}

static enum rc stands_at(struct conn *c, struct uuid partner, enum lane lane, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(out_us, looked_us) FROM partner_cursor WHERE partner = ? AND lane = ?");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, lane);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* --- what was answered --- */

static enum rc put_receipt(struct tx *tx, const struct sent_batch *b, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO partner_receipt (partner, lane, at_us, after_us, upto_us, objects,"
					 " failures, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	bind_partner(q, 1, &b->partner);
	sql_int(q, 2, b->lane);
	sql_int(q, 3, tx_now_us(tx));
	sql_int(q, 4, b->after_us);
	sql_int(q, 5, b->upto_us);
	sql_int(q, 6, (int64_t)b->objects);
	sql_int(q, 7, (int64_t)b->failures);
	sql_str(q, 8, b->id.p ? b->id : STR(""));
	return sql_run(q, err);
}

static enum rc put_ledger(struct tx *tx, const struct sent_batch *b, struct err *err)
{
	struct buf who = BUF_INIT(RECORD_ID_BYTES), item = BUF_INIT(64);
	int64_t id;
	record_id_format(&who, STR("partner"), &b->partner);
	buf_fmt(&item, "batch:%lld", (long long)sql_last_id(tx_conn(tx))); /* of the receipt */
	const struct ledger_row row = { .at_us = tx_now_us(tx), .kind = LEDGER_RECEIPT, .driver = STR("sync"),
					.recipient = buf_str(&who), .item = buf_str(&item), .policy = b->policy,
					.purpose = PURPOSE_HANDLING, .rule = STR(""), .cut = STR(""),
					.reference = b->id.p ? b->id : STR(""),
					.words = b->words.p ? b->words : STR(""), .covers = b->objects };
	enum rc rc = ledger_add(tx, &row, &id, err);
	buf_free(&who);
	buf_free(&item);
	return rc;
}

enum rc line_sent(struct tx *tx, const struct sent_batch *b, struct err *err)
{
	int64_t at = 0;
	enum rc rc = line_cursor(tx_conn(tx), b->partner, b->lane, &at, err);
	if (rc == RC_OK && at != b->after_us)
		rc = fail(err, RC_CONFLICT, "somebody else sent meanwhile");
	if (rc == RC_OK)
		rc = line_set_cursor(tx, b->partner, b->lane, b->upto_us, err);
	if (rc == RC_OK)
		rc = put_receipt(tx, b, err);
	if (rc == RC_OK)
		rc = put_ledger(tx, b, err);
	if (rc == RC_OK)
		rc = have_row(tx_conn(tx), b->partner, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_line SET success_us = ?2, try_us = ?2, retry_us = 0, failure = '',"
					 " sent = sent + ?3, bytes_out = bytes_out + ?4,"
					 " rtt_us = CASE WHEN ?5 > 0 THEN ?5 ELSE rtt_us END,"
					 " rate = CASE WHEN ?6 > 0 THEN ?6 ELSE rate END WHERE partner = ?1");
	bind_partner(q, 1, &b->partner);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, (int64_t)(b->objects - b->failures));
	sql_int(q, 4, (int64_t)b->bytes);
	sql_int(q, 5, b->rtt_us);
	sql_int(q, 6, (int64_t)b->rate);
	return sql_run(q, err);
}

enum rc line_fetched(struct tx *tx, struct uuid partner, enum lane lane, int64_t collection, int64_t upto_us,
		     uint64_t policy, struct err *err)
{
	struct sent_batch b = { .partner = partner, .lane = lane, .upto_us = upto_us, .policy = policy,
				.id = STR("fetched"), .words = STR("") };
	enum rc rc = line_cursor(tx_conn(tx), partner, lane, &b.after_us, err);
	if (rc != RC_OK || b.after_us >= upto_us)
		return rc;
	rc = collection_between(tx_conn(tx), collection, (int)lane, b.after_us, upto_us, &b.objects, err);
	if (rc != RC_OK || b.objects == 0)
		return rc; /* nothing of this lane was among it */
	return line_sent(tx, &b, err);
}

enum rc line_received(struct tx *tx, struct uuid partner, uint64_t objects, uint64_t bytes, struct err *err)
{
	enum rc rc = have_row(tx_conn(tx), partner, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_line SET success_us = ?2, received = received + ?3,"
					 " bytes_in = bytes_in + ?4 WHERE partner = ?1");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, (int64_t)objects);
	sql_int(q, 4, (int64_t)bytes);
	return sql_run(q, err);
}

enum rc line_tried(struct tx *tx, struct uuid partner, str failure, int64_t retry_us, struct err *err)
{
	enum rc rc = have_row(tx_conn(tx), partner, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_line SET try_us = ?2, retry_us = ?3, failure = ?4,"
					 " success_us = CASE WHEN ?4 = '' THEN ?2 ELSE success_us END WHERE partner = ?1");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, retry_us);
	sql_str(q, 4, failure.p ? failure : STR(""));
	return sql_run(q, err);
}

enum rc line_fetch_tried(struct tx *tx, struct uuid partner, str failure, int64_t retry_us, struct err *err)
{
	enum rc rc = have_row(tx_conn(tx), partner, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_line SET try_us = ?2, fetch_retry_us = ?3, fetch_failure = ?4,"
					 " success_us = CASE WHEN ?4 = '' THEN ?2 ELSE success_us END WHERE partner = ?1");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, retry_us);
	sql_str(q, 4, failure.p ? failure : STR(""));
	return sql_run(q, err);
}

/* --- our next key --- */

enum rc line_told_key(struct conn *c, struct uuid partner, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT told_key_us FROM partner_line WHERE partner = ?");
	bind_partner(q, 1, &partner);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc line_set_told_key(struct tx *tx, struct uuid partner, int64_t made_us, struct err *err)
{
	enum rc rc = have_row(tx_conn(tx), partner, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE partner_line SET told_key_us = ?2 WHERE partner = ?1");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, made_us);
	return sql_run(q, err);
}

/* --- for pages and commands --- */

enum rc courier_state(struct exchange *x, struct conn *c, struct uuid partner, struct arena *a, struct line_state *out,
		      struct err *err)
{
	(void)x;
	enum rc rc = RC_OK;
	*out = (struct line_state){ .failure = STR(""), .fetch_failure = STR(""), .note = STR("") };
	for (int lane = 0; rc == RC_OK && lane < LANE_COUNT; lane++) {
		rc = stands_at(c, partner, (enum lane)lane, &out->out_us[lane], err);
		if (rc == RC_OK)
			rc = take_upto(c, partner, (enum lane)lane, &out->in_us[lane], err);
	}
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(c, "SELECT success_us, try_us, retry_us, failure, sent, received, bytes_out, bytes_in, rtt_us,"
			       " rate, fetch_failure, fetch_retry_us, coalesce((SELECT note FROM taxii_place p WHERE p.partner = l.partner"
			       " AND note <> '' LIMIT 1), '')"
			       " FROM partner_line l WHERE partner = ?");
	bind_partner(q, 1, &partner);
	if (sql_row(q)) {
		out->last_success_us = sql_col_int(q, 0);
		out->last_try_us = sql_col_int(q, 1);
		out->retry_us = sql_col_int(q, 2);
		out->failure = arena_str(a, sql_col_str(q, 3));
		out->sent = (uint64_t)sql_col_int(q, 4);
		out->received = (uint64_t)sql_col_int(q, 5);
		out->bytes_out = (uint64_t)sql_col_int(q, 6);
		out->bytes_in = (uint64_t)sql_col_int(q, 7);
		out->rtt_us = sql_col_int(q, 8);
		out->rate = (uint64_t)sql_col_int(q, 9);
		out->fetch_failure = arena_str(a, sql_col_str(q, 10));
		out->fetch_retry_us = sql_col_int(q, 11);
		out->note = arena_str(a, sql_col_str(q, 12));
	}
	return sql_end(q, err);
}

enum rc receipt_of(struct conn *c, struct uuid partner, enum lane lane, int64_t added_us, struct arena *a,
		   struct receipt *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT at_us, after_us, upto_us, objects, failures, status FROM partner_receipt"
			       " WHERE partner = ? AND lane = ? AND upto_us >= ? AND after_us < ?3 ORDER BY upto_us LIMIT 1");
	bind_partner(q, 1, &partner);
	sql_int(q, 2, lane);
	sql_int(q, 3, added_us);
	bool found = sql_row(q);
	*out = (struct receipt){ .lane = lane };
	if (found) {
		out->at_us = sql_col_int(q, 0);
		out->after_us = sql_col_int(q, 1);
		out->upto_us = sql_col_int(q, 2);
		out->objects = (uint64_t)sql_col_int(q, 3);
		out->failures = (uint64_t)sql_col_int(q, 4);
		out->id = arena_str(a, sql_col_str(q, 5));
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "there is no receipt yet") : rc;
}
