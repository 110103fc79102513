/* SPDX-License-Identifier: Apache-2.0 */
/* Once in a store's life: rows of older versions become records, and the other way round. */
#include "route/directory_records.h"

#include "route/org_card.h"

enum { ROWS_A_JOB = 20 };

struct settled {
	struct directory_records *d;
	const struct types *types;
	const struct type *t;
	int64_t after;      /* of org, then of record */
	size_t made, left;
	bool more;
};

/* --- a row as the fields of a record --- */

struct old_org {
	int64_t id;
	str texts[6]; /* name, folded, kind, country, sector, timezone */
};
static const char *const words_of[6] = { "organisation.name", NULL, "organisation.kind",
					 "organisation.country", NULL, "organisation.timezone" };

static bool is_choice(const struct type_field *f, str word)
{
	for (size_t i = 0; f && i < f->choice_count; i++)
		if (str_eq(word, str_of(f->choices[i].name)))
			return true;
	return false;
}

/* What people wrote already says it better. */
static void put_text(struct json_out *j, const struct type *t, struct json_object *body,
		     const char *word, str value)
{
	const struct type_field *f = meant_field(t, word);
	if (f && value.n && !json_get(body, f->name))
		json_put_str(j, f->name, value);
}

static void put_plain(struct json_out *j, const struct type *t, struct json_object *body,
		      const struct old_org *o)
{
	bool known = is_choice(meant_field(t, "organisation.sector"), o->texts[4]);
	for (size_t i = 0; i < COUNT_OF(words_of); i++)
		if (words_of[i])
			put_text(j, t, body, words_of[i], o->texts[i]);
	put_text(j, t, body, known ? "organisation.sector" : "organisation.sector-words", o->texts[4]);
	if (str_eq(o->texts[4], STR("telecommunications")))
		put_text(j, t, body, "organisation.sector", STR("telecom"));
}

static bool has_contact(struct json_object *list, str email, str phone)
{
	for (size_t i = 0; i < json_count(list); i++) {
		struct json_object *o = json_at(list, i);
		if (email.n ? str_eq_nocase(json_get_str(o, "email"), email) :
			      str_eq(json_get_str(o, "phone"), phone))
			return true;
	}
	return false;
}

static void put_old(struct json_out *j, struct json_object *list)
{
	for (size_t i = 0; i < json_count(list); i++)
		json_raw(j, str_of(json_object_to_json_string_ext(json_at(list, i), JSON_C_TO_STRING_PLAIN)));
}

static enum rc put_contacts(struct json_out *j, struct conn *c, const struct type *t, int64_t org,
			    struct json_object *body, struct err *err)
{
	const struct type_field *f = meant_field(t, "organisation.contacts");
	if (!f)
		return RC_OK;
	struct json_object *list = json_get(body, f->name);
	struct sql *q = sql(c, "SELECT role, email, phone FROM org_contact WHERE org = ? ORDER BY at");
	sql_int(q, 1, org);
	json_key(j, str_of(f->name));
	json_open(j, '[');
	put_old(j, list);
	while (sql_row(q)) {
		str role = sql_col_str(q, 0), word = contact_role_word(role);
		if (has_contact(list, sql_col_str(q, 1), sql_col_str(q, 2)))
			continue;
		json_open(j, '{');
		if (word.n)
			json_put_str(j, "role", word);
		else if (role.n)
			json_put_str(j, "name", str_head(role, 100));
		if (sql_col_str(q, 1).n)
			json_put_str(j, "email", sql_col_str(q, 1));
		if (sql_col_str(q, 2).n)
			json_put_str(j, "phone", sql_col_str(q, 2));
		json_put_str(j, "source", STR("file"));
		json_close(j, '}');
	}
	json_close(j, ']');
	return sql_end(q, err);
}

