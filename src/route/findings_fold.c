/* SPDX-License-Identifier: Apache-2.0 */
/* The fold: events behind the cursor become findings and transitions, and the
 * cursor moves in the same job. A step is as many events as make one job short. */
#include "base/clock.h"
#include "route/finding_write.h"

enum {
	FOLD_FINDINGS = 32768, /* of one step: what is kept in memory until it is written */
	FOLD_AGAIN = 1024,     /* when others changed findings meanwhile: short enough to get between */
	FOLD_TRIES = 10
};

struct step {
	struct tally t;
	struct view v;
	struct writing w;
	const struct directory *d;
	uint64_t from, upto, most, most_findings, did;
	int64_t now_us;
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
	s->full = s->t.n >= s->most_findings || s->did >= s->most;
	return !s->full;
}

/* --- one finding --- */

/* Of several feeds each is told apart: from now on, if it was one so far. */
static void join_feeds(struct finding_row *f, const struct finding_row *old, const struct seen *s,
		       struct arena *a)
{
	const struct sighting before = { old->feed, old->first_us, old->last_us, old->run };
	f->seen_count = old->seen_count;
	f->seen = ARENA_ARRAY(a, old->seen_count + 1u, struct sighting);
	if (old->seen_count)
		memcpy(f->seen, old->seen, old->seen_count * sizeof(*old->seen));
	if (old->feeds == 1)
		sightings_join(&f->seen, &f->seen_count, &before, a);
	for (const struct sighting_link *l = &s->feeds; l; l = l->next)
		sightings_join(&f->seen, &f->seen_count, &l->s, a);
	f->feeds = f->seen_count;
}

static enum transition add_to(struct finding_row *f, const struct finding_row *old, const struct seen *s,
			      const struct directory *d, int64_t now_us, struct arena *a)
{
	bool newer = s->last_us >= old->last_us;
	if (newer)
		finding_row_of_seen(s, d, now_us, a, f);
	else
		*f = *old;
	f->state = old->state;
	f->returns = old->returns;
	f->events = old->events + s->events;
	f->first_us = s->first_us < old->first_us ? s->first_us : old->first_us;
	f->last_us = newer ? s->last_us : old->last_us;
	f->tlp = s->tlp > old->tlp ? s->tlp : old->tlp;
	f->confidence = s->confidence > old->confidence ? s->confidence : old->confidence;
	f->shared_address = old->shared_address;
	f->feeds = old->feeds;
	f->seen = old->seen;
	f->seen_count = old->seen_count;
	if (old->feeds != 1 || s->feeds.next || s->feeds.s.feed != old->feed) {
		join_feeds(f, old, s, a);
	} else {
		int64_t run = s->feeds.s.run;
		f->run = old->run > run ? old->run : run;
	}
	if (old->state == FINDING_GONE && s->last_us > old->last_us) {
		f->state = FINDING_RETURNED;
		f->returns++;
		return TRANSITION_RETURNED;
	}
	return old->state != FINDING_GONE && finding_row_changed(old, f) ? TRANSITION_CHANGED : 0;
}

/* What was noted before the first event was seen counts too. */
static void add_first(struct finding_row *f, const struct found *was, const struct seen *s,
		      const struct directory *d, int64_t now_us, struct arena *a)
{
	finding_row_of_seen(s, d, now_us, a, f);
	if (f->feeds > 1)
		for (const struct sighting_link *l = &s->feeds; l; l = l->next)
			sightings_join(&f->seen, &f->seen_count, &l->s, a);
	for (uint32_t i = 0; i < was->notes; i++) {
		if (f->feeds > 1 || was->note[i].feed != f->feed)
			sightings_join(&f->seen, &f->seen_count, &was->note[i], a);
		else if (was->note[i].run > f->run)
			f->run = was->note[i].run;
	}
	if (f->feeds > 1)
		f->feeds = f->seen_count;
}

/* --- a step --- */

static enum rc fold_findings(struct step *s, struct arena *a, struct err *err)
{
	enum rc rc = RC_OK;
	tally_sort(&s->t);
	for (size_t i = 0; i < s->t.n && rc == RC_OK; i++) {
		const struct seen *seen = &s->t.list[i];
		struct finding_row f;
		struct found was;
		enum transition what = TRANSITION_OPENED;
		if (s->w.layer)
			arena_reset(a);
		rc = view_find(&s->v, seen->id, a, &was, err);
		if (rc == RC_ABSENT)
			add_first(&f, &was, seen, s->d, s->now_us, a);
		else if (rc == RC_OK)
			what = add_to(&f, &was.row, seen, s->d, s->now_us, a);
		else
			return rc;
		rc = writing_put(&s->w, &f, &was, what, err);
	}
	return rc;
}

static enum rc read_events(struct step *s, struct reader *r, struct err *err)
{
	uint64_t last;
	enum rc rc = events_last_seq(r, &last, err);
	s->from = s->upto = (uint64_t)s->v.folded;
	if (rc != RC_OK || s->from >= last)
		return rc;
	tally_init(&s->t, reader_conn(r), store_secret(reader_store(r)));
	rc = findings_scan(r, s->from, 0, true, false, gather, s, err);
	s->t.c = NULL;
	/* The rest holds none: undone, damaged or forgotten. */
	if (rc == RC_OK && !s->full)
		s->upto = last;
	return rc;
}

static enum rc read_step(struct step *s, struct reader *r, struct arena *a, struct err *err)
{
	enum rc rc = view_begin(&s->v, r, NULL, true, err);
	if (rc != RC_OK)
		return rc;
	rc = read_events(s, r, err);
	if (rc == RC_OK && s->upto > s->from) {
		rc = writing_begin(&s->w, reader_store(r), &s->v, s->t.n > WRITE_FEW, err);
		if (rc == RC_OK)
			rc = fold_findings(s, a, err);
		s->w.fold_upto = (int64_t)s->upto;
	}
	view_end(&s->v);
	return rc;
}

static enum rc fold_step(struct store *store, const struct directory *d, uint64_t most,
			 uint64_t most_findings, uint64_t *did_out, struct err *err)
{
	struct step s = { .d = d, .most = most, .most_findings = most_findings,
			  .now_us = clock_now_us() };
	struct arena *a = arena_new(KIB(64));
	struct reader *r;
	enum rc rc = store_read_begin(store, &r, err);
	if (rc == RC_OK) {
		rc = read_step(&s, r, a, err);
		store_read_end(r);
	}
	if (rc == RC_OK && s.upto > s.from)
		rc = writing_commit(&s.w, err);
	if (rc == RC_OK)
		*did_out = s.upto - s.from;
	if (s.t.a)
		tally_free(&s.t);
	writing_end(&s.w);
	arena_free(a);
	return rc;
}

enum rc findings_fold(struct store *s, const struct directory *d, uint64_t most, uint64_t *did_out,
		      struct err *err)
{
	enum rc rc = RC_OK;
	uint64_t did = 1;
	int tries = 0;
	*did_out = 0;
	while (rc == RC_OK && did > 0 && *did_out < most) {
		did = 0;
		rc = fold_step(s, d, most - *did_out, tries ? FOLD_AGAIN : FOLD_FINDINGS, &did, err);
		*did_out += did;
		if (rc == RC_CONFLICT && tries++ < FOLD_TRIES) {
			rc = RC_OK;
			did = 1;
		}
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
