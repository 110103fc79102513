/* SPDX-License-Identifier: Apache-2.0 */
/* What is new is counted into groups, and each group that grew or shrank gets a time of its own. */
#include <stdlib.h>

#include "exchange/misp_feed.h"
#include "exchange/misp_private.h"
#include "store/sql.h"

enum { EVENTS_AT_ONCE = 500000, GROUPS_AT_ONCE = 4000 };
#define WATCH_US DAY_US /* erasing goes on in the background: looked at again for so long */

struct growing { /* one part of a group, with what is new in it */
	int32_t day;
	char type[64];
	enum tlp tlp;
	uint32_t part;
	uint64_t before, events; /* in it before, with what is new */
	uint64_t last;           /* number of the last event of the runs */
	uint64_t first, run;     /* the run that is open: where it begins, how long it is */
	struct buf runs;         /* gap, length, gap, length, …; each gap from the end of the run before */
	bool is_new;
};
struct counting {
	struct exchange *x;
	struct conn *c;
	struct growing *list;
	size_t count;
	struct growing *newest;    /* the one the last event went to: mostly the next one's too */
	uint64_t seq, seen;
	struct err err;
	bool full;
};

enum misp_feed_for misp_feed_for(const struct exchange *x)
{
	str says = settings_text(x->w.settings, "misp_feed");
	return str_eq(says, STR("public")) ? MISP_FEED_PUBLIC :
	       str_eq(says, STR("tokens")) ? MISP_FEED_TOKENS : MISP_FEED_NONE;
}

/* --- counting --- */

static void end_run(struct growing *g)
{
	if (g->run == 0)
		return;
	buf_varint(&g->runs, g->first - g->last);
	buf_varint(&g->runs, g->run);
	g->last = g->first + g->run;
	g->run = 0;
}

static void grow(struct growing *g, uint64_t seq)
{
	if (g->run > 0 && g->first + g->run != seq)
		end_run(g);
	if (g->run == 0)
		g->first = seq;
	g->run++;
	g->events++;
}

/* The newest part there is of it on disk; else the first. */
static enum rc load_part(struct counting *k, struct growing *g, struct err *err)
{
	struct sql *q = sql(k->c, "SELECT part, events, last_seq FROM misp_release WHERE day = ?1 AND type = ?2 AND tlp = ?3"
				  " ORDER BY part DESC LIMIT 1");
	sql_int(q, 1, g->day);
	sql_str(q, 2, str_of(g->type));
	sql_int(q, 3, g->tlp);
	g->part = 1;
	g->is_new = true;
	if (sql_row(q)) {
		g->part = (uint32_t)sql_col_int(q, 0);
		g->before = g->events = (uint64_t)sql_col_int(q, 1);
		g->last = (uint64_t)sql_col_int(q, 2) + 1;
		g->is_new = false;
	}
	return sql_end(q, err);
}

static bool same_group(const struct growing *g, int32_t day, str type, enum tlp tlp)
{
	return g->day == day && g->tlp == tlp && str_eq(str_of(g->type), type);
}

/* NULL: there is no room for another, or the store failed. */
static struct growing *group_of(struct counting *k, int32_t day, str type, enum tlp tlp)
{
	struct growing *g = k->newest;
	bool fresh = false;
	if (!g || !same_group(g, day, type, tlp)) {
		g = NULL;
		for (size_t i = k->count; i-- > 0 && !g;) /* the last one with that name is the part that grows */
			g = same_group(&k->list[i], day, type, tlp) ? &k->list[i] : NULL;
	}
	if (!g || g->events >= MISP_PART_EVENTS) {
		if (k->count == GROUPS_AT_ONCE) {
			k->full = true;
			return NULL;
		}
		uint32_t after = g ? g->part : 0;
		g = &k->list[k->count++];
		*g = (struct growing){ .day = day, .tlp = tlp, .part = after + 1, .is_new = true, .runs = BUF_INIT(MIB(1)) };
		(void)str_to_z(type, g->type, sizeof(g->type));
		fresh = after == 0;
	}
	if (fresh && load_part(k, g, &k->err) != RC_OK)
		return NULL;
	if (fresh && g->events >= MISP_PART_EVENTS) { /* what is on disk is full */
		g->part++;
		g->before = g->events = g->last = 0;
		g->is_new = true;
	}
	return k->newest = g;
}

static bool count_event(void *ctx, const struct event_view *e)
{
	struct counting *k = ctx;
	struct buf type = BUF_INIT(64), tlp = BUF_INIT(64);
	enum tlp mark = TLP_RED;
	uint64_t seq = 0;
	bool goes_on = true;
	k->seen++;
	bool known = event_id_parse(store_secret(k->x->w.store), str_of(e->id), &seq) &&
		     event_view_value(e, STR("classification.type"), &type) &&
		     event_view_value(e, STR("tlp"), &tlp) && tlp_parse(buf_str(&tlp), &mark) && mark < TLP_RED;
	if (known && !type.over) {
		struct growing *g = group_of(k, time_day(e->received_us), buf_str(&type), mark);
		goes_on = g != NULL;
		if (g)
			grow(g, seq);
	}
	if (goes_on && seq > 0)
		k->seq = seq;
	buf_free(&type);
	buf_free(&tlp);
	return goes_on;
}

