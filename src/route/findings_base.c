/* SPDX-License-Identifier: Apache-2.0 */
/* The base: what the events said that may be forgotten. It covers all events up
 * to its cursor, forgotten or held, so that a rebuild never counts one twice. */
#include "route/findings_private.h"

enum { BASE_STEP = 2048, FEEDS_MAX = 10000 };

static void put_block(struct buf *b, str s)
{
	buf_varint(b, s.n);
	buf_add(b, s);
}

static void encode(const struct seen *s, struct buf *b)
{
	uint64_t feeds = 0;
	for (const struct sighting_link *l = &s->feeds; l; l = l->next)
		feeds++;
	buf_char(b, 1); /* version */
	buf_varint(b, s->events);
	buf_le64(b, (uint64_t)s->first_us);
	buf_le64(b, (uint64_t)s->last_us);
	buf_char(b, (char)s->tlp);
	buf_char(b, (char)(s->exercise | s->shared_address << 1 | s->has_ip << 2 | (s->confidence > 0) << 3));
	if (s->has_ip)
		buf_add_mem(b, s->ip.b, 16);
	if (s->confidence)
		buf_char(b, (char)s->confidence);
	buf_le32(b, s->asn);
	buf_le64(b, (uint64_t)s->feed);
	const str texts[] = { s->cc, s->type, s->identifier, s->severity, s->key, s->sides };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		put_block(b, texts[i]);
	buf_varint(b, feeds);
	for (const struct sighting_link *l = &s->feeds; l; l = l->next) {
		buf_le64(b, (uint64_t)l->s.feed);
		buf_le64(b, (uint64_t)l->s.first_us);
		buf_le64(b, (uint64_t)l->s.last_us);
		buf_le64(b, (uint64_t)l->s.run);
	}
}

static bool decode(str body, struct arena *a, struct seen *s)
{
	struct wire w = wire_of(body);
	if (wire_u8(&w) != 1)
		return false;
	s->events = wire_varint(&w);
	s->first_us = (int64_t)wire_le64(&w);
	s->last_us = (int64_t)wire_le64(&w);
	unsigned tlp = wire_u8(&w), flags = wire_u8(&w);
	s->tlp = tlp < TLP_COUNT ? (enum tlp)tlp : TLP_RED;
	s->exercise = flags & 1;
	s->shared_address = flags >> 1 & 1;
	s->has_ip = flags >> 2 & 1;
	str ip = wire_bytes(&w, s->has_ip ? 16 : 0);
	if (ip.n == 16)
		memcpy(s->ip.b, ip.p, 16);
	unsigned confidence = flags >> 3 & 1 ? wire_u8(&w) : 0;
	s->confidence = confidence <= CONFIDENCE_MOST + 1 ? (uint8_t)confidence : 0;
	s->asn = wire_le32(&w);
	s->feed = (int64_t)wire_le64(&w);
	str *texts[] = { &s->cc, &s->type, &s->identifier, &s->severity, &s->key, &s->sides };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = wire_block(&w);
	uint64_t feeds = wire_varint(&w);
	if (w.bad || feeds == 0 || feeds > FEEDS_MAX)
		return false;
	struct sighting_link *l = &s->feeds;
	for (uint64_t i = 0; i < feeds; i++) {
		if (i > 0)
			l = l->next = ARENA_NEW(a, struct sighting_link);
		l->s.feed = (int64_t)wire_le64(&w);
		l->s.first_us = (int64_t)wire_le64(&w);
		l->s.last_us = (int64_t)wire_le64(&w);
		l->s.run = (int64_t)wire_le64(&w);
	}
	return !w.bad && wire_left(&w) == 0;
}

void part_bounds(const struct tally *t, char from[16], char upto[16])
{
	bool all = t->part_shift == 64;
	struct hash128 first = { all ? 0 : t->part << t->part_shift, 0 };
	struct hash128 last = { all ? UINT64_MAX : first.hi | ((UINT64_C(1) << t->part_shift) - 1),
				UINT64_MAX };
	id_bytes(first, from);
	id_bytes(last, upto);
}

