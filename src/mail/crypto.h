/* SPDX-License-Identifier: Apache-2.0 */
/* crypto.h: signatures and encryption of mail, by gpg and gpgsm in the crypto child.
 *
 * OpenPGP (RFC 4880) and S/MIME (CMS, RFC 8551). Keys of others and our own live in DIR/gnupg, which
 * only that child opens; no key is fetched from anywhere: an administrator or the directory gives
 * them. What is encrypted for somebody is encrypted to keys that are valid now, or not at all. */
#ifndef RONDA_MAIL_CRYPTO_H
#define RONDA_MAIL_CRYPTO_H

#include "base/arena.h"
#include "base/calls.h"

enum crypto_kind { CRYPTO_OPENPGP = 1, CRYPTO_SMIME = 2 };

struct crypto_key {
	enum crypto_kind kind;
	str fingerprint;        /* upper case hex */
	str names;              /* user ids, a line each */
	str addresses;          /* mail addresses of them, by space, folded */
	int64_t made_us, expires_us; /* 0: never */
	bool can_sign, can_encrypt, has_secret;
	str words;              /* why it cannot be used ("expired", "revoked"); "": it can */
};
/* `password`: of a PKCS #12 file; "": it has none. RC_INPUT: also when it is the wrong one. */
MUST_CHECK enum rc crypto_import(struct calls *crypto, enum crypto_kind kind, str bytes, str password,
				 struct arena *a, struct crypto_key **out, size_t *count_out, struct err *err);
/* `what` "": all; else a fingerprint or address. */
MUST_CHECK enum rc crypto_list(struct calls *crypto, enum crypto_kind kind, str what, struct arena *a,
			       struct crypto_key **out, size_t *count_out, struct err *err);
MUST_CHECK enum rc crypto_delete(struct calls *crypto, enum crypto_kind kind, str fingerprint, struct err *err);
/* A key pair of our own for "Name <address>"; of OpenPGP only. */
MUST_CHECK enum rc crypto_generate(struct calls *crypto, str name, str address, int64_t expires_us,
				   struct arena *a, str *fingerprint_out, struct err *err);
MUST_CHECK enum rc crypto_export(struct calls *crypto, enum crypto_kind kind, str fingerprint, struct arena *a,
				 str *out, struct err *err);

/* Detached, over exactly `bytes`. micalg_out: "pgp-sha256", "sha-256". (libsodium has a crypto_sign.) */
MUST_CHECK enum rc crypto_signature(struct calls *crypto, enum crypto_kind kind, str key, str bytes,
				     struct arena *a, str *signature_out, str *micalg_out, struct err *err);
/* To all of `keys` (fingerprints by space) or to nobody; signed too unless `sign_key` is "".
 * RC_ABSENT: a key is missing or may not be used, in words. */
MUST_CHECK enum rc crypto_encrypt(struct calls *crypto, enum crypto_kind kind, str keys, str sign_key,
				  str bytes, struct arena *a, str *out, struct err *err);

enum crypto_verdict { CRYPTO_UNSIGNED, CRYPTO_GOOD, CRYPTO_BAD, CRYPTO_UNKNOWN_KEY, CRYPTO_EXPIRED_KEY };
struct crypto_opened {
	str bytes;              /* decrypted; or what was given */
	bool was_encrypted;
	enum crypto_verdict verdict;
	str fingerprint, signer;/* "" */
	int64_t signed_us;
};
/* Of `signature` not "": `bytes` are what it was made over. */
MUST_CHECK enum rc crypto_open(struct calls *crypto, enum crypto_kind kind, str bytes, str signature,
			       struct arena *a, struct crypto_opened *out, struct err *err);

#endif
