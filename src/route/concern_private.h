/* SPDX-License-Identifier: Apache-2.0 */
/* concern_private.h: what the files share that ask the directory for an event,
 * for a question, and again for a finding when the directory has changed. */
#ifndef RONDA_ROUTE_CONCERN_PRIVATE_H
#define RONDA_ROUTE_CONCERN_PRIVATE_H

#include "route/concern.h"

enum { SIDES = 2 }; /* source, destination */

/* What one side of an event says about where it is. */
struct side {
	struct ip ip;
	struct net net;
	bool has_ip, has_net;
	uint32_t asn;
	str fqdn, url, account, cc;
};

void sides_of_row(const struct batch *b, const struct row *r, struct side sides[SIDES]);
/* fqdn, else the host of url, else what stands behind the @ of account. */
str side_name(const struct side *s);
/* `type` unknown or none: the default row of concern.def. */
void concerns_of_sides(const struct directory *d, str type, const struct side sides[SIDES],
		       int64_t now_us, struct concerns *out);

/* Both sides as bytes, so that a finding can ask again: of an account only the
 * domain is kept. */
void sides_pack(const struct side sides[SIDES], struct buf *out);
bool sides_unpack(str bytes, struct side sides[SIDES]); /* views into bytes */

#endif
