/* SPDX-License-Identifier: Apache-2.0 */
/* blocklist_item.h: what one item of a block list is, by its own text. */
#ifndef RONDA_INTAKE_BLOCKLIST_ITEM_H
#define RONDA_INTAKE_BLOCKLIST_ITEM_H

#include "base/arena.h"
#include "base/ip.h"

enum item_kind { ITEM_NONE, ITEM_IP, ITEM_NET, ITEM_RANGE, ITEM_NAME, ITEM_URL, ITEM_ASN };

struct item {
	enum item_kind kind;
	struct ip ip;
	struct net net; /* NET, and the first of a RANGE */
	struct ip last; /* RANGE */
	str text;       /* NAME, URL: as they came; ASN: its digits */
	str port, path; /* behind an address or a name */
	str count;      /* a number in a column of its own */
	str note;       /* the comment behind the item */
};

/* A name as lists have them: with a dot, and a last label that may be a
 * top-level domain. */
bool item_is_name(str text);

/* "item", or "item count" with any usual sign between; `line` has neither white
 * space at its ends nor a comment. Texts point into `line` or `a`. */
bool item_parse(str line, struct arena *a, struct item *it);

#endif
