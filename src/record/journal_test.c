/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>

#include "base/arena.h"
#include "base/io_trace.h"
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
	{ "body and salt erased, and nobody said so",
	  "UPDATE journal SET body = NULL, salt = NULL WHERE number = 5", 5 },
	{ "an old line once more at the end",
	  "INSERT INTO journal SELECT 7, at_us, actor, act, object, count, root,"
	  " commitment, salt, body, hash FROM journal WHERE number = 3",
	  7 },
	{ "two moved with their hashes",
	  "UPDATE journal SET (hash, salt, body, commitment) ="
	  " (SELECT hash, salt, body, commitment FROM journal o WHERE o.number ="
	  "  CASE journal.number WHEN 2 THEN 3 ELSE 2 END) WHERE number IN (2, 3)",
	  2 },
	{ "a line put in between",
	  "UPDATE journal SET number = number + 1 WHERE number = 6", 6 },
	{ "a hash too short", "UPDATE journal SET hash = x'00' WHERE number = 2", 2 },
	{ "a commitment too short", "UPDATE journal SET commitment = x'00' WHERE number = 2", 2 },
	{ "a head too short", "UPDATE journal_head SET hash = x'00'", 1 },
	{ "a signature too short", "UPDATE journal_head SET signature = x'00'", 1 },
	{ "an old head under a new number",
	  "UPDATE journal_head SET number = 60 WHERE number = 6", 1 },
	{ "all lines cut, and their heads",
	  "DELETE FROM journal WHERE (SELECT count(*) FROM journal_head) > 0", 1 },
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

static void take_head(struct world *w, struct buf *out)
{
	struct reader *r;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(journal_head(reader_conn(r), out, &err), RC_OK, err);
	store_read_end(r);
}

static enum rc verify_rc(struct world *w, str kept, struct journal_check *k)
{
	struct reader *r;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	enum rc rc = journal_verify(reader_conn(r), kept, k, &err);
	store_read_end(r);
	return rc;
}

static void change(struct world *w, const char *literal)
{
	CHECK_RC(store_write(w->s, run_sql, (void *)(uintptr_t)literal, &err), RC_OK, err);
}

TEST(a_cut_tail_shows_against_a_witness)
{
	struct world w = opened();
	struct buf head = BUF_INIT(200), file = BUF_INIT(KIB(4));
	struct journal_check k;
	for (int i = 0; i < 3; i++) {
		add_lines(&w, 2);
		buf_reset(&head);
		take_head(&w, &head);
		if (i == 1) /* in an old copy, say */
			change(&w, "CREATE TABLE kept AS SELECT * FROM journal_head");
		buf_fmt(&file, "# day %d\r\n\n" STR_FMT "\n", i, STR_ARG(buf_str(&head)));
	}
	add_lines(&w, 1);
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 0);
	k = verify(&w, buf_str(&file));
	CHECK_INT(k.first_bad, 0);
	CHECK_INT(k.heads, 3);
	journal_close(w.j);
	w.j = NULL;
	change(&w, "DELETE FROM journal WHERE number > 4");
	change(&w, "DELETE FROM journal_head WHERE number > 4");
	CHECK_INT(verify(&w, STR_NONE).first_bad, 1); /* no head is left */
	change(&w, "INSERT INTO journal_head SELECT * FROM kept");
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0); /* by itself it looks sound */
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 5);
	k = verify(&w, buf_str(&file));
	CHECK_INT(k.first_bad, 5);
	CHECK_INT(k.heads, 2);
	static const char *const wrong[] = { "6",    "0:00", "x:00", "6:zz",
					     ":",    "#",    "\n\n", "witness",
					     "witness a b c d e f" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		CHECK_RC(verify_rc(&w, str_of(wrong[i]), &k), RC_INPUT, err);
	/* a head of another history, before and behind the true one */
	head.p[2] = head.p[2] == '0' ? '1' : '0';
	head.p[0] = '3';
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 3);
	buf_char(&file, '\n');
	buf_add(&file, buf_str(&head));
	CHECK_INT(verify(&w, buf_str(&file)).first_bad, 3);
	/* nothing is left at all */
	change(&w, "DELETE FROM journal");
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 1);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 1);
	change(&w, "DELETE FROM journal_head");
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 1);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0);
	change(&w, "DELETE FROM node WHERE key = 'journal.public'");
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0);
	change(&w, "DELETE FROM node WHERE key = 'id'");
	CHECK_RC(verify_rc(&w, buf_str(&head), &k), RC_INPUT, err);
	buf_free(&file);
	buf_free(&head);
	ended(&w);
}

