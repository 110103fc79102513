/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of records, one after the other: for each partner whose agreement lets such things flow, what becomes of it. */
#include "exchange/offer_private.h"

#include <stdlib.h>

#include "exchange/record_stix.h"
#include "exchange/together_private.h"
#include "exchange/withdraw.h"
#include "record/outbox.h"

enum { VERSIONS_MOST = 64, TO_DO_MANY = 2000 }; /* in one job: no more are begun behind so many things to do */

enum lane lane_of_flow(str flow)
{
	static const struct { const char *flow; enum lane lane; } lanes[] = {
		{ "warnings", LANE_WARNING }, { "indicators", LANE_BULK }, { "statistics", LANE_BULK },
		{ "findings", LANE_BULK },
	};
	for (size_t i = 0; i < COUNT_OF(lanes); i++)
		if (str_eq(flow, str_of(lanes[i].flow)))
			return lanes[i].lane;
	return LANE_INCIDENT;
}

/* A version that is the newest of a record of ours. */
struct version {
	int64_t id, record;
	str type_name, state, item;
	const struct type *type;
	uint64_t version;
	str labels;
	str why;                   /* what its writer said of this version */
	const struct shared_item *about; /* of a contribution; NULL: it goes by itself */
	const struct word *word;
	const char *flow;          /* an agreement must let this flow; NULL: it goes to nobody */
	struct version *words;     /* of an item: what was said of it, in the order it came; read when it is needed */
	size_t word_count;
	bool words_read;
};
enum act { ACT_OFFER, ACT_WITHDRAW, ACT_REFUSE };
struct to_do {
	enum act act;
	const struct target *to;
	const struct version *v;
	str object;
	const char *rule;
	uint64_t policy;
	struct withdrawn_why why;
};
struct offering {
	struct exchange *x;
	struct reader *r;
	struct targets *t;
	const struct types *types;
	bool again;
	struct version *list;
	size_t count;
	struct to_do *todo;
	size_t todo_count, todo_room;
	uint64_t from, upto;
};

/* --- which --- */

#define VERSION                                                                                                       \
	"SELECT v.id, r.id, r.uuid, t.name, s.name, v.version, r.version, r.number, v.labels, v.why FROM record_version v" \
	" JOIN record r ON r.id = v.record JOIN record_name t ON t.id = r.type JOIN record_name s ON s.id = v.state"

/* False: it goes nowhere. Of several versions the newest goes: its entry comes behind; copies go from their origin. */
static bool take_version(struct offering *o, struct sql *q, struct version *out)
{
	const struct type *type = types_find(o->types, sql_col_str(q, 3));
	str uuid = sql_col_blob(q, 2);
	struct uuid u = { { 0 } };
	if (sql_col_int(q, 5) != sql_col_int(q, 6) || sql_col_int(q, 7) == 0 || !type ||
	    (!type->offer_flow && !type->offer_about) || uuid.n != sizeof u.b)
		return false;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	memcpy(u.b, uuid.p, sizeof u.b);
	record_id_format(&id, str_of(type->name), &u);
	*out = (struct version){ .id = sql_col_int(q, 0), .record = sql_col_int(q, 1), .type = type, .flow = type->offer_flow,
				 .state = arena_str(o->t->a, sql_col_str(q, 4)), .item = arena_str(o->t->a, buf_str(&id)),
				 .version = (uint64_t)sql_col_int(q, 5), .labels = arena_str(o->t->a, sql_col_str(q, 8)),
				 .why = arena_str(o->t->a, sql_col_str(q, 9)) };
	buf_free(&id);
	return true;
}

static enum rc read_versions(struct offering *o, struct err *err)
{
	struct sql *q = sql(reader_conn(o->r), VERSION " WHERE v.id > ? ORDER BY v.id LIMIT ?");
	sql_int(q, 1, (int64_t)o->from);
	sql_int(q, 2, VERSIONS_MOST);
	o->list = ARENA_ARRAY(o->t->a, VERSIONS_MOST, struct version);
	while (sql_row(q)) {
		o->upto = (uint64_t)sql_col_int(q, 0);
		o->count += take_version(o, q, &o->list[o->count]);
	}
	return sql_end(q, err);
}

