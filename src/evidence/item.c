/* SPDX-License-Identifier: Apache-2.0 */
/* Items of an exhibit: their rows, putting them in, reading them. */
#include "evidence/evidence_private.h"

#include <sodium.h>

#include "disclosure/seal.h"
#include "record/erase.h"
#include "store/destroyed.h"

enum { ITEMS_MOST = 2000, NAME_MOST = 200, MEDIA_MOST = 100, WHY_MOST = 1000 };

static str uuid_blob(const struct uuid *id)
{
	return str_mem(id->b, sizeof(id->b));
}

/* --- rows --- */

static void take_digest(struct sql *q, int at, struct digest *out)
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
	take_digest(q, 5, &i.sha256);
	if (sql_col_blob(q, 6).n == sizeof(i.sha512))
		memcpy(i.sha512, sql_col_blob(q, 6).p, sizeof(i.sha512));
	take_digest(q, 7, &i.stored);
	return i;
}

enum rc items_of(struct conn *c, const struct uuid *exhibit, struct arena *a, struct item **out,
		 size_t *count_out, struct err *err)
{
	size_t n = 0;
	struct item *list = NULL;
	struct sql *q = sql(c, "SELECT id, n, name, media, bytes, sha256, sha512, stored, stored_bytes, key, added_us,"
			       " checked_us, state FROM evidence_item WHERE evidence = ? ORDER BY n");
	sql_blob(q, 1, uuid_blob(exhibit));
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

static void put_hex(struct json_out *j, const char *key, const void *p, size_t n)
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
		put_hex(j, "sha256", item[i].sha256.b, sizeof(item[i].sha256.b));
		put_hex(j, "sha512", item[i].sha512, sizeof(item[i].sha512));
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
	put_hex(j, "sha256", i->sha256.b, sizeof(i->sha256.b));
	put_hex(j, "sha512", i->sha512, sizeof(i->sha512));
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
	sql_blob(q, 1, uuid_blob(exhibit));
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "UPDATE evidence_item SET state = 3, key = '' WHERE evidence = ?");
	sql_blob(q, 1, uuid_blob(exhibit));
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
		take_digest(q, 0, out);
		*keep = sql_col_int(q, 1) != 0;
	}
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

static enum rc forget_gone(struct tx *tx, void *ctx, struct err *err)
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
			rc = store_write(e->s, forget_gone, &d, err);
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

/* --- putting in --- */

struct adding {
	struct evidence *e;
	struct viewer v;
	struct arena *a;
	struct uuid exhibit;
	str id, name, media;
	const str *named;
	size_t named_count;
	bool sealed, destroyed;    /* destroyed: these bytes may not come back */
	unsigned char key[VAULT_KEY];
	struct vault_in *in;
	struct vault_sums sums;
	struct item made;
};

static enum rc take_names(struct adding *x, const struct item_new *q, struct err *err)
{
	if (!q->name.n || q->name.n > NAME_MOST || !str_is_plain(q->name))
		return fail(err, RC_INPUT, "an item needs a name of at most %d plain characters", NAME_MOST);
	if (q->media.n > MEDIA_MOST || !str_is_plain(q->media))
		return fail(err, RC_INPUT, "a media type has at most %d plain characters", MEDIA_MOST);
	x->name = arena_str(x->a, q->name);
	x->media = q->media.n ? arena_str(x->a, q->media) : STR("application/octet-stream");
	return RC_OK;
}

static void take_named(struct adding *x, const struct record_view *view)
{
	const struct labels_of *l = &view->record->labels;
	str *named = ARENA_ARRAY(x->a, l->named_count + 1, str);
	for (size_t i = 0; i < l->named_count; i++)
		named[i] = arena_str(x->a, l->named[i]);
	x->named = named;
	x->named_count = l->named_count;
}

