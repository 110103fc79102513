/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of an exhibit: a line says the SHA-256 of the one before, the journal that of the line. */
#include "evidence/evidence_private.h"

static str uuid_blob(const struct uuid *id)
{
	return str_mem(id->b, sizeof(id->b));
}

static enum rc newest(struct conn *c, const struct uuid *exhibit, unsigned *n_out, struct digest *hash_out,
		      struct err *err)
{
	*n_out = 0;
	*hash_out = (struct digest){ 0 };
	struct sql *q = sql(c, "SELECT n, hash FROM evidence_chain WHERE evidence = ? ORDER BY n DESC LIMIT 1");
	sql_blob(q, 1, uuid_blob(exhibit));
	if (sql_row(q)) {
		*n_out = (unsigned)sql_col_int(q, 0);
		if (sql_col_blob(q, 1).n == sizeof(hash_out->b))
			memcpy(hash_out->b, sql_col_blob(q, 1).p, sizeof(hash_out->b));
	}
	return sql_end(q, err);
}

static enum rc write_line(const struct chain_new *q, unsigned n, int64_t at_us, const struct digest *previous,
			  struct buf *out, struct err *err)
{
	char hex[VAULT_NAME];
	struct json_object *members = NULL;
	enum rc rc = q->members.n ? json_read(q->members, &members, err) : RC_OK;
	if (rc != RC_OK)
		return rc;
	struct json_out j = json_out(out);
	vault_name(previous, hex);
	json_open(&j, '{');
	json_put_i64(&j, "n", n);
	json_put_str(&j, "previous", str_of(hex));
	json_put_str(&j, "exhibit", q->id);
	json_put_time(&j, "at", at_us);
	json_put_str(&j, "what", str_of(q->what));
	json_put_str(&j, "by", q->by);
	if (members)
		json_put_members(&j, members, NULL);
	json_close(&j, '}');
	json_free(members);
	return out->over ? fail(err, RC_LIMIT, "a line of custody is too long") : RC_OK;
}

static enum rc put_row(struct tx *tx, const struct chain_new *q, unsigned n, const struct digest *hash, str line,
		       struct err *err)
{
	struct sql *s = sql(tx_conn(tx), "INSERT INTO evidence_chain (evidence, n, at_us, what, custody, hash, line)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?)");
	sql_blob(s, 1, uuid_blob(&q->exhibit));
	sql_int(s, 2, n);
	sql_int(s, 3, tx_now_us(tx));
	sql_str(s, 4, str_of(q->what));
	sql_blob(s, 5, uuid_blob(&q->custody));
	sql_blob(s, 6, str_mem(hash->b, sizeof(hash->b)));
	sql_str(s, 7, line);
	return sql_run(s, err);
}

enum rc chain_add(struct tx *tx, struct journal *j, const struct chain_new *q, struct err *err)
{
	unsigned n;
	struct digest previous;
	struct buf line = BUF_INIT(CHAIN_LINE_MAX);
	enum rc rc = newest(tx_conn(tx), &q->exhibit, &n, &previous, err);
	if (rc == RC_OK)
		rc = write_line(q, n + 1, tx_now_us(tx), &previous, &line, err);
	struct digest hash = sha256(buf_str(&line));
	if (rc == RC_OK)
		rc = put_row(tx, q, n + 1, &hash, buf_str(&line), err);
	struct journal_act act = { .act = CHAIN_ACT, .actor = q->by, .object = q->id, .count = n + 1,
				   .root = hash };
	if (rc == RC_OK)
		rc = journal_add(tx, j, &act, err);
	buf_free(&line);
	return rc;
}

enum rc chain_of(struct conn *c, const struct uuid *exhibit, struct arena *a, struct chain_line **out,
		 size_t *count_out, struct err *err)
{
	size_t n = 0, room = 0;
	struct chain_line *list = NULL;
	struct sql *q = sql(c, "SELECT n, at_us, what, hash, line FROM evidence_chain WHERE evidence = ? ORDER BY n");
	sql_blob(q, 1, uuid_blob(exhibit));
	while (sql_row(q)) {
		if (n == room)
			list = x_grow(list, room = room ? 2 * room : 16, sizeof(*list));
		struct chain_line *l = &list[n++];
		*l = (struct chain_line){ .n = (unsigned)sql_col_int(q, 0), .at_us = sql_col_int(q, 1),
					  .what = arena_str(a, sql_col_str(q, 2)),
					  .line = arena_str(a, sql_col_str(q, 4)) };
		if (sql_col_blob(q, 3).n == sizeof(l->hash.b))
			memcpy(l->hash.b, sql_col_blob(q, 3).p, sizeof(l->hash.b));
	}
	*out = ARENA_ARRAY(a, n + 1, struct chain_line);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

enum rc chain_last_custody(struct conn *c, const struct uuid *exhibit, struct arena *a, str *line_out,
			   bool *found, struct err *err)
{
	struct sql *q = sql(c, "SELECT line FROM evidence_chain WHERE evidence = ? AND what = 'custody'"
			       " ORDER BY n DESC LIMIT 1");
	sql_blob(q, 1, uuid_blob(exhibit));
	*found = sql_row(q);
	*line_out = *found ? arena_str(a, sql_col_str(q, 0)) : STR("");
	return sql_end(q, err);
}

static bool cuts_personal(const struct record_view *v)
{
	const struct type *t = record_view_type(v);
	for (size_t i = 0; t && i < t->field_count; i++)
		if (t->fields[i].personal && record_view_cuts(v, &t->fields[i]))
			return true;
	return false;
}

static void cut_people(struct chain_line *l, struct arena *a)
{
	static const char *const sides[] = { "giver", "receiver" };
	struct json_object *o = NULL;
	if (json_read(l->line, &o, NULL) != RC_OK)
		return;
	for (size_t i = 0; i < COUNT_OF(sides); i++) {
		struct json_object *side = json_get(o, sides[i]);
		if (!side)
			continue;
		json_object_object_del(side, "name");
		json_object_object_del(side, "words");
	}
	l->line = arena_str(a, str_of(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)));
	json_free(o);
}

enum rc evidence_chain(struct conn *c, const struct record_view *exhibit, struct arena *a,
		       struct chain_line **out, size_t *count_out, struct err *err)
{
	enum rc rc = chain_of(c, &exhibit->record->id, a, out, count_out, err);
	for (size_t i = 0; rc == RC_OK && cuts_personal(exhibit) && i < *count_out; i++)
		cut_people(&(*out)[i], a);
	return rc;
}
