/* SPDX-License-Identifier: Apache-2.0 */
#include "route/directory_private.h"

/* Rows are read into lists that grow in the arena; what they outgrow is freed
 * with it. */
struct loading {
	struct arena *a;
	struct org *orgs;
	size_t org_count, org_room;
	struct directory_builder *b;
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

static enum rc load_scopes(struct conn *c, struct loading *l, struct err *err)
{
	struct sql *q = sql(c, "SELECT org, kind, value, role, shared_address, from_us, until_us "
			       "FROM org_scope ORDER BY id");
	enum rc rc = RC_OK;
	while (rc == RC_OK && sql_row(q)) {
		struct scope_row row = {
			.org = sql_col_int(q, 0), .value = sql_col_str(q, 2),
			.role = (enum concern_role)sql_col_int(q, 3),
			.shared_address = sql_col_int(q, 4) != 0,
			.from_us = sql_col_int(q, 5), .until_us = sql_col_int(q, 6),
		};
		str kind = sql_col_str(q, 1);
		if (!scope_kind_parse(kind, &row.kind) || (unsigned)row.role >= ROLE_COUNT)
			rc = fail(err, RC_INPUT, "directory: '" STR_FMT "' with role %d is damaged",
				  STR_ARG(kind), (int)row.role);
		else
			rc = directory_builder_row(l->b, &row, err);
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

enum rc directory_org_contacts(struct conn *c, int64_t org, struct arena *a, struct contact **out,
			   size_t *count_out, struct err *err)
{
	struct sql *q = sql(c, "SELECT role, email, phone, name, channel, hours, languages, place "
			       "FROM org_contact WHERE org = ? ORDER BY at");
	size_t room = 0;
	*out = NULL;
	*count_out = 0;
	sql_int(q, 1, org);
	while (sql_row(q)) {
		struct contact *wider = grown(a, *out, *count_out, &room, sizeof(**out));
		*out = wider ? wider : *out;
		(*out)[(*count_out)++] = (struct contact){
			.role = arena_str(a, sql_col_str(q, 0)), .email = arena_str(a, sql_col_str(q, 1)),
			.phone = arena_str(a, sql_col_str(q, 2)), .name = arena_str(a, sql_col_str(q, 3)),
			.channel = arena_str(a, sql_col_str(q, 4)), .hours = arena_str(a, sql_col_str(q, 5)),
			.languages = arena_str(a, sql_col_str(q, 6)), .order = sql_col_int(q, 7),
		};
	}
	return sql_end(q, err);
}

enum rc directory_load(struct conn *c, struct directory **out, struct err *err)
{
	struct loading l = { .a = arena_new(KIB(64)), .b = directory_builder_new() };
	uint64_t version;
	enum rc rc = directory_stored_version(c, &version, err);
	if (rc == RC_OK)
		rc = load_orgs(c, &l, err);
	if (rc == RC_OK)
		rc = load_scopes(c, &l, err);
	if (rc == RC_OK)
		*out = directory_builder_end(l.b, l.orgs, l.org_count, version);
	directory_builder_free(l.b);
	arena_free(l.a);
	return rc;
}
