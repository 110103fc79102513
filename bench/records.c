/* SPDX-License-Identifier: Apache-2.0 */
/* records: makes a store with 50,000 incidents and 500,000 links, reads it in the ways
 * people do, and then lets 64 threads change records. Prints medians and p99.
 *
 *   build/bench/records DIR [INCIDENTS [LINKS [SECONDS]]]   DIR is made, and left there */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "base/json.h"
#include "record/record.h"

enum { WORDS = 20000, ORGANISATIONS = 500, THREADS = 64, A_JOB = 250, ROUNDS = 200, PAGE = 50 };

static const char *const roles[] = { "viewer", "analyst", "duty", "lead", "liaison", "protection",
				     "auditor", "administrator", "constituent", NULL };

struct bench {
	struct store *s;
	struct journal *j;
	struct snapshot *types;
	struct records *r;
	const struct types *t;
	const struct type *incident, *organisation;
	struct uuid *incidents, organisations[ORGANISATIONS];
	size_t count;
};

static void must(enum rc rc, const struct err *err, const char *what)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

/* Processor time of the whole process: on a busy machine it says more than the clock. */
static double busy_seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- made-up words: some common, most rare --- */

struct dice {
	uint64_t x;
};

static uint64_t roll(struct dice *d, uint64_t most)
{
	d->x ^= d->x << 13;
	d->x ^= d->x >> 7;
	d->x ^= d->x << 17;
	return d->x % most;
}

static void add_word(struct buf *b, struct dice *d)
{
	static const char *const parts[] = { "ba", "ke", "lo", "mi", "nu", "ra", "se", "ti", "vo",
					     "zu", "an", "er", "is", "ok", "um", "dra" };
	double u = (double)roll(d, 1000000) / 1000000;
	uint64_t word = (uint64_t)(u * u * u * WORDS) * 2654435761u % 4294967291u;
	for (int i = 0; i < 2 + (int)(word % 3); i++)
		buf_add(b, str_of(parts[word >> (4 * i) & 15]));
}

static void add_words(struct buf *b, struct dice *d, int n)
{
	for (int i = 0; i < n; i++) {
		if (i)
			buf_char(b, ' ');
		add_word(b, d);
	}
}

static const char *const classes[] = { "malicious-code", "intrusions", "availability", "vulnerable", "other" };
static const char *const severities[] = { "low", "medium", "high", "critical" };

static void add_incident(struct buf *b, const struct bench *n, struct dice *d, size_t number)
{
	buf_reset(b);
	buf_add(b, STR("{\"title\":\""));
	buf_fmt(b, "Case%zu ", number);
	add_words(b, d, 5);
	buf_fmt(b, "\",\"class\":\"%s\",\"severity\":\"%s\",\"organisation\":\"",
		classes[roll(d, COUNT_OF(classes))], severities[roll(d, COUNT_OF(severities))]);
	record_id_format(b, STR("organisation"), &n->organisations[roll(d, ORGANISATIONS)]);
	buf_add(b, STR("\",\"summary\":\""));
	add_words(b, d, 40);
	buf_add(b, STR("\",\"internal\":\""));
	add_words(b, d, 10);
	buf_add(b, STR("\"}"));
}

/* --- filling --- */

struct filling {
	struct bench *n;
	size_t from, until;
	struct dice d;
};

static enum rc make_organisations(struct tx *tx, void *ctx, struct err *err)
{
	struct bench *n = ctx;
	struct arena *a = arena_new(KIB(64));
	enum rc rc = RC_OK;
	for (int i = 0; i < ORGANISATIONS && rc == RC_OK; i++) {
		struct record out;
		struct body_error errors[4];
		size_t bad = 0;
		struct record_change c = { .type = n->organisation, .to_state = -1, .actor = STR("bench"),
					   .fields = arena_fmt(a, "{\"name\":\"Organisation %d\",\"kind\":\"provider\",\"country\":\"ID\"}", i) };
		rc = record_put(tx, n->r, &c, a, &out, errors, 4, &bad, err);
		n->organisations[i] = out.id;
	}
	arena_free(a);
	return rc;
}

static enum rc make_incidents(struct tx *tx, void *ctx, struct err *err)
{
	struct filling *f = ctx;
	struct arena *a = arena_new(KIB(64));
	struct buf b = BUF_INIT(KIB(64));
	enum rc rc = RC_OK;
	for (size_t i = f->from; i < f->until && rc == RC_OK; i++) {
		struct record out;
		arena_reset(a);
		add_incident(&b, f->n, &f->d, i);
		struct record_change c = { .type = f->n->incident, .to_state = (int)roll(&f->d, 3),
					   .actor = STR("bench"), .fields = buf_str(&b) };
		rc = record_put(tx, f->n->r, &c, a, &out, NULL, 0, NULL, err);
		f->n->incidents[i] = out.id;
	}
	buf_free(&b);
	arena_free(a);
	return rc;
}

