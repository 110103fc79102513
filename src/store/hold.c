/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "store/upkeep_private.h"

enum { WORDS_MAX = 1000 };

bool hold_parse(str what, struct held *out)
{
	static const struct {
		str word;
		enum hold_kind kind;
	} words[] = { { STR_INIT("report"), HOLD_REPORT },
		      { STR_INIT("day"), HOLD_DAY },
		      { STR_INIT("org"), HOLD_ORG } };
	str value = what, word = str_cut(&value, ' ');
	int64_t us;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (!str_eq(word, words[i].word))
			continue;
		out->kind = words[i].kind;
		if (out->kind != HOLD_DAY)
			return str_to_i64(value, &out->id) && out->id > 0;
		if (value.n != 10 || !time_parse(value, true, &us))
			return false;
		out->id = time_day(us);
		return true;
	}
	return false;
}

static enum rc must_exist(struct conn *c, const struct held *h, str what, struct err *err)
{
	struct report r;
	if (h->kind == HOLD_DAY)
		return RC_OK;
	if (h->kind == HOLD_REPORT)
		return report_load(c, h->id, &r, err);
	struct sql *q = sql(c, "SELECT 1 FROM org WHERE id = ?");
	sql_int(q, 1, h->id);
	bool found = sql_row(q);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "there is no " STR_FMT, STR_ARG(what));
	return rc;
}

enum rc hold_set(struct tx *tx, str what, str reason, str by, int64_t *id_out, struct err *err)
{
	struct held h;
	if (!hold_parse(what, &h))
		return fail(err, RC_INPUT,
			    "'" STR_FMT "' cannot be held: 'report ID', "
			    "'day YYYY-MM-DD' and 'org ID' can",
			    STR_ARG(what));
	if (!reason.n || reason.n > WORDS_MAX || !str_is_plain(reason))
		return fail(err, RC_INPUT, "a hold needs a reason, as plain text of one line");
	enum rc rc = must_exist(tx_conn(tx), &h, what, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q =
		sql(tx_conn(tx), "INSERT INTO hold (what, reason, set_by, set_us, lifted_by,"
				 " lifted_us) VALUES (?, ?, ?, ?, '', 0)");
	sql_str(q, 1, what);
	sql_str(q, 2, reason);
	sql_str(q, 3, by);
	sql_int(q, 4, tx_now_us(tx));
	rc = sql_run(q, err);
	*id_out = sql_last_id(tx_conn(tx));
	return rc;
}

enum rc hold_lift(struct tx *tx, int64_t id, str by, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE hold SET lifted_by = ?, lifted_us = ?"
					 " WHERE id = ? AND lifted_us = 0");
	sql_str(q, 1, by);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) != 1)
		return fail(err, RC_ABSENT, "no hold %lld is in force", (long long)id);
	return rc;
}

enum rc hold_list(struct conn *c, struct arena *a, struct hold **out, size_t *count_out,
		  struct err *err)
{
	size_t room = 0, n = 0;
	struct hold *list = NULL;
	struct sql *q = sql(c, "SELECT id, what, reason, set_by, set_us, lifted_us FROM hold"
			       " ORDER BY id");
	while (sql_row(q)) {
		if (n == room) {
			room = room ? 2 * room : 16;
			list = x_grow(list, room, sizeof(*list));
		}
		list[n++] = (struct hold){ .id = sql_col_int(q, 0),
					   .what = arena_str(a, sql_col_str(q, 1)),
					   .reason = arena_str(a, sql_col_str(q, 2)),
					   .by = arena_str(a, sql_col_str(q, 3)),
					   .set_us = sql_col_int(q, 4),
					   .lifted_us = sql_col_int(q, 5) };
	}
	*out = ARENA_ARRAY(a, n + 1, struct hold);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

/* Reports that are held for a case (held.h). */
static enum rc add_reports(struct conn *c, struct arena *a, struct held **list, size_t *count,
			   struct err *err)
{
	struct sql *q = sql(c, "SELECT DISTINCT CAST(substr(object, 9) AS INTEGER) FROM held"
			       " WHERE object >= 'report--' AND object < 'report-.'");
	size_t room = *count;
	while (sql_row(q)) {
		if (*count == room) {
			struct held *wider = ARENA_ARRAY(a, 2 * room + 16, struct held);
			if (*count)
				memcpy(wider, *list, *count * sizeof(*wider));
			*list = wider;
			room = 2 * room + 16;
		}
		(*list)[(*count)++] = (struct held){ .kind = HOLD_REPORT, .id = sql_col_int(q, 0) };
	}
	return sql_end(q, err);
}

enum rc holds_load(struct conn *c, struct arena *a, struct held **out, size_t *count_out,
		   struct err *err)
{
	struct hold *all;
	size_t n = 0;
	enum rc rc = hold_list(c, a, &all, &n, err);
	*count_out = 0;
	if (rc != RC_OK)
		return rc;
	*out = ARENA_ARRAY(a, n + 1, struct held);
	for (size_t i = 0; i < n; i++) {
		if (all[i].lifted_us)
			continue;
		/* what cannot be understood may not lead to something being forgotten */
		if (!hold_parse(all[i].what, &(*out)[*count_out]))
			return fail(err, RC_INPUT,
				    "hold %lld says '" STR_FMT "', which is not understood",
				    (long long)all[i].id, STR_ARG(all[i].what));
		(*count_out)++;
	}
	return add_reports(c, a, out, count_out, err);
}
