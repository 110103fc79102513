/* SPDX-License-Identifier: Apache-2.0 */
/* Records through the gate: what is shown to whom, what is changed by whom. Incidents of two
 * organisations, and of none; each organisation's person tries every id of the other. */
#include "record/record_world.h"

#include "disclosure/change.h"
#include "disclosure/seal.h"

enum { EACH = 12 };

static const struct uuid house_a = { { 0xa, 1 } }, house_b = { { 0xb, 2 } };

/* Bits of world_roles. */
enum { VIEWER = 1 << 0, ANALYST = 1 << 1, DUTY = 1 << 2, LEAD = 1 << 3, LIAISON = 1 << 4,
       AUDITOR = 1 << 6, CONSTITUENT = 1 << 8 };

static struct viewer staff(uint32_t roles, int account)
{
	struct viewer v = {
		.right = RIGHT_READ,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true,
			.personal_basis = true },
		.channel = CHANNEL_SCREEN, .account = account, .roles = roles,
		.policy = { .number = 1, .public_k = 5 },
	};
	snprintf(v.actor, sizeof(v.actor), "account:%d", account);
	return v;
}

static struct viewer person_of(struct uuid organisation, int account)
{
	struct viewer v = staff(CONSTITUENT, account);

	v.as = (struct recipient){ .kind = RECIPIENT_CONSTITUENT, .ceiling = TLP_AMBER_STRICT,
				   .named = true };
	v.right = RIGHT_PUBLIC;
	v.organisation = organisation;
	return v;
}

static str id_str(struct world *w, const char *type, const struct uuid *id)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);

	record_id_format(&b, str_of(type), id);
	str s = arena_str(w->a, buf_str(&b));
	buf_free(&b);
	return s;
}

static const struct types *types_of(struct world *w)
{
	return snapshot_table(w->held);
}

static struct reader *begin(struct world *w)
{
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	return r;
}

/* What `v` is shown of `id`, as JSON; STR_NONE: it does not exist for him. */
static str shown(struct world *w, const struct viewer *v, str id)
{
	struct reader *r = begin(w);
	struct record_view view;
	struct buf text = BUF_INIT(MIB(1));
	struct json_out j = json_out(&text);

	enum rc rc = read_record(r, types_of(w), v, id, w->a, &view, &err);
	if (rc == RC_OK)
		record_view_json(&view, &j);
	else
		CHECK_RC(rc, RC_ABSENT, err);
	str s = rc == RC_OK ? arena_str(w->a, buf_str(&text)) : STR_NONE;
	record_view_end(&view);
	store_read_end(r);
	buf_free(&text);
	return s;
}

static bool holds(str text, const char *word)
{
	return text.p && str_find(text, str_of(word)) < text.n;
}

static enum rc change(struct world *w, const struct viewer *v, const struct change_request *q,
		      struct record_view *out)
{
	struct record_view view;
	struct change_errors errors;

	err = (struct err){ 0 };
	enum rc rc = change_record(w->r, w->s, v, q, w->a, &view, &errors, &err);
	if (out)
		*out = view;
	else
		record_view_end(&view);
	return rc;
}

#define WHOLE(title, organisation)                                                              \
	"{\"title\":\"" title "\",\"class\":\"fraud\",\"severity\":\"low\",\"summary\":\"canary-party\","  \
	"\"internal\":\"canary-team\",\"loss_method\":\"canary-block\",\"organisation\":" organisation "}"

/* An incident as our lead writes it down, with these labels. */
static struct uuid make(struct world *w, str organisation, const char *labels, int n)
{
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct record_view view;
	str fields = organisation.n ?
		arena_fmt(w->a, WHOLE("canary title %d", "\"" STR_FMT "\""), n, STR_ARG(organisation)) :
		arena_fmt(w->a, WHOLE("canary title %d", "null"), n);
	const struct change_request q = { .type = STR("incident"), .fields = fields,
					  .labels = str_of(labels) };

