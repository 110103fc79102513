/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/login.h"

#include "base/json.h"

static const char wrong_words[] = "the name, the password or the code is wrong";
static const char often_words[] = "too many wrong tries; wait ten minutes";

/* --- the guard, by address and name at once --- */

struct attempt {
	struct login *l;
	const struct ip *from;
	str name; /* folded */
	struct buf room;
};

static enum rc attempt_begin(struct attempt *t, struct login *l, str name, const struct ip *from,
			     struct err *err)
{
	*t = (struct attempt){ .l = l, .from = from, .room = BUF_INIT(KIB(2)) };
	/* What cannot be a name is tried like one. */
	if (account_fold(name, &t->room, NULL) != RC_OK)
		buf_add(&t->room, str_head(name, KIB(1)));
	t->name = buf_str(&t->room);
	if (!guard_enter(l->guard, from)) {
		buf_free(&t->room);
		return fail(err, RC_BUSY, "%s", often_words);
	}
	if (!guard_enter_name(l->guard, t->name)) {
		/* The address stays charged: else it could try names for ever. */
		buf_free(&t->room);
		return fail(err, RC_BUSY, "%s", often_words);
	}
	return RC_OK;
}

/* Right, or not tried at all (the machine failed, too many at once): given back. */
static enum rc attempt_end(struct attempt *t, enum rc rc)
{
	bool free_of_charge = rc != RC_DENIED;
	guard_leave_name(t->l->guard, t->name, free_of_charge);
	guard_leave(t->l->guard, t->from, free_of_charge);
	buf_free(&t->room);
	return rc;
}

/* --- coming in --- */

static enum rc tell_login(struct tx *tx, struct journal *j, int64_t account, const char *by,
			  const struct ip *from, struct err *err)
{
	char ip[48], actor[32];
	struct buf body = BUF_INIT(KIB(1));
	struct json_out out = json_out(&body);
	json_open(&out, '{');
	json_put_str(&out, "by", str_of(by));
	json_put_str(&out, "from", from ? ip_str(ip, from) : STR(""));
	json_close(&out, '}');
	snprintf(actor, sizeof(actor), "account:%lld", (long long)account);
	struct journal_act line = { .act = "login", .actor = str_of(actor), .object = str_of(actor),
				    .body = buf_str(&body) };
	enum rc rc = journal_add(tx, j, &line, err);
	buf_free(&body);
	return rc;
}

static enum rc come_in(struct tx *tx, struct login *l, int64_t account, const char *by,
		       const struct ip *from, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "UPDATE account SET last_seen_us = ? WHERE id = ?");
	sql_int(q, 1, tx_now_us(tx));
	sql_int(q, 2, account);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK ? tell_login(tx, l->journal, account, by, from, err) : rc;
}

struct coming {
	struct login *l;
	const struct ip *from;
	const char *by;
	int64_t account, secrets;
	str code, hash;
	struct login_result *out;
};

static enum rc write_come_in(struct tx *tx, void *ctx, struct err *err)
{
	struct coming *c = ctx;
	return come_in(tx, c->l, c->account, c->by, c->from, err);
}

static bool has_second(const struct account *a)
{
	return a->has_totp || a->codes_left > 0 || a->passkeys > 0;
}

/* --- name and password --- */

static enum rc look_up(struct login *l, str name, struct arena *a, struct account *out,
		       char hash[PASSWORD_HASH_SIZE], struct err *err)
{
	struct reader *r = NULL;
	hash[0] = '\0';
	*out = (struct account){ .id = 0 };
	enum rc rc = store_read_begin(l->store, &r, err);
	if (rc != RC_OK)
		return rc;
	rc = account_by_name(reader_conn(r), l->roles, name, a, out, err);
	if (rc == RC_ABSENT) {
		rc = RC_OK;
		*out = (struct account){ .id = 0 };
	}
	/* Asked for an unknown one too. */
	if (rc == RC_OK)
		rc = account_password(reader_conn(r), out->id, hash, err);
	store_read_end(r);
	return rc;
}

struct rehash {
	int64_t account;
	str hash;
};

