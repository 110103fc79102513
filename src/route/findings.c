/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as they are listed, marked, and as they follow the directory. */
#include "route/findings.h"

#include "base/clock.h"
#include "route/findings_private.h"

enum { REROUTE_PAGE = 512 };

const char *finding_state_name(enum finding_state s)
{
	switch (s) {
	case FINDING_OPEN: return "open";
	case FINDING_GONE: return "gone";
	case FINDING_RETURNED: return "returned";
	}
	return "?";
}

const char *transition_name(enum transition t)
{
	switch (t) {
	case TRANSITION_OPENED: return "opened";
	case TRANSITION_RETURNED: return "returned";
	case TRANSITION_GONE: return "gone";
	case TRANSITION_CHANGED: return "changed";
	}
	return "?";
}

/* --- reading --- */

/* Behind the columns of the row: when it was marked, and the newest reason. */
#define MARK_COLUMNS                                                                      \
	", (SELECT at_us FROM finding_mark m WHERE m.id = finding.id AND mark = 1)"       \
	", (SELECT at_us FROM finding_mark m WHERE m.id = finding.id AND mark = 2)"       \
	", (SELECT at_us FROM finding_mark m WHERE m.id = finding.id AND mark = 3)"       \
	", (SELECT reason FROM finding_mark m WHERE m.id = finding.id ORDER BY at_us DESC LIMIT 1)"

static void take_finding(struct sql *q, struct arena *a, struct finding *out)
{
	struct finding_row row;
	finding_row_take(q, a, &row);
	*out = (struct finding){
		.id = row.id, .state = row.state, .first_seen_us = row.first_us,
		.last_seen_us = row.last_us, .events = row.events, .returns = row.returns,
		.feed = row.feed, .tlp = row.tlp, .exercise = row.exercise,
		.shared_address = row.shared_address, .asn = row.asn, .type = row.type,
		.identifier = row.identifier, .severity = row.severity, .key = row.key, .cc = row.cc,
		.told_us = sql_col_int(q, FINDING_COLUMN_COUNT),
		.answered_us = sql_col_int(q, FINDING_COLUMN_COUNT + 1),
		.held_us = sql_col_int(q, FINDING_COLUMN_COUNT + 2),
		.mark_reason = arena_str(a, sql_col_str(q, FINDING_COLUMN_COUNT + 3)),
	};
	if (!concerns_parse(row.concerns, &out->concerns))
		out->concerns.count = 0;
}

static void bind_net(struct sql *q, int at, const struct finding_query *f, struct ip *last)
{
	if (!f->has_net) {
		sql_null(q, at);
		sql_null(q, at + 1);
		return;
	}
	*last = net_last(&f->net);
	sql_blob(q, at, str_mem(f->net.ip.b, 16));
	sql_blob(q, at + 1, str_mem(last->b, 16));
}

enum rc findings_list(struct reader *r, const struct finding_query *f, finding_each each, void *ctx,
		      struct err *err)
{
	struct sql *q = sql(reader_conn(r),
			    "SELECT " FINDING_COLUMNS MARK_COLUMNS " FROM finding "
			    "WHERE (last_seen, id) < (?1, ?2) AND (?3 >> tlp) & 1 AND exercise <= ?4 "
			    "AND CASE ?5 WHEN 0 THEN state IN (1, 3) ELSE state = ?5 END "
			    "AND (?6 IS NULL OR type = ?6) AND (?7 IS NULL OR severity = ?7) "
			    "AND (?8 = 0 OR instr('|' || concerns, '|' || ?8 || ' ') > 0) "
			    "AND (?9 IS NULL OR ip BETWEEN ?9 AND ?10) "
			    "ORDER BY last_seen DESC, id DESC LIMIT ?11");
	bool first = f->after.hi == 0 && f->after.lo == 0;
	struct arena *a = arena_new(KIB(16));
	struct finding one;
	struct ip last;
	char raw[16];
	id_bytes(f->after, raw);
	sql_int(q, 1, first ? INT64_MAX : f->after_last_seen_us);
	sql_blob(q, 2, str_mem(raw, 16));
	sql_int(q, 3, f->tlp_mask);
	sql_int(q, 4, f->exercise);
	sql_int(q, 5, f->state);
	sql_str(q, 6, str_of(f->type));
	sql_str(q, 7, str_of(f->severity));
	sql_int(q, 8, f->org);
	bind_net(q, 9, f, &last);
	sql_int(q, 11, f->limit ? (int64_t)f->limit : -1);
	bool go_on = true;
	while (go_on && sql_row(q)) {
		arena_reset(a);
		take_finding(q, a, &one);
		go_on = each(ctx, &one);
	}
	arena_free(a);
	return sql_end(q, err);
}

static enum rc absent(struct err *err)
{
	return fail(err, RC_ABSENT, "there is no such finding");
}

