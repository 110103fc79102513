/* SPDX-License-Identifier: Apache-2.0 */
/* demo_crew.h: many short works of the demonstration beside each other, each in a process of its own that ends with it. */
#ifndef RONDA_CLI_DEMO_CREW_H
#define RONDA_CLI_DEMO_CREW_H

#include <stdbool.h>

#include "base/rc.h"

struct crew_work {
	unsigned from, to;      /* numbers from .. to - 1 */
	/* In another process: what it changes in memory is gone when it ends. */
	enum rc (*each)(void *ctx, unsigned number, struct err *err);
	/* Here, after each that is done; false: the others are not begun any more. */
	bool (*done)(void *ctx, unsigned count, unsigned of);
	void *ctx;
};
/* The first error; RC_OK also when `done` ended it. No thread of this process may run. */
MUST_CHECK enum rc crew_run(const struct crew_work *w, struct err *err);

#endif
