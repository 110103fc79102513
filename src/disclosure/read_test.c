/* SPDX-License-Identifier: Apache-2.0 */
/* Reading events for output: what may not be seen does not exist anywhere. */
#include "disclosure/read.h"

#include "base/json.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "event/normalise.h"

static struct err err;

#define RED_CANARY "canary-red-5e1f"
#define PERSON_CANARY "canary-person-77c0"
#define DRILL_CANARY "canary-drill-9a02"

/* --- a store with events --- */

struct house {
	struct test_dir dir;
	struct store *store;
	struct reader *r;
	struct arena *a;
	uint32_t events;
};

static void set(struct batch *b, const char *name, const char *value)
{
	CHECK_RC(event_set_named(b, str_of(name), str_of(value), &err), RC_OK, err);
}

/* `pairs` are names and values, ending with NULL. */
static void add_event(struct batch *b, const char *tlp, const char *ip, const char *type, int day,
		      const char *const *pairs)
{
	char time[32];

	snprintf(time, sizeof(time), "2026-03-%02dT12:00:00Z", day);
	batch_row_begin(b, b->c.rows + 1, 0, 0, 1);
	if (tlp)
		set(b, "tlp", tlp);
	if (ip)
		set(b, "source.ip", ip);
	set(b, "classification.type", type);
	set(b, "time.source", time);
	set(b, "source.geolocation.cc", "ID");
	set(b, "feed.name", "local");
	for (; pairs && *pairs; pairs += 2) {
		if (strcmp(pairs[0], "ronda.concerns") == 0)
			batch_set_text(b, FIELD_RONDA_CONCERNS, STR_NONE, str_of(pairs[1]));
		else if (strncmp(pairs[0], "json.", 5) == 0)
			batch_set_json(b, FIELD_EXTRA, str_of(pairs[0] + 5), str_of(pairs[1]));
		else
			set(b, pairs[0], pairs[1]);
	}
	event_complete_class(b);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
}

static enum rc commit(struct tx *tx, void *ctx, struct err *e)
{
	uint64_t first;

	return event_chunk_commit(tx, ctx, &first, e);
}

static void keep(struct house *h, struct batch *b, int64_t report, bool exercise)
{
	struct report rep = { .id = report, .received_us = clock_now_us(), .exercise = exercise };
	uint64_t *halves = ARENA_ARRAY(h->a, b->c.rows, uint64_t);
	struct event_chunk *c = NULL;

	CHECK_RC(event_chunk_new(b, &rep, halves, &c, &err), RC_OK, err);
	CHECK_RC(store_write(h->store, commit, c, &err), RC_OK, err);
	event_chunk_free(c);
	h->events += b->c.rows;
	batch_reset(b);
}

static void add_all(struct house *h, struct batch *b)
{
	static const char *const personal[] = {
		"source.account", PERSON_CANARY, "extra.user_name", PERSON_CANARY, "extra.mail",
		PERSON_CANARY, "destination.local_hostname", PERSON_CANARY, "event_description.target",
		PERSON_CANARY, "extra.tag", "harmless", "extra.list", "plain",
		"ronda.concerns", "4 2 asn AS64500|7 4 country ID", "source.port", "2323", "json.items", "[1,{\"a\":2}]",
		"json.deep", "{\"a\":1}", "json.long", "123456789012345678901234567890",
		"output", "{\"a\":1}", NULL };
	static const char *const red[] = { "comment", RED_CANARY, "classification.identifier", RED_CANARY,
					   "source.fqdn", RED_CANARY ".example.org", "extra.tag", RED_CANARY,
					   NULL };
	static const char *const drill[] = { "comment", DRILL_CANARY, NULL };
	char ip[24];

	add_event(b, "GREEN", "192.0.2.1", "scanner", 1, personal);
	add_event(b, "RED", "192.0.2.66", "c2-server", 1, red);
	add_event(b, NULL, "192.0.2.67", "c2-server", 1, red); /* no marking: as RED */
	add_event(b, "AMBER", "192.0.2.2", "scanner", 2, NULL);
	add_event(b, "AMBER+STRICT", "192.0.2.3", "scanner", 2, NULL);
	/* public: six sources scan, one address is infected ten times, four households phish */
	for (int i = 0; i < 6; i++) {
		snprintf(ip, sizeof(ip), "198.18.0.%d", i);
		add_event(b, "CLEAR", ip, "scanner", 1, NULL);
	}
	for (int i = 0; i < 10; i++)
		add_event(b, "CLEAR", "198.18.1.1", "infected-system", 1, NULL);
	for (int i = 0; i < 16; i++) {
		snprintf(ip, sizeof(ip), "2001:db8:0:%d::%d", i % 4, i + 1);
		add_event(b, "CLEAR", ip, "phishing", 1, NULL);
	}
	add_event(b, "CLEAR", NULL, "spam", 1, NULL); /* from nobody that can be told apart */
	keep(h, b, 1, false);
	add_event(b, "CLEAR", "198.18.9.9", "scanner", 1, drill);
	keep(h, b, 2, true);
}

