/* SPDX-License-Identifier: Apache-2.0 */
/* duty_private.h: what the files of 'ronda duty' share. */
#ifndef RONDA_CLI_DUTY_PRIVATE_H
#define RONDA_CLI_DUTY_PRIVATE_H

#include "cli/cli_private.h"
#include "duty/duty.h"
#include "duty/show.h"

/* One call; types and a view of the store are held while it runs. */
struct duty_call {
	struct cli *c;
	const struct types *types;
	struct reader *r;
	int argc;                  /* behind the word */
	char **argv;
};
typedef int (*duty_word)(struct duty_call *k);

int duty_plan_word(struct duty_call *k);
int duty_call_word(struct duty_call *k);
/* A day of the node's time zone, "2026-12-01", or a number of days or weeks; TIME_NONE: none. */
bool duty_day(const char *text, int32_t *out);

#endif
