/* SPDX-License-Identifier: Apache-2.0 */
/* Between the making of a rule's message and its sending hours may pass: before each try what it covers is asked
 * again. What is not to be told any more is taken out of it and is untold, as if it had not been made. */
#include "notify/last_resort.h"
#include "notify/teller_private.h"

struct fitting {
	struct notify *n;
	struct reader *r;
	const struct types *types;
	const struct message *m;
	struct rule_set *set;        /* NULL: the rules stand as they stood */
	struct tell_judge judge;
	struct told_to to;
	struct uuid organisation;    /* of the row before: most are of one */
	str id;                      /* its own */
	struct tell_row *back;
	str *items;                  /* of those */
	size_t back_count, cover_count;
	struct arena *a, *one;       /* `one`: of one row */
	struct err *err;
};

/* --- the rule --- */

static enum rc find_rule(struct fitting *k, bool *active_out)
{
	struct uuid id;
	str type;
	*active_out = record_id_parse(k->m->item, &type, &id);
	if (!*active_out)
		return RC_OK;
	struct sql *q = sql(reader_conn(k->r), "SELECT 1 FROM tell_rule WHERE rule = ?");
	sql_blob(q, 1, tell_uuid(&id));
	*active_out = sql_row(q);
	return sql_end(q, k->err);
}

/* Inhibitions count as they are now; they are read anew only when they changed since. */
static enum rc load_rules(struct fitting *k)
{
	int64_t made = -1, now = 0;
	struct json_object *details = NULL;
	enum rc rc = teller_stamp(reader_conn(k->r), &now, k->err);
	if (rc == RC_OK && json_read(k->m->details, &details, NULL) == RC_OK)
		(void)json_get_i64(details, "stamp", &made);
	json_free(details);
	return rc == RC_OK && made != now ? rules_load(k->n, k->r, k->types, (struct uuid){ { 0 } }, &k->set, k->err) : rc;
}

/* --- what it covers --- */

static enum rc find_org(struct fitting *k, const struct uuid *organisation)
{
	if (uuid_equal(&k->organisation, organisation) && k->judge.org)
		return RC_OK;
	if (last_resort_is(organisation)) {
		k->judge.org = 0;
		k->judge.organisation = k->organisation = *organisation;
		k->id = k->m->recipient;
		return RC_OK;
	}
	struct sql *q = sql(reader_conn(k->r), "SELECT id FROM org WHERE record = ? AND gone = 0");
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	sql_blob(q, 1, tell_uuid(organisation));
	k->judge.org = sql_row(q) ? sql_col_int(q, 0) : 0;
	k->judge.organisation = k->organisation = *organisation;
	record_id_format(&id, STR("organisation"), organisation);
	k->id = arena_str(k->a, buf_str(&id));
	buf_free(&id);
	return sql_end(q, k->err);
}

static void put_back(struct fitting *k, const struct tell_row *row, str item)
{
	k->back[k->back_count] = *row;
	k->items[k->back_count++] = item;
}

static enum rc judge_row(struct fitting *k, struct tell_row *row, str item)
{
	struct finding f;
	struct tell_answer answer = { .at_us = 0 };
	const struct inhibition *i = NULL;
	enum tell_state state = TELL_DUE;
	int64_t until_us = 0;
	enum rc rc = find_org(k, &row->organisation);
	arena_reset(k->one);
	if (rc == RC_OK)
		rc = tell_judge(&k->judge, row->finding, k->one, &f, &state, &until_us, &i, k->err);
	if (rc == RC_OK && state == TELL_DUE && row->told > 1)
		rc = tell_answer_of(reader_conn(k->r), row->finding, k->id, k->one, &answer, k->err);
	if (rc == RC_OK && tell_is_disputed(&answer, row)) {
		state = TELL_DISPUTED;
		until_us = k->judge.now_us + TELL_DISPUTED_US;
	}
	if (rc == RC_OK && state != TELL_DUE) {
		row->state = state;
		row->next_us = until_us;
		put_back(k, row, item);
	}
	return rc;
}

static enum rc judge_cover(struct fitting *k, str item, bool active)
{
	struct tell_row *list = NULL;
	size_t count = 0;
	struct hash128 id;
	if (!tell_finding_parse(item, &id))
		return RC_OK;
	enum rc rc = tell_rows_of(reader_conn(k->r), id, k->a, &list, &count, k->err);
	/* No row of it: another message told it since, or it was taken back before. */
	struct tell_row none = { .finding = id }, *row = &none;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		row = list[i].message == k->m->id ? &list[i] : row;
	if (rc == RC_OK && active && row != &none)
		return judge_row(k, row, item);
	row->state = TELL_OVER;
	row->next_us = 0;
	put_back(k, row, item);
	return rc;
}

