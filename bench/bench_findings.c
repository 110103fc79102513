/* SPDX-License-Identifier: Apache-2.0 */
/* bench-findings DIR: folds the events of a store anew, without a node beside
 * it, and asks for lists; one core. DIR loses the findings it had: use a copy.
 * Folding and the background work it leaves are told apart. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "route/findings.h"

static struct err err;

static void must(enum rc rc)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s\n", err.text);
	exit(1);
}

static enum rc forget_all(struct tx *tx, void *ctx, struct err *e)
{
	struct conn *c = tx_conn(tx);
	(void)ctx;
	enum rc rc = sql_run(sql(c, "DELETE FROM finding"), e);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "DELETE FROM finding_feed"), e);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "DELETE FROM finding_layer"), e);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "DELETE FROM segment WHERE kind = 2"), e);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "DELETE FROM transition"), e);
	if (rc == RC_OK)
		rc = sql_run(sql(c, "DELETE FROM transition_pack"), e);
	return rc == RC_OK ? sql_run(sql(c, "DELETE FROM cursor WHERE name = 'fold'"), e) : rc;
}

/* Of the processor: on a machine that others use too it is what can be compared. */
static int64_t cpu_us(void)
{
	struct timespec t;
	(void)!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

struct page {
	uint64_t n;
	struct hash128 id;
	int64_t last_us;
	bool all;
};

static bool count(void *ctx, const struct finding *f)
{
	struct page *p = ctx;
	p->n++;
	p->id = f->id;
	p->last_us = f->last_seen_us;
	return true;
}

static struct page list(struct store *s, const char *what, struct finding_query q)
{
	struct reader *r;
	struct page p = { 0 };
	int64_t best = INT64_MAX;
	for (int i = 0; i < (q.limit ? 5 : 1); i++) {
		int64_t start = clock_mono_us();
		p.n = 0;
		q.tlp_mask = 31;
		must(store_read_begin(s, &r, &err));
		must(findings_list(r, &q, count, &p, &err));
		store_read_end(r);
		best = clock_mono_us() - start < best ? clock_mono_us() - start : best;
	}
	printf("list, %-40s %9.1f ms, %" PRIu64 " findings\n", what, (double)best / 1000, p.n);
	return p;
}

static void lists(struct store *s)
{
	struct finding_query q = { .limit = 50 };
	struct net net;
	struct page p = list(s, "first page of 50", q);
	q.after = p.id;
	q.after_last_seen_us = p.last_us;
	list(s, "second page", q);
	q = (struct finding_query){ .limit = 50, .state = FINDING_GONE };
	list(s, "gone", q);
	q = (struct finding_query){ .limit = 50, .type = "vulnerable-system", .severity = "high" };
	list(s, "by type and severity", q);
	q = (struct finding_query){ .limit = 50, .org = 7 };
	list(s, "of an organisation that has none", q);
	q = (struct finding_query){ .limit = 50, .has_net = net_parse(STR("10.1.2.0/24"), true, &net), .net = net };
	list(s, "of a network /24", q);
	q = (struct finding_query){ .limit = 0 };
	list(s, "all", q);
	int64_t start = clock_mono_us();
	struct reader *r;
	struct arena *a = arena_new(KIB(16));
	struct finding f;
	must(store_read_begin(s, &r, &err));
	must(findings_get(r, p.id, a, &f, &err));
	store_read_end(r);
	printf("one by its id: %.2f ms\n", (double)(clock_mono_us() - start) / 1000);
	arena_free(a);
}

int main(int argc, char **argv)
{
	struct store *s;
	uint64_t did = 1, all = 0;
	int64_t folding = 0, tending = 0, fold_cpu = 0, tend_cpu = 0;
	bool more = true;
	if (argc != 2) {
		fprintf(stderr, "usage: bench-findings DIR\n");
		return 64;
	}
	must(hash_init(&err));
	must(store_open(argv[1], NULL, NULL, &s, &err));
	store_add_tend(s, findings_tend, NULL);
	must(store_write(s, forget_all, NULL, &err));
	while (did) {
		int64_t start = clock_mono_us(), then, cpu = cpu_us(), then_cpu;
		must(findings_fold(s, NULL, 65536, &did, &err));
		then = clock_mono_us();
		then_cpu = cpu_us();
		must(store_tend(s, &more, &err));
		folding += then - start;
		tending += clock_mono_us() - then;
		fold_cpu += then_cpu - cpu;
		tend_cpu += cpu_us() - then_cpu;
		all += did;
	}
	printf("folded %" PRIu64 " events: %.0f k/s, with the background work %.0f k/s\n", all,
	       1000.0 * (double)all / (double)folding, 1000.0 * (double)all / (double)(folding + tending));
	printf("processor: folding %.2f us an event, background work %.2f\n", (double)fold_cpu / (double)all,
	       (double)tend_cpu / (double)all);
	lists(s);
	while (more)
		must(store_tend(s, &more, &err));
	printf("after all background work:\n");
	lists(s);
	store_close(s);
	return 0;
}