	CHECK_RC(change(w, &lead, &q, &view), RC_OK, err);
	struct uuid id = view.record ? view.record->id : (struct uuid){ 0 };
	record_view_end(&view);
	return id;
}

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
	struct buf bytes = BUF_INIT(KIB(1));
	str name;
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
	CHECK_RC(read_record_file(r, types_of(w), v, id, STR("title"), "00", &bytes, &name, w->a, &err),
		 RC_ABSENT, err);
	CHECK(seen.count == 0 && links == 0);
	buf_free(&bytes);
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

/* --- changing --- */

TEST(what_may_be_sent)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), viewer = staff(VIEWER, 2), analyst = staff(ANALYST, 5),
		      lead = staff(LEAD, 1);
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	str id = id_str(&w, "incident", &uuid);
	static const struct { int who; const char *fields, *state, *labels; enum rc want; } cases[] = {
		{ 'a', "{\"summary\":\"seen by us\"}", "", NULL, RC_OK },
		{ 'a', "{\"internal\":\"x\"}", "", NULL, RC_DENIED },     /* for the team */
		{ 'a', "{\"reporter\":null}", "", NULL, RC_DENIED },      /* for the named */
		{ 'a', "", "open", NULL, RC_DENIED },
		{ 'a', "", "nowhere", NULL, RC_INPUT },
		{ 'a', "{\"organisation\":\"organisation--0b020000-0000-0000-0000-000000000000\"}", "", NULL,
		  RC_DENIED },
		{ 'a', "{\"organisation\":null}", "", NULL, RC_DENIED },
		{ 'a', "{\"nonsense\":1}", "", NULL, RC_INPUT },
		{ 'a', "[]", "", NULL, RC_INPUT },
		{ 'a', "{\"title\":7}", "", NULL, RC_INPUT },
		{ 'v', "{\"summary\":\"x\"}", "", NULL, RC_DENIED },
		{ 's', "{\"victim\":\"x\"}", "", NULL, RC_DENIED },       /* sealed, and no key here */
		{ 's', "{\"summary\":\"x\"}", "", NULL, RC_OK },
		{ 's', "", "", "{\"tlp\":\"AMBER+STRICT\"}", RC_OK },     /* stricter */
		{ 's', "", "", "{\"tlp\":\"GREEN\"}", RC_DENIED },        /* looser: not an analyst's */
		{ 's', "", "", "{\"tlp\":\"AMBER+STRICT\",\"named\":[\"account:5\"]}", RC_DENIED },
		{ 's', "", "", "{\"tlp\":\"AMBER+STRICT\",\"held\":true}", RC_DENIED },
		{ 'l', "", "", "{\"tlp\":\"AMBER\",\"held\":true}", RC_OK },
		{ 's', "", "", "{\"tlp\":\"AMBER\"}", RC_DENIED },        /* lifts the hold */
		{ 'l', "", "", "{\"tlp\":\"AMBER\"}", RC_OK },
		{ 's', "", "open", NULL, RC_OK },
		{ 'a', "{\"summary\":\"too late\"}", "", NULL, RC_DENIED }, /* only while it is a report */
		{ 's', "", "abandoned", NULL, RC_DENIED },                /* the lead's */
		{ 's', "", "rejected", NULL, RC_DENIED },                 /* no such move */
		{ 'l', "", "abandoned", NULL, RC_INPUT },                 /* asks why */
	};

	for (size_t n = 0; n < COUNT_OF(cases); n++) {
		const struct viewer *v = cases[n].who == 'a' ? &a : cases[n].who == 'v' ? &viewer :
					 cases[n].who == 's' ? &analyst : &lead;
		const struct change_request q = { .id = id, .fields = str_of(cases[n].fields),
						  .to_state = str_of(cases[n].state),
						  .labels = str_of(cases[n].labels) };
		enum rc rc = change(&w, v, &q, NULL);

		CHECK_MSG(rc == cases[n].want, "row %zu: %s (%s)", n, rc_name(rc), err.text);
	}
	/* all through, what he cannot see kept its value */
	CHECK(holds(shown(&w, &lead, id), "canary-team"));
	CHECK(holds(shown(&w, &lead, id), "\"state\":\"open\""));
	world_end(&w);
}

