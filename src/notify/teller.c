/* SPDX-License-Identifier: Apache-2.0 */
/* From transitions to rows: whom a finding is told to, by which rule, when. */
#include "notify/last_resort.h"
#include "notify/teller_private.h"

enum { TRANSITIONS_AT_ONCE = 400, SKIP_AT_ONCE = 20000 };
#define ALWAYS "Mon-Sun 00:00-24:00" /* the zone alone counts here */

static const struct { const char *name, *words; } states[] = {
	[TELL_DUE] = { "due", "it waits for its time" },
	[TELL_TOLD] = { "told", "a message was made" },
	[TELL_REHEARSED] = { "rehearsed", "a message was made in rehearsal: it went to nobody outside" },
	[TELL_INHIBITED] = { "inhibited", "an inhibition stops it" },
	[TELL_HELD] = { "held", "a person holds it" },
	[TELL_REFUSED] = { "refused", "its label does not let it go to them by that way" },
	[TELL_NO_CONTACT] = { "no contact", "no contact of theirs can be reached by that way" },
	[TELL_OLD] = { "older", "it was there before they were switched live: a notification round tells it" },
	[TELL_OVER] = { "over", "it is gone, another's, or its rule has ended" },
	[TELL_NOBODY] = { "nobody", "it concerns nobody that the directory knows" },
	[TELL_NO_RULE] = { "no rule", "no active rule fits" },
	[TELL_EXERCISE] = { "exercise", "it is of an exercise, and no rule of the exercise fits" },
	[TELL_ABOVE] = { "not escalated", "the next step is above what goes out by itself (setting ladder_sends)" },
	[TELL_DISPUTED] = { "disputed", "they say it is not theirs, or false: one of us decides" },
	[TELL_FAILED] = { "failed", "its message did not arrive: it is told anew" },
	[TELL_UNSURE] = { "unsure", "it is not sure enough for the rules that would tell it" },
	[TELL_WITHDRAWN] = { "withdrawn", "its message was withdrawn before it was sent" },
};

const char *tell_state_name(enum tell_state s)
{
	return (unsigned)s < COUNT_OF(states) && states[s].name ? states[s].name : "unknown";
}

const char *tell_state_words(enum tell_state s)
{
	return (unsigned)s < COUNT_OF(states) && states[s].words ? states[s].words : "";
}

/* --- the table of rules, as it stands --- */

enum rc teller_stamp(struct conn *c, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 + coalesce((SELECT seq FROM cursor WHERE name = 'tell:rules'), 0)"
			       " + (SELECT count(*) FROM feed)");
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc teller_rules(struct teller *t, struct reader *r, const struct types *types, struct err *err)
{
	int64_t stamp = 0;
	enum rc rc = teller_stamp(reader_conn(r), &stamp, err);
	if (rc != RC_OK || (t->set && stamp == t->stamp))
		return rc;
	struct rule_set *set = NULL;
	rc = rules_load(t->n, r, types, (struct uuid){ { 0 } }, &set, err);
	if (rc != RC_OK)
		return rc;
	rules_free(t->set);
	t->set = set;
	t->stamp = stamp;
	return rc;
}

const struct calendar *teller_calendar(struct teller *t, str zone)
{
	str own = settings_text(t->n->w.settings, "timezone");
	struct calendar *c = NULL;
	zone = zone.n > 0 && zone.n < sizeof t->zones[0] ? zone : own;
	for (size_t i = 0; i < t->zone_count; i++)
		if (str_eq(zone, str_of(t->zones[i])))
			return t->calendars[i];
	size_t at = t->zone_count < ZONES_MAX ? t->zone_count++ : ZONES_MAX - 1;
	if (calendar_new(zone, STR(ALWAYS), STR_NONE, &c, NULL) != RC_OK &&
	    calendar_new(own, STR(ALWAYS), STR_NONE, &c, NULL) != RC_OK &&
	    calendar_new(STR("UTC"), STR(ALWAYS), STR_NONE, &c, NULL) != RC_OK)
		c = NULL;
	calendar_free(t->calendars[at]);
	t->calendars[at] = c;
	if (!str_to_z(zone, t->zones[at], sizeof t->zones[at]))
		t->zones[at][0] = 0;
	return c;
}

/* --- one transition --- */

struct following {
	struct teller *t;
	struct reader *r;
	const struct types *types;
	struct rule_orgs *orgs;
	struct arena *a;
	struct tell_row *put, *drop; /* what the job writes */
	size_t put_count, put_room, drop_count, drop_room;
	const struct rule_org **contacts; /* of last resort, that the rows name */
	size_t contact_count, contact_room;
	int64_t counts[TELL_STATES];
	int64_t now_us;
	uint64_t upto;
	struct err *err;
};

