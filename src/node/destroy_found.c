/* SPDX-License-Identifier: Apache-2.0 */
/* What was found about a person and may go, for his request. */
#include "node/destroy_private.h"

#include <stdlib.h>

#include "exchange/withdraw.h"

static enum rc begin_found(struct tx *tx, void *ctx, struct err *err)
{
	struct destroying *d = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < d->count && rc == RC_OK; i++)
		rc = destroy_write_down(tx, d, &d->list[i], err);
	if (rc == RC_OK)
		rc = destroy_add_row(tx, d, STR(""), d->seqs > 0, err);
	if (rc == RC_OK && d->recall)
		rc = withdrawal_put(tx, d->recall, &withdrawn_unsaid, err);
	if (rc == RC_OK && d->also)
		rc = d->also(tx, d->ctx, err);
	return rc;
}

/* What may not go is told; what is not there any more is gone. */
static enum rc find_found(struct destroying *d, struct reader *r, str object, struct err *err)
{
	struct err why = { 0 };
	enum rc rc = destroy_find(d, r, object, &why);
	if (rc == RC_DENIED || rc == RC_BUSY || rc == RC_INPUT) {
		d->why[d->erased->kept++] = arena_fmt(d->a, STR_FMT ": %s", STR_ARG(object), why.text);
		return RC_OK;
	}
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "%s", why.text);
	d->done[d->erased->erased++] = object;
	return RC_OK;
}

static enum rc find_these(struct destroying *d, const str *objects, size_t count, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(d->n->store, &r, err);
	d->why = ARENA_ARRAY(d->a, count + 1, str);
	d->done = ARENA_ARRAY(d->a, count + 1, str);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = find_found(d, r, objects[i], err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && d->seqs) {
		struct goner *g = destroy_add_goner(d, STR(""), DESTROY_BEGIN, STR("events"));
		g->seq = d->seq;
		g->seqs = d->seqs;
	}
	return rc;
}

enum rc node_erase_found(struct node *n, const struct viewer *v, struct uuid request,
			 const str *objects, size_t count, store_job_fn also, void *ctx, bool wait,
			 struct arena *a, struct erase_result *out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(n->types);
	struct destroy_result state = { .id = STR(""), .waits = STR("") };
	const struct destroy_request none = { .agency = STR(""), .reference = STR(""), .material = STR("") };
	struct destroying d = { .n = n, .v = v, .q = &none, .types = snapshot_table(ref), .a = a,
				.out = &state, .record = request, .merge = true, .erased = out,
				.also = also, .ctx = ctx };
	struct err why = { 0 };
	*out = (struct erase_result){ .waits = STR("") };
	enum rc rc = right_includes(v->right, RIGHT_OPERATE) ?
			     RC_OK : fail(&why, RC_DENIED, "this needs the right 'operate'");
	if (rc == RC_OK)
		rc = find_these(&d, objects, count, &why);
	out->why = d.why;
	out->objects = d.done;
	if (rc == RC_OK && d.count)
		rc = destroy_begin(&d, begin_found, &why);
	out->ended = !d.count;
	if (rc == RC_OK && wait && d.count) {
		rc = destroy_drive(&d, &why);
		out->ended = state.ended;
		out->waits = state.waits;
	}
	free(d.seq);
	free(d.list);
	snapshot_drop(n->types, ref);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}
