/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange/collection.h"

#include "base/test.h"
#include "base/test_dir.h"

static struct err err;
static const struct uuid team_b = { { 0xb, 1 } }, team_c = { { 0xc, 2 } };

struct world {
	struct test_dir dir;
	struct store *s;
	struct arena *a;
};

static struct world world_new(void)
{
	struct world w = { .dir = test_dir_new(), .a = arena_new(KIB(16)) };
	CHECK_RC(hash_init(&err), RC_OK, err);
	CHECK_RC(store_create(w.dir.path, "Team A", "ID", &err), RC_OK, err);
	CHECK_RC(store_open(w.dir.path, NULL, NULL, &w.s, &err), RC_OK, err);
	return w;
}

static void world_end(struct world *w)
{
	store_close(w->s);
	arena_free(w->a);
	test_dir_end(&w->dir);
}

struct making {
	struct world *w;
	enum collection_kind kind;
	struct uuid partner;
	const char *title;
	struct collection out;
};

static enum rc make_job(struct tx *tx, void *ctx, struct err *e)
{
	struct making *m = ctx;
	return collection_of(tx, m->kind, m->partner, str_of(m->title), m->w->a, &m->out, e);
}

static struct collection made(struct world *w, enum collection_kind kind, struct uuid partner, const char *title)
{
	struct making m = { .w = w, .kind = kind, .partner = partner, .title = title };
	CHECK_RC(store_write(w->s, make_job, &m, &err), RC_OK, err);
	return m.out;
}

struct putting {
	int64_t collection;
	struct entry e;
	int64_t added;
};

static enum rc put_job(struct tx *tx, void *ctx, struct err *e)
{
	struct putting *p = ctx;
	return entry_put(tx, p->collection, &p->e, &p->added, e);
}

static int64_t put(struct world *w, int64_t collection, struct entry e)
{
	struct putting p = { .collection = collection, .e = e };
	CHECK_RC(store_write(w->s, put_job, &p, &err), RC_OK, err);
	return p.added;
}

static bool count_one(void *ctx, const struct collection *c)
{
	(void)c;
	++*(int *)ctx;
	return true;
}

static void test_one_for_each_partner_and_way(void)
{
	struct world w = world_new();
	struct collection out = made(&w, COLLECTION_OUT, team_b, "Telecom C");
	struct collection again = made(&w, COLLECTION_OUT, team_b, "");
	struct collection in = made(&w, COLLECTION_IN, team_b, "Telecom C");
	struct collection other = made(&w, COLLECTION_OUT, team_c, "Telecom-C!");
	struct collection all = made(&w, COLLECTION_PUBLIC, (struct uuid){ { 0 } }, "Public");
	CHECK_STR(out.alias, STR("for-telecom-c"));
	CHECK_STR(in.alias, STR("from-telecom-c"));
	CHECK_STR(other.alias, STR("for-telecom-c-0c0200000000")); /* that name is taken */
	CHECK_STR(all.alias, STR("public"));
	CHECK(again.id == out.id && uuid_equal(&again.uuid, &out.uuid));
	CHECK_STR(again.title, STR("Telecom C"));

	struct collection renamed = made(&w, COLLECTION_OUT, team_b, "Team B");
	CHECK(renamed.id == out.id && uuid_equal(&renamed.uuid, &out.uuid));
	CHECK_STR(renamed.alias, STR("for-team-b"));

	struct reader *r;
	struct collection found;
	struct buf id = BUF_INIT(64);
	int n = 0;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	uuid_format(&id, &in.uuid);
	CHECK_RC(collection_find(reader_conn(r), buf_str(&id), w.a, &found, &err), RC_OK, err);
	CHECK_INT(found.id, in.id);
	CHECK_INT(found.kind, COLLECTION_IN);
	CHECK_RC(collection_find(reader_conn(r), STR("public"), w.a, &found, &err), RC_OK, err);
	CHECK_INT(found.id, all.id);
	CHECK_RC(collection_find(reader_conn(r), STR("for-telecom-c"), w.a, &found, &err), RC_ABSENT, err);
	CHECK_RC(collection_of_partner(reader_conn(r), COLLECTION_IN, team_b, w.a, &found, &err), RC_OK, err);
	CHECK_INT(found.id, in.id);
	CHECK_RC(collection_of_partner(reader_conn(r), COLLECTION_IN, team_c, w.a, &found, &err), RC_ABSENT, err);
	CHECK_RC(collections_list(reader_conn(r), count_one, &n, &err), RC_OK, err);
	CHECK_INT(n, 4);
	buf_free(&id);
	store_read_end(r);
	world_end(&w);
}

static struct entry after(struct world *w, int64_t collection, int lane, int64_t after_us, bool *found)
{
	struct reader *r;
	struct entry e;
	CHECK_RC(store_read_begin(w->s, &r, &err), RC_OK, err);
	CHECK_RC(entry_after(reader_conn(r), collection, lane, after_us, &e, found, &err), RC_OK, err);
	store_read_end(r);
	return e;
}