enum rc base_load(struct conn *c, struct tally *t, size_t most, struct err *err)
{
	char from[16], upto[16];
	struct sql *q = sql(c, "SELECT id, body FROM finding_base WHERE id BETWEEN ? AND ?");
	bool damaged = false;
	part_bounds(t, from, upto);
	sql_blob(q, 1, str_mem(from, 16));
	sql_blob(q, 2, str_mem(upto, 16));
	while (!damaged && t->n <= most && sql_row(q)) {
		struct seen s = { .id = id_of_bytes(sql_col_blob(q, 0)) };
		damaged = !decode(sql_col_blob(q, 1), t->a, &s);
		if (!damaged)
			tally_seen(t, &s);
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && damaged ? fail(err, RC_INPUT, "a base of findings is damaged") : rc;
}

/* --- before events go --- */

struct base_step {
	struct tally t;
	int64_t from, upto;
	bool full;
};

static bool gather(void *ctx, const struct event_row *e)
{
	struct base_step *s = ctx;
	tally_event(&s->t, e);
	s->upto = (int64_t)e->seq;
	s->full = s->t.n >= BASE_STEP;
	return !s->full;
}

static enum rc add_stored(struct conn *c, struct tally *t, struct hash128 id, struct err *err)
{
	char raw[16];
	struct sql *q = sql(c, "SELECT body FROM finding_base WHERE id = ?");
	struct seen s = { .id = id };
	bool damaged = false;
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	if (sql_row(q)) {
		damaged = !decode(sql_col_blob(q, 0), t->a, &s);
		if (!damaged)
			tally_seen(t, &s);
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && damaged ? fail(err, RC_INPUT, "a base of findings is damaged") : rc;
}

static enum rc write_base(struct tx *tx, void *ctx, struct err *err)
{
	struct base_step *s = ctx;
	struct conn *c = tx_conn(tx);
	struct buf body = BUF_INIT(MIB(4));
	int64_t at;
	enum rc rc = cursor_get(c, STR("base"), &at, err);
	if (rc == RC_OK && at != s->from)
		rc = fail(err, RC_BUSY, "events are being forgotten already");
	for (size_t i = 0; i < s->t.n && rc == RC_OK; i++)
		rc = add_stored(c, &s->t, s->t.list[i].id, err);
	for (size_t i = 0; i < s->t.n && rc == RC_OK; i++) {
		char raw[16];
		struct sql *q = sql(c, "INSERT INTO finding_base (id, body) VALUES (?1, ?2) "
				       "ON CONFLICT (id) DO UPDATE SET body = ?2");
		buf_reset(&body);
		encode(&s->t.list[i], &body);
		id_bytes(s->t.list[i].id, raw);
		sql_blob(q, 1, str_mem(raw, 16));
		sql_blob(q, 2, buf_str(&body));
		rc = sql_run(q, err);
	}
	buf_free(&body);
	return rc == RC_OK ? cursor_set(c, STR("base"), s->upto, err) : rc;
}

/* Newest event of the days before: events of a later day that were committed
 * among them are taken into the base as well. */
static enum rc last_before(struct conn *c, int32_t day, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max((SELECT coalesce(max(first_seq + rows - 1), 0) FROM chunk "
			       "WHERE day < ?1), (SELECT coalesce(max(first_seq + rows - 1), 0) FROM tail "
			       "WHERE day < ?1))");
	sql_int(q, 1, day);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc base_step(struct store *store, int32_t before_day, bool *did_out, struct err *err)
{
	struct base_step s = { 0 };
	struct reader *r;
	int64_t upto = 0, folded = 0;
	enum rc rc = store_read_begin(store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct conn *c = reader_conn(r);
	rc = last_before(c, before_day, &upto, err);
	if (rc == RC_OK)
		rc = cursor_get(c, STR("base"), &s.from, err);
	if (rc == RC_OK)
		rc = cursor_get(c, STR("fold"), &folded, err);
	s.upto = s.from;
	bool more = rc == RC_OK && upto > s.from;
	if (more && folded < upto)
		rc = fail(err, RC_BUSY, "the findings have not seen all events yet");
	if (more && rc == RC_OK) {
		tally_init(&s.t, c, store_secret(store));
		rc = findings_scan(r, (uint64_t)s.from, (uint64_t)upto, true, false, gather, &s, err);
		if (rc == RC_OK && !s.full)
			s.upto = upto;
	}
	store_read_end(r);
	if (more && rc == RC_OK)
		rc = store_write(store, write_base, &s, err);
	if (s.t.a)
		tally_free(&s.t);
	*did_out = more;
	return rc;
}

enum rc findings_before_forget(struct store *s, int32_t before_day, struct err *err)
{
	bool did = true;
	enum rc rc = RC_OK;
	while (rc == RC_OK && did)
		rc = base_step(s, before_day, &did, err);
	return rc;
}