static enum rc write_rehash(struct tx *tx, void *ctx, struct err *err)
{
	const struct rehash *r = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE account_secret SET password = ? WHERE account = ?");
	sql_str(q, 1, r->hash);
	sql_int(q, 2, r->account);
	return sql_run(q, err);
}

/* The costs of a hash have gone up since; a failure waits for the next time. */
static void rehash(struct login *l, int64_t account, str password)
{
	char hash[PASSWORD_HASH_SIZE];
	struct err ignored;
	if (password_hash(secrets_passwords(l->secrets), password, hash, NULL) != RC_OK)
		return;
	struct rehash r = { .account = account, .hash = str_of(hash) };
	(void)!store_write(l->store, write_rehash, &r, &ignored);
}

static enum login_next next_step(struct login *l, const struct account *a)
{
	return has_second(a)                                 ? LOGIN_SECOND :
	       roles_second_factor(l->roles, a->roles) ? LOGIN_ENROLS :
							       LOGIN_IN;
}

static enum rc try_password(struct login *l, str name, str password, const struct ip *from,
			    struct login_result *out, struct err *err)
{
	struct arena *a = arena_new(KIB(2));
	struct account account;
	char hash[PASSWORD_HASH_SIZE];
	bool old = false;
	enum rc rc = look_up(l, name, a, &account, hash, err);
	bool usable = account.id > 0 && !account.disabled && account.roles != 0;
	if (rc == RC_OK)
		rc = password_check(secrets_passwords(l->secrets), hash, password, &old, err);
	explicit_bzero(hash, sizeof(hash));
	if (rc == RC_DENIED || (rc == RC_OK && !usable))
		rc = fail(err, RC_DENIED, "%s", wrong_words);
	if (rc == RC_OK && old)
		rehash(l, account.id, password);
	if (rc == RC_OK) {
		*out = (struct login_result){ .account = account.id, .secrets = account.secrets,
					      .next = next_step(l, &account) };
		struct coming c = { .l = l, .from = from, .by = "password", .account = account.id };
		if (out->next != LOGIN_SECOND)
			rc = store_write(l->store, write_come_in, &c, err);
	}
	arena_free(a);
	return rc;
}

enum rc login_password(struct login *l, str name, str password, const struct ip *from,
		       struct login_result *out, struct err *err)
{
	struct attempt t;
	*out = (struct login_result){ .account = 0 };
	enum rc rc = attempt_begin(&t, l, name, from, err);
	return rc == RC_OK ? attempt_end(&t, try_password(l, name, password, from, out, err)) : rc;
}

/* --- the second factor --- */

static enum rc read_account(struct login *l, int64_t id, struct arena *a, struct account *out,
			    struct err *err)
{
	struct reader *r = NULL;
	enum rc rc = store_read_begin(l->store, &r, err);
	if (rc == RC_OK)
		rc = account_by_id(reader_conn(r), l->roles, id, a, out, err);
	store_read_end(r);
	return rc;
}

static enum rc write_second(struct tx *tx, void *ctx, struct err *err)
{
	struct coming *c = ctx;
	struct arena *a = arena_new(KIB(1));
	struct account account;
	enum rc rc = account_by_id(tx_conn(tx), c->l->roles, c->account, a, &account, err);
	if (rc == RC_OK && (account.disabled || account.secrets != c->secrets))
		rc = fail(err, RC_DENIED, "%s", wrong_words);
	if (rc == RC_OK)
		rc = account_use_code(tx, c->l->journal, c->l->secrets, c->account, c->code, err);
	if (rc == RC_OK)
		rc = come_in(tx, c->l, c->account, c->by, c->from, err);
	if (rc == RC_OK)
		*c->out = (struct login_result){ .next = LOGIN_IN, .account = c->account, .secrets = c->secrets };
	arena_free(a);
	return rc;
}

