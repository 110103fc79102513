/* SPDX-License-Identifier: Apache-2.0 */
/* destroy.h: destroy and refer: what may not be kept goes at once, by one person.
 *
 * For abuse material of children and the like. Nobody needs to agree first; a second person
 * reviews it afterwards. What is named (a report, a record in quarantine, an event, a
 * finding, a record) goes with all its bytes from tables, segments, index, outbox, log and free pages,
 * driven by erase.h. What stays is a record of a type that has the meanings
 * "destruction.objects", "destruction.done" and "destruction.reviewed": what kind of thing it
 * was, its SHA-256, how many, whom it was referred to, when and by whom. The same bytes are
 * turned away from then on (store/destroyed.h). A process cut short goes on at the next
 * start. What a hold keeps is refused: it is evidence somebody answers for. */
#ifndef RONDA_NODE_DESTROY_H
#define RONDA_NODE_DESTROY_H

#include "node/node.h"

enum { DESTROY_OBJECTS_MOST = 200 };

struct destroy_request {
	const str *objects; /* "report:12", "quarantine:5", "event--HEX", "finding--HEX", "incident-42" */
	size_t count;
	str agency;         /* whom it is referred to */
	str reference;      /* their number for it; "" none yet */
	str material;       /* choice of the field "material"; "" none said */
};
struct destroy_result {
	str id;             /* of the record: "destruction--…" */
	bool ended;         /* else it goes on by itself */
	str waits;          /* for what, when it has not ended */
	size_t objects, digests;
	const int64_t *backups; size_t backup_count; /* times of backups that may still hold it */
};
/* May he at all? A role that may make such a record. For buttons; node_destroy asks again. */
bool node_may_destroy(struct node *n, const struct viewer *v);
/* Does it; with `wait` until it has ended, a minute at most. RC_DENIED: not his to do, or under
 * hold; RC_ABSENT: one of the objects is not there for him. Nothing is done then. */
MUST_CHECK enum rc node_destroy(struct node *n, const struct viewer *v,
				const struct destroy_request *q, bool wait, struct arena *a,
				struct destroy_result *out, struct err *err);
/* What was found for a request of a person (privacy/subject.h) is erased the same way, but without a
 * record of its own and without digests: `request` says why. Events go one by one; the bytes of
 * their reports as they came go too. What is held, or not his to erase, stays and is told. */
struct erase_result {
	size_t erased, kept;
	const str *why;            /* one for each that is kept: "incident--…: it is under hold" */
	const str *objects;        /* those that are erased, as they were named */
	bool ended;
	str waits;
};
MUST_CHECK enum rc node_erase_found(struct node *n, const struct viewer *v, struct uuid request,
				    const str *objects, size_t count, store_job_fn also, void *ctx,
				    bool wait, struct arena *a, struct erase_result *out, struct err *err);
/* One piece of what is under way; *did_out false: nothing, or all of it must wait. */
MUST_CHECK enum rc node_destroy_work(struct node *n, bool *did_out, struct err *err);
/* Removes a file whose bytes were destroyed before; false: they were not, it stays. */
bool destroy_known_file(struct node *n, int dir, const char *name);
/* Once, after the records: work in the background, and who may review. */
void node_destroy_open(struct node *n);

#endif
