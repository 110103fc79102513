/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/last_resort.h"

#include "notify/bounce.h"
#include "notify/contacts.h"
#include "notify/rule_private.h"
#include "notify/teller_private.h"
#include "notify/test_senders.h"
#include "record/erase.h"
#include "route/fallback.h"

extern const struct eraser eraser_contact;

/* --- a registry of some ranges --- */

static void add(struct fallback_builder *b, const char *first, const char *last, const char *email, const char *country,
		uint8_t trust)
{
	struct fallback_entry e = { .kind = FALLBACK_NET, .email = str_of(email), .name = STR(""), .domain = STR(""),
				    .trust = trust, .seen_day = 20000 };
	memcpy(e.country, country, 2);
	CHECK(ip_parse(str_of(first), &e.first) && ip_parse(str_of(last), &e.last));
	CHECK_RC(fallback_add(b, &e, &err), RC_OK, err);
}

static void free_table(void *table)
{
	fallback_free(table);
}

static struct snapshot *registry(struct senders *s)
{
	struct fallback_builder *b = fallback_builder_new(NULL, 0);
	struct snapshot *out = snapshot_new(free_table);
	struct fallback *f = NULL;
	struct spool *image = NULL;
	struct fallback_counts counts;
	bool same;
	add(b, "192.0.2.0", "192.0.2.255", "abuse@example.org", "SG", 45);
	add(b, "198.18.0.0", "198.18.0.255", "abuse@example.net", "TL", 25);
	add(b, "198.18.5.0", "198.18.5.255", "abuse@net.example", "ID", 45);
	add(b, "198.18.1.0", "198.18.1.255", "one@example.net,two@example.net", "TL", 45);
	add(b, "198.18.2.0", "198.18.2.255", "a b@example.net", "TL", 45);
	add(b, "198.18.3.0", "198.18.3.255", "@example.net", "TL", 45);
	add(b, "198.18.4.0", "198.18.4.255", "nobody", "TL", 45);
	CHECK_RC(fallback_build_spool(b, STR("whois:test"), &image, &counts, &err), RC_OK, err);
	fallback_builder_free(b);
	CHECK_RC(fallback_replace(s->w.s, records_journal(s->w.r), image, STR("test"), &same, &err), RC_OK, err);
	spool_free(image);
	struct reader *r = begin(&s->w);
	CHECK_RC(fallback_open(reader_conn(r), NULL, &f, &err), RC_OK, err);
	store_read_end(r);
	snapshot_swap(out, f);
	s->n->w.contacts = out;
	return out;
}

static str a_rule(struct senders *s, const char *fields)
{
	return make_record(s, "rule", NULL, arena_fmt(s->w.a, "{\"title\":\"A rule\",\"pace\":\"once\"%s%s}", fields[0] ? "," : "", fields));
}

/* Whom a rule of these fields tells of it; "": nobody. */
static str told(struct senders *s, const char *fields, const struct finding *f)
{
	struct uuid draft;
	struct rule_set *set = NULL;
	struct rule_match m;
	struct last_resort who;
	str type;
	bool found = false;
	CHECK(record_id_parse(a_rule(s, fields), &type, &draft));
	struct reader *r = begin(&s->w);
	CHECK_RC(rules_load(s->n, r, types_of(&s->w), draft, &set, &err), RC_OK, err);
	CHECK_RC(last_resort_match(s->n, set, r, f, 0, s->w.a, &m, &who, &found, &err), RC_OK, err);
	if (found) {
		CHECK(m.org->last_resort && last_resort_is(&m.org->record) && m.org->org == 0);
		CHECK(str_ends(m.org->id, who.email));
	}
	str out = found ? m.org->id : STR("");
	rules_free(set);
	store_read_end(r);
	return out;
}

