/* SPDX-License-Identifier: Apache-2.0 */
/* take_private.h: one delivery of a partner on its way in, and who takes which part of it. */
#ifndef RONDA_EXCHANGE_TAKE_PRIVATE_H
#define RONDA_EXCHANGE_TAKE_PRIVATE_H

#include "exchange/exchange_private.h"
#include "exchange/take.h"
#include "record/record.h"
#include "stix/stix_read.h"

struct taking {
	struct exchange *x;
	const struct partner *from;
	struct arena *a;
	struct stix_object *list;
	size_t count;
	str *words;                /* of each: why it was refused; p NULL: it was not */
	bool *hostile;             /* of each refused: a claim nobody honest makes: the journal has it */
	str node, us;              /* his node id and ours */
	str feed, actor;           /* "partner-NAME"; "partner--UUID" */
	str name;                  /* of the delivery */
	const struct types *types;
	struct buf lines;          /* events, for the way of a report */
	size_t line_count;
	uint64_t *origins;         /* a tag of each line's origin event */
	int64_t report;
};

enum tlp take_tlp(const struct taking *t, const struct stix_object *o);
/* Refuses object `i`; `hostile`: what it claims is not his to claim. */
void take_refuse(struct taking *t, size_t i, bool hostile, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* take_events.c: object `i` as lines of a report. */
void take_event(struct taking *t, size_t i);
void take_foreign_events(struct taking *t, size_t i);
MUST_CHECK enum rc take_deliver(struct taking *t, struct err *err);
/* Inside a job, afterwards: which of his events the report has. */
MUST_CHECK enum rc take_note_origins(struct tx *tx, struct taking *t, struct err *err);
uint64_t take_tag(str origin_event);

/* take_answer.c: what an answer, or a contribution, is about is looked up first, with a view of the store. */
struct take_about {
	bool known, is_finding;
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
/* What people of a partner say (a type that means "contribution.about"): the copy was made; now what it is about. */
MUST_CHECK enum rc take_contribution(struct tx *tx, struct taking *t, size_t i, const struct take_about *about,
				     const struct record *copy, struct arena *a, struct err *err);

/* take_withdrawn.c: events of all of them at once, then records one by one. */
MUST_CHECK enum rc take_withdrawn_events(struct taking *t, struct err *err);
MUST_CHECK enum rc take_withdrawn(struct tx *tx, struct taking *t, size_t i, struct arena *a, struct err *err);

#endif
