/* SPDX-License-Identifier: Apache-2.0 */
/* fallback.h: contacts of last resort: whom to write to when the directory knows nobody.
 *
 * Regional registries publish who answers for which addresses and AS numbers (whois dumps,
 * delegated files, RDAP), and sites say it of themselves (security.txt). Too many to be
 * records: ranges with an e-mail address each, a table a source, replaced whole.
 *
 * A source is packed by a builder into one image (docs/format.md): sorted ranges, names, and
 * the contacts each kept once. main.db keeps the image in pieces; what is asked is the same
 * image in a file that is mapped read-only and made from the pieces once per digest, so a
 * million ranges cost a node no memory of its own. What was looked up one by one (RDAP,
 * security.txt) are rows of main.db, packed at each load. Tables never change once opened. */
#ifndef RONDA_ROUTE_FALLBACK_H
#define RONDA_ROUTE_FALLBACK_H

#include "base/ip.h"
#include "base/spill.h"
#include "record/journal.h"

enum fallback_kind { FALLBACK_NET, FALLBACK_ASN, FALLBACK_DOMAIN };
enum { FALLBACK_ENTRIES_MAX = 4000000, FALLBACK_DEPTH_MAX = 100, FALLBACK_TEXT_MAX = 254,
       FALLBACK_SOURCE_MAX = 39, FALLBACK_SOURCES_MAX = 32 };
#define FALLBACK_IMAGE_MAX MIB(512)

struct fallback_entry {
	enum fallback_kind kind;
	struct ip first, last;         /* FALLBACK_NET: both of one family, both included */
	uint32_t asn_first, asn_last;  /* FALLBACK_ASN */
	str domain;                    /* FALLBACK_DOMAIN: lower case; stands for what is below it too */
	str email, name;               /* "" when not told; longer ones are cut */
	char country[3];               /* ISO 3166-1 alpha-2, or "" */
	uint8_t trust;                 /* 0..100 */
	int32_t seen_day;              /* when the source said so, days since 1970 */
};

/* --- making an image --- */

struct fallback_counts {
	uint64_t entries, contacts, doubles, too_deep; /* of one range the entry added last is kept */
};
struct fallback_builder;
/* Holds `memory` bytes (0: as it likes, some MiB) a table of those it needs, and the rest in nameless
 * files in `dir`; NULL: all in memory. */
struct fallback_builder *fallback_builder_new(const char *dir, size_t memory);
void fallback_builder_free(struct fallback_builder *b); /* NULL is fine */
/* RC_INPUT: no range, name or contact in it. RC_LIMIT: FALLBACK_ENTRIES_MAX. */
MUST_CHECK enum rc fallback_add(struct fallback_builder *b, const struct fallback_entry *e,
				struct err *err);
/* `source`: its name, "whois:apnic". The same entries give the same bytes. `out`: capped at
 * FALLBACK_IMAGE_MAX by the caller. */
MUST_CHECK enum rc fallback_build(struct fallback_builder *b, str source, struct buf *out,
				  struct fallback_counts *counts, struct err *err);
/* The same without ever holding it whole. On RC_OK *out is yours. */
MUST_CHECK enum rc fallback_build_spool(struct fallback_builder *b, str source, struct spool **out,
					struct fallback_counts *counts, struct err *err);

/* --- keeping it --- */

/* Puts the image in force as its source's, in steps that hold the writer shortly; the one before
 * is kept for fallback_undo(). *same_out: it stood already, nothing was done. */
MUST_CHECK enum rc fallback_replace(struct store *s, struct journal *j, struct spool *image, str actor,
				    bool *same_out, struct err *err);
/* Back to what stood before the last replacement. RC_ABSENT: nothing did. */
MUST_CHECK enum rc fallback_undo(struct store *s, struct journal *j, str source, str actor,
				 struct err *err);
struct fallback_source {
	str name;
	uint64_t entries, contacts, bytes;
	int64_t at_us;                 /* when it was taken in */
	struct digest digest;
};
typedef bool (*fallback_source_each)(void *ctx, const struct fallback_source *s);
MUST_CHECK enum rc fallback_sources(struct conn *c, fallback_source_each each, void *ctx,
				    struct err *err);

/* What was looked up about one address, AS number or name; replaces what that source (of at most
 * FALLBACK_SOURCE_MAX bytes) said about `subject`. Without entries: it said nothing, and is not
 * asked before `until_us` again. */
MUST_CHECK enum rc fallback_note(struct tx *tx, str source, str subject,
				 const struct fallback_entry *list, size_t count, int64_t until_us,
				 struct err *err);
/* Was it asked, and is the answer still good? */
MUST_CHECK enum rc fallback_noted(struct conn *c, str source, str subject, int64_t now_us,
				  bool *out, struct err *err);

/* --- asking --- */

struct fallback;
/* `cache_dir`: where the files are; NULL or not writable: private memory instead. */
MUST_CHECK enum rc fallback_open(struct conn *c, const char *cache_dir, struct fallback **out,
				 struct err *err);
void fallback_free(struct fallback *f); /* NULL is fine */
uint64_t fallback_entries(const struct fallback *f);

struct fallback_ask {
	const struct ip *ip;           /* NULL: none; of a network: its first address */
	uint32_t asn;                  /* 0: none */
	str fqdn;                      /* "": none */
};
struct fallback_hit {
	str source, email, name;       /* as long as the table */
	char country[3];
	unsigned trust;
	int32_t seen_day;
	char reason[64];               /* "range 192.0.2.0-192.0.2.255", "AS64500", "domain example.org" */
};
enum { FALLBACK_HITS_MAX = 8 };
/* Those with an e-mail address, most trusted first, each address once. `f` may be NULL. */
size_t fallback_find(const struct fallback *f, const struct fallback_ask *ask,
		     struct fallback_hit out[FALLBACK_HITS_MAX]);
/* The country a registry gave an address to; false: not told. */
bool fallback_country(const struct fallback *f, const struct ip *ip, char cc[3]);

#endif
