/* SPDX-License-Identifier: Apache-2.0 */
/* What was written down is done, step by step, and goes on after a crash where it was. */
#include <json-c/json.h>

#include "base/arena.h"
#include "base/json.h"
#include "node/destroy_private.h"
#include "node/pipeline.h"
#include "record/outbox.h"
#include "store/destroyed.h"
#include "store/rewrite.h"

struct todo {
	struct node *n;
	struct uuid record;
	str object, actor, why;
	int64_t step, erasing;
	struct arena *a;
};

enum rc destroy_rows(struct conn *c, const struct uuid *record, int64_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM destroying WHERE record = ?");
	sql_blob(q, 1, str_mem(record->b, sizeof(record->b)));
	*count_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* --- words elsewhere --- */

static enum rc run_for(struct sql *q, str name, struct err *err)
{
	sql_str(q, 1, name);
	return sql_run(q, err);
}

static enum rc withdraw(struct tx *tx, struct node *n, str name, str actor, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct message *list = NULL;
	size_t count = 0;
	const struct outbox_query q = { .state = MESSAGE_QUEUED, .recipient = STR(""), .item = name,
					.limit = 200 };
	enum rc rc = outbox_list(tx_conn(tx), &q, a, &list, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = outbox_withdraw(tx, n->journal, list[i].id, actor,
				     STR("what it was about was destroyed"), err);
	arena_free(a);
	return rc;
}

enum rc destroy_words(struct tx *tx, struct node *n, str name, str actor, struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct uuid id;
	str type;
	enum rc rc = withdraw(tx, n, name, actor, err);
	if (rc == RC_OK)
		rc = run_for(sql(c, "UPDATE outbox SET details = '{}', words = '' WHERE item = ?1 OR id IN"
				    " (SELECT message FROM outbox_cover WHERE item = ?1)"),
			     name, err);
	if (rc == RC_OK)
		rc = run_for(sql(c, "UPDATE ledger SET words = '' WHERE item = ?"), name, err);
	if (rc == RC_OK)
		rc = run_for(sql(c, "UPDATE approval SET what = '', why = '' WHERE object = ?"), name, err);
	if (rc == RC_OK)
		rc = run_for(sql(c, "UPDATE break_glass SET reason = '', words = '' WHERE item = ?"), name,
			     err);
	if (rc == RC_OK)
		rc = run_for(sql(c, "UPDATE record_link SET why = '' WHERE ?1 IN (from_end, to_end)"
				    " OR CAST(?1 AS BLOB) IN (from_end, to_end)"),
			     name, err);
	if (rc != RC_OK || !record_id_parse(name, &type, &id))
		return rc;
	struct sql *q = sql(c, "UPDATE import_row SET fields = NULL WHERE record = ?1 OR id = ?2");
	sql_blob(q, 1, str_mem(id.b, sizeof(id.b)));
	sql_str(q, 2, name);
	return sql_run(q, err);
}

/* --- steps of one object --- */

static enum rc set_row(struct tx *tx, const struct todo *t, int64_t step, int64_t erasing,
		       struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE destroying SET step = ?, erasing = ? WHERE record = ?"
					 " AND object = ?");
	sql_int(q, 1, step);
	sql_int(q, 2, erasing);
	sql_blob(q, 3, str_mem(t->record.b, sizeof(t->record.b)));
	sql_str(q, 4, t->object);
	return sql_run(q, err);
}

static enum rc drop_row(struct tx *tx, void *ctx, struct err *err)
{
	const struct todo *t = ctx;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM destroying WHERE record = ? AND object = ?");
	sql_blob(q, 1, str_mem(t->record.b, sizeof(t->record.b)));
	sql_str(q, 2, t->object);
	return sql_run(q, err);
}

static enum rc undone(struct tx *tx, void *ctx, struct err *err)
{
	return set_row(tx, ctx, DESTROY_BEGIN, 0, err);
}

static enum rc step_undo(struct todo *t, struct err *err)
{
	int64_t report = 0;
	uint64_t events = 0;
	str id = t->object;
	(void)str_cut(&id, ':');
	if (!str_to_i64(id, &report))
		return store_write(t->n->store, drop_row, t, err);
	enum rc rc = pipeline_undo(t->n->pipeline, report, t->actor, STR(""), &events, err);
	if (rc == RC_CONFLICT) /* undone before */
		rc = RC_OK;
	return rc == RC_OK ? store_write(t->n->store, undone, t, err) : rc;
}

static enum rc find_erasing(struct conn *c, str object, int64_t *id_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(id) FROM erasing WHERE object = ?");
	sql_str(q, 1, object);
	*id_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

/* What was erased, or is being erased, already is waited for. */
static enum rc begin_erasing(struct tx *tx, void *ctx, struct err *err)
{
	struct todo *t = ctx;
	struct uuid id;
	str type, name = t->object;
	int64_t erasing = 0;
	enum rc rc;
	if (str_eq(str_cut(&name, ':'), STR("record")) && record_id_parse(name, &type, &id))
		rc = record_erase(tx, t->n->records, id, t->actor, t->why, err);
	else
		rc = erase_begin(tx, t->n->erase, t->object, t->why, t->actor, &erasing, err);
	if (rc == RC_CONFLICT)
		rc = RC_OK;
	if (rc == RC_ABSENT)
		return drop_row(tx, t, err);
	if (rc == RC_OK && !erasing)
		rc = find_erasing(tx_conn(tx), t->object, &erasing, err);
	return rc == RC_OK ? set_row(tx, t, DESTROY_WAIT, erasing, err) : rc;
}

/* Files beside the store first: the report's row still says how long they are. */
static enum rc step_begin(struct todo *t, struct err *err)
{
	int64_t report = 0;
	str id = t->object, kind = str_cut(&id, ':');
	enum rc rc = RC_OK;
	if (str_eq(kind, STR("report")) && str_to_i64(id, &report))
		rc = destroy_copies(t->n, report, err);
	return rc == RC_OK ? store_write(t->n->store, begin_erasing, t, err) : rc;
}

static enum rc step_wait(struct todo *t, bool *did_out, struct err *err)
{
	struct reader *r = NULL;
	struct erasing e = { .ended_us = 0 };
	enum rc rc = erase_work(t->n->erase, did_out, err);
	if (rc == RC_OK)
		rc = store_read_begin(t->n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = erase_get(reader_conn(r), t->erasing, t->a, &e, err);
	store_read_end(r);
	if (rc == RC_OK && !e.ended_us && e.words.n)
		return fail(err, RC_BUSY, STR_FMT, STR_ARG(e.words));
	if (rc == RC_OK && !e.ended_us)
		return RC_OK;
	*did_out = rc == RC_OK || rc == RC_ABSENT;
	return *did_out ? store_write(t->n->store, drop_row, t, err) : rc;
}

/* --- the end of it --- */

static enum rc put_done(struct tx *tx, const struct todo *t, const struct types *types,
			const struct type *type, struct err *err)
{
	struct record now;
	enum rc found = record_load(tx_conn(tx), types, t->record, t->a, &now, err);
	if (found != RC_OK || now.type != type) /* of a request: it says itself what became of it */
		return found == RC_ABSENT ? RC_OK : found;
	struct record_change c = { .type = type, .id = t->record, .actor = t->actor,
				   .to_state = (int)type_meaning(type, STR("destruction.done"))->state,
				   .why = STR_NONE, .labels = STR_NONE, .fields = STR_NONE,
				   .origin = STR_NONE };
	enum rc rc = record_put(tx, t->n->records, &c, t->a, &now, NULL, 0, NULL, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, str_of(type->name), &t->record);
	struct message m = { .lane = LANE_INCIDENT, .driver = STR("notice"), .recipient = STR("role:lead"),
			     .item = buf_str(&id), .item_version = now.version,
			     .template = STR("destroy.review"), .details = STR("{}"),
			     .purpose = PURPOSE_HANDLING, .policy = policies_number(t->n->policies),
			     .maker = arena_fmt(t->a, "destroy:" STR_FMT, STR_ARG(buf_str(&id))),
			     .made_at = 1 };
	rc = outbox_put(tx, &m, NULL, 0, NULL, err);
	struct journal_act act = { .act = "destroy.done", .actor = t->actor, .object = buf_str(&id) };
	if (rc == RC_OK)
		rc = journal_add(tx, t->n->journal, &act, err);
	buf_free(&id);
	return rc;
}

static enum rc end_it(struct tx *tx, void *ctx, struct err *err)
{
	struct todo *t = ctx;
	struct snapshot_ref *ref = snapshot_hold(t->n->types);
	const struct type *type = destroy_type(snapshot_table(ref));
	enum rc rc = type ? put_done(tx, t, snapshot_table(ref), type, err) : RC_OK;
	snapshot_drop(t->n->types, ref);
	return rc == RC_OK ? drop_row(tx, t, err) : rc;
}

/* Findings follow the events that went, and no older file of them stays. */
static enum rc follow_findings(struct todo *t, struct err *err)
{
	struct snapshot_ref *ref = node_directory(t->n);
	enum rc rc = findings_rebuild(t->n->store, snapshot_table(ref), err);
	snapshot_drop(t->n->directory, ref);
	return rc;
}

static enum rc ask_tidy(struct tx *tx, void *ctx, struct err *err)
{
	enum rc rc = findings_tidy(tx, err);
	return rc == RC_OK ? set_row(tx, ctx, DESTROY_TIDY, 0, err) : rc;
}

static enum rc is_tidying(struct todo *t, bool *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(t->n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = findings_tidy_wanted(reader_conn(r), out, err);
	store_read_end(r);
	return rc;
}

static enum rc step_end(struct todo *t, bool *did_out, struct err *err)
{
	bool done = false, tidying = false;
	if (t->step != DESTROY_TIDY) {
		enum rc rc = t->step ? follow_findings(t, err) : RC_OK;
		return rc == RC_OK ? store_write(t->n->store, ask_tidy, t, err) : rc;
	}
	enum rc rc = is_tidying(t, &tidying, err);
	if (rc != RC_OK || tidying) {
		*did_out = false;
		return rc;
	}
	rc = store_fold(t->n->store, &done, err);
	if (rc == RC_OK && !done)
		return fail(err, RC_BUSY, "waits for a reader that began before");
	return rc == RC_OK ? store_write(t->n->store, end_it, t, err) : rc;
}

/* --- the process --- */

/* The head row of a destruction comes after all the others of it. */
static enum rc next_todo(struct todo *t, bool *found_out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(t->n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT record, object, step, erasing, actor, why FROM destroying"
					    " ORDER BY object = '', step LIMIT 1");
	*found_out = sql_row(q);
	if (*found_out) {
		str id = sql_col_blob(q, 0);
		if (id.n == sizeof(t->record.b))
			memcpy(t->record.b, id.p, id.n);
		t->object = arena_str(t->a, sql_col_str(q, 1));
		t->step = sql_col_int(q, 2);
		t->erasing = sql_col_int(q, 3);
		t->actor = arena_str(t->a, sql_col_str(q, 4));
		t->why = arena_str(t->a, sql_col_str(q, 5));
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum rc one_step(struct todo *t, bool *did_out, struct err *err)
{
	*did_out = true;
	if (!t->object.n)
		return step_end(t, did_out, err);
	if (t->step == DESTROY_UNDO)
		return step_undo(t, err);
	if (t->step == DESTROY_BEGIN)
		return step_begin(t, err);
	return step_wait(t, did_out, err);
}

enum rc node_destroy_work(struct node *n, bool *did_out, struct err *err)
{
	*did_out = false;
	if (!n->pipeline || store_read_only(n->store) || atomic_exchange(&n->destroying, true))
		return RC_OK;
	struct todo t = { .n = n, .a = arena_new(KIB(8)) };
	bool found = false;
	enum rc rc = next_todo(&t, &found, err);
	if (rc == RC_OK && found)
		rc = one_step(&t, did_out, err);
	if (rc != RC_OK)
		*did_out = false;
	arena_free(t.a);
	atomic_store(&n->destroying, false);
	return rc;
}

/* --- what came again --- */

static enum rc tell_again(struct tx *tx, struct node *n, const struct destroyed *d, struct arena *a,
			  struct err *err)
{
	struct message m = { .lane = LANE_INCIDENT, .driver = STR("notice"), .recipient = STR("role:duty"),
			     .item = d->item, .item_version = 1, .template = STR("destroy.again"),
			     .details = arena_fmt(a, "{\"seen\":%llu}", (unsigned long long)d->seen),
			     .purpose = PURPOSE_HANDLING, .policy = policies_number(n->policies),
			     .maker = arena_fmt(a, "again:" STR_FMT, STR_ARG(d->item)),
			     .made_at = (uint64_t)d->last_us };
	struct journal_act act = { .act = "destroy.again", .actor = STR("node"), .object = d->item,
				   .count = d->seen - d->told, .root = d->digest };
	enum rc rc = outbox_put(tx, &m, NULL, 0, NULL, err);
	if (rc == RC_OK)
		rc = journal_add(tx, n->journal, &act, err);
	return rc == RC_OK ? destroyed_told(tx, d, err) : rc;
}

static enum rc look_again(struct tx *tx, void *ctx, struct err *err)
{
	struct todo *t = ctx;
	struct destroyed *list = NULL;
	size_t count = 0;
	int32_t day;
	uint32_t number;
	bool found = false;
	int64_t id;
	enum rc rc = destroyed_untold(tx_conn(tx), t->a, &list, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++)
		rc = tell_again(tx, t->n, &list[i], t->a, err);
	if (rc == RC_OK)
		rc = destroyed_take_left(tx, &day, &number, &found, err);
	if (rc != RC_OK || !found)
		return rc;
	rc = erase_begin(tx, t->n->erase, arena_fmt(t->a, "raw:%d/%u", (int)day, (unsigned)number),
			 STR("destroyed before, and sent again"), STR("node"), &id, err);
	return rc == RC_CONFLICT ? RC_OK : rc;
}

static enum rc tend_again(struct node *n, bool *did_out, struct err *err)
{
	struct reader *r = NULL;
	struct todo t = { .n = n, .a = arena_new(KIB(4)) };
	struct destroyed *list;
	size_t count = 0;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK)
		rc = destroyed_any_left(reader_conn(r), did_out, err);
	if (rc == RC_OK)
		rc = destroyed_untold(reader_conn(r), t.a, &list, &count, err);
	if (r)
		store_read_end(r);
	*did_out |= count > 0;
	if (rc == RC_OK && *did_out)
		rc = store_write(n->store, look_again, &t, err);
	arena_free(t.a);
	return rc;
}

struct going {
	struct node *n;
	int64_t report;
	bool waits; /* it is still being read */
};

static enum rc begin_going(struct tx *tx, void *ctx, struct err *err)
{
	struct going *g = ctx;
	int64_t id;
	char object[32];
	snprintf(object, sizeof(object), "report:%lld", (long long)g->report);
	enum rc rc = erase_begin(tx, g->n->erase, str_of(object), STR("destroyed before, and sent again"),
				 STR("node"), &id, err);
	g->waits = rc == RC_BUSY;
	/* held, erased or being erased: it is no more to be looked at */
	return rc == RC_IO ? rc : g->waits ? RC_OK : destroyed_report_goes(tx, g->report, err);
}

/* A report that brought it again inside: its bytes go, its other events stay. */
static enum rc tend_reports(struct node *n, bool *did_out, struct err *err)
{
	struct going g = { .n = n };
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK)
		rc = destroyed_next_report(reader_conn(r), &g.report, err);
	if (r)
		store_read_end(r);
	if (rc != RC_OK || !g.report)
		return rc;
	rc = destroy_copies(n, g.report, err);
	if (rc == RC_OK)
		rc = store_write(n->store, begin_going, &g, err);
	*did_out |= rc == RC_OK && !g.waits;
	return rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct node *n = ctx;
	struct err why;
	bool did = false;
	*did_out = false;
	if (store_read_only(s) || !n->policies)
		return RC_OK;
	enum rc rc = tend_again(n, did_out, err);
	if (rc == RC_OK)
		rc = tend_reports(n, did_out, err);
	/* what must wait is tried again the next time round; whoever waits for it is told why */
	if (rc == RC_OK && node_destroy_work(n, &did, &why) == RC_OK)
		*did_out |= did;
	return rc;
}

/* --- review --- */

static enum rc first_author(struct conn *c, const struct uuid *id, struct arena *a, str *out,
			    struct err *err)
{
	struct sql *q = sql(c, "SELECT author FROM record_version WHERE record = (SELECT id FROM record"
			       " WHERE uuid = ?) ORDER BY version LIMIT 1");
	sql_blob(q, 1, str_mem(id->b, sizeof(id->b)));
	*out = arena_str(a, sql_row(q) ? sql_col_str(q, 0) : STR(""));
	return sql_end(q, err);
}

/* Only what is destroyed counts as done. */
static enum rc check_done(struct tx *tx, const struct record *now, struct err *err)
{
	int64_t left = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT count(*) FROM destroying WHERE record = ? AND object <> ''");
	sql_blob(q, 1, str_mem(now->id.b, sizeof(now->id.b)));
	left = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && left ? fail(err, RC_DENIED, "it has not ended: it goes on by itself") : rc;
}

/* What was reviewed is what was reviewed: other things to look for, or to leave out, go back first. */
static bool same_field(const struct type *t, const char *meaning, struct json_object *a,
		       struct json_object *b)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	struct json_object *x = m && m->field ? json_get(a, m->field->name) : NULL;
	struct json_object *y = m && m->field ? json_get(b, m->field->name) : NULL;
	return (!x && !y) ||
	       (x && y && str_eq(str_of(json_object_to_json_string_ext(x, JSON_C_TO_STRING_PLAIN)),
				 str_of(json_object_to_json_string_ext(y, JSON_C_TO_STRING_PLAIN))));
}

static enum rc check_reviewed(const struct record *before, const struct record *now, struct err *err)
{
	struct json_object *a = NULL, *b = NULL;
	enum rc rc = before->body.n ? json_read(before->body, &a, err) : RC_OK;
	if (rc == RC_OK && now->body.n)
		rc = json_read(now->body, &b, err);
	if (rc == RC_OK && (!same_field(now->type, "subject.identifiers", a, b) ||
			    !same_field(now->type, "subject.exceptions", a, b)))
		rc = fail(err, RC_DENIED, "it was reviewed as it stands: move it back to be searched first");
	json_free(a);
	json_free(b);
	return rc;
}

/* In a large team, what was found of a person is looked at by another than who worked on it last. */
static enum rc check_subject(struct tx *tx, const struct record *before, const struct record *now,
			     struct err *err)
{
	const struct meaning *m = now->type ? type_meaning(now->type, STR("subject.reviewed")) : NULL;
	enum team_size size = TEAM_SMALL;
	if (!m || !before || now->erased || now->state != (int)m->state)
		return RC_OK;
	if (before->state == now->state)
		return check_reviewed(before, now, err);
	enum rc rc = team_size_get(tx_conn(tx), &size, err);
	if (rc == RC_OK && size == TEAM_LARGE && str_eq(before->author, now->author))
		rc = fail(err, RC_DENIED, "a second person reviews it, not who worked on it last");
	return rc;
}

static enum rc check_review(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			    const struct record *now, struct err *err)
{
	(void)r;
	(void)ctx;
	const struct meaning *m = now->type ? type_meaning(now->type, STR("destruction.reviewed")) : NULL;
	if (!m || !before || now->erased || before->state == now->state)
		return check_subject(tx, before, now, err);
	if (now->state != (int)m->state)
		return check_done(tx, now, err);
	struct arena *a = arena_new(KIB(1));
	str first = STR("");
	enum rc rc = first_author(tx_conn(tx), &now->id, a, &first, err);
	if (rc == RC_OK && str_eq(first, now->author))
		rc = fail(err, RC_DENIED, "a second person reviews it, not who did it");
	arena_free(a);
	return rc;
}

void node_destroy_open(struct node *n)
{
	records_add_hook(n->records, &(struct record_hook){ .changed = check_review, .ctx = n });
	store_add_tend(n->store, tend, n);
}
