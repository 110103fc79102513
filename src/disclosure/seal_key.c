/* SPDX-License-Identifier: Apache-2.0 */
/* seal_key.c: persons' keys. The secret half is kept twice, encrypted: under the passphrase's
 * key, and under a random one that exists only as shares. */
#include "base/json.h"
#include "disclosure/seal_private.h"

/* Between what a login costs and what a person waits for; a stolen dump is tried offline. */
enum { PASSES = 4, MEMORY = 19 * 1024 * 1024, SALT = crypto_pwhash_SALTBYTES };

/* --- rings --- */

static struct seal_ring *ring_new(int64_t account)
{
	struct seal_ring *r = x_made(sodium_malloc(sizeof(*r)));
	sodium_memzero(r, sizeof(*r));
	atomic_init(&r->holders, 1);
	r->account = account;
	return r;
}

struct seal_ring *seal_ring_hold(struct seal_ring *r)
{
	if (r)
		atomic_fetch_add(&r->holders, 1);
	return r;
}

void seal_ring_drop(struct seal_ring *r)
{
	if (r && atomic_fetch_sub(&r->holders, 1) == 1)
		sodium_free(r); /* wipes it */
}

int64_t seal_ring_account(const struct seal_ring *r)
{
	return r ? r->account : 0;
}

/* --- boxes --- */

void seal_box(const unsigned char key[SEAL_KEY], str about, str plain, unsigned char *out)
{
	randombytes_buf(out, SEAL_NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEAL_NONCE, NULL, (const unsigned char *)plain.p,
						   plain.n, (const unsigned char *)about.p, about.n, NULL,
						   out, key);
}

bool seal_unbox(const unsigned char key[SEAL_KEY], str about, str boxed, unsigned char *out)
{
	const unsigned char *p = (const unsigned char *)boxed.p;
	return boxed.n >= SEAL_NONCE + SEAL_TAG &&
	       crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, p + SEAL_NONCE,
							  boxed.n - SEAL_NONCE,
							  (const unsigned char *)about.p, about.n, p,
							  key) == 0;
}

static enum rc key_of_passphrase(str passphrase, const unsigned char salt[SALT],
				 unsigned char key[SEAL_KEY], struct err *err)
{
	if (crypto_pwhash(key, SEAL_KEY, passphrase.p, passphrase.n, salt, PASSES, MEMORY,
			  crypto_pwhash_ALG_ARGON2ID13) != 0)
		return fail(err, RC_LIMIT, "there is no memory to try a passphrase");
	return RC_OK;
}

enum rc seal_pass_make(str passphrase, struct seal_pass *out, struct err *err)
{
	_Static_assert(sizeof(out->salt) == SALT && sizeof(out->key) == SEAL_KEY, "as Argon2 and the box need it");
	if (passphrase.n < SEAL_PASSPHRASE_LEAST || passphrase.n > SEAL_PASSPHRASE_MOST)
		return fail(err, RC_INPUT, "a case passphrase has %d to %d characters", SEAL_PASSPHRASE_LEAST,
			    SEAL_PASSPHRASE_MOST);
	randombytes_buf(out->salt, SALT);
	return key_of_passphrase(passphrase, out->salt, out->key, err);
}

void seal_pass_wipe(struct seal_pass *p)
{
	sodium_memzero(p, sizeof(*p));
}

/* --- rows --- */

struct row {
	unsigned char open[SEAL_KEY], salt[SALT], secret[SEAL_BOX], recovery[SEAL_BOX];
};

static bool copy(str from, unsigned char *to, size_t n)
{
	if (from.n != n)
		return false;
	memcpy(to, from.p, n);
	return true;
}

