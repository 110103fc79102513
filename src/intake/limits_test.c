/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of docs/limits.md that a report can meet, each through the driver
 * as a parser child runs it: one below, at, one above. A record over a limit
 * costs itself; the sound one behind it is read. */
#include "base/csv.h"
#include "intake/csv_mapping.h"
#include "intake/format_test.h"
#include "intake/pack_test.h"
#include "intake/unpack.h"

static void fill(struct buf *b, char c, size_t n)
{
	char *to = buf_room(b, n);
	memset(to, c, n);
	b->n += n;
}

static void repeat(struct buf *b, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add(b, str_of(text));
}

/* --- reports with one record of size n, and sound ones around it --- */

#define SS_HEAD "timestamp,ip,port,asn,geo,tag\n"
#define SS_START "2026-03-01 00:00:00,192.0.2.1,53,64500,ID,"
#define JSON_START "{\"source.ip\":\"192.0.2.1\","
#define JSON_SOUND "{\"source.ip\":\"192.0.2.2\"}\n"

static void csv_field_of(struct buf *b, size_t n)
{
	buf_add(b, STR("source.ip,extra.note\n192.0.2.1,"));
	fill(b, 'a', n);
	buf_add(b, STR("\n192.0.2.2,x\n"));
}

static void csv_quoted_field_of(struct buf *b, size_t n)
{
	buf_add(b, STR("source.ip,extra.note\n192.0.2.1,\""));
	fill(b, 'a', n);
	buf_add(b, STR("\"\n192.0.2.2,x\n"));
}

static void csv_columns_of(struct buf *b, size_t n)
{
	buf_add(b, STR("source.ip,extra.c1"));
	for (size_t i = 2; i < n; i++)
		buf_fmt(b, ",extra.c%zu", i);
	buf_add(b, STR("\n192.0.2.1"));
	repeat(b, ",", n - 1);
	buf_add(b, STR("\n"));
}

static void shadowserver_field_of(struct buf *b, size_t n)
{
	buf_add(b, STR(SS_HEAD SS_START));
	fill(b, 'a', n);
	buf_add(b, STR("\n" SS_START "x\n"));
}

static void shadowserver_columns_of(struct buf *b, size_t n)
{
	buf_add(b, STR("timestamp,ip,port,asn,geo,tag"));
	for (size_t i = 6; i < n; i++)
		buf_fmt(b, ",c%zu", i);
	buf_add(b, STR("\n" SS_START));
	repeat(b, ",", n - 6);
	buf_add(b, STR("\n"));
}

static void json_string_of(struct buf *b, size_t n)
{
	buf_add(b, STR(JSON_START "\"extra.s\":\""));
	fill(b, 'a', n);
	buf_add(b, STR("\"}\n" JSON_SOUND));
}

static void json_keys_of(struct buf *b, size_t n)
{
	buf_add(b, STR(JSON_START "\"extra.a\":1"));
	for (size_t i = 2; i < n; i++)
		buf_fmt(b, ",\"extra.k%zu\":null", i);
	buf_add(b, STR("}\n" JSON_SOUND));
}

/* The object of the line is the first level. */
static void json_depth_of(struct buf *b, size_t n)
{
	buf_add(b, STR(JSON_START "\"extra.a\":"));
	repeat(b, "[", n - 1);
	repeat(b, "]", n - 1);
	buf_add(b, STR("}\n" JSON_SOUND));
}

static void json_digits_of(struct buf *b, size_t n)
{
	buf_add(b, STR(JSON_START "\"extra.a\":"));
	fill(b, '7', n);
	buf_add(b, STR("}\n" JSON_SOUND));
}

/* Fields of one event: more than the keys of one object, so in two. Type and taxonomy
 * stand there, else they would be added. */
static void fields_of(struct buf *b, size_t n)
{
	buf_add(b, STR(JSON_START "\"classification.type\":\"other\",\"classification.taxonomy\":"
				  "\"other\",\"extra\":{\"a\":1"));
	for (size_t i = 5; i < n / 2; i++)
		buf_fmt(b, ",\"k%zu\":1", i);
	buf_add(b, STR("},\"deep\":{\"b\":1"));
	for (size_t i = n / 2 + 1; i <= n; i++)
		buf_fmt(b, ",\"k%zu\":1", i);
	buf_add(b, STR("}}\n" JSON_SOUND));
}

static void extra_name_of(struct buf *b, size_t n)
{
	buf_add(b, STR(JSON_START "\"extra."));
	fill(b, 'k', n);
	buf_add(b, STR("\":1}\n" JSON_SOUND));
}

/* The line's own object is one of them. */
static void json_objects_of(struct buf *b, size_t n)
{
	buf_add(b, STR(JSON_START "\"extra.a\":1"));
	for (size_t i = 1; i < n; i++)
		buf_fmt(b, ",\"o%zu\":{\"x\":1}", i);
	buf_add(b, STR("}\n" JSON_SOUND));
}

static void names_of_a_line(struct buf *b, size_t n)
{
	buf_add(b, STR("0.0.0.0"));
	for (size_t i = 0; i < n; i++)
		buf_fmt(b, " h%zu.example.org", i);
	buf_add(b, STR("\n192.0.2.2\n"));
}

