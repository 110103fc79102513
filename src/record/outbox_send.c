/* SPDX-License-Identifier: Apache-2.0 */
/* The senders' side: taking, draining, ending. */
#include "record/outbox_private.h"

#include "base/arena.h"

/* --- leases --- */

/* Taken ones are queued again; of draining ones nobody knows whether they arrived. `upto_us`:
 * leases that ended by then. */
static enum rc end_leases(struct tx *tx, int64_t upto_us, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct message *lost;
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), OUTBOX_LOST);
	sql_int(q, 1, upto_us);
	enum rc rc = outbox_rows(q, a, &lost, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		struct outcome_of o = { .policy = lost[i].policy, .rule = "",
					.words = STR("the sender stopped before the answer came") };
		rc = outbox_set_state(tx_conn(tx), lost[i].id, MESSAGE_UNCERTAIN, o.words, err);
		if (rc == RC_OK)
			rc = ledger_of_message(tx, &lost[i], LEDGER_UNCERTAIN, &o, err);
	}
	if (rc == RC_OK) {
		q = sql(tx_conn(tx), OUTBOX_REQUEUE);
		sql_int(q, 1, upto_us);
		rc = sql_run(q, err);
	}
	arena_free(a);
	return rc;
}

static enum rc end_all_leases(struct tx *tx, void *ctx, struct err *err)
{
	(void)ctx;
	return end_leases(tx, INT64_MAX, err);
}

enum rc outbox_recover(struct store *s, struct err *err)
{
	struct store_job job = { .fn = end_all_leases, .use_reserve = true };
	store_submit(s, &job);
	return store_wait(s, &job, err);
}

enum rc outbox_unsure(struct tx *tx, const char *driver, str words, uint64_t *count_out, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	enum rc rc = RC_OK;
	size_t n;
	do {
		struct message *list;
		struct sql *q = sql(tx_conn(tx), "SELECT " MESSAGE_COLUMNS " FROM outbox WHERE state IN (1, 2, 3)"
						 " AND driver = ? LIMIT 1000");
		n = 0;
		arena_reset(a);
		sql_str(q, 1, str_of(driver));
		rc = outbox_rows(q, a, &list, &n, err);
		for (size_t i = 0; i < n && rc == RC_OK; i++) {
			const struct outcome_of o = { .policy = list[i].policy, .rule = "", .words = words };
			rc = outbox_set_state(tx_conn(tx), list[i].id, MESSAGE_UNCERTAIN, words, err);
			if (rc == RC_OK)
				rc = ledger_of_message(tx, &list[i], LEDGER_UNCERTAIN, &o, err);
		}
		*count_out += n;
	} while (rc == RC_OK && n > 0);
	arena_free(a);
	return rc;
}

/* --- taking --- */

struct taking {
	const char *driver;
	size_t most;
	int64_t lease_us;
	struct arena *a;
	struct message *list;
	size_t count;
};

static enum rc expire(struct tx *tx, const char *driver, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct message *old;
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), OUTBOX_EXPIRED);
	sql_str(q, 1, str_of(driver));
	sql_int(q, 2, tx_now_us(tx));
	enum rc rc = outbox_rows(q, a, &old, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		struct outcome_of o = { .policy = old[i].policy, .rule = "",
					.words = STR("it was not sent in time") };
		rc = outbox_set_state(tx_conn(tx), old[i].id, MESSAGE_FAILED, o.words, err);
		if (rc == RC_OK)
			rc = ledger_of_message(tx, &old[i], LEDGER_FAILED, &o, err);
	}
	arena_free(a);
	return rc;
}

