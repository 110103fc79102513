/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/own_texts.h"

#include <json-c/json.h>

#include "disclosure/change.h"
#include "notify/classes.h"
#include "notify/letters.h"
#include "notify/notify_private.h"
#include "store/sql.h"

enum { WHOLE_MAX = 64 << 10 };

/* --- what a record says --- */

struct text_of {
	str class, language, subject, text;
	const struct type_field *class_field, *subject_field, *text_field;
	bool in_force;
};

static const struct type_field *field_of(const struct type *t, const char *meaning)
{
	const struct meaning *m = type_meaning(t, str_of(meaning));
	return m ? m->field : NULL;
}

static str value_of(const struct type_field *f, struct json_object *body, struct arena *a)
{
	return f ? arena_str(a, json_get_str(body, f->name)) : STR("");
}

static void take(const struct type *t, struct json_object *body, struct arena *a, struct text_of *out)
{
	out->class_field = field_of(t, "letter.class");
	out->subject_field = field_of(t, "letter.subject");
	out->text_field = field_of(t, "letter.text");
	out->class = value_of(out->class_field, body, a);
	out->language = value_of(field_of(t, "letter.language"), body, a);
	out->subject = value_of(out->subject_field, body, a);
	out->text = value_of(out->text_field, body, a);
}

/* False: no text of letters. */
static bool read_text(const struct record *r, struct arena *a, struct text_of *out)
{
	struct json_object *body = NULL;
	*out = (struct text_of){ .in_force = false };
	if (!r || !r->type || !type_meaning(r->type, STR("letter.class")))
		return false;
	const struct meaning *m = type_meaning(r->type, STR("letter.in-force"));
	if (r->erased || json_read(r->body, &body, NULL) != RC_OK)
		return true;
	take(r->type, body, a, out);
	out->in_force = m && r->state == (int)m->state && !r->labels.exercise;
	json_free(body);
	return true;
}

static str whole_of(const struct text_of *t, struct arena *a)
{
	struct buf b = BUF_INIT(WHOLE_MAX);
	buf_add(&b, t->subject);
	buf_add(&b, STR("\n\n"));
	buf_add(&b, t->text);
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

/* --- checked before it is kept --- */

struct saying {
	struct body_error *errors;
	size_t most, count;
	struct err first;
};

static void say(struct saying *s, const struct type_field *f, const char *words)
{
	if (s->first.rc == RC_OK)
		(void)fail(&s->first, RC_INPUT, "%s", words);
	if (s->errors && s->count < s->most) {
		struct body_error *e = &s->errors[s->count++];
		*e = (struct body_error){ .field = f };
		snprintf(e->text, sizeof e->text, "%s", words);
	}
}

static void check_mustache(struct saying *s, const struct type_field *f, str text, str language)
{
	struct mustache *m = NULL;
	struct err why = { 0 };
	if (texts_compile(text, language, &m, &why) != RC_OK)
		say(s, f, why.text);
	mustache_free(m);
}

static enum rc check_rival(struct conn *c, const struct record *now, const struct text_of *t, struct saying *s,
			   struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM letter_text WHERE class = ? AND language = ? AND record <> ?");
	sql_str(q, 1, t->class);
	sql_str(q, 2, t->language);
	sql_blob(q, 3, str_mem(now->id.b, sizeof now->id.b));
	if (sql_row(q))
		say(s, t->class_field, "another text of this class and language is in force: retire it first");
	return sql_end(q, err);
}

static enum rc check(struct tx *tx, struct records *r, void *ctx, const struct record *before, const struct record *now,
		     str language, struct body_error *errors, size_t most, size_t *count_out, struct err *err)
{
	struct saying s = { .errors = errors, .most = most };
	struct arena *a = arena_new(KIB(16));
	struct text_of t;
	enum rc rc = RC_OK;
	(void)r, (void)ctx, (void)before, (void)language;
	*count_out = 0;
	if (read_text(now, a, &t)) {
		if (t.class.n > 0 && !class_is(t.class) && !letter_class_is(t.class))
			say(&s, t.class_field, "there is no such class of texts; 'other' stands for what has none of its own, "
					       "'letter-' and a word is for letters");
		check_mustache(&s, t.subject_field, t.subject, t.language);
		check_mustache(&s, t.text_field, t.text, t.language);
		if (t.in_force)
			rc = check_rival(tx_conn(tx), now, &t, &s, err);
	}
	arena_free(a);
	*count_out = s.count;
	return rc == RC_OK && s.first.rc != RC_OK ? fail(err, RC_INPUT, "%s", s.first.text) : rc;
}

/* --- kept where the senders look --- */

static enum rc changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
		       const struct record *now, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct text_of t;
	(void)r, (void)ctx, (void)before;
	if (!read_text(now, a, &t)) {
		arena_free(a);
		return RC_OK;
	}
	struct sql *q = sql(tx_conn(tx), "DELETE FROM letter_text WHERE record = ?");
	sql_blob(q, 1, str_mem(now->id.b, sizeof now->id.b));
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && t.in_force) {
		q = sql(tx_conn(tx), "INSERT INTO letter_text (class, language, record, text) VALUES (?, ?, ?, ?)");
		sql_str(q, 1, t.class);
		sql_str(q, 2, t.language);
		sql_blob(q, 3, str_mem(now->id.b, sizeof now->id.b));
		sql_str(q, 4, whole_of(&t, a));
		rc = sql_run(q, err);
	}
	arena_free(a);
	return rc;
}