static enum rc put_claims(struct json_out *j, struct conn *c, const struct type *t, int64_t org,
			  struct json_object *body, struct err *err)
{
	const struct type_field *f = meant_field(t, "organisation.claims");
	struct sql *q = sql(c, "SELECT kind, value, role, shared_address, from_us, until_us FROM org_scope "
			       "WHERE org = ? ORDER BY id");
	sql_int(q, 1, org);
	json_key(j, str_of(f->name));
	json_open(j, '[');
	put_old(j, json_get(body, f->name));
	while (sql_row(q)) {
		struct scope_row row = {
			.value = sql_col_str(q, 1), .role = (enum concern_role)sql_col_int(q, 2),
			.shared_address = sql_col_int(q, 3) != 0, .from_us = sql_col_int(q, 4),
			.until_us = sql_col_int(q, 5),
		};
		if (scope_kind_parse(sql_col_str(q, 0), &row.kind) && (unsigned)row.role < ROLE_COUNT)
			claim_json(j, &row, "file");
	}
	json_close(j, ']');
	return sql_end(q, err);
}

/* --- rows become records --- */

/* One that people wrote under that name and that no row is of. */
static enum rc find_record(struct conn *c, const struct settled *s, str folded, struct arena *a,
			   struct record *out, bool *found, struct err *err)
{
	struct sql *q = sql(c, "SELECT r.uuid, r.title FROM record r JOIN record_name n ON n.id = r.type "
			       "WHERE n.name = ? AND r.number > 0 AND r.erased = 0 "
			       "AND NOT EXISTS (SELECT 1 FROM org WHERE record = r.uuid) ORDER BY r.id");
	struct uuid id = { 0 };
	*found = false;
	sql_str(q, 1, str_of(s->t->name));
	while (!*found && sql_row(q)) {
		str uuid = sql_col_blob(q, 0);
		if (uuid.n != sizeof(id.b) || !str_eq(org_fold(a, sql_col_str(q, 1)), folded))
			continue;
		memcpy(id.b, uuid.p, uuid.n);
		*found = true;
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && *found ? record_load(c, s->types, id, a, out, err) : rc;
}

static enum rc make_record(struct tx *tx, struct settled *s, const struct old_org *o, struct arena *a,
			   struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	struct json_out j = json_out(&fields);
	struct json_object *body = NULL;
	struct record rec, made;
	bool found;
	enum rc rc = find_record(c, s, o->texts[1], a, &rec, &found, err);
	if (rc == RC_OK && found)
		rc = json_read(rec.body, &body, err);
	if (rc != RC_OK)
		return rc;
	json_open(&j, '{');
	put_plain(&j, s->t, body, o);
	rc = put_contacts(&j, c, s->t, o->id, body, err);
	if (rc == RC_OK)
		rc = put_claims(&j, c, s->t, o->id, body, err);
	json_close(&j, '}');
	struct record_change ch = { .type = s->t, .fields = buf_str(&fields), .to_state = -1,
				    .actor = STR("node"),
				    .why = STR("the directory's rows became records") };
	if (found)
		ch.id = rec.id;
	if (rc == RC_OK && fields.over)
		rc = fail(err, RC_LIMIT, "it is too large for a record");
	s->d->adopt = o->id;
	if (rc == RC_OK)
		rc = record_put(tx, s->d->r, &ch, a, &made, NULL, 0, NULL, err);
	s->d->adopt = 0;
	json_free(body);
	buf_free(&fields);
	return rc;
}

/* What fits no record is left as it is: the job began with nothing else in it. */
static enum rc adopt_job(struct tx *tx, void *ctx, struct err *err)
{
	struct settled *s = ctx;
	struct arena *a = arena_new(KIB(64));
	struct old_org o = { 0 };
	struct sql *q = sql(tx_conn(tx), "SELECT id, name, folded, kind, country, sector, timezone FROM org "
					 "WHERE record IS NULL AND gone = 0 AND id > ? ORDER BY id LIMIT 1");
	sql_int(q, 1, s->after);
	if (sql_row(q)) {
		o.id = sql_col_int(q, 0);
		for (size_t i = 0; i < COUNT_OF(o.texts); i++)
			o.texts[i] = arena_str(a, sql_col_str(q, (int)i + 1));
	}
	enum rc rc = sql_end(q, err);
	s->more = rc == RC_OK && o.id != 0;
	if (s->more) {
		s->after = o.id;
		rc = make_record(tx, s, &o, a, err);
	}
	arena_free(a);
	return rc;
}

/* --- records without rows --- */

static enum rc project_job(struct tx *tx, void *ctx, struct err *err)
{
	struct settled *s = ctx;
	struct arena *a = arena_new(KIB(64));
	struct sql *q = sql(tx_conn(tx), "SELECT r.id, r.uuid FROM record r JOIN record_name n ON n.id = r.type "
					 "WHERE n.name = ? AND r.number > 0 AND r.erased = 0 AND r.id > ? "
					 "AND NOT EXISTS (SELECT 1 FROM org WHERE record = r.uuid) "
					 "ORDER BY r.id LIMIT 20");
	struct uuid ids[ROWS_A_JOB];
	size_t n = 0;
	sql_str(q, 1, str_of(s->t->name));
	sql_int(q, 2, s->after);
	while (n < ROWS_A_JOB && sql_row(q)) {
		str uuid = sql_col_blob(q, 1);
		s->after = sql_col_int(q, 0);
		if (uuid.n == sizeof(ids[0].b))
			memcpy(ids[n++].b, uuid.p, uuid.n);
	}
	enum rc rc = sql_end(q, err);
	s->more = n > 0;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		struct record rec;
		rc = record_load(tx_conn(tx), s->types, ids[i], a, &rec, err);
		if (rc == RC_OK)
			rc = directory_project(tx, s->d, &rec, err);
		s->made += rc == RC_OK;
	}
	arena_free(a);
	return rc;
}

