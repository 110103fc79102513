/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/parse.h"

#include "base/hash.h"
#include "intake/format_test.h"
#include "intake/pack_test.h"

#define HEAD    "timestamp,ip,port,asn,geo,tag\n"
#define LINE(n) "2026-03-01 00:00:0" #n ",192.0.2." #n ",53,64500,ID,dns\n"

/* One run whose batches are remembered: what each said and where it ended. */
struct watch {
	struct format_run *run;
	size_t batches, stop_after;
	struct {
		uint64_t next_offset, next_input;
		size_t events_n, words_n;
	} at[256];
};

static long watch_read(void *ctx, void *to, size_t n)
{
	struct watch *w = ctx;
	return format_run_read(w->run, to, n);
}

static bool watch_give(void *ctx, struct batch *b)
{
	struct watch *w = ctx;
	format_run_give(w->run, b);
	if (w->batches < COUNT_OF(w->at)) {
		w->at[w->batches].next_offset = b->c.next_offset;
		w->at[w->batches].next_input = b->c.next_input;
		w->at[w->batches].events_n = w->run->events.n;
		w->at[w->batches].words_n = w->run->words.n;
	}
	return ++w->batches != w->stop_after;
}

static void watch_run(struct watch *w, struct intake_job job, str report)
{
	struct batch *b = batch_new();
	struct intake_io io = { w, watch_read, watch_give };
	w->run = format_run_new();
	w->run->left = report;
	intake_parse(&job, &io, b, &w->run->result);
	CHECK_INT(w->run->sum.inputs, w->run->accepted + w->run->sum.quarantined +
					      w->run->sum.dropped + w->run->sum.blank);
	batch_free(b);
}

static struct intake_job job_of(const char *file_name)
{
	return (struct intake_job){ .format = STR("auto"), .hints.file_name = str_of(file_name) };
}

static void check_counts(const char *what, struct intake_job job, str report, uint64_t accepted,
			 const char *words)
{
	struct watch w = { 0 };
	watch_run(&w, job, report);
	CHECK_MSG(w.run->accepted == accepted, "%s: %" PRIu64 " accepted, want %" PRIu64, what,
		  w.run->accepted, accepted);
	CHECK_MSG(str_eq(buf_str(&w.run->words), str_of(words)), "%s: got '" STR_FMT "', want '%s'",
		  what, STR_ARG(buf_str(&w.run->words)), words);
	format_run_free(w.run);
}

