/* SPDX-License-Identifier: Apache-2.0 */
/* Lines a second of one format, one core, nothing but parsing: bench_parse [FORMAT [FILE]].
 * Without a file: made-up Shadowserver lines of 30 columns, the same each time. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "intake/parse.h"

enum { LINES = 200000, ROUNDS = 5 };

struct bytes {
	str all, rest;
	uint64_t inputs, rows, cells;
};

static long read_some(void *ctx, void *to, size_t n)
{
	struct bytes *b = ctx;
	n = n < b->rest.n ? n : b->rest.n;
	memcpy(to, b->rest.p, n);
	b->rest = str_from(b->rest, n);
	return (long)n;
}

static bool take(void *ctx, struct batch *batch)
{
	struct bytes *b = ctx;
	b->inputs += batch->c.inputs;
	b->rows += batch->c.rows;
	b->cells += batch->c.cells;
	return true;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static void make_lines(struct buf *out)
{
	static const char *const words[] = { "Communications", "Information, and Technology",
					     "Education \"\"and\"\" Research", "Government" };
	uint64_t r = 1;
	buf_add(out,
		STR("\"timestamp\",\"severity\",\"ip\",\"protocol\",\"port\",\"hostname\",\"tag\","
		    "\"asn\",\"geo\",\"region\",\"city\",\"naics\",\"hostname_source\",\"sector\","
		    "\"http\",\"http_code\",\"http_reason\",\"content_type\",\"connection\","
		    "\"www_authenticate\",\"set_cookie\",\"server\",\"content_length\","
		    "\"transfer_encoding\",\"http_date\",\"device_vendor\",\"device_type\","
		    "\"device_model\",\"device_version\",\"page_sha256fp\"\n"));
	for (unsigned i = 0; i < LINES; i++) {
		unsigned a = (unsigned)next_random(&r), b = (unsigned)next_random(&r);
		buf_fmt(out,
			"\"2026-03-%02u %02u:%02u:%02u\",\"medium\",\"198.%u.%u.%u\",\"tcp\",%u,"
			"\"host-%u.example.org\",\"http;cve-2021-%u\",%u,\"ID\",\"JAKARTA\","
			"\"JAKARTA\",%u,\"ptr\",\"%s\",\"HTTP/1.1\",%u,\"OK\",\"text/html\","
			"\"close\",,,\"nginx/1.%u\",%u,,\"Wed, 10 Feb 2010 00:00:00 GMT\","
			"\"Example\",\"router\",,\"%u\",\"%016x%016x\"\n",
			1 + a % 28, a % 24, a / 24 % 60, b % 60, 18 + a % 2, a / 7 % 256,
			b / 5 % 256, 1024 + b % 60000, a % 100000, 1000 + b % 9000, 64500 + a % 40,
			500000 + b % 999, words[a % COUNT_OF(words)], 200 + b % 5, b % 30, a % 5000,
			b % 9, a, b);
	}
}

int main(int argc, char **argv)
{
	struct err err;
	struct buf lines = BUF_INIT(MIB(512));
	if (hash_init(&err) != RC_OK)
		return 1;
	if (argc > 2) {
		FILE *f = fopen(argv[2], "rb");
		char part[KIB(64)];
		for (size_t n; f && (n = fread(part, 1, sizeof(part), f)) > 0;)
			buf_add_mem(&lines, part, n);
		if (f)
			(void)fclose(f);
	} else {
		make_lines(&lines);
	}
	struct batch *batch = batch_new();
	struct intake_job job = { .format = argc > 1 ? str_of(argv[1]) : STR("shadowserver"),
				  .hints.file_name =
					  argc > 2 ? str_of(argv[2]) : STR("scan_http.csv") };
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct bytes b = { .all = buf_str(&lines), .rest = buf_str(&lines) };
		struct intake_io io = { &b, read_some, take };
		struct intake_result result;
		int64_t from = clock_mono_us();
		intake_parse(&job, &io, batch, &result);
		double seconds = (double)(clock_mono_us() - from) / 1e6;
		printf("%s: %" PRIu64 " lines, %" PRIu64 " events, %" PRIu64 " cells, %.3f s, "
		       "%.0f lines/s, %.0f MB/s %s\n",
		       result.format, b.inputs, b.rows, b.cells, seconds,
		       (double)b.inputs / seconds, (double)b.all.n / seconds / 1e6, result.words);
	}
	batch_free(batch);
	buf_free(&lines);
	return 0;
}
