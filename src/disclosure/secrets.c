/* SPDX-License-Identifier: Apache-2.0 */
#include "disclosure/secrets.h"

#include <sodium.h>

#include "base/io.h"
#include "disclosure/access_private.h"
#include "disclosure/seal_private.h"

enum { BOXED_MOST = SEAL_NONCE + TOTP_SECRET_BYTES_MAX + SEAL_TAG };
static const char key_file[] = "account.key";
static const char invite_prefix[] = "ronda_invite_", invite_purpose[] = "invite";

struct secrets {
	struct passwords *passwords;
	struct key key;
	bool lost; /* the key could not be written: what it locks could not be opened again */
};

/* --- the key beside the database --- */

static enum rc make_key(struct io_dir *d, struct secrets *x, struct err *err)
{
	random_bytes(x->key.b, sizeof(x->key.b));
	x->lost = io_replace_file(d, key_file, str_mem(x->key.b, sizeof(x->key.b)), err) != RC_OK;
	return RC_OK;
}

static enum rc read_key(struct store *s, struct secrets *x, struct err *err)
{
	struct key *out = &x->key;
	struct buf b = BUF_INIT(KIB(1));
	struct err why = { 0 };
	enum rc rc = io_read_file(store_dir(s), key_file, &b, &why);
	if (rc == RC_ABSENT)
		rc = make_key(store_dir(s), x, err);
	else if (rc != RC_OK)
		rc = fail(err, rc, "%s", why.text);
	else if (b.n != sizeof(out->b))
		rc = fail(err, RC_INPUT, "'%s' is damaged: restore it, or remove it and let all enrol their one-time codes again",
			  key_file);
	else
		memcpy(out->b, b.p, sizeof(out->b));
	if (b.p)
		explicit_bzero(b.p, b.n);
	buf_free(&b);
	return rc;
}

enum rc secrets_open(struct store *s, struct secrets **out, struct err *err)
{
	struct secrets *x = x_alloc(sizeof(*x));
	enum rc rc = read_key(s, x, err);
	if (rc != RC_OK)
		secrets_close(x);
	else
		*out = x;
	return rc;
}

void secrets_close(struct secrets *s)
{
	if (!s)
		return;
	passwords_free(s->passwords);
	explicit_bzero(s, sizeof(*s));
	free(s);
}

enum rc secrets_ready(struct secrets *s, struct err *err)
{
	return s->passwords ? RC_OK : passwords_new(&s->passwords, err);
}

static enum rc check_kept(const struct secrets *s, struct err *err)
{
	return s->lost ? fail(err, RC_LIMIT, "'%s' could not be written, so codes cannot be kept: make room and "
			      "start the node again", key_file) : RC_OK;
}

struct passwords *secrets_passwords(struct secrets *s)
{
	return s->passwords;
}

const struct key *secrets_key(const struct secrets *s)
{
	return &s->key;
}

/* --- what all changes share --- */

static enum rc changed(struct tx *tx, struct journal *j, const char *act, int64_t id, str by,
		       struct err *err)
{
	char object[32];
	struct sql *q = sql(tx_conn(tx), "UPDATE account SET secrets = secrets + 1 WHERE id = ?");
	sql_int(q, 1, id);
	enum rc rc = sql_run(q, err);
	if (rc != RC_OK)
		return rc;
	if (sql_changes(tx_conn(tx)) == 0)
		return fail(err, RC_ABSENT, "there is no account %lld", (long long)id);
	snprintf(object, sizeof(object), "account:%lld", (long long)id);
	struct journal_act line = { .act = act, .actor = by, .object = str_of(object), .count = 1 };
	return journal_add(tx, j, &line, err);
}

