/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "store/chunk.h"
#include "store/pack_private.h"
#include "store/rewrite.h"
#include "store/upkeep_private.h"

/* One transaction takes at most this much, so that nobody waits for it long. */
enum { SLICE_ROWS = 200, REFS_FIRST = 256 };
#define SLICE_BYTES MIB(4)

/* A frame that a row names. */
struct ref {
	int64_t report;
	int64_t part; /* raw: the part; events: first_seq; a frame of several: its first */
	uint32_t rows;
	struct place at;
	bool held;
	bool shared; /* a frame of several reports: what is held was taken out of it */
};

struct refs {
	struct ref *ref;
	size_t n, room;
	size_t held;
};

struct forgetting {
	struct store *s;
	struct arena *a;
	struct held *hold;
	size_t holds;
	int64_t *org_chunk; /* first_seq of chunks that concern a held organisation, ascending */
	size_t org_chunks, org_room;
	int64_t chunk_from, chunk_until; /* of the last one found */
	struct reader *scan;
	bool dry;
	struct forget_result *out;
	struct buf frame;
};

/* --- what is held --- */

static bool holds_id(const struct forgetting *f, enum hold_kind kind, int64_t id)
{
	for (size_t i = 0; i < f->holds; i++)
		if (f->hold[i].kind == kind && f->hold[i].id == id)
			return true;
	return false;
}

static bool holds_any(const struct forgetting *f, enum hold_kind kind)
{
	for (size_t i = 0; i < f->holds; i++)
		if (f->hold[i].kind == kind)
			return true;
	return false;
}

