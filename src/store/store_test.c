/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include <errno.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/io_page.h"
#include "base/io_trace.h"
#include "base/queue.h"
#include "base/test_dir.h"
#include "store/store.h"

static struct err err;

static struct store *opened(const struct test_dir *d, const struct store_options *o)
{
	struct store *s = NULL;
	CHECK_RC(store_open(d->path, o, NULL, &s, &err), RC_OK, err);
	return s;
}

static struct store *created(struct test_dir *d)
{
	*d = test_dir_new();
	CHECK_RC(store_create(d->path, "Team B", "ID", &err), RC_OK, err);
	return opened(d, NULL);
}

/* Jobs: a number becomes a row of `cursor`, and a frame when it has a payload. */
struct put {
	int64_t n;
	str payload;
	enum rc rc;
	struct place at;
};

static enum rc put(struct tx *tx, void *ctx, struct err *e)
{
	struct put *p = ctx;
	char name[32];
	snprintf(name, sizeof(name), "n%lld", (long long)p->n);
	if (p->payload.n) {
		enum rc rc = tx_append(tx, SEGMENT_RAW, 20000, p->payload, &p->at, e);
		if (rc != RC_OK)
			return rc;
	}
	struct sql *q = sql(tx_conn(tx), "INSERT INTO cursor (name, seq) VALUES (?, ?)");
	sql_str(q, 1, str_of(name));
	sql_int(q, 2, p->n);
	enum rc rc = sql_run(q, e);
	if (rc == RC_OK && p->rc != RC_OK)
		return fail(e, p->rc, "the job changed its mind");
	return rc;
}

