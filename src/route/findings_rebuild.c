/* SPDX-License-Identifier: Apache-2.0 */
/* Rebuild: what base and events say is compared with what stands in main.db,
 * one part of all ids after the other so that memory stays bounded; what differs
 * is written, and told when people would call it a difference. The fold may go
 * on meanwhile: a row it changed is looked at again. */
#include "base/clock.h"
#include "route/finding_write.h"

enum {
	PART_FINDINGS = 60000,
	PART_BITS_MAX = 16,
	REPAIRS = 4096, /* of one job */
	ROUNDS = 50    /* over one part, when others change rows meanwhile */
};

struct repair {
	struct finding_row was, now;
	enum transition what; /* 0: none */
	enum { REPAIR_ADD, REPAIR_CHANGE, REPAIR_DROP } kind;
};

struct rebuild {
	struct store *store;
	const struct directory *d;
	size_t most; /* findings of one part: with more it is cut in two */
	bool undo; /* after an undo: what its report had returned was not gone */
	int64_t now_us;
	struct arena *a;      /* of the repairs under way */
	struct tally t;
	struct runs runs;
	struct arena *runs_a;
	int64_t *undone;
	size_t undone_count;
	struct repair *list;
	struct hash128 *ids;  /* of the repairs */
	size_t n;
	bool again;           /* rows were changed under us */
	bool too_many;
};

/* --- writing --- */

static bool same_row(const struct finding_row *a, const struct finding_row *b)
{
	return a->events == b->events && a->state == b->state && a->last_us == b->last_us &&
	       a->run == b->run && a->feeds == b->feeds && str_eq(a->concerns, b->concerns);
}

/* As it was compared, or it is looked at again. */
static enum change write_one(void *ctx, size_t i, struct found *f, bool is_there, struct arena *a,
			     enum transition *what)
{
	struct rebuild *rb = ctx;
	const struct repair *p = &rb->list[i];
	(void)a;
	if (is_there != (p->kind != REPAIR_ADD) || (is_there && !same_row(&f->row, &p->was))) {
		rb->again = true;
		return CHANGE_NOTHING;
	}
	*what = p->what;
	if (p->kind == REPAIR_DROP)
		return CHANGE_DROP;
	f->row = p->now;
	if (p->kind == REPAIR_ADD)
		f->notes = 0; /* what was noted stays beside it */
	return CHANGE_PUT;
}

static enum rc flush(struct rebuild *rb, struct err *err)
{
	for (size_t i = 0; i < rb->n; i++)
		rb->ids[i] = rb->list[i].now.id;
	enum rc rc = rb->n ? findings_change(rb->store, rb->ids, rb->n, write_one, NULL, rb, err) : RC_OK;
	rb->n = 0;
	arena_reset(rb->a);
	rb->list = ARENA_ARRAY(rb->a, REPAIRS, struct repair);
	rb->ids = ARENA_ARRAY(rb->a, REPAIRS, struct hash128);
	return rc;
}

/* --- comparing --- */

static bool is_undone(const struct rebuild *rb, int64_t report)
{
	for (size_t i = 0; i < rb->undone_count; i++)
		if (rb->undone[i] == report)
			return true;
	return false;
}

/* As the events say; a run that was noted for a repeat is newer than any event
 * tells, and stays, unless it is undone. */
static struct sighting *feeds_of(struct rebuild *rb, const struct seen *s,
				 const struct sighting *stored, size_t stored_count, size_t *n)
{
	*n = 0;
	for (const struct sighting_link *l = &s->feeds; l; l = l->next)
		++*n;
	struct sighting *list = ARENA_ARRAY(rb->a, *n, struct sighting);
	size_t at = 0;
	for (const struct sighting_link *l = &s->feeds; l; l = l->next) {
		struct sighting one = l->s;
		for (size_t i = 0; i < stored_count; i++)
			if (stored[i].feed == one.feed && stored[i].run > one.run &&
			    !is_undone(rb, stored[i].run))
				one.run = stored[i].run;
		size_t place = at++;
		for (; place > 0 && list[place - 1].feed > one.feed; place--)
			list[place] = list[place - 1];
		list[place] = one;
	}
	return list;
}

