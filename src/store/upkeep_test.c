/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/arena.h"
#include "base/test_dir.h"
#include "store/quarantine.h"
#include "store/raw.h"
#include "store/upkeep.h"

static struct err err;

struct world {
	struct test_dir d;
	struct store *s;
	char said[2000];
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

/* --- a day's work --- */

struct work {
	struct report r;
	struct event_chunk *chunk;
	struct batch *b;
};

static enum rc commit(struct tx *tx, void *ctx, struct err *e)
{
	struct work *k = ctx;
	uint64_t first;
	enum rc rc = event_chunk_commit(tx, k->chunk, &first, e);
	if (rc == RC_OK)
		rc = quarantine_commit(tx, &k->r, k->b, e);
	k->r.state = REPORT_DONE;
	return rc == RC_OK ? report_save(tx, &k->r, e) : rc;
}

static void add_row(struct batch *b, uint32_t i, const char *concerns)
{
	char host[64];
	snprintf(host, sizeof(host), "h%u.example.org", (unsigned)i);
	batch_row_begin(b, i + 1, 10 * i, 9, i + 1);
	batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("scanner"));
	batch_set_text(b, FIELD_SOURCE_FQDN, STR_NONE, str_of(host));
	batch_set_text(b, FIELD_RONDA_CONCERNS, STR_NONE, str_of(concerns));
	batch_set_time(b, FIELD_TIME_SOURCE, 1700000000 * SECOND_US);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
}

/* A report of `rows` events; fewer than 512 go to the tail. */
static int64_t deliver(struct world *w, uint32_t rows, const char *concerns)
{
	struct work k = { .r = { .feed = 1 }, .b = batch_new() };
	struct raw_intake *in;
	char line[64];
	bool known;
	CHECK_RC(raw_begin(w->s, &in, &err), RC_OK, err);
	for (uint32_t i = 0; i < rows; i++) {
		snprintf(line, sizeof(line), "h%u.example.org,%s,%u\n", (unsigned)i, concerns,
			 (unsigned)rows);
		CHECK_RC(raw_add(in, str_of(line), &err), RC_OK, err);
		add_row(k.b, i, concerns);
	}
	batch_reject(k.b, REJECT_FIELD, rows + 1, 0, STR("secret line"), 1, "is wrong");
	CHECK_RC(report_received(in, &k.r, &known, &err), RC_OK, err);
	CHECK_RC(event_chunk_new(k.b, &k.r, NULL, &k.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(w->s, commit, &k, &err), RC_OK, err);
	event_chunk_free(k.chunk);
	batch_free(k.b);
	return k.r.id;
}

static int64_t number(struct world *w, const char *literal)
{
	struct reader *r;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), literal);
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

static void say(void *ctx, const char *sentence)
{
	struct world *w = ctx;
	size_t n = strlen(w->said);
	snprintf(w->said + n, sizeof(w->said) - n, "%s\n", sentence);
}

static struct verify_result verify(struct world *w)
{
	struct verify_result v = { 0 };
	w->said[0] = '\0';
	CHECK_RC(store_verify(w->s, say, w, NULL, &v, &err), RC_OK, err);
	return v;
}

/* --- verify --- */

TEST(sound)
{
	struct world w = created();
	struct verify_result v = verify(&w);
	CHECK_INT(v.damaged, 0);
	(void)deliver(&w, 1000, "5 1 asn");
	(void)deliver(&w, 20, "6 1 asn");
	v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	CHECK_INT(v.reports, 2);
	CHECK_INT(v.rows, 1020);
	CHECK(v.frames >= 2); /* the second waits in main.db, bytes and events */
	ended(&w);
}

static void today_file(char name[40], const char *end)
{
	char day[16];
	time_day_str(day, clock_now_us());
	snprintf(name, 40, "%s%s", day, end);
}

static void flip(struct world *w, const char *folder, uint64_t at)
{
	struct io_dir *d;
	struct io_file *f;
	char path[512], name[40], byte;
	today_file(name, ".seg");
	CHECK_RC(io_dir_open(test_dir_in(&w->d, path, folder), &d, &err), RC_OK, err);
	CHECK_RC(io_open(d, name, IO_WRITE, &f, &err), RC_OK, err);
	CHECK_RC(io_read_at(f, at, &byte, 1, &err), RC_OK, err);
	byte = (char)(byte ^ 0x10);
	CHECK_RC(io_write_at(f, at, str_mem(&byte, 1), &err), RC_OK, err);
	io_close(f);
	io_dir_close(d);
}

