/* SPDX-License-Identifier: Apache-2.0 */
/* Records through the gate: what is shown to whom. Incidents of two organisations, and of none; each
 * organisation's person tries every id of the other. */
#include "disclosure/records_world.h"

enum { EACH = 12 };

/* --- what is shown --- */

TEST(fields_by_share)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), nameless = staff(VIEWER, 2), other = staff(ANALYST, 5);
	struct viewer a = person_of(house_a, 3), b = person_of(house_b, 4);
	str org_a = id_str(&w, "organisation", &house_a);
	struct uuid uuid = make(&w, org_a, "{\"tlp\":\"AMBER\",\"named\":[\"account:1\"]}", 1);
	str id = id_str(&w, "incident", &uuid);
	const struct change_request reporter = {
		.id = id, .fields = STR("{\"reporter\":\"person--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ab\"}"),
	};

	nameless.as.personal_basis = false;
	CHECK_RC(change(&w, &lead, &reporter, NULL), RC_OK, err);
	str s = shown(&w, &lead, id);
	CHECK(holds(s, "canary-team") && holds(s, "canary-party") && holds(s, "0fb7e6ae"));
	s = shown(&w, &other, id); /* not named */
	CHECK(holds(s, "canary-team") && !holds(s, "0fb7e6ae"));
	CHECK(holds(s, "\"cut\":[\"reporter\"]"));
	s = shown(&w, &nameless, id);
	CHECK(holds(s, "canary-team") && !holds(s, "0fb7e6ae"));
	s = shown(&w, &a, id);
	CHECK(holds(s, "canary-party") && holds(s, "canary title") && !holds(s, "canary-team"));
	CHECK(!holds(s, "canary-block") && !holds(s, "0fb7e6ae") && holds(s, "\"cut\":[]"));
	CHECK(!holds(s, "account:1") && !holds(s, "\"author\""));
	CHECK(!shown(&w, &b, id).p);
	CHECK(holds(shown(&w, &a, STR("incident-1")), "canary-party"));
	CHECK(!shown(&w, &b, STR("incident-1")).p);
	/* to take away asks for more */
	lead.channel = nameless.channel = CHANNEL_EXPORT;
	CHECK(shown(&w, &lead, id).p && !shown(&w, &nameless, id).p);
	/* editing makes an author, and an author no named person */
	const struct change_request trivial = { .id = id, .fields = STR("{\"severity\":\"high\"}") };
	CHECK_RC(change(&w, &other, &trivial, NULL), RC_OK, err);
	CHECK(!holds(shown(&w, &other, id), "0fb7e6ae"));
	world_end(&w);
}

TEST(markings)
{
	/* lead named, lead not named, person of the organisation, of another; S: export by the lead */
	static const struct { const char *labels, *want; } cases[] = {
		{ "{\"tlp\":\"CLEAR\"}", "LlaE" },
		{ "{\"tlp\":\"AMBER+STRICT\"}", "LlaE" },
		{ "{\"tlp\":\"RED\"}", "L---" },
		{ "{\"tlp\":\"MAUVE\"}", "L---" },
		{ "{\"tlp\":\"CLEAR\",\"shade\":\"deep\"}", "L---" },
		{ "{\"tlp\":\"CLEAR\",\"pap\":\"MAUVE\",\"named\":[\"account:1\"]}", "L---" },
		{ "{\"tlp\":\"AMBER\",\"held\":true}", "Ll--" },
		{ "{\"tlp\":\"AMBER\",\"exercise\":true}", "----" },
		{ "{\"tlp\":\"AMBER\",\"classification\":\"CONFIDENTIAL\"}", "Ll-E" },
		{ "{\"tlp\":\"CLEAR\",\"classification\":\"SECRET\",\"named\":[\"account:1\"]}", "L---" },
		{ "{\"tlp\":\"CLEAR\",\"classification\":\"hush\",\"named\":[\"account:1\"]}", "L---" },
		{ "{\"tlp\":\"CLEAR\",\"licence\":\"internal\"}", "Ll-E" },
		{ "{\"tlp\":\"CLEAR\",\"licence\":\"own-assets\"}", "LlaE" },
		{ "{\"tlp\":\"CLEAR\",\"licence\":\"hearsay\"}", "Ll-E" },
		{ "{\"tlp\":\"GREEN\",\"audience\":[\"organisation--0b020000-0000-0000-0000-000000000000\"]}",
		  "Ll-E" },
		{ "{\"tlp\":\"GREEN\",\"audience\":[\"organisation--0a010000-0000-0000-0000-000000000000\"]}",
		  "LlaE" },
	};
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), second = staff(LEAD, 2), a = person_of(house_a, 3),
		      b = person_of(house_b, 4), taken = lead;
	const struct { struct viewer *v; char letter; } who[] = {
		{ &lead, 'L' }, { &second, 'l' }, { &a, 'a' }, { &taken, 'E' } };
	str org_a = id_str(&w, "organisation", &house_a);

	taken.channel = CHANNEL_EXPORT;
	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		struct uuid uuid = make(&w, org_a, cases[n].labels, (int)n);
		str id = id_str(&w, "incident", &uuid);

		for (size_t i = 0; i < COUNT_OF(who); i++)
			CHECK_MSG((shown(&w, who[i].v, id).p != NULL) == (cases[n].want[i] == who[i].letter),
				  "row %zu, %c", n, who[i].letter);
		CHECK_MSG(!shown(&w, &b, id).p, "row %zu", n);
	}
	world_end(&w);
}

