/* SPDX-License-Identifier: Apache-2.0 */
/* passkeys.h: the passkeys of accounts, as rows. passkey.h checks them. */
#ifndef RONDA_DISCLOSURE_PASSKEYS_H
#define RONDA_DISCLOSURE_PASSKEYS_H

#include "disclosure/login.h"
#include "disclosure/passkey.h"

enum { PASSKEY_LABEL_MAX = 60 };

/* The account's handle at its devices: says nothing of its name; the same for good. */
str passkey_handle(const struct store *s, int64_t account, struct arena *a);

struct passkey_row {
	struct passkey passkey;
	int64_t account, made_us, used_us;
	str label;
	char id_hex[17]; /* the first bytes: what people name it by */
};
MUST_CHECK enum rc passkeys_list(struct conn *c, int64_t account, struct arena *a,
				 struct passkey_row **out, size_t *count_out, struct err *err);
/* RC_CONFLICT: this device is registered already. RC_LIMIT: PASSKEYS_OF_ONE. */
MUST_CHECK enum rc passkey_add(struct tx *tx, struct journal *j, int64_t account,
			       const struct passkey *k, str label, str by, struct err *err);
MUST_CHECK enum rc passkey_remove(struct tx *tx, struct journal *j, int64_t account, str id_hex,
				  str by, struct err *err);

/* The browser's answer to a challenge that was taken out before. RC_DENIED for every reason. */
MUST_CHECK enum rc login_passkey(struct login *l, const struct passkey_site *site,
				 const struct passkey_challenge *c, str json, const struct ip *from,
				 struct login_result *out, struct err *err);

#endif