TEST(which_rule_tells_them)
{
#define LAST "\"last_resort\":true"
	static const struct { const char *what, *fields, *key, *told; } cases[] = {
		{ "a rule that does not say so", "", "ip 192.0.2.1", "" },
		{ "one that does", LAST, "ip 192.0.2.1 port 53", "contact:abuse@example.org" },
		{ "a network", LAST, "net 192.0.2.0/28", "contact:abuse@example.org" },
		{ "nobody is named", LAST, "ip 203.0.113.1", "" },
		{ "an account is a person's", LAST, "account of example.org", "" },
		{ "trusted less than most ask for", LAST, "ip 198.18.0.1", "" },
		{ "trusted enough for this one", LAST ",\"last_resort_trust\":20", "ip 198.18.0.1", "contact:abuse@example.net" },
		{ "trusted too little for this one", LAST ",\"last_resort_trust\":46", "ip 192.0.2.1", "" },
		{ "two addresses are none", LAST, "ip 198.18.1.1", "" },
		{ "nor is one with a space", LAST, "ip 198.18.2.1", "" },
		{ "nor a half", LAST, "ip 198.18.3.1", "" },
		{ "nor a word", LAST, "ip 198.18.4.1", "" },
		{ "another type", LAST ",\"types\":[\"spam\"]", "ip 192.0.2.1", "" },
		{ "not sure enough", LAST ",\"min_confidence\":60", "ip 192.0.2.1", "" },
		{ "its country", LAST ",\"countries\":[\"SG\"]", "ip 192.0.2.1", "contact:abuse@example.org" },
		{ "another country", LAST ",\"countries\":[\"TL\"]", "ip 192.0.2.1", "" },
		{ "nothing is known of its kind", LAST ",\"kinds\":[\"provider\"]", "ip 192.0.2.1", "" },
		{ "nor of its sector", LAST ",\"sectors\":[\"telecom\"]", "ip 192.0.2.1", "" },
		{ "it reads English", LAST ",\"languages\":[\"en\"]", "ip 192.0.2.1", "contact:abuse@example.org" },
		{ "by its country more", LAST ",\"languages\":[\"id\"]", "ip 198.18.5.1", "contact:abuse@net.example" },
		{ "not more", LAST ",\"languages\":[\"id\"]", "ip 192.0.2.1", "" },
	};
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	struct finding f = { .id = { 1, 2 }, .state = FINDING_OPEN, .type = STR_INIT("vulnerable-system"),
			     .identifier = STR_INIT("open-dns"), .severity = STR_INIT("high"), .confidence = 51 };
	f.key = STR("ip 192.0.2.1");
	CHECK_STR(told(&s, LAST, &f), STR("")); /* no table at all */
	struct snapshot *contacts = registry(&s);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		f.key = str_of(cases[i].key);
		str who = told(&s, cases[i].fields, &f);
		CHECK_MSG(str_eq(who, str_of(cases[i].told)), "%s: '" STR_FMT "'", cases[i].what, STR_ARG(who));
	}
	f.key = STR("ip 192.0.2.1");
	f.exercise = true;
	CHECK_STR(told(&s, LAST, &f), STR(""));
	end_senders(&s);
	snapshot_free(contacts);
}

/* --- made, sent back, let alone --- */

struct seen {
	struct senders *s;
	const char *concerns;
	int64_t seq, now_us;
};

static enum rc put_seen(struct tx *tx, void *ctx, struct err *e)
{
	const struct seen *k = ctx;
	const char id[16] = { 7 };
	enum rc rc = sql_run(sql(tx_conn(tx), "INSERT OR IGNORE INTO feed (id, name, provider, url, licence, tlp, is_on, exercise,"
					      " format, mapping, folder, period_us, complete, made_us, last_report_us)"
					      " VALUES (1, 'local', '', '', '', 2, 1, 0, 'auto', '', '', 0, 0, 0, 0)"), e);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO finding (id, state, first_seen, last_seen, feed, run, events, returns,"
					 " tlp, exercise, shared_address, asn, feeds, ip, cc, type, identifier, severity, key,"
					 " concerns, sides) VALUES (?1, 1, ?2, ?2, 1, 0, 1, 0, 1, 0, 0, 64500, 1, NULL, 'SG',"
					 " 'vulnerable-system', 'open-dns', 'high', 'ip 192.0.2.1 port 53', ?3, x'')");
	sql_blob(q, 1, str_mem(id, 16));
	sql_int(q, 2, k->now_us);
	sql_str(q, 3, str_of(k->concerns));
	rc = sql_run(q, e);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "INSERT INTO transition (seq, at_us, finding, what, tlp, exercise) VALUES (?, ?, ?, ?, 1, 0)");
	sql_int(q, 1, k->seq);
	sql_int(q, 2, k->now_us);
	sql_blob(q, 3, str_mem(id, 16));
	sql_int(q, 4, k->concerns[0] ? TRANSITION_CHANGED : k->seq == 1 ? TRANSITION_OPENED : TRANSITION_RETURNED);
	return sql_run(q, e);
}

