/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/object_index.h"

#include "base/test.h"
#include "disclosure/records_world.h"

/* Rows with made-up tags: row i has tag_of(i), at random among all; `same` of them share one. */
struct filling {
	int64_t from, upto;
};

static int64_t tag_of(int64_t i)
{
	return (int64_t)((uint64_t)i * UINT64_C(0x9e3779b97f4a7c15));
}

static enum rc fill_job(struct tx *tx, void *ctx, struct err *e)
{
	const struct filling *f = ctx;
	enum rc rc = RC_OK;
	for (int64_t i = f->from; rc == RC_OK && i < f->upto; i++)
		rc = object_index_put(tx, i, tag_of(i), i % 3, e);
	return rc;
}

static void fill(struct world *w, int64_t from, int64_t upto)
{
	struct filling f = { from, upto };
	CHECK_RC(store_write(w->s, fill_job, &f, &err), RC_OK, err);
}

struct looking {
	struct object_index *x;
	int64_t tag;
	int64_t id;                /* found last */
	size_t runs, found;
};

static enum rc look_job(struct tx *tx, void *ctx, struct err *e)
{
	struct looking *k = ctx;
	struct object_runs at = object_runs(tx_conn(tx), k->x, k->tag);
	enum rc rc = RC_OK;
	for (int64_t run; rc == RC_OK && object_runs_next(&at, &run);) {
		struct sql *q = sql(tx_conn(tx), "SELECT object FROM exchange_object_key WHERE run = ? AND tag = ?");
		sql_int(q, 1, run);
		sql_int(q, 2, k->tag);
		while (sql_row(q)) {
			k->id = sql_col_int(q, 0);
			k->found++;
		}
		k->runs++;
		rc = sql_end(q, e);
	}
	enum rc end = object_runs_end(&at, rc == RC_OK ? e : NULL);
	return rc == RC_OK ? end : rc;
}

static struct looking look(struct world *w, struct object_index *x, int64_t tag)
{
	struct looking k = { .x = x, .tag = tag };
	CHECK_RC(store_write(w->s, look_job, &k, &err), RC_OK, err);
	return k;
}

static int64_t number(struct world *w, const char *literal)
{
	struct reader *r = begin(w);
	struct sql *q = sql(reader_conn(r), literal);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static size_t tend(struct world *w, struct object_index *x, size_t most)
{
	size_t n = 0;
	for (bool did = true; did && n < most; n += did) {
		did = false;
		CHECK_RC(object_index_tend(w->s, x, &did, &err), RC_OK, err);
	}
	return n;
}

static void check_all(struct world *w, struct object_index *x, int64_t upto)
{
	for (int64_t i = 1; i < upto; i += 97) {
		const struct looking k = look(w, x, tag_of(i));
		CHECK_MSG(k.found == 1 && k.id == i, "row %lld: %zu times", (long long)i, k.found);
	}
}

#define RUNS "SELECT count(*) FROM exchange_object_run"
#define KEYS "SELECT count(*) FROM exchange_object_key"

/* Found at each step of the way: while runs are made, while those they were made of go. */
TEST(runs_are_made_into_longer_ones)
{
	struct world w = world_new();
	struct object_index *x = object_index_new(w.s);
	const int64_t upto = 17 * OBJECT_RUN + 100;
	for (int64_t at = 1; at < upto; at += OBJECT_RUN)
		fill(&w, at, at + OBJECT_RUN < upto ? at + OBJECT_RUN : upto);
	CHECK_INT(number(&w, RUNS), 18);
	check_all(&w, x, upto);
	CHECK(look(&w, x, 12345).runs == 18); /* no filters yet */
	while (tend(&w, x, 7) == 7)
		check_all(&w, x, upto);
	check_all(&w, x, upto);
	CHECK_INT(number(&w, RUNS), 3); /* sixteen in one, one more, the open one */
	CHECK_INT(number(&w, RUNS " WHERE state > 1 OR target <> 0 AND state <> 1"), 0);
	CHECK_INT(number(&w, KEYS), upto - 1);
	CHECK_INT(number(&w, KEYS " WHERE run >> 40 = 1"), 16 * OBJECT_RUN);
	/* filters: who never came is sought in the open run alone, but for one in some hundreds */
	CHECK(object_index_memory(x) > 17 * OBJECT_RUN && object_index_memory(x) < 17 * OBJECT_RUN * 2);
	size_t runs = 0;
	for (int64_t i = 0; i < 1000; i++) {
		const struct looking k = look(&w, x, tag_of(upto + 1000 + i));
		CHECK(k.found == 0);
		runs += k.runs;
	}
	CHECK_MSG(runs >= 1000 && runs < 1050, "%zu", runs);
	check_all(&w, NULL, upto); /* without any */
	object_index_free(x);
	world_end(&w);
}

static enum rc same_job(struct tx *tx, void *ctx, struct err *e)
{
	const int64_t *from = ctx;
	enum rc rc = RC_OK;
	for (int64_t i = *from; rc == RC_OK && i < *from + 3; i++)
		rc = object_index_put(tx, i, INT64_MAX, 0, e);
	for (int64_t i = *from + 3; rc == RC_OK && i < *from + 6; i++)
		rc = object_index_put(tx, i, INT64_MIN, 0, e);
	return rc;
}

static enum rc drop_job(struct tx *tx, void *ctx, struct err *e)
{
	const int64_t *id = ctx;
	return object_index_drop(tx, *id, tag_of(*id), *id % 3, e);
}

/* The first and the last tag, several of one tag, and what is taken out while its run is being made into another. */
TEST(edges_and_what_goes_meanwhile)
{
	struct world w = world_new();
	struct object_index *x = object_index_new(w.s);
	int64_t edge = 1, gone = 500;
	CHECK_RC(store_write(w.s, same_job, &edge, &err), RC_OK, err);
	for (int64_t at = 10; at < 16 * OBJECT_RUN + 50; at += OBJECT_RUN)
		fill(&w, at, at + OBJECT_RUN);
	const int64_t keys = number(&w, KEYS);
	while (number(&w, RUNS " WHERE state = 2 AND upto > 0") == 0)
		CHECK(tend(&w, x, 1) == 1);
	CHECK_RC(store_write(w.s, drop_job, &gone, &err), RC_OK, err);
	CHECK(look(&w, x, tag_of(gone)).found == 0);
	CHECK(look(&w, x, INT64_MAX).found == 3 && look(&w, x, INT64_MIN).found == 3);
	(void)tend(&w, x, 1000);
	CHECK(look(&w, x, tag_of(gone)).found == 0);
	CHECK(look(&w, x, INT64_MAX).found == 3 && look(&w, x, INT64_MIN).found == 3);
	CHECK_INT(number(&w, KEYS), keys - 1);
	CHECK_INT(number(&w, RUNS " WHERE state = 1 AND run >> 40 = 1"), 1);
	object_index_free(x);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(runs_are_made_into_longer_ones), TEST_RUN(edges_and_what_goes_meanwhile))
