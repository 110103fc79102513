/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/clock.h"
#include "route/findings_private.h"

int id_cmp(struct hash128 a, struct hash128 b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return (a.lo > b.lo) - (a.lo < b.lo);
}

struct key finding_key_derive(const struct key *secret)
{
	return key_derive(secret, "finding");
}

void tally_init(struct tally *t, struct conn *c, const struct key *secret)
{
	*t = (struct tally){
		.a = arena_new(KIB(256)), .key = finding_key_derive(secret), .c = c, .part_shift = 64,
		.e = FINDING_EVENT_INIT, .sides = BUF_INIT(KIB(4)),
	};
	t->room = 1024;
	t->list = x_array(t->room, sizeof(*t->list));
	t->mask = 4095;
	t->slots = x_array(t->mask + 1, sizeof(*t->slots));
}

void tally_free(struct tally *t)
{
	arena_free(t->a);
	free(t->list);
	free(t->slots);
	finding_event_free(&t->e);
	buf_free(&t->sides);
}

void tally_reset(struct tally *t)
{
	arena_reset(t->a);
	memset(t->slots, 0, (t->mask + 1) * sizeof(*t->slots));
	t->n = 0;
}

bool tally_wants(const struct tally *t, struct hash128 id)
{
	return t->part_shift == 64 || id.hi >> t->part_shift == t->part;
}

static size_t slot_of(const struct tally *t, struct hash128 id)
{
	size_t at = (size_t)id.lo & t->mask; /* a keyed hash: already spread */
	while (t->slots[at] && id_cmp(t->list[t->slots[at] - 1].id, id) != 0)
		at = (at + 1) & t->mask;
	return at;
}

static void grow(struct tally *t)
{
	t->room *= 2;
	t->list = x_grow(t->list, t->room, sizeof(*t->list));
	free(t->slots);
	t->mask = t->room * 4 - 1;
	t->slots = x_array(t->mask + 1, sizeof(*t->slots));
	for (size_t i = 0; i < t->n; i++)
		t->slots[slot_of(t, t->list[i].id)] = (uint32_t)i + 1;
}

/* The entry of `id`; *fresh when it was made now, empty but for the id. */
static struct seen *entry(struct tally *t, struct hash128 id, bool *fresh)
{
	size_t at = slot_of(t, id);
	*fresh = t->slots[at] == 0;
	if (!*fresh)
		return &t->list[t->slots[at] - 1];
	if (t->n == t->room) {
		grow(t);
		at = slot_of(t, id);
	}
	t->slots[at] = (uint32_t)t->n + 1;
	t->list[t->n] = (struct seen){ .id = id };
	return &t->list[t->n++];
}

static void add_sighting(struct tally *t, struct seen *s, const struct sighting *one, bool fresh)
{
	struct sighting_link *l = &s->feeds;
	if (fresh) {
		l->s = *one;
		l->next = NULL;
		return;
	}
	while (l->s.feed != one->feed && l->next)
		l = l->next;
	if (l->s.feed != one->feed) {
		l->next = ARENA_NEW(t->a, struct sighting_link);
		l->next->s = *one;
		return;
	}
	l->s.first_us = one->first_us < l->s.first_us ? one->first_us : l->s.first_us;
	l->s.last_us = one->last_us > l->s.last_us ? one->last_us : l->s.last_us;
	l->s.run = one->run > l->s.run ? one->run : l->s.run;
}

/* A copy, or the one at hand when it says the same: most events of a run share
 * type, identifier, severity and country. */
static str kept(struct tally *t, str now, const str *last)
{
	return last && last->p && str_eq(now, *last) ? *last : arena_str(t->a, now);
}

static void newest(struct tally *t, struct seen *s, const struct finding_facts *f, int64_t feed)
{
	const struct seen *other = t->n > 1 ? &t->list[t->n - 2] : NULL;
	s->feed = feed;
	s->ip = f->ip;
	s->has_ip = f->has_ip;
	s->asn = f->asn;
	s->cc = kept(t, f->cc, other ? &other->cc : NULL);
	s->type = kept(t, f->type, other ? &other->type : NULL);
	s->identifier = kept(t, f->identifier, other ? &other->identifier : NULL);
	s->severity = kept(t, f->severity, other ? &other->severity : NULL);
	s->key = kept(t, buf_str(&t->e.words), &s->key);
	s->sides = kept(t, buf_str(&t->sides), &s->sides);
}

