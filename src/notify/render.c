/* SPDX-License-Identifier: Apache-2.0 */
/* From a row of the outbox to what its recipient reads. */
#include <json-c/json.h>

#include "event/normalise.h"
#include "notify/classes.h"
#include "notify/defang.h"
#include "notify/last_resort.h"
#include "notify/link.h"
#include "notify/notify_private.h"
#include "notify/own_texts.h"

enum { TEXT_MAX = 512 << 10, ITEM_MAX = 2 << 20, COVERS_SHOWN = 1000, COVERS_LISTED = 25 };

/* Also where no template says so. */
static const struct { const char *language, *word; } exercise_words[] = {
	{ "en", "EXERCISE - EXERCISE" },
	{ "id", "LATIHAN - LATIHAN" },
};

static const char *exercise_word(const char *language)
{
	for (size_t i = 0; i < COUNT_OF(exercise_words); i++)
		if (strcmp(exercise_words[i].language, language) == 0)
			return exercise_words[i].word;
	return exercise_words[0].word;
}

struct making {
	const struct notify *n;
	struct reader *r;
	const struct types *types;
	const struct message *m;
	const struct driver *d;
	const struct render_as *as;
	struct arena *a;
	struct rendering *out;
	struct told item;
	bool exercise;
	bool covered;         /* its item is not told, only what it covers */
	const char *language;
	struct err *err;
};

/* --- the item --- */

static enum rc take_item(struct making *k)
{
	enum text_item item = TEXT_TOLD;
	struct err why = { 0 };
	enum rc rc = texts_item(k->m->template, &item, k->err);
	k->covered = item == TEXT_COVERED;
	if (rc != RC_OK || k->m->item.n == 0 || k->covered)
		return rc;
	rc = told_item(k->r, k->types, &k->out->who.to, k->m->item, k->m->item_version, k->a, &k->item, &why);
	k->out->rule = k->item.rule ? k->item.rule : "";
	k->out->cut = k->item.cut;
	k->out->tlp = rc == RC_OK ? k->item.tlp : TLP_CLEAR;
	if (rc != RC_DENIED || item != TEXT_BARE)
		return rc == RC_OK ? RC_OK : fail(k->err, rc, "%s", why.text);
	k->out->bare = true;
	k->out->rule = "nothing of the item is told";
	return RC_OK;
}

static struct json_object *parsed(struct buf *b)
{
	struct json_object *o = NULL;
	if (b->over || json_read(buf_str(b), &o, NULL) != RC_OK)
		o = NULL;
	buf_free(b);
	return o;
}

static struct json_object *text_object(str s)
{
	return json_object_new_string_len(s.p ? s.p : "", (int)s.n);
}

static void put(struct making *k, const char *name, str value)
{
	json_object_object_add(k->out->data, name, text_object(value));
}

/* Rows with a language each, written for this very purpose: the recipient's own, else the first. */
static struct json_object *choose_words(const struct record_view *v, str languages)
{
	const struct type *t = record_view_type(v);
	const struct meaning *m = type_meaning(t, STR("message.texts"));
	struct json_object *rows = m && m->field && !record_view_cuts(v, m->field) ? json_get(v->body, m->field->name) :
										   NULL;
	while (languages.n > 0) {
		str one = str_cut(&languages, ' ');
		for (size_t i = 0; one.n > 0 && i < json_count(rows); i++)
			if (str_eq_nocase(json_get_str(json_at(rows, i), "language"), one))
				return json_at(rows, i);
	}
	return json_count(rows) ? json_at(rows, 0) : NULL;
}

static void put_record(struct making *k)
{
	struct buf b = BUF_INIT(ITEM_MAX);
	struct json_out j = json_out(&b);
	bool flag;
	record_view_json(&k->item.view, &j);
	struct json_object *o = parsed(&b);
	struct json_object *words = choose_words(&k->item.view, k->out->who.languages);
	k->exercise = k->exercise || (json_get_bool(json_get(o, "labels"), "exercise", &flag) && flag);
	json_object_object_add(k->out->data, "item", o);
	if (words)
		json_object_object_add(k->out->data, "words", json_object_get(words));
}

static void put_finding(const struct finding *f, struct json_object *list)
{
	struct buf b = BUF_INIT(ITEM_MAX);
	struct json_out j = json_out(&b);
	finding_json(f, NULL, &j);
	struct json_object *o = parsed(&b);
	if (!o)
		return;
	json_object_object_del(o, "concerns"); /* whom else it concerns is not his to know */
	struct buf shown = BUF_INIT(KIB(16));
	defang_key(f->key, &shown);
	json_object_object_add(o, "shown", text_object(buf_str(&shown)));
	buf_free(&shown);
	if (f->returns > 0)
		json_object_object_add(o, "returned", json_object_new_boolean(true));
	json_object_array_add(list, o);
}

