/* SPDX-License-Identifier: Apache-2.0 */
#include "record/outbox_private.h"

#include "base/arena.h"
#include "base/json.h"

enum { TEXT_MAX = 512, WHY_MAX = 1000 };

static const char *const state_names[] = {
	[MESSAGE_QUEUED] = "queued",	   [MESSAGE_TAKEN] = "taken",
	[MESSAGE_DRAINING] = "draining",   [MESSAGE_SENT] = "sent",
	[MESSAGE_UNCERTAIN] = "uncertain", [MESSAGE_WITHDRAWN] = "withdrawn",
	[MESSAGE_REFUSED] = "refused",	   [MESSAGE_FAILED] = "failed",
	[MESSAGE_REHEARSED] = "rehearsed",
};

const char *message_state_name(enum message_state s)
{
	return (unsigned)s < COUNT_OF(state_names) && state_names[s] ? state_names[s] : "unknown";
}

/* --- rows --- */

void outbox_row(struct sql *q, struct arena *a, struct message *out)
{
	*out = (struct message){
		.id = sql_col_int(q, 0),
		.state = (enum message_state)sql_col_int(q, 1),
		.lane = (enum lane)sql_col_int(q, 2),
		.driver = arena_str(a, sql_col_str(q, 3)),
		.recipient = arena_str(a, sql_col_str(q, 4)),
		.item = arena_str(a, sql_col_str(q, 5)),
		.item_version = (uint64_t)sql_col_int(q, 6),
		.template = arena_str(a, sql_col_str(q, 7)),
		.details = arena_str(a, sql_col_str(q, 8)),
		.purpose = (int)sql_col_int(q, 9),
		.policy = (uint64_t)sql_col_int(q, 10),
		.maker = arena_str(a, sql_col_str(q, 11)),
		.made_at = (uint64_t)sql_col_int(q, 12),
		.made_us = sql_col_int(q, 13),
		.not_before_us = sql_col_int(q, 14),
		.expires_us = sql_col_int(q, 15),
		.tries = (unsigned)sql_col_int(q, 16),
		.words = arena_str(a, sql_col_str(q, 17)),
	};
}

enum rc outbox_rows(struct sql *q, struct arena *a, struct message **out, size_t *count_out,
		     struct err *err)
{
	size_t room = 0, n = 0;
	struct message *list = NULL;
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 32;
			list = x_grow(list, room, sizeof *list);
		}
		outbox_row(q, a, &list[n++]);
	}
	*out = ARENA_ARRAY(a, n + 1, struct message);
	if (n > 0)
		memcpy(*out, list, n * sizeof *list);
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

enum rc outbox_set_state(struct conn *c, int64_t id, enum message_state state, str words,
			  struct err *err)
{
	struct sql *q = sql(c, "UPDATE outbox SET state = ?, words = ?, lease_us = 0 WHERE id = ?");
	sql_int(q, 1, state);
	sql_str(q, 2, or_empty(words));
	sql_int(q, 3, id);
	return sql_run(q, err);
}

/* --- putting in --- */

static enum rc check_message(const struct message *m, struct err *err)
{
	const struct { const char *what; str text; bool may_be_empty; } parts[] = {
		{ "driver", m->driver, false },	  { "recipient", m->recipient, false },
		{ "item", m->item, true },	  { "template", m->template, false },
		{ "maker", m->maker, false },
	};
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if ((parts[i].text.n == 0 && !parts[i].may_be_empty) || parts[i].text.n > TEXT_MAX ||
		    (parts[i].text.n > 0 && !str_is_plain(parts[i].text)))
			return fail(err, RC_INPUT, "'" STR_FMT "' is no %s of a message",
				    STR_ARG(parts[i].text), parts[i].what);
	}
	if (m->details.n > OUTBOX_DETAILS_MAX)
		return fail(err, RC_LIMIT, "the details of a message are over %d bytes",
			    OUTBOX_DETAILS_MAX);
	return RC_OK;
}

static enum rc find_made(struct conn *c, const struct message *m, int64_t *id_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM outbox WHERE maker = ? AND made_at = ? AND driver = ?"
			       " AND recipient = ?");
	sql_str(q, 1, m->maker);
	sql_int(q, 2, (int64_t)m->made_at);
	sql_str(q, 3, m->driver);
	sql_str(q, 4, m->recipient);
	*id_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc insert_message(struct tx *tx, const struct message *m, int64_t *id_out,
			      struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "INSERT INTO outbox (state, lane, driver, recipient, item, item_version,"
			    " template, details, purpose, policy, maker, made_at, made_us,"
			    " not_before_us, expires_us, lease_us, tries, words)"
			    " VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '')");
	sql_int(q, 1, m->lane);
	sql_str(q, 2, m->driver);
	sql_str(q, 3, m->recipient);
	sql_str(q, 4, or_empty(m->item));
	sql_int(q, 5, (int64_t)m->item_version);
	sql_str(q, 6, m->template);
	sql_str(q, 7, or_empty(m->details));
	sql_int(q, 8, m->purpose);
	sql_int(q, 9, (int64_t)m->policy);
	sql_str(q, 10, m->maker);
	sql_int(q, 11, (int64_t)m->made_at);
	sql_int(q, 12, tx_now_us(tx));
	sql_int(q, 13, m->not_before_us);
	sql_int(q, 14, m->expires_us);
	enum rc rc = sql_run(q, err);
	*id_out = sql_last_id(tx_conn(tx));
	return rc;
}

