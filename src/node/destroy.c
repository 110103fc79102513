/* SPDX-License-Identifier: Apache-2.0 */
/* What goes is found as the viewer may see it; then one job writes down all there is to do. */
#include "node/destroy_private.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/queue.h"
#include "disclosure/change.h"
#include "exchange/withdraw.h"
#include "record/outbox.h"
#include "store/destroyed.h"
#include "store/held.h"
#include "store/quarantine.h"

enum { WAIT_US = 60 * 1000000, TICK_US = 50000, BACKUPS_MOST = 20, TEXT_MOST = 200, READ_AT_ONCE = 65536 };

/* One thing on its way out. */
struct goner {
	str object;            /* of its erasing: "report:12"; "" when it is events */
	enum destroy_step step;
	str name;              /* as others name it: "finding--…", "incident--…" */
	uint64_t *seq; size_t seqs; /* events */
	struct digest *digest; size_t digests;
	uint64_t bytes;
};

struct destroying {
	struct node *n;
	const struct viewer *v;
	const struct destroy_request *q;
	const struct types *types;
	struct arena *a;
	struct goner *list; size_t count;
	struct uuid record;
	struct destroy_result *out;
	/* of a request: events are one list, and what may not go stays */
	bool merge;
	struct goner *events;
	uint64_t *seq; size_t seqs, seq_room;
	struct erase_result *erased;
	str *why, *done;
	store_job_fn also;
	void *ctx;
	struct withdrawal *recall; /* what partners were offered of it */
};

const struct type *destroy_type(const struct types *t)
{
	for (size_t i = 0; i < types_count(t); i++) {
		const struct type *one = types_at(t, i);
		if (type_meaning(one, STR("destruction.objects")) &&
		    type_meaning(one, STR("destruction.done")) &&
		    type_meaning(one, STR("destruction.reviewed")))
			return one;
	}
	return NULL;
}

bool node_may_destroy(struct node *n, const struct viewer *v)
{
	struct snapshot_ref *ref = snapshot_hold(n->types);
	const struct type *t = destroy_type(snapshot_table(ref));
	bool may = t && authz_ever(v, ACTION_CREATE, t);
	snapshot_drop(n->types, ref);
	return may;
}

/* --- digests of what goes --- */

static void add_digest(struct destroying *d, struct goner *g, struct digest digest)
{
	struct digest *wider = ARENA_ARRAY(d->a, g->digests + 1, struct digest);
	if (g->digests)
		memcpy(wider, g->digest, g->digests * sizeof(*wider));
	wider[g->digests++] = digest;
	g->digest = wider;
}

/* A packed report has no digest in its row: its bytes are read once more. */
static enum rc digest_report(struct destroying *d, const struct report *r, struct goner *g,
			     struct err *err)
{
	static const struct digest none = { { 0 } };
	struct raw_reader *raw = NULL;
	g->bytes = r->bytes;
	if (memcmp(r->digest.b, none.b, sizeof(none.b)) != 0) {
		add_digest(d, g, r->digest);
		return RC_OK;
	}
	enum rc rc = raw_open(d->n->store, r->id, &raw, err);
	if (rc == RC_ABSENT) /* forgotten: nothing of it can be known again */
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	struct sha256 *sha = sha256_new();
	char *part = arena_alloc(d->a, READ_AT_ONCE);
	long got;
	while ((got = raw_read(raw, part, READ_AT_ONCE)) > 0)
		sha256_add(sha, str_mem(part, (size_t)got));
	struct digest digest = sha256_end(sha);
	if (got == 0)
		add_digest(d, g, digest);
	raw_close(raw);
	return RC_OK; /* damaged bytes go all the same */
}

/* Files of fields, and of exhibits. */
static enum rc digest_files(struct destroying *d, struct conn *c, const struct uuid *id,
			    struct goner *g, struct err *err)
{
	struct sql *q = sql(c, "SELECT digest FROM record_file_use WHERE record = (SELECT id FROM record WHERE uuid = ?1)"
			       " UNION SELECT sha256 FROM evidence_item WHERE evidence = ?1 AND state <> 3");
	sql_blob(q, 1, str_mem(id->b, sizeof(id->b)));
	while (sql_row(q)) {
		struct digest digest;
		str blob = sql_col_blob(q, 0);
		if (blob.n != sizeof(digest.b))
			continue;
		memcpy(digest.b, blob.p, blob.n);
		add_digest(d, g, digest);
	}
	return sql_end(q, err);
}

