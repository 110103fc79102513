/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read.h"

#include "base/test.h"
#include "base/test_dir.h"
#include "intake/feeds.h"
#include "store/fault_test.h"

static struct err err;

#define CANARY "canary-raw-31d4"

struct house {
	struct test_dir dir;
	struct store *store;
	struct journal *journal;
	struct reader *r;
	struct arena *a;
	struct batch *batch;
	struct feed feed;
	int64_t feed_id, report;
};

static enum rc add_feed(struct tx *tx, void *ctx, struct err *e)
{
	struct house *h = ctx;

	return feed_add(tx, h->journal, &h->feed, STR("node"), &h->feed_id, e);
}

static enum rc add_contact(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "INSERT INTO org_contact (org, at, role, email, phone)"
					" VALUES (7, 1, 'abuse', 'a@example.org', '')"), e);
}

static enum rc commit(struct tx *tx, void *ctx, struct err *e)
{
	struct house *h = ctx;
	struct report rep = { .id = h->report, .feed = h->feed_id };

	return quarantine_commit(tx, &rep, h->batch, e);
}

static int64_t put_feed(struct house *h, const char *name, enum tlp tlp, bool drill)
{
	h->feed = (struct feed){ .name = str_of(name), .tlp = tlp, .exercise = drill };
	CHECK_RC(store_write(h->store, add_feed, h, &err), RC_OK, err);
	return h->feed_id;
}

static void put_records(struct house *h, int64_t feed, int count)
{
	h->feed_id = feed;
	for (int i = 0; i < count; i++)
		batch_reject(h->batch, REJECT_FIELD, (uint64_t)i + 1, 0, STR(CANARY ",x"), 1,
			     "'%s' is no address", CANARY);
	CHECK_RC(store_write(h->store, commit, h, &err), RC_OK, err);
	batch_reset(h->batch);
}

static int64_t put_report(struct house *h, int64_t feed, bool drill)
{
	struct report rep = { .feed = feed, .exercise = drill };
	struct raw_intake *in = NULL;
	bool known;

	CHECK_RC(raw_begin(h->store, &in, &err), RC_OK, err);
	CHECK_RC(raw_add(in, STR("bytes"), &err), RC_OK, err);
	CHECK_RC(report_received(in, &rep, &known, &err), RC_OK, err);
	return rep.id;
}

/* Records 1..3 of an AMBER feed, 4..43 of a RED one, 44 of a feed nobody knows, 45
 * of a drill's feed, 46 of a drill's report, 47 of the AMBER feed. */
static struct house begin(void)
{
	struct house h = { .dir = test_dir_new(), .a = arena_new(KIB(64)), .batch = batch_new() };

	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(h.dir.path, "Team", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(h.dir.path, NULL, NULL, &h.store, &err), RC_OK, err);
	CHECK_RC(journal_open(h.store, &h.journal, &err), RC_OK, err);
	int64_t amber = put_feed(&h, "amber", TLP_AMBER, false);
	int64_t red = put_feed(&h, "red", TLP_RED, false);
	int64_t drill = put_feed(&h, "drill", TLP_CLEAR, true);
	int64_t drill_report = put_report(&h, amber, true);
	put_records(&h, amber, 3);
	put_records(&h, red, 40);
	put_records(&h, 999, 1);
	put_records(&h, drill, 1);
	h.report = drill_report;
	put_records(&h, amber, 1);
	h.report = 0;
	put_records(&h, amber, 1);
	CHECK_RC(store_read_begin(h.store, &h.r, &err), RC_OK, err);
	return h;
}

static void end(struct house *h)
{
	store_read_end(h->r);
	journal_close(h->journal);
	store_close(h->store);
	arena_free(h->a);
	batch_free(h->batch);
	test_dir_end(&h->dir);
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

static bool is_shown(const struct quarantined *q)
{
	return q->bytes.n > 0 || q->words.n > 0;
}

TEST(records_by_viewer)
{
	static const struct {
		const char *what;
		enum right right;
		enum tlp ceiling;
		bool basis, shown;
		size_t records;
	} cases[] = {
		{ "all", RIGHT_OPERATE, TLP_RED, true, true, 47 },
		{ "no basis", RIGHT_OPERATE, TLP_RED, false, false, 47 },
		{ "read", RIGHT_READ, TLP_RED, true, false, 45 },
		{ "amber", RIGHT_OPERATE, TLP_AMBER, true, true, 6 },
		{ "read amber", RIGHT_READ, TLP_AMBER, true, false, 4 },
		{ "green", RIGHT_READ, TLP_GREEN, true, false, 0 },
	};
	struct house h = begin();

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct viewer v = staff(cases[i].right, cases[i].ceiling, cases[i].basis);
		struct quarantined *list, one;
		size_t n, single = 0;

		CHECK_RC(read_quarantine(h.r, &v, 0, 0, true, h.a, &list, &n, &err), RC_OK, err);
		CHECK_MSG(n == cases[i].records, "%s: %zu", cases[i].what, n);
		for (size_t k = 0; k < n; k++)
			CHECK_MSG(is_shown(&list[k]) == cases[i].shown, "%s: %zu", cases[i].what, k);
		for (int64_t id = 1; id <= 60; id++) {
			enum rc rc = read_quarantined(h.r, &v, id, h.a, &one, &err);

			single += rc == RC_OK;
			CHECK(rc == RC_OK || rc == RC_ABSENT);
			CHECK_MSG(is_shown(&one) == (rc == RC_OK && cases[i].shown), "%s", cases[i].what);
			if (rc != RC_OK)
				CHECK_STR(str_of(err.text), STR("there is no such record in quarantine"));
		}
		CHECK_INT(single, n);
	}
	end(&h);
}