struct rekey {
	struct world *w;
	str why;
	bool undone;
};

static enum rc new_key(struct tx *tx, void *ctx, struct err *e)
{
	struct rekey *k = ctx;
	enum rc rc = journal_new_key(tx, k->w->j, k->why, STR("test"), e);
	return rc == RC_OK && k->undone ? fail(e, RC_DENIED, "undone") : rc;
}

static struct digest public_key(struct world *w)
{
	struct digest d = { { 0 } };
	struct reader *r = NULL;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT value FROM node WHERE key = 'journal.public'");
	if (sql_row(q))
		memcpy(d.b, sql_col_blob(q, 0).p, sizeof(d.b));
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return d;
}

TEST(another_key)
{
	struct world w = opened();
	struct buf head = BUF_INIT(200);
	struct rekey k = { .w = &w, .why = STR(" ") };
	add_lines(&w, 4);
	take_head(&w, &head);
	struct digest first = public_key(&w);
	CHECK_RC(store_write(w.s, new_key, &k, &err), RC_INPUT, err);
	/* a job that is undone leaves the old key, in memory too */
	k.why = STR("it was stolen");
	k.undone = true;
	CHECK_RC(store_write(w.s, new_key, &k, &err), RC_DENIED, err);
	struct digest now = public_key(&w);
	CHECK(!memcmp(&first, &now, sizeof(now)));
	add_lines(&w, 2);
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 0);
	k.undone = false;
	CHECK_RC(store_write(w.s, new_key, &k, &err), RC_OK, err);
	now = public_key(&w);
	CHECK(memcmp(&first, &now, sizeof(now)) != 0);
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 0); /* kept under the old key */
	add_lines(&w, 2);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0);
	/* and again, and what is changed still shows */
	CHECK_RC(store_write(w.s, new_key, &k, &err), RC_OK, err);
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 0);
	change(&w, "UPDATE journal SET actor = 'x' WHERE number = 3");
	CHECK_INT(verify(&w, STR_NONE).first_bad, 3);
	/* without a key there is nothing that could vouch for another */
	change(&w, "DELETE FROM node WHERE key = 'journal.public'");
	CHECK_RC(store_write(w.s, new_key, &k, &err), RC_IO, err);
	buf_free(&head);
	ended(&w);
}

/* Whoever has main.db has the key in it too and can sign what he made up: only a
 * head that was kept elsewhere shows it. */
TEST(a_forged_history_shows_against_a_head_kept_elsewhere)
{
	struct world w = opened();
	struct buf head = BUF_INIT(200);
	add_lines(&w, 4);
	take_head(&w, &head);
	change(&w, "DELETE FROM journal WHERE number > 2");
	change(&w, "DELETE FROM journal_head WHERE number > 2");
	struct journal_act act = { .act = "init", .actor = STR("node") };
	for (int i = 0; i < 4; i++)
		CHECK_RC(journal_write(w.j, &act, &err), RC_OK, err);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0);
	CHECK_INT(verify(&w, buf_str(&head)).first_bad, 4);
	buf_free(&head);
	ended(&w);
}

/* --- what another node witnessed --- */

struct witnessing {
	struct journal *j;
	str node, head;
	struct buf line;
};

static enum rc witness_job(struct tx *tx, void *ctx, struct err *e)
{
	struct witnessing *t = ctx;
	buf_reset(&t->line);
	return journal_witness(tx, t->j, t->node, t->head, STR("unix:0"), &t->line, e);
}

