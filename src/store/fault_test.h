/* SPDX-License-Identifier: Apache-2.0 */
/* fault_test.h: a call whose statements fail one after the other, and what it leaves behind.
 *
 * fault_each() does a call again and again; the first time its first step of a statement fails, then
 * its second, until none is left to fail. Each time the call must say that it failed, and every
 * table must be as it was. Only tests include it. */
#ifndef RONDA_STORE_FAULT_TEST_H
#define RONDA_STORE_FAULT_TEST_H

#include "base/test.h"

#include <sqlite3.h>

#include "base/hash.h"
#include "base/io_trace.h"
#include "base/test_dir.h"

/* All rows of all tables of DIR/main.db. */
static inline struct digest fault_tables(const char *dir)
{
	struct buf path = BUF_INIT(KIB(4)), rows = BUF_INIT(MIB(64));
	sqlite3 *db = NULL;
	sqlite3_stmt *tables = NULL;

	buf_fmt(&path, "%s/main.db", dir);
	CHECK(sqlite3_open_v2(path.p, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE"
				     " 'CREATE VIRTUAL%' ORDER BY 1", -1, &tables, NULL) == SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		sqlite3_stmt *q = NULL;
		char *text = sqlite3_mprintf("SELECT * FROM \"%w\"", sqlite3_column_text(tables, 0));
		CHECK(sqlite3_prepare_v2(db, text, -1, &q, NULL) == SQLITE_OK);
		buf_add(&rows, str_of(text));
		while (sqlite3_step(q) == SQLITE_ROW)
			for (int i = 0; i < sqlite3_column_count(q); i++) {
				const void *p = sqlite3_column_blob(q, i);
				buf_add_mem(&rows, p ? p : "", p ? (size_t)sqlite3_column_bytes(q, i) : 0);
				buf_char(&rows, '|');
			}
		sqlite3_finalize(q);
		sqlite3_free(text);
	}
	CHECK(!rows.over);
	struct digest d = sha256(buf_str(&rows));
	sqlite3_finalize(tables);
	sqlite3_close(db);
	buf_free(&path);
	buf_free(&rows);
	return d;
}

struct fault {
	struct test_dir empty;
	struct io_trace *trace;
	char dir[256];      /* of the store */
	bool forgives;      /* some of what the call does may fail unsaid */
	bool forgives_change; /* it has more than one job: the first may stand */
};
static inline struct fault fault_begin(const char *dir)
{
	struct fault f = { .empty = test_dir_new() };
	snprintf(f.dir, sizeof(f.dir), "%s", dir);
	f.trace = io_trace_begin(f.empty.path);
	return f;
}
static inline void fault_end(struct fault *f)
{
	io_trace_free(f->trace);
	test_dir_end(&f->empty);
}

typedef enum rc (*fault_act)(void *ctx, struct err *err);

/* Ends with the call done; how often it failed. */
static inline unsigned fault_each(struct fault *f, const char *what, fault_act act, void *ctx)
{
	enum { MOST = 3000 };
	for (unsigned n = 1; n < MOST; n++) {
		struct err e = { 0 };
		struct digest before = fault_tables(f->dir);
		io_trace_fail_step(f->trace, n);
		enum rc rc = act(ctx, &e);
		bool failed = io_trace_failed(f->trace);
		io_trace_fail_step(f->trace, 0);
		if (!failed) {
			CHECK_MSG(rc == RC_OK, "%s: %s (%s)", what, rc_name(rc), e.text);
			return n - 1;
		}
		if (rc == RC_OK && f->forgives)
			continue;
		CHECK_MSG(rc != RC_OK && e.text[0], "%s: step %u failed unsaid", what, n);
		struct digest after = fault_tables(f->dir);
		CHECK_MSG(f->forgives_change || !memcmp(&before, &after, sizeof(after)), "%s: step %u: half done", what, n);
	}
	CHECK_MSG(false, "%s: never done", what);
	return MOST;
}

#endif
