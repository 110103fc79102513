/* SPDX-License-Identifier: Apache-2.0 */
/* last_resort.h: who is told when the directory knows nobody that a finding concerns: whom a registry or the site
 * itself names (route/fallback.h), by a rule that says so ("rule.last-resort").
 *
 * Such a contact is an address and no more: no record, no role, no hours. The recipient of a message is
 * "contact:abuse@example.net", by mail alone; where table `tell` has an organisation stands an id made of the
 * address (table tell_contact says whose). He is told of what is about the addresses and names that the table names
 * him for, asked anew at each try (disclosure/told.h), and of nothing above setting last_resort_tlp. Nothing of an
 * exercise. One to whom mail came back, or whose address was erased, is let alone. */
#ifndef RONDA_NOTIFY_LAST_RESORT_H
#define RONDA_NOTIFY_LAST_RESORT_H

#include "notify/rule.h"

struct last_resort {
	str email, name;
	str source;                  /* "whois:ripe" */
	str reason;                  /* "range 192.0.2.0-192.0.2.255" */
	char country[3];
	unsigned trust;
	int32_t seen_day;            /* when the source said so, days since 1970 */
};

/* Whom they name for what this finding is about, most trusted first; in `a`. */
size_t last_resort_of(const struct notify *n, const struct finding *f, struct arena *a,
		      struct last_resort out[FALLBACK_HITS_MAX]);
/* The first of them that a rule fits and that was not unreachable, as rules see it. */
MUST_CHECK enum rc last_resort_match(const struct notify *n, const struct rule_set *s, struct reader *r,
				     const struct finding *f, int64_t at_us, struct arena *a,
				     struct rule_match *out, struct last_resort *who_out, bool *found_out,
				     struct err *err);
struct rule_org *last_resort_org(const struct notify *n, const struct rule_set *s, const struct last_resort *l,
				 struct arena *a);
/* "abuse contact of whois:ripe of 2026-01-01, range 192.0.2.0-192.0.2.255, trust 45" */
str last_resort_words(const struct last_resort *l, struct arena *a);

/* Who names the recipient for it; false: nobody any more. */
bool last_resort_named(const struct notify *n, const struct finding *f, str recipient, struct arena *a,
		       struct last_resort *out);
/* Languages by space that somebody of this country is written to in; "": nothing is known, English. */
str last_resort_languages(str country);
/* Member "named" of a message's details: by which source, when, for what, and where. */
void last_resort_put(const struct last_resort *l, struct json_out *j);

/* Does such an id stand for a contact, not for an organisation's record? */
bool last_resort_is(const struct uuid *id);
/* "contact:ADDRESS" */
bool last_resort_email(str recipient, str *email_out);
/* The recipient with this id. "": none, or unreachable. */
MUST_CHECK enum rc last_resort_recipient(struct conn *c, const struct uuid *id, struct arena *a, str *out,
					 struct err *err);
/* Beside the row that names it, in its job. */
MUST_CHECK enum rc last_resort_keep(struct tx *tx, const struct rule_org *org, struct err *err);
/* What was sent there came back. */
MUST_CHECK enum rc last_resort_dead(struct tx *tx, const struct notify *n, str recipient, struct err *err);
/* Is nothing told to it any more: what was sent there came back, or its address was erased (contacts.h)? */
MUST_CHECK enum rc last_resort_ended(struct conn *c, const struct uuid *id, bool *out, struct err *err);
/* RC_ABSENT: this node has no such table. */
MUST_CHECK enum rc last_resort_told_to(const struct notify *n, str email, enum channel channel, struct told_to *out,
				       struct err *err);

#endif
