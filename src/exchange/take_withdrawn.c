/* SPDX-License-Identifier: Apache-2.0 */
/* A partner takes back what is his: events leave with what they made, a copy of a record is erased. That it was withdrawn,
 * when and why stays. He gets a receipt for each, whether anything of it was here or not. */
#include <stdlib.h>

#include "exchange/answer.h"
#include "exchange/take_private.h"
#include "exchange/together_private.h"

#define BY_ITS_ORIGIN "withdrawn by its origin"
#define KEPT "it is kept here for a case: withdraw it again when that has ended"

/* What stands as the reason of what is done here, in `a`. */
static str reason_of(const struct stix_object *o, struct arena *a)
{
	return o->why.n ? arena_fmt(a, BY_ITS_ORIGIN ": " STR_FMT, STR_ARG(o->why)) : STR(BY_ITS_ORIGIN);
}

/* --- events --- */

struct taking_back {
	struct taking *t;
	size_t *at;                /* of the objects */
	str *items;                /* "event--…", or the id of a foreign object, whose events are to go */
	uint64_t *tags;            /* of them, in the same order */
	size_t count;
	str why;                   /* of the first that says one: one delivery takes back for one reason */
};

/* What the events that are to go were called; STR_NONE: none are. */
static str goer(const struct taking *t, size_t i)
{
	const struct stix_object *o = &t->list[i];
	if (t->words[i].p)
		return STR_NONE;
	if (o->what == STIX_FOREIGN)
		return o->revoked ? o->id : STR_NONE;
	return o->what == STIX_WITHDRAWN && str_starts(o->item, STR("event--")) && !t->old[i] ? o->item : STR_NONE;
}

