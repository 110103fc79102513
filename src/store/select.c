/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows a query means: chunk by chunk, reading only the columns it names. */
#include <stdlib.h>
#include <zstd.h>

#include "base/clock.h"
#include "store/events_private.h"
#include "store/store_private.h"

enum { PAGE = 128 };

/* --- chunks that may have some --- */

static bool is_undone(const struct selection *s, int64_t report)
{
	size_t low = 0, high = s->q->undone ? 0 : s->undone_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->undone[mid] == report)
			return true;
		if (s->undone[mid] < report)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool is_timed(const struct event_query *q)
{
	return q->from_us != 0 || q->until_us != 0;
}

static bool may_have(const struct selection *s, const struct candidate *c)
{
	const struct event_query *q = s->q;
	if (c->first + c->rows - 1 <= q->after_seq || (q->before_seq && c->first >= q->before_seq))
		return false;
	if (!(c->tlp_set & q->tlp_mask) || (c->exercise == EXERCISE_ALL && !q->exercise))
		return false;
	if (is_timed(q) && (!c->timed || c->max_time < q->from_us ||
			    (q->until_us && c->min_time >= q->until_us)))
		return false;
	return !c->report || ((!q->report || q->report == c->report) && !is_undone(s, c->report));
}

static struct sql *chunk_query(struct conn *c, bool oldest)
{
	return oldest ? sql(c, "SELECT first_seq, rows, report, tlp_set, exercise, min_time,"
			       " max_time, day, number, offset, bytes, zone, bloom FROM chunk"
			       " WHERE first_seq > ?1 ORDER BY first_seq") :
			sql(c, "SELECT first_seq, rows, report, tlp_set, exercise, min_time,"
			       " max_time, day, number, offset, bytes, zone, bloom FROM chunk"
			       " WHERE first_seq < ?1 ORDER BY first_seq DESC");
}

static struct sql *tail_query(struct conn *c, bool oldest)
{
	return oldest ? sql(c, "SELECT first_seq, rows, report, tlp_set, exercise, min_time,"
			       " max_time FROM tail WHERE first_seq > ?1 ORDER BY first_seq") :
			sql(c, "SELECT first_seq, rows, report, tlp_set, exercise, min_time,"
			       " max_time FROM tail WHERE first_seq < ?1 ORDER BY first_seq DESC");
}

static struct candidate candidate_read(struct sql *q, bool tail)
{
	struct candidate c = { .first = (uint64_t)sql_col_int(q, 0),
			       .rows = (uint32_t)sql_col_int(q, 1),
			       .report = sql_col_int(q, 2),
			       .tlp_set = (uint32_t)sql_col_int(q, 3),
			       .exercise = (int)sql_col_int(q, 4),
			       .timed = !sql_col_null(q, 5),
			       .min_time = sql_col_int(q, 5),
			       .max_time = sql_col_int(q, 6),
			       .tail = tail };
	if (!tail)
		c.at = (struct place){ .day = (int32_t)sql_col_int(q, 7),
				       .number = (uint32_t)sql_col_int(q, 8),
				       .offset = (uint64_t)sql_col_int(q, 9),
				       .bytes = (uint32_t)sql_col_int(q, 10) };
	return c;
}

static bool zones_may_have(const struct selection *s, struct sql *q)
{
	for (size_t i = 0; i < s->q->filter_count; i++)
		if (!zone_may_have(&s->matcher[i], sql_col_blob(q, 11), sql_col_blob(q, 12)))
			return false;
	return true;
}

/* True once no later candidate can be in the range of sequence numbers. */
static bool is_past(const struct event_query *q, uint64_t first)
{
	if (q->oldest_first)
		return q->before_seq && first >= q->before_seq;
	return first + BATCH_ROWS <= q->after_seq;
}

static enum rc page_fill(struct selection *s, struct cursor *c, bool tail, struct err *err)
{
	struct conn *conn = reader_conn(s->r);
	struct sql *q = tail ? tail_query(conn, s->q->oldest_first) :
			       chunk_query(conn, s->q->oldest_first);
	sql_int(q, 1, (int64_t)c->bound);
	c->n = c->at = 0;
	c->end = true;
	while (sql_row(q)) {
		struct candidate one = candidate_read(q, tail);
		if (is_past(s->q, one.first))
			break;
		c->bound = one.first;
		if (one.rows == 0 || !may_have(s, &one) || (!tail && !zones_may_have(s, q)))
			continue;
		c->page[c->n++] = one;
		if (c->n == PAGE) {
			c->end = false;
			break;
		}
	}
	return sql_end(q, err);
}

/* Chunks and tail in one order. */
static enum rc candidate_next(struct selection *s, struct candidate *out, bool *any,
			      struct err *err)
{
	struct cursor *best = NULL;
	for (int i = 0; i < 2; i++) {
		struct cursor *c = &s->cursor[i];
		if (c->at == c->n && !c->end) {
			enum rc rc = page_fill(s, c, i == 1, err);
			if (rc)
				return rc;
		}
		if (c->at == c->n)
			continue;
		if (!best || (c->page[c->at].first < best->page[best->at].first) ==
				     s->q->oldest_first)
			best = c;
	}
	*any = best != NULL;
	if (best)
		*out = best->page[best->at++];
	return RC_OK;
}

