/* SPDX-License-Identifier: Apache-2.0 */
/* Putting an item in: its bytes into the vault, then in one job its row, the record that names it, the chain. */
#include "evidence/evidence_private.h"

#include <sodium.h>

#include "disclosure/seal.h"
#include "store/destroyed.h"

enum { ITEMS_MOST = 2000, NAME_MOST = 200, MEDIA_MOST = 100 };

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
	sql_blob(q, 1, str_mem(x->exhibit.b, sizeof(x->exhibit.b)));
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
