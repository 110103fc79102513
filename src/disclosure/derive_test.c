/* SPDX-License-Identifier: Apache-2.0 */
/* What is made from others: of each label the strictest, in whatever order they come; and nobody may
 * have it who may not have each of them. The table of findings is a double that has one. */
#include "disclosure/records_world.h"

#include "disclosure/check.h"
#include "disclosure/derive.h"
#include "intake/feeds.h"

static int64_t feeds_of[3];
static size_t feed_count;
static enum tlp finding_tlp;

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *e)
{
	(void)r, (void)a;
	if (id.lo != 1)
		return fail(e, RC_ABSENT, "there is none");
	*out = (struct finding){ .id = { 0, 1 }, .tlp = finding_tlp, .held_us = 7, .exercise = false };
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
	(void)r, (void)id, (void)e;
	*out = ARENA_ARRAY(a, 3, struct finding_feed);
	for (size_t i = 0; i < feed_count; i++)
		(*out)[i].feed = feeds_of[i];
	*count_out = feed_count;
	return RC_OK;
}
const char *finding_state_name(enum finding_state s)
{
	(void)s;
	return "open";
}

#define A "organisation--0a010000-0000-0000-0000-000000000000"
#define B "organisation--0b020000-0000-0000-0000-000000000000"

static const struct {
	const char *what, *sources[3], *want; /* want NULL: refused */
} rows[] = {
	{ "nothing", { NULL }, "{\"tlp\":\"AMBER\"}" },
	{ "one", { "{\"tlp\":\"GREEN\"}" }, "{\"tlp\":\"GREEN\",\"pap\":\"GREEN\"}" },
	{ "two markings", { "{\"tlp\":\"GREEN\"}", "{\"tlp\":\"AMBER+STRICT\"}" },
	  "{\"tlp\":\"AMBER+STRICT\",\"pap\":\"AMBER\"}" },
	{ "TLP of one, PAP of another", { "{\"tlp\":\"CLEAR\",\"pap\":\"RED\"}", "{\"tlp\":\"AMBER\",\"pap\":\"GREEN\"}" },
	  "{\"tlp\":\"AMBER\",\"pap\":\"RED\"}" },
	{ "one not understood", { "{\"tlp\":\"PUCE\"}", "{\"tlp\":\"CLEAR\"}" },
	  "{\"tlp\":\"RED\",\"pap\":\"RED\",\"named\":[]}" },
	{ "a PAP not understood", { "{\"tlp\":\"CLEAR\",\"pap\":\"PUCE\"}", "{\"tlp\":\"CLEAR\"}" },
	  "{\"tlp\":\"RED\",\"pap\":\"RED\",\"named\":[]}" },
	{ "a drill, and a hold", { "{\"tlp\":\"CLEAR\",\"exercise\":true}", "{\"tlp\":\"CLEAR\",\"held\":true}" },
	  "{\"tlp\":\"CLEAR\",\"pap\":\"CLEAR\",\"exercise\":true,\"held\":true}" },
	{ "one classification", { "{\"classification\":\"SECRET\"}", "{}", "{\"classification\":\"SECRET\"}" },
	  "{\"tlp\":\"AMBER\",\"pap\":\"AMBER\",\"classification\":\"SECRET\"}" },
	{ "two", { "{\"classification\":\"SECRET\"}", "{\"classification\":\"CONFIDENTIAL\"}" }, NULL },
	{ "one licence", { "{}", "{\"licence\":\"internal\"}" },
	  "{\"tlp\":\"AMBER\",\"pap\":\"AMBER\",\"licence\":\"internal\"}" },
	{ "two licences", { "{\"licence\":\"CC-BY-4.0\"}", "{}", "{\"licence\":\"internal\"}" }, NULL },
	{ "one audience", { "{\"audience\":[\"" A "\"]}", "{}" },
	  "{\"tlp\":\"AMBER\",\"pap\":\"AMBER\",\"audience\":[\"" A "\"]}" },
	{ "audiences that meet", { "{\"audience\":[\"" A "\",\"" B "\"]}", "{}", "{\"audience\":[\"" B "\"]}" },
	  "{\"tlp\":\"AMBER\",\"pap\":\"AMBER\",\"audience\":[\"" B "\"]}" },
	{ "audiences that do not", { "{\"audience\":[\"" A "\"]}", "{\"audience\":[\"" B "\"]}" }, NULL },
	{ "a classification that asks for names",
	  { "{\"classification\":\"SECRET\",\"named\":[\"account:1\",\"account:3\"]}",
	    "{\"tlp\":\"RED\",\"named\":[\"account:1\",\"account:2\"]}" },
	  "{\"tlp\":\"RED\",\"pap\":\"RED\",\"classification\":\"SECRET\",\"named\":[\"account:1\"]}" },
	{ "RED names", { "{\"tlp\":\"RED\",\"named\":[\"account:1\",\"account:2\"]}", "{\"tlp\":\"AMBER\"}" },
	  "{\"tlp\":\"RED\",\"pap\":\"RED\",\"named\":[\"account:1\",\"account:2\"]}" },
	{ "RED that name others",
	  { "{\"tlp\":\"RED\",\"named\":[\"account:1\",\"account:2\"]}", "{\"tlp\":\"AMBER\",\"named\":[\"account:9\"]}",
	    "{\"tlp\":\"RED\",\"named\":[\"account:2\",\"account:3\"]}" },
	  "{\"tlp\":\"RED\",\"pap\":\"RED\",\"named\":[\"account:2\"]}" },
};

