/* SPDX-License-Identifier: Apache-2.0 */
#include "node/txt.h"

#include "http/dns.h"

enum { TXT_TIMEOUT_MS = 10000 };

enum rc node_txt(void *node, const char *name, struct arena *a, str **out, size_t *count_out,
		 struct err *err)
{
	const struct node *n = node;
	const struct dns_ask ask = { .server = arena_z(a, settings_text(n->settings, "dns_server")),
				     .timeout_ms = TXT_TIMEOUT_MS };
	return dns_txt(&ask, name, a, out, count_out, err);
}