/* --- two organisations, every id --- */

struct seen {
	struct world *w;
	uint64_t count;
	bool foreign;
	const struct uuid *own;
	struct buf cursor;
	const struct record_query *q;
};

static bool note_seen(void *ctx, const struct record_view *v)
{
	struct seen *s = ctx;

	s->count++;
	s->foreign = s->foreign || !uuid_equal(&v->record->organisation, s->own);
	buf_reset(&s->cursor);
	if (s->q)
		record_view_cursor(s->q, v, &s->cursor);
	return true;
}

static bool no_link(void *ctx, const struct link_view *l)
{
	(void)l;
	++*(int *)ctx;
	return true;
}

static void try_all_reads(struct world *w, const struct viewer *v, str id, str number)
{
	struct reader *r = begin(w);
	struct record_view view;
	struct seen seen = { .w = w, .own = &v->organisation, .cursor = BUF_INIT(KIB(1)) };
	int links = 0;
	struct err absent = { 0 }, forbidden = { 0 };

	CHECK_RC(read_record(r, types_of(w), v,
			     STR("incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff"), w->a, &view, &absent),
		 RC_ABSENT, absent);
	CHECK_RC(read_record(r, types_of(w), v, id, w->a, &view, &forbidden), RC_ABSENT, forbidden);
	CHECK_STR(str_of(forbidden.text), str_of(absent.text));
	CHECK_RC(read_record(r, types_of(w), v, number, w->a, &view, &err), RC_ABSENT, err);
	CHECK_RC(read_record_version(r, types_of(w), v, id, 1, w->a, &view, &err), RC_ABSENT, err);
	CHECK_RC(read_record_history(r, types_of(w), v, id, 0, 9, w->a, note_seen, &seen, &err), RC_ABSENT,
		 err);
	CHECK_RC(read_record_links(r, types_of(w), v, id, w->a, no_link, &links, &err), RC_ABSENT, err);
	CHECK(seen.count == 0 && links == 0);
	buf_free(&seen.cursor);
	store_read_end(r);
}

static enum rc job_many(struct tx *tx, void *ctx, struct err *e)
{
	struct world *w = ((void **)ctx)[0];
	const struct viewer *v = ((void **)ctx)[1];
	const str *ids = ((void **)ctx)[2];
	struct record_view view;

	for (size_t i = 0; i < EACH; i++) {
		const struct change_request q = { .id = ids[i], .fields = STR("{\"summary\":\"mine\"}") };
		enum rc rc = change_record_tx(tx, w->r, v, &q, w->a, &view, NULL, e);
		CHECK_RC(rc, RC_ABSENT, *e);
		record_view_end(&view);
	}
	return RC_OK;
}