/* What came out, canonical; STR_NONE: refused. */
static str derived(struct arena *a, const char *const *texts, const int *order)
{
	struct labels_of l[3], made;
	const struct labels_of *list[3];
	size_t n = 0;
	str out;
	for (int i = 0; i < 3; i++) {
		if (!texts[order[i]])
			continue;
		CHECK_RC(labels_parse(str_of(texts[order[i]]), a, &l[n], &err), RC_OK, err);
		list[n] = &l[n];
		n++;
	}
	enum rc rc = derive_labels(list, n, NULL, a, &out, &err);
	CHECK(rc == RC_OK || rc == RC_INPUT);
	if (rc != RC_OK)
		return STR_NONE;
	CHECK_RC(labels_parse(out, a, &made, &err), RC_OK, err);
	return made.json;
}

TEST(the_strictest_in_any_order)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	struct arena *a = arena_new(KIB(16));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t o = 0; o < COUNT_OF(orders); o++) {
			str got = derived(a, rows[i].sources, orders[o]);
			struct labels_of want;
			if (!rows[i].want) {
				CHECK_MSG(!got.p, "%s: " STR_FMT, rows[i].what, STR_ARG(got));
				continue;
			}
			CHECK_RC(labels_parse(str_of(rows[i].want), a, &want, &err), RC_OK, err);
			CHECK_MSG(str_eq(got, want.json), "%s: " STR_FMT, rows[i].what, STR_ARG(got));
		}
	arena_free(a);
}

/* Asked of the check itself, for all pairs of the rows above and many recipients. */
TEST(nobody_gets_more_by_it)
{
	static const enum recipient_kind kinds[] = { RECIPIENT_PUBLIC, RECIPIENT_STAFF, RECIPIENT_CONSTITUENT,
						     RECIPIENT_COMMUNITY, RECIPIENT_PARTNER };
	struct arena *a = arena_new(KIB(64));
	size_t asked = 0;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t k = 0; k < COUNT_OF(rows); k++) {
			struct labels_of l[2], made;
			const struct labels_of *list[2] = { &l[0], &l[1] };
			str out;
			if (!rows[i].sources[0] || !rows[k].sources[0])
				continue;
			CHECK_RC(labels_parse(str_of(rows[i].sources[0]), a, &l[0], &err), RC_OK, err);
			CHECK_RC(labels_parse(str_of(rows[k].sources[0]), a, &l[1], &err), RC_OK, err);
			if (derive_labels(list, 2, NULL, a, &out, &err) != RC_OK)
				continue;
			CHECK_RC(labels_parse(out, a, &made, &err), RC_OK, err);
			for (unsigned n = 0; n < COUNT_OF(kinds) * CHANNELS * 2; n++) {
				struct viewer v = staff(ANALYST, (int)(n % 3));
				v.as.kind = kinds[n % COUNT_OF(kinds)];
				v.as.agreement = n & 1;
				v.as.agreed = TLP_RED;
				v.as.agreed_pap = PAP_RED;
				v.channel = (enum channel)(n / COUNT_OF(kinds) % CHANNELS);
				v.organisation = v.as.kind == RECIPIENT_STAFF ? (struct uuid){ { 0 } } : house_a;
				enum verdict verdicts[3];
				const struct labels_of *three[] = { &l[0], &l[1], &made };
				for (int t = 0; t < 3; t++) {
					const struct record r = { .labels = *three[t], .type_name = STR("x"), .body = STR("{}"),
								  .author = STR("nobody") };
					struct labels seen = labels_for(&r, &v);
					verdicts[t] = may_disclose(&seen, &v.as, v.channel, PURPOSE_HANDLING, &v.policy).verdict;
				}
				asked++;
				CHECK_MSG(verdicts[2] == DISCLOSE_NO ||
					  (verdicts[0] != DISCLOSE_NO && verdicts[1] != DISCLOSE_NO),
					  "rows %zu and %zu, recipient %u", i, k, n);
			}
		}
	CHECK(asked > 10000);
	arena_free(a);
}

