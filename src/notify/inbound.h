/* SPDX-License-Identifier: Apache-2.0 */
/* inbound.h: mails that come in: kept first, then understood, then filed.
 *
 * Each mail is a row with its bytes before anything else is done with it; who delivered it may then
 * be told that it is here. The same bytes (whatever their line ends) are one mail, however often and
 * by whatever way they come. What it is follows from the table of enum inbound_kind, the first that
 * fits. Then it becomes a record that means "mail.kind", in one job with what follows from it; a mail
 * that cannot be read is a record too, with the reason. A loop is counted and nothing else.
 *
 * That a mail answers a message of ours is believed when it bears the thread's token, or else names the
 * message (In-Reply-To, References, subject tag) and comes from the domain we wrote to. */
#ifndef RONDA_NOTIFY_INBOUND_H
#define RONDA_NOTIFY_INBOUND_H

#include "mail/parse.h"
#include "notify/notify.h"
#include "notify/opened.h"
#include "record/erase.h"

enum inbound_kind {
	INBOUND_LOOP = 1,    /* from us: X-Ronda-Loop or Message-ID */
	INBOUND_BOUNCE,      /* delivery status about a message of ours (RFC 3464) */
	INBOUND_REPORT,      /* brings what a format of intake reads, and its sender has a rule */
	INBOUND_AUTOMATIC,   /* no person wrote it (RFC 3834): never answered, never an answer */
	INBOUND_ANSWER,      /* to a message of ours */
	INBOUND_MESSAGE,     /* anything else */
	INBOUND_UNREADABLE,  /* no mail, too long, or the mail child died of it */
	INBOUND_KINDS
};
const char *inbound_kind_name(enum inbound_kind k); /* "loop", "bounce", … */

/* --- keeping --- */

/* Makes it durable. *known_out: it was here before. RC_INPUT: empty. RC_LIMIT: longer than
 * MAIL_BYTES_MAX: it is counted by its digest, as unreadable, and its bytes are not kept. */
MUST_CHECK enum rc inbound_keep(struct notify *n, str box, str bytes, int64_t *id_out, bool *known_out,
				struct err *err);
/* Ids of those that wait, oldest first. */
MUST_CHECK enum rc inbound_waiting(struct conn *c, int64_t after, size_t most, int64_t *ids, size_t *count_out,
				   struct err *err);

struct inbound_row {
	int64_t id, at_us, bytes;
	str box, message_id, words;
	bool done;
	enum inbound_kind kind;  /* 0: waits */
	bool has_record;
	struct uuid record;
	int64_t reports, tries;
};
MUST_CHECK enum rc inbound_load(struct conn *c, int64_t id, struct arena *a, struct inbound_row *out, struct err *err);
/* The bytes of one that waits; RC_CONFLICT: it is done. */
MUST_CHECK enum rc inbound_raw(struct conn *c, int64_t id, struct arena *a, str *out, struct err *err);

/* How a mailbox is read: where it stands (mail/imap.h), and why it cannot be. Zeros: never looked into. */
struct inbound_box {
	str name;                /* setting mail_in */
	uint32_t validity, uid;
	str words;               /* "": it can */
	int64_t since_us;        /* of words; 0: never looked into */
	int64_t remain;          /* not taken yet at the last look: only so many are at once */
};
MUST_CHECK enum rc inbound_box_load(struct conn *c, str name, struct arena *a, struct inbound_box *out, struct err *err);
/* Inside a job. */
MUST_CHECK enum rc inbound_box_save(struct tx *tx, const struct inbound_box *box, struct err *err);

struct inbound_counts {
	int64_t waiting, of[INBOUND_KINDS];
};
MUST_CHECK enum rc inbound_count(struct conn *c, struct inbound_counts *out, struct err *err);

/* --- understanding --- */

