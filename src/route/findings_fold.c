/* SPDX-License-Identifier: Apache-2.0 */
/* The fold: events behind the cursor become findings and transitions, and the
 * cursor moves in the same job. A step is as many events as make one job short. */
#include "base/clock.h"
#include "route/findings_private.h"

enum {
	FOLD_FINDINGS = 2048, /* of one job: the writer is not held up for long */
	FOLD_TRIES = 10       /* when others changed rows meanwhile */
};

/* One finding of a step: the row as it shall be. */
struct change {
	struct finding_row row;
	const struct seen *seen;
	struct sighting before; /* what the one feed so far had seen */
	enum transition what;   /* 0: none */
	bool is_new, only_counts, alone; /* alone: one feed, which the row itself tells */
};

struct step {
	struct tally t;
	struct arena *a;
	const struct directory *d;
	struct change *changes;
	uint64_t from, upto, most, did;
	int64_t now_us;
	int64_t disturbed;
	bool full;
};

enum rc findings_scan(struct reader *r, uint64_t after, uint64_t upto, bool oldest_first, bool strict,
		      event_each each, void *ctx, struct err *err)
{
	const struct event_query q = {
		.after_seq = after, .before_seq = upto ? upto + 1 : 0,
		.tlp_mask = (1u << TLP_COUNT) - 1, .exercise = true, .oldest_first = oldest_first,
	};
	enum rc rc = events_scan(r, &q, each, ctx, err);
	/* What is damaged is for `verify` to tell; the rest must not wait for it. */
	return rc == RC_INPUT && !strict ? RC_OK : rc;
}

static bool gather(void *ctx, const struct event_row *e)
{
	struct step *s = ctx;
	tally_event(&s->t, e);
	s->upto = e->seq;
	s->did++;
	s->full = s->t.n >= FOLD_FINDINGS || s->did >= s->most;
	return !s->full;
}

/* --- one finding --- */

static void add_to(struct change *c, const struct finding_row *old, const struct seen *s,
		   const struct directory *d, int64_t now_us, struct arena *a)
{
	struct finding_row now;
	bool newer = s->last_us >= old->last_us;
	finding_row_of_seen(s, d, now_us, a, &now);
	c->row = newer ? now : *old;
	c->row.state = old->state;
	c->row.returns = old->returns;
	c->row.events = old->events + s->events;
	c->row.first_us = s->first_us < old->first_us ? s->first_us : old->first_us;
	c->row.last_us = newer ? s->last_us : old->last_us;
	c->row.tlp = s->tlp > old->tlp ? s->tlp : old->tlp;
	c->row.feeds = old->feeds;
	c->row.shared_address = old->shared_address;
	c->alone = old->feeds == 1 && !s->feeds.next && s->feeds.s.feed == old->feed;
	if (c->alone && old->run > c->row.run)
		c->row.run = old->run;
	if (old->state == FINDING_GONE && s->last_us > old->last_us) {
		c->row.state = FINDING_RETURNED;
		c->row.returns++;
		c->what = TRANSITION_RETURNED;
	} else if (old->state != FINDING_GONE && finding_row_changed(old, &c->row)) {
		c->what = TRANSITION_CHANGED;
	}
	c->only_counts = c->alone && !finding_row_changed(old, &c->row) && str_eq(old->sides, c->row.sides) &&
			 str_eq(old->key, c->row.key) && old->asn == c->row.asn && str_eq(old->cc, c->row.cc);
}

static enum rc prepare(struct step *s, struct conn *c, struct err *err)
{
	tally_sort(&s->t);
	s->changes = ARENA_ARRAY(s->a, s->t.n + 1, struct change);
	for (size_t i = 0; i < s->t.n; i++) {
		struct change *one = &s->changes[i];
		struct finding_row old;
		one->seen = &s->t.list[i];
		enum rc rc = finding_row_find(c, one->seen->id, s->a, &old, err);
		if (rc == RC_ABSENT) {
			finding_row_of_seen(one->seen, s->d, s->now_us, s->a, &one->row);
			one->is_new = true;
			one->alone = one->row.feeds == 1;
			one->what = TRANSITION_OPENED;
		} else if (rc == RC_OK) {
			one->before = (struct sighting){ old.feed, old.first_us, old.last_us, old.run };
			add_to(one, &old, one->seen, s->d, s->now_us, s->a);
		} else {
			return rc;
		}
	}
	return RC_OK;
}

/* --- the job --- */

