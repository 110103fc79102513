/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps bodies below the records: the journal, reports, events. */
#include "base/arena.h"
#include "record/erase.h"
#include "store/events.h"
#include "store/held.h"
#include "store/upkeep.h"

enum { ROWS = 200 };

/* --- the journal: bodies of lines about the object, or of one line itself --- */

static enum rc check_line(struct conn *c, str id, struct err *err)
{
	struct journal_line l;
	uint64_t number;
	struct arena *a = arena_new(KIB(4));
	enum rc rc = str_to_u64(id, &number) ? RC_OK
					     : fail(err, RC_INPUT, "'" STR_FMT "' is no line of the journal",
						    STR_ARG(str_head(id, 100)));
	if (rc == RC_OK)
		rc = journal_get(c, number, a, &l, err);
	if (rc == RC_OK && l.erased)
		rc = fail(err, RC_CONFLICT, "the body of line %llu is erased already",
			  (unsigned long long)number);
	if (rc == RC_OK && str_eq(l.act, STR("erase")))
		rc = fail(err, RC_DENIED, "line %llu says that something was erased: it stays",
			  (unsigned long long)number);
	arena_free(a);
	return rc;
}

static enum rc remove_lines(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	str id = e->object, kind = str_cut(&id, ':');
	uint64_t number;
	*more_out = false;
	if (!str_eq(kind, STR("journal")))
		return journal_erase_about(tx, e->object, ROWS, more_out, err);
	if (!str_to_u64(id, &number))
		return RC_OK;
	/* the line "erase" that erase_begin wrote says so */
	struct sql *q = sql(tx_conn(tx), "UPDATE journal SET salt = NULL, body = NULL"
					 " WHERE number = ? AND salt IS NOT NULL AND act <> 'erase'");
	sql_int(q, 1, (int64_t)number);
	return sql_run(q, err);
}

const struct eraser eraser_journal = {
	.kind = "journal",
	.check = check_line,
	.remove = remove_lines,
};

/* --- reports: the bytes as they came, and the records of them in quarantine --- */

static bool report_id(str object, int64_t *out)
{
	str id = object, kind = str_cut(&id, ':');
	return str_eq(kind, STR("report")) && str_to_i64(id, out) && *out > 0;
}

static enum rc check_hold(struct conn *c, const struct report *r, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct hold *holds = NULL;
	size_t n = 0;
	char day[16];
	str is_report = arena_fmt(a, "report %lld", (long long)r->id);
	str is_day = arena_fmt(a, "day " STR_FMT, STR_ARG(time_day_str(day, r->received_us)));
	enum rc rc = hold_list(c, a, &holds, &n, err);
	if (rc == RC_OK)
		rc = held_check(c, arena_fmt(a, "report--%lld", (long long)r->id), err);
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		if (!holds[i].lifted_us &&
		    (str_eq(holds[i].what, is_report) || str_eq(holds[i].what, is_day)))
			rc = fail(err, RC_DENIED, "report %lld is under hold %lld: lift it first",
				  (long long)r->id, (long long)holds[i].id);
	arena_free(a);
	return rc;
}

static enum rc check_report(struct conn *c, str id, struct err *err)
{
	struct report r;
	int64_t number;
	if (!str_to_i64(id, &number))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no number of a report",
			    STR_ARG(str_head(id, 100)));
	enum rc rc = report_load(c, number, &r, err);
	if (rc == RC_OK && r.state == REPORT_PARSING)
		rc = fail(err, RC_BUSY, "report %lld is still being read", (long long)number);
	return rc == RC_OK ? check_hold(c, &r, err) : rc;
}

struct noting {
	struct tx *tx;
	const struct erasing *e;
};

static enum rc note_file(void *ctx, int32_t day, uint32_t number, struct err *err)
{
	const struct noting *n = ctx;
	return erase_file(n->tx, n->e, SEGMENT_RAW, day, number, err);
}

