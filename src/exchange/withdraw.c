/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of what is withdrawn, and their entries. */
#include "exchange/withdraw.h"

#include "disclosure/read.h"
#include "stix/stix_record.h"

/* --- writing --- */

static enum rc put(struct tx *tx, int64_t collection, enum lane lane, str item, str object, str seqs, size_t count,
		   struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO exchange_withdrawn (collection, at_us, item, object, seqs)"
					 " VALUES (?, ?, ?, ?, ?)");
	sql_int(q, 1, collection);
	sql_int(q, 2, tx_now_us(tx));
	sql_str(q, 3, item);
	sql_str(q, 4, object);
	sql_blob(q, 5, seqs);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	uint64_t id = (uint64_t)sql_last_id(tx_conn(tx));
	const struct entry e = { .kind = ENTRY_WITHDRAWN, .lane = lane, .first = id, .last = id, .count = count };
	int64_t added;
	return entry_put(tx, collection, &e, &added, err);
}

enum rc withdraw_record(struct tx *tx, int64_t collection, enum lane lane, str item, str object, struct err *err)
{
	return put(tx, collection, lane, item, object, STR_NONE, 1, err);
}

enum rc withdraw_events(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count, struct err *err)
{
	struct buf b = BUF_INIT(KIB(64));
	enum rc rc = RC_OK;
	uint64_t last = 0;
	if (count == 0)
		return RC_OK;
	if (count > WITHDRAWN_EVENTS_MOST)
		return fail(err, RC_LIMIT, "more than %d events to withdraw at once", WITHDRAWN_EVENTS_MOST);
	for (size_t i = 0; i < count; last = seqs[i++])
		buf_varint(&b, seqs[i] - last);
	rc = put(tx, collection, LANE_BULK, STR(""), STR(""), buf_str(&b), count, err);
	buf_free(&b);
	return rc;
}

enum rc withdraw_report(struct tx *tx, int64_t report, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO exchange_undone (report, at_seq) VALUES (?, 0)");
	sql_int(q, 1, report);
	return sql_run(q, err);
}

/* --- reading --- */

static enum rc take_numbers(struct reader *r, str seqs, int64_t at_us, struct arena *a, struct withdrawn **out, size_t *count_out,
			   struct err *err)
{
	struct wire w = wire_of(seqs);
	struct withdrawn *list = ARENA_ARRAY(a, WITHDRAWN_EVENTS_MOST, struct withdrawn);
	str node = store_node_id(reader_store(r));
	uint64_t seq = 0;
	size_t n = 0;
	while (wire_left(&w) && n < WITHDRAWN_EVENTS_MOST) {
		char id[40], object[STIX_ID_MAX];
		seq += wire_varint(&w);
		str text = event_id(store_secret(reader_store(r)), seq, id);
		stix_event_object_id(node, text, object);
		list[n++] = (struct withdrawn){ .object = arena_str(a, str_of(object)), .at_us = at_us,
						.item = arena_fmt(a, "event--" STR_FMT, STR_ARG(text)) };
	}
	if (w.bad || wire_left(&w))
		return fail(err, RC_IO, "a row of withdrawn events is damaged");
	*out = list;
	*count_out = n;
	return RC_OK;
}

enum rc withdrawn_read(struct reader *r, int64_t id, struct arena *a, struct withdrawn **out, size_t *count_out,
		       struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT at_us, item, object, seqs FROM exchange_withdrawn WHERE id = ?");
	struct withdrawn *one = ARENA_NEW(a, struct withdrawn);
	str seqs = STR_NONE;
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found) {
		*one = (struct withdrawn){ .at_us = sql_col_int(q, 0), .item = arena_str(a, sql_col_str(q, 1)),
					   .object = arena_str(a, sql_col_str(q, 2)) };
		seqs = sql_col_null(q, 3) ? STR_NONE : arena_str(a, sql_col_blob(q, 3));
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		return fail(err, RC_ABSENT, "what was withdrawn is forgotten");
	*out = one;
	*count_out = 1;
	return seqs.p ? take_numbers(r, seqs, one->at_us, a, out, count_out, err) : RC_OK;
}
