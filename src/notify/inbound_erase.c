/* SPDX-License-Identifier: Apache-2.0 */
/* A mail's record is erased: its row in mail_in ends too, and the answer that was made of it.
 *
 * What stays says no more than that there was a mail, when, and of which kind. Its digest becomes a keyed
 * hash: the mail may still lie in the mailbox (a server that gives a new UIDVALIDITY has it all read anew),
 * and must not come back by that; who finds the digest cannot show by it that a mail in his hands was here. */
#include "base/hash.h"
#include "notify/answers.h"
#include "notify/inbound_private.h"

struct digest inbound_erased_digest(const struct key *secret, str digest)
{
	return keyed_digest(secret, "mail erased", digest);
}

static enum rc find_row(struct conn *c, const struct uuid *record, int64_t *id_out, struct digest *digest_out,
			struct err *err)
{
	struct sql *q = sql(c, "SELECT id, digest FROM mail_in WHERE record = ? AND bytes > 0"
			       " ORDER BY id LIMIT 1");
	sql_blob(q, 1, str_mem(record->b, sizeof record->b));
	*id_out = 0;
	if (sql_row(q) && sql_col_blob(q, 1).n == sizeof digest_out->b) {
		*id_out = sql_col_int(q, 0);
		memcpy(digest_out->b, sql_col_blob(q, 1).p, sizeof digest_out->b);
	}
	return sql_end(q, err);
}

static enum rc end_row(struct tx *tx, int64_t id, struct digest digest, struct err *err)
{
	struct digest stays = inbound_erased_digest(store_secret(tx_store(tx)), str_mem(digest.b, sizeof digest.b));
	struct sql *q = sql(tx_conn(tx), "UPDATE mail_in SET digest = ?, box = '', bytes = 0, message_id = '', words = ''"
					 " WHERE id = ?");
	sql_blob(q, 1, str_mem(stays.b, sizeof stays.b));
	sql_int(q, 2, id);
	return sql_run(q, err);
}

/* The text stands in what it answered, too. */
static enum rc end_answer(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT id FROM answer WHERE key = 'mail:' || ? AND channel = 'mail'");
	int64_t answer = 0;
	sql_int(q, 1, id);
	if (sql_row(q))
		answer = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && answer > 0 ? answer_erase_words(tx, answer, err) : rc;
}

static enum rc remove_row(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	str head = STR("record:"), type;
	struct uuid record;
	struct digest digest;
	int64_t id = 0;
	*more_out = false;
	if (!str_starts(e->object, head) || !record_id_parse(str_from(e->object, head.n), &type, &record))
		return RC_OK;
	enum rc rc = find_row(tx_conn(tx), &record, &id, &digest, err);
	if (rc == RC_OK && id > 0)
		rc = end_answer(tx, id, err);
	return rc == RC_OK && id > 0 ? end_row(tx, id, digest, err) : rc;
}

const struct eraser eraser_mail = { .remove = remove_row };
