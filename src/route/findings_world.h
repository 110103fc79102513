/* SPDX-License-Identifier: Apache-2.0 */
/* findings_world.h: for tests: a store of its own, deliveries into it, and what
 * the findings and transitions then say. */
#ifndef RONDA_ROUTE_FINDINGS_WORLD_H
#define RONDA_ROUTE_FINDINGS_WORLD_H

#include "base/clock.h"
#include "base/test.h"
#include "base/test_dir.h"
#include "route/directory_private.h"
#include "route/findings_private.h"

enum { LIST = 1, LIST_TOO, HONEYPOT }; /* feeds; the first two list all there is */
enum { HOLDER = 1, TELCO };

static struct err err;

/* How the findings are kept while a test runs: each test is run in every way. */
enum { IN_ROWS, IN_LAYERS, IN_ONE_LAYER, WAYS };
static int way;

static inline void tend(struct store *s)
{
	const struct tend_sizes by = { .rows = 1, .layers = way == IN_LAYERS ? 4 : 2, .transitions = 1 };
	bool did = way != IN_ROWS;
	while (did) {
		CHECK_RC(findings_tend_by(s, &by, &did, &err), RC_OK, err);
		bool more;
		CHECK_RC(store_tend(s, &more, &err), RC_OK, err);
	}
}

struct world {
	struct test_dir dir;
	struct store *s;
	struct directory *d;
	int64_t reports;
	uint64_t told; /* transitions looked at so far */
};

static inline struct directory *directory_of(const char *holder_net)
{
	static const struct org orgs[] = { { .id = HOLDER, .name = STR_INIT("Holder") },
					   { .id = TELCO, .name = STR_INIT("Telco") } };
	const struct scope_row rows[] = {
		{ HOLDER, SCOPE_NET, str_of(holder_net), ROLE_ASSET_HOLDER, false, 0, 0 },
		{ TELCO, SCOPE_NET, STR("100.64.0.0/10"), ROLE_NETWORK, true, 0, 0 },
	};
	struct directory *d = NULL;
	CHECK_RC(directory_make(orgs, COUNT_OF(orgs), rows, COUNT_OF(rows), 1, &d, &err), RC_OK, err);
	return d;
}

static inline struct world world_new(void)
{
	struct world w = { .dir = test_dir_new(), .d = directory_of("198.18.0.0/24") };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(w.dir.path, "Team B", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.dir.path, NULL, NULL, &w.s, &err), RC_OK, err);
	return w;
}

static inline void world_end(struct world *w)
{
	store_close(w->s);
	directory_free(w->d);
	test_dir_end(&w->dir);
}

/* --- deliveries --- */

struct line {
	const char *ip, *type, *severity, *identifier, *malware;
	int port;
	int64_t at; /* seconds */
	int tlp;
	bool exercise;
	int accuracy; /* one more; 0: none */
};
#define VULN(address, when) { .ip = (address), .type = "vulnerable-system", .port = 23, .at = (when) }

struct delivery {
	struct world *w;
	const struct line *lines;
	size_t n;
	int64_t feed;
	struct batch *b;
	struct event_chunk *chunk;
	uint64_t first;
};

static inline void fill(struct batch *b, const struct line *l)
{
	struct ip ip;
	CHECK(ip_parse(str_of(l->ip), &ip));
	batch_row_begin(b, b->c.rows + 1, 0, 0, 1);
	batch_set_ip(b, FIELD_SOURCE_IP, &ip);
	batch_set_text(b, FIELD_CLASSIFICATION_TYPE, STR_NONE, str_of(l->type));
	if (l->severity)
		batch_set_text(b, FIELD_SEVERITY, STR_NONE, str_of(l->severity));
	if (l->identifier)
		batch_set_text(b, FIELD_CLASSIFICATION_IDENTIFIER, STR_NONE, str_of(l->identifier));
	if (l->malware)
		batch_set_text(b, FIELD_MALWARE_NAME, STR_NONE, str_of(l->malware));
	if (l->port)
		batch_set_int(b, FIELD_SOURCE_PORT, STR_NONE, l->port);
	batch_set_time(b, FIELD_TIME_SOURCE, (1700000000 + l->at) * SECOND_US);
	batch_set_int(b, FIELD_TLP, STR_NONE, l->tlp);
	if (l->accuracy)
		batch_set_float(b, FIELD_FEED_ACCURACY, STR_NONE, l->accuracy > 100 ? 100 : l->accuracy - 0.5);
	if (l->exercise)
		batch_set_bool(b, FIELD_EXERCISE, STR_NONE, true);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
}