static void put_one(struct making *k)
{
	struct json_object *list = json_object_new_array();
	put_finding(&k->item.finding, list);
	k->exercise = k->exercise || k->item.finding.exercise;
	json_object_object_add(k->out->data, "finding", json_object_get(json_at(list, 0)));
	json_free(list);
}

/* --- what it covers --- */

/* As many as a person reads; how many more there are. */
static void put_listed(struct making *k, struct json_object *covers, size_t told)
{
	struct json_object *listed = json_object_new_array();
	for (size_t i = 0; i < json_count(covers) && i < COVERS_LISTED; i++)
		json_object_array_add(listed, json_object_get(json_at(covers, i)));
	json_object_object_add(k->out->data, "listed", listed);
	if (told > COVERS_LISTED)
		json_object_object_add(k->out->data, "more", json_object_new_int64((int64_t)told - COVERS_LISTED));
}

static enum rc take_covers(struct making *k)
{
	struct json_object *list = json_object_new_array();
	size_t told = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < k->as->cover_count; i++) {
		struct told t;
		rc = told_item(k->r, k->types, &k->out->who.to, k->as->covers[i].item, 0, k->a, &t, k->err);
		if (rc == RC_OK && t.is_finding && ++told <= COVERS_SHOWN) {
			put_finding(&t.finding, list);
			k->out->tlp = t.tlp > k->out->tlp ? t.tlp : k->out->tlp;
			k->exercise = k->exercise || t.finding.exercise;
		}
		if (rc == RC_DENIED || rc == RC_ABSENT) {
			k->out->left_out++;
			rc = RC_OK;
			if (told == 0 && k->out->left_out == k->as->cover_count)
				rc = fail(k->err, RC_DENIED, "nothing of what it covers may be told: %s",
					  t.rule && *t.rule ? t.rule : "it is gone");
		}
		told_end(&t);
	}
	put_listed(k, list, told);
	json_object_object_add(k->out->data, "covers", list);
	if (told > COVERS_SHOWN)
		json_object_object_add(k->out->data, "covers_more", json_object_new_int64((int64_t)told - COVERS_SHOWN));
	json_object_object_add(k->out->data, "cover_count", json_object_new_int64((int64_t)told));
	return rc;
}

/* --- the words --- */

static str page_of(struct making *k)
{
	struct uuid id;
	str type, item = k->m->item;
	if (!k->n->public_url[0] || !k->out->who.ours || k->out->bare || k->covered)
		return STR("");
	if (str_starts(item, STR("finding--")))
		return arena_fmt(k->a, "%s/findings/" STR_FMT, k->n->public_url,
				 STR_ARG(str_from(item, STR("finding--").n)));
	return record_id_parse(item, &type, &id) ?
		       arena_fmt(k->a, "%s/" STR_FMT "/" STR_FMT, k->n->public_url, STR_ARG(type), STR_ARG(item)) :
		       STR("");
}

/* Who gets it may answer it; who only looks at it must not. */
static str answer_of(struct making *k)
{
	bool theirs = k->m->id > 0 && !k->out->who.ours && !k->as->no_names && !k->as->shown;
	return theirs ? link_answer(k->n, k->m->id, k->a) : STR("");
}

/* As case tools want the same: a name of at most 32 characters, milliseconds, UTC without a zone, the TLP as a
 * number from clear. */
static void put_for_tools(struct making *k)
{
	char at[40];
	str node = store_node_name(k->n->w.store);
	int64_t made = k->m->made_us > 0 ? k->m->made_us : clock_now_us();
	size_t n = node.n < 32 ? node.n : 32;
	enum tlp tlp = k->out->bare ? TLP_AMBER : k->out->tlp;
	while (n > 0 && n < node.n && ((unsigned char)node.p[n] & 0xc0) == 0x80)
		n--;
	put(k, "node_short", str_head(node, n));
	put(k, "made_utc", str_head(time_str(at, made), 19));
	json_object_object_add(k->out->data, "made_ms", json_object_new_int64(made / 1000));
	json_object_object_add(k->out->data, "tlp_number", json_object_new_int((unsigned)tlp < TLP_COUNT ? (int)tlp : TLP_RED));
}

