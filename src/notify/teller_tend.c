/* SPDX-License-Identifier: Apache-2.0 */
/* The teller in the background: it follows the records of rules. */
#include "base/clock.h"
#include "notify/teller_private.h"

#define MARKS_EVERY_US (SECOND_US / 4)

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

/* --- background --- */

/* What is told in one moment is marked together: findings that stand beside each other are read once. */
static enum rc mark_some(struct notify *n, bool *did_out, struct err *err)
{
	struct teller *t = n->teller;
	if (!t->more_marks && clock_mono_us() < t->marks_next_us)
		return RC_OK;
	enum rc rc = teller_mark(n, did_out, err);
	t->marks_next_us = clock_mono_us() + MARKS_EVERY_US;
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	static enum rc (*const steps[])(struct notify *, int64_t, bool *, struct err *) = { teller_follow, teller_make };
	struct notify *n = ctx;
	bool did = false;
	*did_out = false;
	if (store_read_only(s))
		return RC_OK;
	enum rc rc = mark_some(n, did_out, err);
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