TEST(records)
{
	static const struct {
		const char *what;
		str report;
		uint64_t accepted;
		const char *words;
	} cases[] = {
		{ "LF", STR_INIT(HEAD LINE(1) LINE(2)), 2, "" },
		{ "CR LF, no line end at the end",
		  STR_INIT(
			  "timestamp,ip,port,asn,geo\r\n2026-03-01 00:00:00,192.0.2.1,53,64500,ID"),
		  1, "" },
		{ "BOM", STR_INIT("\xef\xbb\xbf" HEAD LINE(1)), 1, "" },
		{ "blank lines", STR_INIT("\n" HEAD "\n" LINE(1) "\r\n"), 1, "" },
		{ "header again", STR_INIT(HEAD LINE(1) HEAD LINE(2)), 2, "" },
		{ "no UTF-8",
		  STR_INIT(HEAD "2026-03-01 00:00:00,192.0.2.1,5,64500,ID,\xff\n" LINE(2)), 1,
		  "1 text: the record is no UTF-8 text\n" },
		{ "NUL", STR_INIT(HEAD "2026-03-01 00:00:00,192.0.2.1,5,64500,ID,\0x\n" LINE(2)), 1,
		  "1 text: the record has a NUL inside\n" },
		{ "a quote that is never closed costs its line",
		  STR_INIT(HEAD "2026-03-01 00:00:00,192.0.2.1,5,64500,ID,\"x\n" LINE(2) LINE(3)),
		  2, "1 syntax: a quote is not closed\n" },
		{ "a record over two lines",
		  STR_INIT(HEAD "2026-03-01 00:00:00,192.0.2.1,5,64500,ID,\"x\ny\"\n" LINE(3)), 2,
		  "" },
		{ "the same at the end",
		  STR_INIT(HEAD LINE(3) "2026-03-01 00:00:00,192.0.2.1,5,64500,ID,\"x\ny\""), 2,
		  "" },
		{ "nothing", STR_INIT(""), 0, "" },
		{ "only a BOM", STR_INIT("\xef\xbb\xbf"), 0, "" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_counts(cases[i].what, job_of("scan_dns.csv"), cases[i].report,
			     cases[i].accepted, cases[i].words);
}

TEST(no_format)
{
	struct watch w = { 0 };
	watch_run(&w, job_of("x"), STR("\x01\x02 what is this\n"));
	CHECK_INT(w.run->result.rc, RC_INPUT);
	CHECK_STR(str_of(w.run->result.words), STR("no format claims these bytes"));
	CHECK_STR(buf_str(&w.run->words), STR("1 format: no format claims these bytes\n"));
	format_run_free(w.run);

	w = (struct watch){ 0 };
	struct intake_job job = { .format = STR("nonesuch") };
	watch_run(&w, job, STR("a\n"));
	CHECK_INT(w.run->result.rc, RC_INPUT);
	CHECK_INT(w.run->sum.inputs, 0);
	format_run_free(w.run);
}

/* One below the limit, at it, one above; and far above, in one line and without any line end. */
TEST(record_limit)
{
	static const struct {
		size_t bytes;
		bool fits;
	} cases[] = {
		{ RECORD_MAX - 1, true },  { RECORD_MAX, true },      { RECORD_MAX + 1, false },
		{ RECORD_MAX + 2, false }, { 3 * RECORD_MAX, false },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (int end = 0; end < 3; end++) {
			struct buf b = BUF_INIT(MIB(16));
			memset(buf_room(&b, cases[i].bytes), '#', cases[i].bytes);
			b.n = cases[i].bytes;
			if (end < 2)
				buf_add(&b,
					end == 0 ? STR("\n192.0.2.1\n") : STR("\r\n192.0.2.1\n"));
			struct watch w = { 0 };
			struct intake_job job = { .format = STR("blocklist") };
			watch_run(&w, job, buf_str(&b));
			CHECK_INT(w.run->sum.blank, cases[i].fits);
			CHECK_INT(w.run->sum.quarantined, !cases[i].fits);
			CHECK_INT(w.run->accepted, end < 2);
			CHECK_INT(w.at[0].next_offset, b.n);
			format_run_free(w.run);
			buf_free(&b);
		}
	}
}

/* Quotes that are opened and not closed within 4 MiB cost one line each, and not much time. */
TEST(open_quotes)
{
	struct buf b = BUF_INIT(MIB(16));
	buf_add(&b, STR(HEAD));
	for (int i = 0; i < 100000; i++)
		buf_add(&b, i == 5 ? STR("2026-03-01 00:00:00,192.0.2.1,5,64500,ID,\"x\n")
				   : STR("2026-03-01 "
					 "00:00:00,192.0.2.1,53,64500,ID,\"a,\"\"b\"\"\"\n"));
	CHECK(b.n > RECORD_MAX);
	struct watch w = { 0 };
	watch_run(&w, job_of("scan_dns.csv"), buf_str(&b));
	/* Behind the open quote the rest of its field is what the next quote closes. */
	CHECK_INT(w.run->sum.inputs + 1 >= 99999, true);
	CHECK(w.run->sum.quarantined <= 2);
	format_run_free(w.run);
	buf_free(&b);
}

static void make_zip(struct buf *out)
{
	struct buf inner = BUF_INIT(KIB(64));
	pack_gzip(&inner, STR("192.0.2.9\n"));
	pack_zip_entry(out, STR("2026-03-01-scan_dns-x.csv"), STR(HEAD LINE(1) "junk\n" LINE(2)),
		       0);
	pack_zip_entry(out, STR("secret.csv"), STR(HEAD LINE(1)), PACK_ENCRYPTED);
	pack_zip_entry(out, STR("secret2.csv"), STR(HEAD LINE(1)), PACK_ENCRYPTED);
	pack_zip_entry(out, STR("d/"), STR(""), PACK_STORED);
	pack_zip_entry(out, STR("scan_ntp.csv"), STR(HEAD LINE(3)), PACK_DESCRIPTOR);
	pack_zip_entry(out, STR("inner.gz"), buf_str(&inner), PACK_STORED);
	pack_zip_entry(out, STR("readme"), STR("\x01 nothing\n"), PACK_STORED);
	pack_zip_entry(out, STR("scan_qotd.csv"), STR(HEAD LINE(4) LINE(5) "2026-03-01 00:"),
		       PACK_BAD_CRC);
	pack_zip_end(out);
	buf_free(&inner);
}

TEST(archive)
{
	struct buf b = BUF_INIT(KIB(256));
	struct watch w = { 0 };
	make_zip(&b);
	watch_run(&w, job_of("many.zip"), buf_str(&b));
	CHECK_INT(w.run->result.rc, RC_OK);
	CHECK_STR(str_of(w.run->result.packing), STR("zip"));
	CHECK_STR(str_of(w.run->result.format), STR("shadowserver"));
	CHECK_STR(str_of(w.run->result.type), STR("scan_dns"));
	CHECK_INT(w.run->result.entries, 6);
	CHECK_INT(w.run->accepted, 5);
	CHECK_STR(buf_str(&w.run->words),
		  STR("2 field: 'junk' is no value for column 'timestamp'\n"
		      "4 packing: entry 'secret.csv' is encrypted\n"
		      "5 packing: entry 'secret2.csv' is encrypted\n"
		      "7 packing: packed twice: what is inside was not opened\n"
		      "8 format: no format claims these bytes\n"
		      "11 packing: entry 'scan_qotd.csv' has a wrong checksum\n"));
	format_run_free(w.run);
	buf_free(&b);
}

/* From the end of each batch the rest must come out as in a run that was not stopped. */
static void check_resume(const char *what, struct intake_job job, str report, uint32_t step)
{
	struct watch whole = { 0 };
	job.records_a_batch = step;
	watch_run(&whole, job, report);
	CHECK(whole.batches > 1 && whole.batches < COUNT_OF(whole.at));
	for (size_t i = 0; i < whole.batches; i++) {
		struct watch rest = { 0 };
		struct intake_job again = job;
		again.resume_offset = whole.at[i].next_offset;
		again.resume_input = whole.at[i].next_input;
		again.records_a_batch = 0;
		watch_run(&rest, again, report);
		str want = str_from(buf_str(&whole.run->events), whole.at[i].events_n);
		str words = str_from(buf_str(&whole.run->words), whole.at[i].words_n);
		CHECK_MSG(str_eq(buf_str(&rest.run->events), want) &&
				  str_eq(buf_str(&rest.run->words), words),
			  "%s, batch %zu of %zu, from %" PRIu64 "/%" PRIu64 ": got '" STR_FMT
			  "' want '" STR_FMT "', words '" STR_FMT "' want '" STR_FMT "'",
			  what, i, whole.batches, again.resume_offset, again.resume_input,
			  STR_ARG(buf_str(&rest.run->events)), STR_ARG(want),
			  STR_ARG(buf_str(&rest.run->words)), STR_ARG(words));
		CHECK_INT(rest.run->sum.inputs + again.resume_input, whole.run->sum.inputs);
		format_run_free(rest.run);
	}
	format_run_free(whole.run);
}

TEST(resume)
{
	struct buf zip = BUF_INIT(KIB(256)), gz = BUF_INIT(KIB(256));
	str plain = STR("\xef\xbb\xbf\n" HEAD LINE(1) "\n" LINE(2) "junk\n" HEAD LINE(3) LINE(4));
	make_zip(&zip);
	pack_gzip(&gz, plain);
	for (uint32_t step = 1; step < 4; step++) {
		check_resume("plain", job_of("scan_dns.csv"), plain, step);
		check_resume("gzip", job_of("scan_dns.csv.gz"), buf_str(&gz), step);
		check_resume("zip", job_of("many.zip"), buf_str(&zip), step);
		check_resume("cut zip", job_of("many.zip"), str_head(buf_str(&zip), zip.n - 60),
			     step);
	}
	buf_free(&zip);
	buf_free(&gz);
}

/* The record that kills a child is passed over: it begins at `at`, so go on at `at` + 1. */
TEST(skip_one)
{
	struct intake_job job = job_of("scan_dns.csv");
	job.resume_offset = strlen(HEAD LINE(1)) + 1;
	job.resume_input = 2;
	struct watch w = { 0 };
	watch_run(&w, job, STR(HEAD LINE(1) LINE(2) LINE(3)));
	CHECK_INT(w.run->accepted, 1);
	CHECK(str_find(buf_str(&w.run->events), STR("192.0.2.3")) < w.run->events.n);
	CHECK_INT(w.at[0].next_input, 3);
	format_run_free(w.run);
}

TEST(stopped)
{
	struct intake_job job = job_of("scan_dns.csv");
	job.records_a_batch = 1;
	struct watch w = { .stop_after = 2 };
	watch_run(&w, job, STR(HEAD LINE(1) LINE(2) LINE(3) LINE(4)));
	CHECK_INT(w.run->result.rc, RC_IO);
	CHECK_INT(w.batches, 2);
	CHECK_INT(w.run->accepted, 2);
	format_run_free(w.run);
}

/* 10,000 events: several batches, all of them counted, numbers going on. */
TEST(batches)
{
	struct buf b = BUF_INIT(MIB(4));
	buf_add(&b, STR(HEAD));
	for (int i = 0; i < 10000; i++)
		buf_fmt(&b, "2026-03-01 00:00:00,198.18.%d.%d,53,64500,ID,dns\n", i / 256, i % 256);
	struct watch w = { 0 };
	watch_run(&w, job_of("scan_dns.csv"), buf_str(&b));
	CHECK(w.batches >= 3);
	CHECK_INT(w.run->accepted, 10000);
	CHECK_INT(w.at[w.batches - 1].next_input, 10000);
	CHECK_INT(w.at[w.batches - 1].next_offset, b.n);
	CHECK_INT(w.run->result.unpacked_bytes, b.n);
	format_run_free(w.run);
	buf_free(&b);
}

TEST(broken_packing)
{
	struct buf b = BUF_INIT(KIB(256));
	pack_gzip(&b, STR(HEAD LINE(1) LINE(2) "2026-03-01 00:00:03,192.0"));
	b.n -= 3;
	check_counts("what was read is kept", job_of("scan_dns.csv.gz"), buf_str(&b), 2,
		     "3 packing: the gzip is cut off\n");
	buf_reset(&b);
	buf_add(&b, STR("\x1f\x8b\x08garbage garbage"));
	check_counts("garbage", job_of("x.gz"), buf_str(&b), 0,
		     "1 packing: the gzip is broken: unknown header flags set\n");
	buf_free(&b);
}

TEST(frame_csv)
{
	static const struct {
		str window;
		bool last;
		size_t want;
	} cases[] = {
		{ STR_INIT("a,b\nc"), false, 4 },
		{ STR_INIT("a,b"), false, 0 },
		{ STR_INIT("a,b"), true, 3 },
		{ STR_INIT("\"a\nb\"\nc"), false, 6 },
		{ STR_INIT("\"a\nb"), false, 0 },
		{ STR_INIT("\"a\nb"), true, 3 },
		{ STR_INIT("\"a\nb\""), true, 5 },
		{ STR_INIT("5\" disk,b\nc\n"), false, 10 },
		{ STR_INIT("x,\"a\"\"\n\"\nc"), false, 9 },
		{ STR_INIT("x,\"a\"\"\"\nc"), false, 8 },
		{ STR_INIT("\n"), false, 1 },
		{ STR_INIT("\"a\"b\"\nc"), false, 6 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t got = parse_frame_csv(cases[i].window, ',', '"', cases[i].last);
		CHECK_MSG(got == cases[i].want, "'" STR_FMT "': %zu, want %zu",
			  STR_ARG(cases[i].window), got, cases[i].want);
	}
}

TEST_MAIN(TEST_RUN(records), TEST_RUN(no_format), TEST_RUN(record_limit), TEST_RUN(open_quotes),
	  TEST_RUN(archive), TEST_RUN(resume), TEST_RUN(skip_one), TEST_RUN(stopped),
	  TEST_RUN(batches), TEST_RUN(broken_packing), TEST_RUN(frame_csv))
