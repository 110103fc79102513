/* SPDX-License-Identifier: Apache-2.0 */
/* Readers over tables that say anything: markings out of range, texts of no form, groups of no day,
 * damage. What they give is still checked, cut, and said. */
#include "disclosure/floor_test.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/test_dir.h"
#include "disclosure/read_private.h"
#include "event/normalise.h"

static struct err err;

struct house {
	struct test_dir dir;
	struct store *store;
	struct journal *journal;
	struct reader *r;
	struct arena *a;
};

static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .a = arena_new(KIB(64)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(h.dir.path, NULL, NULL, &h.store, &err), RC_OK, err);
	CHECK_RC(journal_open(h.store, &h.journal, &err), RC_OK, err);
	below = (struct below){ .events = batch_new() };
	return h;
}

static void reading(struct house *h)
{
	store_read_end(h->r);
	h->r = NULL;
	CHECK_RC(store_read_begin(h->store, &h->r, &err), RC_OK, err);
}

static void end(struct house *h)
{
	store_read_end(h->r);
	journal_close(h->journal);
	store_close(h->store);
	arena_free(h->a);
	batch_free(below.events);
	test_dir_end(&h->dir);
}

static struct viewer staff(enum tlp ceiling, bool basis)
{
	struct viewer v = viewer_owner(1);
	v.right = RIGHT_READ;
	v.channel = CHANNEL_API;
	v.as.ceiling = ceiling;
	v.as.named = ceiling == TLP_RED;
	v.as.personal_basis = basis;
	v.exercise = v.as.exercise_member = false;
	return v;
}

static void row_begin(void)
{
	batch_row_begin(below.events, below.events->c.rows + 1, 0, 0, 1);
}

static void row_end(void)
{
	CHECK_RC(batch_row_end(below.events, &err), RC_OK, err);
}

struct taken {
	struct buf text;
	unsigned n, most;
};

static bool take(void *ctx, const struct event_view *e)
{
	struct taken *t = ctx;
	struct json_out j = json_out(&t->text);
	event_view_json(e, &j);
	return ++t->n < t->most;
}

/* --- events --- */

TEST(markings)
{
	static const struct { int64_t tlp; int drill; bool green, red; } rows[] = {
		{ TLP_GREEN, -1, true, true }, { TLP_GREEN, 0, true, true }, { TLP_GREEN, 1, false, false },
		{ TLP_RED, -1, false, true },  { TLP_COUNT, -1, false, true }, { 99, -1, false, true },
		{ -2, -1, false, true },       { -1, -1, false, true }, /* -1: none, as RED */
	};
	struct house h = begin();
	reading(&h);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct viewer green = staff(TLP_GREEN, true), red = staff(TLP_RED, true);
		struct event_query q = { 0 };
		struct taken a = { .text = BUF_INIT(KIB(64)), .most = 9 }, b = { .text = BUF_INIT(KIB(64)), .most = 9 };
		batch_reset(below.events);
		row_begin();
		if (rows[i].tlp != -1)
			batch_set_int(below.events, FIELD_TLP, STR_NONE, rows[i].tlp);
		if (rows[i].drill >= 0)
			batch_set_bool(below.events, FIELD_EXERCISE, STR_NONE, rows[i].drill);
		row_end();
		CHECK_RC(read_events(h.r, &green, &q, take, &a, &err), RC_OK, err);
		CHECK_RC(read_events(h.r, &red, &q, take, &b, &err), RC_OK, err);
		CHECK_MSG(a.n == rows[i].green && b.n == rows[i].red, "row %zu: %u, %u", i, a.n, b.n);
		CHECK_MSG((a.text.n > 0) == rows[i].green, "row %zu", i);
		buf_free(&a.text);
		buf_free(&b.text);
	}
	/* a marking of another kind than it has */
	batch_reset(below.events);
	row_begin();
	batch_set_int(below.events, FIELD_TLP, STR_NONE, TLP_CLEAR);
	row_end();
	below.events->cell[below.events->row[0].first_cell].kind = CELL_BOOL;
	struct viewer green = staff(TLP_GREEN, true);
	struct event_query q = { 0 };
	struct taken t = { .text = BUF_INIT(KIB(64)), .most = 9 };
	CHECK_RC(read_events(h.r, &green, &q, take, &t, &err), RC_OK, err);
	CHECK_INT(t.n, 0);
	/* in the team of an exercise, and not signed in to it */
	green.exercise = true;
	CHECK_RC(read_events(h.r, &green, &q, take, &t, &err), RC_OK, err);
	CHECK(!below.asked.exercise);
	CHECK_RC(read_findings(h.r, &green, &(struct finding_query){ 0 }, NULL, NULL, &err), RC_OK, err);
	CHECK(!below.asked_findings.exercise);
	/* a question that fails says so */
	below.events_rc = RC_IO;
	CHECK_RC(read_event(h.r, &green, STR("x"), take, &t, &err), RC_IO, err);
	CHECK_RC(read_events(h.r, &green, &q, take, &t, &err), RC_IO, err);
	buf_free(&t.text);
	end(&h);
}

