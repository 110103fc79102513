/* SPDX-License-Identifier: Apache-2.0 */
/* An answer to an item of ours: a row of the ledger, a mark of the finding. Only who was concerned by an event, or may
 * have a record, answers to it; the same answer again changes nothing. */
#include "exchange/take_private.h"

#include "exchange/handover.h"

#include "disclosure/told_partner.h"

enum { WORDS_MOST = 2000, KEY_MOST = 100 };

static const struct said {
	str what;
	enum ledger_kind kind;
	enum finding_mark mark;    /* 0: none */
	const char *reason;        /* of the mark: says what, never whom */
} all_said[] = {
	{ STR_INIT("received"), LEDGER_RECEIPT, 0, "" },
	{ STR_INIT("told"), LEDGER_ANSWER, MARK_TOLD, "told by a partner" },
	{ STR_INIT("acknowledged"), LEDGER_ANSWER, MARK_ANSWERED, "acknowledged, by a partner" },
	{ STR_INIT("acted"), LEDGER_ANSWER, MARK_ANSWERED, "acted upon, by a partner" },
	{ STR_INIT("fixed"), LEDGER_ANSWER, MARK_ANSWERED, "fixed, by a partner" },
	{ STR_INIT("closed"), LEDGER_ANSWER, MARK_ANSWERED, "closed, by a partner" },
	{ STR_INIT("not-ours"), LEDGER_ANSWER, MARK_ANSWERED, "not theirs, by a partner" },
	{ STR_INIT("false"), LEDGER_ANSWER, MARK_ANSWERED, "said to be false, by a partner" },
	{ STR_INIT("question"), LEDGER_ANSWER, MARK_ANSWERED, "a question, by a partner" },
	{ STR_INIT("opinion"), LEDGER_ANSWER, MARK_ANSWERED, "an opinion, by a partner" },
	{ STR_INIT("comment"), LEDGER_ANSWER, 0, "" },
	{ STR_INIT("accepted"), LEDGER_ANSWER, 0, "" },
	{ STR_INIT("declined"), LEDGER_ANSWER, 0, "" },
	{ STR_INIT("knows"), LEDGER_ANSWER, 0, "" },
	{ STR_INIT("gone"), LEDGER_ANSWER, 0, "" },
	{ STR_INIT("returned"), LEDGER_ANSWER, 0, "" },
};

static const struct said *said_of(str what)
{
	for (size_t i = 0; i < COUNT_OF(all_said); i++)
		if (str_eq(what, all_said[i].what))
			return &all_said[i];
	return NULL;
}

/* --- what it is about --- */

static str finding_id(struct hash128 id, struct arena *a)
{
	return arena_fmt(a, "finding--%016llx%016llx", (unsigned long long)id.hi, (unsigned long long)id.lo);
}

static enum rc about_event(struct taking *t, struct reader *r, str item, struct take_about *out, struct err *err)
{
	enum rc rc = findings_event_finding(r, str_from(item, sizeof "event--" - 1), t->from->org, &out->finding, err);
	if (rc == RC_ABSENT)
		return RC_OK;
	out->known = out->is_finding = rc == RC_OK;
	if (rc == RC_OK)
		out->item = finding_id(out->finding, t->a);
	return rc;
}

static enum rc about_record(struct taking *t, struct reader *r, str item, struct take_about *out, struct err *err)
{
	struct told_to to;
	struct told told = { .rule = "" };
	enum rc rc = told_partner(r, t->x->w.policies, t->from->organisation, t->feed, t->from->exercise, &to, err);
	if (rc == RC_OK)
		rc = told_item(r, t->types, &to, item, 0, t->a, &told, err);
	if (rc == RC_OK)
		told_end(&told);
	out->known = rc == RC_OK;
	out->item = item;
	return rc == RC_ABSENT || rc == RC_DENIED || rc == RC_INPUT ? RC_OK : rc;
}

