/* SPDX-License-Identifier: Apache-2.0 */
/* Why a finding was told or not; what is due; what was counted. */
#include "notify/last_resort.h"
#include "notify/rehearsal.h"
#include "notify/teller_private.h"

static enum rc ours_alone(const struct viewer *v, struct err *err)
{
	return v->as.kind == RECIPIENT_STAFF && right_includes(v->right, RIGHT_READ) ? RC_OK :
		       fail(err, RC_DENIED, "who is told what is for our own people");
}

/* --- one finding --- */

struct explaining {
	struct teller t;             /* of this call: a table of rules of its own */
	struct notify *n;
	struct reader *r;
	const struct types *types;
	const struct viewer *v;
	struct rule_orgs *orgs;
	struct arena *a;
	int64_t now_us;
	struct finding f;
	struct tell_row *rows;
	size_t count;
	tell_reason_each each;
	void *ctx;
	struct err *err;
};

static str time_of(struct explaining *k, int64_t us)
{
	char text[40];
	return arena_str(k->a, time_str(text, us));
}

static str rule_title(struct explaining *k, struct uuid id, str *record_out)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	str title = STR("");
	record_id_format(&b, STR("rule"), &id);
	*record_out = arena_str(k->a, buf_str(&b));
	(void)notify_sees(k->r, k->types, k->v, *record_out, k->a, &title);
	buf_free(&b);
	return title;
}

/* How its last message fares. */
static str message_words(struct explaining *k, const struct tell_row *row)
{
	struct message m;
	if (outbox_load(reader_conn(k->r), row->message, k->a, &m, NULL) != RC_OK)
		return STR("its message is not there any more");
	return arena_fmt(k->a, "message %lld by " STR_FMT " is %s%s" STR_FMT, (long long)m.id, STR_ARG(m.driver),
			 message_state_name(m.state), m.words.n ? ": " : "", STR_ARG(m.words));
}

static str inhibition_words(struct explaining *k, const struct inhibition *i)
{
	return arena_fmt(k->a, "inhibited until " STR_FMT " by '" STR_FMT "': " STR_FMT,
			 STR_ARG(time_of(k, i->until_us)), STR_ARG(i->title), STR_ARG(str_head(i->reason, 200)));
}

/* Why it waits, if it does, beyond its time. */
static str waiting_words(struct explaining *k, const struct rule *rule, const struct rule_org *org, str recipient)
{
	const struct calendar *c = teller_calendar(&k->t, org->zone);
	int64_t made = 0, first_us = 0, quiet = rule_quiet_end(rule, c, k->now_us);
	if (quiet > k->now_us)
		return arena_fmt(k->a, "quiet hours until " STR_FMT, STR_ARG(time_of(k, quiet)));
	if (tell_messages_hour(reader_conn(k->r), recipient, k->now_us, &made, &first_us, NULL) == RC_OK && made >= rule->cap)
		return arena_fmt(k->a, "at most %lld messages an hour, and %lld were made", (long long)rule->cap, (long long)made);
	return STR("");
}

static void append(struct explaining *k, struct tell_reason *w, str more)
{
	if (more.n > 0)
		w->words = w->words.n ? arena_fmt(k->a, STR_FMT "; " STR_FMT, STR_ARG(w->words), STR_ARG(more)) : more;
}

/* What holds it back now, as a message would be made: inhibition, hold, label, contact, rehearsal. */
static enum rc judge_now(struct explaining *k, const struct rule *rule, const struct rule_org *org,
			 const struct tell_row *row, struct tell_reason *w)
{
	struct told_to to;
	const char *driver = NULL;
	const struct inhibition *i = NULL;
	enum tell_state state = TELL_DUE;
	struct finding f;
	bool live = false;
	int64_t until_us, since_us;
	enum rc rc = tell_recipient(k->r, k->types, rule, org, row ? row->step : 0, k->a, &w->recipient, k->err);
	if (rc == RC_OK)
		rc = tell_driver(k->n, k->r, k->types, rule, k->a, &w->recipient, &driver, k->err);
	if (rc == RC_OK)
		rc = tell_told_to(k->n, k->r, k->types, org->id, driver ? str_of(driver) : STR("mail"), k->a, &to, k->err);
	const struct tell_judge j = { .n = k->n, .r = k->r, .types = k->types, .set = k->t.set,
				      .organisation = org->record, .org = org->org, .to = &to,
				      .gone = k->f.state == FINDING_GONE, .now_us = k->now_us };
	if (rc == RC_OK)
		rc = tell_judge(&j, k->f.id, k->a, &f, &state, &until_us, &i, k->err);
	if (rc == RC_OK)
		rc = rehearsal_since(reader_conn(k->r), org->record, rule_class_of(rule, &k->f), &live, &since_us, k->err);
	if (rc != RC_OK)
		return rc;
	append(k, w, waiting_words(k, rule, org, w->recipient));
	append(k, w, state == TELL_DUE ? STR("") : i ? inhibition_words(k, i) : str_of(tell_state_words(state)));
	append(k, w, driver ? STR("") : str_of(tell_state_words(TELL_NO_CONTACT)));
	append(k, w, live ? STR("") : STR("in rehearsal: they are not switched live"));
	return RC_OK;
}

