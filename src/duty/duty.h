/* SPDX-License-Identifier: Apache-2.0 */
/* duty.h: the watch, tied to a node.
 *
 * Keeps the table of shifts (roster.h), the writers of hand-overs (handover.h) and the records that
 * wait for somebody's answer (ladder.h) in step with the records, by one hook; says whom a clock tells
 * that tells "on-duty" (record/clocks.h), and pages him. */
#ifndef RONDA_DUTY_DUTY_H
#define RONDA_DUTY_DUTY_H

#include "disclosure/account.h"
#include "disclosure/policy.h"
#include "duty/roster.h"
#include "record/clocks.h"

struct duty;
struct duty_node {
	struct store *store;
	struct records *records;
	struct journal *journal;
	struct policies *policies;
	const struct roles *roles;
	const struct calendar *calendar;
	int64_t ladder_pause_us;   /* setting ladder_pause */
	int ladder_sends;          /* enum ladder_rung up to which messages go out by themselves; -1: none */
};
/* Before anything is written: registers its hook and its background work. */
MUST_CHECK enum rc duty_open(const struct duty_node *n, struct duty **out, struct err *err);
void duty_close(struct duty *d); /* when nobody writes any more; NULL is fine */

/* For clocks_tick(). Each person found has a notice, and beside it a page by each channel of his
 * field that means "duty.pages", the second not before PAGE_GAP after the first. */
struct clock_watch duty_watch(struct duty *d);
#define DUTY_PAGE_GAP (3 * MINUTE_US)

/* "person--…" in `a` */
str duty_person_id(const struct uuid *person, struct arena *a);

/* Whom a message to "duty:now" or "duty:next" is for at this moment: ids of persons, else
 * "role:duty". False: it is no such recipient. For senders. */
MUST_CHECK enum rc duty_recipients(struct conn *c, str recipient, struct arena *a, bool *is_duty_out,
				   str **out, size_t *count_out, struct err *err);

#endif
