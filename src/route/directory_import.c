/* SPDX-License-Identifier: Apache-2.0 */
#include "route/import_private.h"

/* All that is said of an organisation, as text: equal text = nothing to do. */
static void text_of_org(struct buf *b, str name, str kind, str country, str sector, str zone)
{
	const str parts[] = { name, kind, country, sector, zone };
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		buf_add(b, parts[i]);
		buf_char(b, '\n');
	}
}

static void text_of_contact(struct buf *b, str role, str email, str phone)
{
	buf_fmt(b, "c " STR_FMT "\t" STR_FMT "\t" STR_FMT "\n", STR_ARG(role), STR_ARG(email),
		STR_ARG(phone));
}

static void text_of_claim(struct buf *b, str kind, const struct scope_row *row)
{
	buf_fmt(b, "s " STR_FMT " " STR_FMT " %d %d %lld %lld\n", STR_ARG(kind), STR_ARG(row->value),
		(int)row->role, row->shared_address, (long long)row->from_us, (long long)row->until_us);
}

static void text_of_draft(struct buf *b, const struct draft *d)
{
	text_of_org(b, d->name, d->kind, d->country, d->sector, d->timezone);
	for (const struct draft_contact *c = d->contacts; c; c = c->next)
		text_of_contact(b, c->c.role, c->c.email, c->c.phone);
	for (const struct draft_claim *c = d->claims; c; c = c->next)
		if (!c->again)
			text_of_claim(b, str_of(scope_kind_name(c->row.kind)), &c->row);
}

/* Sets d->id and the text of what stands in the store; id 0 when it is new. */
static enum rc text_of_stored(struct conn *c, struct draft *d, struct buf *b, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, name, kind, country, sector, timezone FROM org "
			       "WHERE folded = ?");
	sql_str(q, 1, d->folded);
	if (sql_row(q)) {
		d->id = sql_col_int(q, 0);
		text_of_org(b, sql_col_str(q, 1), sql_col_str(q, 2), sql_col_str(q, 3),
			    sql_col_str(q, 4), sql_col_str(q, 5));
	}
	enum rc rc = sql_end(q, err);
	if (rc != RC_OK || d->id == 0)
		return rc;
	q = sql(c, "SELECT role, email, phone FROM org_contact WHERE org = ? ORDER BY at");
	sql_int(q, 1, d->id);
	while (sql_row(q))
		text_of_contact(b, sql_col_str(q, 0), sql_col_str(q, 1), sql_col_str(q, 2));
	rc = sql_end(q, err);
	if (rc != RC_OK)
		return rc;
	q = sql(c, "SELECT kind, value, role, shared_address, from_us, until_us FROM org_scope "
		   "WHERE org = ? ORDER BY id");
	sql_int(q, 1, d->id);
	while (sql_row(q)) {
		struct scope_row row = {
			.value = sql_col_str(q, 1), .role = (enum concern_role)sql_col_int(q, 2),
			.shared_address = sql_col_int(q, 3) != 0, .from_us = sql_col_int(q, 4),
			.until_us = sql_col_int(q, 5),
		};
		text_of_claim(b, sql_col_str(q, 0), &row);
	}
	return sql_end(q, err);
}

static enum rc write_org(struct conn *c, struct draft *d, int64_t now_us, struct err *err)
{
	struct sql *q = d->id ? sql(c, "UPDATE org SET name = ?, folded = ?, kind = ?, country = ?, "
				       "sector = ?, timezone = ?, changed_us = ? WHERE id = ?") :
				sql(c, "INSERT INTO org (name, folded, kind, country, sector, timezone, "
				       "changed_us) VALUES (?, ?, ?, ?, ?, ?, ?)");
	sql_str(q, 1, d->name);
	sql_str(q, 2, d->folded);
	sql_str(q, 3, d->kind);
	sql_str(q, 4, d->country);
	sql_str(q, 5, d->sector);
	sql_str(q, 6, d->timezone);
	sql_int(q, 7, now_us);
	if (d->id)
		sql_int(q, 8, d->id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && d->id == 0)
		d->id = sql_last_id(c);
	return rc;
}