/* --- what is named --- */

static struct goner *add_goner(struct destroying *d, str object, enum destroy_step step, str name)
{
	for (size_t i = 0; object.n && i < d->count; i++)
		if (str_eq(d->list[i].object, object)) {
			if (step < d->list[i].step)
				d->list[i].step = step;
			return &d->list[i];
		}
	d->list = x_grow(d->list, d->count + 1, sizeof(*d->list));
	d->list[d->count] = (struct goner){ .object = object, .step = step, .name = name };
	return &d->list[d->count++];
}

/* `undo`: its events go too. */
static enum rc find_report(struct destroying *d, struct reader *r, int64_t id, bool undo,
			   struct err *err)
{
	struct report report;
	enum rc rc = report_load(reader_conn(r), id, &report, err);
	if (rc != RC_OK)
		return rc;
	str object = arena_fmt(d->a, "report:%lld", (long long)id);
	rc = erase_check(d->n->erase, reader_conn(r), object, err);
	if (rc != RC_OK)
		return rc;
	struct goner *g = add_goner(d, object, undo ? DESTROY_UNDO : DESTROY_BEGIN,
				    arena_fmt(d->a, "report--%lld", (long long)id));
	return g->digests || d->merge ? RC_OK : digest_report(d, &report, g, err);
}

struct events {
	struct destroying *d;
	uint64_t *seq;
	size_t n, room;
	int64_t *report;
	size_t reports, report_room;
};

static void add_event(struct events *e, const struct event_row *row)
{
	if (e->n == e->room) {
		e->room = e->room ? 2 * e->room : 64;
		e->seq = x_grow(e->seq, e->room, sizeof(*e->seq));
	}
	e->seq[e->n++] = row->seq;
	for (size_t i = 0; i < e->reports; i++)
		if (e->report[i] == row->report)
			return;
	if (e->reports == e->report_room) {
		e->report_room = e->report_room ? 2 * e->report_room : 8;
		e->report = x_grow(e->report, e->report_room, sizeof(*e->report));
	}
	e->report[e->reports++] = row->report;
}

static bool take_event(void *ctx, const struct event_view *v)
{
	add_event(ctx, v->row);
	return true;
}

static bool take_row(void *ctx, const struct event_row *row)
{
	add_event(ctx, row);
	return true;
}

/* The events go one by one; the bytes of the reports they stood in whole. */
static enum rc take_events(struct destroying *d, struct reader *r, struct events *e, str name,
			   struct err *err)
{
	struct goner none = { .object = STR("") };
	enum rc rc = held_check(reader_conn(r), name, err);
	for (size_t i = 0; d->merge && rc == RC_OK && i < e->n; i++) {
		if (d->seqs == d->seq_room) {
			d->seq_room = d->seq_room ? 2 * d->seq_room : 256;
			d->seq = x_grow(d->seq, d->seq_room, sizeof(*d->seq));
		}
		d->seq[d->seqs++] = e->seq[i];
	}
	if (d->merge)
		e->n = 0;
	struct goner *g = d->merge ? &none : add_goner(d, STR(""), DESTROY_BEGIN, name);
	g->seq = ARENA_ARRAY(d->a, e->n + 1, uint64_t);
	if (e->n)
		memcpy(g->seq, e->seq, e->n * sizeof(*g->seq));
	g->seqs = e->n;
	for (size_t i = 0; i < e->reports && rc == RC_OK; i++)
		rc = find_report(d, r, e->report[i], false, err);
	free(e->seq);
	free(e->report);
	return rc;
}

static enum rc find_event(struct destroying *d, struct reader *r, str id, struct err *err)
{
	struct events e = { .d = d };
	enum rc rc = read_event(r, d->v, id, take_event, &e, err);
	return rc == RC_OK ? take_events(d, r, &e, arena_fmt(d->a, "event--" STR_FMT, STR_ARG(id)), err)
			   : rc;
}

static enum rc find_finding(struct destroying *d, struct reader *r, str id, struct err *err)
{
	struct events e = { .d = d };
	struct finding f;
	enum rc rc = read_finding(r, d->v, id, d->a, &f, err);
	if (rc == RC_OK)
		rc = findings_events(r, f.id, take_row, &e, err);
	return rc == RC_OK ? take_events(d, r, &e, arena_fmt(d->a, "finding--" STR_FMT, STR_ARG(id)), err)
			   : rc;
}