TEST(what_is_made)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), viewer = staff(VIEWER, 2), lead = staff(LEAD, 1);
	struct record_view view;
	struct change_request q = { .type = STR("incident"), .as_text = true,
				    .fields = STR("{\"title\":\"Our mail is down\",\"class\":\"availability\","
						  "\"severity\":\"high\"}") };

	CHECK_RC(change(&w, &a, &q, &view), RC_OK, err);
	CHECK(view.record && uuid_equal(&view.record->organisation, &house_a));
	record_view_end(&view);
	CHECK_RC(change(&w, &viewer, &q, NULL), RC_DENIED, err);
	q.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\","
		       "\"organisation\":\"organisation--0b020000-0000-0000-0000-000000000000\"}");
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	q.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\",\"internal\":\"x\"}");
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	q.to_state = STR("open"); /* begins where the type says, but for imports and who may move it */
	q.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\"}");
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	q.import = true;
	CHECK_RC(change(&w, &a, &q, NULL), RC_DENIED, err);
	CHECK_RC(change(&w, &lead, &q, NULL), RC_OK, err);
	/* RED names its author, or nobody would have it */
	q = (struct change_request){ .type = STR("incident"), .fields = q.fields,
				     .labels = STR("{\"tlp\":\"RED\",\"named\":[\"account:7\"]}") };
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	CHECK(view.record && view.record->labels.named_count == 2);
	record_view_end(&view);
	q.type = STR("nonsense");
	CHECK_RC(change(&w, &lead, &q, NULL), RC_ABSENT, err);
	q = (struct change_request){ .type = STR("incident"), .as_text = true,
				     .fields = STR("{\"title\":\"x\",\"happened\":\"yesterdayish\"}") };
	struct change_errors errors;
	CHECK_RC(change_record(w.r, w.s, &lead, &q, w.a, &view, &errors, &err), RC_INPUT, err);
	CHECK_INT(errors.count, 1);
	/* somebody changed it meanwhile: what stands is shown, as far as one may see it */
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1);
	q = (struct change_request){ .id = id_str(&w, "incident", &uuid), .based_on = 9,
				     .fields = STR("{\"summary\":\"late\"}") };
	CHECK_RC(change(&w, &a, &q, &view), RC_CONFLICT, err);
	CHECK(view.record && view.record->version == 1 && !json_get(view.body, "internal"));
	record_view_end(&view);
	world_end(&w);
}

/* A person of another organisation cannot find out by naming what is there. */
TEST(references_tell_nothing)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3);
	struct uuid uuid = make(&w, id_str(&w, "organisation", &house_b), "{\"tlp\":\"AMBER\"}", 1);
	char words[2][240];
	const str ids[] = { id_str(&w, "incident", &uuid),
			    STR("incident--0fb7e6ae-5b0c-4d3f-9a5e-0123456789ff") };
	struct types *t = NULL;
	static const char ticket[] =
		"{ \"type\": \"ticket\", \"version\": 1, \"label\": { \"en\": \"Ticket\" },"
		" \"plural\": { \"en\": \"Tickets\" }, \"title\": \"title\", \"fields\": {"
		"  \"title\": { \"kind\": \"text\", \"share\": \"open\", \"required\": [\"*\"],"
		"   \"label\": { \"en\": \"Title\" } },"
		"  \"about\": { \"kind\": \"reference\", \"share\": \"open\", \"label\": { \"en\": \"About\" } },"
		"  \"word\": { \"kind\": \"secret\", \"share\": \"open\", \"label\": { \"en\": \"Word\" } } },"
		" \"states\": { \"new\": { \"label\": { \"en\": \"New\" } } },"
		" \"rights\": { \"read\": { \"constituent\": \"own\", \"lead\": \"all\" },"
		"  \"create\": { \"constituent\": \"own\" }, \"edit\": { \"constituent\": \"own\" } },"
		" \"list\": { \"columns\": [\"title\"] } }";

	CHECK_RC(types_with(types_of(&w), STR(ticket), "types/ticket.json", &t, &err), RC_OK, err);
	if (!t) {
		world_end(&w);
		return;
	}
	snapshot_drop(w.types, w.held);
	snapshot_swap(w.types, t);
	w.held = snapshot_hold(w.types);
	for (int n = 0; n < 2; n++) {
		const struct change_request q = {
			.type = STR("ticket"),
			.fields = arena_fmt(w.a, "{\"title\":\"x\",\"about\":\"" STR_FMT "\"}", STR_ARG(ids[n])),
		};
		CHECK_RC(change(&w, &a, &q, NULL), RC_INPUT, err);
		memcpy(words[n], err.text, sizeof(words[n]));
	}
	CHECK_STR(str_of(words[0]), str_of(words[1]));
	/* a secret is written and never shown again, to nobody */
	struct record_view view;
	const struct change_request q = { .type = STR("ticket"),
					  .fields = STR("{\"title\":\"x\",\"word\":\"canary-secret\"}") };
	CHECK_RC(change(&w, &a, &q, &view), RC_OK, err);
	str id = view.record ? id_str(&w, "ticket", &view.record->id) : STR("");
	record_view_end(&view);
	struct viewer lead = staff(LEAD, 1);
	CHECK(holds(shown(&w, &lead, id), "\"title\":\"x\""));
	CHECK(!holds(shown(&w, &lead, id), "canary-secret") && !holds(shown(&w, &a, id), "canary-secret"));
	world_end(&w);
}

