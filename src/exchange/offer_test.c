/* SPDX-License-Identifier: Apache-2.0 */
/* What is offered to whom, what he then reads, and what he is told when it is no more. */
#include "exchange/exchange_world.h"

#include "exchange/line.h"
#include "exchange/object_store.h"
#include "exchange/offer.h"
#include "exchange/withdraw.h"
#include "disclosure/told_partner.h"
#include "record/outbox.h"
#include "route/findings.h"
#include "route/directory.h"
#include "stix/stix_id.h"
#include "stix/stix_record.h"

enum { ORG = 7, STRANGER = 8 };
static const struct uuid house_c = { { 0xc, 1 } };
#define HOUSE "organisation--0c010000-0000-0000-0000-000000000000"

struct scene {
	struct team t;
	bool played;               /* he takes part in an exercise */
	struct policies *policies;
	struct uuid partner, agreement;
	int64_t reports;
};

/* --- making it --- */

static struct record put(struct scene *s, const char *type, struct uuid id, const char *fields, const char *state,
			 const char *labels)
{
	const struct type *t = types_find(snapshot_table(s->t.w.held), str_of(type));
	const struct record_change c = { .type = t, .id = id, .fields = fields ? str_of(fields) : STR_NONE,
					 .to_state = state ? type_state(t, str_of(state)) : -1, .actor = STR("unix:0"),
					 .labels = labels ? str_of(labels) : STR_NONE, .why = STR("so") };
	struct world_put p = { .r = s->t.w.r, .c = &c, .a = s->t.w.a };
	CHECK_RC(store_write(s->t.w.s, world_put_job, &p, &err), RC_OK, err);
	return p.out;
}

static enum rc org_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, name, folded, kind, country, sector, timezone, changed_us, record,"
					 " gone) VALUES (?1, ?2, ?2, '', '', '', '', 0, ?3, 0)");
	(void)ctx;
	sql_int(q, 1, ORG);
	sql_str(q, 2, STR("team c"));
	sql_blob(q, 3, str_mem(house_c.b, sizeof house_c.b));
	return sql_run(q, e);
}

#define AGREEMENT(flows, tlp)                                                                      \
	"{\"title\":\"x\",\"kind\":\"treaty\",\"parties\":[\"" HOUSE "\"],\"flows\":" flows            \
	",\"tlp_ceiling\":\"" tlp "\",\"from\":\"2020-01-01\"}"

static void scene_new(struct scene *s)
{
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	memset(s, 0, sizeof *s);
	CHECK_RC(hash_init(&err), RC_OK, err);
	team_new(&s->t);
	CHECK_RC(policies_open(s->t.w.s, s->t.w.r, &from, &s->policies, &err), RC_OK, err);
	s->t.x.w.policies = s->policies;
	CHECK_RC(offer_open(&s->t.x, &err), RC_OK, err);
	CHECK_RC(store_write(s->t.w.s, org_job, NULL, &err), RC_OK, err);
	s->partner = put(s, "partner", (struct uuid){ { 0 } },
			 "{\"name\":\"Team C\",\"kind\":\"node\",\"organisation\":\"" HOUSE "\"}", "active", NULL).id;
	s->agreement = put(s, "agreement", (struct uuid){ { 0 } },
			   AGREEMENT("[\"findings\",\"warnings\",\"indicators\"]", "AMBER"), "in-force", NULL).id;
}

static void scene_end(struct scene *s)
{
	offer_close(&s->t.x);
	policies_close(s->policies);
	world_end(&s->t.w);
}

static void look(struct scene *s)
{
	bool did = true;
	while (did)
		CHECK_RC(offer_look(&s->t.x, &did, &err), RC_OK, err);
}

static struct reader *begin(struct scene *s)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(s->t.w.s, &r, &err), RC_OK, err);
	return r;
}

static struct partner partner_of(struct scene *s, struct reader *r)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	struct partner p;
	record_id_format(&id, STR("partner"), &s->partner);
	CHECK_RC(partner_find(&s->t.x, reader_conn(r), buf_str(&id), s->t.w.a, &p, &err), RC_OK, err);
	buf_free(&id);
	return p;
}

/* --- events --- */

struct line {
	const char *ip, *concerns, *feed, *node;
	int tlp;
	bool exercise;
};
#define MINE "7 1 network"
#define OTHERS "8 1 network"

struct delivery {
	struct scene *s;
	struct event_chunk *chunk;
	uint64_t first;
	bool exercise;
};

static enum rc deliver_job(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO report (id, feed, state, received_us, digest, bytes, format, file_name, type,"
					 " parser_version, next_offset, next_input, inputs, accepted, events, repeats, quarantined,"
					 " dropped, blank, parse_us, words, exercise) VALUES (?1, 1, 2, ?2, x'00', 0, '', '', '', 1, 0,"
					 " 0, 0, 0, 0, 0, 0, 0, 0, 0, '', ?3)");
	sql_int(q, 1, d->s->reports);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, d->exercise);
	enum rc rc = sql_run(q, e);
	return rc == RC_OK ? event_chunk_commit(tx, d->chunk, &d->first, e) : rc;
}

