/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a takedown by itself: asked again while it is up, thanked when it is down, told when it
 * came back. Whom and by which way is found before the job; the row of the takedown makes it happen once. */
#include <json-c/json.h>

#include "incident/takedown_private.h"

enum { AT_ONCE = 8 };

static str id_bytes(const struct uuid *id)
{
	return str_mem(id->b, sizeof id->b);
}

/* --- the row --- */

static void take_row(struct sql *q, struct arena *a, struct takedown_watch *out)
{
	str id = sql_col_blob(q, 0);
	*out = (struct takedown_watch){
		.item = arena_str(a, sql_col_str(q, 1)), .open = sql_col_int(q, 2), .down = sql_col_int(q, 3),
		.quiet = sql_col_int(q, 4), .asked_us = sql_col_int(q, 5), .down_us = sql_col_int(q, 6),
		.ask_us = sql_col_int(q, 7), .look_us = sql_col_int(q, 8), .gone_run = sql_col_int(q, 9),
		.gone_us = sql_col_int(q, 10), .up_run = sql_col_int(q, 11), .rounds = sql_col_int(q, 12),
		.relapses = sql_col_int(q, 13), .thank = sql_col_int(q, 14), .back = sql_col_int(q, 15),
	};
	if (id.n == sizeof out->record.b)
		memcpy(out->record.b, id.p, id.n);
}

enum rc takedown_watch_load(struct conn *c, struct uuid record, struct arena *a, bool *found_out,
			    struct takedown_watch *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT record, item, open, down, quiet, asked_us, down_us, ask_us, look_us, gone_run,"
			       " gone_us, up_run, rounds, relapses, thank, back FROM takedown_watch WHERE record = ?");
	sql_blob(q, 1, id_bytes(&record));
	*out = (struct takedown_watch){ .record = record };
	*found_out = sql_row(q);
	if (*found_out)
		take_row(q, a, out);
	return sql_end(q, err);
}

