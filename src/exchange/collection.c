/* SPDX-License-Identifier: Apache-2.0 */
/* Collections and their entries: rows. Reading what they name: collection_page.c. */
#include "exchange/collection.h"

enum { NAME_MOST = 40 };

static str uuid_bytes(const struct uuid *u)
{
	return str_mem(u->b, sizeof u->b);
}

/* --- collections --- */

#define COLUMNS "id, uuid, kind, partner, alias, title, last_us"

static void read_row(struct sql *q, struct arena *a, struct collection *out)
{
	*out = (struct collection){ .id = sql_col_int(q, 0), .kind = (enum collection_kind)sql_col_int(q, 2),
				    .alias = arena_str(a, sql_col_str(q, 4)),
				    .title = arena_str(a, sql_col_str(q, 5)), .last_us = sql_col_int(q, 6) };
	str uuid = sql_col_blob(q, 1), partner = sql_col_blob(q, 3);
	if (uuid.n == sizeof out->uuid.b)
		memcpy(out->uuid.b, uuid.p, uuid.n);
	if (partner.n == sizeof out->partner.b)
		memcpy(out->partner.b, partner.p, partner.n);
}

static enum rc read_one(struct sql *q, struct arena *a, struct collection *out, bool *found, struct err *err)
{
	*found = sql_row(q);
	if (*found)
		read_row(q, a, out);
	return sql_end(q, err);
}

/* "for-telecom-c", "from-telecom-c"; without a name, or when somebody else has it, by the partner's id. */
static str alias_of(enum collection_kind kind, const struct uuid *partner, str title, bool taken, struct arena *a)
{
	const char *way = kind == COLLECTION_IN ? "from" : "for";
	char name[NAME_MOST + 1];
	size_t n = 0;
	if (kind == COLLECTION_PUBLIC)
		return STR("public");
	for (size_t i = 0; i < title.n && n < NAME_MOST; i++) {
		char c = title.p[i];
		c = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain || (n && name[n - 1] != '-'))
			name[n++] = plain ? c : '-';
	}
	while (n && name[n - 1] == '-')
		n--;
	if (n && !taken)
		return arena_fmt(a, "%s-%.*s", way, (int)n, name);
	return arena_fmt(a, "%s-%.*s%s%02x%02x%02x%02x%02x%02x", way, (int)n, name, n ? "-" : "", partner->b[0], partner->b[1],
			 partner->b[2], partner->b[3], partner->b[4], partner->b[5]);
}

static enum rc alias_taken(struct conn *c, str alias, int64_t but, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM collection WHERE alias = ? AND id <> ?");
	sql_str(q, 1, alias);
	sql_int(q, 2, but);
	*out = sql_row(q);
	return sql_end(q, err);
}

/* Writes the row: a new one (id 0), or one that now has a name. */
static enum rc save(struct tx *tx, struct collection *c, str title, struct arena *a, struct err *err)
{
	struct conn *conn = tx_conn(tx);
	bool taken = false;
	c->title = arena_str(a, title);
	c->alias = alias_of(c->kind, &c->partner, title, false, a);
	enum rc rc = alias_taken(conn, c->alias, c->id, &taken, err);
	if (rc != RC_OK)
		return rc;
	if (taken)
		c->alias = alias_of(c->kind, &c->partner, title, true, a);
	struct sql *q = c->id ? sql(conn, "UPDATE collection SET uuid = ?, kind = ?, partner = ?, alias = ?, title = ?"
					  " WHERE id = ?") :
				sql(conn, "INSERT INTO collection (uuid, kind, partner, alias, title, last_us)"
					  " VALUES (?, ?, ?, ?, ?, 0)");
	sql_blob(q, 1, uuid_bytes(&c->uuid));
	sql_int(q, 2, c->kind);
	sql_blob(q, 3, uuid_bytes(&c->partner));
	sql_str(q, 4, c->alias);
	sql_str(q, 5, c->title);
	if (c->id)
		sql_int(q, 6, c->id);
	rc = sql_run(q, err);
	if (rc == RC_OK && !c->id)
		c->id = sql_last_id(conn);
	return rc;
}