static void try_all_changes(struct world *w, const struct viewer *v, str id, str own)
{
	static const struct { const char *fields, *state, *labels; } tries[] = {
		{ "{\"summary\":\"mine\"}", "", NULL }, { "{}", "open", NULL },
		{ "{\"organisation\":\"organisation--0a010000-0000-0000-0000-000000000000\"}", "", NULL },
		{ "", "", "{\"tlp\":\"CLEAR\"}" }, { "{\"nonsense\":7}", "", NULL },
	};
	int64_t link = 0;

	for (size_t i = 0; i < COUNT_OF(tries); i++) {
		const struct change_request q = { .id = id, .fields = str_of(tries[i].fields),
						  .to_state = str_of(tries[i].state),
						  .labels = str_of(tries[i].labels) };
		CHECK_RC(change(w, v, &q, NULL), RC_ABSENT, err);
	}
	CHECK_RC(change_link(w->r, w->s, v, id, STR("related"), own, STR(""), &link, &err), RC_ABSENT, err);
	CHECK_RC(change_unlink(w->r, w->s, v, id, 1, STR(""), &err), RC_ABSENT, err);
	CHECK_RC(change_erase(w->r, w->s, v, id, STR("because"), &err), RC_ABSENT, err);
}

static void try_lists(struct world *w, const struct viewer *v)
{
	static const char *const words[] = { "", "canary", "title 3", "canary-team", "nary-par" };
	struct reader *r = begin(w);
	struct buf cursor = BUF_INIT(KIB(1));

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct record_query q = { .type = types_find(types_of(w), STR("incident")),
					  .text = str_of(words[i]) };
		struct seen seen = { .w = w, .own = &v->organisation, .q = &q, .cursor = BUF_INIT(KIB(1)) };
		uint64_t count = 0;
		bool more = false;

		CHECK_RC(read_records(r, types_of(w), v, &q, 1000, w->a, note_seen, &seen, &err), RC_OK, err);
		CHECK(!seen.foreign);
		CHECK_RC(read_record_count(r, types_of(w), v, &q, 1000, &count, &more, &err), RC_OK, err);
		CHECK_INT(count, seen.count);
		CHECK(!more);
		if (i == 3)
			CHECK_INT(seen.count, 0); /* a word of what he may not see */
		else
			CHECK(seen.count >= 1);
		CHECK_RC(read_record_count(r, types_of(w), v, &q, 0, &count, &more, &err), RC_OK, err);
		CHECK(more == (i != 3) && count == 0);
		buf_free(&seen.cursor);
	}
	buf_free(&cursor);
	store_read_end(r);
}

TEST(two_organisations_every_id)
{
	struct world w = world_new();
	struct viewer people[] = { person_of(house_a, 3), person_of(house_b, 4) }, lead = staff(LEAD, 1);
	str orgs[] = { id_str(&w, "organisation", &house_a), id_str(&w, "organisation", &house_b) };
	str ids[2][EACH], numbers[2][EACH], before[2][EACH];

	for (int n = 0; n < EACH; n++)
		for (int o = 0; o < 2; o++) {
			struct uuid id = make(&w, orgs[o], n % 3 ? "{\"tlp\":\"GREEN\"}" : "{\"tlp\":\"AMBER\"}", n);
			ids[o][n] = id_str(&w, "incident", &id);
			numbers[o][n] = arena_fmt(w.a, "incident-%d", 2 * n + o + 1);
		}
	make(&w, STR(""), "{\"tlp\":\"CLEAR\"}", 77); /* nobody's but ours */
	for (int n = 0; n < EACH; n++)
		for (int o = 0; o < 2; o++)
			before[o][n] = shown(&w, &lead, ids[o][n]);
	for (int o = 0; o < 2; o++) {
		void *ctx[] = { &w, &people[o], ids[!o] };

		for (int n = 0; n < EACH; n++) {
			CHECK(shown(&w, &people[o], ids[o][n]).p != NULL);
			try_all_reads(&w, &people[o], ids[!o][n], numbers[!o][n]);
			try_all_changes(&w, &people[o], ids[!o][n], ids[o][0]);
		}
		try_lists(&w, &people[o]);
		CHECK_RC(store_write(w.s, job_many, ctx, &err), RC_OK, err);
	}
	for (int n = 0; n < EACH; n++)
		for (int o = 0; o < 2; o++)
			CHECK_STR(shown(&w, &lead, ids[o][n]), before[o][n]);
	world_end(&w);
}

