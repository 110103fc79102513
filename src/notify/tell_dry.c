/* SPDX-License-Identifier: Apache-2.0 */
/* Who would be told what by a rule. All open findings pass by once; of each message what it would cover is
 * kept as ids, so that the memory is by the findings that fit, not by those that there are. */
#include <json-c/json.h>

#include "notify/last_resort.h"
#include "notify/rehearsal.h"
#include "notify/teller_private.h"

enum { FITTING_MAX = 200000, CLASSES_MOST = 20000 };

struct dry_finding {
	struct hash128 id;
	uint32_t group;
};
struct dry_group {
	const struct rule_org *org;
	str class;
	size_t count;
};
struct drying {
	struct teller t;
	struct notify *n;
	struct reader *r;
	const struct types *types;
	const struct viewer *v;
	struct rule_orgs *orgs;
	const struct rule *rule;
	struct arena *a;
	int64_t now_us;
	struct dry_finding *list;
	size_t count, room;
	struct dry_group *groups;
	size_t group_count, group_room;
	size_t unsure;               /* findings that fit but for their confidence */
	enum rc rc;
	struct err *err;
};

static uint32_t group_of(struct drying *k, const struct rule_org *org, const struct finding *f)
{
	str class = rule_class_of(k->rule, f);
	for (size_t i = k->group_count; i-- > 0;)
		if (k->groups[i].org == org && str_eq(k->groups[i].class, class))
			return (uint32_t)i;
	if (k->group_count == CLASSES_MOST) {
		k->rc = fail(k->err, RC_LIMIT, "it would be more than %d messages: narrow the rule", CLASSES_MOST);
		return 0;
	}
	if (k->group_count == k->group_room) {
		k->group_room = k->group_room ? 2 * k->group_room : 64;
		k->groups = x_grow(k->groups, k->group_room, sizeof *k->groups);
	}
	k->groups[k->group_count] = (struct dry_group){ .org = org, .class = class };
	return (uint32_t)k->group_count++;
}

static void keep(struct drying *k, const struct rule_org *org, const struct finding *f)
{
	uint32_t group = group_of(k, org, f);
	if (k->count == FITTING_MAX && k->rc == RC_OK)
		k->rc = fail(k->err, RC_LIMIT, "more than %d findings fit: narrow the rule", FITTING_MAX);
	if (k->rc != RC_OK)
		return;
	if (k->count == k->room) {
		k->room = k->room ? 2 * k->room : 1024;
		k->list = x_grow(k->list, k->room, sizeof *k->list);
	}
	k->list[k->count++] = (struct dry_finding){ f->id, group };
	k->groups[group].count++;
}

/* One and the same for all findings that he is named for. */
static const struct rule_org *kept(struct drying *k, const struct rule_org *org)
{
	struct rule_org *own = ARENA_NEW(k->a, struct rule_org);
	for (size_t i = 0; i < k->group_count; i++)
		if (uuid_equal(&k->groups[i].org->record, &org->record))
			return k->groups[i].org;
	*own = *org;
	own->id = arena_str(k->a, org->id);
	return own;
}

static void keep_contact(struct drying *k, const struct finding *f)
{
	struct rule_match match;
	struct last_resort who;
	bool found = false;
	struct arena *a = arena_new(KIB(4));
	k->rc = last_resort_match(k->n, k->t.set, k->r, f, 0, a, &match, &who, &found, k->err);
	if (k->rc == RC_OK && found && match.rule == k->rule)
		keep(k, kept(k, match.org), f);
	arena_free(a);
}

static void count_unsure(struct drying *k, const struct finding *f)
{
	struct rule_match list[CONCERNS_MAX];
	struct rule_key key = rule_key_of(k->t.set, f);
	struct finding sure = *f;
	size_t count = 0, usable = 0;
	if ((key.confidence < 0 && !k->rule->stated) || key.confidence >= k->rule->confidence)
		return;
	sure.confidence = CONFIDENCE_MOST + 1;
	k->rc = rules_match(k->t.set, k->orgs, k->r, k->types, &sure, 0, list, &count, &usable, k->err);
	bool fits = false;
	for (size_t i = 0; k->rc == RC_OK && i < count; i++)
		fits = fits || list[i].rule == k->rule;
	k->unsure += fits;
}

static bool each_finding(void *ctx, const struct finding *f)
{
	struct drying *k = ctx;
	struct rule_match list[CONCERNS_MAX];
	size_t count = 0, usable = 0;
	k->rc = rules_match(k->t.set, k->orgs, k->r, k->types, f, 0, list, &count, &usable, k->err);
	for (size_t i = 0; k->rc == RC_OK && i < count; i++)
		if (list[i].rule == k->rule)
			keep(k, list[i].org, f);
	if (k->rc == RC_OK && usable == 0 && k->rule->last_resort)
		keep_contact(k, f);
	else if (k->rc == RC_OK)
		count_unsure(k, f);
	return k->rc == RC_OK;
}

