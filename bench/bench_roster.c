/* SPDX-License-Identifier: Apache-2.0 */
/* How long does it take to say who is on duty, out of ten years of shifts kept?
 *   bench-roster [tries]
 * Ends with 1 when the median is over a millisecond. */
#include <stdlib.h>

#include "base/test_dir.h"
#include "duty/duty.h"

enum { DAYS = 3650 };

static enum rc fill(struct tx *tx, void *ctx, struct err *err)
{
	int64_t now = *(const int64_t *)ctx;
	enum rc rc = RC_OK;
	for (int64_t i = 0; rc == RC_OK && i < DAYS * 6; i++) { /* day and night, three roles */
		struct uuid id = uuid_random(), person = uuid_random();
		int64_t from = now + (i / 6 - DAYS + 30) * DAY_US + i % 2 * 12 * HOUR_US;
		struct sql *q = sql(tx_conn(tx), "INSERT INTO duty_shift (record, number, person, role, from_us,"
						 " until_us, taken) VALUES (?, ?, ?, ?, ?, ?, 0)");
		sql_blob(q, 1, str_mem(id.b, sizeof id.b));
		sql_int(q, 2, i + 1);
		sql_blob(q, 3, str_mem(person.b, sizeof person.b));
		sql_int(q, 4, i % 6 / 2);
		sql_int(q, 5, from);
		sql_int(q, 6, from + 12 * HOUR_US);
		rc = sql_run(q, err);
	}
	return rc;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	uint64_t tries = 1000;
	struct test_dir dir = test_dir_new();
	struct store *s = NULL;
	struct reader *r = NULL;
	struct err err = { 0 };
	int64_t now = clock_now_us();
	if (argc > 1 && (!str_to_u64(str_of(argv[1]), &tries) || tries == 0 || tries > 1000000))
		return 64;
	if (hash_init(&err) != RC_OK || store_create(dir.path, "Bench", "ID", &err) != RC_OK ||
	    store_open(dir.path, NULL, NULL, &s, &err) != RC_OK || store_write(s, fill, &now, &err) != RC_OK ||
	    store_read_begin(s, &r, &err) != RC_OK) {
		fprintf(stderr, "bench-roster: %s\n", err.text);
		return 1;
	}
	int64_t *took = x_array(tries, sizeof *took);
	struct arena *a = arena_new(KIB(16));
	for (size_t i = 0; i < tries; i++) {
		str *list;
		size_t count = 0;
		bool is_duty;
		int64_t begin = clock_mono_us();
		if (duty_recipients(reader_conn(r), STR("duty:now"), a, &is_duty, &list, &count, &err) != RC_OK || count == 0)
			return 1;
		took[i] = clock_mono_us() - begin;
		arena_reset(a);
	}
	qsort(took, tries, sizeof *took, by_time);
	printf("who is on duty, of %d shifts: median %lld us, 99 %% %lld us\n", DAYS * 6,
	       (long long)took[tries / 2], (long long)took[tries * 99 / 100]);
	bool slow = took[tries / 2] > 1000;
	store_read_end(r);
	store_close(s);
	arena_free(a);
	free(took);
	test_dir_end(&dir);
	return slow;
}