static void find_chunk(struct forgetting *f, struct sql *q, uint64_t seq)
{
	sql_int(q, 1, (int64_t)seq);
	if (sql_row(q) && sql_col_int(q, 0) + sql_col_int(q, 1) > (int64_t)seq) {
		f->chunk_from = sql_col_int(q, 0);
		f->chunk_until = f->chunk_from + sql_col_int(q, 1);
	}
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static void add_held_chunk(struct forgetting *f)
{
	if (f->org_chunks == f->org_room) {
		f->org_room = f->org_room ? 2 * f->org_room : REFS_FIRST;
		f->org_chunk = x_grow(f->org_chunk, f->org_room, sizeof(*f->org_chunk));
	}
	f->org_chunk[f->org_chunks++] = f->chunk_from;
}

/* Notes the chunk (or piece of the tail) the event stands in. */
static bool note_org_event(void *ctx, const struct event_row *e)
{
	struct forgetting *f = ctx;
	if ((int64_t)e->seq >= f->chunk_from && (int64_t)e->seq < f->chunk_until)
		return true;
	struct conn *c = reader_conn(f->scan);
	f->chunk_from = f->chunk_until = 0;
	struct sql *q = sql(c, "SELECT first_seq, rows FROM chunk WHERE first_seq <= ?"
			       " ORDER BY first_seq DESC LIMIT 1");
	find_chunk(f, q, e->seq);
	(void)!sql_end(q, NULL);
	if (!f->chunk_until) {
		q = sql(c, "SELECT first_seq, rows FROM tail WHERE first_seq <= ?"
			   " ORDER BY first_seq DESC LIMIT 1");
		find_chunk(f, q, e->seq);
		(void)!sql_end(q, NULL);
	}
	if (!f->chunk_until)
		f->chunk_from = (int64_t)e->seq;
	add_held_chunk(f);
	return true;
}

static enum rc find_org_chunks(struct forgetting *f, struct err *err)
{
	enum rc rc = store_read_begin(f->s, &f->scan, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < f->holds && rc == RC_OK; i++) {
		if (f->hold[i].kind != HOLD_ORG)
			continue;
		struct event_filter org = { .field = FIELD_RONDA_CONCERNS,
					    .op = FILTER_ORG,
					    .number = f->hold[i].id };
		struct event_query q = { .filters = &org,
					 .filter_count = 1,
					 .tlp_mask = UINT32_MAX,
					 .exercise = true,
					 .oldest_first = true };
		f->chunk_from = f->chunk_until = 0;
		rc = events_scan(f->scan, &q, note_org_event, f, err);
	}
	store_read_end(f->scan);
	if (f->org_chunks)
		qsort(f->org_chunk, f->org_chunks, sizeof(*f->org_chunk), by_number);
	return rc;
}

/* Single events are held with the chunk, or the piece of the tail, they stand in. */
static enum rc find_event_chunks(struct forgetting *f, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(f->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT DISTINCT max(coalesce((SELECT max(first_seq) FROM chunk"
					    " WHERE first_seq <= h.seq), 0), coalesce((SELECT max(first_seq)"
					    " FROM tail WHERE first_seq <= h.seq), 0)) FROM held h"
					    " WHERE h.seq > 0");
	while (sql_row(q)) {
		f->chunk_from = sql_col_int(q, 0);
		add_held_chunk(f);
	}
	rc = sql_end(q, err);
	store_read_end(r);
	if (f->org_chunks)
		qsort(f->org_chunk, f->org_chunks, sizeof(*f->org_chunk), by_number);
	return rc;
}

/* Whether rows of a held report stand in a chunk of several. */
static enum rc chunk_is_held(struct forgetting *f, str bytes, bool *held_out, struct err *err)
{
	struct chunk chunk;
	const int64_t *report;
	struct arena *a = arena_new(KIB(64));
	enum rc rc = chunk_open(&chunk, bytes, a, NULL, err);
	if (rc == RC_OK)
		rc = chunk_numbers(&chunk, COLUMN_REPORT, 0, &report, err);
	for (uint32_t i = 0; rc == RC_OK && i < chunk.rows && !*held_out; i++)
		*held_out = holds_id(f, HOLD_REPORT, report[i]);
	arena_free(a);
	return rc;
}

static enum rc events_are_held(struct forgetting *f, struct reader *r, struct ref *ref,
			       struct err *err)
{
	ref->held = holds_id(f, HOLD_REPORT, ref->report) ||
		    (f->org_chunks && bsearch(&ref->part, f->org_chunk, f->org_chunks,
					      sizeof(*f->org_chunk), by_number));
	if (ref->held || ref->report || !holds_any(f, HOLD_REPORT))
		return RC_OK;
	buf_reset(&f->frame);
	enum rc rc = reader_frame(r, SEGMENT_EVENTS, &ref->at, &f->frame, err);
	return rc == RC_OK ? chunk_is_held(f, buf_str(&f->frame), &ref->held, err) : rc;
}

/* --- what there is of a day --- */

static struct ref *new_ref(struct refs *l)
{
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : REFS_FIRST;
		l->ref = x_grow(l->ref, l->room, sizeof(*l->ref));
	}
	return &l->ref[l->n++];
}

static enum rc list_raw(struct forgetting *f, struct reader *r, int32_t day, struct refs *l,
			struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT report, part, number, offset, bytes FROM raw"
					    " WHERE day = ? ORDER BY report, part");
	sql_int(q, 1, day);
	while (sql_row(q)) {
		struct ref *ref = new_ref(l);
		*ref = (struct ref){ .report = sql_col_int(q, 0),
				     .part = sql_col_int(q, 1),
				     .at = { .day = day,
					     .number = (uint32_t)sql_col_int(q, 2),
					     .offset = (uint64_t)sql_col_int(q, 3),
					     .bytes = (uint32_t)sql_col_int(q, 4) } };
		ref->held = holds_id(f, HOLD_REPORT, ref->report);
		l->held += ref->held;
	}
	return sql_end(q, err);
}

static enum rc list_frames(struct reader *r, int32_t day, struct refs *l, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT first, number, offset, bytes FROM raw_frame"
					    " WHERE day = ? ORDER BY first");
	sql_int(q, 1, day);
	while (sql_row(q))
		*new_ref(l) = (struct ref){ .part = sql_col_int(q, 0),
					    .shared = true,
					    .at = { .day = day,
						    .number = (uint32_t)sql_col_int(q, 1),
						    .offset = (uint64_t)sql_col_int(q, 2),
						    .bytes = (uint32_t)sql_col_int(q, 3) } };
	return sql_end(q, err);
}

/* Bytes that wait in main.db to be put into a frame. */
static enum rc list_raw_tail(struct forgetting *f, struct reader *r, int32_t day, struct refs *l,
			     struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT report, length(body) FROM raw_tail"
					    " WHERE day = ?");
	sql_int(q, 1, day);
	while (sql_row(q)) {
		struct ref *ref = new_ref(l);
		*ref = (struct ref){ .report = sql_col_int(q, 0),
				     .at = { .bytes = (uint32_t)sql_col_int(q, 1) } };
		ref->held = holds_id(f, HOLD_REPORT, ref->report);
		l->held += ref->held;
	}
	return sql_end(q, err);
}

