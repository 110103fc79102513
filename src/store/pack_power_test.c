/* SPDX-License-Identifier: Apache-2.0 */
/* The power goes, or one call to the machine fails, while reports are packed and
 * runs are merged: each report is there once, with its bytes, and is known when it
 * is sent again; what was interrupted goes on. */
#include <errno.h>

#include "base/io_trace.h"
#include "base/test_dir.h"
#include "store/pack_test.h"
#include "store/upkeep.h"

#ifdef RONDA_SANITIZED
enum { CUT_STEP = 3, FAIL_STEP = 5 };
#else
enum { CUT_STEP = 1, FAIL_STEP = 1 };
#endif
enum { RUNS = 9, EACH = 40, N = RUNS * EACH };

static enum rc pack_all(struct store *s)
{
	bool did = true;
	enum rc rc = RC_OK;
	for (int i = 0; did && rc == RC_OK && i < 100; i++) {
		did = false;
		rc = reports_pack(s, NULL, &did, &err);
	}
	return rc;
}

static void say(void *ctx, const char *sentence)
{
	printf("# %s: %s\n", (const char *)ctx, sentence);
}

static bool has_bytes(struct store *s, int64_t id)
{
	char text[200], got[200];
	struct raw_reader *r;
	str want = bytes_of(id, text);
	if (raw_open(s, id, &r, &err) != RC_OK)
		return false;
	long n = raw_read(r, got, sizeof(got));
	raw_close(r);
	return n == (long)want.n && memcmp(got, want.p, want.n) == 0;
}

/* All that were acknowledged; packing goes on from where it was. */
static void look_through(struct store *s, int64_t acknowledged, const char *where)
{
	struct verify_result v;
	struct reader *r;
	struct report found;
	char text[200], ctx[80];
	snprintf(ctx, sizeof(ctx), "%s", where);
	CHECK_RC(store_verify(s, say, ctx, NULL, &v, &err), RC_OK, err);
	CHECK_MSG(v.damaged == 0, "%s: damaged", where);
	CHECK_MSG(v.reports >= (uint64_t)acknowledged, "%s: %llu of %lld reports", where,
		  (unsigned long long)v.reports, (long long)acknowledged);
	CHECK_RC(store_read_begin(s, &r, &err), RC_OK, err);
	for (int64_t id = 1; id <= acknowledged; id++) {
		struct report want = { .feed = 1 };
		bool known = false;
		str bytes = bytes_of(id, text);
		want.digest = sha256(bytes);
		want.bytes = bytes.n;
		CHECK_RC(report_find(reader_conn(r), store_secret(s), &want, &found, &known, &err),
			 RC_OK, err);
		CHECK_MSG(known && found.id == id && has_bytes(s, id), "%s: report %lld", where,
			  (long long)id);
	}
	store_read_end(r);
}

static void go_on(const char *path, int64_t acknowledged, const char *where)
{
	struct store *s;
	CHECK_RC(store_open(path, NULL, NULL, &s, &err), RC_OK, err);
	look_through(s, acknowledged, where);
	CHECK_RC(pack_all(s), RC_OK, err);
	look_through(s, acknowledged, where);
	store_close(s);
}

TEST(power_cuts_while_packing)
{
	struct test_dir d = test_dir_new(), cut = test_dir_new();
	struct store *s;
	unsigned cuts = 0;
	struct io_trace *t = io_trace_begin(d.path);
	CHECK_RC(store_create(d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(d.path, NULL, NULL, &s, &err), RC_OK, err);
	CHECK_RC(store_write(s, tell_all, NULL, &err), RC_OK, err);
	size_t from = 0;
	for (int64_t i = 0; i < RUNS; i++) {
		add_done(s, i * EACH + 1, (i + 1) * EACH + 1);
		io_trace_mark(t, (uint64_t)(i + 1));
		CHECK_RC(store_write(s, make_old, NULL, &err), RC_OK, err);
		if (i == 6)
			from = io_trace_events(t); /* two packs and the merge are cut apart */
		CHECK_RC(pack_all(s), RC_OK, err);
	}
	size_t until = io_trace_events(t);
	store_close(s);
	io_trace_stop(t);
	for (size_t n = from; n <= until && test_failures < 20; n += CUT_STEP) {
		char path[512], where[64];
		uint64_t rounds;
		enum io_cut how = (enum io_cut)(n % IO_CUTS);
		snprintf(where, sizeof(where), "event %zu, kind %u", n - from, (unsigned)how);
		test_dir_in(&cut, path, "store");
		CHECK_RC(io_trace_rebuild(t, n, how, n, path, &err), RC_OK, err);
		(void)io_trace_marks(t, n, &rounds);
		go_on(path, (int64_t)rounds * EACH, where);
		test_dir_remove_path(path);
		cuts++;
	}
	printf("# %u cuts\n", cuts);
	io_trace_free(t);
	test_dir_end(&cut);
	test_dir_end(&d);
}

static void fail_at(uint64_t n, int code, bool *failed_out)
{
	struct test_dir d = test_dir_new(), cut = test_dir_new();
	struct store *s;
	char path[512], where[64];
	snprintf(where, sizeof(where), "call %llu fails with %d", (unsigned long long)n, code);
	struct io_trace *t = io_trace_begin(d.path);
	CHECK_RC(store_create(d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(d.path, NULL, NULL, &s, &err), RC_OK, err);
	CHECK_RC(store_write(s, tell_all, NULL, &err), RC_OK, err);
	for (int64_t i = 0; i < 8; i++) {
		add_done(s, i * EACH + 1, (i + 1) * EACH + 1);
		CHECK_RC(store_write(s, make_old, NULL, &err), RC_OK, err);
		if (i == 7)
			io_trace_fail(t, n, code, false);
		(void)!pack_all(s);
	}
	store_close(s);
	io_trace_stop(t);
	*failed_out = io_trace_failed(t);
	/* as it stands now, and had the power gone at the end */
	go_on(d.path, 8 * EACH, where);
	test_dir_in(&cut, path, "store");
	CHECK_RC(io_trace_rebuild(t, io_trace_events(t), IO_CUT_DROP, n, path, &err), RC_OK, err);
	go_on(path, 8 * EACH, where);
	test_dir_remove_path(path);
	io_trace_free(t);
	test_dir_end(&cut);
	test_dir_end(&d);
}

static void every_call(int code)
{
	bool failed = true;
	uint64_t n = 1;
	for (; failed && test_failures < 20; n += FAIL_STEP)
		fail_at(n, code, &failed);
	printf("# %llu calls failed\n", (unsigned long long)(n - 1) / FAIL_STEP);
	CHECK(n > 10);
}

TEST(every_call_fails_once_EIO)
{
	every_call(EIO);
}

TEST(every_call_fails_once_ENOSPC)
{
	every_call(ENOSPC);
}

TEST_MAIN(TEST_RUN(power_cuts_while_packing), TEST_RUN(every_call_fails_once_EIO),
	  TEST_RUN(every_call_fails_once_ENOSPC))
