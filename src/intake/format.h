/* SPDX-License-Identifier: Apache-2.0 */
/* format.h: how one format of reports becomes events.
 *
 * A format is one file with one const struct intake_format, and one row in
 * formats.def. Its functions are pure: bytes and arena in, events out. They do
 * no I/O, read no clock and know no settings; they run in the locked parser
 * child, in unit tests and under the fuzzer alike.
 *
 * The driver (intake_parse, parse.h) cuts the unpacked bytes into records with
 * `frame`, keeps the limits of one record, counts, and calls `record` for each.
 * `record` makes rows in p->batch (normalise.h), or calls one of parse_blank,
 * parse_drop, parse_reject exactly once. Making neither is our bug and becomes
 * a quarantined record. */
#ifndef RONDA_INTAKE_FORMAT_H
#define RONDA_INTAKE_FORMAT_H

#include "event/batch.h"

/* What came with the report, beside its bytes. All may be STR_NONE. */
struct intake_hints {
	str file_name; /* of the report, or of the archive's entry: data, never a path */
	str feed;      /* name of the feed */
	str mapping;   /* a mapping file (csv) or schema (shadowserver), its bytes */
};

/* The first bytes of an unpacked report, for `claims`. */
struct intake_sample {
	str head;  /* up to 64 KiB */
	bool whole; /* the head is all there is */
	const struct intake_hints *hints;
};

struct parse {
	struct batch *batch;
	struct arena *report;  /* lives as long as this entry of the report */
	struct arena *record;  /* reset after each record */
	const struct intake_hints *hints;
	void *state;           /* the format's own, in p->report */
	str bytes;             /* the record now, without its line end */
	uint64_t input;        /* its number, if it is no header */
	uint64_t offset;       /* of the record in the unpacked entry, plus the entry's base */
	uint32_t line;
	bool unended;          /* no line end behind it: the report may have been cut off here */
	bool header;           /* set by `record`: this was a header, not an input */
	bool told;             /* blank, drop or reject was called */
	bool unknown_type;     /* set by a format: no such report type (intake_result) */
	char type[64];         /* set by a format: report type, or "" */
};

struct intake_format {
	const char *name, *brief;
	/* How sure these bytes are ours: 0 no, 100 certain; the surest format wins. */
	int (*claims)(const struct intake_sample *s);
	/* Length of the first record with its line end; 0: needs more bytes. NULL: lines. */
	size_t (*frame)(str window, bool last);
	/* Once per entry, before its first record. NULL: nothing to do. RC_INPUT: the hints are
	 * no good (a broken mapping file): the report is refused with these words. */
	enum rc (*open)(struct parse *p, struct err *err);
	void (*record)(struct parse *p);
	/* True while the next record may be the header of the entry: a report that is resumed
	 * shows it to `record` again, and nothing else of what was done before. NULL: no header. */
	bool (*wants_header)(const struct parse *p);
};

void parse_blank(struct parse *p);
void parse_drop(struct parse *p);
void parse_reject(struct parse *p, enum reject reason, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Begin and end of an event of this record; end rejects the record when the row
 * broke a limit (false then). An input may make several events; a rejected one
 * has none: parse_reject takes back those made before. */
void parse_event(struct parse *p);
bool parse_event_end(struct parse *p);

/* A `frame` for CSV: a quote opens only at the start of a field, and a quote that
 * is never closed costs its own line, not the rest of the report. */
size_t parse_frame_csv(str window, char delimiter, char quote, bool last);

extern const struct intake_format *const intake_formats[];
extern const size_t intake_format_count;
const struct intake_format *intake_format_find(str name);
/* By content; NULL when none claims it. */
const struct intake_format *intake_format_guess(const struct intake_sample *s);

#endif
