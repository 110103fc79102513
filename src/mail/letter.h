/* SPDX-License-Identifier: Apache-2.0 */
/* letter.h: a mail of ours before it is bytes.
 *
 * Internet Message Format (RFC 5322) and MIME (RFC 2045 to 2049, 2231), written by GMime in the mail
 * child: header values are data there, so that no line end in one makes a header. Signing and
 * encrypting need the exact bytes: an entity is made first, the crypto child signs or encrypts it
 * (mail/crypto.h), and a second question wraps the two (RFC 1847, RFC 3156, RFC 8551). */
#ifndef RONDA_MAIL_LETTER_H
#define RONDA_MAIL_LETTER_H

#include "base/arena.h"
#include "base/calls.h"

struct letter_part {
	str type;            /* "text/csv; charset=utf-8" */
	str name;            /* of the file; any text */
	str bytes;
};
struct letter_header {
	const char *name;    /* "Auto-Submitted"; none of those that a letter makes itself */
	str value;           /* one line; others are folded into one */
};
enum { LETTER_PARTS_MAX = 48, LETTER_HEADERS_MAX = 32, LETTER_BYTES_MAX = 24 << 20,
       LETTER_TEXT_MAX = 4 << 20 };
/* Longest in bytes; what is longer is cut, an address refused. */
enum { LETTER_ADDRESS_MAX = 254, LETTER_NAME_MAX = 200, LETTER_SUBJECT_MAX = 250, LETTER_VALUE_MAX = 900,
       LETTER_ID_MAX = 250, LETTER_REFERENCES_MAX = 20 };
struct letter {
	str from_name, from, to_name, to, reply_to; /* addresses without <> */
	str subject;
	str message_id, in_reply_to; /* without <> */
	str references;      /* ids by space, without <> */
	int64_t date_us;
	str text;            /* UTF-8, lines by \n */
	str type;            /* of the whole when not mixed: "multipart/report; report-type=feedback-report" */
	const struct letter_part *parts;
	size_t part_count;
	const struct letter_header *headers;
	size_t header_count;
};
/* Names, subjects, values and names of files may be anything: bytes that are no UTF-8 and controls are
 * replaced. Ids that are none are left out of `in_reply_to` and `references`.
 *
 * The whole message, lines by CRLF, in the arena. RC_INPUT: an address or the message's own id is none. */
MUST_CHECK enum rc letter_write(struct calls *mail, const struct letter *l, struct arena *a, str *out,
				struct err *err);
/* Its text and parts alone, as one MIME entity in the form that is signed: CRLF, no line over 76, nothing
 * that relays change. */
MUST_CHECK enum rc letter_entity(struct calls *mail, const struct letter *l, struct arena *a, str *out,
				 struct err *err);
enum letter_seal { LETTER_PGP_SIGNED, LETTER_PGP_ENCRYPTED, LETTER_SMIME_SIGNED, LETTER_SMIME_ENCRYPTED };
/* The whole message around an entity and its detached signature (`micalg` "pgp-sha256"), or around
 * ciphertext (`entity` "" then). */
MUST_CHECK enum rc letter_wrap(struct calls *mail, const struct letter *l, enum letter_seal how, str entity,
			       str sealed, str micalg, struct arena *a, str *out, struct err *err);

/* "NAME <ADDRESS>" or an address alone: as settings say who somebody is. False: no address. */
bool letter_mailbox(str text, str *name_out, str *address_out);
/* Fit to stand in a header: an address with one @, of ASCII, without anything that is quoted. */
bool letter_address_ok(str address);

#endif
