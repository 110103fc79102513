/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation says what happens: of many records and persons, told when reading gives it, and
 * cut what reading cuts. */
#include "record/record_world.h"

#include "disclosure/change.h"
#include "disclosure/explain.h"

static const struct uuid house = { .b = { 0xa, 1 } };
enum { VIEWER = 1 << 0, ANALYST = 1 << 1, LEAD = 1 << 3, CONSTITUENT = 1 << 8 };

static struct viewer person(uint32_t roles, int account, struct recipient as, struct uuid organisation)
{
	struct viewer v = { .right = RIGHT_READ, .as = as, .channel = CHANNEL_SCREEN, .account = account,
			    .roles = roles, .organisation = organisation,
			    .policy = { .number = 4, .public_k = 5 } };
	snprintf(v.actor, sizeof(v.actor), "account:%d", account);
	return v;
}

static str make(struct world *w, const struct viewer *by, const char *labels)
{
	struct record_view view;
	struct buf text = BUF_INIT(RECORD_ID_BYTES);
	const struct change_request q = {
		.type = STR("incident"), .labels = str_of(labels),
		.fields = STR("{\"title\":\"x\",\"class\":\"other\",\"severity\":\"low\",\"internal\":\"canary\","
			      "\"organisation\":\"organisation--0a010000-0000-0000-0000-000000000000\"}"),
	};

	CHECK_RC(change_record(w->r, w->s, by, &q, w->a, &view, NULL, &err), RC_OK, err);
	if (view.record)
		record_id_format(&text, STR("incident"), &view.record->id);
	record_view_end(&view);
	str s = arena_str(w->a, buf_str(&text));
	buf_free(&text);
	return s;
}

TEST(says_what_happens)
{
	static const char *const labels[] = {
		"{\"tlp\":\"CLEAR\"}", "{\"tlp\":\"GREEN\",\"held\":true}", "{\"tlp\":\"AMBER+STRICT\"}",
		"{\"tlp\":\"RED\",\"named\":[\"account:2\"]}", "{\"tlp\":\"CLEAR\",\"licence\":\"internal\"}",
		"{\"tlp\":\"AMBER\",\"exercise\":true}", "{\"tlp\":\"PUCE\"}",
	};
	static const enum channel ways[] = { CHANNEL_SCREEN, CHANNEL_CLI, CHANNEL_EXPORT };
	struct world w = world_new();
	const struct recipient staff = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true,
					 .personal_basis = true, .exercise_member = true };
	const struct viewer people[] = {
		person(LEAD | ANALYST, 1, staff, (struct uuid){ .b = { 0 } }),
		person(VIEWER, 2, (struct recipient){ .kind = RECIPIENT_STAFF, .ceiling = TLP_AMBER }, (struct uuid){ .b = { 0 } }),
		person(CONSTITUENT, 3, (struct recipient){ .kind = RECIPIENT_CONSTITUENT, .ceiling = TLP_AMBER_STRICT },
		       house),
		person(CONSTITUENT, 4, (struct recipient){ .kind = RECIPIENT_CONSTITUENT, .ceiling = TLP_RED },
		       (struct uuid){ .b = { 7 } }),
		person(0, 5, staff, (struct uuid){ .b = { 0 } }),
	};
	int told = 0;

	for (size_t i = 0; i < COUNT_OF(labels); i++) {
		str id = make(&w, &people[0], labels[i]);

		for (size_t n = 0; n < COUNT_OF(people) * COUNT_OF(ways); n++) {
			struct viewer v = people[n / COUNT_OF(ways)];
			struct record_view view;
			struct explanation e;
			struct reader *r = NULL;
			const struct explain_ask ask = { .item = id, .account = &v, .purpose = PURPOSE_HANDLING,
							 .organisation = v.organisation, .policy = v.policy,
							 .by = v.channel = ways[n % COUNT_OF(ways)] };

			CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
			enum rc rc = read_record(r, snapshot_table(w.held), &v, id, w.a, &view, &err);
			CHECK_RC(explain_item(r, snapshot_table(w.held), &people[0], &ask, w.a, &e, &err), RC_OK, err);
			CHECK_MSG((rc == RC_OK) == e.told, "labels %zu, person %zu: %s / %s", i, n, e.rights.rule,
				  e.decision.rule);
			size_t hidden = 0;
			for (size_t b = 0; rc == RC_OK && b < COUNT_OF(view.hidden); b++)
				hidden += (size_t)__builtin_popcountll(view.hidden[b]);
			CHECK_INT(e.cut_count, hidden);
			told += e.told;
			record_view_end(&view);
			store_read_end(r);
		}
	}
	CHECK(told > 20);
	world_end(&w);
}