static inline enum rc new_report(struct tx *tx, const struct delivery *d, struct err *e)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO report (id, feed, state, received_us, digest, bytes, "
					 "format, file_name, type, parser_version, next_offset, next_input, "
					 "inputs, accepted, events, repeats, quarantined, dropped, blank, "
					 "parse_us, words, exercise) VALUES (?1, ?2, 2, ?3, x'00', 0, '', '', "
					 "'', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0)");
	sql_int(q, 1, d->w->reports);
	sql_int(q, 2, d->feed);
	sql_int(q, 3, clock_now_us());
	return sql_run(q, e);
}

static inline enum rc deliver_job(struct tx *tx, void *ctx, struct err *e)
{
	struct delivery *d = ctx;
	enum rc rc = new_report(tx, d, e);
	return rc == RC_OK && d->n ? event_chunk_commit(tx, d->chunk, &d->first, e) : rc;
}

/* One report of a feed; returns its id. */
static inline int64_t deliver(struct world *w, int64_t feed, const struct line *lines, size_t n)
{
	struct delivery d = { .w = w, .lines = lines, .n = n, .feed = feed, .b = batch_new() };
	struct report r = { .id = ++w->reports, .feed = feed, .received_us = clock_now_us() };
	for (size_t i = 0; i < n; i++)
		fill(d.b, &lines[i]);
	CHECK_RC(route_batch(w->d, d.b, clock_now_us(), &err), RC_OK, err);
	if (n)
		CHECK_RC(event_chunk_new(d.b, &r, NULL, &d.chunk, &err), RC_OK, err);
	CHECK_RC(store_write(w->s, deliver_job, &d, &err), RC_OK, err);
	event_chunk_free(d.chunk);
	batch_free(d.b);
	return w->reports;
}
#define DELIVER(w, feed, ...)                                              \
	deliver((w), (feed), (const struct line[]){ __VA_ARGS__ },         \
		COUNT_OF(((const struct line[]){ __VA_ARGS__ })))

static inline void fold(struct world *w)
{
	uint64_t did;
	do
		CHECK_RC(findings_fold(w->s, w->d, 100000, &did, &err), RC_OK, err);
	while (did);
	tend(w->s);
}

static inline void complete(struct world *w, int64_t feed, int64_t report)
{
	fold(w);
	CHECK_RC(findings_run_complete(w->s, feed, report, &err), RC_OK, err);
	tend(w->s);
}

/* --- looking --- */

struct listing {
	struct buf *out;
};

static inline bool list_one(void *ctx, const struct finding *f)
{
	struct listing *l = ctx;
	buf_fmt(l->out, "%s" STR_FMT " %s %llu", l->out->n ? "; " : "", STR_ARG(f->key),
		finding_state_name(f->state), (unsigned long long)f->events);
	if (f->exercise)
		buf_add(l->out, STR(" exercise"));
	return true;
}

static inline str listed(struct world *w, enum finding_state state, struct buf *out)
{
	struct reader *r;
	struct listing l = { out };
	const struct finding_query q = { .state = state, .tlp_mask = 31, .exercise = true };
	buf_reset(out);
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(findings_list(r, &q, list_one, &l, &err), RC_OK, err);
	store_read_end(r);
	return buf_str(out);
}
#define CHECK_LIST(w, state, want)                                          \
	do {                                                                \
		struct buf out_ = BUF_INIT(MIB(1));                         \
		CHECK_STR(listed((w), (state), &out_), STR(want));          \
		buf_free(&out_);                                            \
	} while (0)

static inline enum rc told_job(struct tx *tx, void *ctx, struct err *e)
{
	return transitions_told(tx, "test", *(uint64_t *)ctx, e);
}

