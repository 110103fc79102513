/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_feed.h"

#include "exchange/misp_private.h"
#include "route/directory.h"
#include "store/sql.h"

enum { LISTED_MAX = 100000, LICENCES_MAX = 256 };

/* --- releases --- */

static void read_row(struct sql *q, struct arena *a, struct misp_release *out)
{
	str u = sql_col_blob(q, 1);
	*out = (struct misp_release){
		.id = sql_col_int(q, 0),
		.group = { .day = (int32_t)sql_col_int(q, 2), .type = arena_str(a, sql_col_str(q, 3)),
			   .tlp = (enum tlp)sql_col_int(q, 4), .part = (uint32_t)sql_col_int(q, 5),
			   .stamp = sql_col_int(q, 6), .to = STR(""), .distribution = -1 },
		.first = (uint64_t)sql_col_int(q, 7), .last = (uint64_t)sql_col_int(q, 8),
		.events = (uint64_t)sql_col_int(q, 9), .present = (uint64_t)sql_col_int(q, 10),
	};
	if (u.n == sizeof(out->uuid.b))
		memcpy(out->uuid.b, u.p, u.n);
	if (out->group.tlp >= TLP_COUNT)
		out->group.tlp = TLP_RED;
}

enum rc misp_releases(struct exchange *x, struct conn *c, struct arena *a, struct misp_release **out, size_t *count_out,
		      struct err *err)
{
	int32_t oldest = time_day(clock_now_us()) + 1 - (int32_t)settings_int(x->w.settings, "misp_feed_days");
	struct sql *n = sql(c, "SELECT count(*) FROM misp_release WHERE day >= ?");
	size_t room = 0;
	sql_int(n, 1, oldest);
	if (sql_row(n))
		room = (size_t)sql_col_int(n, 0);
	enum rc rc = sql_end(n, err);
	*count_out = 0;
	if (rc == RC_OK && room > LISTED_MAX)
		return fail(err, RC_LIMIT, "more than %d MISP events: list fewer days (misp_feed_days)", LISTED_MAX);
	if (rc != RC_OK)
		return rc;
	*out = ARENA_ARRAY(a, room + 1, struct misp_release);
	struct sql *q = sql(c, "SELECT id, uuid, day, type, tlp, part, stamp, first_seq, last_seq, events, present"
			       " FROM misp_release WHERE day >= ? ORDER BY stamp");
	sql_int(q, 1, oldest);
	while (*count_out < room && sql_row(q))
		read_row(q, a, &(*out)[(*count_out)++]);
	return sql_end(q, err);
}

struct of_day {
	int32_t day;
	event_view_each each;
	void *ctx;
};

static bool is_of_day(void *ctx, const struct event_view *e)
{
	const struct of_day *d = ctx;
	return time_day(e->received_us) != d->day || d->each(d->ctx, e);
}

enum rc misp_release_events(struct reader *r, const struct viewer *v, const struct misp_release *rel, struct arena *a,
			    event_view_each each, void *ctx, struct err *err)
{
	struct filter_set f = { .query = { .after_seq = rel->first - 1, .before_seq = rel->last + 1, .oldest_first = true } };
	struct of_day d = { rel->group.day, each, ctx };
	enum rc rc = filter_add(&f, STR("type"), rel->group.type, a, err);
	if (rc == RC_OK)
		rc = filter_add(&f, STR("tlp"), str_of(tlp_name(rel->group.tlp)), a, err);
	return rc == RC_OK ? read_events(r, v, &f.query, is_of_day, &d, err) : rc;
}

/* --- who reads --- */

enum rc misp_feed_open_to(struct exchange *x, bool token, struct err *err)
{
	enum misp_feed_for who = misp_feed_for(x);
	if (who == MISP_FEED_NONE)
		return fail(err, RC_ABSENT, "this node has no MISP feed (misp_feed)");
	return token || who == MISP_FEED_PUBLIC ? RC_OK : fail(err, RC_DENIED, "this feed is for those who have a token");
}

enum rc misp_public(struct exchange *x, struct viewer *out, struct err *err)
{
	*out = viewer_public(CHANNEL_FEED);
	enum rc rc = policies_apply(x->w.policies, out, err);
	out->right = RIGHT_READ; /* that it is published is somebody's decision; of what, the check says */
	return rc;
}

