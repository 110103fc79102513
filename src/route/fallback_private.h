/* SPDX-License-Identifier: Apache-2.0 */
/* fallback_private.h: the image of one source, little-endian throughout, each part aligned to 4.
 *
 *   head      struct fallback_head
 *   v4        v4_count of { first, last, contact, around }
 *   v6        v6_count of { first[16], last[16], contact, around }
 *   asn       asn_count as v4
 *   domain    domain_count of { text, contact }, by name
 *   contact   contact_count of { email, name, seen_day, country[2], trust, 0 }
 *   text      text_bytes: strings as one byte of length and the bytes; offset 0 is ""
 *
 * Ranges are sorted by first address, the larger before the smaller; `around` is the place of
 * the range next before it that had not ended where it begins, plus 1: all ranges that hold an
 * address stand on that way from the last one that begins at or before it. */
#ifndef RONDA_ROUTE_FALLBACK_PRIVATE_H
#define RONDA_ROUTE_FALLBACK_PRIVATE_H

#include "route/fallback.h"

#define FALLBACK_MAGIC UINT32_C(0x4b464452) /* "RDFK" */
enum { FALLBACK_VERSION = 1 };

struct fallback_head {
	uint32_t magic, version, crc; /* of what follows the head */
	uint32_t v4_count, v6_count, asn_count, domain_count, contact_count, text_bytes;
	char source[FALLBACK_SOURCE_MAX + 1];
};
struct fallback_range4 {
	uint32_t first, last, contact, around;
};
struct fallback_range6 {
	uint8_t first[16], last[16];
	uint32_t contact, around;
};
struct fallback_domain {
	uint32_t text, contact;
};
struct fallback_contact {
	uint32_t email, name;
	int32_t seen_day;
	char country[2];
	uint8_t trust, zero;
};

/* An image, checked: every place and text lies inside. Views into the bytes. */
struct fallback_part {
	const struct fallback_head *head;
	const struct fallback_range4 *v4, *asn;
	const struct fallback_range6 *v6;
	const struct fallback_domain *domain;
	const struct fallback_contact *contact;
	const uint8_t *text;
	uint32_t v4_count, v6_count, asn_count, domain_count, contact_count, text_bytes;
	void *mapped;             /* of the file, or NULL */
	size_t mapped_bytes;
	struct buf own;           /* private memory, when there is no file */
};
/* False: damaged. `p` is aligned to 4. */
bool fallback_attach(struct fallback_part *part, const void *p, size_t n);
str fallback_text(const struct fallback_part *part, uint32_t at);

/* As fallback_find() and fallback_country(), of one. */
size_t fallback_ask_part(const struct fallback_part *p, const struct fallback_ask *ask,
			 struct fallback_hit out[FALLBACK_HITS_MAX]);
bool fallback_part_country(const struct fallback_part *p, const struct ip *ip, char cc[3]);

/* The rows of fallback_look as an image a source; `each` is told about them. */
MUST_CHECK enum rc fallback_live(struct conn *c, enum rc (*each)(void *ctx, struct buf *image, struct err *err),
				 void *ctx, struct err *err);

#endif
