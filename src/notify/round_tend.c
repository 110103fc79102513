/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a round by itself: its messages, the silence past its due time, the next one. */
#include <json-c/json.h>

#include "notify/round_private.h"

enum { MESSAGES_A_JOB = 100, SILENT_A_JOB = 20 };

/* --- the record's hook --- */

static bool is_state(const struct record *r, const char *meaning)
{
	const struct meaning *m = r && r->type ? type_meaning(r->type, str_of(meaning)) : NULL;
	return m && !m->field && r->state >= 0 && m->state == (unsigned)r->state;
}

/* Only with a list: a move by the general way would start a round to nobody. */
static enum rc check(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		     const struct record *now, str language, struct body_error *errors, size_t most,
		     size_t *count_out, struct err *err)
{
	bool found = false;
	struct round_row row;
	(void)r;
	(void)ctx;
	(void)language;
	if (!round_is_type(now->type) || !is_state(now, "round.started") || is_state(before, "round.started"))
		return RC_OK;
	struct arena *a = arena_new(KIB(1));
	enum rc rc = before ? round_row_load(tx_conn(tx), now->id, a, &found, &row, err) : RC_OK;
	arena_free(a);
	if (rc != RC_OK || (found && before && row.version == before->version))
		return rc;
	if (*count_out < most) {
		struct body_error *e = &errors[(*count_out)++];
		*e = (struct body_error){ .field = NULL };
		snprintf(e->text, sizeof e->text, "its list is not made yet: start it by 'round start' or its page");
	}
	return fail(err, RC_INPUT, "its list is not made yet: start it by 'round start' or its page");
}

static enum rc ended(struct tx *tx, const struct record *now, struct round_row *row, struct err *err)
{
	struct buf maker = BUF_INIT(RECORD_ID_BYTES + 16);
	buf_add(&maker, STR("round:"));
	record_id_format(&maker, now->type_name, &now->id);
	enum rc rc = outbox_withdraw_made(tx, buf_str(&maker), STR("the round is over"), err);
	buf_free(&maker);
	row->closed_us = tx_now_us(tx);
	row->next_us = now->erased ? 0 : row->next_us;
	row->made = row->counted = true;
	return rc;
}

static enum rc forget(struct tx *tx, const struct record *now, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM round_member WHERE round = ?");
	sql_blob(q, 1, uuid_bytes(&now->id));
	return sql_run(q, err);
}

static enum rc take_times(const struct record *now, struct round_row *row, struct err *err)
{
	struct json_object *body = NULL;
	int64_t every_us = 0;
	enum rc rc = json_read(now->body, &body, err);
	if (rc != RC_OK)
		return rc;
	const struct meaning *every = type_meaning(now->type, STR("round.every"));
	str text = every && every->field ? json_get_str(body, every->field->name) : STR_NONE;
	row->due_us = round_plan_time(now->type, body, "round.due");
	row->next_us = text.n > 0 && iso_duration_parse(text, &every_us) && every_us > 0 ?
			       row->started_us + every_us : 0;
	json_free(body);
	return RC_OK;
}

static enum rc changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		       const struct record *now, struct err *err)
{
	bool found;
	struct round_row row;
	(void)r;
	(void)ctx;
	if (!round_is_type(now->type) || now->number == 0)
		return RC_OK;
	struct arena *a = arena_new(KIB(1));
	enum rc rc = round_row_load(tx_conn(tx), now->id, a, &found, &row, err);
	if (rc == RC_OK && found && now->erased)
		rc = forget(tx, now, err);
	if (rc == RC_OK && found && (now->erased || (row.started_us && !is_state(now, "round.started")))) {
		rc = ended(tx, now, &row, err);
	} else if (rc == RC_OK && found && is_state(now, "round.started")) {
		bool starts = !is_state(before, "round.started");
		row.started_us = starts ? tx_now_us(tx) : row.started_us;
		int64_t next_us = row.next_us;
		rc = take_times(now, &row, err);
		if (!starts && next_us == 0) /* the next one was made */
			row.next_us = 0;
	}
	if (rc == RC_OK && found)
		rc = round_row_save(tx, &row, err);
	arena_free(a);
	return rc;
}

/* --- as the node itself --- */

enum rc node_viewer(const struct notify *n, struct viewer *out, struct err *err)
{
	*out = viewer_node(n->w.roles, "rounds");
	return policies_apply(n->w.policies, out, err);
}

/* In this order: one of the first is looked for before any of the next. */
enum work { WORK_MESSAGES, WORK_SILENCE, WORK_NEXT, WORKS };

