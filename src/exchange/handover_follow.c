/* SPDX-License-Identifier: Apache-2.0 */
/* Handing an item over: what follows from what was said, inside the job that says it. */
#include "exchange/handover_private.h"

#include <json-c/json.h>

#include "base/json.h"
#include "record/outbox.h"

#define LAPSE_EVERY_US (2 * SECOND_US)
#define CONTINUES STR("continues")
#define OVER "the offer was over before our answer came: what we made of it is closed"

struct uuid handover_own_id(str us, str offer)
{
	struct buf b = BUF_INIT(200);
	buf_fmt(&b, "taken over by offer " STR_FMT, STR_ARG(offer));
	const struct uuid id = together_passed_id(us, buf_str(&b));
	buf_free(&b);
	return id;
}

/* --- what people are told --- */

static enum rc tell(struct tx *tx, struct exchange *x, str item, str said, const char *words, struct arena *a, struct err *err)
{
	struct buf details = BUF_INIT(KIB(4));
	struct json_out j = json_out(&details);
	json_open(&j, '{');
	json_put_str(&j, "words", str_of(words));
	json_close(&j, '}');
	const struct message m = { .lane = LANE_INCIDENT, .driver = STR("notice"), .recipient = STR("role:duty"), .item = item,
				   .template = STR("handover.said"), .details = buf_str(&details), .purpose = PURPOSE_HANDLING,
				   .policy = policies_number(x->w.policies),
				   .maker = arena_fmt(a, "handover:" STR_FMT, STR_ARG(said)), .made_at = 1 };
	enum rc rc = outbox_put(tx, &m, NULL, 0, NULL, err);
	buf_free(&details);
	return rc;
}

/* --- with who accepts --- */

struct replies {
	struct arena *a;
	str us, offer;
	const struct record *now;
	bool answered;
};

static bool look_at_reply(void *ctx, const struct record *r)
{
	struct replies *k = ctx;
	struct word w;
	if (r->erased || uuid_equal(&r->id, &k->now->id) || !str_eq_nocase(r->origin, k->us) ||
	    word_read(r, k->a, &w, NULL) != RC_OK || !str_eq(w.reply_to, k->offer))
		return true;
	k->answered = str_eq(w.what, STR("accepted")) || str_eq(w.what, STR("declined"));
	return !k->answered;
}

/* The offer that this answers stands, was made to us by the item's origin, and is answered for the first time. */
static enum rc check_offer(struct tx *tx, struct exchange *x, const struct types *types, const struct record *now,
			   const struct word *w, const struct shared_item *s, struct arena *a, struct err *err)
{
	struct replies k = { .a = a, .us = store_node_id(x->w.store), .offer = w->reply_to, .now = now };
	struct shared_item offer;
	struct word said;
	enum rc rc = shared_load(tx_conn(tx), types, k.us, w->reply_to, a, &offer, err);
	if (rc != RC_OK)
		return rc;
	if (!offer.known || offer.ours || offer.r.erased || word_read(&offer.r, a, &said, NULL) != RC_OK ||
	    !str_eq(said.what, STR("offered")) || !str_eq(said.about, w->about) || !str_eq_nocase(offer.r.origin, s->r.origin))
		return fail(err, RC_INPUT, "it answers no offer to hand this over to us");
	if (offer.r.state != word_state(offer.r.type, "contribution.waits"))
		return fail(err, RC_CONFLICT, "the offer does not stand any more");
	if (said.until_us && said.until_us < tx_now_us(tx))
		return fail(err, RC_CONFLICT, "the time for an answer is over");
	rc = together_each(tx_conn(tx), types, w->about, look_at_reply, &k, err);
	return rc == RC_OK && k.answered ? fail(err, RC_CONFLICT, "the offer was answered already") : rc;
}

