/* SPDX-License-Identifier: Apache-2.0 */
/* Links between records, and from records to findings, events and reports. */
#include <stdio.h>

#include "base/json.h"
#include "record/record_private.h"

enum { BY_HAND = 0, END_RECORD = 1, END_MOST = 1 + 16 + TYPE_NAME_MAX, KIND_MOST = TYPE_NAME_MAX };

/* --- ends --- */

struct end {
	char b[END_MOST + 64];
	size_t n;
	bool is_record;
	struct uuid id;
};

static str end_str(const struct end *e)
{
	return str_mem(e->b, e->n);
}

static bool is_word(str s, size_t most)
{
	if (!s.n || s.n > most)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
		      s.p[i] == '-' || s.p[i] == '_'))
			return false;
	return true;
}

/* As the table holds it. */
static bool end_parse(str text, struct end *out)
{
	static const str others[] = { STR_INIT("finding--"), STR_INIT("event--"),
				      STR_INIT("report--") };
	str type;
	*out = (struct end){ 0 };
	if (record_id_parse(text, &type, &out->id)) {
		out->is_record = true;
		out->b[0] = END_RECORD;
		memcpy(out->b + 1, out->id.b, 16);
		memcpy(out->b + 17, type.p, type.n);
		out->n = 17 + type.n;
		return true;
	}
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (str_starts(text, others[i]) && is_word(str_from(text, others[i].n), 64)) {
			memcpy(out->b, text.p, text.n);
			out->n = text.n;
			return true;
		}
	return false;
}

static str end_text(str end, struct arena *a)
{
	struct uuid id;
	if (!end.n || end.p[0] != END_RECORD || end.n < 17)
		return arena_str(a, end);
	memcpy(id.b, end.p + 1, 16);
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&b, str_from(end, 17), &id);
	str text = arena_str(a, buf_str(&b));
	buf_free(&b);
	return text;
}

/* --- rows --- */

static int64_t pair_of(struct store *s, const struct end *from, str kind, const struct end *to)
{
	struct buf b = BUF_INIT(KIB(1));
	buf_char(&b, (char)from->n);
	buf_add(&b, end_str(from));
	buf_char(&b, (char)kind.n);
	buf_add(&b, kind);
	buf_add(&b, end_str(to));
	struct hash128 h = keyed_hash128(store_secret(s), "link", buf_str(&b));
	buf_free(&b);
	return (int64_t)h.lo;
}

/* 0: none stands. */
static enum rc find_link(struct conn *c, int64_t pair, const struct end *from, int64_t kind,
			 const struct end *to, int64_t *id_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM record_link WHERE pair = ? AND removed_us = 0"
			       " AND from_end = ? AND kind = ? AND to_end = ?");
	sql_int(q, 1, pair);
	sql_blob(q, 2, end_str(from));
	sql_int(q, 3, kind);
	sql_blob(q, 4, end_str(to));
	*id_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

struct linking {
	const struct end *from, *to;
	str kind, author, why;
	int share; /* BY_HAND, or 1 + that of the field */
};

/* *made_out: false when it stood already. */
static enum rc add_link(struct tx *tx, const struct linking *l, int64_t *id_out, bool *made_out,
			struct err *err)
{
	struct conn *c = tx_conn(tx);
	int64_t kind, pair = pair_of(tx_store(tx), l->from, l->kind, l->to);
	*made_out = false;
	enum rc rc = name_make(c, l->kind, &kind, err);
	if (rc == RC_OK)
		rc = find_link(c, pair, l->from, kind, l->to, id_out, err);
	if (rc != RC_OK || *id_out)
		return rc;
	struct sql *q = sql(c, "INSERT INTO record_link (from_end, kind, to_end, pair, share, author,"
			       " why, at_us, removed_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)");
	sql_blob(q, 1, end_str(l->from));
	sql_int(q, 2, kind);
	sql_blob(q, 3, end_str(l->to));
	sql_int(q, 4, pair);
	sql_int(q, 5, l->share);
	sql_str(q, 6, l->author);
	sql_str(q, 7, l->why);
	sql_int(q, 8, tx_now_us(tx));
	rc = sql_run(q, err);
	*id_out = sql_last_id(c);
	*made_out = rc == RC_OK;
	return rc;
}

static enum rc end_link(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE record_link SET removed_us = ? WHERE id = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, id);
	return sql_run(q, err);
}

/* --- by hand --- */

static enum rc check_end(struct conn *c, str text, struct end *out, struct err *err)
{
	int64_t row = 0;
	if (!end_parse(text, out))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no id", STR_ARG(str_head(text, 100)));
	if (!out->is_record)
		return RC_OK;
	enum rc rc = row_find(c, &out->id, &row, err);
	if (rc != RC_OK || !row)
		return rc == RC_OK ? fail(err, RC_ABSENT, "there is no such record") : rc;
	/* the type in the id must be its own */
	struct sql *q = sql(c, "SELECT 1 FROM record r JOIN record_name t ON t.id = r.type"
			       " WHERE r.id = ? AND t.name = ?");
	sql_int(q, 1, row);
	sql_str(q, 2, str_from(end_str(out), 17));
	bool same = sql_row(q);
	rc = sql_end(q, err);
	return rc == RC_OK && !same ? fail(err, RC_ABSENT, "there is no such record") : rc;
}