/* More than one feed: each has a row of its own from now on. */
static enum rc write_feeds(struct conn *c, struct change *one, struct err *err)
{
	enum rc rc = RC_OK;
	if (!one->is_new && one->row.feeds == 1)
		rc = sighting_add(c, one->row.id, &one->before, err);
	for (const struct sighting_link *l = &one->seen->feeds; l && rc == RC_OK; l = l->next)
		rc = sighting_add(c, one->row.id, &l->s, err);
	return rc == RC_OK ? sightings_count(c, one->row.id, &one->row.feeds, err) : rc;
}

static enum rc still_as_read(struct tx *tx, const struct step *s, struct err *err)
{
	int64_t at, disturbed;
	enum rc rc = cursor_get(tx_conn(tx), STR("fold"), &at, err);
	if (rc == RC_OK)
		rc = cursor_get(tx_conn(tx), STR("findings"), &disturbed, err);
	if (rc == RC_OK && ((uint64_t)at != s->from || disturbed != s->disturbed))
		return fail(err, RC_CONFLICT, "findings changed meanwhile");
	return rc;
}

static enum rc write_step(struct tx *tx, void *ctx, struct err *err)
{
	struct step *s = ctx;
	struct conn *c = tx_conn(tx);
	enum rc rc = still_as_read(tx, s, err);
	for (size_t i = 0; i < s->t.n && rc == RC_OK; i++) {
		struct change *one = &s->changes[i];
		if (!one->alone)
			rc = write_feeds(c, one, err);
		if (rc == RC_OK)
			rc = one->is_new      ? finding_row_insert(c, &one->row, err) :
			     one->only_counts ? finding_row_touch(c, &one->row, err) :
						finding_row_update(c, &one->row, false, err);
		if (rc == RC_OK && one->what)
			rc = transition_add(tx, &one->row, one->what, err);
	}
	return rc == RC_OK ? cursor_set(c, STR("fold"), (int64_t)s->upto, err) : rc;
}

/* --- a step --- */

static enum rc read_step(struct step *s, struct reader *r, uint64_t *last, struct err *err)
{
	struct conn *c = reader_conn(r);
	int64_t at;
	enum rc rc = cursor_get(c, STR("fold"), &at, err);
	if (rc == RC_OK)
		rc = cursor_get(c, STR("findings"), &s->disturbed, err);
	if (rc == RC_OK)
		rc = events_last_seq(r, last, err);
	s->from = s->upto = (uint64_t)at;
	if (rc != RC_OK || s->from >= *last)
		return rc;
	tally_init(&s->t, c, store_secret(reader_store(r)));
	rc = findings_scan(r, s->from, 0, true, false, gather, s, err);
	/* The rest holds none: undone, damaged or forgotten. */
	if (rc == RC_OK && !s->full)
		s->upto = *last;
	if (rc == RC_OK)
		rc = prepare(s, c, err);
	s->t.c = NULL;
	return rc;
}

static enum rc fold_step(struct store *store, const struct directory *d, uint64_t most,
			 uint64_t *did_out, struct err *err)
{
	struct step s = { .d = d, .most = most, .now_us = clock_now_us(), .a = arena_new(KIB(256)) };
	struct reader *r;
	uint64_t last = 0;
	enum rc rc = store_read_begin(store, &r, err);
	if (rc == RC_OK) {
		rc = read_step(&s, r, &last, err);
		store_read_end(r);
	}
	if (rc == RC_OK && s.upto > s.from)
		rc = store_write(store, write_step, &s, err);
	if (rc == RC_OK)
		*did_out = s.upto - s.from;
	if (s.t.a)
		tally_free(&s.t);
	arena_free(s.a);
	return rc;
}

enum rc findings_fold(struct store *s, const struct directory *d, uint64_t most, uint64_t *did_out,
		      struct err *err)
{
	enum rc rc = RC_CONFLICT;
	uint64_t did = 0;
	*did_out = 0;
	for (int tries = 0; rc == RC_CONFLICT && tries < FOLD_TRIES; tries++)
		rc = fold_step(s, d, most, &did, err);
	while (rc == RC_OK && did > 0) {
		*did_out += did;
		if (*did_out >= most)
			break;
		did = 0;
		rc = fold_step(s, d, most - *did_out, &did, err);
	}
	/* Others are at it: the next call goes on. */
	return rc == RC_CONFLICT ? RC_OK : rc;
}

enum rc findings_caught_up(struct reader *r, bool *out, struct err *err)
{
	uint64_t last;
	int64_t at;
	enum rc rc = events_last_seq(r, &last, err);
	if (rc == RC_OK)
		rc = cursor_get(reader_conn(r), STR("fold"), &at, err);
	if (rc == RC_OK)
		*out = (uint64_t)at >= last;
	return rc;
}