enum rc takedown_watch_save(struct tx *tx, const struct takedown_watch *w, struct err *err)
{
	const int64_t values[] = { w->open, w->down, w->quiet, w->asked_us, w->down_us, w->ask_us, w->look_us, w->gone_run,
				   w->gone_us, w->up_run, w->rounds, w->relapses, w->thank, w->back };
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO takedown_watch (record, item, open, down, quiet, asked_us,"
					 " down_us, ask_us, look_us, gone_run, gone_us, up_run, rounds, relapses, thank, back)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, id_bytes(&w->record));
	sql_str(q, 2, w->item);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		sql_int(q, (int)i + 3, values[i]);
	return sql_run(q, err);
}

static enum rc forget(struct conn *c, const struct uuid *id, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM takedown_look WHERE record = ?");
	sql_blob(q, 1, id_bytes(id));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(c, "DELETE FROM takedown_ask WHERE record = ?");
	sql_blob(q, 1, id_bytes(id));
	rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(c, "DELETE FROM takedown_watch WHERE record = ?");
	sql_blob(q, 1, id_bytes(id));
	return sql_run(q, err);
}

enum rc takedown_put_ask(struct tx *tx, str id, str key, struct message *m, struct err *err)
{
	struct uuid record;
	str type;
	int64_t message = 0, seq = 0;
	if (!record_id_parse(id, &type, &record))
		return fail(err, RC_INPUT, "no takedown");
	struct sql *q = sql(tx_conn(tx), "SELECT COUNT(*) FROM takedown_ask WHERE record = ? AND party = ?");
	sql_blob(q, 1, id_bytes(&record));
	sql_str(q, 2, key);
	if (sql_row(q))
		seq = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	m->made_at = (uint64_t)seq + 1;
	if (rc == RC_OK)
		rc = outbox_put(tx, m, NULL, 0, &message, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "INSERT INTO takedown_ask (record, party, seq, at_us, template, message)"
			     " VALUES (?, ?, ?, ?, ?, ?)");
	sql_blob(q, 1, id_bytes(&record));
	sql_str(q, 2, key);
	sql_int(q, 3, seq);
	sql_int(q, 4, tx_now_us(tx));
	sql_str(q, 5, m->template);
	sql_int(q, 6, message);
	return sql_run(q, err);
}

/* --- the record's hook --- */

static int64_t every_of(const struct takedowns *t, const struct takedown_type *type, struct json_object *body)
{
	int64_t us = 0;
	str text = json_get_str(body, type->every->name);
	return text.n > 0 && iso_duration_parse(text, &us) && us >= HOUR_US ? us : settings_int(t->w.settings, "takedown_repeat");
}

static void opened(const struct takedowns *t, const struct takedown_type *type, const struct record *now,
		   struct json_object *body, int64_t at, bool was_open, struct takedown_watch *w)
{
	bool again = now->state == type->relapsed;
	if (!was_open || again) {
		bool repeats = settings_int(t->w.settings, "takedown_repeats") > 0;
		w->ask_us = again ? at : repeats ? at + every_of(t, type, body) : 0;
		w->rounds = 0;
		w->gone_run = w->up_run = w->gone_us = 0;
	}
	w->asked_us = w->asked_us && !again ? w->asked_us : at;
	w->back = w->back || again;
	w->relapses += again;
	w->open = true;
	w->down = w->thank = false;
	w->down_us = 0;
}

static void moved(const struct takedowns *t, const struct takedown_type *type, const struct record *now,
		  struct json_object *body, int64_t at, struct takedown_watch *w)
{
	bool was_open = w->open;
	if (takedown_is_open(type, now->state)) {
		opened(t, type, now, body, at, was_open, w);
		return;
	}
	w->open = w->back = false;
	w->down = now->state == type->down;
	w->down_us = !w->down ? 0 : w->gone_us ? w->gone_us : at;
	w->ask_us = w->look_us = w->gone_run = w->gone_us = w->up_run = 0;
	w->thank = w->down && was_open;
}

static enum rc follow(struct tx *tx, const struct takedowns *t, const struct takedown_type *type,
		      const struct record *before, const struct record *now, struct takedown_watch *w, struct err *err)
{
	struct json_object *body = NULL;
	int64_t at = tx_now_us(tx);
	bool checks = settings_bool(t->w.settings, "takedown_check");
	enum rc rc = json_read(now->body, &body, err);
	if (rc != RC_OK)
		return rc;
	w->quiet = now->labels.exercise || now->labels.held;
	if (!before || before->state != now->state)
		moved(t, type, now, body, at, w);
	/* Whatever was changed by hand, it is looked at soon. */
	w->look_us = checks && !w->quiet && (w->open || w->down) ? at : 0;
	if (w->quiet)
		w->ask_us = w->thank = 0;
	json_free(body);
	return takedown_watch_save(tx, w, err);
}

enum rc takedown_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			 const struct record *now, struct err *err)
{
	struct takedowns *t = ctx;
	struct takedown_type type;
	struct takedown_watch w;
	bool found;
	(void)r;
	if (!takedown_type_of(now->type, &type) || now->number == 0)
		return RC_OK;
	if (now->erased)
		return forget(tx_conn(tx), &now->id, err);
	struct arena *a = arena_new(KIB(4));
	struct buf item = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&item, now->type_name, &now->id);
	enum rc rc = takedown_watch_load(tx_conn(tx), now->id, a, &found, &w, err);
	w.item = buf_str(&item);
	if (rc == RC_OK)
		rc = follow(tx, t, &type, before, now, &w, err);
	if (rc == RC_OK && !w.open && before && before->state != now->state)
		rc = outbox_withdraw_made(tx, arena_fmt(a, "takedown:" STR_FMT, STR_ARG(w.item)), STR("the takedown is over"), err);
	buf_free(&item);
	arena_free(a);
	return rc;
}

/* --- what is due --- */

struct due {
	struct takedowns *t;
	struct takedown_watch w;
	struct message messages[TAKEDOWN_PARTIES_MOST];
	str keys[TAKEDOWN_PARTIES_MOST];
	size_t count;
	int64_t every_us;
	bool known;
	struct arena *a;
};

/* Has anything reached this party? Thanks go to no other. */
static enum rc was_told(struct conn *c, const struct uuid *record, str key, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT COUNT(*) FROM takedown_ask a JOIN outbox o ON o.id = a.message WHERE a.record = ?1"
			       " AND a.party = ?2 AND o.state IN (?3, ?4)");
	sql_blob(q, 1, id_bytes(record));
	sql_str(q, 2, key);
	sql_int(q, 3, MESSAGE_SENT);
	sql_int(q, 4, MESSAGE_UNCERTAIN);
	*out = sql_row(q) && sql_col_int(q, 0) > 0;
	return sql_end(q, err);
}

