/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/child.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/starter_private.h"
#include "base/test.h"
#include "intake/child_private.h"
#include "intake/pack_test.h"
#include "intake/watch.h"
#include "intake/wire.h"

/* A report in memory and what became of it. */
struct report {
	str bytes;
	size_t at, piece;       /* most bytes a read gives; 0: all that is asked for */
	size_t read_fails_at;   /* 0: never */
	unsigned gives, stop_at_give, rewinds;
	bool no_rewind, no_room;
	struct batch *copy;
	pid_t kill_at_give;     /* this process, once, at the first give */
	struct batch_counts sum;
	uint64_t accepted, last_input;
	bool in_order;
	struct buf seen;        /* addresses of events, one a line; rejects as "reason:bytes" */
	bool keep_seen;
	struct intake_result result;
};

static long read_report(void *ctx, void *to, size_t n)
{
	struct report *r = ctx;
	if (r->read_fails_at && r->at >= r->read_fails_at)
		return -1;
	if (r->piece && n > r->piece)
		n = r->piece;
	str part = str_head(str_from(r->bytes, r->at), n);
	if (part.n)
		memcpy(to, part.p, part.n);
	r->at += part.n;
	return (long)part.n;
}

static bool rewind_report(void *ctx)
{
	struct report *r = ctx;
	r->at = 0;
	r->rewinds++;
	return !r->no_rewind;
}

static struct batch *room_of_report(void *ctx)
{
	struct report *r = ctx;
	return r->no_room ? NULL : r->copy;
}

static void see(struct report *r, const struct batch *b)
{
	for (uint32_t i = 0; i < b->c.rows; i++) {
		const struct cell *c = batch_find(b, &b->row[i], FIELD_SOURCE_IP);
		cell_format(b, c, &r->seen);
		buf_char(&r->seen, '\n');
	}
	for (uint32_t i = 0; i < b->c.rejects; i++) {
		const struct rejected *j = &b->reject[i];
		buf_fmt(&r->seen, "%s@%" PRIu64 ":%u:", reject_name((enum reject)j->reason),
			j->raw_offset, j->line);
		buf_add_mem(&r->seen, b->text + j->bytes_at, j->bytes_n);
		buf_char(&r->seen, '\n');
	}
}

static bool give_report(void *ctx, struct batch *b)
{
	struct report *r = ctx;
	r->gives++;
	if (r->kill_at_give && r->gives == 1)
		kill(r->kill_at_give, SIGKILL);
	if (r->stop_at_give && r->gives >= r->stop_at_give)
		return false;
	r->sum.inputs += b->c.inputs;
	r->sum.quarantined += b->c.quarantined;
	r->sum.dropped += b->c.dropped;
	r->sum.blank += b->c.blank;
	for (uint32_t i = 0; i < b->c.rows; i++) {
		if (b->row[i].input <= r->last_input)
			r->in_order = false;
		r->last_input = b->row[i].input;
	}
	r->accepted += b->c.rows;
	if (r->keep_seen)
		see(r, b);
	return true;
}

static enum rc run(struct parser_pool *p, struct report *r, struct intake_job job, struct err *err)
{
	struct parser_io io = { .ctx = r, .read = read_report, .rewind = rewind_report,
				.room = room_of_report, .give = give_report };
	r->in_order = true;
	r->seen.cap = MIB(1);
	if (job.format.n == 0)
		job.format = STR("crash");
	if (job.hints.feed.n == 0)
		job.hints.feed = STR("local");
	job.packed_bytes = r->bytes.n;
	r->copy = batch_new();
	enum rc rc = parser_run(p, &job, &io, &r->result, err);
	batch_free(r->copy);
	return rc;
}

struct fixture {
	struct starter *starter;
	struct parser_pool *pool;
};

static struct fixture fixture_of(const char *helper, unsigned most)
{
	struct fixture f = { 0 };
	struct err err = { 0 };
	CHECK_RC(starter_new_named("tests/helpers/ronda-starter", &f.starter, &err), RC_OK, err);
	CHECK_RC(parser_pool_of(f.starter, NULL, most, helper, &f.pool, &err), RC_OK, err);
	return f;
}