static enum rc write_contacts(struct conn *c, const struct draft *d, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM org_contact WHERE org = ?");
	sql_int(q, 1, d->id);
	enum rc rc = sql_run(q, err);
	int64_t at = 0;
	for (const struct draft_contact *o = d->contacts; rc == RC_OK && o; o = o->next) {
		q = sql(c, "INSERT INTO org_contact (org, at, role, email, phone) VALUES (?, ?, ?, ?, ?)");
		sql_int(q, 1, d->id);
		sql_int(q, 2, at++);
		sql_str(q, 3, o->c.role);
		sql_str(q, 4, o->c.email);
		sql_str(q, 5, o->c.phone);
		rc = sql_run(q, err);
	}
	return rc;
}

static enum rc write_claims(struct conn *c, const struct draft *d, struct err *err)
{
	struct sql *q = sql(c, "DELETE FROM org_scope WHERE org = ?");
	sql_int(q, 1, d->id);
	enum rc rc = sql_run(q, err);
	for (const struct draft_claim *o = d->claims; rc == RC_OK && o; o = o->next) {
		if (o->again)
			continue;
		q = sql(c, "INSERT INTO org_scope (org, kind, value, role, shared_address, from_us, "
			   "until_us) VALUES (?, ?, ?, ?, ?, ?, ?)");
		sql_int(q, 1, d->id);
		sql_str(q, 2, str_of(scope_kind_name(o->row.kind)));
		sql_str(q, 3, o->row.value);
		sql_int(q, 4, o->row.role);
		sql_int(q, 5, o->row.shared_address);
		sql_int(q, 6, o->row.from_us);
		sql_int(q, 7, o->row.until_us);
		rc = sql_run(q, err);
	}
	return rc;
}

static enum rc raise_version(struct conn *c, struct err *err)
{
	return sql_run(sql(c, "INSERT INTO cursor (name, seq) VALUES ('directory', 1) "
			      "ON CONFLICT (name) DO UPDATE SET seq = seq + 1"), err);
}

/* Compares each good draft with the store, and writes where they differ. */
static enum rc settle(struct tx *tx, struct import *im, bool write, struct err *err)
{
	struct conn *c = tx_conn(tx);
	struct import_result *r = im->result;
	struct buf now = BUF_INIT(IMPORT_BYTES_MAX * 4), then = BUF_INIT(IMPORT_BYTES_MAX * 4);
	enum rc rc = RC_OK;
	for (struct draft *d = im->drafts; d && rc == RC_OK; d = d->next) {
		buf_reset(&now);
		buf_reset(&then);
		if (d->bad) {
			r->refused++;
			continue;
		}
		rc = text_of_stored(c, d, &then, err);
		text_of_draft(&now, d);
		if (rc != RC_OK)
			break;
		if (d->id && str_eq(buf_str(&now), buf_str(&then))) {
			r->same++;
			continue;
		}
		*(d->id ? &r->changed : &r->added) += 1;
		if (!write)
			continue;
		rc = write_org(c, d, tx_now_us(tx), err);
		if (rc == RC_OK)
			rc = write_contacts(c, d, err);
		if (rc == RC_OK)
			rc = write_claims(c, d, err);
	}
	if (rc == RC_OK && write && r->added + r->changed)
		rc = raise_version(c, err);
	buf_free(&now);
	buf_free(&then);
	return rc;
}

enum rc directory_import(struct tx *tx, str text, bool dry, bool partly, struct arena *a,
			 struct import_result *out, struct err *err)
{
	struct import im = { .a = a, .result = out, .seed = random_u64() };
	*out = (struct import_result){ 0 };
	if (text.n > IMPORT_BYTES_MAX)
		return fail(err, RC_LIMIT, "directory: the file is over %zu MiB", IMPORT_BYTES_MAX >> 20);
	if (!str_is_utf8(text))
		return fail(err, RC_INPUT, "directory: the file is not UTF-8");
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_from(text, 3);
	im.drafts_end = &im.drafts;
	im.slots = ARENA_ARRAY(a, (size_t)IMPORT_ORGS_MAX * 2, struct draft *);
	bool json = str_starts(str_trim_all(text), STR("{"));
	enum rc rc = json ? import_json(&im, text, err) : import_csv(&im, text, err);
	if (rc == RC_OK)
		rc = import_doubles(&im, tx_conn(tx), err);
	if (rc == RC_OK)
		rc = settle(tx, &im, !dry && (partly || out->error_count == 0), err);
	return rc;
}
