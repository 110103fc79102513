/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/object_store.h"

#include "record/erase.h"

extern const struct eraser eraser_object;

#include "base/clock.h"
#include "base/test.h"
#include "disclosure/records_world.h"

#define ID_A "tool--11111111-1111-4111-8111-111111111111"
#define ID_B "domain-name--22222222-2222-5222-8222-222222222222"
#define TOOL(modified, rest) "{\"type\":\"tool\",\"id\":\"" ID_A "\",\"created\":\"2026-11-20T00:00:00.000Z\",\"modified\":\"" modified \
			     "\",\"name\":\"T\"" rest "}"
#define MARK(id) ",\"object_marking_refs\":[\"marking-definition--" id "\"]"
#define AMBER "55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define RED "e828b379-4e03-4974-9ac4-e53a884c97c1"
#define UNKNOWN "33333333-3333-4333-8333-333333333333"

static const struct uuid partner_a = { { 1 } }, partner_b = { { 2 } };

struct keeping {
	const struct object_from *from;
	const struct stix_object *o;
	int64_t id;
	bool is_new;
};

static enum rc keep_job(struct tx *tx, void *ctx, struct err *e)
{
	struct keeping *k = ctx;
	return object_keep(tx, k->from, k->o, &k->id, &k->is_new, e);
}

static struct object_index *keep_index; /* of the test that has one */

static enum rc keep(struct world *w, struct uuid partner, const char *object, bool *new_out, int64_t *id_out)
{
	static int64_t now = 1000;
	struct stix_object *list;
	size_t count;
	str text = arena_fmt(w->a, "{\"objects\":[%s]}", object);
	const struct object_from from = { .partner = partner, .tlp = TLP_GREEN, .now_us = now += 1000,
					  .index = keep_index };
	CHECK_RC(stix_read(text, 10, w->a, &list, &count, &err), RC_OK, err);
	CHECK(count == 1 && list[0].what == STIX_FOREIGN);
	struct keeping k = { &from, &list[0], 0, false };
	enum rc rc = store_write(w->s, keep_job, &k, &err);
	if (new_out)
		*new_out = k.is_new;
	if (id_out)
		*id_out = k.id;
	return rc;
}

struct listed {
	struct buf b;
};

static bool note(void *ctx, const struct kept_object *o)
{
	struct listed *l = ctx;
	buf_fmt(&l->b, STR_FMT " " STR_FMT " %d%s; ", STR_ARG(o->type), STR_ARG(o->title), (int)o->tlp, o->revoked ? " revoked" : "");
	return true;
}

static void check_list(struct world *w, const struct viewer *v, const struct object_query *q, const char *want, bool more)
{
	struct reader *r = begin(w);
	struct listed l = { BUF_INIT(KIB(16)) };
	bool is_more;
	CHECK_RC(objects_list(r, v, q, note, &l, &is_more, &err), RC_OK, err);
	CHECK_STR(buf_str(&l.b), str_of(want));
	CHECK(is_more == more);
	store_read_end(r);
	buf_free(&l.b);
}

TEST(each_once_and_nobody_over_another)
{
	struct world w = world_new();
	bool is_new;
	int64_t first, again;
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, &first), RC_OK, err);
	CHECK(is_new);
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, &again), RC_OK, err);
	CHECK(!is_new && first == again);
	/* written anew, it says the same */
	CHECK_RC(keep(&w, partner_a, "{ \"name\":\"T\", \"id\":\"" ID_A "\", \"type\":\"tool\", \"modified\":\"2026-11-20T00:00:00.000Z\","
		      "\"created\":\"2026-11-20T00:00:00.000Z\"}", &is_new, &again), RC_OK, err);
	CHECK(!is_new && first == again);
	/* something else under the same version */
	CHECK_INT(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ",\"x\":1"), &is_new, NULL), RC_CONFLICT);
	/* the same id of somebody else stands beside */
	CHECK_RC(keep(&w, partner_b, TOOL("2026-11-20T00:00:00.000Z", ",\"x\":2"), &is_new, NULL), RC_OK, err);
	CHECK(is_new);
	/* a later version, an earlier one that came late, the end */
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-21T00:00:00.000Z", MARK(AMBER)), &is_new, NULL), RC_OK, err);
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T12:00:00.000Z", ""), &is_new, NULL), RC_OK, err);
	CHECK(is_new);
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-22T00:00:00.000Z", ",\"revoked\":true"), &is_new, NULL), RC_OK, err);
	CHECK_INT(keep(&w, partner_a, TOOL("2026-11-23T00:00:00.000Z", ""), &is_new, NULL), RC_CONFLICT);
	const struct viewer lead = staff(LEAD, 1);
	check_list(&w, &lead, &(struct object_query){ .limit = 10 }, "tool T 1 revoked; tool T 1; ", false);
	check_list(&w, &lead, &(struct object_query){ .limit = 10, .partner = partner_b }, "tool T 1; ", false);
	check_list(&w, &lead, &(struct object_query){ .limit = 1 }, "tool T 1 revoked; ", true);
	check_list(&w, &lead, &(struct object_query){ .limit = 10, .type = STR("url") }, "", false);
	world_end(&w);
}

