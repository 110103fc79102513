/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spill.h"

#include <dirent.h>

#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

/* Rows come in any order and go out in that of their keys, from memory and from the disk. */
TEST(in_order)
{
	static const size_t memory[] = { 1, 100, KIB(1), MIB(1) };
	struct test_dir dir = test_dir_new();
	for (size_t m = 0; m < COUNT_OF(memory); m++)
		for (int disk = 0; disk < 2; disk++) {
			struct spill *s = spill_new(disk ? dir.path : NULL, memory[m]);
			char key[16], value[24], last[16];
			str k, v;
			for (unsigned i = 0; i < 1000; i++) {
				snprintf(key, sizeof(key), "%u", i * 7919 % 1000);
				snprintf(value, sizeof(value), "v%s", key);
				spill_add(s, str_of(key), str_of(value));
			}
			for (int walk = 0; walk < 2; walk++) {
				size_t n = 0;
				last[0] = '\0';
				CHECK_RC(spill_sort(s, &err), RC_OK, err);
				while (spill_next(s, &k, &v)) {
					CHECK(str_cmp(str_of(last), k) < 0 && str_eq(str_from(v, 1), k));
					CHECK(str_to_z(k, last, sizeof(last)));
					n++;
				}
				CHECK_RC(spill_ok(s, &err), RC_OK, err);
				CHECK_INT(n, 1000);
			}
			spill_free(s);
		}
	struct spill *none = spill_new(dir.path, 100);
	str k, v;
	CHECK_RC(spill_sort(none, &err), RC_OK, err);
	CHECK(!spill_next(none, &k, &v));
	spill_free(none);
	test_dir_end(&dir);
}

TEST(bytes_again)
{
	struct test_dir dir = test_dir_new();
	struct spool *s = spool_new(dir.path, 10), *all = spool_new(NULL, 0);
	char got[8];
	spool_add(s, STR("0123456789abc"));
	spool_add(s, STR("def"));
	CHECK_INT(spool_bytes(s), 16);
	CHECK_RC(spool_read(s, 9, got, 7, &err), RC_OK, err); /* over the edge of what is on the disk */
	CHECK_STR(str_mem(got, 7), STR("9abcdef"));
	CHECK_RC(spool_read(s, 10, got, 7, &err), RC_INPUT, err);
	spool_add(all, STR("x"));
	spool_append(all, s);
	CHECK_RC(spool_read(all, 0, got, 3, &err), RC_OK, err);
	CHECK_STR(str_mem(got, 3), STR("x01"));
	/* the files have no name: what is cut leaves nothing */
	DIR *d = opendir(dir.path);
	size_t names = 0;
	for (struct dirent *e; d && (e = readdir(d));)
		names += e->d_name[0] != '.';
	CHECK(d && names == 0);
	closedir(d);
	spool_free(s);
	spool_free(all);
	test_dir_end(&dir);
}

TEST(no_room)
{
	struct spill *s = spill_new("/nonexistent", 10);
	spill_add(s, STR("a key of some length"), STR(""));
	CHECK(spill_sort(s, &err) != RC_OK);
	spill_free(s);
}

TEST_MAIN(TEST_RUN(in_order), TEST_RUN(bytes_again), TEST_RUN(no_room))
