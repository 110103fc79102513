/* SPDX-License-Identifier: Apache-2.0 */
/* What was erased is in no byte of the directory; cut short at any step it goes on. */
#include "base/test.h"

#include <errno.h>

#include "base/arena.h"
#include "base/io_trace.h"
#include "base/test_dir.h"
#include "record/erase.h"
#include "store/quarantine.h"
#include "store/rewrite.h"
#include "store/upkeep.h"

static struct err err;
#define CANARY "Canary-7f3a-of-Someone"

static const struct eraser *const erasers[] = { &eraser_journal, &eraser_report };

struct world {
	struct test_dir d;
	struct store *s;
	struct journal *j;
	struct erase *x;
	int64_t report; /* with the canary in it */
};

static void open_at(struct world *w, const char *path)
{
	CHECK_RC(store_open(path, NULL, NULL, &w->s, &err), RC_OK, err);
	CHECK_RC(journal_open(w->s, &w->j, &err), RC_OK, err);
	CHECK_RC(erase_open(w->s, w->j, erasers, COUNT_OF(erasers), &w->x, &err), RC_OK, err);
}

static void close_it(struct world *w)
{
	erase_close(w->x);
	journal_close(w->j);
	store_close(w->s);
}

/* --- looking into every file --- */

static bool file_holds(int dir, const char *name, const char *needle)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool found = false;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	char *p = x_alloc((size_t)st.st_size + 1);
	ssize_t n = read(fd, p, (size_t)st.st_size);
	close(fd);
	found = n > 0 && memmem(p, (size_t)n, needle, strlen(needle));
	free(p);
	return found;
}

/* Number of files below `path` (two levels) that hold it; their names in `where`. */
static int files_that_hold(const char *path, const char *needle, char where[512])
{
	int n = 0;
	char sub[600];
	DIR *list = opendir(path);
	CHECK(list != NULL);
	where[0] = '\0';
	for (struct dirent *e; list && (e = readdir(list)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof(sub), "%.300s/%.255s", path, e->d_name);
		if (e->d_type == DT_DIR) {
			char inside[512];
			n += files_that_hold(sub, needle, inside);
			if (inside[0])
				snprintf(where, 512, "%.500s", inside);
		} else if (file_holds(dirfd(list), e->d_name, needle)) {
			n++;
			snprintf(where, 512, "%.500s", sub);
		}
	}
	if (list)
		closedir(list);
	return n;
}

/* --- what stands in the store --- */

static int64_t deliver(struct world *w, str head, size_t more, uint64_t seed)
{
	struct raw_intake *in;
	struct report r = { .feed = 1, .file_name = "some.csv" };
	bool known;
	if (str_find(head, STR(CANARY)) < head.n)
		snprintf(r.file_name, sizeof(r.file_name), CANARY ".csv");
	char *p = x_alloc(more + 1);
	for (size_t i = 0; i < more; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		p[i] = (char)(seed >> 56);
	}
	CHECK_RC(raw_begin(w->s, &in, &err), RC_OK, err);
	CHECK_RC(raw_add(in, head, &err), RC_OK, err);
	CHECK_RC(raw_add(in, str_mem(p, more), &err), RC_OK, err);
	CHECK_RC(report_received(in, &r, &known, &err), RC_OK, err);
	free(p);
	return r.id;
}

struct commit {
	struct world *w;
	int64_t id;
	struct batch *b;
	struct event_chunk *chunk;
	bool canary; /* also in the line of the journal */
};

static enum rc commit_job(struct tx *tx, void *ctx, struct err *e)
{
	struct commit *c = ctx;
	char object[32];
	struct report r;
	uint64_t first;
	snprintf(object, sizeof(object), "report:%lld", (long long)c->id);
	struct journal_act act = { .act = "intake",
				   .actor = STR("node"),
				   .object = str_of(object),
				   .body = c->canary ? STR("{\"words\":\"" CANARY "\"}") : STR("") };
	enum rc rc = report_load(tx_conn(tx), c->id, &r, e);
	r.state = REPORT_DONE;
	if (rc == RC_OK)
		rc = quarantine_commit(tx, &r, c->b, e);
	if (rc == RC_OK)
		rc = event_chunk_commit(tx, c->chunk, &first, e);
	if (rc == RC_OK)
		rc = report_save(tx, &r, e);
	return rc == RC_OK ? journal_add(tx, c->w->j, &act, e) : rc;
}