TEST(pages_are_full)
{
	struct house h = begin();
	struct viewer v = staff(RIGHT_READ, TLP_AMBER, true);
	struct quarantined *list;
	size_t n;

	/* Forty records between the two pages' worth are not for this viewer. */
	CHECK_RC(read_quarantine(h.r, &v, 0, 2, false, h.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	if (n == 2)
		CHECK(list[0].id == 47 && list[1].id == 3);
	CHECK_RC(read_quarantine(h.r, &v, 3, 2, false, h.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	CHECK_RC(read_quarantine(h.r, &v, 1, 2, false, h.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	end(&h);
}

TEST(bytes_only_when_asked)
{
	struct house h = begin();
	struct viewer v = staff(RIGHT_OPERATE, TLP_RED, true);
	struct quarantined *list;
	size_t n;

	CHECK_RC(read_quarantine(h.r, &v, 0, 1, false, h.a, &list, &n, &err), RC_OK, err);
	CHECK(n == 1 && list[0].bytes.n == 0 && list[0].words.n > 0);
	CHECK_RC(read_quarantine(h.r, &v, 0, 1, true, h.a, &list, &n, &err), RC_OK, err);
	CHECK(n == 1 && str_starts(list[0].bytes, STR(CANARY)));
	end(&h);
}

/* A picture from outside is shown to those alone whose work is to look at them. */
TEST(pictures_stay_where_they_are)
{
	struct house h = begin();
	struct viewer v = staff(RIGHT_OPERATE, TLP_RED, true);
	struct quarantined *list, one;
	size_t n;

	store_read_end(h.r);
	h.r = NULL;
	batch_reject(h.batch, REJECT_FIELD, 1, 0, STR("GIF89a\1\2" CANARY), 1, "'%s' is no address", CANARY);
	CHECK_RC(store_write(h.store, commit, &h, &err), RC_OK, err);
	batch_reset(h.batch);
	CHECK_RC(store_read_begin(h.store, &h.r, &err), RC_OK, err);
	CHECK_RC(read_quarantine(h.r, &v, 0, 500, true, h.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 48);
	if (n)
		CHECK(list[0].bytes.n == 0 && str_find(list[0].words, STR(CANARY)) == list[0].words.n);
	CHECK_RC(read_quarantined(h.r, &v, list[0].id, h.a, &one, &err), RC_OK, err);
	CHECK(one.bytes.n == 0);
	CHECK_STR(one.words, STR("a picture or a film: it is not shown"));
	end(&h);
}

static enum rc look_at_all(void *ctx, struct err *e)
{
	struct house *h = ctx;
	struct viewer v = staff(RIGHT_OPERATE, TLP_RED, true);
	struct quarantined *list, one;
	size_t n = 9;
	enum rc rc = store_read_begin(h->store, &h->r, e);
	if (rc == RC_OK)
		rc = read_quarantine(h->r, &v, 0, 0, true, h->a, &list, &n, e);
	if (rc == RC_OK)
		rc = read_quarantined(h->r, &v, 1, h->a, &one, e);
	store_read_end(h->r);
	h->r = NULL;
	return rc;
}

TEST(faults)
{
	struct house h = begin();
	store_read_end(h.r);
	h.r = NULL;
	struct fault f = fault_begin(h.dir.path);
	CHECK(fault_each(&f, "quarantine", look_at_all, &h) > 0);
	fault_end(&f);
	end(&h);
}

TEST(without_the_right)
{
	static const enum right rights[] = { RIGHT_PUBLIC, RIGHT_INTAKE };
	struct house h = begin();

	for (size_t i = 0; i < COUNT_OF(rights); i++) {
		struct viewer v = staff(rights[i], TLP_RED, true);
		struct quarantined *list, one = { 0 };
		struct org org = { .id = 7 };
		struct contact *contacts;
		struct who who;
		size_t n = 9;

		CHECK_RC(read_quarantine(h.r, &v, 0, 0, true, h.a, &list, &n, &err), RC_DENIED, err);
		CHECK_INT(n, 0);
		CHECK_RC(read_quarantined(h.r, &v, 1, h.a, &one, &err), RC_DENIED, err);
		CHECK(!is_shown(&one));
		CHECK_RC(read_who(&v, NULL, NULL, STR("192.0.2.1"), 0, &who, &err), RC_DENIED, err);
		n = 9;
		CHECK_RC(read_contacts(h.r, &v, &org, h.a, &contacts, &n, &err), RC_OK, err);
		CHECK_INT(n, 0);
	}
	end(&h);
}

TEST(contacts_need_a_basis)
{
	struct house h = begin();
	struct org org = { .id = 7 };
	struct viewer with = staff(RIGHT_READ, TLP_GREEN, true), without = staff(RIGHT_READ, TLP_GREEN, false);
	struct reader *r = NULL;
	struct contact *list;
	size_t n;

	CHECK_RC(store_write(h.store, add_contact, NULL, &err), RC_OK, err);
	CHECK_RC(store_read_begin(h.store, &r, &err), RC_OK, err);
	CHECK_RC(read_contacts(r, &with, &org, h.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_STR(list[0].email, STR("a@example.org"));
	CHECK_RC(read_contacts(r, &without, &org, h.a, &list, &n, &err), RC_OK, err);
	CHECK(!list && n == 0);
	CHECK_RC(read_contacts(r, &with, NULL, h.a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 0);
	store_read_end(r);
	end(&h);
}

TEST_MAIN(TEST_RUN(records_by_viewer), TEST_RUN(pages_are_full), TEST_RUN(bytes_only_when_asked),
	  TEST_RUN(pictures_stay_where_they_are), TEST_RUN(faults),
	  TEST_RUN(without_the_right), TEST_RUN(contacts_need_a_basis))