static enum rc find_round(struct conn *c, enum work what, int64_t now_us, struct uuid *out, bool *found_out,
			  struct err *err)
{
	struct sql *q = what == WORK_MESSAGES ? sql(c, "SELECT round FROM round_state WHERE made = 0 AND started_us > 0 LIMIT 1") :
			what == WORK_SILENCE  ? sql(c, "SELECT round FROM round_state WHERE counted = 0 AND due_us <= ?1"
						       " AND started_us > 0 AND made = 1 LIMIT 1") :
						sql(c, "SELECT round FROM round_state WHERE next_us <= ?1 LIMIT 1");
	if (what != WORK_MESSAGES)
		sql_int(q, 1, now_us);
	*found_out = sql_row(q) && sql_col_blob(q, 0).n == sizeof out->b;
	if (*found_out)
		memcpy(out->b, sql_col_blob(q, 0).p, sizeof out->b);
	return sql_end(q, err);
}

struct tending {
	struct notify *n;
	struct viewer v;
	struct reader *r;
	const struct types *types;
	struct arena *a;
	struct plan p;
	struct round_row row;
	struct member_row *list;
	size_t count;
	const char **drivers;      /* of each of the list; NULL: it has no contact */
	int *contacts;
	bool lost;                 /* its record cannot be read as a round any more */
};

static enum rc load(struct tending *k, struct uuid round, struct err *err)
{
	struct addressee who = { 0 };
	bool found;
	enum rc rc = round_row_load(reader_conn(k->r), round, k->a, &found, &k->row, err);
	if (rc == RC_OK)
		rc = told_addressee_of(reader_conn(k->r), k->types, round, k->a, &who, err);
	if (rc == RC_OK)
		rc = round_plan_read(k->r, k->types, &k->v, addressee_id(&who, k->a), k->a, &k->p, err);
	json_free(who.body);
	return rc;
}

static enum rc choose_drivers(struct tending *k, struct err *err)
{
	enum rc rc = RC_OK;
	k->drivers = ARENA_ARRAY(k->a, k->count + 1, const char *);
	k->contacts = ARENA_ARRAY(k->a, k->count + 1, int);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		rc = notify_choose(k->n, k->r, k->types, k->list[i].recipient, k->a, &k->drivers[i], &k->contacts[i], err);
		if (rc == RC_ABSENT)
			rc = RC_OK;
	}
	return rc;
}

/* --- messages --- */

static enum rc make_message(struct tx *tx, const struct tending *k, size_t i, struct err *err)
{
	const struct member_row *m = &k->list[i];
	struct message message = round_message(&k->p, m->recipient, m->place, k->v.policy.number, k->a);
	size_t cover_count = 0;
	int64_t id = 0;
	enum rc rc = RC_OK;
	struct cover *covers = round_covers(m->covers, k->a, &cover_count);
	message.driver = str_of(k->drivers[i] ? k->drivers[i] : "none");
	if (k->drivers[i])
		rc = outbox_put(tx, &message, covers, cover_count, &id, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "UPDATE round_member SET driver = ?, message = ? WHERE round = ? AND organisation = ?");
	sql_str(q, 1, message.driver);
	sql_int(q, 2, id);
	sql_blob(q, 3, uuid_bytes(&k->row.round));
	sql_blob(q, 4, uuid_bytes(&m->organisation));
	return sql_run(q, err);
}

/* The round may have been closed since the list was read: nothing is made then. */
static enum rc still_open(struct tx *tx, struct tending *k, bool *open_out, struct err *err)
{
	bool found;
	enum rc rc = round_row_load(tx_conn(tx), k->row.round, k->a, &found, &k->row, err);
	*open_out = rc == RC_OK && found && k->row.closed_us == 0;
	return rc;
}

static enum rc make_messages(struct tx *tx, void *ctx, struct err *err)
{
	struct tending *k = ctx;
	bool open;
	enum rc rc = still_open(tx, k, &open, err);
	for (size_t i = 0; rc == RC_OK && open && i < k->count; i++)
		rc = make_message(tx, k, i, err);
	if (rc != RC_OK || k->count == MESSAGES_A_JOB || !open)
		return rc;
	k->row.made = true;
	return round_row_save(tx, &k->row, err);
}

/* --- silence --- */

