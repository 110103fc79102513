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
	bool reads_journal;
	bool manages_accounts;
	bool approves;             /* may be the second person (approval.h) */
	bool breaks_glass;         /* may open one item in an emergency (break_glass.h) */
	bool opens_media;          /* may have pictures and films that strangers sent (media.h) */
	bool second_factor;        /* asked for always */
	bool outside;              /* bound to one organisation that is not ours (constituent) */
};
enum { ROLES_MAX = TYPE_ROLES_MAX };
struct roles;
/* The built-in roles, then those of `dir_file` (NULL: none; absent: none): a name that is there
 * is replaced, others come behind. Refused whole, "roles.json: analyst: ceiling: ...". */
MUST_CHECK enum rc roles_load(const char *dir_file, struct roles **out, struct err *err);
void roles_free(struct roles *r);
const char *const *roles_names(const struct roles *r); /* bit order; ends with NULL: for types_load */
size_t roles_count(const struct roles *r);
const struct role *roles_at(const struct roles *r, size_t bit);
int roles_find(const struct roles *r, str name); /* bit; -1 */
/* "analyst lead", also with commas: RC_INPUT names the one that there is not. */
MUST_CHECK enum rc roles_parse(const struct roles *r, str text, uint32_t *out, struct err *err);
void roles_format(const struct roles *r, uint32_t roles, struct buf *out);

enum team_size { TEAM_SMALL, TEAM_LARGE }; /* small: two-person rules become a notice next morning */

enum { ACCOUNT_NAME_MAX = 64, ACCOUNT_FOLDED_MAX = 1024 /* bytes, folded */ };
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
	int64_t secrets;           /* goes up when what it proves itself by changes: sessions end */
};
struct account_new {
	str name, display;         /* display "": the name */
	uint32_t roles;
	struct uuid organisation, person;
	int64_t unix_uid;          /* -1: none */
};
/* Names differ when they are folded (NFKC, Unicode case folding): no two accounts look alike by
 * case or width. An outside role stands alone and with an organisation that is not ours, all
 * others without. RC_CONFLICT: the name or the Unix user has one. Roles are kept by name, so that
 * a new roles.json moves nobody's rights. */
MUST_CHECK enum rc account_make(struct tx *tx, struct journal *j, const struct roles *r,
				const struct account_new *n, str by, int64_t *id_out, struct err *err);
MUST_CHECK enum rc account_list(struct conn *c, const struct roles *r, struct arena *a, struct account **out, size_t *count_out,
				struct err *err);
MUST_CHECK enum rc account_by_name(struct conn *c, const struct roles *r, str name, struct arena *a,
				   struct account *out, struct err *err);
MUST_CHECK enum rc account_by_id(struct conn *c, const struct roles *r, int64_t id, struct arena *a,
				 struct account *out, struct err *err);
MUST_CHECK enum rc account_set_roles(struct tx *tx, struct journal *j, const struct roles *r,
				     int64_t id, uint32_t roles, str by, struct err *err);
/* -1 takes it away. RC_CONFLICT: another account has it. */
/* The record about this person: rosters and assignees go by it. Zero: none. */
MUST_CHECK enum rc account_set_person(struct tx *tx, struct journal *j, int64_t id, struct uuid person,
				      str by, struct err *err);
MUST_CHECK enum rc account_set_unix(struct tx *tx, struct journal *j, int64_t id, int64_t uid,
				    str by, struct err *err);
MUST_CHECK enum rc account_disable(struct tx *tx, struct journal *j, int64_t id, bool disabled,
				   str by, struct err *err);

/* What two names must not share: NFKC and case folding, spaces at the ends off; `out` has room for
 * ACCOUNT_FOLDED_MAX. RC_INPUT: empty, longer than ACCOUNT_NAME_MAX characters or folded than that,
 * no plain UTF-8, or not to be told from nothing. */
MUST_CHECK enum rc account_fold(str name, struct buf *out, struct err *err);
/* How large the team said it is when the node was made; small for nodes older than that. */
MUST_CHECK enum rc team_size_get(struct conn *c, enum team_size *out, struct err *err);
MUST_CHECK enum rc team_size_set(struct tx *tx, struct journal *j, enum team_size size, str by,
				 struct err *err);
/* Another Unix user than `owner` may call at DIR/sock. */
MUST_CHECK enum rc account_any_unix(struct conn *c, uint32_t owner, bool *out, struct err *err);

/* May make accounts and change them: a role that says so, or the directory's owner. */
bool viewer_manages_accounts(const struct viewer *v, const struct roles *r);
/* May read the journal. */
bool viewer_reads_journal(const struct viewer *v, const struct roles *r);
/* Any of the roles asks for a second factor. */
bool roles_second_factor(const struct roles *r, uint32_t roles);

/* The viewer of an account on a channel, made anew at each request: roles may have changed.
 * RC_DENIED: disabled, or without roles; RC_ABSENT: there is none. */
MUST_CHECK enum rc account_viewer(struct conn *c, const struct roles *r, int64_t id,
				  enum channel channel, struct viewer *out, struct err *err);
/* For a session that began when the account's `secrets` were these: RC_DENIED once they changed. */
MUST_CHECK enum rc account_viewer_again(struct conn *c, const struct roles *r, int64_t id,
					int64_t secrets, enum channel channel, struct viewer *out,
					struct err *err);
/* What a token of an account may over records: the account's roles of this moment, and of right,
 * ceiling and basis the lower of both. Other tokens stay as they are, without roles. RC_DENIED: the
 * account is not in use. Call it after token_check() and token_again(). */
MUST_CHECK enum rc account_token_viewer(struct conn *c, const struct roles *r, struct viewer *v,
					struct err *err);
/* The node itself, for work in the background whose outcome is a row that is checked again when it is
 * sent: all roles inside that read cases. `part`: of the node, as the journal names it: "node:ladder".
 * The caller sets the policy. */
struct viewer viewer_node(const struct roles *r, const char *part);
/* Of a Unix uid on the command line; RC_ABSENT: it has no account. */
MUST_CHECK enum rc account_viewer_unix(struct conn *c, const struct roles *r, uint32_t uid,
				       struct viewer *out, struct err *err);

#endif
