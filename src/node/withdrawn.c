/* SPDX-License-Identifier: Apache-2.0 */
#include "node/withdrawn.h"

#include <stdlib.h>

#include "node/pipeline.h"
#include "route/findings.h"
#include "store/events.h"

struct taking_back {
	struct node *n;
	int64_t report;
	str *ids;                  /* sorted */
	size_t id_count;
	uint64_t *seq;
	size_t count, room;
	str why;
};

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const str *)a, *(const str *)b);
}

static bool look(void *ctx, const struct event_row *row)
{
	struct taking_back *b = ctx;
	const struct cell *c = batch_find_extra(row->batch, row->row, STR("origin_event"));
	str id = c ? cell_text(row->batch, c) : STR_NONE;
	if (!id.p || !bsearch(&id, b->ids, b->id_count, sizeof *b->ids, by_text))
		return true;
	if (b->count == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		b->seq = x_grow(b->seq, b->room, sizeof *b->seq);
	}
	b->seq[b->count++] = row->seq;
	return true;
}

static enum rc find(struct taking_back *b, struct err *err)
{
	const struct event_query q = { .report = b->report, .tlp_mask = (1u << TLP_COUNT) - 1, .exercise = true };
	struct reader *r;
	enum rc rc = store_read_begin(b->n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = events_scan(r, &q, look, b, err);
	store_read_end(r);
	return rc;
}

static enum rc begin(struct tx *tx, void *ctx, struct err *err)
{
	struct taking_back *b = ctx;
	int64_t list = 0, erasing = 0;
	char object[40];
	enum rc rc = events_list_new(tx_conn(tx), &list, err);
	for (size_t i = 0; rc == RC_OK && i < b->count; i++)
		rc = events_list_add(tx, list, b->seq[i], err);
	snprintf(object, sizeof object, "events:%lld", (long long)list);
	if (rc == RC_OK)
		rc = erase_begin(tx, b->n->erase, str_of(object), b->why, STR("node"), &erasing, err);
	if (rc != RC_OK)
		return rc == RC_DENIED ? fail(err, RC_CONFLICT, "an event of it is kept for a case") : rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO taken_back (erasing) VALUES (?)");
	sql_int(q, 1, erasing);
	return sql_run(q, err);
}

enum rc node_take_back(void *ctx, int64_t report, const str *origin_events, size_t count, str why, uint64_t *out,
		       struct err *err)
{
	struct taking_back b = { .n = ctx, .report = report, .id_count = count, .why = why };
	*out = 0;
	if (count == 0)
		return RC_OK;
	b.ids = x_array(count, sizeof *b.ids);
	memcpy(b.ids, origin_events, count * sizeof *b.ids);
	qsort(b.ids, count, sizeof *b.ids, by_text);
	/* The fold must have seen them: else they would be folded after they are gone. */
	enum rc rc = pipeline_settle(b.n->pipeline, err);
	if (rc == RC_OK)
		rc = find(&b, err);
	if (rc == RC_OK && b.count > 0)
		rc = store_write(b.n->store, begin, &b, err);
	*out = b.count;
	free(b.ids);
	free(b.seq);
	return rc;
}

/* --- the findings follow --- */

struct ended {
	int64_t upto;              /* the last erasing of which all before have ended, too; 0: none */
};

static enum rc look_ended(struct store *s, struct ended *e, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT t.erasing, e.ended_us > 0 OR e.id IS NULL FROM taken_back t"
					    " LEFT JOIN erasing e ON e.id = t.erasing ORDER BY t.erasing");
	bool all = true;
	while (sql_row(q)) {
		all = all && sql_col_int(q, 1) != 0;
		if (all)
			e->upto = sql_col_int(q, 0);
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum rc forget(struct tx *tx, void *ctx, struct err *err)
{
	const struct ended *e = ctx;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM taken_back WHERE erasing <= ?");
	sql_int(q, 1, e->upto);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? findings_tidy(tx, err) : rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct node *n = ctx;
	struct ended e = { 0 };
	enum rc rc = look_ended(s, &e, err);
	if (rc != RC_OK || e.upto == 0)
		return rc;
	struct snapshot_ref *ref = node_directory(n);
	rc = findings_rebuild(s, snapshot_table(ref), err);
	snapshot_drop(n->directory, ref);
	if (rc == RC_OK)
		rc = store_write(s, forget, &e, err);
	*did_out = rc == RC_OK;
	return rc;
}

void node_withdrawn_open(struct node *n)
{
	store_add_tend(n->store, tend, n);
}
