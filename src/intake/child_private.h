/* SPDX-License-Identifier: Apache-2.0 */
/* child_private.h: for tests: a pool whose children are another helper. */
#ifndef RONDA_INTAKE_CHILD_PRIVATE_H
#define RONDA_INTAKE_CHILD_PRIVATE_H

#include "intake/child.h"

/* `helper` is static. */
MUST_CHECK enum rc parser_pool_of(struct starter *starter, struct log *log, unsigned most,
				  const char *helper, struct parser_pool **out, struct err *err);

/* The child in slot `i`, 0 when it has none; only while nothing runs. */
pid_t parser_pool_pid(const struct parser_pool *p, unsigned i);

#endif