static enum rc judge_covers(struct fitting *k, bool active)
{
	struct cover *covers = NULL;
	enum rc rc = outbox_covers(reader_conn(k->r), k->m->id, k->a, &covers, &k->cover_count, k->err);
	k->back = ARENA_ARRAY(k->a, k->cover_count + 1, struct tell_row);
	k->items = ARENA_ARRAY(k->a, k->cover_count + 1, str);
	for (size_t i = 0; rc == RC_OK && i < k->cover_count; i++)
		rc = judge_cover(k, covers[i].item, active);
	return rc;
}

/* --- taken out --- */

static enum rc take_back(struct tx *tx, const struct fitting *k, struct tell_row row, str item, struct err *err)
{
	struct tell_row *list = NULL;
	size_t count = 0;
	enum rc rc = tell_rows_of(tx_conn(tx), row.finding, k->a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (!uuid_equal(&list[i].organisation, &row.organisation) || list[i].message != k->m->id)
			continue; /* something else became of it meanwhile */
		list[i].message = 0;
		rc = tell_row_back(tx, &list[i], row.state, row.next_us, err);
	}
	return rc == RC_OK && k->back_count < k->cover_count ? outbox_uncover(tx, k->m->id, item, err) : rc;
}

static enum rc write_back(struct tx *tx, void *ctx, struct err *err)
{
	const struct fitting *k = ctx;
	int64_t counts[TELL_STATES] = { 0 };
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->back_count; i++) {
		rc = take_back(tx, k, k->back[i], k->items[i], err);
		counts[k->back[i].state]++;
	}
	return rc == RC_OK ? tell_count_add(tx, counts, tx_now_us(tx), err) : rc;
}

static enum rc read_all(struct fitting *k, bool *active_out)
{
	enum rc rc = find_rule(k, active_out);
	if (rc == RC_OK)
		rc = load_rules(k);
	if (rc == RC_OK)
		rc = tell_told_to(k->n, k->r, k->types, k->m->recipient, k->m->driver, k->a, &k->to, k->err);
	k->judge = (struct tell_judge){ .n = k->n, .r = k->r, .types = k->types, .set = k->set, .to = &k->to,
					.gone = str_eq(k->m->template, STR("told.gone")), .now_us = clock_now_us() };
	return rc == RC_OK ? judge_covers(k, *active_out) : rc;
}

/* What is read behind it stands as it was written. */
static enum rc write_and_look(struct fitting *k, struct reader **r)
{
	store_read_end(*r);
	*r = NULL;
	enum rc rc = store_write(k->n->w.store, write_back, k, k->err);
	return rc == RC_OK ? store_read_begin(k->n->w.store, r, k->err) : rc;
}

enum rc teller_fit(struct notify *n, struct reader **r, const struct types *types, const struct message *m,
		   struct arena *a, struct err *err)
{
	struct fitting k = { .n = n, .r = *r, .types = types, .m = m, .a = a, .err = err };
	bool active = false;
	if (!str_starts(m->maker, STR("teller:")))
		return RC_OK;
	k.one = arena_new(KIB(16));
	enum rc rc = read_all(&k, &active);
	rules_free(k.set);
	arena_free(k.one);
	if (rc == RC_OK && k.back_count)
		rc = write_and_look(&k, r);
	if (rc == RC_OK && !active)
		return fail(err, RC_DENIED, "its rule has ended");
	if (rc == RC_OK && k.back_count && k.back_count == k.cover_count)
		return fail(err, RC_DENIED, "nothing of what it covers is to be told any more: %s",
			    tell_state_words(k.back[0].state));
	return rc;
}

/* --- what no sender takes --- */

struct refusing {
	int64_t id;
	struct outcome_of o;
};

static enum rc refuse_it(struct tx *tx, void *ctx, struct err *err)
{
	const struct refusing *k = ctx;
	enum rc rc = outbox_take_one(tx, k->id, err);
	return rc == RC_OK ? outbox_end_tx(tx, k->id, &k->o, err) : rc;
}

enum rc teller_fit_waiting(struct notify *n, int64_t id, struct arena *a, struct err *err)
{
	struct message m;
	struct reader *r = NULL;
	struct err why = { 0 }, at_end = { 0 };
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = outbox_load(reader_conn(r), id, a, &m, err);
	if (rc != RC_OK || m.state != MESSAGE_QUEUED) {
		store_read_end(r);
		return rc;
	}
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	rc = teller_fit(n, &r, snapshot_table(types), &m, a, &why);
	store_read_end(r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	struct refusing k = { id, { .outcome = OUTCOME_REFUSED, .policy = policies_number(n->w.policies), .rule = "",
				    .cut = STR(""), .reference = STR(""), .words = str_of(why.text) } };
	enum rc end = rc == RC_DENIED ? store_write(n->w.store, refuse_it, &k, &at_end) : RC_OK;
	if (end != RC_OK && end != RC_CONFLICT)
		return fail(err, end, "%s", at_end.text);
	return rc == RC_OK ? rc : fail(err, rc, "%s", why.text);
}
