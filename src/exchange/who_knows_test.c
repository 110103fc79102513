/* SPDX-License-Identifier: Apache-2.0 */
/* What our node answers by itself to who asks who knows what: to whom, how often, what of, and how it is marked. */
#include "exchange/exchange_world.h"

#include "disclosure/policy.h"
#include "exchange/who_knows_private.h"

#define NODE_C "cccccccc-0000-4000-8000-000000000001"
#define NODE_D "dddddddd-0000-4000-8000-000000000002"
#define HOUSE "organisation--0c010000-0000-0000-0000-000000000000"
#define FIELDS "{\"title\":\"Patch 192.0.2.7\",\"urgency\":\"act\",\"summary\":\"x\",\"advice\":\"y\",\"review_by\":\"2030-01-01\"}"

struct asked {
	struct team t;
	struct policies *policies;
	struct settings *settings;
	struct uuid partner, agreement, warning;
	unsigned asks;
};

static struct uuid put(struct asked *k, const char *type, struct uuid id, const char *fields, const char *state, const char *labels)
{
	const struct type *t = types_find(snapshot_table(k->t.w.held), str_of(type));
	struct record out;
	const struct record_change c = { .type = t, .id = id, .fields = fields ? str_of(fields) : STR_NONE, .why = STR("so"),
					 .to_state = state ? type_state(t, str_of(state)) : -1, .actor = STR("unix:0"),
					 .labels = labels ? str_of(labels) : STR_NONE };
	CHECK_RC(world_put(&k->t.w, &c, &out), RC_OK, err);
	return out.id;
}

static enum rc org_job(struct tx *tx, void *ctx, struct err *e)
{
	struct uuid house;
	str type;
	(void)ctx;
	CHECK(record_id_parse(STR(HOUSE), &type, &house));
	struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, name, folded, kind, country, sector, timezone, changed_us, record,"
					 " gone) VALUES (7, 'team c', 'team c', '', '', '', '', 0, ?1, 0)");
	sql_blob(q, 1, str_mem(house.b, sizeof house.b));
	return sql_run(q, e);
}

static const struct setting_row setting_rows[] = { { "partner_questions_a_day", SETTING_INT, "3", "1", "1000", "" } };

static void asked_new(struct asked *k, const char *flows)
{
	const struct uuid none = { { 0 } };
	const struct policy_sources sources = { .roles = STR("{}"), .public_k = 5 };
	*k = (struct asked){ .asks = 0 };
	team_new(&k->t);
	CHECK_RC(policies_open(k->t.w.s, k->t.w.r, &sources, &k->policies, &err), RC_OK, err);
	CHECK_RC(settings_load(setting_rows, COUNT_OF(setting_rows), STR_NONE, "t", NULL, NULL, 0, &k->settings, &err), RC_OK, err);
	k->t.x.w.policies = k->policies;
	k->t.x.w.settings = k->settings;
	CHECK_RC(store_write(k->t.w.s, org_job, NULL, &err), RC_OK, err);
	k->partner = put(k, "partner", none, "{\"name\":\"Team C\",\"kind\":\"node\",\"node\":\"" NODE_C "\",\"organisation\":\"" HOUSE "\"}",
			 "active", NULL);
	char fields[400];
	snprintf(fields, sizeof fields, "{\"title\":\"x\",\"kind\":\"treaty\",\"parties\":[\"" HOUSE "\"],\"flows\":[%s],"
		 "\"tlp_ceiling\":\"AMBER\",\"from\":\"2020-01-01\"}", flows);
	k->agreement = put(k, "agreement", none, fields, "in-force", NULL);
	k->warning = put(k, "warning", none, FIELDS, NULL, "{\"tlp\":\"AMBER\"}");
}

static void send(struct asked *k)
{
	put(k, "warning", k->warning, NULL, "approved", NULL);
	put(k, "warning", k->warning, NULL, "sent", NULL);
}

static void asked_end(struct asked *k)
{
	policies_close(k->policies);
	settings_free(k->settings);
	world_end(&k->t.w);
}

static struct uuid copy(struct asked *k, const char *type, const char *node, const char *fields, const char *state, const char *labels)
{
	const struct type *t = types_find(snapshot_table(k->t.w.held), str_of(type));
	struct record out;
	const struct record_change c = { .type = t, .id = { { 9, (uint8_t)++k->asks } }, .fields = str_of(fields), .origin = str_of(node),
					 .to_state = type_state(t, str_of(state)), .state_name = str_of(state), .type_name = str_of(type),
					 .actor = STR("partner--0c010000-0000-0000-0000-000000000000"), .labels = str_of(labels),
					 .version = 1, .type_version = 1 };
	CHECK_RC(world_put(&k->t.w, &c, &out), RC_OK, err);
	return out.id;
}

static int64_t number(struct asked *k, struct conn *c, const char *what, str about)
{
	struct sql *q = strcmp(what, "tlp") == 0 ?
		sql(c, "SELECT coalesce(max(r.tlp), -1) FROM record r JOIN record_name o ON o.id = r.origin JOIN record_index i ON i.record ="
		       " r.id AND i.value = ?1 WHERE o.name = ?2") :
		sql(c, "SELECT count(*) FROM record r JOIN record_name o ON o.id = r.origin JOIN record_index i ON i.record ="
		       " r.id AND i.value = ?1 WHERE o.name = ?2 AND r.title = ?3");
	sql_str(q, 1, about);
	sql_str(q, 2, store_node_id(k->t.w.s));
	if (strcmp(what, "tlp") != 0)
		sql_str(q, 3, str_of(what));
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -2;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	return n;
}