static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .a = arena_new(KIB(64)) };
	struct batch *b = batch_new();

	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(h.dir.path, NULL, NULL, &h.store, &err), RC_OK, err);
	add_all(&h, b);
	batch_free(b);
	CHECK_RC(store_read_begin(h.store, &h.r, &err), RC_OK, err);
	return h;
}

static void end(struct house *h)
{
	store_read_end(h->r);
	store_close(h->store);
	arena_free(h->a);
	test_dir_end(&h->dir);
}

/* --- viewers --- */

static struct viewer staff(enum right right, enum tlp ceiling, bool basis)
{
	struct viewer v = viewer_owner(1);

	v.right = right;
	v.channel = CHANNEL_API;
	v.as.ceiling = ceiling;
	v.as.named = ceiling == TLP_RED;
	v.as.personal_basis = basis;
	v.exercise = v.as.exercise_member = right == RIGHT_OPERATE;
	return v;
}

/* Collects everything that comes out. */
struct out {
	struct buf text, ids;
	int events;
	bool named;
};

static bool take(void *ctx, const struct event_view *e)
{
	struct out *o = ctx;
	struct json_out j = json_out(&o->text);
	struct buf value = BUF_INIT(MIB(1));

	event_view_json(e, &j);
	for (enum field f = 0; f < FIELD_COUNT; f++)
		if (event_view_value(e, str_of(field_row(f)->name), &value))
			buf_char(&value, ' ');
	event_view_value(e, STR("extra.user_name"), &value);
	event_view_value(e, STR("extra.mail"), &value);
	event_view_value(e, STR("extra.tag"), &value);
	buf_add(&o->text, buf_str(&value));
	buf_char(&o->text, '\n');
	buf_add(&o->ids, str_of(e->id));
	buf_char(&o->ids, '\n');
	buf_free(&value);
	o->events++;
	return true;
}

static struct out out_new(void)
{
	return (struct out){ .text = BUF_INIT(MIB(8)), .ids = BUF_INIT(MIB(1)) };
}

static void out_free(struct out *o)
{
	buf_free(&o->text);
	buf_free(&o->ids);
}

static bool has(const struct out *o, const char *needle)
{
	return str_find(buf_str(&o->text), str_of(needle)) < o->text.n;
}

static void take_counts(struct house *h, const struct viewer *v, struct out *o)
{
	for (enum count_by by = 0; by < COUNT_BY_KEYS; by++) {
		struct event_query q = { 0 };
		struct count_row *rows;
		size_t n;
		enum rc rc = read_counts(h->r, v, &q, &by, 1, h->a, &rows, &n, &err);

		buf_add(&o->text, str_of(rc == RC_OK ? "" : err.text));
		for (size_t i = 0; i < n; i++) {
			buf_add(&o->text, rows[i].key[0]);
			buf_fmt(&o->text, " %llu\n", (unsigned long long)rows[i].count);
		}
	}
}

/* Everything this viewer can get, also asked for by each id there is. */
static struct out everything(struct house *h, const struct viewer *v, str all_ids)
{
	struct out o = out_new();
	struct event_query q = { 0 };
	bool asked = all_ids.n > 0;
	str id;

