/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "record/record_private.h"

enum { STORED_MAX = 4 * 1024 * 1024 };

/* --- ids --- */

bool record_id_parse(str text, str *type_out, struct uuid *out)
{
	size_t at = str_find(text, STR("--"));
	str type = str_head(text, at), uuid = str_from(text, at + 2);
	if (at == text.n || !type.n || type.n > TYPE_NAME_MAX)
		return false;
	for (size_t i = 0; i < type.n; i++)
		if (!((type.p[i] >= 'a' && type.p[i] <= 'z') || (type.p[i] >= '0' && type.p[i] <= '9') ||
		      type.p[i] == '-' || type.p[i] == '_'))
			return false;
	struct uuid id;
	if (!uuid_parse(uuid, &id))
		return false;
	*type_out = type;
	*out = id;
	return true;
}

void record_id_format(struct buf *out, str type, const struct uuid *id)
{
	buf_add(out, type);
	buf_add(out, STR("--"));
	uuid_format(out, id);
}

bool record_is_withdrawn(const struct record *r)
{
	str type;
	struct uuid id;
	return r->erased && record_id_parse(r->author, &type, &id);
}

/* --- bodies --- */

static const char zstd_magic[4] = { 0x28, (char)0xb5, 0x2f, (char)0xfd };

enum rc body_unpack(str stored, struct arena *a, str *out, struct err *err)
{
	if (!str_starts(stored, str_mem(zstd_magic, 4))) {
		*out = arena_str(a, stored);
		return RC_OK;
	}
	unsigned long long bytes = ZSTD_getFrameContentSize(stored.p, stored.n);
	if (bytes > STORED_MAX) /* unknown and not a frame are larger than any size */
		return fail(err, RC_IO, "a record's body is damaged: run ronda verify");
	char *p = arena_alloc(a, (size_t)bytes + 1);
	size_t n = ZSTD_decompress(p, (size_t)bytes, stored.p, stored.n);
	if (ZSTD_isError(n) || n != bytes)
		return fail(err, RC_IO, "a record's body is damaged: run ronda verify");
	*out = str_mem(p, n);
	return RC_OK;
}

/* --- rows --- */

/* What a record is made from: of `r`, its row, and `v`, one of its versions. */
#define COLUMNS                                                                                    \
	"SELECT r.uuid, t.name, r.number, r.version, r.created_us, r.title, r.due_us, r.erased,"   \
	" r.sealed, o.name, v.version, v.type_version, v.organisation, v.author, v.at_us, s.name," \
	" v.hash, v.labels, v.why, v.body FROM record r"
#define NAMES                                                                              \
	" JOIN record_name t ON t.id = r.type JOIN record_name o ON o.id = r.origin"       \
	" JOIN record_name s ON s.id = v.state"

enum {
	COL_UUID, COL_TYPE, COL_NUMBER, COL_NEWEST, COL_CREATED, COL_TITLE, COL_DUE, COL_ERASED,
	COL_SEALED, COL_ORIGIN, COL_VERSION, COL_TYPE_VERSION, COL_ORGANISATION, COL_AUTHOR,
	COL_AT, COL_STATE, COL_HASH, COL_LABELS, COL_WHY, COL_BODY
};

static bool note_sealed(void *ctx, const struct value *v)
{
	*(bool *)ctx |= v->share == SHARE_SEALED;
	return !*(bool *)ctx;
}

/* Of an older version: what its row says of the newest is found in its body. */
static void look_back(struct record *out, struct arena *a)
{
	struct json_object *body = NULL;
	out->title = STR("");
	out->sealed = false;
	out->due_us = TIME_NONE;
	if (!out->type || !out->body.n || json_read(out->body, &body, NULL) != RC_OK)
		return;
	struct json_object *title =
		out->type->title ? json_get(body, out->type->title->name) : NULL;
	struct buf b = BUF_INIT(KIB(8));
	if (title)
		kind_format(out->type->title, title, &b);
	out->title = arena_str(a, buf_str(&b));
	buf_free(&b);
	values_each(out->type, body, note_sealed, &out->sealed);
	json_free(body);
}