static enum rc add_message(struct due *k, struct reader *r, const struct types *types, const struct takedown_party *p,
			   const char *template, struct err *err)
{
	const char *driver = NULL;
	bool told = true;
	bool thanks = k->w.thank, finished = str_eq(p->answer, STR("refused")) || (str_eq(p->answer, STR("done")) && !k->w.back);
	if (!str_eq(p->tell, STR("yes")) || (finished && !thanks) || k->count == TAKEDOWN_PARTIES_MOST)
		return RC_OK;
	enum rc rc = thanks ? was_told(reader_conn(r), &k->w.record, p->key, &told, err) : RC_OK;
	str recipient = takedown_recipient(r, k->t, types, k->w.item, p, k->a, &driver);
	/* Nobody fills in a form to say thank you. */
	if (rc != RC_OK || !driver || !told || (thanks && p->organisation.n == 0 && p->email.n == 0))
		return rc;
	k->messages[k->count] = takedown_message(k->t, k->w.item, template, p, recipient, driver, k->w.rounds + 1,
							k->a);
	k->keys[k->count++] = arena_str(k->a, p->key);
	return RC_OK;
}

static enum rc look_up(struct due *k, struct reader *r, const struct types *types, const struct viewer *v, struct err *err)
{
	struct record_view view = { 0 };
	struct takedown_type type;
	struct takedown_party list[TAKEDOWN_PARTIES_MOST];
	struct err why = { 0 };
	enum rc rc = read_record(r, types, v, k->w.item, k->a, &view, &why);
	k->known = rc == RC_OK && takedown_type_of(record_view_type(&view), &type);
	if (rc == RC_IO || rc == RC_BUSY)
		return fail(err, rc, "%s", why.text);
	rc = RC_OK;
	if (k->known) {
		const char *template = k->w.thank ? "takedown.thanks" : k->w.back ? "takedown.back" : "takedown.repeat";
		size_t n = takedown_parties(json_get(view.body, type.parties->name), k->a, list, COUNT_OF(list));
		k->every_us = every_of(k->t, &type, view.body);
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			rc = add_message(k, r, types, &list[i], template, err);
	}
	record_view_end(&view);
	return rc;
}

static enum rc tell(struct tx *tx, void *ctx, struct err *err)
{
	struct due *k = ctx;
	struct takedown_watch w;
	bool found;
	enum rc rc = takedown_watch_load(tx_conn(tx), k->w.record, k->a, &found, &w, err);
	/* It has moved on since it was looked up: what is due then is found anew. */
	if (rc != RC_OK || !found || w.ask_us != k->w.ask_us || w.thank != k->w.thank)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < k->count; i++)
		rc = takedown_put_ask(tx, w.item, k->keys[i], &k->messages[i], err);
	if (w.thank) {
		w.thank = false;
	} else {
		w.rounds += !w.back;
		w.back = false;
		bool more = k->known && w.rounds < settings_int(k->t->w.settings, "takedown_repeats");
		w.ask_us = more ? tx_now_us(tx) + k->every_us : 0;
	}
	return rc == RC_OK ? takedown_watch_save(tx, &w, err) : rc;
}

static enum rc find_due(struct reader *r, struct arena *a, struct due *out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(reader_conn(r), "SELECT record, item, open, down, quiet, asked_us, down_us, ask_us, look_us,"
					    " gone_run, gone_us, up_run, rounds, relapses, thank, back FROM takedown_watch"
					    " WHERE (ask_us > 0 AND ask_us <= ?1) OR thank > 0 LIMIT ?2");
	*count_out = 0;
	sql_int(q, 1, clock_now_us());
	sql_int(q, 2, AT_ONCE);
	while (sql_row(q) && *count_out < AT_ONCE)
		take_row(q, a, &out[(*count_out)++].w);
	return sql_end(q, err);
}

enum rc takedown_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct takedowns *t = ctx;
	struct arena *a = arena_new(KIB(64));
	struct due *list = ARENA_ARRAY(a, AT_ONCE, struct due);
	size_t count = 0;
	struct reader *r = NULL;
	struct viewer v = viewer_node(t->w.roles, "takedown");
	*did_out = false;
	enum rc rc = store_read_only(s) ? RC_BUSY : store_read_begin(s, &r, err);
	if (rc == RC_BUSY && !r) {
		arena_free(a);
		return RC_OK;
	}
	if (rc == RC_OK)
		rc = find_due(r, a, list, &count, err);
	if (rc == RC_OK && count > 0) {
		struct snapshot *types = records_types_snapshot(t->w.records);
		struct snapshot_ref *held = snapshot_hold(types);
		rc = policies_apply(t->w.policies, &v, err);
		for (size_t i = 0; rc == RC_OK && i < count; i++) {
			list[i].t = t;
			list[i].a = a;
			rc = look_up(&list[i], r, snapshot_table(held), &v, err);
		}
		snapshot_drop(types, held);
	}
	if (r)
		store_read_end(r);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		rc = store_write(s, tell, &list[i], err);
		*did_out = true;
	}
	arena_free(a);
	return rc;
}
