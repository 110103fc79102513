/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/trace.h"

#include <stdlib.h>

#include "disclosure/read_outbox.h"
#include "disclosure/told_partner.h"
#include "exchange/withdraw.h"

enum { STEPS_MOST = 2000, LEDGER_MOST = 500, RUNS_LOOKED = 64 };

struct tracing {
	struct exchange *x;
	struct reader *r;
	const struct types *types;
	const struct roles *roles;
	const struct viewer *v;
	struct arena *a;
	str id;                /* of the item, as its ledger rows and entries name it */
	str event;             /* event that goes to partners; "" none */
	uint64_t seq;          /* its number; 0: none */
	bool gone;             /* the event is not there any more: undone, erased, or taken back by its origin */
	int64_t record;        /* its row; 0: it is none */
	struct trace_step *steps;
	size_t count, room;
};

static void step(struct tracing *k, int64_t at_us, const char *what, str who, str words, bool missing)
{
	if (k->count == STEPS_MOST || at_us == TIME_NONE)
		return;
	if (k->count == k->room) {
		struct trace_step *more = arena_array(k->a, k->room ? 2 * k->room : 32, sizeof *more);
		if (k->count)
			memcpy(more, k->steps, k->count * sizeof *more);
		k->room = k->room ? 2 * k->room : 32;
		k->steps = more;
	}
	k->steps[k->count++] = (struct trace_step){ .at_us = at_us, .what = what, .who = arena_str(k->a, who),
						    .words = arena_str(k->a, words), .missing = missing };
}

/* --- what it is --- */

/* A partner by its name. */
static str name_of(struct tracing *k, str recipient)
{
	struct partner p;
	struct err err;
	if (str_starts(recipient, STR("partner--")) &&
	    partner_find(k->x, reader_conn(k->r), recipient, k->a, &p, &err) == RC_OK)
		return p.name;
	return recipient;
}

static bool put_event(void *ctx, const struct event_view *e)
{
	struct tracing *k = ctx;
	struct buf text = BUF_INIT(KIB(4));
	int64_t at_us;
	k->event = arena_str(k->a, str_of(e->id));
	if (event_view_value(e, STR("time.source"), &text) && time_parse(buf_str(&text), true, &at_us))
		step(k, at_us, "happened", STR(""), STR(""), false);
	buf_reset(&text);
	(void)event_view_value(e, STR("feed.name"), &text);
	step(k, e->received_us, "received", buf_str(&text), STR(""), false);
	buf_free(&text);
	return false;
}

static bool put_newest(void *ctx, const struct event_view *e, size_t place)
{
	(void)place;
	(void)put_event(ctx, e);
	return true;
}

static enum rc of_finding(struct tracing *k, str hex, struct err *err)
{
	struct told_to to = { .viewer = *k->v, .purpose = PURPOSE_HANDLING };
	struct finding f;
	enum rc rc = read_finding(k->r, k->v, hex, k->a, &f, err);
	if (rc != RC_OK)
		return rc;
	step(k, f.first_seen_us, "first seen", STR(""), f.key, false);
	if (f.told_us)
		step(k, f.told_us, "told", STR(""), STR("marked as told"), false);
	if (f.answered_us)
		step(k, f.answered_us, "answered", STR(""), STR("marked as answered"), false);
	step(k, f.last_seen_us, f.state == FINDING_GONE ? "last seen, and gone since" : "last seen", STR(""), STR(""), false);
	rc = told_events(k->r, k->types, &to, &k->id, 1, 1, k->a, put_newest, k, err);
	return rc == RC_DENIED ? RC_OK : rc; /* the finding is seen, its events are not */
}