static void happens(struct seen *k, const char *concerns)
{
	bool did = true, made = true;
	k->concerns = concerns;
	k->seq++;
	CHECK_RC(store_write(k->s->w.s, put_seen, k, &err), RC_OK, err);
	k->now_us += HOUR_US;
	for (int i = 0; (did || made) && i < 50; i++) {
		CHECK_RC(teller_follow(k->s->n, k->now_us, &did, &err), RC_OK, err);
		CHECK_RC(teller_make(k->s->n, k->now_us, &made, &err), RC_OK, err);
	}
}

/* "contact:abuse@example.org contact:… " in the order they were made. */
static str recipients(struct senders *s)
{
	struct buf b = BUF_INIT(KIB(4));
	struct reader *r = begin(&s->w);
	struct sql *q = sql(reader_conn(r), "SELECT recipient FROM outbox WHERE maker = 'teller:rules' ORDER BY id");
	while (sql_row(q))
		buf_fmt(&b, "%s" STR_FMT, b.n ? " " : "", STR_ARG(sql_col_str(q, 0)));
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	str out = arena_str(s->w.a, buf_str(&b));
	buf_free(&b);
	return out;
}

static enum rc comes_back(struct tx *tx, void *ctx, struct err *e)
{
	struct senders *s = ctx;
	const struct bounce b = { 1, STR("abuse@example.org"), STR("5.1.1"), true, STR("no such mailbox") };
	enum rc rc = sql_run(sql(tx_conn(tx), "UPDATE outbox SET state = 4, tries = 1 WHERE id = 1"), e);
	return rc == RC_OK ? bounce_note(tx, s->n, &b, NULL, e) : rc;
}

static enum rc put_org(struct tx *tx, void *ctx, struct err *e)
{
	const struct uuid *id = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, record, name, folded, kind, country, sector, timezone, changed_us)"
					 " VALUES (1, ?, 'n', 'n', 'provider', 'SG', '', '', 0)");
	sql_blob(q, 1, str_mem(id->b, sizeof id->b));
	return sql_run(q, e);
}

TEST(until_somebody_is_known)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	struct snapshot *contacts = registry(&s);
	teller_open(s.n);
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	const struct change_request on = { .id = a_rule(&s, LAST ",\"pause\":\"PT1S\",\"repeat\":\"P1D\""), .to_state = STR("active"),
					   .why = STR("a test") };
	CHECK_RC(change(&s.w, &lead, &on, NULL), RC_OK, err);
	struct seen k = { .s = &s, .now_us = clock_now_us() + DAY_US };
	happens(&k, "");
	CHECK_STR(recipients(&s), STR("contact:abuse@example.org"));
	k.now_us += 2 * DAY_US;
	happens(&k, "");
	CHECK_STR(recipients(&s), STR("contact:abuse@example.org contact:abuse@example.org"));
	/* Changed in another way: nothing new. */
	happens(&k, "5 0 net 192.0.2.0/24");
	CHECK_STR(recipients(&s), STR("contact:abuse@example.org contact:abuse@example.org"));
	/* The directory learns whose it is. */
	struct uuid id;
	str type, house = organisation(&s, "/ok", GREEN);
	CHECK(record_id_parse(house, &type, &id));
	CHECK_RC(store_write(s.w.s, put_org, &id, &err), RC_OK, err);
	happens(&k, "1 0 net 192.0.2.0/24");
	str all = recipients(&s);
	CHECK(str_ends(all, house));
	k.now_us += 2 * DAY_US;
	happens(&k, "1 0 net 192.0.2.0/24");
	size_t contacts_told = 0;
	for (str rest = recipients(&s); rest.n > 0;)
		contacts_told += str_starts(str_cut(&rest, ' '), STR("contact:"));
	CHECK_INT(contacts_told, 2);
	end_senders(&s);
	snapshot_free(contacts);
}

TEST(what_came_back_is_let_alone)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	struct snapshot *contacts = registry(&s);
	teller_open(s.n);
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	const struct change_request on = { .id = a_rule(&s, LAST ",\"pause\":\"PT1S\""), .to_state = STR("active"), .why = STR("a test") };
	CHECK_RC(change(&s.w, &lead, &on, NULL), RC_OK, err);
	struct seen k = { .s = &s, .now_us = clock_now_us() + DAY_US };
	happens(&k, "");
	CHECK_STR(recipients(&s), STR("contact:abuse@example.org"));
	CHECK_RC(store_write(s.w.s, comes_back, &s, &err), RC_OK, err);
	happens(&k, "");
	CHECK_STR(recipients(&s), STR("contact:abuse@example.org"));
	end_senders(&s);
	snapshot_free(contacts);
}

