/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of FILE fields, in main.db, each once. Who may name them in a record is kept too:
 * knowing the digest of a file is not a right to read it. */
#include "base/json.h"
#include "record/record_private.h"
#include "store/destroyed.h"

static enum rc find_file(struct conn *c, const struct digest *d, int64_t *id_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM record_file WHERE digest = ?");
	sql_blob(q, 1, digest_str(d));
	*id_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

static enum rc note_use(struct tx *tx, const struct digest *file, int64_t row, str actor, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO record_file_use (digest, record, actor,"
					 " at_us) VALUES (?, ?, ?, ?)");
	sql_blob(q, 1, digest_str(file));
	sql_int(q, 2, row);
	sql_str(q, 3, actor);
	sql_int(q, 4, tx_now_us(tx));
	return sql_run(q, err);
}

enum rc file_put(struct tx *tx, struct records *r, str actor, str bytes, struct digest *out,
		 struct err *err)
{
	(void)r;
	int64_t id;
	if (bytes.n > RECORD_FILE_MAX)
		return fail(err, RC_LIMIT, "the file is over %zu MiB", RECORD_FILE_MAX >> 20);
	*out = sha256(bytes);
	enum rc rc = destroyed_refuse(tx_conn(tx), out, err);
	if (rc == RC_OK)
		rc = find_file(tx_conn(tx), out, &id, err);
	if (rc == RC_OK && !id) {
		struct sql *q = sql(tx_conn(tx), "INSERT INTO record_file (digest, bytes) VALUES (?, ?)");
		sql_blob(q, 1, digest_str(out));
		sql_blob(q, 2, bytes.n ? bytes : STR(""));
		rc = sql_run(q, err);
	}
	return rc == RC_OK ? note_use(tx, out, 0, actor, err) : rc;
}

enum rc file_read(struct reader *rd, const struct digest *d, struct buf *out, struct err *err)
{
	struct sql *q = sql(reader_conn(rd), "SELECT bytes FROM record_file WHERE digest = ?");
	sql_blob(q, 1, digest_str(d));
	bool found = sql_row(q), sound = false;
	if (found) {
		str bytes = sql_col_blob(q, 0);
		struct digest is = sha256(bytes);
		sound = memcmp(is.b, d->b, sizeof(is.b)) == 0;
		buf_add(out, bytes);
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		return fail(err, RC_ABSENT, "the file is not here");
	if (!sound)
		return fail(err, RC_IO, "the file is damaged: run ronda verify");
	return out->over ? fail(err, RC_LIMIT, "the file is over the limit") : RC_OK;
}

/* --- what a record names --- */

struct naming {
	struct tx *tx;
	int64_t row;
	str actor;
	bool copy;
	struct body_errors *errors;
	enum rc rc;
	struct err *err;
};

static enum rc may_name(const struct naming *n, const struct digest *file, bool *yes_out)
{
	struct sql *q = sql(tx_conn(n->tx), "SELECT 1 FROM record_file_use WHERE digest = ?1"
					    " AND (record = ?2 OR (record = 0 AND actor = ?3)) LIMIT 1");
	sql_blob(q, 1, digest_str(file));
	sql_int(q, 2, n->row);
	sql_str(q, 3, n->actor);
	*yes_out = sql_row(q);
	return sql_end(q, n->err);
}

static bool name_file(void *ctx, const struct value *v)
{
	struct naming *n = ctx;
	struct digest d;
	int64_t file = 0;
	bool yes = n->copy; /* the bytes of a copy may come later */
	if (v->field->kind != KIND_FILE || v->share == SHARE_SEALED ||
	    !hex_parse(json_get_str(v->json, "digest"), d.b, sizeof(d.b)))
		return true;
	n->rc = find_file(tx_conn(n->tx), &d, &file, n->err);
	if (n->rc == RC_OK && file && !yes)
		n->rc = may_name(n, &d, &yes);
	if (n->rc == RC_OK && !yes) {
		body_error_add(n->errors, v->top, "the file is not here: send it first");
		n->rc = fail(n->err, RC_INPUT, "a file is not here: send it first");
	}
	if (n->rc == RC_OK)
		n->rc = note_use(n->tx, &d, n->row, STR(""), n->err);
	return n->rc == RC_OK;
}

enum rc files_change(struct tx *tx, int64_t row, const struct type *t, struct json_object *body,
		     str actor, bool copy, struct body_errors *errors, struct err *err)
{
	struct naming n = { .tx = tx, .row = row, .actor = actor, .copy = copy, .errors = errors,
			    .err = err };
	values_each(t, body, name_file, &n);
	return n.rc;
}

static enum rc drop_unused(struct conn *c, struct err *err)
{
	return sql_run(sql(c, "DELETE FROM record_file WHERE digest NOT IN"
			      " (SELECT digest FROM record_file_use)"),
		       err);
}

enum rc files_erase(struct tx *tx, int64_t row, struct err *err)
{
	struct conn *c = tx_conn(tx);
	/* also what was put there for it and named nowhere else */
	struct sql *q = sql(c, "DELETE FROM record_file_use WHERE digest IN (SELECT digest"
			       " FROM record_file_use WHERE record = ?1) AND (record = ?1 OR record = 0)");
	sql_int(q, 1, row);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? drop_unused(c, err) : rc;
}

static enum rc drop_old(struct tx *tx, void *ctx, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM record_file_use WHERE record = 0 AND at_us < ?");
	sql_int(q, 1, *(int64_t *)ctx);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? drop_unused(tx_conn(tx), err) : rc;
}

enum rc files_tidy(struct store *s, struct err *err)
{
	int64_t before_us = clock_now_us() - DAY_US;
	struct reader *rd;
	enum rc rc = store_read_begin(s, &rd, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(rd), "SELECT 1 FROM record_file_use WHERE record = 0"
					     " AND at_us < ? LIMIT 1");
	sql_int(q, 1, before_us);
	bool any = sql_row(q);
	rc = sql_end(q, err);
	store_read_end(rd);
	return rc == RC_OK && any ? store_write(s, drop_old, &before_us, err) : rc;
}
