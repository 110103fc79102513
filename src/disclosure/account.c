/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/account.h"

#include "base/json.h"

/* --- journal --- */

static enum rc tell(struct tx *tx, struct journal *j, const char *act, int64_t id, str by, str body,
		    struct err *err)
{
	char object[32];
	snprintf(object, sizeof(object), "account:%lld", (long long)id);
	struct journal_act line = { .act = act, .actor = by, .object = str_of(object), .count = 1,
				    .body = body };
	return journal_add(tx, j, &line, err);
}

static enum rc tell_roles(struct tx *tx, struct journal *j, const struct roles *r, const char *act,
			  int64_t id, str name, uint32_t roles, str by, struct err *err)
{
	struct buf body = BUF_INIT(KIB(4)), names = BUF_INIT(KIB(2));
	struct json_out out = json_out(&body);
	roles_format(r, roles, &names);
	json_open(&out, '{');
	if (name.n > 0)
		json_put_str(&out, "name", name);
	json_put_str(&out, "roles", buf_str(&names));
	json_close(&out, '}');
	enum rc rc = tell(tx, j, act, id, by, buf_str(&body), err);
	buf_free(&names);
	buf_free(&body);
	return rc;
}

/* --- making and changing --- */

static enum rc check_roles(const struct roles *r, uint32_t roles, const struct uuid *organisation,
			   struct err *err)
{
	bool outside = false, inside = false;
	if (roles == 0 || (uint64_t)roles >> roles_count(r) != 0)
		return fail(err, RC_INPUT, "an account needs at least one role");
	for (size_t i = 0; i < roles_count(r); i++) {
		if (!(roles >> i & 1))
			continue;
		outside = outside || roles_at(r, i)->outside;
		inside = inside || !roles_at(r, i)->outside;
	}
	if (outside && inside)
		return fail(err, RC_INPUT, "a role outside the team stands alone");
	if (outside && uuid_is_zero(organisation))
		return fail(err, RC_INPUT, "a role outside the team needs an organisation");
	if (inside && !uuid_is_zero(organisation))
		return fail(err, RC_INPUT, "a person of another organisation has roles outside the team only");
	return RC_OK;
}

static void bind_uid(struct sql *q, int at, int64_t uid)
{
	if (uid >= 0)
		sql_int(q, at, uid);
	else
		sql_null(q, at);
}