static enum rc insert_cover(struct tx *tx, int64_t id, const struct cover *c, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO outbox_cover (message, item, version)"
					 " VALUES (?, ?, ?)");
	sql_int(q, 1, id);
	sql_str(q, 2, c->item);
	sql_int(q, 3, (int64_t)c->version);
	return sql_run(q, err);
}

enum rc outbox_put(struct tx *tx, const struct message *m, const struct cover *covers,
		   size_t cover_count, int64_t *id_out, struct err *err)
{
	int64_t id = 0;
	enum rc rc = check_message(m, err);
	if (rc == RC_OK)
		rc = find_made(tx_conn(tx), m, &id, err);
	if (rc == RC_OK && id == 0) {
		rc = insert_message(tx, m, &id, err);
		for (size_t i = 0; i < cover_count && rc == RC_OK; i++)
			rc = insert_cover(tx, id, &covers[i], err);
	}
	if (id_out)
		*id_out = id;
	return rc;
}

/* --- cursors --- */

enum rc outbox_cursor(struct conn *c, str maker, uint64_t *at_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq FROM cursor WHERE name = 'outbox:' || ?");
	sql_str(q, 1, maker);
	*at_out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc outbox_cursor_move(struct tx *tx, str maker, uint64_t from, uint64_t to, struct err *err)
{
	uint64_t at;
	enum rc rc = outbox_cursor(tx_conn(tx), maker, &at, err);
	if (rc == RC_OK && at != from)
		return fail(err, RC_CONFLICT, "'" STR_FMT "' stands at %llu, not at %llu",
			    STR_ARG(maker), (unsigned long long)at, (unsigned long long)from);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO cursor (name, seq)"
					 " VALUES ('outbox:' || ?, ?)");
	sql_str(q, 1, maker);
	sql_int(q, 2, (int64_t)to);
	return sql_run(q, err);
}

/* --- reading --- */

enum rc outbox_load(struct conn *c, int64_t id, struct arena *a, struct message *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " MESSAGE_COLUMNS " FROM outbox WHERE id = ?");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found)
		outbox_row(q, a, out);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "there is no message %lld", (long long)id);
	return rc;
}

enum rc outbox_list(struct conn *c, const struct outbox_query *o, struct arena *a,
		    struct message **out, size_t *count_out, struct err *err)
{
	struct sql *q = o->item.n > 0 ? sql(c, OUTBOX_OF_ITEM) :
					sql(c, "SELECT " MESSAGE_COLUMNS " FROM outbox o WHERE o.id < ?1"
					       " AND (?2 = '' OR o.driver = ?2) AND (?3 = 0 OR o.state = ?3)"
					       " AND (?4 = '' OR o.recipient = ?4) ORDER BY o.id DESC LIMIT ?6");
	sql_int(q, 1, o->before > 0 ? o->before : INT64_MAX);
	sql_str(q, 2, or_empty(str_of(o->driver)));
	sql_int(q, 3, o->state);
	sql_str(q, 4, or_empty(o->recipient));
	if (o->item.n > 0)
		sql_str(q, 5, o->item);
	sql_int(q, 6, o->limit > 1000 ? 1000 : (int64_t)o->limit);
	return outbox_rows(q, a, out, count_out, err);
}

enum rc outbox_waiting(struct conn *c, const char *driver, str recipient, int64_t before, size_t limit,
		       struct arena *a, struct message **out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " MESSAGE_COLUMNS " FROM outbox INDEXED BY outbox_waiting WHERE state = 1"
			       " AND driver = ? AND recipient = ? AND id < ? ORDER BY id DESC LIMIT ?");
	sql_str(q, 1, str_of(driver));
	sql_str(q, 2, recipient);
	sql_int(q, 3, before > 0 ? before : INT64_MAX);
	sql_int(q, 4, limit > 1000 ? 1000 : (int64_t)limit);
	return outbox_rows(q, a, out, count_out, err);
}

