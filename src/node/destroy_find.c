/* SPDX-License-Identifier: Apache-2.0 */
/* What goes, as the viewer may see it, and the digests by which it is known again. */
#include "node/destroy_private.h"

#include <stdlib.h>

#include "base/json.h"
#include "disclosure/read_records.h"
#include "store/held.h"
#include "store/quarantine.h"

enum { READ_AT_ONCE = 65536 };

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

struct goner *destroy_add_goner(struct destroying *d, str object, enum destroy_step step, str name)
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
	struct goner *g = destroy_add_goner(d, object, undo ? DESTROY_UNDO : DESTROY_BEGIN,
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
	struct goner *g = d->merge ? &none : destroy_add_goner(d, STR(""), DESTROY_BEGIN, name);
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
	struct goner *g = destroy_add_goner(d, arena_fmt(d->a, "record:" STR_FMT, STR_ARG(name)), DESTROY_BEGIN,
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
		(void)destroy_add_goner(d, arena_str(d->a, object), DESTROY_BEGIN, arena_str(d->a, object));
	return rc;
}

enum rc destroy_find(struct destroying *d, struct reader *r, str object, struct err *err)
{
	static const struct {
		str head;
		enum { REPORT, QUARANTINE, EVENT, FINDING, BESIDE } kind;
	} heads[] = { { STR_INIT("report:"), REPORT },	     { STR_INIT("report--"), REPORT },
		      { STR_INIT("quarantine:"), QUARANTINE }, { STR_INIT("event:"), EVENT },
		      { STR_INIT("event--"), EVENT },	     { STR_INIT("finding:"), FINDING },
		      { STR_INIT("finding--"), FINDING },    { STR_INIT("answer:"), BESIDE },
		      { STR_INIT("subscriber:"), BESIDE },     { STR_INIT("contact:"), BESIDE },
		      { STR_INIT("object:"), BESIDE },	     { STR_INIT("round-answer:"), BESIDE } };
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