/* What stands there whole would be known alone, too: a picture that came packed. */
static enum rc digest_quarantined(struct destroying *d, struct reader *r, int64_t id, struct err *err)
{
	struct quarantined q;
	enum rc rc = quarantine_get(reader_conn(r), id, d->a, &q, err);
	if (rc != RC_OK || !q.bytes.n || q.bytes.n != q.record_bytes || d->merge)
		return rc;
	str object = arena_fmt(d->a, "report:%lld", (long long)q.report);
	for (size_t i = 0; i < d->count; i++)
		if (str_eq(d->list[i].object, object))
			add_digest(d, &d->list[i], sha256(q.bytes));
	return RC_OK;
}

static enum rc find_quarantined(struct destroying *d, struct reader *r, int64_t id, struct err *err)
{
	struct quarantined q;
	enum rc rc = read_quarantined(r, d->v, id, d->a, &q, err);
	if (rc == RC_OK)
		rc = find_report(d, r, q.report, false, err);
	return rc == RC_OK ? digest_quarantined(d, r, id, err) : rc;
}

static enum rc find_record(struct destroying *d, struct reader *r, str id, struct err *err)
{
	struct record_view view = { 0 };
	enum rc rc = read_record(r, d->types, d->v, id, d->a, &view, err);
	if (rc != RC_OK)
		return rc;
	struct uuid uuid = view.record->id;
	str name = record_view_id(&view, d->a);
	if (view.record->labels.held)
		rc = fail(err, RC_DENIED, "'" STR_FMT "' is under hold: lift it first", STR_ARG(id));
	else if (d->merge && !record_view_may(&view, ACTION_ERASE, -1))
		rc = fail(err, RC_DENIED, "none of your roles may erase it");
	else if (record_view_type(&view) == destroy_type(d->types))
		rc = fail(err, RC_DENIED, "what says that something was destroyed stays");
	record_view_end(&view);
	if (rc != RC_OK)
		return rc;
	rc = held_check(reader_conn(r), name, err);
	if (rc != RC_OK)
		return rc;
	struct goner *g = add_goner(d, arena_fmt(d->a, "record:" STR_FMT, STR_ARG(name)), DESTROY_BEGIN,
				    name);
	return d->merge ? RC_OK : digest_files(d, reader_conn(r), &uuid, g, err);
}

/* What people outside said or gave us, kept beside records: for a request of a person alone. */
static enum rc find_beside(struct destroying *d, struct reader *r, str object, struct err *err)
{
	if (!d->merge)
		return fail(err, RC_INPUT, "'" STR_FMT "' is erased by 'ronda erase'", STR_ARG(object));
	enum rc rc = held_check(reader_conn(r), object, err);
	if (rc == RC_OK)
		rc = erase_check(d->n->erase, reader_conn(r), object, err);
	if (rc == RC_OK)
		(void)add_goner(d, arena_str(d->a, object), DESTROY_BEGIN, arena_str(d->a, object));
	return rc;
}

static enum rc find_one(struct destroying *d, struct reader *r, str object, struct err *err)
{
	static const struct {
		str head;
		enum { REPORT, QUARANTINE, EVENT, FINDING, BESIDE } kind;
	} heads[] = { { STR_INIT("report:"), REPORT },	     { STR_INIT("report--"), REPORT },
		      { STR_INIT("quarantine:"), QUARANTINE }, { STR_INIT("event:"), EVENT },
		      { STR_INIT("event--"), EVENT },	     { STR_INIT("finding:"), FINDING },
		      { STR_INIT("finding--"), FINDING },    { STR_INIT("answer:"), BESIDE },
		      { STR_INIT("subscriber:"), BESIDE } };
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		int64_t number = 0;
		if (!str_starts(object, heads[i].head))
			continue;
		str id = str_from(object, heads[i].head.n);
		if (heads[i].kind == EVENT)
			return find_event(d, r, id, err);
		if (heads[i].kind == FINDING)
			return find_finding(d, r, id, err);
		if (heads[i].kind == BESIDE)
			return find_beside(d, r, object, err);
		if (!str_to_i64(id, &number))
			return fail(err, RC_INPUT, "'" STR_FMT "' names no number", STR_ARG(object));
		return heads[i].kind == REPORT ? find_report(d, r, number, true, err) :
						 find_quarantined(d, r, number, err);
	}
	return find_record(d, r, object, err);
}

