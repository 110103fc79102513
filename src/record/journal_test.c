/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/arena.h"
#include "base/test_dir.h"
#include "record/journal.h"

static struct err err;

struct world {
	struct test_dir d;
	struct store *s;
	struct journal *j;
};

static struct world opened(void)
{
	struct world w = { .d = test_dir_new() };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(journal_open(w.s, &w.j, &err), RC_OK, err);
	return w;
}

static void ended(struct world *w)
{
	journal_close(w->j);
	store_close(w->s);
	test_dir_end(&w->d);
}

static void add_lines(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		struct journal_act act = { .act = "export",
					   .actor = STR("unix:0"),
					   .object = STR("report:7"),
					   .count = 3,
					   .body = STR("{\"rows\":3}") };
		CHECK_RC(journal_write(w->j, &act, &err), RC_OK, err);
	}
}

static struct journal_check verify(struct world *w, str witness)
{
	struct reader *r;
	struct journal_check check = { 0 };
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(journal_verify(reader_conn(r), witness, &check, &err), RC_OK, err);
	store_read_end(r);
	return check;
}

static enum rc run_sql(struct tx *tx, void *ctx, struct err *e)
{
	return sql_run(sql(tx_conn(tx), ctx), e);
}

TEST(lines_and_head)
{
	struct world w = opened();
	struct journal_check k = verify(&w, STR_NONE);
	CHECK_INT(k.lines, 0);
	CHECK_INT(k.first_bad, 0);
	add_lines(&w, 5);
	k = verify(&w, STR_NONE);
	CHECK_INT(k.lines, 5);
	CHECK_INT(k.first_bad, 0);
	struct reader *r;
	struct arena *a = arena_new(KIB(4));
	struct journal_line *list;
	size_t n;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(journal_list(reader_conn(r), 5, 2, a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	CHECK_INT(list[0].number, 4);
	CHECK_STR(list[1].act, STR("export"));
	CHECK_STR(list[1].body, STR("{\"rows\":3}"));
	arena_free(a);
	store_read_end(r);
	/* the key and the chain go on after a start */
	journal_close(w.j);
	store_close(w.s);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(journal_open(w.s, &w.j, &err), RC_OK, err);
	add_lines(&w, 1);
	k = verify(&w, STR_NONE);
	CHECK_INT(k.lines, 6);
	CHECK_INT(k.first_bad, 0);
	ended(&w);
}

static enum rc add_three(struct tx *tx, void *ctx, struct err *e)
{
	struct journal_act act = { .act = "refusal", .actor = STR("node") };
	enum rc rc = RC_OK;
	for (int i = 0; i < 3 && rc == RC_OK; i++)
		rc = journal_add(tx, ctx, &act, e);
	return rc;
}

static int64_t count_heads(struct world *w)
{
	struct reader *r;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM journal_head");
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(one_head_a_group)
{
	struct world w = opened();
	struct reader *r;
	struct buf head = BUF_INIT(200);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(journal_head(reader_conn(r), &head, &err), RC_ABSENT, err);
	store_read_end(r);
	CHECK_RC(store_write(w.s, add_three, w.j, &err), RC_OK, err);
	CHECK_INT(count_heads(&w), 1);
	CHECK_RC(store_write(w.s, add_three, w.j, &err), RC_OK, err);
	CHECK_INT(count_heads(&w), 1); /* the newer one covers what the older did */
	struct journal_check k = verify(&w, STR_NONE);
	CHECK_INT(k.lines, 6);
	CHECK_INT(k.first_bad, 0);
	buf_free(&head);
	ended(&w);
}

static enum rc add_many(struct tx *tx, void *ctx, struct err *e)
{
	struct journal_act act = { .act = "refusal", .actor = STR("node") };
	enum rc rc = RC_OK;
	for (int i = 0; i < 700 && rc == RC_OK; i++)
		rc = journal_add(tx, ctx, &act, e);
	return rc;
}

TEST(one_head_of_each_thousand_lines_stays)
{
	struct world w = opened();
	for (int i = 0; i < 5; i++)
		CHECK_RC(store_write(w.s, add_many, w.j, &err), RC_OK, err);
	/* 700, 1400, 2800 and the newest, 3500: the last of each thousand */
	CHECK_INT(count_heads(&w), 4);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0);
	static char spoil[] = "UPDATE journal_head SET signature = randomblob(64)"
			      " WHERE number > 2000";
	CHECK_RC(store_write(w.s, run_sql, spoil, &err), RC_OK, err);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 1401);
	ended(&w);
}

static const struct {
	const char *what, *change;
	uint64_t first_bad;
} changes[] = {
	{ "actor changed", "UPDATE journal SET actor = 'x' WHERE number = 3", 3 },
	{ "time changed", "UPDATE journal SET at_us = at_us + 1 WHERE number = 1", 1 },
	{ "count changed", "UPDATE journal SET count = 0 WHERE number = 6", 6 },
	{ "object changed", "UPDATE journal SET object = '' WHERE number = 2", 2 },
	{ "root changed", "UPDATE journal SET root = randomblob(32) WHERE number = 4", 4 },
	{ "root of wrong size", "UPDATE journal SET root = x'00' WHERE number = 4", 4 },
	{ "body changed", "UPDATE journal SET body = '{}' WHERE number = 5", 5 },
	{ "salt changed", "UPDATE journal SET salt = randomblob(16) WHERE number = 5", 5 },
	{ "body alone erased", "UPDATE journal SET body = NULL WHERE number = 5", 5 },
	{ "salt alone erased", "UPDATE journal SET salt = NULL WHERE number = 5", 5 },
	{ "hash changed", "UPDATE journal SET hash = randomblob(32) WHERE number = 2", 2 },
	{ "a line cut out", "DELETE FROM journal WHERE number = 4", 4 },
	{ "the first cut", "DELETE FROM journal WHERE number = 1", 1 },
	{ "the last cut", "DELETE FROM journal WHERE number = 6", 6 },
	{ "all cut", "DELETE FROM journal", 1 },
	{ "two exchanged",
	  "UPDATE journal SET number = CASE number WHEN 2 THEN -3 WHEN 3 THEN -2 END"
	  " WHERE number IN (2, 3)",
	  1 },
	{ "a head changed", "UPDATE journal_head SET hash = randomblob(32) WHERE number = 6", 1 },
	{ "a head of another line",
	  "INSERT INTO journal_head SELECT 4, hash, signature FROM journal_head", 4 },
	{ "a signature of the last",
	  "UPDATE journal_head SET signature = randomblob(64)"
	  " WHERE number = 6",
	  1 },
	{ "all heads cut", "DELETE FROM journal_head", 1 },
	{ "the key removed", "DELETE FROM node WHERE key = 'journal.public'", 1 },
	{ "another key", "UPDATE node SET value = randomblob(32) WHERE key = 'journal.public'", 1 },
	{ "body and salt erased", "UPDATE journal SET body = NULL, salt = NULL WHERE number = 5",
	  0 },
	{ "an extra line",
	  "INSERT INTO journal SELECT 7, at_us, actor, act, object, count, root,"
	  " commitment, salt, body, hash FROM journal WHERE number = 6",
	  7 },
};

TEST(every_change_shows)
{
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct world w = opened();
		add_lines(&w, 6);
		journal_close(w.j); /* whoever changes it has no key */
		w.j = NULL;
		CHECK_RC(store_write(w.s, run_sql, (void *)(uintptr_t)changes[i].change, &err),
			 RC_OK, err);
		struct journal_check k = verify(&w, STR_NONE);
		CHECK_MSG(k.first_bad == changes[i].first_bad, "%s: line %llu (%s)",
			  changes[i].what, (unsigned long long)k.first_bad, k.words);
		ended(&w);
	}
}

