/* SPDX-License-Identifier: Apache-2.0 */
/* take_private.h: one delivery of a partner on its way in, and who takes which part of it. */
#ifndef RONDA_EXCHANGE_TAKE_PRIVATE_H
#define RONDA_EXCHANGE_TAKE_PRIVATE_H

#include "exchange/exchange_private.h"
#include "exchange/take.h"
#include "record/record.h"
#include "stix/stix_read.h"

/* One event of an origin's, to know it again (take_once.c). */
struct take_once {
	int64_t hour;
	uint64_t tag;
	uint32_t sum;
};
enum take_seen { TAKE_NEW, TAKE_SEEN, TAKE_OTHER /* the same id, another content */ };

struct taking {
	struct exchange *x;
	const struct partner *from;
	struct arena *a;
	struct stix_object *list;
	size_t count;
	str *words;                /* of each: why it was refused; p NULL: it was not */
	bool *hostile;             /* of each refused: a claim nobody honest makes: the journal has it */
	bool *old;                 /* of each taken: it, or what came after it, was here before: no effect */
	str node, us;              /* his node id and ours */
	str feed, actor;           /* "partner-NAME"; "partner--UUID" */
	str name;                  /* of the delivery */
	const struct types *types;
	struct buf lines;          /* events, for the way of a report */
	size_t line_count;
	uint64_t *origins;         /* a tag of each line's origin event */
	struct take_once *once; size_t once_count; /* of events of rondas; with room for one more */
	uint32_t *once_at; size_t once_room;       /* their places, by tag: a table with holes; a power of two */
	uint64_t *gone; size_t gone_count; /* tags of what is withdrawn in this delivery, ascending */
	struct reader *r;          /* while lines are made */
	int64_t report;
};

enum tlp take_tlp(const struct taking *t, const struct stix_object *o);
/* Refuses object `i`; `hostile`: what it claims is not his to claim. */
void take_refuse(struct taking *t, size_t i, bool hostile, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* take_events.c: object `i` as lines of a report. */
void take_event(struct taking *t, size_t i);
void take_foreign_events(struct taking *t, size_t i);
MUST_CHECK enum rc take_deliver(struct taking *t, struct err *err);
/* Inside a job, afterwards: which of his events the report has. Of a report that a kill left without a note it is noted
 * later that nobody knows. */
MUST_CHECK enum rc take_note_origins(struct tx *tx, struct taking *t, struct err *err);
uint64_t take_tag(str origin_event);

/* take_once.c: `version`: "", or which giving of it, when it was withdrawn before. */
struct take_once take_once_of(str node, str item, str version, const struct json_pair *pairs, size_t count);
MUST_CHECK enum rc take_once_find(struct conn *c, const struct take_once *o, enum take_seen *out, struct err *err);
/* The one behind the last: is it among those of this delivery? Then *out; and puts it there. */
bool take_once_among(const struct taking *t, enum take_seen *out);
void take_once_add(struct taking *t);
void take_once_begin(struct taking *t);
/* Inside a job, after they were taken. */
MUST_CHECK enum rc take_once_note(struct tx *tx, const struct take_once *list, size_t count, int64_t report,
				  struct err *err);

/* take_answer.c: what an answer, or a contribution, is about is looked up first, with a view of the store. */
struct take_about {
	bool says;                 /* it is a contribution */
	bool known, is_finding;
	bool theirs;               /* about a copy of the sender's own item; else it is ours, and was offered to him */
	struct hash128 finding;
	str item;                  /* "finding--HEX", "incident--UUID" */
};

/* take_record.c: inside a job of its own. An error refuses this object alone. */
MUST_CHECK enum rc take_record(struct tx *tx, struct taking *t, size_t i, const struct take_about *about,
			       struct arena *a, struct err *err);

MUST_CHECK enum rc take_answer_about(struct taking *t, struct reader *r, size_t i, struct take_about *out,
				     struct err *err);
MUST_CHECK enum rc take_answer(struct tx *tx, struct taking *t, size_t i, const struct take_about *about,
			       struct arena *a, struct err *err);
/* Inside the job: what it is about may have come in the same delivery, just before it. */
MUST_CHECK enum rc take_about_now(struct tx *tx, struct taking *t, struct take_about *about, struct err *err);
/* What people of a partner say (a type that means "contribution.about"): the copy was made; now what it is about. */
MUST_CHECK enum rc take_contribution(struct tx *tx, struct taking *t, size_t i, const struct take_about *about,
				     const struct record *copy, struct arena *a, struct err *err);

/* take_withdrawn.c: events of all of them at once, then records one by one. Of each a row stays (taken_withdrawn): the
 * same again, or what went before it, does not bring the item back. */
MUST_CHECK enum rc take_withdrawn_events(struct taking *t, struct err *err);
MUST_CHECK enum rc take_withdrawn(struct tx *tx, struct taking *t, size_t i, struct arena *a, struct err *err);
/* When its origin withdrew it, by its own clock. *out: TIME_NONE: it did not. */
MUST_CHECK enum rc take_when_withdrawn(struct conn *c, const struct uuid *node, str item, int64_t *out, struct err *err);
/* Is it among what is withdrawn in this delivery? Once take_withdrawn_list() was called. */
bool take_withdrawn_with(const struct taking *t, str item);
void take_withdrawn_list(struct taking *t);

#endif