static enum rc list_events(struct forgetting *f, struct reader *r, int32_t day, struct refs *l,
			   struct err *err)
{
	enum rc rc = RC_OK;
	struct sql *q = sql(reader_conn(r), "SELECT report, first_seq, number, offset, bytes, rows"
					    " FROM chunk WHERE day = ? ORDER BY first_seq");
	sql_int(q, 1, day);
	while (rc == RC_OK && sql_row(q)) {
		struct ref *ref = new_ref(l);
		*ref = (struct ref){ .report = sql_col_int(q, 0),
				     .part = sql_col_int(q, 1),
				     .rows = (uint32_t)sql_col_int(q, 5),
				     .at = { .day = day,
					     .number = (uint32_t)sql_col_int(q, 2),
					     .offset = (uint64_t)sql_col_int(q, 3),
					     .bytes = (uint32_t)sql_col_int(q, 4) } };
		rc = events_are_held(f, r, ref, err);
		l->held += ref->held;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	return rc == RC_OK ? end : rc;
}

/* Pieces of the tail: of one report each, with no frame of their own. */
static enum rc list_tail(struct forgetting *f, struct reader *r, int32_t day, struct refs *l,
			 struct err *err)
{
	struct sql *q =
		sql(reader_conn(r), "SELECT report, first_seq, rows FROM tail WHERE day = ?");
	sql_int(q, 1, day);
	while (sql_row(q)) {
		struct ref *ref = new_ref(l);
		*ref = (struct ref){ .report = sql_col_int(q, 0),
				     .part = sql_col_int(q, 1),
				     .rows = (uint32_t)sql_col_int(q, 2) };
		ref->held = holds_id(f, HOLD_REPORT, ref->report) ||
			    (f->org_chunks && bsearch(&ref->part, f->org_chunk, f->org_chunks,
						      sizeof(*f->org_chunk), by_number));
		l->held += ref->held;
	}
	return sql_end(q, err);
}

struct day {
	int32_t day;
	bool busy; /* a report of it is still being read */
	struct refs raw, events, tail, raw_tail;
};

static enum rc list_day(struct forgetting *f, struct day *d, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(f->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM report WHERE state = 1"
					    " AND received_us >= ? AND received_us < ?");
	sql_int(q, 1, d->day * DAY_US);
	sql_int(q, 2, (d->day + 1) * DAY_US);
	d->busy = sql_row(q);
	rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = list_raw(f, r, d->day, &d->raw, err);
	if (rc == RC_OK)
		rc = list_frames(r, d->day, &d->raw, err);
	if (rc == RC_OK)
		rc = list_raw_tail(f, r, d->day, &d->raw_tail, err);
	if (rc == RC_OK)
		rc = list_events(f, r, d->day, &d->events, err);
	if (rc == RC_OK)
		rc = list_tail(f, r, d->day, &d->tail, err);
	store_read_end(r);
	return rc;
}

static void hold_all(struct refs *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->ref[i].held = true;
	l->held = l->n;
}

static void count(struct forgetting *f, const struct day *d)
{
	const struct refs *both[] = { &d->events, &d->tail };
	const struct refs *raw[] = { &d->raw, &d->raw_tail };
	for (size_t k = 0; k < COUNT_OF(raw); k++)
		for (size_t i = 0; i < raw[k]->n; i++)
			if (!raw[k]->ref[i].held)
				f->out->raw_bytes += raw[k]->ref[i].at.bytes;
	for (size_t k = 0; k < COUNT_OF(both); k++)
		for (size_t i = 0; i < both[k]->n; i++)
			*(both[k]->ref[i].held ? &f->out->held_events : &f->out->events) +=
				both[k]->ref[i].rows;
}

/* --- jobs --- */

struct slice {
	struct forgetting *f;
	enum segment which;
	int32_t day;
	struct refs *l;
	size_t from, until;
	bool start_new, tail;
	uint32_t number;
	bool retired;
};

static enum rc run_job(struct store *s, store_job_fn fn, void *ctx, size_t bytes, struct err *err)
{
	/* what makes room may use the room that is kept back */
	struct store_job job = { .fn = fn, .ctx = ctx, .bytes = bytes, .use_reserve = true };
	store_submit(s, &job);
	return store_wait(s, &job, err);
}

static enum rc name_anew(struct tx *tx, enum segment which, const struct ref *ref,
			 const struct place *at, struct err *err)
{
	struct sql *q =
		which == SEGMENT_RAW
			? sql(tx_conn(tx), "UPDATE raw SET number = ?, offset = ?, bytes = ?"
					   " WHERE part = ? AND report = ?")
			: sql(tx_conn(tx), "UPDATE chunk SET number = ?, offset = ?, bytes = ?"
					   " WHERE first_seq = ?");
	sql_int(q, 1, at->number);
	sql_int(q, 2, (int64_t)at->offset);
	sql_int(q, 3, at->bytes);
	sql_int(q, 4, ref->part);
	if (which == SEGMENT_RAW)
		sql_int(q, 5, ref->report);
	return sql_run(q, err);
}

/* Copies held frames to the newest file of the day and lets their rows name it. */
static enum rc copy_held(struct tx *tx, void *ctx, struct err *err)
{
	struct slice *s = ctx;
	struct io_file *file = NULL;
	uint32_t number = 0;
	char name[SEGMENT_NAME];
	enum rc rc = RC_OK;
	if (s->start_new)
		rc = segments_start_new(tx->segments, tx->c, s->which, s->day, err);
	for (size_t i = s->from; i < s->until && rc == RC_OK; i++) {
		const struct ref *ref = &s->l->ref[i];
		struct place at;
		if (!ref->held)
			continue;
		if (!file || number != ref->at.number) {
			io_close(file);
			file = NULL;
			number = ref->at.number;
			rc = io_open(segment_dir(tx->s, s->which),
				     segment_file_name(s->day, number, name), IO_READ, &file, err);
		}
		buf_reset(&s->f->frame);
		if (rc == RC_OK)
			rc = frame_read(file, s->which, &ref->at, &s->f->frame, err);
		if (rc == RC_OK)
			rc = tx_append(tx, s->which, s->day, buf_str(&s->f->frame), &at, err);
		if (rc == RC_OK)
			rc = name_anew(tx, s->which, ref, &at, err);
	}
	io_close(file);
	return rc;
}

static enum rc drop_row(struct tx *tx, const struct slice *s, const struct ref *ref,
			struct err *err)
{
	struct conn *c = tx_conn(tx);
	bool raw = s->which == SEGMENT_RAW, of_one = raw && !ref->shared;
	struct sql *q = s->tail && raw ? sql(c, "DELETE FROM raw_tail WHERE report = ?2 AND ?1 = 0")
			: s->tail      ? sql(c, "DELETE FROM tail WHERE first_seq = ?")
			: !raw         ? sql(c, "DELETE FROM chunk WHERE first_seq = ?")
			: ref->shared  ? sql(c, "DELETE FROM raw_frame WHERE first = ?")
				       : sql(c, "DELETE FROM raw WHERE part = ? AND report = ?");
	sql_int(q, 1, ref->part);
	if (of_one)
		sql_int(q, 2, ref->report);
	return sql_run(q, err);
}

static enum rc drop_rows(struct tx *tx, void *ctx, struct err *err)
{
	struct slice *s = ctx;
	enum rc rc = RC_OK;
	for (size_t i = s->from; i < s->until && rc == RC_OK; i++)
		if (!s->l->ref[i].held)
			rc = drop_row(tx, s, &s->l->ref[i], err);
	return rc;
}

/* The file may go when no row names it any more and nothing is being added. */
static enum rc retire(struct tx *tx, void *ctx, struct err *err)
{
	struct slice *s = ctx;
	struct sql *q =
		s->which == SEGMENT_RAW
			? sql(tx_conn(tx),
			      "SELECT 1 FROM raw WHERE day = ?1 AND number = ?2 UNION ALL"
			      " SELECT 1 FROM raw_frame WHERE day = ?1 AND number = ?2 LIMIT 1")
			: sql(tx_conn(tx),
			      "SELECT 1 FROM chunk WHERE day = ? AND number = ? LIMIT 1");
	sql_int(q, 1, s->day);
	sql_int(q, 2, s->number);
	bool named = sql_row(q);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || named || !segments_close(tx->segments, s->which, s->day, s->number))
		return rc;
	s->retired = true;
	q = sql(tx_conn(tx),
		"UPDATE segment SET bytes = -1 WHERE kind = ? AND day = ? AND number = ?");
	sql_int(q, 1, s->which);
	sql_int(q, 2, s->day);
	sql_int(q, 3, s->number);
	return sql_run(q, err);
}