static int64_t count_rows(struct store *s)
{
	struct reader *r;
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM cursor");
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(create_and_open)
{
	struct test_dir d;
	struct store *s = created(&d);
	CHECK_STR(store_node_name(s), STR("Team B"));
	CHECK_STR(store_node_country(s), STR("ID"));
	CHECK_INT(store_node_id(s).n, 36);
	struct key first = *store_secret(s);
	struct store *again = NULL;
	CHECK_RC(store_open(d.path, NULL, NULL, &again, &err), RC_BUSY, err);
	CHECK_RC(store_create(d.path, "x", "ID", &err), RC_CONFLICT, err);
	store_close(s);
	s = opened(&d, NULL);
	CHECK(memcmp(&first, store_secret(s), sizeof(first)) == 0);
	store_close(s);
	test_dir_end(&d);
}

TEST(not_a_store)
{
	struct test_dir d = test_dir_new();
	struct store *s = NULL;
	CHECK_RC(store_open(d.path, NULL, NULL, &s, &err), RC_ABSENT, err);
	CHECK_RC(store_create(d.path, "x\n", "ID", &err), RC_INPUT, err);
	CHECK_RC(store_create(d.path, "x", "IDN", &err), RC_INPUT, err);
	/* a creation that was interrupted does not stand in the way of the next */
	struct io_dir *dir;
	CHECK_RC(io_dir_open(d.path, &dir, &err), RC_OK, err);
	CHECK_RC(io_replace_file(dir, "init.db", STR("half a database"), &err), RC_OK, err);
	CHECK_RC(store_create(d.path, "x", "ID", &err), RC_OK, err);
	s = opened(&d, NULL);
	store_close(s);
	/* neither a store with bytes of somebody else */
	CHECK_RC(io_replace_file(dir, "main.db", STR("some other file, quite long"), &err), RC_OK,
		 err);
	CHECK_RC(store_open(d.path, NULL, NULL, &s, &err), RC_IO, err);
	io_dir_close(dir);
	test_dir_end(&d);
}

TEST(newer_store_is_refused)
{
	struct test_dir d;
	struct store *s = created(&d);
	store_close(s);
	char path[512];
	struct io_dir *dir;
	struct io_file *f;
	unsigned char version[4] = { 0, 0, 0, 99 }; /* offset 60 of SQLite's header */
	test_dir_in(&d, path, "main.db");
	CHECK_RC(io_dir_open(d.path, &dir, &err), RC_OK, err);
	CHECK_RC(io_open(dir, "main.db", IO_WRITE, &f, &err), RC_OK, err);
	CHECK_RC(io_write_at(f, 60, str_mem(version, 4), &err), RC_OK, err);
	io_close(f);
	io_dir_close(dir);
	CHECK_RC(store_open(d.path, NULL, NULL, &s, &err), RC_CONFLICT, err);
	CHECK(strstr(err.text, "newer") != NULL);
	test_dir_end(&d);
}

TEST(jobs_stand_alone)
{
	struct test_dir d;
	struct store *s = created(&d);
	struct put jobs[] = { { .n = 1 }, { .n = 2, .rc = RC_INPUT }, { .n = 3 }, { .n = 1 } };
	static const enum rc want[] = { RC_OK, RC_INPUT, RC_OK, RC_CONFLICT };
	struct store_job job[4];
	for (size_t i = 0; i < 4; i++) {
		job[i] = (struct store_job){ .fn = put, .ctx = &jobs[i], .bytes = 100 };
		store_submit(s, &job[i]);
	}
	for (size_t i = 0; i < 4; i++)
		CHECK_RC(store_wait(s, &job[i], &err), want[i], err);
	CHECK_INT(count_rows(s), 2);
	store_close(s);
	s = opened(&d, NULL);
	CHECK_INT(count_rows(s), 2);
	store_close(s);
	test_dir_end(&d);
}

static bool frame_is(struct store *s, const struct place *at, str want)
{
	struct reader *r;
	struct buf got = BUF_INIT(MIB(1));
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	bool ok = reader_frame(r, SEGMENT_RAW, at, &got, &err) == RC_OK &&
		  str_eq(buf_str(&got), want);
	store_read_end(r);
	buf_free(&got);
	return ok;
}

TEST(frames)
{
	struct test_dir d;
	struct store *s = created(&d);
	struct put a = { .n = 1, .payload = STR("first frame") };
	struct put b = { .n = 2, .payload = STR("taken back"), .rc = RC_INPUT };
	struct put c = { .n = 3, .payload = STR("third frame") };
	CHECK_RC(store_write(s, put, &a, &err), RC_OK, err);
	CHECK_RC(store_write(s, put, &b, &err), RC_INPUT, err);
	CHECK_RC(store_write(s, put, &c, &err), RC_OK, err);
	CHECK_INT(b.at.offset, c.at.offset);
	CHECK(frame_is(s, &a.at, a.payload));
	CHECK(frame_is(s, &c.at, c.payload));
	struct place wrong = a.at;
	wrong.offset++;
	CHECK(!frame_is(s, &wrong, a.payload));
	CHECK_INT(err.rc, RC_INPUT);
	wrong = a.at;
	wrong.number = 7;
	CHECK(!frame_is(s, &wrong, a.payload));
	CHECK_INT(err.rc, RC_ABSENT);
	store_close(s);
	/* what no row names is gone after a start; what is named stays */
	struct io_dir *raw;
	struct io_file *f;
	uint64_t size = 0;
	char path[512];
	CHECK_RC(io_dir_open(test_dir_in(&d, path, "raw"), &raw, &err), RC_OK, err);
	CHECK_RC(io_open(raw, "2024-10-04.seg", IO_WRITE, &f, &err), RC_OK, err);
	CHECK_RC(io_write_at(f, c.at.offset + c.at.bytes, STR("half a frame"), &err), RC_OK, err);
	CHECK_RC(io_replace_file(raw, "2024-10-05.seg", STR("never named"), &err), RC_OK, err);
	CHECK_RC(io_replace_file(raw, "notes.txt", STR("somebody's"), &err), RC_OK, err);
	s = opened(&d, NULL);
	CHECK(frame_is(s, &c.at, c.payload));
	CHECK_RC(io_size(f, &size, &err), RC_OK, err);
	CHECK_INT(size, c.at.offset + c.at.bytes);
	io_close(f);
	CHECK_RC(io_open(raw, "2024-10-05.seg", IO_READ, &f, &err), RC_ABSENT, err);
	CHECK_RC(io_open(raw, "notes.txt", IO_READ, &f, &err), RC_OK, err);
	io_close(f);
	io_dir_close(raw);
	store_close(s);
	test_dir_end(&d);
}

struct many {
	struct store *s;
	int64_t from;
	int failed;
};

static void *write_many(void *ctx)
{
	struct many *m = ctx;
	struct err e;
	for (int64_t i = 0; i < 200; i++) {
		struct put p = { .n = m->from + i, .payload = STR("bytes of a small report") };
		m->failed += store_write(m->s, put, &p, &e) != RC_OK;
	}
	return NULL;
}

TEST(threads_share_a_store)
{
	struct test_dir d;
	struct store *s = created(&d);
	pthread_t t[4];
	struct many m[4];
	for (int i = 0; i < 4; i++) {
		m[i] = (struct many){ .s = s, .from = i * 1000 };
		CHECK_INT(pthread_create(&t[i], NULL, write_many, &m[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		CHECK_INT(m[i].failed, 0);
	}
	CHECK_INT(count_rows(s), 800);
	store_close(s);
	test_dir_end(&d);
}

static int hook_calls;
static enum rc hook(struct tx *tx, void *ctx, struct err *e)
{
	(void)tx;
	hook_calls++;
	return *(enum rc *)ctx == RC_OK ? RC_OK : fail(e, *(enum rc *)ctx, "the hook refuses");
}

TEST(before_commit)
{
	struct test_dir d;
	struct store *s = created(&d);
	enum rc say = RC_OK;
	hook_calls = 0;
	store_before_commit(s, hook, &say);
	struct put a = { .n = 1 }, b = { .n = 2 };
	CHECK_RC(store_write(s, put, &a, &err), RC_OK, err);
	CHECK_INT(hook_calls, 1);
	say = RC_DENIED;
	CHECK_RC(store_write(s, put, &b, &err), RC_DENIED, err);
	say = RC_OK;
	CHECK_RC(store_write(s, put, &b, &err), RC_OK, err);
	CHECK_INT(count_rows(s), 2);
	store_close(s);
	test_dir_end(&d);
}

static enum rc change_nothing(struct tx *tx, void *ctx, struct err *e)
{
	(void)tx;
	(void)ctx;
	(void)e;
	return RC_OK;
}

TEST(who_waits_for_commits)
{
	struct test_dir d;
	struct store *s = created(&d);
	struct queue *wake = queue_new(1);
	unsigned before = store_commits(s);
	struct put a = { .n = 1 }, b = { .n = 2 };
	store_wake_on_commit(s, wake);
	CHECK_RC(store_write(s, put, &a, &err), RC_OK, err);
	CHECK_INT(store_commits(s), before + 1);
	CHECK(queue_take_for(wake, 10 * SECOND_US) != NULL);
	CHECK_RC(store_write(s, change_nothing, NULL, &err), RC_OK, err);
	CHECK_INT(store_commits(s), before + 1);
	CHECK(queue_take_for(wake, 0) == NULL);
	store_no_wake_on_commit(s, wake);
	CHECK_RC(store_write(s, put, &b, &err), RC_OK, err);
	CHECK_INT(store_commits(s), before + 2);
	store_close(s);
	CHECK(queue_take_for(wake, 0) == NULL);
	queue_free(wake);
	test_dir_end(&d);
}

TEST(a_full_disk)
{
	struct test_dir d;
	struct store *s = created(&d);
	struct io_trace *t = io_trace_begin(d.path);
	struct put a = { .n = 1 }, b = { .n = 2 };
	io_trace_pretend_free(t, MIB(63));
	CHECK_RC(store_write(s, put, &a, &err), RC_LIMIT, err);
	struct store_job job = { .fn = put, .ctx = &b, .use_reserve = true };
	store_submit(s, &job);
	CHECK_RC(store_wait(s, &job, &err), RC_OK, err);
	CHECK_INT(count_rows(s), 1);
	io_trace_pretend_free(t, MIB(64));
	CHECK_RC(store_write(s, put, &a, &err), RC_OK, err);
	CHECK(!store_read_only(s));
	io_trace_free(t);
	store_close(s);
	test_dir_end(&d);
}

TEST(a_failed_sync)
{
	for (uint64_t n = 1; n <= 2; n++) { /* of the segment, then of the log */
		struct test_dir d;
		struct store *s = created(&d);
		struct put a = { .n = 1, .payload = STR("x") }, b = { .n = 2, .payload = STR("y") };
		CHECK_RC(store_write(s, put, &a, &err), RC_OK, err);
		struct io_trace *t = io_trace_begin(d.path);
		io_trace_fail_op(t, IO_OP_SYNC, n, EIO);
		CHECK_RC(store_write(s, put, &b, &err), RC_IO, err);
		CHECK(io_trace_failed(t));
		CHECK(store_read_only(s));
		b.n = 3;
		CHECK_RC(store_write(s, put, &b, &err), RC_IO, err);
		CHECK(strstr(err.text, "read-only") != NULL);
		CHECK(count_rows(s) >= 1); /* reading goes on */
		io_trace_free(t);
		store_close(s);
		s = opened(&d, NULL);
		CHECK(!store_read_only(s));
		CHECK_RC(store_write(s, put, &b, &err), RC_OK, err);
		CHECK(frame_is(s, &a.at, a.payload));
		store_close(s);
		test_dir_end(&d);
	}
}

TEST(a_read_only_disk)
{
	struct test_dir d;
	struct store *s = created(&d);
	struct put a = { .n = 1, .payload = STR("x") }, b = { .n = 2 };
	CHECK_RC(store_write(s, put, &a, &err), RC_OK, err);
	store_close(s);
	struct io_trace *t = io_trace_begin(d.path);
	io_trace_fail_op(t, IO_OP_OPEN, 3, EROFS); /* main.db, for writing */
	s = opened(&d, NULL);
	CHECK(io_trace_failed(t));
	CHECK(store_read_only(s));
	CHECK_INT(count_rows(s), 1);
	CHECK(frame_is(s, &a.at, a.payload));
	CHECK_RC(store_write(s, put, &b, &err), RC_IO, err);
	store_close(s);
	io_trace_free(t);
	s = opened(&d, NULL);
	CHECK(!store_read_only(s));
	CHECK_RC(store_write(s, put, &b, &err), RC_OK, err);
	store_close(s);
	test_dir_end(&d);
}

static enum rc tend_twice(struct store *s, void *ctx, bool *did_out, struct err *e)
{
	(void)s;
	(void)e;
	*did_out = ++*(int *)ctx <= 2;
	return RC_OK;
}

TEST(background_work)
{
	struct test_dir d;
	struct store *s = created(&d);
	int calls = 0;
	bool did;
	store_add_tend(s, tend_twice, &calls);
	for (int i = 1; i <= 3; i++) {
		CHECK_RC(store_tend(s, &did, &err), RC_OK, err);
		CHECK_INT(did, i <= 2);
	}
	store_close(s);
	test_dir_end(&d);
}

TEST(a_stable_view)
{
	struct test_dir d;
	struct store *s = created(&d);
	struct put a = { .n = 1 }, b = { .n = 2 };
	struct reader *r;
	CHECK_RC(store_write(s, put, &a, &err), RC_OK, err);
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	CHECK_RC(store_write(s, put, &b, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT count(*) FROM cursor");
	CHECK(sql_row(q));
	CHECK_INT(sql_col_int(q, 0), 1);
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(count_rows(s), 2);
	store_close(s);
	test_dir_end(&d);
}

/* A lone job does not wait for company. */
TEST(light_load_is_prompt)
{
	struct test_dir d;
	struct store *s = created(&d);
	int64_t start = clock_mono_us();
	for (int i = 0; i < 20; i++) {
		struct put p = { .n = i };
		CHECK_RC(store_write(s, put, &p, &err), RC_OK, err);
	}
	int64_t each_us = (clock_mono_us() - start) / 20;
	CHECK_MSG(each_us < 40000, "%lld us each", (long long)each_us);
	store_close(s);
	test_dir_end(&d);
}

static enum rc big(struct tx *tx, void *ctx, struct err *e)
{
	struct put *p = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO tail (first_seq, rows, report, day, tlp_set,"
					 " exercise, body) VALUES (?, 1, 1, 1, 1, 0, ?)");
	sql_int(q, 1, p->n);
	sql_blob(q, 2, p->payload);
	return sql_run(q, e);
}

TEST(the_log_stays_short)
{
	struct test_dir d;
	struct store *s = created(&d);
	char *body = x_alloc(MIB(1));
	for (int i = 0; i < 60; i++) {
		struct put p = { .n = i, .payload = str_mem(body, MIB(1)) };
		CHECK_RC(store_write(s, big, &p, &err), RC_OK, err);
	}
	struct io_dir *dir;
	struct io_file *f;
	uint64_t size = 0;
	CHECK_RC(io_dir_open(d.path, &dir, &err), RC_OK, err);
	CHECK_RC(io_open(dir, "main.db-wal", IO_READ, &f, &err), RC_OK, err);
	CHECK_RC(io_size(f, &size, &err), RC_OK, err);
	CHECK_MSG(size < MIB(24), "%llu bytes", (unsigned long long)size);
	io_close(f);
	io_dir_close(dir);
	free(body);
	store_close(s);
	test_dir_end(&d);
}

/* --- what older versions left behind in main.db --- */

static size_t read_db(const char *path, char *to, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, to, room, 0);
	close(fd);
	CHECK(n > 0 && n % 4096 == 0);
	return n > 0 ? (size_t)n : 0;
}

TEST(bytes_of_deleted_rows_in_an_old_store)
{
	static char db[MIB(4)];
	static const char left[] = "a row that was deleted long ago";
	struct test_dir d = test_dir_new();
	char path[512];
	const char *source = getenv("RONDA_SOURCE");
	snprintf(path, sizeof(path), "%s/tests/data/stores/v1/main.db", source ? source : ".");
	size_t n = read_db(path, db, sizeof(db)), planted = 0;
	for (size_t at = 0; at < n; at += 4096) {
		size_t from, until;
		if (!io_page_gap(str_mem(db + at, 4096), at / 4096 + 1, &from, &until) ||
		    until - from < sizeof(left))
			continue;
		memcpy(db + at + until - sizeof(left), left, sizeof(left));
		planted++;
	}
	CHECK(planted > 10);
	int fd = open(test_dir_in(&d, path, "main.db"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && pwrite(fd, db, n, 0) == (ssize_t)n);
	close(fd);
	struct store *s = opened(&d, NULL);
	struct reader *r;
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "PRAGMA integrity_check");
	CHECK(sql_row(q));
	CHECK_STR(sql_col_str(q, 0), STR("ok"));
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	store_close(s);
	n = read_db(path, db, sizeof(db));
	CHECK(!memmem(db, n, left, sizeof(left)));
	test_dir_end(&d);
}

/* Whatever the bytes are, a gap lies inside the page and over nothing that is used. */
TEST(pages_that_are_none)
{
	static const struct {
		char head[17]; /* the first bytes */
		uint64_t number;
		size_t bytes, from, until;
	} rows[] = {
		{ "\015\0\0\0\0\017\377\0", 2, 4096, 8, 4095 },
		{ "\002\0\0\0\0\017\377\0", 2, 4096, 12, 4095 },
		{ "\015\0\0\0\0\020\0\0", 2, 4096, 8, 4096 },
		{ "\015\0\0\0\0\020\1\0", 2, 4096, 0, 0 },      /* content behind the page */
		{ "\015\0\0\0\0\0\10\0", 2, 4096, 0, 0 },       /* no gap */
		{ "\015\0\0\377\377\017\377\0", 2, 4096, 0, 0 }, /* more cells than fit */
		{ "\015\0\0\0\1\017\0\0\016\0", 2, 4096, 0, 0 }, /* a cell in the gap */
		{ "\015\0\0\0\1\017\0\0\020\0", 2, 4096, 0, 0 }, /* a cell behind the page */
		{ "\015\0\0\0\1\017\0\0\017\0", 2, 4096, 10, 3840 },
		{ "\015\1\0\0\0\017\0\0", 2, 4096, 0, 0 },      /* a free block in the gap */
		{ "\0\0\0\2\0\017\377\0", 2, 4096, 0, 0 },       /* an overflow page */
		{ "\015\0\0\0\0\017\377\0", 0, 4096, 0, 0 },
		{ "\015\0\0\0\0\017\377\0", UINT64_C(1) << 25, 4096, 0, 0 },
		{ "\015\0\0\0\0\1\377\0", 2, 256, 0, 0 },
		{ "\015\0\0\0\0\1\377\0", 2, 4000, 0, 0 },
		{ "\015\0\0\0\0\0\0\0", 2, 65536, 8, 65536 },
		{ "SQLite format 3", 1, 4096, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *page = x_alloc(rows[i].bytes);
		size_t from = 0, until = 0;
		memcpy(page, rows[i].head, 10);
		bool gap = io_page_gap(str_mem(page, rows[i].bytes), rows[i].number, &from, &until);
		CHECK_MSG(gap == (rows[i].until != 0) && from == rows[i].from &&
				  until == rows[i].until,
			  "row %zu: %d, %zu to %zu", i, gap, from, until);
		free(page);
	}
}

TEST_MAIN(TEST_RUN(create_and_open), TEST_RUN(not_a_store), TEST_RUN(newer_store_is_refused),
	  TEST_RUN(jobs_stand_alone), TEST_RUN(frames), TEST_RUN(threads_share_a_store),
	  TEST_RUN(before_commit), TEST_RUN(who_waits_for_commits), TEST_RUN(a_full_disk), TEST_RUN(a_failed_sync),
	  TEST_RUN(a_read_only_disk), TEST_RUN(background_work), TEST_RUN(a_stable_view),
	  TEST_RUN(light_load_is_prompt), TEST_RUN(the_log_stays_short),
	  TEST_RUN(bytes_of_deleted_rows_in_an_old_store), TEST_RUN(pages_that_are_none))
