/* SPDX-License-Identifier: Apache-2.0 */
/* overlay.h: what the operator knows better than the network database: a text
 * file, "CIDR asn cc name" a line, "-" for unknown, '#' starts a comment. */
#ifndef RONDA_ENRICH_OVERLAY_H
#define RONDA_ENRICH_OVERLAY_H

#include "enrich/enrich.h"

struct overlay;
/* RC_INPUT names the line. */
MUST_CHECK enum rc overlay_parse(str text, struct overlay **out, struct err *err);
MUST_CHECK enum rc overlay_open(const char *path, struct overlay **out, struct err *err);
void overlay_close(struct overlay *o); /* NULL is fine */
bool overlay_find(const struct overlay *o, const struct ip *ip, struct net_facts *out);
str overlay_asn_name(const struct overlay *o, uint32_t asn, char name[128]);
size_t overlay_size(const struct overlay *o);

#endif
