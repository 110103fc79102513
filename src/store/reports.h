/* SPDX-License-Identifier: Apache-2.0 */
/* reports.h: reports and their raw bytes, raw first.
 *
 * A report is what was delivered once. Its bytes are kept (raw/DAY.seg, zstd
 * where that helps) and digested before anything is parsed; the row then says
 * how far parsing came, in the same transaction as the events themselves. So an
 * interrupted report resumes where it stopped, and a finished one that is sent
 * again gets its first summary back. Small ones are packed later (pack.h); what
 * is here reads both. */
#ifndef RONDA_STORE_REPORTS_H
#define RONDA_STORE_REPORTS_H

#include "store/store.h"

enum report_state { REPORT_PARSING = 1, REPORT_DONE = 2, REPORT_REFUSED = 3, REPORT_UNDONE = 4 };

struct report_counts {
	uint64_t inputs, accepted, events, repeats, quarantined, dropped, blank;
};

struct report {
	int64_t id;
	int64_t feed;             /* id of the feed */
	enum report_state state;
	int64_t received_us;
	struct digest digest;     /* SHA-256 of the bytes as delivered; zero of a packed one */
	uint64_t bytes;
	char format[32];          /* asked for ("auto"), then found */
	char file_name[256];      /* plain text, cut; data, never a path */
	char type[64];            /* report type found, or "" */
	uint32_t parser_version;
	uint64_t next_offset, next_input;
	struct report_counts counts;
	int64_t parse_us;         /* time spent */
	char words[200];          /* why it was refused */
	bool exercise;
};

/* Collects the bytes of one delivery: store_raw_add() as they come (frames of
 * up to 256 KiB are appended without being named), then report_received(). */
struct raw_intake;
MUST_CHECK enum rc raw_begin(struct store *s, struct raw_intake **out, struct err *err);
MUST_CHECK enum rc raw_add(struct raw_intake *r, str bytes, struct err *err);
void raw_abort(struct raw_intake *r); /* forgets them; NULL is fine */
/* Makes report and bytes durable. `r` fields read: feed, format, file_name,
 * exercise. When the same feed had the same bytes before: *known_out is true
 * and `r` is that report. Ends `in`. */
MUST_CHECK enum rc report_received(struct raw_intake *in, struct report *r, bool *known_out,
				   struct err *err);

MUST_CHECK enum rc report_load(struct conn *c, int64_t id, struct report *out, struct err *err);
/* Inside a job: writes state, format, type, next_*, counts, words, parse_us. */
MUST_CHECK enum rc report_save(struct tx *tx, const struct report *r, struct err *err);
/* Inside a job, for what must leave the disk: nothing names the delivered bytes any
 * more, nor the file name and words. `file` is told each raw segment in which they
 * still stand. The digest stays: sent again it is known. */
MUST_CHECK enum rc report_erase(struct tx *tx, int64_t id,
				enum rc (*file)(void *ctx, int32_t day, uint32_t number,
						struct err *err),
				void *ctx, struct err *err);
/* Ids of reports in state PARSING, oldest first: to be resumed at start. */
MUST_CHECK enum rc report_unfinished(struct conn *c, struct arena *a, int64_t **ids_out,
				     size_t *count_out, struct err *err);

/* Reads the delivered bytes of a report from the start. */
struct raw_reader;
MUST_CHECK enum rc raw_open(struct store *s, int64_t report, struct raw_reader **out, struct err *err);
long raw_read(struct raw_reader *r, void *to, size_t n); /* 0 end, <0 damaged: raw_error */
const struct err *raw_error(const struct raw_reader *r);
void raw_rewind(struct raw_reader *r);
void raw_close(struct raw_reader *r);

#endif