static enum rc make_row(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT OR IGNORE INTO account_secret (account, password, password_us,"
					 " totp, totp_step) VALUES (?, '', 0, x'', 0)");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

/* --- passwords --- */

enum rc secrets_new_password(struct secrets *s, const struct account *account, str password,
			     char hash_out[PASSWORD_HASH_SIZE], struct err *err)
{
	const str names[] = { account->name, account->display };
	enum rc rc = password_judge(password, names, COUNT_OF(names), err);
	return rc == RC_OK ? password_hash(s->passwords, password, hash_out, err) : rc;
}

enum rc account_set_password(struct tx *tx, struct journal *j, int64_t id, str hash, str by,
			     struct err *err)
{
	enum rc rc = make_row(tx, id, err);
	if (rc == RC_OK) {
		struct sql *q = sql(tx_conn(tx), "UPDATE account_secret SET password = ?, password_us = ?"
						 " WHERE account = ?");
		sql_str(q, 1, hash);
		sql_int(q, 2, tx_now_us(tx));
		sql_int(q, 3, id);
		rc = sql_run(q, err);
	}
	if (rc == RC_OK)
		rc = account_invite_end(tx, id, err);
	return rc == RC_OK ? changed(tx, j, "account.password", id, by, err) : rc;
}

enum rc account_password(struct conn *c, int64_t id, char hash_out[PASSWORD_HASH_SIZE], struct err *err)
{
	hash_out[0] = '\0';
	struct sql *q = sql(c, "SELECT password FROM account_secret WHERE account = ?");
	sql_int(q, 1, id);
	if (sql_row(q) && !str_to_z(sql_col_str(q, 0), hash_out, PASSWORD_HASH_SIZE))
		hash_out[0] = '\0'; /* a row we did not write */
	return sql_end(q, err);
}

/* --- one-time codes --- */

/* Encrypted for this account only: rows cannot be swapped. */
static str about_totp(int64_t id, char room[48])
{
	int n = snprintf(room, 48, "ronda totp 1 account:%lld", (long long)id);
	return str_mem(room, (size_t)n);
}

enum rc account_set_totp(struct tx *tx, struct journal *j, const struct secrets *s, int64_t id,
			 const struct totp_secret *totp, int64_t step, str by, struct err *err)
{
	unsigned char boxed[BOXED_MOST];
	char about[48];
	size_t n = totp ? SEAL_NONCE + totp->n + SEAL_TAG : 0;
	enum rc rc = check_kept(s, err);
	if (rc == RC_OK)
		rc = make_row(tx, id, err);
	if (rc == RC_OK) {
		if (totp)
			seal_box(s->key.b, about_totp(id, about), str_mem(totp->b, totp->n), boxed);
		struct sql *q = sql(tx_conn(tx), "UPDATE account_secret SET totp = ?, totp_step = ? WHERE account = ?");
		sql_blob(q, 1, str_mem(boxed, n));
		sql_int(q, 2, step);
		sql_int(q, 3, id);
		rc = sql_run(q, err);
	}
	return rc == RC_OK ? changed(tx, j, totp ? "account.totp" : "account.totp.remove", id, by, err) : rc;
}

static enum rc read_totp(struct conn *c, const struct secrets *s, int64_t id, struct totp_secret *out,
			 int64_t *last_step, struct err *err)
{
	char about[48];
	out->n = 0;
	struct sql *q = sql(c, "SELECT totp, totp_step FROM account_secret WHERE account = ?");
	sql_int(q, 1, id);
	if (sql_row(q)) {
		str boxed = sql_col_blob(q, 0);
		*last_step = sql_col_int(q, 1);
		if (boxed.n > SEAL_NONCE + SEAL_TAG && boxed.n <= BOXED_MOST &&
		    seal_unbox(s->key.b, about_totp(id, about), boxed, out->b))
			out->n = boxed.n - SEAL_NONCE - SEAL_TAG;
	}
	return sql_end(q, err);
}

static enum rc use_totp(struct tx *tx, const struct secrets *s, int64_t id, str code, struct err *err)
{
	struct totp_secret totp;
	int64_t last = 0, step = 0;
	enum rc rc = read_totp(tx_conn(tx), s, id, &totp, &last, err);
	bool right = rc == RC_OK && totp.n > 0 &&
		     totp_check(&totp, code, tx_now_us(tx), last, &step, NULL) == RC_OK;
	explicit_bzero(&totp, sizeof(totp));
	if (rc != RC_OK || !right) /* what cannot be read is not a wrong code */
		return rc != RC_OK ? rc : RC_DENIED;
	struct sql *q = sql(tx_conn(tx), "UPDATE account_secret SET totp_step = ? WHERE account = ?");
	sql_int(q, 1, step);
	sql_int(q, 2, id);
	return sql_run(q, err);
}

/* --- recovery codes --- */

static enum rc use_recovery(struct tx *tx, struct journal *j, const struct secrets *s, int64_t id,
			    str code, struct err *err)
{
	struct digest kept[RECOVERY_CODES];
	char object[32];
	size_t n = 0;
	struct sql *q = sql(tx_conn(tx), "SELECT digest FROM account_code WHERE account = ? ORDER BY digest");
	sql_int(q, 1, id);
	while (sql_row(q)) {
		str d = sql_col_blob(q, 0);
		if (n < RECOVERY_CODES && d.n == sizeof(kept[0].b))
			memcpy(kept[n++].b, d.p, sizeof(kept[0].b));
	}
	enum rc rc = sql_end(q, err);
	int at = rc == RC_OK ? recovery_find(&s->key, code, kept, n) : -1;
	if (rc != RC_OK || at < 0)
		return rc != RC_OK ? rc : RC_DENIED;
	q = sql(tx_conn(tx), "DELETE FROM account_code WHERE account = ? AND digest = ?");
	sql_int(q, 1, id);
	sql_blob(q, 2, str_mem(kept[at].b, sizeof(kept[at].b)));
	rc = sql_run(q, err);
	snprintf(object, sizeof(object), "account:%lld", (long long)id);
	struct journal_act line = { .act = "account.code", .actor = str_of(object), .object = str_of(object),
				    .count = 1 };
	return rc == RC_OK ? journal_add(tx, j, &line, err) : rc;
}

enum rc account_use_code(struct tx *tx, struct journal *j, const struct secrets *s, int64_t id, str code,
			 struct err *err)
{
	enum rc rc = use_totp(tx, s, id, code, err);
	if (rc == RC_DENIED)
		rc = use_recovery(tx, j, s, id, code, err);
	return rc == RC_DENIED ? fail(err, RC_DENIED, "the code is wrong, or was used") : rc;
}

enum rc account_new_codes(struct tx *tx, struct journal *j, const struct secrets *s, int64_t id,
			  struct recovery *out, str by, struct err *err)
{
	enum rc rc = check_kept(s, err);
	if (rc != RC_OK)
		return rc;
	recovery_new(&s->key, out);
	struct sql *q = sql(tx_conn(tx), "DELETE FROM account_code WHERE account = ?");
	sql_int(q, 1, id);
	rc = sql_run(q, err);
	for (size_t i = 0; rc == RC_OK && i < RECOVERY_CODES; i++) {
		q = sql(tx_conn(tx), "INSERT INTO account_code (account, digest) VALUES (?, ?)");
		sql_int(q, 1, id);
		sql_blob(q, 2, str_mem(out->digests[i].b, sizeof(out->digests[i].b)));
		rc = sql_run(q, err);
	}
	if (rc == RC_OK)
		rc = changed(tx, j, "account.codes", id, by, err);
	if (rc != RC_OK)
		recovery_wipe(out);
	return rc;
}

/* --- invitations --- */

enum rc account_invite_end(struct tx *tx, int64_t id, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "DELETE FROM account_invite WHERE account = ?");
	sql_int(q, 1, id);
	return sql_run(q, err);
}