struct old_quarantine {
	int32_t day;
	struct forgetting *f;
	int64_t *report; /* of the day, not held */
	size_t n;
	int64_t deleted;
};

/* The reports of a day whose records in quarantine go. */
static enum rc list_reports(struct forgetting *f, struct old_quarantine *o, struct err *err)
{
	struct reader *r;
	size_t room = 0;
	enum rc rc = store_read_begin(f->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT DISTINCT q.report FROM quarantine q"
					    " JOIN report r ON r.id = q.report"
					    " WHERE r.received_us >= ? AND r.received_us < ?");
	sql_int(q, 1, o->day * DAY_US);
	sql_int(q, 2, (o->day + 1) * DAY_US);
	while (sql_row(q)) {
		if (holds_id(f, HOLD_REPORT, sql_col_int(q, 0)))
			continue;
		if (o->n == room) {
			room = room ? 2 * room : 64;
			o->report = x_grow(o->report, room, sizeof(*o->report));
		}
		o->report[o->n++] = sql_col_int(q, 0);
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum rc drop_quarantine(struct tx *tx, void *ctx, struct err *err)
{
	struct old_quarantine *o = ctx;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM quarantine WHERE id IN"
					 " (SELECT id FROM quarantine WHERE report = ? LIMIT ?)");
	sql_int(q, 1, o->report[o->n - 1]);
	sql_int(q, 2, SLICE_ROWS);
	enum rc rc = sql_run(q, err);
	o->deleted = sql_changes(tx_conn(tx));
	return rc;
}

/* --- a day --- */

static enum rc in_slices(struct forgetting *f, struct slice *s, store_job_fn fn, bool held,
			 struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t at = 0; at < s->l->n && rc == RC_OK; at = s->until) {
		size_t bytes = 0, rows = 0;
		for (s->from = s->until = at;
		     s->until < s->l->n && bytes < SLICE_BYTES && rows < SLICE_ROWS; s->until++)
			if (s->l->ref[s->until].held == held) {
				rows++;
				bytes += held ? s->l->ref[s->until].at.bytes : 0;
			}
		if (!rows)
			continue;
		rc = run_job(f->s, fn, s, bytes, err);
		s->start_new = false;
	}
	return rc;
}