static enum rc make_links(struct tx *tx, void *ctx, struct err *err)
{
	struct filling *f = ctx;
	struct buf from = BUF_INIT(100), to = BUF_INIT(100);
	enum rc rc = RC_OK;
	for (size_t i = f->from; i < f->until && rc == RC_OK; i++) {
		int64_t id;
		buf_reset(&from);
		buf_reset(&to);
		record_id_format(&from, STR("incident"), &f->n->incidents[roll(&f->d, f->n->count)]);
		if (i % 2)
			record_id_format(&to, STR("incident"), &f->n->incidents[roll(&f->d, f->n->count)]);
		else
			buf_fmt(&to, "finding--%016llx", (unsigned long long)roll(&f->d, UINT64_MAX));
		if (!str_eq(buf_str(&from), buf_str(&to)))
			rc = record_link(tx, f->n->r, buf_str(&from), STR("related"), buf_str(&to),
					 STR("bench"), STR(""), &id, err);
	}
	buf_free(&from);
	buf_free(&to);
	return rc;
}

static void fill(struct bench *n, store_job_fn fn, size_t count, const char *what)
{
	struct err err;
	struct filling f = { .n = n, .d = { .x = 88172645463325252u } };
	double busy = busy_seconds();
	int64_t start_us = clock_mono_us();
	for (f.from = 0; f.from < count; f.from = f.until) {
		f.until = f.from + A_JOB < count ? f.from + A_JOB : count;
		must(store_write(n->s, fn, &f, &err), &err, what);
	}
	double seconds = (double)(clock_mono_us() - start_us) / 1e6;
	printf("%-46s %8.0f /s   (%.0f us of processor each)\n", what, (double)count / seconds,
	       (busy_seconds() - busy) * 1e6 / (double)count);
	fflush(stdout);
}

/* --- reading --- */

static int by_us(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
	return a < b ? -1 : a > b;
}

static void say(const char *what, int64_t *us, size_t n, size_t rows)
{
	qsort(us, n, sizeof(*us), by_us);
	printf("%-46s median %7.2f ms   p99 %7.2f ms   (%zu rows)\n", what, (double)us[n / 2] / 1e3,
	       (double)us[n * 99 / 100] / 1e3, rows);
	fflush(stdout);
}

struct page {
	const struct record_query *q;
	size_t n, most;
	struct buf cursor;
};

static bool count_row(void *ctx, const struct record *r)
{
	struct page *p = ctx;
	buf_reset(&p->cursor);
	record_cursor(p->q, r, &p->cursor);
	return ++p->n < p->most;
}

static void time_list(const struct bench *n, const char *what, struct record_query q, bool deep,
		      const char *const *texts, size_t text_count)
{
	static int64_t us[ROUNDS];
	struct page p = { .q = &q, .cursor = BUF_INIT(KIB(4)) };
	struct buf after = BUF_INIT(KIB(4));
	size_t rows = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct reader *rd;
		struct err err;
		q.after = deep ? buf_str(&after) : STR("");
		if (text_count)
			q.text = str_of(texts[(size_t)i % text_count]);
		p.n = 0;
		p.most = deep && i == 0 ? n->count / 2 : PAGE; /* once to the middle, then on from there */
		int64_t start_us = clock_mono_us();
		must(store_read_begin(n->s, &rd, &err), &err, what);
		must(record_list(reader_conn(rd), n->t, &q, count_row, &p, &err), &err, what);
		store_read_end(rd);
		us[i] = clock_mono_us() - start_us;
		if (deep) {
			buf_reset(&after);
			buf_add(&after, buf_str(&p.cursor));
		}
		rows = p.n;
	}
	if (deep)
		us[0] = us[1];
	say(what, us, ROUNDS, rows);
	buf_free(&p.cursor);
	buf_free(&after);
}

static bool count_link(void *ctx, const struct record_link *l)
{
	(void)l;
	return ++*(size_t *)ctx < 1000;
}

static void time_open(const struct bench *n)
{
	static int64_t us[ROUNDS];
	struct dice d = { .x = 7777 };
	size_t links = 0;
	struct arena *a = arena_new(KIB(64));
	for (int i = 0; i < ROUNDS; i++) {
		struct reader *rd;
		struct err err;
		struct record r;
		struct buf id = BUF_INIT(100);
		arena_reset(a);
		links = 0;
		struct uuid uuid = n->incidents[roll(&d, n->count)];
		record_id_format(&id, STR("incident"), &uuid);
		int64_t start_us = clock_mono_us();
		must(store_read_begin(n->s, &rd, &err), &err, "open");
		must(record_load(reader_conn(rd), n->t, uuid, a, &r, &err), &err, "open");
		must(record_links(reader_conn(rd), buf_str(&id), 0, count_link, &links, &err), &err, "open");
		store_read_end(rd);
		us[i] = clock_mono_us() - start_us;
		buf_free(&id);
	}
	say("open one, with its links", us, ROUNDS, links);
	arena_free(a);
}