/* Of one that people of a partner say something about: ours, of which a version was offered to him, or his own, of which a
 * copy is here. The words of a refusal are the same whether it is somewhere here or not. */
static enum rc about_shared(struct taking *t, struct conn *c, str item, struct take_about *out, struct err *err)
{
	struct shared_item s;
	int64_t since_us = 0;
	out->item = item;
	enum rc rc = shared_load(c, t->types, t->us, item, t->a, &s, err);
	if (rc == RC_OK && s.known && s.ours)
		rc = shared_offered(c, s.row, t->from->id, &since_us, err);
	if (rc != RC_OK || !s.known)
		return rc;
	out->theirs = !s.ours && str_eq_nocase(s.r.origin, t->node);
	out->known = out->theirs || since_us > 0;
	return RC_OK;
}

/* What a contribution is about stands in its body; of other records: nothing. */
static str about_of_record(struct taking *t, const struct stix_object *o, bool *says)
{
	struct uuid id;
	str type, about = STR("");
	struct json_object *root = NULL;
	if (!record_id_parse(o->item, &type, &id))
		return about;
	const struct type *of = types_find(t->types, type);
	*says = together_type(of);
	const struct meaning *m = of ? type_meaning(of, STR("contribution.about")) : NULL;
	if (!m || !m->field || json_read(o->text, &root, NULL) != RC_OK)
		return about;
	about = arena_str(t->a, json_get_str(json_get(root, "body"), m->field->name));
	json_free(root);
	return about;
}

enum rc take_answer_about(struct taking *t, struct reader *r, size_t i, struct take_about *out, struct err *err)
{
	const struct stix_object *o = &t->list[i];
	bool says = false;
	str item = o->what == STIX_OUR_RECORD ? about_of_record(t, o, &says) : o->item, type;
	struct uuid id;
	*out = (struct take_about){ .says = says };
	if (str_starts(item, STR("event--")))
		return t->from->org ? about_event(t, r, item, out, err) : RC_OK;
	if (says)
		return about_shared(t, reader_conn(r), item, out, err);
	return record_id_parse(item, &type, &id) ? about_record(t, r, item, out, err) : RC_OK;
}

enum rc take_about_now(struct tx *tx, struct taking *t, struct take_about *about, struct err *err)
{
	struct uuid id;
	str type;
	return about->says && !about->known && record_id_parse(about->item, &type, &id) ?
		       about_shared(t, tx_conn(tx), about->item, about, err) : RC_OK;
}

/* --- taking it --- */

/* True the first time. */
static enum rc is_new(struct tx *tx, struct taking *t, str id, bool *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO taken_answer (partner, id) VALUES (?, ?)");
	sql_blob(q, 1, str_mem(t->from->id.b, sizeof t->from->id.b));
	sql_str(q, 2, id);
	enum rc rc = sql_run(q, err);
	*out = rc == RC_OK && sql_changes(tx_conn(tx)) == 1;
	return rc;
}

static str words_of(const struct said *s, str words, struct arena *a)
{
	words = str_head(words, WORDS_MOST);
	while (words.n > 0 && !str_is_utf8(words))
		words.n--;
	return words.n > 0 ? arena_fmt(a, STR_FMT ": " STR_FMT, STR_ARG(s->what), STR_ARG(words)) : s->what;
}

static enum rc put(struct tx *tx, struct taking *t, const struct stix_object *o, const struct said *s,
		   const struct take_about *about, str words, struct err *err)
{
	const struct ledger_row row = { .kind = s->kind, .driver = STR("sync"), .recipient = t->actor, .item = about->item,
					.purpose = PURPOSE_HANDLING, .policy = policies_number(t->x->w.policies),
					.rule = STR("answered by who was told"), .cut = STR(""), .reference = o->id,
					.words = words, .covers = 1 };
	enum rc rc = ledger_add(tx, &row, NULL, err);
	if (rc != RC_OK || !about->is_finding || !s->mark)
		return rc;
	rc = findings_mark(tx, about->finding, s->mark, str_of(s->reason), t->actor, err);
	return rc == RC_ABSENT ? RC_OK : rc; /* forgotten meanwhile */
}

