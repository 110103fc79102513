/* SPDX-License-Identifier: Apache-2.0 */
/* session.h: browser sessions and one-time sign-in links, in memory only: a
 * restart ends them all.
 *
 * A session names a token by its id and holds nothing that opens anything by
 * itself; only hashes of session ids are kept. It ends 12 hours after it was
 * made, after 30 minutes without a request, at sign-out, or when more than
 * SESSIONS_MAX are open and it has been idle longest. Times are monotonic.
 * Threads may share it. */
#ifndef RONDA_WEB_SESSION_H
#define RONDA_WEB_SESSION_H

#include "base/clock.h"
#include "base/hash.h"

enum { SESSIONS_MAX = 1024, SESSION_LINKS_MAX = 16, SESSION_TEXT_BYTES = 48 };
#define SESSION_LIFE_US (12 * HOUR_US)
#define SESSION_IDLE_US (30 * MINUTE_US)
#define SESSION_LINK_US (5 * MINUTE_US)

struct sessions;
struct sessions *sessions_new(void);
void sessions_free(struct sessions *s);

struct session {
	int64_t token;                 /* id of the token it stands for */
	char csrf[SESSION_TEXT_BYTES]; /* each form carries it */
};
/* A new session; `id_out` is what the cookie holds. */
void sessions_make(struct sessions *s, int64_t token, int64_t now_us,
		   char id_out[SESSION_TEXT_BYTES]);
/* False: there is none (any more). Counts as a request. */
bool sessions_find(struct sessions *s, str id, int64_t now_us, struct session *out);
void sessions_end(struct sessions *s, str id);
size_t sessions_count(struct sessions *s);

/* A text that opens one session of `token`, once, within five minutes. */
void sessions_link_make(struct sessions *s, int64_t token, int64_t now_us,
			char text_out[SESSION_TEXT_BYTES]);
bool sessions_link_use(struct sessions *s, str text, int64_t now_us, int64_t *token_out);

#endif
