/* SPDX-License-Identifier: Apache-2.0 */
/* status.h: how it stands with one partner, for pages and commands: what is agreed, what waits, what they said that they
 * have, and the next step when something is wrong. Counts and times only: no item is named here. */
#ifndef RONDA_EXCHANGE_STATUS_H
#define RONDA_EXCHANGE_STATUS_H

#include "exchange/courier.h"
#include "exchange/quota.h"

enum { LANES = LANE_BULK + 1 };
struct partner_status {
	struct line_state line;
	bool agreement;            /* one is in force */
	str agreement_kind;        /* "treaty", … */
	enum tlp agreed;
	str flows;                 /* what it lets flow, by comma; "" nothing */
	struct backlog backlog[LANES];
	uint64_t withdrawn_missing;/* withdrawals and corrections he has not said that he has */
	struct quota_state quota;
	str trouble;               /* one sentence with the next step; "" none */
};
/* `p` as partner_find() gave it; strings in `a`. */
MUST_CHECK enum rc partner_status(struct exchange *x, struct reader *r, const struct partner *p, int64_t now_us,
				  struct arena *a, struct partner_status *out, struct err *err);
void partner_status_json(const struct partner *p, const struct partner_status *s, struct json_out *j);

#endif
