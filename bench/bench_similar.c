/* SPDX-License-Identifier: Apache-2.0 */
/* bench-similar DIR TYPE COUNT: how long it takes to find what is similar to each of COUNT records of DIR, taken
 * at even steps; prints median, 99th of a hundred and longest of the processor's time in milliseconds (others
 * may use the machine). Fails when one of a hundred takes over 50 ms. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/hash.h"
#include "incident/similar.h"
#include "node/node.h"

enum { COUNT_MOST = 10000, BOUND_US = 50000 };

static int64_t cpu_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static enum rc measure(struct node *n, const char *type, uint64_t newest, size_t count, int64_t *took, struct err *err)
{
	struct viewer v = viewer_owner((uint32_t)getuid());
	struct snapshot_ref *types = snapshot_hold(n->types);
	struct arena *a = arena_new(KIB(256));
	enum rc rc = node_viewer_unix(n, (uint32_t)getuid(), &v, err);
	for (size_t i = 0; rc == RC_OK && i < count; i++) {
		struct similar *list;
		struct reader *r = NULL;
		size_t found;
		arena_reset(a);
		str id = arena_fmt(a, "%s-%llu", type, (unsigned long long)(1 + i * newest / count));
		int64_t from = cpu_us();
		rc = store_read_begin(n->store, &r, err);
		if (rc == RC_OK)
			rc = similar_cases(r, snapshot_table(types), &v, id, STR("en"), a, &list, &found, err);
		if (r)
			store_read_end(r);
		took[i] = cpu_us() - from;
	}
	arena_free(a);
	snapshot_drop(n->types, types);
	return rc;
}

static enum rc newest_of(struct node *n, const char *type, uint64_t *out, struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(n->store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), "SELECT max(r.number) FROM record r JOIN record_name t ON t.id = r.type WHERE t.name = ?");
	sql_str(q, 1, str_of(type));
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	rc = sql_end(q, err);
	store_read_end(r);
	return rc;
}

int main(int argc, char **argv)
{
	uint64_t count = 0, newest = 0;
	struct node *n = NULL;
	struct err err = { 0 };
	if (argc != 4 || !str_to_u64(str_of(argv[3]), &count) || count == 0 || count > COUNT_MOST) {
		fprintf(stderr, "usage: bench-similar DIR TYPE COUNT\n");
		return 64;
	}
	int64_t *took = x_array(count, sizeof(*took));
	enum rc rc = hash_init(&err);
	if (rc == RC_OK)
		rc = node_open(argv[1], &(struct node_options){ 0 }, &n, &err);
	if (rc == RC_OK)
		rc = newest_of(n, argv[2], &newest, &err);
	if (rc == RC_OK)
		rc = measure(n, argv[2], newest, count, took, &err);
	if (rc != RC_OK) {
		fprintf(stderr, "bench-similar: %s\n", err.text);
	} else {
		qsort(took, count, sizeof(*took), by_size);
		printf("%llu of %s, %llu asked: median %.1f ms, p99 %.1f ms, longest %.1f ms\n", (unsigned long long)newest, argv[2],
		       (unsigned long long)count, (double)took[count / 2] / 1000, (double)took[count * 99 / 100] / 1000,
		       (double)took[count - 1] / 1000);
	}
	bool slow = rc == RC_OK && took[count * 99 / 100] > BOUND_US;
	if (n)
		node_close(n);
	free(took);
	return rc != RC_OK || slow;
}