/* A record and the list of them tell the same; pages have no gaps. */
TEST(lists_and_pages)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), lead = staff(LEAD, 1), second = staff(LEAD, 2);
	str orgs[] = { id_str(&w, "organisation", &house_a), id_str(&w, "organisation", &house_b) };

	for (int n = 0; n < 20; n++)
		make(&w, orgs[n % 2], n % 5 ? "{\"tlp\":\"GREEN\"}" : "{\"tlp\":\"RED\"}", n);
	const struct { const struct viewer *v; uint64_t want; } who[] = {
		{ &a, 8 }, { &lead, 20 }, { &second, 16 } };
	for (size_t i = 0; i < COUNT_OF(who); i++) {
		struct record_query q = { .type = types_find(types_of(&w), STR("incident")) };
		struct seen seen = { .w = &w, .own = &house_a, .q = &q, .cursor = BUF_INIT(KIB(1)) };
		struct reader *r = begin(&w);
		uint64_t before, pages = 0;

		do {
			before = seen.count;
			q.after = arena_str(w.a, buf_str(&seen.cursor));
			CHECK_RC(read_records(r, types_of(&w), who[i].v, &q, 3, w.a, note_seen, &seen, &err), RC_OK, err);
			pages++;
			CHECK(seen.count - before == 3 || seen.count == who[i].want);
		} while (seen.count > before && pages < 20);
		CHECK_INT(seen.count, who[i].want);
		buf_free(&seen.cursor);
		store_read_end(r);
	}
	world_end(&w);
}

TEST(filters_and_sorts_that_would_tell)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), lead = staff(LEAD, 1), none = staff(0, 9);
	struct reader *r;
	const struct type *t = types_find(types_of(&w), STR("incident"));
	struct seen seen = { .w = &w, .own = &house_a, .cursor = BUF_INIT(KIB(1)) };
	struct record_query q = { .type = t, .filters = { { .field = type_find_field(t, STR("assignee")) } },
				  .filter_count = 1 };

	make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"GREEN\"}", 1);
	r = begin(&w);
	q.filters[0].key = (struct kind_key){ .text = STR("person--x") };
	CHECK_RC(read_records(r, types_of(&w), &a, &q, 9, w.a, note_seen, &seen, &err), RC_DENIED, err);
	CHECK_RC(read_records(r, types_of(&w), &lead, &q, 9, w.a, note_seen, &seen, &err), RC_OK, err);
	q = (struct record_query){ .type = t, .sort = type_find_field(t, STR("assignee")) };
	CHECK_RC(read_records(r, types_of(&w), &a, &q, 9, w.a, note_seen, &seen, &err), RC_OK, err);
	CHECK(q.sort == NULL);
	CHECK_INT(seen.count, 1);
	q = (struct record_query){ .type = t };
	CHECK_RC(read_records(r, types_of(&w), &none, &q, 9, w.a, note_seen, &seen, &err), RC_DENIED, err);
	q = (struct record_query){ 0 }; /* of all types: what he may not see is not there */
	CHECK_RC(read_records(r, types_of(&w), &none, &q, 9, w.a, note_seen, &seen, &err), RC_OK, err);
	CHECK_INT(seen.count, 1);
	buf_free(&seen.cursor);
	store_read_end(r);
	world_end(&w);
}

/* --- versions --- */

static bool count_view(void *ctx, const struct record_view *v)
{
	(void)v;
	++*(int *)ctx;
	return true;
}

TEST(versions_are_as_strict_as_the_record)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), second = staff(LEAD, 2);
	struct uuid uuid = make(&w, STR(""), "{\"tlp\":\"RED\"}", 1);
	str id = id_str(&w, "incident", &uuid);
	struct reader *r;
	int n = 0, m = 0;
	const struct change_request lower = { .id = id, .labels = STR("{\"tlp\":\"AMBER\"}"),
					      .fields = STR("{\"summary\":\"clean\"}") };

	CHECK_RC(change(&w, &lead, &lower, NULL), RC_OK, err);
	CHECK(shown(&w, &second, id).p != NULL);
	r = begin(&w);
	CHECK_RC(read_record_history(r, types_of(&w), &second, id, 0, 9, w.a, count_view, &n, &err), RC_OK, err);
	CHECK_RC(read_record_history(r, types_of(&w), &lead, id, 0, 9, w.a, count_view, &m, &err), RC_OK, err);
	CHECK_INT(n, 1); /* the version that was RED stays RED */
	struct record_view view;
	CHECK_RC(read_record_version(r, types_of(&w), &second, id, 1, w.a, &view, &err), RC_ABSENT, err);
	CHECK_RC(read_record_version(r, types_of(&w), &second, id, 2, w.a, &view, &err), RC_OK, err);
	record_view_end(&view);
	CHECK_RC(read_record_version(r, types_of(&w), &second, id, 3, w.a, &view, &err), RC_ABSENT, err);
	m = 0;
	CHECK_RC(read_record_history(r, types_of(&w), &second, id, 0, 0, w.a, count_view, &m, &err), RC_OK, err);
	CHECK_INT(m, 0);
	store_read_end(r);
	/* raised: all its versions are RED */
	const struct change_request raise = { .id = id,
					      .labels = STR("{\"tlp\":\"RED\",\"named\":[\"account:1\"]}") };
	CHECK_RC(change(&w, &lead, &raise, NULL), RC_OK, err);
	CHECK(!shown(&w, &second, id).p);
	CHECK(shown(&w, &lead, id).p != NULL);
	world_end(&w);
}