static enum rc find_all(struct destroying *d, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(d->n->store, &r, err);
	if (rc == RC_OK && !right_includes(d->v->right, RIGHT_READ))
		rc = fail(err, RC_DENIED, "this needs the right 'read'");
	for (size_t i = 0; rc == RC_OK && i < d->q->count; i++)
		rc = find_one(d, r, d->q->objects[i], err);
	if (r)
		store_read_end(r);
	return rc;
}

/* --- the record of it --- */

static void put_objects(struct destroying *d, struct json_out *j)
{
	struct buf hex = BUF_INIT(80);
	json_open(j, '[');
	for (size_t i = 0; i < d->count; i++) {
		const struct goner *g = &d->list[i];
		for (size_t k = 0; k == 0 || k < g->digests; k++) {
			json_open(j, '{');
			json_put_str(j, "object", g->name);
			if (k < g->digests) {
				buf_reset(&hex);
				hex_format(&hex, g->digest[k].b, sizeof(g->digest[k].b));
				json_put_str(j, "digest", buf_str(&hex));
			}
			if (g->bytes)
				json_put_i64(j, "bytes", (int64_t)g->bytes);
			if (g->seqs)
				json_put_i64(j, "events", (int64_t)g->seqs);
			json_close(j, '}');
		}
	}
	json_close(j, ']');
	buf_free(&hex);
}

static str fields_of(struct destroying *d, const struct type *t)
{
	static const struct {
		const char *meaning;
		size_t at;
	} texts[] = { { "destruction.agency", offsetof(struct destroy_request, agency) },
		      { "destruction.reference", offsetof(struct destroy_request, reference) },
		      { "destruction.material", offsetof(struct destroy_request, material) } };
	struct buf b = BUF_INIT(MIB(1));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, t->title->name,
		     arena_fmt(d->a, "%zu destroyed, referred to " STR_FMT, d->q->count,
			       STR_ARG(str_head(d->q->agency, 120))));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct meaning *m = type_meaning(t, str_of(texts[i].meaning));
		const str *text = (const str *)((const char *)d->q + texts[i].at);
		if (m && m->field && text->n)
			json_put_str(&j, m->field->name, *text);
	}
	json_key(&j, str_of(type_meaning(t, STR("destruction.objects"))->field->name));
	put_objects(d, &j);
	json_close(&j, '}');
	str out = arena_str(d->a, buf_str(&b));
	buf_free(&b);
	return out;
}

static enum rc make_record(struct tx *tx, struct destroying *d, struct err *err)
{
	const struct type *t = destroy_type(d->types);
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	if (!t)
		return fail(err, RC_ABSENT, "no type of records has the meaning 'destruction.objects'");
	const struct change_request q = { .type = str_of(t->name), .fields = fields_of(d, t) };
	enum rc rc = change_record_tx(tx, d->n->records, d->v, &q, d->a, &view, &errors, err);
	if (rc == RC_INPUT && errors.count)
		(void)fail(err, rc, "%s", errors.list[0].text);
	if (rc == RC_OK && !view.record)
		rc = fail(err, RC_DENIED, "who destroys must be able to read what says so");
	if (rc == RC_OK) {
		d->record = view.record->id;
		d->out->id = record_view_id(&view, d->a);
	}
	record_view_end(&view);
	return rc;
}

/* --- what there is to do --- */

static enum rc add_row(struct tx *tx, const struct destroying *d, str object, int64_t step,
		       struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO destroying (record, object, step, erasing, actor, why)"
					 " VALUES (?, ?, ?, 0, ?, ?)");
	sql_blob(q, 1, str_mem(d->record.b, sizeof(d->record.b)));
	sql_str(q, 2, object);
	sql_int(q, 3, step);
	sql_str(q, 4, str_of(d->v->actor));
	sql_str(q, 5, d->merge ? STR("asked for by the person it is about") :
				 arena_fmt(d->a, "destroyed and referred: " STR_FMT, STR_ARG(d->out->id)));
	return sql_run(q, err);
}