struct planting {
	int64_t id, tag, version_us;
};

static enum rc plant_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct planting *p = ctx;
	return object_index_put(tx, p->id, p->tag, p->version_us, e);
}

static enum rc drop_job(struct tx *tx, void *ctx, struct err *e)
{
	const int64_t *id = ctx;
	return object_drop(tx, *id, e);
}

static void check_found(struct world *w, str id, enum rc want)
{
	const struct viewer lead = staff(LEAD, 1);
	struct kept_object o;
	struct reader *r = begin(w);
	CHECK_INT(object_find(r, &lead, id, w->a, &o, &err), want);
	if (want == RC_OK)
		CHECK_STR(o.stix_id, id);
	store_read_end(r);
}

/* Two ids under one tag: none is taken for the other, neither by who keeps nor by who reads. */
TEST(ids_that_share_a_tag)
{
	struct world w = world_new();
	const struct told_to to = { .viewer = { .as = { .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED, .agreement = true,
							 .agreed = TLP_AMBER_STRICT, .agreed_pap = PAP_RED },
						.channel = CHANNEL_SYNC, .policy = { .number = 1, .public_k = 5 } },
				     .purpose = PURPOSE_HANDLING };
	bool is_new;
	int64_t tool, domain;
	struct kept_object o;
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-22T00:00:00.000Z", ",\"revoked\":true" MARK(RED)), &is_new, &tool), RC_OK, err);
	/* the tool's row, as if the domain's id had the same tag: as old, and later */
	struct planting p = { tool, object_tag(STR(ID_B)), TIME_NONE };
	CHECK_RC(store_write(w.s, plant_job, &p, &err), RC_OK, err);
	p.version_us = INT64_MAX;
	CHECK_RC(store_write(w.s, plant_job, &p, &err), RC_OK, err);
	check_found(&w, STR(ID_B), RC_ABSENT);
	CHECK_RC(keep(&w, partner_a, "{\"type\":\"domain-name\",\"id\":\"" ID_B "\",\"value\":\"a.example\"}", &is_new, &domain), RC_OK, err);
	CHECK(is_new && domain != tool);
	check_found(&w, STR(ID_B), RC_OK);
	struct reader *r = begin(&w);
	CHECK_RC(object_told(r, &to, partner_b, domain, w.a, &o, &err), RC_OK, err); /* neither RED nor revoked */
	store_read_end(r);
	world_end(&w);
}

static void check_told(struct world *w, int64_t id, enum rc want, const char *what)
{
	const struct told_to to = { .viewer = { .as = { .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED, .agreement = true,
							 .agreed = TLP_AMBER_STRICT, .agreed_pap = PAP_RED },
						.channel = CHANNEL_SYNC, .policy = { .number = 1, .public_k = 5 } },
				     .purpose = PURPOSE_HANDLING };
	static const struct uuid partner_c = { { 3 } };
	struct kept_object o;
	struct reader *r = begin(w);
	enum rc rc = object_told(r, &to, partner_c, id, w->a, &o, &err);
	CHECK_MSG(rc == want, "%s: %d", what, (int)rc);
	store_read_end(r);
}

/* What others said under the id counts from the moment they did: the strictest marking, the end by its maker. */
TEST(told_by_what_all_said)
{
	struct world w = world_new();
	int64_t a, b, later;
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), NULL, &a), RC_OK, err);
	check_told(&w, a, RC_OK, "one alone");
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-21T00:00:00.000Z", ""), NULL, &later), RC_OK, err);
	check_told(&w, a, RC_OK, "beside another version");
	CHECK_RC(keep(&w, partner_b, TOOL("2026-11-20T00:00:00.000Z", MARK(RED)), NULL, &b), RC_OK, err);
	check_told(&w, a, RC_DENIED, "somebody marks this version RED");
	check_told(&w, later, RC_OK, "and not that one");
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-22T00:00:00.000Z", ",\"revoked\":true"), NULL, NULL), RC_OK, err);
	check_told(&w, later, RC_DENIED, "its maker revoked it");
	world_end(&w);
}

