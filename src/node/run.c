/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: one report from its raw bytes to the disk. The calling thread copies
 * and prepares batches while the child parses the next one and the store's
 * writer commits the one before. */
#include <stdlib.h>

#include "node/pipeline_private.h"
#include "record/deliveries.h"

struct work *work_new(void)
{
	struct work *w = x_alloc(sizeof(*w));
	w->batch = batch_new();
	return w;
}

void work_free(struct work *w)
{
	if (!w)
		return;
	batch_free(w->batch);
	free(w);
}

/* --- what the node adds and takes out --- */

static enum rc add_int(struct batch *b, uint32_t row, enum field f, enum cell_kind kind, int64_t v)
{
	struct cell c = { .field = (uint8_t)f, .kind = (uint8_t)kind, .i = v };
	return batch_amend(b, row, &c, STR_NONE);
}

static enum rc add_float(struct batch *b, uint32_t row, enum field f, double v)
{
	struct cell c = { .field = (uint8_t)f, .kind = CELL_FLOAT, .f = v };
	return batch_amend(b, row, &c, STR_NONE);
}

/* A list without times says "now": the time of receipt stands for it, as the
 * same list tomorrow is a new observation. */
static enum rc assume_times(struct batch *b, int64_t received_us)
{
	enum rc rc = RC_OK;
	for (uint32_t i = 0; rc == RC_OK && i < b->c.rows; i++) {
		if (batch_find(b, &b->row[i], FIELD_TIME_SOURCE))
			continue;
		rc = add_int(b, i, FIELD_TIME_SOURCE, CELL_TIME, received_us);
		if (rc == RC_OK)
			rc = add_int(b, i, FIELD_RONDA_TIME_ASSUMED, CELL_BOOL, 1);
	}
	return rc;
}

/* Feed, drill and time of receipt: never taken from the report; marking and accuracy where it has none. */
static enum rc label(struct batch *b, const struct feed *feed, const struct report *r)
{
	enum rc rc = RC_OK;
	struct cell name = { .field = FIELD_FEED_NAME, .kind = CELL_TEXT, .n = (uint32_t)feed->name.n };
	for (uint32_t i = 0; rc == RC_OK && i < b->c.rows; i++) {
		rc = batch_amend(b, i, &name, feed->name);
		if (rc == RC_OK)
			rc = add_int(b, i, FIELD_TIME_OBSERVATION, CELL_TIME, r->received_us);
		if (rc == RC_OK && !batch_find(b, &b->row[i], FIELD_TLP))
			rc = add_int(b, i, FIELD_TLP, CELL_INT, feed->tlp);
		if (rc == RC_OK && feed->has_accuracy && !batch_find(b, &b->row[i], FIELD_FEED_ACCURACY))
			rc = add_float(b, i, FIELD_FEED_ACCURACY, feed->accuracy);
		if (rc == RC_OK && (r->exercise || batch_find(b, &b->row[i], FIELD_EXERCISE)))
			rc = add_int(b, i, FIELD_EXERCISE, CELL_BOOL, r->exercise);
	}
	return rc;
}

/* An input is accepted when any of its events is new, a repeat when none is. */
static void drop_repeats(struct work *w, struct report_counts *counts)
{
	struct batch *b = w->batch;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < b->c.rows;) {
		uint64_t input = b->row[i].input;
		bool any = false;
		for (; i < b->c.rows && b->row[i].input == input; i++) {
			if (w->repeat[i])
				continue;
			any = true;
			b->row[kept] = b->row[i];
			w->hash[kept] = w->hash[i];
			kept++;
		}
		counts->accepted += any;
		counts->repeats += !any;
	}
	b->c.rows = kept;
	counts->events += kept;
}

