/* SPDX-License-Identifier: Apache-2.0 */
/* "answer:N": words, name and file of an answer, wherever they were put; that there was one stays. */
#include "notify/answers.h"

#include "notify/notify_private.h"
#include "record/erase.h"

static bool number_of(str id, int64_t *out)
{
	return str_to_i64(id, out) && *out > 0;
}

static enum rc check(struct conn *c, str id, struct err *err)
{
	int64_t number = 0;
	bool good = number_of(id, &number);
	struct sql *q = sql(c, "SELECT 1 FROM answer WHERE id = ?");
	sql_int(q, 1, number);
	bool found = sql_row(q) && good;
	enum rc rc = sql_end(q, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no answer '" STR_FMT "'", STR_ARG(str_head(id, 40)));
}

/* In this order: the last one forgets which message and file it was. A file that another answer, or a record, has
 * too stays with it. */
enum rc answer_erase_words(struct tx *tx, int64_t number, struct err *err)
{
	const char *const statements[] = {
		"UPDATE ledger SET words = '' WHERE message = (SELECT message FROM answer WHERE id = ?1) AND kind = 7"
		" AND reference = 'answer:' || ?1",
		"UPDATE outbox SET details = '{}' WHERE maker = 'answers' AND made_at = ?1",
		"UPDATE round_member SET words = '', answered_by = '' WHERE message > 0"
		" AND message = (SELECT message FROM answer WHERE id = ?1)",
		"DELETE FROM record_file WHERE digest = (SELECT file FROM answer WHERE id = ?1)"
		" AND digest NOT IN (SELECT file FROM answer WHERE id <> ?1 AND file IS NOT NULL)"
		" AND digest NOT IN (SELECT digest FROM record_file_use WHERE record <> 0)",
		"UPDATE answer SET words = '', by = '', file = NULL, file_name = '' WHERE id = ?1",
	};
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(statements); i++) {
		struct sql *q = sql(tx_conn(tx), statements[i]);
		sql_int(q, 1, number);
		rc = sql_run(q, err);
	}
	return rc;
}

static enum rc remove_words(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	int64_t number = 0;
	str head = STR("answer:");
	*more_out = false;
	return str_starts(e->object, head) && number_of(str_from(e->object, head.n), &number) ?
		       answer_erase_words(tx, number, err) : RC_OK;
}

const struct eraser eraser_answer = { .kind = "answer", .check = check, .remove = remove_words };