static void add_filter(const struct bench *n, struct record_query *q, const char *field, const char *value)
{
	q->filters[q->filter_count++] =
		(struct record_filter){ .field = type_find_field(n->incident, str_of(field)),
					.compare = COMPARE_IS, .key = { .text = str_of(value) } };
}

static void reads(const struct bench *n)
{
	static const char *const one[] = { "case1234", "case777", "case40001" };
	static const char *const common[] = { "bakelo", "zuan", "ba", "ti" };
	static const char *const parts[] = { "elora", "uvo", "rase" };
	static const char *const two[] = { "ba case77", "ti ke", "lo zuan" };
	struct record_query all = { .type = n->incident, .tlp_mask = 0x3f, .exercise = true,
				    .text_share = SHARE_TEAM, .with_body = true };
	struct record_query q = all;
	time_list(n, "list, first page", q, false, NULL, 0);
	time_list(n, "list, pages from the middle on", q, true, NULL, 0);
	q.states = 2;
	time_list(n, "list, one state", q, false, NULL, 0);
	q = all;
	add_filter(n, &q, "severity", "high");
	time_list(n, "filter, a quarter of all", q, false, NULL, 0);
	add_filter(n, &q, "class", "other");
	time_list(n, "filter, two fields", q, false, NULL, 0);
	q.sort = type_find_field(n->incident, STR("severity"));
	time_list(n, "filter, two fields, ordered by one", q, false, NULL, 0);
	q = all;
	q.sort = type_find_field(n->incident, STR("title"));
	q.ascending = true;
	if (q.sort->indexed)
		time_list(n, "ordered by title, from the middle on", q, true, NULL, 0);
	q = all;
	q.only_organisation = n->organisations[3];
	time_list(n, "of one organisation", q, false, NULL, 0);
	time_list(n, "search, one of a kind", all, false, one, COUNT_OF(one));
	time_list(n, "search, common words", all, false, common, COUNT_OF(common));
	time_list(n, "search, parts of words", all, false, parts, COUNT_OF(parts));
	time_list(n, "search, two words", all, false, two, COUNT_OF(two));
	q = all;
	add_filter(n, &q, "severity", "low");
	time_list(n, "search and filter", q, false, common, COUNT_OF(common));
	time_open(n);
}

/* --- changing --- */

struct changer {
	struct bench *n;
	pthread_t thread;
	struct dice d;
	int64_t until_us;
	size_t done, room;
	int64_t *us;
	/* one change */
	struct arena *a;
	struct buf fields;
	struct record_change c;
	size_t refused;
};

static enum rc change(struct tx *tx, void *ctx, struct err *err)
{
	struct changer *k = ctx;
	struct record out;
	return record_put(tx, k->n->r, &k->c, k->a, &out, NULL, 0, NULL, err);
}

/* A quarter new ones, a quarter whose text changes, a quarter another value, a quarter moves. */
static void make_up(struct changer *k)
{
	k->c = (struct record_change){ .type = k->n->incident, .to_state = -1, .actor = STR("account:1") };
	uint64_t kind = roll(&k->d, 4);
	if (kind)
		k->c.id = k->n->incidents[roll(&k->d, k->n->count)];
	buf_reset(&k->fields);
	switch (kind) {
	case 0:
		add_incident(&k->fields, k->n, &k->d, roll(&k->d, 100000));
		break;
	case 1:
		buf_add(&k->fields, STR("{\"internal\":\""));
		add_words(&k->fields, &k->d, 20);
		buf_add(&k->fields, STR("\"}"));
		break;
	case 2:
		buf_fmt(&k->fields, "{\"severity\":\"%s\"}", severities[roll(&k->d, 4)]);
		break;
	default:
		k->c.to_state = 1 + (int)roll(&k->d, 2);
		k->c.why = STR("as agreed");
	}
	if (k->fields.n)
		k->c.fields = buf_str(&k->fields);
}

static void *run(void *ctx)
{
	struct changer *k = ctx;
	while (clock_mono_us() < k->until_us) {
		struct err err;
		arena_reset(k->a);
		make_up(k);
		int64_t start_us = clock_mono_us();
		enum rc rc = store_write(k->n->s, change, k, &err);
		if (rc != RC_OK && rc != RC_INPUT) /* a move that is not allowed is no change */
			must(rc, &err, "change");
		if (rc != RC_OK) {
			k->refused++;
			continue;
		}
		if (k->done == k->room) {
			k->room = k->room ? 2 * k->room : 1024;
			k->us = x_grow(k->us, k->room, sizeof(*k->us));
		}
		k->us[k->done++] = clock_mono_us() - start_us;
	}
	return NULL;
}