static void fixture_end(struct fixture *f)
{
	parser_pool_free(f->pool);
	starter_free(f->starter);
}

TEST(reports_of_all_kinds)
{
	static const struct {
		const char *what;
		str bytes, seen;
		uint64_t inputs, accepted, quarantined, dropped, blank;
		unsigned rewinds;
	} rows[] = {
		{ "nothing", STR_INIT(""), STR_INIT(""), 0, 0, 0, 0, 0, 0 },
		{ "events", STR_INIT("192.0.2.1\n\ndrop\n2001:db8::7"),
		  STR_INIT("192.0.2.1\n2001:db8::7\n"), 4, 2, 0, 1, 1, 0 },
		{ "a bad line", STR_INIT("192.0.2.1\nxyz\n192.0.2.2\n"),
		  STR_INIT("192.0.2.1\n192.0.2.2\nfield@10:2:xyz\n"), 3, 2, 1, 0, 0, 0 },
		{ "a line that crashes", STR_INIT("192.0.2.1\ncrash\n192.0.2.2\n"),
		  STR_INIT("192.0.2.1\n192.0.2.2\ncrash@10:2:crash\n"), 3, 2, 1, 0, 0, 2 },
		{ "a line that spins", STR_INIT("192.0.2.1\nspin\n192.0.2.2\n"),
		  STR_INIT("192.0.2.1\n192.0.2.2\ntimeout@10:2:spin\n"), 3, 2, 1, 0, 0, 2 },
		{ "a line that wants out", STR_INIT("192.0.2.1\nopen\n192.0.2.2\n"),
		  STR_INIT("192.0.2.1\n192.0.2.2\ncrash@10:2:open\n"), 3, 2, 1, 0, 0, 2 },
		{ "a line whose end cannot be found", STR_INIT("frame-crash\n192.0.2.2\n"),
		  STR_INIT("192.0.2.2\ncrash@0:1:frame-crash\n"), 2, 1, 1, 0, 0, 2 },
		{ "the last line crashes", STR_INIT("192.0.2.1\ncrash"),
		  STR_INIT("192.0.2.1\ncrash@10:2:crash\n"), 2, 1, 1, 0, 0, 2 },
		{ "three deadly lines", STR_INIT("crash\nspin\n192.0.2.1\n\nopen\n192.0.2.2\n"),
		  STR_INIT("192.0.2.1\n192.0.2.2\ncrash@0:1:crash\ntimeout@6:2:spin\n"
			   "crash@22:5:open\n"), 6, 2, 3, 0, 1, 6 },
	};
	struct fixture f = fixture_of("crasher", 1);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t piece = 0; piece < 4; piece += 3) {
			struct report r = { .bytes = rows[i].bytes, .piece = piece, .keep_seen = true };
			struct err err = { 0 };
			CHECK_RC(run(f.pool, &r, (struct intake_job){ 0 }, &err), RC_OK, err);
			CHECK_MSG(r.result.rc == RC_OK, "%s: %s", rows[i].what, r.result.words);
			CHECK_STR(buf_str(&r.seen), rows[i].seen);
			CHECK_INT(r.sum.inputs, rows[i].inputs);
			CHECK_INT(r.accepted, rows[i].accepted);
			CHECK_INT(r.sum.quarantined, rows[i].quarantined);
			CHECK_INT(r.sum.dropped, rows[i].dropped);
			CHECK_INT(r.sum.blank, rows[i].blank);
			CHECK_INT(r.rewinds, rows[i].rewinds);
			CHECK_INT(r.sum.inputs, r.accepted + r.sum.quarantined + r.sum.dropped +
							r.sum.blank);
			buf_free(&r.seen);
		}
	fixture_end(&f);
}

static void lines_of(struct buf *b, const char *line, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_add(b, str_of(line));
}

