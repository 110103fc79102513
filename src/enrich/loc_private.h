/* SPDX-License-Identifier: Apache-2.0 */
/* loc_private.h: the image that loc_build.c makes and loc_cache.c maps.
 *
 * A head, then arrays of the machine's own numbers, each at a multiple of
 * eight: the file never leaves the machine that made it, and one of another
 * byte order does not have our magic number. */
#ifndef RONDA_ENRICH_LOC_PRIVATE_H
#define RONDA_ENRICH_LOC_PRIVATE_H

#include "base/hash.h"
#include "enrich/loc_cache.h"

#define LOC_MAGIC UINT64_C(0x31434f4c41444e52) /* "RNDALOC1" where bytes stand low first */

enum {
	LOC_VERSION = 1,
	LOC_INDEX = 65536,  /* by the first 16 bits of IPv4, and by the 16 behind 2000::/3 */
	LOC_GAP = 255       /* bits of a range that no network holds */
};

struct loc_fact {
	uint32_t asn;
	char cc[2];   /* NUL, NUL: unknown */
	uint8_t bits; /* of the network that holds the range, over 128 */
	uint8_t spare;
};

struct loc_start6 {
	uint64_t hi, lo;
};

struct loc_head {
	uint64_t magic;
	uint32_t version;
	uint32_t crc;        /* of all behind the head */
	struct digest of;    /* what it was made from: loc_identity() */
	int64_t made_s;      /* when the database was made */
	uint32_t v4, v6;     /* ranges; the first begins at 0 */
	uint32_t asns;       /* names */
	uint32_t names_bytes;
};

/* Where the arrays stand, from the head alone. */
struct loc_layout {
	size_t start6, fact6, fact4, start4, index4, index6, asn, name_at, names, end;
};
struct loc_layout loc_layout(const struct loc_head *h);

/* Place in index6; false when `hi` is not in 2000::/3. */
static inline bool loc_index6(uint64_t hi, uint32_t *out)
{
	*out = (uint32_t)(hi >> 45) & (LOC_INDEX - 1);
	return hi >> 61 == 1;
}

/* The whole image from libloc's database. */
MUST_CHECK enum rc loc_build(const char *database, const struct digest *identity, struct buf *image,
			     struct err *err);

/* What a cache is named by: size, time and head of the database. The head holds
 * the signatures over all the rest, so this says as much as reading 55 MB would. */
MUST_CHECK enum rc loc_identity(const char *database, struct digest *out, struct err *err);

#endif