static enum rc read_row(struct conn *c, int64_t account, struct row *out, struct err *err)
{
	bool found = false, sound = true;
	struct sql *q = sql(c, "SELECT public, salt, secret, recovery FROM seal_person WHERE account = ?");
	sql_int(q, 1, account);
	if (sql_row(q)) {
		found = true;
		sound = copy(sql_col_blob(q, 0), out->open, SEAL_KEY) &&
			copy(sql_col_blob(q, 1), out->salt, SALT) &&
			copy(sql_col_blob(q, 2), out->secret, SEAL_BOX) &&
			copy(sql_col_blob(q, 3), out->recovery, SEAL_BOX);
	}
	enum rc rc = sql_end(q, err);
	if (rc == RC_OK && !found)
		rc = fail(err, RC_ABSENT, "this account has no case key yet");
	if (rc == RC_OK && !sound)
		rc = fail(err, RC_INPUT, "the case key of this account is damaged");
	return rc;
}

/* Box of the secret under a passphrase: `about` is the public half, so that rows cannot be swapped. */
static void box_secret(struct row *to, const struct seal_ring *r, const struct seal_pass *pass)
{
	memcpy(to->salt, pass->salt, SALT);
	seal_box(pass->key, str_mem(r->open, SEAL_KEY), str_mem(r->secret, SEAL_KEY), to->secret);
}

static void box_recovery(struct row *to, const struct seal_ring *r, struct seal_shares *shares)
{
	unsigned char key[SEAL_KEY];
	randombytes_buf(key, sizeof(key));
	seal_box(key, str_mem(r->open, SEAL_KEY), str_mem(r->secret, SEAL_KEY), to->recovery);
	seal_split(key, r->open, shares);
	sodium_memzero(key, sizeof(key));
}

static enum rc tell(struct tx *tx, struct journal *j, const char *act, int64_t account, str by,
		    struct err *err)
{
	char object[32];
	snprintf(object, sizeof(object), "account:%lld", (long long)account);
	struct journal_act line = { .act = act, .actor = by, .object = str_of(object), .count = 1 };
	return journal_add(tx, j, &line, err);
}

static enum rc check_shares(const struct seal_shares *shares, struct err *err)
{
	if (shares->count < SEAL_SHARES_LEAST || shares->count > SEAL_SHARES_MOST)
		return fail(err, RC_INPUT, "%d to %d shares are made", SEAL_SHARES_LEAST, SEAL_SHARES_MOST);
	return RC_OK;
}

/* --- what callers do --- */

enum rc seal_key_has(struct conn *c, int64_t account, bool *out, struct err *err)
{
	struct sql *q = sql(c, "SELECT 1 FROM seal_person WHERE account = ?");
	sql_int(q, 1, account);
	*out = sql_row(q);
	return sql_end(q, err);
}

static enum rc insert_row(struct tx *tx, int64_t account, const struct row *row, struct err *err)
{
	struct sql *q = sql(tx_conn(tx), "INSERT INTO seal_person (account, public, salt, secret, recovery,"
					 " made_us) VALUES (?, ?, ?, ?, ?, ?)");
	sql_int(q, 1, account);
	sql_blob(q, 2, str_mem(row->open, SEAL_KEY));
	sql_blob(q, 3, str_mem(row->salt, SALT));
	sql_blob(q, 4, str_mem(row->secret, SEAL_BOX));
	sql_blob(q, 5, str_mem(row->recovery, SEAL_BOX));
	sql_int(q, 6, tx_now_us(tx));
	enum rc rc = sql_run(q, err);
	return rc == RC_CONFLICT ? fail(err, rc, "this account has a case key already") : rc;
}

enum rc seal_key_make(struct tx *tx, struct journal *j, int64_t account, const struct seal_pass *passphrase,
		      struct seal_shares *shares, str by, struct err *err)
{
	struct row row;
	struct seal_ring *r = ring_new(account);
	enum rc rc = check_shares(shares, err);
	if (rc == RC_OK) {
		crypto_box_keypair(r->open, r->secret);
		memcpy(row.open, r->open, SEAL_KEY);
		box_secret(&row, r, passphrase);
		box_recovery(&row, r, shares);
		rc = insert_row(tx, account, &row, err);
	}
	if (rc == RC_OK)
		rc = tell(tx, j, "seal.key", account, by, err);
	seal_ring_drop(r);
	return rc;
}

