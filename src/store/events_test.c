/* SPDX-License-Identifier: Apache-2.0 */
#include "store/events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/test.h"
#include "base/test_dir.h"

static uint64_t next(uint64_t *s)
{
	*s = *s * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *s >> 33;
}

static const char *const types[] = { "scanner", "infected-system", "phishing" };
static const char *const countries[] = { "ID", "MY", "TH" };
static const int64_t epoch = 1700000000 * SECOND_US;

/* What a made-up event says, from its number alone. */
struct fact {
	uint64_t seq;
	int64_t report;
	bool exercise, timed, marked;
	enum tlp tlp;
	int64_t time;
	struct ip ip;
	int64_t asn;
	const char *type, *cc;
	char fqdn[40], concerns[40];
	int64_t extra;
};

static struct fact fact_of(uint64_t seed)
{
	uint64_t s = seed * 977 + 5;
	struct fact f = { .timed = next(&s) % 10 > 0, .marked = next(&s) % 20 > 0 };
	f.tlp = f.marked ? (enum tlp)(next(&s) % TLP_COUNT) : TLP_RED;
	f.time = epoch + (int64_t)(next(&s) % 200000) * SECOND_US;
	uint64_t host = next(&s) % 500;
	f.ip = (struct ip){ .b = { [10] = 0xff, [11] = 0xff, [12] = 198, [13] = 18,
				   [14] = (uint8_t)(host >> 8), [15] = (uint8_t)host } };
	if (host % 5 == 0)
		f.ip = (struct ip){ .b = { 0x20, 1, 0xd, 0xb8, [15] = (uint8_t)host } };
	f.asn = 64500 + (int64_t)(host % 50);
	f.type = types[next(&s) % 3];
	f.cc = countries[host % 3];
	snprintf(f.fqdn, sizeof(f.fqdn), "h%u.%s.example.org", (unsigned)(host % 90),
		 host & 1 ? "a" : "b");
	int org = (int)(host % 7);
	if (org)
		snprintf(f.concerns, sizeof(f.concerns), "%d 1 asn|%d 2 net|%d 3 cc", org,
			 org % 3 + 10, org);
	f.extra = (int64_t)(next(&s) % 9);
	return f;
}

static void set_text(struct batch *b, enum field f, const char *v)
{
	batch_set_text(b, f, STR_NONE, str_of(v));
}

static void add_row(struct batch *b, const struct fact *f)
{
	struct err err;
	batch_row_begin(b, b->c.rows + 1, 10 * b->c.rows, 9, 1);
	batch_set_ip(b, FIELD_SOURCE_IP, &f->ip);
	batch_set_int(b, FIELD_SOURCE_ASN, STR_NONE, f->asn);
	set_text(b, FIELD_CLASSIFICATION_TYPE, f->type);
	set_text(b, FIELD_SOURCE_GEOLOCATION_CC, f->cc);
	set_text(b, FIELD_SOURCE_FQDN, f->fqdn);
	set_text(b, FIELD_FEED_NAME, "made-up");
	if (f->concerns[0])
		set_text(b, FIELD_RONDA_CONCERNS, f->concerns);
	if (f->timed)
		batch_set_time(b, FIELD_TIME_SOURCE, f->time);
	if (f->marked)
		batch_set_int(b, FIELD_TLP, STR_NONE, f->tlp);
	batch_set_int(b, FIELD_EXTRA, STR("number"), f->extra);
	CHECK_RC(batch_row_end(b, &err), RC_OK, err);
}

struct world {
	struct test_dir dir;
	struct store *store;
	struct fact *fact;
	size_t facts;
};

static void world_open(struct world *w)
{
	struct err err;
	CHECK_RC(store_open(w->dir.path, NULL, NULL, &w->store, &err), RC_OK, err);
}

static void world_make(struct world *w)
{
	struct err err;
	*w = (struct world){ .dir = test_dir_new() };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(w->dir.path, "Team B", "ID", &err), RC_OK, err);
	world_open(w);
}

static void world_end(struct world *w)
{
	store_close(w->store);
	free(w->fact);
	test_dir_end(&w->dir);
}

