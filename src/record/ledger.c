/* SPDX-License-Identifier: Apache-2.0 */
#include "record/outbox_private.h"

#include "base/arena.h"

static const char *const kind_names[] = {
	[LEDGER_SENT] = "sent",		  [LEDGER_UNCERTAIN] = "uncertain",
	[LEDGER_WITHDRAWN] = "withdrawn", [LEDGER_REFUSED] = "refused",
	[LEDGER_FAILED] = "failed",	  [LEDGER_RECEIPT] = "receipt",
	[LEDGER_ANSWER] = "answer",	  [LEDGER_SHOWN] = "shown",
	[LEDGER_SAID] = "said",		  [LEDGER_REHEARSED] = "rehearsed",
	[LEDGER_BOUNCED] = "bounced",
};

const char *ledger_kind_name(enum ledger_kind k)
{
	return (unsigned)k < COUNT_OF(kind_names) && kind_names[k] ? kind_names[k] : "unknown";
}

enum rc ledger_add(struct tx *tx, const struct ledger_row *row, int64_t *id_out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO ledger (at_us, message, kind, driver, recipient,"
					 " item, item_version, purpose, policy, rule, cut, reference,"
					 " words, covers) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
					 " ?)");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, row->message);
	sql_int(q, 3, row->kind);
	sql_str(q, 4, or_empty(row->driver));
	sql_str(q, 5, or_empty(row->recipient));
	sql_str(q, 6, or_empty(row->item));
	sql_int(q, 7, (int64_t)row->item_version);
	sql_int(q, 8, row->purpose);
	sql_int(q, 9, (int64_t)row->policy);
	sql_str(q, 10, or_empty(row->rule));
	sql_str(q, 11, or_empty(row->cut));
	sql_str(q, 12, or_empty(row->reference));
	sql_str(q, 13, or_empty(row->words));
	sql_int(q, 14, (int64_t)row->covers);
	enum rc rc = sql_run(q, err);
	if (id_out)
		*id_out = sql_last_id(tx_conn(tx));
	return rc;
}

static enum rc count_covers(struct conn *c, int64_t message, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*) FROM outbox_cover WHERE message = ?");
	sql_int(q, 1, message);
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc ledger_of_message(struct tx *tx, const struct message *m, enum ledger_kind kind,
			  const struct outcome_of *o, struct err *err)
{
	struct ledger_row row = { .message = m->id, .kind = kind, .driver = m->driver,
				  .recipient = m->recipient, .item = m->item,
				  .item_version = m->item_version, .policy = o->policy,
				  .purpose = m->purpose, .rule = str_of(o->rule), .cut = o->cut,
				  .reference = o->reference, .words = o->words };
	enum rc rc = count_covers(tx_conn(tx), m->id, &row.covers, err);
	return rc == RC_OK ? ledger_add(tx, &row, NULL, err) : rc;
}

static enum rc find_receipt(struct conn *c, int64_t message, enum ledger_kind kind, str reference,
			    bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM ledger WHERE message = ? AND message > 0 AND kind = ?"
			       " AND reference = ?");
	sql_int(q, 1, message);
	sql_int(q, 2, kind);
	sql_str(q, 3, or_empty(reference));
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc ledger_receipt(struct tx *tx, int64_t message, enum ledger_kind kind, str reference, str words,
		       struct err *err)
{
	struct message m;
	bool known = false;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = outbox_load(tx_conn(tx), message, a, &m, err);
	if (rc == RC_OK && kind != LEDGER_RECEIPT && kind != LEDGER_ANSWER)
		rc = fail(err, RC_INPUT, "'%s' is no receipt", ledger_kind_name(kind));
	if (rc == RC_OK && m.state != MESSAGE_SENT && m.state != MESSAGE_UNCERTAIN)
		rc = fail(err, RC_CONFLICT, "message %lld is %s: nothing can answer it",
			  (long long)message, message_state_name(m.state));
	if (rc == RC_OK)
		rc = find_receipt(tx_conn(tx), message, kind, reference, &known, err);
	if (rc == RC_OK && !known) {
		struct outcome_of o = { .policy = m.policy, .rule = "", .reference = reference,
					.words = words };
		rc = ledger_of_message(tx, &m, kind, &o, err);
	}
	arena_free(a);
	return rc;
}

enum rc ledger_bounced(struct tx *tx, int64_t message, str reference, str words, struct err *err)
{
	struct message m;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = outbox_load(tx_conn(tx), message, a, &m, err);
	if (rc == RC_OK && m.tries == 0)
		rc = fail(err, RC_CONFLICT, "message %lld was never sent: it cannot come back", (long long)message);
	if (rc == RC_OK) {
		struct outcome_of o = { .policy = m.policy, .rule = "", .reference = reference, .words = words };
		rc = ledger_of_message(tx, &m, LEDGER_BOUNCED, &o, err);
	}
	arena_free(a);
	return rc;
}

