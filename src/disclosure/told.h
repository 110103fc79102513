/* SPDX-License-Identifier: Apache-2.0 */
/* told.h: what of an item may be told to somebody, asked by a sender at each try.
 *
 * A recipient does not read here: he is told, by a channel and for a purpose. An account of ours
 * is told what it could read itself (roles and check); an organisation what the check lets go to
 * it. The item is taken in the version that the message names, under the stricter labels of that
 * version and of what stands now. */
#ifndef RONDA_DISCLOSURE_TOLD_H
#define RONDA_DISCLOSURE_TOLD_H

#include "base/snapshot.h"
#include "disclosure/account.h"
#include "disclosure/policy.h"
#include "disclosure/read.h"
#include "disclosure/read_records.h"
#include "route/fallback.h"

struct told_to {
	struct viewer viewer;      /* with the channel it goes by, and the policy in force */
	enum purpose purpose;
	bool asks_roles;           /* one of our accounts */
	bool invited;              /* the item was made for a list on which the recipient stands */
	int64_t org;               /* number in the directory, for findings; 0: none */
	str feed;                  /* of what comes from it: nothing of that is told to it; "": none */
	struct snapshot *contacts; /* of one of last resort: struct fallback; NULL: of others */
	str email;                 /* his */
};

/* The account; RC_ABSENT or RC_DENIED: none, or not in use. */
MUST_CHECK enum rc told_account(struct reader *r, const struct roles *roles, struct policies *p,
				int64_t account, enum channel channel, struct told_to *out,
				struct err *err);
/* An organisation by its record. `exercise`: it is one of an exercise: it is told of nothing else's,
 * and nothing of an exercise is told to others. */
MUST_CHECK enum rc told_organisation(struct reader *r, struct policies *p, struct uuid organisation,
				     bool exercise, enum channel channel, struct told_to *out,
				     struct err *err);
/* Somebody of whom nothing is known: as the public. */
MUST_CHECK enum rc told_anybody(struct policies *p, enum channel channel, struct told_to *out,
				struct err *err);

/* A contact of last resort, who is not in the directory: told only of findings about what the table names his
 * address for, asked anew for each, up to `ceiling`. `contacts` and `email` outlive *out. */
MUST_CHECK enum rc told_last_resort(struct policies *p, struct snapshot *contacts, str email, enum tlp ceiling,
				    enum channel channel, struct told_to *out, struct err *err);
/* Whom it names for what a finding is about, most trusted first; none for an account, which is a person's, and for
 * what is of an exercise. As long as the table. */
size_t told_last_resort_of(const struct fallback *f, const struct finding *finding,
			   struct fallback_hit out[FALLBACK_HITS_MAX]);
/* Is this recipient named for it? */
bool told_last_resort_is(const struct told_to *to, const struct finding *finding);

struct told {
	struct record_view view;   /* of a record; end with told_end() */
	bool is_finding;
	struct finding finding;    /* in the arena */
	const char *rule;          /* that decided, also on RC_DENIED */
	str cut;                   /* names of fields that were cut, by comma */
	enum tlp tlp;              /* of what is told: the strictest; TLP_COUNT: not understood */
};
/* RC_DENIED: may not be told, `rule` says why. RC_ABSENT: it is not there, or not any more.
 * `version` 0: as it stands. */
MUST_CHECK enum rc told_item(struct reader *r, const struct types *t, const struct told_to *to, str item,
			     uint64_t version, struct arena *a, struct told *out, struct err *err);
void told_end(struct told *t);
/* The findings about the recipient's own organisation that it may be told of, as findings_list(); org, tlp_mask and
 * exercise of `q` are set here. None for who is not in the directory. Afterwards `q` stands behind the
 * last that was looked at, told or not; *listed_out: how many were, of q->limit (there may be more when it is all). */
MUST_CHECK enum rc told_findings(struct reader *r, const struct told_to *to, struct finding_query *q,
				 finding_each each, void *ctx, size_t *listed_out, struct err *err);

/* The newest events of findings that told_item() lets go to him, each asked of the check again, with
 * what may not be seen cut: at most `per` of each finding. `place`: which of `ids` it is of. False
 * stops. Findings that may not be told have none. */
enum { TOLD_EVENTS_FINDINGS_MAX = 1000 };
typedef bool (*told_event_each)(void *ctx, const struct event_view *e, size_t place);
MUST_CHECK enum rc told_events(struct reader *r, const struct types *t, const struct told_to *to, const str *ids,
			       size_t count, size_t per, struct arena *a, told_event_each each, void *ctx,
			       struct err *err);

/* What a sender needs to find where somebody is reached: the record whole. It is no output: nothing
 * of it but the address, the name on the envelope and the language goes into a message. */
struct addressee {
	const struct type *type;
	struct uuid id;
	uint64_t version;
	struct json_object *body;  /* json_free() */
	str title;
	bool exercise;             /* made for one */
	bool closed;               /* not in use any more */
	struct uuid organisation;  /* whose person it is */
};
/* RC_ABSENT: no such record, or erased. By its id, or by the uuid that an account names. */
MUST_CHECK enum rc told_addressee(struct conn *c, const struct types *t, str id, struct arena *a,
				  struct addressee *out, struct err *err);
MUST_CHECK enum rc told_addressee_of(struct conn *c, const struct types *t, struct uuid id,
				     struct arena *a, struct addressee *out, struct err *err);
/* What the recipient's own organisation answers for and is reached by, told to itself: the rows of its record
 * that mean "organisation.claims" and "organisation.contacts" (NULL: none), whoever else may not see them. Of
 * their columns the caller shows those that the organisation gave. `out` as told_addressee_of(). */
struct told_own {
	struct addressee who;
	struct json_object *claims, *contacts; /* borrowed of who.body */
};
MUST_CHECK enum rc told_own(struct conn *c, const struct types *t, const struct told_to *to, struct arena *a,
			    struct told_own *out, struct err *err);
/* Its id as text. */
str addressee_id(const struct addressee *who, struct arena *a);
/* The account of the person with this record; 0: none in use. */
MUST_CHECK enum rc told_account_of(struct reader *r, const struct roles *roles, struct uuid person,
				   struct arena *a, int64_t *account_out, struct err *err);

/* What the teller needs to decide whom a finding is told to, and when: whole. They are no output either: what
 * is said of a finding comes out of told_item(). As findings_get() and transitions_read(). */
MUST_CHECK enum rc told_finding(struct reader *r, struct hash128 id, struct arena *a, struct finding *out,
				struct err *err);
MUST_CHECK enum rc told_transitions(struct conn *c, const char *teller, size_t most, struct arena *a,
				    struct transition_row **out, size_t *count_out, struct err *err);

#endif
