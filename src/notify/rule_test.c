/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/classes.h"
#include "notify/rule_private.h"
#include "notify/teller.h"
#include "notify/test_senders.h"

#define ALWAYS "Mon-Sun 00:00-24:00"

static int64_t at(const char *text)
{
	int64_t us = 0;
	CHECK_MSG(time_parse(str_of(text), true, &us), "%s", text);
	return us;
}

/* --- when --- */

TEST(when_it_is_told)
{
	static const struct {
		const char *what, *zone;
		struct rule rule;
		const char *happens, *told, *period;
	} cases[] = {
		{ "at once, after the pause", "UTC", { .pace = PACE_ONCE, .pause_us = 2 * MINUTE_US },
		  "2026-11-22T13:05:09Z", "2026-11-22T13:07:09Z", "2026-11-22T13:07:09Z" },
		{ "at the next hour", "UTC", { .pace = PACE_HOURLY }, "2026-11-22T13:05:00Z", "2026-11-22T14:00:00Z",
		  "2026-11-22T14" },
		{ "the hour itself is over", "UTC", { .pace = PACE_HOURLY }, "2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z",
		  "2026-11-22T14" },
		{ "over midnight", "UTC", { .pace = PACE_HOURLY }, "2026-11-22T23:05:00Z", "2026-11-23T00:00:00Z",
		  "2026-11-23T00" },
		{ "half an hour's zone", "Asia/Yangon", { .pace = PACE_HOURLY }, "2026-11-22T13:05:00Z",
		  "2026-11-22T13:30:00Z", "2026-11-22T20" },
		{ "today at eight there", "Asia/Jakarta", { .pace = PACE_DAILY, .hour = 8 }, "2026-11-22T00:30:00Z",
		  "2026-11-22T01:00:00Z", "2026-11-22" },
		{ "tomorrow at eight there", "Asia/Jakarta", { .pace = PACE_DAILY, .hour = 8 }, "2026-11-22T01:00:00Z",
		  "2026-11-23T01:00:00Z", "2026-11-23" },
		{ "another day there", "Pacific/Auckland", { .pace = PACE_DAILY, .hour = 8 }, "2026-11-22T20:00:00Z",
		  "2026-11-23T19:00:00Z", "2026-11-24" },
		{ "the hour summer time leaves out", "Europe/Berlin", { .pace = PACE_DAILY, .hour = 2 },
		  "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29" },
		{ "Monday, from a Sunday", "UTC", { .pace = PACE_WEEKLY, .hour = 8, .weekday = 0 }, "2026-11-22T13:00:00Z",
		  "2026-11-23T08:00:00Z", "2026-W48" },
		{ "Monday, from a Monday at nine", "UTC", { .pace = PACE_WEEKLY, .hour = 8, .weekday = 0 },
		  "2026-11-23T09:00:00Z", "2026-11-30T08:00:00Z", "2026-W49" },
		{ "the week of the new year", "UTC", { .pace = PACE_WEEKLY, .hour = 8, .weekday = 4 },
		  "2026-12-31T09:00:00Z", "2027-01-01T08:00:00Z", "2026-W53" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct calendar *c = NULL;
		char period[RULE_PERIOD_BYTES], got[40];
		CHECK_RC(calendar_new(str_of(cases[i].zone), STR(ALWAYS), STR_NONE, &c, &err), RC_OK, err);
		int64_t told = rule_next(&cases[i].rule, c, at(cases[i].happens));
		CHECK_MSG(told == at(cases[i].told), "%s: " STR_FMT, cases[i].what, STR_ARG(time_str(got, told)));
		str p = rule_period(&cases[i].rule, c, told, period);
		CHECK_MSG(str_eq(p, str_of(cases[i].period)), "%s: " STR_FMT, cases[i].what, STR_ARG(p));
		calendar_free(c);
	}
}

TEST(quiet_hours)
{
	static const struct {
		const char *zone;
		int from, until;
		const char *at, *end;
	} cases[] = {
		{ "UTC", -1, -1, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z" },
		{ "UTC", 22, 7, "2026-11-22T03:00:00Z", "2026-11-22T07:00:00Z" },
		{ "UTC", 22, 7, "2026-11-22T22:00:00Z", "2026-11-23T07:00:00Z" },
		{ "UTC", 22, 7, "2026-11-22T07:00:00Z", "2026-11-22T07:00:00Z" },
		{ "UTC", 12, 13, "2026-11-22T12:30:00Z", "2026-11-22T13:00:00Z" },
		{ "UTC", 5, 5, "2026-11-22T05:30:00Z", "2026-11-22T05:30:00Z" },
		{ "Asia/Jakarta", 22, 7, "2026-11-22T15:30:00Z", "2026-11-23T00:00:00Z" },
		{ "Asia/Jakarta", 22, 7, "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct calendar *c = NULL;
		const struct rule rule = { .quiet_from = cases[i].from, .quiet_until = cases[i].until };
		CHECK_RC(calendar_new(str_of(cases[i].zone), STR(ALWAYS), STR_NONE, &c, &err), RC_OK, err);
		CHECK_MSG(rule_quiet_end(&rule, c, at(cases[i].at)) == at(cases[i].end), "row %zu", i);
		calendar_free(c);
	}
}

/* --- which --- */

static str rule_new(struct senders *s, const char *fields, bool active)
{
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	str id = make_record(s, "rule", NULL, arena_fmt(s->w.a, "{\"title\":\"A rule\",\"pace\":\"once\"%s%s}", fields[0] ? "," : "", fields));
	const struct change_request q = { .id = id, .to_state = STR("active"), .why = STR("a test") };
	if (active)
		CHECK_RC(change(&s->w, &lead, &q, NULL), RC_OK, err);
	return id;
}

static enum rc put_orgs(struct tx *tx, void *ctx, struct err *e)
{
	static const struct { int64_t id; const char *kind, *country, *sector; } rows[] = {
		{ 1, "constituent", "ID", "energy" }, { 2, "provider", "ID", "telecom" }, { 3, "csirt", "TL", "" },
	};
	const str *ids = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(rows); i++) {
		struct uuid id;
		str type;
		CHECK(record_id_parse(ids[i], &type, &id));
		struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, record, name, folded, kind, country, sector, timezone, changed_us)"
						 " VALUES (?1, ?2, 'n' || ?1, 'n' || ?1, ?3, ?4, ?5, '', 0)");
		sql_int(q, 1, rows[i].id);
		sql_blob(q, 2, str_mem((const char *)id.b, sizeof id.b));
		sql_str(q, 3, str_of(rows[i].kind));
		sql_str(q, 4, str_of(rows[i].country));
		sql_str(q, 5, str_of(rows[i].sector));
		rc = sql_run(q, e);
	}
	return rc == RC_OK ? sql_run(sql(tx_conn(tx), "INSERT OR IGNORE INTO feed (id, name, provider, url, licence, tlp, is_on,"
						      " exercise, format, mapping, folder, period_us, complete, made_us, last_report_us)"
						      " VALUES (1, 'local', '', '', '', 2, 1, 0, 'auto', '', '', 0, 0, 0, 0)"), e) : rc;
}

