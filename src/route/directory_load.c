/* SPDX-License-Identifier: Apache-2.0 */
#include "route/directory_private.h"

/* Rows are read into lists that grow in the arena; what they outgrow is freed
 * with it. */
struct loading {
	struct arena *a;
	struct org *orgs;
	size_t org_count, org_room;
	struct scope_row *rows;
	size_t row_count, row_room;
};

static void *grown(struct arena *a, const void *old, size_t count, size_t *room, size_t item)
{
	if (count < *room)
		return NULL;
	*room = *room ? *room * 2 : 64;
	void *wider = arena_array(a, *room, item);
	if (count)
		memcpy(wider, old, count * item);
	return wider;
}

static enum rc load_orgs(struct conn *c, struct loading *l, struct err *err)
{
	struct sql *q = sql(c, "SELECT id, name, kind, country, sector, timezone, record, gone "
			       "FROM org WHERE gone < 2 ORDER BY id");
	while (sql_row(q)) {
		struct org *wider = grown(l->a, l->orgs, l->org_count, &l->org_room, sizeof(*l->orgs));
		l->orgs = wider ? wider : l->orgs;
		l->orgs[l->org_count++] = (struct org){
			.id = sql_col_int(q, 0), .name = arena_str(l->a, sql_col_str(q, 1)),
			.kind = arena_str(l->a, sql_col_str(q, 2)),
			.country = arena_str(l->a, sql_col_str(q, 3)),
			.sector = arena_str(l->a, sql_col_str(q, 4)),
			.timezone = arena_str(l->a, sql_col_str(q, 5)),
			.former = sql_col_int(q, 7) != 0,
		};
		str record = sql_col_blob(q, 6);
		if (record.n == sizeof(struct uuid))
			memcpy(l->orgs[l->org_count - 1].record.b, record.p, record.n);
	}
	return sql_end(q, err);
}

/* Both lists are by organisation: one walk gives each its contacts. */
static enum rc load_contacts(struct conn *c, struct loading *l, struct err *err)
{
	struct sql *q = sql(c, "SELECT org, role, email, phone, name, channel, hours, languages, place "
			       "FROM org_contact ORDER BY org, at");
	struct contact *list = NULL;
	size_t at = 0, room = 0;
	while (sql_row(q)) {
		int64_t org = sql_col_int(q, 0);
		while (at < l->org_count && l->orgs[at].id < org) {
			at++;
			list = NULL;
			room = 0;
		}
		if (at == l->org_count || l->orgs[at].id != org)
			continue;
		struct org *o = &l->orgs[at];
		struct contact *wider = grown(l->a, list, o->contact_count, &room, sizeof(*list));
		list = wider ? wider : list;
		list[o->contact_count++] = (struct contact){
			.role = arena_str(l->a, sql_col_str(q, 1)),
			.email = arena_str(l->a, sql_col_str(q, 2)),
			.phone = arena_str(l->a, sql_col_str(q, 3)),
			.name = arena_str(l->a, sql_col_str(q, 4)),
			.channel = arena_str(l->a, sql_col_str(q, 5)),
			.hours = arena_str(l->a, sql_col_str(q, 6)),
			.languages = arena_str(l->a, sql_col_str(q, 7)),
			.order = sql_col_int(q, 8),
		};
		o->contacts = list;
	}
	return sql_end(q, err);
}

static enum rc load_scopes(struct conn *c, struct loading *l, struct err *err)
{
	struct sql *q = sql(c, "SELECT org, kind, value, role, shared_address, from_us, until_us "
			       "FROM org_scope ORDER BY id");
	enum rc rc = RC_OK;
	while (rc == RC_OK && sql_row(q)) {
		struct scope_row row = {
			.org = sql_col_int(q, 0), .value = arena_str(l->a, sql_col_str(q, 2)),
			.role = (enum concern_role)sql_col_int(q, 3),
			.shared_address = sql_col_int(q, 4) != 0,
			.from_us = sql_col_int(q, 5), .until_us = sql_col_int(q, 6),
		};
		str kind = sql_col_str(q, 1);
		if (!scope_kind_parse(kind, &row.kind) || (unsigned)row.role >= ROLE_COUNT)
			rc = fail(err, RC_INPUT, "directory: '" STR_FMT "' with role %d is damaged",
				  STR_ARG(kind), (int)row.role);
		struct scope_row *wider = grown(l->a, l->rows, l->row_count, &l->row_room,
						sizeof(*l->rows));
		l->rows = wider ? wider : l->rows;
		l->rows[l->row_count++] = row;
	}
	enum rc end = sql_end(q, rc == RC_OK ? err : NULL);
	return rc == RC_OK ? end : rc;
}

enum rc directory_stored_version(struct conn *c, uint64_t *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT seq FROM cursor WHERE name = 'directory'");
	*out = 0;
	if (sql_row(q))
		*out = (uint64_t)sql_col_int(q, 0);
	return sql_end(q, err);
}

enum rc directory_load(struct conn *c, struct directory **out, struct err *err)
{
	struct loading l = { .a = arena_new(KIB(64)) };
	uint64_t version;
	enum rc rc = directory_stored_version(c, &version, err);
	if (rc == RC_OK)
		rc = load_orgs(c, &l, err);
	if (rc == RC_OK)
		rc = load_contacts(c, &l, err);
	if (rc == RC_OK)
		rc = load_scopes(c, &l, err);
	if (rc == RC_OK)
		rc = directory_make(l.orgs, l.org_count, l.rows, l.row_count, version, out, err);
	arena_free(l.a);
	return rc;
}