/* The transitions since the last look: "opened opened gone". */
static inline str news(struct world *w, struct buf *out)
{
	struct reader *r;
	struct transition_row *rows;
	struct arena *a = arena_new(KIB(16));
	size_t n;
	buf_reset(out);
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(transitions_read(reader_conn(r), "test", 1000, a, &rows, &n, &err), RC_OK, err);
	store_read_end(r);
	for (size_t i = 0; i < n; i++)
		buf_fmt(out, "%s%s", i ? " " : "", transition_name(rows[i].what));
	if (n)
		CHECK_RC(store_write(w->s, told_job, &rows[n - 1].seq, &err), RC_OK, err);
	arena_free(a);
	return buf_str(out);
}
#define CHECK_NEWS(w, want)                                                 \
	do {                                                                \
		struct buf out_ = BUF_INIT(MIB(1));                         \
		CHECK_STR(news((w), &out_), STR(want));                     \
		buf_free(&out_);                                            \
	} while (0)

/* All that a person could see of the findings, to compare before and after. */
static struct reader *dump_from; /* also what each feed saw, of the first ones */
static size_t dump_feeds;
static inline bool dump_one(void *ctx, const struct finding *f)
{
	struct buf *out = ctx;
	struct arena *a = arena_new(KIB(4));
	struct finding_feed *feeds;
	size_t n = 0;
	if (dump_from && dump_feeds++ < 100)
		CHECK_RC(findings_feeds(dump_from, f->id, a, &feeds, &n, &err), RC_OK, err);
	for (size_t i = 0; i < n; i++)
		buf_fmt(out, "%lld %lld %lld %lld; ", (long long)feeds[i].feed,
			(long long)feeds[i].first_seen_us, (long long)feeds[i].last_seen_us,
			(long long)feeds[i].report);
	arena_free(a);
	buf_fmt(out, STR_FMT " %s %llu %llu %lld %lld %lld %d %d " STR_FMT " %zu\n", STR_ARG(f->key),
		finding_state_name(f->state), (unsigned long long)f->events,
		(unsigned long long)f->returns, (long long)f->first_seen_us, (long long)f->last_seen_us,
		(long long)f->feed, f->tlp, f->exercise, STR_ARG(f->severity), f->concerns.count);
	if (f->confidence)
		buf_fmt(out, "sure %d\n", f->confidence - 1);
	return true;
}
static inline void dump(struct world *w, struct buf *out)
{
	struct reader *r;
	buf_reset(out);
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	dump_from = r;
	dump_feeds = 0;
	for (int state = 0; state <= FINDING_GONE; state += FINDING_GONE) {
		const struct finding_query q = { .state = (enum finding_state)state, .tlp_mask = 31,
						 .exercise = true };
		CHECK_RC(findings_list(r, &q, dump_one, out, &err), RC_OK, err);
	}
	dump_from = NULL;
	store_read_end(r);
}

static inline void rebuild_changes_nothing(struct world *w)
{
	struct buf before = BUF_INIT(MIB(4)), after = BUF_INIT(MIB(4));
	dump(w, &before);
	CHECK_RC(findings_rebuild(w->s, w->d, &err), RC_OK, err);
	tend(w->s);
	dump(w, &after);
	CHECK_STR(buf_str(&after), buf_str(&before));
	CHECK_NEWS(w, "");
	buf_free(&before);
	buf_free(&after);
}

static inline enum rc statement(struct tx *tx, void *ctx, struct err *e)
{
	return sql_run(sql(tx_conn(tx), ctx), e);
}
static inline void run_sql(struct world *w, const char *literal)
{
	CHECK_RC(store_write(w->s, statement, (void *)literal, &err), RC_OK, err);
}

/* Each test, in every way. */
#define EVERY_WAY(name)                                                             \
	static void every_way_##name(void)                                          \
	{                                                                           \
		for (way = 0; way < WAYS; way++) {                                  \
			int failed = test_failures;                                 \
			test_##name();                                              \
			if (test_failures > failed)                                 \
				printf("# in way %d\n", way);                       \
		}                                                                   \
	}
#define RUN_EVERY_WAY(name) { #name, every_way_##name }

#endif
