/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h: by what our node and its partners prove who they are.
 *
 * A node has a certificate for TLS (P-256, self-signed: DIR/exchange.pem, exchange.key) and a key that signs what it
 * sends (Ed25519, RFC 8032: DIR/exchange.sign). A partner knows the certificate by its *pin*, SHA-256 of
 * the SubjectPublicKeyInfo (RFC 7469 section 2.4). Both together are an *identity*; a partner may have several:
 * while it rotates the old and the new one are good, each from when we know it until `until_us`. A revoked one is
 * refused at once and for ever.
 *
 * Rotating: the next identity is made beside the one in use and announced to each partner, signed by the old one
 * (keys_statement); it is used once all have taken note, or at `switch_us`. */
#ifndef RONDA_EXCHANGE_KEYS_H
#define RONDA_EXCHANGE_KEYS_H

#include "exchange/exchange.h"

struct identity {
	struct digest pin;
	uint8_t sign[32];          /* public key, Ed25519 */
};

/* --- a partner's --- */

enum key_state { KEY_WAITS = 1 /* for the words read over the phone */, KEY_GOOD, KEY_REVOKED };
struct partner_key {
	int64_t id;
	struct uuid partner;       /* record */
	struct identity who;
	enum key_state state;
	int64_t since_us, until_us; /* until 0: no end */
	int64_t changed_us;        /* of the state */
};
/* Good now; RC_ABSENT: unknown, not confirmed; RC_DENIED: revoked or run out. */
MUST_CHECK enum rc partner_key_by_pin(struct conn *c, const struct digest *pin, struct partner_key *out,
				      struct err *err);
/* All of a partner, newest first. */
MUST_CHECK enum rc partner_keys(struct conn *c, struct uuid partner, struct arena *a, struct partner_key **out,
				size_t *count_out, struct err *err);
/* Inside a job. RC_CONFLICT: that key is somebody's, or was revoked. */
MUST_CHECK enum rc partner_key_add(struct tx *tx, struct uuid partner, const struct identity *who,
				   enum key_state state, int64_t until_us, struct err *err);
MUST_CHECK enum rc partner_key_until(struct tx *tx, int64_t key, int64_t until_us, struct err *err);
/* All waiting ones of a partner are good from now on; *out: how many. */
MUST_CHECK enum rc partner_keys_confirm(struct tx *tx, struct uuid partner, uint64_t *out, struct err *err);
/* `key` 0: all it has. Journalled. */
MUST_CHECK enum rc partner_keys_revoke(struct tx *tx, struct journal *j, struct uuid partner, int64_t key, str why,
				       str by, uint64_t *out, struct err *err);

#endif
