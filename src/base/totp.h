/* SPDX-License-Identifier: Apache-2.0 */
/* totp.h: one-time passwords by time, as authenticator apps make them (RFC 6238
 * on RFC 4226: SHA-1, six digits, steps of 30 s), by liboath. Pure functions.
 *
 * A code is good for its own step, the one before and the one after. A step is
 * used once: keep `*step_out` with the account in the SAME transaction that
 * lets the person in, and give it back as `last_step` next time. Guessing is
 * the caller's to slow down: three codes of a million are right at any time. */
#ifndef RONDA_BASE_TOTP_H
#define RONDA_BASE_TOTP_H

#include "base/buf.h"

enum { TOTP_SECRET_BYTES = 20, TOTP_SECRET_BYTES_MIN = 16, TOTP_SECRET_BYTES_MAX = 64 };

struct totp_secret {
	uint8_t b[TOTP_SECRET_BYTES_MAX];
	size_t n;
};

struct totp_secret totp_secret_new(void); /* TOTP_SECRET_BYTES of the kernel's randomness */
/* Base32 (RFC 4648 section 6) without padding, as a person may type it. */
void totp_secret_format(struct buf *out, const struct totp_secret *s);
/* Takes lower case, spaces and hyphens too; false when it is none or not of
 * TOTP_SECRET_BYTES_MIN to _MAX bytes. */
bool totp_secret_parse(str text, struct totp_secret *out);

/* "otpauth://totp/ISSUER:ACCOUNT?secret=...": the text of the QR code. Secret. */
void totp_uri(struct buf *out, const struct totp_secret *s, str issuer, str account);

/* `code` as typed, spaces allowed. RC_INPUT: not six digits; RC_DENIED: wrong;
 * RC_CONFLICT: right, but of a step not after `last_step` (say the same to the
 * person). `last_step` 0: none was used yet. */
MUST_CHECK enum rc totp_check(const struct totp_secret *s, str code, int64_t now_us,
			      int64_t last_step, int64_t *step_out, struct err *err);

int64_t totp_step(int64_t now_us);
/* The code of a step (of a counter, RFC 4226). */
MUST_CHECK bool totp_code(const struct totp_secret *s, int64_t step, char out[7]);

#endif