/* A contribution goes as what it is about. */
static enum rc read_about(struct offering *o, struct version *v, struct err *err)
{
	struct arena *a = o->t->a;
	struct shared_item *s = ARENA_NEW(a, struct shared_item);
	struct word *w = ARENA_NEW(a, struct word);
	if (!v->type->offer_about)
		return RC_OK;
	enum rc rc = word_load(reader_conn(o->r), o->types, v->item, a, w, err);
	if (rc == RC_INPUT || rc == RC_ABSENT)
		return RC_OK; /* of a type that says no more of it: it goes nowhere */
	if (rc == RC_OK)
		rc = shared_load(reader_conn(o->r), o->types, store_node_id(o->x->w.store), w->about, a, s, err);
	if (rc != RC_OK || !s->known || !s->r.type)
		return rc;
	v->about = s;
	v->word = w;
	v->flow = s->r.type->offer_flow;
	return RC_OK;
}

/* --- what was offered of it before --- */

/* Of an entry of this record in that collection, and of its withdrawal: the later counts. */
static enum rc was_offered(struct conn *c, const struct target *to, const struct version *v, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT max(e.added_us) FROM record_version v JOIN collection_entry e ON e.kind = 2"
			       " AND e.first = v.id JOIN collection c ON c.id = e.collection"
			       " WHERE v.record = ? AND c.kind = ? AND c.partner = ?");
	int kind = to->anybody ? COLLECTION_PUBLIC : COLLECTION_OUT;
	sql_int(q, 1, v->record);
	sql_int(q, 2, kind);
	sql_blob(q, 3, str_mem(to->p.id.b, sizeof to->p.id.b));
	int64_t offered = sql_row(q) ? sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	*out = false;
	if (rc != RC_OK || offered == 0)
		return rc;
	q = sql(c, "SELECT max(e.added_us) FROM exchange_withdrawn w JOIN collection c ON c.id = w.collection"
		   " JOIN collection_entry e ON e.kind = 5 AND e.first = w.id AND e.collection = c.id"
		   " WHERE w.item = ? AND c.kind = ? AND c.partner = ?");
	sql_str(q, 1, v->item);
	sql_int(q, 2, kind);
	sql_blob(q, 3, str_mem(to->p.id.b, sizeof to->p.id.b));
	*out = !sql_row(q) || sql_col_int(q, 0) < offered;
	return sql_end(q, err);
}

/* --- what becomes of it --- */

static void add(struct offering *o, enum act act, const struct target *to, const struct version *v, const char *rule,
		uint64_t policy)
{
	if (o->todo_count == o->todo_room) {
		struct to_do *more = ARENA_ARRAY(o->t->a, 2 * o->todo_room, struct to_do);
		memcpy(more, o->todo, o->todo_count * sizeof *more);
		o->todo = more;
		o->todo_room *= 2;
	}
	o->todo[o->todo_count++] = (struct to_do){
		.act = act, .to = to, .v = v, .rule = rule, .policy = policy,
		.object = act == ACT_WITHDRAW ? record_stix_id(o->types, v->item, o->t->a) : STR(""),
	};
}

/* A marking that is not understood is as RED: then nobody is told. */
static struct withdrawn_why why_of(const struct offering *o, const struct version *v)
{
	struct labels_of labels;
	struct err none;
	if (labels_parse(v->labels, o->t->a, &labels, &none) != RC_OK || labels.pap > PAP_AMBER || labels.classification.n)
		return (struct withdrawn_why){ STR(""), TLP_RED };
	return (struct withdrawn_why){ v->why, labels.tlp };
}

/* Is this version of it offered to him by this very look? */
static bool is_offered_now(const struct offering *o, const struct target *one, int64_t record)
{
	for (size_t i = 0; i < o->todo_count; i++)
		if (o->todo[i].act == ACT_OFFER && o->todo[i].to == one && o->todo[i].v->record == record)
			return true;
	return false;
}