/* --- one message as it would be --- */

static enum rc take_covers(struct drying *k, const struct dry_group *g, const struct told_to *to, struct arena *a,
			   struct cover **out, size_t *count_out, struct tell_dry *d)
{
	int64_t counts[TELL_STATES] = { 0 };
	struct arena *one = arena_new(KIB(8));
	enum rc rc = RC_OK;
	*out = ARENA_ARRAY(a, TELL_COVERS_MAX + 1, struct cover);
	*count_out = 0;
	for (size_t i = 0; rc == RC_OK && i < k->count && *count_out < TELL_COVERS_MAX; i++) {
		const struct tell_judge j = { .n = k->n, .r = k->r, .types = k->types, .set = k->t.set,
					      .organisation = g->org->record, .org = g->org->org, .to = to,
					      .now_us = k->now_us };
		const struct inhibition *why = NULL;
		enum tell_state state;
		struct finding f;
		int64_t until_us;
		char id[48];
		if (&k->groups[k->list[i].group] != g)
			continue;
		rc = tell_judge(&j, k->list[i].id, one, &f, &state, &until_us, &why, k->err);
		if (rc == RC_OK && state == TELL_DUE)
			(*out)[(*count_out)++].item = arena_str(a, tell_finding_id(k->list[i].id, id));
		else if (rc == RC_OK)
			counts[state]++;
		arena_reset(one);
	}
	struct buf b = BUF_INIT(KIB(1));
	for (size_t s = 0; s < TELL_STATES; s++)
		if (counts[s])
			buf_fmt(&b, "%s%lld %s", b.n ? ", " : "", (long long)counts[s], tell_state_name((enum tell_state)s));
	d->words = arena_str(a, buf_str(&b));
	buf_free(&b);
	arena_free(one);
	return rc;
}

/* Who names him, for the first that he is told of. */
static str named_details(struct drying *k, str recipient, const struct cover *cover, struct arena *a)
{
	struct finding f;
	struct last_resort who;
	struct hash128 id;
	struct buf b = BUF_INIT(KIB(4));
	struct json_out j = json_out(&b);
	str email, out = STR("");
	if (last_resort_email(recipient, &email) && tell_finding_parse(cover->item, &id) &&
	    told_finding(k->r, id, a, &f, NULL) == RC_OK && last_resort_named(k->n, &f, recipient, a, &who)) {
		json_open(&j, '{');
		last_resort_put(&who, &j);
		json_close(&j, '}');
		str inner = buf_str(&b);
		out = arena_fmt(a, "," STR_FMT, STR_ARG(str_head(str_from(inner, 1), inner.n - 2)));
	}
	buf_free(&b);
	return out;
}

static enum rc render(struct drying *k, const struct dry_group *g, str recipient, const char *driver,
		      const struct cover *covers, size_t count, struct arena *a, struct tell_dry *d)
{
	struct rendering what = { .data = NULL };
	struct err why = { 0 };
	char period[RULE_PERIOD_BYTES], now[40];
	const struct calendar *c = teller_calendar(&k->t, g->org->zone);
	str details = arena_fmt(a, "{\"class\":\"" STR_FMT "\",\"period\":\"" STR_FMT "\",\"gone\":false,"
				   "\"since\":\"" STR_FMT "\",\"history\":[]" STR_FMT "}", STR_ARG(g->class),
				STR_ARG(rule_period(k->rule, c, k->now_us, period)), STR_ARG(time_str(now, k->now_us)),
				STR_ARG(named_details(k, recipient, &covers[0], a)));
	const struct message m = tell_message(k->rule, recipient, driver, g->class, details, 0, a);
	const struct render_as as = { .covers = covers, .cover_count = count, .no_names = !k->v->as.personal_basis };
	enum rc rc = notify_render_as(k->n, k->r, k->types, &m, &as, a, &what, &why);
	d->told = rc == RC_OK;
	d->subject = what.subject;
	d->text = what.text;
	if (rc == RC_OK)
		d->language = arena_str(a, json_get_str(what.data, "language"));
	else
		d->words = arena_str(a, str_of(why.text));
	json_free(what.data);
	return rc == RC_BUSY || rc == RC_DENIED || rc == RC_ABSENT ? RC_OK : rc == RC_OK ? RC_OK : fail(k->err, rc, "%s", why.text);
}