static bool same_feeds(const struct sighting *a, size_t an, const struct sighting *b, size_t bn)
{
	return an == bn && (an == 0 || memcmp(a, b, an * sizeof(*a)) == 0);
}

/* In a row only where there are several. */
static void set_feeds(struct finding_row *f, struct sighting *feeds, size_t n)
{
	f->seen = n > 1 ? feeds : NULL;
	f->seen_count = n > 1 ? (uint32_t)n : 0;
}

static bool same_texts(const struct finding_row *a, const struct finding_row *b)
{
	return str_eq(a->cc, b->cc) && str_eq(a->type, b->type) && str_eq(a->key, b->key) &&
	       str_eq(a->sides, b->sides) && !finding_row_changed(a, b);
}

static bool nothing_to_do(const struct finding_row *was, const struct finding_row *now)
{
	return same_row(was, now) && was->first_us == now->first_us && was->feed == now->feed &&
	       was->returns == now->returns && was->tlp == now->tlp && was->confidence == now->confidence && was->asn == now->asn &&
	       was->exercise == now->exercise && was->shared_address == now->shared_address &&
	       same_texts(was, now);
}

/* Its state follows from the runs; how often it came back is remembered only. */
static void judge(const struct rebuild *rb, struct repair *p, const struct sighting *feeds, size_t n)
{
	struct finding_row *now = &p->now;
	const struct finding_row *was = &p->was;
	bool gone = !now->shared_address && is_gone(&rb->runs, feeds, n);
	bool known = p->kind == REPAIR_CHANGE, was_gone = known && was->state == FINDING_GONE;
	now->returns = known ? was->returns : 0;
	if (rb->undo && known && gone && was->state == FINDING_RETURNED && now->returns)
		now->returns--; /* it was that report which brought it back */
	if (gone) {
		now->state = FINDING_GONE;
		p->what = known && !was_gone ? TRANSITION_GONE : 0;
		return;
	}
	now->state = now->returns ? FINDING_RETURNED : FINDING_OPEN;
	if (!known)
		p->what = TRANSITION_OPENED;
	else if (was_gone)
		p->what = TRANSITION_RETURNED;
	else
		p->what = finding_row_changed(was, now) ? TRANSITION_CHANGED : 0;
}

static struct repair *new_repair(struct rebuild *rb)
{
	struct repair *p = &rb->list[rb->n];
	*p = (struct repair){ 0 };
	return p;
}

static void add_missing(struct rebuild *rb, const struct seen *s)
{
	struct repair *p = new_repair(rb);
	size_t n;
	struct sighting *feeds = feeds_of(rb, s, NULL, 0, &n);
	p->kind = REPAIR_ADD;
	finding_row_of_seen(s, rb->d, rb->now_us, rb->a, &p->now);
	judge(rb, p, feeds, n);
	set_feeds(&p->now, feeds, n);
	rb->n++;
}

static void drop_stray(struct rebuild *rb, const struct finding_row *was)
{
	struct repair *p = new_repair(rb);
	p->kind = REPAIR_DROP;
	p->was = p->now = *was;
	p->what = was->state != FINDING_GONE ? TRANSITION_GONE : 0;
	rb->n++;
}

static void compare(struct rebuild *rb, const struct finding_row *was, const struct seen *s)
{
	struct repair *p = new_repair(rb);
	struct sighting alone, *feeds;
	const struct sighting *stored;
	size_t stored_count, n;
	sightings_of(was, &alone, &stored, &stored_count);
	feeds = feeds_of(rb, s, stored, stored_count, &n);
	p->kind = REPAIR_CHANGE;
	p->was = *was;
	finding_row_of_seen(s, rb->d, rb->now_us, rb->a, &p->now);
	if (n == 1)
		p->now.run = feeds[0].run;
	judge(rb, p, feeds, n);
	bool same = (n == 1 && was->feeds == 1) || same_feeds(feeds, n, stored, stored_count);
	if (n > 1 && was->feeds > 1)
		p->now.run = was->run; /* each feed has its own: this one tells nothing */
	set_feeds(&p->now, feeds, n);
	rb->n += !same || !nothing_to_do(was, &p->now);
}

