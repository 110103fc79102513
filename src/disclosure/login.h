/* SPDX-License-Identifier: Apache-2.0 */
/* login.h: signing in, step by step: name and password, then the second factor, then a session.
 *
 * Every way in shares one guard: at most ten wrong tries of an address, and of a name (folded,
 * whether there is such an account or not), reach a check in ten minutes. An unknown name, a
 * wrong password and a disabled account cost the same work and give the same words; what was wrong is
 * written nowhere, so that time does not tell either. */
#ifndef RONDA_DISCLOSURE_LOGIN_H
#define RONDA_DISCLOSURE_LOGIN_H

#include "disclosure/access_guard.h"
#include "disclosure/secrets.h"

/* Borrowed; they outlive each call. */
struct login {
	struct store *store;
	struct journal *journal;
	const struct roles *roles;
	struct secrets *secrets;
	struct access_guard *guard;
};
enum login_next {
	LOGIN_IN,     /* open a session */
	LOGIN_SECOND, /* ask for a code, or a passkey */
	LOGIN_ENROLS, /* a session that may only add the second factor its roles ask for */
};
struct login_result {
	enum login_next next;
	int64_t account, secrets; /* for the session, or the next step */
};
/* RC_DENIED: one sentence for every reason; RC_BUSY: too often, or too many at once. */
MUST_CHECK enum rc login_password(struct login *l, str name, str password, const struct ip *from,
				  struct login_result *out, struct err *err);
/* The one-time or recovery code after LOGIN_SECOND. `secrets` as it was given then: what changed in
 * between ends it. */
MUST_CHECK enum rc login_second(struct login *l, int64_t account, int64_t secrets, str code,
				const struct ip *from, struct login_result *out, struct err *err);
/* An invitation and the password it sets. */
MUST_CHECK enum rc login_welcome(struct login *l, str invitation, str password, const struct ip *from,
				 struct login_result *out, struct err *err);
/* Who the provider says somebody is. `roles`: of the groups it names, 0 when settings map none.
 * Known by (issuer, subject) alone; with roles an account is made for whom there is none, and
 * roles follow the groups. RC_DENIED: nobody here. */
MUST_CHECK enum rc login_subject(struct login *l, str issuer, str subject, str username, uint32_t roles,
				 const struct ip *from, struct login_result *out, struct err *err);
/* An account that has shown its passkey (user verified): alone enough. */
MUST_CHECK enum rc login_account(struct login *l, int64_t account, const char *by,
				 const struct ip *from, struct login_result *out, struct err *err);

/* Roles of the groups: `map` as in "group=role role, group2=role". RC_INPUT: not so, or no such role. */
MUST_CHECK enum rc login_group_roles(const struct roles *r, str map, const str *groups, size_t count,
				     uint32_t *out, struct err *err);

#endif
