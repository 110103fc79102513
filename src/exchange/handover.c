/* SPDX-License-Identifier: Apache-2.0 */
/* Handing an item over: what people do. What follows inside jobs: handover_follow.c. */
#include "exchange/handover_private.h"

#include <json-c/json.h>

#include "base/json.h"

/* --- the offer that stands --- */

struct looking {
	struct arena *a;
	struct handover_found *out;
	bool ours;
	str us;
	struct err *err;
};

static bool look_at(void *ctx, const struct record *r)
{
	struct looking *k = ctx;
	struct word w;
	const int waits = word_state(r->type, "contribution.waits");
	if (r->erased || waits < 0 || r->state != waits || str_eq_nocase(r->origin, k->us) != k->ours ||
	    word_read(r, k->a, &w, NULL) != RC_OK || !str_eq(w.what, STR("offered")))
		return true;
	*k->out = (struct handover_found){ .is = true, .id = r->id, .type = r->type, .until_us = w.until_us };
	return false;
}

enum rc handover_find(struct conn *c, struct exchange *x, const struct types *t, str item, bool ours, struct arena *a,
		      struct handover_found *out, struct err *err)
{
	struct looking k = { .a = a, .out = out, .ours = ours, .us = store_node_id(x->w.store), .err = err };
	*out = (struct handover_found){ .is = false };
	return together_each(c, t, item, look_at, &k, err);
}

bool handover_type_of(const struct type *t, struct handover_type *out)
{
	*out = (struct handover_type){ .by = together_field(t, "handover.by"), .outcome = together_field(t, "handover.outcome") };
	out->waits = t ? word_state(t, "handover.waits") : -1;
	out->work = t ? word_state(t, "handover.work") : -1;
	out->ends = t ? word_state(t, "handover.ends") : -1;
	return out->by && out->waits >= 0 && out->work >= 0;
}

/* --- acting --- */

struct acting {
	struct exchange *x;
	const struct viewer *v;
	struct arena *a;
	const struct types *types;
	const struct type *type;   /* of contributions */
	str item, fields, labels, why, to_state;
	bool offers;
	str id;                    /* of what was said */
};

static enum rc change(struct tx *tx, const struct acting *k, const struct change_request *q, str *id_out, struct err *err)
{
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	enum rc rc = change_record_tx(tx, k->x->w.records, k->v, q, k->a, &view, &errors, err);
	if (rc == RC_OK && id_out)
		*id_out = record_view_id(&view, k->a);
	record_view_end(&view);
	return rc;
}

static enum rc say_job(struct tx *tx, void *ctx, struct err *err)
{
	struct acting *k = ctx;
	struct handover_found standing;
	const struct change_request q = { .type = str_of(k->type->name), .fields = k->fields, .labels = k->labels };
	enum rc rc = RC_OK;
	if (k->offers)
		rc = handover_find(tx_conn(tx), k->x, k->types, k->item, true, k->a, &standing, err);
	if (rc == RC_OK && k->offers && standing.is)
		return fail(err, RC_CONFLICT, "it is offered to a team already: take that back first");
	if (rc == RC_OK)
		rc = change(tx, k, &q, &k->id, err);
	if (rc != RC_OK || !k->to_state.n)
		return rc;
	const struct change_request waits = { .id = k->id, .to_state = k->to_state };
	return change(tx, k, &waits, NULL, err);
}

static enum rc move_job(struct tx *tx, void *ctx, struct err *err)
{
	struct acting *k = ctx;
	const struct change_request q = { .id = k->id, .to_state = k->to_state, .why = k->why };
	return change(tx, k, &q, NULL, err);
}

static enum rc run(struct acting *k, store_job_fn job, struct err *err)
{
	struct err why = { 0 };
	enum rc rc = store_write(k->x->w.store, job, k, &why);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(k->x->w.records, k->x->w.store, k->v, k->item, str_of(why.text));
	return rc == RC_OK ? rc : fail(err, rc, "%s", why.text);
}

static void put(struct json_out *j, const struct acting *k, const char *meaning, str value)
{
	const struct type_field *f = together_field(k->type, meaning);
	if (f && value.n)
		json_put_str(j, f->name, value);
}

