/* SPDX-License-Identifier: Apache-2.0 */
/* session.h: browser sessions and one-time texts, in memory only: a restart
 * ends them all.
 *
 * A session names a token or an account by its id and holds nothing that opens
 * anything by itself, but the case key of who gave his passphrase in it; only hashes of session ids are kept. It ends 12 hours after it was
 * made, after 30 minutes without a request, at sign-out, or when more than
 * SESSIONS_MAX are open and it has been idle longest. Times are monotonic.
 * Threads may share it. */
#ifndef RONDA_WEB_SESSION_H
#define RONDA_WEB_SESSION_H

#include "base/clock.h"
#include "base/hash.h"

struct seal_ring;

enum { SESSIONS_MAX = 1024, SESSION_TICKETS_MAX = 256, SESSION_TEXT_BYTES = 48 };
#define SESSION_LIFE_US (12 * HOUR_US)
#define SESSION_IDLE_US (30 * MINUTE_US)
#define SESSION_LINK_US (5 * MINUTE_US)

struct sessions;
struct sessions *sessions_new(void);
void sessions_free(struct sessions *s);

struct session {
	int64_t token;                 /* id of the token it stands for; 0: of an account */
	int64_t account, secrets;      /* the account, and its `secrets` when it signed in */
	bool enrols;                   /* may only add the second factor its roles ask for */
	struct seal_ring *ring;        /* held for the caller of sessions_find(); NULL: none */
	char csrf[SESSION_TEXT_BYTES]; /* each form carries it */
};
/* A new session; `id_out` is what the cookie holds. */
void sessions_make(struct sessions *s, int64_t token, int64_t now_us,
		   char id_out[SESSION_TEXT_BYTES]);
void sessions_make_account(struct sessions *s, int64_t account, int64_t secrets, bool enrols,
			   int64_t now_us, char id_out[SESSION_TEXT_BYTES]);
/* A new id for the same session, when its rights rise: the old one opens nothing any more. False:
 * there is no such session. Takes `ring` (may be NULL: as before) and wipes the old one. */
bool sessions_renew(struct sessions *s, str id, struct seal_ring *ring, int64_t now_us,
		    char id_out[SESSION_TEXT_BYTES]);
/* False: there is none (any more). Counts as a request. Drop out->ring. */
bool sessions_find(struct sessions *s, str id, int64_t now_us, struct session *out);
void sessions_end(struct sessions *s, str id);
size_t sessions_count(struct sessions *s);

/* Texts that work once and for a short time: the link of ./run, the step between password
 * and second factor, challenges. Kinds do not push out one another; of one kind the oldest
 * goes first. */
enum ticket_kind { TICKET_LINK, TICKET_SECOND, TICKET_TOTP, TICKET_PASSKEY, TICKET_PROVIDER, TICKET_KINDS };
struct ticket {
	int64_t token, account, secrets; /* whatever the kind needs */
	unsigned left;                   /* tries, with sessions_ticket_try() */
	char data[192];
};
void sessions_ticket_make(struct sessions *s, enum ticket_kind kind, const struct ticket *t,
			  int64_t now_us, char text_out[SESSION_TEXT_BYTES]);
/* False: there is none, or it is older than SESSION_LINK_US. It is used up. */
bool sessions_ticket_use(struct sessions *s, enum ticket_kind kind, str text, int64_t now_us,
			 struct ticket *out);
/* The same, but it is used up only by its last try: for codes that are typed. */
bool sessions_ticket_try(struct sessions *s, enum ticket_kind kind, str text, int64_t now_us,
			 struct ticket *out);

#endif