static enum rc erase_him(struct tx *tx, void *ctx, struct err *e)
{
	const struct erasing what = { .object = *(const str *)ctx };
	bool more = true;
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && more && i < 100; i++)
		rc = eraser_contact.remove(tx, &what, &more, e);
	return rc;
}

static enum rc is_being_sent(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE outbox SET state = 2, tries = 1"), e);
}

static enum rc is_queued(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE outbox SET state = 1"), e);
}

TEST(who_was_erased_is_let_alone)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	struct snapshot *contacts = registry(&s);
	teller_open(s.n);
	struct viewer lead = staff(LEAD | ANALYST | DUTY, 1);
	const struct change_request on = { .id = a_rule(&s, LAST ",\"pause\":\"PT1S\",\"repeat\":\"P1D\""), .to_state = STR("active"),
					   .why = STR("a test") };
	CHECK_RC(change(&s.w, &lead, &on, NULL), RC_OK, err);
	struct seen k = { .s = &s, .now_us = clock_now_us() + DAY_US };
	happens(&k, "");
	CHECK_STR(recipients(&s), STR("contact:abuse@example.org"));
	const struct key *secret = store_secret(s.w.s);
	str him = contact_object(secret, STR("ABUSE@example.org"), s.w.a), head = STR("contact:");
	struct contact_row row;
	struct reader *r = begin(&s.w);
	CHECK_RC(contact_find(reader_conn(r), secret, him, s.w.a, &row, &err), RC_OK, err);
	CHECK_STR(row.email, STR("abuse@example.org"));
	CHECK(row.last_resort && row.messages == 1 && row.first_us > 0);
	CHECK_RC(eraser_contact.check(reader_conn(r), str_from(him, head.n), &err), RC_OK, err);
	CHECK_INT(eraser_contact.check(reader_conn(r), STR("0"), &err), RC_ABSENT);
	store_read_end(r);
	/* Not under the hands of a sender. */
	CHECK_RC(store_write(s.w.s, is_being_sent, NULL, &err), RC_OK, err);
	CHECK_INT(store_write(s.w.s, erase_him, &him, &err), RC_BUSY);
	CHECK_RC(store_write(s.w.s, is_queued, NULL, &err), RC_OK, err);
	CHECK_RC(store_write(s.w.s, erase_him, &him, &err), RC_OK, err);
	CHECK_STR(recipients(&s), him);
	r = begin(&s.w);
	CHECK_INT(contact_find(reader_conn(r), secret, him, s.w.a, &row, &err), RC_ABSENT);
	CHECK_INT(eraser_contact.check(reader_conn(r), str_from(him, head.n), &err), RC_ABSENT);
	struct message m;
	CHECK_RC(outbox_load(reader_conn(r), 1, s.w.a, &m, &err), RC_OK, err);
	CHECK_INT(m.state, MESSAGE_REFUSED);
	store_read_end(r);
	k.now_us += 2 * DAY_US;
	happens(&k, "");
	CHECK_STR(recipients(&s), him); /* the registry names him still */
	end_senders(&s);
	snapshot_free(contacts);
}

TEST(ids_and_words)
{
	struct senders s = { .made = 0 };
	begin_senders(&s, NULL);
	const struct last_resort l = { .email = STR("Abuse@Example.org"), .source = STR("whois:test"), .trust = 45,
				       .reason = STR("AS64500"), .seen_day = 20000 };
	struct last_resort other = l;
	other.email = STR("abuse@example.org");
	const struct rule_org *a = last_resort_org(s.n, NULL, &l, s.w.a), *b = last_resort_org(s.n, NULL, &other, s.w.a);
	CHECK(uuid_equal(&a->record, &b->record));
	CHECK(last_resort_is(&a->record) && !last_resort_is(&house_a) && !last_resort_is(&(struct uuid){ { 0 } }));
	struct uuid made = uuid_random();
	CHECK(!last_resort_is(&made));
	CHECK_STR(last_resort_words(&l, s.w.a), STR("contact of last resort: abuse contact of whois:test of 2024-10-04, AS64500, trust 45"));
	end_senders(&s);
}

TEST_MAIN(TEST_RUN(which_rule_tells_them), TEST_RUN(until_somebody_is_known), TEST_RUN(what_came_back_is_let_alone),
	  TEST_RUN(who_was_erased_is_let_alone), TEST_RUN(ids_and_words))
