/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with an exhibit, or a custody entry, whose record is erased. */
#include "evidence/evidence_private.h"

#include "record/erase.h"

static bool exhibit_of(const struct erasing *e, struct uuid *out)
{
	str id = e->object, kind = str_cut(&id, ':'), type;
	return str_eq(kind, STR("record")) && record_id_parse(id, &type, out);
}

/* A record that is erased takes along what is kept of it: items and chain of an exhibit, the words of a
 * custody entry (its place in the chain stays). */
static enum rc erase_remove(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	struct uuid id;
	(void)more_out;
	if (!exhibit_of(e, &id))
		return RC_OK;
	static const char *const statements[] = {
		"INSERT OR IGNORE INTO evidence_gone (stored) SELECT stored FROM evidence_item WHERE evidence = ? AND state <> 3",
		"DELETE FROM evidence_item WHERE evidence = ?",
		"DELETE FROM evidence_chain WHERE evidence = ?",
		"DELETE FROM evidence_number WHERE evidence = ?",
		"UPDATE evidence_chain SET line = '' WHERE custody = ?",
		"DELETE FROM evidence_given WHERE custody = ?",
	};
	enum rc rc = RC_OK;
	for (size_t i = 0; rc == RC_OK && i < COUNT_OF(statements); i++) {
		struct sql *q = sql(tx_conn(tx), statements[i]);
		sql_blob(q, 1, str_mem(id.b, sizeof(id.b)));
		rc = sql_run(q, err);
	}
	return rc;
}

/* Its files, once the rows are gone for good. */
static enum rc erase_tidy(struct tx *tx, const struct erasing *e, bool *more_out, struct err *err)
{
	struct io_dir *dir = NULL;
	struct digest d;
	char name[VAULT_NAME];
	struct err why;
	(void)e;
	struct sql *q = sql(tx_conn(tx), "SELECT stored FROM evidence_gone WHERE stored NOT IN"
					 " (SELECT stored FROM evidence_item WHERE state <> 3) LIMIT 1");
	bool found = sql_row(q);
	if (found)
		item_take_digest(q, 0, &d);
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || !found)
		return rc;
	vault_name(&d, name);
	rc = io_dir_sub(store_dir(tx_store(tx)), "evidence", false, &dir, err);
	if (rc != RC_OK)
		return rc;
	rc = io_unlink(dir, name, &why);
	if (rc == RC_OK)
		rc = io_dir_sync(dir, &why);
	io_dir_close(dir);
	if (rc != RC_OK && rc != RC_ABSENT)
		return fail(err, rc, "%s", why.text);
	*more_out = true;
	return item_forget_gone(tx, &d, err);
}

const struct eraser eraser_evidence = { .remove = erase_remove, .tidy = erase_tidy };
