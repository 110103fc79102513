/* SPDX-License-Identifier: Apache-2.0 */
#include "node/holds.h"

#include <stdlib.h>

#include "base/json.h"
#include "disclosure/change.h"
#include "store/held.h"

struct kept {
	str object;
	uint64_t seq;
};
struct holding {
	struct node *n;
	const struct viewer *v;
	const struct hold_request *q;
	const struct types *types;
	struct arena *a;
	struct kept *list;
	size_t count, room;
	bool over;
	str in_case;
	struct hold_result *out;
};

static const struct type *hold_type(const struct types *t)
{
	for (size_t i = 0; i < types_count(t); i++)
		if (type_meaning(types_at(t, i), STR("hold.case")) &&
		    type_meaning(types_at(t, i), STR("hold.placed")) &&
		    type_meaning(types_at(t, i), STR("hold.lifted")))
			return types_at(t, i);
	return NULL;
}

/* --- what is kept, as the viewer may see it --- */

static void keep(struct holding *h, str object, uint64_t seq)
{
	if (h->count == h->room) {
		h->room = h->room ? 2 * h->room : 64;
		h->list = x_grow(h->list, h->room, sizeof(*h->list));
	}
	h->list[h->count++] = (struct kept){ arena_str(h->a, object), seq };
}

static bool keep_event(void *ctx, const struct event_view *v)
{
	struct holding *h = ctx;
	char object[64];
	snprintf(object, sizeof(object), "event--%s", v->id);
	keep(h, str_of(object), v->row->seq);
	h->over = h->count > HOLD_EVENTS_MOST;
	return !h->over;
}

static bool keep_row(void *ctx, const struct event_row *row)
{
	struct holding *h = ctx;
	char id[40], object[64];
	str text = event_id(store_secret(h->n->store), row->seq, id);
	snprintf(object, sizeof(object), "event--" STR_FMT, STR_ARG(text));
	keep(h, str_of(object), row->seq);
	h->over = h->count > HOLD_EVENTS_MOST;
	return !h->over;
}

static enum rc keep_finding(struct holding *h, struct reader *r, str id, struct err *err)
{
	struct finding f;
	enum rc rc = read_finding(r, h->v, id, h->a, &f, err);
	if (rc != RC_OK)
		return rc;
	keep(h, arena_fmt(h->a, "finding--" STR_FMT, STR_ARG(id)), 0);
	return findings_events(r, f.id, keep_row, h, err);
}

static enum rc keep_report(struct holding *h, struct reader *r, str id, struct err *err)
{
	struct report report;
	int64_t number;
	if (!str_to_i64(id, &number))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no number of a report", STR_ARG(str_head(id, 60)));
	enum rc rc = report_load(reader_conn(r), number, &report, err);
	if (rc == RC_OK)
		keep(h, arena_fmt(h->a, "report--%lld", (long long)number), 0);
	return rc;
}

static enum rc find_record(struct holding *h, struct reader *r, str id, str *out, struct err *err)
{
	struct record_view view = { 0 };
	enum rc rc = read_record(r, h->types, h->v, id, h->a, &view, err);
	if (rc == RC_OK)
		*out = record_view_id(&view, h->a);
	record_view_end(&view);
	return rc;
}

static enum rc keep_one(struct holding *h, struct reader *r, str object, struct err *err)
{
	static const struct {
		str head;
		enum { EVENT, FINDING, REPORT } kind;
	} heads[] = { { STR_INIT("event--"), EVENT },	  { STR_INIT("event:"), EVENT },
		      { STR_INIT("finding--"), FINDING }, { STR_INIT("finding:"), FINDING },
		      { STR_INIT("report--"), REPORT },	  { STR_INIT("report:"), REPORT } };
	str id = STR("");
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		if (!str_starts(object, heads[i].head))
			continue;
		id = str_from(object, heads[i].head.n);
		if (heads[i].kind == EVENT)
			return read_event(r, h->v, id, keep_event, h, err);
		return heads[i].kind == FINDING ? keep_finding(h, r, id, err) : keep_report(h, r, id, err);
	}
	enum rc rc = find_record(h, r, object, &id, err);
	if (rc == RC_OK)
		keep(h, id, 0);
	return rc;
}