TEST(heads_that_another_node_witnessed)
{
	struct world a = opened(), b = opened();
	struct buf head = BUF_INIT(200), other = BUF_INIT(200), file = BUF_INIT(KIB(4));
	struct journal_check k;
	add_lines(&a, 3);
	take_head(&a, &head);
	struct witnessing t = { .j = b.j,
				.node = store_node_id(a.s),
				.head = buf_str(&head),
				.line = BUF_INIT(KIB(2)) };
	CHECK_RC(store_write(b.s, witness_job, &t, &err), RC_OK, err);
	CHECK(str_starts(buf_str(&t.line), STR("witness ")));
	buf_add(&file, buf_str(&t.line));
	buf_char(&file, '\n');
	/* a line about a third node does not concern us */
	struct witnessing third = { .j = b.j,
				    .node = STR("33333333-3333-4333-8333-333333333333"),
				    .head = STR("9:0000000000000000000000000000000000000000"
						"000000000000000000000000"),
				    .line = BUF_INIT(KIB(2)) };
	CHECK_RC(store_write(b.s, witness_job, &third, &err), RC_OK, err);
	CHECK_RC(verify_rc(&a, buf_str(&third.line), &k), RC_INPUT, err);
	buf_add(&file, buf_str(&third.line));
	k = verify(&a, buf_str(&file));
	CHECK_INT(k.first_bad, 0);
	CHECK_INT(k.heads, 1);
	/* the same once more is fine, another one with that number is not */
	CHECK_RC(store_write(b.s, witness_job, &t, &err), RC_OK, err);
	buf_add(&other, buf_str(&head));
	other.p[5] = other.p[5] == '0' ? '1' : '0';
	t.head = buf_str(&other);
	CHECK_RC(store_write(b.s, witness_job, &t, &err), RC_CONFLICT, err);
	static const char *const no_head[] = { "", "1", "0:00", "18446744073709551615:00" };
	for (size_t i = 0; i < COUNT_OF(no_head); i++) {
		t.head = str_of(no_head[i]);
		CHECK_RC(store_write(b.s, witness_job, &t, &err), RC_INPUT, err);
	}
	t.head = buf_str(&head);
	static const char *const no_node[] = { "", "A", "a b", "a\nb" };
	for (size_t i = 0; i < COUNT_OF(no_node); i++) {
		t.node = str_of(no_node[i]);
		CHECK_RC(store_write(b.s, witness_job, &t, &err), RC_INPUT, err);
	}
	/* each byte of the line is under the signature */
	for (size_t i = 8; i < file.n && file.p[i] != '\n'; i++) {
		char was = file.p[i];
		file.p[i] = was == 'a' ? 'b' : was == '1' ? '2' : 'a';
		CHECK_MSG(verify_rc(&a, buf_str(&file), &k) == RC_INPUT, "byte %zu", i);
		file.p[i] = was;
	}
	CHECK_INT(verify(&b, STR_NONE).first_bad, 0);
	buf_free(&head);
	buf_free(&other);
	buf_free(&file);
	buf_free(&t.line);
	buf_free(&third.line);
	ended(&a);
	ended(&b);
}

/* --- erasing --- */

struct erasing {
	struct journal *j;
	uint64_t number;
	str object;
	size_t most;
	bool more;
};

static enum rc erase_job(struct tx *tx, void *ctx, struct err *e)
{
	struct erasing *x = ctx;
	return journal_erase(tx, x->j, x->number, STR("asked for by \"him\""), STR("unix:7"), e);
}

static enum rc erase_about_job(struct tx *tx, void *ctx, struct err *e)
{
	struct erasing *x = ctx;
	return journal_erase_about(tx, x->object, x->most, &x->more, e);
}

