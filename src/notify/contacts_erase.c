/* SPDX-License-Identifier: Apache-2.0 */
/* "contact:HEX": the address of somebody outside who has no record, wherever it stands as a recipient. */
#include "notify/contacts.h"

#include "notify/notify_private.h"
#include "record/erase.h"
#include "record/outbox.h"

enum { ENDED_A_CALL = 100 };

static str name_of(str id, struct arena *a)
{
	return arena_fmt(a, "contact:" STR_FMT, STR_ARG(str_head(id, 60)));
}

static enum rc check(struct conn *c, str id, struct err *err)
{
	struct key secret;
	struct contact_row row = { .messages = 0 };
	struct arena *a = arena_new(KIB(1));
	enum rc rc = store_secret_of(c, &secret, err);
	if (rc == RC_OK)
		rc = contact_find(c, &secret, name_of(id, a), a, &row, err);
	explicit_bzero(&secret, sizeof secret);
	arena_free(a);
	return rc;
}

/* --- what has not gone yet goes no more --- */

static enum rc waiting(struct conn *c, str recipient, int64_t *ids, size_t *count_out, bool *sending_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, state FROM outbox WHERE recipient = ? AND state IN (1, 2, 3) LIMIT ?");
	*count_out = 0;
	*sending_out = false;
	sql_str(q, 1, recipient);
	sql_int(q, 2, ENDED_A_CALL);
	while (*count_out < ENDED_A_CALL && sql_row(q)) {
		if (sql_col_int(q, 1) == MESSAGE_QUEUED)
			ids[(*count_out)++] = sql_col_int(q, 0);
		else
			*sending_out = true;
	}
	return sql_end(q, err);
}

static enum rc refuse_waiting(struct tx *tx, str recipient, bool *more_out, struct err *err)
{
	static const struct outcome_of gone = { .outcome = OUTCOME_REFUSED, .rule = "erased", .cut = STR_INIT(""),
						.reference = STR_INIT(""), .words = STR_INIT("its recipient was erased") };
	int64_t ids[ENDED_A_CALL];
	size_t count;
	bool sending;
	enum rc rc = waiting(tx_conn(tx), recipient, ids, &count, &sending, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		rc = outbox_take_one(tx, ids[i], err);
		if (rc == RC_OK)
			rc = outbox_end_tx(tx, ids[i], &gone, err);
	}
	*more_out = count > 0;
	return rc == RC_OK && sending && count == 0 ? fail(err, RC_BUSY, "waits for a message to him that is being sent") : rc;
}

/* --- the address --- */

/* ?1 recipient, ?2 what stands there from now on, ?3 the address, ?4 now; `last`: the last of these it
 * names. In this order: he is found as long as the outbox or the ledger has him. What the other side's server said
 * may name the address. */
static const struct {
	const char *text;
	int last;
} statements[] = {
	{ "UPDATE tell_contact SET email = '', dead_us = CASE dead_us WHEN 0 THEN ?4 ELSE dead_us END"
	  " WHERE email = ?3 COLLATE NOCASE", 4 },
	{ "UPDATE fallback_look SET kind = -1, email = '', name = '', domain = '' WHERE email = ?3 COLLATE NOCASE", 3 },
	{ "UPDATE tell_message SET recipient = ?2 WHERE message IN (SELECT message FROM tell_message WHERE recipient = ?1"
	  " LIMIT 300)", 2 },
	{ "UPDATE answer SET recipient = ?2, organisation = ?2 WHERE id IN (SELECT id FROM answer WHERE organisation = ?1"
	  " LIMIT 300)", 2 },
	{ "UPDATE ledger SET recipient = ?2, words = CASE WHEN instr(lower(words), lower(?3)) > 0 THEN '' ELSE words END"
	  " WHERE id IN (SELECT id FROM ledger WHERE recipient = ?1 LIMIT 300)", 3 },
	{ "UPDATE outbox SET recipient = ?2, words = CASE WHEN instr(lower(words), lower(?3)) > 0 THEN '' ELSE words END"
	  " WHERE id IN (SELECT id FROM outbox WHERE recipient = ?1 LIMIT 300)", 3 },
};

static enum rc run_one(struct tx *tx, size_t which, const struct contact_row *row, str now, bool *more_out, struct err *err)
{
	const str texts[] = { row->recipient, now, row->email };
	struct sql *q = sql(tx_conn(tx), statements[which].text);
	for (int i = 0; i < 3 && i < statements[which].last; i++)
		sql_str(q, i + 1, texts[i]);
	if (statements[which].last > 3)
		sql_int(q, 4, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	*more_out = rc == RC_OK && sql_changes(tx_conn(tx)) > 0;
	return rc;
}

static enum rc remove_address(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	str head = STR("contact:");
	*more_out = false;
	if (!str_starts(e->object, head))
		return RC_OK;
	struct arena *a = arena_new(KIB(1));
	struct contact_row row = { .recipient = STR("") };
	enum rc rc = contact_find(tx_conn(tx), store_secret(tx_store(tx)), e->object, a, &row, err);
	bool gone = rc == RC_ABSENT;
	if (rc == RC_OK)
		rc = refuse_waiting(tx, row.recipient, more_out, err);
	str kind = row.recipient, now;
	kind = str_cut(&kind, ':');
	now = arena_fmt(a, STR_FMT ":" STR_FMT, STR_ARG(kind), STR_ARG(str_from(e->object, head.n)));
	for (size_t i = 0; rc == RC_OK && !*more_out && i < COUNT_OF(statements); i++)
		rc = run_one(tx, i, &row, now, more_out, err);
	arena_free(a);
	return gone ? RC_OK : rc;
}

const struct eraser eraser_contact = { .kind = "contact", .check = check, .remove = remove_address };