enum rc login_second(struct login *l, int64_t account, int64_t secrets, str code, const struct ip *from,
		     struct login_result *out, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct account who;
	struct attempt t;
	*out = (struct login_result){ .account = 0 };
	enum rc rc = read_account(l, account, a, &who, err);
	if (rc == RC_OK)
		rc = attempt_begin(&t, l, who.name, from, err);
	if (rc == RC_OK) {
		struct coming c = { .l = l, .from = from, .by = "password and code", .account = account,
				    .secrets = secrets, .code = code, .out = out };
		rc = attempt_end(&t, store_write(l->store, write_second, &c, err));
	}
	if (rc == RC_ABSENT)
		rc = fail(err, RC_DENIED, "%s", wrong_words);
	arena_free(a);
	return rc;
}

enum rc login_account(struct login *l, int64_t account, const char *by, const struct ip *from,
		      struct login_result *out, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct account who;
	struct coming c = { .l = l, .from = from, .by = by, .account = account };
	*out = (struct login_result){ .account = 0 };
	enum rc rc = read_account(l, account, a, &who, err);
	if (rc == RC_ABSENT || (rc == RC_OK && (who.disabled || who.roles == 0)))
		rc = fail(err, RC_DENIED, "%s", wrong_words);
	if (rc == RC_OK)
		rc = store_write(l->store, write_come_in, &c, err);
	if (rc == RC_OK)
		*out = (struct login_result){ .next = LOGIN_IN, .account = account, .secrets = who.secrets };
	arena_free(a);
	return rc;
}

/* --- an invitation --- */

static enum rc find_invited(struct login *l, str invitation, struct arena *a, struct account *out,
			    struct err *err)
{
	struct reader *r = NULL;
	int64_t id = 0;
	enum rc rc = store_read_begin(l->store, &r, err);
	if (rc == RC_OK)
		rc = account_invited(reader_conn(r), l->store, invitation, clock_now_us(), &id, err);
	if (rc == RC_OK)
		rc = account_by_id(reader_conn(r), l->roles, id, a, out, err);
	store_read_end(r);
	return rc;
}

static enum rc write_welcome(struct tx *tx, void *ctx, struct err *err)
{
	struct coming *c = ctx;
	struct arena *a = arena_new(KIB(1));
	struct account account;
	char actor[32];
	int64_t id = 0;
	snprintf(actor, sizeof(actor), "account:%lld", (long long)c->account);
	/* Looked at again: two who hold one invitation are not both let in. */
	enum rc rc = account_invited(tx_conn(tx), tx_store(tx), c->code, tx_now_us(tx), &id, err);
	if (rc == RC_OK)
		rc = account_set_password(tx, c->l->journal, id, c->hash, str_of(actor), err);
	if (rc == RC_OK)
		rc = account_by_id(tx_conn(tx), c->l->roles, id, a, &account, err);
	/* The invitation replaces the password alone: a second factor that is there is still asked. */
	if (rc == RC_OK)
		*c->out = (struct login_result){ .next = next_step(c->l, &account), .account = id,
						 .secrets = account.secrets };
	if (rc == RC_OK && c->out->next != LOGIN_SECOND)
		rc = come_in(tx, c->l, id, c->by, c->from, err);
	arena_free(a);
	return rc;
}

enum rc login_welcome(struct login *l, str invitation, str password, const struct ip *from,
		      struct login_result *out, struct err *err)
{
	struct arena *a = arena_new(KIB(1));
	struct account account;
	char hash[PASSWORD_HASH_SIZE];
	*out = (struct login_result){ .account = 0 };
	if (!guard_enter(l->guard, from)) {
		arena_free(a);
		return fail(err, RC_BUSY, "%s", often_words);
	}
	enum rc rc = find_invited(l, invitation, a, &account, err);
	guard_leave(l->guard, from, rc != RC_DENIED);
	if (rc == RC_OK)
		rc = secrets_new_password(l->secrets, &account, password, hash, err);
	if (rc == RC_OK) {
		struct coming c = { .l = l, .from = from, .by = "invitation", .account = account.id,
				    .code = invitation, .hash = str_of(hash), .out = out };
		rc = store_write(l->store, write_welcome, &c, err);
	}
	explicit_bzero(hash, sizeof(hash));
	arena_free(a);
	return rc;
}

/* --- an identity provider --- */

struct known_as {
	struct login *l;
	const struct ip *from;
	str issuer, subject, username;
	uint32_t roles;
	struct login_result *out;
};