/* One report; the number of its first event. */
static uint64_t deliver(struct scene *s, const struct line *lines, size_t n)
{
	struct delivery d = { .s = s, .exercise = lines[0].exercise };
	struct report r = { .id = ++s->reports, .feed = 1, .received_us = clock_now_us() };
	struct batch *b = batch_new();
	for (size_t i = 0; i < n; i++) {
		struct ip ip;
		CHECK(ip_parse(str_of(lines[i].ip), &ip));
		batch_row_begin(b, i + 1, 0, 0, 1);
		batch_set_ip(b, FIELD_SOURCE_IP, &ip);
		batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("infected-system"));
		batch_set_text(b, FIELD_SOURCE_ACCOUNT, STR_NONE, STR("canary-person"));
		batch_set_time(b, FIELD_TIME_SOURCE, (1700000000 + (int64_t)i) * SECOND_US);
		batch_set_text(b, FIELD_FEED_NAME, STR_NONE, str_of(lines[i].feed ? lines[i].feed : "ours"));
		batch_set_text(b, FIELD_RONDA_CONCERNS, STR_NONE, str_of(lines[i].concerns));
		if (lines[i].node)
			batch_set_text(b, FIELD_EXTRA, STR("origin_node"), str_of(lines[i].node));
		batch_set_int(b, FIELD_TLP, STR_NONE, lines[i].tlp);
		if (lines[i].exercise)
			batch_set_bool(b, FIELD_EXERCISE, STR_NONE, true);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	CHECK_RC(event_chunk_new(b, &r, NULL, &d.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(s->t.w.s, deliver_job, &d, &err), RC_OK, err);
	event_chunk_free(d.chunk);
	batch_free(b);
	return d.first;
}
#define DELIVER(s, ...) \
	deliver((s), (const struct line[]){ __VA_ARGS__ }, COUNT_OF(((const struct line[]){ __VA_ARGS__ })))

/* --- reading --- */

struct got {
	struct buf text, ids;
	size_t count, carriers, most, bytes;
	int64_t last_us;
	bool unordered;
};

static bool take(void *ctx, const struct page_object *o)
{
	struct got *g = ctx;
	if (g->most && g->count == g->most)
		return false;
	g->unordered = g->unordered || o->added_us < g->last_us;
	g->last_us = o->added_us;
	buf_add(&g->text, o->json);
	buf_fmt(&g->ids, STR_FMT " %lld\n", STR_ARG(o->id), (long long)o->added_us);
	g->count++;
	g->carriers += o->carrier;
	return true;
}

static void got_free(struct got *g)
{
	buf_free(&g->text);
	buf_free(&g->ids);
}

static struct page_end page(struct scene *s, const struct page_query *q, struct got *g)
{
	struct reader *r = begin(s);
	struct partner p = partner_of(s, r);
	struct collection c;
	struct told_to to;
	struct page_end end = { 0 };
	str feed = partner_feed(&p, s->t.w.a);
	if (!g->text.cap)
		g->text = (struct buf)BUF_INIT(MIB(16)), g->ids = (struct buf)BUF_INIT(MIB(4));
	CHECK_RC(collection_of_partner(reader_conn(r), COLLECTION_OUT, s->partner, s->t.w.a, &c, &err), RC_OK, err);
	CHECK_RC(told_partner(r, s->policies, p.organisation, feed, s->played, &to, &err), RC_OK, err);
	CHECK_RC(collection_page(&s->t.x, r, &c, &to, q, take, g, &end, &err), RC_OK, err);
	store_read_end(r);
	return end;
}

/* What another ronda gets behind a cursor, in one lane. */
static struct got carriers(struct scene *s, int lane, int64_t after_us, struct page_end *end)
{
	const struct page_query q = { .after_us = after_us, .lane = lane, .carriers = true, .limit = 1000 };
	struct got g = { .most = 0 };
	*end = page(s, &q, &g);
	CHECK(!g.unordered);
	return g;
}

static bool has(const struct got *g, const char *word)
{
	return str_find(buf_str(&g->text), str_of(word)) < g->text.n;
}

TEST(only_what_concerns_him_and_only_what_he_may_have)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	struct reader *r = begin(&s);
	struct partner p = partner_of(&s, r);
	const char *back = arena_str(s.t.w.a, partner_feed(&p, s.t.w.a)).p;
	store_read_end(r);
	DELIVER(&s, { "192.0.2.1", MINE, NULL, NULL, TLP_GREEN, false }, { "192.0.2.2", OTHERS, NULL, NULL, TLP_GREEN, false },
		{ "192.0.2.3", MINE, NULL, NULL, TLP_RED, false }, { "192.0.2.4", MINE, back, NULL, TLP_GREEN, false },
		{ "192.0.2.5", MINE, NULL, NULL, TLP_AMBER_STRICT, false }, { "192.0.2.6", MINE, NULL, NULL, TLP_CLEAR, true },
		{ "192.0.2.7", "7 1 network|8 2 holder|7 2 holder", NULL, NULL, TLP_AMBER, false });
	look(&s);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK_INT(g.carriers, 3);
	CHECK_INT(g.count, 3);
	CHECK(has(&g, "192.0.2.1") && has(&g, "192.0.2.5") && has(&g, "192.0.2.7")); /* of one's own also AMBER+STRICT */
	CHECK(!has(&g, "192.0.2.2") && !has(&g, "192.0.2.3") && !has(&g, "192.0.2.4") && !has(&g, "192.0.2.6"));
	CHECK(!has(&g, "canary-person"));
	CHECK_INT(end.refused, 2); /* RED, played; who it came from is not refused, he has it */
	CHECK(!end.more && end.upto_us > end.last_us);
	got_free(&g);
	/* nothing is offered twice, and nothing new comes of nothing */
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK_INT(g.count, 0);
	got_free(&g);
	g = carriers(&s, LANE_WARNING, 0, &end);
	CHECK_INT(g.count, 0);
	got_free(&g);
	scene_end(&s);
}

