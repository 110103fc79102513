/* SPDX-License-Identifier: Apache-2.0 */
/* defang.h: names and URLs that nobody opens by mistake, for human text. */
#ifndef RONDA_NOTIFY_DEFANG_H
#define RONDA_NOTIFY_DEFANG_H

#include "base/buf.h"

/* "url http://a.example/x" -> "url hxxp://a[.]example/x"; names of hosts and addresses behind "name",
 * "account" the same. What begins with "ip" or "network" is the recipient's own and stays. */
void defang_key(str key, struct buf *out);

#endif