/* --- what is taken back --- */

struct shrunk { int64_t id; uint64_t present; };

static bool count_present(void *ctx, const struct event_view *e)
{
	(void)e;
	++*(uint64_t *)ctx;
	return true;
}

/* Releases of which fewer events are there than when they were let out. */
static enum rc find_shrunk(struct exchange *x, struct reader *r, const struct viewer *v, struct arena *a,
			   struct shrunk **out, size_t *count_out, struct err *err)
{
	struct misp_release *list;
	size_t count;
	enum rc rc = misp_releases(x, reader_conn(r), a, &list, &count, err);
	*out = ARENA_ARRAY(a, count + 1, struct shrunk);
	*count_out = 0;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		uint64_t now = 0;
		rc = misp_release_events(r, v, &list[i], a, count_present, &now, err);
		if (rc == RC_OK && now != list[i].present)
			(*out)[(*count_out)++] = (struct shrunk){ list[i].id, now };
	}
	return rc;
}

/* --- writing --- */

struct releasing {
	struct counting k;
	struct shrunk *shrunk;
	size_t shrunk_count;
	int64_t act, watch_until_us; /* last line of the journal that was looked at */
	uint64_t cursor;
	const struct misp_maker *maker;
	size_t released;
};

/* A second that no release has yet, and later than all. */
static enum rc next_stamp(struct tx *tx, int64_t *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT coalesce(max(stamp), 0) FROM misp_release");
	int64_t now = tx_now_us(tx) / SECOND_US;
	*out = sql_row(q) ? sql_col_int(q, 0) + 1 : 0;
	*out = now > *out ? now : *out;
	return sql_end(q, err);
}

