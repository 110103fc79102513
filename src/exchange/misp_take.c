/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/misp_private.h"
#include "exchange/misp_sync.h"
#include "intake/feeds.h"

enum { LINES_BYTES = 256 << 20 };

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

enum rc misp_take(struct exchange *x, str feed, struct json_object *o, bool by_distribution, struct arena *a,
		  struct misp_took *out, struct err *err)
{
	struct feed f;
	struct buf lines = BUF_INIT(LINES_BYTES), name = BUF_INIT(128);
	struct misp_heard h;
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
	if (rc == RC_OK)
		*out = (struct misp_took){ .uuid = h.uuid, .report = done.report, .events = h.events, .accepted = done.accepted,
					   .repeats = done.repeats, .quarantined = done.quarantined, .left_out = h.left_out,
					   .deleted = h.deleted, .tlp = h.tlp, .info = h.info };
	buf_free(&lines);
	buf_free(&name);
	return rc;
}
