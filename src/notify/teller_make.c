/* SPDX-License-Identifier: Apache-2.0 */
/* From rows that are due to messages: one for each recipient, rule, class and period. */
#include "notify/last_resort.h"
#include "notify/rehearsal.h"
#include "notify/teller_private.h"

enum { HISTORY_MOST = 20, NO_CONTACT_DAYS = 1 };

struct making {
	struct teller *t;
	struct notify *n;
	struct reader *r;
	const struct types *types;
	struct arena *a;
	int64_t now_us;
	/* the group */
	const struct rule *rule;
	const struct rule_org *org;
	const struct calendar *calendar;
	struct tell_row *rows;
	size_t count;
	str recipient;
	const char *driver;
	struct last_resort named;    /* who names him, when it is a contact of last resort */
	bool live;
	/* what the job writes: all rows, and a message about those that are covered */
	struct cover *covers;
	size_t cover_count;
	struct tell_row *covered;
	struct tell_answer *answers; /* of each covered one */
	int64_t counts[TELL_STATES];
	struct message message;
	char period[RULE_PERIOD_BYTES];
	bool rule_ended;
	struct err *err;
};

/* All of the group, as they are now, at another time or not any more. */
static void all_to(struct making *k, enum tell_state state, int64_t next_us)
{
	for (size_t i = 0; i < k->count; i++) {
		k->rows[i].next_us = next_us;
		if (state != k->rows[i].state && state != TELL_DUE)
			k->counts[state]++;
		k->rows[i].state = state;
	}
}

static bool put_off(struct making *k, int64_t next_us)
{
	if (next_us <= k->now_us)
		return false;
	for (size_t i = 0; i < k->count; i++)
		k->rows[i].next_us = next_us;
	return true;
}

/* --- the group --- */

static enum rc find_contact(struct making *k, const struct tell_row *key)
{
	struct rule_org *org = ARENA_NEW(k->a, struct rule_org);
	*org = (struct rule_org){ .record = key->organisation, .zone = STR(""), .usable = true, .last_resort = true };
	enum rc rc = last_resort_recipient(reader_conn(k->r), &key->organisation, k->a, &org->id, k->err);
	k->org = rc == RC_OK && org->id.n > 0 ? org : NULL;
	return rc;
}

static enum rc find_org(struct making *k, struct rule_orgs *orgs, const struct tell_row *key)
{
	int64_t number = 0;
	if (last_resort_is(&key->organisation))
		return find_contact(k, key);
	struct sql *q = sql(reader_conn(k->r), "SELECT id FROM org WHERE record = ? AND gone = 0");
	sql_blob(q, 1, tell_uuid(&key->organisation));
	if (sql_row(q))
		number = sql_col_int(q, 0);
	enum rc rc = sql_end(q, k->err);
	if (rc == RC_OK && number)
		rc = rule_orgs_get(orgs, k->r, k->types, number, &k->org, k->err);
	if (k->org && !k->org->usable)
		k->org = NULL;
	return rc;
}

/* --- who answers nothing goes up the ladder --- */

static bool regroup(struct making *k, struct tell_row *row, const struct finding *f)
{
	if (row->last_us && f->answered_us >= row->last_us)
		row->unanswered = 0;
	int want = k->org->last_resort ? 0 : tell_step_wanted(k->rule, row->unanswered), may = tell_step_allowed(k->n, k->rule, want);
	if (want > may)
		k->counts[TELL_ABOVE]++;
	bool other = may != row->step && row->what != TRANSITION_GONE;
	if (other)
		row->step = may;
	return other; /* it is due as it is, in another group */
}

/* --- each finding of it --- */

