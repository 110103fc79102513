/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h: the numbered policy in force: agreements, roles, marks, settings.
 *
 * A policy is a text made from what stands now, and never changes: another content is another
 * number, written in the commit that made it other (an agreement put in force, suspended, ended)
 * or by the clock when one begins or runs out. The ledger and the journal name the number; the
 * text behind it is kept. No code knows the type of an agreement: a type whose "means"
 * (record/type.h) has agreement.party and agreement.in-force is one. It means
 *   agreement.in-force   the state in which it counts
 *   agreement.party      organisations it is with
 *   agreement.tlp, .pap  strictest markings that may go to them; without .tlp CLEAR, without .pap any
 *   agreement.personal   personal fields may go too
 *   agreement.from, .until  days, the last one included (UTC); without: from now on, without end
 *   agreement.kind       treaty, memorandum, community, informal: said in explanations
 *   agreement.hides      its parties are not told which other teams take part in what they share: of several
 *                        agreements with one organisation each that says so
 *   agreement.flows      kinds of things that go to a partner's node by it: "findings", "incidents", …
 * Copies of other nodes' agreements and those of exercises do not count. Threads may share it. */
#ifndef RONDA_DISCLOSURE_POLICY_H
#define RONDA_DISCLOSURE_POLICY_H

#include "disclosure/access.h"
#include "record/record.h"

struct policies;
struct policy_sources {
	const struct marks *marks; /* NULL: the built-in ones; lives longer than the policies */
	str roles;                 /* text of the roles: a change of it is another policy */
	uint64_t public_k;
};
/* Before anything is written: registers with the records and with the store's background work. */
MUST_CHECK enum rc policies_open(struct store *s, struct records *r, const struct policy_sources *from,
				 struct policies **out, struct err *err);
void policies_close(struct policies *p); /* when nobody writes any more; NULL is fine */

/* Sets what is in force now for this viewer: policy, and the agreement with his organisation. */
MUST_CHECK enum rc policies_apply(struct policies *p, struct viewer *v, struct err *err);
/* The same for whoever is told something: a partner's node, a constituent. `kind_out` (may be
 * NULL) says what kind of agreement it is, "" none; in `a`. */
MUST_CHECK enum rc policies_recipient(struct policies *p, struct uuid organisation,
				      struct recipient *to, struct policy *policy_out,
				      struct arena *a, str *kind_out, struct err *err);

/* The same under the widest of the agreements that let this kind of thing flow; none of them: to->agreement
 * is false. */
MUST_CHECK enum rc policies_flow(struct policies *p, struct uuid organisation, str flow, struct recipient *to,
				 struct policy *policy_out, struct err *err);

/* The number in force now; that of the last one known when the store cannot be read. */
uint64_t policies_number(struct policies *p);

struct policy_row {
	uint64_t number;
	int64_t at_us;
	struct digest digest;
	str body; /* JSON */
};
/* Of a number the ledger names; 0: the newest. RC_ABSENT. */
MUST_CHECK enum rc policy_kept(struct conn *c, uint64_t number, struct arena *a, struct policy_row *out,
			       struct err *err);

#endif
