/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node_exchange.h"

#include "intake/feeds.h"
#include "node/pipeline.h"
#include "node/withdrawn.h"

/* --- the feed of a partner --- */

struct making {
	struct node *n;
	const struct exchange_delivery *d;
};

static enum rc make_feed(struct tx *tx, void *ctx, struct err *err)
{
	const struct making *m = ctx;
	const struct feed f = { .name = m->d->feed, .provider = m->d->provider, .tlp = m->d->tlp, .on = true,
				.exercise = m->d->exercise, .format = STR("intelmq") };
	int64_t id;
	return feed_add(tx, m->n->journal, &f, STR("node"), &id, err);
}

static enum rc have_feed(struct node *n, const struct exchange_delivery *d, struct err *err)
{
	struct arena *a = arena_new(KIB(2));
	struct reader *r;
	struct feed f;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc == RC_OK) {
		rc = feed_by_name(reader_conn(r), d->feed, a, &f, err);
		store_read_end(r);
	}
	if (rc == RC_ABSENT) {
		struct making m = { n, d };
		rc = store_write(n->store, make_feed, &m, err);
		if (rc == RC_CONFLICT) /* made meanwhile by another delivery */
			rc = RC_OK;
	}
	arena_free(a);
	return rc;
}

static enum rc deliver(void *ctx, const struct exchange_delivery *d, struct exchange_delivered *out,
		       struct err *err)
{
	struct node *n = ctx;
	const struct delivery way = { .feed = d->feed, .format = STR("intelmq"), .file_name = d->name,
				      .actor = STR("node") };
	struct intake_summary s;
	struct intake *in;
	enum rc rc = have_feed(n, d, err);
	if (rc == RC_OK)
		rc = intake_begin(n->pipeline, &way, &in, err);
	if (rc != RC_OK)
		return rc;
	rc = intake_bytes(in, d->lines, err);
	if (rc != RC_OK) {
		intake_abort(in);
		return rc;
	}
	rc = intake_end(in, false, NULL, NULL, &s, err);
	if (rc == RC_OK)
		*out = (struct exchange_delivered){ .report = s.report, .accepted = s.counts.accepted,
						    .repeats = s.counts.repeats,
						    .quarantined = s.counts.quarantined };
	return rc;
}

enum rc node_exchange_open(struct node *n, struct err *err)
{
	const struct exchange_world w = {
		.store = n->store, .journal = n->journal, .records = n->records, .roles = n->roles,
		.policies = n->policies, .types = n->types, .settings = n->settings, .log = n->log,
		.dir = n->dir, .directory = n->directory, .ctx = n, .deliver = deliver, .take_back = node_take_back,
	};
	node_withdrawn_open(n);
	return exchange_open(&w, &n->exchange, err);
}

void node_exchange_close(struct node *n)
{
	exchange_close(n->exchange);
	n->exchange = NULL;
}
