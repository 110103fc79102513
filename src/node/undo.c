/* SPDX-License-Identifier: Apache-2.0 */
/* undo.c: takes one report back, as if it had never come: its events do not
 * exist for readers from that commit on, and the findings they made are made
 * anew from what remains. The raw bytes stay until they are forgotten: what was
 * delivered can still be shown. */
#include "node/pipeline_private.h"
#include "exchange/withdraw.h"
#include "record/deliveries.h"

struct undo {
	struct pipeline *p;
	struct report r;
	str actor, why;
};

static enum rc take_back(struct tx *tx, void *ctx, struct err *err)
{
	struct undo *u = ctx;
	struct buf object = BUF_INIT(64), body = BUF_INIT(KIB(32));
	/* Read again here: nobody else writes between this and the save. */
	enum rc rc = report_load(tx_conn(tx), u->r.id, &u->r, err);
	if (rc == RC_OK && u->r.state == REPORT_UNDONE)
		rc = fail(err, RC_CONFLICT, "report %lld is undone already", (long long)u->r.id);
	bool unfinished = u->r.state == REPORT_PARSING;
	u->r.state = REPORT_UNDONE;
	buf_fmt(&object, "report:%lld", (long long)u->r.id);
	struct json_out j = json_out(&body);
	if (u->why.n) {
		json_open(&j, '{');
		json_put_str(&j, "why", u->why);
		json_close(&j, '}');
	}
	struct journal_act act = { .act = "undo", .actor = u->actor, .object = buf_str(&object),
				   .count = u->r.counts.events, .root = u->r.digest, .body = buf_str(&body) };
	if (rc == RC_OK)
		rc = report_save(tx, &u->r, err);
	if (rc == RC_OK) /* who was offered its events is told */
		rc = withdraw_report(tx, u->r.id, u->why, err);
	/* else no line would say how it ended */
	struct journal_act end = { .act = "intake.refused", .actor = u->actor,
				   .object = act.object,
				   .body = STR("{\"words\":\"undone before it was read to its end\"}") };
	if (rc == RC_OK && unfinished)
		rc = journal_add(tx, u->p->node->journal, &end, err);
	if (rc == RC_OK)
		rc = journal_add(tx, u->p->node->journal, &act, err);
	buf_free(&object);
	buf_free(&body);
	return rc;
}

enum rc pipeline_undo(struct pipeline *p, int64_t report, str actor, str why, uint64_t *events_out, struct err *err)
{
	struct node *n = p->node;
	struct undo u = { .p = p, .r = { .id = report }, .actor = actor, .why = why };
	if (why.n > UNDO_WHY_MAX || !str_is_utf8(why))
		return fail(err, RC_INPUT, "a reason has at most %d bytes, in UTF-8", UNDO_WHY_MAX);
	if (!claims_take(p->active, report))
		return fail(err, RC_BUSY, "report %lld is being taken in right now", (long long)report);
	/* The fold must have seen its events: else they would be folded after they are gone. */
	enum rc rc = pipeline_settle(p, err);
	/* The journal says that it came before it says that it was taken back. */
	if (rc == RC_OK)
		rc = deliveries_flush(n->store, n->journal, err);
	if (rc == RC_OK)
		rc = store_write(n->store, take_back, &u, err);
	if (rc == RC_OK) {
		struct snapshot_ref *ref = node_directory(n);
		rc = findings_undo_report(n->store, snapshot_table(ref), report, err);
		snapshot_drop(n->directory, ref);
	}
	/* before anything takes the events off the disk: by them we know whom they concerned */
	for (bool more = n->exchange != NULL; rc == RC_OK && more;)
		rc = withdraw_undone(n->exchange, &more, err);
	claims_release(p->active, report);
	*events_out = u.r.counts.events;
	return rc;
}
