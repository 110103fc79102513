/* SPDX-License-Identifier: Apache-2.0 */
/* The teller follows the ledger: what was sent is marked told; what was not, after all, is not. */
#include "notify/teller_private.h"

enum { LEDGER_AT_ONCE = 200, COVERS_AT_ONCE = 200 };

struct marking {
	struct teller *t;
	struct arena *a;
	int64_t from, upto, message, at_us; /* of the ledger; message 0: nothing follows from it */
	enum ledger_kind kind;
	str items[COVERS_AT_ONCE];
	size_t count;
};

/* --- reading --- */

static bool follows(enum ledger_kind kind)
{
	switch (kind) {
	case LEDGER_SENT:
	case LEDGER_UNCERTAIN:
	case LEDGER_WITHDRAWN:
	case LEDGER_REFUSED:
	case LEDGER_FAILED:
	case LEDGER_REHEARSED:
	case LEDGER_BOUNCED:
		return true;
	case LEDGER_RECEIPT:
	case LEDGER_ANSWER:
	case LEDGER_SHOWN:
	case LEDGER_SAID:
		break;
	}
	return false;
}

/* The next row of which something follows; those before it need nothing. */
static enum rc next_row(struct conn *c, struct marking *k, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, message, kind, at_us FROM ledger WHERE id > ? ORDER BY id LIMIT ?");
	sql_int(q, 1, k->from);
	sql_int(q, 2, LEDGER_AT_ONCE);
	while (k->message == 0 && sql_row(q)) {
		k->upto = sql_col_int(q, 0);
		k->kind = (enum ledger_kind)sql_col_int(q, 2);
		k->at_us = sql_col_int(q, 3);
		k->message = follows(k->kind) ? sql_col_int(q, 1) : 0;
	}
	return sql_end(q, err);
}

static enum rc next_covers(struct conn *c, struct marking *k, str behind, struct err *err)
{
	struct sql *q = sql(c, "SELECT item FROM (SELECT item FROM outbox_cover WHERE message = ?1 UNION"
			       " SELECT item FROM outbox WHERE id = ?1) WHERE item > ?2 AND item >= 'finding--'"
			       " AND item < 'finding-.' ORDER BY item LIMIT ?3");
	sql_int(q, 1, k->message);
	sql_str(q, 2, behind);
	sql_int(q, 3, COVERS_AT_ONCE);
	while (sql_row(q))
		k->items[k->count++] = arena_str(k->a, sql_col_str(q, 0));
	return sql_end(q, err);
}

/* --- the mark --- */

static str reason_of(const struct marking *k)
{
	return arena_fmt(k->a, "message %lld", (long long)k->message);
}

static bool asked(struct sql *q, enum rc *rc, struct err *err)
{
	bool is = sql_row(q);
	*rc = sql_end(q, err);
	return is;
}

