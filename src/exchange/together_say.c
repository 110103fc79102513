/* SPDX-License-Identifier: Apache-2.0 */
/* What our own people say, how it must be, and what follows from what anybody said. */
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "exchange/exchange_private.h"
#include "exchange/handover.h"

enum { TITLE_MOST = 80, LOOKED_MOST = 1000 };

/* --- what a contribution must be like --- */

struct checking {
	struct body_error *errors;
	size_t most, *count;
	bool bad;
};

PRINTF_LIKE(3, 4) static void refuse(struct checking *k, const struct type_field *f, const char *fmt, ...)
{
	va_list ap;
	k->bad = true;
	if (!k->errors || *k->count >= k->most)
		return;
	struct body_error *e = &k->errors[(*k->count)++];
	*e = (struct body_error){ .field = f };
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
}

static void check_subject(struct checking *k, const struct record *now, const struct shared_item *s, const struct word *w)
{
	const struct type_field *about = together_field(now->type, "contribution.about");
	if (!s->known || s->r.erased || !s->r.type || (!s->r.type->offer_flow && !s->r.type->exchange))
		refuse(k, about, "there is no item '" STR_FMT "' here that teams share", STR_ARG(str_head(s->item, 80)));
	else if (now->labels.tlp < s->r.labels.tlp || s->r.labels.tlp >= TLP_COUNT)
		refuse(k, about, "what is said about an item is not marked looser than it: it is TLP:%s", tlp_name(s->r.labels.tlp));
	else if (now->labels.exercise != s->r.labels.exercise)
		refuse(k, about, "one of the two is of an exercise, the other is real");
	else if (w->others && !s->ours)
		refuse(k, together_field(now->type, "contribution.others"), "only the team it comes from says what others said");
}

static enum rc check(struct tx *tx, struct records *r, void *ctx, const struct record *before, const struct record *now,
		     str language, struct body_error *errors, size_t most, size_t *count_out, struct err *err)
{
	struct exchange *x = ctx;
	struct checking k = { .errors = errors, .most = most, .count = count_out };
	struct shared_item s;
	struct word w;
	(void)r;
	(void)language;
	*count_out = 0;
	/* of one that stands only its marking can be wrong, and only while it goes anywhere */
	if (!together_type(now->type) || now->state == word_state(now->type, "contribution.withdrawn") ||
	    (before && str_eq(before->labels.json, now->labels.json) && str_eq(before->body, now->body)))
		return RC_OK;
	struct arena *a = arena_new(KIB(8));
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	enum rc rc = word_read(now, a, &w, err);
	if (rc == RC_OK)
		rc = shared_load(tx_conn(tx), snapshot_table(ref), store_node_id(x->w.store), w.about, a, &s, err);
	if (rc == RC_OK)
		check_subject(&k, now, &s, &w);
	snapshot_drop(x->w.types, ref);
	arena_free(a);
	return rc == RC_OK && k.bad ? fail(err, RC_INPUT, "%s", errors && *count_out ? errors[0].text : "it cannot be said so") : rc;
}

/* --- what follows --- */

struct asked {
	const struct record *now;
	const struct word *word;
	str node;                  /* that the item belongs to */
	struct uuid found;
	int to;
};

struct answering {
	struct arena *a;
	struct asked k;
	str us;
};

/* One of ours that waits for this answer: it is named, or the name under which its item's origin passed it on. */
static bool is_asked(void *ctx, const struct record *r)
{
	struct answering *g = ctx;
	struct word w;
	struct uuid named;
	str type;
	if (r->erased || !str_eq_nocase(r->origin, g->us) || word_read(r, g->a, &w, NULL) != RC_OK)
		return true;
	const struct together_kind *kind = together_kind_of(w.what);
	const int to = word_state(r->type, "contribution.answered");
	if (!kind || !kind->waits || to < 0 || r->state < 0 || !type_move(r->type, (unsigned)r->state, (unsigned)to) ||
	    !record_id_parse(g->k.word->reply_to, &type, &named))
		return true;
	const struct uuid passed = together_passed_id(g->k.node, together_record_id(r, g->a));
	if (!uuid_equal(&named, &r->id) && !uuid_equal(&named, &passed))
		return true;
	g->k.found = r->id;
	g->k.to = to;
	return false;
}