static struct finding finding_of(const char *type, const char *identifier, const char *severity, const char *key)
{
	struct finding f = { .id = { 1, 2 }, .state = FINDING_OPEN, .feed = 1, .type = str_of(type),
			     .identifier = str_of(identifier), .severity = str_of(severity), .key = str_of(key) };
	for (int64_t i = 1; i <= 3; i++)
		f.concerns.list[f.concerns.count++] = (struct match){ .org = i };
	return f;
}

/* "1" the nearest, "12" the first two: whom a rule of these fields tells. */
TEST(which_rule_fits)
{
	static const struct { const char *what, *fields, *told; } cases[] = {
		{ "all of it", "", "1" },
		{ "its type", "\"types\":[\"vulnerable-system\"]", "1" },
		{ "one of two types", "\"types\":[\"spam\",\"vulnerable-system\"]", "1" },
		{ "another type", "\"types\":[\"spam\"]", "" },
		{ "an old name of a type", "\"types\":[\"vulnerable client\"]", "1" },
		{ "its identifier", "\"identifiers\":[\"open-dns\"]", "1" },
		{ "another identifier", "\"identifiers\":[\"open-ntp\"]", "" },
		{ "as severe", "\"severity\":\"medium\"", "1" },
		{ "less severe", "\"severity\":\"high\"", "" },
		{ "its feed", "\"feeds\":[\"local\"]", "1" },
		{ "another feed", "\"feeds\":[\"other\"]", "" },
		{ "a kind the nearest has", "\"kinds\":[\"constituent\"]", "1" },
		{ "a kind another has: it is not the nearest", "\"kinds\":[\"provider\"]", "" },
		{ "the same, told to all", "\"kinds\":[\"provider\"],\"concerned\":\"all\"", "2" },
		{ "all of a country", "\"countries\":[\"ID\"],\"concerned\":\"all\"", "12" },
		{ "everybody", "\"concerned\":\"all\"", "123" },
		{ "its sector", "\"sectors\":[\"energy\",\"water\"]", "1" },
		{ "another sector", "\"sectors\":[\"water\"]", "" },
		{ "English, as it says nothing", "\"languages\":[\"id\",\"en\"]", "1" },
		{ "another language", "\"languages\":[\"id\"]", "" },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str ids[3];
	for (size_t i = 0; i < 3; i++)
		ids[i] = organisation(&s, "/ok", NULL);
	CHECK_RC(store_write(s.w.s, put_orgs, ids, &err), RC_OK, err);
	const struct finding f = finding_of("vulnerable-system", "open-dns", "medium", "ip 198.18.0.1 port 53");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rule_set *set = NULL;
		struct rule_match list[CONCERNS_MAX];
		size_t count = 0, usable = 0;
		char told[8] = "";
		struct uuid draft;
		str type;
		CHECK(record_id_parse(rule_new(&s, cases[i].fields, false), &type, &draft));
		struct reader *r = begin(&s.w);
		CHECK_RC(rules_load(s.n, r, types_of(&s.w), draft, &set, &err), RC_OK, err);
		CHECK_INT(rules_count(set), 1);
		struct rule_orgs *orgs = rule_orgs_new(s.n, set);
		CHECK_RC(rules_match(set, orgs, r, types_of(&s.w), &f, 0, list, &count, &usable, &err), RC_OK, err);
		for (size_t n = 0; n < count; n++)
			snprintf(told + n, sizeof told - n, "%lld", (long long)list[n].org->org);
		CHECK_MSG(strcmp(told, cases[i].told) == 0, "%s: %s", cases[i].what, told);
		CHECK_INT(usable, 3);
		rule_orgs_free(orgs);
		rules_free(set);
		store_read_end(r);
	}
	end_senders(&s);
}