static enum rc old_numbers(struct forgetting *f, struct slice *s, uint32_t **out, size_t *n_out,
			   struct err *err)
{
	struct reader *r;
	size_t room = 0;
	*n_out = 0;
	*out = NULL;
	enum rc rc = store_read_begin(f->s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT number FROM segment WHERE kind = ? AND day = ?"
					    " AND bytes >= 0");
	sql_int(q, 1, s->which);
	sql_int(q, 2, s->day);
	while (sql_row(q)) {
		if (*n_out == room) {
			room = room ? 2 * room : 8;
			*out = x_grow(*out, room, sizeof(**out));
		}
		(*out)[(*n_out)++] = (uint32_t)sql_col_int(q, 0);
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* Rows first, then files: cut short, what is left over is found at the next start. */
static enum rc forget_files(struct forgetting *f, enum segment which, int32_t day, struct refs *l,
			    struct err *err)
{
	struct slice s = { .f = f, .which = which, .day = day, .l = l, .start_new = true };
	uint32_t *number;
	size_t n;
	if (l->n && l->held == l->n)
		return RC_OK;
	enum rc rc = old_numbers(f, &s, &number, &n, err);
	if (rc == RC_OK && n && l->held)
		rc = in_slices(f, &s, copy_held, true, err);
	if (rc == RC_OK && n)
		rc = in_slices(f, &s, drop_rows, false, err);
	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		char name[SEGMENT_NAME];
		s.number = number[i];
		s.retired = false;
		rc = run_job(f->s, retire, &s, 0, err);
		if (rc != RC_OK || !s.retired)
			continue;
		store_drop_handles(f->s);
		rc = io_unlink(segment_dir(f->s, which), segment_file_name(day, s.number, name),
			       err);
		if (rc == RC_ABSENT)
			rc = RC_OK;
	}
	if (rc == RC_OK && n)
		rc = io_dir_sync(segment_dir(f->s, which), err);
	free(number);
	return rc;
}

/* A held report takes its bytes out of the frame it shares: it gets one of its
 * own, which is kept, and the frame can go. Cut short, it has both for a while. */
struct taking_out {
	struct forgetting *f;
	int64_t report;
	int32_t day;
};

static enum rc has_own(struct conn *c, int64_t report, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM raw WHERE report = ? LIMIT 1");
	sql_int(q, 1, report);
	*out = sql_row(q);
	return sql_end(q, err);
}

static enum rc take_out(struct tx *tx, void *ctx, struct err *err)
{
	struct taking_out *t = ctx;
	struct place at;
	struct io_file *file;
	char name[SEGMENT_NAME];
	bool found = false, own = false;
	enum rc rc = has_own(tx_conn(tx), t->report, &own, err);
	if (rc == RC_OK && !own)
		rc = raw_frame_of(tx_conn(tx), t->report, &at, &found, err);
	if (rc != RC_OK || !found || at.day != t->day)
		return rc;
	struct buf one = BUF_INIT(RAW_PART), payload = BUF_INIT(RAW_PAYLOAD_MOST);
	buf_reset(&t->f->frame);
	rc = io_open(segment_dir(tx->s, SEGMENT_RAW), segment_file_name(at.day, at.number, name),
		     IO_READ, &file, err);
	if (rc == RC_OK) {
		rc = frame_read(file, SEGMENT_RAW, &at, &t->f->frame, err);
		io_close(file);
	}
	if (rc == RC_OK) {
		rc = raw_shared_find(buf_str(&t->f->frame), t->report, &one, err);
		found = rc == RC_OK;
		rc = rc == RC_ABSENT ? RC_OK : rc; /* between first and last, but not in it */
	}
	if (found && rc == RC_OK) {
		raw_pack(buf_str(&one), &payload);
		rc = tx_append(tx, SEGMENT_RAW, t->day, buf_str(&payload), &at, err);
	}
	if (found && rc == RC_OK)
		rc = raw_name_part(tx, t->report, 0, &at, err);
	buf_free(&payload);
	buf_free(&one);
	return rc;
}

static enum rc take_out_held(struct forgetting *f, int32_t day, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; i < f->holds && rc == RC_OK; i++) {
		struct taking_out t = { .f = f, .report = f->hold[i].id, .day = day };
		if (f->hold[i].kind == HOLD_REPORT)
			rc = run_job(f->s, take_out, &t, RAW_SMALL, err);
	}
	return rc;
}

