/* SPDX-License-Identifier: Apache-2.0 */
/* Files under their digest: what was named is whole after a power cut at any moment, whatever call fails. */
#include "base/test.h"

#include <errno.h>

#include "base/arena.h"
#include "base/io_trace.h"
#include "base/test_dir.h"
#include "evidence/vault.h"

static struct err err;

enum { FILES = 4 };
static const size_t sizes[FILES] = { 0, 100, (3 << 20) + 17, 1 << 20 };

/* Some of zeros, some of noise, so that there are holes within and at the end. */
static char *content(int i)
{
	char *p = x_alloc(sizes[i] + 1);
	for (size_t k = 0; k < sizes[i]; k++)
		p[k] = i == 3 || (k >> 20) == 1 ? 0 : (char)(k * 31 + (size_t)i + (k >> 9));
	return p;
}

static enum rc put(struct vault *v, int i, const unsigned char *key, struct vault_sums *out)
{
	struct vault_in *in = NULL;
	char *p = content(i);
	enum rc rc = vault_in_new(v, key, &in, &err);
	for (size_t at = 0; rc == RC_OK && at < sizes[i]; at += 70001)
		rc = vault_in_add(in, str_head(str_mem(p + at, sizes[i] - at), 70001), &err);
	if (rc == RC_OK)
		rc = vault_in_sync(in, out, &err);
	if (rc == RC_OK)
		rc = vault_in_name(in, &err);
	vault_in_end(in);
	free(p);
	return rc;
}

/* Byte by byte what content() gives. */
static enum rc same(struct vault *v, int i, const struct digest *stored, const unsigned char *key, bool *out)
{
	struct vault_out *o = NULL;
	char *p = content(i), piece[4096];
	size_t at = 0, got = 1;
	*out = true;
	enum rc rc = vault_out_new(v, stored, key, &o, &err);
	while (rc == RC_OK && got) {
		rc = vault_out_read(o, piece, sizeof(piece), &got, &err);
		if (rc == RC_OK && got)
			*out = *out && at + got <= sizes[i] && memcmp(p + at, piece, got) == 0;
		at += rc == RC_OK ? got : 0;
	}
	*out = *out && rc == RC_OK && at == sizes[i];
	vault_out_end(o);
	free(p);
	return rc;
}

static struct vault *open_in(const char *path, struct io_dir **root)
{
	struct vault *v = NULL;
	CHECK_RC(io_dir_open(path, root, &err), RC_OK, err);
	CHECK_RC(vault_open(*root, false, 0, &v, &err), RC_OK, err);
	return v;
}

static bool count(void *ctx, const char *name)
{
	(void)name;
	++*(int *)ctx;
	return true;
}

static int files_in(struct vault *v)
{
	int n = 0;
	CHECK_RC(vault_each(v, count, &n, &err), RC_OK, err);
	return n;
}

TEST(there_and_back)
{
	struct test_dir d = test_dir_new();
	struct io_dir *root;
	struct vault *v = open_in(d.path, &root);
	unsigned char key[VAULT_KEY] = { 7 }, other[VAULT_KEY] = { 8 };
	for (int i = 0; i < FILES; i++) {
		struct vault_sums s, sealed;
		bool is = false;
		char *p = content(i);
		struct digest want = sha256(str_mem(p, sizes[i]));
		CHECK_RC(put(v, i, NULL, &s), RC_OK, err);
		CHECK(memcmp(want.b, s.sha256.b, 32) == 0 && memcmp(want.b, s.stored.b, 32) == 0);
		CHECK_INT(s.bytes, sizes[i]);
		CHECK_RC(same(v, i, &s.stored, NULL, &is), RC_OK, err);
		CHECK_MSG(is, "file %d differs", i);
		CHECK_RC(put(v, i, key, &sealed), RC_OK, err);
		CHECK(memcmp(want.b, sealed.sha256.b, 32) == 0 && memcmp(want.b, sealed.stored.b, 32) != 0);
		CHECK_RC(same(v, i, &sealed.stored, key, &is), RC_OK, err);
		CHECK_MSG(is, "sealed file %d differs", i);
		CHECK_RC(same(v, i, &sealed.stored, other, &is), RC_INPUT, err);
		free(p);
	}
	CHECK_INT(files_in(v), 2 * FILES);
	struct vault_sums again;
	CHECK_RC(put(v, 1, NULL, &again), RC_OK, err);
	CHECK_INT(files_in(v), 2 * FILES); /* the same bytes are one file */
	CHECK_RC(vault_remove(v, &again.stored, &err), RC_OK, err);
	CHECK_RC(vault_remove(v, &again.stored, &err), RC_OK, err);
	CHECK_INT(files_in(v), 2 * FILES - 1);
	vault_close(v);
	io_dir_close(root);
	test_dir_end(&d);
}