/* A question of ours, also one that we pass on, is answered by this. */
static enum rc mark_answered(struct tx *tx, struct exchange *x, const struct types *types, const struct record *now,
			     const struct word *w, const struct shared_item *s, struct arena *a, struct err *err)
{
	struct answering g = { .a = a, .us = store_node_id(x->w.store),
			       .k = { .now = now, .word = w, .node = s->r.origin, .to = -1 } };
	struct record out;
	enum rc rc = together_each(tx_conn(tx), types, w->about, is_asked, &g, err);
	if (rc != RC_OK || g.k.to < 0)
		return rc;
	const struct record_change c = { .type = now->type, .id = g.k.found, .to_state = g.k.to, .actor = STR("node"),
					 .why = STR("answered") };
	return record_put(tx, x->w.records, &c, a, &out, NULL, 0, NULL, err);
}

/* People's words only; that somebody has seen a question is no answer to it. */
static bool answers(const struct together_kind *kind)
{
	return kind && (kind->words || str_eq(kind->what, STR("knows")));
}

static enum rc changed(struct tx *tx, struct records *r, void *ctx, const struct record *before, const struct record *now,
		       struct err *err)
{
	struct exchange *x = ctx;
	struct shared_item s;
	struct word w;
	if (now->erased || !together_type(now->type))
		return RC_OK;
	struct arena *a = arena_new(KIB(8));
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	const struct types *types = snapshot_table(ref);
	const bool ours = str_eq_nocase(now->origin, store_node_id(x->w.store));
	struct err why = { 0 };
	int64_t link;
	enum rc rc = word_read(now, a, &w, &why);
	if (rc == RC_OK)
		rc = shared_load(tx_conn(tx), types, store_node_id(x->w.store), w.about, a, &s, &why);
	if (rc == RC_OK && !before && ours && s.known)
		rc = record_link(tx, r, together_record_id(now, a), STR("answers"), s.item, now->author, STR(""), &link, &why);
	if (rc == RC_OK && !before && s.known && w.reply_to.n && answers(together_kind_of(w.what)))
		rc = mark_answered(tx, x, types, now, &w, &s, a, &why);
	if (rc == RC_OK && ours && s.known)
		rc = team_handover_said(tx, x, types, before, now, &w, &s, a, &why);
	snapshot_drop(x->w.types, ref);
	arena_free(a);
	return rc == RC_OK ? rc : fail(err, rc, "%s", why.text);
}

enum rc together_open(struct exchange *x, struct err *err)
{
	const struct record_hook hook = { .changed = changed, .check = check, .ctx = x };
	records_add_hook(x->w.records, &hook);
	return team_handover_open(x, err);
}

/* --- saying it --- */

struct saying {
	struct exchange *x;
	const struct viewer *v;
	const struct together_say *q;
	struct arena *a;
	const struct type *type;
	str fields, labels, id;
	enum rc rc;
	struct err why;
};

static enum rc say_job(struct tx *tx, void *ctx, struct err *err)
{
	struct saying *k = ctx;
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	const struct change_request q = { .type = str_of(k->type->name), .fields = k->fields, .labels = k->labels };
	enum rc rc = change_record_tx(tx, k->x->w.records, k->v, &q, k->a, &view, &errors, err);
	if (rc == RC_OK)
		k->id = record_view_id(&view, k->a);
	record_view_end(&view);
	return rc;
}