/* A copy of a type that is not loaded here is kept whole, and nobody here knows who may see what of it: that it is there. */
static enum rc of_stranger(struct tracing *k, str id, struct err *err)
{
	struct uuid uuid;
	str type;
	bool found = false, known = record_id_parse(id, &type, &uuid);
	if (!known || types_find(k->types, type) || k->v->as.kind != RECIPIENT_STAFF || !right_includes(k->v->right, RIGHT_READ))
		return fail(err, RC_ABSENT, "there is no such record");
	struct sql *q = sql(reader_conn(k->r), "SELECT id, created_us, changed_us, version FROM record WHERE uuid = ?");
	sql_blob(q, 1, str_mem(uuid.b, sizeof uuid.b));
	if ((found = sql_row(q))) {
		k->id = arena_str(k->a, id);
		k->record = sql_col_int(q, 0);
		step(k, sql_col_int(q, 1), "made", STR(""),
		     arena_fmt(k->a, "kept whole, of a type that is not known here: '" STR_FMT "' (DIR/types)", STR_ARG(type)), false);
		if (sql_col_int(q, 3) > 1)
			step(k, sql_col_int(q, 2), "changed", STR(""),
			     arena_fmt(k->a, "version %lld", (long long)sql_col_int(q, 3)), false);
	}
	enum rc rc = sql_end(q, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no such record");
}

static enum rc of_record(struct tracing *k, str id, struct err *err)
{
	struct record_view view;
	struct err none;
	enum rc rc = read_record(k->r, k->types, k->v, id, k->a, &view, &none);
	if (rc == RC_ABSENT)
		return of_stranger(k, id, err);
	if (rc != RC_OK)
		return fail(err, rc, "%s", none.text);
	k->id = record_view_id(&view, k->a);
	step(k, view.record->created_us, "made", view.record->author, view.record->title, false);
	const struct record *record = view.record;
	bool theirs = record_is_withdrawn(record);
	if (theirs)
		step(k, record->changed_us, "withdrawn", name_of(k, record->author), record->why, false);
	else if (record->version > 1)
		step(k, view.record->changed_us, "changed", view.record->author,
		     arena_fmt(k->a, "version %llu", (unsigned long long)view.record->version), false);
	struct sql *q = sql(reader_conn(k->r), "SELECT id FROM record WHERE uuid = ?");
	sql_blob(q, 1, str_mem(view.record->id.b, sizeof view.record->id.b));
	if (sql_row(q))
		k->record = sql_col_int(q, 0);
	record_view_end(&view);
	return sql_end(q, err);
}

/* What a partner took back, by his own name for it. */
static enum rc of_withdrawn(struct tracing *k, str item, bool *found, struct err *err)
{
	struct buf partner = BUF_INIT(64);
	struct sql *q = sql(reader_conn(k->r), "SELECT partner, taken_us, why FROM taken_withdrawn WHERE item = ?");
	sql_str(q, 1, item);
	*found = sql_row(q) && sql_col_blob(q, 0).n == sizeof(struct uuid);
	if (*found) {
		struct uuid id;
		memcpy(id.b, sql_col_blob(q, 0).p, sizeof id.b);
		record_id_format(&partner, STR("partner"), &id);
		int64_t at_us = sql_col_int(q, 1);
		str why = arena_str(k->a, sql_col_str(q, 2));
		step(k, at_us, "withdrawn", name_of(k, arena_str(k->a, buf_str(&partner))), why, false);
	}
	buf_free(&partner);
	return sql_end(q, err);
}

/* An event that nobody reads any more: where it was offered, and taken back. */
static enum rc of_gone(struct tracing *k, str bare, bool ours, bool *found, struct err *err)
{
	str item = arena_fmt(k->a, "event--" STR_FMT, STR_ARG(bare));
	*found = false;
	if (k->v->as.kind != RECIPIENT_STAFF || !right_includes(k->v->right, RIGHT_READ))
		return RC_OK;
	enum rc rc = of_withdrawn(k, item, found, err);
	if (rc == RC_OK && (*found || ours)) {
		*found = k->gone = true;
		k->event = ours ? arena_str(k->a, bare) : STR("");
		k->id = item;
	}
	return rc;
}

static enum rc of_what(struct tracing *k, str id, struct err *err)
{
	const struct key *secret = store_secret(exchange_world_of(k->x)->store);
	uint64_t seq = 0, last = 0;
	bool found = false;
	str bare = str_starts(id, STR("event--")) ? str_from(id, 7) : id;
	enum rc had = events_last_seq(k->r, &last, err);
	if (had != RC_OK)
		return had;
	bool ours = event_id_parse(secret, bare, &seq) && seq <= last;
	if (ours) {
		enum rc rc = read_event(k->r, k->v, bare, put_event, k, err);
		if (rc == RC_OK) {
			k->id = arena_fmt(k->a, "event--" STR_FMT, STR_ARG(bare));
			return rc;
		}
		if (rc != RC_ABSENT)
			return rc;
	}
	if (str_starts(id, STR("event--"))) {
		enum rc rc = of_gone(k, bare, ours, &found, err);
		if (rc != RC_OK || found)
			return rc;
	}
	bare = str_starts(id, STR("finding--")) ? str_from(id, 9) : id;
	if (bare.n == 32) {
		k->id = arena_fmt(k->a, "finding--" STR_FMT, STR_ARG(bare));
		return of_finding(k, bare, err);
	}
	return of_record(k, id, err);
}

/* --- whom it was told --- */

static enum rc put_ledger(struct tracing *k, str item, struct err *err)
{
	const struct ledger_query q = { .recipient = STR(""), .item = item, .limit = LEDGER_MOST };
	struct ledger_row *list = NULL;
	size_t count = 0;
	enum rc rc = read_ledger(k->r, k->types, k->roles, k->v, &q, k->a, &list, &count, err);
	if (rc == RC_DENIED) /* the way is shown without it */
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		step(k, list[i].at_us, ledger_kind_name(list[i].kind), name_of(k, list[i].recipient),
		     list[i].words.n > 0 ? list[i].words : list[i].rule, false);
	return rc;
}

/* --- to partners --- */

struct offering {
	struct tracing *k;
	struct collection c;
	str name;
	struct err *err;
	enum rc rc;
};

static enum rc take_entry(struct sql *q, struct entry *out, bool *found, struct err *err)
{
	if (!*found && sql_row(q)) {
		*out = (struct entry){ .added_us = sql_col_int(q, 0), .lane = (enum lane)sql_col_int(q, 1),
				       .first = (uint64_t)sql_col_int(q, 2) };
		*found = true;
	}
	return sql_end(q, err);
}

/* The run of events that holds the number. */
static enum rc run_of(struct tracing *k, int64_t collection, struct entry *out, bool *found, struct err *err)
{
	struct sql *q = sql(reader_conn(k->r), "SELECT added_us, lane, first FROM (SELECT added_us, lane, first, last"
			    " FROM collection_entry WHERE kind = ? AND first <= ?2 AND collection = ? ORDER BY first DESC"
			    " LIMIT ?) WHERE last >= ?2 LIMIT 1");
	sql_int(q, 1, ENTRY_EVENTS);
	sql_int(q, 2, (int64_t)k->seq);
	sql_int(q, 3, collection);
	sql_int(q, 4, RUNS_LOOKED);
	return take_entry(q, out, found, err);
}

/* The newest entry of any version of the record. */
static enum rc version_of(struct tracing *k, int64_t collection, struct entry *out, bool *found, struct err *err)
{
	struct sql *q = sql(reader_conn(k->r), "SELECT e.added_us, e.lane, e.first FROM record_version v"
			    " JOIN collection_entry e ON e.kind = ? AND e.first = v.id AND e.collection = ?"
			    " WHERE v.record = ? ORDER BY e.added_us DESC LIMIT 1");
	sql_int(q, 1, ENTRY_RECORD);
	sql_int(q, 2, collection);
	sql_int(q, 3, k->record);
	return take_entry(q, out, found, err);
}

/* What the partner said to an entry of this time, or that he has not. */
static enum rc put_receipt(struct tracing *k, const struct partner *p, enum lane lane, int64_t added_us, struct err *err)
{
	struct receipt receipt;
	enum rc rc = receipt_of(reader_conn(k->r), p->id, lane, added_us, k->a, &receipt, err);
	if (rc == RC_OK)
		step(k, receipt.at_us, "receipt", p->name, receipt.id, false);
	else if (rc == RC_ABSENT)
		step(k, clock_now_us(), "no receipt yet", p->name, STR(""), true);
	return rc == RC_ABSENT ? RC_OK : rc;
}

/* Does it hold it for this partner? The page that he gets says so: the check is in it. */
static bool note_object(void *ctx, const struct page_object *o)
{
	int64_t *found = ctx;
	if (!*found)
		*found = o->added_us;
	return true;
}

static enum rc put_event_offer(struct offering *o, const struct partner *p, const struct entry *e, struct err *err)
{
	struct tracing *k = o->k;
	const struct exchange_world *w = exchange_world_of(k->x);
	int64_t at_us = e->added_us + (int64_t)(k->seq - e->first) * ENTRY_STEP, added_us = 0;
	struct page_query q = { .after_us = at_us - 1, .until_us = at_us + ENTRY_STEP - 1, .limit = ENTRY_STEP, .lane = -1 };
	struct told_to to;
	struct page_end end;
	enum rc rc = told_partner(k->r, w->policies, p->organisation, partner_feed(p, k->a), p->exercise, &to, err);
	if (rc == RC_OK)
		rc = collection_page(k->x, k->r, &o->c, &to, &q, note_object, &added_us, &end, err);
	if (rc != RC_OK || (!added_us && end.refused == 0))
		return rc; /* it does not concern this one */
	if (!added_us) {
		step(k, e->added_us, "kept back", p->name, STR("the check lets nothing of it go to this partner now"), false);
		return RC_OK;
	}
	step(k, e->added_us, "offered", p->name, STR(""), false);
	return put_receipt(k, p, e->lane, added_us, err);
}

static str event_item(const struct tracing *k)
{
	return arena_fmt(k->a, "event--" STR_FMT, STR_ARG(k->event));
}

static enum rc put_partner(struct offering *o, const struct partner *p, struct err *err)
{
	struct tracing *k = o->k;
	struct entry e;
	struct withdrawn_at taken = { .why = STR("") };
	bool offered = false, withdrawn = false;
	enum rc rc = k->seq ? withdrawn_later_find(k->r, o->c.id, k->seq, k->a, &taken, &offered, err) :
			      version_of(k, o->c.id, &e, &offered, err);
	if (offered && k->seq)
		e = (struct entry){ .added_us = taken.added_us, .lane = taken.lane, .first = k->seq };
	else if (rc == RC_OK && k->seq)
		rc = run_of(k, o->c.id, &e, &offered, err);
	if (rc == RC_OK && offered && k->seq && !k->gone) {
		rc = put_event_offer(o, p, &e, err);
	} else if (rc == RC_OK && offered && k->seq) {
		/* of what is gone nobody says any more whether it concerned him: a withdrawal does */
	} else if (rc == RC_OK && offered) {
		step(k, e.added_us, "offered", p->name, STR(""), false);
		rc = put_receipt(k, p, e.lane, e.added_us, err);
	}
	if (rc == RC_OK)
		rc = withdrawn_find(k->r, o->c.id, k->seq ? event_item(k) : k->id, k->a, &taken, &withdrawn, err);
	if (rc != RC_OK || !withdrawn)
		return rc;
	step(k, taken.added_us, "withdrawn", p->name, taken.why, false);
	return put_receipt(k, p, taken.lane, taken.added_us, err);
}

static bool look_in(void *ctx, const struct collection *c)
{
	struct offering *o = ctx;
	struct tracing *k = o->k;
	struct partner p;
	struct buf id = BUF_INIT(64);
	if (c->kind != COLLECTION_OUT)
		return true;
	o->c = *c;
	buf_add(&id, STR("partner--"));
	uuid_format(&id, &c->partner);
	o->rc = partner_find(k->x, reader_conn(k->r), buf_str(&id), k->a, &p, o->err);
	if (o->rc == RC_OK)
		o->rc = put_partner(o, &p, o->err);
	else if (o->rc == RC_ABSENT) /* erased since */
		o->rc = RC_OK;
	buf_free(&id);
	return o->rc == RC_OK;
}

static enum rc put_partners(struct tracing *k, struct err *err)
{
	struct offering o = { .k = k, .err = err, .rc = RC_OK };
	enum rc rc = RC_OK;
	if (k->event.n > 0 && !event_id_parse(store_secret(exchange_world_of(k->x)->store), k->event, &k->seq))
		k->seq = 0;
	if (k->seq || k->record)
		rc = collections_list(reader_conn(k->r), look_in, &o, err);
	return rc == RC_OK ? o.rc : rc;
}

static int by_time(const void *a, const void *b)
{
	const struct trace_step *x = a, *y = b;
	return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

enum rc trace_item(struct exchange *x, struct reader *r, const struct types *t, const struct roles *roles,
		   const struct viewer *v, str id, struct arena *a, trace_each each, void *ctx, struct err *err)
{
	struct tracing k = { .x = x, .r = r, .types = t, .roles = roles, .v = v, .a = a };
	enum rc rc = of_what(&k, id, err);
	if (rc == RC_OK)
		rc = put_ledger(&k, k.id, err);
	if (rc == RC_OK && k.event.n > 0 && !str_starts(k.id, STR("event--")))
		rc = put_ledger(&k, arena_fmt(a, "event--" STR_FMT, STR_ARG(k.event)), err);
	if (rc == RC_OK)
		rc = put_partners(&k, err);
	if (rc != RC_OK)
		return rc;
	if (k.count > 1)
		qsort(k.steps, k.count, sizeof *k.steps, by_time);
	for (size_t i = 0; i < k.count && each(ctx, &k.steps[i]); i++)
		continue;
	return RC_OK;
}