TEST(a_sealed_file_that_was_changed)
{
	struct test_dir d = test_dir_new();
	struct io_dir *root;
	struct vault *v = open_in(d.path, &root);
	unsigned char key[VAULT_KEY] = { 7 };
	struct vault_sums s;
	char name[VAULT_NAME], path[512], inside[100];
	bool is;
	CHECK_RC(put(v, 2, key, &s), RC_OK, err);
	vault_name(&s.stored, name);
	snprintf(inside, sizeof(inside), "evidence/%s", name);
	test_dir_in(&d, path, inside);
	CHECK(chmod(path, 0600) == 0);
	static const long at[] = { 0, 9, 40, 70000, 2000000 };
	for (size_t i = 0; i < COUNT_OF(at); i++) {
		int fd = open(path, O_RDWR | O_CLOEXEC);
		unsigned char c;
		CHECK(pread(fd, &c, 1, at[i]) == 1);
		c ^= 1;
		CHECK(pwrite(fd, &c, 1, at[i]) == 1);
		CHECK_RC(same(v, 2, &s.stored, key, &is), RC_INPUT, err);
		c ^= 1;
		CHECK(pwrite(fd, &c, 1, at[i]) == 1);
		close(fd);
	}
	CHECK_RC(same(v, 2, &s.stored, key, &is), RC_OK, err);
	/* cut off, at a message's end and within one */
	CHECK(truncate(path, 8 + 24 + 65536 + 17) == 0);
	CHECK_RC(same(v, 2, &s.stored, key, &is), RC_INPUT, err);
	CHECK(truncate(path, 100) == 0);
	CHECK_RC(same(v, 2, &s.stored, key, &is), RC_INPUT, err);
	CHECK(truncate(path, 4) == 0);
	CHECK_RC(same(v, 2, &s.stored, key, &is), RC_INPUT, err);
	vault_close(v);
	io_dir_close(root);
	test_dir_end(&d);
}

/* Each acknowledged file is whole whenever the power goes after it; a name is never given to part of one. */
TEST(the_power_goes)
{
	struct test_dir d = test_dir_new();
	struct io_trace *t = io_trace_begin(d.path);
	struct io_dir *root;
	struct vault *v = open_in(d.path, &root);
	struct vault_sums s[FILES];
	for (int i = 0; i < FILES; i++) {
		CHECK_RC(put(v, i, NULL, &s[i]), RC_OK, err);
		io_trace_mark(t, (uint64_t)i + 1);
	}
	vault_close(v);
	io_dir_close(root);
	io_trace_stop(t);
	size_t events = io_trace_events(t), cuts = 0;
	for (size_t n = 0; n <= events; n++)
		for (int how = 0; how < IO_CUTS; how++, cuts++) {
			struct test_dir b = test_dir_new();
			char path[512];
			uint64_t acks = 0;
			(void)!rmdir(b.path);
			snprintf(path, sizeof(path), "%s", b.path);
			CHECK_RC(io_trace_rebuild(t, n, (enum io_cut)how, n * 7 + 1, path, &err), RC_OK, err);
			(void)io_trace_marks(t, n, &acks);
			v = open_in(path, &root);
			for (int i = 0; i < FILES; i++) {
				bool is = false;
				enum rc rc = same(v, i, &s[i].stored, NULL, &is);
				CHECK_MSG(is || ((uint64_t)i >= acks && rc == RC_ABSENT),
					  "cut %d after %zu of %zu: file %d is %s, %d were acknowledged", how, n, events, i,
					  rc == RC_OK ? "changed" : rc_name(rc), (int)acks);
			}
			vault_close(v);
			io_dir_close(root);
			test_dir_end(&b);
		}
	printf("# %zu cuts\n", cuts);
	io_trace_free(t);
	test_dir_end(&d);
}

/* Whatever call fails: it says so, and nothing half is left. */
TEST(each_call_fails)
{
	static const int codes[] = { EIO, ENOSPC };
	for (size_t c = 0; c < COUNT_OF(codes); c++) {
		uint64_t n = 1;
		for (bool hit = true; hit; n++) {
			struct test_dir d = test_dir_new();
			struct io_trace *t = io_trace_begin(d.path);
			struct io_dir *root;
			struct vault *v = open_in(d.path, &root);
			struct vault_sums s;
			io_trace_fail(t, n, codes[c], false);
			enum rc rc = put(v, 2, NULL, &s);
			hit = io_trace_failed(t);
			io_trace_fail(t, 0, 0, false);
			CHECK_MSG((rc == RC_OK) == !hit, "call %llu fails with %d: %s", (unsigned long long)n, codes[c],
				  rc_name(rc));
			CHECK_MSG(!hit || rc == RC_IO || rc == RC_LIMIT, "call %llu: %s", (unsigned long long)n, rc_name(rc));
			bool is = true;
			if (files_in(v) > 0) /* the folder could not be synced: whole, but not acknowledged */
				CHECK_RC(same(v, 2, &s.stored, NULL, &is), RC_OK, err);
			CHECK_MSG(is, "call %llu leaves part of a file", (unsigned long long)n);
			vault_close(v);
			io_dir_close(root);
			io_trace_stop(t);
			io_trace_free(t);
			test_dir_end(&d);
		}
		printf("# %llu calls\n", (unsigned long long)n - 2);
		CHECK(n > 5);
	}
}

TEST(a_full_disk)
{
	struct test_dir d = test_dir_new();
	struct io_trace *t = io_trace_begin(d.path);
	struct io_dir *root;
	struct vault *v = open_in(d.path, &root);
	struct vault_sums s;
	io_trace_pretend_free(t, KIB(512));
	CHECK_RC(put(v, 1, NULL, &s), RC_LIMIT, err);
	CHECK(strstr(err.text, "disk is full") != NULL);
	CHECK_INT(files_in(v), 0);
	io_trace_pretend_free(t, UINT64_MAX);
	CHECK_RC(put(v, 1, NULL, &s), RC_OK, err);
	vault_close(v);
	io_dir_close(root);
	io_trace_stop(t);
	io_trace_free(t);
	test_dir_end(&d);
}

TEST_MAIN(TEST_RUN(there_and_back), TEST_RUN(a_sealed_file_that_was_changed), TEST_RUN(the_power_goes),
	  TEST_RUN(each_call_fails), TEST_RUN(a_full_disk))