static enum rc list_events(struct tx *tx, struct destroying *d, struct goner *g, struct err *err)
{
	int64_t list = 0;
	enum rc rc = g->seqs ? events_list_new(tx_conn(tx), &list, err) : RC_OK;
	for (size_t i = 0; i < g->seqs && rc == RC_OK; i++)
		rc = events_list_add(tx, list, g->seq[i], err);
	g->object = g->seqs ? arena_fmt(d->a, "events:%lld", (long long)list) : STR("");
	return rc == RC_OK && g->seqs ? erase_check(d->n->erase, tx_conn(tx), g->object, err) : rc;
}

/* Before the job: to whom its events had been offered, as long as they can be read. */
static enum rc find_recall(struct destroying *d, struct err *err)
{
	size_t n = 0;
	for (size_t i = 0; i < d->count; i++)
		n += d->list[i].seqs;
	if (n == 0 || !d->n->exchange)
		return RC_OK;
	uint64_t *all = x_array(n, sizeof *all);
	n = 0;
	for (size_t i = 0; i < d->count; i++)
		for (size_t k = 0; k < d->list[i].seqs; k++)
			all[n++] = d->list[i].seq[k];
	enum rc rc = withdrawal_find(d->n->exchange, all, n, &d->recall, err);
	free(all);
	return rc;
}

/* Why is nobody else's business: what the law destroys, and what a person asked for. */
static const struct withdrawn_why unsaid = { STR_INIT(""), TLP_RED };

static enum rc begin_by(struct destroying *d, store_job_fn fn, struct err *err)
{
	enum rc rc = find_recall(d, err);
	if (rc == RC_OK)
		rc = store_write(d->n->store, fn, d, err);
	withdrawal_free(d->recall);
	d->recall = NULL;
	return rc;
}

static enum rc write_down(struct tx *tx, struct destroying *d, struct goner *g, struct err *err)
{
	enum rc rc = g->object.n ? RC_OK : list_events(tx, d, g, err);
	for (size_t i = 0; i < g->digests && rc == RC_OK; i++)
		rc = destroyed_add(tx, &g->digest[i], g->bytes, d->out->id, err);
	if (rc == RC_OK && g->object.n)
		rc = add_row(tx, d, g->object, g->step, err);
	return rc == RC_OK ? destroy_words(tx, d->n, g->name, str_of(d->v->actor), err) : rc;
}

static enum rc begin(struct tx *tx, void *ctx, struct err *err)
{
	struct destroying *d = ctx;
	bool findings = false;
	enum rc rc = make_record(tx, d, err);
	for (size_t i = 0; i < d->count && rc == RC_OK; i++) {
		findings |= d->list[i].seqs > 0;
		d->out->digests += d->list[i].digests;
		rc = write_down(tx, d, &d->list[i], err);
	}
	if (rc == RC_OK)
		rc = add_row(tx, d, STR(""), findings, err);
	if (rc == RC_OK && d->recall)
		rc = withdrawal_put(tx, d->recall, &unsaid, err);
	struct journal_act act = { .act = "destroy", .actor = str_of(d->v->actor), .object = d->out->id,
				   .count = d->count };
	return rc == RC_OK ? journal_add(tx, d->n->journal, &act, err) : rc;
}

/* --- asking --- */

/* What it says stays: no address in it that leads back to what goes. */
static enum rc check_text(str text, const char *what, struct err *err)
{
	static const str marks[] = { STR_INIT("://"), STR_INIT("hxxp"), STR_INIT("www."), STR_INIT(".onion") };
	if (text.n > TEXT_MOST || !str_is_plain(text))
		return fail(err, RC_INPUT, "%s is plain text of at most %d bytes", what, TEXT_MOST);
	for (size_t i = 0; i < COUNT_OF(marks); i++)
		for (size_t at = 0; at + marks[i].n <= text.n; at++)
			if (str_eq_nocase(str_mem(text.p + at, marks[i].n), marks[i]))
				return fail(err, RC_INPUT, "%s holds an address: it would stay", what);
	return RC_OK;
}

static enum rc check_request(const struct destroy_request *q, struct err *err)
{
	if (!q->count || q->count > DESTROY_OBJECTS_MOST)
		return fail(err, RC_INPUT, "say what is to be destroyed: 1 to %d things",
			    DESTROY_OBJECTS_MOST);
	if (!str_trim_all(q->agency).n)
		return fail(err, RC_INPUT, "say whom it is referred to");
	enum rc rc = check_text(q->agency, "the agency", err);
	return rc == RC_OK ? check_text(q->reference, "the reference", err) : rc;
}