/* The first words of it name it in lists; without any: what is said, in English. */
static str title_of(const struct saying *k, str what)
{
	str text = str_trim_all(k->q->text), line = str_cut(&text, '\n');
	if (line.n == 0) {
		const struct type_field *f = together_field(k->type, "contribution.what");
		for (size_t i = 0; i < f->choice_count; i++)
			if (str_eq(what, str_of(f->choices[i].name)))
				return str_of(words_in(f->choices[i].label, STR("en")));
		return what;
	}
	if (line.n <= TITLE_MOST)
		return line;
	size_t n = TITLE_MOST;
	while (n > 0 && ((unsigned char)line.p[n] & 0xc0) == 0x80)
		n--;
	return arena_fmt(k->a, STR_FMT "…", STR_ARG(str_head(line, n)));
}

static void put(struct json_out *j, const struct saying *k, const char *meaning, str value)
{
	const struct type_field *f = together_field(k->type, meaning);
	if (f && value.n)
		json_put_str(j, f->name, value);
}

static enum rc make_fields(struct saying *k, const struct record_view *item, struct err *err)
{
	struct buf b = BUF_INIT(RECORD_BODY_MAX), l = BUF_INIT(200);
	struct json_out j = json_out(&b);
	str what = k->q->what.n ? k->q->what : STR("comment");
	char at[40];
	const struct labels_of *labels = record_view_labels(item);
	const struct type_field *alone = together_field(k->type, "contribution.alone");
	json_open(&j, '{');
	if (k->type->title)
		json_put_str(&j, k->type->title->name, title_of(k, what));
	put(&j, k, "contribution.about", record_view_id(item, k->a));
	put(&j, k, "contribution.what", what);
	put(&j, k, "contribution.words", k->q->text);
	put(&j, k, "contribution.reply", k->q->reply_to);
	put(&j, k, "contribution.until", k->q->until);
	put(&j, k, "contribution.at", time_str(at, clock_now_us()));
	if (alone && k->q->only_origin)
		json_put_bool(&j, alone->name, true);
	json_close(&j, '}');
	k->fields = arena_str(k->a, buf_str(&b));
	j = json_out(&l);
	json_open(&j, '{');
	json_put_str(&j, "tlp", k->q->tlp.n ? k->q->tlp : str_of(tlp_name(labels->tlp < TLP_COUNT ? labels->tlp : TLP_RED)));
	if (labels->exercise)
		json_put_bool(&j, "exercise", true);
	json_close(&j, '}');
	k->labels = arena_str(k->a, buf_str(&l));
	bool over = b.over || l.over;
	buf_free(&b);
	buf_free(&l);
	return over ? fail(err, RC_LIMIT, "that is too long to be said at once") : RC_OK;
}

/* An answer to another team's words is an answer to what we pass on of them, when we do. */
static enum rc aim(struct saying *k, struct reader *r, const struct types *types, str *reply, struct err *err)
{
	struct shared_item to;
	struct uuid id;
	str type;
	if (!reply->n)
		return RC_OK;
	if (!record_id_parse(*reply, &type, &id))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no contribution", STR_ARG(str_head(*reply, 80)));
	id = together_passed_id(store_node_id(k->x->w.store), *reply);
	str passed = together_record_id(&(const struct record){ .type_name = str_of(k->type->name), .id = id }, k->a);
	enum rc rc = shared_load(reader_conn(r), types, store_node_id(k->x->w.store), passed, k->a, &to, err);
	if (rc == RC_OK && to.known && !to.r.erased)
		*reply = passed;
	return rc;
}

enum rc together_say(struct exchange *x, const struct viewer *v, const struct together_say *q, struct arena *a, str *id_out,
		   struct err *err)
{
	struct together_say said = *q;
	struct saying k = { .x = x, .v = v, .q = &said, .a = a };
	struct snapshot_ref *ref = snapshot_hold(x->w.types);
	const struct types *types = snapshot_table(ref);
	struct record_view item = { 0 };
	struct reader *r = NULL;
	k.type = together_type_find(types);
	enum rc rc = k.type ? store_read_begin(x->w.store, &r, err) : fail(err, RC_ABSENT, "no type of record here is a contribution");
	if (rc == RC_OK)
		rc = read_record(r, types, v, q->about, a, &item, err);
	if (rc == RC_OK)
		rc = aim(&k, r, types, &said.reply_to, err);
	if (rc == RC_OK)
		rc = make_fields(&k, &item, err);
	record_view_end(&item);
	if (r)
		store_read_end(r);
	if (rc == RC_OK)
		rc = store_write(x->w.store, say_job, &k, err);
	if (rc == RC_DENIED || rc == RC_ABSENT)
		change_refused(x->w.records, x->w.store, v, q->about, str_of(err->text));
	snapshot_drop(x->w.types, ref);
	*id_out = k.id;
	return rc;
}

