/* SPDX-License-Identifier: Apache-2.0 */
/* What was written goes; that it was there, by whom and until when stays. */
#include "base/json.h"
#include "record/erase.h"
#include "record/record_private.h"
#include "store/held.h"

enum { MERGE_PAGES = 64 };

/* Bodies, labels, reasons and salts of all versions up to `until`. */
static enum rc empty_versions(struct conn *c, int64_t row, uint64_t until, struct err *err)
{
	struct sql *q = sql(c, "UPDATE record_version SET salt = NULL, labels = NULL, why = NULL,"
			       " body = NULL WHERE record = ? AND version <= ? AND salt IS NOT NULL");
	sql_int(q, 1, row);
	sql_int(q, 2, (int64_t)until);
	return sql_run(q, err);
}

/* Index and search text, by the definition they were made by. */
static enum rc empty_index(struct tx *tx, struct records *r, int64_t row, const struct record *old,
			   struct arena *a, struct err *err)
{
	struct json_object *body = NULL;
	const struct type *t = old->type;
	enum rc rc = old->body.n ? json_read(old->body, &body, err) : RC_OK;
	if (rc == RC_OK && t && body)
		rc = index_change(tx_conn(tx), t, row, body, NULL, a, err);
	json_free(body);
	search_touch(r, row);
	return rc;
}

/* The reasons people gave for versions and links stand in the journal too. */
static enum rc empty_lines(struct tx *tx, struct records *r, const struct record *old, str actor,
			   struct err *err)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES + 2);
	struct arena *a = arena_new(KIB(1));
	record_id_format(&id, old->type_name, &old->id);
	str object = arena_str(a, buf_str(&id));
	enum rc rc = RC_OK;
	bool more = true;
	while (rc == RC_OK && more) {
		struct sql *q = sql(tx_conn(tx), "SELECT number FROM journal WHERE (object = ?1 OR"
						 " (object > ?1 || '@' AND object < ?1 || 'A'))"
						 " AND salt IS NOT NULL AND body <> '' AND act <> 'erase'"
						 " ORDER BY number LIMIT 1");
		sql_str(q, 1, object);
		more = sql_row(q);
		uint64_t number = more ? (uint64_t)sql_col_int(q, 0) : 0;
		rc = sql_end(q, err);
		if (rc == RC_OK && more)
			rc = journal_erase(tx, r->j, number, STR("its record was erased"), actor, err);
	}
	arena_free(a);
	buf_free(&id);
	return rc;
}

static enum rc labels_left(const struct labels_of *old, struct arena *a, struct labels_of *out,
			   struct err *err)
{
	struct buf b = BUF_INIT(KIB(1));
	struct json_out j = json_out(&b);
	json_open(&j, '{');
	json_put_str(&j, "tlp", str_of(tlp_name(old->tlp < TLP_COUNT ? old->tlp : TLP_RED)));
	if (old->exercise)
		json_put_bool(&j, "exercise", true);
	json_close(&j, '}');
	enum rc rc = labels_parse(arena_str(a, buf_str(&b)), a, out, err);
	buf_free(&b);
	return rc;
}

static enum rc erase_row(struct tx *tx, struct records *r, int64_t row, const struct record *old,
			 str actor, str why, struct arena *a, struct err *err)
{
	struct record now = *old;
	now.version++;
	now.author = actor;
	now.why = why;
	now.changed_us = tx_now_us(tx);
	now.body = STR("");
	now.title = STR("");
	now.sealed = false;
	now.erased = true;
	now.due_us = TIME_NONE;
	enum rc rc = labels_left(&old->labels, a, &now.labels, err);
	if (rc == RC_OK)
		rc = empty_index(tx, r, row, old, a, err);
	if (rc == RC_OK)
		rc = links_erase(tx, r, old, err);
	if (rc == RC_OK)
		rc = files_erase(tx, row, err);
	if (rc == RC_OK)
		rc = empty_lines(tx, r, old, actor, err);
	if (rc == RC_OK)
		rc = empty_versions(tx_conn(tx), row, old->version, err);
	if (rc == RC_OK)
		rc = version_add(tx, r, row, &old->hash, &now, err);
	if (rc == RC_OK)
		rc = record_set_due(tx, now.id, TIME_NONE, err);
	return rc == RC_OK ? change_told(tx, r, "record.erase", old, &now, err) : rc;
}

