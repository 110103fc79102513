/* SPDX-License-Identifier: Apache-2.0 */
#include "intake/watch.h"

#include <stdatomic.h>

#include "base/clock.h"

/* 0 when it is gone already: its socket tells that better. */
static int64_t cpu_of(pid_t pid)
{
	clockid_t clock;
	struct timespec t;
	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

void watch_begin(struct watch *w, pid_t pid, const struct intake_progress *progress)
{
	int64_t cpu = cpu_of(pid);
	*w = (struct watch){
		.pid = pid,
		.progress = progress,
		.tick = atomic_load_explicit(&progress->tick, memory_order_relaxed),
		.cpu_us = cpu,
		.begun_us = cpu,
		.sampled_us = clock_mono_us(),
		.allowed_us = WATCH_REPORT_S * SECOND_US,
	};
}

void watch_sign(struct watch *w, int64_t earned_us)
{
	w->quiet = 0;
	w->allowed_us += earned_us;
}

bool watch_over(struct watch *w)
{
	int64_t now = clock_mono_us();
	if (now - w->sampled_us < WATCH_TICK_MS * 1000)
		return false;
	w->sampled_us = now;
	int64_t cpu = cpu_of(w->pid);
	if (cpu < w->cpu_us)
		cpu = w->cpu_us;
	uint64_t tick = atomic_load_explicit(&w->progress->tick, memory_order_relaxed);
	if (tick != w->tick) {
		w->tick = tick;
		w->cpu_us = cpu;
		w->quiet = 0;
	}
	/* Samples and not time: a machine that slept is not the child's fault. */
	w->quiet++;
	return cpu - w->cpu_us > WATCH_RECORD_MS * 1000 ||
	       cpu - w->begun_us > w->allowed_us || w->quiet > WATCH_QUIET_MS / WATCH_TICK_MS;
}