/* What is played is for those who play, and what is real is for nobody who plays. */
TEST(who_plays_gets_what_is_played)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	put(&s, "partner", s.partner, NULL, NULL, "{\"tlp\":\"AMBER\",\"exercise\":true}");
	s.played = true;
	DELIVER(&s, { "192.0.2.1", MINE, NULL, NULL, TLP_GREEN, false });
	DELIVER(&s, { "192.0.2.2", MINE, NULL, NULL, TLP_GREEN, true });
	look(&s);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK_INT(g.carriers, 1);
	CHECK(!has(&g, "192.0.2.1") && has(&g, "192.0.2.2"));
	got_free(&g);
	scene_end(&s);
}

TEST(pages_are_cut_anywhere_and_say_the_same)
{
	struct scene s;
	struct page_end end;
	struct got whole = { .most = 0 }, parts = { .most = 0 };
	struct line lines[40];
	scene_new(&s);
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		lines[i] = (struct line){ arena_fmt(s.t.w.a, "198.18.0.%zu", i).p, i % 3 ? MINE : OTHERS, NULL, NULL, TLP_GREEN,
					  false };
	deliver(&s, lines, COUNT_OF(lines));
	look(&s);
	deliver(&s, lines, 5);
	look(&s);
	const struct page_query all = { .lane = -1, .limit = 1000 };
	end = page(&s, &all, &whole);
	CHECK(!end.more && !whole.unordered);
	CHECK(has(&whole, "extension-definition") && has(&whole, "\"identity\"") && has(&whole, "marking-definition"));
	static const struct { size_t limit, bytes; } cuts[] = { { 1, 0 }, { 7, 0 }, { 1000, 3000 }, { 100, 1 } };
	for (size_t i = 0; i < COUNT_OF(cuts); i++) {
		struct page_query q = { .lane = -1, .limit = cuts[i].limit, .bytes = cuts[i].bytes };
		size_t before = 0;
		buf_free(&parts.text);
		buf_free(&parts.ids);
		parts = (struct got){ .most = 0 };
		do {
			before = parts.count;
			end = page(&s, &q, &parts);
			CHECK_MSG(parts.count - before <= q.limit, "row %zu: %zu objects", i, parts.count - before);
			CHECK_MSG(!end.more || end.last_us <= end.upto_us, "row %zu", i);
			q.after_us = end.more ? end.last_us : end.upto_us;
		} while (end.more && parts.count < 10000);
		CHECK(str_find(buf_str(&parts.text), STR("198.18.0.38")) < parts.text.n);
		CHECK_INT(parts.count >= whole.count, true);
		CHECK(!parts.unordered);
	}
	/* an object that is not taken is given with the next page */
	struct page_query q = { .lane = LANE_BULK, .carriers = true };
	struct got some = { .most = 4 }, rest = { .most = 0 };
	end = page(&s, &q, &some);
	CHECK(end.more && some.count == 4 && end.upto_us >= end.last_us);
	q.after_us = end.upto_us;
	end = page(&s, &q, &rest);
	CHECK_INT(rest.count, 26 + 3 - 4);
	/* until */
	struct got until = { .most = 0 };
	struct page_query u = { .lane = LANE_BULK, .carriers = true, .until_us = some.last_us };
	end = page(&s, &u, &until);
	CHECK_INT(until.count, 4);
	CHECK(!end.more && end.upto_us == some.last_us);
	/* one type alone */
	struct got kind = { .most = 0 };
	const str type = STR("observed-data");
	struct page_query of = { .lane = -1, .limit = 1000, .types = &type, .type_count = 1 };
	(void)page(&s, &of, &kind);
	CHECK_INT(kind.count, 29);
	got_free(&whole), got_free(&parts), got_free(&some), got_free(&rest), got_free(&until), got_free(&kind);
	scene_end(&s);
}

static size_t found(struct scene *s, const str *ids, size_t count, const str *type, int64_t after_us, bool flat)
{
	const struct page_query q = { .lane = flat ? LANE_BULK : -1, .limit = 1000, .ids = ids, .id_count = count, .types = type,
				      .type_count = type ? 1 : 0, .after_us = after_us, .carriers = flat, .flat = flat };
	struct got g = { .most = 0 };
	struct page_end end = page(s, &q, &g);
	size_t n = g.count;
	for (str ids_left = buf_str(&g.ids), line; str_line(&ids_left, &line);) {
		bool asked = false;
		for (size_t i = 0; i < count; i++)
			asked |= str_eq(ids[i], str_head(line, str_index(line, ' ')));
		CHECK_MSG(asked, STR_FMT " was not asked for", STR_ARG(line));
	}
	CHECK(!end.more && !end.stopped);
	got_free(&g);
	return n;
}