enum rc work_prepare(struct work *w, const struct prepare *by, struct report *r, struct err *err)
{
	struct batch *b = w->batch;
	struct node *n = by->node;
	struct buf scratch = BUF_INIT(BATCH_TEXT + KIB(64));
	w->node = n;
	w->from_input = r->next_input;
	r->counts.inputs += b->c.inputs;
	r->counts.quarantined += b->c.quarantined;
	r->counts.dropped += b->c.dropped;
	r->counts.blank += b->c.blank;
	r->next_offset = b->c.next_offset;
	r->next_input = b->c.next_input;
	enum rc rc = assume_times(b, r->received_us);
	if (rc != RC_OK)
		return fail(err, rc, "a batch has no room for the time of receipt");
	for (uint32_t i = 0; i < b->c.rows; i++)
		w->hash[i] = event_fingerprint(by->fingerprint_key, b, &b->row[i], &scratch);
	buf_free(&scratch);
	rc = repeats_probe(n->repeats, (uint32_t)by->feed->id, r->id, b, w->hash, w->repeat, &w->ticket, err);
	if (rc != RC_OK)
		return rc;
	w->seen_count = by->feed->complete ?
				findings_seen_again(n->store, b, w->repeat, r->received_us, w->seen) :
				0;
	drop_repeats(w, &r->counts);
	rc = enrich_batch(n->enrich, b, err);
	if (rc == RC_OK)
		rc = route_batch(by->directory, b, r->received_us, err);
	if (rc == RC_OK && label(b, by->feed, r) != RC_OK)
		rc = fail(err, RC_LIMIT, "a batch has no room for its labels");
	if (rc == RC_OK && b->c.rows)
		rc = event_chunk_new(b, r, NULL, &w->chunk, err);
	if (rc != RC_OK)
		work_end(w, false);
	return rc;
}

void work_end(struct work *w, bool committed)
{
	repeats_end(w->ticket, committed);
	w->ticket = NULL;
	event_chunk_free(w->chunk);
	w->chunk = NULL;
}

/* A batch goes on top of the one before or not at all: when that one failed, the
 * report's row would otherwise step over its records. */
static enum rc stands_at(struct tx *tx, const struct work *w, struct err *err)
{
	struct report now;
	enum rc rc = report_load(tx_conn(tx), w->after.id, &now, err);
	if (rc == RC_OK && now.next_input != w->from_input)
		rc = fail(err, RC_CONFLICT, "report %lld stands at record %llu, not %llu", (long long)now.id,
			  (unsigned long long)now.next_input, (unsigned long long)w->from_input);
	return rc;
}

enum rc work_commit(struct tx *tx, void *ctx, struct err *err)
{
	struct work *w = ctx;
	struct batch *b = w->batch;
	uint64_t first_seq = 0;
	enum rc rc = stands_at(tx, w, err);
	if (rc == RC_OK && w->chunk)
		rc = event_chunk_commit(tx, w->chunk, &first_seq, err);
	if (rc == RC_OK)
		rc = repeats_commit(tx, w->ticket, first_seq, err);
	if (rc == RC_OK && w->seen_count)
		rc = findings_note_seen(tx, w->after.feed, w->after.id, w->seen, w->seen_count, err);
	if (rc == RC_OK && b->c.rejects)
		rc = quarantine_commit(tx, &w->after, b, err);
	if (rc == RC_OK)
		rc = report_save(tx, &w->after, err);
	return rc;
}

/* --- the run --- */

struct run {
	struct pipeline *p;
	struct report *r;         /* as far as batches were prepared */
	struct prepare prepare;
	const struct run_options *o;
	struct raw_reader *raw;
	struct work *open;               /* being filled and prepared */
	struct work *flight[WORK_ITEMS]; /* submitted, oldest first */
	size_t flights;
	enum rc rc;               /* the first failure; nothing is prepared after it */
	struct err err;
};

static void land_oldest(struct run *run)
{
	struct work *w = run->flight[0];
	struct err err = { 0 };
	enum rc rc = store_wait(run->p->node->store, &w->job, &err);
	if (rc != RC_OK) {
		if (run->rc == RC_OK) {
			run->rc = rc;
			run->err = err;
		}
	} else if (run->o->progress) {
		run->o->progress(run->o->ctx, &w->after.counts);
	}
	work_end(w, rc == RC_OK);
	run->flights--;
	for (size_t i = 0; i < run->flights; i++)
		run->flight[i] = run->flight[i + 1];
	queue_put(run->p->free_work, w);
	pipeline_wake(run->p);
}