static const struct tell_row *row_of(const struct explaining *k, const struct uuid *organisation)
{
	for (size_t i = 0; i < k->count; i++)
		if (uuid_equal(&k->rows[i].organisation, organisation))
			return &k->rows[i];
	return NULL;
}

static void put_row_words(struct explaining *k, const struct tell_row *row, struct tell_reason *w)
{
	w->told_us = row->state == TELL_REHEARSED ? 0 : row->last_us;
	w->next_us = row->next_us;
	w->messages = row->told;
	w->rule_title = rule_title(k, row->rule, &w->rule);
	w->words = arena_fmt(k->a, "%s: %s", tell_state_name(row->state), tell_state_words(row->state));
	if (row->message)
		append(k, w, message_words(k, row));
	if (row->step)
		append(k, w, arena_fmt(k->a, "step %d of the escalation", row->step));
}

/* The nearest miss of all rules, for an organisation that none fits. */
static str miss_words(struct explaining *k, const struct rule_org *org, bool nearest)
{
	struct rule_key key = rule_key_of(k->t.set, &k->f);
	struct buf b = BUF_INIT(KIB(2));
	for (size_t i = 0; i < rules_count(k->t.set) && i < 20; i++) {
		const struct rule *rule = rules_at(k->t.set, i);
		const char *why = rule_misfit(rule, &key, org, nearest, 0);
		buf_fmt(&b, "; '" STR_FMT "': %s", STR_ARG(str_head(rule->title, 60)),
			why ? why : "it was there before the rule was active");
		if (why == rule_unsure)
			buf_fmt(&b, " (confidence %d, it asks for %d)", key.confidence, rule->confidence);
	}
	str out = arena_fmt(k->a, "%s" STR_FMT, tell_state_words(TELL_NO_RULE), STR_ARG(buf_str(&b)));
	buf_free(&b);
	return out;
}

static enum rc explain_org(struct explaining *k, size_t at, const struct rule_match *list, size_t count, bool *first,
			   bool *more)
{
	const struct rule_org *org = NULL;
	const struct rule *rule = NULL;
	struct tell_reason w = { .organisation = STR(""), .title = STR(""), .rule = STR(""), .rule_title = STR(""),
				 .words = STR(""), .recipient = STR("") };
	enum rc rc = rule_orgs_get(k->orgs, k->r, k->types, k->f.concerns.list[at].org, &org, k->err);
	if (rc != RC_OK || !org->usable || org->exercise != k->f.exercise)
		return rc;
	for (size_t i = 0; i < at; i++)
		if (k->f.concerns.list[i].org == org->org)
			return RC_OK;
	bool nearest = *first;
	*first = false;
	for (size_t i = 0; i < count; i++)
		rule = list[i].org == org ? list[i].rule : rule;
	const struct tell_row *row = row_of(k, &org->record);
	if (notify_sees(k->r, k->types, k->v, org->id, k->a, &w.title))
		w.organisation = org->id;
	if (row)
		put_row_words(k, row, &w);
	const struct rule *of_row = row ? rules_find(k->t.set, row->rule) : NULL;
	if (row && of_row && !row->told) {
		rc = judge_now(k, of_row, org, row, &w);
	} else if (!row && !rule) {
		w.words = miss_words(k, org, nearest);
	} else if (!row) {
		w.rule = rule->record;
		w.rule_title = rule->title;
		w.words = STR("it was there before the rule was active: a notification round tells it");
	}
	if (rc == RC_OK)
		*more = k->each(k->ctx, &w);
	return rc;
}