	enum rc rc = read_events(h->r, v, &q, take, &o, &err);
	CHECK(rc == RC_OK || rc == RC_DENIED);
	int listed = o.events, single = 0;
	while (str_line(&all_ids, &id)) {
		rc = read_event(h->r, v, id, take, &o, &err);
		single += rc == RC_OK;
		if (rc != RC_OK)
			buf_add(&o.text, str_of(err.text));
	}
	if (asked)
		CHECK_INT(single, listed);
	o.events = listed;
	take_counts(h, v, &o);
	return o;
}

/* --- tests --- */

TEST(canaries_stay_inside)
{
	static const struct {
		const char *what;
		enum right right;
		enum tlp ceiling;
		bool basis;
		int events;
		bool red, person, drill;
	} cases[] = {
		{ "all", RIGHT_OPERATE, TLP_RED, true, 39, true, true, true },
		{ "no basis", RIGHT_OPERATE, TLP_RED, false, 39, true, false, true },
		{ "read red", RIGHT_READ, TLP_RED, true, 38, true, true, false },
		{ "strict", RIGHT_READ, TLP_AMBER_STRICT, true, 36, false, true, false },
		{ "amber", RIGHT_READ, TLP_AMBER, false, 35, false, false, false },
		{ "green", RIGHT_READ, TLP_GREEN, true, 34, false, true, false },
		{ "clear", RIGHT_READ, TLP_CLEAR, true, 33, false, false, false },
		{ "intake", RIGHT_INTAKE, TLP_RED, true, 0, false, false, false },
	};
	struct house h = begin();
	struct viewer owner = viewer_owner(0);
	struct out all = everything(&h, &owner, STR(""));

	CHECK_INT(all.events, h.events);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct viewer v = staff(cases[i].right, cases[i].ceiling, cases[i].basis);
		struct out o = everything(&h, &v, buf_str(&all.ids));

		CHECK_MSG(o.events == cases[i].events, "%s: %d events", cases[i].what, o.events);
		CHECK_MSG(has(&o, RED_CANARY) == cases[i].red, "%s", cases[i].what);
		CHECK_MSG(has(&o, PERSON_CANARY) == cases[i].person, "%s", cases[i].what);
		CHECK_MSG(has(&o, DRILL_CANARY) == cases[i].drill, "%s", cases[i].what);
		CHECK_MSG(has(&o, "harmless") == (o.events > 33), "%s", cases[i].what);
		out_free(&o);
	}
	struct viewer anyone = viewer_public(CHANNEL_SCREEN);
	struct out o = everything(&h, &anyone, buf_str(&all.ids));
	CHECK_INT(o.events, 0);
	CHECK(!has(&o, RED_CANARY) && !has(&o, PERSON_CANARY) && !has(&o, DRILL_CANARY));
	out_free(&o);
	out_free(&all);
	end(&h);
}

static bool take_json(void *ctx, const struct event_view *e)
{
	struct json_out j = json_out(ctx);

	event_view_json(e, &j);
	return true;
}

static bool take_flat(void *ctx, const struct event_view *e)
{
	struct json_out j = json_out(ctx);

	event_view_flat(e, &j);
	return true;
}

/* Nothing of ours, nothing nested, nothing personal without a basis; everything else. */
TEST(flat_for_other_nodes)
{
	static const struct { const char *name; bool stays; } rows[] = {
		{ "id", true }, { "source.ip", true }, { "source.port", true }, { "extra.tag", true }, { "extra.long", true },
		{ "time.source", true }, { "source.account", false }, { "ronda.concerns", false }, { "extra.items", false },
		{ "extra.deep", false }, { "output", true },
	};
	struct house h = begin();

	for (int basis = 0; basis < 2; basis++) {
		struct viewer v = staff(RIGHT_READ, TLP_GREEN, basis != 0);
		struct event_query q = { .tlp_mask = 255 };
		struct filter_set f = { 0 };
		struct buf text = BUF_INIT(MIB(1));
		struct json_object *o = NULL;

		CHECK_RC(filter_add(&f, STR("ip"), STR("192.0.2.1"), h.a, &err), RC_OK, err);
		q.filters = f.query.filters;
		q.filter_count = f.query.filter_count;
		CHECK_RC(read_events(h.r, &v, &q, take_flat, &text, &err), RC_OK, err);
		CHECK_RC(json_read(buf_str(&text), &o, &err), RC_OK, err);
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			bool stays = rows[i].stays || (basis && strcmp(rows[i].name, "source.account") == 0);
			CHECK_MSG((json_get(o, rows[i].name) != NULL) == stays, "%s, basis %d", rows[i].name, basis);
		}
		json_free(o);
		buf_free(&text);
	}
	end(&h);
}

