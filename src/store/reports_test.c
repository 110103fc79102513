/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/arena.h"
#include "base/io_trace.h"
#include "base/test_dir.h"
#include "store/quarantine.h"
#include "store/raw.h"

static struct err err;

struct world {
	struct test_dir d;
	struct store *s;
};

static struct world created(void)
{
	struct world w = { .d = test_dir_new() };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	return w;
}

static void ended(struct world *w)
{
	store_close(w->s);
	test_dir_end(&w->d);
}

/* Bytes that compress a little, different everywhere. */
static void fill(char *p, size_t n, uint64_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		p[i] = (char)('a' + (seed >> 59));
	}
}

static struct report deliver(struct store *s, int64_t feed, str bytes, size_t step, bool *known)
{
	struct report r = { .feed = feed };
	struct raw_intake *in;
	(void)str_to_z(STR("auto"), r.format, sizeof(r.format));
	(void)str_to_z(STR("a.csv"), r.file_name, sizeof(r.file_name));
	CHECK_RC(raw_begin(s, &in, &err), RC_OK, err);
	while (bytes.n) {
		CHECK_RC(raw_add(in, str_head(bytes, step), &err), RC_OK, err);
		bytes = str_from(bytes, step);
	}
	CHECK_RC(report_received(in, &r, known, &err), RC_OK, err);
	return r;
}

static bool reads_back(struct store *s, int64_t report, str want, size_t step)
{
	struct raw_reader *r;
	bool same = true;
	char *p = x_alloc(step);
	CHECK_RC(raw_open(s, report, &r, &err), RC_OK, err);
	for (int round = 0; round < 2; round++) {
		str left = want;
		long n;
		while ((n = raw_read(r, p, step)) > 0) {
			same = same && str_starts(left, str_mem(p, (size_t)n));
			left = str_from(left, (size_t)n);
		}
		same = same && n == 0 && left.n == 0;
		raw_rewind(r);
	}
	raw_close(r);
	free(p);
	return same;
}

static const struct {
	size_t bytes, step;
} sizes[] = { { 0, 1 },
	      { 1, 1 },
	      { 127, 127 },
	      { 5000, 999 },
	      { RAW_PART - 1, RAW_PART },
	      { RAW_PART, RAW_PART },
	      { RAW_PART + 1, 70000 },
	      { 3000000, 100001 } };

TEST(bytes_come_back)
{
	struct world w = created();
	char *p = x_alloc(3000000);
	fill(p, 3000000, 7);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		bool known = true;
		str bytes = str_mem(p, sizes[i].bytes);
		struct report r = deliver(w.s, 1, bytes, sizes[i].step, &known);
		CHECK(!known);
		CHECK_INT(r.state, REPORT_PARSING);
		CHECK_INT(r.bytes, bytes.n);
		struct digest d = sha256(bytes);
		CHECK(memcmp(d.b, r.digest.b, sizeof(d.b)) == 0);
		CHECK_MSG(reads_back(w.s, r.id, bytes, 65536), "%zu bytes", sizes[i].bytes);
	}
	free(p);
	ended(&w);
}

static enum rc save(struct tx *tx, void *ctx, struct err *e)
{
	return report_save(tx, ctx, e);
}

TEST(known_again)
{
	struct world w = created();
	bool known;
	struct report r = deliver(w.s, 1, STR("1.2.3.4\n"), 9, &known);
	int64_t first = r.id;
	r.state = REPORT_DONE;
	r.counts.inputs = r.counts.accepted = 1;
	(void)str_to_z(STR("ipline"), r.format, sizeof(r.format));
	CHECK_RC(store_write(w.s, save, &r, &err), RC_OK, err);
	r = deliver(w.s, 1, STR("1.2.3.4\n"), 9, &known);
	CHECK(known);
	CHECK_INT(r.id, first);
	CHECK_INT(r.counts.accepted, 1);
	CHECK_STR(str_of(r.format), STR("ipline"));
	r = deliver(w.s, 2, STR("1.2.3.4\n"), 9, &known); /* another feed says the same */
	CHECK(!known);
	/* refused or undone: it may be tried again */
	static const enum report_state again[] = { REPORT_REFUSED, REPORT_UNDONE };
	for (size_t i = 0; i < COUNT_OF(again); i++) {
		r.state = again[i];
		CHECK_RC(store_write(w.s, save, &r, &err), RC_OK, err);
		int64_t before = r.id;
		r = deliver(w.s, 2, STR("1.2.3.4\n"), 9, &known);
		CHECK(!known);
		CHECK(r.id != before);
	}
	r.id = 999;
	CHECK_RC(store_write(w.s, save, &r, &err), RC_ABSENT, err);
	ended(&w);
}

TEST(unfinished)
{
	struct world w = created();
	bool known;
	int64_t *ids;
	size_t n;
	struct reader *v;
	struct arena *a = arena_new(KIB(4));
	struct report first = deliver(w.s, 1, STR("a"), 1, &known);
	struct report second = deliver(w.s, 1, STR("b"), 1, &known);
	first.state = REPORT_DONE;
	CHECK_RC(store_write(w.s, save, &first, &err), RC_OK, err);
	store_close(w.s);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &v, &err), RC_OK, err);
	CHECK_RC(report_unfinished(reader_conn(v), a, &ids, &n, &err), RC_OK, err);
	CHECK_INT(n, 1);
	CHECK_INT(ids[0], second.id);
	struct report loaded;
	CHECK_RC(report_load(reader_conn(v), second.id, &loaded, &err), RC_OK, err);
	CHECK_STR(str_of(loaded.file_name), STR("a.csv"));
	CHECK_RC(report_load(reader_conn(v), 77, &loaded, &err), RC_ABSENT, err);
	store_read_end(v);
	struct raw_reader *raw;
	CHECK_RC(raw_open(w.s, 77, &raw, &err), RC_ABSENT, err);
	arena_free(a);
	ended(&w);
}