/* *out: is the contribution for him: he has what it is about, or it comes from him; never his own words again, and no
 * more than words of others' to one who may not know who they are. */
static enum rc ask_about(struct offering *o, const struct target *one, const struct version *v, bool *out, struct err *err)
{
	const struct shared_item *s = v->about;
	const struct word *w = v->word;
	const struct version item = { .record = s->row, .item = s->item };
	const struct together_kind *kind = together_kind_of(w->what);
	struct uuid origin;
	*out = false;
	if (one->anybody || !kind || uuid_equal(&w->from, &one->p.id))
		return RC_OK;
	if (!s->ours) {
		*out = uuid_parse(s->r.origin, &origin) && uuid_equal(&origin, &one->p.node);
		return RC_OK;
	}
	if (w->others && one->to.viewer.as.members_hidden && !kind->words)
		return RC_OK;
	enum rc rc = was_offered(reader_conn(o->r), one, &item, out, err);
	*out = *out || is_offered_now(o, one, s->row);
	return rc;
}

/* *out: may such things go to him at all. */
static enum rc ask_flow(struct offering *o, const struct target *one, const struct version *v, struct told_to *to, bool *out,
			struct err *err)
{
	*to = one->to;
	*out = v->type->offer_public && !v->about;
	if (v->type->offer_about && !v->about)
		return RC_OK;
	enum rc rc = v->about ? ask_about(o, one, v, out, err) : RC_OK;
	if (rc != RC_OK || one->anybody || !v->flow || (v->about && !*out)) {
		*out = *out && v->flow;
		return rc;
	}
	return told_partner_flow(o->x->w.policies, one->p.organisation, str_of(v->flow), to, out, err);
}

/* May he have it as it stands? What is said of an item of ours goes no further than the item. */
static enum rc ask_check(struct offering *o, const struct told_to *to, const struct version *v, struct arena *a,
			 struct told *told, struct err *err)
{
	struct told item = { .rule = "" };
	enum rc rc = told_item(o->r, o->types, to, v->item, 0, a, told, err);
	if (rc != RC_OK || !v->about || !v->about->ours)
		return rc;
	rc = told_item(o->r, o->types, to, v->about->item, 0, a, &item, err);
	if (rc != RC_OK)
		told->rule = item.rule;
	told_end(&item);
	return rc;
}

/* *offered_out: it is offered, for the first time or again after it was withdrawn. */
static enum rc decide(struct offering *o, const struct target *one, const struct version *v, bool *offered_out, struct err *err)
{
	int state = type_state(v->type, v->state);
	uint64_t bit = state < 0 ? 0 : UINT64_C(1) << state;
	struct told_to to;
	struct told told;
	struct err why = { 0 };
	bool flows, had;
	*offered_out = false;
	enum rc rc = ask_flow(o, one, v, &to, &flows, err);
	if (rc == RC_OK)
		rc = was_offered(reader_conn(o->r), one, v, &had, err);
	if (rc != RC_OK || (!had && (!flows || !(one->anybody || one->p.active))))
		return rc;
	struct arena *a = arena_new(KIB(16));
	/* a correction goes to whoever had what went before, though such things are not agreed any more: the check says whether
	 * it does; when no agreement is in force it waits */
	bool waits = !flows && !one->to.viewer.as.agreement && !one->anybody;
	rc = ask_check(o, &to, v, a, &told, &why);
	if (rc == RC_DENIED && waits)
		rc = RC_OK;
	bool in = (v->type->offer_in & bit) != 0 || had;
	if (rc == RC_OK && !(v->type->offer_not_in & bit)) {
		if (in)
			add(o, ACT_OFFER, one, v, "", 0);
		*offered_out = in && !had;
	} else if (had && (rc == RC_OK || rc == RC_DENIED || rc == RC_ABSENT)) {
		add(o, ACT_WITHDRAW, one, v, "", 0);
		if (rc != RC_DENIED) /* else the words are of what he may not have */
			o->todo[o->todo_count - 1].why = why_of(o, v);
	}
	/* words to one team alone are no refusal to the others */
	if (rc == RC_DENIED && in && flows && !one->anybody && !(v->word && together_kind_of(v->word->what)->alone))
		add(o, ACT_REFUSE, one, v, told.rule, to.viewer.policy.number);
	told_end(&told);
	arena_free(a);
	return rc == RC_OK || rc == RC_DENIED || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", why.text);
}