static uint64_t newest_versions(struct bench *n)
{
	struct reader *rd;
	struct err err;
	must(store_read_begin(n->s, &rd, &err), &err, "count");
	struct sql *q = sql(reader_conn(rd), "SELECT count(*) FROM record_version");
	uint64_t versions = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	must(sql_end(q, &err), &err, "count");
	store_read_end(rd);
	return versions;
}

/* As the node's background thread does. */
static void tend(const struct bench *n)
{
	struct err err;
	bool did = true;
	int64_t start_us = clock_mono_us();
	while (did)
		must(store_tend(n->s, &did, &err), &err, "tend");
	printf("%-46s %8.2f s\n", "background work behind that", (double)(clock_mono_us() - start_us) / 1e6);
}

static void changes(struct bench *n, int64_t seconds)
{
	static struct changer k[THREADS];
	uint64_t before = newest_versions(n);
	double busy = busy_seconds();
	int64_t start_us = clock_mono_us();
	for (int i = 0; i < THREADS; i++) {
		k[i] = (struct changer){ .n = n, .d = { .x = 1000003u * (uint64_t)(i + 1) },
					 .until_us = start_us + seconds * SECOND_US,
					 .a = arena_new(KIB(64)), .fields = BUF_INIT(KIB(64)) };
		if (pthread_create(&k[i].thread, NULL, run, &k[i]) != 0)
			exit(1);
	}
	size_t all = 0, refused = 0;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(k[i].thread, NULL);
		all += k[i].done;
		refused += k[i].refused;
	}
	double took = (double)(clock_mono_us() - start_us) / 1e6;
	busy = busy_seconds() - busy;
	uint64_t made = newest_versions(n) - before;
	int64_t *us = x_array(all + 1, sizeof(*us));
	size_t at = 0;
	for (int i = 0; i < THREADS; i++) {
		if (k[i].done)
			memcpy(us + at, k[i].us, k[i].done * sizeof(*us));
		at += k[i].done;
		free(k[i].us);
		arena_free(k[i].a);
		buf_free(&k[i].fields);
	}
	printf("%-46s %8.0f /s   (%.0f us of processor each; %llu versions made,"
	       " %zu that changed nothing, %zu refused)\n",
	       "changes from 64 threads", (double)made / took,
	       busy * 1e6 / (double)(made + 1), (unsigned long long)made, all - (size_t)made,
	       refused);
	if (all)
		say("a change until it is on the disk", us, all, all);
	free(us);
}

static void free_types(void *table)
{
	types_free(table);
}

int main(int argc, char **argv)
{
	struct err err;
	struct bench n = { 0 };
	struct types *t = NULL;
	if (argc < 2) {
		fprintf(stderr, "use: records DIR [INCIDENTS [LINKS [SECONDS]]]\n");
		return 2;
	}
	uint64_t count = 50000, links = 500000, seconds = 20;
	if ((argc > 2 && !str_to_u64(str_of(argv[2]), &count)) ||
	    (argc > 3 && !str_to_u64(str_of(argv[3]), &links)) ||
	    (argc > 4 && !str_to_u64(str_of(argv[4]), &seconds)) || !count)
		return 2;
	must(hash_init(&err), &err, "start");
	must(store_create(argv[1], "Bench", "ID", &err), &err, "create");
	struct store_options o = store_options_default;
	o.cache_kib = 8192; /* as a node's */
	must(store_open(argv[1], &o, NULL, &n.s, &err), &err, "open");
	must(journal_open(n.s, &n.j, &err), &err, "open");
	must(types_load(NULL, roles, &t, &err), &err, "types");
	n.types = snapshot_new(free_types);
	snapshot_swap(n.types, t);
	n.t = t;
	n.incident = types_find(t, STR("incident"));
	n.organisation = types_find(t, STR("organisation"));
	must(records_open(n.s, n.j, n.types, &n.r, &err), &err, "open");
	n.count = count;
	n.incidents = x_array(count, sizeof(*n.incidents));
	must(store_write(n.s, make_organisations, &n, &err), &err, "organisations");
	fill(&n, make_incidents, count, "incidents made, 250 a job");
	fill(&n, make_links, links, "links made, 250 a job");
	tend(&n);
	reads(&n);
	changes(&n, (int64_t)seconds);
	tend(&n);
	reads(&n);
	free(n.incidents);
	records_close(n.r);
	journal_close(n.j);
	store_close(n.s);
	snapshot_free(n.types);
	return 0;
}