static enum rc keep_all(struct holding *h, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(h->n->store, &r, err);
	if (rc == RC_OK)
		rc = find_record(h, r, h->q->in_case, &h->in_case, err);
	for (size_t i = 0; rc == RC_OK && i < h->q->count; i++)
		rc = keep_one(h, r, h->q->objects[i], err);
	if (rc == RC_OK && h->q->events)
		rc = read_events(r, h->v, h->q->events, keep_event, h, err);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && h->over)
		return fail(err, RC_LIMIT, "over %d events: hold their reports or a smaller time", HOLD_EVENTS_MOST);
	if (rc == RC_OK && !h->count)
		return fail(err, RC_INPUT, "there is nothing to hold");
	return rc;
}

/* --- placing --- */

static void put(struct json_out *j, const struct type *t, const char *meaning, str value)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	if (m && m->field && value.n)
		json_put_str(j, m->field->name, value);
}

static str fields_of(struct holding *h, const struct type *t)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	const struct meaning *secret = type_meaning(t, STR("hold.secret"));
	json_open(&j, '{');
	json_put_str(&j, t->title->name, h->q->title);
	put(&j, t, "hold.case", h->in_case);
	put(&j, t, "hold.ground", h->q->ground);
	put(&j, t, "hold.reason", h->q->reason);
	if (secret && secret->field && h->q->secret)
		json_put_bool(&j, secret->field->name, true);
	json_close(&j, '}');
	str out = arena_str(h->a, buf_str(&b));
	buf_free(&b);
	return out;
}

static enum rc place(struct tx *tx, void *ctx, struct err *err)
{
	struct holding *h = ctx;
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	struct uuid id = { 0 };
	const struct type *t = hold_type(h->types);
	const struct change_request q = { .type = str_of(t->name), .fields = fields_of(h, t) };
	enum rc rc = change_record_tx(tx, h->n->records, h->v, &q, h->a, &view, &errors, err);
	if (rc == RC_INPUT && errors.count)
		(void)fail(err, rc, "%s", errors.list[0].text);
	if (rc == RC_OK && !view.record)
		rc = fail(err, RC_DENIED, "who places a hold must be able to read it");
	if (rc == RC_OK) {
		id = view.record->id;
		h->out->id = record_view_id(&view, h->a);
	}
	record_view_end(&view);
	for (size_t i = 0; i < h->count && rc == RC_OK; i++)
		rc = held_add(tx, &id, h->list[i].object, h->list[i].seq, h->q->secret, err);
	struct journal_act act = { .act = "hold.set", .actor = str_of(h->v->actor), .object = h->out->id,
				   .count = h->count };
	return rc == RC_OK ? journal_add(tx, h->n->journal, &act, err) : rc;
}

enum rc node_hold(struct node *n, const struct viewer *v, const struct hold_request *q,
		  struct arena *a, struct hold_result *out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(n->types);
	struct holding h = { .n = n, .v = v, .q = q, .types = snapshot_table(ref), .a = a, .out = out };
	struct err why = { 0 };
	const struct type *t = hold_type(h.types);
	*out = (struct hold_result){ .id = STR("") };
	enum rc rc = t && authz_ever(v, ACTION_CREATE, t) ?
			     RC_OK : fail(&why, RC_DENIED, "none of your roles may place a hold");
	if (rc == RC_OK)
		rc = keep_all(&h, &why);
	if (rc == RC_OK)
		rc = store_write(n->store, place, &h, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(n->records, n->store, v, STR("hold"), str_of(why.text));
	out->kept = h.count;
	free(h.list);
	snapshot_drop(n->types, ref);
	return rc == RC_OK ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- lifting --- */

static enum rc follow(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		      const struct record *now, struct err *err)
{
	const struct meaning *m = now->type ? type_meaning(now->type, STR("hold.lifted")) : NULL;
	(void)r;
	(void)ctx;
	if (!m || !before || (!now->erased && now->state != (int)m->state))
		return RC_OK;
	return held_lift(tx, &now->id, err);
}

void node_holds_open(struct node *n)
{
	records_add_hook(n->records, &(struct record_hook){ .changed = follow, .ctx = n });
}