static void put_frame(struct making *k)
{
	char at[40];
	struct json_object *details = NULL;
	struct rendering *o = k->out;
	put(k, "key", arena_fmt(k->a, STR_FMT "-%lld", STR_ARG(store_node_id(k->n->w.store)), (long long)k->m->id));
	json_object_object_add(o->data, "id", json_object_new_int64(k->m->id));
	put(k, "node", store_node_name(k->n->w.store));
	put_for_tools(k);
	put(k, "kind", k->m->template);
	put(k, "made", time_str(at, k->m->made_us > 0 ? k->m->made_us : clock_now_us()));
	put(k, "to", o->who.name);
	put(k, "address", o->who.address);
	put(k, "link", o->link);
	put(k, "answer_link", answer_of(k));
	put(k, "reference", o->bare || k->covered ? STR("") : k->m->item);
	if (str_starts(k->m->template, STR("portal.")) && k->m->id > 0 && !o->who.ours && !k->as->no_names &&
	    !k->as->shown)
		put(k, "sign_in_link", link_sign_in(k->n, k->m->id, k->a));
	json_object_object_add(o->data, "urgent", json_object_new_boolean(k->m->lane == LANE_WARNING));
	if (!o->bare && json_read(k->m->details, &details, NULL) == RC_OK && details) {
		if (k->covered) /* by which rule is ours to know */
			json_object_object_del(details, "rule");
		json_object_object_del(details, "stamp");
		json_object_object_add(o->data, "details", details);
	}
}

/* "shown": addresses that nobody can click, and choices in the language of the text. */
static void put_shown(struct making *k)
{
	const struct type *t = k->item.view.record && !k->covered && !k->out->bare ? record_view_type(&k->item.view) : NULL;
	struct json_object *shown = json_object_new_object();
	for (size_t i = 0; t && i < t->field_count; i++) {
		const struct type_field *f = &t->fields[i];
		str text = json_text(json_get(k->item.view.body, f->name));
		struct buf b = BUF_INIT(KIB(64));
		if (text.n > 0 && (f->kind == KIND_URL || f->kind == KIND_DOMAIN || f->kind == KIND_ADDRESS))
			url_defang(&b, text);
		for (size_t c = 0; text.n > 0 && f->kind == KIND_CHOICE && c < f->choice_count; c++)
			if (str_eq(str_of(f->choices[c].name), text))
				buf_fmt(&b, "%s", words_in(f->choices[c].label, str_of(k->language)));
		if (b.n > 0)
			json_object_object_add(shown, f->name, text_object(buf_str(&b)));
		buf_free(&b);
	}
	json_object_object_add(k->out->data, "shown", shown);
}

/* By which text: what is gone needs none of the words about what to do. */
static str text_name(struct making *k)
{
	bool gone = false;
	str name = k->m->template;
	(void)json_get_bool(json_get(k->out->data, "details"), "gone", &gone);
	return gone && class_of_template(name).n > 0 ? STR("tell.gone") : name;
}

/* The team's own text of a class, in the first language of theirs in which there is one; not where a
 * language they like better has a text built in. */
static enum rc find_own(struct making *k, struct mustache **out)
{
	str class = class_of_template(text_name(k)), wanted = k->out->who.languages;
	enum rc rc = RC_ABSENT;
	bool built_in = !class_is(class) || !str_eq(str_of(k->d->name), STR("mail"));
	while (rc == RC_ABSENT && !built_in) {
		str one = wanted.n > 0 ? str_cut(&wanted, ' ') : STR("en"), text;
		one = str_head(one, str_index(one, '-'));
		rc = own_text_find(reader_conn(k->r), class, one, out, k->err);
		k->language = arena_z(k->a, one);
		built_in = texts_source(class, one, &text) || (wanted.n == 0 && str_eq(one, STR("en")));
	}
	return rc;
}

static enum rc render_text(struct making *k)
{
	struct mustache *own = NULL;
	struct buf b = BUF_INIT(TEXT_MAX), fit = BUF_INIT(TEXT_MAX);
	struct rendering *o = k->out;
	enum rc rc = find_own(k, &own);
	if (rc != RC_OK && rc != RC_ABSENT)
		return rc;
	const struct mustache *m = own ? own : texts_find(k->n->texts, text_name(k), str_of(k->d->name),
							  o->who.languages, &k->language);
	rc = m ? RC_OK : fail(k->err, RC_ABSENT, "there is no text of '" STR_FMT "'", STR_ARG(k->m->template));
	put(k, "language", str_of(k->language));
	if (rc == RC_OK)
		put_shown(k);
	if (k->exercise) {
		json_object_object_add(o->data, "exercise", json_object_new_boolean(true));
		buf_fmt(&b, "%s: ", exercise_word(k->language));
	}
	if (rc == RC_OK)
		rc = mustache_render(m, o->data, &b, k->err);
	str all = arena_str(k->a, str_trim_all(buf_str(&b)));
	if (rc == RC_OK && k->d->shorten) {
		k->d->shorten(all, arena_fmt(k->a, " [#%lld]", (long long)k->m->id), &fit);
		all = arena_str(k->a, buf_str(&fit));
	}
	o->text = all;
	o->subject = k->d->shorten ? all : str_trim_all(str_cut(&o->text, '\n'));
	o->text = str_trim_all(o->text);
	put(k, "subject", o->subject);
	put(k, "text", o->text);
	put(k, "whole", all);
	mustache_free(own);
	buf_free(&b);
	buf_free(&fit);
	return rc;
}

