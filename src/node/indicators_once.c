/* SPDX-License-Identifier: Apache-2.0 */
#include "node/indicators_once.h"

#include "incident/indicators.h"
#include "record/record.h"

enum { STEP = 200 };
static const char place_key[] = "indicators"; /* of table node: "TYPE CURSOR"; "" when it is over */

struct going {
	struct records *r;
	struct tx *tx;
	const struct record_query *q;
	struct buf cursor;
	size_t n;
	bool over;
	enum rc rc;
	struct err *err;
};

static enum rc read_place(struct conn *c, struct arena *a, bool *begun_out, str *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = ?");

	sql_str(q, 1, str_of(place_key));
	*begun_out = sql_row(q);
	*out = *begun_out ? arena_str(a, sql_col_blob(q, 0)) : STR("");
	return sql_end(q, err);
}

static enum rc write_place(struct conn *c, str place, struct err *err)
{
	struct sql *q = sql(c, "INSERT OR REPLACE INTO node (key, value) VALUES (?, ?)");

	sql_str(q, 1, str_of(place_key));
	sql_blob(q, 2, place);
	return sql_run(q, err);
}

static bool take(void *ctx, const struct record *r)
{
	struct going *g = ctx;

	g->rc = indicators_follow(g->tx, g->r, NULL, NULL, r, g->err);
	buf_reset(&g->cursor);
	record_cursor(g->q, r, &g->cursor);
	return g->rc == RC_OK && ++g->n < STEP;
}

/* The type to go on with, or the next one that has indicators; NULL: none is left. */
static const struct type *type_from(const struct types *t, str name, bool behind)
{
	for (size_t i = 0; i < types_count(t); i++) {
		const struct type *one = types_at(t, i);
		int order = str_cmp(str_of(one->name), name);
		if (type_meaning(one, STR("case.indicators")) && (behind ? order > 0 : order >= 0))
			return one;
	}
	return NULL;
}

static enum rc step(struct tx *tx, void *ctx, struct err *err)
{
	struct going *g = ctx;
	struct snapshot *types = records_types_snapshot(g->r);
	struct snapshot_ref *held = snapshot_hold(types);
	struct arena *a = arena_new(KIB(64));
	bool begun;
	str place;

	enum rc rc = read_place(tx_conn(tx), a, &begun, &place, err);
	str name = str_cut(&place, ' ');
	const struct type *t = begun && !name.n ? NULL : type_from(snapshot_table(held), name, false);
	g->over = !t;
	if (rc == RC_OK && t) {
		const struct record_query q = { .type = t, .ascending = true, .with_body = true, .tlp_mask = UINT32_MAX,
						.exercise = true,
						.after = str_eq(name, str_of(t->name)) ? place : STR("") };
		g->tx = tx;
		g->q = &q;
		g->n = 0;
		g->rc = RC_OK;
		g->err = err;
		rc = record_list(tx_conn(tx), snapshot_table(held), &q, take, g, err);
		rc = rc == RC_OK ? g->rc : rc;
		if (g->n < STEP) {
			t = type_from(snapshot_table(held), str_of(t->name), true);
			buf_reset(&g->cursor);
		}
	}
	if (rc == RC_OK)
		rc = write_place(tx_conn(tx), t ? arena_fmt(a, "%s " STR_FMT, t->name, STR_ARG(buf_str(&g->cursor))) :
						 STR(""), err);
	arena_free(a);
	snapshot_drop(types, held);
	return rc;
}

enum rc indicators_once(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct going g = { .r = ctx, .cursor = BUF_INIT(KIB(4)) };
	struct reader *r = NULL;
	struct arena *a = arena_new(KIB(1));
	bool begun = false;
	str place = STR("");

	*did_out = false;
	enum rc rc = store_read_only(s) ? RC_OK : store_read_begin(s, &r, err);
	if (rc == RC_OK && r)
		rc = read_place(reader_conn(r), a, &begun, &place, err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && r && (!begun || place.n)) {
		rc = store_write(s, step, &g, err);
		*did_out = rc == RC_OK;
	}
	buf_free(&g.cursor);
	arena_free(a);
	return rc;
}