TEST(json_of_an_event)
{
	struct house h = begin();
	struct viewer v = staff(RIGHT_READ, TLP_GREEN, true);
	struct event_query q = { .tlp_mask = 255, .exercise = true };
	struct filter_set f = { 0 };
	struct buf text = BUF_INIT(MIB(1));
	struct json_object *o = NULL;
	int64_t n = 0;

	CHECK_RC(filter_add(&f, STR("ip"), STR("192.0.2.1"), h.a, &err), RC_OK, err);
	q.filters = f.query.filters;
	q.filter_count = f.query.filter_count;
	CHECK_RC(read_events(h.r, &v, &q, take_json, &text, &err), RC_OK, err);
	/* What the caller asked for is replaced by what he may. */
	CHECK_INT(q.tlp_mask, 1 << TLP_CLEAR | 1 << TLP_GREEN);
	CHECK(!q.exercise);
	CHECK_RC(json_read(buf_str(&text), &o, &err), RC_OK, err);
	CHECK_INT(json_get_str(o, "id").n, 32);
	CHECK_STR(json_get_str(o, "source.ip"), STR("192.0.2.1"));
	CHECK_STR(json_get_str(o, "tlp"), STR("GREEN"));
	CHECK_STR(json_get_str(o, "time.source"), STR("2026-03-01T12:00:00+00:00"));
	CHECK_STR(json_get_str(o, "extra.tag"), STR("harmless"));
	CHECK_STR(json_get_str(o, "source.account"), STR(PERSON_CANARY));
	CHECK(json_get_i64(o, "source.port", &n) && n == 2323);
	struct json_object *concerns = json_get(o, "ronda.concerns");
	CHECK_INT(json_count(concerns), 2);
	CHECK(json_get_i64(json_at(concerns, 0), "organisation_id", &n) && n == 4);
	CHECK_STR(json_get_str(json_at(concerns, 0), "role"), str_of(role_name(ROLE_NETWORK)));
	CHECK_STR(json_get_str(json_at(concerns, 0), "reason"), STR("asn AS64500"));
	CHECK(!json_get(json_at(concerns, 0), "organisation"));
	json_free(o);
	buf_free(&text);
	end(&h);
}

static enum rc ask(struct house *h, const struct viewer *v, const char *name, const char *value, int *n)
{
	struct filter_set f = { 0 };
	struct out o = out_new();

	CHECK_RC(filter_add(&f, str_of(name), str_of(value), h->a, &err), RC_OK, err);
	enum rc rc = read_events(h->r, v, &f.query, take, &o, &err);
	*n = o.events;
	out_free(&o);
	return rc;
}

TEST(no_asking_by_what_may_not_be_seen)
{
	static const char *const names[] = { "source.account", "extra.user_name", "extra.mail",
					     "extra.User-Name", "event_description.target" };
	struct house h = begin();
	struct viewer with = staff(RIGHT_READ, TLP_GREEN, true), without = staff(RIGHT_READ, TLP_GREEN, false);
	struct count_row *rows;
	size_t count;
	int n;

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		CHECK_RC(ask(&h, &with, names[i], PERSON_CANARY, &n), RC_OK, err);
		CHECK_INT(n, i != 3); /* names of extra fields are told apart by case */
		CHECK_RC(ask(&h, &without, names[i], PERSON_CANARY, &n), RC_DENIED, err);
		CHECK_RC(ask(&h, &without, names[i], "somebody else", &n), RC_DENIED, err);
		struct filter_set f = { 0 };
		enum count_by by = BY_TYPE;
		CHECK_RC(filter_add(&f, str_of(names[i]), STR("x"), h.a, &err), RC_OK, err);
		CHECK_RC(read_counts(h.r, &without, &f.query, &by, 1, h.a, &rows, &count, &err), RC_DENIED, err);
		CHECK_INT(count, 0);
	}
	CHECK_RC(ask(&h, &without, "extra.tag", "harmless", &n), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_RC(ask(&h, &with, "extra.tag", RED_CANARY, &n), RC_OK, err);
	CHECK_INT(n, 0);
	CHECK_RC(ask(&h, &with, "tlp", "RED", &n), RC_OK, err);
	CHECK_INT(n, 0);
	end(&h);
}

