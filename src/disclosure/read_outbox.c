/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/read_outbox.h"

#include "disclosure/change.h"
#include "disclosure/read.h"

struct gate {
	struct reader *r;
	const struct types *t;
	const struct viewer *v;
};

/* *seen_out: he may see the item; *id_out (may be NULL): its whole id. An item of no kind known
 * here is not for him. */
static enum rc see(const struct gate *g, str item, struct arena *a, bool *seen_out, str *id_out,
		   struct err *err)
{
	struct record_view view = { 0 };
	struct finding finding;
	struct err why = { 0 };
	enum rc rc;

	if (str_starts(item, STR("finding--"))) {
		rc = read_finding(g->r, g->v, str_from(item, STR("finding--").n), a, &finding, &why);
		if (rc == RC_OK && id_out)
			*id_out = item;
	} else {
		rc = read_record(g->r, g->t, g->v, item, a, &view, &why);
		if (rc == RC_OK && id_out)
			*id_out = record_view_id(&view, a);
	}
	record_view_end(&view);
	*seen_out = rc == RC_OK;
	return rc == RC_OK || rc == RC_ABSENT || rc == RC_INPUT || rc == RC_DENIED ?
		       RC_OK : fail(err, rc, "%s", why.text);
}

static enum rc need_operator(const struct viewer *v, struct err *err)
{
	return right_includes(v->right, RIGHT_OPERATE) ?
		       RC_OK : fail(err, RC_DENIED, "the outbox is for who operates this node");
}

static enum rc cover_message(const struct gate *g, struct message *m, struct arena *a, struct err *err)
{
	bool seen = m->item.n == 0;
	enum rc rc = seen ? RC_OK : see(g, m->item, a, &seen, NULL, err);

	if (rc == RC_OK && !seen) {
		m->item = m->maker = m->words = STR("");
		m->details = STR("{}");
		m->item_version = m->made_at = 0;
	}
	return rc;
}

enum rc read_outbox(struct reader *r, const struct types *t, const struct viewer *v,
		    const struct outbox_query *q, struct arena *a, struct message **out,
		    size_t *count_out, struct err *err)
{
	const struct gate g = { r, t, v };
	struct outbox_query narrow = *q;
	bool seen = true;

	*out = NULL;
	*count_out = 0;
	enum rc rc = need_operator(v, err);
	if (rc == RC_OK && q->item.n)
		rc = see(&g, q->item, a, &seen, &narrow.item, err);
	if (rc != RC_OK || !seen)
		return rc;
	rc = outbox_list(reader_conn(r), &narrow, a, out, count_out, err);
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++)
		rc = cover_message(&g, &(*out)[i], a, err);
	return rc;
}

enum rc read_message(struct reader *r, const struct types *t, const struct viewer *v, int64_t id,
		     struct arena *a, struct message *out, struct cover **covers, size_t *cover_count,
		     struct err *err)
{
	const struct gate g = { r, t, v };

	*cover_count = 0;
	enum rc rc = need_operator(v, err);
	if (rc == RC_OK)
		rc = outbox_load(reader_conn(r), id, a, out, err);
	if (rc == RC_OK)
		rc = cover_message(&g, out, a, err);
	if (rc == RC_OK)
		rc = outbox_covers(reader_conn(r), id, a, covers, cover_count, err);
	for (size_t i = 0; rc == RC_OK && i < *cover_count; i++) {
		bool seen;
		rc = see(&g, (*covers)[i].item, a, &seen, NULL, err);
		if (rc == RC_OK && !seen)
			(*covers)[i] = (struct cover){ .item = STR("") };
	}
	return rc;
}

struct act {
	struct records *r;
	const struct viewer *v;
	int64_t id;
	bool again;
	str why;
};

static enum rc do_act(struct tx *tx, void *ctx, struct err *err)
{
	const struct act *k = ctx;
	struct journal *j = records_journal(k->r);
	str by = str_of(k->v->actor);

	return k->again ? outbox_again(tx, j, k->id, by, k->why, err) :
			  outbox_withdraw(tx, j, k->id, by, k->why, err);
}

enum rc change_message(struct records *r, struct store *s, const struct viewer *v, int64_t id, bool again,
		       str why, struct err *err)
{
	struct act k = { r, v, id, again, why };
	char what[40];

	if (right_includes(v->right, RIGHT_OPERATE) && !v->reads_only)
		return store_write(s, do_act, &k, err);
	snprintf(what, sizeof(what), "message:%lld", (long long)id);
	change_refused(r, s, v, str_of(what), STR("the outbox is for who operates this node"));
	return fail(err, RC_DENIED, "the outbox is for who operates this node");
}

enum rc read_ledger(struct reader *r, const struct types *t, const struct roles *roles,
		    const struct viewer *v, const struct ledger_query *q, struct arena *a,
		    struct ledger_row **out, size_t *count_out, struct err *err)
{
	const struct gate g = { r, t, v };
	struct ledger_query narrow = *q;
	bool seen = true;
	enum rc rc = RC_OK;

	*out = NULL;
	*count_out = 0;
	if (!right_includes(v->right, RIGHT_OPERATE) && !viewer_reads_journal(v, roles))
		return fail(err, RC_DENIED, "the ledger is for who operates this node or reads its journal");
	if (q->item.n)
		rc = see(&g, q->item, a, &seen, &narrow.item, err);
	if (rc != RC_OK || !seen)
		return rc;
	rc = ledger_list(reader_conn(r), &narrow, a, out, count_out, err);
	for (size_t i = 0; rc == RC_OK && i < *count_out; i++) {
		struct ledger_row *row = &(*out)[i];
		bool known = row->item.n == 0;
		if (!known)
			rc = see(&g, row->item, a, &known, NULL, err);
		if (rc == RC_OK && !known) {
			row->item = row->cut = row->reference = row->words = STR("");
			row->item_version = 0;
		}
	}
	return rc;
}
