/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a finding in main.db: reading and writing one at a time. */
#include <endian.h>

#include "route/findings_private.h"

void id_bytes(struct hash128 id, char raw[16])
{
	uint64_t half[2] = { htobe64(id.hi), htobe64(id.lo) };
	memcpy(raw, half, 16);
}

struct hash128 id_of_bytes(str raw)
{
	uint64_t half[2] = { 0, 0 };
	if (raw.n == 16)
		memcpy(half, raw.p, 16);
	return (struct hash128){ be64toh(half[0]), be64toh(half[1]) };
}

void finding_row_own(struct finding_row *f, struct arena *a)
{
	str *const texts[] = { &f->cc, &f->type, &f->identifier, &f->severity,
			       &f->key, &f->concerns, &f->sides };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = arena_str(a, *texts[i]);
	if (!f->seen_count)
		return;
	struct sighting *list = ARENA_ARRAY(a, f->seen_count, struct sighting);
	memcpy(list, f->seen, f->seen_count * sizeof(*list));
	f->seen = list;
}

void finding_of_row(const struct finding_row *f, struct finding *out)
{
	*out = (struct finding){
		.id = f->id, .state = f->state, .first_seen_us = f->first_us, .last_seen_us = f->last_us,
		.events = f->events, .returns = f->returns, .feed = f->feed, .tlp = f->tlp,
		.exercise = f->exercise, .shared_address = f->shared_address, .asn = f->asn,
		.type = f->type, .identifier = f->identifier, .severity = f->severity, .key = f->key,
		.cc = f->cc, .confidence = f->confidence, .mark_reason = STR_INIT(""),
	};
	if (!concerns_parse(f->concerns, &out->concerns))
		out->concerns.count = 0;
}