static const struct {
	const char *what, *format;
	void (*make)(struct buf *b, size_t n);
	size_t most;
	unsigned sound; /* records beside the one in question */
} rows[] = {
	{ "field of csv", "csv", csv_field_of, CSV_FIELD_MAX, 1 },
	{ "quoted field of csv", "csv", csv_quoted_field_of, CSV_FIELD_MAX, 1 },
	{ "columns of csv", "csv", csv_columns_of, CSV_COLUMNS_MAX, 0 },
	{ "field of shadowserver", "shadowserver", shadowserver_field_of, CSV_FIELD_MAX, 1 },
	{ "columns of shadowserver", "shadowserver", shadowserver_columns_of, CSV_COLUMNS_MAX, 0 },
	{ "string of JSON", "intelmq", json_string_of, JSON_STRING_MAX, 1 },
	{ "keys of a JSON object", "intelmq", json_keys_of, JSON_KEYS_MAX, 1 },
	{ "depth of JSON", "intelmq", json_depth_of, JSON_DEPTH_MAX, 1 },
	{ "digits of a JSON number", "intelmq", json_digits_of, JSON_DIGITS_MAX, 1 },
	{ "objects in an object", "intelmq", json_objects_of, 64, 1 },
	{ "fields of an event", "intelmq", fields_of, EVENT_CELLS_MAX, 1 },
	{ "name of an extra field", "intelmq", extra_name_of, EXTRA_KEY_MAX, 1 },
	{ "events of a record", "blocklist", names_of_a_line, INPUT_ROWS_MAX, 1 },
};

TEST(records)
{
	for (size_t i = 0; i < 3 * COUNT_OF(rows); i++) {
		size_t n = rows[i / 3].most + i % 3 - 1;
		bool over = i % 3 == 2;
		struct buf report = BUF_INIT(MIB(8));
		rows[i / 3].make(&report, n);
		CHECK(!report.over);
		struct format_run *r = format_run(str_of(rows[i / 3].format), STR_NONE, buf_str(&report));
		CHECK_MSG(r->accepted == rows[i / 3].sound + !over, "%s, %zu: %" PRIu64 " accepted: " STR_FMT,
			  rows[i / 3].what, n, r->accepted, STR_ARG(buf_str(&r->words)));
		CHECK_MSG((r->sum.quarantined > 0) == over, "%s, %zu: %" PRIu64 " quarantined",
			  rows[i / 3].what, n, r->sum.quarantined);
		CHECK_MSG(!over || str_find(buf_str(&r->words), STR(" limit: ")) < r->words.n,
			  "%s, %zu: " STR_FMT, rows[i / 3].what, n, STR_ARG(buf_str(&r->words)));
		format_run_free(r);
		buf_free(&report);
	}
}

/* --- what is kept of a record that is refused --- */

struct kept {
	struct format_run *run;
	uint32_t bytes, whole;
};

static long kept_read(void *ctx, void *to, size_t n)
{
	return format_run_read(((struct kept *)ctx)->run, to, n);
}

static bool kept_give(void *ctx, struct batch *b)
{
	struct kept *k = ctx;
	if (b->c.rejects) {
		k->bytes = b->reject[0].bytes_n;
		k->whole = b->reject[0].raw_bytes;
	}
	return format_run_give(k->run, b);
}

TEST(quarantined_bytes)
{
	for (uint32_t n = REJECT_BYTES_MAX - 1; n <= REJECT_BYTES_MAX + 1; n++) {
		struct kept k = { .run = format_run_new() };
		struct batch *b = batch_new();
		struct buf report = BUF_INIT(MIB(1));
		struct intake_job job = { .format = STR("blocklist") };
		struct intake_io io = { &k, kept_read, kept_give };
		fill(&report, '?', n);
		k.run->left = buf_str(&report);
		intake_parse(&job, &io, b, &k.run->result);
		CHECK_INT(k.run->sum.quarantined, 1);
		CHECK_INT(k.bytes, n < REJECT_BYTES_MAX ? n : REJECT_BYTES_MAX);
		CHECK_INT(k.whole, n);
		batch_free(b);
		buf_free(&report);
		format_run_free(k.run);
	}
}

/* --- mapping files --- */

static void mapping_lines(struct buf *b, size_t n)
{
	buf_add(b, STR("column ip -> source.ip"));
	repeat(b, "\n", n - 1);
}

static void mapping_targets(struct buf *b, size_t n)
{
	buf_add(b, STR("column ip -> source.ip"));
	for (size_t i = 1; i < n; i++)
		buf_fmt(b, " | extra.e%zu", i);
}

static void mapping_time_formats(struct buf *b, size_t n)
{
	buf_add(b, STR("column ip -> source.ip\n"));
	repeat(b, "time-format %Y\n", n);
}

