/* SPDX-License-Identifier: Apache-2.0 */
#include "route/lives.h"

#include "base/spill.h"
#include "record/outbox.h"
#include "route/finding_layer.h"

/* What happened, in the order in which it counts when two bear one time. */
enum step { STEP_OPENED = 1, STEP_TOLD, STEP_ANSWERED, STEP_CLAIMED, STEP_GONE, STEP_RETURNED,
	    STEP_HELD };

enum { KEY_BYTES = 16 + 8 + 1 };

static void add_step(struct spill *s, const char id[16], int64_t at_us, enum step step)
{
	char key[KEY_BYTES];
	uint64_t at = (uint64_t)at_us ^ UINT64_C(1) << 63; /* so that bytes sort as numbers */
	memcpy(key, id, 16);
	for (unsigned i = 0; i < 8; i++)
		key[16 + i] = (char)(at >> (56 - 8 * i));
	key[24] = (char)step;
	spill_add(s, str_mem(key, KEY_BYTES), STR(""));
}

static int64_t step_time(str key)
{
	uint64_t at = 0;
	for (unsigned i = 0; i < 8; i++)
		at = at << 8 | (uint8_t)key.p[16 + i];
	return (int64_t)(at ^ UINT64_C(1) << 63);
}

/* --- the three records --- */

static bool take_transition(void *ctx, const struct transition_row *t)
{
	static const enum step steps[] = { [TRANSITION_OPENED] = STEP_OPENED, [TRANSITION_GONE] = STEP_GONE,
					   [TRANSITION_RETURNED] = STEP_RETURNED, [TRANSITION_CHANGED] = 0 };
	char id[16];
	if (!t->exercise && (unsigned)t->what < COUNT_OF(steps) && steps[t->what]) {
		id_bytes(t->finding, id);
		add_step(ctx, id, t->at_us, steps[t->what]);
	}
	return true;
}

static enum rc add_transitions(struct conn *c, struct spill *s, struct err *err)
{
	struct sql *q = sql(c, "SELECT first_seq, body FROM transition_pack ORDER BY last_seq");
	bool sound = true;
	while (sound && sql_row(q))
		sound = pack_read(sql_col_blob(q, 1), (uint64_t)sql_col_int(q, 0), take_transition, s);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !sound)
		return fail(err, RC_INPUT, "packed transitions are damaged");
	if (rc != RC_OK)
		return rc;
	q = sql(c, "SELECT at_us, finding, what, exercise FROM transition");
	while (sql_row(q)) {
		const struct transition_row t = { .at_us = sql_col_int(q, 0), .finding = id_of_bytes(sql_col_blob(q, 1)),
						  .what = (enum transition)sql_col_int(q, 2),
						  .exercise = sql_col_int(q, 3) != 0 };
		(void)take_transition(s, &t);
	}
	return sql_end(q, err);
}

static enum step step_of_ledger(int64_t kind)
{
	return kind == LEDGER_ANSWER ? STEP_ANSWERED : STEP_TOLD;
}

/* ANSWER_FIXED of notify/answers.h, a floor above: stats/figures.c holds both equal. */
enum { SAID_FIXED = 2 };

static enum rc add_answers(struct conn *c, struct spill *s, struct err *err)
{
	struct sql *q = sql(c, "SELECT f.finding, a.at_us, a.kind FROM answer_finding f JOIN answer a ON a.id = f.answer");
	while (sql_row(q)) {
		if (sql_col_blob(q, 0).n != 16)
			continue;
		add_step(s, sql_col_blob(q, 0).p, sql_col_int(q, 1), STEP_ANSWERED);
		if (sql_col_int(q, 2) == SAID_FIXED)
			add_step(s, sql_col_blob(q, 0).p, sql_col_int(q, 1), STEP_CLAIMED);
	}
	return sql_end(q, err);
}

/* Rows of (item, at_us, kind), about findings and to organisations. */
static enum rc take_ledger(struct sql *q, struct spill *s, struct err *err)
{
	while (sql_row(q)) {
		str hex = str_from(sql_col_str(q, 0), STR("finding--").n);
		char id[16];
		if (hex_parse(hex, id, sizeof(id)))
			add_step(s, id, sql_col_int(q, 1), step_of_ledger(sql_col_int(q, 2)));
	}
	return sql_end(q, err);
}

static struct sql *with_kinds(struct sql *q)
{
	sql_int(q, 1, LEDGER_SENT);
	sql_int(q, 2, LEDGER_ANSWER);
	sql_int(q, 3, LEDGER_SAID);
	sql_int(q, 4, LEDGER_BOUNCED);
	return q;
}

/* Of an answer that is kept by itself it is known which findings it is about: not all of the message.
 * What bounced for good reached nobody, until it was sent again to another address.
 * "finding-." comes right behind every "finding--…", "organisation-." behind the other. */