TEST(filters_find)
{
	static const struct { const char *name, *value; int events; } cases[] = {
		{ "type", "c2-server", 2 },      { "type", "C&C", 2 },
		{ "ip", "192.0.2.64/30", 2 },    { "ip", "192.0.2.66", 1 },
		{ "fqdn", ".example.org", 2 },   { "fqdn", RED_CANARY ".EXAMPLE.org", 2 },
		{ "fqdn", "canary*", 2 },        { "identifier", RED_CANARY, 2 },
		{ "tlp", "red", 1 },             { "tlp", "TLP:AMBER+STRICT", 1 },
		{ "org", "7", 1 },               { "org", "8", 0 },
		{ "report", "2", 1 },            { "report", "3", 0 },
		{ "from", "2026-03-02", 2 },     { "until", "2026-03-01T12:00:00Z", 0 },
		{ "cc", "id", 39 },              { "cc", "SG", 0 },
		{ "feed", "local", 39 },         { "source.port", "2323", 1 },
		{ "extra.tag", "harm*", 1 },     { "extra.tag", "harm", 0 },
		{ "taxonomy", "malicious-code", 12 }, { "ip", "2001:db8::/32", 16 },
	};
	struct house h = begin();
	struct viewer owner = viewer_owner(0);

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int n;
		CHECK_RC(ask(&h, &owner, cases[i].name, cases[i].value, &n), RC_OK, err);
		CHECK_MSG(n == cases[i].events, "%s=%s: %d", cases[i].name, cases[i].value, n);
	}
	end(&h);
}

TEST(absent_and_forbidden_look_alike)
{
	struct house h = begin();
	struct viewer owner = viewer_owner(0), v = staff(RIGHT_READ, TLP_GREEN, true);
	struct filter_set f = { 0 };
	struct out red = out_new(), none = out_new();
	struct err forbidden, made_up, odd;
	str ids;

	CHECK_RC(filter_add(&f, STR("tlp"), STR("RED"), h.a, &err), RC_OK, err);
	CHECK_RC(read_events(h.r, &owner, &f.query, take, &red, &err), RC_OK, err);
	ids = buf_str(&red.ids);
	str id = str_cut(&ids, '\n');
	CHECK_RC(read_event(h.r, &owner, id, take, &none, &err), RC_OK, err);
	CHECK_INT(none.events, 1);
	CHECK_RC(read_event(h.r, &v, id, take, &none, &forbidden), RC_ABSENT, forbidden);
	CHECK_RC(read_event(h.r, &v, STR("00112233445566778899aabbccddeeff"), take, &none, &made_up),
		 RC_ABSENT, made_up);
	CHECK_RC(read_event(h.r, &v, STR("1"), take, &none, &odd), RC_ABSENT, odd);
	CHECK_STR(str_of(forbidden.text), str_of(made_up.text));
	CHECK_STR(str_of(odd.text), str_of(made_up.text));
	CHECK_INT(none.events, 1);
	out_free(&red);
	out_free(&none);
	end(&h);
}

/* --- counts --- */

static int64_t count_of(const struct count_row *rows, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(rows[i].key[0], str_of(key)))
			return (int64_t)rows[i].count;
	return -1;
}