TEST(dropped_and_sent_again)
{
	struct world w = world_new();
	bool is_new;
	int64_t first, second, other, again;
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, &first), RC_OK, err);
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-21T00:00:00.000Z", ",\"revoked\":true"), &is_new, &second), RC_OK, err);
	CHECK_RC(keep(&w, partner_b, TOOL("2026-11-20T00:00:00.000Z", ",\"x\":1"), &is_new, &other), RC_OK, err);
	CHECK_RC(store_write(w.s, drop_job, &second, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, drop_job, &second, &err), RC_OK, err); /* not there: fine */
	/* nothing is left of it: the next version may come, the first still stands */
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-22T00:00:00.000Z", ""), &is_new, &again), RC_OK, err);
	CHECK(is_new && again > other);
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, &again), RC_OK, err);
	CHECK(!is_new && again == first);
	CHECK_RC(store_write(w.s, drop_job, &other, &err), RC_OK, err);
	const struct viewer lead = staff(LEAD, 1);
	check_list(&w, &lead, &(struct object_query){ .limit = 10 }, "tool T 1; ", false);
	check_found(&w, STR(ID_A), RC_OK);
	world_end(&w);
}

/* The same words through filters and longer runs as without any: what was kept long ago is known. */
TEST(known_after_runs_were_made)
{
	struct world w = world_new();
	struct object_index *x = object_index_new(w.s);
	bool is_new;
	int64_t first, again;
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, &first), RC_OK, err);
	for (int i = 0; i < 16; i++) { /* as if many had come: closes the run */
		struct planting p = { (i + 1) * (int64_t)OBJECT_RUN, i, 0 };
		CHECK_RC(store_write(w.s, plant_job, &p, &err), RC_OK, err);
	}
	keep_index = x;
	for (bool did = true; did;) {
		did = false;
		CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, &again), RC_OK, err);
		CHECK(!is_new && again == first);
		CHECK_INT(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ",\"x\":1"), &is_new, NULL), RC_CONFLICT);
		CHECK_RC(object_index_tend(w.s, x, &did, &err), RC_OK, err);
		check_found(&w, STR(ID_A), RC_OK);
	}
	CHECK(object_index_memory(x) > 0);
	CHECK_RC(keep(&w, partner_b, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, &again), RC_OK, err);
	CHECK(is_new && again != first);
	keep_index = NULL;
	object_index_free(x);
	world_end(&w);
}

static enum rc erase_it(struct tx *tx, void *ctx, struct err *e)
{
	const struct erasing what = { .object = arena_fmt(ctx, "object:1") };
	const struct erasing other = { .object = STR("report:1") };
	bool more;
	enum rc rc = eraser_object.remove(tx, &other, &more, e);
	more = true;
	for (int i = 0; rc == RC_OK && more && i < 10; i++)
		rc = eraser_object.remove(tx, &what, &more, e);
	return rc;
}

TEST(erased_with_all_its_versions)
{
	struct world w = world_new();
	const struct viewer lead = staff(LEAD, 1);
	bool is_new;
	int64_t ids[8];
	size_t count;
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, NULL), RC_OK, err);
	CHECK_RC(keep(&w, partner_a, TOOL("2026-11-21T00:00:00.000Z", ",\"revoked\":true"), &is_new, NULL), RC_OK, err);
	CHECK_RC(keep(&w, partner_b, TOOL("2026-11-20T00:00:00.000Z", ""), &is_new, NULL), RC_OK, err);
	struct reader *r = begin(&w);
	CHECK_RC(eraser_object.check(reader_conn(r), STR("1"), &err), RC_OK, err);
	CHECK_INT(eraser_object.check(reader_conn(r), STR("9"), &err), RC_ABSENT);
	CHECK_INT(eraser_object.check(reader_conn(r), STR("x"), &err), RC_ABSENT);
	CHECK_RC(objects_after(reader_conn(r), 1, COUNT_OF(ids), ids, &count, &err), RC_OK, err);
	CHECK(count == 2 && ids[0] == 2 && ids[1] == 3);
	CHECK_RC(objects_after(reader_conn(r), 0, 1, ids, &count, &err), RC_OK, err);
	CHECK(count == 1 && ids[0] == 1);
	store_read_end(r);
	CHECK_RC(store_write(w.s, erase_it, w.a, &err), RC_OK, err);
	check_list(&w, &lead, &(struct object_query){ .limit = 10 }, "tool T 1; ", false); /* what another sent stays */
	world_end(&w);
}