/* --- rows of one chunk --- */

static enum rc keep_numbers(struct selection *s, uint8_t field, int64_t absent,
			    bool (*keep)(const struct selection *s, int64_t v), struct err *err)
{
	const int64_t *v;
	enum rc rc = chunk_numbers(&s->chunk, field, absent, &v, err);
	for (uint32_t r = 0; r < s->chunk.rows && !rc; r++)
		s->hit[r] = (uint8_t)(s->hit[r] & keep(s, v[r]));
	return rc;
}

static bool keep_report(const struct selection *s, int64_t v)
{
	return (!s->q->report || s->q->report == v) && !is_undone(s, v);
}

static bool keep_real(const struct selection *s, int64_t v)
{
	(void)s;
	return v == 0;
}

static bool keep_tlp(const struct selection *s, int64_t v)
{
	return s->q->tlp_mask >> tlp_stored(v) & 1;
}

static bool keep_time(const struct selection *s, int64_t v)
{
	return v != TIME_NONE && v >= s->q->from_us && (!s->q->until_us || v < s->q->until_us);
}

/* Whether all rows have a time, in the range that is asked for: then none is looked at. */
static bool all_in_time(const struct selection *s, const struct candidate *c)
{
	const struct event_query *q = s->q;
	uint32_t count, first = chunk_find(&s->chunk, FIELD_TIME_SOURCE, STR_NONE, &count);
	const struct chunk_column *times = count == 1 ? &s->chunk.column[first] : NULL;
	return times && times->read && times->kind == CELL_TIME && times->data.n == s->chunk.rows &&
	       c->min_time >= q->from_us && (!q->until_us || c->max_time < q->until_us);
}

static void keep_range(struct selection *s, uint64_t first)
{
	for (uint32_t r = 0; r < s->chunk.rows; r++) {
		uint64_t seq = first + r;
		s->hit[r] = seq > s->q->after_seq && (!s->q->before_seq || seq < s->q->before_seq);
	}
}

static void column_matches(struct selection *s, const struct matcher *m, const struct column *d,
			   uint8_t *found)
{
	bool *match = ARENA_ARRAY(s->one, d->values, bool);
	for (uint32_t v = 0; v < d->values; v++)
		match[v] = kind_is_number(d->kind) ? matcher_number(m, d->kind, d->number[v]) :
						     matcher_bytes(m, d->kind, column_bytes(d, v));
	for (uint32_t j = 0; j < d->n; j++)
		found[d->row ? d->row[j] : j] |= match[column_value(d, j)];
}

static enum rc keep_filter(struct selection *s, const struct matcher *m, struct err *err)
{
	uint8_t field = (uint8_t)m->f->field;
	uint8_t *found = ARENA_ARRAY(s->one, s->chunk.rows, uint8_t);
	str key = field == FIELD_EXTRA ? m->f->key : STR_NONE;
	uint32_t count, first = chunk_find(&s->chunk, field, key, &count);
	for (uint32_t i = first; i < first + count; i++) {
		const struct column *d;
		enum rc rc = chunk_column(&s->chunk, i, &d, err);
		if (rc)
			return rc;
		column_matches(s, m, d, found);
	}
	for (uint32_t r = 0; r < s->chunk.rows; r++)
		s->hit[r] &= found[r];
	return RC_OK;
}

static bool any_hit(struct selection *s)
{
	s->hits = 0;
	for (uint32_t r = 0; r < s->chunk.rows; r++)
		s->hits += s->hit[r];
	return s->hits > 0;
}

static enum rc select_rows(struct selection *s, const struct candidate *c, struct err *err)
{
	const struct event_query *q = s->q;
	enum rc rc = RC_OK;
	keep_range(s, c->first);
	/* the marking first: nothing else is asked of rows that do not exist here */
	if (c->tlp_set & ~q->tlp_mask)
		rc = keep_numbers(s, FIELD_TLP, TLP_RED, keep_tlp, err);
	if (!rc && !q->exercise && c->exercise != EXERCISE_NONE)
		rc = keep_numbers(s, FIELD_EXERCISE, 0, keep_real, err);
	if (!rc && !c->report && (q->report || s->undone_count))
		rc = keep_numbers(s, COLUMN_REPORT, 0, keep_report, err);
	if (!rc && is_timed(q) && !all_in_time(s, c))
		rc = keep_numbers(s, FIELD_TIME_SOURCE, TIME_NONE, keep_time, err);
	for (size_t i = 0; i < q->filter_count && !rc && any_hit(s); i++)
		rc = keep_filter(s, &s->matcher[i], err);
	return rc;
}