/* In lists; the names of teams do not stand in it. */
static str title_of(const struct acting *k, str what)
{
	const struct type_field *f = together_field(k->type, "contribution.what");
	for (size_t i = 0; i < f->choice_count; i++)
		if (str_eq(what, str_of(f->choices[i].name)))
			return str_of(words_in(f->choices[i].label, STR("en")));
	return what;
}

static void make_fields(struct acting *k, str what, str reply, str until)
{
	struct buf b = BUF_INIT(KIB(64));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	if (k->type->title)
		json_put_str(&j, k->type->title->name, title_of(k, what));
	put(&j, k, "contribution.about", k->item);
	put(&j, k, "contribution.what", what);
	put(&j, k, "contribution.words", k->why);
	put(&j, k, "contribution.reply", reply);
	put(&j, k, "contribution.until", until);
	json_close(&j, '}');
	k->fields = arena_str(k->a, buf_str(&b));
	buf_free(&b);
}

static void make_labels(struct acting *k, const struct labels_of *l, const struct uuid *audience)
{
	struct buf b = BUF_INIT(400), id = BUF_INIT(RECORD_ID_BYTES);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "tlp", str_of(tlp_name(l->tlp < TLP_COUNT ? l->tlp : TLP_RED)));
	if (audience) {
		json_key(&j, STR("audience"));
		json_open(&j, '[');
		record_id_format(&id, STR("organisation"), audience);
		json_str(&j, buf_str(&id));
		json_close(&j, ']');
	}
	if (l->exercise)
		json_put_bool(&j, "exercise", true);
	json_close(&j, '}');
	k->labels = arena_str(k->a, buf_str(&b));
	buf_free(&b);
	buf_free(&id);
}

/* --- offering --- */

static enum rc check_item(struct acting *k, struct reader *r, const struct record_view *v, const struct partner *to, struct err *err)
{
	struct handover_type h;
	struct shared_item s;
	int64_t since_us = 0;
	if (!handover_type_of(record_view_type(v), &h))
		return fail(err, RC_INPUT, "records of this type are not handed over");
	enum rc rc = shared_load(reader_conn(r), k->types, store_node_id(k->x->w.store), k->item, k->a, &s, err);
	if (rc != RC_OK)
		return rc;
	if (!s.ours)
		return fail(err, RC_DENIED, "it belongs to another team: only that team hands it over");
	/* whose it was stays written there when it came back */
	if (json_get_str(v->body, h.by->name).n > 0 && record_view_state(v) == h.waits)
		return fail(err, RC_CONFLICT, "another team handles it already");
	if (record_view_state(v) != h.work && !type_move(record_view_type(v), (unsigned)record_view_state(v), (unsigned)h.waits))
		return fail(err, RC_INPUT, "in this state it cannot be handed over");
	if (uuid_is_zero(&to->organisation))
		return fail(err, RC_INPUT, "the record of partner '" STR_FMT "' does not say whose node it is", STR_ARG(to->name));
	rc = shared_offered(reader_conn(r), s.row, to->id, &since_us, err);
	if (rc == RC_OK && since_us == 0)
		rc = fail(err, RC_ABSENT, "'" STR_FMT "' does not have it: what it cannot see it cannot take over", STR_ARG(to->name));
	return rc;
}

static enum rc until_of(const struct team_offer *q, struct arena *a, str *out, struct err *err)
{
	int64_t us = clock_now_us() + DAY_US;
	char text[40];
	if (q->until.n && !time_parse(q->until, true, &us))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no time", STR_ARG(str_head(q->until, 60)));
	if (us <= clock_now_us())
		return fail(err, RC_INPUT, "the time for an answer is over already");
	*out = arena_str(a, time_str(text, us));
	return RC_OK;
}

static enum rc begin(struct acting *k, struct reader **r, str item, struct record_view *v, struct err *err)
{
	k->type = together_type_find(k->types);
	if (!k->type || word_state(k->type, "contribution.waits") < 0 || word_state(k->type, "contribution.taken-back") < 0)
		return fail(err, RC_ABSENT, "no type of record here is a contribution that an item is handed over by");
	enum rc rc = store_read_begin(k->x->w.store, r, err);
	if (rc == RC_OK)
		rc = read_record(*r, k->types, k->v, item, k->a, v, err);
	if (rc == RC_OK)
		k->item = record_view_id(v, k->a);
	return rc;
}