TEST(to_others_and_from_who_may_not_ask)
{
	struct world w = world_new();
	struct viewer lead = person(LEAD, 1, (struct recipient){ .kind = RECIPIENT_STAFF, .ceiling = TLP_RED,
								 .named = true }, (struct uuid){ .b = { 0 } });
	struct viewer other = lead;
	snprintf(other.actor, sizeof(other.actor), "account:9");
	str id = make(&w, &lead, "{\"tlp\":\"CLEAR\",\"licence\":\"CC-BY-4.0\"}"),
	    red = make(&w, &lead, "{\"tlp\":\"RED\"}");
	struct explain_ask ask = { .item = id, .to = { .kind = RECIPIENT_PUBLIC }, .by = CHANNEL_FEED,
				   .purpose = PURPOSE_HANDLING, .policy = lead.policy };
	struct explanation e;
	struct reader *r = NULL;

	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(explain_item(r, snapshot_table(w.held), &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK(e.told && !e.asks_rights && e.cut_count == 4 && e.attribution.n > 0); /* all but its class */
	ask.by = CHANNEL_SYNC;
	CHECK_RC(explain_item(r, snapshot_table(w.held), &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK(!e.told);
	CHECK_STR(str_of(e.decision.rule), STR("no rule allows it"));
	ask.to = (struct recipient){ .kind = RECIPIENT_PARTNER, .ceiling = TLP_RED };
	CHECK_RC(explain_item(r, snapshot_table(w.held), &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK(e.told);
	ask.item = red;
	CHECK_RC(explain_item(r, snapshot_table(w.held), &lead, &ask, w.a, &e, &err), RC_OK, err);
	CHECK(!e.told);
	CHECK_RC(explain_item(r, snapshot_table(w.held), &other, &ask, w.a, &e, &err), RC_ABSENT, err);
	ask.item = STR("finding--00000000000000000000000000000000");
	CHECK_RC(explain_item(r, snapshot_table(w.held), &lead, &ask, w.a, &e, &err), RC_ABSENT, err);
	ask.item = STR("event--zz");
	CHECK_RC(explain_item(r, snapshot_table(w.held), &lead, &ask, w.a, &e, &err), RC_ABSENT, err);
	store_read_end(r);
	world_end(&w);
}

static enum rc spoil_bodies(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE record_version SET body = '{ no JSON'"), e);
}

/* A body that nobody can read is said, not told as if it had nothing to cut. */
TEST(a_body_that_is_spoiled)
{
	struct world w = world_new();
	const struct recipient staff = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true };
	struct viewer lead = person(LEAD, 1, staff, (struct uuid){ .b = { 0 } });
	struct explain_ask ask = { .item = make(&w, &lead, "{\"tlp\":\"GREEN\"}"), .account = &lead, .by = CHANNEL_SCREEN,
				   .purpose = PURPOSE_HANDLING, .policy = lead.policy };
	struct explanation e;
	struct reader *r = NULL;

	CHECK_RC(store_write(w.s, spoil_bodies, NULL, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(explain_item(r, snapshot_table(w.held), &lead, &ask, w.a, &e, &err), RC_INPUT, err);
	CHECK(err.text[0] && e.cut_count == 0);
	store_read_end(r);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(says_what_happens), TEST_RUN(to_others_and_from_who_may_not_ask), TEST_RUN(a_body_that_is_spoiled))