TEST(an_erased_body_leaves_the_chain_and_a_stub)
{
	struct world w = opened();
	struct arena *a = arena_new(KIB(4));
	struct erasing x = { .j = w.j, .number = 2 };
	struct buf head = BUF_INIT(200);
	struct journal_line l, by;
	struct reader *r;
	add_lines(&w, 5);
	take_head(&w, &head);
	CHECK_RC(store_write(w.s, erase_job, &x, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, erase_job, &x, &err), RC_OK, err); /* nothing more to do */
	struct journal_check k = verify(&w, buf_str(&head));
	CHECK_INT(k.first_bad, 0);
	CHECK_INT(k.lines, 6);
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(journal_get(reader_conn(r), 2, a, &l, &err), RC_OK, err);
	CHECK(l.erased && l.body.n == 0);
	CHECK_STR(l.object, STR("report:7"));
	CHECK_RC(journal_erased_by(reader_conn(r), &l, a, &by, &err), RC_OK, err);
	CHECK_INT(by.number, 6);
	CHECK_STR(by.actor, STR("unix:7"));
	CHECK_STR(by.body, STR("{\"why\":\"asked for by \\\"him\\\"\"}"));
	CHECK_RC(journal_get(reader_conn(r), 3, a, &l, &err), RC_OK, err);
	CHECK(!l.erased && l.body.n);
	CHECK_RC(journal_erased_by(reader_conn(r), &l, a, &by, &err), RC_ABSENT, err);
	CHECK_RC(journal_get(reader_conn(r), 99, a, &l, &err), RC_ABSENT, err);
	CHECK_RC(journal_get(reader_conn(r), UINT64_MAX, a, &l, &err), RC_ABSENT, err);
	store_read_end(r);
	x.number = 6; /* the line that says so stays */
	CHECK_RC(store_write(w.s, erase_job, &x, &err), RC_DENIED, err);
	x.number = 60;
	CHECK_RC(store_write(w.s, erase_job, &x, &err), RC_ABSENT, err);
	buf_free(&head);
	arena_free(a);
	ended(&w);
}

TEST(bodies_about_an_object)
{
	struct world w = opened();
	struct erasing x = { .j = w.j, .object = STR("report:7"), .most = 2 };
	add_lines(&w, 3);
	/* without a line that says so nothing goes */
	CHECK_RC(store_write(w.s, erase_about_job, &x, &err), RC_OK, err);
	CHECK(!x.more);
	struct journal_act act = { .act = "erase",
				   .actor = STR("unix:0"),
				   .object = STR("report:7"),
				   .body = STR("{\"why\":\"law\"}") };
	CHECK_RC(journal_write(w.j, &act, &err), RC_OK, err);
	add_lines(&w, 1); /* what came later stays */
	CHECK_RC(store_write(w.s, erase_about_job, &x, &err), RC_OK, err);
	CHECK(x.more);
	CHECK_RC(store_write(w.s, erase_about_job, &x, &err), RC_OK, err);
	CHECK(!x.more);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0);
	struct reader *r;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT group_concat(number) FROM journal"
					    " WHERE body IS NULL AND salt IS NULL");
	CHECK(sql_row(q));
	CHECK_STR(sql_col_str(q, 0), STR("1,2,3"));
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	ended(&w);
}