/* --- links, files --- */

struct linked {
	int count;
	str title, author;
};

static bool note_link(void *ctx, const struct link_view *l)
{
	struct linked *to = ctx;

	to->count++;
	to->title = l->other_title;
	to->author = l->author;
	return true;
}

TEST(links_need_both_ends)
{
	struct world w = world_new();
	struct viewer a = person_of(house_a, 3), lead = staff(LEAD, 1);
	struct uuid ua = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 1),
		    ub = make(&w, id_str(&w, "organisation", &house_b), "{\"tlp\":\"AMBER\"}", 2),
		    uc = make(&w, id_str(&w, "organisation", &house_a), "{\"tlp\":\"AMBER\"}", 3);
	str ida = id_str(&w, "incident", &ua), idb = id_str(&w, "incident", &ub),
	    idc = id_str(&w, "incident", &uc);
	int64_t first = 0, second = 0;
	struct linked seen = { 0 };
	struct reader *r;

	CHECK_RC(change_link(w.r, w.s, &lead, ida, STR("related"), idb, STR("same"), &first, &err), RC_OK, err);
	CHECK_RC(change_link(w.r, w.s, &lead, ida, STR("part-of"), idc, STR("same"), &second, &err), RC_OK, err);
	CHECK_RC(change_link(w.r, w.s, &lead, ida, STR("organisation"), idc, STR(""), &second, &err), RC_INPUT,
		 err);
	CHECK_RC(change_link(w.r, w.s, &a, ida, STR("related"), idc, STR(""), &second, &err), RC_DENIED, err);
	r = begin(&w);
	CHECK_RC(read_record_links(r, types_of(&w), &lead, ida, w.a, note_link, &seen, &err), RC_OK, err);
	CHECK_INT(seen.count, 2); /* the organisation is no record here */
	CHECK_STR(seen.author, STR("account:1"));
	seen = (struct linked){ 0 };
	CHECK_RC(read_record_links(r, types_of(&w), &a, ida, w.a, note_link, &seen, &err), RC_OK, err);
	CHECK_INT(seen.count, 1);
	CHECK_STR(seen.title, STR("canary title 3"));
	CHECK_STR(seen.author, STR(""));
	store_read_end(r);
	CHECK_RC(change_unlink(w.r, w.s, &lead, idb, first + 999, STR(""), &err), RC_ABSENT, err);
	CHECK_RC(change_unlink(w.r, w.s, &lead, idb, first, STR(""), &err), RC_OK, err);
	CHECK_RC(change_erase(w.r, w.s, &lead, idc, STR(" "), &err), RC_INPUT, err);
	CHECK_RC(change_erase(w.r, w.s, &lead, idc, STR("asked for"), &err), RC_OK, err);
	CHECK(!holds(shown(&w, &lead, idc), "canary"));
	world_end(&w);
}

