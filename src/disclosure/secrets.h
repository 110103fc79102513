/* SPDX-License-Identifier: Apache-2.0 */
/* secrets.h: what accounts prove themselves by: passwords, one-time codes, recovery codes,
 * invitations, names at an identity provider.
 *
 * main.db holds hashes, and one-time secrets encrypted under a key that stands beside it in
 * DIR/account.key (made on first use): a dump of the database holds nothing that lets anybody in. Each
 * change adds one to account.secrets, so that open sessions of the account end, and is a line of
 * the journal. What is slow (Argon2id) is done before the job, never inside the writer. */
#ifndef RONDA_DISCLOSURE_SECRETS_H
#define RONDA_DISCLOSURE_SECRETS_H

#include "base/password.h"
#include "base/totp.h"
#include "disclosure/account.h"
#include "disclosure/recovery.h"

struct secrets;
/* A directory that cannot be written opens all the same; one-time codes cannot be enrolled then. */
MUST_CHECK enum rc secrets_open(struct store *s, struct secrets **out, struct err *err);
void secrets_close(struct secrets *s); /* NULL is fine */
/* Before the first password, and before threads share it: costs one hash. Again is free. */
MUST_CHECK enum rc secrets_ready(struct secrets *s, struct err *err);
struct passwords *secrets_passwords(struct secrets *s); /* after secrets_ready() */
const struct key *secrets_key(const struct secrets *s);

/* Judges (words to the person: RC_INPUT) and hashes a new password of `account`. */
MUST_CHECK enum rc secrets_new_password(struct secrets *s, const struct account *account, str password,
					char hash_out[PASSWORD_HASH_SIZE], struct err *err);
/* `hash` "" takes the password away. */
MUST_CHECK enum rc account_set_password(struct tx *tx, struct journal *j, int64_t id, str hash,
					str by, struct err *err);
/* What is kept of it; "" when there is none, or no such account. */
MUST_CHECK enum rc account_password(struct conn *c, int64_t id, char hash_out[PASSWORD_HASH_SIZE],
				    struct err *err);

/* `step`: of the code that showed the secret has arrived; it is used up. NULL takes it away. */
MUST_CHECK enum rc account_set_totp(struct tx *tx, struct journal *j, const struct secrets *s,
				    int64_t id, const struct totp_secret *totp, int64_t step, str by,
				    struct err *err);
/* A code as typed: one-time by time, or a recovery code, which is then gone. RC_DENIED for every
 * reason, the same words. */
MUST_CHECK enum rc account_use_code(struct tx *tx, struct journal *j, const struct secrets *s,
				    int64_t id, str code, struct err *err);
/* New recovery codes instead of all old ones. Show them once; recovery_wipe(). */
MUST_CHECK enum rc account_new_codes(struct tx *tx, struct journal *j, const struct secrets *s,
				     int64_t id, struct recovery *out, str by, struct err *err);

/* An invitation lets a person set the first password, once, within three days; a newer one ends
 * the older. `text_out`: TOKEN_TEXT_BYTES. */
#define INVITE_US (3 * DAY_US)
MUST_CHECK enum rc account_invite(struct tx *tx, struct journal *j, int64_t id, str by,
				  char *text_out, size_t text_size, struct err *err);
/* Whose it is; it stays good. RC_DENIED: none, used, over, or the account is disabled. */
MUST_CHECK enum rc account_invited(struct conn *c, const struct store *s, str text, int64_t now_us,
				   int64_t *id_out, struct err *err);
MUST_CHECK enum rc account_invite_end(struct tx *tx, int64_t id, struct err *err);

/* "issuer subject"; "" takes it away. RC_CONFLICT: another account has it. */
MUST_CHECK enum rc account_set_subject(struct tx *tx, struct journal *j, int64_t id, str issuer,
				       str subject, str by, struct err *err);

#endif