/* The check's word on a marking, for this reader. */
static bool may_see(const struct viewer *v, enum tlp tlp)
{
	return (disclosure_tlp_mask(&v->as, v->channel, PURPOSE_HANDLING, &v->policy) >> tlp) & 1;
}

/* Terms of sources: what a feed's licence keeps from such a reader. Our own people read everything anyway. */
struct terms {
	struct exchange *x;
	struct conn *c;
	const struct viewer *v;
	struct arena *a;
	struct { str feed; bool may; } known[LICENCES_MAX];
	size_t count;
	struct err err;
};

static enum rc ask_terms(struct terms *t, str feed, bool *may, struct err *err)
{
	struct sql *q = sql(t->c, "SELECT licence FROM feed WHERE name = ?");
	struct labels item = { .tlp = TLP_CLEAR, .sources = 1 };
	sql_str(q, 1, feed);
	if (sql_row(q) && sql_col_str(q, 0).n > 0)
		labels_license(&item, policy_marks(&t->v->policy), sql_col_str(q, 0));
	*may = may_disclose(&item, &t->v->as, t->v->channel, PURPOSE_HANDLING, &t->v->policy).verdict != DISCLOSE_NO;
	return sql_end(q, err);
}

static bool terms_allow(struct terms *t, const struct event_view *e)
{
	struct buf feed = BUF_INIT(KIB(1));
	bool may = true;
	if (t->v->as.kind == RECIPIENT_STAFF)
		return true;
	(void)event_view_value(e, STR("feed.name"), &feed);
	for (size_t i = 0; i < t->count; i++)
		if (str_eq(t->known[i].feed, buf_str(&feed))) {
			may = t->known[i].may;
			buf_free(&feed);
			return may;
		}
	may = ask_terms(t, buf_str(&feed), &may, &t->err) == RC_OK && may;
	if (t->count < LICENCES_MAX) {
		t->known[t->count].feed = arena_str(t->a, buf_str(&feed));
		t->known[t->count++].may = may;
	}
	buf_free(&feed);
	return may;
}

/* --- one event --- */

struct filling {
	struct misp_writer *w;
	struct terms *terms;
	struct buf line;
	const struct key *secret;
	uint64_t *seqs;
	size_t count, room;
	uint64_t left_out;
	struct err err;
};

static bool fill(void *ctx, const struct event_view *e)
{
	struct filling *f = ctx;
	struct json_object *o = NULL;
	if (f->count < f->room && event_id_parse(f->secret, str_of(e->id), &f->seqs[f->count]))
		f->count++;
	if (!terms_allow(f->terms, e))
		return true;
	buf_reset(&f->line);
	struct json_out j = json_out(&f->line);
	event_view_json(e, &j);
	enum rc rc = f->line.over ? RC_LIMIT : json_read(buf_str(&f->line), &o, NULL);
	if (rc == RC_OK)
		rc = misp_add(f->w, o, e->received_us, &f->err);
	json_free(o);
	f->left_out += rc != RC_OK;
	return rc != RC_LIMIT;
}

static void note_withdrawn(const struct filling *f, str runs)
{
	struct wire w = wire_of(runs);
	uint64_t at = 0;
	size_t next = 0;
	char text[40];
	while (wire_left(&w) > 0 && !w.bad) {
		at += wire_varint(&w);
		uint64_t n = wire_varint(&w);
		for (uint64_t i = 0; !w.bad && i < n && i < MISP_PART_EVENTS; i++, at++) {
			while (next < f->count && f->seqs[next] < at)
				next++;
			if (next == f->count || f->seqs[next] != at)
				misp_add_withdrawn(f->w, event_id(f->secret, at, text));
		}
	}
}

static enum rc fill_writer(struct exchange *x, struct reader *r, const struct viewer *v, const struct misp_release *rel,
			   struct arena *a, struct misp_writer *w, struct err *err)
{
	struct terms *terms = ARENA_NEW(a, struct terms);
	*terms = (struct terms){ .x = x, .c = reader_conn(r), .v = v, .a = a };
	struct filling f = { .w = w, .terms = terms, .line = BUF_INIT(MIB(16)), .secret = store_secret(x->w.store),
			     .room = rel->events };
	f.seqs = ARENA_ARRAY(a, rel->events + 1, uint64_t);
	enum rc rc = misp_release_events(r, v, rel, a, fill, &f, err);
	if (rc == RC_OK && terms->err.rc != RC_OK)
		rc = fail(err, terms->err.rc, "%s", terms->err.text);
	if (rc == RC_OK && f.count < rel->events)
		note_withdrawn(&f, rel->runs);
	buf_free(&f.line);
	return rc;
}

