/* SPDX-License-Identifier: Apache-2.0 */
#include "base/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"

struct snapshot_ref {
	void *table;
	size_t holders; /* the place itself counts as one */
};

struct snapshot {
	pthread_mutex_t lock;
	struct snapshot_ref *now;
	void (*free_table)(void *table);
};

struct snapshot *snapshot_new(void (*free_table)(void *table))
{
	struct snapshot *s = x_alloc(sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->free_table = free_table;
	return s;
}

void snapshot_drop(struct snapshot *s, struct snapshot_ref *ref)
{
	if (!ref)
		return;
	pthread_mutex_lock(&s->lock);
	bool last = --ref->holders == 0;
	pthread_mutex_unlock(&s->lock);
	if (last) {
		s->free_table(ref->table);
		free(ref);
	}
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	snapshot_drop(s, s->now);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void snapshot_swap(struct snapshot *s, void *table)
{
	struct snapshot_ref *ref = x_alloc(sizeof(*ref));
	*ref = (struct snapshot_ref){ .table = table, .holders = 1 };
	pthread_mutex_lock(&s->lock);
	struct snapshot_ref *old = s->now;
	s->now = ref;
	pthread_mutex_unlock(&s->lock);
	snapshot_drop(s, old);
}

struct snapshot_ref *snapshot_hold(struct snapshot *s)
{
	pthread_mutex_lock(&s->lock);
	struct snapshot_ref *ref = s->now;
	if (ref)
		ref->holders++;
	pthread_mutex_unlock(&s->lock);
	return ref;
}

const void *snapshot_table(const struct snapshot_ref *ref)
{
	return ref ? ref->table : NULL;
}
