/* SPDX-License-Identifier: Apache-2.0 */
/* Events behind findings, each asked of the check. The table of findings and the events are doubles. */
#include "disclosure/records_world.h"

#include "disclosure/told.h"

enum { ORG = 4 };

static const struct finding findings[] = {
	{ .id = { 1, 1 }, .tlp = TLP_GREEN, .concerns = { .count = 2, .list = { { .org = 7 }, { .org = ORG } } } },
	{ .id = { 1, 2 }, .tlp = TLP_GREEN, .concerns = { .count = 1, .list = { { .org = 7 } } } },
	{ .id = { 1, 3 }, .tlp = TLP_RED },
};

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *e)
{
	(void)r, (void)a;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		if (id.hi == findings[i].id.hi && id.lo == findings[i].id.lo) {
			*out = findings[i];
			return RC_OK;
		}
	return fail(e, id.hi == 9 ? RC_IO : RC_ABSENT, "findings: nothing");
}

enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out, size_t *count_out,
		       struct err *e)
{
	(void)r, (void)id, (void)a, (void)e;
	*out = NULL;
	*count_out = 0;
	return RC_OK;
}

/* What is given for each finding that is asked for: one event a row. */
static const struct { const char *what; int tlp, exercise; } rows[] = {
	{ "clear", TLP_CLEAR, -1 },   { "amber", TLP_AMBER, 0 },  { "red", TLP_RED, -1 },
	{ "unmarked", -1, -1 }, { "unknown", TLP_COUNT + 3, -1 }, { "played", TLP_CLEAR, 1 },
};

static struct {
	size_t asked;
	int64_t org;
	bool fails;
} double_;

enum rc findings_newest_events(struct reader *r, struct finding_wanted *list, size_t count, int64_t org, size_t per,
			       finding_event_each each, void *ctx, struct err *e)
{
	(void)r, (void)list, (void)per;
	struct batch *b = batch_new();
	double_.asked = count;
	double_.org = org;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		batch_row_begin(b, i + 1, 0, 0, 1);
		batch_set_text(b, FIELD_COMMENT, STR_NONE, str_of(rows[i].what));
		batch_set_text(b, FIELD_SOURCE_ACCOUNT, STR_NONE, STR("somebody"));
		if (rows[i].tlp >= 0)
			batch_set_int(b, FIELD_TLP, STR_NONE, rows[i].tlp);
		if (rows[i].exercise >= 0)
			batch_set_bool(b, FIELD_EXERCISE, STR_NONE, rows[i].exercise);
		CHECK_RC(batch_row_end(b, e), RC_OK, *e);
	}
	bool go = true;
	for (size_t at = 0; go && at < count; at++)
		for (size_t i = 0; go && i < COUNT_OF(rows); i++) {
			const struct event_row row = { .seq = i + 1, .batch = b, .row = &b->row[i] };
			go = each(ctx, &row, at);
		}
	batch_free(b);
	return double_.fails ? fail(e, RC_IO, "events: nothing") : RC_OK;
}

struct got {
	struct buf words;
	size_t most, count;
};

static bool note(void *ctx, const struct event_view *e, size_t place)
{
	struct got *g = ctx;
	struct buf account = BUF_INIT(KIB(1));
	buf_fmt(&g->words, "%zu ", place);
	CHECK(event_view_value(e, STR("comment"), &g->words));
	buf_fmt(&g->words, "%s,", event_view_value(e, STR("source.account"), &account) ? "+person" : "");
	CHECK(strlen(e->id) > 20);
	buf_free(&account);
	return ++g->count < g->most;
}

static struct told_to constituent(int64_t org)
{
	struct told_to to = { .viewer = person_of(house_a, 1), .purpose = PURPOSE_HANDLING, .org = org };
	to.viewer.channel = CHANNEL_MAIL;
	return to;
}

#define FINDING(n) STR_INIT("finding--0000000000000001000000000000000" n)

TEST(each_event_is_asked_for)
{
	struct world w = world_new();
	struct uuid id = make(&w, STR(""), "{\"tlp\":\"GREEN\"}", 2);
	str incident = id_str(&w, "incident", &id);
	struct reader *r = begin(&w);
	const str own[] = { FINDING("1") }, green[] = { FINDING("3"), FINDING("2") },
		  mixed[] = { incident, FINDING("9"), FINDING("1") };
	struct told_to staff_to = { .viewer = staff(LEAD, 1), .purpose = PURPOSE_HANDLING };
	staff_to.viewer.channel = CHANNEL_MAIL;
	const struct {
		const char *what;
		struct told_to to;
		const str *ids;
		size_t count, most;
		const char *words;
	} cases[] = {
		{ "its own", constituent(ORG), own, 1, 99, "0 clear,0 amber," },
		{ "somebody else's that may go to all", constituent(ORG), green, 2, 99, "1 clear," },
		{ "not in the directory", constituent(0), own, 1, 99, "0 clear," },
		{ "with a basis; what is no finding has none", staff_to, mixed, 3, 99, "2 clear+person,2 amber+person," },
		{ "enough", constituent(ORG), own, 1, 1, "0 clear," },
		{ "none", constituent(ORG), own, 0, 99, "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct got g = { .words = BUF_INIT(KIB(4)), .most = cases[i].most };
		CHECK_RC(told_events(r, types_of(&w), &cases[i].to, cases[i].ids, cases[i].count, 5, w.a, note, &g, &err),
			 RC_OK, err);
		CHECK_MSG(str_eq(buf_str(&g.words), str_of(cases[i].words)), "%s: '%s'", cases[i].what,
			  g.words.p ? g.words.p : "");
		CHECK_INT(double_.org, cases[i].to.org);
		buf_free(&g.words);
	}
	store_read_end(r);
	world_end(&w);
}

TEST(many_and_broken_ones)
{
	struct world w = world_new();
	struct reader *r = begin(&w);
	struct got g = { .words = BUF_INIT(MIB(1)), .most = 1 };
	struct told_to to = constituent(ORG);
	str many[TOLD_EVENTS_FINDINGS_MAX + 5];
	const str torn[] = { STR_INIT("finding--00000000000000090000000000000001") }, one[] = { FINDING("1") };
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = one[0];
	CHECK_RC(told_events(r, types_of(&w), &to, many, COUNT_OF(many), 1, w.a, note, &g, &err), RC_OK, err);
	CHECK_INT(double_.asked, TOLD_EVENTS_FINDINGS_MAX);
	CHECK_RC(told_events(r, types_of(&w), &to, torn, 1, 1, w.a, note, &g, &err), RC_IO, err);
	double_.fails = true;
	CHECK_RC(told_events(r, types_of(&w), &to, one, 1, 1, w.a, note, &g, &err), RC_IO, err);
	buf_free(&g.words);
	store_read_end(r);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(each_event_is_asked_for), TEST_RUN(many_and_broken_ones))