enum rc take_answer(struct tx *tx, struct taking *t, size_t i, const struct take_about *about, struct arena *a,
		    struct err *err)
{
	const struct stix_object *o = &t->list[i];
	struct json_object *answer = NULL;
	bool fresh = false;
	if (!about->known)
		return fail(err, RC_DENIED, "it answers to nothing that you were told");
	enum rc rc = json_read(o->text, &answer, err);
	const struct said *s = rc == RC_OK ? said_of(json_get_str(answer, "what")) : NULL;
	if (rc == RC_OK && (!s || o->id.n > KEY_MOST))
		rc = fail(err, RC_INPUT, "it does not say what became of it");
	if (rc == RC_OK && !str_eq_nocase(json_get_str(answer, "origin"), t->us))
		rc = fail(err, RC_DENIED, "it answers to an item of another node");
	if (rc == RC_OK)
		rc = is_new(tx, t, o->id, &fresh, err);
	if (rc == RC_OK && fresh)
		rc = put(tx, t, o, s, about, words_of(s, json_get_str(answer, "words"), a), err);
	json_free(answer);
	return rc;
}

/* --- in words --- */

/* Who of two sides may say what: the origin passes on what others said, everybody else speaks for himself; nobody marks
 * it looser than its item. */
static enum rc may_say(const struct word *w, const struct record *copy, const struct shared_item *s, bool theirs, struct err *err)
{
	if (!theirs && (w->others || w->said_by.n > 0))
		return fail(err, RC_DENIED, "only the team an item comes from says what another team said of it");
	if (s->r.labels.tlp < TLP_COUNT && copy->labels.tlp < s->r.labels.tlp)
		return fail(err, RC_DENIED, "it is marked looser than the item it is about: that is TLP:%s",
			    tlp_name(s->r.labels.tlp));
	return RC_OK;
}

/* In the ledger, and with the others who have the item. */
static enum rc about_ours(struct tx *tx, struct taking *t, const struct stix_object *o, const struct take_about *about,
			  const struct record *copy, const struct word *w, const struct shared_item *s, struct arena *a,
			  struct err *err)
{
	const struct said *said = said_of(w->what);
	bool fresh = false;
	enum rc rc = RC_OK;
	if (said)
		rc = is_new(tx, t, arena_fmt(a, STR_FMT " %llu", STR_ARG(o->item), (unsigned long long)copy->version), &fresh,
			    err);
	if (rc == RC_OK && fresh)
		rc = put(tx, t, o, said, about, words_of(said, w->text, a), err);
	if (rc != RC_OK || about->is_finding)
		return rc;
	rc = team_handover_taken(tx, t->x, t->types, t->from, copy, w, s, a, err);
	return rc == RC_OK ? together_pass_on(tx, t->x, t->from, copy, a, err) : rc;
}

enum rc take_contribution(struct tx *tx, struct taking *t, size_t i, const struct take_about *about,
			  const struct record *copy, struct arena *a, struct err *err)
{
	const struct stix_object *o = &t->list[i];
	struct shared_item s = { .known = false };
	struct word w;
	int64_t link;
	enum rc rc = word_read(copy, a, &w, err);
	if (rc == RC_OK && !about->is_finding)
		rc = shared_load(tx_conn(tx), t->types, t->us, about->item, a, &s, err);
	if (rc == RC_OK && !about->is_finding)
		rc = may_say(&w, copy, &s, about->theirs, err);
	if (rc == RC_OK && !about->theirs)
		rc = about_ours(tx, t, o, about, copy, &w, &s, a, err);
	if (rc == RC_OK && about->theirs)
		rc = team_handover_over(tx, t->x, t->types, copy, &w, a, err);
	return rc == RC_OK ? record_link(tx, t->x->w.records, o->item, STR("answers"), about->item, t->actor, STR(""), &link, err) :
			     rc;
}