static enum rc insert(struct tx *tx, const struct roles *r, const struct account_new *n, str folded,
		      int64_t *id_out, struct err *err)
{
	struct buf names = BUF_INIT(KIB(2));
	str name = str_trim_all(n->name), display = str_trim_all(n->display);
	roles_format(r, n->roles, &names);
	struct sql *q = sql(tx_conn(tx),
			    "INSERT INTO account (name, folded, display, roles, organisation, person, unix_uid,"
			    " subject, disabled, secrets, made_us, last_seen_us)"
			    " VALUES (?, ?, ?, ?, ?, ?, ?, NULL, 0, 1, ?, 0)");
	sql_str(q, 1, name);
	sql_str(q, 2, folded);
	sql_str(q, 3, display.n > 0 ? display : name);
	sql_str(q, 4, buf_str(&names));
	sql_blob(q, 5, str_mem(n->organisation.b, sizeof(n->organisation.b)));
	sql_blob(q, 6, str_mem(n->person.b, sizeof(n->person.b)));
	bind_uid(q, 7, n->unix_uid);
	sql_int(q, 8, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	buf_free(&names);
	if (rc == RC_CONFLICT)
		return fail(err, RC_CONFLICT, "there is an account of the name '" STR_FMT "', or of this Unix user",
			    STR_ARG(name));
	if (rc == RC_OK)
		*id_out = sql_last_id(tx_conn(tx));
	return rc;
}

enum rc account_make(struct tx *tx, struct journal *j, const struct roles *r,
		     const struct account_new *n, str by, int64_t *id_out, struct err *err)
{
	struct buf folded = BUF_INIT(KIB(1));
	enum rc rc = account_fold(n->name, &folded, err);
	if (rc == RC_OK && n->display.n > 0 && (n->display.n > 200 || !str_is_plain(n->display)))
		rc = fail(err, RC_INPUT, "the name shown has at most 200 plain bytes");
	if (rc == RC_OK && n->unix_uid > UINT32_MAX)
		rc = fail(err, RC_INPUT, "there is no such Unix user");
	if (rc == RC_OK)
		rc = check_roles(r, n->roles, &n->organisation, err);
	if (rc == RC_OK)
		rc = insert(tx, r, n, buf_str(&folded), id_out, err);
	if (rc == RC_OK)
		rc = tell_roles(tx, j, r, "account.make", *id_out, str_trim_all(n->name), n->roles, by, err);
	buf_free(&folded);
	return rc;
}

static enum rc changed_one(struct tx *tx, int64_t id, struct err *err)
{
	return sql_changes(tx_conn(tx)) == 1 ? RC_OK :
		       fail(err, RC_ABSENT, "there is no account %lld", (long long)id);
}

enum rc account_set_roles(struct tx *tx, struct journal *j, const struct roles *r, int64_t id,
			  uint32_t roles, str by, struct err *err)
{
	struct buf names = BUF_INIT(KIB(2));
	struct arena *a = arena_new(KIB(1));
	struct account old;
	enum rc rc = account_by_id(tx_conn(tx), r, id, a, &old, err);
	if (rc == RC_OK)
		rc = check_roles(r, roles, &old.organisation, err);
	if (rc == RC_OK) {
		roles_format(r, roles, &names);
		/* Sessions do not rise with the account: it signs in anew. */
		struct sql *q = sql(tx_conn(tx), "UPDATE account SET roles = ?, secrets = secrets + ? WHERE id = ?");
		sql_str(q, 1, buf_str(&names));
		sql_int(q, 2, (roles & ~old.roles) != 0);
		sql_int(q, 3, id);
		rc = sql_run(q, err);
	}
	if (rc == RC_OK)
		rc = tell_roles(tx, j, r, "account.roles", id, STR(""), roles, by, err);
	buf_free(&names);
	arena_free(a);
	return rc;
}

enum rc account_set_unix(struct tx *tx, struct journal *j, int64_t id, int64_t uid, str by,
			 struct err *err)
{
	char body[48];
	if (uid > UINT32_MAX)
		return fail(err, RC_INPUT, "there is no such Unix user");
	struct sql *q = sql(tx_conn(tx), "UPDATE account SET unix_uid = ? WHERE id = ?");
	bind_uid(q, 1, uid < 0 ? -1 : uid);
	sql_int(q, 2, id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_CONFLICT)
		return fail(err, RC_CONFLICT, "another account has this Unix user");
	if (rc == RC_OK)
		rc = changed_one(tx, id, err);
	snprintf(body, sizeof(body), "{\"uid\":%lld}", (long long)(uid < 0 ? -1 : uid));
	return rc == RC_OK ? tell(tx, j, "account.unix", id, by, str_of(body), err) : rc;
}

enum rc account_set_person(struct tx *tx, struct journal *j, int64_t id, struct uuid person, str by,
			   struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE account SET person = ? WHERE id = ?");
	sql_blob(q, 1, str_mem(person.b, sizeof(person.b)));
	sql_int(q, 2, id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK)
		rc = changed_one(tx, id, err);
	return rc == RC_OK ? tell(tx, j, "account.person", id, by, STR("{}"), err) : rc;
}

/* What it proved itself by stays; sessions end now, and at once when it comes back. */
enum rc account_disable(struct tx *tx, struct journal *j, int64_t id, bool disabled, str by,
			struct err *err)
{
	struct sql *q = sql(tx_conn(tx),
			    "UPDATE account SET disabled = ?, secrets = secrets + 1 WHERE id = ?");
	sql_int(q, 1, disabled);
	sql_int(q, 2, id);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK)
		rc = changed_one(tx, id, err);
	if (rc == RC_OK)
		rc = tell(tx, j, disabled ? "account.disable" : "account.enable", id, by, STR(""), err);
	return rc;
}

/* --- reading --- */

#define ACCOUNT_COLUMNS \
	"SELECT a.id, a.name, a.display, a.roles, a.organisation, a.person, a.unix_uid, a.subject," \
	" a.disabled, a.secrets, a.made_us, a.last_seen_us," \
	" EXISTS (SELECT 1 FROM account_secret s WHERE s.account = a.id AND s.password != '')," \
	" EXISTS (SELECT 1 FROM account_secret s WHERE s.account = a.id AND length(s.totp) > 0)," \
	" (SELECT count(*) FROM account_passkey p WHERE p.account = a.id)," \
	" (SELECT count(*) FROM account_code c WHERE c.account = a.id) FROM account a "

static struct uuid col_uuid(struct sql *q, int at)
{
	struct uuid u = { { 0 } };
	str b = sql_col_blob(q, at);
	if (b.n == sizeof(u.b))
		memcpy(u.b, b.p, sizeof(u.b));
	return u;
}

/* A role that there is no more gives nothing. */
static uint32_t known_roles(const struct roles *r, str names)
{
	uint32_t roles = 0;
	while (names.n > 0) {
		int bit = roles_find(r, str_cut(&names, ' '));
		roles |= bit >= 0 ? UINT32_C(1) << bit : 0;
	}
	return roles;
}