/* Two deaths for each record: nine are quarantined, the tenth gives the report up. */
TEST(too_many_deaths)
{
	struct fixture f = fixture_of("crasher", 1);
	for (unsigned n = 9; n <= 10; n++) {
		struct buf b = BUF_INIT(KIB(64));
		lines_of(&b, "crash\n", n);
		buf_add(&b, STR("192.0.2.1\n"));
		struct report r = { .bytes = buf_str(&b) };
		struct err err = { 0 };
		CHECK_RC(run(f.pool, &r, (struct intake_job){ 0 }, &err), RC_OK, err);
		CHECK_INT(r.result.rc, n == 9 ? RC_OK : RC_INPUT);
		CHECK_INT(r.sum.quarantined, n == 9 ? 9 : 0);
		CHECK(n == 9 || r.result.words[0]);
		buf_free(&b);
	}
	fixture_end(&f);
}

/* `n` addresses; `deadly` of them (counted from 0) replaced by "crash". */
static struct buf big_report(unsigned n, unsigned deadly)
{
	struct buf b = BUF_INIT(MIB(16));
	for (unsigned i = 0; i < n; i++)
		if (i == deadly)
			buf_add(&b, STR("crash\n"));
		else
			buf_fmt(&b, "198.18.%u.%u\n", i >> 8 & 255, i & 255);
	return b;
}

TEST(a_big_report_survives_deaths_whole)
{
	enum { LINES = 60000 };
	struct fixture f = fixture_of("crasher", 1);
	struct buf b = big_report(LINES, 50000);
	struct report r = { .bytes = buf_str(&b), .piece = 5000 };
	struct err err = { 0 };
	CHECK_RC(run(f.pool, &r, (struct intake_job){ 0 }, &err), RC_OK, err);
	CHECK_INT(r.result.rc, RC_OK);
	CHECK_INT(r.accepted, LINES - 1);
	CHECK_INT(r.sum.quarantined, 1);
	CHECK_INT(r.sum.inputs, LINES);
	CHECK(r.in_order);
	CHECK_INT(r.rewinds, 2);
	CHECK_INT(r.result.unpacked_bytes, b.n);
	buf_free(&b);
	fixture_end(&f);
}

TEST(a_child_killed_from_outside_costs_nothing)
{
	enum { LINES = 30000 };
	struct fixture f = fixture_of("crasher", 1);
	struct buf b = big_report(LINES, LINES);
	struct err err = { 0 };
	struct report warm = { .bytes = STR("192.0.2.1\n") };
	CHECK_RC(run(f.pool, &warm, (struct intake_job){ 0 }, &err), RC_OK, err);
	struct report r = { .bytes = buf_str(&b), .kill_at_give = parser_pool_pid(f.pool, 0) };
	CHECK_RC(run(f.pool, &r, (struct intake_job){ 0 }, &err), RC_OK, err);
	CHECK_INT(r.result.rc, RC_OK);
	CHECK_INT(r.accepted, LINES);
	CHECK_INT(r.sum.quarantined, 0);
	CHECK_INT(r.rewinds, 1);
	CHECK(r.in_order);
	/* One that dies while it waits is not even noticed. */
	kill(parser_pool_pid(f.pool, 0), SIGKILL);
	nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	struct report idle = { .bytes = STR("192.0.2.1\n") };
	CHECK_RC(run(f.pool, &idle, (struct intake_job){ 0 }, &err), RC_OK, err);
	CHECK_INT(idle.accepted, 1);
	CHECK_INT(idle.rewinds, 0);
	buf_free(&b);
	fixture_end(&f);
}

/* What was kept by an earlier process is not made again. */
TEST(resumes_where_the_last_batch_ended)
{
	struct fixture f = fixture_of("crasher", 1);
	struct report r = { .bytes = STR("192.0.2.1\n192.0.2.2\n192.0.2.3\n"), .keep_seen = true };
	struct intake_job job = { .resume_offset = 20, .resume_input = 2 };
	struct err err = { 0 };
	CHECK_RC(run(f.pool, &r, job, &err), RC_OK, err);
	CHECK_STR(buf_str(&r.seen), STR("192.0.2.3\n"));
	CHECK_INT(r.last_input, 3);
	buf_free(&r.seen);
	fixture_end(&f);
}

