/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/rehearsal.h"

#include <json-c/json.h>

#include "disclosure/change.h"
#include "notify/notify_private.h"

enum { CLASS_MAX = 80 };

static const char *const scope_names[] = {
	[REHEARSAL_NODE] = "node",
	[REHEARSAL_ORGANISATION] = "organisation",
	[REHEARSAL_CLASS] = "class",
};

const char *rehearsal_scope_name(enum rehearsal_scope s)
{
	return (unsigned)s < COUNT_OF(scope_names) && scope_names[s] ? scope_names[s] : "unknown";
}

str rehearsal_class(str template)
{
	str tell = STR("tell.");
	return str_starts(template, tell) ? str_from(template, tell.n) : template;
}

/* --- who is live --- */

struct standing {
	bool known, live;
	int64_t since_us;
};

static enum rc look(struct conn *c, enum rehearsal_scope scope, str key, struct standing *out, struct err *err)
{
	*out = (struct standing){ .known = false };
	struct sql *q = sql(c, "SELECT live, since_us FROM rehearsal WHERE scope = ? AND key = ?");
	sql_int(q, 1, scope);
	sql_str(q, 2, key.p ? key : STR(""));
	out->known = sql_row(q);
	if (out->known)
		*out = (struct standing){ true, sql_col_int(q, 0) != 0, sql_col_int(q, 1) };
	return sql_end(q, err);
}

static str organisation_key(struct uuid id, struct buf *b)
{
	record_id_format(b, STR("organisation"), &id);
	return buf_str(b);
}

enum rc rehearsal_since(struct conn *c, struct uuid organisation, str class, bool *live_out, int64_t *since_out,
			struct err *err)
{
	struct standing all[3] = { { .known = false } };
	struct buf key = BUF_INIT(RECORD_ID_BYTES);
	enum rc rc = look(c, REHEARSAL_NODE, STR(""), &all[0], err);
	if (rc == RC_OK && !uuid_is_zero(&organisation))
		rc = look(c, REHEARSAL_ORGANISATION, organisation_key(organisation, &key), &all[1], err);
	if (rc == RC_OK)
		rc = look(c, REHEARSAL_CLASS, class, &all[2], err);
	buf_free(&key);
	bool back = (all[1].known && !all[1].live) || (all[2].known && !all[2].live);
	*live_out = false;
	*since_out = 0;
	for (size_t i = 0; rc == RC_OK && !back && i < COUNT_OF(all); i++) {
		if (!all[i].known || !all[i].live)
			continue;
		*since_out = *live_out && *since_out < all[i].since_us ? *since_out : all[i].since_us;
		*live_out = true;
	}
	return rc;
}

enum rc rehearsal_of(struct reader *r, const struct told_to *to, str recipient, str template, bool *live_out,
		     struct err *err)
{
	struct uuid id = to->viewer.organisation;
	int64_t since_us;
	str type, rest = recipient;
	*live_out = to->asks_roles && uuid_is_zero(&id);
	if (*live_out) /* one of us */
		return RC_OK;
	if (uuid_is_zero(&id) && !record_id_parse(str_cut(&rest, '/'), &type, &id))
		id = (struct uuid){ { 0 } };
	return rehearsal_since(reader_conn(r), id, rehearsal_class(template), live_out, &since_us, err);
}

enum rc rehearsal_live(struct reader *r, const struct rendering *what, const struct message *m, bool *live_out,
		       struct err *err)
{
	struct uuid id = what->who.to.viewer.organisation;
	int64_t since_us = 0;
	*live_out = what->who.ours;
	enum rc rc = *live_out ? RC_OK : rehearsal_of(r, &what->who.to, m->recipient, m->template, live_out, err);
	if (rc != RC_OK || !*live_out || !str_starts(m->maker, STR("teller:")))
		return rc;
	rc = rehearsal_since(reader_conn(r), id, rehearsal_class(m->template), live_out, &since_us, err);
	*live_out = *live_out && m->made_us >= since_us;
	return rc;
}

static void put_text(struct json_object *o, const char *name, str s)
{
	if (o)
		json_object_object_add(o, name, json_object_new_string_len(s.p ? s.p : "", (int)s.n));
}

