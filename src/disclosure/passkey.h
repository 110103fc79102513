/* SPDX-License-Identifier: Apache-2.0 */
/* passkey.h: passkeys (Web Authentication Level 2, the relying party's side), by
 * libfido2. Pure functions: JSON and bytes in, structs out; nothing is kept.
 *
 *   registering   challenge -> passkey_create_options() -> page -> passkey_register()
 *   signing in    challenge -> passkey_get_options() -> page -> passkey_answer_read(),
 *                 find the passkey by answer.id, passkey_check()
 *
 * Keep the challenge on the server with the browser's cookie, at most
 * PASSKEY_CHALLENGE_US, and take it out before the answer is looked at: one
 * challenge, one try. The page is src/web/passkey.js. A passkey asks for the
 * person (PIN, finger, face) each time, so it is two factors by itself. We ask
 * for no attestation and believe none: which device it is does not count. */
#ifndef RONDA_DISCLOSURE_PASSKEY_H
#define RONDA_DISCLOSURE_PASSKEY_H

#include "base/arena.h"
#include "base/clock.h"

#define PASSKEY_CHALLENGE_US (5 * MINUTE_US)
enum {
	PASSKEY_JSON_MAX = 32768,       /* the answer of a browser */
	PASSKEY_CLIENT_DATA_MAX = 4096, /* parts of it, decoded */
	PASSKEY_ATTESTATION_MAX = 8192,
	PASSKEY_AUTH_DATA_MAX = 2048,
	PASSKEY_SIGNATURE_MAX = 512,
	PASSKEY_ID_MAX = 1023,
	PASSKEY_KEY_MAX = 512,
	PASSKEY_USER_MAX = 64,
	PASSKEYS_OF_ONE = 20,           /* more are not named to a browser */
};

/* Where we are, as browsers know it. */
struct passkey_site {
	str origin; /* "https://ronda.example.org" */
	str rp_id;  /* "ronda.example.org": passkeys are bound to it for good */
	str name;   /* shown by some browsers */
};
/* From the setting public_url; texts in `a`. RC_INPUT: not https (plain http only
 * for localhost), or an address in place of a name. */
MUST_CHECK enum rc passkey_site_of(str public_url, str name, struct arena *a,
				   struct passkey_site *out, struct err *err);

struct passkey_challenge {
	uint8_t b[32];
};
void passkey_challenge_new(struct passkey_challenge *out);

/* What is kept of a passkey, with the account. */
struct passkey {
	str id;           /* chosen by the device; unique over all accounts (see to it) */
	int alg;          /* COSE: -7 ES256, -8 EdDSA, -257 RS256 */
	str key;          /* public, as libfido2 has it for `alg` */
	uint32_t count;   /* of the last signature; 0 for devices that do not count */
	bool backed_up;   /* synchronised by its maker */
	str user;         /* handle of the account, as given to passkey_create_options() */
};

struct passkey_user {
	str id;           /* handle: up to PASSKEY_USER_MAX random bytes, no name in it */
	str name, display_name;
};

/* JSON of PublicKeyCredentialCreationOptions / RequestOptions, bytes as base64url.
 * `have`: those the account has already, or may sign in with. None in the
 * second: the browser offers what it has, and the answer names the account. */
str passkey_create_options(const struct passkey_site *site, const struct passkey_challenge *c,
			   const struct passkey_user *user, const struct passkey *have, size_t count,
			   struct arena *a);
str passkey_get_options(const struct passkey_site *site, const struct passkey_challenge *c,
			const struct passkey *have, size_t count, struct arena *a);

/* The answer to create options. On RC_OK *out is to be kept (bytes in `a`; set
 * `user` yourself). RC_INPUT: not an answer, or a kind of key that was not asked
 * for; RC_DENIED: for another challenge, page or site, or the person was not
 * verified. */
MUST_CHECK enum rc passkey_register(const struct passkey_site *site,
				    const struct passkey_challenge *c, str json, struct arena *a,
				    struct passkey *out, struct err *err);

/* The answer to get options, taken apart and not believed yet. */
struct passkey_answer {
	str id, client_data, auth_data, signature;
	str user; /* handle of the account, or "" */
};
MUST_CHECK enum rc passkey_answer_read(str json, struct arena *a, struct passkey_answer *out,
				       struct err *err);
/* On RC_OK store *count_out and *backed_up_out (may be NULL) with the passkey in
 * the transaction that lets the person in. RC_DENIED: another challenge, page,
 * site, key or account, the person was not verified, or the counter does not
 * go forward: there may be a copy of the device, tell its holder. */
MUST_CHECK enum rc passkey_check(const struct passkey_site *site, const struct passkey_challenge *c,
				 const struct passkey_answer *answer, const struct passkey *kept,
				 uint32_t *count_out, bool *backed_up_out, struct err *err);

#endif