void records_erase_by(struct records *r, struct erase *x)
{
	r->erase = x;
}

/* From here on the background takes it out of pages, log and files. */
static enum rc list_erasure(struct tx *tx, struct records *r, const struct record *old, str actor,
			    str why, struct err *err)
{
	int64_t id;
	struct buf object = BUF_INIT(RECORD_ID_BYTES + 8);
	buf_add(&object, STR("record:"));
	record_id_format(&object, old->type_name, &old->id);
	enum rc rc = erase_begin(tx, r->erase, buf_str(&object), why, actor, &id, err);
	buf_free(&object);
	return rc;
}

static enum rc check_hold(struct conn *c, const struct record *old, struct err *err)
{
	struct buf id = BUF_INIT(RECORD_ID_BYTES);
	record_id_format(&id, old->type_name, &old->id);
	enum rc rc = held_check(c, buf_str(&id), err);
	buf_free(&id);
	return rc;
}

enum rc record_erase(struct tx *tx, struct records *r, struct uuid id, str actor, str why,
		     struct err *err)
{
	struct arena *a = arena_new(KIB(16));
	struct snapshot_ref *ref = snapshot_hold(r->types);
	struct record old;
	int64_t row;
	enum rc rc = row_find(tx_conn(tx), &id, &row, err);
	if (rc == RC_OK && !row)
		rc = fail(err, RC_ABSENT, "there is no such record");
	if (rc == RC_OK && (!str_trim_all(why).n || why.n > RECORD_WHY_MAX || !str_is_utf8(why)))
		rc = fail(err, RC_INPUT, "erasing a record needs a reason of at most %d bytes",
			  RECORD_WHY_MAX);
	if (rc == RC_OK)
		rc = row_load(tx_conn(tx), snapshot_table(ref), row, true, a, &old, err);
	if (rc == RC_OK && old.erased)
		rc = fail(err, RC_CONFLICT, "the record was erased already");
	if (rc == RC_OK && old.labels.held)
		rc = fail(err, RC_DENIED, "the record is under hold: lift it first");
	if (rc == RC_OK)
		rc = check_hold(tx_conn(tx), &old, err);
	if (rc == RC_OK)
		rc = erase_row(tx, r, row, &old, actor, why, a, err);
	if (rc == RC_OK && r->erase)
		rc = list_erasure(tx, r, &old, actor, why, err);
	snapshot_drop(r->types, ref);
	arena_free(a);
	return rc;
}

/* --- until nothing of it is on the disk --- */

static enum rc check(struct conn *c, str id, struct err *err)
{
	str type;
	struct uuid uuid;
	if (!record_id_parse(id, &type, &uuid))
		return fail(err, RC_INPUT, "'" STR_FMT "' is no id of a record",
			    STR_ARG(str_head(id, 100)));
	struct sql *q = sql(c, "SELECT erased FROM record WHERE uuid = ?");
	sql_blob(q, 1, uuid_str(&uuid));
	bool found = sql_row(q), erased = found && sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	if (!found)
		return fail(err, RC_ABSENT, "there is no such record");
	return erased ? RC_OK :
			fail(err, RC_DENIED, "the record is not erased yet: that comes first");
}

static enum rc tidy(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	*more_out = false;
	if (!str_starts(e->object, STR("record:")))
		return RC_OK;
	/* words of deleted rows stand in older segments until all are one (SQLite 3.40 knows no
	 * other way) */
	return words_merge(tx_conn(tx), -MERGE_PAGES, more_out, err);
}

const struct eraser eraser_record = {
	.kind = "record",
	.check = check,
	.tidy = tidy,
};