TEST(how_sure_it_is)
{
	/* -1: it does not say */
	static const struct { const char *fields; int confidence; const char *why; } cases[] = {
		{ "", -1, NULL },
		{ "", 0, NULL },
		{ "\"min_confidence\":0", 0, NULL },
		{ "\"min_confidence\":60", -1, NULL },
		{ "\"min_confidence\":60", 0, rule_unsure },
		{ "\"min_confidence\":60", 59, rule_unsure },
		{ "\"min_confidence\":60", 60, NULL },
		{ "\"min_confidence\":100", 100, NULL },
		{ "\"confidence_stated\":true", -1, rule_unstated },
		{ "\"confidence_stated\":true", 0, NULL },
		{ "\"min_confidence\":60,\"confidence_stated\":true", -1, rule_unstated },
		{ "\"min_confidence\":60,\"confidence_stated\":true", 10, rule_unsure },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	str ids[3];
	for (size_t i = 0; i < 3; i++)
		ids[i] = organisation(&s, "/ok", NULL);
	CHECK_RC(store_write(s.w.s, put_orgs, ids, &err), RC_OK, err);
	struct finding f = finding_of("vulnerable-system", "open-dns", "medium", "ip 198.18.0.1 port 53");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rule_set *set = NULL;
		const struct rule_org *org = NULL;
		bool sure = false;
		struct uuid draft;
		str type;
		f.confidence = (uint8_t)(cases[i].confidence + 1);
		CHECK(record_id_parse(rule_new(&s, cases[i].fields, false), &type, &draft));
		struct reader *r = begin(&s.w);
		CHECK_RC(rules_load(s.n, r, types_of(&s.w), draft, &set, &err), RC_OK, err);
		struct rule_orgs *orgs = rule_orgs_new(s.n, set);
		CHECK_RC(rule_orgs_get(orgs, r, types_of(&s.w), 1, &org, &err), RC_OK, err);
		struct rule_key k = rule_key_of(set, &f);
		CHECK_INT(k.confidence, cases[i].confidence);
		CHECK_MSG(rule_misfit(rules_at(set, 0), &k, org, true, 0) == cases[i].why, "row %zu", i);
		/* It fits when it is sure; nothing is asked where no rule asks for it. */
		CHECK_RC(rules_match_sure(set, orgs, r, types_of(&s.w), &f, 0, &sure, &err), RC_OK, err);
		CHECK_MSG(sure == (strstr(cases[i].fields, "stated") || strstr(cases[i].fields, "60") || strstr(cases[i].fields, "100")),
			  "row %zu", i);
		rule_orgs_free(orgs);
		rules_free(set);
		store_read_end(r);
	}
	end_senders(&s);
}