void rehearsal_address(struct rendering *what, str own, struct arena *a)
{
	what->rehearsed_for = what->who.address.n > 0 ? what->who.address : what->who.name;
	if (what->rehearsed_for.n == 0)
		what->rehearsed_for = STR("nobody");
	what->subject = arena_fmt(a, "[rehearsal for " STR_FMT "] " STR_FMT, STR_ARG(what->rehearsed_for),
				  STR_ARG(what->subject));
	what->who.address = own;
	put_text(what->data, "subject", what->subject);
	put_text(what->data, "address", own);
	put_text(what->data, "rehearsed_for", what->rehearsed_for);
}

/* --- the switch --- */

bool rehearsal_may_set(const struct viewer *v, const struct roles *roles)
{
	if (v->as.kind != RECIPIENT_STAFF || !v->account || v->reads_only || !uuid_is_zero(&v->organisation))
		return false;
	for (size_t i = 0; i < roles_count(roles); i++)
		if (v->roles >> i & 1 && roles_at(roles, i)->approves)
			return true;
	return false;
}

struct setting_it {
	struct notify *n;
	str actor;
	const struct rehearsal_switch *q;
	str key;
};

static enum rc put(struct tx *tx, const struct setting_it *k, struct err *err)
{
	/* Live again while it is live: since when stays. */
	struct sql *q = sql(tx_conn(tx), "INSERT INTO rehearsal (scope, key, live, since_us, by, why)"
					 " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (scope, key) DO UPDATE SET"
					 " since_us = CASE live WHEN ?3 THEN since_us ELSE ?4 END, live = ?3, by = ?5,"
					 " why = ?6");
	sql_int(q, 1, k->q->scope);
	sql_str(q, 2, k->key);
	sql_int(q, 3, k->q->live);
	sql_int(q, 4, tx_now_us(tx));
	sql_str(q, 5, k->actor);
	sql_str(q, 6, k->q->why);
	return sql_run(q, err);
}

static enum rc write_line(struct tx *tx, const struct setting_it *k, struct err *err)
{
	struct buf body = BUF_INIT(KIB(8)), object = BUF_INIT(KIB(1));
	struct json_out j = json_out(&body);
	buf_fmt(&object, "rehearsal:%s%s" STR_FMT, rehearsal_scope_name(k->q->scope), k->key.n ? ":" : "",
		STR_ARG(k->key));
	json_open(&j, '{');
	json_put_str(&j, "why", k->q->why);
	json_close(&j, '}');
	const struct journal_act act = { .act = k->q->live ? "rehearsal.live" : "rehearsal.back", .actor = k->actor,
					 .object = buf_str(&object), .body = buf_str(&body) };
	enum rc rc = journal_add(tx, records_journal(k->n->w.records), &act, err);
	buf_free(&body);
	buf_free(&object);
	return rc;
}

static enum rc set_it(struct tx *tx, void *ctx, struct err *err)
{
	const struct setting_it *k = ctx;
	bool ends_all = k->q->scope == REHEARSAL_NODE && !k->q->live;
	enum rc rc = sql_run(sql(tx_conn(tx), "DELETE FROM rehearsal WHERE scope = 0"), err);
	if (rc == RC_OK && ends_all)
		rc = sql_run(sql(tx_conn(tx), "DELETE FROM rehearsal WHERE scope > 1"), err);
	if (rc == RC_OK)
		rc = put(tx, k, err);
	return rc == RC_OK ? write_line(tx, k, err) : rc;
}