enum told_answer { NONE, NOTHING, KNOWN, TOO_OFTEN };
static const char *const words[] = { "none", "Nothing that we may tell.", "Known.", "Too many questions in a day: this one was not looked up." };

/* What is answered to it, twice asked; *tlp: how that is marked. */
static enum told_answer answer_of(struct asked *k, struct uuid id, int64_t *tlp)
{
	struct reader *r;
	enum told_answer out = NONE;
	for (int again = 0; again < 2; again++) {
		CHECK_RC(store_read_begin(k->t.w.s, &r, &err), RC_OK, err);
		CHECK_RC(who_knows_answer(&k->t.x, r, snapshot_table(k->t.w.held), id, &err), RC_OK, err);
		store_read_end(r);
	}
	str about = together_record_id(&(const struct record){ .type_name = STR("inquiry"), .id = id }, k->t.w.a);
	CHECK_RC(store_read_begin(k->t.w.s, &r, &err), RC_OK, err);
	for (enum told_answer a = NOTHING; a <= TOO_OFTEN; a++) {
		int64_t n = number(k, reader_conn(r), words[a], about);
		CHECK(n == 0 || n == 1);
		out = n ? a : out;
	}
	*tlp = number(k, reader_conn(r), "tlp", about);
	store_read_end(r);
	return out;
}

static enum told_answer ask(struct asked *k, const char *node, const char *value, const char *state, const char *labels, int64_t *tlp)
{
	char fields[300];
	snprintf(fields, sizeof fields, "{\"value\":\"%s\"}", value);
	return answer_of(k, copy(k, "inquiry", node, fields, state, labels), tlp);
}

#define ALL "\"findings\",\"warnings\",\"requests\""
#define GREEN "{\"tlp\":\"GREEN\"}"

static void test_who_and_what(void)
{
	static const struct {
		const char *what, *flows;
		bool sent;
		const char *node, *value, *state, *labels;
		enum told_answer want;
		int64_t tlp;
	} rows[] = {
		{ "known, as strict as the item", ALL, true, NODE_C, "192.0.2.7", "asked", GREEN, KNOWN, TLP_AMBER },
		{ "as strict as the question", ALL, true, NODE_C, "192.0.2.7", "asked", "{\"tlp\":\"RED\"}", KNOWN, TLP_RED },
		{ "another value", ALL, true, NODE_C, "192.0.2.9", "asked", GREEN, NOTHING, TLP_GREEN },
		{ "a draft is nobody's", ALL, false, NODE_C, "192.0.2.7", "asked", GREEN, NOTHING, TLP_GREEN },
		{ "that kind does not flow", "\"findings\",\"requests\"", true, NODE_C, "192.0.2.7", "asked", GREEN, NOTHING, TLP_GREEN },
		{ "requests do not flow", "\"findings\",\"warnings\"", true, NODE_C, "192.0.2.7", "asked", GREEN, NONE, -1 },
		{ "of no partner", ALL, true, NODE_D, "192.0.2.7", "asked", GREEN, NONE, -1 },
		{ "closed before it was read", ALL, true, NODE_C, "192.0.2.7", "closed", GREEN, NONE, -1 },
		{ "a network", ALL, true, NODE_C, "192.0.2.0/24", "asked", GREEN, NONE, -1 },
		{ "a pattern", ALL, true, NODE_C, "192.*", "asked", GREEN, NONE, -1 },
		{ "a part of it", ALL, true, NODE_C, "192.0.2", "asked", GREEN, NOTHING, TLP_GREEN },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct asked k;
		int64_t tlp;
		asked_new(&k, rows[i].flows);
		if (rows[i].sent)
			send(&k);
		enum told_answer got = ask(&k, rows[i].node, rows[i].value, rows[i].state, rows[i].labels, &tlp);
		CHECK_MSG(got == rows[i].want && tlp == rows[i].tlp, "%s: %s, %lld", rows[i].what, words[got], (long long)tlp);
		asked_end(&k);
	}
}

/* What is not ours to tell, of whom nobody is any more, and who asks too often. */
static void test_others_and_often(void)
{
	struct asked k;
	int64_t tlp;
	asked_new(&k, ALL);
	(void)copy(&k, "warning", NODE_D, FIELDS, "sent", "{\"tlp\":\"CLEAR\"}");
	CHECK_INT(ask(&k, NODE_C, "192.0.2.7", "asked", GREEN, &tlp), NOTHING);
	send(&k);
	CHECK_INT(ask(&k, NODE_C, "192.0.2.7", "asked", GREEN, &tlp), KNOWN);
	CHECK_INT(ask(&k, NODE_C, "192.0.2.7", "asked", GREEN, &tlp), KNOWN);
	CHECK_INT(ask(&k, NODE_C, "192.0.2.7", "asked", GREEN, &tlp), TOO_OFTEN);
	asked_end(&k);
	asked_new(&k, ALL);
	send(&k);
	put(&k, "partner", k.partner, NULL, "paused", NULL);
	CHECK_INT(ask(&k, NODE_C, "192.0.2.7", "asked", GREEN, &tlp), NONE);
	put(&k, "partner", k.partner, NULL, "active", NULL);
	put(&k, "agreement", k.agreement, NULL, "suspended", NULL);
	CHECK_INT(ask(&k, NODE_C, "192.0.2.7", "asked", GREEN, &tlp), NONE);
	asked_end(&k);
}

TEST_MAIN(TEST_RUN(who_and_what), TEST_RUN(others_and_often))
