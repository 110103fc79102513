/* SPDX-License-Identifier: Apache-2.0 */
/* Items of an exhibit: their rows, and the files of those that are gone. */
#include "evidence/evidence_private.h"

/* --- rows --- */

void item_take_digest(struct sql *q, int at, struct digest *out)
{
	str s = sql_col_blob(q, at);
	if (s.n == sizeof(out->b))
		memcpy(out->b, s.p, sizeof(out->b));
}

static struct item take_item(struct sql *q, struct arena *a)
{
	struct item i = { .id = sql_col_int(q, 0), .n = (unsigned)sql_col_int(q, 1),
			  .name = arena_str(a, sql_col_str(q, 2)), .media = arena_str(a, sql_col_str(q, 3)),
			  .bytes = (uint64_t)sql_col_int(q, 4), .stored_bytes = (uint64_t)sql_col_int(q, 8),
			  .key = arena_str(a, sql_col_str(q, 9)), .added_us = sql_col_int(q, 10),
			  .checked_us = sql_col_int(q, 11), .state = (enum item_state)sql_col_int(q, 12) };
	item_take_digest(q, 5, &i.sha256);
	if (sql_col_blob(q, 6).n == sizeof(i.sha512))
		memcpy(i.sha512, sql_col_blob(q, 6).p, sizeof(i.sha512));
	item_take_digest(q, 7, &i.stored);
	return i;
}

enum rc items_of(struct conn *c, const struct uuid *exhibit, struct arena *a, struct item **out,
		 size_t *count_out, struct err *err)
{
	size_t n = 0;
	struct item *list = NULL;
	struct sql *q = sql(c, "SELECT id, n, name, media, bytes, sha256, sha512, stored, stored_bytes, key, added_us,"
			       " checked_us, state FROM evidence_item WHERE evidence = ? ORDER BY n");
	sql_blob(q, 1, str_mem(exhibit->b, sizeof(exhibit->b)));
	while (sql_row(q)) {
		list = x_grow(list, n + 1, sizeof(*list));
		list[n++] = take_item(q, a);
	}
	*out = ARENA_ARRAY(a, n + 1, struct item);
	if (n)
		memcpy(*out, list, n * sizeof(*list));
	free(list);
	*count_out = n;
	return sql_end(q, err);
}

enum rc evidence_items(struct conn *c, const struct record_view *exhibit, struct arena *a, struct item **out,
		       size_t *count_out, struct err *err)
{
	return items_of(c, &exhibit->record->id, a, out, count_out, err);
}

void item_put_hex(struct json_out *j, const char *key, const void *p, size_t n)
{
	struct buf b = BUF_INIT(200);
	hex_format(&b, p, n);
	json_put_str(j, key, buf_str(&b));
	buf_free(&b);
}

