/* SPDX-License-Identifier: Apache-2.0 */
/* Whom people name when they ask who may be told. */
#include "disclosure/records_world.h"

#include "disclosure/explain.h"

struct job {
	struct journal *j;
	struct roles *roles;
	int64_t id;
};
static enum rc make_account(struct tx *tx, void *ctx, struct err *e)
{
	struct job *k = ctx;
	const struct account_new n = { .name = STR("Viewer A"), .roles = VIEWER, .unix_uid = -1 };
	return account_make(tx, k->j, k->roles, &n, STR("test"), &k->id, e);
}

TEST(whom)
{
	static const struct {
		const char *to;
		enum rc rc;
		enum recipient_kind kind; /* of an account: RECIPIENT_NONE */
		const char *agreement;
	} cases[] = {
		{ "public", RC_OK, RECIPIENT_PUBLIC, "" },
		{ "staff", RC_OK, RECIPIENT_STAFF, "" },
		{ "log", RC_OK, RECIPIENT_LOG, "" },
		{ "account:viewer a", RC_OK, RECIPIENT_NONE, "" },
		{ "account:Nobody", RC_ABSENT, RECIPIENT_NONE, "" },
		{ "organisation--0a010000-0000-0000-0000-000000000000", RC_OK, RECIPIENT_CONSTITUENT, "treaty" },
		{ "partner:organisation--0a010000-0000-0000-0000-000000000000", RC_OK, RECIPIENT_PARTNER, "treaty" },
		{ "partner:organisation--0b020000-0000-0000-0000-000000000000", RC_OK, RECIPIENT_PARTNER, "" },
		{ "organisation-9", RC_INPUT, RECIPIENT_NONE, "" },
		{ "partner:organisation-9", RC_ABSENT, RECIPIENT_NONE, "" },
		{ "nobody", RC_INPUT, RECIPIENT_NONE, "" },
		{ "", RC_INPUT, RECIPIENT_NONE, "" },
	};
	struct world w = world_new();
	struct viewer lead = staff(LEAD | ANALYST, 1);
	struct job k = { .j = w.j };
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	struct policies *p = NULL;
	const struct change_request agreement = {
		.type = STR("agreement"), .to_state = STR("in-force"), .import = true,
		.fields = STR("{\"title\":\"x\",\"kind\":\"treaty\",\"from\":\"2020-01-01\",\"tlp_ceiling\":\"AMBER\","
			      "\"flows\":[\"findings\"],"
			      "\"parties\":[\"organisation--0a010000-0000-0000-0000-000000000000\"]}"),
	};

	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(roles_load(NULL, &k.roles, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, make_account, &k, &err), RC_OK, err);
	CHECK_RC(policies_open(w.s, w.r, &from, &p, &err), RC_OK, err);
	CHECK_RC(change(&w, &lead, &agreement, NULL), RC_OK, err);
	struct reader *r = begin(&w);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct explain_ask ask = { .by = CHANNEL_SCREEN };
		struct viewer room;
		str words;
		enum rc rc = explain_to(r, types_of(&w), k.roles, p, &lead, str_of(cases[i].to), w.a, &ask, &room,
					&words, &err);
		CHECK_MSG(rc == cases[i].rc, "'%s': %s (%s)", cases[i].to, rc_name(rc), err.text);
		if (rc != RC_OK)
			continue;
		CHECK_MSG(ask.to.kind == cases[i].kind && (ask.account == &room) == (cases[i].kind == RECIPIENT_NONE) &&
			  str_eq(words, str_of(cases[i].agreement)) && ask.policy.number > 0, "'%s'", cases[i].to);
		CHECK_MSG(!ask.account || room.account == k.id, "'%s'", cases[i].to);
	}
	store_read_end(r);
	world_end(&w);
	policies_close(p);
	roles_free(k.roles);
}

TEST(words)
{
	enum channel by;
	enum purpose what;
	struct explanation e = { .told = false, .decision = { .verdict = DISCLOSE_YES, .rule = "the check's" },
				 .rights = { .yes = false, .rule = "the rights'" } };

	for (int i = CHANNEL_NONE + 1; i < CHANNELS; i++)
		CHECK(channel_parse(str_of(channel_name((enum channel)i)), &by) && (int)by == i);
	for (int i = PURPOSE_NONE + 1; i < PURPOSES; i++)
		CHECK(purpose_parse(str_of(purpose_name((enum purpose)i)), &what) && (int)what == i);
	CHECK(!channel_parse(STR("pigeon"), &by) && !purpose_parse(STR("fun"), &what));
	CHECK(!channel_parse(STR(""), &by) && !purpose_parse(STR(""), &what));
	CHECK_STR(str_of(explanation_word(&e)), STR("no"));
	CHECK_STR(str_of(explanation_rule(&e)), STR("the check's"));
	e.asks_rights = true;
	CHECK_STR(str_of(explanation_rule(&e)), STR("the rights'"));
	e.rights.yes = e.told = true;
	CHECK_STR(str_of(explanation_word(&e)), STR("yes"));
	CHECK_STR(str_of(explanation_rule(&e)), STR("the check's"));
	e.decision.verdict = DISCLOSE_REDACT;
	CHECK_STR(str_of(explanation_word(&e)), STR("cut"));
	e.decision.verdict = DISCLOSE_YES;
	e.cut_count = 1;
	CHECK_STR(str_of(explanation_word(&e)), STR("cut"));
}

TEST_MAIN(TEST_RUN(whom), TEST_RUN(words))
