/* SPDX-License-Identifier: Apache-2.0 */
#include "route/concern_later.h"

#include "route/concern_private.h"
#include "store/events.h"

#include <stdlib.h>

#include "base/clock.h"

enum rc concern_later_claims(struct conn *c, const int64_t *orgs, size_t count, uint64_t *out, struct err *err)
{
	struct sha256 *h = sha256_new();
	struct buf line = BUF_INIT(KIB(8));
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct sql *q = sql(c, "SELECT kind, value, role, from_us, until_us FROM org_scope WHERE org = ?"
				       " ORDER BY kind, value, role, from_us, until_us");
		buf_reset(&line);
		buf_fmt(&line, "%lld\n", (long long)orgs[i]);
		sha256_add(h, buf_str(&line));
		sql_int(q, 1, orgs[i]);
		while (sql_row(q)) {
			buf_reset(&line);
			buf_fmt(&line, STR_FMT " " STR_FMT " %lld %lld %lld\n", STR_ARG(sql_col_str(q, 0)),
				STR_ARG(str_head(sql_col_str(q, 1), KIB(4))), (long long)sql_col_int(q, 2),
				(long long)sql_col_int(q, 3), (long long)sql_col_int(q, 4));
			sha256_add(h, buf_str(&line));
		}
		rc = sql_end(q, err);
	}
	struct digest d = sha256_end(h);
	struct wire w = wire_of(str_mem(d.b, 8));
	*out = (wire_le64(&w) & INT64_MAX) | 1;
	buf_free(&line);
	return rc;
}

/* --- asking again --- */

struct asking {
	const struct directory *d;
	const int64_t *orgs;
	size_t count;
	concern_later_each each;
	void *ctx;
	int64_t now_us;
	struct concerns listed, now;
};

static bool names(const struct concerns *list, int64_t org)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->list[i].org == org)
			return true;
	return false;
}

static bool ask(void *ctx, const struct event_row *e)
{
	struct asking *k = ctx;
	const struct cell *c = batch_find(e->batch, e->row, FIELD_RONDA_CONCERNS);
	const struct cell *type = batch_find(e->batch, e->row, FIELD_CLASSIFICATION_TYPE);
	k->listed.count = k->now.count = 0;
	if (c && !concerns_parse(cell_text(e->batch, c), &k->listed))
		k->listed.count = 0;
	if (k->d) {
		struct side sides[SIDES] = { 0 };
		sides_of_row(e->batch, e->row, sides);
		concerns_of_sides(k->d, type ? cell_text(e->batch, type) : STR_NONE, sides, k->now_us, &k->now);
	}
	for (size_t i = 0; i < k->count; i++) {
		bool listed = names(&k->listed, k->orgs[i]);
		if ((listed || names(&k->now, k->orgs[i])) && !k->each(k->ctx, e->seq, e->report, i, listed))
			return false;
	}
	return true;
}

enum rc concern_later_ask(struct reader *r, const struct directory *d, uint64_t first, uint64_t last, const int64_t *orgs,
			  size_t count, concern_later_each each, void *ctx, struct err *err)
{
	const struct event_query q = { .after_seq = first - 1, .before_seq = last + 1, .oldest_first = true, .exercise = true,
				       .tlp_mask = (1u << TLP_COUNT) - 1 - (1u << TLP_RED) };
	struct asking *k = x_alloc(sizeof *k);
	*k = (struct asking){ .d = d, .orgs = orgs, .count = count, .each = each, .ctx = ctx, .now_us = clock_now_us() };
	enum rc rc = events_scan(r, &q, ask, k, err);
	free(k);
	return rc;
}

/* --- what was found --- */

enum rc concern_later_put(struct tx *tx, int64_t org, uint64_t seq, int64_t report, bool *new_out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO concerned_later (seq, org, report) VALUES (?, ?, ?)");
	sql_int(q, 1, (int64_t)seq);
	sql_int(q, 2, org);
	sql_int(q, 3, report);
	enum rc rc = sql_run(q, err);
	*new_out = rc == RC_OK && sql_changes(tx_conn(tx)) == 1;
	return rc;
}

enum rc concern_later_has(struct conn *c, int64_t org, uint64_t seq, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM concerned_later WHERE seq = ? AND org = ?");
	sql_int(q, 1, (int64_t)seq);
	sql_int(q, 2, org);
	*out = sql_row(q);
	return sql_end(q, err);
}

enum rc concern_later_of(struct conn *c, uint64_t seq, int64_t report, concern_later_row each, void *ctx, struct err *err)
{
	struct sql *q = seq ? sql(c, "SELECT seq, org FROM concerned_later WHERE seq = ? ORDER BY org") :
			      sql(c, "SELECT seq, org FROM concerned_later WHERE report = ? ORDER BY seq, org");
	bool go_on = true;
	sql_int(q, 1, seq ? (int64_t)seq : report);
	while (go_on && sql_row(q))
		go_on = each(ctx, (uint64_t)sql_col_int(q, 0), sql_col_int(q, 1));
	return sql_end(q, err);
}

enum rc concern_later_forget(struct tx *tx, uint64_t before_seq, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM concerned_later WHERE seq < ?");
	sql_int(q, 1, (int64_t)before_seq);
	return sql_run(q, err);
}