TEST(counts_of_what_may_be_seen)
{
	struct house h = begin();
	struct viewer amber = staff(RIGHT_READ, TLP_AMBER, true), red = staff(RIGHT_OPERATE, TLP_RED, true);
	struct event_query q = { .exercise = true, .tlp_mask = 255 };
	enum count_by by = BY_TYPE;
	struct count_row *rows;
	size_t n;

	CHECK_RC(read_counts(h.r, &amber, &q, &by, 1, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(count_of(rows, n, "scanner"), 8);
	CHECK_INT(count_of(rows, n, "c2-server"), -1);
	CHECK_RC(read_counts(h.r, &red, &q, &by, 1, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(count_of(rows, n, "scanner"), 9); /* not the exercise */
	CHECK_INT(count_of(rows, n, "c2-server"), 2);
	CHECK_RC(read_counts(h.r, &red, &q, &by, 5, h.a, &rows, &n, &err), RC_INPUT, err);
	struct viewer intake = staff(RIGHT_INTAKE, TLP_RED, true);
	CHECK_RC(read_counts(h.r, &intake, &q, &by, 1, h.a, &rows, &n, &err), RC_DENIED, err);
	end(&h);
}

TEST(public_counts)
{
	static const enum count_by type_day[] = { BY_TYPE, BY_DAY };
	static const enum count_by refused[] = { BY_ASN, BY_ORG, BY_FEED, BY_TLP };
	struct house h = begin();
	struct viewer v = viewer_public(CHANNEL_SCREEN);
	struct event_query q = { 0 };
	struct count_row *rows;
	size_t n;

	CHECK_RC(read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 1); /* six scanners; one sick machine and four households are not shown */
	CHECK_INT(count_of(rows, n, "scanner"), 6);
	if (n == 1)
		CHECK_STR(rows[0].key[1], STR("2026-03-01"));
	/* Everything together has enough sources. */
	CHECK_RC(read_counts(h.r, &v, &q, NULL, 0, h.a, &rows, &n, &err), RC_OK, err);
	CHECK(n == 1 && rows[0].count == 33);
	/* A stricter policy. */
	v.policy.public_k = 7;
	CHECK_RC(read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	v.policy.public_k = 1; /* is 5 */
	CHECK_RC(read_counts(h.r, &v, &q, type_day, 1, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		CHECK_RC(read_counts(h.r, &v, &q, &refused[i], 1, h.a, &rows, &n, &err), RC_DENIED, err);
	end(&h);
}

TEST(public_questions)
{
	static const struct { const char *name, *value; enum rc rc; } cases[] = {
		{ "type", "scanner", RC_OK },          { "cc", "ID", RC_OK },
		{ "severity", "high", RC_OK },         { "from", "2026-03-01T13:00:00Z", RC_OK },
		{ "until", "2026-03-01T11:00:00Z", RC_OK },
		{ "ip", "198.18.0.0/24", RC_DENIED },  { "asn", "64500", RC_DENIED },
		{ "org", "4", RC_DENIED },             { "report", "1", RC_DENIED },
		{ "feed", "local", RC_DENIED },        { "extra.tag", "harmless", RC_DENIED },
		{ "identifier", "a*", RC_DENIED },     { "tlp", "CLEAR", RC_DENIED },
	};
	struct house h = begin();
	struct viewer v = viewer_public(CHANNEL_SCREEN);
	enum count_by by = BY_TYPE;
	struct count_row *rows;
	size_t n;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct filter_set f = { 0 };
		CHECK_RC(filter_add(&f, str_of(cases[i].name), str_of(cases[i].value), h.a, &err), RC_OK, err);
		enum rc rc = read_counts(h.r, &v, &f.query, &by, 1, h.a, &rows, &n, &err);
		CHECK_MSG(rc == cases[i].rc, "%s: %s", cases[i].name, rc_name(rc));
		/* Times are widened to days: noon is between. */
		CHECK_MSG(rc != RC_OK || strcmp(cases[i].name, "severity") == 0 ||
			  count_of(rows, n, "scanner") == 6, "%s", cases[i].name);
	}
	end(&h);
}

TEST_MAIN(TEST_RUN(canaries_stay_inside), TEST_RUN(json_of_an_event), TEST_RUN(flat_for_other_nodes),
	  TEST_RUN(no_asking_by_what_may_not_be_seen), TEST_RUN(filters_find),
	  TEST_RUN(absent_and_forbidden_look_alike), TEST_RUN(counts_of_what_may_be_seen),
	  TEST_RUN(public_counts), TEST_RUN(public_questions))