TEST(mappings_reach_the_child)
{
	struct fixture f = fixture_of("crasher", 1);
	char *large = malloc(PARSER_MAPPING_MAX + 1);
	memset(large, 'm', PARSER_MAPPING_MAX + 1);
	const struct {
		const char *what;
		str mapping;
		enum rc rc, result;
		unsigned rewinds;
	} rows[] = {
		{ "largest", str_mem(large, PARSER_MAPPING_MAX), RC_OK, RC_OK, 0 },
		{ "too large", str_mem(large, PARSER_MAPPING_MAX + 1), RC_LIMIT, RC_OK, 0 },
		{ "refused", STR("bad"), RC_OK, RC_INPUT, 0 },
		{ "kills twice", STR("die"), RC_OK, RC_INPUT, 1 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct report r = { .bytes = STR("192.0.2.1\n") };
		struct intake_job job = { .hints = { .mapping = rows[i].mapping } };
		struct err err = { 0 };
		CHECK_RC(run(f.pool, &r, job, &err), rows[i].rc, err);
		CHECK_MSG(r.result.rc == rows[i].result, "%s: %s", rows[i].what, r.result.words);
		CHECK_INT(r.rewinds, rows[i].rewinds);
		CHECK_INT(r.accepted, rows[i].rc == RC_OK && rows[i].result == RC_OK);
	}
	free(large);
	fixture_end(&f);
}

TEST(reader_and_taker_may_stop)
{
	struct fixture f = fixture_of("crasher", 1);
	struct buf b = big_report(20000, 20000);
	struct report rows[] = {
		{ .bytes = buf_str(&b), .read_fails_at = 70000 },
		{ .bytes = buf_str(&b), .stop_at_give = 2 },
		{ .bytes = STR("192.0.2.1\ncrash\n"), .no_rewind = true },
		{ .bytes = STR("192.0.2.1\n"), .no_room = true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = { 0 };
		CHECK_RC(run(f.pool, &rows[i], (struct intake_job){ 0 }, &err), RC_IO, err);
		struct report after = { .bytes = STR("192.0.2.1\n") };
		CHECK_RC(run(f.pool, &after, (struct intake_job){ 0 }, &err), RC_OK, err);
		CHECK_INT(after.accepted, 1);
	}
	buf_free(&b);
	fixture_end(&f);
}

TEST(one_feed_a_child)
{
	static const struct {
		str feed;
		bool same;
	} rows[] = {
		{ STR_INIT("a"), true }, { STR_INIT("a"), true }, { STR_INIT("b"), false },
		{ STR_INIT("b"), true }, { STR_INIT("a"), false },
	};
	struct fixture f = fixture_of("crasher", 1);
	pid_t last = 0;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct report r = { .bytes = STR("192.0.2.1\n") };
		struct intake_job job = { .hints = { .feed = rows[i].feed } };
		struct err err = { 0 };
		CHECK_RC(run(f.pool, &r, job, &err), RC_OK, err);
		pid_t now = parser_pool_pid(f.pool, 0);
		CHECK_MSG(i == 0 || (now == last) == rows[i].same, "row %zu", i);
		last = now;
	}
	fixture_end(&f);
}

/* A report refused half-way leaves bytes under way; the next one is not disturbed. */
TEST(a_refused_report_leaves_nothing_behind)
{
	struct fixture f = fixture_of("crasher", 1);
	struct buf b = big_report(100000, 100000);
	for (int i = 0; i < 3; i++) {
		struct report r = { .bytes = buf_str(&b) };
		struct intake_job job = { .format = STR("no-such-format") };
		struct err err = { 0 };
		CHECK_RC(run(f.pool, &r, job, &err), RC_OK, err);
		CHECK_INT(r.result.rc, RC_INPUT);
		struct report after = { .bytes = STR("192.0.2.1\n192.0.2.2\n") };
		CHECK_RC(run(f.pool, &after, (struct intake_job){ 0 }, &err), RC_OK, err);
		CHECK_INT(after.accepted, 2);
		CHECK_INT(after.rewinds, 0);
	}
	buf_free(&b);
	fixture_end(&f);
}

TEST(hostile_children_are_not_believed)
{
	static const char *const lies[] = {
		"counts", "rows",  "offset", "kind", "field", "place", "inputs",	"progress",
		"need",	  "junk",  "hello",  "leave", "change", "result-format", "result-stopped",
	};
	struct fixture f = fixture_of("hostile", 1);
	for (size_t i = 0; i < COUNT_OF(lies); i++) {
		struct report r = { .bytes = STR("192.0.2.1\n") };
		struct intake_job job = { .format = str_of(lies[i]) };
		struct err err = { 0 };
		CHECK_RC(run(f.pool, &r, job, &err), RC_OK, err);
		CHECK_MSG(r.result.rc == RC_INPUT && r.result.words[0], "%s", lies[i]);
		CHECK_MSG(r.accepted == 0 || strcmp(lies[i], "change") == 0, "%s", lies[i]);
	}
	/* The same child that does nothing wrong is believed: so it was the lie. */
	struct report r = { .bytes = STR("192.0.2.1\n") };
	struct err err = { 0 };
	CHECK_RC(run(f.pool, &r, (struct intake_job){ .format = STR("honest") }, &err), RC_OK, err);
	CHECK(r.result.rc == RC_OK && r.accepted == 1);
	struct report words = { .bytes = STR("192.0.2.1\n") };
	CHECK_RC(run(f.pool, &words, (struct intake_job){ .format = STR("result-words") }, &err),
		 RC_OK, err);
	CHECK(str_is_plain(str_of(words.result.words)) && words.result.words[0] == '?');
	fixture_end(&f);
}

static void *run_some(void *arg)
{
	struct parser_pool *p = arg;
	intptr_t good = 0;
	for (int i = 0; i < 6; i++) {
		struct report r = { .bytes = STR("192.0.2.1\ncrash\n192.0.2.2\n") };
		struct intake_job job = { .hints = { .feed = i & 1 ? STR("odd") : STR("even") } };
		good += run(p, &r, job, NULL) == RC_OK && r.accepted == 2 &&
			r.sum.quarantined == 1;
	}
	return (void *)good;
}

TEST(threads_share_a_pool)
{
	struct fixture f = fixture_of("crasher", 2);
	pthread_t threads[4];
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		CHECK(pthread_create(&threads[i], NULL, run_some, f.pool) == 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		void *good = NULL;
		pthread_join(threads[i], &good);
		CHECK_INT((intptr_t)good, 6);
	}
	fixture_end(&f);
}

TEST(no_child_can_be_had)
{
	struct fixture f = fixture_of("nobody", 1);
	struct report r = { .bytes = STR("192.0.2.1\n") };
	struct err err = { 0 };
	for (int i = 0; i < 2; i++)
		CHECK_RC(run(f.pool, &r, (struct intake_job){ 0 }, &err), RC_BUSY, err);
	fixture_end(&f);
}

/* As shipped: starter and parser beside the program. */
static struct fixture fixture_shipped(void)
{
	struct fixture f = { 0 };
	struct err err = { 0 };
	CHECK_RC(starter_new(&f.starter, &err), RC_OK, err);
	CHECK_RC(parser_pool_new(f.starter, NULL, 1, &f.pool, &err), RC_OK, err);
	return f;
}

/* What libraries do once and late (time zones, character sets, random numbers) must be done
 * before the cage closes: each of these would die of it. */
static const struct {
	const char *what;
	str format, mapping, bytes;
	unsigned accepted;
} samples[] = {
#define S STR_INIT
	{ "block list", S("blocklist"), S(""), S("# x\n192.0.2.1\n192.0.2.0/24\n"), 2 },
	{ "names in other scripts", S("blocklist"), S(""),
	  S("b\xc3\xbc" "cher.example\n\xe4\xbe\x8b.example.org\n"), 2 },
	{ "JSON lines", S("intelmq"), S(""),
	  S("{\"source.ip\":\"192.0.2.1\",\"extra\":{\"a\":[1,2.5,\"\\u00e9\"]}}\n"), 1 },
	{ "times of its own", S("csv"),
	  S("header no\ntime-format %d/%b/%Y:%H:%M:%S %z\ncolumn 1 -> time.source time\n"
	    "column 2 -> source.ip\n"), S("01/Aug/2018:09:49:41 +0200,192.0.2.1\n"), 1 },
	{ "Shadowserver", S("shadowserver"), S(""),
	  S("\"timestamp\",\"ip\",\"protocol\",\"port\",\"hostname\",\"tag\",\"asn\",\"geo\"\n"
	    "\"2026-11-22 00:00:01\",\"192.0.2.1\",\"tcp\",80,\"a.example.org\",\"http\",64500,\"ID\"\n"),
	  1 },
#undef S
};

static void pack(struct buf *out, str bytes, unsigned how)
{
	switch (how) {
	case 0: buf_add(out, bytes); break;
	case 1: pack_gzip(out, bytes); break;
	case 2: pack_zstd(out, bytes); break;
	case 3:
		pack_zip_entry(out, STR("entry"), bytes, PACK_DEFLATE);
		pack_zip_end(out);
		break;
	}
}

TEST(the_parser_that_ships)
{
	struct fixture f = fixture_shipped();
	for (size_t i = 0; i < COUNT_OF(samples); i++)
		for (unsigned how = 0; how < 4; how++) {
			struct buf b = BUF_INIT(MIB(1));
			pack(&b, samples[i].bytes, how);
			struct report r = { .bytes = buf_str(&b) };
			/* A feed each time: a new child, which has done nothing before. */
			struct intake_job job = { .format = samples[i].format,
						  .hints = { .feed = how & 1 ? STR("a") : STR("b"),
							     .mapping = samples[i].mapping } };
			struct err err = { 0 };
			CHECK_RC(run(f.pool, &r, job, &err), RC_OK, err);
			CHECK_MSG(r.accepted == samples[i].accepted && r.rewinds == 0,
				  "%s, packing %u: %u events, %u deaths, '%s'", samples[i].what,
				  how, (unsigned)r.accepted, r.rewinds, r.result.words);
			buf_free(&b);
		}
	/* The test formats are not in it. */
	struct report r = { .bytes = STR("crash\n") };
	struct err err = { 0 };
	CHECK_RC(run(f.pool, &r, (struct intake_job){ .format = STR("crash") }, &err), RC_OK, err);
	CHECK_INT(r.result.rc, RC_INPUT);
	CHECK_INT(r.rewinds, 0);
	fixture_end(&f);
}

/* The same report here and in a child: the same counts, and nobody dies. */
static void compare(struct fixture *f, const char *name, str bytes)
{
	struct report here = { .bytes = bytes }, there = { .bytes = bytes };
	struct intake_io io = { .ctx = &here, .read = read_report, .give = give_report };
	struct intake_job job = { .format = STR("auto"), .packed_bytes = bytes.n };
	job.hints.feed = job.hints.file_name = str_of(name);
	struct batch *b = batch_new();
	struct err err = { 0 };
	intake_parse(&job, &io, b, &here.result);
	batch_free(b);
	CHECK_RC(run(f->pool, &there, job, &err), RC_OK, err);
	CHECK_MSG(there.rewinds == 0, "%s: %u deaths", name, there.rewinds);
	CHECK_MSG(memcmp(&here.sum, &there.sum, sizeof(here.sum)) == 0 &&
			  here.accepted == there.accepted && here.result.rc == there.result.rc &&
			  strcmp(here.result.words, there.result.words) == 0,
		  "%s: %u and %u inputs, '%s' and '%s'", name, (unsigned)here.sum.inputs,
		  (unsigned)there.sum.inputs, here.result.words, there.result.words);
}

static unsigned compare_folder(struct fixture *f, const char *folder)
{
	unsigned files = 0;
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) {
		char path[PATH_MAX + 256];
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		FILE *in = fopen(path, "re");
		struct buf b = BUF_INIT(MIB(4));
		char *room = buf_room(&b, MIB(4) - 1);
		size_t n = in && e->d_name[0] != '.' ? fread(room, 1, MIB(4) - 1, in) : 0;
		if (n) {
			compare(f, e->d_name, str_mem(room, n));
			files++;
		}
		if (in)
			(void)fclose(in);
		buf_free(&b);
	}
	if (d)
		closedir(d);
	return files;
}

