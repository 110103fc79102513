/* SPDX-License-Identifier: Apache-2.0 */
/* portal.h: what the pages of the portal share. Each is for a person of one organisation that we serve, and shows
 * what is about that organisation and may be told to it: through disclosure/told.h and read_records.h. */
#ifndef RONDA_WEB_PORTAL_H
#define RONDA_WEB_PORTAL_H

#include "notify/inbox.h"
#include "web/outside.h"

struct portal {
	str organisation, title;   /* "organisation--…" */
	str language;
	struct told_to to;         /* as he who asks */
};
/* RC_ABSENT: the portal is off. RC_DENIED: he is of no organisation that we serve. Puts the frame of the page with the
 * place `at` ("home", "findings", "messages", "organisation") marked. */
MUST_CHECK enum rc portal_enter(struct page *p, struct portal *k, const char *at, struct err *err);
str portal_word(const struct portal *k, const char *name);
/* Members of one finding, into an object that is open. */
MUST_CHECK enum rc portal_put_finding(struct page *p, const struct portal *k, const struct finding *f, struct err *err);
/* Answers of theirs alone: "answers":[…]. */
MUST_CHECK enum rc portal_put_own_answers(struct page *p, const struct portal *k, struct answer_row *list, size_t count);
/* "messages":[…] */
MUST_CHECK enum rc portal_put_messages(struct page *p, const struct portal *k, bool unread, int64_t before,
				       size_t limit, size_t *count_out, int64_t *last_out, struct err *err);

#endif
