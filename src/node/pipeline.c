/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pipeline_private.h"
#include "route/directory_records.h"

#include <stdlib.h>

/* --- one delivery: raw first --- */

struct intake {
	struct pipeline *p;
	struct arena *a;
	struct delivery d;
	struct feed feed;
	struct raw_intake *raw;
	int64_t started_us;
};

static enum rc load_feed(struct pipeline *p, str name, struct arena *a, struct feed *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(p->node->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = feed_by_name(reader_conn(r), name.n ? name : STR("local"), a, out, err);
	store_read_end(r);
	if (rc == RC_OK && !out->on)
		return fail(err, RC_DENIED, "feed '" STR_FMT "' is switched off", STR_ARG(out->name));
	return rc;
}

enum rc intake_begin(struct pipeline *p, const struct delivery *d, struct intake **out, struct err *err)
{
	struct intake *in = x_alloc(sizeof(*in));
	in->p = p;
	in->a = arena_new(KIB(8));
	in->started_us = clock_mono_us();
	in->d = (struct delivery){ .feed = arena_str(in->a, d->feed),
				   .format = arena_str(in->a, d->format),
				   .file_name = arena_str(in->a, d->file_name),
				   .mapping = arena_str(in->a, d->mapping),
				   .actor = arena_str(in->a, d->actor) };
	enum rc rc = load_feed(p, in->d.feed, in->a, &in->feed, err);
	if (rc == RC_OK && d->format.n && !str_eq(d->format, STR("auto")) && !intake_format_find(d->format))
		rc = fail(err, RC_INPUT, "there is no format '" STR_FMT "'", STR_ARG(d->format));
	if (rc == RC_OK)
		rc = raw_begin(p->node->store, &in->raw, err);
	if (rc != RC_OK) {
		intake_abort(in);
		return rc;
	}
	*out = in;
	return RC_OK;
}

enum rc intake_bytes(struct intake *in, str bytes, struct err *err)
{
	return raw_add(in->raw, bytes, err);
}

void intake_abort(struct intake *in)
{
	if (!in)
		return;
	raw_abort(in->raw);
	arena_free(in->a);
	free(in);
}

static void summarise(const struct report *r, struct intake_summary *out)
{
	out->report = r->id;
	out->counts = r->counts;
	out->seconds = (double)r->parse_us / (double)SECOND_US;
	str_to_z(str_of(r->format), out->format, sizeof(out->format));
	str_to_z(str_of(r->type), out->type, sizeof(out->type));
}

/* What a report says of itself wins over the feed, and the feed over "auto". */
static void describe(const struct intake *in, struct report *r)
{
	str format = in->d.format.n && !str_eq(in->d.format, STR("auto")) ? in->d.format :
		     in->feed.format.n                                    ? in->feed.format :
									    STR("auto");
	r->feed = in->feed.id;
	r->exercise = in->feed.exercise;
	str_to_z(format, r->format, sizeof(r->format));
	str name = str_head(in->d.file_name, sizeof(r->file_name) - 1);
	while (name.n && !str_is_plain(name))
		name.n--;
	str_to_z(name, r->file_name, sizeof(r->file_name));
}

enum rc intake_end(struct intake *in, bool wait_findings,
		   void (*progress)(void *ctx, const struct report_counts *now), void *ctx,
		   struct intake_summary *out, struct err *err)
{
	struct pipeline *p = in->p;
	struct report r = { 0 };
	bool known = false;
	*out = (struct intake_summary){ .findings_seconds = -1 };
	describe(in, &r);
	struct raw_intake *raw = in->raw;
	in->raw = NULL; /* report_received ends it, whatever comes */
	enum rc rc = report_received(raw, &r, &known, err);
	if (rc == RC_OK && r.state == REPORT_PARSING) {
		struct run_options o = { .feed = &in->feed, .mapping = in->d.mapping,
					 .actor = in->d.actor, .progress = progress, .ctx = ctx };
		rc = run_report(p, &r, &o, &out->unknown_type, err);
	}
	if (rc == RC_OK && r.state == REPORT_REFUSED)
		rc = fail(err, RC_INPUT, "%s", r.words);
	if (rc == RC_OK && r.state == REPORT_UNDONE)
		rc = fail(err, RC_CONFLICT, "report %lld was undone; deliver it changed, or not at all",
			  (long long)r.id);
	summarise(&r, out);
	out->known = known;
	if (!known)
		out->seconds = (double)(clock_mono_us() - in->started_us) / (double)SECOND_US;
	if (rc == RC_OK && wait_findings) {
		rc = pipeline_settle(p, err);
		if (rc == RC_BUSY) { /* the report is on disk all the same */
			intake_abort(in);
			return RC_OK;
		}
		out->findings_seconds = (double)(clock_mono_us() - in->started_us) / (double)SECOND_US;
	}
	intake_abort(in);
	return rc;
}

void intake_summary_json(const struct intake_summary *s, struct json_out *j)
{
	json_open(j, '{');
	json_put_i64(j, "report", s->report);
	json_put_str(j, "format", str_of(s->format));
	json_put_str(j, "type", str_of(s->type));
	json_put_bool(j, "unknown_type", s->unknown_type);
	json_put_bool(j, "known", s->known);
	json_put_i64(j, "inputs", (int64_t)s->counts.inputs);
	json_put_i64(j, "accepted", (int64_t)s->counts.accepted);
	json_put_i64(j, "events", (int64_t)s->counts.events);
	json_put_i64(j, "repeats", (int64_t)s->counts.repeats);
	json_put_i64(j, "quarantined", (int64_t)s->counts.quarantined);
	json_put_i64(j, "dropped", (int64_t)s->counts.dropped);
	json_put_i64(j, "blank", (int64_t)s->counts.blank);
	json_key(j, STR("seconds"));
	json_double(j, s->seconds);
	if (s->findings_seconds >= 0) {
		json_key(j, STR("findings_seconds"));
		json_double(j, s->findings_seconds);
	}
	json_close(j, '}');
}

/* --- the two threads that follow the commits --- */

/* Feeds of which one report is a complete run: what their newest report, all of
 * it folded, did not contain is gone. The cursor of each feed is durable, so a
 * crash between report and this step loses nothing. */
static enum rc complete_runs(struct pipeline *p, struct err *err)
{
	struct store *s = p->node->store;
	struct arena *a = arena_new(KIB(4));
	struct feed *feeds = NULL;
	size_t count = 0;
	struct reader *r = NULL;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = feed_list(reader_conn(r), a, &feeds, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		if (!feeds[i].complete)
			continue;
		int64_t run = 0;
		struct sql *q = sql(reader_conn(r),
				    "SELECT max(report.id) FROM report WHERE feed = ? AND state = 2 AND id > "
				    "coalesce((SELECT seq FROM cursor WHERE name = 'run:' || ?), 0)");
		sql_int(q, 1, feeds[i].id);
		sql_int(q, 2, feeds[i].id);
		if (sql_row(q) && !sql_col_null(q, 0))
			run = sql_col_int(q, 0);
		rc = sql_end(q, err);
		if (rc == RC_OK && run)
			rc = findings_run_complete(s, feeds[i].id, run, err);
	}
	if (r)
		store_read_end(r);
	arena_free(a);
	return rc;
}

static enum rc note_routed(struct tx *tx, void *ctx, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO cursor (name, seq) VALUES ('routed', ?1)"
					 " ON CONFLICT (name) DO UPDATE SET seq = ?1");
	sql_int(q, 1, (int64_t)*(uint64_t *)ctx);
	return sql_run(q, err);
}

