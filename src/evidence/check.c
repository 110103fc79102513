/* SPDX-License-Identifier: Apache-2.0 */
/* The weekly reading again: a piece at a time, as fast as the setting allows. */
#include "evidence/evidence_private.h"

#include "disclosure/policy.h"
#include "record/outbox.h"

enum { PIECE = 1 << 20 };

struct checking {
	struct arena *a;
	int64_t id;
	struct uuid exhibit;
	unsigned n;
	struct digest stored, is;
	struct vault_out *out;
	struct sums *sums;
	int64_t last_us;   /* monotonic: of the last reading */
	enum item_state state;
	unsigned char piece[PIECE];
};

static void end_item(struct checking *c)
{
	struct digest d;
	unsigned char none[64];
	if (c->sums)
		sums_end(c->sums, &d, none);
	vault_out_end(c->out);
	c->sums = NULL;
	c->out = NULL;
	c->id = 0;
}

void checking_free(struct checking *c)
{
	if (!c)
		return;
	end_item(c);
	free(c);
}

/* The one not looked at for longest, when that is too long. */
static enum rc next_item(struct evidence *e, struct checking *c, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(e->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT id, evidence, n, stored FROM evidence_item WHERE state <> 3 AND"
					    " checked_us < ? ORDER BY checked_us LIMIT 1");
	sql_int(q, 1, clock_now_us() - e->o.check_every_us);
	if (sql_row(q)) {
		c->id = sql_col_int(q, 0);
		memcpy(c->exhibit.b, sql_col_blob(q, 1).p, sizeof(c->exhibit.b));
		c->n = (unsigned)sql_col_int(q, 2);
		memcpy(c->stored.b, sql_col_blob(q, 3).p, sizeof(c->stored.b));
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* A notice to the lead and a line of the journal: once for each new state of an item. */
static enum rc raise_alarm(struct tx *tx, struct evidence *e, const struct checking *c, int64_t checked_us,
		     struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct buf details = BUF_INIT(KIB(4));
	struct json_out j = json_out(&details);
	str item = id_text(a, STR("evidence"), &c->exhibit);
	json_open(&j, '{');
	json_put_i64(&j, "item", c->n);
	json_put_str(&j, "state", str_of(item_state_name(c->state)));
	json_put_str(&j, "words", arena_fmt(a, "item %u %s: 'ronda evidence verify' says more", c->n,
					    c->state == ITEM_MISSING ? "is missing" : "is not what was put in"));
	json_close(&j, '}');
	struct policies *p = e->o.policies ? *e->o.policies : NULL;
	struct message m = { .lane = LANE_WARNING, .driver = STR("notice"), .recipient = STR("role:lead"),
			     .item = item, .item_version = 1, .template = STR("evidence.alarm"),
			     .details = buf_str(&details), .purpose = PURPOSE_HANDLING,
			     .policy = p ? policies_number(p) : 0,
			     .maker = arena_fmt(a, "evidence:%lld", (long long)c->id),
			     .made_at = (uint64_t)checked_us };
	struct journal_act act = { .act = "evidence.alarm", .actor = STR("node"), .object = item, .count = c->n,
				   .root = c->stored, .body = buf_str(&details) };
	enum rc rc = outbox_put(tx, &m, NULL, 0, NULL, err);
	if (rc == RC_OK)
		rc = journal_add(tx, e->j, &act, err);
	buf_free(&details);
	arena_free(a);
	return rc;
}

struct marking {
	struct evidence *e;
	const struct checking *c;
};

static enum rc mark_item(struct tx *tx, void *ctx, struct err *err)
{
	struct marking *m = ctx;
	struct sql *q = sql(tx_conn(tx), "SELECT state FROM evidence_item WHERE id = ?");
	sql_int(q, 1, m->c->id);
	bool found = sql_row(q);
	int64_t was = found ? sql_col_int(q, 0) : ITEM_DESTROYED;
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || was == ITEM_DESTROYED)
		return rc;
	q = sql(tx_conn(tx), "UPDATE evidence_item SET state = ?, checked_us = ? WHERE id = ?");
	sql_int(q, 1, m->c->state);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, m->c->id);
	rc = sql_run(q, err);
	if (rc == RC_OK && m->c->state != ITEM_GOOD && was != (int64_t)m->c->state)
		rc = raise_alarm(tx, m->e, m->c, tx_now_us(tx), err);
	return rc;
}

static enum rc finish(struct evidence *e, struct checking *c, enum item_state state, struct err *err)
{
	struct marking m = { e, c };
	c->state = state;
	enum rc rc = store_write(e->s, mark_item, &m, err);
	end_item(c);
	return rc;
}

static enum rc read_piece(struct evidence *e, struct checking *c, struct err *err)
{
	size_t got = 0;
	unsigned char none[64];
	struct err why = { 0 };
	enum rc rc = vault_out_read(c->out, c->piece, sizeof(c->piece), &got, &why);
	if (rc != RC_OK) /* a disk that cannot be read is no proof that the bytes changed, but somebody must look */
		return finish(e, c, ITEM_DIFFERS, err);
	if (got) {
		sums_add(c->sums, str_mem(c->piece, got));
		return RC_OK;
	}
	sums_end(c->sums, &c->is, none);
	c->sums = NULL;
	return finish(e, c, memcmp(c->is.b, c->stored.b, sizeof(c->is.b)) == 0 ? ITEM_GOOD : ITEM_DIFFERS, err);
}

static enum rc begin_item(struct evidence *e, struct checking *c, struct err *err)
{
	struct err why;
	enum rc rc = next_item(e, c, err);
	if (rc != RC_OK || !c->id)
		return rc;
	rc = vault_out_new(e->vault, &c->stored, NULL, &c->out, &why);
	if (rc == RC_ABSENT)
		return finish(e, c, ITEM_MISSING, err);
	if (rc != RC_OK)
		return finish(e, c, ITEM_DIFFERS, err);
	c->sums = sums_new();
	return RC_OK;
}

/* So much may be read by now; never more than a second's worth at once. */
static uint64_t budget(struct evidence *e, struct checking *c, int64_t now)
{
	int64_t since = c->last_us ? now - c->last_us : SECOND_US;
	since = since > SECOND_US ? SECOND_US : since;
	uint64_t rate = e->o.check_rate > PIECE ? e->o.check_rate : PIECE;
	return (uint64_t)since * (rate >> 10) / (uint64_t)(SECOND_US >> 10);
}

enum rc evidence_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct evidence *e = ctx;
	int64_t now = clock_mono_us();
	enum rc rc = RC_OK;
	*did_out = false; /* it is paced: nobody calls again at once for its sake */
	if (store_read_only(s) || !e->vault)
		return RC_OK;
	if (!e->checking)
		e->checking = x_alloc(sizeof(*e->checking));
	struct checking *c = e->checking;
	uint64_t left = budget(e, c, now);
	if (left < PIECE)
		return RC_OK;
	c->last_us = now;
	if (!c->id)
		rc = items_sweep(e, err);
	if (rc == RC_OK && !c->id)
		rc = begin_item(e, c, err);
	for (; rc == RC_OK && c->id && left >= PIECE; left -= PIECE)
		rc = read_piece(e, c, err);
	return rc;
}