static void end(struct acting *k, struct reader *r, struct record_view *v)
{
	record_view_end(v);
	if (r)
		store_read_end(r);
	(void)k;
}

enum rc team_handover_offer(struct exchange *x, const struct viewer *v, const struct team_offer *q, struct arena *a,
			    str *id_out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	struct acting k = { .x = x, .v = v, .a = a, .types = snapshot_table(ref), .why = q->why, .offers = true };
	struct record_view item = { 0 };
	struct reader *r = NULL;
	struct partner to;
	str until = STR("");
	enum rc rc = str_trim_all(q->why).n ? begin(&k, &r, q->item, &item, err) :
					      fail(err, RC_INPUT, "to hand it over, a reason must be given");
	if (rc == RC_OK)
		rc = partner_find(x, reader_conn(r), q->to, a, &to, err);
	if (rc == RC_OK)
		rc = check_item(&k, r, &item, &to, err);
	if (rc == RC_OK)
		rc = until_of(q, a, &until, err);
	if (rc == RC_OK) {
		make_fields(&k, STR("offered"), STR(""), until);
		make_labels(&k, record_view_labels(&item), &to.organisation);
		k.to_state = str_of(k.type->states[word_state(k.type, "contribution.waits")].name);
	}
	end(&k, r, &item);
	if (rc == RC_OK)
		rc = run(&k, say_job, err);
	*id_out = k.id;
	snapshot_drop(x->w.types, ref);
	return rc;
}

/* --- answering, taking back --- */

enum rc team_handover_answer(struct exchange *x, const struct viewer *v, str item, bool accept, str why, struct arena *a,
			     str *id_out, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	struct acting k = { .x = x, .v = v, .a = a, .types = snapshot_table(ref), .why = why };
	struct handover_found offer = { .is = false };
	struct record_view view = { 0 };
	struct reader *r = NULL;
	enum rc rc = accept || str_trim_all(why).n ? begin(&k, &r, item, &view, err) :
						     fail(err, RC_INPUT, "to decline, a reason must be given");
	if (rc == RC_OK)
		rc = handover_find(reader_conn(r), x, k.types, k.item, false, a, &offer, err);
	if (rc == RC_OK && !offer.is)
		rc = fail(err, RC_CONFLICT, "it is not offered to us, or not any more");
	str offer_id = offer.is ? together_record_id(&(const struct record){ .type_name = str_of(offer.type->name), .id = offer.id }, a) :
				  STR("");
	if (rc == RC_OK) {
		make_fields(&k, accept ? STR("accepted") : STR("declined"), offer_id, STR(""));
		make_labels(&k, record_view_labels(&view), NULL);
	}
	end(&k, r, &view);
	if (rc == RC_OK)
		rc = run(&k, say_job, err);
	*id_out = k.id;
	if (rc == RC_OK && accept) {
		const struct uuid own = handover_own_id(store_node_id(x->w.store), offer_id);
		str type = str_head(k.item, str_find(k.item, STR("--")));
		*id_out = together_record_id(&(const struct record){ .type_name = type, .id = own }, a);
	}
	snapshot_drop(x->w.types, ref);
	return rc;
}

enum rc team_handover_take_back(struct exchange *x, const struct viewer *v, str item, str why, struct arena *a, struct err *err)
{
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	struct acting k = { .x = x, .v = v, .a = a, .types = snapshot_table(ref), .why = why };
	struct handover_found offer = { .is = false };
	struct record_view view = { 0 };
	struct reader *r = NULL;
	enum rc rc = begin(&k, &r, item, &view, err);
	if (rc == RC_OK)
		rc = handover_find(reader_conn(r), x, k.types, k.item, true, a, &offer, err);
	if (rc == RC_OK && !offer.is)
		rc = fail(err, RC_CONFLICT, "no offer of it stands");
	end(&k, r, &view);
	if (rc == RC_OK) {
		k.id = together_record_id(&(const struct record){ .type_name = str_of(offer.type->name), .id = offer.id }, a);
		k.to_state = str_of(offer.type->states[word_state(offer.type, "contribution.taken-back")].name);
		rc = run(&k, move_job, err);
	}
	snapshot_drop(x->w.types, ref);
	return rc;
}
