/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/passkeys.h"

str passkey_handle(const struct store *s, int64_t account, struct arena *a)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%lld", (long long)account);
	struct digest d = keyed_digest(store_secret(s), "passkey user", str_mem(text, (size_t)n));
	return arena_str(a, str_mem(d.b, sizeof(d.b)));
}

#define PASSKEY_COLUMNS \
	"SELECT id, account, label, key, alg, counter, backed_up, made_us, used_us FROM account_passkey "

static struct passkey_row take(struct sql *q, struct arena *a)
{
	struct passkey_row r = {
		.passkey = { .id = arena_str(a, sql_col_blob(q, 0)), .key = arena_str(a, sql_col_blob(q, 3)),
			     .alg = (int)sql_col_int(q, 4), .count = (uint32_t)sql_col_int(q, 5),
			     .backed_up = sql_col_int(q, 6) != 0 },
		.account = sql_col_int(q, 1),
		.label = arena_str(a, sql_col_str(q, 2)),
		.made_us = sql_col_int(q, 7),
		.used_us = sql_col_int(q, 8),
	};
	struct buf hex = BUF_INIT(KIB(4));
	hex_format(&hex, r.passkey.id.p, r.passkey.id.n < 8 ? r.passkey.id.n : 8);
	(void)str_to_z(buf_str(&hex), r.id_hex, sizeof(r.id_hex));
	buf_free(&hex);
	return r;
}

enum rc passkeys_list(struct conn *c, int64_t account, struct arena *a, struct passkey_row **out,
		      size_t *count_out, struct err *err)
{
	size_t n = 0;
	struct passkey_row *list = ARENA_ARRAY(a, PASSKEYS_OF_ONE, struct passkey_row);
	struct sql *q = sql(c, PASSKEY_COLUMNS "WHERE account = ? ORDER BY made_us, id");
	sql_int(q, 1, account);
	while (n < PASSKEYS_OF_ONE && sql_row(q))
		list[n++] = take(q, a);
	*out = list;
	*count_out = n;
	return sql_end(q, err);
}

static enum rc tell(struct tx *tx, struct journal *j, const char *act, int64_t account, str by,
		    struct err *err)
{
	char object[32];
	struct sql *q = sql(tx_conn(tx), "UPDATE account SET secrets = secrets + 1 WHERE id = ?");
	sql_int(q, 1, account);
	enum rc rc = sql_run(q, err);
	snprintf(object, sizeof(object), "account:%lld", (long long)account);
	struct journal_act line = { .act = act, .actor = by, .object = str_of(object), .count = 1 };
	return rc == RC_OK ? journal_add(tx, j, &line, err) : rc;
}

static enum rc check_room(struct tx *tx, int64_t account, struct err *err)
{
	int64_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT count(*) FROM account_passkey WHERE account = ?");
	sql_int(q, 1, account);
	if (sql_row(q))
		n = sql_col_int(q, 0);
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && n >= PASSKEYS_OF_ONE ?
		       fail(err, RC_LIMIT, "an account has at most %d passkeys", PASSKEYS_OF_ONE) : rc;
}

enum rc passkey_add(struct tx *tx, struct journal *j, int64_t account, const struct passkey *k, str label,
		    str by, struct err *err)
{
	label = str_trim(label);
	if (label.n > PASSKEY_LABEL_MAX || !str_is_plain(label))
		return fail(err, RC_INPUT, "the name of a passkey has at most %d plain bytes", PASSKEY_LABEL_MAX);
	enum rc rc = check_room(tx, account, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(tx_conn(tx), "INSERT INTO account_passkey (id, account, label, key, alg, counter,"
					 " backed_up, made_us, used_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)");
	sql_blob(q, 1, k->id);
	sql_int(q, 2, account);
	sql_str(q, 3, label.n > 0 ? label : STR("passkey"));
	sql_blob(q, 4, k->key);
	sql_int(q, 5, k->alg);
	sql_int(q, 6, k->count);
	sql_int(q, 7, k->backed_up);
	sql_int(q, 8, tx_now_us(tx));
	rc = sql_run(q, err);
	if (rc == RC_CONFLICT)
		return fail(err, RC_CONFLICT, "this device is registered already");
	return rc == RC_OK ? tell(tx, j, "account.passkey", account, by, err) : rc;
}

enum rc passkey_remove(struct tx *tx, struct journal *j, int64_t account, str id_hex, str by,
		       struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM account_passkey WHERE account = ?"
					 " AND lower(hex(substr(id, 1, 8))) = ?");
	sql_int(q, 1, account);
	sql_str(q, 2, id_hex);
	enum rc rc = sql_run(q, err);
	if (rc == RC_OK && sql_changes(tx_conn(tx)) == 0)
		return fail(err, RC_ABSENT, "there is no such passkey");
	return rc == RC_OK ? tell(tx, j, "account.passkey.remove", account, by, err) : rc;
}

