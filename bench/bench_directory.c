/* SPDX-License-Identifier: Apache-2.0 */
/* bench-directory DIR [RANGES]: makes a store in DIR (which must not exist) with so many claimed networks
 * (default a million) of 5,000 organisations, and tells: how long the table takes to make from its
 * rows, what a look-up costs, and what the writer notices while the table is made and swapped. */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/snapshot.h"
#include "route/directory.h"

enum { ORGS = 5000, ROWS_A_JOB = 20000, LOOKUPS = 2000000, SWAPS = 3 };

static struct err err;

static void must(enum rc rc)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s\n", err.text);
	exit(1);
}

/* Of this thread alone: on a machine that others use too it is what can be compared. */
static double cpu_s(void)
{
	struct timespec t;
	(void)!clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double since(int64_t start_us)
{
	return (double)(clock_mono_us() - start_us) / (double)SECOND_US;
}

struct filling {
	uint64_t from, to, all;
};

/* Networks in networks: /16, /20, /24 and /28 of 10.0.0.0/8 and on, as many as are wanted. */
static void net_of(uint64_t i, char text[40])
{
	uint64_t block = i / 273, in = i % 273; /* a /16, 16 /20 in it, 256 /24 in those */
	unsigned a = (unsigned)(10 + block / 256 % 200), b = (unsigned)(block % 256);
	if (in == 0)
		snprintf(text, 40, "%u.%u.0.0/16", a, b);
	else if (in < 17)
		snprintf(text, 40, "%u.%u.%u.0/20", a, b, (unsigned)(in - 1) * 16);
	else
		snprintf(text, 40, "%u.%u.%u.0/24", a, b, (unsigned)(in - 17));
}

static enum rc fill(struct tx *tx, void *ctx, struct err *e)
{
	struct filling *f = ctx;
	struct conn *c = tx_conn(tx);
	enum rc rc = RC_OK;
	for (uint64_t i = f->from; rc == RC_OK && i < f->to; i++) {
		char text[40];
		net_of(i, text);
		struct sql *q = sql(c, "INSERT INTO org_scope (org, kind, value, role, shared_address, from_us, "
				       "until_us) VALUES (?, 'net', ?, ?, 0, 0, 0)");
		sql_int(q, 1, (int64_t)(i % ORGS) + 1);
		sql_str(q, 2, str_of(text));
		sql_int(q, 3, i % 2 ? 0 : 2);
		rc = sql_run(q, e);
	}
	return rc;
}

static enum rc name_them(struct tx *tx, void *ctx, struct err *e)
{
	enum rc rc = RC_OK;
	(void)ctx;
	for (int i = 1; rc == RC_OK && i <= ORGS; i++) {
		char name[40];
		snprintf(name, sizeof(name), "Organisation %d", i);
		struct sql *q = sql(tx_conn(tx), "INSERT INTO org (id, name, folded, kind, country, sector, timezone, "
						 "changed_us) VALUES (?, ?, ?, 'constituent', 'ID', '', '', 1)");
		sql_int(q, 1, i);
		sql_str(q, 2, str_of(name));
		sql_str(q, 3, str_of(name));
		rc = sql_run(q, e);
	}
	return rc;
}

/* --- the writer, while the table is made --- */

struct writing {
	struct store *s;
	atomic_bool over;
	uint64_t jobs;
	int64_t longest_us;
};

static enum rc one_row(struct tx *tx, void *ctx, struct err *e)
{
	(void)ctx;
	return sql_run(sql(tx_conn(tx), "UPDATE org SET changed_us = changed_us + 1 WHERE id = 1"), e);
}

static void *write_on(void *arg)
{
	struct writing *w = arg;
	while (!atomic_load(&w->over)) {
		int64_t start_us = clock_mono_us();
		if (store_write(w->s, one_row, NULL, NULL) != RC_OK)
			abort();
		int64_t took_us = clock_mono_us() - start_us;
		w->longest_us = took_us > w->longest_us ? took_us : w->longest_us;
		w->jobs++;
	}
	return NULL;
}

static void free_table(void *t)
{
	directory_free(t);
}

static struct directory *load(struct store *s)
{
	struct reader *r;
	struct directory *d = NULL;
	must(store_read_begin(s, &r, &err));
	must(directory_load(reader_conn(r), &d, &err));
	store_read_end(r);
	return d;
}

static void writer_alone_or_beside(struct store *s, struct snapshot *table, bool swap)
{
	struct writing w = { .s = s };
	pthread_t t;
	int64_t start_us = clock_mono_us();
	if (pthread_create(&t, NULL, write_on, &w) != 0)
		abort();
	if (swap)
		for (int i = 0; i < SWAPS; i++)
			snapshot_swap(table, load(s));
	else
		while (since(start_us) < 3)
			;
	double seconds = since(start_us);
	atomic_store(&w.over, true);
	pthread_join(t, NULL);
	printf("%s: %.2f s, the writer did %.0f jobs/s, the longest took %.1f ms\n",
	       swap ? "table made and swapped three times" : "one core busy with nothing", seconds,
	       (double)w.jobs / seconds, (double)w.longest_us / 1000);
}

static void look_up(const struct directory *d, uint64_t ranges)
{
	uint64_t x = 88172645463325252u, hits = 0;
	struct match m[16];
	double start = cpu_s();
	for (int i = 0; i < LOOKUPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		uint64_t block = x % (ranges / 273 + 1);
		struct ip ip = { { [10] = 0xff, [11] = 0xff, [12] = (uint8_t)(10 + block / 256 % 200),
				   [13] = (uint8_t)block, [14] = (uint8_t)(x >> 32), [15] = (uint8_t)(x >> 40) } };
		hits += directory_match_ip(d, &ip, 1, m, 16);
	}
	double seconds = cpu_s() - start;
	printf("look-up: %.3f us, %.1f claims an address\n", seconds / LOOKUPS * 1e6, (double)hits / LOOKUPS);
}

int main(int argc, char **argv)
{
	struct store *s = NULL;
	uint64_t ranges = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	if (argc < 2 || ranges < 1000 || ranges > 13000000) {
		fprintf(stderr, "usage: bench-directory DIR [RANGES]\n");
		return 64;
	}
	must(hash_init(&err));
	must(store_create(argv[1], "Bench", "ID", &err));
	must(store_open(argv[1], NULL, NULL, &s, &err));
	must(store_write(s, name_them, NULL, &err));
	for (uint64_t i = 0; i < ranges; i += ROWS_A_JOB) {
		struct filling f = { i, i + ROWS_A_JOB < ranges ? i + ROWS_A_JOB : ranges, ranges };
		must(store_write(s, fill, &f, &err));
	}
	struct snapshot *table = snapshot_new(free_table);
	int64_t start_us = clock_mono_us();
	double start = cpu_s();
	snapshot_swap(table, load(s));
	printf("table of %" PRIu64 " networks from its rows: %.2f s, %.2f s of the processor\n", ranges,
	       since(start_us), cpu_s() - start);
	struct snapshot_ref *ref = snapshot_hold(table);
	look_up(snapshot_table(ref), ranges);
	snapshot_drop(table, ref);
	writer_alone_or_beside(s, table, false);
	writer_alone_or_beside(s, table, true);
	snapshot_free(table);
	store_close(s);
	return 0;
}
