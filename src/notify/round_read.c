/* SPDX-License-Identifier: Apache-2.0 */
/* How a round fares, and who does not answer. */
#include "notify/round_private.h"

static int64_t told_us(struct conn *c, int64_t message)
{
	struct sql *q = sql(c, "SELECT min(at_us) FROM ledger WHERE message = ? AND kind IN (1, 2)");
	sql_int(q, 1, message);
	int64_t us = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, NULL) == RC_OK ? us : 0;
}

/* --- figures --- */

static enum rc count_members(struct conn *c, struct uuid round, struct round_progress *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT count(*), sum(m.message > 0), sum(m.driver = 'none'), sum(o.state IN (1, 2, 3)),"
			       " sum(o.state = 4), sum(o.state = 5), sum(o.state = 8), sum(o.state = 7),"
			       " sum(m.answered_us IS NOT NULL), sum(m.silent_us IS NOT NULL AND m.answered_us IS NULL)"
			       " FROM round_member m LEFT JOIN outbox o ON o.id = m.message WHERE m.round = ?");
	size_t *const to[] = { &out->members, &out->made,   &out->unreachable, &out->waiting,  &out->sent,
			       &out->uncertain, &out->failed, &out->refused,     &out->answered, &out->silent };
	sql_blob(q, 1, uuid_bytes(&round));
	if (sql_row(q))
		for (size_t i = 0; i < COUNT_OF(to); i++)
			*to[i] = (size_t)sql_col_int(q, (int)i);
	return sql_end(q, err);
}

static enum rc find_median(struct conn *c, struct uuid round, size_t answered, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT m.answered_us - (SELECT min(l.at_us) FROM ledger l WHERE l.message = m.message"
			       " AND l.kind IN (1, 2)) AS took FROM round_member m WHERE m.round = ?1"
			       " AND m.answered_us IS NOT NULL AND took IS NOT NULL ORDER BY took LIMIT 1 OFFSET ?2");
	sql_blob(q, 1, uuid_bytes(&round));
	sql_int(q, 2, answered > 0 ? (int64_t)((answered - 1) / 2) : 0);
	*out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc round_read_progress(struct notify *n, struct reader *r, const struct types *t, const struct viewer *v,
			    str id, struct arena *a, struct round_progress *out, struct err *err)
{
	struct plan p;
	struct round_row row;
	bool found = false;
	(void)n;
	*out = (struct round_progress){ 0 };
	enum rc rc = round_plan_read(r, t, v, id, a, &p, err);
	if (rc == RC_OK)
		rc = round_row_load(reader_conn(r), p.uuid, a, &found, &row, err);
	out->due_us = rc == RC_OK ? p.due_us : 0;
	if (rc != RC_OK || !found || !row.started_us)
		return rc;
	out->started_us = row.started_us;
	out->next_us = row.next_us;
	rc = count_members(reader_conn(r), p.uuid, out, err);
	return rc == RC_OK ? find_median(reader_conn(r), p.uuid, out->answered, &out->median_us, err) : rc;
}

/* --- one by one --- */

bool notify_sees(struct reader *r, const struct types *t, const struct viewer *v, str id, struct arena *a,
		 str *title_out)
{
	struct record_view view = { 0 };
	struct buf title = BUF_INIT(KIB(4));
	bool seen = read_record(r, t, v, id, a, &view, NULL) == RC_OK;
	if (seen)
		record_view_text(&view, record_view_type(&view)->title, &title);
	*title_out = arena_str(a, buf_str(&title));
	buf_free(&title);
	record_view_end(&view);
	return seen;
}

static void put_row(struct reader *r, const struct types *t, const struct viewer *v, const struct member_row *m,
		    struct arena *a, struct round_line *l)
{
	struct message message;
	str recipient = m->recipient, id = str_cut(&recipient, '/'), title;
	bool seen = notify_sees(r, t, v, id, a, &title);
	*l = (struct round_line){ .organisation = seen ? id : STR(""), .title = title,
				  .recipient = seen ? m->recipient : STR(""), .message = m->message, .state = STR(""),
				  .driver = str_eq(m->driver, STR("none")) ? STR("") : m->driver, .words = STR(""),
				  .language = STR(""), .subject = STR(""), .text = STR(""),
				  .answered_us = m->answered_us, .silent_us = m->silent_us,
				  .answered_by = seen && v->as.personal_basis ? m->answered_by : STR(""), .answer = seen ? m->words : STR(""),
				  .noted_by = m->noted_by };
	(void)round_covers(m->covers, a, &l->covers);
	if (m->message == 0 || outbox_load(reader_conn(r), m->message, a, &message, NULL) != RC_OK)
		return;
	l->state = str_of(message_state_name(message.state));
	l->words = seen ? message.words : STR("");
	l->told_us = told_us(reader_conn(r), m->message);
}

enum rc round_read_members(struct notify *n, struct reader *r, const struct types *t, const struct viewer *v,
			   str id, int64_t after, size_t limit, struct arena *a, round_each each, void *ctx,
			   int64_t *last_out, struct err *err)
{
	struct plan p;
	struct member_row *list = NULL;
	size_t count = 0;
	(void)n;
	*last_out = -1;
	enum rc rc = round_plan_read(r, t, v, id, a, &p, err);
	if (rc == RC_OK)
		rc = round_members_load(reader_conn(r), p.uuid, MEMBERS_ALL, after, limit < 1000 ? limit : 1000, a, &list, &count,
				  err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct round_line l;
		put_row(r, t, v, &list[i], a, &l);
		*last_out = list[i].place;
		if (!each(ctx, &l))
			break;
	}
	if (count < limit)
		*last_out = -1;
	return rc;
}

/* --- who does not answer --- */

enum rc round_read_stale(struct notify *n, struct reader *r, const struct types *t, const struct viewer *v,
			 size_t limit, struct arena *a, struct round_stale **out, size_t *count_out, struct err *err)
{
	struct sql *q = sql(reader_conn(r),
			    "SELECT m.recipient, min(m.silent_us) AS since, count(*),"
			    " (SELECT max(b.answered_us) FROM round_member b WHERE b.organisation = m.organisation)"
			    " FROM round_member m WHERE m.silent_us IS NOT NULL AND m.answered_us IS NULL"
			    " AND NOT EXISTS (SELECT 1 FROM round_member l WHERE l.organisation = m.organisation"
			    " AND l.answered_us > m.silent_us) GROUP BY m.organisation ORDER BY since LIMIT ?");
	(void)n;
	limit = limit < 10000 ? limit : 10000;
	*out = ARENA_ARRAY(a, limit + 1, struct round_stale);
	*count_out = 0;
	sql_int(q, 1, (int64_t)limit);
	size_t got = 0;
	while (got < limit && sql_row(q)) {
		str recipient = sql_col_str(q, 0);
		(*out)[got++] = (struct round_stale){ .organisation = arena_str(a, str_cut(&recipient, '/')),
						      .since_us = sql_col_int(q, 1), .rounds = (size_t)sql_col_int(q, 2),
						      .answered_us = sql_col_int(q, 3) };
	}
	enum rc rc = sql_end(q, err);
	/* Those he may not see are not there for him. */
	for (size_t i = 0; rc == RC_OK && i < got; i++)
		if (notify_sees(r, t, v, (*out)[i].organisation, a, &(*out)[i].title))
			(*out)[(*count_out)++] = (*out)[i];
	return rc;
}
