/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts of last resort: what the table is asked for which finding, and what they are told. The tables of
 * findings and of contacts are doubles. */
#include "disclosure/records_world.h"

#include "disclosure/told.h"
#include "store/sql.h"

static const struct finding findings[] = {
	{ .id = { 1, 1 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 192.0.2.1 port 53"), .asn = 64500,
	  .mark_reason = STR_INIT("said by a person") },
	{ .id = { 1, 2 }, .tlp = TLP_GREEN, .key = STR_INIT("net 192.0.2.0/24") },
	{ .id = { 1, 3 }, .tlp = TLP_AMBER, .key = STR_INIT("ip 192.0.2.1") },
	{ .id = { 1, 4 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 198.18.0.1") },
	{ .id = { 1, 5 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 192.0.2.1"), .exercise = true },
	{ .id = { 1, 6 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 192.0.2.1"), .held_us = 5 },
	{ .id = { 1, 7 }, .tlp = TLP_COUNT, .key = STR_INIT("ip 192.0.2.1") },
	{ .id = { 1, 8 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 192.0.2.1") },
	{ .id = { 1, 9 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 192.0.2.1") },
	{ .id = { 1, 10 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 192.0.2.1") },
	{ .id = { 1, 11 }, .tlp = TLP_CLEAR, .key = STR_INIT("ip 192.0.2.1") },
};

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out, struct err *e)
{
	(void)r, (void)a;
	for (size_t i = 0; i < COUNT_OF(findings); i++)
		if (findings[i].id.lo == id.lo) {
			*out = findings[i];
			return RC_OK;
		}
	return fail(e, RC_ABSENT, "findings: nothing");
}

/* Two feeds saw the first, one of which nobody knows the eighth; what is read of the ninth is broken. */
enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out, size_t *count_out,
		       struct err *e)
{
	(void)r;
	*count_out = 1;
	*out = ARENA_ARRAY(a, 2, struct finding_feed);
	(*out)[0] = (struct finding_feed){ .feed = id.lo == 8 ? 99 : id.lo == 10 ? 3 : id.lo == 11 ? 4 : 1 };
	(*out)[1] = (struct finding_feed){ .feed = 2 };
	*count_out += id.lo == 1;
	return id.lo == 9 ? fail(e, RC_IO, "findings: nothing") : RC_OK;
}

static struct buf asked = BUF_INIT(KIB(1)); /* what the table was asked last */

/* Two addresses answer for 192.0.2.0/24, and for every name and number. */
size_t fallback_find(const struct fallback *f, const struct fallback_ask *ask, struct fallback_hit out[FALLBACK_HITS_MAX])
{
	char z[48];
	(void)f;
	buf_fmt(&asked, STR_FMT " %u " STR_FMT, STR_ARG(ask->ip ? ip_str(z, ask->ip) : STR("-")), ask->asn, STR_ARG(ask->fqdn));
	if (ask->ip && !str_starts(ip_str(z, ask->ip), STR("192.0.2.")))
		return 0;
	out[0] = (struct fallback_hit){ .email = STR("first@example.org"), .trust = 60 };
	out[1] = (struct fallback_hit){ .email = STR("Abuse@Example.net"), .trust = 45 };
	return 2;
}

TEST(what_the_table_is_asked)
{
	static const struct {
		const char *key, *asked;
		bool exercise;
	} cases[] = {
		{ "ip 192.0.2.1 port 53", "192.0.2.1 64500 ", false },
		{ "ip 192.0.2.1", "", true },
		{ "ip something", "", false },
		{ "net 198.18.4.0/22", "198.18.4.0 64500 ", false },
		{ "net something", "", false },
		{ "domain example.org", "- 64500 example.org", false },
		{ "domain ", "", false },
		{ "url https://www.example.org/x", "- 64500 www.example.org", false },
		{ "url http://192.0.2.9/x", "192.0.2.9 64500 ", false },
		{ "url something", "", false },
		{ "asn AS64500", "- 64500 ", false },
		{ "account of example.org", "", false },
		{ "", "", false },
	};
	struct fallback_hit hits[FALLBACK_HITS_MAX];
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct finding f = { .key = str_of(cases[i].key), .asn = 64500, .exercise = cases[i].exercise };
		buf_reset(&asked);
		size_t n = told_last_resort_of(NULL, &f, hits);
		CHECK_MSG(str_eq(buf_str(&asked), str_of(cases[i].asked)), "%s: '" STR_FMT "'", cases[i].key,
			  STR_ARG(buf_str(&asked)));
		CHECK_MSG((n > 0) == (cases[i].asked[0] && !strstr(cases[i].asked, "198.18.")), "%s", cases[i].key);
	}
	buf_free(&asked);
}

/* The third may be told to each of its own, the fourth to nobody outside. */
static enum rc feeds_job(struct tx *tx, void *ctx, struct err *e)
{
	static const char *const licences[] = { "", "CC0", "own-assets", "internal" };
	enum rc rc = RC_OK;
	(void)ctx;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(licences); i++) {
		struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO feed (id, name, provider, url, licence, tlp, is_on, exercise, format,"
						 " mapping, folder, period_us, complete, made_us, last_report_us)"
						 " VALUES (?1, 'f' || ?1, '', '', ?2, 0, 1, 0, 'auto', x'', '', 0, 0, 0, 0)");
		sql_int(q, 1, (int64_t)i + 1);
		sql_str(q, 2, str_of(licences[i]));
		rc = sql_run(q, e);
	}
	return rc;
}

static void free_nothing(void *table)
{
	(void)table;
}

TEST(what_he_is_told)
{
#define TERMS "the terms of its source do not let it be passed on to them"
	static const struct {
		const char *what, *email;
		enum tlp ceiling;
		char item;
		const char *denied; /* NULL: he is told */
	} cases[] = {
		{ "theirs", "first@example.org", TLP_GREEN, '1', NULL },
		{ "theirs, written otherwise", "abuse@example.NET", TLP_GREEN, '1', NULL },
		{ "a network", "abuse@example.net", TLP_GREEN, '2', NULL },
		{ "stricter", "abuse@example.net", TLP_GREEN, '3', "stricter than the recipient may see" },
		{ "as the node is set", "abuse@example.net", TLP_AMBER, '3', NULL },
		{ "clear alone", "abuse@example.net", TLP_CLEAR, '2', "stricter than the recipient may see" },
		{ "another's, whatever its marking", "abuse@example.net", TLP_GREEN, '4',
		  "nobody names the recipient for what it is about" },
		{ "not named", "other@example.net", TLP_GREEN, '1', "nobody names the recipient for what it is about" },
		{ "an exercise", "abuse@example.net", TLP_GREEN, '5', "made in an exercise in which the recipient takes no part" },
		{ "held", "abuse@example.net", TLP_GREEN, '6', "a person holds it back" },
		{ "no marking that is known", "abuse@example.net", TLP_AMBER, '7', "stricter than the recipient may see" },
		{ "of a feed that is not known", "abuse@example.net", TLP_GREEN, '8', TERMS },
		{ "terms for their own", "abuse@example.net", TLP_GREEN, 'a', NULL },
		{ "terms for nobody outside", "abuse@example.net", TLP_GREEN, 'b', TERMS },
	};
	struct world w = world_new();
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	struct policies *p = NULL;
	struct snapshot *contacts = snapshot_new(free_nothing);
	snapshot_swap(contacts, &asked);
	CHECK_RC(policies_open(w.s, w.r, &from, &p, &err), RC_OK, err);
	struct reader *r = NULL;
	CHECK_RC(store_write(w.s, feeds_job, NULL, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct told_to to;
		struct told t;
		char id[48] = "finding--00000000000000010000000000000000";
		id[strlen(id) - 1] = cases[i].item;
		CHECK_RC(told_last_resort(p, contacts, str_of(cases[i].email), cases[i].ceiling, CHANNEL_MAIL, &to, &err), RC_OK, err);
		CHECK(uuid_is_zero(&to.viewer.organisation) && to.org == 0);
		enum rc rc = told_item(r, NULL, &to, str_of(id), 0, w.a, &t, &err);
		CHECK_MSG(rc == (cases[i].denied ? RC_DENIED : RC_OK), "%s: %s", cases[i].what, rc_name(rc));
		if (cases[i].denied)
			CHECK_MSG(strcmp(t.rule, cases[i].denied) == 0, "%s: %s", cases[i].what, t.rule);
		else
			CHECK_MSG(t.finding.mark_reason.n == 0, "%s", cases[i].what);
		told_end(&t);
	}
	struct told_to to;
	struct told t;
	CHECK_RC(told_last_resort(p, contacts, STR("abuse@example.net"), TLP_GREEN, CHANNEL_MAIL, &to, &err), RC_OK, err);
	CHECK_RC(told_item(r, NULL, &to, STR("finding--00000000000000010000000000000009"), 0, w.a, &t, &err), RC_IO, err);
	told_end(&t);
	store_read_end(r);
	policies_close(p);
	snapshot_free(contacts);
	buf_free(&asked);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(what_the_table_is_asked), TEST_RUN(what_he_is_told))