struct commit {
	struct event_chunk *chunk;
	uint64_t first;
};

static enum rc commit_job(struct tx *tx, void *ctx, struct err *err)
{
	struct commit *c = ctx;
	return event_chunk_commit(tx, c->chunk, &c->first, err);
}

/* Stores `rows` events as one batch of report `id`. */
static void deliver(struct world *w, uint32_t rows, int64_t id, bool exercise)
{
	struct batch *b = batch_new();
	struct err err;
	struct report r = { .id = id, .received_us = clock_now_us(), .exercise = exercise };
	struct commit c = { 0 };
	w->fact = x_grow(w->fact, w->facts + rows, sizeof(*w->fact));
	for (uint32_t i = 0; i < rows; i++) {
		w->fact[w->facts + i] = fact_of(w->facts + i);
		add_row(b, &w->fact[w->facts + i]);
	}
	CHECK_RC(event_chunk_new(b, &r, NULL, &c.chunk, &err), RC_OK, err);
	CHECK_INT(event_chunk_rows(c.chunk), rows);
	CHECK_RC(store_write(w->store, commit_job, &c, &err), RC_OK, err);
	CHECK_INT(c.first, w->facts + 1);
	for (uint32_t i = 0; i < rows; i++, w->facts++) {
		struct fact *f = &w->fact[w->facts];
		f->seq = w->facts + 1;
		f->report = id;
		f->exercise = exercise;
	}
	event_chunk_free(c.chunk);
	batch_free(b);
}

static void world_fill(struct world *w)
{
	static const struct {
		uint32_t rows;
		bool exercise;
	} steps[] = { { 1, false }, { 2, false }, { 700, false }, { 1, false }, { 300, false },
		      { 40, true }, { 900, false }, { 600, true },  { 1, false }, { 200, false } };
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		deliver(w, steps[i].rows, (int64_t)i + 1, steps[i].exercise);
}

/* --- against brute force --- */

static bool has_org(const char *concerns, int64_t org)
{
	char want[24];
	for (const char *at = concerns; *at; at++) {
		snprintf(want, sizeof(want), "%d ", (int)org);
		if ((at == concerns || at[-1] == '|') && strncmp(at, want, strlen(want)) == 0)
			return true;
	}
	return false;
}

static bool filter_holds(const struct event_filter *f, const struct fact *e)
{
	str text = f->field == FIELD_CLASSIFICATION_TYPE	? str_of(e->type) :
		   f->field == FIELD_SOURCE_GEOLOCATION_CC ? str_of(e->cc) :
								    str_of(e->fqdn);
	if (f->op == FILTER_ORG)
		return has_org(e->concerns, f->number);
	if (f->op == FILTER_IN_NET)
		return net_has(&f->net, &e->ip);
	if (f->op == FILTER_PREFIX)
		return str_starts(text, f->text);
	if (f->op == FILTER_SUFFIX)
		return str_ends(text, f->text);
	if (f->field == FIELD_SOURCE_IP) {
		char out[48];
		return f->text.p ? str_eq(ip_str(out, &e->ip), f->text) :
				   ip_cmp(&f->net.ip, &e->ip) == 0;
	}
	if (f->field == FIELD_SOURCE_ASN)
		return e->asn == f->number;
	if (f->field == FIELD_EXTRA) {
		int64_t v = f->number;
		if (f->text.p && !str_to_i64(f->text, &v))
			return false;
		return str_eq(f->key, STR("number")) && e->extra == v;
	}
	return str_eq(text, f->text);
}

static bool holds(const struct event_query *q, const struct fact *e)
{
	if (q->before_seq && e->seq >= q->before_seq)
		return false;
	if (e->seq <= q->after_seq || (q->report && q->report != e->report))
		return false;
	if (!(q->tlp_mask >> e->tlp & 1) || (e->exercise && !q->exercise))
		return false;
	if ((q->from_us || q->until_us) &&
	    (!e->timed || e->time < q->from_us || (q->until_us && e->time >= q->until_us)))
		return false;
	for (size_t i = 0; i < q->filter_count; i++)
		if (!filter_holds(&q->filters[i], e))
			return false;
	return true;
}