/* --- reading --- */

static void take_row(struct sql *q, struct arena *a, struct ledger_row *out)
{
	*out = (struct ledger_row){
		.id = sql_col_int(q, 0),
		.at_us = sql_col_int(q, 1),
		.message = sql_col_int(q, 2),
		.kind = (enum ledger_kind)sql_col_int(q, 3),
		.driver = arena_str(a, sql_col_str(q, 4)),
		.recipient = arena_str(a, sql_col_str(q, 5)),
		.item = arena_str(a, sql_col_str(q, 6)),
		.item_version = (uint64_t)sql_col_int(q, 7),
		.purpose = (int)sql_col_int(q, 8),
		.policy = (uint64_t)sql_col_int(q, 9),
		.rule = arena_str(a, sql_col_str(q, 10)),
		.cut = arena_str(a, sql_col_str(q, 11)),
		.reference = arena_str(a, sql_col_str(q, 12)),
		.words = arena_str(a, sql_col_str(q, 13)),
		.covers = (uint64_t)sql_col_int(q, 14),
	};
}

#define COLUMNS                                                                            \
	"id, at_us, message, kind, driver, recipient, item, item_version, purpose, policy," \
	" rule, cut, reference, words, covers"

static struct sql *query_of(struct conn *c, const struct ledger_query *l)
{
	/* An item of its own or covered; each arm is an index walk. */
	if (l->item.n > 0) {
		struct sql *q = sql(c, "SELECT " COLUMNS " FROM ledger WHERE id IN (SELECT id FROM ledger"
				       " WHERE item = ?1 UNION SELECT l.id FROM outbox_cover v JOIN ledger"
				       " l ON l.message = v.message AND l.message > 0 WHERE v.item = ?1)"
				       " AND id < ?2 AND (?3 = '' OR recipient = ?3)"
				       " ORDER BY id DESC LIMIT ?4");
		sql_str(q, 1, l->item);
		return q;
	}
	if (l->recipient.n > 0)
		return sql(c, "SELECT " COLUMNS " FROM ledger WHERE id < ?2 AND recipient = ?3"
			      " ORDER BY id DESC LIMIT ?4");
	return sql(c, "SELECT " COLUMNS " FROM ledger WHERE id < ?2 AND ?3 = ''"
		      " ORDER BY id DESC LIMIT ?4");
}

enum rc ledger_list(struct conn *c, const struct ledger_query *l, struct arena *a,
		    struct ledger_row **out, size_t *count_out, struct err *err)
{
	size_t most = l->limit < 1000 ? l->limit : 1000;
	struct sql *q = query_of(c, l);
	*out = ARENA_ARRAY(a, most + 1, struct ledger_row);
	*count_out = 0;
	sql_int(q, 2, l->before > 0 ? l->before : INT64_MAX);
	sql_str(q, 3, or_empty(l->recipient));
	sql_int(q, 4, (int64_t)most);
	while (sql_row(q) && *count_out < most)
		take_row(q, a, &(*out)[(*count_out)++]);
	return sql_end(q, err);
}

/* --- agreeing with the outbox --- */

enum rc outbox_verify(struct conn *c, char *words_out, struct err *err)
{
	words_out[0] = 0;
	/* States 4-8 are ends, and the ledger's kinds 1-5 are the same in order; 9 is kind 10. */
	struct sql *q = sql(c, "SELECT o.id, o.state FROM outbox o WHERE o.state >= 4 AND NOT EXISTS"
			       " (SELECT 1 FROM ledger l WHERE l.message = o.id AND l.message > 0"
			       " AND l.kind = CASE o.state WHEN 9 THEN 10 ELSE o.state - 3 END)"
			       " ORDER BY o.id LIMIT 1");
	if (sql_row(q))
		snprintf(words_out, 200, "message %lld is %s, but the ledger does not say so",
			 (long long)sql_col_int(q, 0),
			 message_state_name((enum message_state)sql_col_int(q, 1)));
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || words_out[0])
		return rc;
	q = sql(c, "SELECT l.id, l.message FROM ledger l WHERE l.message > 0 AND NOT EXISTS"
		   " (SELECT 1 FROM outbox o WHERE o.id = l.message) ORDER BY l.id LIMIT 1");
	if (sql_row(q))
		snprintf(words_out, 200, "row %lld of the ledger names message %lld, which is not there",
			 (long long)sql_col_int(q, 0), (long long)sql_col_int(q, 1));
	return sql_end(q, err);
}