TEST(what_is_asked_for_by_id)
{
	struct scene s;
	struct line lines[60];
	scene_new(&s);
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		lines[i] = (struct line){ arena_fmt(s.t.w.a, "198.18.0.%zu", i).p, i % 3 ? MINE : OTHERS, NULL, NULL,
					  i % 5 ? TLP_GREEN : TLP_RED, false };
	uint64_t first = deliver(&s, lines, COUNT_OF(lines));
	look(&s);
	struct got whole = { .most = 0 };
	const struct page_query all = { .lane = -1, .limit = 1000 };
	(void)page(&s, &all, &whole);
	str two[2] = { STR("incident--00000000-0000-4000-8000-000000000000"), STR_NONE };
	size_t observed = 0;
	for (str left = buf_str(&whole.ids), line; str_line(&left, &line);) {
		const str id = str_cut(&line, ' ');
		int64_t at = 0;
		CHECK(str_to_i64(line, &at));
		two[1] = id;
		CHECK_MSG(found(&s, &id, 1, NULL, 0, false) == 1, STR_FMT, STR_ARG(id));
		if (!str_starts(id, STR("observed-data--")))
			continue;
		observed++;
		const str type = STR("observed-data"), other = STR("indicator");
		CHECK_INT(found(&s, two, 2, NULL, at - 1, false), 1);
		CHECK_INT(found(&s, two, 2, NULL, at, false), 0); /* strictly later */
		CHECK_INT(found(&s, two, 2, &type, 0, false), 1);
		CHECK_INT(found(&s, two, 2, &other, 0, false), 0);
		two[1] = arena_fmt(s.t.w.a, "indicator--" STR_FMT, STR_ARG(str_from(id, 15)));
		CHECK_INT(found(&s, two, 2, NULL, 0, false), 0); /* of that class nothing is said to be bad */
	}
	CHECK_INT(observed, 32);
	/* of one he may not have, of another's, and one that he has; each also as it goes to a ronda */
	static const struct { unsigned at; size_t count; } some[] = { { 5, 0 }, { 3, 0 }, { 7, 1 } };
	for (size_t i = 0; i < COUNT_OF(some); i++) {
		char text[40], id[STIX_ID_MAX];
		const str event = event_id(store_secret(s.t.w.s), first + some[i].at, text);
		stix_event_object_id(store_node_id(s.t.w.s), event, id);
		two[1] = str_of(id);
		CHECK_INT(found(&s, two, 2, NULL, 0, false), some[i].count);
		two[1] = arena_fmt(s.t.w.a, "event--" STR_FMT, STR_ARG(event));
		CHECK_INT(found(&s, two, 2, NULL, 0, true), some[i].count);
		CHECK_INT(found(&s, two, 2, NULL, 0, false), 0);
	}
	static const str none[] = { STR_INIT("event--00"), STR_INIT("observed-data"), STR_INIT("--"), STR_INIT("observed-data--x"),
				    STR_INIT("ipv4-addr--00000000-0000-5000-8000-000000000000") };
	CHECK_INT(found(&s, none, COUNT_OF(none), NULL, 0, false), 0);
	CHECK_INT(found(&s, none, 4, NULL, 0, true), 0);
	got_free(&whole);
	scene_end(&s);
}

/* Whose time is over gets on by an item a page, and loses none. */
TEST(a_page_looks_no_longer_than_it_may)
{
	struct scene s;
	struct line lines[30];
	scene_new(&s);
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		lines[i] = (struct line){ "198.18.0.1", i % 3 ? MINE : OTHERS, NULL, NULL, TLP_GREEN, false };
	deliver(&s, lines, COUNT_OF(lines));
	look(&s);
	const str type = STR("indicator");
	for (int what = 0; what < 4; what++) { /* STIX, flat, whole, and what is not there */
		struct got g = { .most = 0 };
		struct page_query q = { .lane = what < 2 ? LANE_BULK : -1, .carriers = what < 2, .flat = what == 1, .limit = 1000,
					.look_until_us = 1, .types = &type, .type_count = what == 3 };
		struct page_end end;
		size_t pages = 0;
		do {
			end = page(&s, &q, &g);
			CHECK(!end.more || end.upto_us > q.after_us);
			q.after_us = end.upto_us;
		} while (end.more && ++pages < 1000);
		CHECK_MSG(pages >= 20 && pages < 40, "%d: %zu pages", what, pages);
		CHECK_INT(g.carriers, what < 3 ? 20 : 0);
		CHECK(!g.unordered);
		got_free(&g);
	}
	scene_end(&s);
}

/* Another ronda takes events without STIX around them: the same ones, and none twice when it changes on the way. */
TEST(flat_events)
{
	struct scene s;
	struct page_end end;
	struct line lines[30];
	scene_new(&s);
	for (size_t i = 0; i < COUNT_OF(lines); i++)
		lines[i] = (struct line){ arena_fmt(s.t.w.a, "198.18.0.%zu", i).p, i % 3 ? MINE : OTHERS, NULL, NULL, TLP_GREEN,
					  false };
	lines[1].tlp = TLP_RED;
	deliver(&s, lines, COUNT_OF(lines));
	look(&s);
	for (size_t limit = 1; limit < 20; limit += 6) {
		struct got g = { .most = 0 };
		struct page_query q = { .lane = LANE_BULK, .carriers = true, .limit = limit };
		do {
			end = page(&s, &q, &g);
			q.after_us = end.upto_us;
			q.flat = !q.flat;
		} while (end.more);
		CHECK_INT(g.count, 19);
		CHECK_INT(g.carriers, 19);
		CHECK(!g.unordered && !has(&g, "\"198.18.0.1\"") && has(&g, "198.18.0.29"));
		got_free(&g);
	}
	struct got g = { .most = 0 };
	const struct page_query q = { .lane = LANE_BULK, .carriers = true, .flat = true, .limit = 1000 };
	(void)page(&s, &q, &g);
	CHECK_INT(g.count, 19);
	CHECK(!has(&g, "spec_version") && !has(&g, "ronda.") && !has(&g, "canary-person"));
	CHECK(has(&g, "{\"id\":\"") && str_find(buf_str(&g.ids), STR("event--")) == 0);
	got_free(&g);
	scene_end(&s);
}