static enum rc forget_quarantine(struct forgetting *f, int32_t day, struct err *err)
{
	struct old_quarantine o = { .day = day, .f = f };
	enum rc rc = list_reports(f, &o, err);
	while (rc == RC_OK && o.n) {
		rc = run_job(f->s, drop_quarantine, &o, 0, err);
		if (o.deleted < SLICE_ROWS)
			o.n--;
	}
	free(o.report);
	return rc;
}

static enum rc forget_day(struct forgetting *f, int32_t day, struct err *err)
{
	struct day d = { .day = day };
	enum rc rc = f->dry || holds_id(f, HOLD_DAY, day) ? RC_OK : take_out_held(f, day, err);
	if (rc == RC_OK)
		rc = list_day(f, &d, err);
	if (rc == RC_OK && d.busy)
		log_warn(f->s->log, "a day is not forgotten while a report of it is being read",
			 L_INT("day", day));
	if (rc == RC_OK && (d.busy || holds_id(f, HOLD_DAY, day))) {
		hold_all(&d.raw);
		hold_all(&d.events);
		hold_all(&d.tail);
		hold_all(&d.raw_tail);
	}
	bool all_held = d.busy || holds_id(f, HOLD_DAY, day);
	if (rc == RC_OK)
		count(f, &d);
	if (rc == RC_OK && !f->dry && !all_held) {
		struct slice tail = {
			.f = f, .which = SEGMENT_EVENTS, .day = day, .l = &d.tail, .tail = true
		};
		struct slice raw_tail = {
			.f = f, .which = SEGMENT_RAW, .day = day, .l = &d.raw_tail, .tail = true
		};
		rc = in_slices(f, &tail, drop_rows, false, err);
		if (rc == RC_OK)
			rc = in_slices(f, &raw_tail, drop_rows, false, err);
		if (rc == RC_OK)
			rc = forget_files(f, SEGMENT_EVENTS, day, &d.events, err);
		if (rc == RC_OK)
			rc = forget_files(f, SEGMENT_RAW, day, &d.raw, err);
		if (rc == RC_OK)
			rc = forget_quarantine(f, day, err);
	}
	free(d.raw.ref);
	free(d.events.ref);
	free(d.tail.ref);
	free(d.raw_tail.ref);
	return rc;
}

