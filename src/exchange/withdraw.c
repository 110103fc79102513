/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of what is withdrawn, and their entries. */
#include "exchange/withdraw.h"

#include "disclosure/read.h"
#include "stix/stix_record.h"

const struct withdrawn_why withdrawn_unsaid = { STR_INIT(""), TLP_RED };

/* --- writing --- */

static str cut(str words)
{
	words = str_head(words, STIX_WHY_MOST);
	while (!str_is_utf8(words))
		words.n--;
	return words.n ? words : STR("");
}

struct taken_row {
	str item, object, seqs;
	size_t count;
	enum entry_kind kind;      /* WITHDRAWN, AGAIN or LATER */
};

static enum rc put(struct tx *tx, int64_t collection, enum lane lane, const struct taken_row *w, const struct withdrawn_why *why,
		   struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO exchange_withdrawn (collection, at_us, item, object, seqs, why, tlp, again)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, collection);
	sql_int(q, 2, tx_now_us(tx));
	sql_str(q, 3, w->item);
	sql_str(q, 4, w->object);
	sql_blob(q, 5, w->seqs);
	sql_str(q, 6, cut(why->words));
	sql_int(q, 7, why->tlp < TLP_COUNT ? why->tlp : TLP_RED);
	sql_int(q, 8, w->kind == ENTRY_AGAIN ? 1 : w->kind == ENTRY_LATER ? 2 : 0);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	uint64_t id = (uint64_t)sql_last_id(tx_conn(tx));
	const struct entry e = { .kind = w->kind, .lane = lane, .first = id, .last = id,
				 .count = w->count };
	int64_t added;
	return entry_put(tx, collection, &e, &added, err);
}

enum rc withdraw_record(struct tx *tx, int64_t collection, enum lane lane, str item, str object,
			const struct withdrawn_why *why, struct err *err)
{
	const struct taken_row w = { item, object, STR_NONE, 1, ENTRY_WITHDRAWN };
	return put(tx, collection, lane, &w, why, err);
}

static enum rc put_events(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count, enum entry_kind kind,
			  const struct withdrawn_why *why, struct err *err)
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
	const struct taken_row w = { STR(""), STR(""), buf_str(&b), count, kind };
	rc = put(tx, collection, LANE_BULK, &w, why, err);
	buf_free(&b);
	return rc;
}

enum rc withdraw_events(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count,
			const struct withdrawn_why *why, struct err *err)
{
	return put_events(tx, collection, seqs, count, ENTRY_WITHDRAWN, why, err);
}

enum rc withdrawn_again(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count, struct err *err)
{
	return put_events(tx, collection, seqs, count, ENTRY_AGAIN, &withdrawn_unsaid, err);
}

enum rc withdrawn_later(struct tx *tx, int64_t collection, const uint64_t *seqs, size_t count, struct err *err)
{
	return put_events(tx, collection, seqs, count, ENTRY_LATER, &withdrawn_unsaid, err);
}

enum rc withdraw_report(struct tx *tx, int64_t report, str why, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO exchange_undone (report, at_seq, why) VALUES (?, 0, ?)");
	sql_int(q, 1, report);
	sql_str(q, 2, cut(why));
	return sql_run(q, err);
}

/* --- reading --- */

static enum rc take_numbers(struct reader *r, str seqs, const struct withdrawn *of, struct arena *a, struct withdrawn **out,
			    size_t *count_out, struct err *err)
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
		list[n] = *of;
		list[n].object = arena_str(a, str_of(object));
		list[n++].item = arena_fmt(a, "event--" STR_FMT, STR_ARG(text));
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
	struct sql *q = sql(reader_conn(r), "SELECT at_us, item, object, seqs, why, tlp FROM exchange_withdrawn"
					       " WHERE id = ?");
	struct withdrawn *one = ARENA_NEW(a, struct withdrawn);
	str seqs = STR_NONE;
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found) {
		*one = (struct withdrawn){ .at_us = sql_col_int(q, 0), .item = arena_str(a, sql_col_str(q, 1)),
					   .object = arena_str(a, sql_col_str(q, 2)),
					   .why = arena_str(a, sql_col_str(q, 4)), .tlp = (enum tlp)sql_col_int(q, 5) };
		seqs = sql_col_null(q, 3) ? STR_NONE : arena_str(a, sql_col_blob(q, 3));
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		return fail(err, RC_ABSENT, "what was withdrawn is forgotten");
	*out = one;
	*count_out = 1;
	return seqs.p ? take_numbers(r, seqs, one, a, out, count_out, err) : RC_OK;
}