TEST(an_agreement_that_ends_stops_what_waits)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	DELIVER(&s, { "192.0.2.1", MINE, NULL, NULL, TLP_GREEN, false });
	look(&s);
	put(&s, "agreement", s.agreement, NULL, "suspended", NULL);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK(g.count == 0 && end.stopped && !end.more && end.upto_us == 0);
	got_free(&g);
	/* what comes meanwhile is not offered until it is in force again, and then once */
	DELIVER(&s, { "192.0.2.2", MINE, NULL, NULL, TLP_GREEN, false });
	look(&s);
	put(&s, "agreement", s.agreement, NULL, "in-force", NULL);
	look(&s);
	g = carriers(&s, LANE_BULK, 0, &end);
	CHECK(g.count == 2 && has(&g, "192.0.2.1") && has(&g, "192.0.2.2"));
	got_free(&g);
	/* ... and what comes then is */
	DELIVER(&s, { "192.0.2.8", MINE, NULL, NULL, TLP_GREEN, false });
	look(&s);
	g = carriers(&s, LANE_BULK, 0, &end);
	CHECK(has(&g, "192.0.2.8"));
	got_free(&g);
	/* once more: when somebody asks for it */
	struct reader *r = begin(&s);
	struct partner p = partner_of(&s, r);
	uint64_t events;
	store_read_end(r);
	CHECK_RC(offer_again(&s.t.x, &p, clock_now_us() - HOUR_US, &events, &err), RC_OK, err);
	CHECK_INT(events, 3);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK(has(&g, "192.0.2.1") && has(&g, "192.0.2.2"));
	got_free(&g);
	/* another kind of thing alone: the cursor passes what may not flow */
	put(&s, "agreement", s.agreement, "{\"flows\":[\"warnings\"]}", NULL, NULL);
	g = carriers(&s, LANE_BULK, 0, &end);
	CHECK(g.count == 0 && !end.stopped && end.upto_us > 0 && end.refused == 6);
	got_free(&g);
	put(&s, "partner", s.partner, NULL, "paused", NULL);
	CHECK_RC(offer_again(&s.t.x, &p, 0, &events, &err), RC_ABSENT, err);
	scene_end(&s);
}

/* Nothing new between the moment it is agreed and the first event: what comes then is offered, and what came lately. */
TEST(what_comes_around_an_agreement_is_offered)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	put(&s, "agreement", s.agreement, NULL, "suspended", NULL);
	DELIVER(&s, { "192.0.2.1", MINE, NULL, NULL, TLP_GREEN, false });
	look(&s);
	put(&s, "agreement", s.agreement, NULL, "in-force", NULL);
	look(&s);
	DELIVER(&s, { "192.0.2.2", MINE, NULL, NULL, TLP_GREEN, false });
	look(&s);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK(g.count == 2 && has(&g, "192.0.2.2") && has(&g, "192.0.2.1"));
	got_free(&g);
	scene_end(&s);
}

/* --- records --- */

static size_t refusals(struct scene *s, str item)
{
	struct reader *r = begin(s);
	const struct ledger_query q = { .recipient = STR(""), .item = item, .limit = 100 };
	struct ledger_row *rows;
	size_t n, found = 0;
	CHECK_RC(ledger_list(reader_conn(r), &q, s->t.w.a, &rows, &n, &err), RC_OK, err);
	for (size_t i = 0; i < n; i++)
		found += rows[i].kind == LEDGER_REFUSED && str_starts(rows[i].recipient, STR("partner--"));
	store_read_end(r);
	return found;
}

static str item_of(struct scene *s, const char *type, struct uuid id)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, str_of(type), &id);
	str item = arena_str(s->t.w.a, buf_str(&b));
	buf_free(&b);
	return item;
}

TEST(a_warning_goes_when_it_is_sent_and_comes_back_when_withdrawn)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	struct uuid w = put(&s, "warning", (struct uuid){ { 0 } },
			    "{\"title\":\"canary one\",\"urgency\":\"act\",\"summary\":\"x\",\"advice\":\"y\","
			    "\"review_by\":\"2030-01-01\"}", NULL, "{\"tlp\":\"GREEN\"}").id;
	look(&s);
	struct got g = carriers(&s, LANE_WARNING, 0, &end);
	CHECK_INT(g.count, 0); /* a draft is nobody's */
	got_free(&g);
	put(&s, "warning", w, NULL, "approved", NULL);
	put(&s, "warning", w, NULL, "sent", NULL);
	look(&s);
	g = carriers(&s, LANE_WARNING, 0, &end);
	CHECK_INT(g.count, 1);
	CHECK(has(&g, "canary one") && !has(&g, "\"revoked\""));
	got_free(&g);
	put(&s, "warning", w, "{\"title\":\"canary two\"}", NULL, NULL);
	look(&s);
	g = carriers(&s, LANE_WARNING, end.upto_us, &end);
	CHECK(g.count == 1 && has(&g, "canary two"));
	got_free(&g);
	put(&s, "warning", w, "{\"withdrawn_because\":\"canary reason\"}", "withdrawn", NULL);
	look(&s);
	g = carriers(&s, LANE_WARNING, end.upto_us, &end);
	CHECK_INT(g.count, 1);
	CHECK(has(&g, "\"revoked\":true") && has(&g, item_of(&s, "warning", w).p) && !has(&g, "canary"));
	got_free(&g);
	look(&s);
	g = carriers(&s, LANE_WARNING, end.upto_us, &end);
	CHECK_INT(g.count, 0); /* once */
	got_free(&g);
	scene_end(&s);
}