/* --- nobody of the directory: whom others name --- */

/* The one that a row of it stands for, else the one that a rule fits, else the most trusted. */
static enum rc find_contact(struct explaining *k, struct last_resort *who, const struct rule_org **org_out)
{
	struct last_resort list[FALLBACK_HITS_MAX];
	struct rule_match match;
	bool found = false;
	size_t count = last_resort_of(k->n, &k->f, k->a, list);
	*org_out = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct rule_org *org = last_resort_org(k->n, k->t.set, &list[i], k->a);
		if (i > 0 && !row_of(k, &org->record))
			continue;
		*who = list[i];
		*org_out = org;
	}
	if (!*org_out || row_of(k, &(*org_out)->record))
		return RC_OK;
	struct last_resort fits;
	enum rc rc = last_resort_match(k->n, k->t.set, k->r, &k->f, 0, k->a, &match, &fits, &found, k->err);
	if (rc == RC_OK && found) {
		*who = fits;
		*org_out = match.org;
	}
	return rc;
}

static enum rc explain_contact(struct explaining *k, const struct last_resort *who, const struct rule_org *org)
{
	struct tell_reason w = { .organisation = STR(""), .rule = STR(""), .rule_title = STR(""), .words = STR(""),
				 .title = STR("contact of last resort"), .recipient = STR("") };
	struct rule_key key = rule_key_of(k->t.set, &k->f);
	const struct tell_row *row = row_of(k, &org->record);
	const struct rule *rule = row ? rules_find(k->t.set, row->rule) : NULL;
	bool names = k->v->as.personal_basis, fits = false, ended = false;
	enum rc rc = last_resort_ended(reader_conn(k->r), &org->record, &ended, k->err);
	for (size_t i = 0; i < rules_count(k->t.set) && !fits; i++)
		fits = rule_misfit(rules_at(k->t.set, i), &key, org, true, 0) == NULL;
	if (row)
		put_row_words(k, row, &w);
	else if (ended)
		w.words = STR("what was sent there came back, or its address was erased: it is told nothing any more");
	else if (fits)
		w.words = STR("it was there before the rule was active, or before they were named");
	else
		w.words = miss_words(k, org, true);
	if (rc == RC_OK && row && rule && !row->told)
		rc = judge_now(k, rule, org, row, &w);
	w.recipient = names ? org->id : STR("");
	w.title = names ? arena_fmt(k->a, "contact of last resort " STR_FMT, STR_ARG(who->email)) : w.title;
	append(k, &w, last_resort_words(who, k->a));
	if (rc == RC_OK)
		(void)k->each(k->ctx, &w);
	return rc;
}

static enum rc explain_nobody(struct explaining *k)
{
	const struct tell_reason nobody = { .organisation = STR(""), .title = STR(""), .rule = STR(""), .rule_title = STR(""),
					    .words = str_of(tell_state_words(TELL_NOBODY)), .recipient = STR("") };
	struct last_resort who;
	const struct rule_org *org = NULL;
	enum rc rc = find_contact(k, &who, &org);
	if (rc != RC_OK || !k->each(k->ctx, &nobody))
		return rc;
	return org ? explain_contact(k, &who, org) : RC_OK;
}

static enum rc explain_all(struct explaining *k)
{
	struct rule_match list[CONCERNS_MAX];
	size_t count = 0, usable = 0;
	bool first = true, more = true;
	enum rc rc = rules_match(k->t.set, k->orgs, k->r, k->types, &k->f, 0, list, &count, &usable, k->err);
	for (size_t i = 0; rc == RC_OK && more && i < k->f.concerns.count; i++)
		rc = explain_org(k, i, list, count, &first, &more);
	return rc == RC_OK && usable == 0 ? explain_nobody(k) : rc;
}