static enum rc tell(struct tx *tx, struct records *r, const char *act, int64_t id, str from,
		    str kind, str to, str actor, str why, struct err *err)
{
	struct buf body = BUF_INIT(KIB(32));
	struct json_out j = json_out(&body);
	json_open(&j, '{');
	json_put_i64(&j, "link", id);
	json_put_str(&j, "kind", kind);
	json_put_str(&j, "to", to);
	if (why.n)
		json_put_str(&j, "why", why);
	json_close(&j, '}');
	struct journal_act line = { .act = act, .actor = actor, .object = from, .count = 1,
				    .body = buf_str(&body) };
	enum rc rc = journal_add(tx, r->j, &line, err);
	buf_free(&body);
	return rc;
}

enum rc record_link(struct tx *tx, struct records *r, str from, str kind, str to, str actor, str why,
		    int64_t *id_out, struct err *err)
{
	struct end a, b;
	bool made;
	struct linking l = { .from = &a, .to = &b, .kind = kind, .author = actor,
			     .why = why.p ? why : STR(""), .share = BY_HAND };
	*id_out = 0;
	if (!is_word(kind, KIND_MOST))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no kind of link",
			    STR_ARG(str_head(kind, 100)));
	if (why.n > RECORD_WHY_MAX || !str_is_utf8(why))
		return fail(err, RC_LIMIT, "the reason is no text of at most %d bytes", RECORD_WHY_MAX);
	enum rc rc = check_end(tx_conn(tx), from, &a, err);
	if (rc == RC_OK)
		rc = check_end(tx_conn(tx), to, &b, err);
	if (rc == RC_OK && !a.is_record)
		rc = fail(err, RC_INPUT, "a link begins at a record");
	if (rc == RC_OK && str_eq(end_str(&a), end_str(&b)))
		rc = fail(err, RC_INPUT, "a record cannot be linked to itself");
	if (rc == RC_OK)
		rc = add_link(tx, &l, id_out, &made, err);
	if (rc == RC_OK && made)
		rc = tell(tx, r, "record.link", *id_out, from, kind, to, actor, why, err);
	return rc;
}

enum rc record_unlink(struct tx *tx, struct records *r, int64_t id, str actor, str why,
		      struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	str from = STR(""), kind = STR(""), to = STR("");
	struct sql *q = sql(tx_conn(tx), "SELECT l.from_end, k.name, l.to_end FROM record_link l"
					 " JOIN record_name k ON k.id = l.kind"
					 " WHERE l.id = ? AND l.removed_us = 0");
	sql_int(q, 1, id);
	bool found = sql_row(q);
	if (found) {
		from = end_text(sql_col_blob(q, 0), a);
		kind = arena_str(a, sql_col_str(q, 1));
		to = end_text(sql_col_blob(q, 2), a);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		rc = fail(err, RC_ABSENT, "there is no such link");
	if (rc == RC_OK)
		rc = end_link(tx, id, err);
	if (rc == RC_OK)
		rc = tell(tx, r, "record.unlink", id, from, kind, to, actor, why, err);
	arena_free(a);
	return rc;
}

/* --- by fields --- */

struct reference {
	const struct type_field *field;
	enum share share;
	struct end to;
};
struct references {
	struct reference *list;
	size_t n, room;
	struct arena *a;
};

static bool add_reference(void *ctx, const struct value *v)
{
	struct references *l = ctx;
	struct end to;
	bool refers = v->field->kind == KIND_REFERENCE || v->field->kind == KIND_PERSON;
	if (!refers || v->share > SHARE_TEAM || v->personal || !end_parse(json_text(v->json), &to))
		return true;
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].field == v->field && str_eq(end_str(&l->list[i].to), end_str(&to)))
			return true;
	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 8;
		struct reference *more = ARENA_ARRAY(l->a, l->room, struct reference);
		if (l->n)
			memcpy(more, l->list, l->n * sizeof(*more));
		l->list = more;
	}
	l->list[l->n++] = (struct reference){ .field = v->field, .share = v->share, .to = to };
	return true;
}

static struct references references_of(const struct type *t, struct json_object *body,
				       struct arena *a)
{
	struct references l = { .a = a };
	if (body)
		values_each(t, body, add_reference, &l);
	return l;
}

static bool has_reference(const struct references *l, const struct reference *one)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->list[i].field == one->field &&
		    str_eq(end_str(&l->list[i].to), end_str(&one->to)))
			return true;
	return false;
}

static enum rc drop_reference(struct tx *tx, const struct end *from, const struct reference *one,
			      struct err *err)
{
	struct conn *c = tx_conn(tx);
	str kind = str_of(one->field->name);
	int64_t name, id = 0, pair = pair_of(tx_store(tx), from, kind, &one->to);
	enum rc rc = name_find(c, kind, &name, err);
	if (rc == RC_OK)
		rc = find_link(c, pair, from, name, &one->to, &id, err);
	return rc == RC_OK && id ? end_link(tx, id, err) : rc;
}