static enum rc find_release(struct conn *c, const struct uuid *u, struct arena *a, struct misp_release *out,
			    struct err *err)
{
	struct sql *q = sql(c, "SELECT id, uuid, day, type, tlp, part, stamp, first_seq, last_seq, events, present, runs"
			       " FROM misp_release WHERE uuid = ?");
	bool found = false;
	sql_blob(q, 1, str_mem(u->b, sizeof(u->b)));
	if (sql_row(q)) {
		read_row(q, a, out);
		out->runs = arena_str(a, sql_col_blob(q, 11));
		found = true;
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? fail(err, RC_ABSENT, "there is no such MISP event") : rc;
}

enum rc misp_released(struct exchange *x, struct reader *r, const struct viewer *v, str uuid, struct buf *out,
		      struct err *err)
{
	struct misp_release rel;
	struct uuid u;
	struct arena *a = arena_new(KIB(64));
	enum rc rc = RC_OK;
	if (!uuid_parse(uuid, &u))
		rc = fail(err, RC_ABSENT, "there is no such MISP event");
	if (rc == RC_OK)
		rc = find_release(reader_conn(r), &u, a, &rel, err);
	if (rc == RC_OK && !may_see(v, rel.group.tlp))
		rc = fail(err, RC_ABSENT, "there is no such MISP event");
	if (rc == RC_OK) {
		struct misp_writer *w = misp_writer_new(&x->misp->maker, &rel.group);
		rc = fill_writer(x, r, v, &rel, a, w, err);
		if (rc == RC_OK)
			rc = misp_finish(w, out, err);
		misp_writer_free(w);
	}
	arena_free(a);
	return rc;
}

/* --- all of them --- */

enum rc misp_listed(struct exchange *x, struct reader *r, const struct viewer *v, misp_uuid_each each, void *ctx,
		    struct err *err)
{
	struct arena *a = arena_new(KIB(64));
	struct misp_release *list = NULL;
	size_t count = 0;
	bool goes_on = true;
	enum rc rc = misp_releases(x, reader_conn(r), a, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && goes_on && i < count; i++) {
		struct buf text = BUF_INIT(UUID_TEXT_BYTES + 1);
		if (!may_see(v, list[i].group.tlp))
			continue;
		uuid_format(&text, &list[i].uuid);
		goes_on = each(ctx, buf_str(&text));
		buf_free(&text);
	}
	arena_free(a);
	return rc;
}

enum rc misp_manifest(struct exchange *x, struct reader *r, const struct viewer *v, struct buf *out, struct err *err)
{
	struct arena *a = arena_new(KIB(64));
	struct misp_release *list = NULL;
	size_t count = 0;
	struct json_out j = json_out(out);
	enum rc rc = misp_releases(x, reader_conn(r), a, &list, &count, err);
	json_open(&j, '{');
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (may_see(v, list[i].group.tlp))
			misp_manifest_put(&x->misp->maker, &list[i].group, &j);
	json_close(&j, '}');
	arena_free(a);
	return rc == RC_OK && out->over ? fail(err, RC_LIMIT, "the manifest is too large: list fewer days (misp_feed_days)") : rc;
}

enum rc misp_hashes(struct exchange *x, struct reader *r, const struct viewer *v, struct buf *out, struct err *err)
{
	struct arena *all = arena_new(KIB(64)), *a = arena_new(KIB(64));
	struct misp_release *list = NULL;
	size_t count = 0;
	enum rc rc = misp_releases(x, reader_conn(r), all, &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (!may_see(v, list[i].group.tlp))
			continue;
		struct misp_writer *w = misp_writer_new(&x->misp->maker, &list[i].group);
		rc = fill_writer(x, r, v, &list[i], a, w, err);
		if (rc == RC_OK)
			rc = misp_finish_hashes(w, out, err);
		misp_writer_free(w);
		arena_reset(a);
	}
	arena_free(a);
	arena_free(all);
	return rc;
}