/* When it was marked, and the newest reason. */
enum rc finding_add_marks(struct conn *c, struct arena *a, struct finding *f, struct err *err)
{
	char raw[16];
	struct sql *q = sql(c, "SELECT mark, at_us, reason FROM finding_mark WHERE id = ? ORDER BY at_us");
	id_bytes(f->id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	while (sql_row(q)) {
		int64_t mark = sql_col_int(q, 0), at_us = sql_col_int(q, 1);
		if (mark == MARK_TOLD)
			f->told_us = at_us;
		else if (mark == MARK_ANSWERED)
			f->answered_us = at_us;
		else if (mark == MARK_HELD)
			f->held_us = at_us;
		f->mark_reason = arena_str(a, sql_col_str(q, 2));
	}
	return sql_end(q, err);
}

void finding_row_take(struct sql *q, struct arena *a, struct finding_row *out)
{
	*out = (struct finding_row){
		.id = id_of_bytes(sql_col_blob(q, 0)), .state = (enum finding_state)sql_col_int(q, 1),
		.first_us = sql_col_int(q, 2), .last_us = sql_col_int(q, 3), .feed = sql_col_int(q, 4),
		.run = sql_col_int(q, 5), .events = (uint64_t)sql_col_int(q, 6),
		.returns = (uint64_t)sql_col_int(q, 7), .tlp = (enum tlp)sql_col_int(q, 8),
		.exercise = sql_col_int(q, 9) != 0, .shared_address = sql_col_int(q, 10) != 0,
		.asn = (uint32_t)sql_col_int(q, 11), .feeds = (uint32_t)sql_col_int(q, 12),
	};
	str ip = sql_col_blob(q, 13);
	out->has_ip = ip.n == 16;
	if (out->has_ip)
		memcpy(out->ip.b, ip.p, 16);
	out->cc = arena_str(a, sql_col_str(q, 14));
	out->type = arena_str(a, sql_col_str(q, 15));
	out->identifier = arena_str(a, sql_col_str(q, 16));
	out->severity = arena_str(a, sql_col_str(q, 17));
	out->key = arena_str(a, sql_col_str(q, 18));
	out->concerns = arena_str(a, sql_col_str(q, 19));
	out->sides = arena_str(a, sql_col_blob(q, 20));
	int64_t confidence = sql_col_int(q, 21);
	out->confidence = confidence >= 0 && confidence <= CONFIDENCE_MOST + 1 ? (uint8_t)confidence : 0;
}

enum rc finding_row_find(struct conn *c, struct hash128 id, struct arena *a, struct finding_row *out,
			 struct err *err)
{
	char raw[16];
	struct sql *q = sql(c, "SELECT " FINDING_COLUMNS " FROM finding WHERE id = ?");
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	bool found = sql_row(q);
	if (found)
		finding_row_take(q, a, out);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? RC_ABSENT : rc;
}

/* Parameters 1 to 22 in the order of the columns; `raw` lives until sql_end. */
static void bind_row(struct sql *q, const struct finding_row *f, char raw[16])
{
	id_bytes(f->id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, f->state);
	sql_int(q, 3, f->first_us);
	sql_int(q, 4, f->last_us);
	sql_int(q, 5, f->feed);
	sql_int(q, 6, f->run);
	sql_int(q, 7, (int64_t)f->events);
	sql_int(q, 8, (int64_t)f->returns);
	sql_int(q, 9, f->tlp);
	sql_int(q, 10, f->exercise);
	sql_int(q, 11, f->shared_address);
	sql_int(q, 12, f->asn);
	sql_int(q, 13, f->feeds);
	if (f->has_ip)
		sql_blob(q, 14, str_mem(f->ip.b, 16));
	else
		sql_null(q, 14);
	sql_str(q, 15, f->cc);
	sql_str(q, 16, f->type);
	sql_str(q, 17, f->identifier);
	sql_str(q, 18, f->severity);
	sql_str(q, 19, f->key);
	sql_str(q, 20, f->concerns);
	sql_blob(q, 21, f->sides);
	sql_int(q, 22, f->confidence);
}

enum rc finding_row_put(struct conn *c, const struct finding_row *f, struct err *err)
{
	char raw[16];
	struct sql *q = sql(c, "INSERT INTO finding (" FINDING_COLUMNS ") VALUES "
			       "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
			       "?17, ?18, ?19, ?20, ?21, ?22) ON CONFLICT (id) DO UPDATE SET state = ?2, "
			       "first_seen = ?3, last_seen = ?4, feed = ?5, run = ?6, events = ?7, "
			       "returns = ?8, tlp = ?9, exercise = ?10, shared_address = ?11, asn = ?12, "
			       "feeds = ?13, ip = ?14, cc = ?15, type = ?16, identifier = ?17, "
			       "severity = ?18, key = ?19, concerns = ?20, sides = ?21, confidence = ?22");
	bind_row(q, f, raw);
	return sql_run(q, err);
}

static enum rc by_id(struct sql *q, struct hash128 id, struct err *err)
{
	char raw[16];
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	return sql_run(q, err);
}

enum rc finding_row_delete(struct conn *c, struct hash128 id, struct err *err)
{
	return by_id(sql(c, "DELETE FROM finding WHERE id = ?"), id, err);
}

/* --- sightings --- */

enum rc sightings_load(struct conn *c, struct hash128 id, struct arena *a, struct sighting **out,
		       size_t *count_out, struct err *err)
{
	char raw[16];
	size_t room = 0;
	struct sql *q = sql(c, "SELECT feed, first_seen, last_seen, run FROM finding_feed WHERE id = ? "
			       "ORDER BY feed");
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	*out = NULL;
	*count_out = 0;
	while (sql_row(q)) {
		if (*count_out == room) {
			room = room ? room * 2 : 4;
			struct sighting *wider = ARENA_ARRAY(a, room, struct sighting);
			if (*count_out)
				memcpy(wider, *out, *count_out * sizeof(*wider));
			*out = wider;
		}
		(*out)[(*count_out)++] = (struct sighting){ sql_col_int(q, 0), sql_col_int(q, 1),
							    sql_col_int(q, 2), sql_col_int(q, 3) };
	}
	return sql_end(q, err);
}

enum rc sighting_add(struct conn *c, struct hash128 id, const struct sighting *s, struct err *err)
{
	char raw[16];
	struct sql *q = sql(c, "INSERT INTO finding_feed (id, feed, first_seen, last_seen, run) "
			       "VALUES (?, ?, ?, ?, ?) ON CONFLICT (id, feed) DO UPDATE SET "
			       "first_seen = min(first_seen, excluded.first_seen), "
			       "last_seen = max(last_seen, excluded.last_seen), "
			       "run = max(run, excluded.run)");
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, s->feed);
	sql_int(q, 3, s->first_us);
	sql_int(q, 4, s->last_us);
	sql_int(q, 5, s->run);
	return sql_run(q, err);
}