static void test_times_only_grow(void)
{
	struct world w = world_new();
	int64_t c = made(&w, COLLECTION_OUT, team_b, "").id;
	const struct entry events = { .kind = ENTRY_EVENTS, .lane = LANE_BULK, .first = 100, .last = 50099, .count = 7 };
	const struct entry warning = { .kind = ENTRY_RECORD, .lane = LANE_WARNING, .first = 1, .last = 1, .count = 1 };
	bool found;
	const int64_t frame = after(&w, c, -1, 0, &found).added_us; /* each collection begins with one */
	int64_t first = put(&w, c, events), second = put(&w, c, warning), third = put(&w, c, events);
	/* the first alone takes most of a second */
	CHECK_INT(second, first + 50000 * ENTRY_STEP);
	CHECK_INT(third, second + ENTRY_STEP);

	CHECK(first >= frame + ENTRY_STEP);
	CHECK_INT(after(&w, c, -1, frame, &found).added_us, frame);
	CHECK_INT(after(&w, c, -1, frame + ENTRY_STEP - 1, &found).added_us, first);
	CHECK_INT(after(&w, c, -1, first + 5, &found).added_us, first); /* within */
	CHECK_INT(after(&w, c, -1, second - 2, &found).added_us, first);
	CHECK_INT(after(&w, c, -1, second - 1, &found).added_us, second); /* its last object was given */
	CHECK_INT(after(&w, c, LANE_BULK, second - 1, &found).added_us, third);
	CHECK_INT(after(&w, c, LANE_WARNING, first, &found).added_us, second);
	after(&w, c, LANE_WARNING, third, &found);
	CHECK(!found);
	after(&w, c, LANE_INCIDENT, 0, &found);
	CHECK(!found);

	struct reader *r;
	struct backlog b;
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	CHECK_RC(collection_backlog(reader_conn(r), c, -1, first - 1, &b, &err), RC_OK, err);
	CHECK_INT(b.entries, 3);
	CHECK_INT(b.items, 15);
	CHECK_INT(b.oldest_us, first);
	CHECK_RC(collection_backlog(reader_conn(r), c, LANE_BULK, second, &b, &err), RC_OK, err);
	CHECK_INT(b.entries, 1);
	CHECK_INT(b.items, 7);
	CHECK_RC(collection_backlog(reader_conn(r), c, -1, third + 50000 * ENTRY_STEP, &b, &err), RC_OK, err);
	CHECK_INT(b.entries, 0);
	store_read_end(r);

	const struct entry bad[] = { { .kind = ENTRY_EVENTS, .first = 2, .last = 1, .count = 1 },
				     { .kind = ENTRY_EVENTS, .first = 1, .last = 1 },
				     { .kind = ENTRY_EVENTS, .first = 1, .last = 1 + ENTRY_EVENTS_MOST, .count = 1 } };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct putting p = { .collection = c, .e = bad[i] };
		CHECK_RC(store_write(w.s, put_job, &p, &err), RC_INPUT, err);
	}
	struct putting nowhere = { .collection = c + 1, .e = warning };
	CHECK_RC(store_write(w.s, put_job, &nowhere, &err), RC_ABSENT, err);
	world_end(&w);
}

/* What lies between two places is what waits behind the one less what waits behind the other. */
static void test_between(void)
{
	struct world w = world_new();
	struct collection c = made(&w, COLLECTION_OUT, team_b, "Team B");
	struct reader *r;
	int64_t at[8] = { 0 };
	for (size_t i = 1; i < COUNT_OF(at); i++)
		at[i] = put(&w, c.id, (struct entry){ .kind = i % 3 ? ENTRY_RECORD : ENTRY_EVENTS, .lane = i % 2 ? LANE_BULK : LANE_INCIDENT,
						      .first = i, .last = i + (i % 3 ? 0 : 99), .count = i });
	CHECK_RC(store_read_begin(w.s, &r, &err), RC_OK, err);
	for (int lane = -1; lane <= LANE_BULK; lane++)
		for (size_t i = 0; i < COUNT_OF(at); i++)
			for (size_t n = i; n < COUNT_OF(at) * 2; n++) {
				int64_t upto = n < COUNT_OF(at) ? at[n] : at[n - COUNT_OF(at)] + 5;
				struct backlog before, behind;
				uint64_t items = 0;
				if (upto < at[i])
					continue;
				CHECK_RC(collection_backlog(reader_conn(r), c.id, lane, at[i], &before, &err), RC_OK, err);
				CHECK_RC(collection_backlog(reader_conn(r), c.id, lane, upto, &behind, &err), RC_OK, err);
				CHECK_RC(collection_between(reader_conn(r), c.id, lane, at[i], upto, &items, &err), RC_OK, err);
				CHECK_MSG(items == before.items - behind.items, "lane %d, %zu to %zu: %llu", lane, i, n,
					  (unsigned long long)items);
			}
	store_read_end(r);
	world_end(&w);
}

TEST_MAIN(TEST_RUN(one_for_each_partner_and_way), TEST_RUN(times_only_grow), TEST_RUN(between))
