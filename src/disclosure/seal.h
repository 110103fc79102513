/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h: fields that only the persons named in a case can read.
 *
 * A case (a record with SHARE_SEALED fields) has keys of its own; each is wrapped to the X25519
 * key of each person named. The private half of a person's key is opened by a case passphrase
 * (Argon2id, a salt of its own, never the one a person signs in with) and then lives in that session's locked
 * memory alone. What the store holds is ciphertext: a dump, a backup and an administrator see no
 * more. Whoever lost the passphrase comes back by two of the shares made with his key (Shamir,
 * any two of n; none is kept here); one share says nothing. docs/sealed.md has it to the byte.
 *
 * A sealed value in a body is {"sealed":"base64url"}: bound to its record and field, so that it
 * opens nowhere else. Writing one needs no passphrase: who may edit may put in what he cannot
 * read again. Never hand an opened value to search, logs, previews or exports. */
#ifndef RONDA_DISCLOSURE_SEAL_H
#define RONDA_DISCLOSURE_SEAL_H

#include "disclosure/account.h"

/* --- a person's key, opened: counted, in locked memory, wiped when the last lets go --- */
struct seal_ring;
struct seal_ring *seal_ring_hold(struct seal_ring *r); /* NULL gives NULL */
void seal_ring_drop(struct seal_ring *r);              /* NULL is fine */
int64_t seal_ring_account(const struct seal_ring *r);  /* 0 for NULL */

enum { SEAL_PASSPHRASE_LEAST = 12, SEAL_PASSPHRASE_MOST = 512, SEAL_SHARES_LEAST = 2,
       SEAL_SHARES_MOST = 16, SEAL_SHARE_BYTES = 96 };
struct seal_shares {
	size_t count;                          /* how many are wanted: 2 to 16 */
	char text[SEAL_SHARES_MOST][SEAL_SHARE_BYTES]; /* given once, one for each officer; wipe them */
};

/* What a passphrase becomes: made before the job, as it takes some 50 ms and 19 MiB, which the writer
 * must not wait for. RC_INPUT: too short or too long. Wipe it. */
struct seal_pass {
	unsigned char salt[16], key[32];
};
MUST_CHECK enum rc seal_pass_make(str passphrase, struct seal_pass *out, struct err *err);
void seal_pass_wipe(struct seal_pass *p);

/* Does this account have a key? */
MUST_CHECK enum rc seal_key_has(struct conn *c, int64_t account, bool *out, struct err *err);
/* RC_CONFLICT: it has one. */
MUST_CHECK enum rc seal_key_make(struct tx *tx, struct journal *j, int64_t account,
				 const struct seal_pass *passphrase, struct seal_shares *shares, str by, struct err *err);
/* RC_DENIED: wrong passphrase (count the tries: access_guard.h). RC_ABSENT: there is no key. Takes
 * some 50 ms and 19 MiB. */
MUST_CHECK enum rc seal_key_open(struct conn *c, int64_t account, str passphrase,
				 struct seal_ring **out, struct err *err);
MUST_CHECK enum rc seal_key_change(struct tx *tx, struct journal *j, struct seal_ring *r,
				   const struct seal_pass *passphrase, str by, struct err *err);
/* New shares; those given before open nothing any more. */
MUST_CHECK enum rc seal_key_share(struct tx *tx, struct journal *j, struct seal_ring *r,
				  struct seal_shares *shares, str by, struct err *err);
/* With any two shares of this account's key: a new passphrase. RC_DENIED: they do not open it. */
MUST_CHECK enum rc seal_key_recover(struct tx *tx, struct journal *j, int64_t account,
				    const str *shares, size_t count,
				    const struct seal_pass *passphrase, str by, struct err *err);

/* --- fields of a case --- */

/* Writes {"sealed":"…"} of `json` (a value as kind.h makes it canonical) for record and field.
 * `named`: actors as labels_of.named has them ("account:3"); those with a key can open it. RC_DENIED:
 * none of them has one. */
MUST_CHECK enum rc seal_field(struct tx *tx, struct uuid record, str field, const str *named,
			      size_t named_count, str json, struct buf *out, struct err *err);
/* The JSON text behind {"sealed":"…"}; `ring` is the viewer's. RC_DENIED: no passphrase was given, or
 * the person is not named; RC_INPUT: the value is damaged or of another record or field. */
MUST_CHECK enum rc open_field(struct conn *c, const struct seal_ring *ring, struct uuid record,
			      str field, str sealed_json, struct buf *out, struct err *err);
bool seal_is_sealed(struct json_object *value);

/* The persons named have changed: who is gone loses his wraps and later values get a new key; who
 * is new gets the keys there are, which needs `ring` of one who can open them (RC_DENIED else). The
 * caller journals it with the change of labels. */
MUST_CHECK enum rc seal_named(struct tx *tx, const struct seal_ring *ring, struct uuid record,
			      const str *named, size_t named_count, struct err *err);
/* Erased: nobody opens anything of it again. */
MUST_CHECK enum rc seal_forget(struct tx *tx, struct uuid record, struct err *err);

#endif