/* A report, some of it in quarantine, a line in the journal. */
static int64_t commit(struct world *w, str head, size_t more, uint32_t rejects, str bad)
{
	struct commit c = { .w = w, .id = deliver(w, head, more, 7 + more), .b = batch_new(),
			    .canary = str_find(head, STR(CANARY)) < head.n };
	struct report r;
	struct reader *view;
	for (uint32_t i = 0; i < 600; i++) {
		batch_row_begin(c.b, i + 1, i, 1, i + 1);
		batch_set_text(c.b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("scanner"));
		CHECK_RC(batch_row_end(c.b, &err), RC_OK, err);
	}
	for (uint32_t i = 0; i < rejects; i++)
		batch_reject(c.b, REJECT_FIELD, i + 1, i, bad, i, "no field: " STR_FMT, STR_ARG(bad));
	CHECK_RC(store_read_begin(w->s, &view, &err), RC_OK, err);
	CHECK_RC(report_load(reader_conn(view), c.id, &r, &err), RC_OK, err);
	store_read_end(view);
	CHECK_RC(event_chunk_new(c.b, &r, NULL, &c.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(w->s, commit_job, &c, &err), RC_OK, err);
	event_chunk_free(c.chunk);
	batch_free(c.b);
	return c.id;
}

static void fill(struct world *w)
{
	commit(w, STR("one"), 300000, 0, STR(""));
	/* large enough for a frame of its own (small ones: pack_test.c) */
	w->report = commit(w, STR("time,ip\n2026-11-20," CANARY "\n"), 5000, 250, STR("x," CANARY));
	commit(w, STR("three"), 700000, 3, STR("no canary"));
	struct journal_act act = { .act = "export",
				   .actor = STR("unix:0"),
				   .object = STR("findings"),
				   .body = STR("{\"q\":\"" CANARY "\"}") };
	CHECK_RC(journal_write(w->j, &act, &err), RC_OK, err);
	for (int i = 0; i < 40; i++) { /* so that pages are split and moved */
		act.body = STR("{\"q\":\"nothing at all, but long enough that it takes some room\"}");
		CHECK_RC(journal_write(w->j, &act, &err), RC_OK, err);
	}
}

static struct world filled(void)
{
	struct world w = { .d = test_dir_new() };
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	open_at(&w, w.d.path);
	fill(&w);
	return w;
}

static void ended(struct world *w)
{
	close_it(w);
	test_dir_end(&w->d);
}

/* --- erasing --- */

struct asking {
	struct world *w;
	const char *object, *why;
	int64_t id;
};

static enum rc ask_job(struct tx *tx, void *ctx, struct err *e)
{
	struct asking *a = ctx;
	return erase_begin(tx, a->w->x, str_of(a->object), str_of(a->why), STR("unix:7"), &a->id, e);
}

static enum rc ask(struct world *w, const char *object, int64_t *id_out)
{
	struct asking a = { .w = w, .object = object, .why = "asked for by law" };
	enum rc rc = store_write(w->s, ask_job, &a, &err);
	if (id_out)
		*id_out = a.id;
	return rc;
}

/* Until nothing more can be done now; the number of those under way. */
static size_t work(struct world *w, struct erasing *last, struct arena *a)
{
	bool did = true;
	struct reader *r;
	struct erasing *list;
	size_t n;
	for (int i = 0; did && i < 1000; i++)
		CHECK_RC(erase_work(w->x, &did, &err), RC_OK, err);
	CHECK(!did);
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(erase_list(reader_conn(r), false, a, &list, &n, &err), RC_OK, err);
	store_read_end(r);
	if (n)
		*last = list[0];
	return n;
}

static void say(void *ctx, const char *sentence)
{
	printf("# %s: %s\n", (const char *)ctx, sentence);
}

static void check_sound(struct world *w, const char *where)
{
	struct verify_result v;
	struct journal_check k;
	struct reader *r;
	char ctx[128];
	snprintf(ctx, sizeof(ctx), "%s", where);
	CHECK_RC(store_verify(w->s, say, ctx, NULL, &v, &err), RC_OK, err);
	CHECK_MSG(v.damaged == 0, "%s: damaged", where);
	CHECK_MSG(v.rows == 1800, "%s: %llu events", where, (unsigned long long)v.rows);
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(journal_verify(reader_conn(r), STR_NONE, &k, &err), RC_OK, err);
	CHECK_MSG(k.first_bad == 0, "%s: line %llu: %s", where, (unsigned long long)k.first_bad,
		  k.words);
	store_read_end(r);
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

/* The line "export" of fill(). */
static const char *the_line(struct world *w, char text[32])
{
	snprintf(text, 32, "journal:%lld",
		 (long long)number(w, "SELECT min(number) FROM journal WHERE act = 'export'"));
	return text;
}

TEST(no_byte_of_it_is_left)
{
	struct world w = filled();
	struct arena *a = arena_new(KIB(4));
	struct erasing last;
	char where[512], line[32];
	/* it was everywhere, or this test could not fail */
	int before = files_that_hold(w.d.path, CANARY, where);
	CHECK_MSG(before >= 2, "%d files", before);
	CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
	CHECK_RC(ask(&w, the_line(&w, line), NULL), RC_OK, err);
	CHECK_RC(ask(&w, "report:2", NULL), RC_CONFLICT, err);
	CHECK_INT(work(&w, &last, a), 0);
	int after = files_that_hold(w.d.path, CANARY, where);
	CHECK_MSG(after == 0, "%d files, as %s", after, where);
	check_sound(&w, "afterwards");
	CHECK_INT(number(&w, "SELECT count(*) FROM raw WHERE report = 2"), 0);
	CHECK_INT(number(&w, "SELECT count(*) FROM raw WHERE report <> 2"), 5);
	CHECK_INT(number(&w, "SELECT count(*) FROM quarantine"), 3);
	CHECK_INT(number(&w, "SELECT count(*) FROM erasing_file"), 0);
	CHECK_INT(number(&w, "SELECT count(*) FROM journal WHERE act = 'erase.done'"), 2);
	CHECK_INT(number(&w, "SELECT count(*) FROM journal WHERE salt IS NULL"), 2);
	/* its bytes are gone for readers too, those of the others are not */
	struct raw_reader *raw;
	CHECK_RC(raw_open(w.s, 2, &raw, &err), RC_ABSENT, err);
	CHECK_RC(raw_open(w.s, 3, &raw, &err), RC_OK, err);
	raw_close(raw);
	/* what is gone cannot be erased again, a line that says so neither */
	CHECK_RC(ask(&w, the_line(&w, line), NULL), RC_CONFLICT, err);
	snprintf(line, sizeof(line), "journal:%lld",
		 (long long)number(&w, "SELECT max(number) FROM journal WHERE act = 'erase'"));
	CHECK_RC(ask(&w, line, NULL), RC_DENIED, err);
	/* a report again: nothing is there any more, and that is fine */
	CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
	CHECK_INT(work(&w, &last, a), 0);
	check_sound(&w, "a second time");
	arena_free(a);
	ended(&w);
}

static enum rc hold_job(struct tx *tx, void *ctx, struct err *e)
{
	int64_t id;
	return hold_set(tx, str_of(ctx), STR("court order"), STR("unix:0"), &id, e);
}

static enum rc lift_job(struct tx *tx, void *ctx, struct err *e)
{
	return hold_lift(tx, *(int64_t *)ctx, STR("unix:0"), e);
}

TEST(what_cannot_be_erased)
{
	struct world w = filled();
	static const struct {
		const char *object;
		enum rc rc;
	} rows[] = { { "report:99", RC_ABSENT }, { "report:x", RC_INPUT }, { "report:", RC_INPUT },
		     { "journal:0", RC_ABSENT }, { "journal:-1", RC_INPUT }, { "", RC_INPUT },
		     { "node:1", RC_INPUT },     { "report", RC_INPUT } };
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_MSG(ask(&w, rows[i].object, NULL) == rows[i].rc, "'%s': %s", rows[i].object,
			  err.text);
	static const char *const whys[] = { "", "two\nlines" };
	for (size_t i = 0; i < COUNT_OF(whys); i++) {
		struct asking a = { .w = &w, .object = "report:2", .why = whys[i] };
		CHECK_RC(store_write(w.s, ask_job, &a, &err), RC_INPUT, err);
	}
	int64_t hold = 1;
	char day[32], text[16];
	time_day_str(text, clock_now_us());
	snprintf(day, sizeof(day), "day %s", text);
	CHECK_RC(store_write(w.s, hold_job, "report 2", &err), RC_OK, err);
	CHECK_RC(ask(&w, "report:2", NULL), RC_DENIED, err);
	CHECK_RC(store_write(w.s, lift_job, &hold, &err), RC_OK, err);
	CHECK_RC(store_write(w.s, hold_job, day, &err), RC_OK, err);
	CHECK_RC(ask(&w, "report:2", NULL), RC_DENIED, err);
	hold = 2;
	CHECK_RC(store_write(w.s, lift_job, &hold, &err), RC_OK, err);
	int64_t unread = deliver(&w, STR("not parsed yet"), 0, 1);
	char object[32];
	snprintf(object, sizeof(object), "report:%lld", (long long)unread);
	CHECK_RC(ask(&w, object, NULL), RC_BUSY, err);
	CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
	ended(&w);
}

TEST(it_waits_for_who_still_reads_or_delivers)
{
	struct world w = filled();
	struct arena *a = arena_new(KIB(16));
	struct erasing last = { 0 };
	struct reader *old;
	struct raw_intake *in;
	struct report r = { .feed = 1 };
	bool known;
	char where[512], object[32];
	static char part[600000];
	memset(part, 'p', sizeof(part));
	random_bytes(part, sizeof(part) / 2); /* some of it cannot be packed */
	/* a delivery that has parts in the file, named by nobody yet */
	CHECK_RC(raw_begin(w.s, &in, &err), RC_OK, err);
	CHECK_RC(raw_add(in, str_mem(part, sizeof(part)), &err), RC_OK, err);
	CHECK_RC(store_read_begin(w.s, &old, &err), RC_OK, err);
	CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
	CHECK_RC(ask(&w, the_line(&w, object), NULL), RC_OK, err);
	/* a backup */
	CHECK(store_take_files(w.s));
	CHECK_INT(work(&w, &last, a), 2);
	store_give_files(w.s);
	CHECK_INT(work(&w, &last, a), 2);
	CHECK_STR(last.words, STR("waits for a reader that began before"));
	struct reader *now;
	struct erasing first;
	CHECK_RC(store_read_begin(w.s, &now, &err), RC_OK, err);
	CHECK_RC(erase_get(reader_conn(now), 1, a, &first, &err), RC_OK, err);
	CHECK_INT(first.step, ERASE_FILES);
	CHECK_STR(first.words, STR("a report of that day is coming in"));
	store_read_end(now);
	/* others that begin now do not keep it */
	struct raw_intake *later;
	CHECK_RC(raw_begin(w.s, &later, &err), RC_OK, err);
	CHECK_RC(report_received(in, &r, &known, &err), RC_OK, err);
	CHECK_INT(work(&w, &last, a), 2);
	CHECK_RC(store_read_begin(w.s, &now, &err), RC_OK, err);
	CHECK_RC(erase_get(reader_conn(now), 1, a, &first, &err), RC_OK, err);
	CHECK_INT(first.step, ERASE_LOG);
	store_read_end(now);
	/* the old view still reads what it could read */
	struct sql *q = sql(reader_conn(old), "SELECT day, number, offset, bytes FROM raw"
					      " WHERE report = 1 AND part = 0");
	struct place at = { 0 };
	struct buf frame = BUF_INIT(MIB(1));
	CHECK(sql_row(q));
	at = (struct place){ .day = (int32_t)sql_col_int(q, 0),
			     .number = (uint32_t)sql_col_int(q, 1),
			     .offset = (uint64_t)sql_col_int(q, 2),
			     .bytes = (uint32_t)sql_col_int(q, 3) };
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	CHECK_RC(reader_frame(old, SEGMENT_RAW, &at, &frame, &err), RC_OK, err);
	buf_free(&frame);
	store_read_end(old);
	CHECK_INT(work(&w, &last, a), 0);
	CHECK_INT(files_that_hold(w.d.path, CANARY, where), 0);
	raw_abort(later);
	/* the delivery that came meanwhile is whole */
	struct digest d = sha256(str_mem(part, sizeof(part)));
	CHECK(memcmp(&d, &r.digest, sizeof(d)) == 0);
	check_sound(&w, "after waiting");
	arena_free(a);
	ended(&w);
}

/* A report is being read part by part while its file is rewritten for another. */
TEST(a_report_is_read_on_while_its_file_moves)
{
	struct world w = filled();
	struct arena *a = arena_new(KIB(16));
	struct erasing last;
	struct raw_reader *raw;
	static char piece[65536];
	uint64_t bytes = 0;
	CHECK_RC(raw_open(w.s, 3, &raw, &err), RC_OK, err);
	for (long n; (n = raw_read(raw, piece, sizeof(piece))) > 0;) {
		if (bytes == 0) {
			CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
			CHECK_INT(work(&w, &last, a), 0);
		}
		bytes += (uint64_t)n;
	}
	CHECK_MSG(bytes == 700005, "%llu bytes: %s", (unsigned long long)bytes, raw_error(raw)->text);
	raw_close(raw);
	arena_free(a);
	ended(&w);
}

TEST(a_damaged_neighbour_is_told)
{
	struct world w = filled();
	struct arena *a = arena_new(KIB(16));
	struct erasing last = { 0 };
	char path[512], day[16], name[64];
	int64_t at = number(&w, "SELECT offset FROM raw WHERE report = 1 AND part = 0");
	time_day_str(day, clock_now_us());
	snprintf(name, sizeof(name), "raw/%s.seg", day);
	int fd = open(test_dir_in(&w.d, path, name), O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0 && pwrite(fd, "damage", 6, at + 100) == 6);
	close(fd);
	CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
	CHECK_INT(work(&w, &last, a), 1);
	CHECK_INT(last.step, ERASE_FILES);
	CHECK_STR(last.words, STR("the checksum of the frame is wrong"));
	arena_free(a);
	ended(&w);
}

/* --- events of a report that was undone --- */

enum { SMALL = 30 };

static void add_event(struct batch *b, uint32_t i, const char *host)
{
	batch_row_begin(b, i + 1, i, 1, i + 1);
	batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, STR("phishing"));
	batch_set_text(b, FIELD_SOURCE_FQDN, STR_NONE, str_of(host));
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
}

/* Reports of few events: sealed together they share a chunk. */
static int64_t small_report(struct world *w, int n, const char *host)
{
	char bytes[64];
	snprintf(bytes, sizeof(bytes), "small %d", n);
	struct commit c = { .w = w, .id = deliver(w, str_of(bytes), 0, 1), .b = batch_new() };
	struct report r;
	struct reader *view;
	for (uint32_t i = 0; i < 300; i++)
		add_event(c.b, i, i % 100 == 99 ? host : "h.example.org");
	CHECK_RC(store_read_begin(w->s, &view, &err), RC_OK, err);
	CHECK_RC(report_load(reader_conn(view), c.id, &r, &err), RC_OK, err);
	store_read_end(view);
	CHECK_RC(event_chunk_new(c.b, &r, NULL, &c.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(w->s, commit_job, &c, &err), RC_OK, err);
	event_chunk_free(c.chunk);
	batch_free(c.b);
	return c.id;
}

static enum rc undo_job(struct tx *tx, void *ctx, struct err *e)
{
	struct report r;
	enum rc rc = report_load(tx_conn(tx), *(int64_t *)ctx, &r, e);
	r.state = REPORT_UNDONE;
	return rc == RC_OK ? report_save(tx, &r, e) : rc;
}

struct seen {
	uint64_t sum, events;
};

static bool see(void *ctx, const struct event_row *e)
{
	struct seen *s = ctx;
	s->sum += e->seq * (uint64_t)(e->report + 1);
	s->events++;
	return true;
}

static struct seen all_events(struct world *w)
{
	struct seen s = { 0 };
	struct reader *r;
	struct event_query q = { .tlp_mask = UINT32_MAX, .exercise = true };
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(events_scan(r, &q, see, &s, &err), RC_OK, err);
	store_read_end(r);
	return s;
}

TEST(events_that_were_undone_go_too)
{
	struct world w = { .d = test_dir_new() };
	struct arena *a = arena_new(KIB(16));
	struct erasing last;
	int64_t id[SMALL];
	char where[512], object[32];
	bool did = true;
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	open_at(&w, w.d.path);
	for (int i = 0; i < SMALL; i++) /* of each third one the name stands in the clear */
		id[i] = small_report(&w, i, i % 3 == 1 ? "Canary-7f3a-of-Someone.example.org"
						       : "other.example.org");
	/* two chunks are sealed, the rest is still in the tail */
	for (int i = 0; did && i < 9; i++)
		CHECK_RC(events_seal(w.s, NULL, &did, &err), RC_OK, err);
	CHECK(number(&w, "SELECT count(*) FROM chunk WHERE report = 0") >= 2);
	CHECK(number(&w, "SELECT count(*) FROM tail") > 2);
	/* still counted: they stay */
	snprintf(object, sizeof(object), "report:%lld", (long long)id[1]);
	CHECK_RC(ask(&w, object, NULL), RC_OK, err);
	CHECK_INT(work(&w, &last, a), 0);
	CHECK_INT(all_events(&w).events, SMALL * 300);
	for (int i = 1; i < SMALL; i += 3)
		CHECK_RC(store_write(w.s, undo_job, &id[i], &err), RC_OK, err);
	struct seen before = all_events(&w);
	CHECK_INT(before.events, SMALL * 200);
	for (int i = 1; i < SMALL; i += 3) {
		snprintf(object, sizeof(object), "report:%lld", (long long)id[i]);
		CHECK_RC(ask(&w, object, NULL), RC_OK, err);
	}
	CHECK_INT(work(&w, &last, a), 0);
	/* what is there is what was there, with its numbers; nothing else is left on disk */
	struct seen after = all_events(&w);
	CHECK_INT(after.events, before.events);
	CHECK(after.sum == before.sum);
	CHECK_INT(number(&w, "SELECT (SELECT coalesce(sum(rows), 0) FROM chunk)"
			     " + (SELECT coalesce(sum(rows), 0) FROM tail)"),
		  SMALL * 200);
	struct verify_result v;
	CHECK_RC(store_verify(w.s, say, "undone", NULL, &v, &err), RC_OK, err);
	CHECK_INT(v.damaged, 0);
	CHECK_INT(v.rows, SMALL * 200);
	CHECK_INT(files_that_hold(w.d.path, "Canary-7f3a", where), 0);
	/* and the other ones seal on */
	for (did = true; did;)
		CHECK_RC(events_seal(w.s, NULL, &did, &err), RC_OK, err);
	CHECK(all_events(&w).sum == before.sum);
	arena_free(a);
	ended(&w);
}

/* --- cut short --- */

static void check_after(struct world *w, const char *path, const char *where)
{
	struct arena *a = arena_new(KIB(4));
	struct erasing last = { 0 };
	char held_by[512], line[32];
	struct world again = { .d = w->d };
	open_at(&again, path);
	if (number(&again, "SELECT count(*) FROM erasing WHERE object = 'report:2'") == 0)
		CHECK_RC(ask(&again, "report:2", NULL), RC_OK, err);
	if (number(&again, "SELECT count(*) FROM erasing WHERE object LIKE 'journal:%'") == 0)
		CHECK_RC(ask(&again, the_line(&again, line), NULL), RC_OK, err);
	size_t left = work(&again, &last, a);
	CHECK_MSG(left == 0, "%s: %zu under way, %s: " STR_FMT, where, left,
		  erase_step_name(last.step), STR_ARG(last.words));
	CHECK_MSG(files_that_hold(path, CANARY, held_by) == 0, "%s: in %s", where, held_by);
	CHECK_INT(number(&again, "SELECT count(*) FROM journal WHERE act = 'erase.done'"), 2);
	check_sound(&again, where);
	close_it(&again);
	arena_free(a);
}

#ifdef RONDA_SANITIZED
enum { STRIDE = 3 };
#else
enum { STRIDE = 1 };
#endif

TEST(power_cuts_while_erasing)
{
	struct test_dir cut = test_dir_new();
	struct world w = { .d = test_dir_new() };
	struct io_trace *t = io_trace_begin(w.d.path);
	struct arena *a = arena_new(KIB(4));
	struct erasing last;
	char line[32];
	CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
	open_at(&w, w.d.path);
	fill(&w);
	size_t from = io_trace_events(t), cuts = 0;
	CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
	CHECK_RC(ask(&w, the_line(&w, line), NULL), RC_OK, err);
	CHECK_INT(work(&w, &last, a), 0);
	size_t until = io_trace_events(t);
	close_it(&w);
	io_trace_stop(t);
	for (size_t n = from; n <= until && test_failures < 20; n += STRIDE, cuts++) {
		char path[512], where[64];
		enum io_cut how = (enum io_cut)(n / STRIDE % IO_CUTS);
		snprintf(where, sizeof(where), "event %zu, kind %u", n - from, (unsigned)how);
		test_dir_in(&cut, path, "store");
		CHECK_RC(io_trace_rebuild(t, n, how, n, path, &err), RC_OK, err);
		check_after(&w, path, where);
		test_dir_remove_path(path);
	}
	printf("# %zu cuts in %zu events\n", cuts, until - from);
	io_trace_free(t);
	arena_free(a);
	test_dir_end(&cut);
	test_dir_end(&w.d);
}

/* A call to the machine fails once: it is listed until it ended, here or after a start. */
TEST(calls_fail_while_erasing)
{
	size_t rounds = 0;
	bool failed = true;
	for (uint64_t n = 1; failed && n < 2000 && test_failures < 20; n += 4 * STRIDE, rounds++) {
		struct world w = { .d = test_dir_new() };
		struct io_trace *t = io_trace_begin(w.d.path);
		bool did = true;
		char where[64];
		CHECK_RC(store_create(w.d.path, "Team B", "ID", &err), RC_OK, err);
		open_at(&w, w.d.path);
		fill(&w);
		CHECK_RC(ask(&w, "report:2", NULL), RC_OK, err);
		io_trace_fail(t, n, rounds % 2 ? EIO : ENOSPC, false);
		for (int i = 0; did && i < 50; i++)
			if (erase_work(w.x, &did, &err) != RC_OK)
				break;
		failed = io_trace_failed(t);
		close_it(&w);
		io_trace_stop(t);
		snprintf(where, sizeof(where), "call %llu", (unsigned long long)n);
		check_after(&w, w.d.path, where);
		io_trace_free(t);
		test_dir_end(&w.d);
	}
	printf("# %zu calls failed\n", rounds);
	CHECK(rounds > 5);
}

TEST_MAIN(TEST_RUN(no_byte_of_it_is_left), TEST_RUN(what_cannot_be_erased),
	  TEST_RUN(it_waits_for_who_still_reads_or_delivers),
	  TEST_RUN(a_report_is_read_on_while_its_file_moves), TEST_RUN(a_damaged_neighbour_is_told),
	  TEST_RUN(events_that_were_undone_go_too),
	  TEST_RUN(power_cuts_while_erasing), TEST_RUN(calls_fail_while_erasing))
