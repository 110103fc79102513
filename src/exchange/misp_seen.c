/* SPDX-License-Identifier: Apache-2.0 */
/* What of each source was taken, and at which `timestamp`. */
#include <json-c/json.h>
#include <stdlib.h>

#include "exchange/misp_client.h"
#include "exchange/misp_private.h"
#include "exchange/misp_sync.h"
#include "store/sql.h"

static int64_t stamp_of(struct json_object *o)
{
	int64_t v = 0;
	str s = json_get_str(o, "timestamp");
	if (s.p ? str_to_i64(s, &v) : json_get_i64(o, "timestamp", &v))
		return v > 0 ? v : 0;
	return 0;
}

static int by_stamp(const void *a, const void *b)
{
	const struct misp_listing *x = a, *y = b;
	if (x->failed != y->failed) /* some that are never had do not keep what is new from us */
		return x->failed - y->failed;
	return x->stamp != y->stamp ? (x->stamp < y->stamp ? -1 : 1) : memcmp(x->uuid.b, y->uuid.b, sizeof(x->uuid.b));
}

static enum rc is_news(struct conn *c, str source, struct misp_listing *l, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT stamp, tries FROM misp_seen WHERE source = ?1 AND uuid = ?2");
	sql_str(q, 1, source);
	sql_blob(q, 2, str_mem(l->uuid.b, sizeof(l->uuid.b)));
	bool known = sql_row(q);
	*out = !known || sql_col_int(q, 0) < l->stamp;
	l->failed = known && sql_col_int(q, 1) > 0;
	return sql_end(q, err);
}

struct listing {
	struct conn *c;
	str source;
	struct misp_listing *list;
	size_t count;
};

static enum rc add(struct listing *k, str uuid, struct json_object *o, struct err *err)
{
	struct misp_listing one = { .stamp = stamp_of(o) };
	bool news = false;
	if (!uuid_parse(uuid, &one.uuid) || one.stamp == 0)
		return RC_OK; /* nothing that could be asked for */
	enum rc rc = is_news(k->c, k->source, &one, &news, err);
	if (rc == RC_OK && news)
		k->list[k->count++] = one;
	return rc;
}

enum rc misp_news(struct exchange *x, str source, struct json_object *o, struct arena *a, struct misp_listing **out,
		  size_t *count_out, struct err *err)
{
	bool is_manifest = json_object_is_type(o, json_type_object);
	size_t most = is_manifest ? (size_t)json_object_object_length(o) : json_count(o);
	struct listing k = { .source = source };
	struct reader *r;
	if (!is_manifest && !json_object_is_type(o, json_type_array))
		return fail(err, RC_INPUT, "'" STR_FMT "' lists no events", STR_ARG(source));
	if (most > MISP_LISTED_MOST)
		return fail(err, RC_LIMIT, "'" STR_FMT "' lists more than %d events", STR_ARG(source), MISP_LISTED_MOST);
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	k.c = reader_conn(r);
	k.list = ARENA_ARRAY(a, most + 1, struct misp_listing);
	if (is_manifest) {
		struct json_object_iterator at = json_object_iter_begin(o), end = json_object_iter_end(o);
		for (; rc == RC_OK && !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
			rc = add(&k, str_of(json_object_iter_peek_name(&at)), json_object_iter_peek_value(&at), err);
	}
	for (size_t i = 0; rc == RC_OK && !is_manifest && i < most; i++)
		rc = add(&k, json_get_str(json_at(o, i), "uuid"), json_at(o, i), err);
	store_read_end(r);
	qsort(k.list, k.count, sizeof(*k.list), by_stamp);
	*out = k.list;
	*count_out = k.count;
	return rc;
}

/* --- notes --- */

struct note {
	str source, failure;
	const struct misp_listing *l;
	uint64_t taken;
};

/* What failed keeps the time it was taken at before: it is news at the next look too. */
static enum rc write_event(struct tx *tx, void *ctx, struct err *err)
{
	const struct note *n = ctx;
	struct sql *q = n->failure.n > 0 ?
		sql(tx_conn(tx), "INSERT INTO misp_seen (source, uuid, stamp, tries, failure) VALUES (?1, ?2, 0, 1, ?4)"
				 " ON CONFLICT (source, uuid) DO UPDATE SET tries = tries + 1, failure = ?4") :
		sql(tx_conn(tx), "INSERT INTO misp_seen (source, uuid, stamp, tries, failure) VALUES (?1, ?2, ?3, 0, '')"
				 " ON CONFLICT (source, uuid) DO UPDATE SET stamp = ?3, tries = 0, failure = ''");
	sql_str(q, 1, n->source);
	sql_blob(q, 2, str_mem(n->l->uuid.b, sizeof(n->l->uuid.b)));
	if (n->failure.n > 0)
		sql_str(q, 4, n->failure);
	else
		sql_int(q, 3, n->l->stamp);
	return sql_run(q, err);
}

enum rc misp_note_event(struct exchange *x, str source, const struct misp_listing *l, str failure, struct err *err)
{
	struct note n = { .source = source, .failure = failure, .l = l };
	return store_write(x->w.store, write_event, &n, err);
}

static enum rc write_look(struct tx *tx, void *ctx, struct err *err)
{
	const struct note *n = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO misp_source (name, looked_us, fine_us, events, failure) VALUES (?1, ?2, ?3, ?4, ?5)"
					 " ON CONFLICT (name) DO UPDATE SET looked_us = ?2, fine_us = max(fine_us, ?3),"
					 " events = events + ?4, failure = ?5");
	sql_str(q, 1, n->source);
	sql_int(q, 2, tx_now_us(tx));
	sql_int(q, 3, n->failure.n > 0 ? 0 : tx_now_us(tx));
	sql_int(q, 4, (int64_t)n->taken);
	sql_str(q, 5, n->failure);
	return sql_run(q, err);
}

enum rc misp_note_look(struct exchange *x, str source, uint64_t taken, str failure, struct err *err)
{
	struct note n = { .source = source, .failure = failure, .taken = taken };
	return store_write(x->w.store, write_look, &n, err);
}

enum rc misp_sources(struct exchange *x, struct conn *c, struct arena *a, struct misp_source_state **out,
		     size_t *count_out, struct err *err)
{
	enum { MOST = 1000 };
	struct sql *q = sql(c, "SELECT name, looked_us, fine_us, events, failure, (SELECT count(*) FROM misp_seen"
			       " WHERE source = name AND tries > 0) FROM misp_source ORDER BY name");
	(void)x;
	*out = ARENA_ARRAY(a, MOST, struct misp_source_state);
	*count_out = 0;
	while (*count_out < MOST && sql_row(q))
		(*out)[(*count_out)++] = (struct misp_source_state){
			.name = arena_str(a, sql_col_str(q, 0)), .looked_us = sql_col_int(q, 1), .fine_us = sql_col_int(q, 2),
			.events = (uint64_t)sql_col_int(q, 3), .failure = arena_str(a, sql_col_str(q, 4)),
			.waiting = (uint64_t)sql_col_int(q, 5) };
	return sql_end(q, err);
}
