/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of others that we keep, one after the other: offered as they came to those whose agreement lets indicators flow,
 * and to anybody what its maker marked as CLEAR. Never to who sent it, or has it already from somebody: an object that
 * several pass on comes to an end. The check is asked when it is read (page_items.c). */
#include "exchange/object_store.h"
#include "exchange/offer_private.h"
#include "record/outbox.h"

enum { OBJECTS_MOST = 256 /* in one job */ };
#define OBJECTS_CURSOR STR("exchange:objects")

/* Rows with its id: of its version, and later ones. */
struct other { int64_t id, version_us; struct uuid partner; };
struct one { int64_t id, version_us, tag; str stix_id; struct uuid partner; bool is_public, looked; struct buf others; };
struct objects_job {
	struct exchange *x;
	struct targets *t;         /* the last one: anybody */
	struct one *list;
	size_t count;
	uint64_t from, upto;
};

static struct uuid uuid_of(str bytes)
{
	struct uuid u = { { 0 } };
	if (bytes.n == sizeof u.b)
		memcpy(u.b, bytes.p, bytes.n);
	return u;
}

static enum rc read_objects(struct objects_job *k, struct conn *c, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, version_us, stix_id, partner, marked, tlp, tag FROM exchange_object WHERE id > ? ORDER BY id LIMIT ?");
	sql_int(q, 1, (int64_t)k->from);
	sql_int(q, 2, OBJECTS_MOST);
	k->list = ARENA_ARRAY(k->t->a, OBJECTS_MOST, struct one);
	k->upto = k->from;
	while (sql_row(q)) {
		struct one *o = &k->list[k->count++];
		*o = (struct one){ .id = sql_col_int(q, 0), .version_us = sql_col_int(q, 1),
				   .stix_id = arena_str(k->t->a, sql_col_str(q, 2)),
				   .is_public = sql_col_int(q, 4) && sql_col_int(q, 5) == TLP_CLEAR,
				   .partner = uuid_of(sql_col_blob(q, 3)), .tag = sql_col_int(q, 6),
				   .others = BUF_INIT(MIB(64)) };
		k->upto = (uint64_t)o->id;
	}
	return sql_end(q, err);
}

static enum rc others_in(struct conn *c, int64_t run, struct one *o, struct err *err)
{
	struct sql *q = sql(c, "SELECT n.id, n.version_us, n.partner FROM exchange_object_key k CROSS JOIN exchange_object n"
			       " WHERE k.run = ? AND k.tag = ? AND k.version_us >= ? AND n.id = k.object AND n.stix_id = ?");
	sql_int(q, 1, run);
	sql_int(q, 2, o->tag);
	sql_int(q, 3, o->version_us);
	sql_str(q, 4, o->stix_id);
	while (sql_row(q)) {
		const struct other one = { sql_col_int(q, 0), sql_col_int(q, 1), uuid_of(sql_col_blob(q, 2)) };
		buf_add(&o->others, str_mem((const char *)&one, sizeof one));
	}
	return sql_end(q, err);
}

/* Once for all to whom it may go. */
static enum rc look_for_others(struct conn *c, const struct objects_job *k, struct one *o, struct err *err)
{
	if (o->looked)
		return RC_OK;
	o->looked = true;
	struct object_runs at = object_runs(c, k->x->objects, o->tag);
	enum rc rc = RC_OK;
	for (int64_t run; rc == RC_OK && object_runs_next(&at, &run);)
		rc = others_in(c, run, o, err);
	enum rc end = object_runs_end(&at, rc == RC_OK ? err : NULL);
	return rc == RC_OK ? end : rc;
}

static enum rc stands_in(struct conn *c, int64_t id, int64_t collection, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM collection_entry WHERE kind = ? AND first = ? AND collection = ? LIMIT 1");
	sql_int(q, 1, ENTRY_OBJECT);
	sql_int(q, 2, id);
	sql_int(q, 3, collection);
	*out = sql_row(q);
	return sql_end(q, err);
}

/* From him, or by another row in his collection. */
static enum rc has_it(struct conn *c, const struct one *o, const struct target *to, int64_t collection, bool *out, struct err *err)
{
	enum rc rc = RC_OK;
	*out = false;
	for (size_t i = 0; rc == RC_OK && !*out && i + sizeof(struct other) <= o->others.n; i += sizeof(struct other)) {
		struct other n;
		memcpy(&n, o->others.p + i, sizeof n);
		*out = uuid_equal(&n.partner, &to->p.id);
		if (!*out && n.version_us == o->version_us)
			rc = stands_in(c, n.id, collection, out, err);
	}
	return rc;
}

static enum rc put_object(struct tx *tx, struct objects_job *k, struct one *o, const struct target *to, struct err *err)
{
	struct collection c;
	bool has = false;
	int64_t added;
	const struct entry e = { .kind = ENTRY_OBJECT, .lane = LANE_BULK, .first = (uint64_t)o->id, .last = (uint64_t)o->id,
				 .count = 1 };
	enum rc rc = collection_of(tx, to->anybody ? COLLECTION_PUBLIC : COLLECTION_OUT, to->p.id, to->p.name, k->t->a, &c, err);
	if (rc == RC_OK)
		rc = look_for_others(tx_conn(tx), k, o, err);
	if (rc == RC_OK)
		rc = has_it(tx_conn(tx), o, to, c.id, &has, err);
	return rc == RC_OK && !has ? entry_put(tx, c.id, &e, &added, err) : rc;
}

static enum rc put_objects(struct tx *tx, void *ctx, struct err *err)
{
	struct objects_job *k = ctx;
	enum rc rc = outbox_cursor_move(tx, OBJECTS_CURSOR, k->from, k->upto, err);
	for (size_t i = 0; rc == RC_OK && i < k->count; i++)
		for (size_t n = 0; rc == RC_OK && n < k->t->count; n++) {
			const struct target *to = &k->t->list[n];
			if (to->anybody ? k->list[i].is_public : to->indicators && !uuid_equal(&to->p.id, &k->list[i].partner))
				rc = put_object(tx, k, &k->list[i], to, err);
		}
	return rc;
}

enum rc offer_objects(struct exchange *x, struct reader *r, struct targets *t, bool *did, struct err *err)
{
	struct objects_job k = { .x = x, .t = t };
	enum rc rc = outbox_cursor(reader_conn(r), OBJECTS_CURSOR, &k.from, err);
	if (rc == RC_OK)
		rc = read_objects(&k, reader_conn(r), err);
	if (rc == RC_OK && k.count > 0)
		rc = store_write(x->w.store, put_objects, &k, err);
	*did |= rc == RC_OK && k.count > 0;
	for (size_t i = 0; i < k.count; i++)
		buf_free(&k.list[i].others);
	return rc;
}