enum rc account_invite(struct tx *tx, struct journal *j, int64_t id, str by, char *text_out,
		       size_t text_size, struct err *err)
{
	enum rc rc = secret_text(invite_prefix, text_out, text_size, err);
	if (rc == RC_OK)
		rc = account_invite_end(tx, id, err);
	if (rc == RC_OK) {
		struct digest hash = secret_hash(tx_store(tx), invite_purpose, str_of(text_out));
		struct sql *q = sql(tx_conn(tx), "INSERT INTO account_invite (hash, account, made_us) VALUES (?, ?, ?)");
		sql_blob(q, 1, str_mem(hash.b, sizeof(hash.b)));
		sql_int(q, 2, id);
		sql_int(q, 3, tx_now_us(tx));
		rc = sql_run(q, err);
	}
	if (rc == RC_OK)
		rc = changed(tx, j, "account.invite", id, by, err);
	if (rc != RC_OK)
		explicit_bzero(text_out, text_size);
	return rc;
}

enum rc account_invited(struct conn *c, const struct store *s, str text, int64_t now_us, int64_t *id_out,
			struct err *err)
{
	bool good = false;
	struct digest hash = secret_hash(s, invite_purpose, text);
	struct sql *q = sql(c, "SELECT i.account, i.made_us FROM account_invite i JOIN account a"
			       " ON a.id = i.account WHERE i.hash = ? AND a.disabled = 0");
	sql_blob(q, 1, str_mem(hash.b, sizeof(hash.b)));
	if (sql_row(q)) {
		*id_out = sql_col_int(q, 0);
		good = now_us - sql_col_int(q, 1) < INVITE_US;
	}
	enum rc rc = sql_end(q, err);
	return rc == RC_OK && !good ? fail(err, RC_DENIED, "this invitation was used, or is older than three days") : rc;
}

/* --- the name at a provider --- */

enum rc account_set_subject(struct tx *tx, struct journal *j, int64_t id, str issuer, str subject, str by,
			    struct err *err)
{
	struct buf both = BUF_INIT(KIB(4));
	buf_add(&both, issuer);
	buf_char(&both, ' ');
	buf_add(&both, subject);
	struct sql *q = sql(tx_conn(tx), "UPDATE account SET subject = ? WHERE id = ?");
	if (subject.n > 0)
		sql_str(q, 1, buf_str(&both));
	else
		sql_null(q, 1);
	sql_int(q, 2, id);
	enum rc rc = sql_run(q, err);
	buf_free(&both);
	if (rc == RC_CONFLICT)
		return fail(err, RC_CONFLICT, "another account has this name at the provider");
	return rc == RC_OK ? changed(tx, j, "account.subject", id, by, err) : rc;
}
