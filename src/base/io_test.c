/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>

#include "base/io_trace.h"
#include "base/test.h"
#include "base/test_dir.h"

static struct err err;

struct world {
	struct test_dir t;
	struct io_dir *d;
};

static struct world opened(void)
{
	struct world w = { .t = test_dir_new() };
	CHECK_RC(io_dir_open(w.t.path, &w.d, &err), RC_OK, err);
	return w;
}

static void ended(struct world *w)
{
	io_dir_close(w->d);
	test_dir_end(&w->t);
}

TEST(directories)
{
	struct world w = opened();
	char path[512];
	struct io_dir *d, *sub;
	CHECK_RC(io_dir_make(test_dir_in(&w.t, path, "new"), &d, &err), RC_OK, err);
	CHECK_RC(io_dir_sub(d, "raw", false, &sub, &err), RC_ABSENT, err);
	CHECK_RC(io_dir_sub(d, "raw", true, &sub, &err), RC_OK, err);
	struct stat st;
	CHECK_INT(fstat(io_dir_fd(sub), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	io_dir_close(sub);
	CHECK_RC(io_dir_sub(d, "raw", true, &sub, &err), RC_OK, err);
	io_dir_close(sub);
	io_dir_close(d);
	CHECK_RC(io_dir_make(path, &d, &err), RC_CONFLICT, err);
	CHECK_RC(io_dir_make(test_dir_in(&w.t, path, "a/b"), &d, &err), RC_ABSENT, err);
	CHECK_RC(io_dir_make(test_dir_in(&w.t, path, "slash//"), &d, &err), RC_OK, err);
	io_dir_close(d);
	ended(&w);
}

TEST(locks)
{
	struct world w = opened();
	struct io_dir *second;
	CHECK_RC(io_dir_lock(w.d, "lock", &err), RC_OK, err);
	CHECK_RC(io_dir_open(w.t.path, &second, &err), RC_OK, err);
	CHECK_RC(io_dir_lock(second, "lock", &err), RC_BUSY, err);
	io_dir_close(w.d);
	CHECK_RC(io_dir_lock(second, "lock", &err), RC_OK, err);
	w.d = second;
	ended(&w);
}

static const char *const bad_names[] = { "", ".", "..", "a/b", "/etc/passwd", "../x" };

TEST(names_stay_inside)
{
	struct world w = opened();
	struct io_file *f;
	struct io_dir *d;
	char path[512];
	for (size_t i = 0; i < COUNT_OF(bad_names); i++) {
		CHECK_RC(io_open(w.d, bad_names[i], IO_CREATE | IO_WRITE, &f, &err), RC_INPUT, err);
		CHECK_RC(io_unlink(w.d, bad_names[i], &err), RC_INPUT, err);
		CHECK_RC(io_dir_sub(w.d, bad_names[i], true, &d, &err), RC_INPUT, err);
		CHECK_RC(io_rename(w.d, bad_names[i], "x", &err), RC_INPUT, err);
		CHECK_RC(io_rename(w.d, "x", bad_names[i], &err), RC_INPUT, err);
	}
	/* neither through a link, nor into what is no file */
	CHECK_INT(symlink("/etc/passwd", test_dir_in(&w.t, path, "link")), 0);
	CHECK(io_open(w.d, "link", IO_READ, &f, &err) != RC_OK);
	CHECK_INT(symlink("/tmp", test_dir_in(&w.t, path, "dirlink")), 0);
	CHECK(io_dir_sub(w.d, "dirlink", false, &d, &err) != RC_OK);
	CHECK_INT(mkfifo(test_dir_in(&w.t, path, "pipe"), 0600), 0);
	CHECK(io_open(w.d, "pipe", IO_READ, &f, &err) != RC_OK);
	ended(&w);
}

TEST(files)
{
	struct world w = opened();
	struct io_file *f;
	uint64_t size;
	char got[8];
	CHECK_RC(io_open(w.d, "a", IO_READ, &f, &err), RC_ABSENT, err);
	CHECK_RC(io_open(w.d, "a", IO_WRITE | IO_FRESH, &f, &err), RC_OK, err);
	CHECK_RC(io_write_at(f, 3, STR("hello"), &err), RC_OK, err);
	CHECK_RC(io_sync(f, &err), RC_OK, err);
	CHECK_RC(io_size(f, &size, &err), RC_OK, err);
	CHECK_INT(size, 8);
	CHECK_RC(io_read_at(f, 0, got, 8, &err), RC_OK, err);
	CHECK_STR(str_mem(got, 8), STR("\0\0\0hello"));
	CHECK_RC(io_read_at(f, 1, got, 8, &err), RC_INPUT, err);
	CHECK_RC(io_truncate(f, 4, &err), RC_OK, err);
	CHECK_RC(io_size(f, &size, &err), RC_OK, err);
	CHECK_INT(size, 4);
	io_close(f);
	CHECK_RC(io_open(w.d, "a", IO_WRITE | IO_FRESH, &f, &err), RC_CONFLICT, err);
	CHECK_RC(io_open(w.d, "a", IO_WRITE | IO_CREATE, &f, &err), RC_OK, err);
	io_close(f);
	CHECK_RC(io_rename(w.d, "a", "b", &err), RC_OK, err);
	CHECK_RC(io_unlink(w.d, "a", &err), RC_ABSENT, err);
	CHECK_RC(io_unlink(w.d, "b", &err), RC_OK, err);
	ended(&w);
}

TEST(whole_files)
{
	struct world w = opened();
	struct buf b = BUF_INIT(5), small = BUF_INIT(4);
	CHECK_RC(io_replace_file(w.d, "a", STR("one"), &err), RC_OK, err);
	CHECK_RC(io_replace_file(w.d, "a", STR("three"), &err), RC_OK, err);
	CHECK_RC(io_read_file(w.d, "a", &b, &err), RC_OK, err);
	CHECK_STR(buf_str(&b), STR("three"));
	CHECK_RC(io_read_file(w.d, "a", &small, &err), RC_LIMIT, err);
	CHECK_RC(io_read_file(w.d, "absent", &b, &err), RC_ABSENT, err);
	/* a failed replacement leaves the old one, and nothing beside it */
	struct io_trace *t = io_trace_begin(w.t.path);
	for (uint64_t n = 1; n <= 5; n++) {
		io_trace_fail(t, n, ENOSPC, false);
		CHECK_RC(io_replace_file(w.d, "a", STR("other"), &err), RC_LIMIT, err);
		struct io_file *f;
		buf_reset(&b);
		io_trace_fail(t, 0, 0, false);
		CHECK_RC(io_read_file(w.d, "a", &b, &err), RC_OK, err);
		CHECK_STR(buf_str(&b), STR("three"));
		CHECK_RC(io_open(w.d, "a.new", IO_READ, &f, &err), RC_ABSENT, err);
	}
	io_trace_free(t);
	buf_free(&b);
	buf_free(&small);
	ended(&w);
}

TEST(a_failed_sync_is_final)
{
	struct world w = opened();
	struct io_file *f;
	struct io_trace *t = io_trace_begin(w.t.path);
	CHECK_RC(io_open(w.d, "a", IO_CREATE | IO_WRITE, &f, &err), RC_OK, err);
	io_trace_fail_op(t, IO_OP_SYNC, 1, EIO);
	CHECK_RC(io_sync(f, &err), RC_IO, err);
	CHECK(io_trace_failed(t));
	CHECK_RC(io_sync(f, &err), RC_IO, err);
	io_close(f);
	CHECK_RC(io_open(w.d, "a", IO_WRITE, &f, &err), RC_OK, err);
	CHECK_RC(io_sync(f, &err), RC_OK, err);
	io_close(f);
	io_trace_free(t);
	ended(&w);
}

static const struct {
	int code;
	enum rc rc;
} codes[] = { { ENOSPC, RC_LIMIT }, { EDQUOT, RC_LIMIT },  { EFBIG, RC_LIMIT }, { EIO, RC_IO },
	      { EROFS, RC_DENIED }, { EACCES, RC_DENIED }, { ENOMEM, RC_IO } };

TEST(kinds_of_failure)
{
	struct world w = opened();
	struct io_trace *t = io_trace_begin(w.t.path);
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct io_file *f;
		io_trace_fail(t, 1, codes[i].code, false);
		CHECK_RC(io_open(w.d, "a", IO_CREATE | IO_WRITE, &f, &err), codes[i].rc, err);
		CHECK_INT(err.rc, codes[i].rc);
	}
	uint64_t bytes;
	io_trace_pretend_free(t, 7);
	CHECK_RC(io_free_bytes(w.d, &bytes, &err), RC_OK, err);
	CHECK_INT(bytes, 7);
	io_trace_free(t);
	CHECK_RC(io_free_bytes(w.d, &bytes, &err), RC_OK, err);
	CHECK(bytes > 7);
	ended(&w);
}

/* --- after a power cut --- */

static str content(const char *path, const char *name, struct buf *b)
{
	struct io_dir *d;
	buf_reset(b);
	CHECK_RC(io_dir_open(path, &d, &err), RC_OK, err);
	if (io_read_file(d, name, b, NULL) != RC_OK)
		buf_add(b, STR("(absent)"));
	io_dir_close(d);
	return buf_str(b);
}

static const struct {
	const char *what;
	size_t events; /* from the end, kept */
	enum io_cut how;
	str a, b;
} cuts[] = {
	{ "all, dropped", 0, IO_CUT_DROP, STR_INIT("one"), STR_INIT("(absent)") },
	{ "all, kept", 0, IO_CUT_KEEP, STR_INIT("onetwo"), STR_INIT("(absent)") },
	{ "before the unlink, dropped", 1, IO_CUT_DROP, STR_INIT("one"), STR_INIT("(absent)") },
	{ "before the unlink, kept", 1, IO_CUT_KEEP, STR_INIT("onetwo"), STR_INIT("b") },
	{ "before b, kept", 3, IO_CUT_KEEP, STR_INIT("onetwo"), STR_INIT("(absent)") },
	{ "before two", 4, IO_CUT_KEEP, STR_INIT("one"), STR_INIT("(absent)") },
	{ "before the directory's sync", 5, IO_CUT_DROP, STR_INIT("(absent)"),
	  STR_INIT("(absent)") },
};

TEST(rebuilt_directories)
{
	struct world w = opened();
	struct test_dir to = test_dir_new();
	struct io_file *f, *g;
	struct buf b = BUF_INIT(100);
	char path[512];
	struct io_trace *t = io_trace_begin(w.t.path);
	CHECK_RC(io_open(w.d, "a", IO_CREATE | IO_WRITE, &f, &err), RC_OK, err);
	CHECK_RC(io_write_at(f, 0, STR("one"), &err), RC_OK, err);
	CHECK_RC(io_sync(f, &err), RC_OK, err);
	CHECK_RC(io_dir_sync(w.d, &err), RC_OK, err);
	CHECK_RC(io_write_at(f, 3, STR("two"), &err), RC_OK, err);
	CHECK_RC(io_open(w.d, "b", IO_CREATE | IO_WRITE, &g, &err), RC_OK, err);
	CHECK_RC(io_write_at(g, 0, STR("b"), &err), RC_OK, err);
	CHECK_RC(io_unlink(w.d, "b", &err), RC_OK, err);
	io_close(f);
	io_close(g);
	io_trace_stop(t);
	size_t all = io_trace_events(t);
	CHECK_INT(all, 8);
	test_dir_in(&to, path, "cut");
	for (size_t i = 0; i < COUNT_OF(cuts); i++) {
		CHECK_RC(io_trace_rebuild(t, all - cuts[i].events, cuts[i].how, 1, path, &err),
			 RC_OK, err);
		str a = content(path, "a", &b);
		CHECK_MSG(str_eq(a, cuts[i].a), "%s: a is '" STR_FMT "'", cuts[i].what, STR_ARG(a));
		a = content(path, "b", &b);
		CHECK_MSG(str_eq(a, cuts[i].b), "%s: b is '" STR_FMT "'", cuts[i].what, STR_ARG(a));
		test_dir_remove_path(path);
	}
	/* reordered: some seeds lose, some keep, some tear */
	size_t lengths[7] = { 0 };
	for (uint64_t seed = 0; seed < 40; seed++) {
		CHECK_RC(io_trace_rebuild(t, all, IO_CUT_REORDER, seed, path, &err), RC_OK, err);
		lengths[content(path, "a", &b).n % 7]++;
		test_dir_remove_path(path);
	}
	CHECK(lengths[3] > 0 && lengths[6] > 0 && lengths[4] + lengths[5] > 0);
	io_trace_free(t);
	buf_free(&b);
	test_dir_end(&to);
	ended(&w);
}

TEST_MAIN(TEST_RUN(directories), TEST_RUN(locks), TEST_RUN(names_stay_inside), TEST_RUN(files),
	  TEST_RUN(whole_files), TEST_RUN(a_failed_sync_is_final), TEST_RUN(kinds_of_failure),
	  TEST_RUN(rebuilt_directories))
