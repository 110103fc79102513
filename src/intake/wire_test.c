/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/wire.h"

#include "base/test.h"

static str written(struct buf *b, const struct message *m)
{
	buf_reset(b);
	message_write(b, m);
	CHECK(!b->over);
	return buf_str(b);
}

static struct message job_for_test(void)
{
	struct message m = { .kind = MESSAGE_JOB };
	m.job.job = (struct intake_job){
		.format = STR("csv"),
		.hints = { .file_name = STR("a b.csv"), .feed = STR("local") },
		.resume_offset = UINT64_MAX,
		.resume_input = 7,
		.packed_bytes = 12345678901,
		.records_a_batch = 3,
		.skips = 2,
	};
	m.job.skip[0] = (struct intake_skip){ .offset = 99, .reason = REJECT_CRASH, .line = true };
	m.job.skip[1] = (struct intake_skip){ .offset = 100, .reason = REJECT_TIMEOUT };
	m.job.mapping_bytes = 4711;
	return m;
}

TEST(a_job_comes_through)
{
	struct buf b = BUF_INIT(PARSER_MESSAGE_MAX);
	struct message m = job_for_test(), got;
	m.job.job.skip = m.job.skip;
	struct err err = { 0 };
	CHECK_RC(message_read(written(&b, &m), &got, &err), RC_OK, err);
	CHECK_INT(got.kind, MESSAGE_JOB);
	CHECK_STR(got.job.job.format, STR("csv"));
	CHECK_STR(got.job.job.hints.file_name, STR("a b.csv"));
	CHECK_STR(got.job.job.hints.feed, STR("local"));
	CHECK(got.job.job.resume_offset == UINT64_MAX && got.job.job.resume_input == 7);
	CHECK_INT(got.job.job.packed_bytes, 12345678901);
	CHECK_INT(got.job.job.records_a_batch, 3);
	CHECK_INT(got.job.job.skips, 2);
	CHECK_INT(got.job.mapping_bytes, 4711);
	for (size_t i = 0; i < 2; i++) {
		CHECK_INT(got.job.skip[i].offset, m.job.skip[i].offset);
		CHECK_INT(got.job.skip[i].reason, m.job.skip[i].reason);
		CHECK_INT(got.job.skip[i].line, m.job.skip[i].line);
	}
	buf_free(&b);
}

TEST(counts_and_results_come_through)
{
	struct buf b = BUF_INIT(PARSER_MESSAGE_MAX);
	struct message got, counts = { .kind = MESSAGE_BATCH };
	struct err err = { 0 };
	counts.counts = (struct batch_counts){ .inputs = 1, .quarantined = 2, .dropped = 3,
					       .blank = 4, .next_offset = 5, .next_input = 6,
					       .rows = 7, .cells = 8, .keys = 9, .rejects = 10,
					       .text = 11 };
	CHECK_RC(message_read(written(&b, &counts), &got, &err), RC_OK, err);
	CHECK(memcmp(&got.counts, &counts.counts, sizeof(got.counts)) == 0);

	struct message result = { .kind = MESSAGE_RESULT };
	result.result = (struct intake_result){ .rc = RC_INPUT, .words = "no \x01good\xff",
						.format = "csv", .packing = "zip",
						.unpacked_bytes = 77, .entries = 3,
						.unknown_type = true, .type = "scan_http" };
	CHECK_RC(message_read(written(&b, &result), &got, &err), RC_OK, err);
	CHECK_INT(got.result.rc, RC_INPUT);
	CHECK_STR(str_of(got.result.words), STR("no ?good?"));
	CHECK_STR(str_of(got.result.format), STR("csv"));
	CHECK_STR(str_of(got.result.packing), STR("zip"));
	CHECK_STR(str_of(got.result.type), STR("scan_http"));
	CHECK(got.result.unpacked_bytes == 77 && got.result.entries == 3 &&
	      got.result.unknown_type);
	buf_free(&b);
}

/* Every packet cut short or with a byte more is refused; no cut is read past. */
TEST(cut_packets_are_refused)
{
	struct message all[] = {
		job_for_test(),
		{ .kind = MESSAGE_HELLO, .hello = { .caged = true, .words = "well" } },
		{ .kind = MESSAGE_DATA, .data_bytes = 1 },
		{ .kind = MESSAGE_BATCH },
		{ .kind = MESSAGE_RESULT },
		{ .kind = MESSAGE_GO },
	};
	all[0].job.job.skip = all[0].job.skip;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct buf b = BUF_INIT(PARSER_MESSAGE_MAX);
		str whole = written(&b, &all[i]);
		for (size_t n = 0; n < whole.n; n++) {
			/* Memory of exactly that size, so that a sanitizer sees a step too far. */
			char *cut = malloc(n + 1);
			memcpy(cut, whole.p, n);
			struct message got;
			CHECK_MSG(message_read(str_mem(cut, n), &got, NULL) == RC_INPUT,
				  "kind %d cut at %zu", all[i].kind, n);
			free(cut);
		}
		buf_char(&b, 0);
		struct message got;
		CHECK(message_read(buf_str(&b), &got, NULL) == RC_INPUT);
		buf_free(&b);
	}
}

TEST(values_out_of_range_are_refused)
{
	static const struct {
		const char *what;
		str packet;
	} rows[] = {
		{ "no kind", STR_INIT("\x00") },
		{ "unknown kind", STR_INIT("\x0a") },
		{ "data of no bytes", STR_INIT("\x03\0\0\0\0") },
		{ "more data than a slot", STR_INIT("\x03\x01\0\x01\0") },
		{ "a bool of 2", STR_INIT("\x01\x02\x00\x00") },
		{ "a length past the end", STR_INIT("\x01\x01\x00\xff\xff\xff\xff\x0f") },
		{ "a length past 64 bits",
		  STR_INIT("\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") },
		{ "a result of unknown kind",
		  STR_INIT("\x09\x63\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
		{ "a format that is a path",
		  STR_INIT("\x09\0\0\0\x03../\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct message got;
		CHECK_MSG(message_read(rows[i].packet, &got, NULL) == RC_INPUT, "%s", rows[i].what);
	}
	/* The same as the last but for the path: so these fail for their own reason. */
	struct message got;
	struct err err = { 0 };
	CHECK_RC(message_read(STR("\x09\0\0\0\x03" "abc\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), &got, &err),
		 RC_OK, err);
}

TEST(too_many_skips_are_refused)
{
	struct buf b = BUF_INIT(PARSER_MESSAGE_MAX);
	struct intake_skip skip[INTAKE_SKIPS + 1] = { { 0 } };
	struct message got, m = { .kind = MESSAGE_JOB };
	m.job.job.skip = skip;
	m.job.job.skips = INTAKE_SKIPS;
	CHECK(message_read(written(&b, &m), &got, NULL) == RC_OK);
	m.job.job.skips = INTAKE_SKIPS + 1;
	CHECK(message_read(written(&b, &m), &got, NULL) == RC_INPUT);
	m.job.job.skips = 0;
	m.job.mapping_bytes = PARSER_MAPPING_MAX;
	CHECK(message_read(written(&b, &m), &got, NULL) == RC_OK);
	m.job.mapping_bytes++;
	CHECK(message_read(written(&b, &m), &got, NULL) == RC_INPUT);
	buf_free(&b);
}

TEST_MAIN(TEST_RUN(a_job_comes_through), TEST_RUN(counts_and_results_come_through),
	  TEST_RUN(cut_packets_are_refused), TEST_RUN(values_out_of_range_are_refused),
	  TEST_RUN(too_many_skips_are_refused))