/* Of a contact of last resort nothing is known but where it is. */
static str languages_named(const struct message *m)
{
	struct json_object *details = NULL;
	str email, out = STR("");
	if (last_resort_email(m->recipient, &email) && json_read(m->details, &details, NULL) == RC_OK)
		out = last_resort_languages(json_get_str(json_get(details, "named"), "country"));
	json_free(details);
	return out;
}

enum rc notify_render_as(const struct notify *n, struct reader *r, const struct types *t,
			 const struct message *m, const struct render_as *as, struct arena *a,
			 struct rendering *out, struct err *err)
{
	struct making k = { .n = n, .r = r, .types = t, .m = m, .d = driver_find(m->driver), .as = as, .a = a,
			    .out = out, .err = err };
	*out = (struct rendering){ .rule = "", .cut = STR(""), .subject = STR(""), .text = STR(""), .link = STR("") };
	k.item.cut = STR("");
	if (!k.d) /* waits for a driver that is not here: on paper meanwhile */
		k.d = driver_find(STR("print"));
	const struct resolving where = { n, r, t, k.d, m->lane, clock_now_us(), a };
	enum rc rc = notify_resolve(&where, m->recipient, &out->who, err);
	if (rc != RC_OK)
		return rc;
	out->data = json_object_new_object();
	out->who.to.purpose = m->purpose > PURPOSE_NONE && m->purpose < PURPOSES ? (enum purpose)m->purpose :
										  PURPOSE_HANDLING;
	out->who.to.invited = out->who.to.invited || as->invited;
	if (as->reader)
		out->who.to.viewer = *as->reader;
	if (out->who.languages.n == 0)
		out->who.languages = languages_named(m);
	if (as->languages.n > 0)
		out->who.languages = as->languages;
	if (as->no_names)
		out->who.name = out->who.address = STR("(not for you)");
	rc = take_item(&k);
	if (rc == RC_OK && !out->bare) {
		if (m->item.n > 0 && !k.covered && !k.item.is_finding)
			put_record(&k);
		else if (m->item.n > 0 && !k.covered)
			put_one(&k);
		rc = take_covers(&k);
	}
	if (rc == RC_OK) {
		out->link = page_of(&k);
		put_frame(&k);
		rc = render_text(&k);
	}
	told_end(&k.item);
	if (rc != RC_OK) {
		json_free(out->data);
		out->data = NULL;
	}
	return rc;
}

/* Who stands on the list of a round is invited to it, and whom a record is for that names them. */
static enum rc is_invited(struct reader *r, const struct types *t, const struct message *m, bool *out,
			  struct err *err)
{
	struct uuid item, organisation;
	str item_type, type, whole = m->recipient, id = str_cut(&whole, '/');
	*out = false;
	if (!record_id_parse(m->item, &item_type, &item) || !record_id_parse(id, &type, &organisation))
		return RC_OK;
	enum rc rc = round_invites(r, item, organisation, out, err);
	return rc == RC_OK && !*out ? parties_invite(r, t, m->item, id, out, err) : rc;
}

static enum rc render_kept(const struct notify *n, struct reader *r, const struct types *t, const struct message *m,
			   struct render_as as, struct arena *a, struct rendering *out, struct err *err)
{
	struct cover *covers = NULL;
	*out = (struct rendering){ .rule = "", .cut = STR("") };
	enum rc rc = outbox_covers(reader_conn(r), m->id, a, &covers, &as.cover_count, err);
	if (rc == RC_OK)
		rc = is_invited(r, t, m, &as.invited, err);
	as.covers = covers;
	return rc == RC_OK ? notify_render_as(n, r, t, m, &as, a, out, err) : rc;
}

enum rc notify_render(const struct notify *n, struct reader *r, const struct types *t,
		      const struct message *m, struct arena *a, struct rendering *out, struct err *err)
{
	return render_kept(n, r, t, m, (struct render_as){ .languages = STR("") }, a, out, err);
}

enum rc notify_render_shown(const struct notify *n, struct reader *r, const struct types *t, const struct message *m,
			    const char *driver, const struct viewer *reader, str language, struct arena *a, struct rendering *out, struct err *err)
{
	struct message shown = *m;
	shown.driver = str_of(driver);
	shown.lane = LANE_INCIDENT; /* does not wait until somebody is there */
	return render_kept(n, r, t, &shown, (struct render_as){ .languages = language, .reader = reader, .shown = true }, a,
			   out, err);
}