struct inbound {
	int64_t id;
	str raw;
	struct mail mail;        /* zeros when it cannot be read */
	struct opened opened;    /* signed, encrypted: what that was worth */
	enum inbound_kind kind;
	str words;               /* why, in plain words */
	int64_t message;         /* of ours, that it answers or is about; 0: none */
	bool by_token;
	str recipient;           /* of that message; "" */
	str organisation;        /* "organisation--…"; "" */
	str incident;            /* its item, or that of the mail it follows; "" */
	str previous;            /* "mail--…" of the thread; "" */
	str foreign;             /* number of their ticket system, as it stands: "[x #12]"; "" */
	str feed;                /* by the sender's rule; "" none */
	bool body_counts;        /* setting mail_bodies names who wrote it */
};
/* Reads the kept bytes, parses and sorts; changes nothing. RC_BUSY, RC_IO: later. RC_CONFLICT: it is done. */
MUST_CHECK enum rc inbound_open(struct notify *n, int64_t id, struct arena *a, struct inbound *out, struct err *err);

/* What of a mail may be a report for intake: part numbers, the whole mail (INBOUND_WHOLE) or, of a sender
 * that setting mail_bodies names and where nothing else is one, its text up to a signature (INBOUND_BODY). */
enum { INBOUND_REPORTS_MAX = 50, INBOUND_WHOLE = -1, INBOUND_BODY = -2 };
struct inbound_piece {
	int part;
	const char *format;      /* "arf", "xarf" or "auto" */
	str name, bytes;
};
size_t inbound_pieces(const struct mail *m, str raw, bool body, struct inbound_piece *out);
/* Does a list as in setting mail_bodies ("reports@example.org, example.net, *") name who wrote it? */
bool inbound_is_named(str list, str from);

/* Links of its text to reports at one of `hosts` ("dl.example.org, http://127.0.0.1:9000", comma
 * separated; a host alone is asked by https): at most INBOUND_LINKS_MAX, views into the text. */
enum { INBOUND_LINKS_MAX = 10 };
size_t inbound_links(const struct mail *m, str hosts, str *out);

/* --- filing --- */

/* One job: the record, answer, bounce, numbers learned, and that it is done. `reports` were taken
 * in ("report--N"), `words` says how it went with those that were not. *record_out: "mail--…" or "". */
MUST_CHECK enum rc inbound_file(struct notify *n, const struct inbound *in, const str *reports, size_t report_count,
				str words, struct arena *a, str *record_out, struct err *err);
/* It could not be filed now: counts the try; after ten it is kept as unreadable with these words. */
MUST_CHECK enum rc inbound_failed(struct notify *n, int64_t id, str words, bool *given_up_out, struct err *err);

/* --- tags (inbound_tags.c) --- */

/* Our message's number in a subject "[TAG #123] …", also behind "Re:" and tags of others. */
bool inbound_our_tag(str subject, str tag, int64_t *message_out);
/* A subject without tags of ours, wherever they stand: an answer gets one of its own. Others stay. */
str inbound_without_tag(str subject, str tag, struct arena *a);
/* The number of a ticket system in a subject, with its brackets; false: none. A view into it. */
bool inbound_foreign_find(str subject, str our_tag, str *out);
/* Message-IDs (views into the arena) of mails that truly answer our message, oldest first; of more than `most` the last. */
MUST_CHECK enum rc inbound_answers_to(struct conn *c, int64_t message, struct arena *a, str *ids, size_t most,
				      size_t *count_out, struct err *err);
/* Our message that the mail with that Message-ID truly answers; 0: none. */
MUST_CHECK enum rc inbound_answered(struct conn *c, str message_id, int64_t *message_out, struct err *err);
/* What an organisation's ticket system calls the thread of our message; "" when it never said. */
MUST_CHECK enum rc inbound_foreign_tag(struct conn *c, str organisation, int64_t message, struct arena *a, str *out,
				       struct err *err);

/* --- the end (inbound_erase.c) --- */

/* "record:mail--…" is erased: what its row still says of it goes, and what it answered. That it was here stays, as
 * a hash that only this node can make: the same mail, found again in a mailbox, does not come back. */
extern const struct eraser eraser_mail;

#endif