/* --- the whole --- */

static enum rc end_job(struct tx *tx, void *ctx, struct err *err)
{
	struct settled *s = ctx;
	struct journal_act act = { .act = "directory.records", .actor = STR("node"),
				   .object = STR("directory"), .count = s->made };
	enum rc rc = sql_run(sql(tx_conn(tx), "INSERT INTO cursor (name, seq) VALUES ('directory.records', 1) "
					      "ON CONFLICT (name) DO NOTHING"), err);
	return rc == RC_OK && s->made ? journal_add(tx, records_journal(s->d->r), &act, err) : rc;
}

static enum rc settled_before(struct store *st, bool *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(st, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT 1 FROM cursor WHERE name = 'directory.records'");
	*out = sql_row(q);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum rc settle_all(struct settled *s, struct err *err)
{
	enum rc rc;
	do {
		struct err why;
		rc = store_write(s->d->s, adopt_job, s, &why);
		bool fits = rc != RC_INPUT && rc != RC_LIMIT;
		s->left += !fits;
		s->made += rc == RC_OK && s->more;
		if (!fits) {
			rc = RC_OK;
			s->more = true;
		} else if (rc != RC_OK) {
			return fail(err, rc, "%s", why.text);
		}
	} while (s->more);
	s->d->lenient = true;
	s->after = 0;
	do
		rc = store_write(s->d->s, project_job, s, err);
	while (rc == RC_OK && s->more);
	s->d->lenient = false;
	return rc == RC_OK ? store_write(s->d->s, end_job, s, err) : rc;
}

enum rc directory_records_settle(struct directory_records *d, size_t *made_out, size_t *left_out,
				 struct err *err)
{
	bool done = false;
	struct snapshot_ref *ref = snapshot_hold(records_types_snapshot(d->r));
	struct settled s = { .d = d, .types = snapshot_table(ref) };
	s.t = s.types ? directory_type(s.types) : NULL;
	enum rc rc = settled_before(d->s, &done, err);
	if (rc == RC_OK && !done && s.t && !store_read_only(d->s))
		rc = settle_all(&s, err);
	*made_out = s.made;
	*left_out = s.left;
	snapshot_drop(records_types_snapshot(d->r), ref);
	return rc;
}