TEST(a_stricter_label_recalls_what_was_offered)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	struct uuid ours = put(&s, "campaign", (struct uuid){ { 0 } }, "{\"title\":\"canary c\",\"internal\":\"canary-team\"}", NULL,
			       "{\"tlp\":\"AMBER\"}").id;
	struct uuid never = put(&s, "campaign", (struct uuid){ { 0 } }, "{\"title\":\"canary never\"}", NULL,
				"{\"tlp\":\"AMBER+STRICT\"}").id;
	look(&s);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK(g.count == 1 && has(&g, "canary c") && !has(&g, "canary-team") && !has(&g, "canary never"));
	got_free(&g);
	CHECK_INT(refusals(&s, item_of(&s, "campaign", never)), 1);
	put(&s, "campaign", never, "{\"description\":\"more\"}", NULL, NULL);
	put(&s, "campaign", ours, NULL, NULL, "{\"tlp\":\"RED\"}");
	look(&s);
	CHECK_INT(refusals(&s, item_of(&s, "campaign", never)), 1); /* the same is said once */
	g = carriers(&s, LANE_BULK, 0, &end);
	CHECK_INT(g.count, 1); /* the original is not read any more; who had it is told */
	CHECK(has(&g, "\"revoked\":true") && has(&g, item_of(&s, "campaign", ours).p) && !has(&g, "canary"));
	CHECK(!has(&g, item_of(&s, "campaign", never).p));
	got_free(&g);
	/* looser again: it is offered anew */
	put(&s, "campaign", ours, NULL, NULL, "{\"tlp\":\"GREEN\"}");
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK(g.count == 1 && has(&g, "canary c"));
	got_free(&g);
	/* for others alone */
	put(&s, "campaign", ours, NULL, NULL, "{\"tlp\":\"GREEN\",\"audience\":[\"organisation--0d010000-0000-0000-0000-000000000000\"]}");
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK(g.count == 1 && has(&g, "\"revoked\":true"));
	got_free(&g);
	scene_end(&s);
}

struct erasing {
	struct scene *s;
	struct uuid id;
};

static enum rc erase_job(struct tx *tx, void *ctx, struct err *e)
{
	struct erasing *k = ctx;
	return record_erase(tx, k->s->t.w.r, k->id, STR("unix:0"), STR("asked"), e);
}

TEST(an_erased_record_is_recalled)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	struct uuid id = put(&s, "campaign", (struct uuid){ { 0 } }, "{\"title\":\"canary c\"}", NULL, "{\"tlp\":\"GREEN\"}").id;
	look(&s);
	struct erasing k = { &s, id };
	CHECK_RC(store_write(s.t.w.s, erase_job, &k, &err), RC_OK, err);
	look(&s);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK_INT(g.count, 1);
	CHECK(has(&g, "\"revoked\":true") && has(&g, item_of(&s, "campaign", id).p) && !has(&g, "canary"));
	got_free(&g);
	scene_end(&s);
}

/* --- events that are no more --- */

static enum rc undo_job(struct tx *tx, void *ctx, struct err *e)
{
	int64_t report = *(int64_t *)ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE report SET state = 4 WHERE id = ?");
	sql_int(q, 1, report);
	enum rc rc = sql_run(q, e);
	return rc == RC_OK ? withdraw_report(tx, report, STR("of another day"), e) : rc;
}

static enum rc recall_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct withdrawn_why why = { STR("it was nobody's"), TLP_AMBER };
	return withdrawal_put(tx, ctx, &why, e);
}

static size_t revoked(const struct got *g)
{
	size_t n = 0;
	for (str rest = buf_str(&g->text), word = STR("\"revoked\":true"); ; n++) {
		size_t at = str_find(rest, word);
		if (at == rest.n)
			return n;
		rest = str_from(rest, at + word.n);
	}
}

TEST(an_undone_report_is_recalled_from_those_who_were_offered_it)
{
	struct scene s;
	struct page_end end;
	scene_new(&s);
	uint64_t first = DELIVER(&s, { "192.0.2.1", MINE, NULL, NULL, TLP_GREEN, false },
				 { "192.0.2.2", OTHERS, NULL, NULL, TLP_GREEN, false }, { "192.0.2.3", MINE, NULL, NULL, TLP_RED, false },
				 { "192.0.2.4", MINE, NULL, NULL, TLP_GREEN, false });
	DELIVER(&s, { "192.0.2.5", MINE, NULL, NULL, TLP_GREEN, false });
	look(&s);
	int64_t report = 1;
	CHECK_RC(store_write(s.t.w.s, undo_job, &report, &err), RC_OK, err);
	look(&s);
	/* before it was offered: nobody was told, nobody is told */
	DELIVER(&s, { "192.0.2.6", MINE, NULL, NULL, TLP_GREEN, false });
	report = 3;
	CHECK_RC(store_write(s.t.w.s, undo_job, &report, &err), RC_OK, err);
	look(&s);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK_INT(g.count, 3);
	CHECK_INT(revoked(&g), 2);
	CHECK(has(&g, "192.0.2.5") && !has(&g, "192.0.2.1") && !has(&g, "192.0.2.6"));
	char id[40];
	CHECK(has(&g, arena_fmt(s.t.w.a, "event--" STR_FMT, STR_ARG(event_id(store_secret(s.t.w.s), first, id))).p));
	CHECK(has(&g, arena_fmt(s.t.w.a, "event--" STR_FMT, STR_ARG(event_id(store_secret(s.t.w.s), first + 3, id))).p));
	got_free(&g);

	/* one that is erased */
	const uint64_t gone[] = { first + 4, first + 4, first + 1 };
	struct withdrawal *out = NULL;
	CHECK_RC(withdrawal_find(&s.t.x, gone, COUNT_OF(gone), &out, &err), RC_OK, err);
	CHECK_RC(store_write(s.t.w.s, recall_job, out, &err), RC_OK, err);
	withdrawal_free(out);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK_INT(g.count, 1);
	CHECK(has(&g, arena_fmt(s.t.w.a, "event--" STR_FMT, STR_ARG(event_id(store_secret(s.t.w.s), first + 4, id))).p));
	got_free(&g);
	scene_end(&s);
}

/* --- whom they concern, found later --- */

