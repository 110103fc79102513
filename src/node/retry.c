/* SPDX-License-Identifier: Apache-2.0 */
/* retry.c: quarantined records once more, with the parsers of today.
 *
 * The whole report is parsed again from its raw bytes, and only the records
 * asked for are taken from it: so a record sees its header, its packing and
 * its neighbours as it did the first time, whatever the format. */
#include <stdlib.h>

#include "node/pipeline_private.h"

struct wanted {
	int64_t id;       /* of the quarantine row */
	uint64_t input;
	bool mended;
};

struct retry {
	struct pipeline *p;
	struct report r;
	struct feed feed;
	struct raw_reader *raw;
	struct prepare prepare;
	struct work *w;
	struct wanted *list;
	size_t count;
	uint64_t mended;
	str actor;
	enum rc rc;
	struct err err;
};

static struct wanted *wanted_input(struct retry *t, uint64_t input)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].input == input)
			return &t->list[i];
	return NULL;
}

static struct batch *retry_room(void *ctx)
{
	struct retry *t = ctx;
	batch_reset(t->w->batch);
	return t->rc == RC_OK ? t->w->batch : NULL;
}

static enum rc commit_retry(struct tx *tx, void *ctx, struct err *err)
{
	struct retry *t = ctx;
	enum rc rc = work_commit(tx, t->w, err);
	for (size_t i = 0; rc == RC_OK && i < t->count; i++)
		if (t->list[i].mended)
			rc = quarantine_mark(tx, t->list[i].id, QUARANTINE_RETRIED, err);
	struct buf object = BUF_INIT(64);
	buf_fmt(&object, "report:%lld", (long long)t->r.id);
	struct journal_act act = { .act = "retry", .actor = t->actor, .object = buf_str(&object),
				   .count = t->mended };
	if (rc == RC_OK)
		rc = journal_add(tx, t->p->node->journal, &act, err);
	buf_free(&object);
	return rc;
}

/* Keeps the rows of wanted records; the report's counts move those records from
 * quarantined to accepted (or repeats), so that the equation holds. */
static bool retry_give(void *ctx, struct batch *b)
{
	struct retry *t = ctx;
	uint32_t kept = 0;
	uint64_t mended = 0;
	for (size_t i = 0; i < t->count; i++)
		t->list[i].mended = false;
	for (uint32_t i = 0; i < b->c.rows; i++) {
		struct wanted *w = wanted_input(t, b->row[i].input);
		if (!w)
			continue;
		mended += !w->mended;
		w->mended = true;
		b->row[kept++] = b->row[i];
	}
	if (kept == 0)
		return true;
	b->c.rows = kept;
	b->c.rejects = 0;
	b->c.inputs = b->c.quarantined = b->c.dropped = b->c.blank = 0;
	b->c.next_offset = t->r.next_offset;
	b->c.next_input = t->r.next_input;
	t->rc = work_prepare(t->w, &t->prepare, &t->r, &t->err);
	if (t->rc != RC_OK)
		return false;
	t->r.counts.quarantined -= mended;
	t->mended += mended;
	t->w->after = t->r;
	t->rc = store_write(t->p->node->store, commit_retry, t, &t->err);
	work_end(t->w, t->rc == RC_OK);
	return t->rc == RC_OK;
}

static long retry_read(void *ctx, void *to, size_t n)
{
	return raw_read(((struct retry *)ctx)->raw, to, n);
}

static bool retry_rewind(void *ctx)
{
	raw_rewind(((struct retry *)ctx)->raw);
	return true;
}

static enum rc retry_parse(struct retry *t, struct err *err)
{
	struct node *n = t->p->node;
	struct intake_job job = { .format = str_of(t->r.format),
				  .hints = { .file_name = str_of(t->r.file_name), .feed = t->feed.name,
					     .mapping = t->feed.mapping },
				  .packed_bytes = t->r.bytes };
	struct parser_io io = { .ctx = t, .read = retry_read, .rewind = retry_rewind,
				.room = retry_room, .give = retry_give };
	struct intake_result result = { 0 };
	struct err parse_err = { 0 };
	enum rc rc = parser_run(n->parsers, &job, &io, &result, &parse_err);
	if (t->rc != RC_OK) {
		if (err)
			*err = t->err;
		return t->rc;
	}
	if (rc != RC_OK && err)
		*err = parse_err;
	return rc;
}

static enum rc retry_report(struct retry *t, struct reader *reader, struct arena *a, struct err *err)
{
	struct node *n = t->p->node;
	enum rc rc = feed_by_id(reader_conn(reader), t->r.feed, a, &t->feed, err);
	if (rc != RC_OK)
		return rc;
	if (!claims_take(t->p->active, t->r.id))
		return fail(err, RC_BUSY, "report %lld is being taken in right now", (long long)t->r.id);
	struct snapshot_ref *directory = node_directory(n);
	t->prepare = (struct prepare){ .node = n, .feed = &t->feed,
				       .directory = snapshot_table(directory),
				       .fingerprint_key = &t->p->fingerprint_key };
	t->w = queue_take(t->p->free_work);
	rc = raw_open(n->store, t->r.id, &t->raw, err);
	if (rc == RC_OK)
		rc = retry_parse(t, err);
	raw_close(t->raw);
	queue_put(t->p->free_work, t->w);
	snapshot_drop(n->directory, directory);
	claims_release(t->p->active, t->r.id);
	pipeline_wake(t->p);
	return rc;
}

static int by_report(const void *a, const void *b)
{
	const struct quarantined *x = a, *y = b;
	return (x->report > y->report) - (x->report < y->report);
}

static enum rc list_open(struct reader *r, int64_t id, struct arena *a, struct quarantined **out,
			 size_t *count_out, struct err *err)
{
	if (id) {
		struct quarantined *one = ARENA_NEW(a, struct quarantined);
		*out = one;
		*count_out = 1;
		return quarantine_get(reader_conn(r), id, a, one, err);
	}
	/* Records of closed quarantine rows are not wanted any more. */
	struct quarantined *all = NULL;
	size_t count = 0, open = 0;
	enum rc rc = quarantine_list(reader_conn(r), 0, RETRY_MOST, false, a, &all, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (all[i].state == QUARANTINE_OPEN)
			all[open++] = all[i];
	*out = all;
	*count_out = open;
	return rc;
}

enum rc pipeline_retry(struct pipeline *p, int64_t id, str actor, uint64_t *tried_out,
		       uint64_t *mended_out, struct err *err)
{
	struct arena *a = arena_new(KIB(64));
	struct reader *reader = NULL;
	struct quarantined *all = NULL;
	size_t count = 0;
	*tried_out = *mended_out = 0;
	enum rc rc = store_read_begin(p->node->store, &reader, err);
	if (rc == RC_OK)
		rc = list_open(reader, id, a, &all, &count, err);
	if (rc == RC_OK && count)
		qsort(all, count, sizeof(*all), by_report);
	for (size_t i = 0; rc == RC_OK && i < count;) {
		struct retry t = { .p = p, .actor = actor };
		int64_t report = all[i].report;
		t.list = ARENA_ARRAY(a, count - i, struct wanted);
		for (; i < count && all[i].report == report; i++)
			t.list[t.count++] = (struct wanted){ .id = all[i].id, .input = all[i].input };
		rc = report_load(reader_conn(reader), report, &t.r, err);
		if (rc == RC_OK)
			rc = retry_report(&t, reader, a, err);
		*tried_out += t.count;
		*mended_out += t.mended;
	}
	if (reader)
		store_read_end(reader);
	arena_free(a);
	return rc;
}