TEST(bodies_about_a_record)
{
	struct world w = opened();
	struct erasing x = { .j = w.j, .object = STR("record:note--7"), .most = 10 };
	static const char *const objects[] = { "note--7",  "note--7@1", "note--70@1",
					       "note--7A", "note--7@2", "record:note--7" };
	for (size_t i = 0; i < COUNT_OF(objects); i++) {
		struct journal_act act = { .act = i == 5 ? "erase" : "record.change",
					   .actor = STR("account:1"),
					   .object = str_of(objects[i]),
					   .body = STR("{\"why\":\"x\"}") };
		CHECK_RC(journal_write(w.j, &act, &err), RC_OK, err);
	}
	CHECK_RC(store_write(w.s, erase_about_job, &x, &err), RC_OK, err);
	CHECK(!x.more);
	CHECK_INT(verify(&w, STR_NONE).first_bad, 0);
	struct reader *r;
	struct arena *a = arena_new(KIB(4));
	struct journal_line l, by;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT group_concat(number) FROM journal"
					    " WHERE body IS NULL AND salt IS NULL");
	CHECK(sql_row(q));
	CHECK_STR(sql_col_str(q, 0), STR("1,2,5"));
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	CHECK_RC(journal_get(reader_conn(r), 5, a, &l, &err), RC_OK, err);
	CHECK_RC(journal_erased_by(reader_conn(r), &l, a, &by, &err), RC_OK, err);
	CHECK_INT(by.number, 6);
	store_read_end(r);
	/* of a record of which nothing was said */
	change(&w, "UPDATE journal SET body = NULL, salt = NULL WHERE number = 3");
	CHECK_INT(verify(&w, STR_NONE).first_bad, 3);
	arena_free(a);
	ended(&w);
}

/* --- finding lines --- */

TEST(lines_are_found)
{
	struct world w = opened();
	for (int i = 0; i < 30; i++) {
		char object[32], actor[32];
		snprintf(object, sizeof(object), "report:%d", i % 5);
		snprintf(actor, sizeof(actor), "unix:%d", i % 3);
		struct journal_act act = { .act = i % 2 ? "intake" : "export",
					   .actor = str_of(actor),
					   .object = str_of(object) };
		CHECK_RC(journal_write(w.j, &act, &err), RC_OK, err);
	}
	change(&w, "UPDATE journal SET at_us = number * 1000000");
	static const struct {
		const char *actor, *act, *object;
		int64_t from_s, until_s;
		uint64_t before;
		size_t limit, found;
		uint64_t first, last;
	} rows[] = {
		{ .limit = 100, .found = 30, .first = 30, .last = 1 },
		{ .limit = 4, .found = 4, .first = 30, .last = 27 },
		{ .limit = 4, .before = 27, .found = 4, .first = 26, .last = 23 },
		{ .object = "report:1", .limit = 100, .found = 6, .first = 27, .last = 2 },
		{ .object = "report:1", .limit = 2, .before = 27, .found = 2, .first = 22, .last = 17 },
		{ .object = "report:1", .act = "intake", .limit = 9, .found = 3, .first = 22, .last = 2 },
		{ .object = "report:11", .limit = 9, .found = 0 },
		{ .actor = "unix:2", .limit = 100, .found = 10, .first = 30, .last = 3 },
		{ .act = "export", .actor = "unix:2", .limit = 100, .found = 5, .first = 27, .last = 3 },
		{ .act = "exp", .limit = 100, .found = 0 },
		{ .from_s = 10, .until_s = 20, .limit = 100, .found = 10, .first = 19, .last = 10 },
		{ .from_s = 25, .limit = 100, .found = 6, .first = 30, .last = 25 },
		{ .limit = SIZE_MAX, .found = 30, .first = 30, .last = 1 },
		{ .limit = 0, .found = 0 },
	};
	struct arena *a = arena_new(KIB(64));
	struct reader *r;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct journal_query q = { .actor = str_of(rows[i].actor),
					   .act = str_of(rows[i].act),
					   .object = str_of(rows[i].object),
					   .from_us = rows[i].from_s * SECOND_US,
					   .until_us = rows[i].until_s * SECOND_US,
					   .before = rows[i].before,
					   .limit = rows[i].limit };
		struct journal_line *list;
		size_t n;
		CHECK_RC(journal_find(reader_conn(r), &q, a, &list, &n, &err), RC_OK, err);
		CHECK_MSG(n == rows[i].found, "row %zu: %zu found", i, n);
		if (n) {
			CHECK_MSG(list[0].number == rows[i].first, "row %zu", i);
			CHECK_MSG(list[n - 1].number == rows[i].last, "row %zu", i);
		}
	}
	/* the history of an object is looked up, not searched for */
	struct sql *q = sql(reader_conn(r), "EXPLAIN QUERY PLAN SELECT number FROM journal WHERE"
					    " number < 9 AND object = 'a' ORDER BY number DESC");
	CHECK(sql_row(q));
	CHECK(str_find(sql_col_str(q, 3), STR("journal_object")) < sql_col_str(q, 3).n);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	arena_free(a);
	ended(&w);
}

