/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals: each counts, and one line a second and actor stands in the journal. */
#include "disclosure/change.h"

#include "base/clock.h"

struct refusal {
	struct journal *j;
	str actor, what, rule;
};

static enum rc write_line(struct tx *tx, const struct refusal *f, uint64_t count, struct err *err)
{
	struct buf body = BUF_INIT(KIB(4));
	struct json_out j = json_out(&body);

	json_open(&j, '{');
	json_put_str(&j, "rule", f->rule);
	json_close(&j, '}');
	const struct journal_act act = { .act = "refusal", .actor = f->actor,
					 .object = str_head(f->what, 200), .count = count,
					 .body = buf_str(&body) };
	enum rc rc = journal_add(tx, f->j, &act, err);
	buf_free(&body);
	return rc;
}

static enum rc note(struct tx *tx, void *ctx, struct err *err)
{
	const struct refusal *f = ctx;
	struct conn *c = tx_conn(tx);
	int64_t now = tx_now_us(tx), last = TIME_NONE;
	uint64_t waiting = 0;
	struct sql *q = sql(c, "SELECT at_us, count FROM refusal WHERE actor = ?");

	sql_str(q, 1, f->actor);
	if (sql_row(q)) {
		last = sql_col_int(q, 0);
		waiting = (uint64_t)sql_col_int(q, 1);
	}
	enum rc rc = sql_end(q, err);
	bool due = last == TIME_NONE || now < last || now - last >= SECOND_US;
	if (rc != RC_OK)
		return rc;
	q = sql(c, "INSERT INTO refusal (actor, at_us, count) VALUES (?1, ?2, ?3)"
		   " ON CONFLICT (actor) DO UPDATE SET at_us = ?2, count = ?3");
	sql_str(q, 1, f->actor);
	sql_int(q, 2, due ? now : last);
	sql_int(q, 3, due ? 0 : (int64_t)waiting + 1);
	rc = sql_run(q, err);
	return rc == RC_OK && due ? write_line(tx, f, waiting + 1, err) : rc;
}

/* What cannot be written does not make a refusal less of one. */
void change_refused(struct records *r, struct store *s, const struct viewer *v, str what, str rule)
{
	struct refusal f = { records_journal(r), str_of(v->actor), what, rule };
	struct store_job job = { .fn = note, .ctx = &f, .use_reserve = true };

	store_submit(s, &job);
	(void)!store_wait(s, &job, NULL);
}
