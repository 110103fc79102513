/* SPDX-License-Identifier: Apache-2.0 */
/* figures.h: how well the watch works: how long until the responsible are told, until they answer,
 * until it is gone; who never answers; what comes back.
 *
 * Figures are reckoned from the findings, the ledger and the marks at each question (a pass over
 * all findings, memory bounded by groups and two sorts), so there is no second truth to keep in
 * step. Exercises, rehearsed messages and what the viewer may not see are in none. Each time is the
 * median of survival.h: cases still open count as censored, at `now_us` or where said here.
 *
 *   time to tell         opened -> an organisation was told; gone before: censored when it went
 *   time to acknowledge  told -> the first answer; gone before: censored when it went
 *   time to fix          opened -> gone for the first time
 *   time to fix, told    told -> gone for the first time after that
 *
 * Findings on shared addresses never go, so that they count for the first two alone. */
#ifndef RONDA_STATS_FIGURES_H
#define RONDA_STATS_FIGURES_H

#include "base/json.h"
#include "disclosure/read_lives.h"

enum figure_by { FIGURES_ALL, FIGURES_ORGANISATION, FIGURES_CLASS, FIGURES_FEED, FIGURES_COUNTRY, FIGURES_MONTH,
		 FIGURES_BYS };
const char *figure_by_name(enum figure_by by); /* "organisation" */
bool figure_by_parse(str text, enum figure_by *out);

enum figure_time { TIME_TO_TELL, TIME_TO_ACKNOWLEDGE, TIME_TO_FIX, TIME_TO_FIX_TOLD, FIGURE_TIMES };
const char *figure_time_name(enum figure_time t); /* "time_to_tell" */
enum figure_count { COUNT_FINDINGS, COUNT_OPEN, COUNT_TOLD, COUNT_ANSWERED, COUNT_CLAIMED, COUNT_GONE,
		    COUNT_RETURNED, COUNT_RELAPSED, FIGURE_COUNTS };
const char *figure_count_name(enum figure_count c); /* "findings" */

#define FIGURE_FEW UINT64_MAX /* more than none, fewer than may be shown */
struct figure_span {
	uint64_t n, censored;              /* FIGURE_FEW: see there */
	int64_t median_s, low_s, high_s;   /* seconds; -1: not reached, or not to be shown */
};
struct figure_row {
	str key;                           /* number of an organisation or feed, "type/identifier", "ID", "2026-11"; "" none */
	str name;                          /* as people say */
	uint64_t counts[FIGURE_COUNTS];    /* findings; open: of these, still; relapsed: came back after an
					    * answer said that it is fixed. FIGURE_FEW: see there */
	struct figure_span times[FIGURE_TIMES];
};
enum { FIGURE_GROUPS_MOST = 4096, FIGURE_SILENT_MOST = 50, FIGURE_SILENT_LEAST = 3 };
struct figures {
	enum figure_by by;
	int64_t since_us, until_us, now_us;
	struct figure_row all;
	struct figure_row *rows;           /* most findings first; months in order */
	size_t count;
	bool public;                       /* what may be published */
	bool cut;                          /* more groups than that: the rest is in a row "(others)" */
	struct ledger_count *messages; size_t message_count;
	struct ledger_silence *silent; size_t silent_count; /* names: figures_json() */
};
struct figures_query {
	enum figure_by by;
	int64_t since_us, until_us; /* findings opened, messages ended then; until 0: now */
	int64_t now_us;
	const struct directory *directory; /* for names; may be NULL */
	const char *dir;            /* where files for sorting may be */
	uint64_t silent_least;      /* who was told so often and never answered; 0: FIGURE_SILENT_LEAST */
};
/* In `a`. RC_DENIED: no right to read; the public asks by organisation or feed, or since when to
 * less than a month. */
MUST_CHECK enum rc figures_read(struct reader *r, const struct viewer *v, const struct figures_query *q,
				struct arena *a, struct figures *out, struct err *err);

/* {"by","since","until","all":{…},"rows":[…],"messages":[…],"silent":[…]}: members into an object that is
 * open. Times are seconds, null when not reached; counts that are too few to be shown are null. */
void figures_json(const struct figures *f, const struct directory *d, struct json_out *j);
/* "2026-01-31", a time of RFC 3339, "2026-01" for its first day, or "30d" before `now_us`; false: none. */
bool figure_time_parse(str text, int64_t now_us, int64_t *us_out);
/* One row: {"key","name","findings",…,"time_to_tell":{"n","censored","median","low","high"},…} */
void figure_row_json(const struct figure_row *row, struct json_out *j);
/* What "organisation--UUID" is called; itself when it is not in the directory. */
str figure_organisation(const struct directory *d, str organisation);
/* "2 h 5 min", "3 d 4 h"; below a minute seconds; negative: "not reached". */
str figure_words(struct arena *a, int64_t seconds);

#endif