TEST(aborted_and_full)
{
	struct world w = created();
	struct raw_intake *in;
	char *p = x_alloc(MIB(1));
	bool known;
	fill(p, MIB(1), 3);
	CHECK_RC(raw_begin(w.s, &in, &err), RC_OK, err);
	CHECK_RC(raw_add(in, str_mem(p, MIB(1)), &err), RC_OK, err);
	raw_abort(in);
	struct io_trace *t = io_trace_begin(w.d.path);
	struct report r = { .feed = 1 };
	CHECK_RC(raw_begin(w.s, &in, &err), RC_OK, err);
	io_trace_pretend_free(t, 0);
	enum rc rc = RC_OK;
	for (int i = 0; i < 10 && rc == RC_OK; i++)
		rc = raw_add(in, str_mem(p, MIB(1)), &err);
	CHECK_RC(rc, RC_LIMIT, err);
	CHECK_RC(report_received(in, &r, &known, &err), RC_LIMIT, err);
	io_trace_free(t);
	r = deliver(w.s, 1, str_mem(p, MIB(1)), MIB(1), &known);
	CHECK(reads_back(w.s, r.id, str_mem(p, MIB(1)), 1000));
	free(p);
	ended(&w);
}

static const struct {
	const char *what;
	str payload;
} payloads[] = {
	{ "empty", STR_INIT("") },
	{ "head cut", STR_INIT("\0\1\0\0") },
	{ "plain, too short", STR_INIT("\0\2\0\0\0x") },
	{ "plain, too long", STR_INIT("\0\1\0\0\0xy") },
	{ "unknown packing", STR_INIT("\7\1\0\0\0x") },
	{ "length over a part", STR_INIT("\1\1\0\4\0x") },
	{ "no zstd", STR_INIT("\1\4\0\0\0abcdefgh") },
};

TEST(damaged_payloads)
{
	for (size_t i = 0; i < COUNT_OF(payloads); i++) {
		struct buf out = BUF_INIT(RAW_PART);
		enum rc rc = raw_unpack(payloads[i].payload, &out, &err);
		CHECK_MSG(rc == RC_INPUT, "%s", payloads[i].what);
		buf_free(&out);
	}
}

struct rejecting {
	struct report r;
	struct batch *b;
	int64_t id;
	int state;
};

static enum rc reject(struct tx *tx, void *ctx, struct err *e)
{
	struct rejecting *x = ctx;
	return quarantine_commit(tx, &x->r, x->b, e);
}

static enum rc mark(struct tx *tx, void *ctx, struct err *e)
{
	struct rejecting *x = ctx;
	return quarantine_mark(tx, x->id, x->state, e);
}

TEST(quarantine)
{
	struct world w = created();
	struct rejecting x = { .b = batch_new() };
	struct arena *a = arena_new(KIB(4));
	struct quarantined *list, one;
	struct reader *v;
	size_t n;
	bool known;
	x.r = deliver(w.s, 1, STR("x"), 1, &known);
	for (unsigned i = 1; i <= 5; i++)
		batch_reject(x.b, REJECT_FIELD, i, 100 * i, STR("<bad> line"), i, "word %u", i);
	CHECK_RC(store_write(w.s, reject, &x, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &v, &err), RC_OK, err);
	CHECK_RC(quarantine_list(reader_conn(v), 0, 3, false, a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 3);
	CHECK_INT(list[0].input, 5);
	CHECK_INT(list[0].bytes.n, 0);
	CHECK_STR(list[0].words, STR("word 5"));
	CHECK_STR(list[0].file_name, STR("a.csv"));
	CHECK_RC(quarantine_list(reader_conn(v), list[2].id, 9, true, a, &list, &n, &err), RC_OK,
		 err);
	CHECK_INT(n, 2);
	CHECK_STR(list[1].bytes, STR("<bad> line"));
	x.id = list[1].id;
	store_read_end(v);
	x.state = QUARANTINE_RETRIED;
	CHECK_RC(store_write(w.s, mark, &x, &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &v, &err), RC_OK, err);
	CHECK_RC(quarantine_get(reader_conn(v), x.id, a, &one, &err), RC_OK, err);
	CHECK_INT(one.state, QUARANTINE_RETRIED);
	CHECK_INT(one.line, 1);
	CHECK_INT(one.reason, REJECT_FIELD);
	CHECK_RC(quarantine_get(reader_conn(v), 99, a, &one, &err), RC_ABSENT, err);
	store_read_end(v);
	x.id = 99;
	CHECK_RC(store_write(w.s, mark, &x, &err), RC_ABSENT, err);
	batch_free(x.b);
	arena_free(a);
	ended(&w);
}

TEST_MAIN(TEST_RUN(bytes_come_back), TEST_RUN(known_again), TEST_RUN(unfinished),
	  TEST_RUN(aborted_and_full), TEST_RUN(damaged_payloads), TEST_RUN(quarantine))