static enum rc judge_row(struct making *k, const struct tell_judge *j, struct tell_row *row, int64_t since_us)
{
	struct finding f = { .held_us = 0 };
	struct arena *a = arena_new(KIB(8));
	const struct inhibition *i = NULL;
	enum tell_state state = TELL_DUE;
	struct tell_answer answer = { .at_us = 0 };
	int64_t until_us = 0;
	char id[48];
	enum rc rc = tell_judge(j, row->finding, a, &f, &state, &until_us, &i, k->err);
	if (rc == RC_OK && state == TELL_DUE && k->live && row->at_us < since_us)
		state = TELL_OLD;
	if (rc == RC_OK && state == TELL_DUE && row->told)
		rc = tell_answer_of(reader_conn(k->r), row->finding, k->org->id, a, &answer, k->err);
	if (rc == RC_OK && state == TELL_DUE && tell_is_disputed(&answer, row)) {
		state = TELL_DISPUTED;
		until_us = k->now_us + TELL_DISPUTED_US;
	}
	if (rc == RC_OK && state != TELL_DUE) {
		if (state != row->state)
			k->counts[state]++;
		row->state = state;
		row->next_us = until_us;
	} else if (rc == RC_OK && !regroup(k, row, &f)) {
		k->covers[k->cover_count].item = arena_str(k->a, tell_finding_id(row->finding, id));
		k->covers[k->cover_count].version = 0;
		if (k->org->last_resort && k->cover_count == 0)
			(void)last_resort_named(k->n, &f, k->org->id, k->a, &k->named);
		k->answers[k->cover_count] = answer;
		k->covered[k->cover_count++] = *row;
		row->message = -1; /* written with the message */
	}
	arena_free(a);
	return rc;
}

/* A group is of one recipient: what came back, what is new and what is gone are told apart by the row, so that
 * a message about what is gone says nothing else. */
static enum rc judge_rows(struct making *k, const struct told_to *to, int64_t since_us)
{
	enum rc rc = RC_OK;
	bool gone = k->rows[0].what == TRANSITION_GONE;
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		const struct tell_judge j = { .n = k->n, .r = k->r, .types = k->types, .set = k->t->set,
					      .organisation = k->org->record, .org = k->org->org, .to = to,
					      .gone = gone, .now_us = k->now_us };
		if ((k->rows[i].what == TRANSITION_GONE) == gone)
			rc = judge_row(k, &j, &k->rows[i], since_us);
	}
	return rc;
}

/* --- the message --- */

