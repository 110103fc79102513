/* SPDX-License-Identifier: Apache-2.0 */
/* bench-post: envelopes of a partner taken in, each on disk before the next: objects a second.
 *
 *   cp build/bench/bench-post build/ && build/bench-post DIR [KIND [ENVELOPES [OBJECTS [THREADS]]]]
 *
 * (It starts parsers, which must lie beside it.) KIND: "events" (of another ronda, with what is there for other readers),
 * "carriers" (the events alone), "flat" (the events without STIX, as rondas push them), "mixed" (the same, each of any
 * second of the day) or "objects" (of others, kept as they come); "rest" posts nothing and waits until the background has
 * put in order what objects are there. A node is made in DIR when there is none. Making the envelopes is not part of the figures. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exchange/take.h"
#include "node/node.h"
#include "stix/stix_event.h"

#define NODE_C "cccccccc-0000-4000-8000-000000000001"

struct bench {
	struct node *n;
	const char *kind;
	size_t envelopes, objects;
	uint64_t run;
};
struct worker {
	struct bench *b;
	unsigned number;
	uint64_t objects, failures;
	double longest_ms, seconds; /* of taking alone */
	pthread_t thread;
};

static void must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

struct writing {
	struct buf *out;
	size_t objects;
	bool carriers;
};

static bool add(void *ctx, const struct stix_given *g)
{
	struct writing *w = ctx;
	if (w->carriers && g->part != STIX_CARRIER)
		return true;
	if (w->objects++)
		buf_char(w->out, ',');
	buf_add(w->out, g->json);
	return true;
}

#define EVENT "{\"id\":\"%016llx%016llx\",\"classification.taxonomy\":\"vulnerable\"," \
	      "\"classification.type\":\"vulnerable-system\",\"classification.identifier\":\"open-telnet\"," \
	      "\"source.ip\":\"198.18.%llu.%llu\",\"source.port\":%llu,\"source.asn\":64500,\"protocol.transport\":\"tcp\"," \
	      "\"time.source\":\"2026-11-22T%02llu:%02llu:%02llu+00:00\",\"tlp\":\"GREEN\",\"extra.banner\":\"login: %llu\"}"