TEST(the_first_rule_tells)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	teller_open(s.n);
	str ids[3], first, second;
	for (size_t i = 0; i < 3; i++)
		ids[i] = organisation(&s, "/ok", NULL);
	CHECK_RC(store_write(s.w.s, put_orgs, ids, &err), RC_OK, err);
	second = rule_new(&s, "\"rank\":20", true);
	first = rule_new(&s, "\"rank\":10,\"class\":\"amplifier\"", true);
	(void)rule_new(&s, "\"rank\":1", false); /* a draft */
	struct rule_set *set = NULL;
	struct rule_match list[CONCERNS_MAX];
	size_t count = 0, usable = 0;
	struct finding f = finding_of("vulnerable-system", "open-dns", "medium", "ip 198.18.0.1 port 53");
	struct reader *r = begin(&s.w);
	CHECK_RC(rules_load(s.n, r, types_of(&s.w), (struct uuid){ { 0 } }, &set, &err), RC_OK, err);
	CHECK_INT(rules_count(set), 2);
	struct rule_orgs *orgs = rule_orgs_new(s.n, set);
	CHECK_RC(rules_match(set, orgs, r, types_of(&s.w), &f, 0, list, &count, &usable, &err), RC_OK, err);
	CHECK_INT(count, 1);
	CHECK_STR(list[0].rule->record, first);
	CHECK_STR(rule_class_of(list[0].rule, &f), STR("amplifier"));
	CHECK_STR(rule_class_of(rules_at(set, 1), &f), STR("open-dns"));
	CHECK_STR(rules_at(set, 1)->record, second);
	/* What was there before the rule was active. */
	CHECK_RC(rules_match(set, orgs, r, types_of(&s.w), &f, 1, list, &count, &usable, &err), RC_OK, err);
	CHECK_INT(count, 0);
	f.exercise = true; /* of those who are real none hears of it */
	CHECK_RC(rules_match(set, orgs, r, types_of(&s.w), &f, 0, list, &count, &usable, &err), RC_OK, err);
	CHECK(count == 0 && usable == 0);
	rule_orgs_free(orgs);
	rules_free(set);
	store_read_end(r);
	end_senders(&s);
}

TEST(what_is_inhibited)
{
	static const struct { const char *fields; bool stops; } cases[] = {
		{ "", true },
		{ "\"type_of\":\"vulnerable-system\"", true },
		{ "\"type_of\":\"spam\"", false },
		{ "\"identifier\":\"open-dns\"", true },
		{ "\"identifier\":\"open-ntp\"", false },
		{ "\"network\":\"198.18.0.0/24\"", true },
		{ "\"network\":\"198.18.1.0/24\"", false },
		{ "\"finding\":\"finding--00000000000000010000000000000002\"", true },
		{ "\"finding\":\"finding--00000000000000010000000000000003\"", false },
		{ "\"type_of\":\"vulnerable-system\",\"network\":\"198.18.1.0/24\"", false },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	const struct finding f = finding_of("vulnerable-system", "open-dns", "medium", "ip 198.18.0.1 port 53");
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rule_set *set = NULL;
		str id = make_record(&s, "inhibition", NULL,
				     arena_fmt(s.w.a, "{\"title\":\"x\",\"reason\":\"y\",\"until\":\"2100-01-01T00:00:00Z\"%s%s}",
					       cases[i].fields[0] ? "," : "", cases[i].fields));
		const struct change_request on = { .id = id, .to_state = STR("active") };
		const struct change_request off = { .id = id, .to_state = STR("ended"), .why = STR("a test") };
		CHECK_RC(change(&s.w, &lead, &on, NULL), RC_OK, err);
		struct reader *r = begin(&s.w);
		CHECK_RC(rules_load(s.n, r, types_of(&s.w), (struct uuid){ { 0 } }, &set, &err), RC_OK, err);
		CHECK_MSG((rules_inhibit(set, &f, house_a, clock_now_us()) != NULL) == cases[i].stops, "%s", cases[i].fields);
		CHECK(!rules_inhibit(set, &f, house_a, at("2100-01-01T00:00:00Z")));
		rules_free(set);
		store_read_end(r);
		CHECK_RC(change(&s.w, &lead, &off, NULL), RC_OK, err);
	}
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(when_it_is_told), TEST_RUN(quiet_hours), TEST_RUN(which_rule_fits), TEST_RUN(how_sure_it_is), TEST_RUN(the_first_rule_tells),
	  TEST_RUN(what_is_inhibited))
