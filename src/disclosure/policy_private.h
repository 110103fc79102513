/* SPDX-License-Identifier: Apache-2.0 */
/* policy_private.h: between the policy that is asked and the one that is made. */
#ifndef RONDA_DISCLOSURE_POLICY_PRIVATE_H
#define RONDA_DISCLOSURE_POLICY_PRIVATE_H

#include "disclosure/policy.h"

struct policies {
	struct store *s;
	struct records *r;
	struct policy_sources from;
	struct digest roles;
	struct snapshot *now;
};

/* A row when what stands now is other than the newest one says. */
MUST_CHECK enum rc policy_write(struct policies *p, struct err *err);
/* The hook of the records: the same, in the job that changed an agreement. */
enum rc policy_record_changed(struct tx *tx, struct records *r, void *ctx, const struct record *before,
			      const struct record *now, struct err *err);
/* PAP_RED (any) for what is no PAP: "" too. */
enum pap policy_pap(str text);

#endif