/* The id of the organisation that `v` means. */
static enum rc find_key(struct notify *n, const struct viewer *v, const struct rehearsal_switch *q, struct arena *a,
			str *out, struct err *err)
{
	struct record_view view = { 0 };
	struct reader *r = NULL;
	str rest = q->key;
	*out = q->scope == REHEARSAL_NODE ? STR("") : q->key;
	if (q->scope == REHEARSAL_CLASS &&
	    (q->key.n == 0 || q->key.n > CLASS_MAX || !str_is_plain(q->key) || str_has(q->key, ' ')))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no class of messages", STR_ARG(str_head(q->key, 60)));
	if (q->scope != REHEARSAL_ORGANISATION)
		return RC_OK;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = read_record(r, snapshot_table(types), v, str_cut(&rest, '/'), a, &view, err);
	if (rc == RC_OK && !type_meaning(record_view_type(&view), STR("organisation.contacts")))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no organisation", STR_ARG(str_head(q->key, 60)));
	if (rc == RC_OK)
		*out = record_view_id(&view, a);
	record_view_end(&view);
	if (r)
		store_read_end(r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}

enum rc rehearsal_set(struct notify *n, const struct viewer *v, const struct rehearsal_switch *q, struct err *err)
{
	struct setting_it k = { .n = n, .actor = str_of(v->actor), .q = q };
	if (!rehearsal_may_set(v, n->w.roles)) {
		change_refused(n->w.records, n->w.store, v, STR("rehearsal"),
			       STR("rehearsal is switched by a person whose role may approve"));
		return fail(err, RC_DENIED, "rehearsal is switched by a person with an account whose role may approve "
					    "(lead, administrator)");
	}
	if (q->why.n == 0 || q->why.n > REHEARSAL_WHY_MAX || !str_is_plain(q->why))
		return fail(err, RC_INPUT, "a reason is needed, as plain text of one line");
	struct arena *a = arena_new(KIB(4));
	enum rc rc = find_key(n, v, q, a, &k.key, err);
	if (rc == RC_OK)
		rc = store_write(n->w.store, set_it, &k, err);
	arena_free(a);
	return rc;
}

/* --- upgrade --- */

struct upgrading {
	struct setting_it set;
	bool sends;
};

static enum rc upgrade(struct tx *tx, void *ctx, struct err *err)
{
	struct upgrading *u = ctx;
	enum rc rc = sql_run(sql(tx_conn(tx), "DELETE FROM rehearsal WHERE scope = 0"), err);
	if (rc != RC_OK || sql_changes(tx_conn(tx)) == 0 || !u->sends)
		return rc;
	rc = put(tx, &u->set, err);
	return rc == RC_OK ? write_line(tx, &u->set, err) : rc;
}

enum rc rehearsal_upgrade(struct notify *n, bool sends, struct err *err)
{
	struct standing old = { .known = false };
	struct reader *r = NULL;
	const struct rehearsal_switch live = { .scope = REHEARSAL_NODE, .live = true,
					       .why = STR("it sent before there was a rehearsal") };
	struct upgrading u = { { n, STR("node:upgrade"), &live, STR("") }, sends };
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = look(reader_conn(r), 0, STR(""), &old, err);
	if (r)
		store_read_end(r);
	return rc == RC_OK && old.known && !store_read_only(n->w.store) ? store_write(n->w.store, upgrade, &u, err) : rc;
}

/* --- reading --- */

static enum rc load_rows(struct conn *c, struct arena *a, struct rehearsal_row **out, size_t *count_out,
			 struct err *err)
{
	size_t room = 0, n = 0;
	struct rehearsal_row *list = NULL;
	struct sql *q = sql(c, "SELECT scope, key, live, since_us, by, why FROM rehearsal WHERE scope > 0"
			       " ORDER BY scope, key");
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 32;
			list = x_grow(list, room, sizeof *list);
		}
		list[n++] = (struct rehearsal_row){
			.scope = (enum rehearsal_scope)sql_col_int(q, 0), .key = arena_str(a, sql_col_str(q, 1)),
			.title = STR(""), .live = sql_col_int(q, 2) != 0, .since_us = sql_col_int(q, 3),
			.by = arena_str(a, sql_col_str(q, 4)), .why = arena_str(a, sql_col_str(q, 5)),
		};
	}
	*out = ARENA_ARRAY(a, n + 1, struct rehearsal_row);
	if (n > 0)
		memcpy(*out, list, n * sizeof *list);
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

enum rc rehearsal_list(struct reader *r, const struct types *t, const struct viewer *v, struct arena *a,
		       struct rehearsal_row **out, size_t *count_out, struct err *err)
{
	struct rehearsal_row *all = NULL;
	size_t count = 0, n = 0;
	if (v->as.kind != RECIPIENT_STAFF)
		return fail(err, RC_DENIED, "who is written to is for our own people");
	enum rc rc = load_rows(reader_conn(r), a, &all, &count, err);
	*out = ARENA_ARRAY(a, count + 1, struct rehearsal_row);
	if (count == 0 || all[0].scope != REHEARSAL_NODE)
		(*out)[n++] = (struct rehearsal_row){ .scope = REHEARSAL_NODE, .key = STR(""), .title = STR(""),
						      .by = STR(""), .why = STR("") };
	for (size_t i = 0; i < count; i++)
		if (all[i].scope != REHEARSAL_ORGANISATION || notify_sees(r, t, v, all[i].key, a, &all[i].title))
			(*out)[n++] = all[i];
	*count_out = n;
	return rc;
}
