/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/clock.h"
#include "record/record_world.h"
#include "route/directory_records.h"

/* A store whose organisations' records feed the directory. */
struct town {
	struct world w;
	struct directory_records *d;
	const struct type *t;
};

static struct town town_new(void)
{
	struct town t = { .w = world_new() };
	CHECK_RC(directory_records_open(t.w.s, t.w.r, &t.d, &err), RC_OK, err);
	t.t = directory_type(snapshot_table(t.w.held));
	CHECK(t.t != NULL);
	return t;
}

static void town_end(struct town *t)
{
	struct directory_records *d = t->d;
	directory_records_close(d);
	world_end(&t->w);
}

static struct directory *loaded(struct town *t)
{
	struct reader *r;
	struct directory *d = NULL;
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	CHECK_RC(directory_load(reader_conn(r), &d, &err), RC_OK, err);
	store_read_end(r);
	return d;
}

static size_t contacts(struct town *t, int64_t org, struct arena *a, struct contact **out)
{
	struct reader *r;
	size_t n = 0;
	CHECK_RC(store_read_begin(t->w.s, &r, &err), RC_OK, err);
	CHECK_RC(directory_org_contacts(reader_conn(r), org, a, out, &n, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static enum rc change(struct town *t, const struct record *old, const char *fields, const char *state,
		      const char *labels, struct record *out)
{
	struct record_change c = { .type = t->t, .fields = str_of(fields), .to_state = -1,
				   .actor = STR("account:1"), .why = STR("a test") };
	if (old)
		c.id = old->id;
	if (state)
		c.to_state = type_state(t->t, str_of(state));
	if (labels)
		c.labels = str_of(labels);
	return world_put(&t->w, &c, out);
}

static struct record made(struct town *t, const char *fields)
{
	struct record r = { 0 };
	CHECK_RC(change(t, NULL, fields, NULL, NULL, &r), RC_OK, err);
	return r;
}

static size_t matches(const struct directory *d, const char *ip, int64_t at_us, struct match *m)
{
	struct ip a;
	CHECK(ip_parse(str_of(ip), &a));
	return directory_match_ip(d, &a, at_us, m, 4);
}

static int64_t at(const char *text)
{
	int64_t us = 0;
	CHECK(time_parse(str_of(text), true, &us));
	return us;
}

#define ROW(kind, value, more) "{\"kind\":\"" kind "\",\"value\":\"" value "\"" more "}"
#define ORG(name, kind, rows) \
	"{\"name\":\"" name "\",\"kind\":\"" kind "\",\"country\":\"ID\",\"constituency\":[" rows "]}"

TEST(a_record_routes_and_keeps_its_number)
{
	struct town t = town_new();
	struct match m[4];
	struct record a = made(&t, ORG("A", "constituent", ROW("network", "198.18.0.0/24", "")","
				       ROW("asn", "AS64500", "")","ROW("domain", "Example.ORG", "")));
	struct record b = made(&t, ORG("B", "provider", ROW("network", "198.18.0.0/16", "")));
	struct directory *d = loaded(&t);
	CHECK_INT(directory_size(d), 2);
	CHECK_INT(matches(d, "198.18.0.7", 1, m), 2);
	CHECK_INT(m[0].role, ROLE_ASSET_HOLDER);
	CHECK_INT(m[1].role, ROLE_NETWORK);
	const struct org *o = directory_org(d, m[0].org);
	CHECK(o && uuid_equal(&o->record, &a.id));
	int64_t number = m[0].org, other = m[1].org;
	CHECK_INT(directory_match_asn(d, 64500, 1, m, 4), 1);
	CHECK_INT(directory_match_domain(d, STR("www.example.org"), 1, m, 4), 1);
	uint64_t version = directory_version(d);
	directory_free(d);
	/* Another name, another network; the number stays. */
	struct record now;
	CHECK_RC(change(&t, &a, "{\"name\":\"A and Sons\",\"constituency\":["
			ROW("network", "198.18.5.0/24", "")"]}", NULL, NULL, &now), RC_OK, err);
	d = loaded(&t);
	CHECK(directory_version(d) > version);
	CHECK_INT(matches(d, "198.18.5.1", 1, m), 2);
	CHECK_INT(m[0].org, number);
	CHECK_STR(directory_org(d, number)->name, STR("A and Sons"));
	CHECK_INT(matches(d, "198.18.0.7", 1, m), 1);
	CHECK_INT(m[0].org, other);
	CHECK_INT(directory_match_asn(d, 64500, 1, m, 4), 0);
	directory_free(d);
	/* Former: the name stays, its claims are out of the table; active again: back. */
	CHECK_RC(change(&t, &a, "{}", "former", NULL, &now), RC_OK, err);
	d = loaded(&t);
	CHECK_INT(matches(d, "198.18.5.1", 1, m), 1);
	CHECK(directory_org(d, number)->former);
	CHECK_STR(directory_org(d, number)->name, STR("A and Sons"));
	directory_free(d);
	CHECK_RC(change(&t, &a, "{}", "active", NULL, &now), RC_OK, err);
	d = loaded(&t);
	CHECK_INT(matches(d, "198.18.5.1", 1, m), 2);
	CHECK(!directory_org(d, number)->former);
	directory_free(d);
	(void)b;
	town_end(&t);
}

static const struct {
	const char *what, *fields, *words;
	unsigned row;
} wrong[] = {
	{ "host bits", ORG("X", "constituent", ROW("network", "198.18.9.1/24", "")), "is '198.18.9.0/24' meant?", 1 },
	{ "too large", ORG("X", "constituent", ROW("network", "0.0.0.0/0", "")), "too large", 1 },
	{ "no AS number", ORG("X", "constituent", ROW("asn", "x", "")), "'x' is no AS number", 1 },
	{ "a top-level domain", ORG("X", "constituent", ROW("domain", "org", "")), "whole top-level domain", 1 },
	{ "a country", ORG("X", "constituent", ROW("country", "ID", "")), "has no country of its own", 1 },
	{ "no such country", ORG("X", "csirt", ROW("country", "QQ", "")), "there is no country 'QQ'", 1 },
	{ "backwards", ORG("X", "constituent", ROW("asn", "64600", ",\"from\":\"2026-02-01\",\"until\":\"2026-01-01\"")),
	  "ends before it begins", 1 },
	{ "shared AS", ORG("X", "constituent", ROW("asn", "64600", ",\"shared_address\":true")), "only networks", 1 },
	{ "somebody's network", ORG("X", "constituent", ROW("network", "198.18.77.0/24", "")","
				    ROW("network", "198.18.0.0/24", "")), "also claimed by 'A'", 2 },
	{ "in a season that meets", ORG("X", "constituent", ROW("domain", "season.example", ",\"from\":\"2026-01-31\"")),
	  "also claimed by 'A'", 1 },
};

TEST(refused_with_a_sentence_at_the_row)
{
	struct town t = town_new();
	made(&t, ORG("A", "constituent", ROW("network", "198.18.0.0/24", "")","
		     ROW("domain", "season.example", ",\"until\":\"2026-01-31\"")));
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct record_change c = { .type = t.t, .fields = str_of(wrong[i].fields), .to_state = -1,
					   .actor = STR("account:1"), .language = STR("id") };
		struct world_put p = { .r = t.w.r, .c = &c, .a = t.w.a };
		enum rc rc = store_write(t.w.s, world_put_job, &p, &err);
		CHECK_MSG(rc == RC_INPUT, "%s: %s", wrong[i].what, rc_name(rc));
		CHECK_MSG(p.error_count == 1 && p.errors[0].row == wrong[i].row &&
			  strstr(p.errors[0].text, wrong[i].words) && strstr(p.errors[0].text, "Wilayah"),
			  "%s: %zu errors, row %u '%s'", wrong[i].what, p.error_count, p.errors[0].row,
			  p.errors[0].text);
	}
	/* The same network in another role, another season, or of the same organisation twice is fine. */
	made(&t, ORG("N", "provider", ROW("network", "198.18.0.0/24", "")));
	struct record b = made(&t, ORG("B", "constituent",
				       ROW("domain", "season.example", ",\"from\":\"2026-02-01\"")","
				       ROW("asn", "64501", "")","ROW("asn", "AS64501", "")));
	struct directory *d = loaded(&t);
	struct match m[4];
	CHECK_INT(directory_size(d), 3);
	CHECK_INT(directory_match_domain(d, STR("season.example"), at("2026-01-31T23:59:59Z"), m, 4), 1);
	CHECK_STR(directory_org(d, m[0].org)->name, STR("A"));
	CHECK_INT(directory_match_domain(d, STR("season.example"), at("2026-02-01"), m, 4), 1);
	CHECK_STR(directory_org(d, m[0].org)->name, STR("B"));
	CHECK_INT(directory_match_asn(d, 64501, 1, m, 4), 1);
	directory_free(d);
	/* To the second, and only what changes is refused: B may be edited. */
	struct record now;
	CHECK_RC(change(&t, &b, "{\"constituency\":["
			ROW("asn", "64501", ",\"starts\":\"2026-03-01T10:30:00Z\",\"ends\":\"2026-03-01T11:00:00Z\"")
			"]}", NULL, NULL, &now), RC_OK, err);
	d = loaded(&t);
	CHECK_INT(directory_match_asn(d, 64501, at("2026-03-01T10:30:00Z") - 1, m, 4), 0);
	CHECK_INT(directory_match_asn(d, 64501, at("2026-03-01T10:30:00Z"), m, 4), 1);
	CHECK_INT(directory_match_asn(d, 64501, at("2026-03-01T11:00:00Z"), m, 4), 0);
	directory_free(d);
	town_end(&t);
}

TEST(who_routes_nothing)
{
	struct town t = town_new();
	struct record r;
	struct match m[4];
	CHECK_RC(change(&t, NULL, ORG("Drill", "constituent", ROW("network", "198.18.1.0/24", "")), NULL,
			"{\"tlp\":\"AMBER\",\"exercise\":true}", &r), RC_OK, err);
	CHECK_RC(change(&t, NULL, ORG("Secret", "constituent", ROW("network", "198.18.2.0/24", "")), NULL,
			"{\"tlp\":\"RED\",\"named\":[\"account:1\"]}", &r), RC_OK, err);
	/* A copy of another node's may not take our networks. */
	struct record_change c = { .type = t.t, .fields = STR(ORG("Far", "constituent",
				   ROW("network", "198.18.3.0/24", ""))), .to_state = 0,
				   .actor = STR("partner:1"), .id = uuid_random(), .version = 1, .type_version = 1,
				   .origin = STR("00000000-0000-4000-8000-000000000001") };
	CHECK_RC(world_put(&t.w, &c, &r), RC_OK, err);
	struct directory *d = loaded(&t);
	CHECK_INT(directory_size(d), 2);
	CHECK_INT(matches(d, "198.18.1.1", 1, m), 0);
	CHECK_INT(matches(d, "198.18.3.1", 1, m), 0);
	CHECK_INT(matches(d, "198.18.2.1", 1, m), 1); /* is told, but not named to all */
	CHECK_STR(directory_org(d, m[0].org)->name, STR("organisation-2"));
	directory_free(d);
	town_end(&t);
}

struct erasing {
	struct town *t;
	struct uuid id;
};

static enum rc erase_job(struct tx *tx, void *ctx, struct err *e)
{
	struct erasing *x = ctx;
	return record_erase(tx, x->t->w.r, x->id, STR("account:1"), STR("a test"), e);
}

TEST(erased_is_gone_for_good)
{
	struct town t = town_new();
	struct record a = made(&t, ORG("A", "constituent", ROW("network", "198.18.0.0/24", "")));
	struct erasing x = { &t, a.id };
	CHECK_RC(store_write(t.w.s, erase_job, &x, &err), RC_OK, err);
	struct record b = made(&t, ORG("B", "constituent", ROW("network", "198.18.0.0/24", "")));
	struct directory *d = loaded(&t);
	struct match m[4];
	CHECK_INT(directory_size(d), 1);
	CHECK_INT(matches(d, "198.18.0.1", 1, m), 1);
	CHECK_INT(m[0].org, 2); /* the number of A is never another's */
	directory_free(d);
	(void)b;
	town_end(&t);
}

/* --- a store of an older version --- */

static enum rc old_rows(struct tx *tx, void *ctx, struct err *e)
{
	static const char *const rows[] = {
		"INSERT INTO org (id, name, folded, kind, country, sector, timezone, changed_us) VALUES "
		"(7, 'Telco', 'telco', 'provider', 'ID', 'telecommunications', 'Asia/Jakarta', 1), "
		"(9, 'Bank', 'bank', 'constituent', 'ID', 'finance', '', 1), "
		"(11, 'Odd', 'odd', 'constituent', 'ID', '', '', 1)",
		"INSERT INTO org_contact (org, at, role, email, phone) VALUES "
		"(7, 0, '24x7', 'noc@telco.example', '+000-1'), (9, 0, 'helpdesk', 'help@bank.example', '')",
		"INSERT INTO org_scope (org, kind, value, role, shared_address, from_us, until_us) VALUES "
		"(7, 'asn', '64500', 2, 0, 0, 0), (7, 'net', '100.64.0.0/10', 2, 1, 0, 0), "
		"(9, 'net', '198.18.0.0/24', 0, 0, 86400000000, 1767225600500000), "
		"(11, 'domain', 'not a domain', 0, 0, 0, 0)",
	};
	enum rc rc = RC_OK;
	(void)ctx;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(rows); i++)
		rc = sql_run(sql(tx_conn(tx), rows[i]), e);
	return rc;
}

TEST(rows_become_records_once)
{
	struct town t = { .w = world_new() };
	struct match m[4];
	size_t did = 0, left = 0;
	t.t = directory_type(snapshot_table(t.w.held));
	/* People had written a record of the bank before; it knows another address. */
	struct record bank = made(&t, "{\"name\":\"BANK\",\"kind\":\"constituent\",\"remarks\":\"ours\","
				      "\"contacts\":[{\"role\":\"legal\",\"email\":\"law@bank.example\"}]}");
	made(&t, ORG("Late", "constituent", ROW("network", "198.18.7.0/24", "")","ROW("asn", "64500", "")));
	CHECK_RC(store_write(t.w.s, old_rows, NULL, &err), RC_OK, err);
	CHECK_RC(directory_records_open(t.w.s, t.w.r, &t.d, &err), RC_OK, err);
	CHECK_RC(directory_records_settle(t.d, &did, &left, &err), RC_OK, err);
	CHECK_INT(left, 1); /* what fits no record */
	struct directory *d = loaded(&t);
	const struct org *o;
	CHECK_INT(directory_match_asn(d, 64500, 1, m, 4), 1);
	CHECK_INT(m[0].org, 7);
	CHECK_INT(did, 3);
	/* A record that was never compared does not push aside what routes. */
	CHECK_INT(matches(d, "198.18.7.1", 1, m), 1);
	CHECK_STR(directory_org(d, m[0].org)->name, STR("Late"));
	o = directory_org(d, 9);
	CHECK(o && uuid_equal(&o->record, &bank.id));
	struct arena *a = arena_new(KIB(4));
	struct contact *list;
	CHECK_INT(contacts(&t, 9, a, &list), 2);
	CHECK_STR(o->sector, STR("finance"));
	CHECK_INT(matches(d, "198.18.0.1", 86400000000 - 1, m), 0);
	o = directory_org(d, 7);
	CHECK(o && !uuid_is_zero(&o->record));
	CHECK_STR(o->sector, STR("telecommunications"));
	CHECK(contacts(&t, 7, a, &list) > 0);
	CHECK_STR(list[0].role, STR("point24"));
	arena_free(a);
	CHECK_INT(matches(d, "100.64.1.1", 1, m), 1);
	CHECK(m[0].shared_address);
	CHECK_INT(matches(d, "198.18.0.1", 86400000000, m), 1);
	CHECK_INT(matches(d, "198.18.0.1", 1767225600500000 - 1, m), 1);
	CHECK_INT(matches(d, "198.18.0.1", 1767225600500000, m), 0);
	directory_free(d);
	CHECK_RC(directory_records_settle(t.d, &did, &left, &err), RC_OK, err);
	CHECK_INT(did + left, 0);
	town_end(&t);
}

static struct record now_of(struct town *t, const struct record *r)
{
	struct record now = { 0 };
	struct reader *rd;
	CHECK_RC(store_read_begin(t->w.s, &rd, &err), RC_OK, err);
	CHECK_RC(record_load(reader_conn(rd), snapshot_table(t->w.held), r->id, t->w.a, &now, &err), RC_OK, err);
	store_read_end(rd);
	return now;
}

/* Its successor takes over in a moment; then it is former, once. */
TEST(former_when_the_day_has_come)
{
	struct town t = town_new();
	bool did = false;
	char ends[40], fields[400];
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	struct record b = made(&t, ORG("B", "constituent", "")), r;
	record_id_format(&id, STR("organisation"), &b.id);
	snprintf(ends, sizeof(ends), STR_FMT, STR_ARG(time_str((char[40]){ 0 }, clock_now_us() + 2 * SECOND_US)));
	snprintf(fields, sizeof(fields), "{\"name\":\"A\",\"kind\":\"constituent\",\"successor\":\"%s\","
		 "\"constituency\":[{\"kind\":\"asn\",\"value\":\"64500\",\"ends\":\"%s\"}]}", id.p, ends);
	struct record a = made(&t, fields);
	CHECK_RC(store_tend(t.w.s, &did, &err), RC_OK, err);
	CHECK_STR(now_of(&t, &a).state_name, STR("active"));
	for (int i = 0; i < 600 && str_eq(now_of(&t, &a).state_name, STR("active")); i++) {
		usleep(10000);
		CHECK_RC(store_tend(t.w.s, &did, &err), RC_OK, err);
	}
	CHECK_STR(now_of(&t, &a).state_name, STR("former"));
	CHECK_STR(now_of(&t, &a).author, STR("node"));
	CHECK_RC(change(&t, &a, "{}", "active", NULL, &r), RC_OK, err);
	CHECK_RC(store_tend(t.w.s, &did, &err), RC_OK, err);
	CHECK_STR(now_of(&t, &a).state_name, STR("active"));
	buf_free(&id);
	town_end(&t);
}

/* What is approved opens nothing that was before: neither by its own dates nor by another's. */
TEST(a_claim_begins_when_it_is_approved)
{
	struct town t = town_new();
	struct match m[4];
	struct record org = made(&t, "{\"name\":\"Bank\",\"kind\":\"constituent\"}"), r;
	const struct type *claim = types_find(snapshot_table(t.w.held), STR("claim"));
	struct buf fields = BUF_INIT(KIB(4));
	buf_add(&fields, STR("{\"kind\":\"domain\",\"value\":\"bank.example\",\"method\":\"letter\","
			     "\"from\":\"2020-01-01\",\"organisation\":\""));
	record_id_format(&fields, STR("organisation"), &org.id);
	buf_add(&fields, STR("\"}"));
	struct record_change c = { .type = claim, .fields = buf_str(&fields), .actor = STR("account:1"),
				   .to_state = type_state(claim, STR("proved")) };
	CHECK_RC(world_put(&t.w, &c, &r), RC_OK, err);
	int64_t now = clock_now_us(), day = (int64_t)time_day(now) * DAY_US;
	struct directory *d = loaded(&t);
	CHECK_INT(directory_match_domain(d, STR("www.bank.example"), now, m, 4), 0);
	directory_free(d);
	c = (struct record_change){ .type = claim, .id = r.id, .actor = STR("account:2"),
				    .to_state = type_state(claim, STR("approved")) };
	CHECK_RC(world_put(&t.w, &c, &r), RC_OK, err);
	d = loaded(&t);
	CHECK_INT(directory_match_domain(d, STR("www.bank.example"), now, m, 4), 1);
	CHECK_INT(directory_match_domain(d, STR("www.bank.example"), day, m, 4), 1);
	CHECK_INT(directory_match_domain(d, STR("www.bank.example"), day - 1, m, 4), 0);
	CHECK_INT(directory_match_domain(d, STR("www.bank.example"), at("2020-06-01"), m, 4), 0);
	directory_free(d);
	/* The organisation's version is of who approved it. */
	struct reader *rd;
	CHECK_RC(store_read_begin(t.w.s, &rd, &err), RC_OK, err);
	CHECK_RC(record_load(reader_conn(rd), snapshot_table(t.w.held), org.id, t.w.a, &org, &err), RC_OK, err);
	store_read_end(rd);
	CHECK_STR(org.author, STR("account:2"));
	CHECK_STR(org.why, STR("claim-1 was approved"));
	c.to_state = type_state(claim, STR("ended"));
	c.why = STR("sold");
	CHECK_RC(world_put(&t.w, &c, &r), RC_OK, err);
	d = loaded(&t);
	CHECK_INT(directory_match_domain(d, STR("www.bank.example"), now, m, 4), 0);
	directory_free(d);
	buf_free(&fields);
	town_end(&t);
}

TEST_MAIN(TEST_RUN(a_record_routes_and_keeps_its_number), TEST_RUN(refused_with_a_sentence_at_the_row),
	  TEST_RUN(who_routes_nothing), TEST_RUN(erased_is_gone_for_good),
	  TEST_RUN(rows_become_records_once), TEST_RUN(a_claim_begins_when_it_is_approved),
	  TEST_RUN(former_when_the_day_has_come))