static str write_details(struct making *k)
{
	struct buf b = BUF_INIT(OUTBOX_DETAILS_MAX);
	struct json_out j = json_out(&b);
	int64_t since = INT64_MAX, repeat = 0;
	size_t listed = 0;
	bool gone = k->covered[0].what == TRANSITION_GONE, claimed = false;
	for (size_t i = 0; i < k->cover_count; i++) {
		claimed = claimed || (k->answers[i].kind == ANSWER_FIXED && !gone);
		since = k->covered[i].at_us < since ? k->covered[i].at_us : since;
		repeat = k->covered[i].told > repeat ? k->covered[i].told : repeat;
	}
	json_open(&j, '{');
	json_put_str(&j, "rule", k->rule->record);
	json_put_str(&j, "class", k->covered[0].class);
	json_put_str(&j, "period", str_of(k->period));
	if (repeat > 0) /* absent: the first time */
		json_put_i64(&j, "repeat", repeat);
	json_put_i64(&j, "step", k->covered[0].step);
	json_put_i64(&j, "stamp", k->t->stamp); /* the rules as they stood */
	json_put_bool(&j, "gone", gone);
	json_put_bool(&j, "claimed", claimed); /* they said that some of it was fixed */
	json_put_time(&j, "since", since);
	if (k->named.email.n > 0)
		last_resort_put(&k->named, &j);
	json_key(&j, STR("history"));
	json_open(&j, '[');
	for (size_t i = 0; i < k->cover_count && listed < HISTORY_MOST; i++) {
		const struct tell_row *row = &k->covered[i];
		if (!row->last_us || row->state == TELL_REHEARSED)
			continue;
		listed++;
		json_open(&j, '{');
		json_put_str(&j, "finding", k->covers[i].item);
		json_put_i64(&j, "told", row->told);
		json_put_time(&j, "last", row->last_us);
		json_put_bool(&j, "returned", row->what == TRANSITION_RETURNED);
		if (k->answers[i].at_us) {
			json_put_str(&j, "answer", str_of(answer_kind_name(k->answers[i].kind)));
			json_put_time(&j, "answered", k->answers[i].at_us);
		}
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	str text = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	return text;
}

static int64_t again_at(const struct making *k, const struct tell_row *row)
{
	if (!k->rule->repeat_us || row->what == TRANSITION_GONE)
		return 0;
	/* An hour less: a daily one that is due at eight comes at eight, not a day later. */
	int64_t from = k->now_us + k->rule->repeat_us - (k->rule->pace == PACE_ONCE ? k->rule->pause_us : HOUR_US);
	return rule_quiet_end(k->rule, k->calendar, rule_next(k->rule, k->calendar, from));
}

static enum rc put_message(struct tx *tx, struct making *k, int64_t *id_out, struct err *err)
{
	uint64_t at = 0;
	enum rc rc = outbox_cursor(tx_conn(tx), STR("tell:messages"), &at, err);
	if (rc == RC_OK)
		rc = outbox_cursor_move(tx, STR("tell:messages"), at, at + 1, err);
	k->message.made_at = at + 1;
	if (rc == RC_OK)
		rc = outbox_put(tx, &k->message, k->covers, k->cover_count, id_out, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO tell_message (message, recipient, rule, class, period, at_us,"
					 " findings) VALUES (?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, *id_out);
	sql_str(q, 2, k->recipient);
	sql_blob(q, 3, tell_uuid(&k->rule->id));
	sql_str(q, 4, k->covered[0].class);
	sql_str(q, 5, str_of(k->period));
	sql_int(q, 6, k->now_us);
	sql_int(q, 7, (int64_t)k->cover_count);
	return sql_run(q, err);
}

static enum rc still_active(struct tx *tx, const struct making *k, bool *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT 1 FROM tell_rule WHERE rule = ?");
	sql_blob(q, 1, tell_uuid(&k->rule->id));
	*out = sql_row(q);
	return sql_end(q, err);
}

static enum rc write_group(struct tx *tx, void *ctx, struct err *err)
{
	struct making *k = ctx;
	int64_t id = 0;
	bool active = true;
	enum rc rc = k->cover_count ? still_active(tx, k, &active, err) : RC_OK;
	if (rc != RC_OK || !active) /* ended meanwhile: the next look sees it */
		return rc;
	if (k->cover_count)
		rc = put_message(tx, k, &id, err);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++)
		if (k->rows[i].message >= 0)
			rc = tell_row_put(tx, &k->rows[i], err);
	for (size_t i = 0; rc == RC_OK && i < k->cover_count; i++) {
		struct tell_row row = k->covered[i];
		bool gone = row.what == TRANSITION_GONE;
		row.next_us = again_at(k, &row);
		row.told++;
		row.unanswered++;
		row.last_us = k->now_us;
		row.message = id;
		row.state = gone ? TELL_OVER : k->live ? TELL_TOLD : TELL_REHEARSED;
		k->counts[k->live ? TELL_TOLD : TELL_REHEARSED]++;
		rc = tell_row_put(tx, &row, err);
	}
	return rc == RC_OK ? tell_count_add(tx, k->counts, k->now_us, err) : rc;
}

/* Quiet hours, the cap, and the period that had its message already. */
static enum rc may_wait(struct making *k, bool *waits_out)
{
	int64_t made = 0, first_us = 0, findings = -1;
	str class = k->rows[0].class;
	*waits_out = put_off(k, rule_quiet_end(k->rule, k->calendar, k->now_us));
	if (*waits_out)
		return RC_OK;
	enum rc rc = tell_messages_hour(reader_conn(k->r), k->recipient, k->now_us, &made, &first_us, k->err);
	if (rc == RC_OK && made >= k->rule->cap) {
		*waits_out = put_off(k, first_us + HOUR_US);
		return RC_OK;
	}
	str period = rule_period(k->rule, k->calendar, k->now_us, k->period);
	if (rc == RC_OK)
		rc = tell_message_of(reader_conn(k->r), k->recipient, k->rule, class, period, &findings, k->err);
	if (rc == RC_OK && findings >= 0 && findings < TELL_COVERS_MAX)
		*waits_out = put_off(k, k->rule->pace == PACE_ONCE ? k->now_us + SECOND_US :
								      rule_next(k->rule, k->calendar, k->now_us));
	return rc;
}

static enum rc make_one(struct making *k)
{
	struct told_to to;
	bool waits = false;
	int64_t since_us = 0;
	enum rc rc = tell_recipient(k->r, k->types, k->rule, k->org, k->rows[0].step, k->a, &k->recipient, k->err);
	if (rc == RC_OK)
		rc = tell_driver(k->n, k->r, k->types, k->rule, k->a, &k->recipient, &k->driver, k->err);
	if (rc == RC_OK && !k->driver) {
		all_to(k, TELL_NO_CONTACT, k->now_us + NO_CONTACT_DAYS * DAY_US);
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = may_wait(k, &waits);
	if (rc != RC_OK || waits)
		return rc;
	rc = tell_told_to(k->n, k->r, k->types, k->recipient, str_of(k->driver), k->a, &to, k->err);
	if (rc == RC_OK)
		rc = rehearsal_since(reader_conn(k->r), to.viewer.organisation, k->rows[0].class, &k->live, &since_us, k->err);
	k->covers = ARENA_ARRAY(k->a, k->count + 1, struct cover);
	k->covered = ARENA_ARRAY(k->a, k->count + 1, struct tell_row);
	k->answers = ARENA_ARRAY(k->a, k->count + 1, struct tell_answer);
	if (rc == RC_OK)
		rc = judge_rows(k, &to, since_us);
	if (rc == RC_OK && k->cover_count)
		k->message = tell_message(k->rule, k->recipient, k->driver, k->covered[0].class, write_details(k),
					  policies_number(k->n->w.policies), k->a);
	if (rc == RC_OK && k->cover_count && k->covered[0].what == TRANSITION_GONE)
		k->message.template = STR("told.gone");
	return rc;
}

static enum rc make_group(struct making *k, struct rule_orgs *orgs, const struct tell_row *key)
{
	k->rule = rules_find(k->t->set, key->rule);
	int64_t slack = k->rule && k->rule->pace == PACE_ONCE ? k->rule->pause_us : 0;
	enum rc rc = tell_group_rows(reader_conn(k->r), key, k->now_us + slack, TELL_COVERS_MAX, k->a, &k->rows, &k->count,
				     k->err);
	if (rc == RC_OK)
		rc = find_org(k, orgs, key);
	if (rc != RC_OK)
		return rc;
	if (!k->rule) {
		all_to(k, TELL_OVER, 0);
	} else if (!k->org) {
		all_to(k, TELL_NO_CONTACT, k->now_us + NO_CONTACT_DAYS * DAY_US);
	} else {
		k->calendar = teller_calendar(k->t, k->org->zone);
		rc = make_one(k);
	}
	return rc == RC_OK ? store_write(k->n->w.store, write_group, k, k->err) : rc;
}

/* What hinders one group hinders no other: said, and tried again in an hour. */
static enum rc set_aside(struct making *k, enum rc rc, const struct err *why, struct err *err)
{
	if (rc == RC_BUSY || rc == RC_IO || k->count == 0)
		return fail(err, rc, "%s", why->text);
	log_warn(k->n->w.log, "what a rule tells is put off", L_Z("why", why->text));
	k->err = err;
	k->cover_count = 0;
	memset(k->counts, 0, sizeof k->counts);
	for (size_t i = 0; i < k->count; i++) {
		k->rows[i].message = k->rows[i].message < 0 ? 0 : k->rows[i].message;
		k->rows[i].next_us = k->now_us + HOUR_US;
	}
	return store_write(k->n->w.store, write_group, k, err);
}

enum rc teller_make(struct notify *n, int64_t now_us, bool *did_out, struct err *err)
{
	struct making k = { .t = n->teller, .n = n, .a = arena_new(KIB(64)), .now_us = now_us, .err = err,
			    .recipient = STR(""), .named = { .email = STR("") } };
	struct tell_row key = { .class = STR("") };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	struct rule_orgs *orgs = NULL;
	*did_out = false;
	k.types = snapshot_table(types);
	enum rc rc = store_read_begin(n->w.store, &k.r, err);
	if (rc == RC_OK)
		rc = tell_group_due(reader_conn(k.r), now_us, k.a, &key, did_out, err);
	if (rc == RC_OK && *did_out)
		rc = teller_rules(k.t, k.r, k.types, err);
	if (rc == RC_OK && *did_out) {
		struct err why = { 0 };
		orgs = rule_orgs_new(n, k.t->set);
		k.err = &why;
		rc = make_group(&k, orgs, &key);
		if (rc != RC_OK)
			rc = set_aside(&k, rc, &why, err);
	}
	if (k.r)
		store_read_end(k.r);
	rule_orgs_free(orgs);
	arena_free(k.a);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}
