/* SPDX-License-Identifier: Apache-2.0 */
/* notify_private.h: what the files of this folder share. */
#ifndef RONDA_NOTIFY_NOTIFY_PRIVATE_H
#define RONDA_NOTIFY_NOTIFY_PRIVATE_H

#include "base/mustache.h"
#include "base/queue.h"
#include "http/fetch.h"
#include "mail/smtp.h"
#include "notify/notify.h"

struct io_dir;
struct texts;
struct destinations;
struct sender;
struct teller;

struct notify {
	struct notify_world w;
	struct arena *a;
	struct texts *texts;               /* texts.c */
	struct destinations *destinations; /* destinations.c */
	struct fetcher *fetcher;           /* NULL until notify_start() */
	struct smtp *smtp;                 /* the same */
	struct sender *sender;             /* sender.c; NULL: none runs */
	struct teller *teller;             /* teller_open(); NULL: rules tell nothing */
	const char *idle;                  /* why; "": it runs */
	int64_t pace_us;
	int64_t letters_next_us;           /* letter_state.c; of the background alone */
	const char *public_url;            /* without '/' behind; "" */
	const char *sms_url, *sms_mapping, *country_code;
	struct {                           /* answers_read.c; of the background alone */
		int64_t next_us, answer;   /* next look, monotonic; where it goes on */
		char finding[16];
	} claims;
};

/* --- texts.c: templates and mappings, built in --- */

/* And the mappings of the node's directory. */
MUST_CHECK enum rc texts_open(struct io_dir *dir, struct texts **out, struct err *err);
void texts_close(struct texts *t);
/* What a message by this template says of its item (templates.def). RC_ABSENT: there is no such
 * template. */
enum text_item { TEXT_TOLD, TEXT_BARE, TEXT_COVERED };
MUST_CHECK enum rc texts_item(str name, enum text_item *out, struct err *err);
/* The template for this driver in the first of `languages` (by space) there is, else English.
 * *language_out: which; static. */
const struct mustache *texts_find(const struct texts *t, str name, str driver, str languages,
				  const char **language_out);
/* The text built in, with its parts named, not put in: what a person begins with. False: none. */
bool texts_source(str class, str language, str *out);
/* A text of somebody's for a class; "{{> head}}" and "{{> tail}}" are ours in that language. */
MUST_CHECK enum rc texts_compile(str text, str language, struct mustache **out, struct err *err);
/* A mapping by name: what it makes has `type_out`. NULL: there is none. */
const struct mustache *texts_mapping(const struct texts *t, str name, const char **type_out);

/* --- destinations.c: what an administrator says of where messages go --- */

enum { HEADERS_MAX = 8 };
struct destination {
	str prefix;             /* of URLs */
	str secret;             /* signs; "" unsigned */
	str mapping;            /* "" the driver's own */
	struct fetch_header headers[HEADERS_MAX];
	size_t header_count;
};
/* `path` "": none. RC_INPUT names what is wrong in it. */
MUST_CHECK enum rc destinations_open(str path, struct destinations **out, struct err *err);
void destinations_close(struct destinations *d);
/* The longest prefix that fits; NULL: nothing is said of it. */
const struct destination *destination_of(const struct destinations *d, str url);

/* --- post.c --- */

struct posting {
	const char *purpose;    /* of the fetcher */
	str url;
	str mapping;            /* unless the destination names another */
	bool sign;
};
struct outcome_of post_message(const struct sending *s, const struct posting *p);
str post_host(const struct notify *n, str url, struct arena *a);
/* "t=UNIX,v1=HEX": HMAC-SHA256 (RFC 2104) of "UNIX.BODY". */
void post_signature(str secret, int64_t at_us, str body, struct buf *out);

/* --- gsm.c --- */

/* As much of `text` as one short message holds, with `tail` at its end: 160 characters of the
 * GSM 7-bit default alphabet and its extension, where those count twice (3GPP TS 23.038 section
 * 6.2.1), or 70 of UCS-2 when there are others (6.2.3). Line ends become spaces. */
enum { SMS_SEPTETS = 160, SMS_UCS2 = 70 };
void sms_fit(str text, str tail, struct buf *out);

/* --- resolve.c --- */

/* notify_choose(), also inside a job. */
MUST_CHECK enum rc choose_contact(struct conn *conn, const struct types *t, str recipient, struct arena *a,
				  const char **driver_out, int *contact_out, struct err *err);

/* --- round_read.c --- */

/* Title of a record as `v` may see it; false: he may not. */
bool notify_sees(struct reader *r, const struct types *t, const struct viewer *v, str id, struct arena *a,
		 str *title_out);

/* --- round_members.c --- */

/* Does the organisation stand on the list of this round? */
MUST_CHECK enum rc round_invites(struct reader *r, struct uuid round, struct uuid organisation, bool *out,
				 struct err *err);

/* --- rehearsal.c --- */

/* May this rendered message go to its recipient? A rule's message that was made before he was live may
 * not. */
MUST_CHECK enum rc rehearsal_live(struct reader *r, const struct rendering *what, const struct message *m,
				  bool *live_out, struct err *err);
/* Turns it into one to our own address, "" for none: its true recipient stands in the subject. */
void rehearsal_address(struct rendering *what, str own, struct arena *a);

/* --- parties.c --- */

/* Did a person of ours choose this organisation to be told of this item? */
MUST_CHECK enum rc parties_invite(struct reader *r, const struct types *t, str item, str organisation, bool *out,
				  struct err *err);

/* --- teller_send.c --- */

/* Before each try of a rule's message: what it covers and is not to be told any more (gone, held, another's,
 * inhibited, disputed) is taken out of it, and is untold. RC_DENIED: that is all, or the rule has ended. `r`: a view,
 * which ends and begins anew when something was written; NULL when it could not. */
MUST_CHECK enum rc teller_fit(struct notify *n, struct reader **r, const struct types *types, const struct message *m,
			      struct arena *a, struct err *err);
/* The same before a message that waits for a person is printed or shown. RC_DENIED: it has ended as refused. */
MUST_CHECK enum rc teller_fit_waiting(struct notify *n, int64_t id, struct arena *a, struct err *err);

/* --- sender.c --- */

MUST_CHECK enum rc sender_start(struct notify *n, struct sender **out, struct err *err);
void sender_stop(struct sender *s);

/* A failed try, as words. */
struct outcome_of outcome_words(enum outcome o, const char *rule, str words);

#endif