static bool has_tag(str tags, uint64_t tag)
{
	size_t low = 0, high = tags.n / 8;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct wire w = wire_of(str_from(tags, mid * 8));
		uint64_t at = wire_le64(&w);
		if (at == tag)
			return true;
		if (at < tag)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

/* The reports that may hold one of them, newest first. */
struct held_in {
	int64_t report;
	size_t *at;                /* of the objects that say so */
	str *items;
	size_t count;
	struct held_in *next;
};

/* Of the items those that a report has; as many as it has, not as many as were sent. Without tags nobody knows. */
static void look_in(struct taking_back *b, int64_t report, str tags, struct held_in **out)
{
	struct held_in *h = NULL;
	size_t n = 0;
	for (size_t i = 0; i < b->count; i++)
		n += tags.n == 0 || has_tag(tags, b->tags[i]);
	if (n == 0)
		return;
	h = ARENA_NEW(b->t->a, struct held_in);
	*h = (struct held_in){ report, ARENA_ARRAY(b->t->a, n, size_t), ARENA_ARRAY(b->t->a, n, str), 0, *out };
	*out = h;
	for (size_t i = 0; i < b->count; i++)
		if (tags.n == 0 || has_tag(tags, b->tags[i])) {
			h->at[h->count] = b->at[i];
			h->items[h->count++] = b->items[i];
		}
}

/* Those that were noted, and behind them what came when the node was killed before it was (take_events.c). */
static enum rc find_reports(struct taking_back *b, struct held_in **out, struct err *err)
{
	struct taking *t = b->t;
	struct reader *r;
	enum rc rc = store_read_begin(t->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT report, tags FROM taken_events WHERE partner = ?1 UNION ALL SELECT r.id, x'' FROM report r"
					    " JOIN feed f ON f.id = r.feed WHERE f.name = ?2 AND r.id > coalesce((SELECT max(report)"
					    " FROM taken_events WHERE partner = ?1), 0) ORDER BY 1 DESC");
	sql_blob(q, 1, str_mem(t->from->id.b, sizeof t->from->id.b));
	sql_str(q, 2, t->feed);
	while (sql_row(q))
		look_in(b, sql_col_int(q, 0), sql_col_blob(q, 1), out);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* A withdrawal that was here before takes nothing back that was given since. */
static enum rc know_again(struct taking *t, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < t->count; i++) {
		int64_t at_us = TIME_NONE;
		if (!goer(t, i).p || t->list[i].what != STIX_WITHDRAWN)
			continue;
		if (!r)
			rc = store_read_begin(t->x->w.store, &r, err);
		if (rc == RC_OK)
			rc = take_when_withdrawn(reader_conn(r), &t->from->node, t->list[i].item, &at_us, err);
		t->old[i] = rc == RC_OK && at_us != TIME_NONE && t->list[i].version_us <= at_us;
	}
	if (r)
		store_read_end(r);
	return rc;
}

static enum rc take_back_some(struct taking_back *b, const struct held_in *h, size_t from, size_t count, struct err *err)
{
	const struct exchange_world *w = &b->t->x->w;
	uint64_t gone = 0;
	enum rc rc = w->take_back(w->ctx, h->report, h->items + from, count, b->why.p ? b->why : STR(BY_ITS_ORIGIN), &gone, err);
	return rc == RC_ABSENT ? RC_OK : rc; /* the report was forgotten, or taken back as a whole */
}

/* All of a report's at once. When a case keeps one of them here, each by itself: that one alone stays, and is refused. */
static enum rc take_back(struct taking_back *b, const struct held_in *h, struct err *err)
{
	struct err why = { 0 };
	enum rc rc = take_back_some(b, h, 0, h->count, &why);
	bool kept = rc == RC_CONFLICT;
	for (size_t i = 0; kept && i < h->count && (rc == RC_OK || rc == RC_CONFLICT); i++) {
		rc = h->count > 1 ? take_back_some(b, h, i, 1, &why) : rc;
		if (rc == RC_CONFLICT)
			take_refuse(b->t, h->at[i], false, KEPT);
	}
	return rc == RC_OK || rc == RC_CONFLICT ? RC_OK : fail(err, rc, "%s", why.text);
}

enum rc take_withdrawn_events(struct taking *t, struct err *err)
{
	struct taking_back b = { .t = t };
	struct held_in *reports = NULL;
	size_t n = 0;
	enum rc rc = know_again(t, err);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < t->count; i++)
		n += goer(t, i).p != NULL;
	if (n == 0)
		return RC_OK;
	b.at = ARENA_ARRAY(t->a, n, size_t);
	b.items = ARENA_ARRAY(t->a, n, str);
	b.tags = ARENA_ARRAY(t->a, n, uint64_t);
	for (size_t i = 0; i < t->count; i++) {
		str item = goer(t, i);
		if (!item.p)
			continue;
		if (!b.why.p && t->list[i].why.n)
			b.why = reason_of(&t->list[i], t->a);
		b.at[b.count] = i;
		b.items[b.count] = item;
		b.tags[b.count++] = take_tag(item);
	}
	rc = find_reports(&b, &reports, err);
	for (struct held_in *h = reports; rc == RC_OK && h; h = h->next)
		rc = take_back(&b, h, err);
	return rc;
}

