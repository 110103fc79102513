/* SPDX-License-Identifier: Apache-2.0 */
/* Stores of version 1 were written without what base/io_page.h does: what was
 * deleted may still stand in the unallocated space of their pages. It is cleared in
 * place, once. Cut short nothing is lost: only unallocated bytes differ. */
#include "base/arena.h"
#include "base/io_page.h"
#include "store/store_private.h"

static bool is_clear(const char *p, size_t from, size_t until)
{
	while (from < until && !p[from])
		from++;
	return from == until;
}

enum rc store_clear_pages(struct store *s, struct err *err)
{
	sqlite3_file *f = NULL;
	sqlite3_int64 bytes = 0;
	struct sql *q = sql(s->conn, "PRAGMA page_size");
	int size = sql_row(q) ? (int)sql_col_int(q, 0) : 0;
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	/* the handle SQLite has: closing another one would drop its locks */
	int code = sqlite3_file_control(conn_db(s->conn), "main", SQLITE_FCNTL_FILE_POINTER, &f);
	if (code == SQLITE_OK)
		code = f->pMethods->xFileSize(f, &bytes);
	char *page = x_alloc((size_t)size + 1);
	for (sqlite3_int64 at = 0; code == SQLITE_OK && size && at + size <= bytes; at += size) {
		size_t from, until;
		code = f->pMethods->xRead(f, page, size, at);
		if (code == SQLITE_OK &&
		    io_page_gap(str_mem(page, (size_t)size), (uint64_t)(at / size) + 1, &from, &until) &&
		    !is_clear(page, from, until))
			code = f->pMethods->xWrite(f, page, size, at); /* io_vfs.c leaves it out */
	}
	free(page);
	if (code == SQLITE_OK)
		code = f->pMethods->xSync(f, SQLITE_SYNC_NORMAL);
	return code == SQLITE_OK ? RC_OK
				 : fail(err, RC_IO, "cannot clear unused bytes of main.db: %s",
					sqlite3_errstr(code));
}