/* --- reading it --- */

/* A partner's node and name, read once for all words. */
struct team_name {
	struct uuid node;
	str name;
	struct team_name *next;
};

struct reading {
	struct together_word *list;
	struct team_name *teams;
	bool teams_read;
	size_t count;
	struct arena *a;
	struct exchange *x;
	struct reader *r;
	str us;
};

static str value(const struct record_view *v, const char *meaning, struct arena *a)
{
	const struct type_field *f = together_field(record_view_type(v), meaning);
	struct buf b = BUF_INIT(KIB(64));
	if (f)
		record_view_text(v, f, &b);
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

static bool note_team(void *ctx, const struct partner *p)
{
	struct reading *k = ctx;
	struct team_name *one = ARENA_NEW(k->a, struct team_name);
	*one = (struct team_name){ p->node, arena_str(k->a, p->name), NULL };
	struct team_name **at = &k->teams;
	while (*at) /* the first of a node counts */
		at = &(*at)->next;
	*at = one;
	return true;
}

static enum rc read_teams(struct reading *k, struct err *err)
{
	if (k->teams_read)
		return RC_OK;
	k->teams_read = true;
	enum rc rc = partners_list(k->x, reader_conn(k->r), false, k->a, note_team, k, err);
	return rc == RC_ABSENT ? RC_OK : rc;
}

/* Who said it: what its origin says, else its origin. */
static enum rc team_of(struct reading *k, const struct record_view *v, str *out, struct err *err)
{
	str origin = v->record->origin;
	struct uuid node;
	bool others = str_eq(value(v, "contribution.others", k->a), STR("yes")) ||
		      str_eq(value(v, "contribution.others", k->a), STR("true"));
	str by = value(v, "contribution.by", k->a);
	*out = STR("");
	if (others || by.n) {
		*out = by.n ? by : STR("?");
		return RC_OK;
	}
	if (str_eq_nocase(origin, k->us))
		return RC_OK;
	enum rc rc = read_teams(k, err);
	*out = STR("?");
	for (const struct team_name *t = k->teams; rc == RC_OK && t; t = t->next)
		if (uuid_parse(origin, &node) && uuid_equal(&node, &t->node)) {
			*out = t->name;
			break;
		}
	return rc;
}

struct word_each {
	struct reading *k;
	enum rc rc;
	struct err *err;
};

static bool take_word(void *ctx, const struct record_view *v)
{
	struct word_each *e = ctx;
	struct reading *k = e->k;
	struct together_word *w = &k->list[k->count];
	int64_t until;
	const int state = record_view_state(v);
	if (state < 0 || state == word_state(record_view_type(v), "contribution.withdrawn") || v->record->erased)
		return true;
	str ends = value(v, "contribution.until", k->a), count = value(v, "contribution.count", k->a);
	str at = value(v, "contribution.at", k->a);
	str first = value(v, "contribution.first", k->a), last = value(v, "contribution.last", k->a);
	*w = (struct together_word){ .id = record_view_id(v, k->a), .what = value(v, "contribution.what", k->a),
				   .text = value(v, "contribution.words", k->a), .reply_to = value(v, "contribution.reply", k->a),
				   .title = arena_str(k->a, v->record->title), .state = str_of(record_view_type(v)->states[state].name),
				   .at_us = v->record->created_us, .ours = str_eq_nocase(v->record->origin, k->us) };
	if (at.n && time_parse(at, true, &until) && until > 0 && until < w->at_us)
		w->at_us = until;
	w->until_us = ends.n && time_parse(ends, true, &until) ? until : 0;
	w->tlp = v->record->labels.tlp;
	w->has_count = count.n && str_to_u64(count, &w->count);
	w->first_us = first.n && time_parse(first, true, &until) ? until : 0;
	w->last_us = last.n && time_parse(last, true, &until) ? until : 0;
	w->number = record_view_number(v) ? arena_fmt(k->a, "%s-%llu", record_view_type(v)->name,
						      (unsigned long long)record_view_number(v)) :
					    STR("");
	e->rc = team_of(k, v, &w->team, e->err);
	k->count++;
	return e->rc == RC_OK && k->count < TOGETHER_WORDS_MOST;
}

/* What we pass on of others stands there once: as it came. */
static void leave_out_passed(struct reading *k)
{
	size_t kept = 0;
	struct uuid *passed = ARENA_ARRAY(k->a, k->count + 1, struct uuid);
	const size_t count = k->count;
	for (size_t i = 0; i < count; i++)
		passed[i] = together_passed_id(k->us, k->list[i].id);
	for (size_t i = 0; i < count; i++) {
		struct uuid id;
		str type;
		bool twice = false;
		for (size_t o = 0; record_id_parse(k->list[i].id, &type, &id) && !twice && o < count; o++)
			twice = o != i && uuid_equal(&passed[o], &id);
		if (!twice)
			k->list[kept++] = k->list[i];
	}
	k->count = kept;
}

static int by_row(const void *a, const void *b)
{
	const struct together_word *x = a, *y = b;
	return (x->row > y->row) - (x->row < y->row);
}

static enum rc find_rows(struct reading *k, struct err *err)
{
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->count; i++) {
		struct sql *q = sql(reader_conn(k->r), "SELECT id FROM record WHERE uuid = ?");
		struct uuid id = { { 0 } };
		str type;
		(void)record_id_parse(k->list[i].id, &type, &id);
		sql_blob(q, 1, str_mem(id.b, sizeof id.b));
		k->list[i].row = sql_row(q) ? sql_col_int(q, 0) : 0;
		rc = sql_end(q, err);
	}
	return rc;
}