static void put_row(struct following *k, const struct tell_row *row)
{
	if (k->put_count == k->put_room) {
		k->put_room = k->put_room ? 2 * k->put_room : 256;
		k->put = x_grow(k->put, k->put_room, sizeof *k->put);
	}
	k->put[k->put_count++] = *row;
	k->counts[row->state]++;
}

static void drop_row(struct following *k, const struct tell_row *row)
{
	if (k->drop_count == k->drop_room) {
		k->drop_room = k->drop_room ? 2 * k->drop_room : 256;
		k->drop = x_grow(k->drop, k->drop_room, sizeof *k->drop);
	}
	k->drop[k->drop_count++] = *row;
}

static const struct tell_row *row_of(const struct tell_row *list, size_t n, const struct uuid *organisation)
{
	for (size_t i = 0; i < n; i++)
		if (uuid_equal(&list[i].organisation, organisation))
			return &list[i];
	return NULL;
}

static int64_t due_at(struct following *k, const struct rule *rule, const struct rule_org *org, int64_t at_us,
		      int64_t last_us)
{
	const struct calendar *c = teller_calendar(k->t, org->zone);
	int64_t next = rule_next(rule, c, at_us);
	/* It was told in this period: the next one then. */
	if (last_us && rule->pace != PACE_ONCE && rule_next(rule, c, last_us) > next)
		next = rule_next(rule, c, last_us);
	return rule_quiet_end(rule, c, next);
}

static void put_due(struct following *k, const struct finding *f, const struct rule_match *m, const struct tell_row *old,
		    int what, int64_t at_us)
{
	struct tell_row row = { .finding = f->id, .organisation = m->org->record, .rule = m->rule->id,
				.class = rule_class_of(m->rule, f), .what = what, .at_us = at_us,
				.state = TELL_DUE };
	if (old) {
		row.told = old->told;
		row.last_us = old->last_us;
		row.message = old->message;
	}
	row.next_us = due_at(k, m->rule, m->org, at_us, row.last_us);
	put_row(k, &row);
}

static bool is_matched(const struct rule_match *list, size_t n, const struct uuid *organisation)
{
	for (size_t i = 0; i < n; i++)
		if (uuid_equal(&list[i].org->record, organisation))
			return true;
	return false;
}

static void put_contact(struct following *k, const struct rule_org *org)
{
	if (k->contact_count == k->contact_room) {
		k->contact_room = k->contact_room ? 2 * k->contact_room : 64;
		k->contacts = x_grow(k->contacts, k->contact_room, sizeof(*k->contacts));
	}
	k->contacts[k->contact_count++] = org;
}

/* What nobody is told of now, and will be when the directory knows somebody, or its source is surer. */
static enum rc follow_untold(struct following *k, const struct finding *f, size_t usable, int what, int64_t at_us)
{
	struct rule_key key = rule_key_of(k->t->set, f);
	struct tell_row row = { .finding = f->id, .class = STR(""), .what = what, .at_us = at_us, .state = TELL_NOBODY };
	bool sure = false;
	enum rc rc = usable ? rules_match_sure(k->t->set, k->orgs, k->r, k->types, f, at_us, &sure, k->err) : RC_OK;
	key.confidence = CONFIDENCE_MOST;
	if (sure)
		row.state = TELL_UNSURE;
	if (rc == RC_OK && (usable ? sure : rules_want(k->t->set, &key, at_us)))
		put_row(k, &row);
	else
		k->counts[f->exercise ? TELL_EXERCISE : TELL_NO_RULE]++;
	return rc;
}

/* Opened, come back, or another's before anybody was told. `elsewhere`: contacts of last resort were. */
static enum rc follow_open(struct following *k, const struct finding *f, const struct tell_row *old, size_t old_count,
			   int what, int64_t at_us, bool elsewhere)
{
	struct rule_match list[CONCERNS_MAX];
	struct last_resort who;
	size_t count = 0, usable = 0;
	enum rc rc = rules_match(k->t->set, k->orgs, k->r, k->types, f, at_us, list, &count, &usable, k->err);
	bool last = false;
	if (rc == RC_OK && usable == 0 && elsewhere)
		return RC_OK;
	if (rc == RC_OK && usable == 0)
		rc = last_resort_match(k->t->n, k->t->set, k->r, f, at_us, k->a, &list[0], &who, &last, k->err);
	if (rc != RC_OK)
		return rc;
	if (last) {
		count = 1;
		put_contact(k, list[0].org);
	}
	for (size_t i = 0; i < count; i++)
		put_due(k, f, &list[i], row_of(old, old_count, &list[i].org->record), what, at_us);
	for (size_t i = 0; i < old_count; i++) {
		struct tell_row over = old[i];
		over.next_us = 0;
		over.state = TELL_OVER;
		if (is_matched(list, count, &old[i].organisation))
			continue;
		if (old[i].told)
			put_row(k, &over);
		else
			drop_row(k, &old[i]);
	}
	return count == 0 ? follow_untold(k, f, usable, what, at_us) : RC_OK;
}

