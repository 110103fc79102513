/* SPDX-License-Identifier: Apache-2.0 */
/* child_private.h: for tests: a pool whose children are another helper. */
#ifndef RONDA_INTAKE_CHILD_PRIVATE_H
#define RONDA_INTAKE_CHILD_PRIVATE_H

#include "intake/child.h"

/* `helper` is static. */
MUST_CHECK enum rc parser_pool_of(struct starter *starter, struct log *log, unsigned most,
				  const char *helper, struct parser_pool **out, struct err *err);

#endif