/* Any byte of a segment that is changed is seen, named, and nothing else suffers. */
TEST(flipped_bytes)
{
	struct world w = created();
	(void)deliver(&w, 1000, "5 1 asn");
	(void)deliver(&w, 700, "6 1 asn");
	static const char *const folders[] = { "raw", "events" };
	for (unsigned k = 0; k < 2; k++) {
		uint64_t bytes =
			(uint64_t)number(&w, k ? "SELECT bytes FROM segment WHERE kind = 1"
					       : "SELECT bytes FROM segment WHERE kind = 0");
		for (uint64_t i = 0; i < 50; i++) {
			uint64_t at = i < 34 ? i : i * 7919 % bytes; /* all of both heads */
			flip(&w, folders[k], at);
			struct verify_result v = verify(&w);
			CHECK_MSG(v.damaged == 1, "%s at %llu: %llu damaged: %s", folders[k],
				  (unsigned long long)at, (unsigned long long)v.damaged, w.said);
			CHECK(strstr(w.said, folders[k]) != NULL);
			CHECK_INT(v.rows, 1700);
			flip(&w, folders[k], at);
		}
	}
	CHECK_INT(verify(&w).damaged, 0);
	ended(&w);
}

static enum rc run_sql(struct tx *tx, void *ctx, struct err *e)
{
	return sql_run(sql(tx_conn(tx), ctx), e);
}

static const struct {
	const char *what, *change, *says;
} changes[] = {
	{ "a digest", "UPDATE report SET digest = randomblob(32) WHERE id = 1", "digest" },
	{ "raw of no report",
	  "INSERT INTO raw SELECT 99, part, day, number, offset, bytes FROM raw"
	  " WHERE report = 1",
	  "report 99" },
	{ "a place", "UPDATE raw SET offset = offset + 1 WHERE report = 1", "raw/" },
	{ "a size", "UPDATE chunk SET bytes = bytes - 1", "events/" },
	{ "a count", "UPDATE chunk SET rows = rows - 1", "events" },
	{ "overlap",
	  "INSERT INTO chunk SELECT first_seq + 1, rows, report, day, number, offset, bytes,"
	  " tlp_set, exercise, min_time, max_time, zone, bloom FROM chunk",
	  "two chunks" },
	{ "a file that is none", "UPDATE chunk SET number = 9", "events/" },
	{ "a tail", "UPDATE tail SET body = x'00'", "not yet sealed" },
};

TEST(changed_rows)
{
	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		struct world w = created();
		(void)deliver(&w, 600, "5 1 asn");
		(void)deliver(&w, 20, "6 1 asn");
		CHECK_RC(store_write(w.s, run_sql, (void *)(uintptr_t)changes[i].change, &err),
			 RC_OK, err);
		struct verify_result v = verify(&w);
		CHECK_MSG(v.damaged && strstr(w.said, changes[i].says), "%s: %s", changes[i].what,
			  w.said);
		ended(&w);
	}
}

TEST(a_lost_file)
{
	struct world w = created();
	struct io_dir *d;
	char path[512], name[40];
	(void)deliver(&w, 600, "5 1 asn");
	today_file(name, ".seg");
	CHECK_RC(io_dir_open(test_dir_in(&w.d, path, "events"), &d, &err), RC_OK, err);
	store_close(w.s);
	CHECK_RC(io_unlink(d, name, &err), RC_OK, err);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	CHECK(verify(&w).damaged >= 2); /* the file, and the chunk in it */
	io_dir_close(d);
	ended(&w);
}

/* --- hold and forget --- */

struct holding {
	const char *what, *reason;
	int64_t id;
};

static enum rc set(struct tx *tx, void *ctx, struct err *e)
{
	struct holding *h = ctx;
	return hold_set(tx, str_of(h->what), str_of(h->reason), STR("unix:0"), &h->id, e);
}

static enum rc lift(struct tx *tx, void *ctx, struct err *e)
{
	return hold_lift(tx, ((struct holding *)ctx)->id, STR("unix:0"), e);
}