static enum rc write_part(struct tx *tx, struct releasing *l, struct growing *g, struct err *err)
{
	struct misp_group as = { .day = g->day, .type = str_of(g->type), .tlp = g->tlp, .part = g->part, .to = STR("") };
	const struct uuid u = misp_group_uuid(l->maker, &as);
	int64_t stamp;
	enum rc rc = next_stamp(tx, &stamp, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = g->is_new ?
		sql(tx_conn(tx), "INSERT INTO misp_release (uuid, day, type, tlp, part, first_seq, last_seq, events, present,"
				 " stamp, runs) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10)") :
		sql(tx_conn(tx), "UPDATE misp_release SET last_seq = ?7, present = present + ?8 - events, events = ?8,"
				 " stamp = ?9, runs = CAST(runs || ?10 AS BLOB) WHERE day = ?2 AND type = ?3 AND tlp = ?4 AND part = ?5");
	if (g->is_new) {
		struct wire w = wire_of(buf_str(&g->runs));
		sql_blob(q, 1, str_mem(u.b, sizeof(u.b)));
		sql_int(q, 6, (int64_t)wire_varint(&w)); /* the first gap is from zero */
	}
	sql_int(q, 2, g->day);
	sql_str(q, 3, str_of(g->type));
	sql_int(q, 4, g->tlp);
	sql_int(q, 5, g->part);
	sql_int(q, 7, (int64_t)g->last - 1);
	sql_int(q, 8, (int64_t)g->events);
	sql_int(q, 9, stamp);
	sql_blob(q, 10, buf_str(&g->runs));
	l->released++;
	return sql_run(q, err);
}

static enum rc write_shrunk(struct tx *tx, struct releasing *l, const struct shrunk *s, struct err *err)
{
	int64_t stamp;
	enum rc rc = next_stamp(tx, &stamp, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE misp_release SET present = ?2, stamp = ?3 WHERE id = ?1");
	sql_int(q, 1, s->id);
	sql_int(q, 2, (int64_t)s->present);
	sql_int(q, 3, stamp);
	l->released++;
	return sql_run(q, err);
}

static enum rc write_release(struct tx *tx, void *ctx, struct err *err)
{
	struct releasing *l = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < l->shrunk_count; i++)
		rc = write_shrunk(tx, l, &l->shrunk[i], err);
	for (size_t i = 0; rc == RC_OK && i < l->k.count; i++)
		rc = l->k.list[i].events > l->k.list[i].before ? write_part(tx, l, &l->k.list[i], err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO misp_feed (id, seq, act, watch_until_us) VALUES (1, ?1, ?2, ?3)"
					 " ON CONFLICT (id) DO UPDATE SET seq = ?1, act = ?2, watch_until_us = ?3");
	sql_int(q, 1, (int64_t)l->cursor);
	sql_int(q, 2, l->act);
	sql_int(q, 3, l->watch_until_us);
	return sql_run(q, err);
}

/* --- all of it --- */

static enum rc read_cursor(struct conn *c, struct releasing *l, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq, act, watch_until_us FROM misp_feed");
	if (sql_row(q)) {
		l->cursor = (uint64_t)sql_col_int(q, 0);
		l->act = sql_col_int(q, 1);
		l->watch_until_us = sql_col_int(q, 2);
	}
	return sql_end(q, err);
}

/* Acts that take events away, since last time? */
static enum rc read_acts(struct conn *c, struct releasing *l, struct err *err)
{
	struct sql *q = sql(c, "SELECT coalesce(max(number), 0), coalesce(sum(act IN ('undo', 'erase', 'destroy', 'destroy.done',"
			       " 'subject.erase')), 0) FROM journal WHERE number > ?");
	sql_int(q, 1, l->act);
	if (sql_row(q) && sql_col_int(q, 0) > 0) {
		l->act = sql_col_int(q, 0);
		if (sql_col_int(q, 1) > 0)
			l->watch_until_us = clock_now_us() + WATCH_US;
	}
	return sql_end(q, err);
}

static enum rc look(struct releasing *l, struct reader *r, const struct viewer *v, struct arena *a, struct err *err)
{
	struct counting *k = &l->k;
	uint64_t last = 0;
	k->c = reader_conn(r);
	enum rc rc = read_cursor(k->c, l, err);
	if (rc == RC_OK)
		rc = read_acts(k->c, l, err);
	if (rc == RC_OK && l->watch_until_us > clock_now_us())
		rc = find_shrunk(k->x, r, v, a, &l->shrunk, &l->shrunk_count, err);
	if (rc == RC_OK)
		rc = events_last_seq(r, &last, err);
	struct event_query q = { .after_seq = l->cursor, .oldest_first = true, .limit = EVENTS_AT_ONCE };
	if (rc == RC_OK && last > l->cursor)
		rc = read_events(r, v, &q, count_event, k, err);
	if (rc == RC_OK && k->err.rc != RC_OK)
		rc = fail(err, k->err.rc, "%s", k->err.text);
	for (size_t i = 0; i < k->count; i++)
		end_run(&k->list[i]);
	if (rc == RC_OK)
		l->cursor = k->full || k->seen == EVENTS_AT_ONCE ? k->seq : last;
	return rc;
}

static enum rc release_some(struct exchange *x, size_t *out, bool *more, struct err *err)
{
	struct releasing l = { .k = { .x = x, .list = x_array(GROUPS_AT_ONCE, sizeof(struct growing)) },
			       .maker = &x->misp->maker };
	struct viewer v = viewer_node(x->w.roles, "misp");
	struct arena *a = arena_new(KIB(16));
	struct reader *r;
	v.exercise = false; /* a drill is nobody's indicator */
	enum rc rc = policies_apply(x->w.policies, &v, err);
	if (rc == RC_OK)
		rc = store_read_begin(x->w.store, &r, err);
	if (rc == RC_OK) {
		uint64_t was = 0;
		rc = look(&l, r, &v, a, err);
		was = l.k.count + l.shrunk_count;
		store_read_end(r);
		if (rc == RC_OK && (was > 0 || l.k.seen > 0 || l.act > 0))
			rc = store_write(x->w.store, write_release, &l, err);
	}
	*more = rc == RC_OK && (l.k.full || l.k.seen == EVENTS_AT_ONCE);
	*out += l.released;
	for (size_t i = 0; i < l.k.count; i++)
		buf_free(&l.k.list[i].runs);
	free(l.k.list);
	arena_free(a);
	return rc;
}

enum rc misp_release(struct exchange *x, size_t *out, struct err *err)
{
	bool more = true;
	enum rc rc = RC_OK;
	*out = 0;
	if (atomic_exchange(&x->misp->releasing, true))
		return fail(err, RC_BUSY, "the MISP feed is being made right now");
	while (rc == RC_OK && more)
		rc = release_some(x, out, &more, err);
	atomic_store(&x->misp->releasing, false);
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct exchange *x = ctx;
	size_t released;
	*did_out = false;
	if (store_read_only(s) || misp_feed_for(x) == MISP_FEED_NONE || clock_mono_us() < atomic_load(&x->misp->next_us))
		return RC_OK;
	atomic_store(&x->misp->next_us, clock_mono_us() + settings_int(x->w.settings, "misp_feed_every"));
	enum rc rc = misp_release(x, &released, err);
	return rc == RC_BUSY ? RC_OK : rc;
}

enum rc misp_feed_open(struct exchange *x, struct err *err)
{
	(void)err;
	x->misp = x_alloc(sizeof(*x->misp));
	x->misp->x = x;
	misp_maker_of(store_node_id(x->w.store), store_node_name(x->w.store), &x->misp->maker);
	store_add_tend(x->w.store, tend, x);
	return RC_OK;
}

void misp_close(struct exchange *x)
{
	free(x->misp);
	x->misp = NULL;
}