enum rc withdrawn_seqs(struct reader *r, int64_t id, struct arena *a, uint64_t **out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT seqs FROM exchange_withdrawn WHERE id = ? AND again > 0");
	uint64_t *list = ARENA_ARRAY(a, WITHDRAWN_EVENTS_MOST, uint64_t), seq = 0;
	size_t n = 0;
	sql_int(q, 1, id);
	bool found = sql_row(q);
	struct wire w = wire_of(found ? sql_col_blob(q, 0) : STR(""));
	while (wire_left(&w) && !w.bad && n < WITHDRAWN_EVENTS_MOST)
		list[n++] = seq += wire_varint(&w);
	bool bad = w.bad || wire_left(&w);
	enum rc rc = sql_end(q, err);
	*out = list;
	*count_out = n;
	if (rc == RC_OK && bad)
		rc = fail(err, RC_IO, "a row of events given again is damaged");
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "what was given again is forgotten");
}

/* --- looking for one --- */

/* Which of them is the number; -1: none. */
static int64_t place_in(str seqs, uint64_t seq)
{
	struct wire w = wire_of(seqs);
	uint64_t at = 0;
	for (int64_t i = 0; wire_left(&w) && !w.bad; i++) {
		at += wire_varint(&w);
		if (at == seq)
			return i;
	}
	return -1;
}

static enum rc find_event(struct reader *r, int64_t collection, uint64_t seq, enum entry_kind kind, struct arena *a,
			  struct withdrawn_at *out, bool *found, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT e.added_us, e.lane, w.why, w.seqs FROM exchange_withdrawn w"
			    " JOIN collection_entry e ON e.kind = ?3 AND e.first = w.id AND e.collection = w.collection"
			    " WHERE w.collection = ?1 AND w.item = '' ORDER BY w.id DESC LIMIT ?2");
	_Static_assert(ENTRY_WITHDRAWN == 5, "as the statements say");
	sql_int(q, 1, collection);
	sql_int(q, 2, WITHDRAWALS_LOOKED);
	sql_int(q, 3, kind);
	while (!*found && sql_row(q)) {
		int64_t place = place_in(sql_col_blob(q, 3), seq);
		*found = place >= 0;
		if (*found)
			*out = (struct withdrawn_at){ sql_col_int(q, 0) + place * ENTRY_STEP, (enum lane)sql_col_int(q, 1),
						      arena_str(a, sql_col_str(q, 2)) };
	}
	return sql_end(q, err);
}

enum rc withdrawn_find(struct reader *r, int64_t collection, str item, struct arena *a, struct withdrawn_at *out,
		       bool *found, struct err *err)
{
	static const str event = STR_INIT("event--");
	uint64_t seq;
	*found = false;
	if (str_starts(item, event))
		return event_id_parse(store_secret(reader_store(r)), str_from(item, event.n), &seq) ?
			       find_event(r, collection, seq, ENTRY_WITHDRAWN, a, out, found, err) : RC_OK;
	struct sql *q = sql(reader_conn(r), "SELECT e.added_us, e.lane, w.why FROM exchange_withdrawn w"
			    " JOIN collection_entry e ON e.kind = 5 AND e.first = w.id AND e.collection = w.collection"
			    " WHERE w.item = ? AND w.item <> '' AND w.collection = ? ORDER BY e.added_us DESC LIMIT 1");
	sql_str(q, 1, item);
	sql_int(q, 2, collection);
	*found = sql_row(q);
	if (*found)
		*out = (struct withdrawn_at){ sql_col_int(q, 0), (enum lane)sql_col_int(q, 1), arena_str(a, sql_col_str(q, 2)) };
	return sql_end(q, err);
}

enum rc withdrawn_later_find(struct reader *r, int64_t collection, uint64_t seq, struct arena *a, struct withdrawn_at *out,
			     bool *found, struct err *err)
{
	*found = false;
	return find_event(r, collection, seq, ENTRY_LATER, a, out, found, err);
}

enum rc withdrawn_unanswered(struct conn *c, int64_t collection, enum lane lane, int64_t after_us, uint64_t *out,
			     struct err *err)
{
	/* a version of which he has an earlier one is a correction */
	struct sql *q = sql(c, "SELECT coalesce(sum(count), 0) FROM collection_entry e WHERE collection = ?1 AND lane = ?2"
			       " AND added_us > ?3 AND (kind = 5 OR (kind = 2 AND EXISTS (SELECT 1 FROM record_version n"
			       " JOIN record_version v ON v.record = n.record JOIN collection_entry o ON o.kind = 2"
			       " AND o.first = v.id AND o.collection = ?1 AND o.added_us <= ?3 WHERE n.id = e.first)))");
	sql_int(q, 1, collection);
	sql_int(q, 2, lane);
	sql_int(q, 3, after_us);
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}