static const struct {
	const char *what, *reason;
	enum rc rc;
} holds[] = {
	{ "report 1", "court order", RC_OK }, { "day 2026-01-31", "x", RC_OK },
	{ "report 1", "", RC_INPUT },         { "report 1", "two\nlines", RC_INPUT },
	{ "report 99", "x", RC_ABSENT },      { "org 99", "x", RC_ABSENT },
	{ "report -1", "x", RC_INPUT },       { "report 1x", "x", RC_INPUT },
	{ "day 2026-02-31", "x", RC_INPUT },  { "day 26-2-3", "x", RC_INPUT },
	{ "year 2026", "x", RC_INPUT },       { "", "x", RC_INPUT },
};

TEST(holds_are_checked)
{
	struct world w = created();
	struct holding h = { 0 };
	(void)deliver(&w, 10, "5 1 asn");
	for (size_t i = 0; i < COUNT_OF(holds); i++) {
		h = (struct holding){ .what = holds[i].what, .reason = holds[i].reason };
		enum rc rc = store_write(w.s, set, &h, &err);
		CHECK_MSG(rc == holds[i].rc, "'%s': %s", holds[i].what, rc_name(rc));
	}
	h.id = 1;
	CHECK_RC(store_write(w.s, lift, &h, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, lift, &h, &err), RC_ABSENT, err);
	struct reader *r;
	struct hold *list;
	size_t n;
	struct arena *a = arena_new(KIB(4));
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(hold_list(reader_conn(r), a, &list, &n, &err), RC_OK, err);
	CHECK_INT(n, 2);
	CHECK(list[0].lifted_us > 0 && list[1].lifted_us == 0);
	CHECK_STR(list[0].what, STR("report 1"));
	CHECK_STR(list[0].reason, STR("court order"));
	store_read_end(r);
	arena_free(a);
	ended(&w);
}

static struct forget_result forget(struct world *w, bool dry)
{
	struct forget_result f = { 0 };
	CHECK_RC(store_forget(w->s, time_day(clock_now_us()) + 1, dry, &f, &err), RC_OK, err);
	return f;
}

static bool file_is_there(struct world *w, const char *folder, const char *end)
{
	char path[512], name[40];
	struct io_dir *d;
	struct io_file *f;
	today_file(name, end);
	CHECK_RC(io_dir_open(test_dir_in(&w->d, path, folder), &d, &err), RC_OK, err);
	bool there = io_open(d, name, IO_READ, &f, NULL) == RC_OK;
	if (there)
		io_close(f);
	io_dir_close(d);
	return there;
}

TEST(everything_is_forgotten)
{
	struct world w = created();
	(void)deliver(&w, 1000, "5 1 asn");
	(void)deliver(&w, 20, "6 1 asn");
	struct forget_result f = forget(&w, true);
	CHECK_INT(f.events, 1020);
	CHECK(f.raw_bytes > 0);
	CHECK_INT(verify(&w).rows, 1020); /* that was dry */
	f = forget(&w, false);
	CHECK_INT(f.events, 1020);
	CHECK_INT(f.held_events, 0);
	struct verify_result v = verify(&w);
	CHECK_INT(v.rows, 0);
	CHECK_INT(v.frames, 0);
	CHECK_INT(v.damaged, 0);
	CHECK_INT(v.reports, 2); /* their counts stay */
	CHECK_INT(number(&w, "SELECT count(*) FROM quarantine"), 0);
	CHECK(!file_is_there(&w, "raw", ".seg") && !file_is_there(&w, "events", ".seg"));
	f = forget(&w, false);
	CHECK_INT(f.events, 0);
	/* the day goes on in a new file, also after a start */
	(void)deliver(&w, 900, "5 1 asn");
	CHECK(!file_is_there(&w, "raw", ".seg") && file_is_there(&w, "raw", ".1.seg"));
	store_close(w.s);
	CHECK_RC(store_open(w.d.path, NULL, NULL, &w.s, &err), RC_OK, err);
	v = verify(&w);
	CHECK_INT(v.rows, 900);
	CHECK_INT(v.damaged, 0);
	ended(&w);
}