void own_texts_open(struct notify *n)
{
	records_add_hook(n->w.records, &(struct record_hook){ .changed = changed, .check = check });
}

enum rc own_text_find(struct conn *c, str class, str language, struct mustache **out, struct err *err)
{
	struct buf text = BUF_INIT(WHOLE_MAX);
	struct sql *q = sql(c, "SELECT text FROM letter_text WHERE class = ? AND language = ?");
	sql_str(q, 1, class);
	sql_str(q, 2, language);
	bool there = sql_row(q);
	if (there)
		buf_add(&text, sql_col_str(q, 0));
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = there ? texts_compile(buf_str(&text), language, out, err) : RC_ABSENT;
	buf_free(&text);
	return rc;
}

/* --- for people --- */

static str json_of(struct arena *a, str class, str language, str subject, str text)
{
	struct buf b = BUF_INIT(4 * WHOLE_MAX);
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "title", arena_fmt(a, STR_FMT "." STR_FMT, STR_ARG(class), STR_ARG(language)));
	json_put_str(&j, "class", class);
	json_put_str(&j, "language", language);
	json_put_str(&j, "subject", subject);
	json_put_str(&j, "words", text);
	json_close(&j, '}');
	str s = arena_str(a, buf_str(&b));
	buf_free(&b);
	return s;
}

enum rc own_text_new(struct notify *n, const struct viewer *v, str from, struct arena *a, str *id_out, struct err *err)
{
	str rest = from, class = str_cut(&rest, '.'), language = rest, text;
	struct record_view view = { 0 };
	struct change_errors errors = { .count = 0 };
	if (!class_is(class) && !letter_class_is(class))
		return fail(err, RC_ABSENT, "there is no class '" STR_FMT "'; 'ronda template classes' lists them", STR_ARG(class));
	if (language.n == 0)
		language = STR("en");
	if (!texts_source(class, language, &text) && !texts_source(class, STR("en"), &text))
		return fail(err, RC_ABSENT, "there is no text '" STR_FMT "'", STR_ARG(from));
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	const struct type *type = types_meaning(snapshot_table(types), STR("letter.class"));
	str subject = str_cut(&text, '\n');
	enum rc rc = type ? RC_OK : fail(err, RC_ABSENT, "there is no type of texts here");
	if (rc == RC_OK) {
		const struct change_request q = { .type = str_of(type->name),
						  .fields = json_of(a, class, language, subject, str_trim_all(text)) };
		rc = change_record(n->w.records, n->w.store, v, &q, a, &view, &errors, err);
	}
	if (rc == RC_OK)
		*id_out = record_view_id(&view, a);
	record_view_end(&view);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}

/* Two findings nobody has. */
static const char made_up[] =
	"{\"node\":\"CERT\",\"to\":\"Example\",\"case\":\"incident-1\",\"title\":\"An example\",\"writer\":\"Somebody\","
	"\"cover_count\":2,\"details\":{\"class\":\"other\"},"
	"\"answer_link\":\"https://cert.example.org/a/example\",\"listed\":["
	"{\"shown\":\"ip 192.0.2.7 port 53\",\"identifier\":\"example\",\"type\":\"other\","
	"\"first_seen\":\"2026-01-01T00:00:00+00:00\",\"last_seen\":\"2026-01-02T00:00:00+00:00\"},"
	"{\"shown\":\"url hxxp://www[.]example[.]org/\",\"identifier\":\"example\",\"type\":\"other\","
	"\"first_seen\":\"2026-01-01T00:00:00+00:00\",\"last_seen\":\"2026-01-02T00:00:00+00:00\"}]}";

static enum rc preview(const struct text_of *t, struct arena *a, str *subject_out, str *text_out, struct err *err)
{
	struct mustache *m = NULL;
	struct json_object *data = NULL;
	struct buf b = BUF_INIT(2 * WHOLE_MAX);
	enum rc rc = texts_compile(whole_of(t, a), t->language, &m, err);
	if (rc == RC_OK)
		rc = json_read(STR(made_up), &data, err);
	if (rc == RC_OK)
		rc = mustache_render(m, data, &b, err);
	*text_out = arena_str(a, str_trim_all(buf_str(&b)));
	*subject_out = str_cut(text_out, '\n');
	json_free(data);
	mustache_free(m);
	buf_free(&b);
	return rc;
}

enum rc own_text_preview(struct notify *n, const struct viewer *v, str id, struct arena *a, str *subject_out,
			 str *text_out, struct err *err)
{
	struct reader *r = NULL;
	struct record_view view = { 0 };
	struct text_of t = { .in_force = false };
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(n->w.records));
	enum rc rc = store_read_begin(n->w.store, &r, err);
	if (rc == RC_OK)
		rc = read_record(r, snapshot_table(types), v, id, a, &view, err);
	if (rc == RC_OK && !type_meaning(record_view_type(&view), STR("letter.class")))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no text of letters", STR_ARG(id));
	if (rc == RC_OK) {
		take(record_view_type(&view), view.body, a, &t);
		rc = preview(&t, a, subject_out, text_out, err);
	}
	record_view_end(&view);
	if (r)
		store_read_end(r);
	snapshot_drop(records_types_snapshot(n->w.records), types);
	return rc;
}