TEST(a_cut_tail_shows_against_a_witness)
{
	struct world w = opened();
	static char keep[] = "CREATE TABLE kept AS SELECT * FROM journal_head";
	add_lines(&w, 4);
	CHECK_RC(store_write(w.s, run_sql, keep, &err), RC_OK, err); /* in an old copy, say */
	add_lines(&w, 2);
	struct reader *r;
	struct buf head = BUF_INIT(200);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(journal_head(reader_conn(r), &head, &err), RC_OK, err);
	store_read_end(r);
	add_lines(&w, 1);
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 0);
	journal_close(w.j);
	w.j = NULL;
	static char cut[] = "DELETE FROM journal WHERE number > 4";
	static char cut_heads[] = "DELETE FROM journal_head WHERE number > 4";
	static char put_back[] = "INSERT INTO journal_head SELECT * FROM kept";
	CHECK_RC(store_write(w.s, run_sql, cut, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, run_sql, cut_heads, &err), RC_OK, err);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 1); /* no head is left */
	CHECK_RC(store_write(w.s, run_sql, put_back, &err), RC_OK, err);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0); /* by itself it looks sound */
	struct journal_check k = verify(&w, buf_str(&head));
	CHECK_INT(k.first_bad, 5);
	static const char *const wrong[] = { "6", "0:00", "x:00", "6:zz", ":" };
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_RC(journal_verify(reader_conn(r), str_of(wrong[i]), &k, &err), RC_INPUT, err);
	/* a head of another history */
	head.p[2] = head.p[2] == '0' ? '1' : '0';
	head.p[0] = '3';
	CHECK_RC(journal_verify(reader_conn(r), buf_str(&head), &k, &err), RC_OK, err);
	CHECK_INT(k.first_bad, 3);
	store_read_end(r);
	buf_free(&head);
	ended(&w);
}

TEST_MAIN(TEST_RUN(lines_and_head), TEST_RUN(one_head_a_group),
	  TEST_RUN(one_head_of_each_thousand_lines_stays), TEST_RUN(every_change_shows),
	  TEST_RUN(a_cut_tail_shows_against_a_witness))
