/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a version: what is kept, what it commits to, and who is told. */
#include "base/json.h"
#include "record/record_private.h"

enum { PACK_FROM = 2000 };

static enum rc next_number(struct conn *c, int64_t type, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "INSERT INTO record_type (name, last_number, made_by) VALUES (?, 1, x'')"
			       " ON CONFLICT (name) DO UPDATE SET last_number = last_number + 1"
			       " RETURNING last_number");
	sql_int(q, 1, type);
	*out = sql_row(q) ? (uint64_t)sql_col_int(q, 0) : 0;
	while (sql_row(q))
		;
	return sql_end(q, err);
}

/* The row of a new record, to which version_add() comes. */
enum rc row_add(struct tx *tx, struct record *now, int64_t *row_out, struct err *err)
{
	struct conn *c = tx_conn(tx);
	int64_t type, origin;
	bool copy = !str_eq(now->origin, store_node_id(tx_store(tx)));
	enum rc rc = name_make(c, now->type_name, &type, err);
	if (rc == RC_OK)
		rc = name_make(c, now->origin, &origin, err);
	if (rc == RC_OK && !copy)
		rc = next_number(c, type, &now->number, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(c, "INSERT INTO record (uuid, type, number, origin, version, version_id,"
			       " created_us, changed_us, state, tlp, exercise, sealed, erased, title)"
			       " VALUES (?, ?, ?, ?, 0, 0, ?, 0, 0, 0, 0, 0, 0, '')");
	sql_blob(q, 1, uuid_str(&now->id));
	sql_int(q, 2, type);
	sql_int(q, 3, (int64_t)now->number);
	sql_int(q, 4, origin);
	sql_int(q, 5, now->created_us);
	rc = sql_run(q, err);
	*row_out = sql_last_id(c);
	return rc;
}

static enum rc save_row(struct conn *c, int64_t row, int64_t version_id, int64_t state,
			const struct record *now, struct err *err)
{
	struct sql *q = sql(c, "UPDATE record SET version = ?, version_id = ?, changed_us = ?,"
			       " organisation = ?, state = ?, tlp = ?, exercise = ?, sealed = ?,"
			       " erased = ?, title = ? WHERE id = ?");
	sql_int(q, 1, (int64_t)now->version);
	sql_int(q, 2, version_id);
	sql_int(q, 3, now->changed_us);
	sql_blob(q, 4, uuid_is_zero(&now->organisation) ? STR_NONE : uuid_str(&now->organisation));
	sql_int(q, 5, state);
	sql_int(q, 6, now->labels.tlp);
	sql_int(q, 7, now->labels.exercise);
	sql_int(q, 8, now->sealed);
	sql_int(q, 9, now->erased);
	sql_str(q, 10, now->title);
	sql_int(q, 11, row);
	return sql_run(q, err);
}

/* The body as it is kept: packed when that helps. */
static str pack(struct records *r, str body, struct buf *to)
{
	char *p = body.n < PACK_FROM ? NULL : buf_room(to, ZSTD_compressBound(body.n));
	if (!p)
		return body;
	size_t n = ZSTD_compressCCtx(r->pack, p, ZSTD_compressBound(body.n), body.p, body.n, 1);
	return ZSTD_isError(n) || n + n / 8 > body.n ? body : str_mem(p, n);
}

enum rc version_add(struct tx *tx, struct records *r, int64_t row, const struct digest *before,
		    struct record *now, struct err *err)
{
	struct conn *c = tx_conn(tx);
	char salt[RECORD_SALT];
	int64_t state;
	random_bytes(salt, sizeof(salt));
	enum rc rc = name_make(c, now->state_name, &state, err);
	if (rc != RC_OK)
		return rc;
	struct header h = { .id = now->id, .organisation = now->organisation,
			    .version = now->version, .type = now->type_name, .origin = now->origin,
			    .author = now->author, .state = now->state_name,
			    .type_version = now->type_version, .at_us = now->changed_us };
	struct digest commitment =
		commitment_make(str_mem(salt, sizeof(salt)), now->labels.json, now->why, now->body);
	now->hash = version_hash(before, &h, &commitment);
	struct buf packed = BUF_INIT(2 * RECORD_BODY_MAX);
	struct sql *q = sql(c, "INSERT INTO record_version (record, version, type_version,"
			       " organisation, author, at_us, state, commitment, hash, salt, labels,"
			       " why, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, row);
	sql_int(q, 2, (int64_t)now->version);
	sql_int(q, 3, now->type_version);
	sql_blob(q, 4, uuid_is_zero(&now->organisation) ? STR_NONE : uuid_str(&now->organisation));
	sql_str(q, 5, now->author);
	sql_int(q, 6, now->changed_us);
	sql_int(q, 7, state);
	sql_blob(q, 8, digest_str(&commitment));
	sql_blob(q, 9, digest_str(&now->hash));
	sql_blob(q, 10, str_mem(salt, sizeof(salt)));
	sql_str(q, 11, now->labels.json);
	sql_str(q, 12, now->why.p ? now->why : STR(""));
	sql_blob(q, 13, pack(r, now->body, &packed));
	rc = sql_run(q, err);
	buf_free(&packed);
	return rc == RC_OK ? save_row(c, row, sql_last_id(c), state, now, err) : rc;
}

enum rc change_told(struct tx *tx, struct records *r, const char *act, const struct record *before,
		    const struct record *now, struct err *err)
{
	struct buf object = BUF_INIT(200), body = BUF_INIT(KIB(32));
	record_id_format(&object, now->type_name, &now->id);
	buf_char(&object, '@');
	buf_u64(&object, now->version);
	if (now->why.n) {
		struct json_out j = json_out(&body);
		json_open(&j, '{');
		json_put_str(&j, "why", now->why);
		json_close(&j, '}');
	}
	struct journal_act line = { .act = act, .actor = now->author, .object = buf_str(&object),
				    .count = 1, .root = now->hash, .body = buf_str(&body) };
	enum rc rc = journal_add(tx, r->j, &line, err);
	buf_free(&object);
	buf_free(&body);
	for (size_t i = 0; i < r->hooks && rc == RC_OK; i++) {
		const struct record_hook *h = &r->hook[i];
		if (!h->type || str_eq(str_of(h->type), now->type_name))
			rc = h->changed(tx, r, h->ctx, before, now, err);
	}
	return rc;
}

enum rc record_set_due(struct tx *tx, struct uuid id, int64_t due_us, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE record SET due_us = ?1"
					 " WHERE uuid = ?2 AND due_us IS NOT ?1");
	if (due_us == TIME_NONE)
		sql_null(q, 1);
	else
		sql_int(q, 1, due_us);
	sql_blob(q, 2, uuid_str(&id));
	return sql_run(q, err);
}
