/* SPDX-License-Identifier: Apache-2.0 */
/* Each event of an origin's once, however often, by whatever way and however late it comes again: the repeat filter
 * (store/repeats.h) forgets after its window, and knows nothing of origins. A row for each event, by the hour of its
 * time.source and a digest of origin and id, so that what comes together stands together; with a digest of what
 * nobody cuts on the way, so that the same id with another content is seen. A report that was undone here does not count.
 *
 * The hour stands first so that a delivery writes to a few pages of the table, as old as what it tells of: by the tag alone each
 * event of millions would change a page of its own. The price: an origin that tells an id of its own again, in another delivery and
 * in another hour, is not refused; that is one event more, as if it had said another id. It is his alone (nobody else may use
 * the id), and his withdrawal takes both back: reports are asked by origin and id (take_withdrawn.c), whatever the hour. */
#include "exchange/take_private.h"

#include "store/reports.h"

/* Rows of events older than this are let go: their days are forgotten, too. */
#define KEPT_US (400 * DAY_US)
enum { FORGET_MOST = 500 /* at once, or twice what came */ };

/* Fields by which one event is told from another, and which no check cuts. */
static const str content[] = {
	STR_INIT("time.source"), STR_INIT("classification.type"), STR_INIT("classification.identifier"), STR_INIT("source.ip"),
	STR_INIT("source.port"), STR_INIT("source.network"), STR_INIT("destination.ip"), STR_INIT("destination.port"),
};

static uint64_t digest_of(str text)
{
	struct digest d = sha256(text);
	struct wire w = wire_of(str_mem(d.b, 8));
	return wire_le64(&w);
}

struct take_once take_once_of(str node, str item, str version, const struct json_pair *pairs, size_t count)
{
	struct take_once out = { .hour = 0 };
	struct buf text = BUF_INIT(MIB(2));
	int64_t us;
	buf_fmt(&text, STR_FMT " " STR_FMT " " STR_FMT, STR_ARG(node), STR_ARG(item), STR_ARG(version));
	out.tag = digest_of(buf_str(&text));
	buf_reset(&text);
	for (size_t f = 0; f < COUNT_OF(content); f++)
		for (size_t i = 0; i < count; i++) {
			if (!str_eq(pairs[i].key, content[f]))
				continue;
			buf_fmt(&text, "%zu=" STR_FMT "\n", f, STR_ARG(pairs[i].value));
			if (f == 0 && time_parse(pairs[i].value, true, &us) && us > 0)
				out.hour = us / HOUR_US;
		}
	out.sum = (uint32_t)digest_of(buf_str(&text));
	buf_free(&text);
	return out;
}

/* --- among those that came with it --- */

void take_once_begin(struct taking *t)
{
	for (t->once_room = 16; t->once_room < 2 * t->count; t->once_room *= 2)
		continue;
	t->once = ARENA_ARRAY(t->a, t->count + 1, struct take_once);
	t->once_at = ARENA_ARRAY(t->a, t->once_room, uint32_t); /* 1 + the place; 0: a hole */
	memset(t->once_at, 0, t->once_room * sizeof *t->once_at);
}

/* Its slot, or the hole where it would stand; here of any hour. */
static size_t slot_of(const struct taking *t, const struct take_once *o)
{
	size_t at = o->tag & (t->once_room - 1);
	while (t->once_at[at] && t->once[t->once_at[at] - 1].tag != o->tag)
		at = (at + 1) & (t->once_room - 1);
	return at;
}

bool take_once_among(const struct taking *t, enum take_seen *out)
{
	const struct take_once *o = &t->once[t->once_count];
	const uint32_t place = t->once_at[slot_of(t, o)];
	if (place)
		*out = t->once[place - 1].sum == o->sum && t->once[place - 1].hour == o->hour ? TAKE_SEEN : TAKE_OTHER;
	return place != 0;
}

void take_once_add(struct taking *t)
{
	size_t at = slot_of(t, &t->once[t->once_count]);
	t->once_at[at] = (uint32_t)++t->once_count;
}

/* --- among all --- */

enum rc take_once_find(struct conn *c, const struct take_once *o, enum take_seen *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT o.sum FROM taken_once o LEFT JOIN report r ON r.id = o.report WHERE o.hour = ? AND o.tag = ?"
			       " AND (r.state IS NULL OR r.state <> 4)");
	_Static_assert(REPORT_UNDONE == 4, "as the statement says");
	sql_int(q, 1, o->hour);
	sql_int(q, 2, (int64_t)o->tag);
	*out = !sql_row(q) ? TAKE_NEW : sql_col_int(q, 0) == o->sum ? TAKE_SEEN : TAKE_OTHER;
	return sql_end(q, err);
}

enum rc take_once_note(struct tx *tx, const struct take_once *list, size_t count, int64_t report, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct sql *q = sql(tx_conn(tx), "INSERT INTO taken_once (hour, tag, report, sum) VALUES (?1, ?2, ?3, ?4)"
						 " ON CONFLICT (hour, tag) DO UPDATE SET report = ?3, sum = ?4");
		sql_int(q, 1, list[i].hour);
		sql_int(q, 2, (int64_t)list[i].tag);
		sql_int(q, 3, report);
		sql_int(q, 4, list[i].sum);
		rc = sql_run(q, err);
	}
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM taken_once WHERE (hour, tag) IN (SELECT hour, tag FROM taken_once"
					 " WHERE hour > 0 AND hour < ? LIMIT ?)");
	sql_int(q, 1, (tx_now_us(tx) - KEPT_US) / HOUR_US);
	sql_int(q, 2, (int64_t)(2 * count > FORGET_MOST ? 2 * count : FORGET_MOST)); /* faster than they come */
	return sql_run(q, err);
}