/* References are to records of the other node; files, sealed and secret fields did not come along. */
static bool is_kept(const struct type_field *f)
{
	return f->kind != KIND_REFERENCE && f->kind != KIND_PERSON && f->kind != KIND_FILE && f->kind != KIND_SECRET &&
	       f->share < SHARE_NAMED;
}

static enum rc own_fields(const struct record *copy, struct arena *a, str *out, struct err *err)
{
	struct json_object *body = NULL, *own = json_object_new_object();
	enum rc rc = json_read(copy->body, &body, err);
	for (size_t i = 0; rc == RC_OK && i < copy->type->field_count; i++) {
		const struct type_field *f = &copy->type->fields[i];
		struct json_object *value = json_get(body, f->name);
		if (value && is_kept(f))
			json_object_object_add(own, f->name, json_object_get(value));
	}
	*out = arena_str(a, str_of(json_object_to_json_string_ext(own, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
	json_free(body);
	json_free(own);
	return rc;
}

static str labels_text(const struct labels_of *l, struct arena *a)
{
	return arena_fmt(a, "{\"tlp\":\"%s\"%s}", tlp_name(l->tlp < TLP_COUNT ? l->tlp : TLP_RED),
			 l->exercise ? ",\"exercise\":true" : "");
}

static enum rc make_own(struct tx *tx, struct exchange *x, const struct record *now, const struct word *w,
			const struct shared_item *s, struct arena *a, struct err *err)
{
	struct handover_type h;
	struct record own;
	str fields;
	int64_t link;
	if (!handover_type_of(s->r.type, &h))
		return fail(err, RC_INPUT, "records of this type are not handed over");
	enum rc rc = own_fields(&s->r, a, &fields, err);
	const struct record_change c = { .type = s->r.type, .new_id = handover_own_id(store_node_id(x->w.store), w->reply_to),
					 .fields = fields, .to_state = h.work, .labels = labels_text(&s->r.labels, a),
					 .actor = now->author };
	if (rc == RC_OK)
		rc = record_put(tx, x->w.records, &c, a, &own, NULL, 0, NULL, err);
	return rc == RC_OK ? record_link(tx, x->w.records, together_record_id(&own, a), CONTINUES, s->item, now->author,
					 STR("taken over"), &link, err) :
			     rc;
}

enum rc team_handover_said(struct tx *tx, struct exchange *x, const struct types *types, const struct record *before,
			   const struct record *now, const struct word *w, const struct shared_item *s, struct arena *a,
			   struct err *err)
{
	const bool accepts = str_eq(w->what, STR("accepted"));
	if (before)
		return RC_OK;
	if (str_eq(w->what, STR("offered")) && (!s->ours || now->labels.audience_count != 1))
		return fail(err, RC_INPUT, "a hand-over is offered by the team the item comes from, to one other team");
	if (!accepts && !(str_eq(w->what, STR("declined")) && !s->ours))
		return RC_OK;
	enum rc rc = check_offer(tx, x, types, now, w, s, a, err);
	return rc == RC_OK && accepts ? make_own(tx, x, now, w, s, a, err) : rc;
}

/* --- at its origin --- */

static bool is_invited(const struct record *offer, const struct partner *p)
{
	for (size_t i = 0; i < offer->labels.audience_count; i++)
		if (uuid_equal(&offer->labels.audience[i], &p->organisation))
			return true;
	return false;
}

static enum rc move(struct tx *tx, struct exchange *x, const struct record *r, str fields, int to, str why, struct arena *a,
		    struct err *err)
{
	struct record out;
	bool may = to >= 0 && r->state >= 0 && type_move(r->type, (unsigned)r->state, (unsigned)to);
	const struct record_change c = { .type = r->type, .id = r->id, .fields = fields, .to_state = may ? to : -1, .why = why,
					 .actor = STR("node") };
	return record_put(tx, x->w.records, &c, a, &out, NULL, 0, NULL, err);
}

/* Over before his answer came (taken back, lapsed): he is told so, once. */
static enum rc too_late(struct tx *tx, struct exchange *x, const struct record *said, const struct record *offer,
			const struct shared_item *s, struct arena *a, struct err *err)
{
	const struct type *t = offer->type;
	str answer = together_record_id(said, a), words = STR("The offer was over before this answer came.");
	struct buf b = BUF_INIT(KIB(2)), audience = BUF_INIT(RECORD_ID_BYTES);
	struct json_out j = json_out(&b);
	struct record out;
	struct err why = { 0 };
	json_open(&j, '{');
	json_put_str(&j, t->title->name, STR("Hand-over declined"));
	json_put_str(&j, together_field(t, "contribution.about")->name, s->item);
	json_put_str(&j, together_field(t, "contribution.what")->name, STR("declined"));
	if (together_field(t, "contribution.words"))
		json_put_str(&j, together_field(t, "contribution.words")->name, words);
	if (together_field(t, "contribution.reply"))
		json_put_str(&j, together_field(t, "contribution.reply")->name, answer);
	json_close(&j, '}');
	record_id_format(&audience, STR("organisation"), &offer->labels.audience[0]);
	const struct record_change c = { .type = t, .new_id = together_passed_id(store_node_id(x->w.store), arena_fmt(a,
							     "too late: " STR_FMT, STR_ARG(answer))),
					 .fields = arena_str(a, buf_str(&b)), .to_state = -1, .actor = STR("node"),
					 .labels = arena_fmt(a, "{\"tlp\":\"%s\",\"audience\":[\"" STR_FMT "\"]%s}",
							     tlp_name(offer->labels.tlp), STR_ARG(buf_str(&audience)),
							     offer->labels.exercise ? ",\"exercise\":true" : "") };
	enum rc rc = record_put(tx, x->w.records, &c, a, &out, NULL, 0, NULL, &why);
	buf_free(&b);
	buf_free(&audience);
	if (rc == RC_CONFLICT) /* said before */
		return RC_OK;
	return rc == RC_OK ? tell(tx, x, s->item, answer, "a team accepted the hand-over when the offer was over: it is told so", a,
				  err) :
			     fail(err, rc, "%s", why.text);
}

static enum rc put_handler(struct tx *tx, struct exchange *x, const struct partner *from, const struct shared_item *s,
			   struct arena *a, struct err *err)
{
	struct handover_type h;
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	if (!handover_type_of(s->r.type, &h))
		return RC_OK;
	record_id_format(&id, STR("organisation"), &from->organisation);
	str fields = arena_fmt(a, "{\"%s\":\"" STR_FMT "\"}", h.by->name, STR_ARG(buf_str(&id)));
	buf_free(&id);
	return move(tx, x, &s->r, fields, h.waits, arena_fmt(a, "handed over to " STR_FMT, STR_ARG(from->name)), a, err);
}

static enum rc answered(struct tx *tx, struct exchange *x, const struct types *types, const struct partner *from,
			const struct record *said, const struct word *w, const struct shared_item *s, struct arena *a,
			struct err *err)
{
	const bool accepts = str_eq(w->what, STR("accepted"));
	struct shared_item offer;
	struct word offered;
	enum rc rc = shared_load(tx_conn(tx), types, store_node_id(x->w.store), w->reply_to, a, &offer, err);
	if (rc != RC_OK)
		return rc;
	if (!offer.known || !offer.ours || word_read(&offer.r, a, &offered, NULL) != RC_OK ||
	    !str_eq(offered.what, STR("offered")) || !str_eq(offered.about, w->about) || !is_invited(&offer.r, from))
		return fail(err, RC_DENIED, "no hand-over of it was offered to you");
	if (offer.r.state == word_state(offer.r.type, "contribution.answered"))
		return RC_OK; /* a later version of the same answer */
	if (offer.r.state != word_state(offer.r.type, "contribution.waits"))
		return accepts ? too_late(tx, x, said, &offer.r, s, a, err) : RC_OK;
	rc = move(tx, x, &offer.r, STR_NONE, word_state(offer.r.type, "contribution.answered"), STR("answered"), a, err);
	if (rc == RC_OK && accepts)
		rc = put_handler(tx, x, from, s, a, err);
	return rc == RC_OK ? tell(tx, x, s->item, together_record_id(said, a), accepts ? "the hand-over was accepted" :
						 "the hand-over was declined", a, err) :
			     rc;
}

/* Who handles it has closed it: it is with us again, to be closed or gone on with. */
static enum rc handler_closed(struct tx *tx, struct exchange *x, const struct partner *from, const struct record *said,
			      const struct shared_item *s, struct arena *a, struct err *err)
{
	struct handover_type h;
	struct json_object *body = NULL;
	struct uuid by;
	str type;
	if (!handover_type_of(s->r.type, &h) || s->r.state != h.waits)
		return RC_OK;
	enum rc rc = json_read(s->r.body, &body, err);
	bool his = rc == RC_OK && record_id_parse(json_get_str(body, h.by->name), &type, &by) &&
		   uuid_equal(&by, &from->organisation);
	json_free(body);
	if (rc != RC_OK || !his)
		return rc;
	rc = move(tx, x, &s->r, STR_NONE, h.work, arena_fmt(a, STR_FMT " closed it", STR_ARG(from->name)), a, err);
	return rc == RC_OK ? tell(tx, x, s->item, together_record_id(said, a), "the team that took it over has closed it", a, err) :
			     rc;
}

enum rc team_handover_taken(struct tx *tx, struct exchange *x, const struct types *types, const struct partner *from,
			    const struct record *said, const struct word *w, const struct shared_item *s, struct arena *a,
			    struct err *err)
{
	if (said->state == word_state(said->type, "contribution.withdrawn"))
		return RC_OK;
	if (str_eq(w->what, STR("offered")))
		return fail(err, RC_DENIED, "only the team an item comes from hands it over");
	if (str_eq(w->what, STR("accepted")) || str_eq(w->what, STR("declined")))
		return answered(tx, x, types, from, said, w, s, a, err);
	return str_eq(w->what, STR("closed")) ? handler_closed(tx, x, from, said, s, a, err) : RC_OK;
}

/* --- with who accepted too late --- */

/* What we made of it when we accepted, while its origin had ended the offer already. */
static enum rc find_own(struct tx *tx, struct exchange *x, const struct types *types, const struct word *w, struct arena *a,
			struct record *own, bool *is, struct err *err)
{
	struct shared_item answer, offer;
	struct word said;
	struct err none = { 0 };
	str us = store_node_id(x->w.store);
	*is = false;
	enum rc rc = shared_load(tx_conn(tx), types, us, w->reply_to, a, &answer, err);
	if (rc != RC_OK || !answer.known || !answer.ours || word_read(&answer.r, a, &said, NULL) != RC_OK ||
	    !str_eq(said.what, STR("accepted")) || !str_eq(said.about, w->about))
		return rc;
	rc = shared_load(tx_conn(tx), types, us, said.reply_to, a, &offer, err);
	if (rc != RC_OK || !offer.known || offer.ours || !offer.r.type ||
	    (offer.r.state != word_state(offer.r.type, "contribution.taken-back") &&
	     offer.r.state != word_state(offer.r.type, "contribution.lapsed")))
		return rc;
	rc = record_load(tx_conn(tx), types, handover_own_id(us, said.reply_to), a, own, &none);
	*is = rc == RC_OK && !own->erased && own->type && own->state >= 0 && !own->type->states[own->state].closed;
	return rc == RC_OK || rc == RC_ABSENT ? RC_OK : fail(err, rc, "%s", none.text);
}

enum rc team_handover_over(struct tx *tx, struct exchange *x, const struct types *types, const struct record *said,
			   const struct word *w, struct arena *a, struct err *err)
{
	struct handover_type h;
	struct record own;
	bool is = false;
	if (!str_eq(w->what, STR("declined")) || w->reply_to.n == 0 ||
	    said->state == word_state(said->type, "contribution.withdrawn"))
		return RC_OK;
	enum rc rc = find_own(tx, x, types, w, a, &own, &is, err);
	if (rc != RC_OK || !is || !handover_type_of(own.type, &h) || h.ends < 0)
		return rc;
	/* from where it waits the way leads over where it is worked on */
	if (!type_move(own.type, (unsigned)own.state, (unsigned)h.ends) && type_move(own.type, (unsigned)own.state, (unsigned)h.work)) {
		rc = move(tx, x, &own, STR_NONE, h.work, STR(OVER), a, err);
		own.state = h.work;
	}
	str fields = h.outcome ? arena_fmt(a, "{\"%s\":\"The offer was over before this was taken over.\"}", h.outcome->name) :
				 STR_NONE;
	if (rc == RC_OK)
		rc = move(tx, x, &own, fields, h.ends, STR(OVER), a, err);
	return rc == RC_OK ? tell(tx, x, together_record_id(&own, a), together_record_id(said, a), OVER, a, err) : rc;
}

/* --- what becomes of what was taken over --- */

struct continued {
	str id, copy;
	struct arena *a;
};

static bool is_continued(void *ctx, const struct record_link *l)
{
	struct continued *k = ctx;
	if (!str_eq(l->kind, CONTINUES) || !str_eq(l->from, k->id))
		return true;
	k->copy = arena_str(k->a, l->to);
	return false;
}

static enum rc say_state(struct tx *tx, struct exchange *x, const struct types *types, const struct record *now, str copy,
			 struct arena *a, struct err *err)
{
	const struct type *t = together_type_find(types);
	const struct state *state = &now->type->states[now->state];
	const struct type_field *alone = together_field(t, "contribution.alone");
	/* one that ends because its offer was over is no end of the origin's: only the origin hears of it */
	const bool over = str_eq(now->why, STR(OVER)) && str_eq(now->author, STR("node"));
	struct handover_type h;
	struct shared_item s;
	struct record out;
	struct json_object *body = NULL;
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	enum rc rc = shared_load(tx_conn(tx), types, store_node_id(x->w.store), copy, a, &s, err);
	if (rc == RC_OK && s.known && !s.ours && !s.r.erased && t && t->title && handover_type_of(now->type, &h))
		rc = json_read(now->body, &body, err);
	if (rc != RC_OK || !body) {
		buf_free(&b);
		return rc;
	}
	str outcome = h.outcome && h.outcome->share <= SHARE_PARTY ? json_get_str(body, h.outcome->name) : STR("");
	json_open(&j, '{');
	json_put_str(&j, t->title->name, str_of(words_in(state->label, STR("en"))));
	json_put_str(&j, together_field(t, "contribution.about")->name, copy);
	json_put_str(&j, together_field(t, "contribution.what")->name, state->closed && !over ? STR("closed") : STR("acted"));
	if (together_field(t, "contribution.words") && state->closed && outcome.n)
		json_put_str(&j, together_field(t, "contribution.words")->name, outcome);
	if (alone && over)
		json_put_bool(&j, alone->name, true);
	json_close(&j, '}');
	const struct labels_of *stricter = now->labels.tlp > s.r.labels.tlp ? &now->labels : &s.r.labels;
	const struct record_change c = { .type = t, .fields = arena_str(a, buf_str(&b)), .to_state = -1, .actor = now->author,
					 .labels = labels_text(stricter, a) };
	rc = record_put(tx, x->w.records, &c, a, &out, NULL, 0, NULL, err);
	json_free(body);
	buf_free(&b);
	return rc;
}

/* The origin is told of each move of what was taken over from it. */
static enum rc item_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before, const struct record *now,
			    struct err *err)
{
	struct exchange *x = ctx;
	struct handover_type h;
	(void)r;
	if (!before || now->erased || now->state < 0 || before->state == now->state || !handover_type_of(now->type, &h) ||
	    !str_eq_nocase(now->origin, store_node_id(x->w.store)))
		return RC_OK;
	struct arena *a = arena_new(KIB(8));
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	struct continued k = { .id = together_record_id(now, a), .a = a };
	struct err why = { 0 };
	enum rc rc = record_links(tx_conn(tx), k.id, 0, is_continued, &k, &why);
	if (rc == RC_OK && k.copy.n)
		rc = say_state(tx, x, snapshot_table(ref), now, k.copy, a, &why);
	snapshot_drop(x->w.types, ref);
	arena_free(a);
	return rc == RC_OK ? rc : fail(err, rc, "%s", why.text);
}

/* --- nobody answers --- */

struct lapsing {
	struct exchange *x;
	struct arena *a;
	int64_t now_us;
	struct uuid found;
	bool is;
};

static bool is_over(void *ctx, const struct record *r)
{
	struct lapsing *k = ctx;
	struct word w;
	k->is = !r->erased && str_eq_nocase(r->origin, store_node_id(k->x->w.store)) && word_read(r, k->a, &w, NULL) == RC_OK &&
		str_eq(w.what, STR("offered")) && w.until_us && w.until_us < k->now_us;
	k->found = r->id;
	return !k->is;
}

static enum rc find_over(struct lapsing *k, struct conn *c, const struct types *types, struct err *err)
{
	struct record_query q = { .type = together_type_find(types), .tlp_mask = UINT32_MAX, .exercise = true, .with_body = true };
	const int waits = q.type ? word_state(q.type, "contribution.waits") : -1;
	if (waits < 0)
		return RC_OK;
	q.states = UINT64_C(1) << waits;
	return record_list(c, types, &q, is_over, k, err);
}

static enum rc lapse_job(struct tx *tx, void *ctx, struct err *err)
{
	struct lapsing *k = ctx;
	struct snapshot_ref *ref = snapshot_hold(k->x->w.types);
	struct record offer;
	enum rc rc = record_load(tx_conn(tx), snapshot_table(ref), k->found, k->a, &offer, err);
	if (rc == RC_OK && offer.state == word_state(offer.type, "contribution.waits"))
		rc = move(tx, k->x, &offer, STR_NONE, word_state(offer.type, "contribution.lapsed"), STR("nobody answered in time"),
			  k->a, err);
	snapshot_drop(k->x->w.types, ref);
	return rc;
}

static enum rc lapse(struct store *s, void *ctx, bool *did_out, struct err *err)
{
	struct exchange *x = ctx;
	struct lapsing k = { .x = x, .now_us = clock_now_us() };
	struct reader *r = NULL;
	*did_out = false;
	if (store_read_only(s) || (x->lapse_looked_us <= k.now_us && k.now_us < x->lapse_looked_us + LAPSE_EVERY_US))
		return RC_OK;
	x->lapse_looked_us = k.now_us;
	k.a = arena_new(KIB(4));
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	enum rc rc = store_read_begin(s, &r, err);
	if (rc == RC_OK)
		rc = find_over(&k, reader_conn(r), snapshot_table(ref), err);
	if (r)
		store_read_end(r);
	snapshot_drop(x->w.types, ref);
	if (rc == RC_OK && k.is)
		rc = store_write(s, lapse_job, &k, err);
	*did_out = rc == RC_OK && k.is;
	if (*did_out)
		x->lapse_looked_us = 0; /* there may be more */
	arena_free(k.a);
	return rc;
}

enum rc team_handover_open(struct exchange *x, struct err *err)
{
	const struct record_hook hook = { .changed = item_changed, .ctx = x };
	(void)err;
	records_add_hook(x->w.records, &hook);
	store_add_tend(x->w.store, lapse, x);
	return RC_OK;
}