enum rc collection_of(struct tx *tx, enum collection_kind kind, struct uuid partner, str title, struct arena *a,
		      struct collection *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT " COLUMNS " FROM collection WHERE kind = ? AND partner = ?");
	bool found;
	sql_int(q, 1, kind);
	sql_blob(q, 2, uuid_bytes(&partner));
	enum rc rc = read_one(q, a, out, &found, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		*out = (struct collection){ .uuid = uuid_random(), .kind = kind, .partner = partner };
	if (found && (title.n == 0 || str_eq(title, out->title)))
		return RC_OK;
	rc = save(tx, out, title.p ? title : STR(""), a, err);
	/* who reads it from the start finds first what the rest refers to */
	const struct entry frame = { .kind = ENTRY_FRAME, .lane = LANE_WARNING, .first = 1, .last = 1, .count = 1 };
	int64_t added = 0;
	if (rc == RC_OK && !found && kind != COLLECTION_IN)
		rc = entry_put(tx, out->id, &frame, &added, err);
	out->last_us = found ? out->last_us : added ? added + ENTRY_STEP - 1 : 0;
	return rc;
}

enum rc collection_find(struct conn *c, str id, struct arena *a, struct collection *out, struct err *err)
{
	struct uuid uuid;
	bool found, is_uuid = uuid_parse(id, &uuid);
	struct sql *q = is_uuid ? sql(c, "SELECT " COLUMNS " FROM collection WHERE uuid = ?") :
				  sql(c, "SELECT " COLUMNS " FROM collection WHERE alias = ?");
	if (is_uuid)
		sql_blob(q, 1, uuid_bytes(&uuid));
	else
		sql_str(q, 1, id);
	enum rc rc = read_one(q, a, out, &found, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "there is no collection '" STR_FMT "'",
						STR_ARG(str_head(id, 100)));
}

enum rc collection_of_partner(struct conn *c, enum collection_kind kind, struct uuid partner, struct arena *a,
			      struct collection *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM collection WHERE kind = ? AND partner = ?");
	bool found;
	sql_int(q, 1, kind);
	sql_blob(q, 2, uuid_bytes(&partner));
	enum rc rc = read_one(q, a, out, &found, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "nothing was offered to that partner yet");
}

enum rc collections_list(struct conn *c, collection_each each, void *ctx, struct err *err)
{
	struct sql *q = sql(c, "SELECT " COLUMNS " FROM collection ORDER BY id");
	struct arena *a = arena_new(KIB(4));
	struct collection one;
	bool go_on = true;
	while (go_on && sql_row(q)) {
		read_row(q, a, &one);
		go_on = each(ctx, &one);
	}
	arena_free(a);
	return sql_end(q, err);
}

/* --- entries --- */

int64_t entry_span_us(const struct entry *e)
{
	switch (e->kind) {
	case ENTRY_EVENTS:
		return (int64_t)(e->last - e->first + 1) * ENTRY_STEP;
	case ENTRY_WITHDRAWN:
	case ENTRY_AGAIN:
	case ENTRY_LATER:
		return (int64_t)e->count * ENTRY_STEP;
	case ENTRY_RECORD:
	case ENTRY_ANSWER:
	case ENTRY_OBJECT:
	case ENTRY_FRAME:
		break;
	}
	return ENTRY_STEP;
}

static enum rc next_time(struct tx *tx, int64_t collection, int64_t span_us, int64_t *out, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "SELECT last_us FROM collection WHERE id = ?");
	int64_t last = 0;
	sql_int(q, 1, collection);
	bool found = sql_row(q);
	if (found)
		last = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		return fail(err, RC_ABSENT, "there is no collection %lld", (long long)collection);
	*out = tx_now_us(tx) > last ? tx_now_us(tx) : last + 1;
	q = sql(tx_conn(tx), "UPDATE collection SET last_us = ? WHERE id = ?");
	sql_int(q, 1, *out + span_us - 1);
	sql_int(q, 2, collection);
	return sql_run(q, err);
}