TEST(who_may_ask_by_what)
{
	struct house h = begin();
	struct viewer without = staff(TLP_GREEN, false);
	struct taken t = { .text = BUF_INIT(KIB(64)), .most = 9 };
	reading(&h);
	static const struct { const char *name, *value; enum rc rc; } cases[] = {
		{ "org", "4", RC_OK }, { "type", "scanner", RC_OK }, { "source.account", "x", RC_DENIED },
		{ "extra.a.mail", "x", RC_DENIED }, { "extra.a-mail", "x", RC_DENIED }, { "extra.amail", "x", RC_OK },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct filter_set f = { 0 };
		CHECK_RC(filter_add(&f, str_of(cases[i].name), str_of(cases[i].value), h.a, &err), RC_OK, err);
		enum rc rc = read_events(h.r, &without, &f.query, take, &t, &err);
		CHECK_MSG(rc == cases[i].rc, "%s: %s", cases[i].name, rc_name(rc));
	}
	buf_free(&t.text);
	end(&h);
}

struct value_of {
	const char *name;
	char text[200];
	bool has;
};

static bool take_value(void *ctx, const struct event_view *e)
{
	struct value_of *v = ctx;
	struct buf b = BUF_INIT(KIB(4));
	v->has = event_view_value(e, str_of(v->name), &b);
	snprintf(v->text, sizeof(v->text), STR_FMT, STR_ARG(buf_str(&b)));
	buf_free(&b);
	return true;
}

struct named {
	struct buf text;
	const struct directory *d;
};

static bool take_named(void *ctx, const struct event_view *e)
{
	struct named *n = ctx;
	struct json_out j = json_out(&n->text);
	event_view_json_named(e, n->d, &j);
	return true;
}

/* --- a directory with one organisation, and what a registry says --- */

static enum rc org_job(struct tx *tx, void *ctx, struct err *e)
{
	static const char *const rows[] = {
		"INSERT INTO org (id, name, folded, kind, country, sector, timezone, changed_us) VALUES "
		"(4, 'Team of TL', 'team of tl', 'cert', 'TL', '', '', 1)",
		"INSERT INTO org_scope (org, kind, value, role, shared_address, from_us, until_us) VALUES "
		"(4, 'country', 'TL', 4, 0, 0, 0)",
	};
	enum rc rc = RC_OK;
	(void)ctx;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(rows); i++)
		rc = sql_run(sql(tx_conn(tx), rows[i]), e);
	return rc;
}

static struct directory *directory_of(struct house *h)
{
	struct directory *d = NULL;
	CHECK_RC(store_write(h->store, org_job, NULL, &err), RC_OK, err);
	reading(h);
	CHECK_RC(directory_load(reader_conn(h->r), &d, &err), RC_OK, err);
	return d;
}

