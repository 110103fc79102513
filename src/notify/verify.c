/* SPDX-License-Identifier: Apache-2.0 */
/* What rows of messages, answers and mails say of each other, for verify. */
#include "notify/notify_private.h"

/* Each finds a row that is wrong: its number. */
static const struct {
	const char *find, *before, *after;
} rows[] = {
	{ "SELECT id FROM answer a WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = a.message) ORDER BY id LIMIT 1",
	  "answer ", " is to a message that is not there" },
	{ "SELECT id FROM answer a WHERE NOT EXISTS (SELECT 1 FROM ledger l WHERE l.message = a.message AND l.message > 0"
	  " AND l.kind = 7 AND l.reference = 'answer:' || a.id) ORDER BY id LIMIT 1",
	  "answer ", " does not stand in the ledger" },
	{ "SELECT answer FROM answer_finding f WHERE NOT EXISTS (SELECT 1 FROM answer a WHERE a.id = f.answer) LIMIT 1",
	  "findings name answer ", ", which is not there" },
	{ "SELECT answer FROM answer_follow f WHERE NOT EXISTS (SELECT 1 FROM answer a WHERE a.id = f.answer) LIMIT 1",
	  "the background follows answer ", ", which is not there" },
	{ "SELECT message FROM tell_message t WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = t.message)"
	  " ORDER BY message LIMIT 1",
	  "a rule made message ", ", which is not there" },
	{ "SELECT message FROM tell t WHERE message > 0 AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.id = t.message) LIMIT 1",
	  "a finding was told by message ", ", which is not there" },
	{ "SELECT id FROM mail_in m WHERE record IS NOT NULL AND NOT EXISTS (SELECT 1 FROM record r WHERE r.uuid = m.record)"
	  " ORDER BY id LIMIT 1",
	  "mail ", " became a record that is not there" },
	{ "SELECT id FROM mail_in m WHERE state = 1 AND NOT EXISTS (SELECT 1 FROM mail_in_raw w WHERE w.id = m.id)"
	  " ORDER BY id LIMIT 1",
	  "mail ", " waits, but its bytes are not there" },
	{ "SELECT id FROM mail_in_raw w WHERE NOT EXISTS (SELECT 1 FROM mail_in m WHERE m.id = w.id AND m.state = 1)"
	  " ORDER BY id LIMIT 1",
	  "bytes of mail ", " were kept though it is done" },
	{ "SELECT id FROM subscriber WHERE (state = 2) > (email IS NOT NULL) OR (state = 3) > (email IS NULL)"
	  " ORDER BY id LIMIT 1",
	  "subscriber ", " is on the list without an address, or has left and kept it" },
};

enum rc notify_verify(struct conn *c, char *words_out, struct err *err)
{
	enum rc rc = RC_OK;
	words_out[0] = 0;
	for (size_t i = 0; rc == RC_OK && !words_out[0] && i < COUNT_OF(rows); i++) {
		struct sql *q = sql(c, rows[i].find);
		if (sql_row(q))
			snprintf(words_out, 200, "%s%lld%s", rows[i].before, (long long)sql_col_int(q, 0), rows[i].after);
		rc = sql_end(q, err);
	}
	return rc;
}