/* The event itself says whether its address was shared on its day: so the id of
 * its finding never changes. */
static bool is_shared(const struct batch *b, const struct row *r)
{
	const struct cell *c = batch_find(b, r, FIELD_RONDA_CONCERNS);
	str text = c ? cell_text(b, c) : STR_NONE;
	return str_find(text, STR(" shared net ")) < text.n;
}

bool finding_id_of(const struct key *key, const struct batch *b, const struct row *r, int64_t time_us,
		   struct finding_event *e)
{
	finding_facts_of(b, r, &e->f);
	if (e->f.time_us == TIME_NONE)
		e->f.time_us = time_us;
	e->shared_address = is_shared(b, r);
	if (!finding_key(&e->f, e->shared_address, &e->bytes, &e->words))
		return false;
	e->id = keyed_hash128_raw(key, buf_str(&e->bytes));
	return true;
}

void finding_event_free(struct finding_event *e)
{
	buf_free(&e->bytes);
	buf_free(&e->words);
}

static int64_t feed_of(struct tally *t, int64_t report)
{
	if (report == t->report && report)
		return t->feed;
	struct report r;
	t->report = report;
	/* Without an answer it is nobody's: the events count all the same. */
	t->feed = report_load(t->c, report, &r, NULL) == RC_OK ? r.feed : 0;
	return t->feed;
}

void tally_event(struct tally *t, const struct event_row *e)
{
	struct side sides[SIDES] = { 0 };
	bool fresh;
	if (!finding_id_of(&t->key, e->batch, e->row, e->received_us, &t->e) || !tally_wants(t, t->e.id))
		return;
	const struct finding_facts *f = &t->e.f;
	struct sighting one = { feed_of(t, e->report), f->time_us, f->time_us, e->report };
	struct seen *s = entry(t, t->e.id, &fresh);
	s->events++;
	add_sighting(t, s, &one, fresh);
	if (fresh || f->time_us > s->last_us || (f->time_us == s->last_us && e->seq > s->seq)) {
		sides_of_row(e->batch, e->row, sides);
		buf_reset(&t->sides);
		sides_pack(sides, &t->sides);
		newest(t, s, f, one.feed);
		s->last_us = f->time_us;
		s->seq = e->seq;
	}
	s->first_us = fresh || f->time_us < s->first_us ? f->time_us : s->first_us;
	s->tlp = fresh || f->tlp > s->tlp ? f->tlp : s->tlp;
	s->confidence = f->confidence > s->confidence ? f->confidence : s->confidence;
	s->exercise = f->exercise;
	s->shared_address = t->e.shared_address;
}

void tally_seen(struct tally *t, const struct seen *from)
{
	bool fresh;
	struct seen *s = entry(t, from->id, &fresh);
	for (const struct sighting_link *l = &from->feeds; l; l = l->next)
		add_sighting(t, s, &l->s, fresh && l == &from->feeds);
	uint64_t events = s->events + from->events;
	int64_t first = fresh || from->first_us < s->first_us ? from->first_us : s->first_us;
	enum tlp tlp = fresh || from->tlp > s->tlp ? from->tlp : s->tlp;
	uint8_t confidence = from->confidence > s->confidence ? from->confidence : s->confidence;
	if (fresh || from->last_us > s->last_us) {
		struct sighting_link feeds = s->feeds;
		*s = *from;
		s->feeds = feeds;
		s->cc = arena_str(t->a, from->cc);
		s->type = arena_str(t->a, from->type);
		s->identifier = arena_str(t->a, from->identifier);
		s->severity = arena_str(t->a, from->severity);
		s->key = arena_str(t->a, from->key);
		s->sides = arena_str(t->a, from->sides);
	}
	s->events = events;
	s->first_us = first;
	s->tlp = tlp;
	s->confidence = confidence;
}

static int seen_cmp(const void *a, const void *b)
{
	return id_cmp(((const struct seen *)a)->id, ((const struct seen *)b)->id);
}

void tally_sort(struct tally *t)
{
	qsort(t->list, t->n, sizeof(*t->list), seen_cmp);
}
