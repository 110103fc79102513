/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes, or one call to the machine fails, while findings are folded,
 * made layers and merged: what was folded stays folded, each transition is there
 * once, and what stands is what the events say. */
#include <errno.h>

#include "base/io_trace.h"
#include "route/findings_world.h"
#include "store/upkeep.h"

#ifdef RONDA_SANITIZED
enum { CUTS = 30, FAIL_STEP = 23 };
#else
enum { CUTS = 160, FAIL_STEP = 4 };
#endif
enum { HOSTS = 1300, STEPS = 5 };

/* Hosts from..from+n-1 in one report; false when it did not get in. */
static bool report(struct world *w, int64_t feed, int from, int n, int64_t at)
{
	struct delivery d = { .w = w, .n = (size_t)n, .feed = feed, .b = batch_new() };
	struct report r = { .id = ++w->reports, .feed = feed, .received_us = clock_now_us() };
	for (int i = from; i < from + n; i++) {
		char ip[32];
		snprintf(ip, sizeof(ip), "198.18.%d.%d", i / 250, i % 250);
		fill(d.b, &(struct line)VULN(ip, at));
	}
	CHECK_RC(route_batch(w->d, d.b, clock_now_us(), &err), RC_OK, err);
	bool ok = event_chunk_new(d.b, &r, NULL, &d.chunk, &err) == RC_OK &&
		  store_write(w->s, deliver_job, &d, &err) == RC_OK;
	event_chunk_free(d.chunk);
	batch_free(d.b);
	return ok;
}

static bool fold_ok(struct world *w)
{
	uint64_t did;
	return findings_fold(w->s, w->d, 100000, &did, &err) == RC_OK;
}

static bool tend_ok(struct world *w)
{
	const struct tend_sizes by = { .rows = 1, .layers = 2, .transitions = 1 };
	bool did = true, more;
	enum rc rc = RC_OK;
	while (did && rc == RC_OK) {
		rc = findings_tend_by(w->s, &by, &did, &err);
		if (rc == RC_OK)
			rc = store_tend(w->s, &more, &err);
	}
	return rc == RC_OK;
}

static uint64_t transitions(struct store *s)
{
	struct reader *r;
	uint64_t n = 0;
	if (store_read_begin(s, &r, &err) != RC_OK)
		return 0;
	struct sql *q = sql(reader_conn(r), "SELECT (SELECT count(*) FROM transition) + "
					    "(SELECT coalesce(sum(rows), 0) FROM transition_pack)");
	if (sql_row(q))
		n = (uint64_t)sql_col_int(q, 0);
	n = sql_end(q, &err) == RC_OK ? n : 0; /* it may be this call that fails */
	store_read_end(r);
	return n;
}

/* A life in small; *sure_out: transitions that were acknowledged. */
static void live(struct world *w, struct io_trace *t, uint64_t *sure_out)
{
	*sure_out = 0;
	for (int step = 0; step < STEPS; step++) {
		bool ok = false;
		switch (step) {
		case 0: ok = report(w, LIST, 0, HOSTS, 10) && fold_ok(w); break;
		case 1: ok = report(w, HONEYPOT, HOSTS - 20, 40, 5) && fold_ok(w) && tend_ok(w); break;
		case 2:
			ok = report(w, LIST, 0, HOSTS - 50, 20) && fold_ok(w) &&
			     findings_run_complete(w->s, LIST, w->reports, &err) == RC_OK;
			break;
		case 3: ok = tend_ok(w); break;
		case 4: ok = report(w, LIST, 30, HOSTS - 30, 30) && fold_ok(w) && tend_ok(w); break;
		}
		if (!ok)
			continue;
		uint64_t n = transitions(w->s);
		*sure_out = n ? n : *sure_out;
		if (t)
			io_trace_mark(t, *sure_out);
	}
}

static void say(void *ctx, const char *sentence)
{
	printf("# %s: %s\n", (const char *)ctx, sentence);
}

/* Each finding was opened once, and gone and returned take turns. */
static void check_transitions(struct store *s, const char *where)
{
	struct reader *r;
	struct transition_row *rows;
	struct arena *a = arena_new(KIB(64));
	size_t n, opened = 0, listed = 0;
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	CHECK_RC(transitions_read(reader_conn(r), "nobody", 50000, a, &rows, &n, &err), RC_OK, err);
	struct buf out = BUF_INIT(MIB(4));
	for (int state = 0; state <= FINDING_GONE; state += FINDING_GONE) {
		const struct finding_query q = { .state = (enum finding_state)state, .tlp_mask = 31 };
		struct listing l = { &out };
		buf_reset(&out);
		CHECK_RC(findings_list(r, &q, list_one, &l, &err), RC_OK, err);
		for (size_t i = 0; i < out.n; i++)
			listed += out.p[i] == ';';
		listed += out.n > 0;
	}
	for (size_t i = 0; i < n; i++) {
		CHECK_MSG(rows[i].seq == i + 1, "%s: transition %zu is number %llu", where, i + 1,
			  (unsigned long long)rows[i].seq);
		opened += rows[i].what == TRANSITION_OPENED;
	}
	CHECK_MSG(opened == listed, "%s: %zu opened, %zu listed", where, opened, listed);
	store_read_end(r);
	buf_free(&out);
	arena_free(a);
}

