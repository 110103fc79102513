/* SPDX-License-Identifier: Apache-2.0 */
/* Records and objects of others in a page. */
#include "exchange/exchange_private.h"
#include "exchange/object_store.h"
#include "exchange/page_private.h"
#include "exchange/record_stix.h"
#include "exchange/together_private.h"

/* --- records --- */

struct named {
	str type, item;
	uint64_t version;
};

/* Which record and version an entry names. RC_ABSENT. */
static enum rc find_version(struct paging *p, struct named *out, struct err *err)
{
	struct sql *q = sql(reader_conn(p->r), "SELECT r.uuid, t.name, v.version FROM record_version v"
					       " JOIN record r ON r.id = v.record JOIN record_name t ON t.id = r.type"
					       " WHERE v.id = ?");
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	struct uuid u;
	sql_int(q, 1, (int64_t)p->e.first);
	bool found = sql_row(q) && sql_col_blob(q, 0).n == sizeof u.b;
	if (found) {
		memcpy(u.b, sql_col_blob(q, 0).p, sizeof u.b);
		out->type = arena_str(p->a, sql_col_str(q, 1));
		out->version = (uint64_t)sql_col_int(q, 2);
		record_id_format(&id, out->type, &u);
		out->item = arena_str(p->a, buf_str(&id));
	}
	buf_free(&id);
	enum rc rc = sql_end(q, err);
	return rc != RC_OK || found ? rc : fail(err, RC_ABSENT, "that version is not there any more");
}

static enum rc write_record(struct paging *p, const struct types *types, const struct told *told, struct err *err)
{
	struct stix_record s = { .more = NULL };
	enum rc rc = record_stix(&told->view, types, store_node_id(p->x->w.store), p->a, &s, err);
	if (rc == RC_OK)
		rc = stix_write_record(p->writer, &s, err);
	record_stix_end(&s);
	return page_written(p, rc, err);
}

/* Did he get an earlier version by this collection, as far as its entries say? */
static enum rc had_before(struct paging *p, bool *out, struct err *err)
{
	struct sql *q = sql(reader_conn(p->r), "SELECT 1 FROM record_version n JOIN record_version v ON v.record = n.record"
			    " JOIN collection_entry e ON e.kind = 2 AND e.first = v.id AND e.collection = ?"
			    " WHERE n.id = ? AND e.added_us < ? LIMIT 1");
	_Static_assert(ENTRY_RECORD == 2, "as the statement says");
	sql_int(q, 1, p->c->id);
	sql_int(q, 2, (int64_t)p->e.first);
	sql_int(q, 3, p->e.added_us);
	*out = sql_row(q);
	return sql_end(q, err);
}

/* He may not have the correction: then he does not keep what it corrects either. */
static enum rc take_it_back(struct paging *p, const struct types *types, const struct named *n, struct err *err)
{
	const struct stix_withdrawn gone = { .id = record_stix_id(types, n->item, p->a), .item = n->item,
					     .at_us = p->e.added_us, .why = STR("") };
	return page_written(p, stix_write_withdrawn(p->writer, &gone, err), err);
}

/* A contribution goes by the flow of what it is about, ... */
static enum rc find_about(struct paging *p, const struct types *types, const struct named *n, struct shared_item *out,
			  const char **flow, struct err *err)
{
	struct word word;
	enum rc rc = word_load(reader_conn(p->r), types, n->item, p->a, &word, err);
	if (rc == RC_OK)
		rc = shared_load(reader_conn(p->r), types, store_node_id(p->x->w.store), word.about, p->a, out, err);
	*flow = rc == RC_OK && out->known && out->r.type ? out->r.type->offer_flow : NULL;
	return rc == RC_INPUT || rc == RC_ABSENT ? RC_OK : rc;
}

/* ... and never to one who may not have that, when it is ours. */
static enum rc may_have(struct paging *p, const struct types *types, const struct told_to *to, str item, struct err *err)
{
	struct told told = { .rule = "" };
	enum rc rc = told_item(p->r, types, to, item, 0, p->a, &told, err);
	told_end(&told);
	return rc;
}

static enum rc tell_record(struct paging *p, const struct types *types, const struct named *n, struct err *err)
{
	const struct type *type = types_find(types, n->type);
	const char *flow = type ? type->offer_flow : NULL;
	struct shared_item about = { .known = false };
	struct told_to to;
	struct told told;
	bool flows = false, had = false;
	to = *p->to;
	enum rc rc = type && type->offer_about ? find_about(p, types, n, &about, &flow, err) : RC_OK;
	if (rc == RC_OK && flow)
		rc = page_flow(p, str_of(flow), &to, &flows, err);
	if (rc == RC_OK)
		rc = had_before(p, &had, err);
	if (rc != RC_OK || !(flows || (had && flow))) {
		p->out->refused++;
		return rc;
	}
	rc = told_item(p->r, types, &to, n->item, n->version, p->a, &told, err);
	if (rc == RC_OK && about.known && about.ours)
		rc = may_have(p, types, &to, about.item, err);
	if (rc == RC_OK)
		rc = write_record(p, types, &told, err);
	else if (rc == RC_DENIED || rc == RC_ABSENT) {
		p->out->refused += !had;
		rc = had ? take_it_back(p, types, n, err) : RC_OK;
	}
	told_end(&told);
	return rc;
}

enum rc paging_record(struct paging *p, struct err *err)
{
	struct named n;
	enum rc rc = find_version(p, &n, err);
	if (rc == RC_ABSENT)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	struct snapshot_ref *ref = snapshot_hold(p->x->w.types);
	rc = tell_record(p, snapshot_table(ref), &n, err);
	snapshot_drop(p->x->w.types, ref);
	return rc;
}

/* --- objects of others --- */

enum { FOREIGN_MOST = 4 << 20 /* as the largest of ours */ };

enum rc page_foreign(struct paging *p, struct err *err)
{
	struct kept_object o;
	struct told_to to;
	bool flows;
	enum rc rc = page_flow(p, STR("indicators"), &to, &flows, err);
	if (rc == RC_OK && flows)
		rc = object_told(p->r, &to, p->c->partner, (int64_t)p->e.first, p->a, &o, err);
	if (rc == RC_DENIED || rc == RC_ABSENT || (rc == RC_OK && !flows)) {
		p->out->refused++;
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	if (o.json.n > FOREIGN_MOST) /* nobody could take the batch it is in, and it would keep all behind it from him */
		return page_written(p, fail(err, RC_LIMIT, "'" STR_FMT "' has %zu KiB: what is longer than %d KiB is not passed on",
					    STR_ARG(o.stix_id), o.json.n / 1024, FOREIGN_MOST / 1024), err);
	/* the carrier is the object itself: it goes as it came */
	const struct stix_given g = { .json = o.json, .id = o.stix_id, .version = o.version, .tlp = o.tlp,
				      .part = STIX_CARRIER };
	(void)page_take(p, &g);
	return RC_OK;
}