TEST(mappings)
{
	static const struct {
		const char *what;
		void (*make)(struct buf *b, size_t n);
		size_t most;
	} parts[] = {
		{ "lines", mapping_lines, MAPPING_LINES },
		{ "fields of a column", mapping_targets, CSV_TARGETS },
		{ "time formats", mapping_time_formats, CSV_TIME_FORMATS },
	};
	for (size_t i = 0; i < 3 * COUNT_OF(parts); i++) {
		struct buf mapping = BUF_INIT(MIB(1));
		parts[i / 3].make(&mapping, parts[i / 3].most + i % 3 - 1);
		struct format_run *r = format_run(STR("auto"), buf_str(&mapping), STR("ip\n192.0.2.1\n"));
		CHECK_MSG(r->result.rc == (i % 3 == 2 ? RC_INPUT : RC_OK), "%s, %zu: %s: %s", parts[i / 3].what,
			  i % 3, rc_name(r->result.rc), r->result.words);
		CHECK_INT(r->accepted, i % 3 != 2);
		format_run_free(r);
		buf_free(&mapping);
	}
}

/* --- packings --- */

static struct format_run *run_packed(str report, uint64_t packed_bytes)
{
	struct format_run *r = format_run_new();
	struct batch *b = batch_new();
	struct intake_job job = { .format = STR("blocklist"), .packed_bytes = packed_bytes };
	struct intake_io io = { r, format_run_read, format_run_give };
	r->left = report;
	intake_parse(&job, &io, b, &r->result);
	batch_free(b);
	return r;
}

TEST(archive_entries)
{
	for (size_t n = UNPACK_ENTRIES_MAX - 1; n <= UNPACK_ENTRIES_MAX + 1; n++) {
		struct buf zip = BUF_INIT(MIB(1));
		for (size_t i = 0; i < n; i++)
			pack_zip_entry(&zip, STR("../../../etc/passwd"), STR("192.0.2.1\n"), PACK_STORED);
		pack_zip_end(&zip);
		struct format_run *r = run_packed(buf_str(&zip), zip.n);
		CHECK_INT(r->accepted, n < UNPACK_ENTRIES_MAX ? n : UNPACK_ENTRIES_MAX);
		CHECK_INT(r->sum.quarantined, n > UNPACK_ENTRIES_MAX);
		format_run_free(r);
		buf_free(&zip);
	}
}

/* Comments, so that lines cost little; the report says how long it is packed. */
TEST(ratio)
{
	enum { PACKED = 4000 };
	for (size_t n = UNPACK_RATIO_MAX * PACKED - 1; n <= UNPACK_RATIO_MAX * PACKED + 1; n++) {
		struct buf text = BUF_INIT(MIB(1)), gz = BUF_INIT(MIB(1));
		fill(&text, '#', n);
		pack_gzip(&gz, buf_str(&text));
		CHECK(gz.n < PACKED);
		struct format_run *r = run_packed(buf_str(&gz), PACKED);
		bool over = n > UNPACK_RATIO_MAX * PACKED;
		CHECK_INT(r->sum.quarantined, over);
		CHECK_INT(r->sum.blank, !over);
		CHECK_INT(r->result.unpacked_bytes, n - over);
		format_run_free(r);
		buf_free(&text);
		buf_free(&gz);
	}
}

/* Frames of 1 MiB, so that the test needs little memory. */
TEST(unpacked_bytes)
{
	struct buf line = BUF_INIT(MIB(2)), most = BUF_INIT(MIB(2));
	fill(&line, '#', MIB(1) - 1);
	buf_char(&line, '\n');
	for (int i = 0; i < 255; i++)
		pack_zstd(&most, buf_str(&line));
	size_t whole = most.n;
	for (size_t n = MIB(1) - 1; n <= MIB(1) + 1; n++) {
		line.n = 0;
		fill(&line, '#', n);
		most.n = whole;
		pack_zstd(&most, buf_str(&line));
		struct format_run *r = run_packed(buf_str(&most), MIB(100));
		bool over = n > MIB(1);
		CHECK_INT(r->sum.blank, 255 + !over);
		CHECK_INT(r->sum.quarantined, over);
		CHECK_INT(r->result.unpacked_bytes, MIB(255) + n - over);
		format_run_free(r);
	}
	buf_free(&line);
	buf_free(&most);
}

TEST(packed_twice)
{
	struct buf inner = BUF_INIT(KIB(64)), outer = BUF_INIT(KIB(64));
	pack_gzip(&inner, STR("192.0.2.1\n"));
	pack_gzip(&outer, buf_str(&inner));
	struct format_run *once = run_packed(buf_str(&inner), inner.n);
	struct format_run *twice = run_packed(buf_str(&outer), outer.n);
	CHECK_INT(once->accepted, 1);
	CHECK_INT(twice->accepted, 0);
	CHECK_STR(buf_str(&twice->words), STR("1 packing: packed twice: what is inside was not opened\n"));
	format_run_free(once);
	format_run_free(twice);
	buf_free(&inner);
	buf_free(&outer);
}

TEST_MAIN(TEST_RUN(records), TEST_RUN(quarantined_bytes), TEST_RUN(mappings), TEST_RUN(archive_entries),
	  TEST_RUN(ratio), TEST_RUN(unpacked_bytes), TEST_RUN(packed_twice))
