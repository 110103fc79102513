/* SPDX-License-Identifier: Apache-2.0 */
/* queue.h: a bounded queue of pointers between threads.
 *
 * What is put in belongs to whoever takes it out. Full = the putter waits:
 * that is our back-pressure. Locks live here and in snapshot.c and nowhere
 * else. */
#ifndef RONDA_BASE_QUEUE_H
#define RONDA_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue;

struct queue *queue_new(size_t capacity);
void queue_free(struct queue *q); /* only when no thread uses it any more */

/* False when the queue was closed: the item stays yours. */
bool queue_put(struct queue *q, void *item);
bool queue_try_put(struct queue *q, void *item); /* false also when full */

/* Waits; NULL when the queue is closed and empty. */
void *queue_take(struct queue *q);
/* Waits at most `timeout_us`; NULL then, or when closed and empty. 0: no wait. */
void *queue_take_for(struct queue *q, int64_t timeout_us);

void queue_close(struct queue *q);
bool queue_closed(struct queue *q);
size_t queue_length(struct queue *q);

/* A gate one thread opens and others wait at: the end of a job. */
struct gate;
struct gate *gate_new(void);
void gate_free(struct gate *g);
void gate_open(struct gate *g);
void gate_wait(struct gate *g);
bool gate_wait_for(struct gate *g, int64_t timeout_us); /* false: not open yet */


/* A set of numbers held by threads: who works on what. */
struct claims;
struct claims *claims_new(void);
void claims_free(struct claims *c);
bool claims_take(struct claims *c, int64_t id); /* false: another has it */
void claims_release(struct claims *c, int64_t id);
bool claims_any(struct claims *c);

#endif