/* Opens what is left, goes on with it, and compares with the events. */
static void check_left(const char *path, struct world *w, uint64_t sure, const char *where)
{
	struct world left = { .d = w->d };
	struct verify_result v;
	char ctx[128];
	snprintf(ctx, sizeof(ctx), "%s", where);
	enum rc rc = store_open(path, NULL, NULL, &left.s, &err);
	CHECK_MSG(rc == RC_OK, "%s: %s", where, err.text);
	if (rc != RC_OK)
		return;
	CHECK_RC(store_verify(left.s, say, ctx, NULL, &v, &err), RC_OK, err);
	CHECK_MSG(v.damaged == 0, "%s: damaged", where);
	uint64_t n = transitions(left.s);
	CHECK_MSG(n >= sure, "%s: %llu transitions were acknowledged, %llu are left", where,
		  (unsigned long long)sure, (unsigned long long)n);
	check_transitions(left.s, where);
	left.reports = 100;
	CHECK_MSG(report(&left, HONEYPOT, 0, 1100, 40), "%s: %s", where, err.text);
	CHECK_MSG(fold_ok(&left), "%s: %s", where, err.text);
	CHECK_MSG(tend_ok(&left), "%s: %s", where, err.text);
	check_transitions(left.s, where);
	n = transitions(left.s);
	CHECK_RC(findings_rebuild(left.s, left.d, &err), RC_OK, err);
	CHECK_MSG(transitions(left.s) == n, "%s: the findings are not what the events say", where);
	store_close(left.s);
}

TEST(power_cuts)
{
	struct world w = { .dir = test_dir_new(), .d = directory_of("198.18.0.0/24") };
	struct test_dir cut = test_dir_new();
	struct io_trace *t = io_trace_begin(w.dir.path);
	uint64_t sure;
	CHECK_RC(store_create(w.dir.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.dir.path, NULL, NULL, &w.s, &err), RC_OK, err);
	size_t from = io_trace_events(t);
	live(&w, t, &sure);
	CHECK(sure > 1300);
	store_close(w.s);
	io_trace_stop(t);
	size_t all = io_trace_events(t);
	printf("# %zu events, %d cuts\n", all - from, CUTS);
	for (size_t i = 0; i <= CUTS && test_failures < 20; i++) {
		char path[512], where[64];
		uint64_t highest = 0;
		size_t n = from + (all - from) * i / CUTS;
		enum io_cut how = (enum io_cut)(i % IO_CUTS);
		snprintf(where, sizeof(where), "cut %zu at event %zu, kind %u", i, n, (unsigned)how);
		test_dir_in(&cut, path, "store");
		CHECK_RC(io_trace_rebuild(t, n, how, i, path, &err), RC_OK, err);
		if (!io_trace_marks(t, n, &highest))
			highest = 0;
		check_left(path, &w, highest, where);
		test_dir_remove_path(path);
	}
	io_trace_free(t);
	directory_free(w.d);
	test_dir_end(&cut);
	test_dir_end(&w.dir);
}

static void fail_at(uint64_t n, int code, const char *where, bool *failed_out)
{
	struct world w = { .dir = test_dir_new(), .d = directory_of("198.18.0.0/24") };
	struct test_dir cut = test_dir_new();
	struct io_trace *t = io_trace_begin(w.dir.path);
	char path[512];
	uint64_t sure;
	CHECK_RC(store_create(w.dir.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.dir.path, NULL, NULL, &w.s, &err), RC_OK, err);
	io_trace_fail(t, n, code, false);
	live(&w, NULL, &sure);
	store_close(w.s);
	io_trace_stop(t);
	*failed_out = io_trace_failed(t);
	/* had the power gone at the end, and as it stands */
	test_dir_in(&cut, path, "store");
	CHECK_RC(io_trace_rebuild(t, io_trace_events(t), IO_CUT_DROP, n, path, &err), RC_OK, err);
	check_left(path, &w, sure, where);
	check_left(w.dir.path, &w, sure, where);
	io_trace_free(t);
	directory_free(w.d);
	test_dir_remove_path(path);
	test_dir_end(&cut);
	test_dir_end(&w.dir);
}

static void every_call(int code, const char *name)
{
	bool failed = true;
	uint64_t n;
	for (n = 1; failed && test_failures < 20; n += FAIL_STEP) {
		char where[64];
		snprintf(where, sizeof(where), "%s at call %llu", name, (unsigned long long)n);
		fail_at(n, code, where, &failed);
	}
	printf("# %llu calls failed with %s\n", (unsigned long long)(n - 1) / FAIL_STEP, name);
	CHECK(n > 100);
}

TEST(every_call_fails_once_EIO)
{
	every_call(EIO, "EIO");
}

TEST(every_call_fails_once_ENOSPC)
{
	every_call(ENOSPC, "ENOSPC");
}

TEST_MAIN(TEST_RUN(power_cuts), TEST_RUN(every_call_fails_once_EIO),
	  TEST_RUN(every_call_fails_once_ENOSPC))