static struct account take(struct sql *q, const struct roles *r, struct arena *a)
{
	return (struct account){
		.id = sql_col_int(q, 0),
		.name = arena_str(a, sql_col_str(q, 1)),
		.display = arena_str(a, sql_col_str(q, 2)),
		.roles = known_roles(r, sql_col_str(q, 3)),
		.organisation = col_uuid(q, 4),
		.person = col_uuid(q, 5),
		.unix_uid = sql_col_null(q, 6) ? -1 : sql_col_int(q, 6),
		.subject = arena_str(a, sql_col_str(q, 7)),
		.disabled = sql_col_int(q, 8) != 0,
		.secrets = sql_col_int(q, 9),
		.made_us = sql_col_int(q, 10),
		.last_seen_us = sql_col_int(q, 11),
		.has_password = sql_col_int(q, 12) != 0,
		.has_totp = sql_col_int(q, 13) != 0,
		.passkeys = (unsigned)sql_col_int(q, 14),
		.codes_left = (unsigned)sql_col_int(q, 15),
	};
}

enum rc account_list(struct conn *c, const struct roles *r, struct arena *a, struct account **out,
		     size_t *count_out, struct err *err)
{
	size_t n = 0, room = 16;
	struct account *list = ARENA_ARRAY(a, room, struct account);
	struct sql *q = sql(c, ACCOUNT_COLUMNS "ORDER BY a.folded");
	while (sql_row(q)) {
		if (n == room) {
			struct account *more = ARENA_ARRAY(a, room * 2, struct account);
			memcpy(more, list, n * sizeof(*list));
			list = more;
			room *= 2;
		}
		list[n++] = take(q, r, a);
	}
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

static enum rc one(struct sql *q, const struct roles *r, struct arena *a, struct account *out,
		   struct err *err)
{
	bool found = sql_row(q);
	if (found)
		*out = take(q, r, a);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !found ? RC_ABSENT : rc;
}

enum rc account_by_name(struct conn *c, const struct roles *r, str name, struct arena *a,
			struct account *out, struct err *err)
{
	struct buf folded = BUF_INIT(KIB(1));
	enum rc rc = account_fold(name, &folded, err);
	if (rc == RC_OK) {
		struct sql *q = sql(c, ACCOUNT_COLUMNS "WHERE a.folded = ?");
		sql_str(q, 1, buf_str(&folded));
		rc = one(q, r, a, out, err);
	}
	buf_free(&folded);
	if (rc == RC_ABSENT || rc == RC_INPUT)
		return fail(err, RC_ABSENT, "there is no account '" STR_FMT "'", STR_ARG(name));
	return rc;
}

enum rc account_by_id(struct conn *c, const struct roles *r, int64_t id, struct arena *a,
		      struct account *out, struct err *err)
{
	struct sql *q = sql(c, ACCOUNT_COLUMNS "WHERE a.id = ?");
	sql_int(q, 1, id);
	enum rc rc = one(q, r, a, out, err);
	return rc == RC_ABSENT ? fail(err, RC_ABSENT, "there is no account %lld", (long long)id) : rc;
}

enum rc account_any_unix(struct conn *c, uint32_t owner, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM account WHERE unix_uid IS NOT NULL AND unix_uid != 0"
			       " AND unix_uid != ? AND disabled = 0 LIMIT 1");
	sql_int(q, 1, owner);
	*out = sql_row(q);
	return sql_end(q, err);
}

/* --- the team --- */

enum rc team_size_get(struct conn *c, enum team_size *out, struct err *err)
{
	*out = TEAM_SMALL;
	struct sql *q = sql(c, "SELECT value FROM node WHERE key = 'team'");
	if (sql_row(q) && str_eq(sql_col_str(q, 0), STR("large")))
		*out = TEAM_LARGE;
	return sql_end(q, err);
}

enum rc team_size_set(struct tx *tx, struct journal *j, enum team_size size, str by, struct err *err)
{
	str text = size == TEAM_LARGE ? STR("large") : STR("small");
	struct sql *q = sql(tx_conn(tx), "INSERT OR REPLACE INTO node (key, value) VALUES ('team', ?)");
	sql_str(q, 1, text);
	enum rc rc = sql_run(q, err);
	struct journal_act line = { .act = "team", .actor = by, .object = STR("node"),
				    .body = size == TEAM_LARGE ? STR("{\"size\":\"large\"}") :
								 STR("{\"size\":\"small\"}") };
	return rc == RC_OK ? journal_add(tx, j, &line, err) : rc;
}