/* --- what was said before he got it --- */

struct said_before {
	struct uuid *list;
	size_t count, room;
	struct arena *a;
};

static bool note_said(void *ctx, const struct record *r)
{
	struct said_before *s = ctx;
	if (r->number == 0 || r->erased)
		return true;
	if (s->count == s->room) {
		struct uuid *more = ARENA_ARRAY(s->a, 2 * s->room, struct uuid);
		memcpy(more, s->list, s->count * sizeof *more);
		s->list = more;
		s->room *= 2;
	}
	s->list[s->count++] = r->id;
	return true;
}

static int by_record(const void *a, const void *b)
{
	const struct version *x = a, *y = b;
	return (x->record > y->record) - (x->record < y->record);
}

/* What we said of an item of ours, and what we pass on of others, as it stands. */
static enum rc read_words(struct offering *o, struct version *v, struct err *err)
{
	struct said_before s = { .a = o->t->a, .room = 16, .list = ARENA_ARRAY(o->t->a, 16, struct uuid) };
	if (v->words_read)
		return RC_OK;
	enum rc rc = together_each(reader_conn(o->r), o->types, v->item, note_said, &s, err);
	v->words = ARENA_ARRAY(o->t->a, s.count + 1, struct version);
	for (size_t i = 0; rc == RC_OK && i < s.count; i++) {
		struct sql *q = sql(reader_conn(o->r), VERSION " WHERE r.uuid = ? AND v.version = r.version");
		struct version *w = &v->words[v->word_count];
		sql_blob(q, 1, str_mem(s.list[i].b, sizeof s.list[i].b));
		bool takes = sql_row(q) && take_version(o, q, w);
		rc = sql_end(q, err);
		if (rc == RC_OK && takes)
			rc = read_about(o, w, err);
		v->word_count += rc == RC_OK && takes;
	}
	if (v->word_count > 1)
		qsort(v->words, v->word_count, sizeof *v->words, by_record);
	v->words_read = rc == RC_OK;
	return rc;
}

/* He gets the item now: behind it what was said of it before. What is said after this version comes by itself, then he
 * has the item. */
static enum rc decide_words(struct offering *o, const struct target *one, struct version *v, struct err *err)
{
	bool had = false, offered;
	enum rc rc = read_words(o, v, err);
	for (size_t i = 0; rc == RC_OK && i < v->word_count; i++) {
		const struct version *w = &v->words[i];
		if (w->id > v->id || is_offered_now(o, one, w->record))
			continue;
		rc = was_offered(reader_conn(o->r), one, w, &had, err);
		if (rc == RC_OK && !had)
			rc = decide(o, one, w, &offered, err);
	}
	return rc;
}

static enum rc decide_all(struct offering *o, const struct targets *t, bool paused, struct version *v, struct err *err)
{
	bool offered;
	enum rc rc = RC_OK;
	for (size_t k = 0; rc == RC_OK && k < t->count; k++) {
		const struct target *one = &t->list[k];
		if (paused && one->p.active)
			continue;
		rc = decide(o, one, v, &offered, err);
		if (rc == RC_OK && offered && !one->anybody && !v->type->offer_about)
			rc = decide_words(o, one, v, err);
	}
	return rc;
}

/* --- writing it down --- */

/* The same refusal again is said once. */
static enum rc was_refused(struct conn *c, str item, str recipient, const char *rule, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT kind, rule FROM ledger WHERE item = ? AND recipient = ? ORDER BY id DESC LIMIT 1");
	sql_str(q, 1, item);
	sql_str(q, 2, recipient);
	*out = sql_row(q) && sql_col_int(q, 0) == LEDGER_REFUSED && str_eq(sql_col_str(q, 1), str_of(rule));
	return sql_end(q, err);
}