enum rc seal_key_open(struct conn *c, int64_t account, str passphrase, struct seal_ring **out,
		      struct err *err)
{
	struct row row;
	unsigned char key[SEAL_KEY];
	struct seal_ring *r = ring_new(account);
	enum rc rc = read_row(c, account, &row, err);
	if (rc == RC_OK)
		rc = passphrase.n <= SEAL_PASSPHRASE_MOST ? key_of_passphrase(passphrase, row.salt, key, err) :
							    fail(err, RC_DENIED, "the case passphrase is wrong");
	if (rc == RC_OK) {
		memcpy(r->open, row.open, SEAL_KEY);
		if (!seal_unbox(key, str_mem(row.open, SEAL_KEY), str_mem(row.secret, SEAL_BOX), r->secret))
			rc = fail(err, RC_DENIED, "the case passphrase is wrong");
	}
	sodium_memzero(key, sizeof(key));
	if (rc == RC_OK)
		*out = r;
	else
		seal_ring_drop(r);
	return rc;
}

static enum rc update_secret(struct tx *tx, const struct seal_ring *r, const struct seal_pass *passphrase,
			     struct err *err)
{
	struct row row;
	box_secret(&row, r, passphrase);
	struct sql *q = sql(tx_conn(tx), "UPDATE seal_person SET salt = ?, secret = ? WHERE account = ?");
	sql_blob(q, 1, str_mem(row.salt, SALT));
	sql_blob(q, 2, str_mem(row.secret, SEAL_BOX));
	sql_int(q, 3, r->account);
	return sql_run(q, err);
}

enum rc seal_key_change(struct tx *tx, struct journal *j, struct seal_ring *r,
			const struct seal_pass *passphrase, str by, struct err *err)
{
	enum rc rc = update_secret(tx, r, passphrase, err);
	return rc == RC_OK ? tell(tx, j, "seal.passphrase", r->account, by, err) : rc;
}

enum rc seal_key_share(struct tx *tx, struct journal *j, struct seal_ring *r, struct seal_shares *shares,
		       str by, struct err *err)
{
	struct row row;
	enum rc rc = check_shares(shares, err);
	if (rc != RC_OK)
		return rc;
	box_recovery(&row, r, shares);
	struct sql *q = sql(tx_conn(tx), "UPDATE seal_person SET recovery = ? WHERE account = ?");
	sql_blob(q, 1, str_mem(row.recovery, SEAL_BOX));
	sql_int(q, 2, r->account);
	rc = sql_run(q, err);
	return rc == RC_OK ? tell(tx, j, "seal.share", r->account, by, err) : rc;
}

enum rc seal_key_recover(struct tx *tx, struct journal *j, int64_t account, const str *shares,
			 size_t count, const struct seal_pass *passphrase, str by, struct err *err)
{
	struct row row;
	unsigned char key[SEAL_KEY];
	struct seal_ring *r = ring_new(account);
	enum rc rc = read_row(tx_conn(tx), account, &row, err);
	if (rc == RC_OK) {
		memcpy(r->open, row.open, SEAL_KEY);
		if (!seal_join(shares, count, row.open, key) ||
		    !seal_unbox(key, str_mem(row.open, SEAL_KEY), str_mem(row.recovery, SEAL_BOX), r->secret))
			rc = fail(err, RC_DENIED, "these are not two different shares of this account's case key");
	}
	if (rc == RC_OK)
		rc = update_secret(tx, r, passphrase, err);
	if (rc == RC_OK)
		rc = tell(tx, j, "seal.recover", account, by, err);
	sodium_memzero(key, sizeof(key));
	seal_ring_drop(r);
	return rc;
}