/* As ids of others are: all over the place (splitmix64). */
static uint64_t scattered(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static void make_event(const struct bench *b, uint64_t i, struct buf *out)
{
	const uint64_t second = b->kind[0] == 'm' ? scattered(b->run + i) % 86400 : i;
	buf_fmt(out, EVENT, (unsigned long long)b->run, (unsigned long long)i, (unsigned long long)(i / 256 % 256),
		(unsigned long long)(i % 256), (unsigned long long)(i / 65536 % 65536), (unsigned long long)(second / 3600 % 24),
		(unsigned long long)(second / 60 % 60), (unsigned long long)(second % 60), (unsigned long long)i);
}

static void make_flat(struct bench *b, uint64_t first, struct buf *out)
{
	for (size_t i = 0; i < b->objects; i++) {
		if (i)
			buf_char(out, ',');
		make_event(b, first + i, out);
	}
}

static void make_events(struct bench *b, uint64_t first, struct buf *out)
{
	struct err err;
	struct writing w = { .out = out, .carriers = b->kind[0] == 'c' };
	struct stix_writer *writer = stix_writer_new(STR(NODE_C), STR("Team C"), add, &w);
	for (uint64_t i = first; w.objects < b->objects; i++) {
		struct buf text = BUF_INIT(4096);
		struct json_object *event = NULL;
		make_event(b, i, &text);
		must(json_read(buf_str(&text), &event, &err), &err);
		must(stix_write_event(writer, event, &err), &err);
		json_free(event);
		buf_free(&text);
	}
	stix_writer_free(writer);
}

static void make_objects(struct bench *b, uint64_t first, struct buf *out)
{
	for (size_t i = 0; i < b->objects; i++)
		buf_fmt(out, "%s{\"type\":\"malware\",\"spec_version\":\"2.1\",\"id\":\"malware--%08llx-0000-4000-8000-%012llx\","
			"\"created\":\"2026-11-22T09:00:00.000Z\",\"modified\":\"2026-11-22T09:00:00.000Z\",\"name\":\"Made up %zu\","
			"\"is_family\":false,\"malware_types\":[\"bot\"],\"description\":\"%0120zu\"}", i ? "," : "",
			(unsigned long long)(scattered(b->run + first + i) & 0xffffffff), (unsigned long long)(first + i), i, i);
}

static void *work(void *ctx)
{
	struct worker *w = ctx;
	struct bench *b = w->b;
	const struct partner from = { .id = { { 0xc, (uint8_t)w->number } }, .name = STR("Team C"), .kind = PARTNER_NODE,
				      .active = true,
				      .node = { { 0xcc, 0xcc, 0xcc, 0xcc, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1 } } };
	for (size_t i = 0; i < b->envelopes; i++) {
		struct buf text = BUF_INIT(MIB(64));
		struct arena *a = arena_new(KIB(256));
		struct taken taken;
		struct err err = { 0 };
		uint64_t first = ((uint64_t)w->number * b->envelopes + i) * b->objects;
		const bool flat = b->kind[0] == 'f' || b->kind[0] == 'm';
		buf_add(&text, flat ? STR("{\"origin\":\"" NODE_C "\",\"events\":[") : STR("{\"objects\":["));
		if (flat)
			make_flat(b, first, &text);
		else if (b->kind[0] == 'o')
			make_objects(b, first, &text);
		else
			make_events(b, first, &text);
		buf_add(&text, STR("]}"));
		int64_t begin = clock_mono_us();
		must(take_envelope(b->n->exchange, &from, buf_str(&text), STR("bench"), a, &taken, &err), &err);
		double ms = (double)(clock_mono_us() - begin) / 1000;
		w->seconds += ms / 1000;
		w->longest_ms = ms > w->longest_ms ? ms : w->longest_ms;
		w->objects += taken.objects;
		w->failures += taken.failure_count;
		if (taken.failure_count && w->failures == taken.failure_count)
			printf("# " STR_FMT "\n", STR_ARG(taken.failures[0].words));
		arena_free(a);
		buf_free(&text);
	}
	return NULL;
}

/* All closed runs of keys have their filter, none is being made. */
static void wait_for_rest(struct node *n)
{
	struct err err;
	for (bool busy = true; busy;) {
		struct reader *r;
		must(store_read_begin(n->store, &r, &err), &err);
		struct sql *q = sql(reader_conn(r), "SELECT 1 FROM exchange_object_run r WHERE state > 1 OR state = 1 AND NOT EXISTS"
						    " (SELECT 1 FROM exchange_object_filter f WHERE f.run = r.run) LIMIT 1");
		busy = sql_row(q);
		must(sql_end(q, &err), &err);
		store_read_end(r);
		usleep(100000);
	}
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	char secret[128];
	const char *dir = argc > 1 ? argv[1] : "";
	struct bench b = { .kind = argc > 2 ? argv[2] : "events", .envelopes = argc > 3 ? strtoul(argv[3], NULL, 10) : 50,
			   .objects = argc > 4 ? strtoul(argv[4], NULL, 10) : 1000 };
	unsigned threads = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 2;
	struct worker w[64] = { { .number = 0 } };
	if (argc < 2 || threads < 1 || threads > COUNT_OF(w)) {
		fprintf(stderr, "usage: bench-post DIR [events|carriers|flat|mixed|objects|rest [ENVELOPES [OBJECTS [THREADS]]]]\n");
		return 2;
	}
	must(hash_init(&err), &err);
	b.run = random_u64();
	if (node_open(dir, &(struct node_options){ .parsers = true }, &b.n, &err) != RC_OK) {
		must(node_create(dir, "Team B", "ID", secret, sizeof secret, &err), &err);
		must(node_open(dir, &(struct node_options){ .parsers = true }, &b.n, &err), &err);
	}
	if (str_eq(str_of(b.kind), STR("rest"))) {
		wait_for_rest(b.n);
		node_close(b.n);
		return 0;
	}
	for (unsigned i = 0; i < threads; i++) {
		w[i] = (struct worker){ .b = &b, .number = i };
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			return 1;
	}
	uint64_t objects = 0, failures = 0;
	double longest = 0, seconds = 0;
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		objects += w[i].objects;
		failures += w[i].failures;
		seconds = w[i].seconds > seconds ? w[i].seconds : seconds;
		longest = w[i].longest_ms > longest ? w[i].longest_ms : longest;
	}
	printf("%s: %llu objects, %llu refused, in %.2f s: %.0f a second; longest envelope %.0f ms\n", b.kind,
	       (unsigned long long)objects, (unsigned long long)failures, seconds, (double)objects / seconds, longest);
	node_close(b.n);
	return 0;
}