static enum rc routed_before(struct pipeline *p, uint64_t *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(p->node->store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT seq FROM cursor WHERE name = 'routed'");
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* Open findings follow the directory. Which version they follow is durable: an
 * import right before a crash is followed after it. */
static enum rc follow_directory(struct pipeline *p, const struct directory *d, struct err *err)
{
	uint64_t version = directory_version(d);
	enum rc rc = RC_OK;
	if (p->routed == 0)
		rc = routed_before(p, &p->routed, err);
	if (rc != RC_OK || p->routed == version)
		return rc;
	rc = findings_reroute(p->node->store, d, err);
	if (rc == RC_OK)
		rc = store_write(p->node->store, note_routed, &version, err);
	if (rc == RC_OK)
		p->routed = version;
	return rc;
}

/* Who delivers waits for an acknowledgement; findings can follow a little later.
 * So while reports come in, the fold leaves the writer and the processor to them
 * three quarters of the time: small loads do not notice, a flood is not halved. */
static void give_way(struct pipeline *p, int64_t worked_us)
{
	if (claims_any(p->active))
		queue_take_for(p->fold_rest, worked_us < SECOND_US ? 3 * worked_us : 3 * SECOND_US);
}

static enum rc fold_all(struct pipeline *p, struct err *err)
{
	struct node *n = p->node;
	uint64_t did = 0, total = 0;
	enum rc rc;
	do {
		int64_t start_us = clock_mono_us();
		struct snapshot_ref *ref = node_directory(n);
		rc = follow_directory(p, snapshot_table(ref), err);
		if (rc == RC_OK)
			rc = findings_fold(n->store, snapshot_table(ref), FOLD_STEP, &did, err);
		snapshot_drop(n->directory, ref);
		total += did;
		if (did)
			give_way(p, clock_mono_us() - start_us);
	} while (rc == RC_OK && did > 0 && !queue_closed(p->fold_wake));
	/* Also without new events: a complete run may hold nothing but repeats. */
	if (rc == RC_OK && (total > 0 || p->look_at_runs))
		rc = complete_runs(p, err);
	p->look_at_runs = rc != RC_OK;
	return rc;
}

static uint64_t directory_now(struct node *n)
{
	struct snapshot_ref *ref = node_directory(n);
	uint64_t version = ref ? directory_version(snapshot_table(ref)) : 0;
	if (ref)
		snapshot_drop(n->directory, ref);
	return version;
}

static void *fold_thread(void *arg)
{
	struct pipeline *p = arg;
	bool failing = false;
	unsigned commits = 0;
	uint64_t directory = 0;
	int64_t looked_us = 0;
	while (!queue_closed(p->fold_wake)) {
		struct err err = { 0 };
		if (queue_take_for(p->fold_wake, FOLD_EVERY_US))
			p->look_at_runs = true;
		unsigned commits_now = store_commits(p->node->store); /* before it looks */
		uint64_t directory_is = directory_now(p->node);
		if (!failing && !p->look_at_runs && commits_now == commits && directory_is == directory &&
		    clock_mono_us() - looked_us < FOLD_SELDOM_US)
			continue;
		commits = commits_now;
		directory = directory_is;
		looked_us = clock_mono_us();
		enum rc rc = fold_all(p, &err);
		if (rc != RC_OK && !failing)
			log_error(p->node->log, "findings cannot follow the events", L_Z("why", err.text));
		failing = rc != RC_OK;
	}
	return NULL;
}

static void *tend_thread(void *arg)
{
	struct pipeline *p = arg;
	bool failing = false;
	while (!queue_closed(p->tend_wake)) {
		struct err err = { 0 };
		bool did = false;
		queue_take_for(p->tend_wake, TEND_EVERY_US);
		enum rc rc;
		do
			rc = store_tend(p->node->store, &did, &err);
		while (rc == RC_OK && did && !queue_closed(p->tend_wake));
		if (rc != RC_OK && !failing)
			log_warn(p->node->log, "background work of the store failed", L_Z("why", err.text));
		failing = rc != RC_OK;
	}
	return NULL;
}

/* Makes the table again when organisations changed: beside the writer, once for all that came
 * meanwhile, and at most a quarter of the time, so that a large table edited all day leaves the
 * processor to the reports. */
static void *directory_thread(void *arg)
{
	struct pipeline *p = arg;
	bool failing = false;
	int64_t rest_us = DIRECTORY_EVERY_US;
	unsigned seen = 0, looks = DIRECTORY_LOOKS;
	while (!queue_closed(p->directory_rest)) {
		struct err err = { 0 };
		queue_take_for(p->directory_rest, rest_us);
		int64_t start_us = clock_mono_us();
		unsigned changes = directory_changes(p->node->organisations);
		looks = changes != seen ? DIRECTORY_LOOKS : looks ? looks - 1 : 0;
		seen = changes;
		rest_us = DIRECTORY_EVERY_US;
		if (!looks && !failing)
			continue;
		enum rc rc = node_directory_follow(p->node, &err);
		int64_t worked_us = clock_mono_us() - start_us;
		rest_us = 3 * worked_us > DIRECTORY_EVERY_US ? 3 * worked_us : DIRECTORY_EVERY_US;
		if (rc != RC_OK && !failing)
			log_error(p->node->log, "the directory cannot follow its records", L_Z("why", err.text));
		failing = rc != RC_OK;
	}
	return NULL;
}

void pipeline_wake(struct pipeline *p)
{
	/* One token is enough: the thread looks at everything that is there. Nobody
	 * waits for the background work, so it is not woken for each delivery. */
	queue_try_put(p->fold_wake, p);
}

enum rc pipeline_settle(struct pipeline *p, struct err *err)
{
	struct gate *tick = gate_new();
	bool done = false;
	enum rc rc = RC_OK;
	while (rc == RC_OK && !done) {
		struct reader *r = NULL;
		if (atomic_load(&p->stopping)) {
			rc = fail(err, RC_BUSY, "the node is ending");
			break;
		}
		pipeline_wake(p);
		rc = store_read_begin(p->node->store, &r, err);
		if (rc != RC_OK)
			break;
		rc = findings_caught_up(r, &done, err);
		store_read_end(r);
		if (!done)
			gate_wait_for(tick, 5000);
	}
	gate_free(tick);
	return rc;
}

enum rc pipeline_new(struct node *n, struct pipeline **out, struct err *err)
{
	struct pipeline *p = x_alloc(sizeof(*p));
	p->node = n;
	p->active = claims_new();
	p->fold_wake = queue_new(1);
	p->fold_rest = queue_new(1);
	p->tend_wake = queue_new(1);
	p->directory_rest = queue_new(1);
	p->free_work = queue_new(WORK_ITEMS);
	p->fingerprint_key = key_derive(store_secret(n->store), "repeat");
	for (size_t i = 0; i < WORK_ITEMS; i++)
		queue_put(p->free_work, work_new());
	p->look_at_runs = true; /* what a crash kept it from looking at */
	p->threads = !store_read_only(n->store);
	if (p->threads) {
		if (pthread_create(&p->folder, NULL, fold_thread, p) != 0 ||
		    pthread_create(&p->tender, NULL, tend_thread, p) != 0 ||
		    pthread_create(&p->keeper, NULL, directory_thread, p) != 0)
			return fail(err, RC_LIMIT, "cannot start the pipeline's threads");
	}
	*out = p;
	return RC_OK;
}

void pipeline_stop(struct pipeline *p)
{
	atomic_store(&p->stopping, true);
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < WORK_ITEMS; i++) /* each comes back when its delivery ends */
		work_free(queue_take(p->free_work));
	queue_close(p->fold_wake);
	queue_close(p->fold_rest);
	queue_close(p->tend_wake);
	queue_close(p->directory_rest);
	if (p->threads) {
		pthread_join(p->folder, NULL);
		pthread_join(p->tender, NULL);
		pthread_join(p->keeper, NULL);
	}
	queue_free(p->fold_wake);
	queue_free(p->fold_rest);
	queue_free(p->tend_wake);
	queue_free(p->directory_rest);
	queue_free(p->free_work);
	claims_free(p->active);
	free(p);
}
