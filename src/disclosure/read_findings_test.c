/* SPDX-License-Identifier: Apache-2.0 */
/* Findings for output. The table of findings is a double that keeps nothing
 * back, whatever it is asked: what is missing here the check left out. */
#include "disclosure/read.h"

#include "base/json.h"
#include "base/test.h"

static struct err err;

#define RED_CANARY "canary-red-81b7"
#define PERSON_CANARY "canary-person-0c3e"

static const struct finding findings[] = {
	{ .id = { 1, 1 }, .tlp = TLP_CLEAR, .type = STR_INIT("scanner"), .key = STR_INIT("ip 192.0.2.1"),
	  .state = FINDING_OPEN, .asn = 64500, .cc = STR_INIT("ID"), .events = 3, .told_us = 5, .confidence = 1,
	  .concerns = { .count = 1, .list = { { .org = 4, .role = ROLE_NETWORK, .reason = "asn AS64500" } } } },
	{ .id = { 1, 2 }, .tlp = TLP_AMBER, .mark_reason = STR_INIT(PERSON_CANARY), .held_us = 5 },
	{ .id = { 1, 3 }, .tlp = TLP_RED, .key = STR_INIT(RED_CANARY), .identifier = STR_INIT(RED_CANARY) },
	{ .id = { 1, 4 }, .tlp = TLP_COUNT, .key = STR_INIT(RED_CANARY) },
	{ .id = { 1, 5 }, .tlp = (enum tlp)-1, .key = STR_INIT(RED_CANARY) },
	{ .id = { 1, 6 }, .tlp = TLP_CLEAR, .exercise = true },
};

static struct finding_query asked;

enum rc findings_list(struct reader *r, const struct finding_query *q, finding_each each, void *ctx,
		      struct err *e)
{
	(void)r;
	(void)e;
	asked = *q;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		if (!each(ctx, &findings[i]))
			break;
	return RC_OK;
}

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out,
		     struct err *e)
{
	(void)r;
	(void)a;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		if (findings[i].id.hi == id.hi && findings[i].id.lo == id.lo) {
			*out = findings[i];
			return RC_OK;
		}
	return fail(e, id.hi == 9 ? RC_IO : RC_ABSENT, "other words than those of the reader");
}

const char *finding_state_name(enum finding_state s)
{
	return s == FINDING_OPEN ? "open" : "other";
}

static struct viewer staff(enum right right, enum tlp ceiling, bool basis)
{
	struct viewer v = viewer_owner(1);

	v.right = right;
	v.as.ceiling = ceiling;
	v.as.named = ceiling == TLP_RED;
	v.as.personal_basis = basis;
	v.exercise = v.as.exercise_member = right == RIGHT_OPERATE;
	return v;
}

struct out {
	struct buf text;
	size_t n;
};

static bool take(void *ctx, const struct finding *f)
{
	struct out *o = ctx;
	struct json_out j = json_out(&o->text);

	finding_json(f, NULL, &j);
	o->n++;
	return true;
}

static void take_single(const struct viewer *v, struct out *o)
{
	size_t listed = o->n, single = 0;

	for (unsigned i = 0; i < 9; i++) {
		char id[40];
		struct finding f;

		snprintf(id, sizeof(id), "%016x%016x", 1u, i);
		enum rc rc = read_finding(NULL, v, str_of(id), NULL, &f, &err);
		if (rc == RC_OK) {
			take(o, &f);
			single++;
		} else {
			CHECK(!f.key.p && !f.mark_reason.p);
			CHECK_RC(rc, RC_ABSENT, err);
			CHECK_STR(str_of(err.text), STR("there is no such finding"));
		}
	}
	CHECK_INT(single, listed);
}