TEST(samples_in_a_child)
{
	static const char *const folders[] = { "shadowserver", "blocklists", "intelmq", "feeds",
					       "hostile" };
	const char *shared = getenv("RONDA_SHARED"), *source = getenv("RONDA_SOURCE");
	struct fixture f = fixture_shipped();
	unsigned files = 0;
	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		char folder[PATH_MAX];
		snprintf(folder, sizeof(folder), "%s%s/data/samples/%s",
			 shared ? shared : source ? source : ".", shared ? "" : "/../shared", folders[i]);
		files += compare_folder(&f, folder);
	}
	if (files == 0)
		printf("# SKIP no samples here (RONDA_SHARED)\n");
	fixture_end(&f);
}

/* In KiB; -1 where it cannot be read. */
static long pss_of(pid_t pid)
{
	char path[64], line[128];
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	FILE *f = fopen(path, "re");
	long kib = -1;
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "Pss:", 4) == 0)
			kib = strtol(line + 4, NULL, 10);
	if (f)
		(void)fclose(f);
	return kib;
}

TEST(a_child_stays_small)
{
	struct fixture f = fixture_of("crasher", 1);
	struct buf b = big_report(200000, 200000);
	struct report r = { .bytes = buf_str(&b) };
	struct err err = { 0 };
	CHECK_RC(run(f.pool, &r, (struct intake_job){ 0 }, &err), RC_OK, err);
	CHECK_INT(r.accepted, 200000);
	long kib = pss_of(parser_pool_pid(f.pool, 0));
	if (kib < 0)
		printf("# SKIP memory of a child cannot be read here\n");
#ifndef RONDA_SANITIZED
	CHECK_MSG(kib < 16 * 1024, "%ld KiB after a report", kib);
#endif
	buf_free(&b);
	fixture_end(&f);
}