static struct end end_of(const struct record *r)
{
	struct end e = { .is_record = true, .id = r->id, .n = 17 + r->type_name.n };
	e.b[0] = END_RECORD;
	memcpy(e.b + 1, r->id.b, 16);
	memcpy(e.b + 17, r->type_name.p, r->type_name.n);
	return e;
}

enum rc links_change(struct tx *tx, struct records *r, const struct record *now,
		     struct json_object *before, struct json_object *after, struct arena *a,
		     struct err *err)
{
	(void)r;
	struct references old = references_of(now->type, before, a);
	struct references new = references_of(now->type, after, a);
	struct end from = end_of(now);
	enum rc rc = RC_OK;
	for (size_t i = 0; i < old.n && rc == RC_OK; i++)
		if (!has_reference(&new, &old.list[i]))
			rc = drop_reference(tx, &from, &old.list[i], err);
	for (size_t i = 0; i < new.n && rc == RC_OK; i++) {
		struct linking l = { .from = &from, .to = &new.list[i].to,
				     .kind = str_of(new.list[i].field->name), .author = now->author,
				     .why = STR(""), .share = 1 + (int)new.list[i].share };
		int64_t id;
		bool made;
		if (!has_reference(&old, &new.list[i]) && !str_eq(end_str(l.to), end_str(&from)))
			rc = add_link(tx, &l, &id, &made, err);
	}
	return rc;
}

enum rc links_erase(struct tx *tx, struct records *r, const struct record *now, struct err *err)
{
	(void)r;
	struct end from = end_of(now);
	/* a field's link was never said by hand: it has no reason and no act of its own */
	struct sql *q = sql(tx_conn(tx), "DELETE FROM record_link WHERE from_end = ? AND share > 0");
	sql_blob(q, 1, end_str(&from));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "UPDATE record_link SET why = '' WHERE from_end = ?1 OR to_end = ?1");
	sql_blob(q, 1, end_str(&from));
	return sql_run(q, err);
}

enum rc links_check(struct conn *c, const struct record *now, struct json_object *body,
		    struct arena *a, uint64_t *count_out, str *missing_out, struct err *err)
{
	struct references all = references_of(now->type, body, a);
	struct end from = end_of(now);
	enum rc rc = RC_OK;
	*missing_out = STR_NONE;
	*count_out = 0;
	for (size_t i = 0; i < all.n && rc == RC_OK && !missing_out->p; i++) {
		if (str_eq(end_str(&all.list[i].to), end_str(&from)))
			continue;
		struct sql *q = sql(c, "SELECT 1 FROM record_link l JOIN record_name k ON k.id = l.kind"
				       " WHERE l.from_end = ? AND l.to_end = ? AND k.name = ?"
				       " AND l.removed_us = 0");
		sql_blob(q, 1, end_str(&from));
		sql_blob(q, 2, end_str(&all.list[i].to));
		sql_str(q, 3, str_of(all.list[i].field->name));
		if (!sql_row(q))
			*missing_out = str_of(all.list[i].field->name);
		rc = sql_end(q, err);
		++*count_out;
	}
	return rc;
}

/* --- reading --- */

enum rc record_links(struct conn *c, str id, int64_t before, link_each each, void *ctx,
		     struct err *err)
{
	struct end end;
	bool more = true;
	if (!end_parse(id, &end))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no id", STR_ARG(str_head(id, 100)));
	struct arena *a = arena_new(KIB(2));
	/* two walks newest first, merged */
	struct sql *q = sql(c, "SELECT l.id, l.from_end, k.name, l.to_end, l.author, l.why, l.at_us,"
			       " l.share FROM (SELECT * FROM record_link WHERE from_end = ?1"
			       " AND removed_us = 0 AND id < ?2 UNION ALL SELECT * FROM record_link"
			       " WHERE to_end = ?1 AND removed_us = 0 AND id < ?2 ORDER BY 1 DESC) l"
			       " JOIN record_name k ON k.id = l.kind");
	sql_blob(q, 1, end_str(&end));
	sql_int(q, 2, before > 0 ? before : INT64_MAX);
	while (more && sql_row(q)) {
		arena_reset(a);
		int64_t share = sql_col_int(q, 7);
		struct record_link l = { .id = sql_col_int(q, 0),
					 .from = end_text(sql_col_blob(q, 1), a),
					 .kind = sql_col_str(q, 2),
					 .to = end_text(sql_col_blob(q, 3), a),
					 .author = sql_col_str(q, 4),
					 .why = sql_col_str(q, 5),
					 .at_us = sql_col_int(q, 6),
					 .share = share ? (enum share)(share - 1) : SHARE_OPEN };
		more = each(ctx, &l);
	}
	enum rc rc = sql_end(q, err);
	arena_free(a);
	return rc;
}
