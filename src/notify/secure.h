/* SPDX-License-Identifier: Apache-2.0 */
/* secure.h: a letter as bytes, signed and encrypted as it has to be.
 *
 * Every letter is signed when settings mail_sign or mail_sign_smime name a key. It is encrypted when a
 * key is known of the contact (OpenPGP or S/MIME, by its fingerprint). It must be when what it tells
 * is marked strictly (the table in secure.c), or the contact says so: without a key that may be used
 * now it is not sent then, whatever else fails; nothing of that kind ever goes in clear. The true
 * subject of an encrypted letter stands inside it; outside is the tag alone. */
#ifndef RONDA_NOTIFY_SECURE_H
#define RONDA_NOTIFY_SECURE_H

#include "mail/crypto.h"
#include "mail/letter.h"
#include "notify/notify.h"

struct secured {
	str bytes;            /* of the whole message */
	bool is_signed, is_encrypted;
	str words;            /* for the ledger: "signed and encrypted"; why not encrypted though there is a key */
};
/* RC_DENIED: must be encrypted and cannot be. RC_BUSY: our own key is not ready: later. */
MUST_CHECK enum rc secure_seal(const struct sending *s, const struct letter *l, struct arena *a,
			       struct secured *out, struct err *err);

/* What would become of a letter to somebody: without making it, for who writes it. */
enum secure_how { SECURE_CLEAR, SECURE_SIGNED, SECURE_ENCRYPTED, SECURE_REFUSED };
struct secure_plan {
	enum secure_how how;
	bool needed;          /* it must be encrypted */
	enum crypto_kind kind;
	str key;              /* fingerprint it is encrypted to; "" */
	str sign;             /* our own; "" */
	str words;            /* why it is refused, or a key is not used; "" */
};
/* The crypto child is asked only where there is a key. RC_BUSY: it cannot be asked now. */
MUST_CHECK enum rc secure_plan(const struct notify *n, const struct reached *who, enum tlp tlp,
			       struct arena *a, struct secure_plan *out, struct err *err);
/* Must mail of this marking be encrypted? */
bool secure_needed(enum tlp tlp, bool ours);

#endif
