/* SPDX-License-Identifier: Apache-2.0 */
/* An organisation whose place another took is former when the day has come on which all it claims
 * ended. Who makes it active again after that day means it: it stays. */
#include "base/clock.h"
#include "route/org_card.h"

enum { FORMER_A_JOB = 10 };

struct ending {
	struct directory_records *d;
	size_t did;
};

static enum rc make_former(struct tx *tx, struct ending *e, const struct uuid *id, struct arena *a,
			   struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(e->d->r));
	const struct type *t = directory_type(snapshot_table(ref));
	const struct meaning *former = t ? type_meaning(t, STR("organisation.former")) : NULL;
	struct record made;
	enum rc rc = RC_OK;
	if (former && !former->field) {
		struct record_change c = { .type = t, .id = *id, .to_state = (int)former->state,
					   .actor = STR("node"), .why = STR("its successor took its place") };
		rc = record_put(tx, e->d->r, &c, a, &made, NULL, 0, NULL, err);
	}
	snapshot_drop(records_types_snapshot(e->d->r), ref);
	return rc;
}

/* What cannot be moved (a field missing that its state needs) is not tried again. */
static enum rc let_be(struct conn *c, const struct uuid *id, struct err *err)
{
	struct sql *q = sql(c, "UPDATE org SET former_us = 0 WHERE record = ?");
	sql_blob(q, 1, str_mem(id->b, sizeof(id->b)));
	return sql_run(q, err);
}

static enum rc end_job(struct tx *tx, void *ctx, struct err *err)
{
	struct ending *e = ctx;
	struct uuid ids[FORMER_A_JOB];
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT record FROM org WHERE former_us > 0 AND former_us <= ? "
					 "AND gone = 0 AND record IS NOT NULL LIMIT 10");
	sql_int(q, 1, tx_now_us(tx));
	while (n < FORMER_A_JOB && sql_row(q)) {
		str id = sql_col_blob(q, 0);
		if (id.n == sizeof(ids[n].b))
			memcpy(ids[n++].b, id.p, id.n);
	}
	enum rc rc = sql_end(q, err);
	struct arena *a = arena_new(KIB(64));
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct err why = { 0 };
		rc = let_be(tx_conn(tx), &ids[i], err);
		if (rc == RC_OK && make_former(tx, e, &ids[i], a, &why) == RC_IO)
			rc = fail(err, RC_IO, "%s", why.text);
	}
	arena_free(a);
	e->did = n;
	return rc;
}

static enum rc any_due(struct store *s, bool *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM org WHERE former_us > 0 AND former_us <= ? LIMIT 1");
	sql_int(q, 1, clock_now_us());
	*out = sql_row(q);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

enum rc former_tend(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct ending e = { .d = ctx };
	bool due = false;
	*did_out = false;
	enum rc rc = any_due(s, &due, err);
	if (rc == RC_OK && due)
		rc = store_write(s, end_job, &e, err);
	*did_out = e.did > 0;
	return rc;
}
