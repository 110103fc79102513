/* SPDX-License-Identifier: Apache-2.0 */
#include "store/repeats.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "store/repeats_private.h"

static struct err err;
enum { WINDOW_H = 72 };

struct world {
	struct test_dir dir;
	struct store *store;
	struct repeats *repeats;
	struct batch *batch; /* rows with an hour each, reused */
	size_t memory;
};

static void world_open(struct world *w)
{
	CHECK_RC(store_open(w->dir.path, NULL, NULL, &w->store, &err), RC_OK, err);
	CHECK_RC(repeats_open(w->store, w->memory, WINDOW_H * HOUR_US, &w->repeats, &err), RC_OK,
		 err);
}

static void world_close(struct world *w)
{
	repeats_close(w->repeats);
	store_close(w->store);
}

/* Row i has its time.source in hour i / 512. */
static struct batch *make_batch(void)
{
	struct batch *b = batch_new();
	for (uint32_t i = 0; i < BATCH_ROWS; i++) {
		batch_row_begin(b, i + 1, 10 * i, 9, 1);
		batch_set_time(b, FIELD_TIME_SOURCE,
			       1700000000 * SECOND_US + (int64_t)(i / 512) * HOUR_US);
		CHECK_RC(batch_row_end(b, &err), RC_OK, err);
	}
	return b;
}

static struct world world_make(size_t memory)
{
	struct world w = { .dir = test_dir_new(), .memory = memory, .batch = make_batch() };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(w.dir.path, "Team B", "ID", &err), RC_OK, err);
	world_open(&w);
	return w;
}

static void world_end(struct world *w)
{
	world_close(w);
	batch_free(w->batch);
	test_dir_end(&w->dir);
}

