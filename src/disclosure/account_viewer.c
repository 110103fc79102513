/* SPDX-License-Identifier: Apache-2.0 */
/* account_viewer.c: what an account's roles add up to. */
#include "disclosure/account.h"

/* The roles a person has are hats on one head: rights and ceilings add up, and only who has
 * nothing but roles that read no case reads none. */
static void add_role(struct viewer *v, const struct role *role)
{
	if (right_includes(role->right, v->right))
		v->right = role->right;
	if (role->ceiling > v->as.ceiling)
		v->as.ceiling = role->ceiling;
	v->as.personal_basis = v->as.personal_basis || role->personal_basis;
	v->reads_no_case = v->reads_no_case && role->reads_no_case;
	if (role->outside) {
		v->as.kind = RECIPIENT_CONSTITUENT;
		v->as.exercise_member = v->exercise = false;
	}
}

static enum rc make(const struct account *a, const struct roles *r, enum channel channel,
		    struct viewer *out, struct err *err)
{
	struct viewer v = {
		.right = RIGHT_SIGNED_IN,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_CLEAR, .named = true,
			.exercise_member = true },
		.channel = channel,
		.account = a->id,
		.roles = a->roles,
		.all_roles = r,
		.organisation = a->organisation,
		.person = a->person,
		.reads_no_case = true,
		.exercise = true,
		.policy = { .public_k = PUBLIC_K_LEAST },
	};
	if (a->disabled || a->roles == 0)
		return fail(err, RC_DENIED, "this account is not in use");
	for (size_t i = 0; i < roles_count(r); i++)
		if (a->roles >> i & 1)
			add_role(&v, roles_at(r, i));
	snprintf(v.actor, sizeof(v.actor), "account:%lld", (long long)a->id);
	*out = v;
	return RC_OK;
}

enum rc account_viewer(struct conn *c, const struct roles *r, int64_t id, enum channel channel,
		       struct viewer *out, struct err *err)
{
	return account_viewer_again(c, r, id, -1, channel, out, err);
}

enum rc account_viewer_again(struct conn *c, const struct roles *r, int64_t id, int64_t secrets,
			     enum channel channel, struct viewer *out, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct account account;
	enum rc rc = account_by_id(c, r, id, a, &account, err);
	if (rc == RC_OK && secrets >= 0 && secrets != account.secrets)
		rc = fail(err, RC_DENIED, "this account has changed: sign in again");
	if (rc == RC_OK)
		rc = make(&account, r, channel, out, err);
	arena_free(a);
	return rc;
}

enum rc account_viewer_unix(struct conn *c, const struct roles *r, uint32_t uid, struct viewer *out,
			    struct err *err)
{
	int64_t id = 0;
	struct sql *q = sql(c, "SELECT id FROM account WHERE unix_uid = ?");
	sql_int(q, 1, uid);
	if (sql_row(q))
		id = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && id == 0)
		rc = fail(err, RC_ABSENT, "this Unix user has no account");
	return rc == RC_OK ? account_viewer(c, r, id, CHANNEL_CLI, out, err) : rc;
}

struct viewer viewer_node(const struct roles *r, const char *part)
{
	struct viewer v = {
		.right = RIGHT_READ,
		.as = { .kind = RECIPIENT_STAFF, .ceiling = TLP_RED, .named = true,
			.personal_basis = true, .exercise_member = true },
		.channel = CHANNEL_CLI,
		.all_roles = r,
		.exercise = true,
		.policy = { .public_k = PUBLIC_K_LEAST },
	};
	for (size_t i = 0; i < roles_count(r); i++)
		if (!roles_at(r, i)->outside && !roles_at(r, i)->reads_no_case)
			v.roles |= UINT32_C(1) << i;
	snprintf(v.actor, sizeof(v.actor), "node:%s", part);
	return v;
}

/* --- tokens of accounts --- */

static enum right lower(enum right a, enum right b)
{
	return right_includes(a, b) ? b : right_includes(b, a) ? a : RIGHT_PUBLIC;
}

static void add_account(struct viewer *v, const struct viewer *of, bool reads_only)
{
	v->right = lower(v->right, of->right);
	v->as.kind = of->as.kind;
	v->as.ceiling = of->as.ceiling < v->as.ceiling ? of->as.ceiling : v->as.ceiling;
	v->as.personal_basis = v->as.personal_basis && of->as.personal_basis;
	v->as.exercise_member = v->as.exercise_member && of->as.exercise_member;
	v->exercise = v->exercise && of->exercise;
	v->account = of->account;
	v->roles = of->roles;
	v->organisation = of->organisation;
	v->person = of->person;
	v->reads_no_case = of->reads_no_case;
	v->reads_only = reads_only;
}

enum rc account_token_viewer(struct conn *c, const struct roles *r, struct viewer *v, struct err *err)
{
	str actor = str_of(v->actor), head = STR("token:");
	int64_t token, account = 0;
	bool reads_only = true;
	if (!str_starts(actor, head) || !str_to_i64(str_from(actor, head.n), &token))
		return RC_OK;
	struct sql *q = sql(c, "SELECT account, reads_only FROM token_account WHERE token = ?");
	sql_int(q, 1, token);
	if (sql_row(q)) {
		account = sql_col_int(q, 0);
		reads_only = sql_col_int(q, 1) != 0;
	}
	enum rc rc = sql_end(q, err);
	struct viewer of;
	if (rc != RC_OK || account == 0)
		return rc;
	rc = account_viewer(c, r, account, v->channel, &of, err);
	if (rc == RC_OK)
		add_account(v, &of, reads_only);
	return rc == RC_ABSENT ? fail(err, RC_DENIED, "this account is not in use") : rc;
}