static struct batch *run_room(void *ctx)
{
	struct run *run = ctx;
	while (run->flights > WORK_ITEMS / 2)
		land_oldest(run);
	/* Waits only with empty hands: what others wait for is then on its way. */
	while (!run->open && run->rc == RC_OK) {
		run->open = queue_take_for(run->p->free_work, 0);
		if (!run->open && run->flights)
			land_oldest(run);
		else if (!run->open)
			run->open = queue_take(run->p->free_work);
	}
	if (run->rc == RC_OK && atomic_load(&run->p->stopping))
		run->rc = fail(&run->err, RC_BUSY,
			       "the node is ending; it goes on with the report when it starts");
	if (run->rc != RC_OK)
		return NULL;
	batch_reset(run->open->batch);
	return run->open->batch;
}

static bool run_give(void *ctx, struct batch *b)
{
	struct run *run = ctx;
	struct work *w = run->open;
	(void)b;
	enum rc rc = work_prepare(w, &run->prepare, run->r, &run->err);
	if (rc != RC_OK) {
		run->rc = rc;
		return false;
	}
	run->open = NULL;
	w->after = *run->r;
	w->job = (struct store_job){ .fn = work_commit, .ctx = w,
				     .bytes = w->chunk ? event_chunk_bytes(w->chunk) : KIB(4) };
	run->flight[run->flights++] = w;
	store_submit(run->p->node->store, &w->job);
	return true;
}

static long run_read(void *ctx, void *to, size_t n)
{
	return raw_read(((struct run *)ctx)->raw, to, n);
}

static bool run_rewind(void *ctx)
{
	raw_rewind(((struct run *)ctx)->raw);
	return true;
}

struct ending {
	struct pipeline *p;
	struct report *r;
	str actor;
};

