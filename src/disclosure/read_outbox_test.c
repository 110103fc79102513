/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox and the ledger for who runs the node: what is about things he may not see is covered. The
 * table of findings is a double. */
#include "disclosure/records_world.h"

#include "disclosure/floor_test.h"
#include "disclosure/read_outbox.h"
#include "store/fault_test.h"
#include "store/sql.h"

#define FINDING "finding--00000000000000010000000000000001"
#define NO_FINDING "finding--00000000000000010000000000000002"

struct desk {
	struct world w;
	struct roles *roles;
	struct viewer lead, admin;
	str amber, red;
	int64_t at;
};

static struct desk desk_new(void)
{
	struct desk d = { .w = world_new(), .lead = staff(LEAD | ANALYST, 5), .admin = staff(1 << 7, 2) };
	CHECK_RC(roles_load(NULL, &d.roles, &err), RC_OK, err);
	d.lead.right = d.admin.right = RIGHT_OPERATE;
	struct uuid id = make(&d.w, STR(""), "{\"tlp\":\"AMBER\"}", 1);
	d.amber = id_str(&d.w, "incident", &id);
	id = make(&d.w, STR(""), "{\"tlp\":\"RED\",\"named\":[\"account:9\"]}", 2);
	d.red = id_str(&d.w, "incident", &id);
	below = (struct below){ .finding_count = 1, .findings = { { .id = { 1, 1 }, .tlp = TLP_GREEN } } };
	return d;
}

static void desk_end(struct desk *d)
{
	below = (struct below){ .events = NULL };
	roles_free(d->roles);
	world_end(&d->w);
}

struct putting {
	struct desk *d;
	str item, covered;
	int64_t id;
};

static enum rc put_job(struct tx *tx, void *ctx, struct err *e)
{
	struct putting *p = ctx;
	const struct cover covers[] = { { p->covered, 1 }, { p->d->amber, 1 } };
	const struct message m = { .lane = LANE_INCIDENT, .driver = STR("mail"), .recipient = STR("person--x"), .item = p->item,
				   .item_version = 1, .template = STR("t"), .details = STR("{\"a\":1}"), .maker = STR("canary maker"),
				   .made_at = (uint64_t)++p->d->at };
	enum rc rc = outbox_put(tx, &m, covers, p->covered.n ? 2 : 0, &p->id, e);
	const struct ledger_row row = { .at_us = 5, .kind = LEDGER_SAID, .recipient = STR("person--x"), .driver = STR(""),
					.item = p->item, .item_version = 1, .rule = STR("rule"), .cut = STR("canary cut"),
					.reference = STR("ref"), .words = STR("canary words") };
	int64_t id;
	return rc == RC_OK ? ledger_add(tx, &row, &id, e) : rc;
}

static int64_t put(struct desk *d, str item, const char *covered)
{
	struct putting p = { .d = d, .item = item, .covered = str_of(covered) };
	CHECK_RC(store_write(d->w.s, put_job, &p, &err), RC_OK, err);
	return p.id;
}

static enum rc spoil_job(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE record_version SET body = '{'"), e);
}