static enum rc claim_job(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org_scope (org, kind, value, role, shared_address, from_us, until_us)"
					 " VALUES (?, 'net', ?, 0, 0, 0, 0)");
	sql_int(q, 1, ORG);
	sql_str(q, 2, str_of(ctx));
	enum rc rc = sql_run(q, e);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "INSERT INTO cursor (name, seq) VALUES ('directory', 1) ON CONFLICT (name) DO UPDATE SET seq = seq + 1");
	return sql_run(q, e);
}

static void free_table(void *table)
{
	directory_free(table);
}

/* The table follows the rows. */
static void follow(struct scene *s)
{
	struct directory *d = NULL;
	struct reader *r = begin(s);
	CHECK_RC(directory_load(reader_conn(r), &d, &err), RC_OK, err);
	snapshot_swap(s->t.x.w.directory, d);
	store_read_end(r);
}

static void claim(struct scene *s, const char *net)
{
	char text[40];
	snprintf(text, sizeof text, "%s", net);
	CHECK_RC(store_write(s->t.w.s, claim_job, text, &err), RC_OK, err);
}

TEST(what_the_directory_learns_later_is_offered)
{
	struct scene s;
	struct page_end end;
	int64_t report = 1;
	scene_new(&s);
	s.t.x.w.directory = snapshot_new(free_table);
	claim(&s, "198.18.0.0/24");
	follow(&s);
	look(&s);
	struct reader *r = begin(&s);
	struct partner p = partner_of(&s, r);
	const char *back = arena_str(s.t.w.a, partner_feed(&p, s.t.w.a)).p;
	store_read_end(r);
	uint64_t first = DELIVER(&s, { "198.18.9.1", OTHERS, NULL, NULL, TLP_GREEN, false }, { "198.18.0.2", MINE, NULL, NULL, TLP_GREEN, false },
				 { "198.18.9.4", "", NULL, NULL, TLP_RED, false });
	DELIVER(&s, { "198.18.9.5", "", NULL, NULL, TLP_GREEN, false }, { "198.18.8.6", OTHERS, NULL, NULL, TLP_GREEN, false },
		{ "198.18.9.3", "", back, NULL, TLP_GREEN, false });
	look(&s);
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK(g.count == 1 && has(&g, "198.18.0.2"));
	got_free(&g);
	/* not before the table knows it */
	claim(&s, "198.18.9.0/24");
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK_INT(g.count, 0);
	got_free(&g);
	follow(&s);
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK_INT(g.count, 2);
	CHECK(has(&g, "198.18.9.1") && has(&g, "198.18.9.5") && !has(&g, "ronda.again"));
	got_free(&g);
	/* what was routed by the table of before, and committed after it; and what it knows already */
	DELIVER(&s, { "198.18.9.7", "", NULL, NULL, TLP_GREEN, false }, { "198.18.9.8", MINE, NULL, NULL, TLP_GREEN, false });
	look(&s);
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK(g.count == 2 && has(&g, "198.18.9.7") && has(&g, "198.18.9.8"));
	got_free(&g);
	/* once, whatever else changes */
	claim(&s, "203.0.113.0/24");
	follow(&s);
	look(&s);
	put(&s, "partner", s.partner, NULL, "paused", NULL);
	look(&s);
	put(&s, "partner", s.partner, NULL, "active", NULL);
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK_INT(g.count, 0);
	got_free(&g);
	/* recalled as all he has */
	CHECK_RC(store_write(s.t.w.s, undo_job, &report, &err), RC_OK, err);
	look(&s);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	char id[40];
	CHECK(g.count == 2 && revoked(&g) == 2);
	CHECK(has(&g, arena_fmt(s.t.w.a, "event--" STR_FMT, STR_ARG(event_id(store_secret(s.t.w.s), first, id))).p));
	got_free(&g);
	const uint64_t gone[] = { first + 3, first + 4 };
	struct withdrawal *out = NULL;
	CHECK_RC(withdrawal_find(&s.t.x, gone, COUNT_OF(gone), &out, &err), RC_OK, err);
	CHECK_RC(store_write(s.t.w.s, recall_job, out, &err), RC_OK, err);
	withdrawal_free(out);
	g = carriers(&s, LANE_BULK, end.upto_us, &end);
	CHECK(g.count == 1 && revoked(&g) == 1);
	got_free(&g);
	snapshot_free(s.t.x.w.directory);
	scene_end(&s);
}

TEST(more_than_one_piece_is_recalled)
{
	struct scene s;
	struct page_end end;
	size_t n = 3000, all = 0;
	struct line *lines = x_array(n, sizeof *lines);
	scene_new(&s);
	for (size_t i = 0; i < n; i++)
		lines[i] = (struct line){ arena_fmt(s.t.w.a, "198.18.%zu.%zu", i / 256, i % 256).p, MINE, NULL, NULL, TLP_GREEN, false };
	deliver(&s, lines, n);
	s.reports--; /* of one report, more than a piece holds */
	deliver(&s, lines, n);
	look(&s);
	int64_t report = 1;
	CHECK_RC(store_write(s.t.w.s, undo_job, &report, &err), RC_OK, err);
	look(&s);
	for (int64_t at = 0; all < 3 * n; at = end.upto_us) {
		struct got g = carriers(&s, LANE_BULK, at, &end);
		CHECK_INT(revoked(&g), g.count);
		all += g.count;
		got_free(&g);
		if (!end.more)
			break;
	}
	CHECK_INT(all, 2 * n);
	free(lines);
	scene_end(&s);
}

/* --- what is forgotten --- */

static enum rc forget_job(struct tx *tx, void *ctx, struct err *e)
{
	const uint64_t *until = ctx;
	enum rc rc = RC_OK;
	for (int i = 0; rc == RC_OK && i < 2; i++) {
		struct sql *q = i ? sql(tx_conn(tx), "DELETE FROM tail WHERE first_seq < ?") :
				    sql(tx_conn(tx), "DELETE FROM chunk WHERE first_seq < ?");
		sql_int(q, 1, (int64_t)*until);
		rc = sql_run(q, e);
	}
	return rc;
}