enum rc teller_explain(struct notify *n, struct reader *r, const struct types *t, const struct viewer *v, str id,
		       int64_t now_us, struct arena *a, tell_reason_each each, void *ctx, struct err *err)
{
	struct explaining k = { .t = { .n = n }, .n = n, .r = r, .types = t, .v = v, .a = a, .now_us = now_us,
				.each = each, .ctx = ctx, .err = err };
	str head = STR("finding--");
	enum rc rc = ours_alone(v, err);
	if (rc == RC_OK)
		rc = read_finding(r, v, str_starts(id, head) ? str_from(id, head.n) : id, a, &k.f, err);
	if (rc == RC_OK)
		rc = teller_rules(&k.t, r, t, err);
	if (rc == RC_OK)
		rc = tell_rows_of(reader_conn(r), k.f.id, a, &k.rows, &k.count, err);
	if (rc == RC_OK) {
		k.orgs = rule_orgs_new(n, k.t.set);
		rc = explain_all(&k);
	}
	rule_orgs_free(k.orgs);
	rules_free(k.t.set);
	for (size_t i = 0; i < k.t.zone_count; i++)
		calendar_free(k.t.calendars[i]);
	return rc;
}

/* --- what is due --- */

static enum rc due_contact(struct explaining *k, const struct uuid *id, str *title_out, struct err *err)
{
	str recipient = STR(""), email = STR("");
	enum rc rc = last_resort_recipient(reader_conn(k->r), id, k->a, &recipient, err);
	if (rc == RC_OK && k->v->as.personal_basis)
		(void)last_resort_email(recipient, &email);
	*title_out = arena_fmt(k->a, "contact of last resort%s" STR_FMT, email.n ? " " : "", STR_ARG(email));
	return rc;
}

enum rc teller_due(struct notify *n, struct reader *r, const struct types *t, const struct viewer *v, size_t limit,
		   struct arena *a, struct tell_due **out, size_t *count_out, struct err *err)
{
	struct explaining k = { .n = n, .r = r, .types = t, .v = v, .a = a };
	struct uuid *organisations, *rules;
	*count_out = 0;
	limit = limit < 1000 ? limit : 1000;
	enum rc rc = ours_alone(v, err);
	if (rc != RC_OK)
		return rc;
	organisations = ARENA_ARRAY(a, limit + 1, struct uuid);
	rules = ARENA_ARRAY(a, limit + 1, struct uuid);
	*out = ARENA_ARRAY(a, limit + 1, struct tell_due);
	struct sql *q = sql(reader_conn(r), "SELECT organisation, rule, class, step, min(next_us) AS next, count(*) FROM tell"
					    " WHERE next_us IS NOT NULL GROUP BY organisation, rule, class, step"
					    " ORDER BY next LIMIT ?");
	sql_int(q, 1, (int64_t)limit);
	while (*count_out < limit && sql_row(q)) {
		size_t i = (*count_out)++;
		memcpy(organisations[i].b, sql_col_blob(q, 0).p, sizeof organisations[i].b);
		memcpy(rules[i].b, sql_col_blob(q, 1).p, sizeof rules[i].b);
		(*out)[i] = (struct tell_due){ .class = arena_str(a, sql_col_str(q, 2)), .step = (int)sql_col_int(q, 3),
					       .next_us = sql_col_int(q, 4), .findings = sql_col_int(q, 5),
					       .organisation = STR(""), .title = STR("") };
	}
	rc = sql_end(q, err);
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++) {
		struct buf b = BUF_INIT(RECORD_ID_BYTES);
		record_id_format(&b, STR("organisation"), &organisations[i]);
		if (last_resort_is(&organisations[i]))
			rc = due_contact(&k, &organisations[i], &(*out)[i].title, err);
		else if (notify_sees(r, t, v, buf_str(&b), a, &(*out)[i].title))
			(*out)[i].organisation = arena_str(a, buf_str(&b));
		(*out)[i].rule_title = rule_title(&k, rules[i], &(*out)[i].rule);
		buf_free(&b);
	}
	return rc;
}

enum rc teller_counts(struct reader *r, const struct viewer *v, size_t limit, struct arena *a, struct tell_count **out,
		      size_t *count_out, struct err *err)
{
	*count_out = 0;
	limit = limit < 1000 ? limit : 1000;
	enum rc rc = ours_alone(v, err);
	if (rc != RC_OK)
		return rc;
	*out = ARENA_ARRAY(a, limit + 1, struct tell_count);
	struct sql *q = sql(reader_conn(r), "SELECT day, state, count FROM tell_count ORDER BY day DESC, state LIMIT ?");
	sql_int(q, 1, (int64_t)limit);
	while (*count_out < limit && sql_row(q))
		(*out)[(*count_out)++] = (struct tell_count){ (int32_t)sql_col_int(q, 0),
							      (enum tell_state)sql_col_int(q, 1), sql_col_int(q, 2) };
	return sql_end(q, err);
}