enum rc findings_get(struct reader *r, struct hash128 id, struct arena *a, struct finding *out,
		     struct err *err)
{
	char raw[16];
	struct sql *q = sql(reader_conn(r), "SELECT " FINDING_COLUMNS MARK_COLUMNS
					    " FROM finding WHERE id = ?");
	id_bytes(id, raw);
	sql_blob(q, 1, str_mem(raw, 16));
	bool found = sql_row(q);
	if (found)
		take_finding(q, a, out);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? absent(err) : rc;
}

enum rc findings_feeds(struct reader *r, struct hash128 id, struct arena *a, struct finding_feed **out,
		       size_t *count_out, struct err *err)
{
	struct conn *c = reader_conn(r);
	struct finding_row row;
	struct sighting *list = NULL;
	size_t n = 0;
	enum rc rc = finding_row_find(c, id, a, &row, err);
	if (rc == RC_ABSENT)
		return absent(err);
	if (rc == RC_OK)
		rc = sightings_of(c, &row, a, &list, &n, err);
	*out = ARENA_ARRAY(a, n + 1, struct finding_feed);
	*count_out = n;
	for (size_t i = 0; i < n; i++)
		(*out)[i] = (struct finding_feed){ list[i].feed, list[i].first_us, list[i].last_us,
						   list[i].run };
	return rc;
}

/* --- marks --- */

enum rc findings_mark(struct tx *tx, struct hash128 id, enum finding_mark mark, str reason, str by,
		      struct err *err)
{
	struct conn *c = tx_conn(tx);
	char raw[16];
	id_bytes(id, raw);
	struct sql *q = sql(c, "SELECT 1 FROM finding WHERE id = ?");
	sql_blob(q, 1, str_mem(raw, 16));
	bool found = sql_row(q);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || !found)
		return rc == RC_OK ? absent(err) : rc;
	q = sql(c, "INSERT INTO finding_mark (id, mark, at_us, by, reason) VALUES (?1, ?2, ?3, ?4, ?5) "
		   "ON CONFLICT (id, mark) DO UPDATE SET at_us = ?3, by = ?4, reason = ?5");
	sql_blob(q, 1, str_mem(raw, 16));
	sql_int(q, 2, mark);
	sql_int(q, 3, tx_now_us(tx));
	sql_str(q, 4, by.p ? by : STR(""));
	sql_str(q, 5, reason.p ? reason : STR(""));
	return sql_run(q, err);
}

/* --- following the directory --- */

struct reroute {
	const struct directory *d;
	struct arena *a;
	struct hash128 ids[REROUTE_PAGE];
	size_t n;
	int64_t now_us;
};

static enum rc reroute_one(struct tx *tx, const struct reroute *p, struct hash128 id, struct err *err)
{
	struct finding_row f;
	str concerns;
	enum rc rc = finding_row_find(tx_conn(tx), id, p->a, &f, err);
	if (rc != RC_OK)
		return rc == RC_ABSENT ? RC_OK : rc;
	concerns_text(p->d, f.type, f.sides, p->now_us, p->a, &concerns);
	if (f.state == FINDING_GONE || str_eq(concerns, f.concerns))
		return RC_OK;
	f.concerns = concerns;
	rc = finding_row_update(tx_conn(tx), &f, false, err);
	return rc == RC_OK ? transition_add(tx, &f, TRANSITION_CHANGED, err) : rc;
}

static enum rc reroute_page(struct tx *tx, void *ctx, struct err *err)
{
	struct reroute *p = ctx;
	enum rc rc = findings_disturbed(tx, err);
	for (size_t i = 0; i < p->n && rc == RC_OK; i++)
		rc = reroute_one(tx, p, p->ids[i], err);
	return rc;
}

static enum rc flush_page(struct store *s, struct reroute *p, struct err *err)
{
	enum rc rc = p->n ? store_write(s, reroute_page, p, err) : RC_OK;
	p->n = 0;
	arena_reset(p->a);
	return rc;
}

static enum rc reroute_all(struct store *s, struct reader *r, struct reroute *p, struct err *err)
{
	enum rc rc = RC_OK;
	struct sql *q = sql(reader_conn(r), "SELECT id, type, sides, concerns FROM finding "
					    "WHERE state <> 2 ORDER BY id");
	while (rc == RC_OK && sql_row(q)) {
		str concerns;
		concerns_text(p->d, sql_col_str(q, 1), sql_col_blob(q, 2), p->now_us, p->a, &concerns);
		if (!str_eq(concerns, sql_col_str(q, 3)))
			p->ids[p->n++] = id_of_bytes(sql_col_blob(q, 0));
		if (p->n == REROUTE_PAGE || arena_bytes(p->a) > MIB(4))
			rc = flush_page(s, p, err);
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	rc = rc == RC_OK ? end : rc;
	return rc == RC_OK ? flush_page(s, p, err) : rc;
}

enum rc findings_reroute(struct store *s, const struct directory *d, struct err *err)
{
	struct reroute *p = x_alloc(sizeof(*p));
	struct reader *r;
	p->d = d;
	p->a = arena_new(KIB(256));
	p->now_us = clock_now_us();
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK) {
		rc = reroute_all(s, r, p, err);
		store_read_end(r);
	}
	arena_free(p->a);
	free(p);
	return rc;
}