static enum rc receipt_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct sent_batch *b = ctx;
	return line_sent(tx, b, e);
}

static int64_t count_of(struct scene *s, bool receipts)
{
	struct reader *r = begin(s);
	struct sql *q = receipts ? sql(reader_conn(r), "SELECT count(*) FROM partner_receipt") :
				   sql(reader_conn(r), "SELECT count(*) FROM collection_entry WHERE kind = 1");
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(entries_go_after_the_events_they_name)
{
	struct scene s;
	uint64_t first[3];
	int64_t at[4] = { 0 };
	bool did = true;
	scene_new(&s);
	look(&s);
	for (size_t i = 0; i < 3; i++) {
		struct collection c;
		first[i] = DELIVER(&s, { "192.0.2.7", MINE, NULL, NULL, TLP_GREEN, false }, { "192.0.2.8", MINE, NULL, NULL, TLP_GREEN, false });
		look(&s);
		struct reader *r = begin(&s);
		CHECK_RC(collection_of_partner(reader_conn(r), COLLECTION_OUT, s.partner, s.t.w.a, &c, &err), RC_OK, err);
		store_read_end(r);
		at[i + 1] = c.last_us;
		struct sent_batch b = { .partner = s.partner, .lane = LANE_BULK, .after_us = at[i], .upto_us = at[i + 1], .objects = 2 };
		CHECK_RC(store_write(s.t.w.s, receipt_job, &b, &err), RC_OK, err);
	}
	while (did)
		CHECK_RC(exchange_forget(s.t.w.s, &s.t.x, &did, &err), RC_OK, err);
	CHECK_INT(count_of(&s, false), 3);
	CHECK_INT(count_of(&s, true), 3);
	CHECK_RC(store_write(s.t.w.s, forget_job, &first[2], &err), RC_OK, err);
	for (int round = 0; round < 2; round++) { /* it begins anew when it came to the end */
		s.t.x.forget_next_us = 0;
		for (did = true; did;)
			CHECK_RC(exchange_forget(s.t.w.s, &s.t.x, &did, &err), RC_OK, err);
	}
	CHECK_INT(count_of(&s, false), 1);
	CHECK_INT(count_of(&s, true), 1);
	struct page_end end;
	struct got g = carriers(&s, LANE_BULK, 0, &end);
	CHECK_INT(g.count, 2);
	got_free(&g);
	scene_end(&s);
}

/* --- objects of others --- */

struct keeping {
	struct stix_object o;
	bool is_new;
};

static enum rc keep_job(struct tx *tx, void *ctx, struct err *e)
{
	struct keeping *k = ctx;
	const struct object_from from = { .partner = { { 0xd, 1 } }, .tlp = TLP_GREEN, .now_us = tx_now_us(tx) };
	int64_t id;
	return object_keep(tx, &from, &k->o, &id, &k->is_new, e);
}

/* One that is larger than a batch may be is kept here; it keeps nothing else from him. */
TEST(an_object_too_large_to_be_passed_on_holds_up_nothing)
{
	static const struct { const char *id; size_t bytes; } rows[] = {
		{ "malware--33333333-0000-4000-8000-000000000001", 20 << 20 },
		{ "malware--33333333-0000-4000-8000-000000000002", 64 },
	};
	struct scene s;
	struct page_end end;
	scene_new(&s);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = BUF_INIT(MIB(32));
		buf_fmt(&b, "{\"type\":\"malware\",\"id\":\"%s\",\"x\":[0", rows[i].id);
		for (size_t n = 0; n < rows[i].bytes; n += 2)
			buf_add(&b, STR(",0"));
		buf_add(&b, STR("]}"));
		struct keeping k = { .o = { .what = STIX_FOREIGN, .id = str_of(rows[i].id), .type = STR("malware"), .version = STR(""),
					    .version_us = 1, .marked = true, .tlp = TLP_GREEN, .words = STR(""), .text = buf_str(&b) } };
		CHECK_RC(store_write(s.t.w.s, keep_job, &k, &err), RC_OK, err);
		CHECK(k.is_new);
		buf_free(&b);
	}
	look(&s);
	struct got g = carriers(&s, -1, 0, &end);
	CHECK_INT(g.count, 1);
	CHECK(has(&g, rows[1].id) && !has(&g, rows[0].id));
	CHECK_INT(end.refused, 1);
	got_free(&g);
	scene_end(&s);
}

TEST_MAIN(TEST_RUN(only_what_concerns_him_and_only_what_he_may_have), TEST_RUN(who_plays_gets_what_is_played), TEST_RUN(pages_are_cut_anywhere_and_say_the_same),
	  TEST_RUN(what_is_asked_for_by_id), TEST_RUN(a_page_looks_no_longer_than_it_may),
	  TEST_RUN(what_comes_around_an_agreement_is_offered), TEST_RUN(what_the_directory_learns_later_is_offered),
	  TEST_RUN(flat_events), TEST_RUN(an_agreement_that_ends_stops_what_waits), TEST_RUN(a_warning_goes_when_it_is_sent_and_comes_back_when_withdrawn),
	  TEST_RUN(a_stricter_label_recalls_what_was_offered), TEST_RUN(an_erased_record_is_recalled),
	  TEST_RUN(an_undone_report_is_recalled_from_those_who_were_offered_it), TEST_RUN(more_than_one_piece_is_recalled),
	  TEST_RUN(entries_go_after_the_events_they_name), TEST_RUN(an_object_too_large_to_be_passed_on_holds_up_nothing))