/* One lane after the other, so that each is an index walk; inside a lane the longest due first. */
static enum rc take_lane(struct tx *tx, struct taking *t, enum lane lane, struct err *err)
{
	struct message *list;
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT " MESSAGE_COLUMNS " FROM outbox WHERE state = 1"
					 " AND driver = ? AND lane = ? AND not_before_us <= ?"
					 " ORDER BY not_before_us, id LIMIT ?");
	sql_str(q, 1, str_of(t->driver));
	sql_int(q, 2, lane);
	sql_int(q, 3, tx_now_us(tx));
	sql_int(q, 4, (int64_t)(t->most - t->count));
	enum rc rc = outbox_rows(q, t->a, &list, &n, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		q = sql(tx_conn(tx), "UPDATE outbox SET state = 2, lease_us = ?, tries = tries + 1"
				     " WHERE id = ?");
		sql_int(q, 1, tx_now_us(tx) + t->lease_us);
		sql_int(q, 2, list[i].id);
		rc = sql_run(q, err);
		list[i].state = MESSAGE_TAKEN;
		list[i].tries++;
		t->list[t->count++] = list[i];
	}
	return rc;
}

static enum rc take(struct tx *tx, void *ctx, struct err *err)
{
	struct taking *t = ctx;
	enum rc rc = end_leases(tx, tx_now_us(tx), err);
	if (rc == RC_OK)
		rc = expire(tx, t->driver, err);
	for (enum lane lane = LANE_WARNING; lane <= LANE_BULK && rc == RC_OK; lane++)
		if (t->count < t->most)
			rc = take_lane(tx, t, lane, err);
	return rc;
}

enum rc outbox_take(struct store *s, const char *driver, size_t most, int64_t lease_us,
		    struct arena *a, struct message **out, size_t *count_out, struct err *err)
{
	struct taking t = { .driver = driver, .most = most < OUTBOX_TAKE_MOST ? most : OUTBOX_TAKE_MOST,
			    .lease_us = lease_us, .a = a };
	t.list = ARENA_ARRAY(a, t.most + 1, struct message);
	struct store_job job = { .fn = take, .ctx = &t, .use_reserve = true };
	store_submit(s, &job);
	enum rc rc = store_wait(s, &job, err);
	*out = t.list;
	*count_out = rc == RC_OK ? t.count : 0;
	return rc;
}

enum rc outbox_due(struct conn *c, const char *driver, int64_t now_us, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 1 AND driver = ?1"
			       " AND lane IN (0, 1, 2) AND not_before_us <= ?2)"
			       " OR EXISTS (SELECT 1 FROM outbox WHERE state IN (2, 3) AND lease_us <= ?2"
			       " AND driver = ?1)");
	sql_str(q, 1, str_of(driver));
	sql_int(q, 2, now_us);
	*out = sql_row(q) && sql_col_int(q, 0) != 0;
	return sql_end(q, err);
}

enum rc outbox_take_one(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE outbox SET state = 2, tries = tries + 1 WHERE id = ?"
					 " AND state = 1");
	sql_int(q, 1, id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		return fail(err, RC_CONFLICT, "message %lld is taken or has ended", (long long)id);
	return rc;
}

/* --- draining --- */

static enum rc not_ours(int64_t id, struct err *err)
{
	return fail(err, RC_CONFLICT, "message %lld is no longer this sender's", (long long)id);
}

static enum rc mark_draining(struct tx *tx, void *ctx, struct err *err)
{
	int64_t id = *(const int64_t *)ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE outbox SET state = 3 WHERE id = ? AND state = 2");
	sql_int(q, 1, id);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK && sql_changes(tx_conn(tx)) != 1 ? not_ours(id, err) : rc;
}

enum rc outbox_draining(struct store *s, int64_t id, struct err *err)
{
	struct store_job job = { .fn = mark_draining, .ctx = &id, .use_reserve = true };
	store_submit(s, &job);
	return store_wait(s, &job, err);
}

/* --- ending --- */

/* 5 s, 10 s, 20 s … 15 min, each shortened by up to a third so that many do not come at once. */
static int64_t pause_after(unsigned tries)
{
	unsigned doublings = tries > 1 ? tries - 1 : 0;
	int64_t pause = OUTBOX_PAUSE_MOST;
	if (doublings < 8 && OUTBOX_PAUSE_LEAST << doublings < pause)
		pause = OUTBOX_PAUSE_LEAST << doublings;
	return pause - (int64_t)(random_u64() % (uint64_t)(pause / 3));
}

