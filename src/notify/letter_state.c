/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/letter_state.h"

#include "disclosure/change.h"
#include "notify/round_private.h"
#include "store/sql.h"

enum { LOOKED_AT_ONCE = 50 };
#define LOOK_EVERY (20 * SECOND_US)

static const struct { enum message_state state; const char *meaning; } ends[] = {
	{ MESSAGE_SENT, "mail.sent" },		{ MESSAGE_UNCERTAIN, "mail.uncertain" },
	{ MESSAGE_WITHDRAWN, "mail.failed" },	{ MESSAGE_REFUSED, "mail.failed" },
	{ MESSAGE_FAILED, "mail.failed" },	{ MESSAGE_REHEARSED, "mail.rehearsed" },
};

static int state_meaning(const struct type *t, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m && !m->field ? (int)m->state : -1;
}

/* A record that is gone, held or elsewhere, or cannot go there, stays as it is: all of that is said
 * before anything of the change is written. */
static enum rc move(struct tx *tx, const struct notify *n, const struct type *t, const struct message *m,
		    struct arena *a, struct err *err)
{
	int to = -1;
	struct viewer v;
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	for (size_t i = 0; i < COUNT_OF(ends); i++)
		if (ends[i].state == m->state)
			to = state_meaning(t, ends[i].meaning);
	if (to < 0)
		return RC_OK;
	const struct change_request q = { .id = m->item, .fields = STR("{}"), .to_state = str_of(t->states[to].name),
					  .why = STR("how its message ended") };
	enum rc rc = node_viewer(n, &v, err);
	if (rc == RC_OK)
		rc = change_record_tx(tx, n->w.records, &v, &q, a, &view, &errors, err);
	record_view_end(&view);
	return rc == RC_DENIED || rc == RC_ABSENT || rc == RC_CONFLICT || rc == RC_INPUT ? RC_OK : rc;
}

static enum rc follow(struct tx *tx, const struct notify *n, int64_t message, struct arena *a, struct err *err)
{
	struct message m;
	struct uuid id;
	str type;
	enum rc rc = outbox_load(tx_conn(tx), message, a, &m, err);
	if (rc != RC_OK || !str_eq(m.template, STR("mail.letter")) || !record_id_parse(m.item, &type, &id))
		return rc;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	const struct type *t = types_find(snapshot_table(types), type);
	if (t && type_meaning(t, STR("mail.recipient")))
		rc = move(tx, n, t, &m, a, err);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}

enum rc letter_follow(struct tx *tx, const struct notify *n, int64_t message, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	enum rc rc = follow(tx, n, message, a, err);
	arena_free(a);
	return rc;
}

/* --- with the end of the message --- */

struct ending {
	const struct notify *n;
	int64_t id;
	const struct outcome_of *o;
};

static enum rc end_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct ending *e = ctx;
	enum rc rc = outbox_end_tx(tx, e->id, e->o, err);
	return rc == RC_OK ? letter_follow(tx, e->n, e->id, err) : rc;
}

enum rc letter_end(struct notify *n, const struct message *m, const struct outcome_of *o, struct err *err)
{
	struct ending e = { n, m->id, o };
	if (o->outcome == OUTCOME_RETRY || !str_eq(m->template, STR("mail.letter")))
		return outbox_end(n->w.store, m->id, o, err);
	struct store_job job = { .fn = end_job, .ctx = &e, .use_reserve = true };
	store_submit(n->w.store, &job);
	enum rc rc = store_wait(n->w.store, &job, err);
	/* What went out is in the ledger, whatever becomes of the record. */
	return rc == RC_OK || rc == RC_CONFLICT || rc == RC_IO ? rc : outbox_end(n->w.store, m->id, o, err);
}

/* --- in the background --- */

struct looking {
	struct reader *r;
	struct arena *a;
	int64_t list[LOOKED_AT_ONCE];
	size_t count;
	struct err *err;
	enum rc rc;
};

/* The newest message of a letter that is still to be sent: has it ended? thread.c makes it by this name. */
static bool look_at(void *ctx, const struct record_view *v)
{
	struct looking *k = ctx;
	struct sql *q = sql(reader_conn(k->r), "SELECT id, state FROM outbox WHERE maker = ? ORDER BY id DESC LIMIT 1");
	sql_str(q, 1, arena_fmt(k->a, "letter:" STR_FMT, STR_ARG(record_view_id(v, k->a))));
	if (sql_row(q) && sql_col_int(q, 1) >= MESSAGE_SENT)
		k->list[k->count++] = sql_col_int(q, 0);
	k->rc = sql_end(q, k->err);
	return k->rc == RC_OK && k->count < LOOKED_AT_ONCE;
}

static enum rc find_ended(struct looking *k, const struct notify *n, const struct types *t, struct err *err)
{
	struct viewer v;
	const struct type *type = types_meaning(t, STR("mail.recipient"));
	int queued = type ? state_meaning(type, "mail.queued") : -1;
	struct record_query q = { .type = type };
	if (queued < 0)
		return RC_OK;
	q.states = UINT64_C(1) << queued;
	enum rc rc = node_viewer(n, &v, err);
	if (rc == RC_OK)
		rc = read_records(k->r, t, &v, &q, UINT64_MAX, k->a, look_at, k, err);
	return rc == RC_OK ? k->rc : rc;
}

static enum rc follow_job(struct tx *tx, void *ctx, struct err *err)
{
	const struct ending *e = ctx;
	return letter_follow(tx, e->n, e->id, err);
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct notify *n = ctx;
	struct reader *r = NULL;
	struct looking k = { .err = err, .rc = RC_OK };
	*did_out = false;
	if (clock_mono_us() < n->letters_next_us)
		return RC_OK;
	n->letters_next_us = clock_mono_us() + LOOK_EVERY;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	k.r = r;
	k.a = arena_new(KIB(16));
	rc = find_ended(&k, n, snapshot_table(types), err);
	arena_free(k.a);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < k.count; i++) {
		struct ending e = { n, k.list[i], NULL };
		rc = store_write(s, follow_job, &e, err);
	}
	return rc;
}

void letter_state_open(struct notify *n)
{
	store_add_tend(n->w.store, tend, n);
}
