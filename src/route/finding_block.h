/* SPDX-License-Identifier: Apache-2.0 */
/* finding_block.h: up to 1,024 findings, sorted by id, as the bytes of a frame.
 *
 * Three parts that are read one after the other, as far as is needed: the ids;
 * what lists are chosen and ordered by; the rest. Columns are those of events
 * (store/column.h). What follows from other columns is not stored: the words of
 * most keys, the lower half of their ids (a keyed hash of the key), and what a
 * side says of itself. docs/format.md has the bytes.
 *
 * Reading takes bytes that may be damaged: what is wrong ends as false. */
#ifndef RONDA_ROUTE_FINDING_BLOCK_H
#define RONDA_ROUTE_FINDING_BLOCK_H

#include <zstd.h>

#include "route/findings_private.h"
#include "store/column.h"

enum { BLOCK_ROWS = 1024 };

/* --- writing --- */

struct block_writer;
struct block_writer *block_writer_new(const struct key *finding_key_of_node);
void block_writer_free(struct block_writer *w); /* NULL is fine */
/* Adds a copy; ids ascend. False: full, nothing was added. */
bool block_add(struct block_writer *w, const struct finding_row *f);
uint32_t block_count(const struct block_writer *w);

/* What can be known of a block without reading it. */
struct zone {
	struct hash128 first, last;
	struct place at;
	uint32_t rows;
	int64_t oldest_us, newest_us;    /* last_seen */
	uint8_t states, tlps, exercises; /* a bit each */
	uint64_t tags[2];                /* bits of the types, severities and organisations in it */
};
/* Sets the two bits of a tag: what is not set in a zone is not in the block. */
enum zone_tag { ZONE_TYPE = 1, ZONE_SEVERITY, ZONE_ORG };
void zone_tag_add(uint64_t tags[2], enum zone_tag kind, str text);

/* Encodes what was added into `out`, says in `z` all but where it stands, and empties `w`. */
void block_finish(struct block_writer *w, struct buf *out, struct zone *z);

/* --- reading --- */

struct block {
	uint32_t rows;
	struct arena *a;
	struct column hi, flags, last, type, severity, concerns, ip;
	struct column age, feed, run, events, returns, asn, cc, identifier, port, key, sides, feeds, seen;
	const struct key *secret;
	const char *lo;        /* lower halves of the ids that do not follow from the row */
	const uint16_t *lo_at; /* which of them, of each row; NULL: row i has number i */
	uint32_t lo_count;
	str list, rest; /* as stored */
	uint64_t list_bytes, rest_bytes;
	struct wire ip_bytes;
	bool has_list, has_ip, has_rest;
};
/* Takes memory from `a`, which must outlive the block, as must the key; copies the
 * payload into it. */
bool block_open(struct block *b, str payload, const struct key *finding_key_of_node, struct arena *a);
bool block_need_list(struct block *b, ZSTD_DCtx *unpack);
bool block_need_rest(struct block *b, ZSTD_DCtx *unpack);
/* Upper half of the id. */
uint64_t block_hi(const struct block *b, uint32_t i);
/* The first row whose upper half is not below; `rows` when there is none. */
uint32_t block_seek(const struct block *b, uint64_t hi);
/* Needs both parts; texts are views into the block or stand in `a`. */
bool block_row(const struct block *b, uint32_t i, struct arena *a, struct finding_row *out);

/* Needs the list, and addresses theirs: of row i, without its words. */
struct block_facts {
	enum finding_state state; /* 0: no more */
	enum tlp tlp;
	bool exercise;
	int64_t last_us;
};
struct block_facts block_facts(const struct block *b, uint32_t i);
str block_text(const struct column *c, uint32_t i);
bool block_need_ip(struct block *b);
bool block_ip(const struct block *b, uint32_t i, struct ip *out);

#endif