static enum rc queue_again(struct tx *tx, const struct message *m, const struct outcome_of *o,
			   struct err *err)
{
	int64_t pause = o->retry_us > 0 ? o->retry_us : pause_after(m->tries);
	struct sql *q = sql(tx_conn(tx), "UPDATE outbox SET state = 1, lease_us = 0, words = ?,"
					 " not_before_us = ?, tries = ? WHERE id = ?");
	sql_str(q, 1, or_empty(o->untried ? m->words : o->words));
	sql_int(q, 2, tx_now_us(tx) + pause);
	sql_int(q, 3, o->untried && m->tries > 0 ? m->tries - 1 : m->tries);
	sql_int(q, 4, m->id);
	return sql_run(q, err);
}

static enum rc end_as(struct tx *tx, const struct message *m, enum message_state state,
		      enum ledger_kind kind, const struct outcome_of *o, struct err *err)
{
	enum rc rc = outbox_set_state(tx_conn(tx), m->id, state, o->words, err);
	return rc == RC_OK ? ledger_of_message(tx, m, kind, o, err) : rc;
}

enum rc outbox_end_tx(struct tx *tx, int64_t id, const struct outcome_of *o, struct err *err)
{
	struct message m;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = outbox_load(tx_conn(tx), id, a, &m, err);
	if (rc == RC_OK && m.state != MESSAGE_TAKEN && m.state != MESSAGE_DRAINING)
		rc = not_ours(id, err);
	if (rc == RC_OK) {
		switch (o->outcome) {
		case OUTCOME_RETRY:
			rc = queue_again(tx, &m, o, err);
			break;
		case OUTCOME_SENT:
			rc = end_as(tx, &m, MESSAGE_SENT, LEDGER_SENT, o, err);
			break;
		case OUTCOME_UNCERTAIN:
			rc = end_as(tx, &m, MESSAGE_UNCERTAIN, LEDGER_UNCERTAIN, o, err);
			break;
		case OUTCOME_REFUSED:
			rc = end_as(tx, &m, MESSAGE_REFUSED, LEDGER_REFUSED, o, err);
			break;
		case OUTCOME_FAILED:
			rc = end_as(tx, &m, MESSAGE_FAILED, LEDGER_FAILED, o, err);
			break;
		case OUTCOME_REHEARSED:
			rc = end_as(tx, &m, MESSAGE_REHEARSED, LEDGER_REHEARSED, o, err);
			break;
		}
	}
	arena_free(a);
	return rc;
}

struct ending {
	int64_t id;
	const struct outcome_of *o;
};

static enum rc end_one(struct tx *tx, void *ctx, struct err *err)
{
	struct ending *e = ctx;
	return outbox_end_tx(tx, e->id, e->o, err);
}

enum rc outbox_end(struct store *s, int64_t id, const struct outcome_of *o, struct err *err)
{
	struct ending e = { id, o };
	struct store_job job = { .fn = end_one, .ctx = &e, .use_reserve = true };
	store_submit(s, &job);
	return store_wait(s, &job, err);
}

enum rc outbox_returned(struct tx *tx, int64_t id, bool again, str words, struct err *err)
{
	struct message m;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = outbox_load(tx_conn(tx), id, a, &m, err);
	if (rc == RC_OK && m.state != MESSAGE_SENT && m.state != MESSAGE_UNCERTAIN)
		rc = fail(err, RC_CONFLICT, "message %lld is %s: it cannot come back", (long long)id,
			  message_state_name(m.state));
	if (rc == RC_OK && again) {
		struct sql *q = sql(tx_conn(tx), "UPDATE outbox SET state = 1, lease_us = 0, not_before_us = 0, words = ?"
						 " WHERE id = ?");
		sql_str(q, 1, or_empty(words));
		sql_int(q, 2, id);
		rc = sql_run(q, err);
	} else if (rc == RC_OK) {
		const struct outcome_of o = { .policy = m.policy, .rule = "", .words = words };
		rc = end_as(tx, &m, MESSAGE_FAILED, LEDGER_FAILED, &o, err);
	}
	arena_free(a);
	return rc;
}
