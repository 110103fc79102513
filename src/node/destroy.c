/* SPDX-License-Identifier: Apache-2.0 */
/* Destroying and referring: what is named is found, then one job writes down all there is to do. */
#include "node/destroy_private.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/queue.h"
#include "disclosure/change.h"
#include "exchange/withdraw.h"
#include "record/outbox.h"
#include "store/destroyed.h"

enum { WAIT_US = 60 * 1000000, TICK_US = 50000, BACKUPS_MOST = 20, TEXT_MOST = 200 };

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

enum rc destroy_add_row(struct tx *tx, const struct destroying *d, str object, int64_t step,
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

enum rc destroy_begin(struct destroying *d, store_job_fn fn, struct err *err)
{
	enum rc rc = find_recall(d, err);
	if (rc == RC_OK)
		rc = store_write(d->n->store, fn, d, err);
	withdrawal_free(d->recall);
	d->recall = NULL;
	return rc;
}

enum rc destroy_write_down(struct tx *tx, struct destroying *d, struct goner *g, struct err *err)
{
	enum rc rc = g->object.n ? RC_OK : list_events(tx, d, g, err);
	for (size_t i = 0; i < g->digests && rc == RC_OK; i++)
		rc = destroyed_add(tx, &g->digest[i], g->bytes, d->out->id, err);
	if (rc == RC_OK && g->object.n)
		rc = destroy_add_row(tx, d, g->object, g->step, err);
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
		rc = destroy_write_down(tx, d, &d->list[i], err);
	}
	if (rc == RC_OK)
		rc = destroy_add_row(tx, d, STR(""), findings, err);
	if (rc == RC_OK && d->recall)
		rc = withdrawal_put(tx, d->recall, &withdrawn_unsaid, err);
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

static enum rc find_all(struct destroying *d, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(d->n->store, &r, err);
	if (rc == RC_OK && !right_includes(d->v->right, RIGHT_READ))
		rc = fail(err, RC_DENIED, "this needs the right 'read'");
	for (size_t i = 0; rc == RC_OK && i < d->q->count; i++)
		rc = destroy_find(d, r, d->q->objects[i], err);
	if (r)
		store_read_end(r);
	return rc;
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
enum rc destroy_drive(struct destroying *d, struct err *err)
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
		rc = destroy_begin(&d, begin, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(n->records, n->store, v, STR("destruction"), str_of(why.text));
	out->objects = d.count;
	if (rc == RC_OK && wait)
		rc = destroy_drive(&d, &why);
	free(d.list);
	snapshot_drop(n->types, ref);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}