TEST(what_is_held_stays)
{
	struct world w = created();
	struct holding h = { .what = "report 2", .reason = "court order" };
	(void)deliver(&w, 1000, "5 1 asn");
	(void)deliver(&w, 600, "6 1 asn");
	(void)deliver(&w, 30, "7 1 asn");
	CHECK_RC(store_write(w.s, set, &h, &err), RC_OK, err);
	struct forget_result f = forget(&w, false);
	CHECK_INT(f.events, 1030);
	CHECK_INT(f.held_events, 600);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	CHECK_INT(v.rows, 600);
	CHECK_INT(number(&w, "SELECT count(*) FROM quarantine"), 1);
	CHECK(!file_is_there(&w, "raw", ".seg") && file_is_there(&w, "raw", ".1.seg"));
	CHECK(!file_is_there(&w, "events", ".seg") && file_is_there(&w, "events", ".1.seg"));
	struct raw_reader *raw;
	CHECK_RC(raw_open(w.s, 1, &raw, &err), RC_ABSENT, err);
	CHECK_RC(raw_open(w.s, 2, &raw, &err), RC_OK, err);
	raw_close(raw);
	/* again: nothing to do. After the hold is lifted: all of it */
	f = forget(&w, false);
	CHECK_INT(f.events, 0);
	CHECK_INT(f.held_events, 600);
	CHECK(file_is_there(&w, "events", ".1.seg"));
	CHECK_RC(store_write(w.s, lift, &h, &err), RC_OK, err);
	f = forget(&w, false);
	CHECK_INT(f.events, 600);
	CHECK_INT(verify(&w).rows, 0);
	CHECK(!file_is_there(&w, "events", ".1.seg"));
	ended(&w);
}

TEST(an_organisation_is_held)
{
	struct world w = created();
	static char org[] = "INSERT INTO org VALUES (6, NULL, 'Six', 'six', '', '', '', '', 0, 0, 0)";
	struct holding h = { .what = "org 6", .reason = "case 1" };
	(void)deliver(&w, 1000, "5 1 asn");
	(void)deliver(&w, 600, "6 1 asn");
	(void)deliver(&w, 30, "6 1 asn");
	(void)deliver(&w, 31, "7 1 asn");
	CHECK_RC(store_write(w.s, run_sql, org, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, set, &h, &err), RC_OK, err);
	struct forget_result f = forget(&w, false);
	CHECK_INT(f.events, 1031);
	CHECK_INT(f.held_events, 630);
	struct verify_result v = verify(&w);
	CHECK_MSG(v.damaged == 0, "%s", w.said);
	CHECK_INT(v.rows, 630);
	ended(&w);
}

TEST(a_day_is_held)
{
	struct world w = created();
	char day[16], what[40];
	time_day_str(day, clock_now_us());
	snprintf(what, sizeof(what), "day %s", day);
	struct holding h = { .what = what, .reason = "x" };
	(void)deliver(&w, 600, "6 1 asn");
	CHECK_RC(store_write(w.s, set, &h, &err), RC_OK, err);
	struct forget_result f = forget(&w, false);
	CHECK_INT(f.events, 0);
	CHECK_INT(f.held_events, 600);
	CHECK_INT(f.raw_bytes, 0);
	CHECK_INT(verify(&w).rows, 600);
	ended(&w);
}

TEST(a_reader_of_before)
{
	struct world w = created();
	struct reader *r;
	(void)deliver(&w, 600, "6 1 asn");
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	struct sql *q = sql(reader_conn(r), "SELECT day, number, offset, bytes FROM chunk");
	CHECK(sql_row(q));
	struct place at = { .day = (int32_t)sql_col_int(q, 0),
			    .number = (uint32_t)sql_col_int(q, 1),
			    .offset = (uint64_t)sql_col_int(q, 2),
			    .bytes = (uint32_t)sql_col_int(q, 3) };
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	(void)forget(&w, false);
	(void)deliver(&w, 601, "6 1 asn");
	struct buf b = BUF_INIT(MIB(1));
	CHECK_RC(reader_frame(r, SEGMENT_EVENTS, &at, &b, &err), RC_ABSENT, err);
	buf_free(&b);
	store_read_end(r);
	ended(&w);
}

TEST_MAIN(TEST_RUN(sound), TEST_RUN(flipped_bytes), TEST_RUN(changed_rows), TEST_RUN(a_lost_file),
	  TEST_RUN(holds_are_checked), TEST_RUN(everything_is_forgotten),
	  TEST_RUN(what_is_held_stays), TEST_RUN(an_organisation_is_held), TEST_RUN(a_day_is_held),
	  TEST_RUN(a_reader_of_before))
