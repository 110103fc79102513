/* SPDX-License-Identifier: Apache-2.0 */
/* The teller in the background: it follows the records of rules, and marks what was sent. */
#include "notify/teller_private.h"

enum { LEDGER_AT_ONCE = 200, COVERS_AT_ONCE = 200 };

/* --- records of rules --- */

static enum rc new_stamp(struct tx *tx, struct err *err)
{
	return sql_run(sql(tx_conn(tx), "INSERT INTO cursor (name, seq) VALUES ('tell:rules', 1)"
					" ON CONFLICT (name) DO UPDATE SET seq = seq + 1"), err);
}

static bool is_active(const struct record *r)
{
	const struct meaning *m = r && r->type ? type_meaning(r->type, STR("rule.active")) : NULL;
	return m && !m->field && !r->erased && r->state >= 0 && m->state == (unsigned)r->state;
}

static enum rc changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		       const struct record *now, struct err *err)
{
	const struct type *t = now->type;
	(void)r;
	(void)ctx;
	if (!t || (!type_meaning(t, STR("rule.pace")) && !type_meaning(t, STR("inhibition.until"))))
		return RC_OK;
	enum rc rc = new_stamp(tx, err);
	if (rc != RC_OK || !type_meaning(t, STR("rule.pace")) || is_active(before) == is_active(now))
		return rc;
	struct sql *q = is_active(now) ? sql(tx_conn(tx), "INSERT OR REPLACE INTO tell_rule (rule, active_us) VALUES (?1, ?2)") :
					 sql(tx_conn(tx), "DELETE FROM tell_rule WHERE rule = ?1");
	sql_blob(q, 1, tell_uuid(&now->id));
	if (is_active(now))
		sql_int(q, 2, tx_now_us(tx));
	return sql_run(q, err);
}

/* --- what was sent is marked --- */

struct marking {
	struct notify *n;
	struct arena *a;
	int64_t from, upto, message, at_us; /* of the ledger; message 0: nothing is to be marked */
	str items[COVERS_AT_ONCE];
	size_t count;
};

/* The next row that says something went out; those before it need nothing. */
static enum rc next_sent(struct conn *c, struct marking *k, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, message, kind, at_us, item FROM ledger WHERE id > ? ORDER BY id LIMIT ?");
	sql_int(q, 1, k->from);
	sql_int(q, 2, LEDGER_AT_ONCE);
	while (k->message == 0 && sql_row(q)) {
		int64_t kind = sql_col_int(q, 2);
		k->upto = sql_col_int(q, 0);
		k->at_us = sql_col_int(q, 3);
		if (kind == LEDGER_SENT || kind == LEDGER_UNCERTAIN)
			k->message = sql_col_int(q, 1);
	}
	return sql_end(q, err);
}

/* Not those that were marked at that time already: a crash between two jobs doubles nothing. */
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

static enum rc mark_item(struct tx *tx, const struct marking *k, str item, struct err *err)
{
	uint8_t raw[16];
	struct hash128 id = { 0, 0 };
	struct err why = { 0 };
	if (!hex_parse(str_from(item, STR("finding--").n), raw, sizeof raw))
		return RC_OK;
	for (size_t i = 0; i < 8; i++) {
		id.hi = id.hi << 8 | raw[i];
		id.lo = id.lo << 8 | raw[8 + i];
	}
	struct sql *q = sql(tx_conn(tx), "SELECT 1 FROM finding_mark WHERE id = ? AND mark = ? AND at_us >= ?");
	sql_blob(q, 1, str_mem((const char *)raw, sizeof raw));
	sql_int(q, 2, MARK_TOLD);
	sql_int(q, 3, k->at_us);
	bool known = sql_row(q);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || known)
		return rc;
	rc = findings_mark(tx, id, MARK_TOLD, arena_fmt(k->a, "message %lld", (long long)k->message), STR("node:teller"),
			   &why);
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

static enum rc write_marks(struct tx *tx, void *ctx, struct err *err)
{
	const struct marking *k = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->count; i++)
		rc = mark_item(tx, k, k->items[i], err);
	if (rc != RC_OK || k->count == COVERS_AT_ONCE) /* there may be more of this message */
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO cursor (name, seq) VALUES ('tell:marked', ?)");
	sql_int(q, 1, k->upto);
	return sql_run(q, err);
}

enum rc teller_mark(struct notify *n, bool *did_out, struct err *err)
{
	struct teller *t = n->teller;
	struct marking k = { .n = n, .a = arena_new(KIB(16)) };
	struct reader *r = NULL;
	*did_out = false;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK) {
		struct sql *q = sql(reader_conn(r), "SELECT seq FROM cursor WHERE name = 'tell:marked'");
		k.from = k.upto = sql_row(q) ? sql_col_int(q, 0) : 0;
		rc = sql_end(q, err);
	}
	if (rc == RC_OK)
		rc = next_sent(reader_conn(r), &k, err);
	if (rc == RC_OK && k.message)
		rc = next_covers(reader_conn(r), &k, t->marking == k.upto ? str_of(t->marked) : STR(""), err);
	if (r)
		store_read_end(r);
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

/* --- background --- */

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	static enum rc (*const steps[])(struct notify *, int64_t, bool *, struct err *) = { teller_follow, teller_make };
	struct notify *n = ctx;
	bool did = false;
	*did_out = false;
	if (store_read_only(s))
		return RC_OK;
	enum rc rc = teller_mark(n, did_out, err);
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(steps); i++) {
		rc = steps[i](n, clock_now_us(), &did, err);
		*did_out = *did_out || did;
	}
	return rc;
}

void teller_open(struct notify *n)
{
	n->teller = x_alloc(sizeof *n->teller);
	*n->teller = (struct teller){ .n = n };
	records_add_hook(n->w.records, &(struct record_hook){ .changed = changed, .ctx = n });
	store_add_tend(n->w.store, tend, n);
}

void teller_close(struct notify *n)
{
	struct teller *t = n->teller;
	if (!t)
		return;
	for (size_t i = 0; i < t->zone_count; i++)
		calendar_free(t->calendars[i]);
	rules_free(t->set);
	free(t);
	n->teller = NULL;
}