enum rc sighting_absorbed(struct conn *c, struct hash128 id, const struct sighting *s, struct err *err)
{
	char raw[16];
	struct sql *q = sql(c, "DELETE FROM finding_feed WHERE id = ? AND feed = ? AND run = ?");
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, s->feed);
	sql_int(q, 3, s->run);
	return sql_run(q, err);
}

/* --- cursors --- */

enum rc cursor_get(struct conn *c, str name, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq FROM cursor WHERE name = ?");
	sql_str(q, 1, name);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc cursor_set(struct conn *c, str name, int64_t seq, struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO cursor (name, seq) VALUES (?1, ?2) "
			       "ON CONFLICT (name) DO UPDATE SET seq = ?2");
	sql_str(q, 1, name);
	sql_int(q, 2, seq);
	return sql_run(q, err);
}

enum rc findings_disturbed(struct tx *tx, struct err *err)
{
	return sql_run(sql(tx_conn(tx), "INSERT INTO cursor (name, seq) VALUES ('findings', 1) "
					"ON CONFLICT (name) DO UPDATE SET seq = seq + 1"), err);
}

/* --- what a row says --- */

void concerns_text(const struct directory *d, str type, str packed, int64_t now_us, struct arena *a,
		   str *out)
{
	struct side sides[SIDES];
	struct concerns list;
	struct buf text = BUF_INIT(KIB(4));
	*out = STR("");
	if (!d || !sides_unpack(packed, sides))
		return;
	concerns_of_sides(d, type, sides, now_us, &list);
	concerns_format(&list, &text);
	*out = arena_str(a, buf_str(&text));
	buf_free(&text);
}

void finding_row_of_seen(const struct seen *s, const struct directory *d, int64_t now_us,
			 struct arena *a, struct finding_row *out)
{
	uint32_t feeds = 0;
	int64_t run = 0;
	for (const struct sighting_link *l = &s->feeds; l; l = l->next) {
		feeds++;
		if (l->s.feed == s->feed)
			run = l->s.run;
	}
	*out = (struct finding_row){
		.id = s->id, .state = FINDING_OPEN, .first_us = s->first_us, .last_us = s->last_us,
		.feed = s->feed, .run = run, .events = s->events, .tlp = s->tlp, .confidence = s->confidence,
		.exercise = s->exercise, .shared_address = s->shared_address, .has_ip = s->has_ip,
		.asn = s->asn, .feeds = feeds, .ip = s->ip, .cc = s->cc, .type = s->type,
		.identifier = s->identifier, .severity = s->severity, .key = s->key, .sides = s->sides,
	};
	concerns_text(d, s->type, s->sides, now_us, a, &out->concerns);
}

bool finding_row_changed(const struct finding_row *a, const struct finding_row *b)
{
	return !str_eq(a->severity, b->severity) || !str_eq(a->identifier, b->identifier) ||
	       !str_eq(a->concerns, b->concerns) || b->confidence > a->confidence;
}
