/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an item: who and why goes into the chain first; its digests are checked at the end. */
#include "evidence/evidence_private.h"

#include <sodium.h>

#include "disclosure/seal.h"

enum { WHY_MOST = 1000 };

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
	item_put_hex(&j, "sha256", n->item->sha256.b, sizeof(n->item->sha256.b));
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
