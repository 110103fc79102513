/* SPDX-License-Identifier: Apache-2.0 */
/* STIX objects that partners sent, as they came. */
#include "exchange/object_store.h"
#include "web/records.h"

/* The record's title, for whom it is one he may see. */
static void put_partner(struct page *p, const struct uuid *partner)
{
	struct buf b = BUF_INIT(RECORD_ID_BYTES);
	struct record_view v = { .record = NULL };
	struct err none;
	record_id_format(&b, STR("partner"), partner);
	str id = arena_str(p->a, buf_str(&b));
	json_put_str(&p->j, "partner", id);
	if (read_record(p->r, page_types(p), &p->caller.viewer, id, p->a, &v, &none) == RC_OK) {
		struct buf title = BUF_INIT(KIB(4));
		record_view_text(&v, record_view_type(&v)->title, &title);
		json_put_str(&p->j, "partner_name", buf_str(&title));
		json_put_str(&p->j, "partner_href", id_href(p, id));
		buf_free(&title);
	}
	record_view_end(&v);
	buf_free(&b);
}

static void put_object(struct page *p, const struct kept_object *o)
{
	json_put_i64(&p->j, "row", o->id);
	json_put_str(&p->j, "id", o->stix_id);
	json_put_str(&p->j, "type", o->type);
	json_put_str(&p->j, "title", o->title.n ? o->title : o->stix_id);
	json_put_str(&p->j, "version", o->version);
	json_put_str(&p->j, "tlp", str_of(o->tlp < TLP_COUNT ? tlp_name(o->tlp) : "RED"));
	json_put_bool(&p->j, "understood", o->tlp < TLP_COUNT);
	json_put_bool(&p->j, "marked", o->marked);
	json_put_bool(&p->j, "revoked", o->revoked);
	put_partner(p, &o->partner);
	json_put_time(&p->j, "at", o->at_us);
	json_put_i64(&p->j, "events", (int64_t)o->events);
	json_put_str(&p->j, "words", o->words);
}

struct putting {
	struct page *p;
	int64_t last;
};

static bool put_row(void *ctx, const struct kept_object *o)
{
	struct putting *k = ctx;
	json_open(&k->p->j, '{');
	put_object(k->p, o);
	json_close(&k->p->j, '}');
	k->p->row_count++;
	k->last = o->id;
	return true;
}

enum rc page_objects(struct page *p, struct err *err)
{
	static const char *const columns[] = { "row", "id", "type", "title", "version", "tlp", "revoked", "partner", "at", "events",
					       "words", NULL };
	struct object_query q = { .type = http_query(p->q, "type"), .limit = (size_t)page_limit(p, 50) };
	struct putting k = { .p = p };
	str before = http_query(p->q, "before");
	bool more = false;
	p->template = "objects";
	p->title = "Objects of others";
	p->columns = columns;
	if (before.n > 0 && (!str_to_i64(before, &q.before) || q.before <= 0))
		return fail(err, RC_INPUT, "'before' is no number of an object");
	enum rc rc = page_reader(p, err);
	if (rc != RC_OK)
		return rc;
	page_rows(p);
	rc = objects_list(p->r, &p->caller.viewer, &q, put_row, &k, &more, err);
	page_rows_end(p);
	json_put_str(&p->j, "type", q.type.p ? q.type : STR(""));
	if (rc == RC_OK && more)
		page_next(p, "before", arena_fmt(p->a, "%lld", (long long)k.last));
	return rc;
}

enum rc page_object(struct page *p, struct err *err)
{
	struct kept_object o;
	p->template = "object";
	p->title = "Object of others";
	enum rc rc = page_reader(p, err);
	if (rc == RC_OK)
		rc = object_find(p->r, &p->caller.viewer, p->item, p->a, &o, err);
	if (rc != RC_OK)
		return rc;
	json_key(&p->j, STR("object"));
	json_open(&p->j, '{');
	put_object(p, &o);
	json_put_str(&p->j, "bytes", o.json);
	json_close(&p->j, '}');
	return RC_OK;
}
