/* SPDX-License-Identifier: Apache-2.0 */
/* link.h: the tokens by which a recipient answers, without an account.
 *
 * A token is the number of a message with a keyed hash of it under the node's secret: nothing is
 * stored, the same message has the same token at each try, and nobody can make one. The link's token
 * opens the page of that message (100 bits of hash); the thread's stands in Reply-To and text, files
 * a mail with what it answers, and opens nothing. */
#ifndef RONDA_NOTIFY_LINK_H
#define RONDA_NOTIFY_LINK_H

#include "notify/notify.h"

enum { LINK_TOKEN_MAX = 40 }; /* letters */
/* "https://node.example.org/a/TOKEN"; "" when the setting public_url is empty. */
str link_answer(const struct notify *n, int64_t message, struct arena *a);
/* "/a/TOKEN", whatever the setting: for who shows it on a page of the node itself. */
str link_answer_path(const struct notify *n, int64_t message, struct arena *a);
str link_thread(const struct notify *n, int64_t message, struct arena *a);
/* "https://…/portal/sign-in/TOKEN", of a message that lets somebody in (sign_in.h). */
str link_sign_in(const struct notify *n, int64_t message, struct arena *a);
bool link_sign_in_parse(const struct notify *n, str token, int64_t *message_out);
/* Which message; false: no token of ours. In constant time. */
bool link_answer_parse(const struct notify *n, str token, int64_t *message_out);
bool link_thread_parse(const struct notify *n, str token, int64_t *message_out);

/* Links of the list of warnings: confirms a subscriber, or ends it. As link_answer(). */
str link_list(const struct notify *n, bool leave, int64_t subscriber, struct arena *a);
bool link_list_parse(const struct notify *n, str token, bool *leave_out, int64_t *subscriber_out);

#endif