enum rc contact_mark(struct tx *tx, struct notify *n, str recipient, int contact, bool answered, int64_t at_us,
		     str why, struct arena *a, struct err *err)
{
	struct addressee who = { 0 };
	struct viewer v;
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	char day[16];
	int64_t unanswered = 0;
	str rest = recipient, id = str_cut(&rest, '/');
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	enum rc rc = told_addressee(tx_conn(tx), snapshot_table(types), id, a, &who, err);
	const struct meaning *rows = rc == RC_OK ? type_meaning(who.type, STR("organisation.contacts")) : NULL;
	struct json_object *list = rows && rows->field ? json_get(who.body, rows->field->name) : NULL;
	struct json_object *row = contact >= 0 ? json_at(list, (size_t)contact) : NULL;
	if (rc == RC_OK && row) {
		(void)json_get_i64(row, "unanswered", &unanswered);
		json_object_object_add(row, "unanswered",
				       json_object_new_int64(answered ? 0 : unanswered < 9999 ? unanswered + 1 : 9999));
		if (answered)
			json_object_object_add(row, "confirmed", json_object_new_string(time_day_str(day, at_us).p));
		struct json_object *fields = json_object_new_object();
		json_object_object_add(fields, rows->field->name, json_object_get(list));
		const struct change_request q = {
			.id = addressee_id(&who, a), .why = why,
			.fields = arena_str(a, str_of(json_object_to_json_string_ext(fields, JSON_C_TO_STRING_PLAIN))),
		};
		json_free(fields);
		rc = node_viewer(n, &v, err);
		if (rc == RC_OK)
			rc = change_record_tx(tx, n->w.records, &v, &q, a, &view, &errors, err);
		record_view_end(&view);
	}
	json_free(who.body);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	/* A copy of another node's, one that is gone, a body that its type takes no more: the answer counts
	 * all the same. These are said before anything of the change is written. */
	bool before = rc == RC_DENIED || rc == RC_ABSENT || rc == RC_CONFLICT || (rc == RC_INPUT && errors.count > 0);
	return before ? RC_OK : rc;
}

static enum rc note_silence(struct tx *tx, struct tending *k, size_t i, struct err *err)
{
	const struct member_row *m = &k->list[i];
	struct sql *q = sql(tx_conn(tx), "UPDATE round_member SET silent_us = ?1 WHERE round = ?2 AND organisation = ?3"
					 " AND answered_us IS NULL AND silent_us IS NULL AND NOT EXISTS"
					 " (SELECT 1 FROM outbox WHERE id = round_member.message AND state = 9)");
	sql_int(q, 1, k->row.due_us);
	sql_blob(q, 2, uuid_bytes(&k->row.round));
	sql_blob(q, 3, uuid_bytes(&m->organisation));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK || sql_changes(tx_conn(tx)) == 0 || k->row.notifies)
		return rc;
	return contact_mark(tx, k->n, m->recipient, k->contacts[i], false, k->row.due_us,
			    arena_fmt(k->a, "no answer to '" STR_FMT "'", STR_ARG(str_head(k->p.title, 150))), k->a, err);
}

static enum rc note_silences(struct tx *tx, void *ctx, struct err *err)
{
	struct tending *k = ctx;
	bool open;
	enum rc rc = still_open(tx, k, &open, err);
	for (size_t i = 0; rc == RC_OK && open && i < k->count; i++)
		rc = note_silence(tx, k, i, err);
	if (rc != RC_OK || k->count == SILENT_A_JOB || !open)
		return rc;
	k->row.counted = true;
	return round_row_save(tx, &k->row, err);
}

/* --- the next one --- */

static enum rc copy_body(struct tending *k, const struct record_view *v, struct buf *out, struct err *err)
{
	char due[40];
	const struct type *t = record_view_type(v);
	const struct meaning *before = type_meaning(t, STR("round.previous")), *until = type_meaning(t, STR("round.due"));
	int64_t due_us = clock_now_us() + (k->row.due_us > k->row.started_us ? k->row.due_us - k->row.started_us : 7 * DAY_US);
	if (!until || !until->field)
		return fail(err, RC_INPUT, "the type of rounds has no due time");
	if (before && before->field)
		json_object_object_add(v->body, before->field->name, json_object_new_string(arena_z(k->a, k->p.id)));
	due_us -= due_us % SECOND_US;
	json_object_object_add(v->body, until->field->name, json_object_new_string(time_str(due, due_us).p));
	buf_add(out, str_of(json_object_to_json_string_ext(v->body, JSON_C_TO_STRING_PLAIN)));
	return out->over ? fail(err, RC_LIMIT, "the round is too large") : RC_OK;
}

struct following {
	struct tending *k;
	str fields, labels, id;
};

