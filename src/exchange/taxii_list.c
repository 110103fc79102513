/* SPDX-License-Identifier: Apache-2.0 */
/* Which collections there are for who asks, and what he may do with each. */
#include "exchange/taxii_private.h"

static void judge(const struct taxii *t, struct taxii_collection *k)
{
	bool own = t->is_partner && uuid_equal(&k->c.partner, &t->partner.id);
	switch (k->c.kind) {
	case COLLECTION_OUT:
		k->can_read = own;
		break;
	case COLLECTION_IN:
		k->can_write = own;
		break;
	case COLLECTION_PUBLIC:
		k->can_read = t->reads_public;
		break;
	}
}

static bool is_seen(const struct taxii_collection *k)
{
	return k->can_read || k->can_write;
}

/* --- his own two --- */

struct making {
	struct taxii *t;
	struct arena *a;
};

static enum rc make(struct tx *tx, void *ctx, struct err *err)
{
	const struct making *m = ctx;
	struct collection c;
	str title = m->t->partner.name;
	enum rc rc = collection_of(tx, COLLECTION_OUT, m->t->partner.id, title, m->a, &c, err);
	return rc == RC_OK ? collection_of(tx, COLLECTION_IN, m->t->partner.id, title, m->a, &c, err) : rc;
}

static enum rc own_two(struct taxii *t, struct err *err)
{
	struct collection c;
	struct reader *r;
	if (!t->is_partner)
		return RC_OK;
	enum rc rc = store_read_begin(t->x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = collection_of_partner(reader_conn(r), COLLECTION_OUT, t->partner.id, t->a, &c, err);
	if (rc == RC_OK)
		rc = collection_of_partner(reader_conn(r), COLLECTION_IN, t->partner.id, t->a, &c, err);
	store_read_end(r);
	struct making m = { t, t->a };
	return rc == RC_ABSENT ? store_write(t->x->w.store, make, &m, err) : rc;
}

/* --- one --- */

static enum rc find(struct taxii *t, struct conn *c, str id, struct taxii_collection *out, struct err *err)
{
	static const struct {
		str alias;
		enum collection_kind kind;
	} aliases[] = { { STR_INIT("inbox"), COLLECTION_IN }, { STR_INIT("outbox"), COLLECTION_OUT } };
	*out = (struct taxii_collection){ .can_read = false };
	for (size_t i = 0; t->is_partner && i < COUNT_OF(aliases); i++) {
		if (!str_eq(id, aliases[i].alias))
			continue;
		enum rc own = collection_of_partner(c, aliases[i].kind, t->partner.id, t->a, &out->c, err);
		judge(t, out);
		return own;
	}
	enum rc rc = collection_find(c, id, t->a, &out->c, err);
	judge(t, out);
	if (rc == RC_ABSENT || (rc == RC_OK && !is_seen(out)))
		return fail(err, RC_ABSENT, "there is no such collection");
	return rc;
}

enum rc taxii_open(struct taxii *t, struct reader **r, struct taxii_collection *out, struct err *err)
{
	*r = NULL;
	enum rc rc = own_two(t, err);
	if (rc == RC_OK)
		rc = store_read_begin(t->x->w.store, r, err);
	return rc == RC_OK ? find(t, reader_conn(*r), t->id, out, err) : rc;
}

static void put_collection(struct taxii *t, const struct taxii_collection *k)
{
	struct buf id = BUF_INIT(64);
	uuid_format(&id, &k->c.uuid);
	json_put_str(&t->j, "id", buf_str(&id));
	buf_free(&id);
	json_put_str(&t->j, "title", k->c.title.n > 0 ? k->c.title : k->c.alias);
	if (k->c.alias.n > 0)
		json_put_str(&t->j, "alias", k->c.alias);
	json_put_bool(&t->j, "can_read", k->can_read);
	json_put_bool(&t->j, "can_write", k->can_write);
	json_key(&t->j, STR("media_types"));
	json_open(&t->j, '[');
	json_str(&t->j, STR(TAXII_STIX_TYPE));
	json_close(&t->j, ']');
}

void taxii_collection(struct taxii *t)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	struct taxii_collection k;
	enum rc rc = taxii_open(t, &r, &k, &err);
	if (rc == RC_OK) {
		taxii_begin(t, 200);
		put_collection(t, &k);
		taxii_end(t);
	} else {
		taxii_fail_rc(t, rc, &err);
	}
	if (r)
		store_read_end(r);
}

struct listing {
	struct taxii *t;
	size_t count;
};

static bool list_one(void *ctx, const struct collection *c)
{
	struct listing *l = ctx;
	struct taxii_collection k = { .c = *c };
	judge(l->t, &k);
	if (!is_seen(&k))
		return true;
	if (l->count++ == 0) {
		json_key(&l->t->j, STR("collections"));
		json_open(&l->t->j, '[');
	}
	json_open(&l->t->j, '{');
	put_collection(l->t, &k);
	json_close(&l->t->j, '}');
	return true;
}

void taxii_collections(struct taxii *t)
{
	struct err err = { 0 };
	struct reader *r = NULL;
	struct listing l = { .t = t };
	enum rc rc = own_two(t, &err);
	if (rc == RC_OK)
		rc = store_read_begin(t->x->w.store, &r, &err);
	if (rc == RC_OK) {
		taxii_begin(t, 200);
		rc = collections_list(reader_conn(r), list_one, &l, &err);
		if (l.count > 0)
			json_close(&t->j, ']');
		taxii_end(t);
	}
	if (r)
		store_read_end(r);
	if (rc != RC_OK)
		taxii_fail_rc(t, rc, &err);
}