struct seen {
	const struct world *w;
	uint64_t *seq;
	size_t n, wrong;
};

static bool see(void *ctx, const struct event_row *e)
{
	struct seen *s = ctx;
	const struct fact *f = &s->w->fact[e->seq - 1];
	const struct cell *c = batch_find(e->batch, e->row, FIELD_SOURCE_FQDN);
	const struct cell *x = batch_find_extra(e->batch, e->row, STR("number"));
	struct ip ip;
	s->wrong += !c || !str_eq(cell_text(e->batch, c), str_of(f->fqdn)) || !x ||
		    x->i != f->extra || e->report != f->report || e->received_us <= 0 ||
		    !cell_ip(e->batch, batch_find(e->batch, e->row, FIELD_SOURCE_IP), &ip) ||
		    ip_cmp(&ip, &f->ip) != 0;
	s->seq[s->n++] = e->seq;
	return true;
}

static size_t expect(const struct world *w, const struct event_query *q, uint64_t *seq)
{
	size_t n = 0;
	for (size_t k = 0; k < w->facts; k++) {
		size_t i = q->oldest_first ? k : w->facts - 1 - k;
		if (holds(q, &w->fact[i]) && (!q->limit || n < q->limit))
			seq[n++] = w->fact[i].seq;
	}
	return n;
}

static void check_query(const struct world *w, const struct event_query *q, const char *what)
{
	struct err err;
	struct reader *r;
	uint64_t *want = x_array(w->facts + 1, sizeof(*want));
	struct seen s = { .w = w, .seq = x_array(w->facts + 1, sizeof(uint64_t)) };
	size_t n = expect(w, q, want);
	CHECK_RC(store_read_begin(w->store, &r, &err), RC_OK, err);
	CHECK_RC(events_scan(r, q, see, &s, &err), RC_OK, err);
	CHECK_MSG(s.n == n && memcmp(s.seq, want, n * sizeof(*want)) == 0, "%s: %zu rows, want %zu",
		  what, s.n, n);
	CHECK_MSG(s.wrong == 0, "%s: %zu rows say something else", what, s.wrong);
	struct arena *a = arena_new(KIB(4));
	struct count_row *rows;
	size_t count;
	if (!q->limit) {
		CHECK_RC(events_count(r, q, NULL, 0, a, &rows, &count, &err), RC_OK, err);
		CHECK_MSG((count ? rows[0].count : 0) == n, "%s: counted", what);
	}
	arena_free(a);
	store_read_end(r);
	free(want);
	free(s.seq);
}

enum { ALL_TLP = 31 };

static void check_filters(const struct world *w)
{
	struct net in = { 0 }, one = { .ip = w->fact[7].ip, .bits = 128 }, v6 = { 0 };
	CHECK(net_parse(STR("198.18.1.0/26"), true, &in));
	CHECK(net_parse(STR("2001:db8::/64"), true, &v6));
	char address[48];
	const struct {
		const char *what;
		struct event_filter f;
	} cases[] = {
		{ "type", { .field = FIELD_CLASSIFICATION_TYPE, .text = STR("phishing") } },
		{ "no type", { .field = FIELD_CLASSIFICATION_TYPE, .text = STR("spam") } },
		{ "country", { .field = FIELD_SOURCE_GEOLOCATION_CC, .text = STR("TH") } },
		{ "asn", { .field = FIELD_SOURCE_ASN, .number = 64507 } },
		{ "no asn", { .field = FIELD_SOURCE_ASN, .number = 65000 } },
		{ "net", { .field = FIELD_SOURCE_IP, .op = FILTER_IN_NET, .net = in } },
		{ "net 6", { .field = FIELD_SOURCE_IP, .op = FILTER_IN_NET, .net = v6 } },
		{ "address", { .field = FIELD_SOURCE_IP, .net = one } },
		{ "as text", { .field = FIELD_SOURCE_IP,
			       .text = ip_str(address, &w->fact[9].ip) } },
		{ "name", { .field = FIELD_SOURCE_FQDN, .text = str_of(w->fact[3].fqdn) } },
		{ "prefix", { .field = FIELD_SOURCE_FQDN, .op = FILTER_PREFIX,
			      .text = STR("h1") } },
		{ "suffix", { .field = FIELD_SOURCE_FQDN, .op = FILTER_SUFFIX,
			      .text = STR(".a.example.org") } },
		{ "org", { .field = FIELD_RONDA_CONCERNS, .op = FILTER_ORG, .number = 11 } },
		{ "no org", { .field = FIELD_RONDA_CONCERNS, .op = FILTER_ORG, .number = 99 } },
		{ "extra", { .field = FIELD_EXTRA, .key = STR("number"), .number = 4 } },
		{ "extra text", { .field = FIELD_EXTRA, .key = STR("number"), .text = STR("4") } },
		{ "no extra", { .field = FIELD_EXTRA, .key = STR("numbers"), .number = 4 } },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct event_query q = { .filters = &cases[i].f, .filter_count = 1,
					 .tlp_mask = ALL_TLP, .exercise = i & 1 };
		check_query(w, &q, cases[i].what);
		struct event_filter two[] = { cases[i].f, cases[(i * 5 + 1) % COUNT_OF(cases)].f };
		q.filters = two;
		q.filter_count = 2;
		q.oldest_first = true;
		check_query(w, &q, cases[i].what);
	}
}

