/* SPDX-License-Identifier: Apache-2.0 */
/* sql.h: prepared statements over main.db, nothing else.
 *
 * Statement texts are string literals (a name or value never becomes text);
 * each is prepared once per connection and kept. Every floor that keeps rows of
 * its own writes them through this; its tables stand in store/migrations.c.
 *
 *   struct sql *q = sql(c, "SELECT name FROM feed WHERE id = ?");
 *   sql_int(q, 1, id);
 *   while (sql_row(q)) use(sql_col_str(q, 0));
 *   return sql_end(q, err);            // RC_OK, or what went wrong anywhere above
 *
 * Errors stick until sql_end, which must be called. Columns from 0, parameters
 * from 1. Strings of sql_col_* live until the next sql_row or sql_end. A
 * connection is used by one thread at a time. */
#ifndef RONDA_STORE_SQL_H
#define RONDA_STORE_SQL_H

#include "base/arena.h"
#include "base/hash.h"

struct conn; /* one connection: the writer's, or a reader's */
struct sql;

struct sql *sql(struct conn *c, const char *literal);
void sql_int(struct sql *q, int at, int64_t v);
void sql_real(struct sql *q, int at, double v);
void sql_str(struct sql *q, int at, str v); /* STR_NONE binds NULL; the bytes must live until sql_end */
void sql_blob(struct sql *q, int at, str v);
void sql_null(struct sql *q, int at);
bool sql_row(struct sql *q); /* false: no more rows, or an error that sql_end tells */
int64_t sql_col_int(struct sql *q, int at);
double sql_col_real(struct sql *q, int at);
str sql_col_str(struct sql *q, int at);
str sql_col_blob(struct sql *q, int at);
bool sql_col_null(struct sql *q, int at);
/* RC_CONFLICT: a constraint; RC_LIMIT: disk full; RC_IO. */
MUST_CHECK enum rc sql_end(struct sql *q, struct err *err);

/* Runs to its end without rows; for statements without results. */
MUST_CHECK enum rc sql_run(struct sql *q, struct err *err);
int64_t sql_last_id(struct conn *c);
int64_t sql_changes(struct conn *c);

#endif
