/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/test_dir.h"
#include "store/store_private.h"

static struct err err;

struct world {
	struct test_dir d;
	struct conn *c;
};

static struct world opened(void)
{
	struct world w = { .d = test_dir_new() };
	char path[512];
	int fd = open(test_dir_in(&w.d, path, "x.db"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK_RC(conn_open(path, CONN_WRITE | CONN_WAL, 256, &w.c, &err), RC_OK, err);
	CHECK_RC(conn_exec(w.c, "CREATE TABLE t (a INTEGER PRIMARY KEY, b, c NOT NULL)", &err),
		 RC_OK, err);
	return w;
}

static void ended(struct world *w)
{
	conn_close(w->c);
	test_dir_end(&w->d);
}

static enum rc put(struct conn *c, int64_t a, str b, str blob)
{
	struct sql *q = sql(c, "INSERT INTO t VALUES (?, ?, ?)");
	sql_int(q, 1, a);
	sql_str(q, 2, b);
	sql_blob(q, 3, blob);
	return sql_run(q, &err);
}

TEST(values_come_back)
{
	struct world w = opened();
	CHECK_RC(put(w.c, 1, STR("text\0with NUL"), STR("\0\1")), RC_OK, err);
	CHECK_INT(sql_last_id(w.c), 1);
	CHECK_RC(put(w.c, INT64_MAX, STR_NONE, STR("")), RC_OK, err);
	CHECK_INT(sql_changes(w.c), 1);
	struct sql *q = sql(w.c, "SELECT a, b, c, 0.5 FROM t ORDER BY a");
	CHECK(sql_row(q));
	CHECK_INT(sql_col_int(q, 0), 1);
	CHECK_STR(sql_col_str(q, 1), STR("text\0with NUL"));
	CHECK_STR(sql_col_blob(q, 2), STR("\0\1"));
	CHECK(sql_col_real(q, 3) == 0.5);
	CHECK(sql_row(q));
	CHECK_INT(sql_col_int(q, 0), INT64_MAX);
	CHECK(sql_col_null(q, 1) && !sql_col_str(q, 1).p && !sql_col_blob(q, 1).p);
	CHECK(!sql_col_null(q, 2) && sql_col_blob(q, 2).n == 0);
	CHECK(!sql_row(q));
	CHECK(!sql_row(q)); /* it does not begin anew */
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	ended(&w);
}

TEST(errors_stick)
{
	struct world w = opened();
	CHECK_RC(put(w.c, 1, STR("x"), STR("y")), RC_OK, err);
	CHECK_RC(put(w.c, 1, STR("x"), STR("y")), RC_CONFLICT, err);
	CHECK_RC(put(w.c, 2, STR("x"), STR_NONE), RC_CONFLICT, err);
	CHECK_RC(put(w.c, 2, STR("x"), STR("y")), RC_OK, err); /* the statement is fit again */
	struct sql *q = sql(w.c, "SELECT x FROM nowhere");
	sql_int(q, 1, 5);
	CHECK(!sql_row(q));
	CHECK_RC(sql_end(q, &err), RC_IO, err);
	CHECK_MSG(strstr(err.text, "nowhere") != NULL, "%s", err.text);
	q = sql(w.c, "SELECT ?");
	sql_int(q, 2, 5); /* there is no second */
	CHECK(!sql_row(q));
	CHECK_RC(sql_end(q, &err), RC_IO, err);
	CHECK(!conn_broken(w.c));
	ended(&w);
}

/* The same literal may be used inside its own loop. */
TEST(one_inside_the_other)
{
	struct world w = opened();
	int64_t sum = 0;
	for (int64_t i = 1; i <= 3; i++)
		CHECK_RC(put(w.c, i, STR("x"), STR("y")), RC_OK, err);
	static const char all[] = "SELECT a FROM t";
	struct sql *outer = sql(w.c, all);
	while (sql_row(outer)) {
		struct sql *inner = sql(w.c, all);
		while (sql_row(inner))
			sum += sql_col_int(outer, 0) * sql_col_int(inner, 0);
		CHECK_RC(sql_end(inner, &err), RC_OK, err);
	}
	CHECK_RC(sql_end(outer, &err), RC_OK, err);
	CHECK_INT(sum, 36);
	ended(&w);
}

/* A statement whose table comes later is tried again. */
TEST(later_table)
{
	struct world w = opened();
	for (int round = 0; round < 2; round++) {
		struct sql *q = sql(w.c, "SELECT count(*) FROM later");
		bool row = sql_row(q);
		CHECK_INT(row, round);
		enum rc rc = sql_end(q, &err);
		CHECK_RC(rc, round ? RC_OK : RC_IO, err);
		if (!round)
			CHECK_RC(conn_exec(w.c, "CREATE TABLE later (x)", &err), RC_OK, err);
	}
	ended(&w);
}

TEST(settings_of_a_connection)
{
	static const struct {
		const char *ask, *want;
	} rows[] = {
		{ "PRAGMA journal_mode", "wal" },     { "PRAGMA synchronous", "2" },
		{ "PRAGMA foreign_keys", "0" },       { "PRAGMA secure_delete", "1" },
		{ "PRAGMA wal_autocheckpoint", "0" }, { "PRAGMA cache_size", "-256" },
		{ "PRAGMA trusted_schema", "0" },
	};
	struct world w = opened();
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sql *q = sql(w.c, rows[i].ask);
		CHECK(sql_row(q));
		CHECK_STR(sql_col_str(q, 0), str_of(rows[i].want));
		CHECK_RC(sql_end(q, &err), RC_OK, err);
	}
	ended(&w);
}

TEST(odd_paths)
{
	struct test_dir d = test_dir_new();
	char path[512];
	static const char *const names[] = { "a?b=c.db", "100%41.db", "x#y.db", "with space.db" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct conn *c;
		int fd = open(test_dir_in(&d, path, names[i]), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		close(fd);
		CHECK_RC(conn_open(path, CONN_WRITE, 64, &c, &err), RC_OK, err);
		CHECK_RC(conn_exec(c, "CREATE TABLE here (x)", &err), RC_OK, err);
		conn_close(c);
		CHECK_RC(conn_open(path, CONN_IMMUTABLE, 64, &c, &err), RC_OK, err);
		CHECK_RC(conn_exec(c, "SELECT * FROM here", &err), RC_OK, err);
		CHECK(conn_exec(c, "CREATE TABLE there (x)", &err) != RC_OK);
		conn_close(c);
	}
	test_dir_end(&d);
}

/* --- what was deleted --- */

enum { STEPS = 400, SEEDS = 40, NAME_BYTES = 10 };

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return *seed >> 33;
}

/* Rows come and go in a tree by number and in one by name, some of them several
 * pages long; each is full of its own name. */
static void come_and_go(struct conn *c, uint64_t seed, bool *gone, int *count_out)
{
	static const int repeats[] = { 1, 3, 10, 60, 200, 800 };
	char name[16], text[NAME_BYTES * 800];
	*count_out = 0;
	for (int step = 0; step < STEPS; step++) {
		bool add = next_random(&seed) % 10 < 6 || *count_out == 0;
		int n = add ? ++*count_out : (int)(next_random(&seed) % (unsigned)*count_out) + 1;
		int times = repeats[next_random(&seed) % COUNT_OF(repeats)];
		snprintf(name, sizeof(name), "S%08dE", n);
		for (int i = 0; i < times; i++)
			memcpy(text + i * NAME_BYTES, name, NAME_BYTES);
		str body = str_mem(text, (size_t)times * NAME_BYTES);
		uint64_t key = (uint64_t)n * UINT64_C(0x9e3779b97f4a7c15) >> 1;
		gone[n] = !add;
		struct sql *q =
			add ? sql(c, "INSERT INTO t VALUES (?1, ?2, x'')")
			    : next_random(&seed) % 2 ? sql(c, "DELETE FROM t WHERE a = ?1")
						     : sql(c, "UPDATE t SET b = NULL WHERE a = ?1");
		sql_int(q, 1, n);
		if (add)
			sql_str(q, 2, body);
		CHECK_RC(sql_run(q, &err), RC_OK, err);
		q = add ? sql(c, "INSERT INTO u VALUES (?1, ?2)")
			: next_random(&seed) % 2 ? sql(c, "DELETE FROM u WHERE k = ?1")
						 : sql(c, "UPDATE u SET b = '' WHERE k = ?1");
		sql_int(q, 1, (int64_t)key);
		if (add)
			sql_str(q, 2, body);
		CHECK_RC(sql_run(q, &err), RC_OK, err);
	}
}

TEST(what_was_deleted_is_in_no_byte)
{
	static bool gone[STEPS + 1];
	int deleted = 0, left = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct world w = opened();
		char path[512];
		int count;
		CHECK_RC(conn_exec(w.c, "CREATE TABLE u (k PRIMARY KEY, b) WITHOUT ROWID", &err),
			 RC_OK, err);
		come_and_go(w.c, seed * 77, gone, &count);
		CHECK_RC(conn_exec(w.c, "PRAGMA wal_checkpoint(TRUNCATE)", &err), RC_OK, err);
		struct sql *q = sql(w.c, "PRAGMA integrity_check");
		CHECK(sql_row(q));
		CHECK_STR(sql_col_str(q, 0), STR("ok"));
		CHECK_RC(sql_end(q, &err), RC_OK, err);
		int fd = open(test_dir_in(&w.d, path, "x.db"), O_RDONLY | O_CLOEXEC);
		off_t size = lseek(fd, 0, SEEK_END);
		char *p = x_alloc((size_t)size);
		CHECK(pread(fd, p, (size_t)size, 0) == size);
		close(fd);
		for (int n = 1; n <= count; n++) {
			char name[16];
			snprintf(name, sizeof(name), "S%08dE", n);
			bool found = memmem(p, (size_t)size, name, NAME_BYTES);
			if (gone[n])
				left += found;
			else
				CHECK(found);
			deleted += gone[n];
		}
		free(p);
		ended(&w);
	}
	printf("# %d of %d\n", left, deleted);
	CHECK_INT(left, 0);
	CHECK(deleted > 1000);
}

TEST_MAIN(TEST_RUN(values_come_back), TEST_RUN(errors_stick), TEST_RUN(one_inside_the_other),
	  TEST_RUN(later_table), TEST_RUN(settings_of_a_connection), TEST_RUN(odd_paths),
	  TEST_RUN(what_was_deleted_is_in_no_byte))
