/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h: the one clock of a program, and times as text.
 *
 * Times are int64_t microseconds since 1970-01-01 UTC (`_us`), without leap
 * seconds. Deadlines use the monotonic clock (`clock_mono_us`), never the
 * wall. Only a build with -Dtest_clock=true can move the clock (a test proves
 * that a release cannot): RONDA_CLOCK_FILE then names a file holding seconds
 * to add. Reading text follows RFC 3339 and ISO 8601. */
#ifndef RONDA_BASE_CLOCK_H
#define RONDA_BASE_CLOCK_H

#include "base/buf.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)
#define TIME_NONE INT64_MIN

int64_t clock_now_us(void);
int64_t clock_mono_us(void);

/* Adds `us` to what clock_now_us() says, for tests; without -Dtest_clock=true
 * it does nothing and returns false. */
bool clock_move(int64_t us);

/* "2026-11-22T02:45:29+00:00", with ".123456" when there are microseconds:
 * IntelMQ's DateTime. `buf` takes up to 40 bytes. */
void time_format(struct buf *out, int64_t us);
str time_str(char text[40], int64_t us);
/* "2026-11-22" */
str time_day_str(char text[16], int64_t us);

/* Days since 1970-01-01 (floor), and back to its midnight. */
int32_t time_day(int64_t us);

/* RFC 3339, ISO 8601 basic separators, "YYYY-MM-DD hh:mm:ss[.frac]" with an
 * optional zone (Z, +hh:mm, +hhmm, " UTC"); without a zone `UTC` is meant when
 * `assume_utc`, else refused. A bare date is its midnight. Years 1970 to 2262. */
bool time_parse(str text, bool assume_utc, int64_t *us_out);

/* "90s", "15m", "12h", "3d", "1w" or a bare number of seconds. */
bool duration_parse(str text, int64_t *us_out);
void duration_format(struct buf *out, int64_t us);

#endif