/* Not when it was marked at that time already: a crash between two jobs doubles nothing. */
static enum rc mark(struct tx *tx, const struct marking *k, struct hash128 id, struct err *err)
{
	char raw[16];
	enum rc rc;
	struct err why = { 0 };
	struct sql *q = sql(tx_conn(tx), "SELECT 1 FROM finding_mark WHERE id = ? AND mark = ? AND at_us >= ?");
	sql_blob(q, 1, tell_finding_raw(id, raw));
	sql_int(q, 2, MARK_TOLD);
	sql_int(q, 3, k->at_us);
	if (asked(q, &rc, err) || rc != RC_OK)
		return rc;
	rc = findings_mark(tx, id, MARK_TOLD, reason_of(k), STR("node:teller"), &why);
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

/* Of this message alone, and when no other one told somebody. */
static enum rc unmark(struct tx *tx, const struct marking *k, struct hash128 id, str item, struct err *err)
{
	char raw[16];
	enum rc rc;
	struct sql *q = sql(tx_conn(tx), "SELECT 1 FROM finding_mark WHERE id = ? AND mark = ? AND by = 'node:teller'"
					 " AND reason = ?");
	sql_blob(q, 1, tell_finding_raw(id, raw));
	sql_int(q, 2, MARK_TOLD);
	sql_str(q, 3, reason_of(k));
	if (!asked(q, &rc, err))
		return rc;
	q = sql(tx_conn(tx), "SELECT 1 FROM outbox_cover v JOIN outbox o ON o.id = v.message WHERE v.item = ?1"
			     " AND v.message <> ?2 AND o.state IN (4, 5) LIMIT 1");
	sql_str(q, 1, item);
	sql_int(q, 2, k->message);
	if (asked(q, &rc, err) || rc != RC_OK)
		return rc;
	return findings_unmark(tx, id, MARK_TOLD, err);
}

/* --- the rows --- */

static bool is_back(enum tell_state s)
{
	return s == TELL_FAILED || s == TELL_WITHDRAWN || s == TELL_REFUSED;
}

/* Somebody had it sent again that had failed: it was told after all. */
static enum rc row_sent(struct tx *tx, const struct marking *k, struct tell_row *row, struct err *err)
{
	if (!is_back(row->state))
		return RC_OK;
	const struct rule *rule = k->t->set ? rules_find(k->t->set, row->rule) : NULL;
	row->state = TELL_TOLD;
	row->told++;
	row->unanswered++;
	row->last_us = k->at_us;
	row->next_us = rule && rule->repeat_us ? k->at_us + rule->repeat_us : 0;
	return tell_row_put(tx, row, err);
}

static enum rc follow_row(struct tx *tx, const struct marking *k, struct tell_row *row, struct err *err)
{
	int64_t again_us = k->at_us + TELL_FAILED_US;
	switch (k->kind) {
	case LEDGER_SENT:
	case LEDGER_UNCERTAIN:
		return row_sent(tx, k, row, err);
	case LEDGER_WITHDRAWN:
		return is_back(row->state) ? RC_OK : tell_row_back(tx, row, TELL_WITHDRAWN, row->next_us, err);
	case LEDGER_REFUSED:
		return is_back(row->state) ? RC_OK : tell_row_back(tx, row, TELL_REFUSED, again_us, err);
	case LEDGER_FAILED:
		return is_back(row->state) ? RC_OK : tell_row_back(tx, row, TELL_FAILED, again_us, err);
	case LEDGER_REHEARSED: /* switched back before it was sent */
		if (row->state != TELL_TOLD)
			return RC_OK;
		row->state = TELL_REHEARSED;
		return tell_row_put(tx, row, err);
	case LEDGER_BOUNCED: /* it is tried at another address, or has failed: that has a row of its own */
	case LEDGER_RECEIPT:
	case LEDGER_ANSWER:
	case LEDGER_SHOWN:
	case LEDGER_SAID:
		break;
	}
	return RC_OK;
}

static enum rc follow_rows(struct tx *tx, const struct marking *k, struct hash128 id, struct err *err)
{
	struct tell_row *list = NULL;
	size_t count = 0;
	enum rc rc = tell_rows_of(tx_conn(tx), id, k->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (list[i].message == k->message)
			rc = follow_row(tx, k, &list[i], err);
	return rc;
}

/* --- a job --- */

/* A bounce that only says that it takes longer changes nothing; nor does one of a message that was sent to
 * another address since. */
static bool arrived(struct conn *c, int64_t message, enum rc *rc, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM outbox WHERE id = ? AND state IN (4, 5)");
	sql_int(q, 1, message);
	return asked(q, rc, err);
}

static enum rc write_marks(struct tx *tx, void *ctx, struct err *err)
{
	const struct marking *k = ctx;
	enum rc rc = RC_OK;
	bool told = k->kind == LEDGER_SENT || k->kind == LEDGER_UNCERTAIN;
	bool there = k->message && arrived(tx_conn(tx), k->message, &rc, err);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		struct hash128 id;
		if (!tell_finding_parse(k->items[i], &id))
			continue;
		rc = told == there ? follow_rows(tx, k, id, err) : RC_OK; /* what is over since has a later row */
		if (rc == RC_OK && told && there)
			rc = mark(tx, k, id, err);
		else if (rc == RC_OK && !there)
			rc = unmark(tx, k, id, k->items[i], err);
	}
	if (rc != RC_OK || k->count == COVERS_AT_ONCE) /* there may be more of this message */
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO cursor (name, seq) VALUES ('tell:marked', ?)");
	sql_int(q, 1, k->upto);
	return sql_run(q, err);
}

static enum rc read_next(struct marking *k, struct reader *r, const struct types *types, struct err *err)
{
	struct teller *t = k->t;
	struct sql *q = sql(reader_conn(r), "SELECT seq FROM cursor WHERE name = 'tell:marked'");
	k->from = k->upto = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = next_row(reader_conn(r), k, err);
	if (rc == RC_OK && k->message)
		rc = next_covers(reader_conn(r), k, t->marking == k->upto ? str_of(t->marked) : STR(""), err);
	return rc == RC_OK && k->count ? teller_rules(t, r, types, err) : rc;
}

enum rc teller_mark(struct notify *n, bool *did_out, struct err *err)
{
	struct teller *t = n->teller;
	struct marking k = { .t = t, .a = arena_new(KIB(16)), .kind = LEDGER_SAID };
	struct reader *r = NULL;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	*did_out = false;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = read_next(&k, r, snapshot_table(types), err);
	if (r)
		store_read_end(r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	if (rc == RC_OK && k.upto > k.from) {
		*did_out = true;
		rc = store_write(n->w.store, write_marks, &k, err);
	}
	t->marking = k.upto;
	t->marked[0] = 0;
	if (rc == RC_OK && k.count)
		(void)!str_to_z(k.items[k.count - 1], t->marked, sizeof t->marked);
	arena_free(k.a);
	return rc;
}
