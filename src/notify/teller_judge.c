/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked before a finding is told, and of whom it is told: the same for a message, a dry run and an
 * explanation. */
#include <json-c/json.h>

#include "notify/last_resort.h"
#include "notify/teller_private.h"

enum { ANSWERS_MOST = 10 };

/* --- the finding --- */

static bool concerns(const struct finding *f, int64_t org)
{
	for (size_t i = 0; i < f->concerns.count; i++)
		if (f->concerns.list[i].org == org)
			return true;
	return false;
}

/* Does it concern somebody of the directory, who would be told instead? */
static enum rc is_known(const struct tell_judge *k, const struct finding *f, struct arena *a, bool *out, struct err *err)
{
	enum rc rc = RC_OK;
	*out = false;
	for (size_t i = 0; rc == RC_OK && !*out && i < f->concerns.count; i++) {
		struct addressee who = { 0 };
		struct uuid id = { { 0 } };
		struct err why = { 0 };
		struct sql *q = sql(reader_conn(k->r), "SELECT record FROM org WHERE id = ? AND gone = 0");
		sql_int(q, 1, f->concerns.list[i].org);
		if (sql_row(q) && sql_col_blob(q, 0).n == sizeof id.b)
			memcpy(id.b, sql_col_blob(q, 0).p, sizeof id.b);
		rc = sql_end(q, err);
		if (rc != RC_OK || uuid_is_zero(&id))
			continue;
		rc = told_addressee_of(reader_conn(k->r), k->types, id, a, &who, &why);
		*out = rc == RC_OK && !who.closed && who.exercise == f->exercise;
		json_free(who.body);
		rc = rc == RC_ABSENT || rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
	}
	return rc;
}

/* Is it theirs, as things stand? Of a contact of last resort the check says so. */
static enum rc is_theirs(const struct tell_judge *k, const struct finding *f, struct arena *a, bool *out, struct err *err)
{
	bool known = false;
	*out = !k->to->contacts && concerns(f, k->org);
	if (!k->to->contacts)
		return RC_OK;
	enum rc rc = is_known(k, f, a, &known, err);
	*out = !known;
	return rc;
}