TEST(covered)
{
	struct desk d = desk_new();
	struct viewer plain = d.lead, none = d.lead;
	const struct { const char *what; str item; const struct viewer *v; bool seen; } cases[] = {
		{ "a record", d.amber, &d.lead, true },
		{ "one that he may not see", d.red, &d.lead, false },
		{ "who runs the node reads no case", d.amber, &d.admin, false },
		{ "a finding", STR_INIT(FINDING), &d.lead, true },
		{ "one that is not there", STR_INIT(NO_FINDING), &d.lead, false },
		{ "about nothing", STR_INIT(""), &d.admin, true },
		{ "of no kind known here", STR_INIT("thing"), &d.lead, false },
	};
	d.admin.reads_no_case = true;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t id = put(&d, cases[i].item, "");
		struct reader *r = begin(&d.w);
		struct message m;
		struct cover *covers;
		struct ledger_row *rows;
		size_t n = 9;
		CHECK_RC(read_message(r, types_of(&d.w), cases[i].v, id, d.w.a, &m, &covers, &n, &err), RC_OK, err);
		CHECK_MSG(str_eq(m.item, cases[i].seen ? cases[i].item : STR("")), "%s", cases[i].what);
		CHECK_MSG((m.maker.n > 0) == cases[i].seen && (m.made_at > 0) == cases[i].seen, "%s", cases[i].what);
		CHECK_STR(m.details, cases[i].seen ? STR("{\"a\":1}") : STR("{}"));
		CHECK_INT(n, 0);
		const struct ledger_query newest = { .limit = 1 };
		CHECK_RC(read_ledger(r, types_of(&d.w), d.roles, cases[i].v, &newest, d.w.a, &rows, &n, &err), RC_OK, err);
		CHECK_INT(n, 1);
		if (n == 1)
			CHECK_MSG((rows[0].words.n > 0) == cases[i].seen && (rows[0].cut.n > 0) == cases[i].seen &&
				  (rows[0].item_version > 0) == cases[i].seen, "%s", cases[i].what);
		/* asked for by what it is about: nothing, as if there were none */
		if (cases[i].item.n) {
			const struct outbox_query about = { .recipient = STR(""), .item = cases[i].item, .limit = 99 };
			const struct ledger_query said = { .item = cases[i].item, .limit = 99 };
			struct message *list;
			CHECK_RC(read_outbox(r, types_of(&d.w), cases[i].v, &about, d.w.a, &list, &n, &err), RC_OK, err);
			CHECK_MSG((n > 0) == cases[i].seen, "%s: %zu", cases[i].what, n);
			CHECK_RC(read_ledger(r, types_of(&d.w), d.roles, cases[i].v, &said, d.w.a, &rows, &n, &err), RC_OK, err);
			CHECK_MSG((n > 0) == cases[i].seen, "%s: %zu", cases[i].what, n);
		}
		store_read_end(r);
	}
	/* by a record's number, and what else a message covers */
	int64_t id = put(&d, d.amber, d.red.p);
	struct reader *r = begin(&d.w);
	const struct outbox_query number = { .recipient = STR(""), .item = STR("incident-1"), .limit = 99 };
	struct message *list, m;
	struct cover *covers;
	struct ledger_row *rows;
	size_t n = 0;
	CHECK_RC(read_outbox(r, types_of(&d.w), &d.lead, &number, d.w.a, &list, &n, &err), RC_OK, err);
	CHECK(n >= 3);
	CHECK_RC(read_message(r, types_of(&d.w), &d.lead, id, d.w.a, &m, &covers, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	size_t shown_items = 0;
	for (size_t i = 0; i < n; i++)
		shown_items += covers[i].item.n > 0;
	CHECK_INT(shown_items, 1);
	CHECK_RC(read_message(r, types_of(&d.w), &d.lead, 999, d.w.a, &m, &covers, &n, &err), RC_ABSENT, err);
	/* whose it is to look */
	plain.right = RIGHT_READ;
	none.right = RIGHT_READ;
	none.roles = 0;
	plain.roles = AUDITOR;
	const struct outbox_query all = { .recipient = STR(""), .item = STR(""), .limit = 99 };
	const struct ledger_query said = { .limit = 99 };
	CHECK_RC(read_outbox(r, types_of(&d.w), &plain, &all, d.w.a, &list, &n, &err), RC_DENIED, err);
	CHECK_RC(read_message(r, types_of(&d.w), &plain, id, d.w.a, &m, &covers, &n, &err), RC_DENIED, err);
	CHECK_RC(read_ledger(r, types_of(&d.w), d.roles, &none, &said, d.w.a, &rows, &n, &err), RC_DENIED, err);
	CHECK_INT(n, 0);
	CHECK_RC(read_ledger(r, types_of(&d.w), d.roles, &plain, &said, d.w.a, &rows, &n, &err), RC_OK, err);
	CHECK(n > 0);
	/* a finding that cannot be read is not taken for one that is not for him */
	below.findings_rc = RC_IO;
	const struct outbox_query about = { .recipient = STR(""), .item = STR(FINDING), .limit = 99 };
	CHECK_RC(read_outbox(r, types_of(&d.w), &d.lead, &about, d.w.a, &list, &n, &err), RC_IO, err);
	store_read_end(r);
	below.findings_rc = RC_OK;
	/* who reads the journal and no findings: nothing of them; nor of a record whose body is damaged */
	plain.right = RIGHT_PUBLIC;
	(void)put(&d, STR(FINDING), "");
	(void)put(&d, d.amber, "");
	CHECK_RC(store_write(d.w.s, spoil_job, NULL, &err), RC_OK, err);
	r = begin(&d.w);
	const struct ledger_query newest = { .limit = 2 };
	CHECK_RC(read_ledger(r, types_of(&d.w), d.roles, &plain, &newest, d.w.a, &rows, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	for (size_t i = 0; i < n; i++)
		CHECK(rows[i].item.n == 0 && rows[i].words.n == 0 && rows[i].recipient.n > 0);
	store_read_end(r);
	desk_end(&d);
}

TEST(who_stops_messages)
{
	struct desk d = desk_new();
	struct viewer reads = d.lead, plain = d.lead;
	int64_t id = put(&d, d.amber, "");
	reads.reads_only = true;
	plain.right = RIGHT_READ;
	CHECK_RC(change_message(d.w.r, d.w.s, &reads, id, false, STR("no"), &err), RC_DENIED, err);
	CHECK_RC(change_message(d.w.r, d.w.s, &plain, id, false, STR("no"), &err), RC_DENIED, err);
	CHECK_RC(change_message(d.w.r, d.w.s, &d.lead, id, true, STR("again"), &err), RC_CONFLICT, err);
	CHECK_RC(change_message(d.w.r, d.w.s, &d.lead, id, false, STR("no"), &err), RC_OK, err);
	desk_end(&d);
}

/* --- each statement fails once --- */

struct look {
	struct desk *d;
	int64_t id;
};

static enum rc look_all(void *ctx, struct err *e)
{
	const struct look *k = ctx;
	struct desk *d = k->d;
	const struct outbox_query all = { .recipient = STR(""), .item = STR(""), .limit = 9 };
	const struct ledger_query said = { .limit = 9 };
	struct reader *r = NULL;
	struct message *list, m;
	struct cover *covers;
	struct ledger_row *rows;
	size_t n;
	enum rc rc = store_read_begin(d->w.s, &r, e);
	if (rc == RC_OK)
		rc = read_outbox(r, types_of(&d->w), &d->lead, &all, d->w.a, &list, &n, e);
	if (rc == RC_OK)
		rc = read_message(r, types_of(&d->w), &d->lead, k->id, d->w.a, &m, &covers, &n, e);
	if (rc == RC_OK)
		rc = read_ledger(r, types_of(&d->w), d->roles, &d->lead, &said, d->w.a, &rows, &n, e);
	store_read_end(r);
	return rc;
}

TEST(faults)
{
	struct desk d = desk_new();
	struct look k = { &d, put(&d, d.amber, d.red.p) };
	struct fault f = fault_begin(d.w.d.path);
	CHECK(fault_each(&f, "outbox", look_all, &k) > 0);
	fault_end(&f);
	desk_end(&d);
}

TEST_MAIN(TEST_RUN(covered), TEST_RUN(who_stops_messages), TEST_RUN(faults))