/* What is typed becomes ids, for who may see what it names. */
TEST(references_as_typed)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD, 1), other = person_of(house_b, 4);
	struct uuid first = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"GREEN\"}", 1);
	str id = id_str(&w, "incident", &first);
	const struct words label[] = { { "en", "Case" }, { NULL } };
	const struct type_field any = { .kind = KIND_REFERENCE, .label = label, .list = true },
				to = { .kind = KIND_REFERENCE, .label = label, .refers_to = "incident" },
				text = { .kind = KIND_TEXT, .label = label }, person = { .kind = KIND_PERSON, .label = label };
	const struct { const struct type_field *f; const struct viewer *v; str typed, want; enum rc rc; } cases[] = {
		{ &to, &lead, STR_INIT("1"), id, RC_OK },
		{ &to, &lead, STR_INIT(" incident-1 "), id, RC_OK },
		{ &any, &lead, arena_fmt(w.a, "incident-1, finding--00ff\n" STR_FMT, STR_ARG(id)),
		  arena_fmt(w.a, STR_FMT "\nfinding--00ff\n" STR_FMT, STR_ARG(id), STR_ARG(id)), RC_OK },
		{ &any, &lead, STR_INIT("1"), STR_INIT(""), RC_INPUT }, /* a number of what? */
		{ &to, &lead, STR_INIT("2"), STR_INIT(""), RC_INPUT },
		{ &to, &other, STR_INIT("1"), STR_INIT(""), RC_INPUT }, /* as if it were not there */
		{ &text, &lead, STR_INIT("incident-1"), STR_INIT("incident-1"), RC_OK },
		{ &to, &lead, STR_INIT(""), STR_INIT(""), RC_OK },
		{ &any, &lead, STR_INIT(", ;"), STR_INIT(""), RC_OK },
		{ &person, &lead, STR_INIT("incident-1"), id, RC_OK },
		{ &any, &lead, STR_INIT("incident-x"), STR_INIT(""), RC_INPUT },
		{ &any, &lead, STR_INIT("thing-1"), STR_INIT(""), RC_INPUT },
		{ &any, &lead, STR_INIT("-1"), STR_INIT(""), RC_INPUT },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct reader *r = begin(&w);
		str got = STR_NONE;
		CHECK_RC(read_references(r, types_of(&w), cases[i].v, cases[i].f, cases[i].typed, STR("en"),
					 w.a, &got, &err), cases[i].rc, err);
		if (cases[i].rc == RC_OK)
			CHECK_STR(got, cases[i].want);
		else
			CHECK(strstr(err.text, "Case: there is no record"));
		store_read_end(r);
	}
	/* more than fits */
	struct buf many = BUF_INIT(KIB(128));
	for (int i = 0; i < 9000; i++)
		buf_add(&many, STR("event--1,"));
	struct reader *r = begin(&w);
	str got;
	CHECK_RC(read_references(r, types_of(&w), &lead, &any, buf_str(&many), STR("en"), w.a, &got, &err), RC_LIMIT, err);
	store_read_end(r);
	buf_free(&many);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(references_as_typed), TEST_RUN(fields_by_share), TEST_RUN(markings), TEST_RUN(two_organisations_every_id),
	  TEST_RUN(lists_and_pages), TEST_RUN(filters_and_sorts_that_would_tell),
	  TEST_RUN(versions_are_as_strict_as_the_record))