static void check_queries(const struct world *w)
{
	const struct {
		const char *what;
		struct event_query q;
	} cases[] = {
		{ "all", { .tlp_mask = ALL_TLP, .exercise = true } },
		{ "no exercise", { .tlp_mask = ALL_TLP } },
		{ "nothing", { .tlp_mask = 0 } },
		{ "clear", { .tlp_mask = 1u << TLP_CLEAR } },
		{ "red", { .tlp_mask = 1u << TLP_RED, .exercise = true } },
		{ "oldest", { .tlp_mask = 7, .oldest_first = true } },
		{ "limit", { .tlp_mask = 7, .limit = 13 } },
		{ "limit, oldest", { .tlp_mask = 7, .limit = 800, .oldest_first = true } },
		{ "before", { .tlp_mask = ALL_TLP, .before_seq = 1000 } },
		{ "after", { .tlp_mask = ALL_TLP, .after_seq = 702, .oldest_first = true } },
		{ "between", { .tlp_mask = ALL_TLP, .after_seq = 3, .before_seq = 706 } },
		{ "report", { .tlp_mask = ALL_TLP, .report = 5 } },
		{ "time", { .tlp_mask = ALL_TLP, .from_us = epoch + 5000 * SECOND_US,
			    .until_us = epoch + 9000 * SECOND_US } },
		{ "from", { .tlp_mask = ALL_TLP, .from_us = epoch + 150000 * SECOND_US } },
		{ "later", { .tlp_mask = ALL_TLP, .from_us = epoch + 300000 * SECOND_US } },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_query(w, &cases[i].q, cases[i].what);
	check_filters(w);
}

static void seal_all(struct world *w)
{
	struct err err;
	bool did = true;
	for (int i = 0; did && i < 100; i++)
		CHECK_RC(events_seal(w->store, NULL, &did, &err), RC_OK, err);
	CHECK(!did);
}

static int64_t count_rows(struct world *w, bool tail)
{
	struct err err;
	struct reader *r;
	CHECK_RC(store_read_begin(w->store, &r, &err), RC_OK, err);
	struct sql *q = tail ? sql(reader_conn(r), "SELECT count(*) FROM tail") :
			       sql(reader_conn(r), "SELECT count(*) FROM chunk");
	int64_t n = sql_row(q) ? sql_col_int(q, 0) : -1;
	CHECK_RC(sql_end(q, &err), RC_OK, err);
	store_read_end(r);
	return n;
}

TEST(scan_and_seal)
{
	struct world w;
	struct err err;
	world_make(&w);
	world_fill(&w);
	CHECK_INT(count_rows(&w, true), 7);
	CHECK_INT(count_rows(&w, false), 3);
	check_queries(&w);
	seal_all(&w); /* what a chunk follows can grow no more; the last two may */
	CHECK_INT(count_rows(&w, true), 2);
	CHECK_INT(count_rows(&w, false), 5);
	check_queries(&w);
	store_close(w.store);
	world_open(&w);
	check_queries(&w);
	struct reader *r;
	uint64_t last;
	CHECK_RC(store_read_begin(w.store, &r, &err), RC_OK, err);
	CHECK_RC(events_last_seq(r, &last, &err), RC_OK, err);
	CHECK_INT(last, w.facts);
	store_read_end(r);
	world_end(&w);
}

TEST(paging)
{
	struct world w;
	struct err err;
	world_make(&w);
	world_fill(&w);
	struct event_query q = { .tlp_mask = 3, .limit = 97 };
	struct seen s = { .w = &w, .seq = x_array(w.facts + 97, sizeof(uint64_t)) };
	uint64_t *want = x_array(w.facts, sizeof(*want));
	struct event_query all = { .tlp_mask = 3 };
	size_t n = expect(&w, &all, want), before;
	struct reader *r;
	CHECK_RC(store_read_begin(w.store, &r, &err), RC_OK, err);
	do {
		before = s.n;
		CHECK_RC(events_scan(r, &q, see, &s, &err), RC_OK, err);
		q.before_seq = s.n ? s.seq[s.n - 1] : 0;
	} while (s.n > before);
	CHECK_INT(s.n, n);
	CHECK(memcmp(s.seq, want, n * sizeof(*want)) == 0);
	store_read_end(r);
	free(s.seq);
	free(want);
	world_end(&w);
}

TEST(one_by_one_is_dense)
{
	struct world w;
	world_make(&w);
	for (uint32_t i = 0; w.facts < 4096 + 10; i++)
		deliver(&w, i < 50 ? 1 : 11, i, i == 9);
	seal_all(&w);
	CHECK_INT(count_rows(&w, false), 1);
	CHECK(count_rows(&w, true) < 20);
	struct event_query q = { .tlp_mask = ALL_TLP };
	check_query(&w, &q, "one by one");
	q.report = 301;
	check_query(&w, &q, "one report");
	if (clock_move(2 * DAY_US)) {
		seal_all(&w);
		CHECK_INT(count_rows(&w, true), 0);
		CHECK_INT(count_rows(&w, false), 2);
		clock_move(-2 * DAY_US);
	}
	q.report = 0;
	q.exercise = true;
	check_query(&w, &q, "one by one, sealed");
	world_end(&w);
}

/* --- counting --- */

static str fact_key(const struct fact *f, enum count_by by, struct arena *a)
{
	char day[16];
	switch (by) {
	case BY_DAY:
		return f->timed ? arena_str(a, time_day_str(day, f->time)) : STR("");
	case BY_TYPE:
		return str_of(f->type);
	case BY_CC:
		return str_of(f->cc);
	case BY_ASN:
		return arena_fmt(a, "%d", (int)f->asn);
	case BY_TLP:
		return str_of(tlp_name(f->tlp));
	case BY_FEED:
		return STR("made-up");
	case BY_ORG:
	case BY_TAXONOMY:
	case BY_IDENTIFIER:
	case BY_SEVERITY:
	case COUNT_BY_KEYS:
		break;
	}
	return STR("");
}

static void check_count(const struct world *w, const enum count_by *by, size_t n)
{
	struct arena *a = arena_new(KIB(64));
	struct event_query q = { .tlp_mask = 15 };
	struct count_row *rows;
	size_t count;
	uint64_t sum = 0, all = 0;
	struct err err;
	struct reader *r;
	CHECK_RC(store_read_begin(w->store, &r, &err), RC_OK, err);
	CHECK_RC(events_count(r, &q, by, n, a, &rows, &count, &err), RC_OK, err);
	store_read_end(r);
	for (size_t i = 0; i < count; i++) {
		uint64_t want = 0;
		for (size_t k = 0; k < w->facts; k++) {
			bool same = holds(&q, &w->fact[k]);
			for (size_t key = 0; key < n && same; key++)
				same = str_eq(fact_key(&w->fact[k], by[key], a), rows[i].key[key]);
			want += same;
		}
		CHECK_MSG(rows[i].count == want, "group %zu", i);
		CHECK(i == 0 || rows[i - 1].count >= rows[i].count);
		sum += rows[i].count;
	}
	for (size_t k = 0; k < w->facts; k++)
		all += holds(&q, &w->fact[k]);
	CHECK_INT(sum, all);
	arena_free(a);
}

TEST(count)
{
	struct world w;
	struct err err;
	world_make(&w);
	world_fill(&w);
	static const struct {
		enum count_by by[4];
		size_t n;
	} cases[] = { { { BY_TYPE }, 1 }, { { BY_DAY }, 1 }, { { BY_CC, BY_TLP }, 2 },
		      { { BY_ASN }, 1 }, { { BY_FEED, BY_SEVERITY, BY_DAY, BY_TYPE }, 4 } };
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check_count(&w, cases[i].by, cases[i].n);
	struct arena *a = arena_new(KIB(64));
	struct event_query q = { .tlp_mask = ALL_TLP, .exercise = true };
	static const enum count_by org[] = { BY_ORG };
	struct count_row *rows;
	size_t count;
	struct reader *r;
	CHECK_RC(store_read_begin(w.store, &r, &err), RC_OK, err);
	CHECK_RC(events_count(r, &q, org, 1, a, &rows, &count, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(count, 10); /* "", 1..6, 10..12 */
	for (size_t i = 0; i < count; i++) {
		int64_t id = 0;
		uint64_t want = 0;
		bool none = !str_to_i64(rows[i].key[0], &id);
		for (size_t k = 0; k < w.facts; k++)
			want += none ? !w.fact[k].concerns[0] : has_org(w.fact[k].concerns, id);
		CHECK_INT(rows[i].count, want);
	}
	arena_free(a);
	world_end(&w);
}

static enum rc undo_job(struct tx *tx, void *ctx, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO report VALUES (?, 1, 4, 0, x'', 0, '', '',"
					 " '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', 0)");
	sql_int(q, 1, *(const int64_t *)ctx);
	return sql_run(q, err);
}

TEST(undone_reports)
{
	struct world w;
	struct err err;
	world_make(&w);
	for (int64_t id = 1; id < 6; id++)
		deliver(&w, 100, id, false);
	deliver(&w, 600, 6, false);
	seal_all(&w);
	int64_t undone[] = { 3, 6 };
	for (size_t i = 0; i < 2; i++)
		CHECK_RC(store_write(w.store, undo_job, &undone[i], &err), RC_OK, err);
	struct event_query q = { .tlp_mask = ALL_TLP };
	struct seen s = { .w = &w, .seq = x_array(w.facts, sizeof(uint64_t)) };
	struct reader *r;
	CHECK_RC(store_read_begin(w.store, &r, &err), RC_OK, err);
	CHECK_RC(events_scan(r, &q, see, &s, &err), RC_OK, err);
	store_read_end(r);
	CHECK_INT(s.n, 400);
	for (size_t i = 0; i < s.n; i++)
		CHECK(s.seq[i] <= 200 || (s.seq[i] > 300 && s.seq[i] <= 500));
	free(s.seq);
	world_end(&w);
}

TEST(ids)
{
	struct key key = { .b = { 4 } }, other = { .b = { 5 } };
	char text[40], flip[40];
	uint64_t seq = 0;
	for (uint64_t i = 1; i < 1000; i = i * 3 + 1) {
		str id = event_id(&key, i, text);
		CHECK_INT(id.n, 32);
		CHECK(event_id_parse(&key, id, &seq));
		CHECK_INT(seq, i);
		seq = 77;
		CHECK(!event_id_parse(&other, id, &seq));
		memcpy(flip, text, sizeof(flip));
		flip[i % 32] = flip[i % 32] == 'a' ? 'b' : 'a';
		CHECK(!event_id_parse(&key, str_mem(flip, 32), &seq));
		CHECK(!event_id_parse(&key, str_head(id, 31), &seq));
		CHECK_INT(seq, 77);
	}
}

TEST_MAIN(TEST_RUN(scan_and_seal), TEST_RUN(paging), TEST_RUN(one_by_one_is_dense), TEST_RUN(count),
	  TEST_RUN(undone_reports), TEST_RUN(ids))