static enum rc add_ledger(struct conn *c, struct spill *s, struct err *err)
{
	enum rc rc = take_ledger(with_kinds(sql(c,
		"SELECT v.item, l.at_us, l.kind FROM ledger l JOIN outbox_cover v ON v.message = l.message"
		" WHERE l.message > 0 AND l.kind IN (?1, ?2, ?3) AND l.recipient >= 'organisation--'"
		" AND l.recipient < 'organisation-.' AND v.item >= 'finding--' AND v.item < 'finding-.'"
		" AND (l.kind <> ?2 OR NOT EXISTS (SELECT 1 FROM answer a WHERE a.message = l.message))"
		" AND NOT EXISTS (SELECT 1 FROM ledger b WHERE b.message = l.message AND b.message > 0"
		" AND b.kind = ?4 AND b.id > l.id AND b.reference NOT LIKE 'bounce:4%')")), s, err);
	if (rc != RC_OK)
		return rc;
	return take_ledger(with_kinds(sql(c,
		"SELECT item, at_us, kind FROM ledger WHERE item >= 'finding--' AND item < 'finding-.'"
		" AND kind IN (?1, ?2, ?3) AND recipient >= 'organisation--' AND recipient < 'organisation-.'"
		" AND NOT EXISTS (SELECT 1 FROM ledger b WHERE b.message = ledger.message AND b.message > 0"
		" AND b.kind = ?4 AND b.id > ledger.id AND b.reference NOT LIKE 'bounce:4%')")), s, err);
}

static enum rc add_marks(struct conn *c, struct spill *s, struct err *err)
{
	static const enum step steps[] = { [MARK_TOLD] = STEP_TOLD, [MARK_ANSWERED] = STEP_ANSWERED,
					   [MARK_HELD] = STEP_HELD };
	struct sql *q = sql(c, "SELECT id, at_us, mark FROM finding_mark");
	while (sql_row(q)) {
		uint64_t mark = (uint64_t)sql_col_int(q, 2);
		if (sql_col_blob(q, 0).n == 16 && mark < COUNT_OF(steps) && steps[mark])
			add_step(s, sql_col_blob(q, 0).p, sql_col_int(q, 1), steps[mark]);
	}
	return sql_end(q, err);
}

/* --- one finding after the other --- */

static void note(int64_t *us, int64_t at_us)
{
	if (*us == 0)
		*us = at_us;
}

static void live(struct life *l, enum step step, int64_t at_us)
{
	switch (step) {
	case STEP_OPENED:
		note(&l->opened_us, at_us);
		break;
	case STEP_TOLD:
		note(&l->told_us, at_us);
		break;
	case STEP_CLAIMED:
		note(&l->claimed_us, at_us);
		break;
	case STEP_ANSWERED:
		if (l->told_us)
			note(&l->answered_us, at_us);
		break;
	case STEP_GONE:
		note(&l->gone_us, at_us);
		if (l->told_us)
			note(&l->fixed_us, at_us);
		break;
	case STEP_RETURNED:
		l->returns++;
		l->relapsed = l->relapsed || l->claimed_us != 0;
		break;
	case STEP_HELD:
		l->held_us = at_us;
		break;
	}
}

struct merging {
	struct spill *s;
	str key;
	bool has;
};

static void next_step(struct merging *m)
{
	str value;
	m->has = spill_next(m->s, &m->key, &value) && m->key.n == KEY_BYTES;
}

/* Its steps; those of findings that are no more, or may not be shown, are passed by. */
static struct life life_of(struct merging *m, const struct finding_row *f)
{
	struct life l = { 0 };
	char id[16];
	id_bytes(f->id, id);
	while (m->has && memcmp(m->key.p, id, 16) < 0)
		next_step(m);
	for (; m->has && memcmp(m->key.p, id, 16) == 0; next_step(m))
		live(&l, (enum step)m->key.p[24], step_time(m->key));
	note(&l.opened_us, f->first_us);
	return l;
}

static enum rc walk(struct reader *r, const struct lives_query *q, struct spill *s, life_each each, void *ctx,
		    struct err *err)
{
	struct merging m = { .s = s };
	struct arena *a = arena_new(KIB(8));
	struct finding_row row;
	struct view v;
	bool more = true;
	enum rc rc = view_begin(&v, r, NULL, true, err);
	if (rc == RC_OK) {
		rc = view_walk(&v, (struct hash128){ 0, 0 }, err);
		next_step(&m);
		while (rc == RC_OK && more && view_next(&v, a, &row, &rc, err)) {
			struct life l = life_of(&m, &row);
			struct finding f;
			finding_of_row(&row, &f);
			f.held_us = l.held_us;
			if (!row.exercise && q->tlp_mask >> row.tlp & 1)
				more = each(ctx, &f, &l);
			arena_reset(a);
		}
		enum rc end = view_walk_end(&v, rc == RC_OK ? err : NULL);
		rc = rc == RC_OK ? end : rc;
		view_end(&v);
	}
	arena_free(a);
	return rc;
}

enum rc lives_each(struct reader *r, const struct lives_query *q, life_each each, void *ctx, struct err *err)
{
	struct conn *c = reader_conn(r);
	struct spill *s = spill_new(q->dir, q->memory ? q->memory : SPILL_MEMORY);
	enum rc rc = add_transitions(c, s, err);
	if (rc == RC_OK)
		rc = add_ledger(c, s, err);
	if (rc == RC_OK)
		rc = add_answers(c, s, err);
	if (rc == RC_OK)
		rc = add_marks(c, s, err);
	if (rc == RC_OK)
		rc = spill_sort(s, err);
	if (rc == RC_OK)
		rc = walk(r, q, s, each, ctx, err);
	if (rc == RC_OK)
		rc = spill_ok(s, err);
	spill_free(s);
	return rc;
}
