/* SPDX-License-Identifier: Apache-2.0 */
#include "base/test.h"

#include "base/arena.h"
#include "base/test_dir.h"
#include "store/destroyed.h"
#include "store/held.h"
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

/* --- for a case --- */

struct keeping {
	struct uuid hold;
	str object;
	uint64_t seq;
	bool lift;
};

static enum rc keep(struct tx *tx, void *ctx, struct err *e)
{
	struct keeping *k = ctx;
	return k->lift ? held_lift(tx, &k->hold, e) : held_add(tx, &k->hold, k->object, k->seq, false, e);
}

TEST(what_is_held_for_a_case_stays)
{
	struct world w = created();
	struct keeping event = { .hold = uuid_random(), .object = STR("event--x"), .seq = 1003 };
	struct keeping report = { .hold = event.hold, .object = STR("report--3") };
	struct keeping tail = { .hold = event.hold, .object = STR("event--y"), .seq = 1635 };
	(void)deliver(&w, 1000, "5 1 asn");
	(void)deliver(&w, 600, "6 1 asn");
	(void)deliver(&w, 30, "7 1 asn");
	(void)deliver(&w, 31, "8 1 asn");
	CHECK_RC(store_write(w.s, keep, &event, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, keep, &event, &err), RC_OK, err); /* once */
	CHECK_RC(store_write(w.s, keep, &report, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, keep, &tail, &err), RC_OK, err);
	struct forget_result f = forget(&w, false);
	CHECK_INT(f.events, 1000);
	CHECK_INT(f.held_events, 661); /* with their neighbours */
	CHECK_INT(verify(&w).damaged, 0);
	CHECK_INT(number(&w, "SELECT count(*) FROM held"), 3);
	event.lift = true;
	CHECK_RC(store_write(w.s, keep, &event, &err), RC_OK, err);
	f = forget(&w, false);
	CHECK_INT(f.events, 661);
	CHECK_INT(verify(&w).rows, 0);
	ended(&w);
}

/* --- single events --- */

struct dropping {
	int64_t list;
	uint64_t from, until, step;
	bool more;
	unsigned files;
};

static enum rc list_them(struct tx *tx, void *ctx, struct err *e)
{
	struct dropping *d = ctx;
	enum rc rc = events_list_new(tx_conn(tx), &d->list, e);
	for (uint64_t seq = d->from; rc == RC_OK && seq < d->until; seq += d->step)
		rc = events_list_add(tx, d->list, seq, e);
	return rc;
}

static enum rc count_file(void *ctx, struct tx *tx, const struct place *file, struct err *e)
{
	(void)tx;
	(void)file;
	(void)e;
	((struct dropping *)ctx)->files++;
	return RC_OK;
}

static enum rc drop_some(struct tx *tx, void *ctx, struct err *e)
{
	struct dropping *d = ctx;
	return events_drop_listed(tx, d->list, count_file, d, &d->more, e);
}

static bool count_seq(void *ctx, const struct event_row *e)
{
	uint64_t *sum = ctx;
	*sum += e->seq;
	return true;
}

static uint64_t sum_of_seqs(struct world *w)
{
	uint64_t sum = 0;
	struct reader *r;
	struct event_query q = { .tlp_mask = UINT32_MAX, .exercise = true };
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(events_scan(r, &q, count_seq, &sum, &err), RC_OK, err);
	store_read_end(r);
	return sum;
}

static const struct {
	const char *what;
	uint64_t from, until, step;
	int64_t rows; /* that are left of 1000 in a chunk and 30 in the tail */
} drops[] = {
	{ "the first", 1, 2, 1, 1029 },	       { "the last of a chunk", 1000, 1001, 1, 1029 },
	{ "one in the middle", 500, 501, 1, 1029 }, { "one of the tail", 1010, 1011, 1, 1029 },
	{ "over the end of a chunk", 990, 1006, 1, 1014 }, { "each other", 1, 1031, 2, 515 },
	{ "all", 1, 1031, 1, 0 },	       { "what is not there", 5000, 5003, 1, 1030 },
};

