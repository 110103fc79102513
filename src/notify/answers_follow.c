/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer is about is noted and marked: some hundred findings a job, so that the writer is never held up by
 * a large one. How far it came stands in the store: a crash between two jobs loses and doubles nothing. */
#include "notify/answers.h"

#include "notify/teller_private.h"

enum { SLICE = 250 };

/* --- one --- */

static enum rc put_row(struct tx *tx, const struct answer_about *w, str raw, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO answer_finding (finding, answer, claim, claim_us)"
					 " VALUES (?, ?, ?, 0)");
	sql_blob(q, 1, raw);
	sql_int(q, 2, w->answer);
	sql_int(q, 3, w->kind == ANSWER_FIXED ? CLAIM_WAITS : CLAIM_NONE);
	return sql_run(q, err);
}

/* Another answer may have come while this one waited for the background. */
static enum rc find_newer(struct tx *tx, const struct answer_about *w, str raw, bool *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT 1 FROM answer_finding WHERE finding = ? AND answer > ?");
	sql_blob(q, 1, raw);
	sql_int(q, 2, w->answer);
	*out = sql_row(q);
	return sql_end(q, err);
}

/* The mark says what was answered, and no word of who did: others whom it concerns may read it. */
enum rc answer_note_finding(struct tx *tx, const struct answer_about *w, struct hash128 id, struct arena *a,
			    struct err *err)
{
	char raw[16];
	bool newer = false;
	enum rc rc = put_row(tx, w, tell_finding_raw(id, raw), err);
	if (rc != RC_OK || sql_changes(tx_conn(tx)) == 0)
		return rc;
	rc = find_newer(tx, w, str_mem(raw, sizeof raw), &newer, err);
	if (rc != RC_OK || newer)
		return rc;
	str why = arena_fmt(a, "%s, by %s", answer_kind_name(w->kind),
			    str_eq(w->channel, STR("person")) ? "word to us" : arena_z(a, w->channel));
	rc = findings_mark(tx, id, MARK_ANSWERED, why, arena_fmt(a, "answer:%lld", (long long)w->answer), err);
	return rc == RC_ABSENT ? RC_OK : rc; /* forgotten since it was told */
}

/* --- all that the message covers --- */

static enum rc next_covers(struct tx *tx, const struct answer_about *w, str behind, struct arena *a, str *list,
			   size_t *count_out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT item FROM outbox_cover WHERE message = ? AND item > ?"
					 " AND item >= 'finding--' AND item < 'finding-.' ORDER BY item LIMIT ?");
	size_t n = 0;
	sql_int(q, 1, w->message);
	sql_str(q, 2, behind);
	sql_int(q, 3, SLICE);
	while (n < SLICE && sql_row(q))
		list[n++] = arena_str(a, sql_col_str(q, 0));
	*count_out = n;
	return sql_end(q, err);
}

static enum rc put_behind(struct tx *tx, int64_t answer, str behind, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO answer_follow (answer, behind) VALUES (?, ?)");
	sql_int(q, 1, answer);
	sql_str(q, 2, behind);
	return sql_run(q, err);
}

static enum rc drop_behind(struct tx *tx, int64_t answer, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM answer_follow WHERE answer = ?");
	sql_int(q, 1, answer);
	return sql_run(q, err);
}

enum rc answer_note_covers(struct tx *tx, const struct answer_about *w, str behind, struct arena *a, struct err *err)
{
	str list[SLICE];
	size_t count = 0;
	enum rc rc = next_covers(tx, w, behind, a, list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct hash128 id;
		if (tell_finding_parse(list[i], &id))
			rc = answer_note_finding(tx, w, id, a, err);
	}
	if (rc != RC_OK)
		return rc;
	return count == SLICE ? put_behind(tx, w->answer, list[count - 1], err) : drop_behind(tx, w->answer, err);
}

/* --- in the background --- */

static enum rc find_next(struct conn *c, struct arena *a, struct answer_about *out, str *behind_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT f.answer, a.message, a.kind, a.channel, f.behind FROM answer_follow f"
			       " JOIN answer a ON a.id = f.answer ORDER BY f.answer LIMIT 1");
	*out = (struct answer_about){ .answer = 0 };
	if (sql_row(q)) {
		*out = (struct answer_about){ .answer = sql_col_int(q, 0), .message = sql_col_int(q, 1),
					      .kind = (enum answer_kind)sql_col_int(q, 2),
					      .channel = arena_str(a, sql_col_str(q, 3)) };
		*behind_out = arena_str(a, sql_col_str(q, 4));
	}
	return sql_end(q, err);
}

static enum rc go_on(struct tx *tx, void *ctx, struct err *err)
{
	struct arena *a = ctx;
	struct answer_about w;
	str behind;
	enum rc rc = find_next(tx_conn(tx), a, &w, &behind, err);
	return rc == RC_OK && w.answer ? answer_note_covers(tx, &w, behind, a, err) : rc;
}

enum rc answers_follow(struct store *s, bool *did_out, struct err *err)
{
	struct reader *r = NULL;
	struct answer_about w;
	str behind;
	*did_out = false;
	struct arena *a = arena_new(KIB(16));
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = find_next(reader_conn(r), a, &w, &behind, err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && w.answer) {
		*did_out = true;
		rc = store_write(s, go_on, a, err);
	}
	arena_free(a);
	return rc;
}