enum rc evidence_add_begin(struct evidence *e, const struct viewer *v, const struct item_new *q,
			   struct adding **out, struct err *err)
{
	struct adding *x = x_alloc(sizeof(*x));
	struct record_view view = { 0 };
	struct reader *r = NULL;
	x->e = e;
	x->v = *v;
	x->a = arena_new(KIB(16));
	x->sealed = q->sealed;
	enum rc rc = store_read_only(e->s) || !e->vault ? fail(err, RC_IO, "the store is read-only: nothing is put in") :
							  take_names(x, q, err);
	if (rc == RC_OK)
		rc = exhibit_open(e, v, q->exhibit, ACTION_EDIT, x->a, &r, &view, err);
	if (rc == RC_OK) {
		x->exhibit = view.record->id;
		x->id = record_view_id(&view, x->a);
		take_named(x, &view);
		if (x->sealed && !x->named_count)
			rc = fail(err, RC_DENIED, "nobody is named in this exhibit, so nothing can be sealed to them: set its labels first");
	}
	record_view_end(&view);
	if (r)
		store_read_end(r);
	if (rc == RC_OK && x->sealed)
		randombytes_buf(x->key, sizeof(x->key));
	if (rc == RC_OK)
		rc = vault_in_new(e->vault, x->sealed ? x->key : NULL, &x->in, err);
	if (rc != RC_OK)
		evidence_add_abort(x);
	else
		*out = x;
	return rc;
}

enum rc evidence_add(struct adding *x, str bytes, struct err *err)
{
	if (vault_in_bytes(x->in) + bytes.n > x->e->o.item_bytes_max)
		return fail(err, RC_LIMIT, "an item has at most %llu MiB (setting evidence_item_max)",
			    (unsigned long long)(x->e->o.item_bytes_max >> 20));
	return vault_in_add(x->in, bytes, err);
}

uint64_t evidence_added_bytes(const struct adding *x)
{
	return vault_in_bytes(x->in);
}

void evidence_add_abort(struct adding *x)
{
	if (!x)
		return;
	vault_in_end(x->in);
	arena_free(x->a);
	sodium_memzero(x, sizeof(*x));
	free(x);
}

/* Before the file has its name: a start after a kill removes it, unless an item names it. What was
 * destroyed for good is counted and not kept. */