static enum rc run_for(struct sql *q, int64_t report, int64_t most, struct err *err)
{
	sql_int(q, 1, report);
	if (most)
		sql_int(q, 2, most);
	return sql_run(q, err);
}

static enum rc note_left(void *ctx, struct tx *tx, const struct place *file, struct err *err)
{
	return erase_file(tx, ctx, SEGMENT_EVENTS, file->day, file->number, err);
}

/* Events that still count are not touched: feed undo takes them back first, so that
 * the findings follow. */
static enum rc remove_events(struct tx *tx, const struct erasing *e, int64_t report, bool *more_out,
			     struct err *err)
{
	struct report r;
	uint64_t at = e->at;
	enum rc rc = report_load(tx_conn(tx), report, &r, err);
	if (rc != RC_OK || r.state != REPORT_UNDONE)
		return rc;
	rc = events_drop(tx, report, time_day(r.received_us), &at, note_left,
			 (void *)(uintptr_t)e, more_out, err);
	return rc == RC_OK && *more_out ? erase_at(tx, e, at, err) : rc;
}

static enum rc remove_report(struct tx *tx, const struct erasing *e, bool *more_out,
			     struct err *err)
{
	struct conn *c = tx_conn(tx);
	int64_t id;
	*more_out = false;
	if (!report_id(e->object, &id))
		return RC_OK;
	struct noting n = { .tx = tx, .e = e };
	enum rc rc = report_erase(tx, id, note_file, &n, err);
	if (rc == RC_OK)
		rc = run_for(sql(c, "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine"
				    " WHERE report = ? LIMIT ?)"),
			     id, ROWS, err);
	*more_out = rc == RC_OK && sql_changes(c) == ROWS;
	return rc == RC_OK && !*more_out ? remove_events(tx, e, id, more_out, err) : rc;
}

const struct eraser eraser_report = {
	.kind = "report",
	.check = check_report,
	.remove = remove_report,
};

/* --- single events, listed before under a number (events_list_add) --- */

static bool list_of(str object, int64_t *out)
{
	str id = object, kind = str_cut(&id, ':');
	return str_eq(kind, STR("events")) && str_to_i64(id, out) && *out > 0;
}

static enum rc check_list(struct conn *c, str id, struct err *err)
{
	int64_t list;
	if (!str_to_i64(id, &list))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no number of a list of events",
			    STR_ARG(str_head(id, 100)));
	struct sql *q = sql(c, "SELECT 1 FROM erasing_event WHERE list = ? LIMIT 1");
	sql_int(q, 1, list);
	bool any = sql_row(q);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !any)
		return fail(err, RC_ABSENT, "there is no such list of events");
	return rc == RC_OK ? held_check_events(c, list, err) : rc;
}

static enum rc remove_list(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	int64_t list;
	*more_out = false;
	if (!list_of(e->object, &list))
		return RC_OK;
	return events_drop_listed(tx, list, note_left, (void *)(uintptr_t)e, more_out, err);
}

const struct eraser eraser_events = {
	.kind = "events",
	.check = check_list,
	.remove = remove_list,
};

/* --- a raw file with bytes that no row names: "raw:DAY/NUMBER" (store/destroyed.h) --- */

static bool file_of(str object, int32_t *day_out, uint32_t *number_out)
{
	str id = object, kind = str_cut(&id, ':');
	int64_t number, day;
	str first = str_cut(&id, '/');
	if (!str_eq(kind, STR("raw")) || !str_to_i64(first, &day) || !str_to_i64(id, &number) ||
	    number < 0 || number > UINT32_MAX || day < 0 || day > INT32_MAX)
		return false;
	*day_out = (int32_t)day;
	*number_out = (uint32_t)number;
	return true;
}

static enum rc remove_file(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	int32_t day;
	uint32_t number;
	*more_out = false;
	if (!file_of(e->object, &day, &number))
		return RC_OK;
	return erase_file(tx, e, SEGMENT_RAW, day, number, err);
}

const struct eraser eraser_raw = {
	.kind = "raw",
	.remove = remove_file,
};
