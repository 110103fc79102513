/* SPDX-License-Identifier: Apache-2.0 */
/* rehearsal.h: nobody outside is written to before a named person says so.
 *
 * Every new node begins in rehearsal: what would go to somebody outside goes, with the true recipient
 * in its subject, to our own address by mail, or ends as *rehearsed* when there is no mail. A person
 * switches it live for the node, for one organisation, or for one class of messages ("open-dns" of the
 * template tell.open-dns; else the template's name: "round.check"), and back; each switch is a line of the
 * journal. What was switched back for its organisation or its class is never live by the others;
 * switching the node back ends every switch beside it.
 *
 * Our own people are not held back. A rehearsed message counts as told nowhere and cannot be answered. */
#ifndef RONDA_NOTIFY_REHEARSAL_H
#define RONDA_NOTIFY_REHEARSAL_H

#include "notify/notify.h"

enum rehearsal_scope { REHEARSAL_NODE = 1, REHEARSAL_ORGANISATION, REHEARSAL_CLASS };
enum { REHEARSAL_WHY_MAX = 500 };

/* May this recipient be written to by this template? `to` as a resolver made it. */
MUST_CHECK enum rc rehearsal_of(struct reader *r, const struct told_to *to, str recipient, str template,
				bool *live_out, struct err *err);
/* The same for an organisation and a class. *since_out: since when it is live; 0: it is not. What was made
 * before that is not told by a rule. */
MUST_CHECK enum rc rehearsal_since(struct conn *c, struct uuid organisation, str class, bool *live_out,
				   int64_t *since_out, struct err *err);
/* "open-dns" of "tell.open-dns", else the whole name. */
str rehearsal_class(str template);

struct rehearsal_switch {
	enum rehearsal_scope scope;
	str key;             /* organisation: id or "organisation-7"; class; "" of the node */
	bool live;
	str why;             /* one plain line */
};
/* RC_DENIED: asks for a person of ours with an account, whose role may approve (lead, administrator).
 * RC_INPUT: without a reason, or nothing of that name. The same again changes only who and why. */
MUST_CHECK enum rc rehearsal_set(struct notify *n, const struct viewer *v, const struct rehearsal_switch *q,
				 struct err *err);
bool rehearsal_may_set(const struct viewer *v, const struct roles *roles);

struct rehearsal_row {
	enum rehearsal_scope scope;
	str key, title;      /* title: of an organisation */
	bool live;
	int64_t since_us;
	str by, why;
};
/* The node's own first, which is there also when nobody switched yet (since_us 0); without organisations
 * that `v` may not see. RC_DENIED: for our own people. */
MUST_CHECK enum rc rehearsal_list(struct reader *r, const struct types *t, const struct viewer *v,
				  struct arena *a, struct rehearsal_row **out, size_t *count_out,
				  struct err *err);
const char *rehearsal_scope_name(enum rehearsal_scope s); /* "node", "organisation", "class" */

/* At the first start of the senders after an upgrade from a version without rehearsal: a node that sent
 * goes on, live; one that did not begins in rehearsal. */
MUST_CHECK enum rc rehearsal_upgrade(struct notify *n, bool sends, struct err *err);
/* A node made from a backup writes to nobody, not to our own people either, before a person switches (live or back):
 * it begins in rehearsal, and what was queued or being sent is *uncertain*, as the node it came from may have sent it
 * since. *messages_out: how many. */
MUST_CHECK enum rc rehearsal_restored(struct store *s, uint64_t *messages_out, struct err *err);
/* Was it made from one, and did nobody switch since? */
MUST_CHECK enum rc rehearsal_is_restored(struct conn *c, bool *out, struct err *err);

#endif
