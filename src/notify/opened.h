/* SPDX-License-Identifier: Apache-2.0 */
/* opened.h: what came in signed or encrypted, opened.
 *
 * The crypto child decrypts and verifies; what was inside goes to a fresh mail child, as hostile as any
 * mail. A signature is good when it verifies, its key may be used, and the key names the address that the
 * mail is from: a good signature of somebody else says nothing of the sender. Layers are opened one
 * after the other (signed inside encrypted), OPENED_LAYERS at most. */
#ifndef RONDA_NOTIFY_OPENED_H
#define RONDA_NOTIFY_OPENED_H

#include "mail/crypto.h"
#include "mail/parse.h"
#include "notify/notify.h"

enum { OPENED_LAYERS = 4 };
struct opened {
	bool encrypted;          /* it was, whether it could be opened or not */
	const char *signature;   /* as the record has it: "none", "good", "bad", "unknown" */
	str fingerprint, signer; /* of the key; "" */
	str words;               /* why not good, why not opened; "" */
};
/* `mail` as parsed: its text, parts and subject become those inside. What cannot be opened is left as it
 * is, in words. RC_BUSY, RC_IO: later. */
MUST_CHECK enum rc opened_mail(const struct notify *n, struct mail *mail, struct arena *a, struct opened *out,
			       struct err *err);

#endif
