/* SPDX-License-Identifier: Apache-2.0 */
/* The teller follows the ledger: what was sent is marked told; what was not, after all, is not. */
#include "notify/teller_private.h"

enum { LEDGER_AT_ONCE = 200, COVERS_AT_ONCE = 500, STEPS_AT_ONCE = 64 };

/* A row of the ledger of which something follows, and what its message covers. */
struct step {
	int64_t upto, message, at_us;  /* row, message */
	enum ledger_kind kind;
	size_t from, count;            /* of the items */
};
/* Several in one job: many letters of one moment tell of findings that stand beside each other. */
struct marking {
	struct teller *t;
	struct arena *a;
	int64_t from, done;            /* of the ledger: the cursor, and what it becomes */
	bool whole;                    /* the last step's items are all there are */
	struct step steps[STEPS_AT_ONCE];
	size_t step_count;
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

/* The next row of which something follows; those before it need nothing. *upto_out: the last one looked at. */
static enum rc next_row(struct conn *c, int64_t from, struct step *out, int64_t *upto_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, message, kind, at_us FROM ledger WHERE id > ? ORDER BY id LIMIT ?");
	*out = (struct step){ .kind = LEDGER_SAID };
	sql_int(q, 1, from);
	sql_int(q, 2, LEDGER_AT_ONCE);
	while (out->message == 0 && sql_row(q)) {
		*upto_out = out->upto = sql_col_int(q, 0);
		out->kind = (enum ledger_kind)sql_col_int(q, 2);
		out->at_us = sql_col_int(q, 3);
		out->message = follows(out->kind) ? sql_col_int(q, 1) : 0;
	}
	return sql_end(q, err);
}

static enum rc next_covers(struct conn *c, struct marking *k, struct step *step, str behind, struct err *err)
{
	struct sql *q = sql(c, "SELECT item FROM (SELECT item FROM outbox_cover WHERE message = ?1 UNION"
			       " SELECT item FROM outbox WHERE id = ?1) WHERE item > ?2 AND item >= 'finding--'"
			       " AND item < 'finding-.' ORDER BY item LIMIT ?3");
	sql_int(q, 1, step->message);
	sql_str(q, 2, behind);
	sql_int(q, 3, (int64_t)(COVERS_AT_ONCE - k->count));
	step->from = k->count;
	while (k->count < COVERS_AT_ONCE && sql_row(q))
		k->items[k->count++] = arena_str(k->a, sql_col_str(q, 0));
	step->count = k->count - step->from;
	return sql_end(q, err);
}

/* As many rows as a job takes, each whole but for the last. */
static enum rc next_steps(struct conn *c, struct marking *k, struct err *err)
{
	struct teller *t = k->t;
	enum rc rc = RC_OK;
	k->whole = true;
	for (bool more = true; rc == RC_OK && more && k->step_count < STEPS_AT_ONCE && k->count < COVERS_AT_ONCE;) {
		struct step *step = &k->steps[k->step_count];
		int64_t upto = k->done;
		rc = next_row(c, k->done, step, &upto, err);
		more = rc == RC_OK && step->message != 0;
		if (more)
			rc = next_covers(c, k, step, t->marking == step->upto ? str_of(t->marked) : STR(""), err);
		k->step_count += more;
		k->whole = k->count < COVERS_AT_ONCE;
		if (rc == RC_OK && k->whole)
			k->done = upto;
	}
	return rc;
}

/* --- the mark --- */

static str reason_of(const struct marking *k, const struct step *step)
{
	return arena_fmt(k->a, "message %lld", (long long)step->message);
}

static bool asked(struct sql *q, enum rc *rc, struct err *err)
{
	bool is = sql_row(q);
	*rc = sql_end(q, err);
	return is;
}

/* Not when it was marked at that time already: a crash between two jobs doubles nothing. */
static enum rc is_marked(struct tx *tx, const struct step *step, struct hash128 id, bool *out, struct err *err)
{
	char raw[16];
	enum rc rc;
	struct sql *q = sql(tx_conn(tx), "SELECT 1 FROM finding_mark WHERE id = ? AND mark = ? AND at_us >= ?");
	sql_blob(q, 1, tell_finding_raw(id, raw));
	sql_int(q, 2, MARK_TOLD);
	sql_int(q, 3, step->at_us);
	*out = asked(q, &rc, err);
	return rc;
}

/* Of this message alone, and when no other one told somebody. */
static enum rc unmark(struct tx *tx, const struct marking *k, const struct step *step, struct hash128 id, str item,
		      struct err *err)
{
	char raw[16];
	enum rc rc;
	struct sql *q = sql(tx_conn(tx), "SELECT 1 FROM finding_mark WHERE id = ? AND mark = ? AND by = 'node:teller'"
					 " AND reason = ?");
	sql_blob(q, 1, tell_finding_raw(id, raw));
	sql_int(q, 2, MARK_TOLD);
	sql_str(q, 3, reason_of(k, step));
	if (!asked(q, &rc, err))
		return rc;
	q = sql(tx_conn(tx), "SELECT 1 FROM outbox_cover v JOIN outbox o ON o.id = v.message WHERE v.item = ?1"
			     " AND v.message <> ?2 AND o.state IN (4, 5) LIMIT 1");
	sql_str(q, 1, item);
	sql_int(q, 2, step->message);
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
static enum rc row_sent(struct tx *tx, const struct marking *k, const struct step *step, struct tell_row *row,
			struct err *err)
{
	if (!is_back(row->state))
		return RC_OK;
	const struct rule *rule = k->t->set ? rules_find(k->t->set, row->rule) : NULL;
	row->state = TELL_TOLD;
	row->told++;
	row->unanswered++;
	row->last_us = step->at_us;
	row->next_us = rule && rule->repeat_us ? step->at_us + rule->repeat_us : 0;
	return tell_row_put(tx, row, err);
}

static enum rc follow_row(struct tx *tx, const struct marking *k, const struct step *step, struct tell_row *row,
			  struct err *err)
{
	int64_t again_us = step->at_us + TELL_FAILED_US;
	switch (step->kind) {
	case LEDGER_SENT:
	case LEDGER_UNCERTAIN:
		return row_sent(tx, k, step, row, err);
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

static enum rc follow_rows(struct tx *tx, const struct marking *k, const struct step *step, struct hash128 id,
			   struct err *err)
{
	struct tell_row *list = NULL;
	size_t count = 0;
	enum rc rc = tell_rows_of(tx_conn(tx), id, k->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (list[i].message == step->message)
			rc = follow_row(tx, k, step, &list[i], err);
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

/* What is marked told by it is added to `list`. */
static enum rc write_step(struct tx *tx, const struct marking *k, const struct step *step, struct finding_marked *list,
			  size_t *count, struct err *err)
{
	enum rc rc = RC_OK;
	bool told = step->kind == LEDGER_SENT || step->kind == LEDGER_UNCERTAIN;
	bool there = arrived(tx_conn(tx), step->message, &rc, err);
	for (size_t i = step->from; rc == RC_OK && i < step->from + step->count; i++) {
		struct hash128 id;
		bool is = false;
		if (!tell_finding_parse(k->items[i], &id))
			continue;
		rc = told == there ? follow_rows(tx, k, step, id, err) : RC_OK; /* what is over since has a later row */
		if (rc == RC_OK && told && there)
			rc = is_marked(tx, step, id, &is, err);
		else if (rc == RC_OK && !there)
			rc = unmark(tx, k, step, id, k->items[i], err);
		if (rc == RC_OK && told && there && !is)
			list[(*count)++] = (struct finding_marked){ id, reason_of(k, step) };
	}
	return rc;
}

static enum rc write_marks(struct tx *tx, void *ctx, struct err *err)
{
	const struct marking *k = ctx;
	struct finding_marked *list = ARENA_ARRAY(k->a, COVERS_AT_ONCE, struct finding_marked);
	size_t count = 0, marked;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->step_count; i++)
		rc = write_step(tx, k, &k->steps[i], list, &count, err);
	if (rc == RC_OK && count > 0)
		rc = findings_mark_all(tx, list, count, MARK_TOLD, STR("node:teller"), &marked, err);
	if (rc != RC_OK || k->done == k->from)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO cursor (name, seq) VALUES ('tell:marked', ?)");
	sql_int(q, 1, k->done);
	return sql_run(q, err);
}

static enum rc read_next(struct marking *k, struct reader *r, const struct types *types, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT seq FROM cursor WHERE name = 'tell:marked'");
	k->from = k->done = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = next_steps(reader_conn(r), k, err);
	return rc == RC_OK && k->count ? teller_rules(k->t, r, types, err) : rc;
}

/* Where the next job goes on, which may be in the middle of what one message covers. */
static void note_place(struct teller *t, const struct marking *k)
{
	t->more_marks = !k->whole || k->step_count == STEPS_AT_ONCE;
	t->marking = 0;
	t->marked[0] = 0;
	if (k->whole)
		return;
	t->marking = k->steps[k->step_count - 1].upto;
	(void)!str_to_z(k->items[k->count - 1], t->marked, sizeof t->marked);
}

enum rc teller_mark(struct notify *n, bool *did_out, struct err *err)
{
	struct teller *t = n->teller;
	struct marking *k = x_alloc(sizeof *k);
	struct reader *r = NULL;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	*k = (struct marking){ .t = t, .a = arena_new(KIB(16)) };
	*did_out = false;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = read_next(k, r, snapshot_table(types), err);
	store_read_end(r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	if (rc == RC_OK && (k->done > k->from || k->count)) {
		*did_out = true;
		rc = store_write(n->w.store, write_marks, k, err);
	}
	if (rc == RC_OK)
		note_place(t, k);
	arena_free(k->a);
	free(k);
	return rc;
}