struct new_feed {
	struct journal *j;
	struct feed feed;
	int64_t id;
};
static enum rc put_feed(struct tx *tx, void *ctx, struct err *e)
{
	struct new_feed *n = ctx;
	return feed_add(tx, n->j, &n->feed, STR("test"), &n->id, e);
}

TEST(a_finding)
{
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct labels_of l;
	static const char *const licences[] = { "internal", "", "CC-BY-4.0" };
	for (size_t i = 0; i < COUNT_OF(licences); i++) {
		struct new_feed n = { .j = w.j, .feed = { .name = arena_fmt(w.a, "feed%d", (int)i), .on = true,
							  .licence = str_of(licences[i]), .tlp = TLP_GREEN,
							  .format = STR("auto") } };
		CHECK_RC(store_write(w.s, put_feed, &n, &err), RC_OK, err);
		feeds_of[i] = n.id;
	}
	struct reader *r = begin(&w);
	lead.right = RIGHT_READ;
	finding_tlp = TLP_GREEN;
	feed_count = 2;
	str id = STR("finding--00000000000000000000000000000001");
	CHECK_RC(derive_from_finding(r, &lead, id, w.a, &l, &err), RC_OK, err);
	CHECK(l.tlp == TLP_GREEN && l.pap == PAP_GREEN && l.held && !l.exercise);
	CHECK_STR(l.licence, STR("internal"));
	static const enum tlp tlps[] = { TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT };
	static const enum pap paps[] = { PAP_CLEAR, PAP_GREEN, PAP_AMBER, PAP_AMBER };
	for (size_t i = 0; i < COUNT_OF(tlps); i++) {
		finding_tlp = tlps[i];
		CHECK_RC(derive_from_finding(r, &lead, id, w.a, &l, &err), RC_OK, err);
		CHECK(l.tlp == tlps[i] && l.pap == paps[i]);
	}
	finding_tlp = TLP_RED;
	CHECK_RC(derive_from_finding(r, &lead, id, w.a, &l, &err), RC_OK, err);
	CHECK(l.tlp == TLP_RED && l.pap == PAP_RED);
	feed_count = 3; /* two terms no label says at once */
	CHECK_RC(derive_from_finding(r, &lead, id, w.a, &l, &err), RC_INPUT, err);
	feeds_of[1] = 999;
	CHECK_RC(derive_from_finding(r, &lead, id, w.a, &l, &err), RC_ABSENT, err);
	CHECK_RC(derive_from_finding(r, &lead, STR("finding--00000000000000000000000000000002"), w.a, &l, &err),
		 RC_ABSENT, err);
	CHECK_RC(derive_from_finding(r, &lead, STR("event--1"), w.a, &l, &err), RC_ABSENT, err);
	lead.as.ceiling = TLP_GREEN; /* not for him */
	feed_count = 0;
	CHECK_RC(derive_from_finding(r, &lead, id, w.a, &l, &err), RC_ABSENT, err);
	store_read_end(r);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(the_strictest_in_any_order), TEST_RUN(nobody_gets_more_by_it), TEST_RUN(a_finding))