static struct fallback *fallback_of(struct house *h)
{
	struct fallback_entry e = { .kind = FALLBACK_NET, .email = STR("abuse@example.org"), .name = STR(""),
				    .domain = STR(""), .country = "TL", .trust = 40, .seen_day = 20000 };
	struct fallback_builder *b = fallback_builder_new(NULL, 0);
	struct spool *image = NULL;
	struct fallback_counts counts;
	struct fallback *f = NULL;
	bool same;
	CHECK(ip_parse(STR("192.0.2.0"), &e.first) && ip_parse(STR("192.0.2.255"), &e.last));
	CHECK_RC(fallback_add(b, &e, &err), RC_OK, err);
	CHECK_RC(fallback_build_spool(b, STR("whois:test"), &image, &counts, &err), RC_OK, err);
	fallback_builder_free(b);
	CHECK_RC(fallback_replace(h->store, h->journal, image, STR("test"), &same, &err), RC_OK, err);
	spool_free(image);
	reading(h);
	CHECK_RC(fallback_open(reader_conn(h->r), NULL, &f, &err), RC_OK, err);
	return f;
}

TEST(values)
{
	struct house h = begin();
	struct viewer with = staff(TLP_GREEN, true), without = staff(TLP_GREEN, false);
	struct directory *d = directory_of(&h);
	struct event_query q = { 0 };
	struct json_object *o = NULL;
	int64_t n = 0;

	row_begin();
	batch_set_int(below.events, FIELD_TLP, STR_NONE, TLP_GREEN);
	batch_set_text(below.events, FIELD_RONDA_CONCERNS, STR_NONE, STR("4 4 country TL|9 2 asn AS64500"));
	batch_set_float(below.events, FIELD_SOURCE_GEOLOCATION_LATITUDE, STR_NONE, 1.5);
	batch_set_json(below.events, FIELD_OUTPUT, STR_NONE, STR("{\"a\":1}"));
	batch_set_json(below.events, FIELD_EXTRA, STR("list"), STR("[1,2]"));
	batch_set_text(below.events, FIELD_EXTRA, STR("tag"), STR("t"));
	batch_set_text(below.events, FIELD_RAW, STR_NONE, STR("eA=="));
	row_end();
	struct named all = { .text = BUF_INIT(KIB(64)), .d = d };
	CHECK_RC(read_events(h.r, &with, &q, take_named, &all, &err), RC_OK, err);
	CHECK_RC(json_read(buf_str(&all.text), &o, &err), RC_OK, err);
	struct json_object *concerns = json_get(o, "ronda.concerns");
	CHECK_STR(json_get_str(json_at(concerns, 0), "organisation"), STR("Team of TL"));
	CHECK(!json_get(json_at(concerns, 1), "organisation")); /* not in the directory any more */
	CHECK_INT(json_count(json_get(o, "extra.list")), 2);
	CHECK(json_get_i64(json_at(concerns, 1), "organisation_id", &n) && n == 9);
	CHECK_STR(json_get_str(o, "output"), STR("{\"a\":1}")); /* as IntelMQ has it: a string */
	CHECK(str_find(buf_str(&all.text), STR("\"source.geolocation.latitude\":1.5")) < all.text.n);
	CHECK(json_get(o, "raw"));
	json_free(o);
	buf_reset(&all.text);
	CHECK_RC(read_events(h.r, &without, &q, take_named, &all, &err), RC_OK, err);
	CHECK(str_find(buf_str(&all.text), STR("\"raw\"")) == all.text.n);
	buf_free(&all.text);

	static const struct { const char *name; bool has, without; const char *want; } cases[] = {
		{ "extra.tag", true, true, "t" }, { "no.such.field", false, false, "" }, { "raw", true, false, "eA==" },
		{ "source.ip", false, false, "" }, { "extra.none", false, false, "" }, { "id", true, true, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct value_of v = { .name = cases[i].name }, cut = v;
		CHECK_RC(read_events(h.r, &with, &q, take_value, &v, &err), RC_OK, err);
		CHECK_RC(read_events(h.r, &without, &q, take_value, &cut, &err), RC_OK, err);
		CHECK_MSG(v.has == cases[i].has && cut.has == cases[i].without, "%s", v.name);
		CHECK_MSG(cases[i].want ? strcmp(v.text, cases[i].want) == 0 : strlen(v.text) == 32, "%s: %s", v.name, v.text);
	}
	/* whom it concerns in words that are none */
	batch_reset(below.events);
	row_begin();
	batch_set_int(below.events, FIELD_TLP, STR_NONE, TLP_GREEN);
	batch_set_text(below.events, FIELD_RONDA_CONCERNS, STR_NONE, STR("4 2 fine|everybody"));
	row_end();
	struct value_of v = { .name = "ronda.concerns" };
	CHECK_RC(read_events(h.r, &with, &q, take_value, &v, &err), RC_OK, err);
	CHECK_STR(str_of(v.text), STR("[]"));
	directory_free(d);
	end(&h);
}

/* --- findings --- */

static bool take_finding(void *ctx, const struct finding *f)
{
	(void)f;
	return ++*(unsigned *)ctx < 2;
}

TEST(findings_until_enough)
{
	struct house h = begin();
	struct viewer v = staff(TLP_GREEN, true);
	struct finding_query q = { 0 };
	unsigned n = 0;
	reading(&h);
	static const enum tlp tlps[] = { TLP_RED, TLP_GREEN, TLP_AMBER, TLP_CLEAR, TLP_GREEN };
	for (size_t i = 0; i < COUNT_OF(tlps); i++)
		below.findings[below.finding_count++] = (struct finding){ .id = { 1, i + 1 }, .tlp = tlps[i] };
	CHECK_RC(read_findings(h.r, &v, &q, take_finding, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	end(&h);
}

/* --- counts for the public --- */

static void put_source(enum field f, const char *text)
{
	row_begin();
	batch_set_text(below.events, f, STR_NONE, str_of(text));
	row_end();
}

TEST(public_groups)
{
	struct house h = begin();
	struct viewer v = viewer_public(CHANNEL_SCREEN);
	static const enum count_by type_day[] = { BY_TYPE, BY_DAY };
	struct count_row *rows;
	size_t n;
	char name[40];

	reading(&h);
	/* five names and pages are told apart as five addresses are; one of two events is one */
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "h%d.example.org", i);
		put_source(FIELD_SOURCE_FQDN, name);
		put_source(FIELD_SOURCE_FQDN, name);
	}
	below.counts[0] = (struct count_row){ .key = { STR("scanner"), STR("2026-03-01") }, .count = 9 };
	below.count_count = 1;
	struct event_query q = { 0 };
	CHECK_RC(read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	put_source(FIELD_SOURCE_URL, "http://example.org/a");
	CHECK_RC(read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_INT(below.asked.until_us - below.asked.from_us, DAY_US);
	/* the question's own time stays where it is narrower */
	static const struct { const char *from, *until; } times[] = {
		{ "2026-02-01", "2026-04-01" }, { "2026-03-01", "2026-03-02" }, { "2026-02-01", "" },
		{ "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z" },
	};
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct event_query in = { 0 };
		int64_t day = 0;
		CHECK(time_parse(STR("2026-03-01"), true, &day));
		CHECK(time_parse(str_of(times[i].from), true, &in.from_us));
		in.until_us = INT64_MAX;
		CHECK(!times[i].until[0] || time_parse(str_of(times[i].until), true, &in.until_us));
		CHECK_RC(read_counts(h.r, &v, &in, type_day, 2, h.a, &rows, &n, &err), RC_OK, err);
		CHECK_MSG(below.asked.from_us == day && below.asked.until_us == day + DAY_US, "row %zu", i);
	}
	/* a day that is none: cannot be looked into */
	below.counts[0].key[1] = STR("someday");
	CHECK_RC(read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	below.counts[0].key[1] = STR("2026-03-01");
	/* damage leaves out, what cannot be read at all is said */
	static const struct { enum rc counts, events, want; size_t n; } ends[] = {
		{ RC_OK, RC_OK, RC_OK, 1 },    { RC_INPUT, RC_OK, RC_INPUT, 1 }, { RC_OK, RC_INPUT, RC_OK, 1 },
		{ RC_IO, RC_OK, RC_IO, 0 },    { RC_OK, RC_IO, RC_IO, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		below.counts_rc = ends[i].counts;
		below.events_rc = ends[i].events;
		enum rc rc = read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err);
		CHECK_MSG(rc == ends[i].want && n == ends[i].n, "row %zu: %s, %zu", i, rc_name(rc), n);
	}
	below.counts_rc = below.events_rc = RC_OK;
	/* cursors would tell in which order things came */
	q = (struct event_query){ .before_seq = 9 };
	CHECK_RC(read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err), RC_DENIED, err);
	q = (struct event_query){ .after_seq = 9 };
	CHECK_RC(read_counts(h.r, &v, &q, type_day, 2, h.a, &rows, &n, &err), RC_DENIED, err);
	q = (struct event_query){ .report = 9 };
	static const enum count_by both[] = { BY_ASN, BY_DAY };
	CHECK_RC(read_counts(h.r, &v, &q, both, 2, h.a, &rows, &n, &err), RC_DENIED, err);
	struct filter_set f = { 0 };
	CHECK_RC(filter_add(&f, STR("type"), STR("scanner"), h.a, &err), RC_OK, err);
	CHECK_RC(read_counts(h.r, &v, &f.query, both, 2, h.a, &rows, &n, &err), RC_DENIED, err);
	CHECK_INT(n, 0);
	end(&h);
}

/* --- whom to write to --- */

TEST(contacts_of_last_resort)
{
	struct house h = begin();
	struct viewer with = staff(TLP_GREEN, true), without = staff(TLP_GREEN, false), none = with;
	struct directory *d = directory_of(&h);
	struct fallback *f = fallback_of(&h);
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	struct who w;

	none.right = RIGHT_INTAKE;
	const struct {
		const char *what;
		const struct viewer *v;
		const struct directory *d;
		const char *asked, *cc;
		size_t hits, concerned;
	} cases[] = {
		{ "all there is", &with, d, "192.0.2.7", "", 1, 1 },
		{ "no basis: the country's team alone", &without, d, "192.0.2.7", "", 0, 1 },
		{ "no right", &none, d, "192.0.2.7", "", 0, 0 },
		{ "no directory", &with, NULL, "192.0.2.7", "", 1, 0 },
		{ "the country is known", &with, d, "192.0.2.7", "SG", 1, 0 },
		{ "not in the registry", &with, d, "198.18.0.1", "", 0, 0 },
		{ "a name", &with, d, "example.org", "", 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		CHECK_RC(read_who(&with, d, NULL, str_of(cases[i].asked), 1, &w, &err), RC_OK, err);
		memcpy(w.facts.cc, cases[i].cc, strlen(cases[i].cc));
		size_t n = read_last_resort(cases[i].v, cases[i].d, f, 1, &w, hits);
		CHECK_MSG(n == cases[i].hits, "%s: %zu", cases[i].what, n);
		CHECK_MSG(w.concerns.count == cases[i].concerned, "%s: %zu concerned", cases[i].what, w.concerns.count);
	}
	CHECK_RC(read_who(&none, d, NULL, STR("192.0.2.7"), 1, &w, &err), RC_DENIED, err);

	/* as programs read it, with its age */
	struct buf text = BUF_INIT(KIB(4));
	struct json_out j = json_out(&text);
	CHECK_RC(read_who(&with, d, NULL, STR("192.0.2.7"), 1, &w, &err), RC_OK, err);
	size_t n = read_last_resort(&with, d, f, 1, &w, hits);
	json_open(&j, '{');
	last_resort_json(hits, n, 20003 * DAY_US, &j);
	json_close(&j, '}');
	CHECK_STR(buf_str(&text), STR("{\"last_resort\":[{\"email\":\"abuse@example.org\",\"name\":\"\","
				      "\"source\":\"whois:test\",\"seen\":\"2024-10-04\",\"days_old\":3,\"trust\":40,"
				      "\"reason\":\"range 192.0.2.0-192.0.2.255\"}]}"));
	buf_free(&text);
	fallback_free(f);
	directory_free(d);
	end(&h);
}

TEST_MAIN(TEST_RUN(markings), TEST_RUN(who_may_ask_by_what), TEST_RUN(values), TEST_RUN(findings_until_enough),
	  TEST_RUN(public_groups), TEST_RUN(contacts_of_last_resort))