/* Event n, the same each time; its place in a batch decides its hour. */
static struct hash128 hash_of(uint64_t n)
{
	uint64_t hi = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
	hi = (hi ^ hi >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	return (struct hash128){ .hi = hi ^ hi >> 29, .lo = hi * 7 + n };
}

struct delivery {
	struct repeats_ticket *ticket;
	struct event_chunk *chunk;
	uint64_t first;
	enum rc fail; /* after all else was done */
};

static enum rc commit(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	enum rc rc = RC_OK;
	if (d->chunk)
		rc = event_chunk_commit(tx, d->chunk, &d->first, e);
	if (!rc)
		rc = repeats_commit(tx, d->ticket, d->first, e);
	return rc ? rc : d->fail;
}

static bool *probe(struct world *w, uint32_t class, int64_t report, uint64_t from, uint32_t rows,
		   struct delivery *d)
{
	static bool is_repeat[BATCH_ROWS];
	struct hash128 hashes[BATCH_ROWS];
	memset(is_repeat, 1, sizeof(is_repeat));
	w->batch->c.rows = rows;
	for (uint32_t i = 0; i < rows; i++)
		hashes[i] = hash_of(from + i);
	*d = (struct delivery){ 0 };
	CHECK_RC(repeats_probe(w->repeats, class, report, w->batch, hashes, is_repeat, &d->ticket,
			       &err), RC_OK, err);
	return is_repeat;
}

/* What the pipeline does with the rows that are new. */
static enum rc land(struct world *w, struct delivery *d, int64_t report, enum rc fail)
{
	struct report r = { .id = report, .received_us = clock_now_us() };
	d->fail = fail;
	w->batch->c.rows = repeats_new_rows(d->ticket);
	if (w->batch->c.rows)
		CHECK_RC(event_chunk_new(w->batch, &r, NULL, &d->chunk, &err), RC_OK, err);
	enum rc rc = store_write(w->store, commit, d, &err);
	repeats_end(d->ticket, rc == RC_OK);
	event_chunk_free(d->chunk);
	return rc;
}

/* Delivers events from..from+rows-1; how many were repeats. */
static uint32_t deliver_of(struct world *w, uint32_t class, int64_t report, uint64_t from,
			   uint32_t rows)
{
	struct delivery d;
	const bool *is_repeat = probe(w, class, report, from, rows, &d);
	uint32_t repeats = 0;
	for (uint32_t i = 0; i < rows; i++)
		repeats += is_repeat[i];
	CHECK_INT(repeats_new_rows(d.ticket), rows - repeats);
	CHECK_RC(land(w, &d, report, RC_OK), RC_OK, err);
	return repeats;
}

static uint32_t deliver(struct world *w, uint64_t from, uint32_t rows)
{
	return deliver_of(w, 1, 1, from, rows);
}

static void tend(struct world *w)
{
	bool did = true;
	for (int i = 0; did && i < 1000; i++)
		CHECK_RC(repeats_tend(w->store, w->repeats, &did, &err), RC_OK, err);
}

static int64_t ask(struct world *w, bool log)
{
	struct reader *r;
	CHECK_RC(store_read_begin(w->store, &r, &err), RC_OK, err);
	struct sql *q = log ? sql(reader_conn(r), "SELECT count(*) FROM repeat_log") :
			      sql(reader_conn(r), "SELECT count(*) FROM repeat_file");
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(in_memory)
{
	struct world w = world_make(MIB(1));
	CHECK_INT(deliver(&w, 0, 100), 0);
	CHECK_INT(deliver(&w, 0, 100), 100);
	CHECK_INT(deliver(&w, 50, 100), 50);
	CHECK_INT(deliver_of(&w, 2, 2, 0, 100), 0); /* another class */
	CHECK_INT(deliver(&w, 600, 0), 0);
	/* twice in one batch */
	struct delivery d;
	struct hash128 hashes[4] = { hash_of(900), hash_of(901), hash_of(900), hash_of(900) };
	bool is_repeat[4];
	w.batch->c.rows = 4;
	CHECK_RC(repeats_probe(w.repeats, 1, 3, w.batch, hashes, is_repeat, &d.ticket, &err), RC_OK,
		 err);
	CHECK(!is_repeat[0] && !is_repeat[1] && is_repeat[2] && is_repeat[3]);
	CHECK_INT(repeats_new_rows(d.ticket), 2);
	repeats_end(d.ticket, false);
	CHECK_INT(deliver(&w, 900, 2), 0); /* it was never stored */
	world_end(&w);
}

TEST(restart)
{
	struct world w = world_make(MIB(1));
	CHECK_INT(deliver(&w, 0, 3000), 0);
	CHECK_INT(deliver(&w, 5000, 1), 0);
	world_close(&w);
	world_open(&w);
	CHECK_INT(deliver(&w, 0, 3000), 3000);
	CHECK_INT(deliver(&w, 5000, 2), 1);
	world_end(&w);
}

/* More than memory holds: the oldest must be found in tag files. */
TEST(rotation_and_files)
{
	struct world w = world_make(MIB(1));
	enum { BATCHES = 30 };
	for (uint64_t i = 0; i < BATCHES; i++)
		CHECK_INT(deliver_of(&w, 1, (int64_t)i, i * BATCH_ROWS, BATCH_ROWS), 0);
	CHECK(ask(&w, false) > 1);
	for (uint64_t i = 0; i < BATCHES; i += 7)
		CHECK_INT(deliver(&w, i * BATCH_ROWS, BATCH_ROWS), BATCH_ROWS);
	/* the same hashes in another hour are other events */
	CHECK_INT(deliver(&w, 600, 100), 0);
	world_close(&w);
	world_open(&w);
	for (uint64_t i = 0; i < BATCHES; i++)
		CHECK_INT(deliver(&w, i * BATCH_ROWS, BATCH_ROWS), BATCH_ROWS);
	CHECK_INT(deliver(&w, BATCHES * BATCH_ROWS, 1000), 0);
	world_end(&w);
}

TEST(window)
{
	struct world w = world_make(MIB(1));
	if (!clock_move(0)) {
		printf("# SKIP: this build cannot move the clock\n");
		world_end(&w);
		return;
	}
	CHECK_INT(deliver(&w, 0, 500), 0);
	clock_move(2 * HOUR_US);
	tend(&w);
	CHECK_INT(ask(&w, true), 0);
	CHECK_INT(ask(&w, false), 1);
	CHECK_INT(deliver(&w, 0, 500), 500);
	clock_move(60 * HOUR_US);
	CHECK_INT(deliver(&w, 0, 500), 500);
	CHECK_INT(deliver(&w, 500, 10), 0);
	world_close(&w);
	world_open(&w); /* now only in the file */
	CHECK_INT(deliver(&w, 0, 500), 500);
	clock_move(14 * HOUR_US);
	CHECK_INT(deliver(&w, 500, 10), 10);
	CHECK_INT(deliver(&w, 0, 500), 0);
	tend(&w);
	clock_move(80 * HOUR_US);
	tend(&w);
	tend(&w);
	CHECK_INT(ask(&w, false), 0);
	CHECK_INT(ask(&w, true), 0);
	clock_move(1000 * HOUR_US);
	CHECK_INT(deliver(&w, 0, 500), 0);
	clock_move(-1156 * HOUR_US);
	world_end(&w);
}

static enum rc undo(struct tx *tx, void *ctx, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO report VALUES (?, 1, 4, 0, x'', 0, '', '',"
					 " '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0)");
	sql_int(q, 1, *(const int64_t *)ctx);
	return sql_run(q, e);
}

TEST(undone)
{
	struct world w = world_make(MIB(1));
	int64_t id = 5;
	CHECK_INT(deliver_of(&w, 1, 5, 0, 300), 0);
	CHECK_INT(deliver_of(&w, 1, 6, 200, 200), 100);
	CHECK_RC(store_write(w.store, undo, &id, &err), RC_OK, err);
	CHECK_INT(deliver_of(&w, 1, 7, 0, 100), 0);
	if (clock_move(2 * HOUR_US)) {
		tend(&w);
		world_close(&w);
		world_open(&w);
		CHECK_INT(deliver_of(&w, 1, 8, 0, 300), 100); /* of report 7 */
		clock_move(-2 * HOUR_US);
	}
	world_end(&w);
}

/* B repeats what A has under way; then A is stored, or not. */
TEST(under_way)
{
	struct world w = world_make(MIB(1));
	struct delivery a, b;
	for (int stored = 0; stored < 2; stored++) {
		uint64_t from = stored ? 1000 : 0;
		probe(&w, 1, 1, from, 100, &a);
		const bool *is_repeat = probe(&w, 1, 1, from + 50, 100, &b);
		CHECK(is_repeat[0] && is_repeat[49] && !is_repeat[50]);
		CHECK_INT(repeats_new_rows(b.ticket), 50);
		enum rc want = stored ? RC_OK : RC_LIMIT;
		CHECK_RC(land(&w, &a, 1, want), want, err);
		CHECK_RC(land(&w, &b, 1, RC_OK), stored ? RC_OK : RC_CONFLICT, err);
		CHECK_INT(deliver(&w, from, 150), stored ? 150 : 0);
	}
	/* the writer meets B first */
	probe(&w, 1, 1, 5000, 10, &a);
	probe(&w, 1, 1, 5000, 10, &b);
	CHECK_INT(repeats_new_rows(b.ticket), 0);
	CHECK_RC(land(&w, &b, 1, RC_OK), RC_CONFLICT, err);
	CHECK_RC(land(&w, &a, 1, RC_OK), RC_OK, err);
	world_end(&w);
}

struct other {
	struct world *w;
	struct batch *batch;
	uint64_t seen; /* rows that were new */
	int64_t report;
	enum rc rc;
};

static void *deliver_beside(void *ctx)
{
	struct other *o = ctx;
	struct err e = { 0 };
	for (uint64_t i = 0; i < 20 && !o->rc; i++) {
		struct hash128 hashes[100];
		bool is_repeat[100];
		struct report r = { .id = o->report, .received_us = clock_now_us() };
		struct delivery d = { 0 };
		for (uint32_t k = 0; k < 100; k++)
			hashes[k] = hash_of(i * 100 + k);
		o->batch->c.rows = 100;
		o->rc = repeats_probe(o->w->repeats, 1, o->report, o->batch, hashes, is_repeat,
				      &d.ticket, &e);
		if (o->rc)
			break;
		o->batch->c.rows = repeats_new_rows(d.ticket);
		o->seen += o->batch->c.rows;
		if (o->batch->c.rows)
			o->rc = event_chunk_new(o->batch, &r, NULL, &d.chunk, &e);
		if (!o->rc)
			o->rc = store_write(o->w->store, commit, &d, &e);
		repeats_end(d.ticket, o->rc == RC_OK);
		event_chunk_free(d.chunk);
	}
	return NULL;
}

TEST(side_by_side)
{
	struct world w = world_make(MIB(1));
	struct other o[4];
	pthread_t thread[4];
	uint64_t seen = 0;
	for (int i = 0; i < 4; i++) {
		o[i] = (struct other){ .w = &w, .batch = make_batch(), .report = i + 1 };
		CHECK(pthread_create(&thread[i], NULL, deliver_beside, &o[i]) == 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		CHECK_INT(o[i].rc, RC_OK);
		seen += o[i].seen;
		batch_free(o[i].batch);
	}
	CHECK_INT(seen, 2000); /* each once */
	world_end(&w);
}

/* --- the files themselves --- */

static void make_entries(struct repeat_entry *e, size_t n, bool spread)
{
	for (size_t i = 0; i < n; i++) {
		struct hash128 h = hash_of(i);
		e[i] = (struct repeat_entry){ .key = { .part = spread ? h.lo % 900 : 7 + i % 24,
						       .tag = h.hi | 1, .check = (uint16_t)h.lo },
					      .report = spread ? (uint32_t)i : 3 };
	}
}

static bool any(void *ctx, uint32_t report)
{
	*(uint32_t *)ctx = report;
	return true;
}

static void check_file(bool spread, size_t n, double most_bytes)
{
	struct test_dir d = test_dir_new();
	struct io_dir *dir;
	struct repeat_entry *e = x_array(n, sizeof(*e)), *sorted = x_array(n, sizeof(*e));
	struct repeat_parts parts;
	struct repeat_file *f;
	uint64_t bytes = 0, missing = 0, wrong = 0;
	make_entries(e, n, spread);
	memcpy(sorted, e, n * sizeof(*e));
	CHECK_RC(io_dir_open(d.path, &dir, &err), RC_OK, err);
	CHECK_RC(repeat_file_write(dir, "1.tags", sorted, n, &parts, &bytes, &err), RC_OK, err);
	CHECK_MSG((double)bytes / (double)n <= most_bytes, "%.2f bytes each",
		  (double)bytes / (double)n);
	CHECK_RC(repeat_file_open(dir, "1.tags", &f, &err), RC_OK, err);
	for (size_t i = 0; i < n; i++) {
		bool found = false;
		uint32_t report = 0;
		CHECK_RC(repeat_file_has(f, &sorted[i].key, any, &report, &found, &err), RC_OK,
			 err);
		missing += !found || report != sorted[i].report ||
			   !repeat_file_may_have(f, &sorted[i].key) ||
			   !repeat_parts_may_have(&parts, sorted[i].key.part);
		struct repeat_key other = sorted[i].key;
		other.check ^= 1;
		CHECK_RC(repeat_file_has(f, &other, any, &report, &found, &err), RC_OK, err);
		wrong += found;
	}
	CHECK_INT(missing, 0);
	CHECK_INT(wrong, 0);
	repeat_file_close(f);
	io_dir_close(dir);
	test_dir_end(&d);
	free(e);
	free(sorted);
}

TEST(files)
{
	check_file(false, 1, 1e9);
	check_file(false, 60000, 11.5);
	check_file(true, 3000, 60);
	check_file(false, 200000, 10.6);
}

/* Every byte of a small file changed: told, or as if nothing had been. */
TEST(damaged_files)
{
	struct test_dir d = test_dir_new();
	struct io_dir *dir;
	struct repeat_entry e[300];
	struct repeat_parts parts;
	struct io_file *raw;
	uint64_t bytes;
	make_entries(e, COUNT_OF(e), false);
	CHECK_RC(io_dir_open(d.path, &dir, &err), RC_OK, err);
	CHECK_RC(repeat_file_write(dir, "1.tags", e, COUNT_OF(e), &parts, &bytes, &err), RC_OK,
		 err);
	CHECK_RC(io_open(dir, "1.tags", IO_WRITE, &raw, &err), RC_OK, err);
	for (uint64_t at = 0; at < bytes; at += at < 400 || at > bytes - 400 ? 1 : 13) {
		char byte;
		struct repeat_file *f;
		CHECK_RC(io_read_at(raw, at, &byte, 1, &err), RC_OK, err);
		byte = (char)(byte ^ 0x10);
		CHECK_RC(io_write_at(raw, at, str_mem(&byte, 1), &err), RC_OK, err);
		enum rc rc = repeat_file_open(dir, "1.tags", &f, &err);
		CHECK(rc == RC_OK || rc == RC_INPUT);
		for (size_t i = 0; rc == RC_OK && i < COUNT_OF(e); i += 20) {
			bool found;
			uint32_t report;
			enum rc has = repeat_file_has(f, &e[i].key, any, &report, &found, &err);
			CHECK(has == RC_OK || has == RC_INPUT);
		}
		if (rc == RC_OK)
			repeat_file_close(f);
		byte = (char)(byte ^ 0x10);
		CHECK_RC(io_write_at(raw, at, str_mem(&byte, 1), &err), RC_OK, err);
	}
	io_close(raw);
	io_dir_close(dir);
	test_dir_end(&d);
}

static void count_words(void *ctx, const char *words)
{
	(void)words;
	++*(unsigned *)ctx;
}

static unsigned check_files(struct world *w)
{
	struct reader *r;
	unsigned said = 0;
	CHECK_RC(store_read_begin(w->store, &r, &err), RC_OK, err);
	CHECK_RC(repeat_files_check(w->store, reader_conn(r), count_words, &said, &err), RC_OK,
		 err);
	store_read_end(r);
	return said;
}

TEST(verify_reads_them)
{
	struct world w = world_make(MIB(1));
	struct io_dir *dir;
	struct io_file *raw;
	uint64_t bytes;
	for (uint64_t i = 0; i < 30; i++)
		CHECK_INT(deliver_of(&w, 1, (int64_t)i, i * BATCH_ROWS, BATCH_ROWS), 0);
	CHECK(ask(&w, false) > 1);
	CHECK_INT(check_files(&w), 0);
	CHECK_RC(io_dir_sub(store_dir(w.store), "repeats", false, &dir, &err), RC_OK, err);
	CHECK_RC(io_open(dir, "1.tags", IO_WRITE, &raw, &err), RC_OK, err);
	CHECK_RC(io_size(raw, &bytes, &err), RC_OK, err);
	for (uint64_t at = 0; at < bytes; at += bytes / 50) {
		if (at > 300 && at < 4096)
			continue; /* the head takes a page and does not fill it */
		char byte;
		CHECK_RC(io_read_at(raw, at, &byte, 1, &err), RC_OK, err);
		byte = (char)(byte ^ 0x04);
		CHECK_RC(io_write_at(raw, at, str_mem(&byte, 1), &err), RC_OK, err);
		CHECK_MSG(check_files(&w) == 1, "byte %llu of %llu", (unsigned long long)at,
			  (unsigned long long)bytes);
		byte = (char)(byte ^ 0x04);
		CHECK_RC(io_write_at(raw, at, str_mem(&byte, 1), &err), RC_OK, err);
	}
	io_close(raw);
	CHECK_RC(io_unlink(dir, "1.tags", &err), RC_OK, err);
	CHECK_INT(check_files(&w), 1);
	io_dir_close(dir);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(in_memory), TEST_RUN(restart), TEST_RUN(rotation_and_files), TEST_RUN(window),
	  TEST_RUN(undone), TEST_RUN(under_way), TEST_RUN(side_by_side), TEST_RUN(files),
	  TEST_RUN(damaged_files), TEST_RUN(verify_reads_them))
