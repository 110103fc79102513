/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h: what a mail says (RFC 5322, MIME RFC 2045 to 2049, 2231), read by the mail child.
 *
 * Each mail is a question to a child of its own (ronda-mail, caged, no file, no network). What it
 * answers is as hostile as the mail: it is read with a limit on each length, all text is UTF-8 without
 * control characters (lines by \n where several may be), and what does not fit is RC_INPUT. Names of
 * files are data, never paths. */
#ifndef RONDA_MAIL_PARSE_H
#define RONDA_MAIL_PARSE_H

#include "base/arena.h"
#include "base/calls.h"

enum { MAIL_BYTES_MAX = 16 << 20, MAIL_PARTS_MAX = 200, MAIL_NEST_MAX = 64, MAIL_TEXT_MAX = 150000,
       MAIL_LINE_MAX = 4000, MAIL_ADDRESSES_MAX = 100, MAIL_REFERENCES_MAX = 64, MAIL_FIELDS_MAX = 200 };

struct mail_address {
	str name;            /* as written, decoded; "" */
	str address;         /* "local@domain", domain in lower case */
};
struct mail_field {
	str name, value;     /* "Feedback-Type": "abuse"; names as written */
};
/* A leaf: what holds no other part. */
struct mail_part {
	str type;            /* "text/csv", lower case */
	str name;            /* of the file; "" */
	uint32_t depth;      /* how deep it stands; the mail itself is 0 */
	bool attached;       /* Content-Disposition: attachment, or it has a name */
	bool nested;         /* inside a mail that is inside this one */
	str bytes;           /* decoded; text in its own charset */
};
enum mail_seal { MAIL_PLAIN, MAIL_PGP_SIGNED, MAIL_PGP_ENCRYPTED, MAIL_PGP_INLINE, MAIL_SMIME_SIGNED,
		 MAIL_SMIME_ENCRYPTED, MAIL_SMIME_OPAQUE };
enum mail_auto {             /* what says that no person wrote it */
	MAIL_AUTO_SUBMITTED = 1, /* RFC 3834: anything but "no" */
	MAIL_AUTO_PRECEDENCE = 2,/* bulk, junk, list, auto_reply */
	MAIL_AUTO_SUPPRESS = 4,  /* X-Auto-Response-Suppress, X-Autoreply, X-Autorespond and kin */
	MAIL_AUTO_NO_PATH = 8,   /* Return-Path: <> */
	MAIL_AUTO_LIST = 16,     /* List-Id (RFC 2919) */
	MAIL_AUTO_DAEMON = 32,   /* from MAILER-DAEMON or postmaster of a mail system */
};
struct mail {
	struct mail_address from, sender;
	struct mail_address *to, *cc, *reply_to;
	size_t to_count, cc_count, reply_to_count;
	str subject;
	str message_id, in_reply_to; /* without <>; "" */
	str references;              /* ids by space, without <> */
	int64_t date_us;             /* 0: none that can be read */
	unsigned automatic;          /* bits of enum mail_auto */
	str loop;                    /* X-Ronda-Loop; "" */
	str text;                    /* best plain text: text/plain, else text/html without its tags */
	bool text_cut, text_was_html;
	struct mail_part *parts;
	size_t part_count;
	bool parts_cut;              /* more of them, or deeper, than is looked at */
	enum mail_seal seal;
	str entity;                  /* signed: exactly what was signed, lines by CRLF. Inline: the text */
	str sealed;                  /* the signature, or what is encrypted */
	/* multipart/report (RFC 6522): delivery status (RFC 3464): fields of the message, then of each
	 * recipient behind a field with an empty name. Feedback (RFC 5965): the fields. */
	bool is_dsn, is_feedback;
	struct mail_field *fields;
	size_t field_count;
	str original_id, original_subject, original_loop; /* of the mail it is about; "" */
};
/* RC_INPUT: no mail, or the child died of it (*died_out; may be NULL). RC_LIMIT: too long. All that
 * `out` names stands in the arena. */
MUST_CHECK enum rc mail_parse(struct calls *reader, str raw, struct arena *a, struct mail *out, bool *died_out,
			      struct err *err);
/* The answer alone: checked and taken apart; for mail_parse() and the fuzzer. */
MUST_CHECK enum rc mail_parse_answer(const str *blocks, size_t count, struct arena *a, struct mail *out,
				     struct err *err);
/* The first field of that name, whatever case, at or behind `from`; "" when there is none. */
str mail_field(const struct mail *m, const char *name);

#endif
