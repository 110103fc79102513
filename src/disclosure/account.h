/* SPDX-License-Identifier: Apache-2.0 */
/* account.h: people who sign in, what roles they hold, and how they prove who they are.
 *
 * An account has a name, roles (roles.json: data), an organisation (zero: our own), perhaps a
 * Unix uid (the command line over DIR/sock), perhaps a subject at an identity provider. It
 * proves itself by passkey, by password and one-time code, or by the provider; every door shares
 * one guard that counts wrong tries by account (folded name) AND address, and takes the same work and
 * words for an unknown name. A second factor is asked of every role that says so. Accounts are rows,
 * not records: they hold hashes and keys; a `person` record may point to one. */
#ifndef RONDA_DISCLOSURE_ACCOUNT_H
#define RONDA_DISCLOSURE_ACCOUNT_H

#include "disclosure/access.h"
#include "record/record.h"

/* --- roles, from roles.json and DIR/roles.json --- */
struct role {
	const char *name;          /* "analyst" */
	const struct words *label, *help;
	enum right right;          /* over the pipeline: events, findings, feeds */
	enum tlp ceiling;
	bool personal_basis;       /* a legal basis for personal fields comes with the work */
	bool reads_no_case;        /* administrator: no grant of reading a record counts */
	bool second_factor;        /* asked for always */
	bool outside;              /* bound to one organisation that is not ours (constituent) */
};
enum { ROLES_MAX = TYPE_ROLES_MAX };
struct roles;
MUST_CHECK enum rc roles_load(const char *dir_file, struct roles **out, struct err *err);
void roles_free(struct roles *r);
const char *const *roles_names(const struct roles *r); /* bit order; ends with NULL: for types_load */
size_t roles_count(const struct roles *r);
const struct role *roles_at(const struct roles *r, size_t bit);
int roles_find(const struct roles *r, str name); /* bit; -1 */

enum team_size { TEAM_SMALL, TEAM_LARGE }; /* small: two-person rules become a notice next morning */

struct account {
	int64_t id;
	str name, display;
	uint32_t roles;
	struct uuid organisation, person;
	int64_t unix_uid;          /* -1: none */
	str subject;               /* at the provider: "issuer subject"; "" */
	bool disabled, has_password, has_totp;
	unsigned passkeys, codes_left;
	int64_t made_us, last_seen_us;
};
struct account_new {
	str name, display;
	uint32_t roles;
	struct uuid organisation, person;
	int64_t unix_uid;
};
MUST_CHECK enum rc account_make(struct tx *tx, struct journal *j, const struct roles *r,
				const struct account_new *n, str by, int64_t *id_out, struct err *err);
MUST_CHECK enum rc account_list(struct conn *c, struct arena *a, struct account **out,
				size_t *count_out, struct err *err);
MUST_CHECK enum rc account_by_name(struct conn *c, str name, struct arena *a, struct account *out,
				   struct err *err);
MUST_CHECK enum rc account_set_roles(struct tx *tx, struct journal *j, int64_t id, uint32_t roles,
				     str by, struct err *err);
MUST_CHECK enum rc account_disable(struct tx *tx, struct journal *j, int64_t id, bool disabled,
				   str by, struct err *err);

/* The viewer of an account on a channel, made anew at each request: roles may have changed. */
MUST_CHECK enum rc account_viewer(struct conn *c, const struct roles *r, int64_t id,
				  enum channel channel, struct viewer *out, struct err *err);
/* Of a Unix uid on the command line; RC_ABSENT: it has no account. */
MUST_CHECK enum rc account_viewer_unix(struct conn *c, const struct roles *r, uint32_t uid,
				       struct viewer *out, struct err *err);

#endif
