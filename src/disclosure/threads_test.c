/* SPDX-License-Identifier: Apache-2.0 */
/* Records changed, read, searched, and their journal read, all at the same time: nothing is lost, and
 * what one reader sees is whole. Run it under -Db_sanitize=thread too (make tsan). */
#include "disclosure/records_world.h"

#include <pthread.h>
#include <stdatomic.h>

#include "disclosure/policy.h"

enum { WRITERS = 4, READERS = 4, EACH = 60, RECORDS = 8 };

struct desk {
	struct world *w;
	struct policies *p;
	str ids[RECORDS];
	_Atomic int changed, made, looked, failed;
	atomic_bool over;
};

struct hand {
	struct desk *d;
	int number;
	pthread_t thread;
};

static void *write_on(void *ctx)
{
	struct hand *h = ctx;
	struct desk *d = h->d;
	struct viewer v = staff(LEAD | ANALYST, h->number + 1);
	struct arena *a = arena_new(KIB(16));
	for (int i = 0; i < EACH; i++) {
		struct record_view view;
		struct change_errors errors;
		struct err e = { 0 };
		arena_reset(a);
		struct change_request q = { .fields = arena_fmt(a, "{\"summary\":\"words %d of %d\"}", i, h->number) };
		if (i % 4 == 0) {
			q.type = STR("incident");
			q.fields = STR("{\"title\":\"one more\",\"class\":\"other\",\"severity\":\"low\"}");
		} else {
			q.id = d->ids[(i + h->number) % RECORDS];
		}
		enum rc rc = change_record(d->w->r, d->w->s, &v, &q, a, &view, &errors, &e);
		record_view_end(&view);
		atomic_fetch_add(rc != RC_OK ? &d->failed : i % 4 ? &d->changed : &d->made, 1);
	}
	arena_free(a);
	return NULL;
}

static bool whole(void *ctx, const struct record_view *v)
{
	struct buf text = BUF_INIT(MIB(1));
	struct json_out j = json_out(&text);
	struct json_object *o = NULL;
	record_view_json(v, &j);
	if (json_read(buf_str(&text), &o, NULL) != RC_OK || json_get_str(json_get(o, "body"), "title").n == 0)
		++*(int *)ctx;
	json_free(o);
	buf_free(&text);
	return true;
}

static void *read_on(void *ctx)
{
	struct hand *h = ctx;
	struct desk *d = h->d;
	struct viewer v = staff(LEAD | ANALYST, 9);
	struct arena *a = arena_new(KIB(64));
	while (!atomic_load(&d->over)) {
		struct reader *r = NULL;
		struct err e = { 0 };
		struct journal_line *lines;
		size_t n;
		int torn = 0;
		struct record_query all = { .type = types_find(types_of(d->w), STR("incident")) };
		struct record_query words = { .text = STR("words") };
		arena_reset(a);
		enum rc rc = policies_apply(d->p, &v, &e);
		if (rc == RC_OK)
			rc = store_read_begin(d->w->s, &r, &e);
		if (rc == RC_OK)
			rc = read_records(r, types_of(d->w), &v, h->number % 2 ? &all : &words, 50, a, whole, &torn, &e);
		if (rc == RC_OK)
			rc = journal_list(reader_conn(r), 0, 20, a, &lines, &n, &e);
		store_read_end(r);
		atomic_fetch_add(rc == RC_OK && torn == 0 ? &d->looked : &d->failed, 1);
	}
	arena_free(a);
	return NULL;
}

TEST(all_at_once)
{
	struct world w = world_new();
	struct desk d = { .w = &w };
	struct hand writers[WRITERS], readers[READERS];
	const struct policy_sources from = { .roles = STR("roles"), .public_k = 5 };
	struct journal_check check;
	struct records_check records;

	CHECK_RC(policies_open(w.s, w.r, &from, &d.p, &err), RC_OK, err);
	for (int i = 0; i < RECORDS; i++) {
		struct uuid id = make(&w, STR(""), "{\"tlp\":\"AMBER\"}", i);
		d.ids[i] = id_str(&w, "incident", &id);
	}
	for (int i = 0; i < READERS; i++) {
		readers[i] = (struct hand){ .d = &d, .number = i };
		CHECK_INT(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct hand){ .d = &d, .number = i };
		CHECK_INT(pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
	}
	for (int i = 0; i < WRITERS; i++) {
		if (i == WRITERS / 2) /* in the middle of it */
			CHECK_RC(records_rebuild(w.r, &err), RC_OK, err);
		pthread_join(writers[i].thread, NULL);
	}
	atomic_store(&d.over, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	CHECK_INT(atomic_load(&d.failed), 0);
	CHECK_INT(atomic_load(&d.made), WRITERS * EACH / 4);
	CHECK_INT(atomic_load(&d.changed), WRITERS * EACH * 3 / 4);
	CHECK(atomic_load(&d.looked) > 0);
	struct reader *r = begin(&w);
	CHECK_RC(journal_verify(reader_conn(r), STR_NONE, &check, &err), RC_OK, err);
	CHECK_INT(check.first_bad, 0);
	CHECK_RC(records_verify(reader_conn(r), types_of(&w), &records, &err), RC_OK, err);
	CHECK_STR(str_of(records.words), STR(""));
	CHECK_INT(records.records, RECORDS + WRITERS * EACH / 4);
	store_read_end(r);
	world_end(&w);
	policies_close(d.p);
}

TEST_MAIN(TEST_RUN(all_at_once))