TEST(canaries_stay_inside)
{
	static const struct {
		const char *what;
		enum right right;
		enum tlp ceiling;
		bool basis;
		size_t findings;
		bool red, person;
		uint32_t mask;
	} cases[] = {
		{ "all", RIGHT_OPERATE, TLP_RED, true, 6, true, true, 31 },
		{ "no basis", RIGHT_OPERATE, TLP_RED, false, 6, true, false, 31 },
		{ "read red", RIGHT_READ, TLP_RED, true, 5, true, true, 31 },
		{ "strict", RIGHT_READ, TLP_AMBER_STRICT, true, 2, false, true, 15 },
		{ "amber", RIGHT_READ, TLP_AMBER, false, 2, false, false, 7 },
		{ "clear", RIGHT_READ, TLP_CLEAR, true, 1, false, false, 1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct viewer v = staff(cases[i].right, cases[i].ceiling, cases[i].basis);
		struct finding_query q = { .tlp_mask = 255, .exercise = true };
		struct out o = { .text = BUF_INIT(MIB(1)) };

		CHECK_RC(read_findings(NULL, &v, &q, take, &o, &err), RC_OK, err);
		CHECK_INT(asked.tlp_mask, cases[i].mask);
		CHECK_INT(asked.exercise, cases[i].right == RIGHT_OPERATE);
		CHECK_MSG(o.n == cases[i].findings, "%s: %zu", cases[i].what, o.n);
		take_single(&v, &o);
		CHECK_MSG((str_find(buf_str(&o.text), STR(RED_CANARY)) < o.text.n) == cases[i].red,
			  "%s", cases[i].what);
		CHECK_MSG((str_find(buf_str(&o.text), STR(PERSON_CANARY)) < o.text.n) == cases[i].person,
			  "%s", cases[i].what);
		buf_free(&o.text);
	}
}

TEST(without_the_right)
{
	static const enum right rights[] = { RIGHT_PUBLIC, RIGHT_INTAKE };

	for (size_t i = 0; i < COUNT_OF(rights); i++) {
		struct viewer v = staff(rights[i], TLP_RED, true);
		struct finding_query q = { 0 };
		struct out o = { .text = BUF_INIT(MIB(1)) };
		struct finding f;

		CHECK_RC(read_findings(NULL, &v, &q, take, &o, &err), RC_DENIED, err);
		CHECK_RC(read_finding(NULL, &v, STR("00000000000000010000000000000001"), NULL, &f, &err),
			 RC_DENIED, err);
		CHECK_INT(o.n, 0);
	}
}

/* Held by a person: our own people see it, nobody else is told. */
TEST(held_stays_here)
{
	struct viewer v = staff(RIGHT_READ, TLP_AMBER, true);
	struct finding_query q = { 0 };
	struct out o = { .text = BUF_INIT(MIB(1)) };

	v.channel = CHANNEL_MAIL;
	CHECK_RC(read_findings(NULL, &v, &q, take, &o, &err), RC_OK, err);
	CHECK_INT(o.n, 1);
	v.channel = CHANNEL_SCREEN;
	CHECK_RC(read_findings(NULL, &v, &q, take, &o, &err), RC_OK, err);
	CHECK_INT(o.n, 3);
	buf_free(&o.text);
}

TEST(ids)
{
	static const char *const odd[] = { "", "1", "zz", "0000000000000001000000000000000100",
					   "0000000000000001000000000000000g" };
	struct viewer v = staff(RIGHT_OPERATE, TLP_RED, true);
	struct finding f;

	for (size_t i = 0; i < COUNT_OF(odd); i++)
		CHECK_RC(read_finding(NULL, &v, str_of(odd[i]), NULL, &f, &err), RC_ABSENT, err);
	CHECK_RC(read_finding(NULL, &v, STR("00000000000000090000000000000001"), NULL, &f, &err), RC_IO, err);
}

TEST(json_of_a_finding)
{
	struct buf text = BUF_INIT(MIB(1));
	struct json_out j = json_out(&text);
	struct json_object *o = NULL;
	int64_t n = 0;

	finding_json(&findings[0], NULL, &j);
	CHECK_RC(json_read(buf_str(&text), &o, &err), RC_OK, err);
	CHECK_STR(json_get_str(o, "id"), STR("00000000000000010000000000000001"));
	CHECK_STR(json_get_str(o, "state"), STR("open"));
	CHECK_STR(json_get_str(o, "key"), STR("ip 192.0.2.1"));
	CHECK_STR(json_get_str(o, "tlp"), STR("CLEAR"));
	CHECK_STR(json_get_str(o, "told"), STR("1970-01-01T00:00:00.000005+00:00"));
	CHECK(!json_get(o, "held"));
	CHECK(json_get_i64(o, "asn", &n) && n == 64500);
	CHECK(json_get_i64(o, "confidence", &n) && n == 0);
	struct json_object *m = json_at(json_get(o, "concerns"), 0);
	CHECK(json_get_i64(m, "organisation_id", &n) && n == 4);
	CHECK_STR(json_get_str(m, "reason"), STR("asn AS64500"));
	json_free(o);
	buf_free(&text);
}

TEST_MAIN(TEST_RUN(canaries_stay_inside), TEST_RUN(without_the_right), TEST_RUN(held_stays_here),
	  TEST_RUN(ids), TEST_RUN(json_of_a_finding))
