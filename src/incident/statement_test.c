/* SPDX-License-Identifier: Apache-2.0 */
#include "incident/statement.h"

#include "incident/case_world.h"
#include "incident/from.h"

static struct viewer node_of(struct world *w)
{
	struct viewer v = staff(LEAD | ANALYST | DUTY, 1);
	(void)w;
	return v;
}

static enum statement_stage stage(struct world *w, const struct viewer *v, const char *receipt)
{
	struct statement_status s = { 0 };
	struct reader *r;
	struct err e = { 0 };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(w->r));
	CHECK_RC(store_read_begin(w->s, &r, &e), RC_OK, e);
	enum rc rc = statement_find(r, snapshot_table(types), v, str_of(receipt), w->a, &s, &e);
	store_read_end(r);
	snapshot_drop(records_types_snapshot(w->r), types);
	CHECK((rc == RC_OK) == (s.stage != 0) && (rc == RC_OK || rc == RC_ABSENT));
	CHECK(rc != RC_OK || s.received_us > 0);
	return s.stage;
}

static enum rc tell_us(struct world *w, const struct viewer *v, const char *what, char receipt[RECEIPT_BYTES])
{
	const struct statement_new q = { .what = str_of(what), .when = STR("yesterday"), .where = STR("hxxp://192.0.2[.]7/x"),
					 .contact = STR("someone@example.org"), .consent = true, .language = STR("id") };
	struct err e = { 0 };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(w->r));
	enum rc rc = statement_make(w->r, w->s, snapshot_table(types), v, &q, receipt, &e);
	snapshot_drop(records_types_snapshot(w->r), types);
	return rc;
}

TEST(told_and_worked)
{
	struct world w = cases_new();
	struct viewer v = node_of(&w);
	char receipt[RECEIPT_BYTES], other[RECEIPT_BYTES];
	CHECK_INT(tell_us(&w, &v, "", receipt), RC_INPUT);
	CHECK_INT(tell_us(&w, &v, " \n ", receipt), RC_INPUT);
	CHECK_INT(tell_us(&w, &v, "\xff\xfe", receipt), RC_INPUT);
	CHECK_STR(str_of(receipt), STR(""));
	CHECK_INT(tell_us(&w, &v, "<script>alert(1)</script>\nsecond line", receipt), RC_OK);
	CHECK_INT(tell_us(&w, &v, "another", other), RC_OK);
	CHECK_INT(strlen(receipt), RECEIPT_BYTES - 1);
	CHECK(strcmp(receipt, other) != 0);
	CHECK_INT(stage(&w, &v, receipt), STATEMENT_RECEIVED);
	/* as people type it */
	char typed[64] = { 0 };
	size_t n = 0;
	for (size_t i = 0; receipt[i]; i++)
		if (receipt[i] != '-') {
			typed[n++] = receipt[i] == '0' ? 'o' : receipt[i] == '1' ? 'l' : receipt[i];
			typed[n++] = ' ';
		}
	typed[n] = 0;
	CHECK_INT(stage(&w, &v, typed), STATEMENT_RECEIVED);
	static const char *const wrong[] = { "", "0", "0000-0000-0000-0000-0000", "UUUU-UUUU-UUUU-UUUU-UUUU", "statement-1", "'", "%" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_INT(stage(&w, &v, wrong[i]), 0);
	typed[n++] = '0';
	typed[n] = 0;
	CHECK_INT(stage(&w, &v, typed), 0);
	/* an incident made of it takes it up, and its end ends it */
	const str sources[] = { STR("statement-1") };
	const struct from_request from = { .sources = sources, .source_count = 1, .fields = STR_NONE, .open = true,
					   .why = STR("because"), .language = STR("en") };
	struct change_errors errors = { .count = 0 };
	struct err e = { 0 };
	str id;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(w.r));
	CHECK_RC(case_from(w.r, w.s, snapshot_table(types), NULL, &v, &from, w.a, &id, &errors, &e), RC_OK, e);
	snapshot_drop(records_types_snapshot(w.r), types);
	CHECK_INT(stage(&w, &v, receipt), STATEMENT_WORKED);
	CHECK_INT(stage(&w, &v, other), STATEMENT_RECEIVED);
	const struct change_request end = { .id = id, .to_state = STR("resolved"), .why = STR("because"),
					    .fields = STR("{\"outcome\":\"done\"}") };
	CHECK_RC(change(&w, &v, &end, NULL), RC_OK, err);
	CHECK_INT(stage(&w, &v, receipt), STATEMENT_CLOSED);
	const struct change_request no = { .id = STR("statement-2"), .to_state = STR("rejected"), .why = STR("because") };
	CHECK_RC(change(&w, &v, &no, NULL), RC_OK, err);
	CHECK_INT(stage(&w, &v, other), STATEMENT_CLOSED);
	CHECK_STR(str_of(statement_stage_name(STATEMENT_WORKED)), STR("worked"));
	CHECK_STR(str_of(statement_stage_name((enum statement_stage)9)), STR(""));
	world_end(&w);
}

TEST_MAIN(TEST_RUN(told_and_worked))