static enum rc list_backups(struct destroying *d, struct err *err)
{
	struct reader *r = NULL;
	struct journal_line *line = NULL;
	size_t n = 0;
	const struct journal_query q = { .actor = STR_NONE, .act = STR("backup.done"),
					 .object = STR_NONE, .limit = BACKUPS_MOST };
	enum rc rc = store_read_begin(d->n->store, &r, err);
	if (rc == RC_OK)
		rc = journal_find(reader_conn(r), &q, d->a, &line, &n, err);
	int64_t *at = ARENA_ARRAY(d->a, n + 1, int64_t);
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		at[i] = line[i].at_us;
	d->out->backups = at;
	d->out->backup_count = rc == RC_OK ? n : 0;
	if (r)
		store_read_end(r);
	return rc;
}

static enum rc is_over(struct destroying *d, bool *over_out, struct err *err)
{
	struct reader *r = NULL;
	int64_t left = 1;
	enum rc rc = store_read_begin(d->n->store, &r, err);
	if (rc == RC_OK)
		rc = destroy_rows(reader_conn(r), &d->record, &left, err);
	if (r)
		store_read_end(r);
	*over_out = rc == RC_OK && left == 0;
	return rc;
}

/* The background works on it too: here it only goes sooner. */
static enum rc drive(struct destroying *d, struct err *err)
{
	struct gate *tick = gate_new();
	int64_t until = clock_mono_us() + WAIT_US;
	struct err why = { 0 };
	bool did = false;
	enum rc rc = RC_OK;
	do {
		enum rc one = node_destroy_work(d->n, &did, &why);
		if (one != RC_OK)
			d->out->waits = arena_str(d->a, str_of(why.text));
		rc = is_over(d, &d->out->ended, err);
		if (rc == RC_OK && !d->out->ended && !did)
			gate_wait_for(tick, TICK_US);
	} while (rc == RC_OK && !d->out->ended && clock_mono_us() < until);
	gate_free(tick);
	return rc;
}

enum rc node_destroy(struct node *n, const struct viewer *v, const struct destroy_request *q,
		     bool wait, struct arena *a, struct destroy_result *out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(n->types);
	struct destroying d = { .n = n, .v = v, .q = q, .types = snapshot_table(ref), .a = a, .out = out };
	struct err why = { 0 };
	*out = (struct destroy_result){ .id = STR(""), .waits = STR("") };
	enum rc rc = check_request(q, &why);
	if (rc == RC_OK && !node_may_destroy(n, v))
		rc = fail(&why, RC_DENIED, "none of your roles may destroy and refer");
	if (rc == RC_OK)
		rc = find_all(&d, &why);
	if (rc == RC_OK)
		rc = list_backups(&d, &why);
	if (rc == RC_OK)
		rc = begin_by(&d, begin, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(n->records, n->store, v, STR("destruction"), str_of(why.text));
	out->objects = d.count;
	if (rc == RC_OK && wait)
		rc = drive(&d, &why);
	free(d.list);
	snapshot_drop(n->types, ref);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- for a request of a person --- */

static enum rc begin_found(struct tx *tx, void *ctx, struct err *err)
{
	struct destroying *d = ctx;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < d->count && rc == RC_OK; i++)
		rc = write_down(tx, d, &d->list[i], err);
	if (rc == RC_OK)
		rc = add_row(tx, d, STR(""), d->seqs > 0, err);
	if (rc == RC_OK && d->recall)
		rc = withdrawal_put(tx, d->recall, &unsaid, err);
	if (rc == RC_OK && d->also)
		rc = d->also(tx, d->ctx, err);
	return rc;
}

/* What may not go is told; what is not there any more is gone. */
static enum rc find_found(struct destroying *d, struct reader *r, str object, struct err *err)
{
	struct err why = { 0 };
	enum rc rc = find_one(d, r, object, &why);
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
		struct goner *g = add_goner(d, STR(""), DESTROY_BEGIN, STR("events"));
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
		rc = begin_by(&d, begin_found, &why);
	out->ended = !d.count;
	if (rc == RC_OK && wait && d.count) {
		rc = drive(&d, &why);
		out->ended = state.ended;
		out->waits = state.waits;
	}
	free(d.seq);
	free(d.list);
	snapshot_drop(n->types, ref);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}