/* --- the disk does not answer --- */

TEST(a_check_that_cannot_read_says_so)
{
	struct test_dir d = test_dir_new();
	struct io_trace *t = io_trace_begin(d.path);
	struct world w = { .d = d };
	uint64_t n = 0, failed = 0;
	struct journal_check k;
	struct buf head = BUF_INIT(200);
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(journal_open(w.s, &w.j, &err), RC_OK, err);
	add_lines(&w, 300);
	struct erasing x = { .j = w.j, .number = 2 };
	CHECK_RC(store_write(w.s, erase_job, &x, &err), RC_OK, err);
	take_head(&w, &head);
	do {
		journal_close(w.j);
		store_close(w.s);
		CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
		w.j = NULL;
		struct reader *r;
		CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
		io_trace_fail_op(t, IO_OP_READ, ++n, EIO);
		enum rc rc = journal_verify(reader_conn(r), buf_str(&head), &k, &err);
		CHECK_MSG((rc != RC_OK) == io_trace_failed(t), "read %llu: %s",
			  (unsigned long long)n, rc_name(rc));
		failed += rc != RC_OK;
		bool went_on = !io_trace_failed(t);
		io_trace_fail_op(t, IO_OP_READ, 0, 0);
		store_read_end(r);
		if (went_on)
			break;
	} while (n < 500);
	printf("# %llu reads failed\n", (unsigned long long)failed);
	CHECK(failed > 5 && n < 500);
	CHECK_INT(k.first_bad, 0);
	store_close(w.s);
	buf_free(&head);
	io_trace_stop(t);
	io_trace_free(t);
	test_dir_end(&d);
}

TEST(a_check_without_its_tables_says_so)
{
	static const struct {
		const char *change, *kept;
		enum rc rc;
	} rows[] = {
		{ "ALTER TABLE node RENAME COLUMN value TO v", "", RC_IO },
		{ "ALTER TABLE node RENAME COLUMN value TO v", "1:00", RC_IO },
		{ "ALTER TABLE journal RENAME TO lanruoj", "", RC_IO },
		{ "ALTER TABLE journal_head RENAME TO daeh", "", RC_IO },
		{ "UPDATE node SET value = zeroblob(100) WHERE key = 'id'", "1:00", RC_INPUT },
		{ "UPDATE node SET value = printf('%.100c', 'x') WHERE key = 'id'", "1:00", RC_INPUT },
	};
	for (unsigned lines = 0; lines < 2; lines++)
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			struct world w = opened();
			struct journal_check k;
			add_lines(&w, lines ? 3 : 0);
			journal_close(w.j);
			w.j = NULL;
			change(&w, rows[i].change);
			CHECK_MSG(verify_rc(&w, str_of(rows[i].kept), &k) == rows[i].rc,
				  "row %zu, %u: %s", i, lines, err.text);
			ended(&w);
		}
}

TEST_MAIN(TEST_RUN(lines_and_head), TEST_RUN(one_head_a_group),
	  TEST_RUN(one_head_of_each_thousand_lines_stays), TEST_RUN(every_change_shows),
	  TEST_RUN(a_cut_tail_shows_against_a_witness),
	  TEST_RUN(another_key),
	  TEST_RUN(a_forged_history_shows_against_a_head_kept_elsewhere),
	  TEST_RUN(heads_that_another_node_witnessed),
	  TEST_RUN(an_erased_body_leaves_the_chain_and_a_stub), TEST_RUN(bodies_about_an_object),
	  TEST_RUN(bodies_about_a_record),
	  TEST_RUN(lines_are_found), TEST_RUN(a_check_that_cannot_read_says_so),
	  TEST_RUN(a_check_without_its_tables_says_so))
