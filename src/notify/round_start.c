/* SPDX-License-Identifier: Apache-2.0 */
/* What a round would say, and its start. */
#include <json-c/json.h>

#include "notify/round_private.h"

enum { ROWS_A_JOB = 200 };

struct message round_message(const struct plan *p, str recipient, int64_t place, uint64_t policy,
			      struct arena *a)
{
	return (struct message){
		.lane = p->notifies ? LANE_INCIDENT : LANE_BULK, .recipient = recipient, .item = p->id,
		.item_version = p->version, .template = p->notifies ? STR("round.notify") : STR("round.check"),
		.details = STR("{}"), .purpose = PURPOSE_HANDLING, .policy = policy,
		.maker = arena_fmt(a, "round:" STR_FMT ":list", STR_ARG(p->id)), .made_at = (uint64_t)place + 1,
	};
}

/* --- dry run --- */

static void say_why(struct round_line *l, const struct err *why, struct arena *a)
{
	l->words = arena_str(a, str_of(why->text));
}

static void render_line(const struct notify *n, struct reader *r, const struct types *t, const struct plan *p,
			const struct viewer *v, const struct member *m, const char *driver, struct arena *a,
			struct round_line *l)
{
	struct rendering what = { .data = NULL };
	struct err why = { 0 };
	struct message message = round_message(p, m->recipient, m->place, 0, a);
	struct render_as as = { .invited = true, .no_names = !v->as.personal_basis };
	as.covers = round_covers(buf_str(&m->covers), a, &as.cover_count);
	message.driver = str_of(driver);
	enum rc rc = notify_render_as(n, r, t, &message, &as, a, &what, &why);
	l->told = rc == RC_OK;
	l->subject = what.subject;
	l->text = what.text;
	l->language = STR("");
	if (rc == RC_OK)
		l->language = arena_str(a, json_get_str(what.data, "language"));
	else
		say_why(l, &why, a);
	json_free(what.data);
}

static void put_line(const struct notify *n, struct reader *r, const struct types *t, const struct plan *p,
		     const struct viewer *v, const struct member *m, struct arena *a, struct round_line *out)
{
	const char *driver = NULL;
	int contact;
	struct err why = { 0 };
	*out = (struct round_line){ .organisation = m->id, .title = m->title, .recipient = m->recipient,
				    .covers = m->cover_count, .driver = STR(""), .words = STR(""), .subject = STR(""),
				    .text = STR(""), .language = STR("") };
	if (notify_choose(n, r, t, m->recipient, a, &driver, &contact, &why) != RC_OK) {
		say_why(out, &why, a);
	} else if (!driver) {
		out->words = STR("no contact is known");
	} else {
		out->driver = str_of(driver);
		render_line(n, r, t, p, v, m, driver, a, out);
	}
}