void items_json(const struct item *item, size_t count, struct json_out *j)
{
	json_open(j, '[');
	for (size_t i = 0; i < count; i++) {
		json_open(j, '{');
		json_put_i64(j, "number", item[i].n);
		json_put_str(j, "name", item[i].name);
		if (item[i].media.n)
			json_put_str(j, "media", item[i].media);
		json_put_i64(j, "bytes", (int64_t)item[i].bytes);
		item_put_hex(j, "sha256", item[i].sha256.b, sizeof(item[i].sha256.b));
		item_put_hex(j, "sha512", item[i].sha512, sizeof(item[i].sha512));
		if (item[i].key.n)
			json_put_bool(j, "sealed", true);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void item_json(const struct item *i, struct json_out *j)
{
	json_open(j, '{');
	json_put_i64(j, "number", i->n);
	json_put_str(j, "name", i->name);
	json_put_str(j, "media", i->media);
	json_put_i64(j, "bytes", (int64_t)i->bytes);
	item_put_hex(j, "sha256", i->sha256.b, sizeof(i->sha256.b));
	item_put_hex(j, "sha512", i->sha512, sizeof(i->sha512));
	json_put_bool(j, "sealed", i->key.n > 0);
	json_put_str(j, "state", str_of(item_state_name(i->state)));
	json_put_time(j, "added", i->added_us);
	json_put_time(j, "checked", i->checked_us);
	json_close(j, '}');
}

static bool hex_is(struct json_object *row, const char *key, const void *p, size_t n)
{
	unsigned char is[64];
	return hex_parse(json_get_str(row, key), is, n) && memcmp(is, p, n) == 0;
}

static bool row_is(struct json_object *row, const struct item *i)
{
	int64_t n = 0, bytes = -1;
	return json_get_i64(row, "number", &n) && n == i->n && json_get_i64(row, "bytes", &bytes) &&
	       bytes == (int64_t)i->bytes && str_eq(json_get_str(row, "name"), i->name) &&
	       hex_is(row, "sha256", i->sha256.b, sizeof(i->sha256.b)) &&
	       hex_is(row, "sha512", i->sha512, sizeof(i->sha512));
}

enum rc items_match(struct conn *c, const struct type *t, const struct uuid *exhibit,
		    struct json_object *body, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct item *item;
	size_t n;
	struct json_object *rows = json_get(body, meant(t, "evidence.items")->name);
	enum rc rc = items_of(c, exhibit, a, &item, &n, err);
	if (rc == RC_OK && json_count(rows) != n)
		rc = fail(err, RC_DENIED, "items are written by 'ronda evidence add' alone: %zu are kept, %zu are named", n,
			  json_count(rows));
	for (size_t i = 0; rc == RC_OK && i < n; i++)
		if (!row_is(json_at(rows, i), &item[i]))
			rc = fail(err, RC_DENIED, "item %u is not as it was put in: items are written by 'ronda evidence add' alone",
				  item[i].n);
	arena_free(a);
	return rc;
}

enum rc items_destroy(struct tx *tx, const struct uuid *exhibit, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO evidence_gone (stored)"
					 " SELECT stored FROM evidence_item WHERE evidence = ? AND state <> 3");
	sql_blob(q, 1, str_mem(exhibit->b, sizeof(exhibit->b)));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "UPDATE evidence_item SET state = 3, key = '' WHERE evidence = ?");
	sql_blob(q, 1, str_mem(exhibit->b, sizeof(exhibit->b)));
	return sql_run(q, err);
}

/* --- files nobody names --- */

static enum rc next_gone(struct store *s, struct digest *out, bool *keep, bool *found, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(s, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT g.stored, EXISTS (SELECT 1 FROM evidence_item i WHERE"
					    " i.stored = g.stored AND i.state <> 3) FROM evidence_gone g LIMIT 1");
	*found = sql_row(q);
	if (*found) {
		item_take_digest(q, 0, out);
		*keep = sql_col_int(q, 1) != 0;
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

enum rc item_forget_gone(struct tx *tx, void *ctx, struct err *err)
{
	struct digest *d = ctx;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM evidence_gone WHERE stored = ?");
	sql_blob(q, 1, str_mem(d->b, sizeof(d->b)));
	return sql_run(q, err);
}

enum rc items_sweep(struct evidence *e, struct err *err)
{
	for (;;) {
		struct digest d = { 0 };
		bool keep = false, found = false;
		enum rc rc = next_gone(e->s, &d, &keep, &found, err);
		if (rc == RC_OK && found && !keep)
			rc = vault_remove(e->vault, &d, err);
		if (rc == RC_OK && found)
			rc = store_write(e->s, item_forget_gone, &d, err);
		if (rc != RC_OK || !found)
			return rc;
	}
}

/* --- an exhibit as its viewer has it --- */

enum rc exhibit_open(struct evidence *e, const struct viewer *v, str id, enum action action,
			    struct arena *a, struct reader **r, struct record_view *view, struct err *err)
{
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(e->r));
	enum rc rc = store_read_begin(e->s, r, err);
	if (rc == RC_OK)
		rc = read_record(*r, snapshot_table(types), v, id, a, view, err);
	snapshot_drop(records_types_snapshot(e->r), types);
	if (rc == RC_OK && !is_exhibit(record_view_type(view)))
		rc = fail(err, RC_INPUT, "'" STR_FMT "' is no exhibit", STR_ARG(str_head(id, 60)));
	if (rc == RC_OK && !record_view_may(view, action, -1))
		rc = fail(err, RC_DENIED, "none of your roles may do this to an exhibit in this state");
	if (rc == RC_OK)
		rc = evidence_in_force(view, clock_now_us(), err);
	return rc;
}