static enum rc show_group(struct drying *k, const struct dry_group *g, struct arena *a, struct tell_dry *d)
{
	const char *driver = NULL;
	struct told_to to;
	struct cover *covers = NULL;
	size_t count = 0;
	int64_t since_us;
	*d = (struct tell_dry){ .organisation = STR(""), .title = STR("(not for you)"), .driver = STR(""),
				.class = g->class, .language = STR(""), .subject = STR(""), .text = STR(""),
				.words = STR(""), .covers = g->count };
	enum rc rc = tell_recipient(k->r, k->types, k->rule, g->org, 0, a, &d->recipient, k->err);
	if (rc == RC_OK)
		rc = tell_driver(k->n, k->r, k->types, k->rule, a, &d->recipient, &driver, k->err);
	if (rc == RC_OK)
		rc = rehearsal_since(reader_conn(k->r), g->org->record, g->class, &d->live, &since_us, k->err);
	bool contact = g->org->last_resort, seen = contact && k->v->as.personal_basis;
	if (contact)
		d->title = STR("contact of last resort");
	else if (notify_sees(k->r, k->types, k->v, g->org->id, a, &d->title))
		d->organisation = g->org->id;
	seen = seen || d->organisation.n > 0;
	str recipient = d->recipient;
	if (!seen)
		d->recipient = STR("");
	if (rc != RC_OK || !driver) {
		d->words = str_of(tell_state_words(TELL_NO_CONTACT));
		return rc;
	}
	d->driver = str_of(driver);
	rc = tell_told_to(k->n, k->r, k->types, g->org->id, d->driver, a, &to, k->err);
	if (rc == RC_OK)
		rc = take_covers(k, g, &to, a, &covers, &count, d);
	if (rc != RC_OK || count == 0 || !seen)
		return rc;
	return render(k, g, recipient, driver, covers, count, a, d);
}

static enum rc find_rule(struct drying *k, str id)
{
	struct record_view view = { 0 };
	struct uuid uuid;
	str type;
	enum rc rc = read_record(k->r, k->types, k->v, id, k->a, &view, k->err);
	if (rc == RC_OK && !record_id_parse(record_view_id(&view, k->a), &type, &uuid))
		rc = fail(k->err, RC_ABSENT, "there is no such rule");
	record_view_end(&view);
	if (rc == RC_OK)
		rc = rules_load(k->n, k->r, k->types, uuid, &k->t.set, k->err);
	if (rc == RC_OK)
		k->rule = rules_find(k->t.set, uuid);
	return rc == RC_OK && !k->rule ? fail(k->err, RC_INPUT, "it is no rule that could tell") : rc;
}

enum rc teller_dry_run(struct notify *n, const struct viewer *v, str rule, size_t limit, int64_t now_us, struct arena *a,
		       tell_dry_each each, void *ctx, size_t *count_out, size_t *findings_out, struct err *err)
{
	struct drying k = { .t = { .n = n }, .n = n, .v = v, .a = a, .now_us = now_us, .rc = RC_OK, .err = err };
	struct finding_query q = { .limit = 0, .exercise = v->exercise };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	k.types = snapshot_table(types);
	*count_out = *findings_out = 0;
	enum rc rc = store_read_begin(n->w.store, &k.r, err);
	if (rc == RC_OK)
		rc = find_rule(&k, rule);
	if (rc == RC_OK) {
		k.orgs = rule_orgs_new(n, k.t.set);
		rc = read_findings(k.r, v, &q, each_finding, &k, err);
	}
	rc = rc == RC_OK ? k.rc : rc;
	if (rc == RC_OK) {
		*count_out = k.group_count;
		*findings_out = k.count;
	}
	if (rc == RC_OK && k.unsure > 0) {
		const struct tell_dry none = { .organisation = STR(""), .title = STR("not sure enough"), .recipient = STR(""), .driver = STR(""),
					       .class = STR(""), .language = STR(""), .subject = STR(""), .text = STR(""),
					       .words = arena_fmt(a, "%zu findings would fit but for their confidence: below %d%s", k.unsure,
								  k.rule->confidence, k.rule->stated ? ", or none stated" : ""),
					       .covers = k.unsure };
		limit = each(ctx, &none) ? limit : 0;
	}
	struct arena *line = arena_new(KIB(64));
	for (size_t i = 0; rc == RC_OK && i < k.group_count && i < limit; i++) {
		struct tell_dry d;
		rc = show_group(&k, &k.groups[i], line, &d);
		if (rc == RC_OK && !each(ctx, &d))
			break;
		arena_reset(line);
	}
	arena_free(line);
	free(k.list);
	free(k.groups);
	rule_orgs_free(k.orgs);
	rules_free(k.t.set);
	for (size_t i = 0; i < k.t.zone_count; i++)
		calendar_free(k.t.calendars[i]);
	if (k.r)
		store_read_end(k.r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}