TEST(observables_have_no_version)
{
	struct world w = world_new();
	bool is_new;
	const struct viewer lead = staff(LEAD, 1);
	struct kept_object o;
	CHECK_RC(keep(&w, partner_a, "{\"type\":\"domain-name\",\"id\":\"" ID_B "\",\"value\":\"a.example\"" MARK(AMBER) "}", &is_new, NULL),
		 RC_OK, err);
	CHECK(is_new);
	CHECK_RC(keep(&w, partner_a, "{ \"type\":\"domain-name\",\"id\":\"" ID_B "\",\"value\":\"a.example\"}", &is_new, NULL), RC_OK, err);
	CHECK(!is_new);
	struct reader *r = begin(&w);
	CHECK_RC(object_find(r, &lead, STR(ID_B), w.a, &o, &err), RC_OK, err);
	CHECK_STR(o.json, STR("{ \"type\":\"domain-name\",\"id\":\"" ID_B "\",\"value\":\"a.example\"}")); /* byte for byte */
	CHECK_INT(o.tlp, TLP_AMBER); /* only stricter */
	CHECK_RC(object_find(r, &lead, arena_fmt(w.a, "%lld", (long long)o.id), w.a, &o, &err), RC_OK, err);
	CHECK_STR(o.stix_id, STR(ID_B));
	CHECK_INT(object_find(r, &lead, STR("url--x"), w.a, &o, &err), RC_ABSENT);
	store_read_end(r);
	world_end(&w);
}

TEST(who_sees_what)
{
	static const struct { const char *object; enum tlp tlp; bool staff, green, amber; } rows[] = {
		{ TOOL("2026-11-20T00:00:00.000Z", ""), TLP_GREEN, true, true, true },
		{ TOOL("2026-11-20T00:00:00.000Z", MARK(AMBER)), TLP_AMBER, true, false, false },
		{ TOOL("2026-11-20T00:00:00.000Z", MARK(RED)), TLP_RED, true, false, false },
		{ TOOL("2026-11-20T00:00:00.000Z", MARK(UNKNOWN)), TLP_COUNT, true, false, false },
		{ "{\"type\":\"email-addr\",\"id\":\"email-addr--11111111-1111-4111-8111-111111111111\",\"value\":\"a@example.org\"}", TLP_GREEN,
		  true, false, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct world w = world_new();
		struct kept_object o;
		int64_t id;
		const struct viewer named = staff(LEAD, 1);
		struct viewer low = named, partner = { .as = { .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED, .agreement = true,
							       .agreed = TLP_AMBER_STRICT, .agreed_pap = PAP_RED },
						       .channel = CHANNEL_SYNC, .policy = { .number = 1, .public_k = 5 } };
		low.as.ceiling = TLP_GREEN;
		struct told_to to = { .viewer = partner, .purpose = PURPOSE_HANDLING };
		CHECK_RC(keep(&w, partner_a, rows[i].object, NULL, &id), RC_OK, err);
		struct reader *r = begin(&w);
		str what = arena_fmt(w.a, "%lld", (long long)id);
		enum rc rc = object_find(r, &named, what, w.a, &o, &err);
		CHECK_MSG((rc == RC_OK) == rows[i].staff && o.tlp == rows[i].tlp, "%zu: %d", i, (int)rc);
		rc = object_find(r, &low, what, w.a, &o, &err);
		CHECK_MSG((rc == RC_OK) == (rows[i].tlp <= TLP_GREEN), "%zu: %d", i, (int)rc);
		rc = object_told(r, &to, partner_b, id, w.a, &o, &err);
		CHECK_MSG((rc == RC_OK) == rows[i].green && (rc == RC_OK || rc == RC_DENIED), "%zu: %d", i, (int)rc);
		CHECK_INT(object_told(r, &to, partner_a, id, w.a, &o, &err), RC_DENIED); /* it is his */
		CHECK_INT(object_told(r, &to, partner_b, id + 1, w.a, &o, &err), RC_ABSENT);
		to.viewer.as.agreement = false;
		CHECK_INT(object_told(r, &to, partner_b, id, w.a, &o, &err), RC_DENIED);
		store_read_end(r);
		world_end(&w);
	}
}

TEST_MAIN(TEST_RUN(each_once_and_nobody_over_another), TEST_RUN(ids_that_share_a_tag), TEST_RUN(told_by_what_all_said),
	  TEST_RUN(dropped_and_sent_again), TEST_RUN(erased_with_all_its_versions),
	  TEST_RUN(known_after_runs_were_made), TEST_RUN(observables_have_no_version), TEST_RUN(who_sees_what))