TEST(files_go_with_their_field)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1), none = staff(VIEWER, 2);
	const struct type *t = types_find(types_of(&w), STR("note"));
	struct digest d;
	struct buf hex = BUF_INIT(100), bytes = BUF_INIT(KIB(1));
	struct record_view view;
	str name = STR("");

	CHECK_RC(change_file(w.r, w.s, &none, t, STR("canary-file"), &d, &err), RC_DENIED, err);
	CHECK_RC(change_file(w.r, w.s, &lead, t, STR("canary-file"), &d, &err), RC_OK, err);
	hex_format(&hex, d.b, sizeof(d.b));
	const struct change_request q = {
		.type = STR("note"), .fields = arena_fmt(w.a, "{\"title\":\"x\",\"files\":[{\"digest\":\"%s\",\"name\":"
							 "\"a.txt\",\"bytes\":11}]}", hex.p),
	};
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	str id = view.record ? id_str(&w, "note", &view.record->id) : STR("");
	record_view_end(&view);
	struct reader *r = begin(&w);
	CHECK_RC(read_record_file(r, types_of(&w), &none, id, STR("files"), hex.p, &bytes, &name, w.a, &err),
		 RC_OK, err);
	CHECK_STR(buf_str(&bytes), STR("canary-file"));
	CHECK_STR(name, STR("a.txt"));
	CHECK_RC(read_record_file(r, types_of(&w), &none, id, STR("title"), hex.p, &bytes, &name, w.a, &err),
		 RC_ABSENT, err);
	hex.p[0] = hex.p[0] == '0' ? '1' : '0';
	CHECK_RC(read_record_file(r, types_of(&w), &none, id, STR("files"), hex.p, &bytes, &name, w.a, &err),
		 RC_ABSENT, err);
	store_read_end(r);
	buf_free(&hex);
	buf_free(&bytes);
	world_end(&w);
}

/* --- sealed --- */

struct keys {
	struct world *w;
	struct roles *roles;
	int64_t id;
};

#define PASSPHRASE "seven rivers run north"

static enum rc make_key(struct tx *tx, void *ctx, struct err *e)
{
	struct keys *k = ctx;
	struct seal_shares shares = { .count = 2 };
	char name[20];

	snprintf(name, sizeof(name), "person %d", (int)k->id);
	const struct account_new n = { .name = str_of(name), .roles = 1 << 3, .unix_uid = -1 };
	struct seal_pass pass;
	enum rc rc = account_make(tx, k->w->j, k->roles, &n, STR("test"), &k->id, e);
	if (rc == RC_OK)
		rc = seal_pass_make(STR(PASSPHRASE), &pass, e);
	return rc == RC_OK ? seal_key_make(tx, k->w->j, k->id, &pass, &shares, STR("test"), e) : rc;
}

static struct seal_ring *open_ring(struct world *w, struct roles *roles, int want)
{
	struct keys k = { w, roles, want };
	struct seal_ring *ring = NULL;

	CHECK_RC(store_write(w->s, make_key, &k, &err), RC_OK, err);
	CHECK_INT(k.id, want);
	struct reader *r = begin(w);
	CHECK_RC(seal_key_open(reader_conn(r), k.id, STR(PASSPHRASE), &ring, &err), RC_OK, err);
	store_read_end(r);
	return ring;
}

static bool look_for_victim(void *ctx, const struct record_view *v)
{
	*(bool *)ctx |= json_get(v->body, "victim") != NULL;
	return true;
}