enum rc together_read(struct exchange *x, struct reader *r, const struct types *t, const struct viewer *v, str about,
		    struct arena *a, struct together_word **out, size_t *count_out, struct err *err)
{
	struct reading k = { .a = a, .x = x, .r = r, .us = store_node_id(x->w.store),
			     .list = ARENA_ARRAY(a, TOGETHER_WORDS_MOST, struct together_word) };
	struct word_each e = { .k = &k, .err = err };
	struct record_query q = { .type = together_type_find(t), .with_body = true, .filter_count = 1 };
	struct record_view item = { 0 };
	*out = k.list;
	*count_out = 0;
	if (!q.type)
		return RC_OK;
	enum rc rc = read_record(r, t, v, about, a, &item, err);
	if (rc != RC_OK)
		return rc;
	str id = record_view_id(&item, a);
	record_view_end(&item);
	struct json_object *text = json_object_new_string_len(id.p, (int)id.n);
	q.filters[0] = (struct record_filter){ .field = together_field(q.type, "contribution.about"), .compare = COMPARE_IS };
	if (kind_key(q.filters[0].field, text, a, &q.filters[0].key))
		rc = read_records(r, t, v, &q, LOOKED_MOST, a, take_word, &e, err);
	json_free(text);
	if (rc == RC_DENIED) /* no role of his reads what is said */
		return RC_OK;
	if (rc != RC_OK || e.rc != RC_OK)
		return rc != RC_OK ? rc : e.rc;
	leave_out_passed(&k);
	rc = find_rows(&k, err);
	if (k.count > 1)
		qsort(k.list, k.count, sizeof *k.list, by_row);
	*count_out = rc == RC_OK ? k.count : 0;
	return rc;
}
