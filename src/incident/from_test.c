/* SPDX-License-Identifier: Apache-2.0 */
/* An incident made of several has the strictest label of each kind that one of them has. The table of
 * findings is a double that has two. */
#include "incident/case_world.h"

#include "incident/from.h"
#include "intake/feeds.h"

static int64_t feed_of[2];
static const struct finding findings[] = {
	{ .id = { 0, 1 }, .tlp = TLP_GREEN, .type = STR_INIT("scanner"), .key = STR_INIT("ip 192.0.2.1") },
	{ .id = { 0, 2 }, .tlp = TLP_AMBER_STRICT, .type = STR_INIT("scanner"), .key = STR_INIT("ip 192.0.2.2"),
	  .held_us = 7 },
};

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *e)
{
	(void)r, (void)a;
	if (id.lo < 1 || id.lo > COUNT_OF(findings))
		return fail(e, RC_ABSENT, "there is none");
	*out = findings[id.lo - 1];
	return RC_OK;
}
enum rc findings_list(struct reader *r, const struct finding_query *q, finding_each each, void *ctx,
		      struct err *e)
{
	(void)r, (void)q, (void)each, (void)ctx, (void)e;
	return RC_OK;
}
enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out,
		       size_t *count_out, struct err *e)
{
	(void)r, (void)e;
	*out = ARENA_NEW(a, struct finding_feed);
	(*out)[0].feed = feed_of[id.lo - 1];
	*count_out = 1;
	return RC_OK;
}
const char *finding_state_name(enum finding_state s)
{
	(void)s;
	return "open";
}

#define FINDING_1 "finding--00000000000000000000000000000001"
#define FINDING_2 "finding--00000000000000000000000000000002"
#define ORGANISATION_A "organisation--0a010000-0000-0000-0000-000000000000"
#define ORGANISATION_B "organisation--0b020000-0000-0000-0000-000000000000"

struct new_feed {
	struct journal *j;
	struct feed feed;
	int64_t *id;
};
static enum rc put_feed(struct tx *tx, void *ctx, struct err *e)
{
	struct new_feed *n = ctx;
	return feed_add(tx, n->j, &n->feed, STR("test"), n->id, e);
}

/* `notes`: labels of records that are sources too. */
static const struct {
	const char *what, *findings[2], *notes[2];
	enum rc rc;
	const char *want; /* RC_OK: the labels; else in the words */
} rows[] = {
	{ "one finding", { FINDING_1 }, { NULL }, RC_OK, "{\"licence\":\"internal\",\"pap\":\"GREEN\",\"tlp\":\"GREEN\"}" },
	{ "two: a hold and a licence go with them", { FINDING_1, FINDING_2 }, { NULL }, RC_OK,
	  "{\"held\":true,\"licence\":\"internal\",\"pap\":\"AMBER\",\"tlp\":\"AMBER+STRICT\"}" },
	{ "a record that is stricter", { FINDING_1 }, { "{\"tlp\":\"AMBER\",\"pap\":\"RED\"}" }, RC_OK,
	  "{\"licence\":\"internal\",\"pap\":\"RED\",\"tlp\":\"AMBER\"}" },
	{ "a record for those it names", { FINDING_1 }, { "{\"tlp\":\"RED\"}" }, RC_OK,
	  "{\"licence\":\"internal\",\"named\":[\"account:1\"],\"pap\":\"RED\",\"tlp\":\"RED\"}" },
	{ "one record: as it is", { NULL }, { "{\"tlp\":\"GREEN\",\"named\":[\"account:4\"]}" }, RC_OK,
	  "{\"named\":[\"account:4\"],\"tlp\":\"GREEN\"}" },
	{ "who is in both audiences", { NULL },
	  { "{\"tlp\":\"AMBER\",\"audience\":[\"" ORGANISATION_A "\",\"" ORGANISATION_B "\"]}",
	    "{\"tlp\":\"AMBER\",\"audience\":[\"" ORGANISATION_B "\"]}" }, RC_OK,
	  "{\"audience\":[\"" ORGANISATION_B "\"],\"pap\":\"AMBER\",\"tlp\":\"AMBER\"}" },
	{ "of nobody in both", { NULL },
	  { "{\"tlp\":\"AMBER\",\"audience\":[\"" ORGANISATION_A "\"]}",
	    "{\"tlp\":\"AMBER\",\"audience\":[\"" ORGANISATION_B "\"]}" }, RC_INPUT, "nobody is in the audience" },
	{ "two terms", { FINDING_1 }, { "{\"tlp\":\"GREEN\",\"licence\":\"CC-BY-4.0\"}" }, RC_INPUT,
	  "nothing can be both" },
	{ "an exercise and what is real", { FINDING_1 }, { "{\"tlp\":\"GREEN\",\"exercise\":true}" }, RC_INPUT,
	  "cannot be one incident" },
	{ "what is not there", { "finding--00000000000000000000000000000003" }, { NULL }, RC_ABSENT,
	  "no such finding" },
};

/* Members in any order: both are read and written again. */
static str canonical(struct world *w, str labels)
{
	struct labels_of l;
	CHECK_RC(labels_parse(labels, w->a, &l, &err), RC_OK, err);
	return l.json;
}

TEST(the_strictest_of_each)
{
	struct world w = cases_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	static const char *const licences[] = { "internal", "" };
	lead.exercise = lead.as.exercise_member = true;
	for (size_t i = 0; i < COUNT_OF(licences); i++) {
		struct new_feed n = { .j = w.j, .id = &feed_of[i],
				      .feed = { .name = arena_fmt(w.a, "feed%d", (int)i), .on = true, .format = STR("auto"),
						.licence = str_of(licences[i]), .tlp = TLP_GREEN } };
		CHECK_RC(store_write(w.s, put_feed, &n, &err), RC_OK, err);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		str sources[4], id = STR("");
		struct from_request q = { .sources = sources, .fields = STR_NONE };
		struct change_errors errors = { .count = 0 };
		for (size_t n = 0; n < 2 && rows[i].findings[n]; n++)
			sources[q.source_count++] = str_of(rows[i].findings[n]);
		for (size_t n = 0; n < 2 && rows[i].notes[n]; n++)
			sources[q.source_count++] = put_new(&w, &lead, "note", "{\"title\":\"n\"}", rows[i].notes[n]);
		err = (struct err){ .rc = RC_OK };
		enum rc rc = case_from(w.r, w.s, types_of(&w), NULL, &lead, &q, w.a, &id, &errors, &err);
		CHECK_MSG(rc == rows[i].rc, "%s: %s (%s)", rows[i].what, rc_name(rc), err.text);
		if (rc != RC_OK) {
			CHECK_MSG(strstr(err.text, rows[i].want) != NULL, "%s: %s", rows[i].what, err.text);
			continue;
		}
		struct reader *r = begin(&w);
		struct record_view view;
		CHECK_RC(read_record(r, types_of(&w), &lead, id, w.a, &view, &err), RC_OK, err);
		str have = view.record ? view.record->labels.json : STR("");
		str want = canonical(&w, str_of(rows[i].want));
		CHECK_MSG(str_eq(have, want), "%s: " STR_FMT, rows[i].what, STR_ARG(have));
		record_view_end(&view);
		store_read_end(r);
	}
	world_end(&w);
}

TEST_MAIN(TEST_RUN(the_strictest_of_each))
