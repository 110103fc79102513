/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h: drives one report through unpacking and one format.
 *
 * Pull: `read` gives the packed bytes as they come, `give` takes each full
 * batch (and the last). Packings gzip, zip, zstd are seen by content, one deep;
 * unpacked at most 100 x packed and 256 MiB; at most 1,000 entries, whose names
 * are hints only. Entries follow each other in one offset space. Runs in the
 * parser child; unit tests and fuzz targets call it directly.
 *
 * Each batch says where a killed run goes on: next_offset and next_input of the
 * last batch kept, given back as resume_*, make every record once. What breaks
 * a limit costs one record: the feed goes on. */
#ifndef RONDA_INTAKE_PARSE_H
#define RONDA_INTAKE_PARSE_H

#include "intake/format.h"

/* A record that must not be tried again: it killed parsers. It is quarantined
 * with its bytes, read by nobody. */
struct intake_skip {
	uint64_t offset;  /* where it begins */
	uint32_t reason;  /* REJECT_CRASH or REJECT_TIMEOUT */
	bool line;        /* finding its end kills already: up to the next line feed */
};
enum { INTAKE_SKIPS = 20 };

/* Where the driver is, for whoever watches from outside. */
enum intake_stage {
	STAGE_IDLE,
	STAGE_UNPACK, /* and choosing the format */
	STAGE_FRAME,  /* where does the next record end? */
	STAGE_RECORD
};
struct intake_progress {
	_Atomic uint64_t tick;   /* moves whenever the rest does */
	_Atomic uint64_t offset; /* of the record that is being looked at */
	_Atomic uint64_t input;  /* its number, if it is no header */
	_Atomic uint32_t stage;  /* enum intake_stage */
};

struct intake_job {
	str format; /* "auto" or a name */
	struct intake_hints hints;
	uint64_t resume_offset; /* records that begin before it are skipped unread (0: none); one
				 * more than where a record begins skips just that one */
	uint64_t resume_input;  /* inputs before it: next_input of the last batch that was kept */
	uint64_t packed_bytes;  /* of the whole report, for the ratio limit (0: not known) */
	uint32_t records_a_batch; /* give after so many (0: when full): to find the one that kills */
	const struct intake_skip *skip;   /* `skips` of them */
	size_t skips;
	struct intake_progress *progress; /* NULL: nobody watches */
};

struct intake_io {
	void *ctx;
	/* Up to n bytes; 0 at the end; <0: stop, the node has gone. */
	long (*read)(void *ctx, void *to, size_t n);
	/* The batch is the caller's until it returns; then it is reset. False: stop. */
	bool (*give)(void *ctx, struct batch *b);
};

struct intake_result {
	/* RC_OK: all bytes were seen, or a quarantined record says which were not. RC_INPUT: no
	 * format claims any entry (each is quarantined too), or broken hints. RC_IO: `read` or
	 * `give` said stop. */
	enum rc rc;
	char words[200];    /* "" when RC_OK */
	char format[32];    /* which format it was */
	char packing[8];    /* "", "gzip", "zip", "zstd" */
	uint64_t unpacked_bytes;
	uint32_t entries;
	bool unknown_type;  /* shadowserver: no such report type, columns by name */
	char type[64];      /* report type or "" */
};

/* `b` is the batch to fill (in the child: in the shared area). */
void intake_parse(const struct intake_job *job, const struct intake_io *io, struct batch *b,
		  struct intake_result *out);

#endif
