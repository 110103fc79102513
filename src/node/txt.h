/* SPDX-License-Identifier: Apache-2.0 */
/* txt.h: TXT records for duties, which speak to no network themselves; asks the setting dns_server. */
#ifndef RONDA_NODE_TXT_H
#define RONDA_NODE_TXT_H

#include "node/node.h"

/* A claim_txt_fn (directory/claim.h); `node` is a struct node. */
enum rc node_txt(void *node, const char *name, struct arena *a, str **out, size_t *count_out,
		 struct err *err);

#endif