static enum rc take_row(struct sql *q, const struct types *t, bool with_body, struct arena *a,
			struct record *out, struct err *err)
{
	*out = (struct record){
		.type_name = arena_str(a, sql_col_str(q, COL_TYPE)),
		.number = (uint64_t)sql_col_int(q, COL_NUMBER),
		.version = (uint64_t)sql_col_int(q, COL_VERSION),
		.type_version = (uint32_t)sql_col_int(q, COL_TYPE_VERSION),
		.origin = arena_str(a, sql_col_str(q, COL_ORIGIN)),
		.author = arena_str(a, sql_col_str(q, COL_AUTHOR)),
		.created_us = sql_col_int(q, COL_CREATED),
		.changed_us = sql_col_int(q, COL_AT),
		.state_name = arena_str(a, sql_col_str(q, COL_STATE)),
		.why = arena_str(a, sql_col_str(q, COL_WHY)),
		.title = arena_str(a, sql_col_str(q, COL_TITLE)),
		.due_us = sql_col_null(q, COL_DUE) ? TIME_NONE : sql_col_int(q, COL_DUE),
		.body = STR(""),
		.sealed = sql_col_int(q, COL_SEALED),
	};
	bool newest = sql_col_int(q, COL_NEWEST) == (int64_t)out->version;
	out->erased = sql_col_int(q, COL_ERASED) != 0;
	bool sound = take_uuid(sql_col_blob(q, COL_UUID), &out->id) &&
		     take_digest32(sql_col_blob(q, COL_HASH), &out->hash) &&
		     (sql_col_null(q, COL_ORGANISATION) ||
		      take_uuid(sql_col_blob(q, COL_ORGANISATION), &out->organisation));
	if (!sound)
		return fail(err, RC_IO, "a record's row is damaged: run ronda verify");
	out->type = t ? types_find(t, out->type_name) : NULL;
	out->state = out->type ? type_state(out->type, out->state_name) : -1;
	/* labels that were erased, or cannot be read: as strict as can be */
	if (sql_col_null(q, COL_LABELS) ||
	    labels_parse(sql_col_str(q, COL_LABELS), a, &out->labels, NULL) != RC_OK)
		out->labels = (struct labels_of){ .tlp = TLP_COUNT, .pap = PAP_COUNT,
						  .json = STR("{\"tlp\":\"erased\"}") };
	enum rc rc = RC_OK;
	if (with_body || !newest)
		rc = body_unpack(sql_col_blob(q, COL_BODY), a, &out->body, err);
	if (rc == RC_OK && !newest)
		look_back(out, a);
	if (!with_body)
		out->body = STR("");
	return rc;
}

/* Ends `q`; RC_ABSENT when it has no row. */
static enum rc take_one(struct sql *q, const struct types *t, bool with_body, struct arena *a,
			struct record *out, struct err *err)
{
	bool found = sql_row(q);
	enum rc took = found ? take_row(q, t, with_body, a, out, err) : RC_OK;
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		return fail(err, RC_ABSENT, "there is no such record");
	return rc == RC_OK ? took : rc;
}

enum rc row_load(struct conn *c, const struct types *t, int64_t row, bool with_body, struct arena *a,
		 struct record *out, struct err *err)
{
	struct sql *q = sql(c, COLUMNS " JOIN record_version v ON v.id = r.version_id" NAMES
				       " WHERE r.id = ?");
	sql_int(q, 1, row);
	return take_one(q, t, with_body, a, out, err);
}

enum rc row_find(struct conn *c, const struct uuid *id, int64_t *row_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT id FROM record WHERE uuid = ?");
	sql_blob(q, 1, uuid_str(id));
	*row_out = sql_row(q) ? sql_col_int(q, 0) : 0;
	return sql_end(q, err);
}

enum rc record_load(struct conn *c, const struct types *t, struct uuid id, struct arena *a,
		    struct record *out, struct err *err)
{
	struct sql *q = sql(c, COLUMNS " JOIN record_version v ON v.id = r.version_id" NAMES
				       " WHERE r.uuid = ?");
	sql_blob(q, 1, uuid_str(&id));
	return take_one(q, t, true, a, out, err);
}

enum rc record_load_number(struct conn *c, const struct type *t, uint64_t number, struct arena *a,
			   struct record *out, struct err *err)
{
	int64_t type, row = 0;
	enum rc rc = name_find(c, str_of(t->name), &type, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(c, "SELECT id FROM record WHERE type = ? AND number = ? AND number > 0");
	sql_int(q, 1, type);
	sql_int(q, 2, number > INT64_MAX ? 0 : (int64_t)number);
	if (sql_row(q))
		row = sql_col_int(q, 0);
	rc = sql_end(q, err);
	if (rc == RC_OK)
		rc = row_load(c, NULL, row, true, a, out, err);
	if (rc == RC_OK) {
		out->type = t;
		out->state = type_state(t, out->state_name);
	}
	return rc;
}

enum rc record_load_version(struct conn *c, const struct types *t, struct uuid id, uint64_t version,
			    struct arena *a, struct record *out, struct err *err)
{
	struct sql *q = sql(c, COLUMNS " JOIN record_version v ON v.record = r.id" NAMES
				       " WHERE r.uuid = ? AND v.version = ?");
	sql_blob(q, 1, uuid_str(&id));
	sql_int(q, 2, version > RECORD_VERSION_MAX ? -1 : (int64_t)version);
	return take_one(q, t, true, a, out, err);
}

enum rc record_history(struct conn *c, const struct types *t, struct uuid id, uint64_t before,
		       record_each each, void *ctx, struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct record one;
	bool more = true, found = false;
	enum rc took = RC_OK;
	struct sql *q = sql(c, COLUMNS " JOIN record_version v ON v.record = r.id" NAMES
				       " WHERE r.uuid = ? AND v.version < ? ORDER BY v.version DESC");
	sql_blob(q, 1, uuid_str(&id));
	sql_int(q, 2, before && before < INT64_MAX ? (int64_t)before : INT64_MAX);
	while (more && took == RC_OK && sql_row(q)) {
		found = true;
		arena_reset(a);
		took = take_row(q, t, true, a, &one, err);
		more = took == RC_OK && each(ctx, &one);
	}
	enum rc rc = sql_end(q, err);
	arena_free(a);
	if (rc == RC_OK && took == RC_OK && !found && !before)
		return fail(err, RC_ABSENT, "there is no such record");
	return rc == RC_OK ? took : rc;
}
