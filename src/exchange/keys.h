/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h: by what our node and its partners prove who they are.
 *
 * A node has a certificate for TLS (P-256, self-signed) and a key that signs what it sends (Ed25519, RFC 8032); both
 * stand in main.db beside the journal's key, so that a backup has them. A partner knows the certificate by its *pin*, SHA-256 of
 * the SubjectPublicKeyInfo (RFC 7469 section 2.4). Both together are an *identity*; a partner may have several:
 * while it rotates the old and the new one are good, each from when we know it until `until_us`. A revoked one is
 * refused at once, and for ever once that is final.
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
/* Pins of all keys that were revoked or have run out. */
MUST_CHECK enum rc partner_keys_refused(struct conn *c, struct arena *a, struct digest **out, size_t *count_out,
					struct err *err);
/* Inside a job. RC_CONFLICT: that key is somebody's, or was revoked. */
MUST_CHECK enum rc partner_key_add(struct tx *tx, struct uuid partner, const struct identity *who,
				   enum key_state state, int64_t until_us, struct err *err);
MUST_CHECK enum rc partner_key_until(struct tx *tx, int64_t key, int64_t until_us, struct err *err);
/* All waiting ones of a partner are good from now on; *out: how many. */
MUST_CHECK enum rc partner_keys_confirm(struct tx *tx, struct uuid partner, uint64_t *out, struct err *err);
/* At once, by one person. `key` 0: all it has. Journalled. */
MUST_CHECK enum rc partner_keys_revoke(struct tx *tx, struct journal *j, struct uuid partner, int64_t key, str why,
				       str by, uint64_t *out, struct err *err);
/* That is for good from now on; RC_ABSENT: none of these is revoked and not final yet. Of a large team two persons say so: whoever calls
 * asked approval.h. `key` 0: all that are revoked. */
MUST_CHECK enum rc partner_keys_final(struct tx *tx, struct journal *j, struct uuid partner, int64_t key, str by, uint64_t *out,
				      struct err *err);
/* Revoked by mistake: good again, unless that was made final. RC_DENIED: it was. RC_ABSENT: no such key is revoked. Whoever calls
 * asked approval.h: nobody does this alone. */
MUST_CHECK enum rc partner_keys_restore(struct tx *tx, struct journal *j, struct uuid partner, int64_t key, str why, str by,
					struct err *err);
/* The same, only looked at: nobody is asked to approve what cannot be. */
MUST_CHECK enum rc partner_keys_may_restore(struct conn *c, struct uuid partner, int64_t key, str why, struct err *err);
/* When the last of these was revoked; 0: none is. A yes to one revocation is none to the next. */
MUST_CHECK enum rc partner_keys_revoked_us(struct conn *c, struct uuid partner, int64_t key, int64_t *out, struct err *err);

/* --- ours --- */

struct own_identity {
	struct identity who;
	str cert, key;             /* PEM; the key is secret */
	unsigned char secret[64];  /* signs: libsodium's secret key of Ed25519 */
	int64_t made_us;
};
struct own_keys {
	struct own_identity now;   /* in use */
	bool rotating;             /* `next` is announced, and used when all know it, or at: */
	struct own_identity next;
	int64_t switch_us;
};
/* RC_ABSENT: there is none yet. In `a`: wipe it with keys_wipe(). */
MUST_CHECK enum rc keys_own(struct conn *c, struct arena *a, struct own_keys *out, struct err *err);
void keys_wipe(struct own_keys *k);
/* At opening: makes them when there are none. */
MUST_CHECK enum rc keys_open(struct exchange *x, struct err *err);
/* Inside a job: makes the next identity, to be used from `switch_us` at the latest. RC_CONFLICT: one is announced
 * already. Journalled. */
MUST_CHECK enum rc keys_rotate(struct tx *tx, struct exchange *x, int64_t switch_us, str by, struct err *err);
/* Inside a job: the next one is the one in use. Journalled. RC_ABSENT: there is none. */
MUST_CHECK enum rc keys_switch(struct tx *tx, struct exchange *x, str by, struct err *err);
/* Who shows our certificate, or the chain of certificate.h instead, is told when it is another one
 * (web/partners.c). `fn` NULL: nobody. */
typedef void (*keys_changed)(void *ctx, str cert, str key);
void keys_watch(struct exchange *x, keys_changed fn, void *ctx);
void keys_tell(struct exchange *x); /* after the job */

/* What the announcement says: a text of a line each, and its signature by the key in use. */
void keys_statement(const struct own_keys *k, str node, struct buf *text, struct buf *signature);
/* What stands at GET /key for a partner who calls us: RC_ABSENT when nothing is announced. He is noted as told. */
MUST_CHECK enum rc keys_asked(struct exchange *x, struct uuid partner, struct buf *text, struct buf *signature,
			      struct err *err);
/* Inside a job: what `from` announces, signed by `old`: from now on the new one is good too, the old one until it
 * says. RC_DENIED: the signature, or what it says. */
MUST_CHECK enum rc keys_announced(struct tx *tx, struct exchange *x, const struct partner_key *old, str node,
				  str text, str signature, struct err *err);

/* --- signatures over what is sent --- */

/* What a signature covers: who to whom, where it stands, and the bytes. */
struct signed_head {
	str from, to;              /* node ids */
	str what;                  /* "push", "pair", "key", "bundle" */
	str lane;                  /* "" none */
	int64_t after_us, upto_us;
	str type, encoding;        /* Content-Type, Content-Encoding; "" none */
};
/* "v1=" and 64 bytes in base64url. */
void signature_make(const unsigned char secret[64], const struct signed_head *h, str bytes, struct buf *out);
bool signature_good(const uint8_t sign[32], const struct signed_head *h, str bytes, str signature);

#endif
