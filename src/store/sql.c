/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sql.h"

#include <errno.h>

#include "base/io_trace.h"
#include "base/io_vfs.h"
#include "base/buf.h"
#include "store/store_private.h"

enum { SLOTS = 256 };

struct sql {
	struct conn *c;
	const char *literal;
	sqlite3_stmt *stmt; /* NULL when it could not be prepared: rc says why */
	int rc;             /* SQLITE_OK, or the first thing that went wrong */
	bool busy;          /* between sql() and sql_end() */
	bool extra;         /* not kept: the kept one was busy */
	struct sql *next;
};

struct conn {
	sqlite3 *db;
	struct sql *slot[SLOTS]; /* by address of the literal */
	bool broken;
	void *kept; /* what a reader of blocks keeps from one look to the next */
	void (*kept_free)(void *kept);
};

/* --- connections --- */

static enum rc kind_of(struct conn *c, int code)
{
	int cause = sqlite3_system_errno(c->db);
	bool full = cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return RC_CONFLICT;
	case SQLITE_FULL:
	case SQLITE_TOOBIG:
		return RC_LIMIT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return RC_BUSY;
	case SQLITE_NOMEM:
		abort(); /* as everywhere: running out of memory ends the process */
	case SQLITE_IOERR:
		if (full && code != SQLITE_IOERR_FSYNC && code != SQLITE_IOERR_DIR_FSYNC)
			return RC_LIMIT;
		c->broken = true;
		return RC_IO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		c->broken = true;
		return RC_IO;
	default:
		return RC_IO;
	}
}

static enum rc failed(struct conn *c, int code, struct err *err)
{
	return fail(err, kind_of(c, code), "main.db: %s", sqlite3_errmsg(c->db));
}

static const char setup[] =
	"PRAGMA foreign_keys = OFF;"
	"PRAGMA trusted_schema = OFF;"
	"PRAGMA cell_size_check = ON;"
	"PRAGMA temp_store = MEMORY;"
	"PRAGMA mmap_size = 0;"
	"PRAGMA secure_delete = ON;"
	"PRAGMA synchronous = FULL;"
	"PRAGMA wal_autocheckpoint = 0;"         /* writer.c does it, between groups */
	"PRAGMA journal_size_limit = 16777216;"; /* the log shrinks again after a rush */

/* tag8(text): the first eight bytes of its SHA-256, little endian. For migrations.c. */
static void tag8(sqlite3_context *ctx, int n, sqlite3_value **value)
{
	const char *p = (const char *)sqlite3_value_text(value[0]);
	struct digest d = sha256(str_mem(p, p ? (size_t)sqlite3_value_bytes(value[0]) : 0));
	struct wire w = wire_of(str_mem(d.b, 8));
	(void)n;
	sqlite3_result_int64(ctx, (int64_t)wire_le64(&w));
}

/* The name as SQLite wants it: a URI only where it must be one. */
static void file_name(struct buf *out, const char *path, bool immutable)
{
	if (!immutable) {
		buf_add(out, str_of(path));
		return;
	}
	buf_add(out, STR("file:"));
	for (const char *p = path; *p; p++)
		if (strchr("%?#", *p))
			buf_fmt(out, "%%%02X", (unsigned)(unsigned char)*p);
		else
			buf_char(out, *p);
	buf_add(out, STR("?immutable=1"));
}

