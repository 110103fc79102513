/* SPDX-License-Identifier: Apache-2.0 */
/* quota.h: how much of this node one partner may use, so that a flood of one hurts nobody else.
 *
 * Three meters a partner: objects he sends, bytes as they came, and the time our processor spends on answering him. Each
 * fills by its rate, up to QUOTA_BURST_US of it; what is asked for is let in while the meters stand above nothing and is
 * paid for afterwards, so one envelope is never refused for its size. What is over is refused before its body is read,
 * with the time to wait. Warnings and incidents may draw on as much again: bulk never keeps them out.
 *
 * The rates are settings (exchange_quota_objects, _bytes, _share); a partner's record may say others. What was refused is
 * counted in his row, now and then, for the operator. The meters live in memory: a node that was started again begins full. */
#ifndef RONDA_EXCHANGE_QUOTA_H
#define RONDA_EXCHANGE_QUOTA_H

#include "exchange/collection.h"

#define QUOTA_BURST_US (10 * SECOND_US)

struct quotas; /* of one node; threads share it */
struct quotas *quotas_new(void);
void quotas_free(struct quotas *q); /* NULL is fine */

/* What he may use, a second: 0 objects or bytes: any; share: hundredths of one processor. */
struct quota { uint64_t objects, bytes, share; };
struct quota quota_of(const struct exchange *x, const struct partner *p);

struct quota_cost { uint64_t objects, bytes; int64_t cpu_us; };

/* 0: come in. Else how long he shall wait, at least a second; *why_out: static words. `urgent`: a warning or an
 * incident. It counts as refused. */
int64_t quota_ask(struct exchange *x, const struct partner *p, bool urgent, const char **why_out);
/* The same for the holder of a key that was let in before, as long as he has to wait: without a look into the store. */
int64_t quota_ask_pin(struct exchange *x, const struct digest *pin, bool urgent, const char **why_out);
/* Afterwards: what it took. `pin`: of the key he showed; NULL: none. */
void quota_spend(struct exchange *x, const struct partner *p, const struct digest *pin, const struct quota_cost *cost);
/* How long one whose meter is empty shall wait before he sends again; 0: he may go on. Nothing is counted. */
int64_t quota_wait(struct exchange *x, const struct partner *p);
/* Time of the processor that this thread used so far. */
int64_t quota_cpu_us(void);

/* --- what stands in his row --- */

struct quota_state {
	uint64_t refused;          /* since he is a partner */
	int64_t refused_us;        /* the last; 0: never */
	uint64_t day_bytes;        /* went over the line today (UTC), both ways, as we called him */
};
MUST_CHECK enum rc quota_state(struct conn *c, struct uuid partner, int64_t now_us, struct quota_state *out,
			       struct err *err);
/* For the operator, with the next step: he sent more than he may, in the last hour, or our line is used up for today; ""
 * neither. */
str quota_words(const struct exchange *x, const struct partner *p, const struct quota_state *s, int64_t now_us,
		struct arena *a);
/* Inside a job: bytes that went over a line that we may have to pay for. */
MUST_CHECK enum rc quota_note_day(struct tx *tx, struct uuid partner, uint64_t bytes, struct err *err);
/* When less urgent things may go on our line to him again, microseconds from now; 0: now. By his record's bytes a day. */
MUST_CHECK enum rc quota_line(struct conn *c, const struct partner *p, int64_t now_us, int64_t *wait_out, struct err *err);

#endif