TEST(single_events_go)
{
	for (size_t i = 0; i < COUNT_OF(drops); i++) {
		struct world w = created();
		struct dropping d = { .from = drops[i].from, .until = drops[i].until, .step = drops[i].step };
		uint64_t gone = 0, all = UINT64_C(1030) * 1031 / 2;
		unsigned calls = 0;
		(void)deliver(&w, 1000, "5 1 asn");
		(void)deliver(&w, 30, "6 1 asn");
		for (uint64_t seq = d.from; seq < d.until && seq <= 1030; seq += d.step)
			gone += seq;
		CHECK_RC(store_write(w.s, list_them, &d, &err), RC_OK, err);
		do
			CHECK_RC(store_write(w.s, drop_some, &d, &err), RC_OK, err);
		while (d.more && ++calls < 10);
		CHECK_MSG(!d.more, "%s: no end", drops[i].what);
		struct verify_result v = verify(&w);
		CHECK_MSG(v.damaged == 0, "%s: %s", drops[i].what, w.said);
		CHECK_MSG((int64_t)v.rows == drops[i].rows, "%s: %llu rows", drops[i].what, (unsigned long long)v.rows);
		CHECK_MSG(sum_of_seqs(&w) == all - gone, "%s: others went", drops[i].what);
		CHECK_INT(number(&w, "SELECT count(*) FROM erasing_event"), 0);
		CHECK_INT(number(&w, "SELECT sum(events) FROM report"), 0); /* as their reports say */
		ended(&w);
	}
}

/* --- bytes that may not come back --- */

struct again {
	struct digest d;
	struct world *w;
};

static enum rc destroy(struct tx *tx, void *ctx, struct err *e)
{
	struct again *a = ctx;
	return destroyed_add(tx, &a->d, 1, STR("destruction--x"), e);
}

static enum rc send(struct world *w, str bytes)
{
	struct raw_intake *in;
	struct report r = { .feed = 1 };
	bool known;
	CHECK_RC(raw_begin(w->s, &in, &err), RC_OK, err);
	for (size_t at = 0; at < bytes.n; at += 100000)
		CHECK_RC(raw_add(in, str_head(str_from(bytes, at), 100000), &err), RC_OK, err);
	return report_received(in, &r, &known, &err);
}

TEST(destroyed_bytes_do_not_come_back)
{
	static const size_t sizes[] = { 0, 1, 5000, 400000, 1200000 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct world w = created();
		char *p = x_alloc(sizes[i] + 1);
		memset(p, 'x', sizes[i]);
		str bytes = str_mem(p, sizes[i]);
		struct again a = { .d = sha256(bytes), .w = &w };
		CHECK_RC(store_write(w.s, destroy, &a, &err), RC_OK, err);
		CHECK_RC(store_write(w.s, destroy, &a, &err), RC_OK, err);
		CHECK_RC(send(&w, bytes), RC_DENIED, err);
		CHECK_RC(send(&w, bytes), RC_DENIED, err);
		CHECK_INT(number(&w, "SELECT count(*) FROM report"), 0);
		CHECK_INT(number(&w, "SELECT count(*) FROM raw_tail"), 0);
		CHECK_INT(number(&w, "SELECT seen FROM destroyed"), 2);
		/* parts of a large one stood in a file before the last came */
		CHECK_INT(number(&w, "SELECT count(*) FROM destroyed_left"), sizes[i] > 262144);
		p[0] = 'y';
		CHECK_RC(send(&w, str_mem(p, sizes[i] + !sizes[i])), RC_OK, err);
		CHECK_INT(number(&w, "SELECT count(*) FROM report"), 1);
		free(p);
		ended(&w);
	}
}

TEST_MAIN(TEST_RUN(sound), TEST_RUN(flipped_bytes), TEST_RUN(changed_rows), TEST_RUN(a_lost_file),
	  TEST_RUN(holds_are_checked), TEST_RUN(everything_is_forgotten),
	  TEST_RUN(what_is_held_stays), TEST_RUN(an_organisation_is_held), TEST_RUN(a_day_is_held),
	  TEST_RUN(a_reader_of_before), TEST_RUN(what_is_held_for_a_case_stays),
	  TEST_RUN(single_events_go), TEST_RUN(destroyed_bytes_do_not_come_back))