static enum rc make_next(struct tx *tx, void *ctx, struct err *err)
{
	struct following *f = ctx;
	struct tending *k = f->k;
	struct record_view view = { 0 };
	struct change_errors errors;
	bool found;
	const struct change_request q = { .type = str_of(k->p.type->name), .fields = f->fields, .labels = f->labels };
	enum rc rc = round_row_load(tx_conn(tx), k->row.round, k->a, &found, &k->row, err);
	if (rc == RC_OK && (!found || k->row.next_us == 0))
		return fail(err, RC_CONFLICT, "the next round was made");
	if (rc == RC_OK)
		rc = change_record_tx(tx, k->n->w.records, &k->v, &q, k->a, &view, &errors, err);
	if (rc == RC_OK)
		f->id = record_view_id(&view, k->a);
	record_view_end(&view);
	k->row.next_us = 0;
	return rc == RC_OK ? round_row_save(tx, &k->row, err) : rc;
}

/* Whatever hinders it: it is said once, not every second; a person sees a draft, or nothing. */
static enum rc give_up_next(struct tx *tx, void *ctx, struct err *err)
{
	struct tending *k = ctx;
	bool found;
	enum rc rc = round_row_load(tx_conn(tx), k->row.round, k->a, &found, &k->row, err);
	k->row.next_us = 0;
	k->row.made = k->row.made || k->lost;
	k->row.counted = k->row.counted || k->lost;
	return rc == RC_OK && found ? round_row_save(tx, &k->row, err) : rc;
}

static enum rc next_round(struct tending *k, struct err *err)
{
	struct record_view view = { 0 };
	struct buf fields = BUF_INIT(MIB(1));
	struct following f = { .k = k };
	struct err why = { 0 };
	size_t count = 0;
	enum rc rc = read_record(k->r, k->types, &k->v, k->p.id, k->a, &view, &why);
	if (rc == RC_OK)
		rc = copy_body(k, &view, &fields, &why);
	record_view_end(&view);
	f.fields = buf_str(&fields);
	f.labels = k->p.exercise ? STR("{\"tlp\":\"AMBER\",\"exercise\":true}") : STR_NONE;
	if (rc == RC_OK)
		rc = store_write(k->n->w.store, make_next, &f, &why);
	if (rc == RC_OK)
		rc = round_start(k->n, &k->v, f.id, k->a, &count, &why);
	buf_free(&fields);
	if (rc == RC_OK || rc == RC_BUSY || rc == RC_IO)
		return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
	log_warn(k->n->w.log, "the next round could not be started", L_Z("why", why.text));
	return store_write(k->n->w.store, give_up_next, k, err);
}

/* --- background --- */

static enum rc work_on(struct tending *k, enum work what, struct err *err)
{
	bool making = what == WORK_MESSAGES;
	if (what == WORK_NEXT)
		return next_round(k, err);
	enum rc rc = round_members_load(reader_conn(k->r), k->row.round, making ? MEMBERS_UNMADE : MEMBERS_SILENT, -1,
				  making ? MESSAGES_A_JOB : SILENT_A_JOB, k->a, &k->list, &k->count, err);
	if (rc == RC_OK)
		rc = choose_drivers(k, err);
	return rc == RC_OK ? store_write(k->n->w.store, making ? make_messages : note_silences, k, err) : rc;
}

static enum rc tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct tending k = { .n = ctx, .a = arena_new(KIB(64)) };
	struct uuid round;
	bool found = false;
	int what = WORKS;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(k.n->w.records));
	k.types = snapshot_table(types);
	enum rc rc = store_read_begin(s, &k.r, err);
	for (int i = 0; rc == RC_OK && !found && i < WORKS; i++)
		rc = find_round(reader_conn(k.r), what = i, clock_now_us(), &round, &found, err);
	if (rc == RC_OK && found)
		rc = node_viewer(k.n, &k.v, err);
	if (rc == RC_OK && found) {
		struct err why = { 0 };
		rc = load(&k, round, &why);
		k.lost = rc == RC_ABSENT || rc == RC_DENIED || rc == RC_INPUT;
		if (k.lost)
			log_warn(k.n->w.log, "a round is given up", L_Z("why", why.text));
		else if (rc != RC_OK)
			rc = fail(err, rc, "%s", why.text);
	}
	if (rc == RC_OK && found)
		rc = work_on(&k, what, err);
	else if (k.lost)
		rc = store_write(s, give_up_next, &k, err);
	if (k.r)
		store_read_end(k.r);
	*did_out = rc == RC_OK && found;
	snapshot_drop(records_types_snapshot(k.n->w.records), types);
	arena_free(k.a);
	return rc;
}

void rounds_open(struct notify *n)
{
	records_add_hook(n->w.records, &(struct record_hook){ .changed = changed, .check = check, .ctx = n });
	store_add_tend(n->w.store, tend, n);
}