static void burn_cpu(int64_t us, struct intake_progress *p, bool tick)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	int64_t until = (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000 + us;
	do {
		if (tick)
			atomic_fetch_add(&p->tick, 1);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	} while ((int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000 < until);
}

TEST(the_watch)
{
	struct intake_progress p = { 0 };
	struct watch w;
	const int64_t record_us = WATCH_RECORD_MS * 1000;
	watch_begin(&w, getpid(), &p);
	burn_cpu(record_us + 50000, &p, false);
	CHECK(watch_over(&w)); /* no progress */

	watch_begin(&w, getpid(), &p);
	burn_cpu(record_us + 50000, &p, true);
	CHECK(!watch_over(&w)); /* as much, with progress */

	/* Progress for ever, and nothing to show for it. */
	watch_begin(&w, getpid(), &p);
	w.allowed_us = 40000;
	burn_cpu(50000, &p, true);
	CHECK(watch_over(&w));
	watch_sign(&w, SECOND_US);
	w.sampled_us = 0;
	CHECK(!watch_over(&w));

	/* Asleep: a sign in time is enough. */
	watch_begin(&w, getpid(), &p);
	for (int i = 0; i < WATCH_QUIET_MS / WATCH_TICK_MS; i++) {
		w.sampled_us = 0;
		CHECK(!watch_over(&w));
	}
	w.sampled_us = 0;
	CHECK(watch_over(&w));
	watch_sign(&w, 0);
	w.sampled_us = 0;
	CHECK(!watch_over(&w));
}

TEST_MAIN(TEST_RUN(reports_of_all_kinds), TEST_RUN(too_many_deaths),
	  TEST_RUN(a_big_report_survives_deaths_whole),
	  TEST_RUN(a_child_killed_from_outside_costs_nothing),
	  TEST_RUN(resumes_where_the_last_batch_ended), TEST_RUN(mappings_reach_the_child),
	  TEST_RUN(reader_and_taker_may_stop), TEST_RUN(one_feed_a_child),
	  TEST_RUN(a_refused_report_leaves_nothing_behind),
	  TEST_RUN(hostile_children_are_not_believed), TEST_RUN(threads_share_a_pool),
	  TEST_RUN(no_child_can_be_had), TEST_RUN(the_parser_that_ships), TEST_RUN(samples_in_a_child),
	  TEST_RUN(a_child_stays_small), TEST_RUN(the_watch))