enum rc outbox_covers(struct conn *c, int64_t id, struct arena *a, struct cover **out,
		      size_t *count_out, struct err *err)
{
	size_t room = 0, n = 0;
	struct cover *list = NULL;
	struct sql *q = sql(c, "SELECT item, version FROM outbox_cover WHERE message = ? ORDER BY item");
	sql_int(q, 1, id);
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 32;
			list = x_grow(list, room, sizeof *list);
		}
		list[n++] = (struct cover){ arena_str(a, sql_col_str(q, 0)),
					    (uint64_t)sql_col_int(q, 1) };
	}
	*out = ARENA_ARRAY(a, n + 1, struct cover);
	if (n > 0)
		memcpy(*out, list, n * sizeof *list);
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

/* --- what a person does --- */

static enum rc journal_message(struct tx *tx, struct journal *j, const char *act, int64_t id, str by,
			       str why, struct err *err)
{
	char object[40];
	struct buf body = BUF_INIT(KIB(8));
	struct json_out o = json_out(&body);
	snprintf(object, sizeof object, "message:%lld", (long long)id);
	json_open(&o, '{');
	json_put_str(&o, "why", why);
	json_close(&o, '}');
	struct journal_act a = { .act = act, .actor = by, .object = str_of(object),
				 .body = buf_str(&body) };
	enum rc rc = journal_add(tx, j, &a, err);
	buf_free(&body);
	return rc;
}

static enum rc need_why(str why, struct err *err)
{
	if (why.n == 0 || why.n > WHY_MAX || !str_is_plain(why))
		return fail(err, RC_INPUT, "a reason is needed, as plain text of one line");
	return RC_OK;
}

enum rc outbox_withdraw(struct tx *tx, struct journal *j, int64_t id, str by, str why,
			struct err *err)
{
	struct message m;
	struct arena *a = arena_new(KIB(4));
	struct outcome_of o = { .rule = "withdrawn by a person", .words = why };
	enum rc rc = need_why(why, err);
	if (rc == RC_OK)
		rc = outbox_load(tx_conn(tx), id, a, &m, err);
	if (rc == RC_OK && m.state != MESSAGE_QUEUED && m.state != MESSAGE_TAKEN)
		rc = fail(err, RC_CONFLICT, "message %lld is %s: it cannot be withdrawn", (long long)id,
			  message_state_name(m.state));
	if (rc == RC_OK)
		rc = outbox_set_state(tx_conn(tx), id, MESSAGE_WITHDRAWN, why, err);
	if (rc == RC_OK)
		rc = ledger_of_message(tx, &m, LEDGER_WITHDRAWN, &o, err);
	if (rc == RC_OK)
		rc = journal_message(tx, j, "outbox.withdraw", id, by, why, err);
	arena_free(a);
	return rc;
}

enum rc outbox_uncover(struct tx *tx, int64_t id, str item, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM outbox_cover WHERE message = ?1 AND item = ?2"
					 " AND EXISTS (SELECT 1 FROM outbox WHERE id = ?1 AND state IN (1, 2))");
	sql_int(q, 1, id);
	sql_str(q, 2, item);
	return sql_run(q, err);
}

enum rc outbox_withdraw_made(struct tx *tx, str maker, str why, struct err *err)
{
	struct message *list = NULL;
	size_t count = 0;
	struct arena *a = arena_new(KIB(4));
	struct sql *q = sql(tx_conn(tx), "SELECT " MESSAGE_COLUMNS " FROM outbox WHERE maker >= ?1 || ':'"
					 " AND maker < ?1 || ';' AND state = 1");
	sql_str(q, 1, maker);
	enum rc rc = outbox_rows(q, a, &list, &count, err);
	for (size_t i = 0; i < count && rc == RC_OK; i++) {
		struct outcome_of o = { .policy = list[i].policy, .rule = "withdrawn by its maker", .words = why };
		rc = outbox_set_state(tx_conn(tx), list[i].id, MESSAGE_WITHDRAWN, why, err);
		if (rc == RC_OK)
			rc = ledger_of_message(tx, &list[i], LEDGER_WITHDRAWN, &o, err);
	}
	arena_free(a);
	return rc;
}

enum rc outbox_again(struct tx *tx, struct journal *j, int64_t id, str by, str why, struct err *err)
{
	struct message m;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = need_why(why, err);
	if (rc == RC_OK)
		rc = outbox_load(tx_conn(tx), id, a, &m, err);
	if (rc == RC_OK && m.state != MESSAGE_UNCERTAIN && m.state != MESSAGE_FAILED)
		rc = fail(err, RC_CONFLICT, "message %lld is %s: only uncertain and failed ones are sent again",
			  (long long)id, message_state_name(m.state));
	if (rc == RC_OK) {
		struct sql *q = sql(tx_conn(tx), "UPDATE outbox SET state = 1, tries = 0, expires_us = 0,"
						 " not_before_us = 0 WHERE id = ?");
		sql_int(q, 1, id);
		rc = sql_run(q, err);
	}
	if (rc == RC_OK)
		rc = journal_message(tx, j, "outbox.again", id, by, why, err);
	arena_free(a);
	return rc;
}