static enum rc bytes_load(struct selection *s, const struct candidate *c, struct err *err)
{
	buf_reset(&s->bytes);
	if (!c->tail)
		return reader_frame(s->r, SEGMENT_EVENTS, &c->at, &s->bytes, err);
	struct sql *q = sql(reader_conn(s->r), "SELECT body FROM tail WHERE first_seq = ?");
	sql_int(q, 1, (int64_t)c->first);
	if (sql_row(q))
		buf_add(&s->bytes, sql_col_blob(q, 0));
	return sql_end(q, err);
}

/* Takes what is held, with memory of this reading for what is made of it. */
static bool use_kept(struct selection *s, const struct chunk_kept *kept)
{
	s->kept = kept;
	if (!kept)
		return false;
	s->chunk = kept->chunk;
	s->chunk.a = s->one;
	return true;
}

static enum rc chunk_load(struct selection *s, const struct candidate *c, struct err *err)
{
	enum rc rc = RC_OK;
	arena_reset(s->one);
	chunk_cache_give_back(reader_chunks(s->r), s->kept);
	if (!use_kept(s, s->q->again && !c->tail ? chunk_cache_take(reader_chunks(s->r), &c->at) : NULL)) {
		rc = bytes_load(s, c, err);
		if (!rc)
			rc = chunk_open(&s->chunk, buf_str(&s->bytes), s->one, s->unpack, err);
	}
	if (!rc && s->chunk.rows != c->rows)
		rc = fail(err, RC_INPUT, "chunk of event %llu has other rows than its name says",
			  (unsigned long long)c->first);
	if (!rc) {
		s->hit = ARENA_ARRAY(s->one, s->chunk.rows, uint8_t);
		rc = select_rows(s, c, err);
	}
	return rc;
}

bool selection_tolerates(struct selection *s, enum rc rc, const struct err *err)
{
	if (rc == RC_ABSENT) /* forgotten meanwhile: as if it had never been */
		return true;
	if (rc != RC_INPUT)
		return false;
	if (!s->damaged)
		s->damage = *err;
	s->damaged = true;
	return true;
}

/* --- the whole --- */

static enum rc undone_load(struct selection *s, struct err *err)
{
	struct sql *q = sql(reader_conn(s->r), "SELECT id FROM report WHERE state = 4 ORDER BY id");
	size_t room = 0;
	while (sql_row(q)) {
		if (s->undone_count == room) {
			room = room ? 2 * room : 16;
			s->undone = x_grow(s->undone, room, sizeof(*s->undone));
		}
		s->undone[s->undone_count++] = sql_col_int(q, 0);
	}
	return sql_end(q, err);
}

enum rc selection_begin(struct selection *s, struct reader *r, const struct event_query *q,
			struct err *err)
{
	*s = (struct selection){ .r = r, .q = q, .bytes = BUF_INIT(MIB(64)), .turn = frame_cache_turn(reader_chunks(r)) };
	if (q->filter_count > FILTERS_MAX)
		return fail(err, RC_LIMIT, "more than %d conditions", FILTERS_MAX);
	s->a = arena_new(KIB(64));
	s->one = arena_new(q->again ? KIB(96) : MIB(1)); /* of a page: small enough that the system is not asked for it each time */
	s->unpack = ZSTD_createDCtx();
	for (size_t i = 0; i < q->filter_count; i++)
		matcher_make(&q->filters[i], &s->matcher[i]);
	uint64_t after = q->after_seq > BATCH_ROWS ? q->after_seq - BATCH_ROWS : 0;
	for (int i = 0; i < 2; i++) {
		s->cursor[i].page = ARENA_ARRAY(s->a, PAGE, struct candidate);
		s->cursor[i].bound = q->oldest_first ? after :
				     q->before_seq   ? q->before_seq :
						       INT64_MAX;
	}
	return undone_load(s, err);
}

bool selection_next(struct selection *s, struct candidate *out, enum rc *rc, struct err *err)
{
	bool any = false;
	while (!(*rc = candidate_next(s, out, &any, err)) && any) {
		struct err local = { 0 };
		*rc = chunk_load(s, out, &local);
		if (*rc && !selection_tolerates(s, *rc, &local)) {
			if (err)
				*err = local;
			return false;
		}
		if (!*rc && any_hit(s)) {
			if (s->q->again && !out->tail && !s->kept)
				(void)use_kept(s, chunk_cache_add(reader_chunks(s->r), &out->at, buf_str(&s->bytes),
								  s->unpack, s->turn));
			return true;
		}
	}
	return false;
}

enum rc selection_end(struct selection *s, enum rc rc, struct err *err)
{
	chunk_cache_give_back(reader_chunks(s->r), s->kept);
	if (s->a)
		arena_free(s->a);
	if (s->one)
		arena_free(s->one);
	ZSTD_freeDCtx(s->unpack);
	buf_free(&s->bytes);
	free(s->undone);
	if (!rc && s->damaged)
		return fail(err, RC_INPUT, "some events are damaged and left out: %s",
			    s->damage.text);
	return rc;
}