static enum rc note_adding(struct tx *tx, void *ctx, struct err *err)
{
	struct adding *x = ctx;
	enum rc rc = destroyed_find(tx_conn(tx), &x->sums.sha256, &x->destroyed, err);
	if (rc == RC_OK && x->destroyed) /* counted, and not kept */
		return destroyed_again(tx, &x->sums.sha256, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO evidence_adding (stored) VALUES (?)");
	sql_blob(q, 1, str_mem(x->sums.stored.b, sizeof(x->sums.stored.b)));
	return sql_run(q, err);
}

static enum rc put_item(struct tx *tx, struct adding *x, str key, unsigned n, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO evidence_item (evidence, n, name, media, bytes, sha256, sha512,"
					 " stored, stored_bytes, key, added_us, checked_us, state)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)");
	sql_blob(q, 1, uuid_blob(&x->exhibit));
	sql_int(q, 2, n);
	sql_str(q, 3, x->name);
	sql_str(q, 4, x->media);
	sql_int(q, 5, (int64_t)x->sums.bytes);
	sql_blob(q, 6, str_mem(x->sums.sha256.b, sizeof(x->sums.sha256.b)));
	sql_blob(q, 7, str_mem(x->sums.sha512, sizeof(x->sums.sha512)));
	sql_blob(q, 8, str_mem(x->sums.stored.b, sizeof(x->sums.stored.b)));
	sql_int(q, 9, (int64_t)x->sums.stored_bytes);
	sql_str(q, 10, key);
	sql_int(q, 11, tx_now_us(tx));
	sql_int(q, 12, tx_now_us(tx));
	return sql_run(q, err);
}

static enum rc seal_key(struct tx *tx, struct adding *x, unsigned n, str *out, struct err *err)
{
	struct buf plain = BUF_INIT(KIB(1)), sealed = BUF_INIT(KIB(4));
	char field[32];
	snprintf(field, sizeof(field), "item:%u", n);
	buf_char(&plain, '"');
	base64url_format(&plain, x->key, sizeof(x->key));
	buf_char(&plain, '"');
	enum rc rc = seal_field(tx, x->exhibit, str_of(field), x->named, x->named_count, buf_str(&plain), &sealed,
				err);
	*out = rc == RC_OK ? arena_str(x->a, buf_str(&sealed)) : STR("");
	explicit_bzero(plain.p, plain.n);
	buf_free(&plain);
	buf_free(&sealed);
	return rc;
}

/* The record names its items; it counts as sealed when one of them is, so that keys follow the names. */
static enum rc name_items(struct tx *tx, struct adding *x, const struct item *item, size_t n, struct err *err)
{
	struct buf fields = BUF_INIT(RECORD_BODY_MAX);
	struct json_out j = json_out(&fields);
	struct change_errors errors = { 0 };
	struct record_view view = { 0 };
	const char *items = NULL, *seal = NULL;
	struct snapshot_ref *types = snapshot_hold(records_types_snapshot(x->e->r));
	str type = x->id, name = str_head(type, str_find(type, STR("--")));
	const struct type *t = types_find(snapshot_table(types), name);
	items = t && is_exhibit(t) ? meant(t, "evidence.items")->name : NULL;
	seal = meant(t, "evidence.seal") ? meant(t, "evidence.seal")->name : NULL;
	json_open(&j, '{');
	if (items) {
		json_key(&j, str_of(items));
		items_json(item, n, &j);
	}
	if (x->sealed && seal)
		json_put_str(&j, seal, STR("items"));
	json_close(&j, '}');
	struct change_request q = { .id = x->id, .fields = buf_str(&fields) };
	enum rc rc = fields.over ? fail(err, RC_LIMIT, "the exhibit has too many items: put more into one archive") :
				   change_record_tx(tx, x->e->r, &x->v, &q, x->a, &view, &errors, err);
	record_view_end(&view);
	snapshot_drop(records_types_snapshot(x->e->r), types);
	buf_free(&fields);
	return rc;
}

static enum rc chain_item(struct tx *tx, struct adding *x, struct err *err)
{
	struct buf b = BUF_INIT(KIB(16));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_key(&j, STR("item"));
	struct buf rows = BUF_INIT(KIB(8));
	struct json_out row = json_out(&rows);
	items_json(&x->made, 1, &row);
	/* one row, without the brackets of the list */
	json_raw(&j, str_mem(rows.p + 1, rows.n - 2));
	json_close(&j, '}');
	struct chain_new q = { .id = x->id, .exhibit = x->exhibit, .what = "item.added", .by = str_of(x->v.actor),
			       .members = buf_str(&b) };
	enum rc rc = chain_add(tx, x->e->j, &q, err);
	buf_free(&rows);
	buf_free(&b);
	return rc;
}

static enum rc add_job(struct tx *tx, void *ctx, struct err *err)
{
	struct adding *x = ctx;
	struct item *item;
	size_t n;
	str key = STR("");
	enum rc rc = items_of(tx_conn(tx), &x->exhibit, x->a, &item, &n, err);
	unsigned number = rc == RC_OK && n ? item[n - 1].n + 1 : 1;
	if (rc == RC_OK && n >= ITEMS_MOST)
		rc = fail(err, RC_LIMIT, "an exhibit has at most %d items: put more into one archive", ITEMS_MOST);
	if (rc == RC_OK && x->sealed)
		rc = seal_key(tx, x, number, &key, err);
	if (rc == RC_OK)
		rc = put_item(tx, x, key, number, err);
	if (rc == RC_OK)
		rc = items_of(tx_conn(tx), &x->exhibit, x->a, &item, &n, err);
	if (rc == RC_OK) {
		x->made = item[n - 1];
		rc = name_items(tx, x, item, n, err);
	}
	if (rc == RC_OK)
		rc = chain_item(tx, x, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "DELETE FROM evidence_adding WHERE stored = ?");
	sql_blob(q, 1, str_mem(x->sums.stored.b, sizeof(x->sums.stored.b)));
	return sql_run(q, err);
}

/* Refused in the job: the file goes as after a kill. */
static enum rc drop_adding(struct tx *tx, void *ctx, struct err *err)
{
	struct adding *x = ctx;
	str stored = str_mem(x->sums.stored.b, sizeof(x->sums.stored.b));
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO evidence_gone (stored) VALUES (?)");
	sql_blob(q, 1, stored);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(tx_conn(tx), "DELETE FROM evidence_adding WHERE stored = ?");
	sql_blob(q, 1, stored);
	return sql_run(q, err);
}

enum rc evidence_add_end(struct adding *x, struct arena *a, struct item *out, struct err *err)
{
	struct evidence *e = x->e;
	bool noted = false;
	enum rc rc = vault_in_sync(x->in, &x->sums, err);
	if (rc == RC_OK)
		rc = store_write(e->s, note_adding, x, err);
	if (rc == RC_OK && x->destroyed)
		rc = fail(err, RC_DENIED, "these bytes were destroyed and are not taken again");
	if (rc == RC_OK) {
		noted = true;
		rc = vault_in_name(x->in, err);
	}
	if (rc == RC_OK)
		rc = store_write(e->s, add_job, x, err);
	if (rc == RC_OK) {
		*out = x->made;
		out->name = arena_str(a, x->made.name);
		out->media = arena_str(a, x->made.media);
		out->key = arena_str(a, x->made.key);
	} else if (noted && !store_read_only(e->s) && store_write(e->s, drop_adding, x, NULL) == RC_OK) {
		(void)!items_sweep(e, NULL);
	}
	evidence_add_abort(x);
	return rc;
}

/* --- reading --- */

struct item_reading {
	struct item item;
	struct vault_out *out;
	struct sums *sums;
	unsigned char key[VAULT_KEY];
};

struct noting {
	struct evidence *e;
	const struct viewer *v;
	const struct record_view *view;
	str id, why;
	const struct item *item;
};

static enum rc note_read(struct tx *tx, void *ctx, struct err *err)
{
	struct noting *n = ctx;
	struct buf b = BUF_INIT(KIB(16));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_i64(&j, "item", n->item->n);
	put_hex(&j, "sha256", n->item->sha256.b, sizeof(n->item->sha256.b));
	json_put_str(&j, "why", n->why);
	json_close(&j, '}');
	struct chain_new q = { .id = n->id, .exhibit = n->view->record->id, .what = "item.read",
			       .by = str_of(n->v->actor), .members = buf_str(&b) };
	enum rc rc = chain_add(tx, n->e->j, &q, err);
	buf_free(&b);
	return rc;
}

static enum rc find_item(struct conn *c, const struct record_view *view, unsigned n, struct arena *a,
			 struct item *out, struct err *err)
{
	struct item *item;
	size_t count;
	enum rc rc = evidence_items(c, view, a, &item, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		if (item[i].n == n) {
			*out = item[i];
			return item[i].state == ITEM_DESTROYED ? fail(err, RC_ABSENT, "item %u was destroyed", n) : RC_OK;
		}
	return rc == RC_OK ? fail(err, RC_ABSENT, "the exhibit has no item %u", n) : rc;
}

static enum rc open_key(struct conn *c, const struct viewer *v, const struct uuid *exhibit,
			const struct item *i, unsigned char key[VAULT_KEY], struct err *err)
{
	char field[32];
	struct buf plain = BUF_INIT(KIB(1)), raw = BUF_INIT(64);
	snprintf(field, sizeof(field), "item:%u", i->n);
	enum rc rc = open_field(c, v->seal, *exhibit, str_of(field), i->key, &plain, err);
	str text = buf_str(&plain);
	if (rc == RC_OK && (text.n < 2 || !base64url_parse(str_mem(text.p + 1, text.n - 2), &raw) || raw.n != VAULT_KEY))
		rc = fail(err, RC_INPUT, "the key of item %u is damaged", i->n);
	if (rc == RC_OK)
		memcpy(key, raw.p, VAULT_KEY);
	if (plain.p)
		explicit_bzero(plain.p, plain.n);
	if (raw.p)
		explicit_bzero(raw.p, raw.n);
	buf_free(&plain);
	buf_free(&raw);
	return rc;
}

enum rc item_open(struct evidence *e, struct conn *c, const struct viewer *v, const struct uuid *exhibit,
		  const struct item *i, struct item_reading **out, struct err *err)
{
	struct item_reading *x = x_alloc(sizeof(*x));
	x->item = *i;
	enum rc rc = e->vault ? RC_OK : fail(err, RC_ABSENT, "there is no folder of evidence");
	if (rc == RC_OK && i->key.n)
		rc = open_key(c, v, exhibit, i, x->key, err);
	if (rc == RC_OK)
		rc = vault_out_new(e->vault, &i->stored, i->key.n ? x->key : NULL, &x->out, err);
	if (rc == RC_OK)
		x->sums = sums_new();
	if (rc != RC_OK)
		evidence_read_end(x);
	else
		*out = x;
	return rc;
}

enum rc evidence_read_begin(struct evidence *e, const struct viewer *v, str exhibit, unsigned n, str why,
			    struct arena *a, struct item *item_out, struct item_reading **out, struct err *err)
{
	struct record_view view = { 0 };
	struct reader *r = NULL;
	struct noting note = { .e = e, .v = v, .view = &view, .why = why, .item = item_out };
	if (!why.n || why.n > WHY_MOST || !str_is_plain(why))
		return fail(err, RC_INPUT, "to read an item needs a reason of one line (--why)");
	enum rc rc = exhibit_open(e, v, exhibit, ACTION_EDIT, a, &r, &view, err);
	if (rc == RC_OK)
		rc = find_item(reader_conn(r), &view, n, a, item_out, err);
	if (rc == RC_OK)
		rc = item_open(e, reader_conn(r), v, &view.record->id, item_out, out, err);
	bool opened = rc == RC_OK;
	if (rc == RC_OK) {
		note.id = record_view_id(&view, a);
		rc = store_write(e->s, note_read, &note, err);
	}
	if (rc != RC_OK && opened) {
		evidence_read_end(*out);
		*out = NULL;
	}
	record_view_end(&view);
	if (r)
		store_read_end(r);
	return rc;
}

enum rc evidence_read(struct item_reading *x, void *to, size_t n, size_t *got, struct err *err)
{
	struct digest sha256;
	unsigned char sha512[64];
	if (!x->sums) {
		*got = 0;
		return RC_OK;
	}
	enum rc rc = vault_out_read(x->out, to, n, got, err);
	if (rc != RC_OK)
		return rc;
	if (*got) {
		sums_add(x->sums, str_mem(to, *got));
		return RC_OK;
	}
	sums_end(x->sums, &sha256, sha512);
	x->sums = NULL;
	if (memcmp(sha256.b, x->item.sha256.b, sizeof(sha256.b)) != 0 ||
	    memcmp(sha512, x->item.sha512, sizeof(sha512)) != 0)
		return fail(err, RC_INPUT, "item %u is not what was put in: its digest differs", x->item.n);
	return RC_OK;
}

void evidence_read_end(struct item_reading *x)
{
	struct digest d;
	unsigned char none[64];
	if (!x)
		return;
	if (x->sums)
		sums_end(x->sums, &d, none);
	vault_out_end(x->out);
	sodium_memzero(x, sizeof(*x));
	free(x);
}

/* --- erasing --- */

static bool exhibit_of(const struct erasing *e, struct uuid *out)
{
	str id = e->object, kind = str_cut(&id, ':'), type;
	return str_eq(kind, STR("record")) && record_id_parse(id, &type, out);
}

/* A record that is erased takes along what is kept of it: items and chain of an exhibit, the words of a
 * custody entry (its place in the chain stays). */
static enum rc erase_remove(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	struct uuid id;
	(void)more_out;
	if (!exhibit_of(e, &id))
		return RC_OK;
	static const char *const statements[] = {
		"INSERT OR IGNORE INTO evidence_gone (stored) SELECT stored FROM evidence_item WHERE evidence = ? AND state <> 3",
		"DELETE FROM evidence_item WHERE evidence = ?",
		"DELETE FROM evidence_chain WHERE evidence = ?",
		"DELETE FROM evidence_number WHERE evidence = ?",
		"UPDATE evidence_chain SET line = '' WHERE custody = ?",
		"DELETE FROM evidence_given WHERE custody = ?",
	};
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(statements); i++) {
		struct sql *q = sql(tx_conn(tx), statements[i]);
		sql_blob(q, 1, uuid_blob(&id));
		rc = sql_run(q, err);
	}
	return rc;
}

/* Its files, once the rows are gone for good. */
static enum rc erase_tidy(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	struct io_dir *dir = NULL;
	struct digest d;
	char name[VAULT_NAME];
	struct err why;
	(void)e;
	struct sql *q = sql(tx_conn(tx), "SELECT stored FROM evidence_gone WHERE stored NOT IN"
					 " (SELECT stored FROM evidence_item WHERE state <> 3) LIMIT 1");
	bool found = sql_row(q);
	if (found)
		take_digest(q, 0, &d);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || !found)
		return rc;
	vault_name(&d, name);
	rc = io_dir_sub(store_dir(tx_store(tx)), "evidence", false, &dir, err);
	if (rc != RC_OK)
		return rc;
	rc = io_unlink(dir, name, &why);
	if (rc == RC_OK)
		rc = io_dir_sync(dir, &why);
	io_dir_close(dir);
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "%s", why.text);
	*more_out = true;
	return forget_gone(tx, &d, err);
}

const struct eraser eraser_evidence = { .remove = erase_remove, .tidy = erase_tidy };