static enum rc flush_when_full(struct rebuild *rb, struct err *err)
{
	return rb->n == REPAIRS || arena_bytes(rb->a) > MIB(4) ? flush(rb, err) : RC_OK;
}

/* Findings and tally, both by id, side by side. */
static enum rc walk_part(struct rebuild *rb, struct view *v, struct hash128 upto, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct finding_row was;
	size_t i = 0;
	enum rc rc = RC_OK;
	while (rc == RC_OK && view_next(v, a, &was, &rc, err) && id_cmp(was.id, upto) <= 0) {
		for (; rc == RC_OK && i < rb->t.n && id_cmp(rb->t.list[i].id, was.id) < 0; i++) {
			add_missing(rb, &rb->t.list[i]);
			rc = flush_when_full(rb, err);
		}
		if (rc != RC_OK)
			break;
		finding_row_own(&was, rb->a); /* until the repair is written */
		if (i < rb->t.n && id_cmp(rb->t.list[i].id, was.id) == 0)
			compare(rb, &was, &rb->t.list[i++]);
		else
			drop_stray(rb, &was);
		rc = flush_when_full(rb, err);
		arena_reset(a);
	}
	for (; rc == RC_OK && i < rb->t.n; i++) {
		add_missing(rb, &rb->t.list[i]);
		rc = flush_when_full(rb, err);
	}
	arena_free(a);
	return rc == RC_OK ? flush(rb, err) : rc;
}

static enum rc walk(struct rebuild *rb, struct reader *r, struct err *err)
{
	char from[16], upto[16];
	struct view v;
	part_bounds(&rb->t, from, upto);
	enum rc rc = flush(rb, err);
	if (rc == RC_OK)
		rc = view_begin(&v, r, NULL, true, err);
	if (rc != RC_OK)
		return rc;
	rc = view_walk(&v, id_of_bytes(str_mem(from, 16)), err);
	if (rc == RC_OK) {
		rc = walk_part(rb, &v, id_of_bytes(str_mem(upto, 16)), err);
		enum rc end = view_walk_end(&v, rc == RC_OK ? err : NULL);
		rc = rc == RC_OK ? end : rc;
	}
	view_end(&v);
	return rc;
}

/* --- one part --- */

static bool gather(void *ctx, const struct event_row *e)
{
	struct rebuild *rb = ctx;
	tally_event(&rb->t, e);
	rb->too_many = rb->t.n > rb->most;
	return !rb->too_many;
}

static enum rc load_undone(struct rebuild *rb, struct conn *c, struct err *err)
{
	size_t room = 0;
	struct sql *q = sql(c, "SELECT id FROM report WHERE state = 4");
	rb->undone_count = 0;
	rb->undone = NULL;
	while (sql_row(q)) {
		if (rb->undone_count == room) {
			room = room ? room * 2 : 64;
			int64_t *wider = ARENA_ARRAY(rb->runs_a, room, int64_t);
			if (rb->undone_count)
				memcpy(wider, rb->undone, rb->undone_count * sizeof(*wider));
			rb->undone = wider;
		}
		rb->undone[rb->undone_count++] = sql_col_int(q, 0);
	}
	return sql_end(q, err);
}

static enum rc read_part(struct rebuild *rb, struct reader *r, struct err *err)
{
	struct conn *c = reader_conn(r);
	int64_t folded, base;
	arena_reset(rb->runs_a);
	enum rc rc = cursor_get(c, STR("fold"), &folded, err);
	if (rc == RC_OK)
		rc = cursor_get(c, STR("base"), &base, err);
	if (rc == RC_OK)
		rc = runs_load(c, rb->runs_a, &rb->runs, err);
	if (rc == RC_OK)
		rc = load_undone(rb, c, err);
	rb->t.c = c;
	rb->t.report = 0;
	if (rc == RC_OK)
		rc = base_load(c, &rb->t, rb->most, err);
	rb->too_many = rb->t.n > rb->most;
	/* Newest first, so that what the newest event says is seldom written over. */
	if (rc == RC_OK && folded > base && !rb->too_many)
		rc = findings_scan(r, (uint64_t)base, (uint64_t)folded, false, true, gather, rb, err);
	return rc;
}