static enum rc refuse(struct tx *tx, const struct to_do *d, struct err *err)
{
	struct buf recipient = BUF_INIT(RECORD_ID_BYTES);
	bool said;
	int64_t id;
	record_id_format(&recipient, STR("partner"), &d->to->p.id);
	const struct ledger_row row = { .at_us = tx_now_us(tx), .kind = LEDGER_REFUSED, .driver = STR("sync"),
					.recipient = buf_str(&recipient), .item = d->v->item, .item_version = d->v->version,
					.policy = d->policy, .purpose = PURPOSE_HANDLING, .rule = str_of(d->rule),
					.cut = STR(""), .reference = STR(""), .words = str_of(d->rule), .covers = 1 };
	enum rc rc = was_refused(tx_conn(tx), row.item, row.recipient, d->rule, &said, err);
	if (rc == RC_OK && !said)
		rc = ledger_add(tx, &row, &id, err);
	buf_free(&recipient);
	return rc;
}

static enum rc put_one(struct tx *tx, struct offering *o, const struct to_do *d, struct err *err)
{
	const enum lane lane = lane_of_flow(str_of(d->v->flow));
	const struct entry e = { .kind = ENTRY_RECORD, .lane = lane, .first = (uint64_t)d->v->id,
				 .last = (uint64_t)d->v->id, .count = 1 };
	struct collection c;
	int64_t added;
	if (d->act == ACT_REFUSE)
		return refuse(tx, d, err);
	enum rc rc = collection_of(tx, d->to->anybody ? COLLECTION_PUBLIC : COLLECTION_OUT, d->to->p.id, d->to->p.name,
				   o->t->a, &c, err);
	if (rc != RC_OK)
		return rc;
	return d->act == ACT_OFFER ? entry_put(tx, c.id, &e, &added, err) :
				     withdraw_record(tx, c.id, lane, d->v->item, d->object, &d->why, err);
}

static enum rc put_all(struct tx *tx, void *ctx, struct err *err)
{
	struct offering *o = ctx;
	enum rc rc = o->again ? RC_OK : outbox_cursor_move(tx, STR("exchange:records"), o->from, o->upto, err);
	for (size_t i = 0; rc == RC_OK && i < o->todo_count; i++)
		rc = put_one(tx, o, &o->todo[i], err);
	return rc;
}

enum rc offer_records(struct exchange *x, struct reader *r, struct targets *t, uint64_t from, bool again, uint64_t *upto_out,
		      struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	struct offering o = { .x = x, .r = r, .t = t, .types = snapshot_table(ref), .again = again, .from = from,
			      .upto = from };
	struct targets paused = { .a = NULL };
	enum rc rc = read_versions(&o, err);
	if (rc == RC_OK && o.count && !again)
		rc = targets_load(x, r, true, &paused, err);
	/* refused after it was offered: withdrawn, and said why */
	o.todo_room = 2 * o.count * (t->count + paused.count) + 1;
	o.todo = ARENA_ARRAY(t->a, o.todo_room, struct to_do);
	for (size_t i = 0; rc == RC_OK && i < o.count; i++)
		rc = read_about(&o, &o.list[i], err);
	for (size_t i = 0; rc == RC_OK && i < o.count; i++) {
		rc = decide_all(&o, t, false, &o.list[i], err);
		/* who is not active now gets no more than what became of what he had, when he is again */
		if (rc == RC_OK)
			rc = decide_all(&o, &paused, true, &o.list[i], err);
		if (o.todo_count > TO_DO_MANY && i + 1 < o.count) { /* the rest in another job */
			o.upto = (uint64_t)o.list[i].id;
			break;
		}
	}
	if (rc == RC_OK && o.upto > from && (o.todo_count || !again))
		rc = store_write(x->w.store, put_all, &o, err);
	targets_free(&paused);
	snapshot_drop(x->w.types, ref);
	*upto_out = o.upto;
	return rc;
}