static int by_tag(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

void take_withdrawn_list(struct taking *t)
{
	t->gone = ARENA_ARRAY(t->a, t->count + 1, uint64_t);
	for (size_t i = 0; i < t->count; i++)
		if (t->list[i].what == STIX_WITHDRAWN)
			t->gone[t->gone_count++] = take_tag(t->list[i].item);
	qsort(t->gone, t->gone_count, sizeof *t->gone, by_tag);
}

bool take_withdrawn_with(const struct taking *t, str item)
{
	const uint64_t tag = take_tag(item);
	return bsearch(&tag, t->gone, t->gone_count, sizeof tag, by_tag) != NULL;
}

/* --- what stays of it --- */

enum rc take_when_withdrawn(struct conn *c, const struct uuid *node, str item, int64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT at_us FROM taken_withdrawn WHERE node = ? AND item = ?");
	sql_blob(q, 1, str_mem(node->b, sizeof node->b));
	sql_str(q, 2, item);
	*out = sql_row(q) ? sql_col_int(q, 0) : TIME_NONE;
	return sql_end(q, err);
}

static enum rc put_stone(struct tx *tx, struct taking *t, const struct stix_object *o, struct err *err)
{
	struct uuid node = t->from->node;
	(void)uuid_parse(o->origin, &node);
	struct sql *q = sql(tx_conn(tx), "INSERT INTO taken_withdrawn (node, item, partner, at_us, taken_us, why)"
					 " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (node, item) DO UPDATE SET"
					 " partner = ?3, at_us = ?4, taken_us = ?5, why = ?6 WHERE at_us < ?4");
	sql_blob(q, 1, str_mem(node.b, sizeof node.b));
	sql_str(q, 2, o->item);
	sql_blob(q, 3, str_mem(t->from->id.b, sizeof t->from->id.b));
	sql_int(q, 4, o->version_us == TIME_NONE ? tx_now_us(tx) : o->version_us);
	sql_int(q, 5, tx_now_us(tx));
	sql_str(q, 6, o->why);
	return sql_run(q, err);
}

/* --- receipts, records --- */

static enum rc put_receipt(struct tx *tx, struct taking *t, const struct stix_object *o, struct arena *a,
			   struct err *err)
{
	const struct partner_answer n = { .partner = t->from->id, .item = o->item, .origin = t->node, .about = o->id,
					  .what = STR("received"), .words = STR("withdrawn"),
					  .key = arena_fmt(a, "withdrawn " STR_FMT " " STR_FMT, STR_ARG(o->item),
							   STR_ARG(o->version)),
					  .at_us = tx_now_us(tx), .tlp = TLP_AMBER };
	return partner_answer_offer(tx, &n, err);
}

static enum rc erase_copy(struct tx *tx, struct taking *t, const struct stix_object *o, struct uuid id, struct arena *a,
			  struct err *err)
{
	struct record held;
	struct err none = { 0 };
	enum rc rc = record_load(tx_conn(tx), t->types, id, a, &held, &none);
	if (rc == RC_ABSENT || (rc == RC_OK && held.erased))
		return RC_OK;
	if (rc != RC_OK)
		return fail(err, rc, "%s", none.text);
	if (!str_eq_nocase(held.origin, t->node))
		return fail(err, RC_DENIED, "this record is not yours to withdraw");
	rc = record_erase(tx, t->x->w.records, id, t->actor, reason_of(o, a), err);
	if (rc == RC_OK && together_type(held.type))
		rc = together_take_back(tx, t->x, t->types, o->item, t->actor, a, err);
	return rc == RC_DENIED ? fail(err, RC_CONFLICT, KEPT) : rc;
}

enum rc take_withdrawn(struct tx *tx, struct taking *t, size_t i, struct arena *a, struct err *err)
{
	const struct stix_object *o = &t->list[i];
	struct uuid id;
	str type;
	int64_t known_us = TIME_NONE;
	enum rc rc = take_when_withdrawn(tx_conn(tx), &t->from->node, o->item, &known_us, err);
	if (rc == RC_OK && known_us != TIME_NONE && o->version_us <= known_us) { /* what was given since stands */
		t->old[i] = true;
		return put_receipt(tx, t, o, a, err);
	}
	if (rc != RC_OK)
		return rc;
	if (record_id_parse(o->item, &type, &id))
		rc = str_eq(type, STR("event")) ? RC_OK : erase_copy(tx, t, o, id, a, err);
	else if (!str_starts(o->item, STR("event--")))
		rc = fail(err, RC_INPUT, "it does not say what is withdrawn");
	if (rc == RC_OK)
		rc = put_stone(tx, t, o, err);
	return rc == RC_OK ? put_receipt(tx, t, o, a, err) : rc;
}
