/* SPDX-License-Identifier: Apache-2.0 */
/* access.h: API tokens, browser sessions, and what each may do.
 *
 * Over the pipeline (events, findings, feeds) there are four rights: public, read, intake,
 * operate (operate includes read and intake); over records roles count (account.h). A token has scope (right, TLP ceiling,
 * address, expiry of at most a year); only its keyed hash is stored, it is
 * shown once, and begins with "ronda_" so that scanners find leaked ones. The
 * set-up secret printed by `ronda init` makes the first token, once. */
#ifndef RONDA_DISCLOSURE_ACCESS_H
#define RONDA_DISCLOSURE_ACCESS_H

#include "base/uuid.h"
#include "disclosure/check.h"
#include "record/journal.h"

/* Rights over the pipeline, and of routes. RIGHT_SIGNED_IN: a person who signed in, whatever he may
 * do (read and operate include it): for pages that ask authz.h about each thing they show. */
enum right { RIGHT_PUBLIC, RIGHT_READ, RIGHT_INTAKE, RIGHT_OPERATE, RIGHT_SIGNED_IN };
const char *right_name(enum right r);
bool right_parse(str text, enum right *out);
bool right_includes(enum right has, enum right needs); /* read and intake do not include each other */

struct seal_ring;
struct roles;
/* Whoever asks: made by access_* only. */
struct viewer {
	enum right right;
	struct recipient as;
	enum channel channel;
	char actor[64];  /* for the journal: "account:3", "unix:1000", "token:ID", "public" */
	int64_t account; /* 0: none (a token, the public) */
	uint32_t roles;  /* bit per role of roles.json: what records may be read and changed */
	const struct roles *all_roles; /* what the bits mean (account.h), borrowed; NULL: not said */
	struct uuid organisation; /* whose person it is; zero: our own */
	struct uuid person; /* the record that is about this person; zero: none */
	bool reads_no_case; /* administrator */
	bool reads_only; /* a token that only reads: no change is authorised, whatever the roles */
	struct seal_ring *seal; /* the case key opened in this session (seal.h), borrowed; NULL: none */
	bool exercise;   /* sees exercises */
	struct policy policy; /* in force for this request; the node may set its newer one */
};
/* The directory's Unix owner on the CLI: operate. */
struct viewer viewer_owner(uint32_t uid);
struct viewer viewer_public(enum channel channel);

struct token_new {
	str label;             /* whose it is: a ceiling of RED means this one named person */
	enum right right;      /* not RIGHT_PUBLIC */
	enum tlp ceiling;
	bool personal_basis;   /* may see personal fields */
	str address;           /* network it may come from; STR_NONE: any. Not from DIR/sock then */
	int64_t expires_us;    /* at most a year ahead */
	str feed;              /* intake tokens may be bound to one feed; STR_NONE: any */
	int64_t account;       /* whose roles it carries over records, at most; 0: none */
	bool reads_only;       /* with account: changes nothing, whatever the roles */
};
enum { TOKEN_TEXT_BYTES = 64 };
#define TOKEN_LIFE_MOST (366 * DAY_US)
/* Nobody gives away more than he has: right operate, ceiling and basis within the viewer's. */
bool viewer_may_grant(const struct viewer *v, const struct token_new *t);
struct token {
	int64_t id;
	str label, address, feed;
	enum right right;
	enum tlp ceiling;
	int64_t made_us, expires_us, last_used_us, revoked_us;
	bool personal_basis;
};
/* `text_out` (at least TOKEN_TEXT_BYTES) is the only time the token is seen.
 * RC_INPUT names what is wrong with `t`; RC_ABSENT: no such feed. */
MUST_CHECK enum rc token_make(struct tx *tx, struct journal *j, const struct token_new *t, str by,
			      char *text_out, size_t text_size, int64_t *id_out, struct err *err);
MUST_CHECK enum rc token_list(struct conn *c, struct arena *a, struct token **out, size_t *count_out,
			      struct err *err);
MUST_CHECK enum rc token_revoke(struct tx *tx, struct journal *j, int64_t id, str by, struct err *err);
/* RC_DENIED without further words for every reason (unknown, expired, revoked,
 * wrong address): the same work and text. `feed_out` (64 bytes) may be NULL.
 * Notes the use at most once a minute. Count wrong tries with access_guard.h. */
MUST_CHECK enum rc token_check(struct store *s, str text, const struct ip *from, enum channel channel,
			       struct viewer *out, char *feed_out, struct err *err);

/* The same token again by its id: for a browser session, at each request, so
 * that a session ends with its token. */
MUST_CHECK enum rc token_again(struct store *s, int64_t id, const struct ip *from,
			       enum channel channel, struct viewer *out, struct err *err);

/* Set-up secret: stored hashed by store_create's caller, works once and gives a
 * token that may do everything for 90 days. Making a new one ends the old. */
MUST_CHECK enum rc setup_secret_make(struct store *s, char *text_out, size_t text_size, struct err *err);
MUST_CHECK enum rc setup_secret_use(struct store *s, struct journal *j, str text, const struct ip *from,
				    char *token_out, size_t token_size, struct err *err);

#endif