static enum rc one_part(struct rebuild *rb, unsigned bits, uint64_t part, struct err *err)
{
	struct reader *r;
	tally_reset(&rb->t);
	rb->t.part_shift = 64 - bits;
	rb->t.part = part;
	rb->too_many = rb->again = false;
	rb->now_us = clock_now_us();
	enum rc rc = store_read_begin(rb->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = read_part(rb, r, err);
	if (rc == RC_OK && !rb->too_many) {
		tally_sort(&rb->t);
		rc = walk(rb, r, err);
	}
	store_read_end(r);
	return rc;
}

static enum rc all_parts(struct rebuild *rb, struct err *err)
{
	unsigned bits = 0;
	enum rc rc = RC_OK;
	for (uint64_t part = 0; rc == RC_OK && part < UINT64_C(1) << bits;) {
		unsigned round = 0;
		do
			rc = one_part(rb, bits, part, err);
		while (rc == RC_OK && rb->again && !rb->too_many && ++round < ROUNDS);
		if (rc == RC_OK && rb->again && !rb->too_many)
			return fail(err, RC_BUSY, "the findings change too fast to be compared");
		if (rc == RC_OK && rb->too_many) {
			if (++bits > PART_BITS_MAX)
				return fail(err, RC_LIMIT, "too many findings to rebuild");
			part *= 2; /* the same first id, half as many */
		} else {
			part++;
		}
	}
	return rc;
}

enum rc findings_rebuild_by(struct store *s, const struct directory *d, size_t most, bool undo,
			    struct err *err)
{
	struct rebuild rb = { .store = s, .d = d, .most = most, .undo = undo, .a = arena_new(MIB(1)),
			      .runs_a = arena_new(KIB(16)) };
	tally_init(&rb.t, NULL, store_secret(s));
	enum rc rc = layers_drop_damaged(s, err);
	if (rc == RC_OK)
		rc = all_parts(&rb, err);
	tally_free(&rb.t);
	arena_free(rb.a);
	arena_free(rb.runs_a);
	return rc;
}

enum rc findings_rebuild(struct store *s, const struct directory *d, struct err *err)
{
	return findings_rebuild_by(s, d, PART_FINDINGS, false, err);
}

/* --- undo --- */

/* What this report made gone by not listing it is no longer missing. */
static enum rc step_back(struct tx *tx, void *ctx, struct err *err)
{
	int64_t report = *(const int64_t *)ctx;
	struct sql *q = sql(tx_conn(tx),
			    "UPDATE cursor SET seq = coalesce((SELECT max(o.id) FROM report o, report u "
			    "WHERE u.id = ?1 AND o.feed = u.feed AND o.state = 2 AND o.id < ?1), 0) "
			    "WHERE seq = ?1 AND name = 'run:' || (SELECT feed FROM report WHERE id = ?1)");
	sql_int(q, 1, report);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? findings_disturbed(tx, err) : rc;
}

enum rc findings_undo_report(struct store *s, const struct directory *d, int64_t report, struct err *err)
{
	enum rc rc = store_write(s, step_back, &report, err);
	return rc == RC_OK ? findings_rebuild_by(s, d, PART_FINDINGS, true, err) : rc;
}

/* --- back from a finding to its events --- */

struct looking {
	struct key key;
	struct hash128 id;
	struct finding_event e;
	event_each each;
	void *ctx;
};

static bool look(void *ctx, const struct event_row *row)
{
	struct looking *l = ctx;
	if (!finding_id_of(&l->key, row->batch, row->row, row->received_us, &l->e) ||
	    id_cmp(l->e.id, l->id) != 0)
		return true;
	return l->each(l->ctx, row);
}

enum rc findings_events(struct reader *r, struct hash128 id, event_each each, void *ctx,
			struct err *err)
{
	struct looking l = { .key = finding_key_derive(store_secret(reader_store(r))),
			     .id = id, .e = FINDING_EVENT_INIT, .each = each, .ctx = ctx };
	enum rc rc = findings_scan(r, 0, 0, true, false, look, &l, err);
	finding_event_free(&l.e);
	return rc;
}