/* --- signing in --- */

static enum rc find(struct login *l, str id, struct arena *a, struct passkey_row *out, struct err *err)
{
	struct reader *r = NULL;
	bool found = false;
	enum rc rc = store_read_begin(l->store, &r, err);
	if (rc != RC_OK)
		return rc;
	struct sql *q = sql(reader_conn(r), PASSKEY_COLUMNS "WHERE id = ?");
	sql_blob(q, 1, id);
	found = sql_row(q);
	if (found)
		*out = take(q, a);
	rc = sql_end(q, err);
	store_read_end(r);
	return rc == RC_OK && !found ? fail(err, RC_DENIED, "this passkey is not known here") : rc;
}

struct use {
	str id;
	int64_t account;
	uint32_t count;
	bool backed_up;
};

/* A signature that came in meanwhile moved the counter: then this one is the older. */
static enum rc write_use(struct tx *tx, void *ctx, struct err *err)
{
	const struct use *u = ctx;
	struct sql *q = sql(tx_conn(tx), "UPDATE account_passkey SET counter = ?, backed_up = ?, used_us = ?"
					 " WHERE id = ? AND account = ? AND (counter < ? OR counter = 0)");
	sql_int(q, 1, u->count);
	sql_int(q, 2, u->backed_up);
	sql_int(q, 3, tx_now_us(tx));
	sql_blob(q, 4, u->id);
	sql_int(q, 5, u->account);
	sql_int(q, 6, u->count);
	enum rc rc = sql_run(q, err);
	return rc == RC_OK && sql_changes(tx_conn(tx)) == 0 ? fail(err, RC_DENIED, "this passkey was used meanwhile") : rc;
}

static enum rc check(struct login *l, const struct passkey_site *site, const struct passkey_challenge *c,
		     str json, struct arena *a, struct passkey_row *row, struct err *err)
{
	struct passkey_answer answer;
	struct use u = { .account = 0 };
	enum rc rc = passkey_answer_read(json, a, &answer, err);
	if (rc == RC_INPUT)
		rc = fail(err, RC_DENIED, "the browser's answer is none");
	if (rc == RC_OK)
		rc = find(l, answer.id, a, row, err);
	if (rc != RC_OK)
		return rc;
	row->passkey.user = passkey_handle(l->store, row->account, a);
	rc = passkey_check(site, c, &answer, &row->passkey, &u.count, &u.backed_up, err);
	u.id = row->passkey.id;
	u.account = row->account;
	return rc == RC_OK ? store_write(l->store, write_use, &u, err) : rc;
}

enum rc login_passkey(struct login *l, const struct passkey_site *site, const struct passkey_challenge *c,
		      str json, const struct ip *from, struct login_result *out, struct err *err)
{
	struct arena *a = arena_new(KIB(4));
	struct passkey_row row = { .account = 0 };
	*out = (struct login_result){ .account = 0 };
	if (!guard_enter(l->guard, from)) {
		arena_free(a);
		return fail(err, RC_BUSY, "too many wrong tries; wait ten minutes");
	}
	enum rc rc = check(l, site, c, json, a, &row, err);
	guard_leave(l->guard, from, rc != RC_DENIED);
	if (rc == RC_OK)
		rc = login_account(l, row.account, "passkey", from, out, err);
	arena_free(a);
	return rc;
}
