/* SPDX-License-Identifier: Apache-2.0 */
/* approval.h: what no person does alone.
 *
 * Whoever is about to do such a thing asks here, in the same job. In a large team the answer is
 * "not yet" until another person with a role that approves has said yes; then it is done once, by
 * the one who asked, within a day. In a small team, and while there is nobody else who could
 * approve, it is done at once and becomes a notice that all see the next morning. Asking,
 * answering and doing are lines of the journal.
 *
 *   rc = approval_ask(tx, j, r, v, &ask, &go, &id, err);
 *   if (rc == RC_OK && go) rc = ... do it ...;
 *   // !go: let the job commit, then say approval_words(id)
 */
#ifndef RONDA_DISCLOSURE_APPROVAL_H
#define RONDA_DISCLOSURE_APPROVAL_H

#include "disclosure/account.h"

enum approval_kind { APPROVAL_EXPORT_RED, APPROVAL_ERASE, APPROVAL_ROLES, APPROVAL_KEY, APPROVAL_KINDS };
const char *approval_kind_name(enum approval_kind k); /* "export", "erase", "roles", "key" */

enum approval_state { APPROVAL_OPEN, APPROVAL_YES, APPROVAL_NO, APPROVAL_DONE, APPROVAL_NOTICE,
		      APPROVAL_STATES };
const char *approval_state_name(enum approval_state s);
#define APPROVAL_OPEN_US (7 * DAY_US)  /* not answered: over */
#define APPROVAL_YES_US DAY_US         /* not done: over */
#define APPROVAL_NOTICE_US (7 * DAY_US) /* as long it is shown */

struct approval_ask {
	enum approval_kind kind;
	str object;  /* "account:3", "incident--…" */
	str what;    /* the act in words, whole: a yes to this is a yes to nothing else */
	str why;     /* may be "" */
};
/* `r` NULL: RC_DENIED in a large team. *go_out: it may be done, now, in this transaction. Else *id_out is what waits for another. */
MUST_CHECK enum rc approval_ask(struct tx *tx, struct journal *j, const struct roles *r,
				const struct viewer *v, const struct approval_ask *ask, bool *go_out,
				int64_t *id_out, struct err *err);
/* RC_DENIED: his own, or no role of his approves. RC_ABSENT: there is none; RC_CONFLICT: answered,
 * or over. */
MUST_CHECK enum rc approval_answer(struct tx *tx, struct journal *j, const struct roles *r,
				   const struct viewer *v, int64_t id, bool yes, struct err *err);
bool viewer_approves(const struct viewer *v, const struct roles *r);

struct approval {
	int64_t id, asked_us, answered_us, done_us;
	enum approval_kind kind;
	enum approval_state state;
	bool over;   /* its time has passed */
	str object, what, why, asked_by, answered_by;
};
/* Newest first. `waiting`: only what is to be answered or shown now. */
MUST_CHECK enum rc approval_list(struct conn *c, bool waiting, int64_t now_us, size_t limit,
				 struct arena *a, struct approval **out, size_t *count_out,
				 struct err *err);
/* "this needs a second person: ronda approval approve 7, or /approvals" */
str approval_words(int64_t id, struct arena *a);

/* account_make and account_set_roles as a person does them: more roles, or fewer for one who
 * approves, are APPROVAL_ROLES. */
MUST_CHECK enum rc approval_make_account(struct tx *tx, struct journal *j, const struct roles *r,
					 const struct viewer *v, const struct account_new *n,
					 bool *go_out, int64_t *id_out, struct err *err);
MUST_CHECK enum rc approval_set_roles(struct tx *tx, struct journal *j, const struct roles *r,
				      const struct viewer *v, int64_t account, uint32_t roles,
				      bool *go_out, int64_t *id_out, struct err *err);

#endif