enum rc round_dry_run(struct notify *n, const struct viewer *v, str id, size_t limit, struct arena *a,
		      round_each each, void *ctx, size_t *count_out, struct err *err)
{
	struct plan p;
	struct member_list list = { .count = 0 };
	struct reader *r = NULL;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	const struct types *t = snapshot_table(types);
	*count_out = 0;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = round_plan_read(r, t, v, id, a, &p, err);
	if (rc == RC_OK)
		rc = round_list_collect(r, t, v, &p, a, &list, err);
	if (rc == RC_OK)
		*count_out = list.count;
	struct arena *line = arena_new(KIB(64));
	for (size_t i = 0; rc == RC_OK && i < list.count && i < limit; i++) {
		struct round_line l;
		put_line(n, r, t, &p, v, &list.list[i], line, &l);
		if (!each(ctx, &l))
			break;
		arena_reset(line);
	}
	arena_free(line);
	round_list_free(&list);
	if (r)
		store_read_end(r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}

/* --- start --- */

struct starting {
	struct notify *n;
	const struct viewer *v;
	const struct plan *p;
	const struct member_list *list;
	size_t from;
};

static enum rc insert_member(struct tx *tx, const struct starting *k, const struct member *m, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO round_member (round, organisation, place, recipient,"
					 " covers, driver, message, answered_by, words, noted_by)"
					 " VALUES (?, ?, ?, ?, ?, '', 0, '', '', '')");
	sql_blob(q, 1, uuid_bytes(&k->p->uuid));
	sql_blob(q, 2, uuid_bytes(&m->organisation));
	sql_int(q, 3, m->place);
	sql_str(q, 4, m->recipient);
	sql_str(q, 5, buf_str(&m->covers));
	return sql_run(q, err);
}

/* A list that was begun before is forgotten; of one that has started nobody comes here. */
static enum rc forget_list(struct tx *tx, const struct starting *k, struct err *err)
{
	bool found;
	struct round_row row;
	struct arena *a = arena_new(KIB(1));
	enum rc rc = round_row_load(tx_conn(tx), k->p->uuid, a, &found, &row, err);
	if (rc == RC_OK && found && row.started_us)
		rc = fail(err, RC_CONFLICT, "this round has started");
	arena_free(a);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM round_member WHERE round = ?");
	sql_blob(q, 1, uuid_bytes(&k->p->uuid));
	return sql_run(q, err);
}

static enum rc write_some(struct tx *tx, void *ctx, struct err *err)
{
	struct starting *k = ctx;
	size_t to = k->from + ROWS_A_JOB < k->list->count ? k->from + ROWS_A_JOB : k->list->count;
	enum rc rc = k->from == 0 ? forget_list(tx, k, err) : RC_OK;
	for (size_t i = k->from; rc == RC_OK && i < to; i++)
		rc = insert_member(tx, k, &k->list->list[i], err);
	return rc;
}

/* The list is whole: the record may go to its next state now, and does in the same job. */
static enum rc write_end(struct tx *tx, void *ctx, struct err *err)
{
	struct starting *k = ctx;
	const struct meaning *started = type_meaning(k->p->type, STR("round.started"));
	struct arena *a = arena_new(KIB(16));
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	const struct round_row row = { .round = k->p->uuid, .version = k->p->version, .notifies = k->p->notifies,
				       .by = str_of(k->v->actor) };
	const struct change_request q = { .id = k->p->id, .based_on = k->p->version,
					  .to_state = str_of(k->p->type->states[started->state].name) };
	enum rc rc = round_row_save(tx, &row, err);
	if (rc == RC_OK)
		rc = change_record_tx(tx, k->n->w.records, k->v, &q, a, &view, &errors, err);
	if (rc == RC_INPUT && errors.count > 0)
		rc = fail(err, RC_INPUT, "%s", errors.list[0].text);
	record_view_end(&view);
	arena_free(a);
	return rc;
}

static enum rc start(struct notify *n, const struct viewer *v, const struct plan *p,
		     const struct member_list *list, struct err *err)
{
	struct starting k = { .n = n, .v = v, .p = p, .list = list };
	enum rc rc = RC_OK;
	for (; rc == RC_OK && k.from < list->count; k.from += ROWS_A_JOB)
		rc = store_write(n->w.store, write_some, &k, err);
	return rc == RC_OK ? store_write(n->w.store, write_end, &k, err) : rc;
}

static enum rc may_start(struct reader *r, const struct types *t, const struct viewer *v, const struct plan *p,
			 struct arena *a, struct err *err)
{
	struct record_view view = { 0 };
	const struct meaning *started = type_meaning(p->type, STR("round.started"));
	enum rc rc = read_record(r, t, v, p->id, a, &view, err);
	if (rc == RC_OK && !p->draft)
		rc = fail(err, RC_CONFLICT, "'" STR_FMT "' is no draft: it has started, or is over", STR_ARG(p->title));
	if (rc == RC_OK && !record_view_may(&view, ACTION_MOVE, (int)started->state))
		rc = fail(err, RC_DENIED, "none of your roles may start a round");
	if (rc == RC_OK && p->due_us == 0)
		rc = fail(err, RC_INPUT, "say until when they may answer: 'answer_by'");
	record_view_end(&view);
	return rc;
}

enum rc round_start(struct notify *n, const struct viewer *v, str id, struct arena *a, size_t *count_out,
		    struct err *err)
{
	struct plan p;
	struct member_list list = { .count = 0 };
	struct reader *r = NULL;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	const struct types *t = snapshot_table(types);
	*count_out = 0;
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = round_plan_read(r, t, v, id, a, &p, err);
	if (rc == RC_OK)
		rc = may_start(r, t, v, &p, a, err);
	if (rc == RC_OK)
		rc = round_list_collect(r, t, v, &p, a, &list, err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK)
		rc = start(n, v, &p, &list, err);
	if (rc == RC_OK)
		*count_out = list.count;
	round_list_free(&list);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	if (rc == RC_DENIED)
		change_refused(n->w.records, n->w.store, v, id, str_of(err ? err->text : "denied"));
	return rc;
}