enum rc entry_put(struct tx *tx, int64_t collection, const struct entry *e, int64_t *added_out, struct err *err)
{
	if (e->last < e->first || e->last - e->first >= ENTRY_EVENTS_MOST || e->count == 0)
		return fail(err, RC_INPUT, "an entry of no items, or of too many");
	enum rc rc = next_time(tx, collection, entry_span_us(e), added_out, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO collection_entry (collection, added_us, kind, lane, first, last, count)"
					 " VALUES (?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, collection);
	sql_int(q, 2, *added_out);
	sql_int(q, 3, e->kind);
	sql_int(q, 4, e->lane);
	sql_int(q, 5, (int64_t)e->first);
	sql_int(q, 6, (int64_t)e->last);
	sql_int(q, 7, (int64_t)e->count);
	return sql_run(q, err);
}

/* --- behind a cursor --- */

static void entry_row(struct sql *q, struct entry *out)
{
	*out = (struct entry){ .added_us = sql_col_int(q, 0), .kind = (enum entry_kind)sql_col_int(q, 1),
			       .lane = (enum lane)sql_col_int(q, 2), .first = (uint64_t)sql_col_int(q, 3),
			       .last = (uint64_t)sql_col_int(q, 4), .count = (uint64_t)sql_col_int(q, 5) };
}

#define ENTRY_COLUMNS "added_us, kind, lane, first, last, count"

static enum rc one_entry(struct sql *q, int64_t collection, int64_t at_us, int lane, struct entry *out, bool *found,
			 struct err *err)
{
	sql_int(q, 1, collection);
	sql_int(q, 2, at_us);
	if (lane >= 0)
		sql_int(q, 3, lane);
	*found = sql_row(q);
	if (*found)
		entry_row(q, out);
	return sql_end(q, err);
}

enum rc entry_after(struct conn *c, int64_t collection, int lane, int64_t after_us, struct entry *out, bool *found,
		    struct err *err)
{
	/* the one in which the cursor stands, unless it is behind its last object */
	struct sql *q = lane < 0 ?
		sql(c, "SELECT " ENTRY_COLUMNS " FROM collection_entry WHERE collection = ? AND added_us <= ?"
		       " ORDER BY added_us DESC LIMIT 1") :
		sql(c, "SELECT " ENTRY_COLUMNS " FROM collection_entry WHERE collection = ? AND added_us <= ? AND lane = ?"
		       " ORDER BY added_us DESC LIMIT 1");
	enum rc rc = one_entry(q, collection, after_us, lane, out, found, err);
	if (rc != RC_OK || (*found && out->added_us + entry_span_us(out) - 1 > after_us))
		return rc;
	q = lane < 0 ?
		sql(c, "SELECT " ENTRY_COLUMNS " FROM collection_entry WHERE collection = ? AND added_us > ?"
		       " ORDER BY added_us LIMIT 1") :
		sql(c, "SELECT " ENTRY_COLUMNS " FROM collection_entry WHERE collection = ? AND added_us > ? AND lane = ?"
		       " ORDER BY added_us LIMIT 1");
	return one_entry(q, collection, after_us, lane, out, found, err);
}

enum rc collection_backlog(struct conn *c, int64_t collection, int lane, int64_t after_us, struct backlog *out,
			   struct err *err)
{
	struct entry e;
	bool found;
	*out = (struct backlog){ 0 };
	enum rc rc = entry_after(c, collection, lane, after_us, &e, &found, err);
	if (rc != RC_OK || !found)
		return rc;
	struct sql *q = lane < 0 ?
		sql(c, "SELECT count(*), coalesce(sum(count), 0) FROM collection_entry WHERE collection = ?"
		       " AND added_us >= ?") :
		sql(c, "SELECT count(*), coalesce(sum(count), 0) FROM collection_entry WHERE collection = ?"
		       " AND added_us >= ? AND lane = ?");
	sql_int(q, 1, collection);
	sql_int(q, 2, e.added_us);
	if (lane >= 0)
		sql_int(q, 3, lane);
	if (sql_row(q))
		*out = (struct backlog){ .entries = (uint64_t)sql_col_int(q, 0), .items = (uint64_t)sql_col_int(q, 1),
					 .oldest_us = e.added_us };
	return sql_end(q, err);
}

enum rc collection_between(struct conn *c, int64_t collection, int lane, int64_t after_us, int64_t upto_us, uint64_t *items_out,
			   struct err *err)
{
	struct entry from, to;
	bool any, more = false;
	*items_out = 0;
	enum rc rc = entry_after(c, collection, lane, after_us, &from, &any, err);
	if (rc == RC_OK && any)
		rc = entry_after(c, collection, lane, upto_us, &to, &more, err);
	if (rc != RC_OK || !any)
		return rc;
	struct sql *q = sql(c, "SELECT coalesce(sum(count), 0) FROM collection_entry WHERE collection = ?1 AND added_us >= ?2"
			       " AND added_us < ?3 AND (?4 < 0 OR lane = ?4)");
	sql_int(q, 1, collection);
	sql_int(q, 2, from.added_us);
	sql_int(q, 3, more ? to.added_us : INT64_MAX);
	sql_int(q, 4, lane);
	*items_out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}