static enum rc find_subject(struct tx *tx, const struct known_as *k, int64_t *id, struct err *err)
{
	struct buf both = BUF_INIT(KIB(4));
	*id = 0;
	buf_add(&both, k->issuer);
	buf_char(&both, ' ');
	buf_add(&both, k->subject);
	struct sql *q = sql(tx_conn(tx), "SELECT id FROM account WHERE subject = ?");
	sql_str(q, 1, buf_str(&both));
	if (sql_row(q))
		*id = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	buf_free(&both);
	return rc;
}

static enum rc make_known(struct tx *tx, const struct known_as *k, int64_t *id, struct err *err)
{
	struct account_new n = { .name = k->username, .roles = k->roles, .unix_uid = -1 };
	struct journal *j = k->l->journal;
	if (k->roles == 0)
		return fail(err, RC_DENIED, "the provider knows you, but you have no account here");
	enum rc rc = account_make(tx, j, k->l->roles, &n, STR("provider"), id, err);
	if (rc == RC_CONFLICT) /* never taken over by its name */
		return fail(err, RC_DENIED, "there is an account of your name already: an administrator must link it");
	return rc == RC_OK ? account_set_subject(tx, j, *id, k->issuer, k->subject, STR("provider"), err) : rc;
}

static enum rc write_known(struct tx *tx, void *ctx, struct err *err)
{
	struct known_as *k = ctx;
	struct arena *a = arena_new(KIB(1));
	struct account account;
	int64_t id = 0;
	enum rc rc = find_subject(tx, k, &id, err);
	if (rc == RC_OK && id == 0)
		rc = make_known(tx, k, &id, err);
	if (rc == RC_OK)
		rc = account_by_id(tx_conn(tx), k->l->roles, id, a, &account, err);
	if (rc == RC_OK && k->roles != 0 && k->roles != account.roles)
		rc = account_set_roles(tx, k->l->journal, k->l->roles, id, k->roles, STR("provider"), err);
	if (rc == RC_OK)
		rc = account_by_id(tx_conn(tx), k->l->roles, id, a, &account, err);
	if (rc == RC_OK && (account.disabled || account.roles == 0))
		rc = fail(err, RC_DENIED, "the provider knows you, but your account here is not in use");
	if (rc == RC_OK)
		rc = come_in(tx, k->l, id, "provider", k->from, err);
	if (rc == RC_OK)
		*k->out = (struct login_result){ .next = LOGIN_IN, .account = id, .secrets = account.secrets };
	arena_free(a);
	return rc;
}

enum rc login_subject(struct login *l, str issuer, str subject, str username, uint32_t roles,
		      const struct ip *from, struct login_result *out, struct err *err)
{
	struct known_as k = { .l = l, .from = from, .issuer = issuer, .subject = subject,
			      .username = username, .roles = roles, .out = out };
	*out = (struct login_result){ .account = 0 };
	if (issuer.n == 0 || subject.n == 0 || !str_is_plain(issuer) || !str_is_plain(subject) ||
	    str_has(issuer, ' ') || issuer.n + subject.n > KIB(2))
		return fail(err, RC_DENIED, "the provider did not say who you are");
	return store_write(l->store, write_known, &k, err);
}

static bool in_groups(str name, const str *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(name, groups[i]))
			return true;
	return false;
}

enum rc login_group_roles(const struct roles *r, str map, const str *groups, size_t count, uint32_t *out,
			  struct err *err)
{
	uint32_t all = 0;
	while (map.n > 0) {
		str row = str_cut(&map, ','), rest = row;
		str group = str_trim(str_cut(&rest, '='));
		uint32_t roles = 0;
		if (str_trim(row).n == 0)
			continue;
		if (group.n == 0 || str_trim(rest).n == 0)
			return fail(err, RC_INPUT, "groups are mapped as 'group=role role, group=role'");
		enum rc rc = roles_parse(r, rest, &roles, err);
		if (rc != RC_OK)
			return rc;
		if (in_groups(group, groups, count))
			all |= roles;
	}
	*out = all;
	return RC_OK;
}