static enum rc follow_gone(struct following *k, const struct tell_row *old, size_t old_count)
{
	for (size_t i = 0; i < old_count; i++) {
		const struct rule *rule = rules_find(k->t->set, old[i].rule);
		struct tell_row row = old[i];
		if (row.told == 0) {
			drop_row(k, &row);
			k->counts[TELL_OVER]++;
			continue;
		}
		row.next_us = 0;
		row.state = TELL_OVER;
		if (rule && rule->gone && old[i].state == TELL_TOLD) {
			row.what = TRANSITION_GONE;
			row.state = TELL_DUE;
			row.step = 0;
			row.next_us = k->now_us + rule->pause_us;
		}
		put_row(k, &row);
	}
	return RC_OK;
}

static enum rc follow_one(struct following *k, const struct transition_row *t)
{
	struct finding f;
	struct tell_row *old = NULL;
	size_t old_count = 0;
	int64_t at_us = t->at_us;
	enum rc rc = told_finding(k->r, t->finding, k->a, &f, k->err);
	if (rc == RC_ABSENT) /* forgotten since */
		return RC_OK;
	if (rc == RC_OK)
		rc = tell_rows_of(reader_conn(k->r), t->finding, k->a, &old, &old_count, k->err);
	if (rc != RC_OK)
		return rc;
	if (t->what == TRANSITION_GONE)
		return f.state == FINDING_GONE ? follow_gone(k, old, old_count) : RC_OK;
	if (f.state == FINDING_GONE) /* its own transition says so later */
		return RC_OK;
	if (t->what != TRANSITION_CHANGED)
		return follow_open(k, &f, old, old_count, (int)t->what, at_us, false);
	bool elsewhere = false;
	for (size_t i = 0; i < old_count; i++) { /* somebody was told of it, or will be when it is back */
		if (old[i].told && !last_resort_is(&old[i].organisation))
			return RC_OK;
		elsewhere = elsewhere || old[i].told;
	}
	return old_count ? follow_open(k, &f, old, old_count, old[0].what, old[0].at_us, elsewhere) : RC_OK;
}

/* --- a page of them --- */

static enum rc write_page(struct tx *tx, void *ctx, struct err *err)
{
	const struct following *k = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->drop_count; i++)
		rc = tell_row_drop(tx, &k->drop[i], err);
	for (size_t i = 0; rc == RC_OK && i < k->put_count; i++)
		rc = tell_row_put(tx, &k->put[i], err);
	for (size_t i = 0; rc == RC_OK && i < k->contact_count; i++)
		rc = last_resort_keep(tx, k->contacts[i], err);
	if (rc == RC_OK)
		rc = tell_count_add(tx, k->counts, k->now_us, err);
	return rc == RC_OK ? transitions_told(tx, "rules", k->upto, err) : rc;
}

static bool seen_before(const struct transition_row *list, size_t i)
{
	for (size_t n = 0; n < i; n++)
		if (list[n].finding.hi == list[i].finding.hi && list[n].finding.lo == list[i].finding.lo)
			return true;
	return false;
}

static enum rc follow_page(struct following *k, bool *did_out)
{
	struct transition_row *list = NULL;
	size_t count = 0, i = 0;
	bool idle = rules_count(k->t->set) == 0;
	enum rc rc = told_transitions(reader_conn(k->r), "rules", idle ? SKIP_AT_ONCE : TRANSITIONS_AT_ONCE, k->a,
				      &list, &count, k->err);
	*did_out = rc == RC_OK && count > 0;
	if (!*did_out)
		return rc;
	if (idle)
		i = count;
	/* A finding that comes twice ends the page: its rows are read before they are written. */
	for (; rc == RC_OK && i < count && !seen_before(list, i); i++)
		rc = follow_one(k, &list[i]);
	k->upto = list[i - 1].seq;
	return rc == RC_OK ? store_write(k->t->n->w.store, write_page, k, k->err) : rc;
}

enum rc teller_follow(struct notify *n, int64_t now_us, bool *did_out, struct err *err)
{
	struct following k = { .t = n->teller, .a = arena_new(KIB(64)), .now_us = now_us, .err = err };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	*did_out = false;
	k.types = snapshot_table(types);
	enum rc rc = store_read_begin(n->w.store, &k.r, err);
	if (rc == RC_OK)
		rc = teller_rules(k.t, k.r, k.types, err);
	if (rc == RC_OK) {
		k.orgs = rule_orgs_new(n, k.t->set);
		rc = follow_page(&k, did_out);
	}
	if (k.r)
		store_read_end(k.r);
	rule_orgs_free(k.orgs);
	free(k.put);
	free(k.drop);
	free(k.contacts);
	arena_free(k.a);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}