enum rc conn_open(const char *path, unsigned flags, uint32_t cache_kib, struct conn **out,
		  struct err *err)
{
	enum rc rc = io_vfs_register(err);
	if (rc != RC_OK)
		return rc;
	struct conn *c = x_alloc(sizeof(*c));
	struct buf name = BUF_INIT(KIB(8));
	int how = (flags & CONN_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
		  SQLITE_OPEN_NOMUTEX;
	if (flags & CONN_IMMUTABLE)
		how |= SQLITE_OPEN_URI;
	file_name(&name, path, flags & CONN_IMMUTABLE);
	int code = sqlite3_open_v2(name.p, &c->db, how, IO_VFS_NAME);
	buf_free(&name);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(c->db, 1);
		sqlite3_busy_timeout(c->db, 10000);
		sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_limit(c->db, SQLITE_LIMIT_ATTACHED, 0);
		code = sqlite3_exec(c->db, setup, NULL, NULL, NULL);
	}
	if (code == SQLITE_OK && (flags & CONN_WRITE))
		code = sqlite3_create_function_v2(c->db, "tag8", 1, SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, tag8, NULL, NULL,
						  NULL);
	if (code == SQLITE_OK && (flags & CONN_WAL))
		code = sqlite3_exec(c->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	if (code == SQLITE_OK) {
		char pages[64];
		snprintf(pages, sizeof(pages), "PRAGMA cache_size = -%u", cache_kib);
		code = sqlite3_exec(c->db, pages, NULL, NULL, NULL);
	}
	if (code != SQLITE_OK) {
		rc = fail(err, kind_of(c, code), "cannot open '%s': %s", path,
			  sqlite3_errmsg(c->db));
		conn_close(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

void conn_close(struct conn *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		for (struct sql *q = c->slot[i], *next; q; q = next) {
			next = q->next;
			sqlite3_finalize(q->stmt);
			free(q);
		}
	conn_keep(c, NULL, NULL);
	sqlite3_close_v2(c->db);
	free(c);
}

enum rc conn_exec(struct conn *c, const char *literal, struct err *err)
{
	int code = sqlite3_exec(c->db, literal, NULL, NULL, NULL);
	return code == SQLITE_OK ? RC_OK : failed(c, code, err);
}

sqlite3 *conn_db(struct conn *c)
{
	return c->db;
}

bool conn_broken(const struct conn *c)
{
	return c->broken;
}

bool conn_in_transaction(const struct conn *c)
{
	return !sqlite3_get_autocommit(c->db);
}

void conn_keep_log(struct conn *c)
{
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void *conn_kept(const struct conn *c)
{
	return c->kept;
}

void conn_keep(struct conn *c, void *kept, void (*kept_free)(void *kept))
{
	if (c->kept)
		c->kept_free(c->kept);
	c->kept = kept;
	c->kept_free = kept_free;
}

/* --- statements --- */

static struct sql *new_statement(struct conn *c, const char *literal, bool extra)
{
	struct sql *q = x_alloc(sizeof(*q));
	q->c = c;
	q->literal = literal;
	q->extra = extra;
	q->rc = sqlite3_prepare_v3(c->db, literal, -1, extra ? 0 : SQLITE_PREPARE_PERSISTENT,
				   &q->stmt, NULL);
	if (q->rc == SQLITE_OK && !q->stmt)
		q->rc = SQLITE_MISUSE;
	return q;
}

struct sql *sql(struct conn *c, const char *literal)
{
	size_t slot = ((uintptr_t)literal * UINT64_C(0x9e3779b97f4a7c15)) >> 56;
	struct sql *q = c->slot[slot];
	while (q && q->literal != literal)
		q = q->next;
	if (q && q->busy)
		q = new_statement(c, literal, true);
	else if (!q) {
		q = new_statement(c, literal, false);
		q->next = c->slot[slot];
		c->slot[slot] = q;
	} else if (!q->stmt)
		q->rc = sqlite3_prepare_v3(c->db, literal, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt,
					   NULL);
	q->busy = true;
	return q;
}

static void note(struct sql *q, int code)
{
	if (q->rc == SQLITE_OK && code != SQLITE_OK)
		q->rc = code;
}

void sql_int(struct sql *q, int at, int64_t v)
{
	if (q->stmt)
		note(q, sqlite3_bind_int64(q->stmt, at, v));
}

void sql_real(struct sql *q, int at, double v)
{
	if (q->stmt)
		note(q, sqlite3_bind_double(q->stmt, at, v));
}

void sql_str(struct sql *q, int at, str v)
{
	if (q->stmt)
		note(q, sqlite3_bind_text64(q->stmt, at, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8));
}

void sql_blob(struct sql *q, int at, str v)
{
	if (q->stmt)
		note(q, sqlite3_bind_blob64(q->stmt, at, v.p, v.n, SQLITE_STATIC));
}

void sql_null(struct sql *q, int at)
{
	if (q->stmt)
		note(q, sqlite3_bind_null(q->stmt, at));
}

bool sql_row(struct sql *q)
{
	if (q->rc != SQLITE_OK)
		return false;
	int code = io_traced() && !io_trace_step(q->literal) ? SQLITE_FULL
						     : sqlite3_step(q->stmt);
	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		q->rc = code;
	else
		q->rc = SQLITE_DONE; /* a further step would start it again */
	return false;
}

int64_t sql_col_int(struct sql *q, int at)
{
	return sqlite3_column_int64(q->stmt, at);
}

double sql_col_real(struct sql *q, int at)
{
	return sqlite3_column_double(q->stmt, at);
}

str sql_col_str(struct sql *q, int at)
{
	const char *p = (const char *)sqlite3_column_text(q->stmt, at);
	return str_mem(p, p ? (size_t)sqlite3_column_bytes(q->stmt, at) : 0);
}

str sql_col_blob(struct sql *q, int at)
{
	if (sqlite3_column_type(q->stmt, at) == SQLITE_NULL)
		return STR_NONE;
	const char *p = sqlite3_column_blob(q->stmt, at);
	return p ? str_mem(p, (size_t)sqlite3_column_bytes(q->stmt, at)) : STR("");
}

bool sql_col_null(struct sql *q, int at)
{
	return sqlite3_column_type(q->stmt, at) == SQLITE_NULL;
}

enum rc sql_end(struct sql *q, struct err *err)
{
	enum rc rc = RC_OK;
	if (q->rc != SQLITE_OK && q->rc != SQLITE_DONE)
		rc = failed(q->c, q->rc, err);
	if (q->stmt) {
		sqlite3_reset(q->stmt);
		sqlite3_clear_bindings(q->stmt);
	}
	q->rc = SQLITE_OK;
	q->busy = false;
	if (q->extra) {
		sqlite3_finalize(q->stmt);
		free(q);
	}
	return rc;
}

enum rc sql_run(struct sql *q, struct err *err)
{
	while (sql_row(q))
		;
	return sql_end(q, err);
}

int64_t sql_last_id(struct conn *c)
{
	return sqlite3_last_insert_rowid(c->db);
}

int64_t sql_changes(struct conn *c)
{
	return sqlite3_changes64(c->db);
}