static enum rc end_report(struct tx *tx, void *ctx, struct err *err)
{
	struct ending *e = ctx;
	struct buf object = BUF_INIT(64), body = BUF_INIT(KIB(4));
	buf_fmt(&object, "report:%lld", (long long)e->r->id);
	struct json_out j = json_out(&body);
	json_open(&j, '{');
	json_put_i64(&j, "feed", e->r->feed);
	json_put_i64(&j, "inputs", (int64_t)e->r->counts.inputs);
	json_put_i64(&j, "quarantined", (int64_t)e->r->counts.quarantined);
	json_put_str(&j, "words", str_of(e->r->words));
	json_close(&j, '}');
	struct journal_act act = { .act = e->r->state == REPORT_DONE ? "intake" : "intake.refused",
				   .actor = e->actor, .object = buf_str(&object),
				   .count = e->r->counts.events, .root = e->r->digest,
				   .body = buf_str(&body) };
	enum rc rc = report_save(tx, e->r, err);
	if (rc == RC_OK)
		rc = feed_reported(tx, e->r->feed, e->r->received_us, err);
	if (rc == RC_OK && e->r->state == REPORT_DONE)
		rc = deliveries_done(tx, e->p->node->journal, e->r, &act, err);
	else if (rc == RC_OK)
		rc = journal_add(tx, e->p->node->journal, &act, err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

static enum rc drive(struct run *run, bool *unknown_type_out, struct err *err)
{
	struct pipeline *p = run->p;
	struct report *r = run->r;
	struct intake_job job = {
		.format = str_of(r->format),
		.hints = { .file_name = str_of(r->file_name), .feed = run->o->feed->name,
			   .mapping = run->o->mapping.n ? run->o->mapping : run->o->feed->mapping },
		.resume_offset = r->next_offset,
		.resume_input = r->next_input,
		.packed_bytes = r->bytes,
	};
	struct parser_io io = { .ctx = run, .read = run_read, .rewind = run_rewind,
				.room = run_room, .give = run_give };
	struct intake_result result = { 0 };
	struct err parse_err = { 0 };
	int64_t started_us = clock_mono_us();
	enum rc rc = parser_run(p->node->parsers, &job, &io, &result, &parse_err);
	while (run->flights)
		land_oldest(run);
	if (run->open)
		queue_put(p->free_work, run->open);
	run->open = NULL;
	if (run->rc != RC_OK) {
		if (err)
			*err = run->err;
		return run->rc;
	}
	if (rc != RC_OK) {
		if (err)
			*err = parse_err;
		return rc;
	}
	r->state = result.rc == RC_OK ? REPORT_DONE : REPORT_REFUSED;
	r->parse_us += clock_mono_us() - started_us;
	str_to_z(str_of(result.words), r->words, sizeof(r->words));
	if (result.format[0])
		str_to_z(str_of(result.format), r->format, sizeof(r->format));
	str_to_z(str_of(result.type), r->type, sizeof(r->type));
	*unknown_type_out = result.unknown_type;
	struct ending e = { .p = p, .r = r, .actor = run->o->actor };
	return store_write(p->node->store, end_report, &e, err);
}

/* From where the report's row stands now. */
static enum rc run_once(struct run *run, bool *unknown_type_out, struct err *err)
{
	run->rc = RC_OK;
	enum rc rc = raw_open(run->p->node->store, run->r->id, &run->raw, err);
	if (rc == RC_OK)
		rc = drive(run, unknown_type_out, err);
	raw_close(run->raw);
	run->raw = NULL;
	return rc;
}

static enum rc reload(struct run *run, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(run->p->node->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = report_load(reader_conn(r), run->r->id, run->r, err);
	store_read_end(r);
	return rc;
}

enum rc run_report(struct pipeline *p, struct report *r, const struct run_options *o,
		   bool *unknown_type_out, struct err *err)
{
	struct node *n = p->node;
	if (!n->parsers)
		return fail(err, RC_BUSY, "this command runs without parsers");
	if (!claims_take(p->active, r->id))
		return fail(err, RC_BUSY, "the same report is being taken in right now");
	struct run run = { .p = p, .r = r, .o = o };
	struct snapshot_ref *directory = node_directory(n);
	run.prepare = (struct prepare){ .node = n, .feed = o->feed,
					.directory = snapshot_table(directory),
					.fingerprint_key = &p->fingerprint_key };
	/* Whoever had it before may have gone on with it meanwhile. */
	enum rc rc = reload(&run, err);
	/* What a batch repeats may fail to be stored; then it is new: once more from there. */
	for (int tries = 0; rc == RC_OK && r->state == REPORT_PARSING && tries < 5; tries++) {
		rc = run_once(&run, unknown_type_out, err);
		if (rc == RC_CONFLICT && tries < 4)
			rc = reload(&run, err);
	}
	snapshot_drop(n->directory, directory);
	claims_release(p->active, r->id);
	pipeline_wake(p);
	return rc;
}

enum rc pipeline_resume(struct pipeline *p, uint64_t *count_out, struct err *err)
{
	struct node *n = p->node;
	struct arena *a = arena_new(KIB(4));
	struct reader *reader = NULL;
	int64_t *ids = NULL;
	size_t count = 0;
	*count_out = 0;
	enum rc rc = store_read_begin(n->store, &reader, err);
	if (rc == RC_OK)
		rc = report_unfinished(reader_conn(reader), a, &ids, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct report r;
		struct feed feed;
		bool unknown;
		rc = report_load(reader_conn(reader), ids[i], &r, err);
		if (rc == RC_OK)
			rc = feed_by_id(reader_conn(reader), r.feed, a, &feed, err);
		if (rc != RC_OK)
			break;
		struct run_options o = { .feed = &feed, .actor = STR("node") };
		rc = run_report(p, &r, &o, &unknown, err);
		if (rc == RC_OK)
			++*count_out;
	}
	if (reader)
		store_read_end(reader);
	arena_free(a);
	return rc;
}
