/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h: is a parser child still getting anywhere?
 *
 * Judged from outside, by the child's CPU clock and by what it shares: 100 ms of
 * its own CPU on one record, 30 s without any sign, or far more CPU than its
 * report can need, and it is to be killed. A child that lies about its progress
 * meets the last of these. */
#ifndef RONDA_INTAKE_WATCH_H
#define RONDA_INTAKE_WATCH_H

#include <sys/types.h>

#include "intake/parse.h"

#ifdef RONDA_SANITIZED
enum { WATCH_RECORD_MS = 1000 }; /* such builds are slow and are not released */
#else
enum { WATCH_RECORD_MS = 100 };
#endif
enum { WATCH_TICK_MS = 20, WATCH_QUIET_MS = 30000, WATCH_REPORT_S = 60 };

struct watch {
	pid_t pid;
	const struct intake_progress *progress;
	uint64_t tick;
	int64_t cpu_us;      /* when the tick last moved */
	int64_t begun_us;    /* CPU at the start of the report */
	int64_t sampled_us;  /* monotonic */
	int64_t allowed_us;  /* CPU for the report, grows with what it brings */
	unsigned quiet;      /* samples in a row without a sign */
};
void watch_begin(struct watch *w, pid_t pid, const struct intake_progress *progress);
/* A message came: a sign of life. It may earn the report more time. */
void watch_sign(struct watch *w, int64_t earned_us);
/* At most every WATCH_TICK_MS looks; true: too long, kill it. */
bool watch_over(struct watch *w);

#endif
