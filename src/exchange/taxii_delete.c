/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE of an object (TAXII 2.1 section 5.7): who added it may take it away, his own versions of it, nobody else. It
 * stands where he posts; what is offered to others is not theirs to delete. */
#include "exchange/object_store.h"
#include "exchange/take_private.h"
#include "exchange/taxii_private.h"

struct deleting {
	struct taxii *t;
	struct taxii_ask ask;
	bool any_version;          /* nothing was said of versions: all of them */
	uint64_t gone, left;       /* versions */
};

struct version { int64_t id, version_us; };

static bool says_version(const struct taxii *t)
{
	for (size_t i = 0; i < t->q->query_count; i++)
		if (str_eq(t->q->query[i].name, STR("match[version]")))
			return true;
	return false;
}

static bool is_meant(const struct deleting *d, const struct version *list, size_t count, size_t i)
{
	const struct taxii_ask *k = &d->ask;
	if (d->any_version || k->all || (k->first && i == 0) || (k->last && i + 1 == count))
		return true;
	for (size_t n = 0; n < k->version_count; n++)
		if (k->versions[n] == list[i].version_us)
			return true;
	return false;
}

/* Oldest first; in the request's arena. */
static enum rc versions_of(struct deleting *d, struct conn *c, struct version **out, size_t *count, struct err *err)
{
	enum { MOST = 10000 };
	struct taxii *t = d->t;
	struct sql *q = sql(c, "SELECT n.id, n.at_us, n.version_us FROM " OBJECT_KEYS " WHERE " OBJECT_KEY("?1") " AND n.stix_id = ?2"
			       " AND n.partner = ?3 ORDER BY n.version_us");
	sql_int(q, 1, object_tag(t->object));
	sql_str(q, 2, t->object);
	sql_blob(q, 3, str_mem(t->partner.id.b, sizeof t->partner.id.b));
	struct version *list = *out = ARENA_ARRAY(t->a, MOST, struct version);
	*count = 0;
	while (*count < MOST && sql_row(q)) {
		int64_t at = sql_col_int(q, 2);
		list[(*count)++] = (struct version){ .id = sql_col_int(q, 0),
						     .version_us = at == TIME_NONE ? sql_col_int(q, 1) : at };
	}
	return sql_end(q, err);
}

static enum rc note(struct tx *tx, struct deleting *d, struct err *err)
{
	struct taxii *t = d->t;
	struct buf body = BUF_INIT(KIB(2)), who = BUF_INIT(RECORD_ID_BYTES);
	struct json_out j = json_out(&body);
	record_id_format(&who, STR("partner"), &t->partner.id);
	json_open(&j, '{');
	json_put_str(&j, "id", str_head(t->object, 300));
	json_put_i64(&j, "left", (int64_t)d->left);
	json_close(&j, '}');
	const struct journal_act act = { .act = "exchange.delete", .actor = buf_str(&who), .object = buf_str(&who),
					 .count = d->gone, .body = buf_str(&body) };
	enum rc rc = journal_add(tx, t->x->w.journal, &act, err);
	buf_free(&body);
	buf_free(&who);
	return rc;
}

static enum rc choose(struct deleting *d, struct conn *c, struct version **list, size_t *count, struct err *err)
{
	enum rc rc = versions_of(d, c, list, count, err);
	d->gone = d->left = 0;
	for (size_t i = 0; rc == RC_OK && i < *count; i++) {
		bool goes = is_meant(d, *list, *count, i);
		d->gone += goes;
		d->left += !goes;
	}
	return rc == RC_OK && d->gone == 0 ? fail(err, RC_ABSENT, "you added no such object, or not in that version") : rc;
}

static enum rc delete_job(struct tx *tx, void *ctx, struct err *err)
{
	struct deleting *d = ctx;
	struct version *list;
	size_t count;
	enum rc rc = choose(d, tx_conn(tx), &list, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++)
		rc = is_meant(d, list, count, i) ? object_drop(tx, list[i].id, err) : RC_OK;
	return rc == RC_OK ? note(tx, d, err) : rc;
}

/* What was made of it goes with its last version, as when it is revoked. */
static enum rc take_back(struct deleting *d, struct err *err)
{
	struct taxii *t = d->t;
	struct stix_object o = { .what = STIX_FOREIGN, .id = t->object, .revoked = true };
	str words = STR_NONE;
	bool hostile = false;
	struct taking back = { .x = t->x, .from = &t->partner, .a = t->a, .list = &o, .count = 1, .words = &words,
			       .hostile = &hostile, .feed = partner_feed(&t->partner, t->a), .name = STR("delete") };
	enum rc rc = take_withdrawn_events(&back, err);
	return rc == RC_OK && words.p ? fail(err, RC_CONFLICT, STR_FMT, STR_ARG(words)) : rc;
}

static enum rc look(struct deleting *d, struct err *err)
{
	struct taxii_collection k;
	struct reader *r;
	struct version *list;
	size_t count;
	enum rc rc = taxii_open(d->t, &r, &k, err);
	if (rc == RC_OK && !k.can_write)
		rc = fail(err, RC_DENIED, "nothing here is yours to delete: who added it withdraws it by a new version with "
			  "revoked: true");
	if (rc == RC_OK)
		rc = choose(d, reader_conn(r), &list, &count, err);
	if (r)
		store_read_end(r);
	return rc;
}

void taxii_delete(struct taxii *t)
{
	struct err err = { 0 };
	struct deleting d = { .t = t, .any_version = !says_version(t) };
	enum rc rc = taxii_ask(t, &d.ask, &err);
	bool new_enough = d.ask.spec_count == 0;
	for (size_t i = 0; i < d.ask.spec_count; i++)
		new_enough = new_enough || str_eq(d.ask.specs[i], STR("2.1"));
	if (rc == RC_OK)
		rc = look(&d, &err);
	if (rc == RC_OK && !new_enough) /* STIX 2.1 alone is kept */
		rc = fail(&err, RC_ABSENT, "you added no such object in that spec_version");
	if (rc == RC_OK && d.left == 0) /* first, so that a DELETE that was interrupted can be asked for again */
		rc = take_back(&d, &err);
	if (rc == RC_OK)
		rc = store_write(t->x->w.store, delete_job, &d, &err);
	if (rc == RC_OK)
		t->out->status = 200;
	else
		taxii_fail_rc(t, rc, &err);
}