/* --- all of them --- */

static enum rc list_days(struct forgetting *f, int32_t before, int32_t **out, size_t *n_out,
			 struct err *err)
{
	struct reader *r;
	size_t room = 0;
	*out = NULL;
	*n_out = 0;
	enum rc rc = store_read_begin(f->s, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = holds_load(reader_conn(r), f->a, &f->hold, &f->holds, err);
	struct sql *q =
		sql(reader_conn(r), "SELECT day FROM segment WHERE bytes >= 0 AND day < ?1"
				    " UNION SELECT day FROM tail WHERE day < ?1"
				    " UNION SELECT day FROM raw_tail WHERE day < ?1 ORDER BY day");
	sql_int(q, 1, before);
	while (rc == RC_OK && sql_row(q)) {
		if (*n_out == room) {
			room = room ? 2 * room : 64;
			*out = x_grow(*out, room, sizeof(**out));
		}
		(*out)[(*n_out)++] = (int32_t)sql_col_int(q, 0);
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	store_read_end(r);
	return rc == RC_OK ? end : rc;
}

enum rc store_forget(struct store *s, int32_t before_day, bool dry, struct forget_result *out,
		     struct err *err)
{
	struct forgetting f = { .s = s,
				.a = arena_new(KIB(16)),
				.dry = dry,
				.out = out,
				.frame = BUF_INIT(FRAME_MAX + FRAME_HEAD + 1) };
	int32_t *day = NULL;
	size_t days = 0;
	*out = (struct forget_result){ 0 };
	if (!dry && !store_take_files(s)) {
		arena_free(f.a);
		return fail(err, RC_BUSY,
			    "a backup or an erasure is under way: forget when it has ended");
	}
	enum rc rc = list_days(&f, before_day, &day, &days, err);
	if (rc == RC_OK && days && holds_any(&f, HOLD_ORG))
		rc = find_org_chunks(&f, err);
	if (rc == RC_OK && days)
		rc = find_event_chunks(&f, err);
	for (size_t i = 0; i < days && rc == RC_OK; i++)
		rc = forget_day(&f, day[i], err);
	if (!dry) {
		atomic_store(&s->fold_wanted, true);
		store_give_files(s);
	}
	free(day);
	free(f.org_chunk);
	buf_free(&f.frame);
	arena_free(f.a);
	return rc;
}