enum rc tell_judge(const struct tell_judge *k, struct hash128 finding, struct arena *a, struct finding *f,
		   enum tell_state *out, int64_t *until_us, const struct inhibition **inhibition_out, struct err *err)
{
	char id[48];
	struct told told = { .rule = "" };
	struct err why = { 0 };
	*inhibition_out = NULL;
	*until_us = 0;
	*out = TELL_OVER;
	enum rc rc = told_finding(k->r, finding, a, f, err);
	if (rc == RC_ABSENT)
		return RC_OK;
	bool theirs = false;
	if (rc == RC_OK)
		rc = is_theirs(k, f, a, &theirs, err);
	if (rc != RC_OK || (f->state == FINDING_GONE) != k->gone || !theirs)
		return rc;
	*out = f->held_us ? TELL_HELD : TELL_DUE;
	if (*out == TELL_HELD)
		return RC_OK;
	*inhibition_out = k->set ? rules_inhibit(k->set, f, k->organisation, k->now_us) : NULL;
	if (*inhibition_out) {
		int64_t again = k->now_us + TELL_AGAIN_US;
		*out = TELL_INHIBITED;
		*until_us = (*inhibition_out)->until_us < again ? (*inhibition_out)->until_us : again;
		return RC_OK;
	}
	rc = told_item(k->r, k->types, k->to, tell_finding_id(finding, id), 0, a, &told, &why);
	told_end(&told);
	if (rc == RC_DENIED || rc == RC_ABSENT) {
		*out = rc == RC_DENIED ? TELL_REFUSED : TELL_OVER;
		return RC_OK;
	}
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

static bool is_of(str recipient, str organisation)
{
	return str_eq(str_head(recipient, str_index(recipient, '/')), organisation);
}

enum rc tell_answer_of(struct conn *c, struct hash128 finding, str organisation, struct arena *a,
		       struct tell_answer *out, struct err *err)
{
	struct answer_row *list = NULL;
	size_t count = 0;
	*out = (struct tell_answer){ .at_us = 0 };
	enum rc rc = answers_of_finding(c, finding, ANSWERS_MOST, a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count && !out->at_us; i++)
		if (is_of(list[i].recipient, organisation))
			*out = (struct tell_answer){ list[i].kind, list[i].at_us, list[i].seen_us == 0 };
	return rc;
}

bool tell_is_disputed(const struct tell_answer *answer, const struct tell_row *row)
{
	/* Of what has come back since they hear again. */
	return answer->at_us && answer->waits && answer->at_us >= row->at_us && row->what != TRANSITION_GONE &&
	       (answer->kind == ANSWER_NOT_OURS || answer->kind == ANSWER_FALSE);
}

/* --- the recipient --- */

static enum rc regulator_of(struct reader *r, const struct types *t, const struct rule_org *org, struct arena *a,
			    str *out, struct err *err)
{
	struct addressee who = { 0 };
	enum rc rc = told_addressee_of(reader_conn(r), t, org->record, a, &who, err);
	const struct meaning *m = rc == RC_OK ? type_meaning(who.type, STR("organisation.regulator")) : NULL;
	str id = m && m->field ? json_get_str(who.body, m->field->name) : STR_NONE;
	*out = arena_str(a, id.p ? id : STR(""));
	json_free(who.body);
	return rc;
}

enum rc tell_recipient(struct reader *r, const struct types *t, const struct rule *rule, const struct rule_org *org,
		       int step, struct arena *a, str *out, struct err *err)
{
	if (org->last_resort) { /* an address: above it is nobody */
		*out = org->id;
		return RC_OK;
	}
	str role = step > 0 && (size_t)step <= rule->step_count ? rule->steps[step - 1] : rule->contact;
	if (step > 0 && str_eq(role, STR("regulator")))
		return regulator_of(r, t, org, a, out, err);
	*out = role.n > 0 ? arena_fmt(a, STR_FMT "/" STR_FMT, STR_ARG(org->id), STR_ARG(role)) : org->id;
	return RC_OK;
}

static const struct { const char *setting, *role; } levels[] = {
	{ "none", NULL }, { "desk", NULL }, { "manager", "management" }, { "regulator", "regulator" },
};

static size_t level_of(str role)
{
	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (levels[i].role && str_eq(role, str_of(levels[i].role)))
			return i;
	return 1;
}

int tell_step_allowed(const struct notify *n, const struct rule *rule, int step)
{
	str setting = settings_text(n->w.settings, "ladder_sends");
	size_t most = 0;
	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (str_eq(setting, str_of(levels[i].setting)))
			most = i;
	for (int s = 1; s <= step && (size_t)s <= rule->step_count; s++)
		if (level_of(rule->steps[s - 1]) > most)
			return s - 1;
	return step;
}

int tell_step_wanted(const struct rule *rule, int64_t unanswered)
{
	int64_t step = rule->escalate_after > 0 ? unanswered / rule->escalate_after : 0;
	return step < (int64_t)rule->step_count ? (int)step : (int)rule->step_count;
}

enum rc tell_driver(const struct notify *n, struct reader *r, const struct types *t, const struct rule *rule,
		    struct arena *a, str *recipient, const char **driver_out, struct err *err)
{
	int contact;
	struct err why = { 0 };
	str rest = *recipient, id = str_cut(&rest, '/'), email;
	*driver_out = NULL;
	if (last_resort_email(*recipient, &email)) {
		*driver_out = rule->by.n == 0 || str_eq(rule->by, STR("mail")) ? "mail" : NULL;
		return RC_OK;
	}
	enum rc rc = recipient->n > 0 ? notify_choose(n, r, t, *recipient, a, driver_out, &contact, &why) : RC_ABSENT;
	if (rc == RC_OK && !*driver_out && rest.n > 0) {
		*recipient = arena_str(a, id);
		rc = notify_choose(n, r, t, *recipient, a, driver_out, &contact, &why);
	}
	if (rc == RC_OK && *driver_out && rule->by.n > 0)
		*driver_out = arena_z(a, rule->by);
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

enum rc tell_told_to(const struct notify *n, struct reader *r, const struct types *t, str recipient, str driver,
		     struct arena *a, struct told_to *out, struct err *err)
{
	struct addressee who = { 0 };
	const struct driver *d = driver_find(driver);
	str rest = recipient, email;
	if (last_resort_email(recipient, &email))
		return last_resort_told_to(n, email, d ? d->channel : CHANNEL_MAIL, out, err);
	enum rc rc = told_addressee(reader_conn(r), t, str_cut(&rest, '/'), a, &who, err);
	if (rc == RC_OK)
		rc = told_organisation(r, n->w.policies, who.id, who.exercise, d ? d->channel : CHANNEL_MAIL, out, err);
	json_free(who.body);
	out->purpose = PURPOSE_HANDLING;
	return rc;
}

struct message tell_message(const struct rule *rule, str recipient, const char *driver, str class, str details,
			    uint64_t policy, struct arena *a)
{
	return (struct message){
		.lane = rule->pace == PACE_ONCE ? LANE_INCIDENT : LANE_BULK, .driver = str_of(driver),
		.recipient = recipient, .item = rule->record, .item_version = rule->version,
		.template = arena_fmt(a, "tell." STR_FMT, STR_ARG(class)), .details = details,
		.purpose = PURPOSE_HANDLING, .policy = policy, .maker = STR("teller:rules"),
	};
}