TEST(sealed_opens_for_the_named_with_their_passphrase)
{
	struct world w = world_new();
	struct roles *roles = NULL;
	struct record_view view;
	bool listed = false;

	CHECK_RC(roles_load(NULL, &roles, &err), RC_OK, err);
	struct seal_ring *ring = open_ring(&w, roles, 1), *other = open_ring(&w, roles, 2);
	struct viewer lead = staff(LEAD, 1), second = staff(LEAD, 2), analyst = staff(ANALYST, 5);
	const struct change_request q = {
		.type = STR("incident"), .fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\","
						       "\"victim\":\"canary-sealed\"}"),
	};
	CHECK_RC(change(&w, &lead, &q, &view), RC_OK, err);
	CHECK(view.record && view.record->sealed);
	CHECK(view.record && !holds(view.record->body, "canary-sealed"));
	str id = view.record ? id_str(&w, "incident", &view.record->id) : STR("");
	record_view_end(&view);
	CHECK(!holds(shown(&w, &lead, id), "canary-sealed")); /* no passphrase was given */
	lead.seal = ring;
	second.seal = other;
	CHECK(holds(shown(&w, &lead, id), "canary-sealed"));
	CHECK(shown(&w, &second, id).p && !holds(shown(&w, &second, id), "canary-sealed"));
	lead.channel = CHANNEL_EXPORT;
	CHECK(shown(&w, &lead, id).p && !holds(shown(&w, &lead, id), "canary-sealed"));
	lead.channel = CHANNEL_SCREEN;
	struct reader *r = begin(&w);
	struct record_query all = { .type = types_find(types_of(&w), STR("incident")) };
	CHECK_RC(read_records(r, types_of(&w), &lead, &all, 9, w.a, look_for_victim, &listed, &err), RC_OK, err);
	CHECK(!listed);
	store_read_end(r);
	/* who edits may put in what he cannot read */
	const struct change_request more = { .id = id, .fields = STR("{\"victim\":\"canary-again\"}") };
	CHECK_RC(change(&w, &analyst, &more, NULL), RC_OK, err);
	CHECK(!holds(shown(&w, &analyst, id), "canary-again"));
	CHECK(holds(shown(&w, &lead, id), "canary-again"));
	/* named later: the keys are handed on by one who has them */
	const struct change_request name = { .id = id, .labels = STR("{\"tlp\":\"AMBER\",\"named\":"
								     "[\"account:1\",\"account:2\"]}") };
	CHECK_RC(change(&w, &second, &name, NULL), RC_DENIED, err);
	CHECK_RC(change(&w, &lead, &name, NULL), RC_OK, err);
	CHECK(holds(shown(&w, &second, id), "canary-again"));
	CHECK_RC(change_erase(w.r, w.s, &lead, id, STR("asked for"), &err), RC_OK, err);
	CHECK(!holds(shown(&w, &lead, id), "canary"));
	seal_ring_drop(ring);
	seal_ring_drop(other);
	roles_free(roles);
	world_end(&w);
}

/* --- refusals --- */

static void count_lines(struct world *w, uint64_t *lines, uint64_t *sum)
{
	struct reader *r = begin(w);
	struct journal_line *list;
	size_t n = 0;

	*lines = *sum = 0;
	CHECK_RC(journal_list(reader_conn(r), 0, 1000, w->a, &list, &n, &err), RC_OK, err);
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i].act, STR("refusal"))) {
			++*lines;
			*sum += list[i].count;
			CHECK_STR(list[i].actor, STR("account:2"));
		}
	store_read_end(r);
}

TEST(refusals_are_counted)
{
	struct world w = world_new();
	struct viewer viewer = staff(VIEWER, 2);
	struct uuid uuid = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	const struct change_request q = { .id = id_str(&w, "incident", &uuid),
					  .fields = STR("{\"summary\":\"x\"}") };
	uint64_t lines, sum;
	int64_t from = clock_mono_us();

	for (int i = 0; i < 8; i++)
		CHECK_RC(change(&w, &viewer, &q, NULL), RC_DENIED, err);
	uint64_t seconds = (uint64_t)((clock_mono_us() - from) / SECOND_US);
	count_lines(&w, &lines, &sum);
	CHECK(lines >= 1 && lines <= seconds + 2 && sum >= 1 && sum <= 8);
	if (clock_move(2 * SECOND_US)) {
		CHECK_RC(change(&w, &viewer, &q, NULL), RC_DENIED, err);
		count_lines(&w, &lines, &sum);
		CHECK_INT(sum, 9); /* none is forgotten */
	}
	world_end(&w);
}

TEST_MAIN(TEST_RUN(fields_by_share), TEST_RUN(markings), TEST_RUN(two_organisations_every_id),
	  TEST_RUN(lists_and_pages), TEST_RUN(filters_and_sorts_that_would_tell),
	  TEST_RUN(versions_are_as_strict_as_the_record), TEST_RUN(what_may_be_sent),
	  TEST_RUN(what_is_made), TEST_RUN(references_tell_nothing), TEST_RUN(links_need_both_ends),
	  TEST_RUN(files_go_with_their_field),
	  TEST_RUN(sealed_opens_for_the_named_with_their_passphrase), TEST_RUN(refusals_are_counted))
