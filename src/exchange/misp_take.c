/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_private.h"
#include "exchange/misp_sync.h"
#include "intake/feeds.h"
#include "store/sql.h"

enum { LINES_BYTES = 256 << 20, REPORTS_MOST = 10000 };

static bool keep(void *ctx, str line)
{
	struct buf *b = ctx;
	buf_add(b, line);
	buf_char(b, '\n');
	return !b->over;
}

static enum rc feed_of(struct exchange *x, str name, struct arena *a, struct feed *out, struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = feed_by_name(reader_conn(r), name, a, out, err);
	store_read_end(r);
	if (rc == RC_ABSENT)
		return fail(err, RC_ABSENT, "there is no feed '" STR_FMT "': 'ronda feed add " STR_FMT " --tlp TLP' makes it and says "
			    "how events without a marking are marked", STR_ARG(name), STR_ARG(name));
	return rc;
}

/* --- what is deleted there --- */

struct taken {
	str feed;
	struct uuid uuid;
	int64_t report;
};

static enum rc write_taken(struct tx *tx, void *ctx, struct err *err)
{
	const struct taken *t = ctx;
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO misp_taken (source, uuid, report) VALUES (?1, ?2, ?3)");
	sql_str(q, 1, t->feed);
	sql_blob(q, 2, str_mem(t->uuid.b, sizeof(t->uuid.b)));
	sql_int(q, 3, t->report);
	return sql_run(q, err);
}

/* Reports that this MISP event came as, from this source. */
static enum rc reports_of(struct exchange *x, const struct taken *t, struct arena *a, int64_t **out, size_t *count_out,
			  struct err *err)
{
	struct reader *r;
	enum rc rc = store_read_begin(x->w.store, &r, err);
	*count_out = 0;
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT report FROM misp_taken WHERE source = ?1 AND uuid = ?2 ORDER BY report LIMIT ?3");
	*out = ARENA_ARRAY(a, REPORTS_MOST, int64_t);
	sql_str(q, 1, t->feed);
	sql_blob(q, 2, str_mem(t->uuid.b, sizeof(t->uuid.b)));
	sql_int(q, 3, REPORTS_MOST);
	while (*count_out < REPORTS_MOST && sql_row(q))
		(*out)[(*count_out)++] = sql_col_int(q, 0);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

/* What a case holds stays, and is said; the rest goes. */
static enum rc take_back(struct exchange *x, const struct taken *t, const struct misp_heard *h, struct arena *a,
			 uint64_t *out, struct err *err)
{
	int64_t *reports = NULL;
	size_t count = 0;
	if (h->deleted_id_count == 0 || !x->w.take_back)
		return RC_OK;
	enum rc rc = reports_of(x, t, a, &reports, &count, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct err why = { 0 };
		uint64_t n = 0;
		rc = x->w.take_back(x->w.ctx, reports[i], h->deleted_ids, h->deleted_id_count, STR("deleted in its MISP event"), &n,
				    &why);
		if (rc == RC_CONFLICT) {
			log_warn(x->w.log, "what is deleted in a MISP event is kept", L_STR("source", t->feed), L_Z("why", why.text));
			rc = RC_OK;
		} else if (rc != RC_OK) {
			rc = fail(err, rc, "%s", why.text);
		}
		*out += n;
	}
	return rc;
}

enum rc misp_take(struct exchange *x, str feed, struct json_object *o, bool by_distribution, struct arena *a,
		  struct misp_took *out, struct err *err)
{
	struct feed f;
	struct buf lines = BUF_INIT(LINES_BYTES), name = BUF_INIT(128);
	struct misp_heard h = { .events = 0 };
	struct exchange_delivered done = { 0 };
	*out = (struct misp_took){ .info = STR("") };
	enum rc rc = feed_of(x, feed, a, &f, err);
	if (rc != RC_OK)
		return rc;
	const struct misp_marking mark = { f.tlp, by_distribution };
	rc = misp_read_event(o, &mark, a, keep, &lines, &h, err);
	if (rc == RC_CONFLICT)
		rc = fail(err, RC_LIMIT, "a MISP event is more than %d MiB of events", LINES_BYTES >> 20);
	if (rc == RC_OK && h.events > 0) {
		buf_add(&name, STR("misp "));
		uuid_format(&name, &h.uuid);
		const struct exchange_delivery d = { .feed = feed, .provider = f.provider, .lines = buf_str(&lines),
						     .name = buf_str(&name), .tlp = f.tlp, .exercise = f.exercise };
		rc = x->w.deliver(x->w.ctx, &d, &done, err);
	}
	struct taken t = { feed, h.uuid, done.report };
	uint64_t back = 0;
	if (rc == RC_OK && done.report > 0)
		rc = store_write(x->w.store, write_taken, &t, err);
	if (rc == RC_OK)
		rc = take_back(x, &t, &h, a, &back, err);
	if (rc == RC_OK)
		*out = (struct misp_took){ .uuid = h.uuid, .report = done.report, .events = h.events, .accepted = done.accepted,
					   .repeats = done.repeats, .quarantined = done.quarantined, .left_out = h.left_out,
					   .deleted = h.deleted, .taken_back = back, .tlp = h.tlp, .info = h.info };
	buf_free(&lines);
	buf_free(&name);
	return rc;
}
